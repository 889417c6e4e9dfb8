// SPDX-License-Identifier: MIT
/*
 * Every three of what may happen to a PASID that a virtual processor submits with, interleaved. The
 * device is told of a PASID that is freed after KVM, and takes nothing under it from then on. For its
 * arguments see triples.h.
 */
#include <errno.h>

#include "../host/kvm_world.h"
#include "base/alloc.h"
#include "base/rcu.h"
#include "triples.h"

#define GUEST    5u
#define IDS_BITS 6u

struct world {
	struct kvm_world k;
	size_t bytes_before;
	hpasid_t id;
	struct ioasid_binding first, second; /* on two devices */
	bool has_second;
	struct vsva_ioasid_notifier *device;

	/* told before what gives a right and after what takes it */
	int users;       /* of the PASID */
	bool is_freed;   /* so that bindings are none any more */
	bool is_drained; /* the device has been told */
	bool is_stopped; /* KVM is */
};

/* The device */

static int submit(void *arg, hpasid_t host)
{
	struct world *w = arg;

	SEAM_FLAG_READ("device");
	EXPLORE_CHECK(host.v == w->id.v);
	if (w->is_drained)
		explore_fail("a command under a PASID that was freed and drained");
	if (w->is_stopped)
		explore_fail("a command of a KVM that was stopped");
	return 0;
}

static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	(void)arg;
	(void)event;
}

static void on_reclaim(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct world *w = arg;

	(void)events;
	EXPLORE_CHECK(count == 1);
	SEAM_FLAG_WRITE("device");
	w->is_drained = true;
}

/* Life */

static void *setup(uint64_t seed)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = on_event,
								 .reclaim = on_reclaim};
	struct world *w = calloc(1, sizeof(*w));

	(void)seed;
	EXPLORE_CHECK(w);
	w->bytes_before = base_bytes_in_use();
	kvm_world_create(&w->k, WORKERS_THREADS, IDS_BITS);
	w->k.device.hook = submit;
	w->k.device.hook_arg = w;
	w->id = kvm_world_alloc(&w->k);
	kvm_world_bind(&w->k, &w->first, w->id, GUEST);
	w->users = 1;
	EXPLORE_CHECK(vsva_ioasid_notifier_register(w->k.space, &w->k.token,
						    VSVA_IOASID_PRIORITY_DEVICE, &subscriber, w,
						    &w->device) == 0);
	return w;
}

/* It has a translation if and only if it ought to. */
static void check(void *world)
{
	struct world *w = world;
	bool ought = w->users && !w->is_freed && !w->is_stopped;
	hpasid_t host;

	worker_pool_run_idle(w->k.pool, 1000);
	EXPLORE_CHECK(vsva_kvm_translates(w->k.kvm, gpasid(GUEST), &host) == ought);
	EXPLORE_CHECK(w->is_drained == w->is_freed);
	kvm_world_enqcmd_as(&w->k, GUEST);
}

static void teardown(void *world)
{
	struct world *w = world;
	size_t bytes_before = w->bytes_before;

	kvm_world_unbind(&w->k, &w->first);
	if (w->has_second)
		kvm_world_unbind(&w->k, &w->second);
	EXPLORE_CHECK(vsva_ioasid_notifier_unregister(w->device) == 0);
	kvm_world_destroy(&w->k);
	rcu_barrier();
	if (base_bytes_in_use() != bytes_before)
		explore_fail("%ld bytes are left", (long)(base_bytes_in_use() - bytes_before));
	free(w);
}

/* Actors */

static void bind_second(void *world)
{
	struct world *w = world;

	w->second = (struct ioasid_binding){.id = w->id, .guest = gpasid(GUEST)};
	if (ioasid_reserve(w->k.set, &w->second))
		return;
	w->has_second = true;
	w->users++;
	if (ioasid_activate(w->k.set, &w->second, VSVA_IOASID_GUEST_PASID))
		w->users--;
}

static void unbind_first(void *world)
{
	struct world *w = world;

	ioasid_deactivate(w->k.set, &w->first);
	w->users--;
}

static void free_id(void *world)
{
	struct world *w = world;

	EXPLORE_CHECK(vsva_ioasid_free(w->k.set, w->id) == 0);
	w->is_freed = true;
}

/* Nobody uses it when the instruction begins, and nobody has begun to when it ends. */
static void enqcmd(void *world)
{
	struct world *w = world;
	bool was_used = w->users > 0 && !w->is_freed;
	int result = kvm_world_enqcmd_as(&w->k, GUEST);

	if (result != -ENOENT && !was_used && !w->users)
		explore_fail("a command under a PASID that is not bound");
}

static void stop(void *world)
{
	struct world *w = world;

	EXPLORE_CHECK(vsva_kvm_stop(w->k.kvm) == 0);
	w->is_stopped = true;
}

static void resolve(void *world)
{
	struct world *w = world;

	vsva_kvm_resolve(w->k.kvm, w->k.set, gpasid(GUEST));
}

static const struct explore_actor actors[] = {
	{"bind", bind_second}, {"unbind", unbind_first}, {"free", free_id},
	{"enqcmd", enqcmd},    {"stop", stop},           {"resolve", resolve},
};

static const struct triples_world triples_world = {
	.prefix = "",
	.actors = actors,
	.actor_count = ARRAY_LEN(actors),
	.base = {.setup = setup,
		 .check = check,
		 .teardown = teardown,
		 .points = EXPLORE_POINTS_SILICON},
};

/* Negative controls */
static const struct triples_plant plants[] = {
	{"a grace period left out is found",
	 {"free", "enqcmd", "resolve"},
	 .sabotage.skip_grace_periods = true,
	 .verdict = EXPLORE_FAILED},
	{"a KVM without lock is found",
	 {"bind", "unbind", "stop"},
	 .sabotage.no_lock = "KVM",
	 .verdict = EXPLORE_FAILED},
};

static void set_plant(unsigned plant)
{
	(void)plant;
}

int main(int argc, char **argv)
{
	static const struct triples_suite suite = {
		.worlds = &triples_world,
		.world_count = 1,
		.plants = plants,
		.plant_count = ARRAY_LEN(plants),
		.set_plant = set_plant,
		.plan = {.preemptions = 1, .schedules_max = 200},
		.plant_plan = {.preemptions = 2, .schedules_max = 20000},
	};

	return triples_main(&suite, argc, argv);
}
