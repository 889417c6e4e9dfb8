/* SPDX-License-Identifier: MIT */
/* The four journeys end to end on the built-in guest: bind, DMA, page request, death. */
#include <errno.h>
#include <string.h>

#include "vtd/faults.h"
#include "world.h"

#define LEN 20480u

static const enum vsva_cache_policy policies[] = {VSVA_CACHE_LRU, VSVA_CACHE_NEVER,
						  VSVA_CACHE_RANDOM, VSVA_CACHE_ADVERSARIAL};

#define FOR_EACH_POLICY(policy)                                                                    \
	for (size_t i_ = 0; i_ < sizeof(policies) / sizeof(policies[0]); i_++)                     \
		for (enum vsva_cache_policy policy = policies[i_], once_ = 1; once_; once_ = 0)

static struct vsva_process *bound_process(struct world *world)
{
	struct vsva_process *process;

	assert_int_equal(vsva_process_create(world->guest, &process), 0);
	assert_int_equal(vsva_process_bind(process, world->gdsa), 0);
	return process;
}

static void test_copy_by_guest_pointers(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct world world;
		struct vsva_process *process;
		struct world_copy copy = {.len = LEN};
		struct vsva_guest_stats stats;
		hpasid_t host;

		world_create(&world, policy, NULL);
		process = bound_process(&world);
		assert_int_equal(vsva_vm_hpasid(vsva_guest_vm(world.guest),
						vsva_process_pasid(process), &host),
				 0);
		assert_int_not_equal(host.v, vsva_process_pasid(process).v);
		copy.from = world_buffer(process, LEN, 3);
		copy.to = world_empty(process, LEN);
		assert_int_equal(world_copy(process, world.gdsa, &copy), VSVA_DSA_SUCCESS);
		assert_true(world_holds(process, copy.to, LEN, 3));
		vsva_guest_get_stats(world.guest, &stats);
		assert_int_equal(stats.page_requests, LEN / VSVA_PAGE_SIZE + 1);
		copy.shared = true;
		copy.to = world_empty(process, LEN);
		assert_int_equal(world_copy(process, world.gdsa, &copy), VSVA_DSA_SUCCESS);
		assert_true(world_holds(process, copy.to, LEN, 3));
		world_destroy(&world);
	}
}

static void test_page_fault_without_block_reports_where(void **state)
{
	struct world world;
	struct vsva_process *process;
	struct world_copy copy = {.len = LEN, .no_block_on_fault = true};
	uint8_t zero = 0;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	process = bound_process(&world);
	copy.from = world_buffer(process, LEN, 9);
	copy.to = world_empty(process, LEN);
	assert_int_equal(vsva_process_write(process, copy.to, &zero, 1), 0);
	assert_int_equal(world_copy(process, world.gdsa, &copy),
			 VSVA_DSA_PAGE_FAULT | VSVA_DSA_STATUS_WRITE);
	assert_int_equal(copy.record.fault_address, copy.to.v + VSVA_PAGE_SIZE);
	assert_int_equal(copy.record.bytes_completed, VSVA_PAGE_SIZE);
	world_destroy(&world);
}

static void test_unmapped_destination_is_refused(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct world world;
		struct vsva_process *process;
		struct world_copy copy = {.len = LEN};

		world_create(&world, policy, NULL);
		process = bound_process(&world);
		copy.from = world_buffer(process, LEN, 1);
		copy.to = world_buffer(process, LEN, 2);
		assert_int_equal(world_copy(process, world.gdsa, &copy), VSVA_DSA_SUCCESS);
		assert_int_equal(vsva_process_munmap(process, gva(copy.to.v + 8192), 4096), 0);
		assert_int_equal(world_copy(process, world.gdsa, &copy),
				 VSVA_DSA_PAGE_REQUEST_INVALID | VSVA_DSA_STATUS_WRITE);
		assert_int_equal(copy.record.fault_address, copy.to.v + 8192);
		world_destroy(&world);
	}
}

