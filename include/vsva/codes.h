/* SPDX-License-Identifier: MIT */
/*
 * Codes: why something is not so, each with a short name that stays. `vsva explain CODE` prints what
 * stands here.
 *
 *   code     its name, in capital letters: "CTX_ABSENT". A name is never given to another meaning
 *   clause   where VT-d (revision 5.10) says so, or which document does; "" if it is ours
 *   what     what it says is so, a sentence without its full stop
 *   change   what would change it, as an order
 *
 * A new code is a row here. c(code, clause, what, change)
 */
#ifndef VSVA_CODES_H
#define VSVA_CODES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */

/* The device, before anything leaves it; and what lies behind an absent entry. */
#define VSVA_STATE_CODES(c)                                                                        \
	c(DEVICE_GONE, "", "the device is gone: it was pulled out or given up",                    \
	  "plug the device in again and let its driver find it")                                   \
	c(BUS_MASTER_OFF, "PCI 6.2.2", "the function may not send requests: Bus Master Enable of "  \
	  "its command register is 0",                                                             \
	  "let the driver set bit 2 of the command register (pci_set_master)")                     \
	c(FUNCTION_PASID_OFF, "PCIe 7.8.9", "the function's PASID capability is not enabled, so it " \
	  "cannot send requests with PASID",                                                       \
	  "enable PASID in the function's PASID control register, before ATS")                     \
	c(FUNCTION_ATS_OFF, "PCIe 10.5.1", "the function's ATS capability is not enabled, so it "   \
	  "cannot ask for translations",                                                           \
	  "enable ATS in the function's ATS control register")                                     \
	c(FUNCTION_PRI_OFF, "PCIe 10.5.2", "the function's PRI capability is not enabled, so it "   \
	  "cannot ask for a page that is absent",                                                  \
	  "enable PRI in the function's page-request control register")                            \
	c(PASID_FREE_PENDING, "", "the PASID has been freed and waits for its users to let go: "    \
	  "nothing is bound to it any more",                                                       \
	  "allocate a PASID anew and bind; the old number comes back when its users are done")     \
	c(PASID_DYING, "", "the binding of the PASID is being torn down: its entry is cleared and " \
	  "what is under way is drained",                                                          \
	  "wait for the unbind to return, then bind again")                                        \
	c(PASID_UNKNOWN, "", "nobody has allocated this PASID",                                     \
	  "allocate a PASID and bind it to the device")                                            \
	c(PAGE_REQUEST_PENDING, "VT-d 7.3", "the device has asked for the page and nobody has "     \
	  "answered yet",                                                                          \
	  "let the guest's page-request handler answer; without an answer the request fails after " \
	  "its time-out")                                                                          \
	c(QUOTA_REACHED, "", "the VM has as many PASIDs as it may have",                            \
	  "free PASIDs in the guest, or give the VM a larger quota (--pasid-quota)")               \
	c(IOTLB_STALE, "VT-d 6.5.2", "a cache holds a translation that memory no longer does",     \
	  "invalidate the IOTLB and the device TLB for the range, and wait for the wait descriptor")

