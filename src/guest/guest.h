/* SPDX-License-Identifier: MIT */
/*
 * The built-in guest's room.
 *
 * Vocabulary
 *   frame      a page of guest RAM, by guest physical address
 *   process    an address space: areas that may be populated, and an x86-64 page table that is
 *   driver     the guest's VT-d driver: registers, root and context tables, PASID tables, queue
 *   handler    the guest's page-request handler, a worker woken by the page-request event
 *
 * Everything reaches the virtual unit and the devices as a guest's CPU would: register accesses,
 * portal writes, and its own RAM. The guest assumes no second stage and no host.
 *
 * Locks: `lock` (rank GUEST) guards frames, processes and page tables; `queue_lock` the tail of the
 * invalidation queue. Neither is held while waiting.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "base/lock.h"
#include "base/seams.h"
#include "vsva/guest.h"
#include "vtd/descriptors.h"
#include "vtd/tables.h"

#define GUEST_QUEUE_LG2   1 /* pages of the invalidation queue: 2^1 = 256 descriptors of 32 bytes */
#define GUEST_QUEUE_SLOTS 256u
#define GUEST_PRQ_LG2     2 /* pages of the page request queue: 512 descriptors */
#define GUEST_TIMEOUT_MS  30000u

struct guest_area {
	struct guest_area *next;
	uint64_t start, len;
	bool writable, huge;
};

/* A page table of the guest: four levels, whoever owns it. */
struct guest_table {
	struct vsva_guest *guest;
	gpa_t root;
};

struct vsva_process {
	struct vsva_guest *guest;
	struct vsva_process *next; /* lock */
	struct guest_table table;
	struct guest_area *areas; /* lock */
	uint64_t next_address;    /* where mmap looks first; lock */
	gpasid_t pasid;           /* INVALID: none; lock */
	unsigned binds;           /* devices; lock */
	bool gave_back;           /* its PASID was freed while it was bound */
};

struct vsva_guest_device {
	struct vsva_guest *guest;
	struct vsva_guest_device *next;
	struct vsva_assigned *assigned;
	rid_t rid;
	rid_t host_rid;           /* for events */
	gpa_t directory;          /* PASID directory */
	struct guest_table table; /* of requests without PASID */
	uint64_t next_iova;
	int dedicated_queue, shared_queue; /* numbers; -1: it has none of the kind */
	unsigned queue_entries;            /* of each */
	gpasid_t queue_pasid;              /* in the dedicated queue; INVALID: it is disabled */
	bool dsa_ready;
};

struct vsva_guest {
	struct vsva_machine *machine;
	const struct seams *seams;
	struct vsva_guest_options options;
	struct vsva_vm *vm;
	uint8_t *ram;
	uint64_t ram_len;

	struct lock lock;
	uint8_t *frame_used; /* a byte per frame; lock */
	uint64_t frame_next; /* lock */
	uint64_t frames_free;
	struct vsva_process *processes; /* lock */
	struct vsva_guest_device *devices;
	uint32_t next_pasid; /* lock */

	gpa_t root_table, queue, prq, status; /* status: a word per queue slot */
	struct lock queue_lock;
	uint32_t queue_tail;    /* slot; queue_lock */
	uint32_t queue_head;    /* as the unit said last: it is there, or further on; queue_lock */
	uint32_t wait_seq;      /* queue_lock */
	struct worker *handler; /* RCU */
	uint32_t events;        /* atomic: GUEST_EVENT_* */
	bool is_paused;         /* atomic: the handler does nothing */
	bool handling;          /* atomic: the handler is at work */
	struct vsva_guest_stats stats;
};

#define GUEST_EVENT_FAULT        1u
#define GUEST_EVENT_PAGE_REQUEST 2u

#define GUEST_COUNT(guest, what) __atomic_fetch_add(&(guest)->stats.what, 1, __ATOMIC_RELAXED)

/* Life (guest.c) */

/* Frames are all free again, the driver brings the unit up. */
int guest_boot(struct vsva_guest *guest);
/* All devices are found, with their tables and queues. */
int guest_start_devices(struct vsva_guest *guest);
/* Their handles are gone, without a word to the devices. lock, unless the guest is dead */
void guest_forget_processes(struct vsva_guest *guest);
void guest_clear_memory(struct vsva_guest *guest);
/* The handler does nothing until the resumption; one that is at work is let finish. */
void guest_pause_handler(struct vsva_guest *guest);
void guest_resume_handler(struct vsva_guest *guest);

/* Frames (frames.c); lock held */

/* 2^order zeroed frames, aligned to their size; -ENOMEM. */
int frame_alloc(struct vsva_guest *guest, unsigned order, gpa_t *out);
void frame_free(struct vsva_guest *guest, gpa_t frame, unsigned order);
/* The guest's own view of its RAM. */
void *frame_memory(struct vsva_guest *guest, gpa_t address);

