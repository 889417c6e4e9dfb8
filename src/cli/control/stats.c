// SPDX-License-Identifier: MIT
/* Counters as an object of the control socket: an item for each of what has counters. */
#include "cli/control/objects.h"
#include "cli/json_text.h"

static struct json_object *new_item(const char *of)
{
	struct json_object *item = json_object_new_object();

	json_add_text(item, "of", of);
	return item;
}

#define ADD(item, stats, member) json_add_number(item, #member, (stats)->member)

static void add_descriptors(struct vsva_machine *machine, uint32_t vm, struct json_object *item)
{
	static const char *const names[VSVA_DESCRIPTOR_TYPES] = {
		[1] = "context",       [2] = "iotlb",
		[3] = "device-tlb",    [4] = "interrupt",
		[5] = "wait",          [6] = "pasid-iotlb",
		[7] = "pasid-cache",   [8] = "pasid-device-tlb",
		[9] = "page-response",
	};
	struct json_object *kinds = json_object_new_object();
	uint64_t counts[VSVA_DESCRIPTOR_TYPES];

	if (!vsva_inspect_descriptors(machine, vm, counts))
		for (unsigned i = 0; i < VSVA_DESCRIPTOR_TYPES; i++)
			if (names[i])
				json_add_number(kinds, names[i], counts[i]);
	json_object_object_add(item, "descriptors", kinds);
}

static void add_unit(struct vsva_machine *machine, struct json_object *items)
{
	struct json_object *item = new_item("unit");
	struct vsva_unit_stats stats, *of = &stats;

	vsva_machine_unit_stats(machine, of);
	ADD(item, of, iotlb_hits);
	ADD(item, of, iotlb_misses);
	ADD(item, of, iotlb_entries);
	ADD(item, of, iotlb_bytes);
	ADD(item, of, walks);
	ADD(item, of, page_requests);
	ADD(item, of, faults);
	add_descriptors(machine, 0, item);
	json_object_array_add(items, item);
}

static void add_host(struct vsva_machine *machine, struct json_object *items)
{
	struct vsva_iommu *iommu = vsva_machine_iommu(machine);
	struct vsva_iommu_stats stats, *of = &stats;
	struct json_object *item;

	if (!iommu)
		return;
	item = new_item("host");
	vsva_iommu_get_stats(iommu, of);
	ADD(item, of, binds);
	ADD(item, of, unbinds);
	ADD(item, of, invalidations);
	ADD(item, of, page_requests);
	ADD(item, of, page_responses);
	ADD(item, of, faults);
	ADD(item, of, timeouts);
	ADD(item, of, bound_now);
	ADD(item, of, domains_now);
	ADD(item, of, devices_now);
	ADD(item, of, requests_pending_now);
	json_object_array_add(items, item);
}

static void add_vm(struct vsva_machine *machine, const struct vsva_vm_info *vm,
		   struct json_object *items)
{
	struct json_object *item = new_item("vm");
	struct vsva_vm_stats stats, *of = &stats;

	json_add_number(item, "vm", vm->vm);
	if (!vsva_inspect_vm_stats(machine, vm->vm, of)) {
		ADD(item, of, binds);
		ADD(item, of, unbinds);
		ADD(item, of, refused_binds);
		ADD(item, of, invalidations);
		ADD(item, of, page_requests);
		ADD(item, of, page_responses);
		ADD(item, of, faults);
		ADD(item, of, vcmd_allocs);
		ADD(item, of, vcmd_frees);
		ADD(item, of, pasids_now);
		ADD(item, of, bound_now);
		ADD(item, of, windows_now);
	}
	add_descriptors(machine, vm->vm, item);
	json_object_array_add(items, item);
}

static void add_device(struct vsva_machine *machine, rid_t rid, struct json_object *items)
{
	struct json_object *item = new_item("device");
	struct vsva_device_stats stats, *of = &stats;

	json_add_rid(item, "device", rid.v);
	if (!vsva_inspect_device_stats(machine, rid, of)) {
		ADD(item, of, translations);
		ADD(item, of, page_requests);
		ADD(item, of, page_responses);
		ADD(item, of, invalidations);
		ADD(item, of, cached);
	}
	json_object_array_add(items, item);
}

/* from: 0 the unit and the host, then VMs, then devices. */
#define DEVICES (UINT64_C(1) << 40)

static uint64_t add_vms(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_vm_info vms[CONTROL_ITEMS];
	size_t count = vsva_inspect_vms(machine, (uint32_t)from, vms, CONTROL_ITEMS);

	for (size_t i = 0; i < count; i++)
		add_vm(machine, &vms[i], items);
	return count < CONTROL_ITEMS ? DEVICES : vms[count - 1].vm + UINT64_C(1);
}

static uint64_t add_devices(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_device_info devices[CONTROL_ITEMS];
	size_t count;

	if (from > UINT16_MAX)
		return CONTROL_END;
	count = vsva_inspect_devices(machine, rid((uint16_t)from), devices, CONTROL_ITEMS);
	for (size_t i = 0; i < count; i++)
		add_device(machine, devices[i].rid, items);
	return count < CONTROL_ITEMS ? CONTROL_END
				     : DEVICES + devices[count - 1].rid.v + UINT64_C(1);
}

uint64_t control_stats(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	if (from >= DEVICES)
		return add_devices(machine, from - DEVICES, items);
	if (!from) {
		add_unit(machine, items);
		add_host(machine, items);
		return 1;
	}
	return add_vms(machine, from > UINT32_MAX ? UINT32_MAX : from, items);
}
