// SPDX-License-Identifier: MIT
/*
 * The contract of a page-request handler, row by row. Negative control: a careless handler, which
 * takes each request for good, asks the owner, and answers with success; each row must see it.
 */
#include "host/world.h"

#include "base/rcu.h"

#define ADDR    UINT64_C(0x7f0000004000)
#define NONE    VSVA_PASID_INVALID
#define READ    VSVA_FAULT_PERM_READ
#define WRITE   VSVA_FAULT_PERM_WRITE
#define EXEC    VSVA_FAULT_PERM_EXEC
#define PRIV    VSVA_FAULT_PERM_PRIV
#define UNKNOWN rid(0x4444)

/* The PASID that is bound. */
#define BOUND 1u

/* What became of a request: owners that were asked, answers and the code of the last. */
struct outcome {
	unsigned asked, answers, code;
};

typedef void handler(struct world *world, struct outcome *outcome);

static void driver(struct world *world, struct outcome *outcome)
{
	world_run(world);
	outcome->answers = fake_vtd_count(&world->fake, VTD_DESC_PAGE_RESPONSE);
	if (outcome->answers)
		outcome->code = (unsigned)vtd_desc_page_response_RC(
			&world->fake.log[world->fake.log_count - 1]);
}

static void careless(struct world *world, struct outcome *outcome)
{
	uint64_t *pqh = &world->fake.regs[VTD_REG_PQH / 8];
	uint64_t ring = vtd_PQA_PQA(world->fake.regs[VTD_REG_PQA / 8]);
	struct vsva_fault fault = {.type = VSVA_FAULT_PAGE_REQ};

	outcome->code = VTD_RESPONSE_SUCCESS;
	for (; *pqh != world->fake.regs[VTD_REG_PQT / 8]; *pqh += 32) {
		const struct vtd_page_request *request;

		rcu_read_lock();
		request = physmem_ptr(world->fake.port.physmem, hpa(ring + *pqh), 32, false);
		rcu_read_unlock();
		world_handler(world, world->dev, &fault);
		outcome->answers += vtd_page_request_LPIG(request) != 0;
	}
}

static struct outcome outcome_of(struct vtd_page_request request, handler *handles)
{
	struct world *world = world_create();
	struct outcome outcome = {0};

	assert_int_equal(world_bind(world, gpasid(7)).v, BOUND);
	fake_vtd_forget_log(&world->fake);
	assert_true(fake_vtd_page_request(&world->fake, &request));
	handles(world, &outcome);
	outcome.asked = world->fault_count;
	world_run(world);
	world_destroy(world);
	return outcome;
}

/* Nobody is asked, and the device is told that it will not get the page. */
static bool is_refused(struct vtd_page_request request, handler *handles)
{
	struct outcome outcome = outcome_of(request, handles);

	return !outcome.asked && outcome.answers == 1 && outcome.code == VTD_RESPONSE_INVALID;
}

static bool is_dropped(struct vtd_page_request request, handler *handles)
{
	struct outcome outcome = outcome_of(request, handles);

	return !outcome.asked && !outcome.answers;
}

static void expect_refused(rid_t rid_, uint32_t pasid, uint64_t addr, uint32_t perm)
{
	struct vtd_page_request request = world_request(rid_, pasid, addr, perm, 5, true);

	assert_true(is_refused(request, driver));
	assert_false(is_refused(request, careless));
}

/* What differs from it only in the one thing is asked for. */
static void expect_asked_for(rid_t rid_, uint32_t pasid, uint64_t addr, uint32_t perm)
{
	struct vtd_page_request request = world_request(rid_, pasid, addr, perm, 5, true);

	assert_int_equal(outcome_of(request, driver).asked, 1);
}

static void test_contract_address_that_is_not_canonical_is_invalid(void **state)
{
	(void)state;
	expect_refused(RID_PF, BOUND, UINT64_C(0x0000800000000000), READ);
	expect_refused(RID_PF, BOUND, UINT64_C(0xffff7ffffffff000), READ);
	expect_refused(RID_PF, BOUND, UINT64_C(0x8000000000004000), WRITE);
	expect_asked_for(RID_PF, BOUND, UINT64_C(0x00007ffffffff000), READ);
	expect_asked_for(RID_PF, BOUND, UINT64_C(0xffff800000000000), READ);
}

static void test_contract_privileged_request_is_invalid(void **state)
{
	(void)state;
	expect_refused(RID_PF, BOUND, ADDR, READ | PRIV);
	expect_refused(RID_PF, BOUND, ADDR, WRITE | PRIV);
	expect_refused(RID_PF, BOUND, ADDR, READ | WRITE | PRIV);
	expect_asked_for(RID_PF, BOUND, ADDR, READ | WRITE);
}

static void test_contract_execute_and_read_is_invalid(void **state)
{
	(void)state;
	expect_refused(RID_PF, BOUND, ADDR, READ | EXEC);
	expect_refused(RID_PF, BOUND, ADDR, READ | WRITE | EXEC);
	expect_asked_for(RID_PF, BOUND, ADDR, READ | WRITE);
}

static void test_contract_unknown_requester_is_invalid(void **state)
{
	(void)state;
	expect_refused(UNKNOWN, BOUND, ADDR, READ);
	expect_refused(RID_PF, BOUND + 1, ADDR, READ); /* known, but not with this PASID */
	expect_refused(RID_PF, 0, ADDR, READ);
	expect_refused(RID_PF, NONE, ADDR, READ);
	expect_asked_for(RID_PF, BOUND, ADDR, READ);
}

static void test_contract_stop_marker_is_dropped_without_a_response(void **state)
{
	const struct vtd_page_request markers[] = {
		world_request(RID_PF, BOUND, 0, 0, 0, true),
		world_request(RID_PF, BOUND, ADDR, PRIV, 5, true),
		world_request(RID_PF, BOUND + 1, 0, 0, 0, true),
		world_request(UNKNOWN, BOUND, 0, 0, 0, true),
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_true(is_dropped(markers[i], driver));
		assert_false(is_dropped(markers[i], careless));
	}
	/* an access: no stop marker */
	expect_asked_for(RID_PF, BOUND, 0, READ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contract_address_that_is_not_canonical_is_invalid),
		cmocka_unit_test(test_contract_privileged_request_is_invalid),
		cmocka_unit_test(test_contract_execute_and_read_is_invalid),
		cmocka_unit_test(test_contract_unknown_requester_is_invalid),
		cmocka_unit_test(test_contract_stop_marker_is_dropped_without_a_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
