/* SPDX-License-Identifier: MIT */
/*
 * The guest's invalidation queue: descriptors are copied once, some of those between head and tail at
 * a time, and decoded whole and executed strictly one after the other. IQH moves on with a wait, with
 * an error, and where nothing more is known to be ahead. The queue's own errors (IQE) are the guest's;
 * what the host answers is not.
 */
#include <errno.h>

#include "base/log.h"
#include "base/rcu.h"
#include "vmm/vm.h"
#include "vsva/limits.h"
#include "vtd/decode.h"

/* Fetch */

/* Descriptors that are read at once: those between head and tail are the unit's. */
#define FETCH_MAX  8u
#define SLOT_WORDS 4u /* of a wide descriptor */

struct fetch {
	/* as the registers said last */
	uint64_t address; /* of the head */
	uint32_t
		ahead; /* descriptors up to the tail or the end of the ring; 0: none may be fetched */
	struct vtd_decode_rules rules;
	uint32_t done; /* of those ahead: executed, and IQH does not say so yet */
	/* read: `count` of those ahead, from `first` on */
	uint32_t first;
	unsigned count;
	uint64_t words[FETCH_MAX * SLOT_WORDS];
};

static unsigned slot_words(const struct fetch *fetch)
{
	return fetch->rules.is_wide ? SLOT_WORDS : SLOT_WORDS / 2;
}

/* regs_lock */
static void look_at_registers(struct vsva_vm *vm, struct fetch *fetch)
{
	const struct vtd_regfile *rf = &vm->regs;
	uint32_t head = vtd_regfile_iq_head(rf), tail = vtd_regfile_iq_tail(rf);
	uint32_t end = tail > head ? tail : vtd_regfile_iq_len(rf);

	viommu_flush_begin_batch(vm);
	fetch->rules.is_wide = vtd_regfile_iq_is_wide(rf);
	fetch->address = vtd_regfile_iq_head_address(rf);
	fetch->ahead = vtd_regfile_iq_fetch_allowed(rf) ? (end - head) / 8 / slot_words(fetch) : 0;
	fetch->done = fetch->first = fetch->count = 0;
}

static void begin_fetch(struct vsva_vm *vm, struct fetch *fetch)
{
	fetch->rules = (struct vtd_decode_rules){
		.ttm = vtd_RTADDR_TTM(__atomic_load_n(&vm->root, __ATOMIC_RELAXED)),
		.cap = vm->rules.cap,
		.ecap = vm->rules.ecap};
	lock_take(&vm->regs_lock);
	look_at_registers(vm, fetch);
	lock_drop(&vm->regs_lock);
}

/* IQH moves on over what is executed: so what that flushes is flushed. */
static void publish(struct vsva_vm *vm, struct fetch *fetch)
{
	viommu_flush_out(vm);
	lock_take(&vm->regs_lock);
	vtd_regfile_iq_advance(&vm->regs, fetch->done);
	look_at_registers(vm, fetch);
	lock_drop(&vm->regs_lock);
}

/* One by one where all together are not in one piece of memory. false: there is none. */
static bool read_ahead(struct vsva_vm *vm, struct fetch *fetch)
{
	uint32_t left = fetch->ahead - fetch->done, want = left < FETCH_MAX ? left : FETCH_MAX;
	unsigned words = slot_words(fetch);
	gpa_t at = gpa(fetch->address + (uint64_t)fetch->done * words * 8);

	fetch->first = fetch->done;
	fetch->count = want;
	if (!guest_memory_fetch(&vm->memory, at, fetch->words, want * words))
		return true;
	fetch->count = 1;
	return !guest_memory_fetch(&vm->memory, at, fetch->words, words);
}

static struct vtd_desc descriptor_at(const struct fetch *fetch, unsigned index)
{
	const uint64_t *slot = &fetch->words[index * slot_words(fetch)];

	if (fetch->rules.is_wide)
		return (struct vtd_desc){{slot[0], slot[1], slot[2], slot[3]}};
	return (struct vtd_desc){{slot[0], slot[1]}};
}

