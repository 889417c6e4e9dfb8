/* SPDX-License-Identifier: MIT */
/*
 * A scheduler for tests. Threads that it has started (and the one that calls sched_run()) run one
 * at a time, and control goes from one to another only at seams: where base takes and drops locks,
 * enters and leaves read sections, kicks, waits; and where the rooms say SEAM_…(). Who goes on is
 * asked of the test at each seam, so that it can choose every interleaving and repeat it exactly.
 *
 *   point      a place where another thread may go on
 *   operation  what happens behind a point: a read or a write of an object, which is known by name
 *              and key; two operations depend on each other if they are on one object and one of
 *              them is a write
 *   thread     0 is the caller of sched_run(), others are numbered as they are started
 *   poll       a wait for a condition that only its owner can look at: he looks again when another
 *              thread has done something; time passes only when nobody can do anything
 *
 * Compiled in with VSVA_SCHED (Meson's option "sched", where debug_checks are); otherwise all of it
 * is nothing. Threads that it has not started (a whole program, most tests) do not notice it.
 */
#ifndef BASE_SCHED_H
#define BASE_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lock;
struct rcu_node;
struct sched_thread;

enum seam_access { SEAM_READ, SEAM_WRITE };

/* Kinds of seams; a test chooses which of them are points. The operations of others are not seen at
 * all, but for locks. */
enum seam_kind {
	SEAM_LOCK,         /* before a lock is taken */
	SEAM_LOCK_SILICON, /* the same, of the unit's and devices' locks and all below. But not of a
			      register file: who locks that says what for, as SEAM_MMIO */
	SEAM_DROP,         /* after a lock was dropped, of the ranks of SEAM_LOCK */
	SEAM_DROP_SILICON,
	SEAM_RCU,     /* read sections, grace periods */
	SEAM_WORKER,  /* kicks */
	SEAM_POINTER, /* rcu_publish(), rcu_load() */
	SEAM_MMIO,    /* registers of a unit or device, seen from the driver */
	SEAM_MEMORY,  /* words of tables and queues that both driver and hardware touch */
	SEAM_FLAG,    /* atomic variables */
	SEAM_KINDS,
};

#ifdef VSVA_SCHED

extern _Thread_local struct sched_thread *sched_self_ __attribute__((tls_model("initial-exec")));
void sched_point_(enum seam_kind kind, enum seam_access access, const char *name, uint64_t key);
void sched_seen_(enum seam_kind kind, const char *name, uint64_t key);
void sched_point_memory_(enum seam_access access, const void *pointer);
void sched_seen_memory_(const void *pointer);
void sched_point_at_(enum seam_access access, const char *expression);
void sched_seen_at_(const char *expression);

/* Is the calling thread one of the scheduler's? */
#define sched_is_on() (__builtin_expect(sched_self_ != NULL, 0))

/* A point, and behind it an operation. name: a literal. */
#define SEAM_POINT(kind_, access_, name_, key_)                                                    \
	(sched_is_on() ? sched_point_((kind_), (access_), (name_), (key_)) : (void)0)

/* Something has happened that others may be polling for, even if it was a poll that did it. */
void sched_signal(void);
/* Is this kick to be lost (sabotage)? */
bool sched_loses_kick(const char *worker);

/* A point behind a read: what was read is used, and may have become old. If it was read inside a
 * read section there is another point behind the section: there it must not be used any more. */
#define SEAM_SEEN(kind_, name_, key_)                                                              \
	(sched_is_on() ? sched_seen_((kind_), (name_), (key_)) : (void)0)

/* A pointer that is published or read: known by the last name of the expression. */
#define SEAM_SEEN_AT(expression_) (sched_is_on() ? sched_seen_at_((expression_)) : (void)0)
#define SEAM_POINTER_AT(access_, expression_)                                                      \
	(sched_is_on() ? sched_point_at_((access_), (expression_)) : (void)0)

/* Primitives of base, for scheduled threads only */

void sched_lock_take(struct lock *lock);
void sched_lock_drop(struct lock *lock);

void sched_rcu_online(void);
void sched_rcu_offline(void);
void sched_rcu_quiescent(void);
void sched_rcu_synchronize(void);
void sched_rcu_call(struct rcu_node *node);
void sched_rcu_barrier(void);

/* The new thread runs when it is its turn. */
struct sched_thread *sched_start(const char *name, void *(*run)(void *arg), void *arg);
void sched_join(struct sched_thread *thread);
/* Waits until is_over(arg), which has no seam in it: anybody may look. Then there is an operation on
 * what (a literal), which is also for reports. */
void sched_wait(bool (*is_over)(void *arg), void *arg, enum seam_access access, const char *what);
/* Waits until done(arg), which may have seams; false: nobody else could do anything any more, so
 * that the time-out has passed. */
bool sched_poll(bool (*done)(void *arg), void *arg, uint32_t timeout_ms);
uint64_t sched_now_ns(void);

/* For tests */

#define SCHED_THREADS_MAX 32u

/* Who goes on? */
struct sched_decision {
	bool can_go_on; /* threads[0] is the one that ran last: any other would preempt it */
	unsigned count; /* at least 2 */
	unsigned threads[SCHED_THREADS_MAX];
	/* Of the past of all threads, up to the order of operations that do not depend on each
	 * other: decisions with the same signature and the same threads[0] have the same future. */
	uint64_t signature;
};

