/* SPDX-License-Identifier: MIT */
/* ATS, PRI and PASID of a PCI function, as its configuration space offers them
 * (PCIe 5.0: 10.5.1, 10.5.2, 7.8.8), and its reset (6.6.2). */
#ifndef HOST_PCI_CAPS_H
#define HOST_PCI_CAPS_H

#include <stdbool.h>

#include "host/port.h"

struct pci_caps {
	uint32_t ats, pri, pasid; /* offsets of the capabilities, 0: there is none */
	unsigned ats_queue_depth; /* 1 … 32, 0 means 32 as in the descriptors' MIP */
	bool ats_page_aligned; /* without it the translation of an unaligned request is not sure */
	unsigned pasid_width;
	uint32_t pasid_features; /* execute and privileged requests, as in the control register */
};

/* A function that is not there (reads all ones) has no capability. */
void pci_caps_read(const struct pci_port *port, struct pci_caps *caps);
bool pci_is_present(const struct pci_port *port);

/* No capability: nothing happens. */
void pci_ats_set(const struct pci_port *port, const struct pci_caps *caps, bool enable);
void pci_pasid_set(const struct pci_port *port, const struct pci_caps *caps, bool enable);
/* -EBUSY: the page request interface has not stopped since it was disabled. */
int pci_pri_enable(const struct pci_port *port, const struct pci_caps *caps);
void pci_pri_disable(const struct pci_port *port, const struct pci_caps *caps);
/* It is disabled: what the device has asked for will not be answered, and it knows. */
void pci_pri_reset(const struct pci_port *port, const struct pci_caps *caps);

/* Switches bus mastering; returns whether it was on. */
bool pci_master_set(const struct pci_port *port, bool enable);

/* Function-level reset. Nothing where the function offers none. */
void pci_function_reset(const struct pci_port *port);

#endif
