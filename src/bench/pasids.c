/* SPDX-License-Identifier: MIT */
#include "bench/pasids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/clock.h"
#include "bench/owner.h"
#include "bench/traffic.h"

/* PASIDs of each of the two ways to free, at most. */
#define POLICY_PASIDS 1024u

/* For how long the other VM is looked at alone. */
#define ALONE_NS 200000000

struct bench {
	struct bench_world world;
	struct vsva_iommu *iommu;
	struct vsva_device *device;
	struct bench_traffic traffic;
	bool has_traffic;
	uint32_t count;
	hpasid_t *ids; /* of the container that is measured */
	void (*step)(const char *what);
};

static int open_owner(const struct bench *bench, enum vsva_free_policy policy, uint32_t quota,
		      struct owner *out)
{
	return owner_open(bench->iommu, vsva_device_dev(bench->device), policy, quota, out);
}

static int alloc_all(struct bench *bench, const struct owner *owner, uint32_t count)
{
	return owner_alloc(owner, bench->ids, count);
}

static int bind_all(const struct bench *bench, const struct owner *owner, uint32_t count)
{
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++)
		err = owner_bind(owner, bench->ids[i], i);
	return err;
}

/* The close */

static uint32_t count_left(const struct bench *bench)
{
	struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(bench->iommu);
	uint32_t left = 0;

	for (uint32_t i = 0; i < bench->count; i++)
		left += vsva_ioasid_state_of(space, bench->ids[i], NULL) != VSVA_IOASID_FREE;
	return left;
}

static int measure_close(struct bench *bench, const struct owner *owner, struct pasid_figures *out)
{
	struct vsva_machine *machine = bench->world.machine;
	uint64_t copies = bench_traffic_copies(&bench->traffic);
	struct vsva_unit_stats before, after;
	double begin = bench_now_ns(), took;
	int err;

	vsva_machine_unit_stats(machine, &before);
	err = vsva_container_close(owner->container);
	took = bench_now_ns() - begin;
	vsva_machine_unit_stats(machine, &after);
	out->close_translations =
		(bench_traffic_copies(&bench->traffic) - copies) * bench_traffic_translations;
	out->close_ns = took / bench->count;
	out->close_per_second = (double)out->close_translations / took * 1e9;
	out->close_misses = after.iotlb_misses - before.iotlb_misses;
	out->descriptors = after.descriptors - before.descriptors;
	out->waits = after.waits - before.waits;
	out->left = count_left(bench);
	return err;
}

static int measure_binds(struct bench *bench, const struct owner *owner, struct pasid_figures *out)
{
	struct vsva_memory_stats before, after;
	double begin;
	int err;

	bench->step("allocating PASIDs");
	vsva_machine_memory(bench->world.machine, &before);
	begin = bench_now_ns();
	err = alloc_all(bench, owner, bench->count);
	out->alloc_ns = (bench_now_ns() - begin) / bench->count;
	if (err)
		return err;
	bench->step("binding them");
	begin = bench_now_ns();
	err = bind_all(bench, owner, bench->count);
	out->bind_ns = (bench_now_ns() - begin) / bench->count;
	vsva_machine_memory(bench->world.machine, &after);
	out->record_bytes = (double)(after.record_bytes - before.record_bytes) / bench->count;
	out->table_bytes =
		(double)(after.table_pages - before.table_pages) * VSVA_PAGE_SIZE / bench->count;
	return err;
}

static int measure_life(struct bench *bench, struct pasid_figures *out)
{
	struct owner owner;
	int err = open_owner(bench, VSVA_FREE_RECLAIMS, bench->count, &owner);

	if (err)
		return err;
	out->pasids = bench->count;
	err = measure_binds(bench, &owner, out);
	bench->step("closing their container");
	if (!err)
		return measure_close(bench, &owner, out);
	vsva_container_close(owner.container);
	return err;
}

/* The two policies */

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static double median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(values[0]), compare);
	return values[count / 2];
}

static uint64_t descriptors_of(const struct bench *bench)
{
	struct vsva_unit_stats stats;

	vsva_machine_unit_stats(bench->world.machine, &stats);
	return stats.descriptors;
}

/* Each is waited for before the next. */
static int free_one_by_one(const struct bench *bench, const struct owner *owner, uint32_t count,
			   struct free_figures *out)
{
	struct vsva_ioasid_set *set = vsva_container_set(owner->container);
	uint64_t descriptors = descriptors_of(bench);
	double calls[POLICY_PASIDS], reclaims[POLICY_PASIDS];
	int err = 0;

