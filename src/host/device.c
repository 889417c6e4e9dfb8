// SPDX-License-Identifier: MIT
#include "host/device.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "host/child.h"
#include "host/wait.h"
#include "vsva/limits.h"

/* A drain is repeated while the unit loses requests to overflow; the device's credits end that
 * soon. */
#define DRAIN_ATTEMPTS 8u

static const struct flush_range everything = {.order = FLUSH_ALL};

static bool is_ats_on(const struct vsva_dev *dev)
{
	return __atomic_load_n(&dev->is_ats_on, __ATOMIC_ACQUIRE);
}

void dev_for_each_binding(struct domain_locked locked, struct vsva_dev *dev,
			  void (*fn)(void *arg, struct binding *binding), void *arg)
{
	struct binding *binding = dev->rid_child;

	(void)locked;
	if (binding)
		fn(arg, binding);
	for (uint32_t pasid = 1; (binding = sparse_next(&dev->bindings, &pasid)); pasid++)
		fn(arg, binding);
}

/* Flushes */

void dev_flush_device_tlb(struct vsva_dev *dev, struct flush *flush, uint32_t pasid,
			  struct flush_range range)
{
	if (!is_ats_on(dev))
		return;
	if (pasid)
		flush_device_tlb_pasid(flush, &dev->tlb, pasid, range);
	else
		flush_device_tlb(flush, &dev->tlb, range);
}

/*
 * A device that does not answer may still hold translations, and would use them as translated
 * requests, which only the context entry stops (VT-d 3.4.4, 6.5.2.5). It stays so until it is
 * detached. Global, because all its translations are meant.
 */
static void isolate(struct vsva_dev *dev, struct aftermath *aftermath)
{
	struct flush flush;

	LOG_LIMITED(LOG_WARN, "host: device %04x does not answer invalidations: it is blocked",
		    dev->rid.v);
	__atomic_store_n(&dev->is_ats_on, false, __ATOMIC_RELEASE);
	dev->is_isolated = true;
	context_clear_present(dev->context);
	flush_begin(&flush, dev->iommu);
	flush_context_device(&flush, dev->rid);
	flush_pasid_cache_global(&flush);
	flush_iotlb_global(&flush);
	if (flush_end(&flush))
		aftermath->is_in_doubt = true;
}

void dev_flush_end(struct domain_locked locked, struct vsva_dev *dev, struct flush *flush,
		   struct aftermath *aftermath)
{
	int err = flush_end(flush);

	(void)locked;
	if (err && !aftermath->err)
		aftermath->err = err;
	if (flush->is_in_doubt)
		aftermath->is_in_doubt = true;
	if (flush->is_device_silent && !dev->is_isolated)
		isolate(dev, aftermath);
}

/* A function that is not there would cost a time-out for each invalidation. */
static void isolate_if_absent(struct vsva_dev *dev, struct aftermath *aftermath)
{
	if (is_ats_on(dev) && !pci_is_present(&dev->config))
		isolate(dev, aftermath);
}

int dev_enter_flush(struct vsva_dev *dev)
{
	__atomic_fetch_add(&dev->flushers, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&dev->is_open, __ATOMIC_SEQ_CST))
		return 0;
	dev_leave_flush(dev);
	return -ENODEV;
}

void dev_leave_flush(struct vsva_dev *dev)
{
	if (__atomic_fetch_sub(&dev->flushers, 1, __ATOMIC_SEQ_CST) == 1)
		worker_pool_notify(dev->iommu->pool);
}

static bool has_no_flushers(void *arg)
{
	struct vsva_dev *dev = arg;

	return __atomic_load_n(&dev->flushers, __ATOMIC_SEQ_CST) == 0;
}

/* Entries */

/* Where a unit with CM=1 files PASID entries that were not present, VT-d 6.1 */
static const did_t not_present_did = {0};

/* CM=1: what was not present may be cached; RWBF=1: the write may still be in a buffer that an
 * invalidation flushes. VT-d 6.2.1, 6.8 */
static bool must_flush_new(const struct vsva_iommu *iommu)
{
	return vtd_CAP_CM(iommu->rules.cap) || vtd_CAP_RWBF(iommu->rules.cap);
}

