// SPDX-License-Identifier: MIT
/*
 * Who is told, and in which order: the notifiers of all ids and those of the set's token, merged by
 * priority and age. The lists hold them in this order already.
 */
#include <errno.h>

#include "base/alloc.h"
#include "base/log.h"
#include "host/ioasid_impl.h"
#include "vsva/limits.h"

/* Where in the order. */
struct place {
	unsigned priority;
	uint64_t serial;
};

struct vsva_ioasid_notifier {
	struct list link; /* lock: in space.notifiers, space.homeless or set.notifiers */
	struct vsva_ioasid_space *space;
	const void *token;
	const struct vsva_ioasid_subscriber *subscriber;
	void *arg;
	struct place place;
	unsigned users; /* atomic, writers: lock; second phases that are running */
};

const char *vsva_ioasid_priority_name(enum vsva_ioasid_priority priority)
{
	static const char *const names[VSVA_IOASID_PRIORITY_COUNT] = {
		[VSVA_IOASID_PRIORITY_CPU] = "cpu",
		[VSVA_IOASID_PRIORITY_DEVICE] = "device",
		[VSVA_IOASID_PRIORITY_IOMMU] = "iommu",
		[VSVA_IOASID_PRIORITY_LAST] = "last",
	};

	return (unsigned)priority < VSVA_IOASID_PRIORITY_COUNT ? names[priority] : "?";
}

/* Order */

static bool is_behind(struct place a, struct place b)
{
	return a.priority != b.priority ? a.priority > b.priority : a.serial > b.serial;
}

static struct vsva_ioasid_notifier *notifier_at(struct list *link)
{
	return container_of(link, struct vsva_ioasid_notifier, link);
}

static void insert_in_order(struct list *list, struct vsva_ioasid_notifier *notifier)
{
	struct list *at = list->next;

	while (at != list && is_behind(notifier->place, notifier_at(at)->place))
		at = at->next;
	list_append(at, &notifier->link);
}

/* lock. The first of the list behind the place, or NULL. */
static struct vsva_ioasid_notifier *first_behind(const struct list *list, struct place place)
{
	for (struct list *at = list->next; at != list; at = at->next)
		if (is_behind(notifier_at(at)->place, place))
			return notifier_at(at);
	return NULL;
}

/* lock. The next of both lists. */
static struct vsva_ioasid_notifier *next_behind(const struct vsva_ioasid_set *set,
						struct place place)
{
	struct vsva_ioasid_notifier *of_all = first_behind(&set->space->notifiers, place);
	struct vsva_ioasid_notifier *of_set = first_behind(&set->notifiers, place);

	if (!of_all || !of_set)
		return of_all ? of_all : of_set;
	return is_behind(of_all->place, of_set->place) ? of_set : of_all;
}

/* Events */

struct vsva_ioasid_event notify_describe(const struct entry *entry,
					 enum vsva_ioasid_event_kind kind)
{
	return (struct vsva_ioasid_event){
		.kind = kind,
		.set = entry->set,
		.token = entry->set->token,
		.id = hpasid(entry->id),
		.guest = gpasid(entry->guest),
		.flags = entry->flags & ENTRY_PUBLIC_FLAGS,
	};
}

void notify_event(const struct entry *entry, enum vsva_ioasid_event_kind kind)
{
	struct vsva_ioasid_event event = notify_describe(entry, kind);
	struct vsva_ioasid_notifier *notifier;
	struct callout callout;
	struct place place = {0};

	callout_begin(&callout, entry->set->space, entry->id);
	while ((notifier = next_behind(entry->set, place))) {
		place = notifier->place;
		if (notifier->subscriber->event)
			notifier->subscriber->event(notifier->arg, &event);
	}
	callout_end(&callout);
}

/* The second phase */

bool notify_has_reclaim(const struct vsva_ioasid_set *set)
{
	const struct vsva_ioasid_notifier *notifier;
	struct place place = {0};

	while ((notifier = next_behind(set, place))) {
		if (notifier->subscriber->reclaim)
			return true;
		place = notifier->place;
	}
	return false;
}

/* A second phase that the calling thread is in. Without threads one may be below another on the
 * stack. */
struct phase {
	const struct vsva_ioasid_set *set;
	const struct vsva_ioasid_notifier *notifier;
	const struct phase *outer;
};
static _Thread_local const struct phase *innermost;

bool notify_is_reclaiming(const struct vsva_ioasid_set *set)
{
	const struct phase *phase = innermost;

	while (phase && phase->set != set)
		phase = phase->outer;
	return phase != NULL;
}

static bool is_running_here(const struct vsva_ioasid_notifier *notifier)
{
	const struct phase *phase = innermost;

	while (phase && phase->notifier != notifier)
		phase = phase->outer;
	return phase != NULL;
}

/* The next one that has a second phase, counted as in use; NULL: none. */
static struct vsva_ioasid_notifier *use_next(const struct vsva_ioasid_set *set, struct place *place)
{
	struct vsva_ioasid_notifier *notifier;

