// SPDX-License-Identifier: MIT
/* Units and VMs, for who looks on (vsva/inspect.h). */
#include "vsva/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	*out = (struct vsva_vm_info){.vm = vm->number,
				     .pasid_quota = vm->quota,
				     .owner = vsva_ioasid_set_token(vm->set)};
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

/* Assigned devices */

/* vm->lock */
static uint32_t count_shadows(const struct vsva_assigned *assigned)
{
	uint32_t count = 0;

	for (uint32_t guest = 0; sparse_next(&assigned->shadows, &guest); guest++)
		count++;
	return count;
}

static void describe_context(const struct guest_context *context, struct vsva_assigned_info *out)
{
	out->has_context = !context->fault;
	out->fault = (uint8_t)context->fault;
	out->is_legacy = context->legacy;
	out->directory = context->directory;
	out->pdts = context->pdts;
	out->rid_pasid = context->rid_pasid;
	out->dte = context->dte;
	out->paside = context->paside;
	out->pre = context->pre;
}

/* vm->lock */
static void describe_assigned(struct vsva_assigned *assigned, struct vsva_assigned_info *out)
{
	*out = (struct vsva_assigned_info){
		.vm = assigned->vm->number,
		.guest_rid = assigned->guest_rid,
		.rid = vsva_dev_rid(assigned->dev),
		.is_mdev = assigned->mdev != NULL,
		.sees_ats = assigned_guest_sees_ats(assigned),
		.sees_pri = assigned_guest_sees_pri(assigned),
		.is_scanning = assigned->scan_pending,
		.rid_kind = assigned->rid_kind,
		.shadows = count_shadows(assigned),
	};
	describe_context(&assigned->context, out);
}

/* vm->lock. The list is in no order: the one with the smallest requester id from `from` on. */
static struct vsva_assigned *next_assigned(struct vsva_vm *vm, uint32_t from)
{
	struct vsva_assigned *best = NULL;

	for (struct vsva_assigned *at = vm->devices; at; at = at->next)
		if (at->guest_rid.v >= from && (!best || at->guest_rid.v < best->guest_rid.v))
			best = at;
	return best;
}

size_t vsva_inspect_assigned(struct vsva_machine *machine, uint32_t number, rid_t from,
			     struct vsva_assigned_info *out, size_t max)
{
	struct vsva_vm *vm = lock_vm(machine, number);
	struct vsva_assigned *assigned;
	uint32_t next = from.v;
	size_t count = 0;

	if (!vm)
		return 0;
	lock_take(&vm->lock);
	for (; count < max && (assigned = next_assigned(vm, next));
	     next = assigned->guest_rid.v + 1u)
		describe_assigned(assigned, &out[count++]);
	lock_drop(&vm->lock);
	machine_unlock_vms(machine);
	return count;
}

/* Shadows */

static void describe_rid(const struct vsva_assigned *assigned, struct vsva_shadow_info *out)
{
	*out = (struct vsva_shadow_info){.is_rid = true};
	memcpy(out->words, assigned->rid_words, sizeof(out->words));
}

static void describe_shadow(const struct shadow *shadow, struct vsva_shadow_info *out)
{
	*out = (struct vsva_shadow_info){.gpasid = shadow->gpasid, .hpasid = shadow->hpasid};
	memcpy(out->words, shadow->words, sizeof(out->words));
}

/* vm->lock */
static size_t read_shadows(const struct vsva_assigned *assigned, uint32_t guest,
			   struct vsva_shadow_info *out, size_t max)
{
	const struct shadow *shadow;
	size_t count = 0;

	if (!guest && max && assigned->rid_kind != VSVA_RID_BLOCKED)
		describe_rid(assigned, &out[count++]);
	guest += !guest;
	for (; count < max && (shadow = sparse_next(&assigned->shadows, &guest)); guest++)
		describe_shadow(shadow, &out[count++]);
	return count;
}

size_t vsva_inspect_shadows(struct vsva_machine *machine, uint32_t number, rid_t guest_rid,
			    gpasid_t from, struct vsva_shadow_info *out, size_t max)
{
	struct vsva_vm *vm = lock_vm(machine, number);
	const struct vsva_assigned *assigned;
	size_t count = 0;

	if (!vm)
		return 0;
	lock_take(&vm->lock);
	assigned = next_assigned(vm, guest_rid.v);
	if (assigned && assigned->guest_rid.v == guest_rid.v)
		count = read_shadows(assigned, from.v, out, max);
	lock_drop(&vm->lock);
	machine_unlock_vms(machine);
	return count;
}

/* Guest PASIDs */

/* vm->map_lock */
static void describe_mention(const struct vsva_vm *vm, const struct pasid_mention *mention,
			     struct vsva_vm_pasid_info *out)
{
	hpasid_t host;

	*out = (struct vsva_vm_pasid_info){
		.gpasid = mention->guest,
		.hpasid = mention->host,
		.bindings = mention->binds,
		.queues = mention->uses - mention->binds,
		.is_from_vcmd = mention->from_vcmd,
		.is_stale = mention->is_stale,
		.has_cpu_translation = vsva_kvm_translates(vm->kvm, mention->guest, &host) &&
				       host.v == mention->host.v,
	};
}

size_t vsva_inspect_vm_pasids(struct vsva_machine *machine, uint32_t number, gpasid_t from,
			      struct vsva_vm_pasid_info *out, size_t max)
{
	struct vsva_vm *vm = lock_vm(machine, number);
	const struct pasid_mention *mention;
	uint32_t guest = from.v;
	size_t count = 0;

	if (!vm)
		return 0;
	lock_take(&vm->map_lock);
	for (; count < max && (mention = sparse_next(&vm->pasids, &guest)); guest++)
		describe_mention(vm, mention, &out[count++]);
	lock_drop(&vm->map_lock);
	machine_unlock_vms(machine);
	return count;
}

/* Counters */

static void copy_counters(const uint64_t *from, uint64_t *to, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

int vsva_inspect_descriptors(struct vsva_machine *machine, uint32_t number,
			     uint64_t out[VSVA_DESCRIPTOR_TYPES])
{
	struct vsva_vm *vm;

	if (!number) {
		machine_copy_descriptors(machine, out);
		return 0;
	}
	vm = lock_vm(machine, number);
	if (!vm)
		return -ENOENT;
	copy_counters(vm->descriptors_of, out, VSVA_DESCRIPTOR_TYPES);
	machine_unlock_vms(machine);
	return 0;
}

int vsva_inspect_vm_stats(struct vsva_machine *machine, uint32_t number, struct vsva_vm_stats *out)
{
	struct vsva_vm *vm = lock_vm(machine, number);

	if (!vm)
		return -ENOENT;
	vsva_vm_get_stats(vm, out);
	machine_unlock_vms(machine);
	return 0;
}
