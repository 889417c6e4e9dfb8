// SPDX-License-Identifier: MIT
#include "unit.h"

#include <string.h>
#include <sys/mman.h>

#include "base/random.h"
#include "device/fake_unit.h"
#include "vtd/descriptors.h"

#define MEMORY_LEN ((size_t)VIRTUAL_PAGES * VSVA_PAGE_SIZE)

static unsigned space_of(uint32_t pasid)
{
	return pasid == VSVA_PASID_INVALID ? 0 : pasid % SPACES;
}

static uint64_t offset_of(uint64_t va)
{
	return (va - VIRTUAL_BASE) ^ VSVA_PAGE_SIZE;
}

static bool is_virtual(uint64_t va)
{
	return va >= VIRTUAL_BASE && va - VIRTUAL_BASE < MEMORY_LEN;
}

static void translate(struct unit *unit, const struct unit_request *request,
		      struct unit_translation *out)
{
	uint8_t rights = 0;

	if (is_virtual(request->addr) && !(unit->supervisor && !request->privileged))
		rights = __atomic_load_n(
			&unit->rights[space_of(request->pasid)]
				     [(request->addr - VIRTUAL_BASE) / VSVA_PAGE_SIZE],
			__ATOMIC_ACQUIRE);
	*out = (struct unit_translation){.page_lg2 = 12, .rights = rights};
	if (rights)
		out->hpa = hpa(unit->base.v + offset_of(request->addr));
	if (unit->error)
		out->response = VTD_RESP_UR;
}

struct unit_grant unit_find_cached(struct unit *unit, rid_t rid_, uint32_t pasid, uint64_t addr,
				   enum unit_access access)
{
	(void)unit;
	(void)rid_;
	(void)pasid;
	(void)addr;
	(void)access;
	return (struct unit_grant){.page_lg2 = 0};
}

void unit_translate(struct unit *unit, const struct unit_request *request,
		    struct unit_translation *out)
{
	__atomic_fetch_add(&unit->untranslated_count, 1, __ATOMIC_RELAXED);
	translate(unit, request, out);
	if ((out->rights & request->access) != request->access)
		out->response = VTD_RESP_UR;
}

uint64_t unit_find_run(struct unit *unit, rid_t rid_, uint32_t pasid, uint64_t addr,
		       enum unit_access access, hpa_t to, uint64_t len)
{
	(void)rid_;
	(void)pasid;
	(void)addr;
	(void)access;
	(void)to;
	return unit->has_runs ? len : 0;
}

void unit_bring_near(const struct unit *unit, rid_t rid_, uint32_t pasid, uint64_t addr,
		     uint64_t len)
{
	(void)unit;
	(void)rid_;
	(void)pasid;
	(void)addr;
	(void)len;
}

void unit_translate_unknown(struct unit *unit, const struct unit_request *request,
			    struct unit_translation *out)
{
	unit_translate(unit, request, out);
}

void unit_ats_translate(struct unit *unit, const struct unit_request *request,
			struct unit_translation *out)
{
	__atomic_fetch_add(&unit->ats_count, 1, __ATOMIC_RELAXED);
	translate(unit, request, out);
	if (out->response == VTD_RESP_NONE && !out->rights)
		out->response = VTD_RESP_S0;
	else if (out->response == VTD_RESP_NONE && out->rights != 3)
		out->response = VTD_RESP_SE;
	if (unit->before_completion)
		unit->before_completion(unit, request);
}

bool unit_ats_allows_translated(struct unit *unit, rid_t rid_, hpa_t address,
				enum unit_access access)
{
	(void)rid_;
	(void)address;
	(void)access;
	__atomic_fetch_add(&unit->translated_count, 1, __ATOMIC_RELAXED);
	return !unit->deny_translated;
}

static void grant(struct unit *unit, const struct unit_page_request *request)
{
	uint8_t rights = (uint8_t)((request->read ? VSVA_PROT_READ : 0) |
				   (request->write ? VSVA_PROT_WRITE | VSVA_PROT_READ : 0));

	if (is_virtual(request->addr))
		__atomic_fetch_or(&unit->rights[space_of(request->pasid)]
					       [(request->addr - VIRTUAL_BASE) / VSVA_PAGE_SIZE],
				  rights, __ATOMIC_RELEASE);
}

