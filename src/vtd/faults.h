/* SPDX-License-Identifier: MIT */
/*
 * Fault reasons: VT-d 7.1 (conditions, table 30), 7.2 and 11.4.7 (fault recording registers).
 *
 *   qualified   not recorded where an FPD bit met on the walk is 1
 *   response    what the endpoint gets instead of data
 *   recoverable a page request may help: the answer to a translation request is "success" without rights
 */
#ifndef VTD_FAULTS_H
#define VTD_FAULTS_H

#include "vtd/layout.h"

enum vtd_response {
	VTD_OK,
	VTD_UR,	  /* unsupported request */
	VTD_CA,	  /* completer abort */
	VTD_S0,	  /* translation request: success with no rights; not recorded */
	VTD_SE,	  /* translation request: success with the effective rights; not recorded */
	VTD_NONE, /* does not happen to this kind of request */
};

/* clang-format off */
/* x(name, code, qualified, untranslated, translation request, translated, text) */
#define VTD_FAULTS(x)                                                                              \
	x(LRT_2,  0x01, 0, UR, UR, UR, "root entry not present")                                   \
	x(LCT_2,  0x02, 1, UR, UR, UR, "context entry not present")                                \
	x(LCT_4,  0x03, 1, UR, CA, UR, "context entry invalid")                                    \
	x(LGN_1,  0x04, 1, UR, S0, UR, "address beyond the guest or host address width")           \
	x(LGN_2,  0x05, 1, UR, SE, NONE, "no write permission")                                    \
	x(LGN_3,  0x06, 1, UR, SE, NONE, "no read permission")                                     \
	x(LSS_1,  0x07, 1, UR, CA, NONE, "second-stage entry not accessible")                      \
	x(LRT_1,  0x08, 0, UR, CA, UR, "root entry not accessible")                                \
	x(LCT_1,  0x09, 0, UR, CA, UR, "context entry not accessible")                             \
	x(LRT_3,  0x0a, 0, UR, CA, UR, "reserved bit in root entry")                               \
	x(LCT_3,  0x0b, 1, UR, CA, UR, "reserved bit in context entry")                            \
	x(LSS_2,  0x0c, 1, UR, CA, NONE, "reserved bit in second-stage entry")                     \
	x(LCT_5,  0x0d, 1, NONE, UR, UR, "context entry blocks translation and translated requests") \
	x(LGN_4,  0x0e, 1, UR, CA, UR, "output address in the interrupt range")                    \
	x(RTA_1,  0x30, 0, UR, CA, UR, "root table address register invalid")                      \
	x(RTA_2,  0x31, 0, UR, UR, UR, "request with PASID in legacy mode")                        \
	x(RTA_3,  0x32, 0, NONE, NONE, NONE, "page request in legacy mode")                        \
	x(RTA_4,  0x33, 0, UR, UR, UR, "abort-DMA mode")                                           \
	x(RTA_5,  0x34, 0, UR, UR, UR, "execute requested")                                        \
	x(SRT_1,  0x38, 0, UR, CA, UR, "root entry not accessible")                                \
	x(SRT_2,  0x39, 0, UR, UR, UR, "root entry half not present")                              \
	x(SRT_3,  0x3a, 0, UR, CA, UR, "reserved bit in root entry")                               \
	x(SCT_1,  0x40, 0, UR, CA, UR, "context entry not accessible")                             \
	x(SCT_2,  0x41, 1, UR, UR, UR, "context entry not present")                                \
	x(SCT_3,  0x42, 1, UR, CA, UR, "reserved bit in context entry")                            \
	x(SCT_4,  0x43, 1, UR, CA, UR, "context entry invalid")                                    \
	x(SCT_5,  0x44, 1, NONE, UR, UR, "device TLB not enabled in context entry")                \
	x(SCT_6,  0x45, 1, UR, UR, NONE, "PASIDs not enabled in context entry")                    \
	x(SCT_7,  0x46, 1, UR, UR, UR, "PASID beyond the PASID directory")                         \
	x(SCT_8,  0x47, 1, NONE, NONE, NONE, "page requests not enabled in context entry")         \
	x(SCT_9,  0x48, 1, UR, UR, UR, "PASID equals RID_PASID")                                   \
	x(SCT_10, 0x49, 1, NONE, NONE, UR, "translated request with PASID")                        \
	x(SPD_1,  0x50, 0, UR, CA, CA, "PASID directory entry not accessible")                     \
	x(SPD_2,  0x51, 1, UR, S0, UR, "PASID directory entry not present")                        \
	x(SPD_3,  0x52, 1, UR, CA, CA, "reserved bit in PASID directory entry")                    \
	x(SPT_1,  0x58, 0, UR, CA, CA, "PASID entry not accessible")                               \
	x(SPT_2,  0x59, 1, UR, S0, UR, "PASID entry not present")                                  \
	x(SPT_3,  0x5a, 1, UR, CA, CA, "reserved bit in PASID entry")                              \
	x(SPT_4,  0x5b, 1, UR, CA, CA, "PASID entry invalid")                                      \
	x(SPT_5,  0x5c, 1, UR, S0, NONE, "execute requests not enabled")                           \
	x(SPT_6,  0x5d, 1, UR, S0, NONE, "supervisor requests not enabled in PASID entry")         \
	x(SPT_9,  0x60, 1, NONE, NONE, UR, "translated address beyond the host permission table")  \
	x(SFS_1,  0x70, 1, UR, S0, NONE, "first-stage entry not accessible")                       \
	x(SFS_2,  0x71, 1, UR, S0, NONE, "first-stage entry not present")                          \
	x(SFS_3,  0x72, 1, UR, S0, NONE, "reserved bit in first-stage entry")                      \
	x(SFS_4,  0x73, 1, UR, S0, NONE, "top first-stage entry not accessible")                   \
	x(SFS_5,  0x74, 1, UR, S0, NONE, "address in first-stage entry beyond the second stage")   \
	x(SFS_6,  0x75, 1, UR, S0, NONE, "top first-stage entry not readable in second stage")     \
	x(SFS_7,  0x76, 1, UR, S0, NONE, "first-stage entry not readable in second stage")         \
	x(SFS_8,  0x77, 1, UR, S0, NONE, "first-stage A/D update not writable in second stage")    \
	x(SSS_1,  0x78, 1, UR, CA, NONE, "second-stage entry not accessible")                      \
	x(SSS_2,  0x79, 1, UR, S0, NONE, "second-stage entry not present")                         \
	x(SSS_3,  0x7a, 1, UR, CA, NONE, "reserved bit in second-stage entry")                     \
	x(SSS_4,  0x7b, 1, UR, CA, NONE, "top second-stage entry not accessible")                  \
	x(SSS_5,  0x7c, 1, UR, CA, NONE, "second-stage A/D update without snooped walk")           \
	x(SSS_6,  0x7d, 1, UR, CA, NONE, "second-stage A/D update failed")                         \
	x(SGN_1,  0x80, 1, UR, S0, NONE, "address not canonical")                                  \
	x(SGN_2,  0x81, 1, UR, S0, NONE, "user request to supervisor page")                        \
	x(SGN_4,  0x83, 1, UR, S0, UR, "address beyond the host address width")                    \
	x(SGN_5,  0x84, 1, UR, S0, NONE, "address beyond the second stage's width")                \
	x(SGN_6,  0x85, 1, UR, SE, NONE, "no write permission")                                    \
	x(SGN_7,  0x86, 1, UR, SE, NONE, "no read permission")                                     \
	x(SGN_8,  0x87, 1, UR, CA, UR, "output address in the interrupt range")                    \
	x(SGN_10, 0x89, 1, UR, UR, UR, "PASID wider than supported")                               \
	x(SFS_9,  0x90, 1, UR, S0, NONE, "first-stage A/D update without snooped walk")            \
	x(SFS_10, 0x91, 1, UR, S0, NONE, "first-stage A/D update failed")
