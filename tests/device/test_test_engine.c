// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "device/fake_unit.h"
#include "hw/device/test_engine.h"
#include "vtd/descriptors.h"

#define VA          ((uint64_t)VIRTUAL_BASE)
#define DESTINATION (VA + 0x200000)
#define RW          (VSVA_PROT_READ | VSVA_PROT_WRITE)
#define PASID       5u

static struct world world;
static struct test_engine *engine;
static unsigned interrupts;

static void irq(void *arg, unsigned vector)
{
	assert_ptr_equal(arg, &world);
	assert_int_equal(vector, 0);
	interrupts++;
}

static int setup(void **state)
{
	struct test_engine_config config = {
		.unit = &world.unit, .rid = rid(0x38), .irq = irq, .arg = &world};

	(void)state;
	world_init(&world, WORKERS_MANUAL);
	interrupts = 0;
	config.physmem = world.physmem;
	config.pool = world.pool;
	assert_int_equal(test_engine_create(&config, &engine), 0);
	test_engine_config_write(engine, 0x04, 2, 6);
	test_engine_config_write(engine, 0x146, 2, 5);
	test_engine_config_write(engine, 0x106, 2, 0x8000);
	test_engine_config_write(engine, 0x12c, 4, 32);
	test_engine_config_write(engine, 0x124, 2, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_engine_destroy(engine);
	world_fini(&world);
	return 0;
}

static uint64_t get(uint32_t offset)
{
	uint64_t value;

	assert_int_equal(test_engine_mmio_read(engine, 0, offset, offset % 8 ? 4 : 8, &value), 0);
	return value;
}

static uint32_t get32(uint32_t offset)
{
	uint64_t value;

	assert_int_equal(test_engine_mmio_read(engine, 0, offset, 4, &value), 0);
	return (uint32_t)value;
}

static void put(uint32_t offset, unsigned size, uint64_t value)
{
	assert_int_equal(test_engine_mmio_write(engine, 0, offset, size, value), 0);
}

static void prepare(uint64_t source, uint64_t destination, uint32_t len, uint32_t pasid)
{
	put(TEST_ENGINE_SRC, 8, source);
	put(TEST_ENGINE_DST, 8, destination);
	put(TEST_ENGINE_LEN, 4, len);
	put(TEST_ENGINE_PASID, 4, pasid);
}

static uint32_t run(uint32_t command)
{
	put(TEST_ENGINE_CMD, 4, command);
	world_run(&world);
	return get32(TEST_ENGINE_STATUS);
}

static void test_registers(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(get32(0), 0x56535641);
	assert_int_equal(get32(4), 1);
	assert_int_equal(test_engine_config_read(engine, 0, 4), 0x00021ee7);
	assert_int_equal(test_engine_config_read(engine, 8, 4), 0x08800000);
	assert_int_equal(test_engine_config_read(engine, 0x84, 4), 2);
	assert_int_equal(test_engine_config_read(engine, 0x88, 4), 0x802);
	put(0, 8, UINT64_MAX);
	put(TEST_ENGINE_STATUS, 4, 7);
	put(TEST_ENGINE_RESULT, 8, 7);
	put(0xff8, 8, UINT64_MAX);
	assert_int_equal(get(0), UINT64_C(0x156535641));
	assert_int_equal(get32(TEST_ENGINE_STATUS), TEST_ENGINE_IDLE);
	assert_int_equal(get(TEST_ENGINE_RESULT), 0);
	assert_int_equal(get(0xff8), 0);
	put(TEST_ENGINE_SRC, 8, UINT64_C(0x1122334455667788));
	put(TEST_ENGINE_SRC + 4, 4, 0xaabbccdd);
	assert_int_equal(get(TEST_ENGINE_SRC), UINT64_C(0xaabbccdd55667788));
	assert_int_equal(test_engine_mmio_read(engine, 0, 0x1000, 4, &value), -EINVAL);
	assert_int_equal(test_engine_mmio_read(engine, 0, 2, 4, &value), -EINVAL);
	assert_int_equal(test_engine_mmio_read(engine, 1, 0, 4, &value), -EINVAL);
	assert_int_equal(test_engine_mmio_write(engine, 0, 0, 1, 0), -EINVAL);
	assert_int_equal(test_engine_mmio_write(engine, 2, 8, 8, UINT64_MAX), 0);
	assert_int_equal(test_engine_mmio_read(engine, 2, 8, 8, &value), 0);
	assert_int_equal(value, UINT64_C(0x1ffffffff));
}

static void test_copy(void **state)
{
	(void)state;
	world_randomize(&world, VA, 0x100000, 1);
	world_allow(&world, PASID, VA, 0x400000, RW);
	prepare(VA + 5, DESTINATION + 9, 0x100000 - 5, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_COPY | TEST_ENGINE_USE_ATS | TEST_ENGINE_INTERRUPT),
			 TEST_ENGINE_DONE);
	assert_int_equal(interrupts, 1);
	assert_int_equal(get32(TEST_ENGINE_BYTES), 0x100000 - 5);
	assert_true(world_same(&world, VA + 5, DESTINATION + 9, 0x100000 - 5));
	/* without ATS */
	prepare(VA + 5, DESTINATION, 10000, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_COPY), TEST_ENGINE_DONE);
	assert_true(world_same(&world, VA + 5, DESTINATION, 10000));
	assert_true(world.unit.untranslated_count >= 6);
	assert_int_equal(interrupts, 1);
}

