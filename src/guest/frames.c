/* SPDX-License-Identifier: MIT */
/* Guest RAM, a frame at a time; frame 0 is never given out. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "guest/guest.h"

static bool is_run_free(const struct vsva_guest *guest, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		if (guest->frame_used[i])
			return false;
	return true;
}

static bool find_run(const struct vsva_guest *guest, uint64_t count, uint64_t *first)
{
	uint64_t frames = guest->ram_len / VSVA_PAGE_SIZE, steps = frames / count;
	uint64_t start = (guest->frame_next + count - 1) / count;

	for (uint64_t i = 0; i < steps; i++) {
		uint64_t candidate = (start + i) % steps * count;

		if (candidate && is_run_free(guest, candidate, count)) {
			*first = candidate;
			return true;
		}
	}
	return false;
}

int frame_alloc(struct vsva_guest *guest, unsigned order, gpa_t *out)
{
	uint64_t count = UINT64_C(1) << order, first;

	if (guest->frames_free < count || !find_run(guest, count, &first))
		return -ENOMEM;
	memset(&guest->frame_used[first], 1, count);
	guest->frames_free -= count;
	guest->frame_next = first + count;
	*out = gpa(first * VSVA_PAGE_SIZE);
	memset(frame_memory(guest, *out), 0, count * VSVA_PAGE_SIZE);
	return 0;
}

void frame_free(struct vsva_guest *guest, gpa_t frame, unsigned order)
{
	uint64_t count = UINT64_C(1) << order, first = frame.v / VSVA_PAGE_SIZE;

	CHECK(guest->frame_used[first]);
	memset(&guest->frame_used[first], 0, count);
	guest->frames_free += count;
}

void *frame_memory(struct vsva_guest *guest, gpa_t address)
{
	CHECK(address.v < guest->ram_len);
	return guest->ram + address.v;
}
