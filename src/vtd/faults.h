/* SPDX-License-Identifier: MIT */
/*
 * Why a request was refused, and the record of it.
 *
 * Vocabulary
 *   qualified     not recorded if an FPD bit met on the walk is 1; the others are always recorded
 *   recoverable   a translation request is completed without the right it wants: not an error, not
 *                 recorded, and the device may ask for the page (PRI)
 *   response      what the device sees: UR unsupported request, CA completer abort, S0 success
 *                 without any right, SE success with the rights there are
 *   address type  of a request: untranslated, translation request, translated
 *
 * VT-d 7.1 to 7.3: Table 30 (complete), 7.2.1 (recording).
 */
#ifndef VTD_FAULTS_H
#define VTD_FAULTS_H

#include "vtd/layout.h"

enum vtd_response {
	VTD_RESP_NONE, /* not applicable */
	VTD_RESP_UR,
	VTD_RESP_CA,
	VTD_RESP_S0,
	VTD_RESP_SE,
};

/*
 * c(group, number, code, qualified, untranslated, translation, translated, page request, meaning)
 *
 * Where the table tells requests with and without PASID apart, one column is enough: a request to
 * which a condition does not apply never meets it.
 */
/* clang-format off */
#define VTD_FAULTS(c)                                                                              \
	c(LRT, 1, 0x08, 0, UR, CA, UR, 0, "root entry access error")                               \
	c(LRT, 2, 0x01, 0, UR, UR, UR, 0, "root entry not present")                                \
	c(LRT, 3, 0x0a, 0, UR, CA, UR, 0, "reserved bit in root entry")                            \
	c(LCT, 1, 0x09, 0, UR, CA, UR, 0, "context entry access error")                            \
	c(LCT, 2, 0x02, 1, UR, UR, UR, 0, "context entry not present")                             \
	c(LCT, 3, 0x0b, 1, UR, CA, UR, 0, "reserved bit in context entry")                         \
	c(LCT, 4, 0x03, 1, UR, CA, UR, 0, "invalid context entry")                                 \
	c(LCT, 5, 0x0d, 1, NONE, UR, UR, 0, "context entry blocks device-TLB requests")            \
	c(LSS, 1, 0x07, 1, UR, CA, NONE, 0, "second-stage entry access error")                     \
	c(LSS, 2, 0x0c, 1, UR, CA, NONE, 0, "reserved bit in second-stage entry")                  \
	c(LGN, 1, 0x04, 1, UR, S0, UR, 0, "address beyond supported width")                        \
	c(LGN, 2, 0x05, 1, UR, SE, NONE, 0, "no write permission")                                 \
	c(LGN, 3, 0x06, 1, UR, SE, NONE, 0, "no read permission")                                  \
	c(LGN, 4, 0x0e, 1, UR, CA, UR, 0, "output address in interrupt range")                     \
	c(IR, 1, 0x20, 0, UR, NONE, NONE, 0, "reserved field in interrupt request")                \
	c(IR, 2, 0x21, 0, UR, NONE, NONE, 0, "interrupt index beyond table")                       \
	c(IR, 3, 0x22, 1, UR, NONE, NONE, 0, "interrupt entry not present")                        \
	c(IR, 4, 0x23, 0, UR, NONE, NONE, 0, "interrupt entry access error")                       \
	c(IR, 5, 0x24, 1, UR, NONE, NONE, 0, "reserved field in interrupt entry")                  \
	c(IR, 6, 0x25, 0, UR, NONE, NONE, 0, "compatibility-format interrupt blocked")             \
	c(IR, 7, 0x26, 1, UR, NONE, NONE, 0, "interrupt source validation failed")                 \
	c(RTA, 1, 0x30, 0, UR, CA, UR, 1, "invalid root table address register")                   \
	c(RTA, 2, 0x31, 0, UR, UR, UR, 0, "request with PASID in legacy mode")                     \
	c(RTA, 3, 0x32, 0, NONE, NONE, NONE, 1, "page request in legacy mode")                     \
	c(RTA, 4, 0x33, 0, UR, UR, UR, 1, "abort-DMA mode")                                        \
	c(RTA, 5, 0x34, 0, UR, UR, UR, 0, "execute request on major version 8 or later")           \
	c(SRT, 1, 0x38, 0, UR, CA, UR, 1, "root entry access error")                               \
	c(SRT, 2, 0x39, 0, UR, UR, UR, 1, "root entry not present")                                \
	c(SRT, 3, 0x3a, 0, UR, CA, UR, 1, "reserved bit in root entry")                            \
	c(SCT, 1, 0x40, 0, UR, CA, UR, 1, "context entry access error")                            \
	c(SCT, 2, 0x41, 1, UR, UR, UR, 1, "context entry not present")                             \
	c(SCT, 3, 0x42, 1, UR, CA, UR, 1, "reserved bit in context entry")                         \
	c(SCT, 4, 0x43, 1, UR, CA, UR, 1, "invalid context entry")                                 \
	c(SCT, 5, 0x44, 1, NONE, UR, UR, 0, "device-TLB not enabled")                              \
	c(SCT, 6, 0x45, 1, UR, UR, NONE, 1, "PASID not enabled")                                   \
	c(SCT, 7, 0x46, 1, UR, UR, UR, 1, "PASID beyond directory")                                \
	c(SCT, 8, 0x47, 1, NONE, NONE, NONE, 1, "page requests not enabled")                       \
	c(SCT, 9, 0x48, 1, UR, UR, UR, 1, "PASID equals RID_PASID")                                \
	c(SCT, 10, 0x49, 1, NONE, NONE, UR, 0, "translated request with PASID not enabled")        \
	c(SPD, 1, 0x50, 0, UR, CA, CA, 1, "PASID directory entry access error")                    \
	c(SPD, 2, 0x51, 1, UR, S0, UR, 1, "PASID directory entry not present")                     \
	c(SPD, 3, 0x52, 1, UR, CA, CA, 1, "reserved bit in PASID directory entry")                 \
	c(SPT, 1, 0x58, 0, UR, CA, CA, 1, "PASID entry access error")                              \
	c(SPT, 2, 0x59, 1, UR, S0, UR, 1, "PASID entry not present")                               \
	c(SPT, 3, 0x5a, 1, UR, CA, CA, 1, "reserved bit in PASID entry")                           \
	c(SPT, 4, 0x5b, 1, UR, CA, CA, 1, "invalid PASID entry")                                   \
	c(SPT, 5, 0x5c, 1, UR, S0, NONE, 0, "execute request not supported")                       \
	c(SPT, 6, 0x5d, 1, UR, S0, NONE, 0, "supervisor request not enabled")                      \
	c(SPT, 9, 0x60, 1, NONE, NONE, UR, 0, "translated address beyond host permission table")   \
	c(SFS, 1, 0x70, 1, UR, S0, NONE, 0, "first-stage entry access error")                      \
	c(SFS, 2, 0x71, 1, UR, S0, NONE, 0, "first-stage entry not present")                       \
	c(SFS, 3, 0x72, 1, UR, S0, NONE, 0, "reserved bit in first-stage entry")                   \
	c(SFS, 4, 0x73, 1, UR, S0, NONE, 0, "top first-stage entry access error")                  \
	c(SFS, 5, 0x74, 1, UR, S0, NONE, 0, "first-stage address beyond second-stage width")       \
	c(SFS, 6, 0x75, 1, UR, S0, NONE, 0, "top first-stage entry not readable in second stage")  \
	c(SFS, 7, 0x76, 1, UR, S0, NONE, 0, "first-stage entry not readable in second stage")      \
	c(SFS, 8, 0x77, 1, UR, S0, NONE, 0, "first-stage entry not writable in second stage")      \
	c(SFS, 9, 0x90, 1, UR, S0, NONE, 0, "first-stage A/D update but walk not snooped")         \
	c(SFS, 10, 0x91, 1, UR, S0, NONE, 0, "first-stage A/D update failed")                      \
	c(SSS, 1, 0x78, 1, UR, CA, NONE, 0, "second-stage entry access error")                     \
	c(SSS, 2, 0x79, 1, UR, S0, NONE, 0, "second-stage entry not present")                      \
	c(SSS, 3, 0x7a, 1, UR, CA, NONE, 0, "reserved bit in second-stage entry")                  \
	c(SSS, 4, 0x7b, 1, UR, CA, NONE, 0, "top second-stage entry access error")                 \
	c(SSS, 5, 0x7c, 1, UR, CA, NONE, 0, "second-stage A/D update but walk not snooped")        \
	c(SSS, 6, 0x7d, 1, UR, CA, NONE, 0, "second-stage A/D update failed")                      \
	c(SGN, 1, 0x80, 1, UR, S0, NONE, 0, "address not canonical")                               \
	c(SGN, 2, 0x81, 1, UR, S0, NONE, 0, "user request to supervisor page")                     \
	c(SGN, 3, 0x82, 1, UR, S0, NONE, 0, "no execute permission")                               \
	c(SGN, 4, 0x83, 1, UR, S0, UR, 0, "host address beyond supported width")                   \
	c(SGN, 5, 0x84, 1, UR, S0, NONE, 0, "address beyond second-stage width")                   \
	c(SGN, 6, 0x85, 1, UR, SE, NONE, 0, "no write permission")                                 \
	c(SGN, 7, 0x86, 1, UR, SE, NONE, 0, "no read permission")                                  \
	c(SGN, 8, 0x87, 1, UR, CA, UR, 0, "output address in interrupt range")                     \
	c(SGN, 10, 0x89, 1, UR, UR, UR, 1, "PASID beyond supported size")                          \
	c(HPT, 1, 0xa0, 1, NONE, NONE, CA, 0, "host permission table entry access error")          \
	c(HPT, 2, 0xa1, 1, NONE, NONE, CA, 0, "reserved bit in host permission table")             \
	c(HPT, 3, 0xa2, 1, NONE, NONE, CA, 0, "host permission table root access error")           \
	c(HPT, 4, 0xa3, 1, NONE, NONE, UR, 0, "zero-length read not permitted")                    \
	c(HPT, 5, 0xa4, 1, NONE, NONE, UR, 0, "host permission table denies write")                \
	c(HPT, 6, 0xa5, 1, NONE, NONE, UR, 0, "host permission table denies read")
