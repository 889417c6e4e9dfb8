// SPDX-License-Identifier: MIT
#include "inspect/describe_words.h"

#include <string.h>

#include "vtd/descriptors.h"
#include "vtd/enqcmd.h"
#include "vtd/faults.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

/* w(layout, clause of VT-d 5.10, what it is). Of registers the section of all of them, where no text that
 * we have says which. */
/* clang-format off */
#define LAYOUT_WORDS(w)                                                                            \
	w(vtd_VER, "11.4", "version of the architecture")                                          \
	w(vtd_CAP, "11.4.2", "capabilities")                                                       \
	w(vtd_ECAP, "11.4.3", "extended capabilities")                                             \
	w(vtd_GCMD, "11.4", "global commands")                                                     \
	w(vtd_GSTS, "11.4", "global status")                                                       \
	w(vtd_RTADDR, "11.4", "where the root table is, for the next SRTP")                        \
	w(vtd_CCMD, "11.4", "context-cache invalidation by register")                              \
	w(vtd_FSTS, "11.4", "fault status")                                                        \
	w(vtd_FECTL, "11.4.7", "fault event: mask")                                                \
	w(vtd_FEDATA, "11.4.7", "fault event: message data")                                       \
	w(vtd_FEADDR, "11.4.7", "fault event: message address")                                    \
	w(vtd_FEUADDR, "11.4.7", "fault event: upper message address")                             \
	w(vtd_PMEN, "11.4", "protected memory")                                                    \
	w(vtd_PLMBASE, "11.4", "protected low memory: base")                                       \
	w(vtd_PLMLIMIT, "11.4", "protected low memory: limit")                                     \
	w(vtd_PHMBASE, "11.4", "protected high memory: base")                                      \
	w(vtd_PHMLIMIT, "11.4", "protected high memory: limit")                                    \
	w(vtd_IQH, "11.4", "invalidation queue: head")                                             \
	w(vtd_IQT, "11.4", "invalidation queue: tail")                                             \
	w(vtd_IQA, "11.4", "invalidation queue: address, for the next QIE")                        \
	w(vtd_ICS, "11.4", "invalidation completion status")                                       \
	w(vtd_IECTL, "11.4", "completion event: mask")                                             \
	w(vtd_IEDATA, "11.4", "completion event: message data")                                    \
	w(vtd_IEADDR, "11.4", "completion event: message address")                                 \
	w(vtd_IEUADDR, "11.4", "completion event: upper message address")                          \
	w(vtd_IQERCD, "11.4", "invalidation queue: error record")                                  \
	w(vtd_IRTA, "11.4", "interrupt remapping table")                                           \
	w(vtd_PQH, "11.4", "page-request queue: head")                                             \
	w(vtd_PQT, "11.4", "page-request queue: tail")                                             \
	w(vtd_PQA, "11.4", "page-request queue: address")                                          \
	w(vtd_PRS, "11.4", "page-request status")                                                  \
	w(vtd_PECTL, "11.4", "page-request event: mask")                                           \
	w(vtd_PEDATA, "11.4", "page-request event: message data")                                  \
	w(vtd_PEADDR, "11.4", "page-request event: message address")                               \
	w(vtd_PEUADDR, "11.4", "page-request event: upper message address")                        \
	w(vtd_RDTC, "11.4", "resource director: tags of the unit's own accesses")                  \
	w(vtd_VCMD, "11.4.14", "virtual command")                                                  \
	w(vtd_VCMD_EO, "11.4.14", "virtual command: extended operand")                             \
	w(vtd_VCRSP, "11.4.15", "virtual command: response")                                       \
	w(vtd_VCCAP, "11.4.16", "virtual command: capabilities")                                   \
	w(vtd_IVA, "11.4", "IOTLB invalidation by register: address")                              \
	w(vtd_IOTLB, "11.4", "IOTLB invalidation by register")                                     \
	w(vtd_root_entry, "9.1", "root entry of a bus: where its two context tables are")          \
	w(vtd_legacy_root, "9.1", "root entry of a bus in legacy mode: where its context table is") \
	w(vtd_legacy_context, "9.3", "context entry in legacy mode: how a function's requests go") \
	w(vtd_context_entry, "9.4", "context entry of a function: where its PASID directory is")   \
	w(vtd_pasid_dir_entry, "9.5", "PASID-directory entry: where the table of 64 PASIDs is")    \
	w(vtd_pasid_entry, "9.6", "PASID-table entry: how the requests of a PASID go")             \
	w(vtd_FS_PTE, "9.7", "first-stage paging entry")                                           \
	w(vtd_SS_PTE, "9.8", "second-stage paging entry")                                          \
	w(vtd_desc, "6.5.2", "invalidation descriptor")                                            \
	w(vtd_desc_context, "6.5.2.1", "context-cache invalidation")                               \
	w(vtd_desc_pasid_cache, "6.5.2.2", "PASID-cache invalidation")                             \
	w(vtd_desc_iotlb, "6.5.2.3", "IOTLB invalidation")                                         \
	w(vtd_desc_pasid_iotlb, "6.5.2.4", "IOTLB invalidation of a PASID")                        \
	w(vtd_desc_dev_tlb, "6.5.2.5", "device-TLB invalidation")                                  \
	w(vtd_desc_pasid_dev_tlb, "6.5.2.6", "device-TLB invalidation of a PASID")                 \
	w(vtd_desc_iec, "6.5.2", "interrupt-entry-cache invalidation")                             \
	w(vtd_desc_wait, "6.5.2", "wait: what came before is done")                                \
	w(vtd_desc_page_response, "7.7", "answer to a group of page requests")                     \
	w(vtd_page_request, "7.5", "request for a page")                                           \
	w(vtd_fault_record, "7.2.1", "record of a fault")

