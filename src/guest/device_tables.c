/* SPDX-License-Identifier: MIT */
/*
 * The guest's context entries and PASID tables, and the invalidations that go with each change
 * (VT-d 6.5.3). With caching mode a new entry is invalidated too.
 */
#include <errno.h>

#include "guest/guest.h"

/* Domain id of all first-stage entries, as Linux uses one for all. */
#define FIRST_STAGE_DID 1u
#define RID_PASID       0u
#define PDTS_ALL        7u  /* 2^14 directory entries: 20-bit PASIDs */
#define EVERYTHING      52u /* lg2 of pages */
#define DIRECTORY_ORDER 5u  /* 128 KiB */

static struct vtd_context_entry *context_of(struct vsva_guest_device *device)
{
	struct vsva_guest *guest = device->guest;
	struct vtd_root_entry *root = frame_memory(guest, guest->root_table);
	bool upper = vtd_context_is_upper(device->rid);
	uint64_t table;

	root += vtd_root_index(device->rid);
	table = upper ? vtd_root_entry_UCTP(root) : vtd_root_entry_LCTP(root);
	if (!(upper ? vtd_root_entry_UP(root) : vtd_root_entry_LP(root)))
		return NULL;
	return (struct vtd_context_entry *)frame_memory(guest, gpa(table)) +
	       vtd_context_index(device->rid);
}

/* The lower half of the bus, or the upper, gets its context table. */
static int make_context_table(struct vsva_guest_device *device)
{
	struct vsva_guest *guest = device->guest;
	struct vtd_root_entry *root = frame_memory(guest, guest->root_table);
	gpa_t table;
	int err;

	if (context_of(device))
		return 0;
	err = frame_alloc(guest, 0, &table);
	if (err)
		return err;
	root += vtd_root_index(device->rid);
	if (vtd_context_is_upper(device->rid)) {
		vtd_root_entry_set_UCTP(root, table.v);
		vtd_root_entry_set_UP(root, 1);
	} else {
		vtd_root_entry_set_LCTP(root, table.v);
		vtd_root_entry_set_LP(root, 1);
	}
	return 0;
}

static void store_word(uint64_t *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELEASE);
}

static void write_context(struct vsva_guest_device *device, bool present)
{
	struct vtd_context_entry entry = {{0}}, *to = context_of(device);

	vtd_context_entry_set_DTE(&entry, 1);
	vtd_context_entry_set_PASIDE(&entry, 1);
	vtd_context_entry_set_PRE(&entry, !device->guest->options.no_page_requests);
	vtd_context_entry_set_PDTS(&entry, PDTS_ALL);
	vtd_context_entry_set_PASIDDIRPTR(&entry, device->directory.v);
	vtd_context_entry_set_P(&entry, present);
	for (int i = 3; i >= 0; i--)
		store_word(&to->q[i], present ? entry.q[i] : 0);
}

/* Entries */

static struct vtd_pasid_entry *entry_of(const struct vsva_guest_device *device, uint32_t pasid,
					bool make)
{
	struct vsva_guest *guest = device->guest;
	struct vtd_pasid_dir_entry *directory = frame_memory(guest, device->directory);
	gpa_t table;

	directory += vtd_pasid_dir_index(pasid);
	if (!vtd_pasid_dir_entry_P(directory)) {
		struct vtd_pasid_dir_entry fresh = {{0}};

		if (!make || frame_alloc(guest, 0, &table))
			return NULL;
		vtd_pasid_dir_entry_set_SMPTBLPTR(&fresh, table.v);
		vtd_pasid_dir_entry_set_P(&fresh, 1);
		store_word(directory->q, fresh.q[0]);
	}
	table = gpa(vtd_pasid_dir_entry_SMPTBLPTR(directory));
	return (struct vtd_pasid_entry *)frame_memory(guest, table) + vtd_pasid_table_index(pasid);
}

