// SPDX-License-Identifier: MIT
/*
 * Every fallible step of every operation fails once, and from there on always: no crash, no leak,
 * the state is as before (or the operation is done all the same), and the same call then succeeds.
 */
#include "world.h"

#include <errno.h>

#include "base/rcu.h"

struct trial {
	struct world *world;
	hpasid_t pasid;
};

typedef int operation(struct trial *trial);

static const struct vsva_rid_config nested = {
	.kind = VSVA_RID_NESTED, .gpgd = {ROOT_GPA}, .addr_width = 48};
static const struct vsva_rid_config second_stage = {.kind = VSVA_RID_SECOND_STAGE};

static int do_bind(struct trial *trial)
{
	struct vsva_gpasid_bind_data data = world_bind_data(trial->pasid, gpasid(7));

	return vsva_bind_gpasid(trial->world->domain, trial->world->dev, &data);
}

static int do_unbind(struct trial *trial)
{
	return vsva_unbind_gpasid(trial->world->domain, trial->world->dev, trial->pasid);
}

static int do_attach(struct trial *trial)
{
	return vsva_domain_attach(trial->world->domain, trial->world->dev);
}

static int do_detach(struct trial *trial)
{
	return vsva_domain_detach(trial->world->domain, trial->world->dev);
}

static int do_map(struct trial *trial)
{
	return vsva_domain_map(trial->world->domain, gpa(0x3ffff000), hpa(0x3ffff000), 0x40002000,
			       3);
}

static int do_unmap(struct trial *trial)
{
	return vsva_domain_unmap(trial->world->domain, gpa(0x3ffff000), 0x40002000, NULL);
}

static int do_unmap_inside(struct trial *trial)
{
	return vsva_domain_unmap(trial->world->domain, gpa(0x40003000), 0x1000, NULL);
}

static int do_nest_rid(struct trial *trial)
{
	return vsva_attach_rid(trial->world->domain, trial->world->dev, &nested);
}

static int do_unnest_rid(struct trial *trial)
{
	return vsva_attach_rid(trial->world->domain, trial->world->dev, &second_stage);
}

static struct vtd_pasid_entry entry_now(struct trial *trial, hpasid_t pasid)
{
	struct vtd_pasid_entry entry = {{0}};

	host_pasid_entry(trial->world->dev, pasid, &entry);
	return entry;
}

static bool is_bound(struct trial *trial)
{
	struct vtd_pasid_entry entry = entry_now(trial, trial->pasid);

	return vtd_pasid_entry_P(&entry);
}

static void begin(struct trial *trial, bool caching_mode)
{
	uint64_t cap = world_cap() | (caching_mode ? (uint64_t)VTD_CAP_CM : 0);

	trial->world = world_create_with(cap, world_ecap());
	trial->pasid = world_pasid(trial->world);
}

/* As after the operation and its opposite, when all leaves of sparse arrays and tables have been
 * made. */
struct footprint {
	size_t bytes, pages;
	uint64_t bound;
};

static struct footprint footprint_of(struct trial *trial)
{
	struct vsva_iommu_stats stats;

	rcu_barrier();
	vsva_iommu_get_stats(trial->world->iommu, &stats);
	return (struct footprint){base_bytes_in_use(),
				  physmem_pages_in_use(trial->world->fake.port.physmem),
				  stats.bound_now};
}

static void expect_footprint(struct trial *trial, const struct footprint *expected)
{
	struct footprint now = footprint_of(trial);

	assert_int_equal(now.bytes, expected->bytes);
	assert_int_equal(now.pages, expected->pages);
	assert_int_equal(now.bound, expected->bound);
}

/* undo brings the state before the operation back, also after a failure. Returns the steps that
 * were failed. */
