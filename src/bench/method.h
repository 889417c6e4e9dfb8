/* SPDX-License-Identifier: MIT */
/* What a method is made of. Only this room's files include it. */
#ifndef BENCH_METHOD_H
#define BENCH_METHOD_H

#include "bench/bench.h"
#include "bench/latencies.h"
#include "bench/reader.h"

struct bench_run {
	const struct bench_figure *figure;
	bool quick;
	void *state;                       /* the method's, from open to close */
	struct bench_latencies *latencies; /* may be filled by measure */
	struct bench_reader *reader;       /* sleeps; whoever starts it stops it */
	char why[160];                     /* set with an error */
};

struct bench_sample {
	double value;  /* in the figure's unit */
	double beside; /* figures with such a base: in the same unit */
};

/* 0 or -errno; -ENOTSUP from open: not here, see why. A close follows each open, whatever came of
 * it. */
struct bench_method {
	int (*open)(struct bench_run *run);
	int (*measure)(struct bench_run *run, struct bench_sample *out);
	void (*close)(struct bench_run *run);
};

/* Says why, and returns err. */
int bench_fail(struct bench_run *run, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Methods, by file; what parameter means. */
extern const struct bench_method bench_iotlb_hit;            /* pages in the working set */
extern const struct bench_method bench_iotlb_hit_no_pasid;   /* the same */
extern const struct bench_method bench_random_pages;         /* the same */
extern const struct bench_method bench_walk;                 /* enum bench_walk_caches */
extern const struct bench_method bench_device_tlb_hit;       /* pages */
extern const struct bench_method bench_dma;                  /* bytes, BENCH_DMA_ATS */
extern const struct bench_method bench_invalidate_page;      /* entries cached */
extern const struct bench_method bench_invalidate_pasid;     /* the same */
extern const struct bench_method bench_wait;                 /* 0 */
extern const struct bench_method bench_beside_invalidations; /* 0 */
extern const struct bench_method bench_two_cores;            /* devices: 1 or 2 */
extern const struct bench_method bench_ioasid_alloc;         /* ids that are out */
extern const struct bench_method bench_ioasid_find;          /* the same */
extern const struct bench_method bench_ioasid_pair;          /* the same */
extern const struct bench_method bench_bind;                 /* PASIDs bound */
extern const struct bench_method bench_close_all;            /* the same */
extern const struct bench_method bench_weight;               /* the same */
extern const struct bench_method bench_guest_bind;           /* enum bench_guest_pasids */
extern const struct bench_method bench_page_request;         /* 0 */
extern const struct bench_method bench_vfio_user;            /* 0 */
extern const struct bench_method bench_dsa_batch;            /* 0 */
extern const struct bench_method bench_dsa_move;             /* 0 */
extern const struct bench_method bench_iotlb_weight;         /* entries */

enum bench_guest_pasids { BENCH_GUEST_BIND_OWN, BENCH_GUEST_BIND_VCMD };
enum bench_walk_caches { BENCH_WALK_NO_CACHE, BENCH_WALK_PAGING_CACHES };
#define BENCH_DMA_ATS (UINT64_C(1) << 63)

#endif
