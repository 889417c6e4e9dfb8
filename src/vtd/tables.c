/* SPDX-License-Identifier: MIT */
/*
 * What is reserved in a unit of given capabilities. The masks are built with the setters of the
 * layouts: all ones in each field that the unit lacks.
 */
#include "vtd/tables.h"

/* address bits 63:HAW of a table pointer */
static uint64_t beyond_haw(const struct vtd_rules *rules)
{
	return rules->haw >= 64 ? 0 : VTD_MASK(63, rules->haw);
}

/* Root, VT-d 9.1 and 9.2. Both halves of a scalable entry are alike; one is checked if it is
 * present. */

uint64_t vtd_root_entry_half_reserved(const struct vtd_rules *rules)
{
	return vtd_root_entry_reserved[0] | beyond_haw(rules);
}

bool vtd_root_entry_has_reserved(const struct vtd_root_entry *e, bool upper,
				 const struct vtd_rules *rules)
{
	return (e->q[upper] & vtd_root_entry_half_reserved(rules)) != 0;
}

struct vtd_root_entry vtd_legacy_root_reserved_for(const struct vtd_rules *rules)
{
	return (struct vtd_root_entry){
		{vtd_legacy_root_reserved[0] | beyond_haw(rules), vtd_legacy_root_reserved[1]}};
}

bool vtd_legacy_root_has_reserved(const struct vtd_root_entry *e, const struct vtd_rules *rules)
{
	struct vtd_root_entry mask = vtd_legacy_root_reserved_for(rules);

	return ((e->q[0] & mask.q[0]) | (e->q[1] & mask.q[1])) != 0;
}

/* Context, VT-d 9.3 and 9.4 */

struct vtd_legacy_context vtd_legacy_context_reserved_for(const struct vtd_rules *rules,
							  unsigned tt)
{
	struct vtd_legacy_context mask = {
		{vtd_legacy_context_reserved[0], vtd_legacy_context_reserved[1]}};

	/* pass-through ignores SSPTPTR */
	if (tt != VTD_TT_PASS_THROUGH)
		mask.q[0] |= beyond_haw(rules);
	return mask;
}

bool vtd_legacy_context_has_reserved(const struct vtd_legacy_context *e,
				     const struct vtd_rules *rules)
{
	struct vtd_legacy_context mask =
		vtd_legacy_context_reserved_for(rules, (unsigned)vtd_legacy_context_TT(e));

	return ((e->q[0] & mask.q[0]) | (e->q[1] & mask.q[1])) != 0;
}

struct vtd_context_entry vtd_context_entry_reserved_for(const struct vtd_rules *rules)
{
	uint64_t ecap = rules->ecap;
	struct vtd_context_entry mask = {
		{vtd_context_entry_reserved[0] | beyond_haw(rules), vtd_context_entry_reserved[1],
		 vtd_context_entry_reserved[2], vtd_context_entry_reserved[3]}};

	vtd_context_entry_set_DTE(&mask, !vtd_ECAP_DT(ecap));
	vtd_context_entry_set_PASIDE(&mask, !vtd_ECAP_PASID(ecap));
	vtd_context_entry_set_PRE(&mask, !vtd_ECAP_PRS(ecap));
	vtd_context_entry_set_HPTE(&mask, 1);
	vtd_context_entry_set_EPTR(&mask, 1);
	vtd_context_entry_set_RID_PASID(&mask, vtd_ECAP_RPS(ecap) ? 0 : 0xfffff);
	vtd_context_entry_set_RID_PRIV(&mask, !vtd_ECAP_RPRIVS(ecap));
	return mask;
}

bool vtd_context_entry_has_reserved(const struct vtd_context_entry *e,
				    const struct vtd_rules *rules)
{
	struct vtd_context_entry mask = vtd_context_entry_reserved_for(rules);
	uint64_t found = 0;

	for (unsigned i = 0; i < 4; i++)
		found |= e->q[i] & mask.q[i];
	return found != 0;
}

/* PASID directory and table, VT-d 9.5 and 9.6 */

uint64_t vtd_pasid_dir_entry_reserved_for(const struct vtd_rules *rules)
{
	return vtd_pasid_dir_entry_reserved[0] | beyond_haw(rules);
}

bool vtd_pasid_dir_entry_has_reserved(const struct vtd_pasid_dir_entry *e,
				      const struct vtd_rules *rules)
{
	return (e->q[0] & vtd_pasid_dir_entry_reserved_for(rules)) != 0;
}

/*
 * Second-stage fields are ignored in entries without a second stage, even if SSTS=0: Linux writes
 * AW in first-stage entries, too.
 */
static void reserve_second_stage(struct vtd_pasid_entry *mask, const struct vtd_rules *rules)
{
	bool has_stage = vtd_ECAP_SSTS(rules->ecap) != 0;
	uint64_t pointer = VTD_MASK(63, 12);

	vtd_pasid_entry_set_AW(mask, has_stage ? 0 : 7);
	vtd_pasid_entry_set_SSADE(mask, !has_stage || !vtd_ECAP_SSADS(rules->ecap));
	vtd_pasid_entry_set_SSPTPTR(mask, has_stage ? beyond_haw(rules) & pointer : pointer);
	vtd_pasid_entry_set_EMTE(mask, !vtd_ECAP_MTS(rules->ecap));
}

