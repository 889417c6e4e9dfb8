// SPDX-License-Identifier: MIT
/* Containers and device handles are closed while other threads bind, unbind, free, invalidate, do DMA
 * with page requests and answer them, on the real unit. After close has returned there is no access,
 * and nothing is left. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "silicon.h"

#include "base/rcu.h"
#include "hw/device/endpoint.h"
#include "vsva/vfio.h"

#define ROUNDS 8u
#define PASIDS 6u
#define VA     UINT64_C(0x7f0000001000)
#define HOLE   UINT64_C(0x7f0000009000)

struct race {
	struct silicon s;
	struct vsva_container *container;
	struct vsva_container_device *device;
	uint64_t root;
	uint32_t pasids[PASIDS]; /* atomic; 0: none */
	bool stop;               /* atomic */
	bool closed;             /* atomic: close has returned */
	unsigned late;           /* atomic: accesses that began after it and got through */
	unsigned accesses, bound, requests, asked; /* atomic */
};

static bool is_stopped(struct race *race)
{
	return __atomic_load_n(&race->stop, __ATOMIC_ACQUIRE);
}

static uint32_t pick(struct race *race, unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return __atomic_load_n(&race->pasids[*seed / 65536 % PASIDS], __ATOMIC_ACQUIRE);
}

static struct vsva_gpasid_bind_data bind_data(const struct race *race, uint32_t pasid)
{
	return (struct vsva_gpasid_bind_data){
		.argsz = sizeof(struct vsva_gpasid_bind_data),
		.version = VSVA_GPASID_BIND_VERSION_1,
		.format = VSVA_PASID_FORMAT_INTEL_VTD,
		.addr_width = 48,
		.flags = VSVA_GPASID_VAL,
		.gpgd = race->root,
		.hpasid = pasid,
		.gpasid = pasid,
	};
}

static void *binder(void *arg)
{
	struct race *race = arg;
	unsigned seed = (unsigned)(uintptr_t)&seed;

	while (!is_stopped(race)) {
		uint32_t pasid = pick(race, &seed);
		struct vsva_gpasid_bind_data data = bind_data(race, pasid);
		int err = pasid ? vsva_container_bind_gpasid(race->device, &data) : -ENOENT;

		if (!err)
			__atomic_fetch_add(&race->bound, 1, __ATOMIC_RELAXED);
		assert_true(!err || err == -ENODEV || err == -ENOENT || err == -EBUSY ||
			    err == -EEXIST);
		sched_yield();
		if (!err)
			vsva_container_unbind_gpasid(race->device, hpasid(pasid));
	}
	return NULL;
}

/* Allocates, and frees bound or not. */
static void *freer(void *arg)
{
	struct race *race = arg;
	unsigned at = 0;

	while (!is_stopped(race)) {
		uint32_t *slot = &race->pasids[at++ % PASIDS];
		uint32_t old = __atomic_exchange_n(slot, 0, __ATOMIC_ACQ_REL);
		hpasid_t fresh;

		if (old)
			vsva_container_pasid_free(race->container, hpasid(old));
		if (vsva_container_pasid_alloc(race->container, &fresh) == 0)
			__atomic_store_n(slot, fresh.v, __ATOMIC_RELEASE);
		sched_yield();
	}
	return NULL;
}

static void *invalidator(void *arg)
{
	struct race *race = arg;
	unsigned seed = 9;

	while (!is_stopped(race)) {
		struct vsva_cache_invalidate_info info = {
			.argsz = sizeof(info),
			.version = VSVA_CACHE_INVALIDATE_VERSION_1,
			.cache = VSVA_CACHE_INV_IOTLB,
			.granularity = VSVA_INV_PASID,
			.granu.pasid_info = {.flags = VSVA_INV_FLAG_PASID},
		};

		info.granu.pasid_info.pasid = pick(race, &seed);
		vsva_container_cache_invalidate(race->device, &info);
		sched_yield();
	}
	return NULL;
}

static void ask(struct race *race, uint32_t pasid)
{
	struct dma_context context = {.pasid = pasid, .use_ats = true};

	if (endpoint_page_request(&race->s.endpoint, &context, HOLE, UNIT_READ) >= 0)
		__atomic_fetch_add(&race->asked, 1, __ATOMIC_RELAXED);
}

