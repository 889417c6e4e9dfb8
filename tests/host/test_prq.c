// SPDX-License-Identifier: MIT
/* Page requests: the handler's contract, groups, answers, drain, overflow, time-out. */
#include "world.h"

#include <errno.h>

#include "vsva/limits.h"

#define ADDR    UINT64_C(0x7f0000004000)
#define NONE    VSVA_PASID_INVALID
#define READ    VSVA_FAULT_PERM_READ
#define WRITE   VSVA_FAULT_PERM_WRITE
#define EXEC    VSVA_FAULT_PERM_EXEC
#define PRIV    VSVA_FAULT_PERM_PRIV
#define SUCCESS VTD_RESPONSE_SUCCESS
#define INVALID VTD_RESPONSE_INVALID

static const struct vsva_rid_config nested = {
	.kind = VSVA_RID_NESTED, .gpgd = {ROOT_GPA}, .addr_width = 48};

static hpasid_t bound(struct world *world)
{
	hpasid_t pasid = world_bind(world, gpasid(7));

	fake_vtd_forget_log(&world->fake);
	world->event_count = 0;
	return pasid;
}

static void push(struct world *world, struct vtd_page_request request)
{
	assert_true(fake_vtd_page_request(&world->fake, &request));
	world_run(world);
}

static unsigned responses(const struct world *world)
{
	return fake_vtd_count(&world->fake, VTD_DESC_PAGE_RESPONSE);
}

static uint64_t pending(struct world *world)
{
	struct vsva_iommu_stats stats;

	vsva_iommu_get_stats(world->iommu, &stats);
	return stats.requests_pending_now;
}

static void test_prq_reports_to_owner(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	const struct vsva_fault_page_request *prm = &world->faults[0].u.prm;

	push(world, world_request(RID_PF, pasid.v, ADDR, READ | WRITE, 511, true));
	assert_int_equal(world->fault_count, 1);
	assert_int_equal(world->faults[0].type, VSVA_FAULT_PAGE_REQ);
	assert_int_equal(prm->flags, VSVA_PAGE_REQ_PASID_VALID | VSVA_PAGE_REQ_LAST_PAGE |
					     VSVA_PAGE_REQ_NEEDS_PASID);
	assert_int_equal(prm->pasid, pasid.v);
	assert_int_equal(prm->grpid, 511);
	assert_int_equal(prm->perm, READ | WRITE);
	assert_int_equal(prm->addr, ADDR);
	assert_int_equal(responses(world), 0);
	assert_int_equal(pending(world), 1);
	assert_int_equal(world_respond(world, pasid.v, 511, VSVA_PAGE_RESP_SUCCESS), 0);
	expect_response(world, 0, RID_PF, pasid.v, 511, SUCCESS);
	expect_log_count(world, 1);
	assert_int_equal(pending(world), 0);
	/* exactly one answer */
	assert_int_equal(world_respond(world, pasid.v, 511, VSVA_PAGE_RESP_SUCCESS), -EINVAL);
	assert_int_equal(world_events(world, VSVA_EV_PAGE_REQUEST_HOST), 1);
	assert_int_equal(world_events(world, VSVA_EV_PAGE_RESPONSE_HOST), 1);
}

static void test_prq_response_codes(void **state)
{
	static const unsigned expected[] = {SUCCESS, INVALID, VTD_RESPONSE_FAILURE};
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	for (unsigned code = 0; code < 3; code++) {
		push(world, world_request(RID_PF, pasid.v, ADDR, READ, (uint16_t)code, true));
		assert_int_equal(world_respond(world, pasid.v, (uint16_t)code, code), 0);
		expect_response(world, code, RID_PF, pasid.v, (uint16_t)code, expected[code]);
	}
}

