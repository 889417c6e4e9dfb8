/* SPDX-License-Identifier: MIT */
#include "base/ticks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* Of so many readings of both clocks the closest one counts: a thread may be interrupted in between. */
#define READINGS 5

bool ticks_are_cycles_;

/* "Invariant TSC": the same rate in all states of the processor. */
static bool has_even_counter(void)
{
#if defined(__x86_64__)
	unsigned a, b, c, d;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
#else
	return false;
#endif
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct ticks_point ticks_point_now(void)
{
	struct ticks_point best = {0};
	uint64_t narrowest = UINT64_MAX;

	__atomic_store_n(&ticks_are_cycles_, has_even_counter(), __ATOMIC_RELAXED);
	for (int i = 0; i < READINGS; i++) {
		uint64_t before = ticks_now(), ns = monotonic_ns(), width = ticks_now() - before;

		if (width >= narrowest)
			continue;
		narrowest = width;
		best = (struct ticks_point){.ticks = before + width / 2, .ns = ns};
	}
	return best;
}

uint64_t ticks_to_ns(uint64_t ticks, const struct ticks_point *from, const struct ticks_point *to)
{
	int64_t span = (int64_t)(to->ticks - from->ticks);
	int64_t ns = (int64_t)(to->ns - from->ns);

	if (span <= 0)
		return from->ns;
	return from->ns + (uint64_t)(int64_t)((__int128)(int64_t)(ticks - from->ticks) * ns / span);
}
