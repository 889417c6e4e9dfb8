// SPDX-License-Identifier: MIT
#include "hw/tables.h"

/* Mode */

enum vtd_fault tables_check_mode(const struct lookup *lookup)
{
	unsigned ttm = root_ttm(lookup->root);

	if (!vtd_ttm_is_valid(ttm, lookup->rules->ecap))
		return VTD_FAULT_RTA_1;
	if (ttm == VTD_TTM_ABORT_DMA)
		return VTD_FAULT_RTA_4;
	if (ttm == VTD_TTM_LEGACY && lookup->kind == REQUEST_PAGE)
		return VTD_FAULT_RTA_3;
	if (ttm == VTD_TTM_LEGACY && lookup->pasid != VSVA_PASID_INVALID)
		return VTD_FAULT_RTA_2;
	return VTD_FAULT_NONE;
}

static bool is_legacy(const struct lookup *lookup)
{
	return root_ttm(lookup->root) == VTD_TTM_LEGACY;
}

/* Root entry, VT-d 9.1 */

static bool read_root(struct lookup *lookup, struct vtd_root_entry *entry)
{
	uint64_t table = vtd_RTADDR_RTA(lookup->root.word);

	return memory_read_pair_near(lookup->physmem, &lookup->near,
				     table + vtd_root_index(lookup->rid) * sizeof(*entry),
				     entry->q);
}

static enum vtd_fault legacy_context_address(struct lookup *lookup, uint64_t *address)
{
	struct vtd_root_entry root;

	if (!read_root(lookup, &root))
		return VTD_FAULT_LRT_1;
	if (!vtd_legacy_root_P(&root))
		return VTD_FAULT_LRT_2;
	if (vtd_legacy_root_has_reserved(&root, lookup->rules))
		return VTD_FAULT_LRT_3;
	*address = vtd_legacy_root_CTP(&root) +
		   vtd_legacy_context_index(lookup->rid) * sizeof(struct vtd_legacy_context);
	return VTD_FAULT_NONE;
}

static enum vtd_fault context_address(struct lookup *lookup, uint64_t *address)
{
	bool upper = vtd_context_is_upper(lookup->rid);
	struct vtd_root_entry root;
	uint64_t half;

	if (!read_root(lookup, &root))
		return VTD_FAULT_SRT_1;
	half = upper ? root.q[1] : root.q[0];
	if (!(upper ? vtd_root_entry_UP(&root) : vtd_root_entry_LP(&root)))
		return VTD_FAULT_SRT_2;
	if (half & lookup->masks->root_half)
		return VTD_FAULT_SRT_3;
	*address = (upper ? vtd_root_entry_UCTP(&root) : vtd_root_entry_LCTP(&root)) +
		   vtd_context_index(lookup->rid) * sizeof(struct vtd_context_entry);
	return VTD_FAULT_NONE;
}

/* Entries of several bursts */

/*
 * Reads count pieces of 16 bytes. The architecture promises software no more than that each piece
 * is read at once (VT-d 6.2.3.1), neither that the pieces are of one moment nor their order; but
 * for one thing: software that sets P last needs no invalidation (6.5.3.3), so the piece with P is
 * read first.
 */
static inline bool read_bursts(struct lookup *lookup, uint64_t address, uint64_t *q, unsigned count)
{
	unsigned second = 1;
	const uint64_t *p;

	if (!memory_at_near(lookup->physmem, &lookup->near, address, &p))
		return false;
	if (__builtin_expect(lookup->caches->policy == UNIT_CACHE_ADVERSARIAL, 0))
		second += (unsigned)caches_draw(lookup->caches, count - 1);
	memory_load_pair(p, q);
	for (unsigned i = second; i < count; i++)
		memory_load_pair(p + 2 * i, q + 2 * i);
	for (unsigned i = 1; i < second; i++)
		memory_load_pair(p + 2 * i, q + 2 * i);
	return true;
}

/* Context entry, VT-d 9.3, 9.4 */

/* Word by word, as they were written: to read two of them at once would wait for both. */
static inline bool has_any(const uint64_t *q, const uint64_t *mask, size_t count)
{
	uint64_t found = 0;

#pragma GCC unroll 8
	for (size_t i = 0; i < count; i++)
		found |= __atomic_load_n(&q[i], __ATOMIC_RELAXED) & mask[i];
	return found != 0;
}