int dev_entry_publish(struct domain_locked locked, struct vsva_dev *dev, uint32_t pasid,
		      const struct vtd_pasid_entry *value)
{
	struct aftermath aftermath = {0};
	did_t did_ = did((uint16_t)vtd_pasid_entry_DID(value));
	struct flush flush;

	pasid_entry_publish(pasid_table_find(&dev->pasids, pasid), value);
	TRACE(dev->iommu->trace, HOST, PASID_ENTRY, .vm = locked.domain->vm, .rid = dev->rid,
	      .hpasid = hpasid(pasid), .value = vtd_pasid_entry_PGTT(value));
	if (!must_flush_new(dev->iommu))
		return 0;
	flush_begin(&flush, dev->iommu);
	if (vtd_CAP_CM(dev->iommu->rules.cap))
		flush_pasid_cache(&flush, not_present_did, pasid);
	flush_pasid_cache(&flush, did_, pasid);
	flush_first_stage(&flush, did_, pasid, everything, false);
	dev_flush_end(locked, dev, &flush, &aftermath);
	return aftermath.err;
}

static void drain_once(struct domain_locked locked, struct vsva_dev *dev, uint32_t pasid,
		       did_t did_, struct aftermath *aftermath)
{
	struct flush flush;

	flush_begin(&flush, dev->iommu);
	flush_fence(&flush);
	if (pasid)
		flush_first_stage(&flush, did_, pasid, everything, false);
	else
		flush_iotlb_domain(&flush, did_);
	dev_flush_device_tlb(dev, &flush, pasid, everything);
	flush_drains(&flush);
	dev_flush_end(locked, dev, &flush, aftermath);
}

/* VT-d 7.10: page requests of the entry that are on their way reach the queue, and are answered
 * there. */
static void drain(struct domain_locked locked, struct vsva_dev *dev, uint32_t pasid, did_t did_,
		  struct aftermath *aftermath)
{
	hpasid_t who = hpasid(pasid ? pasid : VSVA_PASID_INVALID);

	if (!dev->is_pri_on)
		return;
	for (unsigned i = 0; i < DRAIN_ATTEMPTS; i++) {
		uint64_t overflows = prq_discard(dev, who);

		drain_once(locked, dev, pasid, did_, aftermath);
		if (prq_discard(dev, who) == overflows || aftermath->err)
			return;
	}
}

/* The order is that of VT-d 6.2.3.1 and 6.5.3.1: P, PASID cache, IOTLB by domain (second stage and
 * nested), device TLB, and only then the rest of the entry. */
void dev_entry_teardown(struct domain_locked locked, struct vsva_dev *dev, uint32_t pasid,
			did_t did_, struct aftermath *aftermath)
{
	struct vtd_pasid_entry *entry = pasid_table_find(&dev->pasids, pasid);
	struct flush flush;

	CHECK(entry);
	isolate_if_absent(dev, aftermath);
	pasid_entry_clear_present(entry);
	TRACE(dev->iommu->trace, HOST, PASID_ENTRY, .vm = locked.domain->vm, .rid = dev->rid,
	      .hpasid = hpasid(pasid), .value = 0);
	flush_begin(&flush, dev->iommu);
	flush_pasid_cache(&flush, did_, pasid);
	flush_iotlb_domain(&flush, did_);
	dev_flush_device_tlb(dev, &flush, pasid, everything);
	dev_flush_end(locked, dev, &flush, aftermath);
	/* In doubt: the unit may be reading the entry, piece by piece. */
	if (!aftermath->is_in_doubt)
		pasid_entry_erase(entry);
	drain(locked, dev, pasid, did_, aftermath);
}

/* Capabilities */

static bool can_ats(const struct vsva_dev *dev)
{
	return vtd_ECAP_DT(dev->iommu->rules.ecap) && dev->caps.ats && dev->caps.ats_page_aligned;
}

static bool can_page_requests(const struct vsva_dev *dev)
{
	return vtd_ECAP_PRS(dev->iommu->rules.ecap) && is_ats_on(dev) && dev->pf->caps.pri;
}

/* PASIDs are the PF's to enable, for itself and its VFs. */
static void shared_pasid_set(struct vsva_dev *dev, bool enable)
{
	struct vsva_dev *pf = dev->pf;

	if (!vtd_ECAP_PASID(dev->iommu->rules.ecap))
		return;
	lock_take(&dev->iommu->shared_caps_lock);
	if (enable ? pf->pasid_users++ == 0 : --pf->pasid_users == 0)
		pci_pasid_set(&pf->config, &pf->caps, enable);
	lock_drop(&dev->iommu->shared_caps_lock);
}

static int shared_pri_enable(struct vsva_dev *dev)
{
	struct vsva_dev *pf = dev->pf;
	int err = 0;

	lock_take(&dev->iommu->shared_caps_lock);
	if (pf->pri_users == 0)
		err = pci_pri_enable(&pf->config, &pf->caps);
	if (!err)
		pf->pri_users++;
	lock_drop(&dev->iommu->shared_caps_lock);
	return err;
}

