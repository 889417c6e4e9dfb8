/* SPDX-License-Identifier: MIT */
/*
 * Work of a process on an accelerator: a descriptor, its completion record in the process' own
 * memory, and the wait for it. A job of several descriptors is a batch: they and their records lie
 * in memory of the process, too.
 */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include "cli/world/world.h"
#include "vsva/dsa.h"

/* The device's limit as the guest's driver sets it (2^5). */
#define JOB_BATCH_MAX 32

struct job {
	struct world_process *process;
	struct vsva_dsa_descriptor descriptor; /* of the whole */
	unsigned slot;        /* of the record; JOB_NO_SLOT: its address is the caller's */
	bool is_shared;       /* queue */
	unsigned batch_count; /* 0: one descriptor */
	struct vsva_dsa_descriptor batch[JOB_BATCH_MAX];
	uint64_t batch_memory; /* descriptors, then records */
};
#define JOB_NO_SLOT 64u

struct job_result {
	uint8_t status; /* as in the record */
	struct vsva_dsa_completion record;
	struct vsva_dsa_completion batch[JOB_BATCH_MAX];
};

/* Fills in the record's address unless the descriptor has one, writes a batch into the process'
 * memory, and submits; while the queue is full the machine runs. 0; -ESTALE; -ENODEV the guest does
 * not have the device; -EAGAIN the queue stays full; -ENOSPC 64 jobs are under way; errors of
 * vsva_process_submit() and vsva_process_mmap(). */
int job_submit(struct job *job, struct world_device *device);
/* 0; -ESTALE the process is dead; -ETIMEDOUT; -EFAULT. The slot is free afterwards, whatever
 * happened. */
int job_wait(struct job *job, struct job_result *out);

#endif
