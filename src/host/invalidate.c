// SPDX-License-Identifier: MIT
/*
 * Invalidations from outside: vsva_cache_invalidate with the validity table of the 2020 interface,
 * and the exact ones of a virtual unit. They take no lock: what is bound is looked up under RCU,
 * and a flush of a domain id that has changed hands meanwhile costs a cached translation and
 * nothing else.
 */
#include <errno.h>
#include <string.h>

#include "host/attach.h"
#include "host/child.h"
#include "host/prq.h"
#include "vsva/limits.h"

static const struct flush_range everything = {.order = FLUSH_ALL};

/* What the caller's PASID is in the unit's tables: for requests without PASID the device's base, which
 * is 0 for a whole function. false: it is no PASID. */
static bool decode_pasid(const struct vsva_dev *dev, hpasid_t pasid, uint32_t *out)
{
	*out = pasid.v == VSVA_FLUSH_RID ? dev->base : pasid.v;
	return pasid.v == VSVA_FLUSH_RID || (pasid.v >= 1 && pasid.v <= VSVA_PASID_MAX);
}

static bool find_child(struct vsva_dev *dev, uint32_t pasid, did_t *out)
{
	return host_child_did(dev, hpasid(pasid), out) == 0;
}

static hpasid_t traced(uint32_t pasid)
{
	return hpasid(pasid ? pasid : VSVA_PASID_INVALID);
}

static void trace_begin(const struct vsva_dev *dev, uint32_t pasid, struct flush_range range)
{
	TRACE(dev->iommu->trace, HOST, INVALIDATE, .rid = dev->rid, .hpasid = traced(pasid),
	      .addr = range.order < FLUSH_ALL ? range.addr : 0,
	      .len = range.order < FLUSH_ALL ? (uint64_t)VSVA_PAGE_SIZE << range.order
					     : UINT64_MAX);
}

static void trace_end(const struct vsva_dev *dev, uint32_t pasid, int err)
{
	stat_add(&dev->iommu->stats.invalidations);
	binding_count(dev->function, dev, pasid, BINDING_INVALIDATIONS);
	TRACE(dev->iommu->trace, HOST, INVALIDATE_DONE, .rid = dev->rid, .hpasid = traced(pasid),
	      .result = err);
}

/* Exact invalidations */

static struct flush_range range_of(const struct vsva_flush *flush)
{
	if (flush->all || flush->order >= FLUSH_ALL)
		return everything;
	return (struct flush_range){.addr = flush->addr, .order = flush->order};
}

/* One of a sequence, decoded. */
struct step {
	const struct vsva_flush_step *what;
	uint32_t pasid;
	did_t did; /* of the IOTLB */
	struct flush_range range;
	bool is_needed; /* something is bound, ATS is on */
};

struct sequence {
	struct step steps[VSVA_LIMIT_FLUSH_STEPS];
	unsigned count;
	bool drains;
	struct vsva_dev *reported[VSVA_LIMIT_FLUSH_STEPS];
	unsigned reported_count;
};

/* Each has two descriptors at most: they go out when the sequence ends, and not before. */
static_assert(2 * VSVA_LIMIT_FLUSH_STEPS < QI_BATCH_MAX, "one batch");

static int decode_step(const struct vsva_flush_step *what, struct step *step)
{
	const struct vsva_flush *flush = &what->flush;

	*step = (struct step){.what = what, .range = everything};
	if (what->kind == VSVA_FLUSH_DEVICE_TLB_GLOBAL)
		return 0;
	if (what->kind != VSVA_FLUSH_IOTLB && what->kind != VSVA_FLUSH_DEVICE_TLB)
		return -EINVAL;
	step->range = range_of(flush);
	return decode_pasid(what->dev, flush->pasid, &step->pasid) ? 0 : -EINVAL;
}

static int decode_sequence(const struct vsva_flush_step *steps, unsigned count,
			   struct sequence *out)
{
	int err = 0;

	out->count = out->reported_count = 0;
	out->drains = false;
	if (!steps || !count || count > VSVA_LIMIT_FLUSH_STEPS)
		return -EINVAL;
	for (unsigned i = 0; i < count && !err; i++) {
		const struct vsva_flush_step *step = &steps[i];
		bool drains = step->kind == VSVA_FLUSH_DRAIN;

		if (!step->dev || step->dev->iommu != steps[0].dev->iommu)
			err = -EINVAL;
		else if (drains || step->kind == VSVA_FLUSH_REPORT)
			out->reported[out->reported_count++] = step->dev;
		else
			err = decode_step(step, &out->steps[out->count++]);
		out->drains |= drains;
	}
	return err;
}