static void test_unbound_pasid_faults_under_its_guest_number(void **state)
{
	struct world world;
	struct vsva_process *process;
	struct world_copy copy = {.len = 4096};
	struct vsva_guest_stats stats;
	gpasid_t pasid;
	uint64_t value;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	process = bound_process(&world);
	pasid = vsva_process_pasid(process);
	copy.from = world_buffer(process, 4096, 1);
	assert_int_equal(vsva_process_bind(process, world.gengine), 0);
	assert_int_equal(vsva_process_unbind(process, world.gengine), 0);
	/* test engine, untranslated read under a PASID that is bound elsewhere but not here */
	struct vsva_assigned *engine = vsva_guest_device_assigned(world.gengine);
	vsva_assigned_write(engine, 0, 0x08, 8, copy.from.v);
	vsva_assigned_write(engine, 0, 0x18, 4, 64);
	vsva_assigned_write(engine, 0, 0x1c, 4, pasid.v | 1u << 31);
	vsva_assigned_write(engine, 0, 0x20, 4, 3);
	vsva_machine_run_idle(world.machine, 10000);
	vsva_assigned_read(engine, 0, 0x24, 4, &value);
	assert_int_equal(value, 3);
	vsva_guest_get_stats(world.guest, &stats);
	assert_int_equal(stats.faults, 1);
	assert_int_equal(stats.last_fault_reason, VTD_FAULT_SPT_2);
	assert_int_equal(stats.last_fault_pasid, pasid.v);
	assert_int_equal(stats.last_fault_address, copy.from.v);
	world_destroy(&world);
}

static void test_process_exit_lets_others_go_on(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct world world;
		struct vsva_process *dies, *lives;
		struct world_copy copy = {.len = LEN};
		uint64_t free_before;

		world_create(&world, policy, NULL);
		lives = bound_process(&world);
		free_before = vsva_guest_free_pages(world.guest);
		dies = bound_process(&world);
		copy.from = world_buffer(dies, LEN, 5);
		copy.to = world_empty(dies, LEN);
		assert_int_equal(world_copy(dies, world.gdsa, &copy), VSVA_DSA_SUCCESS);
		vsva_process_exit(dies);
		assert_int_equal(vsva_guest_free_pages(world.guest), free_before);
		copy.from = world_buffer(lives, LEN, 6);
		copy.to = world_empty(lives, LEN);
		assert_int_equal(world_copy(lives, world.gdsa, &copy), VSVA_DSA_SUCCESS);
		assert_true(world_holds(lives, copy.to, LEN, 6));
		world_destroy(&world);
	}
}

static void test_guest_dies_with_a_page_request_pending(void **state)
{
	struct world world;
	struct vsva_guest_options options = {.silent_handler = true};
	struct vsva_process *process;
	struct vsva_dsa_descriptor descriptor = {
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | 0xe, .size = LEN};

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, &options);
	process = bound_process(&world);
	descriptor.source = world_buffer(process, LEN, 1).v;
	descriptor.destination = world_empty(process, LEN).v;
	descriptor.completion = world_empty(process, 4096).v;
	assert_int_equal(vsva_process_submit(process, world.gdsa, &descriptor, false), 0);
	vsva_machine_run_idle(world.machine, 10000);
	world_destroy(&world);
}

static void test_reboot_frees_all_and_copies_again(void **state)
{
	struct world world;
	struct vsva_process *process;
	struct vsva_vm_stats stats;

	(void)state;
	world_create(&world, VSVA_CACHE_ADVERSARIAL, NULL);
	for (int round = 0; round < 3; round++) {
		struct world_copy copy = {.len = LEN};

		process = bound_process(&world);
		copy.from = world_buffer(process, LEN, (uint8_t)round);
		copy.to = world_empty(process, LEN);
		assert_int_equal(world_copy(process, world.gdsa, &copy), VSVA_DSA_SUCCESS);
		assert_true(world_holds(process, copy.to, LEN, (uint8_t)round));
		assert_int_equal(vsva_guest_reboot(world.guest), 0);
		vsva_vm_get_stats(vsva_guest_vm(world.guest), &stats);
		assert_int_equal(stats.bound_now, 0);
		assert_int_equal(stats.pasids_now, 0);
	}
	world_destroy(&world);
}

