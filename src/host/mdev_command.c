// SPDX-License-Identifier: MIT
/*
 * The virtual command register: decoded and checked as the hardware would, and carried out by
 * commands of the parent that concern this queue alone, or this queue's host PASID. What may have to
 * wait for the guest's own work is a drain of the parent (vdcm.h); all else is finished when the
 * write returns.
 *
 *   virtual                     physical
 *   enable device               -
 *   enable queue                enable the queue, with host PASIDs
 *   drain queue, drain all      drain the queue
 *   drain PASID                 drain the queue that has it, or the host PASID
 *   abort …                     abort …
 *   disable queue, device       gate closed, drain the queue, reset it
 *   reset queue, device         gate closed, reset the queue
 *   request, release handle     -
 */
#include "base/check.h"
#include "base/log.h"
#include "host/mdev.h"

/* The parent knows the number no more. */
static void put_pasid(struct vsva_mdev *mdev)
{
	hpasid_t host = mdev->command.pasid;

	mdev->command.pasid = hpasid(VSVA_PASID_INVALID);
	if (host.v != VSVA_PASID_INVALID)
		mdev_pasid_put(mdev, host);
}

static void finish(struct vsva_mdev *mdev, unsigned error, uint64_t result)
{
	uint64_t status = dsa_CMDSTS_with_RESULT(dsa_CMDSTS_with_ERROR(0, error), result);

	mdev->command.active = false;
	put_pasid(mdev);
	mdev_set_reg(mdev, DSA_REG_CMDSTS, status);
	if (mdev->command.interrupt)
		mdev_raise(mdev, dsa_INTCAUSE_with_COMMAND(0, 1));
}

/* Checks */

static unsigned check_group(struct vsva_mdev *mdev)
{
	uint64_t queues = mdev_reg(mdev, DSA_GRPCFG);
	uint64_t engines = mdev_reg(mdev, DSA_GRPCFG + DSA_GRPCFG_ENGINES);

	if (queues && !engines)
		return DSA_CMDSTS_GROUP_WITHOUT_ENGINE;
	return queues >> 1 || engines >> 1 ? DSA_CMDSTS_GROUP_UNKNOWN_MEMBER : DSA_CMDSTS_OK;
}

static unsigned check_enable_device(struct vsva_mdev *mdev)
{
	if (mdev_state(mdev) != DSA_DEVICE_DISABLED)
		return DSA_CMDSTS_ALREADY_ENABLED;
	if (!pci_config_bus_master(&mdev->config))
		return DSA_CMDSTS_BUS_MASTER;
	if (dsa_WQCFG0_SIZE(mdev_wqcfg(mdev, 0)) > mdev->vdcm->entries)
		return DSA_CMDSTS_QUEUE_SIZES;
	return check_group(mdev);
}

/* The mask of queues: there is one. */
static unsigned check_queues(struct vsva_mdev *mdev, uint32_t operand)
{
	if (mdev_state(mdev) != DSA_DEVICE_ENABLED)
		return DSA_CMDSTS_QUEUE_NOT_ENABLED;
	return operand >> 1 ? DSA_CMDSTS_INVALID_QUEUE : DSA_CMDSTS_OK;
}

static unsigned check_disable_queues(struct vsva_mdev *mdev, uint32_t operand)
{
	unsigned error = check_queues(mdev, operand);

	if (!error && operand && mdev->wq_state == DSA_WQ_DISABLED)
		error = DSA_CMDSTS_QUEUE_NOT_ENABLED;
	return error;
}

static unsigned check(struct vsva_mdev *mdev, unsigned code, uint32_t operand)
{
	bool is_enabled = mdev_state(mdev) == DSA_DEVICE_ENABLED;

	switch (code) {
	case DSA_COMMAND_ENABLE_DEVICE:
		return check_enable_device(mdev);
	case DSA_COMMAND_DISABLE_DEVICE:
		return is_enabled ? DSA_CMDSTS_OK : DSA_CMDSTS_DISABLE_NOT_ENABLED;
	case DSA_COMMAND_DRAIN_ALL:
	case DSA_COMMAND_ABORT_ALL:
	case DSA_COMMAND_DRAIN_PASID:
	case DSA_COMMAND_ABORT_PASID:
		return is_enabled ? DSA_CMDSTS_OK : DSA_CMDSTS_DEVICE_NOT_ENABLED;
	case DSA_COMMAND_ENABLE_WQ:
		return operand ? DSA_CMDSTS_INVALID_QUEUE : DSA_CMDSTS_OK;
	case DSA_COMMAND_DISABLE_WQ:
		return check_disable_queues(mdev, operand);
	case DSA_COMMAND_DRAIN_WQ:
	case DSA_COMMAND_ABORT_WQ:
	case DSA_COMMAND_RESET_WQ:
		return check_queues(mdev, operand);
	case DSA_COMMAND_RESET_DEVICE:
	case DSA_COMMAND_REQUEST_HANDLE:
	case DSA_COMMAND_RELEASE_HANDLE:
		return DSA_CMDSTS_OK;
	default:
		return DSA_CMDSTS_INVALID_COMMAND;
	}
}

