/* SPDX-License-Identifier: MIT */
/*
 * What travels through the two queues: invalidation descriptors (software to hardware) and page
 * requests (the other way).
 *
 * Vocabulary
 *   descriptor    a command in the invalidation queue: 16 bytes with IQA.DW=0, 32 with DW=1; types
 *                 6 to 9 exist with 32 bytes only
 *   granularity   how much a command removes; encoded differently in each type, hence an enum each
 *   AM            address mask: 2^AM pages; the low AM bits of the page number do not count
 *   size bit      S of device-TLB commands: the address itself says how long the range is
 *   group         page requests with the same PRGI; the last has LPIG=1 and gets the one response
 *   stop marker   LPIG=1 without RDR and WRR: asks for nothing and gets no response
 *
 * VT-d 6.5.2 (descriptors), chapter 7 (page requests and responses).
 */
#ifndef VTD_DESCRIPTORS_H
#define VTD_DESCRIPTORS_H

#include "vtd/layout.h"

/* A descriptor of either size; of a 16-byte one only q[0] and q[1] are there. */
struct vtd_desc {
	uint64_t q[4];
};

/* An entry of the page request queue. */
struct vtd_page_request {
	uint64_t q[4];
};

/* TYPE is split: bits 11:9 are type[6:4], bits 3:0 type[3:0]. PFSID is split likewise. */
enum vtd_desc_type {
	VTD_DESC_CONTEXT = 1,
	VTD_DESC_IOTLB = 2,
	VTD_DESC_DEV_TLB = 3,
	VTD_DESC_IEC = 4,
	VTD_DESC_WAIT = 5,
	VTD_DESC_PASID_IOTLB = 6,
	VTD_DESC_PASID_CACHE = 7,
	VTD_DESC_PASID_DEV_TLB = 8,
	VTD_DESC_PAGE_RESPONSE = 9,
};

/* clang-format off */
#define VTD_DESC_FIELDS(f, a, i, t)                                                                \
	f(t, TYPE_LO, 3, 0) f(t, TYPE_HI, 11, 9)

#define VTD_DESC_CONTEXT_FIELDS(f, a, i, t)                                                        \
	VTD_DESC_FIELDS(f, a, i, t) f(t, G, 5, 4) f(t, DID, 31, 16) f(t, SID, 47, 32)              \
	f(t, FM, 49, 48)

#define VTD_DESC_IOTLB_FIELDS(f, a, i, t)                                                          \
	VTD_DESC_FIELDS(f, a, i, t) f(t, G, 5, 4) f(t, DW, 6, 6) f(t, DR, 7, 7)                    \
	f(t, DID, 31, 16) f(t, AM, 69, 64) f(t, IH, 70, 70) a(t, ADDR, 127, 76)

#define VTD_DESC_DEV_TLB_FIELDS(f, a, i, t)                                                        \
	VTD_DESC_FIELDS(f, a, i, t) f(t, PFSID_LO, 15, 12) f(t, MIP, 20, 16) f(t, SID, 47, 32)     \
	f(t, PFSID_HI, 63, 52) f(t, S, 64, 64) a(t, ADDR, 127, 76)

#define VTD_DESC_IEC_FIELDS(f, a, i, t)                                                            \
	VTD_DESC_FIELDS(f, a, i, t) f(t, G, 4, 4) f(t, IM, 31, 27) f(t, IIDX, 47, 32)

#define VTD_DESC_WAIT_FIELDS(f, a, i, t)                                                           \
	VTD_DESC_FIELDS(f, a, i, t) f(t, IF, 4, 4) f(t, SW, 5, 5) f(t, FN, 6, 6) f(t, PD, 7, 7)    \
	f(t, STDATA, 63, 32) a(t, STADDR, 127, 66)

#define VTD_DESC_PASID_IOTLB_FIELDS(f, a, i, t)                                                    \
	VTD_DESC_FIELDS(f, a, i, t) f(t, G, 5, 4) f(t, DID, 31, 16) f(t, PASID, 51, 32)            \
	f(t, AM, 69, 64) f(t, IH, 70, 70) a(t, ADDR, 127, 76)

#define VTD_DESC_PASID_CACHE_FIELDS(f, a, i, t)                                                    \
	VTD_DESC_FIELDS(f, a, i, t) f(t, G, 5, 4) f(t, DID, 31, 16) f(t, PASID, 51, 32)

