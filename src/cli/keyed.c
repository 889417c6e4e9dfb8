// SPDX-License-Identifier: MIT
#include "cli/keyed.h"

#include <search.h>
#include <stdlib.h>

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

void *keyed_find(void *const *tree, uint64_t key)
{
	void **node = tfind(&key, tree, compare);

	return node ? *node : NULL;
}

void *keyed_find_or_make(void **tree, uint64_t key, size_t size)
{
	uint64_t *record = keyed_find(tree, key);

	if (record)
		return record;
	record = calloc(1, size);
	if (!record)
		return NULL;
	*record = key;
	if (tsearch(record, tree, compare))
		return record;
	free(record);
	return NULL;
}

void keyed_forget(void **tree, uint64_t key)
{
	void *record = keyed_find(tree, key);

	if (!record)
		return;
	tdelete(&key, tree, compare);
	free(record);
}

void keyed_forget_all(void **tree)
{
	tdestroy(*tree, free);
	*tree = NULL;
}
