// SPDX-License-Identifier: MIT
/*
 * Page requests: from a message of an endpoint to a descriptor in software's queue. VT-d 7.4 to
 * 7.6.
 *
 * One call is one RCU read section, so that a wait descriptor with PD=1, which waits for a grace
 * period, finds every request of before it in the queue.
 */
#include "base/sched.h"
#include "hw/cache_iotlb.h"
#include "hw/endpoints.h"
#include "hw/fault.h"
#include "hw/invalidate.h"
#include "hw/memory.h"
#include "hw/registers.h"
#include "hw/unit_state.h"
#include "vtd/descriptors.h"

static bool is_stop_marker(const struct unit_page_request *r)
{
	return r->last && !r->read && !r->write;
}

static bool has_pasid(const struct unit_page_request *r)
{
	return r->pasid != VSVA_PASID_INVALID;
}

/* An answer that the unit gives itself, if it does. */
struct answer {
	bool given;
	unsigned code;
};

/* VT-d 7.6: only the last request of a group is answered, a stop marker never. */
static struct answer answer_with(const struct unit_page_request *r, unsigned code)
{
	return (struct answer){.given = r->last && !is_stop_marker(r), .code = code};
}

/* Tables */

static void report(struct unit *unit, const struct unit_page_request *r, enum vtd_fault reason,
		   bool fpd)
{
	struct fault fault = {
		.reason = reason,
		.fpd = fpd,
		.kind = REQUEST_PAGE,
		.rid = r->rid,
		.pasid = r->pasid,
		.addr = r->addr,
		.access = r->write ? UNIT_WRITE : UNIT_READ,
		.privileged = r->privileged,
		.exec = r->exec,
	};

	fault_report(unit, &fault);
}

static bool find_space(struct unit *unit, const struct unit_page_request *r, struct space *space)
{
	struct lookup lookup = {
		.physmem = unit->config.physmem,
		.caches = &unit->caches,
		.rules = &unit->rules,
		.masks = &unit->masks,
		.generation = caches_generation(&unit->caches),
		.kind = REQUEST_PAGE,
		.rid = r->rid,
		.pasid = r->pasid,
	};
	enum vtd_fault fault;

	*space = (struct space){0};
	lookup.root = unit_root(unit); /* after the generation */
	if (!root_is_enabled(lookup.root))
		return false;
	fault = tables_check_mode(&lookup);
	if (!fault)
		fault = tables_find_space(&lookup, space);
	if (fault)
		report(unit, r, fault, space->fpd);
	return !fault;
}

/* Queue */

/* VT-d 7.5: what software is about to change must not be found in a cache when the device comes
 * back. */
static void invalidate_implicitly(struct unit *unit, const struct unit_page_request *r,
				  const struct space *space)
{
	struct page_range range = {.addr = r->addr};

	switch (space->pgtt) {
	case VTD_PGTT_FIRST_STAGE:
		invalidate_pasid_iotlb_pages(unit, space->did, space->pasid, &range);
		break;
	case VTD_PGTT_NESTED:
		invalidate_iotlb_domain(unit, space->did);
		break;
	default:
		invalidate_iotlb_pages(unit, space->did, &range);
		break;
	}
}

/* VT-d 7.4.1 */
static struct vtd_page_request descriptor_of(const struct unit_page_request *r)
{
	struct vtd_page_request d = {{0}};

	vtd_page_request_set_TYPE(&d, VTD_PAGE_REQUEST_TYPE);
	vtd_page_request_set_RID(&d, r->rid.v);
	vtd_page_request_set_RDR(&d, r->read);
	vtd_page_request_set_WRR(&d, r->write);
	vtd_page_request_set_LPIG(&d, r->last);
	vtd_page_request_set_PRGI(&d, r->prgi & 0x1ffu);
	vtd_page_request_set_ADDR(&d, r->addr & ~(uint64_t)(VSVA_PAGE_SIZE - 1));
	if (!has_pasid(r))
		return d;
	vtd_page_request_set_PP(&d, 1);
	vtd_page_request_set_PASID(&d, r->pasid & VSVA_PASID_MAX);
	vtd_page_request_set_PMR(&d, r->privileged);
	vtd_page_request_set_EXR(&d, r->exec && r->read);
	return d;
}

static bool write_slot(struct unit *unit, uint64_t slot, const struct vtd_page_request *d)
{
	for (unsigned i = 0; i < 4; i++)
		if (!memory_write(unit->config.physmem, slot + UINT64_C(8) * i, d->q[i]))
			return false;
	return true;
}

/* Full, or overflown and not yet acknowledged: *fx has the event. */
static bool reserve(struct unit *unit, uint64_t *slot, struct vtd_effects *fx)
{
	int err;

	SEAM_POINT(SEAM_MMIO, SEAM_READ, "PQH", 0);
	SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "PRS", 0);
	registers_lock(unit);
	err = vtd_regfile_prq_reserve(&unit->registers, slot, fx);
	registers_unlock(unit);
	return !err;
}

static void commit(struct unit *unit, struct vtd_effects *fx)
{
	SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "PQT", 0);
	SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "PRS", 0);
	registers_lock(unit);
	vtd_regfile_prq_commit(&unit->registers, fx);
	registers_unlock(unit);
}

static void trace_queued(const struct unit *unit, const struct unit_page_request *r)
{
	TRACE(unit->config.trace, UNIT, PAGE_REQUEST_QUEUED, .rid = r->rid,
	      .hpasid = hpasid(r->pasid), .addr = r->addr, .value = r->prgi, .write = r->write);
}

/* Under prq_lock. What is lost to a full queue is answered "success": the device will come
 * again. */
static struct answer enqueue(struct unit *unit, const struct unit_page_request *r,
			     const struct space *space, struct vtd_effects *fx)
{
	struct vtd_page_request d = descriptor_of(r);
	uint64_t slot;

	if (!reserve(unit, &slot, fx))
		return answer_with(r, VTD_RESPONSE_SUCCESS);
	if (!is_stop_marker(r))
		invalidate_implicitly(unit, r, space);
	if (!write_slot(unit, slot, &d))
		return answer_with(r, VTD_RESPONSE_INVALID);
	trace_queued(unit, r);
	commit(unit, fx);
	return (struct answer){0};
}

static struct answer handle(struct unit *unit, const struct unit_page_request *r,
			    struct vtd_effects *fx)
{
	struct answer answer;
	struct space space;

	if (!find_space(unit, r, &space))
		return answer_with(r, VTD_RESPONSE_INVALID);
	lock_take(&unit->prq_lock);
	answer = enqueue(unit, r, &space, fx);
	lock_drop(&unit->prq_lock);
	return answer;
}

void unit_page_request(struct unit *unit, const struct unit_page_request *request)
{
	struct vtd_effects fx = {0};
	struct answer answer;

	counters_add(&unit->counters.page_requests);
	rcu_read_lock();
	answer = handle(unit, request, &fx);
	rcu_read_unlock();
	registers_send(unit, &fx);
	if (answer.given)
		endpoints_respond(unit, request->rid, request->pasid, request->prgi, answer.code);
}