/* Once for all that follow each other on one device. */
static bool is_first_of_device(const struct sequence *sequence, unsigned i)
{
	return i == 0 || sequence->steps[i - 1].what->dev != sequence->steps[i].what->dev;
}

static void leave(const struct sequence *sequence, unsigned entered)
{
	while (entered--)
		if (is_first_of_device(sequence, entered))
			dev_leave_flush(sequence->steps[entered].what->dev);
}

/* That they are inside keeps the devices attached. */
static int enter(const struct sequence *sequence)
{
	for (unsigned i = 0; i < sequence->count; i++) {
		int err = 0;

		if (is_first_of_device(sequence, i))
			err = dev_enter_flush(sequence->steps[i].what->dev);
		if (err) {
			leave(sequence, i);
			return err;
		}
	}
	return 0;
}

static bool is_needed(struct step *step)
{
	struct vsva_dev *dev = step->what->dev;

	return step->what->kind == VSVA_FLUSH_IOTLB ? find_child(dev, step->pasid, &step->did)
						    : function_is_ats_on(dev->function);
}

static void add_step(struct flush *flush, const struct step *step)
{
	struct function *function = step->what->dev->function;

	if (step->what->kind == VSVA_FLUSH_IOTLB)
		flush_first_stage(flush, step->did, step->pasid, step->range,
				  step->what->flush.leaf);
	if (step->what->kind == VSVA_FLUSH_DEVICE_TLB_GLOBAL)
		flush_device_tlb_all_pasids(flush, &function->tlb);
	else if (step->what->kind == VSVA_FLUSH_DEVICE_TLB || step->what->flush.device_tlb)
		function_flush_device_tlb(function, flush, step->pasid, step->range);
}

/* In one read section, for an outermost one costs full barriers. false: there is nothing to do. */
static bool build(struct sequence *sequence, struct flush *flush)
{
	bool is_any = false;

	rcu_read_lock();
	for (unsigned i = 0; i < sequence->count; i++) {
		struct step *step = &sequence->steps[i];

		step->is_needed = is_needed(step);
		if (!step->is_needed)
			continue;
		trace_begin(step->what->dev, step->pasid, step->range);
		add_step(flush, step);
		is_any = true;
	}
	rcu_read_unlock();
	return is_any;
}

static void note_end(const struct sequence *sequence, int err)
{
	rcu_read_lock();
	for (unsigned i = 0; i < sequence->count; i++) {
		const struct step *step = &sequence->steps[i];

		if (step->is_needed)
			trace_end(step->what->dev, step->pasid, err);
	}
	rcu_read_unlock();
}

static int run_sequence(struct sequence *sequence, struct vsva_iommu *iommu)
{
	bool flushes;
	struct flush flush;
	int err = enter(sequence);

	if (err)
		return err;
	flush_begin(&flush, iommu);
	if (sequence->drains)
		flush_drains(&flush);
	flushes = sequence->count && build(sequence, &flush);
	if (flushes || sequence->drains)
		err = flush_end(&flush);
	if (flushes)
		note_end(sequence, err);
	leave(sequence, sequence->count);
	return err;
}

/* The drain's second half comes when the devices may go again: a handler is called. */
int vsva_flush_sequence(const struct vsva_flush_step *steps, unsigned count)
{
	struct sequence sequence;
	int err = decode_sequence(steps, count, &sequence);

	if (!err)
		err = run_sequence(&sequence, steps[0].dev->iommu);
	if (!err && sequence.reported_count)
		err = prq_end_drain(sequence.reported, sequence.reported_count, !sequence.drains);
	return err;
}

int vsva_flush_iotlb(struct vsva_dev *dev, const struct vsva_flush *flush)
{
	struct vsva_flush_step step = {.dev = dev, .kind = VSVA_FLUSH_IOTLB};

	if (!flush)
		return -EINVAL;
	step.flush = *flush;
	return vsva_flush_sequence(&step, 1);
}

