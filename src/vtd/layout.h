/* SPDX-License-Identifier: MIT */
/*
 * The room vtd: the architecture, no policy.
 *
 * Vocabulary
 *   layout      where the bits of a register, a table entry or a descriptor lie; one list each
 *   field       a run of bits inside one 64-bit word; its value is shifted down to bit 0
 *   address     a field whose value stays in place: one gets and sets an aligned address
 *   ignored     bits that hardware does not look at, so that software may use them
 *   reserved    every bit that a list does not name: must be zero, and is checked
 *   word        64 bits. Bit numbers are absolute, as in the specification: bit 79 is in word 1
 *   register    a layout of one word, passed by value; its masks are constants (VTD_GSTS_TES)
 *   structure   a layout of words in memory, struct { uint64_t q[n]; }, passed by pointer
 *
 * Implements VT-d 5.10 (D51397-018):
 *   registers.h, regfile.h      chapter 11
 *   tables.h                    3.4 to 3.8, chapter 9
 *   descriptors.h, decode.h     6.5.2, chapter 7 (page requests and responses)
 *   faults.h                    7.1 to 7.3, Table 30
 * and of the CPU (Intel SDM) what carries PASIDs to a device:
 *   enqcmd.h                    ENQCMD, IA32_PASID, PASID translation of VMX
 * Structures are little endian in memory, and so is every host that we run on (layout.c checks).
 *
 * A list is a macro of four arguments: what to do with a field, an address and ignored bits, and a
 * context handed through to them. They are lower case, so that no field of the specification has
 * the name of one (FRCD has an F):
 *
 *   #define VTD_PASID_DIR_ENTRY_FIELDS(f, a, i, t)
 *           f(t, P, 0, 0) f(t, FPD, 1, 1) a(t, SMPTBLPTR, 63, 12)
 *
 * VTD_STRUCTURE_ACCESSORS(vtd_pasid_dir_entry, ...) makes of it
 *   uint64_t vtd_pasid_dir_entry_P(const struct vtd_pasid_dir_entry *e);
 *   void vtd_pasid_dir_entry_set_P(struct vtd_pasid_dir_entry *e, uint64_t value);
 *   const uint64_t vtd_pasid_dir_entry_reserved[1];
 *   const struct vtd_layout vtd_pasid_dir_entry_layout;
 * and VTD_REGISTER_ACCESSORS(CAP, 64) of VTD_CAP_FIELDS
 *   uint64_t vtd_CAP_ND(uint64_t reg);
 *   uint64_t vtd_CAP_with_ND(uint64_t reg, uint64_t value);
 *   VTD_CAP_ND, the mask in place, and VTD_CAP_RESERVED
 *   const struct vtd_layout vtd_CAP_layout;
 *
 * A value that does not fit its field is a bug of the caller and trips an assertion: mask first
 * what a guest chose. The constants are enumerators, and ~ of a small one is an int: clear bits
 * with vtd_without(reg, VTD_X_Y).
 */
#ifndef VTD_LAYOUT_H
#define VTD_LAYOUT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum vtd_field_kind { VTD_KIND_FIELD, VTD_KIND_ADDRESS, VTD_KIND_IGNORED };

struct vtd_field {
	const char *name;
	uint16_t hi;
	uint16_t lo;
	enum vtd_field_kind kind;
};

/* A layout as data, for printers and tests. */
struct vtd_layout {
	const char *name;
	unsigned width; /* in bits: 32, or a multiple of 64 */
	unsigned word_count;
	const uint64_t *reserved; /* [word_count] */
	const struct vtd_field *fields;
	size_t field_count;
};

#define VTD_MASK(hi, lo) ((UINT64_MAX << (lo)) & (UINT64_MAX >> (63 - (hi))))

static inline uint64_t vtd_without(uint64_t value, uint64_t mask)
{
	return value & ~mask;
}

static inline uint64_t vtd_get_field(uint64_t word, unsigned hi, unsigned lo)
{
	return (word & VTD_MASK(hi, lo)) >> lo;
}

static inline uint64_t vtd_put_field(uint64_t word, unsigned hi, unsigned lo, uint64_t value)
{
	assert(value <= (VTD_MASK(hi, lo) >> lo));
	return (word & ~VTD_MASK(hi, lo)) | (value << lo);
}

