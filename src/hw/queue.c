// SPDX-License-Identifier: MIT
/*
 * Fetching and executing descriptors, strictly one after the other: that gives every order that
 * VT-d 6.5.2.11 promises between them.
 *
 * A wait descriptor is the only thing that software can see, so it is there that accesses under way
 * are waited for: one grace period for all invalidations before it.
 */
#include "hw/queue.h"

#include <errno.h>

#include "base/sched.h"
#include "hw/endpoints.h"
#include "hw/invalidate.h"
#include "hw/memory.h"
#include "hw/registers.h"
#include "hw/unit_state.h"
#include "vsva/limits.h"
#include "vtd/decode.h"

/* Fetch */

/* Descriptors that are read at once: those between head and tail are the unit's. */
#define FETCH_MAX 16u

static_assert(FETCH_MAX <= INVALIDATE_NEXT_MAX, "all that are read");

struct fetch {
	/* as the registers said last */
	bool allowed;
	bool is_ending; /* a GCMD wants the queue off */
	uint64_t address;
	uint32_t ahead; /* descriptors up to the tail, or to the end of the ring */
	struct vtd_decode_rules rules;
	uint32_t done; /* of those ahead: executed, and IQH does not say so yet */
	/* read: `count` of them, of which `next` is the first that is not executed */
	unsigned next, count;
	struct vtd_desc desc[FETCH_MAX];
};

static unsigned slot_lg2(const struct fetch *fetch)
{
	return fetch->rules.is_wide ? 5 : 4;
}

/* Of the first descriptor that is not executed. */
static uint64_t next_address(const struct fetch *fetch)
{
	return fetch->address + ((uint64_t)fetch->done << slot_lg2(fetch));
}

/* Under the lock of the registers. */
static void look_at_registers(struct unit *unit, struct fetch *fetch)
{
	const struct vtd_regfile *rf = &unit->registers;
	uint32_t head = vtd_regfile_iq_head(rf), tail = vtd_regfile_iq_tail(rf);
	uint32_t end = tail > head ? tail : vtd_regfile_iq_len(rf);

	fetch->allowed = vtd_regfile_iq_fetch_allowed(rf);
	fetch->address = vtd_regfile_iq_head_address(rf);
	fetch->rules = (struct vtd_decode_rules){
		.is_wide = vtd_regfile_iq_is_wide(rf),
		.ttm = vtd_RTADDR_TTM(vtd_regfile_root(rf)),
		.cap = unit->config.cap,
		.ecap = unit->config.ecap,
	};
	fetch->ahead = (end - head) >> slot_lg2(fetch);
	fetch->is_ending = (rf->gcmd_pending & VTD_GCMD_QIE) != 0;
	fetch->done = 0;
}

static void begin_fetch(struct unit *unit, struct fetch *fetch)
{
	fetch->next = fetch->count = 0;
	SEAM_POINT(SEAM_MMIO, SEAM_READ, "IQT", 0);
	registers_lock(unit);
	look_at_registers(unit, fetch);
	registers_unlock(unit);
}

/* Returns how many it has read: 0, there is no memory; 1, all together are not in one region of it. */
static unsigned read_descriptors(struct unit *unit, uint64_t address, unsigned count, unsigned len,
				 struct vtd_desc *out)
{
	const uint64_t *word =
		physmem_ptr(unit->config.physmem, hpa(address), (size_t)count * len, false);

	if (!word)
		return count > 1 ? read_descriptors(unit, address, 1, len, out) : 0;
	for (unsigned i = 0; i < count; i++, word += len / sizeof(*word)) {
		SEAM_MEMORY_READ(word);
		out[i] = (struct vtd_desc){{__atomic_load_n(&word[0], __ATOMIC_ACQUIRE),
					    __atomic_load_n(&word[1], __ATOMIC_ACQUIRE)}};
		if (len == sizeof(*out)) {
			out[i].q[2] = __atomic_load_n(&word[2], __ATOMIC_ACQUIRE);
			out[i].q[3] = __atomic_load_n(&word[3], __ATOMIC_ACQUIRE);
		}
	}
	return count;
}

/* Of those that are read: what pages they name is in no cache of the CPU any more, by and large. Nothing
 * is judged yet. */
