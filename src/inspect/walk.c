// SPDX-License-Identifier: MIT
/* From the registers to the PASID entry. VT-d 3.4, 7.1.3, 9.1 to 9.6 */
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

static bool read_table(struct walk *walk, enum vsva_walk_kind kind, uint64_t at, unsigned words,
		       uint64_t *out)
{
	return walk_read(walk,
			 (struct vsva_walk_step){
				 .kind = kind,
				 .at = at,
				 .at_host = at,
				 .words = (uint8_t)words,
			 },
			 out);
}

/* The first word of an entry with a reserved bit. */
static bool stop_reserved_words(struct walk *walk, struct reason reason, const uint64_t *entry,
				const uint64_t *mask, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		if (!walk_stop_reserved(walk, reason, entry[i] & mask[i], i))
			return false;
	return true;
}

static bool has_pasid(const struct walk *walk)
{
	return walk->request->pasid != VSVA_PASID_INVALID;
}

static void take_second_stage(struct walk *walk, uint64_t root, unsigned aw)
{
	walk->second_root = root;
	walk->second_levels = vtd_aw_levels(aw);
	walk->input_bits = vtd_ss_input_bits(walk->unit->cap, aw);
}

/* Interrupt writes, VT-d 3.14 */

static bool is_interrupt_address(uint64_t address)
{
	return address >> 20 == 0xfee;
}

/* Devices ask for translations of their interrupt writes too. */
static bool is_interrupt_query(const struct walk *walk)
{
	return walk->is_ats && !has_pasid(walk) && is_interrupt_address(walk->request->address);
}

static bool answer_interrupt_query(struct walk *walk)
{
	struct vsva_walk_result *result = walk->result;

	if (!walk->wants_write)
		return true;
	result->output = walk->request->address;
	result->page_lg2 = VTD_PAGE_SHIFT;
	result->can_write = result->is_user = result->untranslated_only = true;
	return true;
}

static void pass_unchanged(struct vsva_walk_result *result, uint64_t address, bool interrupt)
{
	result->output = address;
	result->page_lg2 = VTD_PAGE_SHIFT;
	result->can_read = !interrupt;
	result->can_write = result->is_user = true;
	result->interrupt = interrupt;
}

/* Legacy mode, VT-d 9.1 and 9.3 */

static bool judge_legacy_context(struct walk *walk, const struct vtd_legacy_context *entry)
{
	unsigned tt = (unsigned)vtd_legacy_context_TT(entry);
	unsigned aw = (unsigned)vtd_legacy_context_AW(entry);
	struct vtd_legacy_context mask = vtd_legacy_context_reserved_for(&walk->rules, tt);

	walk->result->fpd = vtd_legacy_context_FPD(entry);
	if (!vtd_legacy_context_P(entry))
		return walk_stop(walk, REASON(CTX_ABSENT, SCT_2, LCT_2));
	if (!stop_reserved_words(walk, REASON(CTX_RESERVED, SCT_3, LCT_3), entry->q, mask.q, 2))
		return false;
	if (!vtd_aw_is_supported(aw, walk->unit->cap))
		return walk_stop(walk, REASON(CTX_WIDTH, SCT_4, LCT_4));
	if (tt == VTD_TT_RESERVED ||
	    (tt == VTD_TT_SECOND_STAGE_ATS && !vtd_ECAP_DT(walk->unit->ecap)) ||
	    (tt == VTD_TT_PASS_THROUGH && !vtd_ECAP_PT(walk->unit->ecap)))
		return walk_stop(walk, REASON(CTX_TYPE, SCT_4, LCT_4));
	if (tt != VTD_TT_SECOND_STAGE_ATS && walk->is_ats)
		return walk_stop(walk, REASON(DTE_OFF, SCT_5, LCT_5));
	take_second_stage(walk, vtd_legacy_context_SSPTPTR(entry), aw);
	walk->pgtt = tt == VTD_TT_PASS_THROUGH ? VTD_PGTT_PASS_THROUGH : VTD_PGTT_SECOND_STAGE;
	return true;
}

