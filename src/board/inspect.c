// SPDX-License-Identifier: MIT
/* What a machine consists of, for who looks on (vsva/inspect.h). */
#include "vsva/inspect.h"

#include <errno.h>

#include "base/check.h"
#include "board/device.h"
#include "board/machine.h"
#include "hw/inspect.h"
#include "vtd/pci_config.h"

/* VMs */

void machine_enlist_vm(struct vsva_machine *machine, struct machine_vm *vm)
{
	struct machine_vm **link = &machine->vms;

	lock_take(&machine->vms_lock);
	while (*link && (*link)->number < vm->number)
		link = &(*link)->next;
	vm->next = *link;
	*link = vm;
	lock_drop(&machine->vms_lock);
}

void machine_delist_vm(struct vsva_machine *machine, struct machine_vm *vm)
{
	struct machine_vm **link = &machine->vms;

	lock_take(&machine->vms_lock);
	while (*link != vm)
		link = &(*link)->next;
	*link = vm->next;
	lock_drop(&machine->vms_lock);
}

struct vsva_vm *machine_lock_vm(struct vsva_machine *machine, uint32_t from)
{
	struct machine_vm *vm;

	lock_take(&machine->vms_lock);
	for (vm = machine->vms; vm && vm->number < from; vm = vm->next)
		;
	if (!vm) {
		lock_drop(&machine->vms_lock);
		return NULL;
	}
	return vm->vm;
}

void machine_unlock_vms(struct vsva_machine *machine)
{
	lock_drop(&machine->vms_lock);
}

/* The unit */

void machine_copy_registers(struct vsva_machine *machine, struct vtd_regfile *out)
{
	unit_copy_registers(machine->unit, out);
}

void machine_copy_descriptors(struct vsva_machine *machine, uint64_t *out)
{
	unit_read_descriptors(machine->unit, out);
}

unsigned machine_cache_policy(const struct vsva_machine *machine)
{
	return machine->options.cache_policy;
}

/* Devices */

static void describe_device(const struct vsva_device *device, struct vsva_device_info *out)
{
	const struct pci_config *config = device_config(device);

	*out = (struct vsva_device_info){
		.rid = device->rid,
		.pf_rid = device->pf_rid,
		.kind = vsva_device_kind(device),
		.is_assigned = device->is_assigned,
		.is_gone = __atomic_load_n(&device->is_gone, __ATOMIC_ACQUIRE),
		.vectors = vsva_device_vectors(device),
		.is_bus_master = pci_config_bus_master(config),
		.ats = pci_config_ats_enabled(config),
		.pri = pci_config_pri_enabled(config),
		.pasid = pci_config_pasid_enabled(config),
	};
}

/* machine->lock. The list is in no order: the one with the smallest requester id from `from` on. */
static const struct vsva_device *next_device(const struct vsva_machine *machine, uint32_t from)
{
	const struct vsva_device *best = NULL;

	for (const struct vsva_device *device = machine->devices; device; device = device->next)
		if (__atomic_load_n(&device->is_whole, __ATOMIC_ACQUIRE) && device->rid.v >= from &&
		    (!best || device->rid.v < best->rid.v))
			best = device;
	return best;
}

size_t vsva_inspect_devices(struct vsva_machine *machine, rid_t from, struct vsva_device_info *out,
			    size_t max)
{
	const struct vsva_device *device;
	uint32_t next = from.v;
	size_t count = 0;

	lock_take(&machine->lock);
	for (; count < max && (device = next_device(machine, next)); next = device->rid.v + 1u)
		describe_device(device, &out[count++]);
	lock_drop(&machine->lock);
	return count;
}

/* Caches */

size_t vsva_inspect_cache(struct vsva_machine *machine, enum vsva_cache cache, uint32_t *from,
			  struct vsva_cache_line *out, size_t max)
{
	if ((unsigned)cache < VSVA_CACHE_COUNT)
		return unit_read_cache(machine->unit, cache, from, out, max);
	*from = UINT32_MAX;
	return 0;
}

size_t vsva_inspect_device_tlb(struct vsva_machine *machine, rid_t rid, uint32_t *from,
			       struct vsva_cache_line *out, size_t max)
{
	return unit_read_device_tlb(machine->unit, rid, from, out, max);
}

int vsva_inspect_device_stats(struct vsva_machine *machine, rid_t rid,
			      struct vsva_device_stats *out)
{
	return unit_read_device_stats(machine->unit, rid, out) ? 0 : -ENOENT;
}
