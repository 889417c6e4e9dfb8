// SPDX-License-Identifier: MIT
/* Root, context, PASID directory and entry: every fault, FPD, torn entries, tables where no
 * table should be. */
#include "fixture.h"

#include <pthread.h>
#include <string.h>

#include "hw/memory.h"
#include "vtd/registers.h"

#define PASID  5u
#define ABSENT (UINT64_C(1) << 45) /* inside HAW, no memory there */

struct world {
	struct fixture f;
	struct domain d;
	struct vtd_context_entry *context;
	struct vtd_pasid_entry *entry;
	uint64_t *root, *dir;
};

static void world_init(struct world *w, const struct fixture_options *options)
{
	fixture_init(&w->f, options);
	domain_init(&w->d, &w->f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&w->d, RID, PASID);
	domain_attach(&w->d, RID, NO_PASID);
	domain_map_first(&w->d, 0x5000, 0x77000, 1, FIRST_RWU);
	w->root = fixture_ptr(&w->f, w->f.root + 16u * vtd_root_index(RID));
	w->context = context_of(&w->f, RID);
	w->dir = pasid_dir_of(&w->f, RID, PASID);
	w->entry = pasid_entry_of(&w->f, RID, PASID);
}

static void check_faults(struct world *w, uint32_t pasid, enum vtd_fault reason)
{
	struct unit_translation t = translate(&w->f, RID, pasid, 0x5000, UNIT_READ);

	assert_int_equal(t.fault, reason);
	assert_int_equal(t.response, VTD_RESP_UR);
	expect_fault(&w->f, reason, RID, pasid, 0x5000);
}

static void test_tables_root(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	w.root[0] |= 0x800;
	check_faults(&w, PASID, VTD_FAULT_SRT_3);
	w.root[0] &= ~UINT64_C(0x801);
	check_faults(&w, PASID, VTD_FAULT_SRT_2);
	w.root[0] = ABSENT | 1;
	check_faults(&w, PASID, VTD_FAULT_SCT_1);
	w.root[0] = (UINT64_C(1) << PHYSMEM_HAW) | 1;
	check_faults(&w, PASID, VTD_FAULT_SRT_3);
	/* the other half is its own affair: devfn 0x80 and above */
	w.root[0] = UINT64_MAX;
	domain_attach(&w.d, rid(0x0390), PASID);
	assert_leads(&w.f, rid(0x0390), PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	fixture_set_root(&w.f, vtd_RTADDR_with_TTM(ABSENT, VTD_TTM_SCALABLE));
	check_faults(&w, PASID, VTD_FAULT_SRT_1);
	fixture_fini(&w.f);
}

static void test_tables_mode(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	fixture_set_root(&w.f, vtd_RTADDR_with_TTM(w.f.root, VTD_TTM_RESERVED));
	check_faults(&w, PASID, VTD_FAULT_RTA_1);
	assert_int_equal(ats_translate(&w.f, RID, PASID, 0x5000, UNIT_READ).response, VTD_RESP_CA);
	clear_faults(&w.f);
	fixture_set_root(&w.f, vtd_RTADDR_with_TTM(w.f.root, VTD_TTM_ABORT_DMA));
	check_faults(&w, PASID, VTD_FAULT_RTA_1);
	fixture_set_root(&w.f, vtd_RTADDR_with_TTM(w.f.root, VTD_TTM_LEGACY));
	check_faults(&w, PASID, VTD_FAULT_RTA_2);
	fixture_fini(&w.f);
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER,
						 .ecap_set = VTD_ECAP_ADMS});
	fixture_set_root(&w.f, vtd_RTADDR_with_TTM(w.f.root, VTD_TTM_ABORT_DMA));
	check_faults(&w, PASID, VTD_FAULT_RTA_4);
	fixture_fini(&w.f);
}

