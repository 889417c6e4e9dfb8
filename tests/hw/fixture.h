/* SPDX-License-Identifier: MIT */
/*
 * A unit with memory, tables written by hand, an invalidation queue, a page-request queue, and
 * endpoints that do what the test says.
 *
 *   domain   what the tables of one PASID (or of one RID in legacy mode) lead to: first stage,
 *            second stage or both
 *   guest    the address space in which the tables of a first stage lie: the host's, or with a
 *            second stage under it one whose pages are somewhere else (GUEST_BASE on)
 */
#ifndef TESTS_HW_FIXTURE_H
#define TESTS_HW_FIXTURE_H

#include "unit.h"

#include "base/physmem.h"
#include "hw/device/endpoint.h"
#include "hw/unit.h"
#include "vtd/descriptors.h"
#include "vtd/faults.h"
#include "vtd/tables.h"

#define RID        rid(0x0310)
#define OTHER_RID  rid(0x0311)
#define NO_PASID   VSVA_PASID_INVALID
#define GUEST_BASE UINT64_C(0x40000000)

#define MSI_FAULT UINT64_C(0xfee01000)
#define MSI_QUEUE UINT64_C(0xfee02000)
#define MSI_PAGES UINT64_C(0xfee03000)

#define FIXTURE_PAGES 1024u

struct fake_endpoint {
	struct endpoint endpoint;
	int result; /* of endpoint_invalidate */
	unsigned invalidations;
	struct ats_invalidation last_invalidation;
	unsigned responses;
	uint32_t response_pasid;
	uint16_t response_prgi;
	unsigned response_code;
};

struct fixture {
	struct physmem *pm;
	struct unit *unit;
	uint64_t cap, ecap;

	struct {
		hpa_t base;
		void *memory;
	} pages[FIXTURE_PAGES];
	unsigned page_count;

	uint64_t root;              /* root table */
	uint64_t queue, queue_tail; /* invalidation queue: address, byte offset */
	uint64_t status;            /* where waits write */
	uint32_t status_next;
	uint64_t prq;

	unsigned fault_msis, queue_msis, page_msis; /* atomic */
	unsigned kicks;                             /* atomic */
};

struct fixture_options {
	enum unit_cache_policy policy;
	uint64_t seed;
	uint64_t cap, ecap; /* 0: the defaults */
	uint64_t cap_set, cap_clear, ecap_set, ecap_clear;
	uint32_t iotlb_entries;
	bool legacy;
	bool kicked; /* the queue is run by unit_run_queue() only */
	struct trace *trace;
};

/* Registers set up, translation enabled, queue running; no tables but an empty root table. */
void fixture_init(struct fixture *f, const struct fixture_options *options);
void fixture_fini(struct fixture *f);

/* Memory */
uint64_t fixture_page(struct fixture *f);
uint64_t *fixture_ptr(struct fixture *f, uint64_t address);

/* Registers */
uint32_t reg32(struct fixture *f, uint32_t offset);
uint64_t reg64(struct fixture *f, uint32_t offset);
void set32(struct fixture *f, uint32_t offset, uint32_t value);
void set64(struct fixture *f, uint32_t offset, uint64_t value);
void fixture_enable(struct fixture *f, bool enable);
void fixture_set_root(struct fixture *f, uint64_t rtaddr);

/* Tables. The entries are made as they are needed. */
struct vtd_context_entry *context_of(struct fixture *f, rid_t source);
struct vtd_legacy_context *legacy_context_of(struct fixture *f, rid_t source);
uint64_t *pasid_dir_of(struct fixture *f, rid_t source, uint32_t pasid);
struct vtd_pasid_entry *pasid_entry_of(struct fixture *f, rid_t source, uint32_t pasid);

struct domain {
	struct fixture *f;
	enum vtd_pgtt pgtt;
	uint16_t did;
	uint64_t first_root, second_root;
	unsigned first_levels, second_levels;
	bool ssade, eafe, wpe, sre;
	/* nested: pages of the guest, page n is at GUEST_BASE + n * 4096 */
	uint64_t guest_pages[FIXTURE_PAGES];
	unsigned guest_count;
};
/* levels: of each stage that there is; 0: 4. */
void domain_init(struct domain *d, struct fixture *f, enum vtd_pgtt pgtt, uint16_t did,
		 unsigned first_levels, unsigned second_levels);
