// SPDX-License-Identifier: MIT
/* The physical unit is reset under running guests: what was bound goes on, what was under way in the
 * unit fails, nothing hangs and nothing leaks. */
#include <errno.h>
#include <string.h>

#include "world.h"

#define LEN   (64u * 4096u)
#define MOVE  ((uint32_t)VSVA_DSA_MEMMOVE << 24 | 0xe)
#define STEPS 200000u

struct work {
	struct vsva_dsa_descriptor descriptor;
	gva_t completion;
};

static const enum vsva_cache_policy policies[] = {VSVA_CACHE_LRU, VSVA_CACHE_NEVER,
						  VSVA_CACHE_RANDOM, VSVA_CACHE_ADVERSARIAL};

static struct vsva_process *bound_process(struct world *world)
{
	struct vsva_process *process;

	assert_int_equal(vsva_process_create(world->guest, &process), 0);
	assert_int_equal(vsva_process_bind(process, world->gdsa), 0);
	return process;
}

static void submit(struct world *world, struct vsva_process *process, struct work *work)
{
	memset(work, 0, sizeof(*work));
	work->completion = world_buffer(process, 4096, 0);
	work->descriptor = (struct vsva_dsa_descriptor){
		.flags_opcode = MOVE,
		.size = LEN,
		.completion = work->completion.v,
		.source = world_buffer(process, LEN, 1).v,
		.destination = world_empty(process, LEN).v,
	};
	assert_int_equal(vsva_process_write(process, work->completion, &(uint64_t){0}, 8), 0);
	assert_int_equal(vsva_process_submit(process, world->gdsa, &work->descriptor, false), 0);
}

static void expect_copies_work(struct world *world, struct vsva_process *process)
{
	struct world_copy copy = {.len = LEN};

	copy.from = world_buffer(process, LEN, 7);
	copy.to = world_empty(process, LEN);
	assert_int_equal(world_copy(process, world->gdsa, &copy), VSVA_DSA_SUCCESS);
	assert_true(world_holds(process, copy.to, LEN, 7));
}

static void test_bindings_outlive_a_unit_reset(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct vsva_iommu_stats stats;
		struct vsva_process *process;
		struct world world;

		world_create(&world, policies[i], NULL);
		process = bound_process(&world);
		expect_copies_work(&world, process);
		for (unsigned round = 0; round < 3; round++) {
			assert_int_equal(vsva_machine_reset_unit(world.machine), 0);
			expect_copies_work(&world, process);
		}
		vsva_iommu_get_stats(vsva_machine_iommu(world.machine), &stats);
		assert_int_equal(stats.bound_now, 1);
		assert_int_equal(stats.requests_pending_now, 0);
		world_destroy(&world);
	}
}

/* At every point of a copy with page requests: at the device, in the unit's queue, in the host, in
 * the guest. The job ends one way or the other, each group that was reported is answered, and the
 * next copy is right. */
static void test_unit_reset_at_any_point_of_a_copy(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 120; at += 3) {
		struct vsva_iommu_stats stats;
		struct vsva_process *process;
		struct work work;
		struct world world;
		int status;

		world_create(&world, policies[at / 3 % 4], NULL);
		process = bound_process(&world);
		submit(&world, process, &work);
		for (unsigned step = 0; step < at; step++)
			vsva_machine_step(world.machine);
		assert_int_equal(vsva_machine_reset_unit(world.machine), 0);
		status = vsva_process_wait(process, work.completion, NULL);
		if (status == VSVA_DSA_SUCCESS)
			assert_true(world_holds(process, gva(work.descriptor.destination), LEN, 1));
		vsva_machine_run_idle(world.machine, STEPS);
		expect_copies_work(&world, process);
		vsva_iommu_get_stats(vsva_machine_iommu(world.machine), &stats);
		assert_int_equal(stats.requests_pending_now, 0);
		world_destroy(&world);
	}
}

/* The guest that was asked answers too late: no harm. */
static void test_unit_reset_with_a_silent_guest(void **state)
{
	struct vsva_guest_options options = {.silent_handler = true};
	struct vsva_iommu_stats stats;
	struct vsva_process *process;
	struct work work;
	struct world world;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, &options);
	process = bound_process(&world);
	submit(&world, process, &work);
	vsva_machine_run_idle(world.machine, STEPS);
	vsva_iommu_get_stats(vsva_machine_iommu(world.machine), &stats);
	assert_true(stats.requests_pending_now > 0);
	assert_int_equal(vsva_machine_reset_unit(world.machine), 0);
	vsva_machine_run_idle(world.machine, STEPS);
	vsva_iommu_get_stats(vsva_machine_iommu(world.machine), &stats);
	assert_int_equal(stats.requests_pending_now, 0);
	world_destroy(&world);
}

static void test_unit_reset_refuses_nothing_to_do(void **state)
{
	struct vsva_machine *machine;

	(void)state;
	assert_int_equal(vsva_iommu_reset(NULL, NULL, NULL), -EINVAL);
	assert_int_equal(vsva_machine_create(NULL, &machine), 0);
	assert_int_equal(vsva_iommu_reset(vsva_machine_iommu(machine), NULL, NULL), -EINVAL);
	assert_int_equal(vsva_machine_reset_unit(machine), 0);
	vsva_machine_destroy(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bindings_outlive_a_unit_reset),
		cmocka_unit_test(test_unit_reset_at_any_point_of_a_copy),
		cmocka_unit_test(test_unit_reset_with_a_silent_guest),
		cmocka_unit_test(test_unit_reset_refuses_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
