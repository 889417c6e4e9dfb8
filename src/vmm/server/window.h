/* SPDX-License-Identifier: MIT */
/*
 * The windows that one client has mapped: the protocol's own record, by which an unmap is checked
 * and everything is taken away when the client dies. Sorted by address, never overlapping.
 */
#ifndef VMM_SERVER_WINDOW_H
#define VMM_SERVER_WINDOW_H

#include <stdint.h>

#include "vsva/types.h"

struct vfu_range {
	gpa_t gpa;
	uint64_t size;
};

struct vfu_windows {
	struct vfu_range *ranges;
	uint32_t count;
	uint32_t allocated;
};

void vfu_windows_fini(struct vfu_windows *windows);
/* Makes room for this range, size > 0, not beyond the end of the address space. 0; -EEXIST it
 * overlaps one; -ENOSPC VSVA_LIMIT_VM_WINDOWS are mapped; -ENOMEM. */
int vfu_windows_prepare(struct vfu_windows *windows, gpa_t gpa, uint64_t size);
/* Adds the range that was prepared last. */
void vfu_windows_commit(struct vfu_windows *windows, gpa_t gpa, uint64_t size);
/* Exactly this range? 0; -ENOENT. */
int vfu_windows_find(const struct vfu_windows *windows, gpa_t gpa, uint64_t size);
/* The range must be there (checked). */
void vfu_windows_remove(struct vfu_windows *windows, gpa_t gpa);

#endif
