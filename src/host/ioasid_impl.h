/* SPDX-License-Identifier: MIT */
/*
 * What the files of the IOASID share. There is one lock, the space's; a function whose comment says
 * "lock" needs it. Look-ups do without: the entry of a number stays where it is as long as the space,
 * whoever has the number, and what is read of it counts if it was of one allocation (entry_look).
 *
 * Calls out (event functions, custom allocators, the caller's functions of an iteration) are made
 * under the lock, in an atomic context, and marked in the calling thread: what they call here knows
 * that the lock is held, or refuses.
 *
 *   live         allocated and not free-pending: in set.members
 *   queued       free-pending, its second phase has not begun: on set.queue, has its allocation's
 *                reference
 *   held         free-pending, in the second phase or after it: on set.held, until its last reference
 *   freed set    vsva_ioasid_set_free was called: gives no ids
 *   retired set  has no ids any more, token and quota have been given back
 */
#ifndef HOST_IOASID_IMPL_H
#define HOST_IOASID_IMPL_H

#include "base/check.h"
#include "base/lock.h"
#include "base/rcu.h"
#include "base/sched.h"
#include "base/sparse.h"
#include "host/ioasid.h"
#include "host/ioasid_members.h"
#include "host/ioasid_numbers.h"
#include "host/list.h"

struct vsva_ioasid_space {
	struct lock lock; /* LOCK_RANK_IOASID: writers of everything here, in sets and in entries */
	struct worker_pool *pool;
	const struct trace *trace;
	uint32_t id_end;        /* ids are below */
	uint32_t available;     /* atomic, writers: lock */
	struct entry *entries;  /* by id, id_end of them: reserved, most are never touched */
	struct numbers numbers; /* lock: ids that are out */
	uint32_t out_count;     /* atomic, writers: lock; how many */
	uint64_t last_born;     /* lock: of entries */
	struct list allocators; /* lock: custom ones, the one in force first */
	struct list sets;       /* lock: of set.in_space; tokens that are in use */
	struct list retired;    /* lock: of set.in_space; for the reaper */
	struct list notifiers;  /* lock: of everybody's ids, in order */
	struct list homeless;   /* lock: notifiers of tokens that have no set, in order */
	struct list waiters;    /* lock: who waits for ids to be reclaimed */
	uint64_t last_serial;   /* lock: of notifiers */
	struct worker
		*reaper; /* lock: destroys retired sets, which cannot do it on their own worker */
};

struct vsva_ioasid_set {
	struct rcu_node rcu;
	struct vsva_ioasid_space *space;
	struct list in_space; /* lock: in space.sets or space.retired */
	const void *token;
	struct worker *worker;   /* its work queue */
	unsigned holds;          /* atomic: its own life's, and ioasid_set_hold */
	uint32_t quota;          /* atomic, writers: lock */
	uint32_t count;          /* atomic, writers: lock; ids allocated or pending */
	uint32_t pending;        /* lock: of them pending */
	bool is_freed;           /* lock */
	bool is_zombie;          /* lock: freed, and left to the reaper */
	struct members members;  /* lock: its live ids */
	struct list queue, held; /* lock: of entry.link; ids that are not live any more */
	struct list notifiers;   /* lock: of its token, in order */
	struct sparse guests;    /* guest PASID to live entry */
};

/* Kept beside the public flags: a binding gave the id its guest PASID, so the last one takes it. */
#define ENTRY_GUEST_IS_BINDINGS (1u << 8)
#define ENTRY_PUBLIC_FLAGS      (VSVA_IOASID_GUEST_MODE | VSVA_IOASID_GUEST_PASID)

/*
 * What is known of a number: all of it in one line of the CPU's cache, for there may be 2^20 of them.
 *
 * born is the serial number of its allocation, and 0 while it is not out. What is said of a new
 * allocation is stored after that 0, with release; so whoever has read any of it sees, when he looks at
 * born again, that this is not the allocation any more that he began to read about.
 */
struct entry {
	uint64_t born;                   /* atomic, writers: lock */
	struct vsva_ioasid_set *set;     /* atomic, writers: lock */
	void *private_data;              /* atomic, writers: lock */
	uint32_t guest;                  /* atomic, writers: lock; VSVA_PASID_INVALID: none. Of a
					    free-pending id: what it was */
	uint32_t references;             /* atomic, writers: lock */
	uint16_t flags;                  /* atomic, writers: lock */
	uint8_t state;                   /* atomic, writers: entry_set_state */
	bool has_allocations_reference;  /* lock */
	uint32_t id;                     /* lock */
	struct ioasid_binding *bindings; /* lock */
	struct list link;                /* lock: in set.queue or set.held, if not live */
};
static_assert(sizeof(struct entry) == 64, "a line of the CPU's cache");

/* The space */

/* For what may not be called from a call out: takes the lock, or -EDEADLK. */
int space_enter(struct vsva_ioasid_space *space);
void space_leave(struct vsva_ioasid_space *space);
/* For what may: takes the lock unless the thread has it. True: it was taken. */
bool space_hold(struct vsva_ioasid_space *space);
void space_let_go(struct vsva_ioasid_space *space, bool is_taken);