static void test_prq_response_is_checked(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_page_response good = {.argsz = 24,
					  .version = 1,
					  .pasid = pasid.v,
					  .flags = VSVA_PAGE_RESP_PASID_VALID,
					  .grpid = 5};
	struct vsva_page_response response;

	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
#define EXPECT_EINVAL(change_)                                                                     \
	do {                                                                                       \
		response = good;                                                                   \
		change_;                                                                           \
		assert_int_equal(vsva_page_response(world->dev, &response), -EINVAL);              \
	} while (0)
	EXPECT_EINVAL(response.version = 2);
	EXPECT_EINVAL(response.flags = 3);
	EXPECT_EINVAL(response.flags = 0);
	EXPECT_EINVAL(response.pasid++);
	EXPECT_EINVAL(response.grpid = 6);
	EXPECT_EINVAL(response.grpid = 5 + 65536);
	EXPECT_EINVAL(response.code = 3);
	assert_int_equal(vsva_page_response(NULL, &good), -EINVAL);
	assert_int_equal(vsva_page_response(world->dev, NULL), -EINVAL);
	assert_int_equal(responses(world), 0);
	assert_int_equal(vsva_page_response(world->dev, &good), 0);
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(vsva_page_response(world->dev, &good), -ENODEV);
}

/* The contract: each of these is answered "invalid" and nobody is asked. */
static void test_prq_refuses_by_contract(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	const struct vtd_page_request refused[] = {
		world_request(RID_PF, pasid.v, UINT64_C(0x800000000000), READ, 1, true),
		world_request(RID_PF, pasid.v, UINT64_C(0xffff000000000000), READ, 2, true),
		world_request(RID_PF, pasid.v, ADDR, READ | PRIV, 3, true),
		world_request(RID_PF, pasid.v, ADDR, WRITE | PRIV, 4, true),
		world_request(RID_PF, pasid.v, ADDR, READ | EXEC, 5, true),
		world_request(rid(0x4444), pasid.v, ADDR, READ, 6, true),
		world_request(RID_PF, pasid.v + 1, ADDR, READ, 7, true),
		world_request(RID_PF, 0, ADDR, READ, 8, true),
		world_request(RID_PF, NONE, ADDR, READ, 9, true),
	};
	const unsigned count = sizeof(refused) / sizeof(refused[0]);

	for (unsigned i = 0; i < count; i++) {
		push(world, refused[i]);
		assert_int_equal(responses(world), i + 1);
		assert_int_equal(vtd_desc_page_response_RC(&world->fake.log[i]), INVALID);
		assert_int_equal(vtd_desc_page_response_PRGI(&world->fake.log[i]), i + 1);
	}
	expect_response(world, 5, rid(0x4444), pasid.v, 6, INVALID);
	expect_response(world, 8, RID_PF, NONE, 9, INVALID);
	assert_int_equal(world->fault_count, 0);
	/* canonical from the top is good */
	push(world, world_request(RID_PF, pasid.v, UINT64_C(0xffff800000000000), READ, 10, true));
	assert_int_equal(world->fault_count, 1);
}

static void test_prq_drops_stop_marker(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	push(world, world_request(RID_PF, pasid.v, 0, 0, 0, true));
	push(world, world_request(rid(0x4444), pasid.v, 0, 0, 0, true));
	expect_log_count(world, 0);
	assert_int_equal(world->fault_count, 0);
}

static void test_prq_collects_groups(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, false));
	push(world, world_request(RID_PF, pasid.v, ADDR + 4096, WRITE, 6, false));
	push(world, world_request(RID_PF, pasid.v, ADDR + 8192, READ, 5, false));
	assert_int_equal(world->fault_count, 0);
	push(world, world_request(RID_PF, pasid.v, ADDR + 12288, WRITE, 5, true));
	assert_int_equal(world->fault_count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(world->faults[i].u.prm.grpid, 5);
		assert_int_equal(world->faults[i].u.prm.flags & VSVA_PAGE_REQ_LAST_PAGE,
				 i == 2 ? VSVA_PAGE_REQ_LAST_PAGE : 0);
	}
	assert_int_equal(world->faults[1].u.prm.addr, ADDR + 8192);
	push(world, world_request(RID_PF, pasid.v, ADDR, WRITE, 6, true));
	assert_int_equal(world->fault_count, 5);
	assert_int_equal(world_respond(world, pasid.v, 5, 0), 0);
	assert_int_equal(world_respond(world, pasid.v, 6, 0), 0);
	assert_int_equal(responses(world), 2);
}

/* One bad request spoils its group, wherever it stands. */
static void test_prq_bad_request_spoils_group(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	push(world, world_request(RID_PF, pasid.v, ADDR, READ | PRIV, 5, false));
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	assert_int_equal(world->fault_count, 0);
	expect_response(world, 0, RID_PF, pasid.v, 5, INVALID);
	expect_log_count(world, 1);
}

