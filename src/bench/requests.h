/* SPDX-License-Identifier: MIT */
/* A working set of pages, requested in an order that is the same each time. */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include "bench/method.h"
#include "bench/silicon.h"

#define REQUESTS_NO_PASID VSVA_PASID_INVALID

struct requests {
	struct silicon silicon;
	uint32_t pages;
	uint32_t *order;
	uint32_t at; /* place in the order */
};

/* So many pages of PASID 1 and, the same, of requests without PASID; each of PASID 1 has been
 * requested once and leads where it should. A close is due whatever came of it. */
int requests_open(struct bench_run *run, const struct silicon_options *options, uint32_t pages,
		  struct requests *out);
void requests_close(struct requests *requests);
/* Requests each page. -EIO: one does not lead where it should. */
int requests_check(struct bench_run *run, struct requests *requests, uint32_t pasid);

/* Translates the next count of them; nanoseconds for each, or -errno: one was refused. */
int requests_time(struct bench_run *run, struct requests *requests, unsigned device, uint32_t pasid,
		  uint32_t count, double *ns);
/* What the unit counted since *before, which is moved on. */
struct unit_cache_stats requests_counted(const struct requests *requests,
					 struct unit_cache_stats *before);

#endif
