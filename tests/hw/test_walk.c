// SPDX-License-Identifier: MIT
/* Walks: every kind, depth and page size; rights; A/D bits; what refuses. */
#include "fixture.h"

#include <string.h>

#include "vtd/registers.h"

#define PASID 5u

static void open_unit(struct fixture *f, uint64_t ecap_set, uint64_t ecap_clear)
{
	fixture_init(f, &(struct fixture_options){.policy = UNIT_CACHE_NEVER,
						  .ecap_set = ecap_set,
						  .ecap_clear = ecap_clear});
}

/* A leaf of that level; host address of large pages need not be memory. */
static uint64_t target_of(unsigned level)
{
	return vtd_level_size(level) * 5;
}

static void check_kind(enum vtd_pgtt pgtt, unsigned first_levels, unsigned second_levels,
		       unsigned first_leaf, unsigned second_leaf, uint64_t va)
{
	uint64_t guest = UINT64_C(0x240000000), target = target_of(second_leaf);
	unsigned least = first_leaf < second_leaf ? first_leaf : second_leaf;
	struct unit_translation t;
	struct fixture f;
	struct domain d;

	open_unit(&f, 0, 0);
	domain_init(&d, &f, pgtt, 7, first_levels, second_levels);
	domain_attach(&d, RID, PASID);
	if (pgtt == VTD_PGTT_FIRST_STAGE) {
		target = target_of(first_leaf);
		domain_map_first(&d, va & ~(vtd_level_size(first_leaf) - 1), target, first_leaf,
				 FIRST_RWU);
		least = first_leaf;
	} else if (pgtt == VTD_PGTT_SECOND_STAGE) {
		domain_map_second(&d, va & ~(vtd_level_size(second_leaf) - 1), target, second_leaf,
				  SECOND_RW);
		least = second_leaf;
	} else {
		domain_map_first(&d, va & ~(vtd_level_size(first_leaf) - 1), guest, first_leaf,
				 FIRST_RWU);
		domain_map_second(&d,
				  (guest | (va & (vtd_level_size(first_leaf) - 1))) &
					  ~(vtd_level_size(second_leaf) - 1),
				  target, second_leaf, SECOND_RW);
	}
	t = translate(&f, RID, PASID, va, UNIT_WRITE);
	assert_int_equal(t.fault, VTD_FAULT_NONE);
	assert_int_equal(t.page_lg2, vtd_level_shift(least));
	assert_int_equal(t.rights, VSVA_PROT_READ | VSVA_PROT_WRITE);
	if (pgtt != VTD_PGTT_NESTED || second_leaf <= first_leaf)
		assert_int_equal(
			t.hpa.v,
			target | (va & (vtd_level_size(pgtt == VTD_PGTT_FIRST_STAGE ? first_leaf
										    : second_leaf) -
					1)));
	expect_no_fault(&f);
	fixture_fini(&f);
}

static void test_walk_first_stage_all_depths_and_sizes(void **state)
{
	(void)state;
	for (unsigned levels = 4; levels <= 5; levels++)
		for (unsigned leaf = 1; leaf <= 3; leaf++) {
			check_kind(VTD_PGTT_FIRST_STAGE, levels, 0, leaf, 0,
				   UINT64_C(0x7fff12345678));
			check_kind(VTD_PGTT_FIRST_STAGE, levels, 0, leaf, 0,
				   UINT64_C(0xffffffff81234567));
		}
	check_kind(VTD_PGTT_FIRST_STAGE, 5, 0, 1, 0, UINT64_C(0x00ffffffffffffff));
}

static void test_walk_second_stage_all_depths_and_sizes(void **state)
{
	(void)state;
	for (unsigned levels = 3; levels <= 5; levels++)
		for (unsigned leaf = 1; leaf <= 3; leaf++)
			check_kind(VTD_PGTT_SECOND_STAGE, 0, levels, 0, leaf,
				   UINT64_C(0x7f12345678));
}

static void test_walk_nested_all_depths_and_sizes(void **state)
{
	(void)state;
	for (unsigned first = 4; first <= 5; first++)
		for (unsigned second = 3; second <= 5; second++)
			for (unsigned a = 1; a <= 3; a++)
				for (unsigned b = 1; b <= 3; b++)
					check_kind(VTD_PGTT_NESTED, first, second, a, b,
						   UINT64_C(0x7fff12345678));
}

