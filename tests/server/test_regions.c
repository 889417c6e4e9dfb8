// SPDX-License-Identifier: MIT
/* Reads and writes of configuration space and BARs. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "server/world.h"

static void test_config_space_in_one_read(void **state)
{
	struct world *w = *state;

	make_read(&w->out, 7, 0, 4096);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.len, 16 + 16 + 4096);
	assert_memory_equal(w->in.at + 16, w->out.at + 16, 16);
	assert_memory_equal(w->in.at + 32, w->fake.config, 4096);
	make_read(&w->out, 7, 0xfff, 1);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.at[32], w->fake.config[0xfff]);
	make_write(&w->out, 7, 0x13, 3, 0x332211); /* any bytes */
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.len, 32);
	assert_memory_equal(w->in.at + 16, w->out.at + 16, 16);
	assert_memory_equal(w->fake.config + 0x13, "\x11\x22\x33", 3);
}

static void test_bar_access(void **state)
{
	struct world *w = *state;

	for (unsigned size = 1; size <= 8; size *= 2) {
		uint64_t mask = size == 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
		uint64_t value = 0x1122334455667788 & mask;

		make_write(&w->out, 0, 0x100, size, value);
		assert_int_equal(transact(w), 0);
		assert_int_equal(w->fake.last_size, size);
		assert_int_equal(w->fake.last_offset, 0x100);
		assert_true(w->fake.last_value == value);
		make_read(&w->out, 0, 0x100, size);
		assert_int_equal(transact(w), 0);
		assert_int_equal(w->in.len, 32 + size);
		assert_memory_equal(w->in.at + 32, &value, size);
	}
	make_write(&w->out, 2, 0x1fff8, 8, 1);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->fake.last_bar, 2);
}

static void test_access_refused(void **state)
{
	struct world *w = *state;
	static const struct {
		uint32_t region;
		uint64_t offset;
		uint32_t count, error;
	} cases[] = {
		{9, 0, 4, EINVAL},          {UINT32_MAX, 0, 4, EINVAL},
		{1, 0, 4, EINVAL},          {6, 0, 4, EINVAL},
		{8, 0, 4, EINVAL},          {0, 0x1000, 4, EINVAL},
		{0, 0xffd, 4, EINVAL},      {0, 0, 0, EINVAL},
		{0, 0, 3, EINVAL},          {0, 0, 16, EINVAL},
		{0, UINT64_MAX, 1, EINVAL}, {0, UINT64_MAX - 3, 4, EINVAL},
		{7, 4096, 1, EINVAL},       {7, 4000, 97, EINVAL},
		{7, 0, 4097, E2BIG},        {2, 0, UINT32_MAX, E2BIG},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_read(&w->out, cases[i].region, cases[i].offset, cases[i].count);
		assert_int_equal(transact(w), cases[i].error);
		make_write(&w->out, cases[i].region, cases[i].offset, 0, 0);
		memcpy(w->out.at + 28, &cases[i].count, 4);
		assert_int_equal(transact(w), cases[i].error);
	}
	make_write(&w->out, 0, 0, 8, 0);
	w->out.at[28] = 4; /* count shorter than the data */
	assert_int_equal(transact(w), EINVAL);
	make_write(&w->out, 0, 0, 4, 0);
	w->out.at[28] = 8; /* longer */
	assert_int_equal(transact(w), EINVAL);
	make_read(&w->out, 0, 0, 4);
	put32(&w->out, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
	assert_int_equal(w->fake.writes, 0);
	w->fake.fail_next = EIO;
	make_read(&w->out, 0, 0, 4);
	assert_int_equal(transact(w), EIO);
	w->fake.fail_next = EPERM;
	make_write(&w->out, 0, 0, 4, 1);
	assert_int_equal(transact(w), EPERM);
}

/* Larger than a client that knows our limits would send: swallowed whole, and the stream goes on.
 */
static void test_oversized_payload(void **state)
{
	struct world *w = *state;
	static const size_t sizes[] = {8193, 16384, 16385, 1048576};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		begin(&w->out, 5, 10, 0);
		w->out.len = 16 + sizes[i];
		end_message(&w->out);
		/* more than a socket holds: both sides take turns */
		for (size_t sent = 0; sent < w->out.len; sent += 4096) {
			size_t part = w->out.len - sent < 4096 ? w->out.len - sent : 4096;

			assert_int_equal(client_send(w->client, w->out.at + sent, part, NULL, 0),
					 0);
			assert_true(world_serve(w));
		}
		assert_true(client_receive(w->client, &w->in) > 0);
		assert_int_equal(get32(&w->in, 12), E2BIG);
		make_info(&w->out);
		assert_int_equal(transact(w), 0);
	}
}

