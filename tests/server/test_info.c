// SPDX-License-Identifier: MIT
/* What a client can ask about a function. */
#include "unit.h"

#include <errno.h>

#include "base/log.h"
#include "server/world.h"

static void test_device_info(void **state)
{
	struct world *w = *state;

	make_info(&w->out);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.len, 32);
	assert_int_equal(get32(&w->in, 16), 16);
	assert_int_equal(get32(&w->in, 20), 3); /* reset, PCI */
	assert_int_equal(get32(&w->in, 24), 9);
	assert_int_equal(get32(&w->in, 28), 5);
	make_info(&w->out);
	w->out.at[16] = 15; /* argsz */
	assert_int_equal(transact(w), EINVAL);
	make_info(&w->out);
	put32(&w->out, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
}

static void test_region_info(void **state)
{
	struct world *w = *state;
	static const uint64_t sizes[9] = {0x1000, 0, 0x20000, 0, 0, 0, 0, 4096, 0};

	for (uint32_t i = 0; i < 9; i++) {
		make_region_info(&w->out, i);
		assert_int_equal(transact(w), 0);
		assert_int_equal(w->in.len, 48);
		assert_int_equal(get32(&w->in, 16), 32);
		assert_int_equal(get32(&w->in, 20), sizes[i] ? 3 : 0);
		assert_int_equal(get32(&w->in, 24), i);
		assert_int_equal(get32(&w->in, 28), 0);
		assert_int_equal(get64(&w->in, 32), sizes[i]);
		assert_int_equal(get64(&w->in, 40), 0);
	}
	make_region_info(&w->out, 9);
	assert_int_equal(transact(w), EINVAL);
	make_region_info(&w->out, UINT32_MAX);
	assert_int_equal(transact(w), EINVAL);
	make_region_info(&w->out, 0);
	w->out.at[16] = 31;
	assert_int_equal(transact(w), EINVAL);
	make_region_info(&w->out, 0);
	w->out.len -= 8;
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
}

static void make_io_fds(struct bytes *b, uint32_t argsz, uint32_t flags, uint32_t index,
			uint32_t count)
{
	begin(b, 6, 6, 0);
	put32(b, argsz);
	put32(b, flags);
	put32(b, index);
	put32(b, count);
	end_message(b);
}

static void test_region_io_fds_are_none(void **state)
{
	struct world *w = *state;

	make_io_fds(&w->out, 4096, 0, 0, 0);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.len, 32);
	assert_int_equal(get32(&w->in, 16), 16);
	assert_int_equal(get32(&w->in, 28), 0);
	make_io_fds(&w->out, 8, 0, 0, 0);
	assert_int_equal(transact(w), EINVAL);
	make_io_fds(&w->out, 16, 1, 0, 0);
	assert_int_equal(transact(w), EINVAL);
	make_io_fds(&w->out, 16, 0, 9, 0);
	assert_int_equal(transact(w), EINVAL);
	make_io_fds(&w->out, 16, 0, 0, 1);
	assert_int_equal(transact(w), EINVAL);
}

static void test_irq_info(void **state)
{
	struct world *w = *state;

	for (uint32_t i = 0; i < 5; i++) {
		make_irq_info(&w->out, i);
		assert_int_equal(transact(w), 0);
		assert_int_equal(w->in.len, 32);
		assert_int_equal(get32(&w->in, 20), i == 2 ? 1 : 0);
		assert_int_equal(get32(&w->in, 24), i);
		assert_int_equal(get32(&w->in, 28), i == 2 ? FAKE_VECTORS : 0);
	}
	make_irq_info(&w->out, 5);
	assert_int_equal(transact(w), EINVAL);
}

static void test_unknown_commands(void **state)
{
	struct world *w = *state;
	static const uint16_t numbers[] = {0, 11, 12, 14, 16, 17, 18, 19, 0xffff};

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		begin(&w->out, 77, numbers[i], 0);
		put64(&w->out, 0);
		end_message(&w->out);
		assert_int_equal(transact(w), ENOTSUP);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_device_info),
		TEST(test_region_info),
		TEST(test_region_io_fds_are_none),
		TEST(test_irq_info),
		TEST(test_unknown_commands),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
