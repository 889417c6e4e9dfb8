/* SPDX-License-Identifier: MIT */
#include "base/trace_often.h"

#include "base/operation.h"

#ifdef VSVA_SDT
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

__attribute__((section(".probes"))) unsigned short vsva_event_semaphore;
#else
unsigned short vsva_event_semaphore;
#endif

/* No default: the compiler names a kind that has been forgotten here. */
const char *vsva_event_name(enum vsva_event_kind kind)
{
	switch (kind) {
	case VSVA_EV_GUEST_PASID_ENTRY:
		return "guest-pasid-entry";
	case VSVA_EV_GUEST_QUEUE:
		return "guest-queue";
	case VSVA_EV_VIOMMU_DESCRIPTOR:
		return "viommu-descriptor";
	case VSVA_EV_VIOMMU_VCMD:
		return "viommu-vcmd";
	case VSVA_EV_IOASID_ALLOC:
		return "ioasid-alloc";
	case VSVA_EV_IOASID_FREE:
		return "ioasid-free";
	case VSVA_EV_IOASID_RECLAIM:
		return "ioasid-reclaim";
	case VSVA_EV_BIND:
		return "bind";
	case VSVA_EV_BIND_DONE:
		return "bind-done";
	case VSVA_EV_UNBIND:
		return "unbind";
	case VSVA_EV_UNBIND_DONE:
		return "unbind-done";
	case VSVA_EV_ATTACH_RID:
		return "attach-rid";
	case VSVA_EV_ATTACH_RID_DONE:
		return "attach-rid-done";
	case VSVA_EV_PASID_ENTRY:
		return "pasid-entry";
	case VSVA_EV_INVALIDATE:
		return "invalidate";
	case VSVA_EV_INVALIDATE_DONE:
		return "invalidate-done";
	case VSVA_EV_DESCRIPTOR:
		return "descriptor";
	case VSVA_EV_CPU_TRANSLATION:
		return "cpu-translation";
	case VSVA_EV_CPU_EXIT:
		return "cpu-exit";
	case VSVA_EV_SUBMIT:
		return "submit";
	case VSVA_EV_TRANSLATE:
		return "translate";
	case VSVA_EV_ACCESS:
		return "access";
	case VSVA_EV_COMPLETE:
		return "complete";
	case VSVA_EV_ABORT:
		return "abort";
	case VSVA_EV_STOP:
		return "stop";
	case VSVA_EV_FAULT:
		return "fault";
	case VSVA_EV_PAGE_REQUEST:
		return "page-request";
	case VSVA_EV_PAGE_REQUEST_QUEUED:
		return "page-request-queued";
	case VSVA_EV_PAGE_REQUEST_HOST:
		return "page-request-host";
	case VSVA_EV_PAGE_FAULT_HOST:
		return "page-fault-host";
	case VSVA_EV_PAGE_REQUEST_GUEST:
		return "page-request-guest";
	case VSVA_EV_PAGE_FAULT_GUEST:
		return "page-fault-guest";
	case VSVA_EV_PAGE_RESPONSE_GUEST:
		return "page-response-guest";
	case VSVA_EV_PAGE_RESPONSE_HOST:
		return "page-response-host";
	case VSVA_EV_PAGE_RESPONSE:
		return "page-response";
	case VSVA_EV_UNIT_RESET:
		return "unit-reset";
	case VSVA_EV_MAP:
		return "map";
	case VSVA_EV_UNMAP:
		return "unmap";
	case VSVA_EV_UNMAP_DONE:
		return "unmap-done";
	case VSVA_EV_GUEST_MAP:
		return "guest-map";
	case VSVA_EV_GUEST_UNMAP:
		return "guest-unmap";
	case VSVA_EV_GUEST_UNMAP_DONE:
		return "guest-unmap-done";
	case VSVA_EV_MM_CREATE:
		return "mm-create";
	case VSVA_EV_MM_MAP:
		return "mm-map";
	case VSVA_EV_MM_UNMAP:
		return "mm-unmap";
	case VSVA_EV_MM_UNMAP_DONE:
		return "mm-unmap-done";
	case VSVA_EV_MM_EXIT:
		return "mm-exit";
	case VSVA_EV_VM_CREATE:
		return "vm-create";
	case VSVA_EV_VM_DESTROY:
		return "vm-destroy";
	case VSVA_EV_VM_DESTROYED:
		return "vm-destroyed";
	case VSVA_EV_DEVICE_ATTACH:
		return "device-attach";
	case VSVA_EV_DEVICE_DETACH:
		return "device-detach";
	case VSVA_EV_PROCESS_CREATE:
		return "process-create";
	case VSVA_EV_PROCESS_EXIT:
		return "process-exit";
	case VSVA_EV_KIND_COUNT:
		break;
	}
	return "?";
}

