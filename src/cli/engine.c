/* SPDX-License-Identifier: MIT */
#include "cli/engine.h"

#include <errno.h>

#define TIMEOUT_MS 30000u

enum {
	REG_SRC = 0x08,
	REG_DST = 0x10,
	REG_LEN = 0x18,
	REG_PASID = 0x1c,
	REG_CMD = 0x20,
	REG_STATUS = 0x24,
	REG_FAULT_ADDR = 0x28,
	REG_FILL = 0x30,
	REG_RESULT = 0x38,
	REG_BYTES = 0x40,
};

enum { CMD_USE_ATS = 1u << 8, CMD_PAGE_REQUESTS = 1u << 9 };
#define PASID_VALID      (UINT32_C(1) << 31)
#define PASID_PRIVILEGED (UINT32_C(1) << 30)

static uint64_t get(struct vsva_assigned *engine, uint64_t offset, unsigned size)
{
	uint64_t value = UINT64_MAX;

	vsva_assigned_read(engine, 0, offset, size, &value);
	return value;
}

static void put(struct vsva_assigned *engine, uint64_t offset, unsigned size, uint64_t value)
{
	vsva_assigned_write(engine, 0, offset, size, value);
}

static uint32_t pasid_word(const struct engine_command *command)
{
	if (!command->has_pasid)
		return 0;
	return (command->pasid.v & VSVA_PASID_MAX) | PASID_VALID |
	       (command->privileged ? PASID_PRIVILEGED : 0);
}

int engine_start(struct vsva_assigned *engine, const struct engine_command *command)
{
	if (vsva_device_kind(vsva_assigned_device(engine)) != VSVA_DEVICE_TEST_ENGINE)
		return -EINVAL;
	if (get(engine, REG_STATUS, 4) == ENGINE_BUSY)
		return -EBUSY;
	put(engine, REG_SRC, 8, command->source);
	put(engine, REG_DST, 8, command->destination);
	put(engine, REG_FILL, 8, command->fill);
	put(engine, REG_LEN, 4, command->len);
	put(engine, REG_PASID, 4, pasid_word(command));
	put(engine, REG_CMD, 4,
	    (uint32_t)command->operation | (command->use_ats ? CMD_USE_ATS : 0) |
		    (command->page_requests ? CMD_PAGE_REQUESTS : 0));
	return 0;
}

static bool is_over(void *arg)
{
	return get(arg, REG_STATUS, 4) != ENGINE_BUSY;
}

int engine_wait(struct vsva_assigned *engine, struct engine_result *out)
{
	struct vsva_machine *machine = vsva_device_machine(vsva_assigned_device(engine));

	if (!vsva_machine_wait(machine, is_over, engine, TIMEOUT_MS))
		return -ETIMEDOUT;
	*out = (struct engine_result){
		.status = (enum engine_status)get(engine, REG_STATUS, 4),
		.bytes = get(engine, REG_BYTES, 4),
		.result = get(engine, REG_RESULT, 8),
		.fault_address = get(engine, REG_FAULT_ADDR, 8),
	};
	return 0;
}
