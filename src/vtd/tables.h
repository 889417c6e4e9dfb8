/* SPDX-License-Identifier: MIT */
/*
 * The remapping structures in memory.
 *
 * Vocabulary
 *   level   of a paging entry: 1 maps 4 KiB; the root of a table of n levels has entries of level n
 *   leaf    a paging entry that maps a page: level 1, or PS=1 at level 2 (2 MiB) or 3 (1 GiB)
 *   width   how many bits of the input address a table translates: 39, 48 or 57
 *   HAW     host address width: address bits from HAW up are reserved
 *   rules   what the capabilities of a unit make reserved: struct vtd_rules
 *
 * VT-d 3.4 to 3.8, 6.2.3.1 (programming), chapter 9 (formats). The fields of the host permission
 * table and of PASIDs in translated requests are laid out but always reserved: no unit offers them.
 */
#ifndef VTD_TABLES_H
#define VTD_TABLES_H

#include "vsva/types.h"
#include "vtd/layout.h"
#include "vtd/registers.h"

/* Everything that makes a bit reserved or a value unsupported. */
struct vtd_rules {
	uint64_t cap;
	uint64_t ecap;
	unsigned haw; /* 39 to 52 */
};

struct vtd_root_entry {
	uint64_t q[2];
};
struct vtd_legacy_context {
	uint64_t q[2];
};
struct vtd_context_entry {
	uint64_t q[4];
};
struct vtd_pasid_dir_entry {
	uint64_t q[1];
};
struct vtd_pasid_entry {
	uint64_t q[8];
};

/* clang-format off */
#define VTD_ROOT_ENTRY_FIELDS(f, a, i, t)                                                          \
	f(t, LP, 0, 0) a(t, LCTP, 63, 12) f(t, UP, 64, 64) a(t, UCTP, 127, 76)

#define VTD_LEGACY_ROOT_FIELDS(f, a, i, t) f(t, P, 0, 0) a(t, CTP, 63, 12)

#define VTD_LEGACY_CONTEXT_FIELDS(f, a, i, t)                                                      \
	f(t, P, 0, 0) f(t, FPD, 1, 1) f(t, TT, 3, 2) a(t, SSPTPTR, 63, 12) f(t, AW, 66, 64)        \
	i(t, AVAIL, 70, 67) f(t, DID, 87, 72)

#define VTD_CONTEXT_ENTRY_FIELDS(f, a, i, t)                                                       \
	f(t, P, 0, 0) f(t, FPD, 1, 1) f(t, DTE, 2, 2) f(t, PASIDE, 3, 3) f(t, PRE, 4, 4)           \
	f(t, HPTE, 5, 5) f(t, EPTR, 6, 6) f(t, PDTS, 11, 9) a(t, PASIDDIRPTR, 63, 12)              \
	f(t, RID_PASID, 83, 64) f(t, RID_PRIV, 84, 84)

#define VTD_PASID_DIR_ENTRY_FIELDS(f, a, i, t) f(t, P, 0, 0) f(t, FPD, 1, 1) a(t, SMPTBLPTR, 63, 12)

#define VTD_PASID_ENTRY_FIELDS(f, a, i, t)                                                         \
	f(t, P, 0, 0) f(t, FPD, 1, 1) f(t, AW, 4, 2) f(t, PGTT, 8, 6) f(t, SSADE, 9, 9)            \
	a(t, SSPTPTR, 63, 12) f(t, DID, 79, 64) f(t, PWSNP, 87, 87) f(t, PGSNP, 88, 88)            \
	f(t, CD, 89, 89) f(t, EMTE, 90, 90) f(t, PAT, 127, 96) f(t, SRE, 128, 128)                 \
	f(t, FSPM, 131, 130) f(t, WPE, 132, 132) i(t, NXE_SMEP, 134, 133) f(t, EAFE, 135, 135)     \
	a(t, FSPTPTR, 191, 140) f(t, HPTSZ, 257, 256) f(t, HPTPFD, 258, 258)                       \
	a(t, HPTPTR, 319, 268) f(t, HPTDID, 335, 320)

/* One paging entry of any level; what differs by level is in the reserved-mask functions. */
#define VTD_FS_PTE_FIELDS(f, a, i, t)                                                              \
	f(t, P, 0, 0) f(t, RW, 1, 1) f(t, US, 2, 2) f(t, PWT, 3, 3) f(t, PCD, 4, 4) f(t, A, 5, 5)  \
	f(t, D, 6, 6) f(t, PS, 7, 7) f(t, G, 8, 8) i(t, IGN9, 9, 9) f(t, EA, 10, 10)               \
	i(t, IGN11, 11, 11) a(t, ADDR, 51, 12) i(t, IGN52, 62, 52) i(t, XD, 63, 63)

