/* SPDX-License-Identifier: MIT */
/*
 * Time for stamping what happens millions of times a second: the processor's own counter where it runs
 * evenly and is the same on all processors, else the monotonic clock. Stamps become nanoseconds of
 * CLOCK_MONOTONIC when somebody reads them, from two points at which both clocks were read.
 */
#ifndef BASE_TICKS_H
#define BASE_TICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Both clocks at one moment. */
struct ticks_point {
	uint64_t ticks, ns;
};

/* Is the processor's counter used? Found out by the first ticks_point_now(). */
extern bool ticks_are_cycles_;

static inline uint64_t ticks_now(void)
{
	struct timespec now;

#if defined(__x86_64__)
	if (__builtin_expect(__atomic_load_n(&ticks_are_cycles_, __ATOMIC_RELAXED), 1))
		return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#endif
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct ticks_point ticks_point_now(void);
/* A stamp in nanoseconds; from and to are different points, the stamp need not be between them. */
uint64_t ticks_to_ns(uint64_t ticks, const struct ticks_point *from, const struct ticks_point *to);

#endif
