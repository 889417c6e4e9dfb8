// SPDX-License-Identifier: MIT
#include "ioasid_world.h"

#include "base/log.h"

static int setup(void **state, enum worker_mode mode)
{
	struct ioasid_world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->pool = worker_pool_create(mode, 0);
	world->space = ioasid_space_create(IOASID_BITS, world->pool, NULL);
	assert_non_null(world->space);
	assert_int_equal(
		vsva_ioasid_set_alloc(world->space, &world->token_a, IOASID_QUOTA, &world->a), 0);
	assert_int_equal(
		vsva_ioasid_set_alloc(world->space, &world->token_b, IOASID_QUOTA, &world->b), 0);
	*state = world;
	return 0;
}

int ioasid_setup(void **state)
{
	return setup(state, WORKERS_MANUAL);
}

int ioasid_setup_threads(void **state)
{
	return setup(state, WORKERS_THREADS);
}

/* A test that has freed a set has set it to NULL. */
int ioasid_teardown(void **state)
{
	struct ioasid_world *world = *state;

	if (world->a)
		vsva_ioasid_set_free(world->a);
	if (world->b)
		vsva_ioasid_set_free(world->b);
	ioasid_space_destroy(world->space);
	worker_pool_destroy(world->pool);
	log_set_sink(NULL, NULL);
	free(world);
	return 0;
}

hpasid_t ioasid_new(struct vsva_ioasid_set *set)
{
	hpasid_t id;

	assert_int_equal(vsva_ioasid_alloc(set, 1, VSVA_PASID_MAX, NULL, &id), 0);
	return id;
}

enum vsva_ioasid_state ioasid_state(const struct ioasid_world *world, hpasid_t id)
{
	return vsva_ioasid_state_of(world->space, id, NULL);
}

uint32_t ioasid_references(const struct ioasid_world *world, hpasid_t id)
{
	uint32_t references;

	vsva_ioasid_state_of(world->space, id, &references);
	return references;
}

void ioasid_run(struct ioasid_world *world)
{
	assert_true(worker_pool_run_idle(world->pool, 10000) < 10000);
}

/* The diary */

void diary_write(struct diary *diary, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(diary->text + diary->len, DIARY_MAX - diary->len, format, args);
	va_end(args);
	assert_true(len >= 0 && diary->len + (size_t)len < DIARY_MAX);
	diary->len += (size_t)len;
}

void expect_diary(struct diary *diary, const char *text)
{
	assert_string_equal(diary->text, text);
	*diary = (struct diary){.len = 0};
}

/* Watchers */

static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct watcher *watcher = arg;

	diary_write(watcher->diary, "%s %s %u; ", watcher->name,
		    vsva_ioasid_event_name(event->kind), event->id.v);
}

static void on_reclaim(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct watcher *watcher = arg;

	diary_write(watcher->diary, "%s reclaim", watcher->name);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(events[i].kind, VSVA_IOASID_EVENT_FREE);
		diary_write(watcher->diary, " %u", events[i].id.v);
	}
	diary_write(watcher->diary, "; ");
}

const struct vsva_ioasid_subscriber watcher_events = {.event = on_event};
const struct vsva_ioasid_subscriber watcher_reclaim = {.reclaim = on_reclaim};
const struct vsva_ioasid_subscriber watcher_both = {on_event, on_reclaim};

void watch(struct ioasid_world *world, struct watcher *watcher, const char *name, const void *token,
	   enum vsva_ioasid_priority priority, const struct vsva_ioasid_subscriber *subscriber)
{
	*watcher = (struct watcher){.name = name, .diary = &world->diary};
	assert_int_equal(vsva_ioasid_notifier_register(world->space, token, priority, subscriber,
						       watcher, &watcher->notifier),
			 0);
}

void unwatch(struct watcher *watcher)
{
	assert_int_equal(vsva_ioasid_notifier_unregister(watcher->notifier), 0);
	watcher->notifier = NULL;
}

/* The log */

static unsigned lines;

static void count_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
	__atomic_fetch_add(&lines, 1, __ATOMIC_RELAXED);
}

void hush_log(void)
{
	lines = 0;
	log_set_sink(count_line, NULL);
}

unsigned hushed_lines(void)
{
	return __atomic_load_n(&lines, __ATOMIC_RELAXED);
}
