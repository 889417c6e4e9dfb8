// SPDX-License-Identifier: MIT
/*
 * Register access, and the commands that it starts. VT-d 10.4, 11.4.
 *
 * A command of GCMD is completed (its bit in GSTS changes) only when everything that it stands for
 * has happened, with in-flight requests drained; until then the register file refuses the next one.
 */
#include "hw/registers.h"

#include <errno.h>

#include "base/log.h"
#include "base/sched.h"
#include "hw/invalidate.h"
#include "hw/queue.h"

void registers_send(struct unit *unit, const struct vtd_effects *fx)
{
	for (unsigned i = 0; i < fx->msi_count; i++)
		if (unit->config.msi)
			unit->config.msi(unit->config.arg, fx->msi[i].addr, fx->msi[i].data);
}

void registers_record_fault(struct unit *unit, const struct vtd_fault_record *record)
{
	struct vtd_effects fx = {0};

	SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "FRCD", 0);
	SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "FSTS", 0);
	registers_lock(unit);
	vtd_regfile_record_fault(&unit->registers, record, &fx);
	registers_unlock(unit);
	registers_send(unit, &fx);
}

int unit_mmio_read(struct unit *unit, uint32_t offset, unsigned size, uint64_t *value)
{
	int err;

	registers_lock(unit);
	err = vtd_regfile_read(&unit->registers, offset, size, value);
	registers_unlock(unit);
	return err;
}

/* Root and translation enable */

/* Requests that begin now see it; those under way end with the next grace period. */
static void publish_root(struct unit *unit)
{
	uint64_t word;

	registers_lock(unit);
	word = vtd_regfile_root(&unit->registers) & (VTD_RTADDR_RTA | VTD_RTADDR_TTM);
	if (vtd_regfile_translation_wanted(&unit->registers))
		word |= ROOT_TE;
	__atomic_store_n(&unit->root.word, word, __ATOMIC_RELEASE);
	registers_unlock(unit);
}

/* VT-d 11.4.4: in-flight requests are drained before RTPS or TES says so. A walk from the old
 * root may not leave anything behind a flush, hence first the root, then the flush. */
static void change_root(struct unit *unit, uint32_t what)
{
	publish_root(unit);
	if (what & VTD_FX_FLUSH_DMA)
		caches_remove_all(&unit->caches);
	else
		caches_pass(&unit->caches);
	rcu_synchronize();
}

/* Register-based invalidation, VT-d 6.5.1 */

static enum vtd_register_granularity invalidate_by_ccmd(struct unit *unit, uint64_t ccmd)
{
	uint16_t did = (uint16_t)vtd_CCMD_DID(ccmd);
	static const uint16_t masks[] = {0xffff, 0xfffb, 0xfff9, 0xfff8};

	switch (vtd_CCMD_CIRG(ccmd)) {
	case VTD_REQ_GLOBAL:
		invalidate_context_all(unit);
		return VTD_REQ_GLOBAL;
	case VTD_REQ_DOMAIN:
		invalidate_context_domain(unit, did);
		return VTD_REQ_DOMAIN;
	case VTD_REQ_DEVICE_OR_PAGE:
		invalidate_context_device(unit, did, rid((uint16_t)vtd_CCMD_SID(ccmd)),
					  masks[vtd_CCMD_FM(ccmd)]);
		return VTD_REQ_DEVICE_OR_PAGE;
	default:
		return VTD_REQ_NONE;
	}
}

static enum vtd_register_granularity invalidate_by_iotlb(struct unit *unit, uint64_t iotlb,
							 uint64_t iva)
{
	struct page_range range = {.addr = vtd_IVA_ADDR(iva),
				   .am = (unsigned)vtd_IVA_AM(iva),
				   .leaf_only = vtd_IVA_IH(iva) != 0};
	uint64_t requested = vtd_IOTLB_IIRG(iotlb);
	uint16_t did = (uint16_t)vtd_IOTLB_DID(iotlb);

	if (requested == VTD_REQ_DEVICE_OR_PAGE && !vtd_CAP_PSI(unit->config.cap))
		requested = VTD_REQ_DOMAIN;
	switch (requested) {
	case VTD_REQ_GLOBAL:
		invalidate_iotlb_all(unit);
		return VTD_REQ_GLOBAL;
	case VTD_REQ_DOMAIN:
		invalidate_iotlb_domain(unit, did);
		return VTD_REQ_DOMAIN;
	case VTD_REQ_DEVICE_OR_PAGE:
		if (range.am > vtd_CAP_MAMV(unit->config.cap))
			return VTD_REQ_NONE;
		invalidate_iotlb_pages(unit, did, &range);
		return VTD_REQ_DEVICE_OR_PAGE;
	default:
		return VTD_REQ_NONE;
	}
}

