/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user server: VMs for stock QEMUs (10.1 or newer). Each VM is a directory with a socket
 * per PCI function (the VT-d register page, accelerators, a test engine) and the DMAR table for its
 * firmware.
 *
 *     DIR/vm0/vtd.sock   DIR/vm0/dsa0.sock   DIR/vm0/test0.sock   DIR/vm0/dmar.bin
 *
 * Threads: create, start, stop and destroy by one thread at a time; the rest from any thread.
 */
#ifndef VSVA_SERVER_H
#define VSVA_SERVER_H

#include "vsva/vm.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_server;

struct vsva_server_options {
	const char *socket_dir; /* made with mode 0700 if it is not there */
	unsigned vms;           /* 0: 1; bare: only 1 */
	unsigned accelerators;  /* of each VM, 0: 1, or none if it has mediated ones; at most 8 */
	unsigned mdevs;         /* of each VM: dedicated queues of one accelerator that all VMs share */
	bool test_engine;       /* a test engine too */
	uint64_t register_base; /* where firmware puts the VT-d function's BAR; 0: 0xf8000000 */
	bool no_page_requests, no_vcmd, no_five_level; /* what the virtual unit does not offer */
};

/* The machine must run with threads. On a bare machine the VT-d page is the physical unit itself,
 * and there are no mediated devices. An accelerator has 16 queues: so many mediated devices in all.
 * 0; -EINVAL, also of a machine without threads; -EPERM, -EBUSY or another error of the directory (said in
 * the log); -ENOMEM; errors of vsva_vm_create and vsva_device_create. */
int vsva_server_create(struct vsva_machine *machine, const struct vsva_server_options *options,
		       struct vsva_server **out);
int vsva_server_start(struct vsva_server *server);
/* Writing an 8-byte 1 to this descriptor asks the server to stop (from a signal handler too); it is
 * then readable. */
int vsva_server_stop_fd(const struct vsva_server *server);
/* Surprise removal: from now on the VM's accelerators and test engine answer nothing, in the middle of
 * whatever they do, and do not come back. Any thread; returns when they have stopped. vm: from 0.
 * 0, also when they were gone; -ENOENT no such VM; -EOPNOTSUPP it has mediated devices, which are parts
 * of an accelerator that is not its own. */
int vsva_server_pull_devices(struct vsva_server *server, unsigned vm);
/* Ends all threads and detaches all clients. */
void vsva_server_stop(struct vsva_server *server);
/* Stops it. VMs, devices and sockets go; the directories stay, with their DMAR tables. */
void vsva_server_destroy(struct vsva_server *server);

/* QEMU's arguments for a VM, one string with blanks and newlines between them, without the memory
 * size and the kernel. Valid as long as the server. NULL: no such VM. */
const char *vsva_server_qemu_arguments(const struct vsva_server *server, unsigned vm);
/* "DIR/vm0" */
const char *vsva_server_vm_directory(const struct vsva_server *server, unsigned vm);
/* NULL: no such VM, or bare. */
struct vsva_vm *vsva_server_vm(const struct vsva_server *server, unsigned vm);

struct vsva_server_stats {
	uint64_t clients_served; /* guests that have come and gone */
	uint64_t clients_now;    /* functions with a client */
	uint64_t
		pasids_leaked; /* PASIDs, windows and bindings that were left when a guest had gone: 0 */
	uint64_t windows_now;
};
void vsva_server_get_stats(struct vsva_server *server, struct vsva_server_stats *out);

#ifdef __cplusplus
}
#endif
#endif