static enum vtd_fault judge_legacy_context(const struct lookup *lookup,
					   const struct vtd_legacy_context *e)
{
	unsigned tt = (unsigned)vtd_legacy_context_TT(e);
	const struct vtd_rules *rules = lookup->rules;

	if (!vtd_legacy_context_P(e))
		return VTD_FAULT_LCT_2;
	if (vtd_legacy_context_has_reserved(e, rules))
		return VTD_FAULT_LCT_3;
	if (!vtd_aw_is_supported((unsigned)vtd_legacy_context_AW(e), rules->cap))
		return VTD_FAULT_LCT_4;
	if (tt == VTD_TT_RESERVED || (tt == VTD_TT_SECOND_STAGE_ATS && !vtd_ECAP_DT(rules->ecap)) ||
	    (tt == VTD_TT_PASS_THROUGH && !vtd_ECAP_PT(rules->ecap)))
		return VTD_FAULT_LCT_4;
	return VTD_FAULT_NONE;
}

static uint32_t rid_pasid_of(const struct lookup *lookup, const struct vtd_context_entry *e)
{
	return vtd_ECAP_RPS(lookup->rules->ecap) ? (uint32_t)vtd_context_entry_RID_PASID(e) : 0;
}

static enum vtd_fault judge_context(const struct lookup *lookup, const struct vtd_context_entry *e)
{
	if (!vtd_context_entry_P(e))
		return VTD_FAULT_SCT_2;
	if (has_any(e->q, lookup->masks->context.q, ARRAY_LEN(e->q)))
		return VTD_FAULT_SCT_3;
	if (vtd_context_entry_PRE(e) && !vtd_context_entry_DTE(e))
		return VTD_FAULT_SCT_4;
	if (rid_pasid_of(lookup, e) >= vtd_pasid_end((unsigned)vtd_context_entry_PDTS(e)))
		return VTD_FAULT_SCT_4;
	return VTD_FAULT_NONE;
}

static enum vtd_fault fetch_legacy_context(struct lookup *lookup, struct context_view *view)
{
	uint64_t address = 0;
	enum vtd_fault fault = legacy_context_address(lookup, &address);

	if (fault)
		return fault;
	if (!memory_read_pair_near(lookup->physmem, &lookup->near, address, view->legacy.q))
		return VTD_FAULT_LCT_1;
	view->fpd = vtd_legacy_context_FPD(&view->legacy);
	return judge_legacy_context(lookup, &view->legacy);
}

static enum vtd_fault fetch_scalable_context(struct lookup *lookup, struct context_view *view)
{
	uint64_t address = 0;
	enum vtd_fault fault = context_address(lookup, &address);

	if (fault)
		return fault;
	if (!read_bursts(lookup, address, view->scalable.q, 2))
		return VTD_FAULT_SCT_1;
	view->fpd = vtd_context_entry_FPD(&view->scalable);
	return judge_context(lookup, &view->scalable);
}

/* VT-d 6.1: what may be kept of an entry that is not present or erroneous, if CAP.CM is set */
static bool may_cache_context(const struct lookup *lookup, enum vtd_fault fault)
{
	switch (fault) {
	case VTD_FAULT_NONE:
		return caches_keep(lookup->caches);
	case VTD_FAULT_LCT_2:
	case VTD_FAULT_LCT_3:
	case VTD_FAULT_LCT_4:
	case VTD_FAULT_SCT_2:
	case VTD_FAULT_SCT_3:
	case VTD_FAULT_SCT_4:
		return caches_keep_faults(lookup->caches);
	default:
		return false;
	}
}

static void find_context(struct lookup *lookup, struct context_view *view)
{
	bool legacy = is_legacy(lookup);

	if (caches_keep(lookup->caches) &&
	    cache_context_find(lookup->caches, lookup->rid, legacy, view))
		return;
	*view = (struct context_view){.is_legacy = legacy};
	view->fault =
		legacy ? fetch_legacy_context(lookup, view) : fetch_scalable_context(lookup, view);
	if (may_cache_context(lookup, view->fault))
		cache_context_fill(lookup->caches, lookup->generation, lookup->rid, view);
}

/* LCT.5; SCT.5 to SCT.9 and SGN.10: does a valid context entry let this request pass? */
static enum vtd_fault admit_legacy(const struct lookup *lookup, const struct vtd_legacy_context *e)
{
	if (lookup->kind != REQUEST_UNTRANSLATED &&
	    vtd_legacy_context_TT(e) != VTD_TT_SECOND_STAGE_ATS)
		return VTD_FAULT_LCT_5;
	return VTD_FAULT_NONE;
}

