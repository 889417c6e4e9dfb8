// SPDX-License-Identifier: MIT
/*
 * Caches under every policy: what an invalidation names is gone, and under LRU what it does not
 * name is still there; nothing that the architecture forbids is ever cached; no walk outlives an
 * invalidation.
 */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

#include "hw/cache_iotlb.h"
#include "hw/cache_paging.h"
#include "hw/cache_pasid.h"
#include "vtd/registers.h"

#define DID_FIRST  1u
#define DID_NESTED 2u
#define DID_SECOND 3u
#define DID_OTHER  4u

static const char *const policy_names[] = {"never", "lru", "random", "adversarial"};

/* Scope of IOTLB invalidations */

/* What is cached before each invalidation: domains of every kind, near and far pages. */
enum { FIRST, NESTED, SECOND, FIRST_2, SECOND_RID, DOMAINS };

static const struct {
	enum vtd_pgtt pgtt;
	uint16_t did;
	uint32_t pasid;
	uint16_t source;
} domain_list[DOMAINS] = {
	[FIRST] = {VTD_PGTT_FIRST_STAGE, DID_FIRST, 5, 0x0310},
	[NESTED] = {VTD_PGTT_NESTED, DID_NESTED, 6, 0x0310},
	[SECOND] = {VTD_PGTT_SECOND_STAGE, DID_SECOND, 7, 0x0310},
	[FIRST_2] = {VTD_PGTT_FIRST_STAGE, DID_FIRST, 8, 0x0310},
	[SECOND_RID] = {VTD_PGTT_SECOND_STAGE, DID_OTHER, NO_PASID, 0x0311},
};

static const uint64_t pages[] = {0x5000, 0x6000, 0x40005000};
#define PAGES             ARRAY_LEN(pages)
#define BIT(domain, page) (1u << ((domain)*PAGES + (page)))
#define ALL_PAGES(domain) (7u << ((domain)*PAGES))
#define EVERYTHING        ((1u << (DOMAINS * PAGES)) - 1)

struct zoo {
	struct fixture f;
	struct domain d[DOMAINS];
	enum unit_cache_policy policy;
};

static uint64_t target(unsigned domain, size_t page, unsigned version)
{
	return UINT64_C(0x100000000) + version * 0x10000000u + domain * 0x100000u + page * 0x1000u;
}

static void map(struct domain *d, uint64_t addr, uint64_t to)
{
	if (d->pgtt == VTD_PGTT_SECOND_STAGE)
		domain_map_second(d, addr, to, 1, SECOND_RW);
	else
		domain_map_first(d, addr, to, 1, FIRST_RWU | VTD_FS_PTE_A | VTD_FS_PTE_D);
}

/* The nested domain's second stage has the targets of all versions, one to one. */
static void map_zoo(struct zoo *z, unsigned version)
{
	for (unsigned i = 0; i < DOMAINS; i++)
		for (size_t p = 0; p < PAGES; p++) {
			uint64_t to = target(i, p, version);

			if (domain_list[i].pgtt == VTD_PGTT_NESTED)
				domain_map_second(&z->d[i], to, to, 1, SECOND_RW);
			map(&z->d[i], pages[p], to);
		}
}

static uint64_t look(struct zoo *z, unsigned domain, size_t page)
{
	struct unit_translation t = translate(&z->f, rid(domain_list[domain].source),
					      domain_list[domain].pasid, pages[page], UNIT_READ);

	assert_int_equal(t.fault, VTD_FAULT_NONE);
	return t.hpa.v;
}

static void look_at_all(struct zoo *z)
{
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < DOMAINS; i++)
			for (size_t p = 0; p < PAGES; p++)
				look(z, i, p);
}

static void zoo_init(struct zoo *z, enum unit_cache_policy policy)
{
	z->policy = policy;
	fixture_init(&z->f, &(struct fixture_options){.policy = policy, .seed = 42});
	for (unsigned i = 0; i < DOMAINS; i++) {
		domain_init(&z->d[i], &z->f, domain_list[i].pgtt, domain_list[i].did, 0, 0);
		domain_attach(&z->d[i], rid(domain_list[i].source), domain_list[i].pasid);
	}
	map_zoo(z, 0);
	look_at_all(z);
}

/* gone: pages that must be read anew. */
static void check_scope(const char *what, const struct vtd_desc *desc, unsigned gone)
{
	for (unsigned policy = 0; policy < 4; policy++) {
		struct zoo *z = calloc(1, sizeof(*z));

		zoo_init(z, (enum unit_cache_policy)policy);
		map_zoo(z, 1);
		assert_true(queue_sync(&z->f, desc));
		for (unsigned i = 0; i < DOMAINS; i++)
			for (size_t p = 0; p < PAGES; p++) {
				bool is_new = look(z, i, p) == target(i, p, 1);

				if ((gone & BIT(i, p)) && !is_new)
					fail_msg("%s, %s: domain %u page %zu is stale", what,
						 policy_names[policy], i, p);
				if (!(gone & BIT(i, p)) && is_new && policy == UNIT_CACHE_LRU)
					fail_msg("%s: domain %u page %zu was lost", what, i, p);
			}
		fixture_fini(&z->f);
		free(z);
	}
}

