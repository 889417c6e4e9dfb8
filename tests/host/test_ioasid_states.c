// SPDX-License-Identifier: MIT
/*
 * Every operation in every state of an id: what it says and which state it leads to, as one table.
 * The event is not in the table: it must be the one of the edge that was taken, and only one.
 */
#include "ioasid_world.h"

#include <errno.h>
#include <string.h>

#include "host/ioasid_impl.h"

#define GUEST gpasid(7)
#define OTHER gpasid(8)

/* Where an id may be: its state, and what else matters for what may be done with it. */
enum place {
	FREE,
	IDLE,
	RESERVED, /* idle, with a binding that is not active */
	ACTIVE,
	QUEUED,      /* freed, the second phase is still to come */
	HELD,        /* freed, the second phase is over */
	STILL_BOUND, /* freed while it was active, the second phase is over */
	PLACE_COUNT,
};

static const enum vsva_ioasid_state state_of_place[PLACE_COUNT] = {
	[FREE] = VSVA_IOASID_FREE,
	[IDLE] = VSVA_IOASID_IDLE,
	[RESERVED] = VSVA_IOASID_IDLE,
	[ACTIVE] = VSVA_IOASID_ACTIVE,
	[QUEUED] = VSVA_IOASID_FREE_PENDING,
	[HELD] = VSVA_IOASID_FREE_PENDING,
	[STILL_BOUND] = VSVA_IOASID_FREE_PENDING,
};

/* An id in its place; but for FREE it has a guest PASID and one reference more. */
struct trial {
	struct ioasid_world *world;
	struct vsva_ioasid_set *set; /* held: also after set_free */
	hpasid_t id;
	unsigned references; /* that the trial has */
	struct ioasid_binding first, second;
	bool has_first, has_second;
	struct watcher watcher, worker;
	struct diary second_phase;
};

/* Operations. What returns nothing says 0. */

static int op_alloc(struct trial *t)
{
	hpasid_t out;
	int err = vsva_ioasid_alloc(t->world->a, t->id.v, t->id.v, NULL, &out);

	assert_int_equal(out.v, err ? VSVA_PASID_INVALID : t->id.v);
	return err;
}

static int op_free(struct trial *t)
{
	return vsva_ioasid_free(t->world->a, t->id);
}

static int op_free_by_other(struct trial *t)
{
	return vsva_ioasid_free(t->world->b, t->id);
}

static int op_free_sync(struct trial *t)
{
	return vsva_ioasid_free_sync(t->world->a, t->id);
}

static int op_free_sync_by_other(struct trial *t)
{
	return vsva_ioasid_free_sync(t->world->b, t->id);
}

static int op_free_all(struct trial *t)
{
	vsva_ioasid_free_all(t->world->a);
	return 0;
}

static int op_free_all_sync(struct trial *t)
{
	return vsva_ioasid_free_all_sync(t->world->a);
}

static int op_free_all_of_other(struct trial *t)
{
	return vsva_ioasid_free_all_sync(t->world->b);
}

static int op_set_free(struct trial *t)
{
	vsva_ioasid_set_free(t->world->a);
	t->world->a = NULL;
	return 0;
}

static int got(struct trial *t, int err)
{
	t->references += err == 0;
	return err;
}

static int op_get(struct trial *t)
{
	return got(t, vsva_ioasid_get(t->world->space, t->world->a, t->id));
}

static int op_get_any(struct trial *t)
{
	return got(t, vsva_ioasid_get(t->world->space, NULL, t->id));
}

static int op_get_by_other(struct trial *t)
{
	return got(t, vsva_ioasid_get(t->world->space, t->world->b, t->id));
}

static int op_get_gpasid(struct trial *t)
{
	hpasid_t out = {0};
	int err = vsva_ioasid_get_gpasid(t->world->a, GUEST, &out);

	assert_int_equal(out.v, err ? 0 : t->id.v);
	return got(t, err);
}

/* Where the trial has none there is none to return. */
static int op_put(struct trial *t)
{
	vsva_ioasid_put(t->world->space, t->id);
	t->references -= t->references != 0;
	return 0;
}

static int op_find(struct trial *t)
{
	return vsva_ioasid_find(t->world->space, t->world->a, t->id, NULL);
}

static int op_find_by_other(struct trial *t)
{
	return vsva_ioasid_find(t->world->space, t->world->b, t->id, NULL);
}

static int op_find_any(struct trial *t)
{
	return vsva_ioasid_find(t->world->space, NULL, t->id, NULL);
}

