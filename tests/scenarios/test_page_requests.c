// SPDX-License-Identifier: MIT
/* Page requests that were lost, answered to the wrong one, or reported to somebody who had gone. */
#include "replay.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "vtd/registers.h"

#define VA   REPLAY_VA
#define NONE VSVA_PASID_INVALID

static void begin(struct replay *r)
{
	silicon_create(&r->s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
}

/* Once as it is, once with the tap that makes the defect. */
static void survives_and_is_seen(replay_story *story)
{
	for (unsigned i = 0; i < 2; i++) {
		struct replay r = {.is_negative = i};

		begin(&r);
		assert_int_equal(story(&r), !r.is_negative);
		replay_disarm(&r);
		silicon_destroy(&r.s);
	}
}

static void ask(struct replay *r, uint32_t pasid)
{
	struct dma_context context = {.pasid = pasid, .use_ats = true};

	assert_true(endpoint_page_request(&r->s.endpoint, &context, VA, UNIT_WRITE) >= 0);
}

/* Drains */

static int nest_rid(struct replay *r, uint64_t root)
{
	struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = gpa(root), .addr_width = 48};

	return vsva_attach_rid(r->s.domain, r->s.dev, &nested);
}

static void leave_out_answers_without_pasid(void *arg, struct vtd_desc *desc)
{
	(void)arg;
	if (vtd_desc_type(desc) == VTD_DESC_PAGE_RESPONSE && !vtd_desc_page_response_PP(desc))
		silicon_drop(desc);
}

/* One request with its owner, one in the queue, both without PASID. */
static bool detach_with_rid_requests(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);

	assert_int_equal(nest_rid(r, a.root), 0);
	ask(r, NONE);
	silicon_run(&r->s);
	ask(r, NONE);
	if (r->is_negative)
		r->s.tap.desc = leave_out_answers_without_pasid;
	assert_int_equal(vsva_domain_detach(r->s.domain, r->s.dev), 0);
	return r->s.answers == 2 && r->s.last_code == 1 && r->s.endpoint.outstanding == 0;
}

static void test_add43c4fbc92_drain_of_requests_without_pasid(void **state)
{
	(void)state;
	survives_and_is_seen(detach_with_rid_requests);
}

static void hide_queue(void *arg, uint32_t offset, uint64_t *value)
{
	struct replay *r = arg;

	if (offset == VTD_REG_PQT)
		assert_int_equal(unit_mmio_read(r->s.unit, VTD_REG_PQH, 8, value), 0);
}

/* A request of the old owner must not be asked of the new one. */
static bool reuse_with_requests_in_flight(struct replay *r)
{
	struct replay_space a = replay_space(r, 111), b = replay_space(r, 222);
	hpasid_t pasid = silicon_pasid(&r->s);

	assert_int_equal(silicon_bind(&r->s, pasid, a.root), 0);
	ask(r, pasid.v);
	if (r->is_negative)
		r->s.tap = (struct silicon_tap){.read = hide_queue, .arg = r};
	assert_int_equal(silicon_unbind(&r->s, pasid), 0);
	replay_disarm(r);
	assert_int_equal(silicon_bind(&r->s, pasid, b.root), 0);
	silicon_run(&r->s);
	return r->s.requests == 0 && r->s.answers == 1 && r->s.last_code == 1;
}

static void test_66ac4db36f4c_drain_when_a_pasid_stops(void **state)
{
	(void)state;
	survives_and_is_seen(reuse_with_requests_in_flight);
}

/* The pending bit */

struct late {
	struct replay *r;
	uint32_t pasid;
	bool is_sent;
};

/* Right behind the driver's look at the tail. */
static void send_late(void *arg, uint32_t offset, uint64_t *value)
{
	struct late *late = arg;

	(void)value;
	if (offset != VTD_REG_PQT || late->is_sent)
		return;
	late->is_sent = true;
	ask(late->r, late->pasid);
}

