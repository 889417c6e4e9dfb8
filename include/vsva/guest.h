/* SPDX-License-Identifier: MIT */
/*
 * The built-in guest: memory, processes with x86-64 page tables that are populated on demand, and a
 * small VT-d driver that programs the virtual unit through its registers and queue, exactly as
 * a real guest's does. It has no other way into the library than a real guest has.
 *
 * Threads: one guest is used by one thread at a time; the guest's own page-request handler runs as
 * a worker of the machine. Calls that wait for hardware run a single-threaded machine until it
 * answers.
 */
#ifndef VSVA_GUEST_H
#define VSVA_GUEST_H

#include "vsva/vm.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_guest;
struct vsva_guest_device;
struct vsva_process;

struct vsva_guest_options {
	const char *name;
	uint64_t memory;       /* bytes of RAM, 0: 64 MiB */
	uint32_t pasid_quota;  /* 0: the default */
	bool use_vcmd;         /* allocate PASIDs by virtual command instead of picking them */
	bool no_page_requests; /* its driver does not enable PRI */
	bool silent_handler;   /* its page-request handler never answers (a hung guest) */
	uint32_t first_pasid;  /* number of the first PASID it picks itself, 0: 1 */
	enum vsva_free_policy free_policy; /* of its VM */
};

/* Creates the VM and boots: root table, queues, interrupts, translation on. options NULL: defaults.
 * 0; -ENOMEM; -ENOSPC; -EAGAIN no thread; -ETIMEDOUT the virtual unit does not answer. */
int vsva_guest_create(struct vsva_machine *machine, const struct vsva_guest_options *options,
		      struct vsva_guest **out);
/* The VM dies, whatever the guest was doing: nothing in it is asked to clean up. Processes and
 * devices of the guest are gone with it. NULL is ignored. */
void vsva_guest_destroy(struct vsva_guest *guest);
/* System reset and boot again; processes are gone, devices are found again (the handles stay
 * valid). */
int vsva_guest_reboot(struct vsva_guest *guest);
struct vsva_vm *vsva_guest_vm(struct vsva_guest *guest);
/* Pages of RAM not in use. */
uint64_t vsva_guest_free_pages(const struct vsva_guest *guest);

/* Assigns the device to the guest's VM; the guest's driver enables it: context entry, translation
 * of requests without PASID (a kernel I/O page table), PASID, ATS, PRI; for a DSA a dedicated queue
 * 0 and a shared queue 1. */
int vsva_guest_add_device(struct vsva_guest *guest, struct vsva_device *device, rid_t guest_rid,
			  struct vsva_guest_device **out);
struct vsva_mdev;
/* The same with a mediated device (vsva/mdev.h): one queue, 0, of its type. */
int vsva_guest_add_mdev(struct vsva_guest *guest, struct vsva_mdev *mdev, rid_t guest_rid,
			struct vsva_guest_device **out);
int vsva_guest_remove_device(struct vsva_guest_device *device);
struct vsva_assigned *vsva_guest_device_assigned(struct vsva_guest_device *device);

/* Kernel DMA memory: contiguous pages, mapped for requests without PASID at *iova. Unmap flushes.
 * */
int vsva_guest_dma_alloc(struct vsva_guest_device *device, uint64_t len, uint64_t *iova,
			 gpa_t *memory);
int vsva_guest_dma_free(struct vsva_guest_device *device, uint64_t iova, gpa_t memory,
			uint64_t len);

/* Processes */

int vsva_process_create(struct vsva_guest *guest, struct vsva_process **out);
/* The process dies: with bound devices as a kernel does it (PASID entries cleared, flushed, then
 * memory freed). The handle is gone. */
void vsva_process_exit(struct vsva_process *process);
/* Anonymous memory of the process, populated on demand. address: 0 or a page-aligned wish that must
 * be free. huge: 2 MiB pages, len and address multiples of it. -EINVAL; -EEXIST; -ENOMEM. */
int vsva_process_mmap(struct vsva_process *process, gva_t address, uint64_t len, bool writable,
		      bool huge, gva_t *out);
