/* SPDX-License-Identifier: MIT */
/* The invalidation queue: head, tail, and the errors that stop it. VT-d 6.5.2 */
#include "vtd/regfile_impl.h"

uint64_t vtd_regfile_iq_base(const struct vtd_regfile *rf)
{
	return vtd_IQA_IQA(rf->iqa);
}

uint32_t vtd_regfile_iq_len(const struct vtd_regfile *rf)
{
	return UINT32_C(4096) << vtd_IQA_QS(rf->iqa);
}

bool vtd_regfile_iq_is_wide(const struct vtd_regfile *rf)
{
	return vtd_IQA_DW(rf->iqa) != 0;
}

uint32_t vtd_regfile_iq_head(const struct vtd_regfile *rf)
{
	return (uint32_t)vtd_IQH_QH(regfile_get64(rf, VTD_REG_IQH));
}

uint32_t vtd_regfile_iq_tail(const struct vtd_regfile *rf)
{
	return (uint32_t)vtd_IQT_QT(regfile_get64(rf, VTD_REG_IQT));
}

uint64_t vtd_regfile_iq_head_address(const struct vtd_regfile *rf)
{
	return vtd_regfile_iq_base(rf) + vtd_regfile_iq_head(rf);
}

static bool is_stopped(const struct vtd_regfile *rf)
{
	return (regfile_get32(rf, VTD_REG_FSTS) & (VTD_FSTS_IQE | VTD_FSTS_ITE)) != 0;
}

bool vtd_regfile_iq_fetch_allowed(const struct vtd_regfile *rf)
{
	return (regfile_get32(rf, VTD_REG_GSTS) & VTD_GSTS_QIES) && !is_stopped(rf) &&
	       vtd_regfile_iq_head(rf) != vtd_regfile_iq_tail(rf);
}

void vtd_regfile_iq_advance(struct vtd_regfile *rf, unsigned count)
{
	uint32_t slot = vtd_regfile_iq_is_wide(rf) ? 32 : 16;
	uint32_t next = (vtd_regfile_iq_head(rf) + count * slot) & (vtd_regfile_iq_len(rf) - 1);

	if (regfile_get32(rf, VTD_REG_GSTS) & VTD_GSTS_QIES)
		regfile_put64(rf, VTD_REG_IQH, next);
}

/* Tail */

static unsigned tail_error(const struct vtd_regfile *rf)
{
	uint32_t tail = vtd_regfile_iq_tail(rf);

	if (vtd_regfile_iq_is_wide(rf) && (tail & 16))
		return VTD_IQEI_MISALIGNED_TAIL;
	return tail >= vtd_regfile_iq_len(rf) ? VTD_IQEI_BAD_TAIL : VTD_IQEI_NONE;
}

/* Also while it is being disabled: the owner drains it up to the tail. */
static bool is_running(const struct vtd_regfile *rf)
{
	return (regfile_get32(rf, VTD_REG_GSTS) & VTD_GSTS_QIES) || vtd_regfile_queue_wanted(rf);
}

/* While the queue is stopped, tail writes start nothing: they are looked at when it goes on. */
void regfile_iq_kick(struct vtd_regfile *rf, uint32_t what, struct vtd_effects *fx)
{
	unsigned iqei = tail_error(rf);

	if (!is_running(rf) || is_stopped(rf))
		return;
	if (iqei)
		vtd_regfile_iq_error(rf, iqei, fx);
	else if (vtd_regfile_iq_head(rf) != vtd_regfile_iq_tail(rf))
		fx->what |= what;
}

void regfile_iqt_written(struct vtd_regfile *rf, struct regfile_write write, struct vtd_effects *fx)
{
	if (write.mask & VTD_IQT_QT)
		regfile_iq_kick(rf, VTD_FX_IQ_TAIL, fx);
}

/* Some guests enable the queue with descriptors in it: the tail counts. */
void regfile_iq_enable(struct vtd_regfile *rf, struct vtd_effects *fx)
{
	rf->iqa = regfile_get64(rf, VTD_REG_IQA);
	regfile_iq_kick(rf, VTD_FX_IQ_TAIL, fx);
}

void regfile_iq_disabled(struct vtd_regfile *rf)
{
	regfile_put64(rf, VTD_REG_IQH, 0);
}

/* Errors. IQERCD keeps what the first error said, for as long as its status bit is set. */

static bool is_set(const struct vtd_regfile *rf, uint64_t status)
{
	return (regfile_get32(rf, VTD_REG_FSTS) & status) != 0;
}

void vtd_regfile_iq_error(struct vtd_regfile *rf, unsigned iqei, struct vtd_effects *fx)
{
	uint64_t iqercd = regfile_get64(rf, VTD_REG_IQERCD);

	if (is_set(rf, VTD_FSTS_IQE))
		return;
	regfile_put64(rf, VTD_REG_IQERCD, vtd_IQERCD_with_IQEI(iqercd, iqei));
	regfile_raise(rf, VTD_EVENT_FAULT, VTD_FSTS_IQE, fx);
}

void vtd_regfile_iq_ite(struct vtd_regfile *rf, rid_t sid, struct vtd_effects *fx)
{
	uint64_t iqercd = regfile_get64(rf, VTD_REG_IQERCD);

	if (is_set(rf, VTD_FSTS_ITE))
		return;
	regfile_put64(rf, VTD_REG_IQERCD, vtd_IQERCD_with_ITESID(iqercd, sid.v));
	regfile_raise(rf, VTD_EVENT_FAULT, VTD_FSTS_ITE, fx);
}

void vtd_regfile_iq_ice(struct vtd_regfile *rf, rid_t sid, struct vtd_effects *fx)
{
	uint64_t iqercd = regfile_get64(rf, VTD_REG_IQERCD);

	if (is_set(rf, VTD_FSTS_ICE))
		return;
	regfile_put64(rf, VTD_REG_IQERCD, vtd_IQERCD_with_ICESID(iqercd, sid.v));
	regfile_raise(rf, VTD_EVENT_FAULT, VTD_FSTS_ICE, fx);
}

void vtd_regfile_wait_complete(struct vtd_regfile *rf, struct vtd_effects *fx)
{
	regfile_raise(rf, VTD_EVENT_COMPLETION, VTD_ICS_IWC, fx);
}