static void unit_write(struct replay *r, uint32_t offset, unsigned size, uint64_t value)
{
	assert_int_equal(unit_mmio_write(r->s.unit, offset, size, value), 0);
}

/* The other order: PPR is cleared when the queue has been read. */
static bool clear_pending_last(void *arg, uint32_t offset, uint64_t value)
{
	struct late *late = arg;

	if (offset == VTD_REG_PRS)
		return false;
	if (offset != VTD_REG_PQH)
		return true;
	unit_write(late->r, VTD_REG_PQH, 8, value);
	unit_write(late->r, VTD_REG_PRS, 4, VTD_PRS_PPR);
	return false;
}

static bool request_behind_the_tail(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	hpasid_t pasid = silicon_pasid(&r->s);
	struct late late = {r, pasid.v, false};

	assert_int_equal(silicon_bind(&r->s, pasid, a.root), 0);
	r->s.answer_requests = true;
	ask(r, pasid.v);
	r->s.tap = (struct silicon_tap){.read = send_late,
					.write = r->is_negative ? clear_pending_last : NULL,
					.arg = &late};
	silicon_run(&r->s);
	replay_disarm(r);
	return late.is_sent && r->s.requests == 2 && r->s.answers == 2;
}

static void test_contract_pending_bit_is_cleared_before_the_queue_is_read(void **state)
{
	(void)state;
	survives_and_is_seen(request_behind_the_tail);
}

/* Overflow */

struct asked {
	unsigned count;
	uint64_t addr;
};

static int note_asked(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct asked *asked = arg;

	(void)dev;
	asked->count++;
	asked->addr = fault->u.prm.addr;
	return 0;
}

static void ask_in_group(struct replay *r, uint32_t pasid, uint64_t addr, uint16_t prgi, bool last)
{
	struct unit_page_request request = {.rid = SILICON_RID,
					    .pasid = pasid,
					    .addr = addr,
					    .read = true,
					    .last = last,
					    .prgi = prgi};

	unit_page_request(r->s.unit, &request);
}

static bool has_overflown(struct replay *r)
{
	uint64_t prs;

	assert_int_equal(unit_mmio_read(r->s.unit, VTD_REG_PRS, 4, &prs), 0);
	return vtd_PRS_PRO(prs);
}

static void hide_overflow(void *arg, uint32_t offset, uint64_t *value)
{
	(void)arg;
	if (offset == VTD_REG_PRS)
		*value = vtd_without(*value, VTD_PRS_PRO);
}

/* Of two pages only the first gets through; the device begins again. What came before must not be
 * mixed with it. Negative: the overflow bit is cleared, and no group was forgotten. */
static bool group_across_an_overflow(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	hpasid_t pasid = silicon_pasid(&r->s);
	struct asked asked = {0};

	assert_int_equal(silicon_bind(&r->s, pasid, a.root), 0);
	assert_int_equal(vsva_dev_unregister_fault_handler(r->s.dev), 0);
	assert_int_equal(vsva_dev_register_fault_handler(r->s.dev, note_asked, NULL, &asked), 0);
	ask_in_group(r, pasid.v, VA, 1, false);
	silicon_run(&r->s);
	while (!has_overflown(r))
		ask_in_group(r, pasid.v, VA, 2, false);
	ask_in_group(r, pasid.v, VA + 4096, 1, true); /* lost */
	if (r->is_negative)
		r->s.tap.read = hide_overflow;
	silicon_run(&r->s);
	unit_write(r, VTD_REG_PRS, 4, r->is_negative ? (uint64_t)VTD_PRS_PRO : 0);
	ask_in_group(r, pasid.v, VA + 8192, 1, true);
	silicon_run(&r->s);
	return !has_overflown(r) && asked.count == 1 && asked.addr == VA + 8192;
}

static void test_contract_partial_groups_are_discarded_at_overflow(void **state)
{
	(void)state;
	survives_and_is_seen(group_across_an_overflow);
}

