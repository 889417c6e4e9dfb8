/* SPDX-License-Identifier: MIT */
/* Processes: areas, demand paging, and the guest kernel's share of shared virtual addressing. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "guest/guest.h"

#define USER_END  (UINT64_C(1) << 47)
#define MMAP_BASE UINT64_C(0x7f0000000000)
#define HUGE_SIZE (UINT64_C(2) << 20)

struct vsva_process *process_find(struct vsva_guest *guest, gpasid_t pasid)
{
	struct vsva_process *process = guest->processes;

	while (process && process->pasid.v != pasid.v)
		process = process->next;
	return process;
}

static struct guest_area *area_at(const struct vsva_process *process, uint64_t address)
{
	struct guest_area *area = process->areas;

	while (area && (address < area->start || address - area->start >= area->len))
		area = area->next;
	return area;
}

static bool is_free(const struct vsva_process *process, uint64_t start, uint64_t len)
{
	for (const struct guest_area *area = process->areas; area; area = area->next)
		if (start < area->start + area->len && area->start < start + len)
			return false;
	return true;
}

/* Life */

int vsva_process_create(struct vsva_guest *guest, struct vsva_process **out)
{
	struct vsva_process *process = base_zalloc(sizeof(*process));
	int err;

	if (!process)
		return -ENOMEM;
	process->guest = guest;
	process->pasid = gpasid(VSVA_PASID_INVALID);
	process->next_address = MMAP_BASE;
	lock_take(&guest->lock);
	err = table_init(&process->table, guest);
	if (!err) {
		process->next = guest->processes;
		guest->processes = process;
	}
	lock_drop(&guest->lock);
	if (err) {
		base_free(process);
		return err;
	}
	TRACE(guest->seams->trace, GUEST, PROCESS_CREATE, .vm = vsva_vm_number(guest->vm),
	      .value = process->table.root.v);
	*out = process;
	return 0;
}

static void free_areas(struct vsva_process *process)
{
	while (process->areas) {
		struct guest_area *area = process->areas;

		process->areas = area->next;
		base_free(area);
	}
}

static void unlink_process(struct vsva_process *process)
{
	struct vsva_process **link = &process->guest->processes;

	while (*link != process)
		link = &(*link)->next;
	*link = process->next;
}

/* Memory goes back only after the last device has been told: the order that a kernel's mm release
 * keeps. */
void vsva_process_exit(struct vsva_process *process)
{
	struct vsva_guest *guest = process->guest;
	gpasid_t pasid = process->pasid;

	for (struct vsva_guest_device *device = guest->devices; device; device = device->next)
		vsva_process_unbind(process, device);
	process_take_pasid(process);
	TRACE(guest->seams->trace, GUEST, PROCESS_EXIT, .vm = vsva_vm_number(guest->vm),
	      .gpasid = pasid, .value = process->table.root.v);
	lock_take(&guest->lock);
	unlink_process(process);
	table_fini(&process->table, true);
	free_areas(process);
	lock_drop(&guest->lock);
	base_free(process);
}

gpasid_t vsva_process_pasid(const struct vsva_process *process)
{
	return process->pasid;
}

/* Areas */

static bool is_valid_request(gva_t address, uint64_t len, bool huge)
{
	uint64_t unit = huge ? HUGE_SIZE : VSVA_PAGE_SIZE;

	return len && len % unit == 0 && address.v % unit == 0 && len <= USER_END &&
	       address.v <= USER_END - len;
}

static uint64_t choose_address(struct vsva_process *process, uint64_t len)
{
	uint64_t start = (process->next_address + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);

	process->next_address = start + len + HUGE_SIZE; /* a hole after each area */
	return start;
}

int vsva_process_mmap(struct vsva_process *process, gva_t address, uint64_t len, bool writable,
		      bool huge, gva_t *out)
{
	struct guest_area *area;
	int err = 0;

	if (!is_valid_request(address, len, huge))
		return -EINVAL;
	area = base_zalloc(sizeof(*area));
	if (!area)
		return -ENOMEM;
	lock_take(&process->guest->lock);
	*area = (struct guest_area){.start = address.v ? address.v : choose_address(process, len),
				    .len = len,
				    .writable = writable,
				    .huge = huge,
				    .next = process->areas};
	if (area->start > USER_END - len)
		err = -ENOMEM;
	else if (!is_free(process, area->start, len))
		err = -EEXIST;
	else
		process->areas = area;
	lock_drop(&process->guest->lock);
	if (err)
		base_free(area);
	else
		*out = gva(area->start);
	return err;
}

