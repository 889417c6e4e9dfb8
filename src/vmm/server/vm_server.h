/* SPDX-License-Identifier: MIT */
/*
 * What ties the protocol to the machine: the functions of one VM, and the guest memory that they
 * share.
 *
 * All of a VM's functions are served by the VM's one thread; only messages and interrupts come from
 * elsewhere.
 */
#ifndef VMM_SERVER_VM_SERVER_H
#define VMM_SERVER_VM_SERVER_H

#include "vmm/server/dmar.h"
#include "vmm/server/listener.h"
#include "vsva/limits.h"
#include "vsva/mdev.h"
#include "vsva/server.h"
#include "vtd/pci_config.h"

#define SERVED_DEVICES_MAX 9u /* eight accelerators and the test engine */

struct served_window {
	gpa_t gpa;
	uint64_t size;
	void *memory;
	uint32_t prot;
	/* what is mapped: the same range may come back with another file behind it */
	uint64_t fd_offset, file_device, file_inode;
	uint32_t users; /* a bit per function that has mapped it */
};

struct served_function {
	struct served_vm *vm;
	unsigned index; /* in the VM; 0 is the VT-d page */
	char name[16];
	uint8_t slot; /* device number on QEMU's root bus */
	struct vfu_connection *connection;
	struct vsva_device *device;     /* NULL: the VT-d page, or mediated */
	struct vsva_mdev *mdev;         /* NULL: not mediated */
	struct vsva_assigned *assigned; /* NULL: the VT-d page, or bare */
};

struct served_vm {
	struct vsva_server *server;
	struct vsva_vm *vm; /* NULL: bare */
	char name[16];
	char *directory, *qemu_arguments;
	struct pci_config vtd_config;
	struct dmar_watch dmar;
	struct served_function functions[1 + SERVED_DEVICES_MAX];
	unsigned function_count;
	struct vfu_vm *vfu;
	struct served_window windows[VSVA_LIMIT_VM_WINDOWS];
	unsigned window_count;         /* only the VM's thread; read by stats as an atomic */
	unsigned attached;             /* functions with a client; atomic */
	struct vsva_vm_stats at_start; /* when the guest before had gone */
	struct vsva_unit_stats unit_at_start;
};

struct vsva_server {
	struct vsva_machine *machine;
	struct vsva_server_options options;
	struct vfu_server *vfu;
	struct vsva_device *shared; /* the accelerator of the mediated devices, NULL: none */
	struct vsva_vdcm *vdcm;
	struct served_vm *vms;
	unsigned vm_count;
	uint64_t clients_served, leaked; /* atomic */
};

/* Guest memory (served_memory.c) */
int served_memory_map(struct served_function *function, const struct vfu_window *window);
int served_memory_unmap(struct served_function *function, gpa_t gpa, uint64_t size);
/* Whatever is left, when the last client has gone. Returns how many windows that were. */
unsigned served_memory_clear(struct served_vm *vm);

/* Functions (served_function.c) */
extern const struct vfu_function_ops served_function_ops;
void served_message(void *vm, uint64_t address, uint32_t data);
void served_irq(void *function, unsigned vector);

/* QEMU's command line (qemu_arguments.c); the caller frees it */
char *served_qemu_arguments(const struct served_vm *vm);

#endif
