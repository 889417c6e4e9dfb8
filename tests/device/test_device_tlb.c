// SPDX-License-Identifier: MIT
#include "unit.h"

#include <pthread.h>

#include "hw/device/device_tlb.h"

#define RW  (VSVA_PROT_READ | VSVA_PROT_WRITE)
#define GIB UINT64_C(0x40000000)
#define MIB UINT64_C(0x100000)

static struct device_tlb *tlb;

static int setup(void **state)
{
	(void)state;
	tlb = device_tlb_create();
	return tlb ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	device_tlb_destroy(tlb);
	return 0;
}

static struct device_tlb_tag tag_of(uint32_t pasid, uint64_t addr)
{
	return (struct device_tlb_tag){.pasid = pasid, .addr = addr};
}

static void insert(uint32_t pasid, uint64_t addr, uint64_t to, uint8_t page_lg2, uint8_t rights)
{
	struct device_tlb_tag tag = tag_of(pasid, addr);
	struct device_tlb_entry entry = {.hpa = hpa(to), .page_lg2 = page_lg2, .rights = rights};

	assert_true(device_tlb_insert(tlb, &tag, &entry, device_tlb_generation(tlb)));
}

static bool lookup(uint32_t pasid, uint64_t addr, uint8_t rights, struct device_tlb_entry *out)
{
	rcu_read_lock();
	*out = device_tlb_lookup(tlb, tag_of(pasid, addr), rights);
	rcu_read_unlock();
	return out->page_lg2 != 0;
}

static bool is_cached(uint32_t pasid, uint64_t addr)
{
	struct device_tlb_entry entry;

	return lookup(pasid, addr, 0, &entry);
}

static void test_hit_and_miss(void **state)
{
	struct device_tlb_entry entry;

	(void)state;
	assert_false(is_cached(1, 0x1000));
	insert(1, 0x1234, 0x105234, 12, RW);
	assert_true(lookup(1, 0x1ffc, RW, &entry));
	assert_int_equal(entry.hpa.v, 0x105ffc);
	assert_int_equal(entry.page_lg2, 12);
	assert_false(is_cached(1, 0x2000));
	assert_false(is_cached(2, 0x1000));
	assert_false(is_cached(VSVA_PASID_INVALID, 0x1000));
	assert_int_equal(device_tlb_count(tlb), 1);
}

static void test_rights(void **state)
{
	struct device_tlb_entry entry;

	(void)state;
	insert(1, 0x1000, 0x5000, 12, VSVA_PROT_READ);
	assert_true(lookup(1, 0x1000, VSVA_PROT_READ, &entry));
	assert_false(lookup(1, 0x1000, VSVA_PROT_WRITE, &entry));
	assert_false(lookup(1, 0x1000, RW, &entry));
	/* the same tag is replaced, not doubled */
	insert(1, 0x1000, 0x6000, 12, RW);
	assert_true(lookup(1, 0x1000, RW, &entry));
	assert_int_equal(entry.hpa.v, 0x6000);
	assert_int_equal(device_tlb_count(tlb), 1);
}

static void test_privilege_is_part_of_the_tag(void **state)
{
	struct device_tlb_tag tag = {.pasid = 1, .privileged = true, .addr = 0x1000};
	struct device_tlb_entry entry = {.hpa = hpa(0x5000), .page_lg2 = 12, .rights = RW};

	(void)state;
	assert_true(device_tlb_insert(tlb, &tag, &entry, device_tlb_generation(tlb)));
	assert_false(is_cached(1, 0x1000));
	rcu_read_lock();
	assert_int_equal(device_tlb_lookup(tlb, tag, RW).page_lg2, 12);
	rcu_read_unlock();
}

static void test_page_sizes(void **state)
{
	struct device_tlb_entry entry;

	(void)state;
	insert(1, 5 * MIB, 0x80000000 + MIB, 21, RW);
	assert_true(lookup(1, 4 * MIB, RW, &entry));
	assert_int_equal(entry.hpa.v, 0x80000000);
	assert_true(lookup(1, 6 * MIB - 1, RW, &entry));
	assert_false(is_cached(1, 6 * MIB));
	insert(1, 3 * GIB + 5, 7 * GIB + 5, 30, RW);
	assert_true(lookup(1, 4 * GIB - 1, RW, &entry));
	assert_int_equal(entry.hpa.v, 8 * GIB - 1);
	/* other sizes are kept as the class that fits */
	insert(2, 0x13000, 0x99000, 16, RW);
	assert_true(is_cached(2, 0x13fff));
	assert_false(is_cached(2, 0x14000));
	insert(2, 5 * GIB, 5 * GIB, 48, RW);
	assert_true(is_cached(2, 6 * GIB - 1));
	assert_false(is_cached(2, 6 * GIB));
}

