// SPDX-License-Identifier: MIT
/*
 * Attach and detach: a domain's second stage becomes the translation of a device's requests without
 * PASID, and its owner may bind PASIDs there. A function's own handle opens and closes the context
 * entry; a sub-device (an "aux" attachment) only has the entry of its base PASID.
 */
#include "host/attach.h"

#include <errno.h>

#include "host/teardown.h"
#include "host/wait.h"

/* Invalidations from outside */

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

/* Attach */

static bool is_subdev(const struct vsva_dev *dev)
{
	return dev->base != 0;
}

static struct vtd_pasid_entry second_stage_entry(struct domain_locked locked)
{
	struct pasid_second_stage ss = domain_second_stage(locked.domain, locked.domain->did);

	return pasid_entry_second_stage(locked.domain->iommu->rules.ecap, &ss);
}

/* A nested entry for requests without PASID must not fail for memory later. */
static int reserve_base(struct vsva_dev *dev)
{
	struct function *function = dev->function;
	int err;

	lock_take(&function->lock);
	err = sparse_reserve(&function->bindings, dev->base);
	if (!err && !pasid_table_make(&function->pasids, dev->base))
		err = -ENOMEM;
	lock_drop(&function->lock);
	return err;
}

static int open_function(struct domain_locked locked, struct vsva_dev *dev)
{
	struct vtd_pasid_entry entry = second_stage_entry(locked);
	struct function *function = dev->function;
	struct aftermath aftermath = {0};
	int err = function_make_tables(function);

	if (err)
		return err;
	err = reserve_base(dev);
	if (!err) {
		pasid_entry_publish(&function->pasids, pasid_table_find(&function->pasids, 0),
				    &entry);
		err = function_open(function);
		if (!err) {
			function_enable_caps(function);
			return 0;
		}
		function_close(function, &aftermath);
	}
	function_free_tables(function, &aftermath);
	return err;
}

/* Is the function there to share? From here on it cannot be detached. */
static int join_function(struct vsva_dev *dev)
{
	struct function *function = dev->function;
	bool is_open;

	lock_take(&function->lock);
	is_open = __atomic_load_n(&function->own.is_open, __ATOMIC_SEQ_CST) &&
		  !function_is_isolated(function);
	lock_drop(&function->lock);
	return is_open ? 0 : -ENODEV;
}

static int open_subdev(struct domain_locked locked, struct vsva_dev *dev)
{
	struct entry_ref ref = {.pasid = dev->base, .did = locked.domain->did};
	struct vtd_pasid_entry entry = second_stage_entry(locked);
	struct aftermath aftermath = {0};
	int err = join_function(dev);

	if (!err)
		err = reserve_base(dev);
	if (!err)
		err = function_allow_pasids(dev->function);
	if (err)
		return err;
	err = entry_publish(locked, dev, dev->base, &entry);
	if (err)
		entries_teardown(locked, dev, &ref, 1, &aftermath);
	return err;
}

static void attach_finish(struct domain_locked locked, struct vsva_dev *dev)
{
	struct vsva_domain *domain = locked.domain;

	dev->rid_kind = VSVA_RID_SECOND_STAGE;
	list_append(&domain->devs, &dev->in_domain);
	__atomic_store_n(&dev->is_open, true, __ATOMIC_SEQ_CST);
	if (!is_subdev(dev))
		TRACE(dev->iommu->trace, HOST, PASID_ENTRY, .vm = domain->vm, .rid = dev->rid,
		      .hpasid = hpasid(0), .value = VTD_PGTT_SECOND_STAGE);
	TRACE(dev->iommu->trace, HOST, DEVICE_ATTACH, .vm = domain->vm, .rid = dev->rid,
	      .hpasid = hpasid(is_subdev(dev) ? dev->base : VSVA_PASID_INVALID));
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
	err = is_subdev(dev) ? open_subdev(locked, dev) : open_function(locked, dev);
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

/* Detach */

/* Nobody joins the function any more, and nobody has. */
static int shut_function(struct function *function)
{
	int err = 0;

	lock_take(&function->lock);
	for (struct list *at = function->subdevs.next; at != &function->subdevs; at = at->next)
		if (__atomic_load_n(&container_of(at, struct vsva_dev, in_function)->domain,
				    __ATOMIC_ACQUIRE))
			err = -EBUSY;
	if (!err)
		__atomic_store_n(&function->own.is_open, false, __ATOMIC_SEQ_CST);
	lock_drop(&function->lock);
	return err;
}

static int shut(struct vsva_dev *dev)
{
	if (!is_subdev(dev))
		return shut_function(dev->function);
	__atomic_store_n(&dev->is_open, false, __ATOMIC_SEQ_CST);
	return 0;
}

static void teardown(struct domain_locked locked, struct vsva_dev *dev, struct aftermath *aftermath)
{
	bindings_teardown_all(locked, dev, aftermath);
	rid_block(locked, dev, aftermath);
	prq_discard_all(dev);
}

static void detach_function(struct vsva_dev *dev, struct aftermath *aftermath)
{
	function_close(dev->function, aftermath);
	function_disable_caps(dev->function);
	function_free_tables(dev->function, aftermath);
}

/* The device TLB is flushed while the device still answers for it: before ATS goes. */
static int detach(struct domain_locked locked, struct vsva_dev *dev)
{
	struct aftermath aftermath = {0};

	if (shut(dev))
		return -EBUSY;
	if (!host_wait(dev->iommu->pool, has_no_flushers, dev, 2 * dev->iommu->qi.timeout_ms))
		aftermath.err = -ETIMEDOUT;
	teardown(locked, dev, &aftermath);
	if (!is_subdev(dev))
		detach_function(dev, &aftermath);
	list_remove(&dev->in_domain);
	__atomic_store_n(&dev->domain, NULL, __ATOMIC_RELEASE);
	TRACE(dev->iommu->trace, HOST, DEVICE_DETACH, .vm = locked.domain->vm, .rid = dev->rid,
	      .hpasid = hpasid(is_subdev(dev) ? dev->base : VSVA_PASID_INVALID));
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
		entry = pasid_table_find(&dev->function->pasids, pasid.v ? pasid.v : dev->base);
	if (entry)
		pasid_entry_read(entry, out);
	domain_unlock(locked);
	return entry ? 0 : -ENOENT;
}
