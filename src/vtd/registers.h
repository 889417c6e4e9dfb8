/* SPDX-License-Identifier: MIT */
/*
 * The registers of one remapping unit: offsets and fields.
 *
 * Vocabulary
 *   register page   4 KiB, accessed in aligned words of 4 or 8 bytes
 *   level bit       of GCMD: software writes the wanted state every time (TE, QIE, IRE, CFI, EAFL)
 *   one-shot bit    of GCMD: 1 starts something, 0 does nothing (SRTP, SIRTP, WBF, SFL)
 *   relocated       where a capability says: IVA and IOTLB (ECAP.IRO), FRCD (CAP.FRO)
 *
 * VT-d 11.4; 11.4.14 to 11.4.16 for the virtual command. Deprecated bits (CAP.AFL and ISOCH,
 * ECAP.ECS and DIS, FSTS.APF, AFO and PRO) have no name and are therefore reserved.
 */
#ifndef VTD_REGISTERS_H
#define VTD_REGISTERS_H

#include "vtd/layout.h"

#define VTD_REGISTER_PAGE_SIZE 4096u

#define VTD_VER_FIELDS(f, a, i, t) f(t, MIN, 3, 0) f(t, MAX, 7, 4)

/* clang-format off */
#define VTD_CAP_FIELDS(f, a, i, t)                                                                 \
	f(t, ND, 2, 0) f(t, RWBF, 4, 4) f(t, PLMR, 5, 5) f(t, PHMR, 6, 6) f(t, CM, 7, 7)           \
	f(t, SAGAW, 12, 8) f(t, MGAW, 21, 16) f(t, ZLR, 22, 22) f(t, FRO, 33, 24)                  \
	f(t, SSLPS, 37, 34) f(t, PSI, 39, 39) f(t, NFR, 47, 40) f(t, MAMV, 53, 48)                 \
	f(t, DWD, 54, 54) f(t, DRD, 55, 55) f(t, FS1GP, 56, 56) f(t, PI, 59, 59)                   \
	f(t, FS5LP, 60, 60) f(t, ECMDS, 61, 61) f(t, ESIRTPS, 62, 62) f(t, ESRTPS, 63, 63)

#define VTD_ECAP_FIELDS(f, a, i, t)                                                                \
	f(t, C, 0, 0) f(t, QI, 1, 1) f(t, DT, 2, 2) f(t, IR, 3, 3) f(t, EIM, 4, 4)                 \
	f(t, PT, 6, 6) f(t, SC, 7, 7) f(t, IRO, 17, 8) f(t, MHMV, 23, 20) f(t, MTS, 25, 25)        \
	f(t, NEST, 26, 26) f(t, PRS, 29, 29) f(t, ERS, 30, 30) f(t, SRS, 31, 31)                   \
	f(t, NWFS, 33, 33) f(t, EAFS, 34, 34) f(t, PSS, 39, 35) f(t, PASID, 40, 40)                \
	f(t, DIT, 41, 41) f(t, PDS, 42, 42) f(t, SMTS, 43, 43) f(t, VCS, 44, 44)                   \
	f(t, SSADS, 45, 45) f(t, SSTS, 46, 46) f(t, FSTS, 47, 47) f(t, SMPWC, 48, 48)              \
	f(t, RPS, 49, 49) f(t, PMS, 51, 51) f(t, ADMS, 52, 52) f(t, RPRIVS, 53, 53)                \
	f(t, SMS, 58, 58)

#define VTD_GCMD_FIELDS(f, a, i, t)                                                                \
	f(t, TE, 31, 31) f(t, SRTP, 30, 30) f(t, SFL, 29, 29) f(t, EAFL, 28, 28)                   \
	f(t, WBF, 27, 27) f(t, QIE, 26, 26) f(t, IRE, 25, 25) f(t, SIRTP, 24, 24)                  \
	f(t, CFI, 23, 23)

#define VTD_GSTS_FIELDS(f, a, i, t)                                                                \
	f(t, TES, 31, 31) f(t, RTPS, 30, 30) f(t, FLS, 29, 29) f(t, AFLS, 28, 28)                  \
	f(t, WBFS, 27, 27) f(t, QIES, 26, 26) f(t, IRES, 25, 25) f(t, IRTPS, 24, 24)               \
	f(t, CFIS, 23, 23)

