// SPDX-License-Identifier: MIT
/* Defects that left in the unit's caches, or in a device TLB, what had been taken away. */
#include "replay.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rcu.h"
#include "tables_of_unit.h"

#define VA   REPLAY_VA
#define NONE VSVA_PASID_INVALID

/* Saboteurs */

static bool is_domain_iotlb(const struct vtd_desc *desc)
{
	return vtd_desc_type(desc) == VTD_DESC_IOTLB && vtd_desc_iotlb_G(desc) == VTD_IOTLB_DOMAIN;
}

static void leave_out_pasid_cache(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) == VTD_DESC_PASID_CACHE)
		replay_leave_out(r, desc);
}

static void leave_out_iotlb(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) == VTD_DESC_IOTLB)
		replay_leave_out(r, desc);
}

static void leave_out_device_tlb(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) == VTD_DESC_PASID_DEV_TLB)
		replay_leave_out(r, desc);
}

/* A PASID is torn down and set up again for somebody else. */

static bool pasid_reuse(struct replay *r)
{
	struct replay_space a = replay_space(r, 111), b = replay_space(r, 222);
	hpasid_t pasid = silicon_pasid(&r->s);

	if (silicon_bind(&r->s, pasid, a.root) || !replay_reads(r, pasid.v, VA, 111))
		return false;
	replay_arm(r);
	if (silicon_unbind(&r->s, pasid))
		return false;
	replay_disarm(r);
	return replay_reads_nothing(r, pasid.v, VA) && !silicon_bind(&r->s, pasid, b.root) &&
	       replay_reads(r, pasid.v, VA, 222);
}

static void test_pasid_cache_flush_at_teardown(void **state)
{
	(void)state;
	replay_survives(pasid_reuse, NULL);
	replay_is_seen(pasid_reuse, leave_out_pasid_cache, false, NULL);
}

static void test_1f5e307ca16c_device_tlb_with_and_without_caching_mode(void **state)
{
	struct silicon_options caching = {.cap_set = VTD_CAP_CM};

	(void)state;
	replay_survives(pasid_reuse, &caching);
	replay_is_seen(pasid_reuse, leave_out_device_tlb, true, &caching);
	replay_is_seen(pasid_reuse, leave_out_device_tlb, true, NULL);
}

/* A VM of its own: a copy of guest memory, with another value in one page. */
struct tenant {
	struct vsva_domain *domain;
	void *memory;
	hpa_t base;
};

