// SPDX-License-Identifier: MIT
/* The first stage, and the judgement of the page. VT-d 3.6, 3.8, 3.9, 9.7 */
#include "inspect/walk_impl.h"

/* Tables */

/* Where a first-stage entry lies that is read, or changed. */
static bool locate(struct walk *walk, uint64_t at, bool change, struct reason refused,
		   uint64_t *at_host)
{
	struct leaf leaf;

	*at_host = at;
	if (walk->pgtt != VTD_PGTT_NESTED)
		return true;
	if (!walk_second(walk, at, true, &leaf))
		return false;
	/* VT-d 3.8: with second-stage A/D bits a table must be writable to be read */
	if (!leaf.read)
		return walk_stop_at(walk, refused, change ? walk_last(walk) : leaf.no_read);
	if ((change || walk->ssade) && !leaf.write)
		return walk_stop_at(walk, refused, change ? walk_last(walk) : leaf.no_write);
	*at_host = leaf.output;
	return walk_second_mark(walk, &leaf, VTD_SS_PTE_A | (change ? VTD_SS_PTE_D : 0u));
}

static bool locate_to_change(struct walk *walk, uint64_t at, uint64_t *at_host)
{
	bool ok;

	walk->silent = true;
	ok = locate(walk, at, true, SAME(FS_AD_REFUSED, SFS_8), at_host);
	walk->silent = false;
	return ok;
}

bool walk_first_mark(struct walk *walk, const struct leaf *at, uint64_t bits)
{
	uint64_t at_host;

	bits |= walk->eafe ? VTD_FS_PTE_EA : 0u;
	if ((at->entry & bits) == bits)
		return true;
	if (!walk->snooped)
		return walk_stop(walk, SAME(FS_AD_NOT_SNOOPED, SFS_9));
	if (!locate_to_change(walk, at->at, &at_host))
		return false;
	if (!walk_update(walk, at_host, vtd_without(bits, at->entry)))
		return walk_stop(walk, SAME(FS_AD_FAILED, SFS_10));
	return true;
}

static bool judge_entry(struct walk *walk, uint64_t entry, unsigned level)
{
	bool is_leaf = vtd_fs_pte_is_leaf(entry, level);
	uint64_t mask = vtd_fs_pte_reserved(&walk->rules, level, is_leaf);

	if (!(entry & VTD_FS_PTE_P))
		return walk_stop(walk, SAME(FS_ABSENT, SFS_2));
	if (!walk_stop_reserved(walk, SAME(FS_RESERVED, SFS_3), entry & mask, 0))
		return false;
	if (walk->pgtt == VTD_PGTT_NESTED && !vtd_fits(vtd_pte_address(entry, 1), walk->input_bits))
		return walk_stop(walk, SAME(FS_BEYOND_WIDTH, SFS_5));
	return true;
}

static bool fetch(struct walk *walk, uint64_t address, unsigned level, struct leaf *leaf)
{
	bool top = level == walk->first_levels;
	struct vsva_walk_step step = {
		.kind = VSVA_WALK_FIRST_STAGE,
		.level = (uint8_t)level,
		.input = address,
		.at = leaf->at,
		.words = 1,
	};

	if (!locate(walk, leaf->at, false,
		    top ? SAME(FS_TABLE_REFUSED, SFS_6) : SAME(FS_TABLE_REFUSED, SFS_7),
		    &step.at_host))
		return false;
	leaf->at_host = step.at_host;
	if (!walk_read(walk, step, &leaf->entry))
		return walk_stop(walk,
				 top ? SAME(FS_UNREADABLE, SFS_4) : SAME(FS_UNREADABLE, SFS_1));
	return judge_entry(walk, leaf->entry, level);
}

static void take_rights(const struct walk *walk, struct leaf *leaf)
{
	if (leaf->write && !(leaf->entry & VTD_FS_PTE_RW)) {
		leaf->write = false;
		leaf->no_write = walk_last(walk);
	}
	if (leaf->user && !(leaf->entry & VTD_FS_PTE_US)) {
		leaf->user = false;
		leaf->no_user = walk_last(walk);
	}
}

static bool walk_first(struct walk *walk, uint64_t address, struct leaf *leaf)
{
	uint64_t table = walk->first_root;
	unsigned level = walk->first_levels;

	*leaf = walk_no_leaf();
	for (;; level--) {
		leaf->at = table + vtd_level_index(address, level) * sizeof(leaf->entry);
		if (!fetch(walk, address, level, leaf))
			return false;
		take_rights(walk, leaf);
		leaf->size_lg2 = vtd_level_shift(level);
		if (vtd_fs_pte_is_leaf(leaf->entry, level))
			break;
		table = vtd_pte_address(leaf->entry, 1);
		if (!walk_first_mark(walk, leaf, VTD_FS_PTE_A))
			return false;
	}
	leaf->output =
		vtd_pte_address(leaf->entry, level) | (address & (vtd_level_size(level) - 1));
	return true;
}

/* Judgement */

/* What both stages together say; a stage that takes no part is NULL. */
struct page {
	const struct leaf *first, *second;
	struct leaf all;
};

