// SPDX-License-Identifier: MIT
/* What the parent's function says: interrupts and errors, each for one queue. */
#include "base/log.h"
#include "host/mdev.h"

/* Any thread, inside an RCU read section. */
void vdcm_irq(void *arg, unsigned vector)
{
	struct vsva_vdcm *vdcm = arg;
	struct vsva_mdev *mdev;

	if (vector == 0) {
		worker_kick(vdcm->event_worker);
		return;
	}
	mdev = vector <= VDCM_QUEUES_MAX ? rcu_load(vdcm->mdevs[vector - 1]) : NULL;
	if (mdev)
		irq_line_raise(&mdev->irq, MDEV_VECTOR_COMPLETION);
}

/* Reads what the register holds and makes room for the next; NULL: nothing, or of a queue that
 * nobody has. */
static struct vsva_mdev *read_error(struct vsva_vdcm *vdcm, uint64_t error[3])
{
	struct vsva_mdev *mdev = NULL;

	for (unsigned i = 0; i < 3; i++)
		error[i] = vdcm_read(vdcm, DSA_REG_SWERR + 8 * i, 8);
	if (!dsa_SWERR_VALID(error[0]))
		return NULL;
	vdcm_write(vdcm, DSA_REG_SWERR, 4, dsa_SWERR_with_OVERFLOW(dsa_SWERR_with_VALID(0, 1), 1));
	if (dsa_SWERR_QUEUE_VALID(error[0]) && dsa_SWERR_QUEUE(error[0]) < vdcm->queue_count)
		mdev = vdcm->mdevs[dsa_SWERR_QUEUE(error[0])];
	if (mdev)
		mdev_get(mdev);
	return mdev;
}

void vdcm_take_error(struct vsva_vdcm *vdcm)
{
	struct vsva_mdev *mdev;
	uint64_t error[3];

	lock_take(&vdcm->lock);
	mdev = read_error(vdcm, error);
	lock_drop(&vdcm->lock);
	if (!mdev)
		return;
	mdev_queue_error(mdev, error);
	mdev_put(mdev);
}

bool vdcm_run_events(void *arg)
{
	struct vsva_vdcm *vdcm = arg;
	uint64_t cause = vdcm_read(vdcm, DSA_REG_INTCAUSE, 4);

	/* Cleared before it is looked at: what comes meanwhile interrupts again. */
	vdcm_write(vdcm, DSA_REG_INTCAUSE, 4, cause);
	if (dsa_INTCAUSE_COMMAND(cause))
		vdcm_drain_nudge(vdcm);
	if (dsa_INTCAUSE_ERROR(cause))
		vdcm_take_error(vdcm);
	return false;
}