static void test_walk_pass_through(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_PASS_THROUGH, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	assert_leads(&f, RID, PASID, UINT64_C(0x3fff12345678), UNIT_WRITE,
		     UINT64_C(0x3fff12345678));
	expect_no_fault(&f);
	assert_faults(&f, RID, PASID, UINT64_C(1) << PHYSMEM_HAW, UNIT_READ, SGN_4);
	expect_fault(&f, VTD_FAULT_SGN_4, RID, PASID, UINT64_C(1) << PHYSMEM_HAW);
	assert_faults(&f, RID, PASID, 0xfee00000, UNIT_READ, SGN_8);
	clear_faults(&f);
	/* its neighbours are not touched by that */
	assert_leads(&f, RID, PASID, 0xfedff000, UNIT_READ, UINT64_C(0xfedff000));
	assert_leads(&f, RID, PASID, 0xfef00000, UNIT_READ, UINT64_C(0xfef00000));
	fixture_fini(&f);
}

/* Requests without PASID use the entry of RID_PASID. */
static void test_walk_without_pasid(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_SECOND_STAGE, 7, 0, 0);
	domain_attach(&d, RID, 9);
	vtd_context_entry_set_RID_PASID(context_of(&f, RID), 9);
	domain_map_second(&d, 0x5000, 0x77000, 1, SECOND_RW);
	assert_leads(&f, RID, NO_PASID, 0x5123, UNIT_READ, UINT64_C(0x77123));
	assert_faults(&f, RID, 9, 0x5123, UNIT_READ, SCT_9);
	fixture_fini(&f);
}

/* Rights */

static void test_walk_first_stage_rights(void **state)
{
	struct unit_request r = {.rid = RID, .pasid = PASID, .addr = 0x5000, .access = UNIT_WRITE};
	struct unit_translation t;
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x77000, 1, VTD_FS_PTE_P | VTD_FS_PTE_US);
	domain_map_first(&d, 0x6000, 0x78000, 1, VTD_FS_PTE_P | VTD_FS_PTE_RW);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_WRITE, SGN_6);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_ATOMIC, SGN_6);
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	assert_faults(&f, RID, PASID, 0x6000, UNIT_READ, SGN_2);
	clear_faults(&f);

	/* a supervisor may write to read-only pages, unless WPE says no */
	r.privileged = true;
	t = translate_request(&f, &r);
	assert_int_equal(t.fault, VTD_FAULT_NONE);
	assert_int_equal(t.rights, VSVA_PROT_READ | VSVA_PROT_WRITE);
	r.addr = 0x6000;
	assert_int_equal(translate_request(&f, &r).fault, VTD_FAULT_NONE);
	d.wpe = true;
	domain_attach(&d, RID, PASID);
	r.addr = 0x5000;
	assert_int_equal(translate_request(&f, &r).fault, VTD_FAULT_SGN_6);
	d.sre = false;
	domain_attach(&d, RID, PASID);
	assert_int_equal(translate_request(&f, &r).fault, VTD_FAULT_SPT_6);
	fixture_fini(&f);
}

/* Rights are those of the whole way down. */
static void test_walk_rights_accumulate(void **state)
{
	struct fixture f;
	struct domain first, second;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&first, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&first, RID, PASID);
	domain_map_first(&first, 0x5000, 0x77000, 1, FIRST_RWU);
	*domain_first_entry(&first, 0x5000, 3) &= ~(uint64_t)VTD_FS_PTE_RW;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_WRITE, SGN_6);
	*domain_first_entry(&first, 0x5000, 4) &= ~(uint64_t)VTD_FS_PTE_US;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SGN_2);

	domain_init(&second, &f, VTD_PGTT_SECOND_STAGE, 8, 0, 0);
	domain_attach(&second, RID, PASID + 1);
	domain_map_second(&second, 0x5000, 0x77000, 1, SECOND_RW);
	*domain_second_entry(&second, 0x5000, 2) &= ~(uint64_t)VTD_SS_PTE_W;
	assert_faults(&f, RID, PASID + 1, 0x5000, UNIT_WRITE, SGN_6);
	assert_leads(&f, RID, PASID + 1, 0x5000, UNIT_READ, UINT64_C(0x77000));
	*domain_second_entry(&second, 0x5000, 3) &= ~(uint64_t)VTD_SS_PTE_R;
	assert_faults(&f, RID, PASID + 1, 0x5000, UNIT_READ, SSS_2);
	fixture_fini(&f);
}