int vsva_flush_device_tlb(struct vsva_dev *dev, const struct vsva_flush *flush, bool global)
{
	struct vsva_flush_step step = {
		.dev = dev, .kind = global ? VSVA_FLUSH_DEVICE_TLB_GLOBAL : VSVA_FLUSH_DEVICE_TLB};

	if (!flush)
		return -EINVAL;
	step.flush = *flush;
	return vsva_flush_sequence(&step, 1);
}

int vsva_drain_page_requests(struct vsva_dev *dev)
{
	struct vsva_flush_step step = {.dev = dev, .kind = VSVA_FLUSH_DRAIN};

	return vsva_flush_sequence(&step, 1);
}

/* The 2020 interface */

#define CACHES    (VSVA_CACHE_INV_IOTLB | VSVA_CACHE_INV_DEV_IOTLB | VSVA_CACHE_INV_PASID)
#define HEAD_SIZE offsetof(struct vsva_cache_invalidate_info, granu)

static size_t size_needed(uint8_t granularity)
{
	switch (granularity) {
	case VSVA_INV_DOMAIN:
		return HEAD_SIZE;
	case VSVA_INV_PASID:
		return HEAD_SIZE + sizeof(struct vsva_inv_pasid_info);
	case VSVA_INV_ADDR:
		return HEAD_SIZE + sizeof(struct vsva_inv_addr_info);
	default:
		return SIZE_MAX;
	}
}

/* The table of the uapi: a domain's device TLBs cannot be named, nor an address in the PASID cache.
 */
static bool is_valid_pair(uint8_t granularity, uint8_t cache)
{
	if (granularity == VSVA_INV_DOMAIN)
		return !(cache & VSVA_CACHE_INV_DEV_IOTLB);
	return granularity != VSVA_INV_ADDR || !(cache & VSVA_CACHE_INV_PASID);
}

static bool has_padding(const struct vsva_cache_invalidate_info *info)
{
	for (size_t i = 0; i < sizeof(info->padding); i++)
		if (info->padding[i])
			return true;
	return false;
}

static bool has_valid_flags(const struct vsva_cache_invalidate_info *info)
{
	const uint32_t pasid_flags = VSVA_INV_FLAG_PASID | VSVA_INV_FLAG_ARCHID;

	if (info->granularity == VSVA_INV_PASID)
		return !(info->granu.pasid_info.flags & ~pasid_flags);
	return info->granularity != VSVA_INV_ADDR ||
	       !(info->granu.addr_info.flags & ~(pasid_flags | VSVA_INV_FLAG_LEAF));
}

/* An invalidation that was checked. */
struct invalidation {
	uint8_t cache, granularity;
	uint32_t pasid; /* 0: requests without PASID */
	struct flush_range range;
	bool leaf;
};

/* Without the flag the PASID is 0, as in Linux. Wider than 20 bits it would run into the
 * descriptor's next field. */
static int decode_info_pasid(uint32_t flags, uint64_t pasid, struct invalidation *out)
{
	if (!(flags & VSVA_INV_FLAG_PASID))
		return 0; /* requests without PASID */
	if (pasid > VSVA_PASID_MAX)
		return -EINVAL;
	out->pasid = (uint32_t)pasid;
	return 0;
}

/* Covers [addr, addr + len) whole, also where addr is not aligned to a page or to the length. */
static int decode_info_range(const struct vsva_inv_addr_info *info, struct invalidation *out)
{
	uint64_t len, last;

	out->leaf = (info->flags & VSVA_INV_FLAG_LEAF) != 0;
	if (__builtin_mul_overflow(info->granule_size, info->nb_granules, &len) || len == 0 ||
	    __builtin_add_overflow(info->addr, len - 1, &last)) {
		out->range = everything;
		return 0;
	}
	out->range = flush_range_cover(info->addr, last);
	return 0;
}

static int decode_granule(const struct vsva_cache_invalidate_info *info, struct invalidation *out)
{
	const struct vsva_inv_pasid_info *pasid_info = &info->granu.pasid_info;
	const struct vsva_inv_addr_info *addr_info = &info->granu.addr_info;
	int err;

	switch (info->granularity) {
	case VSVA_INV_PASID:
		return decode_info_pasid(pasid_info->flags, pasid_info->pasid, out);
	case VSVA_INV_ADDR:
		err = decode_info_pasid(addr_info->flags, addr_info->pasid, out);
		return err ? err : decode_info_range(addr_info, out);
	default:
		return 0;
	}
}

