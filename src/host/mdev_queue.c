// SPDX-License-Identifier: MIT
/* The queue of a mediated device in hardware: enabled as the virtual registers say, with host
 * PASIDs; stopped; its errors. */
#include "base/check.h"
#include "base/log.h"
#include "host/mdev.h"

/* Every queue has the same, whatever its guest asks for: a guest's priority would be one over other
 * guests. */
#define PHYSICAL_PRIORITY 8u

uint32_t mdev_queue_mask(const struct vsva_mdev *mdev)
{
	return mdev->queue / 16 << 16 | 1u << mdev->queue % 16;
}

/* Enabling */

static unsigned check_mode(struct vsva_mdev *mdev)
{
	uint64_t sizes = mdev_wqcfg(mdev, 0), mode = mdev_wqcfg(mdev, 1);
	uint64_t threshold = dsa_WQCFG0_THRESHOLD(sizes);

	if (dsa_WQCFG1_DEDICATED(mode) != (mdev->type == VSVA_MDEV_DEDICATED))
		return DSA_CMDSTS_QUEUE_MODE;
	if (dsa_WQCFG1_PASID_ENABLE(mode) && !pci_config_pasid_enabled(&mdev->config))
		return DSA_CMDSTS_QUEUE_PASID;
	if (dsa_WQCFG1_DEDICATED(mode))
		return DSA_CMDSTS_OK;
	if (!dsa_WQCFG1_PASID_ENABLE(mode))
		return DSA_CMDSTS_QUEUE_PASID;
	return threshold < 1 || threshold > dsa_WQCFG0_SIZE(sizes) ? DSA_CMDSTS_QUEUE_SIZE
								   : DSA_CMDSTS_OK;
}

static unsigned check_limits(struct vsva_mdev *mdev)
{
	uint64_t gencap = mdev_reg(mdev, DSA_REG_GENCAP), limits = mdev_wqcfg(mdev, 1);

	if (dsa_WQCFG1_MAX_BATCH_LG2(limits) > dsa_GENCAP_MAX_BATCH_LG2(gencap))
		return DSA_CMDSTS_QUEUE_MAX_BATCH;
	if (dsa_WQCFG1_MAX_TRANSFER_LG2(limits) > dsa_GENCAP_MAX_TRANSFER_LG2(gencap))
		return DSA_CMDSTS_QUEUE_MAX_TRANSFER;
	return DSA_CMDSTS_OK;
}

/* The order is that of the hardware. */
static unsigned check_enable(struct vsva_mdev *mdev)
{
	uint64_t size = dsa_WQCFG0_SIZE(mdev_wqcfg(mdev, 0));
	unsigned error;

	if (mdev_state(mdev) != DSA_DEVICE_ENABLED)
		return DSA_CMDSTS_DEVICE_NOT_ENABLED;
	if (mdev->wq_state != DSA_WQ_DISABLED)
		return DSA_CMDSTS_QUEUE_ENABLED;
	if (!(mdev_reg(mdev, DSA_GRPCFG) & 1))
		return DSA_CMDSTS_CONFIG;
	if (!size || size > mdev->vdcm->entries)
		return DSA_CMDSTS_QUEUE_SIZE;
	if (!dsa_WQCFG1_PRIORITY(mdev_wqcfg(mdev, 1)))
		return DSA_CMDSTS_QUEUE_PRIORITY;
	error = check_mode(mdev);
	return error ? error : check_limits(mdev);
}

/* The guest's own PASID in a dedicated queue; else the queue has the default one, or none. */
static unsigned fill_place(struct vsva_mdev *mdev)
{
	uint64_t mode = mdev_wqcfg(mdev, 1);
	gpasid_t guest = gpasid((uint32_t)dsa_WQCFG1_PASID(mode));
	int err;

	if (mdev->type != VSVA_MDEV_DEDICATED || !dsa_WQCFG1_PASID_ENABLE(mode))
		return DSA_CMDSTS_OK;
	err = mdev_place_fill(mdev, &mdev->wq_place, guest);
	if (!err)
		return DSA_CMDSTS_OK;
	LOG_LIMITED(LOG_WARN, VSVA_CODE_BIND_REFUSED,
		    "host: device %04x, queue %u: no host PASID for guest PASID %u: error %d",
		    vsva_dev_rid(mdev->vdcm->dev).v, mdev->queue, guest.v, err);
	return DSA_CMDSTS_QUEUE_PASID;
}

static hpasid_t physical_pasid(const struct vsva_mdev *mdev)
{
	if (mdev->type == VSVA_MDEV_SHARED)
		return hpasid(0); /* it is in the commands */
	return mdev->wq_place.host.v != VSVA_PASID_INVALID ? mdev->wq_place.host : mdev->base;
}

static uint64_t physical_mode(struct vsva_mdev *mdev)
{
	uint64_t mode = mdev_wqcfg(mdev, 1);
	bool is_guests = mdev->wq_place.host.v != VSVA_PASID_INVALID;

	mode = dsa_WQCFG1_with_PRIORITY(mode, PHYSICAL_PRIORITY);
	mode = dsa_WQCFG1_with_PASID(mode, physical_pasid(mdev).v);
	mode = dsa_WQCFG1_with_PRIVILEGED(mode, is_guests && dsa_WQCFG1_PRIVILEGED(mode));
	return dsa_WQCFG1_with_PASID_ENABLE(mode, 1);
}