#define VTD_SS_PTE_FIELDS(f, a, i, t)                                                              \
	f(t, R, 0, 0) f(t, W, 1, 1) i(t, X, 2, 2) f(t, EMT, 5, 3) f(t, IPAT, 6, 6) f(t, PS, 7, 7)  \
	f(t, A, 8, 8) f(t, D, 9, 9) i(t, IGN10, 10, 10) f(t, SNP, 11, 11) a(t, ADDR, 51, 12)       \
	i(t, IGN52, 61, 52) i(t, IGN63, 63, 63)

/* s(prefix, struct, list, words) */
#define VTD_TABLE_STRUCTURES(s)                                                                    \
	s(vtd_root_entry, struct vtd_root_entry, VTD_ROOT_ENTRY_FIELDS, 2)                         \
	s(vtd_legacy_root, struct vtd_root_entry, VTD_LEGACY_ROOT_FIELDS, 2)                       \
	s(vtd_legacy_context, struct vtd_legacy_context, VTD_LEGACY_CONTEXT_FIELDS, 2)             \
	s(vtd_context_entry, struct vtd_context_entry, VTD_CONTEXT_ENTRY_FIELDS, 4)                \
	s(vtd_pasid_dir_entry, struct vtd_pasid_dir_entry, VTD_PASID_DIR_ENTRY_FIELDS, 1)          \
	s(vtd_pasid_entry, struct vtd_pasid_entry, VTD_PASID_ENTRY_FIELDS, 8)

#define VTD_PAGING_ENTRIES(r) r(FS_PTE, 64, 0) r(SS_PTE, 64, 0)
/* clang-format on */

VTD_TABLE_STRUCTURES(VTD_STRUCTURE_ACCESSORS)
VTD_PAGING_ENTRIES(VTD_ACCESSORS_OF_)

/* Values */

enum vtd_pgtt {
	VTD_PGTT_FIRST_STAGE = 1,
	VTD_PGTT_SECOND_STAGE = 2,
	VTD_PGTT_NESTED = 3,
	VTD_PGTT_PASS_THROUGH = 4,
};

/* TT of a legacy context entry, VT-d 9.3 */
enum vtd_tt {
	VTD_TT_SECOND_STAGE = 0,
	VTD_TT_SECOND_STAGE_ATS = 1,
	VTD_TT_PASS_THROUGH = 2,
	VTD_TT_RESERVED = 3,
};

/* AW of context and PASID entries */
enum vtd_aw { VTD_AW_39 = 1, VTD_AW_48 = 2, VTD_AW_57 = 3 };

/* FSPM of a PASID entry */
enum vtd_fspm { VTD_FSPM_4_LEVEL = 0, VTD_FSPM_5_LEVEL = 1 };

/* EMT of a second-stage leaf and PA0 to PA7 of PAT */
enum vtd_memory_type {
	VTD_MT_UC = 0,
	VTD_MT_WC = 1,
	VTD_MT_WT = 4,
	VTD_MT_WP = 5,
	VTD_MT_WB = 6,
	VTD_MT_UC_MINUS = 7, /* PAT only */
};

enum {
	VTD_ROOT_COUNT = 256,           /* entries of the root table, by bus */
	VTD_LEGACY_CONTEXT_COUNT = 256, /* by devfn */
	VTD_CONTEXT_COUNT = 128,        /* by devfn & 0x7f, in each of two tables */
	VTD_PASID_TABLE_COUNT = 64,     /* by PASID[5:0] */
	VTD_PTE_COUNT = 512,
	VTD_PAGE_SHIFT = 12,
	VTD_LEVEL_BITS = 9,
	VTD_LEVELS_MAX = 5,
	VTD_LEAF_LEVEL_MAX = 3,
	VTD_PASID_DIR_SHIFT = 6, /* PASID[19:6] is the index into the directory */
};

/* Where an entry lies, VT-d 3.4 */

static inline unsigned vtd_root_index(rid_t source)
{
	return source.v >> 8;
}

static inline unsigned vtd_legacy_context_index(rid_t source)
{
	return source.v & 0xffu;
}

/* scalable mode: devfn 0 to 127 are found through LCTP, 128 to 255 through UCTP */
static inline bool vtd_context_is_upper(rid_t source)
{
	return (source.v & 0x80u) != 0;
}

