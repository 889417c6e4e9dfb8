/* SPDX-License-Identifier: MIT */
/* A unit's registers as the outside sees them. */
#ifndef INSPECT_REGISTERS_H
#define INSPECT_REGISTERS_H

#include "vsva/inspect.h"
#include "vtd/regfile.h"

/* As vsva_inspect_registers(). */
size_t inspect_registers(const struct vtd_regfile *rf, struct vsva_register *out, size_t max);
/* Fills what the registers say. */
void inspect_unit(const struct vtd_regfile *rf, struct vsva_unit_info *out);

#endif
