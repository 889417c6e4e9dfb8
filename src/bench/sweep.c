/* SPDX-License-Identifier: MIT */
#include "bench/sweep.h"

#include "base/check.h"
#include "bench/method.h"

#define KI UINT64_C(1024)
#define MI (KI * KI)

// clang-format off
const struct bench_sweep bench_sweeps[] = {
	{
		.name = "hits", .title = "Translation of a request with PASID, nested",
		.along = "pages in the working set",
		.lines = {
			{"hit", "ns", "IOTLB larger than the working set", .base = {{1, BENCH_M}},
			 .limit = 4, .method = &bench_iotlb_hit},
			{"any", "ns", "IOTLB of default size", .base = {{1, BENCH_M}},
			 .limit = 16, .method = &bench_random_pages},
		},
		.points = {1, 8, 64, 512, 1 * KI, 4 * KI, 16 * KI, 64 * KI, 128 * KI, 256 * KI},
		.quick_most = 4 * KI,
	},
	{
		.name = "invalidations", .title = "Invalidation descriptors, executed without a wait",
		.along = "entries cached",
		.lines = {
			{"page", "ns", "page-selective", .base = {{1, BENCH_M}},
			 .limit = 20, .method = &bench_invalidate_page},
			{"pasid", "ns", "PASID-selective", .base = {{1, BENCH_M}},
			 .limit = 20, .method = &bench_invalidate_pasid},
		},
		.points = {1 * KI, 2 * KI, 4 * KI, 8 * KI, 16 * KI, 32 * KI, 64 * KI, 128 * KI},
		.quick_most = 4 * KI,
	},
	{
		.name = "binds", .title = "Bind and unbind by the host driver",
		.along = "PASIDs bound",
		.lines = {
			{"bind", "ns", "one more PASID", .base = {{100, BENCH_M}, {4, BENCH_R}},
			 .limit = 1, .method = &bench_bind},
		},
		.points = {1, 16, 256, 4 * KI, 64 * KI, 256 * KI, MI},
		.quick_most = 256,
	},
};
// clang-format on
const size_t bench_sweep_count = ARRAY_LEN(bench_sweeps);

void bench_sweep_measure(struct bench *bench, const struct bench_sweep *sweep, unsigned line,
			 uint64_t point, struct bench_result *out)
{
	struct bench_figure figure = sweep->lines[line];

	figure.parameter = point;
	bench_measure(bench, &figure, out);
	out->figure = &sweep->lines[line];
}