static void shared_pri_disable(struct vsva_dev *dev)
{
	struct vsva_dev *pf = dev->pf;

	lock_take(&dev->iommu->shared_caps_lock);
	if (--pf->pri_users == 0)
		pci_pri_disable(&pf->config, &pf->caps);
	lock_drop(&dev->iommu->shared_caps_lock);
}

static void add_did_flush(void *arg, struct binding *binding)
{
	struct flush *flush = arg;

	flush_pasid_cache_domain(flush, binding->did);
	flush_iotlb_domain(flush, binding->did);
}

/* VT-d 6.5.3.1: a context entry that was present has changed. */
static void flush_context_entry(struct domain_locked locked, struct vsva_dev *dev,
				struct aftermath *aftermath)
{
	struct flush flush;

	flush_begin(&flush, dev->iommu);
	flush_context_device(&flush, dev->rid);
	if (vtd_CAP_CM(dev->iommu->rules.cap))
		flush_pasid_cache_domain(&flush, not_present_did);
	flush_pasid_cache_domain(&flush, locked.domain->did);
	flush_iotlb_domain(&flush, locked.domain->did);
	dev_for_each_binding(locked, dev, add_did_flush, &flush);
	dev_flush_device_tlb(dev, &flush, 0, everything);
	dev_flush_end(locked, dev, &flush, aftermath);
}

/* The unit first: a page request that meets PRE=0 is answered "invalid" and recorded as a fault. */
int dev_allow_pasids(struct domain_locked locked, struct vsva_dev *dev)
{
	struct aftermath aftermath = {0};
	bool page_requests = can_page_requests(dev);

	if (context_allow_pasids(dev->context, page_requests))
		flush_context_entry(locked, dev, &aftermath);
	if (aftermath.err || !page_requests || dev->is_pri_on)
		return aftermath.err;
	if (shared_pri_enable(dev))
		LOG_LIMITED(LOG_WARN,
			    "host: device %04x: page requests have not stopped since they "
			    "were disabled; going on without",
			    dev->rid.v);
	else
		dev->is_pri_on = true;
	return 0;
}

/* Attach and detach */

static unsigned pasid_bits(const struct vsva_dev *dev)
{
	unsigned unit = vtd_pasid_bits(dev->iommu->rules.ecap);
	unsigned device = dev->pf->caps.pasid_width;

	if (!device)
		return 1;
	return unit < device ? unit : device;
}

static void free_tables(struct vsva_dev *dev, const struct aftermath *aftermath)
{
	struct page_list removed = {0};

	pasid_table_fini(&dev->pasids, &removed);
	if (aftermath->is_in_doubt)
		limbo_add_pages(dev->iommu, &removed);
	else
		page_list_free(dev->iommu->port.physmem, &removed);
}

static int make_tables(struct vsva_dev *dev)
{
	struct aftermath never_used = {0};

	if (pasid_table_init(&dev->pasids, dev->iommu->port.physmem, pasid_bits(dev)))
		return -ENOMEM;
	if (pasid_table_make(&dev->pasids, 0))
		return 0;
	free_tables(dev, &never_used);
	return -ENOMEM;
}

/* Nothing gets through a context entry that is not present, nor by what the caches hold of it. */
static void close_context(struct domain_locked locked, struct vsva_dev *dev,
			  struct aftermath *aftermath)
{
	context_clear_present(dev->context);
	flush_context_entry(locked, dev, aftermath);
	if (!aftermath->is_in_doubt)
		context_erase(dev->context);
}

static int open_context(struct domain_locked locked, struct vsva_dev *dev)
{
	struct context_config config = {
		.pasid_dir = dev->pasids.dir, .pdts = dev->pasids.pdts, .ats = can_ats(dev)};
	struct aftermath aftermath = {0};

	context_publish(dev->context, &config);
	if (must_flush_new(dev->iommu))
		flush_context_entry(locked, dev, &aftermath);
	return aftermath.err;
}

/* PCIe 5.0, 10.5.1: PASIDs must not be switched while ATS is on, and the unit must take translation
 * requests before the device makes them, or it turns ATS off. */
static void enable_caps(struct vsva_dev *dev)
{
	shared_pasid_set(dev, true);
	if (!can_ats(dev))
		return;
	pci_ats_set(&dev->config, &dev->caps, true);
	__atomic_store_n(&dev->is_ats_on, true, __ATOMIC_RELEASE);
}

static void disable_caps(struct vsva_dev *dev)
{
	if (dev->is_pri_on)
		shared_pri_disable(dev);
	dev->is_pri_on = false;
	if (can_ats(dev))
		pci_ats_set(&dev->config, &dev->caps, false);
	__atomic_store_n(&dev->is_ats_on, false, __ATOMIC_RELEASE);
	shared_pasid_set(dev, false);
}

