// SPDX-License-Identifier: MIT
#include "cli/control_objects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/control_request.h"
#include "cli/json_text.h"

/* o(name, function) */
#define OBJECTS(o) o("unit", control_unit) o("vm", control_vm) o("device", control_device)

static const struct {
	const char *name;
	control_object_fn *read;
} objects[] = {
#define AS_OBJECT(name, read) {name, read},
	OBJECTS(AS_OBJECT)};
#define OBJECT_COUNT (sizeof(objects) / sizeof(objects[0]))

#define AS_NAME(name, read) name,
const char *const control_object_names[] = {OBJECTS(AS_NAME) NULL};

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

/* Verbs */

static control_object_fn *find_object(const char *name)
{
	for (size_t i = 0; name && i < OBJECT_COUNT; i++)
		if (!strcmp(objects[i].name, name))
			return objects[i].read;
	return NULL;
}

int control_get(struct control_request *request, const char **why)
{
	control_object_fn *read = find_object(json_text_of(request->line, "get"));
	struct json_object *items;
	uint64_t next;

#define AS_LIST(name, read) " " name
	*why = "no such object; there are:" OBJECTS(AS_LIST);
	if (!read)
		return -ENOENT;
	items = json_object_new_array();
	next = read(request->machine, json_number_of(request->line, "from", 0), items);
	json_object_object_add(request->answer, "items", items);
	if (next != CONTROL_END)
		json_add_number(request->answer, "next", next);
	return 0;
}

/* Words as text, "0 1f 0", the shortest that is clear. */
static void add_words(struct json_object *answer, const uint64_t *words, unsigned count)
{
	char text[VSVA_INSPECT_WORDS_MAX * 17 + 1], *at = text;

	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, i ? " %" PRIx64 : "%" PRIx64, words[i]);
	json_add_text(answer, "words", text);
}

int control_read(struct control_request *request, const char **why)
{
	uint64_t words[VSVA_INSPECT_WORDS_MAX], address;
	uint64_t vm = json_number_of(request->line, "vm", 0);
	uint64_t count = json_number_of(request->line, "count", 1);
	int err = -EINVAL;

	*why = "read: an address, a multiple of 8; count: 1 to 512; vm: a number";
	if (json_number(json_member(request->line, "read"), &address) && vm <= UINT32_MAX &&
	    count <= VSVA_INSPECT_WORDS_MAX)
		err = vsva_inspect_memory(request->machine, (uint32_t)vm, address, words,
					  (unsigned)count);
	if (err == -EFAULT)
		*why = "not all of it is memory";
	if (err == -ENOENT)
		*why = "no such VM";
	if (!err)
		add_words(request->answer, words, (unsigned)count);
	return err;
}
