/* SPDX-License-Identifier: MIT */
/* A driver on a fake unit: one set of PASIDs, one nesting domain, a device with everything. */
#ifndef TESTS_HOST_WORLD_H
#define TESTS_HOST_WORLD_H

#include "unit.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/worker.h"
#include "fake_vtd.h"
#include "host/iommu.h"

#define WORLD_EVENTS_MAX 4096u
#define RID_PF           rid(0x0100)
#define RID_VF           rid(0x8231) /* every nibble of the PF's would show in a wrong PFSID */
#define ROOT_GPA         0x123000u

struct world {
	struct fake_vtd fake;
	struct fake_pci pci;
	struct worker_pool *pool;
	struct trace trace;
	struct vsva_event events[WORLD_EVENTS_MAX];
	unsigned event_count;
	struct vsva_iommu *iommu;
	struct vsva_ioasid_set *set;
	struct vsva_domain *domain;
	struct vsva_dev *dev;
	int token;

	/* handler: answers with handler_result, and keeps what it got */
	int handler_result;
	struct vsva_fault faults[64];
	unsigned fault_count;
	struct vsva_unit_fault unit_fault;
	unsigned unit_fault_count;
};

/* A full physical unit: nested, 4 and 5 levels, ATS, PRI, PDS, 20-bit PASIDs, CM=0. */
uint64_t world_cap(void);
uint64_t world_ecap(void);

/* Fake unit and driver, nothing attached. */
struct world *world_create_bare(uint64_t cap, uint64_t ecap);
/* And set, domain, device attached, handler registered; the log is empty. */
struct world *world_create(void);
struct world *world_create_with(uint64_t cap, uint64_t ecap);
void world_destroy(struct world *world);
/* For cmocka: state is the world. */
int world_setup(void **state);
int world_teardown(void **state);

void world_run(struct world *world);
int world_handler(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault);
void world_unit_fault(void *arg, struct vsva_dev *dev, const struct vsva_unit_fault *fault);

hpasid_t world_pasid(struct world *world);
/* Good data for a PASID. */
struct vsva_gpasid_bind_data world_bind_data(hpasid_t pasid, gpasid_t guest);
/* Allocates a PASID and binds it. */
hpasid_t world_bind(struct world *world, gpasid_t guest);
struct vtd_pasid_entry world_entry(struct world *world, hpasid_t pasid);
did_t world_child(struct world *world, hpasid_t pasid);
/* Count of events of a kind. */
unsigned world_events(const struct world *world, enum vsva_event_kind kind);

/* Page request in the unit's queue. perm: VSVA_FAULT_PERM_*. */
struct vtd_page_request world_request(rid_t rid, uint32_t pasid, uint64_t addr, uint32_t perm,
				      uint16_t prgi, bool last);
void world_request_push(struct world *world, uint32_t pasid, uint64_t addr, uint16_t prgi,
			bool last);
int world_respond(struct world *world, uint32_t pasid, uint16_t prgi, uint32_t code);

/* The log, one descriptor after the other. */
void expect_log_count(const struct world *world, unsigned count);
void expect_context_device(const struct world *world, unsigned at, rid_t rid);
void expect_pasid_cache(const struct world *world, unsigned at, did_t did, uint32_t pasid);
void expect_pasid_cache_domain(const struct world *world, unsigned at, did_t did);
void expect_iotlb_domain(const struct world *world, unsigned at, did_t did);
void expect_iotlb_range(const struct world *world, unsigned at, did_t did, uint64_t addr,
			unsigned am);
void expect_piotlb_all(const struct world *world, unsigned at, did_t did, uint32_t pasid);
void expect_piotlb_range(const struct world *world, unsigned at, did_t did, uint32_t pasid,
			 uint64_t addr, unsigned am, bool leaf);
/* raw: ADDR as it stands in the descriptor, with its size bits */
void expect_dev_tlb(const struct world *world, unsigned at, rid_t rid, uint64_t raw, bool s);
void expect_pasid_dev_tlb(const struct world *world, unsigned at, rid_t rid, uint32_t pasid,
			  uint64_t raw, bool s);
void expect_dev_tlb_all_pasids(const struct world *world, unsigned at, rid_t rid);
void expect_fence(const struct world *world, unsigned at);
void expect_drain(const struct world *world, unsigned at);
void expect_response(const struct world *world, unsigned at, rid_t rid, uint32_t pasid,
		     uint16_t prgi, unsigned code);

#endif
