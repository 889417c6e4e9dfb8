/* SPDX-License-Identifier: MIT */
#include "bench/world.h"

#include <string.h>

#define IOTLB_ENTRIES 8192u

static int make_device(struct bench_world *world, enum vsva_device_kind kind, rid_t guest_rid,
		       struct vsva_device **device, struct vsva_guest_device **assigned)
{
	struct vsva_device_options options = {.kind = kind};
	int err = vsva_device_create(world->machine, &options, device);

	return err ? err : vsva_guest_add_device(world->guest, *device, guest_rid, assigned);
}

static int make_guest(struct bench_world *world, const struct bench_world_options *options)
{
	struct vsva_guest_options guest = {.name = "bench",
					   .memory = BENCH_MEMORY,
					   .pasid_quota = options->pasid_quota,
					   .use_vcmd = options->use_vcmd};
	int err = vsva_guest_create(world->machine, &guest, &world->guest);

	if (!err)
		err = make_device(world, VSVA_DEVICE_DSA, rid(0x18), &world->dsa,
				  &world->guest_dsa);
	if (!err)
		err = make_device(world, VSVA_DEVICE_TEST_ENGINE, rid(0x20), &world->engine,
				  &world->guest_engine);
	return err;
}

/* Touched, so that no page request is measured. */
static int make_area(struct bench_world *world, gva_t *out)
{
	static const uint8_t page[VSVA_PAGE_SIZE] = {1};
	int err = vsva_process_mmap(world->process, gva(0), BENCH_LEN, true, false, out);

	for (uint64_t at = 0; at < BENCH_LEN && !err; at += sizeof(page))
		err = vsva_process_write(world->process, gva(out->v + at), page, sizeof(page));
	return err;
}

static int make_process(struct bench_world *world)
{
	int err = vsva_process_create(world->guest, &world->process);

	for (int i = 0; i < 2 && !err; i++)
		err = make_area(world, &world->small[i]);
	if (!err)
		err = vsva_process_mmap(world->process, gva(0), VSVA_PAGE_SIZE, true, false,
					&world->record);
	if (!err)
		err = vsva_process_bind(world->process, world->guest_dsa);
	return err ? err : vsva_process_bind(world->process, world->guest_engine);
}

int bench_world_create(const struct bench_world_options *options, struct bench_world *out)
{
	struct vsva_machine_options machine = {.cache_policy = options->policy,
					       .seed = 1,
					       .threads = options->threads,
					       .iotlb_entries = IOTLB_ENTRIES};
	int err;

	memset(out, 0, sizeof(*out));
	err = vsva_machine_create(&machine, &out->machine);
	if (!err)
		err = make_guest(out, options);
	return err ? err : make_process(out);
}

void bench_world_destroy(struct bench_world *world)
{
	vsva_guest_destroy(world->guest);
	vsva_machine_destroy(world->machine);
}
