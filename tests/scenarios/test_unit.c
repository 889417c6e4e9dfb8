// SPDX-License-Identifier: MIT
/* Defects of other models of the unit, and what the unit does about defects of drivers. */
#include "hw/fixture.h"

#include <string.h>

#include "base/check.h"
#include "vtd/registers.h"

#define PASID 5u
#define DID   7u

/* Dirty bits by a walk that does not snoop */

static bool keeps_dirty_bits(enum vtd_pgtt pgtt, bool snooped, enum vtd_fault *fault)
{
	struct fixture f;
	struct domain d;

	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	domain_init(&d, &f, pgtt, DID, 0, 0);
	d.ssade = pgtt != VTD_PGTT_FIRST_STAGE;
	domain_attach(&d, RID, PASID);
	vtd_pasid_entry_set_PWSNP(pasid_entry_of(&f, RID, PASID), snooped);
	if (pgtt == VTD_PGTT_FIRST_STAGE)
		domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	else
		domain_map_second(&d, 0x5000, 0x77000, 1, SECOND_RW);
	*fault = translate(&f, RID, PASID, 0x5000, UNIT_WRITE).fault;
	fixture_fini(&f);
	return !*fault;
}

/* The update would be lost in the processor's cache: an unrecoverable fault instead. */
static void test_57f55048e564_no_dirty_bits_by_an_incoherent_walk(void **state)
{
	enum vtd_fault fault;

	(void)state;
	assert_false(keeps_dirty_bits(VTD_PGTT_SECOND_STAGE, false, &fault));
	assert_int_equal(fault, VTD_FAULT_SSS_5);
	assert_false(vtd_fault_is_recoverable(fault));
	assert_false(keeps_dirty_bits(VTD_PGTT_FIRST_STAGE, false, &fault));
	assert_int_equal(fault, VTD_FAULT_SFS_9);
	assert_true(keeps_dirty_bits(VTD_PGTT_SECOND_STAGE, true, &fault));
	assert_true(keeps_dirty_bits(VTD_PGTT_FIRST_STAGE, true, &fault));
}

/* Ranges of an invalidation by mask */

#define FAR UINT64_C(0x7f0000005000)

/* Which of two pages is still cached after the flush of 2^am pages at 0x5000. */
struct kept {
	bool near_page, far_page;
};

static struct kept flush_pages(uint64_t near_page, uint64_t far_page, unsigned am)
{
	struct vtd_desc flush =
		desc_pasid_iotlb(VTD_PASID_IOTLB_PAGE, DID, PASID, 0x5000, am, false);
	const uint64_t pages[] = {near_page, far_page};
	struct fixture f;
	struct domain d;
	bool kept[2];

	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, DID, 0, 0);
	domain_attach(&d, RID, PASID);
	for (unsigned i = 0; i < 2; i++) {
		domain_map_first(&d, pages[i], 0x77000, 1, FIRST_RWU);
		assert_leads(&f, RID, PASID, pages[i], UNIT_READ, UINT64_C(0x77000));
		*domain_first_entry(&d, pages[i], 1) = 0;
	}
	assert_true(queue_sync(&f, &flush));
	for (unsigned i = 0; i < 2; i++)
		kept[i] = !translate(&f, RID, PASID, pages[i], UNIT_READ).fault;
	fixture_fini(&f);
	return (struct kept){kept[0], kept[1]};
}

/* Negative: a mask that was shifted modulo 32. */
static void test_qemu_3619_address_masks_up_to_63(void **state)
{
	(void)state;
	for (unsigned am = 48; am < 64; am++) {
		struct kept kept = flush_pages(0x5000, FAR, am);

		assert_false(kept.near_page || kept.far_page);
	}
	assert_true(flush_pages(0x5000, FAR, 63 % 32).far_page);
}

/* Negative: the mask kept in 8 bits. */
static void test_qemu_2024_type_of_the_mask_field(void **state)
{
	(void)state;
	for (unsigned am = 9; am <= 18; am++) {
		uint64_t end = UINT64_C(4096) << am;

		assert_false(flush_pages(end - 4096, end, am).near_page);
		assert_true(flush_pages(end - 4096, end, am).far_page);
		assert_true(flush_pages(end - 4096, end, am % 8).near_page);
	}
}

