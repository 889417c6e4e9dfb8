/* SPDX-License-Identifier: MIT */
/* A command of the test engine: one DMA, through the registers that the guest sees. */
#ifndef CLI_ENGINE_H
#define CLI_ENGINE_H

#include "cli/world/world.h"

enum engine_operation {
	ENGINE_COPY = 1,
	ENGINE_FILL = 2,
	ENGINE_READ = 3, /* sum of the bytes */
	ENGINE_ADD = 4,  /* atomically to 8 bytes at destination */
};

struct engine_command {
	enum engine_operation operation;
	uint64_t source, destination, fill;
	uint32_t len;
	bool has_pasid, privileged;
	gpasid_t pasid;
	bool use_ats, page_requests;
};

enum engine_status { ENGINE_IDLE, ENGINE_BUSY, ENGINE_DONE, ENGINE_FAULT, ENGINE_BAD_COMMAND };

struct engine_result {
	enum engine_status status;
	uint64_t bytes, result, fault_address;
};

/* 0; -EINVAL no test engine; -EBUSY a command is under way. */
int engine_start(struct vsva_assigned *engine, const struct engine_command *command);
/* Runs the machine until the command is over. 0; -ETIMEDOUT. */
int engine_wait(struct vsva_assigned *engine, struct engine_result *out);

#endif
