// SPDX-License-Identifier: MIT
/*
 * Entries of 64 and 32 bytes that the unit fetches in pieces of 16, from the first to the last,
 * while software changes them. Every store of the driver is recorded. Whatever pieces of successive
 * states a fetch could collect, as long as no invalidation has waited for it, is shown to the unit:
 * it must find the old translation, the new one, or none.
 */
#include "replay.h"

#include "base/rcu.h"
#include "stores.h"
#include "tables_of_unit.h"

#define PIECES_MAX (STORES_WORDS_MAX / 2)

/* What the unit may find. */
struct expectation {
	struct silicon *s;
	struct unit_request request; /* that goes by way of the spare entry */
	uint64_t *spare;             /* where fetched pieces are shown to the unit */
	uint64_t old_page, new_page; /* host physical; 0: none */
	enum vtd_fault absent;
};

static bool is_whole(const struct expectation *e)
{
	struct unit_translation t;

	rcu_read_lock();
	unit_translate(e->s->unit, &e->request, &t);
	rcu_read_unlock();
	if (t.fault)
		return t.fault == e->absent;
	return t.hpa.v && (t.hpa.v == e->old_page || t.hpa.v == e->new_page);
}

static bool show(const struct expectation *e, const struct stores *stores,
		 const unsigned from[PIECES_MAX])
{
	for (unsigned piece = 0; piece < stores->words / 2; piece++)
		for (unsigned i = 2 * piece; i < 2 * piece + 2; i++)
			e->spare[i] = stores->states[from[piece]].word[i];
	return is_whole(e);
}

/* The last state that a fetch may still see which began in this one. */
static unsigned window_last(const struct stores *stores, unsigned first)
{
	unsigned last = first;

	while (last + 1 < stores->count && !stores->states[last].is_fenced)
		last++;
	return last;
}

/* Fetches in which no piece comes from an earlier state than the one before. Returns those that
 * were torn. */
static unsigned fetch_rest(const struct expectation *e, const struct stores *stores,
			   unsigned from[PIECES_MAX], unsigned piece, unsigned last)
{
	unsigned torn = 0;

	if (piece == stores->words / 2)
		return !show(e, stores, from);
	for (unsigned state = from[piece - 1]; state <= last; state++) {
		from[piece] = state;
		torn += fetch_rest(e, stores, from, piece + 1, last);
	}
	return torn;
}

static unsigned count_torn(const struct expectation *e, const struct stores *stores)
{
	unsigned from[PIECES_MAX], torn = 0;

	for (unsigned first = 0; first < stores->count; first++) {
		from[0] = first;
		torn += fetch_rest(e, stores, from, 1, window_last(stores, first));
	}
	for (unsigned i = 0; i < stores->words; i++)
		e->spare[i] = 0;
	return torn;
}

/* Which descriptor ends fetches of the entry. */
struct fences {
	struct stores stores;
	enum vtd_desc_type type;
};

static void note_fence(void *arg, struct vtd_desc *desc)
{
	struct fences *fences = arg;

	if (vtd_desc_type(desc) == (unsigned)fences->type)
		stores_fence(&fences->stores);
}

/* A world with one nested PASID, and a neighbour whose entry is spare. */
struct torn {
	struct silicon s;
	struct expectation expectation;
	struct fences fences;
	hpasid_t pasid;
	uint64_t root, page, other;
};

#define VA REPLAY_VA

static struct vtd_pasid_entry *entry_of(struct torn *t, uint32_t pasid)
{
	return tables_pasid(t->s.unit, t->s.physmem, SILICON_RID, pasid);
}

static int setup(void **state)
{
	struct torn *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	silicon_create(&t->s, UNIT_CACHE_NEVER, WORKERS_MANUAL, false);
	t->root = silicon_first_stage(&t->s);
	t->page = silicon_page(&t->s);
	t->other = silicon_page(&t->s);
	silicon_map(&t->s, t->root, VA, t->page, true);
	silicon_map(&t->s, t->root, t->page, t->other, true);
	t->pasid = silicon_pasid(&t->s);
	assert_int_equal(silicon_bind(&t->s, t->pasid, t->root), 0);
	t->fences.type = VTD_DESC_PASID_CACHE;
	t->expectation = (struct expectation){
		.s = &t->s,
		.request = {.rid = SILICON_RID,
			    .pasid = t->pasid.v + 1,
			    .addr = VA,
			    .access = UNIT_READ},
		.spare = entry_of(t, t->pasid.v + 1)->q,
		.old_page = t->s.base.v + t->page,
		.absent = VTD_FAULT_SPT_2,
	};
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct torn *t = *state;

	silicon_destroy(&t->s);
	free(t);
	return 0;
}

static void record(struct torn *t, void *entry, unsigned words)
{
	if (!stores_are_supported())
		skip();
	t->s.tap = (struct silicon_tap){.desc = note_fence, .arg = &t->fences};
	stores_begin(&t->fences.stores, entry, words);
}

static void record_end(struct torn *t)
{
	stores_end(&t->fences.stores);
	t->s.tap = (struct silicon_tap){0};
}

static void expect_torn(struct torn *t, bool expected)
{
	unsigned torn = count_torn(&t->expectation, &t->fences.stores);

	assert_true(t->fences.stores.count > 1);
	if (expected)
		assert_true(torn > 0);
	else
		assert_int_equal(torn, 0);
}

