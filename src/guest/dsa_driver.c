/* SPDX-License-Identifier: MIT */
/*
  * The guest's accelerator driver: one group with engine 0 and two work queues, queue 0 dedicated
 * (its PASID is that of the process that uses it), queue 1 shared. A device with one queue has the
 * one that its capabilities offer.
 */
#include <errno.h>
#include <string.h>

#include "guest/guest.h"
#include "vsva/dsa.h"
#include "vtd/dsa_regs.h"

/* Words of WQCFG */
enum { WQCFG_LENGTH = 0, WQCFG_THRESHOLD = 4, WQCFG_LIMITS = 12 };

#define DSA_ID              0x0b258086u
#define NO_QUEUE            (-1)
#define QUEUE_ENTRIES       32u
#define MODE_DEDICATED      0x1u
#define MODE_BLOCK_ON_FAULT 0x2u
#define MODE_PRIORITY       (10u << 4)
#define MODE_PASID_ENABLE   (1u << 28)
#define LIMITS              (21u | 5u << 5) /* 2 MiB, 32 descriptors */

#define PORTAL_LIMITED (DSA_PORTAL_LIMITED * DSA_PORTAL_PAGE)

static uint64_t reg_read(struct vsva_guest_device *device, uint64_t offset, unsigned size)
{
	uint64_t value = UINT64_MAX;

	vsva_assigned_read(device->assigned, 0, offset, size, &value);
	return value;
}

static void reg_write(struct vsva_guest_device *device, uint64_t offset, unsigned size,
		      uint64_t value)
{
	vsva_assigned_write(device->assigned, 0, offset, size, value);
}

static bool command_is_done(void *arg)
{
	return !dsa_CMDSTS_ACTIVE(reg_read(arg, DSA_REG_CMDSTS, 4));
}

/* 0; -EIO the device refuses; -ETIMEDOUT. */
static int command(struct vsva_guest_device *device, uint32_t code, uint32_t operand)
{
	reg_write(device, DSA_REG_CMD, 4,
		  dsa_CMD_with_CODE(dsa_CMD_with_OPERAND(0, operand), code));
	if (!vsva_machine_wait(device->guest->machine, command_is_done, device, GUEST_TIMEOUT_MS))
		return -ETIMEDOUT;
	return dsa_CMDSTS_ERROR(reg_read(device, DSA_REG_CMDSTS, 4)) ? -EIO : 0;
}

static void configure_queue(struct vsva_guest_device *device, int queue, uint32_t mode)
{
	uint64_t base = DSA_WQCFG + (uint64_t)queue * DSA_WQCFG_STRIDE;

	reg_write(device, base + WQCFG_LENGTH, 4, device->queue_entries);
	reg_write(device, base + WQCFG_THRESHOLD, 4, device->queue_entries);
	reg_write(device, base + WQCFG_LIMITS, 4, LIMITS);
	reg_write(device, base + DSA_WQCFG_MODE_OFFSET, 4,
		  mode | MODE_BLOCK_ON_FAULT | MODE_PRIORITY | MODE_PASID_ENABLE);
}

static bool is_dsa(struct vsva_guest_device *device)
{
	uint32_t id = 0;

	vsva_assigned_config_read(device->assigned, 0, 4, &id);
	return id == DSA_ID;
}

static void choose_queues(struct vsva_guest_device *device)
{
	uint64_t cap = reg_read(device, DSA_REG_WQCAP, 8);
	unsigned queues = (unsigned)dsa_WQCAP_QUEUES(cap);
	unsigned share = queues ? (unsigned)dsa_WQCAP_TOTAL_SIZE(cap) / (queues > 1 ? 2 : 1) : 0;

	device->queue_entries = share < QUEUE_ENTRIES ? share : QUEUE_ENTRIES;
	device->dedicated_queue = dsa_WQCAP_DEDICATED(cap) ? 0 : NO_QUEUE;
	device->shared_queue = NO_QUEUE;
	if (dsa_WQCAP_SHARED(cap) && (queues > 1 || device->dedicated_queue == NO_QUEUE))
		device->shared_queue = device->dedicated_queue + 1;
}

static uint32_t queue_bit(int queue)
{
	return queue == NO_QUEUE ? 0 : 1u << queue;
}

