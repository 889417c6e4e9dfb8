/* SPDX-License-Identifier: MIT */
/*
 * Walking paging structures. VT-d 3.6 (first stage), 3.7 (second stage), 3.8 (nested), 9.7, 9.8.
 *
 *   entry      one paging entry: where it is in host memory, and what was read there
 *   leaf       the entry that maps the page, with the rights of the way down to it (rights are
 *              ANDed)
 *   commit     setting A, EA and D of a leaf, once every check has passed: D never appears for a
 *              write that did not happen. Entries above the leaf get A as soon as they are used
 *   race       the entry was changed between reading and committing: the walk begins anew
 * look-ahead a walk that nobody has asked for: it may change nothing in memory
 *
 * Inside an RCU read section.
 */
#ifndef HW_WALK_H
#define HW_WALK_H

#include "hw/cache_paging.h"
#include "hw/memory.h"
#include "hw/tables.h"

/* Non-leaf entries met by one translation: a second-stage walk for each table of the first stage
 * and one for the page, and the first stage itself. */
#define WALK_PAGING_MAX ((VTD_LEVELS_MAX + 2) * VTD_LEVELS_MAX)

struct walk {
	struct lookup *lookup;
	const struct space *space;
	bool look_ahead;
	bool raced;
	bool keeps;               /* there are caches for what it passes */
	struct memory_near first; /* where tables of the first stage were read last */
	unsigned passed_count;
	struct paging_entry passed[WALK_PAGING_MAX];
};

/* What was passed is left as it is: there is much room, and rarely anything. */
static inline void walk_begin(struct walk *walk, struct lookup *lookup, const struct space *space,
			      bool look_ahead)
{
	walk->lookup = lookup;
	walk->space = space;
	walk->look_ahead = look_ahead;
	walk->raced = false;
	walk->keeps = caches_keep(lookup->caches);
	walk->first = (struct memory_near){0};
	walk->passed_count = 0;
}

struct walk_entry {
	uint64_t at; /* host physical */
	uint64_t value;
	unsigned level;
};

struct walk_leaf {
	struct walk_entry entry;
	uint64_t guest_at; /* first stage: where its entry is, in the address space of its tables */
	uint8_t rights;    /* enum paging_right, ANDed */
	uint64_t output;   /* of the address asked for */
	unsigned size_lg2;
};

/* Second stage. Rights are not judged, but for "none left" (SSS.2, LGN.2 or LGN.3). */
enum vtd_fault walk_second_stage(struct walk *walk, uint64_t address, bool write,
				 struct walk_leaf *leaf);
/* Sets A, and D for a write, where the space keeps them. */
enum vtd_fault walk_commit_second_stage_(struct walk *walk, const struct walk_leaf *leaf,
					 bool dirty);
static inline enum vtd_fault walk_commit_second_stage(struct walk *walk,
						      const struct walk_leaf *leaf, bool dirty)
{
	return walk->space->ssade ? walk_commit_second_stage_(walk, leaf, dirty) : VTD_FAULT_NONE;
}

/* The host address of an entry of a first-stage table of this level, which is to be read. VT-d 3.8.1: with
 * second-stage A/D bits the table must be writable too. Sets A. In registers: the next read waits for it. */
struct walk_located {
	uint64_t at;
	enum vtd_fault fault;
};
struct walk_located walk_locate_table(struct walk *walk, uint64_t guest_at, unsigned level);

/* First stage; its tables are read through the second in nested mode. Rights are not judged. */
enum vtd_fault walk_first_stage(struct walk *walk, uint64_t address, struct walk_leaf *leaf);
enum vtd_fault walk_commit_first_stage(struct walk *walk, const struct walk_leaf *leaf, bool dirty);

/* Is D set, or does nobody want to know? */
bool walk_second_stage_is_dirty(const struct walk *walk, const struct walk_leaf *leaf);
bool walk_first_stage_is_dirty(const struct walk_leaf *leaf);

/* What entries that were read say about themselves, for whoever reads some. reserved: the bits that must
 * be clear in such an entry (struct vtd_masks). */

static inline enum vtd_fault walk_judge_first(const struct space *space, uint64_t value,
					      uint64_t reserved)
{
	if (__builtin_expect(!(value & VTD_FS_PTE_P), 0))
		return VTD_FAULT_SFS_2;
	if (__builtin_expect((value & reserved) != 0, 0))
		return VTD_FAULT_SFS_3;
	if (space->pgtt == VTD_PGTT_NESTED && (value & VTD_FS_PTE_ADDR & space->beyond_input))
		return VTD_FAULT_SFS_5;
	return VTD_FAULT_NONE;
}

static inline uint8_t walk_first_rights(uint64_t pte)
{
	static_assert((int)VTD_FS_PTE_RW == PAGING_WRITE && (int)VTD_FS_PTE_US == PAGING_USER,
		      "the same bits");

	return (uint8_t)(PAGING_READ | (pte & (PAGING_WRITE | PAGING_USER)));
}

/* Set in every entry of the first stage that is used. */
static inline uint64_t walk_first_accessed(const struct space *space)
{
	return VTD_FS_PTE_A | (space->eafe ? VTD_FS_PTE_EA : 0u);
}

/* Legacy mode knows no "not present", only rights; write goes before read. */
static inline enum vtd_fault walk_no_right_left(const struct space *space, bool write)
{
	if (!space->legacy)
		return VTD_FAULT_SSS_2;
	return write ? VTD_FAULT_LGN_2 : VTD_FAULT_LGN_3;
}

/* *rights: those of the way down to the entry, and then its own with them. */
static inline enum vtd_fault walk_judge_second(const struct space *space, uint64_t value,
					       uint64_t reserved, bool write, uint8_t *rights)
{
	static_assert((int)VTD_SS_PTE_R == PAGING_READ && (int)VTD_SS_PTE_W == PAGING_WRITE,
		      "the same bits");

	*rights &= value & (PAGING_READ | PAGING_WRITE);
	if (__builtin_expect(*rights && !(value & reserved), 1))
		return VTD_FAULT_NONE;
	if (!vtd_ss_pte_is_present(value) || !(value & reserved))
		return walk_no_right_left(space, write);
	return space->legacy ? VTD_FAULT_LSS_2 : VTD_FAULT_SSS_3;
}

/* For the two walks: remember a non-leaf entry for the paging-structure caches. */
static inline void walk_passed(struct walk *walk, const struct paging_entry *entry)
{
	if (walk->keeps && walk->passed_count < WALK_PAGING_MAX)
		walk->passed[walk->passed_count++] = *entry;
}

#endif