#define VTD_DESC_PASID_DEV_TLB_FIELDS(f, a, i, t)                                                  \
	VTD_DESC_FIELDS(f, a, i, t) f(t, MIP, 8, 4) f(t, PFSID_LO, 15, 12) f(t, SID, 31, 16)       \
	f(t, PASID, 51, 32) f(t, PFSID_HI, 63, 52) f(t, G, 64, 64) f(t, S, 75, 75)                 \
	a(t, ADDR, 127, 76)

/* bit 66 was LPIG in revision 3.x; Linux 5.10 still sets it */
#define VTD_DESC_PAGE_RESPONSE_FIELDS(f, a, i, t)                                                  \
	VTD_DESC_FIELDS(f, a, i, t) f(t, PP, 4, 4) f(t, RC, 15, 12) f(t, RID, 31, 16)              \
	f(t, PASID, 51, 32) i(t, LPIG, 66, 66) f(t, PRGI, 75, 67)

#define VTD_PAGE_REQUEST_FIELDS(f, a, i, t)                                                        \
	f(t, TYPE, 7, 0) f(t, PP, 8, 8) f(t, RID, 31, 16) f(t, PASID, 51, 32) f(t, EXR, 52, 52)    \
	f(t, PMR, 53, 53) f(t, RDR, 64, 64) f(t, WRR, 65, 65) f(t, LPIG, 66, 66)                   \
	f(t, PRGI, 75, 67) a(t, ADDR, 127, 76)

#define VTD_DESCRIPTOR_STRUCTURES(s)                                                               \
	s(vtd_desc, struct vtd_desc, VTD_DESC_FIELDS, 4)                                           \
	s(vtd_desc_context, struct vtd_desc, VTD_DESC_CONTEXT_FIELDS, 4)                           \
	s(vtd_desc_iotlb, struct vtd_desc, VTD_DESC_IOTLB_FIELDS, 4)                               \
	s(vtd_desc_dev_tlb, struct vtd_desc, VTD_DESC_DEV_TLB_FIELDS, 4)                           \
	s(vtd_desc_iec, struct vtd_desc, VTD_DESC_IEC_FIELDS, 4)                                   \
	s(vtd_desc_wait, struct vtd_desc, VTD_DESC_WAIT_FIELDS, 4)                                 \
	s(vtd_desc_pasid_iotlb, struct vtd_desc, VTD_DESC_PASID_IOTLB_FIELDS, 4)                   \
	s(vtd_desc_pasid_cache, struct vtd_desc, VTD_DESC_PASID_CACHE_FIELDS, 4)                   \
	s(vtd_desc_pasid_dev_tlb, struct vtd_desc, VTD_DESC_PASID_DEV_TLB_FIELDS, 4)               \
	s(vtd_desc_page_response, struct vtd_desc, VTD_DESC_PAGE_RESPONSE_FIELDS, 4)               \
	s(vtd_page_request, struct vtd_page_request, VTD_PAGE_REQUEST_FIELDS, 4)
/* clang-format on */

VTD_DESCRIPTOR_STRUCTURES(VTD_STRUCTURE_ACCESSORS)

/* G of each type. Values that an enum does not name are invalid. */
enum vtd_context_granularity {
	VTD_CONTEXT_GLOBAL = 1,
	VTD_CONTEXT_DOMAIN = 2,
	VTD_CONTEXT_DEVICE = 3,
};
enum vtd_iotlb_granularity {
	VTD_IOTLB_GLOBAL = 1,
	VTD_IOTLB_DOMAIN = 2,
	VTD_IOTLB_PAGE = 3,
};
enum vtd_iec_granularity { VTD_IEC_GLOBAL = 0, VTD_IEC_INDEX = 1 };
enum vtd_pasid_iotlb_granularity { VTD_PASID_IOTLB_PASID = 2, VTD_PASID_IOTLB_PAGE = 3 };
enum vtd_pasid_cache_granularity {
	VTD_PASID_CACHE_DOMAIN = 0,
	VTD_PASID_CACHE_PASID = 1,
	VTD_PASID_CACHE_GLOBAL = 3,
};

