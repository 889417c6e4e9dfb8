/* SPDX-License-Identifier: MIT */
/*
 * Areas of a native address space: ranges in which memory may be made present, in the order of
 * their addresses. All ranges are [start, end), multiples of 4096. The owner serialises.
 */
#ifndef HOST_MM_AREA_H
#define HOST_MM_AREA_H

#include <stdbool.h>
#include <stdint.h>

struct mm_area {
	struct mm_area *next;
	uint64_t start, end;
	bool writable;
};

struct mm_areas {
	struct mm_area *first;
	unsigned count;
};

/* NULL: none is there. */
const struct mm_area *mm_areas_find(const struct mm_areas *areas, uint64_t address);
/* Nothing of the range is in an area; all of it is. */
bool mm_areas_is_free(const struct mm_areas *areas, uint64_t start, uint64_t end);
bool mm_areas_is_full(const struct mm_areas *areas, uint64_t start, uint64_t end);
/* Where there is room for len bytes in [start, end); end: nowhere. */
uint64_t mm_areas_choose(const struct mm_areas *areas, uint64_t start, uint64_t end, uint64_t len);

/* The range is free. 0; -ENOMEM, also for VSVA_LIMIT_MM_AREAS. */
int mm_areas_add(struct mm_areas *areas, uint64_t start, uint64_t end, bool writable);
/* Areas that the range begins or ends inside become two. What is mapped stays the same. 0; -ENOMEM.
 */
int mm_areas_split(struct mm_areas *areas, uint64_t start, uint64_t end);
/* No area crosses the ends of the range. */
void mm_areas_remove(struct mm_areas *areas, uint64_t start, uint64_t end);
void mm_areas_set_writable(struct mm_areas *areas, uint64_t start, uint64_t end, bool writable);
/* Neighbours that are alike become one. */
void mm_areas_merge(struct mm_areas *areas);

#endif
