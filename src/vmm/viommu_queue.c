/* SPDX-License-Identifier: MIT */
/*
 * The guest's invalidation queue: each descriptor is copied once, decoded whole, and then carried
 * out on the host with the same scope. The queue's own errors (IQE) are the guest's; what the host
 * answers is not.
 */
#include <errno.h>

#include "base/log.h"
#include "vmm/vm.h"
#include "vtd/decode.h"

/* Scope */

static bool shadow_has_domain(const struct shadow *shadow, did_t domain)
{
	struct vtd_pasid_entry entry = {{0}};

	entry.q[1] = shadow->words[1];
	return vtd_pasid_entry_DID(&entry) == domain.v;
}

static bool rid_has_domain(const struct vsva_assigned *assigned, did_t domain)
{
	struct vtd_pasid_entry entry = {{0}};

	entry.q[1] = assigned->rid_words[1];
	return vtd_pasid_entry_DID(&entry) == domain.v;
}

static bool is_rid_pasid(const struct vsva_assigned *assigned, uint32_t guest)
{
	return !assigned->context.fault && guest == assigned->context.rid_pasid;
}

/* IOTLB */

/*
 * Device TLBs are the guest's to invalidate, but for two cases. A guest that does not use ATS knows
 * of none, and the physical device has one all the same. And with caching mode Linux up to 6.x
 * leaves the device TLB out when it flushes a whole PASID or domain (its deferred unmaps), trusting
 * the host to flush both.
 */
static void flush(struct vsva_assigned *assigned, struct vsva_flush what)
{
	int err;

	what.device_tlb = what.all || !assigned_guest_sees_ats(assigned);
	err = vsva_flush_iotlb(assigned->dev, &what);
	if (err)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_INVALIDATION_FAILED,
			    "%s: device %04x: invalidation failed: error %d", assigned->vm->name,
			    assigned->guest_rid.v, err);
	vm_charge(assigned->vm, 1);
	VM_COUNT(assigned->vm, invalidations);
}

static void flush_rid(struct vsva_assigned *assigned, struct vsva_flush what)
{
	if (assigned->rid_kind != VSVA_RID_NESTED)
		return;
	what.pasid = hpasid(VSVA_FLUSH_RID);
	flush(assigned, what);
}

static void flush_pasid(struct vsva_assigned *assigned, uint32_t guest, did_t domain,
			struct vsva_flush what)
{
	struct shadow *shadow = sparse_get(&assigned->shadows, guest);

	if (is_rid_pasid(assigned, guest) && rid_has_domain(assigned, domain))
		flush_rid(assigned, what);
	if (!shadow || !shadow_has_domain(shadow, domain))
		return;
	what.pasid = shadow->hpasid;
	flush(assigned, what);
}

/* IOTLB descriptor: of first-stage translations it always removes all that have the domain (VT-d
 * 6.5.2.2), whatever range it names. */
static void flush_domain(struct vsva_assigned *assigned, bool all_domains, did_t domain)
{
	struct vsva_flush what = {.all = true};
	struct shadow *shadow;

	if (all_domains || rid_has_domain(assigned, domain))
		flush_rid(assigned, what);
	for (uint32_t at = 0; (shadow = sparse_next(&assigned->shadows, &at)); at++) {
		if (!all_domains && !shadow_has_domain(shadow, domain))
			continue;
		what.pasid = shadow->hpasid;
		flush(assigned, what);
	}
}

static void execute_iotlb(struct vsva_vm *vm, const struct vtd_op *op)
{
	for (struct vsva_assigned *a = vm->devices; a; a = a->next)
		flush_domain(a, op->iotlb.granularity == VTD_IOTLB_GLOBAL, op->iotlb.did);
}

static void execute_pasid_iotlb(struct vsva_vm *vm, const struct vtd_op *op)
{
	struct vsva_flush what = {
		.all = op->pasid_iotlb.granularity == VTD_PASID_IOTLB_PASID ||
		       op->pasid_iotlb.am > 51,
		.addr = op->pasid_iotlb.addr,
		.order = op->pasid_iotlb.am,
		.leaf = op->pasid_iotlb.ih,
	};

	for (struct vsva_assigned *a = vm->devices; a; a = a->next)
		flush_pasid(a, op->pasid_iotlb.pasid, op->pasid_iotlb.did, what);
}

