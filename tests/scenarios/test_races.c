// SPDX-License-Identifier: MIT
/* Races of the host driver, every interleaving with few preemptions. */
#include "sched/explore.h"

#include <errno.h>

#include "base/rcu.h"
#include "host/silicon.h"
#include "tables_of_unit.h"

static const struct explore_plan plan = {.preemptions = 1};

/* Two domains share one function, whose device does not answer any more. */
struct shared {
	struct silicon s;
	struct vsva_dev *sub;
	struct vsva_domain *domain; /* of the sub-device */
	hpasid_t pasid, base;
	uint64_t root;
};

static struct shared shared;

static void *shared_setup(uint64_t seed)
{
	struct silicon *s = &shared.s;

	(void)seed;
	silicon_create(s, UNIT_CACHE_LRU, WORKERS_THREADS, false);
	shared.root = silicon_first_stage(s);
	shared.pasid = silicon_pasid(s);
	shared.base = silicon_pasid(s);
	EXPLORE_CHECK(silicon_bind(s, shared.pasid, shared.root) == 0);
	EXPLORE_CHECK(vsva_domain_alloc(s->iommu, NULL, 0, 2, &shared.domain) == 0);
	EXPLORE_CHECK(vsva_domain_map(shared.domain, gpa(0), s->base, GUEST_LEN, 3) == 0);
	EXPLORE_CHECK(host_subdev_add(s->dev, shared.base, &shared.sub) == 0);
	EXPLORE_CHECK(vsva_domain_attach(shared.domain, shared.sub) == 0);
	endpoint_set_gone(&s->endpoint, true);
	return &shared;
}

static void shared_teardown(void *world)
{
	(void)world;
	host_dev_remove(shared.sub);
	EXPLORE_CHECK(vsva_domain_free(shared.domain) == 0);
	silicon_destroy(&shared.s);
}

static bool is_blocked(void)
{
	const struct vtd_context_entry *context =
		tables_context(shared.s.unit, shared.s.physmem, SILICON_RID);

	return !vtd_context_entry_P(context);
}

static void unbind(void *world)
{
	(void)world;
	silicon_unbind(&shared.s, shared.pasid);
	EXPLORE_CHECK(is_blocked());
}

/* When it has returned the memory may be somebody else's. */
static void unmap(void *world)
{
	(void)world;
	vsva_domain_unmap(shared.domain, gpa(0), GUEST_LEN, NULL);
	EXPLORE_CHECK(is_blocked());
}

/* Somebody who takes the beginning of the isolation for its end: nothing changes, but the answer
 * says that the device is isolated. */
static void return_early(void *world)
{
	static const struct vsva_rid_config same = {.kind = VSVA_RID_SECOND_STAGE};

	(void)world;
	if (vsva_attach_rid(shared.domain, shared.sub, &same) == -ENODEV)
		EXPLORE_CHECK(is_blocked());
}

static const struct explore_case isolation = {
	.name = "isolation",
	.setup = shared_setup,
	.actors = {{"unbind", unbind}, {"unmap", unmap}},
	.teardown = shared_teardown,
	.points = 1u << SEAM_LOCK | 1u << SEAM_MEMORY,
};

/* Ours: the second who found the device silent returned while the first was still blocking it. */
static void test_silent_device_is_blocked_before_either_returns(void **state)
{
	(void)state;
	explore_expect_good(&isolation, &plan);
}

static void test_return_before_the_device_is_blocked_is_seen(void **state)
{
	struct explore_case early = isolation;

	(void)state;
	early.actors[1] = (struct explore_actor){"early", return_early};
	early.points = 1u << SEAM_MEMORY;
	early.revisits = true; /* all that it looks at is a flag, behind no seam */
	explore_expect_found(&early, &plan, EXPLORE_FAILED);
}

/* The owner of the function binds while the part's owner finds the device silent. */
static void bind_another(void *world)
{
	hpasid_t pasid = silicon_pasid(&shared.s);
	int err = silicon_bind(&shared.s, pasid, shared.root);

	(void)world;
	EXPLORE_CHECK(err == 0 || err == -ENODEV || err == -ETIMEDOUT);
}