static void test_cache_scope_of_iotlb_descriptor(void **state)
{
	struct vtd_desc d;

	(void)state;
	d = desc_iotlb(VTD_IOTLB_GLOBAL, 0, 0, 0, false);
	check_scope("IOTLB global", &d, EVERYTHING);
	d = desc_iotlb(VTD_IOTLB_DOMAIN, DID_FIRST, 0, 0, false);
	check_scope("IOTLB domain", &d, ALL_PAGES(FIRST) | ALL_PAGES(FIRST_2));
	d = desc_iotlb(VTD_IOTLB_PAGE, DID_SECOND, 0x5000, 0, false);
	check_scope("IOTLB page", &d, BIT(SECOND, 0));
	d = desc_iotlb(VTD_IOTLB_PAGE, DID_SECOND, 0x5000, 1, true);
	check_scope("IOTLB 2 pages: 4000 and 5000", &d, BIT(SECOND, 0));
	d = desc_iotlb(VTD_IOTLB_PAGE, DID_SECOND, 0x5000, 2, true);
	check_scope("IOTLB 4 pages", &d, BIT(SECOND, 0) | BIT(SECOND, 1));
	d = desc_iotlb(VTD_IOTLB_PAGE, DID_SECOND, 0, 18, false);
	check_scope("IOTLB 1 GiB", &d, BIT(SECOND, 0) | BIT(SECOND, 1));
	d = desc_iotlb(VTD_IOTLB_PAGE, DID_OTHER, 0x40005000, 0, false);
	check_scope("IOTLB page, without PASID", &d, BIT(SECOND_RID, 2));
	/* a guest physical address says nothing about nested and first-stage entries: all of the
	 * domain */
	d = desc_iotlb(VTD_IOTLB_PAGE, DID_NESTED, 0x99000, 0, true);
	check_scope("IOTLB page, nested", &d, ALL_PAGES(NESTED));
}

static void test_cache_scope_of_pasid_iotlb_descriptor(void **state)
{
	struct vtd_desc d;

	(void)state;
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PASID, DID_FIRST, 5, 0, 0, false);
	check_scope("P_IOTLB PASID", &d, ALL_PAGES(FIRST));
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PASID, DID_NESTED, 5, 0, 0, false);
	check_scope("P_IOTLB PASID of another domain", &d, 0);
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PASID, DID_NESTED, 6, 0, 0, false);
	check_scope("P_IOTLB PASID, nested", &d, ALL_PAGES(NESTED));
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PASID, DID_SECOND, 7, 0, 0, false);
	check_scope("P_IOTLB does not reach the second stage", &d, 0);
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, DID_FIRST, 8, 0x6000, 0, true);
	check_scope("P_IOTLB page", &d, BIT(FIRST_2, 1));
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, DID_NESTED, 6, 0x5000, 0, false);
	check_scope("P_IOTLB page, nested", &d, BIT(NESTED, 0));
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, DID_FIRST, 5, 0x7000, 2, false);
	check_scope("P_IOTLB 4 pages", &d, BIT(FIRST, 0) | BIT(FIRST, 1));
	/* QEMU #3619: masks up to 63 */
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, DID_FIRST, 5, 0x7000, 51, false);
	check_scope("P_IOTLB 2^51 pages", &d, ALL_PAGES(FIRST));
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, DID_FIRST, 5, 0x7000, 63, false);
	check_scope("P_IOTLB everything", &d, ALL_PAGES(FIRST));
}

static void test_cache_scope_of_others(void **state)
{
	struct vtd_desc d = desc_pasid(VTD_PASID_CACHE_GLOBAL, 0, 0);

	(void)state;
	check_scope("PASID cache leaves the IOTLB alone", &d, 0);
	d = desc_context(VTD_CONTEXT_GLOBAL, 0, RID, 0);
	check_scope("context cache leaves the IOTLB alone", &d, 0);
}

/* Root and enable: ESRTPS, and TE off in a unit with scalable mode, invalidate everything. */
static void test_cache_scope_of_commands(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++)
		for (unsigned command = 0; command < 2; command++) {
			struct zoo *z = calloc(1, sizeof(*z));

			zoo_init(z, (enum unit_cache_policy)policy);
			map_zoo(z, 1);
			if (command) {
				fixture_enable(&z->f, false);
				fixture_enable(&z->f, true);
			} else {
				fixture_set_root(&z->f,
						 vtd_RTADDR_with_TTM(z->f.root, VTD_TTM_SCALABLE));
			}
			for (unsigned i = 0; i < DOMAINS; i++)
				for (size_t p = 0; p < PAGES; p++)
					assert_int_equal(look(z, i, p), target(i, p, 1));
			fixture_fini(&z->f);
			free(z);
		}
}

/* Paging-structure caches */

