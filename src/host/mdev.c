// SPDX-License-Identifier: MIT
/* Mediated devices: their life, their gate, their interrupts. */
#include "host/mdev.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "base/sched.h"
#include "host/ioasid.h"
#include "host/iommu.h"
#include "host/wait.h"
#include "vsva/limits.h"

static const char *const type_names[] = {
	[VSVA_MDEV_DEDICATED] = "1dwq",
	[VSVA_MDEV_SHARED] = "1swq",
};

const char *vsva_mdev_type_name(enum vsva_mdev_type type)
{
	return (unsigned)type < ARRAY_LEN(type_names) ? type_names[type] : "?";
}

int vsva_mdev_type_parse(const char *name, enum vsva_mdev_type *out)
{
	for (unsigned i = 0; i < ARRAY_LEN(type_names); i++)
		if (!strcmp(type_names[i], name)) {
			*out = (enum vsva_mdev_type)i;
			return 0;
		}
	return -EINVAL;
}

/* Interrupts */

static void fire(struct vsva_mdev *mdev, uint32_t raised)
{
	for (unsigned vector = 0; raised; vector++, raised >>= 1)
		if (raised & 1)
			irq_line_raise(&mdev->irq, vector);
}

void mdev_unlock(struct vsva_mdev *mdev)
{
	struct vsva_mdev_owner owner = mdev->owner;
	unsigned released_count = mdev->released_count;
	uint32_t raised = mdev->raised;
	void *released[MDEV_RELEASED_MAX];

	memcpy(released, mdev->released, sizeof(released));
	mdev->released_count = 0;
	mdev->raised = 0;
	lock_drop(&mdev->lock);
	if (raised)
		fire(mdev, raised);
	for (unsigned i = 0; i < released_count; i++)
		owner.pasid_put(owner.arg, released[i]);
}

void vsva_mdev_set_irq(struct vsva_mdev *mdev, void (*irq)(void *arg, unsigned vector), void *arg)
{
	irq_line_set(&mdev->irq, irq, arg);
}

/* Users */

void mdev_get(struct vsva_mdev *mdev)
{
	SEAM_FLAG_WRITE("mdev users");
	__atomic_fetch_add(&mdev->users, 1, __ATOMIC_ACQUIRE);
}

void mdev_put(struct vsva_mdev *mdev)
{
	struct worker_pool *pool = mdev->vdcm->pool;

	SEAM_FLAG_WRITE("mdev users");
	if (__atomic_fetch_sub(&mdev->users, 1, __ATOMIC_ACQ_REL) == 1)
		worker_pool_notify(pool);
}

static bool has_no_users(void *arg)
{
	struct vsva_mdev *mdev = arg;

	SEAM_FLAG_READ("mdev users");
	return __atomic_load_n(&mdev->users, __ATOMIC_ACQUIRE) == 0;
}

/* Nobody new comes; who is there only has to take the lock and look. */
static void wait_for_users(struct vsva_mdev *mdev)
{
	while (!worker_pool_wait_until(mdev->vdcm->pool, has_no_users, mdev,
				       VSVA_LIMIT_DSA_COMMAND_TIMEOUT_MS))
		;
}

/* The gate */

bool mdev_gate_enter(struct vsva_mdev *mdev)
{
	SEAM_FLAG_WRITE("mdev inside");
	__atomic_fetch_add(&mdev->inside, 1, __ATOMIC_SEQ_CST);
	SEAM_FLAG_READ("mdev gate");
	if (__atomic_load_n(&mdev->gate_is_open, __ATOMIC_SEQ_CST))
		return true;
	mdev_gate_leave(mdev);
	return false;
}

void mdev_gate_leave(struct vsva_mdev *mdev)
{
	struct worker_pool *pool = mdev->vdcm->pool;

	SEAM_FLAG_WRITE("mdev inside");
	if (__atomic_fetch_sub(&mdev->inside, 1, __ATOMIC_SEQ_CST) == 1 &&
	    !__atomic_load_n(&mdev->gate_is_open, __ATOMIC_SEQ_CST))
		worker_pool_notify(pool);
}

/* A PASID may be freed at the same time: whoever is later sees the other. */
void mdev_gate_open(struct vsva_mdev *mdev)
{
	SEAM_FLAG_WRITE("mdev gate");
	__atomic_store_n(&mdev->gate_is_open, true, __ATOMIC_SEQ_CST);
	SEAM_FLAG_READ("mdev is freed");
	if (!__atomic_load_n(&mdev->is_freed, __ATOMIC_SEQ_CST))
		return;
	SEAM_FLAG_WRITE("mdev gate");
	__atomic_store_n(&mdev->gate_is_open, false, __ATOMIC_SEQ_CST);
}

static bool is_nobody_inside(void *arg)
{
	struct vsva_mdev *mdev = arg;

	SEAM_FLAG_READ("mdev inside");
	return __atomic_load_n(&mdev->inside, __ATOMIC_SEQ_CST) == 0;
}

/* Inside there is one register write of the parent's: it does not wait for anything. */
void mdev_gate_close(struct vsva_mdev *mdev)
{
	SEAM_FLAG_WRITE("mdev gate");
	__atomic_store_n(&mdev->gate_is_open, false, __ATOMIC_SEQ_CST);
	while (!host_wait_out(mdev->vdcm->pool, is_nobody_inside, mdev,
			      VSVA_LIMIT_DSA_COMMAND_TIMEOUT_MS))
		;
}

/* Life */

