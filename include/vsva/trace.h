/* SPDX-License-Identifier: MIT */
/*
 * Events: every hop of the four journeys (bind, DMA, page request, death), told by the room in
 * which it happens. Three may hear of them, at once or none: an observer of the machine, the ring,
 * and whoever attaches to the static trace point vsva:event. Where nobody does, an event costs three
 * loads and a branch.
 *
 * Threads: the observer is called from whichever thread makes the hop, several at once, sometimes
 * with locks held or inside an RCU read section: it must not call back into the library, not block
 * and not fail.
 *
 * The ring (vsva_machine_trace_start, vsva/machine.h) keeps the last events of each thread. Threads
 * write it without waiting for each other or for a reader; the oldest is overwritten.
 */
#ifndef VSVA_TRACE_H
#define VSVA_TRACE_H

#include "vsva/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum vsva_room {
	VSVA_ROOM_GUEST,
	VSVA_ROOM_VMM,
	VSVA_ROOM_HOST,
	VSVA_ROOM_UNIT,
	VSVA_ROOM_DEVICE,
};

enum vsva_event_kind {
	/* bind journey */
	VSVA_EV_GUEST_PASID_ENTRY, /* guest wrote a PASID-table entry: rid, gpasid */
	VSVA_EV_GUEST_QUEUE,       /* guest submitted a descriptor: value = type */
	VSVA_EV_VIOMMU_DESCRIPTOR, /* vIOMMU executes a descriptor: value = type, gpasid if it has one */
	VSVA_EV_VIOMMU_VCMD,       /* virtual command: value = command, gpasid, result */
	VSVA_EV_IOASID_ALLOC,      /* hpasid, gpasid if known */
	VSVA_EV_IOASID_FREE,       /* its owner gave it up: hpasid, gpasid if it had one */
	VSVA_EV_IOASID_RECLAIM, /* nobody has it any more, it may be given out again: hpasid */
	VSVA_EV_BIND,           /* begins: rid, hpasid, gpasid, addr = first-stage root (GPA) */
	VSVA_EV_BIND_DONE,      /* result = 0 or -errno */
	VSVA_EV_UNBIND,         /* begins: rid, hpasid */
	VSVA_EV_UNBIND_DONE,    /* after it, no access of (rid, hpasid) */
	VSVA_EV_ATTACH_RID,     /* request-without-PASID translation changed: rid, value = kind */
	VSVA_EV_ATTACH_RID_DONE,
	VSVA_EV_PASID_ENTRY, /* host wrote an entry of the physical table: rid, hpasid, value = PGTT or 0 */
	VSVA_EV_INVALIDATE, /* host API invalidation: hpasid, addr, len */
	VSVA_EV_INVALIDATE_DONE,
	VSVA_EV_DESCRIPTOR, /* unit executes a descriptor: value = type, hpasid if it has one */
	/* KVM's table: gpasid, hpasid, value = 1 it has a translation from now on, 0 no more */
	VSVA_EV_CPU_TRANSLATION,
	/* DMA journey */
	VSVA_EV_CPU_EXIT, /* ENQCMD or ENQCMDS without a translation: gpasid, value = exit reason */
	VSVA_EV_SUBMIT,   /* a descriptor reached a device: rid, hpasid, value = opcode */
	VSVA_EV_TRANSLATE, /* unit translated by walking: rid, hpasid, addr in, hpa out, value = fault or 0 */
	VSVA_EV_ACCESS, /* a device touched memory: rid, hpasid, addr, hpa, len, write */
	VSVA_EV_COMPLETE, /* a device finished a descriptor: value = status, addr = its place in a batch from 1, or 0 */
	VSVA_EV_ABORT, /* a device gave a submitted descriptor up: rid, hpasid */
	VSVA_EV_STOP, /* a device is told to finish or give up what it has, begins: rid, value = DSA command or 0 for a function reset, hpasid if it is about one */
	VSVA_EV_FAULT, /* a fault was recorded: rid, hpasid, addr, value = reason */
	/* page-request journey */
	VSVA_EV_PAGE_REQUEST, /* device asks: rid, hpasid, addr, value = group index, write */
	VSVA_EV_PAGE_REQUEST_QUEUED, /* unit wrote it to the host's queue */
	VSVA_EV_PAGE_REQUEST_HOST,   /* host's handler took it: result of finding the owner */
	VSVA_EV_PAGE_FAULT_HOST, /* a host process' page was made present, or not: addr, write, result */
	VSVA_EV_PAGE_REQUEST_GUEST, /* vIOMMU put it into the guest's queue: gpasid */
	VSVA_EV_PAGE_FAULT_GUEST,   /* guest's handler made the page present or refused */
	VSVA_EV_PAGE_RESPONSE_GUEST, /* guest's answer reached the vIOMMU: value = code, addr = group index */
	VSVA_EV_PAGE_RESPONSE_HOST, /* host answers: likewise */
	VSVA_EV_PAGE_RESPONSE, /* unit delivered the answer to the device: value = code, addr = group index */
	VSVA_EV_UNIT_RESET, /* devices have forgotten what they asked for: its answer may come or not */
	/* memory and death */
	VSVA_EV_MAP,        /* domain: vm, addr = GPA, hpa, len, write */
	VSVA_EV_UNMAP,      /* domain: vm, addr, len: begins */
	VSVA_EV_UNMAP_DONE, /* after it, no access to these pages through the domain */
	/* built-in guest: value = the address space, by the GPA of its first-stage root */
	VSVA_EV_GUEST_MAP,        /* it makes a page present: gpasid, addr = GVA, hpa = its GPA */
	VSVA_EV_GUEST_UNMAP,      /* built-in guest cleared it (invalidation follows) */
	VSVA_EV_GUEST_UNMAP_DONE, /* its invalidation has completed */
	/* native processes: value = the address space, by the HPA of its first-stage root */
	VSVA_EV_MM_CREATE,
	VSVA_EV_MM_MAP,        /* a page is about to become present: addr = UVA, hpa, len, write */
	VSVA_EV_MM_UNMAP,      /* addr, len: entries are being cleared */
	VSVA_EV_MM_UNMAP_DONE, /* its notifiers have returned: after it, no access */
	VSVA_EV_MM_EXIT,       /* after it, no access through the address space at all */
	VSVA_EV_VM_CREATE,
	VSVA_EV_VM_DESTROY,
	VSVA_EV_VM_DESTROYED,
	VSVA_EV_DEVICE_ATTACH, /* rid to vm */
	VSVA_EV_DEVICE_DETACH,
	VSVA_EV_PROCESS_CREATE, /* built-in guest: gpasid */
	VSVA_EV_PROCESS_EXIT,
	VSVA_EV_KIND_COUNT,
};

