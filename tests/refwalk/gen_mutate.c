/* SPDX-License-Identifier: MIT */
/* Mutations: what can be wrong with an entry, and what software does to it while the unit runs. */
#include "gen.h"
#include "gen_chance.h"

#include <string.h>

struct editor {
	const struct gen_world *world;
	uint8_t *bytes;
	struct gen_rng *rng;
};

static uint64_t peek(const struct editor *ed, uint64_t hpa)
{
	uint64_t value;

	memcpy(&value, ed->bytes + (hpa - ed->world->base), 8);
	return value;
}

static void poke(struct editor *ed, uint64_t hpa, uint64_t value)
{
	memcpy(ed->bytes + (hpa - ed->world->base), &value, 8);
}

uint64_t gen_nowhere(struct gen_rng *rng, const struct gen_world *world)
{
	uint64_t chance = below(rng, 4);

	if (chance == 0)
		return world->noise;
	if (chance == 1)
		return world->base + world->len;
	return next(rng) & low_mask(world->haw) & ADDR_FIELD;
}

static uint64_t misdirect(struct editor *ed, uint64_t entry)
{
	return (entry & ~ADDR_FIELD) | gen_nowhere(ed->rng, ed->world);
}

static uint64_t too_wide(struct editor *ed, uint64_t entry)
{
	unsigned haw = ed->world->haw;

	if (percent(ed->rng, 50) && haw < 52)
		return entry | BIT(haw + below(ed->rng, 52 - haw));
	return entry | BIT(36 + below(ed->rng, 16));
}

static uint64_t flip(struct editor *ed, uint64_t entry, unsigned from, unsigned count)
{
	return entry ^ BIT(from + below(ed->rng, count));
}

static uint64_t mutate_paging(struct editor *ed, uint64_t e, bool second)
{
	uint64_t present = second ? 3 : 1;

	switch (below(ed->rng, 12)) {
	case 0:
		return flip(ed, e, 0, 64);
	case 1:
		return e & ~present;
	case 2:
		return misdirect(ed, e);
	case 3:
		return too_wide(ed, e);
	case 4:
		return e ^ BIT(7);
	case 5:
		return second ? e & ~1ULL : e & ~2ULL;
	case 6:
		return second ? e & ~2ULL : e & ~4ULL;
	case 7:
		return second ? e ^ BIT(11) : flip(ed, e, 5, 2);
	case 8:
		return second ? e ^ BIT(62) : flip(ed, e, 12, 18);
	case 9:
		return (e & ~ADDR_FIELD) | 0xfee00000ULL | below(ed->rng, 256) << 12;
	case 10:
		return second ? e & ~0x300ULL : e & ~0x460ULL;
	default:
		return flip(ed, e, 0, 12);
	}
}

static uint64_t mutate_pasid_q0(struct editor *ed, uint64_t q)
{
	switch (below(ed->rng, 8)) {
	case 0:
		return q & ~1ULL;
	case 1:
		return q | 2;
	case 2:
		return (q & ~(7ULL << 6)) | below(ed->rng, 8) << 6;
	case 3:
		return (q & ~(7ULL << 2)) | below(ed->rng, 8) << 2;
	case 4:
		return misdirect(ed, q);
	case 5:
		return too_wide(ed, q);
	case 6:
		return q ^ BIT(9);
	default:
		return flip(ed, q, 0, 12);
	}
}

static uint64_t mutate_pasid_q2(struct editor *ed, uint64_t q)
{
	switch (below(ed->rng, 6)) {
	case 0:
		return q & ~1ULL;
	case 1:
		return q ^ BIT(4);
	case 2:
		return (q & ~(3ULL << 2)) | below(ed->rng, 4) << 2;
	case 3:
		return misdirect(ed, q);
	case 4:
		return too_wide(ed, q);
	default:
		return flip(ed, q, 0, 12);
	}
}

