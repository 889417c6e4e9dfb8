// SPDX-License-Identifier: MIT
/* Runs: how far a copy may go on from page to page, by what is cached and nothing else. */
#include "fixture.h"

#define PASID  5u
#define VA     UINT64_C(0x7fff12340000)
#define TARGET UINT64_C(0x280000000)
#define PAGES  8u

struct space {
	struct fixture f;
	struct domain d;
};

/* Page i of VA leads to page i of TARGET; all of them were read, so that they are cached if anything is. */
static void space_init(struct space *s, const struct fixture_options *options)
{
	fixture_init(&s->f, options);
	domain_init(&s->d, &s->f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&s->d, RID, PASID);
	for (uint64_t i = 0; i < PAGES; i++) {
		uint64_t at = i * VSVA_PAGE_SIZE;

		domain_map_first(&s->d, VA + at, TARGET + at, 1, FIRST_RWU);
		assert_leads(&s->f, RID, PASID, VA + at, UNIT_READ, TARGET + at);
	}
}

static uint64_t run_from(struct space *s, unsigned page, enum unit_access access, uint64_t len)
{
	uint64_t at = page * (uint64_t)VSVA_PAGE_SIZE, run;

	rcu_read_lock();
	run = unit_find_run(s->f.unit, RID, PASID, VA + at, access, hpa(TARGET + at), len);
	rcu_read_unlock();
	return run;
}

static uint64_t hits_of(const struct space *s)
{
	struct unit_cache_stats stats;

	unit_get_stats(s->f.unit, &stats);
	return stats.iotlb_hits;
}

static void test_run_of_pages(void **state)
{
	struct space s;

	(void)state;
	space_init(&s, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	assert_int_equal(run_from(&s, 0, UNIT_READ, 0x100000), PAGES * VSVA_PAGE_SIZE);
	assert_int_equal(hits_of(&s), PAGES);
	assert_int_equal(run_from(&s, 1, UNIT_READ, VSVA_PAGE_SIZE + 1), VSVA_PAGE_SIZE + 1);
	assert_int_equal(hits_of(&s), PAGES + 2);
	assert_int_equal(run_from(&s, PAGES, UNIT_READ, 0x100000), 0);
	assert_int_equal(hits_of(&s), PAGES + 2);
	fixture_fini(&s.f);
}

/* What was only read is not dirty, and an invalidation takes a page out. */
static void test_run_ends(void **state)
{
	const struct vtd_desc page = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, 7, PASID,
						      VA + 5 * (uint64_t)VSVA_PAGE_SIZE, 0, true);
	struct space s;

	(void)state;
	space_init(&s, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	assert_int_equal(run_from(&s, 0, UNIT_WRITE, 0x100000), 0);
	assert_leads(&s.f, RID, PASID, VA, UNIT_WRITE, TARGET);
	assert_int_equal(run_from(&s, 0, UNIT_WRITE, 0x100000), VSVA_PAGE_SIZE);
	assert_true(queue_sync(&s.f, &page));
	assert_int_equal(run_from(&s, 0, UNIT_READ, 0x100000), 5 * VSVA_PAGE_SIZE);
	/* a page that follows in the address space, but not in memory */
	domain_map_first(&s.d, VA + 5 * (uint64_t)VSVA_PAGE_SIZE, 0x77000, 1, FIRST_RWU);
	assert_leads(&s.f, RID, PASID, VA + 5 * (uint64_t)VSVA_PAGE_SIZE, UNIT_READ,
		     UINT64_C(0x77000));
	assert_int_equal(run_from(&s, 0, UNIT_READ, 0x100000), 5 * VSVA_PAGE_SIZE);
	fixture_enable(&s.f, false);
	assert_int_equal(run_from(&s, 0, UNIT_READ, 0x100000), 0);
	fixture_fini(&s.f);
}

/* Where hits are drawn by lot, each page is asked for by itself. */
static void test_run_is_of_lru(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++) {
		struct space s;

		if (policy == UNIT_CACHE_LRU)
			continue;
		space_init(&s, &(struct fixture_options){.policy = (enum unit_cache_policy)policy,
							 .seed = 42});
		assert_int_equal(run_from(&s, 0, UNIT_READ, 0x100000), 0);
		fixture_fini(&s.f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_of_pages),
		cmocka_unit_test(test_run_ends),
		cmocka_unit_test(test_run_is_of_lru),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
