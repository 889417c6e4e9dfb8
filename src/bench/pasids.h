/* SPDX-License-Identifier: MIT */
/* What the life of many PASIDs costs the host: allocated in one container, bound on one device, freed
 * by one close, while another VM works. */
#ifndef BENCH_PASIDS_H
#define BENCH_PASIDS_H

#include <stdint.h>

#include "vsva/vfio.h"

/* Freeing PASIDs that are bound, under one policy. */
struct free_figures {
	/* One by one, the median: the call, and from its begin until the number is reclaimed. */
	double call_ns, reclaimed_ns;
	/* In a row, for each. */
	double row_call_ns, row_reclaimed_ns;
	double descriptors, row_descriptors; /* for each */
};

struct pasid_figures {
	uint32_t pasids;
	double alloc_ns, bind_ns, close_ns; /* for each */
	double record_bytes, table_bytes;   /* for each that is bound */
	uint64_t descriptors, waits;        /* of the close */
	uint32_t left;                      /* numbers that are not free after the close */
	/* The other VM: beside everything, and beside the close. */
	uint64_t translations, close_translations;
	uint64_t close_misses; /* of the IOTLB */
	uint64_t copies_wrong;
	double alone_per_second, close_per_second; /* translations */
	struct free_figures policies[2];           /* by enum vsva_free_policy */
};

/* count 0: as many as there are. Before each of its steps, which may take seconds, step is told what it is.
 * 0; -errno of what did not work. */
int bench_pasids(uint32_t count, void (*step)(const char *what), struct pasid_figures *out);

#endif