/* What follows when work has ended */

static void stop_queue(struct vsva_mdev *mdev, bool forgets_configuration)
{
	mdev_queue_stop(mdev);
	mdev->wq_state = DSA_WQ_DISABLED;
	for (unsigned i = 0; i < DSA_WQCFG_STRIDE / 8 && forgets_configuration; i++)
		mdev_set_reg(mdev, DSA_WQCFG + 8 * i, 0);
}

static void end(struct vsva_mdev *mdev, unsigned error)
{
	switch (mdev->command.code) {
	case DSA_COMMAND_DISABLE_WQ:
		stop_queue(mdev, false);
		break;
	case DSA_COMMAND_DISABLE_DEVICE:
		stop_queue(mdev, false);
		mdev_set_state(mdev, DSA_DEVICE_DISABLED);
		break;
	default:
		break;
	}
	finish(mdev, error, 0);
}

void mdev_command_drained(struct vdcm_drain *drain, uint64_t serial, unsigned error)
{
	struct vsva_mdev *mdev = container_of(drain, struct vsva_mdev, drain);

	lock_take(&mdev->lock);
	if (mdev->command.active && mdev->command.serial == serial)
		end(mdev, error);
	mdev_unlock(mdev);
	mdev_put(mdev);
}

static void wait_for(struct vsva_mdev *mdev, enum dsa_command_code code, uint32_t operand)
{
	unsigned error = DSA_CMDSTS_OK;

	mdev->command.serial = ++mdev->serial;
	if (!mdev->is_enabled) {
		end(mdev, error);
		return;
	}
	mdev_get(mdev);
	if (vdcm_drain_start(mdev->vdcm, &mdev->drain, code, operand, mdev->serial, &error)) {
		mdev_put(mdev);
		end(mdev, error);
		return;
	}
	mdev->command.active = true;
	mdev_set_reg(mdev, DSA_REG_CMDSTS, dsa_CMDSTS_with_ACTIVE(0, 1));
}

static void wait_for_queue(struct vsva_mdev *mdev)
{
	wait_for(mdev, DSA_COMMAND_DRAIN_WQ, mdev_queue_mask(mdev));
}

void mdev_command_forget(struct vsva_mdev *mdev)
{
	if (!mdev->command.active)
		return;
	mdev->command.active = false;
	if (vdcm_drain_cancel(mdev->vdcm, &mdev->drain))
		mdev_put(mdev);
	put_pasid(mdev);
}

void mdev_command_end_of_pasid(struct vsva_mdev *mdev, hpasid_t host)
{
	if (!mdev->command.active || mdev->command.pasid.v != host.v)
		return;
	mdev_command_forget(mdev);
	finish(mdev, DSA_CMDSTS_OK, 0);
}

/* Without threads nobody looks at a drain again while another one is in the register; and nobody
 * tells of a parent that is gone. */
void mdev_command_poll(struct vsva_mdev *mdev)
{
	if (mdev->command.active && (!mdev_queue_occupancy(mdev) || vdcm_is_gone(mdev->vdcm)))
		vdcm_drain_nudge(mdev->vdcm);
}

/* Commands */

static void abort_queue(struct vsva_mdev *mdev)
{
	unsigned error = DSA_CMDSTS_OK;

	if (mdev->is_enabled)
		error = vdcm_execute(mdev->vdcm, DSA_COMMAND_ABORT_WQ, mdev_queue_mask(mdev));
	finish(mdev, error, 0);
}

/* By host PASID; a dedicated queue has one only, and no other queue is meant. A PASID that nobody
 * knows has no work. */

static bool has_queue_of(struct vsva_mdev *mdev, gpasid_t guest)
{
	hpasid_t host;

	return !mdev_pasid_find(mdev, guest, &host) && mdev->wq_place.host.v == host.v;
}

static void abort_pasid(struct vsva_mdev *mdev, gpasid_t guest)
{
	unsigned error = DSA_CMDSTS_OK;
	hpasid_t host;

	if (!mdev_pasid_find(mdev, guest, &host))
		error = vdcm_execute(mdev->vdcm, DSA_COMMAND_ABORT_PASID, host.v);
	finish(mdev, error, 0);
}

static void drain_pasid(struct vsva_mdev *mdev, gpasid_t guest)
{
	if (mdev_pasid_get(mdev, guest, &mdev->command.pasid))
		finish(mdev, DSA_CMDSTS_OK, 0);
	else
		wait_for(mdev, DSA_COMMAND_DRAIN_PASID, mdev->command.pasid.v);
}

static void on_pasid(struct vsva_mdev *mdev, gpasid_t guest, bool aborts)
{
	bool is_dedicated = mdev->type == VSVA_MDEV_DEDICATED;

	if (!mdev->is_enabled || (is_dedicated && !has_queue_of(mdev, guest)))
		finish(mdev, DSA_CMDSTS_OK, 0);
	else if (is_dedicated)
		aborts ? abort_queue(mdev) : wait_for_queue(mdev);
	else
		aborts ? abort_pasid(mdev, guest) : drain_pasid(mdev, guest);
}