/* Device TLB */

static struct vsva_flush range_of(uint64_t addr, unsigned size_lg2)
{
	return (struct vsva_flush){.all = size_lg2 >= 64,
				   .addr = addr,
				   .order = (uint8_t)(size_lg2 >= 64 ? 0 : size_lg2 - 12)};
}

static void flush_device(struct vsva_vm *vm, rid_t guest_rid, const struct vsva_flush *what,
			 bool global)
{
	struct vsva_assigned *assigned = assigned_find(vm, guest_rid);
	int err = assigned ? vsva_flush_device_tlb(assigned->dev, what, global) : 0;

	if (err)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_INVALIDATION_FAILED,
			    "%s: device %04x: device TLB not invalidated: error %d", vm->name,
			    guest_rid.v, err);
}

static void execute_device_tlb(struct vsva_vm *vm, const struct vtd_op *op)
{
	struct vsva_flush what = range_of(op->dev_tlb.addr, op->dev_tlb.size_lg2);

	what.pasid = hpasid(VSVA_FLUSH_RID);
	flush_device(vm, op->dev_tlb.sid, &what, false);
}

static void execute_pasid_device_tlb(struct vsva_vm *vm, const struct vtd_op *op)
{
	struct vsva_flush what = range_of(op->pasid_dev_tlb.addr, op->pasid_dev_tlb.size_lg2);

	/* Not known: unbound before, with a device-TLB flush of its own. */
	if (!op->pasid_dev_tlb.global &&
	    pasid_map_lookup(vm, gpasid(op->pasid_dev_tlb.pasid), &what.pasid))
		return;
	flush_device(vm, op->pasid_dev_tlb.sid, &what, op->pasid_dev_tlb.global);
}

/* Tables */

static bool context_is_named(const struct vtd_op *op, rid_t guest_rid)
{
	return op->context.granularity != VTD_CONTEXT_DEVICE ||
	       ((guest_rid.v ^ op->context.sid.v) & op->context.sid_mask) == 0;
}

static void execute_context(struct vsva_vm *vm, const struct vtd_op *op)
{
	for (struct vsva_assigned *a = vm->devices; a; a = a->next)
		if (context_is_named(op, a->guest_rid))
			shadow_sync_context(a);
}

static void execute_pasid_cache(struct vsva_vm *vm, const struct vtd_op *op)
{
	for (struct vsva_assigned *a = vm->devices; a; a = a->next) {
		if (op->pasid_cache.granularity == VTD_PASID_CACHE_PASID)
			shadow_sync_pasid(a, gpasid(op->pasid_cache.pasid));
		else
			shadow_schedule_scan(a);
	}
}

/* Wait and response */

static void drain(struct vsva_vm *vm)
{
	for (struct vsva_assigned *a = vm->devices; a; a = a->next)
		vsva_drain_page_requests(a->dev);
}

static void execute_wait(struct vsva_vm *vm, const struct vtd_op *op)
{
	struct vtd_effects effects = {0};

	if (op->wait.drain)
		drain(vm);
	if (op->wait.status_write &&
	    guest_memory_store32(&vm->memory, gpa(op->wait.status_addr), op->wait.status_data))
		LOG_LIMITED(LOG_WARN, VSVA_CODE_GUEST_STATUS_ADDRESS,
			    "%s: wait descriptor: no memory at status address %#llx", vm->name,
			    (unsigned long long)op->wait.status_addr);
	if (!op->wait.interrupt)
		return;
	lock_take(&vm->regs_lock);
	vtd_regfile_wait_complete(&vm->regs, &effects);
	lock_drop(&vm->regs_lock);
	viommu_carry_out(vm, &effects);
}

static void execute_response(struct vsva_vm *vm, const struct vtd_op *op)
{
	viommu_page_group_response(vm, op->page_response.rid, op->page_response.has_pasid,
				   gpasid(op->page_response.pasid), op->page_response.prgi,
				   op->page_response.code);
}

/* The queue */

