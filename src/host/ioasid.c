// SPDX-License-Identifier: MIT
#include "host/ioasid.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/rcu.h"
#include "base/sparse.h"

#define WORD_BITS 64u

#define PUBLIC_FLAGS (VSVA_IOASID_GUEST_MODE | VSVA_IOASID_GUEST_PASID)

/* Kept beside the public flags: the private pointer is a list of bindings; and a bind gave the id
 * its guest PASID, so the last unbind takes it. */
#define BOUND               (1u << 30)
#define GUEST_GIVEN_BY_BIND (1u << 31)

struct vsva_ioasid_space {
	struct lock lock; /* LOCK_RANK_IOASID: writers of everything here and in the sets */
	const struct trace *trace;
	uint32_t id_end;              /* ids are below */
	uint32_t available;           /* atomic, writers: lock */
	struct vsva_ioasid_set *sets; /* lock */
	uint64_t *taken;              /* lock: a bit for each id */
	struct sparse entries;        /* id to entry; readers: RCU */
};

struct vsva_ioasid_set {
	struct rcu_node rcu;
	struct vsva_ioasid_space *space;
	struct vsva_ioasid_set *next; /* lock */
	const void *token;
	uint32_t quota;
	uint32_t count;       /* atomic, writers: lock */
	struct sparse guests; /* guest PASID to entry; readers: RCU */
};

struct entry {
	struct rcu_node rcu;
	struct vsva_ioasid_set *set;
	void *private_data; /* atomic, writers: lock */
	uint32_t id;
	uint32_t flags; /* atomic, writers: lock */
	uint32_t guest; /* atomic, writers: lock; VSVA_PASID_INVALID: none */
};

/* The space */

struct vsva_ioasid_space *ioasid_space_create(unsigned bits, const struct trace *trace)
{
	struct vsva_ioasid_space *space = base_zalloc(sizeof(*space));

	CHECK(bits >= 1 && bits <= 20);
	if (!space)
		return NULL;
	space->id_end = 1u << bits;
	space->taken = base_calloc((space->id_end + WORD_BITS - 1) / WORD_BITS, sizeof(uint64_t));
	if (!space->taken) {
		base_free(space);
		return NULL;
	}
	space->taken[0] = 1; /* PASID 0 is RID_PASID */
	space->available = space->id_end - 1;
	space->trace = trace;
	sparse_init(&space->entries);
	lock_init(&space->lock, LOCK_RANK_IOASID, "ioasid");
	return space;
}

void ioasid_space_destroy(struct vsva_ioasid_space *space)
{
	if (!space)
		return;
	CHECK(!space->sets);
	rcu_barrier();
	sparse_fini(&space->entries);
	lock_destroy(&space->lock);
	base_free(space->taken);
	base_free(space);
}

uint32_t vsva_ioasid_space_available(struct vsva_ioasid_space *space)
{
	return __atomic_load_n(&space->available, __ATOMIC_RELAXED);
}

/* Inside an RCU read section or with the lock. */
static struct entry *entry_of(const struct vsva_ioasid_space *space, hpasid_t id)
{
	return sparse_get(&space->entries, id.v);
}

/* Inside an RCU read section or with the lock. 0, -ENOENT, -EACCES. set NULL: any. */
static int entry_find(const struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
		      hpasid_t id, struct entry **out)
{
	*out = entry_of(space, id);
	if (!*out)
		return -ENOENT;
	return set && (*out)->set != set ? -EACCES : 0;
}

/* Sets */

/* lock */
static bool has_token(const struct vsva_ioasid_space *space, const void *token)
{
	const struct vsva_ioasid_set *set = space->sets;

	while (set && set->token != token)
		set = set->next;
	return set != NULL;
}

/* lock */
static int set_add(struct vsva_ioasid_space *space, struct vsva_ioasid_set *set)
{
	if (has_token(space, set->token))
		return -EEXIST;
	if (set->quota > space->available || fail_nth_now())
		return -ENOSPC;
	__atomic_store_n(&space->available, space->available - set->quota, __ATOMIC_RELAXED);
	set->next = space->sets;
	space->sets = set;
	return 0;
}

int vsva_ioasid_set_alloc(struct vsva_ioasid_space *space, const void *token, uint32_t quota,
			  struct vsva_ioasid_set **out)
{
	struct vsva_ioasid_set *set;
	int err;