/* The directory entry moves to another table. With IH only leaves are said to have changed. */
static void check_structure(enum vtd_pgtt pgtt, const struct vtd_desc *desc, bool gone)
{
	for (unsigned policy = 0; policy < 4; policy++) {
		uint64_t old_table, *entry, to;
		struct fixture f;
		struct domain d;

		fixture_init(&f,
			     &(struct fixture_options){.policy = (enum unit_cache_policy)policy});
		domain_init(&d, &f, pgtt, 1, 0, 0);
		domain_attach(&d, RID, 5);
		map(&d, 0x5000, 0x77000);
		if (pgtt == VTD_PGTT_NESTED) {
			domain_map_second(&d, 0x77000, 0x77000, 1, SECOND_RW);
			domain_map_second(&d, 0x88000, 0x88000, 1, SECOND_RW);
		}
		for (unsigned i = 0; i < 3; i++)
			assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
		entry = pgtt == VTD_PGTT_SECOND_STAGE ? domain_second_entry(&d, 0x5000, 2)
						      : domain_first_entry(&d, 0x5000, 2);
		old_table = *entry;
		*entry = 0;
		map(&d, 0x5000, 0x88000);
		assert_true(old_table != *entry);
		assert_true(queue_sync(&f, desc));
		to = translate(&f, RID, 5, 0x5000, UNIT_READ).hpa.v;
		if (gone || policy == UNIT_CACHE_NEVER)
			assert_int_equal(to, 0x88000);
		else if (policy != UNIT_CACHE_RANDOM)
			assert_int_equal(to, 0x77000);
		fixture_fini(&f);
	}
}

static void test_cache_structures_obey_ih(void **state)
{
	const enum vtd_pgtt first[] = {VTD_PGTT_FIRST_STAGE, VTD_PGTT_NESTED};
	struct vtd_desc d;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		d = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, 1, 5, 0x5000, 0, true);
		check_structure(first[i], &d, false);
		d = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, 1, 5, 0x5000, 0, false);
		check_structure(first[i], &d, true);
		d = desc_pasid_iotlb(VTD_PASID_IOTLB_PASID, 1, 5, 0, 0, false);
		check_structure(first[i], &d, true);
		/* 4.2: a second-stage change may have moved the tables of the first stage */
		d = desc_iotlb(VTD_IOTLB_PAGE, 1, 0x5000, 0, true);
		check_structure(first[i], &d, true);
	}
	d = desc_iotlb(VTD_IOTLB_PAGE, 1, 0x5000, 0, true);
	check_structure(VTD_PGTT_SECOND_STAGE, &d, false);
	d = desc_iotlb(VTD_IOTLB_PAGE, 1, 0x5000, 0, false);
	check_structure(VTD_PGTT_SECOND_STAGE, &d, true);
	d = desc_pasid_iotlb(VTD_PASID_IOTLB_PASID, 1, 5, 0, 0, false);
	check_structure(VTD_PGTT_SECOND_STAGE, &d, false);
}

/* Context and PASID caches */

/* The PASID entry changes to another domain; the IOTLB is flushed, so that only the PASID cache
 * can be stale. */
