// SPDX-License-Identifier: MIT
/* vsva/machine.h, vsva/device.h and the ring of vsva/trace.h */
#include "trial.h"

RUN(cache_policy_parse)
{
	enum vsva_cache_policy policy;

	(void)w;
	return vsva_cache_policy_parse("lru", &policy);
}

static int create_other(struct fail_world *w, struct vsva_machine_options options)
{
	options.iotlb_entries = 64;
	return vsva_machine_create(&options, &w->other);
}

RUN(machine_create)
{
	return vsva_machine_create(NULL, &w->other);
}

static int run_machine_create_threads(struct fail_world *w)
{
	return create_other(w, (struct vsva_machine_options){.threads = true});
}

static int run_machine_create_bare(struct fail_world *w)
{
	return create_other(w, (struct vsva_machine_options){
				       .bare = true, .cache_policy = VSVA_CACHE_ADVERSARIAL});
}

RUN(machine_destroy)
{
	vsva_machine_destroy(w->other);
	w->other = NULL;
	return 0;
}

static void undo_machine_create(struct fail_world *w)
{
	run_machine_destroy(w);
}

RUN(machine_unit_read)
{
	uint64_t value;

	return vsva_machine_unit_read(w->other, 0, 4, &value);
}

/* Global command: nothing */
RUN(machine_unit_write)
{
	return vsva_machine_unit_write(w->other, 0x18, 4, 0);
}

static unsigned char page[VSVA_PAGE_SIZE] __attribute__((aligned(VSVA_PAGE_SIZE)));

RUN(machine_add_memory)
{
	return vsva_machine_add_memory(w->other, hpa(0), page, sizeof(page), true);
}

RUN(machine_remove_memory)
{
	return vsva_machine_remove_memory(w->other, hpa(0));
}

static void undo_add_memory(struct fail_world *w)
{
	assert_int_equal(run_machine_remove_memory(w), 0);
}

static void setup_remove_memory(struct fail_world *w)
{
	world_other(w);
	assert_int_equal(run_machine_add_memory(w), 0);
}

RUN(machine_reset_unit)
{
	return vsva_machine_reset_unit(w->machine);
}

RUN(machine_trace_start)
{
	return vsva_machine_trace_start(w->machine, 0);
}

RUN(machine_trace_stop)
{
	vsva_machine_trace_stop(w->machine);
	return 0;
}

static void undo_trace_start(struct fail_world *w)
{
	run_machine_trace_stop(w);
}

static void setup_trace(struct fail_world *w)
{
	assert_int_equal(run_machine_trace_start(w), 0);
}

RUN(machine_trace_reader)
{
	return vsva_machine_trace_reader(w->machine, true, &w->reader);
}

RUN(trace_reader_destroy)
{
	vsva_trace_reader_destroy(w->reader);
	w->reader = NULL;
	return 0;
}

static void undo_reader(struct fail_world *w)
{
	run_trace_reader_destroy(w);
}

static void setup_reader(struct fail_world *w)
{
	setup_trace(w);
	assert_int_equal(run_machine_trace_reader(w), 0);
}

RUN(machine_memory)
{
	struct vsva_memory_stats stats;

	vsva_machine_memory(w->machine, &stats);
	return 0;
}

/* Devices */

RUN(device_create)
{
	struct vsva_device_options options = {.kind = VSVA_DEVICE_TEST_ENGINE};

	return vsva_device_create(w->machine, &options, &w->device);
}

static int run_device_create_dsa(struct fail_world *w)
{
	struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA};

	return vsva_device_create(w->machine, &options, &w->device);
}

RUN(device_destroy)
{
	int err = vsva_device_destroy(w->device);

	w->device = NULL;
	return err;
}

static void undo_device_create(struct fail_world *w)
{
	assert_int_equal(run_device_destroy(w), 0);
}

RUN(device_read)
{
	uint64_t value;

	return vsva_device_read(w->accelerator, 0, 0, 8, &value);
}

RUN(device_write)
{
	return vsva_device_write(w->accelerator, 0, 0x10, 8, 0);
}

RUN(device_portal_write)
{
	static const unsigned char descriptor[64];

	return vsva_device_portal_write(w->accelerator, 0, descriptor, false);
}

RUN(device_config_read)
{
	uint32_t value;

	return vsva_device_config_read(w->accelerator, 0, 4, &value);
}

RUN(device_config_write)
{
	return vsva_device_config_write(w->accelerator, 4, 2, 0x6);
}

RUN(device_reset)
{
	vsva_device_reset(w->device);
	return 0;
}

RUN(device_reset_config)
{
	vsva_device_reset_config(w->device);
	return 0;
}

RUN(device_set_gone)
{
	vsva_device_set_gone(w->device, true);
	return 0;
}

static void undo_set_gone(struct fail_world *w)
{
	vsva_device_set_gone(w->device, false);
}

const struct trial machine_trials[] = {
	NO_STEP(cache_policy_parse, world_bare, NULL),
	UNDONE(machine_create, world_bare, undo_machine_create, MAY_NOMEM | MAY_TIMEDOUT),
	VARIANT(machine_create, " with threads", run_machine_create_threads, world_bare,
		.undo = undo_machine_create, .may = MAY_NOMEM | MAY_TIMEDOUT),
	VARIANT(machine_create, " bare", run_machine_create_bare, world_bare,
		.undo = undo_machine_create, .may = MAY_NOMEM),
	NO_STEP(machine_destroy, world_other, NULL),
	NO_STEP(machine_unit_read, world_other, NULL),
	NO_STEP(machine_unit_write, world_other, NULL),
	UNDONE(machine_add_memory, world_other, undo_add_memory, MAY_NOMEM),
	NO_STEP(machine_remove_memory, setup_remove_memory, NULL),
	TRIAL(machine_reset_unit, world_bound, .may = MAY_TIMEDOUT, .neither_if = MAY_TIMEDOUT),
	UNDONE(machine_trace_start, world_bare, undo_trace_start, MAY_NOMEM),
	NO_STEP(machine_trace_stop, setup_trace, NULL),
	UNDONE(machine_trace_reader, setup_trace, undo_reader, MAY_NOMEM),
	NO_STEP(trace_reader_destroy, setup_reader, NULL),
	NO_STEP(machine_memory, world_bound, NULL),
	{.function = NULL},
};

const struct trial device_trials[] = {
	UNDONE(device_create, world_bare, undo_device_create, MAY_NOMEM | MAY_NOSPC),
	VARIANT(device_create, " of an accelerator", run_device_create_dsa, world_bare,
		.undo = undo_device_create, .may = MAY_NOMEM | MAY_NOSPC),
	NO_STEP(device_destroy, world_device, NULL),
	NO_STEP(device_read, world_accelerator, NULL),
	NO_STEP(device_write, world_accelerator, NULL),
	NO_STEP(device_portal_write, world_accelerator, NULL),
	NO_STEP(device_config_read, world_accelerator, NULL),
	NO_STEP(device_config_write, world_accelerator, NULL),
	NO_STEP(device_reset, world_asked, NULL),
	NO_STEP(device_reset_config, world_asked, NULL),
	NO_STEP(device_set_gone, world_device, undo_set_gone),
	{.function = NULL},
};
