// SPDX-License-Identifier: MIT
/* DEVICE_SET_IRQS, and interrupts that fire. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "server/world.h"

#define EVENTFD 0x24u /* SET_IRQS: eventfd data, trigger */

static void test_irqs_fire_and_go_away(void **state)
{
	struct world *w = *state;
	unsigned before;
	int fds[3];

	make_eventfds(fds, 3);
	before = count_fds();
	assert_int_equal(vfu_connection_raise_irq(w->connection, 2, 4), -ENOENT);
	make_set_irqs(&w->out, EVENTFD, 2, 3, 3);
	assert_int_equal(transact_fds(w, fds, 3), 0);
	assert_int_equal(w->in.len, 16);
	assert_int_equal(count_fds(), before + 3);
	assert_int_equal(w->fake.irq_changes, 3);
	assert_true(w->fake.irq_fds[4] >= 0);
	assert_int_equal(vfu_connection_raise_irq(w->connection, 2, 4), 0);
	assert_int_equal(counter_of(fds[1]), 1);
	assert_int_equal(counter_of(fds[0]), 0);
	assert_int_equal(vfu_connection_raise_irq(w->connection, 2, FAKE_VECTORS), -EINVAL);
	assert_int_equal(vfu_connection_raise_irq(w->connection, 5, 0), -EINVAL);

	make_set_irqs(&w->out, EVENTFD, 2, 4, 1); /* without a descriptor: take it away */
	assert_int_equal(transact(w), 0);
	assert_int_equal(vfu_connection_raise_irq(w->connection, 2, 4), -ENOENT);
	assert_int_equal(w->fake.irq_fds[4], -1);
	make_set_irqs(&w->out, EVENTFD, 2, 3, 1); /* replaced */
	assert_int_equal(transact_fds(w, &fds[1], 1), 0);
	assert_int_equal(count_fds(), before + 2);
	vfu_connection_raise_irq(w->connection, 2, 3);
	assert_int_equal(counter_of(fds[1]), 1);
	make_set_irqs(&w->out, 0x21, 2, 0, 0); /* all off */
	assert_int_equal(transact(w), 0);
	assert_int_equal(count_fds(), before);
	assert_int_equal(w->fake.irq_fds[3], -1);
	close_all(fds, 3);
}

static void test_irqs_fired_by_the_client(void **state)
{
	struct world *w = *state;
	int fds[4];

	make_eventfds(fds, 4);
	make_set_irqs(&w->out, EVENTFD, 2, 0, 4);
	assert_int_equal(transact_fds(w, fds, 4), 0);
	make_set_irqs(&w->out, 0x21, 2, 1, 2); /* no data, trigger */
	assert_int_equal(transact(w), 0);
	make_set_irqs(&w->out, 0x22, 2, 1, 3); /* booleans, trigger */
	w->out.at[16] = 23;
	put_data(&w->out, "\x01\x00\x01", 3);
	end_message(&w->out);
	assert_int_equal(transact(w), 0);
	assert_int_equal(counter_of(fds[0]), 0);
	assert_int_equal(counter_of(fds[1]), 2);
	assert_int_equal(counter_of(fds[2]), 1);
	assert_int_equal(counter_of(fds[3]), 1);
	close_all(fds, 4);
}

static void test_irqs_leave_with_the_client(void **state)
{
	struct world *w = *state;
	unsigned before;
	int fds[4];

	make_eventfds(fds, 4);
	before = count_fds();
	make_set_irqs(&w->out, EVENTFD, 2, 0, 4);
	assert_int_equal(transact_fds(w, fds, 4), 0);
	vfu_connection_detach(w->connection);
	assert_int_equal(count_fds(), before - 1);
	assert_int_equal(vfu_connection_raise_irq(w->connection, 2, 0), -ENOENT);
	close_all(fds, 4);
}

struct irq_case {
	uint32_t flags, index, start, count, argsz;
	unsigned fds;
	uint32_t error;
};