static inline unsigned vtd_context_index(rid_t source)
{
	return source.v & (VTD_CONTEXT_COUNT - 1u);
}

static inline unsigned vtd_pasid_dir_index(uint32_t pasid)
{
	return (pasid & 0xfffffu) >> VTD_PASID_DIR_SHIFT;
}

static inline unsigned vtd_pasid_table_index(uint32_t pasid)
{
	return pasid & (VTD_PASID_TABLE_COUNT - 1u);
}

/* the directory of a context entry has 2^(PDTS+7) entries, VT-d 9.4 */
static inline uint32_t vtd_pasid_dir_count(unsigned pdts)
{
	return UINT32_C(1) << (pdts + 7u);
}

/* one more than the largest PASID that a directory reaches */
static inline uint32_t vtd_pasid_end(unsigned pdts)
{
	return vtd_pasid_dir_count(pdts) * VTD_PASID_TABLE_COUNT;
}

/* Address widths: levels = AW + 2, width = 30 + 9 * AW */

static inline bool vtd_aw_is_valid(unsigned aw)
{
	return aw >= VTD_AW_39 && aw <= VTD_AW_57;
}

/* ECAP.FSTS, SSTS, NEST, PT: is it a type that the unit offers? SPT.4 */
static inline bool vtd_pgtt_is_supported(unsigned pgtt, uint64_t ecap)
{
	switch (pgtt) {
	case VTD_PGTT_FIRST_STAGE:
		return vtd_ECAP_FSTS(ecap);
	case VTD_PGTT_SECOND_STAGE:
		return vtd_ECAP_SSTS(ecap);
	case VTD_PGTT_NESTED:
		return vtd_ECAP_NEST(ecap);
	case VTD_PGTT_PASS_THROUGH:
		return vtd_ECAP_PT(ecap);
	default:
		return false;
	}
}

/* does CAP.SAGAW offer it? Bit 1 is 39, bit 2 is 48, bit 3 is 57. VT-d 11.4 */
static inline bool vtd_aw_is_supported(unsigned aw, uint64_t cap)
{
	return vtd_aw_is_valid(aw) && ((vtd_CAP_SAGAW(cap) >> aw) & 1);
}

static inline unsigned vtd_aw_levels(unsigned aw)
{
	return aw + 2u;
}

static inline unsigned vtd_aw_width(unsigned aw)
{
	return 30u + 9u * aw;
}

static inline unsigned vtd_width_to_aw(unsigned width)
{
	return (width - 30u) / 9u;
}

static inline unsigned vtd_fspm_levels(unsigned fspm)
{
	return fspm == VTD_FSPM_5_LEVEL ? 5 : 4;
}

/* how many input bits a table of so many levels translates */
static inline unsigned vtd_levels_width(unsigned levels)
{
	return VTD_PAGE_SHIFT + VTD_LEVEL_BITS * levels;
}

/* the second stage accepts input below 2^min(MGAW + 1, width), else LGN.1 or SGN.5. VT-d 3.6 */
static inline unsigned vtd_ss_input_bits(uint64_t cap, unsigned aw)
{
	unsigned mgaw = vtd_mgaw_bits(cap), width = vtd_aw_width(aw);

	return mgaw < width ? mgaw : width;
}

/* does the address have no bit at or above `bits`? */
static inline bool vtd_fits(uint64_t address, unsigned bits)
{
	return bits >= 64 || (address >> bits) == 0;
}

/* first stage: bits 63:width equal bit width-1, else SGN.1. VT-d 3.6 */
static inline bool vtd_is_canonical(uint64_t address, unsigned width)
{
	uint64_t top = address >> (width - 1);

	return top == 0 || top == (UINT64_MAX >> (width - 1));
}

/* Levels */

static inline unsigned vtd_level_shift(unsigned level)
{
	return VTD_PAGE_SHIFT + VTD_LEVEL_BITS * (level - 1);
}

static inline uint64_t vtd_level_size(unsigned level)
{
	return UINT64_C(1) << vtd_level_shift(level);
}

static inline unsigned vtd_level_index(uint64_t address, unsigned level)
{
	return (unsigned)(address >> vtd_level_shift(level)) & (VTD_PTE_COUNT - 1u);
}

