// SPDX-License-Identifier: MIT
/* Tasks: one descriptor from its check to its record, step by step. */
#include "hw/device/dsa_device.h"

void dsa_task_init(struct dsa_task *task, const struct dsa_descriptor *descriptor)
{
	*task = (struct dsa_task){.descriptor = *descriptor};
}

static bool is_page(uint64_t a, uint64_t b)
{
	return (a ^ b) < VSVA_PAGE_SIZE && a / VSVA_PAGE_SIZE == b / VSVA_PAGE_SIZE;
}

/* DSA 3.13 (page faults): with block on fault the device asks and waits; otherwise, or if it may
 * not ask, the descriptor ends here and software goes on from where it got. */
enum dsa_step dsa_fault(struct dsa_run *run, bool block, enum dma_result result, uint64_t addr,
			enum unit_access access, uint8_t *status)
{
	struct dsa_page *page = &run->job->page;
	bool again = is_page(page->addr, addr) && page->access == access;
	enum dsa_verdict verdict = again ? page->verdict : DSA_PAGE_UNKNOWN;
	uint8_t write = (uint8_t)(access & UNIT_WRITE ? DSA_STATUS_WRITE : 0);

	page->tries = again ? page->tries + 1 : 0;
	page->verdict = DSA_PAGE_UNKNOWN;
	page->addr = addr;
	page->access = access;
	if (result == DMA_ERROR)
		*status = DSA_STATUS_TRANSLATION | write;
	else if (!block || !run->job->may_ask || verdict == DSA_PAGE_UNAVAILABLE)
		*status = DSA_STATUS_PAGE_FAULT | write;
	else if (verdict == DSA_PAGE_REFUSED || page->tries >= DSA_PAGE_TRIES)
		*status = DSA_STATUS_PAGE_INVALID | write;
	else
		return DSA_STEP_PAGE;
	/* This is settled: whoever needs the page next, asks anew. */
	page->tries = 0;
	return DSA_STEP_DONE;
}

enum dsa_step dsa_windows(struct dsa_run *run, const struct dsa_operand *operands, unsigned count,
			  size_t want, struct dma_window *windows)
{
	struct dsa_task *task = run->task;
	bool block = dsa_descriptor_FLAGS(&task->descriptor) & DSA_FLAG_BLOCK_ON_FAULT;
	size_t all = want;

	for (unsigned i = 0; i < count; i++) {
		enum dma_result result =
			endpoint_window(&run->dsa->endpoint, &run->job->context, operands[i].addr,
					want, operands[i].access, &windows[i]);
		if (result != DMA_OK) {
			task->fault_addr = operands[i].addr;
			return dsa_fault(run, block, result, operands[i].addr, operands[i].access,
					 &task->status);
		}
		want = windows[i].len;
	}
	for (unsigned i = 0; i < count; i++) {
		windows[i].len = want;
		/* While these bytes are worked on. */
		if (want < all)
			endpoint_bring_near(&run->dsa->endpoint, &run->job->context,
					    operands[i].addr + want, all - want);
	}
	run->job->page.verdict = DSA_PAGE_UNKNOWN;
	run->job->cost += want;
	return DSA_STEP_MORE;
}

static void task_check(struct dsa_run *run)
{
	struct dsa_task *task = run->task;

	task->status = (uint8_t)dsa_check(run, &task->invalid_flags);
	task->operation = dsa_operation_find((unsigned)dsa_descriptor_OPCODE(&task->descriptor));
	task->phase = task->status ? DSA_PHASE_RECORD : DSA_PHASE_WORK;
}

enum dsa_step dsa_task_step(struct dsa_run *run)
{
	struct dsa_task *task = run->task;
	enum dsa_step step = DSA_STEP_MORE;

	switch (task->phase) {
	case DSA_PHASE_CHECK:
		task_check(run);
		break;
	case DSA_PHASE_WORK:
		step = task->operation->step(run);
		if (step == DSA_STEP_DONE) {
			task->phase = DSA_PHASE_RECORD;
			step = DSA_STEP_MORE;
		}
		break;
	case DSA_PHASE_RECORD:
		step = dsa_complete(run);
		if (step == DSA_STEP_DONE)
			task->phase = DSA_PHASE_DONE;
		break;
	case DSA_PHASE_DONE:
		step = DSA_STEP_DONE;
		break;
	}
	return step;
}

enum dsa_step dsa_job_step(struct dsa *dsa, struct dsa_job *job)
{
	struct dsa_run run = {.dsa = dsa, .job = job, .task = &job->task};

	return dsa_task_step(&run);
}
