/* SPDX-License-Identifier: MIT */
/*
 * The remapping unit: the silicon. It knows nothing of hosts and guests: registers, memory,
 * requests of endpoints, and messages (MSI) are its whole world.
 *
 * Vocabulary of this room
 *   request      what an endpoint puts on the bus: (RID, PASID or none, address, access)
 *   walk         reading tables in memory to translate a request (VT-d chapter 3)
 *   stage        first (GVA or IOVA to GPA), second (GPA to HPA); nested: both
 *   tag          what a cached translation is found and removed by (VT-d 6.2)
 *   generation   a number that an invalidation moves on, so that a walk that began before it cannot
 *                leave what it read in a cache after it
 *   response     what the endpoint gets: data, UR, CA, or for ATS a completion
 *
 * Concurrency
 *   | may run at once  | mmio | run_queue | translate | page_request | attach/detach |
 *   | mmio             | yes  | yes       | yes       | yes          | yes           |
 *   | run_queue        |      | no (one runner, others return at once)  | yes | yes |
 *   | translate        |      |           | yes       | yes          | yes           |
 * unit_translate takes no lock where the translation is cached, never allocates and never makes a
 * system call; it must be called inside an RCU read section, and what it returns may be used
 * until that section ends: a wait descriptor that completes has waited for it.
 */
#ifndef HW_UNIT_H
#define HW_UNIT_H

#include "base/physmem.h"
#include "base/trace.h"
#include "vsva/types.h"
#include "vtd/faults.h"

enum unit_cache_policy {
	UNIT_CACHE_NEVER,  /* nothing is ever cached */
	UNIT_CACHE_LRU,    /* what silicon does */
	UNIT_CACHE_RANDOM, /* hits, fills and evictions are drawn by lot */
	UNIT_CACHE_ADVERSARIAL, /* whatever is legal and hurts: keeps all, prefetches, serves the stalest */
};

struct unit_config {
	uint64_t cap, ecap; /* VT-d 11.4.2, 11.4.3 */
	struct physmem *physmem;
	const struct trace *trace; /* may be NULL */
	enum unit_cache_policy policy;
	uint64_t seed;
	uint32_t
		iotlb_entries; /* 0: a default; otherwise rounded up to a power of two. There is room for some more */
	/* Event messages, called without any lock of the unit held. */
	void (*msi)(void *arg, uint64_t address, uint32_t data);
	/* The queue tail moved (or an error was cleared) and there is work: the owner calls
	 * unit_run_queue() now or later, from any thread. NULL: the unit runs the queue inside the
	 * register write that moved the tail. */
	void (*queue_kick)(void *arg);
	void *arg;
};

struct unit;
struct endpoint;

/* 0; -ENOMEM; -EINVAL: CAP and ECAP contradict each other (see unit_default_cap). */
int unit_create(const struct unit_config *config, struct unit **out);
/* Endpoints must have been detached. */
void unit_destroy(struct unit *unit);

/* Power-on state: registers to reset values, translation off, caches empty. Endpoints stay
 * attached. */
void unit_reset(struct unit *unit);

/* The capabilities of a full physical unit: scalable mode, nested, 4 and 5 levels, 1 GiB pages,
 * ATS, PRI, PDS, 20-bit PASIDs, SRS, EAFS, SSADS, SMPWC, CM=0, no virtual command. */
uint64_t unit_default_cap(void);
uint64_t unit_default_ecap(void);

/* Register access; size 4 or 8, naturally aligned, inside 4 KiB: otherwise -EINVAL and no harm.
 * A write may wait for requests in flight (SRTP, TE, register-based invalidation, the queue
 * where it is run inside the write): not in an RCU read section. */
int unit_mmio_read(struct unit *unit, uint32_t offset, unsigned size, uint64_t *value);
int unit_mmio_write(struct unit *unit, uint32_t offset, unsigned size, uint64_t value);

/* Executes a bounded number of descriptors; true: there are more. Never in an RCU read section (it
 * waits for those), never with a lock held that a read section takes. */
bool unit_run_queue(struct unit *unit);

/* The endpoint becomes known under its RID: it receives invalidations and page responses.
 * -EEXIST; -ENOMEM. Detach waits until no invalidation or response is being delivered. */
int unit_attach(struct unit *unit, struct endpoint *endpoint);
void unit_detach(struct unit *unit, struct endpoint *endpoint);

