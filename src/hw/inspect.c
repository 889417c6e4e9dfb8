// SPDX-License-Identifier: MIT
#include "hw/inspect.h"

#include "hw/registers.h"

void unit_copy_registers(struct unit *unit, struct vtd_regfile *out)
{
	registers_lock(unit);
	*out = unit->registers;
	registers_unlock(unit);
}
