// SPDX-License-Identifier: MIT
/* vsva/inspect.h, vsva/walk.h, vsva/describe.h: who only looks takes no step. */
#include "trial.h"
#include "vsva/describe.h"
#include "vsva/walk.h"

RUN(inspect_unit)
{
	struct vsva_unit_info info;

	return vsva_inspect_unit(w->machine, 1, &info);
}

RUN(inspect_memory)
{
	uint64_t word;

	return vsva_inspect_memory(w->machine, 1, WORLD_GPA.v, &word, 1);
}

RUN(inspect_descriptors)
{
	uint64_t counts[VSVA_DESCRIPTOR_TYPES];

	return vsva_inspect_descriptors(w->machine, 1, counts);
}

RUN(inspect_vm_stats)
{
	struct vsva_vm_stats stats;

	return vsva_inspect_vm_stats(w->machine, 1, &stats);
}

RUN(inspect_device_stats)
{
	struct vsva_device_stats stats;

	return vsva_inspect_device_stats(w->machine, vsva_device_rid(w->accelerator), &stats);
}

static bool read_nothing(void *arg, uint64_t address, void *buf, size_t len)
{
	(void)arg;
	(void)address;
	(void)buf;
	(void)len;
	return false;
}

RUN(walk)
{
	static struct vsva_walk_result result;
	const struct vsva_walk_unit unit = {.translating = true, .haw = 46, .read = read_nothing};
	const struct vsva_walk_request request = {.pasid = VSVA_PASID_INVALID, .read = true};

	vsva_walk(&unit, &request, &result);
	w->extra = result.step_count;
	return result.cause != VSVA_CODE_NONE ? 0 : -EIO;
}

RUN(walk_step_name)
{
	const struct vsva_walk_step step = {.kind = VSVA_WALK_ROOT};
	char text[64];

	(void)w;
	return vsva_walk_step_name(&step, text, sizeof(text)) > 0 ? 0 : -EIO;
}

RUN(walk_step_meaning)
{
	const struct vsva_walk_step step = {.kind = VSVA_WALK_ROOT, .readable = true, .words = 2};
	char text[64];

	(void)w;
	return vsva_walk_step_meaning(&step, text, sizeof(text)) >= 0 ? 0 : -EIO;
}

static const uint64_t words[VSVA_LAYOUT_WORDS_MAX] = {1};

RUN(describe_field)
{
	struct vsva_field field;

	(void)w;
	return vsva_describe_field(vsva_layout_find("pasid_entry"), words, 0, &field);
}

RUN(describe_field_named)
{
	struct vsva_field field;

	(void)w;
	return vsva_describe_field_named(vsva_layout_find("pasid_entry"), words, "P", &field);
}

RUN(describe_line)
{
	char text[64];

	(void)w;
	return vsva_describe_line(vsva_layout_find("pasid_entry"), words, text, sizeof(text)) > 0
		       ? 0
		       : -EIO;
}

const struct trial look_trials[] = {
	NO_STEP(inspect_unit, world_process_bound, NULL),
	NO_STEP(inspect_memory, world_process_bound, NULL),
	NO_STEP(inspect_descriptors, world_process_bound, NULL),
	NO_STEP(inspect_vm_stats, world_process_bound, NULL),
	NO_STEP(inspect_device_stats, world_process_bound, NULL),
	NO_STEP(walk, world_bare, NULL),
	NO_STEP(walk_step_name, world_bare, NULL),
	NO_STEP(walk_step_meaning, world_bare, NULL),
	NO_STEP(describe_field, world_bare, NULL),
	NO_STEP(describe_field_named, world_bare, NULL),
	NO_STEP(describe_line, world_bare, NULL),
	{.function = NULL},
};
