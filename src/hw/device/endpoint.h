/* SPDX-License-Identifier: MIT */
/*
 * An endpoint: the part that every PCIe function with ATS, PRI and PASID has. It makes the
 * requests, owns the device TLB, and keeps the page-request groups that wait for an answer.
 *
 * A device's engine accesses memory in windows: endpoint_window() translates addresses inside an
 * RCU read section and gives a pointer to pages, one behind the other, that may be touched until the
 * section ends. A copy therefore is
 *
 *     rcu_read_lock();
 *     endpoint_window(source …); endpoint_window(destination …); endpoint_copy_pieces(…);
 *     rcu_read_unlock();                            (or rcu_quiescent() between two windows)
 *
 * and an invalidation whose wait descriptor has completed means that no such copy is under way. It
 * waits for a piece, not for a whole window.
 */
#ifndef HW_DEVICE_ENDPOINT_H
#define HW_DEVICE_ENDPOINT_H

#include "base/lock.h"
#include "base/trace.h"
#include "hw/unit.h"
#include "vtd/pci_config.h"

#define ENDPOINT_WINDOW_MAX 524288u /* bytes of a window */
#define ENDPOINT_PIECE      65536u /* bytes that are touched before who waits for the section is heard */
#define ENDPOINT_GROUPS     512u /* 9-bit page request group index */

struct device_tlb;

struct endpoint_ops {
	/* A page-request group was answered; code: enum vtd_response_code. No lock of the endpoint
	 * is held, but the caller may be inside an RCU read section: must not wait. Typically marks
	 * the waiting work runnable and kicks the engine. */
	void (*page_response)(struct endpoint *endpoint, uint16_t prgi, unsigned code);
	/* The same for a request made with endpoint_page_request_tagged(): the tag comes back. By
	 * the time this is called the group index may be in use again; the tag never is. */
	void (*page_answer)(struct endpoint *endpoint, uint64_t tag, unsigned code);
};

enum endpoint_group_state {
	ENDPOINT_GROUP_FREE,
	ENDPOINT_GROUP_PENDING, /* asked, not answered */
	ENDPOINT_GROUP_STALE,   /* forgotten by a reset; its answer may still come and is dropped */
};

struct endpoint_group {
	enum endpoint_group_state state;
	bool tagged;
	uint32_t pasid;
	uint64_t tag;
};

/* None of them is counted where the device TLB answers. All atomic. */
struct endpoint_counters {
	uint64_t translations; /* asked of the unit */
	uint64_t page_requests, page_responses, invalidations;
};

struct endpoint {
	struct unit *unit;
	rid_t rid;
	rid_t pf_rid; /* own RID, or a VF's physical function: it has the ATS queue depth */
	const struct endpoint_ops *ops;
	const struct trace *trace;
	struct physmem *physmem;
	uint32_t slot;                /* of memory, physmem_ptr_near(); atomic */
	struct pci_config *config;    /* ATS and bus-master enables */
	struct pci_config *pf_config; /* PRI and PASID enables: own, or the PF's for a VF */
	struct device_tlb *tlb;
	struct lock lock; /* groups; a leaf: the unit is called without it */
	struct endpoint_group groups[ENDPOINT_GROUPS]; /* lock */
	uint16_t next_group;                           /* lock */
	uint32_t outstanding;                          /* requests not answered; lock */
	struct endpoint_counters counters;
	bool gone; /* surprise removal: answers nothing any more; atomic */
};

/* 0; -ENOMEM. config, physmem, unit: borrowed, outlive the endpoint. */
int endpoint_init(struct endpoint *endpoint, struct unit *unit, rid_t rid,
		  struct pci_config *config, struct physmem *physmem,
		  const struct endpoint_ops *ops, const struct trace *trace);
void endpoint_fini(struct endpoint *endpoint);
/* Makes it a virtual function, before anything runs: PRI and PASID are switched on in the physical
 * function's configuration space. pf_config: borrowed, outlives the endpoint. */
void endpoint_set_pf(struct endpoint *endpoint, rid_t pf_rid, struct pci_config *pf_config);

