// SPDX-License-Identifier: MIT
#include "host/pci_caps.h"

#include <errno.h>
#include <string.h>

#define CONFIG_EXTENDED 0x100u
#define CONFIG_SIZE     4096u
/* The list is in the function's hands: no more steps than there is room for capabilities. */
#define CAPS_MAX ((CONFIG_SIZE - CONFIG_EXTENDED) / 8u)

#define CAP_ID_MASK    0xffffu
#define CAP_NEXT(head) (((head) >> 20) & 0xffcu)
enum { CAP_ID_ATS = 0x0f, CAP_ID_PRI = 0x13, CAP_ID_PASID = 0x1b };

#define ATS_CAP              4u
#define ATS_CAP_DEPTH        0x1fu
#define ATS_CAP_PAGE_ALIGNED 0x20u
#define ATS_CONTROL          6u
#define ATS_CONTROL_ENABLE   0x8000u /* STU 0: the smallest unit is 4 KiB */

#define PRI_CONTROL        4u
#define PRI_CONTROL_ENABLE 1u
#define PRI_CONTROL_RESET  2u
#define PRI_STATUS         6u
#define PRI_STATUS_CLEAR   3u /* response failure, unexpected group: write 1 to clear */
#define PRI_STATUS_STOPPED 0x100u
#define PRI_CAPACITY       8u
#define PRI_ALLOCATION     12u
#define PRI_ALLOCATION_MAX 512u /* groups: the index has nine bits */

#define PASID_CAP            4u
#define PASID_CAP_WIDTH(cap) (((cap) >> 8) & 0x1fu)
#define PASID_CAP_FEATURES   6u /* execute, privileged: the control bits lie where these do */
#define PASID_CONTROL        6u
#define PASID_CONTROL_ENABLE 1u

#define COMMAND             0x04u
#define COMMAND_MASTER      4u
#define CAPABILITIES        0x34u
#define CAP_EXPRESS         0x10u
#define EXPRESS_DEVCAP      4u
#define EXPRESS_DEVCAP_FLR  0x10000000u
#define EXPRESS_CONTROL     8u
#define EXPRESS_CONTROL_FLR 0x8000u
/* Dwords of conventional space behind the header. */
#define CONVENTIONAL_CAPS_MAX 48u

static void caps_read_one(const struct pci_port *port, uint32_t offset, uint32_t id,
			  struct pci_caps *caps)
{
	uint32_t word;

	switch (id) {
	case CAP_ID_ATS:
		word = port->read(port->arg, offset + ATS_CAP, 2);
		caps->ats = offset;
		caps->ats_queue_depth = word & ATS_CAP_DEPTH;
		caps->ats_page_aligned = (word & ATS_CAP_PAGE_ALIGNED) != 0;
		break;
	case CAP_ID_PRI:
		caps->pri = offset;
		break;
	case CAP_ID_PASID:
		word = port->read(port->arg, offset + PASID_CAP, 2);
		caps->pasid = offset;
		caps->pasid_width = PASID_CAP_WIDTH(word);
		caps->pasid_features = word & PASID_CAP_FEATURES;
		break;
	default:
		break;
	}
}

void pci_caps_read(const struct pci_port *port, struct pci_caps *caps)
{
	uint32_t offset = CONFIG_EXTENDED;

	memset(caps, 0, sizeof(*caps));
	for (unsigned i = 0; i < CAPS_MAX && offset >= CONFIG_EXTENDED; i++) {
		uint32_t head = port->read(port->arg, offset, 4);

		if (head == 0 || head == UINT32_MAX)
			return;
		caps_read_one(port, offset, head & CAP_ID_MASK, caps);
		offset = CAP_NEXT(head);
	}
}

bool pci_is_present(const struct pci_port *port)
{
	return port->read(port->arg, 0, 4) != UINT32_MAX;
}

void pci_ats_set(const struct pci_port *port, const struct pci_caps *caps, bool enable)
{
	if (caps->ats)
		port->write(port->arg, caps->ats + ATS_CONTROL, 2, enable ? ATS_CONTROL_ENABLE : 0);
}

void pci_pasid_set(const struct pci_port *port, const struct pci_caps *caps, bool enable)
{
	if (caps->pasid)
		port->write(port->arg, caps->pasid + PASID_CONTROL, 2,
			    enable ? PASID_CONTROL_ENABLE | caps->pasid_features : 0);
}

int pci_pri_enable(const struct pci_port *port, const struct pci_caps *caps)
{
	uint32_t capacity;

	if (!caps->pri)
		return 0;
	if (!(port->read(port->arg, caps->pri + PRI_STATUS, 2) & PRI_STATUS_STOPPED))
		return -EBUSY;
	/* What an earlier owner left: groups without answer, a response failure. */
	port->write(port->arg, caps->pri + PRI_CONTROL, 2, PRI_CONTROL_RESET);
	port->write(port->arg, caps->pri + PRI_STATUS, 2, PRI_STATUS_CLEAR);
	capacity = port->read(port->arg, caps->pri + PRI_CAPACITY, 4);
	port->write(port->arg, caps->pri + PRI_ALLOCATION, 4,
		    capacity < PRI_ALLOCATION_MAX ? capacity : PRI_ALLOCATION_MAX);
	port->write(port->arg, caps->pri + PRI_CONTROL, 2, PRI_CONTROL_ENABLE);
	return 0;
}

void pci_pri_reset(const struct pci_port *port, const struct pci_caps *caps)
{
	if (caps->pri)
		port->write(port->arg, caps->pri + PRI_CONTROL, 2, PRI_CONTROL_RESET);
}

void pci_pri_disable(const struct pci_port *port, const struct pci_caps *caps)
{
	if (caps->pri)
		port->write(port->arg, caps->pri + PRI_CONTROL, 2, 0);
}

bool pci_master_set(const struct pci_port *port, bool enable)
{
	uint32_t command = port->read(port->arg, COMMAND, 2);
	bool was_on = command & COMMAND_MASTER;

	if (was_on != enable)
		port->write(port->arg, COMMAND, 2, command ^ COMMAND_MASTER);
	return was_on;
}

/* 0: there is none. */
static uint32_t find_express(const struct pci_port *port)
{
	uint32_t offset = port->read(port->arg, CAPABILITIES, 1) & 0xfcu;

	for (unsigned i = 0; i < CONVENTIONAL_CAPS_MAX && offset; i++) {
		uint32_t head = port->read(port->arg, offset, 2);

		if ((head & 0xffu) == CAP_EXPRESS)
			return offset;
		offset = head >> 8 & 0xfcu;
	}
	return 0;
}

void pci_function_reset(const struct pci_port *port)
{
	uint32_t express = find_express(port), control;

	if (!express || !(port->read(port->arg, express + EXPRESS_DEVCAP, 4) & EXPRESS_DEVCAP_FLR))
		return;
	control = port->read(port->arg, express + EXPRESS_CONTROL, 2);
	port->write(port->arg, express + EXPRESS_CONTROL, 2, control | EXPRESS_CONTROL_FLR);
}
