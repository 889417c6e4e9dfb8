/* SPDX-License-Identifier: MIT */
/*
 * The page table of a second stage, GPA to HPA (VT-d 3.7, 9.8).
 *
 *   table   512 entries of one level    leaf   an entry that maps a page
 *   range   [addr, end), multiples of 4096
 *
 * Invariant: no table but the root is empty between two calls, so a slot that is not present is
 * free for a leaf of any size that its level takes.
 *
 * Writers are serialised by the owner; hardware and second_stage_lookup() read at any time. A table
 * that was taken out goes on a page_list: the owner frees it after a flush and a grace period.
 */
#ifndef HOST_SECOND_STAGE_H
#define HOST_SECOND_STAGE_H

#include "host/page_list.h"
#include "vtd/tables.h"

struct second_stage {
	struct table_memory memory;
	const struct vtd_rules *rules;
	unsigned levels;
	unsigned input_bits; /* addresses are below 2^input_bits */
	hpa_t root;
};

/* The AW of the tables that the unit takes: 48 bits, or 57 where it has only those. 0: neither. */
unsigned second_stage_aw(uint64_t cap);
int second_stage_init(struct second_stage *ss, const struct table_memory *memory,
		      const struct vtd_rules *rules);
/* Takes all tables out, the root too. */
void second_stage_fini(struct second_stage *ss, struct page_list *removed);

/* Is anything of the range mapped? */
bool second_stage_is_mapped(struct second_stage *ss, uint64_t addr, uint64_t end);
/* Nothing of the range is mapped. prot: VSVA_PROT_*. 0; -ENOMEM: nothing was mapped, and tables
 * that were made for it are in removed. */
int second_stage_map(struct second_stage *ss, uint64_t addr, uint64_t end, uint64_t to,
		     uint32_t prot, struct page_list *removed);
/* Splits the leaves that the range begins or ends inside. What is mapped stays the same. 0;
 * -ENOMEM. */
int second_stage_split(struct second_stage *ss, uint64_t addr, uint64_t end);
/* Removes every leaf of the range, which no leaf crosses. Returns the bytes that were mapped. */
uint64_t second_stage_unmap(struct second_stage *ss, uint64_t addr, uint64_t end,
			    struct page_list *removed);
/* -ENOENT. Any thread, no lock. */
int second_stage_lookup(const struct second_stage *ss, uint64_t addr, hpa_t *out);

#endif