/* Exactly one answer */

static bool has_unexpected_answer(const struct replay *r)
{
	return __atomic_load_n(&r->s.config.pri_state, __ATOMIC_ACQUIRE) & PCI_CONFIG_PRI_UPRGI;
}

/* The owner answers when the unbind has answered already. Negative: both answers reach the device,
 * and by then the group index may be another's. */
static bool abort_and_response(struct replay *r)
{
	struct replay_space a = replay_space(r, 111);
	hpasid_t pasid = silicon_pasid(&r->s);
	struct dma_context context = {.pasid = pasid.v, .use_ats = true};
	struct vsva_page_response response = {.argsz = sizeof(response),
					      .version = 1,
					      .flags = VSVA_PAGE_RESP_PASID_VALID,
					      .pasid = pasid.v};
	int prgi;

	assert_int_equal(silicon_bind(&r->s, pasid, a.root), 0);
	prgi = endpoint_page_request(&r->s.endpoint, &context, VA, UNIT_READ);
	assert_true(prgi >= 0);
	silicon_run(&r->s);
	assert_int_equal(silicon_unbind(&r->s, pasid), 0);
	response.grpid = (uint32_t)prgi;
	assert_int_equal(vsva_page_response(r->s.dev, &response), -EINVAL);
	if (r->is_negative)
		endpoint_page_response(&r->s.endpoint, pasid.v, (uint16_t)prgi, 0);
	return r->s.answers == 1 && !has_unexpected_answer(r);
}

static void test_abort_racing_with_the_response_answers_once(void **state)
{
	(void)state;
	survives_and_is_seen(abort_and_response);
}

/* Release */

struct slow {
	struct silicon s;
	bool may_return; /* atomic: a release that does not wait has looked */
	bool waits_for_answer;
	unsigned running; /* atomic: calls of the handler */
	unsigned running_at_release;
	bool is_released; /* atomic */
	bool was_released_early;
};

static bool may_return(struct slow *slow)
{
	if (slow->waits_for_answer)
		return __atomic_load_n(&slow->s.answers, __ATOMIC_ACQUIRE) > 0;
	return __atomic_load_n(&slow->may_return, __ATOMIC_ACQUIRE);
}

/* Returns when its own request was answered by the release, which therefore is under way. */
static int slow_handler(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct slow *slow = arg;

	(void)dev;
	(void)fault;
	__atomic_fetch_add(&slow->running, 1, __ATOMIC_ACQ_REL);
	while (!may_return(slow))
		sched_yield();
	slow->was_released_early = __atomic_load_n(&slow->is_released, __ATOMIC_ACQUIRE);
	__atomic_fetch_sub(&slow->running, 1, __ATOMIC_ACQ_REL);
	return 0;
}

