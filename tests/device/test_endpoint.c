// SPDX-License-Identifier: MIT
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "device/fake_unit.h"
#include "hw/device/device_tlb.h"
#include "vtd/descriptors.h"

#define VA    VIRTUAL_BASE
#define RW    (VSVA_PROT_READ | VSVA_PROT_WRITE)
#define PASID 5u

static struct world world;
static struct pci_config config;
static struct endpoint endpoint;
static unsigned responses;
static uint16_t response_prgi;
static uint64_t response_tag;
static unsigned response_code;
static unsigned accesses;
static struct vsva_event last_access;

static void page_response(struct endpoint *e, uint16_t prgi, unsigned code)
{
	assert_ptr_equal(e, &endpoint);
	responses++;
	response_prgi = prgi;
	response_code = code;
}

static void page_answer(struct endpoint *e, uint64_t tag, unsigned code)
{
	assert_ptr_equal(e, &endpoint);
	responses++;
	response_tag = tag;
	response_code = code;
}

static const struct endpoint_ops ops = {.page_response = page_response, .page_answer = page_answer};

static void observe(void *arg, const struct vsva_event *event)
{
	(void)arg;
	if (event->kind != VSVA_EV_ACCESS)
		return;
	accesses++;
	last_access = *event;
}

static const struct pci_config_description description = {
	.ats = true,
	.ats_queue_depth = 1,
	.pri = true,
	.pri_capacity = 512,
	.pasid = true,
	.pasid_privileged = true,
	.pasid_width = 20,
};

static void switch_on(void)
{
	endpoint_config_write(&endpoint, 0x04, 2, 4);
	endpoint_config_write(&endpoint, 0x146, 2, 5);
	endpoint_config_write(&endpoint, 0x106, 2, 0x8000);
	endpoint_config_write(&endpoint, 0x12c, 4, 512);
	endpoint_config_write(&endpoint, 0x124, 2, 1);
}

static int setup(void **state)
{
	(void)state;
	world_init(&world, WORKERS_MANUAL);
	world.trace = (struct trace){.observer = observe};
	responses = accesses = 0;
	pci_config_init(&config, &description);
	if (endpoint_init(&endpoint, &world.unit, rid(0x30), &config, world.physmem, &ops,
			  &world.trace))
		return -1;
	world.unit.endpoint = &endpoint;
	switch_on();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	endpoint_fini(&endpoint);
	world_fini(&world);
	return 0;
}

static const struct dma_context by_ats = {.pasid = PASID, .use_ats = true};
static const struct dma_context plain = {.pasid = PASID};
static const struct dma_context no_pasid = {.pasid = VSVA_PASID_INVALID, .use_ats = true};

static enum dma_result window(const struct dma_context *context, uint64_t va, size_t want,
			      enum unit_access access, struct dma_window *out)
{
	enum dma_result result;

	rcu_read_lock();
	result = endpoint_window(&endpoint, context, va, want, access, out);
	rcu_read_unlock();
	return result;
}

static enum dma_result touch(const struct dma_context *context, uint64_t va,
			     enum unit_access access)
{
	struct dma_window out;

	return window(context, va, 1, access, &out);
}

static void test_window_by_ats(void **state)
{
	struct dma_window out;

	(void)state;
	world_allow(&world, PASID, VA, 8192, RW);
	assert_int_equal(window(&by_ats, VA + 100, 100000, UNIT_WRITE, &out), DMA_OK);
	assert_int_equal(out.len, 4096 - 100);
	assert_ptr_equal(out.pointer, world_byte(&world, VA + 100));
	assert_int_equal(out.hpa.v, world.unit.base.v + 4096 + 100);
	assert_int_equal(accesses, 1);
	assert_int_equal(last_access.addr, VA + 100);
	assert_int_equal(last_access.hpa.v, out.hpa.v);
	assert_int_equal(last_access.len, 3996);
	assert_int_equal(last_access.hpasid.v, PASID);
	assert_int_equal(last_access.rid.v, 0x30);
	assert_true(last_access.write);
	assert_int_equal(window(&by_ats, VA + 100, 10, UNIT_READ, &out), DMA_OK);
	assert_int_equal(out.len, 10);
	assert_false(last_access.write);
	assert_int_equal(world.unit.ats_count, 1);
	assert_int_equal(world.unit.translated_count, 1);
	assert_int_equal(world.unit.untranslated_count, 0);
}

