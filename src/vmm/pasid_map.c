/* SPDX-License-Identifier: MIT */
/*
 * Guest PASID to host PASID. A guest PASID has a host PASID as long as something mentions it; the
 * host number never follows from the guest's. A guest may free its PASID while something still uses
 * it: then the host PASID is freed too, as it stands, and the mention is stale: it only remembers
 * what its users have to let go of.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/log.h"
#include "vmm/vm.h"
#include "vsva/limits.h"

/* A number that was just given back is not given out again at once: a device may still have work
 * that was submitted under it. Not the whole space in turn, because each new stretch of it costs
 * every device a page of PASID table. */
#define HOST_WINDOW 4096u

/* What the VM's quota counts: PASIDs that are bound or that the guest has allocated. A queue that
 * only has one programmed needs a host PASID too, so that what it does faults under the guest's
 * number, but is no use of the quota. */
static bool is_charged(const struct pasid_mention *mention)
{
	return mention->binds || mention->from_vcmd;
}

static struct pasid_mention *find(struct vsva_vm *vm, gpasid_t guest)
{
	return sparse_get(&vm->pasids, guest.v);
}

/* Host PASIDs */

/* What the set has of the space's capacity when nothing is free-pending. */
static uint32_t set_quota_at_rest(const struct vsva_vm *vm)
{
	return vm->quota + VM_QUEUE_RESERVE;
}

/*
 * Ids that the guest gave up count against the set until they are reclaimed, and that takes a while:
 * a guest that replaces all that it has in one go would be refused. The set borrows for them, as much
 * as it has at rest and no more. map_lock.
 */
static bool borrow(struct vsva_vm *vm)
{
	uint32_t at_rest = set_quota_at_rest(vm), quota = vsva_ioasid_set_quota(vm->set);
	uint32_t wanted = quota + VSVA_LIMIT_RECLAIM_BATCH;

	if (__atomic_load_n(&vm->stats.pasids_now, __ATOMIC_RELAXED) >= at_rest ||
	    quota >= 2 * at_rest)
		return false;
	wanted = wanted < 2 * at_rest ? wanted : 2 * at_rest;
	return vsva_ioasid_set_adjust(vm->set, wanted) == 0;
}

/* As soon as it can: -EBUSY as long as too many are pending. */
static void return_borrowed(struct vsva_vm *vm)
{
	lock_take(&vm->map_lock);
	if (vsva_ioasid_set_quota(vm->set) > set_quota_at_rest(vm))
		vsva_ioasid_set_adjust(vm->set, set_quota_at_rest(vm));
	lock_drop(&vm->map_lock);
}

static int alloc_host(struct vsva_vm *vm, hpasid_t *out)
{
	uint32_t last = VSVA_LIMIT_FIRST_VM_PASID + HOST_WINDOW - 1;
	int err = vsva_ioasid_alloc(vm->set, vm->next_host, last, NULL, out);

	if (err == -EDQUOT && borrow(vm))
		err = vsva_ioasid_alloc(vm->set, vm->next_host, last, NULL, out);
	if (err == -ENOSPC)
		err = vsva_ioasid_alloc(vm->set, VSVA_LIMIT_FIRST_VM_PASID, VSVA_PASID_MAX, NULL,
					out);
	if (!err)
		vm->next_host = out->v < last ? out->v + 1 : VSVA_LIMIT_FIRST_VM_PASID;
	return err;
}

/* Without the map's lock: under one of the policies it waits for devices. */
static void free_host(struct vsva_vm *vm, hpasid_t host)
{
	int err = 0;

	if (host.v != VSVA_PASID_INVALID)
		err = vsva_container_pasid_free(vm->container, host);
	return_borrowed(vm);
	if (err && err != -ENODEV)
		log_line(LOG_ERROR, VSVA_CODE_TEARDOWN, "%s: host PASID %u freed with error %d",
			 vm->name, host.v, err);
}

/* Mentions; map_lock */

