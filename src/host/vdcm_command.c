// SPDX-License-Identifier: MIT
/*
 * The parent's command register. Whoever writes to it holds the lock; see vdcm.h for why a drain
 * gives way.
 */
#include <errno.h>

#include "base/check.h"
#include "base/log.h"
#include "base/sched.h"
#include "host/pci_caps.h"
#include "host/vdcm.h"
#include "host/wait.h"
#include "vsva/limits.h"

struct vdcm_locked {
	struct vsva_vdcm *vdcm;
};

static struct vdcm_locked vdcm_lock(struct vsva_vdcm *vdcm)
{
	lock_take(&vdcm->lock);
	return (struct vdcm_locked){vdcm};
}

static void vdcm_unlock(struct vdcm_locked locked)
{
	lock_drop(&locked.vdcm->lock);
}

/* The register */

static bool is_over(void *arg)
{
	struct vsva_vdcm *vdcm = arg;

	return !dsa_CMDSTS_ACTIVE(vdcm_read(vdcm, DSA_REG_CMDSTS, 4));
}

static unsigned result(struct vsva_vdcm *vdcm)
{
	return (unsigned)dsa_CMDSTS_ERROR(vdcm_read(vdcm, DSA_REG_CMDSTS, 4));
}

static void give(struct vsva_vdcm *vdcm, enum dsa_command_code code, uint32_t operand,
		 bool interrupt)
{
	uint64_t value = dsa_CMD_with_INTERRUPT(0, interrupt);

	value = dsa_CMD_with_OPERAND(dsa_CMD_with_CODE(value, code), operand);
	vdcm_write(vdcm, DSA_REG_CMD, 4, value);
}

/* The last resort: afterwards the function holds nothing of anybody's. One that was pulled out has
 * done nothing wrong. */
static void give_up(struct vdcm_locked locked)
{
	struct vsva_vdcm *vdcm = locked.vdcm;

	if (!vdcm_is_gone(vdcm))
		log_line(LOG_ERROR, VSVA_CODE_DEVICE_OUT_OF_ORDER,
			 "host: device %04x does not carry out a command: it is reset and out of "
			 "order",
			 vsva_dev_rid(vdcm->dev).v);
	else
		log_line(LOG_WARN, VSVA_CODE_DEVICE_GONE,
			 "host: device %04x is gone, and its mediated devices with it",
			 vsva_dev_rid(vdcm->dev).v);
	pci_function_reset(&vdcm->port.config);
	vdcm->active = NULL;
	SEAM_FLAG_WRITE("accelerator is broken");
	__atomic_store_n(&vdcm->is_broken, true, __ATOMIC_RELEASE);
	worker_kick(vdcm->drain_worker);
}

/* No register of one that was pulled out says that a drain has ended, and nothing interrupts. */
static void look_whether_it_is_there(struct vdcm_locked locked)
{
	if (!vdcm_is_broken(locked.vdcm) && vdcm_is_gone(locked.vdcm))
		give_up(locked);
}

static unsigned execute(struct vdcm_locked locked, enum dsa_command_code code, uint32_t operand)
{
	struct vsva_vdcm *vdcm = locked.vdcm;

	give(vdcm, code, operand, false);
	if (!vdcm_is_gone(vdcm) &&
	    host_wait(vdcm->pool, is_over, vdcm, VSVA_LIMIT_DSA_COMMAND_TIMEOUT_MS))
		return result(vdcm);
	give_up(locked);
	return DSA_CMDSTS_HARDWARE;
}

/* Drains */

/* An abort of nobody's work ends the wait for a drain, and nothing else (DSA 9.2.13). A drain that
 * has ended stays so: whoever has more commands than the worker has time for could otherwise have it
 * begun again for ever. */
static void suspend(struct vdcm_locked locked)
{
	struct vsva_vdcm *vdcm = locked.vdcm;
	struct vdcm_drain *drain = vdcm->active;

	if (!drain)
		return;
	vdcm->active = NULL;
	drain->has_ended = is_over(vdcm);
	if (!drain->has_ended) {
		execute(locked, DSA_COMMAND_ABORT_PASID, vdcm->nobody.v);
		return;
	}
	drain->error = result(vdcm);
	worker_kick(vdcm->drain_worker);
}

