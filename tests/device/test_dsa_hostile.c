// SPDX-License-Identifier: MIT
/* What a hostile program, guest or schedule may do: no crash, no report of a sanitizer, an end. */
#include "unit.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/random.h"
#include "device/dsa_world.h"
#include "vtd/descriptors.h"

#define SUBMISSIONS 100000u

static struct dsa_world d;
static struct rng rng;

static uint64_t below(uint64_t bound)
{
	return rng_below(&rng, bound);
}

static uint64_t random_address(void)
{
	switch (below(8)) {
	case 0:
		return rng_u64(&rng);
	case 1:
		return UINT64_MAX - below(8192);
	default:
		return VA + below(SPACE_LEN);
	}
}

/* Not only noise: most of it would be an unknown opcode. */
static struct dsa_descriptor random_descriptor(void)
{
	static const uint8_t opcodes[] = {0, 1, 2, 3, 4, 5, 6, 9, 0x10, 0x11, 0x20};
	struct dsa_descriptor n;

	for (unsigned i = 0; i < 8; i++)
		n.q[i] = rng_u64(&rng);
	if (!below(4))
		return n;
	n = describe((enum dsa_opcode)opcodes[below(sizeof(opcodes))], (uint32_t)below(256) & 0x9f,
		     random_address(), random_address(), (uint32_t)below(20000));
	if (!below(8))
		dsa_descriptor_set_SIZE(&n, below(1u << 22));
	if (dsa_descriptor_OPCODE(&n) == DSA_OP_BATCH) {
		dsa_descriptor_set_SOURCE(&n, LIST + below(64) * 64);
		dsa_descriptor_set_SIZE(&n, below(34));
	}
	dsa_descriptor_set_RECORD(&n, random_address() & ~UINT64_C(31));
	if (dsa_descriptor_OPCODE(&n) == DSA_OP_DUALCAST)
		dsa_descriptor_set_DESTINATION2(&n,
						(random_address() & ~UINT64_C(4095)) |
							(dsa_descriptor_DESTINATION(&n) & 4095));
	dsa_descriptor_set_PASID(&n, PASID + below(2));
	return n;
}

static void random_list(void)
{
	for (unsigned i = 0; i < 128; i++) {
		struct dsa_descriptor n = random_descriptor();

		world_write(&d.w, LIST + i * 64, &n, sizeof(n));
	}
}

static void random_rights(void)
{
	world_allow(&d.w, PASID, VA + below(SPACE_LEN), 1, (uint8_t)below(4));
}

static void answer_all(unsigned *answered)
{
	while (*answered != world_requests(&d.w)) {
		if (world_requests(&d.w) - *answered > REQUESTS_MAX)
			*answered = world_requests(&d.w) - REQUESTS_MAX;
		world_answer(&d.w, (*answered)++,
			     below(4) ? VTD_RESPONSE_SUCCESS : VTD_RESPONSE_INVALID);
	}
}

static void test_random_submissions(void **state)
{
	unsigned answered = 0;

	(void)state;
	rng_seed(&rng, 42);
	dsa_world_init(&d, WORKERS_MANUAL);
	for (unsigned i = 0; i < SUBMISSIONS; i++) {
		struct dsa_descriptor n = random_descriptor();
		bool shared = below(2);

		dsa_portal_write(d.dsa, (shared ? DSA_PORTAL_STRIDE : 0) + below(128) * 64, &n,
				 shared);
		if (i % 64 == 0)
			random_list();
		if (i % 4 == 0)
			random_rights();
		if (i % 8 == 0) {
			world_run(&d.w);
			answer_all(&answered);
		}
		if (i % 1000 == 0) {
			dsa_config_write(d.dsa, 0x106, 2, 0);
			dsa_config_write(d.dsa, 0x106, 2, 0x8000);
		}
	}
	/* all of it ends */
	for (unsigned i = 0; i < 100000 && dsa_jobs_in_flight(d.dsa); i++) {
		world_run(&d.w);
		answer_all(&answered);
	}
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
	world_allow(&d.w, PASID, VA, SPACE_LEN, RW);
	clear_records(&d);
	submit(&d, DEDICATED, describe(DSA_OP_NOOP, ASKED, 0, 0, 0), 0);
	world_run(&d.w);
	assert_int_equal(*world_byte(&d.w, RECORD), DSA_STATUS_SUCCESS);
	dsa_world_fini(&d);
}

