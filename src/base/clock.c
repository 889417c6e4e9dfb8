/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

#include "base/sched.h"

/* The time at which the clock stands, or CLOCK_RUNS. Atomic. */
#define CLOCK_RUNS UINT64_MAX

static uint64_t manual_ns = CLOCK_RUNS;

uint64_t clock_now_ns(void)
{
	uint64_t ns = __atomic_load_n(&manual_ns, __ATOMIC_ACQUIRE);
	struct timespec now;

	if (ns != CLOCK_RUNS)
		return ns;
	if (sched_is_on())
		return sched_now_ns();
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void clock_set_manual(uint64_t ns)
{
	__atomic_store_n(&manual_ns, ns, __ATOMIC_RELEASE);
}

void clock_set_real(void)
{
	__atomic_store_n(&manual_ns, CLOCK_RUNS, __ATOMIC_RELEASE);
}
