// SPDX-License-Identifier: MIT
/*
 * The command register (DSA 9.2.13). A command is decoded and checked, does what it does at once,
 * and is finished when no job of its scope is left: a drain waits for them, an abort has ended
 * them. New jobs do not count, so a command ends even if clients go on submitting.
 */
#include "hw/device/dsa_device.h"

/* Scope */

/* Operand of queue commands: a mask of 16 queues, and which sixteen. */
static bool mask_has(uint32_t operand, unsigned queue)
{
	return queue / 16 == operand >> 16 && (operand >> queue % 16 & 1);
}

static bool is_in_scope(const struct dsa_command *command, const struct dsa_job *job)
{
	if (job->sequence >= command->before)
		return false;
	switch (command->code) {
	case DSA_COMMAND_DISABLE_WQ:
	case DSA_COMMAND_DRAIN_WQ:
	case DSA_COMMAND_ABORT_WQ:
	case DSA_COMMAND_RESET_WQ:
		return mask_has(command->operand, job->queue);
	case DSA_COMMAND_DRAIN_PASID:
	case DSA_COMMAND_ABORT_PASID:
		return job->context.pasid == command->operand;
	case DSA_COMMAND_DISABLE_DEVICE:
	case DSA_COMMAND_DRAIN_ALL:
	case DSA_COMMAND_ABORT_ALL:
	case DSA_COMMAND_RESET_DEVICE:
		return true;
	case DSA_COMMAND_ENABLE_DEVICE:
	case DSA_COMMAND_ENABLE_WQ:
		break;
	}
	return false;
}

static bool is_finished(const struct dsa *dsa)
{
	for (unsigned i = 0; i < DSA_MAX_ENTRIES; i++)
		if (dsa->state[i] != DSA_JOB_FREE && is_in_scope(&dsa->command, &dsa->jobs[i]))
			return false;
	return true;
}

static void abort_scope(struct dsa *dsa)
{
	for (unsigned i = 0; i < DSA_MAX_ENTRIES; i++)
		if (dsa->state[i] != DSA_JOB_FREE && is_in_scope(&dsa->command, &dsa->jobs[i]))
			dsa_job_abort(dsa, i);
}

/* Enabling the device */

static uint64_t group_queues(const struct dsa *dsa, unsigned group)
{
	/* of 256 bits; there are no more than 16 queues */
	return dsa_reg(dsa, DSA_GRPCFG + group * DSA_GRPCFG_STRIDE);
}

static uint64_t group_engines(const struct dsa *dsa, unsigned group)
{
	return dsa_reg(dsa, DSA_GRPCFG + group * DSA_GRPCFG_STRIDE + DSA_GRPCFG_ENGINES);
}

static unsigned check_groups(const struct dsa *dsa)
{
	uint64_t queues = 0, engines = 0;

	for (unsigned group = 0; group < DSA_GROUPS; group++) {
		uint64_t q = group_queues(dsa, group), e = group_engines(dsa, group);

		if (q & queues)
			return DSA_CMDSTS_GROUP_QUEUE_TWICE;
		if (e & engines)
			return DSA_CMDSTS_GROUP_ENGINE_TWICE;
		if (q && !e)
			return DSA_CMDSTS_GROUP_WITHOUT_ENGINE;
		if (q >> dsa->queue_count || e >> dsa->engine_count)
			return DSA_CMDSTS_GROUP_UNKNOWN_MEMBER;
		queues |= q;
		engines |= e;
	}
	return DSA_CMDSTS_OK;
}

static unsigned sizes_configured(const struct dsa *dsa)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < dsa->queue_count; i++)
		sum += (unsigned)dsa_WQCFG0_SIZE(dsa_wqcfg(dsa, i, 0));
	return sum;
}

static uint8_t group_of(const struct dsa *dsa, uint64_t (*members)(const struct dsa *, unsigned),
			unsigned member)
{
	for (unsigned group = 0; group < DSA_GROUPS; group++)
		if (members(dsa, group) >> member & 1)
			return (uint8_t)group;
	return DSA_NONE;
}

static unsigned enable_device(struct dsa *dsa)
{
	unsigned error;

	if (dsa_device_state(dsa) != DSA_DEVICE_DISABLED)
		return DSA_CMDSTS_ALREADY_ENABLED;
	if (!pci_config_bus_master(&dsa->config))
		return DSA_CMDSTS_BUS_MASTER;
	if (sizes_configured(dsa) > DSA_MAX_ENTRIES)
		return DSA_CMDSTS_QUEUE_SIZES;
	error = check_groups(dsa);
	if (error)
		return error;
	for (unsigned i = 0; i < dsa->queue_count; i++)
		dsa->wq[i].group = group_of(dsa, group_queues, i);
	for (unsigned i = 0; i < dsa->engine_count; i++)
		dsa->engines[i].group = group_of(dsa, group_engines, i);
	dsa_set_device_state(dsa, DSA_DEVICE_ENABLED);
	return DSA_CMDSTS_OK;
}

