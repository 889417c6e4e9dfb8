/* SPDX-License-Identifier: MIT */
/*
 * The reference walker: VT-d chapters 3, 6.5, 7 and 9 read once more, by themselves.
 *
 * Choices where the specification leaves room
 *
 *  1. Each entry: access error, present, reserved bits, invalid fields, then its use. A cleared
 *     P (or R and W) therefore hides reserved bits of the same entry.
 *  2. An untranslated pure write without PASID to FEE0_0000-FEEF_FFFF is an interrupt before
 *     anything is looked up, whatever TE and TTM say. Reads and atomics to the range are DMA.
 *  3. A translation request without PASID to that range is answered once the context entry has
 *     passed every check (so LCT.5 and SCT.5 win), before any PASID structure is read.
 *  4. TE=0: untranslated requests without PASID pass unchanged; all others are refused (UR, page
 *     requests IR or dropped) with no fault reason and no record.
 *  5. TTM is judged first (RTA.1, RTA.4); in legacy mode a page request is RTA.3 even if it has a
 *     PASID. RTADDR bits 9:0 are not looked at (SSIRWE is not modelled).
 *  6. Scalable context entry, request checks after SCT.4: SCT.5 or SCT.8, SCT.6, SGN.10, SCT.7,
 *     SCT.9. SGN.10 is a qualified fault, hence it comes after the context entry's FPD is known.
 *  7. SCT.9 compares with the RID_PASID in force, which is 0 if ECAP.RPS=0.
 *  8. HPTE and EPTR of the context entry and qwords 3 to 7 of the PASID entry are reserved: host
 *     permission tables and PASIDs in translated requests are not offered. SCT.4.3 cannot occur.
 *  9. "Ignored for this PGTT" beats "reserved if capability X is 0": AW, SSADE, SSPTPTR and EMTE
 *     of PGTT 001b and 100b may be anything (Linux writes AW in first-stage entries, also where
 *     SSTS=0). A reserved PGTT ignores nothing. FSPTPTR is ignored for PGTT 010b and 100b.
 * 10. Bits HAW and above of FSPTPTR and bits 51:HAW of first-stage entries are reserved under
 *     nesting too; SPT.4.4 and SFS.5 judge the guest address width (MGAW, AW) after that.
 * 11. DID=0 with CM=1, PAT encodings and EMT encodings are software's duty: no fault. FSPM is
 *     judged for PGTT 001b and 011b only, AW for 010b and 011b only.
 * 12. Legacy: AW is judged for every TT, any supported width will do for pass-through. Legacy mode
 *     asks SAGAW and not SSTS. DT=0 makes TT=01b, PT=0 makes TT=10b, an LCT.4.
 * 13. PASID and EXE limits are those of major version 7 and below (SPT.5, never RTA.5).
 * 14. Order after SPT.4: SPT.5, SPT.6 (for every PGTT), then the address checks. Page requests
 *     stop after SPT.4. Without PASID the privilege is RID_PRIV (user if RPRIVS=0), EXE is off.
 * 15. Rights are accumulated down the walk and judged once at the leaf. Only "no right left at
 *     all" ends a second-stage walk early: SSS.2, in legacy mode LGN.2 or LGN.3.
 * 16. Judgement at the leaf: SGN.2, (first stage) SGN.6, then the second stage of the final page,
 *     SGN.6 before SGN.7 (LGN.2 before LGN.3), SGN.8, and then the A/D update of the leaves.
 *     An untranslated write refused by the first stage does not walk the second for its page.
 * 17. SGN.8 and LGN.4 judge the exact output address, not the whole page, and only the output of
 *     the request, not addresses of tables. Pass-through is judged for untranslated requests only.
 * 18. A (and EA) are set in each non-leaf entry as soon as its checks have passed, even if the
 *     request faults further down. Leaves get A, EA and D in one update after every check passed,
 *     so that D never appears for a write that did not happen. First stage before second stage.
 * 19. D: writes and atomics; translation requests that want to write (NW=0, or NWFS=0) if both
 *     stages permit it. Such a translation request with SE sets A but no D.
 * 20. SSADE=1: reading a first-stage entry needs R and W in the second stage (SFS.6, SFS.7), but D
 *     is set in the second-stage leaf only by an actual A/EA/D update, which is a write. That
 *     write is a second-stage walk of its own.
 * 21. Update of a first-stage entry: SFS.9, then SFS.8, then SFS.10. An update that would change
 *     nothing is not attempted and meets none of them.
 * 22. Second-stage faults on first-stage entries keep their codes (SSS.n); rights are SFS.6 to 8.
 * 23. ZLR lets a zero-length read through W-only pages in every mode (LGN.3, SGN.7).
 * 24. Second-stage bit 62 is reserved in every entry; bit 2 (execute, once) is ignored, and so is
 *     bit 63 of either stage. Large leaves without the capability are reserved bits.
 * 25. NW honoured (NWFS=1) clears W in the completion. An SE with no right left reports no address.
 * 26. perm_w of a privileged request includes the licence of WPE=0.
 * 27. A swap that lost a race restarts the translation; after many losses it counts as failed.
 */