static void test_tables_context(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	w.context->q[2] = 1;
	check_faults(&w, PASID, VTD_FAULT_SCT_3);
	vtd_context_entry_set_P(w.context, 0);
	check_faults(&w, PASID, VTD_FAULT_SCT_2);
	vtd_context_entry_set_P(w.context, 1);
	w.context->q[2] = 0;
	vtd_context_entry_set_DTE(w.context, 0);
	check_faults(&w, PASID, VTD_FAULT_SCT_4); /* PRE without DTE */
	vtd_context_entry_set_DTE(w.context, 1);
	vtd_context_entry_set_RID_PASID(w.context, vtd_pasid_end(2));
	check_faults(&w, PASID, VTD_FAULT_SCT_4);
	vtd_context_entry_set_RID_PASID(w.context, PASID);
	check_faults(&w, PASID, VTD_FAULT_SCT_9);
	vtd_context_entry_set_RID_PASID(w.context, 0);
	check_faults(&w, vtd_pasid_end(2), VTD_FAULT_SCT_7);
	vtd_context_entry_set_PASIDE(w.context, 0);
	check_faults(&w, PASID, VTD_FAULT_SCT_6);
	assert_leads(&w.f, RID, NO_PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	fixture_fini(&w.f);
}

/* A PASID of more than 20 bits is nobody's, and not that of its lower 20 bits. */
static void test_tables_pasid_too_wide(void **state)
{
	struct world w;

	(void)state;
	for (unsigned policy = 0; policy < 4; policy++) {
		world_init(&w, &(struct fixture_options){.policy = (enum unit_cache_policy)policy});
		assert_leads(&w.f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
		assert_faults(&w.f, RID, PASID | 1u << 20, 0x5000, UNIT_READ, SGN_10);
		fixture_fini(&w.f);
	}
}

static void test_tables_pasid_directory(void **state)
{
	struct world w;
	uint64_t kept;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	kept = *w.dir;
	*w.dir = kept | 4;
	check_faults(&w, PASID, VTD_FAULT_SPD_3);
	*w.dir = kept & ~UINT64_C(1);
	check_faults(&w, PASID, VTD_FAULT_SPD_2);
	assert_int_equal(ats_translate(&w.f, RID, PASID, 0x5000, UNIT_READ).response, VTD_RESP_S0);
	expect_no_fault(&w.f);
	*w.dir = ABSENT | 1;
	check_faults(&w, PASID, VTD_FAULT_SPT_1);
	vtd_context_entry_set_PASIDDIRPTR(w.context, ABSENT);
	check_faults(&w, PASID, VTD_FAULT_SPD_1);
	fixture_fini(&w.f);
}

static void test_tables_pasid_entry(void **state)
{
	struct vtd_pasid_entry good;
	struct world w;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	good = *w.entry;
	w.entry->q[7] = 1;
	check_faults(&w, PASID, VTD_FAULT_SPT_3);
	vtd_pasid_entry_set_P(w.entry, 0);
	check_faults(&w, PASID, VTD_FAULT_SPT_2);
	for (unsigned pgtt = 0; pgtt < 8; pgtt++) {
		if (pgtt >= VTD_PGTT_FIRST_STAGE && pgtt <= VTD_PGTT_PASS_THROUGH)
			continue;
		*w.entry = good;
		vtd_pasid_entry_set_PGTT(w.entry, pgtt);
		check_faults(&w, PASID, VTD_FAULT_SPT_4);
	}
	*w.entry = good;
	vtd_pasid_entry_set_FSPM(w.entry, 2);
	check_faults(&w, PASID, VTD_FAULT_SPT_4);
	*w.entry = good;
	vtd_pasid_entry_set_PGTT(w.entry, VTD_PGTT_SECOND_STAGE);
	check_faults(&w, PASID, VTD_FAULT_SPT_4); /* AW 0 */
	*w.entry = good;
	vtd_pasid_entry_set_SSPTPTR(w.entry, ABSENT); /* ignored */
	vtd_pasid_entry_set_AW(w.entry, 7);
	assert_leads(&w.f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	fixture_fini(&w.f);
}

/* What the unit does not offer is a reserved bit or an invalid value. */
static void test_tables_without_capabilities(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER,
						 .cap_clear = VTD_CAP_FS5LP | VTD_CAP_FS1GP,
						 .ecap_clear = VTD_ECAP_EAFS | VTD_ECAP_SC |
							       VTD_ECAP_NEST | VTD_ECAP_PT});
	w.d.eafe = true;
	domain_attach(&w.d, RID, PASID);
	check_faults(&w, PASID, VTD_FAULT_SPT_3);
	w.d.eafe = false;
	domain_attach(&w.d, RID, PASID);
	vtd_pasid_entry_set_PGSNP(w.entry, 1);
	check_faults(&w, PASID, VTD_FAULT_SPT_3);
	vtd_pasid_entry_set_PGSNP(w.entry, 0);
	vtd_pasid_entry_set_FSPM(w.entry, VTD_FSPM_5_LEVEL);
	check_faults(&w, PASID, VTD_FAULT_SPT_4);
	domain_attach(&w.d, RID, PASID);
	vtd_pasid_entry_set_PGTT(w.entry, VTD_PGTT_PASS_THROUGH);
	check_faults(&w, PASID, VTD_FAULT_SPT_4);
	domain_attach(&w.d, RID, PASID);
	domain_map_first(&w.d, 0x40000000, 0x80000000, 3, FIRST_RWU);
	assert_faults(&w.f, RID, PASID, 0x40000000, UNIT_READ, SFS_3);
	fixture_fini(&w.f);
}

/* FPD of any entry on the way silences qualified faults, also where P=0; others are always told. */
static void test_tables_fault_processing_disable(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	vtd_pasid_entry_set_FPD(w.entry, 1);
	assert_faults(&w.f, RID, PASID, 0x9000, UNIT_READ, SFS_2);
	expect_no_fault(&w.f);
	assert_faults(&w.f, RID, PASID, 0x9000, UNIT_READ, SFS_2); /* by the cached entry too */
	expect_no_fault(&w.f);
	fixture_fini(&w.f);

	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	vtd_pasid_entry_set_FPD(w.entry, 1);
	vtd_pasid_entry_set_P(w.entry, 0);
	assert_faults(&w.f, RID, PASID, 0x5000, UNIT_READ, SPT_2);
	expect_no_fault(&w.f);
	vtd_pasid_entry_set_FPD(w.entry, 0);
	*w.dir |= 2;
	assert_faults(&w.f, RID, PASID, 0x5000, UNIT_READ, SPT_2);
	expect_no_fault(&w.f);
	*w.dir &= ~UINT64_C(3);
	check_faults(&w, PASID, VTD_FAULT_SPD_2);
	vtd_context_entry_set_FPD(w.context, 1);
	assert_faults(&w.f, RID, PASID, 0x5000, UNIT_READ, SPD_2);
	assert_faults(&w.f, RID, 1u << 19, 0x5000, UNIT_READ, SCT_7);
	expect_no_fault(&w.f);
	*w.dir = ABSENT | 1;
	check_faults(&w, PASID, VTD_FAULT_SPT_1); /* not qualified */
	fixture_fini(&w.f);
}

/* A cached PASID entry must not lend its FPD to a fault of the context entry. */
static void test_tables_fault_processing_disable_of_cached_entry(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	vtd_context_entry_set_DTE(w.context, 0);
	vtd_context_entry_set_PRE(w.context, 0);
	vtd_pasid_entry_set_FPD(w.entry, 1);
	assert_leads(&w.f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	assert_int_equal(ats_translate(&w.f, RID, PASID, 0x5000, UNIT_READ).fault, VTD_FAULT_SCT_5);
	expect_fault(&w.f, VTD_FAULT_SCT_5, RID, PASID, 0x5000);
	fixture_fini(&w.f);
}

/* Recording: the records fill up, then PFO, and software reads on from where it was. */
static void test_tables_fault_overflow(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	for (unsigned i = 0; i < 10; i++)
		assert_faults(&w.f, RID, PASID, 0x9000 + i * 0x1000u, UNIT_READ, SFS_2);
	assert_true(reg32(&w.f, VTD_REG_FSTS) & VTD_FSTS_PFO);
	assert_int_equal(w.f.fault_msis, 1);
	for (unsigned i = 0; i < 8; i++) {
		struct vtd_fault_record r = take_fault(&w.f, i);

		assert_true(vtd_fault_record_F(&r));
		assert_int_equal(vtd_fault_record_FI(&r), 0x9000 + i * 0x1000u);
		assert_int_equal(vtd_fault_record_access(&r), VTD_ACCESS_READ);
	}
	set32(&w.f, VTD_REG_FSTS, (uint32_t)VTD_FSTS_PFO);
	assert_faults(&w.f, RID, PASID, 0x9000, UNIT_READ, SFS_2);
	expect_fault(&w.f, VTD_FAULT_SFS_2, RID, PASID, 0x9000);
	assert_int_equal(w.f.fault_msis, 2);
	fixture_fini(&w.f);
}

/* Tables of any content */

/* The root table is its own context table, directory, PASID table and page table. */
static void test_tables_aliasing(void **state)
{
	struct fixture f;
	uint64_t *q;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_ADVERSARIAL});
	q = fixture_ptr(&f, f.root);
	for (unsigned pattern = 0; pattern < 64; pattern++) {
		for (unsigned i = 0; i < 512; i++)
			q[i] = f.root | ((uint64_t)pattern * 0x41 & 0xfff) | 1;
		fixture_set_root(&f, vtd_RTADDR_with_TTM(f.root, pattern & 1 ? VTD_TTM_LEGACY
									     : VTD_TTM_SCALABLE));
		for (unsigned i = 0; i < 64; i++) {
			translate(&f, rid((uint16_t)(i * 1021)), i & 1 ? i : NO_PASID,
				  (uint64_t)i << 40 | i << 12, UNIT_ATOMIC);
			ats_translate(&f, rid((uint16_t)(i * 1021)), i & 1 ? i : NO_PASID,
				      (uint64_t)i << 40 | i << 12, UNIT_WRITE);
		}
	}
	fixture_fini(&f);
}

