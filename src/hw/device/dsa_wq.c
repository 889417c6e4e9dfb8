// SPDX-License-Identifier: MIT
/* Work queues: their configuration, and the portals through which descriptors come in. */
#include "hw/device/dsa_device.h"

#include <errno.h>
#include <string.h>

#include "base/trace_often.h"

/* Configuration (DSA 9.2.25) */

void dsa_wq_reset(struct dsa *dsa, unsigned queue)
{
	dsa_wq_disable(dsa, queue);
	for (unsigned i = 0; i < DSA_WQCFG_STRIDE / 8; i++)
		dsa_set_reg(dsa, DSA_WQCFG + queue * DSA_WQCFG_STRIDE + 8 * i, 0);
}

void dsa_wq_disable(struct dsa *dsa, unsigned queue)
{
	struct dsa_wq *wq = &dsa->wq[queue];

	wq->state = DSA_WQ_DISABLED;
	/* What one client began to write is not for the next one to finish. */
	memset(wq->assembly, 0, sizeof(wq->assembly));
}

uint32_t dsa_wq_config_read(const struct dsa *dsa, uint32_t offset)
{
	unsigned queue = (offset - DSA_WQCFG) / DSA_WQCFG_STRIDE;
	const struct dsa_wq *wq = &dsa->wq[queue];
	uint64_t live = 0;

	if (offset % DSA_WQCFG_STRIDE / 4 != DSA_WQCFG_STATE_WORD)
		return dsa->regs[offset / 4];
	live = dsa_WQCFG3_with_OCCUPANCY(live, wq->count);
	live = dsa_WQCFG3_with_BOTH_MODES(live, 1);
	return (uint32_t)dsa_WQCFG3_with_STATE(live, wq->state);
}

/* A queue that is not disabled keeps what it was enabled with. */
void dsa_wq_config_write(struct dsa *dsa, uint32_t offset, uint32_t value)
{
	unsigned queue = (offset - DSA_WQCFG) / DSA_WQCFG_STRIDE;

	if (dsa->wq[queue].state == DSA_WQ_DISABLED &&
	    offset % DSA_WQCFG_STRIDE / 4 != DSA_WQCFG_STATE_WORD)
		dsa->regs[offset / 4] = value;
}

static unsigned sizes_enabled(const struct dsa *dsa)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < dsa->queue_count; i++)
		if (dsa->wq[i].state != DSA_WQ_DISABLED)
			sum += dsa->wq[i].size;
	return sum;
}

static unsigned check_mode(const struct dsa *dsa, uint64_t size, uint64_t config)
{
	bool pasids = pci_config_pasid_enabled(dsa->endpoint.pf_config);
	uint64_t threshold = dsa_WQCFG0_THRESHOLD(size);

	if (dsa_WQCFG1_PASID_ENABLE(config) && !pasids)
		return DSA_CMDSTS_QUEUE_PASID;
	if (dsa_WQCFG1_DEDICATED(config))
		return DSA_CMDSTS_OK;
	/* the clients of a shared queue are told apart by nothing else */
	if (!dsa_WQCFG1_PASID_ENABLE(config))
		return DSA_CMDSTS_QUEUE_PASID;
	return threshold < 1 || threshold > dsa_WQCFG0_SIZE(size) ? DSA_CMDSTS_QUEUE_SIZE
								  : DSA_CMDSTS_OK;
}

static unsigned check_limits(const struct dsa *dsa, uint64_t config)
{
	uint64_t gencap = dsa_reg(dsa, DSA_REG_GENCAP);

	if (dsa_WQCFG1_MAX_BATCH_LG2(config) > dsa_GENCAP_MAX_BATCH_LG2(gencap))
		return DSA_CMDSTS_QUEUE_MAX_BATCH;
	if (dsa_WQCFG1_MAX_TRANSFER_LG2(config) > dsa_GENCAP_MAX_TRANSFER_LG2(gencap))
		return DSA_CMDSTS_QUEUE_MAX_TRANSFER;
	return DSA_CMDSTS_OK;
}

