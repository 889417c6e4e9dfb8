/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static void observe(void *ledger, const struct vsva_event *event)
{
	ledger_observe(ledger, event);
}

void world_create(struct world *world, enum vsva_cache_policy policy,
		  const struct vsva_guest_options *options)
{
	struct vsva_machine_options machine = {
		.cache_policy = policy, .seed = 7, .observer = observe};
	struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};
	struct vsva_device_options engine = {.kind = VSVA_DEVICE_TEST_ENGINE};

	memset(world, 0, sizeof(*world));
	world->ledger = watch_begin();
	machine.observer_arg = world->ledger;
	assert_int_equal(vsva_machine_create(&machine, &world->machine), 0);
	assert_int_equal(vsva_device_create(world->machine, &dsa, &world->dsa), 0);
	assert_int_equal(vsva_device_create(world->machine, &engine, &world->engine), 0);
	assert_int_equal(vsva_guest_create(world->machine, options, &world->guest), 0);
	assert_int_equal(vsva_guest_add_device(world->guest, world->dsa, rid(0x30), &world->gdsa),
			 0);
	assert_int_equal(
		vsva_guest_add_device(world->guest, world->engine, rid(0x38), &world->gengine), 0);
}

void world_destroy(struct world *world)
{
	struct vsva_iommu_stats stats;

	vsva_guest_destroy(world->guest);
	vsva_iommu_get_stats(vsva_machine_iommu(world->machine), &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(stats.requests_pending_now, 0);
	vsva_machine_destroy(world->machine);
	watch_end(world->ledger);
}

static uint8_t byte_at(uint64_t index, uint8_t seed)
{
	return (uint8_t)(seed + index * 7 + (index >> 12) * 13);
}

gva_t world_empty(struct vsva_process *process, uint64_t len)
{
	gva_t address;

	assert_int_equal(vsva_process_mmap(process, gva(0), len, true, false, &address), 0);
	return address;
}

gva_t world_buffer(struct vsva_process *process, uint64_t len, uint8_t seed)
{
	gva_t address = world_empty(process, len);
	uint8_t *bytes = malloc(len);

	for (uint64_t i = 0; i < len; i++)
		bytes[i] = byte_at(i, seed);
	assert_int_equal(vsva_process_write(process, address, bytes, len), 0);
	free(bytes);
	return address;
}

bool world_holds(struct vsva_process *process, gva_t address, uint64_t len, uint8_t seed)
{
	uint8_t *bytes = malloc(len);
	bool same = true;

	assert_int_equal(vsva_process_read(process, address, bytes, len), 0);
	for (uint64_t i = 0; i < len && same; i++)
		same = bytes[i] == byte_at(i, seed);
	free(bytes);
	return same;
}

int world_copy(struct vsva_process *process, struct vsva_guest_device *dsa, struct world_copy *copy)
{
	gva_t completion = world_empty(process, VSVA_PAGE_SIZE);
	uint32_t flags = VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION |
			 (copy->no_block_on_fault ? 0 : VSVA_DSA_BLOCK_ON_FAULT);
	struct vsva_dsa_descriptor descriptor = {
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | flags,
		.completion = completion.v,
		.source = copy->from.v,
		.destination = copy->to.v,
		.size = copy->len,
	};
	int err = vsva_process_submit(process, dsa, &descriptor, copy->shared);

	if (err)
		return err;
	return vsva_process_wait(process, completion, &copy->record);
}