static void test_prq_group_is_bounded(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	for (unsigned i = 0; i < VSVA_LIMIT_REQUESTS_PER_GROUP - 1; i++)
		push(world, world_request(RID_PF, pasid.v, ADDR + i * 4096, READ, 5, false));
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	assert_int_equal(world->fault_count, VSVA_LIMIT_REQUESTS_PER_GROUP);
	for (unsigned i = 0; i < VSVA_LIMIT_REQUESTS_PER_GROUP; i++)
		push(world, world_request(RID_PF, pasid.v, ADDR + i * 4096, READ, 6, false));
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 6, true));
	assert_int_equal(world->fault_count, VSVA_LIMIT_REQUESTS_PER_GROUP);
	expect_response(world, 0, RID_PF, pasid.v, 6, INVALID);
}

static void test_prq_groups_per_device_are_bounded(void **state)
{
	struct world *world = *state;
	hpasid_t a = bound(world), b = world_bind(world, gpasid(8));

	fake_vtd_forget_log(&world->fake);
	for (uint16_t i = 0; i < VSVA_LIMIT_GROUPS_PER_DEVICE; i++)
		push(world, world_request(RID_PF, a.v, ADDR, READ, i, true));
	assert_int_equal(pending(world), VSVA_LIMIT_GROUPS_PER_DEVICE);
	expect_log_count(world, 0);
	push(world, world_request(RID_PF, b.v, ADDR, READ, 0, true));
	expect_response(world, 0, RID_PF, b.v, 0, INVALID);
}

static void test_prq_handler_error_is_answered_invalid(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	world->handler_result = -ENOSPC;
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, false));
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	assert_int_equal(world->fault_count, 1);
	expect_response(world, 0, RID_PF, pasid.v, 5, INVALID);
	expect_log_count(world, 1);
}

static void test_prq_without_handler_is_answered_invalid(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	assert_int_equal(vsva_dev_unregister_fault_handler(world->dev), 0);
	expect_response(world, 0, RID_PF, pasid.v, 5, INVALID);
	assert_int_equal(vsva_dev_unregister_fault_handler(world->dev), -ENOENT);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 6, true));
	expect_response(world, 1, RID_PF, pasid.v, 6, INVALID);
	assert_int_equal(world->fault_count, 1);
}

static void test_prq_handler_is_registered_once(void **state)
{
	struct world *world = *state;

	assert_int_equal(vsva_dev_register_fault_handler(world->dev, world_handler, NULL, world),
			 -EBUSY);
	assert_int_equal(vsva_dev_register_fault_handler(world->dev, NULL, NULL, world), -EINVAL);
}

static void test_prq_rid_requests_go_to_nested_rid(void **state)
{
	struct world *world = *state;

	assert_int_equal(vsva_attach_rid(world->domain, world->dev, &nested), 0);
	fake_vtd_forget_log(&world->fake);
	push(world, world_request(RID_PF, NONE, ADDR, WRITE, 3, true));
	assert_int_equal(world->fault_count, 1);
	assert_int_equal(world->faults[0].u.prm.flags, VSVA_PAGE_REQ_LAST_PAGE);
	/* a PASID that is given but not needed does no harm */
	assert_int_equal(world_respond(world, 12, 3, 0), 0);
	expect_response(world, 0, RID_PF, NONE, 3, SUCCESS);
}

/* Drain */

/* The guest never answers, and the unbind does not wait for it. */
static void test_unbind_answers_what_is_pending(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world), other = world_bind(world, gpasid(8));

	fake_vtd_forget_log(&world->fake);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	push(world, world_request(RID_PF, other.v, ADDR, READ, 6, true));
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	expect_response(world, 0, RID_PF, pasid.v, 5, INVALID);
	assert_int_equal(responses(world), 1);
	assert_int_equal(world_respond(world, pasid.v, 5, 0), -EINVAL);
	assert_int_equal(world_respond(world, other.v, 6, 0), 0);
	assert_int_equal(responses(world), 2);
}

