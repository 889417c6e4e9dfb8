/* SPDX-License-Identifier: MIT */
/*
 * refwalk - a second opinion on DMA remapping.
 *
 * One function translates one request by reading the structures in memory, every time, from the
 * root table down. It has no cache and no state, and it shares nothing with the implementation it
 * judges: not a layout, not a constant, not a helper.
 *
 * Words:
 *   request    what a device sent: requester id, maybe a PASID, an address and an access
 *   fault      the fault reason code of VT-d 7.1.3 (table of fault conditions), 0 for none
 *   response   what the device gets back (VT-d 7.1.3, 4.2.3 and 7.4)
 *   recorded   a fault record is offered to the fault recording logic (VT-d 7.2)
 *   leaf       the paging entry that maps a page; lg2 is the logarithm of the page's size
 *   first / second stage, nested, pass-through: VT-d 3.6, 3.7, 3.8, 3.9
 */
#ifndef REFWALK_H
#define REFWALK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Every fault reason that the request types below can meet (VT-d 7.1.3): condition code, reason
 * code, is it qualified (FPD suppresses the record), response to a translation request (for the
 * two that only a page request can meet: OK).
 */
/* clang-format off */
#define REFWALK_REASONS(X) \
	X(LRT_2, 0x01, false, UR)       /* root entry not present                 */ \
	X(LCT_2, 0x02, true, UR)        /* context entry not present              */ \
	X(LCT_4, 0x03, true, CA)        /* invalid context entry                  */ \
	X(LGN_1, 0x04, true, S0)        /* address beyond the width               */ \
	X(LGN_2, 0x05, true, SE)        /* no write permission                    */ \
	X(LGN_3, 0x06, true, SE)        /* no read permission                     */ \
	X(LSS_1, 0x07, true, CA)        /* second-stage entry access              */ \
	X(LRT_1, 0x08, false, CA)       /* root entry access                      */ \
	X(LCT_1, 0x09, false, CA)       /* context entry access                   */ \
	X(LRT_3, 0x0a, false, CA)       /* root entry reserved bit                */ \
	X(LCT_3, 0x0b, true, CA)        /* context entry reserved bit             */ \
	X(LSS_2, 0x0c, true, CA)        /* second-stage entry reserved bit        */ \
	X(LCT_5, 0x0d, true, UR)        /* translation requests blocked           */ \
	X(LGN_4, 0x0e, true, CA)        /* output in the interrupt range          */ \
	X(RTA_1, 0x30, false, CA)       /* invalid TTM                            */ \
	X(RTA_2, 0x31, false, UR)       /* PASID in legacy mode                   */ \
	X(RTA_3, 0x32, false, OK)       /* page request in legacy mode            */ \
	X(RTA_4, 0x33, false, UR)       /* abort-DMA mode                         */ \
	X(SRT_1, 0x38, false, CA)       /* root entry access                      */ \
	X(SRT_2, 0x39, false, UR)       /* root entry half not present            */ \
	X(SRT_3, 0x3a, false, CA)       /* root entry reserved bit                */ \
	X(SCT_1, 0x40, false, CA)       /* context entry access                   */ \
	X(SCT_2, 0x41, true, UR)        /* context entry not present              */ \
	X(SCT_3, 0x42, true, CA)        /* context entry reserved bit             */ \
	X(SCT_4, 0x43, true, CA)        /* invalid context entry                  */ \
	X(SCT_5, 0x44, true, UR)        /* DTE=0                                  */ \
	X(SCT_6, 0x45, true, UR)        /* PASIDE=0                               */ \
	X(SCT_7, 0x46, true, UR)        /* PASID beyond PDTS                      */ \
	X(SCT_8, 0x47, true, OK)        /* PRE=0                                  */ \
	X(SCT_9, 0x48, true, UR)        /* PASID equals RID_PASID                 */ \
	X(SPD_1, 0x50, false, CA)       /* directory entry access                 */ \
	X(SPD_2, 0x51, true, S0)        /* directory entry not present            */ \
	X(SPD_3, 0x52, true, CA)        /* directory entry reserved bit           */ \
	X(SPT_1, 0x58, false, CA)       /* PASID entry access                     */ \
	X(SPT_2, 0x59, true, S0)        /* PASID entry not present                */ \
	X(SPT_3, 0x5a, true, CA)        /* PASID entry reserved bit               */ \
	X(SPT_4, 0x5b, true, CA)        /* invalid PASID entry                    */ \
	X(SPT_5, 0x5c, true, S0)        /* execute without ERS                    */ \
	X(SPT_6, 0x5d, true, S0)        /* privileged without SRE                 */ \
	X(SFS_1, 0x70, true, S0)        /* entry access                           */ \
	X(SFS_2, 0x71, true, S0)        /* entry not present                      */ \
	X(SFS_3, 0x72, true, S0)        /* entry reserved bit                     */ \
	X(SFS_4, 0x73, true, S0)        /* top entry access                       */ \
	X(SFS_5, 0x74, true, S0)        /* nested: guest address too wide         */ \
	X(SFS_6, 0x75, true, S0)        /* nested: top entry not readable         */ \
	X(SFS_7, 0x76, true, S0)        /* nested: entry not readable             */ \
	X(SFS_8, 0x77, true, S0)        /* nested: entry not writable             */ \
	X(SSS_1, 0x78, true, CA)        /* entry access                           */ \
	X(SSS_2, 0x79, true, S0)        /* entry not present                      */ \
	X(SSS_3, 0x7a, true, CA)        /* entry reserved bit                     */ \
	X(SSS_4, 0x7b, true, CA)        /* top entry access                       */ \
	X(SSS_5, 0x7c, true, CA)        /* A/D update, walk not snooped           */ \
	X(SSS_6, 0x7d, true, CA)        /* A/D update failed                      */ \
	X(SGN_1, 0x80, true, S0)        /* not canonical                          */ \
	X(SGN_2, 0x81, true, S0)        /* user request, U/S=0                    */ \
	X(SGN_4, 0x83, true, S0)        /* pass-through beyond HAW                */ \
	X(SGN_5, 0x84, true, S0)        /* second-stage input too wide            */ \
	X(SGN_6, 0x85, true, SE)        /* no write permission                    */ \
	X(SGN_7, 0x86, true, SE)        /* no read permission                     */ \
	X(SGN_8, 0x87, true, CA)        /* output in the interrupt range          */ \
	X(SGN_10, 0x89, true, UR)       /* PASID beyond PSS                       */ \
	X(SFS_9, 0x90, true, S0)        /* A/D update, walk not snooped           */ \
	X(SFS_10, 0x91, true, S0)       /* A/D update failed                      */
