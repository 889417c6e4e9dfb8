/* SPDX-License-Identifier: MIT */
/*
 * Shadowing: what the guest's tables say against what the host has bound. Every change comes from
 * re-reading guest memory after the guest invalidated; nothing is bound because of a write alone.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rcu.h"
#include "vmm/vm.h"
#include "vsva/limits.h"

static struct guest_table_root root_of(struct vsva_vm *vm)
{
	return (struct guest_table_root){.rtaddr = __atomic_load_n(&vm->root, __ATOMIC_RELAXED),
					 .rules = &vm->rules,
					 .memory = &vm->memory};
}

static uint32_t first_stage_flags(const struct vtd_pasid_entry *entry)
{
	return (vtd_pasid_entry_SRE(entry) ? VSVA_VTD_GPASID_SRE : 0) |
	       (vtd_pasid_entry_EAFE(entry) ? VSVA_VTD_GPASID_EAFE : 0);
}

static uint32_t first_stage_width(const struct vtd_pasid_entry *entry)
{
	return vtd_levels_width(vtd_fspm_levels((unsigned)vtd_pasid_entry_FSPM(entry)));
}

/* Bind and unbind */

static int bind_first_stage(struct vsva_assigned *assigned, struct shadow *shadow,
			    const struct vtd_pasid_entry *entry)
{
	struct vsva_gpasid_bind_data data = {
		.argsz = sizeof(data),
		.version = VSVA_GPASID_BIND_VERSION_1,
		.format = VSVA_PASID_FORMAT_INTEL_VTD,
		.addr_width = first_stage_width(entry),
		.flags = VSVA_GPASID_VAL,
		.gpgd = vtd_pasid_entry_FSPTPTR(entry),
		.hpasid = shadow->hpasid.v,
		.gpasid = shadow->gpasid.v,
		.vtd.flags = first_stage_flags(entry),
	};
	bool is_clean;
	int err = vsva_container_bind_gpasid_clean(assigned->handle, &data, &is_clean);

	assigned->vm->clean = is_clean ? shadow : NULL;
	return err;
}

static int bind_entry(struct vsva_assigned *assigned, struct shadow *shadow,
		      const struct vtd_pasid_entry *entry)
{
	assigned->vm->is_drained = false;
	if (vtd_pasid_entry_PGTT(entry) == VTD_PGTT_PASS_THROUGH)
		return vsva_container_bind_second_stage(assigned->handle, shadow->hpasid);
	return bind_first_stage(assigned, shadow, entry);
}

static int shadow_bind(struct vsva_assigned *assigned, struct shadow *shadow,
		       const struct vtd_pasid_entry *entry)
{
	struct vsva_vm *vm = assigned->vm;
	int err = pasid_map_get(vm, shadow->gpasid, MENTION_BIND, &shadow->mention);

	if (err)
		return err;
	shadow->hpasid = shadow->mention->host;
	vm_charge(vm, VM_WORK_OF_BIND);
	err = sparse_set(&assigned->shadows, shadow->gpasid.v, shadow);
	if (!err)
		err = bind_entry(assigned, shadow, entry);
	if (err) {
		sparse_replace(&assigned->shadows, shadow->gpasid.v, NULL);
		pasid_map_put(vm, shadow->mention, MENTION_BIND);
		return err;
	}
	vm_count_locked(&vm->stats.binds);
	vm_count_locked(&vm->stats.bound_now);
	return 0;
}

static void shadow_free(struct vsva_assigned *assigned, struct shadow *shadow)
{
	struct vsva_vm *vm = assigned->vm;

	if (vm->clean == shadow)
		vm->clean = NULL;
	pasid_map_put(vm, shadow->mention, MENTION_BIND);
	vm_count_locked(&vm->stats.unbinds);
	vm_add_locked(&vm->stats.bound_now, UINT64_MAX);
	sparse_replace(&assigned->shadows, shadow->gpasid.v, NULL);
	base_free(shadow);
}

static void shadow_unbind(struct vsva_assigned *assigned, struct shadow *shadow)
{
	struct vsva_vm *vm = assigned->vm;
	int err = vsva_container_unbind_gpasid_drained(assigned->handle, shadow->hpasid,
						       &vm->is_drained);

	if (err)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_TEARDOWN,
			    "%s: device %04x host PASID %u unbound with error %d", vm->name,
			    assigned->guest_rid.v, shadow->hpasid.v, err);
	vm_charge(vm, VM_WORK_OF_BIND);
	shadow_free(assigned, shadow);
}

/* A guest's refused entry stays unbound: its DMA faults under its own PASID, and the next
 * invalidation tries again. */
