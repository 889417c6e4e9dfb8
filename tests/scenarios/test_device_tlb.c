// SPDX-License-Identifier: MIT
/* Device-TLB invalidations that were too small, went to the wrong place, or came too late. */
#include "replay.h"

#include <errno.h>

#include "host/world.h"

#define VA   REPLAY_VA
#define NONE VSVA_PASID_INVALID

static const uint64_t places[] = {0x1000, REPLAY_VA, UINT64_C(0x7ffffffff000)};
#define PLACES 3u

/* A first stage with a page at each place. */
static uint64_t space_of_places(struct replay *r)
{
	uint64_t root = silicon_first_stage(&r->s);

	for (unsigned i = 0; i < PLACES; i++) {
		uint64_t page = silicon_page(&r->s);

		replay_put(r, page, 100 + i);
		silicon_map(&r->s, root, places[i], page, true);
	}
	return root;
}

static bool reads_places(struct replay *r, hpasid_t pasid)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (!replay_reads(r, pasid.v, places[i], 100 + i))
			return false;
	return true;
}

static bool reads_no_place(struct replay *r, hpasid_t pasid)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (!replay_reads_nothing(r, pasid.v, places[i]))
			return false;
	return true;
}

static int invalidate(struct replay *r, const struct vsva_cache_invalidate_info *info)
{
	return vsva_cache_invalidate(r->s.domain, r->s.dev, info);
}

static struct vsva_cache_invalidate_info whole_pasid(uint64_t pasid)
{
	struct vsva_cache_invalidate_info info = {.argsz = sizeof(info),
						  .version = VSVA_CACHE_INVALIDATE_VERSION_1,
						  .cache = VSVA_CACHE_INV_IOTLB,
						  .granularity = VSVA_INV_PASID};

	info.granu.pasid_info.flags = VSVA_INV_FLAG_PASID;
	info.granu.pasid_info.pasid = pasid;
	return info;
}

static struct vsva_cache_invalidate_info address(uint64_t pasid, uint64_t addr, uint64_t len)
{
	struct vsva_cache_invalidate_info info = whole_pasid(pasid);

	info.granularity = VSVA_INV_ADDR;
	info.granu.addr_info = (struct vsva_inv_addr_info){.flags = VSVA_INV_FLAG_PASID,
							   .pasid = pasid,
							   .addr = addr,
							   .granule_size = len,
							   .nb_granules = 1};
	return info;
}

/* The guest flushes a whole PASID */

static bool flush_of_a_whole_pasid(struct replay *r)
{
	uint64_t root = space_of_places(r);
	hpasid_t pasid = silicon_pasid(&r->s);
	struct vsva_cache_invalidate_info info = whole_pasid(pasid.v);

	if (silicon_bind(&r->s, pasid, root) || !reads_places(r, pasid))
		return false;
	for (unsigned i = 0; i < PLACES; i++)
		silicon_unmap(&r->s, root, places[i]);
	replay_arm(r);
	if (invalidate(r, &info))
		return false;
	replay_disarm(r);
	return reads_no_place(r, pasid);
}

/* The union that held no address was taken for one. */
static void one_page(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) != VTD_DESC_PASID_DEV_TLB)
		return;
	vtd_desc_pasid_dev_tlb_set_ADDR(desc, 0);
	vtd_desc_pasid_dev_tlb_set_S(desc, 0);
	r->sabotaged++;
}

static void test_0fa1a15fa9b3_device_tlb_flush_of_a_whole_pasid(void **state)
{
	(void)state;
	replay_survives(flush_of_a_whole_pasid, NULL);
	replay_is_seen(flush_of_a_whole_pasid, one_page, true, NULL);
}

/* Addresses */

static bool flush_of_an_unaligned_address(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	hpasid_t pasid = silicon_pasid(&r->s);
	struct vsva_cache_invalidate_info info = address(pasid.v, VA + 0x7f3, 16);

	if (silicon_bind(&r->s, pasid, a.root) || !replay_reads(r, pasid.v, VA, 111))
		return false;
	silicon_unmap(&r->s, a.root, VA);
	replay_arm(r);
	if (invalidate(r, &info))
		return false;
	replay_disarm(r);
	return replay_reads_nothing(r, pasid.v, VA);
}

static void or_whole_address(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) != VTD_DESC_PASID_DEV_TLB)
		return;
	desc->q[1] |= (VA + 0x7f3) & 0xfff;
	r->sabotaged++;
}

/* The unit refuses a descriptor with reserved bits, and nothing is flushed. */
static void test_288d08e78008_address_that_is_not_page_aligned(void **state)
{
	(void)state;
	replay_survives(flush_of_an_unaligned_address, NULL);
	replay_is_seen(flush_of_an_unaligned_address, or_whole_address, true, NULL);
}

/* By PASID only where there is one */

