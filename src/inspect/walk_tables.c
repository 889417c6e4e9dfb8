// SPDX-License-Identifier: MIT
/* From the root table to the PASID entry. VT-d 3.4, 9.1 to 9.6 */
#include "inspect/walk_impl.h"

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

static void take_second_stage(struct walk *walk, uint64_t root, unsigned aw)
{
	walk->second_root = root;
	walk->second_levels = vtd_aw_levels(aw);
	walk->input_bits = vtd_ss_input_bits(walk->unit->cap, aw);
}

/* Interrupt writes, VT-d 3.14 */

/* Devices ask for translations of their interrupt writes too. */
static bool is_interrupt_query(const struct walk *walk)
{
	return walk->is_ats && !walk_has_pasid(walk) &&
	       walk_is_interrupt_address(walk->request->address);
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

bool walk_legacy(struct walk *walk, uint64_t root)
{
	if (walk->is_pri)
		return walk_stop(walk, SAME(ROOT_LEGACY_PRI, RTA_3));
	if (walk_has_pasid(walk))
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
	if (!walk_has_pasid(walk))
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
	if (!vtd_pgtt_is_supported(walk->pgtt, walk->unit->ecap))
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

bool walk_scalable(struct walk *walk, uint64_t root)
{
	struct vtd_context_entry context;
	struct vtd_pasid_entry entry;
	uint32_t pasid = walk->request->pasid;

	if (!find_context(walk, root, &context) || !judge_admission(walk, &context))
		return false;
	if (is_interrupt_query(walk))
		return answer_interrupt_query(walk);
	walk->privileged = walk_has_pasid(walk) ? walk->request->privileged
						: vtd_context_entry_RID_PRIV(&context) != 0;
	if (!walk_has_pasid(walk))
		pasid = (uint32_t)vtd_context_entry_RID_PASID(&context);
	if (!find_pasid_entry(walk, vtd_context_entry_PASIDDIRPTR(&context), pasid, &entry))
		return false;
	walk->result->pgtt = walk->pgtt;
	if (walk->is_pri)
		return true;
	if (walk_has_pasid(walk) && walk->request->execute && !vtd_ECAP_ERS(walk->unit->ecap))
		return walk_stop(walk, SAME(EXEC_UNSUPPORTED, SPT_5));
	if (walk->privileged && !vtd_pasid_entry_SRE(&entry))
		return walk_stop(walk, SAME(PRIV_OFF, SPT_6));
	return walk_page(walk);
}
