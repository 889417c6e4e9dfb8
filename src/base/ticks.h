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

/* Is there a counter that ticks_count() reads, in one instruction? */
static inline bool ticks_are_counted(void)
{
#if defined(__x86_64__)
	return __atomic_load_n(&ticks_are_cycles_, __ATOMIC_RELAXED);
#elif defined(__aarch64__)
	return true;
#else
	return false;
#endif
}

static inline uint64_t ticks_count(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return 0;
#endif
}

static inline uint64_t ticks_now(void)
{
	struct timespec now;

	if (__builtin_expect(ticks_are_counted(), 1))
		return ticks_count();
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

struct ticks_point ticks_point_now(void);
/* A stamp in nanoseconds; from and to are different points, the stamp need not be between them. */
uint64_t ticks_to_ns(uint64_t ticks, const struct ticks_point *from, const struct ticks_point *to);

#endif