static void test_irqs_refused(void **state)
{
	struct world *w = *state;
	static const struct irq_case cases[] = {
		{EVENTFD, 5, 0, 1, 20, 1, EINVAL},          /* no such index */
		{EVENTFD, 1, 0, 1, 20, 1, EINVAL},          /* no interrupt at this index */
		{EVENTFD, 2, 9, 1, 20, 1, EINVAL},          /* beyond the end */
		{EVENTFD, 2, 8, 2, 20, 2, EINVAL},          /* across the end */
		{EVENTFD, 2, 1, UINT32_MAX, 20, 1, EINVAL}, /* start + count wraps */
		{EVENTFD, 2, UINT32_MAX, 1, 20, 1, EINVAL},
		{EVENTFD, 2, 0, 2, 20, 1, EINVAL}, /* fewer descriptors than interrupts */
		{EVENTFD, 2, 0, 1, 20, 2, EINVAL}, /* more */
		{EVENTFD, 2, 0, 0, 20, 0, EINVAL}, /* names none */
		{EVENTFD, 2, 0, 1, 24, 1, EINVAL}, /* argsz is not the payload */
		{EVENTFD, 2, 0, 1, 16, 1, EINVAL},
		{0x22, 2, 0, 0, 20, 0, EINVAL},  /* booleans for none */
		{0x22, 2, 0, 1, 20, 0, EINVAL},  /* boolean missing */
		{0x21, 2, 3, 0, 20, 0, EINVAL},  /* disable all, but start is 3 */
		{0x20, 2, 0, 1, 20, 0, EINVAL},  /* no data flag */
		{0x23, 2, 0, 1, 20, 0, EINVAL},  /* two */
		{0x01, 2, 0, 1, 20, 0, EINVAL},  /* no action */
		{0x31, 2, 0, 1, 20, 0, EINVAL},  /* two */
		{0x61, 2, 0, 1, 20, 0, EINVAL},  /* unknown */
		{0x09, 2, 0, 1, 20, 0, ENOTSUP}, /* mask */
		{0x14, 2, 0, 1, 20, 1, ENOTSUP}, /* unmask by eventfd */
	};
	unsigned before;
	int fds[2];

	make_eventfds(fds, 2);
	before = count_fds();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct irq_case *c = &cases[i];

		make_set_irqs(&w->out, c->flags, c->index, c->start, c->count);
		w->out.at[16] = (unsigned char)c->argsz;
		assert_int_equal(transact_fds(w, fds, c->fds), c->error);
		assert_int_equal(count_fds(), before);
	}
	begin(&w->out, 8, 8, 0);
	put64(&w->out, 0);
	end_message(&w->out);
	assert_int_equal(transact(w), EINVAL);
	assert_int_equal(w->fake.irq_changes, 0);
	close_all(fds, 2);
}

/* Writing to them could block, or write into somebody's file. */
static void test_irqs_take_eventfds_only(void **state)
{
	struct world *w = *state;
	int pipes[2], bad[3];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	bad[0] = pipes[1];
	bad[1] = memory_file(4096, 0);
	bad[2] = w->client;
	for (unsigned i = 0; i < 3; i++) {
		make_set_irqs(&w->out, EVENTFD, 2, 0, 1);
		assert_int_equal(transact_fds(w, &bad[i], 1), EINVAL);
	}
	close(pipes[0]);
	close(pipes[1]);
	close(bad[1]);
}

/* A client that fills the counter, and makes it blocking, must not stop the device's thread. */
static void test_irq_counter_full(void **state)
{
	struct world *w = *state;
	uint64_t full = UINT64_MAX - 1;
	int fd;

	make_eventfds(&fd, 1);
	make_set_irqs(&w->out, EVENTFD, 2, 0, 1);
	assert_int_equal(transact_fds(w, &fd, 1), 0);
	assert_int_equal(write(fd, &full, sizeof(full)), 8);
	fcntl(fd, F_SETFL, 0);
	assert_int_equal(vfu_connection_raise_irq(w->connection, 2, 0), 0);
	assert_int_equal(counter_of(fd), full);
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_irqs_fire_and_go_away),      TEST(test_irqs_fired_by_the_client),
		TEST(test_irqs_leave_with_the_client), TEST(test_irqs_refused),
		TEST(test_irqs_take_eventfds_only),    TEST(test_irq_counter_full),
	};

	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
