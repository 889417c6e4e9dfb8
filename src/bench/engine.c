/* SPDX-License-Identifier: MIT */
#include "bench/engine.h"

#define TIMEOUT_MS 30000u

static void put(struct vsva_assigned *engine, uint64_t offset, unsigned size, uint64_t value)
{
	vsva_assigned_write(engine, 0, offset, size, value);
}

static uint64_t status(struct vsva_assigned *engine)
{
	uint64_t value = TEST_ENGINE_FAULT;

	vsva_assigned_read(engine, 0, TEST_ENGINE_STATUS, 4, &value);
	return value;
}

static bool is_over(void *arg)
{
	return status(arg) != TEST_ENGINE_BUSY;
}

bool bench_engine_run(struct vsva_assigned *engine, const struct bench_job *job)
{
	uint32_t how = job->page_requests ? TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS : 0;

	put(engine, TEST_ENGINE_SRC, 8, job->source.v);
	put(engine, TEST_ENGINE_DST, 8, job->destination.v);
	put(engine, TEST_ENGINE_FILL, 8, job->fill);
	put(engine, TEST_ENGINE_LEN, 4, job->len);
	put(engine, TEST_ENGINE_PASID, 4, job->pasid.v | TEST_ENGINE_PASID_VALID);
	put(engine, TEST_ENGINE_CMD, 4, (uint32_t)job->operation | how);
	return vsva_machine_wait(vsva_device_machine(vsva_assigned_device(engine)), is_over, engine,
				 TIMEOUT_MS) &&
	       status(engine) == TEST_ENGINE_DONE;
}