static void test_walk_second_stage_rights(void **state)
{
	struct unit_request zero = {.rid = RID,
				    .pasid = PASID,
				    .addr = 0x6000,
				    .access = UNIT_READ,
				    .zero_length = true};
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_SECOND_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_second(&d, 0x5000, 0x77000, 1, VTD_SS_PTE_R);
	domain_map_second(&d, 0x6000, 0x78000, 1, VTD_SS_PTE_W);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_WRITE, SGN_6);
	assert_faults(&f, RID, PASID, 0x6000, UNIT_READ, SGN_7);
	assert_faults(&f, RID, PASID, 0x6000, UNIT_ATOMIC, SGN_7);
	assert_leads(&f, RID, PASID, 0x6000, UNIT_WRITE, UINT64_C(0x78000));
	assert_int_equal(translate_request(&f, &zero).fault, VTD_FAULT_NONE);
	assert_faults(&f, RID, PASID, 0x7000, UNIT_READ, SSS_2);
	fixture_fini(&f);
}

static void test_walk_nested_rights(void **state)
{
	struct fixture f;
	struct domain d;
	uint64_t table;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_NESTED, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x9000, 1, FIRST_RWU);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SSS_2);
	domain_map_second(&d, 0x9000, 0x77000, 1, VTD_SS_PTE_R);
	assert_leads(&f, RID, PASID, 0x5008, UNIT_READ, UINT64_C(0x77008));
	assert_faults(&f, RID, PASID, 0x5000, UNIT_WRITE, SGN_6);
	domain_map_second(&d, 0x9000, 0x77000, 1, VTD_SS_PTE_W);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SGN_7);

	/* the tables themselves: top, lower, and lower not writable when A must be set */
	domain_map_second(&d, 0x9000, 0x77000, 1, SECOND_RW);
	table = vtd_pte_address(*domain_first_entry(&d, 0x5000, 2), 1);
	*domain_second_entry(&d, table, 1) &= ~(uint64_t)VTD_SS_PTE_R;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_7);
	*domain_second_entry(&d, table, 1) |= VTD_SS_PTE_R;
	*domain_second_entry(&d, d.first_root, 1) &= ~(uint64_t)VTD_SS_PTE_R;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_6);
	*domain_second_entry(&d, d.first_root, 1) |= VTD_SS_PTE_R;
	*domain_second_entry(&d, table, 1) &= ~(uint64_t)VTD_SS_PTE_W;
	*domain_first_entry(&d, 0x5000, 1) &= ~(uint64_t)VTD_FS_PTE_A;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_8);
	*domain_first_entry(&d, 0x5000, 1) |= VTD_FS_PTE_A;
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	*domain_second_entry(&d, table, 1) = 0;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SSS_2);
	fixture_fini(&f);
}

/* VT-d 3.8.1: with A/D bits in the second stage, tables must be writable to be read. */
static void test_walk_nested_tables_with_second_stage_ad(void **state)
{
	struct fixture f;
	struct domain d;
	uint64_t table;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_NESTED, 7, 0, 0);
	d.ssade = true;
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x9000, 1, FIRST_RWU | VTD_FS_PTE_A);
	domain_map_second(&d, 0x9000, 0x77000, 1, SECOND_RW);
	table = vtd_pte_address(*domain_first_entry(&d, 0x5000, 2), 1);
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	assert_true(*domain_second_entry(&d, table, 1) & VTD_SS_PTE_A);
	assert_false(*domain_second_entry(&d, table, 1) & VTD_SS_PTE_D);
	assert_true(*domain_second_entry(&d, d.first_root, 1) & VTD_SS_PTE_D); /* A was set in it */
	assert_false(*domain_second_entry(&d, 0x9000, 1) & VTD_SS_PTE_D);
	assert_leads(&f, RID, PASID, 0x5000, UNIT_WRITE, UINT64_C(0x77000));
	assert_true(*domain_second_entry(&d, 0x9000, 1) & VTD_SS_PTE_D);
	assert_true(*domain_second_entry(&d, table, 1) & VTD_SS_PTE_D);
	*domain_second_entry(&d, table, 1) &= ~(uint64_t)VTD_SS_PTE_W;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_7);
	fixture_fini(&f);
}