static bool unmap_under_a_device_without_pasids(struct replay *r)
{
	uint64_t page = silicon_page(&r->s);

	replay_put(r, page, 111);
	if (!replay_reads(r, NONE, page, 111))
		return false;
	replay_arm(r);
	if (vsva_domain_unmap(r->s.domain, gpa(page), 4096, NULL))
		return false;
	replay_disarm(r);
	return replay_reads_nothing(r, NONE, page);
}

static void by_pasid_0(struct replay *r, struct vtd_desc *desc)
{
	uint64_t sid = vtd_desc_dev_tlb_SID(desc);

	if (vtd_desc_type(desc) != VTD_DESC_DEV_TLB)
		return;
	*desc = vtd_desc_of_type(VTD_DESC_PASID_DEV_TLB);
	vtd_desc_pasid_dev_tlb_set_SID(desc, sid);
	vtd_desc_pasid_dev_tlb_set_ADDR(desc, VTD_DEVICE_TLB_ALL);
	vtd_desc_pasid_dev_tlb_set_S(desc, 1);
	r->sabotaged++;
}

static void test_e7e69461a832_flush_by_pasid_only_if_there_is_one(void **state)
{
	(void)state;
	replay_survives(unmap_under_a_device_without_pasids, NULL);
	replay_is_seen(unmap_under_a_device_without_pasids, by_pasid_0, true, NULL);
}

/* Fields */

/* What stands beside ADDR and PASID in the descriptors of this device. */
static bool has_good_fields(const struct vtd_desc *desc, uint32_t pasid)
{
	return vtd_desc_pfsid(desc) == SILICON_RID.v &&
	       vtd_desc_pasid_dev_tlb_SID(desc) == SILICON_RID.v &&
	       vtd_desc_pasid_dev_tlb_PASID(desc) == pasid;
}

static const struct silicon_options with_dit = {.ecap_set = VTD_ECAP_DIT};

/* The last device-TLB descriptor by PASID. */
struct last {
	struct vtd_desc desc;
	unsigned count;
};

static void keep_last(void *arg, struct vtd_desc *desc)
{
	struct last *last = arg;

	if (vtd_desc_type(desc) != VTD_DESC_PASID_DEV_TLB)
		return;
	last->desc = *desc;
	last->count++;
}

static struct vtd_desc flush_of(struct silicon *s, hpasid_t pasid)
{
	struct vsva_flush flush = {.pasid = pasid, .all = true};
	struct last last = {.count = 0};

	s->tap = (struct silicon_tap){.desc = keep_last, .arg = &last};
	assert_int_equal(vsva_flush_device_tlb(s->dev, &flush, false), 0);
	s->tap = (struct silicon_tap){0};
	assert_int_equal(last.count, 1);
	return last.desc;
}

static void test_5f77d6ca5ca7_pasid_does_not_spill_into_other_fields(void **state)
{
	struct replay r = {.ats = true};
	struct vsva_cache_invalidate_info info;
	struct last last = {.count = 0};
	struct vsva_flush flush = {.pasid = {VSVA_PASID_MAX + 1}};
	struct vtd_desc desc;

	(void)state;
	silicon_create_with(&r.s, &with_dit);
	desc = flush_of(&r.s, hpasid(VSVA_PASID_MAX));
	assert_true(has_good_fields(&desc, VSVA_PASID_MAX));
	r.s.tap = (struct silicon_tap){.desc = keep_last, .arg = &last};
	assert_int_equal(vsva_flush_device_tlb(r.s.dev, &flush, false), -EINVAL);
	info = whole_pasid(VSVA_PASID_MAX + 1);
	assert_int_equal(invalidate(&r, &info), -EINVAL);
	info = address(UINT64_C(1) << 32 | 5, VA, 4096);
	assert_int_equal(invalidate(&r, &info), -EINVAL);
	assert_int_equal(last.count, 0);
	/* as it was: put in its place without a mask */
	vtd_desc_pasid_dev_tlb_set_PASID(&desc, 0);
	desc.q[0] |= UINT64_C(0x300005) << 32;
	assert_false(has_good_fields(&desc, 5));
	silicon_destroy(&r.s);
}

static void test_4e7120d79edb_pfsid_is_split(void **state)
{
	struct silicon s;
	struct vtd_desc desc;

	(void)state;
	silicon_create_with(&s, &with_dit);
	desc = flush_of(&s, hpasid(5));
	assert_true(has_good_fields(&desc, 5));
	/* as it was: PFSID[11:0] at bit 52, where PFSID[15:4] belongs */
	desc.q[0] &= ~(UINT64_MAX << 52);
	desc.q[0] |= (uint64_t)(SILICON_RID.v & 0xfff) << 52;
	assert_false(has_good_fields(&desc, 5));
	silicon_destroy(&s);
}

/* ATS goes last */

struct order {
	struct silicon *s;
	bool is_negative;
	unsigned flushes, flushes_without_ats;
	unsigned let_in; /* flushes from outside while the capabilities go */
};

