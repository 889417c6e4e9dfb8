// SPDX-License-Identifier: MIT
/* Guests that let go in the wrong order, or not at all: a PASID freed before it is unbound, under
 * both policies; an IOMMU set up again over living bindings; a guest that spins in its queue while
 * its own page requests are pending. */
#include <errno.h>
#include <string.h>

#include "world.h"

#include "vmm/vm.h"

#include "vtd/registers.h"

#define LEN   (32u * 4096u)
#define MOVE  ((uint32_t)VSVA_DSA_MEMMOVE << 24 | 0xe)
#define STEPS 200000u

static const enum vsva_cache_policy policies[] = {VSVA_CACHE_LRU, VSVA_CACHE_NEVER,
						  VSVA_CACHE_RANDOM, VSVA_CACHE_ADVERSARIAL};

#define FOR_EACH_POLICIES(cache, freeing)                                                          \
	for (size_t i_ = 0; i_ < 8; i_++)                                                          \
		for (enum vsva_cache_policy cache = policies[i_ / 2], once_ = 1; once_; once_ = 0) \
			for (enum vsva_free_policy freeing = (enum vsva_free_policy)(i_ % 2),      \
						   also_ = 1;                                      \
			     also_; also_ = 0)

static struct vsva_process *bound_process(struct world *world)
{
	struct vsva_process *process;

	assert_int_equal(vsva_process_create(world->guest, &process), 0);
	assert_int_equal(vsva_process_bind(process, world->gdsa), 0);
	return process;
}

static void submit_copy(struct world *world, struct vsva_process *process, gva_t *completion,
			bool shared)
{
	struct vsva_dsa_descriptor descriptor = {.flags_opcode = MOVE, .size = LEN};

	*completion = world_empty(process, 4096);
	descriptor.source = world_buffer(process, LEN, 1).v;
	descriptor.destination = world_empty(process, LEN).v;
	descriptor.completion = completion->v;
	assert_int_equal(vsva_process_submit(process, world->gdsa, &descriptor, shared), 0);
}

static void expect_copies_work(struct world *world, struct vsva_process *process, uint8_t seed)
{
	struct world_copy copy = {.len = LEN};

	copy.from = world_buffer(process, LEN, seed);
	copy.to = world_empty(process, LEN);
	assert_int_equal(world_copy(process, world->gdsa, &copy), VSVA_DSA_SUCCESS);
	assert_true(world_holds(process, copy.to, LEN, seed));
}

static void expect_idle_host(struct world *world, unsigned bound)
{
	struct vsva_iommu_stats stats;

	vsva_machine_run_idle(world->machine, STEPS);
	vsva_iommu_get_stats(vsva_machine_iommu(world->machine), &stats);
	assert_int_equal(stats.bound_now, bound);
	assert_int_equal(stats.requests_pending_now, 0);
}

/* The number is another's as soon as it is free; nothing of the old life is left under it. */
static void test_guest_frees_a_bound_pasid(void **state)
{
	(void)state;
	FOR_EACH_POLICIES(cache, freeing)
	{
		struct vsva_guest_options options = {.use_vcmd = true, .free_policy = freeing};
		struct vsva_process *first, *second;
		struct world world;
		hpasid_t host, other;
		gpasid_t guest;

		world_create(&world, cache, &options);
		first = bound_process(&world);
		expect_copies_work(&world, first, 1);
		guest = vsva_process_pasid(first);
		assert_int_equal(vsva_vm_hpasid(vsva_guest_vm(world.guest), guest, &host), 0);
		assert_int_equal(vsva_process_free_pasid(first), 0);
		assert_int_equal(vsva_vm_hpasid(vsva_guest_vm(world.guest), guest, &other),
				 -ENOENT);
		expect_idle_host(&world, 0);
		second = bound_process(&world);
		expect_copies_work(&world, second, 2);
		/* the late unbind */
		vsva_process_exit(first);
		expect_copies_work(&world, second, 3);
		expect_idle_host(&world, 1);
		world_destroy(&world);
	}
}