/* clang-format on */

#define VTD_FAULT_CODE_(group, number, code, ...) VTD_FAULT_##group##_##number = (code),
enum vtd_fault { VTD_FAULT_NONE = 0, VTD_FAULTS(VTD_FAULT_CODE_) };

struct vtd_fault_info {
	enum vtd_fault code;
	const char *name; /* "SPT.2" */
	const char *meaning;
	bool qualified;
	bool page_request; /* a page request can meet it, and is answered Invalid Request if LPIG=1
			    */
	enum vtd_response untranslated;
	enum vtd_response translation;
	enum vtd_response translated;
};

extern const struct vtd_fault_info vtd_fault_table[];
extern const size_t vtd_fault_count;

/* NULL for a code that the specification does not define */
const struct vtd_fault_info *vtd_fault_info(enum vtd_fault code);

/* "SPT.2", or "unknown" */
const char *vtd_fault_name(enum vtd_fault code);

bool vtd_fault_is_qualified(enum vtd_fault code);

/* the translation request of the device gets S0 or SE */
bool vtd_fault_is_recoverable(enum vtd_fault code);

/*
 * Is it recorded for a translation request? Recoverable faults are not, except SFS.10, which also
 * shows that memory is broken. Table 30.
 */
bool vtd_fault_is_recorded_for_translation(enum vtd_fault code);