#define trace_unmap(process, kind, start, length)                                                  \
	TRACE((process)->guest->seams->trace, GUEST, kind,                                         \
	      .vm = vsva_vm_number((process)->guest->vm), .gpasid = (process)->pasid,              \
	      .addr = (start), .len = (length), .value = (process)->table.root.v)

int process_fault_in(struct vsva_process *process, uint64_t address, bool write)
{
	struct vsva_guest *guest = process->guest;
	struct guest_area *area = area_at(process, address);
	unsigned level, want = area && area->huge ? 2 : 1;
	gpa_t frame;
	int err;

	if (!area || (write && !area->writable))
		return -EFAULT;
	if (table_leaf(&process->table, address, &level))
		return 0;
	err = frame_alloc(guest, VTD_LEVEL_BITS * (want - 1), &frame);
	if (err)
		return err;
	address &= ~(vtd_level_size(want) - 1);
	/* before the entry, so that no device is earlier than the news of it */
	TRACE(guest->seams->trace, GUEST, GUEST_MAP, .vm = vsva_vm_number(guest->vm),
	      .gpasid = process->pasid, .addr = address, .hpa = hpa(frame.v),
	      .len = vtd_level_size(want), .write = area->writable, .value = process->table.root.v);
	err = table_map(&process->table, address, frame, want, area->writable);
	if (err) {
		trace_unmap(process, GUEST_UNMAP, address, vtd_level_size(want));
		trace_unmap(process, GUEST_UNMAP_DONE, address, vtd_level_size(want));
		frame_free(guest, frame, VTD_LEVEL_BITS * (want - 1));
		return err;
	}
	return 0;
}

/* Unmapping */

/* Frames that were unmapped but that devices may reach until the flush has completed. */
struct condemned {
	struct condemned *next;
	gpa_t frame;
	unsigned order;
};

static bool cuts_a_huge_page(const struct guest_area *area, uint64_t start, uint64_t end)
{
	uint64_t area_end = area->start + area->len;

	if (!area->huge || area_end <= start || end <= area->start)
		return false;
	return (start > area->start && start % HUGE_SIZE) || (end < area_end && end % HUGE_SIZE);
}

static int check_cut(const struct vsva_process *process, uint64_t start, uint64_t end)
{
	for (const struct guest_area *area = process->areas; area; area = area->next)
		if (cuts_a_huge_page(area, start, end))
			return -EINVAL;
	return 0;
}

/* Cuts the range out of the areas. -ENOMEM: it lies in the middle of one, and nothing is changed. */
static int cut_areas(struct vsva_process *process, uint64_t start, uint64_t end)
{
	struct guest_area **link = &process->areas;

	while (*link) {
		struct guest_area *area = *link;
		uint64_t area_end = area->start + area->len;
		struct guest_area *rest;

		if (area_end <= start || end <= area->start) {
			link = &area->next;
			continue;
		}
		if (start > area->start && end < area_end) {
			rest = base_zalloc(sizeof(*rest));
			if (!rest)
				return -ENOMEM;
			*rest = (struct guest_area){.start = end,
						    .len = area_end - end,
						    .writable = area->writable,
						    .huge = area->huge,
						    .next = area->next};
			area->next = rest;
			area->len = start - area->start;
		} else if (start > area->start) {
			area->len = start - area->start;
		} else if (end < area_end) {
			area->len = area_end - end;
			area->start = end;
		} else {
			*link = area->next;
			base_free(area);
			continue;
		}
		link = &area->next;
	}
	return 0;
}

static int condemn(struct condemned **list, gpa_t frame, unsigned order)
{
	struct condemned *one = base_zalloc(sizeof(*one));

	if (!one)
		return -ENOMEM;
	*one = (struct condemned){.next = *list, .frame = frame, .order = order};
	*list = one;
	return 0;
}