static void test_window_untranslated(void **state)
{
	struct dma_window out;

	(void)state;
	world_allow(&world, PASID, VA, 4096, VSVA_PROT_READ);
	assert_int_equal(window(&plain, VA, 10, UNIT_READ, &out), DMA_OK);
	assert_int_equal(touch(&plain, VA, UNIT_READ), DMA_OK);
	assert_int_equal(touch(&plain, VA, UNIT_WRITE), DMA_ERROR);
	assert_int_equal(world.unit.untranslated_count, 3);
	assert_int_equal(device_tlb_count(endpoint.tlb), 0);
}

static void test_faults(void **state)
{
	(void)state;
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_FAULT);
	world_allow(&world, PASID, VA, 4096, VSVA_PROT_READ);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_OK);
	assert_int_equal(touch(&by_ats, VA, UNIT_WRITE), DMA_FAULT);
	assert_int_equal(touch(&by_ats, VA, UNIT_ATOMIC), DMA_FAULT);
	/* a right that comes later is found by asking again */
	world_allow(&world, PASID, VA, 4096, RW);
	assert_int_equal(touch(&by_ats, VA, UNIT_ATOMIC), DMA_OK);
	world.unit.error = true;
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_OK); /* cached */
	assert_int_equal(touch(&by_ats, VA + 4096, UNIT_READ), DMA_ERROR);
	assert_int_equal(touch(&plain, VA, UNIT_READ), DMA_ERROR);
	world.unit.deny_translated = true;
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_ERROR);
}

static void test_spaces_are_apart(void **state)
{
	struct dma_context other = {.pasid = PASID + 1, .use_ats = true};

	(void)state;
	world_allow(&world, PASID, VA, 4096, RW);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_OK);
	assert_int_equal(touch(&other, VA, UNIT_READ), DMA_FAULT);
	assert_int_equal(touch(&no_pasid, VA, UNIT_READ), DMA_FAULT);
}

static void test_privilege(void **state)
{
	struct dma_context privileged = {.pasid = PASID, .use_ats = true, .privileged = true};

	(void)state;
	world.unit.supervisor = true;
	world_allow(&world, PASID, VA, 4096, RW);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_FAULT);
	assert_int_equal(touch(&privileged, VA, UNIT_READ), DMA_OK);
	/* what a privileged request has cached is nothing for others */
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_FAULT);
	endpoint_config_write(&endpoint, 0x106, 2, 0);
	endpoint_config_write(&endpoint, 0x146, 2, 1);
	endpoint_config_write(&endpoint, 0x106, 2, 0x8000);
	assert_int_equal(touch(&privileged, VA, UNIT_READ), DMA_FAULT);
}

static void test_switches(void **state)
{
	(void)state;
	world_allow(&world, PASID, VA, 4096, RW);
	world_allow(&world, VSVA_PASID_INVALID, VA, 4096, RW);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_OK);
	endpoint_config_write(&endpoint, 0x04, 2, 0);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_ERROR);
	assert_int_equal(touch(&plain, VA, UNIT_READ), DMA_ERROR);
	endpoint_config_write(&endpoint, 0x04, 2, 4);
	assert_int_equal(device_tlb_count(endpoint.tlb), 1);
	/* without ATS nothing is cached and requests go untranslated */
	endpoint_config_write(&endpoint, 0x106, 2, 0);
	assert_int_equal(device_tlb_count(endpoint.tlb), 0);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_OK);
	assert_int_equal(world.unit.untranslated_count, 1);
	assert_int_equal(device_tlb_count(endpoint.tlb), 0);
	endpoint_config_write(&endpoint, 0x146, 2, 0);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_ERROR);
	assert_int_equal(touch(&no_pasid, VA, UNIT_READ), DMA_OK);
}

static void test_no_memory_there(void **state)
{
	hpa_t base = world.unit.base;

	(void)state;
	world_allow(&world, PASID, VA, 4096, RW);
	world.unit.base = hpa(UINT64_C(1) << 40);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_ERROR);
	assert_int_equal(accesses, 0);
	world.unit.base = hpa(UINT64_MAX << 13);
	assert_int_equal(touch(&plain, VA, UNIT_READ), DMA_ERROR);
	world.unit.base = base;
}

