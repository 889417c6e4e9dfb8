// SPDX-License-Identifier: MIT
#include "host_world.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/rcu.h"

#define WAIT_MS 1000u
/* PASIDs of 13 bits, so that the driver's tables are small. */
#define PSS_CLEAR vtd_ECAP_with_PSS(0, 20 - 1)
#define PSS_SET   vtd_ECAP_with_PSS(0, 13 - 1)

enum host_plant host_world_plant;
enum vsva_free_policy host_world_policy;
/* They only wait for a deadline, which no schedule comes near, or log what the device's owner is told
 * as well. */
const char *const host_world_background[] = {"host-expiry", "host-fault", NULL};

/* Ledger */

static bool may_access(const struct host_world *w)
{
	return w->users > 0 && !w->is_over && !w->is_unmapped;
}

static void on_access(const struct host_world *w, const struct vsva_event *event)
{
	if (!may_access(w))
		explore_fail("access to %#lx under PASID %u: %d users%s%s",
			     (unsigned long)event->addr, w->pasid.v, w->users,
			     w->is_over ? ", all over" : "", w->is_unmapped ? ", unmapped" : "");
}

static void on_event(void *arg, const struct vsva_event *event)
{
	struct host_world *w = arg;

	if (event->hpasid.v != w->pasid.v)
		return;
	if (event->kind == VSVA_EV_ACCESS)
		on_access(w, event);
	if (event->kind == VSVA_EV_IOASID_RECLAIM)
		w->is_over = true;
}

/* Plants */

static bool is_planted(const struct host_world *w, const struct vtd_desc *desc)
{
	unsigned type = vtd_desc_type(desc);

	switch (w->plant) {
	case HOST_PLANT_NO_DEVICE_TLB_FLUSH:
		return type == VTD_DESC_PASID_DEV_TLB || type == VTD_DESC_DEV_TLB;
	case HOST_PLANT_NO_IOTLB_FLUSH:
		return type == VTD_DESC_IOTLB || type == VTD_DESC_PASID_IOTLB;
	case HOST_PLANT_NO_PASID_CACHE_FLUSH:
		return type == VTD_DESC_PASID_CACHE;
	case HOST_PLANT_LOSE_ANSWER:
		return type == VTD_DESC_PAGE_RESPONSE;
	default:
		return false;
	}
}

static void answer_again(struct host_world *w, const struct vtd_desc *desc)
{
	endpoint_page_response(&w->s.endpoint, (uint32_t)vtd_desc_page_response_PASID(desc),
			       (uint16_t)vtd_desc_page_response_PRGI(desc),
			       (unsigned)vtd_desc_page_response_RC(desc));
}

static void on_desc(void *arg, struct vtd_desc *desc)
{
	struct host_world *w = arg;

	if (is_planted(w, desc))
		silicon_drop(desc);
	if (w->plant == HOST_PLANT_NO_DRAIN && vtd_desc_type(desc) == VTD_DESC_WAIT)
		vtd_desc_wait_set_PD(desc, 0);
	if (w->plant == HOST_PLANT_ANSWER_TWICE && vtd_desc_type(desc) == VTD_DESC_PAGE_RESPONSE)
		answer_again(w, desc);
}

/* The owner */

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct host_world *w = arg;

	(void)dev;
	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0;
	SEAM_FLAG_WRITE("handler");
	EXPLORE_CHECK(w->reported < HOST_GROUPS_MAX);
	w->groups[w->reported++] = fault->u.prm.grpid;
	worker_pool_notify(w->s.pool);
	return 0;
}

/* Life */

static void open_container(struct host_world *w)
{
	struct vsva_container_options options = {
		.pasid_quota = 8, .policy = host_world_policy, .vm = 1};

	EXPLORE_CHECK(vsva_dev_unregister_fault_handler(w->s.dev) == 0);
	EXPLORE_CHECK(vsva_domain_detach(w->s.domain, w->s.dev) == 0);
	EXPLORE_CHECK(vsva_ioasid_set_adjust(w->s.set, 1) == 0);
	EXPLORE_CHECK(vsva_container_open(w->s.iommu, &options, &w->container) == 0);
	EXPLORE_CHECK(vsva_container_map(w->container, gpa(0), w->s.base, GUEST_LEN, 3) == 0);
	EXPLORE_CHECK(vsva_container_add(w->container, w->s.dev, &w->device) == 0);
	EXPLORE_CHECK(vsva_container_set_fault_handler(w->device, on_fault, NULL, w) == 0);
	vsva_container_get(w->container);
	vsva_container_device_get(w->device);
}