static void test_vcmd_pasid_differs_from_host(void **state)
{
	struct world world;
	struct vsva_guest_options options = {.use_vcmd = true};
	struct vsva_process *process;
	struct world_copy copy = {.len = LEN};
	struct vsva_vm_stats stats;
	hpasid_t host;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, &options);
	process = bound_process(&world);
	assert_int_equal(
		vsva_vm_hpasid(vsva_guest_vm(world.guest), vsva_process_pasid(process), &host), 0);
	assert_int_not_equal(host.v, vsva_process_pasid(process).v);
	copy.from = world_buffer(process, LEN, 1);
	copy.to = world_empty(process, LEN);
	assert_int_equal(world_copy(process, world.gdsa, &copy), VSVA_DSA_SUCCESS);
	assert_int_equal(vsva_process_unbind(process, world.gdsa), 0);
	vsva_vm_get_stats(vsva_guest_vm(world.guest), &stats);
	assert_int_equal(stats.vcmd_allocs, 1);
	assert_int_equal(stats.vcmd_frees, 0); /* until the process exits */
	assert_int_equal(stats.bound_now, 0);
	vsva_process_exit(process);
	vsva_vm_get_stats(vsva_guest_vm(world.guest), &stats);
	assert_int_equal(stats.vcmd_frees, 1);
	assert_int_equal(stats.pasids_now, 0);
	world_destroy(&world);
}

static void test_quota_refuses_and_tries_again(void **state)
{
	struct world world;
	struct vsva_guest_options options = {.pasid_quota = 1};
	struct vsva_process *first, *second;
	struct world_copy copy = {.len = 4096, .no_block_on_fault = true};
	struct vsva_vm_stats stats;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, &options);
	first = bound_process(&world);
	second = bound_process(&world); /* the guest's own call never fails */
	vsva_vm_get_stats(vsva_guest_vm(world.guest), &stats);
	assert_int_equal(stats.bound_now, 1);
	assert_int_equal(stats.refused_binds, 1);
	assert_int_equal(vsva_process_unbind(first, world.gdsa), 0);
	assert_int_equal(vsva_process_unbind(second, world.gdsa), 0);
	assert_int_equal(vsva_process_bind(second, world.gdsa), 0);
	copy.from = world_buffer(second, 4096, 1);
	copy.to = world_buffer(second, 4096, 2);
	copy.no_block_on_fault = false;
	assert_int_equal(world_copy(second, world.gdsa, &copy), VSVA_DSA_SUCCESS);
	world_destroy(&world);
}

static void test_interrupt_range_with_pasid_is_memory(void **state)
{
	struct world world;
	struct vsva_process *process;
	struct world_copy copy = {.len = 8192};

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	process = bound_process(&world);
	copy.from = world_buffer(process, 8192, 1);
	assert_int_equal(vsva_process_mmap(process, gva(0xfee00000), 8192, true, false, &copy.to),
			 0);
	assert_int_equal(world_copy(process, world.gdsa, &copy), VSVA_DSA_SUCCESS);
	assert_true(world_holds(process, copy.to, 8192, 1));
	world_destroy(&world);
}

static void engine_copy(struct world *world, uint64_t from, uint64_t to, uint32_t len,
			uint32_t flags)
{
	struct vsva_assigned *engine = vsva_guest_device_assigned(world->gengine);
	uint64_t value;

	vsva_assigned_write(engine, 0, 0x08, 8, from);
	vsva_assigned_write(engine, 0, 0x10, 8, to);
	vsva_assigned_write(engine, 0, 0x18, 4, len);
	vsva_assigned_write(engine, 0, 0x1c, 4, 0);
	vsva_assigned_write(engine, 0, 0x20, 4, 1 | flags);
	vsva_machine_run_idle(world->machine, 10000);
	vsva_assigned_read(engine, 0, 0x24, 4, &value);
	assert_int_equal(value, 2);
}

