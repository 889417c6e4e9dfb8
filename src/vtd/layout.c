/* SPDX-License-Identifier: MIT */
/* The layouts as data: field tables and reserved masks, from the same lists as the accessors. */
#include "vtd/layout.h"

#include "vtd/descriptors.h"
#include "vtd/enqcmd.h"
#include "vtd/faults.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "structures in memory are accessed in host byte order");

/* the part of a field's mask that lies in word w */
#define IN_WORD(w, hi, lo)         ((lo) / 64 == (w) ? VTD_MASK((hi) % 64, (lo) % 64) : 0)
#define OR_IN_WORD(w, n, hi, lo)   | IN_WORD(w, hi, lo)
#define PLUS_IN_WORD(w, n, hi, lo) +IN_WORD(w, hi, lo)
#define USED(list, w)              (UINT64_C(0) list(OR_IN_WORD, OR_IN_WORD, OR_IN_WORD, w))
#define SUM(list, w)               (UINT64_C(0) list(PLUS_IN_WORD, PLUS_IN_WORD, PLUS_IN_WORD, w))

#define AS_FIELD(t, n, hi, lo)   {#n, hi, lo, VTD_KIND_FIELD},
#define AS_ADDRESS(t, n, hi, lo) {#n, hi, lo, VTD_KIND_ADDRESS},
#define AS_IGNORED(t, n, hi, lo) {#n, hi, lo, VTD_KIND_IGNORED},

#define RESERVED_1(list) ~USED(list, 0)
#define RESERVED_2(list) RESERVED_1(list), ~USED(list, 1)
#define RESERVED_4(list) RESERVED_2(list), ~USED(list, 2), ~USED(list, 3)
#define RESERVED_8(list)                                                                           \
	RESERVED_4(list), ~USED(list, 4), ~USED(list, 5), ~USED(list, 6), ~USED(list, 7)

/* the sum of masks that do not overlap is their union */
#define DISJOINT(list, w) _Static_assert(SUM(list, w) == USED(list, w), "fields overlap");
#define DISJOINT_1(list)  DISJOINT(list, 0)
#define DISJOINT_2(list)  DISJOINT_1(list) DISJOINT(list, 1)
#define DISJOINT_4(list)  DISJOINT_2(list) DISJOINT(list, 2) DISJOINT(list, 3)
#define DISJOINT_8(list)                                                                           \
	DISJOINT_4(list)                                                                           \
	DISJOINT(list, 4) DISJOINT(list, 5) DISJOINT(list, 6) DISJOINT(list, 7)

#define DEFINE_LAYOUT(p, list, bits, words, mask)                                                  \
	static const struct vtd_field p##_fields[] = {list(AS_FIELD, AS_ADDRESS, AS_IGNORED, p)};  \
	const struct vtd_layout p##_layout = {                                                     \
		.name = #p,                                                                        \
		.width = (bits),                                                                   \
		.word_count = (words),                                                             \
		.reserved = (mask),                                                                \
		.fields = p##_fields,                                                              \
		.field_count = sizeof(p##_fields) / sizeof(p##_fields[0]),                         \
	};

#define DEFINE_STRUCTURE(p, storage, list, words)                                                  \
	DISJOINT_##words(list) const uint64_t p##_reserved[words] = {RESERVED_##words(list)};      \
	DEFINE_LAYOUT(p, list, 64 * (words), words, p##_reserved)

#define DEFINE_REGISTER(r, bits, offset)                                                           \
	DISJOINT(VTD_##r##_FIELDS, 0)                                                              \
	static const uint64_t vtd_##r##_reserved[1] = {VTD_##r##_RESERVED};                        \
	DEFINE_LAYOUT(vtd_##r, VTD_##r##_FIELDS, bits, 1, vtd_##r##_reserved)

#define REFER_STRUCTURE(p, storage, list, words) &p##_layout,
#define REFER_REGISTER(r, bits, offset)          &vtd_##r##_layout,

/* clang-format off */
VTD_TABLE_STRUCTURES(DEFINE_STRUCTURE)
VTD_DESCRIPTOR_STRUCTURES(DEFINE_STRUCTURE)
VTD_FAULT_STRUCTURES(DEFINE_STRUCTURE)
VTD_FIXED_REGISTERS(DEFINE_REGISTER)
VTD_RELOCATED_REGISTERS(DEFINE_REGISTER)
VTD_PAGING_ENTRIES(DEFINE_REGISTER)
VTD_ENQCMD_WORDS(DEFINE_REGISTER)

const struct vtd_layout *const vtd_layouts[] = {
	VTD_TABLE_STRUCTURES(REFER_STRUCTURE)
	VTD_DESCRIPTOR_STRUCTURES(REFER_STRUCTURE)
	VTD_FAULT_STRUCTURES(REFER_STRUCTURE)
	VTD_FIXED_REGISTERS(REFER_REGISTER)
	VTD_RELOCATED_REGISTERS(REFER_REGISTER)
	VTD_PAGING_ENTRIES(REFER_REGISTER)
	VTD_ENQCMD_WORDS(REFER_REGISTER)
};
/* clang-format on */

const size_t vtd_layout_count = sizeof(vtd_layouts) / sizeof(vtd_layouts[0]);
