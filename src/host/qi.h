/* SPDX-License-Identifier: MIT */
/*
 * The invalidation queue (VT-d 6.5.2, 11.4.9). Descriptors go out in batches; the last of a batch
 * is a wait descriptor that writes a number into the status word of its slot.
 *
 *   IQE  the unit refused a descriptor: it is replaced by one that does nothing, its batch fails
 *        with -EINVAL
 *   ITE  a device did not answer: batches that waited for that device fail with -ETIMEDOUT, others
 *        whose wait was aborted go out again
 *   ICE  is logged
 *
 * Threads: any. Submitting waits with no lock of the queue held, so others submit meanwhile.
 * Posting does not wait.
 */
#ifndef HOST_QI_H
#define HOST_QI_H

#include "base/lock.h"
#include "base/worker.h"
#include "host/port.h"
#include "vtd/descriptors.h"

/* Descriptors of a batch, its closing wait included: as many as the teardown of many bindings needs
 * (two for each domain id of a domain, and the device TLB), so that it waits once. */
#define QI_BATCH_MAX 136u

struct qi {
	const struct vtd_port *port;
	struct worker_pool *pool;
	uint32_t timeout_ms;
	struct lock lock; /* LOCK_RANK_QI: all below */
	hpa_t ring, status;
	unsigned order; /* the ring is 2^order pages */
	struct vtd_desc *slots;
	uint32_t *status_words; /* one per slot; written by the unit, atomic */
	unsigned slot_count;    /* a power of two */
	unsigned tail;
	unsigned head; /* as the unit said last: it is there, or further on */
	uint32_t sequence;
	struct qi_batch *in_flight;
	bool is_off;            /* the unit is being reset: nothing has room */
	bool is_stuck;          /* atomic: the last wait ran out of time, so the next is short */
	uint64_t timeout_count; /* atomic */
};

struct qi_batch {
	struct vtd_desc descriptors[QI_BATCH_MAX];
	unsigned count; /* without the closing wait until it is submitted */
	bool drain; /* the closing wait carries PD: page requests have reached the queue (VT-d 7.10)
		     */

	/* Of a batch that is in flight: the queue's. */
	struct qi *qi;
	struct qi_batch *next;
	unsigned first_slot, wait_slot;
	uint32_t sequence;
	int outcome; /* atomic; 0: none yet, 1: executed, -EAGAIN: goes out again, or an error */
	bool is_device_silent; /* result: it was a device TLB that did not answer */
};

/* The unit's queue is off. 0; -ENOMEM. */
int qi_init(struct qi *qi, const struct vtd_port *port, struct worker_pool *pool,
	    uint32_t timeout_ms);
/* The unit's queue is off again, or was never on. */
void qi_fini(struct qi *qi);
/* Around a reset of the unit: nothing goes out meanwhile; what had not been executed goes out again.
 * qi_start: the unit's queue is on again, with head and tail 0. */
void qi_stop(struct qi *qi);
void qi_start(struct qi *qi);
/* For bring-up: where the queue is, as IQA takes it. */
uint64_t qi_queue_address(const struct qi *qi);

/*
 * Closes the batch, submits it and waits until it has been executed.
 * 0; -ETIMEDOUT: if is_device_silent all but that device's TLB has been invalidated, else nothing
 * is sure; -EINVAL: a descriptor was refused (a bug of ours).
 */
int qi_submit(struct qi *qi, struct qi_batch *batch);
/* One descriptor without a wait. tell(arg), if it is not NULL, is called before the unit can see it, with
 * the queue's lock held. -EAGAIN: no room now. Never waits. */
int qi_post(struct qi *qi, const struct vtd_desc *descriptor, void (*tell)(void *arg), void *arg);
/* Waits until qi_post() has room. -ETIMEDOUT. */
int qi_wait_for_room(struct qi *qi);
/* Looks for errors of the queue and deals with them: called by waiters and by the fault event. */
void qi_handle_errors(struct qi *qi);

#endif
