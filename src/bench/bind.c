/* SPDX-License-Identifier: MIT */
/* The host driver, with so many PASIDs bound on one device: bind and unbind of one more, the close of
 * all, and what they weigh. */
#include <errno.h>
#include <stdlib.h>

#include "bench/clock.h"
#include "bench/method.h"
#include "bench/owner.h"
#include "vsva/device.h"

/* Pairs of one sample */
#define PAIRS 50u

/* Of the close in a hurry */
#define QUICK_PASIDS 65536u

struct bound {
	struct vsva_machine *machine;
	struct vsva_device *device;
	struct owner owner;
	uint32_t count; /* bound */
	hpasid_t *ids;  /* one more */
};

static int open_machine(struct bench_run *run)
{
	static const struct vsva_machine_options options = {.cache_policy = VSVA_CACHE_LRU};
	static const struct vsva_device_options device = {.kind = VSVA_DEVICE_TEST_ENGINE};
	struct bound *b = calloc(1, sizeof(*b));
	int err;

	run->state = b;
	if (!b)
		return -ENOMEM;
	b->count = (uint32_t)run->figure->parameter;
	err = vsva_machine_create(&options, &b->machine);
	return err ? err : vsva_device_create(b->machine, &device, &b->device);
}

static struct vsva_iommu *iommu_of(const struct bound *b)
{
	return vsva_machine_iommu(b->machine);
}

/* All but one of those that there are, where a million is asked for. */
static int make_ids(struct bound *b)
{
	uint32_t available = vsva_ioasid_space_available(vsva_iommu_ioasid_space(iommu_of(b)));

	if (b->count >= available)
		b->count = available - 1;
	b->ids = calloc(b->count + 1, sizeof(b->ids[0]));
	return b->ids ? 0 : -ENOMEM;
}

static int bind_all(struct bound *b)
{
	int err = owner_open(iommu_of(b), vsva_device_dev(b->device), VSVA_FREE_RECLAIMS,
			     b->count + 1, &b->owner);

	if (!err)
		err = owner_alloc(&b->owner, b->ids, b->count + 1);
	for (uint32_t i = 0; i < b->count && !err; i++)
		err = owner_bind(&b->owner, b->ids[i], i);
	return err;
}

static int open_bound(struct bench_run *run)
{
	int err = open_machine(run);

	if (!err)
		err = make_ids(run->state);
	return err ? err : bind_all(run->state);
}

static int open_closing(struct bench_run *run)
{
	int err = open_machine(run);
	struct bound *b = run->state;

	if (!err && run->quick && b->count > QUICK_PASIDS)
		b->count = QUICK_PASIDS;
	return err ? err : make_ids(b);
}

static void close_bound(struct bench_run *run)
{
	struct bound *b = run->state;

	if (!b)
		return;
	vsva_container_close(b->owner.container);
	if (b->machine)
		vsva_machine_destroy(b->machine);
	free(b->ids);
	free(b);
}

/* One more comes and goes */

static int measure_pairs(struct bench_run *run, struct bench_sample *out)
{
	struct bound *b = run->state;
	hpasid_t id = b->ids[b->count];
	struct vsva_unit_stats before, after;
	double begin;
	int err = 0;

	vsva_machine_unit_stats(b->machine, &before);
	begin = bench_now_ns();
	for (unsigned i = 0; i < PAIRS && !err; i++) {
		err = owner_bind(&b->owner, id, b->count);
		if (!err)
			err = vsva_container_unbind_gpasid(b->owner.device, id);
	}
	out->value = (bench_now_ns() - begin) / PAIRS;
	vsva_machine_unit_stats(b->machine, &after);
	if (!err && after.waits - before.waits < PAIRS)
		return bench_fail(run, -EIO, "%llu waits for %u unbinds",
				  (unsigned long long)(after.waits - before.waits), PAIRS);
	return err;
}

const struct bench_method bench_bind = {open_bound, measure_pairs, close_bound};

/* All go */

static int measure_close(struct bench_run *run, struct bench_sample *out)
{
	struct bound *b = run->state;
	int err = bind_all(b), close_err;
	struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(iommu_of(b));
	double begin = bench_now_ns();

	close_err = vsva_container_close(b->owner.container);
	out->value = (bench_now_ns() - begin) / b->count;
	b->owner = (struct owner){0};
	for (uint32_t i = 0; i <= b->count && !err && !close_err; i++)
		if (vsva_ioasid_state_of(space, b->ids[i], NULL) != VSVA_IOASID_FREE)
			err = bench_fail(run, -EIO, "a PASID is left over");
	return err ? err : close_err;
}

const struct bench_method bench_close_all = {open_closing, measure_close, close_bound};

/* Weight: of the host's own records, beside the tables that the architecture lays out */

static int measure_weight(struct bench_run *run, struct bench_sample *out)
{
	struct bound *b = run->state;
	struct vsva_memory_stats before, after;
	int err;

	vsva_machine_memory(b->machine, &before);
	err = bind_all(b);
	vsva_machine_memory(b->machine, &after);
	out->value = (double)(after.record_bytes - before.record_bytes) / b->count;
	out->beside = 256;
	vsva_container_close(b->owner.container);
	b->owner = (struct owner){0};
	return err;
}

const struct bench_method bench_weight = {open_closing, measure_weight, close_bound};