static unsigned fail_each(operation *op, operation *undo, bool caching_mode, int stuck,
			  const int *allowed)
{
	struct footprint before;
	struct trial trial;
	unsigned nth = 1;
	int err;

	begin(&trial, caching_mode);
	assert_int_equal(op(&trial), 0);
	assert_int_equal(undo(&trial), 0);
	before = footprint_of(&trial);
	for (;; nth++) {
		bool is_allowed = false, has_failed;

		fail_nth_set(nth, stuck);
		err = op(&trial);
		has_failed = fail_nth_hits() >= nth;
		fail_nth_set(0, 0);
		for (const int *at = allowed; *at; at++)
			is_allowed = is_allowed || err == *at;
		assert_true(!err || is_allowed);
		undo(&trial);
		/* what a time-out left in limbo goes with the next flush that works */
		assert_int_equal(op(&trial), 0);
		assert_int_equal(undo(&trial), 0);
		expect_footprint(&trial, &before);
		trial.world->event_count = 0;
		fake_vtd_forget_log(&trial.world->fake);
		if (!has_failed)
			break;
	}
	world_destroy(trial.world);
	return nth - 1;
}

static const int binding_errors[] = {-ENOMEM, -ENOSPC, -ETIMEDOUT, 0};
static const int memory_errors[] = {-ENOMEM, -ETIMEDOUT, 0};

static void test_bind_fail_nth(void **state)
{
	(void)state;
	for (int stuck = 0; stuck < 2; stuck++) {
		assert_true(fail_each(do_bind, do_unbind, false, stuck, binding_errors) >= 2);
		assert_true(fail_each(do_bind, do_unbind, true, stuck, binding_errors) >= 3);
	}
}

/* With nothing made before: the first bind of a device, leaves and tables too. */
static void test_first_bind_fail_nth(void **state)
{
	unsigned nth = 1;
	int err;

	(void)state;
	for (;; nth++) {
		struct trial trial;
		bool has_failed;

		begin(&trial, false);
		fail_nth_set(nth, 0);
		err = do_bind(&trial);
		has_failed = fail_nth_hits() >= nth;
		fail_nth_set(0, 0);
		assert_true(!err || err == -ENOMEM || err == -ETIMEDOUT);
		assert_int_equal(is_bound(&trial), !err);
		assert_int_equal(footprint_of(&trial).bound, err ? 0 : 1);
		if (err) {
			void *data = &trial;

			assert_int_equal(
				vsva_ioasid_find(vsva_iommu_ioasid_space(trial.world->iommu), NULL,
						 trial.pasid, &data),
				0);
			assert_null(data);
			assert_int_equal(do_bind(&trial), 0);
		}
		world_destroy(trial.world);
		if (!has_failed)
			break;
	}
	assert_true(nth > 5);
}

/* An unbind is done whatever fails on the way. */
static void test_unbind_fail_nth(void **state)
{
	(void)state;
	for (int stuck = 0; stuck < 2; stuck++) {
		unsigned nth = 1;
		int err;

		for (;; nth++) {
			struct trial trial;
			bool has_failed;

			begin(&trial, false);
			assert_int_equal(do_bind(&trial), 0);
			fail_nth_set(nth, stuck);
			err = do_unbind(&trial);
			has_failed = fail_nth_hits() >= nth;
			fail_nth_set(0, 0);
			assert_true(!err || err == -ETIMEDOUT);
			assert_false(is_bound(&trial));
			assert_int_equal(footprint_of(&trial).bound, 0);
			assert_int_equal(do_unbind(&trial), 0);
			assert_int_equal(do_bind(&trial), 0);
			world_destroy(trial.world);
			if (!has_failed)
				break;
		}
		assert_true(nth >= 2);
	}
}

static void test_attach_fail_nth(void **state)
{
	struct trial trial;
	unsigned nth = 1;
	int err;

	(void)state;
	for (unsigned caching_mode = 0; caching_mode < 2; caching_mode++) {
		struct footprint before;

		begin(&trial, caching_mode != 0);
		assert_int_equal(do_detach(&trial), 0);
		before = footprint_of(&trial);
		for (nth = 1;; nth++) {
			bool has_failed;

			fail_nth_set(nth, 0);
			err = do_attach(&trial);
			has_failed = fail_nth_hits() >= nth;
			fail_nth_set(0, 0);
			assert_true(!err || err == -ENOMEM || err == -ETIMEDOUT);
			assert_int_equal(do_detach(&trial), err ? -EINVAL : 0);
			assert_int_equal(do_attach(&trial), 0);
			assert_int_equal(do_detach(&trial), 0);
			expect_footprint(&trial, &before);
			if (!has_failed)
				break;
		}
		assert_true(nth >= 3);
		world_destroy(trial.world);
	}
}

