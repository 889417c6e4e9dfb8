// SPDX-License-Identifier: MIT
/* Defects of binding: sizes of tables, records that were not there, locks that were held. */
#include "replay.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "base/rcu.h"
#include "host/world.h"
#include "tables_of_unit.h"
#include "vtd/registers.h"

#define VA REPLAY_VA

/* How large a directory is: 2^(PDTS+7) entries of 64 PASIDs for 2^(PSS+1) PASIDs */

static hpasid_t last_pasid(struct silicon *s, unsigned bits)
{
	hpasid_t pasid;

	assert_int_equal(vsva_ioasid_alloc(s->set, (1u << bits) - 1, VSVA_PASID_MAX, NULL, &pasid),
			 0);
	assert_int_equal(pasid.v, (1u << bits) - 1);
	return pasid;
}

/* Negative: the context entry says half the size. */
static bool last_pasid_translates(unsigned bits, bool is_negative)
{
	struct silicon_options options = {.policy = UNIT_CACHE_NEVER,
					  .no_pri = true,
					  .ecap_clear = vtd_ECAP_with_PSS(0, 31),
					  .ecap_set = vtd_ECAP_with_PSS(0, bits - 1)};
	struct vtd_context_entry *context;
	struct replay r = {.ats = false};
	struct replay_space a;
	uint64_t pdts;
	bool holds;

	silicon_create_with(&r.s, &options);
	a = replay_space(&r, 111);
	assert_int_equal(silicon_bind(&r.s, last_pasid(&r.s, bits), a.root), 0);
	context = tables_context(r.s.unit, r.s.physmem, SILICON_RID);
	pdts = vtd_context_entry_PDTS(context);
	if (is_negative)
		vtd_context_entry_set_PDTS(context, pdts - 1);
	holds = replay_reads(&r, (1u << bits) - 1, VA, 111) && replay_reads_nothing(&r, 1, VA);
	vtd_context_entry_set_PDTS(context, pdts);
	silicon_destroy(&r.s);
	return holds;
}

static void test_65ca7f5f7d1c_pasid_table_size(void **state)
{
	(void)state;
	for (unsigned bits = 13; bits <= 20; bits++) {
		assert_true(last_pasid_translates(bits, false));
		if (bits >= 14)
			assert_false(last_pasid_translates(bits, true));
	}
}

/* The first that does not exist is not given out, nor bound, nor looked for. */
static void test_65ca7f5f7d1c_pasid_beyond_the_table(void **state)
{
	uint64_t ecap = vtd_ECAP_with_PSS(world_ecap(), 13);
	struct world *world = world_create_with(world_cap(), ecap);
	struct vsva_gpasid_bind_data data = world_bind_data(hpasid(1u << 14), gpasid(1));
	struct vtd_pasid_entry entry;
	hpasid_t pasid;

	(void)state;
	assert_int_equal(vsva_ioasid_alloc(world->set, 1u << 14, VSVA_PASID_MAX, NULL, &pasid),
			 -ENOSPC);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), -ENOENT);
	assert_int_equal(host_pasid_entry(world->dev, hpasid(1u << 14), &entry), -ENOENT);
	data.hpasid = VSVA_PASID_MAX + 1;
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), -EINVAL);
	data.hpasid = 0;
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), -EINVAL);
	/* the one before it is */
	assert_int_equal(
		vsva_ioasid_alloc(world->set, (1u << 14) - 1, VSVA_PASID_MAX, NULL, &pasid), 0);
	data.hpasid = pasid.v;
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
	world_destroy(world);
}

/* Dirty tracking is refused where a walk does not snoop. */
static int alloc_dirty(uint64_t without)
{
	struct world *world = world_create_bare(world_cap(), vtd_without(world_ecap(), without));
	struct vsva_domain *domain;
	int err = vsva_domain_alloc(world->iommu, NULL, VSVA_DOMAIN_DIRTY, 1, &domain);

	if (!err)
		assert_int_equal(vsva_domain_free(domain), 0);
	world_destroy(world);
	return err;
}

static void test_57f55048e564_dirty_tracking_is_refused(void **state)
{
	(void)state;
	assert_int_equal(alloc_dirty(VTD_ECAP_SMPWC), -ENOTSUP);
	assert_int_equal(alloc_dirty(VTD_ECAP_SSADS), -ENOTSUP);
	assert_int_equal(alloc_dirty(0), 0);
}

/* Records that are not there yet */

struct second {
	struct fake_pci pci;
	struct vsva_dev *dev;
	rid_t rid;
};

