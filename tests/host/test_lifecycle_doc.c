// SPDX-License-Identifier: MIT
/* docs/lifecycle.md against the code: its tables of states and priorities, who may call what when and
 * from where, by calling it, and its four patterns, which are lived through on the real unit. argv[1]:
 * the document. */
#include "silicon.h"

#include <errno.h>
#include <string.h>

#include "host/fault.h"
#include "hw/device/endpoint.h"
#include "vsva/kvm.h"

#define VA      UINT64_C(0x7f0000001000)
#define HOLE    UINT64_C(0x7f0000009000)
#define CELLS   6u
#define ROW_LEN 512u

static const char *document;

/* The document */

struct table {
	FILE *file;
	char line[ROW_LEN];
	char *cell[CELLS];
	unsigned count;
};

/* Up to and with the line that begins so. */
static void table_open(struct table *table, const char *after)
{
	table->file = fopen(document, "r");
	assert_non_null(table->file);
	while (fgets(table->line, sizeof(table->line), table->file))
		if (!strncmp(table->line, after, strlen(after)))
			return;
	fail_msg("%s has no line \"%s\"", document, after);
}

static char *trim(char *text)
{
	char *end;

	while (*text == ' ')
		text++;
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\n'))
		*--end = '\0';
	return text;
}

static void split(struct table *table)
{
	char *rest = table->line + 1, *bar;

	table->count = 0;
	while ((bar = strchr(rest, '|')) && table->count < CELLS) {
		*bar = '\0';
		table->cell[table->count++] = trim(rest);
		rest = bar + 1;
	}
}

/* The next row of the table that comes next; false: its end. */
static bool table_row(struct table *table, bool *is_inside)
{
	while (fgets(table->line, sizeof(table->line), table->file)) {
		if (table->line[0] != '|') {
			if (*is_inside)
				return false;
			continue;
		}
		if (!strncmp(table->line, "|--", 3) || !*is_inside) {
			*is_inside = true; /* the head, or the rule under it */
			continue;
		}
		split(table);
		return true;
	}
	return false;
}

static void table_close(struct table *table)
{
	fclose(table->file);
}

/* Tables */

static void test_document_has_the_states(void **state)
{
	const struct vsva_ioasid_edge *edges;
	struct table table;
	bool is_inside = false;
	size_t count, row = 0;

	(void)state;
	edges = vsva_ioasid_edges(&count);
	table_open(&table, "## States");
	for (; table_row(&table, &is_inside); row++) {
		assert_true(row < count);
		assert_string_equal(table.cell[0], vsva_ioasid_state_name(edges[row].from));
		assert_string_equal(table.cell[1], vsva_ioasid_state_name(edges[row].to));
		assert_string_equal(table.cell[2], vsva_ioasid_event_name(edges[row].event));
		assert_string_equal(table.cell[3], edges[row].by);
	}
	assert_int_equal(row, count);
	table_close(&table);
}

static void test_document_has_the_priorities(void **state)
{
	struct table table;
	bool is_inside = false;
	unsigned row = 0;

	(void)state;
	table_open(&table, "## The order of notification");
	for (; table_row(&table, &is_inside); row++)
		assert_string_equal(table.cell[0],
				    vsva_ioasid_priority_name((enum vsva_ioasid_priority)row));
	assert_int_equal(row, VSVA_IOASID_PRIORITY_COUNT);
	table_close(&table);
}

/* Patterns */

struct life {
	struct silicon s;
	struct vsva_kvm *kvm;
	uint64_t root;
	hpasid_t pasid;
};

static const void *token_of(const struct life *life)
{
	return vsva_ioasid_set_token(life->s.set);
}

static void life_begin(struct life *life)
{
	silicon_create(&life->s, UNIT_CACHE_ADVERSARIAL, WORKERS_MANUAL, true);
	assert_int_equal(vsva_kvm_create(life->s.iommu, token_of(life), 1, &life->kvm), 0);
	life->root = silicon_first_stage(&life->s);
	silicon_map(&life->s, life->root, VA, silicon_page(&life->s), true);
}

static void life_end(struct life *life)
{
	silicon_run(&life->s);
	assert_int_equal(vsva_kvm_stop(life->kvm), 0);
	vsva_kvm_put(life->kvm);
	silicon_destroy(&life->s);
}

static enum dma_result dma(struct life *life)
{
	uint64_t value;

