/* SPDX-License-Identifier: MIT */
/* Numbers that are collected, and what can be said of them. */
#ifndef BENCH_LATENCIES_H
#define BENCH_LATENCIES_H

#include "bench/bench.h"

struct bench_latencies {
	double *values;
	size_t count, room;
};

/* Out of memory: dropped, there are enough then. */
void bench_latencies_add(struct bench_latencies *latencies, double value);
void bench_latencies_fini(struct bench_latencies *latencies);
/* Sorts them. */
struct bench_distribution bench_distribution_of(struct bench_latencies *latencies);

#endif
