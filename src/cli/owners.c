// SPDX-License-Identifier: MIT
#include "cli/owners.h"

#include <stdlib.h>

#include "cli/keyed.h"

struct pasid {
	uint64_t key;
	uint32_t vm;
	gpasid_t guest;
	hpasid_t host;
};

struct owners {
	/* of cli/keyed.h */
	void *by_host;  /* struct pasid by host PASID */
	void *by_guest; /* struct pasid by VM and guest PASID */
	uint32_t vm_of_rid[UINT16_MAX + 1];
};

static void set(void **tree, const struct pasid *pasid)
{
	struct pasid *known = keyed_find_or_make(tree, pasid->key, sizeof(*known));

	if (known)
		*known = *pasid;
}

static uint64_t guest_key(uint32_t vm, gpasid_t guest)
{
	return (uint64_t)vm << 32 | guest.v;
}

struct owners *owners_create(void)
{
	return calloc(1, sizeof(struct owners));
}

void owners_destroy(struct owners *owners)
{
	if (!owners)
		return;
	keyed_forget_all(&owners->by_host);
	keyed_forget_all(&owners->by_guest);
	free(owners);
}

void owners_set_pasid(struct owners *owners, hpasid_t host, uint32_t vm, gpasid_t guest)
{
	struct pasid pasid = {.key = host.v, .vm = vm, .guest = guest, .host = host};

	set(&owners->by_host, &pasid);
	if (guest.v == VSVA_PASID_INVALID)
		return;
	pasid.key = guest_key(vm, guest);
	set(&owners->by_guest, &pasid);
}

void owners_set_device(struct owners *owners, rid_t rid, uint32_t vm)
{
	owners->vm_of_rid[rid.v] = vm;
}

static void forget_pasid(struct owners *owners, hpasid_t host)
{
	const struct pasid *by_host = keyed_find(&owners->by_host, host.v), *by_guest = NULL;

	if (!by_host)
		return;
	by_guest = keyed_find(&owners->by_guest, guest_key(by_host->vm, by_host->guest));
	if (by_guest && by_guest->host.v == host.v)
		keyed_forget(&owners->by_guest, by_guest->key);
	keyed_forget(&owners->by_host, host.v);
}

/* A function is a VM's; a part of one is so by its base PASID. */
static void change_device(struct owners *owners, const struct vsva_event *event, uint32_t vm)
{
	if (event->hpasid.v == VSVA_PASID_INVALID)
		owners_set_device(owners, event->rid, vm);
	else
		owners_set_pasid(owners, event->hpasid, vm, gpasid(VSVA_PASID_INVALID));
}

/* 0 is nobody's: the entry of requests without PASID. */
static bool is_pasid(hpasid_t host)
{
	return host.v && host.v != VSVA_PASID_INVALID;
}

static void learn(struct owners *owners, const struct vsva_event *event)
{
	bool has_all =
		event->vm && is_pasid(event->hpasid) && event->gpasid.v != VSVA_PASID_INVALID;

	if (event->kind == VSVA_EV_DEVICE_ATTACH)
		change_device(owners, event, event->vm);
	else if (has_all)
		owners_set_pasid(owners, event->hpasid, event->vm, event->gpasid);
}

static void unlearn(struct owners *owners, const struct vsva_event *event)
{
	if (event->kind == VSVA_EV_IOASID_RECLAIM)
		forget_pasid(owners, event->hpasid);
	if (event->kind == VSVA_EV_DEVICE_DETACH)
		change_device(owners, event, 0);
}

struct owner owners_observe(struct owners *owners, const struct vsva_event *event)
{
	struct owner owner = {.vm = event->vm, .guest = event->gpasid, .host = event->hpasid};
	const struct pasid *known;

	learn(owners, event);
	known = is_pasid(owner.host)
			? keyed_find(&owners->by_host, owner.host.v)
			: keyed_find(&owners->by_guest, guest_key(owner.vm, owner.guest));
	if (known && (!owner.vm || owner.vm == known->vm)) {
		owner.vm = known->vm;
		owner.guest = owner.guest.v == VSVA_PASID_INVALID ? known->guest : owner.guest;
		owner.host = known->host;
	}
	if (!owner.vm && !is_pasid(owner.host))
		owner.vm = owners->vm_of_rid[event->rid.v];
	unlearn(owners, event);
	return owner;
}
