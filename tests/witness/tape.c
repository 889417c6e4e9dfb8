/* SPDX-License-Identifier: MIT */
#include "tape.h"

#include <string.h>

/* Bytes of the entries that are read whole. */
enum { LEGACY_BYTES = 16, CONTEXT_BYTES = 32, PASID_BYTES = 64 };

static bool tape_read(void *ctx, uint64_t hpa, void *buf, unsigned len)
{
	struct tape *tape = ctx;
	struct tape_read *r = &tape->reads[tape->count];

	if (!gen_mem_read(&tape->copy, hpa, buf, len))
		return false;
	if (tape->count < TAPE_MAX) {
		tape->count++;
		*r = (struct tape_read){.hpa = hpa, .qwords = len / 8};
		memcpy(r->value, buf, len);
	}
	return true;
}

static bool tape_cas64(void *ctx, uint64_t hpa, uint64_t *expected, uint64_t desired)
{
	struct tape *tape = ctx;

	if (!gen_mem_cas64(&tape->copy, hpa, expected, desired))
		return false;
	if (tape->swap_count < TAPE_MAX)
		tape->swaps[tape->swap_count++] = hpa;
	return true;
}

struct refwalk_result tape_translate(struct tape *tape, const struct refwalk_request *request)
{
	struct refwalk_unit unit = gen_unit(&tape->copy);

	tape->count = 0;
	tape->swap_count = 0;
	unit.mem.ctx = tape;
	unit.mem.read = tape_read;
	unit.mem.cas64 = tape_cas64;
	return refwalk_translate(&unit, request);
}

/* The last entry of that size: the first ones of a translation that began anew do not count. In
 * legacy mode the root entry has the size of the context entry and comes first. */
static const struct tape_read *find(const struct tape *tape, unsigned bytes)
{
	for (unsigned i = tape->count; i-- > 0;)
		if (tape->reads[i].qwords == bytes / 8)
			return &tape->reads[i];
	return NULL;
}

static void read_legacy(const struct tape *tape, struct tape_space *space)
{
	const struct tape_read *context = find(tape, LEGACY_BYTES);

	if (!context || context == tape->reads || !(context->value[0] & 1))
		return;
	space->found = true;
	space->did = (uint16_t)(context->value[1] >> 8);
	space->pgtt = (context->value[0] >> 2 & 3) == 2 ? 4 : 2;
	space->aw = context->value[1] & 7;
	space->second_root = context->value[0] & ~0xfffULL;
}

static void read_pasid(const struct tape_read *entry, struct tape_space *space)
{
	const uint64_t *q = entry->value;

	if (!(q[0] & 1))
		return;
	space->found = true;
	space->did = (uint16_t)q[1];
	space->pgtt = q[0] >> 6 & 7;
	space->aw = q[0] >> 2 & 7;
	space->ssade = q[0] & 0x200;
	space->second_root = q[0] & ~0xfffULL;
	space->fspm = q[2] >> 2 & 3;
	space->eafe = q[2] & 0x80;
	space->first_root = q[2] & ~0xfffULL;
}

struct tape_space tape_space(const struct tape *tape, const struct refwalk_request *request)
{
	struct tape_space space = {.rid = request->rid, .pasid = request->pasid};
	const struct tape_read *context = find(tape, CONTEXT_BYTES), *entry;

	if ((tape->copy.world->rtaddr >> 10 & 3) == 0) {
		space.pasid = 0;
		read_legacy(tape, &space);
		return space;
	}
	if (!request->has_pasid)
		space.pasid = context ? context->value[1] & 0xfffff : 0;
	entry = find(tape, PASID_BYTES);
	if (entry)
		read_pasid(entry, &space);
	return space;
}
