// SPDX-License-Identifier: MIT
/*
 * A walk that begins at the last tables, which are cached, answers as one that begins at the root: of every
 * leaf, whatever bit of it is set or not, for every access, and with the same A and D bits in memory.
 */
#include "fixture.h"

#include <stdlib.h>

#include "vtd/registers.h"

#define PASID     5u
#define VA        UINT64_C(0x7fff12345000)
#define NEIGHBOUR (VA + VSVA_PAGE_SIZE) /* through the same tables */
#define GUEST     UINT64_C(0x240000000)
#define TARGET    UINT64_C(0x280000000)

struct shape {
	bool ssade, eafe, wpe, sre, dte;
	unsigned second_level; /* of the second stage's leaf */
};

/* The same tables in the memory of a unit that caches, and of one that does not. */
struct side {
	struct fixture f;
	struct domain d;
	uint64_t *first, *second; /* leaves */
};

struct twins {
	struct side cached, plain;
};

static void side_init(struct side *side, enum unit_cache_policy policy, const struct shape *shape)
{
	struct domain *d = &side->d;

	fixture_init(&side->f,
		     &(struct fixture_options){.policy = policy, .ecap_set = VTD_ECAP_EAFS});
	domain_init(d, &side->f, VTD_PGTT_NESTED, 7, 0, 0);
	d->ssade = shape->ssade;
	d->eafe = shape->eafe;
	d->wpe = shape->wpe;
	d->sre = shape->sre;
	domain_attach(d, RID, PASID);
	vtd_context_entry_set_DTE(context_of(&side->f, RID), shape->dte);
	vtd_context_entry_set_PRE(context_of(&side->f, RID), 0);
	side->first = domain_first_entry(d, VA, 1);
	side->second = domain_second_entry(d, GUEST, shape->second_level);
	domain_map_first(d, NEIGHBOUR, GUEST + VSVA_PAGE_SIZE, 1, FIRST_RWU);
	if (shape->second_level == 1)
		domain_map_second(d, GUEST + VSVA_PAGE_SIZE, TARGET + VSVA_PAGE_SIZE, 1, SECOND_RW);
}

static void twins_init(struct twins *t, const struct shape *shape)
{
	side_init(&t->cached, UNIT_CACHE_LRU, shape);
	side_init(&t->plain, UNIT_CACHE_NEVER, shape);
}

static void twins_fini(struct twins *t)
{
	fixture_fini(&t->cached.f);
	fixture_fini(&t->plain.f);
}

static uint64_t good_first(void)
{
	return GUEST | FIRST_RWU | VTD_FS_PTE_A | VTD_FS_PTE_D | VTD_FS_PTE_EA;
}

static uint64_t good_second(const struct shape *shape)
{
	return TARGET | SECOND_RW | VTD_SS_PTE_A | VTD_SS_PTE_D |
	       (shape->second_level > 1 ? VTD_SS_PTE_PS : 0u);
}

/* Entries that let the neighbour pass, whatever they will be then. */
static void warm(struct side *side, const struct shape *shape)
{
	struct vtd_desc all = desc_iotlb(VTD_IOTLB_DOMAIN, 7, 0, 0, false);

	*side->first = good_first();
	*side->second = good_second(shape);
	assert_true(queue_sync(&side->f, &all));
	assert_leads(&side->f, RID, PASID, NEIGHBOUR, UNIT_WRITE, TARGET + VSVA_PAGE_SIZE);
}

static void expect_same(const struct unit_translation *a, const struct unit_translation *b)
{
	assert_int_equal(a->fault, b->fault);
	assert_int_equal(a->response, b->response);
	assert_int_equal(a->hpa.v, b->hpa.v);
	assert_int_equal(a->rights, b->rights);
	assert_int_equal(a->page_lg2, b->page_lg2);
	assert_int_equal(a->user, b->user);
	assert_int_equal(a->interrupt, b->interrupt);
}