/* CAP.SSLPS and CAP.FS1GP: may a leaf stand at this level? */
static inline bool vtd_ss_leaf_is_supported(const struct vtd_rules *rules, unsigned level)
{
	return level == 1 ||
	       (level <= VTD_LEAF_LEVEL_MAX && ((vtd_CAP_SSLPS(rules->cap) >> (level - 2)) & 1));
}

static inline bool vtd_fs_leaf_is_supported(const struct vtd_rules *rules, unsigned level)
{
	return level <= 2 || (level == 3 && vtd_CAP_FS1GP(rules->cap));
}

static inline bool vtd_fs_pte_is_leaf(uint64_t pte, unsigned level)
{
	return pte & VTD_FS_PTE_PS ? level <= VTD_LEAF_LEVEL_MAX : level == 1;
}

static inline bool vtd_ss_pte_is_leaf(uint64_t pte, unsigned level)
{
	return pte & VTD_SS_PTE_PS ? level <= VTD_LEAF_LEVEL_MAX : level == 1;
}

/* second-stage entries have no present bit: R=W=0 means not present */
static inline bool vtd_ss_pte_is_present(uint64_t pte)
{
	return (pte & (VTD_SS_PTE_R | VTD_SS_PTE_W)) != 0;
}

/* PAT of a large first-stage leaf is bit 12, the lowest bit of ADDR elsewhere */
#define VTD_FS_PTE_PAT_LARGE UINT64_C(0x1000)

/* the page that a leaf maps, or the next table (call it with level 1 for a table) */
static inline uint64_t vtd_pte_address(uint64_t pte, unsigned level)
{
	return pte & VTD_MASK(51, 0) & ~(vtd_level_size(level) - 1);
}

/* address bits 51:HAW */
static inline uint64_t vtd_above_haw(unsigned haw)
{
	return haw >= 52 ? 0 : VTD_MASK(51, haw);
}

/* Bits that must be zero in a present paging entry. SFS.3 (72h), LSS.2 (Ch), SSS.3 (7Ah). */
uint64_t vtd_fs_pte_reserved(const struct vtd_rules *rules, unsigned level, bool leaf);
uint64_t vtd_ss_pte_reserved(const struct vtd_rules *rules, unsigned level, bool leaf);

/*
 * Bits that must be zero in a present entry of a unit with these capabilities. What the entry's own
 * type makes ignored (SSPTPTR of a first-stage entry) is not in the mask. A root entry is checked
 * half by half, so each half has its own mask.
 */
uint64_t vtd_root_entry_half_reserved(const struct vtd_rules *rules);
struct vtd_root_entry vtd_legacy_root_reserved_for(const struct vtd_rules *rules);
struct vtd_legacy_context vtd_legacy_context_reserved_for(const struct vtd_rules *rules,
							  unsigned tt);
struct vtd_context_entry vtd_context_entry_reserved_for(const struct vtd_rules *rules);
uint64_t vtd_pasid_dir_entry_reserved_for(const struct vtd_rules *rules);
struct vtd_pasid_entry vtd_pasid_entry_reserved_for(const struct vtd_rules *rules, unsigned pgtt);

/* Of entries that walks meet all the time, made once for a unit. */
struct vtd_masks {
	uint64_t fs[VTD_LEVELS_MAX + 1][2],
		ss[VTD_LEVELS_MAX + 1][2]; /* by level, and is it a leaf? */
	uint64_t beyond_input[8]; /* by AW: address bits that a second stage does not take */
	uint64_t root_half, pasid_dir;
	struct vtd_context_entry context;
	struct vtd_pasid_entry pasid[8]; /* by PGTT */
};
void vtd_masks_init(struct vtd_masks *masks, const struct vtd_rules *rules);

/* LRT.3, SRT.3, LCT.3, SCT.3, SPD.3, SPT.3: does a present entry set a reserved bit? */
bool vtd_root_entry_has_reserved(const struct vtd_root_entry *e, bool upper,
				 const struct vtd_rules *rules);
bool vtd_legacy_root_has_reserved(const struct vtd_root_entry *e, const struct vtd_rules *rules);
bool vtd_legacy_context_has_reserved(const struct vtd_legacy_context *e,
				     const struct vtd_rules *rules);
bool vtd_context_entry_has_reserved(const struct vtd_context_entry *e,
				    const struct vtd_rules *rules);
bool vtd_pasid_dir_entry_has_reserved(const struct vtd_pasid_dir_entry *e,
				      const struct vtd_rules *rules);
bool vtd_pasid_entry_has_reserved(const struct vtd_pasid_entry *e, const struct vtd_rules *rules);

#endif