static void test_random_registers(void **state)
{
	unsigned answered = 0;
	uint64_t value;

	(void)state;
	rng_seed(&rng, 43);
	dsa_world_init(&d, WORKERS_MANUAL);
	for (unsigned i = 0; i < SUBMISSIONS; i++) {
		struct dsa_descriptor n = random_descriptor();
		unsigned size = below(2) ? 4 : 8;
		uint64_t offset = below(below(4) ? 0x800 : 0x4000) & ~(uint64_t)(size - 1);

		switch (below(8)) {
		case 0:
			dsa_mmio_read(d.dsa, 0, offset, size, &value);
			break;
		case 1:
		case 2:
			dsa_mmio_write(d.dsa, 0, offset, size, rng_u64(&rng) >> below(64));
			break;
		case 3:
			dsa_mmio_write(d.dsa, 0, DSA_REG_CMD, 4,
				       below(16) << 20 | below(4) | below(2) << 31);
			break;
		case 4:
			dsa_mmio_write(d.dsa, 2, below(0x20000) & ~UINT64_C(7), 8, rng_u64(&rng));
			break;
		case 5:
			dsa_config_write(d.dsa, (uint32_t)below(0x200), 1u << below(3),
					 (uint32_t)rng_u64(&rng));
			break;
		case 6:
			if (!below(50)) {
				dsa_reset(d.dsa);
				dsa_config_write(d.dsa, 0x124, 2, 0);
				dsa_config_write(d.dsa, 0x124, 2, 2);
				dsa_config_write(d.dsa, 0x106, 2, 0);
				dsa_world_configure(&d);
			}
			break;
		default:
			dsa_portal_write(d.dsa, below(2) * DSA_PORTAL_STRIDE, &n, below(2));
			break;
		}
		if (i % 8 == 0) {
			world_run(&d.w);
			answer_all(&answered);
		}
	}
	dsa_world_fini(&d);
}

/* Threads */

static bool stop;       /* atomic */
static unsigned rounds; /* atomic; descriptors that have ended or were given up */

static bool is_stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

/* Moves from one private piece to another, each with a record of its own; retries like a real
 * client. */
static void *submitter(void *arg)
{
	unsigned me = *(unsigned *)arg;

	while (!is_stopped()) {
		struct dsa_descriptor n =
			describe(DSA_OP_FILL, USUAL, me, DESTINATION + me * 65536, 20000);
		unsigned char *record = world_byte(&d.w, RECORD + me * DSA_RECORD_BYTES);
		unsigned patience = 0;

		__atomic_store_n(record, 0, __ATOMIC_RELEASE);
		while (submit(&d, SHARED, n, me) && !is_stopped())
			sched_yield();
		/* an abort may take it away */
		while (!__atomic_load_n(record, __ATOMIC_ACQUIRE) && patience++ < 1000 &&
		       !is_stopped())
			sched_yield();
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *responder(void *arg)
{
	unsigned answered = 0;

	(void)arg;
	while (!is_stopped()) {
		while (answered != world_requests(&d.w))
			world_answer(&d.w, answered++, VTD_RESPONSE_SUCCESS);
		sched_yield();
	}
	return NULL;
}

/* The owner of the memory takes pages away and invalidates. */
static void *unmapper(void *arg)
{
	struct rng mine;

	(void)arg;
	rng_seed(&mine, 7);
	while (!is_stopped()) {
		uint64_t va =
			DESTINATION + rng_below(&mine, 3) * 65536 + rng_below(&mine, 5) * 4096;
		struct ats_invalidation scope = {true, false, PASID, va, 12};

		world_allow(&d.w, PASID, va, 4096, 0);
		endpoint_invalidate(dsa_endpoint(d.dsa), &scope);
		rcu_synchronize();
		sched_yield();
	}
	return NULL;
}

static void test_threads(void **state)
{
	static unsigned numbers[3] = {0, 1, 2};
	pthread_t threads[5];

	(void)state;
	dsa_world_init(&d, WORKERS_THREADS);
	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, submitter, &numbers[i]), 0);
	assert_int_equal(pthread_create(&threads[3], NULL, responder, NULL), 0);
	assert_int_equal(pthread_create(&threads[4], NULL, unmapper, NULL), 0);
	for (unsigned i = 0; i < 200 || __atomic_load_n(&rounds, __ATOMIC_RELAXED) < 500; i++) {
		uint32_t code = i % 2 ? DSA_COMMAND_DRAIN_ALL : DSA_COMMAND_ABORT_PASID;

		dsa_command_only(&d, code, code == DSA_COMMAND_ABORT_PASID ? PASID : 0);
		while (dsa_CMDSTS_ACTIVE(dsa_get(&d, DSA_REG_CMDSTS)))
			sched_yield();
		assert_int_equal(dsa_CMDSTS_ERROR(dsa_get(&d, DSA_REG_CMDSTS)), 0);
		dsa_get(&d, DSA_WQCFG + 64 + 24);
	}
	dsa_reset(d.dsa);
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
	dsa_world_configure(&d);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	dsa_world_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_submissions),
		cmocka_unit_test(test_random_registers),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