#include "refwalk.h"
#include "refwalk_bits.h"

struct walk {
	const struct refwalk_unit *unit;
	const struct refwalk_request *req;
	struct refwalk_result *res;
	bool ats, pri; /* translation request, page request */
	bool want_r, want_w, priv;
	uint64_t high_bits; /* at and above HAW */
	bool scalable;
	bool fpd;   /* any FPD met so far */
	bool raced; /* a swap found another value: start again */
	/* from the PASID entry or the legacy context entry */
	unsigned pgtt;
	uint64_t ss_table, fs_table;
	unsigned ss_levels, fs_levels;
	unsigned gaw; /* second-stage input width: min(MGAW, AW) */
	bool ss_ade, eafe, wpe, snooped;
};

struct leaf {
	uint64_t out; /* translated address */
	unsigned lg2;
	bool r, w, u;
	uint64_t entry_at; /* where the entry is, in the space its table lives in */
	uint64_t entry;
};

static bool read_qwords(const struct walk *w, uint64_t hpa, uint64_t *q, unsigned n)
{
	uint8_t raw[64];

	if (!w->unit->mem.read(w->unit->mem.ctx, hpa, raw, n * 8))
		return false;
	for (unsigned i = 0; i < n; i++) {
		q[i] = 0;
		for (unsigned b = 8; b-- > 0;)
			q[i] = q[i] << 8 | raw[i * 8 + b];
	}
	return true;
}

/* Set bits of an entry whose value is known; false if memory refuses or the value is stale. */
static bool set_bits(struct walk *w, uint64_t hpa, uint64_t entry, uint64_t bits)
{
	uint64_t found = entry;

	if (!w->unit->mem.cas64(w->unit->mem.ctx, hpa, &found, entry | bits))
		return false;
	w->raced = found != entry;
	return !w->raced;
}

static uint64_t in_page(const struct leaf *leaf, uint64_t page, uint64_t addr)
{
	uint64_t offset = BIT(leaf->lg2) - 1;

	return (page & ~offset) | (addr & offset);
}

/* ---- second stage, VT-d 3.7 and 9.8 */

static uint64_t ss_reserved(const struct walk *w, unsigned level, uint64_t entry)
{
	uint64_t rsvd = BIT(62) | (w->high_bits & MASK(51, 12));

	if (!is_leaf(level, entry))
		return rsvd | SS_SNP | (level > 3 ? PS : 0);
	rsvd |= unless(ECAP(ECAP_SC), SS_SNP);
	if (level == 1)
		return rsvd;
	rsvd |= unless(CAP(CAP_SSLPS + level - 2), PS);
	return rsvd | MASK(level_lg2(level) - 1, 12);
}

static uint8_t ss_mark(struct walk *w, const struct leaf *at, uint64_t bits)
{
	if (!w->ss_ade || (at->entry & bits) == bits)
		return 0;
	FAULT_IF(!w->snooped, SSS_5);
	FAULT_IF(!set_bits(w, at->entry_at, at->entry, bits), SSS_6);
	return 0;
}

static uint8_t ss_fetch(const struct walk *w, struct leaf *leaf, unsigned level)
{
	bool ok = read_qwords(w, leaf->entry_at, &leaf->entry, 1);

	FAULT_BY_MODE(!ok && level == w->ss_levels, LCT_4, SSS_4);
	FAULT_BY_MODE(!ok, LSS_1, SSS_1);
	if (leaf->entry & (SS_R | SS_W))
		FAULT_BY_MODE(leaf->entry & ss_reserved(w, level, leaf->entry), LSS_2, SSS_3);
	return 0;
}