/* Fault records */

static struct vtd_fault_record fault_at(uint32_t pasid, uint64_t address)
{
	struct vtd_fault_record record;
	struct fixture f;
	struct domain d;

	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, DID, 0, 0);
	domain_attach(&d, rid(0xffff), PASID);
	translate(&f, rid(0xffff), pasid, address, UNIT_WRITE);
	record = take_fault(&f, 0);
	fixture_fini(&f);
	return record;
}

/* Every field is what it should be, though neighbours are all ones. The directory is not so large.
 */
static bool is_record_of(const struct vtd_fault_record *record, uint32_t pasid, uint64_t address)
{
	return vtd_fault_record_F(record) && vtd_fault_record_PP(record) &&
	       vtd_fault_record_SID(record) == 0xffff && vtd_fault_record_PV(record) == pasid &&
	       vtd_fault_record_FI(record) == address &&
	       vtd_fault_record_FR(record) == VTD_FAULT_SCT_7 &&
	       vtd_fault_record_access(record) == VTD_ACCESS_WRITE &&
	       !vtd_fault_record_EXE(record) && !vtd_fault_record_PRIV(record);
}

static void test_qemu_frcd_construction_with_high_bits(void **state)
{
	const uint64_t top = UINT64_C(0xfffffffffffff000);
	struct vtd_fault_record record = fault_at(VSVA_PASID_MAX, top);

	(void)state;
	assert_true(is_record_of(&record, VSVA_PASID_MAX, top));
	record = fault_at(0x80001, top);
	assert_true(is_record_of(&record, 0x80001, top));
	/* as it was: PP by a signed constant, whose sign runs over the fields above it */
	record.q[1] |= (uint64_t)INT32_MIN;
	assert_false(is_record_of(&record, 0x80001, top));
}

/* The queue's two sizes of descriptors */

static bool runs_with_stride(size_t stride)
{
	struct vtd_desc nothing = desc_pasid(VTD_PASID_CACHE_GLOBAL, 0, 0);
	struct fixture f;
	bool runs;

	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	assert_true(reg64(&f, VTD_REG_IQA) & VTD_IQA_DW);
	for (unsigned i = 0; i < 3; i++)
		memcpy((char *)fixture_ptr(&f, f.queue) + i * stride, &nothing, sizeof(nothing));
	set64(&f, VTD_REG_IQT, 3 * stride);
	runs = reg64(&f, VTD_REG_IQH) == 3 * stride && !(reg32(&f, VTD_REG_FSTS) & VTD_FSTS_IQE);
	fixture_fini(&f);
	return runs;
}

/* Head and tail count bytes, whatever the width; and an error stands at the descriptor itself. */
static void test_qemu_2020_shift_for_256_bit_descriptors(void **state)
{
	struct vtd_desc good = desc_pasid(VTD_PASID_CACHE_GLOBAL, 0, 0), bad = good;
	struct fixture f;

	(void)state;
	assert_true(runs_with_stride(32));
	assert_false(runs_with_stride(16)); /* a driver that thinks they are of 128 bits */
	vtd_desc_pasid_cache_set_G(&bad, 2);
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	queue_put(&f, &good);
	queue_put(&f, &good);
	queue_put(&f, &bad);
	queue_put(&f, &good);
	queue_ring(&f);
	assert_true(reg32(&f, VTD_REG_FSTS) & VTD_FSTS_IQE);
	assert_int_equal(reg64(&f, VTD_REG_IQH), 64);
	fixture_fini(&f);
}

static void test_qemu_2020_present_bit_of_pasid_entries(void **state)
{
	struct fixture f;
	struct domain d;

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, DID, 0, 0);
	domain_attach(&d, RID, PASID);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	vtd_pasid_entry_set_P(pasid_entry_of(&f, RID, PASID), 0);
	assert_faults(&f, RID, PASID, 0x5000, UNIT_READ, SPT_2);
	expect_fault(&f, VTD_FAULT_SPT_2, RID, PASID, 0x5000);
	vtd_pasid_entry_set_P(pasid_entry_of(&f, RID, PASID), 1);
	assert_leads(&f, RID, PASID, 0x5000, UNIT_READ, UINT64_C(0x77000));
	fixture_fini(&f);
}