/* host permission table: the capability (HPTS) is not offered */
static void reserve_hpt(struct vtd_pasid_entry *mask)
{
	vtd_pasid_entry_set_HPTSZ(mask, 3);
	vtd_pasid_entry_set_HPTPFD(mask, 1);
	vtd_pasid_entry_set_HPTPTR(mask, VTD_MASK(63, 12));
	vtd_pasid_entry_set_HPTDID(mask, 0xffff);
}

struct vtd_pasid_entry vtd_pasid_entry_reserved_for(const struct vtd_rules *rules, unsigned pgtt)
{
	uint64_t ecap = rules->ecap;
	struct vtd_pasid_entry mask;

	for (unsigned i = 0; i < 8; i++)
		mask.q[i] = vtd_pasid_entry_reserved[i];
	/* what a type ignores, known types only do */
	if (pgtt != VTD_PGTT_FIRST_STAGE && pgtt != VTD_PGTT_PASS_THROUGH)
		reserve_second_stage(&mask, rules);
	reserve_hpt(&mask);
	vtd_pasid_entry_set_PWSNP(&mask, !vtd_ECAP_SMPWC(ecap));
	vtd_pasid_entry_set_PGSNP(&mask, !vtd_ECAP_SC(ecap));
	vtd_pasid_entry_set_CD(&mask, !vtd_ECAP_MTS(ecap));
	vtd_pasid_entry_set_SRE(&mask, !vtd_ECAP_SRS(ecap));
	vtd_pasid_entry_set_EAFE(&mask, !vtd_ECAP_EAFS(ecap));
	/* nested, too: the limit of a guest physical address (SPT.4) comes on top of HAW */
	if (pgtt != VTD_PGTT_SECOND_STAGE && pgtt != VTD_PGTT_PASS_THROUGH)
		vtd_pasid_entry_set_FSPTPTR(&mask, beyond_haw(rules) & VTD_MASK(63, 12));
	return mask;
}

bool vtd_pasid_entry_has_reserved(const struct vtd_pasid_entry *e, const struct vtd_rules *rules)
{
	struct vtd_pasid_entry mask =
		vtd_pasid_entry_reserved_for(rules, (unsigned)vtd_pasid_entry_PGTT(e));
	uint64_t found = 0;

	for (unsigned i = 0; i < 8; i++)
		found |= e->q[i] & mask.q[i];
	return found != 0;
}

/* Paging entries, VT-d 9.7 and 9.8 */

/* address bits inside a large page, from bit `lo` up */
static uint64_t inside_page(unsigned level, unsigned lo)
{
	return level > 1 ? VTD_MASK(vtd_level_shift(level) - 1, lo) : 0;
}

uint64_t vtd_fs_pte_reserved(const struct vtd_rules *rules, unsigned level, bool leaf)
{
	uint64_t mask = VTD_FS_PTE_RESERVED | vtd_above_haw(rules->haw);

	if (level > VTD_LEAF_LEVEL_MAX)
		return mask | VTD_FS_PTE_PS;
	if (!leaf)
		return mask;
	if (!vtd_fs_leaf_is_supported(rules, level))
		mask |= VTD_FS_PTE_PS;
	/* bit 12 of a large leaf is PAT */
	return mask | inside_page(level, 13);
}

uint64_t vtd_ss_pte_reserved(const struct vtd_rules *rules, unsigned level, bool leaf)
{
	uint64_t mask = VTD_SS_PTE_RESERVED | vtd_above_haw(rules->haw);

	if (level > VTD_LEAF_LEVEL_MAX)
		mask |= VTD_SS_PTE_PS;
	if (!leaf || !vtd_ECAP_SC(rules->ecap))
		mask |= VTD_SS_PTE_SNP;
	if (!leaf)
		return mask;
	if (!vtd_ss_leaf_is_supported(rules, level))
		mask |= VTD_SS_PTE_PS;
	return mask | inside_page(level, 12);
}

void vtd_masks_init(struct vtd_masks *masks, const struct vtd_rules *rules)
{
	*masks = (struct vtd_masks){.root_half = vtd_root_entry_half_reserved(rules),
				    .pasid_dir = vtd_pasid_dir_entry_reserved_for(rules),
				    .context = vtd_context_entry_reserved_for(rules)};
	for (unsigned level = 1; level <= VTD_LEVELS_MAX; level++)
		for (unsigned leaf = 0; leaf < 2; leaf++) {
			masks->fs[level][leaf] = vtd_fs_pte_reserved(rules, level, leaf);
			masks->ss[level][leaf] = vtd_ss_pte_reserved(rules, level, leaf);
		}
	for (unsigned aw = VTD_AW_39; aw <= VTD_AW_57; aw++)
		masks->beyond_input[aw] = VTD_MASK(63, vtd_ss_input_bits(rules->cap, aw));
	for (unsigned pgtt = 0; pgtt < 8; pgtt++)
		masks->pasid[pgtt] = vtd_pasid_entry_reserved_for(rules, pgtt);
}