#define VTD_RTADDR_FIELDS(f, a, i, t) f(t, TTM, 11, 10) a(t, RTA, 63, 12)

#define VTD_CCMD_FIELDS(f, a, i, t)                                                                \
	f(t, DID, 15, 0) f(t, SID, 31, 16) f(t, FM, 33, 32) f(t, CAIG, 60, 59)                     \
	f(t, CIRG, 62, 61) f(t, ICC, 63, 63)

#define VTD_FSTS_FIELDS(f, a, i, t)                                                                \
	f(t, PFO, 0, 0) f(t, PPF, 1, 1) f(t, IQE, 4, 4) f(t, ICE, 5, 5) f(t, ITE, 6, 6)            \
	f(t, FRI, 15, 8)

#define VTD_FECTL_FIELDS(f, a, i, t)   f(t, IM, 31, 31) f(t, IP, 30, 30)
#define VTD_FEDATA_FIELDS(f, a, i, t)  f(t, IMD, 15, 0)
#define VTD_FEADDR_FIELDS(f, a, i, t)  a(t, MA, 31, 2)
#define VTD_FEUADDR_FIELDS(f, a, i, t) f(t, MUA, 31, 0)

#define VTD_PMEN_FIELDS(f, a, i, t)     f(t, EPM, 31, 31) f(t, PRS, 0, 0)
#define VTD_PLMBASE_FIELDS(f, a, i, t)  a(t, PLMB, 31, 0)
#define VTD_PLMLIMIT_FIELDS(f, a, i, t) a(t, PLML, 31, 0)
#define VTD_PHMBASE_FIELDS(f, a, i, t)  a(t, PHMB, 63, 0)
#define VTD_PHMLIMIT_FIELDS(f, a, i, t) a(t, PHML, 63, 0)

/* IQH and IQT are byte offsets into the queue, so they stay in place */
#define VTD_IQH_FIELDS(f, a, i, t) a(t, QH, 18, 4)
#define VTD_IQT_FIELDS(f, a, i, t) a(t, QT, 18, 4)
#define VTD_IQA_FIELDS(f, a, i, t) f(t, QS, 2, 0) f(t, DW, 11, 11) a(t, IQA, 63, 12)
#define VTD_ICS_FIELDS(f, a, i, t) f(t, IWC, 0, 0)
#define VTD_IECTL_FIELDS(f, a, i, t)   f(t, IM, 31, 31) f(t, IP, 30, 30)
#define VTD_IEDATA_FIELDS(f, a, i, t)  f(t, IMD, 15, 0)
#define VTD_IEADDR_FIELDS(f, a, i, t)  a(t, MA, 31, 2)
#define VTD_IEUADDR_FIELDS(f, a, i, t) f(t, MUA, 31, 0)
#define VTD_IQERCD_FIELDS(f, a, i, t)                                                              \
	f(t, IQEI, 3, 0) f(t, ITESID, 47, 32) f(t, ICESID, 63, 48)

#define VTD_IRTA_FIELDS(f, a, i, t) f(t, S, 3, 0) f(t, EIME, 11, 11) a(t, IRTA, 63, 12)

#define VTD_PQH_FIELDS(f, a, i, t) a(t, PQH, 18, 5)
#define VTD_PQT_FIELDS(f, a, i, t) a(t, PQT, 18, 5)
#define VTD_PQA_FIELDS(f, a, i, t) f(t, PQS, 2, 0) a(t, PQA, 63, 12)
#define VTD_PRS_FIELDS(f, a, i, t) f(t, PPR, 0, 0) f(t, PRO, 1, 1)
#define VTD_PECTL_FIELDS(f, a, i, t)   f(t, IM, 31, 31) f(t, IP, 30, 30)
#define VTD_PEDATA_FIELDS(f, a, i, t)  f(t, IMD, 15, 0)
#define VTD_PEADDR_FIELDS(f, a, i, t)  a(t, MA, 31, 2)
#define VTD_PEUADDR_FIELDS(f, a, i, t) f(t, MUA, 31, 0)

#define VTD_RDTC_FIELDS(f, a, i, t) f(t, RMID, 11, 0) f(t, CLOS, 36, 32)

