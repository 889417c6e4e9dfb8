// SPDX-License-Identifier: MIT
/* Units, VMs and devices as objects of the control socket. */
#include "cli/control/objects.h"
#include "cli/json_text.h"

/* Units */

/* A register by its name; of fault records there are several: a list of both words each. */
static void add_register(struct json_object *registers, const struct vsva_register *from)
{
	struct json_object *list, *record;

	if (from->width != 128) {
		json_add_hex(registers, from->name, from->value[0]);
		return;
	}
	list = json_member(registers, from->name);
	if (!list) {
		list = json_object_new_array();
		json_object_object_add(registers, from->name, list);
	}
	record = json_object_new_array();
	json_object_array_add(record, json_new_hex(from->value[0]));
	json_object_array_add(record, json_new_hex(from->value[1]));
	json_object_array_add(list, record);
}

#define REGISTERS_MAX 512u

static struct json_object *registers_of(struct vsva_machine *machine, uint32_t vm)
{
	struct json_object *registers = json_object_new_object();
	struct vsva_register values[REGISTERS_MAX];
	size_t count = vsva_inspect_registers(machine, vm, values, REGISTERS_MAX);

	for (size_t i = 0; i < count && i < REGISTERS_MAX; i++)
		add_register(registers, &values[i]);
	return registers;
}

static void add_unit(struct vsva_machine *machine, uint32_t vm, const char *name,
		     struct json_object *items)
{
	struct json_object *item;
	struct vsva_unit_info info;

	if (vsva_inspect_unit(machine, vm, &info))
		return;
	item = json_object_new_object();
	json_add_number(item, "vm", vm);
	json_add_text(item, "name", name);
	if (!vm) {
		json_add_flag(item, "bare", info.is_bare);
		json_add_text(item, "cache_policy", vsva_cache_policy_name(info.cache_policy));
	}
	json_add_flag(item, "translating", info.is_translating);
	json_add_flag(item, "queue", info.has_queue);
	json_add_hex(item, "root", info.root);
	json_add_hex(item, "iqa", info.iqa);
	json_object_object_add(item, "registers", registers_of(machine, vm));
	json_object_array_add(items, item);
}

uint64_t control_unit(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_vm_info vm;

	if (!from) {
		add_unit(machine, 0, "physical", items);
		return 1;
	}
	if (from > UINT32_MAX || !vsva_inspect_vms(machine, (uint32_t)from, &vm, 1))
		return CONTROL_END;
	add_unit(machine, vm.vm, vm.name, items);
	return vm.vm + UINT64_C(1);
}

/* VMs */

static void add_vm(const struct vsva_vm_info *vm, struct json_object *items)
{
	struct json_object *item = json_object_new_object();

	json_add_number(item, "vm", vm->vm);
	json_add_text(item, "name", vm->name);
	json_add_number(item, "pasid_quota", vm->pasid_quota);
	json_add_number(item, "pasids", vm->pasids_charged);
	json_add_number(item, "devices", vm->devices);
	json_add_number(item, "windows", vm->windows);
	json_add_flag(item, "scanning", vm->is_scanning);
	json_object_array_add(items, item);
}

uint64_t control_vm(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_vm_info vms[CONTROL_ITEMS];
	size_t count;

	if (from > UINT32_MAX)
		return CONTROL_END;
	count = vsva_inspect_vms(machine, (uint32_t)from, vms, CONTROL_ITEMS);
	for (size_t i = 0; i < count; i++)
		add_vm(&vms[i], items);
	return count < CONTROL_ITEMS ? CONTROL_END : vms[count - 1].vm + UINT64_C(1);
}

/* Devices */

static void add_device(const struct vsva_device_info *device, struct json_object *items)
{
	struct json_object *item = json_object_new_object();

	json_add_rid(item, "device", device->rid.v);
	if (device->pf_rid.v != device->rid.v)
		json_add_rid(item, "pf", device->pf_rid.v);
	json_add_text(item, "kind", device->kind == VSVA_DEVICE_DSA ? "dsa" : "test-engine");
	json_add_flag(item, "assigned", device->is_assigned);
	json_add_flag(item, "gone", device->is_gone);
	json_add_flag(item, "bus_master", device->is_bus_master);
	json_add_flag(item, "ats", device->ats);
	json_add_flag(item, "pri", device->pri);
	json_add_flag(item, "pasid", device->pasid);
	json_add_number(item, "vectors", device->vectors);
	json_object_array_add(items, item);
}

uint64_t control_device(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_device_info devices[CONTROL_ITEMS];
	size_t count;

	if (from > UINT16_MAX)
		return CONTROL_END;
	count = vsva_inspect_devices(machine, rid((uint16_t)from), devices, CONTROL_ITEMS);
	for (size_t i = 0; i < count; i++)
		add_device(&devices[i], items);
	return count < CONTROL_ITEMS ? CONTROL_END : devices[count - 1].rid.v + UINT64_C(1);
}

/* Devices that VMs have */

static void add_context(const struct vsva_assigned_info *from, struct json_object *item)
{
	struct json_object *context = json_object_new_object();

	json_object_object_add(item, "context", context);
	if (!from->has_context) {
		json_add_number(context, "fault", from->fault);
		return;
	}
	json_add_flag(context, "legacy", from->is_legacy);
	json_add_hex(context, "directory", from->directory.v);
	json_add_number(context, "pdts", from->pdts);
	json_add_number(context, "rid_pasid", from->rid_pasid);
	json_add_flag(context, "dte", from->dte);
	json_add_flag(context, "paside", from->paside);
	json_add_flag(context, "pre", from->pre);
}

static const char *rid_kind_name(enum vsva_rid_kind kind)
{
	static const char *const names[] = {"blocked", "second-stage", "nested"};

	return (unsigned)kind < 3 ? names[kind] : "?";
}

static void add_assigned(const struct vsva_assigned_info *from, struct json_object *items)
{
	struct json_object *item = json_object_new_object();

	json_add_number(item, "vm", from->vm);
	json_add_rid(item, "guest_device", from->guest_rid.v);
	json_add_rid(item, "device", from->rid.v);
	json_add_flag(item, "mdev", from->is_mdev);
	json_add_flag(item, "sees_ats", from->sees_ats);
	json_add_flag(item, "sees_pri", from->sees_pri);
	json_add_flag(item, "scanning", from->is_scanning);
	json_add_text(item, "without_pasid", rid_kind_name(from->rid_kind));
	add_context(from, item);
	json_add_number(item, "shadows", from->shadows);
	json_object_array_add(items, item);
}

/* from: the number of a VM. */
uint64_t control_assigned(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_assigned_info devices[CONTROL_ITEMS];
	struct vsva_vm_info vm;
	uint32_t next = 0;
	size_t count;

	if (from > UINT32_MAX || !vsva_inspect_vms(machine, (uint32_t)from, &vm, 1))
		return CONTROL_END;
	do {
		count = vsva_inspect_assigned(machine, vm.vm, rid((uint16_t)next), devices,
					      CONTROL_ITEMS);
		for (size_t i = 0; i < count; i++)
			add_assigned(&devices[i], items);
		next = count ? devices[count - 1].guest_rid.v + 1u : 0;
	} while (count == CONTROL_ITEMS && next <= UINT16_MAX);
	return vm.vm + UINT64_C(1);
}