/* clang-format on */

#define VTD_FAULT_ENUM_(name, code, q, u, tr, td, text) VTD_FAULT_##name = (code),
enum vtd_fault { VTD_FAULT_NONE = 0, VTD_FAULTS(VTD_FAULT_ENUM_) };

/* One row of table 30, or NULL if there is no such code. */
struct vtd_fault_info {
	uint8_t code;
	bool qualified;
	enum vtd_response untranslated, translation_request, translated;
	const char *name; /* "SPT.2" */
	const char *text;
};
const struct vtd_fault_info *vtd_fault_info(unsigned code);
/* Codes that are not in the table count as qualified. */
bool vtd_fault_is_qualified(enum vtd_fault fault);
/* May a page request help? */
bool vtd_fault_is_recoverable(enum vtd_fault fault);
const char *vtd_fault_text(unsigned code); /* "?" if there is no such code */

struct vtd_fault_record {
	uint64_t q[2];
};

/* clang-format off */
#define VTD_FAULT_RECORD_FIELDS(f, a, i, t)                                                        \
	a(t, FI, 63, 12) f(t, SID, 79, 64) f(t, T2, 92, 92) f(t, PRIV, 93, 93) f(t, EXE, 94, 94)   \
	f(t, PP, 95, 95) f(t, FR, 103, 96) f(t, PV, 123, 104) f(t, AT, 125, 124)                   \
	f(t, T1, 126, 126) f(t, F, 127, 127)
#define VTD_FAULT_STRUCTURES(s) s(vtd_fault_record, struct vtd_fault_record, VTD_FAULT_RECORD_FIELDS, 2)
/* clang-format on */
VTD_FAULT_STRUCTURES(VTD_STRUCTURE_ACCESSORS)

#endif