static void bring_near(struct unit *unit, const struct fetch *fetch)
{
	struct invalidate_next next[FETCH_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < fetch->count; i++) {
		const struct vtd_desc *desc = &fetch->desc[i];

		if (vtd_desc_type(desc) == VTD_DESC_PASID_IOTLB)
			next[count++] = (struct invalidate_next){
				.did = (uint16_t)vtd_desc_pasid_iotlb_DID(desc),
				.pasid = (uint32_t)vtd_desc_pasid_iotlb_PASID(desc),
				.is_page = vtd_desc_pasid_iotlb_G(desc) == VTD_PASID_IOTLB_PAGE,
				.addr = vtd_desc_pasid_iotlb_ADDR(desc),
			};
	}
	if (count)
		invalidate_bring_near(unit, next, count);
}

/* Copied once and then judged: software may write to its queue at any time. */
static void read_ahead(struct unit *unit, struct fetch *fetch)
{
	uint32_t left = fetch->ahead - fetch->done;
	uint32_t want = left < FETCH_MAX ? left : FETCH_MAX;

	fetch->next = 0;
	rcu_read_lock();
	fetch->count = read_descriptors(unit, next_address(fetch), want, 1u << slot_lg2(fetch),
					fetch->desc);
	rcu_read_unlock();
	bring_near(unit, fetch);
}

/* The first that is not executed; NULL: there is no memory. */
static const struct vtd_desc *next_descriptor(struct unit *unit, struct fetch *fetch)
{
	if (fetch->next == fetch->count)
		read_ahead(unit, fetch);
	return fetch->count ? &fetch->desc[fetch->next] : NULL;
}

/* Device TLB, VT-d 6.5.2.5, 6.5.2.6 */

/* What came of a descriptor. */
struct outcome {
	bool timed_out, answered_wrongly; /* ITE, ICE */
	rid_t source;
};

static void invalidate_device(struct unit *unit, rid_t source,
			      const struct ats_invalidation *invalidation, struct outcome *outcome)
{
	int err = endpoints_invalidate(unit, source, invalidation);

	outcome->source = source;
	outcome->timed_out = err == -ETIMEDOUT;
	outcome->answered_wrongly = err && err != -ETIMEDOUT;
}

static void do_dev_tlb(struct unit *unit, const struct vtd_op *op, struct outcome *outcome)
{
	struct ats_invalidation invalidation = {
		.pasid = VSVA_PASID_INVALID,
		.addr = op->dev_tlb.addr,
		.size_lg2 = op->dev_tlb.size_lg2,
	};

	invalidate_device(unit, op->dev_tlb.sid, &invalidation, outcome);
}

static void do_pasid_dev_tlb(struct unit *unit, const struct vtd_op *op, struct outcome *outcome)
{
	struct ats_invalidation invalidation = {
		.has_pasid = true,
		.all_pasids = op->pasid_dev_tlb.global,
		.pasid = op->pasid_dev_tlb.pasid,
		.addr = op->pasid_dev_tlb.addr,
		.size_lg2 = op->pasid_dev_tlb.size_lg2,
	};

	invalidate_device(unit, op->pasid_dev_tlb.sid, &invalidation, outcome);
}

/* Caches */

static void do_context(struct unit *unit, const struct vtd_op *op)
{
	switch (op->context.granularity) {
	case VTD_CONTEXT_GLOBAL:
		invalidate_context_all(unit);
		break;
	case VTD_CONTEXT_DOMAIN:
		invalidate_context_domain(unit, op->context.did.v);
		break;
	case VTD_CONTEXT_DEVICE:
		invalidate_context_device(unit, op->context.did.v, op->context.sid,
					  op->context.sid_mask);
		break;
	}
}

static void do_pasid_cache(struct unit *unit, const struct vtd_op *op)
{
	switch (op->pasid_cache.granularity) {
	case VTD_PASID_CACHE_GLOBAL:
		invalidate_pasid_all(unit);
		break;
	case VTD_PASID_CACHE_DOMAIN:
		invalidate_pasid_domain(unit, op->pasid_cache.did.v);
		break;
	case VTD_PASID_CACHE_PASID:
		invalidate_pasid_one(unit, op->pasid_cache.did.v, op->pasid_cache.pasid);
		break;
	}
}

static void do_iotlb(struct unit *unit, const struct vtd_op *op)
{
	struct page_range range = {
		.addr = op->iotlb.addr, .am = op->iotlb.am, .leaf_only = op->iotlb.ih};

	switch (op->iotlb.granularity) {
	case VTD_IOTLB_GLOBAL:
		invalidate_iotlb_all(unit);
		break;
	case VTD_IOTLB_DOMAIN:
		invalidate_iotlb_domain(unit, op->iotlb.did.v);
		break;
	case VTD_IOTLB_PAGE:
		invalidate_iotlb_pages(unit, op->iotlb.did.v, &range);
		break;
	}
}

