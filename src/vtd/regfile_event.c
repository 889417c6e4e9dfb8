/* SPDX-License-Identifier: MIT */
/* What the unit reports: events and their messages, fault records, page requests. */
#include <errno.h>

#include "vtd/regfile_impl.h"

/* Events, VT-d 7.3: the same logic for three sources */

/* IM and IP, data and address lie alike in all three. */
static const struct source {
	uint16_t status, control, data, address, upper;
	uint32_t status_bits;
} sources[VTD_EVENT_SOURCE_COUNT] = {
	[VTD_EVENT_FAULT] = {VTD_REG_FSTS, VTD_REG_FECTL, VTD_REG_FEDATA, VTD_REG_FEADDR,
			     VTD_REG_FEUADDR,
			     VTD_FSTS_PFO | VTD_FSTS_PPF | VTD_FSTS_IQE | VTD_FSTS_ICE |
				     VTD_FSTS_ITE},
	[VTD_EVENT_COMPLETION] = {VTD_REG_ICS, VTD_REG_IECTL, VTD_REG_IEDATA, VTD_REG_IEADDR,
				  VTD_REG_IEUADDR, VTD_ICS_IWC},
	[VTD_EVENT_PAGE] = {VTD_REG_PRS, VTD_REG_PECTL, VTD_REG_PEDATA, VTD_REG_PEADDR,
			    VTD_REG_PEUADDR, VTD_PRS_PPR | VTD_PRS_PRO},
};

static void add_message(struct vtd_effects *fx, struct vtd_msi msi)
{
	unsigned at = 0;

	while (at < fx->msi_count && fx->msi[at].source != msi.source)
		at++;
	fx->msi[at] = msi;
	if (at == fx->msi_count)
		fx->msi_count++;
	fx->what |= VTD_FX_MSI;
}

/* IP=1: send the message and clear IP, unless masked. */
static void deliver(struct vtd_regfile *rf, enum vtd_event_source from, struct vtd_effects *fx)
{
	const struct source *source = &sources[from];
	uint32_t control = regfile_get32(rf, source->control);

	if (!vtd_FECTL_IP(control) || vtd_FECTL_IM(control))
		return;
	regfile_clear32(rf, source->control, VTD_FECTL_IP);
	add_message(fx, (struct vtd_msi){
				.addr = regfile_get32(rf, source->address) |
					(uint64_t)regfile_get32(rf, source->upper) << 32,
				.data = regfile_get32(rf, source->data),
				.source = from,
			});
}

/* Another status bit while one is set is no new event: software has not served the first. */
void regfile_raise(struct vtd_regfile *rf, enum vtd_event_source from, uint64_t bits,
		   struct vtd_effects *fx)
{
	const struct source *source = &sources[from];
	bool was_pending = (regfile_get32(rf, source->status) & source->status_bits) != 0;

	regfile_set32(rf, source->status, bits);
	if (was_pending)
		return;
	regfile_set32(rf, source->control, VTD_FECTL_IP);
	deliver(rf, from, fx);
}

/* Software has served everything: a message that was held back is not sent any more. */
static void status_cleared(struct vtd_regfile *rf, enum vtd_event_source from)
{
	const struct source *source = &sources[from];

	if (!(regfile_get32(rf, source->status) & source->status_bits))
		regfile_clear32(rf, source->control, VTD_FECTL_IP);
}

void regfile_fectl_written(struct vtd_regfile *rf, struct regfile_write write,
			   struct vtd_effects *fx)
{
	(void)write;
	deliver(rf, VTD_EVENT_FAULT, fx);
}

void regfile_iectl_written(struct vtd_regfile *rf, struct regfile_write write,
			   struct vtd_effects *fx)
{
	(void)write;
	deliver(rf, VTD_EVENT_COMPLETION, fx);
}

void regfile_pectl_written(struct vtd_regfile *rf, struct regfile_write write,
			   struct vtd_effects *fx)
{
	(void)write;
	deliver(rf, VTD_EVENT_PAGE, fx);
}

void regfile_ics_written(struct vtd_regfile *rf, struct regfile_write write, struct vtd_effects *fx)
{
	(void)write;
	(void)fx;
	status_cleared(rf, VTD_EVENT_COMPLETION);
}

/* What IQERCD says is valid only while the status bit is set. */
static void forget_cleared_errors(struct vtd_regfile *rf)
{
	uint64_t fsts = regfile_get32(rf, VTD_REG_FSTS);
	uint64_t iqercd = regfile_get64(rf, VTD_REG_IQERCD);

	if (!vtd_FSTS_IQE(fsts))
		iqercd = vtd_IQERCD_with_IQEI(iqercd, 0);
	if (!vtd_FSTS_ITE(fsts))
		iqercd = vtd_IQERCD_with_ITESID(iqercd, 0);
	if (!vtd_FSTS_ICE(fsts))
		iqercd = vtd_IQERCD_with_ICESID(iqercd, 0);
	regfile_put64(rf, VTD_REG_IQERCD, iqercd);
}

