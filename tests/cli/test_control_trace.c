/* SPDX-License-Identifier: MIT */
/* Subscriptions to events, and a client that does not take them. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "cli/control/client.h"
#include "cli/control/trace.h"
#include "cli/json_text.h"

#define RING_EVENTS 64u

struct setting {
	struct vsva_machine *machine;
	struct control_tracing tracing;
	struct subscription *subscription;
};

/* A machine whose ring, made before anybody asks, is small. */
static struct setting make_setting(void)
{
	struct setting setting = {0};

	assert_int_equal(vsva_machine_create(NULL, &setting.machine), 0);
	assert_int_equal(vsva_machine_trace_start(setting.machine, RING_EVENTS), 0);
	vsva_machine_trace_stop(setting.machine);
	return setting;
}

static int subscribe(struct setting *setting, const char *request)
{
	struct json_object *line = json_tokener_parse(request);
	const char *why;
	int err;

	assert_non_null(line);
	err = subscription_open(&setting->tracing, setting->machine, line, &setting->subscription,
				&why);
	json_object_put(line);
	return err;
}

static void unsubscribe(struct setting *setting)
{
	subscription_close(&setting->tracing, setting->machine, setting->subscription);
	setting->subscription = NULL;
}

static void end_setting(struct setting *setting)
{
	unsubscribe(setting);
	vsva_machine_destroy(setting->machine);
}

/* Four descriptors and a reset each. */
static void make_events(struct setting *setting, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		assert_int_equal(vsva_machine_reset_unit(setting->machine), 0);
	/* the ring tells what has happened when its microsecond is over */
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

struct counted {
	uint64_t events, lost, resets, ends;
};

static void count_lines(const char *text, size_t len, struct counted *counted)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		struct json_object *line;

		assert_non_null(end);
		line = json_tokener_parse(text);
		assert_non_null(line);
		counted->lost += json_number_of(line, "lost", 0);
		counted->ends += json_flag_of(line, "end");
		if (json_text_of(line, "event")) {
			counted->events++;
			counted->resets += !strcmp(json_text_of(line, "event"), "unit-reset");
		}
		json_object_put(line);
		len -= (size_t)(end + 1 - text);
		text = end + 1;
	}
}

static struct counted fill_all(struct setting *setting, bool is_orphan)
{
	struct counted counted = {0};
	bool ends = false;
	size_t len;
	char *text;

	while (!ends && (text = subscription_fill(setting->subscription, is_orphan, &len, &ends))) {
		assert_true(len <= 64 << 10);
		count_lines(text, len, &counted);
		free(text);
	}
	return counted;
}

static void test_subscription_switches_the_ring_on_and_off(void **state)
{
	struct setting s = make_setting();
	struct subscription *other;
	(void)state;

	assert_int_equal(subscribe(&s, "{\"trace\":true}"), 0);
	other = s.subscription;
	assert_int_equal(subscribe(&s, "{\"trace\":true}"), 0);
	assert_true(vsva_machine_trace_is_on(s.machine));
	unsubscribe(&s);
	assert_true(vsva_machine_trace_is_on(s.machine));
	s.subscription = other;
	unsubscribe(&s);
	assert_false(vsva_machine_trace_is_on(s.machine));
	/* what somebody else has switched on stays on */
	vsva_machine_trace_start(s.machine, 0);
	assert_int_equal(subscribe(&s, "{\"trace\":true}"), 0);
	unsubscribe(&s);
	assert_true(vsva_machine_trace_is_on(s.machine));
	end_setting(&s);
}

static void test_subscription_gets_the_kinds_it_wants(void **state)
{
	struct setting s = make_setting();
	struct counted counted;
	(void)state;

	assert_int_equal(subscribe(&s, "{\"trace\":true,\"kinds\":[\"unit-reset\"]}"), 0);
	make_events(&s, 3);
	counted = fill_all(&s, false);
	assert_int_equal(counted.events, 3);
	assert_int_equal(counted.resets, 3);
	unsubscribe(&s);
	assert_int_equal(subscribe(&s, "{\"trace\":true,\"kinds\":[\"luck\"]}"), -EINVAL);
	assert_int_equal(subscribe(&s, "{\"trace\":true,\"kinds\":\"bind\"}"), -EINVAL);
	assert_int_equal(subscribe(&s, "{\"trace\":true,\"kinds\":[7]}"), -EINVAL);
	assert_int_equal(subscribe(&s, "{\"trace\":true,\"from\":\"here\"}"), -EINVAL);
	assert_int_equal(subscribe(&s, "{\"trace\":true,\"until\":7}"), -EINVAL);
	assert_false(vsva_machine_trace_is_on(s.machine));
	end_setting(&s);
}

