/* SPDX-License-Identifier: MIT */
/*
 * The guest's flushes, carried out on the host with the same scope. Those that stand one behind the
 * other in its queue go there in one sequence with one wait: before anything else is executed, and
 * before the guest can see that it has got on.
 *
 * A guest that sets or clears an entry of its PASID table has the PASID cache flushed, then the IOTLB
 * and the device TLB, and where the entry went it has page requests drained. With the first of these
 * the host binds or unbinds, and the others have happened by then: what was not present before is
 * cached nowhere, and an unbind flushes and drains itself. The guest had submitted all of them before
 * the first was executed and sees none of them end before the last, so for all that it can know they
 * were executed in one moment, and nothing is left for the host to do. That is so for descriptors of one
 * batch, and of a drain only as long as nothing else came between.
 */
#include <errno.h>

#include "base/log.h"
#include "vmm/vm.h"
#include "vtd/decode.h"

/* Collecting */

static const char *name_of(enum vsva_flush_kind kind)
{
	switch (kind) {
	case VSVA_FLUSH_IOTLB:
		return "invalidation of the IOTLB";
	case VSVA_FLUSH_DRAIN:
	case VSVA_FLUSH_REPORT:
		return "drain of page requests";
	default:
		return "invalidation of the device TLB";
	}
}

/* A device that does not answer must not take from others that their flush is sure: each goes by
 * itself then. */
static void flush_one_by_one(struct vsva_vm *vm)
{
	for (unsigned i = 0; i < vm->flush_count; i++) {
		const struct vsva_flush_step *step = &vm->flushes[i];
		int err = vsva_flush_sequence(step, 1);

		if (err)
			LOG_LIMITED(LOG_WARN, VSVA_CODE_INVALIDATION_FAILED,
				    "%s: host device %04x: %s failed: error %d", vm->name,
				    vsva_dev_rid(step->dev).v, name_of(step->kind), err);
	}
}

void viommu_flush_out(struct vsva_vm *vm)
{
	if (vm->flush_count && vsva_flush_sequence(vm->flushes, vm->flush_count))
		flush_one_by_one(vm);
	vm->flush_count = 0;
}

static void add(struct vsva_assigned *assigned, enum vsva_flush_kind kind,
		const struct vsva_flush *what)
{
	struct vsva_vm *vm = assigned->vm;

	if (vm->flush_count == VSVA_LIMIT_FLUSH_STEPS)
		viommu_flush_out(vm);
	vm->is_drained = false;
	vm->flushes[vm->flush_count++] =
		(struct vsva_flush_step){.dev = assigned->dev, .kind = kind, .flush = *what};
}

/* Scope */

/* Bound by a descriptor of this batch: it is as if it had been flushed right after. */
static bool is_clean(const struct vsva_assigned *assigned, const struct shadow *shadow)
{
	return shadow == assigned->vm->clean;
}

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
	what.device_tlb = what.all || !assigned_guest_sees_ats(assigned);
	add(assigned, VSVA_FLUSH_IOTLB, &what);
	vm_charge(assigned->vm, 1);
	vm_count_locked(&assigned->vm->stats.invalidations);
}

static void flush_rid(struct vsva_assigned *assigned, struct vsva_flush what)
{
	if (assigned->rid_kind != VSVA_RID_NESTED)
		return;
	what.pasid = hpasid(VSVA_FLUSH_RID);
	flush(assigned, what);
}

static void flush_shadow(struct vsva_assigned *assigned, const struct shadow *shadow,
			 struct vsva_flush what)
{
	if (is_clean(assigned, shadow))
		return;
	what.pasid = shadow->hpasid;
	flush(assigned, what);
}

static void flush_pasid(struct vsva_assigned *assigned, uint32_t guest, did_t domain,
			struct vsva_flush what)
{
	struct shadow *shadow = sparse_get(&assigned->shadows, guest);

	if (is_rid_pasid(assigned, guest) && rid_has_domain(assigned, domain))
		flush_rid(assigned, what);
	if (shadow && shadow_has_domain(shadow, domain))
		flush_shadow(assigned, shadow, what);
}

/* IOTLB descriptor: of first-stage translations it always removes all that have the domain (VT-d
 * 6.5.2.2), whatever range it names. */
static void flush_domain(struct vsva_assigned *assigned, bool all_domains, did_t domain)
{
	struct vsva_flush what = {.all = true};
	struct shadow *shadow;

	if (all_domains || rid_has_domain(assigned, domain))
		flush_rid(assigned, what);
	for (uint32_t at = 0; (shadow = sparse_next(&assigned->shadows, &at)); at++)
		if (all_domains || shadow_has_domain(shadow, domain))
			flush_shadow(assigned, shadow, what);
}

void viommu_flush_iotlb(struct vsva_vm *vm, const struct vtd_op *op)
{
	for (struct vsva_assigned *a = vm->devices; a; a = a->next)
		flush_domain(a, op->iotlb.granularity == VTD_IOTLB_GLOBAL, op->iotlb.did);
}

void viommu_flush_pasid_iotlb(struct vsva_vm *vm, const struct vtd_op *op)
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

void viommu_flush_device_tlb(struct vsva_vm *vm, const struct vtd_op *op)
{
	struct vsva_flush what = range_of(op->dev_tlb.addr, op->dev_tlb.size_lg2);
	struct vsva_assigned *assigned = assigned_find(vm, op->dev_tlb.sid);

	what.pasid = hpasid(VSVA_FLUSH_RID);
	if (assigned)
		add(assigned, VSVA_FLUSH_DEVICE_TLB, &what);
}

void viommu_flush_pasid_device_tlb(struct vsva_vm *vm, const struct vtd_op *op)
{
	struct vsva_flush what = range_of(op->pasid_dev_tlb.addr, op->pasid_dev_tlb.size_lg2);
	struct vsva_assigned *assigned = assigned_find(vm, op->pasid_dev_tlb.sid);
	const struct shadow *shadow;

	if (!assigned)
		return;
	if (op->pasid_dev_tlb.global) {
		add(assigned, VSVA_FLUSH_DEVICE_TLB_GLOBAL, &what);
		return;
	}
	/* Not bound: if it was before, that went with a device-TLB flush of its own, or it belongs to
	 * another user, who flushes for itself (vsva_bind_gpasid). */
	shadow = sparse_get(&assigned->shadows, op->pasid_dev_tlb.pasid);
	if (!shadow || is_clean(assigned, shadow))
		return;
	what.pasid = shadow->hpasid;
	add(assigned, VSVA_FLUSH_DEVICE_TLB, &what);
}

/* Drain */

void viommu_flush_drain(struct vsva_vm *vm)
{
	static const struct vsva_flush nothing;
	enum vsva_flush_kind kind = vm->is_drained ? VSVA_FLUSH_REPORT : VSVA_FLUSH_DRAIN;

	for (struct vsva_assigned *a = vm->devices; a; a = a->next)
		add(a, kind, &nothing);
}
