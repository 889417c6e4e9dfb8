// SPDX-License-Identifier: MIT
/* Entries of work queues: their states, their waiting, their end. */
#include "hw/device/dsa_device.h"
#include "vtd/descriptors.h"

#include <string.h>

#define TO(state) (1u << DSA_JOB_##state)

/* The legal changes, all under the lock. An abort may end a job that does not run; one that runs is
 * ended by its engine. */
static const unsigned edges[] = {
	/* submission; a drain descriptor with jobs before it waits for them */
	[DSA_JOB_FREE] = TO(READY) | TO(WAIT_DRAIN),
	/* an engine takes it; abort */
	[DSA_JOB_READY] = TO(RUNNING) | TO(FREE),
	/* its engine: the slice is over or the page is there; it must wait; it is done or aborted
	 */
	[DSA_JOB_RUNNING] = TO(READY) | TO(WAIT_PAGE) | TO(WAIT_CREDIT) | TO(FREE),
	/* the answer, or the certainty that none will come; abort */
	[DSA_JOB_WAIT_PAGE] = TO(READY) | TO(FREE),
	/* an answer to anybody; abort */
	[DSA_JOB_WAIT_CREDIT] = TO(READY) | TO(FREE),
	/* the last earlier job of its queue and PASID is gone; abort */
	[DSA_JOB_WAIT_DRAIN] = TO(READY) | TO(FREE),
};

void dsa_jobs_init(struct dsa *dsa)
{
	static_assert(DSA_JOB_FREE == 0 && DSA_MAX_ENTRIES % 64 == 0, "all bits of all words");
	memset(dsa->slots[DSA_JOB_FREE], 0xff, sizeof(dsa->slots[DSA_JOB_FREE]));
}

int dsa_job_next(const struct dsa *dsa, enum dsa_job_state state, unsigned from)
{
	const uint64_t *slots = dsa->slots[state];

	for (; from < DSA_MAX_ENTRIES; from = (from / 64 + 1) * 64) {
		uint64_t rest = slots[from / 64] >> from % 64;

		if (rest)
			return (int)from + __builtin_ctzll(rest);
	}
	return -1;
}

void dsa_job_set_state(struct dsa *dsa, unsigned slot, enum dsa_job_state state)
{
	uint64_t bit = UINT64_C(1) << slot % 64;

	CHECK(edges[dsa->state[slot]] >> state & 1);
	dsa->slots[dsa->state[slot]][slot / 64] &= ~bit;
	dsa->slots[state][slot / 64] |= bit;
	dsa->state[slot] = (uint8_t)state;
}

/* In turn, so that slots are handed out and served in about the order of submission. */
int dsa_job_alloc(struct dsa *dsa)
{
	int slot = dsa_job_next(dsa, DSA_JOB_FREE, dsa->next_slot);

	if (slot < 0)
		slot = dsa_job_next(dsa, DSA_JOB_FREE, 0);
	if (slot >= 0)
		dsa->next_slot = ((unsigned)slot + 1) % DSA_MAX_ENTRIES;
	return slot;
}

bool dsa_job_has_earlier(const struct dsa *dsa, unsigned slot)
{
	const struct dsa_job *job = &dsa->jobs[slot];

	for (unsigned i = 0; i < DSA_MAX_ENTRIES; i++) {
		const struct dsa_job *other = &dsa->jobs[i];

		if (dsa->state[i] != DSA_JOB_FREE && other->queue == job->queue &&
		    other->context.pasid == job->context.pasid && other->sequence < job->sequence)
			return true;
	}
	return false;
}

void dsa_job_ready(struct dsa *dsa, unsigned slot)
{
	dsa_job_set_state(dsa, slot, DSA_JOB_READY);
	dsa_engine_kick(dsa, dsa->wq[dsa->jobs[slot].queue].group);
}

static void wake_drains(struct dsa *dsa, unsigned queue)
{
	for (int i = dsa_job_next(dsa, DSA_JOB_WAIT_DRAIN, 0); i >= 0;
	     i = dsa_job_next(dsa, DSA_JOB_WAIT_DRAIN, (unsigned)i + 1))
		if (dsa->jobs[i].queue == queue && !dsa_job_has_earlier(dsa, (unsigned)i))
			dsa_job_ready(dsa, (unsigned)i);
}

void dsa_job_free(struct dsa *dsa, unsigned slot)
{
	struct dsa_job *job = &dsa->jobs[slot];

	dsa_job_set_state(dsa, slot, DSA_JOB_FREE);
	/* A late answer finds no request. */
	job->page.tag = 0;
	dsa->wq[job->queue].count--;
	wake_drains(dsa, job->queue);
}

void dsa_job_give_up(struct dsa *dsa, unsigned slot)
{
	TRACE(dsa->trace, DEVICE, ABORT, .rid = dsa->endpoint.rid,
	      .hpasid = hpasid(dsa->jobs[slot].context.pasid));
	dsa_job_free(dsa, slot);
}

void dsa_job_abort(struct dsa *dsa, unsigned slot)
{
	if (dsa->state[slot] == DSA_JOB_RUNNING)
		__atomic_store_n(&dsa->jobs[slot].aborted, true, __ATOMIC_RELEASE);
	else if (dsa->state[slot] != DSA_JOB_FREE)
		dsa_job_give_up(dsa, slot);
}

static void wake_credit(struct dsa *dsa)
{
	for (int i = dsa_job_next(dsa, DSA_JOB_WAIT_CREDIT, 0); i >= 0;
	     i = dsa_job_next(dsa, DSA_JOB_WAIT_CREDIT, (unsigned)i + 1))
		dsa_job_ready(dsa, (unsigned)i);
}

static void answer(struct dsa *dsa, unsigned slot, enum dsa_verdict verdict)
{
	struct dsa_page *page = &dsa->jobs[slot].page;

	page->tag = 0;
	page->answered = true;
	page->verdict = verdict;
	if (dsa->state[slot] == DSA_JOB_WAIT_PAGE)
		dsa_job_ready(dsa, slot);
}

void dsa_jobs_unanswerable(struct dsa *dsa)
{
	for (unsigned i = 0; i < DSA_MAX_ENTRIES; i++)
		if (dsa->state[i] != DSA_JOB_FREE && dsa->jobs[i].page.tag)
			answer(dsa, i, DSA_PAGE_UNAVAILABLE);
	dsa->answers++;
	wake_credit(dsa);
}

void dsa_page_answer(struct endpoint *endpoint, uint64_t tag, unsigned code)
{
	struct dsa *dsa = container_of(endpoint, struct dsa, endpoint);
	unsigned slot = (unsigned)(tag % DSA_MAX_ENTRIES);

	lock_take(&dsa->lock);
	if (dsa->jobs[slot].page.tag == tag)
		answer(dsa, slot,
		       code == VTD_RESPONSE_SUCCESS ? DSA_PAGE_UNKNOWN : DSA_PAGE_REFUSED);
	dsa->answers++;
	wake_credit(dsa);
	dsa_unlock(dsa);
}
