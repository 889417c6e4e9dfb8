/* SPDX-License-Identifier: MIT */
/* An accelerator on the board as the parent of mediated devices: the host's port to it. */
#include "host/vdcm.h"

#include <errno.h>

#include "board/device.h"
#include "board/machine.h"

#define BAR_REGISTERS 0u
#define BAR_PORTALS   2u

static uint64_t port_read(void *arg, uint32_t offset, unsigned size)
{
	uint64_t value = UINT64_MAX;

	vsva_device_read(arg, BAR_REGISTERS, offset, size, &value);
	return value;
}

static void port_write(void *arg, uint32_t offset, unsigned size, uint64_t value)
{
	vsva_device_write(arg, BAR_REGISTERS, offset, size, value);
}

static int port_submit(void *arg, uint64_t offset, const void *bytes, bool deferrable)
{
	return vsva_device_portal_write(arg, offset, bytes, deferrable);
}

static void port_store(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	vsva_device_write(arg, BAR_PORTALS, offset, size, value);
}

static void port_set_irq(void *arg, void (*irq)(void *irq_arg, unsigned vector), void *irq_arg)
{
	vsva_device_set_irq(arg, irq, irq_arg);
}

static int make(struct vsva_device *device, struct vsva_vdcm **out)
{
	struct dsa_port port = {
		.arg = device,
		.read = port_read,
		.write = port_write,
		.submit = port_submit,
		.store = port_store,
		.config = device_config_port(device),
		.vectors = vsva_device_vectors(device),
		.set_irq = port_set_irq,
	};
	struct host_vdcm_config config = {
		.iommu = device->machine->iommu,
		.port = &port,
		.dev = device->dev,
		.pool = device->machine->seams.pool,
		.trace = &device->machine->trace,
	};

	return host_vdcm_create(&config, out);
}

int vsva_vdcm_create(struct vsva_device *device, struct vsva_vdcm **out)
{
	int err;

	if (!device || !device->dev || vsva_device_kind(device) != VSVA_DEVICE_DSA)
		return -EINVAL;
	err = make(device, out);
	if (!err)
		device_set_assigned(device, true);
	return err;
}

int vsva_vdcm_destroy(struct vsva_vdcm *vdcm)
{
	struct vsva_device *device;
	int err;

	if (!vdcm)
		return 0;
	device = vsva_vdcm_device(vdcm);
	err = host_vdcm_destroy(vdcm);
	if (!err)
		device_set_assigned(device, false);
	return err;
}

struct vsva_device *vsva_vdcm_device(struct vsva_vdcm *vdcm)
{
	return host_vdcm_port_arg(vdcm);
}
