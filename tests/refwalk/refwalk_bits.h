/* SPDX-License-Identifier: MIT */
/*
 * Bit positions and one-liners of the reference walker, taken from the specification by hand and
 * shared with nothing but the walker. Private to refwalk.c, which must have a "w" in scope where it
 * uses the macros.
 */
#ifndef REFWALK_BITS_H
#define REFWALK_BITS_H

#include "refwalk.h"

#include <stddef.h>

#define BIT(n)       (1ULL << (n))
#define MASK(hi, lo) ((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))

/* The checks read like the condition tables: condition, condition code. */
#define FAULT_IF(condition, code)                                                                  \
	do {                                                                                       \
		if (condition)                                                                     \
			return REFWALK_##code;                                                     \
	} while (0)
/* The same where legacy mode has a code of its own. */
#define FAULT_BY_MODE(condition, legacy_code, scalable_code)                                       \
	do {                                                                                       \
		if (condition)                                                                     \
			return w->scalable ? REFWALK_##scalable_code : REFWALK_##legacy_code;      \
	} while (0)
#define TRY(expression)                                                                            \
	do {                                                                                       \
		uint8_t fault_ = (expression);                                                     \
		if (fault_)                                                                        \
			return fault_;                                                             \
	} while (0)

/* clang-format off */
#define CAP(bit)  ((w->unit->cap >> (bit) & 1) != 0)
#define ECAP(bit) ((w->unit->ecap >> (bit) & 1) != 0)
/* clang-format on */

enum { /* CAP, VT-d 11.4.2 */
       CAP_SAGAW = 8,
       CAP_MGAW = 16,
       CAP_ZLR = 22,
       CAP_SSLPS = 34,
       CAP_FS1GP = 56,
       CAP_FS5LP = 60,
};

enum { /* ECAP, VT-d 11.4.3 */
       ECAP_DT = 2,
       ECAP_PT = 6,
       ECAP_SC = 7,
       ECAP_MTS = 25,
       ECAP_NEST = 26,
       ECAP_PRS = 29,
       ECAP_ERS = 30,
       ECAP_SRS = 31,
       ECAP_NWFS = 33,
       ECAP_EAFS = 34,
       ECAP_PSS = 35,
       ECAP_PASID = 40,
       ECAP_SMTS = 43,
       ECAP_SSADS = 45,
       ECAP_SSTS = 46,
       ECAP_FSTS = 47,
       ECAP_SMPWC = 48,
       ECAP_RPS = 49,
       ECAP_ADMS = 52,
       ECAP_RPRIVS = 53,
};

/* Translation types of a PASID entry, VT-d 9.6. */
enum { PGTT_FIRST = 1, PGTT_SECOND = 2, PGTT_NESTED = 3, PGTT_PASS = 4 };

/* First-stage entries (VT-d 9.7), second-stage entries (VT-d 9.8) and the bit both have. */
enum { FS_P = 1, FS_RW = 2, FS_US = 4, FS_A = 0x20, FS_D = 0x40, FS_EA = 0x400 };
enum { SS_R = 1, SS_W = 2, SS_A = 0x100, SS_D = 0x200, SS_SNP = 0x800 };
#define PS BIT(7)

#define RACES_MAX 64

/* Reserved because the capability is missing. */
static inline uint64_t unless(bool capability, uint64_t bits)
{
	return capability ? 0 : bits;
}

static inline bool exceeds(uint64_t value, unsigned bits)
{
	return value >> bits;
}

static inline bool in_interrupt_range(uint64_t addr)
{
	return addr >> 20 == 0xfee;
}

static inline unsigned level_lg2(unsigned level)
{
	return 12 + 9 * (level - 1);
}

static inline uint64_t entry_at(uint64_t table, uint64_t addr, unsigned level)
{
	return table + 8 * (addr >> level_lg2(level) & 511);
}

static inline bool is_leaf(unsigned level, uint64_t entry)
{
	return level == 1 || (level <= 3 && entry & PS);
}

static inline bool is_canonical(uint64_t addr, unsigned bits)
{
	uint64_t top = addr >> (bits - 1);

	return top == 0 || top == ~0ULL >> (bits - 1);
}

static const struct {
	bool qualified;
	enum refwalk_response completion;
} reasons[256] = {
#define REASON(name, code, qualified, completion) [code] = {qualified, REFWALK_##completion},
	REFWALK_REASONS(REASON)
#undef REASON
};

static inline enum refwalk_response response_to(const struct refwalk_request *req, uint8_t code)
{
	if (req->type == REFWALK_PAGE_REQUEST)
		return !code ? REFWALK_OK : req->lpig ? REFWALK_IR : REFWALK_DROP;
	if (req->type == REFWALK_TRANSLATION_REQUEST)
		return reasons[code].completion;
	return code ? REFWALK_UR : REFWALK_OK;
}

#endif