static int op_set_of(struct trial *t)
{
	const struct vsva_ioasid_set *set = vsva_ioasid_set_of(t->world->space, t->id);

	assert_true(!set || set == t->world->a);
	return set ? 0 : -ENOENT;
}

static int op_set_data(struct trial *t)
{
	return vsva_ioasid_set_data(t->world->a, t->id, t);
}

static int op_set_data_by_other(struct trial *t)
{
	return vsva_ioasid_set_data(t->world->b, t->id, t);
}

static int op_get_flags(struct trial *t)
{
	uint32_t flags;

	return vsva_ioasid_get_flags(t->world->a, t->id, &flags);
}

static int op_get_flags_by_other(struct trial *t)
{
	uint32_t flags;

	return vsva_ioasid_get_flags(t->world->b, t->id, &flags);
}

static int op_attach_gpasid(struct trial *t)
{
	return vsva_ioasid_attach_gpasid(t->world->a, t->id, OTHER);
}

static int op_attach_gpasid_by_other(struct trial *t)
{
	return vsva_ioasid_attach_gpasid(t->world->b, t->id, OTHER);
}

static int op_detach_gpasid(struct trial *t)
{
	return vsva_ioasid_detach_gpasid(t->world->a, t->id);
}

static int op_find_gpasid(struct trial *t)
{
	hpasid_t out;

	return vsva_ioasid_find_gpasid(t->world->a, GUEST, &out);
}

static int op_gpasid_of(struct trial *t)
{
	gpasid_t out;

	return vsva_ioasid_gpasid_of(t->world->a, t->id, &out);
}

static int op_reserve(struct trial *t)
{
	int err;

	t->second = (struct ioasid_binding){.id = t->id, .guest = GUEST};
	err = ioasid_reserve(t->world->a, &t->second);
	t->has_second = !err;
	return err;
}

static int op_reserve_under_other_guest(struct trial *t)
{
	t->second = (struct ioasid_binding){.id = t->id, .guest = OTHER};
	return ioasid_reserve(t->world->a, &t->second);
}

static int op_reserve_without_guest(struct trial *t)
{
	t->second = (struct ioasid_binding){.id = t->id, .guest = {VSVA_PASID_INVALID}};
	return ioasid_reserve(t->world->a, &t->second);
}

static int op_reserve_by_other(struct trial *t)
{
	t->second = (struct ioasid_binding){.id = t->id, .guest = GUEST};
	return ioasid_reserve(t->world->b, &t->second);
}

static int op_bind(struct trial *t)
{
	int err;

	t->second = (struct ioasid_binding){.id = t->id, .guest = GUEST};
	err = ioasid_bind(t->world->a, &t->second, 0);
	t->has_second = !err;
	return err;
}

static int op_activate(struct trial *t)
{
	return ioasid_activate(t->world->a, &t->first, 0);
}

static int op_deactivate(struct trial *t)
{
	ioasid_deactivate(t->world->a, &t->first);
	return 0;
}

static int op_unbind(struct trial *t)
{
	ioasid_unbind(t->world->a, &t->first);
	t->has_first = false;
	return 0;
}

/* The table */

struct outcome {
	int result;
	enum vsva_ioasid_state to;
};

struct row {
	const char *name;
	int (*op)(struct trial *t);
	struct outcome outcomes[PLACE_COUNT];
};

// clang-format off
#define F(result) {result, VSVA_IOASID_FREE}
#define I(result) {result, VSVA_IOASID_IDLE}
#define A(result) {result, VSVA_IOASID_ACTIVE}
#define P(result) {result, VSVA_IOASID_FREE_PENDING}
#define NOT       {0, VSVA_IOASID_STATE_COUNT} /* needs a binding, and there is none */
#define FOUND(r)  {F(-ENOENT), I(r), I(r), A(r), P(-ENOENT), P(-ENOENT), P(-ENOENT)}

