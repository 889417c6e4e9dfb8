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
	/* Writes back to memory what the processor's caches hold of [memory, memory + len), for a
	 * unit that walks tables without snooping (ECAP.C=0, ECAP.SMPWC=0). Queues are always
	 * snooped. NULL: such a unit is refused. Never blocks. */
	void (*write_back)(void *arg, const void *memory, size_t len);
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

/* A physical accelerator (DSA 1.0: vtd/dsa_regs.h). */
struct dsa_port {
	void *arg;
	/* Registers (BAR 0); size 4 or 8, aligned. */
	uint64_t (*read)(void *arg, uint32_t offset, unsigned size);
	void (*write)(void *arg, uint32_t offset, unsigned size, uint64_t value);
	/* Portals (BAR 2), only for what the guest of a mediated device writes there: whole
	 * descriptors (0 accepted, or posted; 1 retry; -EINVAL), and stores of 4 or 8 bytes. Any
	 * thread. */
	int (*submit)(void *arg, uint64_t offset, const void *bytes, bool deferrable);
	void (*store)(void *arg, uint64_t offset, unsigned size, uint64_t value);
	struct pci_port config;
	unsigned vectors; /* of MSI-X */
	/* Who is told of an MSI-X vector, from any thread, inside an RCU read section; NULL:
	 * nobody. When it returns the one before is not running. */
	void (*set_irq)(void *arg, void (*irq)(void *irq_arg, unsigned vector), void *irq_arg);
};

#endif