	return silicon_read(&life->s, life->pasid.v, VA, false, &value);
}

static void ask(struct life *life)
{
	struct dma_context context = {.pasid = life->pasid.v, .use_ats = true};

	assert_true(endpoint_page_request(&life->s.endpoint, &context, HOLE, UNIT_READ) >= 0);
}

static void take_step(struct life *life, const char *step)
{
	if (!strcmp(step, "alloc"))
		life->pasid = silicon_pasid(&life->s);
	else if (!strcmp(step, "bind"))
		assert_int_equal(silicon_bind(&life->s, life->pasid, life->root), 0);
	else if (!strcmp(step, "unbind"))
		assert_int_equal(silicon_unbind(&life->s, life->pasid), 0);
	else if (!strcmp(step, "free"))
		assert_int_equal(vsva_ioasid_free(life->s.set, life->pasid), 0);
	else if (!strcmp(step, "work queue"))
		silicon_run(&life->s);
	else if (!strcmp(step, "DMA"))
		assert_int_equal(dma(life), DMA_OK);
	else if (!strcmp(step, "DMA refused"))
		assert_int_not_equal(dma(life), DMA_OK);
	else if (!strcmp(step, "page request"))
		ask(life);
	else
		fail_msg("the document has a step \"%s\" that nobody can take", step);
}

static void live_through(const char *pattern)
{
	struct life *life = calloc(1, sizeof(*life));
	struct vsva_ioasid_space *space;
	bool is_inside = false;
	unsigned steps = 0, asked = 0;
	struct table table;

	life_begin(life);
	space = vsva_iommu_ioasid_space(life->s.iommu);
	table_open(&table, pattern);
	for (; table_row(&table, &is_inside); steps++) {
		enum vsva_ioasid_state now;
		uint32_t references;

		take_step(life, table.cell[0]);
		asked += !strcmp(table.cell[0], "page request");
		now = vsva_ioasid_state_of(space, life->pasid, &references);
		if (strcmp(table.cell[1], vsva_ioasid_state_name(now)) ||
		    strtoul(table.cell[2], NULL, 10) != references)
			fail_msg("%s step \"%s\": it is %s with %u references", pattern,
				 table.cell[0], vsva_ioasid_state_name(now), references);
	}
	assert_true(steps >= 3);
	assert_int_equal(life->s.answers, asked);
	table_close(&table);
	life_end(life);
	free(life);
}

static void test_pattern_alloc_free(void **state)
{
	(void)state;
	live_through("Allocated and freed:");
}

static void test_pattern_alloc_bind_dma_unbind_free(void **state)
{
	(void)state;
	live_through("Allocated, bound, used, unbound, freed:");
}

static void test_pattern_alloc_bind_free(void **state)
{
	(void)state;
	live_through("Allocated, bound, freed without an unbind:");
}

static void test_pattern_alloc_bind_dma_free(void **state)
{
	(void)state;
	live_through("Allocated, bound, freed while the device works:");
}

/* Who may call what when */

static int bind(struct life *life, uint64_t root)
{
	return silicon_bind(&life->s, life->pasid, root);
}

static int invalidate(struct life *life)
{
	struct vsva_cache_invalidate_info info = {
		.argsz = sizeof(info),
		.version = VSVA_CACHE_INVALIDATE_VERSION_1,
		.cache = VSVA_CACHE_INV_IOTLB,
		.granularity = VSVA_INV_PASID,
		.granu.pasid_info = {.flags = VSVA_INV_FLAG_PASID, .pasid = life->pasid.v},
	};

	return vsva_cache_invalidate(life->s.domain, life->s.dev, &info);
}

static int get_and_put(struct vsva_ioasid_space *space, struct vsva_ioasid_set *set, hpasid_t id)
{
	int err = vsva_ioasid_get(space, set, id);

	if (!err)
		vsva_ioasid_put(space, id);
	return err;
}