	if (!token || !quota)
		return -EINVAL;
	set = base_zalloc(sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->space = space;
	set->token = token;
	set->quota = quota;
	sparse_init(&set->guests);
	lock_take(&space->lock);
	err = set_add(space, set);
	lock_drop(&space->lock);
	if (err)
		base_free(set);
	else
		*out = set;
	return err;
}

static void set_reclaim(struct rcu_node *node)
{
	struct vsva_ioasid_set *set = container_of(node, struct vsva_ioasid_set, rcu);

	sparse_fini(&set->guests);
	base_free(set);
}

/* lock. The quota goes back to the space, or capacity would leak with every VM. */
static void set_remove(struct vsva_ioasid_space *space, struct vsva_ioasid_set *set)
{
	struct vsva_ioasid_set **link = &space->sets;

	while (*link != set)
		link = &(*link)->next;
	*link = set->next;
	__atomic_store_n(&space->available, space->available + set->quota, __ATOMIC_RELAXED);
}

int vsva_ioasid_set_free(struct vsva_ioasid_set *set)
{
	struct vsva_ioasid_space *space = set->space;
	int err = 0;

	lock_take(&space->lock);
	if (set->count)
		err = -EBUSY;
	else
		set_remove(space, set);
	lock_drop(&space->lock);
	if (!err)
		rcu_call(&set->rcu, set_reclaim);
	return err;
}

uint32_t vsva_ioasid_set_count(const struct vsva_ioasid_set *set)
{
	return __atomic_load_n(&set->count, __ATOMIC_RELAXED);
}

uint32_t vsva_ioasid_set_quota(const struct vsva_ioasid_set *set)
{
	return set->quota;
}

struct vsva_ioasid_space *vsva_ioasid_set_space(const struct vsva_ioasid_set *set)
{
	return set->space;
}

void vsva_ioasid_set_for_each(struct vsva_ioasid_set *set, void (*fn)(void *arg, hpasid_t id),
			      void *arg)
{
	struct vsva_ioasid_space *space = set->space;
	const struct entry *entry;

	lock_take(&space->lock);
	for (uint32_t id = 1; (entry = sparse_next(&space->entries, &id)); id++)
		if (entry->set == set)
			fn(arg, hpasid(id));
	lock_drop(&space->lock);
}

/* Ids */

/* lock. The lowest free id in [min, max], or 0. */
static uint32_t id_find_free(const struct vsva_ioasid_space *space, uint32_t min, uint32_t max)
{
	uint32_t id = min;

	while (id <= max) {
		uint64_t free_from = ~space->taken[id / WORD_BITS] >> (id % WORD_BITS);

		if (free_from) {
			id += (uint32_t)__builtin_ctzll(free_from);
			return id <= max ? id : 0;
		}
		id = (id / WORD_BITS + 1) * WORD_BITS;
	}
	return 0;
}

/* lock */
static int entry_publish(struct vsva_ioasid_space *space, struct entry *entry, uint32_t min,
			 uint32_t max)
{
	struct vsva_ioasid_set *set = entry->set;
	uint32_t id;
	int err;

	if (set->count >= set->quota)
		return -EDQUOT;
	id = fail_nth_now() ? 0 : id_find_free(space, min, max);
	if (!id)
		return -ENOSPC;
	entry->id = id;
	err = sparse_set(&space->entries, id, entry);
	if (err)
		return err;
	space->taken[id / WORD_BITS] |= UINT64_C(1) << (id % WORD_BITS);
	__atomic_store_n(&set->count, set->count + 1, __ATOMIC_RELAXED);
	return 0;
}

/* max may be beyond what the unit's PASIDs reach: then the reachable part counts. */
static uint32_t clamp_max(const struct vsva_ioasid_space *space, uint32_t max)
{
	return max < space->id_end ? max : space->id_end - 1;
}

static struct entry *entry_alloc(struct vsva_ioasid_set *set, void *private_data)
{
	struct entry *entry = base_zalloc(sizeof(*entry));