static int fill(struct vsva_vm *vm, struct pasid_mention *mention)
{
	int err = alloc_host(vm, &mention->host);

	if (err)
		return err;
	err = vsva_ioasid_attach_gpasid(vm->set, mention->host, mention->guest);
	if (!err)
		err = sparse_set(&vm->pasids, mention->guest.v, mention);
	if (err)
		vsva_ioasid_free(vm->set, mention->host);
	return err;
}

static int create(struct vsva_vm *vm, gpasid_t guest, struct pasid_mention **out)
{
	struct pasid_mention *mention = base_zalloc(sizeof(*mention));
	int err = -ENOMEM;

	if (mention) {
		mention->guest = guest;
		err = fill(vm, mention);
	}
	if (err) {
		base_free(mention);
		return err;
	}
	__atomic_fetch_add(&vm->stats.pasids_now, 1, __ATOMIC_RELAXED);
	*out = mention;
	return 0;
}

/* The guest's number is free for another; returns the host PASID, which the caller frees. */
static hpasid_t retire(struct vsva_vm *vm, struct pasid_mention *mention)
{
	if (mention->is_stale)
		return hpasid(VSVA_PASID_INVALID);
	mention->is_stale = true;
	sparse_replace(&vm->pasids, mention->guest.v, NULL);
	vsva_ioasid_detach_gpasid(vm->set, mention->host);
	__atomic_fetch_sub(&vm->stats.pasids_now, 1, __ATOMIC_RELAXED);
	return mention->host;
}

static int charge(struct vsva_vm *vm)
{
	if (vm->charged == vm->quota)
		return -EDQUOT;
	vm->charged++;
	return 0;
}

/* After a use went: the quota first, then the mention itself. Returns the host PASID to be freed,
 * or none. */
static hpasid_t settle(struct vsva_vm *vm, struct pasid_mention *mention, bool was_charged)
{
	hpasid_t host = hpasid(VSVA_PASID_INVALID);

	if (was_charged && !is_charged(mention))
		vm->charged--;
	if (!mention->uses && !mention->from_vcmd) {
		host = retire(vm, mention);
		base_free(mention);
	}
	return host;
}

/* A queue keeps the number itself: it is not given out again while a device has it programmed,
 * whatever the guest frees. Refused if the host is already taking the number back. */
static int use(struct vsva_vm *vm, struct pasid_mention *mention, enum mention kind)
{
	int err = kind == MENTION_BIND
			  ? 0
			  : vsva_ioasid_get(vsva_ioasid_set_space(vm->set), vm->set, mention->host);

	if (err)
		return err;
	mention->uses++;
	mention->binds += kind == MENTION_BIND;
	return 0;
}

static void unuse(struct vsva_vm *vm, struct pasid_mention *mention, enum mention kind)
{
	mention->uses--;
	if (kind == MENTION_BIND)
		mention->binds--;
	else
		vsva_ioasid_put(vsva_ioasid_set_space(vm->set), mention->host);
}

int pasid_map_get(struct vsva_vm *vm, gpasid_t guest, enum mention kind, struct pasid_mention **out)
{
	hpasid_t unused = hpasid(VSVA_PASID_INVALID);
	struct pasid_mention *mention;
	bool charges;
	int err;

	if (guest.v > VSVA_PASID_MAX)
		return -EINVAL;
	lock_take(&vm->map_lock);
	mention = find(vm, guest);
	charges = kind == MENTION_BIND && !(mention && is_charged(mention));
	/* Before anything is made: a guest whose quota is used up costs nothing, however many it
	 * tries. */
	err = charges ? charge(vm) : 0;
	if (!err && !mention) {
		err = create(vm, guest, &mention);
		vm->charged -= err && charges;
	}
	if (!err) {
		err = use(vm, mention, kind);
		if (err)
			unused = settle(vm, mention, false);
		else
			*out = mention;
	}
	lock_drop(&vm->map_lock);
	if (err)
		free_host(vm, unused);
	return err;
}