/* A and D */

static void test_walk_first_stage_sets_accessed_and_dirty(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 5, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	domain_map_first(&d, 0x6000, 0x78000, 1, VTD_FS_PTE_P | VTD_FS_PTE_US);
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	for (unsigned level = 1; level <= 5; level++) {
		assert_true(*domain_first_entry(&d, 0x5000, level) & VTD_FS_PTE_A);
		assert_false(*domain_first_entry(&d, 0x5000, level) & VTD_FS_PTE_D);
		assert_false(*domain_first_entry(&d, 0x5000, level) & VTD_FS_PTE_EA);
	}
	assert_leads(&f, RID, PASID, 0x5000, UNIT_WRITE, UINT64_C(0x77000));
	assert_true(*domain_first_entry(&d, 0x5000, 1) & VTD_FS_PTE_D);
	assert_false(*domain_first_entry(&d, 0x5000, 2) & VTD_FS_PTE_D);
	/* no A and no D for what did not happen */
	assert_faults(&f, RID, PASID, 0x6000, UNIT_WRITE, SGN_6);
	assert_false(*domain_first_entry(&d, 0x6000, 1) & (VTD_FS_PTE_A | VTD_FS_PTE_D));
	d.eafe = true;
	domain_attach(&d, RID, PASID);
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	for (unsigned level = 1; level <= 5; level++)
		assert_true(*domain_first_entry(&d, 0x5000, level) & VTD_FS_PTE_EA);
	fixture_fini(&f);
}

static void test_walk_second_stage_sets_accessed_and_dirty_if_enabled(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_SECOND_STAGE, 7, 0, 5);
	domain_attach(&d, RID, PASID);
	domain_map_second(&d, 0x5000, 0x77000, 1, SECOND_RW);
	assert_leads(&f, RID, PASID, 0x5000, UNIT_WRITE, UINT64_C(0x77000));
	assert_false(*domain_second_entry(&d, 0x5000, 1) & (VTD_SS_PTE_A | VTD_SS_PTE_D));
	d.ssade = true;
	domain_attach(&d, RID, PASID);
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	for (unsigned level = 1; level <= 5; level++) {
		assert_true(*domain_second_entry(&d, 0x5000, level) & VTD_SS_PTE_A);
		assert_false(*domain_second_entry(&d, 0x5000, level) & VTD_SS_PTE_D);
	}
	assert_leads(&f, RID, PASID, 0x5000, UNIT_ATOMIC, UINT64_C(0x77000));
	assert_true(*domain_second_entry(&d, 0x5000, 1) & VTD_SS_PTE_D);
	fixture_fini(&f);
}

/* A/D in memory that walks do not snoop: SFS.9, SSS.5, and only if a bit is missing. */
static void test_walk_accessed_bit_without_snooping(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	vtd_pasid_entry_set_PWSNP(pasid_entry_of(&f, RID, PASID), 0);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_9);
	for (unsigned level = 1; level <= 4; level++)
		*domain_first_entry(&d, 0x5000, level) |= VTD_FS_PTE_A;
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	assert_faults(&f, RID, PASID, 0x5000, UNIT_WRITE, SFS_9);

	domain_init(&d, &f, VTD_PGTT_SECOND_STAGE, 8, 0, 0);
	d.ssade = true;
	domain_attach(&d, RID, PASID);
	vtd_pasid_entry_set_PWSNP(pasid_entry_of(&f, RID, PASID), 0);
	domain_map_second(&d, 0x5000, 0x77000, 1, SECOND_RW);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SSS_5);
	fixture_fini(&f);
}

/* A table in memory that may only be read: SFS.10, SSS.6. */
static void test_walk_accessed_bit_in_read_only_memory(void **state)
{
	static uint64_t rom[512] __attribute__((aligned(4096)));
	struct fixture f;
	struct domain d;
	hpa_t base;

	(void)state;
	open_unit(&f, 0, 0);
	memset(rom, 0, sizeof(rom));
	assert_int_equal(physmem_add(f.pm, rom, sizeof(rom), false, &base), 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	*domain_first_entry(&d, 0x5000, 2) = base.v | FIRST_RWU;
	rom[5] = 0x77000 | FIRST_RWU;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_10);
	rom[5] |= VTD_FS_PTE_A;
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));

	domain_init(&d, &f, VTD_PGTT_SECOND_STAGE, 8, 0, 0);
	d.ssade = true;
	domain_attach(&d, RID, PASID);
	*domain_second_entry(&d, 0x5000, 2) = base.v | SECOND_RW;
	rom[5] = 0x77000 | SECOND_RW;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SSS_6);
	assert_int_equal(physmem_remove(f.pm, base), 0);
	rcu_synchronize();
	fixture_fini(&f);
}

