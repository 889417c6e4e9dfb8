// SPDX-License-Identifier: MIT
#include "vmm/server/window.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "vsva/limits.h"

/* What QEMU maps while its firmware starts. */
#define FIRST_ALLOCATION 16u

void vfu_windows_fini(struct vfu_windows *windows)
{
	base_free(windows->ranges);
	*windows = (struct vfu_windows){0};
}

/* Index of the first range that begins at or after gpa. */
static uint32_t lower_bound(const struct vfu_windows *windows, gpa_t gpa)
{
	uint32_t low = 0, high = windows->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (windows->ranges[middle].gpa.v < gpa.v)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint64_t last_of(gpa_t gpa, uint64_t size)
{
	return gpa.v + (size - 1);
}

static bool overlaps(const struct vfu_windows *windows, gpa_t gpa, uint64_t size)
{
	uint32_t at = lower_bound(windows, gpa);
	const struct vfu_range *next = &windows->ranges[at];

	if (at < windows->count && next->gpa.v <= last_of(gpa, size))
		return true;
	return at > 0 && last_of(next[-1].gpa, next[-1].size) >= gpa.v;
}

static int grow(struct vfu_windows *windows)
{
	uint32_t allocated = windows->allocated ? windows->allocated * 2 : FIRST_ALLOCATION;
	struct vfu_range *ranges = base_calloc(allocated, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	if (windows->count)
		memcpy(ranges, windows->ranges, windows->count * sizeof(*ranges));
	base_free(windows->ranges);
	windows->ranges = ranges;
	windows->allocated = allocated;
	return 0;
}

int vfu_windows_prepare(struct vfu_windows *windows, gpa_t gpa, uint64_t size)
{
	CHECK(size > 0 && last_of(gpa, size) >= gpa.v);
	if (windows->count && overlaps(windows, gpa, size))
		return -EEXIST;
	if (windows->count >= VSVA_LIMIT_VM_WINDOWS)
		return -ENOSPC;
	return windows->count < windows->allocated ? 0 : grow(windows);
}

void vfu_windows_commit(struct vfu_windows *windows, gpa_t gpa, uint64_t size)
{
	uint32_t at = lower_bound(windows, gpa);
	struct vfu_range *range = &windows->ranges[at];

	CHECK(windows->count < windows->allocated);
	memmove(range + 1, range, (windows->count - at) * sizeof(*range));
	*range = (struct vfu_range){.gpa = gpa, .size = size};
	windows->count++;
}

int vfu_windows_find(const struct vfu_windows *windows, gpa_t gpa, uint64_t size)
{
	uint32_t at = lower_bound(windows, gpa);

	if (at == windows->count || windows->ranges[at].gpa.v != gpa.v ||
	    windows->ranges[at].size != size)
		return -ENOENT;
	return 0;
}

void vfu_windows_remove(struct vfu_windows *windows, gpa_t gpa)
{
	uint32_t at = lower_bound(windows, gpa);
	struct vfu_range *range = &windows->ranges[at];

	CHECK(at < windows->count && range->gpa.v == gpa.v);
	windows->count--;
	memmove(range, range + 1, (windows->count - at) * sizeof(*range));
}