static void run_ccmd(struct unit *unit)
{
	enum vtd_register_granularity done;
	uint64_t ccmd;

	registers_lock(unit);
	ccmd = vtd_regfile_ccmd(&unit->registers);
	registers_unlock(unit);
	done = invalidate_by_ccmd(unit, ccmd);
	rcu_synchronize();
	registers_lock(unit);
	vtd_regfile_complete_ccmd(&unit->registers, done);
	registers_unlock(unit);
}

static void run_iotlb(struct unit *unit)
{
	enum vtd_register_granularity done;
	uint64_t iotlb, iva;

	registers_lock(unit);
	iotlb = vtd_regfile_iotlb(&unit->registers);
	iva = vtd_regfile_iva(&unit->registers);
	registers_unlock(unit);
	done = invalidate_by_iotlb(unit, iotlb, iva);
	rcu_synchronize();
	registers_lock(unit);
	vtd_regfile_complete_iotlb(&unit->registers, done);
	registers_unlock(unit);
}

/* Commands */

#define AT_ONCE                                                                                    \
	(VTD_FX_ROOT_LATCH | VTD_FX_TE | VTD_FX_IRT_LATCH | VTD_FX_IRE | VTD_FX_CFI | VTD_FX_WBF)
#define COMMANDS (AT_ONCE | VTD_FX_QIE | VTD_FX_VCMD)

/* Disabling the queue is completed by its runner, when it has drained it. */
static uint32_t commands_done_at_once(struct unit *unit, uint32_t what)
{
	uint32_t done = what & AT_ONCE;

	if ((what & VTD_FX_QIE) && vtd_regfile_queue_wanted(&unit->registers))
		done |= VTD_FX_QIE;
	return done;
}

static void complete_commands(struct unit *unit, uint32_t what)
{
	uint32_t done;

	registers_lock(unit);
	done = commands_done_at_once(unit, what);
	if (done)
		vtd_regfile_complete_gcmd(&unit->registers, done);
	if (what & VTD_FX_VCMD)
		vtd_regfile_complete_vcmd(&unit->registers, VTD_VCMD_UNDEFINED, 0);
	registers_unlock(unit);
}

static void carry_out(struct unit *unit, uint32_t what)
{
	if (what & (VTD_FX_ROOT_LATCH | VTD_FX_TE))
		change_root(unit, what);
	if (what & VTD_FX_CCMD)
		run_ccmd(unit);
	if (what & VTD_FX_IOTLB)
		run_iotlb(unit);
	if (what & COMMANDS)
		complete_commands(unit, what);
	if (what & (VTD_FX_IQ_TAIL | VTD_FX_QUEUE_RESUME | VTD_FX_QIE))
		queue_kick(unit);
	if (what & VTD_FX_GCMD_REFUSED)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_GCMD_IGNORED,
			    "unit: GCMD written with more than one change, or while a "
			    "command was pending: ignored");
}

int unit_mmio_write(struct unit *unit, uint32_t offset, unsigned size, uint64_t value)
{
	struct vtd_effects fx = {0};
	int err;

	registers_lock(unit);
	err = vtd_regfile_write(&unit->registers, offset, size, value, &fx);
	registers_unlock(unit);
	registers_send(unit, &fx);
	if (!err && fx.what)
		carry_out(unit, fx.what);
	return err;
}

/* Power-on state */

void unit_reset(struct unit *unit)
{
	registers_lock(unit);
	vtd_regfile_reset(&unit->registers);
	registers_unlock(unit);
	publish_root(unit);
	caches_remove_all(&unit->caches);
	rcu_synchronize();
}
