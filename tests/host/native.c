// SPDX-License-Identifier: MIT
#include "native.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	REG_GRPCFG = 0x400,
	REG_WQCFG = 0x500,
	REG_CMD = 0xa0,
	REG_CMDSTS = 0xa8,
	WQCFG_SIZE = 64,
	COMMAND_ENABLE_DEVICE = 1,
	COMMAND_ENABLE_QUEUE = 6,
	COMMAND_DISABLE_QUEUE = 7,
	COMMAND_RESET_QUEUE = 9,
	COMMAND_ABORT_PASID = 12,
};

#define CMDSTS_ACTIVE   (UINT32_C(1) << 31)
#define DEDICATED       0u
#define SHARED          1u
#define ENTRIES         16u
#define MODE            (0x2u | 10u << 4 | 1u << 28) /* block on fault, priority, PASID */
#define MODE_DEDICATED  0x1u
#define LIMITS          (21u | 5u << 5)
#define PORTAL_SIZE     0x4000u
#define PORTAL_LIMITED  0x1000u
#define WAIT_TIMEOUT_MS 10000u

static void observe(void *ledger, const struct vsva_event *event)
{
	ledger_observe(ledger, event);
}

/* Told at the end, if it was not meant. */
static void keep_violation(void *arg, const char *text)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct native *native = arg;

	pthread_mutex_lock(&lock);
	snprintf(native->violation, sizeof(native->violation), "%s", text);
	pthread_mutex_unlock(&lock);
}

static uint64_t reg_read(struct native *native, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	assert_int_equal(vsva_device_read(native->dsa, 0, offset, size, &value), 0);
	return value;
}

static void reg_write(struct native *native, uint64_t offset, unsigned size, uint64_t value)
{
	assert_int_equal(vsva_device_write(native->dsa, 0, offset, size, value), 0);
}

static bool is_done(void *arg)
{
	return !(reg_read(arg, REG_CMDSTS, 4) & CMDSTS_ACTIVE);
}

/* The error code of the command, 0: none. */
static unsigned command(struct native *native, uint32_t code, uint32_t operand)
{
	reg_write(native, REG_CMD, 4, code << 20 | operand);
	assert_true(vsva_machine_wait(native->machine, is_done, native, WAIT_TIMEOUT_MS));
	return (unsigned)reg_read(native, REG_CMDSTS, 4) & 0xff;
}

static void configure_queue(struct native *native, unsigned queue, uint32_t mode)
{
	uint64_t base = REG_WQCFG + (uint64_t)queue * WQCFG_SIZE;

	reg_write(native, base, 4, ENTRIES);
	reg_write(native, base + 4, 4, ENTRIES);
	reg_write(native, base + 12, 4, LIMITS);
	reg_write(native, base + 8, 4, MODE | mode);
}

static void start_device(struct native *native)
{
	assert_int_equal(vsva_device_config_write(native->dsa, 4, 2, 6), 0);
	reg_write(native, REG_GRPCFG, 8, 1u << DEDICATED | 1u << SHARED);
	reg_write(native, REG_GRPCFG + 32, 8, 1);
	configure_queue(native, DEDICATED, MODE_DEDICATED);
	configure_queue(native, SHARED, 0);
	assert_int_equal(command(native, COMMAND_ENABLE_DEVICE, 0), 0);
	assert_int_equal(command(native, COMMAND_ENABLE_QUEUE, SHARED), 0);
}

void native_create(struct native *native, enum vsva_cache_policy policy, bool threads)
{
	struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};
	struct vsva_machine_options machine = {
		.cache_policy = policy, .seed = 11, .threads = threads, .observer = observe};

	memset(native, 0, sizeof(*native));
	native->ledger = ledger_create(keep_violation, native);
	assert_non_null(native->ledger);
	machine.observer_arg = native->ledger;
	assert_int_equal(vsva_machine_create(&machine, &native->machine), 0);
	native->iommu = vsva_machine_iommu(native->machine);
	assert_int_equal(vsva_device_create(native->machine, &dsa, &native->dsa), 0);
	native->dev = vsva_device_dev(native->dsa);
	assert_int_equal(vsva_domain_alloc(native->iommu, NULL, 0, 0, &native->domain), 0);
	assert_int_equal(vsva_domain_attach(native->domain, native->dev), 0);
	assert_int_equal(vsva_sva_enable(native->dev), 0);
	start_device(native);
}

void native_add_engine(struct native *native)
{
	struct vsva_device_options options = {.kind = VSVA_DEVICE_TEST_ENGINE};

	assert_int_equal(vsva_device_create(native->machine, &options, &native->engine), 0);
	assert_int_equal(vsva_domain_attach(native->domain, vsva_device_dev(native->engine)), 0);
	assert_int_equal(vsva_device_config_write(native->engine, 4, 2, 6), 0);
}

uint64_t native_violations(struct native *native)
{
	struct ledger_counts counts;

	ledger_get_counts(native->ledger, &counts);
	return counts.violations;
}

