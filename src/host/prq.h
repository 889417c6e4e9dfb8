/* SPDX-License-Identifier: MIT */
/*
 * Page requests: from the unit's queue to groups, from groups to the handler of the device, and
 * back.
 *
 *   take in   queue -> groups, without calling anybody: done by the worker, and by whoever drains
 *   report    a whole group -> handler, without any lock: by the worker, and for a virtual unit's
 *             drain by the caller
 *   answer    exactly once per group whose last request was taken in; while the unit's queue has
 *             no room the answer waits in a list
 *
 * A group is in one list, which is its state:
 *
 *   | from       | to         | by                                                            |
 *   | -          | collecting | its first request                                             |
 *   | collecting | ready      | its last request, if all are good and the owner has a handler |
 *   | collecting | answered   | its last request otherwise: invalid                           |
 *   | collecting | -          | overflow, drain: the device was or will be answered otherwise |
 *   | ready      | reported   | worker                                                        |
 *   | ready      | answered   | drain, handler gone: invalid                                  |
 *   | reported   | answered   | response, handler's error, drain, handler gone, time-out      |
 *   | answered   | -          | its response is in the unit's queue                           |
 */
#ifndef HOST_PRQ_H
#define HOST_PRQ_H

#include "base/lock.h"
#include "base/physmem.h"
#include "host/list.h"
#include "vsva/iommu.h"
#include "vtd/descriptors.h"

struct vsva_iommu;
struct function;

enum group_state { GROUP_COLLECTING, GROUP_READY, GROUP_REPORTED, GROUP_ANSWERED, GROUP_STATES };

struct prq {
	struct lock lock; /* LOCK_RANK_FAULT_QUEUE: all below, the groups of all devices */
	hpa_t ring;
	unsigned order; /* the ring is 2^order pages */
	const struct vtd_page_request *slots;
	unsigned slot_count;
	unsigned head; /* PQH, which nobody else writes */
	struct list groups[GROUP_STATES];
	struct list reports; /* that are being made */
	uint64_t next_serial;
	uint64_t overflow_count; /* atomic, writers: lock */
	bool is_stopped;         /* the unit is being reset: its registers say nothing */
	bool has_left;           /* requests are in the queue that were seen and not taken in */
	bool has_dying;          /* atomic: groups of dying bindings are to be answered */
	uint32_t pending;        /* ready and reported; atomic, writers: lock */
};

#define GROUP_BUCKETS 64u

/* A function's groups that are not answered, by group index. */
struct function_groups {
	struct group *buckets[GROUP_BUCKETS];
	unsigned count;
};

/* Between the two nobody looks into the queue: head and tail are those of a unit that begins anew. */
void prq_stop(struct vsva_iommu *iommu);
void prq_start(struct vsva_iommu *iommu);

/* 0; -ENOMEM. */
int prq_init(struct prq *prq, struct physmem *pm);
void prq_fini(struct prq *prq, struct physmem *pm);
uint64_t prq_queue_address(const struct prq *prq);

/* What a drain of the unit has brought into the queue (VT-d 7.10) is reported or answered, as far as it
 * is of these devices, of one unit. is_taken_in: somebody has taken it in behind the drain. 0;
 * -ETIMEDOUT. */
int prq_end_drain(struct vsva_dev *const *devs, unsigned count, bool is_taken_in);
/* Takes in and reports: run of the page-request worker. */
bool prq_run(void *arg);
/* Answers groups whose time is over: run of the expiry worker. */
bool prq_run_expiry(void *arg);

/*
 * Takes in, and answers "invalid" what is pending: of one device (or, dev NULL, of nobody's) with
 * this PASID (the base PASID: requests without), of one device altogether, of every binding of the
 * function that is dying. Waits until the answers are in the unit's queue. Returns how often the
 * unit has lost requests to overflow so far.
 */
uint64_t prq_discard(struct vsva_dev *dev, uint32_t pasid);
uint64_t prq_discard_all(struct vsva_dev *dev);
uint64_t prq_discard_dying(struct function *function);
/* How often it has lost requests to overflow, as far as is known. */
uint64_t prq_overflows(struct vsva_iommu *iommu);
/* The same for all functions, by the page-request worker, at its next run: atomic. */
void prq_discard_dying_later(struct vsva_iommu *iommu);

#endif