static enum vtd_fault admit_kind(enum request_kind kind, bool dte, bool pre)
{
	if ((kind == REQUEST_TRANSLATION || kind == REQUEST_TRANSLATED) && !dte)
		return VTD_FAULT_SCT_5;
	if (kind == REQUEST_PAGE && !pre)
		return VTD_FAULT_SCT_8;
	return VTD_FAULT_NONE;
}

static enum vtd_fault admit(const struct lookup *lookup, const struct vtd_context_entry *e)
{
	enum vtd_fault fault =
		admit_kind(lookup->kind, vtd_context_entry_DTE(e), vtd_context_entry_PRE(e));

	if (fault || lookup->pasid == VSVA_PASID_INVALID)
		return fault;
	if (!vtd_context_entry_PASIDE(e))
		return VTD_FAULT_SCT_6;
	if (!vtd_fits(lookup->pasid, vtd_pasid_bits(lookup->rules->ecap)))
		return VTD_FAULT_SGN_10;
	if (lookup->pasid >= vtd_pasid_end((unsigned)vtd_context_entry_PDTS(e)))
		return VTD_FAULT_SCT_7;
	if (lookup->pasid == rid_pasid_of(lookup, e))
		return VTD_FAULT_SCT_9;
	return VTD_FAULT_NONE;
}

enum vtd_fault tables_check_context(struct lookup *lookup, struct context_view *view, bool *fpd)
{
	find_context(lookup, view);
	*fpd = view->fpd;
	if (view->fault)
		return view->fault;
	return view->is_legacy ? admit_legacy(lookup, &view->legacy)
			       : admit(lookup, &view->scalable);
}

/* PASID directory and table, VT-d 9.5, 9.6 */

static enum vtd_fault pasid_entry_address(struct lookup *lookup,
					  const struct vtd_context_entry *context, uint32_t pasid,
					  bool *fpd, uint64_t *address)
{
	struct vtd_pasid_dir_entry dir;

	if (!memory_read_near(lookup->physmem, &lookup->near,
			      vtd_context_entry_PASIDDIRPTR(context) +
				      vtd_pasid_dir_index(pasid) * sizeof(dir),
			      dir.q))
		return VTD_FAULT_SPD_1;
	if (vtd_pasid_dir_entry_FPD(&dir))
		*fpd = true;
	if (!vtd_pasid_dir_entry_P(&dir))
		return VTD_FAULT_SPD_2;
	if (dir.q[0] & lookup->masks->pasid_dir)
		return VTD_FAULT_SPD_3;
	*address = vtd_pasid_dir_entry_SMPTBLPTR(&dir) +
		   vtd_pasid_table_index(pasid) * sizeof(struct vtd_pasid_entry);
	return VTD_FAULT_NONE;
}

/* SPT.4 */
static bool pasid_entry_is_consistent(const struct vtd_pasid_entry *e,
				      const struct vtd_rules *rules)
{
	uint64_t pgtt = vtd_pasid_entry_PGTT(e), fspm = vtd_pasid_entry_FSPM(e);
	bool first = pgtt == VTD_PGTT_FIRST_STAGE || pgtt == VTD_PGTT_NESTED;
	bool second = pgtt == VTD_PGTT_SECOND_STAGE || pgtt == VTD_PGTT_NESTED;
	unsigned aw = (unsigned)vtd_pasid_entry_AW(e);

	if (!vtd_pgtt_is_supported((unsigned)pgtt, rules->ecap))
		return false;
	if (second && !vtd_aw_is_supported(aw, rules->cap))
		return false;
	if (first && fspm > VTD_FSPM_5_LEVEL)
		return false;
	if (first && fspm == VTD_FSPM_5_LEVEL && !vtd_CAP_FS5LP(rules->cap))
		return false;
	return pgtt != VTD_PGTT_NESTED ||
	       vtd_fits(vtd_pasid_entry_FSPTPTR(e), vtd_ss_input_bits(rules->cap, aw));
}