static void tenant_create(struct replay *r, struct tenant *tenant, uint64_t page, uint64_t value)
{
	struct silicon *s = &r->s;

	tenant->memory =
		mmap(NULL, GUEST_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(tenant->memory != MAP_FAILED);
	memcpy(tenant->memory, s->memory, GUEST_LEN);
	*(uint64_t *)(void *)((unsigned char *)tenant->memory + page) = value;
	assert_int_equal(physmem_add(s->physmem, tenant->memory, GUEST_LEN, true, &tenant->base),
			 0);
}

static void tenant_destroy(struct replay *r, struct tenant *tenant)
{
	assert_int_equal(physmem_remove(r->s.physmem, tenant->base), 0);
	rcu_synchronize();
	munmap(tenant->memory, GUEST_LEN);
}

static void tenant_begins(struct replay *r, struct tenant *tenant)
{
	struct silicon *s = &r->s;

	assert_int_equal(
		vsva_domain_alloc(s->iommu, s->set, VSVA_DOMAIN_NESTING, 2, &tenant->domain), 0);
	assert_int_equal(vsva_domain_map(tenant->domain, gpa(0), tenant->base, GUEST_LEN, 3), 0);
	assert_int_equal(vsva_domain_attach(tenant->domain, s->dev), 0);
}

static void tenant_ends(struct replay *r, struct tenant *tenant)
{
	assert_int_equal(vsva_domain_detach(tenant->domain, r->s.dev), 0);
	assert_int_equal(vsva_domain_free(tenant->domain), 0);
}

static bool tenant_binds(struct replay *r, const struct tenant *tenant, hpasid_t pasid,
			 uint64_t root)
{
	struct vsva_gpasid_bind_data data = {.argsz = sizeof(data),
					     .version = VSVA_GPASID_BIND_VERSION_1,
					     .format = VSVA_PASID_FORMAT_INTEL_VTD,
					     .addr_width = 48,
					     .gpgd = root,
					     .hpasid = pasid.v};

	return vsva_bind_gpasid(tenant->domain, r->s.dev, &data) == 0;
}

/* The first PASID of an attached device changes its context entry, which flushes its domain: the
 * second is what this is about. */
static bool tenant_reads(struct replay *r, const struct tenant *tenant, const hpasid_t pasids[2],
			 uint64_t root, uint64_t value)
{
	return tenant_binds(r, tenant, pasids[0], root) &&
	       tenant_binds(r, tenant, pasids[1], root) && replay_reads(r, pasids[1].v, VA, value);
}

static bool tenants_read(struct replay *r, uint64_t root, struct tenant *first,
			 struct tenant *second)
{
	hpasid_t pasids[2] = {silicon_pasid(&r->s), silicon_pasid(&r->s)};
	bool first_reads, second_reads;

	tenant_begins(r, first);
	first_reads = tenant_reads(r, first, pasids, root, 111);
	replay_arm(r);
	tenant_ends(r, first);
	replay_disarm(r);
	tenant_begins(r, second);
	second_reads = tenant_reads(r, second, pasids, root, 222);
	tenant_ends(r, second);
	return first_reads && second_reads;
}

/* The same PASID, guest addresses and domain id, another VM: what is left of the first one's second
 * stage would lead into its memory. */
static bool next_vm(struct replay *r)
{
	struct replay_space space = replay_space(r, 0);
	struct tenant first, second;
	bool holds;

	assert_int_equal(vsva_domain_detach(r->s.domain, r->s.dev), 0);
	tenant_create(r, &first, space.page, 111);
	tenant_create(r, &second, space.page, 222);
	holds = tenants_read(r, space.root, &first, &second);
	tenant_destroy(r, &first);
	tenant_destroy(r, &second);
	return holds;
}

static void leave_out_domain_iotlb(struct replay *r, struct vtd_desc *desc)
{
	if (is_domain_iotlb(desc))
		replay_leave_out(r, desc);
}

/* Nested entries are cached by domain too: PASID-selective invalidation does not reach the second
 * stage. */
static void test_8798d36_incomplete_cache_flush_in_pasid_teardown(void **state)
{
	(void)state;
	replay_survives(next_vm, NULL);
	replay_is_seen(next_vm, leave_out_domain_iotlb, false, NULL);
}

/* Caching mode */

static void flush_pasid_0(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) != VTD_DESC_PASID_CACHE)
		return;
	vtd_desc_pasid_cache_set_PASID(desc, 0);
	r->sabotaged++;
}

static bool bind_what_was_asked_for(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	hpasid_t first = silicon_pasid(&r->s), second = silicon_pasid(&r->s);

	/* the context entry lets PASIDs pass from the first bind on */
	if (silicon_bind(&r->s, first, a.root) || !replay_reads_nothing(r, second.v, VA))
		return false;
	replay_arm(r);
	if (silicon_bind(&r->s, second, a.root))
		return false;
	replay_disarm(r);
	return replay_reads(r, second.v, VA, 111);
}

static void test_971401015d14_real_pasid_for_flush_in_caching_mode(void **state)
{
	struct silicon_options caching = {.cap_set = VTD_CAP_CM};

	(void)state;
	replay_survives(bind_what_was_asked_for, &caching);
	replay_is_seen(bind_what_was_asked_for, flush_pasid_0, false, &caching);
}