static uint64_t run_from(uint64_t addr, uint8_t rights, uint64_t to, uint64_t len)
{
	uint64_t run;

	rcu_read_lock();
	run = device_tlb_find_run(tlb, tag_of(1, addr), rights, hpa(to), len);
	rcu_read_unlock();
	return run;
}

/* Pages that lie one behind the other in host memory, too, whatever their sizes. */
static void test_run(void **state)
{
	(void)state;
	for (uint64_t page = 0x1000; page < 0x5000; page += 0x1000)
		insert(1, page, 0x900000 + page, 12, RW);
	assert_int_equal(run_from(0x1000, RW, 0x901000, 0x10000), 0x4000);
	assert_int_equal(run_from(0x1000, RW, 0x901000, 0x1801), 0x1801);
	assert_int_equal(run_from(0x1000, RW, 0x902000, 0x1000), 0);
	assert_int_equal(run_from(0x5000, RW, 0x905000, 0x1000), 0);
	insert(1, 0x4000, 0x999000, 12, RW);
	assert_int_equal(run_from(0x1000, RW, 0x901000, 0x10000), 0x3000);
	insert(1, 0x3000, 0x903000, 12, VSVA_PROT_READ);
	assert_int_equal(run_from(0x1000, RW, 0x901000, 0x10000), 0x2000);
	assert_int_equal(run_from(0x1000, VSVA_PROT_READ, 0x901000, 0x10000), 0x3000);
	insert(1, 2 * MIB - 0x1000, GIB - 0x1000, 12, RW);
	insert(1, 2 * MIB, GIB, 21, RW);
	insert(1, 4 * MIB, GIB + 2 * MIB, 12, RW);
	assert_int_equal(run_from(2 * MIB - 0x1000, RW, GIB - 0x1000, 0x10000), 0x10000);
	assert_int_equal(run_from(4 * MIB - 0x1000, RW, GIB + 2 * MIB - 0x1000, 0x10000), 0x2000);
	insert(1, 8 * MIB - 0x1000, 0x5ff000, 12, RW);
	insert(1, 8 * MIB, GIB, 21, RW);
	assert_int_equal(run_from(8 * MIB - 0x1000, RW, 0x5ff000, 0x10000), 0x1000);
	/* the end of all addresses */
	insert(1, UINT64_MAX - 0xfff, 0x903000, 12, RW);
	assert_int_equal(run_from(UINT64_MAX - 0xfff, RW, 0x903000, 0x10000), 0x1000);
}

static void fill_for_scope(void)
{
	insert(VSVA_PASID_INVALID, 0x1000, 0x1000, 12, RW);
	insert(1, 0x1000, 0x1000, 12, RW);
	insert(1, 0x2000, 0x1000, 12, RW);
	insert(2, 0x1000, 0x1000, 12, RW);
	insert(1, 4 * MIB, 0, 21, RW);
	insert(1, UINT64_C(0xffff800000000000), 0, 12, RW);
	assert_int_equal(device_tlb_count(tlb), 6);
}

static unsigned left_after(struct ats_invalidation scope)
{
	device_tlb_flush(tlb);
	fill_for_scope();
	device_tlb_invalidate(tlb, &scope);
	return device_tlb_count(tlb);
}

static void test_invalidation_scope(void **state)
{
	(void)state;
	/* one page of one PASID */
	assert_int_equal(left_after((struct ats_invalidation){true, false, 1, 0x1000, 12}), 5);
	assert_false(is_cached(1, 0x1000));
	assert_true(is_cached(2, 0x1000));
	assert_true(is_cached(VSVA_PASID_INVALID, 0x1000));
	/* the address need not be aligned to the size */
	assert_int_equal(left_after((struct ats_invalidation){true, false, 1, 0x1fff, 12}), 5);
	/* two pages; the block 0x2000-0x3fff */
	assert_int_equal(left_after((struct ats_invalidation){true, false, 1, 0x3000, 13}), 5);
	assert_false(is_cached(1, 0x2000));
	/* everything of one PASID */
	assert_int_equal(left_after((struct ats_invalidation){true, false, 1, 0, 64}), 2);
	/* the upper half only */
	assert_int_equal(
		left_after((struct ats_invalidation){true, false, 1, UINT64_C(1) << 63, 63}), 5);
	assert_false(is_cached(1, UINT64_C(0xffff800000000000)));
	/* a page inside a larger one takes the larger one */
	assert_int_equal(
		left_after((struct ats_invalidation){true, false, 1, 4 * MIB + 0x5000, 12}), 5);
	assert_false(is_cached(1, 4 * MIB));
	/* all PASIDs: not the requests without */
	assert_int_equal(left_after((struct ats_invalidation){true, true, 0, 0x1000, 12}), 4);
	assert_int_equal(left_after((struct ats_invalidation){true, true, 0, 0, 64}), 1);
	assert_true(is_cached(VSVA_PASID_INVALID, 0x1000));
	/* without PASID: only those */
	assert_int_equal(left_after((struct ats_invalidation){false, false, 0, 0, 64}), 5);
	assert_false(is_cached(VSVA_PASID_INVALID, 0x1000));
	/* nothing there */
	assert_int_equal(left_after((struct ats_invalidation){true, false, 3, 0, 64}), 6);
}

