// SPDX-License-Identifier: MIT
/* Bytes, descriptors, and what a broken stream does. */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/world.h"

#define READ    1u
#define EVENTFD 0x24u /* SET_IRQS: eventfd data, trigger */

static void test_header_flags(void **state)
{
	struct world *w = *state;

	make_info(&w->out);
	w->out.at[8] = 0x20; /* error in a command */
	assert_int_equal(transact(w), EINVAL);
	make_info(&w->out);
	w->out.at[11] = 0x80;
	assert_int_equal(transact(w), EINVAL);
	make_info(&w->out);
	w->out.at[12] = 0x55; /* the error field of a command is reserved */
	assert_int_equal(transact(w), 0);
}

static void expect_closed(struct world *w)
{
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	assert_false(world_serve(w));
	assert_int_equal(client_receive(w->client, &w->in), 0);
	close(w->client);
	world_attach(w);
	negotiate(w);
}

static void test_malformed_header_closes(void **state)
{
	struct world *w = *state;
	static const uint32_t sizes[] = {0, 1, 15, 1024 * 1024 + 4097, INT32_MAX, UINT32_MAX};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make_info(&w->out);
		memcpy(w->out.at + 4, &sizes[i], 4);
		expect_closed(w);
	}
	for (unsigned type = 2; type < 16; type++) {
		make_info(&w->out);
		w->out.at[8] = (unsigned char)type;
		expect_closed(w);
	}
}

static char last_warning[512];

static void keep_warning(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	if (level <= LOG_WARN && !strstr(line, "held back"))
		snprintf(last_warning, sizeof(last_warning), "%s", line);
}

/* A person at the other end must be able to find the byte. */
static void test_messages_name_what_where_and_which_value(void **state)
{
	struct world *w = *state;

	log_set_sink(keep_warning, NULL);
	log_set_level(LOG_WARN);
	clock_set_manual(clock_now_ns() + 10000000000ull); /* a fresh burst of messages */
	make_info(&w->out);
	w->out.at[4] = 3;
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	assert_false(world_serve(w));
	log_set_sink(NULL, NULL);
	log_set_level(LOG_ERROR);
	clock_set_real();
	assert_string_equal(last_warning,
			    "vm0/fake: client header: size 3 of command 4 is not between "
			    "16 and 1052672 [CLIENT_PROTOCOL]");
}

static void test_unexpected_replies_are_ignored(void **state)
{
	struct world *w = *state;

	begin(&w->out, 99, 12, 1);
	put64(&w->out, 0);
	end_message(&w->out);
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	assert_true(world_serve(w));
	assert_false(has_input(w->client));
	make_info(&w->out);
	assert_int_equal(transact(w), 0);
}

static void test_fragmented_byte_by_byte(void **state)
{
	struct world *w = *state;
	int fd = memory_file(0x4000, 0);

	make_map(&w->out, 0x1000, 0x4000, 0, READ);
	for (size_t i = 0; i < w->out.len; i++) {
		assert_false(has_input(w->client));
		/* the descriptor may come with any byte of the message */
		client_send(w->client, w->out.at + i, 1, &fd, i == 29);
		assert_true(world_serve(w));
	}
	assert_true(client_receive(w->client, &w->in) > 0);
	assert_int_equal(get32(&w->in, 8), 1);
	assert_true(w->fake.last_window_had_file);
	close(fd);
}

static void test_coalesced_messages(void **state)
{
	struct world *w = *state;
	struct bytes *all = calloc(1, sizeof(*all));

	for (unsigned i = 0; i < 50; i++) {
		make_write(&w->out, 0, 8ull * i, 8, i);
		put_data(all, w->out.at, w->out.len);
		make_read(&w->out, 0, 8ull * i, 8);
		put_data(all, w->out.at, w->out.len);
	}
	client_send(w->client, all->at, all->len, NULL, 0);
	assert_true(world_serve(w));
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(client_receive(w->client, &w->in), 32);
		assert_int_equal(client_receive(w->client, &w->in), 40);
		assert_int_equal(get64(&w->in, 32), i);
	}
	free(all);
}

static void make_reset(struct bytes *b, uint16_t id)
{
	begin(b, id, 13, 0);
	end_message(b);
}

/* Messages of a header alone are read together with what comes next, whose descriptors are its own:
 * whether they came in the same read, with its first bytes, or with its last. */
