// SPDX-License-Identifier: MIT
/* Functions and their devices as the driver knows them: added, found by RID, removed. */
#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "host/driver.h"
#include "host/wait.h"

rid_t vsva_dev_rid(const struct vsva_dev *dev)
{
	return dev->rid;
}

struct function *function_get(struct vsva_iommu *iommu, rid_t rid_)
{
	struct function *function;

	rcu_read_lock();
	function = sparse_get(&iommu->functions, rid_.v);
	if (function)
		__atomic_fetch_add(&function->refs, 1, __ATOMIC_RELAXED);
	rcu_read_unlock();
	return function;
}

/* The last access to the function: its removal may go on right behind it. */
void function_put(struct function *function)
{
	__atomic_fetch_sub(&function->refs, 1, __ATOMIC_RELEASE);
}

static bool has_no_refs(void *arg)
{
	unsigned *refs = arg;

	return __atomic_load_n(refs, __ATOMIC_ACQUIRE) == 0;
}

/* Devices */

static void dev_init(struct vsva_dev *dev, struct function *function, uint32_t base)
{
	dev->iommu = function->iommu;
	dev->function = function;
	dev->rid = function->rid;
	dev->base = base;
	list_init(&dev->in_function);
	list_init(&dev->in_domain);
	list_init(&dev->bindings);
}

/* Who found it has it in hand for the length of a report. */
static int wait_until_unused(struct vsva_iommu *iommu, rid_t rid_, unsigned *refs)
{
	if (host_wait_out(iommu->pool, has_no_refs, refs, iommu->qi.timeout_ms))
		return 0;
	LOG_LIMITED(LOG_ERROR, VSVA_CODE_DEVICE_IN_USE,
		    "host: device %04x is still in use; its memory is given up", rid_.v);
	return -ETIMEDOUT;
}

/* Nothing is bound, attached or reported any more. 0; -ETIMEDOUT: nothing is any more, but a call
 * is still in its handler, or its own memory may still be used. */
static int dev_stop(struct vsva_dev *dev, int *err)
{
	struct vsva_domain *domain = dev_domain_get(dev);

	*err = 0;
	if (domain) {
		*err = vsva_domain_detach(domain, dev);
		domain_put(domain);
	}
	if (*err == -EINVAL) /* somebody else was faster */
		*err = 0;
	if (*err == -EBUSY)
		return -EBUSY;
	if (vsva_dev_unregister_fault_handler(dev) == -ETIMEDOUT)
		*err = -ETIMEDOUT;
	return 0;
}

/* Functions */

/* ECAP.DIT: the unit paces invalidations by PF, for all its VFs; otherwise the field is reserved.
 * VT-d 6.5.2.5 */
static void init_tlb(struct function *function)
{
	bool is_vf = function->pf != function;

	function->tlb = (struct flush_device){
		.rid = function->rid,
		.pfsid = vtd_ECAP_DIT(function->iommu->rules.ecap) ? function->pf->rid.v : 0,
		.queue_depth = is_vf ? 0 : (uint8_t)function->caps.ats_queue_depth,
	};
}

/* registry_lock */
static int find_pf(struct vsva_iommu *iommu, const struct host_dev_info *info,
		   struct function *function)
{
	function->pf = function;
	if (!info->is_vf)
		return 0;
	function->pf = sparse_get(&iommu->functions, info->pf_rid.v);
	return function->pf && function->pf->pf == function->pf ? 0 : -ENOENT;
}

/* registry_lock */
static int registry_add(struct vsva_iommu *iommu, const struct host_dev_info *info,
			struct function *function)
{
	int err = find_pf(iommu, info, function);

	if (err)
		return err;
	if (sparse_get(&iommu->functions, function->rid.v))
		return -EEXIST;
	function->context = root_table_make_context(&iommu->root, function->rid);
	if (!function->context)
		return -ENOMEM;
	init_tlb(function);
	err = sparse_set(&iommu->functions, function->rid.v, function);
	if (!err && function->pf != function)
		function->pf->vf_count++;
	return err;
}

