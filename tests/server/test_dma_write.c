// SPDX-License-Identifier: MIT
/* Commands that the server sends. */
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "server/world.h"

#define MSI_ADDRESS 0xfee01000ull

static void reply_to(struct world *w, uint32_t error)
{
	begin(&w->out, get16(&w->in, 0), get16(&w->in, 2), error ? 0x21 : 1);
	memcpy(w->out.at + 12, &error, 4);
	end_message(&w->out);
	client_send(w->client, w->out.at, w->out.len, NULL, 0);
	assert_true(world_serve(w));
}

static int send_msi(struct world *w, uint32_t data)
{
	return vfu_connection_dma_write(w->connection, gpa(MSI_ADDRESS), &data, 4, false);
}

/* The first write asks how the client reads a count; the probe must be harmless in both layouts. */
static void expect_probe(struct world *w)
{
	assert_int_equal(client_receive(w->client, &w->in), 32);
	assert_int_equal(get16(&w->in, 2), 11);
	assert_int_equal(get32(&w->in, 8), 0);
	assert_int_equal(get32(&w->in, 24), 0); /* a 32-bit count reads nothing */
	assert_int_equal(get64(&w->in, 24), 1ull << 32);
	assert_false(has_input(w->client));
}

static void test_dma_write_in_the_specified_layout(void **state)
{
	struct world *w = *state;

	assert_int_equal(send_msi(w, 0x4021), 0);
	expect_probe(w);
	assert_int_equal(send_msi(w, 0x4022), 0);
	assert_int_equal(send_msi(w, 0x4021), 0);
	assert_int_equal(send_msi(w, 0x4021), 0); /* still waits: merged */
	reply_to(w, E2BIG);
	for (unsigned i = 0; i < 3; i++) {
		static const uint32_t expected[] = {0x4021, 0x4022, 0x4021};

		assert_int_equal(client_receive(w->client, &w->in), 36);
		assert_int_equal(get16(&w->in, 2), 12);
		assert_int_equal(get32(&w->in, 8), 0);
		assert_int_equal(get64(&w->in, 16), MSI_ADDRESS);
		assert_int_equal(get64(&w->in, 24), 4);
		assert_int_equal(get32(&w->in, 32), expected[i]);
		reply_to(w, 0);
	}
	assert_false(has_input(w->client));
	assert_int_equal(w->fake.refusals, 0);
}

static void test_dma_write_in_the_layout_of_qemu_10(void **state)
{
	struct world *w = *state;
	uint32_t data = 0x4023;

	assert_int_equal(vfu_connection_dma_write(w->connection, gpa(MSI_ADDRESS), &data, 4, true),
			 0);
	expect_probe(w);
	reply_to(w, 0);
	assert_int_equal(client_receive(w->client, &w->in), 36);
	assert_int_equal(get32(&w->in, 8), 0x10);
	assert_int_equal(get64(&w->in, 16), MSI_ADDRESS);
	assert_int_equal(get32(&w->in, 24), 4);
	assert_int_equal(get32(&w->in, 28), 0x4023);
	assert_int_equal(get32(&w->in, 32), 0);
}

static void test_dma_write_not_known_by_the_client(void **state)
{
	struct world *w = *state;

	assert_int_equal(send_msi(w, 1), 0);
	expect_probe(w);
	reply_to(w, ENOSYS);
	assert_false(has_input(w->client));
	assert_int_equal(send_msi(w, 1), -ENOTSUP);
}

static void test_dma_write_errors_reach_the_function(void **state)
{
	struct world *w = *state;

	send_msi(w, 1);
	expect_probe(w);
	reply_to(w, E2BIG);
	assert_true(client_receive(w->client, &w->in) > 0);
	reply_to(w, ENODEV);
	assert_int_equal(w->fake.refusals, 1);
	assert_int_equal(w->fake.refused_error, ENODEV);
	assert_int_equal(w->fake.refused_gpa, MSI_ADDRESS);
	reply_to(w, 0); /* twice for one write */
	assert_int_equal(w->fake.refusals, 1);
}

static void test_dma_write_limits(void **state)
{
	struct world *w = *state;
	unsigned char data[32] = {0};

	assert_int_equal(vfu_connection_dma_write(w->connection, gpa(0), data, 0, true), -EINVAL);
	assert_int_equal(vfu_connection_dma_write(w->connection, gpa(0), data, 17, true), -EINVAL);
	assert_int_equal(vfu_connection_dma_write(w->connection, gpa(0), data, 16, true), 0);
	for (uint32_t i = 1; i < 16; i++)
		assert_int_equal(send_msi(w, i), 0);
	assert_int_equal(send_msi(w, 16), -ENOBUFS);
	vfu_connection_detach(w->connection);
	assert_int_equal(send_msi(w, 1), -ENOTCONN);
	close(w->client);
	world_attach(w);
	assert_int_equal(send_msi(w, 1), -ENOTCONN); /* no version yet */
	negotiate(w);
	assert_int_equal(send_msi(w, 1),
			 0); /* nothing of the old client's is sent to the new one */
	expect_probe(w);
}

static void test_dma_write_while_the_socket_is_full(void **state)
{
	struct world *w = *state;
	unsigned msis = 0;

	send_msi(w, 0);
	expect_probe(w);
	reply_to(w, E2BIG);
	assert_true(client_receive(w->client, &w->in) > 0);
	make_read(&w->out, 7, 0, 4096);
	while (vfu_connection_poll_events(w->connection) & POLLIN) {
		client_send(w->client, w->out.at, w->out.len, NULL, 0);
		assert_true(world_serve(w));
	}
	assert_int_equal(w->wakes, 0);
	assert_int_equal(send_msi(w, 1), 0);
	assert_int_equal(send_msi(w, 2), 0);
	assert_true(w->wakes > 0);
	while (msis < 2) {
		assert_int_equal(vfu_connection_flush(w->connection), 0);
		assert_true(client_receive(w->client, &w->in) > 0);
		if (get16(&w->in, 2) == 12)
			assert_int_equal(get32(&w->in, 32), ++msis);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_dma_write_in_the_specified_layout),
		TEST(test_dma_write_in_the_layout_of_qemu_10),
		TEST(test_dma_write_not_known_by_the_client),
		TEST(test_dma_write_errors_reach_the_function),
		TEST(test_dma_write_limits),
		TEST(test_dma_write_while_the_socket_is_full),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