/* Reserved bits */

static struct vtd_fault_record root_with(uint64_t bits)
{
	struct vtd_fault_record record;
	struct fixture f;
	struct domain d;

	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_NEVER});
	domain_init(&d, &f, VTD_PGTT_FIRST_STAGE, DID, 0, 0);
	domain_attach(&d, RID, 2);
	domain_map_first(&d, 0x5000, 0x77000, 1, FIRST_RWU);
	fixture_ptr(&f, f.root)[vtd_root_index(RID) * 2] |= bits;
	translate(&f, RID, 2, 0x5000, UNIT_READ);
	record = take_fault(&f, 0);
	fixture_fini(&f);
	return record;
}

/* "SM: Non-zero reserved field set in Root Entry", with the PASID of the request. */
static void test_dsa_perf_micros_3_reserved_bit_in_root_entry(void **state)
{
	struct vtd_fault_record record;

	(void)state;
	for (unsigned bit = 1; bit < 12; bit++) {
		record = root_with(UINT64_C(1) << bit);
		assert_true(vtd_fault_record_F(&record));
		assert_int_equal(vtd_fault_record_FR(&record), 0x3a);
		assert_true(vtd_fault_record_PP(&record));
		assert_int_equal(vtd_fault_record_PV(&record), 2);
		assert_int_equal(vtd_fault_record_SID(&record), RID.v);
	}
	record = root_with(0);
	assert_false(vtd_fault_record_F(&record));
}

/* Register accesses of any size anywhere */

struct page_of_registers {
	int (*read)(void *arg, uint32_t offset, unsigned size, uint64_t *value);
	int (*write)(void *arg, uint32_t offset, unsigned size, uint64_t value);
	void *arg;
};

static void sweep(void *arg)
{
	const struct page_of_registers *page = arg;
	uint64_t value;

	for (uint32_t offset = 0; offset < 4096 + 16; offset++)
		for (unsigned size = 0; size <= 16; size++) {
			page->read(page->arg, offset, size, &value);
			page->write(page->arg, offset, size, 0);
			page->write(page->arg, offset, size, UINT64_MAX);
		}
}

static int unit_reads(void *arg, uint32_t offset, unsigned size, uint64_t *value)
{
	return unit_mmio_read(((struct fixture *)arg)->unit, offset, size, value);
}

static int unit_writes(void *arg, uint32_t offset, unsigned size, uint64_t value)
{
	return unit_mmio_write(((struct fixture *)arg)->unit, offset, size, value);
}

/* As it was: the model trusts the size that the bus gives it. */
static int trusting_read(void *arg, uint32_t offset, unsigned size, uint64_t *value)
{
	(void)arg;
	CHECK(size == 4 || size == 8);
	CHECK(offset + size <= 4096);
	*value = 0;
	return 0;
}

static void test_qemu_cd2729fb_register_access_of_any_size(void **state)
{
	struct fixture f;
	struct page_of_registers page = {unit_reads, unit_writes, &f};

	(void)state;
	fixture_init(&f, &(struct fixture_options){.policy = UNIT_CACHE_LRU});
	assert_int_equal(unit_run_in_child(sweep, &page), 0);
	page.read = trusting_read;
	unit_expect_check(sweep, &page);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_57f55048e564_no_dirty_bits_by_an_incoherent_walk),
		cmocka_unit_test(test_qemu_3619_address_masks_up_to_63),
		cmocka_unit_test(test_qemu_2024_type_of_the_mask_field),
		cmocka_unit_test(test_qemu_frcd_construction_with_high_bits),
		cmocka_unit_test(test_qemu_2020_shift_for_256_bit_descriptors),
		cmocka_unit_test(test_qemu_2020_present_bit_of_pasid_entries),
		cmocka_unit_test(test_dsa_perf_micros_3_reserved_bit_in_root_entry),
		cmocka_unit_test(test_qemu_cd2729fb_register_access_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