static void put_entry(struct bytes *b, uint64_t offset, uint32_t region, uint32_t count,
		      uint64_t data)
{
	put64(b, offset);
	put32(b, region);
	put32(b, count);
	put64(b, data);
}

static void make_multi(struct bytes *b, uint64_t count, uint32_t flags)
{
	begin(b, 15, 15, flags);
	put64(b, count);
}

static void test_write_multi(void **state)
{
	struct world *w = *state;

	make_multi(&w->out, 3, 0);
	put_entry(&w->out, 0x10, 0, 4, 0xaabbccdd);
	put_entry(&w->out, 0x40, 7, 2, 0x1234);
	put_entry(&w->out, 0x18, 0, 8, 42);
	end_message(&w->out);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.len, 24);
	assert_int_equal(get64(&w->in, 16), 3);
	assert_memory_equal(w->fake.bar0 + 0x10, "\xdd\xcc\xbb\xaa", 4);
	assert_memory_equal(w->fake.config + 0x40, "\x34\x12", 2);
	assert_int_equal(w->fake.last_value, 42);

	make_multi(&w->out, 2, 0); /* one that the function refuses does not stop the other */
	put_entry(&w->out, 0, 0, 4, 1);
	put_entry(&w->out, 4, 0, 4, 2);
	end_message(&w->out);
	w->fake.fail_next = EIO;
	assert_int_equal(transact(w), 0);
	assert_int_equal(get64(&w->in, 16), 1);
	assert_int_equal(w->fake.last_value, 2);

	make_multi(&w->out, 0, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), 0);
	assert_int_equal(get64(&w->in, 16), 0);

	make_multi(&w->out, 200, 0); /* as many as QEMU sends */
	for (unsigned i = 0; i < 200; i++)
		put_entry(&w->out, 8ull * i, 0, 8, i);
	end_message(&w->out);
	assert_int_equal(transact(w), 0);
	assert_int_equal(get64(&w->in, 16), 200);
}

static void test_write_multi_refused_whole(void **state)
{
	struct world *w = *state;
	static const struct {
		uint64_t offset;
		uint32_t region, count;
	} bad[] = {{0, 9, 4}, {0, 7, 9}, {0, 0, 16}, {0, 0, 3}, {0x1000, 0, 1}, {0, 0, 0}};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_multi(&w->out, 2, 0);
		put_entry(&w->out, 0, 0, 4, 1);
		put_entry(&w->out, bad[i].offset, bad[i].region, bad[i].count, 1);
		end_message(&w->out);
		assert_int_equal(transact(w), EINVAL);
	}
	make_multi(&w->out, 3, 0); /* one entry is missing */
	put_entry(&w->out, 0, 0, 4, 1);
	put_entry(&w->out, 0, 0, 4, 1);
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
	make_multi(&w->out, 0x0aaaaaaaaaaaaaabull, 0); /* × 24 wraps to 8 */
	put64(&w->out, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
	begin(&w->out, 15, 15, 0);
	put32(&w->out, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
	assert_int_equal(w->fake.writes, 0);
}

static void test_posted_commands_are_never_answered(void **state)
{
	struct world *w = *state;

	make_write(&w->out, 0, 0, 4, 7);
	w->out.at[8] = 0x10;
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	make_write(&w->out, 0, 0x1000, 4, 7); /* not even an error */
	w->out.at[8] = 0x10;
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	make_multi(&w->out, 1, 0x10);
	put_entry(&w->out, 8, 0, 4, 9);
	end_message(&w->out);
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	make_read(&w->out, 0, 0, 4);
	w->out.at[8] = 0x10;
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	assert_true(world_serve(w));
	assert_false(has_input(w->client));
	assert_int_equal(w->fake.writes, 2);
	make_info(&w->out);
	assert_int_equal(transact(w), 0);
}

static void test_reset(void **state)
{
	struct world *w = *state;

	begin(&w->out, 13, 13, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.len, 16);
	assert_int_equal(w->fake.resets, 1);
	w->fake.fail_next = EBUSY;
	assert_int_equal(transact(w), EBUSY);
	put32(&w->out, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
	assert_int_equal(w->fake.resets, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_config_space_in_one_read),
		TEST(test_bar_access),
		TEST(test_access_refused),
		TEST(test_oversized_payload),
		TEST(test_write_multi),
		TEST(test_write_multi_refused_whole),
		TEST(test_posted_commands_are_never_answered),
		TEST(test_reset),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