/*
 * Down to the leaf, which is neither judged nor marked. In legacy mode a missing entry is a leaf
 * without rights, because the code then depends on the access (LGN.2, LGN.3).
 */
static uint8_t ss_walk(struct walk *w, uint64_t addr, struct leaf *leaf)
{
	uint64_t table = w->ss_table;

	*leaf = (struct leaf){.r = true, .w = true, .u = true};
	for (unsigned level = w->ss_levels;; level--) {
		leaf->entry_at = entry_at(table, addr, level);
		TRY(ss_fetch(w, leaf, level));
		leaf->r = leaf->r && leaf->entry & SS_R;
		leaf->w = leaf->w && leaf->entry & SS_W;
		leaf->lg2 = level_lg2(level);
		if (!leaf->r && !leaf->w)
			return w->scalable ? REFWALK_SSS_2 : 0;
		table = leaf->entry & MASK(51, 12);
		if (is_leaf(level, leaf->entry))
			break;
		TRY(ss_mark(w, leaf, SS_A));
	}
	leaf->out = in_page(leaf, table, addr);
	return 0;
}

/* ---- first stage, VT-d 3.6 and 9.7; its tables are in guest memory if nested (3.8) */

/* Host address of a first-stage entry that is read, or written (update). */
static uint8_t fs_entry_hpa(struct walk *w, uint64_t at, bool update, uint8_t refused,
			    uint64_t *hpa)
{
	struct leaf leaf;

	*hpa = at;
	if (w->pgtt != PGTT_NESTED)
		return 0;
	TRY(ss_walk(w, at, &leaf));
	if (!leaf.r || ((update || w->ss_ade) && !leaf.w))
		return refused;
	*hpa = leaf.out;
	return ss_mark(w, &leaf, SS_A | (update ? SS_D : 0));
}

static uint8_t fs_mark(struct walk *w, const struct leaf *at, uint64_t bits)
{
	uint64_t hpa;

	bits |= w->eafe ? FS_EA : 0;
	if ((at->entry & bits) == bits)
		return 0;
	FAULT_IF(!w->snooped, SFS_9);
	TRY(fs_entry_hpa(w, at->entry_at, true, REFWALK_SFS_8, &hpa));
	FAULT_IF(!set_bits(w, hpa, at->entry, bits), SFS_10);
	return 0;
}

static uint64_t fs_reserved(const struct walk *w, unsigned level, uint64_t entry)
{
	uint64_t rsvd = w->high_bits & MASK(51, 12);

	if (level > 3)
		return rsvd | PS;
	if (level == 1 || !is_leaf(level, entry))
		return rsvd;
	rsvd |= unless(level == 2 || CAP(CAP_FS1GP), PS);
	return rsvd | MASK(level_lg2(level) - 1, 13); /* bit 12 is PAT */
}

static uint8_t fs_fetch(struct walk *w, struct leaf *leaf, unsigned level)
{
	bool top = level == w->fs_levels;
	uint64_t hpa;
	bool ok;

	TRY(fs_entry_hpa(w, leaf->entry_at, false, top ? REFWALK_SFS_6 : REFWALK_SFS_7, &hpa));
	ok = read_qwords(w, hpa, &leaf->entry, 1);
	FAULT_IF(!ok && top, SFS_4);
	FAULT_IF(!ok, SFS_1);
	FAULT_IF(!(leaf->entry & FS_P), SFS_2);
	FAULT_IF(leaf->entry & fs_reserved(w, level, leaf->entry), SFS_3);
	FAULT_IF(w->pgtt == PGTT_NESTED && exceeds(leaf->entry & MASK(51, 12), w->gaw), SFS_5);
	return 0;
}

static uint8_t fs_walk(struct walk *w, uint64_t addr, struct leaf *leaf)
{
	uint64_t table = w->fs_table;

	*leaf = (struct leaf){.r = true, .w = true, .u = true};
	for (unsigned level = w->fs_levels;; level--) {
		leaf->entry_at = entry_at(table, addr, level);
		TRY(fs_fetch(w, leaf, level));
		leaf->w = leaf->w && leaf->entry & FS_RW;
		leaf->u = leaf->u && leaf->entry & FS_US;
		leaf->lg2 = level_lg2(level);
		table = leaf->entry & MASK(51, 12);
		if (is_leaf(level, leaf->entry))
			break;
		TRY(fs_mark(w, leaf, FS_A));
	}
	leaf->out = in_page(leaf, table, addr);
	return 0;
}