static void write_first_stage(struct vtd_pasid_entry *to, gpa_t root)
{
	struct vtd_pasid_entry entry = {{0}};

	vtd_pasid_entry_set_PGTT(&entry, VTD_PGTT_FIRST_STAGE);
	vtd_pasid_entry_set_DID(&entry, FIRST_STAGE_DID);
	vtd_pasid_entry_set_PWSNP(&entry, 1);
	vtd_pasid_entry_set_PGSNP(&entry, 1);
	vtd_pasid_entry_set_FSPTPTR(&entry, root.v);
	vtd_pasid_entry_set_P(&entry, 1);
	for (int i = 7; i >= 0; i--)
		store_word(&to->q[i], entry.q[i]);
}

bool pasid_entry_is_bound(const struct vsva_guest_device *device,
			  const struct vsva_process *process)
{
	const struct vtd_pasid_entry *entry;

	if (process->pasid.v == VSVA_PASID_INVALID)
		return false;
	entry = entry_of(device, process->pasid.v, false);
	return entry && vtd_pasid_entry_P(entry);
}

/* Invalidations */

static struct vtd_desc pasid_cache_descriptor(uint32_t pasid)
{
	struct vtd_desc descriptor = {{0}};

	descriptor = vtd_desc_of_type(VTD_DESC_PASID_CACHE);
	vtd_desc_pasid_cache_set_G(&descriptor, VTD_PASID_CACHE_PASID);
	vtd_desc_pasid_cache_set_DID(&descriptor, FIRST_STAGE_DID);
	vtd_desc_pasid_cache_set_PASID(&descriptor, pasid);
	return descriptor;
}

static struct vtd_desc pasid_iotlb_descriptor(uint32_t pasid)
{
	struct vtd_desc descriptor = {{0}};

	descriptor = vtd_desc_of_type(VTD_DESC_PASID_IOTLB);
	vtd_desc_pasid_iotlb_set_G(&descriptor, VTD_PASID_IOTLB_PASID);
	vtd_desc_pasid_iotlb_set_DID(&descriptor, FIRST_STAGE_DID);
	vtd_desc_pasid_iotlb_set_PASID(&descriptor, pasid);
	return descriptor;
}

static struct vtd_desc pasid_iotlb_page_descriptor(uint32_t pasid, uint64_t address, unsigned order)
{
	struct vtd_desc descriptor = pasid_iotlb_descriptor(pasid);

	vtd_desc_pasid_iotlb_set_G(&descriptor, VTD_PASID_IOTLB_PAGE);
	vtd_desc_pasid_iotlb_set_AM(&descriptor, order);
	vtd_desc_pasid_iotlb_set_ADDR(&descriptor, address);
	return descriptor;
}

/* lg2_pages 52: everything of the PASID. RID_PASID: requests without PASID have the plain
 * descriptor. */
static struct vtd_desc device_tlb_descriptor(const struct vsva_guest_device *device, uint32_t pasid,
					     uint64_t address, unsigned lg2_pages)
{
	struct vtd_desc descriptor;
	bool s;

	address = vtd_size_bit_address(address, lg2_pages, &s);
	if (pasid == RID_PASID) {
		descriptor = vtd_desc_of_type(VTD_DESC_DEV_TLB);
		vtd_desc_dev_tlb_set_SID(&descriptor, device->rid.v);
		vtd_desc_dev_tlb_set_S(&descriptor, s);
		vtd_desc_dev_tlb_set_ADDR(&descriptor, address);
		return descriptor;
	}
	descriptor = vtd_desc_of_type(VTD_DESC_PASID_DEV_TLB);
	vtd_desc_pasid_dev_tlb_set_SID(&descriptor, device->rid.v);
	vtd_desc_pasid_dev_tlb_set_PASID(&descriptor, pasid);
	vtd_desc_pasid_dev_tlb_set_S(&descriptor, s);
	vtd_desc_pasid_dev_tlb_set_ADDR(&descriptor, address);
	return descriptor;
}

#define ENTRY_DESCRIPTORS 3u

static void describe_flush(struct vsva_guest_device *device, uint32_t pasid, struct vtd_desc *out)
{
	out[0] = pasid_cache_descriptor(pasid);
	out[1] = pasid_iotlb_descriptor(pasid);
	out[2] = device_tlb_descriptor(device, pasid, 0, EVERYTHING);
	GUEST_COUNT(device->guest, invalidations);
}

