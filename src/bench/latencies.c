/* SPDX-License-Identifier: MIT */
#include "bench/latencies.h"

#include <stdlib.h>

void bench_latencies_add(struct bench_latencies *latencies, double value)
{
	if (latencies->count == latencies->room) {
		size_t room = latencies->room ? 2 * latencies->room : 64;
		double *values = realloc(latencies->values, room * sizeof(*values));

		if (!values)
			return;
		latencies->values = values;
		latencies->room = room;
	}
	latencies->values[latencies->count++] = value;
}

void bench_latencies_fini(struct bench_latencies *latencies)
{
	free(latencies->values);
	*latencies = (struct bench_latencies){0};
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* The least value that so large a part of all does not exceed. */
static double quantile(const struct bench_latencies *sorted, double part)
{
	size_t rank = (size_t)(part * (double)sorted->count);

	return sorted->values[rank < sorted->count ? rank : sorted->count - 1];
}

struct bench_distribution bench_distribution_of(struct bench_latencies *latencies)
{
	if (!latencies->count)
		return (struct bench_distribution){0};
	qsort(latencies->values, latencies->count, sizeof(latencies->values[0]), compare);
	return (struct bench_distribution){
		.count = latencies->count,
		.median = quantile(latencies, 0.5),
		.least = latencies->values[0],
		.most = latencies->values[latencies->count - 1],
		.p90 = quantile(latencies, 0.9),
		.p99 = quantile(latencies, 0.99),
		.p999 = quantile(latencies, 0.999),
	};
}