static void *remove_device(void *arg)
{
	struct slow *slow = arg;

	CHECK(host_dev_remove(slow->s.dev) == 0);
	slow->s.dev = NULL;
	slow->running_at_release = __atomic_load_n(&slow->running, __ATOMIC_ACQUIRE);
	__atomic_store_n(&slow->is_released, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Detaching answers what is pending, but does not wait for the handler: whoever released the device
 * now would take it away under its report. */
static void *detach_only(void *arg)
{
	struct slow *slow = arg;

	CHECK(vsva_domain_detach(slow->s.domain, slow->s.dev) == 0);
	slow->running_at_release = __atomic_load_n(&slow->running, __ATOMIC_ACQUIRE);
	__atomic_store_n(&slow->may_return, true, __ATOMIC_RELEASE);
	return NULL;
}

static void release_while_reporting(struct slow *slow, void *(*release)(void *arg))
{
	struct dma_context context = {.use_ats = true};
	pthread_t thread;
	uint64_t root;

	silicon_create(&slow->s, UNIT_CACHE_LRU, WORKERS_THREADS, true);
	context.pasid = silicon_pasid(&slow->s).v;
	root = silicon_first_stage(&slow->s);
	assert_int_equal(silicon_bind(&slow->s, hpasid(context.pasid), root), 0);
	assert_int_equal(vsva_dev_unregister_fault_handler(slow->s.dev), 0);
	assert_int_equal(vsva_dev_register_fault_handler(slow->s.dev, slow_handler, NULL, slow), 0);
	assert_true(endpoint_page_request(&slow->s.endpoint, &context, VA, UNIT_READ) >= 0);
	while (!__atomic_load_n(&slow->running, __ATOMIC_ACQUIRE))
		sched_yield();
	assert_int_equal(pthread_create(&thread, NULL, release, slow), 0);
	pthread_join(thread, NULL);
	silicon_destroy(&slow->s);
}

static void test_cve_2024_35843_report_of_a_device_that_is_released(void **state)
{
	struct slow slow = {.waits_for_answer = true};

	(void)state;
	release_while_reporting(&slow, remove_device);
	assert_int_equal(slow.running_at_release, 0);
	assert_false(slow.was_released_early);
	assert_int_equal(slow.s.last_code, 1);
}

static void test_cve_2024_35843_release_without_waiting_is_seen(void **state)
{
	struct slow slow = {.waits_for_answer = false};

	(void)state;
	release_while_reporting(&slow, detach_only);
	assert_int_equal(slow.running_at_release, 1);
}

/* The fault fd is closed inside its own handler */

struct closing {
	struct silicon s;
	unsigned running;
	bool waits_for_itself; /* the careless close */
	bool is_stuck;
	int err;
};

static int closing_handler(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct closing *closing = arg;

	(void)fault;
	closing->running++;
	if (closing->waits_for_itself) {
		while (closing->running && worker_pool_step(closing->s.pool))
			;
		closing->is_stuck = closing->running;
	} else {
		closing->err = vsva_dev_unregister_fault_handler(dev);
	}
	closing->running--;
	return 0;
}

static void close_inside_handler(struct closing *closing)
{
	struct dma_context context = {.use_ats = true};
	struct silicon *s = &closing->s;

	silicon_create(s, UNIT_CACHE_LRU, WORKERS_MANUAL, true);
	context.pasid = silicon_pasid(s).v;
	assert_int_equal(silicon_bind(s, hpasid(context.pasid), silicon_first_stage(s)), 0);
	assert_int_equal(vsva_dev_unregister_fault_handler(s->dev), 0);
	assert_int_equal(vsva_dev_register_fault_handler(s->dev, closing_handler, NULL, closing),
			 0);
	assert_true(endpoint_page_request(&s->endpoint, &context, VA, UNIT_READ) >= 0);
	silicon_run(s);
	silicon_destroy(s);
	assert_int_equal(s->answers, 1);
	assert_int_equal(s->last_code, 1);
}

/* Negative: whoever waits there for the handler to end waits for himself; nothing else can run that
 * would help. */
static void test_7b9c511d_fault_handler_is_closed_inside_itself(void **state)
{
	struct closing closing = {.err = 0}, careless = {.waits_for_itself = true};

	(void)state;
	close_inside_handler(&closing);
	assert_int_equal(closing.err, -ETIMEDOUT);
	close_inside_handler(&careless);
	assert_true(careless.is_stuck);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add43c4fbc92_drain_of_requests_without_pasid),
		cmocka_unit_test(test_66ac4db36f4c_drain_when_a_pasid_stops),
		cmocka_unit_test(test_contract_pending_bit_is_cleared_before_the_queue_is_read),
		cmocka_unit_test(test_contract_partial_groups_are_discarded_at_overflow),
		cmocka_unit_test(test_abort_racing_with_the_response_answers_once),
		cmocka_unit_test(test_cve_2024_35843_report_of_a_device_that_is_released),
		cmocka_unit_test(test_cve_2024_35843_release_without_waiting_is_seen),
		cmocka_unit_test(test_7b9c511d_fault_handler_is_closed_inside_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
