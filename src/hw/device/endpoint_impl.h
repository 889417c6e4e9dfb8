/* SPDX-License-Identifier: MIT */
/* What the files of an endpoint share. */
#ifndef HW_DEVICE_ENDPOINT_IMPL_H
#define HW_DEVICE_ENDPOINT_IMPL_H

#include "hw/device/endpoint.h"

static inline void endpoint_count_(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static inline bool endpoint_is_gone_(const struct endpoint *endpoint)
{
	return __atomic_load_n(&endpoint->gone, __ATOMIC_ACQUIRE);
}

/* PCIe 6.20.2.3: privileged mode is asked for with a PASID, and only if that is switched on */
static inline bool endpoint_is_privileged_(const struct endpoint *endpoint,
					   const struct dma_context *context)
{
	return context->privileged && context->pasid != VSVA_PASID_INVALID &&
	       pci_config_pasid_privileged(endpoint->pf_config);
}

static inline struct unit_request endpoint_request_of_(const struct endpoint *endpoint,
						       const struct dma_context *context,
						       uint64_t addr, enum unit_access access)
{
	return (struct unit_request){
		.rid = endpoint->rid,
		.pasid = context->pasid,
		.addr = addr,
		.access = access,
		.privileged = endpoint_is_privileged_(endpoint, context),
	};
}

/* May the function put such a request on the bus at all? */
static inline bool endpoint_may_request_(const struct endpoint *endpoint,
					 const struct dma_context *context, uint32_t enables)
{
	if (endpoint_is_gone_(endpoint) || !(enables & PCI_CONFIG_ON_BUS_MASTER))
		return false;
	return context->pasid == VSVA_PASID_INVALID ||
	       pci_config_pasid_enabled(endpoint->pf_config);
}

/* Whoever answers them now answers nobody. */
void endpoint_forget_groups_(struct endpoint *endpoint);

#endif