enum unit_access {
	UNIT_READ = 1,
	UNIT_WRITE = 2,
	UNIT_ATOMIC = 3, /* needs both rights */
};

struct unit_request {
	rid_t rid;
	uint32_t pasid; /* VSVA_PASID_INVALID: request without PASID */
	uint64_t addr;
	enum unit_access access;
	union {
		struct {
			bool privileged : 1;
			bool exec : 1;        /* execute requested (with a read) */
			bool zero_length : 1; /* zero-length read: needs W only where CAP.ZLR is 1 */
		};
		uint8_t unusual; /* any of them */
	};
};

struct unit_translation {
	hpa_t hpa;            /* of the byte at addr */
	uint8_t page_lg2;     /* size of the page that was translated: the smaller of both stages */
	uint8_t rights;       /* VSVA_PROT_*: effective rights (both stages) */
	bool user;            /* user access allowed (U/S over the first stage) */
	bool interrupt;       /* untranslated write to 0xFEExxxxx: a message, hpa is its address */
	enum vtd_fault fault; /* VTD_FAULT_NONE or the reason */
	enum vtd_response
		response; /* see vtd/faults.h: what the endpoint sees; NONE: it is served */
};

/* Untranslated request. Records a fault where there is one. response OK: hpa may be accessed. */
void unit_translate(struct unit *unit, const struct unit_request *request,
		    struct unit_translation *out);

/* Bytes from addr to the end of its page, but at most len. */
static inline uint64_t unit_rest_of_page(uint64_t addr, unsigned page_lg2, uint64_t len)
{
	uint64_t page = page_lg2 < 64 ? UINT64_C(1) << page_lg2 : 0;
	uint64_t rest = page - (addr & (page - 1));

	return page && rest < len ? rest : len;
}

/* What a request that is not unusual is granted, as far as the IOTLB knows. In registers: a copy waits
 * for it. */
struct unit_grant {
	hpa_t hpa;        /* of the byte at addr */
	uint8_t page_lg2; /* 0: it knows nothing; and nothing is recorded */
	uint8_t rights;   /* VSVA_PROT_* */
};
struct unit_grant unit_find_cached(struct unit *unit, rid_t rid, uint32_t pasid, uint64_t addr,
				   enum unit_access access);
/* Of len bytes at addr: how many lie one behind the other in host memory, from `to` on, as far as the
 * IOTLB knows. */
uint64_t unit_find_run(struct unit *unit, rid_t rid, uint32_t pasid, uint64_t addr,
		       enum unit_access access, hpa_t to, uint64_t len);
/* A hint: len bytes at addr will be looked for in the IOTLB. What that needs is fetched from memory. */
void unit_bring_near(const struct unit *unit, rid_t rid, uint32_t pasid, uint64_t addr,
		     uint64_t len);
/* unit_translate() for a request of which unit_find_cached() knows nothing. */
void unit_translate_unknown(struct unit *unit, const struct unit_request *request,
			    struct unit_translation *out);

/* ATS translation request (the access asked for is in request->access). response: OK or SE with the
 * effective rights, S0 (nothing), UR, CA. */
void unit_ats_translate(struct unit *unit, const struct unit_request *request,
			struct unit_translation *out);

/* ATS translated request to a host physical address: is this RID allowed to make one (DTE, TT)? */
bool unit_ats_allows_translated(struct unit *unit, rid_t rid, hpa_t address,
				enum unit_access access);

struct unit_page_request {
	rid_t rid;
	uint32_t pasid; /* or VSVA_PASID_INVALID */
	uint64_t addr;
	bool read, write, exec, privileged;
	bool last;     /* last in group; read = write = false with last: stop marker */
	uint16_t prgi; /* page request group index, 9 bits */
};

/*
 * PCIe page request message. Whatever answer there is, now or later, comes through the endpoint's
 * page_response; exactly one for a group whose last request was accepted or answered here.
 * Any thread, not in an RCU read section.
 */
void unit_page_request(struct unit *unit, const struct unit_page_request *request);

/* For tests and vsva show: bytes that the caches occupy, entries that are valid now. */
struct unit_cache_stats {
	uint64_t iotlb_hits, iotlb_misses, iotlb_entries, iotlb_bytes;
	uint64_t walks, pasid_cache_hits, paging_cache_hits;
	uint64_t descriptors, waits, page_requests, faults;
};
void unit_get_stats(const struct unit *unit, struct unit_cache_stats *out);

#endif