static const struct row rows[] = {
	/*                        FREE      IDLE         RESERVED     ACTIVE       QUEUED       HELD         STILL_BOUND */
	{"alloc", op_alloc,       {I(0),    I(-ENOSPC),  I(-ENOSPC),  A(-ENOSPC),  P(-ENOSPC),  P(-ENOSPC),  P(-ENOSPC)}},
	{"free", op_free,         {F(0),    P(0),        P(0),        P(0),        P(0),        P(0),        P(0)}},
	{"free by another", op_free_by_other,
				  {F(0),    I(-EACCES),  I(-EACCES),  A(-EACCES),  P(-EACCES),  P(-EACCES),  P(-EACCES)}},
	{"free_sync", op_free_sync,
				  {F(0),    P(-ETIMEDOUT), P(-ETIMEDOUT), P(-ETIMEDOUT), P(-ETIMEDOUT), P(-ETIMEDOUT), P(-ETIMEDOUT)}},
	{"free_sync by another", op_free_sync_by_other,
				  {F(0),    I(-EACCES),  I(-EACCES),  A(-EACCES),  P(-EACCES),  P(-EACCES),  P(-EACCES)}},
	{"free_all", op_free_all, {F(0),    P(0),        P(0),        P(0),        P(0),        P(0),        P(0)}},
	{"free_all_sync", op_free_all_sync,
				  {F(0),    P(-ETIMEDOUT), P(-ETIMEDOUT), P(-ETIMEDOUT), P(-ETIMEDOUT), P(-ETIMEDOUT), P(-ETIMEDOUT)}},
	{"free_all of another", op_free_all_of_other,
				  {F(0),    I(0),        I(0),        A(0),        P(0),        P(0),        P(0)}},
	{"set_free", op_set_free, {F(0),    P(0),        P(0),        P(0),        P(0),        P(0),        P(0)}},
	{"put", op_put,           {F(0),    I(0),        I(0),        A(0),        P(0),        F(0),        P(0)}},
	{"get", op_get,           FOUND(0)},
	{"get of any set", op_get_any, FOUND(0)},
	{"get by another", op_get_by_other, FOUND(-EACCES)},
	{"get_gpasid", op_get_gpasid, FOUND(0)},
	{"find", op_find,         FOUND(0)},
	{"find in any set", op_find_any, FOUND(0)},
	{"find by another", op_find_by_other, FOUND(-EACCES)},
	{"set_of", op_set_of,     FOUND(0)},
	{"set_data", op_set_data, FOUND(0)},
	{"set_data by another", op_set_data_by_other, FOUND(-EACCES)},
	{"get_flags", op_get_flags, FOUND(0)},
	{"get_flags by another", op_get_flags_by_other, FOUND(-EACCES)},
	{"attach_gpasid", op_attach_gpasid, FOUND(-EBUSY)},
	{"attach_gpasid by another", op_attach_gpasid_by_other, FOUND(-EACCES)},
	{"detach_gpasid", op_detach_gpasid,
				  {F(-ENOENT), I(0),     I(-EBUSY),   A(-EBUSY),   P(-ENOENT),  P(-ENOENT),  P(-ENOENT)}},
	{"find_gpasid", op_find_gpasid, FOUND(0)},
	{"gpasid_of", op_gpasid_of, FOUND(0)},
	{"reserve", op_reserve,   FOUND(0)},
	{"reserve under another guest PASID", op_reserve_under_other_guest, FOUND(-EBUSY)},
	{"reserve without guest PASID", op_reserve_without_guest, FOUND(-EBUSY)},
	{"reserve by another", op_reserve_by_other, FOUND(-EACCES)},
	{"bind", op_bind,         {F(-ENOENT), A(0),     A(0),        A(0),        P(-ENOENT),  P(-ENOENT),  P(-ENOENT)}},
	{"activate", op_activate, {NOT,     NOT,         A(0),        A(0),        NOT,         NOT,         P(-ENOENT)}},
	{"deactivate", op_deactivate,
				  {NOT,     NOT,         I(0),        I(0),        NOT,         NOT,         P(0)}},
	{"unbind", op_unbind,     {NOT,     NOT,         I(0),        I(0),        NOT,         NOT,         P(0)}},
};
// clang-format on

/* Into the place */

static void give_binding(struct trial *t, bool is_active)
{
	t->first = (struct ioasid_binding){.id = t->id, .guest = GUEST};
	t->has_first = true;
	if (is_active)
		assert_int_equal(ioasid_bind(t->world->a, &t->first, 0), 0);
	else
		assert_int_equal(ioasid_reserve(t->world->a, &t->first), 0);
}

static void go_to(struct trial *t, enum place place)
{
	t->id = ioasid_new(t->world->a);
	if (place == FREE) {
		assert_int_equal(vsva_ioasid_free_sync(t->world->a, t->id), 0);
		return;
	}
	assert_int_equal(vsva_ioasid_attach_gpasid(t->world->a, t->id, GUEST), 0);
	assert_int_equal(op_get(t), 0);
	if (place == RESERVED || place == ACTIVE || place == STILL_BOUND)
		give_binding(t, place != RESERVED);
	if (state_of_place[place] == VSVA_IOASID_FREE_PENDING)
		assert_int_equal(vsva_ioasid_free(t->world->a, t->id), 0);
	if (place == HELD || place == STILL_BOUND)
		ioasid_run(t->world);
}