void pasid_map_put(struct vsva_vm *vm, struct pasid_mention *mention, enum mention kind)
{
	bool was_charged;
	hpasid_t host;

	lock_take(&vm->map_lock);
	was_charged = is_charged(mention);
	unuse(vm, mention, kind);
	host = settle(vm, mention, was_charged);
	lock_drop(&vm->map_lock);
	free_host(vm, host);
}

int pasid_map_lookup(struct vsva_vm *vm, gpasid_t guest, hpasid_t *out)
{
	struct pasid_mention *mention;

	lock_take(&vm->map_lock);
	mention = find(vm, guest);
	if (mention)
		*out = mention->host;
	lock_drop(&vm->map_lock);
	return mention ? 0 : -ENOENT;
}

bool pasid_map_is_stale(struct vsva_vm *vm, const struct pasid_mention *mention)
{
	bool is_stale;

	lock_take(&vm->map_lock);
	is_stale = mention->is_stale;
	lock_drop(&vm->map_lock);
	return is_stale;
}

/* Virtual command */

/* The lowest number that nothing mentions, from where the last search ended, so that a number
 * just freed is not given out again at once. */
static int pick_guest_pasid(struct vsva_vm *vm, gpasid_t *out)
{
	/* one more than can be mentioned: one of them is free */
	uint32_t quota = vm->quota + VM_QUEUE_RESERVE;

	for (uint32_t tried = 0; tried <= quota; tried++) {
		uint32_t candidate = vm->next_vcmd;

		vm->next_vcmd = candidate < quota ? candidate + 1 : 1;
		if (!find(vm, gpasid(candidate))) {
			*out = gpasid(candidate);
			return 0;
		}
	}
	return -ENOSPC;
}

int pasid_map_vcmd_alloc(struct vsva_vm *vm, gpasid_t *out)
{
	struct pasid_mention *mention;
	int err;

	lock_take(&vm->map_lock);
	err = pick_guest_pasid(vm, out);
	if (!err)
		err = charge(vm);
	if (!err) {
		err = create(vm, *out, &mention);
		if (err)
			vm->charged--;
		else
			mention->from_vcmd = true;
	}
	lock_drop(&vm->map_lock);
	return err;
}

/* Bound, programmed in a queue or not: the guest has freed it. */
static hpasid_t vcmd_free(struct vsva_vm *vm, struct pasid_mention *mention)
{
	bool was_charged = is_charged(mention);
	hpasid_t host = retire(vm, mention);

	mention->from_vcmd = false;
	settle(vm, mention, was_charged);
	return host;
}

int pasid_map_vcmd_free(struct vsva_vm *vm, gpasid_t guest)
{
	hpasid_t host = hpasid(VSVA_PASID_INVALID);
	struct pasid_mention *mention;
	int err = -ENOENT;

	lock_take(&vm->map_lock);
	mention = find(vm, guest);
	if (mention && mention->from_vcmd) {
		host = vcmd_free(vm, mention);
		err = 0;
	}
	lock_drop(&vm->map_lock);
	free_host(vm, host);
	return err;
}

/* The next one at or after *guest that the virtual command gave out, freed. */
static bool free_next(struct vsva_vm *vm, uint32_t *guest)
{
	hpasid_t host = hpasid(VSVA_PASID_INVALID);
	struct pasid_mention *mention;

	lock_take(&vm->map_lock);
	mention = sparse_next(&vm->pasids, guest);
	if (mention && mention->from_vcmd)
		host = vcmd_free(vm, mention);
	lock_drop(&vm->map_lock);
	free_host(vm, host);
	return mention != NULL;
}

void pasid_map_vcmd_free_all(struct vsva_vm *vm)
{
	for (uint32_t guest = 0; free_next(vm, &guest); guest++)
		;
	lock_take(&vm->map_lock);
	vm->next_vcmd = 1;
	lock_drop(&vm->map_lock);
}
