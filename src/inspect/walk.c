// SPDX-License-Identifier: MIT
/* What is written down; registers; what the device is told. VT-d 3.14, 7.1.3, 11.4 */
#include <string.h>

#include "inspect/walk_impl.h"

/* What is written down */

bool walk_stop_at(struct walk *walk, struct reason reason, int step)
{
	struct vsva_walk_result *result = walk->result;

	result->cause = reason.cause;
	result->fault = (uint8_t)(walk->scalable ? reason.scalable : reason.legacy);
	result->stopped_at = step;
	result->detail = 0;
	return false;
}

bool walk_stop(struct walk *walk, struct reason reason)
{
	return walk_stop_at(walk, reason, walk_last(walk));
}

bool walk_stop_reserved(struct walk *walk, struct reason reason, uint64_t bits, unsigned word)
{
	if (!bits)
		return true;
	walk_stop(walk, reason);
	walk->result->detail = bits;
	walk->result->detail_word = (uint8_t)word;
	return false;
}

int walk_last(const struct walk *walk)
{
	return (int)walk->result->step_count - 1;
}

struct vsva_walk_step *walk_step(struct walk *walk, const struct vsva_walk_step *step)
{
	struct vsva_walk_result *result = walk->result;

	if (walk->silent || result->step_count == VSVA_WALK_STEPS)
		return NULL;
	result->steps[result->step_count] = *step;
	return &result->steps[result->step_count++];
}

bool walk_read(struct walk *walk, struct vsva_walk_step step, uint64_t *words)
{
	size_t len = step.words * sizeof(*words);

	memset(words, 0, len);
	step.readable = walk->unit->read(walk->unit->arg, step.at_host, words, len);
	if (!step.readable)
		memset(words, 0, len);
	memcpy(step.raw, words, len);
	walk_step(walk, &step);
	return step.readable;
}

bool walk_update(struct walk *walk, uint64_t at, uint64_t bits)
{
	struct vsva_walk_result *result = walk->result;

	if (walk->unit->can_write && !walk->unit->can_write(walk->unit->arg, at))
		return false;
	for (unsigned i = 0; i < result->update_count; i++)
		if (result->updates[i].at == at) {
			result->updates[i].bits |= bits;
			return true;
		}
	if (result->update_count < VSVA_WALK_UPDATES)
		result->updates[result->update_count++] = (struct vsva_walk_update){at, bits};
	return true;
}

/* Interrupt writes, VT-d 3.14 */

static void pass_unchanged(struct vsva_walk_result *result, uint64_t address, bool interrupt)
{
	result->output = address;
	result->page_lg2 = VTD_PAGE_SHIFT;
	result->can_read = !interrupt;
	result->can_write = result->is_user = true;
	result->interrupt = interrupt;
}

/* Registers, VT-d 11.4.4 and 11.4.6 */

static void note_rtaddr(struct walk *walk)
{
	struct vsva_walk_step step = {
		.kind = VSVA_WALK_RTADDR,
		.readable = true,
		.at = VTD_REG_RTADDR,
		.at_host = VTD_REG_RTADDR,
		.words = 1,
		.raw = {walk->unit->rtaddr},
	};

	walk_step(walk, &step);
}

static bool walk_by_mode(struct walk *walk)
{
	uint64_t rtaddr = walk->unit->rtaddr, ecap = walk->unit->ecap;
	unsigned ttm = (unsigned)vtd_RTADDR_TTM(rtaddr);

	note_rtaddr(walk);
	walk->scalable = ttm == VTD_TTM_SCALABLE;
	if ((ttm == VTD_TTM_SCALABLE && !vtd_ECAP_SMTS(ecap)) ||
	    (ttm == VTD_TTM_ABORT_DMA && !vtd_ECAP_ADMS(ecap)) ||
	    (ttm != VTD_TTM_LEGACY && ttm != VTD_TTM_SCALABLE && ttm != VTD_TTM_ABORT_DMA))
		return walk_stop(walk, SAME(TTM_INVALID, RTA_1));
	if (ttm == VTD_TTM_ABORT_DMA)
		return walk_stop(walk, SAME(TTM_ABORT, RTA_4));
	return walk->scalable ? walk_scalable(walk, vtd_RTADDR_RTA(rtaddr))
			      : walk_legacy(walk, vtd_RTADDR_RTA(rtaddr));
}

/* The outcome, VT-d 7.1.3 */

static enum vsva_walk_response page_request_response(const struct walk *walk)
{
	if (!walk->result->cause)
		return VSVA_WALK_SUCCESS;
	return walk->request->last ? VSVA_WALK_INVALID_REQUEST : VSVA_WALK_NO_ANSWER;
}

