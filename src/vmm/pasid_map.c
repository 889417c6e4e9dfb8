/* SPDX-License-Identifier: MIT */
/*
 * Guest PASID to host PASID. A guest PASID has a host PASID as long as something mentions it; the
 * host number never follows from the guest's.
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

struct pasid_mention {
	hpasid_t host;
	uint32_t uses;  /* of both kinds */
	uint32_t binds; /* of them bindings */
	bool from_vcmd;
};

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

static void drop(struct vsva_vm *vm, gpasid_t guest, struct pasid_mention *mention)
{
	sparse_set(&vm->pasids, guest.v, NULL);
	vsva_ioasid_free(vm->set, mention->host);
	__atomic_fetch_sub(&vm->stats.pasids_now, 1, __ATOMIC_RELAXED);
	base_free(mention);
}

static int alloc_host(struct vsva_vm *vm, hpasid_t *out)
{
	uint32_t last = VSVA_LIMIT_FIRST_VM_PASID + HOST_WINDOW - 1;
	int err = vsva_ioasid_alloc(vm->set, vm->next_host, last, NULL, out);

	if (err == -ENOSPC)
		err = vsva_ioasid_alloc(vm->set, VSVA_LIMIT_FIRST_VM_PASID, VSVA_PASID_MAX, NULL,
					out);
	if (!err)
		vm->next_host = out->v < last ? out->v + 1 : VSVA_LIMIT_FIRST_VM_PASID;
	return err;
}

static int fill(struct vsva_vm *vm, gpasid_t guest, struct pasid_mention *mention)
{
	int err = alloc_host(vm, &mention->host);

	if (err)
		return err;
	err = vsva_ioasid_attach_gpasid(vm->set, mention->host, guest);
	if (!err)
		err = sparse_set(&vm->pasids, guest.v, mention);
	if (err)
		vsva_ioasid_free(vm->set, mention->host);
	return err;
}

static int create(struct vsva_vm *vm, gpasid_t guest, struct pasid_mention **out)
{
	struct pasid_mention *mention = base_zalloc(sizeof(*mention));
	int err = mention ? fill(vm, guest, mention) : -ENOMEM;

	if (err) {
		base_free(mention);
		return err;
	}
	__atomic_fetch_add(&vm->stats.pasids_now, 1, __ATOMIC_RELAXED);
	*out = mention;
	return 0;
}

static int charge(struct vsva_vm *vm)
{
	if (vm->charged == vm->quota)
		return -EDQUOT;
	vm->charged++;
	return 0;
}

/* After a use went: the quota first, then the mention itself. */
static void settle(struct vsva_vm *vm, gpasid_t guest, struct pasid_mention *mention,
		   bool was_charged)
{
	if (was_charged && !is_charged(mention))
		vm->charged--;
	if (!mention->uses && !mention->from_vcmd)
		drop(vm, guest, mention);
}

int pasid_map_get(struct vsva_vm *vm, gpasid_t guest, enum mention kind, hpasid_t *out)
{
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
		mention->uses++;
		mention->binds += kind == MENTION_BIND;
		*out = mention->host;
	}
	lock_drop(&vm->map_lock);
	return err;
}

void pasid_map_put(struct vsva_vm *vm, gpasid_t guest, enum mention kind)
{
	struct pasid_mention *mention;
	bool was_charged;

	lock_take(&vm->map_lock);
	mention = find(vm, guest);
	CHECK(mention && mention->uses && (kind != MENTION_BIND || mention->binds));
	was_charged = is_charged(mention);
	mention->uses--;
	mention->binds -= kind == MENTION_BIND;
	settle(vm, guest, mention, was_charged);
	lock_drop(&vm->map_lock);
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

int pasid_map_vcmd_free(struct vsva_vm *vm, gpasid_t guest)
{
	struct pasid_mention *mention;

	lock_take(&vm->map_lock);
	mention = find(vm, guest);
	if (mention && !mention->from_vcmd)
		mention = NULL;
	if (mention) {
		/* Still mentioned elsewhere: the last mention frees it. */
		mention->from_vcmd = false;
		settle(vm, guest, mention, true);
	}
	lock_drop(&vm->map_lock);
	return mention ? 0 : -ENOENT;
}

void pasid_map_vcmd_free_all(struct vsva_vm *vm)
{
	struct pasid_mention *mention;

	lock_take(&vm->map_lock);
	for (uint32_t guest = 0; (mention = sparse_next(&vm->pasids, &guest)); guest++) {
		bool was_charged = is_charged(mention);

		mention->from_vcmd = false;
		settle(vm, gpasid(guest), mention, was_charged);
	}
	vm->next_vcmd = 1;
	lock_drop(&vm->map_lock);
}