/* Faults of entries */

static void test_walk_first_stage_faults(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	assert_faults(&f, RID, PASID, UINT64_C(1) << 47, UNIT_READ, SGN_1);
	for (unsigned level = 1; level <= 4; level++) {
		uint64_t *entry = domain_first_entry(&d, 0x5000, level), kept = *entry;

		*entry = kept & ~(uint64_t)VTD_FS_PTE_P;
		assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_2);
		*entry = kept | UINT64_C(1) << PHYSMEM_HAW;
		assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_3);
		*entry = kept;
	}
	*domain_first_entry(&d, 0x5000, 4) |= VTD_FS_PTE_PS;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_3);
	*domain_first_entry(&d, 0x5000, 4) &= ~(uint64_t)VTD_FS_PTE_PS;
	domain_map_first(&d, UINT64_C(0x40000000), 0x80000000 + 0x2000, 3, FIRST_RWU);
	assert_faults(&f, RID, PASID, 0x40000000, UNIT_READ, SFS_3); /* bits 29:13 */
	*domain_first_entry(&d, 0x5000, 3) = (UINT64_C(1) << 45) | FIRST_RWU;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_1);
	vtd_pasid_entry_set_FSPTPTR(pasid_entry_of(&f, RID, PASID), UINT64_C(1) << 45);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_4);
	fixture_fini(&f);
}

static void test_walk_second_stage_faults(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_SECOND_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_second(&d, 0x5000, 0x77000, 1, SECOND_RW);
	assert_faults(&f, RID, PASID, UINT64_C(1) << 48, UNIT_READ, SGN_5);
	for (unsigned level = 1; level <= 4; level++) {
		uint64_t *entry = domain_second_entry(&d, 0x5000, level), kept = *entry;

		*entry = kept & ~(uint64_t)SECOND_RW;
		assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SSS_2);
		*entry = kept | UINT64_C(1) << PHYSMEM_HAW;
		assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SSS_3);
		*entry = kept;
	}
	*domain_second_entry(&d, 0x5000, 3) = (UINT64_C(1) << 45) | SECOND_RW;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SSS_1);
	vtd_pasid_entry_set_SSPTPTR(pasid_entry_of(&f, RID, PASID), UINT64_C(1) << 45);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SSS_4);
	fixture_fini(&f);
}

static void test_walk_nested_faults(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_NESTED, 7, 0, 3);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, UINT64_C(1) << 39, 1, FIRST_RWU);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_5);
	*domain_first_entry(&d, 0x5000, 2) = (UINT64_C(1) << 40) | FIRST_RWU;
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SFS_5);
	vtd_pasid_entry_set_FSPTPTR(pasid_entry_of(&f, RID, PASID), UINT64_C(1) << 39);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SPT_4);
	fixture_fini(&f);
}

/* Interrupt range, VT-d 3.14 */

static void test_walk_interrupt_range(void **state)
{
	struct unit_translation t;
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, NO_PASID);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0xfee00000, 0x77000, 1, FIRST_RWU);
	domain_map_first(&d, 0x5000, 0xfee00000, 1, FIRST_RWU);
	t = translate(&f, RID, NO_PASID, 0xfee00010, UNIT_WRITE);
	assert_true(t.interrupt);
	assert_int_equal(t.hpa.v, 0xfee00010);
	assert_int_equal(t.response, VTD_RESP_NONE);
	/* with a PASID it is an address like any other */
	t = translate(&f, RID, PASID, 0xfee00010, UNIT_WRITE);
	assert_false(t.interrupt);
	assert_int_equal(t.hpa.v, 0x77010);
	assert_leads(&f, RID, NO_PASID, 0xfee00010, UNIT_READ, UINT64_C(0x77010));
	assert_faults(&f, RID, PASID, 0x5000, UNIT_WRITE, SGN_8);
	assert_int_equal(ats_translate(&f, RID, PASID, 0x5000, UNIT_WRITE).response, VTD_RESP_CA);
	t = ats_translate(&f, RID, NO_PASID, 0xfee00000, UNIT_READ);
	assert_true(t.interrupt);
	assert_int_equal(t.rights, VSVA_PROT_WRITE);
	fixture_fini(&f);
}

