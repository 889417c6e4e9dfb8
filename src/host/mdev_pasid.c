// SPDX-License-Identifier: MIT
/*
 * Guest PASIDs to host PASIDs, the references that keep those that stand in hardware, and what
 * happens when one is freed all the same.
 *
 * FREE is heard in two phases (vsva/ioasid.h). At once: the gate of a queue that has the PASID
 * closes, so that nothing new comes under it. Then, on the set's work queue: what is still at work
 * is waited for, at most VSVA_LIMIT_MDEV_DRAIN_TIMEOUT_MS, and then ended, always by the host
 * PASID; when nothing of it is left in the hardware, the reference goes.
 *
 * An UNBIND changes nothing here: the queue keeps the number, and what it does under it faults
 * under the guest's.
 */
#include <errno.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sched.h"
#include "host/mdev.h"
#include "vsva/limits.h"

#define NS_PER_MS UINT64_C(1000000)

static struct vsva_ioasid_space *space_of(struct vsva_mdev *mdev)
{
	return vsva_iommu_ioasid_space(mdev->vdcm->iommu);
}

/* Places */

void mdev_place_init(struct mdev_place *place)
{
	place->guest = gpasid(VSVA_PASID_INVALID);
	place->handle = NULL;
	SEAM_FLAG_WRITE("mdev place");
	__atomic_store_n(&place->host.v, VSVA_PASID_INVALID, __ATOMIC_RELEASE);
}

/* The owner may have to wait for something: not with the lock. */
static void release(struct vsva_mdev *mdev, void *handle)
{
	if (!mdev->owner.pasid_put)
		return;
	CHECK(mdev->released_count < MDEV_RELEASED_MAX);
	mdev->released[mdev->released_count++] = handle;
}

static int get_from_owner(struct vsva_mdev *mdev, gpasid_t guest, hpasid_t *out, void **handle)
{
	const struct vsva_mdev_owner *owner = &mdev->owner;
	int err = owner->pasid_get(owner->arg, guest, out, handle);

	if (err)
		return err;
	err = vsva_ioasid_get(space_of(mdev), owner->set, *out);
	if (err)
		release(mdev, *handle);
	return err;
}

static bool has_place_for(const struct mdev_place *place, hpasid_t host)
{
	SEAM_FLAG_READ("mdev place");
	return __atomic_load_n(&place->host.v, __ATOMIC_ACQUIRE) == host.v;
}

static void note_freed(struct vsva_mdev *mdev, hpasid_t host)
{
	if (!has_place_for(&mdev->wq_place, host))
		return;
	SEAM_FLAG_WRITE("mdev is freed");
	__atomic_store_n(&mdev->is_freed, true, __ATOMIC_SEQ_CST);
	SEAM_FLAG_WRITE("mdev gate");
	__atomic_store_n(&mdev->gate_is_open, false, __ATOMIC_SEQ_CST);
}

int mdev_place_fill(struct vsva_mdev *mdev, struct mdev_place *place, gpasid_t guest)
{
	void *handle = NULL;
	hpasid_t host;
	int err = mdev->owner.pasid_get ? get_from_owner(mdev, guest, &host, &handle)
					: vsva_ioasid_get_gpasid(mdev->owner.set, guest, &host);

	if (err)
		return err;
	place->guest = guest;
	place->handle = handle;
	SEAM_FLAG_WRITE("mdev place");
	__atomic_store_n(&place->host.v, host.v, __ATOMIC_RELEASE);
	/* An event that came before has not found the place. */
	if (vsva_ioasid_state_of(space_of(mdev), host, NULL) == VSVA_IOASID_FREE_PENDING)
		note_freed(mdev, host);
	return 0;
}

void mdev_place_empty(struct vsva_mdev *mdev, struct mdev_place *place)
{
	struct mdev_place was = *place;

	if (was.host.v == VSVA_PASID_INVALID)
		return;
	mdev_place_init(place);
	vsva_ioasid_put(space_of(mdev), was.host);
	/* Not before: an event that had found the place full ends before the reference is returned,
	 * and later ones find it empty. */
	if (place == &mdev->wq_place) {
		SEAM_FLAG_WRITE("mdev is freed");
		__atomic_store_n(&mdev->is_freed, false, __ATOMIC_SEQ_CST);
	}
	release(mdev, was.handle);
}

/* One that is found is not free-pending yet, and its reclaim has to take the lock. */
int mdev_pasid_find(struct vsva_mdev *mdev, gpasid_t guest, hpasid_t *out)
{
	return vsva_ioasid_find_gpasid(mdev->owner.set, guest, out);
}