static uint8_t judge_rights(const struct walk *w, const struct leaf *page)
{
	bool zlr = !w->ats && w->req->zero_length && CAP(CAP_ZLR);

	FAULT_BY_MODE(w->want_w && !page->w, LGN_2, SGN_6);
	FAULT_BY_MODE(w->want_r && !page->r && !(zlr && page->w && !w->want_w), LGN_3, SGN_7);
	return 0;
}

static uint8_t report(struct walk *w, const struct leaf *page)
{
	bool perm_w = page->w && (w->want_w || !w->ats);

	if (!page->r && !perm_w)
		return 0;
	w->res->hpa = page->out;
	w->res->page_lg2 = page->lg2;
	w->res->perm_r = page->r;
	w->res->perm_w = perm_w;
	w->res->perm_u = page->u;
	return 0;
}

/*
 * page holds the rights and output of the whole translation, fs and ss the leaves to be marked
 * (NULL: that stage does not take part).
 */
static uint8_t conclude(struct walk *w, const struct leaf *page, const struct leaf *fs,
			const struct leaf *ss)
{
	uint8_t denied = judge_rights(w, page);
	bool dirty = w->want_w && page->w;

	/* A translation request that asked for too much still gets what there is (SE). */
	if (denied && (!w->ats || (!page->r && !page->w)))
		return denied;
	FAULT_BY_MODE(in_interrupt_range(page->out), LGN_4, SGN_8);
	if (fs)
		TRY(fs_mark(w, fs, FS_A | (dirty ? FS_D : 0)));
	if (ss)
		TRY(ss_mark(w, ss, SS_A | (dirty ? SS_D : 0)));
	report(w, page);
	return denied;
}

static uint8_t translate_first(struct walk *w)
{
	struct leaf fs, ss, page;

	FAULT_IF(!is_canonical(w->req->addr, level_lg2(w->fs_levels + 1)), SGN_1);
	TRY(fs_walk(w, w->req->addr, &fs));
	FAULT_IF(!w->priv && !fs.u, SGN_2);
	page = fs;
	page.w = fs.w || (w->priv && !w->wpe);
	if (w->pgtt == PGTT_FIRST)
		return conclude(w, &page, &fs, NULL);
	FAULT_IF(w->want_w && !page.w && !w->ats, SGN_6);
	TRY(ss_walk(w, fs.out, &ss));
	page.r = ss.r;
	page.w = page.w && ss.w;
	page.out = ss.out;
	page.lg2 = ss.lg2 < fs.lg2 ? ss.lg2 : fs.lg2;
	return conclude(w, &page, &fs, &ss);
}

static uint8_t translate_second(struct walk *w)
{
	struct leaf ss;

	FAULT_BY_MODE(exceeds(w->req->addr, w->gaw), LGN_1, SGN_5);
	TRY(ss_walk(w, w->req->addr, &ss));
	return conclude(w, &ss, NULL, &ss);
}

static uint8_t pass_through(struct walk *w)
{
	struct leaf page = {w->req->addr, 12, true, true, true, 0, 0};

	FAULT_BY_MODE(exceeds(page.out, w->unit->haw), LGN_1, SGN_4);
	FAULT_BY_MODE(!w->ats && in_interrupt_range(page.out), LGN_4, SGN_8);
	return report(w, &page);
}

/* VT-d 3.14: devices ask for translations of their interrupt writes too. */
static bool is_interrupt_query(const struct walk *w)
{
	return w->ats && !w->req->has_pasid && in_interrupt_range(w->req->addr);
}

static uint8_t answer_interrupt_query(struct walk *w)
{
	struct leaf page = {w->req->addr, 12, false, true, true, 0, 0};

	report(w, &page);
	w->res->untranslated_only = w->want_w;
	return 0;
}

static void set_second(struct walk *w, uint64_t table, unsigned aw)
{
	unsigned mgaw = (unsigned)(w->unit->cap >> CAP_MGAW & 63) + 1;

	w->ss_table = table;
	w->ss_levels = aw + 2;
	w->gaw = 30 + 9 * aw < mgaw ? 30 + 9 * aw : mgaw;
}