static void check_pasid_scope(const struct vtd_desc *desc, bool gone)
{
	struct vtd_desc flush = desc_iotlb(VTD_IOTLB_GLOBAL, 0, 0, 0, false);

	for (unsigned policy = 0; policy < 4; policy++) {
		struct fixture f;
		struct domain a, b;
		uint64_t to;

		fixture_init(&f,
			     &(struct fixture_options){.policy = (enum unit_cache_policy)policy});
		domain_init(&a, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
		domain_init(&b, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
		map(&a, 0x5000, 0x77000);
		map(&b, 0x5000, 0x88000);
		domain_attach(&a, RID, 5);
		for (unsigned i = 0; i < 3; i++)
			assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
		domain_attach(&b, RID, 5);
		queue_put(&f, desc);
		assert_true(queue_sync(&f, &flush));
		to = translate(&f, RID, 5, 0x5000, UNIT_READ).hpa.v;
		if (gone || policy == UNIT_CACHE_NEVER)
			assert_int_equal(to, 0x88000);
		else if (policy != UNIT_CACHE_RANDOM)
			assert_int_equal(to, 0x77000);
		fixture_fini(&f);
	}
}

static void test_cache_scope_of_pasid_cache_descriptor(void **state)
{
	struct vtd_desc d;

	(void)state;
	d = desc_pasid(VTD_PASID_CACHE_GLOBAL, 0, 0);
	check_pasid_scope(&d, true);
	d = desc_pasid(VTD_PASID_CACHE_DOMAIN, 1, 99);
	check_pasid_scope(&d, true);
	d = desc_pasid(VTD_PASID_CACHE_PASID, 1, 5);
	check_pasid_scope(&d, true);
	d = desc_pasid(VTD_PASID_CACHE_DOMAIN, 2, 5);
	check_pasid_scope(&d, false);
	d = desc_pasid(VTD_PASID_CACHE_PASID, 1, 6);
	check_pasid_scope(&d, false);
	d = desc_pasid(VTD_PASID_CACHE_PASID, 2, 5);
	check_pasid_scope(&d, false);
	d = desc_context(VTD_CONTEXT_GLOBAL, 0, RID, 0);
	check_pasid_scope(&d, false);
}

/* Requests without PASID: the PASID cache is reached under RID_PASID. */
static void test_cache_pasid_cache_of_rid_pasid(void **state)
{
	struct vtd_desc flush = desc_iotlb(VTD_IOTLB_GLOBAL, 0, 0, 0, false);
	struct vtd_desc other = desc_pasid(VTD_PASID_CACHE_PASID, 1, 5);
	struct vtd_desc right = desc_pasid(VTD_PASID_CACHE_PASID, 1, 9);
	struct fixture f;
	struct domain a, b;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	vtd_context_entry_set_RID_PASID(context_of(&f, RID), 9);
	domain_init(&a, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	domain_init(&b, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	map(&a, 0x5000, 0x77000);
	map(&b, 0x5000, 0x88000);
	domain_attach(&a, RID, 9);
	assert_leads(&f, RID, NO_PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	domain_attach(&b, RID, 9);
	queue_put(&f, &other);
	assert_true(queue_sync(&f, &flush));
	assert_leads(&f, RID, NO_PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	queue_put(&f, &right);
	assert_true(queue_sync(&f, &flush));
	assert_leads(&f, RID, NO_PASID, 0x5000, UNIT_READ, UINT64_C(0x88000));
	fixture_fini(&f);
}

/* "Invalidate PASID cache when root/context entry changed" (Linux, April 2021): a context entry
 * that leads to another directory is followed only when the PASID cache has been flushed too. */
static void test_cache_context_change_needs_pasid_cache_flush(void **state)
{
	struct vtd_desc iotlb = desc_iotlb(VTD_IOTLB_GLOBAL, 0, 0, 0, false);
	struct vtd_desc context = desc_context(VTD_CONTEXT_DEVICE, 0, RID, 0);
	struct vtd_desc pasid = desc_pasid(VTD_PASID_CACHE_DOMAIN, 1, 0);
	struct fixture f;
	struct domain a, b;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_ADVERSARIAL});
	domain_init(&a, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	domain_init(&b, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	map(&a, 0x5000, 0x77000);
	map(&b, 0x5000, 0x88000);
	domain_attach(&a, RID, 5);
	domain_attach(&b, OTHER_RID, 5);
	assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
	*context_of(&f, RID) = *context_of(&f, OTHER_RID);
	queue_put(&f, &context);
	assert_true(queue_sync(&f, &iotlb));
	assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
	queue_put(&f, &context);
	queue_put(&f, &pasid);
	assert_true(queue_sync(&f, &iotlb));
	assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x88000));
	fixture_fini(&f);
}

static void check_context_scope(const struct vtd_desc *desc, bool gone)
{
	struct vtd_desc pasid = desc_pasid(VTD_PASID_CACHE_GLOBAL, 0, 0);
	struct vtd_desc iotlb = desc_iotlb(VTD_IOTLB_GLOBAL, 0, 0, 0, false);
	struct fixture f;
	struct domain d;

	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	map(&d, 0x5000, 0x77000);
	domain_attach(&d, RID, 5);
	assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
	vtd_context_entry_set_P(context_of(&f, RID), 0);
	queue_put(&f, desc);
	queue_put(&f, &pasid);
	assert_true(queue_sync(&f, &iotlb));
	assert_int_equal(translate(&f, RID, 5, 0x5000, UNIT_READ).fault,
			 gone ? VTD_FAULT_SCT_2 : VTD_FAULT_NONE);
	fixture_fini(&f);
}

static void test_cache_scope_of_context_descriptor(void **state)
{
	struct vtd_desc d;

	(void)state;
	d = desc_context(VTD_CONTEXT_GLOBAL, 0, rid(0), 0);
	check_context_scope(&d, true);
	d = desc_context(VTD_CONTEXT_DOMAIN, 77, rid(0), 0); /* global in scalable mode */
	check_context_scope(&d, true);
	d = desc_context(VTD_CONTEXT_DEVICE, 77, RID, 0); /* domain ignored */
	check_context_scope(&d, true);
	d = desc_context(VTD_CONTEXT_DEVICE, 1, OTHER_RID, 0);
	check_context_scope(&d, false);
	d = desc_context(VTD_CONTEXT_DEVICE, 1, rid(0x0317), 3); /* all functions of the device */
	check_context_scope(&d, true);
	d = desc_context(VTD_CONTEXT_DEVICE, 1, rid(0x0311),
			 2); /* bits 2:1 do not count, bit 0 does */
	check_context_scope(&d, false);
	d = desc_context(VTD_CONTEXT_DEVICE, 1, rid(0x0316), 2);
	check_context_scope(&d, true);
}

/* Rights and A/D */

/* QEMU 7.2's VT-d drops the fault of a write to a read-only page when a read has cached the
 * entry. */
static void test_cache_write_after_cached_read_is_reported(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++) {
		struct fixture f;
		struct domain first, second;

		fixture_init(&f,
			     &(struct fixture_options){.policy = (enum unit_cache_policy)policy});
		domain_init(&first, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
		domain_init(&second, &f, VTD_PGTT_SECOND_STAGE, 2, 0, 0);
		domain_attach(&first, RID, 5);
		domain_attach(&second, RID, 6);
		domain_map_first(&first, 0x5000, 0x77000, 1, VTD_FS_PTE_P | VTD_FS_PTE_US);
		domain_map_second(&second, 0x5000, 0x77000, 1, VTD_SS_PTE_R);
		for (unsigned i = 0; i < 3; i++)
			for (uint32_t pasid = 5; pasid <= 6; pasid++) {
				assert_leads(&f, RID, pasid, 0x5000, UNIT_READ, UINT64_C(0x77000));
				assert_faults(&f, RID, pasid, 0x5000, UNIT_WRITE, SGN_6);
				expect_fault(&f, VTD_FAULT_SGN_6, RID, pasid, 0x5000);
			}
		fixture_fini(&f);
	}
}

static void test_cache_write_after_cached_read_sets_dirty(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++) {
		struct fixture f;
		struct domain first, second;

		fixture_init(&f,
			     &(struct fixture_options){.policy = (enum unit_cache_policy)policy});
		domain_init(&first, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
		domain_init(&second, &f, VTD_PGTT_SECOND_STAGE, 2, 0, 0);
		second.ssade = true;
		domain_attach(&first, RID, 5);
		domain_attach(&second, RID, 6);
		domain_map_first(&first, 0x5000, 0x77000, 1, FIRST_RWU);
		domain_map_second(&second, 0x5000, 0x77000, 1, SECOND_RW);
		assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
		assert_leads(&f, RID, 6, 0x5000, UNIT_READ, UINT64_C(0x77000));
		assert_false(*domain_first_entry(&first, 0x5000, 1) & VTD_FS_PTE_D);
		assert_false(*domain_second_entry(&second, 0x5000, 1) & VTD_SS_PTE_D);
		assert_leads(&f, RID, 5, 0x5000, UNIT_WRITE, UINT64_C(0x77000));
		assert_leads(&f, RID, 6, 0x5000, UNIT_WRITE, UINT64_C(0x77000));
		assert_true(*domain_first_entry(&first, 0x5000, 1) & VTD_FS_PTE_D);
		assert_true(*domain_second_entry(&second, 0x5000, 1) & VTD_SS_PTE_D);
		fixture_fini(&f);
	}
}

/* A translation that an untranslated request has cached does not let a device without DTE use
 * ATS; nor does a user's entry let a supervisor in. */
static void test_cache_checks_what_the_tables_say(void **state)
{
	struct unit_request r = {
		.rid = RID, .pasid = 5, .addr = 0x5000, .access = UNIT_READ, .privileged = true};
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	d.sre = false;
	domain_attach(&d, RID, 5);
	vtd_context_entry_set_DTE(context_of(&f, RID), 0);
	vtd_context_entry_set_PRE(context_of(&f, RID), 0);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	assert_leads(&f, RID, 5, 0x5000, UNIT_WRITE, UINT64_C(0x77000));
	assert_int_equal(ats_translate(&f, RID, 5, 0x5000, UNIT_READ).fault, VTD_FAULT_SCT_5);
	assert_int_equal(translate_request(&f, &r).fault, VTD_FAULT_SPT_6);
	fixture_fini(&f);
}

/* What may not be cached, and what may */

static void test_cache_faults_are_not_cached_without_caching_mode(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++) {
		struct fixture f;
		struct domain first, second;

		fixture_init(&f,
			     &(struct fixture_options){.policy = (enum unit_cache_policy)policy});
		domain_init(&first, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
		domain_init(&second, &f, VTD_PGTT_SECOND_STAGE, 2, 0, 0);
		vtd_context_entry_set_P(context_of(&f, RID), 0);
		for (unsigned i = 0; i < 3; i++)
			assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SCT_2);
		vtd_context_entry_set_P(context_of(&f, RID), 1);
		pasid_entry_of(&f, RID, 5);
		for (unsigned i = 0; i < 3; i++)
			assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SPT_2);
		domain_attach(&first, RID, 5);
		domain_attach(&second, RID, 6);
		for (unsigned i = 0; i < 3; i++) {
			assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SFS_2);
			assert_faults(&f, RID, 6, 0x5000, UNIT_READ, SSS_2);
		}
		domain_map_first(&first, 0x5000, 0x77000, 1, FIRST_RWU);
		domain_map_second(&second, 0x5000, 0x77000, 1, SECOND_RW);
		assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
		assert_leads(&f, RID, 6, 0x5000, UNIT_READ, UINT64_C(0x77000));
		fixture_fini(&f);
	}
}

/* VT-d 6.1: with CM=1 what is not present may be kept: under domain 0 for PASID entries, never
 * for the first stage. */
static void test_cache_faults_are_cached_with_caching_mode(void **state)
{
	struct vtd_desc wrong = desc_pasid(VTD_PASID_CACHE_PASID, 1, 5);
	struct vtd_desc right = desc_pasid(VTD_PASID_CACHE_PASID, 0, 5);
	struct vtd_desc page = desc_iotlb(VTD_IOTLB_PAGE, 2, 0x5000, 0, true);
	struct vtd_desc context = desc_context(VTD_CONTEXT_DEVICE, 0, RID, 0);
	struct fixture f;
	struct domain first, second;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_ADVERSARIAL,
						   .cap_set = VTD_CAP_CM});
	domain_init(&first, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	domain_init(&second, &f, VTD_PGTT_SECOND_STAGE, 2, 0, 0);
	vtd_context_entry_set_P(context_of(&f, RID), 0);
	assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SCT_2);
	vtd_context_entry_set_P(context_of(&f, RID), 1);
	assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SCT_2);
	assert_true(queue_sync(&f, &context));

	pasid_entry_of(&f, RID, 5);
	assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SPT_2);
	domain_attach(&first, RID, 5);
	assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SPT_2);
	assert_true(queue_sync(&f, &wrong));
	assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SPT_2);
	assert_true(queue_sync(&f, &right));
	assert_faults(&f, RID, 5, 0x5000, UNIT_READ, SFS_2);
	domain_map_first(&first, 0x5000, 0x77000, 1, FIRST_RWU);
	assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));

	domain_attach(&second, RID, 6);
	assert_faults(&f, RID, 6, 0x5000, UNIT_READ, SSS_2);
	domain_map_second(&second, 0x5000, 0x77000, 1, SECOND_RW);
	clear_faults(&f);
	assert_faults(&f, RID, 6, 0x5000, UNIT_READ, SSS_2);
	expect_fault(&f, VTD_FAULT_SSS_2, RID, 6, 0x5000);
	assert_true(queue_sync(&f, &page));
	assert_leads(&f, RID, 6, 0x5000, UNIT_READ, UINT64_C(0x77000));
	fixture_fini(&f);
}

