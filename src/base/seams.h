/* SPDX-License-Identifier: MIT */
/* What every room shares of one machine. Lives as long as the machine. */
#ifndef BASE_SEAMS_H
#define BASE_SEAMS_H

#include "base/physmem.h"
#include "base/trace.h"
#include "base/worker.h"

struct vsva_machine;
struct vsva_device;
struct vsva_vm;
struct pci_config_description;
struct vtd_regfile;

struct seams {
	struct physmem *physmem;
	struct worker_pool *pool;
	const struct trace *trace;
};

const struct seams *machine_seams(const struct vsva_machine *machine);
/* What a device's configuration space is made from: a VMM builds the guest's own from the same. */
const struct pci_config_description *device_config_description(const struct vsva_device *device);
/* A device that a VM has is not destroyed. */
void device_set_assigned(struct vsva_device *device, bool assigned);
/* 1, 2, 3, …: numbers of VMs for messages and events. */
uint32_t machine_next_vm_number(struct vsva_machine *machine);

/*
 * The VMs of a machine, for who looks at it from outside (vsva/inspect.h). A VM is entered when all of
 * it is there, and is taken out before anything of it goes; that waits for who looks at it.
 */
struct machine_vm {
	struct machine_vm *next; /* ascending numbers; the machine's */
	struct vsva_vm *vm;
	uint32_t number;
};
void machine_enlist_vm(struct vsva_machine *machine, struct machine_vm *vm);
void machine_delist_vm(struct vsva_machine *machine, struct machine_vm *vm);
/* The VM with the smallest number from `from` on; it stays until machine_unlock_vms(). NULL: none, and
 * nothing is locked. LOCK_RANK_VMS */
struct vsva_vm *machine_lock_vm(struct vsva_machine *machine, uint32_t from);
void machine_unlock_vms(struct vsva_machine *machine);

/* The unit's registers as they are now. */
void machine_copy_registers(struct vsva_machine *machine, struct vtd_regfile *out);
/* How many descriptors of each type it has executed; VSVA_DESCRIPTOR_TYPES of them. */
void machine_copy_descriptors(struct vsva_machine *machine, uint64_t *out);
/* enum vsva_cache_policy */
unsigned machine_cache_policy(const struct vsva_machine *machine);

#endif
