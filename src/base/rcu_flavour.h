/* SPDX-License-Identifier: MIT */
/*
 * What rcu.c needs of a quiescent-state-based RCU. register and unregister: once per thread, which
 * is online after the first and must be offline before the second.
 */
#ifndef BASE_RCU_FLAVOUR_H
#define BASE_RCU_FLAVOUR_H

#include <stdbool.h>

void flavour_register(void);
void flavour_unregister(void);
void flavour_online(void);
void flavour_offline(void);
void flavour_quiescent(void);
bool flavour_is_awaited(void);
/* From any thread that is offline or not registered. */
void flavour_synchronize(void);

#endif