/* w(layout, field, what it is for) */
#define FIELD_WORDS(w)                                                                             \
	w(vtd_CAP, ND, "domain ids have 4 + 2 * ND bits")                                          \
	w(vtd_CAP, RWBF, "writes must be flushed out of a buffer")                                 \
	w(vtd_CAP, CM, "caching mode: what was not present may be cached")                         \
	w(vtd_CAP, SAGAW, "second stages of 39, 48 and 57 bits: bits 1, 2 and 3")                  \
	w(vtd_CAP, MGAW, "widest guest address, less 1")                                           \
	w(vtd_CAP, ZLR, "zero-length reads of pages that can only be written")                     \
	w(vtd_CAP, FRO, "where fault records are, in 16 bytes")                                    \
	w(vtd_CAP, SSLPS, "second-stage pages of 2 MiB and 1 GiB: bits 0 and 1")                   \
	w(vtd_CAP, PSI, "invalidation of single pages")                                            \
	w(vtd_CAP, NFR, "fault records, less 1")                                                   \
	w(vtd_CAP, MAMV, "largest address mask of an invalidation")                                \
	w(vtd_CAP, DWD, "invalidation waits for writes under way")                                 \
	w(vtd_CAP, DRD, "invalidation waits for reads under way")                                  \
	w(vtd_CAP, FS1GP, "first-stage pages of 1 GiB")                                            \
	w(vtd_CAP, FS5LP, "first stages of 5 levels")                                              \
	w(vtd_CAP, ESIRTPS, "SIRTP invalidates by itself")                                         \
	w(vtd_CAP, ESRTPS, "SRTP invalidates by itself")                                           \
	w(vtd_ECAP, C, "walks of legacy tables are coherent")                                      \
	w(vtd_ECAP, QI, "invalidation queue")                                                      \
	w(vtd_ECAP, DT, "device TLBs (ATS)")                                                       \
	w(vtd_ECAP, IR, "interrupt remapping")                                                     \
	w(vtd_ECAP, PT, "pass-through")                                                            \
	w(vtd_ECAP, SC, "snooping can be forced")                                                  \
	w(vtd_ECAP, IRO, "where the IOTLB registers are, in 16 bytes")                             \
	w(vtd_ECAP, NEST, "nested translation")                                                    \
	w(vtd_ECAP, PRS, "page requests")                                                          \
	w(vtd_ECAP, ERS, "execute requests")                                                       \
	w(vtd_ECAP, SRS, "supervisor requests")                                                    \
	w(vtd_ECAP, EAFS, "extended accessed flag")                                                \
	w(vtd_ECAP, PSS, "PASIDs have PSS + 1 bits")                                               \
	w(vtd_ECAP, PASID, "requests with PASID")                                                  \
	w(vtd_ECAP, PDS, "a wait descriptor may drain page requests")                              \
	w(vtd_ECAP, SMTS, "scalable mode")                                                         \
	w(vtd_ECAP, VCS, "virtual commands")                                                       \
	w(vtd_ECAP, SSADS, "second-stage accessed and dirty flags")                                \
	w(vtd_ECAP, SSTS, "second-stage translation")                                              \
	w(vtd_ECAP, FSTS, "first-stage translation")                                               \
	w(vtd_ECAP, SMPWC, "walks of scalable-mode tables are coherent")                           \
	w(vtd_ECAP, ADMS, "abort-DMA mode")                                                        \
	w(vtd_GSTS, TES, "translation is on")                                                      \
	w(vtd_GSTS, RTPS, "the root table has been set")                                           \
	w(vtd_GSTS, QIES, "the invalidation queue is on")                                          \
	w(vtd_GSTS, IRES, "interrupt remapping is on")                                             \
	w(vtd_GSTS, IRTPS, "the interrupt remapping table has been set")                           \
	w(vtd_RTADDR, TTM, "translation table mode")                                               \
	w(vtd_RTADDR, RTA, "root table")                                                           \
	w(vtd_FSTS, PFO, "a fault was lost: all records were taken")                               \
	w(vtd_FSTS, PPF, "a fault is recorded")                                                    \
	w(vtd_FSTS, IQE, "the invalidation queue met a bad descriptor and stands")                 \
	w(vtd_FSTS, ICE, "a device answered an invalidation wrongly")                              \
	w(vtd_FSTS, ITE, "a device did not answer an invalidation")                                \
	w(vtd_FSTS, FRI, "record of the first fault")                                              \
	w(vtd_PRS, PPR, "page requests wait")                                                      \
	w(vtd_PRS, PRO, "a page request was lost: the queue was full")                             \
	w(vtd_context_entry, P, "present")                                                         \
	w(vtd_context_entry, FPD, "faults are not recorded")                                       \
	w(vtd_context_entry, DTE, "the device may ask for translations")                           \
	w(vtd_context_entry, PASIDE, "the device may use PASIDs")                                  \
	w(vtd_context_entry, PRE, "the device may request pages")                                  \
	w(vtd_context_entry, PDTS, "the directory has 2^(PDTS+7) entries")                         \
	w(vtd_context_entry, PASIDDIRPTR, "PASID directory")                                       \
	w(vtd_context_entry, RID_PASID, "PASID of requests without one")                           \
	w(vtd_pasid_entry, P, "present")                                                           \
	w(vtd_pasid_entry, FPD, "faults are not recorded")                                         \
	w(vtd_pasid_entry, AW, "width of the second stage")                                        \
	w(vtd_pasid_entry, PGTT, "which stages there are")                                         \
	w(vtd_pasid_entry, SSADE, "second-stage accessed and dirty flags are kept")                \
	w(vtd_pasid_entry, SSPTPTR, "top table of the second stage")                               \
	w(vtd_pasid_entry, DID, "domain id: tag of what is cached")                                \
	w(vtd_pasid_entry, PWSNP, "walks snoop")                                                   \
	w(vtd_pasid_entry, PGSNP, "accesses snoop")                                                \
	w(vtd_pasid_entry, SRE, "supervisor requests are let in")                                  \
	w(vtd_pasid_entry, FSPM, "levels of the first stage")                                      \
	w(vtd_pasid_entry, WPE, "supervisor writes heed R/W")                                      \
	w(vtd_pasid_entry, EAFE, "extended accessed flag is kept")                                 \
	w(vtd_pasid_entry, FSPTPTR, "top table of the first stage")
/* clang-format on */

#define AS_WORDS(p, section, line) {&p##_layout, section, line},
static const struct layout_words layout_words[] = {LAYOUT_WORDS(AS_WORDS)};

static const struct {
	const struct vtd_layout *layout;
	const char *field;
	const char *text;
} field_words[] = {
#define AS_FIELD_WORDS(p, field, line) {&p##_layout, #field, line},
	FIELD_WORDS(AS_FIELD_WORDS)};

const struct layout_words *words_of_layout(const struct vtd_layout *layout)
{
	for (size_t i = 0; i < sizeof(layout_words) / sizeof(layout_words[0]); i++)
		if (layout_words[i].layout == layout)
			return &layout_words[i];
	return NULL;
}

const char *words_of_field(const struct vtd_layout *layout, const char *field)
{
	for (size_t i = 0; i < sizeof(field_words) / sizeof(field_words[0]); i++)
		if (field_words[i].layout == layout && !strcmp(field_words[i].field, field))
			return field_words[i].text;
	return NULL;
}
