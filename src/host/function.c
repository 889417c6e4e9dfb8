// SPDX-License-Identifier: MIT
#include "host/function.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"

static const struct flush_range everything = {.order = FLUSH_ALL};

bool function_is_ats_on(const struct function *function)
{
	return __atomic_load_n(&function->is_ats_on, __ATOMIC_ACQUIRE);
}

bool function_is_pri_on(const struct function *function)
{
	return __atomic_load_n(&function->is_pri_on, __ATOMIC_ACQUIRE);
}

bool function_is_isolated(const struct function *function)
{
	return __atomic_load_n(&function->is_isolated, __ATOMIC_ACQUIRE);
}

/* Flushes */

void function_flush_device_tlb(struct function *function, struct flush *flush, uint32_t pasid,
			       struct flush_range range)
{
	if (!function_is_ats_on(function))
		return;
	if (pasid)
		flush_device_tlb_pasid(flush, &function->tlb, pasid, range);
	else
		flush_device_tlb(flush, &function->tlb, range);
}

/*
 * A device that does not answer may still hold translations, and would use them as translated
 * requests, which only the context entry stops (VT-d 3.4.4, 6.5.2.5). It stays so until it is
 * detached. Global, because all its translations are meant.
 *
 * That ATS is off comes last: whoever finds it off relies on the device being blocked. Until then
 * others, of other domains, ask the device as well, and block it themselves before they return.
 */
static void isolate(struct function *function, struct aftermath *aftermath)
{
	struct flush flush;

	if (!__atomic_exchange_n(&function->is_isolated, true, __ATOMIC_ACQ_REL))
		LOG_LIMITED(LOG_WARN, VSVA_CODE_DEVICE_SILENT,
			    "host: device %04x does not answer invalidations: it is blocked",
			    function->rid.v);
	context_clear_present(&function->iommu->root, function->context);
	flush_begin(&flush, function->iommu);
	flush_context_device(&flush, function->rid);
	flush_pasid_cache_global(&flush);
	flush_iotlb_global(&flush);
	if (flush_end(&flush))
		aftermath->is_in_doubt = true;
	__atomic_store_n(&function->is_ats_on, false, __ATOMIC_RELEASE);
}

void function_flush_end(struct function *function, struct flush *flush, struct aftermath *aftermath)
{
	int err = flush_end(flush);

	if (err && !aftermath->err)
		aftermath->err = err;
	if (flush->is_in_doubt)
		aftermath->is_in_doubt = true;
	if (flush->is_device_silent)
		isolate(function, aftermath);
}

void function_isolate_if_absent(struct function *function, struct aftermath *aftermath)
{
	if (function_is_ats_on(function) && !pci_is_present(&function->config))
		isolate(function, aftermath);
}

bool function_must_flush_new(const struct function *function)
{
	uint64_t cap = function->iommu->rules.cap;

	return vtd_CAP_CM(cap) || vtd_CAP_RWBF(cap);
}

/* Capabilities */

static bool can_ats(const struct function *function)
{
	return vtd_ECAP_DT(function->iommu->rules.ecap) && function->caps.ats &&
	       function->caps.ats_page_aligned;
}

static bool can_page_requests(const struct function *function)
{
	return vtd_ECAP_PRS(function->iommu->rules.ecap) && function_is_ats_on(function) &&
	       function->pf->caps.pri;
}

/* PASIDs are the PF's to enable, for itself and its VFs. */
static void shared_pasid_set(struct function *function, bool enable)
{
	struct function *pf = function->pf;

	if (!vtd_ECAP_PASID(function->iommu->rules.ecap))
		return;
	lock_take(&function->iommu->shared_caps_lock);
	if (enable ? pf->pasid_users++ == 0 : --pf->pasid_users == 0)
		pci_pasid_set(&pf->config, &pf->caps, enable);
	lock_drop(&function->iommu->shared_caps_lock);
}

static int shared_pri_enable(struct function *function)
{
	struct function *pf = function->pf;
	int err = 0;

	lock_take(&function->iommu->shared_caps_lock);
	if (pf->pri_users == 0)
		err = pci_pri_enable(&pf->config, &pf->caps);
	if (!err)
		pf->pri_users++;
	lock_drop(&function->iommu->shared_caps_lock);
	return err;
}

static void shared_pri_disable(struct function *function)
{
	struct function *pf = function->pf;

	lock_take(&function->iommu->shared_caps_lock);
	if (--pf->pri_users == 0)
		pci_pri_disable(&pf->config, &pf->caps);
	lock_drop(&function->iommu->shared_caps_lock);
}

/* VT-d 6.5.3.1: a context entry that was present has changed. Nothing is cached by way of it but
 * what requests without PASID have left, or what a teardown has flushed already. */