/* Copied once; beyond argsz the caller has no memory. */
static int decode(const struct vsva_cache_invalidate_info *user, struct invalidation *out)
{
	struct vsva_cache_invalidate_info info;
	size_t needed;

	memset(&info, 0, sizeof(info));
	info.argsz = __atomic_load_n(&user->argsz, __ATOMIC_RELAXED);
	if (info.argsz < HEAD_SIZE)
		return -EINVAL;
	memcpy(&info, user, info.argsz < sizeof(info) ? info.argsz : sizeof(info));
	needed = size_needed(info.granularity);
	if (info.argsz < needed || info.version != VSVA_CACHE_INVALIDATE_VERSION_1 ||
	    info.cache & ~CACHES || has_padding(&info))
		return -EINVAL;
	if (!is_valid_pair(info.granularity, info.cache) || !has_valid_flags(&info))
		return -EINVAL;
	*out = (struct invalidation){
		.cache = info.cache, .granularity = info.granularity, .range = everything};
	return decode_granule(&info, out);
}

/* PASID and address: one child of the device. A flush of the IOTLB is one of the device TLB too. */
static int invalidate_child(struct vsva_dev *dev, const struct invalidation *what)
{
	struct flush flush;
	did_t did_;

	if (!find_child(dev, what->pasid, &did_))
		return 0;
	flush_begin(&flush, dev->iommu);
	if (what->cache & VSVA_CACHE_INV_PASID)
		flush_pasid_cache(&flush, did_, what->pasid);
	if (what->cache & (VSVA_CACHE_INV_IOTLB | VSVA_CACHE_INV_PASID))
		flush_first_stage(&flush, did_, what->pasid, what->range, what->leaf);
	if (what->cache)
		function_flush_device_tlb(dev->function, &flush, what->pasid, what->range);
	return flush_end(&flush);
}

struct domain_flush {
	struct flush *flush;
	bool pasid_cache;
};

static void add_unit_flush(void *arg, did_t did_)
{
	struct domain_flush *what = arg;

	if (what->pasid_cache)
		flush_pasid_cache_domain(what->flush, did_);
	flush_iotlb_domain(what->flush, did_);
}

/* All children of the device: what a guest has of the domain. PASID cache by domain wants the IOTLB
 * by domain (VT-d 6.5.3.1). */
static int invalidate_domain(struct domain_locked locked, struct vsva_dev *dev, uint8_t cache)
{
	struct aftermath aftermath = {0};
	struct flush flush;
	struct domain_flush what = {&flush, (cache & VSVA_CACHE_INV_PASID) != 0};

	if (!cache)
		return 0;
	flush_begin(&flush, dev->iommu);
	domain_for_each_child_did(locked, add_unit_flush, &what);
	dev_flush_children(locked, dev, &flush);
	function_flush_end(dev->function, &flush, &aftermath);
	return aftermath.err;
}

/* The domain's lock keeps the device attached. */
static int invalidate_with_lock(struct vsva_domain *domain, struct vsva_dev *dev,
				const struct invalidation *what)
{
	struct domain_locked locked = domain_lock(domain);
	int err = -ENODEV;

	if (dev_is_attached_to(dev, domain))
		err = invalidate_domain(locked, dev, what->cache);
	domain_unlock(locked);
	return err;
}

/* That it is inside keeps the device attached: detach waits until it has left. */
static int invalidate_without_lock(struct vsva_domain *domain, struct vsva_dev *dev,
				   const struct invalidation *what)
{
	int err = dev_enter_flush(dev);

	if (err)
		return err;
	err = dev_is_attached_to(dev, domain) ? invalidate_child(dev, what) : -ENODEV;
	dev_leave_flush(dev);
	return err;
}

int vsva_cache_invalidate(struct vsva_domain *domain, struct vsva_dev *dev,
			  const struct vsva_cache_invalidate_info *info)
{
	struct invalidation what;
	int err;

	if (!domain || !dev || !info || !(domain->flags & VSVA_DOMAIN_NESTING))
		return -EINVAL;
	err = decode(info, &what);
	if (err)
		return err;
	if (!dev->function->is_pci)
		return -ENODEV;
	if (!what.pasid)
		what.pasid = dev->base;
	trace_begin(dev, what.pasid, what.range);
	if (what.granularity == VSVA_INV_DOMAIN)
		err = invalidate_with_lock(domain, dev, &what);
	else
		err = invalidate_without_lock(domain, dev, &what);
	trace_end(dev, what.pasid, err);
	return err;
}
