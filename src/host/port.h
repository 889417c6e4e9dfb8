/* SPDX-License-Identifier: MIT */
/*
 * Ports: everything that the host driver may do to hardware. The driver never includes anything of
 * the hw room; a test or another back end (an emulator's VT-d over a socket) implements these.
 */
#ifndef HOST_PORT_H
#define HOST_PORT_H

#include "base/physmem.h"
#include "vsva/types.h"

/* A remapping unit. */
struct vtd_port {
	void *arg;
	/* size 4 or 8 */
	uint64_t (*read)(void *arg, uint32_t offset, unsigned size);
	void (*write)(void *arg, uint32_t offset, unsigned size, uint64_t value);
	/* Memory that the unit reaches, for tables and queues. */
	struct physmem *physmem;
	/* Gives a message that, when written by the unit, calls handler(handler_arg) from any
	 * thread. 0 or -ENOSPC. */
	int (*msi_alloc)(void *arg, void (*handler)(void *handler_arg), void *handler_arg,
			 uint64_t *address, uint32_t *data);
	/* No call of the handler is running or comes later when it returns. */
	void (*msi_free)(void *arg, uint64_t address, uint32_t data);
};

/* Configuration space of one PCI function. */
struct pci_port {
	void *arg;
	uint32_t (*read)(void *arg, uint32_t offset,
			 unsigned size); /* 1, 2, 4; all ones: not there */
	void (*write)(void *arg, uint32_t offset, unsigned size, uint32_t value);
};

#endif
