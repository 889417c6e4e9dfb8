/* SPDX-License-Identifier: MIT */
/*
 * A remapping unit of registers only: it executes its queue (or not, as the test says), writes down
 * every descriptor, and translates nothing. And a PCI function of capabilities only.
 */
#ifndef TESTS_HOST_FAKE_VTD_H
#define TESTS_HOST_FAKE_VTD_H

#include "host/port.h"
#include "vtd/descriptors.h"
#include "vtd/faults.h"
#include "vtd/registers.h"

#define FAKE_LOG_MAX        65536u
#define FAKE_MSI_MAX        4u
#define FAKE_CONFIG_LOG_MAX 64u

struct fake_msi {
	void (*handler)(void *arg);
	void *arg;
};

struct fake_vtd {
	struct vtd_port port;
	uint64_t regs[VTD_REGISTER_PAGE_SIZE / 8];
	struct fake_msi msi[FAKE_MSI_MAX];
	unsigned msi_limit; /* how many may be allocated */

	struct vtd_desc *log; /* what was executed, but for waits without FN and PD */
	unsigned log_count;
	unsigned wait_count; /* all waits executed */
	bool is_held;        /* the queue stands still */
	bool ignores_commands;
	rid_t silent;       /* this device does not answer; 0: none */
	unsigned refuse_at; /* the nth descriptor from now is refused (IQE); 0: none */
	/* Called before a descriptor is executed. */
	void (*on_desc)(void *arg, const struct vtd_desc *desc);
	void *on_desc_arg;
};

void fake_vtd_init(struct fake_vtd *fake, uint64_t cap, uint64_t ecap);
void fake_vtd_fini(struct fake_vtd *fake);
/* Goes on with a queue that was held. */
void fake_vtd_release(struct fake_vtd *fake);
void fake_vtd_forget_log(struct fake_vtd *fake);

/* As a device would: in the queue, or PRO. true: it was queued. */
bool fake_vtd_page_request(struct fake_vtd *fake, const struct vtd_page_request *request);
/* Records a fault in the first record and raises the event. */
void fake_vtd_fault(struct fake_vtd *fake, const struct vtd_fault_record *record);
/* Descriptors of a type in the log. */
unsigned fake_vtd_count(const struct fake_vtd *fake, enum vtd_desc_type type);

struct fake_pci {
	struct pci_port port;
	unsigned char bytes[4096];
	bool is_gone;
	struct {
		uint32_t offset, value;
	} writes[FAKE_CONFIG_LOG_MAX];
	unsigned write_count;
};

enum { FAKE_ATS = 0x100, FAKE_PRI = 0x120, FAKE_PASID = 0x140 };
enum { FAKE_HAS_ATS = 1, FAKE_HAS_PRI = 2, FAKE_HAS_PASID = 4, FAKE_HAS_ALL = 7 };

void fake_pci_init(struct fake_pci *pci, unsigned has, unsigned pasid_width);

#endif