static bool is_aw_supported(const struct walk *w, uint64_t aw)
{
	return aw >= 1 && aw <= 3 && CAP(CAP_SAGAW + (unsigned)aw);
}

/* ---- legacy mode, VT-d 9.1 and 9.3 */

static uint8_t legacy_context(struct walk *w, const uint64_t ce[2])
{
	unsigned tt = ce[0] >> 2 & 3;

	w->fpd = ce[0] & BIT(1);
	FAULT_IF(!(ce[0] & BIT(0)), LCT_2);
	FAULT_IF(ce[0] & (MASK(11, 4) | unless(tt == 2, w->high_bits)), LCT_3);
	FAULT_IF(ce[1] & (BIT(7) | MASK(63, 24)), LCT_3);
	FAULT_IF(!is_aw_supported(w, ce[1] & 7), LCT_4);
	FAULT_IF(tt == 3 || (tt == 1 && !ECAP(ECAP_DT)), LCT_4);
	FAULT_IF(tt == 2 && !ECAP(ECAP_PT), LCT_4);
	FAULT_IF(tt != 1 && w->ats, LCT_5);
	set_second(w, ce[0] & MASK(63, 12), ce[1] & 7);
	w->pgtt = tt == 2 ? PGTT_PASS : PGTT_SECOND;
	return 0;
}

static uint8_t translate_legacy(struct walk *w, uint64_t root)
{
	unsigned bus = w->req->rid >> 8, devfn = w->req->rid & 0xff;
	uint64_t re[2], ce[2];

	FAULT_IF(w->pri, RTA_3);
	FAULT_IF(w->req->has_pasid, RTA_2);
	FAULT_IF(!read_qwords(w, root + 16ULL * bus, re, 2), LRT_1);
	FAULT_IF(!(re[0] & BIT(0)), LRT_2);
	FAULT_IF(re[0] & (MASK(11, 1) | w->high_bits) || re[1], LRT_3);
	FAULT_IF(!read_qwords(w, (re[0] & MASK(63, 12)) + 16ULL * devfn, ce, 2), LCT_1);
	TRY(legacy_context(w, ce));
	if (is_interrupt_query(w))
		return answer_interrupt_query(w);
	return w->pgtt == PGTT_PASS ? pass_through(w) : translate_second(w);
}

/* ---- scalable mode, VT-d 9.2 and 9.4 to 9.6 */

static bool has_reserved_context(const struct walk *w, const uint64_t ce[4])
{
	uint64_t low = MASK(8, 5) | w->high_bits;
	uint64_t high = MASK(63, 21);

	low |= unless(ECAP(ECAP_DT), BIT(2)) | unless(ECAP(ECAP_PASID), BIT(3));
	low |= unless(ECAP(ECAP_PRS), BIT(4));
	high |= unless(ECAP(ECAP_RPS), MASK(19, 0)) | unless(ECAP(ECAP_RPRIVS), BIT(20));
	return ce[0] & low || ce[1] & high || ce[2] || ce[3];
}

static uint8_t scalable_context(struct walk *w, uint64_t root, uint64_t ce[4])
{
	unsigned bus = w->req->rid >> 8, devfn = w->req->rid & 0xff;
	uint64_t re;

	FAULT_IF(!read_qwords(w, root + 16ULL * bus + (devfn >> 4 & 8), &re, 1), SRT_1);
	FAULT_IF(!(re & BIT(0)), SRT_2);
	FAULT_IF(re & (MASK(11, 1) | w->high_bits), SRT_3);
	FAULT_IF(!read_qwords(w, (re & MASK(63, 12)) + 32ULL * (devfn & 0x7f), ce, 4), SCT_1);
	w->fpd = ce[0] & BIT(1);
	FAULT_IF(!(ce[0] & BIT(0)), SCT_2);
	FAULT_IF(has_reserved_context(w, ce), SCT_3);
	FAULT_IF((ce[0] & (BIT(4) | BIT(2))) == BIT(4), SCT_4);
	FAULT_IF(exceeds(ce[1] & MASK(19, 0), (ce[0] >> 9 & 7) + 13), SCT_4);
	return 0;
}

