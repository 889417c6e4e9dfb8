/* SPDX-License-Identifier: MIT */
/*
 * Upwards: page requests and faults of the host, told to the guest in its own words (guest
 * requester id, guest PASID), and the guest's answers. Nothing here waits for the guest.
 */
#include <errno.h>

#include "base/log.h"
#include "base/rcu.h"
#include "vmm/vm.h"
#include "vtd/descriptors.h"

/* Page requests */

static int guest_pasid_of(struct vsva_vm *vm, uint32_t host, gpasid_t *out)
{
	return vsva_ioasid_gpasid_of(vm->set, hpasid(host), out);
}

static struct vtd_page_request make_request(const struct vsva_assigned *assigned,
					    const struct vsva_fault_page_request *prm,
					    gpasid_t guest)
{
	struct vtd_page_request request = {{0}};
	bool has_pasid = prm->flags & VSVA_PAGE_REQ_PASID_VALID;

	vtd_page_request_set_TYPE(&request, VTD_PAGE_REQUEST_TYPE);
	vtd_page_request_set_PP(&request, has_pasid);
	vtd_page_request_set_RID(&request, assigned->guest_rid.v);
	vtd_page_request_set_PASID(&request, has_pasid ? guest.v : 0);
	vtd_page_request_set_EXR(&request, !!(prm->perm & VSVA_FAULT_PERM_EXEC));
	vtd_page_request_set_PMR(&request, !!(prm->perm & VSVA_FAULT_PERM_PRIV));
	vtd_page_request_set_RDR(&request, !!(prm->perm & VSVA_FAULT_PERM_READ));
	vtd_page_request_set_WRR(&request, !!(prm->perm & VSVA_FAULT_PERM_WRITE));
	vtd_page_request_set_LPIG(&request, !!(prm->flags & VSVA_PAGE_REQ_LAST_PAGE));
	vtd_page_request_set_PRGI(&request, prm->grpid & 0x1ff);
	vtd_page_request_set_ADDR(&request, prm->addr & ~UINT64_C(0xfff));
	return request;
}

static void answer(struct vsva_assigned *assigned, const struct vsva_fault_page_request *prm,
		   enum vsva_page_response_code code)
{
	struct vsva_page_response response = {
		.argsz = sizeof(response),
		.version = 1,
		.flags = prm->flags & VSVA_PAGE_REQ_PASID_VALID ? VSVA_PAGE_RESP_PASID_VALID : 0,
		.pasid = prm->pasid,
		.grpid = prm->grpid,
		.code = code,
	};

	if (prm->flags & VSVA_PAGE_REQ_LAST_PAGE)
		vsva_page_response(assigned->dev, &response);
}

/* Writes the request where the guest's queue ends. 0; -ENOSPC the queue is full or was (VT-d 7.4:
 * the group is answered "success", the device asks again); -ENODEV the guest has no queue there. */
static int put_in_queue(struct vsva_vm *vm, const struct vtd_page_request *request)
{
	struct vtd_effects effects = {0};
	uint64_t slot;
	int err;

	lock_take(&vm->regs_lock);
	err = vtd_regfile_prq_reserve(&vm->regs, &slot, &effects);
	if (!err) {
		err = guest_memory_write(&vm->memory, gpa(slot), request, sizeof(*request));
		if (!err)
			vtd_regfile_prq_commit(&vm->regs, &effects);
		else
			err = -ENODEV;
	}
	lock_drop(&vm->regs_lock);
	viommu_carry_out(vm, &effects);
	return err;
}

int viommu_report_page_request(struct vsva_assigned *assigned,
			       const struct vsva_fault_page_request *prm)
{
	struct vsva_vm *vm = assigned->vm;
	gpasid_t guest = {VSVA_PASID_INVALID};
	struct vtd_page_request request;
	int err;

	if (!assigned_guest_sees_pri(assigned))
		return -EOPNOTSUPP;
	if ((prm->flags & VSVA_PAGE_REQ_PASID_VALID) && guest_pasid_of(vm, prm->pasid, &guest))
		return -ENOENT;
	request = make_request(assigned, prm, guest);
	err = put_in_queue(vm, &request);
	if (err == -ENOSPC) {
		answer(assigned, prm, VSVA_PAGE_RESP_SUCCESS);
		return 0;
	}
	if (err)
		return err;
	VM_COUNT(vm, page_requests);
	TRACE(vm->seams->trace, VMM, PAGE_REQUEST_GUEST, .vm = vm->number,
	      .rid = vsva_dev_rid(assigned->dev), .gpasid = guest, .hpasid = hpasid(prm->pasid),
	      .addr = prm->addr, .value = prm->grpid,
	      .write = !!(prm->perm & VSVA_FAULT_PERM_WRITE));
	return 0;
}

