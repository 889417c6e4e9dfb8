/* SPDX-License-Identifier: MIT */
/*
 * What the owner of a guest holds: `owner_open()` a container with memory, and the handle of a test
 * engine; `owner_bind()` a guest's first stage on it.
 */
#ifndef CONTAINER_H
#define CONTAINER_H

#include "host.h"

struct owner {
	struct host host;
	struct vsva_container *container;
	struct vsva_container_device *device; /* the engine */
};

static inline void owner_open(struct owner *owner)
{
	const uint32_t rw = VSVA_PROT_READ | VSVA_PROT_WRITE;

	host_create(&owner->host);
	host_add_memory(&owner->host);
	host_add_engine(&owner->host);
	EXPECT(vsva_container_open(owner->host.iommu, NULL, &owner->container) == 0);
	EXPECT(vsva_container_map(owner->container, gpa(0), hpa(HOST_HPA), HOST_MEMORY, rw) == 0);
	EXPECT(vsva_container_add(owner->container, owner->host.dev, &owner->device) == 0);
}

/* The first stage of host_bind_data(), under a PASID of the container's. */
static inline hpasid_t owner_bind(const struct owner *owner)
{
	struct vsva_gpasid_bind_data data;
	hpasid_t id;

	EXPECT(vsva_container_pasid_alloc(owner->container, &id) == 0);
	data = host_bind_data(&owner->host, id);
	EXPECT(vsva_container_bind_gpasid(owner->device, &data) == 0);
	return id;
}

static inline void owner_close(struct owner *owner)
{
	EXPECT(vsva_container_close(owner->container) == 0);
	host_destroy(&owner->host);
}

#endif
