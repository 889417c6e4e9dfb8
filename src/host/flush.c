// SPDX-License-Identifier: MIT
#include "host/flush.h"

#include <errno.h>

#include "base/check.h"
#include "host/driver.h"

struct flush_range flush_range_cover(uint64_t first, uint64_t last)
{
	uint64_t differ = (first ^ last) >> VTD_PAGE_SHIFT;
	struct flush_range range = {.addr = first};

	while (differ) {
		differ >>= 1;
		range.order++;
	}
	return range;
}

struct flush_range flush_range_first(uint64_t start, uint64_t end)
{
	uint64_t pages = (end - start) >> VTD_PAGE_SHIFT;
	struct flush_range range = {.addr = start};

	CHECK(pages);
	while (pages >> (range.order + 1) &&
	       !(start & (UINT64_C(1) << (VTD_PAGE_SHIFT + range.order))))
		range.order++;
	return range;
}

/* Descriptors have no bits for the part of an address inside the range: they are reserved. */
static uint64_t range_base(struct flush_range range)
{
	if (range.order >= FLUSH_ALL)
		return 0;
	return range.addr & ~((UINT64_C(1) << (VTD_PAGE_SHIFT + range.order)) - 1);
}

/* Batches */

void flush_begin(struct flush *flush, struct vsva_iommu *iommu)
{
	flush->iommu = iommu;
	flush->batch.count = 0;
	flush->batch.drain = false;
	flush->err = 0;
	flush->is_device_silent = false;
	flush->is_in_doubt = false;
}

static void batch_out(struct flush *flush)
{
	int err = qi_submit(&flush->iommu->qi, &flush->batch);

	flush->batch.count = 0;
	if (!err)
		return;
	stat_add(&flush->iommu->stats.timeouts);
	if (flush->batch.is_device_silent)
		flush->is_device_silent = true;
	else
		flush->is_in_doubt = true;
	if (!flush->err)
		flush->err = -ETIMEDOUT;
}

/* The closing wait needs a slot too. */
static struct vtd_desc *add(struct flush *flush, enum vtd_desc_type type)
{
	struct vtd_desc *desc;

	if (flush->batch.count == QI_BATCH_MAX - 1)
		batch_out(flush);
	desc = &flush->batch.descriptors[flush->batch.count++];
	*desc = vtd_desc_of_type(type);
	return desc;
}

int flush_end(struct flush *flush)
{
	batch_out(flush);
	if (!flush->err)
		limbo_recover(flush->iommu);
	return flush->err;
}

void flush_drains(struct flush *flush)
{
	flush->batch.drain = vtd_ECAP_PDS(flush->iommu->rules.ecap) != 0;
}

/* Descriptors, VT-d 6.5.2 */

void flush_context_global(struct flush *flush)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_CONTEXT);

	vtd_desc_context_set_G(desc, VTD_CONTEXT_GLOBAL);
}

/* In scalable mode the DID is ignored. */
void flush_context_device(struct flush *flush, rid_t rid_)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_CONTEXT);

	vtd_desc_context_set_G(desc, VTD_CONTEXT_DEVICE);
	vtd_desc_context_set_SID(desc, rid_.v);
}

void flush_pasid_cache_global(struct flush *flush)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_PASID_CACHE);

	vtd_desc_pasid_cache_set_G(desc, VTD_PASID_CACHE_GLOBAL);
}

void flush_pasid_cache_domain(struct flush *flush, did_t did_)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_PASID_CACHE);

	vtd_desc_pasid_cache_set_G(desc, VTD_PASID_CACHE_DOMAIN);
	vtd_desc_pasid_cache_set_DID(desc, did_.v);
}

void flush_pasid_cache(struct flush *flush, did_t did_, uint32_t pasid)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_PASID_CACHE);

	vtd_desc_pasid_cache_set_G(desc, VTD_PASID_CACHE_PASID);
	vtd_desc_pasid_cache_set_DID(desc, did_.v);
	vtd_desc_pasid_cache_set_PASID(desc, pasid);
}

