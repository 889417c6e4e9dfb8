/* SPDX-License-Identifier: MIT */
/*
 * An accelerator that a stock idxd driver takes for an Intel DSA (8086:0b25).
 *
 * Vocabulary
 *   work queue   takes descriptors; dedicated: one client, one PASID; shared: any client, the
 *                PASID is in the descriptor
 *   portal       a page of BAR 2 where a 64-byte write submits a descriptor to a queue
 *   posted       a portal write that reports nothing (MOVDIR64B); deferrable: one that says
 *                accepted or retry (ENQCMD)
 *   engine       executes descriptors of the queues of its group; a worker of the pool
 *   record       completion record: 32 bytes that the device writes when a descriptor is done
 *
 * BAR 0 holds the registers (16 KiB, MSI-X table at 0x2000 and PBA at 0x3000), BAR 2 the portals
 * (16 KiB per queue). Interrupts go to config->irq whatever the MSI-X table and its masks say: they
 * are those of whoever owns the function (a VMM that emulates MSI-X for its guest), and are only
 * kept here.
 *
 * Not architectural: eight 8-byte (or sixteen 4-byte) stores to one line of a portal make one
 * posted portal write. The store to the line's first bytes begins it, the others follow in any
 * order, the last one submits. For CPUs without MOVDIR64B.
 *
 * Priorities, traffic classes and read buffers are accepted and mean nothing: queues are served in
 * turn. Completion order is not submission order, as on silicon. An entry of a queue is in use
 * until its descriptor is finished; on silicon until an engine has taken it.
 *
 * Concurrency: every function from any thread, but for destroy, which is the last. None may be
 * called inside an RCU read section. irq is called without a lock and must not block, nor call
 * dsa_reset() or dsa_destroy().
 */
#ifndef HW_DEVICE_DSA_H
#define HW_DEVICE_DSA_H

#include "base/worker.h"
#include "hw/device/endpoint.h"

struct dsa;

#define DSA_MAX_QUEUES  16u
#define DSA_MAX_ENGINES 8u
#define DSA_MAX_ENTRIES 128u

struct dsa_config {
	struct unit *unit;
	struct physmem *physmem;
	struct worker_pool *pool;
	const struct trace *trace; /* may be NULL */
	rid_t rid;
	/* A virtual function names its physical function's RID and configuration space; a physical
	 * function leaves pf_config NULL. */
	rid_t pf_rid;
	struct pci_config *pf_config;
	uint16_t sriov_vfs;                      /* of a physical function: TotalVFs */
	unsigned queues;                         /* 0: 8 */
	unsigned engines;                        /* 0: 4 */
	void (*irq)(void *arg, unsigned vector); /* may be NULL */
	void *arg;
};

/* Attaches the endpoint to the unit. 0; -EINVAL too many queues or engines; -EEXIST the RID is
 * taken; -ENOMEM. */
int dsa_create(const struct dsa_config *config, struct dsa **out);
/* Detaches it; work is forgotten. NULL is ignored. */
void dsa_destroy(struct dsa *dsa);

struct endpoint *dsa_endpoint(struct dsa *dsa);
/* For the accessors that any thread may use; to read and write use the functions below. */
struct pci_config *dsa_config_space(struct dsa *dsa);
unsigned dsa_vectors(const struct dsa *dsa);

/* Configuration space, with all that follows from a write. A function-level reset is done when the
 * write returns. Sizes and ranges as in vtd/pci_config.h. */
uint32_t dsa_config_read(struct dsa *dsa, uint32_t offset, unsigned size);
void dsa_config_write(struct dsa *dsa, uint32_t offset, unsigned size, uint32_t value);

/* Registers (bar 0) and portals (bar 2); size 4 or 8, naturally aligned. -EINVAL: no such BAR,
 * outside, or a size it does not take; no harm. */
int dsa_mmio_read(struct dsa *dsa, unsigned bar, uint64_t offset, unsigned size, uint64_t *value);
int dsa_mmio_write(struct dsa *dsa, unsigned bar, uint64_t offset, unsigned size, uint64_t value);

/* A 64-byte write at offset of BAR 2, a multiple of 64. 0 accepted (or, posted, whatever became of
 * it); 1 retry (only deferrable); -EINVAL. */
int dsa_portal_write(struct dsa *dsa, uint64_t offset, const void *bytes, bool deferrable);

/* Function-level reset without the configuration space (whose owner restores it anyway): registers
 * to defaults, work forgotten, no record written; when it returns no access is under way. */
void dsa_reset(struct dsa *dsa);
/* Surprise removal, and back again as after power-on. */
void dsa_set_gone(struct dsa *dsa, bool gone);

/* Entries in use, for tests and vsva show. */
unsigned dsa_jobs_in_flight(struct dsa *dsa);

#endif