static bool find_legacy_context(struct walk *walk, uint64_t root)
{
	rid_t rid = walk->request->rid;
	struct vtd_root_entry top, mask = vtd_legacy_root_reserved_for(&walk->rules);
	struct vtd_legacy_context entry;

	if (!read_table(walk, VSVA_WALK_LEGACY_ROOT, root + vtd_root_index(rid) * sizeof(top), 2,
			top.q))
		return walk_stop(walk, REASON(ROOT_UNREADABLE, SRT_1, LRT_1));
	if (!vtd_legacy_root_P(&top))
		return walk_stop(walk, REASON(ROOT_ABSENT, SRT_2, LRT_2));
	if (!stop_reserved_words(walk, REASON(ROOT_RESERVED, SRT_3, LRT_3), top.q, mask.q, 2))
		return false;
	if (!read_table(walk, VSVA_WALK_LEGACY_CONTEXT,
			vtd_legacy_root_CTP(&top) + vtd_legacy_context_index(rid) * sizeof(entry),
			2, entry.q))
		return walk_stop(walk, REASON(CTX_UNREADABLE, SCT_1, LCT_1));
	return judge_legacy_context(walk, &entry);
}

static bool walk_legacy(struct walk *walk, uint64_t root)
{
	if (walk->is_pri)
		return walk_stop(walk, SAME(ROOT_LEGACY_PRI, RTA_3));
	if (has_pasid(walk))
		return walk_stop(walk, SAME(ROOT_NOT_SCALABLE, RTA_2));
	if (!find_legacy_context(walk, root))
		return false;
	return is_interrupt_query(walk) ? answer_interrupt_query(walk) : walk_page(walk);
}

/* Scalable mode, VT-d 9.2 and 9.4 */

static bool judge_context(struct walk *walk, const struct vtd_context_entry *entry)
{
	struct vtd_context_entry mask = vtd_context_entry_reserved_for(&walk->rules);

	walk->result->fpd = vtd_context_entry_FPD(entry);
	if (!vtd_context_entry_P(entry))
		return walk_stop(walk, SAME(CTX_ABSENT, SCT_2));
	if (!stop_reserved_words(walk, SAME(CTX_RESERVED, SCT_3), entry->q, mask.q, 4))
		return false;
	if (vtd_context_entry_PRE(entry) && !vtd_context_entry_DTE(entry))
		return walk_stop(walk, SAME(CTX_PRE_WITHOUT_DTE, SCT_4));
	if (vtd_context_entry_RID_PASID(entry) >=
	    vtd_pasid_end((unsigned)vtd_context_entry_PDTS(entry)))
		return walk_stop(walk, SAME(CTX_RID_PASID, SCT_4));
	return true;
}

static bool find_context(struct walk *walk, uint64_t root, struct vtd_context_entry *entry)
{
	rid_t rid = walk->request->rid;
	uint64_t half, at;

	at = root + vtd_root_index(rid) * sizeof(struct vtd_root_entry);
	at += vtd_context_is_upper(rid) ? sizeof(half) : 0;
	if (!read_table(walk, VSVA_WALK_ROOT, at, 1, &half))
		return walk_stop(walk, SAME(ROOT_UNREADABLE, SRT_1));
	/* both halves are alike: P in bit 0, a table's address */
	if (!(half & 1))
		return walk_stop(walk, SAME(ROOT_ABSENT, SRT_2));
	if (!walk_stop_reserved(walk, SAME(ROOT_RESERVED, SRT_3),
				half & vtd_root_entry_half_reserved(&walk->rules), 0))
		return false;
	at = vtd_without(half, VSVA_PAGE_SIZE - 1) + vtd_context_index(rid) * sizeof(*entry);
	if (!read_table(walk, VSVA_WALK_CONTEXT, at, 4, entry->q))
		return walk_stop(walk, SAME(CTX_UNREADABLE, SCT_1));
	return judge_context(walk, entry);
}