/* The first of those that have ended, or have not; NULL. */
static struct vdcm_drain *first(struct vsva_vdcm *vdcm, bool has_ended)
{
	for (struct list *at = vdcm->drains.next; at != &vdcm->drains; at = at->next) {
		struct vdcm_drain *drain = container_of(at, struct vdcm_drain, in_parent);

		if (drain->has_ended == has_ended)
			return drain;
	}
	return NULL;
}

static void begin(struct vdcm_locked locked, struct vdcm_drain *drain)
{
	locked.vdcm->active = drain;
	give(locked.vdcm, drain->code, drain->operand, true);
}

static void resume(struct vdcm_locked locked)
{
	struct vsva_vdcm *vdcm = locked.vdcm;
	struct vdcm_drain *next = first(vdcm, false);

	if (!vdcm->active && next && !vdcm_is_broken(vdcm))
		begin(locked, next);
}

static void add(struct vdcm_locked locked, struct vdcm_drain *drain)
{
	drain->is_pending = true;
	drain->has_ended = false;
	list_append(&locked.vdcm->drains, &drain->in_parent);
	SEAM_FLAG_WRITE("drain count");
	__atomic_fetch_add(&locked.vdcm->drain_count, 1, __ATOMIC_RELEASE);
}

static void take_off(struct vdcm_locked locked, struct vdcm_drain *drain)
{
	drain->is_pending = false;
	list_remove(&drain->in_parent);
	SEAM_FLAG_WRITE("drain count");
	__atomic_fetch_sub(&locked.vdcm->drain_count, 1, __ATOMIC_RELEASE);
}

/* The drain whose turn it was is the next to be begun after all the others. */
static void rotate(struct vdcm_locked locked)
{
	struct vdcm_drain *drain = locked.vdcm->active;

	suspend(locked);
	if (drain) {
		list_remove(&drain->in_parent);
		list_append(&locked.vdcm->drains, &drain->in_parent);
	}
}

/* Without hardware all have ended. */
static void note_ended(struct vdcm_locked locked)
{
	struct vsva_vdcm *vdcm = locked.vdcm;
	struct vdcm_drain *drain = vdcm_is_broken(vdcm) ? first(vdcm, false) : vdcm->active;

	if (!drain || (!vdcm_is_broken(vdcm) && !is_over(vdcm)))
		return;
	vdcm->active = NULL;
	drain->has_ended = true;
	drain->error = vdcm_is_broken(vdcm) ? DSA_CMDSTS_HARDWARE : result(vdcm);
}

/* The one that has finished, taken off, or NULL. */
static struct vdcm_drain *take_finished(struct vdcm_locked locked, unsigned *error)
{
	struct vdcm_drain *drain;

	note_ended(locked);
	drain = first(locked.vdcm, true);
	if (!drain)
		return NULL;
	*error = drain->error;
	take_off(locked, drain);
	return drain;
}

/* Without a clock (no threads) each is looked at once, and again when something has happened. */
static bool may_rotate(struct vdcm_locked locked)
{
	struct vsva_vdcm *vdcm = locked.vdcm;

	if (vdcm->drain_count < 2)
		return false;
	if (worker_pool_mode(vdcm->pool) == WORKERS_THREADS)
		return true;
	return vdcm->looks && vdcm->looks--;
}

static bool is_slice_over(void *arg)
{
	struct vsva_vdcm *vdcm = arg;

	return vdcm_is_broken(vdcm) || is_over(vdcm);
}

static void wait_for_slice(struct vsva_vdcm *vdcm)
{
	SEAM_FLAG_READ("drain count");
	if (worker_pool_mode(vdcm->pool) == WORKERS_THREADS &&
	    __atomic_load_n(&vdcm->drain_count, __ATOMIC_ACQUIRE) > 1)
		worker_pool_wait_until(vdcm->pool, is_slice_over, vdcm,
				       VSVA_LIMIT_MDEV_DRAIN_SLICE_MS);
}

bool vdcm_run_drains(void *arg)
{
	struct vsva_vdcm *vdcm = arg;
	struct vdcm_drain *finished;
	struct vdcm_locked locked;
	uint64_t serial = 0;
	unsigned error;
	bool more;

	wait_for_slice(vdcm);
	locked = vdcm_lock(vdcm);
	if (vdcm->drain_count)
		look_whether_it_is_there(locked);
	finished = take_finished(locked, &error);
	if (finished) {
		serial = finished->serial;
		vdcm->looks = vdcm->drain_count;
	}
	more = finished || may_rotate(locked);
	if (more && !finished)
		rotate(locked);
	resume(locked);
	vdcm_unlock(locked);
	if (finished)
		finished->done(finished, serial, error);
	return more;
}