/* clang-format on */

enum refwalk_reason {
	REFWALK_NONE = 0,
#define REFWALK_REASON(name, code, qualified, completion) REFWALK_##name = code,
	REFWALK_REASONS(REFWALK_REASON)
#undef REFWALK_REASON
};

/*
 * Host memory as the unit sees it. Reads and swaps are little endian and naturally aligned, and
 * never cross a 4 KiB page. false means an access error (VT-d "access to … resulted in an error").
 *
 * cas64 compares with *expected and swaps on equality; whenever it returns true, *expected is the
 * value that memory held before, so the swap took place exactly if *expected did not change.
 */
struct refwalk_mem {
	void *ctx;
	bool (*read)(void *ctx, uint64_t hpa, void *buf, unsigned len);
	bool (*cas64)(void *ctx, uint64_t hpa, uint64_t *expected, uint64_t desired);
};

struct refwalk_unit {
	uint64_t cap;    /* CAP register, VT-d 11.4.2 */
	uint64_t ecap;   /* ECAP register, VT-d 11.4.3 */
	uint64_t rtaddr; /* RTADDR as latched by the last SRTP: root table and TTM */
	unsigned haw;    /* host address width in bits, 32 to 52 */
	bool te;         /* GSTS.TES */
	struct refwalk_mem mem;
};

enum refwalk_type {
	REFWALK_UNTRANSLATED,
	REFWALK_TRANSLATION_REQUEST, /* ATS */
	REFWALK_PAGE_REQUEST,        /* PRI */
};

struct refwalk_request {
	uint16_t rid; /* requester id: bus 15:8, devfn 7:0 */
	bool has_pasid;
	uint32_t pasid; /* 20 bits; meaningless if !has_pasid */
	uint64_t addr;
	/*
	 * Untranslated: at least one is set, both make an atomic.
	 * Translation request: read is implied; write clear is the No Write flag (NW=1).
	 * Page request: neither changes the outcome.
	 */
	bool read;
	bool write;
	bool exec;        /* execute requested; only with has_pasid */
	bool priv;        /* privileged mode requested; only with has_pasid */
	bool zero_length; /* zero-length read (untranslated reads only), CAP.ZLR */
	bool lpig;        /* page request: last in group, decides between IR and DROP */
	enum refwalk_type type;
};

enum refwalk_response {
	REFWALK_OK,   /* translated; for a page request: may be put on the queue */
	REFWALK_UR,   /* unsupported request */
	REFWALK_CA,   /* completer abort */
	REFWALK_S0,   /* translation completion "success" with R=W=U=S=0 */
	REFWALK_SE,   /* translation completion "success" with the effective permissions */
	REFWALK_IR,   /* page group response "invalid request" */
	REFWALK_DROP, /* page request with LPIG=0: silently dropped */
};

struct refwalk_result {
	/*
	 * Fault reason, 0 for none. With response S0 or SE it is the condition that was met; the
	 * device then sees success, not an error. TE=0 refuses requests with no reason at all.
	 */
	uint8_t fault;
	/* A fault record results: false without a fault, if FPD disables it, or for S0 and SE. */
	bool recorded;
	enum refwalk_response response;
	/*
	 * The remaining fields are valid for OK, and for SE with at least one of perm_r and perm_w;
	 * otherwise they are zero. A page request that is OK leaves them zero.
	 */
	uint64_t hpa; /* output address of exactly the requested byte */
	/* The smaller of both stages' leaves; 12 in pass-through, with TE=0 and for interrupts. */
	unsigned page_lg2;
	/*
	 * Effective rights of the page at the privilege of this request, over both stages. They are
	 * reported for untranslated requests too. A translation request whose NW flag is honoured
	 * has perm_w clear.
	 */
	bool perm_r;
	bool perm_w;
	bool perm_u;            /* first stage: U/S=1 in every entry; otherwise true */
	bool untranslated_only; /* U of a translation completion (interrupt address range) */
	bool interrupt;         /* not DMA: the write goes to interrupt remapping, hpa is addr */
};

/* Translate one request. Sets A, D and EA bits in memory as the hardware would. */
struct refwalk_result refwalk_translate(const struct refwalk_unit *unit,
					const struct refwalk_request *request);

#endif