static struct function *function_create(struct vsva_iommu *iommu, const struct host_dev_info *info)
{
	struct function *function = base_zalloc(sizeof(*function));

	if (!function)
		return NULL;
	function->iommu = iommu;
	function->rid = info->rid;
	function->is_pci = info->is_pci;
	function->config = info->config;
	sparse_init(&function->bindings);
	list_init(&function->subdevs);
	lock_init(&function->lock, LOCK_RANK_FUNCTION, "function");
	if (info->is_pci)
		pci_caps_read(&function->config, &function->caps);
	dev_init(&function->own, function, 0);
	return function;
}

static void function_free(struct function *function)
{
	sparse_fini(&function->bindings);
	lock_destroy(&function->lock);
	base_free(function);
}

int host_dev_add(struct vsva_iommu *iommu, const struct host_dev_info *info, struct vsva_dev **out)
{
	struct function *function = function_create(iommu, info);
	int err;

	if (!function)
		return -ENOMEM;
	lock_take(&iommu->registry_lock);
	err = registry_add(iommu, info, function);
	lock_drop(&iommu->registry_lock);
	if (err) {
		function_free(function);
		return err;
	}
	stat_add(&iommu->stats.devices_now);
	*out = &function->own;
	return 0;
}

static bool has_subdevs(struct function *function)
{
	bool has;

	lock_take(&function->lock);
	has = !list_is_empty(&function->subdevs);
	lock_drop(&function->lock);
	return has;
}

static void registry_remove(struct function *function)
{
	struct vsva_iommu *iommu = function->iommu;

	lock_take(&iommu->registry_lock);
	CHECK(!function->vf_count);
	sparse_replace(&iommu->functions, function->rid.v, NULL);
	if (function->pf != function)
		function->pf->vf_count--;
	lock_drop(&iommu->registry_lock);
}

static int function_remove(struct function *function)
{
	struct vsva_iommu *iommu = function->iommu;
	int err, unused;

	if (function->vf_count || has_subdevs(function) || dev_stop(&function->own, &err))
		return -EBUSY;
	registry_remove(function);
	rcu_synchronize();
	prq_discard_all(&function->own);
	stat_sub(&iommu->stats.devices_now);
	unused = wait_until_unused(iommu, function->rid, &function->refs);
	if (!unused)
		unused = wait_until_unused(iommu, function->rid, &function->own.refs);
	if (unused)
		return unused;
	function_free(function);
	return err;
}

/* Sub-devices */

static int subdev_link(struct vsva_dev *dev)
{
	struct function *function = dev->function;
	int err;

	lock_take(&function->lock);
	err = function_find_bindings(function, dev->base) ? -EEXIST : 0;
	for (struct list *at = function->subdevs.next; at != &function->subdevs; at = at->next)
		if (container_of(at, struct vsva_dev, in_function)->base == dev->base)
			err = -EEXIST;
	if (!err)
		list_append(&function->subdevs, &dev->in_function);
	lock_drop(&function->lock);
	return err;
}

int host_subdev_add(struct vsva_dev *parent, hpasid_t base, struct vsva_dev **out)
{
	struct vsva_dev *dev;
	int err;

	if (!parent || !out || parent->base || base.v < 1 || base.v > VSVA_PASID_MAX)
		return -EINVAL;
	dev = base_zalloc(sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev_init(dev, parent->function, base.v);
	err = subdev_link(dev);
	if (err)
		base_free(dev);
	else
		*out = dev;
	return err;
}

static int subdev_remove(struct vsva_dev *dev)
{
	struct function *function = dev->function;
	int err, unused;

	dev_stop(dev, &err);
	lock_take(&function->lock);
	list_remove(&dev->in_function);
	lock_drop(&function->lock);
	rcu_synchronize();
	prq_discard_all(dev);
	unused = wait_until_unused(dev->iommu, dev->rid, &dev->refs);
	if (unused)
		return unused;
	base_free(dev);
	return err;
}

int host_dev_remove(struct vsva_dev *dev)
{
	return dev->base ? subdev_remove(dev) : function_remove(dev->function);
}