static void add_second(struct world *world, struct second *second)
{
	struct host_dev_info info = {.rid = rid(0x0300), .pf_rid = rid(0x0300), .is_pci = true};

	fake_pci_init(&second->pci, FAKE_HAS_ALL, 20);
	info.config = second->pci.port;
	second->rid = info.rid;
	assert_int_equal(host_dev_add(world->iommu, &info, &second->dev), 0);
	assert_int_equal(vsva_domain_attach(world->domain, second->dev), 0);
}

/* A page request of a device whose record for the PASID may not exist. */
static void request_of(struct world *world, const struct second *second, hpasid_t pasid)
{
	struct vtd_page_request request =
		world_request(second->rid, pasid.v, VA, VSVA_FAULT_PERM_READ, 3, true);

	assert_true(fake_vtd_page_request(&world->fake, &request));
	world_run(world);
}

/* The PASID is bound on one device, on the other nothing was ever bound: whatever asks for the
 * record of (device, PASID) finds that there is none. */
static void test_bind_before_the_record_of_the_device_exists(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(7)), other = data;
	struct vsva_flush flush = {.pasid = pasid, .all = true};
	struct second second;
	did_t did_;

	add_second(world, &second);
	assert_int_equal(host_child_did(second.dev, pasid, &did_), -ENOENT);
	assert_int_equal(vsva_unbind_gpasid(world->domain, second.dev, pasid), 0);
	assert_int_equal(vsva_flush_iotlb(second.dev, &flush), 0);
	fake_vtd_forget_log(&world->fake);
	request_of(world, &second, pasid);
	expect_response(world, 0, second.rid, pasid.v, 3, VTD_RESPONSE_INVALID);
	other.gpgd += 4096; /* compared with nothing, for there is nothing */
	assert_int_equal(vsva_bind_gpasid(world->domain, second.dev, &other), 0);
	assert_int_equal(host_child_did(second.dev, pasid, &did_), 0);
	assert_int_equal(vsva_bind_gpasid(world->domain, second.dev, &data), -EBUSY);
	assert_int_equal(host_dev_remove(second.dev), 0);
}

/* A driver that finds the record by PASID, which is the first device's, or none. */
static void use_a_record_that_is_not_there(void *arg)
{
	const volatile uint32_t *record = arg;

	(void)*record;
}

static void test_use_of_a_record_that_does_not_exist_is_seen(void **state)
{
	(void)state;
	assert_int_not_equal(unit_run_in_child(use_a_record_that_is_not_there, NULL), 0);
}

/* Each step of the first bind on a device fails in turn, and what was done before is undone. */
static void test_bind_on_a_second_device_fail_nth(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(7));
	unsigned nth = 0, failed = 0;
	uint64_t steps;

	do {
		struct second second;
		struct vsva_iommu_stats stats;
		int err;

		add_second(world, &second);
		fail_nth_set(++nth, 0);
		err = vsva_bind_gpasid(world->domain, second.dev, &data);
		steps = fail_nth_hits();
		fail_nth_set(0, 0);
		failed += err != 0;
		vsva_iommu_get_stats(world->iommu, &stats);
		assert_int_equal(stats.bound_now, err ? 1 : 2);
		assert_int_equal(vsva_unbind_gpasid(world->domain, second.dev, pasid), 0);
		assert_int_equal(host_dev_remove(second.dev), 0);
	} while (steps >= nth);
	assert_true(failed > 0);
}

/* Aux detach */

/* The part of a function that had a domain is detached, and the domain goes: nothing of it may be
 * used any more, by the device or by the driver. */