	for (uint32_t i = 0; i < count && !err; i++) {
		double begin = bench_now_ns();

		err = vsva_container_pasid_free(owner->container, bench->ids[i]);
		calls[i] = bench_now_ns() - begin;
		if (!err)
			err = vsva_ioasid_free_sync(set, bench->ids[i]);
		reclaims[i] = bench_now_ns() - begin;
	}
	if (err)
		return err;
	out->call_ns = median(calls, count);
	out->reclaimed_ns = median(reclaims, count);
	out->descriptors = (double)(descriptors_of(bench) - descriptors) / count;
	return 0;
}

static int free_in_a_row(const struct bench *bench, const struct owner *owner, uint32_t first,
			 uint32_t count, struct free_figures *out)
{
	uint64_t descriptors = descriptors_of(bench);
	double begin = bench_now_ns();
	int err = 0;

	for (uint32_t i = first; i < first + count && !err; i++)
		err = vsva_container_pasid_free(owner->container, bench->ids[i]);
	out->row_call_ns = (bench_now_ns() - begin) / count;
	if (!err)
		err = vsva_ioasid_free_all_sync(vsva_container_set(owner->container));
	out->row_reclaimed_ns = (bench_now_ns() - begin) / count;
	out->row_descriptors = (double)(descriptors_of(bench) - descriptors) / count;
	return err;
}

static int measure_policy(struct bench *bench, enum vsva_free_policy policy,
			  struct free_figures *out)
{
	uint32_t count = bench->count / 2 < POLICY_PASIDS ? bench->count / 2 : POLICY_PASIDS;
	struct owner owner;
	int err = open_owner(bench, policy, 2 * count, &owner), close_err;

	if (err)
		return err;
	err = alloc_all(bench, &owner, 2 * count);
	if (!err)
		err = bind_all(bench, &owner, 2 * count);
	if (!err)
		err = free_one_by_one(bench, &owner, count, out);
	if (!err)
		err = free_in_a_row(bench, &owner, count, count, out);
	close_err = vsva_container_close(owner.container);
	return err ? err : close_err;
}

/* The other VM */

static void measure_alone(struct bench *bench, struct pasid_figures *out)
{
	const struct timespec pause = {.tv_nsec = ALONE_NS};
	uint64_t copies = bench_traffic_copies(&bench->traffic);
	double begin = bench_now_ns();

	nanosleep(&pause, NULL);
	out->alone_per_second = (double)((bench_traffic_copies(&bench->traffic) - copies) *
					 bench_traffic_translations) /
				(bench_now_ns() - begin) * 1e9;
}

static int measure_all(struct bench *bench, struct pasid_figures *out)
{
	uint64_t copies;
	int err;

	measure_alone(bench, out);
	copies = bench_traffic_copies(&bench->traffic);
	err = measure_life(bench, out);
	out->translations =
		(bench_traffic_copies(&bench->traffic) - copies) * bench_traffic_translations;
	bench->step("freeing PASIDs under both policies");
	for (unsigned i = 0; i < 2 && !err; i++)
		err = measure_policy(bench, (enum vsva_free_policy)i, &out->policies[i]);
	return err;
}

/* Life */

static int bench_init(struct bench *bench, uint32_t count)
{
	static const struct bench_world_options world = {
		.policy = VSVA_CACHE_LRU, .threads = true, .pasid_quota = 1};
	struct vsva_device_options device = {.kind = VSVA_DEVICE_TEST_ENGINE};
	uint32_t available;
	int err = bench_world_create(&world, &bench->world);

	if (err)
		return err;
	bench->iommu = vsva_machine_iommu(bench->world.machine);
	available = vsva_ioasid_space_available(vsva_iommu_ioasid_space(bench->iommu));
	bench->count = count ? count : available;
	bench->ids = calloc(bench->count, sizeof(bench->ids[0]));
	if (!bench->ids)
		return -ENOMEM;
	if (bench->count > available)
		return -ENOSPC;
	err = vsva_device_create(bench->world.machine, &device, &bench->device);
	if (!err)
		err = bench_traffic_start(&bench->traffic, &bench->world);
	bench->has_traffic = !err;
	return err;
}

static void bench_fini(struct bench *bench)
{
	if (bench->has_traffic)
		bench_traffic_stop(&bench->traffic);
	bench_world_destroy(&bench->world);
	free(bench->ids);
}

int bench_pasids(uint32_t count, void (*step)(const char *what), struct pasid_figures *out)
{
	struct bench bench = {.step = step};
	int err = bench_init(&bench, count);

	memset(out, 0, sizeof(*out));
	if (!err)
		err = measure_all(&bench, out);
	bench_fini(&bench);
	out->copies_wrong = bench.traffic.wrong;
	return err;
}