/* A call out, on the stack of whoever makes it. lock */
struct callout {
	const struct vsva_ioasid_space *space;
	uint32_t id; /* whose event is told; 0: it is no event function */
	const struct callout *outer;
};
void callout_begin(struct callout *callout, const struct vsva_ioasid_space *space, uint32_t id);
void callout_end(const struct callout *callout);
/* The innermost one that the calling thread is in, or NULL. */
const struct callout *callout_current(void);
/* For functions without a result that may not be called from a call out: says so in the log. */
bool callout_refuses(const char *what);

/* Entries */

static inline enum vsva_ioasid_state entry_state(const struct entry *entry)
{
	return (enum vsva_ioasid_state)__atomic_load_n(&entry->state, __ATOMIC_ACQUIRE);
}

static inline bool state_is_live(enum vsva_ioasid_state state)
{
	return state == VSVA_IOASID_IDLE || state == VSVA_IOASID_ACTIVE;
}

static inline bool entry_is_live(const struct entry *entry)
{
	return state_is_live(entry_state(entry));
}

/* lock. Whatever its state, or NULL: the number is not out. */
static inline struct entry *entry_of(const struct vsva_ioasid_space *space, hpasid_t id)
{
	struct entry *entry = id.v < space->id_end ? &space->entries[id.v] : NULL;

	return entry && entry->born ? entry : NULL;
}

/* lock. A live one. 0, -ENOENT, -EACCES. set NULL: any. */
int entry_find(const struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
	       hpasid_t id, struct entry **out);

/* What a look without the lock says of a number. */
struct entry_look {
	struct vsva_ioasid_set *set;
	void *private_data;
	gpasid_t guest;
	uint32_t references;
	uint32_t flags;
	enum vsva_ioasid_state state;
};

/* false: the number is not out, or was not at some time meanwhile. */
static inline bool entry_look(const struct vsva_ioasid_space *space, hpasid_t id,
			      struct entry_look *out)
{
	const struct entry *entry;
	uint64_t born;

	if (id.v >= space->id_end)
		return false;
	entry = &space->entries[id.v];
	SEAM_POINT(SEAM_POINTER, SEAM_READ, "ioasid entry", id.v);
	born = __atomic_load_n(&entry->born, __ATOMIC_ACQUIRE);
	out->set = __atomic_load_n(&entry->set, __ATOMIC_ACQUIRE);
	SEAM_SEEN(SEAM_POINTER, "ioasid entry", id.v);
	out->private_data = __atomic_load_n(&entry->private_data, __ATOMIC_ACQUIRE);
	out->guest = gpasid(__atomic_load_n(&entry->guest, __ATOMIC_ACQUIRE));
	out->references = __atomic_load_n(&entry->references, __ATOMIC_ACQUIRE);
	out->flags = __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE);
	out->state = entry_state(entry);
	return born && __atomic_load_n(&entry->born, __ATOMIC_RELAXED) == born;
}

/* The same of a live one. 0, -ENOENT, -EACCES. set NULL: any. */
int entry_look_live(const struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
		    hpasid_t id, struct entry_look *out);
/* lock. Along an edge of the table (checked); its event is told. */
void entry_set_state(struct entry *entry, enum vsva_ioasid_state to);
void entry_set_flags(struct entry *entry, uint32_t flags); /* lock */
void entry_get(struct entry *entry);                       /* lock */
/* lock. The last one reclaims the id: the entry is gone. */
void entry_put(struct entry *entry);
/* lock. Gives a live one up; of a free-pending one does nothing. It may be gone afterwards. */
void entry_free(struct entry *entry);

/* Guest PASIDs */

int guest_give(struct entry *entry, gpasid_t guest); /* lock. 0, -EBUSY, -EEXIST, -ENOMEM */
void guest_forget(struct entry *entry);              /* lock */
/* lock. No longer found by it, but the entry knows it. */
void guest_unindex(const struct entry *entry);

/* Sets */

/* lock. One of its ids has been reclaimed; a freed one may retire. */
void set_lost_id(struct vsva_ioasid_set *set);
/* Ends the life of one that has retired: waits for its worker. */
void set_reap(struct vsva_ioasid_set *set);
bool reaper_run(void *arg); /* of the space */

/* Reclaim */

bool reclaim_run(void *arg); /* of a set; true: there is more to do */
/* lock. Tells those who wait for the entry, or for its set. */
void waiters_tell(const struct entry *entry);

/* Notifications */

void notify_event(const struct entry *entry, enum vsva_ioasid_event_kind kind); /* lock */
struct vsva_ioasid_event notify_describe(const struct entry *entry,
					 enum vsva_ioasid_event_kind kind); /* lock */
/* lock. Has anybody a second phase? */
bool notify_has_reclaim(const struct vsva_ioasid_set *set);
/* The second phase of a batch, in order. Waits. */
void notify_reclaim(struct vsva_ioasid_set *set, const struct vsva_ioasid_event *events,
		    size_t count);
/* Is the calling thread in the second phase of the set? */
bool notify_is_reclaiming(const struct vsva_ioasid_set *set);
void notify_adopt(struct vsva_ioasid_set *set);   /* lock. Takes the notifiers of its token. */
void notify_abandon(struct vsva_ioasid_set *set); /* lock. Gives them back. */

/* Numbers */

/* lock. A number in [min, max], or 0: none, or the custom allocator refused. */
uint32_t allocator_take(struct vsva_ioasid_space *space, uint32_t min, uint32_t max);
void allocator_give(struct vsva_ioasid_space *space, uint32_t id); /* lock */

#endif
