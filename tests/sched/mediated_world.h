/* SPDX-License-Identifier: MIT */
/*
 * Two VMs on one accelerator, for interleavings: each has a mediated device, one of them a dedicated
 * queue and the other a shared one, and a guest PASID that is bound. Everything happens to the first
 * VM; the second one's work waits for a page all the time, and must not notice. The guest
 * PASID is the same in both.
 *
 * A ledger knows at each moment whether a VM's PASID may be used, and is asked at each access; the
 * hardware is looked at when a number is given up.
 */
#ifndef TESTS_SCHED_MEDIATED_WORLD_H
#define TESTS_SCHED_MEDIATED_WORLD_H

#include "accelerator.h"
#include "explore.h"
#include "vsva/kvm.h"
#include "vsva/vfio.h"

#define MEDIATED_GUEST_PASID 7u
#define MEDIATED_GROUPS_MAX  8u

struct mediated_world;

struct mediated_vm {
	struct mediated_world *world;
	enum vsva_mdev_type type;
	struct vsva_container *container;
	struct vsva_container_device *device;
	struct vsva_mdev *mdev;
	unsigned queue;
	struct vsva_kvm *kvm; /* of a shared queue */
	hpasid_t pasid;
	uint64_t root, page; /* GPA */

	/* ledger: told before what gives a right and after what takes it */
	int users;         /* of the binding */
	bool is_over;      /* closed, detached: no user has a right any more */
	bool is_reclaimed; /* nor is the number the VM's */
	bool is_deaf;      /* set_irq(NULL) has returned */
	bool is_stopped;   /* KVM is */
	bool is_closed;    /* the mediated device, or about to be: the VMM lets nobody in */
	bool is_forgotten; /* it is closed: its owner must not be called */
	unsigned inside;   /* calls of the mediated device */
	int given;         /* PASIDs that the owner was asked for and has not got back */

	struct vsva_fault_page_request requests[MEDIATED_GROUPS_MAX];
	unsigned reported;   /* page requests that the handler has and has not answered */
	unsigned interrupts; /* of commands and errors */
};

struct mediated_world {
	struct silicon s;
	struct accelerator accelerator;
	struct mediated_vm vm, other;
	size_t bytes_before;
	bool is_pulled;
};

/* For all explorations of this process. */
extern enum accelerator_plant mediated_world_plant;

/* Queues enabled, translations cached in the device, work of both VMs that waits for a page. */
void *mediated_world_setup_dedicated(uint64_t seed);
void *mediated_world_setup_shared(uint64_t seed);
/* What must hold after every schedule. */
void mediated_world_check(void *world);
void mediated_world_teardown(void *world);
uint64_t mediated_world_locate(void *world, const void *pointer);

/* Around calls of a VM's mediated device: false, it is closed. Not for long. */
bool mediated_enter(struct mediated_vm *vm);
void mediated_leave(struct mediated_vm *vm);
/* As the VM's guest does. Nothing happens to one that is closed. */
void mediated_write(struct mediated_vm *vm, uint64_t offset, unsigned size, uint64_t value);
void mediated_command(struct mediated_vm *vm, unsigned code, uint32_t operand);
/* Waits for the next interrupt of a command. Who knows why none comes may be somebody else: then the guest
 * gives up. */
void mediated_wait(struct mediated_vm *vm);
/* A no-op of the VM's PASID with its record in the page that is mapped, or in the one that is not. */
void mediated_submit(struct mediated_vm *vm, bool is_mapped);
/* Brings the page and answers what was asked. */
void mediated_answer(struct mediated_vm *vm);
int mediated_bind(struct mediated_vm *vm);
/* The VMM gives the device back. Once. */
void mediated_close(struct mediated_vm *vm);

#endif
