// SPDX-License-Identifier: MIT
/*
 * A batch (DSA 3.8): descriptors in memory, executed one after the other. That makes a fence true
 * by itself; what is left of it is that nothing behind it runs once something before it has failed.
 */
#include "hw/device/dsa_device.h"

#include <string.h>

static enum dsa_step batch_end(struct dsa_run *run)
{
	run->task->status = run->job->child_failed ? DSA_STATUS_BATCH_FAILED : DSA_STATUS_SUCCESS;
	return DSA_STEP_DONE;
}

/* The descriptor behind this one is looked at for what it will need, while this one is executed: it may still
 * change, and what it is then will be read in its turn. */
static void look_ahead(const struct dsa_run *run, const unsigned char *at)
{
	const struct dsa_job *job = run->job;
	struct dsa_descriptor next;

	if (job->child_index + 1 == dsa_descriptor_SIZE(&run->task->descriptor) ||
	    (uintptr_t)(at + DSA_DESCRIPTOR_BYTES) % VSVA_PAGE_SIZE == 0)
		return;
	memcpy(&next, at + DSA_DESCRIPTOR_BYTES, sizeof(next));
	endpoint_bring_near(&run->dsa->endpoint, &job->context, dsa_descriptor_SOURCE(&next), 1);
	endpoint_bring_near(&run->dsa->endpoint, &job->context, dsa_descriptor_DESTINATION(&next),
			    1);
}

/* Reads the next descriptor, once: the list is memory that its owner may still write to. */
static enum dsa_step fetch(struct dsa_run *run)
{
	struct dsa_job *job = run->job;
	struct dsa_operand operand = {
		dsa_descriptor_SOURCE(&run->task->descriptor) +
			(uint64_t)job->child_index * DSA_DESCRIPTOR_BYTES,
		UNIT_READ,
	};
	struct dsa_descriptor descriptor;
	struct dma_window w;
	enum dsa_step step = dsa_windows(run, &operand, 1, sizeof(descriptor), &w);

	if (step == DSA_STEP_DONE && run->task->status != DSA_STATUS_TRANSLATION)
		run->task->status = DSA_STATUS_BATCH_LIST_FAULT;
	if (step != DSA_STEP_MORE)
		return step;
	/* the list is aligned, so a descriptor does not cross a page */
	memcpy(&descriptor, w.pointer, sizeof(descriptor));
	look_ahead(run, w.pointer);
	dsa_task_init(&job->child, &descriptor);
	job->in_child = true;
	if (job->child_failed && (dsa_descriptor_FLAGS(&descriptor) & DSA_FLAG_FENCE))
		return batch_end(run);
	return DSA_STEP_MORE;
}

static void child_done(struct dsa_job *job)
{
	job->in_child = false;
	job->child_index++;
	if (job->child.status != DSA_STATUS_SUCCESS)
		job->child_failed = true;
}

enum dsa_step dsa_batch_step(struct dsa_run *run)
{
	struct dsa_job *job = run->job;
	struct dsa_run child = {.dsa = run->dsa, .job = job, .task = &job->child};
	enum dsa_step step;

	if (job->child_index == dsa_descriptor_SIZE(&run->task->descriptor))
		return batch_end(run);
	if (!job->in_child)
		return fetch(run);
	step = dsa_task_step(&child);
	if (step != DSA_STEP_DONE)
		return step;
	child_done(job);
	return DSA_STEP_MORE;
}