static enum vsva_page_response_code host_code(unsigned code)
{
	switch (code) {
	case VTD_RESPONSE_SUCCESS:
		return VSVA_PAGE_RESP_SUCCESS;
	case VTD_RESPONSE_INVALID:
		return VSVA_PAGE_RESP_INVALID;
	default:
		return VSVA_PAGE_RESP_FAILURE;
	}
}

void viommu_page_group_response(struct vsva_vm *vm, rid_t guest_rid, bool has_pasid, gpasid_t guest,
				uint16_t prgi, unsigned code)
{
	struct vsva_assigned *assigned = assigned_find(vm, guest_rid);
	struct vsva_page_response response = {
		.argsz = sizeof(response), .version = 1, .grpid = prgi, .code = host_code(code)};
	hpasid_t host = {VSVA_PASID_INVALID};

	TRACE(vm->seams->trace, VMM, PAGE_RESPONSE_GUEST, .vm = vm->number,
	      .rid = assigned ? vsva_dev_rid(assigned->dev) : rid(0),
	      .gpasid = has_pasid ? guest : gpasid(VSVA_PASID_INVALID), .addr = prgi,
	      .value = code);
	VM_COUNT(vm, page_responses);
	if (!assigned)
		return;
	if (has_pasid) {
		/* Unbound meanwhile: its groups have been answered, this one comes too late. */
		if (vsva_vm_hpasid(vm, guest, &host))
			return;
		response.flags = VSVA_PAGE_RESP_PASID_VALID;
		response.pasid = host.v;
	}
	vsva_page_response(assigned->dev, &response);
}

/* Faults */

/* What the guest's tables say about the request now; NONE: nothing is wrong with them, and *entry
 * is the PASID's. entry->fpd is set in any case. */
static enum vtd_fault guest_verdict(struct vsva_assigned *assigned, uint32_t pasid,
				    struct guest_pasid *entry)
{
	struct vsva_vm *vm = assigned->vm;
	struct guest_table_root root = {.rtaddr = __atomic_load_n(&vm->root, __ATOMIC_RELAXED),
					.rules = &vm->rules,
					.memory = &vm->memory};
	struct guest_context context;

	guest_context_read(&root, assigned->guest_rid, &context);
	*entry = (struct guest_pasid){.fpd = context.fpd};
	if (context.legacy && pasid != VSVA_PASID_INVALID)
		return VTD_FAULT_RTA_2;
	if (context.fault || context.legacy)
		return context.fault;
	if (pasid != VSVA_PASID_INVALID && !context.paside)
		return VTD_FAULT_SCT_6;
	if (pasid == context.rid_pasid)
		return VTD_FAULT_SCT_9;
	guest_pasid_read(&root, &context, pasid == VSVA_PASID_INVALID ? context.rid_pasid : pasid,
			 entry);
	return entry->fault;
}

/* The second stage does not say whether it refused a table of the first stage or the page itself:
 * the guest's tables do. */
static enum vtd_fault missing_table(struct vsva_vm *vm, const struct vtd_pasid_entry *entry,
				    uint64_t address)
{
	unsigned levels = vtd_fspm_levels((unsigned)vtd_pasid_entry_FSPM(entry));
	uint64_t table = vtd_pasid_entry_FSPTPTR(entry), pte;

	if (vtd_pasid_entry_PGTT(entry) != VTD_PGTT_FIRST_STAGE)
		return VTD_FAULT_NONE;
	for (unsigned level = levels; level; level--) {
		if (guest_memory_fetch(&vm->memory,
				       gpa(table + 8 * vtd_level_index(address, level)), &pte, 1))
			return level == levels ? VTD_FAULT_SFS_4 : VTD_FAULT_SFS_1;
		if (!(pte & VTD_FS_PTE_P) || vtd_fs_pte_is_leaf(pte, level))
			break;
		table = vtd_pte_address(pte, 1);
	}
	return VTD_FAULT_NONE;
}

/*
 * The guest has one stage only. Where the host's second stage refuses a read of the guest's tables,
 * the guest sees the access error that silicon without a second stage would report; where it
 * refuses the page itself there is no remapping fault in the guest's world at all (memory that does
 * not answer).
 */