/* A large page around the range is fractured, so that nothing but the range is refused. */
static void test_walk_large_page_around_interrupt_range(void **state)
{
	struct unit_translation t;
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0, UINT64_C(0xc0000000), 3, FIRST_RWU);
	t = translate(&f, RID, PASID, 0x3eef0000 - 0x100000, UNIT_READ);
	assert_int_equal(t.hpa.v, 0xfedf0000);
	assert_int_equal(t.page_lg2, 21);
	t = translate(&f, RID, PASID, 0x3ef00000, UNIT_READ);
	assert_int_equal(t.hpa.v, 0xfef00000);
	assert_int_equal(t.page_lg2, 12);
	assert_faults(&f, RID, PASID, 0x3ee00000, UNIT_READ, SGN_8);
	assert_leads(&f, RID, PASID, 0x3ef00000, UNIT_READ, UINT64_C(0xfef00000));
	assert_faults(&f, RID, PASID, 0x3ee00000, UNIT_READ, SGN_8);
	fixture_fini(&f);
}

/* The same on the side of the input, where requests without PASID have no memory: not even the first
 * answer, from which a copy takes how far it may go on, reaches over the range. */
static void test_walk_answers_stop_at_interrupt_range(void **state)
{
	static const struct {
		uint64_t addr;
		uint8_t page_lg2;
	} answers[] = {{0xfedf0000, 21}, {0xfef00000, 12}, {0xff000000, 21}, {0x80000000, 30}};
	struct unit_translation t;
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, NO_PASID);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x80000000, 0x40000000, 3, FIRST_RWU);
	domain_map_first(&d, 0xc0000000, 0x40000000, 3, FIRST_RWU);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
			t = translate(&f, RID, NO_PASID, answers[i].addr, UNIT_WRITE);
			assert_int_equal(t.response, VTD_RESP_NONE);
			assert_int_equal(t.hpa.v, 0x40000000 | (answers[i].addr & 0x3fffffff));
			assert_int_equal(t.page_lg2, answers[i].page_lg2);
			t = ats_translate(&f, RID, NO_PASID, answers[i].addr, UNIT_WRITE);
			assert_int_equal(t.page_lg2, answers[i].page_lg2);
		}
	t = translate(&f, RID, PASID, 0xfef00000, UNIT_WRITE);
	assert_int_equal(t.page_lg2, 30);
	fixture_fini(&f);
}

/* ATS */

static void test_walk_ats_completions(void **state)
{
	struct unit_translation t;
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x77000, 1, VTD_FS_PTE_P | VTD_FS_PTE_US);
	domain_map_first(&d, 0x6000, 0x78000, 1, FIRST_RWU);
	t = ats_translate(&f, RID, PASID, 0x5000, UNIT_WRITE);
	assert_int_equal(t.response, VTD_RESP_SE);
	assert_int_equal(t.rights, VSVA_PROT_READ);
	assert_int_equal(t.hpa.v, 0x77000);
	/* without NWFS every translation request asks for W */
	t = ats_translate(&f, RID, PASID, 0x5000, UNIT_READ);
	assert_int_equal(t.response, VTD_RESP_SE);
	assert_int_equal(t.rights, VSVA_PROT_READ);
	assert_int_equal(ats_translate(&f, RID, PASID, 0x9000, UNIT_READ).response, VTD_RESP_S0);
	expect_no_fault(&f);
	/* a completion with W is a licence to write, so D is set for it */
	t = ats_translate(&f, RID, PASID, 0x6000, UNIT_READ);
	assert_int_equal(t.rights, VSVA_PROT_READ | VSVA_PROT_WRITE);
	assert_true(*domain_first_entry(&d, 0x6000, 1) & VTD_FS_PTE_D);
	assert_true(allows_translated(&f, RID, 0x77000));
	assert_false(allows_translated(&f, RID, 0xfee00000));
	expect_fault(&f, VTD_FAULT_SGN_8, RID, NO_PASID, 0xfee00000);
	vtd_context_entry_set_DTE(context_of(&f, RID), 0);
	vtd_context_entry_set_PRE(context_of(&f, RID), 0);
	assert_int_equal(ats_translate(&f, RID, PASID, 0x5000, UNIT_READ).response, VTD_RESP_UR);
	expect_fault(&f, VTD_FAULT_SCT_5, RID, PASID, 0x5000);
	assert_false(allows_translated(&f, RID, 0x77000));
	expect_fault(&f, VTD_FAULT_SCT_5, RID, NO_PASID, 0x77000);
	fixture_fini(&f);
}