static void shadow_create(struct vsva_assigned *assigned, gpasid_t guest,
			  const struct vtd_pasid_entry *entry)
{
	struct vsva_vm *vm = assigned->vm;
	struct shadow *shadow = base_zalloc(sizeof(*shadow));
	int err = -ENOMEM;

	if (shadow) {
		shadow->gpasid = guest;
		memcpy(shadow->words, entry->q, sizeof(shadow->words));
		err = shadow_bind(assigned, shadow, entry);
	}
	if (!err)
		return;
	base_free(shadow);
	vm_count_locked(&vm->stats.refused_binds);
	LOG_LIMITED(LOG_WARN, VSVA_CODE_BIND_REFUSED,
		    "%s: device %04x guest PASID %u not bound: error %d (first stage at %#llx)",
		    vm->name, assigned->guest_rid.v, guest.v, err,
		    (unsigned long long)vtd_pasid_entry_FSPTPTR(entry));
}

/* Requests without PASID */

static void rid_config_of(struct vsva_assigned *assigned, struct vsva_rid_config *config,
			  struct guest_pasid *guest)
{
	struct guest_table_root root = root_of(assigned->vm);

	memset(config, 0, sizeof(*config));
	memset(guest, 0, sizeof(*guest));
	config->kind = VSVA_RID_SECOND_STAGE; /* translation off: guest physical addresses */
	if (!assigned->vm->enabled)
		return;
	config->kind = VSVA_RID_BLOCKED;
	if (assigned->context.fault)
		return;
	config->kind = VSVA_RID_SECOND_STAGE;
	if (assigned->context.legacy)
		return;
	guest_pasid_read(&root, &assigned->context, assigned->context.rid_pasid, guest);
	if (guest->fault) {
		config->kind = VSVA_RID_BLOCKED;
	} else if (vtd_pasid_entry_PGTT(&guest->entry) == VTD_PGTT_FIRST_STAGE) {
		config->kind = VSVA_RID_NESTED;
		config->gpgd = gpa(vtd_pasid_entry_FSPTPTR(&guest->entry));
		config->addr_width = first_stage_width(&guest->entry);
		config->vtd_flags = first_stage_flags(&guest->entry);
	}
}

static void sync_rid(struct vsva_assigned *assigned)
{
	struct vsva_vm *vm = assigned->vm;
	struct vsva_rid_config config;
	struct guest_pasid guest;
	int err;

	rid_config_of(assigned, &config, &guest);
	vm->is_drained = false;
	err = vsva_container_attach_rid(assigned->handle, &config);
	if (err) {
		LOG_LIMITED(LOG_WARN, VSVA_CODE_BIND_REFUSED,
			    "%s: device %04x requests without PASID are blocked: error %d (first "
			    "stage at %#llx)",
			    vm->name, assigned->guest_rid.v, err,
			    (unsigned long long)config.gpgd.v);
		config = (struct vsva_rid_config){.kind = VSVA_RID_BLOCKED};
		vsva_container_attach_rid(assigned->handle, &config);
	}
	assigned->rid_kind = config.kind;
	memcpy(assigned->rid_words, guest.entry.q, sizeof(assigned->rid_words));
}

/* One PASID */

/* Qword 0 to 2 hold all that a first-stage or pass-through entry is made of. The same entry under a
 * number that the guest has freed and allocated again is another one. */
static bool is_unchanged(struct vsva_vm *vm, const struct shadow *shadow,
			 const struct vtd_pasid_entry *entry)
{
	return !memcmp(shadow->words, entry->q, sizeof(shadow->words)) &&
	       !pasid_map_is_stale(vm, shadow->mention);
}

static bool has_pasids(const struct vsva_assigned *assigned)
{
	return assigned->vm->enabled && !assigned->context.fault && !assigned->context.legacy &&
	       assigned->context.paside;
}

static void read_entry(struct vsva_assigned *assigned, gpasid_t guest, struct guest_pasid *out)
{
	struct guest_table_root root = root_of(assigned->vm);

	if (has_pasids(assigned))
		guest_pasid_read(&root, &assigned->context, guest.v, out);
	else
		*out = (struct guest_pasid){.fault = VTD_FAULT_SCT_6};
}

/* Equal: the flush changes nothing here, also when it stood for "deleted and added again". Anything
 * else that was there goes before anything new comes. */
static void sync_with_entry(struct vsva_assigned *assigned, gpasid_t guest,
			    const struct guest_pasid *now)
{
	struct shadow *shadow = sparse_get(&assigned->shadows, guest.v);

	if (!assigned->context.fault && guest.v == assigned->context.rid_pasid) {
		sync_rid(assigned);
		return;
	}
	if (shadow && !now->fault && is_unchanged(assigned->vm, shadow, &now->entry))
		return;
	if (shadow)
		shadow_unbind(assigned, shadow);
	if (!now->fault)
		shadow_create(assigned, guest, &now->entry);
}

static void shadow_sync_pasid(struct vsva_assigned *assigned, gpasid_t guest)
{
	struct guest_pasid now;

	read_entry(assigned, guest, &now);
	sync_with_entry(assigned, guest, &now);
}

/* Entries are read in one read section for some devices at a time: an outermost one costs two full
 * barriers. */
#define READ_AT_ONCE 4u