void regfile_fsts_written(struct vtd_regfile *rf, struct regfile_write write,
			  struct vtd_effects *fx)
{
	forget_cleared_errors(rf);
	status_cleared(rf, VTD_EVENT_FAULT);
	if (write.value & (VTD_FSTS_IQE | VTD_FSTS_ITE))
		regfile_iq_kick(rf, VTD_FX_QUEUE_RESUME, fx);
}

/* Fault records, VT-d 7.2.1 */

static unsigned frcd_high(const struct vtd_regfile *rf, unsigned index)
{
	return vtd_frcd_offset(rf->config.cap, index) + 8;
}

static bool frcd_is_used(const struct vtd_regfile *rf, unsigned index)
{
	return regfile_get64(rf, frcd_high(rf, index)) >> 63;
}

static bool any_frcd_is_used(const struct vtd_regfile *rf)
{
	for (unsigned i = 0; i < vtd_frcd_count(rf->config.cap); i++)
		if (frcd_is_used(rf, i))
			return true;
	return false;
}

/* PPF is the OR of all F. */
void regfile_frcd_written(struct vtd_regfile *rf, struct regfile_write write,
			  struct vtd_effects *fx)
{
	(void)write;
	(void)fx;
	if (any_frcd_is_used(rf))
		return;
	regfile_clear32(rf, VTD_REG_FSTS, VTD_FSTS_PPF);
	status_cleared(rf, VTD_EVENT_FAULT);
}

static void write_frcd(struct vtd_regfile *rf, unsigned index,
		       const struct vtd_fault_record *record)
{
	struct vtd_fault_record written = *record;

	vtd_fault_record_set_F(&written, 1);
	regfile_put64(rf, frcd_high(rf, index) - 8, written.q[0]);
	regfile_put64(rf, frcd_high(rf, index), written.q[1]);
}

bool vtd_regfile_record_fault(struct vtd_regfile *rf, const struct vtd_fault_record *record,
			      struct vtd_effects *fx)
{
	uint64_t fsts = regfile_get32(rf, VTD_REG_FSTS);
	unsigned index = rf->fault_index;

	if (vtd_FSTS_PFO(fsts))
		return false;
	if (frcd_is_used(rf, index)) {
		regfile_set32(rf, VTD_REG_FSTS, VTD_FSTS_PFO);
		return false;
	}
	write_frcd(rf, index, record);
	rf->fault_index = (index + 1) % vtd_frcd_count(rf->config.cap);
	if (vtd_FSTS_PPF(fsts))
		return true;
	regfile_put32(rf, VTD_REG_FSTS, vtd_FSTS_with_FRI(fsts, index));
	regfile_raise(rf, VTD_EVENT_FAULT, VTD_FSTS_PPF, fx);
	return true;
}

/* Page request queue */

enum { PRQ_SLOT_LEN = 32 };

static uint64_t prq_mask(const struct vtd_regfile *rf)
{
	return (UINT64_C(4096) << vtd_PQA_PQS(regfile_get64(rf, VTD_REG_PQA))) - 1;
}

static uint64_t prq_head(const struct vtd_regfile *rf)
{
	return regfile_get64(rf, VTD_REG_PQH) & prq_mask(rf);
}

static uint64_t prq_tail(const struct vtd_regfile *rf)
{
	return regfile_get64(rf, VTD_REG_PQT) & prq_mask(rf);
}

static uint64_t prq_next_tail(const struct vtd_regfile *rf)
{
	return (prq_tail(rf) + PRQ_SLOT_LEN) & prq_mask(rf);
}

bool vtd_regfile_prq_is_empty(const struct vtd_regfile *rf)
{
	return prq_head(rf) == prq_tail(rf);
}

int vtd_regfile_prq_reserve(struct vtd_regfile *rf, uint64_t *slot_address, struct vtd_effects *fx)
{
	if (!vtd_ECAP_PRS(rf->config.ecap))
		return -ENODEV;
	if (regfile_get32(rf, VTD_REG_PRS) & VTD_PRS_PRO)
		return -ENOSPC;
	if (prq_next_tail(rf) == prq_head(rf)) {
		regfile_raise(rf, VTD_EVENT_PAGE, VTD_PRS_PRO, fx);
		return -ENOSPC;
	}
	*slot_address = vtd_PQA_PQA(regfile_get64(rf, VTD_REG_PQA)) + prq_tail(rf);
	return 0;
}

void vtd_regfile_prq_commit(struct vtd_regfile *rf, struct vtd_effects *fx)
{
	regfile_put64(rf, VTD_REG_PQT, prq_next_tail(rf));
	regfile_raise(rf, VTD_EVENT_PAGE, VTD_PRS_PPR, fx);
}

void regfile_pqh_written(struct vtd_regfile *rf, struct regfile_write write, struct vtd_effects *fx)
{
	(void)rf;
	(void)write;
	fx->what |= VTD_FX_PRQ_HEAD;
}

void regfile_prs_written(struct vtd_regfile *rf, struct regfile_write write, struct vtd_effects *fx)
{
	status_cleared(rf, VTD_EVENT_PAGE);
	if (write.value & VTD_PRS_PRO)
		fx->what |= VTD_FX_PRQ_HEAD;
}