/* Two sizes at once: the staler one is served as long as nobody flushes it. */
static void test_cache_adversary_serves_the_stalest(void **state)
{
	struct vtd_desc flush = desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, 1, 5, 0x205000, 0, false);
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_ADVERSARIAL});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	domain_attach(&d, RID, 5);
	domain_map_first(&d, 0x200000, 0x40000000, 2, FIRST_RWU);
	assert_leads(&f, RID, 5, 0x203000, UNIT_READ, UINT64_C(0x40003000));
	*domain_first_entry(&d, 0x200000, 2) = 0;
	domain_map_first(&d, 0x205000, 0x77000, 1, FIRST_RWU);
	assert_leads(&f, RID, 5, 0x205000, UNIT_READ, UINT64_C(0x40005000));
	/* D was not set for the large page: this walk is new, but the next read is stale again */
	assert_leads(&f, RID, 5, 0x205000, UNIT_WRITE, UINT64_C(0x77000));
	assert_leads(&f, RID, 5, 0x205000, UNIT_READ, UINT64_C(0x40005000));
	assert_true(queue_sync(&f, &flush));
	assert_leads(&f, RID, 5, 0x205000, UNIT_READ, UINT64_C(0x77000));
	fixture_fini(&f);
}

/* Neighbours are translated ahead, but no A bit is set for them. */
static void test_cache_adversary_looks_ahead(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_ADVERSARIAL});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	domain_attach(&d, RID, 5);
	domain_map_first(&d, 0x4000, 0x76000, 1, FIRST_RWU);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	domain_map_first(&d, 0x6000, 0x78000, 1, FIRST_RWU | VTD_FS_PTE_A);
	assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
	assert_false(*domain_first_entry(&d, 0x4000, 1) & VTD_FS_PTE_A);
	*domain_first_entry(&d, 0x4000, 1) = 0x90000 | FIRST_RWU;
	*domain_first_entry(&d, 0x6000, 1) = 0x90000 | FIRST_RWU;
	assert_leads(&f, RID, 5, 0x4000, UNIT_READ, UINT64_C(0x90000));
	assert_leads(&f, RID, 5, 0x6000, UNIT_READ, UINT64_C(0x78000));
	/* not so for writes: D is not there */
	assert_leads(&f, RID, 5, 0x6000, UNIT_WRITE, UINT64_C(0x90000));
	fixture_fini(&f);
}

