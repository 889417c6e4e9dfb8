/* SPDX-License-Identifier: MIT */
#include "base/sparse.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/rcu.h"
#include "base/sched.h"

void sparse_init(struct sparse *sparse)
{
	sparse->leaves = NULL;
	sparse->leaf_end = 0;
}

void sparse_fini(struct sparse *sparse)
{
	if (!sparse->leaves)
		return;
	for (uint32_t i = 0; i < SPARSE_TOP_ENTRIES; i++)
		base_free(sparse->leaves[i]);
	base_free(sparse->leaves);
	sparse->leaves = NULL;
}

static void **leaf_of(const struct sparse *sparse, uint32_t index)
{
	void ***leaves = __atomic_load_n(&sparse->leaves, __ATOMIC_ACQUIRE);

	if (!leaves || index >= SPARSE_TOP_ENTRIES * SPARSE_LEAF_ENTRIES)
		return NULL;
	return __atomic_load_n(&leaves[index >> SPARSE_LEAF_LG2], __ATOMIC_ACQUIRE);
}

static void *get(const struct sparse *sparse, uint32_t index)
{
	void **leaf = leaf_of(sparse, index);

	return leaf ? __atomic_load_n(&leaf[index & (SPARSE_LEAF_ENTRIES - 1)], __ATOMIC_ACQUIRE)
		    : NULL;
}

void *sparse_get(const struct sparse *sparse, uint32_t index)
{
	void *found;

	SEAM_POINT(SEAM_POINTER, SEAM_READ, "sparse", index);
	found = get(sparse, index);
	SEAM_SEEN(SEAM_POINTER, "sparse", index);
	return found;
}

/* Before the leaf is there: who has seen the leaf sees that it counts. */
static void cover_leaf(struct sparse *sparse, uint32_t leaf)
{
	if (leaf >= sparse->leaf_end)
		__atomic_store_n(&sparse->leaf_end, leaf + 1, __ATOMIC_RELEASE);
}

static int make_leaf(struct sparse *sparse, uint32_t index)
{
	if (!sparse->leaves) {
		void ***leaves = base_calloc(SPARSE_TOP_ENTRIES, sizeof(*leaves));

		if (!leaves)
			return -ENOMEM;
		__atomic_store_n(&sparse->leaves, leaves, __ATOMIC_RELEASE);
	}
	if (!sparse->leaves[index >> SPARSE_LEAF_LG2]) {
		void **leaf = base_calloc(SPARSE_LEAF_ENTRIES, sizeof(*leaf));

		if (!leaf)
			return -ENOMEM;
		cover_leaf(sparse, index >> SPARSE_LEAF_LG2);
		__atomic_store_n(&sparse->leaves[index >> SPARSE_LEAF_LG2], leaf, __ATOMIC_RELEASE);
	}
	return 0;
}

int(sparse_reserve)(struct sparse *sparse, uint32_t index)
{
	if (index >= SPARSE_TOP_ENTRIES * SPARSE_LEAF_ENTRIES)
		return -EINVAL;
	return leaf_of(sparse, index) ? 0 : make_leaf(sparse, index);
}

static void put(void **leaf, uint32_t index, void *pointer)
{
	/* who reads one, who reads all */
	SEAM_POINT(SEAM_POINTER, SEAM_WRITE, "sparse array", 0);
	SEAM_POINT(SEAM_POINTER, SEAM_WRITE, "sparse", index);
	__atomic_store_n(&leaf[index & (SPARSE_LEAF_ENTRIES - 1)], pointer, __ATOMIC_RELEASE);
}

int(sparse_set)(struct sparse *sparse, uint32_t index, void *pointer)
{
	int err = (sparse_reserve)(sparse, index);

	if (!err)
		put(leaf_of(sparse, index), index, pointer);
	return err;
}

void sparse_replace(struct sparse *sparse, uint32_t index, void *pointer)
{
	void **leaf = leaf_of(sparse, index);

	if (leaf)
		put(leaf, index, pointer);
}

/* The first in a leaf that is at or after *index; else *index is beyond the leaf. */
static void *next_of_leaf(void **leaf, uint32_t *index)
{
	void *found;

	do {
		found = __atomic_load_n(&leaf[*index & (SPARSE_LEAF_ENTRIES - 1)],
					__ATOMIC_ACQUIRE);
		if (found)
			return found;
	} while (++*index & (SPARSE_LEAF_ENTRIES - 1));
	return NULL;
}

void *sparse_next(const struct sparse *sparse, uint32_t *index)
{
	uint32_t end, at = *index;

	SEAM_POINT(SEAM_POINTER, SEAM_READ, "sparse array", 0);
	end = __atomic_load_n(&sparse->leaf_end, __ATOMIC_ACQUIRE) * SPARSE_LEAF_ENTRIES;
	while (at < end) {
		void **leaf = leaf_of(sparse, at);
		void *found = leaf ? next_of_leaf(leaf, &at) : NULL;

		if (found) {
			*index = at;
			return found;
		}
		if (!leaf)
			at = (at | (SPARSE_LEAF_ENTRIES - 1)) + 1;
	}
	return NULL;
}
