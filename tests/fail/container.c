// SPDX-License-Identifier: MIT
/* vsva/vfio.h */
#include "trial.h"

RUN(free_policy_parse)
{
	enum vsva_free_policy policy;

	(void)w;
	return vsva_free_policy_parse("reclaims", &policy);
}

RUN(container_open)
{
	return vsva_container_open(w->iommu, NULL, &w->container);
}

RUN(container_close)
{
	int err = vsva_container_close(w->container);

	w->container = NULL;
	w->handle = NULL;
	return err;
}

static void undo_open(struct fail_world *w)
{
	assert_int_equal(run_container_close(w), 0);
}

RUN(container_get)
{
	vsva_container_get(w->container);
	return 0;
}

RUN(container_put)
{
	vsva_container_put(w->container);
	return 0;
}

static void undo_get(struct fail_world *w)
{
	run_container_put(w);
}

static void setup_put(struct fail_world *w)
{
	world_container(w);
	run_container_get(w);
}

RUN(container_map)
{
	return vsva_container_map(w->container, WORLD_GPA, world_page(w), VSVA_PAGE_SIZE,
				  VSVA_PROT_READ);
}

RUN(container_unmap)
{
	return vsva_container_unmap(w->container, WORLD_GPA, VSVA_PAGE_SIZE, NULL);
}

static void undo_map(struct fail_world *w)
{
	assert_int_equal(run_container_unmap(w), 0);
}

static void setup_map(struct fail_world *w)
{
	world_container_device(w);
	world_page(w);
}

RUN(container_pasid_alloc)
{
	return vsva_container_pasid_alloc(w->container, &w->pasid);
}

RUN(container_pasid_free)
{
	return vsva_container_pasid_free(w->container, w->pasid);
}

static int run_free_and_reclaim(struct fail_world *w)
{
	int err = vsva_container_pasid_free(w->container, w->pasid);

	world_run(w);
	return err;
}

static void undo_pasid_alloc(struct fail_world *w)
{
	assert_int_equal(run_container_pasid_free(w), 0);
}

/* The other policy: the caller waits for the devices. */
static void setup_unbinds_first(struct fail_world *w)
{
	struct vsva_container_options options = {.policy = VSVA_FREE_UNBINDS_FIRST};

	assert_int_equal(vsva_container_open(w->iommu, &options, &w->container), 0);
	world_container_asked(w);
}

RUN(container_add)
{
	return vsva_container_add(w->container, w->dev, &w->handle);
}

RUN(container_device_close)
{
	int err = vsva_container_device_close(w->handle);

	w->handle = NULL;
	return err;
}

static void undo_add(struct fail_world *w)
{
	assert_int_equal(run_container_device_close(w), 0);
}

static void setup_add(struct fail_world *w)
{
	world_container(w);
	world_device(w);
}

RUN(container_device_get)
{
	vsva_container_device_get(w->handle);
	return 0;
}

RUN(container_device_put)
{
	vsva_container_device_put(w->handle);
	return 0;
}

static void undo_device_get(struct fail_world *w)
{
	run_container_device_put(w);
}

static void setup_device_put(struct fail_world *w)
{
	world_container_device(w);
	run_container_device_get(w);
}

RUN(container_bind_gpasid)
{
	struct vsva_gpasid_bind_data data = world_bind_data(w);

	return vsva_container_bind_gpasid(w->handle, &data);
}

RUN(container_bind_second_stage)
{
	return vsva_container_bind_second_stage(w->handle, w->pasid);
}

RUN(container_unbind_gpasid)
{
	return vsva_container_unbind_gpasid(w->handle, w->pasid);
}

static void undo_bind(struct fail_world *w)
{
	assert_int_equal(run_container_unbind_gpasid(w), 0);
}

RUN(container_bind_gpasid_clean)
{
	struct vsva_gpasid_bind_data data = world_bind_data(w);
	bool is_clean = true;
	int err = vsva_container_bind_gpasid_clean(w->handle, &data, &is_clean);

	assert_int_equal(is_clean, !err);
	return err;
}