/* RC of a page group response; devices take every other value for a failure (PCIe) */
enum vtd_response_code {
	VTD_RESPONSE_SUCCESS = 0x0,
	VTD_RESPONSE_INVALID = 0x1,
	VTD_RESPONSE_FAILURE = 0xf,
};

enum { VTD_PAGE_REQUEST_TYPE = 1, VTD_MIP_UNLIMITED = 0 };

static inline unsigned vtd_desc_type(const struct vtd_desc *d)
{
	return (unsigned)(vtd_desc_TYPE_HI(d) << 4 | vtd_desc_TYPE_LO(d));
}

static inline void vtd_desc_set_type(struct vtd_desc *d, enum vtd_desc_type type)
{
	vtd_desc_set_TYPE_LO(d, (uint64_t)type & 0xf);
	vtd_desc_set_TYPE_HI(d, (uint64_t)type >> 4);
}

static inline struct vtd_desc vtd_desc_of_type(enum vtd_desc_type type)
{
	struct vtd_desc d = {{0}};

	vtd_desc_set_type(&d, type);
	return d;
}

static inline size_t vtd_desc_size(bool is_wide)
{
	return is_wide ? 32 : 16;
}

/* PFSID lies alike in both device-TLB descriptors, VT-d 6.5.2 */
static inline uint16_t vtd_desc_pfsid(const struct vtd_desc *d)
{
	return (uint16_t)(vtd_desc_dev_tlb_PFSID_HI(d) << 4 | vtd_desc_dev_tlb_PFSID_LO(d));
}

static inline void vtd_desc_set_pfsid(struct vtd_desc *d, uint16_t pfsid)
{
	vtd_desc_dev_tlb_set_PFSID_LO(d, pfsid & 0xfu);
	vtd_desc_dev_tlb_set_PFSID_HI(d, (uint64_t)pfsid >> 4);
}

/* LPIG=1 with RDR=WRR=0, VT-d chapter 7 */
static inline bool vtd_page_request_is_stop_marker(const struct vtd_page_request *r)
{
	return vtd_page_request_LPIG(r) && !vtd_page_request_RDR(r) && !vtd_page_request_WRR(r);
}

/* Addresses from first to last, both included: the whole address space has no length that fits. */
struct vtd_range {
	uint64_t first;
	uint64_t last;
};

/* ADDR with S=1 that means everything */
#define VTD_DEVICE_TLB_ALL UINT64_C(0x7ffffffffffff000)

#define VTD_RANGE_ALL ((struct vtd_range){.first = 0, .last = UINT64_MAX})

/* 2^am pages around the address, VT-d 6.5.2; am >= 52 is everything */
static inline struct vtd_range vtd_range_of_mask(uint64_t address, unsigned am)
{
	uint64_t inside = am >= 52 ? UINT64_MAX : (UINT64_C(4096) << am) - 1;

	return (struct vtd_range){.first = address & ~inside, .last = address | inside};
}

/*
 * The range of a device-TLB invalidation, VT-d 6.5.2. S=0 is one page. With S=1 the n consecutive
 * ones from bit 12 up make it 2^(n+1) pages. ADDR[63:12] of all ones, or all but the top one, is
 * everything.
 */
static inline struct vtd_range vtd_range_of_size_bit(uint64_t address, bool s)
{
	uint64_t page = address >> 12, grown = page ^ (page + 1);

	if (!s)
		return vtd_range_of_mask(address, 0);
	if (grown >= UINT64_C(1) << 51)
		return VTD_RANGE_ALL;
	/* grown has n + 1 ones: exactly the page-number bits inside the range */
	return (struct vtd_range){.first = address & ~(grown << 12 | 0xfff),
				  .last = address | grown << 12 | 0xfff};
}

/* The reverse: ADDR and S for 2^lg2_pages pages around the address; 52 is everything */
static inline uint64_t vtd_size_bit_address(uint64_t address, unsigned lg2_pages, bool *s)
{
	uint64_t ones;

	*s = lg2_pages != 0;
	if (lg2_pages == 0)
		return address & ~UINT64_C(0xfff);
	if (lg2_pages >= 52)
		return VTD_DEVICE_TLB_ALL;
	ones = (UINT64_C(1) << (lg2_pages - 1)) - 1;
	return (address & ~((UINT64_C(4096) << lg2_pages) - 1)) | ones << 12;
}

#endif