/* A write to the configuration space with what follows from it for the endpoint: no translation is
 * cached while ATS is off, a PRI reset forgets the groups. Returns enum pci_config_effect bits; the
 * device serialises calls and carries out what concerns itself (FLR). */
unsigned endpoint_config_write(struct endpoint *endpoint, uint32_t offset, unsigned size,
			       uint32_t value);

struct dma_context {
	uint32_t pasid; /* VSVA_PASID_INVALID: none */
	bool privileged;
	bool use_ats; /* false: untranslated requests */
};

enum dma_result {
	DMA_OK,
	DMA_FAULT, /* ATS said no, recoverable: a page request may help */
	DMA_ERROR, /* UR or CA, or no memory there: it will not get better by asking */
};

struct dma_window {
	void *pointer;
	size_t len;
	hpa_t hpa;
};

/* At most want bytes at addr: of its page, and of the next ones as long as they follow in host memory
 * too and their translations are cached. Inside an RCU read section. Emits VSVA_EV_ACCESS for what is
 * handed out, page by page; where somebody observes, a window has at most ENDPOINT_PIECE bytes. */
enum dma_result endpoint_window(struct endpoint *endpoint, const struct dma_context *context,
				uint64_t addr, size_t want, enum unit_access access,
				struct dma_window *out);

/* Inside a read section: copies len bytes of windows as memmove, or only the first pieces of them: the next is
 * not begun when somebody waits for the section. Where they overlap, to is before from. Returns how many bytes. */
size_t endpoint_copy_pieces(void *to, const void *from, size_t len);

/* A hint: windows on these bytes will be asked for, at least on the first ENDPOINT_WINDOW_MAX of them. */
void endpoint_bring_near(const struct endpoint *endpoint, const struct dma_context *context,
			 uint64_t addr, size_t len);

/* Copies len bytes, window by window, in read sections for which nobody waits longer than for two pieces (one that
 * the caller has open, at depth one, is passed through rcu_quiescent). *done: bytes finished, also on failure;
 * the failing address is addr + *done. */
enum dma_result endpoint_read(struct endpoint *endpoint, const struct dma_context *context,
			      uint64_t addr, void *buffer, size_t len, size_t *done);
enum dma_result endpoint_write(struct endpoint *endpoint, const struct dma_context *context,
			       uint64_t addr, const void *buffer, size_t len, size_t *done);

/* Sends a page request of one page as a group of its own. Returns the group index, -EOPNOTSUPP
 * (PRI off), -EBUSY (no credit: as many outstanding as the allocation allows). Not in a read
 * section. */
int endpoint_page_request(struct endpoint *endpoint, const struct dma_context *context,
			  uint64_t addr, enum unit_access access);
/* The same; the answer comes through ops->page_answer with this tag, maybe before this returns. */
int endpoint_page_request_tagged(struct endpoint *endpoint, const struct dma_context *context,
				 uint64_t addr, enum unit_access access, uint64_t tag);
/* Stop marker for a PASID (PCIe: the last request of a function that stops using it). */
void endpoint_stop_marker(struct endpoint *endpoint, uint32_t pasid);
/* Forget all outstanding groups: function reset. Late answers are dropped. */
void endpoint_reset(struct endpoint *endpoint);
/* Surprise removal: requests get nothing, invalidations time out. */
void endpoint_set_gone(struct endpoint *endpoint, bool gone);

/* What the unit calls */

struct ats_invalidation {
	bool has_pasid;  /* PASID-based descriptor (type 8) */
	bool all_pasids; /* G=1 */
	uint32_t pasid;
	uint64_t addr;
	uint8_t size_lg2; /* 12 … 64; 64: everything */
};
/* 0, or -ETIMEDOUT: the function is gone. Entries are unreachable for new look-ups when it returns;
 * accesses in flight end with the grace period of the wait descriptor. */
int endpoint_invalidate(struct endpoint *endpoint, const struct ats_invalidation *invalidation);
/* Page group response from the unit. Unknown groups are counted (PRI status UPRGI) and dropped. */
void endpoint_page_response(struct endpoint *endpoint, uint32_t pasid, uint16_t prgi,
			    unsigned code);

#endif
