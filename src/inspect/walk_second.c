// SPDX-License-Identifier: MIT
/* The second stage. VT-d 3.7, 9.8 */
#include "inspect/walk_impl.h"

struct leaf walk_no_leaf(void)
{
	return (struct leaf){
		.read = true,
		.write = true,
		.user = true,
		.no_read = -1,
		.no_write = -1,
		.no_user = -1,
	};
}

bool walk_second_mark(struct walk *walk, const struct leaf *at, uint64_t bits)
{
	if (!walk->ssade || (at->entry & bits) == bits)
		return true;
	if (!walk->snooped)
		return walk_stop(walk, REASON(SS_AD_NOT_SNOOPED, SSS_5, SSS_5));
	if (!walk_update(walk, at->at_host, vtd_without(bits, at->entry)))
		return walk_stop(walk, REASON(SS_AD_FAILED, SSS_6, SSS_6));
	return true;
}

static bool fetch(struct walk *walk, uint64_t address, unsigned level, bool inner,
		  struct leaf *leaf)
{
	struct vsva_walk_step step = {
		.kind = VSVA_WALK_SECOND_STAGE,
		.level = (uint8_t)level,
		.inner = inner,
		.input = address,
		.at = leaf->at,
		.at_host = leaf->at,
		.words = 1,
	};
	bool top = level == walk->second_levels;
	uint64_t mask;

	if (!walk_read(walk, step, &leaf->entry))
		return walk_stop(walk, top ? REASON(SS_UNREADABLE, SSS_4, LCT_4)
					   : REASON(SS_UNREADABLE, SSS_1, LSS_1));
	if (!vtd_ss_pte_is_present(leaf->entry))
		return true;
	mask = vtd_ss_pte_reserved(&walk->rules, level, vtd_ss_pte_is_leaf(leaf->entry, level));
	return walk_stop_reserved(walk, REASON(SS_RESERVED, SSS_3, LSS_2), leaf->entry & mask, 0);
}

static void take_rights(const struct walk *walk, struct leaf *leaf)
{
	if (leaf->read && !(leaf->entry & VTD_SS_PTE_R)) {
		leaf->read = false;
		leaf->no_read = walk_last(walk);
	}
	if (leaf->write && !(leaf->entry & VTD_SS_PTE_W)) {
		leaf->write = false;
		leaf->no_write = walk_last(walk);
	}
}

bool walk_second(struct walk *walk, uint64_t address, bool inner, struct leaf *leaf)
{
	uint64_t table = walk->second_root;
	unsigned level = walk->second_levels;

	*leaf = walk_no_leaf();
	for (;; level--) {
		leaf->at = leaf->at_host =
			table + vtd_level_index(address, level) * sizeof(leaf->entry);
		if (!fetch(walk, address, level, inner, leaf))
			return false;
		take_rights(walk, leaf);
		leaf->size_lg2 = vtd_level_shift(level);
		leaf->is_absent = !leaf->read && !leaf->write;
		/* in legacy mode the fault depends on the access: LGN.2 or LGN.3 */
		if (leaf->is_absent)
			return !walk->scalable || walk_stop(walk, REASON(SS_ABSENT, SSS_2, SSS_2));
		if (vtd_ss_pte_is_leaf(leaf->entry, level))
			break;
		table = vtd_pte_address(leaf->entry, 1);
		if (!walk_second_mark(walk, leaf, VTD_SS_PTE_A))
			return false;
	}
	leaf->output =
		vtd_pte_address(leaf->entry, level) | (address & (vtd_level_size(level) - 1));
	return true;
}
