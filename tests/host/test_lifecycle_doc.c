// SPDX-License-Identifier: MIT
/* docs/lifecycle.md against the code: its tables of states and priorities, and its four patterns,
 * which are lived through on the real unit. argv[1]: the document. */
#include "silicon.h"

#include <errno.h>
#include <string.h>

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

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document_has_the_states),
		cmocka_unit_test(test_document_has_the_priorities),
		cmocka_unit_test(test_pattern_alloc_free),
		cmocka_unit_test(test_pattern_alloc_bind_dma_unbind_free),
		cmocka_unit_test(test_pattern_alloc_bind_free),
		cmocka_unit_test(test_pattern_alloc_bind_dma_free),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: %s docs/lifecycle.md\n", argv[0]);
		return 2;
	}
	document = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