/* Checks */

static unsigned check_queue_mask(const struct dsa *dsa, uint32_t operand)
{
	uint64_t mask = operand & 0xffff;

	if (dsa_device_state(dsa) != DSA_DEVICE_ENABLED)
		return DSA_CMDSTS_QUEUE_NOT_ENABLED;
	if (operand >> 16 || mask >> dsa->queue_count)
		return DSA_CMDSTS_INVALID_QUEUE;
	return DSA_CMDSTS_OK;
}

static unsigned check_disable_queues(const struct dsa *dsa, uint32_t operand)
{
	unsigned error = check_queue_mask(dsa, operand);

	for (unsigned i = 0; i < dsa->queue_count && !error; i++)
		if (mask_has(operand, i) && dsa->wq[i].state == DSA_WQ_DISABLED)
			error = DSA_CMDSTS_QUEUE_NOT_ENABLED;
	return error;
}

static unsigned check_command(const struct dsa *dsa, unsigned code, uint32_t operand)
{
	bool enabled = dsa_device_state(dsa) == DSA_DEVICE_ENABLED;

	switch (code) {
	case DSA_COMMAND_ENABLE_DEVICE:
	case DSA_COMMAND_RESET_DEVICE:
		return DSA_CMDSTS_OK;
	case DSA_COMMAND_DISABLE_DEVICE:
		return enabled ? DSA_CMDSTS_OK : DSA_CMDSTS_DISABLE_NOT_ENABLED;
	case DSA_COMMAND_DRAIN_ALL:
	case DSA_COMMAND_ABORT_ALL:
	case DSA_COMMAND_DRAIN_PASID:
	case DSA_COMMAND_ABORT_PASID:
		return enabled ? DSA_CMDSTS_OK : DSA_CMDSTS_DEVICE_NOT_ENABLED;
	case DSA_COMMAND_ENABLE_WQ:
		return operand < dsa->queue_count ? DSA_CMDSTS_OK : DSA_CMDSTS_INVALID_QUEUE;
	case DSA_COMMAND_DISABLE_WQ:
		return check_disable_queues(dsa, operand);
	case DSA_COMMAND_DRAIN_WQ:
	case DSA_COMMAND_ABORT_WQ:
	case DSA_COMMAND_RESET_WQ:
		return check_queue_mask(dsa, operand);
	default:
		return DSA_CMDSTS_INVALID_COMMAND;
	}
}

/* Execution */

static void for_masked(struct dsa *dsa, void (*act)(struct dsa *dsa, unsigned queue))
{
	for (unsigned i = 0; i < dsa->queue_count; i++)
		if (mask_has(dsa->command.operand, i))
			act(dsa, i);
}

/* Takes nothing new, but is not yet disabled. */
static void queue_close(struct dsa *dsa, unsigned queue)
{
	if (dsa->wq[queue].state == DSA_WQ_ENABLED)
		dsa->wq[queue].state = DSA_WQ_BUSY;
}

/* What is done at once. */
static unsigned begin(struct dsa *dsa)
{
	const struct dsa_command *command = &dsa->command;

	switch (command->code) {
	case DSA_COMMAND_ENABLE_DEVICE:
		return enable_device(dsa);
	case DSA_COMMAND_ENABLE_WQ:
		return dsa_wq_enable(dsa, command->operand);
	case DSA_COMMAND_DISABLE_DEVICE:
		dsa_set_device_state(dsa, DSA_DEVICE_DRAIN);
		break;
	case DSA_COMMAND_DISABLE_WQ:
		for_masked(dsa, queue_close);
		break;
	case DSA_COMMAND_RESET_WQ:
		for_masked(dsa, queue_close);
		abort_scope(dsa);
		break;
	case DSA_COMMAND_RESET_DEVICE:
		if (dsa_device_state(dsa) == DSA_DEVICE_ENABLED)
			dsa_set_device_state(dsa, DSA_DEVICE_DRAIN);
		abort_scope(dsa);
		break;
	case DSA_COMMAND_ABORT_ALL:
	case DSA_COMMAND_ABORT_WQ:
	case DSA_COMMAND_ABORT_PASID:
		abort_scope(dsa);
		break;
	case DSA_COMMAND_DRAIN_ALL:
	case DSA_COMMAND_DRAIN_WQ:
	case DSA_COMMAND_DRAIN_PASID:
		break;
	}
	return DSA_CMDSTS_OK;
}