/* The first entry that is present at or after *at, of how much, and *at where it begins; NULL: none. */
static uint64_t *next_entry(struct vsva_process *process, uint64_t *at, uint64_t end,
			    unsigned *level)
{
	for (; *at < end; *at += VSVA_PAGE_SIZE) {
		uint64_t *entry = table_leaf(&process->table, *at, level);

		if (entry)
			return entry;
	}
	return NULL;
}

/* Nothing is changed yet. */
static int condemn_frames(struct vsva_process *process, uint64_t start, uint64_t end,
			  struct condemned **list)
{
	uint64_t at = start, *entry;
	unsigned level;
	int err = 0;

	while (!err && (entry = next_entry(process, &at, end, &level))) {
		err = condemn(list, table_frame(entry, level), VTD_LEVEL_BITS * (level - 1));
		at += vtd_level_size(level);
	}
	return err;
}

static void clear_entries(struct vsva_process *process, uint64_t start, uint64_t end)
{
	uint64_t at = start, *entry;
	unsigned level;

	while ((entry = next_entry(process, &at, end, &level))) {
		__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
		trace_unmap(process, GUEST_UNMAP, at, vtd_level_size(level));
		at += vtd_level_size(level);
	}
}

/* What can fail comes first. */
static int unmap(struct vsva_process *process, uint64_t start, uint64_t end,
		 struct condemned **list)
{
	int err = check_cut(process, start, end);

	if (!err)
		err = condemn_frames(process, start, end, list);
	if (!err)
		err = cut_areas(process, start, end);
	if (!err)
		clear_entries(process, start, end);
	return err;
}

/* Not of those that a device may still reach: they are nobody's any more. */
static void free_frames(struct vsva_guest *guest, const struct condemned *list)
{
	for (; list; list = list->next)
		frame_free(guest, list->frame, list->order);
}

static void forget_condemned(struct condemned *list)
{
	while (list) {
		struct condemned *one = list;

		list = one->next;
		base_free(one);
	}
}

int vsva_process_munmap(struct vsva_process *process, gva_t address, uint64_t len)
{
	struct vsva_guest *guest = process->guest;
	struct condemned *list = NULL;
	int err;

	if (!is_valid_request(address, len, false))
		return -EINVAL;
	lock_take(&guest->lock);
	err = unmap(process, address.v, address.v + len, &list);
	lock_drop(&guest->lock);
	if (err) {
		forget_condemned(list);
		return err;
	}
	if (process->binds)
		err = pasid_flush_range(guest, process->pasid, address.v, len);
	if (!err)
		trace_unmap(process, GUEST_UNMAP_DONE, address.v, len);
	lock_take(&guest->lock);
	if (!err)
		free_frames(guest, list);
	lock_drop(&guest->lock);
	forget_condemned(list);
	return err;
}

/* CPU accesses */

/* A pointer to the byte at address after faulting it in, and how many bytes of the page follow. */
static int cpu_access(struct vsva_process *process, uint64_t address, bool write, uint8_t **memory,
		      uint64_t *room)
{
	unsigned level;
	uint64_t *entry, offset;
	int err = process_fault_in(process, address, write);

	if (err)
		return err;
	entry = table_leaf(&process->table, address, &level);
	CHECK(entry);
	__atomic_fetch_or(entry, VTD_FS_PTE_A | (write ? VTD_FS_PTE_D : 0), __ATOMIC_RELAXED);
	offset = address & (vtd_level_size(level) - 1);
	*memory = frame_memory(process->guest, gpa(table_frame(entry, level).v + offset));
	*room = vtd_level_size(level) - offset;
	return 0;
}

static int cpu_copy(struct vsva_process *process, uint64_t address, uint8_t *data, uint64_t len,
		    bool write)
{
	int err = 0;

	lock_take(&process->guest->lock);
	while (len && !err) {
		uint8_t *memory;
		uint64_t piece;

		err = cpu_access(process, address, write, &memory, &piece);
		if (err)
			break;
		if (piece > len)
			piece = len;
		if (write)
			memcpy(memory, data, piece);
		else
			memcpy(data, memory, piece);
		address += piece;
		data += piece;
		len -= piece;
	}
	lock_drop(&process->guest->lock);
	return err;
}