static unsigned check_enable(const struct dsa *dsa, unsigned queue)
{
	uint64_t size = dsa_wqcfg(dsa, queue, 0), config = dsa_wqcfg(dsa, queue, 1);
	unsigned error;

	if (dsa_device_state(dsa) != DSA_DEVICE_ENABLED)
		return DSA_CMDSTS_DEVICE_NOT_ENABLED;
	if (dsa->wq[queue].state != DSA_WQ_DISABLED)
		return DSA_CMDSTS_QUEUE_ENABLED;
	if (dsa->wq[queue].group == DSA_NONE)
		return DSA_CMDSTS_CONFIG;
	if (!dsa_WQCFG0_SIZE(size) || dsa_WQCFG0_SIZE(size) + sizes_enabled(dsa) > DSA_MAX_ENTRIES)
		return DSA_CMDSTS_QUEUE_SIZE;
	if (!dsa_WQCFG1_PRIORITY(config))
		return DSA_CMDSTS_QUEUE_PRIORITY;
	error = check_mode(dsa, size, config);
	return error ? error : check_limits(dsa, config);
}

unsigned dsa_wq_enable(struct dsa *dsa, unsigned queue)
{
	struct dsa_wq *wq = &dsa->wq[queue];
	unsigned error = check_enable(dsa, queue);

	if (error)
		return error;
	wq->state = DSA_WQ_ENABLED;
	wq->dedicated = dsa_WQCFG1_DEDICATED(dsa_wqcfg(dsa, queue, 1));
	wq->size = (uint16_t)dsa_WQCFG0_SIZE(dsa_wqcfg(dsa, queue, 0));
	wq->threshold = (uint16_t)dsa_WQCFG0_THRESHOLD(dsa_wqcfg(dsa, queue, 0));
	return DSA_CMDSTS_OK;
}

/* Submission */

static struct dma_context context_of(const struct dsa *dsa, unsigned queue,
				     const struct dsa_descriptor *d)
{
	uint64_t config = dsa_wqcfg(dsa, queue, 1);
	struct dma_context context = {
		.pasid = VSVA_PASID_INVALID,
		.use_ats = !dsa_WQCFG1_ATS_DISABLE(config),
	};

	if (!dsa->wq[queue].dedicated) {
		context.pasid = (uint32_t)dsa_descriptor_PASID(d);
		context.privileged = dsa_descriptor_PRIVILEGED(d);
	} else if (dsa_WQCFG1_PASID_ENABLE(config)) {
		context.pasid = (uint32_t)dsa_WQCFG1_PASID(config);
		context.privileged = dsa_WQCFG1_PRIVILEGED(config);
	}
	return context;
}

/* DSA 3.4: through the limited portal a shared queue takes only so many. */
static bool has_room(const struct dsa_wq *wq, bool limited)
{
	return wq->count < (limited && !wq->dedicated ? wq->threshold : wq->size);
}

static void accept_descriptor(struct dsa *dsa, unsigned queue, unsigned slot,
			      const struct dsa_descriptor *d)
{
	uint64_t config = dsa_wqcfg(dsa, queue, 1);
	struct dsa_job *job = &dsa->jobs[slot];

	*job = (struct dsa_job){
		.queue = (uint8_t)queue,
		.sequence = dsa->sequence++,
		.context = context_of(dsa, queue, d),
		.may_block = dsa_WQCFG1_BLOCK_ON_FAULT(config),
		.may_ask = !dsa_WQCFG1_PRS_DISABLE(config),
		.max_transfer_lg2 = (uint8_t)dsa_WQCFG1_MAX_TRANSFER_LG2(config),
		.max_batch_lg2 = (uint8_t)dsa_WQCFG1_MAX_BATCH_LG2(config),
	};
	dsa_task_init(&job->task, d);
	dsa->wq[queue].count++;
	if (dsa_descriptor_OPCODE(d) == DSA_OP_DRAIN && dsa_job_has_earlier(dsa, slot))
		dsa_job_set_state(dsa, slot, DSA_JOB_WAIT_DRAIN);
	else
		dsa_job_ready(dsa, slot);
	trace_hop(dsa->trace, VSVA_EV_SUBMIT, dsa->endpoint.rid, hpasid(job->context.pasid),
		  dsa_descriptor_OPCODE(d), 0);
}

static void refuse(struct dsa *dsa, unsigned queue, const struct dsa_descriptor *d,
		   enum dsa_portal_error code)
{
	struct dsa_error error = {
		.code = (uint8_t)code,
		.opcode = (uint8_t)dsa_descriptor_OPCODE(d),
	};

	dsa_report(dsa, queue, NULL, &error);
}

/* Under the lock. 0 or 1 as dsa_portal_write(). A deferrable write that finds no room, or no queue,
 * is told so and needs no error. */