static void test_fill_read_and_add(void **state)
{
	uint64_t value = 40;

	(void)state;
	world_allow(&world, VSVA_PASID_INVALID, VA, 0x10000, RW);
	prepare(0, VA + 3, 5000, 0);
	put(TEST_ENGINE_FILL, 8, UINT64_C(0x0807060504030201));
	assert_int_equal(run(TEST_ENGINE_FILL_MEMORY | TEST_ENGINE_USE_ATS), TEST_ENGINE_DONE);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(*world_byte(&world, VA + 3 + i), i % 8 + 1);
	prepare(VA + 3, 0, 5000, 0);
	assert_int_equal(run(TEST_ENGINE_READ), TEST_ENGINE_DONE);
	assert_int_equal(get(TEST_ENGINE_RESULT), 5000 / 8 * 36);
	world_write(&world, VA + 16, &value, 8);
	prepare(0, VA + 16, 0, 0);
	put(TEST_ENGINE_FILL, 8, 2);
	assert_int_equal(run(TEST_ENGINE_FETCH_ADD), TEST_ENGINE_DONE);
	assert_int_equal(get(TEST_ENGINE_RESULT), 40);
	world_read(&world, VA + 16, &value, 8);
	assert_int_equal(value, 42);
	/* an atomic needs both rights */
	world_allow(&world, VSVA_PASID_INVALID, VA, 4096, VSVA_PROT_WRITE);
	test_engine_config_write(engine, 0x106, 2, 0);
	assert_int_equal(run(TEST_ENGINE_FETCH_ADD), TEST_ENGINE_FAULT);
	assert_int_equal(get(TEST_ENGINE_FAULT_ADDR), VA + 16);
	assert_int_equal(run(TEST_ENGINE_FILL_MEMORY), TEST_ENGINE_BAD_COMMAND); /* LEN is 0 */
}

static void test_bad_commands(void **state)
{
	(void)state;
	world_allow(&world, VSVA_PASID_INVALID, VA, 0x400000, RW);
	prepare(VA, VA, 1, 0);
	assert_int_equal(run(0), TEST_ENGINE_BAD_COMMAND);
	assert_int_equal(run(5), TEST_ENGINE_BAD_COMMAND);
	assert_int_equal(run(0xff), TEST_ENGINE_BAD_COMMAND);
	assert_int_equal(run(1u << 11 | 1), TEST_ENGINE_BAD_COMMAND);
	put(TEST_ENGINE_LEN, 4, TEST_ENGINE_MAX_LEN + 1);
	assert_int_equal(run(TEST_ENGINE_READ), TEST_ENGINE_BAD_COMMAND);
	put(TEST_ENGINE_LEN, 4, TEST_ENGINE_MAX_LEN);
	assert_int_equal(run(TEST_ENGINE_READ), TEST_ENGINE_DONE);
	put(TEST_ENGINE_DST, 8, VA + 4);
	assert_int_equal(run(TEST_ENGINE_FETCH_ADD), TEST_ENGINE_BAD_COMMAND);
}