static void program(struct vsva_mdev *mdev)
{
	struct vsva_vdcm *vdcm = mdev->vdcm;

	mdev->is_enabled = true;
	vdcm_write(vdcm, vdcm_wqcfg(vdcm, mdev->queue, 0), 8, mdev_wqcfg(mdev, 0));
	vdcm_write(vdcm, vdcm_wqcfg(vdcm, mdev->queue, 1), 8, physical_mode(mdev));
	mdev_queue_permit(mdev);
}

unsigned mdev_queue_enable(struct vsva_mdev *mdev)
{
	unsigned error = check_enable(mdev);

	if (!error)
		error = fill_place(mdev);
	if (error)
		return error;
	program(mdev);
	error = vdcm_execute(mdev->vdcm, DSA_COMMAND_ENABLE_WQ, mdev->queue);
	if (error) {
		mdev_queue_stop(mdev);
		return error;
	}
	mdev->wq_state = DSA_WQ_ENABLED;
	mdev_queue_set_master(mdev, pci_config_bus_master(&mdev->config));
	return DSA_CMDSTS_OK;
}

/* DSA 9.2.26. One vector, so one PASID: a guest that names none permits whatever its dedicated
 * queue does; of a shared queue it has to name one. */
void mdev_queue_permit(struct vsva_mdev *mdev)
{
	uint64_t wanted =
		mdev_reg(mdev, MDEV_MSIXPERM + MDEV_VECTOR_COMPLETION * DSA_MSIXPERM_STRIDE);
	gpasid_t guest = gpasid((uint32_t)dsa_MSIXPERM_PASID(wanted));
	hpasid_t permitted = mdev->vdcm->nobody;

	if (!mdev->is_enabled)
		return;
	mdev_place_empty(mdev, &mdev->irq_place);
	if (!dsa_MSIXPERM_PASID_ENABLE(wanted) && mdev->type == VSVA_MDEV_DEDICATED)
		permitted = physical_pasid(mdev);
	else if (dsa_MSIXPERM_PASID_ENABLE(wanted) &&
		 !mdev_place_fill(mdev, &mdev->irq_place, guest))
		permitted = mdev->irq_place.host;
	vdcm_permit_interrupt(mdev->vdcm, mdev->queue, permitted);
}

/* Stopping */

static bool is_physically_disabled(struct vsva_mdev *mdev)
{
	uint64_t word = vdcm_read(mdev->vdcm, vdcm_wqcfg(mdev->vdcm, mdev->queue, 3), 4);

	return dsa_WQCFG3_STATE(word) == DSA_WQ_DISABLED;
}

/* References go only when the hardware is clean: a queue that cannot be stopped takes the whole
 * function with it. */
static void reset_physical(struct vsva_mdev *mdev)
{
	struct vsva_vdcm *vdcm = mdev->vdcm;
	unsigned error = vdcm_execute(vdcm, DSA_COMMAND_RESET_WQ, mdev_queue_mask(mdev));

	if (error && !vdcm_is_broken(vdcm) && !is_physically_disabled(mdev))
		vdcm_break(vdcm);
}

void mdev_queue_stop(struct vsva_mdev *mdev)
{
	mdev_gate_close(mdev);
	if (!mdev->is_enabled)
		return;
	reset_physical(mdev);
	mdev->is_enabled = false;
	vdcm_permit_interrupt(mdev->vdcm, mdev->queue, mdev->vdcm->nobody);
	mdev_place_empty(mdev, &mdev->wq_place);
	mdev_place_empty(mdev, &mdev->irq_place);
}

void mdev_queue_set_master(struct vsva_mdev *mdev, bool is_master)
{
	if (!mdev->is_enabled)
		return;
	if (is_master) {
		/* one that is being disabled takes nothing more */
		if (mdev->wq_state == DSA_WQ_ENABLED)
			mdev_gate_open(mdev);
		return;
	}
	mdev_gate_close(mdev);
	vdcm_execute(mdev->vdcm, DSA_COMMAND_ABORT_WQ, mdev_queue_mask(mdev));
}

unsigned mdev_queue_occupancy(struct vsva_mdev *mdev)
{
	if (!mdev->is_enabled)
		return 0;
	return (unsigned)dsa_WQCFG3_OCCUPANCY(
		vdcm_read(mdev->vdcm, vdcm_wqcfg(mdev->vdcm, mdev->queue, 3), 4));
}

/* Errors */

void mdev_queue_error(struct vsva_mdev *mdev, const uint64_t error[3])
{
	uint64_t seen[3] = {error[0], error[1], error[2]};
	hpasid_t host = hpasid((uint32_t)dsa_SWERR_PASID(error[0]));

	lock_take(&mdev->lock);
	seen[0] = dsa_SWERR_with_QUEUE(seen[0], 0);
	seen[0] = dsa_SWERR_with_PASID(seen[0], mdev_guest_view(mdev, host));
	/* of several, which may have been anybody's */
	seen[0] = dsa_SWERR_with_OVERFLOW(seen[0], 0);
	if (mdev->is_enabled)
		mdev_report(mdev, seen);
	mdev_unlock(mdev);
}
