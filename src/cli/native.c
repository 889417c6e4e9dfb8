/* SPDX-License-Identifier: MIT */
#include "cli/native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Intel DSA 1.0, chapter 9 */
enum {
	REG_CMD = 0xa0,
	REG_CMDSTS = 0xa8,
	REG_GRPCFG = 0x400,
	REG_GRPCFG_ENGINES = 0x420,
	REG_WQCFG = 0x500,
	WQCFG_STRIDE = 64,
	WQCFG_THRESHOLD = 4,
	WQCFG_MODE = 8,
	WQCFG_LIMITS = 12,
	COMMAND_ENABLE_DEVICE = 1,
	COMMAND_ENABLE_QUEUE = 6,
	COMMAND_DISABLE_QUEUE = 7,
	COMMAND_DRAIN_PASID = 11,
	COMMAND_ABORT_PASID = 12,
	CONFIG_COMMAND = 0x04,
	CONFIG_MEMORY_AND_MASTER = 0x6,
};

#define CMDSTS_ACTIVE  (UINT32_C(1) << 31)
#define DEDICATED      0u
#define SHARED         1u
#define ENTRIES        16u
#define MODE           (0x2u | 10u << 4 | 1u << 28) /* block on fault, priority, PASID enable */
#define MODE_DEDICATED 0x1u
#define LIMITS         (21u | 5u << 5) /* 2 MiB, 32 descriptors */
#define PORTAL_STRIDE  0x4000u
#define PORTAL_LIMITED 0x1000u
#define TIMEOUT_MS     30000u

struct native_device {
	struct vsva_device *device;
	struct vsva_domain *domain;
	uint32_t queue_pasid; /* in the dedicated queue; 0: it is disabled */
};

/* Registers */

static uint64_t reg_read(const struct native_device *native, uint64_t offset, unsigned size)
{
	uint64_t value = UINT64_MAX;

	vsva_device_read(native->device, 0, offset, size, &value);
	return value;
}

static void reg_write(const struct native_device *native, uint64_t offset, unsigned size,
		      uint64_t value)
{
	vsva_device_write(native->device, 0, offset, size, value);
}

static bool is_done(void *arg)
{
	return !(reg_read(arg, REG_CMDSTS, 4) & CMDSTS_ACTIVE);
}

static int command(struct native_device *native, uint32_t code, uint32_t operand)
{
	struct vsva_machine *machine = vsva_device_machine(native->device);

	reg_write(native, REG_CMD, 4, code << 20 | operand);
	if (!vsva_machine_wait(machine, is_done, native, TIMEOUT_MS))
		return -ETIMEDOUT;
	return (uint8_t)reg_read(native, REG_CMDSTS, 4) ? -EIO : 0;
}

static void configure_queue(const struct native_device *native, unsigned queue, uint32_t mode)
{
	uint64_t base = REG_WQCFG + (uint64_t)queue * WQCFG_STRIDE;

	reg_write(native, base, 4, ENTRIES);
	reg_write(native, base + WQCFG_THRESHOLD, 4, ENTRIES);
	reg_write(native, base + WQCFG_LIMITS, 4, LIMITS);
	reg_write(native, base + WQCFG_MODE, 4, MODE | mode);
}

/* Life */

static int start(struct native_device *native)
{
	int err = vsva_device_config_write(native->device, CONFIG_COMMAND, 2,
					   CONFIG_MEMORY_AND_MASTER);

	reg_write(native, REG_GRPCFG, 8, 1u << DEDICATED | 1u << SHARED);
	reg_write(native, REG_GRPCFG_ENGINES, 8, 1);
	configure_queue(native, DEDICATED, MODE_DEDICATED);
	configure_queue(native, SHARED, 0);
	if (!err)
		err = command(native, COMMAND_ENABLE_DEVICE, 0);
	return err ? err : command(native, COMMAND_ENABLE_QUEUE, SHARED);
}

/* A device that somebody else has is not touched. */
static int attach(struct native_device *native)
{
	struct vsva_iommu *iommu = vsva_machine_iommu(vsva_device_machine(native->device));
	int err = vsva_domain_alloc(iommu, NULL, 0, 0, &native->domain);

	if (err)
		return err;
	err = vsva_domain_attach(native->domain, vsva_device_dev(native->device));
	if (err)
		vsva_domain_free(native->domain);
	return err;
}

static int take(struct native_device *native)
{
	int err = vsva_sva_enable(vsva_device_dev(native->device));

	vsva_device_reset(native->device);
	return err ? err : start(native);
}

int native_device_create(struct vsva_device *device, struct native_device **out)
{
	struct native_device *native = calloc(1, sizeof(*native));
	int err;

	if (!native)
		return -ENOMEM;
	native->device = device;
	err = attach(native);
	if (err) {
		free(native);
		return err;
	}
	err = take(native);
	if (err)
		native_device_destroy(native);
	else
		*out = native;
	return err;
}

/* It stops before its translations go. */
void native_device_destroy(struct native_device *native)
{
	vsva_device_config_write(native->device, CONFIG_COMMAND, 2, 0);
	vsva_device_reset(native->device);
	vsva_domain_detach(native->domain, vsva_device_dev(native->device));
	vsva_domain_free(native->domain);
	free(native);
}

/* PASIDs */

int native_bind(struct native_device *native, struct vsva_mm *mm, struct vsva_sva **out)
{
	return vsva_sva_bind(vsva_device_dev(native->device), mm, 0, NULL, NULL, out);
}

static int disable_dedicated(struct native_device *native)
{
	int err = 0;

	if (native->queue_pasid)
		err = command(native, COMMAND_DISABLE_QUEUE, 1u << DEDICATED);
	if (!err)
		native->queue_pasid = 0;
	return err;
}

static int enable_dedicated(struct native_device *native, uint32_t pasid)
{
	int err;

	if (native->queue_pasid == pasid)
		return 0;
	err = disable_dedicated(native);
	if (err)
		return err;
	configure_queue(native, DEDICATED, MODE_DEDICATED | pasid << 8);
	err = command(native, COMMAND_ENABLE_QUEUE, DEDICATED);
	if (!err)
		native->queue_pasid = pasid;
	return err;
}

static int stop_pasid(struct native_device *native, uint32_t pasid)
{
	int err = command(native, COMMAND_DRAIN_PASID, pasid);

	if (err)
		err = command(native, COMMAND_ABORT_PASID, pasid);
	if (!err && native->queue_pasid == pasid)
		err = disable_dedicated(native);
	return err;
}

int native_unbind(struct native_device *native, struct vsva_sva *bond)
{
	int stopped = stop_pasid(native, vsva_sva_pasid(bond).v);
	int err = vsva_sva_unbind(bond);

	return stopped ? stopped : err;
}

int native_submit(struct native_device *native, hpasid_t pasid, const void *descriptor, bool shared)
{
	uint32_t words[16];
	int err;

	memcpy(words, descriptor, sizeof(words));
	words[0] = shared ? pasid.v : 0;
	if (!shared && enable_dedicated(native, pasid.v))
		return -EIO;
	err = vsva_device_portal_write(
		native->device, (shared ? SHARED : DEDICATED) * PORTAL_STRIDE + PORTAL_LIMITED,
		words, shared);
	return err == 1 ? -EAGAIN : err;
}