static void test_subscription_until_now_ends_and_switches_nothing_on(void **state)
{
	struct setting s = make_setting();
	struct counted counted;
	(void)state;

	vsva_machine_trace_start(s.machine, 0);
	make_events(&s, 2);
	vsva_machine_trace_stop(s.machine);
	assert_int_equal(subscribe(&s, "{\"trace\":true,\"until\":\"now\"}"), 0);
	assert_false(vsva_machine_trace_is_on(s.machine));
	counted = fill_all(&s, false);
	assert_int_equal(counted.resets, 2);
	assert_int_equal(counted.ends, 1);
	unsubscribe(&s);
	/* what happens while it is read is not part of it */
	assert_int_equal(subscribe(&s, "{\"trace\":true,\"until\":\"now\"}"), 0);
	vsva_machine_trace_start(s.machine, 0);
	make_events(&s, 3);
	counted = fill_all(&s, false);
	assert_int_equal(counted.resets, 2);
	assert_int_equal(counted.ends, 1);
	end_setting(&s);
}

static void test_subscription_of_a_ring_that_never_was_is_empty(void **state)
{
	struct setting s = {0};
	struct counted counted;
	(void)state;

	assert_int_equal(vsva_machine_create(NULL, &s.machine), 0);
	assert_int_equal(subscribe(&s, "{\"trace\":true,\"until\":\"now\"}"), 0);
	counted = fill_all(&s, false);
	assert_int_equal(counted.events, 0);
	assert_int_equal(counted.ends, 1);
	end_setting(&s);
}

static void test_subscriptions_are_limited(void **state)
{
	struct subscription *all[SUBSCRIPTIONS_MAX];
	struct setting s = make_setting();
	(void)state;

	for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++) {
		assert_int_equal(subscribe(&s, "{\"trace\":true}"), 0);
		all[i] = s.subscription;
	}
	s.subscription = NULL;
	assert_int_equal(subscribe(&s, "{\"trace\":true}"), -EUSERS);
	for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++)
		subscription_close(&s.tracing, s.machine, all[i]);
	assert_int_equal(subscribe(&s, "{\"trace\":true}"), 0);
	end_setting(&s);
}

/* What it has not taken it gets when the machine has gone, and then the end. */
static void test_subscription_outlives_its_machine(void **state)
{
	struct setting s = make_setting();
	struct counted counted;
	(void)state;

	assert_int_equal(subscribe(&s, "{\"trace\":true}"), 0);
	make_events(&s, 2);
	assert_false(subscription_is_orphan(&s.tracing, s.subscription));
	control_tracing_change_machine(&s.tracing, s.machine);
	assert_true(subscription_is_orphan(&s.tracing, s.subscription));
	vsva_machine_destroy(s.machine);
	s.machine = NULL;
	counted = fill_all(&s, true);
	assert_int_equal(counted.resets, 2);
	assert_int_equal(counted.ends, 1);
	end_setting(&s);
}

/* A client that does not read */

static char *fill(void *arg, size_t *len)
{
	struct setting *setting = arg;
	bool ends;

	return subscription_fill(setting->subscription, false, len, &ends);
}

static char *answer(void *arg, const char *line, size_t len)
{
	(void)arg;
	(void)line;
	(void)len;
	return strdup("{}\n");
}

static void read_all(int fd, struct control_client *client, const struct control_lines *lines,
		     struct counted *counted)
{
	static char text[1 << 22];
	size_t used = 0;
	ssize_t got;

	do {
		assert_true(control_client_run(client, lines, 0));
		while ((got = recv(fd, text + used, sizeof(text) - used, MSG_DONTWAIT)) > 0)
			used += (size_t)got;
	} while (client->out);
	count_lines(text, used, counted);
}

static void test_client_that_does_not_read_loses_events_and_is_told(void **state)
{
	struct setting s = make_setting();
	struct control_client client = {.fd = -1};
	const struct control_lines lines = {.answer = answer, .fill = fill, .arg = &s};
	struct counted counted = {0};
	uint64_t rounds = 0;
	int ends[2];
	(void)state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	control_client_open(&client, ends[0], "{}", 0);
	assert_int_equal(subscribe(&s, "{\"trace\":true}"), 0);
	client.subscription = s.subscription;
	while (!client.out || client.out_sent == client.out_used || rounds < 64) {
		make_events(&s, 8);
		assert_true(control_client_run(&client, &lines, 0));
		rounds += 8;
	}
	/* the socket is full and so is the one buffer: nothing more is kept, and nobody is dropped */
	make_events(&s, 10 * RING_EVENTS);
	rounds += 10 * RING_EVENTS;
	assert_true(client.out_used <= 64 << 10);
	assert_false(control_client_is_stalled(&client, 1000 * CONTROL_STALL_MS));
	read_all(ends[1], &client, &lines, &counted);
	assert_true(counted.lost > 9 * RING_EVENTS);
	assert_true((counted.events + counted.lost) % rounds == 0);
	control_client_close(&client);
	close(ends[1]);
	end_setting(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subscription_switches_the_ring_on_and_off),
		cmocka_unit_test(test_subscription_gets_the_kinds_it_wants),
		cmocka_unit_test(test_subscription_until_now_ends_and_switches_nothing_on),
		cmocka_unit_test(test_subscription_of_a_ring_that_never_was_is_empty),
		cmocka_unit_test(test_subscriptions_are_limited),
		cmocka_unit_test(test_subscription_outlives_its_machine),
		cmocka_unit_test(test_client_that_does_not_read_loses_events_and_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