static void invalidate_meanwhile(struct unit *unit, const struct unit_request *request)
{
	struct ats_invalidation scope = {true, false, request->pasid, request->addr, 12};

	assert_int_equal(endpoint_invalidate(unit->endpoint, &scope), 0);
}

static void test_invalidation_between_request_and_completion(void **state)
{
	(void)state;
	world_allow(&world, PASID, VA, 4096, RW);
	world.unit.before_completion = invalidate_meanwhile;
	/* this access is inside the section that the invalidation's wait waits for; the next is not
	 */
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_OK);
	assert_int_equal(device_tlb_count(endpoint.tlb), 0);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_OK);
	assert_int_equal(world.unit.ats_count, 2);
}

static void test_invalidation(void **state)
{
	struct ats_invalidation scope = {true, false, PASID, VA, 12};

	(void)state;
	world_allow(&world, PASID, VA, 8192, RW);
	touch(&by_ats, VA, UNIT_READ);
	touch(&by_ats, VA + 4096, UNIT_READ);
	assert_int_equal(endpoint_invalidate(&endpoint, &scope), 0);
	world_allow(&world, PASID, VA, 8192, 0);
	assert_int_equal(touch(&by_ats, VA, UNIT_READ), DMA_FAULT);
	assert_int_equal(touch(&by_ats, VA + 4096, UNIT_READ), DMA_OK);
	endpoint_set_gone(&endpoint, true);
	assert_int_equal(endpoint_invalidate(&endpoint, &scope), -ETIMEDOUT);
	assert_int_equal(touch(&by_ats, VA + 4096, UNIT_READ), DMA_ERROR);
	endpoint_set_gone(&endpoint, false);
	assert_int_equal(touch(&by_ats, VA + 4096, UNIT_READ), DMA_FAULT);
}

static void test_read_and_write(void **state)
{
	unsigned char out[10000], in[10000];
	size_t done;

	(void)state;
	world_allow(&world, PASID, VA, 5 * 4096, RW);
	world_allow(&world, PASID, VA + 3 * 4096, 4096, 0);
	world_randomize(&world, VA + 10, sizeof(in), 1);
	world_read(&world, VA + 10, in, sizeof(in));
	assert_int_equal(endpoint_read(&endpoint, &by_ats, VA + 10, out, sizeof(out), &done),
			 DMA_OK);
	assert_int_equal(done, sizeof(out));
	assert_memory_equal(in, out, sizeof(out));
	assert_int_equal(endpoint_write(&endpoint, &by_ats, VA + 8192, in, sizeof(in), &done),
			 DMA_FAULT);
	assert_int_equal(done, 4096);
	assert_int_equal(endpoint_read(&endpoint, &by_ats, VA + 8192, out, 4096, &done), DMA_OK);
	assert_memory_equal(in, out, 4096);
	assert_int_equal(endpoint_read(&endpoint, &by_ats, VA, out, 0, &done), DMA_OK);
	/* inside a section of the caller's */
	rcu_read_lock();
	assert_int_equal(endpoint_read(&endpoint, &plain, VA + 10, out, 100, &done), DMA_OK);
	assert_true(rcu_is_reading());
	rcu_read_unlock();
}

static void test_page_request(void **state)
{
	const struct unit_page_request *r = &world.unit.requests[0];
	int prgi = endpoint_page_request(&endpoint, &by_ats, VA + 0x1234, UNIT_WRITE);

	(void)state;
	assert_true(prgi >= 0);
	assert_int_equal(world_requests(&world), 1);
	assert_int_equal(r->rid.v, 0x30);
	assert_int_equal(r->pasid, PASID);
	assert_int_equal(r->addr, VA + 0x1000);
	assert_true(r->write && !r->read && r->last);
	assert_int_equal(r->prgi, prgi);
	assert_int_equal(pci_config_read(&config, 0x126, 2) & 0x100, 0);
	world_answer(&world, 0, VTD_RESPONSE_INVALID);
	assert_int_equal(responses, 1);
	assert_int_equal(response_prgi, prgi);
	assert_int_equal(response_code, VTD_RESPONSE_INVALID);
	/* a second answer is unexpected */
	world_answer(&world, 0, VTD_RESPONSE_INVALID);
	assert_int_equal(responses, 1);
	assert_int_equal(pci_config_read(&config, 0x126, 2) & 3, 2);
	prgi = endpoint_page_request_tagged(&endpoint, &by_ats, VA, UNIT_READ, UINT64_C(77) << 40);
	assert_true(prgi >= 0);
	world_answer(&world, 1, VTD_RESPONSE_SUCCESS);
	assert_int_equal(response_tag, UINT64_C(77) << 40);
}