static void execute(struct vsva_vm *vm, const struct vtd_op *op)
{
	switch (op->type) {
	case VTD_DESC_CONTEXT:
		execute_context(vm, op);
		break;
	case VTD_DESC_IOTLB:
		execute_iotlb(vm, op);
		break;
	case VTD_DESC_DEV_TLB:
		execute_device_tlb(vm, op);
		break;
	case VTD_DESC_IEC:
		break; /* no interrupt remapping, so nothing is cached */
	case VTD_DESC_WAIT:
		execute_wait(vm, op);
		break;
	case VTD_DESC_PASID_IOTLB:
		execute_pasid_iotlb(vm, op);
		break;
	case VTD_DESC_PASID_CACHE:
		execute_pasid_cache(vm, op);
		break;
	case VTD_DESC_PASID_DEV_TLB:
		execute_pasid_device_tlb(vm, op);
		break;
	case VTD_DESC_PAGE_RESPONSE:
		execute_response(vm, op);
		break;
	}
}

static void queue_error(struct vsva_vm *vm, unsigned iqei, const struct vtd_desc *descriptor)
{
	struct vtd_effects effects = {0};

	LOG_LIMITED(LOG_WARN, VSVA_CODE_GUEST_QUEUE_STOPPED,
		    "%s: invalidation queue stopped: error %u, descriptor %016llx %016llx",
		    vm->name, iqei, (unsigned long long)descriptor->q[0],
		    (unsigned long long)descriptor->q[1]);
	lock_take(&vm->regs_lock);
	vtd_regfile_iq_error(&vm->regs, iqei, &effects);
	lock_drop(&vm->regs_lock);
	viommu_carry_out(vm, &effects);
}

static void trace_descriptor(struct vsva_vm *vm, const struct vtd_op *op)
{
	gpasid_t guest = {VSVA_PASID_INVALID};

	if (op->type == VTD_DESC_PASID_CACHE &&
	    op->pasid_cache.granularity == VTD_PASID_CACHE_PASID)
		guest = gpasid(op->pasid_cache.pasid);
	else if (op->type == VTD_DESC_PASID_IOTLB)
		guest = gpasid(op->pasid_iotlb.pasid);
	else if (op->type == VTD_DESC_PASID_DEV_TLB)
		guest = gpasid(op->pasid_dev_tlb.pasid);
	TRACE(vm->seams->trace, VMM, VIOMMU_DESCRIPTOR, .vm = vm->number, .gpasid = guest,
	      .value = op->type);
}

static bool fetch(struct vsva_vm *vm, struct vtd_desc *descriptor, struct vtd_decode_rules *rules)
{
	uint64_t address = 0;
	bool is_wide = false, allowed;

	lock_take(&vm->regs_lock);
	allowed = vtd_regfile_iq_fetch_allowed(&vm->regs);
	if (allowed) {
		address = vtd_regfile_iq_head_address(&vm->regs);
		is_wide = vtd_regfile_iq_is_wide(&vm->regs);
	}
	lock_drop(&vm->regs_lock);
	if (!allowed)
		return false;
	*descriptor = (struct vtd_desc){{0}};
	*rules = (struct vtd_decode_rules){
		.is_wide = is_wide,
		.ttm = vtd_RTADDR_TTM(__atomic_load_n(&vm->root, __ATOMIC_RELAXED)),
		.cap = vm->rules.cap,
		.ecap = vm->rules.ecap};
	if (guest_memory_fetch(&vm->memory, gpa(address), descriptor->q, is_wide ? 4 : 2)) {
		queue_error(vm, VTD_IQEI_FETCH, descriptor);
		return false;
	}
	return true;
}

bool viommu_execute_one(struct vsva_vm *vm)
{
	struct vtd_decode_rules rules;
	struct vtd_desc descriptor;
	struct vtd_op op;
	int iqei;

	if (!fetch(vm, &descriptor, &rules))
		return false;
	iqei = vtd_decode_descriptor(&descriptor, &rules, &op);
	if (iqei) {
		queue_error(vm, (unsigned)iqei, &descriptor);
		return false;
	}
	trace_descriptor(vm, &op);
	VM_COUNT(vm, descriptors);
	__atomic_fetch_add(&vm->descriptors_of[(unsigned)op.type % VSVA_DESCRIPTOR_TYPES], 1,
			   __ATOMIC_RELAXED);
	execute(vm, &op);
	lock_take(&vm->regs_lock);
	vtd_regfile_iq_advance(&vm->regs, 1);
	lock_drop(&vm->regs_lock);
	return true;
}