static void flush_context_entry(struct function *function, struct aftermath *aftermath)
{
	const struct binding *rid_child = dev_find_binding(&function->own, 0);
	did_t did_ = function->own.domain->did;
	struct flush flush;

	flush_begin(&flush, function->iommu);
	flush_context_device(&flush, function->rid);
	if (vtd_CAP_CM(function->iommu->rules.cap))
		flush_pasid_cache_domain(&flush, did(DID_OF_NOT_PRESENT));
	flush_pasid_cache_domain(&flush, did_);
	flush_iotlb_domain(&flush, did_);
	if (rid_child) {
		flush_pasid_cache_domain(&flush, rid_child->did);
		flush_iotlb_domain(&flush, rid_child->did);
	}
	function_flush_device_tlb(function, &flush, 0, everything);
	function_flush_end(function, &flush, aftermath);
}

/* The unit first: a page request that meets PRE=0 is answered "invalid" and recorded as a fault. */
static int allow_pasids(struct function *function)
{
	struct aftermath aftermath = {0};
	bool page_requests = can_page_requests(function);

	if (context_allow_pasids(&function->iommu->root, function->context, page_requests))
		flush_context_entry(function, &aftermath);
	if (function_is_isolated(function))
		return -ENODEV;
	if (aftermath.err || !page_requests || function->is_pri_on)
		return aftermath.err;
	if (shared_pri_enable(function))
		LOG_LIMITED(LOG_WARN, VSVA_CODE_PAGE_REQUESTS_OFF,
			    "host: device %04x: page requests have not stopped since they "
			    "were disabled; going on without",
			    function->rid.v);
	else
		__atomic_store_n(&function->is_pri_on, true, __ATOMIC_RELEASE);
	return 0;
}

int function_allow_pasids(struct function *function)
{
	int err;

	/* Page requests are switched on last, and off with everything else. */
	if (function_is_pri_on(function))
		return function_is_isolated(function) ? -ENODEV : 0;
	lock_take(&function->lock);
	err = allow_pasids(function);
	lock_drop(&function->lock);
	return err;
}

/* Tables and context entry */

static unsigned pasid_bits(const struct function *function)
{
	unsigned unit = vtd_pasid_bits(function->iommu->rules.ecap);
	unsigned device = function->pf->caps.pasid_width;

	if (!device)
		return 1;
	return unit < device ? unit : device;
}

void function_free_tables(struct function *function, const struct aftermath *aftermath)
{
	struct page_list removed = {0};

	pasid_table_fini(&function->pasids, &removed);
	if (aftermath->is_in_doubt)
		limbo_add_pages(function->iommu, &removed);
	else
		page_list_free(function->iommu->port.physmem, &removed);
}

int function_make_tables(struct function *function)
{
	struct aftermath never_used = {0};

	if (pasid_table_init(&function->pasids, &function->iommu->root.memory,
			     pasid_bits(function)))
		return -ENOMEM;
	if (pasid_table_make(&function->pasids, 0))
		return 0;
	function_free_tables(function, &never_used);
	return -ENOMEM;
}

void function_close(struct function *function, struct aftermath *aftermath)
{
	context_clear_present(&function->iommu->root, function->context);
	flush_context_entry(function, aftermath);
	if (!aftermath->is_in_doubt)
		context_erase(&function->iommu->root, function->context);
}

int function_open(struct function *function)
{
	struct context_config config = {.pasid_dir = function->pasids.dir,
					.pdts = function->pasids.pdts,
					.ats = can_ats(function)};
	struct aftermath aftermath = {0};

	context_publish(&function->iommu->root, function->context, &config);
	if (function_must_flush_new(function))
		flush_context_entry(function, &aftermath);
	return aftermath.err;
}

/* PCIe 5.0, 10.5.1: PASIDs must not be switched while ATS is on, and the unit must take translation
 * requests before the device makes them, or it turns ATS off. */
void function_enable_caps(struct function *function)
{
	__atomic_store_n(&function->is_isolated, false, __ATOMIC_RELEASE);
	shared_pasid_set(function, true);
	if (!can_ats(function))
		return;
	pci_ats_set(&function->config, &function->caps, true);
	__atomic_store_n(&function->is_ats_on, true, __ATOMIC_RELEASE);
}

void function_disable_caps(struct function *function)
{
	if (__atomic_exchange_n(&function->is_pri_on, false, __ATOMIC_ACQ_REL))
		shared_pri_disable(function);
	if (can_ats(function))
		pci_ats_set(&function->config, &function->caps, false);
	__atomic_store_n(&function->is_ats_on, false, __ATOMIC_RELEASE);
	shared_pasid_set(function, false);
}
