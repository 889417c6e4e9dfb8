/* SPDX-License-Identifier: MIT */
/*
 * An accelerator in a world, driven as a driver and a program drive one: through registers and
 * portals. Queue 0 is dedicated (PASID 5, block on fault), queue 1 shared; both in group 0.
 */
#ifndef TESTS_DEVICE_DSA_WORLD_H
#define TESTS_DEVICE_DSA_WORLD_H

#include "device/fake_unit.h"
#include "hw/device/dsa.h"
#include "vtd/dsa_regs.h"

#define VA          ((uint64_t)VIRTUAL_BASE)
#define RW          (VSVA_PROT_READ | VSVA_PROT_WRITE)
#define PASID       5u
#define RECORD      VA /* the first page has records */
#define SOURCE      (VA + 0x100000)
#define DESTINATION (VA + 0x200000)
#define THIRD       (VA + 0x300000)
#define LIST        (VA + 0x400000)
#define SPACE_LEN   0x500000u /* of all that */
#define DEDICATED   0u
#define SHARED      1u
#define QUEUE_SIZE  16u
#define THRESHOLD   10u

#define USUAL (DSA_FLAG_RECORD_VALID | DSA_FLAG_RECORD_REQUESTED | DSA_FLAG_BLOCK_ON_FAULT)
#define ASKED (DSA_FLAG_RECORD_VALID | DSA_FLAG_RECORD_REQUESTED)

struct dsa_world {
	struct world w;
	struct dsa *dsa;
	unsigned interrupts[DSA_MAX_QUEUES + 1]; /* atomic */
	unsigned events[VSVA_EV_KIND_COUNT];     /* atomic */
	unsigned completed_in_batch;             /* atomic */
	struct vsva_event last_stop;
};

/* Switched on, both queues enabled, everything of PASID 5 accessible. */
void dsa_world_init(struct dsa_world *d, enum worker_mode mode);
/* The same without any register written. */
void dsa_world_init_bare(struct dsa_world *d, enum worker_mode mode);
void dsa_world_fini(struct dsa_world *d);
void dsa_world_configure(struct dsa_world *d);

uint64_t dsa_get(struct dsa_world *d, uint32_t offset);
void dsa_put(struct dsa_world *d, uint32_t offset, uint64_t value);
/* Writes the command; returns CMDSTS, after the workers ran if it was active. */
uint32_t dsa_command(struct dsa_world *d, unsigned code, uint32_t operand);
uint32_t dsa_command_only(struct dsa_world *d, unsigned code, uint32_t operand);

struct dsa_descriptor describe(enum dsa_opcode opcode, uint32_t flags, uint64_t source,
			       uint64_t destination, uint32_t size);
/* record: number of a record in the first page */
int submit(struct dsa_world *d, unsigned queue, struct dsa_descriptor descriptor, unsigned record);
struct dsa_record record_at(struct dsa_world *d, unsigned record);
void clear_records(struct dsa_world *d);
/* Submits to the dedicated queue as record 0, runs, returns the record. */
struct dsa_record run_one(struct dsa_world *d, struct dsa_descriptor descriptor);

struct dsa_descriptor noop_descriptor(void);
/* A fill of a page of DESTINATION that must be asked for. */
struct dsa_descriptor stuck(struct dsa_world *d, uint64_t page);
uint8_t status_at(struct dsa_world *d, unsigned record);
/* Error code in SWERR, 0 none; clears it. */
uint64_t software_error(struct dsa_world *d);
unsigned queue_state(struct dsa_world *d, unsigned queue);
unsigned occupancy(struct dsa_world *d, unsigned queue);

#endif