static int submit(struct dsa *dsa, unsigned queue, bool limited, const struct dsa_descriptor *d,
		  bool deferrable)
{
	struct dsa_wq *wq = &dsa->wq[queue];
	bool enabled = wq->state == DSA_WQ_ENABLED && dsa_device_state(dsa) == DSA_DEVICE_ENABLED;
	int slot = -1;

	if (enabled && wq->dedicated == deferrable) {
		refuse(dsa, queue, d,
		       deferrable ? DSA_PORTAL_DEFERRABLE_TO_DEDICATED
				  : DSA_PORTAL_POSTED_TO_SHARED);
		return deferrable;
	}
	if (enabled && has_room(wq, limited))
		slot = dsa_job_alloc(dsa);
	if (slot >= 0) {
		accept_descriptor(dsa, queue, (unsigned)slot, d);
		return 0;
	}
	if (!deferrable)
		refuse(dsa, queue, d,
		       enabled ? DSA_PORTAL_QUEUE_FULL : DSA_PORTAL_QUEUE_NOT_ENABLED);
	return deferrable;
}

static bool portal_is_valid(const struct dsa *dsa, uint64_t offset)
{
	return offset / DSA_PORTAL_STRIDE < dsa->queue_count &&
	       offset % DSA_PORTAL_STRIDE / DSA_PORTAL_PAGE <= DSA_PORTAL_LIMITED;
}

/* Under the lock; the portal is valid. */
static int submit_at(struct dsa *dsa, uint64_t offset, const struct dsa_descriptor *d,
		     bool deferrable)
{
	bool limited = offset % DSA_PORTAL_STRIDE / DSA_PORTAL_PAGE == DSA_PORTAL_LIMITED;

	return submit(dsa, (unsigned)(offset / DSA_PORTAL_STRIDE), limited, d, deferrable);
}

int dsa_portal_write(struct dsa *dsa, uint64_t offset, const void *bytes, bool deferrable)
{
	struct dsa_descriptor descriptor;
	int result = deferrable;

	if (offset % DSA_PORTAL_LINE || offset >= pci_config_bar_size(&dsa->config, 2))
		return -EINVAL;
	memcpy(&descriptor, bytes, sizeof(descriptor));
	lock_take(&dsa->lock);
	if (portal_is_valid(dsa, offset))
		result = submit_at(dsa, offset, &descriptor, deferrable);
	dsa_unlock(dsa);
	return result;
}

/* Assembly of stores */

/* The line that this store belongs to, or NULL: it is in the middle of a line that nobody began. */
static struct dsa_assembly *find_line(struct dsa_wq *wq, uint64_t line, bool begins)
{
	struct dsa_assembly *chosen = NULL;

	for (unsigned i = 0; i < DSA_ASSEMBLY_LINES; i++)
		if (wq->assembly[i].dwords && wq->assembly[i].offset == line)
			chosen = &wq->assembly[i];
	if (!begins)
		return chosen;
	if (!chosen)
		chosen = &wq->assembly[wq->next_assembly++ % DSA_ASSEMBLY_LINES];
	*chosen = (struct dsa_assembly){.offset = line};
	return chosen;
}

static bool assemble(struct dsa_wq *wq, uint64_t offset, unsigned size, uint64_t value,
		     struct dsa_descriptor *whole)
{
	unsigned at = (unsigned)(offset % DSA_PORTAL_LINE / 4);
	struct dsa_assembly *line = find_line(wq, offset - offset % DSA_PORTAL_LINE, at == 0);

	if (!line)
		return false;
	for (unsigned i = 0; i < size / 4; i++) {
		line->dword[at + i] = (uint32_t)(value >> 32 * i);
		line->dwords |= (uint16_t)(1u << (at + i));
	}
	if (line->dwords != UINT16_MAX)
		return false;
	memcpy(whole, line->dword, sizeof(*whole));
	line->dwords = 0;
	return true;
}

void dsa_portal_store(struct dsa *dsa, uint64_t offset, unsigned size, uint64_t value)
{
	struct dsa_descriptor descriptor;

	if (!portal_is_valid(dsa, offset))
		return;
	lock_take(&dsa->lock);
	if (assemble(&dsa->wq[offset / DSA_PORTAL_STRIDE], offset, size, value, &descriptor))
		submit_at(dsa, offset, &descriptor, false);
	dsa_unlock(dsa);
}