static enum vsva_walk_response response_to_fault(const struct walk *walk)
{
	static const enum vsva_walk_response responses[] = {
		[VTD_RESP_NONE] = VSVA_WALK_SUCCESS,
		[VTD_RESP_UR] = VSVA_WALK_UNSUPPORTED_REQUEST,
		[VTD_RESP_CA] = VSVA_WALK_COMPLETER_ABORT,
		[VTD_RESP_S0] = VSVA_WALK_NO_RIGHTS,
		[VTD_RESP_SE] = VSVA_WALK_SOME_RIGHTS,
	};
	const struct vtd_fault_info *info = vtd_fault_info((enum vtd_fault)walk->result->fault);

	if (walk->is_pri)
		return page_request_response(walk);
	if (!walk->result->cause)
		return VSVA_WALK_SUCCESS;
	return walk->is_ats && info ? responses[info->translation] : VSVA_WALK_UNSUPPORTED_REQUEST;
}

static bool is_recorded(const struct walk *walk)
{
	enum vtd_fault fault = (enum vtd_fault)walk->result->fault;

	if (!fault || (walk->result->fpd && vtd_fault_is_qualified(fault)))
		return false;
	return !walk->is_ats || vtd_fault_is_recorded_for_translation(fault);
}

static void conclude(struct walk *walk)
{
	struct vsva_walk_result *result = walk->result;

	result->response = response_to_fault(walk);
	result->recorded = is_recorded(walk);
	result->translated = true;
	if (result->cause && result->stopped_at >= 0)
		result->steps[result->stopped_at].cause = result->cause;
}

/* Before the unit */

static enum vsva_code why_not_sent(const struct vsva_walk_request *request)
{
	unsigned known = request->known;

	if (known & VSVA_WALK_DEVICE_GONE)
		return VSVA_CODE_DEVICE_GONE;
	if (known & VSVA_WALK_BUS_MASTER_OFF)
		return VSVA_CODE_BUS_MASTER_OFF;
	if ((known & VSVA_WALK_PASID_OFF) && request->pasid != VSVA_PASID_INVALID)
		return VSVA_CODE_FUNCTION_PASID_OFF;
	if ((known & VSVA_WALK_ATS_OFF) && request->type != VSVA_WALK_UNTRANSLATED)
		return VSVA_CODE_FUNCTION_ATS_OFF;
	if ((known & VSVA_WALK_PRI_OFF) && request->type == VSVA_WALK_PAGE_REQUEST)
		return VSVA_CODE_FUNCTION_PRI_OFF;
	return VSVA_CODE_NONE;
}

static struct walk begin(const struct vsva_walk_unit *unit, const struct vsva_walk_request *request,
			 struct vsva_walk_result *out)
{
	struct walk walk = {.unit = unit, .request = request, .result = out};

	walk.rules = (struct vtd_rules){unit->cap, unit->ecap, unit->haw};
	walk.is_ats = request->type == VSVA_WALK_TRANSLATION;
	walk.is_pri = request->type == VSVA_WALK_PAGE_REQUEST;
	walk.wants_read = walk.is_ats || request->read || !request->write;
	/* without NWFS a translation request cannot say that it will not write, VT-d 4.1.3 */
	walk.wants_write = request->write || (walk.is_ats && !vtd_ECAP_NWFS(unit->ecap));
	return walk;
}

/* VT-d 3.2: TE=0 lets plain requests pass and refuses all others, without a fault */
static void walk_disabled(struct walk *walk)
{
	struct vsva_walk_result *result = walk->result;

	if (!walk_has_pasid(walk) && !walk->is_ats && !walk->is_pri) {
		pass_unchanged(result, walk->request->address, false);
		return;
	}
	result->cause = VSVA_CODE_TRANSLATION_OFF;
	result->response =
		walk->is_pri ? page_request_response(walk) : VSVA_WALK_UNSUPPORTED_REQUEST;
}

void vsva_walk(const struct vsva_walk_unit *unit, const struct vsva_walk_request *request,
	       struct vsva_walk_result *out)
{
	struct walk walk = begin(unit, request, out);
	bool plain = !walk.is_ats && !walk.is_pri && !walk_has_pasid(&walk);

	memset(out, 0, sizeof(*out));
	out->stopped_at = -1;
	out->cause = why_not_sent(request);
	if (out->cause)
		out->response = VSVA_WALK_NOT_SENT;
	else if (plain && request->write && !request->read &&
		 walk_is_interrupt_address(request->address))
		pass_unchanged(out, request->address, true);
	else if (!unit->translating)
		walk_disabled(&walk);
	else {
		walk_by_mode(&walk);
		conclude(&walk);
	}
}