struct vtd_fault_record {
	uint64_t q[2];
};

/* clang-format off */
#define VTD_FAULT_RECORD_FIELDS(f, a, i, t)                                                        \
	a(t, FI, 63, 12) f(t, SID, 79, 64) f(t, T2, 92, 92) f(t, PRIV, 93, 93) f(t, EXE, 94, 94)   \
	f(t, PP, 95, 95) f(t, FR, 103, 96) f(t, PV, 123, 104) f(t, AT, 125, 124)                   \
	f(t, T1, 126, 126) f(t, F, 127, 127)

#define VTD_FAULT_STRUCTURES(s)                                                                    \
	s(vtd_fault_record, struct vtd_fault_record, VTD_FAULT_RECORD_FIELDS, 2)
/* clang-format on */

VTD_FAULT_STRUCTURES(VTD_STRUCTURE_ACCESSORS)

/* AT of a fault record */
enum vtd_address_type {
	VTD_AT_UNTRANSLATED = 0,
	VTD_AT_TRANSLATION = 1,
	VTD_AT_TRANSLATED = 2,
};

/* T1 and T2 together */
enum vtd_fault_access {
	VTD_ACCESS_WRITE = 0,        /* T1=0 T2=0 */
	VTD_ACCESS_PAGE_REQUEST = 1, /* T1=0 T2=1 */
	VTD_ACCESS_READ = 2,         /* T1=1 T2=0 */
	VTD_ACCESS_ATOMIC = 3,       /* T1=1 T2=1 */
};

static inline enum vtd_fault_access vtd_fault_record_access(const struct vtd_fault_record *r)
{
	return (enum vtd_fault_access)(vtd_fault_record_T1(r) << 1 | vtd_fault_record_T2(r));
}

static inline void vtd_fault_record_set_access(struct vtd_fault_record *r,
					       enum vtd_fault_access access)
{
	vtd_fault_record_set_T1(r, (uint64_t)access >> 1);
	vtd_fault_record_set_T2(r, (uint64_t)access & 1);
}

#endif
