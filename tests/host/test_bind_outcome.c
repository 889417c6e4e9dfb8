/* SPDX-License-Identifier: MIT */
/* What a bind and an unbind say of caches and page requests: a virtual unit leaves out what has happened. */
#include <errno.h>

#include "host/bind.h"
#include "world.h"

static bool bind_is_clean(struct world *world, struct vsva_dev *dev, hpasid_t pasid, gpasid_t guest)
{
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, guest);
	bool is_clean = true;

	assert_int_equal(bind_gpasid(world->domain, dev, &data, &is_clean), 0);
	return is_clean;
}

static bool unbind_is_drained(struct world *world, struct vsva_dev *dev, hpasid_t pasid, int err)
{
	bool is_drained = true;

	assert_int_equal(unbind_gpasid(world->domain, dev, pasid, &is_drained), err);
	return is_drained;
}

static void test_new_entry_is_clean(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);

	for (unsigned i = 0; i < 3; i++) {
		assert_true(bind_is_clean(world, world->dev, pasid, gpasid(7)));
		assert_true(unbind_is_drained(world, world->dev, pasid, 0));
	}
}

static void test_second_user_is_not_clean_and_takes_nothing_down(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_bind(world, gpasid(7));

	assert_false(bind_is_clean(world, world->dev, pasid, gpasid(7)));
	assert_false(unbind_is_drained(world, world->dev, pasid, 0));
	assert_true(unbind_is_drained(world, world->dev, pasid, 0));
	assert_false(unbind_is_drained(world, world->dev, pasid, 0)); /* a late one */
}

/* Two mediated devices of one owner on one function: what the first had cached is the second's too. */
static void test_shared_entry_is_not_clean(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);
	struct vsva_dev *dev[2];

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(host_subdev_add(world->dev, hpasid(0x20 + i), &dev[i]), 0);
		assert_int_equal(vsva_domain_attach(world->domain, dev[i]), 0);
	}
	assert_true(bind_is_clean(world, dev[0], pasid, gpasid(5)));
	assert_false(bind_is_clean(world, dev[1], pasid, gpasid(5)));
	assert_false(unbind_is_drained(world, dev[0], pasid, 0));
	assert_true(unbind_is_drained(world, dev[1], pasid, 0));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(host_dev_remove(dev[i]), 0);
}

static void test_refused_bind_is_not_clean(void **state)
{
	struct world *world = *state;
	struct vsva_gpasid_bind_data data = world_bind_data(hpasid(4000), gpasid(7));
	bool is_clean = true;

	assert_int_equal(bind_gpasid(world->domain, world->dev, &data, &is_clean), -ENOENT);
	assert_false(is_clean);
	is_clean = true;
	data.version++;
	assert_int_equal(bind_gpasid(world->domain, world->dev, &data, &is_clean), -EINVAL);
	assert_false(is_clean);
}

/* The unit did not answer when the PASID was unbound: it may have kept anything. */
static void test_nothing_is_clean_after_a_doubt(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);

	assert_true(bind_is_clean(world, world->dev, pasid, gpasid(7)));
	world->fake.is_held = true;
	assert_false(unbind_is_drained(world, world->dev, pasid, -ETIMEDOUT));
	world->fake.is_held = false;
	fake_vtd_release(&world->fake);
	assert_false(bind_is_clean(world, world->dev, pasid, gpasid(7)));
	assert_true(unbind_is_drained(world, world->dev, pasid, 0));
}

static void test_silent_device_is_not_drained(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);

	assert_true(bind_is_clean(world, world->dev, pasid, gpasid(7)));
	world->fake.silent = RID_PF;
	unbind_is_drained(world, world->dev, pasid, -ETIMEDOUT);
	world->fake.silent = rid(0);
}

/* No page requests: there is nothing that could have been drained. */
static void test_unbind_without_page_requests_is_not_drained(void **state)
{
	struct world *world =
		world_create_with(world_cap(), world_ecap() & ~(uint64_t)VTD_ECAP_PRS);
	hpasid_t pasid = world_bind(world, gpasid(7));

	(void)state;
	assert_false(unbind_is_drained(world, world->dev, pasid, 0));
	world_destroy(world);
}

#define T(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_entry_is_clean),
		T(test_second_user_is_not_clean_and_takes_nothing_down),
		T(test_shared_entry_is_not_clean),
		T(test_refused_bind_is_not_clean),
		T(test_nothing_is_clean_after_a_doubt),
		T(test_silent_device_is_not_drained),
		cmocka_unit_test(test_unbind_without_page_requests_is_not_drained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
