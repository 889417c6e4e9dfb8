/* SPDX-License-Identifier: MIT */
/*
 * The virtual unit: a register file with caching mode, and a worker that carries out what register
 * writes ask for. A register write itself only changes the register file and kicks the worker.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "vmm/vm.h"
#include "vsva/limits.h"

#define VIOMMU_FRO     0x22u /* fault recording registers at 0x220 */
#define VIOMMU_NFR     7u    /* eight of them */
#define VIOMMU_IRO     0x50u /* IOTLB registers at 0x500; no guest in scalable mode uses them */
#define VIOMMU_PSS     19u   /* 20-bit PASIDs */
#define VIOMMU_ND      6u    /* 16-bit domain ids */
#define VIOMMU_MAMV    18u
#define VIOMMU_VERSION 0x60u /* register-based invalidation is gone from 6.0 on */
#define VIOMMU_HAW     46u

/* What the worker has to do about a register write. */
#define TRANSLATION_COMMANDS (VTD_FX_ROOT_LATCH | VTD_FX_TE)
#define OTHER_COMMANDS       (VTD_FX_QIE | VTD_FX_WBF | VTD_FX_IRE | VTD_FX_IRT_LATCH | VTD_FX_CFI)
#define COMMANDS             (TRANSLATION_COMMANDS | OTHER_COMMANDS | VTD_FX_VCMD)
#define WORK_EFFECTS         (COMMANDS | VTD_FX_IQ_TAIL | VTD_FX_QUEUE_RESUME)

/*
 * First stage and pass-through only: the host shadows the guest's PASID tables, not second stages.
 * A guest without scalable mode therefore finds no address width that it could use (SAGAW 0).
 */
static uint64_t make_cap(const struct vsva_iommu_caps *host, const struct vsva_vm_options *options)
{
	uint64_t cap = 0;

	cap = vtd_CAP_with_ND(cap, VIOMMU_ND);
	cap = vtd_CAP_with_CM(cap, 1);
	cap = vtd_CAP_with_MGAW(cap, host->second_stage_width - 1);
	cap = vtd_CAP_with_ZLR(cap, 1);
	cap = vtd_CAP_with_FRO(cap, VIOMMU_FRO);
	cap = vtd_CAP_with_NFR(cap, VIOMMU_NFR);
	cap = vtd_CAP_with_PSI(cap, 1);
	cap = vtd_CAP_with_MAMV(cap, VIOMMU_MAMV);
	cap = vtd_CAP_with_DWD(cap, 1);
	cap = vtd_CAP_with_DRD(cap, 1);
	cap = vtd_CAP_with_FS1GP(cap, host->gigabyte_pages);
	cap = vtd_CAP_with_FS5LP(cap, host->five_level && !options->no_five_level);
	return vtd_CAP_with_ESRTPS(cap, 1);
}

static uint64_t make_ecap(const struct vsva_iommu_caps *host, const struct vsva_vm_options *options)
{
	uint64_t ecap = 0;

	ecap = vtd_ECAP_with_C(ecap, 1);
	ecap = vtd_ECAP_with_QI(ecap, 1);
	ecap = vtd_ECAP_with_DT(ecap, 1);
	ecap = vtd_ECAP_with_PT(ecap, 1);
	ecap = vtd_ECAP_with_SC(ecap, 1);
	ecap = vtd_ECAP_with_IRO(ecap, VIOMMU_IRO);
	ecap = vtd_ECAP_with_PRS(ecap, host->page_requests && !options->no_page_requests);
	ecap = vtd_ECAP_with_PDS(ecap, host->page_requests && !options->no_page_requests);
	ecap = vtd_ECAP_with_SMS(ecap, host->page_requests && !options->no_page_requests);
	ecap = vtd_ECAP_with_SRS(ecap, host->supervisor);
	ecap = vtd_ECAP_with_EAFS(ecap, host->extended_access);
	ecap = vtd_ECAP_with_PSS(ecap, VIOMMU_PSS);
	ecap = vtd_ECAP_with_PASID(ecap, 1);
	ecap = vtd_ECAP_with_SMTS(ecap, 1);
	ecap = vtd_ECAP_with_VCS(ecap, !options->no_vcmd);
	ecap = vtd_ECAP_with_FSTS(ecap, 1);
	return vtd_ECAP_with_SMPWC(ecap, 1);
}

/* Commands that wait */

