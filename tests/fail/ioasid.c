// SPDX-License-Identifier: MIT
/* vsva/ioasid.h */
#include "trial.h"

RUN(ioasid_set_alloc)
{
	return vsva_ioasid_set_alloc(w->space, w, 10, &w->set);
}

RUN(ioasid_set_free)
{
	vsva_ioasid_set_free(w->set);
	w->set = NULL;
	return 0;
}

static void undo_set_alloc(struct fail_world *w)
{
	run_ioasid_set_free(w);
}

RUN(ioasid_set_adjust)
{
	return vsva_ioasid_set_adjust(w->set, 100);
}

static void count_id(void *arg, hpasid_t id)
{
	*(uint64_t *)arg += id.v != 0;
}

RUN(ioasid_set_for_each)
{
	vsva_ioasid_set_for_each(w->set, count_id, &w->extra);
	return w->extra == 1 ? 0 : -ENOENT;
}

static void count_set(void *arg, const struct vsva_ioasid_set *set)
{
	*(uint64_t *)arg += set != NULL;
}

RUN(ioasid_space_for_each)
{
	vsva_ioasid_space_for_each(w->space, count_set, &w->extra);
	return w->extra ? 0 : -ENOENT;
}

RUN(ioasid_alloc)
{
	return vsva_ioasid_alloc(w->set, 0x2000, VSVA_PASID_MAX, NULL, &w->pasid);
}

static void undo_alloc(struct fail_world *w)
{
	assert_int_equal(vsva_ioasid_free(w->set, w->pasid), 0);
	w->pasid = hpasid(0);
}

RUN(ioasid_free)
{
	return vsva_ioasid_free(w->set, w->pasid);
}

RUN(ioasid_free_sync)
{
	return vsva_ioasid_free_sync(w->set, w->pasid);
}

RUN(ioasid_free_all)
{
	vsva_ioasid_free_all(w->set);
	return 0;
}

RUN(ioasid_free_all_sync)
{
	return vsva_ioasid_free_all_sync(w->set);
}

RUN(ioasid_get)
{
	return vsva_ioasid_get(w->space, w->set, w->pasid);
}

static void undo_get(struct fail_world *w)
{
	vsva_ioasid_put(w->space, w->pasid);
}

RUN(ioasid_get_gpasid)
{
	hpasid_t id;

	return vsva_ioasid_get_gpasid(w->set, WORLD_GPASID, &id);
}

static void setup_put(struct fail_world *w)
{
	world_pasid(w);
	assert_int_equal(run_ioasid_get(w), 0);
}

RUN(ioasid_put)
{
	vsva_ioasid_put(w->space, w->pasid);
	return 0;
}

RUN(ioasid_find)
{
	return vsva_ioasid_find(w->space, w->set, w->pasid, NULL);
}

RUN(ioasid_set_data)
{
	return vsva_ioasid_set_data(w->set, w->pasid, w);
}

RUN(ioasid_get_flags)
{
	uint32_t flags;

	return vsva_ioasid_get_flags(w->set, w->pasid, &flags);
}

RUN(ioasid_attach_gpasid)
{
	return vsva_ioasid_attach_gpasid(w->set, w->pasid, WORLD_GPASID);
}

static void undo_attach_gpasid(struct fail_world *w)
{
	assert_int_equal(vsva_ioasid_detach_gpasid(w->set, w->pasid), 0);
}

RUN(ioasid_detach_gpasid)
{
	return vsva_ioasid_detach_gpasid(w->set, w->pasid);
}

RUN(ioasid_find_gpasid)
{
	hpasid_t id;

	return vsva_ioasid_find_gpasid(w->set, WORLD_GPASID, &id);
}

RUN(ioasid_gpasid_of)
{
	gpasid_t guest;

	return vsva_ioasid_gpasid_of(w->set, w->pasid, &guest);
}

static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	(void)arg;
	(void)event;
}

static const struct vsva_ioasid_subscriber subscriber = {.event = on_event};

RUN(ioasid_notifier_register)
{
	return vsva_ioasid_notifier_register(w->space, w, VSVA_IOASID_PRIORITY_LAST, &subscriber, w,
					     &w->notifier);
}

RUN(ioasid_notifier_unregister)
{
	int err = vsva_ioasid_notifier_unregister(w->notifier);

	w->notifier = NULL;
	return err;
}

static void undo_register(struct fail_world *w)
{
	assert_int_equal(run_ioasid_notifier_unregister(w), 0);
}

static void setup_unregister(struct fail_world *w)
{
	assert_int_equal(run_ioasid_notifier_register(w), 0);
}

static uint32_t give_min(void *arg, uint32_t min, uint32_t max)
{
	(void)arg;
	(void)max;
	return min;
}

static void take_back(void *arg, uint32_t id)
{
	(void)arg;
	(void)id;
}

static const struct vsva_ioasid_allocator_ops allocator = {give_min, take_back};

RUN(ioasid_register_allocator)
{
	return vsva_ioasid_register_allocator(w->space, &allocator, NULL);
}

RUN(ioasid_unregister_allocator)
{
	return vsva_ioasid_unregister_allocator(w->space, &allocator, NULL);
}

static void undo_register_allocator(struct fail_world *w)
{
	assert_int_equal(run_ioasid_unregister_allocator(w), 0);
}

static void setup_allocator(struct fail_world *w)
{
	assert_int_equal(run_ioasid_register_allocator(w), 0);
}

const struct trial ioasid_trials[] = {
	UNDONE(ioasid_set_alloc, world_bare, undo_set_alloc, MAY_NOMEM | MAY_NOSPC | MAY_AGAIN),
	NO_STEP(ioasid_set_free, world_pasid, NULL),
	UNDONE(ioasid_set_adjust, world_set, NULL, MAY_NOSPC),
	NO_STEP(ioasid_set_for_each, world_pasid, NULL),
	NO_STEP(ioasid_space_for_each, world_set, NULL),
	UNDONE(ioasid_alloc, world_set, undo_alloc, MAY_NOMEM | MAY_NOSPC),
	NO_STEP(ioasid_free, world_pasid, NULL),
	NO_STEP(ioasid_free_sync, world_pasid, NULL),
	NO_STEP(ioasid_free_all, world_pasid, NULL),
	NO_STEP(ioasid_free_all_sync, world_pasid, NULL),
	NO_STEP(ioasid_get, world_pasid, undo_get),
	NO_STEP(ioasid_get_gpasid, world_gpasid, undo_get),
	NO_STEP(ioasid_put, setup_put, NULL),
	NO_STEP(ioasid_find, world_pasid, NULL),
	NO_STEP(ioasid_set_data, world_pasid, NULL),
	NO_STEP(ioasid_get_flags, world_pasid, NULL),
	UNDONE(ioasid_attach_gpasid, world_pasid, undo_attach_gpasid, MAY_NOMEM),
	NO_STEP(ioasid_detach_gpasid, world_gpasid, NULL),
	NO_STEP(ioasid_find_gpasid, world_gpasid, NULL),
	NO_STEP(ioasid_gpasid_of, world_gpasid, NULL),
	UNDONE(ioasid_notifier_register, world_set, undo_register, MAY_NOMEM),
	NO_STEP(ioasid_notifier_unregister, setup_unregister, NULL),
	UNDONE(ioasid_register_allocator, world_bare, undo_register_allocator, MAY_NOMEM),
	NO_STEP(ioasid_unregister_allocator, setup_allocator, NULL),
	{.function = NULL},
};