	if (!entry)
		return NULL;
	entry->set = set;
	entry->private_data = private_data;
	entry->guest = VSVA_PASID_INVALID;
	return entry;
}

int vsva_ioasid_alloc(struct vsva_ioasid_set *set, uint32_t min, uint32_t max, void *private_data,
		      hpasid_t *out)
{
	struct vsva_ioasid_space *space = set->space;
	struct entry *entry;
	int err;

	*out = hpasid(VSVA_PASID_INVALID);
	if (min < 1 || min > max || max > VSVA_PASID_MAX)
		return -EINVAL;
	entry = entry_alloc(set, private_data);
	if (!entry)
		return -ENOMEM;
	lock_take(&space->lock);
	err = entry_publish(space, entry, min, clamp_max(space, max));
	if (!err)
		*out = hpasid(entry->id);
	lock_drop(&space->lock);
	if (err)
		base_free(entry);
	else
		TRACE(space->trace, HOST, IOASID_ALLOC, .hpasid = *out);
	return err;
}

static void entry_reclaim(struct rcu_node *node)
{
	base_free(container_of(node, struct entry, rcu));
}

/* lock */
static void guest_forget(struct entry *entry)
{
	if (entry->guest <= VSVA_PASID_MAX)
		sparse_set(&entry->set->guests, entry->guest, NULL);
	__atomic_store_n(&entry->guest, VSVA_PASID_INVALID, __ATOMIC_RELEASE);
}

/* lock */
static void entry_remove(struct vsva_ioasid_space *space, struct entry *entry)
{
	struct vsva_ioasid_set *set = entry->set;

	guest_forget(entry);
	sparse_set(&space->entries, entry->id, NULL);
	space->taken[entry->id / WORD_BITS] &= ~(UINT64_C(1) << (entry->id % WORD_BITS));
	__atomic_store_n(&set->count, set->count - 1, __ATOMIC_RELAXED);
}

int vsva_ioasid_free(struct vsva_ioasid_set *set, hpasid_t id)
{
	struct vsva_ioasid_space *space = set->space;
	gpasid_t guest = gpasid(VSVA_PASID_INVALID);
	struct entry *entry;
	int err;

	lock_take(&space->lock);
	err = entry_find(space, set, id, &entry);
	if (!err && entry->private_data)
		err = -EBUSY;
	if (!err) {
		guest = gpasid(entry->guest);
		entry_remove(space, entry);
	}
	lock_drop(&space->lock);
	if (err)
		return err;
	TRACE(space->trace, HOST, IOASID_FREE, .hpasid = id, .gpasid = guest);
	rcu_call(&entry->rcu, entry_reclaim);
	return 0;
}

int vsva_ioasid_find(struct vsva_ioasid_space *space, const struct vsva_ioasid_set *set,
		     hpasid_t id, void **private_data)
{
	struct entry *entry;
	int err;

	rcu_read_lock();
	err = entry_find(space, set, id, &entry);
	if (!err && private_data)
		*private_data = rcu_load(entry->private_data);
	rcu_read_unlock();
	return err;
}

struct vsva_ioasid_set *vsva_ioasid_set_of(struct vsva_ioasid_space *space, hpasid_t id)
{
	struct vsva_ioasid_set *set = NULL;
	const struct entry *entry;

	rcu_read_lock();
	entry = entry_of(space, id);
	if (entry)
		set = entry->set;
	rcu_read_unlock();
	return set;
}

int vsva_ioasid_set_data(struct vsva_ioasid_set *set, hpasid_t id, void *private_data,
			 uint32_t flags)
{
	struct vsva_ioasid_space *space = set->space;
	struct entry *entry;
	int err;

	lock_take(&space->lock);
	err = entry_find(space, set, id, &entry);
	if (!err && (entry->flags & BOUND))
		err = -EBUSY;
	if (!err) {
		rcu_publish(entry->private_data, private_data);
		__atomic_store_n(&entry->flags, flags & PUBLIC_FLAGS, __ATOMIC_RELAXED);
	}
	lock_drop(&space->lock);
	return err;
}

int vsva_ioasid_get_flags(struct vsva_ioasid_set *set, hpasid_t id, uint32_t *flags)
{
	struct entry *entry;
	int err;

	rcu_read_lock();
	err = entry_find(set->space, set, id, &entry);
	if (!err)
		*flags = __atomic_load_n(&entry->flags, __ATOMIC_RELAXED) & PUBLIC_FLAGS;
	rcu_read_unlock();
	return err;
}

/* Guest PASIDs */

/* lock. A number that is no PASID (the host does not judge guest PASIDs) is not in the index. */
static struct entry *guest_find_unindexed(const struct vsva_ioasid_set *set, gpasid_t guest)
{
	struct entry *entry;

