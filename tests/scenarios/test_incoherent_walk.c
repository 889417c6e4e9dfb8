// SPDX-License-Identifier: MIT
/*
 * "Coherency of the PASID directory" (194b3348bdbb, 8a3b8e63f837): a unit that walks without
 * snooping finds in memory what was there before, unless it was written back.
 */
#include "incoherent.h"

#include <errno.h>
#include <string.h>

#include "host/world.h"
#include "vtd/tables.h"

#define NONE VSVA_PASID_INVALID
#define VA   UINT64_C(0x7f0000001000)

/* In guest memory. */
enum { PAGE_A = 0x100000, PAGE_B = 0x101000, ROOT_A = 0x200000, ROOT_B = 0x210000 };

static void put(struct incoherent *i, uint64_t address, uint64_t value)
{
	*(uint64_t *)(void *)(i->ram + address) = value;
}

/* A first stage that maps VA to the page, its tables behind each other. */
static void make_first_stage(struct incoherent *i, uint64_t root, uint64_t page)
{
	const uint64_t bits = VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US;

	for (unsigned level = 4; level > 1; level--, root += 0x1000)
		put(i, root + vtd_level_index(VA, level) * 8ull, (root + 0x1000) | bits);
	put(i, root + vtd_level_index(VA, 1) * 8ull, page | bits);
}

static bool reads(struct incoherent *i, uint32_t pasid, uint64_t addr, uint64_t value)
{
	uint64_t found;

	return incoherent_read(i, INCOHERENT_RID, pasid, addr, &found) == VTD_FAULT_NONE &&
	       found == value;
}

/* What is not there is found not to be there, and nothing worse. */
static bool is_absent(struct incoherent *i, rid_t rid_, uint32_t pasid, uint64_t addr)
{
	static const enum vtd_fault absent[] = {VTD_FAULT_SRT_2, VTD_FAULT_SCT_2, VTD_FAULT_SPD_2,
						VTD_FAULT_SPT_2, VTD_FAULT_SSS_2, VTD_FAULT_SGN_7,
						VTD_FAULT_SCT_6};
	uint64_t found;
	enum vtd_fault fault = incoherent_read(i, rid_, pasid, addr, &found);

	for (unsigned n = 0; n < ARRAY_LEN(absent); n++)
		if (fault == absent[n])
			return true;
	return false;
}

static bool devices_that_are_not_there(struct incoherent *i)
{
	return is_absent(i, rid(0x0900), NONE, PAGE_A) && is_absent(i, rid(0x0210), NONE, PAGE_A);
}

/* Bound to one first stage, then to the other, in a table of the directory that is made for it. */
static bool pasids_come_and_go(struct incoherent *i)
{
	struct vsva_gpasid_bind_data data = world_bind_data(hpasid(0), gpasid(7));
	hpasid_t pasid;

	make_first_stage(i, ROOT_A, PAGE_A);
	make_first_stage(i, ROOT_B, PAGE_B);
	assert_int_equal(vsva_ioasid_alloc(i->set, 100, 200, NULL, &pasid), 0);
	data.hpasid = pasid.v;
	for (unsigned turn = 0; turn < 2; turn++) {
		data.gpgd = turn ? ROOT_B : ROOT_A;
		if (vsva_bind_gpasid(i->domain, i->dev, &data) ||
		    !reads(i, pasid.v, VA, turn ? 222 : 111) ||
		    !is_absent(i, INCOHERENT_RID, pasid.v + 1, VA) ||
		    !is_absent(i, INCOHERENT_RID, 900, VA) ||
		    vsva_unbind_gpasid(i->domain, i->dev, pasid) ||
		    !is_absent(i, INCOHERENT_RID, pasid.v, VA))
			return false;
	}
	return true;
}

/* Mapped and unmapped, inside a large page too. */
static bool memory_comes_and_goes(struct incoherent *i)
{
	gpa_t far = gpa(UINT64_C(1) << 40);

	return !vsva_domain_map(i->domain, far, i->ram_base, INCOHERENT_RAM, 3) &&
	       reads(i, NONE, far.v + PAGE_A, 111) &&
	       !vsva_domain_unmap(i->domain, gpa(far.v + PAGE_A), 4096, NULL) &&
	       is_absent(i, INCOHERENT_RID, NONE, far.v + PAGE_A) &&
	       reads(i, NONE, far.v + PAGE_B, 222) &&
	       is_absent(i, INCOHERENT_RID, NONE, far.v + INCOHERENT_RAM) &&
	       !vsva_domain_unmap(i->domain, far, INCOHERENT_RAM, NULL) &&
	       is_absent(i, INCOHERENT_RID, NONE, far.v + PAGE_B);
}

