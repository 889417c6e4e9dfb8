/* SPDX-License-Identifier: MIT */
/*
 * A guest that works: `tenant_create()` boots the built-in guest with an accelerator and a process that
 * has given it its address space; `tenant_copy()` lets the accelerator copy by the process' pointers.
 */
#ifndef TENANT_H
#define TENANT_H

#include <vsva/dsa.h>
#include <vsva/guest.h>

#include "example.h"

#define TENANT_RID 0x30u /* the accelerator's requester id as the guest sees it */

struct tenant {
	struct vsva_machine *machine;
	struct vsva_device *device;
	struct vsva_guest *guest;
	struct vsva_vm *vm;
	struct vsva_guest_device *accelerator;
	struct vsva_assigned *assigned; /* the same, as the VMM knows it */
	struct vsva_process *process;
	gva_t from, to, record; /* a page each; not present before they are used */
};

static inline gva_t tenant_map(const struct tenant *tenant)
{
	gva_t out;

	EXPECT(vsva_process_mmap(tenant->process, gva(0), VSVA_PAGE_SIZE, true, false, &out) == 0);
	return out;
}

/* A process that has given its address space to the accelerator. */
static inline void tenant_add_process(struct tenant *tenant)
{
	EXPECT(vsva_process_create(tenant->guest, &tenant->process) == 0);
	tenant->from = tenant_map(tenant);
	tenant->to = tenant_map(tenant);
	tenant->record = tenant_map(tenant);
	EXPECT(vsva_process_bind(tenant->process, tenant->accelerator) == 0);
}

/* options NULL: defaults */
static inline void tenant_boot(struct tenant *tenant, const struct vsva_guest_options *options)
{
	const struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};

	EXPECT(vsva_machine_create(NULL, &tenant->machine) == 0);
	EXPECT(vsva_device_create(tenant->machine, &dsa, &tenant->device) == 0);
	EXPECT(vsva_guest_create(tenant->machine, options, &tenant->guest) == 0);
	tenant->vm = vsva_guest_vm(tenant->guest);
	EXPECT(vsva_guest_add_device(tenant->guest, tenant->device, rid(TENANT_RID),
				     &tenant->accelerator) == 0);
	tenant->assigned = vsva_guest_device_assigned(tenant->accelerator);
}

static inline void tenant_create(struct tenant *tenant)
{
	tenant_boot(tenant, NULL);
	tenant_add_process(tenant);
}

/* "Move 8 bytes", as the process writes it. */
static inline struct vsva_dsa_descriptor tenant_descriptor(const struct tenant *tenant)
{
	return (struct vsva_dsa_descriptor){
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | VSVA_DSA_BLOCK_ON_FAULT |
				VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION,
		.source = tenant->from.v,
		.destination = tenant->to.v,
		.size = 8,
		.completion = tenant->record.v,
	};
}

/* Copies an 8-byte value and returns the accelerator's status, VSVA_DSA_SUCCESS, or -errno. */
static inline int tenant_copy(const struct tenant *tenant, uint64_t value)
{
	const struct vsva_dsa_descriptor move = tenant_descriptor(tenant);
	const struct vsva_dsa_completion empty = {0};
	int err;

	EXPECT(vsva_process_write(tenant->process, tenant->from, &value, sizeof(value)) == 0);
	EXPECT(vsva_process_write(tenant->process, tenant->record, &empty, sizeof(empty)) == 0);
	err = vsva_process_submit(tenant->process, tenant->accelerator, &move, true);
	return err ? err : vsva_process_wait(tenant->process, tenant->record, NULL);
}

/* What the process reads where the accelerator has written. */
static inline uint64_t tenant_result(const struct tenant *tenant)
{
	uint64_t value;

	EXPECT(vsva_process_read(tenant->process, tenant->to, &value, sizeof(value)) == 0);
	return value;
}

static inline void tenant_destroy(struct tenant *tenant)
{
	vsva_guest_destroy(tenant->guest);
	vsva_machine_destroy(tenant->machine);
}

#endif