/* Is this kind of request welcome at this context entry? */
static uint8_t admit(const struct walk *w, const uint64_t ce[4])
{
	uint32_t pasid = w->req->pasid;

	FAULT_IF(w->ats && !(ce[0] & BIT(2)), SCT_5);
	FAULT_IF(w->pri && !(ce[0] & BIT(4)), SCT_8);
	if (!w->req->has_pasid)
		return 0;
	FAULT_IF(!(ce[0] & BIT(3)), SCT_6);
	FAULT_IF(exceeds(pasid, (w->unit->ecap >> ECAP_PSS & 31) + 1), SGN_10);
	FAULT_IF(exceeds(pasid, (ce[0] >> 9 & 7) + 13), SCT_7);
	FAULT_IF(pasid == (ce[1] & MASK(19, 0)), SCT_9);
	return 0;
}

static bool has_reserved_pasid_entry(const struct walk *w, const uint64_t pe[8])
{
	bool no_second = w->pgtt == PGTT_FIRST || w->pgtt == PGTT_PASS;
	bool no_first = w->pgtt == PGTT_SECOND || w->pgtt == PGTT_PASS;
	bool ssts = ECAP(ECAP_SSTS);
	uint64_t q0 = BIT(5) | MASK(11, 10) | unless(no_second, w->high_bits);
	uint64_t q1 = MASK(22, 16) | MASK(31, 27);
	uint64_t q2 = BIT(1) | MASK(11, 8) | unless(no_first, w->high_bits);

	q0 |= unless(no_second || ssts, MASK(63, 12) | MASK(4, 2));
	q0 |= unless(no_second || (ssts && ECAP(ECAP_SSADS)), BIT(9));
	q1 |= unless(ECAP(ECAP_SMPWC), BIT(23)) | unless(ECAP(ECAP_SC), BIT(24));
	q1 |= unless(ECAP(ECAP_MTS), BIT(25)) | unless(no_second || ECAP(ECAP_MTS), BIT(26));
	q2 |= unless(ECAP(ECAP_SRS), BIT(0)) | unless(ECAP(ECAP_EAFS), BIT(7));
	return pe[0] & q0 || pe[1] & q1 || pe[2] & q2 || pe[3] || pe[4] || pe[5] || pe[6] || pe[7];
}

/* The parts of the PASID entry that pass are taken over into the walk. */
static uint8_t take_pasid_entry(struct walk *w, const uint64_t pe[8])
{
	static const uint8_t needs[8] = {0, ECAP_FSTS, ECAP_SSTS, ECAP_NEST, ECAP_PT};
	unsigned fspm = pe[2] >> 2 & 3;

	FAULT_IF(!needs[w->pgtt] || !ECAP(needs[w->pgtt]), SPT_4);
	w->snooped = pe[1] & BIT(23);
	if (w->pgtt == PGTT_SECOND || w->pgtt == PGTT_NESTED) {
		FAULT_IF(!is_aw_supported(w, pe[0] >> 2 & 7), SPT_4);
		set_second(w, pe[0] & MASK(63, 12), pe[0] >> 2 & 7);
		w->ss_ade = pe[0] & BIT(9);
	}
	if (w->pgtt == PGTT_FIRST || w->pgtt == PGTT_NESTED) {
		FAULT_IF(fspm > 1 || (fspm == 1 && !CAP(CAP_FS5LP)), SPT_4);
		w->fs_levels = fspm + 4;
		w->fs_table = pe[2] & MASK(63, 12);
		w->wpe = pe[2] & BIT(4);
		w->eafe = pe[2] & BIT(7);
	}
	FAULT_IF(w->pgtt == PGTT_NESTED && exceeds(w->fs_table, w->gaw), SPT_4);
	return 0;
}

static uint8_t find_pasid_entry(struct walk *w, uint64_t directory, uint64_t pasid, uint64_t pe[8])
{
	uint64_t de;

	FAULT_IF(!read_qwords(w, directory + 8 * (pasid >> 6), &de, 1), SPD_1);
	w->fpd = w->fpd || de & BIT(1);
	FAULT_IF(!(de & BIT(0)), SPD_2);
	FAULT_IF(de & (MASK(11, 2) | w->high_bits), SPD_3);
	FAULT_IF(!read_qwords(w, (de & MASK(63, 12)) + 64 * (pasid & 63), pe, 8), SPT_1);
	w->fpd = w->fpd || pe[0] & BIT(1);
	FAULT_IF(!(pe[0] & BIT(0)), SPT_2);
	w->pgtt = pe[0] >> 6 & 7;
	FAULT_IF(has_reserved_pasid_entry(w, pe), SPT_3);
	return take_pasid_entry(w, pe);
}