static bool deny_write(struct walk *walk, const struct page *page)
{
	if (page->first && !page->first->write && !(walk->privileged && !walk->wpe))
		return walk_stop_at(walk, REASON(FS_READONLY, SGN_6, LGN_2), page->first->no_write);
	if (page->second->is_absent)
		return walk_stop(walk, REASON(SS_ABSENT, SGN_6, LGN_2));
	return walk_stop_at(walk, REASON(SS_READONLY, SGN_6, LGN_2), page->second->no_write);
}

static bool deny_read(struct walk *walk, const struct page *page)
{
	if (page->second->is_absent)
		return walk_stop(walk, REASON(SS_ABSENT, SGN_7, LGN_3));
	return walk_stop_at(walk, REASON(SS_WRITEONLY, SGN_7, LGN_3), page->second->no_read);
}

static bool judge_rights(struct walk *walk, const struct page *page)
{
	const struct leaf *all = &page->all;
	/* a read of no byte may come through a write-only page, VT-d 3.7.1 */
	bool is_zlr = !walk->is_ats && walk->request->zero_length && vtd_CAP_ZLR(walk->unit->cap);

	if (walk->wants_write && !all->write)
		return deny_write(walk, page);
	if (walk->wants_read && !all->read && !(is_zlr && all->write && !walk->wants_write))
		return deny_read(walk, page);
	return true;
}

static void report(struct walk *walk, const struct leaf *all)
{
	struct vsva_walk_result *result = walk->result;
	/* the answer to a request that will not write has no W */
	bool can_write = all->write && (walk->wants_write || !walk->is_ats);

	if (!all->read && !can_write)
		return;
	result->output = all->output;
	result->page_lg2 = all->size_lg2;
	result->can_read = all->read;
	result->can_write = can_write;
	result->is_user = all->user;
}

/* A, EA and D of the leaves, after everything else. */
static bool mark_leaves(struct walk *walk, const struct page *page)
{
	bool dirty = walk->wants_write && page->all.write;

	if (page->first &&
	    !walk_first_mark(walk, page->first, VTD_FS_PTE_A | (dirty ? VTD_FS_PTE_D : 0u)))
		return false;
	return !page->second ||
	       walk_second_mark(walk, page->second, VTD_SS_PTE_A | (dirty ? VTD_SS_PTE_D : 0u));
}

static bool judge_page(struct walk *walk, const struct page *page)
{
	bool allowed = judge_rights(walk, page);

	/* a translation request that asked for too much still gets what there is */
	if (!allowed && (!walk->is_ats || (!page->all.read && !page->all.write)))
		return false;
	if (walk_is_interrupt_address(page->all.output))
		return walk_stop(walk, REASON(INTERRUPT_RANGE, SGN_8, LGN_4));
	if (!mark_leaves(walk, page))
		return false;
	report(walk, &page->all);
	return allowed;
}

/* Types */

static bool page_first_or_nested(struct walk *walk)
{
	uint64_t address = walk->request->address;
	struct leaf first, second;
	struct page page = {.first = &first};

	if (!vtd_is_canonical(address, vtd_levels_width(walk->first_levels)))
		return walk_stop(walk, SAME(NOT_CANONICAL, SGN_1));
	if (!walk_first(walk, address, &first))
		return false;
	if (!walk->privileged && !first.user)
		return walk_stop_at(walk, SAME(PAGE_PRIVILEGED, SGN_2), first.no_user);
	page.all = first;
	page.all.write = first.write || (walk->privileged && !walk->wpe);
	if (walk->pgtt == VTD_PGTT_FIRST_STAGE)
		return judge_page(walk, &page);
	if (walk->wants_write && !page.all.write && !walk->is_ats)
		return deny_write(walk, &page);
	if (!walk_second(walk, first.output, false, &second))
		return false;
	page.second = &second;
	page.all.read = second.read;
	page.all.write = page.all.write && second.write;
	page.all.output = second.output;
	if (second.size_lg2 < first.size_lg2)
		page.all.size_lg2 = second.size_lg2;
	return judge_page(walk, &page);
}

static bool page_second(struct walk *walk)
{
	struct leaf second;
	struct page page = {.second = &second};

	if (!vtd_fits(walk->request->address, walk->input_bits))
		return walk_stop(walk, REASON(GPA_BEYOND_WIDTH, SGN_5, LGN_1));
	if (!walk_second(walk, walk->request->address, false, &second))
		return false;
	page.all = second;
	return judge_page(walk, &page);
}

static bool page_pass_through(struct walk *walk)
{
	struct leaf all = walk_no_leaf();

	all.output = walk->request->address;
	all.size_lg2 = VTD_PAGE_SHIFT;
	if (!vtd_fits(all.output, walk->unit->haw))
		return walk_stop(walk, REASON(HPA_BEYOND_WIDTH, SGN_4, LGN_1));
	if (!walk->is_ats && walk_is_interrupt_address(all.output))
		return walk_stop(walk, REASON(INTERRUPT_RANGE, SGN_8, LGN_4));
	report(walk, &all);
	return true;
}

bool walk_page(struct walk *walk)
{
	walk->result->pgtt = walk->pgtt;
	if (walk->pgtt == VTD_PGTT_PASS_THROUGH)
		return page_pass_through(walk);
	return walk->pgtt == VTD_PGTT_SECOND_STAGE ? page_second(walk) : page_first_or_nested(walk);
}