static void test_walk_ats_honours_no_write(void **state)
{
	struct unit_translation t;
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, VTD_ECAP_NWFS, 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x6000, 0x78000, 1, FIRST_RWU);
	t = ats_translate(&f, RID, PASID, 0x6000, UNIT_READ);
	assert_int_equal(t.rights, VSVA_PROT_READ);
	assert_false(*domain_first_entry(&d, 0x6000, 1) & VTD_FS_PTE_D);
	t = ats_translate(&f, RID, PASID, 0x6000, UNIT_WRITE);
	assert_int_equal(t.rights, VSVA_PROT_READ | VSVA_PROT_WRITE);
	assert_true(*domain_first_entry(&d, 0x6000, 1) & VTD_FS_PTE_D);
	assert_int_equal(ats_translate(&f, RID, NO_PASID, 0xfee00000, UNIT_READ).response,
			 VTD_RESP_S0);
	fixture_fini(&f);
}

static void test_walk_execute_is_not_offered(void **state)
{
	struct unit_request r = {
		.rid = RID, .pasid = PASID, .addr = 0x5000, .access = UNIT_READ, .exec = true};
	struct fixture f;
	struct domain d;

	(void)state;
	open_unit(&f, 0, 0);
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, 7, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	assert_int_equal(translate_request(&f, &r).fault, VTD_FAULT_SPT_5);
	fixture_fini(&f);
}

/* Translation off: requests without PASID pass, others do not, nothing is recorded. */
static void test_walk_disabled(void **state)
{
	struct unit_translation t;
	struct fixture f;

	(void)state;
	open_unit(&f, 0, 0);
	fixture_enable(&f, false);
	assert_leads(&f, RID, NO_PASID, 0x12345, UNIT_WRITE, UINT64_C(0x12345));
	t = translate(&f, RID, PASID, 0x12345, UNIT_WRITE);
	assert_int_equal(t.response, VTD_RESP_UR);
	assert_int_equal(t.fault, VTD_FAULT_NONE);
	assert_int_equal(ats_translate(&f, RID, NO_PASID, 0x12345, UNIT_READ).response,
			 VTD_RESP_UR);
	assert_false(allows_translated(&f, RID, 0x12345));
	expect_no_fault(&f);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_first_stage_all_depths_and_sizes),
		cmocka_unit_test(test_walk_second_stage_all_depths_and_sizes),
		cmocka_unit_test(test_walk_nested_all_depths_and_sizes),
		cmocka_unit_test(test_walk_pass_through),
		cmocka_unit_test(test_walk_without_pasid),
		cmocka_unit_test(test_walk_first_stage_rights),
		cmocka_unit_test(test_walk_rights_accumulate),
		cmocka_unit_test(test_walk_second_stage_rights),
		cmocka_unit_test(test_walk_nested_rights),
		cmocka_unit_test(test_walk_nested_tables_with_second_stage_ad),
		cmocka_unit_test(test_walk_first_stage_sets_accessed_and_dirty),
		cmocka_unit_test(test_walk_second_stage_sets_accessed_and_dirty_if_enabled),
		cmocka_unit_test(test_walk_accessed_bit_without_snooping),
		cmocka_unit_test(test_walk_accessed_bit_in_read_only_memory),
		cmocka_unit_test(test_walk_first_stage_faults),
		cmocka_unit_test(test_walk_second_stage_faults),
		cmocka_unit_test(test_walk_nested_faults),
		cmocka_unit_test(test_walk_interrupt_range),
		cmocka_unit_test(test_walk_large_page_around_interrupt_range),
		cmocka_unit_test(test_walk_answers_stop_at_interrupt_range),
		cmocka_unit_test(test_walk_ats_completions),
		cmocka_unit_test(test_walk_ats_honours_no_write),
		cmocka_unit_test(test_walk_execute_is_not_offered),
		cmocka_unit_test(test_walk_disabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