#define VTD_VCMD_FIELDS(f, a, i, t)    f(t, CMD, 7, 0) f(t, OA, 63, 16)
#define VTD_VCMD_EO_FIELDS(f, a, i, t) f(t, OB, 63, 0)
#define VTD_VCRSP_FIELDS(f, a, i, t)   f(t, IP, 0, 0) f(t, SC, 7, 1) f(t, RSLT, 63, 16)
#define VTD_VCCAP_FIELDS(f, a, i, t)   f(t, NS, 0, 0) f(t, PAS, 1, 1) f(t, FPS, 2, 2)

#define VTD_IVA_FIELDS(f, a, i, t) f(t, AM, 5, 0) f(t, IH, 6, 6) a(t, ADDR, 63, 12)
#define VTD_IOTLB_FIELDS(f, a, i, t)                                                               \
	f(t, DID, 47, 32) f(t, DW, 48, 48) f(t, DR, 49, 49) f(t, IAIG, 58, 57)                     \
	f(t, IIRG, 61, 60) f(t, IVT, 63, 63)

/* r(name, width in bits, offset) */
#define VTD_FIXED_REGISTERS(r)                                                                     \
	r(VER, 32, 0x000) r(CAP, 64, 0x008) r(ECAP, 64, 0x010) r(GCMD, 32, 0x018)                  \
	r(GSTS, 32, 0x01c) r(RTADDR, 64, 0x020) r(CCMD, 64, 0x028) r(FSTS, 32, 0x034)              \
	r(FECTL, 32, 0x038) r(FEDATA, 32, 0x03c) r(FEADDR, 32, 0x040) r(FEUADDR, 32, 0x044)        \
	r(PMEN, 32, 0x064) r(PLMBASE, 32, 0x068) r(PLMLIMIT, 32, 0x06c)                            \
	r(PHMBASE, 64, 0x070) r(PHMLIMIT, 64, 0x078) r(IQH, 64, 0x080) r(IQT, 64, 0x088)           \
	r(IQA, 64, 0x090) r(ICS, 32, 0x09c) r(IECTL, 32, 0x0a0) r(IEDATA, 32, 0x0a4)               \
	r(IEADDR, 32, 0x0a8) r(IEUADDR, 32, 0x0ac) r(IQERCD, 64, 0x0b0) r(IRTA, 64, 0x0b8)         \
	r(PQH, 64, 0x0c0) r(PQT, 64, 0x0c8) r(PQA, 64, 0x0d0) r(PRS, 32, 0x0dc)                    \
	r(PECTL, 32, 0x0e0) r(PEDATA, 32, 0x0e4) r(PEADDR, 32, 0x0e8) r(PEUADDR, 32, 0x0ec)        \
	r(RDTC, 64, 0xdc0) r(VCMD, 64, 0xe00) r(VCMD_EO, 64, 0xe08) r(VCRSP, 64, 0xe10)            \
	r(VCCAP, 64, 0xe30)

/* the offset is relative to 16 * ECAP.IRO */
#define VTD_RELOCATED_REGISTERS(r) r(IVA, 64, 0) r(IOTLB, 64, 8)
/* clang-format on */

#define VTD_OFFSET_(name, width, offset)   VTD_REG_##name = (offset),
#define VTD_RELATIVE_(name, width, offset) VTD_IRO_##name = (offset),
enum vtd_register {
	VTD_FIXED_REGISTERS(VTD_OFFSET_)
	/* blocks of features that we do not offer; they read zero */
	VTD_REG_AFLOG = 0x058,
	VTD_REG_MTRRCAP = 0x100,
	VTD_REG_MTRRDEF = 0x108,
	VTD_REG_PERFCAP = 0x300,
	VTD_REG_PERFCFGOFF = 0x310,
	VTD_REG_PERFOVFOFF = 0x318,
	VTD_REG_PERFCNTROFF = 0x31c,
	VTD_REG_PERFINTRSTS = 0x324,
	VTD_REG_PERFINTRCTL = 0x328,
	VTD_REG_PERFEVNTCAP = 0x380,
	VTD_REG_ECMD = 0x400,
	VTD_REG_ECEO = 0x408,
	VTD_REG_ECRSP = 0x410,
	VTD_REG_ECSTS0 = 0x420,
	VTD_REG_ECCAP0 = 0x430,
};
enum { VTD_RELOCATED_REGISTERS(VTD_RELATIVE_) VTD_IRO_SIZE = 16 };