int vsva_process_write(struct vsva_process *process, gva_t address, const void *data, uint64_t len)
{
	return cpu_copy(process, address.v, (uint8_t *)(uintptr_t)data, len, true);
}

int vsva_process_read(struct vsva_process *process, gva_t address, void *data, uint64_t len)
{
	return cpu_copy(process, address.v, data, len, false);
}

bool process_peek(struct vsva_process *process, uint64_t address, uint8_t *byte)
{
	unsigned level;
	uint64_t *entry, at;

	lock_take(&process->guest->lock);
	entry = table_leaf(&process->table, address, &level);
	if (entry) {
		at = table_frame(entry, level).v + (address & (vtd_level_size(level) - 1));
		*byte = __atomic_load_n((uint8_t *)frame_memory(process->guest, gpa(at)),
					__ATOMIC_ACQUIRE);
	}
	lock_drop(&process->guest->lock);
	return entry != NULL;
}

/* Shared virtual addressing: a process has its PASID from the first bind until it exits, as in Linux
 * since 5.18, unless the guest gives it up before. */

static int pick_pasid(struct vsva_guest *guest, gpasid_t *out)
{
	for (uint32_t tried = 0; tried <= VSVA_PASID_MAX; tried++) {
		uint32_t candidate = guest->next_pasid;

		guest->next_pasid = candidate < VSVA_PASID_MAX ? candidate + 1 : 1;
		if (!process_find(guest, gpasid(candidate))) {
			*out = gpasid(candidate);
			return 0;
		}
	}
	return -ENOSPC;
}

int process_give_pasid(struct vsva_process *process)
{
	struct vsva_guest *guest = process->guest;
	gpasid_t pasid = process->pasid;
	int err = 0;

	if (pasid.v != VSVA_PASID_INVALID)
		return 0;
	if (guest->options.use_vcmd)
		err = vcmd_alloc(guest, &pasid);
	lock_take(&guest->lock);
	if (!guest->options.use_vcmd)
		err = pick_pasid(guest, &pasid);
	if (!err)
		process->pasid = pasid;
	lock_drop(&guest->lock);
	return err;
}

void process_take_pasid(struct vsva_process *process)
{
	struct vsva_guest *guest = process->guest;
	gpasid_t pasid = process->pasid;

	if (pasid.v == VSVA_PASID_INVALID)
		return;
	lock_take(&guest->lock);
	process->pasid = gpasid(VSVA_PASID_INVALID);
	lock_drop(&guest->lock);
	if (guest->options.use_vcmd && !process->gave_back)
		vcmd_free(guest, pasid);
	process->gave_back = false;
}

int vsva_process_free_pasid(struct vsva_process *process)
{
	int err;

	if (!process->guest->options.use_vcmd)
		return -ENODEV;
	if (process->pasid.v == VSVA_PASID_INVALID || process->gave_back)
		return -ENOENT;
	process->gave_back = true;
	err = vcmd_free(process->guest, process->pasid);
	if (!process->binds)
		process_take_pasid(process);
	return err;
}

int vsva_process_bind(struct vsva_process *process, struct vsva_guest_device *device)
{
	int err;

	if (pasid_entry_is_bound(device, process))
		return 0;
	err = process_give_pasid(process);
	if (err)
		return err;
	process->binds++;
	err = pasid_entry_set(device, process->pasid, process->table.root);
	if (err)
		process->binds--;
	return err;
}

/* The entry goes also if the device has not stopped: its memory is about to be somebody else's. */
int vsva_process_unbind(struct vsva_process *process, struct vsva_guest_device *device)
{
	int stopped, err;

	if (!pasid_entry_is_bound(device, process))
		return -ENOENT;
	stopped = dsa_driver_stop_pasid(device, process->pasid);
	err = pasid_entry_clear(device, process->pasid);
	if (--process->binds == 0 && process->gave_back)
		process_take_pasid(process);
	return stopped ? stopped : err;
}