/* What a thread does next, or has done. */
struct sched_operation {
	uint64_t object; /* its name and key; 0: none, or nobody knows yet */
	enum seam_access access;
	const char *name;
	uint64_t key;
};

/* Sabotage, to see that it is found. */
struct sched_sabotage {
	bool skip_grace_periods;
	const char *no_lock; /* locks with this name exclude nobody */
	const char *no_kick; /* workers with this name are not woken */
};

struct sched_config {
	uint32_t points; /* bit set of enum seam_kind */
	/* Index into threads. Without it, and outside of sched_set_choosing(): always 0. */
	unsigned (*choose)(void *arg, const struct sched_decision *decision);
	/* Deadlock, or no end in sight. Must not return. */
	void (*stuck)(void *arg, const char *report);
	/* While the test chooses, for each operation; may be NULL. */
	void (*done)(void *arg, unsigned thread, const struct sched_operation *operation);
	/* Likewise, when the thread comes to wait for a lock that another one has. */
	void (*blocked)(void *arg, unsigned thread, const struct sched_operation *operation);
	/* What a word in memory is known by, the same in every run. NULL: its place in its page. */
	uint64_t (*locate)(void *arg, const void *pointer);
	void *arg;
	/* Names of threads that run only when nobody else can; NULL at the end. May be NULL. */
	const char *const *background;
	/* Points only in front of operations, not behind them: enough for every order of operations.
	 * What is used too late or without a lock is then for the finer points, and for TSan. */
	bool is_coarse;
	/* Calls of rcu_call() are carried out as soon as their grace period is over, or (lazily) not
	 * before somebody waits for them or nobody else can run. */
	bool is_lazy;
	struct sched_sabotage sabotage;
};

/* Runs body as thread 0, which goes on only when no other can. All threads must have ended when it
 * returns. One run at a time. */
void sched_run(const struct sched_config *config, void (*body)(void *arg), void *arg);
/* From now on (or from now on no more) the test chooses. Until then threads go on until they wait.
 */
void sched_set_choosing(bool choosing);
/* Thread 0: returns when nobody else can go on. */
void sched_settle(void);
/* Of a thread of this run: its name; what it does next; whether it has ended. */
const char *sched_thread_name(unsigned number);
struct sched_operation sched_thread_next(unsigned number);
bool sched_thread_has_ended(unsigned number);
/* Bit set of the locks that it holds, by name; bits mean the same in all runs. A name that several
 * locks had in a run has none. */
uint64_t sched_thread_locks(unsigned number);
/* What it does next begins a read section; it is in one. */
bool sched_thread_begins_section(unsigned number);
bool sched_thread_is_reading(unsigned number);
unsigned sched_thread_count(void);
/* A number that all operations so far, in their order, add up to. */
uint64_t sched_fingerprint(void);

#else

#define sched_is_on()                           false
#define SEAM_POINT(kind_, access_, name_, key_) ((void)0)
#define SEAM_SEEN(kind_, name_, key_)           ((void)0)
#define SEAM_POINTER_AT(access_, expression_)   ((void)0)
#define SEAM_SEEN_AT(expression_)               ((void)0)
#define sched_lock_take(lock)                   ((void)0)
#define sched_lock_drop(lock)                   ((void)0)
#define sched_rcu_online()                      ((void)0)
#define sched_rcu_offline()                     ((void)0)
#define sched_rcu_quiescent()                   ((void)0)
#define sched_rcu_synchronize()                 ((void)0)
#define sched_rcu_call(node)                    ((void)0)
#define sched_rcu_barrier()                     ((void)0)
#define sched_start(name, run, arg)             NULL
#define sched_join(thread)                      ((void)0)
#define sched_wait(is_over, arg, access, what)  ((void)0)
#define sched_poll(done, arg, timeout_ms)       false
#define sched_signal()                          ((void)0)
#define sched_loses_kick(worker)                false
#define sched_now_ns()                          UINT64_C(0)

#endif

/* An atomic variable. */
#define SEAM_FLAG_READ(name)  SEAM_POINT(SEAM_FLAG, SEAM_READ, (name), 0)
#define SEAM_FLAG_WRITE(name) SEAM_POINT(SEAM_FLAG, SEAM_WRITE, (name), 0)
/* A word of memory. */
#ifdef VSVA_SCHED
#define SEAM_MEMORY_(call_)        (sched_is_on() ? (call_) : (void)0)
#define SEAM_MEMORY_READ(pointer)  SEAM_MEMORY_(sched_point_memory_(SEAM_READ, (pointer)))
#define SEAM_MEMORY_WRITE(pointer) SEAM_MEMORY_(sched_point_memory_(SEAM_WRITE, (pointer)))
#define SEAM_MEMORY_SEEN(pointer)  SEAM_MEMORY_(sched_seen_memory_(pointer))
#else
#define SEAM_MEMORY_READ(pointer)  ((void)0)
#define SEAM_MEMORY_WRITE(pointer) ((void)0)
#define SEAM_MEMORY_SEEN(pointer)  ((void)0)
#endif

#endif