static void switch_ats_off(struct silicon *s)
{
	uint32_t at = 0x100, head;

	while (((head = pci_config_read(&s->config, at, 4)) & 0xffff) != 0x000f)
		at = head >> 20;
	endpoint_config_write(&s->endpoint, at + 6, 2, 0);
}

static void watch_flushes(void *arg, struct vtd_desc *desc)
{
	struct order *order = arg;

	if (vtd_desc_type(desc) != VTD_DESC_DEV_TLB &&
	    vtd_desc_type(desc) != VTD_DESC_PASID_DEV_TLB)
		return;
	order->flushes++;
	if (order->is_negative) /* the wrong order: off, and then what was cached is flushed */
		switch_ats_off(order->s);
	order->flushes_without_ats += !pci_config_ats_enabled(&order->s->config);
}

static void flush_from_outside(void *arg, uint32_t offset, uint32_t value)
{
	struct order *order = arg;
	struct vsva_flush flush = {.pasid = {VSVA_FLUSH_RID}, .all = true};

	(void)offset;
	(void)value;
	order->let_in += vsva_flush_device_tlb(order->s->dev, &flush, false) != -ENODEV;
}

static bool detach_in_order(bool is_negative)
{
	struct silicon s;
	struct order order = {.s = &s, .is_negative = is_negative};

	silicon_create(&s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
	assert_int_equal(silicon_bind(&s, silicon_pasid(&s), silicon_first_stage(&s)), 0);
	s.tap = (struct silicon_tap){
		.desc = watch_flushes, .config = flush_from_outside, .arg = &order};
	assert_int_equal(vsva_domain_detach(s.domain, s.dev), 0);
	s.tap = (struct silicon_tap){0};
	assert_false(pci_config_ats_enabled(&s.config));
	assert_true(order.flushes > 0);
	silicon_destroy(&s);
	return !order.flushes_without_ats && !order.let_in;
}

static void test_cve_2024_56669_flushes_end_before_ats_goes(void **state)
{
	(void)state;
	assert_true(detach_in_order(false));
	assert_false(detach_in_order(true));
}

/* Somebody else's unmap */

static bool unmap_names(struct world *world, rid_t rid_)
{
	unsigned named = 0;

	assert_int_equal(vsva_domain_map(world->domain, gpa(0x10000), hpa(0x10000), 4096, 3), 0);
	fake_vtd_forget_log(&world->fake);
	assert_int_equal(vsva_domain_unmap(world->domain, gpa(0x10000), 4096, NULL), 0);
	for (unsigned i = 0; i < world->fake.log_count; i++) {
		const struct vtd_desc *desc = &world->fake.log[i];

		if (vtd_desc_type(desc) == VTD_DESC_DEV_TLB)
			named += vtd_desc_dev_tlb_SID(desc) == rid_.v;
		else if (vtd_desc_type(desc) == VTD_DESC_PASID_DEV_TLB)
			named += vtd_desc_pasid_dev_tlb_SID(desc) == rid_.v;
	}
	return named > 0;
}

/* Its tags stayed in the domain after it had gone, because ATS was off when they were looked for.
 * Seen while it is there: an unmap does name it. */
static void test_cve_2024_56669_no_tag_of_a_device_outlives_it(void **state)
{
	struct world *world = *state;
	struct vsva_gpasid_bind_data data = world_bind_data(world_pasid(world), gpasid(1));
	struct host_dev_info info = {.rid = rid(0x0300), .pf_rid = rid(0x0300), .is_pci = true};
	struct fake_pci pci;
	struct vsva_dev *dev;

	fake_pci_init(&pci, FAKE_HAS_ALL, 20);
	info.config = pci.port;
	assert_int_equal(host_dev_add(world->iommu, &info, &dev), 0);
	assert_int_equal(vsva_domain_attach(world->domain, dev), 0);
	assert_int_equal(vsva_bind_gpasid(world->domain, dev, &data), 0);
	assert_true(unmap_names(world, info.rid));
	assert_int_equal(vsva_domain_detach(world->domain, dev), 0);
	assert_false(unmap_names(world, info.rid));
	assert_int_equal(host_dev_remove(dev), 0);
	assert_false(unmap_names(world, info.rid));
	assert_true(unmap_names(world, RID_PF));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_0fa1a15fa9b3_device_tlb_flush_of_a_whole_pasid),
		cmocka_unit_test(test_288d08e78008_address_that_is_not_page_aligned),
		cmocka_unit_test(test_e7e69461a832_flush_by_pasid_only_if_there_is_one),
		cmocka_unit_test(test_5f77d6ca5ca7_pasid_does_not_spill_into_other_fields),
		cmocka_unit_test(test_4e7120d79edb_pfsid_is_split),
		cmocka_unit_test(test_cve_2024_56669_flushes_end_before_ats_goes),
		cmocka_unit_test_setup_teardown(test_cve_2024_56669_no_tag_of_a_device_outlives_it,
						world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