/* 66ac4db36f4c: requests that are still in the queue when the PASID goes, and it is used again. */
static void test_unbind_takes_requests_out_of_the_queue(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, gpasid(9));

	world_request_push(world, pasid.v, ADDR, 1, false);
	world_request_push(world, pasid.v, ADDR, 2, true);
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), 0);
	expect_response(world, 0, RID_PF, pasid.v, 2, INVALID);
	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
	world_run(world);
	assert_int_equal(world->fault_count, 0);
	assert_int_equal(responses(world), 1);
}

struct late {
	struct world *world;
	hpasid_t pasid;
	unsigned sent;
};

/* A request that the drain itself pushes into the queue. */
static void send_late_request(void *arg, const struct vtd_desc *desc)
{
	struct late *late = arg;

	if (vtd_desc_type(desc) != VTD_DESC_WAIT || !vtd_desc_wait_PD(desc) || late->sent++)
		return;
	world_request_push(late->world, late->pasid.v, ADDR, 77, true);
}

static void test_unbind_answers_what_the_drain_brings(void **state)
{
	struct world *world = *state;
	struct late late = {world, bound(world), 0};

	world->fake.on_desc = send_late_request;
	world->fake.on_desc_arg = &late;
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, late.pasid), 0);
	world->fake.on_desc = NULL;
	expect_response(world, world->fake.log_count - 1, RID_PF, late.pasid.v, 77, INVALID);
	/* it had no owner any more when it came */
	for (unsigned i = 0; i < world->event_count; i++)
		if (world->events[i].kind == VSVA_EV_PAGE_REQUEST_HOST)
			assert_int_equal(world->events[i].result, -ENOENT);
	assert_int_equal(world_events(world, VSVA_EV_PAGE_REQUEST_HOST), 1);
}

/* add43c4fbc92: the drain of the RID's entry must not forget requests without PASID. */
static void test_detach_answers_rid_requests(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	assert_int_equal(vsva_attach_rid(world->domain, world->dev, &nested), 0);
	fake_vtd_forget_log(&world->fake);
	push(world, world_request(RID_PF, NONE, ADDR, READ, 5, true));
	world_request_push(world, NONE, ADDR, 6, true);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 7, true));
	assert_int_equal(vsva_domain_detach(world->domain, world->dev), 0);
	assert_int_equal(responses(world), 3);
	assert_int_equal(pending(world), 0);
	assert_int_equal(fake_vtd_count(&world->fake, VTD_DESC_WAIT), 4);
}

static void test_rid_change_answers_rid_requests_only(void **state)
{
	static const struct vsva_rid_config second_stage = {.kind = VSVA_RID_SECOND_STAGE};
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	assert_int_equal(vsva_attach_rid(world->domain, world->dev, &nested), 0);
	fake_vtd_forget_log(&world->fake);
	push(world, world_request(RID_PF, NONE, ADDR, READ, 5, true));
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 6, true));
	assert_int_equal(vsva_attach_rid(world->domain, world->dev, &second_stage), 0);
	expect_response(world, 0, RID_PF, NONE, 5, INVALID);
	assert_int_equal(responses(world), 1);
	assert_int_equal(pending(world), 1);
}

/* Overflow */

static bool overflowed(const struct world *world)
{
	return (world->fake.regs[VTD_REG_PRS / 8] >> 32) & VTD_PRS_PRO;
}

/* The unit answers the last of a group that it dropped itself: what got through of the group is
 * forgotten, or it would be mixed with the repetition. */
static void test_prq_overflow_forgets_partial_groups(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct vtd_page_request request = world_request(RID_PF, pasid.v, ADDR, READ, 1, false);

	push(world, request);
	request = world_request(RID_PF, pasid.v, ADDR, READ, 2, false);
	while (fake_vtd_page_request(&world->fake, &request))
		;
	assert_true(overflowed(world));
	world_run(world);
	assert_false(overflowed(world));
	expect_log_count(world, 0);
	push(world, world_request(RID_PF, pasid.v, ADDR + 4096, READ, 1, true));
	assert_int_equal(world->fault_count, 1);
	assert_int_equal(world->faults[0].u.prm.addr, ADDR + 4096);
}

