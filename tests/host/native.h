/* SPDX-License-Identifier: MIT */
/*
 * A machine without VMs: its accelerator belongs to the host, whose processes use it natively.
 * Queue 0 is dedicated, queue 1 shared; both are driven through registers and portals, as a driver
 * and a program drive them. The ledger judges every access.
 */
#ifndef TESTS_HOST_NATIVE_H
#define TESTS_HOST_NATIVE_H

#include "unit.h"

#include "cli/ledger.h"
#include "vsva/device.h"
#include "vsva/dsa.h"
#include "vsva/sva.h"

#define NATIVE_PAGE UINT64_C(4096)

struct native {
	struct ledger *ledger;
	struct vsva_machine *machine;
	struct vsva_iommu *iommu;
	struct vsva_device *dsa;
	struct vsva_dev *dev;
	struct vsva_device *engine; /* a test engine, if the test wants one */
	struct vsva_domain *domain; /* the host's own, without an owner */
	unsigned expected_violations;
	char violation[512]; /* the last */
};

void native_create(struct native *native, enum vsva_cache_policy policy, bool threads);
/* Nothing is bound any more, and the ledger has seen no violation, or as many as the test meant. */
void native_destroy(struct native *native);
/* A second device, attached like the first. */
void native_add_engine(struct native *native);
uint64_t native_violations(struct native *native);

/* The dedicated queue works for this PASID from now on. */
void native_enable_queue(struct native *native, hpasid_t pasid);
/* Stops the queue: drains, or ends what does not end by itself. */
void native_disable_queue(struct native *native);
/* Ends the work of a PASID on all queues. */
void native_abort(struct native *native, hpasid_t pasid);

/* A process with one buffer; a process and its bond. */
struct vsva_mm *native_process(struct native *native);
struct vsva_sva *native_bind(struct native *native, struct vsva_mm *mm);

/* Memory with a recognisable content, without any, and does it hold that content? */
uva_t native_buffer(struct vsva_mm *mm, uint64_t len, uint8_t seed);
uva_t native_empty(struct vsva_mm *mm, uint64_t len);
bool native_holds(struct vsva_mm *mm, uva_t address, uint64_t len, uint8_t seed);

struct native_copy {
	uva_t to, from, completion; /* completion 0: memory is made for it */
	uint32_t len;
	bool shared; /* with the PASID in the descriptor */
	hpasid_t pasid;
	struct vsva_dsa_completion record;
};
/* 0; 1: the queue is full. */
int native_submit(struct native *native, struct vsva_mm *mm, struct native_copy *copy);
/* The status byte, or -ETIMEDOUT: nothing came. */
int native_wait(struct native *native, struct vsva_mm *mm, struct native_copy *copy);
int native_run(struct native *native, struct vsva_mm *mm, struct native_copy *copy);

#endif