/* A table whose last entry is the last word of memory; the next page is not there. */
static void test_tables_at_the_end_of_memory(void **state)
{
	static uint64_t end[512] __attribute__((aligned(4096)));
	struct world w;
	hpa_t base;

	(void)state;
	world_init(&w, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	memset(end, 0, sizeof(end));
	assert_int_equal(physmem_add(w.f.pm, end, sizeof(end), true, &base), 0);
	*domain_first_entry(&w.d, 0x5000, 2) = base.v | FIRST_RWU;
	end[511] = 0x78000 | FIRST_RWU;
	assert_leads(&w.f, RID, PASID, 0x1ff000, UNIT_WRITE, UINT64_C(0x78000));
	*domain_first_entry(&w.d, 0x5000, 2) = (base.v + 4096) | FIRST_RWU;
	assert_faults(&w.f, RID, PASID, 0x5000, UNIT_READ, SFS_1);
	/* PASID table there: entry 63 ends with memory */
	memcpy(&end[504], w.entry, sizeof(*w.entry));
	*pasid_dir_of(&w.f, RID, 64) = base.v | 1;
	*domain_first_entry(&w.d, 0x5000, 2) = 0;
	domain_map_first(&w.d, 0x5000, 0x77000, 1, FIRST_RWU);
	assert_leads(&w.f, RID, 127, 0x5000, UNIT_READ, UINT64_C(0x77000));
	*pasid_dir_of(&w.f, RID, 64) = (base.v + 4096) | 1;
	assert_faults(&w.f, RID, 64, 0x5000, UNIT_READ, SPT_1);
	assert_int_equal(physmem_remove(w.f.pm, base), 0);
	rcu_synchronize();
	fixture_fini(&w.f);
}

/* Random words everywhere, random requests: whatever comes out, nothing is touched that is not
 * memory. */
static void test_tables_random_content(void **state)
{
	uint64_t seed = 88172645463325252u, tables[16];
	struct fixture f;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_RANDOM, .seed = 7});
	for (unsigned i = 0; i < 16; i++)
		tables[i] = i ? fixture_page(&f) : f.root;
	for (unsigned n = 0; n < 20000; n++) {
		uint64_t *q = fixture_ptr(&f, tables[n % 16]);
		uint64_t word;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		word = tables[seed % 16] | (seed & 0xfff);
		if (seed >> 60 == 0)
			word = seed;
		q[(seed >> 20) % 512] = word;
		translate(&f, rid((uint16_t)(seed >> 30)),
			  seed & 1 ? NO_PASID : (uint32_t)(seed & 63), seed >> 17, UNIT_ATOMIC);
		if (n % 500 == 0)
			fixture_set_root(&f, vtd_RTADDR_with_TTM(f.root, n / 500 & 3));
	}
	fixture_fini(&f);
}