	for (uint32_t id = 1; (entry = sparse_next(&set->space->entries, &id)); id++)
		if (entry->set == set && entry->guest == guest.v)
			return entry;
	return NULL;
}

/* lock */
static struct entry *guest_find(const struct vsva_ioasid_set *set, gpasid_t guest)
{
	if (guest.v <= VSVA_PASID_MAX)
		return sparse_get(&set->guests, guest.v);
	return guest_find_unindexed(set, guest);
}

/* lock. 0, -EEXIST, -EBUSY, -ENOMEM. */
static int guest_give(struct entry *entry, gpasid_t guest)
{
	int err = 0;

	if (entry->guest != VSVA_PASID_INVALID)
		return -EBUSY;
	if (guest_find(entry->set, guest))
		return -EEXIST;
	if (guest.v <= VSVA_PASID_MAX)
		err = sparse_set(&entry->set->guests, guest.v, entry);
	if (!err)
		__atomic_store_n(&entry->guest, guest.v, __ATOMIC_RELEASE);
	return err;
}

int vsva_ioasid_attach_gpasid(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t guest)
{
	struct entry *entry;
	int err;

	if (guest.v == VSVA_PASID_INVALID)
		return -EINVAL;
	lock_take(&set->space->lock);
	err = entry_find(set->space, set, id, &entry);
	if (!err)
		err = guest_give(entry, guest);
	lock_drop(&set->space->lock);
	return err;
}

int vsva_ioasid_detach_gpasid(struct vsva_ioasid_set *set, hpasid_t id)
{
	struct entry *entry;
	int err;

	lock_take(&set->space->lock);
	err = entry_find(set->space, set, id, &entry);
	if (!err && entry->guest == VSVA_PASID_INVALID)
		err = -ENOENT;
	if (!err)
		guest_forget(entry);
	lock_drop(&set->space->lock);
	return err;
}

int vsva_ioasid_find_gpasid(struct vsva_ioasid_set *set, gpasid_t guest, hpasid_t *out)
{
	const struct entry *entry;

	if (guest.v == VSVA_PASID_INVALID)
		return -ENOENT;
	if (guest.v > VSVA_PASID_MAX)
		lock_take(&set->space->lock);
	rcu_read_lock();
	entry = guest_find(set, guest);
	if (entry)
		*out = hpasid(entry->id);
	rcu_read_unlock();
	if (guest.v > VSVA_PASID_MAX)
		lock_drop(&set->space->lock);
	return entry ? 0 : -ENOENT;
}

int vsva_ioasid_gpasid_of(struct vsva_ioasid_set *set, hpasid_t id, gpasid_t *out)
{
	struct entry *entry;
	int err;

	rcu_read_lock();
	err = entry_find(set->space, set, id, &entry);
	if (!err) {
		gpasid_t guest = gpasid(__atomic_load_n(&entry->guest, __ATOMIC_ACQUIRE));

		if (guest.v == VSVA_PASID_INVALID)
			err = -ENOENT;
		else
			*out = guest;
	}
	rcu_read_unlock();
	return err;
}

/* Bindings */

/* lock. The guest PASID of an id that has one must be the binding's. */
static int bind_guest(struct entry *entry, gpasid_t guest)
{
	int err;

	if (entry->guest == guest.v)
		return 0;
	err = guest_give(entry, guest);
	if (!err)
		__atomic_store_n(&entry->flags, entry->flags | GUEST_GIVEN_BY_BIND,
				 __ATOMIC_RELAXED);
	return err;
}

/* lock */
static int bind_entry(struct entry *entry, struct ioasid_binding *binding, uint32_t flags)
{
	int err;

	if (entry->private_data && !(entry->flags & BOUND))
		return -EBUSY;
	err = bind_guest(entry, binding->guest);
	if (err)
		return err;
	binding->next = entry->private_data;
	rcu_publish(entry->private_data, binding);
	__atomic_store_n(&entry->flags, entry->flags | flags | BOUND, __ATOMIC_RELAXED);
	return 0;
}

int ioasid_bind(struct vsva_ioasid_set *set, struct ioasid_binding *binding, uint32_t flags)
{
	struct entry *entry;
	int err;

	lock_take(&set->space->lock);
	err = entry_find(set->space, set, binding->id, &entry);
	if (!err)
		err = bind_entry(entry, binding, flags);
	lock_drop(&set->space->lock);
	return err;
}

/* lock */
static void unbind_last(struct entry *entry)
{
	if (entry->flags & GUEST_GIVEN_BY_BIND)
		guest_forget(entry);
	__atomic_store_n(&entry->flags, 0, __ATOMIC_RELAXED);
}

/* lock. The head is what readers follow; the rest of the list only holders of the lock. */
static void unbind_entry(struct entry *entry, struct ioasid_binding *binding)
{
	struct ioasid_binding *first = entry->private_data;
	struct ioasid_binding **link = &first;

	while (*link != binding)
		link = &(*link)->next;
	*link = binding->next;
	rcu_publish(entry->private_data, (void *)first);
	if (!first)
		unbind_last(entry);
}

void ioasid_unbind(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	struct entry *entry;

	lock_take(&set->space->lock);
	entry = entry_of(set->space, binding->id);
	CHECK(entry && entry->set == set);
	unbind_entry(entry, binding);
	lock_drop(&set->space->lock);
}