static void begin(struct trial *t, enum place place)
{
	void *world;

	*t = (struct trial){.references = 0};
	assert_int_equal(ioasid_setup(&world), 0);
	t->world = world;
	t->set = t->world->a;
	ioasid_set_hold(t->set);
	hush_log();
	watch(t->world, &t->watcher, "w", NULL, VSVA_IOASID_PRIORITY_LAST, &watcher_events);
	watch(t->world, &t->worker, "r", NULL, VSVA_IOASID_PRIORITY_IOMMU, &watcher_reclaim);
	t->worker.diary = &t->second_phase;
	go_to(t, place);
	assert_int_equal(ioasid_state(t->world, t->id), state_of_place[place]);
	t->world->diary = (struct diary){.len = 0};
}

/* With all references returned nothing is left of the id, whatever was done to it. */
static void end(struct trial *t)
{
	void *world = t->world;

	if (t->has_first)
		ioasid_unbind(t->set, &t->first);
	if (t->has_second)
		ioasid_unbind(t->set, &t->second);
	while (t->references)
		op_put(t);
	if (t->world->a)
		assert_int_equal(vsva_ioasid_free_all_sync(t->world->a), 0);
	ioasid_run(t->world);
	assert_int_equal(ioasid_state(t->world, t->id), VSVA_IOASID_FREE);
	assert_int_equal(vsva_ioasid_set_count(t->set), 0);
	assert_int_equal(vsva_ioasid_space_available(t->world->space),
			 IOASID_LAST - (t->world->a ? 2 : 1) * IOASID_QUOTA);
	unwatch(&t->watcher);
	unwatch(&t->worker);
	ioasid_set_drop(t->set);
	ioasid_teardown(&world);
}

/* Trial */

static const struct vsva_ioasid_edge *edge_between(enum vsva_ioasid_state from,
						   enum vsva_ioasid_state to)
{
	size_t count;
	const struct vsva_ioasid_edge *edges = vsva_ioasid_edges(&count);

	for (size_t i = 0; i < count; i++)
		if (edges[i].from == from && edges[i].to == to)
			return &edges[i];
	return NULL;
}

static bool is_told_right(struct trial *t, enum vsva_ioasid_state from, enum vsva_ioasid_state to)
{
	const struct vsva_ioasid_edge *edge = edge_between(from, to);
	char expected[64] = "";

	if (edge && edge->event != VSVA_IOASID_EVENT_NONE)
		snprintf(expected, sizeof(expected), "w %s %u; ",
			 vsva_ioasid_event_name(edge->event), t->id.v);
	return (from == to || edge) && strcmp(t->world->diary.text, expected) == 0;
}

/* Does it end as the outcome says? */
static bool is_right(const struct row *row, enum place place, struct outcome outcome)
{
	struct trial t;
	enum vsva_ioasid_state to;
	int result;
	bool is_told;

	begin(&t, place);
	result = row->op(&t);
	to = ioasid_state(t.world, t.id);
	is_told = is_told_right(&t, state_of_place[place], to);
	end(&t);
	return result == outcome.result && to == outcome.to && is_told;
}

static void test_ioasid_states_every_operation_in_every_state(void **state)
{
	static const char *const names[] = {"FREE",   "IDLE", "RESERVED",   "ACTIVE",
					    "QUEUED", "HELD", "STILL_BOUND"};
	unsigned trials = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned place = 0; place < PLACE_COUNT; place++) {
			struct outcome outcome = rows[i].outcomes[place];

			if (outcome.to == VSVA_IOASID_STATE_COUNT)
				continue;
			if (!is_right(&rows[i], place, outcome))
				fail_msg("%s in %s", rows[i].name, names[place]);
			trials++;
		}
	assert_int_equal(trials, 35 * PLACE_COUNT - 3 * 4);
}

/* The check sees a wrong result and a wrong state, whichever row says so. */
static void test_ioasid_states_check_sees_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned place = 0; place < PLACE_COUNT; place++) {
			struct outcome result = rows[i].outcomes[place], to = result;

			if (to.to == VSVA_IOASID_STATE_COUNT)
				continue;
			result.result = result.result ? 0 : -EIO;
			to.to = (to.to + 1) % VSVA_IOASID_STATE_COUNT;
			assert_false(is_right(&rows[i], place, result));
			assert_false(is_right(&rows[i], place, to));
		}
}