/* Which members of struct vsva_event mean something depends on the kind; others are 0, PASIDs that
 * do not apply are VSVA_PASID_INVALID. */
struct vsva_event {
	enum vsva_event_kind kind;
	enum vsva_room room;
	uint32_t vm; /* number of the VM, 0 = none */
	rid_t rid;   /* host requester id */
	bool write;
	gpasid_t gpasid;
	hpasid_t hpasid;
	uint64_t addr; /* GVA or GPA, whichever the kind says */
	hpa_t hpa;
	uint64_t len;
	uint64_t value;
	int result;
};

typedef void vsva_observer_fn(void *arg, const struct vsva_event *event);

/* An event of the ring. */
struct vsva_record {
	uint64_t id;    /* no other event of this machine has it; never 0 */
	uint64_t cause; /* the event that began the operation (bind, unbind, attach-rid, invalidate,
			   * unmap, vm-destroy) inside which the same thread made this one; of an end
			   * its beginning; 0: none. It may be older than the ring. */
	uint64_t time_ns;        /* of CLOCK_MONOTONIC; never less than that of the record before */
	uint32_t thread;         /* as gettid() says */
	struct vsva_event event; /* an ACCESS stands for value windows that followed one another in
				  * memory, len bytes in all: addr and hpa are of the first. It has
				  * the time of the next event of its thread, or that at which there
				  * were too many others under way */
};

/* Reads a ring; each reader sees every event. */
struct vsva_trace_reader;

/* The next events in the order of time, at most max. Returns how many; fewer than max: there are no
 * more now. *lost: events since the last call that were overwritten before this reader took them, or
 * whose thread found no place because more than 64 recorded. Does not wait; what happened within the
 * last microsecond is told by the next call, and if a thread was interrupted in the middle of
 * recording, all that came after. One thread per reader at a time. */
size_t vsva_trace_read(struct vsva_trace_reader *reader, struct vsva_record *out, size_t max,
		       uint64_t *lost);
/* NULL is ignored. */
void vsva_trace_reader_destroy(struct vsva_trace_reader *reader);

/* Short name of a kind ("bind", "page-request"), or "?". Never NULL. Any thread. */
const char *vsva_event_name(enum vsva_event_kind kind);
/* Operations (bind, unbind, attach-rid, invalidate, unmap, vm-destroy): the kind that ends what this one
 * begins; VSVA_EV_KIND_COUNT: it begins none. Any thread. */
enum vsva_event_kind vsva_event_end(enum vsva_event_kind kind);
bool vsva_event_is_end(enum vsva_event_kind kind);
/* Name of a room ("guest", "vmm", "host", "unit", "device"). Never NULL. Any thread. */
const char *vsva_room_name(enum vsva_room room);

#ifdef __cplusplus
}
#endif
#endif