static void test_page_request_of_another_pasid(void **state)
{
	(void)state;
	endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ);
	endpoint_page_response(&endpoint, PASID + 1, world.unit.requests[0].prgi,
			       VTD_RESPONSE_SUCCESS);
	endpoint_page_response(&endpoint, PASID, 511, VTD_RESPONSE_SUCCESS);
	endpoint_page_response(&endpoint, PASID, 512, VTD_RESPONSE_SUCCESS);
	assert_int_equal(responses, 0);
	assert_int_equal(pci_config_read(&config, 0x126, 2) & 3, 2);
	world_answer(&world, 0, VTD_RESPONSE_SUCCESS);
	assert_int_equal(responses, 1);
}

static void test_credit(void **state)
{
	(void)state;
	endpoint_config_write(&endpoint, 0x124, 2, 0);
	endpoint_config_write(&endpoint, 0x12c, 4, 2);
	endpoint_config_write(&endpoint, 0x124, 2, 1);
	assert_true(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ) >= 0);
	assert_true(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ) >= 0);
	assert_int_equal(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ), -EBUSY);
	world_answer(&world, 0, VTD_RESPONSE_SUCCESS);
	assert_true(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ) >= 0);
	endpoint_config_write(&endpoint, 0x124, 2, 0);
	assert_int_equal(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ), -EOPNOTSUPP);
	/* stopped only when the last one is answered */
	assert_int_equal(pci_config_read(&config, 0x126, 2) & 0x100, 0);
	world_answer(&world, 1, VTD_RESPONSE_SUCCESS);
	world_answer(&world, 2, VTD_RESPONSE_SUCCESS);
	assert_int_equal(pci_config_read(&config, 0x126, 2) & 0x100, 0x100);
}

static void test_every_group_index(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ENDPOINT_GROUPS; i++)
		assert_true(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ) >= 0);
	assert_int_equal(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ), -EBUSY);
	for (unsigned i = 0; i < ENDPOINT_GROUPS; i++)
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(world.unit.requests[i].prgi,
					     world.unit.requests[j].prgi);
	for (unsigned i = 0; i < ENDPOINT_GROUPS; i++)
		world_answer(&world, i, VTD_RESPONSE_SUCCESS);
	assert_int_equal(responses, ENDPOINT_GROUPS);
}

static void test_response_failure(void **state)
{
	(void)state;
	endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ);
	world_answer(&world, 0, VTD_RESPONSE_FAILURE);
	assert_int_equal(responses, 1);
	assert_int_equal(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ), -EOPNOTSUPP);
	endpoint_config_write(&endpoint, 0x126, 2, 1);
	assert_true(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ) >= 0);
}

static void test_reset_forgets(void **state)
{
	(void)state;
	endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ);
	endpoint_reset(&endpoint);
	assert_int_equal(endpoint.outstanding, 0);
	world_answer(&world, 0, VTD_RESPONSE_SUCCESS);
	assert_int_equal(responses, 0);
	assert_int_equal(pci_config_read(&config, 0x126, 2) & 3, 0);
	/* answers that never come cost nothing in the end */
	for (unsigned i = 0; i < 3 * ENDPOINT_GROUPS; i++) {
		assert_true(endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ) >= 0);
		endpoint_reset(&endpoint);
	}
}

static void test_pri_reset_forgets(void **state)
{
	(void)state;
	endpoint_page_request(&endpoint, &by_ats, VA, UNIT_READ);
	endpoint_config_write(&endpoint, 0x124, 2, 0);
	endpoint_config_write(&endpoint, 0x124, 2, 2);
	assert_int_equal(pci_config_read(&config, 0x126, 2) & 0x103, 0x100);
	world_answer(&world, 0, VTD_RESPONSE_SUCCESS);
	assert_int_equal(responses, 0);
}

