/* SPDX-License-Identifier: MIT */
/* A device on the board: an endpoint of one kind, known to the host driver unless the machine is
 * bare. */
#ifndef BOARD_DEVICE_H
#define BOARD_DEVICE_H

#include "base/irq.h"
#include "host/iommu.h"
#include "hw/device/dsa.h"
#include "hw/device/test_engine.h"
#include "vsva/device.h"

struct device_kind;

struct vsva_device {
	struct vsva_machine *machine;
	struct vsva_device *next; /* machine->lock */
	const struct device_kind *kind;
	void *model; /* struct dsa or struct test_engine */
	rid_t rid, pf_rid;
	bool is_assigned;     /* machine->lock */
	bool is_whole;        /* atomic: all of it has been made */
	bool is_gone;         /* atomic: pulled out; reads give ones, writes go nowhere */
	unsigned vfs;         /* of a PF: functions that name it */
	struct vsva_dev *dev; /* NULL: bare */
	struct irq_line irq;
};

const struct pci_config *device_config(const struct vsva_device *device);
/* The host driver's way to its configuration space. */
struct pci_port device_config_port(struct vsva_device *device);

#endif