static void test_faults(void **state)
{
	(void)state;
	world_allow(&world, PASID, VA, 0x10000, RW);
	world_allow(&world, PASID, VA + 8192, 4096, 0);
	prepare(VA + 100, 0, 20000, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_USE_ATS | TEST_ENGINE_INTERRUPT),
			 TEST_ENGINE_FAULT);
	assert_int_equal(interrupts, 1);
	assert_int_equal(get(TEST_ENGINE_FAULT_ADDR), VA + 8192);
	assert_int_equal(get32(TEST_ENGINE_BYTES), 8092);
	/* asked for, refused, granted */
	world.unit.policy = FAKE_REFUSE;
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS),
			 TEST_ENGINE_FAULT);
	assert_int_equal(world_requests(&world), 1);
	world.unit.policy = FAKE_GRANT;
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS),
			 TEST_ENGINE_DONE);
	assert_int_equal(world_requests(&world), 2);
	/* a lie does not keep it for ever; without ATS there is nothing to ask for */
	world.unit.policy = FAKE_LIE;
	world_allow(&world, PASID, VA + 0x20000, 4096, 0);
	prepare(VA + 0x20000, 0, 8, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS),
			 TEST_ENGINE_FAULT);
	assert_in_range(world_requests(&world), 3, 100);
	prepare(VA + 0x20000, 0, 8, 0);
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_PAGE_REQUESTS), TEST_ENGINE_FAULT);
}

static void test_busy_and_reset(void **state)
{
	(void)state;
	prepare(VA, 0, 8, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS),
			 TEST_ENGINE_BUSY);
	assert_int_equal(run(TEST_ENGINE_FILL_MEMORY), TEST_ENGINE_BUSY);
	assert_int_equal(world_requests(&world), 1);
	world_answer(&world, 0, VTD_RESPONSE_SUCCESS);
	world_run(&world);
	assert_int_equal(get32(TEST_ENGINE_STATUS), TEST_ENGINE_DONE);
	prepare(VA + 4096, 0, 8, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS),
			 TEST_ENGINE_BUSY);
	test_engine_reset(engine);
	assert_int_equal(get32(TEST_ENGINE_STATUS), TEST_ENGINE_IDLE);
	world_answer(&world, 1, VTD_RESPONSE_SUCCESS);
	world_run(&world);
	assert_int_equal(get32(TEST_ENGINE_STATUS), TEST_ENGINE_IDLE);
	prepare(VA, 0, 8, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_READ), TEST_ENGINE_DONE);
	/* page requests are reset while one is waited for */
	prepare(VA + 8192, 0, 8, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS),
			 TEST_ENGINE_BUSY);
	test_engine_config_write(engine, 0x124, 2, 0);
	test_engine_config_write(engine, 0x124, 2, 2);
	world_run(&world);
	assert_int_equal(get32(TEST_ENGINE_STATUS), TEST_ENGINE_FAULT);
	test_engine_config_write(engine, 0x48, 2, 0x8000);
	assert_false(pci_config_bus_master(test_engine_config_space(engine)));
}

static void test_destroy_while_waiting(void **state)
{
	(void)state;
	prepare(VA, 0, 8, PASID | TEST_ENGINE_PASID_VALID);
	assert_int_equal(run(TEST_ENGINE_READ | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS),
			 TEST_ENGINE_BUSY);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_registers),
		CASE(test_copy),
		CASE(test_fill_read_and_add),
		CASE(test_bad_commands),
		CASE(test_faults),
		CASE(test_busy_and_reset),
		CASE(test_destroy_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