static void test_kernel_dma_through_rid_translation(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct world world;
		uint64_t from, to;
		gpa_t from_memory, to_memory;
		char text[16] = {0};

		world_create(&world, policy, NULL);
		assert_int_equal(vsva_guest_dma_alloc(world.gengine, 8192, &from, &from_memory), 0);
		assert_int_equal(vsva_guest_dma_alloc(world.gengine, 8192, &to, &to_memory), 0);
		assert_int_equal(
			vsva_vm_write(vsva_guest_vm(world.guest), from_memory, "through", 8), 0);
		engine_copy(&world, from, to, 8192, 0);
		assert_int_equal(vsva_vm_read(vsva_guest_vm(world.guest), to_memory, text, 8), 0);
		assert_string_equal(text, "through");
		assert_int_equal(vsva_vm_write(vsva_guest_vm(world.guest), from_memory, "again", 6),
				 0);
		engine_copy(&world, from, to, 8192, 0x100);
		assert_int_equal(vsva_vm_read(vsva_guest_vm(world.guest), to_memory, text, 8), 0);
		assert_string_equal(text, "again");
		assert_int_equal(vsva_guest_dma_free(world.gengine, to, to_memory, 8192), 0);
		world_destroy(&world);
	}
}

static void test_memory_removed_while_bound_is_out_of_reach(void **state)
{
	struct world world;
	struct vsva_process *process;
	struct world_copy copy = {.len = LEN};

	(void)state;
	world_create(&world, VSVA_CACHE_ADVERSARIAL, NULL);
	process = bound_process(&world);
	copy.from = world_buffer(process, LEN, 1);
	copy.to = world_buffer(process, LEN, 2);
	assert_int_equal(world_copy(process, world.gdsa, &copy), VSVA_DSA_SUCCESS);
	assert_int_equal(vsva_vm_unmap(vsva_guest_vm(world.guest), gpa(0), 64ull << 20), 0);
	assert_true(world_copy(process, world.gdsa, &copy) != VSVA_DSA_SUCCESS);
	world_destroy(&world);
}

static void test_device_assigned_twice_stays_with_its_first_owner(void **state)
{
	struct world world;
	struct vsva_assigned *again;
	struct vsva_process *process;
	struct world_copy copy = {.len = LEN};

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	process = bound_process(&world);
	assert_int_equal(vsva_vm_assign(vsva_guest_vm(world.guest), world.dsa, rid(0x80), NULL,
					NULL, &again),
			 -EBUSY);
	copy.from = world_buffer(process, LEN, 4);
	copy.to = world_empty(process, LEN);
	assert_int_equal(world_copy(process, world.gdsa, &copy), VSVA_DSA_SUCCESS);
	assert_true(world_holds(process, copy.to, LEN, 4));
	world_destroy(&world);
}

static void test_device_is_not_destroyed_while_a_vm_has_it(void **state)
{
	struct world world;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	assert_int_equal(vsva_device_destroy(world.dsa), -EBUSY);
	bound_process(&world);
	vsva_device_set_gone(world.dsa, true);
	assert_int_equal(vsva_guest_remove_device(world.gdsa), 0);
	assert_int_equal(vsva_device_destroy(world.dsa), 0);
	world_destroy(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_by_guest_pointers),
		cmocka_unit_test(test_page_fault_without_block_reports_where),
		cmocka_unit_test(test_unmapped_destination_is_refused),
		cmocka_unit_test(test_unbound_pasid_faults_under_its_guest_number),
		cmocka_unit_test(test_process_exit_lets_others_go_on),
		cmocka_unit_test(test_guest_dies_with_a_page_request_pending),
		cmocka_unit_test(test_reboot_frees_all_and_copies_again),
		cmocka_unit_test(test_vcmd_pasid_differs_from_host),
		cmocka_unit_test(test_quota_refuses_and_tries_again),
		cmocka_unit_test(test_interrupt_range_with_pasid_is_memory),
		cmocka_unit_test(test_kernel_dma_through_rid_translation),
		cmocka_unit_test(test_memory_removed_while_bound_is_out_of_reach),
		cmocka_unit_test(test_device_assigned_twice_stays_with_its_first_owner),
		cmocka_unit_test(test_device_is_not_destroyed_while_a_vm_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