static void expect_same_memory(struct twins *t)
{
	struct vtd_fault_record a = take_fault(&t->cached.f, 0), b = take_fault(&t->plain.f, 0);

	assert_int_equal(*t->cached.first, *t->plain.first);
	assert_int_equal(*t->cached.second, *t->plain.second);
	assert_int_equal(vtd_fault_record_F(&a), vtd_fault_record_F(&b));
	assert_int_equal(vtd_fault_record_FR(&a), vtd_fault_record_FR(&b));
	clear_faults(&t->cached.f);
	clear_faults(&t->plain.f);
}

static void expect_same_answer(struct twins *t, enum unit_access access, bool privileged)
{
	struct unit_request r = {.rid = RID,
				 .pasid = PASID,
				 .addr = VA + 0x123,
				 .access = access,
				 .privileged = privileged};
	struct unit_translation a = translate_request(&t->cached.f, &r),
				b = translate_request(&t->plain.f, &r);

	expect_same(&a, &b);
	expect_same_memory(t);
}

static void expect_same_completion(struct twins *t, enum unit_access access)
{
	struct unit_translation a = ats_translate(&t->cached.f, RID, PASID, VA, access),
				b = ats_translate(&t->plain.f, RID, PASID, VA, access);

	expect_same(&a, &b);
	expect_same_memory(t);
}

/* What the request leaves in the IOTLB answers the others. */
static void expect_same_answers(struct twins *t, const struct shape *shape, uint64_t first,
				uint64_t second, enum unit_access access)
{
	warm(&t->cached, shape);
	warm(&t->plain, shape);
	*t->cached.first = *t->plain.first = first;
	*t->cached.second = *t->plain.second = second;
	expect_same_answer(t, access, false);
	expect_same_answer(t, access, false);
	expect_same_answer(t, UNIT_READ, true);
	expect_same_answer(t, UNIT_WRITE, true);
	expect_same_completion(t, UNIT_READ);
	expect_same_completion(t, UNIT_ATOMIC);
	expect_same_answer(t, UNIT_ATOMIC, false);
}

static void check_bits(struct twins *t, const struct shape *shape)
{
	for (unsigned access = UNIT_READ; access <= UNIT_ATOMIC; access++) {
		expect_same_answers(t, shape, good_first(), good_second(shape), access);
		for (unsigned bit = 0; bit < 64; bit++) {
			expect_same_answers(t, shape, good_first() ^ UINT64_C(1) << bit,
					    good_second(shape), access);
			expect_same_answers(t, shape, good_first(),
					    good_second(shape) ^ UINT64_C(1) << bit, access);
		}
	}
}

static void check_shape(const struct shape *shape)
{
	struct twins *t = malloc(sizeof(*t));

	assert_non_null(t);
	twins_init(t, shape);
	check_bits(t, shape);
	twins_fini(t);
	free(t);
}

static void test_walk_short_judges_leaves_as_a_whole_walk(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 32; i++)
		check_shape(&(struct shape){.ssade = i & 1,
					    .eafe = i & 2,
					    .wpe = i & 4,
					    .sre = i & 8,
					    .dte = i & 16,
					    .second_level = 1});
}

static void test_walk_short_ends_in_large_pages_of_the_second_stage(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		check_shape(&(struct shape){
			.ssade = i & 1, .wpe = i & 2, .sre = true, .dte = true, .second_level = 2});
}

/* VT-d 3.14 */
static void test_walk_short_leads_not_to_interrupts(void **state)
{
	const struct shape shape = {.sre = true, .second_level = 1};
	struct side *side = malloc(sizeof(*side));

	(void)state;
	assert_non_null(side);
	side_init(side, UNIT_CACHE_LRU, &shape);
	warm(side, &shape);
	*side->second = UINT64_C(0xfee00000) | SECOND_RW;
	assert_faults(&side->f, RID, PASID, VA, UNIT_WRITE, SGN_8);
	expect_fault(&side->f, VTD_FAULT_SGN_8, RID, PASID, VA);
	fixture_fini(&side->f);
	free(side);
}

