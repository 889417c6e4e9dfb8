/* SPDX-License-Identifier: MIT */
/*
 * Invalidation descriptors and page requests, as they stand in memory. VT-d 6.5.2 and 7.4.1.
 *
 * A descriptor of a queue with DW=0 is the lower 128 bits of struct vtd_desc; its upper half is then zero.
 */
#ifndef VTD_DESCRIPTORS_H
#define VTD_DESCRIPTORS_H

#include "vsva/types.h"
#include "vtd/layout.h"

struct vtd_desc {
	uint64_t q[4];
};
struct vtd_page_request {
	uint64_t q[4];
};

/* Type is 7 bits: 11:9 and 3:0. VT-d 6.5.2 */
enum vtd_desc_type {
	VTD_DESC_CONTEXT_CACHE = 1,
	VTD_DESC_IOTLB = 2,
	VTD_DESC_DEVICE_TLB = 3,
	VTD_DESC_IEC = 4,
	VTD_DESC_WAIT = 5,
	VTD_DESC_PASID_IOTLB = 6,
	VTD_DESC_PASID_CACHE = 7,
	VTD_DESC_PASID_DEVICE_TLB = 8,
	VTD_DESC_PAGE_RESPONSE = 9,
};

/* clang-format off */
#define VTD_DESC_TYPE_FIELDS_(f, t) f(t, TYPE_LO, 3, 0) f(t, TYPE_HI, 11, 9)

#define VTD_DESC_CONTEXT_CACHE_FIELDS(f, a, i, t)                                                  \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, G, 5, 4) f(t, DID, 31, 16) f(t, SID, 47, 32) f(t, FM, 49, 48)

#define VTD_DESC_IOTLB_FIELDS(f, a, i, t)                                                          \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, G, 5, 4) f(t, DW, 6, 6) f(t, DR, 7, 7) f(t, DID, 31, 16)  \
	f(t, AM, 69, 64) f(t, IH, 70, 70) a(t, ADDR, 127, 76)

#define VTD_DESC_DEVICE_TLB_FIELDS(f, a, i, t)                                                     \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, PFSID_LO, 15, 12) f(t, MIP, 20, 16) f(t, SID, 47, 32)     \
	f(t, PFSID_HI, 63, 52) f(t, S, 64, 64) a(t, ADDR, 127, 76)

#define VTD_DESC_IEC_FIELDS(f, a, i, t)                                                            \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, G, 4, 4) f(t, IM, 31, 27) f(t, IIDX, 47, 32)

#define VTD_DESC_WAIT_FIELDS(f, a, i, t)                                                           \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, IF, 4, 4) f(t, SW, 5, 5) f(t, FN, 6, 6) f(t, PD, 7, 7)    \
	f(t, STDATA, 63, 32) a(t, STADDR, 127, 66)

#define VTD_DESC_PASID_IOTLB_FIELDS(f, a, i, t)                                                    \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, G, 5, 4) f(t, DID, 31, 16) f(t, PASID, 51, 32)            \
	f(t, AM, 69, 64) f(t, IH, 70, 70) a(t, ADDR, 127, 76)

#define VTD_DESC_PASID_CACHE_FIELDS(f, a, i, t)                                                    \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, G, 5, 4) f(t, DID, 31, 16) f(t, PASID, 51, 32)

#define VTD_DESC_PASID_DEVICE_TLB_FIELDS(f, a, i, t)                                               \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, MIP, 8, 4) f(t, PFSID_LO, 15, 12) f(t, SID, 31, 16)       \
	f(t, PASID, 51, 32) f(t, PFSID_HI, 63, 52) f(t, G, 64, 64) f(t, S, 75, 75)                 \
	a(t, ADDR, 127, 76)

/* bit 66 was LPIG in revision 3.x and is ignored */
#define VTD_DESC_PAGE_RESPONSE_FIELDS(f, a, i, t)                                                  \
	VTD_DESC_TYPE_FIELDS_(f, t) f(t, PP, 4, 4) f(t, RC, 15, 12) f(t, RID, 31, 16)              \
	f(t, PASID, 51, 32) i(t, LPIG, 66, 66) f(t, PRGI, 75, 67)

#define VTD_PAGE_REQUEST_FIELDS(f, a, i, t)                                                        \
	f(t, TYPE, 7, 0) f(t, PP, 8, 8) f(t, RID, 31, 16) f(t, PASID, 51, 32) f(t, EXR, 52, 52)    \
	f(t, PMR, 53, 53) f(t, RDR, 64, 64) f(t, WRR, 65, 65) f(t, LPIG, 66, 66)                   \
	f(t, PRGI, 75, 67) a(t, ADDR, 127, 76)