static void mutate_pasid(struct editor *ed, uint64_t hpa)
{
	uint64_t chance = below(ed->rng, 100);
	uint64_t other = hpa + 8 * below(ed->rng, 8);

	if (chance < 40)
		poke(ed, hpa, mutate_pasid_q0(ed, peek(ed, hpa)));
	else if (chance < 75)
		poke(ed, hpa + 16, mutate_pasid_q2(ed, peek(ed, hpa + 16)));
	else if (chance < 85)
		poke(ed, hpa + 8, peek(ed, hpa + 8) ^ BIT(23));
	else
		poke(ed, other, flip(ed, peek(ed, other), 0, 64));
}

static uint64_t mutate_context_q0(struct editor *ed, uint64_t q)
{
	switch (below(ed->rng, 8)) {
	case 0:
		return q & ~1ULL;
	case 1:
		return q | 2;
	case 2:
		return misdirect(ed, q);
	case 3:
		return too_wide(ed, q);
	case 4:
		return q & ~(7ULL << 9);
	case 5:
		return q ^ BIT(4);
	default:
		return flip(ed, q, 0, 12);
	}
}

static void mutate_context(struct editor *ed, uint64_t hpa)
{
	uint64_t size = ed->world->scalable ? 4 : 2;
	uint64_t other = hpa + 8 * below(ed->rng, size);

	if (percent(ed->rng, 70))
		poke(ed, hpa, mutate_context_q0(ed, peek(ed, hpa)));
	else if (percent(ed->rng, 50))
		poke(ed, hpa + 8, flip(ed, peek(ed, hpa + 8), 0, ed->world->scalable ? 21 : 3));
	else
		poke(ed, other, flip(ed, peek(ed, other), 0, 64));
}

static uint64_t mutate_pointer(struct editor *ed, uint64_t q)
{
	switch (below(ed->rng, 4)) {
	case 0:
		return q & ~1ULL;
	case 1:
		return misdirect(ed, q);
	case 2:
		return too_wide(ed, q);
	default:
		return flip(ed, q, 0, 12);
	}
}

static enum gen_kind random_kind(struct editor *ed)
{
	uint64_t chance = below(ed->rng, 100);

	if (chance < 4)
		return GEN_ROOT;
	if (chance < 14)
		return GEN_CONTEXT;
	if (chance < 20)
		return GEN_DIRECTORY;
	if (chance < 45)
		return GEN_PASID;
	return chance < 70 ? GEN_FIRST : GEN_SECOND;
}

static void mutate(struct editor *ed, enum gen_kind kind, uint64_t hpa)
{
	if (kind == GEN_PASID)
		mutate_pasid(ed, hpa);
	else if (kind == GEN_CONTEXT)
		mutate_context(ed, hpa);
	else if (kind == GEN_ROOT || kind == GEN_DIRECTORY)
		poke(ed, hpa, mutate_pointer(ed, peek(ed, hpa)));
	else
		poke(ed, hpa, mutate_paging(ed, peek(ed, hpa), kind == GEN_SECOND));
}

static unsigned qwords_of(const struct gen_world *world, enum gen_kind kind)
{
	switch (kind) {
	case GEN_CONTEXT:
		return world->scalable ? 4 : 2;
	case GEN_PASID:
		return 8;
	default:
		return 1;
	}
}

bool gen_mutate(struct gen_rng *rng, const struct gen_world *world, uint8_t *bytes,
		struct gen_change *change)
{
	struct editor ed = {world, bytes, rng};
	enum gen_kind kind = random_kind(&ed);
	const struct gen_slots *slots = &world->slots[kind];

	if (!slots->count)
		return false;
	*change = (struct gen_change){.kind = kind,
				      .slot = &slots->at[below(rng, slots->count)],
				      .qwords = qwords_of(world, kind)};
	for (unsigned i = 0; i < change->qwords; i++)
		change->before[i] = peek(&ed, change->slot->hpa + 8ULL * i);
	mutate(&ed, kind, change->slot->hpa);
	for (unsigned i = 0; i < change->qwords; i++)
		change->after[i] = peek(&ed, change->slot->hpa + 8ULL * i);
	return true;
}
