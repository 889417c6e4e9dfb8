/* SPDX-License-Identifier: MIT */
#include "vmm/mediation.h"

#include <errno.h>

#include "base/log.h"
#include "vmm/vm.h"
#include "vtd/dsa_regs.h"

/* The test engine's registers. */
enum { ENGINE_PASID = 0x1c, ENGINE_CMD = 0x20, ENGINE_STATUS = 0x24 };
#define ENGINE_BUSY        1u
#define ENGINE_PASID_VALID UINT32_C(0x80000000)

#define PASID_MASK UINT32_C(0xfffff)

static uint64_t device_read(struct vsva_assigned *assigned, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	vsva_device_read(assigned->device, 0, offset, size, &value);
	return value;
}

void mediation_init(struct vsva_assigned *assigned)
{
	struct mediation *m = &assigned->mediation;
	uint64_t wqcap;

	*m = (struct mediation){0};
	if (vsva_device_kind(assigned->device) != VSVA_DEVICE_DSA)
		return;
	wqcap = device_read(assigned, DSA_REG_WQCAP, 8);
	m->queue_offset = (uint32_t)dsa_OFFSETS_QUEUE(device_read(assigned, DSA_REG_OFFSETS, 8)) *
			  DSA_TABLE_UNIT;
	m->queue_size = (uint32_t)DSA_WQCFG_BYTES_MIN << dsa_WQCAP_CONFIG_LG2(wqcap);
	m->queue_count = (uint32_t)dsa_WQCAP_QUEUES(wqcap);
	if (m->queue_count > MEDIATION_QUEUES)
		m->queue_count = MEDIATION_QUEUES;
	m->permission_offset =
		(uint32_t)dsa_OFFSETS_MSIXPERM(device_read(assigned, DSA_REG_OFFSETS, 8)) *
		DSA_TABLE_UNIT;
	m->vector_count = vsva_device_vectors(assigned->device);
	if (m->vector_count > MEDIATION_VECTORS)
		m->vector_count = MEDIATION_VECTORS;
}

/* Work queues */

static void queue_forget(struct vsva_assigned *assigned, unsigned queue)
{
	struct pasid_mention **mention = &assigned->mediation.queues[queue];

	if (*mention)
		pasid_map_put(assigned->vm, *mention, MENTION_QUEUE);
	*mention = NULL;
}

void mediation_release(struct vsva_assigned *assigned)
{
	struct mediation *m = &assigned->mediation;

	for (unsigned i = 0; i < MEDIATION_QUEUES; i++)
		queue_forget(assigned, i);
	if (m->engine)
		pasid_map_put(assigned->vm, m->engine, MENTION_QUEUE);
	m->engine = NULL;
	mediation_permission_release(assigned);
	m->engine_pasid = 0;
	m->stopping = 0;
	m->command = 0;
}

static uint64_t pasid_word_of(const struct mediation *m, unsigned queue)
{
	return m->queue_offset + (uint64_t)queue * m->queue_size + DSA_WQCFG_MODE_OFFSET;
}

static void queue_write_pasid(struct vsva_assigned *assigned, unsigned queue, uint32_t pasid)
{
	uint64_t offset = pasid_word_of(&assigned->mediation, queue);
	uint32_t word = (uint32_t)device_read(assigned, offset, 4);

	word = (uint32_t)dsa_WQCFG1_with_PASID(word, pasid);
	vsva_device_write(assigned->device, 0, offset, 4, word);
}

static int send_command(struct vsva_assigned *assigned, unsigned size, uint64_t value)
{
	return vsva_device_write(assigned->device, 0, DSA_REG_CMD, size, value);
}

static bool is_command_active(struct vsva_assigned *assigned)
{
	return dsa_CMDSTS_ACTIVE(device_read(assigned, DSA_REG_CMDSTS, 4));
}

static bool command_failed(struct vsva_assigned *assigned)
{
	uint64_t status = device_read(assigned, DSA_REG_CMDSTS, 4);

	return !dsa_CMDSTS_ACTIVE(status) && dsa_CMDSTS_ERROR(status);
}