static void test_cache_statistics(void **state)
{
	struct unit_cache_stats s;
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU, .iotlb_entries = 100});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
	domain_attach(&d, RID, 5);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	for (unsigned i = 0; i < 5; i++)
		assert_leads(&f, RID, 5, 0x5000, UNIT_READ, UINT64_C(0x77000));
	unit_get_stats(f.unit, &s);
	assert_int_equal(s.iotlb_hits, 4);
	assert_int_equal(s.iotlb_misses, 1);
	assert_int_equal(s.walks, 1);
	assert_int_equal(s.iotlb_entries, 1);
	for (unsigned i = 0; i < 1000; i++) {
		domain_map_first(&d, 0x100000 + i * 0x1000u, 0x77000, 1, FIRST_RWU);
		assert_leads(&f, RID, 5, 0x100000 + i * 0x1000u, UNIT_READ, UINT64_C(0x77000));
	}
	unit_get_stats(f.unit, &s);
	assert_in_range(s.iotlb_entries, 128,
			128 * 7 / 4); /* rounded up, and room for collisions */
	assert_true(s.paging_cache_hits > 900);
	assert_true(s.pasid_cache_hits > 900);
	fixture_fini(&f);
}

/* A walk that began before an invalidation, of whatever cache, leaves nothing behind in any. */
static void test_cache_fill_of_a_passed_generation_is_dropped(void **state)
{
	struct unit_config config = {.policy = UNIT_CACHE_LRU};
	struct iotlb_page page = {.input = 0x5000, .output = 0x77000, .size_lg2 = 12};
	struct cache_tag tag = {.did = 1, .pasid = 5};
	struct paging_entry entry = {.first_stage = true, .level = 2, .did = 1, .pasid = 5};
	struct context_view context = {0};
	struct pasid_view pasid = {0};
	struct caches_locked lock;
	struct caches caches;
	uint64_t generation;

	(void)state;
	assert_int_equal(caches_init(&caches, &config, 64), 0);
	generation = caches_generation(&caches);
	lock = caches_lock_to_remove(&caches);
	/* not while what is to be removed can still be found */
	assert_int_equal(caches_generation(&caches), generation);
	caches_unlock(&lock);
	assert_int_not_equal(caches_generation(&caches), generation);
	for (unsigned round = 0; round < 2; round++) {
		cache_iotlb_fill(&caches, generation, RID, 5, &page, &tag);
		cache_paging_fill(&caches, generation, &entry, 1);
		cache_context_fill(&caches, generation, RID, &context);
		cache_pasid_fill(&caches, generation, RID, 5, &pasid);
		assert_int_equal(cache_count(&caches.iotlb), round);
		assert_int_equal(cache_count(&caches.first), round);
		assert_int_equal(cache_count(&caches.context), round);
		assert_int_equal(cache_count(&caches.pasid), round);
		generation = caches_generation(&caches);
	}
	caches_fini(&caches);
}