static uint8_t translate_scalable(struct walk *w, uint64_t root)
{
	uint64_t ce[4], pe[8], pasid;

	TRY(scalable_context(w, root, ce));
	TRY(admit(w, ce));
	if (is_interrupt_query(w))
		return answer_interrupt_query(w);
	/* RID_PASID and RID_PRIV are reserved, hence 0, if they are not supported. */
	pasid = w->req->has_pasid ? w->req->pasid : ce[1] & MASK(19, 0);
	w->priv = w->req->has_pasid ? w->req->priv : (ce[1] & BIT(20)) != 0;
	TRY(find_pasid_entry(w, ce[0] & MASK(63, 12), pasid, pe));
	if (w->pri)
		return 0;
	FAULT_IF(w->req->has_pasid && w->req->exec && !ECAP(ECAP_ERS), SPT_5);
	FAULT_IF(w->priv && !(pe[2] & BIT(0)), SPT_6);
	if (w->pgtt == PGTT_PASS)
		return pass_through(w);
	return w->pgtt == PGTT_SECOND ? translate_second(w) : translate_first(w);
}

/* ---- the outcome, VT-d 7.1.3 */

static bool is_recorded(const struct walk *w, uint8_t code, enum refwalk_response response)
{
	if (!code || (reasons[code].qualified && w->fpd))
		return false;
	/* The device recovers from S0 and SE by itself, but not from a failed update. */
	return code == REFWALK_SFS_10 || (response != REFWALK_S0 && response != REFWALK_SE);
}

static uint8_t by_table_mode(struct walk *w)
{
	uint64_t root = w->unit->rtaddr & MASK(63, 12);
	unsigned ttm = w->unit->rtaddr >> 10 & 3;

	FAULT_IF(ttm == 2, RTA_1);
	FAULT_IF(ttm == 3 && !ECAP(ECAP_ADMS), RTA_1);
	FAULT_IF(ttm == 3, RTA_4);
	FAULT_IF(ttm == 1 && !ECAP(ECAP_SMTS), RTA_1);
	w->scalable = ttm == 1;
	return w->scalable ? translate_scalable(w, root) : translate_legacy(w, root);
}

static struct refwalk_result unremapped(const struct refwalk_request *req, bool interrupt)
{
	struct refwalk_result res = {.hpa = req->addr, .page_lg2 = 12, .interrupt = interrupt};

	res.perm_r = !interrupt;
	res.perm_w = true;
	res.perm_u = true;
	return res;
}

static struct refwalk_result remapped(const struct refwalk_unit *unit,
				      const struct refwalk_request *req)
{
	struct refwalk_result res;
	struct walk w;
	unsigned races = 0;

	do {
		res = (struct refwalk_result){0};
		w = (struct walk){.unit = unit, .req = req, .res = &res};
		w.ats = req->type == REFWALK_TRANSLATION_REQUEST;
		w.pri = req->type == REFWALK_PAGE_REQUEST;
		w.want_r = w.ats || req->read || !req->write;
		w.want_w = req->write || (w.ats && !(unit->ecap & BIT(ECAP_NWFS)));
		w.high_bits = MASK(63, unit->haw);
		res.fault = by_table_mode(&w);
	} while (w.raced && ++races < RACES_MAX);
	res.response = response_to(req, res.fault);
	res.recorded = is_recorded(&w, res.fault, res.response);
	return res;
}

struct refwalk_result refwalk_translate(const struct refwalk_unit *unit,
					const struct refwalk_request *req)
{
	bool plain = req->type == REFWALK_UNTRANSLATED && !req->has_pasid;

	if (plain && req->write && !req->read && in_interrupt_range(req->addr))
		return unremapped(req, true);
	if (unit->te)
		return remapped(unit, req);
	if (plain)
		return unremapped(req, false);
	/* Answered as in abort-DMA mode, but without a fault. */
	return (struct refwalk_result){.response = response_to(req, REFWALK_RTA_4)};
}