/* Enable: the physical queue gets the host PASID first, and the guest's back if it cannot be
 * enabled. */
static int enable_queue(struct vsva_assigned *assigned, unsigned size, uint64_t value)
{
	struct mediation *m = &assigned->mediation;
	unsigned queue = (unsigned)dsa_CMD_OPERAND(value);
	struct pasid_mention *mention;
	uint32_t word, guest;
	int err;

	if (queue >= m->queue_count || m->queues[queue])
		return send_command(assigned, size, value);
	word = (uint32_t)device_read(assigned, pasid_word_of(m, queue), 4);
	/* A shared queue takes the PASID from each command. */
	if (!dsa_WQCFG1_PASID_ENABLE(word) || !dsa_WQCFG1_DEDICATED(word))
		return send_command(assigned, size, value);
	guest = (uint32_t)dsa_WQCFG1_PASID(word);
	err = pasid_map_get(assigned->vm, gpasid(guest), MENTION_QUEUE, &mention);
	if (err) {
		/* No host PASID: PASID 0 is no PASID that anything is bound to, so its DMA faults.
		 * */
		LOG_LIMITED(LOG_WARN, VSVA_CODE_BIND_REFUSED,
			    "%s: work queue %u has no host PASID for guest PASID %u: error %d",
			    assigned->vm->name, queue, guest, err);
		queue_write_pasid(assigned, queue, 0);
		return send_command(assigned, size, value);
	}
	m->queues[queue] = mention;
	queue_write_pasid(assigned, queue, mention->host.v);
	err = send_command(assigned, size, value);
	if (err || command_failed(assigned)) {
		queue_write_pasid(assigned, queue, guest);
		queue_forget(assigned, queue);
	}
	return err;
}

/* What the guest had configured stands in the register again, unless a reset has taken it. */
static void queue_stopped(struct vsva_assigned *assigned, unsigned queue)
{
	struct mediation *m = &assigned->mediation;

	if (!m->queues[queue])
		return;
	if (!m->stop_resets)
		queue_write_pasid(assigned, queue, m->queues[queue]->guest.v);
	queue_forget(assigned, queue);
}

/* A queue's work runs under its host PASID until the command that disables it is complete. */
static void finish_stopping(struct vsva_assigned *assigned)
{
	struct mediation *m = &assigned->mediation;

	if (!m->stopping || is_command_active(assigned))
		return;
	for (unsigned queue = 0; queue < m->queue_count && !command_failed(assigned); queue++)
		if (m->stopping >> queue & 1)
			queue_stopped(assigned, queue);
	if (m->stopping == UINT64_MAX && m->stop_resets)
		mediation_permission_release(assigned);
	m->stopping = 0;
}

/* Operand of disable, drain, abort and reset: 15:0 a mask of queues, 19:16 which 16 of them. */
static uint64_t queues_of(uint64_t operand)
{
	unsigned first = (unsigned)(operand >> 16 & 0xf) * 16;

	return first < MEDIATION_QUEUES ? (operand & 0xffff) << first : 0;
}

static int stop_queues(struct vsva_assigned *assigned, unsigned size, uint64_t value,
		       uint64_t queues, bool resets)
{
	int err = send_command(assigned, size, value);

	if (err)
		return err;
	assigned->mediation.stopping = queues;
	assigned->mediation.stop_resets = resets;
	finish_stopping(assigned);
	return 0;
}

static int command_on_pasid(struct vsva_assigned *assigned, unsigned size, uint64_t value)
{
	hpasid_t host = {0};

	/* A PASID that is not known has nothing to drain; 0 is nobody's. */
	pasid_map_lookup(assigned->vm, gpasid((uint32_t)dsa_CMD_OPERAND(value)), &host);
	return send_command(assigned, size, dsa_CMD_with_OPERAND(value, host.v));
}

/* While a command is active the device takes none that starts or stops a queue, but a reset of all.
 * */