/* The PASID that the command is about, if it is one: its operand, or that of its only queue. */
static uint32_t pasid_of(const struct dsa *dsa)
{
	uint32_t operand = dsa->command.operand;
	uint64_t config;

	switch (dsa->command.code) {
	case DSA_COMMAND_DRAIN_PASID:
	case DSA_COMMAND_ABORT_PASID:
		return operand;
	case DSA_COMMAND_DISABLE_WQ:
	case DSA_COMMAND_DRAIN_WQ:
	case DSA_COMMAND_ABORT_WQ:
	case DSA_COMMAND_RESET_WQ:
		break;
	default:
		return VSVA_PASID_INVALID;
	}
	for (unsigned i = 0; i < dsa->queue_count; i++) {
		config = dsa_wqcfg(dsa, i, 1);
		if (operand == 1u << i && dsa->wq[i].dedicated && dsa_WQCFG1_PASID_ENABLE(config))
			return (uint32_t)dsa_WQCFG1_PASID(config);
	}
	return VSVA_PASID_INVALID;
}

static void tell_stop(const struct dsa *dsa)
{
	unsigned code = dsa->command.code;

	if (code == DSA_COMMAND_ENABLE_DEVICE || code == DSA_COMMAND_ENABLE_WQ)
		return;
	TRACE(dsa->trace, DEVICE, STOP, .rid = dsa->endpoint.rid, .hpasid = hpasid(pasid_of(dsa)),
	      .value = code);
}

/* What is done when the scope is empty. */
static void end(struct dsa *dsa)
{
	switch (dsa->command.code) {
	case DSA_COMMAND_DISABLE_DEVICE:
		for (unsigned i = 0; i < dsa->queue_count; i++)
			dsa_wq_disable(dsa, i);
		dsa_set_device_state(dsa, DSA_DEVICE_DISABLED);
		break;
	case DSA_COMMAND_DISABLE_WQ:
		for_masked(dsa, dsa_wq_disable);
		break;
	case DSA_COMMAND_RESET_WQ:
		for_masked(dsa, dsa_wq_reset);
		break;
	case DSA_COMMAND_RESET_DEVICE:
		dsa_registers_reset(dsa);
		break;
	default:
		break;
	}
}

static void finish(struct dsa *dsa, unsigned error)
{
	dsa->command.active = false;
	dsa_set_reg(dsa, DSA_REG_CMDSTS, dsa_CMDSTS_with_ERROR(0, error));
	if (!dsa->command.interrupt)
		return;
	dsa->regs[DSA_REG_INTCAUSE / 4] |= (uint32_t)dsa_INTCAUSE_with_COMMAND(0, 1);
	dsa->raised |= 1;
}

void dsa_command_poll(struct dsa *dsa)
{
	if (!dsa->command.active || !is_finished(dsa))
		return;
	end(dsa);
	finish(dsa, DSA_CMDSTS_OK);
}

/* While a command is active another one is undefined. A reset or an abort is taken all the same: it
 * is what somebody does who has waited for a drain in vain, and it ends what the drain waits for.
 */
static bool may_replace(unsigned code)
{
	return code == DSA_COMMAND_RESET_DEVICE || code == DSA_COMMAND_ABORT_ALL ||
	       code == DSA_COMMAND_ABORT_WQ || code == DSA_COMMAND_ABORT_PASID;
}

static bool is_drain(enum dsa_command_code code)
{
	return code == DSA_COMMAND_DRAIN_ALL || code == DSA_COMMAND_DRAIN_WQ ||
	       code == DSA_COMMAND_DRAIN_PASID;
}

void dsa_command_write(struct dsa *dsa, uint32_t value)
{
	unsigned code = (unsigned)dsa_CMD_CODE(value), error;
	bool replaces = code == DSA_COMMAND_RESET_DEVICE ||
			(may_replace(code) && is_drain(dsa->command.code));

	if (dsa->command.active && !replaces)
		return;
	dsa->regs[DSA_REG_CMD / 4] = value;
	dsa->command = (struct dsa_command){
		.operand = (uint32_t)dsa_CMD_OPERAND(value),
		.interrupt = dsa_CMD_INTERRUPT(value),
		.before = dsa->sequence,
	};
	error = check_command(dsa, code, dsa->command.operand);
	if (!error) {
		dsa->command.code = (enum dsa_command_code)code;
		tell_stop(dsa);
		error = begin(dsa);
	}
	if (error) {
		finish(dsa, error);
		return;
	}
	dsa->command.active = true;
	dsa_set_reg(dsa, DSA_REG_CMDSTS, dsa_CMDSTS_with_ACTIVE(0, 1));
	dsa_command_poll(dsa);
}