/* Races */

/*
 * A writer moves a page on, invalidates, waits, and then says which version is the oldest that may
 * be seen. Readers that begin after that must not see an older one: neither from a cache, nor from
 * a walk that began before the invalidation.
 */
enum race_move { MOVE_LEAF, MOVE_TABLE, MOVE_PASID_ENTRY, MOVE_ROOT };

struct race {
	struct fixture f;
	struct domain d[2];
	uint64_t *leaf[2]; /* of each domain */
	uint64_t upper[2]; /* level 3 entries of each domain, A set */
	uint64_t roots[2]; /* a root table for each domain */
	enum race_move move;
	uint64_t floor;
	bool stop;
	uint64_t reads, stale;
};

#define RACE_VERSIONS 200u

static uint64_t version_target(uint64_t version)
{
	return UINT64_C(0x100000000) + version * 4096;
}

static void *race_reader(void *arg)
{
	struct race *race = arg;
	struct unit_request r = {.rid = RID, .pasid = 5, .addr = 0x5000, .access = UNIT_READ};

	while (!__atomic_load_n(&race->stop, __ATOMIC_SEQ_CST)) {
		uint64_t floor = __atomic_load_n(&race->floor, __ATOMIC_SEQ_CST);
		struct unit_translation t;

		rcu_read_lock();
		unit_translate(race->f.unit, &r, &t);
		rcu_read_unlock();
		if (t.fault == VTD_FAULT_SPT_2) /* between clearing and writing the PASID entry */
			continue;
		if (t.fault || t.hpa.v < version_target(floor))
			__atomic_fetch_add(&race->stale, 1, __ATOMIC_SEQ_CST);
		__atomic_fetch_add(&race->reads, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void flush_race(struct race *race, bool pasid_cache)
{
	struct vtd_desc pasid = desc_pasid(VTD_PASID_CACHE_PASID, 1, 5);
	struct vtd_desc iotlb = desc_pasid_iotlb(VTD_PASID_IOTLB_PASID, 1, 5, 0, 0, false);
	struct vtd_desc page =
		desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, 1, 5, 0x5000, 0, race->move == MOVE_LEAF);

	if (pasid_cache)
		queue_put(&race->f, &pasid);
	assert_true(queue_sync(&race->f, race->move == MOVE_PASID_ENTRY ? &iotlb : &page));
}

/* VT-d 6.2.3.1 as Linux does it: clear P, invalidate, write the rest, P last */
static void replace_pasid_entry(struct race *race, const struct domain *d)
{
	uint64_t *q = (uint64_t *)pasid_entry_of(&race->f, RID, 5);
	struct vtd_pasid_entry e = domain_entry(d);

	__atomic_store_n(&q[0], q[0] & ~UINT64_C(1), __ATOMIC_RELEASE);
	flush_race(race, true);
	for (unsigned i = 7; i < 8; i--)
		__atomic_store_n(&q[i], e.q[i], __ATOMIC_RELEASE);
}

static void move_on(struct race *race, uint64_t version)
{
	uint64_t leaf = version_target(version) | FIRST_RWU | VTD_FS_PTE_A;
	unsigned other = version & 1;

	if (race->move == MOVE_LEAF)
		other = 0;
	__atomic_store_n(race->leaf[other], leaf, __ATOMIC_RELEASE);
	if (race->move == MOVE_TABLE)
		__atomic_store_n(domain_first_entry(&race->d[0], 0x5000, 3), race->upper[other],
				 __ATOMIC_RELEASE);
	if (race->move == MOVE_PASID_ENTRY)
		replace_pasid_entry(race, &race->d[other]);
	if (race->move == MOVE_ROOT) /* flushes by itself: CAP.ESRTPS */
		fixture_set_root(&race->f,
				 vtd_RTADDR_with_TTM(race->roots[other], VTD_TTM_SCALABLE));
	else
		flush_race(race, false);
}

/* A root table of its own for the second domain. */
static void make_roots(struct race *race)
{
	struct fixture *f = &race->f;

	race->roots[0] = f->root;
	race->roots[1] = f->root = fixture_page(f);
	domain_attach(&race->d[1], RID, 5);
	f->root = race->roots[0];
	domain_attach(&race->d[0], RID, 5);
}

static void run_race(enum unit_cache_policy policy, enum race_move move)
{
	struct race *race = calloc(1, sizeof(*race));
	pthread_t readers[2];

	race->move = move;
	fixture_init(&race->f, &(struct fixture_options){.policy = policy, .iotlb_entries = 64});
	for (unsigned i = 0; i < 2; i++) {
		domain_init(&race->d[i], &race->f, VTD_PGTT_FIRST_STAGE, 1, 0, 0);
		domain_map_first(&race->d[i], 0x5000, version_target(0), 1,
				 FIRST_RWU | VTD_FS_PTE_A);
		for (unsigned level = 2; level <= 4; level++)
			*domain_first_entry(&race->d[i], 0x5000, level) |= VTD_FS_PTE_A;
		race->leaf[i] = domain_first_entry(&race->d[i], 0x5000, 1);
		race->upper[i] = *domain_first_entry(&race->d[i], 0x5000, 3);
	}
	make_roots(race);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, race_reader, race), 0);
	for (uint64_t version = 1; version < RACE_VERSIONS; version++) {
		move_on(race, version);
		__atomic_store_n(&race->floor, version, __ATOMIC_SEQ_CST);
		if (version % 16 == 0)
			sched_yield();
	}
	while (!__atomic_load_n(&race->reads, __ATOMIC_SEQ_CST))
		sched_yield();
	__atomic_store_n(&race->stop, true, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_join(readers[i], NULL), 0);
	assert_int_equal(race->stale, 0);
	fixture_fini(&race->f);
	free(race);
}

