// SPDX-License-Identifier: MIT
#include "host/mm_area.h"

#include <errno.h>

#include "base/alloc.h"
#include "vsva/limits.h"

const struct mm_area *mm_areas_find(const struct mm_areas *areas, uint64_t address)
{
	const struct mm_area *area = areas->first;

	while (area && area->end <= address)
		area = area->next;
	return area && area->start <= address ? area : NULL;
}

bool mm_areas_is_free(const struct mm_areas *areas, uint64_t start, uint64_t end)
{
	const struct mm_area *area = areas->first;

	while (area && area->end <= start)
		area = area->next;
	return !area || area->start >= end;
}

bool mm_areas_is_full(const struct mm_areas *areas, uint64_t start, uint64_t end)
{
	const struct mm_area *area = mm_areas_find(areas, start);

	for (; area && area->start <= start && start < end; area = area->next)
		start = area->end;
	return start >= end;
}

uint64_t mm_areas_choose(const struct mm_areas *areas, uint64_t start, uint64_t end, uint64_t len)
{
	for (const struct mm_area *area = areas->first; area; area = area->next) {
		if (area->end <= start)
			continue;
		if (area->start >= start && area->start - start >= len)
			return start;
		start = area->end;
	}
	return start < end && end - start >= len ? start : end;
}

/* Behind link. */
static int insert(struct mm_areas *areas, struct mm_area **link, const struct mm_area *value)
{
	struct mm_area *area;

	if (areas->count >= VSVA_LIMIT_MM_AREAS)
		return -ENOMEM;
	area = base_zalloc(sizeof(*area));
	if (!area)
		return -ENOMEM;
	*area = *value;
	area->next = *link;
	*link = area;
	areas->count++;
	return 0;
}

int mm_areas_add(struct mm_areas *areas, uint64_t start, uint64_t end, bool writable)
{
	struct mm_area value = {.start = start, .end = end, .writable = writable};
	struct mm_area **link = &areas->first;

	while (*link && (*link)->end <= start)
		link = &(*link)->next;
	return insert(areas, link, &value);
}

static int split_at(struct mm_areas *areas, uint64_t address)
{
	struct mm_area *area = areas->first;
	struct mm_area rest;
	int err;

	while (area && area->end <= address)
		area = area->next;
	if (!area || area->start >= address)
		return 0;
	rest = *area;
	rest.start = address;
	err = insert(areas, &area->next, &rest);
	if (!err)
		area->end = address;
	return err;
}

int mm_areas_split(struct mm_areas *areas, uint64_t start, uint64_t end)
{
	int err = split_at(areas, start);

	if (!err)
		err = split_at(areas, end);
	if (err)
		mm_areas_merge(areas);
	return err;
}

static void remove_at(struct mm_areas *areas, struct mm_area **link)
{
	struct mm_area *area = *link;

	*link = area->next;
	areas->count--;
	base_free(area);
}

void mm_areas_remove(struct mm_areas *areas, uint64_t start, uint64_t end)
{
	struct mm_area **link = &areas->first;

	while (*link && (*link)->start < end)
		if ((*link)->start >= start)
			remove_at(areas, link);
		else
			link = &(*link)->next;
}

void mm_areas_set_writable(struct mm_areas *areas, uint64_t start, uint64_t end, bool writable)
{
	for (struct mm_area *area = areas->first; area && area->start < end; area = area->next)
		if (area->start >= start)
			area->writable = writable;
}

void mm_areas_merge(struct mm_areas *areas)
{
	struct mm_area *area = areas->first;

	while (area && area->next) {
		struct mm_area *next = area->next;

		if (area->end == next->start && area->writable == next->writable) {
			area->end = next->end;
			remove_at(areas, &area->next);
		} else {
			area = next;
		}
	}
}