void unit_page_request(struct unit *unit, const struct unit_page_request *request)
{
	enum fake_policy policy = __atomic_load_n(&unit->policy, __ATOMIC_ACQUIRE);

	assert_false(rcu_is_reading());
	lock_take(&unit->lock);
	unit->requests[unit->request_count++ % REQUESTS_MAX] = *request;
	lock_drop(&unit->lock);
	if (policy == FAKE_KEEP || (!request->read && !request->write))
		return;
	if (policy == FAKE_GRANT)
		grant(unit, request);
	endpoint_page_response(unit->endpoint, request->pasid, request->prgi,
			       policy == FAKE_REFUSE ? VTD_RESPONSE_INVALID : VTD_RESPONSE_SUCCESS);
}

int unit_attach(struct unit *unit, struct endpoint *endpoint)
{
	unit->endpoint = endpoint;
	return 0;
}

void unit_detach(struct unit *unit, struct endpoint *endpoint)
{
	assert_ptr_equal(unit->endpoint, endpoint);
	unit->endpoint = NULL;
}

void world_init(struct world *world, enum worker_mode mode)
{
	memset(world, 0, sizeof(*world));
	world->physmem = physmem_create();
	assert_non_null(world->physmem);
	world->pool = worker_pool_create(mode, 0);
	assert_non_null(world->pool);
	world->memory =
		mmap(NULL, MEMORY_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(world->memory != MAP_FAILED);
	assert_int_equal(
		physmem_add(world->physmem, world->memory, MEMORY_LEN, true, &world->unit.base), 0);
	lock_init(&world->unit.lock, LOCK_RANK_LEAF, "fake unit");
}

void world_fini(struct world *world)
{
	assert_int_equal(physmem_remove(world->physmem, world->unit.base), 0);
	rcu_synchronize();
	munmap(world->memory, MEMORY_LEN);
	worker_pool_destroy(world->pool);
	physmem_destroy(world->physmem);
	lock_destroy(&world->unit.lock);
}

void world_run(struct world *world)
{
	worker_pool_run_idle(world->pool, 100000);
}

void world_allow(struct world *world, uint32_t pasid, uint64_t va, uint64_t len, uint8_t rights)
{
	uint64_t first = (va - VIRTUAL_BASE) / VSVA_PAGE_SIZE;
	uint64_t last = (va + len - 1 - VIRTUAL_BASE) / VSVA_PAGE_SIZE;

	for (uint64_t page = first; page <= last; page++)
		__atomic_store_n(&world->unit.rights[space_of(pasid)][page], rights,
				 __ATOMIC_RELEASE);
}

unsigned char *world_byte(struct world *world, uint64_t va)
{
	assert_true(is_virtual(va));
	return world->memory + offset_of(va);
}

void world_write(struct world *world, uint64_t va, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*world_byte(world, va + i) = ((const unsigned char *)bytes)[i];
}

void world_read(struct world *world, uint64_t va, void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((unsigned char *)bytes)[i] = *world_byte(world, va + i);
}

void world_randomize(struct world *world, uint64_t va, size_t len, uint64_t seed)
{
	struct rng rng;

	rng_seed(&rng, seed);
	for (size_t i = 0; i < len; i++)
		*world_byte(world, va + i) = (unsigned char)rng_u64(&rng);
}

bool world_same(struct world *world, uint64_t a, uint64_t b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (*world_byte(world, a + i) != *world_byte(world, b + i))
			return false;
	return true;
}

bool world_is_all(struct world *world, uint64_t va, size_t len, unsigned char value)
{
	for (size_t i = 0; i < len; i++)
		if (*world_byte(world, va + i) != value)
			return false;
	return true;
}

unsigned world_requests(struct world *world)
{
	unsigned count;

	lock_take(&world->unit.lock);
	count = world->unit.request_count;
	lock_drop(&world->unit.lock);
	return count;
}

void world_answer(struct world *world, unsigned request, unsigned code)
{
	struct unit_page_request r;

	lock_take(&world->unit.lock);
	r = world->unit.requests[request % REQUESTS_MAX];
	lock_drop(&world->unit.lock);
	if (code == VTD_RESPONSE_SUCCESS)
		grant(&world->unit, &r);
	endpoint_page_response(world->unit.endpoint, r.pasid, r.prgi, code);
}