static int make_default_pasid(struct vsva_mdev *mdev)
{
	struct vsva_vdcm *vdcm = mdev->vdcm;
	int err = vsva_ioasid_alloc(vdcm->set, 1, VSVA_PASID_MAX, NULL, &mdev->base);

	if (err)
		return err;
	err = host_subdev_add(vdcm->dev, mdev->base, &mdev->dev);
	if (err)
		vsva_ioasid_free(vdcm->set, mdev->base);
	return err;
}

static void free_mdev(struct vsva_mdev *mdev)
{
	irq_line_fini(&mdev->irq);
	lock_destroy(&mdev->lock);
	base_free(mdev);
}

static struct vsva_mdev *new_mdev(struct vsva_vdcm *vdcm, enum vsva_mdev_type type)
{
	struct vsva_mdev *mdev = base_zalloc(sizeof(*mdev));

	if (!mdev)
		return NULL;
	mdev->vdcm = vdcm;
	mdev->type = type;
	mdev->drain.done = mdev_command_drained;
	mdev->command.pasid = hpasid(VSVA_PASID_INVALID);
	mdev_place_init(&mdev->wq_place);
	mdev_place_init(&mdev->irq_place);
	irq_line_init(&mdev->irq);
	lock_init(&mdev->lock, LOCK_RANK_MDEV, "mediated device");
	mdev_config_init(mdev);
	mdev_regs_reset(mdev);
	return mdev;
}

int vsva_mdev_create(struct vsva_vdcm *vdcm, enum vsva_mdev_type type, struct vsva_mdev **out)
{
	struct vsva_mdev *mdev;
	int err;

	if (!vdcm || (unsigned)type >= ARRAY_LEN(type_names))
		return -EINVAL;
	if (vdcm_is_broken(vdcm))
		return -ENODEV;
	mdev = new_mdev(vdcm, type);
	if (!mdev)
		return -ENOMEM;
	err = vdcm_take_queue(vdcm, mdev, &mdev->queue);
	if (err) {
		free_mdev(mdev);
		return err;
	}
	err = make_default_pasid(mdev);
	if (err) {
		vdcm_give_queue(vdcm, mdev->queue);
		wait_for_users(mdev);
		rcu_synchronize();
		free_mdev(mdev);
		return err;
	}
	*out = mdev;
	return 0;
}

int vsva_mdev_destroy(struct vsva_mdev *mdev)
{
	struct vsva_vdcm *vdcm;

	if (!mdev)
		return 0;
	vdcm = mdev->vdcm;
	if (mdev->is_open)
		return -EBUSY;
	host_dev_remove(mdev->dev);
	/* or numbers could run out for a time */
	vsva_ioasid_free_sync(vdcm->set, mdev->base);
	vdcm_give_queue(vdcm, mdev->queue);
	wait_for_users(mdev);
	rcu_synchronize();
	free_mdev(mdev);
	return 0;
}

enum vsva_mdev_type vsva_mdev_get_type(const struct vsva_mdev *mdev)
{
	return mdev->type;
}

struct vsva_vdcm *vsva_mdev_vdcm(const struct vsva_mdev *mdev)
{
	return mdev->vdcm;
}

struct vsva_dev *vsva_mdev_dev(struct vsva_mdev *mdev)
{
	return mdev->dev;
}

/* Owners */

static int take(struct vsva_mdev *mdev, const struct vsva_mdev_owner *owner)
{
	int err = 0;

	lock_take(&mdev->lock);
	if (mdev->is_open)
		err = -EBUSY;
	else if (vdcm_is_broken(mdev->vdcm))
		err = -ENODEV;
	if (!err) {
		mdev->is_open = true;
		mdev->owner = *owner;
		/* it may be freed before it is closed here */
		ioasid_set_hold(owner->set);
	}
	mdev_unlock(mdev);
	return err;
}

static void let_go(struct vsva_mdev *mdev)
{
	struct vsva_ioasid_set *set;

	lock_take(&mdev->lock);
	set = mdev->owner.set;
	mdev->is_open = false;
	mdev->owner = (struct vsva_mdev_owner){0};
	mdev_unlock(mdev);
	ioasid_set_drop(set);
}

int vsva_mdev_open(struct vsva_mdev *mdev, const struct vsva_mdev_owner *owner)
{
	int err;

	if (!mdev || !owner || !owner->set)
		return -EINVAL;
	err = take(mdev, owner);
	if (err)
		return err;
	err = mdev_pasid_subscribe(mdev);
	if (err) {
		let_go(mdev);
		return err;
	}
	vsva_mdev_reset(mdev);
	return 0;
}

/* The hardware first: what is on its way from there then finds nobody. */
void vsva_mdev_close(struct vsva_mdev *mdev)
{
	vsva_mdev_set_irq(mdev, NULL, NULL);
	vsva_mdev_reset(mdev);
	mdev_pasid_unsubscribe(mdev);
	vdcm_take_error(mdev->vdcm);
	wait_for_users(mdev);
	/* errors that came before the last one was waited for */
	vsva_mdev_reset(mdev);
	let_go(mdev);
}

/* Reset */

void mdev_reset_locked(struct vsva_mdev *mdev)
{
	mdev_command_forget(mdev);
	mdev_queue_stop(mdev);
	mdev->wq_state = DSA_WQ_DISABLED;
	mdev_regs_reset(mdev);
	mdev->raised = 0;
}

void vsva_mdev_reset(struct vsva_mdev *mdev)
{
	lock_take(&mdev->lock);
	mdev_reset_locked(mdev);
	pci_config_reset(&mdev->config);
	mdev_unlock(mdev);
}
