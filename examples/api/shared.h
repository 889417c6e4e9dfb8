/* SPDX-License-Identifier: MIT */
/*
 * One accelerator that several owners share: `shared_create()` makes it a parent with one mediated
 * device, a shared queue, for the owner of host.h; `shared_open()` opens that, `shared_start()` enables
 * its queue as a guest does and binds guest PASID 42.
 */
#ifndef SHARED_H
#define SHARED_H

#include <vsva/mdev.h>

#include "dsa.h"
#include "host.h"

struct shared {
	struct host host;
	struct vsva_device *accelerator;
	struct vsva_vdcm *vdcm;
	struct vsva_mdev *mdev;
	hpasid_t pasid;
};

static inline void shared_create(struct shared *shared)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA};

	host_create(&shared->host);
	host_add_device(&shared->host);
	EXPECT(vsva_device_create(shared->host.machine, &options, &shared->accelerator) == 0);
	EXPECT(vsva_vdcm_create(shared->accelerator, &shared->vdcm) == 0);
	EXPECT(vsva_mdev_create(shared->vdcm, VSVA_MDEV_SHARED, &shared->mdev) == 0);
}

static inline void shared_open(struct shared *shared)
{
	const struct vsva_mdev_owner owner = {.set = shared->host.set};

	EXPECT(vsva_mdev_open(shared->mdev, &owner) == 0);
	EXPECT(vsva_domain_attach(shared->host.domain, vsva_mdev_dev(shared->mdev)) == 0);
}

static inline void shared_write(struct shared *shared, uint64_t offset, unsigned size,
				uint64_t value)
{
	EXPECT(vsva_mdev_write(shared->mdev, 0, offset, size, value) == 0);
	vsva_machine_run_idle(shared->host.machine, 10000);
}

/* As dsa_start() does with a whole accelerator. */
static inline void shared_start(struct shared *shared)
{
	struct vsva_gpasid_bind_data data;

	shared->pasid = host_alloc(&shared->host);
	data = host_bind_data(&shared->host, shared->pasid);
	EXPECT(vsva_bind_gpasid(shared->host.domain, vsva_mdev_dev(shared->mdev), &data) == 0);
	EXPECT(vsva_mdev_config_write(shared->mdev, 0x04, 2, 0x6) == 0);   /* bus master */
	EXPECT(vsva_mdev_config_write(shared->mdev, 0x146, 2, 0x1) == 0);  /* PASIDs on */
	shared_write(shared, 0x400, 8, 1);                                 /* group: queue */
	shared_write(shared, 0x420, 8, 1);                                 /* and engine */
	shared_write(shared, 0x500, 8, 16 | UINT64_C(16) << 32);           /* entries */
	shared_write(shared, 0x508, 8, 0x100000a2 | UINT64_C(0xb5) << 32); /* mode, limits */
	shared_write(shared, 0xa0, 4, 1 << 20);                            /* enable device */
	shared_write(shared, 0xa0, 4, 6 << 20);                            /* enable queue */
}

/* Copies 8 bytes from HOST_GVA to HOST_GVA + 64: what the portal answers. */
static inline int shared_copy(struct shared *shared, uint64_t value)
{
	struct vsva_dsa_descriptor copy = dsa_copy(HOST_GVA, HOST_GVA + 64, 8, HOST_GVA + 128);
	int result;

	copy.pasid = shared->pasid.v; /* ENQCMD has translated it */
	*host_word(&shared->host, HOST_PAGE) = value;
	result = vsva_mdev_portal_write(shared->mdev, DSA_PORTAL, &copy, true);
	vsva_machine_run_idle(shared->host.machine, 10000);
	return result;
}

static inline uint64_t shared_result(const struct shared *shared)
{
	return *host_word(&shared->host, HOST_PAGE + 64);
}

static inline void shared_close(struct shared *shared)
{
	vsva_mdev_reset(shared->mdev);
	EXPECT(vsva_domain_detach(shared->host.domain, vsva_mdev_dev(shared->mdev)) == 0);
	vsva_mdev_close(shared->mdev);
}

static inline void shared_destroy(struct shared *shared)
{
	EXPECT(vsva_mdev_destroy(shared->mdev) == 0);
	EXPECT(vsva_vdcm_destroy(shared->vdcm) == 0);
	host_destroy(&shared->host);
}

#endif