static void do_pasid_iotlb(struct unit *unit, const struct vtd_op *op)
{
	struct page_range range = {.addr = op->pasid_iotlb.addr,
				   .am = op->pasid_iotlb.am,
				   .leaf_only = op->pasid_iotlb.ih};

	if (op->pasid_iotlb.granularity == VTD_PASID_IOTLB_PASID)
		invalidate_pasid_iotlb(unit, op->pasid_iotlb.did.v, op->pasid_iotlb.pasid);
	else
		invalidate_pasid_iotlb_pages(unit, op->pasid_iotlb.did.v, op->pasid_iotlb.pasid,
					     &range);
}

/* Page group response, VT-d 7.7.1 */

static void do_page_response(struct unit *unit, const struct vtd_op *op)
{
	uint32_t pasid = op->page_response.has_pasid ? op->page_response.pasid : VSVA_PASID_INVALID;

	endpoints_respond(unit, op->page_response.rid, pasid, op->page_response.prgi,
			  op->page_response.code);
}

/* Wait, VT-d 6.5.2.8 */

static void write_status(struct unit *unit, uint64_t address, uint32_t data)
{
	uint32_t *p;

	rcu_read_lock();
	p = physmem_ptr(unit->config.physmem, hpa(address), sizeof(*p), true);
	if (p)
		__atomic_store_n(p, data, __ATOMIC_RELEASE);
	rcu_read_unlock();
}

/* Also page requests are handled in read sections of their own, so that a grace period drains
 * them (PD). */
static void do_wait(struct unit *unit, const struct vtd_op *op)
{
	if (unit->grace_needed || op->wait.drain)
		rcu_synchronize();
	unit->grace_needed = false;
}

/* Software that sees the status may look at IQH: it is past the descriptor by then. */
static void complete_wait(struct unit *unit, const struct vtd_op *op)
{
	struct vtd_effects fx = {0};

	if (op->wait.status_write)
		write_status(unit, op->wait.status_addr, op->wait.status_data);
	if (!op->wait.interrupt)
		return;
	registers_lock(unit);
	vtd_regfile_wait_complete(&unit->registers, &fx);
	registers_unlock(unit);
	registers_send(unit, &fx);
}

/* Execution */

static struct outcome execute(struct unit *unit, const struct vtd_op *op)
{
	struct outcome outcome = {0};

	unit->grace_needed |= op->type != VTD_DESC_WAIT && op->type != VTD_DESC_PAGE_RESPONSE;
	switch (op->type) {
	case VTD_DESC_CONTEXT:
		do_context(unit, op);
		break;
	case VTD_DESC_IOTLB:
		do_iotlb(unit, op);
		break;
	case VTD_DESC_DEV_TLB:
		do_dev_tlb(unit, op, &outcome);
		break;
	case VTD_DESC_IEC: /* there is nothing to invalidate: interrupts are not remapped */
		break;
	case VTD_DESC_WAIT:
		do_wait(unit, op);
		break;
	case VTD_DESC_PASID_IOTLB:
		do_pasid_iotlb(unit, op);
		break;
	case VTD_DESC_PASID_CACHE:
		do_pasid_cache(unit, op);
		break;
	case VTD_DESC_PASID_DEV_TLB:
		do_pasid_dev_tlb(unit, op, &outcome);
		break;
	case VTD_DESC_PAGE_RESPONSE:
		do_page_response(unit, op);
		break;
	}
	return outcome;
}

/* IQH stays at the descriptor that is an error. */
static void stop(struct unit *unit, const struct fetch *fetch, int iqei)
{
	struct vtd_effects fx = {0};

	SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "FSTS", 0);
	registers_lock(unit);
	vtd_regfile_iq_advance(&unit->registers, fetch->done);
	vtd_regfile_iq_error(&unit->registers, (unsigned)iqei, &fx);
	registers_unlock(unit);
	registers_send(unit, &fx);
}

static bool has_failed(const struct outcome *outcome)
{
	return outcome->timed_out || outcome->answered_wrongly;
}

/*
 * IQH moves on over what is executed. Not with each descriptor: with a wait, before its status says
 * that it is over, with an error, and where nothing more is known to be ahead.
 *
 * A time-out stops the queue behind the descriptor that met it, before the wait that would have
 * told of success.
 */