/* With work in flight and page requests asked, at every point. */
static void test_guest_frees_with_work_in_flight(void **state)
{
	(void)state;
	FOR_EACH_POLICIES(cache, freeing)
	{
		for (unsigned at = 0; at < 40; at += 7) {
			struct vsva_guest_options options = {.use_vcmd = true,
							     .free_policy = freeing};
			struct vsva_process *first, *second;
			struct world world;
			gva_t completion;

			world_create(&world, cache, &options);
			first = bound_process(&world);
			submit_copy(&world, first, &completion, at & 1);
			for (unsigned step = 0; step < at; step++)
				vsva_machine_step(world.machine);
			assert_int_equal(vsva_process_free_pasid(first), 0);
			expect_idle_host(&world, 0);
			vsva_process_exit(first);
			second = bound_process(&world);
			expect_copies_work(&world, second, 2);
			world_destroy(&world);
		}
	}
}

/* A guest that answers nothing: the free does not wait for it. */
static void test_silent_guest_frees_a_bound_pasid(void **state)
{
	(void)state;
	FOR_EACH_POLICIES(cache, freeing)
	{
		struct vsva_guest_options options = {
			.use_vcmd = true, .free_policy = freeing, .silent_handler = true};
		struct vsva_iommu_stats stats;
		struct vsva_process *process;
		struct world world;
		gva_t completion;

		world_create(&world, cache, &options);
		process = bound_process(&world);
		submit_copy(&world, process, &completion, false);
		vsva_machine_run_idle(world.machine, STEPS);
		vsva_iommu_get_stats(vsva_machine_iommu(world.machine), &stats);
		assert_true(stats.requests_pending_now > 0);
		assert_int_equal(vsva_process_free_pasid(process), 0);
		expect_idle_host(&world, 0);
		world_destroy(&world);
	}
}

static void test_free_pasid_refuses(void **state)
{
	struct vsva_guest_options options = {.use_vcmd = true};
	struct vsva_process *process;
	struct world world;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	process = bound_process(&world);
	assert_int_equal(vsva_process_free_pasid(process), -ENODEV);
	world_destroy(&world);
	world_create(&world, VSVA_CACHE_LRU, &options);
	assert_int_equal(vsva_process_create(world.guest, &process), 0);
	assert_int_equal(vsva_process_free_pasid(process), -ENOENT);
	assert_int_equal(vsva_process_bind(process, world.gdsa), 0);
	assert_int_equal(vsva_process_free_pasid(process), 0);
	assert_int_equal(vsva_process_free_pasid(process), -ENOENT);
	assert_int_equal(vsva_process_unbind(process, world.gdsa), 0);
	assert_int_equal(vsva_process_free_pasid(process), -ENOENT);
	world_destroy(&world);
}

/* A process keeps its PASID when it is bound nowhere; one that it has freed it has not any more. */
static void test_process_keeps_its_pasid_until_it_frees_it(void **state)
{
	struct vsva_guest_options options = {.use_vcmd = true};
	struct vsva_vm_stats stats;
	struct vsva_process *process;
	struct world world;
	gpasid_t first;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, &options);
	process = bound_process(&world);
	first = vsva_process_pasid(process);
	assert_int_equal(vsva_process_unbind(process, world.gdsa), 0);
	assert_int_equal(vsva_process_bind(process, world.gdsa), 0);
	assert_int_equal(vsva_process_pasid(process).v, first.v);
	assert_int_equal(vsva_process_unbind(process, world.gdsa), 0);
	assert_int_equal(vsva_process_free_pasid(process), 0);
	assert_int_equal(vsva_process_pasid(process).v, VSVA_PASID_INVALID);
	assert_int_equal(vsva_process_bind(process, world.gdsa), 0);
	expect_copies_work(&world, process, 1);
	vsva_vm_get_stats(vsva_guest_vm(world.guest), &stats);
	assert_int_equal(stats.vcmd_allocs, 2);
	assert_int_equal(stats.vcmd_frees, 1);
	assert_int_equal(stats.refused_binds, 0);
	world_destroy(&world);
}