static void test_cve_2026_45894_pasid_entry_is_torn_down(void **state)
{
	struct torn *t = *state;

	record(t, entry_of(t, t->pasid.v), 8);
	assert_int_equal(silicon_unbind(&t->s, t->pasid), 0);
	record_end(t);
	expect_torn(t, false);
	record(t, entry_of(t, t->pasid.v), 8);
	assert_int_equal(silicon_bind(&t->s, t->pasid, t->root), 0);
	record_end(t);
	expect_torn(t, false);
}

/* Volatile, so that it is word by word that the entry changes. */
static void overwrite(void *entry, const uint64_t *words, unsigned count)
{
	volatile uint64_t *at = entry;

	for (unsigned i = 0; i < count; i++)
		at[i] = words[i];
}

/* As it was: the whole entry zeroed, then flushed. */
static void test_cve_2026_45894_zeroed_at_once_is_seen(void **state)
{
	static const uint64_t zero[8];
	struct torn *t = *state;
	struct vtd_pasid_entry *entry = entry_of(t, t->pasid.v), kept = *entry;

	record(t, entry, 8);
	overwrite(entry, zero, 8);
	stores_fence(&t->fences.stores);
	record_end(t);
	expect_torn(t, true);
	record(t, entry, 8); /* and back, with P=1 in the first store */
	overwrite(entry, kept.q, 8);
	record_end(t);
	expect_torn(t, true);
}

static const struct vsva_rid_config second_stage = {.kind = VSVA_RID_SECOND_STAGE};

/* The RID entry goes from a nested translation to the second stage alone, and back. */
static void begin_replacement(struct torn *t)
{
	struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = gpa(t->root), .addr_width = 48};

	assert_int_equal(vsva_attach_rid(t->s.domain, t->s.dev, &nested), 0);
	t->expectation.request.addr = t->page;
	t->expectation.old_page = t->s.base.v + t->other;
	t->expectation.new_page = t->s.base.v + t->page;
}

static void test_race_during_pasid_entry_replacement(void **state)
{
	struct torn *t = *state;
	struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = gpa(t->root), .addr_width = 48};

	begin_replacement(t);
	record(t, entry_of(t, 0), 8);
	assert_int_equal(vsva_attach_rid(t->s.domain, t->s.dev, &second_stage), 0);
	assert_int_equal(vsva_attach_rid(t->s.domain, t->s.dev, &nested), 0);
	record_end(t);
	expect_torn(t, false);
}

/* As it was: the new entry written over the live one. */
static void test_replacement_of_a_live_entry_is_seen(void **state)
{
	struct torn *t = *state;
	struct vtd_pasid_entry *entry, new = *entry_of(t, 0), kept;

	begin_replacement(t);
	entry = entry_of(t, 0);
	kept = *entry;
	record(t, entry, 8);
	overwrite(entry, new.q, 8);
	stores_fence(&t->fences.stores);
	record_end(t);
	expect_torn(t, true);
	*entry = kept;
}

/* Context entries */

/* beside SILICON_RID in the same table */
#define SPARE_RID rid(0x0209)
#define OTHER_RID rid(0x020a)

static void begin_context(struct torn *t)
{
	t->fences.type = VTD_DESC_CONTEXT;
	t->expectation.request = (struct unit_request){.rid = SPARE_RID,
						       .pasid = VSVA_PASID_INVALID,
						       .addr = t->page,
						       .access = UNIT_READ};
	t->expectation.spare = tables_context(t->s.unit, t->s.physmem, SPARE_RID)->q;
	t->expectation.old_page = t->s.base.v + t->page;
	t->expectation.absent = VTD_FAULT_SCT_2;
}

/* The directory of the old entry is kept where it is: the context entry is what this is about. */
static void test_cve_2026_45944_torn_context_entry(void **state)
{
	struct torn *t = *state;
	struct vtd_context_entry *context;

	begin_context(t);
	context = tables_context(t->s.unit, t->s.physmem, SILICON_RID);
	record(t, context, 4);
	assert_int_equal(vsva_domain_detach(t->s.domain, t->s.dev), 0);
	record_end(t);
	assert_int_equal(t->fences.stores.states[1].word[0],
			 t->fences.stores.states[0].word[0] & ~UINT64_C(1));
	assert_true(t->fences.stores.states[1].is_fenced);
	record(t, context, 4);
	assert_int_equal(vsva_domain_attach(t->s.domain, t->s.dev), 0);
	assert_int_equal(silicon_bind(&t->s, t->pasid, t->root), 0);
	record_end(t);
	expect_torn(t, false);
}

/* As it was: zeroed at once, here from its end. Half of it gone, requests without PASID were
 * translated by another PASID's entry. */
static void test_cve_2026_45944_zeroed_at_once_is_seen(void **state)
{
	struct torn *t = *state;
	struct vtd_context_entry *context, *good;

	begin_context(t);
	good = tables_context(t->s.unit, t->s.physmem, SILICON_RID);
	context = tables_context(t->s.unit, t->s.physmem, OTHER_RID);
	*context = *good;
	vtd_context_entry_set_RID_PASID(context, t->pasid.v);
	t->expectation.old_page = t->s.base.v + t->other;
	record(t, context, 4);
	for (unsigned i = 4; i-- > 0;)
		overwrite(&context->q[i], (const uint64_t[]){0}, 1);
	stores_fence(&t->fences.stores);
	record_end(t);
	expect_torn(t, true);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_cve_2026_45894_pasid_entry_is_torn_down),
		T(test_cve_2026_45894_zeroed_at_once_is_seen),
		T(test_race_during_pasid_entry_replacement),
		T(test_replacement_of_a_live_entry_is_seen),
		T(test_cve_2026_45944_torn_context_entry),
		T(test_cve_2026_45944_zeroed_at_once_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
