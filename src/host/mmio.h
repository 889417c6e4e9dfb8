/* SPDX-License-Identifier: MIT */
/* Registers of the unit: VTD_READ(port, FSTS), VTD_WRITE(port, FSTS, value), in their own width. */
#ifndef HOST_MMIO_H
#define HOST_MMIO_H

#include "base/sched.h"
#include "host/port.h"
#include "vtd/registers.h"

#define VTD_WIDTH_(name, width, offset) VTD_WIDTH_##name = (width) / 8,
enum { VTD_FIXED_REGISTERS(VTD_WIDTH_) };

#define VTD_READ(port_, name)                                                                      \
	(SEAM_POINT(SEAM_MMIO, SEAM_READ, #name, 0),                                               \
	 (port_)->read((port_)->arg, VTD_REG_##name, VTD_WIDTH_##name))
#define VTD_WRITE(port_, name, value_)                                                             \
	(SEAM_POINT(SEAM_MMIO, SEAM_WRITE, #name, 0),                                              \
	 (port_)->write((port_)->arg, VTD_REG_##name, VTD_WIDTH_##name, (value_)))

#endif