/* Many times over: the quota comes back, numbers do not run out. */
static void test_free_before_unbind_leaks_no_quota(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 2; policy++) {
		struct vsva_guest_options options = {.use_vcmd = true,
						     .pasid_quota = 4,
						     .free_policy = (enum vsva_free_policy)policy};
		struct vsva_vm_stats stats;
		struct world world;

		world_create(&world, VSVA_CACHE_RANDOM, &options);
		for (unsigned round = 0; round < 50; round++) {
			struct vsva_process *process = bound_process(&world);

			expect_copies_work(&world, process, (uint8_t)round);
			assert_int_equal(vsva_process_free_pasid(process), 0);
			vsva_process_exit(process);
		}
		expect_idle_host(&world, 0);
		vsva_vm_get_stats(vsva_guest_vm(world.guest), &stats);
		assert_int_equal(stats.pasids_now, 0);
		assert_int_equal(stats.refused_binds, 0);
		world_destroy(&world);
	}
}

static void command(struct world *world, uint32_t bits)
{
	vsva_guest_mmio_write(world->guest, VTD_REG_GCMD, 4, bits);
	vsva_machine_run_idle(world->machine, STEPS);
}

/* Translation off, the root table set again, translation on, with everything bound: as a kernel that
 * was started by another without an unbind. */
static void test_guest_sets_its_iommu_up_again(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct vsva_process *process;
		struct world world;
		uint64_t status;

		world_create(&world, policies[i], NULL);
		process = bound_process(&world);
		expect_copies_work(&world, process, 1);
		assert_int_equal(
			vsva_viommu_read(vsva_guest_vm(world.guest), VTD_REG_GSTS, 4, &status), 0);
		status &= VTD_GCMD_LEVEL_BITS;
		command(&world, (uint32_t)vtd_without(status, VTD_GCMD_TE));
		expect_idle_host(&world, 0);
		command(&world, (uint32_t)(vtd_without(status, VTD_GCMD_TE) | VTD_GCMD_SRTP));
		command(&world, (uint32_t)status);
		expect_idle_host(&world, 1);
		expect_copies_work(&world, process, 2);
		world_destroy(&world);
	}
}

/* Unbind in a guest whose handler stands still: its wait descriptor completes all the same, because
 * the host answers what is pending. */
static void test_guest_spins_in_its_queue_while_requests_are_pending(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct vsva_guest_options options = {.silent_handler = true};
		struct vsva_process *process;
		struct world world;
		gva_t completion;

		world_create(&world, policies[i], &options);
		process = bound_process(&world);
		submit_copy(&world, process, &completion, true);
		vsva_machine_run_idle(world.machine, STEPS);
		assert_int_equal(vsva_process_unbind(process, world.gdsa), 0);
		expect_idle_host(&world, 0);
		world_destroy(&world);
	}
}

/* A number that the host is taking back is not programmed in a queue: nothing would keep it. */
static void test_queue_gets_no_pasid_that_goes_back(void **state)
{
	const gpasid_t guest = {900};
	struct pasid_mention *bind, *queue;
	struct vsva_ioasid_space *space;
	struct world world;
	struct vsva_vm *vm;
	hpasid_t host;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	vm = vsva_guest_vm(world.guest);
	space = vsva_ioasid_set_space(vm->set);
	assert_int_equal(pasid_map_get(vm, guest, MENTION_BIND, &bind), 0);
	assert_int_equal(pasid_map_lookup(vm, guest, &host), 0);
	assert_int_equal(vsva_ioasid_get(space, vm->set, host), 0);
	assert_int_equal(vsva_ioasid_free(vm->set, host), 0);
	assert_int_equal(pasid_map_get(vm, guest, MENTION_QUEUE, &queue), -ENOENT);
	vsva_ioasid_put(space, host);
	pasid_map_put(vm, bind, MENTION_BIND);
	world_destroy(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_gets_no_pasid_that_goes_back),
		cmocka_unit_test(test_guest_frees_a_bound_pasid),
		cmocka_unit_test(test_guest_frees_with_work_in_flight),
		cmocka_unit_test(test_silent_guest_frees_a_bound_pasid),
		cmocka_unit_test(test_free_pasid_refuses),
		cmocka_unit_test(test_process_keeps_its_pasid_until_it_frees_it),
		cmocka_unit_test(test_free_before_unbind_leaks_no_quota),
		cmocka_unit_test(test_guest_sets_its_iommu_up_again),
		cmocka_unit_test(test_guest_spins_in_its_queue_while_requests_are_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