static inline uint64_t vtd_put_address(uint64_t word, unsigned hi, unsigned lo, uint64_t address)
{
	assert((address & ~VTD_MASK(hi, lo)) == 0);
	return (word & ~VTD_MASK(hi, lo)) | address;
}

/* Structures */

#define VTD_STRUCTURE_(p, n, hi, lo, get, put)                                                     \
	_Static_assert((hi) >= (lo) && (hi) / 64 == (lo) / 64, #p "." #n " spans words");          \
	static inline uint64_t p##_##n(const p##_storage *e)                                       \
	{                                                                                          \
		return get(e->q[(lo) / 64], (hi) % 64, (lo) % 64);                                 \
	}                                                                                          \
	static inline void p##_set_##n(p##_storage *e, uint64_t value)                             \
	{                                                                                          \
		e->q[(lo) / 64] = put(e->q[(lo) / 64], (hi) % 64, (lo) % 64, value);               \
	}
#define VTD_GET_ADDRESS_(word, hi, lo) ((word)&VTD_MASK(hi, lo))
#define VTD_STRUCTURE_F_(p, n, hi, lo) VTD_STRUCTURE_(p, n, hi, lo, vtd_get_field, vtd_put_field)
#define VTD_STRUCTURE_A_(p, n, hi, lo)                                                             \
	VTD_STRUCTURE_(p, n, hi, lo, VTD_GET_ADDRESS_, vtd_put_address)
#define VTD_NOTHING_(t, n, hi, lo)

/* p: prefix of the names; storage: the struct; list: its fields; words: how many */
#define VTD_STRUCTURE_ACCESSORS(p, storage, list, words)                                           \
	typedef storage p##_storage;                                                               \
	_Static_assert(sizeof(p##_storage) == sizeof(uint64_t) * (words),                          \
		       #p " has the size of its words");                                           \
	list(VTD_STRUCTURE_F_, VTD_STRUCTURE_A_, VTD_NOTHING_,                                     \
	     p) extern const uint64_t p##_reserved[words];                                         \
	extern const struct vtd_layout p##_layout;

/* Registers */

#define VTD_CONSTANT_(r, n, hi, lo) VTD_##r##_##n = VTD_MASK(hi, lo),
#define VTD_OR_MASK_(r, n, hi, lo)  | VTD_MASK(hi, lo)

#define VTD_REGISTER_F_(r, n, hi, lo)                                                              \
	_Static_assert((hi) >= (lo) && (hi) < 64, #r "." #n " lies in one word");                  \
	static inline uint64_t vtd_##r##_##n(uint64_t reg)                                         \
	{                                                                                          \
		return vtd_get_field(reg, hi, lo);                                                 \
	}                                                                                          \
	static inline uint64_t vtd_##r##_with_##n(uint64_t reg, uint64_t value)                    \
	{                                                                                          \
		return vtd_put_field(reg, hi, lo, value);                                          \
	}
#define VTD_REGISTER_A_(r, n, hi, lo)                                                              \
	_Static_assert((hi) >= (lo) && (hi) < 64, #r "." #n " lies in one word");                  \
	static inline uint64_t vtd_##r##_##n(uint64_t reg)                                         \
	{                                                                                          \
		return reg & VTD_MASK(hi, lo);                                                     \
	}                                                                                          \
	static inline uint64_t vtd_##r##_with_##n(uint64_t reg, uint64_t value)                    \
	{                                                                                          \
		return vtd_put_address(reg, hi, lo, value);                                        \
	}

#define VTD_REGISTER_ACCESSORS(r, width)                                                           \
	enum {                                                                                     \
		VTD_##r##_FIELDS(VTD_CONSTANT_, VTD_CONSTANT_, VTD_NOTHING_, r)                    \
			VTD_##r##_RESERVED = VTD_MASK((width)-1, 0) &                              \
					     ~(UINT64_C(0) VTD_##r##_FIELDS(                       \
						     VTD_OR_MASK_, VTD_OR_MASK_, VTD_OR_MASK_, r)) \
	};                                                                                         \
	VTD_##r##_FIELDS(VTD_REGISTER_F_, VTD_REGISTER_A_, VTD_NOTHING_,                           \
			 r) extern const struct vtd_layout vtd_##r##_layout;

/* Every layout of the room, for printers and tests. */
extern const struct vtd_layout *const vtd_layouts[];
extern const size_t vtd_layout_count;

#endif
