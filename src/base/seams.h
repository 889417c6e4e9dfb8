/* SPDX-License-Identifier: MIT */
/* What every room shares of one machine. Lives as long as the machine. */
#ifndef BASE_SEAMS_H
#define BASE_SEAMS_H

#include "base/physmem.h"
#include "base/trace.h"
#include "base/worker.h"

struct vsva_machine;
struct vsva_device;
struct pci_config_description;

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

#endif
