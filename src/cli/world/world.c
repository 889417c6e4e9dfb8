/* SPDX-License-Identifier: MIT */
#include "cli/world/world.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cli/control/control.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "cli/trace/record.h"

/* Watching */

#define COUNT(counter) __atomic_fetch_add(&(counter), 1, __ATOMIC_RELAXED)

static void count_refusals(struct world *world, const struct vsva_event *event)
{
	if (event->kind == VSVA_EV_BIND_DONE && event->result)
		COUNT(world->binds_refused);
	if (event->kind == VSVA_EV_PAGE_RESPONSE && event->value)
		COUNT(world->pages_refused);
}

static void observe(void *arg, const struct vsva_event *event)
{
	struct world *world = arg;
	struct hop hop = {.event = *event, .vm = event->vm, .guest = event->gpasid};

	ledger_observe(world->ledger, event);
	groups_observe(world->groups, event);
	count_refusals(world, event);
	if (world->options.hops != TELL_HOPS_NONE) {
		hop.has_gpa = ledger_gpa_of(world->ledger, event, &hop.gpa);
		if (event->hpasid.v != VSVA_PASID_INVALID)
			ledger_owner_of(world->ledger, event->hpasid, &hop.vm, &hop.guest);
	}
	recorder_add(world->recorder, &hop);
}

/* An access that was not allowed; the thread that made it may hold locks of the library, not of
 * stdio. */
static void report_violation(void *arg, const char *text)
{
	struct world *world = arg;

	world->teller->ops->violation(world->teller, text);
}

void world_tell_hops(struct world *world)
{
	size_t count;
	struct hop *hops = recorder_fetch(world->recorder, &count);

	for (size_t i = 0; i < count; i++) {
		/* a host PASID that was nobody's when it was allocated */
		if (!hops[i].vm && hops[i].event.hpasid.v != VSVA_PASID_INVALID)
			ledger_owner_of(world->ledger, hops[i].event.hpasid, &hops[i].vm,
					&hops[i].guest);
		world->teller->ops->hop(world->teller, &hops[i]);
	}
	free(hops);
	progress_tell("%s: %" PRIu64 " hops, %" PRIu64 " expectations", world->options.scenario,
		      recorder_total(world->recorder), world->expectations);
}

/* Life */

static struct teller *make_teller(struct world *world)
{
	const struct world_options *options = &world->options;
	struct tell_text_options text = {
		.out = stdout, .in_colour = options->in_colour, .quiet = options->quiet};

	if (options->json)
		return tell_json_create(&world->names, stdout);
	return tell_text_create(&world->names, &text, options->hops);
}

struct world *world_create(const struct world_options *options)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		return NULL;
	world->options = *options;
	world->cache_policy = options->cache_policy;
	world->seed = world->random = options->seed;
	world->ledger = ledger_create(report_violation, world);
	world->groups = groups_create();
	world->recorder = recorder_create(options->hops != TELL_HOPS_NONE);
	world->teller = make_teller(world);
	if (world->ledger && world->groups && world->recorder && world->teller)
		return world;
	world_destroy(world);
	return NULL;
}

static void end_guests_and_processes(struct world *world)
{
	for (struct world_guest *guest = world->guests; guest; guest = guest->next)
		if (guest->guest)
			world_kill_guest(guest);
	for (struct world_process *process = world->processes; process; process = process->next)
		if (process->mm)
			world_exit_process(process);
}

/* Whoever has them lets go; the machine destroys them. */
static void release_devices(struct world *world)
{
	for (struct world_device *device = world->devices; device; device = device->next) {
		vsva_mdev_destroy(device->mdev);
		device->mdev = NULL;
	}
	for (struct world_device *device = world->devices; device; device = device->next) {
		if (device->native)
			native_device_destroy(device->native);
		vsva_vdcm_destroy(device->vdcm);
		device->native = NULL;
		device->vdcm = NULL;
		device->device = NULL;
	}
}

static void end_trace(struct world *world)
{
	uint64_t lost = trace_record_finish(world->trace_record, &world->names);

	world->trace_record = NULL;
	if (lost)
		complain(VSVA_CODE_EVENTS_LOST,
			 "%" PRIu64 " events came faster than they could be written", lost);
}

static void destroy_machine(struct world *world)
{
	if (world->options.control)
		control_set_machine(world->options.control, NULL);
	end_guests_and_processes(world);
	release_devices(world);
	vsva_machine_destroy(world->machine);
	world->machine = NULL;
	end_trace(world);
}

