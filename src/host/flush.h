/* SPDX-License-Identifier: MIT */
/*
 * Invalidations, one function per descriptor (VT-d 6.5.2), collected into batches:
 *
 *   flush_begin(&flush, iommu);
 *   flush_pasid_cache(&flush, …);
 *   flush_iotlb_domain(&flush, …);
 *   err = flush_end(&flush);
 *
 * When flush_end() returns 0 everything has been executed in the order of the calls, and no access
 * by a removed translation is under way. The callers bring the order that the architecture asks for
 * (VT-d 6.5.3.1): context cache, PASID cache, IOTLB, device TLB.
 */
#ifndef HOST_FLUSH_H
#define HOST_FLUSH_H

#include "host/qi.h"
#include "vsva/types.h"

struct vsva_iommu;

struct flush {
	struct vsva_iommu *iommu;
	struct qi_batch batch;
	int err;               /* the first that an earlier batch met */
	bool is_device_silent; /* a device TLB did not answer; the unit's caches are flushed */
	bool is_in_doubt;      /* the unit did not answer: nothing is sure */
};

/* A naturally aligned range of 2^order pages; order FLUSH_ALL: everything. */
#define FLUSH_ALL 52u
struct flush_range {
	uint64_t addr; /* any address in it */
	unsigned order;
};
/* The smallest such range that covers [first, last] (VT-d 6.5.2.2: ranges are aligned to their
 * size). */
struct flush_range flush_range_cover(uint64_t first, uint64_t last);
/* The largest such range that begins at start and does not go beyond end; both multiples of 4096.
 * */
struct flush_range flush_range_first(uint64_t start, uint64_t end);

/* Where device-TLB descriptors go, and how much at a time. */
struct flush_device {
	rid_t rid;
	uint16_t pfsid;      /* ECAP.DIT: the PF whose queue is throttled; else 0 */
	uint8_t queue_depth; /* MIP: 0 means 32 */
};

void flush_begin(struct flush *flush, struct vsva_iommu *iommu);
int flush_end(struct flush *flush);
/* The closing wait also drains page requests (VT-d 7.10), if the unit can. */
void flush_drains(struct flush *flush);

void flush_context_global(struct flush *flush);
void flush_context_device(struct flush *flush, rid_t rid);
void flush_pasid_cache_global(struct flush *flush);
void flush_pasid_cache_domain(struct flush *flush, did_t did);
void flush_pasid_cache(struct flush *flush, did_t did, uint32_t pasid);
void flush_iotlb_global(struct flush *flush);
void flush_iotlb_domain(struct flush *flush, did_t did);
/* Domain-selective where the unit cannot select so large a range, or none (CAP.PSI, CAP.MAMV). */
void flush_iotlb_range(struct flush *flush, did_t did, struct flush_range range);
/* PASID-based. leaf: only leaf entries have changed (IH). */
void flush_first_stage(struct flush *flush, did_t did, uint32_t pasid, struct flush_range range,
		       bool leaf);
/* Translations of requests without PASID, with this PASID, with any PASID. */
void flush_device_tlb(struct flush *flush, const struct flush_device *device,
		      struct flush_range range);
void flush_device_tlb_pasid(struct flush *flush, const struct flush_device *device, uint32_t pasid,
			    struct flush_range range);
void flush_device_tlb_all_pasids(struct flush *flush, const struct flush_device *device);
/* What follows waits until all that is before has been executed (FN). */
void flush_fence(struct flush *flush);

#endif
