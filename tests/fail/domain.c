// SPDX-License-Identifier: MIT
/* vsva/iommu.h: domains, devices and the unit */
#include "trial.h"

/* Two pages on either side of 1 GiB, and all that is between: large pages, and every level of tables. */
#define RANGE_FIRST gpa(0x3ffff000)
#define RANGE_LEN   UINT64_C(0x40002000)

RUN(domain_alloc)
{
	return vsva_domain_alloc(w->iommu, w->set, VSVA_DOMAIN_NESTING, 1, &w->domain);
}

RUN(domain_free)
{
	int err = vsva_domain_free(w->domain);

	w->domain = NULL;
	return err;
}

static void undo_domain_alloc(struct fail_world *w)
{
	assert_int_equal(run_domain_free(w), 0);
}

RUN(domain_map)
{
	return vsva_domain_map(w->domain, RANGE_FIRST, hpa(RANGE_FIRST.v), RANGE_LEN,
			       VSVA_PROT_READ | VSVA_PROT_WRITE);
}

RUN(domain_unmap)
{
	return vsva_domain_unmap(w->domain, RANGE_FIRST, RANGE_LEN, NULL);
}

/* One page of a large one. */
static int run_domain_unmap_inside(struct fail_world *w)
{
	return vsva_domain_unmap(w->domain, gpa(0x40003000), VSVA_PAGE_SIZE, NULL);
}

static void undo_map(struct fail_world *w)
{
	assert_int_equal(run_domain_unmap(w), 0);
}

static void setup_map(struct fail_world *w)
{
	world_bound(w);
}

static void setup_unmap(struct fail_world *w)
{
	world_bound(w);
	assert_int_equal(run_domain_map(w), 0);
}

RUN(domain_iova_to_phys)
{
	hpa_t out;

	return vsva_domain_iova_to_phys(w->domain, WORLD_GPA, &out);
}

static int handle(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)arg;
	(void)dev;
	(void)fault;
	return 0;
}

RUN(dev_register_fault_handler)
{
	int err = vsva_dev_register_fault_handler(w->dev, handle, NULL, NULL);

	w->has_handler = !err;
	return err;
}

RUN(dev_unregister_fault_handler)
{
	w->has_handler = false;
	return vsva_dev_unregister_fault_handler(w->dev);
}

RUN(domain_attach)
{
	int err = vsva_domain_attach(w->domain, w->dev);

	w->is_attached = !err;
	return err;
}

RUN(domain_detach)
{
	w->is_attached = false;
	return vsva_domain_detach(w->domain, w->dev);
}

static void undo_attach(struct fail_world *w)
{
	assert_int_equal(run_domain_detach(w), 0);
}

static void setup_attach(struct fail_world *w)
{
	world_domain(w);
	world_device(w);
}

static const struct vsva_rid_config nested = {
	.kind = VSVA_RID_NESTED, .gpgd = WORLD_GPA, .addr_width = 48};
static const struct vsva_rid_config second_stage = {.kind = VSVA_RID_SECOND_STAGE};

RUN(attach_rid)
{
	return vsva_attach_rid(w->domain, w->dev, &nested);
}

static void undo_attach_rid(struct fail_world *w)
{
	assert_int_equal(vsva_attach_rid(w->domain, w->dev, &second_stage), 0);
}

/* With requests of a process and of the kernel nested, and one that waits. */
static void setup_detach(struct fail_world *w)
{
	world_asked(w);
	assert_int_equal(run_attach_rid(w), 0);
}

static void reset(void *arg)
{
	(void)arg;
}

RUN(iommu_reset)
{
	return vsva_iommu_reset(w->iommu, reset, NULL);
}

RUN(iommu_get_stats)
{
	struct vsva_iommu_stats stats;

	vsva_iommu_get_stats(w->iommu, &stats);
	return 0;
}

const struct trial domain_trials[] = {
	UNDONE(domain_alloc, world_set, undo_domain_alloc, MAY_NOMEM | MAY_NOSPC),
	DONE(domain_free, world_domain, 0),
	UNDONE(domain_map, setup_map, undo_map, MAY_NOMEM),
	EITHER(domain_unmap, setup_unmap, NULL, MAY_NOMEM | MAY_TIMEDOUT, MAY_TIMEDOUT),
	VARIANT(domain_unmap, " inside a large page", run_domain_unmap_inside, setup_unmap,
		.undo = undo_map, .may = MAY_NOMEM | MAY_TIMEDOUT, .done_if = MAY_TIMEDOUT),
	NO_STEP(domain_iova_to_phys, world_mapped, NULL),
	UNDONE(dev_register_fault_handler, world_bound, NULL, MAY_NOMEM),
	DONE(dev_unregister_fault_handler, world_asked, MAY_TIMEDOUT),
	UNDONE(domain_attach, setup_attach, undo_attach, MAY_NOMEM | MAY_TIMEDOUT),
	DONE(domain_detach, setup_detach, MAY_TIMEDOUT),
	/* blocked */
	TRIAL(attach_rid, world_mapped, .undo = undo_attach_rid,
	      .may = MAY_NOMEM | MAY_NOSPC | MAY_TIMEDOUT, .neither_if = MAY_TIMEDOUT),
	/* off */
	TRIAL(iommu_reset, world_bound, .may = MAY_TIMEDOUT, .neither_if = MAY_TIMEDOUT),
	NO_STEP(iommu_get_stats, world_bound, NULL),
	{.function = NULL},
};