/* A register write that asks for one kicks the worker after it. */
static uint32_t pending(struct vsva_vm *vm, uint32_t which)
{
	return __atomic_load_n(&vm->pending_commands, __ATOMIC_ACQUIRE) & which;
}

/* regs_lock */
static void set_pending(struct vsva_vm *vm, uint32_t all)
{
	__atomic_store_n(&vm->pending_commands, all, __ATOMIC_RELEASE);
}

/* Messages and kicks */

void viommu_carry_out(struct vsva_vm *vm, const struct vtd_effects *effects)
{
	for (unsigned i = 0; i < effects->msi_count; i++)
		if (vm->msi)
			vm->msi(vm->msi_arg, effects->msi[i].addr, effects->msi[i].data);
	if (effects->what & WORK_EFFECTS)
		worker_kick(vm->worker);
}

int vsva_viommu_read(struct vsva_vm *vm, uint32_t offset, unsigned size, uint64_t *value)
{
	int err;

	lock_take(&vm->regs_lock);
	err = vtd_regfile_read(&vm->regs, offset, size, value);
	lock_drop(&vm->regs_lock);
	return err;
}

int vsva_viommu_write(struct vsva_vm *vm, uint32_t offset, unsigned size, uint64_t value)
{
	struct vtd_effects effects = {0};
	int err;

	lock_take(&vm->regs_lock);
	err = vtd_regfile_write(&vm->regs, offset, size, value, &effects);
	if (effects.what & COMMANDS)
		set_pending(vm, vm->pending_commands | (effects.what & COMMANDS));
	lock_drop(&vm->regs_lock);
	viommu_carry_out(vm, &effects);
	return err;
}

/* Commands */

static void latch_translation(struct vsva_vm *vm)
{
	lock_take(&vm->regs_lock);
	__atomic_store_n(&vm->root, vtd_regfile_root(&vm->regs), __ATOMIC_RELAXED);
	vm->enabled = vtd_regfile_translation_wanted(&vm->regs);
	lock_drop(&vm->regs_lock);
}

static void complete_commands(struct vsva_vm *vm, uint32_t which)
{
	lock_take(&vm->regs_lock);
	vtd_regfile_complete_gcmd(&vm->regs, which);
	set_pending(vm, vm->pending_commands & ~which);
	lock_drop(&vm->regs_lock);
}

/* A new root table or TE changes what every device may do: everything is read again, and the
 * command completes when that is done (VT-d 11.4.4, ESRTPS=1). */
static bool run_translation_command(struct vsva_vm *vm, uint32_t which)
{
	if (!vm->gcmd_scanning) {
		latch_translation(vm);
		for (struct vsva_assigned *a = vm->devices; a; a = a->next) {
			shadow_schedule_scan(a);
			shadow_sync_context(a);
		}
		vm->gcmd_scanning = true;
	}
	if (shadow_scan_some(vm))
		return false;
	vm->gcmd_scanning = false;
	complete_commands(vm, which);
	return true;
}

static unsigned vcmd_alloc(struct vsva_vm *vm, gpasid_t *guest)
{
	hpasid_t host = {0};

	VM_COUNT(vm, vcmd_allocs);
	if (pasid_map_vcmd_alloc(vm, guest))
		return VTD_VCMD_NO_PASID;
	pasid_map_lookup(vm, *guest, &host);
	LOG_LIMITED(LOG_INFO, VSVA_CODE_NONE,
		    "%s: virtual command gave guest PASID %u (host PASID %u)", vm->name, guest->v,
		    host.v);
	return VTD_VCMD_OK;
}

static unsigned vcmd_free(struct vsva_vm *vm, gpasid_t guest)
{
	VM_COUNT(vm, vcmd_frees);
	return pasid_map_vcmd_free(vm, guest) ? VTD_VCMD_INVALID_PASID : VTD_VCMD_OK;
}

static unsigned execute_vcmd(struct vsva_vm *vm, unsigned command, uint64_t operand,
			     gpasid_t *guest)
{
	switch (command) {
	case VTD_VCMD_NULL:
		return VTD_VCMD_OK;
	case VTD_VCMD_ALLOC_PASID:
		return vcmd_alloc(vm, guest);
	case VTD_VCMD_FREE_PASID:
		*guest = gpasid((uint32_t)operand & VSVA_PASID_MAX);
		return vcmd_free(vm, *guest);
	default:
		return VTD_VCMD_UNDEFINED;
	}
}