static int bind(struct host_world *w)
{
	struct vsva_gpasid_bind_data data = {.argsz = sizeof(data),
					     .version = VSVA_GPASID_BIND_VERSION_1,
					     .format = VSVA_PASID_FORMAT_INTEL_VTD,
					     .addr_width = 48,
					     .flags = VSVA_GPASID_VAL,
					     .gpgd = w->root,
					     .hpasid = w->pasid.v,
					     .gpasid = 7};

	return vsva_container_bind_gpasid(w->device, &data);
}

static int ask(struct host_world *w)
{
	struct dma_context context = {.pasid = w->pasid.v, .use_ats = true};
	int group = endpoint_page_request(&w->s.endpoint, &context, HOST_VA_HOLE, UNIT_WRITE);

	if (group >= 0)
		w->asked++;
	return group;
}

static void make_guest(struct host_world *w)
{
	w->root = silicon_first_stage(&w->s);
	w->page = silicon_page(&w->s);
	silicon_map(&w->s, w->root, HOST_VA, w->page, true);
	EXPLORE_CHECK(vsva_container_pasid_alloc(w->container, &w->pasid) == 0);
}

void *host_world_setup(uint64_t seed)
{
	struct host_world *w = calloc(1, sizeof(*w));
	struct silicon_options options = {.policy = UNIT_CACHE_LRU,
					  .mode = WORKERS_THREADS,
					  .iotlb_entries = 16,
					  .ecap_clear = PSS_CLEAR,
					  .ecap_set = PSS_SET,
					  .tap = {.desc = on_desc, .arg = w}};

	(void)seed;
	EXPLORE_CHECK(w);
	w->bytes_before = base_bytes_in_use();
	w->results = (struct host_results){1, 1, 1, 1, 1, 1, 1, 1, 1};
	silicon_create_with(&w->s, &options);
	w->s.trace = (struct trace){.observer = on_event, .arg = w};
	open_container(w);
	make_guest(w);
	w->users = 1;
	EXPLORE_CHECK(bind(w) == 0);
	EXPLORE_CHECK(silicon_write(&w->s, w->pasid.v, HOST_VA, true, 1) == DMA_OK);
	EXPLORE_CHECK(ask(w) >= 0);
	silicon_run(&w->s);
	EXPLORE_CHECK(w->reported);
	w->plant = host_world_plant;
	return w;
}

void host_world_teardown(void *world)
{
	struct host_world *w = world;
	size_t bytes_before = w->bytes_before;

	w->plant = HOST_PLANT_NOTHING;
	vsva_container_close(w->container);
	vsva_container_device_put(w->device);
	vsva_container_put(w->container);
	silicon_destroy(&w->s);
	rcu_barrier();
	if (base_bytes_in_use() != bytes_before)
		explore_fail("%ld bytes are left", (long)(base_bytes_in_use() - bytes_before));
	free(w);
}

/* Check */

static void check_answers(struct host_world *w)
{
	const uint32_t *state = &w->s.config.pri_state;

	if (__atomic_load_n(state, __ATOMIC_ACQUIRE) & PCI_CONFIG_PRI_UPRGI)
		explore_fail("a group was answered that was not asked");
	/* the owner is still there and can answer what it has */
	while (w->reported)
		host_answer(w);
	if (!w->is_forgotten && w->s.answers != w->asked)
		explore_fail("%u groups asked, %u answered", w->asked, w->s.answers);
	if (!w->is_forgotten)
		EXPLORE_CHECK(w->s.endpoint.outstanding == 0);
}