static bool attach_again(struct replay *r)
{
	static const struct vsva_rid_config blocked = {.kind = VSVA_RID_BLOCKED};
	struct replay_space a = replay_space(r, 111);
	struct silicon *s = &r->s;

	if (vsva_attach_rid(s->domain, s->dev, &blocked) || !replay_reads_nothing(r, NONE, a.page))
		return false;
	return !vsva_domain_detach(s->domain, s->dev) && replay_reads_nothing(r, NONE, a.page) &&
	       !vsva_domain_attach(s->domain, s->dev) && replay_reads(r, NONE, a.page, 111);
}

/* Ours: what was not present is cached under domain 0, which nobody flushed. */
static void test_caching_mode_files_what_is_not_present_under_domain_0(void **state)
{
	struct silicon_options caching = {.cap_set = VTD_CAP_CM};

	(void)state;
	replay_survives(attach_again, &caching);
	replay_survives(attach_again, NULL);
}

/* Context entry */

/* The device does not answer: its context entry is closed, and the entries of its PASIDs must not
 * be found in the PASID cache any more. */
static bool context_is_closed(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	hpasid_t pasid = silicon_pasid(&r->s), other = silicon_pasid(&r->s);

	if (silicon_bind(&r->s, pasid, a.root) || silicon_bind(&r->s, other, a.root) ||
	    !replay_reads(r, pasid.v, VA, 111))
		return false;
	endpoint_set_gone(&r->s.endpoint, true);
	replay_arm(r);
	if (silicon_unbind(&r->s, other) != -ETIMEDOUT)
		return false;
	replay_disarm(r);
	endpoint_set_gone(&r->s.endpoint, false);
	return replay_reads_nothing(r, pasid.v, VA);
}

static void leave_out_global_pasid_cache(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) == VTD_DESC_PASID_CACHE &&
	    vtd_desc_pasid_cache_G(desc) == VTD_PASID_CACHE_GLOBAL)
		replay_leave_out(r, desc);
}

static void test_pasid_cache_flush_when_context_entry_changed(void **state)
{
	(void)state;
	replay_survives(context_is_closed, NULL);
	replay_is_seen(context_is_closed, leave_out_global_pasid_cache, false, NULL);
}

/* Parent and children */

static void map_two(struct replay *r, const struct replay_space *space, uint64_t page)
{
	replay_put(r, page, 333);
	silicon_map(&r->s, space->root, VA + 4096, page, true);
}

static bool unmap_in_parent(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	hpasid_t pasid = silicon_pasid(&r->s);
	uint64_t other = silicon_page(&r->s);

	map_two(r, &a, other);
	r->did = host_domain_did(r->s.domain);
	if (silicon_bind(&r->s, pasid, a.root) || !replay_reads(r, pasid.v, VA, 111) ||
	    !replay_reads(r, pasid.v, VA + 4096, 333) || !replay_reads(r, NONE, a.page, 111))
		return false;
	replay_arm(r);
	if (vsva_domain_unmap(r->s.domain, gpa(a.page), 4096, NULL))
		return false;
	replay_disarm(r);
	return replay_reads_nothing(r, pasid.v, VA) && replay_reads_nothing(r, NONE, a.page) &&
	       replay_reads(r, pasid.v, VA + 4096, 333);
}

static void leave_out_children(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) == VTD_DESC_IOTLB && vtd_desc_iotlb_DID(desc) != r->did.v)
		replay_leave_out(r, desc);
}

static void leave_out_did(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) == VTD_DESC_IOTLB && vtd_desc_iotlb_DID(desc) == r->did.v)
		replay_leave_out(r, desc);
}

static void test_f1e1610950ea_parent_unmap_reaches_nested_domains(void **state)
{
	(void)state;
	replay_survives(unmap_in_parent, NULL);
	replay_is_seen(unmap_in_parent, leave_out_children, false, NULL);
	replay_is_seen(unmap_in_parent, leave_out_did, false, NULL);
}

/* The 2024 series, and pKVM #91: parents flushed their children's IOTLB and not the device TLB. */
static void test_parent_unmap_reaches_device_tlb(void **state)
{
	(void)state;
	replay_is_seen(unmap_in_parent, leave_out_device_tlb, true, NULL);
}