/* What stops a walk, in the order of the walk. */
#define VSVA_WALK_CODES(c)                                                                         \
	c(TRANSLATION_OFF, "VT-d 11.4.4", "translation is not enabled (GSTS.TES=0), so requests "   \
	  "with PASID and requests for translations are refused",                                  \
	  "set the root table (GCMD.SRTP), then GCMD.TE")                                          \
	c(TTM_INVALID, "VT-d 11.4.6, RTA.1", "RTADDR.TTM names a mode that the unit does not have",  \
	  "write RTADDR with TTM 01b (scalable) where ECAP.SMTS=1, else 00b, and set GCMD.SRTP")   \
	c(TTM_ABORT, "VT-d 3.4, RTA.4", "the unit is in abort-DMA mode (RTADDR.TTM=11b)",           \
	  "write RTADDR with another mode and set GCMD.SRTP")                                      \
	c(ROOT_NOT_SCALABLE, "VT-d 3.4.1, RTA.2", "the root table is in legacy mode "               \
	  "(RTADDR.TTM=00b), which knows no PASID",                                                \
	  "boot the guest with intel_iommu=on,sm_on; the unit must offer ECAP.SMTS")               \
	c(ROOT_LEGACY_PRI, "VT-d 7.3, RTA.3", "the root table is in legacy mode, which knows no "   \
	  "page requests",                                                                         \
	  "use scalable mode (RTADDR.TTM=01b)")                                                    \
	c(ROOT_UNREADABLE, "VT-d 7.1.3, SRT.1", "the root table does not lie in memory",            \
	  "write RTADDR with the address of a table in memory and set GCMD.SRTP")                  \
	c(ROOT_ABSENT, "VT-d 9.2, SRT.2", "the root entry of the bus is not present",               \
	  "let the IOMMU driver set up the device; is the device in the scope of the unit's DRHD?") \
	c(ROOT_RESERVED, "VT-d 9.2, SRT.3", "the root entry has a reserved bit set",                \
	  "clear the bit in the root entry, then invalidate context, PASID cache and IOTLB")       \
	c(CTX_UNREADABLE, "VT-d 7.1.3, SCT.1", "the context table does not lie in memory",          \
	  "let the root entry point to memory")                                                    \
	c(CTX_ABSENT, "VT-d 9.4, SCT.2", "the context entry of the device is not present",          \
	  "attach the device to a domain; is the device in the scope of the unit's DRHD?")         \
	c(CTX_RESERVED, "VT-d 9.4, SCT.3", "the context entry has a bit set that is reserved in "   \
	  "this unit", "clear the bit, or offer the capability that gives it a meaning")           \
	c(CTX_PRE_WITHOUT_DTE, "VT-d 9.4, SCT.4", "the context entry has PRE=1 with DTE=0",         \
	  "set DTE too, or clear PRE")                                                             \
	c(CTX_RID_PASID, "VT-d 9.4, SCT.4", "RID_PASID of the context entry lies beyond the PASID "  \
	  "directory", "choose a smaller RID_PASID or a larger PDTS")                              \
	c(CTX_WIDTH, "VT-d 9.3, LCT.4", "the context entry's address width (AW) is not one that "    \
	  "CAP.SAGAW offers", "use a width of CAP.SAGAW")                                          \
	c(CTX_TYPE, "VT-d 9.3, LCT.4", "the context entry's translation type (TT) is one that the "  \
	  "unit does not offer", "use a type for which ECAP.DT or ECAP.PT is 1")                   \
	c(DTE_OFF, "VT-d 9.4, SCT.5", "the context entry does not let the device ask for "          \
	  "translations (DTE=0)",                                                                  \
	  "enable ATS for the device: DTE=1 in the context entry; the unit must offer ECAP.DT")    \
	c(PRE_OFF, "VT-d 9.4, SCT.8", "the context entry does not let the device request pages "     \
	  "(PRE=0)", "enable PRI for the device: PRE=1 in the context entry; needs ECAP.PRS")      \
	c(PASIDE_OFF, "VT-d 9.4, SCT.6", "the context entry does not let the device use PASIDs "     \
	  "(PASIDE=0)", "enable PASID for the device: PASIDE=1 in the context entry")              \
	c(PASID_BEYOND_SIZE, "VT-d 11.4.3, SGN.10", "the PASID has more bits than the unit "         \
	  "supports (ECAP.PSS)", "use a smaller PASID")                                            \
	c(PASID_BEYOND_DIRECTORY, "VT-d 9.4, SCT.7", "the PASID lies beyond the end of the PASID "    \
	  "directory (PDTS)", "use a smaller PASID, or build a larger directory")                  \
	c(PASID_IS_RID_PASID, "VT-d 9.4, SCT.9", "the PASID is RID_PASID, which stands for requests " \
	  "without PASID", "use another PASID")                                                    \
	c(DIR_UNREADABLE, "VT-d 7.1.3, SPD.1", "the PASID directory does not lie in memory",         \
	  "let the context entry point to memory")                                                 \
	c(DIR_ABSENT, "VT-d 9.5, SPD.2", "the PASID directory has no table for this PASID",          \
	  "bind the PASID to the device")                                                          \
	c(DIR_RESERVED, "VT-d 9.5, SPD.3", "the PASID directory entry has a reserved bit set",       \
	  "clear the bit, then invalidate the PASID cache")                                        \
	c(PE_UNREADABLE, "VT-d 7.1.3, SPT.1", "the PASID table does not lie in memory",              \
	  "let the directory entry point to memory")                                               \
	c(PE_ABSENT, "VT-d 9.6, SPT.2", "the PASID entry is not present: the PASID is not bound to "  \
	  "this device", "bind the address space to the device (iommu_sva_bind_device)")           \
	c(PE_RESERVED, "VT-d 9.6, SPT.3", "the PASID entry has a bit set that is reserved in this "   \
	  "unit", "clear the bit, or offer the capability that gives it a meaning")                \
	c(PE_TYPE, "VT-d 9.6, SPT.4", "the PASID entry's translation type (PGTT) is one that the "    \
	  "unit does not offer",                                                                   \
	  "use a type that ECAP offers: FSTS first stage, SSTS second, NEST nested, PT pass-through") \
	c(PE_WIDTH, "VT-d 9.6, SPT.4", "the PASID entry's second-stage width (AW) is not one that "   \
	  "CAP.SAGAW offers", "use a width of CAP.SAGAW")                                          \
	c(PE_LEVELS, "VT-d 9.6, SPT.4", "the PASID entry asks for first-stage paging (FSPM) that the " \
	  "unit does not offer",                                                                   \
	  "use 4 levels (FSPM=0), or offer CAP.FS5LP")                                             \
	c(PE_FIRST_BEYOND_WIDTH, "VT-d 9.6, SPT.4", "the first stage's root lies beyond the width of " \
	  "the second stage", "place the page table where guest memory can be")                    \
	c(EXEC_UNSUPPORTED, "VT-d 9.6, SPT.5", "the unit takes no execute requests (ECAP.ERS=0)",     \
	  "do not set the execute bit in requests with PASID; data accesses are not concerned")    \
	c(PRIV_OFF, "VT-d 9.6, SPT.6", "the PASID entry takes no privileged requests (SRE=0)",        \
	  "send user requests, or set SRE where ECAP.SRS=1")                                       \
	c(NOT_CANONICAL, "VT-d 3.6, SGN.1", "the address is not canonical: its upper bits do not "    \
	  "repeat the highest bit that the first stage translates",                                \
	  "use an address of the process; with 57-bit addresses the first stage needs 5 levels")   \
	c(FS_UNREADABLE, "VT-d 7.1.3, SFS.1 SFS.4", "a first-stage table does not lie in memory",     \
	  "let the entry above point to memory")                                                   \
	c(FS_ABSENT, "VT-d 9.7, SFS.2", "the first-stage entry is not present: the process has no "   \
	  "page there, or it is not in memory now",                                                \
	  "map the page (touch it), or let the device request it: ATS, PRI and a handler in the "  \
	  "guest")                                                                                 \
	c(FS_RESERVED, "VT-d 9.7, SFS.3", "the first-stage entry has a bit set that is reserved in "  \
	  "this unit", "clear the bit; for a 1 GiB page offer CAP.FS1GP")                          \
	c(FS_BEYOND_WIDTH, "VT-d 3.8, SFS.5", "the first-stage entry's address lies beyond the "      \
	  "width of the second stage", "place the page where guest memory can be")                 \
	c(FS_TABLE_REFUSED, "VT-d 3.8, SFS.6 SFS.7", "the second stage does not let the unit read a "  \
	  "first-stage table (with SSADE=1 it must be writable too)",                              \
	  "map the guest's page tables readable, and writable with SSADE=1, in the second stage")  \
	c(FS_AD_REFUSED, "VT-d 3.8, SFS.8", "the second stage does not let the unit set A or D in a "  \
	  "first-stage entry",                                                                     \
	  "map the guest's page tables writable in the second stage, or set A and D beforehand")   \
	c(FS_AD_NOT_SNOOPED, "VT-d 3.6.2, SFS.9", "A or D must be set in a first-stage entry, and "    \
	  "the unit's walks are not coherent (PWSNP=0)",                                           \
	  "offer ECAP.SMPWC and set PWSNP, or set A and D beforehand")                             \
	c(FS_AD_FAILED, "VT-d 3.6.2, SFS.10", "setting A or D in a first-stage entry failed",          \
	  "place the page tables in memory that can be written")                                   \
	c(PAGE_PRIVILEGED, "VT-d 3.6.1, SGN.2", "the page belongs to the kernel: U/S=0 in an entry "    \
	  "of the first stage", "use an address of the process, not of the kernel")                \
	c(FS_READONLY, "VT-d 3.6.1, SGN.6", "the first stage does not let this page be written: "       \
	  "R/W=0 in an entry",                                                                     \
	  "map the page writable in the process (mprotect); copy-on-write pages when written first") \
	c(GPA_BEYOND_WIDTH, "VT-d 3.7, SGN.5", "the address lies beyond the width of the second stage "  \
	  "(CAP.MGAW and AW)", "use an address that the second stage translates")                  \
	c(SS_UNREADABLE, "VT-d 7.1.3, SSS.1 SSS.4", "a second-stage table does not lie in memory",    \
	  "let the entry above point to memory")                                                   \
	c(SS_ABSENT, "VT-d 9.8, SSS.2", "the second stage has no page there: the address is no "       \
	  "memory of the guest",                                                                   \
	  "give the VM memory there (vsva_vm_map, vfio DMA_MAP), or use an address that is memory") \
	c(SS_RESERVED, "VT-d 9.8, SSS.3", "the second-stage entry has a bit set that is reserved in "   \
	  "this unit", "clear the bit; for large pages look at CAP.SSLPS, for SNP at ECAP.SC")     \
	c(SS_AD_NOT_SNOOPED, "VT-d 3.7.2, SSS.5", "A or D must be set in a second-stage entry, and "    \
	  "the unit's walks are not coherent (PWSNP=0)",                                           \
	  "set PWSNP where ECAP.SMPWC=1, or clear SSADE")                                          \
	c(SS_AD_FAILED, "VT-d 3.7.2, SSS.6", "setting A or D in a second-stage entry failed",           \
	  "place the page tables in memory that can be written")                                   \
	c(SS_READONLY, "VT-d 3.7.1, SGN.6", "the second stage does not let this page be written: W=0 "   \
	  "in an entry", "map the page writable for the VM; is it ROM, or a read-only window?")    \
	c(SS_WRITEONLY, "VT-d 3.7.1, SGN.7", "the second stage does not let this page be read: R=0 in "  \
	  "an entry", "map the page readable for the VM")                                          \
	c(HPA_BEYOND_WIDTH, "VT-d 3.9, SGN.4", "pass-through: the address lies beyond the host address " \
	  "width", "use an address of memory")                                                     \
	c(INTERRUPT_RANGE, "VT-d 3.14, SGN.8", "the translated address lies in the interrupt range "     \
	  "FEE0_0000 to FEEF_FFFF",                                                                \
	  "map the page elsewhere; interrupts are writes without PASID to that range")