/* Is this kind of request welcome at this context entry? */
static bool judge_admission(struct walk *walk, const struct vtd_context_entry *entry)
{
	uint32_t pasid = walk->request->pasid;

	if (walk->is_ats && !vtd_context_entry_DTE(entry))
		return walk_stop(walk, SAME(DTE_OFF, SCT_5));
	if (walk->is_pri && !vtd_context_entry_PRE(entry))
		return walk_stop(walk, SAME(PRE_OFF, SCT_8));
	if (!has_pasid(walk))
		return true;
	if (!vtd_context_entry_PASIDE(entry))
		return walk_stop(walk, SAME(PASIDE_OFF, SCT_6));
	if (!vtd_fits(pasid, (unsigned)vtd_ECAP_PSS(walk->unit->ecap) + 1))
		return walk_stop(walk, SAME(PASID_BEYOND_SIZE, SGN_10));
	if (pasid >= vtd_pasid_end((unsigned)vtd_context_entry_PDTS(entry)))
		return walk_stop(walk, SAME(PASID_BEYOND_DIRECTORY, SCT_7));
	if (pasid == vtd_context_entry_RID_PASID(entry))
		return walk_stop(walk, SAME(PASID_IS_RID_PASID, SCT_9));
	return true;
}

/* PASID directory and table, VT-d 9.5 and 9.6 */

static bool judge_types(struct walk *walk)
{
	uint64_t ecap = walk->unit->ecap;

	switch (walk->pgtt) {
	case VTD_PGTT_FIRST_STAGE:
		return vtd_ECAP_FSTS(ecap);
	case VTD_PGTT_SECOND_STAGE:
		return vtd_ECAP_SSTS(ecap);
	case VTD_PGTT_NESTED:
		return vtd_ECAP_NEST(ecap);
	case VTD_PGTT_PASS_THROUGH:
		return vtd_ECAP_PT(ecap);
	default:
		return false;
	}
}

static bool take_stages(struct walk *walk, const struct vtd_pasid_entry *entry)
{
	unsigned aw = (unsigned)vtd_pasid_entry_AW(entry);
	unsigned fspm = (unsigned)vtd_pasid_entry_FSPM(entry);

	if (walk->pgtt == VTD_PGTT_SECOND_STAGE || walk->pgtt == VTD_PGTT_NESTED) {
		if (!vtd_aw_is_supported(aw, walk->unit->cap))
			return walk_stop(walk, SAME(PE_WIDTH, SPT_4));
		take_second_stage(walk, vtd_pasid_entry_SSPTPTR(entry), aw);
		walk->ssade = vtd_pasid_entry_SSADE(entry);
	}
	if (walk->pgtt == VTD_PGTT_FIRST_STAGE || walk->pgtt == VTD_PGTT_NESTED) {
		if (fspm > VTD_FSPM_5_LEVEL ||
		    (fspm == VTD_FSPM_5_LEVEL && !vtd_CAP_FS5LP(walk->unit->cap)))
			return walk_stop(walk, SAME(PE_LEVELS, SPT_4));
		walk->first_levels = vtd_fspm_levels(fspm);
		walk->first_root = vtd_pasid_entry_FSPTPTR(entry);
		walk->wpe = vtd_pasid_entry_WPE(entry);
		walk->eafe = vtd_pasid_entry_EAFE(entry);
	}
	if (walk->pgtt == VTD_PGTT_NESTED && !vtd_fits(walk->first_root, walk->input_bits))
		return walk_stop(walk, SAME(PE_FIRST_BEYOND_WIDTH, SPT_4));
	return true;
}

/* Tables say only that an entry is absent; who knows the host knows why. */
static struct reason why_absent(const struct walk *walk)
{
	if (walk->request->known & VSVA_WALK_FREE_PENDING)
		return SAME(PASID_FREE_PENDING, SPT_2);
	if (walk->request->known & VSVA_WALK_DYING)
		return SAME(PASID_DYING, SPT_2);
	return SAME(PE_ABSENT, SPT_2);
}

