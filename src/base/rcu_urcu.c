/* SPDX-License-Identifier: MIT */
/* liburcu's QSBR flavour. */
#include "base/rcu_flavour.h"

#ifndef VSVA_RCU_PORTABLE

#include <urcu/urcu-qsbr.h>

void flavour_register(void)
{
	urcu_qsbr_register_thread();
}

void flavour_unregister(void)
{
	urcu_qsbr_unregister_thread();
}

void flavour_online(void)
{
	urcu_qsbr_thread_online();
}

void flavour_offline(void)
{
	urcu_qsbr_thread_offline();
}

void flavour_quiescent(void)
{
	urcu_qsbr_quiescent_state();
}

void flavour_synchronize(void)
{
	urcu_qsbr_synchronize_rcu();
}

#endif