/* The chain that shared virtual addressing of a guest needs. */
#define VSVA_SVA_CODES(c)                                                                          \
	c(DEVICE_UNKNOWN, "", "there is no such device",                                           \
	  "look at the list: vsva show device")                                                    \
	c(DEVICE_NOT_ASSIGNED, "", "no VM has the device",                                         \
	  "assign it to a VM; --vm N says which of several VMs is meant")                          \
	c(CAP_QI, "VT-d 11.4.3", "the unit offers no queued invalidation (ECAP.QI=0)",             \
	  "offer ECAP.QI: scalable mode needs it")                                                 \
	c(CAP_SMTS, "VT-d 11.4.3", "the unit offers no scalable mode (ECAP.SMTS=0)",               \
	  "offer ECAP.SMTS: PASIDs exist in scalable mode only")                                   \
	c(CAP_PASID, "VT-d 11.4.3", "the unit takes no requests with PASID (ECAP.PASID=0)",        \
	  "offer ECAP.PASID and a size in ECAP.PSS")                                               \
	c(CAP_FSTS, "VT-d 11.4.3", "the unit offers no first stage (ECAP.FSTS=0), so it cannot "    \
	  "walk a process's page tables", "offer ECAP.FSTS")                                       \
	c(CAP_DT, "VT-d 11.4.3", "the unit knows no device TLB (ECAP.DT=0), so devices cannot use "  \
	  "ATS", "offer ECAP.DT")                                                                  \
	c(CAP_PRS, "VT-d 11.4.3", "the unit takes no page requests (ECAP.PRS=0): a page that is "    \
	  "not in memory ends the job", "offer ECAP.PRS")                                          \
	c(CAP_SMPWC, "VT-d 11.4.3", "the unit's walks are not coherent (ECAP.SMPWC=0); Linux then "  \
	  "refuses to bind a process's page tables",                                               \
	  "offer ECAP.SMPWC, or use a guest kernel of 6.16 or 6.17, which does not ask for it")    \
	c(CAP_NEST, "VT-d 11.4.3", "the unit offers no nested translation (ECAP.NEST=0), so a "      \
	  "guest's page tables cannot be used in place",                                           \
	  "offer ECAP.NEST in the physical unit")                                                  \
	c(CAP_1GIB, "VT-d 11.4.2", "the unit walks no 1 GiB pages in the first stage "              \
	  "(CAP.FS1GP=0); Linux gives up SVA if its processor has them",                           \
	  "offer CAP.FS1GP, or take the processor's feature away (-cpu …,pdpe1gb=off)")            \
	c(CAP_5LEVEL, "VT-d 11.4.2", "the unit walks no 5-level page tables (CAP.FS5LP=0); Linux "   \
	  "gives up SVA if its processor uses them",                                               \
	  "take LA57 away from the guest: -cpu …,la57=off, or no5lvl on its command line")         \
	c(CAP_VCS, "VT-d 11.4.14", "the unit offers no virtual command (ECAP.VCS=0): the guest "    \
	  "chooses its PASIDs itself",                                                             \
	  "nothing needs to: only Linux 5.10 to 6.1 allocate PASIDs by it")                        \
	c(QUEUE_OFF, "VT-d 6.5.2", "the guest has not enabled its invalidation queue (GSTS.QIES=0)", \
	  "boot the guest with intel_iommu=on,sm_on")                                              \
	c(NO_PASID_BOUND, "VT-d 9.6", "no PASID is bound to the device now",                        \
	  "open the device in a process of the guest (iommu_sva_bind_device)")                     \
	c(NOT_NESTED, "VT-d 3.8", "the host's entry for the PASID is not nested on the VM's memory", \
	  "attach the device to the VM's domain and bind again")                                   \
	c(SHADOW_MISSING, "VT-d 6.5.2.1", "the guest's entry is present, but the host has not taken " \
	  "it over", "let the guest invalidate the PASID cache for it: the unit has caching mode")