/* Page tables (page_table.c); lock held */

int table_init(struct guest_table *table, struct vsva_guest *guest);
/* Frees the tables and, if with_leaves, the frames that they map. */
void table_fini(struct guest_table *table, bool with_leaves);
/* level 1: 4 KiB, 2: 2 MiB. -ENOMEM; -EEXIST. */
int table_map(struct guest_table *table, uint64_t address, gpa_t to, unsigned level, bool writable);
/* Leaf entry of an address, or NULL; *level is set. */
uint64_t *table_leaf(struct guest_table *table, uint64_t address, unsigned *level);
/* Where a leaf leads. Devices set bits of it at any time. */
gpa_t table_frame(const uint64_t *leaf, unsigned level);

/* Driver (driver.c, queue.c, device_tables.c) */

int driver_boot(struct vsva_guest *guest);
uint64_t driver_read(struct vsva_guest *guest, uint32_t offset, unsigned size);
void driver_write(struct vsva_guest *guest, uint32_t offset, unsigned size, uint64_t value);
/* GCMD bit and waiting for the status bit; -ETIMEDOUT. */
int driver_command(struct vsva_guest *guest, uint32_t command, uint32_t status, bool set);

/* The root table in force is the one that the guest has now. */
int driver_set_root(struct vsva_guest *guest);

/* Virtual command: -ENOSPC, -ENODEV (not offered or refused), -ETIMEDOUT. */
int vcmd_alloc(struct vsva_guest *guest, gpasid_t *out);
int vcmd_free(struct vsva_guest *guest, gpasid_t pasid);

/* Submits count descriptors and a wait descriptor (drain: with PD), and waits for it. No lock held.
 * */
int queue_submit_wait(struct vsva_guest *guest, const struct vtd_desc *descriptors, unsigned count,
		      bool drain);
/* The same, and does not wait. */
int queue_submit_begin(struct vsva_guest *guest, const struct vtd_desc *descriptors,
		       unsigned count);
/* Submits one descriptor and does not wait (page responses). */
int queue_submit(struct vsva_guest *guest, const struct vtd_desc *descriptor);

int device_tables_init(struct vsva_guest_device *device);
/* Writes the first-stage entry of a PASID, present last, and invalidates. No lock held. */
int pasid_entry_set(struct vsva_guest_device *device, gpasid_t pasid, gpa_t root);
/* The same, and does not wait for the invalidation. */
int pasid_entry_set_begin(struct vsva_guest_device *device, gpasid_t pasid, gpa_t root);
/* Invalidates what may be cached of a PASID, with drain. */
int pasid_entry_flush(struct vsva_guest_device *device, gpasid_t pasid);
bool pasid_entry_is_bound(const struct vsva_guest_device *device,
			  const struct vsva_process *process);
/* Clears present, flushes, drains, zeroes. No lock held. */
int pasid_entry_clear(struct vsva_guest_device *device, gpasid_t pasid);
void device_tables_fini(struct vsva_guest_device *device);
/* Flush of a range of a PASID: IOTLB, then the device TLB of each device. */
int pasid_flush_range(struct vsva_guest *guest, gpasid_t pasid, uint64_t address, uint64_t len);
/* The same, and does not wait. */
int pasid_flush_range_begin(struct vsva_guest *guest, gpasid_t pasid, uint64_t address,
			    uint64_t len);
int rid_flush_all(struct vsva_guest_device *device);
/* Every cache of the unit, as after a new root table (VT-d 6.5.3.1). */
int flush_everything(struct vsva_guest *guest);

/* Processes (process.c) */

/* No lock held. Gives it a PASID if it has none; takes it again if it has one. */
int process_give_pasid(struct vsva_process *process);
void process_take_pasid(struct vsva_process *process);

/* lock held */

struct vsva_process *process_find(struct vsva_guest *guest, gpasid_t pasid);
/* Makes the page of an address present; 0, -EFAULT no area or no right, -ENOMEM. */
int process_fault_in(struct vsva_process *process, uint64_t address, bool write);
/* Takes the lock: the byte at an address if its page is present; false otherwise. */
bool process_peek(struct vsva_process *process, uint64_t address, uint8_t *byte);

/* Page-request handler (handler.c) */
bool handler_run(void *guest);
/* The guest dies: its handler does not run any more, events reach nobody. */
void handler_stop(struct vsva_guest *guest);
void handler_msi(void *guest, uint64_t address, uint32_t data);

/* DSA driver (dsa_driver.c) */
int dsa_driver_start(struct vsva_guest_device *device);
/* Drains the PASID from the device, or aborts it, and takes it out of the dedicated queue. */
int dsa_driver_stop_pasid(struct vsva_guest_device *device, gpasid_t pasid);

#endif