static void expect_blocked(void *world)
{
	(void)world;
	EXPLORE_CHECK(is_blocked());
}

/* Ours: a bind wrote the context entry back as it had read it, present, and opened a device again
 * that had just been blocked; or stumbled over its not being present. */
static void test_bind_does_not_open_a_blocked_device(void **state)
{
	struct explore_case test = isolation;

	(void)state;
	test.actors[0] = (struct explore_actor){"bind", bind_another};
	test.check = expect_blocked;
	explore_expect_good(&test, &plan);
}

/* The entry is read, and written back later. */
static void write_back_late(void *world)
{
	struct vtd_context_entry *context =
		tables_context(shared.s.unit, shared.s.physmem, SILICON_RID);
	uint64_t read;

	(void)world;
	SEAM_MEMORY_READ(&context->q[0]);
	read = context->q[0];
	SEAM_MEMORY_WRITE(&context->q[0]);
	context->q[0] = read;
}

static void test_context_entry_that_is_written_back_is_seen(void **state)
{
	struct explore_case test = isolation;

	(void)state;
	test.actors[0] = (struct explore_actor){"careless", write_back_late};
	test.check = expect_blocked;
	explore_expect_found(&test, &plan, EXPLORE_FAILED);
}

/* The unit is reset while somebody works with the driver */

static void *alone_setup(uint64_t seed)
{
	struct silicon *s = &shared.s;

	(void)seed;
	silicon_create(s, UNIT_CACHE_LRU, WORKERS_THREADS, false);
	shared.root = silicon_first_stage(s);
	silicon_map(s, shared.root, 0x1000, silicon_page(s), true);
	shared.pasid = silicon_pasid(s);
	EXPLORE_CHECK(silicon_bind(s, shared.pasid, shared.root) == 0);
	return &shared;
}

static void alone_teardown(void *world)
{
	(void)world;
	silicon_destroy(&shared.s);
}

static void power_on(void *arg)
{
	(void)arg;
	unit_reset(shared.s.unit);
}

static void reset(void *world)
{
	EXPLORE_CHECK(vsva_iommu_reset(shared.s.iommu, power_on, world) == 0);
}

static void unmap_all_the_same(void *world)
{
	(void)world;
	EXPLORE_CHECK(vsva_domain_unmap(shared.s.domain, gpa(0x300000), 4096, NULL) == 0);
}

static void expect_reads(void *world)
{
	uint64_t value;

	(void)world;
	EXPLORE_CHECK(silicon_read(&shared.s, shared.pasid.v, 0x1000, false, &value) == DMA_OK);
}

static const struct explore_case reset_at_work = {
	.name = "reset",
	.setup = alone_setup,
	.actors = {{"reset", reset}, {"owner", unmap_all_the_same}},
	.check = expect_reads,
	.teardown = alone_teardown,
	.points = 1u << SEAM_MMIO,
	.revisits = true, /* that a queue depends on the root table is behind no seam */
};

/* Ours: what others submitted between the queue and the root table was refused, as descriptors of
 * scalable mode are in legacy mode. */
static void test_invalidations_outlive_a_reset_of_the_unit(void **state)
{
	(void)state;
	explore_expect_good(&reset_at_work, &plan);
}

/* The driver is not told of it. */
static void reset_carelessly(void *world)
{
	power_on(world);
}

static void test_reset_that_loses_invalidations_is_seen(void **state)
{
	struct explore_case test = reset_at_work;

	(void)state;
	test.actors[0] = (struct explore_actor){"careless", reset_carelessly};
	explore_expect_found(&test, &plan, EXPLORE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_device_is_blocked_before_either_returns),
		cmocka_unit_test(test_return_before_the_device_is_blocked_is_seen),
		cmocka_unit_test(test_bind_does_not_open_a_blocked_device),
		cmocka_unit_test(test_context_entry_that_is_written_back_is_seen),
		cmocka_unit_test(test_invalidations_outlive_a_reset_of_the_unit),
		cmocka_unit_test(test_reset_that_loses_invalidations_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
