/* SPDX-License-Identifier: MIT */
#include "cli/extents.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

struct retired {
	struct retired *next;
	struct extent extent;
};

/* Overlapping ranges compare as equal: live extents are disjoint, so the order is total among them.
 */
static int compare(const void *left, const void *right)
{
	const struct extent *a = left, *b = right;

	if (a->start + a->len <= b->start)
		return -1;
	return b->start + b->len <= a->start;
}

static struct extent *find_live(const struct extents *extents, uint64_t start, uint64_t len)
{
	struct extent key = {.start = start, .len = len};
	struct extent **node = tfind(&key, &extents->live, compare);

	return node ? *node : NULL;
}

static int insert_live(struct extents *extents, const struct extent *extent)
{
	struct extent *copy = malloc(sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *extent;
	if (!tsearch(copy, &extents->live, compare)) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

static int push_retired(struct extents *extents, const struct extent *extent)
{
	struct retired *one = malloc(sizeof(*one));

	if (!one)
		return -ENOMEM;
	*one = (struct retired){.next = extents->retired, .extent = *extent};
	extents->retired = one;
	return 0;
}

/* The piece of an extent from start on that lies in it; len 0: none. */
static struct extent piece(const struct extent *whole, uint64_t start, uint64_t end)
{
	uint64_t first = start > whole->start ? start : whole->start;
	uint64_t whole_end = whole->start + whole->len;
	uint64_t last = end < whole_end ? end : whole_end;

	return (struct extent){.start = first,
			       .len = last > first ? last - first : 0,
			       .to = whole->to + (first - whole->start),
			       .writable = whole->writable};
}

/* Takes one live extent that overlaps the range out; what sticks out goes back. */
static int cut_live(struct extents *extents, struct extent *live, uint64_t start, uint64_t end,
		    struct extent *out)
{
	struct extent whole = *live;
	struct extent before = piece(&whole, whole.start, start);
	struct extent after = piece(&whole, end, UINT64_MAX);
	int err = 0;

	*out = piece(&whole, start, end);
	tdelete(live, &extents->live, compare);
	free(live);
	if (before.len)
		err = insert_live(extents, &before);
	if (after.len && !err)
		err = insert_live(extents, &after);
	return err;
}

int extents_add(struct extents *extents, const struct extent *extent)
{
	struct extent *live, out;
	int err = 0;

	while (!err && (live = find_live(extents, extent->start, extent->len)))
		err = cut_live(extents, live, extent->start, extent->start + extent->len, &out);
	return err ? err : insert_live(extents, extent);
}

int extents_retire(struct extents *extents, uint64_t start, uint64_t len)
{
	struct extent *live, out;
	int err = 0;

	while (!err && (live = find_live(extents, start, len))) {
		err = cut_live(extents, live, start, start + len, &out);
		if (!err)
			err = push_retired(extents, &out);
	}
	return err;
}

int extents_bury(struct extents *extents, uint64_t start, uint64_t len)
{
	struct retired *list = extents->retired;
	uint64_t end = start + len;
	int err = 0;

	extents->retired = NULL;
	while (list) {
		struct retired *one = list;
		struct extent before = piece(&one->extent, one->extent.start, start);
		struct extent after = piece(&one->extent, end, UINT64_MAX);

		list = one->next;
		if (before.len && !err)
			err = push_retired(extents, &before);
		if (after.len && !err)
			err = push_retired(extents, &after);
		free(one);
	}
	return err;
}

void extents_clear(struct extents *extents)
{
	tdestroy(extents->live, free);
	extents->live = NULL;
	while (extents->retired) {
		struct retired *one = extents->retired;

		extents->retired = one->next;
		free(one);
	}
}

/* Look-up */

static bool fits(const struct extent *extent, uint64_t address, bool write, uint64_t *to,
		 uint64_t *len)
{
	uint64_t offset = address - extent->start;

	if (offset >= extent->len || (write && !extent->writable))
		return false;
	*to = extent->to + offset;
	if (*len > extent->len - offset)
		*len = extent->len - offset;
	return true;
}

bool extents_next(const struct extents *extents, struct extents_cursor *cursor, uint64_t address,
		  bool write, uint64_t *to, uint64_t *len)
{
	const struct extent *live;

	if (!cursor->has_begun) {
		*cursor = (struct extents_cursor){.has_begun = true, .next = extents->retired};
		live = find_live(extents, address, 1);
		if (live && fits(live, address, write, to, len))
			return true;
	}
	while (cursor->next) {
		const struct retired *one = cursor->next;

		cursor->next = one->next;
		if (fits(&one->extent, address, write, to, len))
			return true;
	}
	return false;
}

struct search {
	uint64_t to, len;
	bool write, found;
};

static void look_at(struct search *search, const struct extent *extent)
{
	struct extent reverse = {.start = extent->to,
				 .len = extent->len,
				 .to = extent->start,
				 .writable = extent->writable};
	uint64_t ignored;

	search->found =
		search->found || fits(&reverse, search->to, search->write, &ignored, &search->len);
}

static void visit(const void *node, VISIT which, void *arg)
{
	if (which == postorder || which == leaf)
		look_at(arg, *(const struct extent *const *)node);
}

bool extents_leads_to(const struct extents *extents, uint64_t to, bool write, uint64_t *len)
{
	struct search search = {.to = to, .len = *len, .write = write};

	twalk_r(extents->live, visit, &search);
	for (const struct retired *one = extents->retired; one; one = one->next)
		look_at(&search, &one->extent);
	*len = search.len;
	return search.found;
}
