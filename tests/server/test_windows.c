// SPDX-License-Identifier: MIT
/* DMA_MAP and DMA_UNMAP. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "server/world.h"

#define READ  1u
#define WRITE 2u

static void test_map_passes_the_file_on(void **state)
{
	struct world *w = *state;
	int sealed = memory_file(0x8000, F_SEAL_SHRINK), open_ended = memory_file(0x8000, 0);
	unsigned before = count_fds();

	make_map(&w->out, 0x100000, 0x4000, 0x1000, READ | WRITE);
	assert_int_equal(transact_fds(w, &sealed, 1), 0);
	assert_int_equal(w->in.len, 16);
	assert_int_equal(w->fake.last_window.gpa.v, 0x100000);
	assert_int_equal(w->fake.last_window.size, 0x4000);
	assert_int_equal(w->fake.last_window.fd_offset, 0x1000);
	assert_int_equal(w->fake.last_window.prot, VSVA_PROT_READ | VSVA_PROT_WRITE);
	assert_true(w->fake.last_window.sealed);
	assert_true(w->fake.last_window_had_file);

	make_map(&w->out, 0x200000, 0x8000, 0, READ);
	assert_int_equal(transact_fds(w, &open_ended, 1), 0);
	assert_false(w->fake.last_window.sealed);
	assert_int_equal(w->fake.last_window.prot, VSVA_PROT_READ);

	make_map(&w->out, 0xfffc0000, 0x40000, 0, READ); /* ROM */
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->fake.last_window.fd, -1);
	assert_int_equal(count_fds(), before);

	make_unmap(&w->out, 0x200000, 0x8000, 0);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.len, 40);
	assert_memory_equal(w->in.at + 16, w->out.at + 16, 24);
	assert_int_equal(w->fake.window_count, 2);
	close(sealed);
	close(open_ended);
}

static void test_map_top_of_the_address_space(void **state)
{
	struct world *w = *state;

	make_map(&w->out, UINT64_MAX - 0xfff, 0x1000, 0, READ);
	assert_int_equal(transact(w), 0);
	make_map(&w->out, UINT64_MAX - 0x1fff, 0x1000, 0, READ);
	assert_int_equal(transact(w), 0);
	make_map(&w->out, UINT64_MAX - 0xfff, 0x2000, 0, READ);
	assert_int_equal(transact(w), EINVAL);
	make_unmap(&w->out, UINT64_MAX - 0xfff, 0x1000, 0);
	assert_int_equal(transact(w), 0);
}

static void test_map_overlaps(void **state)
{
	struct world *w = *state;
	static const struct {
		uint64_t address, size;
		uint32_t error;
	} cases[] = {
		{0x10000, 0x4000, 0},
		{0x10000, 0x4000, EEXIST},
		{0x11000, 0x1000, EEXIST},
		{0xf000, 0x2000, EEXIST},
		{0x13000, 0x2000, EEXIST},
		{0xf000, 0x10000, EEXIST},
		{0xf000, 0x1000, 0},
		{0x14000, 0x1000, 0},
		{0, UINT64_MAX - 0xfff, EEXIST},
		{0x100000, 0x1000, 0},
		{0x0, 0xf000, 0},
		{0x15000, 0xeb000, 0},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_map(&w->out, cases[i].address, cases[i].size, 0, READ);
		assert_int_equal(transact(w), cases[i].error);
	}
	assert_int_equal(w->fake.window_count, 6);
}

