// SPDX-License-Identifier: MIT
/* Units and VMs, for who looks on (vsva/inspect.h). */
#include "vsva/inspect.h"

#include <errno.h>
#include <stdio.h>

#include "base/physmem.h"
#include "inspect/registers.h"
#include "vmm/vm.h"

/* NULL: no such VM. To be followed by machine_unlock_vms(). */
static struct vsva_vm *lock_vm(struct vsva_machine *machine, uint32_t number)
{
	struct vsva_vm *vm = machine_lock_vm(machine, number);

	if (vm && vm->number != number) {
		machine_unlock_vms(machine);
		return NULL;
	}
	return vm;
}

/* Units */

static int copy_registers(struct vsva_machine *machine, uint32_t number, struct vtd_regfile *out)
{
	struct vsva_vm *vm;

	if (!number) {
		machine_copy_registers(machine, out);
		return 0;
	}
	vm = lock_vm(machine, number);
	if (!vm)
		return -ENOENT;
	lock_take(&vm->regs_lock);
	*out = vm->regs;
	lock_drop(&vm->regs_lock);
	machine_unlock_vms(machine);
	return 0;
}

int vsva_inspect_unit(struct vsva_machine *machine, uint32_t vm, struct vsva_unit_info *out)
{
	struct vtd_regfile registers;
	int err = copy_registers(machine, vm, &registers);

	if (err)
		return err;
	*out = (struct vsva_unit_info){
		.vm = vm,
		.is_bare = !vsva_machine_iommu(machine),
		.cache_policy = (enum vsva_cache_policy)machine_cache_policy(machine),
	};
	inspect_unit(&registers, out);
	return 0;
}

size_t vsva_inspect_registers(struct vsva_machine *machine, uint32_t vm, struct vsva_register *out,
			      size_t max)
{
	struct vtd_regfile registers;

	if (copy_registers(machine, vm, &registers))
		return 0;
	return inspect_registers(&registers, out, max);
}

/* Memory */

static int read_physical(struct physmem *physmem, uint64_t address, uint64_t *words, unsigned count)
{
	const uint64_t *memory;

	rcu_read_lock();
	memory = physmem_ptr(physmem, hpa(address), 8ull * count, false);
	for (unsigned i = 0; memory && i < count; i++)
		words[i] = __atomic_load_n(&memory[i], __ATOMIC_ACQUIRE);
	rcu_read_unlock();
	return memory ? 0 : -EFAULT;
}

int vsva_inspect_memory(struct vsva_machine *machine, uint32_t number, uint64_t address,
			uint64_t *words, unsigned count)
{
	struct vsva_vm *vm;
	int err;

	if (address % 8 || !count || count > VSVA_INSPECT_WORDS_MAX)
		return -EINVAL;
	if (!number)
		return read_physical(machine_seams(machine)->physmem, address, words, count);
	vm = lock_vm(machine, number);
	if (!vm)
		return -ENOENT;
	err = guest_memory_fetch(&vm->memory, gpa(address), words, count);
	machine_unlock_vms(machine);
	return err;
}

/* VMs */

static uint32_t count_devices(const struct vsva_vm *vm)
{
	uint32_t count = 0;

	for (const struct vsva_assigned *at = vm->devices; at; at = at->next)
		count++;
	return count;
}

static void describe_vm(struct vsva_vm *vm, struct vsva_vm_info *out)
{
	*out = (struct vsva_vm_info){.vm = vm->number, .pasid_quota = vm->quota};
	snprintf(out->name, sizeof(out->name), "%s", vm->name);
	out->windows = guest_memory_count(&vm->memory);
	lock_take(&vm->map_lock);
	out->pasids_charged = vm->charged;
	lock_drop(&vm->map_lock);
	lock_take(&vm->lock);
	out->devices = count_devices(vm);
	out->is_scanning = shadow_scan_is_pending(vm);
	lock_drop(&vm->lock);
}

size_t vsva_inspect_vms(struct vsva_machine *machine, uint32_t from, struct vsva_vm_info *out,
			size_t max)
{
	struct vsva_vm *vm;
	size_t count = 0;

	while (count < max && (vm = machine_lock_vm(machine, from))) {
		describe_vm(vm, &out[count++]);
		from = vm->number + 1;
		machine_unlock_vms(machine);
	}
	return count;
}