/* Unmaps whole pages: entries cleared, IOTLB and device TLB invalidated and waited for, then pages
 * freed. */
int vsva_process_munmap(struct vsva_process *process, gva_t address, uint64_t len);
/* CPU accesses: fault pages in. -EFAULT: no memory of the process. */
int vsva_process_write(struct vsva_process *process, gva_t address, const void *data, uint64_t len);
int vsva_process_read(struct vsva_process *process, gva_t address, void *data, uint64_t len);

/* Gives the address space to the device: PASID (one per process, from the first bind until it exits),
 * PASID entry, invalidation. */
int vsva_process_bind(struct vsva_process *process, struct vsva_guest_device *device);
/* Clears the entry and invalidates. -ENOENT: not bound. */
int vsva_process_unbind(struct vsva_process *process, struct vsva_guest_device *device);
/* A guest that frees before it unbinds: its PASID goes back by virtual command, its entries stay in
 * the tables until it unbinds; the next bind is under another. -ENODEV it does not use virtual commands;
 * -ENOENT nothing to free; errors of the command. */
int vsva_process_free_pasid(struct vsva_process *process);
/* VSVA_PASID_INVALID while it has none. */
gpasid_t vsva_process_pasid(const struct vsva_process *process);

/* Submits a 64-byte DSA descriptor: shared false: to the dedicated queue (0), which is given this
 * process' PASID first; true: ENQCMD to the shared queue (1; of a mediated device 0). Its completion-record address is the
 * process' memory. 0; -EAGAIN retry (queue full); -ENOENT not bound; -EIO the queue could not be
 * enabled, or the device has none of this kind. */
int vsva_process_submit(struct vsva_process *process, struct vsva_guest_device *device,
			const void *descriptor, bool shared);
/* Waits until the status byte of a completion record is not zero; returns it, or -ETIMEDOUT. record
 * (may be NULL): 32 bytes. */
int vsva_process_wait(struct vsva_process *process, gva_t completion, void *record);

/* Misconduct: guests that are caught half-way, or that do not do what they should. */

/* vsva_process_bind(), up to the submission: the entry is written and its invalidation on its way.
 * Bound already: 0. */
int vsva_process_bind_begin(struct vsva_process *process, struct vsva_guest_device *device);
/* Invalidates a range of the address space on every device, as an unmap does, and does not wait.
 * -ENOENT: it has no PASID. */
int vsva_process_flush_begin(struct vsva_process *process, gva_t address, uint64_t len);
/* Sits in its queue for so many rounds of invalidating the process' PASID on the device and waiting
 * with drain, while its own page-request handler does not run. -ENOENT: not bound; -ETIMEDOUT. */
int vsva_guest_spin(struct vsva_process *process, struct vsva_guest_device *device,
		    unsigned rounds);
/* Another kernel takes over without a word to the old one's devices: a new root table over living
 * bindings, translation never off; then queues, devices and all are set up anew. Processes are
 * gone. */
int vsva_guest_reinit(struct vsva_guest *guest);
/* The VMM is killed: as under vsva serve, the files of its functions are closed one by one, the
 * unit's among them, in an order that `order` chooses, each resets its function; and its memory
 * goes. Returns how many PASIDs, bindings and windows the VM still has. Nothing can be done with
 * the guest but vsva_guest_destroy(). */
uint64_t vsva_guest_vanish(struct vsva_guest *guest, uint64_t order);

struct vsva_guest_stats {
	uint64_t page_requests, page_faults_resolved, page_faults_refused, faults, invalidations;
	uint64_t last_fault_reason, last_fault_address, last_fault_pasid;
};
void vsva_guest_get_stats(struct vsva_guest *guest, struct vsva_guest_stats *out);

/* Guest-side raw access, for hostile scenarios: its registers and memory. */
int vsva_guest_mmio_write(struct vsva_guest *guest, uint32_t offset, unsigned size, uint64_t value);

#ifdef __cplusplus
}
#endif
#endif
