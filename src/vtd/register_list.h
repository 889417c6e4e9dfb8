/* SPDX-License-Identifier: MIT */
/* A register file as a list of registers, for onlookers: those that the capabilities offer, at the
 * places where they lie. */
#ifndef VTD_REGISTER_LIST_H
#define VTD_REGISTER_LIST_H

#include "vtd/regfile.h"

struct vtd_register_value {
	const char *name; /* "CAP", "FRCD" */
	uint16_t offset;
	uint8_t index; /* of a fault record */
	uint8_t width; /* 32, 64, or 128: a fault record */
	uint64_t value[2];
};

/* Fixed registers, relocated ones, fault records. Returns how many there are; at most max are
 * written. */
size_t vtd_registers_list(const struct vtd_regfile *rf, struct vtd_register_value *out, size_t max);

#endif