void shadow_sync_pasid_of_all(struct vsva_vm *vm, gpasid_t guest)
{
	struct vsva_assigned *at = vm->devices;
	struct guest_pasid now[READ_AT_ONCE];

	while (at) {
		struct vsva_assigned *first = at;
		unsigned count = 0;

		rcu_read_lock();
		for (; at && count < READ_AT_ONCE; at = at->next)
			read_entry(at, guest, &now[count++]);
		rcu_read_unlock();
		for (unsigned i = 0; i < count; i++, first = first->next)
			sync_with_entry(first, guest, &now[i]);
	}
}

/* Scan */

/* With the VM's count, so that nobody has to ask all devices before each descriptor. */
static void set_scan_pending(struct vsva_assigned *assigned, bool is_pending)
{
	if (assigned->scan_pending == is_pending)
		return;
	assigned->scan_pending = is_pending;
	if (is_pending)
		assigned->vm->scans_pending++;
	else
		assigned->vm->scans_pending--;
}

void shadow_schedule_scan(struct vsva_assigned *assigned)
{
	set_scan_pending(assigned, true);
	assigned->scan_next = 0;
}

/* Directory entries to visit: all that the guest's directory has, or, where it has none, all below
 * which something is still shadowed. */
static uint32_t scan_end(const struct vsva_assigned *assigned)
{
	if (has_pasids(assigned))
		return vtd_pasid_dir_count(assigned->context.pdts);
	return (VSVA_PASID_MAX + 1) / VTD_PASID_TABLE_COUNT;
}

/* All 64 PASIDs under one directory entry. */
static void scan_directory_entry(struct vsva_assigned *assigned, uint32_t index)
{
	struct guest_table_root root = root_of(assigned->vm);
	uint32_t first = index * VTD_PASID_TABLE_COUNT;
	bool present = has_pasids(assigned) && index < scan_end(assigned) &&
		       guest_directory_entry_is_present(&root, &assigned->context, index);

	vm_charge(assigned->vm, present ? VTD_PASID_TABLE_COUNT + 1 : 1);
	for (uint32_t pasid = first; pasid < first + VTD_PASID_TABLE_COUNT; pasid++) {
		struct shadow *shadow = sparse_get(&assigned->shadows, pasid);

		if (present)
			shadow_sync_pasid(assigned, gpasid(pasid));
		else if (shadow)
			shadow_unbind(assigned, shadow);
	}
}

static bool skip_to_shadow(const struct vsva_assigned *assigned, uint32_t *index)
{
	uint32_t at = *index * VTD_PASID_TABLE_COUNT;

	if (!sparse_next(&assigned->shadows, &at))
		return false;
	*index = at / VTD_PASID_TABLE_COUNT;
	return true;
}

/* A directory beyond PDTS (the guest shrank it) still has its old shadows dropped. */
static bool next_to_scan(const struct vsva_assigned *assigned, uint32_t *index)
{
	if (*index < scan_end(assigned) && has_pasids(assigned))
		return true;
	return skip_to_shadow(assigned, index);
}

static void scan_device(struct vsva_assigned *assigned)
{
	while (assigned->vm->work_left && next_to_scan(assigned, &assigned->scan_next))
		scan_directory_entry(assigned, assigned->scan_next++);
	if (assigned->vm->work_left)
		set_scan_pending(assigned, false);
}

bool shadow_scan_some(struct vsva_vm *vm)
{
	for (struct vsva_assigned *a = vm->devices; a; a = a->next) {
		if (!a->scan_pending)
			continue;
		scan_device(a);
		if (a->scan_pending)
			return true;
	}
	return false;
}

/* Context */

void shadow_sync_context(struct vsva_assigned *assigned)
{
	struct guest_table_root root = root_of(assigned->vm);
	struct guest_context now;

	memset(&now, 0, sizeof(now));
	now.fault = VTD_FAULT_RTA_1;
	if (assigned->vm->enabled)
		guest_context_read(&root, assigned->guest_rid, &now);
	if (!guest_context_is_same(&assigned->context, &now))
		shadow_schedule_scan(assigned);
	lock_take(&assigned->config_lock);
	assigned->context = now;
	lock_drop(&assigned->config_lock);
	sync_rid(assigned);
}

void shadow_drop_all(struct vsva_assigned *assigned, enum vsva_rid_kind kind)
{
	struct vsva_rid_config config = {.kind = kind};
	struct shadow *shadow;

	for (uint32_t at = 0; (shadow = sparse_next(&assigned->shadows, &at)); at++)
		shadow_unbind(assigned, shadow);
	set_scan_pending(assigned, false);
	vsva_container_attach_rid(assigned->handle, &config);
	assigned->rid_kind = kind;
}

void shadow_forget_all(struct vsva_assigned *assigned)
{
	struct shadow *shadow;

	for (uint32_t at = 0; (shadow = sparse_next(&assigned->shadows, &at)); at++)
		shadow_free(assigned, shadow);
	set_scan_pending(assigned, false);
	assigned->rid_kind = VSVA_RID_BLOCKED;
}