#define VTD_ACCESSORS_OF_(name, width, offset) VTD_REGISTER_ACCESSORS(name, width)
VTD_FIXED_REGISTERS(VTD_ACCESSORS_OF_)
VTD_RELOCATED_REGISTERS(VTD_ACCESSORS_OF_)

/* Bits of GCMD by kind, VT-d 11.4 */
#define VTD_GCMD_LEVEL_BITS                                                                        \
	(VTD_GCMD_TE | VTD_GCMD_EAFL | VTD_GCMD_QIE | VTD_GCMD_IRE | VTD_GCMD_CFI)
#define VTD_GCMD_ONE_SHOT_BITS (VTD_GCMD_SRTP | VTD_GCMD_SFL | VTD_GCMD_WBF | VTD_GCMD_SIRTP)

/* RTADDR.TTM, VT-d 11.4 */
enum vtd_ttm {
	VTD_TTM_LEGACY = 0,
	VTD_TTM_SCALABLE = 1,
	VTD_TTM_RESERVED = 2,
	VTD_TTM_ABORT_DMA = 3,
};

/* CCMD.CIRG and CAIG; IOTLB.IIRG and IAIG */
enum vtd_register_granularity {
	VTD_REQ_NONE = 0, /* as a result: an error */
	VTD_REQ_GLOBAL = 1,
	VTD_REQ_DOMAIN = 2,
	VTD_REQ_DEVICE_OR_PAGE = 3,
};

/* IQERCD.IQEI */
enum vtd_iqei {
	VTD_IQEI_NONE = 0,
	VTD_IQEI_BAD_TAIL = 1,
	VTD_IQEI_FETCH = 2,
	VTD_IQEI_TYPE = 3,
	VTD_IQEI_RESERVED_FIELD = 4,
	VTD_IQEI_WIDTH = 5,
	VTD_IQEI_MISALIGNED_TAIL = 6,
	VTD_IQEI_TTM = 7,
};

/* VCMD.CMD and VCRSP.SC, VT-d 11.4.14. Codes from 16 are specific to the command. */
enum vtd_vcmd_command { VTD_VCMD_NULL = 0, VTD_VCMD_ALLOC_PASID = 1, VTD_VCMD_FREE_PASID = 2 };
enum vtd_vcmd_status {
	VTD_VCMD_OK = 0,
	VTD_VCMD_UNDEFINED = 1,
	VTD_VCMD_NO_PASID = 16,      /* allocate */
	VTD_VCMD_INVALID_PASID = 16, /* free */
};

static inline unsigned vtd_iva_offset(uint64_t ecap)
{
	return (unsigned)vtd_ECAP_IRO(ecap) * 16u + VTD_IRO_IVA;
}

static inline unsigned vtd_iotlb_offset(uint64_t ecap)
{
	return (unsigned)vtd_ECAP_IRO(ecap) * 16u + VTD_IRO_IOTLB;
}

static inline unsigned vtd_frcd_count(uint64_t cap)
{
	return (unsigned)vtd_CAP_NFR(cap) + 1u;
}

static inline unsigned vtd_frcd_offset(uint64_t cap, unsigned index)
{
	return ((unsigned)vtd_CAP_FRO(cap) + index) * 16u;
}

/* CAP.ND: domain ids have 4 + 2 * ND bits; 111b is reserved and taken as the largest */
static inline unsigned vtd_did_bits(uint64_t cap)
{
	unsigned bits = 4u + 2u * (unsigned)vtd_CAP_ND(cap);

	return bits > 16 ? 16 : bits;
}

/* ECAP.PSS: PASIDs have PSS + 1 bits */
static inline unsigned vtd_pasid_bits(uint64_t ecap)
{
	return (unsigned)vtd_ECAP_PSS(ecap) + 1u;
}

static inline unsigned vtd_mgaw_bits(uint64_t cap)
{
	return (unsigned)vtd_CAP_MGAW(cap) + 1u;
}

/* Is this translation table mode one that the unit offers? If not: RTA.1 and IQEI 7. VT-d 11.4 */
static inline bool vtd_ttm_is_valid(unsigned ttm, uint64_t ecap)
{
	switch (ttm) {
	case VTD_TTM_LEGACY:
		return true;
	case VTD_TTM_SCALABLE:
		return vtd_ECAP_SMTS(ecap) != 0;
	case VTD_TTM_ABORT_DMA:
		return vtd_ECAP_ADMS(ecap) != 0;
	default:
		return false;
	}
}

#endif