static void test_fill_that_began_before_an_invalidation(void **state)
{
	struct ats_invalidation scope = {true, false, 9, 0x777000, 12};
	struct device_tlb_tag tag = tag_of(1, 0x1000);
	struct device_tlb_entry entry = {.hpa = hpa(0x5000), .page_lg2 = 12, .rights = RW};
	uint64_t generation = device_tlb_generation(tlb);

	(void)state;
	device_tlb_invalidate(tlb, &scope);
	assert_false(device_tlb_insert(tlb, &tag, &entry, generation));
	assert_false(is_cached(1, 0x1000));
	generation = device_tlb_generation(tlb);
	device_tlb_flush(tlb);
	assert_false(device_tlb_insert(tlb, &tag, &entry, generation));
	assert_true(device_tlb_insert(tlb, &tag, &entry, device_tlb_generation(tlb)));
	assert_true(is_cached(1, 0x1000));
}

static void test_more_than_fits(void **state)
{
	struct device_tlb_entry entry;

	(void)state;
	for (uint64_t page = 0; page < 10000; page++) {
		insert(1, page << 12, page << 12 | UINT64_C(1) << 40, 12, RW);
		assert_true(lookup(1, page << 12, RW, &entry));
	}
	assert_in_range(device_tlb_count(tlb), 2048, 4096);
	for (uint64_t page = 0; page < 10000; page++)
		if (lookup(1, page << 12, RW, &entry))
			assert_int_equal(entry.hpa.v, page << 12 | UINT64_C(1) << 40);
}

/* All in the same few sets: it is the tag that tells them apart. */
static void test_many_spaces_with_the_same_address(void **state)
{
	struct device_tlb_entry entry;

	(void)state;
	for (uint32_t pasid = 0; pasid < 20000; pasid++)
		insert(pasid, 0x1000, (uint64_t)pasid << 12, 12, RW);
	for (uint32_t pasid = 0; pasid < 20000; pasid++)
		if (lookup(pasid, 0x1000, RW, &entry))
			assert_int_equal(entry.hpa.v, (uint64_t)pasid << 12);
}

/*
 * The race that the generation is for. The "page table" is one number; its owner changes it, then
 * invalidates, and from then on nobody who looks may find the old one.
 */
static uint64_t table = 0x1000;   /* atomic */
static uint64_t settled = 0x1000; /* atomic: everything before is invalidated */
static bool stop;                 /* atomic */

static void *filler(void *arg)
{
	struct device_tlb_tag tag = tag_of(1, 0x1000);

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		uint64_t generation = device_tlb_generation(tlb), floor;
		struct device_tlb_entry entry;

		rcu_read_lock();
		floor = __atomic_load_n(&settled, __ATOMIC_SEQ_CST);
		entry = device_tlb_lookup(tlb, tag, RW);
		if (entry.page_lg2) {
			CHECK(entry.hpa.v >= floor);
		} else {
			entry = (struct device_tlb_entry){
				.hpa = hpa(__atomic_load_n(&table, __ATOMIC_SEQ_CST)),
				.page_lg2 = 12,
				.rights = RW,
			};
			device_tlb_insert(tlb, &tag, &entry, generation);
		}
		rcu_read_unlock();
	}
	return NULL;
}

static void test_race_of_fill_and_invalidation(void **state)
{
	struct ats_invalidation scope = {true, false, 1, 0x1000, 12};
	pthread_t threads[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, filler, NULL), 0);
	for (uint64_t value = 2; value < 20000; value++) {
		__atomic_store_n(&table, value << 12, __ATOMIC_SEQ_CST);
		device_tlb_invalidate(tlb, &scope);
		__atomic_store_n(&settled, value << 12, __ATOMIC_SEQ_CST);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_hit_and_miss),
		CASE(test_rights),
		CASE(test_privilege_is_part_of_the_tag),
		CASE(test_page_sizes),
		CASE(test_run),
		CASE(test_invalidation_scope),
		CASE(test_fill_that_began_before_an_invalidation),
		CASE(test_more_than_fits),
		CASE(test_many_spaces_with_the_same_address),
		CASE(test_race_of_fill_and_invalidation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