static enum vtd_fault judge_pasid_entry(const struct lookup *lookup,
					const struct vtd_pasid_entry *e)
{
	if (!vtd_pasid_entry_P(e))
		return VTD_FAULT_SPT_2;
	if (has_any(e->q, lookup->masks->pasid[vtd_pasid_entry_PGTT(e)].q, ARRAY_LEN(e->q)))
		return VTD_FAULT_SPT_3;
	if (!pasid_entry_is_consistent(e, lookup->rules))
		return VTD_FAULT_SPT_4;
	return VTD_FAULT_NONE;
}

static enum vtd_fault fetch_pasid_entry(struct lookup *lookup,
					const struct vtd_context_entry *context,
					struct pasid_view *view)
{
	uint64_t address = 0;
	enum vtd_fault fault =
		pasid_entry_address(lookup, context, view->pasid, &view->fpd, &address);

	if (fault)
		return fault;
	if (!read_bursts(lookup, address, view->entry.q, 4))
		return VTD_FAULT_SPT_1;
	if (vtd_pasid_entry_FPD(&view->entry))
		view->fpd = true;
	return judge_pasid_entry(lookup, &view->entry);
}

/* Like may_cache_context(). An access error says nothing about an entry. */
static bool may_cache_pasid(const struct lookup *lookup, enum vtd_fault fault)
{
	switch (fault) {
	case VTD_FAULT_NONE:
		return caches_keep(lookup->caches);
	case VTD_FAULT_SPD_2:
	case VTD_FAULT_SPD_3:
	case VTD_FAULT_SPT_2:
	case VTD_FAULT_SPT_3:
	case VTD_FAULT_SPT_4:
		return caches_keep_faults(lookup->caches);
	default:
		return false;
	}
}

static enum vtd_fault find_pasid(struct lookup *lookup, struct pasid_view *view)
{
	struct context_view context;
	enum vtd_fault fault;

	*view = (struct pasid_view){.pasid = lookup->pasid};
	fault = tables_check_context(lookup, &context, &view->context_fpd);
	view->fpd = view->context_fpd;
	if (fault)
		return fault;
	view->dte = vtd_context_entry_DTE(&context.scalable);
	view->pre = vtd_context_entry_PRE(&context.scalable);
	view->rid_priv = vtd_ECAP_RPRIVS(lookup->rules->ecap) &&
			 vtd_context_entry_RID_PRIV(&context.scalable);
	if (lookup->pasid == VSVA_PASID_INVALID)
		view->pasid = rid_pasid_of(lookup, &context.scalable);
	view->fault = fetch_pasid_entry(lookup, &context.scalable, view);
	if (may_cache_pasid(lookup, view->fault))
		cache_pasid_fill(lookup->caches, lookup->generation, lookup->rid, lookup->pasid,
				 view);
	return view->fault;
}

/* Space */

static enum vtd_fault legacy_space(struct lookup *lookup, struct space *space)
{
	struct context_view view;
	enum vtd_fault fault = tables_check_context(lookup, &view, &space->fpd);
	const struct vtd_legacy_context *e = &view.legacy;

	if (fault)
		return fault;
	space->legacy = true;
	space->pgtt = vtd_legacy_context_TT(e) == VTD_TT_PASS_THROUGH ? VTD_PGTT_PASS_THROUGH
								      : VTD_PGTT_SECOND_STAGE;
	space->ats = vtd_legacy_context_TT(e) == VTD_TT_SECOND_STAGE_ATS;
	space->did = (uint16_t)vtd_legacy_context_DID(e);
	space->sre = true;
	space_set_second_stage(space, lookup->masks, (unsigned)vtd_legacy_context_AW(e),
			       vtd_legacy_context_SSPTPTR(e));
	return VTD_FAULT_NONE;
}

enum vtd_fault tables_find_space(struct lookup *lookup, struct space *space)
{
	struct pasid_view view;
	enum vtd_fault fault;

	*space = (struct space){0};
	if (is_legacy(lookup))
		return legacy_space(lookup, space);
	if (caches_keep(lookup->caches) &&
	    cache_pasid_find(lookup->caches, lookup->rid, lookup->pasid, &view)) {
		fault = admit_kind(lookup->kind, view.dte, view.pre);
		if (fault) /* as if only the context entry had been looked at */
			view.fpd = view.context_fpd;
		else
			fault = view.fault;
	} else {
		fault = find_pasid(lookup, &view);
	}
	space->fpd = view.fpd;
	if (!fault)
		space_set_pasid(space, lookup->masks, &view);
	return fault;
}