/* The first that is not executed. false: there is no memory. */
static bool next_descriptor(struct vsva_vm *vm, struct fetch *fetch, struct vtd_desc *out)
{
	if (fetch->done - fetch->first >= fetch->count && !read_ahead(vm, fetch)) {
		*out = (struct vtd_desc){{0}};
		return false;
	}
	*out = descriptor_at(fetch, fetch->done - fetch->first);
	return true;
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
	if (op->pasid_cache.granularity == VTD_PASID_CACHE_PASID) {
		shadow_sync_pasid_of_all(vm, gpasid(op->pasid_cache.pasid));
		return;
	}
	for (struct vsva_assigned *a = vm->devices; a; a = a->next)
		shadow_schedule_scan(a);
}

/* Wait and response */

/* Whoever sees the status may look at IQH: it is past the descriptor by then. */
static void complete_wait(struct vsva_vm *vm, const struct vtd_op *op)
{
	struct vtd_effects effects = {0};

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

/* Execution */

static void execute(struct vsva_vm *vm, const struct vtd_op *op)
{
	switch (op->type) {
	case VTD_DESC_IOTLB:
		viommu_flush_iotlb(vm, op);
		return;
	case VTD_DESC_DEV_TLB:
		viommu_flush_device_tlb(vm, op);
		return;
	case VTD_DESC_PASID_IOTLB:
		viommu_flush_pasid_iotlb(vm, op);
		return;
	case VTD_DESC_PASID_DEV_TLB:
		viommu_flush_pasid_device_tlb(vm, op);
		return;
	case VTD_DESC_WAIT:
		if (op->wait.drain)
			viommu_flush_drain(vm);
		return; /* it completes when IQH is past it */
	case VTD_DESC_IEC:
		return; /* no interrupt remapping, so nothing is cached */
	case VTD_DESC_CONTEXT:
	case VTD_DESC_PASID_CACHE:
	case VTD_DESC_PAGE_RESPONSE:
		break;
	}
	viommu_flush_out(vm);
	vm->is_drained = false;
	if (op->type == VTD_DESC_CONTEXT)
		execute_context(vm, op);
	else if (op->type == VTD_DESC_PASID_CACHE)
		execute_pasid_cache(vm, op);
	else
		execute_response(vm, op);
}

static void queue_error(struct vsva_vm *vm, struct fetch *fetch, unsigned iqei,
			const struct vtd_desc *descriptor)
{
	struct vtd_effects effects = {0};

	LOG_LIMITED(LOG_WARN, VSVA_CODE_GUEST_QUEUE_STOPPED,
		    "%s: invalidation queue stopped: error %u, descriptor %016llx %016llx",
		    vm->name, iqei, (unsigned long long)descriptor->q[0],
		    (unsigned long long)descriptor->q[1]);
	publish(vm, fetch);
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

static void count_descriptor(struct vsva_vm *vm, const struct vtd_op *op)
{
	vm_count_locked(&vm->stats.descriptors);
	vm_count_locked(&vm->descriptors_of[(unsigned)op->type % VSVA_DESCRIPTOR_TYPES]);
}

/* false: nothing to execute now. */
static bool execute_one(struct vsva_vm *vm, struct fetch *fetch)
{
	struct vtd_desc descriptor;
	struct vtd_op op;
	int iqei = VTD_IQEI_FETCH;

	if (!fetch->ahead)
		return false;
	if (next_descriptor(vm, fetch, &descriptor))
		iqei = vtd_decode_descriptor(&descriptor, &fetch->rules, &op);
	if (iqei) {
		queue_error(vm, fetch, (unsigned)iqei, &descriptor);
		return false;
	}
	trace_descriptor(vm, &op);
	count_descriptor(vm, &op);
	execute(vm, &op);
	fetch->done++;
	if (op.type == VTD_DESC_WAIT || fetch->done == fetch->ahead)
		publish(vm, fetch);
	if (op.type == VTD_DESC_WAIT)
		complete_wait(vm, &op);
	return true;
}

/* A scan belongs to the descriptor that asked for it: nothing overtakes it. */
bool viommu_run_queue(struct vsva_vm *vm)
{
	unsigned descriptors = VSVA_LIMIT_DESCRIPTORS_PER_RUN;
	struct fetch fetch;
	bool more = true;

	begin_fetch(vm, &fetch);
	while (more && descriptors && vm->work_left) {
		more = !(shadow_scan_is_pending(vm) && shadow_scan_some(vm)) &&
		       execute_one(vm, &fetch);
		descriptors--;
	}
	if (fetch.done)
		publish(vm, &fetch);
	return more || shadow_scan_is_pending(vm);
}