/* An event more, and one that is missing. */
static void test_ioasid_states_check_counts_events(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, IDLE);
	assert_int_equal(op_bind(&t), 0);
	assert_true(is_told_right(&t, VSVA_IOASID_IDLE, VSVA_IOASID_ACTIVE));
	diary_write(&t.world->diary, "w bind %u; ", t.id.v);
	assert_false(is_told_right(&t, VSVA_IOASID_IDLE, VSVA_IOASID_ACTIVE));
	expect_diary(&t.world->diary, "w bind 1; w bind 1; ");
	assert_false(is_told_right(&t, VSVA_IOASID_IDLE, VSVA_IOASID_ACTIVE));
	end(&t);
}

/* The edges */

static void test_ioasid_edges_are_a_life(void **state)
{
	bool leaves[VSVA_IOASID_STATE_COUNT] = {false}, enters[VSVA_IOASID_STATE_COUNT] = {false};
	size_t count;
	const struct vsva_ioasid_edge *edges = vsva_ioasid_edges(&count);

	(void)state;
	assert_int_equal(count, 6);
	for (size_t i = 0; i < count; i++) {
		assert_true(edges[i].from != edges[i].to);
		assert_ptr_equal(edge_between(edges[i].from, edges[i].to), &edges[i]);
		assert_true(strlen(edges[i].by) > 2);
		leaves[edges[i].from] = enters[edges[i].to] = true;
	}
	for (unsigned i = 0; i < VSVA_IOASID_STATE_COUNT; i++)
		assert_true(leaves[i] && enters[i]);
	assert_null(edge_between(VSVA_IOASID_FREE, VSVA_IOASID_ACTIVE));
	assert_null(edge_between(VSVA_IOASID_FREE_PENDING, VSVA_IOASID_IDLE));
	assert_null(edge_between(VSVA_IOASID_FREE_PENDING, VSVA_IOASID_ACTIVE));
}

struct step {
	enum vsva_ioasid_state from, to;
};

static void take_step(void *arg)
{
	const struct step *step = arg;
	void *state;
	struct ioasid_world *world;
	struct entry *entry;

	ioasid_setup(&state);
	world = state;
	entry = entry_of(world->space, ioasid_new(world->a));
	entry->state = (uint8_t)step->from;
	lock_take(&world->space->lock);
	entry_set_state(entry, step->to);
	lock_drop(&world->space->lock);
}

/* Nobody takes a way that is not in the table; and each that is there can be taken. */
static void test_ioasid_edges_are_the_only_ways(void **state)
{
	(void)state;
	for (unsigned from = 0; from < VSVA_IOASID_STATE_COUNT; from++)
		for (unsigned to = 0; to < VSVA_IOASID_STATE_COUNT; to++) {
			struct step step = {from, to};

			if (edge_between(from, to))
				assert_int_equal(unit_run_in_child(take_step, &step), 0);
			else
				unit_expect_check(take_step, &step);
		}
}

static void test_ioasid_names(void **state)
{
	(void)state;
	assert_string_equal(vsva_ioasid_state_name(VSVA_IOASID_FREE), "free");
	assert_string_equal(vsva_ioasid_state_name(VSVA_IOASID_FREE_PENDING), "free-pending");
	assert_string_equal(vsva_ioasid_state_name(VSVA_IOASID_STATE_COUNT), "?");
	assert_string_equal(vsva_ioasid_event_name(VSVA_IOASID_EVENT_NONE), "none");
	assert_string_equal(vsva_ioasid_event_name(VSVA_IOASID_EVENT_UNBIND), "unbind");
	assert_string_equal(vsva_ioasid_event_name(VSVA_IOASID_EVENT_COUNT), "?");
	assert_string_equal(vsva_ioasid_priority_name(VSVA_IOASID_PRIORITY_CPU), "cpu");
	assert_string_equal(vsva_ioasid_priority_name(VSVA_IOASID_PRIORITY_LAST), "last");
	assert_string_equal(vsva_ioasid_priority_name(VSVA_IOASID_PRIORITY_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ioasid_states_every_operation_in_every_state),
		cmocka_unit_test(test_ioasid_states_check_sees_what_is_wrong),
		cmocka_unit_test(test_ioasid_states_check_counts_events),
		cmocka_unit_test(test_ioasid_edges_are_a_life),
		cmocka_unit_test(test_ioasid_edges_are_the_only_ways),
		cmocka_unit_test(test_ioasid_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
