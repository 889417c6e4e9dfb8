// SPDX-License-Identifier: MIT
/* Devices as the driver knows them: added, found by RID, removed. */
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

struct vsva_dev *dev_get(struct vsva_iommu *iommu, rid_t rid_)
{
	struct vsva_dev *dev;

	rcu_read_lock();
	dev = sparse_get(&iommu->devs, rid_.v);
	if (dev)
		__atomic_fetch_add(&dev->refs, 1, __ATOMIC_RELAXED);
	rcu_read_unlock();
	return dev;
}

/* The last access to the device: its removal may go on right behind it. */
void dev_put(struct vsva_dev *dev)
{
	__atomic_fetch_sub(&dev->refs, 1, __ATOMIC_RELEASE);
}

static bool has_no_refs(void *arg)
{
	struct vsva_dev *dev = arg;

	return __atomic_load_n(&dev->refs, __ATOMIC_ACQUIRE) == 0;
}

/* ECAP.DIT: the unit paces invalidations by PF, for all its VFs; otherwise the field is reserved.
 * VT-d 6.5.2.5 */
static void init_tlb(struct vsva_dev *dev)
{
	bool is_vf = dev->pf != dev;

	dev->tlb = (struct flush_device){
		.rid = dev->rid,
		.pfsid = vtd_ECAP_DIT(dev->iommu->rules.ecap) ? dev->pf->rid.v : 0,
		.queue_depth = is_vf ? 0 : (uint8_t)dev->caps.ats_queue_depth,
	};
}

/* registry_lock */
static int find_pf(struct vsva_iommu *iommu, const struct host_dev_info *info, struct vsva_dev *dev)
{
	dev->pf = dev;
	if (!info->is_vf)
		return 0;
	dev->pf = sparse_get(&iommu->devs, info->pf_rid.v);
	return dev->pf && dev->pf->pf == dev->pf ? 0 : -ENOENT;
}

/* registry_lock */
static int registry_add(struct vsva_iommu *iommu, const struct host_dev_info *info,
			struct vsva_dev *dev)
{
	int err = find_pf(iommu, info, dev);

	if (err)
		return err;
	if (sparse_get(&iommu->devs, dev->rid.v))
		return -EEXIST;
	dev->context = root_table_make_context(&iommu->root, dev->rid);
	if (!dev->context)
		return -ENOMEM;
	init_tlb(dev);
	err = sparse_set(&iommu->devs, dev->rid.v, dev);
	if (!err && dev->pf != dev)
		dev->pf->vf_count++;
	return err;
}

int host_dev_add(struct vsva_iommu *iommu, const struct host_dev_info *info, struct vsva_dev **out)
{
	struct vsva_dev *dev = base_zalloc(sizeof(*dev));
	int err;

	if (!dev)
		return -ENOMEM;
	dev->iommu = iommu;
	dev->rid = info->rid;
	dev->is_pci = info->is_pci;
	dev->config = info->config;
	sparse_init(&dev->bindings);
	list_init(&dev->in_domain);
	if (info->is_pci)
		pci_caps_read(&dev->config, &dev->caps);
	lock_take(&iommu->registry_lock);
	err = registry_add(iommu, info, dev);
	lock_drop(&iommu->registry_lock);
	if (err) {
		base_free(dev);
		return err;
	}
	stat_add(&iommu->stats.devices_now);
	*out = dev;
	return 0;
}

/* -EBUSY: its VFs are still there. */
static int registry_remove(struct vsva_dev *dev)
{
	struct vsva_iommu *iommu = dev->iommu;
	int err = 0;

	lock_take(&iommu->registry_lock);
	if (dev->vf_count) {
		err = -EBUSY;
	} else {
		sparse_set(&iommu->devs, dev->rid.v, NULL);
		if (dev->pf != dev)
			dev->pf->vf_count--;
	}
	lock_drop(&iommu->registry_lock);
	return err;
}

/* Who found it by RID has it in hand for the length of a report. */
static int wait_until_unused(struct vsva_dev *dev)
{
	if (host_wait(dev->iommu->pool, has_no_refs, dev, dev->iommu->qi.timeout_ms))
		return 0;
	LOG_LIMITED(LOG_ERROR, "host: device %04x is still in use; its memory is given up",
		    dev->rid.v);
	return -ETIMEDOUT;
}

int host_dev_remove(struct vsva_dev *dev)
{
	struct vsva_domain *domain = __atomic_load_n(&dev->domain, __ATOMIC_ACQUIRE);
	int err = 0, unused;

	if (dev->vf_count)
		return -EBUSY;
	if (domain)
		err = vsva_domain_detach(domain, dev);
	if (vsva_dev_unregister_fault_handler(dev) == -ETIMEDOUT)
		err = -ETIMEDOUT;
	CHECK(registry_remove(dev) == 0);
	rcu_synchronize();
	prq_discard_all(dev);
	stat_sub(&dev->iommu->stats.devices_now);
	unused = wait_until_unused(dev);
	if (unused)
		return unused;
	sparse_fini(&dev->bindings);
	base_free(dev);
	return err;
}