static void test_map_refused(void **state)
{
	struct world *w = *state;
	int fd = memory_file(0x4000, 0), two[2] = {fd, fd};
	unsigned before = count_fds();

	make_map(&w->out, 0x1000, 0, 0, READ);
	assert_int_equal(transact(w), EINVAL);
	make_map(&w->out, 0x1001, 0x1000, 0, READ);
	assert_int_equal(transact(w), EINVAL);
	make_map(&w->out, 0x1000, 0x1800, 0, READ);
	assert_int_equal(transact(w), EINVAL);
	make_map(&w->out, 0x1000, 0x1000, 0, 0);
	assert_int_equal(transact(w), EINVAL);
	make_map(&w->out, 0x1000, 0x1000, 0, READ | 4);
	assert_int_equal(transact(w), EINVAL);
	make_map(&w->out, 0x1000, 0x1000, 0, READ);
	w->out.at[16] = 31;
	assert_int_equal(transact(w), EINVAL);
	make_map(&w->out, 0x1000, 0x1000, 0, READ);
	assert_int_equal(transact_fds(w, two, 2), EINVAL);
	make_map(&w->out, 0x1000, 0x1000, 0x800, READ);
	assert_int_equal(transact_fds(w, &fd, 1), EINVAL);
	make_map(&w->out, 0x1000, 0x4000, 0x1000, READ); /* the file is too short */
	assert_int_equal(transact_fds(w, &fd, 1), EINVAL);
	make_map(&w->out, 0x1000, 0x1000, UINT64_MAX - 0xfff, READ);
	assert_int_equal(transact_fds(w, &fd, 1), EINVAL);
	make_map(&w->out, 0x1000, 0x1000, INT64_MAX - 0xfff, READ);
	assert_int_equal(transact_fds(w, &fd, 1), EINVAL);
	w->fake.fail_next = ENODEV;
	make_map(&w->out, 0x1000, 0x1000, 0, READ);
	assert_int_equal(transact_fds(w, &fd, 1), ENODEV);
	make_unmap(&w->out, 0x1000, 0x1000, 0);
	assert_int_equal(transact(w), ENOENT);
	assert_int_equal(w->fake.maps, 0);
	assert_int_equal(count_fds(), before);
	close(fd);
}

static void test_unmap_refused(void **state)
{
	struct world *w = *state;

	make_map(&w->out, 0x1000, 0x3000, 0, READ);
	assert_int_equal(transact(w), 0);
	make_unmap(&w->out, 0x1000, 0x2000, 0);
	assert_int_equal(transact(w), ENOENT);
	make_unmap(&w->out, 0x2000, 0x2000, 0);
	assert_int_equal(transact(w), ENOENT);
	make_unmap(&w->out, 0x0, 0x4000, 0);
	assert_int_equal(transact(w), ENOENT);
	make_unmap(&w->out, 0x1000, 0x3000, 1); /* dirty bitmap */
	assert_int_equal(transact(w), EINVAL);
	make_unmap(&w->out, 0x1000, 0x3000, 2); /* all, but with a range */
	assert_int_equal(transact(w), EINVAL);
	make_unmap(&w->out, 0x1000, 0x3000, 0);
	w->out.at[16] = 20;
	assert_int_equal(transact(w), EINVAL);
	w->fake.fail_next = ENOMEM;
	make_unmap(&w->out, 0x1000, 0x3000, 0);
	assert_int_equal(transact(w), ENOMEM);
	assert_int_equal(w->fake.window_count, 1);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->fake.window_count, 0);
}

static void test_unmap_all(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 100; i++) {
		make_map(&w->out, 0x1000ull * ((i * 37) % 100), 0x1000, 0, READ);
		assert_int_equal(transact(w), 0);
	}
	make_unmap(&w->out, 0, 0, 2);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->fake.unmaps, 100);
	make_unmap(&w->out, 0, 0, 2);
	assert_int_equal(transact(w), 0);
}

static void test_map_limit(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 1024; i++) {
		make_map(&w->out, 0x2000ull * i, 0x1000, 0, READ);
		assert_int_equal(transact(w), 0);
	}
	make_map(&w->out, 0x1000, 0x1000, 0, READ);
	assert_int_equal(transact(w), ENOSPC);
	vfu_connection_detach(w->connection);
	assert_int_equal(w->fake.windows_at_disconnecting, 1024);
	assert_int_equal(w->fake.window_count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_map_passes_the_file_on),
		TEST(test_map_top_of_the_address_space),
		TEST(test_map_overlaps),
		TEST(test_map_refused),
		TEST(test_unmap_refused),
		TEST(test_unmap_all),
		TEST(test_map_limit),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
