/* SPDX-License-Identifier: MIT */
/* What things cost: bounds that a user counts on. */
#include "base/alloc.h"
#include "base/seams.h"
#include "world.h"

#define MIB    (UINT64_C(1) << 20)
#define PASIDS 1000u

/* Bytes of the heap and of page tables; architectural tables are told apart where it matters. */
static uint64_t heap(void)
{
	return base_bytes_in_use();
}

static uint64_t tables(const struct vsva_machine *machine)
{
	return physmem_pages_in_use(machine_seams(machine)->physmem) * VSVA_PAGE_SIZE;
}

static void test_idle_vm_with_a_device_takes_at_most_a_mebibyte(void **state)
{
	struct world world;
	struct vsva_guest *second;
	struct vsva_guest_device *device;
	struct vsva_device *dsa;
	struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA};
	struct vsva_guest_options guest = {.memory = 64 * MIB};
	uint64_t before, after, frames = 64 * MIB / VSVA_PAGE_SIZE;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	before = heap() + tables(world.machine);
	assert_int_equal(vsva_device_create(world.machine, &options, &dsa), 0);
	assert_int_equal(vsva_guest_create(world.machine, &guest, &second), 0);
	assert_int_equal(vsva_guest_add_device(second, dsa, rid(0x30), &device), 0);
	after = heap() + tables(world.machine);
	print_message("# idle VM with one accelerator: %llu bytes\n",
		      (unsigned long long)(after - before - frames));
	/* the guest's own map of its frames is the guest's */
	assert_true(after - before - frames <= MIB);
	vsva_guest_destroy(second);
	world_destroy(&world);
}

static void test_bound_pasid_takes_at_most_256_bytes(void **state)
{
	struct world world;
	struct vsva_process *processes[PASIDS];
	struct vsva_guest_options options = {.memory = 64 * MIB};
	uint64_t before, each;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, &options);
	for (unsigned i = 0; i < PASIDS; i++)
		assert_int_equal(vsva_process_create(world.guest, &processes[i]), 0);
	/* the first one pays for what all share */
	assert_int_equal(vsva_process_bind(processes[0], world.gdsa), 0);
	before = heap();
	for (unsigned i = 1; i < PASIDS; i++)
		assert_int_equal(vsva_process_bind(processes[i], world.gdsa), 0);
	each = (heap() - before) / (PASIDS - 1);
	print_message("# bound PASID: %llu bytes\n", (unsigned long long)each);
	assert_true(each <= 256);
	world_destroy(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_vm_with_a_device_takes_at_most_a_mebibyte),
		cmocka_unit_test(test_bound_pasid_takes_at_most_256_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