static int flush_entry(struct vsva_guest_device *device, uint32_t pasid, bool drain)
{
	struct vtd_desc descriptors[ENTRY_DESCRIPTORS];

	describe_flush(device, pasid, descriptors);
	return queue_submit_wait(device->guest, descriptors, ENTRY_DESCRIPTORS,
				 drain && !device->guest->options.no_page_requests);
}

static unsigned order_of(uint64_t address, uint64_t len)
{
	uint64_t first = address >> VTD_PAGE_SHIFT, last = (address + len - 1) >> VTD_PAGE_SHIFT;
	unsigned order = 0;

	while (first >> order != last >> order)
		order++;
	return order;
}

static int flush_range(struct vsva_guest *guest, gpasid_t pasid, uint64_t address, uint64_t len,
		       bool waits)
{
	unsigned order = order_of(address, len);
	uint64_t base = address & ~((UINT64_C(4096) << order) - 1);
	struct vtd_desc descriptors[2];
	int err = 0, first_err = 0;

	descriptors[0] = pasid_iotlb_page_descriptor(pasid.v, base, order);
	for (struct vsva_guest_device *device = guest->devices; device; device = device->next) {
		descriptors[1] = device_tlb_descriptor(device, pasid.v, base, order);
		err = waits ? queue_submit_wait(guest, descriptors, 2, false)
			    : queue_submit_begin(guest, descriptors, 2);
		if (!first_err)
			first_err = err;
	}
	GUEST_COUNT(guest, invalidations);
	return first_err;
}

int pasid_flush_range(struct vsva_guest *guest, gpasid_t pasid, uint64_t address, uint64_t len)
{
	return flush_range(guest, pasid, address, len, true);
}

int pasid_flush_range_begin(struct vsva_guest *guest, gpasid_t pasid, uint64_t address,
			    uint64_t len)
{
	return flush_range(guest, pasid, address, len, false);
}

int flush_everything(struct vsva_guest *guest)
{
	struct vtd_desc descriptors[] = {
		vtd_desc_of_type(VTD_DESC_CONTEXT),
		vtd_desc_of_type(VTD_DESC_PASID_CACHE),
		vtd_desc_of_type(VTD_DESC_IOTLB),
	};

	vtd_desc_context_set_G(&descriptors[0], VTD_CONTEXT_GLOBAL);
	vtd_desc_pasid_cache_set_G(&descriptors[1], VTD_PASID_CACHE_GLOBAL);
	vtd_desc_iotlb_set_G(&descriptors[2], VTD_IOTLB_GLOBAL);
	GUEST_COUNT(guest, invalidations);
	return queue_submit_wait(guest, descriptors, 3, false);
}

int rid_flush_all(struct vsva_guest_device *device)
{
	struct vtd_desc descriptors[] = {
		pasid_iotlb_descriptor(RID_PASID),
		device_tlb_descriptor(device, RID_PASID, 0, EVERYTHING),
	};

	GUEST_COUNT(device->guest, invalidations);
	return queue_submit_wait(device->guest, descriptors, 2, false);
}

static int flush_context(struct vsva_guest_device *device)
{
	struct vtd_desc descriptors[3] = {{{0}}};

	descriptors[0] = vtd_desc_of_type(VTD_DESC_CONTEXT);
	vtd_desc_context_set_G(&descriptors[0], VTD_CONTEXT_DEVICE);
	vtd_desc_context_set_SID(&descriptors[0], device->rid.v);
	descriptors[1] = vtd_desc_of_type(VTD_DESC_PASID_CACHE);
	vtd_desc_pasid_cache_set_G(&descriptors[1], VTD_PASID_CACHE_DOMAIN);
	vtd_desc_pasid_cache_set_DID(&descriptors[1], FIRST_STAGE_DID);
	descriptors[2] = vtd_desc_of_type(VTD_DESC_IOTLB);
	vtd_desc_iotlb_set_G(&descriptors[2], VTD_IOTLB_DOMAIN);
	vtd_desc_iotlb_set_DID(&descriptors[2], FIRST_STAGE_DID);
	return queue_submit_wait(device->guest, descriptors, 3, false);
}