static void configure(struct vsva_guest_device *device)
{
	reg_write(device, DSA_GRPCFG, 8,
		  queue_bit(device->dedicated_queue) | queue_bit(device->shared_queue));
	reg_write(device, DSA_GRPCFG + DSA_GRPCFG_ENGINES, 8, 1);
	if (device->dedicated_queue != NO_QUEUE)
		configure_queue(device, device->dedicated_queue, MODE_DEDICATED);
	if (device->shared_queue != NO_QUEUE)
		configure_queue(device, device->shared_queue, 0);
}

int dsa_driver_start(struct vsva_guest_device *device)
{
	int err;

	device->queue_pasid = gpasid(VSVA_PASID_INVALID);
	if (!is_dsa(device))
		return 0;
	choose_queues(device);
	configure(device);
	err = command(device, DSA_COMMAND_ENABLE_DEVICE, 0);
	if (!err && device->shared_queue != NO_QUEUE)
		err = command(device, DSA_COMMAND_ENABLE_WQ, (uint32_t)device->shared_queue);
	device->dsa_ready = !err;
	return err;
}

static int disable_dedicated(struct vsva_guest_device *device)
{
	int err;

	if (device->queue_pasid.v == VSVA_PASID_INVALID)
		return 0;
	err = command(device, DSA_COMMAND_DISABLE_WQ, queue_bit(device->dedicated_queue));
	if (!err)
		device->queue_pasid = gpasid(VSVA_PASID_INVALID);
	return err;
}

/* The dedicated queue belongs to one process at a time; another one's turn begins with a drain. */
static int enable_dedicated(struct vsva_guest_device *device, gpasid_t pasid)
{
	int err;

	if (device->queue_pasid.v == pasid.v)
		return 0;
	err = disable_dedicated(device);
	if (err)
		return err;
	configure_queue(device, device->dedicated_queue, MODE_DEDICATED | pasid.v << 8);
	err = command(device, DSA_COMMAND_ENABLE_WQ, (uint32_t)device->dedicated_queue);
	if (!err)
		device->queue_pasid = pasid;
	return err;
}

/* What does not end by itself (it waits for a page that nobody gives) is ended. */
int dsa_driver_stop_pasid(struct vsva_guest_device *device, gpasid_t pasid)
{
	int err;

	if (!device->dsa_ready)
		return 0;
	err = command(device, DSA_COMMAND_DRAIN_PASID, pasid.v);
	if (err)
		err = command(device, DSA_COMMAND_ABORT_PASID, pasid.v);
	if (!err && device->queue_pasid.v == pasid.v)
		err = disable_dedicated(device);
	return err;
}

int vsva_process_submit(struct vsva_process *process, struct vsva_guest_device *device,
			const void *descriptor, bool shared)
{
	int queue = shared ? device->shared_queue : device->dedicated_queue;
	uint64_t portal = (uint64_t)queue * DSA_PORTAL_STRIDE + PORTAL_LIMITED;
	int err;

	if (!process->binds)
		return -ENOENT;
	if (!device->dsa_ready || queue == NO_QUEUE)
		return -EIO;
	if (shared) {
		err = vsva_assigned_enqcmd(device->assigned, portal, process->pasid.v | 1u << 31,
					   descriptor);
		return err == 1 ? -EAGAIN : err;
	}
	if (enable_dedicated(device, process->pasid))
		return -EIO;
	return vsva_assigned_movdir64b(device->assigned, portal, descriptor);
}

struct completion_wait {
	struct vsva_process *process;
	gva_t address;
	uint8_t status;
};

static bool is_complete(void *arg)
{
	struct completion_wait *wait = arg;

	/* A record that was never touched reads as zero without being made present: a CPU that
	 * polls would fault it in, and hide the device's own page request. */
	return process_peek(wait->process, wait->address.v, &wait->status) && wait->status;
}

int vsva_process_wait(struct vsva_process *process, gva_t completion, void *record)
{
	struct completion_wait wait = {.process = process, .address = completion};
	int err;

	if (!vsva_machine_wait(process->guest->machine, is_complete, &wait, GUEST_TIMEOUT_MS))
		return -ETIMEDOUT;
	if (record) {
		err = vsva_process_read(process, completion, record,
					sizeof(struct vsva_dsa_completion));
		if (err)
			return err;
	}
	return wait.status;
}
