/* SPDX-License-Identifier: MIT */
/* The unit's own way to entries in memory: root table, context table, PASID directory, PASID
 * table. */
#ifndef TESTS_SCENARIOS_TABLES_OF_UNIT_H
#define TESTS_SCENARIOS_TABLES_OF_UNIT_H

#include "base/physmem.h"
#include "hw/unit.h"
#include "vtd/tables.h"

static inline void *tables_page(struct physmem *pm, uint64_t address)
{
	void *page;

	rcu_read_lock();
	page = address ? physmem_ptr(pm, hpa(address), VSVA_PAGE_SIZE, true) : NULL;
	rcu_read_unlock();
	return page;
}

/* NULL: there is no context table for this bus. */
static inline struct vtd_context_entry *tables_context(struct unit *unit, struct physmem *pm,
						       rid_t rid_)
{
	struct vtd_context_entry *contexts;
	struct vtd_root_entry *root;
	uint64_t rtaddr;

	if (unit_mmio_read(unit, VTD_REG_RTADDR, 8, &rtaddr))
		return NULL;
	root = tables_page(pm, vtd_RTADDR_RTA(rtaddr));
	root += vtd_root_index(rid_);
	contexts = tables_page(pm, vtd_context_is_upper(rid_) ? vtd_root_entry_UCTP(root)
							      : vtd_root_entry_LCTP(root));
	return contexts ? &contexts[vtd_context_index(rid_)] : NULL;
}

/* NULL: no directory, or no table in it. */
static inline struct vtd_pasid_entry *tables_pasid(struct unit *unit, struct physmem *pm,
						   rid_t rid_, uint32_t pasid)
{
	const struct vtd_context_entry *context = tables_context(unit, pm, rid_);
	unsigned index = vtd_pasid_dir_index(pasid);
	struct vtd_pasid_dir_entry *directory;
	struct vtd_pasid_entry *table;

	/* a page of the directory has 512 entries */
	directory = tables_page(pm, vtd_context_entry_PASIDDIRPTR(context) +
					    index / 512 * VSVA_PAGE_SIZE);
	if (!directory)
		return NULL;
	table = tables_page(pm, vtd_pasid_dir_entry_SMPTBLPTR(&directory[index % 512]));
	return table ? &table[vtd_pasid_table_index(pasid)] : NULL;
}

/* The leaf that maps the address, or NULL. */
static inline uint64_t *
tables_second_stage_leaf(struct physmem *pm, const struct vtd_pasid_entry *entry, uint64_t address)
{
	unsigned level = vtd_aw_levels((unsigned)vtd_pasid_entry_AW(entry));
	uint64_t *table = tables_page(pm, vtd_pasid_entry_SSPTPTR(entry));

	for (;; level--) {
		uint64_t *pte = &table[vtd_level_index(address, level)];

		if (!vtd_ss_pte_is_present(*pte))
			return NULL;
		if (vtd_ss_pte_is_leaf(*pte, level))
			return pte;
		table = tables_page(pm, vtd_pte_address(*pte, 1));
	}
}

#endif
