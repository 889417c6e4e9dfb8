/* SPDX-License-Identifier: MIT */
#include "guest/guest.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/check.h"

#define DEFAULT_MEMORY (UINT64_C(64) << 20)
#define IOVA_BASE      UINT64_C(0x10000000)

/* Boot */

int guest_boot(struct vsva_guest *guest)
{
	lock_take(&guest->lock);
	memset(guest->frame_used, 0, guest->ram_len / VSVA_PAGE_SIZE);
	guest->frame_used[0] = 1;
	guest->frames_free = guest->ram_len / VSVA_PAGE_SIZE - 1;
	guest->frame_next = 1;
	guest->next_pasid = guest->options.first_pasid ? guest->options.first_pasid : 1;
	lock_drop(&guest->lock);
	return driver_boot(guest);
}

static int make_memory(struct vsva_guest *guest)
{
	guest->ram_len = guest->options.memory ? guest->options.memory : DEFAULT_MEMORY;
	if (guest->ram_len % VSVA_PAGE_SIZE || guest->ram_len < 64 * VSVA_PAGE_SIZE)
		return -EINVAL;
	guest->frame_used = base_zalloc(guest->ram_len / VSVA_PAGE_SIZE);
	if (!guest->frame_used)
		return -ENOMEM;
	guest->ram = FAIL_CALL(MAP_FAILED, ENOMEM,
			       mmap(NULL, guest->ram_len, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	if (guest->ram == MAP_FAILED) {
		guest->ram = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int make_vm(struct vsva_guest *guest)
{
	struct vsva_vm_options options = {
		.name = guest->options.name,
		.pasid_quota = guest->options.pasid_quota,
		.free_policy = guest->options.free_policy,
		.msi = handler_msi,
		.msi_arg = guest,
	};
	int err = vsva_vm_create(guest->machine, &options, &guest->vm);

	return err ? err : vsva_vm_map(guest->vm, gpa(0), guest->ram, guest->ram_len, true);
}

int vsva_guest_create(struct vsva_machine *machine, const struct vsva_guest_options *options,
		      struct vsva_guest **out)
{
	struct vsva_guest *guest = base_zalloc(sizeof(*guest));
	int err;

	if (!guest)
		return -ENOMEM;
	guest->machine = machine;
	guest->seams = machine_seams(machine);
	if (options)
		guest->options = *options;
	lock_init(&guest->lock, LOCK_RANK_GUEST, "guest");
	lock_init(&guest->queue_lock, LOCK_RANK_GUEST_QUEUE, "guest queue");
	guest->handler = worker_create(guest->seams->pool, "guest handler", handler_run, guest);
	err = guest->handler ? make_memory(guest) : -ENOMEM;
	if (!err)
		err = make_vm(guest);
	if (!err)
		err = guest_boot(guest);
	if (err) {
		vsva_guest_destroy(guest);
		return err;
	}
	*out = guest;
	return 0;
}

/* Death */

/* The handles go without a word to the devices: nobody in a dead guest cleans up. */
void guest_forget_processes(struct vsva_guest *guest)
{
	while (guest->processes) {
		struct vsva_process *process = guest->processes;

		guest->processes = process->next;
		if (guest->vm) /* else its death has been told */
			TRACE(guest->seams->trace, GUEST, PROCESS_EXIT,
			      .vm = vsva_vm_number(guest->vm), .gpasid = process->pasid,
			      .value = process->table.root.v);
		while (process->areas) {
			struct guest_area *area = process->areas;

			process->areas = area->next;
			base_free(area);
		}
		base_free(process);
	}
}

static void forget_devices(struct vsva_guest *guest)
{
	while (guest->devices) {
		struct vsva_guest_device *device = guest->devices;

		guest->devices = device->next;
		base_free(device);
	}
}

void vsva_guest_destroy(struct vsva_guest *guest)
{
	if (!guest)
		return;
	handler_stop(guest);
	vsva_vm_destroy(guest->vm);
	guest->vm = NULL;
	guest_forget_processes(guest);
	forget_devices(guest);
	if (guest->ram)
		munmap(guest->ram, guest->ram_len);
	base_free(guest->frame_used);
	lock_destroy(&guest->lock);
	lock_destroy(&guest->queue_lock);
	base_free(guest);
}

struct vsva_vm *vsva_guest_vm(struct vsva_guest *guest)
{
	return guest->vm;
}

uint64_t vsva_guest_free_pages(const struct vsva_guest *guest)
{
	return guest->frames_free;
}

void vsva_guest_get_stats(struct vsva_guest *guest, struct vsva_guest_stats *out)
{
	*out = guest->stats;
}

int vsva_guest_mmio_write(struct vsva_guest *guest, uint32_t offset, unsigned size, uint64_t value)
{
	return vsva_viommu_write(guest->vm, offset, size, value);
}

/* Devices */

enum {
	CONFIG_COMMAND = 0x04,
	CONFIG_ATS_CONTROL = 0x106,
	CONFIG_PRI_CONTROL = 0x124,
	CONFIG_PRI_ALLOCATION = 0x12c,
	CONFIG_PASID_CONTROL = 0x146,
};

/* PASID before ATS before PRI: the order that PCIe asks for. */
static void enable_in_config(struct vsva_guest_device *device)
{
	struct vsva_assigned *assigned = device->assigned;

	vsva_assigned_config_write(assigned, CONFIG_COMMAND, 2, 0x6);
	vsva_assigned_config_write(assigned, CONFIG_PASID_CONTROL, 2, 0x1);
	vsva_assigned_config_write(assigned, CONFIG_ATS_CONTROL, 2, 0x8000);
	if (device->guest->options.no_page_requests)
		return;
	vsva_assigned_config_write(assigned, CONFIG_PRI_ALLOCATION, 4, 128);
	vsva_assigned_config_write(assigned, CONFIG_PRI_CONTROL, 2, 0x1);
}

static int start_device(struct vsva_guest_device *device)
{
	int err = device_tables_init(device);

	if (err)
		return err;
	device->next_iova = IOVA_BASE;
	enable_in_config(device);
	return dsa_driver_start(device);
}

static struct vsva_guest_device *new_device(struct vsva_guest *guest, rid_t guest_rid)
{
	struct vsva_guest_device *added = base_zalloc(sizeof(*added));

	if (!added)
		return NULL;
	added->guest = guest;
	added->rid = guest_rid;
	added->queue_pasid = gpasid(VSVA_PASID_INVALID);
	return added;
}

/* It is assigned, or (err) is not. */
static int add_assigned(struct vsva_guest *guest, struct vsva_guest_device *added, int err,
			struct vsva_guest_device **out)
{
	if (err) {
		base_free(added);
		return err;
	}
	added->host_rid = vsva_assigned_host_rid(added->assigned);
	err = start_device(added);
	if (err) {
		vsva_vm_unassign(added->assigned);
		base_free(added);
		return err;
	}
	lock_take(&guest->lock);
	added->next = guest->devices;
	guest->devices = added;
	lock_drop(&guest->lock);
	*out = added;
	return 0;
}

int vsva_guest_add_device(struct vsva_guest *guest, struct vsva_device *device, rid_t guest_rid,
			  struct vsva_guest_device **out)
{
	struct vsva_guest_device *added = new_device(guest, guest_rid);

	if (!added)
		return -ENOMEM;
	return add_assigned(
		guest, added,
		vsva_vm_assign(guest->vm, device, guest_rid, NULL, NULL, &added->assigned), out);
}

int vsva_guest_add_mdev(struct vsva_guest *guest, struct vsva_mdev *mdev, rid_t guest_rid,
			struct vsva_guest_device **out)
{
	struct vsva_guest_device *added = new_device(guest, guest_rid);

	if (!added)
		return -ENOMEM;
	return add_assigned(
		guest, added,
		vsva_vm_assign_mdev(guest->vm, mdev, guest_rid, NULL, NULL, &added->assigned), out);
}

static void unlink_device(struct vsva_guest_device *device)
{
	struct vsva_guest_device **link = &device->guest->devices;

	while (*link != device)
		link = &(*link)->next;
	*link = device->next;
}

int vsva_guest_remove_device(struct vsva_guest_device *device)
{
	struct vsva_guest *guest = device->guest;

	for (struct vsva_process *process = guest->processes; process; process = process->next)
		vsva_process_unbind(process, device);
	device_tables_fini(device);
	lock_take(&guest->lock);
	unlink_device(device);
	lock_drop(&guest->lock);
	vsva_vm_unassign(device->assigned);
	base_free(device);
	return 0;
}

struct vsva_assigned *vsva_guest_device_assigned(struct vsva_guest_device *device)
{
	return device->assigned;
}

static bool handler_is_still(void *arg)
{
	struct vsva_guest *guest = arg;

	return !__atomic_load_n(&guest->handling, __ATOMIC_SEQ_CST);
}

void guest_pause_handler(struct vsva_guest *guest)
{
	__atomic_store_n(&guest->is_paused, true, __ATOMIC_SEQ_CST);
	vsva_machine_wait(guest->machine, handler_is_still, guest, GUEST_TIMEOUT_MS);
}

void guest_resume_handler(struct vsva_guest *guest)
{
	__atomic_store_n(&guest->is_paused, false, __ATOMIC_SEQ_CST);
	worker_kick(guest->handler);
}

int guest_start_devices(struct vsva_guest *guest)
{
	int err = 0;

	for (struct vsva_guest_device *device = guest->devices; device && !err;
	     device = device->next) {
		device->dsa_ready = false;
		err = start_device(device);
	}
	return err;
}

/* Word by word: a virtual unit may be reading tables that are no more. */
void guest_clear_memory(struct vsva_guest *guest)
{
	uint64_t *words = (uint64_t *)guest->ram;

	for (uint64_t i = 0; i < guest->ram_len / sizeof(*words); i++)
		__atomic_store_n(&words[i], 0, __ATOMIC_RELAXED);
}

/* A handler that is at work is let finish while the virtual unit still answers. */
static void shut_down(struct vsva_guest *guest)
{
	guest_pause_handler(guest);
	vsva_vm_reset(guest->vm);
	lock_take(&guest->lock);
	guest_forget_processes(guest);
	lock_drop(&guest->lock);
	guest_clear_memory(guest);
	__atomic_store_n(&guest->events, 0, __ATOMIC_SEQ_CST);
	guest_resume_handler(guest);
}

int vsva_guest_reboot(struct vsva_guest *guest)
{
	int err;

	shut_down(guest);
	err = guest_boot(guest);
	return err ? err : guest_start_devices(guest);
}

/* Kernel DMA memory */

static unsigned order_for(uint64_t len)
{
	unsigned order = 0;

	while (((uint64_t)VSVA_PAGE_SIZE << order) < len)
		order++;
	return order;
}

int vsva_guest_dma_alloc(struct vsva_guest_device *device, uint64_t len, uint64_t *iova,
			 gpa_t *memory)
{
	struct vsva_guest *guest = device->guest;
	unsigned order = order_for(len);
	uint64_t pages = UINT64_C(1) << order;
	int err;

	if (!len || order > 15)
		return -EINVAL;
	lock_take(&guest->lock);
	err = frame_alloc(guest, order, memory);
	if (!err)
		TRACE(guest->seams->trace, GUEST, GUEST_MAP, .vm = vsva_vm_number(guest->vm),
		      .rid = device->host_rid, .gpasid = gpasid(0), .addr = device->next_iova,
		      .hpa = hpa(memory->v), .len = pages * VSVA_PAGE_SIZE, .write = true,
		      .value = device->table.root.v);
	for (uint64_t i = 0; i < pages && !err; i++)
		err = table_map(&device->table, device->next_iova + i * VSVA_PAGE_SIZE,
				gpa(memory->v + i * VSVA_PAGE_SIZE), 1, true);
	if (!err) {
		*iova = device->next_iova;
		device->next_iova += (pages + 1) * VSVA_PAGE_SIZE;
	}
	lock_drop(&guest->lock);
	return err;
}

#define trace_dma_unmap(device, kind, start, length)                                               \
	TRACE((device)->guest->seams->trace, GUEST, kind,                                          \
	      .vm = vsva_vm_number((device)->guest->vm), .rid = (device)->host_rid,                \
	      .gpasid = gpasid(0), .addr = (start), .len = (length),                               \
	      .value = (device)->table.root.v)

int vsva_guest_dma_free(struct vsva_guest_device *device, uint64_t iova, gpa_t memory, uint64_t len)
{
	struct vsva_guest *guest = device->guest;
	unsigned order = order_for(len), level;
	uint64_t pages = UINT64_C(1) << order, *entry;
	int err;

	lock_take(&guest->lock);
	for (uint64_t i = 0; i < pages; i++) {
		entry = table_leaf(&device->table, iova + i * VSVA_PAGE_SIZE, &level);
		if (entry)
			__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
	}
	lock_drop(&guest->lock);
	trace_dma_unmap(device, GUEST_UNMAP, iova, pages * VSVA_PAGE_SIZE);
	err = rid_flush_all(device);
	if (!err)
		trace_dma_unmap(device, GUEST_UNMAP_DONE, iova, pages * VSVA_PAGE_SIZE);
	lock_take(&guest->lock);
	frame_free(guest, memory, order);
	lock_drop(&guest->lock);
	return err;
}