void flush_iotlb_global(struct flush *flush)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_IOTLB);

	vtd_desc_iotlb_set_G(desc, VTD_IOTLB_GLOBAL);
}

void flush_iotlb_domain(struct flush *flush, did_t did_)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_IOTLB);

	vtd_desc_iotlb_set_G(desc, VTD_IOTLB_DOMAIN);
	vtd_desc_iotlb_set_DID(desc, did_.v);
}

void flush_iotlb_range(struct flush *flush, did_t did_, struct flush_range range)
{
	uint64_t cap = flush->iommu->rules.cap;
	struct vtd_desc *desc;

	if (!vtd_CAP_PSI(cap) || range.order > vtd_CAP_MAMV(cap)) {
		flush_iotlb_domain(flush, did_);
		return;
	}
	desc = add(flush, VTD_DESC_IOTLB);
	vtd_desc_iotlb_set_G(desc, VTD_IOTLB_PAGE);
	vtd_desc_iotlb_set_DID(desc, did_.v);
	vtd_desc_iotlb_set_AM(desc, range.order);
	vtd_desc_iotlb_set_ADDR(desc, range_base(range));
}

void flush_first_stage(struct flush *flush, did_t did_, uint32_t pasid, struct flush_range range,
		       bool leaf)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_PASID_IOTLB);

	vtd_desc_pasid_iotlb_set_DID(desc, did_.v);
	vtd_desc_pasid_iotlb_set_PASID(desc, pasid);
	if (range.order >= FLUSH_ALL) {
		vtd_desc_pasid_iotlb_set_G(desc, VTD_PASID_IOTLB_PASID);
		return;
	}
	vtd_desc_pasid_iotlb_set_G(desc, VTD_PASID_IOTLB_PAGE);
	vtd_desc_pasid_iotlb_set_AM(desc, range.order);
	vtd_desc_pasid_iotlb_set_IH(desc, leaf);
	vtd_desc_pasid_iotlb_set_ADDR(desc, range_base(range));
}

void flush_device_tlb(struct flush *flush, const struct flush_device *device,
		      struct flush_range range)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_DEV_TLB);
	bool s;

	vtd_desc_set_pfsid(desc, device->pfsid);
	vtd_desc_dev_tlb_set_MIP(desc, device->queue_depth);
	vtd_desc_dev_tlb_set_SID(desc, device->rid.v);
	vtd_desc_dev_tlb_set_ADDR(desc, vtd_size_bit_address(range.addr, range.order, &s));
	vtd_desc_dev_tlb_set_S(desc, s);
}

static struct vtd_desc *add_device_tlb_pasid(struct flush *flush, const struct flush_device *device)
{
	struct vtd_desc *desc = add(flush, VTD_DESC_PASID_DEV_TLB);

	vtd_desc_set_pfsid(desc, device->pfsid);
	vtd_desc_pasid_dev_tlb_set_MIP(desc, device->queue_depth);
	vtd_desc_pasid_dev_tlb_set_SID(desc, device->rid.v);
	return desc;
}

void flush_device_tlb_pasid(struct flush *flush, const struct flush_device *device, uint32_t pasid,
			    struct flush_range range)
{
	struct vtd_desc *desc = add_device_tlb_pasid(flush, device);
	bool s;

	vtd_desc_pasid_dev_tlb_set_PASID(desc, pasid);
	vtd_desc_pasid_dev_tlb_set_ADDR(desc, vtd_size_bit_address(range.addr, range.order, &s));
	vtd_desc_pasid_dev_tlb_set_S(desc, s);
}

void flush_device_tlb_all_pasids(struct flush *flush, const struct flush_device *device)
{
	struct vtd_desc *desc = add_device_tlb_pasid(flush, device);

	vtd_desc_pasid_dev_tlb_set_G(desc, 1);
	vtd_desc_pasid_dev_tlb_set_S(desc, 1);
	vtd_desc_pasid_dev_tlb_set_ADDR(desc, VTD_DEVICE_TLB_ALL);
}

void flush_fence(struct flush *flush)
{
	vtd_desc_wait_set_FN(add(flush, VTD_DESC_WAIT), 1);
}
