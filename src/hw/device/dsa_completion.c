// SPDX-License-Identifier: MIT
/* The end of a task: its record, its interrupt, and SWERR for what no record can say. */
#include "hw/device/dsa_device.h"

#include <string.h>

#include "base/trace_often.h"

static bool is_failure(const struct dsa_task *task)
{
	return task->status != DSA_STATUS_SUCCESS && task->status != DSA_STATUS_FALSE_PREDICATE;
}

static bool is_fault(const struct dsa_task *task)
{
	switch (task->status & ~DSA_STATUS_WRITE) {
	case DSA_STATUS_PAGE_FAULT:
	case DSA_STATUS_PAGE_INVALID:
	case DSA_STATUS_BATCH_LIST_FAULT:
	case DSA_STATUS_TRANSLATION:
		return true;
	default:
		return false;
	}
}

/* DSA 8.2: bytes completed speaks of what was left undone, and of where a comparison ended. A batch
 * counts its descriptors. */
static uint64_t bytes_completed(const struct dsa_run *run)
{
	const struct dsa_task *task = run->task;

	if (task == &run->job->task && dsa_descriptor_OPCODE(&task->descriptor) == DSA_OP_BATCH)
		return run->job->child_index;
	if (is_fault(task) || task->result)
		return task->done;
	return 0;
}

static bool has_crc(const struct dsa_task *task)
{
	return task->operation && (task->operation->fields & DSA_USES_CRC) && task->seeded;
}

static struct dsa_record record_of(const struct dsa_run *run)
{
	const struct dsa_task *task = run->task;
	uint32_t flags = (uint32_t)dsa_descriptor_FLAGS(&task->descriptor);
	struct dsa_record record = {0};

	dsa_record_set_STATUS(&record, task->status);
	/* of an interrupted move: where the bytes that are done begin to count */
	dsa_record_set_RESULT(&record, is_fault(task) && task->backward ? 1 : task->result);
	dsa_record_set_BYTES(&record, bytes_completed(run));
	if (is_fault(task))
		dsa_record_set_FAULT_ADDRESS(&record, task->fault_addr);
	if (task->status == DSA_STATUS_BAD_FLAGS)
		dsa_record_set_INVALID_FLAGS(&record, task->invalid_flags);
	else if (has_crc(task))
		dsa_record_set_CRC(&record, dsa_crc_end(task->crc, flags));
	return record;
}

/* Whoever polls the status byte finds the rest of the record behind it. */
static void store_record(void *to, const struct dsa_record *record)
{
	unsigned char *bytes = to;
	uint8_t status = (uint8_t)dsa_record_STATUS(record);

	memcpy(bytes + 1, (const unsigned char *)record + 1, sizeof(*record) - 1);
	__atomic_store_n(bytes, status, __ATOMIC_RELEASE);
}

static void note_error(struct dsa_run *run, uint8_t code, uint64_t addr)
{
	struct dsa_job *job = run->job;

	if (job->error.valid) {
		job->error.again = true;
		return;
	}
	job->error = (struct dsa_error){
		.valid = true,
		.code = code,
		.invalid_flags = run->task->invalid_flags,
		.addr = addr,
		.opcode = (uint8_t)dsa_descriptor_OPCODE(&run->task->descriptor),
		.in_batch = run->task == &job->child,
		.batch_index = (uint16_t)job->child_index,
	};
}

/* DSA 3.13: the record's page is waited for if the queue allows it, whatever the descriptor says.
 */
static enum dsa_step write_record(struct dsa_run *run)
{
	uint64_t addr = dsa_descriptor_RECORD(&run->task->descriptor);
	struct dsa_record record = record_of(run);
	struct dma_window w;
	uint8_t unused;
	enum dma_result result = endpoint_window(&run->dsa->endpoint, &run->job->context, addr,
						 sizeof(record), UNIT_WRITE, &w);

	if (result == DMA_OK) {
		/* aligned, so it does not cross a page */
		store_record(w.pointer, &record);
		return DSA_STEP_DONE;
	}
	if (dsa_fault(run, run->job->may_block, result, addr, UNIT_WRITE, &unused) == DSA_STEP_PAGE)
		return DSA_STEP_PAGE;
	run->task->status = DSA_STATUS_RECORD_FAULT;
	note_error(run, DSA_STATUS_RECORD_FAULT | DSA_STATUS_WRITE, addr);
	return DSA_STEP_DONE;
}

static bool wants_record(const struct dsa_task *task)
{
	uint64_t flags = dsa_descriptor_FLAGS(&task->descriptor);

	if (!(flags & DSA_FLAG_RECORD_VALID) || task->status == DSA_STATUS_RECORD_ALIGNMENT)
		return false;
	return (flags & DSA_FLAG_RECORD_REQUESTED) || task->status != DSA_STATUS_SUCCESS;
}

static void earn_interrupt(struct dsa_run *run)
{
	const struct dsa_descriptor *d = &run->task->descriptor;
	uint64_t vector = dsa_descriptor_INTERRUPT(d);

	if ((dsa_descriptor_FLAGS(d) & DSA_FLAG_INTERRUPT) &&
	    dsa_vector_is_permitted(run->dsa, vector, run->job->context.pasid))
		run->job->vectors |= 1u << vector;
}

enum dsa_step dsa_complete(struct dsa_run *run)
{
	struct dsa_task *task = run->task;

	if (wants_record(task)) {
		if (write_record(run) == DSA_STEP_PAGE)
			return DSA_STEP_PAGE;
	} else if (is_failure(task)) {
		note_error(run, task->status, is_fault(task) ? task->fault_addr : 0);
	}
	earn_interrupt(run);
	trace_hop(run->dsa->trace, VSVA_EV_COMPLETE, run->dsa->endpoint.rid,
		  hpasid(run->job->context.pasid), task->status,
		  task == &run->job->child ? run->job->child_index + 1u : 0);
	return DSA_STEP_DONE;
}