static void test_stop_marker(void **state)
{
	const struct unit_page_request *r = &world.unit.requests[0];

	(void)state;
	endpoint_stop_marker(&endpoint, PASID);
	assert_int_equal(world_requests(&world), 1);
	assert_true(r->last && !r->read && !r->write);
	assert_int_equal(r->pasid, PASID);
	assert_int_equal(endpoint.outstanding, 0);
}

static void test_virtual_function_uses_those_of_the_pf(void **state)
{
	static const struct pci_config_description vf_description = {.ats = true,
								     .ats_queue_depth = 1};
	struct pci_config vf_config;
	struct endpoint vf;
	struct dma_window out;

	(void)state;
	pci_config_init(&vf_config, &vf_description);
	assert_int_equal(
		endpoint_init(&vf, &world.unit, rid(0x31), &vf_config, world.physmem, &ops, NULL),
		0);
	endpoint_set_pf(&vf, rid(0x30), &config);
	endpoint_config_write(&vf, 0x04, 2, 4);
	world_allow(&world, PASID, VA, 4096, RW);
	rcu_read_lock();
	assert_int_equal(endpoint_window(&vf, &plain, VA, 1, UNIT_READ, &out), DMA_OK);
	rcu_read_unlock();
	assert_true(endpoint_page_request(&vf, &plain, VA, UNIT_READ) >= 0);
	assert_int_equal(world.unit.requests[0].rid.v, 0x31);
	assert_int_equal(vf.pf_rid.v, 0x30);
	endpoint_fini(&vf);
}

/* What is told is accessed, also by a copy that ends with its first piece. */
static void test_window_is_a_piece_where_it_is_told(void **state)
{
	const size_t len = 2 * ENDPOINT_PIECE;
	struct dma_window w;

	(void)state;
	world.unit.has_runs = true;
	world_allow(&world, PASID, VA, 1, VSVA_PROT_READ);
	assert_int_equal(window(&plain, VA, len, UNIT_READ, &w), DMA_OK);
	assert_int_equal(w.len, ENDPOINT_PIECE);
	assert_int_equal(accesses, ENDPOINT_PIECE / VSVA_PAGE_SIZE);
	world.trace = (struct trace){.observer = NULL};
	assert_int_equal(window(&plain, VA, len, UNIT_READ, &w), DMA_OK);
	assert_int_equal(w.len, len);
}

static void *synchronize(void *arg)
{
	rcu_synchronize();
	return arg;
}

/* A copy that nobody waits for goes on, another one ends with its piece. */
static void test_copy_in_pieces(void **state)
{
	const size_t len = 3 * ENDPOINT_PIECE + 5;
	unsigned char *from = malloc(len), *to = calloc(1, len);
	pthread_t writer;

	(void)state;
	assert_true(from && to);
	for (size_t i = 0; i < len; i++)
		from[i] = (unsigned char)(i ^ i >> 8 ^ i >> 16);
	rcu_read_lock();
	assert_int_equal(pthread_create(&writer, NULL, synchronize, NULL), 0);
	while (!rcu_is_awaited())
		sched_yield();
	assert_int_equal(endpoint_copy_pieces(to, from, len), ENDPOINT_PIECE);
	assert_memory_equal(to, from, ENDPOINT_PIECE);
	assert_int_equal(to[ENDPOINT_PIECE], 0);
	assert_int_equal(endpoint_copy_pieces(to, from, 7), 7);
	rcu_quiescent();
	assert_int_equal(endpoint_copy_pieces(to, from, len), len);
	assert_memory_equal(to, from, len);
	rcu_read_unlock();
	pthread_join(writer, NULL);
	free(from);
	free(to);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_window_by_ats),
		CASE(test_window_untranslated),
		CASE(test_faults),
		CASE(test_spaces_are_apart),
		CASE(test_privilege),
		CASE(test_switches),
		CASE(test_no_memory_there),
		CASE(test_invalidation_between_request_and_completion),
		CASE(test_invalidation),
		CASE(test_read_and_write),
		CASE(test_window_is_a_piece_where_it_is_told),
		CASE(test_copy_in_pieces),
		CASE(test_page_request),
		CASE(test_page_request_of_another_pasid),
		CASE(test_credit),
		CASE(test_every_group_index),
		CASE(test_response_failure),
		CASE(test_reset_forgets),
		CASE(test_pri_reset_forgets),
		CASE(test_stop_marker),
		CASE(test_virtual_function_uses_those_of_the_pf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
