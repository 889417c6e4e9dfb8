/* SPDX-License-Identifier: MIT */
/*
 * Submission by a CPU: what ENQCMD and ENQCMDS look at, and the tables by which a virtual machine's
 * PASIDs are translated on the way.
 *
 * Vocabulary
 *   command     the 64 bytes of an enqueue store; their first 32 bits say whose it is (ENQCMD)
 *   directory   512 entries (VMX_PASID_DIR) in a page. A VM has two: the low one for PASIDs below
 *               2^19, the high one for the others
 *   table       1024 entries (VMX_PASID) in a page: guest PASID to host PASID
 *
 * Intel SDM volume 2, ENQCMD and ENQCMDS; volume 3, "PASID translation", and the VM exits 72 and
 * 73. The entries' reserved bits count in every entry that is present or valid.
 */
#ifndef VTD_ENQCMD_H
#define VTD_ENQCMD_H

#include "vsva/types.h"
#include "vtd/layout.h"
#include "vtd/registers.h"

/* clang-format off */
#define VTD_VMX_PASID_DIR_FIELDS(f, a, i, t) f(t, P, 0, 0) a(t, TABLE, 63, 12)
#define VTD_VMX_PASID_FIELDS(f, a, i, t)     f(t, PASID, 19, 0) f(t, V, 31, 31)
#define VTD_IA32_PASID_FIELDS(f, a, i, t)    f(t, PASID, 19, 0) f(t, V, 31, 31)
/* The first 32 bits of a command. PRIV: 1 = supervisor. */
#define VTD_ENQCMD_FIELDS(f, a, i, t)        f(t, PASID, 19, 0) f(t, PRIV, 31, 31)

#define VTD_ENQCMD_WORDS(r)                                                                        \
	r(VMX_PASID_DIR, 64, 0) r(VMX_PASID, 32, 0) r(IA32_PASID, 64, 0) r(ENQCMD, 32, 0)
/* clang-format on */

VTD_ENQCMD_WORDS(VTD_ACCESSORS_OF_)

enum {
	VTD_COMMAND_BYTES = 64,   /* and the alignment of its destination */
	VTD_VMX_PASID_SHIFT = 10, /* PASID[18:10] is the index into a directory */
	VTD_VMX_PASID_COUNT = 1 << VTD_VMX_PASID_SHIFT, /* entries of a table, by PASID[9:0] */
	VTD_VMX_PASID_DIR_COUNT = 512,
};

/* which directory: 0 low, 1 high */
static inline unsigned vtd_vmx_pasid_half(uint32_t pasid)
{
	return pasid >> 19 & 1;
}

static inline unsigned vtd_vmx_pasid_dir_index(uint32_t pasid)
{
	return pasid >> VTD_VMX_PASID_SHIFT & (VTD_VMX_PASID_DIR_COUNT - 1u);
}

static inline unsigned vtd_vmx_pasid_index(uint32_t pasid)
{
	return pasid & (VTD_VMX_PASID_COUNT - 1u);
}

/* bits that must be zero in a present entry of a directory; haw: width of a physical address */
static inline uint64_t vtd_vmx_pasid_dir_reserved_for(unsigned haw)
{
	return VTD_VMX_PASID_DIR_RESERVED | (haw >= 64 ? 0 : VTD_MASK(63, haw));
}

#endif
