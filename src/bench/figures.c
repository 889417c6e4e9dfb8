/* SPDX-License-Identifier: MIT */
/* Which figures there are, and what they may cost. */
#include "bench/method.h"

#include "base/check.h"

#define KI UINT64_C(1024)
#define MI (KI * KI)

// clang-format off
const struct bench_figure bench_figures[] = {
	{"iotlb_hit_1", "ns", "IOTLB hit, nested, with PASID, 1 page",
	 .base = {{1, BENCH_M}}, .limit = 1.2, .method = &bench_iotlb_hit, .parameter = 1},
	{"iotlb_hit_64", "ns", "… 64 pages",
	 .base = {{1, BENCH_M}}, .limit = 1.2, .method = &bench_iotlb_hit, .parameter = 64},
	{"iotlb_hit_1k", "ns", "… 1,024 pages",
	 .base = {{1, BENCH_M}}, .limit = 1.2, .method = &bench_iotlb_hit, .parameter = KI},
	{"iotlb_hit_64k", "ns", "… 64 Ki pages",
	 .base = {{1, BENCH_M}}, .limit = 4, .method = &bench_iotlb_hit, .parameter = 64 * KI},
	{"iotlb_hit_no_pasid", "ns", "… 64 pages, requests without PASID",
	 .beside = "with PASID", .limit = 1.1,
	 .method = &bench_iotlb_hit_no_pasid, .parameter = 64},
	{"walk_uncached", "ns", "nested walk, 4 over 4 levels, tables in L2, nothing cached",
	 .base = {{24, BENCH_L}}, .limit = 1.5,
	 .method = &bench_walk, .parameter = BENCH_WALK_NO_CACHE},
	{"walk_paging_caches", "ns", "… with paging-structure caches",
	 .base = {{8, BENCH_L}}, .limit = 1.5,
	 .method = &bench_walk, .parameter = BENCH_WALK_PAGING_CACHES},
	{"random_100k", "ns", "100,000 pages in random order",
	 .base = {{1, BENCH_M}}, .limit = 16, .method = &bench_random_pages, .parameter = 100000},
	{"device_tlb_hit", "ns", "device TLB hit, and the unit's check, 64 pages",
	 .base = {{1, BENCH_M}}, .limit = 0.8, .method = &bench_device_tlb_hit, .parameter = 64},
	{"dma_64", "ns", "DMA read of 64 bytes, IOTLB hit",
	 .base = {{1, BENCH_M}}, .limit = 2.5, .method = &bench_dma, .parameter = 64},
	{"dma_64_ats", "ns", "… device TLB hit",
	 .base = {{1, BENCH_M}}, .limit = 2.5,
	 .method = &bench_dma, .parameter = 64 | BENCH_DMA_ATS},
	{"dma_4k", "ns", "DMA read of 4 KiB",
	 .base = {{1.15, BENCH_C_4K}, {1.2, BENCH_M}}, .limit = 1,
	 .method = &bench_dma, .parameter = 4 * KI},
	{"dma_2m", "ns", "DMA read of 2 MiB through pages of 4 KiB",
	 .base = {{1, BENCH_C_2M}}, .limit = 1.2, .method = &bench_dma, .parameter = 2 * MI},
	{"invalidate_page", "ns", "page-selective PASID invalidation, 64 Ki entries of 1,000 PASIDs",
	 .base = {{1, BENCH_M}}, .limit = 20,
	 .method = &bench_invalidate_page, .parameter = 64 * KI},
	{"invalidate_page_few", "ns", "… 1,000 entries",
	 .base = {{1, BENCH_M}}, .limit = 20,
	 .method = &bench_invalidate_page, .parameter = 1000},
	{"invalidate_pasid", "ns", "PASID-selective invalidation, 64 Ki entries of 1,000 PASIDs",
	 .base = {{1, BENCH_M}}, .limit = 20,
	 .method = &bench_invalidate_pasid, .parameter = 64 * KI},
	{"wait_active_reader", "ns", "wait descriptor, a reader on the other core",
	 .base = {{1.5, BENCH_R_ACTIVE}, {20, BENCH_M}}, .limit = 1, .method = &bench_wait},
};
// clang-format on
const size_t bench_figure_count = ARRAY_LEN(bench_figures);
