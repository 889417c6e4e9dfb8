/* SPDX-License-Identifier: MIT */
/*
 * The driver on the real unit, whose walks do not snoop the processor's caches: what the driver
 * writes stays in a cache (here: is not seen by the unit) until the port writes it back. Memory that
 * was never written back holds garbage.
 *
 *   cpu      memory as the processor sees it; the driver's tables and queues lie there
 *   memory   as the unit sees it without snooping. Guest memory is the same in both, and queues are
 *            always snooped
 */
#ifndef TESTS_SCENARIOS_INCOHERENT_H
#define TESTS_SCENARIOS_INCOHERENT_H

#include "unit.h"

#include "base/worker.h"
#include "host/iommu.h"
#include "hw/device/endpoint.h"
#include "hw/unit.h"

#define INCOHERENT_RID rid(0x0208)

/* What is written back. */
enum table_kind {
	TABLE_NEW, /* whole pages */
	TABLE_ROOT,
	TABLE_CONTEXT,
	TABLE_DIRECTORY,
	TABLE_PASID,
	TABLE_OTHER, /* of a second stage, or nothing leads to it yet or any more */
	TABLE_KINDS
};

#define INCOHERENT_CHUNKS 2u

struct incoherent {
	struct physmem *cpu, *memory;
	struct {
		uint64_t base;
		unsigned char *cpu, *memory;
	} chunks[INCOHERENT_CHUNKS];
	struct worker_pool *pool;
	struct unit *unit;
	struct pci_config config;
	struct endpoint endpoint;
	struct vsva_iommu *iommu;
	struct vsva_ioasid_set *set;
	struct vsva_domain *domain; /* maps guest memory one to one */
	struct vsva_dev *dev;
	unsigned char *ram;
	hpa_t ram_base;
	bool snoops_paging;

	unsigned written;  /* write-backs so far */
	unsigned left_out; /* the nth, from 1 on, does not take place; 0: all do */
	enum table_kind left_out_kind;
};

#define INCOHERENT_RAM (UINT64_C(4) << 20)

/* snoops_paging: the unit snoops paging structures (SMPWC), and no other tables. It can nest then. */
void incoherent_create(struct incoherent *i, bool snoops_paging);
void incoherent_destroy(struct incoherent *i);
/* The fault that a read of 8 bytes meets, or VTD_FAULT_NONE and the value. pasid VSVA_PASID_INVALID:
 * none. */
enum vtd_fault incoherent_read(struct incoherent *i, rid_t rid, uint32_t pasid, uint64_t addr,
			       uint64_t *value);

#endif