void vdcm_drain_nudge(struct vsva_vdcm *vdcm)
{
	struct vdcm_locked locked = vdcm_lock(vdcm);

	vdcm->looks = vdcm->drain_count;
	vdcm_unlock(locked);
	worker_kick(vdcm->drain_worker);
	worker_pool_notify(vdcm->pool);
}

/* The new one goes first: most drains find nothing to wait for. */
bool vdcm_drain_start(struct vsva_vdcm *vdcm, struct vdcm_drain *drain, enum dsa_command_code code,
		      uint32_t operand, uint64_t serial, unsigned *error)
{
	struct vdcm_locked locked = vdcm_lock(vdcm);
	bool is_finished;

	drain->code = code;
	drain->operand = operand;
	drain->serial = serial;
	rotate(locked);
	look_whether_it_is_there(locked);
	*error = DSA_CMDSTS_HARDWARE;
	is_finished = vdcm_is_broken(vdcm);
	if (!is_finished) {
		give(vdcm, code, operand, true);
		is_finished = is_over(vdcm);
		*error = result(vdcm);
	}
	if (!is_finished) {
		add(locked, drain);
		vdcm->active = drain;
	}
	resume(locked);
	vdcm->looks = vdcm->drain_count;
	vdcm_unlock(locked);
	worker_kick(vdcm->drain_worker);
	return is_finished;
}

bool vdcm_drain_cancel(struct vsva_vdcm *vdcm, struct vdcm_drain *drain)
{
	struct vdcm_locked locked = vdcm_lock(vdcm);
	bool was_pending = drain->is_pending;

	if (was_pending) {
		if (vdcm->active == drain)
			suspend(locked);
		take_off(locked, drain);
		resume(locked);
	}
	vdcm_unlock(locked);
	return was_pending;
}

/* Commands */

void vdcm_break(struct vsva_vdcm *vdcm)
{
	struct vdcm_locked locked = vdcm_lock(vdcm);

	if (!vdcm_is_broken(vdcm))
		give_up(locked);
	vdcm_unlock(locked);
}

unsigned vdcm_execute(struct vsva_vdcm *vdcm, enum dsa_command_code code, uint32_t operand)
{
	struct vdcm_locked locked = vdcm_lock(vdcm);
	unsigned error = DSA_CMDSTS_HARDWARE;

	suspend(locked);
	if (!vdcm_is_broken(vdcm))
		error = execute(locked, code, operand);
	resume(locked);
	vdcm_unlock(locked);
	return error;
}

struct drain_wait {
	struct vdcm_drain drain;
	struct worker_pool *pool;
	bool is_done; /* atomic; the last that is touched */
};

static void wake(struct vdcm_drain *drain, uint64_t serial, unsigned error)
{
	struct drain_wait *wait = container_of(drain, struct drain_wait, drain);
	struct worker_pool *pool = wait->pool;

	(void)serial;
	(void)error;
	SEAM_FLAG_WRITE("drain is done");
	__atomic_store_n(&wait->is_done, true, __ATOMIC_RELEASE);
	worker_pool_notify(pool);
}

static bool is_done(void *arg)
{
	struct drain_wait *wait = arg;

	SEAM_FLAG_READ("drain is done");
	return __atomic_load_n(&wait->is_done, __ATOMIC_ACQUIRE);
}

bool vdcm_drain_wait(struct vsva_vdcm *vdcm, enum dsa_command_code code, uint32_t operand,
		     uint32_t timeout_ms)
{
	struct drain_wait wait = {.drain.done = wake, .pool = vdcm->pool};
	unsigned error;

	if (vdcm_drain_start(vdcm, &wait.drain, code, operand, 0, &error))
		return true;
	if (worker_pool_wait_until(vdcm->pool, is_done, &wait, timeout_ms))
		return true;
	if (vdcm_drain_cancel(vdcm, &wait.drain))
		return false;
	/* It has just finished: wake() is about to be called. */
	while (!worker_pool_wait_until(vdcm->pool, is_done, &wait, timeout_ms))
		;
	return true;
}
