/* SPDX-License-Identifier: MIT */
/* The scheduler's own: only sched*.c include this. Whoever runs owns all of it. */
#ifndef BASE_SCHED_IMPL_H
#define BASE_SCHED_IMPL_H

#include "base/sched.h"

#ifdef VSVA_SCHED

#include "base/sched_context.h"

#define HELD_MAX   32u
#define RECENT_MAX 4u
#define RECENT_LEN 40u
#define SEEN_MAX   8u

enum sched_state {
	SCHED_UNUSED,
	SCHED_ENDED,
	SCHED_READY,
	SCHED_WAITS_FOR_LOCK,
	SCHED_WAITS,
	SCHED_POLLS,
};

struct sched_thread {
	unsigned number;
	const char *name;
	void *(*run)(void *arg);
	void *arg;
	enum sched_state state;
	bool is_urgent;     /* goes on as soon as it can, nobody is asked */
	bool is_background; /* only when nobody else can */

	/* what it waits for */
	const struct lock *lock;
	bool (*is_over)(void *arg);
	void *is_over_arg;
	const char *what;
	uint64_t deadline_ns;
	uint64_t seen_progress, seen_signals; /* when it looked last */
	unsigned looks_left;                  /* that others' polls may cause */

	unsigned polling; /* depth of conditions being looked at */
	uint64_t points;  /* where it could have been preempted */
	const struct lock *held[HELD_MAX];
	uint64_t held_since[HELD_MAX]; /* in points */
	unsigned held_count;
	uint64_t held_names;    /* bit set */
	uint64_t reading_since; /* period; 0: no */
	uint64_t section_since; /* in points */
	bool begins_section;
	struct seen {
		char name[RECENT_LEN];
		uint64_t key;
	} seen[SEEN_MAX]; /* in this section */
	unsigned seen_count;

	uint64_t past;               /* sched_order.c */
	unsigned since;              /* points since its last operation */
	struct sched_operation next; /* behind the point where it stands */
	char recent[RECENT_MAX][RECENT_LEN];
	unsigned recent_at;

	/* from run to run */
	struct sched_context context;
	bool has_context;
};

struct sched {
	struct sched_config config;
	struct sched_thread threads[SCHED_THREADS_MAX];
	unsigned thread_count;
	struct sched_thread *last; /* that ran, of those that are not urgent */
	bool is_choosing;
	uint64_t now_ns;
	uint64_t steps;
	uint64_t progress; /* operations but those of polls */
	uint64_t signals;
	uint64_t fingerprint;
};

extern struct sched sched_;

/* A point: whoever may go on next does; returns when the caller may. The operation is what he does
 * then; name NULL: nothing that others could see. */
void sched_reschedule(enum seam_access access, const char *name, uint64_t key);
/* May another thread go on here? (The test has chosen this kind.) */
bool sched_is_point(enum seam_kind kind);
bool sched_is_point_behind(enum seam_kind kind);
void sched_count_step(void);
bool sched_lock_is_free(const struct lock *lock);

/* RCU, sched_rcu.c */
void sched_rcu_begin(void);
void sched_rcu_end(void);
/* Of a thread in a read section: who waits for it, as a number. */
uint64_t sched_rcu_waiters(const struct sched_thread *reader);
/* Is this the operation of a section's beginning, a grace period's or a call? */
bool sched_rcu_is_operation(const struct sched_operation *operation);

/* Order of operations, sched_order.c */
void sched_order_reset(void);
void sched_order_started(struct sched_thread *child, const struct sched_thread *parent);
void sched_order_joined(struct sched_thread *thread, const struct sched_thread *ended);
struct sched_operation sched_order_describe(enum seam_access access, const char *name,
					    uint64_t key);
void sched_order_operation(struct sched_thread *thread, const struct sched_operation *operation);
uint64_t sched_order_signature(void);

/* The operation is done. */
void sched_did(enum seam_access access, const char *name, uint64_t key);

#endif
#endif