static enum vtd_fault first_stage_view(enum vtd_fault host)
{
	switch (host) {
	case VTD_FAULT_SFS_5:
	case VTD_FAULT_SFS_7:
		return VTD_FAULT_SFS_1;
	case VTD_FAULT_SFS_6:
		return VTD_FAULT_SFS_4;
	case VTD_FAULT_SFS_8:
		return VTD_FAULT_SFS_10;
	case VTD_FAULT_SSS_1:
	case VTD_FAULT_SSS_2:
	case VTD_FAULT_SSS_3:
	case VTD_FAULT_SSS_4:
	case VTD_FAULT_SSS_5:
	case VTD_FAULT_SSS_6:
	case VTD_FAULT_SGN_5:
	case VTD_FAULT_SGN_7:
		return VTD_FAULT_NONE;
	default:
		return host;
	}
}

/* Of the tables down to the PASID entry, which are the host's own: not what the guest's say. */
static bool is_of_tables(enum vtd_fault fault)
{
	return fault >= VTD_FAULT_RTA_1 && fault <= VTD_FAULT_SPT_4;
}

/* An entry that the guest has not flushed yet, or that was refused, is one that is not present. */
static enum vtd_fault guest_view(enum vtd_fault host, enum vtd_fault verdict)
{
	if (!is_of_tables(host))
		return first_stage_view(host);
	return verdict != VTD_FAULT_NONE ? verdict : VTD_FAULT_SPT_2;
}

static void record(struct vsva_assigned *assigned, const struct vsva_unit_fault *fault,
		   enum vtd_fault code, gpasid_t guest)
{
	struct vsva_vm *vm = assigned->vm;
	struct vtd_fault_record record = {{0}};
	struct vtd_effects effects = {0};

	vtd_fault_record_set_FI(&record, fault->addr & ~UINT64_C(0xfff));
	vtd_fault_record_set_SID(&record, assigned->guest_rid.v);
	vtd_fault_record_set_FR(&record, code);
	vtd_fault_record_set_PP(&record, fault->has_pasid);
	vtd_fault_record_set_PV(&record, fault->has_pasid ? guest.v : 0);
	vtd_fault_record_set_PRIV(&record, fault->privileged);
	vtd_fault_record_set_EXE(&record, fault->exec);
	vtd_fault_record_set_T1(&record, fault->read);
	lock_take(&vm->regs_lock);
	vtd_regfile_record_fault(&vm->regs, &record, &effects);
	lock_drop(&vm->regs_lock);
	VM_COUNT(vm, faults);
	TRACE(vm->seams->trace, VMM, FAULT, .vm = vm->number, .rid = vsva_dev_rid(assigned->dev),
	      .gpasid = fault->has_pasid ? guest : gpasid(VSVA_PASID_INVALID),
	      .hpasid = fault->has_pasid ? fault->pasid : hpasid(VSVA_PASID_INVALID),
	      .addr = fault->addr, .value = code);
	viommu_carry_out(vm, &effects);
}

void viommu_report_unit_fault(struct vsva_assigned *assigned, const struct vsva_unit_fault *fault)
{
	struct vsva_vm *vm = assigned->vm;
	gpasid_t guest = {VSVA_PASID_INVALID};
	enum vtd_fault code = (enum vtd_fault)fault->code, verdict;
	struct guest_pasid entry;

	if (fault->has_pasid && guest_pasid_of(vm, fault->pasid.v, &guest)) {
		LOG_LIMITED(LOG_WARN, VSVA_CODE_FAULT_KEPT,
			    "%s: device %04x host PASID %u is nobody's: fault %#x at %#llx",
			    vm->name, assigned->guest_rid.v, fault->pasid.v, fault->code,
			    (unsigned long long)fault->addr);
		return;
	}
	verdict = guest_verdict(assigned, guest.v, &entry);
	code = guest_view(code, verdict);
	if (code == VTD_FAULT_NONE && verdict == VTD_FAULT_NONE)
		code = missing_table(vm, &entry.entry, fault->addr);
	if (code == VTD_FAULT_NONE) {
		LOG_LIMITED(
			LOG_WARN, VSVA_CODE_FAULT_KEPT,
			"%s: device %04x guest PASID %d: fault %#x at %#llx is the second stage's",
			vm->name, assigned->guest_rid.v, (int)guest.v, fault->code,
			(unsigned long long)fault->addr);
		return;
	}
	if (entry.fpd && vtd_fault_is_qualified(code))
		return;
	record(assigned, fault, code, guest);
}
