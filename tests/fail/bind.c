// SPDX-License-Identifier: MIT
/* vsva/iommu.h: guest PASIDs */
#include "trial.h"

RUN(bind_gpasid)
{
	struct vsva_gpasid_bind_data data = world_bind_data(w);

	return vsva_bind_gpasid(w->domain, w->dev, &data);
}

RUN(unbind_gpasid)
{
	return vsva_unbind_gpasid(w->domain, w->dev, w->pasid);
}

static void undo_bind(struct fail_world *w)
{
	assert_int_equal(run_unbind_gpasid(w), 0);
}

RUN(bind_second_stage)
{
	return vsva_bind_second_stage(w->domain, w->dev, w->pasid);
}

static void setup_bind(struct fail_world *w)
{
	world_pasid(w);
	world_mapped(w);
}

RUN(cache_invalidate)
{
	struct vsva_cache_invalidate_info info = {
		.argsz = sizeof(info),
		.version = VSVA_CACHE_INVALIDATE_VERSION_1,
		.cache = VSVA_CACHE_INV_IOTLB | VSVA_CACHE_INV_DEV_IOTLB,
		.granularity = VSVA_INV_PASID,
		.granu.pasid_info = {.flags = VSVA_INV_FLAG_PASID, .pasid = w->pasid.v},
	};

	return vsva_cache_invalidate(w->domain, w->dev, &info);
}

RUN(flush_iotlb)
{
	return vsva_flush_iotlb(w->dev, &(struct vsva_flush){.pasid = w->pasid, .all = true});
}

RUN(flush_device_tlb)
{
	return vsva_flush_device_tlb(w->dev, &(struct vsva_flush){.pasid = w->pasid, .all = true},
				     false);
}

RUN(flush_sequence)
{
	const struct vsva_flush all = {.pasid = w->pasid, .all = true};
	const struct vsva_flush_step steps[] = {{w->dev, VSVA_FLUSH_IOTLB, all},
						{w->dev, VSVA_FLUSH_DEVICE_TLB, all},
						{w->dev, VSVA_FLUSH_DRAIN, all}};

	return vsva_flush_sequence(steps, 3);
}

/* The group is the same, also if it has been answered already. */
RUN(page_response)
{
	struct vsva_page_response response = world_response(w);

	return vsva_page_response(w->dev, &response);
}

RUN(drain_page_requests)
{
	return vsva_drain_page_requests(w->dev);
}

/* The device wants a page. A request that finds no memory is answered, and the device asks again. */
static int run_ask(struct fail_world *w)
{
	world_write(w, w->pasid, 0x5000);
	return 0;
}

static void ask_again(struct fail_world *w)
{
	if (!w->faults)
		run_ask(w);
}

/* The unit has the request in its queue, and the host has not seen it. A device that still waits for the
 * answer of the first time does not ask again. */
static int run_drain_with_one_in_the_queue(struct fail_world *w)
{
	struct vsva_unit_stats before, now;

	vsva_machine_unit_stats(w->machine, &before);
	world_begin_write(w, w->pasid, 0x5000);
	do
		vsva_machine_unit_stats(w->machine, &now);
	while (now.page_requests == before.page_requests && vsva_machine_step(w->machine));
	return vsva_drain_page_requests(w->dev);
}

const struct trial bind_trials[] = {
	UNDONE(bind_gpasid, setup_bind, undo_bind, MAY_NOMEM | MAY_NOSPC | MAY_TIMEDOUT),
	DONE(unbind_gpasid, world_asked, MAY_TIMEDOUT),
	UNDONE(bind_second_stage, setup_bind, undo_bind, MAY_NOMEM | MAY_NOSPC | MAY_TIMEDOUT),
	UNDONE(cache_invalidate, world_bound, NULL, MAY_TIMEDOUT),
	UNDONE(flush_iotlb, world_bound, NULL, MAY_TIMEDOUT),
	UNDONE(flush_device_tlb, world_bound, NULL, MAY_TIMEDOUT),
	UNDONE(flush_sequence, world_bound, NULL, MAY_TIMEDOUT),
	UNDONE(page_response, world_asked, NULL, 0),
	UNDONE(drain_page_requests, world_asked, NULL, MAY_TIMEDOUT),
	VARIANT(drain_page_requests, " with one in the queue", run_drain_with_one_in_the_queue,
		world_handled, .again = ask_again, .may = MAY_TIMEDOUT, .neither_if = MAY_TIMEDOUT),
	{.function = "page request",
	 .variant = "",
	 .setup = world_handled,
	 .run = run_ask,
	 .again = ask_again},
	{.function = NULL},
};