static void test_detach_fail_nth(void **state)
{
	(void)state;
	for (int stuck = 0; stuck < 2; stuck++) {
		uint64_t failed_flushes = 0;
		unsigned nth = 1;
		int err;

		for (;; nth++) {
			struct trial trial;
			struct vsva_iommu_stats stats;
			bool has_failed;

			begin(&trial, false);
			assert_int_equal(do_bind(&trial), 0);
			assert_int_equal(do_nest_rid(&trial), 0);
			fail_nth_set(nth, stuck);
			err = do_detach(&trial);
			has_failed = fail_nth_hits() >= nth;
			fail_nth_set(0, 0);
			vsva_iommu_get_stats(trial.world->iommu, &stats);
			failed_flushes += stats.timeouts;
			assert_true(!err || err == -ETIMEDOUT);
			assert_int_equal(do_detach(&trial), -EINVAL);
			assert_int_equal(footprint_of(&trial).bound, 0);
			assert_int_equal(do_attach(&trial), 0);
			assert_int_equal(do_bind(&trial), 0);
			world_destroy(trial.world);
			if (!has_failed)
				break;
		}
		/* the PASID, the RID's entry, the context entry: a flush each */
		if (!stuck)
			assert_int_equal(failed_flushes, 3);
		assert_true(nth >= 5);
	}
}

static void test_map_fail_nth(void **state)
{
	(void)state;
	assert_true(fail_each(do_map, do_unmap, false, 0, memory_errors) >= 5);
	assert_true(fail_each(do_map, do_unmap, false, 1, memory_errors) >= 5);
}

static int do_map_and_unmap_inside(struct trial *trial)
{
	int err = do_map(trial);

	return err && err != -EEXIST ? err : do_unmap_inside(trial);
}

static void test_unmap_inside_large_page_fail_nth(void **state)
{
	(void)state;
	assert_true(fail_each(do_map_and_unmap_inside, do_unmap, false, 0, memory_errors) >= 6);
}

static void test_rid_fail_nth(void **state)
{
	(void)state;
	assert_true(fail_each(do_nest_rid, do_unnest_rid, false, 0, binding_errors) >= 3);
	assert_true(fail_each(do_nest_rid, do_unnest_rid, true, 0, binding_errors) >= 3);
}

static void test_domain_alloc_fail_nth(void **state)
{
	struct world *world = *state;
	unsigned nth = 1;

	for (;; nth++) {
		size_t bytes = base_bytes_in_use();
		struct vsva_domain *domain;
		int err;

		fail_nth_set(nth, 0);
		err = vsva_domain_alloc(world->iommu, world->set, VSVA_DOMAIN_NESTING, 9, &domain);
		fail_nth_set(0, 0);
		if (!err)
			assert_int_equal(vsva_domain_free(domain), 0);
		rcu_barrier();
		assert_int_equal(base_bytes_in_use(), bytes);
		if (!err)
			break;
		assert_true(err == -ENOMEM || err == -ENOSPC);
	}
	assert_int_equal(nth, 4);
}

/* A request whose group finds no memory is answered all the same. */
static void test_page_request_fail_nth(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));

	for (unsigned nth = 1; nth < 8; nth++) {
		unsigned reported = world->fault_count;

		fake_vtd_forget_log(&world->fake);
		world_request_push(world, pasid.v, 0x1000, (uint16_t)nth, true);
		fail_nth_set(nth, 0);
		world_run(world);
		fail_nth_set(0, 0);
		world_run(world);
		if (world->fault_count > reported)
			assert_int_equal(world_respond(world, pasid.v, (uint16_t)nth, 0), 0);
		assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_PAGE_RESPONSE), 1);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind_fail_nth),
		cmocka_unit_test(test_first_bind_fail_nth),
		cmocka_unit_test(test_unbind_fail_nth),
		cmocka_unit_test(test_attach_fail_nth),
		cmocka_unit_test(test_detach_fail_nth),
		cmocka_unit_test(test_map_fail_nth),
		cmocka_unit_test(test_unmap_inside_large_page_fail_nth),
		cmocka_unit_test(test_rid_fail_nth),
		T(test_domain_alloc_fail_nth),
		T(test_page_request_fail_nth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