int mdev_pasid_get(struct vsva_mdev *mdev, gpasid_t guest, hpasid_t *out)
{
	return vsva_ioasid_get_gpasid(mdev->owner.set, guest, out);
}

void mdev_pasid_put(struct vsva_mdev *mdev, hpasid_t host)
{
	vsva_ioasid_put(space_of(mdev), host);
}

uint32_t mdev_guest_view(struct vsva_mdev *mdev, hpasid_t host)
{
	gpasid_t guest;

	if (!mdev->is_open || host.v == mdev->base.v)
		return 0;
	if (mdev->wq_place.host.v == host.v)
		return mdev->wq_place.guest.v;
	return vsva_ioasid_gpasid_of(mdev->owner.set, host, &guest) ? 0 : guest.v;
}

/* Freed */

/* Under a lock of the IOASID space: only marks. */
static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct vsva_mdev *mdev = arg;

	if (event->kind == VSVA_IOASID_EVENT_FREE)
		note_freed(mdev, event->id);
}

/* A shared queue may have work of any PASID of its owner's. */
static bool may_have_work(struct vsva_mdev *mdev, hpasid_t host)
{
	bool may;

	lock_take(&mdev->lock);
	may = mdev->is_enabled &&
	      (mdev->type == VSVA_MDEV_SHARED || has_place_for(&mdev->wq_place, host));
	mdev_unlock(mdev);
	return may;
}

/* A batch has so long together: others of the set wait for it. */
static uint32_t left_ms(uint64_t deadline_ns)
{
	uint64_t now = clock_now_ns();

	return now < deadline_ns ? (uint32_t)((deadline_ns - now) / NS_PER_MS) : 0;
}

static void end_work(struct vsva_mdev *mdev, hpasid_t host, uint64_t deadline_ns)
{
	struct vsva_vdcm *vdcm = mdev->vdcm;

	if (vdcm_drain_wait(vdcm, DSA_COMMAND_DRAIN_PASID, host.v, left_ms(deadline_ns)))
		return;
	LOG_LIMITED(LOG_WARN, VSVA_CODE_WORK_ABORTED,
		    "host: device %04x, queue %u: work of freed PASID %u is aborted",
		    vsva_dev_rid(vdcm->dev).v, mdev->queue, host.v);
	vdcm_execute(vdcm, DSA_COMMAND_ABORT_PASID, host.v);
}

/* The number goes out of the registers, too. */
static void take_out(struct vsva_mdev *mdev, hpasid_t host)
{
	lock_take(&mdev->lock);
	if (has_place_for(&mdev->wq_place, host))
		mdev_queue_stop(mdev);
	if (has_place_for(&mdev->irq_place, host)) {
		vdcm_permit_interrupt(mdev->vdcm, mdev->queue, mdev->vdcm->nobody);
		mdev_place_empty(mdev, &mdev->irq_place);
	}
	mdev_command_end_of_pasid(mdev, host);
	mdev_unlock(mdev);
}

/* Many at a time: when the queue has run empty nothing of any is left. */
static bool has_run_empty(struct vsva_mdev *mdev, size_t count, uint64_t deadline_ns)
{
	return count > 1 && vdcm_drain_wait(mdev->vdcm, DSA_COMMAND_DRAIN_WQ, mdev_queue_mask(mdev),
					    left_ms(deadline_ns) / 2);
}

static void on_reclaim(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct vsva_mdev *mdev = arg;
	uint64_t deadline_ns = clock_now_ns() + VSVA_LIMIT_MDEV_DRAIN_TIMEOUT_MS * NS_PER_MS;
	bool is_empty = has_run_empty(mdev, count, deadline_ns);

	for (size_t i = 0; i < count; i++) {
		if (!is_empty && may_have_work(mdev, events[i].id))
			end_work(mdev, events[i].id, deadline_ns);
		take_out(mdev, events[i].id);
	}
}

static const struct vsva_ioasid_subscriber subscriber = {.event = on_event, .reclaim = on_reclaim};

int mdev_pasid_subscribe(struct vsva_mdev *mdev)
{
	struct vsva_ioasid_space *space = space_of(mdev);

	return vsva_ioasid_notifier_register(space, vsva_ioasid_set_token(mdev->owner.set),
					     VSVA_IOASID_PRIORITY_DEVICE, &subscriber, mdev,
					     &mdev->notifier);
}

void mdev_pasid_unsubscribe(struct vsva_mdev *mdev)
{
	vsva_ioasid_notifier_unregister(mdev->notifier);
	mdev->notifier = NULL;
}