static void test_descriptors_of_the_message_behind(void **state)
{
	struct world *w = *state;
	unsigned before = count_fds();
	int fd = memory_file(0x4000, 0);
	struct bytes map;

	make_map(&map, 0x1000, 0x4000, 0, READ);
	for (size_t first = 1; first <= map.len; first++) {
		make_reset(&w->out, 5);
		client_send(w->client, w->out.at, w->out.len, NULL, 0);
		client_send(w->client, map.at, first, &fd, 1);
		assert_true(world_serve(w));
		client_send(w->client, map.at + first, map.len - first, NULL, 0);
		assert_true(world_serve(w));
		assert_int_equal(client_receive(w->client, &w->in), 16);
		assert_int_equal(get32(&w->in, 8), 1); /* no descriptor was seen with the reset */
		assert_true(client_receive(w->client, &w->in) > 0);
		assert_int_equal(get32(&w->in, 8), 1);
		assert_true(w->fake.last_window_had_file);
		make_unmap(&w->out, 0x1000, 0x4000, 0);
		assert_int_equal(transact(w), 0);
	}
	close(fd);
	assert_int_equal(count_fds(), before);
}

/* The end of the stream, with a descriptor of a message that has just begun. */
static void test_descriptor_of_the_message_behind_is_closed(void **state)
{
	struct world *w = *state;
	int fd = memory_file(0x4000, 0);
	unsigned before = count_fds();
	struct bytes map;

	make_map(&map, 0x1000, 0x4000, 0, READ);
	make_reset(&w->out, 5);
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	client_send(w->client, map.at, 9, &fd, 1);
	assert_int_equal(vfu_connection_receive(w->connection), 1);
	assert_int_equal(count_fds(), before + 1);
	vfu_connection_detach(w->connection);
	assert_int_equal(count_fds(), before - 1); /* and the socket's */
	close(fd);
}

static void test_descriptors_never_leak(void **state)
{
	struct world *w = *state;
	unsigned before;
	int fds[40];

	make_eventfds(fds, 40);
	before = count_fds();
	make_info(&w->out); /* takes none */
	assert_int_equal(transact_fds(w, fds, 3), EINVAL);
	assert_int_equal(count_fds(), before);
	make_map(&w->out, 0, 0x1000, 0, READ);
	assert_int_equal(transact_fds(w, fds, 40), EINVAL); /* more than fit */
	assert_int_equal(count_fds(), before);
	make_set_irqs(&w->out, EVENTFD, 2, 0, 9);
	for (size_t i = 0; i < w->out.len; i++) { /* in several parts, together too many */
		client_send(w->client, w->out.at + i, 1, fds, i % 9 == 0 ? 9 : 0);
		world_serve(w);
	}
	assert_true(client_receive(w->client, &w->in) > 0);
	assert_int_equal(get32(&w->in, 12), EINVAL);
	assert_int_equal(count_fds(), before);
	make_map(&w->out, 0, 0x1000, 0, READ); /* half a message, then the end */
	client_send(w->client, w->out.at, 20, fds, 5);
	assert_true(world_serve(w));
	assert_int_equal(count_fds(), before + 5);
	vfu_connection_detach(w->connection);
	assert_int_equal(count_fds(), before - 1);
	close_all(fds, 40);
}

static void test_disconnect_at_every_byte(void **state)
{
	struct world *w = *state;
	int fd = memory_file(0x4000, 0);
	size_t len;

	make_map(&w->out, 0x1000, 0x4000, 0, READ);
	len = w->out.len;
	for (size_t i = 0; i <= len; i++) {
		unsigned before = count_fds();

		make_map(&w->out, 0x1000, 0x4000, 0, READ);
		if (i)
			client_send(w->client, w->out.at, i, &fd, 1);
		close(w->client);
		assert_false(world_serve(w));
		assert_int_equal(w->fake.window_count, 0);
		assert_int_equal(count_fds(), before - 2);
		world_attach(w);
		negotiate(w);
	}
	close(fd);
}

/* A client that sends and never reads is not served without end, and costs no memory. */
static void test_back_pressure(void **state)
{
	struct world *w = *state;
	unsigned sent = 0, received = 0;

	make_read(&w->out, 7, 0, 4096);
	while (send(w->client, w->out.at, w->out.len, MSG_DONTWAIT) == (ssize_t)w->out.len) {
		sent++;
		assert_true(world_serve(w));
	}
	assert_true(sent > 50);
	assert_int_equal(vfu_connection_poll_events(w->connection), POLLOUT);
	while (received < sent) {
		assert_int_equal(client_receive(w->client, &w->in), 32 + 4096);
		assert_memory_equal(w->in.at + 32, w->fake.config, 4096);
		received++;
		assert_int_equal(vfu_connection_flush(w->connection), 0);
		assert_true(world_serve(w));
	}
	assert_int_equal(vfu_connection_poll_events(w->connection), POLLIN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_header_flags),
		TEST(test_malformed_header_closes),
		TEST(test_messages_name_what_where_and_which_value),
		TEST(test_unexpected_replies_are_ignored),
		TEST(test_fragmented_byte_by_byte),
		TEST(test_coalesced_messages),
		TEST(test_descriptors_of_the_message_behind),
		TEST(test_descriptor_of_the_message_behind_is_closed),
		TEST(test_descriptors_never_leak),
		TEST(test_disconnect_at_every_byte),
		TEST(test_back_pressure),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