static void disable(struct vsva_mdev *mdev)
{
	mdev_gate_close(mdev);
	if (mdev->wq_state == DSA_WQ_ENABLED)
		mdev->wq_state = DSA_WQ_BUSY;
	wait_for_queue(mdev);
}

static void reset_device(struct vsva_mdev *mdev)
{
	bool interrupt = mdev->command.interrupt;

	mdev_reset_locked(mdev);
	mdev->command.interrupt = interrupt;
	finish(mdev, DSA_CMDSTS_OK, 0);
}

static void request_handle(struct vsva_mdev *mdev, uint32_t operand)
{
	unsigned vector = vdcm_vector(mdev->queue);

	if (operand & DSA_HANDLE_OF_IMS || operand != MDEV_VECTOR_COMPLETION)
		finish(mdev, DSA_CMDSTS_INTERRUPT_INDEX, 0);
	else if (vector >= mdev->vdcm->port.vectors)
		finish(mdev, DSA_CMDSTS_NO_HANDLE, 0);
	else
		finish(mdev, DSA_CMDSTS_OK, vector);
}

static void enable_device(struct vsva_mdev *mdev)
{
	mdev_set_state(mdev, DSA_DEVICE_ENABLED);
	finish(mdev, DSA_CMDSTS_OK, 0);
}

static void carry_out(struct vsva_mdev *mdev, unsigned code, uint32_t operand)
{
	bool is_meant = operand & 1; /* of commands that take a mask */

	switch (code) {
	case DSA_COMMAND_ENABLE_DEVICE:
		enable_device(mdev);
		break;
	case DSA_COMMAND_ENABLE_WQ:
		finish(mdev, mdev_queue_enable(mdev), 0);
		break;
	case DSA_COMMAND_DISABLE_DEVICE:
		mdev_set_state(mdev, DSA_DEVICE_DRAIN);
		disable(mdev);
		break;
	case DSA_COMMAND_DISABLE_WQ:
		is_meant ? disable(mdev) : finish(mdev, DSA_CMDSTS_OK, 0);
		break;
	case DSA_COMMAND_DRAIN_ALL:
		wait_for_queue(mdev);
		break;
	case DSA_COMMAND_DRAIN_WQ:
		is_meant ? wait_for_queue(mdev) : finish(mdev, DSA_CMDSTS_OK, 0);
		break;
	case DSA_COMMAND_ABORT_ALL:
		abort_queue(mdev);
		break;
	case DSA_COMMAND_ABORT_WQ:
		is_meant ? abort_queue(mdev) : finish(mdev, DSA_CMDSTS_OK, 0);
		break;
	case DSA_COMMAND_RESET_WQ:
		if (is_meant)
			stop_queue(mdev, true);
		finish(mdev, DSA_CMDSTS_OK, 0);
		break;
	case DSA_COMMAND_RESET_DEVICE:
		reset_device(mdev);
		break;
	case DSA_COMMAND_DRAIN_PASID:
	case DSA_COMMAND_ABORT_PASID:
		on_pasid(mdev, gpasid(operand), code == DSA_COMMAND_ABORT_PASID);
		break;
	case DSA_COMMAND_REQUEST_HANDLE:
		request_handle(mdev, operand);
		break;
	default:
		finish(mdev, DSA_CMDSTS_OK, 0);
		break;
	}
}

/* A reset is taken always, an abort while a drain waits: it ends what the drain waits for. */
static bool is_taken(const struct vsva_mdev *mdev, unsigned code)
{
	enum dsa_command_code running = mdev->command.code;
	bool drains = running == DSA_COMMAND_DRAIN_ALL || running == DSA_COMMAND_DRAIN_WQ ||
		      running == DSA_COMMAND_DRAIN_PASID;
	bool aborts = code == DSA_COMMAND_ABORT_ALL || code == DSA_COMMAND_ABORT_WQ ||
		      code == DSA_COMMAND_ABORT_PASID;

	return !mdev->command.active || code == DSA_COMMAND_RESET_DEVICE || (drains && aborts);
}

void mdev_command_write(struct vsva_mdev *mdev, uint32_t value)
{
	uint32_t operand = (uint32_t)dsa_CMD_OPERAND(value);
	unsigned code = (unsigned)dsa_CMD_CODE(value), error;

	if (!is_taken(mdev, code))
		return;
	mdev_command_forget(mdev);
	mdev->regs[DSA_REG_CMD / 4] = value;
	mdev->command = (struct mdev_command){.code = (enum dsa_command_code)code,
					      .interrupt = dsa_CMD_INTERRUPT(value),
					      .pasid = hpasid(VSVA_PASID_INVALID)};
	error = vdcm_is_broken(mdev->vdcm) && code != DSA_COMMAND_RESET_DEVICE
			? DSA_CMDSTS_HARDWARE
			: check(mdev, code, operand);
	if (error)
		finish(mdev, error, 0);
	else
		carry_out(mdev, code, operand);
}
