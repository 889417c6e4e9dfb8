// SPDX-License-Identifier: MIT
/* PASIDs, shadows and page requests as objects of the control socket. */
#include "cli/control/objects.h"
#include "cli/json_text.h"

/* Shadows */

static struct json_object *words_of(const uint64_t *words, unsigned count)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < count; i++)
		json_object_array_add(list, json_new_hex(words[i]));
	return list;
}

static void add_shadow(const struct vsva_assigned_info *of, const struct vsva_shadow_info *from,
		       struct json_object *items)
{
	struct json_object *item = json_object_new_object();

	json_add_number(item, "vm", of->vm);
	json_add_rid(item, "guest_device", of->guest_rid.v);
	json_add_rid(item, "device", of->rid.v);
	if (!from->is_rid) {
		json_add_number(item, "pasid", from->gpasid.v);
		json_add_number(item, "host_pasid", from->hpasid.v);
	}
	json_object_object_add(item, "words", words_of(from->words, 3));
	json_object_array_add(items, item);
}

/* Where the shadows of a device go on. */
#define SHADOW_PLACE(vm, rid, pasid)                                                               \
	((uint64_t)(vm) << 36 | (uint64_t)(rid) << 20 | (uint64_t)(pasid))

static uint64_t shadows_of(struct vsva_machine *machine, const struct vsva_assigned_info *of,
			   uint32_t from, struct json_object *items)
{
	struct vsva_shadow_info shadows[CONTROL_ITEMS];
	size_t count = vsva_inspect_shadows(machine, of->vm, of->guest_rid, gpasid(from), shadows,
					    CONTROL_ITEMS);

	for (size_t i = 0; i < count; i++)
		add_shadow(of, &shadows[i], items);
	if (count == CONTROL_ITEMS && shadows[count - 1].gpasid.v < VSVA_PASID_MAX)
		return SHADOW_PLACE(of->vm, of->guest_rid.v, shadows[count - 1].gpasid.v + 1);
	return SHADOW_PLACE(of->vm, of->guest_rid.v + 1, 0);
}

uint64_t control_shadow(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	uint32_t number = (uint32_t)(from >> 36), device = (uint32_t)(from >> 20) & 0xffff;
	struct vsva_assigned_info assigned;
	struct vsva_vm_info vm;

	if (from >> 36 > UINT32_MAX || !vsva_inspect_vms(machine, number, &vm, 1))
		return CONTROL_END;
	if (vm.vm != number)
		device = 0;
	if (!vsva_inspect_assigned(machine, vm.vm, rid((uint16_t)device), &assigned, 1))
		return SHADOW_PLACE(vm.vm + UINT64_C(1), 0, 0);
	return shadows_of(machine, &assigned,
			  assigned.guest_rid.v == device ? (uint32_t)from & VSVA_PASID_MAX : 0,
			  items);
}

/* PASIDs */

#define VMS_MAX      256u
#define BINDINGS_MAX 16u

struct owners {
	struct vsva_vm_info vms[VMS_MAX];
	size_t count;
};

/* 0: no VM's. */
static uint32_t owner_of(const struct owners *owners, const void *owner)
{
	for (size_t i = 0; i < owners->count; i++)
		if (owners->vms[i].owner == owner)
			return owners->vms[i].vm;
	return 0;
}

static const char *binding_kind_name(enum vsva_binding_kind kind)
{
	static const char *const names[] = {"nested", "second-stage", "first-stage"};

	return (unsigned)kind < 3 ? names[kind] : "?";
}

static void add_binding(const struct vsva_binding_info *from, struct json_object *bindings)
{
	struct json_object *binding = json_object_new_object();

	json_add_rid(binding, "device", from->rid.v);
	json_add_text(binding, "kind", binding_kind_name(from->kind));
	json_add_text(binding, "state",
		      from->is_dying ? "dying" : (from->is_active ? "active" : "reserved"));
	if (from->base)
		json_add_number(binding, "base", from->base);
	if (from->vm)
		json_add_number(binding, "vm", from->vm);
	json_add_number(binding, "did", from->did);
	json_add_number(binding, "domain", from->domain);
	json_add_hex(binding, "root", from->root);
	json_add_number(binding, "width", from->addr_width);
	json_add_number(binding, "page_requests", from->page_requests);
	json_add_number(binding, "invalidations", from->invalidations);
	json_add_number(binding, "faults", from->faults);
	json_object_array_add(bindings, binding);
}

static struct json_object *bindings_of(struct vsva_machine *machine, hpasid_t pasid)
{
	struct vsva_binding_info found[BINDINGS_MAX];
	size_t count = vsva_inspect_bindings(machine, pasid, found, BINDINGS_MAX);
	struct json_object *bindings = json_object_new_array();

