/* SPDX-License-Identifier: MIT */
/*
 * Read-copy-update: liburcu's QSBR flavour behind five functions. Built with VSVA_RCU_PORTABLE
 * (thread sanitizer, test scheduler) the same functions are plain C11 atomics.
 *
 * A thread need not register. The outermost rcu_read_lock() brings it online, the outermost
 * rcu_read_unlock() takes it offline, and both cost a full barrier; a device thread that makes many
 * short accesses therefore takes one outer section for the burst and calls rcu_quiescent() between
 * two accesses: from there on nothing that it read before may be used.
 *
 * | may run at once with      | read section | synchronize | call_rcu |
 * | rcu_read_lock … unlock    | yes          | yes, waits  | yes      |
 *
 * rcu_synchronize() must not be called inside a read section or an atomic context (checked) nor with
 * a lock held that a read section takes.
 */
#ifndef BASE_RCU_H
#define BASE_RCU_H

#include <stdbool.h>

#include "base/check.h"
#include "base/sched.h"

struct rcu_node {
	struct rcu_node *next;
	void (*func)(struct rcu_node *node);
};

/* Nesting depth of the calling thread, and the steps of its outermost section: only for the
 * functions below. */
extern _Thread_local unsigned rcu_depth_ __attribute__((tls_model("initial-exec")));
void rcu_online_(void);
void rcu_offline_(void);
void rcu_pass_(void);
bool rcu_is_awaited_(void);

static inline void rcu_read_lock(void)
{
	if (rcu_depth_++ == 0)
		rcu_online_();
}

static inline void rcu_read_unlock(void)
{
	CHECK(rcu_depth_ > 0);
	if (--rcu_depth_ == 0)
		rcu_offline_();
}

/* Only at depth one: ends the section and begins the next. */
static inline void rcu_quiescent(void)
{
	CHECK(rcu_depth_ == 1);
	rcu_pass_();
}

/* Inside a section: does somebody wait for it? Who may pass through rcu_quiescent() only now and then, as it would
 * have to look everything up again, does so when this says yes. */
static inline bool rcu_is_awaited(void)
{
	CHECK(rcu_depth_ > 0);
	return rcu_is_awaited_();
}

static inline bool rcu_is_reading(void)
{
	return rcu_depth_ > 0;
}

/* Returns when every read section that had begun before the call has ended. */
void rcu_synchronize(void);
/* Calls func(node) after a grace period, from a thread of the library's or from rcu_barrier(). */
void rcu_call(struct rcu_node *node, void (*func)(struct rcu_node *node));
/* Returns when every rcu_call() made before has been carried out. Not from a callback, not inside a
 * read section, not with a lock held that a callback takes. */
void rcu_barrier(void);

/* Publication and reading of a pointer to what RCU protects. */
#define rcu_publish(pointer, value)                                                                \
	(SEAM_POINTER_AT(SEAM_WRITE, #pointer),                                                    \
	 __atomic_store_n(&(pointer), (value), __ATOMIC_RELEASE))
#ifdef VSVA_SCHED
#define rcu_load(pointer)                                                                          \
	__extension__({                                                                            \
		__auto_type loaded_ = (SEAM_POINTER_AT(SEAM_READ, #pointer),                       \
				       __atomic_load_n(&(pointer), __ATOMIC_ACQUIRE));             \
		SEAM_SEEN_AT(#pointer);                                                            \
		loaded_;                                                                           \
	})
#else
#define rcu_load(pointer) __atomic_load_n(&(pointer), __ATOMIC_ACQUIRE)
#endif
#endif
