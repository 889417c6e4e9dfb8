// SPDX-License-Identifier: MIT
/* Engines: take a ready job of the group, run it for a slice, put it back. */
#include "hw/device/dsa_device.h"

#include <errno.h>

void dsa_engine_kick(struct dsa *dsa, unsigned group)
{
	struct dsa_engine *chosen = NULL;

	for (unsigned i = 0; i < dsa->engine_count; i++) {
		struct dsa_engine *engine = &dsa->engines[i];

		if (engine->group != group)
			continue;
		if (!chosen || (chosen->running && !engine->running))
			chosen = engine;
	}
	if (chosen)
		worker_kick(chosen->worker);
}

/* The first job from this slot on that is ready for the engine; -1: there is none. */
static int next_ready(const struct dsa *dsa, const struct dsa_engine *engine, unsigned from)
{
	int slot = dsa_job_next(dsa, DSA_JOB_READY, from);

	while (slot >= 0 && dsa->wq[dsa->jobs[slot].queue].group != engine->group)
		slot = dsa_job_next(dsa, DSA_JOB_READY, (unsigned)slot + 1);
	return slot;
}

/* -1: nothing is ready. Continues behind the last one, so that every job gets its turn. */
static int find_ready(const struct dsa *dsa, const struct dsa_engine *engine)
{
	int slot;

	if (engine->group == DSA_NONE)
		return -1;
	slot = next_ready(dsa, engine, engine->cursor);
	return slot < 0 ? next_ready(dsa, engine, 0) : slot;
}

static int engine_take(struct dsa_engine *engine)
{
	struct dsa *dsa = engine->dsa;
	int slot;

	lock_take(&dsa->lock);
	slot = find_ready(dsa, engine);
	engine->running = slot >= 0;
	if (slot >= 0) {
		dsa_job_set_state(dsa, (unsigned)slot, DSA_JOB_RUNNING);
		engine->cursor = ((unsigned)slot + 1) % DSA_MAX_ENTRIES;
		/* Is there more for others? */
		if (find_ready(dsa, engine) >= 0)
			dsa_engine_kick(dsa, engine->group);
	}
	dsa_unlock(dsa);
	return slot;
}

static bool is_aborted(const struct dsa_job *job)
{
	return __atomic_load_n(&job->aborted, __ATOMIC_ACQUIRE);
}

/* One read section for the slice, passed through between two steps. */
static enum dsa_step run_slice(struct dsa *dsa, struct dsa_job *job)
{
	enum dsa_step step;

	job->cost = 0;
	rcu_read_lock();
	for (;;) {
		step = dsa_job_step(dsa, job);
		job->cost += DSA_STEP_COST;
		if (step != DSA_STEP_MORE || job->cost >= DSA_SLICE_COST || is_aborted(job))
			break;
		rcu_quiescent();
	}
	rcu_read_unlock();
	return step;
}

/* Asks for the page that the job needs. Returns the state in which it waits, or READY, with the
 * lock taken: nobody answers between the look and the new state. */
static enum dsa_job_state ask(struct dsa *dsa, unsigned slot)
{
	struct dsa_job *job = &dsa->jobs[slot];
	uint64_t tag, answers;
	int prgi;

	lock_take(&dsa->lock);
	tag = ++dsa->page_serial * DSA_MAX_ENTRIES + slot;
	answers = dsa->answers;
	job->page.tag = tag;
	job->page.answered = false;
	dsa_unlock(dsa);
	prgi = endpoint_page_request_tagged(&dsa->endpoint, &job->context, job->page.addr,
					    job->page.access, tag);
	lock_take(&dsa->lock);
	if (prgi < 0)
		job->page.tag = 0;
	if (prgi < 0 && prgi != -EBUSY)
		job->page.verdict = DSA_PAGE_UNAVAILABLE;
	if (prgi == -EBUSY && answers == dsa->answers)
		return DSA_JOB_WAIT_CREDIT;
	return prgi < 0 || job->page.answered ? DSA_JOB_READY : DSA_JOB_WAIT_PAGE;
}

/* Under the lock: what the slice left to say. */
static void report_slice(struct dsa *dsa, struct dsa_job *job)
{
	if (job->error.valid)
		dsa_report(dsa, job->queue, job, &job->error);
	if (job->error.again)
		dsa_report(dsa, job->queue, job, &job->error);
	job->error.valid = job->error.again = false;
	dsa->raised |= job->vectors;
	job->vectors = 0;
}

/* Returns with the lock dropped. */
static void engine_put(struct dsa *dsa, unsigned slot, enum dsa_step step)
{
	struct dsa_job *job = &dsa->jobs[slot];
	enum dsa_job_state next = DSA_JOB_READY;

	if (step == DSA_STEP_PAGE && !is_aborted(job))
		next = ask(dsa, slot);
	else
		lock_take(&dsa->lock);
	report_slice(dsa, job);
	if (step == DSA_STEP_DONE)
		dsa_job_free(dsa, slot);
	else if (is_aborted(job))
		dsa_job_give_up(dsa, slot);
	else
		dsa_job_set_state(dsa, slot, next);
	if (dsa->state[slot] == DSA_JOB_FREE)
		dsa_command_poll(dsa);
	dsa_unlock(dsa);
}

bool dsa_engine_run(void *arg)
{
	struct dsa_engine *engine = arg;
	struct dsa *dsa = engine->dsa;
	uint64_t cost = 0;

	while (cost < DSA_RUN_COST) {
		int slot = engine_take(engine);
		enum dsa_step step;

		if (slot < 0)
			return false;
		step = run_slice(dsa, &dsa->jobs[slot]);
		cost += dsa->jobs[slot].cost;
		engine_put(dsa, (unsigned)slot, step);
	}
	return true;
}