const char *vsva_room_name(enum vsva_room room)
{
	switch (room) {
	case VSVA_ROOM_GUEST:
		return "guest";
	case VSVA_ROOM_VMM:
		return "vmm";
	case VSVA_ROOM_HOST:
		return "host";
	case VSVA_ROOM_UNIT:
		return "unit";
	case VSVA_ROOM_DEVICE:
		return "device";
	}
	return "?";
}

enum vsva_event_kind vsva_event_end(enum vsva_event_kind kind)
{
	return operation_end(kind);
}

bool vsva_event_is_end(enum vsva_event_kind kind)
{
	return operation_is_end(kind);
}

/* Twelve arguments: names of kind and room, vm, rid, guest and host PASID, addr, hpa, len, value, write,
 * result. */
static void probe(const struct vsva_event *event)
{
#ifdef VSVA_SDT
	if (*(volatile unsigned short *)&vsva_event_semaphore)
		STAP_PROBE12(vsva, event, vsva_event_name(event->kind), vsva_room_name(event->room),
			     event->vm, event->rid.v, event->gpasid.v, event->hpasid.v, event->addr,
			     event->hpa.v, event->len, event->value, event->write, event->result);
#else
	(void)event;
#endif
}

static void tell(const struct trace *trace, const struct vsva_event *event)
{
	probe(event);
	if (trace->observer)
		trace->observer(trace->arg, event);
}

void trace_emit_event(const struct trace *trace, const struct vsva_event *event)
{
	struct ring *ring = __atomic_load_n(&trace->ring, __ATOMIC_ACQUIRE);

	if (ring)
		ring_record(ring, event);
	tell(trace, event);
}

static inline struct vsva_event hop_event(enum vsva_event_kind kind, rid_t rid, hpasid_t pasid,
					  uint64_t value, uint64_t addr)
{
	return (struct vsva_event){.kind = kind,
				   .room = VSVA_ROOM_DEVICE,
				   .rid = rid,
				   .gpasid = gpasid(VSVA_PASID_INVALID),
				   .hpasid = pasid,
				   .addr = addr,
				   .value = value};
}

static __attribute__((noinline)) void emit_rare_hop(const struct trace *trace,
						    enum vsva_event_kind kind, rid_t rid,
						    hpasid_t pasid, uint64_t value, uint64_t addr)
{
	const struct vsva_event event = hop_event(kind, rid, pasid, value, addr);

	trace_emit_event(trace, &event);
}

/* Nothing here has an address that others are told: it all stays in registers. */
void trace_emit_hop(const struct trace *trace, enum vsva_event_kind kind, rid_t rid, hpasid_t pasid,
		    uint64_t value, uint64_t addr)
{
	const struct ring *ring = __atomic_load_n(&trace->ring, __ATOMIC_ACQUIRE);
	const struct vsva_event event = hop_event(kind, rid, pasid, value, addr);

	if (__builtin_expect(
		    !ring || trace_is_observed(trace) || !ring_record_quickly(ring, &event), 0))
		emit_rare_hop(trace, kind, rid, pasid, value, addr);
}

/* How much of its page is left, so far in it. */
static uint64_t page_rest(const struct ring_access *access, uint64_t done)
{
	uint64_t rest = VSVA_PAGE_SIZE - (access->addr + done) % VSVA_PAGE_SIZE;

	return rest < access->len - done ? rest : access->len - done;
}

void trace_emit_rare_access(const struct trace *trace, const struct ring_access *access,
			    uint64_t first)
{
	struct ring *ring = __atomic_load_n(&trace->ring, __ATOMIC_ACQUIRE);

	if (ring)
		ring_record_access(ring, access);
	for (uint64_t done = 0, len = first; done < access->len; done += len) {
		if (done)
			len = page_rest(access, done);
		tell(trace, &(struct vsva_event){.kind = VSVA_EV_ACCESS,
						 .room = VSVA_ROOM_DEVICE,
						 .rid = access->rid,
						 .gpasid = gpasid(VSVA_PASID_INVALID),
						 .hpasid = access->pasid,
						 .addr = access->addr + done,
						 .hpa = hpa(access->hpa.v + done),
						 .len = len,
						 .write = access->write});
	}
}