static int call(struct life *life, const char *what)
{
	struct vsva_ioasid_set *set = life->s.set;
	struct vsva_ioasid_space *space = vsva_ioasid_set_space(set);
	gpasid_t guest;

	if (!strcmp(what, "find"))
		return vsva_ioasid_find(space, set, life->pasid, NULL);
	if (!strcmp(what, "get"))
		return get_and_put(space, set, life->pasid);
	if (!strcmp(what, "find its guest PASID"))
		return vsva_ioasid_gpasid_of(set, life->pasid, &guest);
	if (!strcmp(what, "attach a guest PASID"))
		return vsva_ioasid_attach_gpasid(set, life->pasid, gpasid(7));
	if (!strcmp(what, "set private data"))
		return vsva_ioasid_set_data(set, life->pasid, life);
	if (!strcmp(what, "bind"))
		return bind(life, life->root);
	if (!strcmp(what, "bind with other data"))
		return bind(life, life->root + VSVA_PAGE_SIZE);
	if (!strcmp(what, "invalidate caches"))
		return invalidate(life);
	if (!strcmp(what, "unbind"))
		return silicon_unbind(&life->s, life->pasid);
	if (!strcmp(what, "free"))
		return vsva_ioasid_free(set, life->pasid);
	fail_msg("the document has a call \"%s\" that nobody knows", what);
	return 0;
}

/* Somebody keeps it from being reclaimed. */
static void bring_to(struct life *life, enum vsva_ioasid_state state)
{
	struct vsva_ioasid_space *space = vsva_ioasid_set_space(life->s.set);

	life->pasid = silicon_pasid(&life->s);
	if (state == VSVA_IOASID_FREE || state == VSVA_IOASID_FREE_PENDING) {
		assert_int_equal(vsva_ioasid_get(space, life->s.set, life->pasid), 0);
		assert_int_equal(bind(life, life->root), 0);
		assert_int_equal(vsva_ioasid_free(life->s.set, life->pasid), 0);
		silicon_run(&life->s);
	}
	if (state == VSVA_IOASID_FREE)
		vsva_ioasid_put(space, life->pasid);
	if (state == VSVA_IOASID_ACTIVE)
		assert_int_equal(bind(life, life->root), 0);
	assert_int_equal(vsva_ioasid_state_of(space, life->pasid, NULL), state);
}

static void end_state(struct life *life, enum vsva_ioasid_state state)
{
	struct vsva_ioasid_space *space = vsva_ioasid_set_space(life->s.set);

	vsva_ioasid_free(life->s.set, life->pasid);
	silicon_run(&life->s);
	if (state == VSVA_IOASID_FREE_PENDING)
		vsva_ioasid_put(space, life->pasid);
	assert_int_equal(vsva_ioasid_state_of(space, life->pasid, NULL), VSVA_IOASID_FREE);
}

static int errno_of(const char *text)
{
	static const struct {
		const char *name;
		int err;
	} names[] = {{"0", 0}, {"-ENOENT", -ENOENT}, {"-EBUSY", -EBUSY}, {"-EDEADLK", -EDEADLK}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].name, text))
			return names[i].err;
	fail_msg("the document has an answer \"%s\" that nobody knows", text);
	return 0;
}

static void expect_answer(const struct table *table, unsigned column, const char *where, int is)
{
	if (is != errno_of(table->cell[column]))
		fail_msg("\"%s\", %s: the document says %s, it is %d", table->cell[0], where,
			 table->cell[column], is);
}

static void test_calls_in_each_state(void **state)
{
	struct life *life = calloc(1, sizeof(*life));
	bool is_inside = false;
	struct table table;
	unsigned rows = 0;

	(void)state;
	life_begin(life);
	table_open(&table, "Its owner, in each state");
	for (; table_row(&table, &is_inside); rows++)
		for (unsigned now = 0; now < VSVA_IOASID_STATE_COUNT; now++) {
			bring_to(life, (enum vsva_ioasid_state)now);
			expect_answer(&table, 1 + now,
				      vsva_ioasid_state_name((enum vsva_ioasid_state)now),
				      call(life, table.cell[0]));
			end_state(life, (enum vsva_ioasid_state)now);
		}
	assert_true(rows >= 10);
	table_close(&table);
	life_end(life);
	free(life);
}

/* From where */

struct place {
	struct life life;
	struct vsva_ioasid_notifier *notifier;
	hpasid_t other;
	const char *what;
	int from_event, from_reclaim;
};