static void overflow_during_drain(void *arg, const struct vtd_desc *desc)
{
	struct late *late = arg;
	struct vtd_page_request request =
		world_request(RID_PF, late->pasid.v, ADDR, READ, 1, false);

	if (vtd_desc_type(desc) != VTD_DESC_WAIT || !vtd_desc_wait_PD(desc) || late->sent++)
		return;
	while (fake_vtd_page_request(&late->world->fake, &request))
		;
}

static bool is_drain(const struct vtd_desc *desc)
{
	return vtd_desc_type(desc) == VTD_DESC_WAIT && vtd_desc_wait_PD(desc);
}

/* VT-d 7.10: after an overflow the drain is done again. */
static void test_unbind_drains_again_after_overflow(void **state)
{
	struct world *world = *state;
	struct late late = {world, bound(world), 0};
	unsigned drains = 0;

	world->fake.on_desc = overflow_during_drain;
	world->fake.on_desc_arg = &late;
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, late.pasid), 0);
	world->fake.on_desc = NULL;
	assert_false(overflowed(world));
	for (unsigned i = 0; i < world->fake.log_count; i++)
		drains += is_drain(&world->fake.log[i]);
	assert_int_equal(drains, 2);
}

/* The wait that should have drained is aborted with the invalidation that nobody answers: once more,
 * after the device has been blocked. */
static void test_unbind_drains_behind_a_silent_device(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	unsigned blocked = 0, drained = 0;

	fake_vtd_forget_log(&world->fake);
	world->fake.silent = RID_PF;
	assert_int_equal(vsva_unbind_gpasid(world->domain, world->dev, pasid), -ETIMEDOUT);
	for (unsigned i = 0; i < world->fake.log_count; i++) {
		if (vtd_desc_type(&world->fake.log[i]) == VTD_DESC_CONTEXT)
			blocked = i;
		if (is_drain(&world->fake.log[i]))
			drained = i;
	}
	assert_true(blocked && drained > blocked);
}

/* Answers wait when the invalidation queue is full, and none is lost or doubled. */
static void test_prq_answers_wait_for_room(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	unsigned seen[512] = {0};

	for (uint16_t i = 0; i < 500; i++)
		push(world, world_request(RID_PF, pasid.v, ADDR, READ, i, true));
	world->fake.is_held = true;
	for (uint16_t i = 0; i < 500; i++)
		assert_int_equal(world_respond(world, pasid.v, i, 0), 0);
	assert_int_equal(pending(world), 0);
	fake_vtd_release(&world->fake);
	world_run(world);
	assert_int_equal(responses(world), 500);
	for (unsigned i = 0; i < 500; i++)
		seen[vtd_desc_page_response_PRGI(&world->fake.log[i])]++;
	for (unsigned i = 0; i < 500; i++)
		assert_int_equal(seen[i], 1);
}

static void test_prq_unanswered_group_expires(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	clock_set_manual(1000000000);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	clock_set_manual(1000000000 + (uint64_t)VSVA_LIMIT_PAGE_RESPONSE_TIMEOUT_MS * 1000000 - 1);
	host_iommu_expire_requests(world->iommu);
	expect_log_count(world, 0);
	clock_set_manual(1000000000 + (uint64_t)VSVA_LIMIT_PAGE_RESPONSE_TIMEOUT_MS * 1000000);
	host_iommu_expire_requests(world->iommu);
	clock_set_real();
	expect_response(world, 0, RID_PF, pasid.v, 5, INVALID);
	assert_int_equal(world_respond(world, pasid.v, 5, 0), -EINVAL);
}

/* Handlers that do things */

static int answering_handler(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct world *world = arg;

	(void)dev;
	return world_respond(world, fault->u.prm.pasid, (uint16_t)fault->u.prm.grpid,
			     VSVA_PAGE_RESP_SUCCESS);
}

static void test_prq_handler_may_answer_at_once(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	assert_int_equal(vsva_dev_unregister_fault_handler(world->dev), 0);
	assert_int_equal(
		vsva_dev_register_fault_handler(world->dev, answering_handler, NULL, world), 0);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	expect_response(world, 0, RID_PF, pasid.v, 5, SUCCESS);
	expect_log_count(world, 1);
}

