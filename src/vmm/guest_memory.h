/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as the VMM sees it: windows of guest physical addresses, each backed by memory of
 * this process that is also a region of host physical memory. Look-ups are lock-free (one immutable
 * table, replaced under RCU).
 */
#ifndef VMM_GUEST_MEMORY_H
#define VMM_GUEST_MEMORY_H

#include <stdbool.h>

#include "base/lock.h"
#include "base/physmem.h"
#include "vsva/types.h"

struct gm_table;

struct guest_memory {
	struct physmem *physmem;
	struct lock lock; /* rank VM_MEMORY: whoever changes windows, here and in the domain */
	struct gm_table *table; /* RCU; written under lock */
	struct gm_table *spare; /* has room for as many: removal needs no memory; lock */
};

struct gm_window {
	gpa_t base;
	uint64_t len;
	uint8_t *memory;
	hpa_t host;
	bool writable;
};

int guest_memory_init(struct guest_memory *gm, struct physmem *physmem);
/* All windows must have been removed. */
void guest_memory_fini(struct guest_memory *gm);

/* Adds the window to physical memory and to the table; *window is what was made. lock held.
 * -EINVAL, -EEXIST, -ENOSPC, -ENOMEM. */
int guest_memory_add(struct guest_memory *gm, gpa_t base, void *memory, uint64_t len, bool writable,
		     struct gm_window *window);
/* -ENOENT: no window is exactly that. lock held. */
int guest_memory_find(struct guest_memory *gm, gpa_t base, uint64_t len, struct gm_window *window);
/* Any window; false: none left. */
bool guest_memory_first(struct guest_memory *gm, struct gm_window *window);
unsigned guest_memory_count(struct guest_memory *gm);
/* When it returns nobody uses the memory any more: look-ups have ended. lock held. */
void guest_memory_remove(struct guest_memory *gm, const struct gm_window *window);

/* Pointer to len bytes in one window, inside an RCU read section; NULL: not all of it is there. */
void *guest_memory_ptr(struct guest_memory *gm, gpa_t address, uint64_t len, bool write);
/* Copies across windows; -EFAULT and nothing copied if not all of it is there. Not in a read
 * section. */
int guest_memory_read(struct guest_memory *gm, gpa_t address, void *buffer, uint64_t len);
int guest_memory_write(struct guest_memory *gm, gpa_t address, const void *buffer, uint64_t len);
/* Stores a naturally aligned 32-bit word, whole, after everything that was written before. -EFAULT.
 * */
int guest_memory_store32(struct guest_memory *gm, gpa_t address, uint32_t value);
/* Reads count naturally aligned 64-bit words, each atomically, each exactly once. */
int guest_memory_fetch(struct guest_memory *gm, gpa_t address, uint64_t *words, unsigned count);

#endif
