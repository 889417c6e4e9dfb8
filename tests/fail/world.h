/* SPDX-License-Identifier: MIT */
/*
 * A machine, of one thread unless it says otherwise, and what a trial wants in it. world_… makes one thing more and all that it
 * needs, unless it is there; world_destroy() takes everything away that is there, so who has given
 * something up sets its member to NULL.
 */
#ifndef TESTS_FAIL_WORLD_H
#define TESTS_FAIL_WORLD_H

#include "base/seams.h"
#include "vsva/dsa.h"
#include "vsva/guest.h"
#include "vsva/inspect.h"
#include "vsva/limits.h"
#include "vsva/mdev.h"
#include "vsva/server.h"
#include "vsva/sva.h"

/* Of the devices in the guest, of what is mapped for devices, and the guest's number of a PASID. */
#define WORLD_GUEST_RID rid(0x18)
#define WORLD_GPA       ((gpa_t){0})
#define WORLD_GPASID_V  7u
#define WORLD_GPASID    gpasid(WORLD_GPASID_V)

struct fail_world {
	struct vsva_machine *machine;
	struct vsva_iommu *iommu;
	struct vsva_ioasid_space *space;
	struct vsva_device *device; /* a test engine */
	struct vsva_dev *dev;
	struct vsva_trace_reader *reader;

	struct vsva_ioasid_set *set;
	hpasid_t pasid; /* 0: none */
	struct vsva_ioasid_notifier *notifier;
	struct vsva_domain *domain;
	bool is_attached, has_handler;
	hpa_t page; /* at WORLD_GPA of the domain or the container; 0: none */
	unsigned faults;

	struct vsva_container *container;
	struct vsva_container_device *handle;

	struct vsva_kvm *kvm;
	struct vsva_vcpu *vcpu;

	struct vsva_mm *mm;
	uva_t area; /* of two pages */
	struct vsva_sva *sva;

	struct vsva_device *accelerator;
	struct vsva_vm *vm;
	unsigned char *memory; /* of the VM, WORLD_MEMORY; NULL: none */
	struct vsva_assigned *assigned;

	struct vsva_guest *guest;
	struct vsva_guest_device *guest_device;
	struct vsva_process *process;
	gva_t buffer; /* of the process, two pages */

	struct vsva_vdcm *vdcm;
	struct vsva_mdev *mdev;
	bool is_mdev_open;

	char directory[32]; /* for sockets; "": none */
	struct vsva_server *server;
	int client; /* of its first function, without a version agreed on; 0: none */

	struct vsva_machine *other; /* beside the machine; of one that is bare this is all */
	uint64_t extra;             /* the trial's own */
};

void world_create(struct fail_world *w);
void world_destroy(struct fail_world *w);
/* Until nothing is left to do. */
void world_run(struct fail_world *w);
/* What a time-out has left in doubt is over: a flush has worked. */
void world_settle(struct fail_world *w);

/* Before anything else: the machine has threads, as a server needs it. Their steps do not fail. */
void world_threads(struct fail_world *w);

/* Nothing beside the machine. */
void world_bare(struct fail_world *w);
void world_device(struct fail_world *w);

/* A set of PASIDs; a PASID; one that has WORLD_GPASID. */
void world_set(struct fail_world *w);
void world_pasid(struct fail_world *w);
void world_gpasid(struct fail_world *w);

/* A nesting domain; with the device in it; with a page of memory at WORLD_GPA; with a PASID bound on
 * the device, whose first stage is empty. */
void world_domain(struct fail_world *w);
void world_attached(struct fail_world *w);
void world_mapped(struct fail_world *w);
void world_bound(struct fail_world *w);
struct vsva_gpasid_bind_data world_bind_data(const struct fail_world *w);
/* A handler that counts faults and will answer page requests; and one that waits for its answer. */
void world_handled(struct fail_world *w);
void world_asked(struct fail_world *w);
/* Switches the device on, and has it write to an address under the PASID. */
void world_write(struct fail_world *w, hpasid_t pasid, uint64_t address);
/* The same up to the command: nothing has run yet. */
void world_begin_write(struct fail_world *w, hpasid_t pasid, uint64_t address);
/* The answer. */
struct vsva_page_response world_response(const struct fail_world *w);

/* The same with a container: open; with the device; with a page; with a PASID; bound; asked. */
void world_container(struct fail_world *w);
void world_container_device(struct fail_world *w);
void world_container_mapped(struct fail_world *w);
void world_container_pasid(struct fail_world *w);
void world_container_bound(struct fail_world *w);
void world_container_asked(struct fail_world *w);
/* A physical page for a domain to map. */
hpa_t world_page(struct fail_world *w);

/* The set's KVM; with a processor; with a PASID bound for it. */
void world_kvm(struct fail_world *w);
void world_vcpu(struct fail_world *w);
void world_translated(struct fail_world *w);

/* The device in a domain of the host itself. */
void world_host_attached(struct fail_world *w);
/* A process of the host; with two pages, the first one present; bound to the device. */
void world_mm(struct fail_world *w);
void world_mm_area(struct fail_world *w);
void world_sva(struct fail_world *w);

/* An accelerator; as a parent, a mediated device (dedicated), open. */
void world_accelerator(struct fail_world *w);
void world_vdcm(struct fail_world *w);
void world_mdev(struct fail_world *w);
void world_mdev_open(struct fail_world *w);

/* A VM; with memory; with the test engine; with a mediated device. */
#define WORLD_MEMORY (UINT64_C(4) << 20)
void world_vm(struct fail_world *w);
void world_vm_memory(struct fail_world *w);
void world_vm_assigned(struct fail_world *w);
void world_vm_mdev(struct fail_world *w);

/* A guest, which picks its PASIDs; one that uses virtual commands; with the accelerator; with a mediated
 * device; a process of it with memory; bound to the device. */
void world_guest(struct fail_world *w);
void world_vcmd_guest(struct fail_world *w);
void world_guest_device(struct fail_world *w);
void world_guest_mdev(struct fail_world *w);
void world_process(struct fail_world *w);
void world_process_bound(struct fail_world *w);

/* A directory; a server in it, which has not been started; with a client of its VT-d function. */
void world_directory(struct fail_world *w);
void world_server(struct fail_world *w);
void world_client(struct fail_world *w);
void world_hang_up(struct fail_world *w);

/* A second machine, bare. */
void world_other(struct fail_world *w);

#endif