static void without_pasid(struct replay *r, struct vtd_desc *desc)
{
	uint64_t sid = vtd_desc_pasid_dev_tlb_SID(desc);

	if (vtd_desc_type(desc) != VTD_DESC_PASID_DEV_TLB)
		return;
	*desc = vtd_desc_of_type(VTD_DESC_DEV_TLB);
	vtd_desc_dev_tlb_set_SID(desc, sid);
	vtd_desc_dev_tlb_set_ADDR(desc, VTD_DEVICE_TLB_ALL);
	vtd_desc_dev_tlb_set_S(desc, 1);
	r->sabotaged++;
}

static void test_flush_all_of_device_tlb_names_the_pasid(void **state)
{
	(void)state;
	replay_is_seen(unmap_in_parent, without_pasid, true, NULL);
}

#define MANY 100u

/* More children than a domain has ids for. */
static bool unmap_with_many_children(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	hpasid_t pasids[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		pasids[i] = silicon_pasid(&r->s);
		if (silicon_bind(&r->s, pasids[i], a.root) ||
		    !replay_reads(r, pasids[i].v, VA, 111))
			return false;
	}
	assert_int_equal(host_child_did(r->s.dev, pasids[MANY - 1], &r->did), 0);
	replay_arm(r);
	if (vsva_domain_unmap(r->s.domain, gpa(a.page), 4096, NULL))
		return false;
	replay_disarm(r);
	for (unsigned i = 0; i < MANY; i++)
		if (!replay_reads_nothing(r, pasids[i].v, VA))
			return false;
	return true;
}

static void test_parent_unmap_reaches_the_last_of_many_children(void **state)
{
	(void)state;
	replay_survives(unmap_with_many_children, NULL);
	replay_is_seen(unmap_with_many_children, leave_out_did, false, NULL);
	replay_is_seen(unmap_with_many_children, leave_out_device_tlb, true, NULL);
}

/* A write through a child must be found in the parent's dirty bits. Negative: the child's entry was
 * not told that dirty bits are kept. */
static bool dirty_child(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	struct silicon *s = &r->s;
	hpasid_t pasid = silicon_pasid(s);
	struct vtd_pasid_entry *entry;
	uint64_t *leaf;

	if (silicon_bind(s, pasid, a.root))
		return false;
	entry = tables_pasid(s->unit, s->physmem, SILICON_RID, pasid.v);
	vtd_pasid_entry_set_SSADE(entry, !r->is_negative);
	leaf = tables_second_stage_leaf(s->physmem, entry, a.page);
	*leaf &= ~(uint64_t)VTD_SS_PTE_D;
	return silicon_write(s, pasid.v, VA, r->ats, 222) == DMA_OK && *leaf & VTD_SS_PTE_D;
}

static void test_dirty_tracking_reaches_nested_children(void **state)
{
	struct silicon_options dirty = {.domain_flags = VSVA_DOMAIN_DIRTY};

	(void)state;
	replay_survives(dirty_child, &dirty);
	replay_is_seen(dirty_child, NULL, false, &dirty);
}

/* Ranges */

/* The first unmap splits a large page. What is cached of the rest is cached in small ones. */
static bool unmap_of_pages(struct replay *r, uint64_t first, uint64_t end)
{
	uint64_t base, apart;

	do
		base = silicon_page(&r->s);
	while (base % 0x10000);
	for (unsigned i = 1; i < 16; i++)
		silicon_page(&r->s);
	apart = silicon_page(&r->s);
	if (vsva_domain_unmap(r->s.domain, gpa(apart), 4096, NULL))
		return false;
	for (uint64_t page = 0; page < 16; page++) {
		replay_put(r, base + page * 4096, page);
		if (!replay_reads(r, NONE, base + page * 4096, page))
			return false;
	}
	replay_arm(r);
	if (vsva_domain_unmap(r->s.domain, gpa(base + first * 4096), (end - first) * 4096, NULL))
		return false;
	replay_disarm(r);
	for (uint64_t page = 0; page < 16; page++)
		if (page >= first && page < end ? !replay_reads_nothing(r, NONE, base + page * 4096)
						: !replay_reads(r, NONE, base + page * 4096, page))
			return false;
	return true;
}