/* Whether it gets through is for the ledger to judge. */
static void try_accesses(struct host_world *w)
{
	silicon_write(&w->s, w->pasid.v, HOST_VA, true, 3);
	silicon_write(&w->s, w->pasid.v, HOST_VA, false, 3);
}

void host_world_check(void *world)
{
	struct host_world *w = world;

	silicon_run(&w->s);
	check_answers(w);
	try_accesses(w);
	silicon_run(&w->s);
}

static uint64_t add(uint64_t sum, int value)
{
	return (sum ^ (uint64_t)(int64_t)value) * UINT64_C(0x100000001b3);
}

/* A call during a close may fail because the PASID is gone, or the handle; and who waits in vain for
 * a device that is gone depends on who comes first. */
static int kind_of(const struct host_world *w, int result)
{
	if (result == -ETIMEDOUT && w->results.remove != 1)
		return 0;
	return result == -ENOENT || result == -EINVAL ? -ENODEV : result;
}

uint64_t host_world_outcome(void *world)
{
	const struct host_world *w = world;
	const struct host_results *r = &w->results;
	struct vsva_iommu_stats stats;
	uint32_t references;
	uint64_t sum = 1;
	int state = (int)vsva_ioasid_state_of(vsva_iommu_ioasid_space(w->s.iommu), w->pasid,
					      &references);

	vsva_iommu_get_stats(w->s.iommu, &stats);
	sum = add(add(sum, kind_of(w, r->bind)), kind_of(w, r->close));
	sum = add(add(sum, kind_of(w, r->remove)), r->reset);
	return add(add(add(sum, state), (int)stats.bound_now), (int)references);
}

uint64_t host_world_locate(void *world, const void *pointer)
{
	const struct host_world *w = world;

	return silicon_locate(&w->s, pointer);
}

/* Actors */

void host_bind(void *world)
{
	struct host_world *w = world;

	w->users++;
	w->results.bind = bind(w);
	if (w->results.bind)
		w->users--;
}

void host_unbind(void *world)
{
	struct host_world *w = world;

	w->results.unbind = vsva_container_unbind_gpasid(w->device, w->pasid);
	if (w->results.unbind != -ENODEV)
		w->users--;
}

void host_free(void *world)
{
	struct host_world *w = world;

	w->results.free = vsva_container_pasid_free(w->container, w->pasid);
}

void host_ask(void *world)
{
	struct host_world *w = world;

	silicon_write(&w->s, w->pasid.v, HOST_VA, true, 2);
	silicon_write(&w->s, w->pasid.v, HOST_VA, false, 2);
	ask(w);
}

static bool is_reported(void *arg)
{
	const struct host_world *w = arg;

	return w->reported > 0;
}

void host_answer(void *world)
{
	struct host_world *w = world;
	struct vsva_page_response response = {.argsz = sizeof(response),
					      .version = 1,
					      .flags = VSVA_PAGE_RESP_PASID_VALID,
					      .pasid = w->pasid.v};

	if (!worker_pool_wait_until(w->s.pool, is_reported, w, WAIT_MS))
		return;
	SEAM_FLAG_WRITE("handler");
	response.grpid = w->groups[--w->reported];
	w->results.answer = vsva_container_page_response(w->device, &response);
}

void host_close(void *world)
{
	struct host_world *w = world;

	w->results.close = vsva_container_close(w->container);
	w->is_over = true;
}

void host_unmap(void *world)
{
	struct host_world *w = world;

	w->results.unmap = vsva_container_unmap(w->container, gpa(w->page), 4096, NULL);
	w->is_unmapped |= w->results.unmap == 0;
}

static void power_cycle(void *arg)
{
	struct host_world *w = arg;

	unit_reset(w->s.unit);
}

void host_reset(void *world)
{
	struct host_world *w = world;

	w->is_forgotten = true;
	w->results.reset = vsva_iommu_reset(w->s.iommu, power_cycle, w);
}

void host_remove(void *world)
{
	struct host_world *w = world;

	w->is_forgotten = true;
	endpoint_set_gone(&w->s.endpoint, true);
	vsva_container_device_close(w->device);
	w->is_over = true;
	w->results.remove = host_dev_remove(w->s.dev);
	w->s.dev = NULL;
}
