/* SPDX-License-Identifier: MIT */
/* How figures grow: the same method at many parameters. */
#ifndef BENCH_SWEEP_H
#define BENCH_SWEEP_H

#include "bench/bench.h"

#define SWEEP_LINES  2u
#define SWEEP_POINTS 16u

struct bench_sweep {
	const char *name, *title, *along;       /* along: what grows, "pages in the working set" */
	struct bench_figure lines[SWEEP_LINES]; /* text: what the line is; without a method: none */
	uint64_t points[SWEEP_POINTS];          /* ascending; 0 ends them */
	uint64_t quick_most;                    /* no more than that in a hurry */
};

extern const struct bench_sweep bench_sweeps[];
extern const size_t bench_sweep_count;

/* One line at one point. */
void bench_sweep_measure(struct bench *bench, const struct bench_sweep *sweep, unsigned line,
			 uint64_t point, struct bench_result *out);

#endif
