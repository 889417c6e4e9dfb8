// SPDX-License-Identifier: MIT
/* What client and server agree on. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "server/world.h"

#define READ 1u

static void test_version_reply_is_a_subset(void **state)
{
	struct world *w = *state;
	static const char expected[] = "{\"capabilities\":{\"max_data_xfer_size\":4096,\"max_msg_"
				       "fds\":16,\"max_dma_maps\":1024,"
				       "\"pgsizes\":4096,\"write_multiple\":true}}";

	make_version(&w->out, client_qemu_capabilities);
	assert_int_equal(transact(w), 0);
	assert_int_equal(get16(&w->in, 16), 0);
	assert_int_equal(get16(&w->in, 18), 0);
	assert_int_equal(w->in.len, 20 + sizeof(expected));
	assert_string_equal((char *)w->in.at + 20, expected);
	assert_true(w->in.len <= w->out.len);
	assert_int_equal(w->fake.connects, 1);
}

static void test_version_takes_the_smaller_limits(void **state)
{
	struct world *w = *state;

	make_version(&w->out, "{\"capabilities\":{\"max_msg_fds\":3,\"max_data_xfer_size\":64,"
			      "\"max_dma_maps\":2,\"twin_socket\":{\"supported\":true},"
			      "\"something\":\"else\",\"filler\":[1,2,3,4,5,6,7,8,9,10,11,12]}}");
	assert_int_equal(transact(w), 0);
	assert_string_equal((char *)w->in.at + 20,
			    "{\"capabilities\":{\"max_data_xfer_size\":64,\"max_msg_fds\":3,"
			    "\"max_dma_maps\":2,\"pgsizes\":4096}}");
	make_read(&w->out, 7, 0, 65);
	assert_int_equal(transact(w), E2BIG);
	make_read(&w->out, 7, 0, 64);
	assert_int_equal(transact(w), 0);
	for (unsigned i = 0; i < 3; i++) {
		make_map(&w->out, 0x1000ull * i, 0x1000, 0, READ);
		assert_int_equal(transact(w), i < 2 ? 0 : ENOSPC);
	}
	begin(&w->out, 9, 15, 0);
	put64(&w->out, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), ENOTSUP);
}

static void test_version_without_data(void **state)
{
	struct world *w = *state;

	make_version(&w->out, NULL);
	assert_int_equal(transact(w), 0);
	assert_int_equal(w->in.len, 20);
	make_info(&w->out);
	assert_int_equal(transact(w), 0);
}

/* QEMU receives the reply in the buffer of the request. */
static void test_version_reply_is_never_longer_than_the_request(void **state)
{
	struct world *w = *state;

	for (unsigned len = 2; len < 200; len++) {
		char json[256] = "{}";

		memset(json + 2, ' ', len - 2);
		json[len] = '\0';
		make_version(&w->out, json);
		assert_int_equal(transact(w), 0);
		assert_true(w->in.len <= w->out.len);
		if (w->in.len > 20)
			assert_int_equal(w->in.at[w->in.len - 1], 0);
		vfu_connection_detach(w->connection);
		close(w->client);
		world_attach(w);
	}
}

static void test_version_refusals_close(void **state)
{
	struct world *w = *state;
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"null",
		"17",
		"{} x",
		"{\"capabilities\":7}",
		"{\"capabilities\":{\"max_msg_fds\":\"8\"}}",
		"{\"capabilities\":{\"max_msg_fds\":-1}}",
		"{\"capabilities\":{\"max_msg_fds\":0}}",
		"{\"capabilities\":{\"max_msg_fds\":1.5}}",
		"{\"capabilities\":{\"max_data_xfer_size\":{}}}",
		"{\"capabilities\":{\"max_dma_maps\":null}}",
		"{\"capabilities\":{\"write_multiple\":1}}",
		"{\"capabilities\":{\"pgsizes\":8192}}",
		"{\"capabilities\":{\"pgsizes\":true}}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}",
		"{\"\xff\xfe\":1}",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_version(&w->out, bad[i]);
		assert_int_equal(transact(w), EINVAL);
		assert_false(vfu_connection_is_attached(w->connection));
		assert_int_equal(client_receive(w->client, &w->in), 0);
		close(w->client);
		world_attach(w);
	}
	assert_int_equal(w->fake.connects, 0);
}

static void test_version_number_and_framing_of_the_data(void **state)
{
	struct world *w = *state;

	make_version(&w->out, "{}");
	w->out.at[16] = 1; /* major */
	assert_int_equal(transact(w), EPROTONOSUPPORT);
	close(w->client);
	world_attach(w);
	make_version(&w->out, "{}");
	w->out.at[18] = 77; /* a later minor version: answered with the one we know */
	assert_int_equal(transact(w), 0);
	assert_int_equal(get16(&w->in, 18), 0);
	make_version(&w->out, "{}"); /* once is enough; the connection survives */
	assert_int_equal(transact(w), EINVAL);
	make_info(&w->out);
	assert_int_equal(transact(w), 0);
	vfu_connection_detach(w->connection);
	close(w->client);
	world_attach(w);
	make_version(&w->out, "{}");
	w->out.len--; /* no NUL */
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
	close(w->client);
	world_attach(w);
	begin(&w->out, 1, 1, 0);
	put16(&w->out, 0); /* no minor */
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
}

static void test_nothing_comes_before_the_version(void **state)
{
	struct world *w = *state;

	make_info(&w->out);
	assert_int_equal(transact(w), EINVAL);
	assert_false(vfu_connection_is_attached(w->connection));
	assert_int_equal(client_receive(w->client, &w->in), 0);
	assert_int_equal(w->fake.disconnects, 0);
}

int main(void)
{
#define BARE(name) cmocka_unit_test_setup_teardown(name, world_setup_bare, world_teardown)
	const struct CMUnitTest tests[] = {
		BARE(test_version_reply_is_a_subset),
		BARE(test_version_takes_the_smaller_limits),
		BARE(test_version_without_data),
		BARE(test_version_reply_is_never_longer_than_the_request),
		BARE(test_version_refusals_close),
		BARE(test_version_number_and_framing_of_the_data),
		BARE(test_nothing_comes_before_the_version),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