	lock_take(&set->space->lock);
	while ((notifier = next_behind(set, *place))) {
		*place = notifier->place;
		if (notifier->subscriber->reclaim)
			break;
	}
	if (notifier)
		__atomic_store_n(&notifier->users, notifier->users + 1, __ATOMIC_RELAXED);
	lock_drop(&set->space->lock);
	return notifier;
}

/* Whoever unregisters it may free it as soon as it is in use by nobody. */
static void unuse(struct vsva_ioasid_space *space, struct vsva_ioasid_notifier *notifier)
{
	lock_take(&space->lock);
	__atomic_store_n(&notifier->users, notifier->users - 1, __ATOMIC_RELEASE);
	lock_drop(&space->lock);
	worker_pool_notify(space->pool);
}

void notify_reclaim(struct vsva_ioasid_set *set, const struct vsva_ioasid_event *events,
		    size_t count)
{
	struct vsva_ioasid_notifier *notifier;
	struct place place = {0};

	while ((notifier = use_next(set, &place))) {
		struct phase phase = {.set = set, .notifier = notifier, .outer = innermost};

		innermost = &phase;
		notifier->subscriber->reclaim(notifier->arg, events, count);
		innermost = phase.outer;
		unuse(set->space, notifier);
	}
}

/* Registration */

/* lock. Where the notifiers of a token are. */
static struct list *home_of(struct vsva_ioasid_space *space, const void *token)
{
	if (!token)
		return &space->notifiers;
	for (struct list *at = space->sets.next; at != &space->sets; at = at->next) {
		struct vsva_ioasid_set *set = container_of(at, struct vsva_ioasid_set, in_space);

		if (set->token == token)
			return &set->notifiers;
	}
	return &space->homeless;
}

/* lock */
static bool is_registered(const struct list *home, const struct vsva_ioasid_notifier *notifier)
{
	for (struct list *at = home->next; at != home; at = at->next) {
		const struct vsva_ioasid_notifier *other = notifier_at(at);

		if (other->token == notifier->token && other->subscriber == notifier->subscriber &&
		    other->arg == notifier->arg)
			return true;
	}
	return false;
}

static int insert(struct vsva_ioasid_space *space, struct vsva_ioasid_notifier *notifier)
{
	struct list *home;
	int err = 0;

	lock_take(&space->lock);
	home = home_of(space, notifier->token);
	if (is_registered(home, notifier)) {
		err = -EEXIST;
	} else {
		notifier->place.serial = ++space->last_serial;
		insert_in_order(home, notifier);
	}
	lock_drop(&space->lock);
	return err;
}

int vsva_ioasid_notifier_register(struct vsva_ioasid_space *space, const void *token,
				  enum vsva_ioasid_priority priority,
				  const struct vsva_ioasid_subscriber *subscriber, void *arg,
				  struct vsva_ioasid_notifier **out)
{
	struct vsva_ioasid_notifier *notifier;
	int err;

	if (!subscriber || (unsigned)priority >= VSVA_IOASID_PRIORITY_COUNT)
		return -EINVAL;
	if (callout_current())
		return -EDEADLK;
	notifier = base_zalloc(sizeof(*notifier));
	if (!notifier)
		return -ENOMEM;
	notifier->space = space;
	notifier->token = token;
	notifier->subscriber = subscriber;
	notifier->arg = arg;
	notifier->place.priority = priority;
	err = insert(space, notifier);
	if (err)
		base_free(notifier);
	else
		*out = notifier;
	return err;
}

static bool is_unused(void *arg)
{
	const struct vsva_ioasid_notifier *notifier = arg;

	return __atomic_load_n(&notifier->users, __ATOMIC_ACQUIRE) == 0;
}

bool ioasid_notifier_is_calling(const struct vsva_ioasid_notifier *notifier)
{
	return notifier && (callout_current() || is_running_here(notifier));
}

int vsva_ioasid_notifier_unregister(struct vsva_ioasid_notifier *notifier)
{
	struct vsva_ioasid_space *space;

	if (!notifier)
		return 0;
	if (ioasid_notifier_is_calling(notifier))
		return -EDEADLK;
	space = notifier->space;
	lock_take(&space->lock);
	list_remove(&notifier->link);
	lock_drop(&space->lock);
	while (!is_unused(notifier) && !worker_pool_wait_until(space->pool, is_unused, notifier,
							       VSVA_LIMIT_RECLAIM_TIMEOUT_MS))
		LOG_LIMITED(LOG_WARN, VSVA_CODE_RECLAIM_ENDLESS,
			    "host: a reclaim function does not come to its end");
	base_free(notifier);
	return 0;
}

/* Sets come and go */

/* lock. Those of the token move from one list to the other, in order. */
static void move(struct list *from, struct list *to, const void *token)
{
	struct list *next;

	for (struct list *at = from->next; at != from; at = next) {
		struct vsva_ioasid_notifier *notifier = notifier_at(at);

		next = at->next;
		if (notifier->token != token)
			continue;
		list_remove(&notifier->link);
		insert_in_order(to, notifier);
	}
}

void notify_adopt(struct vsva_ioasid_set *set)
{
	move(&set->space->homeless, &set->notifiers, set->token);
}

void notify_abandon(struct vsva_ioasid_set *set)
{
	move(&set->notifiers, &set->space->homeless, set->token);
}
