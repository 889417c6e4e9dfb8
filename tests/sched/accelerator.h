/* SPDX-License-Identifier: MIT */
/*
 * A small accelerator on a silicon's unit, known to its driver and the parent of mediated devices:
 * one engine, and a queue for each of them. The port between parent and hardware may lie, and what the
 * hardware holds can be looked at without a lock, by whoever is the only thread that runs.
 */
#ifndef TESTS_SCHED_ACCELERATOR_H
#define TESTS_SCHED_ACCELERATOR_H

#include "../host/silicon.h"
#include "base/irq.h"
#include "host/vdcm.h"
#include "hw/device/dsa.h"

#define ACCELERATOR_RID rid(0x6a00)

enum accelerator_plant {
	ACCELERATOR_PLANT_NOTHING,
	ACCELERATOR_PLANT_NO_DRAIN,   /* what is written to drain finds nothing to drain */
	ACCELERATOR_PLANT_NO_ABORT,   /* the same of aborts */
	ACCELERATOR_PLANT_KEEP_QUEUE, /* a queue that is reset stays as it was */
};

struct accelerator {
	struct silicon *s;
	struct dsa *dsa;
	struct vsva_dev *dev;
	struct vsva_vdcm *vdcm;
	struct irq_line irq;
	bool is_gone; /* atomic: pulled out */
	enum accelerator_plant plant;
};

void accelerator_create(struct accelerator *a, struct silicon *s, unsigned queues);
/* Its mediated devices have been destroyed. */
void accelerator_destroy(struct accelerator *a);
/* Pulled out: no access is under way when this returns. */
void accelerator_pull(struct accelerator *a);

#define ACCELERATOR_ANY UINT32_MAX
/* Descriptors in a queue (ANY: in all) of a host PASID (ANY: of all). What is being pulled out has none
 * that count, and no registers. */
unsigned accelerator_jobs(const struct accelerator *a, uint32_t queue, uint32_t pasid);
/* Does the number stand in its registers: of an enabled queue, of an interrupt's permission? */
bool accelerator_has_number(const struct accelerator *a, uint32_t pasid);
/* Has a drain by this host PASID been asked for that has not ended? */
bool accelerator_has_drain(const struct accelerator *a, uint32_t pasid);
/* The answers to all its page requests have come. */
bool accelerator_is_answered(const struct accelerator *a);

/* A no-op that writes its record here and then, if vector is not 0, interrupts. */
struct dsa_descriptor accelerator_noop(uint64_t record, unsigned vector);

#endif
