/* SPDX-License-Identifier: MIT */
/*
 * The unit's register file: the pure state machine of the room vtd under its lock. What a change
 * asks for (effects) is carried out after the lock is dropped; messages are sent without any lock.
 */
#ifndef HW_REGISTERS_H
#define HW_REGISTERS_H

#include "hw/unit_state.h"

static inline void registers_lock(struct unit *unit)
{
	lock_take(&unit->registers_lock);
}

static inline void registers_unlock(struct unit *unit)
{
	lock_drop(&unit->registers_lock);
}

/* Sends the messages that changes have raised. No lock of the unit is held. */
void registers_send(struct unit *unit, const struct vtd_effects *fx);

void registers_record_fault(struct unit *unit, const struct vtd_fault_record *record);

#endif