static void too_short(struct replay *r, struct vtd_desc *desc)
{
	if (vtd_desc_type(desc) != VTD_DESC_IOTLB || !vtd_desc_iotlb_AM(desc))
		return;
	vtd_desc_iotlb_set_AM(desc, vtd_desc_iotlb_AM(desc) - 1);
	r->sabotaged++;
}

static bool partial_unmap(struct replay *r)
{
	return unmap_of_pages(r, 4, 8);
}

static void test_cve_2026_31735_short_invalidation_after_partial_unmap(void **state)
{
	(void)state;
	replay_survives(partial_unmap, NULL);
	replay_is_seen(partial_unmap, too_short, false, NULL);
}

/* Two pages, but no naturally aligned pair: a mask that is made of their number misses one. */
static bool unaligned_unmap(struct replay *r)
{
	return unmap_of_pages(r, 5, 7);
}

static void test_unaligned_flush_range_is_covered(void **state)
{
	(void)state;
	replay_survives(unaligned_unmap, NULL);
	replay_is_seen(unaligned_unmap, too_short, false, NULL);
}

/* Tables */

/* The pages of removed tables serve others at once; no structure cache may still lead there. */
static bool table_reuse(struct replay *r)
{
	uint64_t far = UINT64_C(1) << 40;
	struct silicon *s = &r->s;
	hpa_t pages[32];
	void *memory;
	bool holds;

	replay_put(r, 0, 111);
	if (vsva_domain_map(s->domain, gpa(far), s->base, 4096, 3) ||
	    !replay_reads(r, NONE, far, 111))
		return false;
	replay_arm(r);
	if (vsva_domain_unmap(s->domain, gpa(far), 4096, NULL))
		return false;
	replay_disarm(r);
	for (unsigned i = 0; i < 32; i++) {
		assert_int_equal(physmem_alloc_pages(s->physmem, 0, &pages[i], &memory), 0);
		memset(memory, 0xff, 4096);
	}
	holds = replay_reads_nothing(r, NONE, far);
	for (unsigned i = 0; i < 32; i++)
		physmem_free_pages(s->physmem, pages[i], 0);
	return holds;
}

static void test_cve_2025_71202_second_stage_tables_are_reused(void **state)
{
	(void)state;
	replay_survives(table_reuse, NULL);
	replay_is_seen(table_reuse, leave_out_iotlb, false, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pasid_cache_flush_at_teardown),
		cmocka_unit_test(test_8798d36_incomplete_cache_flush_in_pasid_teardown),
		cmocka_unit_test(test_1f5e307ca16c_device_tlb_with_and_without_caching_mode),
		cmocka_unit_test(test_971401015d14_real_pasid_for_flush_in_caching_mode),
		cmocka_unit_test(test_caching_mode_files_what_is_not_present_under_domain_0),
		cmocka_unit_test(test_pasid_cache_flush_when_context_entry_changed),
		cmocka_unit_test(test_f1e1610950ea_parent_unmap_reaches_nested_domains),
		cmocka_unit_test(test_parent_unmap_reaches_device_tlb),
		cmocka_unit_test(test_flush_all_of_device_tlb_names_the_pasid),
		cmocka_unit_test(test_parent_unmap_reaches_the_last_of_many_children),
		cmocka_unit_test(test_dirty_tracking_reaches_nested_children),
		cmocka_unit_test(test_cve_2026_31735_short_invalidation_after_partial_unmap),
		cmocka_unit_test(test_unaligned_flush_range_is_covered),
		cmocka_unit_test(test_cve_2025_71202_second_stage_tables_are_reused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