void native_destroy(struct native *native)
{
	struct vsva_iommu_stats stats;
	struct ledger_counts counts;

	vsva_iommu_get_stats(native->iommu, &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(stats.requests_pending_now, 0);
	if (native->engine)
		assert_int_equal(vsva_device_destroy(native->engine), 0);
	if (native->domain) {
		assert_int_equal(vsva_domain_detach(native->domain, native->dev), 0);
		assert_int_equal(vsva_domain_free(native->domain), 0);
	}
	vsva_machine_destroy(native->machine);
	ledger_get_counts(native->ledger, &counts);
	if (counts.violations != native->expected_violations)
		fail_msg("%" PRIu64 " violations: %s", counts.violations, native->violation);
	assert_int_equal(counts.bound_now, 0);
	assert_int_equal(counts.pasids_allocated, counts.pasids_freed);
	assert_false(counts.is_blind);
	ledger_destroy(native->ledger);
}

/* Queues */

void native_enable_queue(struct native *native, hpasid_t pasid)
{
	configure_queue(native, DEDICATED, MODE_DEDICATED | pasid.v << 8);
	assert_int_equal(command(native, COMMAND_ENABLE_QUEUE, DEDICATED), 0);
}

void native_disable_queue(struct native *native)
{
	assert_int_equal(command(native, COMMAND_DISABLE_QUEUE, 1u << DEDICATED), 0);
}

void native_abort(struct native *native, hpasid_t pasid)
{
	assert_int_equal(command(native, COMMAND_ABORT_PASID, pasid.v), 0);
}

/* Processes */

struct vsva_mm *native_process(struct native *native)
{
	struct vsva_mm *mm;

	assert_int_equal(vsva_mm_create(native->iommu, 0, &mm), 0);
	return mm;
}

struct vsva_sva *native_bind(struct native *native, struct vsva_mm *mm)
{
	struct vsva_sva *bond;

	assert_int_equal(vsva_sva_bind(native->dev, mm, 0, NULL, NULL, &bond), 0);
	return bond;
}

static uint8_t byte_at(uint64_t index, uint8_t seed)
{
	return (uint8_t)(seed + index * 7 + (index >> 12) * 13);
}

uva_t native_empty(struct vsva_mm *mm, uint64_t len)
{
	uva_t address;

	assert_int_equal(vsva_mm_map(mm, uva(0), len, VSVA_PROT_READ | VSVA_PROT_WRITE, &address),
			 0);
	return address;
}

uva_t native_buffer(struct vsva_mm *mm, uint64_t len, uint8_t seed)
{
	uva_t address = native_empty(mm, len);
	uint8_t *bytes = malloc(len);

	for (uint64_t i = 0; i < len; i++)
		bytes[i] = byte_at(i, seed);
	assert_int_equal(vsva_mm_write(mm, address, bytes, len), 0);
	free(bytes);
	return address;
}

bool native_holds(struct vsva_mm *mm, uva_t address, uint64_t len, uint8_t seed)
{
	uint8_t *bytes = malloc(len);
	bool same = true;

	assert_int_equal(vsva_mm_read(mm, address, bytes, len), 0);
	for (uint64_t i = 0; i < len && same; i++)
		same = bytes[i] == byte_at(i, seed);
	free(bytes);
	return same;
}

/* Work */

int native_submit(struct native *native, struct vsva_mm *mm, struct native_copy *copy)
{
	uint32_t flags =
		VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION | VSVA_DSA_BLOCK_ON_FAULT;
	uint64_t queue = copy->shared ? SHARED : DEDICATED;
	struct vsva_dsa_descriptor descriptor = {
		.pasid = copy->shared ? copy->pasid.v : 0,
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | flags,
		.source = copy->from.v,
		.destination = copy->to.v,
		.size = copy->len,
	};

	if (!copy->completion.v)
		copy->completion = native_empty(mm, NATIVE_PAGE);
	descriptor.completion = copy->completion.v;
	return vsva_device_portal_write(native->dsa, queue * PORTAL_SIZE + PORTAL_LIMITED,
					&descriptor, copy->shared);
}

struct completion_wait {
	struct vsva_mm *mm;
	uva_t address;
	uint8_t status;
};

static bool is_complete(void *arg)
{
	struct completion_wait *wait = arg;

	return vsva_mm_peek(wait->mm, wait->address, &wait->status) == 0 && wait->status;
}

int native_wait(struct native *native, struct vsva_mm *mm, struct native_copy *copy)
{
	struct completion_wait wait = {.mm = mm, .address = copy->completion};

	if (!vsva_machine_wait(native->machine, is_complete, &wait, WAIT_TIMEOUT_MS))
		return -ETIMEDOUT;
	assert_int_equal(vsva_mm_read(mm, copy->completion, &copy->record, sizeof(copy->record)),
			 0);
	return wait.status;
}

int native_run(struct native *native, struct vsva_mm *mm, struct native_copy *copy)
{
	assert_int_equal(native_submit(native, mm, copy), 0);
	return native_wait(native, mm, copy);
}
