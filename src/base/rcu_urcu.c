/* SPDX-License-Identifier: MIT */
/* liburcu's QSBR flavour. */
#include "base/rcu_flavour.h"

#ifndef VSVA_RCU_PORTABLE

#include <urcu/arch.h>

/*
 * The steps of a read section are liburcu's, in line, as its header allows for functions this short.
 *
 * Its full barrier is mfence, three of them for a section. A locked operation is one too for memory of
 * type write-back: neither loads nor stores are reordered with it (Intel SDM volume 3A, "Loads and
 * stores are not reordered with locked instructions"), and liburcu itself takes it where there is no
 * mfence. What it leaves out are non-temporal stores and flushes of lines: there are none here but those
 * of memcpy, which fences them itself. The grace period has the library's own barriers.
 */
#ifdef __x86_64__
#undef cmm_mb
#define cmm_mb() __asm__ __volatile__("lock; orl $0,0(%%rsp)" ::: "memory", "cc")
#endif

#define _LGPL_SOURCE
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

/* What is left of a section ends before the counter is 0, and the counter is 0 before the library's
 * writer is looked for: one exchange is both barriers here. */
void flavour_offline(void)
{
#ifdef __x86_64__
	uatomic_xchg(&URCU_TLS(urcu_qsbr_reader).ctr, 0);
	urcu_qsbr_wake_up_gp();
	cmm_barrier();
#else
	urcu_qsbr_thread_offline();
#endif
}

void flavour_quiescent(void)
{
	urcu_qsbr_quiescent_state();
}

/* A reader stores the number of the grace period that it has heard of; a new one moves that on. */
bool flavour_is_awaited(void)
{
	return URCU_TLS(urcu_qsbr_reader).ctr != CMM_LOAD_SHARED(urcu_qsbr_gp.ctr);
}

void flavour_synchronize(void)
{
	urcu_qsbr_synchronize_rcu();
}

#endif