static bool is_ignored(struct vsva_assigned *assigned, unsigned code)
{
	return code <= DSA_COMMAND_RESET_WQ && code != DSA_COMMAND_RESET_DEVICE &&
	       is_command_active(assigned);
}

static int dsa_command(struct vsva_assigned *assigned, unsigned size, uint64_t value)
{
	unsigned code = (unsigned)dsa_CMD_CODE(value);

	if (is_ignored(assigned, code))
		return send_command(assigned, size, value);
	assigned->mediation.command = (uint32_t)value;
	switch (code) {
	case DSA_COMMAND_ENABLE_WQ:
		return enable_queue(assigned, size, value);
	case DSA_COMMAND_DISABLE_WQ:
	case DSA_COMMAND_RESET_WQ:
		return stop_queues(assigned, size, value, queues_of(value),
				   code == DSA_COMMAND_RESET_WQ);
	case DSA_COMMAND_DISABLE_DEVICE:
	case DSA_COMMAND_RESET_DEVICE:
		return stop_queues(assigned, size, value, UINT64_MAX,
				   code == DSA_COMMAND_RESET_DEVICE);
	case DSA_COMMAND_DRAIN_PASID:
	case DSA_COMMAND_ABORT_PASID:
		return command_on_pasid(assigned, size, value);
	default:
		return send_command(assigned, size, value);
	}
}

/* Which queue's PASID word an access touches, or -1. */
static int queue_of_access(const struct mediation *m, uint64_t offset, unsigned size)
{
	uint64_t in, queue;

	if (!m->queue_offset || offset < m->queue_offset)
		return -1;
	queue = (offset - m->queue_offset) / m->queue_size;
	in = (offset - m->queue_offset) % m->queue_size;
	if (queue >= m->queue_count || in > DSA_WQCFG_MODE_OFFSET ||
	    in + size <= DSA_WQCFG_MODE_OFFSET)
		return -1;
	return (int)queue;
}

static bool covers(uint64_t offset, unsigned size, uint64_t word)
{
	return offset < word + 4 && word < offset + size;
}

static uint64_t guest_view_of_queue(struct vsva_assigned *assigned, int queue, uint64_t value)
{
	const struct pasid_mention *mention = assigned->mediation.queues[queue];

	return mention ? dsa_WQCFG1_with_PASID(value, mention->guest.v) : value;
}

/* SWERR.PASID is in the upper half of its first qword. */
static uint64_t guest_view_of_error(struct vsva_assigned *assigned, uint64_t offset, unsigned size,
				    uint64_t value)
{
	unsigned shift = size == 8 ? 0 : 32;
	uint64_t head = value << shift;
	gpasid_t guest;

	if (size == 4 && offset == DSA_REG_SWERR)
		return value;
	/* Not the VM's any more: the host's number is nothing for the guest. */
	if (vsva_ioasid_gpasid_of(assigned->vm->set, hpasid((uint32_t)dsa_SWERR_PASID(head)),
				  &guest))
		guest = gpasid(0);
	return dsa_SWERR_with_PASID(head, guest.v) >> shift;
}

/* Narrow accesses to a word with a PASID would show parts of the host's number. */
static bool is_narrow(unsigned size)
{
	return size < 4;
}

static int dsa_read(struct vsva_assigned *assigned, uint64_t offset, unsigned size, uint64_t *value)
{
	bool is_permission = mediation_is_permission(&assigned->mediation, offset);
	int queue = queue_of_access(&assigned->mediation, offset, size);
	int err;

	if ((queue >= 0 || is_permission || covers(offset, size, DSA_REG_SWERR + 4)) &&
	    is_narrow(size))
		return -EINVAL;
	finish_stopping(assigned);
	err = vsva_device_read(assigned->device, 0, offset, size, value);
	if (err)
		return err;
	if (queue >= 0)
		*value = guest_view_of_queue(assigned, queue, *value);
	else if (covers(offset, size, DSA_REG_SWERR + 4))
		*value = guest_view_of_error(assigned, offset, size, *value);
	else if (is_permission)
		*value = mediation_permission_view(&assigned->mediation, offset, *value);
	else if (offset == DSA_REG_CMD && !is_narrow(size))
		*value = (*value & ~UINT64_C(0xffffffff)) | assigned->mediation.command;
	return 0;
}