static void test_cache_no_fill_outlives_an_invalidation(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++)
		run_race((enum unit_cache_policy)policy, MOVE_LEAF);
}

static void test_cache_no_structure_outlives_an_invalidation(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++)
		run_race((enum unit_cache_policy)policy, MOVE_TABLE);
}

static void test_cache_no_pasid_entry_outlives_an_invalidation(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++)
		run_race((enum unit_cache_policy)policy, MOVE_PASID_ENTRY);
}

static void test_cache_nothing_outlives_a_new_root(void **state)
{
	(void)state;
	for (unsigned policy = 0; policy < 4; policy++)
		run_race((enum unit_cache_policy)policy, MOVE_ROOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_scope_of_iotlb_descriptor),
		cmocka_unit_test(test_cache_scope_of_pasid_iotlb_descriptor),
		cmocka_unit_test(test_cache_scope_of_others),
		cmocka_unit_test(test_cache_scope_of_commands),
		cmocka_unit_test(test_cache_structures_obey_ih),
		cmocka_unit_test(test_cache_scope_of_pasid_cache_descriptor),
		cmocka_unit_test(test_cache_pasid_cache_of_rid_pasid),
		cmocka_unit_test(test_cache_context_change_needs_pasid_cache_flush),
		cmocka_unit_test(test_cache_scope_of_context_descriptor),
		cmocka_unit_test(test_cache_write_after_cached_read_is_reported),
		cmocka_unit_test(test_cache_write_after_cached_read_sets_dirty),
		cmocka_unit_test(test_cache_checks_what_the_tables_say),
		cmocka_unit_test(test_cache_faults_are_not_cached_without_caching_mode),
		cmocka_unit_test(test_cache_faults_are_cached_with_caching_mode),
		cmocka_unit_test(test_cache_adversary_serves_the_stalest),
		cmocka_unit_test(test_cache_adversary_looks_ahead),
		cmocka_unit_test(test_cache_statistics),
		cmocka_unit_test(test_cache_fill_of_a_passed_generation_is_dropped),
		cmocka_unit_test(test_cache_no_fill_outlives_an_invalidation),
		cmocka_unit_test(test_cache_no_structure_outlives_an_invalidation),
		cmocka_unit_test(test_cache_no_pasid_entry_outlives_an_invalidation),
		cmocka_unit_test(test_cache_nothing_outlives_a_new_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