static int call_from(struct place *place)
{
	struct vsva_ioasid_set *set = place->life.s.set;
	struct vsva_ioasid_space *space = vsva_ioasid_set_space(set);
	hpasid_t more;
	int err;

	if (!strcmp(place->what, "find"))
		return vsva_ioasid_find(space, set, place->life.pasid, NULL);
	if (!strcmp(place->what, "get and put of the event's id"))
		return get_and_put(space, set, place->life.pasid);
	if (!strcmp(place->what, "get of another id"))
		return get_and_put(space, set, place->other);
	if (!strcmp(place->what, "alloc")) {
		err = vsva_ioasid_alloc(set, 1, VSVA_PASID_MAX, NULL, &more);
		return err ? err : vsva_ioasid_free(set, more);
	}
	if (!strcmp(place->what, "free of another id"))
		return vsva_ioasid_free(set, place->other);
	if (!strcmp(place->what, "free and wait"))
		return vsva_ioasid_free_sync(set, place->life.pasid);
	if (!strcmp(place->what, "unregister the subscriber"))
		return vsva_ioasid_notifier_unregister(place->notifier);
	fail_msg("the document has a call \"%s\" that nobody knows", place->what);
	return 0;
}

/* BIND, for the state in which most is allowed. */
static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct place *place = arg;

	if (event->kind == VSVA_IOASID_EVENT_BIND && event->id.v == place->life.pasid.v)
		place->from_event = call_from(place);
}

static void on_reclaim(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct place *place = arg;

	for (size_t i = 0; i < count; i++)
		if (events[i].id.v == place->life.pasid.v)
			place->from_reclaim = call_from(place);
}

static void visit_place(struct place *place)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = on_event,
								 .reclaim = on_reclaim};
	struct life *life = &place->life;

	life_begin(life);
	assert_int_equal(vsva_ioasid_notifier_register(vsva_ioasid_set_space(life->s.set), NULL,
						       VSVA_IOASID_PRIORITY_LAST, &subscriber,
						       place, &place->notifier),
			 0);
	place->other = silicon_pasid(&life->s);
	life->pasid = silicon_pasid(&life->s);
	place->from_event = place->from_reclaim = 1;
	assert_int_equal(bind(life, life->root), 0);
	assert_int_equal(vsva_ioasid_free(life->s.set, life->pasid), 0);
	silicon_run(&life->s);
	vsva_ioasid_free(life->s.set, place->other);
	silicon_run(&life->s);
	assert_int_equal(vsva_ioasid_notifier_unregister(place->notifier), 0);
	life_end(life);
}

static void test_calls_from_each_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	bool is_inside = false;
	struct table table;
	unsigned rows = 0;

	(void)state;
	table_open(&table, "From where, whatever the state:");
	for (; table_row(&table, &is_inside); rows++) {
		place->what = table.cell[0];
		visit_place(place);
		expect_answer(&table, 1, "event function", place->from_event);
		expect_answer(&table, 2, "reclaim function", place->from_reclaim);
	}
	assert_true(rows >= 7);
	table_close(&table);
	free(place);
}

/* Faults */

static void meet_fault(struct life *life)
{
	uint64_t value;

	/* without ATS and page requests */
	assert_int_equal(silicon_read(&life->s, life->pasid.v, HOLE, false, &value), DMA_ERROR);
}

/* One of the unit that has the entry cached, so that FPD does not help. */
static void test_fault_after_free_is_told_to_nobody(void **state)
{
	struct vsva_iommu_stats stats;
	struct life life;

	(void)state;
	life_begin(&life);
	life.pasid = silicon_pasid(&life.s);
	assert_int_equal(silicon_bind(&life.s, life.pasid, life.root), 0);
	meet_fault(&life);
	silicon_run(&life.s);
	assert_int_equal(life.s.faults, 1); /* before, it is */
	assert_int_equal(vsva_ioasid_free(life.s.set, life.pasid), 0);
	meet_fault(&life);
	fault_run(life.s.iommu);
	vsva_iommu_get_stats(life.s.iommu, &stats);
	assert_int_equal(stats.faults, 2);
	silicon_run(&life.s);
	assert_int_equal(life.s.faults, 1);
	life_end(&life);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document_has_the_states),
		cmocka_unit_test(test_document_has_the_priorities),
		cmocka_unit_test(test_pattern_alloc_free),
		cmocka_unit_test(test_pattern_alloc_bind_dma_unbind_free),
		cmocka_unit_test(test_pattern_alloc_bind_free),
		cmocka_unit_test(test_pattern_alloc_bind_dma_free),
		cmocka_unit_test(test_calls_in_each_state),
		cmocka_unit_test(test_calls_from_each_place),
		cmocka_unit_test(test_fault_after_free_is_told_to_nobody),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: %s docs/lifecycle.md\n", argv[0]);
		return 2;
	}
	document = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
