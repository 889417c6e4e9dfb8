// SPDX-License-Identifier: MIT
/* Where numbers come from: the space's own map, or a custom allocator. What is out is in the map in
 * either case. */
#include <errno.h>

#include "base/alloc.h"
#include "base/log.h"
#include "host/ioasid_impl.h"

/* In the list those with the same functions stand together, and those behind the first group wait.
 */
struct custom {
	struct list link; /* lock */
	const struct vsva_ioasid_allocator_ops *ops;
	void *arg;
};

static struct custom *custom_at(struct list *link)
{
	return container_of(link, struct custom, link);
}

/* lock. NULL: the space's own. */
static struct custom *in_force(const struct vsva_ioasid_space *space)
{
	return list_is_empty(&space->allocators) ? NULL : custom_at(space->allocators.next);
}

/* lock. An allocator that gives out what it may not is not believed; a number that is out already
 * is not returned to it, for somebody has it. */
static uint32_t take_custom(struct vsva_ioasid_space *space, const struct custom *custom,
			    uint32_t min, uint32_t max)
{
	struct callout callout;
	uint32_t id;

	callout_begin(&callout, space, 0);
	id = custom->ops->alloc(custom->arg, min, max);
	if (id != VSVA_PASID_INVALID && (id < min || id > max)) {
		LOG_LIMITED(LOG_ERROR, VSVA_CODE_ALLOCATOR_WRONG,
			    "host: custom allocator: PASID %u is not in [%u, %u]", id, min, max);
		custom->ops->free(custom->arg, id);
		id = VSVA_PASID_INVALID;
	}
	callout_end(&callout);
	if (id == VSVA_PASID_INVALID)
		return 0;
	if (numbers_is_taken(&space->numbers, id)) {
		LOG_LIMITED(LOG_ERROR, VSVA_CODE_ALLOCATOR_WRONG,
			    "host: custom allocator: PASID %u is given out twice", id);
		return 0;
	}
	return id;
}

/* lock */
static uint32_t take_own(const struct vsva_ioasid_space *space, uint32_t min, uint32_t max)
{
	uint32_t id = numbers_find(&space->numbers, min, max);

	return id == UINT32_MAX ? 0 : id;
}

static void set_out_count(struct vsva_ioasid_space *space, uint32_t count)
{
	__atomic_store_n(&space->out_count, count, __ATOMIC_RELAXED);
}

uint32_t allocator_take(struct vsva_ioasid_space *space, uint32_t min, uint32_t max)
{
	const struct custom *custom = in_force(space);
	uint32_t id;

	if (min > max || fail_nth_now())
		return 0;
	id = custom ? take_custom(space, custom, min, max) : take_own(space, min, max);
	if (!id)
		return 0;
	numbers_take(&space->numbers, id);
	set_out_count(space, space->out_count + 1);
	return id;
}

void allocator_give(struct vsva_ioasid_space *space, uint32_t id)
{
	const struct custom *custom = in_force(space);
	struct callout callout;

	numbers_give(&space->numbers, id);
	set_out_count(space, space->out_count - 1);
	if (!custom)
		return;
	callout_begin(&callout, space, 0);
	custom->ops->free(custom->arg, id);
	callout_end(&callout);
}

/* Registration */

static bool has_same_functions(const struct vsva_ioasid_allocator_ops *a,
			       const struct vsva_ioasid_allocator_ops *b)
{
	return a->alloc == b->alloc && a->free == b->free;
}

/* lock */
static struct custom *find(const struct vsva_ioasid_space *space,
			   const struct vsva_ioasid_allocator_ops *ops, const void *arg)
{
	for (struct list *at = space->allocators.next; at != &space->allocators; at = at->next) {
		struct custom *custom = custom_at(at);

		if (has_same_functions(custom->ops, ops) && custom->arg == arg)
			return custom;
	}
	return NULL;
}

/* lock. Behind the last with the same functions, or behind all. */
static struct list *place_for(struct vsva_ioasid_space *space,
			      const struct vsva_ioasid_allocator_ops *ops)
{
	struct list *place = &space->allocators;

	for (struct list *at = space->allocators.next; at != &space->allocators; at = at->next)
		if (has_same_functions(custom_at(at)->ops, ops))
			place = at->next;
	return place;
}

/* lock */
static int insert(struct vsva_ioasid_space *space, struct custom *custom)
{
	if (find(space, custom->ops, custom->arg))
		return -EEXIST;
	if (!in_force(space) && space->out_count)
		return -EAGAIN;
	list_append(place_for(space, custom->ops), &custom->link);
	return 0;
}

int vsva_ioasid_register_allocator(struct vsva_ioasid_space *space,
				   const struct vsva_ioasid_allocator_ops *ops, void *arg)
{
	struct custom *custom;
	int err;

	if (!ops || !ops->alloc || !ops->free)
		return -EINVAL;
	if (callout_current())
		return -EDEADLK;
	custom = base_zalloc(sizeof(*custom));
	if (!custom)
		return -ENOMEM;
	custom->ops = ops;
	custom->arg = arg;
	lock_take(&space->lock);
	err = insert(space, custom);
	lock_drop(&space->lock);
	if (err)
		base_free(custom);
	return err;
}

/* lock. Would the ids that are out have nobody to return to? */
static bool is_needed(const struct vsva_ioasid_space *space, const struct custom *custom)
{
	const struct list *next = custom->link.next;

	if (in_force(space) != custom || !space->out_count)
		return false;
	return next == &space->allocators ||
	       !has_same_functions(custom_at(custom->link.next)->ops, custom->ops);
}

int vsva_ioasid_unregister_allocator(struct vsva_ioasid_space *space,
				     const struct vsva_ioasid_allocator_ops *ops, void *arg)
{
	struct custom *custom;
	int err;

	if (!ops)
		return -ENOENT;
	err = space_enter(space);
	if (err)
		return err;
	custom = find(space, ops, arg);
	if (!custom)
		err = -ENOENT;
	else if (is_needed(space, custom))
		err = -EBUSY;
	else
		list_remove(&custom->link);
	space_leave(space);
	if (!err)
		base_free(custom);
	return err;
}