/* Writes the PASID entry; NO_PASID: the one of RID_PASID, which is 0. */
void domain_attach(struct domain *d, rid_t source, uint32_t pasid);
struct vtd_pasid_entry domain_entry(const struct domain *d);
/* A page in the space where first-stage tables lie. */
uint64_t domain_guest_page(struct domain *d);
uint64_t domain_to_host(const struct domain *d, uint64_t guest);
/* The paging entry of that level, and the ones above it made where they are missing. */
uint64_t *domain_first_entry(struct domain *d, uint64_t address, unsigned level);
uint64_t *domain_second_entry(struct domain *d, uint64_t address, unsigned level);
#define FIRST_RWU (VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US)
#define SECOND_RW (VTD_SS_PTE_R | VTD_SS_PTE_W)
void domain_map_first(struct domain *d, uint64_t address, uint64_t to, unsigned level,
		      uint64_t flags);
void domain_map_second(struct domain *d, uint64_t address, uint64_t to, unsigned level,
		       uint64_t flags);

/* Requests */
struct unit_translation translate(struct fixture *f, rid_t source, uint32_t pasid, uint64_t addr,
				  enum unit_access access);
struct unit_translation translate_request(struct fixture *f, const struct unit_request *r);
struct unit_translation ats_translate(struct fixture *f, rid_t source, uint32_t pasid,
				      uint64_t addr, enum unit_access access);
bool allows_translated(struct fixture *f, rid_t source, uint64_t addr);
/* The request succeeds and leads there. */
#define assert_leads(f, source, pasid, addr, access, to)                                           \
	do {                                                                                       \
		struct unit_translation t_ = translate(f, source, pasid, addr, access);            \
		assert_int_equal(t_.fault, VTD_FAULT_NONE);                                        \
		assert_int_equal(t_.response, VTD_RESP_NONE);                                      \
		assert_int_equal(t_.hpa.v, to);                                                    \
	} while (0)
#define assert_faults(f, source, pasid, addr, access, reason)                                      \
	do {                                                                                       \
		struct unit_translation t_ = translate(f, source, pasid, addr, access);            \
		assert_int_equal(t_.fault, VTD_FAULT_##reason);                                    \
		assert_int_equal(t_.response, VTD_RESP_UR);                                        \
	} while (0)

/* The fault record at index, or F=0. Clears it. */
struct vtd_fault_record take_fault(struct fixture *f, unsigned index);
/* Exactly one fault is recorded: this one; clears everything. */
void expect_fault(struct fixture *f, enum vtd_fault reason, rid_t source, uint32_t pasid,
		  uint64_t addr);
void expect_no_fault(struct fixture *f);
void clear_faults(struct fixture *f);

/* Queue. submit does not move the tail register; submit_and_wait adds a wait descriptor and says
 * whether its status was written. */
void queue_put(struct fixture *f, const struct vtd_desc *desc);
void queue_ring(struct fixture *f);
bool queue_sync(struct fixture *f, const struct vtd_desc *desc);
struct vtd_desc desc_context(unsigned g, uint16_t did, rid_t source, unsigned fm);
struct vtd_desc desc_pasid(unsigned g, uint16_t did, uint32_t pasid);
struct vtd_desc desc_iotlb(unsigned g, uint16_t did, uint64_t addr, unsigned am, bool ih);
struct vtd_desc desc_pasid_iotlb(unsigned g, uint16_t did, uint32_t pasid, uint64_t addr,
				 unsigned am, bool ih);
struct vtd_desc desc_wait(struct fixture *f, bool sw, bool interrupt, bool drain, uint32_t *data);
uint32_t status_value(struct fixture *f);

/* Endpoints */
void fake_init(struct fake_endpoint *fake, struct fixture *f, rid_t source);
void fake_fini(struct fake_endpoint *fake);

#endif
