/* SPDX-License-Identifier: MIT */
/*
 * What the SIGBUS handler may look at: the ranges of memory of this process that are regions of a
 * map. Entries are recycled and never given back, so that the handler, which can take no lock and
 * hold no reference, never reads freed memory.
 */
#ifndef BASE_PHYSMEM_GUARD_H
#define BASE_PHYSMEM_GUARD_H

#include <stdbool.h>
#include <stddef.h>

struct guard_entry;

/* NULL: no memory. */
struct guard_entry *guard_add(void *memory, size_t len, bool writable);
void guard_drop(struct guard_entry *entry);
bool guard_is_poisoned(const struct guard_entry *entry);

#endif