/* Rights that the tables above do not give are not in the leaf either. */
static void test_walk_short_has_the_rights_of_the_way_down(void **state)
{
	const struct shape shape = {.sre = true, .second_level = 1};
	struct side *side = malloc(sizeof(*side));

	(void)state;
	assert_non_null(side);
	side_init(side, UNIT_CACHE_LRU, &shape);
	*domain_first_entry(&side->d, VA, 2) &= ~(uint64_t)VTD_FS_PTE_RW;
	*side->first = good_first();
	*side->second = good_second(&shape);
	assert_leads(&side->f, RID, PASID, NEIGHBOUR, UNIT_READ, TARGET + VSVA_PAGE_SIZE);
	assert_faults(&side->f, RID, PASID, VA, UNIT_WRITE, SGN_6);
	expect_fault(&side->f, VTD_FAULT_SGN_6, RID, PASID, VA);
	assert_leads(&side->f, RID, PASID, VA, UNIT_READ, TARGET);
	fixture_fini(&side->f);
	free(side);
}

/* An address that the entry of now cannot have is refused, whatever is cached of the entry before. */
static void test_walk_short_judges_the_address(void **state)
{
	uint64_t va = UINT64_C(1) << 50;
	struct vtd_desc stale;
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	domain_init(&d, &f, VTD_PGTT_NESTED, 7, 5, 0);
	domain_attach(&d, RID, PASID);
	for (uint64_t page = 0; page < 2 * VSVA_PAGE_SIZE; page += VSVA_PAGE_SIZE) {
		domain_map_first(&d, va + page, GUEST + page, 1, good_first() & ~GUEST);
		domain_map_second(&d, GUEST + page, TARGET + page, 1, SECOND_RW);
	}
	assert_leads(&f, RID, PASID, va, UNIT_READ, TARGET);
	vtd_pasid_entry_set_FSPM(pasid_entry_of(&f, RID, PASID), 0);
	stale = desc_pasid(VTD_PASID_CACHE_PASID, 7, PASID);
	assert_true(queue_sync(&f, &stale));
	for (unsigned i = 0; i < 2; i++) /* once more with the PASID entry cached */
		assert_faults(&f, RID, PASID, va + VSVA_PAGE_SIZE, UNIT_READ, SGN_1);
	fixture_fini(&f);
}

/* An entry that has become one of the second stage alone does not go through tables of the first. */
static void test_walk_short_is_for_nested_spaces(void **state)
{
	const struct shape shape = {.sre = true, .second_level = 1};
	struct vtd_desc stale = desc_pasid(VTD_PASID_CACHE_PASID, 7, PASID);
	struct side *side = malloc(sizeof(*side));

	(void)state;
	assert_non_null(side);
	side_init(side, UNIT_CACHE_LRU, &shape);
	warm(side, &shape);
	vtd_pasid_entry_set_PGTT(pasid_entry_of(&side->f, RID, PASID), VTD_PGTT_SECOND_STAGE);
	assert_true(queue_sync(&side->f, &stale));
	for (unsigned i = 0; i < 2; i++) /* once more with the PASID entry cached */
		assert_faults(&side->f, RID, PASID, VA, UNIT_READ, SSS_2);
	fixture_fini(&side->f);
	free(side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_short_judges_leaves_as_a_whole_walk),
		cmocka_unit_test(test_walk_short_ends_in_large_pages_of_the_second_stage),
		cmocka_unit_test(test_walk_short_leads_not_to_interrupts),
		cmocka_unit_test(test_walk_short_has_the_rights_of_the_way_down),
		cmocka_unit_test(test_walk_short_judges_the_address),
		cmocka_unit_test(test_walk_short_is_for_nested_spaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
