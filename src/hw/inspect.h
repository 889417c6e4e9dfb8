/* SPDX-License-Identifier: MIT */
/* A unit seen from outside: nothing changes, and nobody waits for who looks. */
#ifndef HW_INSPECT_H
#define HW_INSPECT_H

#include "hw/unit.h"
#include "vtd/regfile.h"

void unit_copy_registers(struct unit *unit, struct vtd_regfile *out);

#endif
