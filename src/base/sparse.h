/* SPDX-License-Identifier: MIT */
/*
 * A sparse array of 2^20 pointers, one per PASID: two levels, leaves made on first use and kept
 * until the end. Readers need no lock (leaves are never freed before sparse_fini); writers hold the
 * owner's.
 */
#ifndef BASE_SPARSE_H
#define BASE_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/fail.h"

#define SPARSE_LEAF_LG2     8
#define SPARSE_LEAF_ENTRIES (1u << SPARSE_LEAF_LG2)
#define SPARSE_TOP_ENTRIES  (1u << (20 - SPARSE_LEAF_LG2))

struct sparse {
	void ***leaves;    /* [SPARSE_TOP_ENTRIES], made on first use */
	uint32_t leaf_end; /* atomic: no leaf was ever made from here on */
};

void sparse_init(struct sparse *sparse);
void sparse_fini(struct sparse *sparse);
/* NULL: nothing there, or index beyond 2^20. */
void *sparse_get(const struct sparse *sparse, uint32_t index);
/* pointer: not NULL. 0; -ENOMEM; -EINVAL index beyond 2^20. */
int sparse_set(struct sparse *sparse, uint32_t index, void *pointer);
/* Puts the pointer, or NULL, where something was set or reserved before; elsewhere nothing happens. */
void sparse_replace(struct sparse *sparse, uint32_t index, void *pointer);
/* Setting this index later does not fail for memory. 0; -ENOMEM; -EINVAL. */
int sparse_reserve(struct sparse *sparse, uint32_t index);
#define sparse_set(sparse, index, pointer) FAIL_SITE(sparse_set(sparse, index, pointer))
#define sparse_reserve(sparse, index)      FAIL_SITE(sparse_reserve(sparse, index))
/* The first non-NULL entry at or after *index; moves *index to it. NULL: none. */
void *sparse_next(const struct sparse *sparse, uint32_t *index);

#endif
