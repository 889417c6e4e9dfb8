/* SPDX-License-Identifier: MIT */
#include "cli/journey.h"

#include <stddef.h>

#include "vsva/dsa.h"
#include "vsva/iommu.h"

#define KIND(kind, journey_, address_, value_, text_)                                              \
	[VSVA_EV_##kind] = {.journey = JOURNEY_##journey_,                                         \
			    .address = HOP_ADDRESS_##address_,                                     \
			    .value = HOP_VALUE_##value_,                                           \
			    .text = (text_)}

static const struct hop_kind kinds[VSVA_EV_KIND_COUNT] = {
	KIND(GUEST_PASID_ENTRY, BIND, ROOT, PRESENT, "guest writes its PASID-table entry"),
	KIND(GUEST_QUEUE, BIND, NONE, DESCRIPTOR, "guest queues a descriptor"),
	KIND(VIOMMU_DESCRIPTOR, BIND, NONE, DESCRIPTOR, "vIOMMU executes a descriptor"),
	KIND(VIOMMU_VCMD, BIND, NONE, VCMD, "vIOMMU answers a virtual command"),
	KIND(IOASID_ALLOC, BIND, NONE, NONE, "host PASID allocated in the VM's set"),
	KIND(IOASID_FREE, DEATH, NONE, NONE, "host PASID given up"),
	KIND(IOASID_RECLAIM, DEATH, NONE, NONE, "host PASID returned: no access from here on"),
	KIND(BIND, BIND, ROOT, NONE, "bind begins"),
	KIND(BIND_DONE, BIND, ROOT, NONE, "bind done"),
	KIND(UNBIND, DEATH, NONE, NONE, "unbind begins"),
	KIND(UNBIND_DONE, DEATH, NONE, NONE, "unbind done: no access from here on"),
	KIND(ATTACH_RID, BIND, ROOT, RID_KIND, "requests without PASID: change begins"),
	KIND(ATTACH_RID_DONE, BIND, ROOT, RID_KIND, "requests without PASID: changed"),
	KIND(PASID_ENTRY, BIND, NONE, ENTRY, "host writes the physical PASID entry"),
	KIND(INVALIDATE, FLUSH, GVA, NONE, "host invalidates"),
	KIND(INVALIDATE_DONE, FLUSH, NONE, NONE, "invalidation complete"),
	KIND(DESCRIPTOR, FLUSH, NONE, DESCRIPTOR, "unit executes a descriptor"),
	KIND(CPU_TRANSLATION, BIND, NONE, PRESENT, "KVM changes the processors' translation"),
	KIND(CPU_EXIT, DMA, NONE, NONE, "a processor finds no translation: VM exit"),
	KIND(SUBMIT, DMA, NONE, OPCODE, "device takes the work"),
	KIND(TRANSLATE, DMA, GVA_HPA, FAULT, "unit walks both stages"),
	KIND(ACCESS, DMA, GVA_HPA, NONE, "device accesses memory"),
	KIND(COMPLETE, DMA, NONE, STATUS, "device has finished"),
	KIND(ABORT, DMA, NONE, NONE, "device has given work up"),
	KIND(STOP, DEATH, NONE, NONE, "device is told to stop"),
	KIND(FAULT, DMA, GVA, FAULT, "fault recorded"),
	KIND(PAGE_REQUEST, PAGE, GVA, GROUP, "device asks for a page"),
	KIND(PAGE_REQUEST_QUEUED, PAGE, GVA, GROUP, "unit queues the request for the host"),
	KIND(PAGE_REQUEST_HOST, PAGE, GVA, GROUP, "host finds the owner"),
	KIND(PAGE_FAULT_HOST, PAGE, GVA, NONE, "host's fault handler is done"),
	KIND(PAGE_REQUEST_GUEST, PAGE, GVA, GROUP, "vIOMMU queues it for the guest"),
	KIND(PAGE_FAULT_GUEST, PAGE, GVA, NONE, "guest's fault handler is done"),
	KIND(PAGE_RESPONSE_GUEST, PAGE, NONE, RESPONSE, "guest answers"),
	KIND(PAGE_RESPONSE_HOST, PAGE, NONE, RESPONSE, "host passes the answer on"),
	KIND(PAGE_RESPONSE, PAGE, NONE, RESPONSE, "unit delivers the answer"),
	KIND(UNIT_RESET, DEATH, NONE, NONE, "the unit was reset"),
	KIND(MAP, BIRTH, GPA_HPA, NONE, "guest memory mapped"),
	KIND(UNMAP, DEATH, GPA, NONE, "guest memory: unmap begins"),
	KIND(UNMAP_DONE, DEATH, GPA, NONE, "guest memory unmapped: no access from here on"),
	KIND(GUEST_MAP, PAGE, GVA_GPA, NONE, "guest makes a page present"),
	KIND(GUEST_UNMAP, DEATH, GVA, NONE, "guest clears a page"),
	KIND(GUEST_UNMAP_DONE, DEATH, GVA, NONE, "guest's unmap is complete"),
	KIND(MM_CREATE, BIRTH, NONE, NONE, "a native process is born"),
	KIND(MM_MAP, PAGE, GVA_HPA, NONE, "native process: a page becomes present"),
	KIND(MM_UNMAP, DEATH, GVA, NONE, "native process: pages are cleared"),
	KIND(MM_UNMAP_DONE, DEATH, GVA, NONE, "native process: no access to them from here on"),
	KIND(MM_EXIT, DEATH, NONE, NONE, "native process has exited: no access from here on"),
	KIND(VM_CREATE, BIRTH, NONE, NONE, "a VM is born"),
	KIND(VM_DESTROY, DEATH, NONE, NONE, "a VM begins to die"),
	KIND(VM_DESTROYED, DEATH, NONE, NONE, "the VM is gone: no access from here on"),
	KIND(DEVICE_ATTACH, BIND, NONE, NONE, "device attached to the VM's domain"),
	KIND(DEVICE_DETACH, DEATH, NONE, NONE, "device detached"),
	KIND(PROCESS_CREATE, BIRTH, NONE, NONE, "a process is born"),
	KIND(PROCESS_EXIT, DEATH, NONE, NONE, "a process has exited"),
};