/* What a guest's kernel says, and what it does not say. */
#define VSVA_KERNEL_CODES(c)                                                                       \
	c(LOG_UNKNOWN, "", "this is no boot log of Linux: no line says \"Linux version\"",         \
	  "give the whole log: dmesg, journalctl -k, or what the serial console showed")           \
	c(KERNEL_SVA_OFF, "Linux stable", "this kernel was released with SVA switched off on x86: "  \
	  "bind fails although everything else is there",                                          \
	  "use a guest kernel that has it: 6.16, 6.17, or 7.2 and later")                          \
	c(KERNEL_TOO_OLD, "", "this kernel has no SVA for this driver",                             \
	  "use a guest kernel of 6.16, 6.17, or 7.2 and later")                                    \
	c(KERNEL_IOMMU_OFF, "kernel-parameters: intel_iommu", "the guest does not use its IOMMU",   \
	  "add intel_iommu=on,sm_on to the guest's command line")                                  \
	c(KERNEL_SM_OFF, "kernel-parameters: intel_iommu", "the guest does not use scalable mode",  \
	  "add sm_on to intel_iommu= on the guest's command line")                                 \
	c(KERNEL_LA57, "Linux drivers/iommu/intel/svm.c", "the guest's processor uses 5-level page "  \
	  "tables and the unit walks 4: the kernel says \"SVM disabled, incompatible paging mode\"", \
	  "take LA57 away from the guest: -cpu …,la57=off, or no5lvl on its command line")         \
	c(KERNEL_1GIB, "Linux drivers/iommu/intel/svm.c", "the guest's processor has 1 GiB pages "    \
	  "and the unit's first stage does not: the kernel says \"SVM disabled, incompatible 1GB "   \
	  "page capability\"", "offer CAP.FS1GP, or use -cpu …,pdpe1gb=off")                        \
	c(DMAR_MISSING, "ACPI DMAR", "the guest has no DMAR table, so it knows of no unit",        \
	  "give it one: -acpitable file=dmar.bin (vsva serve prints the command line)")            \
	c(DMAR_ADDRESS, "ACPI DMAR", "at the address that the DMAR table names there is no unit",   \
	  "make the table anew for this list of devices: the BAR of the unit has moved")           \
	c(DMAR_SCOPE, "ACPI DMAR", "no device came into an IOMMU group: the accelerator is not in "  \
	  "the scope of the unit", "name it in the DRHD's scope of the DMAR table")                \
	c(DMAR_FAULT, "VT-d 7.1.3", "the unit has recorded faults", "look at each: vsva explain "   \
	  "DEVICE PASID ADDRESS")                                                                  \
	c(IDXD_ABSENT, "", "the driver of the accelerator (idxd) says nothing",                     \
	  "load idxd_bus and idxd")                                                                \
	c(IDXD_MOVDIR64B, "Linux drivers/dma/idxd/init.c", "the driver does not load: the "         \
	  "processor does not have MOVDIR64B",                                                     \
	  "add setcpuid=movdir64b to the guest's command line (user queues do without), or use a "   \
	  "processor that has it")                                                                 \
	c(IDXD_ENQCMD, "Linux drivers/dma/idxd/init.c", "the processor has no ENQCMD: shared queues " \
	  "cannot be used", "use dedicated queues")                                                \
	c(IDXD_SVA_OFF, "Linux drivers/dma/idxd/init.c", "the driver could not turn on SVA for "     \
	  "user queues", "look at the links before: IOMMU, scalable mode, ATS, PRI, PASID")        \
	c(IDXD_SVA_PARAM, "Linux drivers/dma/idxd/init.c", "SVA is switched off by the driver's "    \
	  "parameter", "load idxd without sva=0")                                                  \
	c(IDXD_PASID, "Linux drivers/dma/idxd/init.c", "the driver got no PASID of its own, so the "  \
	  "IOMMU does not do what it wants", "look at the links before: IOMMU, scalable mode, PASID")

