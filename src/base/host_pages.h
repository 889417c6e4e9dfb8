/* SPDX-License-Identifier: MIT */
/*
 * The host's own pages, inside the physical memory map: a buddy allocator per chunk. A chunk is
 * mapped without reserving memory and keeps its bookkeeping behind its pages, so that it costs only
 * what is used of it and nothing of it is counted as allocated.
 *
 * All functions: under the lock of the map.
 */
#ifndef BASE_HOST_PAGES_H
#define BASE_HOST_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/physmem.h"

#define HOST_PAGES_ORDER_MAX 14u /* of a chunk: 64 MiB */

struct host_chunk;

struct host_pages {
	struct host_chunk *chunks; /* newest first */
	size_t pages_in_use;
};

/* The region of a new chunk, for the caller to place, or NULL. */
struct physmem_region *host_pages_add_chunk(struct host_pages *host);
/* Undoes the last add: its region could not be placed. */
void host_pages_drop_chunk(struct host_pages *host);
void host_pages_release(struct host_pages *host);
/* Is this the region of a chunk? */
bool host_pages_own(const struct host_pages *host, const struct physmem_region *region);

/* 2^order zeroed pages. 0; -EAGAIN: another chunk is needed; -ENOMEM: more than a chunk has. */
int host_pages_take(struct host_pages *host, unsigned order, hpa_t *base, void **memory);
/* CHECKs that base and order are those of a block taken. */
void host_pages_return(struct host_pages *host, hpa_t base, unsigned order);

#endif