static void advance(struct unit *unit, const struct outcome *outcome, struct fetch *fetch)
{
	uint64_t expected = next_address(fetch);
	struct vtd_effects fx = {0};

	SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "IQH", 0);
	if (has_failed(outcome))
		SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "FSTS", 0);
	registers_lock(unit);
	vtd_regfile_iq_advance(&unit->registers, fetch->done);
	if (outcome->timed_out)
		vtd_regfile_iq_ite(&unit->registers, outcome->source, &fx);
	if (outcome->answered_wrongly)
		vtd_regfile_iq_ice(&unit->registers, outcome->source, &fx);
	look_at_registers(unit, fetch);
	registers_unlock(unit);
	if (fetch->address != expected) /* after a reset: what is read is of another queue */
		fetch->next = fetch->count = 0;
	registers_send(unit, &fx);
}

static uint32_t pasid_of(const struct vtd_op *op)
{
	switch (op->type) {
	case VTD_DESC_PASID_IOTLB:
		return op->pasid_iotlb.pasid;
	case VTD_DESC_PASID_CACHE:
		return op->pasid_cache.pasid;
	case VTD_DESC_PASID_DEV_TLB:
		return op->pasid_dev_tlb.pasid;
	case VTD_DESC_PAGE_RESPONSE:
		return op->page_response.has_pasid ? op->page_response.pasid : VSVA_PASID_INVALID;
	default:
		return VSVA_PASID_INVALID;
	}
}

/* false: it is an error. */
static bool run_one(struct unit *unit, struct fetch *fetch)
{
	const struct vtd_desc *desc = next_descriptor(unit, fetch);
	struct outcome outcome;
	struct vtd_op op;
	int iqei = VTD_IQEI_FETCH;

	if (desc)
		iqei = vtd_decode_descriptor(desc, &fetch->rules, &op);
	if (iqei) {
		stop(unit, fetch, iqei);
		return false;
	}
	/* There is but one runner. */
	counters_bump(&unit->counters.descriptors);
	counters_bump(&unit->counters.descriptors_of[(unsigned)op.type % COUNTERS_TYPES]);
	TRACE(unit->config.trace, UNIT, DESCRIPTOR, .value = (uint64_t)op.type,
	      .hpasid = hpasid(pasid_of(&op)));
	outcome = execute(unit, &op);
	fetch->next++;
	fetch->done++;
	if (op.type == VTD_DESC_WAIT || has_failed(&outcome) || fetch->done == fetch->ahead)
		advance(unit, &outcome, fetch);
	if (op.type == VTD_DESC_WAIT) {
		counters_bump(&unit->counters.waits);
		complete_wait(unit, &op);
	}
	return true;
}

/* Running */

/* The queue is empty or stopped: a GCMD that wants it off is complete now. VT-d 6.5.2 */
static void complete_disable(struct unit *unit)
{
	registers_lock(unit);
	if (!vtd_regfile_iq_fetch_allowed(&unit->registers))
		vtd_regfile_complete_gcmd(&unit->registers, VTD_FX_QIE);
	registers_unlock(unit);
}

/* Until nothing is left to do, or nothing that may be done, or until it has been enough: then true. */
static bool run_some(struct unit *unit)
{
	static const struct outcome nothing;
	struct fetch fetch;
	unsigned n = 0;

	begin_fetch(unit, &fetch);
	while (n < VSVA_LIMIT_DESCRIPTORS_PER_RUN && fetch.allowed && run_one(unit, &fetch))
		n++;
	if (n == VSVA_LIMIT_DESCRIPTORS_PER_RUN && fetch.done)
		advance(unit, &nothing, &fetch);
	else if (fetch.is_ending)
		complete_disable(unit);
	return n == VSVA_LIMIT_DESCRIPTORS_PER_RUN;
}

bool unit_run_queue(struct unit *unit)
{
	bool more;

	CHECK(!rcu_is_reading());
	__atomic_store_n(&unit->queue_wanted, true, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&unit->queue_running, true, __ATOMIC_SEQ_CST))
		return false;
	__atomic_store_n(&unit->queue_wanted, false, __ATOMIC_SEQ_CST);
	more = run_some(unit);
	__atomic_store_n(&unit->queue_running, false, __ATOMIC_SEQ_CST);
	/* Whoever came while we ran has been sent away: what he came for is ours. */
	return more || __atomic_load_n(&unit->queue_wanted, __ATOMIC_SEQ_CST);
}

void queue_kick(struct unit *unit)
{
	if (unit->config.queue_kick) {
		unit->config.queue_kick(unit->config.arg);
		return;
	}
	while (unit_run_queue(unit))
		;
}
