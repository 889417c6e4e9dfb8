/* SPDX-License-Identifier: MIT */
#include "bench/owner.h"

/* Roots of first stages */
#define ROOT_BASE (UINT64_C(1) << 32)

int owner_open(struct vsva_iommu *iommu, struct vsva_dev *dev, enum vsva_free_policy policy,
	       uint32_t quota, struct owner *out)
{
	struct vsva_container_options options = {.pasid_quota = quota, .policy = policy};
	int err = vsva_container_open(iommu, &options, &out->container);

	if (err)
		return err;
	err = vsva_container_add(out->container, dev, &out->device);
	if (err)
		vsva_container_close(out->container);
	return err;
}

int owner_alloc(const struct owner *owner, hpasid_t *ids, uint32_t count)
{
	struct vsva_ioasid_set *set = vsva_container_set(owner->container);
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++)
		err = vsva_ioasid_alloc(set, 1, VSVA_PASID_MAX, NULL, &ids[i]);
	return err;
}

int owner_bind(const struct owner *owner, hpasid_t id, uint32_t number)
{
	struct vsva_gpasid_bind_data data = {
		.argsz = sizeof(data),
		.version = VSVA_GPASID_BIND_VERSION_1,
		.format = VSVA_PASID_FORMAT_INTEL_VTD,
		.addr_width = 48,
		.flags = VSVA_GPASID_VAL,
		.hpasid = id.v,
		.gpasid = number + 1,
		.gpgd = ROOT_BASE + (uint64_t)number * VSVA_PAGE_SIZE,
	};

	return vsva_container_bind_gpasid(owner->device, &data);
}