/* Nobody says after an error that it was drained. */
RUN(container_unbind_gpasid_drained)
{
	bool is_drained = true;
	int err = vsva_container_unbind_gpasid_drained(w->handle, w->pasid, &is_drained);

	assert_false(err && is_drained);
	return err;
}

RUN(container_attach_rid)
{
	const struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = WORLD_GPA, .addr_width = 48};

	return vsva_container_attach_rid(w->handle, &nested);
}

static void undo_attach_rid(struct fail_world *w)
{
	const struct vsva_rid_config second_stage = {.kind = VSVA_RID_SECOND_STAGE};

	assert_int_equal(vsva_container_attach_rid(w->handle, &second_stage), 0);
}

RUN(container_cache_invalidate)
{
	struct vsva_cache_invalidate_info info = {
		.argsz = sizeof(info),
		.version = VSVA_CACHE_INVALIDATE_VERSION_1,
		.cache = VSVA_CACHE_INV_IOTLB,
		.granularity = VSVA_INV_PASID,
		.granu.pasid_info = {.flags = VSVA_INV_FLAG_PASID, .pasid = w->pasid.v},
	};

	return vsva_container_cache_invalidate(w->handle, &info);
}

RUN(container_page_response)
{
	struct vsva_page_response response = world_response(w);

	return vsva_container_page_response(w->handle, &response);
}

static int handle(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)arg;
	(void)dev;
	(void)fault;
	return 0;
}

RUN(container_set_fault_handler)
{
	return vsva_container_set_fault_handler(w->handle, handle, NULL, NULL);
}

#define BINDING_ERRORS (MAY_NOMEM | MAY_NOSPC | MAY_TIMEDOUT)

const struct trial container_trials[] = {
	NO_STEP(free_policy_parse, world_bare, NULL),
	UNDONE(container_open, world_bare, undo_open, MAY_NOMEM | MAY_NOSPC | MAY_AGAIN),
	DONE(container_close, world_container_asked, MAY_TIMEDOUT),
	NO_STEP(container_get, world_container, undo_get),
	NO_STEP(container_put, setup_put, NULL),
	UNDONE(container_map, setup_map, undo_map, MAY_NOMEM),
	EITHER(container_unmap, world_container_mapped, NULL, MAY_NOMEM | MAY_TIMEDOUT,
	       MAY_TIMEDOUT),
	UNDONE(container_pasid_alloc, world_container, undo_pasid_alloc, MAY_NOMEM | MAY_NOSPC),
	NO_STEP(container_pasid_free, world_container_asked, NULL),
	VARIANT(container_pasid_free, " and its reclaim", run_free_and_reclaim,
		world_container_asked, .done_if = ALL),
	VARIANT(container_pasid_free, " unbinds first", run_container_pasid_free,
		setup_unbinds_first, .may = MAY_TIMEDOUT, .done_if = ALL),
	UNDONE(container_add, setup_add, undo_add, MAY_NOMEM | MAY_TIMEDOUT),
	DONE(container_device_close, world_container_asked, MAY_TIMEDOUT),
	NO_STEP(container_device_get, world_container_device, undo_device_get),
	NO_STEP(container_device_put, setup_device_put, NULL),
	UNDONE(container_bind_gpasid, world_container_pasid, undo_bind, BINDING_ERRORS),
	UNDONE(container_bind_second_stage, world_container_pasid, undo_bind, BINDING_ERRORS),
	DONE(container_unbind_gpasid, world_container_asked, MAY_TIMEDOUT),
	UNDONE(container_bind_gpasid_clean, world_container_pasid, undo_bind, BINDING_ERRORS),
	DONE(container_unbind_gpasid_drained, world_container_asked, MAY_TIMEDOUT),
	TRIAL(container_attach_rid, world_container_mapped, .undo = undo_attach_rid,
	      .may = BINDING_ERRORS, .neither_if = MAY_TIMEDOUT),
	UNDONE(container_cache_invalidate, world_container_bound, NULL, MAY_TIMEDOUT),
	UNDONE(container_page_response, world_container_asked, NULL, 0),
	UNDONE(container_set_fault_handler, world_container_device, NULL, MAY_NOMEM),
	{.function = NULL},
};