/* Messages: complaints of the commands, warnings and errors of the library. */
#define VSVA_MESSAGE_CODES(c)                                                              \
	c(USAGE, "", "the command line, or what is typed there, cannot be",               \
	  "look at the help: vsva COMMAND --help")                                        \
	c(SCRIPT, "docs/scenarios.md", "the scenario has a mistake, or cannot be read",   \
	  "look at the line that the message names")                                      \
	c(NO_MEMORY, "", "there is no memory",                                            \
	  "end something else, or give the machine or its limits more")                   \
	c(NO_DESCRIPTOR, "", "there are no file descriptors",                             \
	  "raise the limit (ulimit -n)")                                                  \
	c(FILE, "", "a file cannot be read or written",                                   \
	  "look at the path, its rights and the room on the disk")                        \
	c(FILE_FORMAT, "docs/control.md", "a file is not what it should be",              \
	  "give the file that the message names, written by this version")                \
	c(OUTPUT, "", "the output could not be written; what was printed is not all",     \
	  "look at the disk, or at who reads the pipe")                                   \
	c(OBJECT_UNKNOWN, "docs/control.md", "the server or the snapshot has no such "    \
	  "thing",                                                                        \
	  "use the same version of vsva for both")                                        \
	c(NO_EVENTS, "docs/trace.md", "no event was recorded, or none is selected",       \
	  "record some: vsva run --trace, serve --events, boot --events, or a vsva "      \
	  "trace that runs meanwhile")                                                    \
	c(CONTROL_ABSENT, "docs/control.md", "no control socket answers",                 \
	  "start vsva serve or vsva boot, or name the socket: --control PATH")            \
	c(CONTROL_NOT_MADE, "docs/control.md", "the control socket cannot be made",       \
	  "use a directory of your own, and a path of fewer than 108 characters")         \
	c(CONTROL_PROTOCOL, "docs/control.md", "what answers is no control socket of "    \
	  "this version",                                                                 \
	  "use the same version of vsva for both")                                        \
	c(CONTROL_REFUSED, "docs/control.md", "the server refused what was asked",        \
	  "do what the message says; changes need --allow-control at the server")         \
	c(SERVER_NOT_SET_UP, "", "the server, its machine or its threads cannot be "      \
	  "set up",                                                                       \
	  "do what the message says")                                                     \
	c(SERVER_NOT_STARTED, "", "the server of vsva boot did not start",                \
	  "read what it said, above or in its log")                                       \
	c(SERVER_ENDED, "", "the server of vsva boot ended too early",                    \
	  "read its log")                                                                 \
	c(QEMU_NOT_STARTED, "", "QEMU cannot be started",                                 \
	  "let vsva boot fetch one: --refresh")                                           \
	c(QEMU_ENDED, "", "QEMU ended before the guest said how it went",                 \
	  "read the log of the serial console; explain sva --dmesg reads it too")         \
	c(GUEST_TIMEOUT, "", "the guest did not come to its end in time",                 \
	  "give it longer (--timeout): emulation is slow on a busy machine")              \
	c(GUEST_NOT_PREPARED, "", "the kernel and the files for the guest are not "       \
	  "there",                                                                        \
	  "run vsva boot --refresh with a network")                                       \
	c(BENCH_FAILED, "", "something could not be measured",                            \
	  "run it alone; the message says what happened")                                 \
	c(PLOTS, "bench/README.md", "plots cannot be drawn",                              \
	  "install gnuplot, or give a directory that may be written to")                  \
	c(LEDGER, "docs/scenarios.md", "the ledger has seen an access that may not be",   \
	  "report it: it is a defect of vsva")                                            \
	c(EVENTS_LOST, "", "events came faster than they were told",                      \
	  "nothing else is concerned")                                                    \
	c(HELD_BACK, "", "messages of one kind came in a burst and were left out",        \
	  "look at the first of them")                                                    \
	c(BIND_REFUSED, "docs/lifecycle.md", "a PASID was not bound, or requests "        \
	  "without PASID are blocked: the guest's entry is not one that the host can "    \
	  "take over, or something is used up",                                           \
	  "look at the error in the message; explain DEVICE PASID ADDRESS says more")     \
	c(DMA_FAULT, "VT-d 7.1.3", "the unit refused an access and recorded it",          \
	  "explain DEVICE PASID ADDRESS says why")                                        \
	c(FAULT_KEPT, "VT-d 7.1.3", "a fault is not one that the guest could mend, so "   \
	  "it is not told",                                                               \
	  "look at the VM's memory: is all of it mapped?")                                \
	c(MESSAGE_LOST, "PCI 6.2.2", "an interrupt reaches nobody",                       \
	  "let the guest's driver enable bus mastering, and look at the address that "    \
	  "it programmed")                                                                \
	c(DEVICE_SILENT, "VT-d 6.5.2.10", "a device does not answer invalidations, so "   \
	  "it is blocked",                                                                \
	  "reset the device or plug it anew")                                             \
	c(DEVICE_IN_USE, "", "a device was to be destroyed that somebody still has",      \
	  "give it back first")                                                           \
	c(DEVICE_OUT_OF_ORDER, "", "an accelerator does not carry out its commands "      \
	  "and cannot be shared any more",                                                \
	  "reset the device, then make the mediated devices anew")                        \
	c(DEVICES_PULLED, "", "a VM's devices were pulled out",                           \
	  "nothing, if that was wanted")                                                  \
	c(PAGE_REQUESTS_OFF, "VT-d 7.3", "a device's page requests do not stop, or do "   \
	  "not start again",                                                              \
	  "reset the device")                                                             \
	c(PRQ_FULL, "VT-d 7.4", "the page-request queue was full; devices ask again",     \
	  "nothing, if it is seldom: the host's handler was late")                        \
	c(GROUP_UNANSWERED, "VT-d 7.5", "a group of page requests had no answer in "      \
	  "time and was answered \"invalid\"",                                            \
	  "look at the guest's page-request handler")                                     \
	c(HANDLER_STUCK, "", "a fault handler does not return",                           \
	  "let it return at once and work elsewhere")                                     \
	c(PASID_REFERENCES, "docs/lifecycle.md", "references to a PASID do not add up",   \
	  "return each reference once, before the PASID is freed")                        \
	c(ALLOCATOR_WRONG, "vsva/ioasid.h", "a custom allocator gave out a number "       \
	  "that it may not",                                                              \
	  "give out each number once, in the range that was asked for")                   \
	c(RECLAIM_ENDLESS, "vsva/ioasid.h", "a reclaim function does not come to its "    \
	  "end",                                                                          \
	  "bound it: it has to stop what is left")                                        \
	c(IN_EVENT, "vsva/ioasid.h", "an event function called something that it may "    \
	  "not",                                                                          \
	  "mark only, and call it from the reclaim function")                             \
	c(UNIT_SILENT, "", "the unit does not carry out commands or descriptors",         \
	  "reset it (vsva_iommu_reset)")                                                  \
	c(DESCRIPTOR_REFUSED, "VT-d 6.5.2.11", "the unit refused an invalidation "        \
	  "descriptor of the host",                                                       \
	  "report it: it is a defect of vsva")                                            \
	c(INVALIDATION_UNASKED, "VT-d 11.4.8", "a device completed an invalidation "      \
	  "that nobody asked for",                                                        \
	  "look at the device")                                                           \
	c(INVALIDATION_FAILED, "VT-d 6.5.2", "an invalidation of the guest could not "    \
	  "be passed on",                                                                 \
	  "look at the device: does it answer?")                                          \
	c(WORK_ABORTED, "docs/lifecycle.md", "a freed PASID still had work in a "         \
	  "queue, which was ended",                                                       \
	  "stop the work before the PASID is freed")                                      \
	c(CLOSE_SLOW, "vsva/vfio.h", "a close waits for a call that is under way",        \
	  "let the call return")                                                          \
	c(TEARDOWN, "docs/lifecycle.md", "something was taken down, and not all went "    \
	  "well",                                                                         \
	  "look at the error and at the lines before")                                    \
	c(LEAK, "", "a guest has gone and something of it is left",                       \
	  "report it: it is a defect of vsva")                                            \
	c(GCMD_IGNORED, "VT-d 11.4.4", "GCMD was written with more than one change, "     \
	  "or before the last was done",                                                  \
	  "change one bit at a time and wait for GSTS")                                   \
	c(GUEST_QUEUE_STOPPED, "VT-d 11.4.8", "the guest's invalidation queue stopped "   \
	  "at a bad descriptor",                                                          \
	  "look at the descriptor and the error (IQEI); the guest clears FSTS.IQE")       \
	c(GUEST_STATUS_ADDRESS, "VT-d 6.5.2.8", "a wait descriptor of the guest names "   \
	  "a status address that is no memory",                                           \
	  "look at the guest's driver")                                                   \
	c(CLIENT_PROTOCOL, "vfio-user", "a client does not speak vfio-user as it "        \
	  "should",                                                                       \
	  "use QEMU 10.1 or later")                                                       \
	c(CLIENT_REFUSED, "vfio-user", "a command of a client was refused",               \
	  "the message says why")                                                         \
	c(CLIENT_SECOND, "vfio-user", "a second client wanted a socket that is in use",   \
	  "end the first, or use the socket of another VM")                               \
	c(CLIENT_NO_DMA, "vfio-user", "the client takes no DMA messages, so "             \
	  "interrupts of the unit do not reach the guest",                                \
	  "use QEMU 10.1 or later")                                                       \
	c(SOCKET, "", "a connection could not be taken",                                  \
	  "look at the error in the message")                                             \
	c(SOCKET_DIRECTORY, "", "the directory for the sockets is not usable",            \
	  "use an empty directory of your own with mode 700: --socket-dir DIR")
/* clang-format on */

#define VSVA_CODES(c)                                                                              \
	VSVA_STATE_CODES(c)                                                                        \
	VSVA_WALK_CODES(c) VSVA_SVA_CODES(c) VSVA_KERNEL_CODES(c) VSVA_MESSAGE_CODES(c)

enum vsva_code {
	VSVA_CODE_NONE,
#define VSVA_CODE_NUMBER_(code, clause, what, change) VSVA_CODE_##code,
	VSVA_CODES(VSVA_CODE_NUMBER_)
#undef VSVA_CODE_NUMBER_
		VSVA_CODE_END
};

struct vsva_code_info {
	enum vsva_code code;
	const char *name; /* "CTX_ABSENT" */
	const char *clause;
	const char *what;
	const char *change;
};

/* NULL: not a code. Constant; any thread. */
const struct vsva_code_info *vsva_code_info(enum vsva_code code);
/* By name in any letter case, with or without brackets around it. NULL: no code is called so. */
const struct vsva_code_info *vsva_code_find(const char *name);
/* "CTX_ABSENT"; "?" for what is no code. */
const char *vsva_code_name(enum vsva_code code);

#ifdef __cplusplus
}
#endif
#endif
