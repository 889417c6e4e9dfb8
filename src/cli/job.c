/* SPDX-License-Identifier: MIT */
#include "cli/job.h"

#include <errno.h>
#include <string.h>

#define RECORD_LEN  sizeof(struct vsva_dsa_completion)
#define SUBMIT_RUNS 100000u

/* Completion records */

/* The page is touched here: a process polls its record, so its page is there. */
static int clear_record(const struct job *job)
{
	static const struct vsva_dsa_completion none;

	return world_process_write(job->process, job->descriptor.completion, &none, sizeof(none));
}

static int take_slot(struct job *job)
{
	struct world_slots *slots = &job->process->slots;
	int err = 0;

	if (!slots->page)
		err = world_process_map(job->process, 0, VSVA_PAGE_SIZE, true, false, &slots->page);
	if (err)
		return err;
	if (slots->used == UINT64_MAX)
		return -ENOSPC;
	job->slot = (unsigned)__builtin_ctzll(~slots->used);
	slots->used |= UINT64_C(1) << job->slot;
	job->descriptor.completion = slots->page + job->slot * RECORD_LEN;
	return clear_record(job);
}

static void drop_slot(struct job *job)
{
	if (job->slot != JOB_NO_SLOT)
		job->process->slots.used &= ~(UINT64_C(1) << job->slot);
	job->slot = JOB_NO_SLOT;
}

static int take_record(struct job *job)
{
	bool wants_record = job->descriptor.flags_opcode & VSVA_DSA_COMPLETION_VALID;

	job->slot = JOB_NO_SLOT;
	if (!wants_record || job->descriptor.completion)
		return 0;
	return take_slot(job);
}

/* Batches */

static uint64_t batch_record(const struct job *job, unsigned index)
{
	return job->batch_memory + VSVA_PAGE_SIZE + index * RECORD_LEN;
}

static int write_batch(struct job *job)
{
	static const struct vsva_dsa_completion none;
	struct world_process *process = job->process;
	int err = 0;

	for (unsigned i = 0; i < job->batch_count && !err; i++) {
		job->batch[i].completion = batch_record(job, i);
		err = world_process_write(process, batch_record(job, i), &none, sizeof(none));
	}
	if (err)
		return err;
	job->descriptor.source = job->batch_memory;
	job->descriptor.size = job->batch_count;
	return world_process_write(process, job->batch_memory, job->batch,
				   job->batch_count * sizeof(job->batch[0]));
}

static int make_batch(struct job *job)
{
	int err;

	if (!job->batch_count)
		return 0;
	err = world_process_map(job->process, 0, 2 * VSVA_PAGE_SIZE, true, false,
				&job->batch_memory);
	return err ? err : write_batch(job);
}

static int read_batch(const struct job *job, struct job_result *out)
{
	if (!job->batch_count)
		return 0;
	return world_process_read(job->process, batch_record(job, 0), out->batch,
				  job->batch_count * RECORD_LEN);
}

static void drop_batch(struct job *job)
{
	if (job->batch_memory && world_process_is_alive(job->process))
		world_process_unmap(job->process, job->batch_memory, 2 * VSVA_PAGE_SIZE);
	job->batch_memory = 0;
}

/* Submission */

static int submit(const struct job *job, struct world_device *device)
{
	struct vsva_machine *machine = job->process->world->machine;
	int err = -EAGAIN;

	for (unsigned i = 0; i < SUBMIT_RUNS && err == -EAGAIN; i++) {
		err = world_process_submit(job->process, device, &job->descriptor, job->is_shared);
		if (err == -EAGAIN)
			vsva_machine_run_idle(machine, 1);
	}
	return err;
}

int job_submit(struct job *job, struct world_device *device)
{
	int err;

	job->slot = JOB_NO_SLOT;
	if (!world_process_is_alive(job->process))
		return -ESTALE;
	err = take_record(job);
	if (!err)
		err = make_batch(job);
	if (!err)
		err = submit(job, device);
	if (err) {
		drop_batch(job);
		drop_slot(job);
	}
	return err;
}

int job_wait(struct job *job, struct job_result *out)
{
	int status;

	memset(out, 0, sizeof(*out));
	if (!world_process_is_alive(job->process))
		return -ESTALE;
	status = world_process_wait(job->process, job->descriptor.completion, &out->record);
	if (status > 0)
		out->status = (uint8_t)status;
	if (status > 0 && read_batch(job, out))
		status = -EFAULT;
	drop_batch(job);
	drop_slot(job);
	return status > 0 ? 0 : status;
}
