/* SPDX-License-Identifier: MIT */
/* A command of a guest's test engine: one DMA. */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include "hw/device/test_engine.h"
#include "vsva/vm.h"

struct bench_job {
	enum test_engine_operation operation;
	gva_t source, destination;
	uint64_t fill;
	uint32_t len;
	gpasid_t pasid;
	bool page_requests; /* and so by ATS */
};

/* Runs the machine until it is over. true: all of it was done. */
bool bench_engine_run(struct vsva_assigned *engine, const struct bench_job *job);

#endif