static void run_vcmd(struct vsva_vm *vm)
{
	gpasid_t guest = {0};
	unsigned command, status;
	uint64_t operand;

	lock_take(&vm->regs_lock);
	vtd_regfile_vcmd(&vm->regs, &command, &operand);
	lock_drop(&vm->regs_lock);
	status = execute_vcmd(vm, command, operand, &guest);
	TRACE(vm->seams->trace, VMM, VIOMMU_VCMD, .vm = vm->number, .gpasid = guest,
	      .value = command, .result = (int)status);
	lock_take(&vm->regs_lock);
	set_pending(vm, vm->pending_commands & ~(uint32_t)VTD_FX_VCMD);
	vtd_regfile_complete_vcmd(&vm->regs, status,
				  command == VTD_VCMD_ALLOC_PASID && !status ? guest.v : 0);
	lock_drop(&vm->regs_lock);
}

/* The worker */

/* The queue is disabled when it has run empty (VT-d 6.5.2), or stands still. */
static uint32_t without_early_disable(struct vsva_vm *vm, uint32_t which)
{
	bool runs_on;

	lock_take(&vm->regs_lock);
	runs_on = !vtd_regfile_queue_wanted(&vm->regs) && vtd_regfile_iq_fetch_allowed(&vm->regs);
	lock_drop(&vm->regs_lock);
	return runs_on ? which & ~(uint32_t)VTD_FX_QIE : which;
}

static void run_other_commands(struct vsva_vm *vm)
{
	uint32_t which = pending(vm, OTHER_COMMANDS);

	if (which & VTD_FX_QIE)
		which = without_early_disable(vm, which);
	if (which)
		complete_commands(vm, which);
}

/* true: go on to the queue. */
static bool run_commands(struct vsva_vm *vm)
{
	uint32_t which = pending(vm, COMMANDS);

	if (which & VTD_FX_VCMD)
		run_vcmd(vm);
	if (which & TRANSLATION_COMMANDS &&
	    !run_translation_command(vm, which & TRANSLATION_COMMANDS))
		return false;
	run_other_commands(vm);
	return true;
}

static bool run(void *arg)
{
	struct vsva_vm *vm = arg;
	bool more = true;

	lock_take(&vm->lock);
	vm->work_left = VSVA_LIMIT_SHADOW_READS_PER_RUN;
	if (run_commands(vm)) {
		more = viommu_run_queue(vm);
		run_other_commands(vm);
	}
	lock_drop(&vm->lock);
	worker_pool_notify(vm->seams->pool);
	return more;
}

/* Life */

int viommu_init(struct vsva_vm *vm, const struct vsva_vm_options *options)
{
	struct vsva_iommu_caps host;
	struct vtd_regfile_config config = {0};

	vsva_iommu_get_caps(vm->iommu, &host);
	config.ver = VIOMMU_VERSION;
	config.cap = make_cap(&host, options);
	config.ecap = make_ecap(&host, options);
	/* Bit 0 too: Linux 5.10 and 6.1 look for PASID allocation there. */
	config.vccap = options->no_vcmd ? 0 : VTD_VCCAP_NS | VTD_VCCAP_PAS | VTD_VCCAP_FPS;
	vm->rules = (struct vtd_rules){.cap = config.cap, .ecap = config.ecap, .haw = VIOMMU_HAW};
	vm->msi = options->msi;
	vm->msi_arg = options->msi_arg;
	CHECK(vtd_regfile_init(&vm->regs, &config) == 0);
	vm->worker = worker_create(vm->seams->pool, "vIOMMU", run, vm);
	return vm->worker ? 0 : -ENOMEM;
}

void viommu_fini(struct vsva_vm *vm)
{
	worker_destroy(vm->worker);
	vm->worker = NULL;
}

void vsva_vm_reset(struct vsva_vm *vm)
{
	lock_take(&vm->lock);
	lock_take(&vm->regs_lock);
	vtd_regfile_reset(&vm->regs);
	set_pending(vm, 0);
	lock_drop(&vm->regs_lock);
	vm->gcmd_scanning = false;
	vm->enabled = false;
	__atomic_store_n(&vm->root, 0, __ATOMIC_RELAXED);
	for (struct vsva_assigned *a = vm->devices; a; a = a->next) {
		vsva_assigned_reset(a);
		shadow_drop_all(a, VSVA_RID_SECOND_STAGE);
		shadow_sync_context(a);
	}
	pasid_map_vcmd_free_all(vm);
	lock_drop(&vm->lock);
}