	for (size_t i = 0; i < count && i < BINDINGS_MAX; i++)
		add_binding(&found[i], bindings);
	return bindings;
}

/* Who has the references. A queue has two: the VM's for it, and the device's own. */
static struct json_object *holders_of(const struct vsva_pasid_info *pasid,
				      const struct vsva_vm_pasid_info *of_vm)
{
	struct json_object *holders = json_object_new_object();
	uint32_t known = pasid->bindings + pasid->has_allocation;

	json_add_number(holders, "allocation", pasid->has_allocation);
	json_add_number(holders, "bindings", pasid->bindings);
	if (of_vm) {
		json_add_number(holders, "processors", of_vm->has_cpu_translation);
		json_add_number(holders, "queues", of_vm->queues);
		known += of_vm->has_cpu_translation + of_vm->queues;
	}
	json_add_number(holders, "others",
			pasid->references > known ? pasid->references - known : 0);
	return holders;
}

static bool find_of_vm(struct vsva_machine *machine, uint32_t vm,
		       const struct vsva_pasid_info *pasid, struct vsva_vm_pasid_info *out)
{
	return vm && pasid->gpasid.v != VSVA_PASID_INVALID &&
	       vsva_inspect_vm_pasids(machine, vm, pasid->gpasid, out, 1) &&
	       out->hpasid.v == pasid->hpasid.v;
}

static void add_pasid(struct vsva_machine *machine, uint32_t vm, const struct vsva_pasid_info *from,
		      struct json_object *items)
{
	struct json_object *item = json_object_new_object();
	struct vsva_vm_pasid_info of_vm;
	bool is_found = find_of_vm(machine, vm, from, &of_vm);

	json_add_number(item, "host_pasid", from->hpasid.v);
	if (from->gpasid.v != VSVA_PASID_INVALID)
		json_add_number(item, "pasid", from->gpasid.v);
	if (vm)
		json_add_number(item, "vm", vm);
	json_add_text(item, "state", vsva_ioasid_state_name(from->state));
	json_add_flag(item, "guest_mode", from->flags & VSVA_IOASID_GUEST_MODE);
	json_add_flag(item, "guest_pasid", from->flags & VSVA_IOASID_GUEST_PASID);
	if (is_found) {
		json_add_flag(item, "from_vcmd", of_vm.is_from_vcmd);
		json_add_flag(item, "stale", of_vm.is_stale);
	}
	json_add_number(item, "references", from->references);
	json_object_object_add(item, "holders", holders_of(from, is_found ? &of_vm : NULL));
	json_object_object_add(item, "bindings", bindings_of(machine, from->hpasid));
	json_object_array_add(items, item);
}

uint64_t control_pasid(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_pasid_info pasids[CONTROL_ITEMS];
	struct owners owners;
	size_t count;

	if (from > VSVA_PASID_MAX)
		return CONTROL_END;
	owners.count = vsva_inspect_vms(machine, 0, owners.vms, VMS_MAX);
	count = vsva_inspect_pasids(machine, hpasid((uint32_t)from), pasids, CONTROL_ITEMS);
	for (size_t i = 0; i < count; i++)
		add_pasid(machine, owner_of(&owners, pasids[i].owner), &pasids[i], items);
	return count < CONTROL_ITEMS ? CONTROL_END : pasids[count - 1].hpasid.v + UINT64_C(1);
}

/* Page requests */

static void add_group(const struct vsva_group_info *from, struct json_object *items)
{
	static const char *const states[] = {"collecting", "ready", "reported", "answered"};
	struct json_object *item = json_object_new_object();

	json_add_rid(item, "device", from->rid.v);
	if (from->hpasid.v != VSVA_PASID_INVALID)
		json_add_number(item, "host_pasid", from->hpasid.v);
	json_add_number(item, "prgi", from->prgi);
	json_add_text(item, "state", (unsigned)from->state < 4 ? states[from->state] : "?");
	json_add_flag(item, "native", from->is_native);
	json_add_number(item, "requests", from->requests);
	json_add_hex(item, "address", from->addr);
	json_add_flag(item, "write", from->write);
	json_object_array_add(items, item);
}

/* from: how many were read already. */
uint64_t control_group(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_group_info groups[CONTROL_ITEMS];
	size_t count = vsva_inspect_groups(machine, from, groups, CONTROL_ITEMS);

	for (size_t i = 0; i < count; i++)
		add_group(&groups[i], items);
	return count < CONTROL_ITEMS ? CONTROL_END : from + count;
}
