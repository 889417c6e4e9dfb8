/* SPDX-License-Identifier: MIT */
/*
 * The board: the one room that knows both silicon and driver, because it plugs them together. It
 * makes physical memory, the unit, its endpoints, the wires for messages, and the host driver on
 * the ports; then it is out of the way.
 */
#ifndef BOARD_MACHINE_H
#define BOARD_MACHINE_H

#include "base/lock.h"
#include "base/seams.h"
#include "board/messages.h"
#include "hw/unit.h"
#include "vsva/machine.h"

/* Where the messages of a bare unit go. */
struct message_sink {
	void (*msi)(void *arg, uint64_t address, uint32_t data);
	void *arg;
};

struct vsva_machine {
	struct seams seams;
	struct trace trace;
	struct ring *ring; /* atomic; NULL: never switched on */
	struct vsva_machine_options options;
	struct unit *unit;
	struct messages messages;         /* to the host driver */
	struct message_sink *sink;        /* bare: RCU; NULL: nobody listens */
	struct message_sink sink_storage; /* written while sink is NULL and no reader is left */
	struct vsva_iommu *iommu;         /* NULL: bare */
	struct worker *queue_worker;      /* bare: runs the unit's queue */
	struct lock lock;                 /* devices; rank LEAF */
	struct vsva_device *devices;      /* lock */
	unsigned device_count;            /* lock */
	uint32_t vm_numbers;              /* atomic */
	struct lock vms_lock;             /* rank VMS */
	struct machine_vm *vms;           /* vms_lock; ascending numbers */
};

#endif