static bool aux_detach(struct replay *r)
{
	struct silicon *s = &r->s;
	uint64_t page = silicon_page(s);
	hpasid_t base = silicon_pasid(s);
	struct vsva_domain *domain;
	struct vsva_dev *sub;
	bool holds;

	replay_put(r, page, 111);
	assert_int_equal(vsva_domain_alloc(s->iommu, NULL, 0, 2, &domain), 0);
	assert_int_equal(vsva_domain_map(domain, gpa(0), s->base, GUEST_LEN, 3), 0);
	assert_int_equal(host_subdev_add(s->dev, base, &sub), 0);
	assert_int_equal(vsva_domain_attach(domain, sub), 0);
	holds = replay_reads(r, base.v, page, 111);
	replay_arm(r);
	assert_int_equal(vsva_domain_detach(domain, sub), 0);
	assert_int_equal(vsva_domain_free(domain), 0);
	replay_disarm(r);
	rcu_barrier();
	holds = holds && replay_reads_nothing(r, base.v, page);
	assert_int_equal(vsva_domain_attach(s->domain, sub), 0);
	holds = holds && replay_reads(r, base.v, page, 111);
	assert_int_equal(host_dev_remove(sub), 0);
	return holds && replay_reads_nothing(r, base.v, page);
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

static void test_aux_detach_leaves_nothing_in_use(void **state)
{
	(void)state;
	replay_survives(aux_detach, NULL);
	replay_is_seen(aux_detach, leave_out_iotlb, false, NULL);
	replay_is_seen(aux_detach, leave_out_device_tlb, true, NULL);
}

/* Locks that were held during a drain */

/* The unit never gets to see the tail that ends a drain, until somebody else moves it on. */
struct withheld {
	struct silicon s;
	hpasid_t pasid, other;
	bool is_drain;    /* the descriptor before the tail drains */
	bool is_withheld; /* atomic */
	bool is_done;     /* atomic: unbound */
	int err;
};

static void note_drain(void *arg, struct vtd_desc *desc)
{
	struct withheld *w = arg;

	w->is_drain = vtd_desc_type(desc) == VTD_DESC_WAIT && vtd_desc_wait_PD(desc);
}

static bool withhold_drain(void *arg, uint32_t offset, uint64_t value)
{
	struct withheld *w = arg;

	(void)value;
	if (offset != VTD_REG_IQT || !w->is_drain ||
	    __atomic_load_n(&w->is_withheld, __ATOMIC_ACQUIRE))
		return true;
	__atomic_store_n(&w->is_withheld, true, __ATOMIC_RELEASE);
	return false;
}

static void begin_withheld(struct withheld *w, enum worker_mode mode)
{
	struct silicon *s = &w->s;
	uint64_t root;

	silicon_create(s, UNIT_CACHE_LRU, mode, true);
	s->answer_requests = true;
	root = silicon_first_stage(s);
	w->pasid = silicon_pasid(s);
	w->other = silicon_pasid(s);
	assert_int_equal(silicon_bind(s, w->pasid, root), 0);
	assert_int_equal(silicon_bind(s, w->other, root), 0);
	s->tap = (struct silicon_tap){.desc = note_drain, .write = withhold_drain, .arg = w};
}

static void *unbind_in_thread(void *arg)
{
	struct withheld *w = arg;

	w->err = silicon_unbind(&w->s, w->pasid);
	__atomic_store_n(&w->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* While one unbind waits for its drain: ids are allocated, another PASID's page request is taken in,
 * reported, and answered; the answer moves the tail on, and the drain ends. With the unit's lock
 * held none of it could be, and the unbind would end in a time-out. */
static void test_teardown_drains_without_the_units_lock(void **state)
{
	struct withheld w = {.err = 1};
	struct dma_context context = {.use_ats = true};
	pthread_t thread;
	hpasid_t pasid;

	(void)state;
	begin_withheld(&w, WORKERS_THREADS);
	context.pasid = w.other.v;
	assert_int_equal(pthread_create(&thread, NULL, unbind_in_thread, &w), 0);
	while (!__atomic_load_n(&w.is_withheld, __ATOMIC_ACQUIRE))
		sched_yield();
	pasid = silicon_pasid(&w.s);
	vsva_ioasid_free(w.s.set, pasid);
	assert_false(__atomic_load_n(&w.is_done, __ATOMIC_ACQUIRE));
	assert_true(endpoint_page_request(&w.s.endpoint, &context, VA, UNIT_READ) >= 0);
	pthread_join(thread, NULL);
	assert_int_equal(w.err, 0);
	silicon_run(&w.s);
	assert_int_equal(w.s.requests, 1);
	assert_int_equal(w.s.answers, 1);
	assert_int_equal(w.s.last_code, 0);
	silicon_destroy(&w.s);
}

/* Nobody gets through who could move the tail on: this is how it would end. */
static void test_teardown_that_keeps_others_out_is_seen(void **state)
{
	struct withheld w = {.err = 1};

	(void)state;
	begin_withheld(&w, WORKERS_MANUAL);
	assert_int_equal(silicon_unbind(&w.s, w.pasid), -ETIMEDOUT);
	assert_true(w.is_withheld);
	silicon_destroy(&w.s);
}

/* Two who look for the same PASID at once */

struct pair {
	struct replay *r;
	hpasid_t pasid;
	unsigned round;   /* atomic: that may begin */
	unsigned ended;   /* atomic */
	bool stop;        /* atomic */
	bool leaves_out;  /* no PASID cache is flushed */
	bool is_teardown; /* atomic */
};

static void leave_out_pasid_cache(void *arg, struct vtd_desc *desc)
{
	struct pair *pair = arg;

	if (pair->leaves_out && vtd_desc_type(desc) == VTD_DESC_PASID_CACHE &&
	    __atomic_load_n(&pair->is_teardown, __ATOMIC_ACQUIRE))
		silicon_drop(desc);
}

static bool wait_for_round(struct pair *pair, unsigned round)
{
	while (__atomic_load_n(&pair->round, __ATOMIC_ACQUIRE) < round) {
		if (__atomic_load_n(&pair->stop, __ATOMIC_ACQUIRE))
			return false;
		sched_yield();
	}
	return true;
}

static void *request_pages(void *arg)
{
	struct pair *pair = arg;
	struct dma_context context = {.pasid = pair->pasid.v, .use_ats = true};

	for (unsigned round = 1; wait_for_round(pair, round); round++) {
		for (unsigned i = 0; i < 3; i++)
			endpoint_page_request(&pair->r->s.endpoint, &context, VA + 4096, UNIT_READ);
		__atomic_fetch_add(&pair->ended, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* DMA and a page request meet a PASID for the first time; what both put in the caches must be one
 * thing, which goes with one flush. */
static bool both_find_the_pasid(struct pair *pair, unsigned round, const struct replay_space *space)
{
	struct replay *r = pair->r;
	bool holds;

	if (silicon_bind(&r->s, pair->pasid, space->root))
		return false;
	__atomic_store_n(&pair->round, round, __ATOMIC_RELEASE);
	holds = replay_reads(r, pair->pasid.v, VA, 100 + round % 2);
	while (__atomic_load_n(&pair->ended, __ATOMIC_ACQUIRE) < round)
		sched_yield();
	__atomic_store_n(&pair->is_teardown, true, __ATOMIC_RELEASE);
	if (silicon_unbind(&r->s, pair->pasid))
		return false;
	__atomic_store_n(&pair->is_teardown, false, __ATOMIC_RELEASE);
	return holds && replay_reads_nothing(r, pair->pasid.v, VA);
}

static bool rounds_of_both(struct pair *pair, unsigned rounds)
{
	struct replay_space spaces[2] = {replay_space(pair->r, 100), replay_space(pair->r, 101)};
	bool holds = true;

	for (unsigned round = 1; round <= rounds && holds; round++)
		holds = both_find_the_pasid(pair, round, &spaces[round % 2]);
	return holds;
}

static bool two_create_one_pasid_space(bool leaves_out, enum unit_cache_policy policy)
{
	struct replay r = {.ats = false};
	struct pair pair = {.r = &r, .leaves_out = leaves_out};
	struct silicon_options options = {.policy = policy,
					  .mode = WORKERS_THREADS,
					  .tap = {.desc = leave_out_pasid_cache, .arg = &pair}};
	pthread_t thread;
	bool holds;

	silicon_create_with(&r.s, &options);
	r.s.answer_requests = true;
	pair.pasid = silicon_pasid(&r.s);
	assert_int_equal(pthread_create(&thread, NULL, request_pages, &pair), 0);
	holds = rounds_of_both(&pair, 100);
	__atomic_store_n(&pair.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	silicon_destroy(&r.s);
	return holds;
}

static void test_qemu_2025_two_threads_create_one_pasid_space(void **state)
{
	(void)state;
	assert_true(two_create_one_pasid_space(false, UNIT_CACHE_LRU));
	assert_true(two_create_one_pasid_space(false, UNIT_CACHE_ADVERSARIAL));
	assert_false(two_create_one_pasid_space(true, UNIT_CACHE_ADVERSARIAL));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_65ca7f5f7d1c_pasid_table_size),
		cmocka_unit_test(test_65ca7f5f7d1c_pasid_beyond_the_table),
		cmocka_unit_test(test_57f55048e564_dirty_tracking_is_refused),
		T(test_bind_before_the_record_of_the_device_exists),
		cmocka_unit_test(test_use_of_a_record_that_does_not_exist_is_seen),
		T(test_bind_on_a_second_device_fail_nth),
		cmocka_unit_test(test_aux_detach_leaves_nothing_in_use),
		cmocka_unit_test(test_teardown_drains_without_the_units_lock),
		cmocka_unit_test(test_teardown_that_keeps_others_out_is_seen),
		cmocka_unit_test(test_qemu_2025_two_threads_create_one_pasid_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