static int unbinding_handler(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct world *world = arg;

	world->fault_count++;
	assert_int_equal(vsva_unbind_gpasid(world->domain, dev, hpasid(fault->u.prm.pasid)), 0);
	return -EINVAL;
}

/* The answer was given by the unbind: the handler's error must not give a second one. */
static void test_prq_handler_may_unbind(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	assert_int_equal(vsva_dev_unregister_fault_handler(world->dev), 0);
	assert_int_equal(
		vsva_dev_register_fault_handler(world->dev, unbinding_handler, NULL, world), 0);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, false));
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	assert_int_equal(world->fault_count, 1);
	assert_int_equal(responses(world), 1);
}

static int leaving_handler(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct world *world = arg;

	(void)fault;
	world->fault_count++;
	assert_int_equal(vsva_dev_unregister_fault_handler(dev), -ETIMEDOUT);
	return 0;
}

/* 7b9c511d: the fault fd is closed inside its own handler. It is said so, and nothing hangs. */
static void test_prq_handler_may_unregister_itself(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);

	assert_int_equal(vsva_dev_unregister_fault_handler(world->dev), 0);
	assert_int_equal(vsva_dev_register_fault_handler(world->dev, leaving_handler, NULL, world),
			 0);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	assert_int_equal(world->fault_count, 1);
	expect_response(world, 0, RID_PF, pasid.v, 5, INVALID);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 6, true));
	assert_int_equal(world->fault_count, 1);
}

/* No first stage, nobody to ask: what the second stage lacks, no guest can bring. */
static void test_prq_of_second_stage_binding_is_refused(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = world_pasid(world);

	assert_int_equal(vsva_bind_second_stage(world->domain, world->dev, pasid), 0);
	fake_vtd_forget_log(&world->fake);
	push(world, world_request(RID_PF, pasid.v, ADDR, READ, 5, true));
	expect_response(world, 0, RID_PF, pasid.v, 5, INVALID);
	assert_int_equal(world->fault_count, 0);
}

/* Reported when it returns, though no worker has run: but answered by the owner alone. */
static void test_drain_reports_what_was_accepted(void **state)
{
	struct world *world = *state;
	hpasid_t pasid = bound(world);
	struct late late = {world, pasid, 0};

	world_request_push(world, pasid.v, ADDR, 1, true);
	world_request_push(world, pasid.v, ADDR, 2, false);
	world->fake.on_desc = send_late_request;
	world->fake.on_desc_arg = &late;
	assert_int_equal(vsva_drain_page_requests(world->dev), 0);
	world->fake.on_desc = NULL;
	assert_int_equal(world->fault_count, 2);
	assert_int_equal(responses(world), 0);
	assert_int_equal(world_respond(world, pasid.v, 1, 0), 0);
	assert_int_equal(world_respond(world, pasid.v, 77, 0), 0);
	assert_int_equal(vsva_drain_page_requests(NULL), -EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(test_prq_reports_to_owner),
		T(test_prq_response_codes),
		T(test_prq_response_is_checked),
		T(test_prq_refuses_by_contract),
		T(test_prq_drops_stop_marker),
		T(test_prq_collects_groups),
		T(test_prq_bad_request_spoils_group),
		T(test_prq_group_is_bounded),
		T(test_prq_groups_per_device_are_bounded),
		T(test_prq_handler_error_is_answered_invalid),
		T(test_prq_without_handler_is_answered_invalid),
		T(test_prq_handler_is_registered_once),
		T(test_prq_rid_requests_go_to_nested_rid),
		T(test_unbind_answers_what_is_pending),
		T(test_unbind_takes_requests_out_of_the_queue),
		T(test_unbind_answers_what_the_drain_brings),
		T(test_detach_answers_rid_requests),
		T(test_rid_change_answers_rid_requests_only),
		T(test_prq_overflow_forgets_partial_groups),
		T(test_unbind_drains_again_after_overflow),
		T(test_unbind_drains_behind_a_silent_device),
		T(test_prq_answers_wait_for_room),
		T(test_prq_unanswered_group_expires),
		T(test_prq_handler_may_answer_at_once),
		T(test_prq_handler_may_unbind),
		T(test_prq_handler_may_unregister_itself),
		T(test_prq_of_second_stage_binding_is_refused),
		T(test_drain_reports_what_was_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
