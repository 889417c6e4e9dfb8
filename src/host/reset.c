// SPDX-License-Identifier: MIT
/* vsva_iommu_reset: everything that was attached and bound outlives the unit's state, because it
 * stands in memory. What stood in the unit alone is lost: page requests, and DMA under way. */
#include <errno.h>

#include "base/log.h"
#include "host/driver.h"
#include "host/group.h"

static void for_each_function(struct vsva_iommu *iommu, void (*fn)(struct function *function))
{
	struct function *function;

	for (uint32_t at = 0; (function = sparse_next(&iommu->functions, &at)); at++)
		fn(function);
}

/* What an earlier reset took and, because it failed, did not give back is not forgotten. */
static void take_master(struct function *function)
{
	function->was_master |= function->is_pci && pci_is_present(&function->config) &&
				pci_master_set(&function->config, false);
}

static void give_master(struct function *function)
{
	if (function->was_master)
		pci_master_set(&function->config, true);
	function->was_master = false;
}

/* The PF's page-request interface serves its VFs too. The device forgets what it has asked for. */
static void restart_page_requests(struct function *function)
{
	struct vsva_iommu *iommu = function->iommu;

	lock_take(&iommu->shared_caps_lock);
	if (function->pri_users) {
		pci_pri_disable(&function->config, &function->caps);
		pci_pri_reset(&function->config, &function->caps);
		if (pci_pri_enable(&function->config, &function->caps))
			LOG_LIMITED(LOG_WARN, VSVA_CODE_PAGE_REQUESTS_OFF,
				    "host: device %04x makes no page requests any more",
				    function->rid.v);
	}
	lock_drop(&iommu->shared_caps_lock);
}

static bool is_any(const struct group *group, const void *arg)
{
	(void)group;
	(void)arg;
	return true;
}

static void forget_page_requests(struct function *function)
{
	struct prq_locked locked = prq_lock(function->iommu);

	group_discard(locked, function, is_any, NULL);
	prq_unlock(locked);
}

static int reset_locked(struct vsva_iommu *iommu, void (*reset)(void *arg), void *arg)
{
	int err;

	for_each_function(iommu, take_master);
	qi_stop(&iommu->qi);
	prq_stop(iommu);
	reset(arg);
	err = iommu_bring_up(iommu);
	if (err)
		return err;
	prq_start(iommu);
	for_each_function(iommu, restart_page_requests);
	TRACE(iommu->trace, HOST, UNIT_RESET, .value = 0);
	for_each_function(iommu, forget_page_requests);
	for_each_function(iommu, give_master);
	worker_kick(iommu->prq_event.worker);
	return 0;
}

int vsva_iommu_reset(struct vsva_iommu *iommu, void (*reset)(void *arg), void *arg)
{
	int err;

	if (!iommu || !reset)
		return -EINVAL;
	lock_take(&iommu->registry_lock);
	err = reset_locked(iommu, reset, arg);
	lock_drop(&iommu->registry_lock);
	return err;
}