const struct hop_kind *hop_kind_of(enum vsva_event_kind kind)
{
	static const struct hop_kind unknown = {.text = "?"};

	if ((unsigned)kind >= VSVA_EV_KIND_COUNT || !kinds[kind].text)
		return &unknown;
	return &kinds[kind];
}

const char *journey_name(enum journey journey)
{
	static const char *const names[] = {"bind", "dma", "page", "flush", "birth", "death"};

	return names[journey];
}

#define DESCRIPTOR_PAGE_RESPONSE 9u

enum journey journey_of(const struct vsva_event *event)
{
	const struct hop_kind *kind = hop_kind_of(event->kind);

	if (kind->value == HOP_VALUE_DESCRIPTOR && event->value == DESCRIPTOR_PAGE_RESPONSE)
		return JOURNEY_PAGE;
	return kind->journey;
}

#define NAME_FROM(table, index)                                                                    \
	((index) < sizeof(table) / sizeof((table)[0]) && (table)[index] ? (table)[index] : "?")

const char *descriptor_type_name(uint64_t type)
{
	static const char *const names[] = {
		[1] = "context-cache", [2] = "IOTLB",
		[3] = "device-TLB",    [4] = "interrupt-entry",
		[5] = "wait",          [6] = "PASID-IOTLB",
		[7] = "PASID-cache",   [8] = "PASID-device-TLB",
		[9] = "page-response",
	};

	return NAME_FROM(names, type);
}

const char *page_response_name(uint64_t code)
{
	static const char *const names[] = {[0] = "success", [1] = "invalid", [15] = "failure"};

	return NAME_FROM(names, code);
}

const char *dsa_opcode_name(uint64_t opcode)
{
	static const char *const names[] = {
		[VSVA_DSA_NOOP] = "noop",
		[VSVA_DSA_BATCH] = "batch",
		[VSVA_DSA_DRAIN] = "drain",
		[VSVA_DSA_MEMMOVE] = "copy",
		[VSVA_DSA_FILL] = "fill",
		[VSVA_DSA_COMPARE] = "compare",
		[VSVA_DSA_COMPARE_PATTERN] = "compare_pattern",
		[VSVA_DSA_DUALCAST] = "dualcast",
		[VSVA_DSA_CRC_GENERATION] = "crc",
		[VSVA_DSA_COPY_WITH_CRC] = "copy_crc",
		[VSVA_DSA_CACHE_FLUSH] = "flush",
	};

	return NAME_FROM(names, opcode);
}

const char *dsa_status_name(uint64_t status)
{
	static const char *const names[] = {
		[0] = "not done",
		[VSVA_DSA_SUCCESS] = "success",
		[VSVA_DSA_FALSE_PREDICATE] = "false predicate",
		[VSVA_DSA_PAGE_FAULT] = "page fault",
		[VSVA_DSA_PAGE_REQUEST_INVALID] = "page request refused",
		[VSVA_DSA_BATCH_FAILED] = "batch failed",
		[VSVA_DSA_BATCH_PAGE_FAULT] = "batch page fault",
		[VSVA_DSA_BAD_OPCODE] = "bad opcode",
		[VSVA_DSA_BAD_FLAGS] = "bad flags",
		[VSVA_DSA_RESERVED_FIELD] = "reserved field",
		[VSVA_DSA_BAD_SIZE] = "bad size",
		[VSVA_DSA_BAD_COUNT] = "bad count",
		[VSVA_DSA_OVERLAP] = "overlap",
		[VSVA_DSA_DUALCAST_ALIGNMENT] = "dualcast alignment",
		[VSVA_DSA_LIST_ALIGNMENT] = "list alignment",
		[VSVA_DSA_COMPLETION_FAULT] = "completion fault",
		[VSVA_DSA_HARDWARE_ERROR] = "hardware error",
	};

	return NAME_FROM(names, status & ~(uint64_t)VSVA_DSA_STATUS_WRITE);
}

const char *engine_operation_name(uint64_t operation)
{
	static const char *const names[] = {[1] = "copy", [2] = "fill", [3] = "read", [4] = "add"};

	return NAME_FROM(names, operation);
}

const char *engine_status_name(uint64_t status)
{
	static const char *const names[] = {"idle", "busy", "done", "fault", "bad command"};

	return NAME_FROM(names, status);
}

const char *entry_type_name(uint64_t pgtt)
{
	static const char *const names[] = {"cleared", "first stage", "second stage", "nested",
					    "pass-through"};

	return NAME_FROM(names, pgtt);
}

const char *rid_kind_name(uint64_t kind)
{
	static const char *const names[] = {
		[VSVA_RID_BLOCKED] = "blocked",
		[VSVA_RID_SECOND_STAGE] = "second stage",
		[VSVA_RID_NESTED] = "nested",
	};

	return NAME_FROM(names, kind);
}

/* commands of VCMD */
const char *vcmd_name(uint64_t command)
{
	static const char *const names[] = {[1] = "allocate PASID", [2] = "free PASID"};

	return NAME_FROM(names, command & 0xff);
}