/* Torn entries */

#if defined(__x86_64__)
/* What software does that changes 16 bytes at once (cmpxchg16b). */
static void store_pair(uint64_t *pair, uint64_t low, uint64_t high)
{
	uint64_t old_low = pair[0], old_high = pair[1];
	bool done;

	do
		__asm__ volatile("lock cmpxchg16b %1"
				 : "=@ccz"(done), "+m"(*(uint64_t(*)[2])pair), "+a"(old_low),
				   "+d"(old_high)
				 : "b"(low), "c"(high)
				 : "memory");
	while (!done);
}

struct tearing {
	uint64_t *pair;
	bool stop;
};

static void *tear(void *arg)
{
	struct tearing *t = arg;

	for (uint64_t n = 0; !__atomic_load_n(&t->stop, __ATOMIC_RELAXED); n++)
		store_pair(t->pair, n, ~n);
	return NULL;
}

/* CVE-2026-45944, torn 128-bit context entry: 16 bytes that software changes at once are read
 * so. */
static void test_tables_pairs_are_not_torn(void **state)
{
	struct memory_near near = {0};
	struct tearing t = {0};
	struct fixture f;
	pthread_t thread;
	uint64_t page, last = 0, pair[2] = {0};
	unsigned torn = 0, changes = 0;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	page = fixture_page(&f);
	t.pair = fixture_ptr(&f, page);
	store_pair(t.pair, 0, ~UINT64_C(0));
	assert_int_equal(pthread_create(&thread, NULL, tear, &t), 0);
	rcu_read_lock();
	/* long enough to have met the writer at work, however the two are scheduled */
	for (unsigned i = 0; i < 100000000 && changes < 50000; i++) {
		memory_read_pair_near(f.pm, &near, page, pair);
		torn += pair[0] != ~pair[1];
		changes += pair[0] != last;
		last = pair[0];
	}
	rcu_read_unlock();
	__atomic_store_n(&t.stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(torn, 0);
	fixture_fini(&f);
}

/*
 * SSPTPTR and DID change in one 16-byte write (VT-d 6.2.3.1), here between two domains: no reader
 * sees one domain's tables under the other's id. Under the wrong id the flush below would miss it.
 */
struct swapping {
	struct fixture *f;
	bool stop;
	uint64_t wrong;
};

static void *read_swapped(void *arg)
{
	struct swapping *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		struct unit_translation t = translate(s->f, RID, 6, 0x5000, UNIT_READ);

		if (t.fault || (t.hpa.v != 0x77000 && t.hpa.v != 0x88000))
			__atomic_fetch_add(&s->wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void test_tables_pasid_entry_is_not_torn(void **state)
{
	struct vtd_desc pasid = desc_pasid(VTD_PASID_CACHE_GLOBAL, 0, 0);
	struct vtd_desc flush_a = desc_iotlb(VTD_IOTLB_DOMAIN, 8, 0, 0, false);
	struct vtd_desc flush_b = desc_iotlb(VTD_IOTLB_DOMAIN, 9, 0, 0, false);
	struct vtd_pasid_entry a, b;
	struct swapping s = {0};
	struct fixture f;
	struct domain da, db;
	pthread_t thread;
	uint64_t *q;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_ADVERSARIAL});
	domain_init(&da, &f, VTD_PGTT_SECOND_STAGE, 8, 0, 0);
	domain_init(&db, &f, VTD_PGTT_SECOND_STAGE, 9, 0, 0);
	domain_map_second(&da, 0x5000, 0x77000, 1, SECOND_RW);
	domain_map_second(&db, 0x5000, 0x88000, 1, SECOND_RW);
	domain_attach(&da, RID, 6);
	a = domain_entry(&da);
	b = domain_entry(&db);
	q = (uint64_t *)pasid_entry_of(&f, RID, 6);
	s.f = &f;
	assert_int_equal(pthread_create(&thread, NULL, read_swapped, &s), 0);
	for (unsigned i = 0; i < 1000; i++) {
		store_pair(q, b.q[0], b.q[1]);
		queue_put(&f, &pasid);
		assert_true(queue_sync(&f, &flush_a));
		/* whatever is still found for a was cached under b's id */
		assert_leads(&f, RID, 6, 0x5000, UNIT_READ, UINT64_C(0x88000));
		store_pair(q, a.q[0], a.q[1]);
		queue_put(&f, &pasid);
		assert_true(queue_sync(&f, &flush_b));
		assert_leads(&f, RID, 6, 0x5000, UNIT_READ, UINT64_C(0x77000));
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.wrong, 0);
	fixture_fini(&f);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_root),
		cmocka_unit_test(test_tables_mode),
		cmocka_unit_test(test_tables_context),
		cmocka_unit_test(test_tables_pasid_too_wide),
		cmocka_unit_test(test_tables_pasid_directory),
		cmocka_unit_test(test_tables_pasid_entry),
		cmocka_unit_test(test_tables_without_capabilities),
		cmocka_unit_test(test_tables_fault_processing_disable),
		cmocka_unit_test(test_tables_fault_processing_disable_of_cached_entry),
		cmocka_unit_test(test_tables_fault_overflow),
		cmocka_unit_test(test_tables_aliasing),
		cmocka_unit_test(test_tables_at_the_end_of_memory),
		cmocka_unit_test(test_tables_random_content),
#if defined(__x86_64__)
		cmocka_unit_test(test_tables_pairs_are_not_torn),
		cmocka_unit_test(test_tables_pasid_entry_is_not_torn),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
