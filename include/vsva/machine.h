/* SPDX-License-Identifier: MIT */
/*
 * A machine: physical memory, one remapping unit, the devices behind it and, unless it is bare, the
 * host's driver of that unit. Everything else of the library lives in a machine; there is no global
 * state but the message sink and the SIGBUS guard.
 *
 * Threads: a machine made with threads runs its devices and handlers by itself. One made without
 * runs only inside vsva_machine_step() and inside calls that wait: one thread, the same order every
 * time, drawn from the seed.
 */
#ifndef VSVA_MACHINE_H
#define VSVA_MACHINE_H

#include "vsva/iommu.h"
#include "vsva/trace.h"

#ifdef __cplusplus
extern "C" {
#endif

enum vsva_cache_policy {
	VSVA_CACHE_LRU, /* as silicon does; the default */
	VSVA_CACHE_NEVER,
	VSVA_CACHE_RANDOM,
	VSVA_CACHE_ADVERSARIAL, /* everything that is legal and hurts */
};
/* "lru", "never", "random", "adversarial"; -EINVAL for any other name. */
int vsva_cache_policy_parse(const char *name, enum vsva_cache_policy *out);
const char *vsva_cache_policy_name(enum vsva_cache_policy policy);

struct vsva_machine_options {
	enum vsva_cache_policy cache_policy;
	uint64_t seed; /* of everything random */
	bool threads;  /* false: single-threaded, deterministic */
	bool bare;     /* no host driver: somebody else (a guest) drives the unit's registers */
	uint32_t iotlb_entries;     /* 0: 65,536 */
	vsva_observer_fn *observer; /* may be NULL */
	void *observer_arg;
};

struct vsva_machine;

/* options NULL: defaults. 0; -ENOMEM; -EINVAL; -ETIMEDOUT the unit does not come up. */
int vsva_machine_create(const struct vsva_machine_options *options, struct vsva_machine **out);
/* All VMs must have been destroyed. NULL is ignored. */
void vsva_machine_destroy(struct vsva_machine *machine);

/* The host driver; NULL on a bare machine. */
struct vsva_iommu *vsva_machine_iommu(struct vsva_machine *machine);

/* Machine without threads: runs one piece of pending work; false: there was none. */
bool vsva_machine_step(struct vsva_machine *machine);
/* Runs until nothing is pending, at most limit pieces (without threads) or milliseconds (with; a page
 * request that nobody has answered counts as pending). */
void vsva_machine_run_idle(struct vsva_machine *machine, uint64_t limit);
/* Waits until done(arg): see both modes above. false: gave up after timeout_ms or because nothing
 * is left to run. */
bool vsva_machine_wait(struct vsva_machine *machine, bool (*done)(void *arg), void *arg,
		       uint32_t timeout_ms);
/* Something that a vsva_machine_wait() may wait for has changed. */
void vsva_machine_notify(struct vsva_machine *machine);

/* Bare machine: the unit's register page, for whoever drives it. -EINVAL: size, alignment, range,
 * or not bare. */
int vsva_machine_unit_read(struct vsva_machine *machine, uint32_t offset, unsigned size,
			   uint64_t *value);
int vsva_machine_unit_write(struct vsva_machine *machine, uint32_t offset, unsigned size,
			    uint64_t value);
/* Memory at a physical address the caller chooses; shared with the caller, 4 KiB aligned. What a host
 * driver maps into its domains (vsva/iommu.h, vsva/vfio.h), or all that a bare machine has. A machine
 * that is not bare deals out addresses from 4 GiB on by itself: those below are free for this. 0;
 * -EEXIST something is there; -EINVAL; -ENOMEM. Removed before the machine is destroyed: removal
 * returns when no access to it is under way. -ENOENT no memory begins there. */
int vsva_machine_add_memory(struct vsva_machine *machine, hpa_t address, void *memory, size_t len,
			    bool writable);
int vsva_machine_remove_memory(struct vsva_machine *machine, hpa_t address);

/* Bare machine: who gets the unit's event messages; NULL: nobody. Any thread may call it, it must
 * not block. When this returns the one before is not running. */
void vsva_machine_set_msi(struct vsva_machine *machine,
			  void (*msi)(void *arg, uint64_t address, uint32_t data), void *arg);
/* The unit's power-on state, everything in its caches gone. Bare machine: it is left so. With a host
 * driver that brings it up again: vsva_iommu_reset. 0; -ETIMEDOUT. */
int vsva_machine_reset_unit(struct vsva_machine *machine);

/* The ring of events (vsva/trace.h). Switched on: 0; -ENOMEM; -EINVAL more than 2^20 events. It is made by
 * the first start, with so many events (rounded up to a power of two, 0: 4096) for each of at most 64
 * threads, 64 bytes an event, and memory only for threads that record; it stays, with what it holds,
 * until the machine goes, and later starts switch it on again as it is. Any thread. */
int vsva_machine_trace_start(struct vsva_machine *machine, uint32_t events);
/* Switched off: a thread that is recording now may still finish. */
void vsva_machine_trace_stop(struct vsva_machine *machine);
bool vsva_machine_trace_is_on(const struct vsva_machine *machine);
/* A reader, of what is in the ring too or only of what comes. It may outlive the machine, and then reads
 * what there is to the end. 0; -ENOENT never started; -ENOMEM. */
int vsva_machine_trace_reader(struct vsva_machine *machine, bool from_oldest,
			      struct vsva_trace_reader **out);

/* Counters of the unit. */
struct vsva_unit_stats {
	uint64_t iotlb_hits, iotlb_misses, iotlb_entries, iotlb_bytes;
	uint64_t walks, page_requests, faults;
	uint64_t descriptors, waits; /* executed; of them wait descriptors */
};
void vsva_machine_unit_stats(struct vsva_machine *machine, struct vsva_unit_stats *out);

/* What is in use now. */
struct vsva_memory_stats {
	/* The library's own records, of all machines of the process: what the allocator set aside,
	 * not only what was asked for. */
	uint64_t record_bytes;
	uint64_t records; /* how many */
	/* Pages of 4096 bytes that hold tables and queues of the machine, as the architecture lays
	 * them out. */
	uint64_t table_pages;
};
/* Not inside an observer: it waits until what was freed is free. */
void vsva_machine_memory(struct vsva_machine *machine, struct vsva_memory_stats *out);

#ifdef __cplusplus
}
#endif
#endif