static bool attached(struct incoherent *i)
{
	return !vsva_domain_attach(i->domain, i->dev) && reads(i, NONE, PAGE_A, 111) &&
	       is_absent(i, INCOHERENT_RID, NONE, UINT64_C(1) << 41) &&
	       devices_that_are_not_there(i);
}

static bool detached(struct incoherent *i)
{
	return !vsva_domain_detach(i->domain, i->dev) && is_absent(i, INCOHERENT_RID, NONE, PAGE_A);
}

static bool story(struct incoherent *i)
{
	put(i, PAGE_A, 111);
	put(i, PAGE_B, 222);
	return is_absent(i, INCOHERENT_RID, NONE, PAGE_A) && attached(i) &&
	       (i->snoops_paging ? pasids_come_and_go(i) : memory_comes_and_goes(i)) &&
	       detached(i) && attached(i);
}

/* Leaves each write-back out in turn, and says which kinds of tables it was seen of. */
static unsigned seen_kinds(bool snoops_paging, unsigned count)
{
	unsigned kinds = 0;

	for (unsigned n = 1; n <= count; n++) {
		struct incoherent i = {.left_out = n};

		incoherent_create(&i, snoops_paging);
		if (!story(&i))
			kinds |= 1u << i.left_out_kind;
		incoherent_destroy(&i);
	}
	return kinds;
}

static unsigned run_story(bool snoops_paging)
{
	struct incoherent i = {.left_out = 0};
	unsigned count;

	incoherent_create(&i, snoops_paging);
	assert_true(story(&i));
	count = i.written;
	incoherent_destroy(&i);
	return count;
}

static void test_194b3348bdbb_coherency_of_the_pasid_directory(void **state)
{
	const unsigned all = 1u << TABLE_NEW | 1u << TABLE_ROOT | 1u << TABLE_CONTEXT |
			     1u << TABLE_DIRECTORY | 1u << TABLE_PASID;

	(void)state;
	assert_int_equal(seen_kinds(true, run_story(true)) & all, all);
}

static void test_paging_structures_are_written_back(void **state)
{
	unsigned count = run_story(false);
	unsigned kinds = seen_kinds(false, count < 200 ? count : 200);

	(void)state;
	assert_true(kinds & 1u << TABLE_OTHER);
}

/* Without a way to write back such a unit is refused; and first stages, whose tables others write,
 * want a unit that snoops them. */
static int create(uint64_t without, bool can_write_back, uint32_t domain_flags)
{
	struct host_iommu_config config;
	struct fake_vtd fake;
	struct worker_pool *pool = worker_pool_create(WORKERS_MANUAL, 0);
	struct vsva_domain *domain;
	struct vsva_iommu *iommu;
	int err;

	fake_vtd_init(&fake, world_cap(), vtd_without(world_ecap(), without));
	if (!can_write_back)
		fake.port.write_back = NULL;
	config = (struct host_iommu_config){.port = &fake.port, .pool = pool};
	err = host_iommu_create(&config, &iommu);
	if (!err) {
		err = vsva_domain_alloc(iommu, NULL, domain_flags, 1, &domain);
		if (!err)
			assert_int_equal(vsva_domain_free(domain), 0);
		host_iommu_destroy(iommu);
	}
	worker_pool_destroy(pool);
	fake_vtd_fini(&fake);
	return err;
}

static void test_unit_that_does_not_snoop_is_refused_without_write_back(void **state)
{
	(void)state;
	assert_int_equal(create(VTD_ECAP_C, false, 0), -ENODEV);
	assert_int_equal(create(VTD_ECAP_SMPWC, false, 0), -ENODEV);
	assert_int_equal(create(0, false, 0), 0);
	assert_int_equal(create(VTD_ECAP_C, true, VSVA_DOMAIN_NESTING), 0);
	assert_int_equal(create(VTD_ECAP_SMPWC, true, 0), 0);
	assert_int_equal(create(VTD_ECAP_SMPWC, true, VSVA_DOMAIN_NESTING), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_194b3348bdbb_coherency_of_the_pasid_directory),
		cmocka_unit_test(test_paging_structures_are_written_back),
		cmocka_unit_test(test_unit_that_does_not_snoop_is_refused_without_write_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
