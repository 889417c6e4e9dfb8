/* SPDX-License-Identifier: MIT */
/* A space of IOASIDs with two sets, and subscribers that write down what they are told. */
#ifndef TESTS_HOST_IOASID_WORLD_H
#define TESTS_HOST_IOASID_WORLD_H

#include "unit.h"

#include "base/alloc.h"
#include "base/rcu.h"
#include "bind_id.h"
#include "host/ioasid.h"

#define IOASID_BITS  13u /* a small space: 8191 ids */
#define IOASID_LAST  ((1u << IOASID_BITS) - 1)
#define IOASID_QUOTA 1000u

#define DIARY_MAX 4096u

/* "NAME event id; NAME reclaim id id; " and so on, in order. */
struct diary {
	char text[DIARY_MAX];
	size_t len;
};

struct ioasid_world {
	struct worker_pool *pool;
	struct vsva_ioasid_space *space;
	struct vsva_ioasid_set *a, *b;
	int token_a, token_b;
	struct diary diary;
};

/* For cmocka: state is the world; of one thread, and of several. */
int ioasid_setup(void **state);
int ioasid_setup_threads(void **state);
int ioasid_teardown(void **state);

/* Any id. */
hpasid_t ioasid_new(struct vsva_ioasid_set *set);
enum vsva_ioasid_state ioasid_state(const struct ioasid_world *world, hpasid_t id);
uint32_t ioasid_references(const struct ioasid_world *world, hpasid_t id);
/* Until no worker has anything to do. */
void ioasid_run(struct ioasid_world *world);

/* A subscriber by name. What it is told stands in the diary. */
struct watcher {
	const char *name;
	struct diary *diary;
	struct vsva_ioasid_notifier *notifier;
};

extern const struct vsva_ioasid_subscriber watcher_events;  /* event alone */
extern const struct vsva_ioasid_subscriber watcher_reclaim; /* reclaim alone */
extern const struct vsva_ioasid_subscriber watcher_both;

void watch(struct ioasid_world *world, struct watcher *watcher, const char *name, const void *token,
	   enum vsva_ioasid_priority priority, const struct vsva_ioasid_subscriber *subscriber);
void unwatch(struct watcher *watcher);
void diary_write(struct diary *diary, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* And empties it. */
void expect_diary(struct diary *diary, const char *text);

/* Log lines are kept away from the output and counted. */
void hush_log(void);
unsigned hushed_lines(void);

#endif
