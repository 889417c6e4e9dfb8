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
	int err;
};

static struct shared shared;

static void *shared_setup(uint64_t seed)
{
	struct silicon *s = &shared.s;
	uint64_t root;

	(void)seed;
	silicon_create(s, UNIT_CACHE_LRU, WORKERS_THREADS, false);
	root = silicon_first_stage(s);
	shared.pasid = silicon_pasid(s);
	shared.base = silicon_pasid(s);
	EXPLORE_CHECK(silicon_bind(s, shared.pasid, root) == 0);
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
	early.revisits = true; /* all that it looks at is a flag, behind no seam */
	explore_expect_found(&early, &plan, EXPLORE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_device_is_blocked_before_either_returns),
		cmocka_unit_test(test_return_before_the_device_is_blocked_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