static void *dma(void *arg)
{
	struct race *race = arg;
	unsigned seed = 77;

	while (!is_stopped(race)) {
		bool closed = __atomic_load_n(&race->closed, __ATOMIC_ACQUIRE);
		uint32_t pasid = pick(race, &seed);
		uint64_t value;

		if (!pasid)
			continue;
		if (silicon_read(&race->s, pasid, VA, seed & 1, &value) == DMA_OK) {
			__atomic_fetch_add(&race->accesses, 1, __ATOMIC_RELAXED);
			if (closed)
				__atomic_fetch_add(&race->late, 1, __ATOMIC_RELAXED);
		}
		if (seed & 2)
			ask(race, pasid);
	}
	return NULL;
}

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct race *race = arg;
	struct vsva_page_response response = {.argsz = sizeof(response),
					      .version = 1,
					      .flags = VSVA_PAGE_RESP_PASID_VALID,
					      .pasid = fault->u.prm.pasid,
					      .grpid = fault->u.prm.grpid};

	(void)dev;
	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0;
	/* every other one is left to whoever closes */
	if (__atomic_fetch_add(&race->requests, 1, __ATOMIC_RELAXED) & 1)
		vsva_container_page_response(race->device, &response);
	return 0;
}

static void open_container(struct race *race, enum vsva_free_policy policy)
{
	struct vsva_container_options options = {.pasid_quota = 4096, .policy = policy, .vm = 5};

	assert_int_equal(vsva_container_open(race->s.iommu, &options, &race->container), 0);
	assert_int_equal(vsva_container_map(race->container, gpa(0), race->s.base, GUEST_LEN, 3),
			 0);
	assert_int_equal(vsva_container_add(race->container, race->s.dev, &race->device), 0);
	assert_int_equal(vsva_container_set_fault_handler(race->device, on_fault, NULL, race), 0);
	vsva_container_get(race->container);
	vsva_container_device_get(race->device);
}

static void expect_nothing_left(struct race *race)
{
	struct vsva_iommu_stats stats;

	vsva_iommu_get_stats(race->s.iommu, &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(stats.domains_now, 1); /* the test's own */
	assert_int_equal(stats.requests_pending_now, 0);
	assert_int_equal(vsva_ioasid_space_available(vsva_iommu_ioasid_space(race->s.iommu)),
			 VSVA_PASID_MAX - 4096);
}

static void one_round(struct race *race, unsigned round)
{
	void *(*const roles[])(void *) = {binder, binder, freer, invalidator, dma, dma};
	pthread_t threads[sizeof(roles) / sizeof(roles[0])];
	unsigned target;

	memset(race->pasids, 0, sizeof(race->pasids));
	race->stop = race->closed = false;
	open_container(race, round & 1 ? VSVA_FREE_UNBINDS_FIRST : VSVA_FREE_RECLAIMS);
	target = race->bound + 3 + round % 5;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		pthread_create(&threads[i], NULL, roles[i], race);
	while (__atomic_load_n(&race->bound, __ATOMIC_RELAXED) < target)
		sched_yield();
	if (round % 3 == 0)
		assert_int_equal(vsva_container_device_close(race->device), 0);
	assert_int_equal(vsva_container_close(race->container), 0);
	__atomic_store_n(&race->closed, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 200; i++)
		sched_yield();
	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		pthread_join(threads[i], NULL);
	vsva_container_device_put(race->device);
	vsva_container_put(race->container);
	/* every group that the device has asked for was answered, once */
	assert_int_equal(__atomic_load_n(&race->s.answers, __ATOMIC_ACQUIRE), race->asked);
	expect_nothing_left(race);
}

static void race_with(enum unit_cache_policy policy)
{
	struct race *race = calloc(1, sizeof(*race));

	silicon_create(&race->s, policy, WORKERS_THREADS, true);
	race->root = silicon_first_stage(&race->s);
	silicon_map(&race->s, race->root, VA, silicon_page(&race->s), true);
	assert_int_equal(vsva_dev_unregister_fault_handler(race->s.dev), 0);
	assert_int_equal(vsva_domain_detach(race->s.domain, race->s.dev), 0);
	for (unsigned round = 0; round < ROUNDS; round++)
		one_round(race, round);
	assert_true(race->bound > ROUNDS);
	assert_int_equal(race->late, 0);
	silicon_destroy(&race->s);
	free(race);
}

static void test_close_races_lru(void **state)
{
	(void)state;
	race_with(UNIT_CACHE_LRU);
}

static void test_close_races_adversarial(void **state)
{
	(void)state;
	race_with(UNIT_CACHE_ADVERSARIAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_close_races_lru),
		cmocka_unit_test(test_close_races_adversarial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