static int attach_publish(struct domain_locked locked, struct vsva_dev *dev)
{
	struct pasid_second_stage ss = domain_second_stage(locked.domain, locked.domain->did);
	struct vtd_pasid_entry entry = pasid_entry_second_stage(dev->iommu->rules.ecap, &ss);
	struct aftermath aftermath = {0};
	int err;

	pasid_entry_publish(pasid_table_find(&dev->pasids, 0), &entry);
	err = open_context(locked, dev);
	if (!err)
		return 0;
	close_context(locked, dev, &aftermath);
	free_tables(dev, &aftermath);
	return err;
}

static void attach_finish(struct domain_locked locked, struct vsva_dev *dev)
{
	struct vsva_domain *domain = locked.domain;

	dev->rid_kind = VSVA_RID_SECOND_STAGE;
	dev->is_isolated = false;
	enable_caps(dev);
	list_append(&domain->devs, &dev->in_domain);
	__atomic_store_n(&dev->is_open, true, __ATOMIC_SEQ_CST);
	TRACE(dev->iommu->trace, HOST, PASID_ENTRY, .vm = domain->vm, .rid = dev->rid,
	      .hpasid = hpasid(0), .value = VTD_PGTT_SECOND_STAGE);
	TRACE(dev->iommu->trace, HOST, DEVICE_ATTACH, .vm = domain->vm, .rid = dev->rid);
}

static int attach(struct domain_locked locked, struct vsva_dev *dev)
{
	struct vsva_domain *nobody = NULL;
	int err;

	if (dev_is_attached_to(dev, locked.domain))
		return 0;
	if (!__atomic_compare_exchange_n(&dev->domain, &nobody, locked.domain, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return -EBUSY;
	err = make_tables(dev);
	if (!err)
		err = attach_publish(locked, dev);
	if (err)
		__atomic_store_n(&dev->domain, NULL, __ATOMIC_RELEASE);
	else
		attach_finish(locked, dev);
	return err;
}

int vsva_domain_attach(struct vsva_domain *domain, struct vsva_dev *dev)
{
	struct domain_locked locked;
	int err;

	if (!domain || !dev || domain->iommu != dev->iommu)
		return -EINVAL;
	locked = domain_lock(domain);
	err = attach(locked, dev);
	domain_unlock(locked);
	return err;
}

static void teardown_all(struct domain_locked locked, struct vsva_dev *dev,
			 struct aftermath *aftermath)
{
	struct binding *binding;

	for (uint32_t pasid = 1; (binding = sparse_next(&dev->bindings, &pasid)); pasid++)
		child_unbind(locked, dev, binding, aftermath);
	rid_block(locked, dev, aftermath);
	prq_discard_all(dev);
}

/* The device TLB is flushed while the device still answers for it: before ATS goes. */
static int detach(struct domain_locked locked, struct vsva_dev *dev)
{
	struct aftermath aftermath = {0};

	__atomic_store_n(&dev->is_open, false, __ATOMIC_SEQ_CST);
	if (!host_wait(dev->iommu->pool, has_no_flushers, dev, 2 * dev->iommu->qi.timeout_ms))
		aftermath.err = -ETIMEDOUT;
	teardown_all(locked, dev, &aftermath);
	close_context(locked, dev, &aftermath);
	disable_caps(dev);
	free_tables(dev, &aftermath);
	list_remove(&dev->in_domain);
	__atomic_store_n(&dev->domain, NULL, __ATOMIC_RELEASE);
	TRACE(dev->iommu->trace, HOST, DEVICE_DETACH, .vm = locked.domain->vm, .rid = dev->rid);
	return aftermath.err;
}

int vsva_domain_detach(struct vsva_domain *domain, struct vsva_dev *dev)
{
	struct domain_locked locked;
	int err = -EINVAL;

	if (!domain || !dev)
		return -EINVAL;
	locked = domain_lock(domain);
	if (dev_is_attached_to(dev, domain))
		err = detach(locked, dev);
	domain_unlock(locked);
	return err;
}

int host_pasid_entry(struct vsva_dev *dev, hpasid_t pasid, struct vtd_pasid_entry *out)
{
	struct vsva_domain *domain = __atomic_load_n(&dev->domain, __ATOMIC_ACQUIRE);
	const struct vtd_pasid_entry *entry = NULL;
	struct domain_locked locked;

	if (!domain)
		return -ENOENT;
	locked = domain_lock(domain);
	if (dev_is_attached_to(dev, domain))
		entry = pasid_table_find(&dev->pasids, pasid.v);
	if (entry)
		pasid_entry_read(entry, out);
	domain_unlock(locked);
	return entry ? 0 : -ENOENT;
}
