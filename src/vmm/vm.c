/* SPDX-License-Identifier: MIT */
#include "vmm/vm.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "vsva/limits.h"

/* Life */

static void set_name(struct vsva_vm *vm, const char *name)
{
	if (name)
		snprintf(vm->name, sizeof(vm->name), "%s", name);
	else
		snprintf(vm->name, sizeof(vm->name), "vm%u", vm->number);
}

static int open_container(struct vsva_vm *vm, const struct vsva_vm_options *options)
{
	struct vsva_container_options container = {
		.pasid_quota = vm->quota + VM_QUEUE_RESERVE,
		.vm = vm->number,
		.policy = options->free_policy,
	};
	int err = vm->quota > VSVA_PASID_MAX ? -ENOSPC : 0;

	if (!err)
		err = vsva_container_open(vm->iommu, &container, &vm->container);
	if (err)
		return err;
	vm->set = vsva_container_set(vm->container);
	vm->domain = vsva_container_domain(vm->container);
	return 0;
}

static int make_parts(struct vsva_vm *vm, const struct vsva_vm_options *options)
{
	int err = guest_memory_init(&vm->memory, vm->seams->physmem);

	if (err)
		return err;
	vm->quota = options->pasid_quota ? options->pasid_quota : VSVA_LIMIT_DEFAULT_PASID_QUOTA;
	err = open_container(vm, options);
	if (err)
		goto free_memory;
	err = vsva_kvm_create(vm->iommu, vsva_ioasid_set_token(vm->set), vm->number, &vm->kvm);
	if (err)
		goto close_container;
	err = viommu_init(vm, options);
	if (err)
		goto put_kvm;
	return 0;

put_kvm:
	vsva_kvm_put(vm->kvm);
close_container:
	vsva_container_close(vm->container);
free_memory:
	guest_memory_fini(&vm->memory);
	return err;
}

int vsva_vm_create(struct vsva_machine *machine, const struct vsva_vm_options *options,
		   struct vsva_vm **out)
{
	static const struct vsva_vm_options defaults;
	struct vsva_vm *vm;
	int err;

	if (!vsva_machine_iommu(machine))
		return -EINVAL;
	vm = base_zalloc(sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	vm->machine = machine;
	vm->seams = machine_seams(machine);
	vm->iommu = vsva_machine_iommu(machine);
	vm->number = machine_next_vm_number(machine);
	set_name(vm, options ? options->name : NULL);
	sparse_init(&vm->pasids);
	vm->next_vcmd = 1;
	vm->next_host = VSVA_LIMIT_FIRST_VM_PASID;
	lock_init(&vm->lock, LOCK_RANK_VIOMMU, "vIOMMU");
	lock_init(&vm->regs_lock, LOCK_RANK_VIOMMU_REGS, "vIOMMU registers");
	lock_init(&vm->map_lock, LOCK_RANK_PASID_MAP, "guest PASIDs");
	err = make_parts(vm, options ? options : &defaults);
	if (err) {
		base_free(vm);
		return err;
	}
	TRACE(vm->seams->trace, VMM, VM_CREATE, .vm = vm->number);
	vm->in_machine = (struct machine_vm){.vm = vm, .number = vm->number};
	machine_enlist_vm(machine, &vm->in_machine);
	*out = vm;
	return 0;
}

static void unmap_all(struct vsva_vm *vm)
{
	struct gm_window window;

	while (guest_memory_first(&vm->memory, &window))
		vsva_vm_unmap(vm, window.base, window.len);
}

/* Source of DMA first, processors before devices, then what it could reach, then the numbers. A KVM
 * that somebody keeps serves nobody: the owner's name may come again. */
void vsva_vm_destroy(struct vsva_vm *vm)
{
	int err;

	if (!vm)
		return;
	machine_delist_vm(vm->machine, &vm->in_machine);
	TRACE(vm->seams->trace, VMM, VM_DESTROY, .vm = vm->number);
	vsva_kvm_stop(vm->kvm);
	viommu_fini(vm);
	while (vm->devices)
		vsva_vm_unassign(vm->devices);
	unmap_all(vm);
	pasid_map_vcmd_free_all(vm);
	err = vsva_container_close(vm->container);
	if (err)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_TEARDOWN, "%s: closed with error %d", vm->name,
			    err);
	vsva_kvm_put(vm->kvm);
	guest_memory_fini(&vm->memory);
	sparse_fini(&vm->pasids);
	TRACE(vm->seams->trace, VMM, VM_DESTROYED, .vm = vm->number);
	lock_destroy(&vm->lock);
	lock_destroy(&vm->regs_lock);
	lock_destroy(&vm->map_lock);
	base_free(vm);
}

uint32_t vsva_vm_number(const struct vsva_vm *vm)
{
	return vm->number;
}

int vsva_vm_hpasid(struct vsva_vm *vm, gpasid_t guest, hpasid_t *out)
{
	return vsva_ioasid_find_gpasid(vm->set, guest, out);
}

struct vsva_kvm *vsva_vm_kvm(struct vsva_vm *vm)
{
	return vm->kvm;
}

/* Memory */

int vsva_vm_map(struct vsva_vm *vm, gpa_t address, void *memory, uint64_t len, bool writable)
{
	struct gm_window window;
	int err;

	lock_take(&vm->memory.lock);
	err = guest_memory_add(&vm->memory, address, memory, len, writable, &window);
	if (!err) {
		err = vsva_domain_map(vm->domain, address, window.host, len,
				      VSVA_PROT_READ | (writable ? VSVA_PROT_WRITE : 0));
		if (err)
			guest_memory_remove(&vm->memory, &window);
	}
	lock_drop(&vm->memory.lock);
	if (!err)
		__atomic_fetch_add(&vm->stats.windows_now, 1, __ATOMIC_RELAXED);
	return err;
}

/* Out of the domain with all its children flushed, then out of physical memory: in this order, also
 * while devices run. */
int vsva_vm_unmap(struct vsva_vm *vm, gpa_t address, uint64_t len)
{
	struct gm_window window;
	int err;

	lock_take(&vm->memory.lock);
	err = guest_memory_find(&vm->memory, address, len, &window);
	if (!err) {
		err = vsva_domain_unmap(vm->domain, address, len, NULL);
		guest_memory_remove(&vm->memory, &window);
		__atomic_fetch_sub(&vm->stats.windows_now, 1, __ATOMIC_RELAXED);
	}
	lock_drop(&vm->memory.lock);
	return err;
}

int vsva_vm_read(struct vsva_vm *vm, gpa_t address, void *buffer, uint64_t len)
{
	return guest_memory_read(&vm->memory, address, buffer, len);
}

int vsva_vm_write(struct vsva_vm *vm, gpa_t address, const void *buffer, uint64_t len)
{
	return guest_memory_write(&vm->memory, address, buffer, len);
}

void vsva_vm_get_stats(struct vsva_vm *vm, struct vsva_vm_stats *out)
{
	const uint64_t *from = (const uint64_t *)&vm->stats;
	uint64_t *to = (uint64_t *)out;

	for (size_t i = 0; i < sizeof(*out) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