#define FREE_LIST(list)                                                                            \
	while (list) {                                                                             \
		void *record_ = (list);                                                            \
		(list) = (list)->next;                                                             \
		free(record_);                                                                     \
	}

void world_destroy(struct world *world)
{
	if (!world)
		return;
	destroy_machine(world);
	FREE_LIST(world->devices)
	FREE_LIST(world->guests)
	FREE_LIST(world->processes)
	if (world->teller)
		world->teller->ops->destroy(world->teller);
	recorder_destroy(world->recorder);
	groups_destroy(world->groups);
	ledger_destroy(world->ledger);
	names_fini(&world->names);
	free(world);
}

int world_make_machine(struct world *world, enum vsva_cache_policy policy, uint64_t seed,
		       bool threads, uint32_t iotlb_entries)
{
	struct vsva_machine_options options = {
		.cache_policy = policy,
		.seed = seed,
		.threads = threads,
		.iotlb_entries = iotlb_entries,
		.observer = observe,
		.observer_arg = world,
	};

	int err;

	if (world->machine)
		return -EEXIST;
	world->cache_policy = policy;
	world->seed = world->random = seed;
	world->has_threads = threads;
	err = vsva_machine_create(&options, &world->machine);
	if (!err && world->options.trace)
		err = trace_record_start(world->machine, world->options.trace,
					 &world->trace_record);
	if (!err && world->options.control)
		control_set_machine(world->options.control, world->machine);
	return err;
}

/* splitmix64 */
uint64_t world_random(struct world *world, uint64_t n)
{
	uint64_t z = (world->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return n ? z % n : z;
}

/* The end */

static uint64_t count(const struct world *world, enum vsva_event_kind kind)
{
	return recorder_count(world->recorder, kind);
}

static void count_events(const struct world *world, struct summary *s)
{
	s->hops = recorder_total(world->recorder);
	s->hops_dropped = recorder_dropped(world->recorder);
	s->page_requests = count(world, VSVA_EV_PAGE_REQUEST);
	s->page_responses = count(world, VSVA_EV_PAGE_RESPONSE);
	s->pages_refused = world->pages_refused;
	s->binds = count(world, VSVA_EV_BIND_DONE) - world->binds_refused;
	s->binds_refused = world->binds_refused;
	s->unbinds = count(world, VSVA_EV_UNBIND_DONE);
	s->faults = count(world, VSVA_EV_FAULT);
}

static void count_ledger(const struct world *world, struct summary *s)
{
	struct ledger_counts counts;

	ledger_get_counts(world->ledger, &counts);
	s->accesses = counts.accesses;
	s->violations = counts.violations;
	s->ledger_is_blind = counts.is_blind;
	s->pasids_allocated = counts.pasids_allocated;
	s->pasids_leaked = counts.pasids_allocated - counts.pasids_freed;
	s->bound_left = counts.bound_now;
}

static void count_groups(const struct world *world, struct summary *s)
{
	struct groups_counts counts;

	groups_get_counts(world->groups, &counts);
	s->groups_open = counts.open;
	s->groups_wrong = counts.wrong;
}

static bool is_clean(const struct summary *s)
{
	return !s->expectations_failed && !s->violations && !s->ledger_is_blind &&
	       !s->pasids_leaked && !s->bound_left && !s->groups_open && !s->groups_wrong;
}

int world_end(struct world *world, int status)
{
	struct summary summary = {.scenario = world->options.scenario,
				  .cache_policy = vsva_cache_policy_name(world->cache_policy),
				  .seed = world->seed,
				  .expectations = world->expectations,
				  .expectations_failed = world->expectations_failed};

	end_guests_and_processes(world);
	if (world->machine)
		vsva_machine_unit_stats(world->machine, &summary.unit);
	destroy_machine(world);
	world_tell_hops(world);
	count_events(world, &summary);
	count_ledger(world, &summary);
	count_groups(world, &summary);
	summary.status = status ? status : (is_clean(&summary) ? CLI_OK : CLI_FAILED);
	/* where nothing was run, there is nothing to sum up; machines get their last line all the
	 * same */
	if (world->options.json || status == CLI_OK || status == CLI_FAILED)
		world->teller->ops->summary(world->teller, &summary);
	return summary.status;
}
