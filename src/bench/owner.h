/* SPDX-License-Identifier: MIT */
/* Who holds PASIDs: a container with one device. */
#ifndef BENCH_OWNER_H
#define BENCH_OWNER_H

#include "vsva/machine.h"
#include "vsva/vfio.h"

struct owner {
	struct vsva_container *container;
	struct vsva_container_device *device;
};

/* 0 or -errno. Closing the container is all that is due. */
int owner_open(struct vsva_iommu *iommu, struct vsva_dev *dev, enum vsva_free_policy policy,
	       uint32_t quota, struct owner *out);
/* From the whole space, not only the part that VMs are given by default. */
int owner_alloc(const struct owner *owner, hpasid_t *ids, uint32_t count);
/* Each id to a guest PASID and a first stage of its own, wherever that may be: nobody walks it. */
int owner_bind(const struct owner *owner, hpasid_t id, uint32_t number);

#endif
