// SPDX-License-Identifier: MIT
/*
 * A view that asks another one once: what it was told it says again, so that all that is made of it is of
 * one piece, and what is looked at a thousand times costs one question. It does not change between two
 * looks, whatever the other one does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/status.h"
#include "cli/view/impl.h"

/* Pages that are kept: 32 MiB; those beyond are asked for again. */
#define PAGES_MAX 8192u
#define BUCKETS   4096u
#define PAGE      4096u

struct page {
	struct page *next;
	uint64_t address;
	uint32_t vm;
	uint64_t words[VIEW_WORDS_MAX];
};

struct memo {
	struct view *of;             /* not ours */
	struct json_object *objects; /* items by name */
	struct page *pages[BUCKETS];
	unsigned count;
};

static struct json_object *memo_get(void *arg, const char *object, int *err)
{
	struct memo *memo = arg;
	struct json_object *items;

	if (!json_object_object_get_ex(memo->objects, object, &items)) {
		items = memo->of->ops->get(memo->of->arg, object, err);
		if (*err)
			return NULL;
		json_object_object_add(memo->objects, object, items);
	}
	return json_object_get(items);
}

static struct page **bucket_of(struct memo *memo, uint32_t vm, uint64_t address)
{
	return &memo->pages[(address / PAGE + vm * UINT64_C(977)) % BUCKETS];
}

static struct page *find(struct memo *memo, uint32_t vm, uint64_t address)
{
	struct page *page = *bucket_of(memo, vm, address);

	while (page && (page->vm != vm || page->address != address))
		page = page->next;
	return page;
}

/* NULL: it cannot be read, or not be kept. */
static struct page *fetch(struct memo *memo, uint32_t vm, uint64_t address)
{
	struct page **bucket = bucket_of(memo, vm, address), *page;

	if (memo->count == PAGES_MAX)
		return NULL;
	page = malloc(sizeof(*page));
	if (!page || view_read(memo->of, vm, address, page->words, VIEW_WORDS_MAX)) {
		free(page);
		return NULL;
	}
	page->vm = vm;
	page->address = address;
	page->next = *bucket;
	*bucket = page;
	memo->count++;
	return page;
}

static int memo_read(void *arg, uint32_t vm, uint64_t address, uint64_t *words, unsigned count)
{
	struct memo *memo = arg;
	uint64_t first = address & ~(uint64_t)(PAGE - 1);
	struct page *page = find(memo, vm, first);

	if (address + count * UINT64_C(8) > first + PAGE)
		return view_read(memo->of, vm, address, words, count);
	if (!page)
		page = fetch(memo, vm, first);
	if (!page)
		return view_read(memo->of, vm, address, words, count);
	memcpy(words, page->words + (address - first) / 8, count * sizeof(*words));
	return 0;
}

static void memo_close(void *arg)
{
	struct memo *memo = arg;
	struct page *page, *next;

	for (unsigned i = 0; i < BUCKETS; i++)
		for (page = memo->pages[i]; page; page = next) {
			next = page->next;
			free(page);
		}
	json_object_put(memo->objects);
	free(memo);
}

static const struct view_ops memo_ops = {
	.is_live = false, .get = memo_get, .read = memo_read, .close = memo_close};

struct view *view_remember(struct view *of)
{
	struct view *view = calloc(1, sizeof(*view));
	struct memo *memo = calloc(1, sizeof(*memo));

	if (!view || !memo) {
		complain(VSVA_CODE_NO_MEMORY, "no memory");
		free(view);
		free(memo);
		return NULL;
	}
	memo->of = of;
	memo->objects = json_object_new_object();
	view->ops = &memo_ops;
	view->arg = memo;
	return view;
}