/* s(prefix, struct, list, words) */
#define VTD_DESC_STRUCTURES(s)                                                                     \
	s(vtd_desc_context_cache, struct vtd_desc, VTD_DESC_CONTEXT_CACHE_FIELDS, 4)               \
	s(vtd_desc_iotlb, struct vtd_desc, VTD_DESC_IOTLB_FIELDS, 4)                               \
	s(vtd_desc_device_tlb, struct vtd_desc, VTD_DESC_DEVICE_TLB_FIELDS, 4)                     \
	s(vtd_desc_iec, struct vtd_desc, VTD_DESC_IEC_FIELDS, 4)                                   \
	s(vtd_desc_wait, struct vtd_desc, VTD_DESC_WAIT_FIELDS, 4)                                 \
	s(vtd_desc_pasid_iotlb, struct vtd_desc, VTD_DESC_PASID_IOTLB_FIELDS, 4)                   \
	s(vtd_desc_pasid_cache, struct vtd_desc, VTD_DESC_PASID_CACHE_FIELDS, 4)                   \
	s(vtd_desc_pasid_device_tlb, struct vtd_desc, VTD_DESC_PASID_DEVICE_TLB_FIELDS, 4)         \
	s(vtd_desc_page_response, struct vtd_desc, VTD_DESC_PAGE_RESPONSE_FIELDS, 4)               \
	s(vtd_page_request, struct vtd_page_request, VTD_PAGE_REQUEST_FIELDS, 4)
/* clang-format on */

VTD_DESC_STRUCTURES(VTD_STRUCTURE_ACCESSORS)

static inline unsigned vtd_desc_type(const struct vtd_desc *desc)
{
	return (unsigned)((desc->q[0] & 0xf) | ((desc->q[0] >> 5) & 0x70));
}

static inline void vtd_desc_set_type(struct vtd_desc *desc, unsigned type)
{
	vtd_desc_wait_set_TYPE_LO(desc, type & 0xf);
	vtd_desc_wait_set_TYPE_HI(desc, type >> 4);
}

/* G of the context-cache descriptor and of the IOTLB descriptor; 0 is invalid */
enum vtd_context_granularity {
	VTD_CONTEXT_GLOBAL = 1,
	VTD_CONTEXT_DOMAIN = 2,
	VTD_CONTEXT_DEVICE = 3,
};
enum vtd_iotlb_granularity { VTD_IOTLB_GLOBAL = 1, VTD_IOTLB_DOMAIN = 2, VTD_IOTLB_PAGE = 3 };
/* 0 and 1 are invalid */
enum vtd_pasid_iotlb_granularity { VTD_PASID_IOTLB_PASID = 2, VTD_PASID_IOTLB_PAGE = 3 };
/* 2 is invalid */
enum vtd_pasid_cache_granularity {
	VTD_PASID_CACHE_DOMAIN = 0,
	VTD_PASID_CACHE_PASID = 1,
	VTD_PASID_CACHE_GLOBAL = 3,
};

/* RC of a page group response, VT-d 7.7.1 */
enum vtd_response_code {
	VTD_RESPONSE_SUCCESS = 0,
	VTD_RESPONSE_INVALID = 1,
	VTD_RESPONSE_FAILURE = 0xf,
};

enum { VTD_PAGE_REQUEST_TYPE = 1 };

/* FM of a context-cache descriptor: which bits of the source id are compared */
static inline uint16_t vtd_fm_sid_mask(unsigned fm)
{
	static const uint16_t masks[] = {0xffff, 0xfffb, 0xfff9, 0xfff8};

	return masks[fm & 3];
}

/* PFSID is split: [3:0] at bit 12, [15:4] at bit 52 of the same word */
static inline void vtd_desc_set_pfsid(struct vtd_desc *desc, uint16_t pfsid)
{
	vtd_desc_device_tlb_set_PFSID_LO(desc, pfsid & 0xfu);
	vtd_desc_device_tlb_set_PFSID_HI(desc, pfsid >> 4);
}

static inline uint16_t vtd_desc_pfsid(const struct vtd_desc *desc)
{
	return (uint16_t)(vtd_desc_device_tlb_PFSID_LO(desc) |
			  vtd_desc_device_tlb_PFSID_HI(desc) << 4);
}

/*
 * Range of a device-TLB invalidation, VT-d 6.5.2.5: with S=1 the ones from bit 12 of the address up to its lowest zero say how
 * many pages. size_lg2: 12 to 63, 64 is everything. A range is naturally aligned; lower bits of addr are ignored.
 */
#define VTD_DEVICE_TLB_ALL UINT64_C(0x7ffffffffffff000)

static inline unsigned vtd_device_tlb_size_lg2(uint64_t addr, bool s)
{
	unsigned ones = 0;

	if (!s)
		return 12;
	while (ones < 51 && ((addr >> (12 + ones)) & 1))
		ones++;
	return 12 + ones + 1; /* all of 62:12 set: 64, everything */
}

static inline uint64_t vtd_device_tlb_base(uint64_t addr, unsigned size_lg2)
{
	return size_lg2 >= 64 ? 0 : addr & ~((UINT64_C(1) << size_lg2) - 1) & ~UINT64_C(0xfff);
}

static inline uint64_t vtd_device_tlb_encode(uint64_t addr, unsigned size_lg2)
{
	if (size_lg2 >= 64)
		return VTD_DEVICE_TLB_ALL;
	addr = vtd_device_tlb_base(addr, size_lg2);
	return size_lg2 <= 12 ? addr : addr | (VTD_MASK(size_lg2 - 1, 0) >> 1 & ~UINT64_C(0xfff));
}

#endif
