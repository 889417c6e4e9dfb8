/* SPDX-License-Identifier: MIT */
#include "base/sparse.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/rcu.h"

void sparse_init(struct sparse *sparse)
{
	sparse->leaves = NULL;
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
	void ***leaves = rcu_load(sparse->leaves);

	if (!leaves || index >= SPARSE_TOP_ENTRIES * SPARSE_LEAF_ENTRIES)
		return NULL;
	return rcu_load(leaves[index >> SPARSE_LEAF_LG2]);
}

void *sparse_get(const struct sparse *sparse, uint32_t index)
{
	void **leaf = leaf_of(sparse, index);

	return leaf ? rcu_load(leaf[index & (SPARSE_LEAF_ENTRIES - 1)]) : NULL;
}

static int make_leaf(struct sparse *sparse, uint32_t index)
{
	if (!sparse->leaves) {
		void ***leaves = base_calloc(SPARSE_TOP_ENTRIES, sizeof(*leaves));

		if (!leaves)
			return -ENOMEM;
		rcu_publish(sparse->leaves, leaves);
	}
	if (!sparse->leaves[index >> SPARSE_LEAF_LG2]) {
		void **leaf = base_calloc(SPARSE_LEAF_ENTRIES, sizeof(*leaf));

		if (!leaf)
			return -ENOMEM;
		rcu_publish(sparse->leaves[index >> SPARSE_LEAF_LG2], leaf);
	}
	return 0;
}

int sparse_set(struct sparse *sparse, uint32_t index, void *pointer)
{
	void **leaf;
	int err;

	if (index >= SPARSE_TOP_ENTRIES * SPARSE_LEAF_ENTRIES)
		return -EINVAL;
	leaf = leaf_of(sparse, index);
	if (!leaf && !pointer)
		return 0;
	if (!leaf) {
		err = make_leaf(sparse, index);
		if (err)
			return err;
		leaf = leaf_of(sparse, index);
	}
	rcu_publish(leaf[index & (SPARSE_LEAF_ENTRIES - 1)], pointer);
	return 0;
}

void *sparse_next(const struct sparse *sparse, uint32_t *index)
{
	for (uint32_t i = *index; i < SPARSE_TOP_ENTRIES * SPARSE_LEAF_ENTRIES; i++) {
		void *found;

		if (!leaf_of(sparse, i)) {
			i |= SPARSE_LEAF_ENTRIES - 1;
			continue;
		}
		found = sparse_get(sparse, i);
		if (found) {
			*index = i;
			return found;
		}
	}
	return NULL;
}