static bool judge_pasid_entry(struct walk *walk, const struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_entry mask;

	walk->result->fpd = walk->result->fpd || vtd_pasid_entry_FPD(entry);
	if (!vtd_pasid_entry_P(entry))
		return walk_stop(walk, why_absent(walk));
	walk->pgtt = (unsigned)vtd_pasid_entry_PGTT(entry);
	mask = vtd_pasid_entry_reserved_for(&walk->rules, walk->pgtt);
	if (!stop_reserved_words(walk, SAME(PE_RESERVED, SPT_3), entry->q, mask.q, 8))
		return false;
	if (!judge_types(walk))
		return walk_stop(walk, SAME(PE_TYPE, SPT_4));
	walk->snooped = vtd_pasid_entry_PWSNP(entry);
	return take_stages(walk, entry);
}

static bool find_pasid_entry(struct walk *walk, uint64_t directory, uint32_t pasid,
			     struct vtd_pasid_entry *entry)
{
	struct vtd_pasid_dir_entry dir;

	if (!read_table(walk, VSVA_WALK_PASID_DIR,
			directory + vtd_pasid_dir_index(pasid) * sizeof(dir), 1, dir.q))
		return walk_stop(walk, SAME(DIR_UNREADABLE, SPD_1));
	walk->result->fpd = walk->result->fpd || vtd_pasid_dir_entry_FPD(&dir);
	if (!vtd_pasid_dir_entry_P(&dir))
		return walk_stop(walk, SAME(DIR_ABSENT, SPD_2));
	if (!walk_stop_reserved(walk, SAME(DIR_RESERVED, SPD_3),
				dir.q[0] & vtd_pasid_dir_entry_reserved_for(&walk->rules), 0))
		return false;
	if (!read_table(walk, VSVA_WALK_PASID_ENTRY,
			vtd_pasid_dir_entry_SMPTBLPTR(&dir) +
				vtd_pasid_table_index(pasid) * sizeof(*entry),
			8, entry->q))
		return walk_stop(walk, SAME(PE_UNREADABLE, SPT_1));
	return judge_pasid_entry(walk, entry);
}

static bool walk_scalable(struct walk *walk, uint64_t root)
{
	struct vtd_context_entry context;
	struct vtd_pasid_entry entry;
	uint32_t pasid = walk->request->pasid;

	if (!find_context(walk, root, &context) || !judge_admission(walk, &context))
		return false;
	if (is_interrupt_query(walk))
		return answer_interrupt_query(walk);
	walk->privileged = has_pasid(walk) ? walk->request->privileged
					   : vtd_context_entry_RID_PRIV(&context) != 0;
	if (!has_pasid(walk))
		pasid = (uint32_t)vtd_context_entry_RID_PASID(&context);
	if (!find_pasid_entry(walk, vtd_context_entry_PASIDDIRPTR(&context), pasid, &entry))
		return false;
	walk->result->pgtt = walk->pgtt;
	if (walk->is_pri)
		return true;
	if (has_pasid(walk) && walk->request->execute && !vtd_ECAP_ERS(walk->unit->ecap))
		return walk_stop(walk, SAME(EXEC_UNSUPPORTED, SPT_5));
	if (walk->privileged && !vtd_pasid_entry_SRE(&entry))
		return walk_stop(walk, SAME(PRIV_OFF, SPT_6));
	return walk_page(walk);
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

	if (!has_pasid(walk) && !walk->is_ats && !walk->is_pri) {
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
	bool plain = !walk.is_ats && !walk.is_pri && !has_pasid(&walk);

	memset(out, 0, sizeof(*out));
	out->stopped_at = -1;
	out->cause = why_not_sent(request);
	if (out->cause)
		out->response = VSVA_WALK_NOT_SENT;
	else if (plain && request->write && !request->read &&
		 is_interrupt_address(request->address))
		pass_unchanged(out, request->address, true);
	else if (!unit->translating)
		walk_disabled(&walk);
	else {
		walk_by_mode(&walk);
		conclude(&walk);
	}
}