static int dsa_write(struct vsva_assigned *assigned, uint64_t offset, unsigned size, uint64_t value)
{
	int queue = queue_of_access(&assigned->mediation, offset, size);

	finish_stopping(assigned);
	if (covers(offset, size, DSA_REG_CMD) && !is_narrow(size))
		return dsa_command(assigned, size, value);
	if (mediation_is_permission(&assigned->mediation, offset) && !is_narrow(size))
		return mediation_permission_write(assigned, offset, size, value);
	/* The configuration of an enabled queue cannot change, least of all its PASID. */
	if (queue >= 0 && assigned->mediation.queues[queue])
		return 0;
	return vsva_device_write(assigned->device, 0, offset, size, value);
}

/* Test engine */

static int engine_command(struct vsva_assigned *assigned, uint32_t value)
{
	struct mediation *m = &assigned->mediation;
	struct pasid_mention *old = m->engine;
	uint32_t word = m->engine_pasid;
	int err;

	if (device_read(assigned, ENGINE_STATUS, 4) == ENGINE_BUSY)
		return 0; /* the device ignores it, and its work goes on under the old PASID */
	m->engine = NULL;
	if (word & ENGINE_PASID_VALID) {
		pasid_map_get(assigned->vm, gpasid(word & PASID_MASK), MENTION_QUEUE, &m->engine);
		word = (word & ~PASID_MASK) | (m->engine ? m->engine->host.v : 0);
	}
	if (old)
		pasid_map_put(assigned->vm, old, MENTION_QUEUE);
	err = vsva_device_write(assigned->device, 0, ENGINE_PASID, 4, word);
	return err ? err : vsva_device_write(assigned->device, 0, ENGINE_CMD, 4, value);
}

static int engine_write(struct vsva_assigned *assigned, uint64_t offset, unsigned size,
			uint64_t value)
{
	if (size == 8 && (covers(offset, 8, ENGINE_PASID) || covers(offset, 8, ENGINE_CMD))) {
		int err = engine_write(assigned, offset, 4, (uint32_t)value);

		return err ? err : engine_write(assigned, offset + 4, 4, value >> 32);
	}
	if (offset == ENGINE_PASID && size == 4) {
		assigned->mediation.engine_pasid = (uint32_t)value;
		return 0;
	}
	if (covers(offset, size, ENGINE_PASID))
		return -EINVAL;
	if (offset == ENGINE_CMD && size == 4)
		return engine_command(assigned, (uint32_t)value);
	return vsva_device_write(assigned->device, 0, offset, size, value);
}

static int engine_read(struct vsva_assigned *assigned, uint64_t offset, unsigned size,
		       uint64_t *value)
{
	int err = vsva_device_read(assigned->device, 0, offset, size, value);

	if (err || !covers(offset, size, ENGINE_PASID))
		return err;
	if (is_narrow(size))
		return -EINVAL;
	if (size == 4)
		*value = assigned->mediation.engine_pasid;
	else
		*value = (uint32_t)*value | (uint64_t)assigned->mediation.engine_pasid << 32;
	return 0;
}

/* Either */

int mediation_read(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		   uint64_t *value)
{
	if (bar != 0)
		return vsva_device_read(assigned->device, bar, offset, size, value);
	if (vsva_device_kind(assigned->device) == VSVA_DEVICE_DSA)
		return dsa_read(assigned, offset, size, value);
	return engine_read(assigned, offset, size, value);
}

int mediation_write(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		    uint64_t value)
{
	if (bar != 0)
		return vsva_device_write(assigned->device, bar, offset, size, value);
	if (vsva_device_kind(assigned->device) == VSVA_DEVICE_DSA)
		return dsa_write(assigned, offset, size, value);
	return engine_write(assigned, offset, size, value);
}
