/* SPDX-License-Identifier: MIT */
/* Records found by a number: trees of search.h whose nodes are the records, with a uint64_t key as their first member.
 * NULL is the empty tree. */
#ifndef CLI_KEYED_H
#define CLI_KEYED_H

#include <stddef.h>
#include <stdint.h>

/* NULL: there is none. */
void *keyed_find(void *const *tree, uint64_t key);
/* A new one is zero but for its key; NULL: no memory. */
void *keyed_find_or_make(void **tree, uint64_t key, size_t size);
void keyed_forget(void **tree, uint64_t key);
void keyed_forget_all(void **tree);

#endif