/* Changes */

static int write_entry(struct vsva_guest_device *device, gpasid_t pasid, gpa_t root)
{
	struct vsva_guest *guest = device->guest;
	struct vtd_pasid_entry *entry;

	lock_take(&guest->lock);
	entry = entry_of(device, pasid.v, true);
	if (entry)
		write_first_stage(entry, root);
	lock_drop(&guest->lock);
	if (!entry)
		return -ENOMEM;
	TRACE(guest->seams->trace, GUEST, GUEST_PASID_ENTRY, .vm = vsva_vm_number(guest->vm),
	      .rid = device->host_rid, .gpasid = pasid, .addr = root.v, .value = 1);
	return 0;
}

int pasid_entry_set(struct vsva_guest_device *device, gpasid_t pasid, gpa_t root)
{
	int err = write_entry(device, pasid, root);

	return err ? err : flush_entry(device, pasid.v, false);
}

int pasid_entry_flush(struct vsva_guest_device *device, gpasid_t pasid)
{
	return flush_entry(device, pasid.v, true);
}

int pasid_entry_set_begin(struct vsva_guest_device *device, gpasid_t pasid, gpa_t root)
{
	struct vtd_desc descriptors[ENTRY_DESCRIPTORS];
	int err = write_entry(device, pasid, root);

	if (err)
		return err;
	describe_flush(device, pasid.v, descriptors);
	return queue_submit_begin(device->guest, descriptors, ENTRY_DESCRIPTORS);
}

/* VT-d 6.5.3.3: present goes first, alone; the rest only after no cache can hold the entry. */
int pasid_entry_clear(struct vsva_guest_device *device, gpasid_t pasid)
{
	struct vsva_guest *guest = device->guest;
	struct vtd_pasid_entry *entry;
	int err;

	lock_take(&guest->lock);
	entry = entry_of(device, pasid.v, false);
	if (entry)
		store_word(&entry->q[0], entry->q[0] & ~UINT64_C(1));
	lock_drop(&guest->lock);
	if (!entry)
		return -ENOENT;
	TRACE(guest->seams->trace, GUEST, GUEST_PASID_ENTRY, .vm = vsva_vm_number(guest->vm),
	      .rid = device->host_rid, .gpasid = pasid, .value = 0);
	err = flush_entry(device, pasid.v, true);
	lock_take(&guest->lock);
	for (int i = 0; i < 8; i++)
		store_word(&entry->q[i], 0);
	lock_drop(&guest->lock);
	return err;
}

int device_tables_init(struct vsva_guest_device *device)
{
	struct vsva_guest *guest = device->guest;
	struct vtd_pasid_entry *entry = NULL;
	int err;

	lock_take(&guest->lock);
	err = make_context_table(device);
	if (!err)
		err = frame_alloc(guest, DIRECTORY_ORDER, &device->directory);
	if (!err)
		err = table_init(&device->table, guest);
	if (!err) {
		entry = entry_of(device, RID_PASID, true);
		err = entry ? 0 : -ENOMEM;
	}
	if (!err) {
		write_first_stage(entry, device->table.root);
		write_context(device, true);
	}
	lock_drop(&guest->lock);
	return err ? err : flush_context(device);
}

static void free_tables(struct vsva_guest_device *device)
{
	struct vsva_guest *guest = device->guest;
	struct vtd_pasid_dir_entry *directory = frame_memory(guest, device->directory);

	for (uint32_t i = 0; i < vtd_pasid_dir_count(PDTS_ALL); i++)
		if (vtd_pasid_dir_entry_P(&directory[i]))
			frame_free(guest, gpa(vtd_pasid_dir_entry_SMPTBLPTR(&directory[i])), 0);
	frame_free(guest, device->directory, DIRECTORY_ORDER);
	table_fini(&device->table, true);
}

void device_tables_fini(struct vsva_guest_device *device)
{
	struct vsva_guest *guest = device->guest;

	lock_take(&guest->lock);
	write_context(device, false);
	lock_drop(&guest->lock);
	flush_context(device);
	lock_take(&guest->lock);
	free_tables(device);
	lock_drop(&guest->lock);
}
