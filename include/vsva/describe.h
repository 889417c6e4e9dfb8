/* SPDX-License-Identifier: MIT */
/*
 * What registers, table entries, descriptors and fault records mean: each as a list of named fields,
 * from the same layouts that hardware and driver use.
 *
 *   layout   where the fields of one kind of register or entry lie, under the specification's name:
 *            "CAP", "GSTS", "root_entry", "context_entry", "pasid_dir_entry", "pasid_entry", "FS_PTE",
 *            "SS_PTE", "desc_wait", "page_request", "fault_record"
 *   words    the entry itself, as many 64-bit words as the layout says; a register is one
 *   meaning  what the value of a field says ("nested"), where it is a code or a flag
 *
 * Threads: pure functions of constant tables; any thread, any number at once.
 */
#ifndef VSVA_DESCRIBE_H
#define VSVA_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vsva_layout; /* constant; never freed */

/* Words of the longest layout. */
#define VSVA_LAYOUT_WORDS_MAX 8u

enum vsva_field_kind {
	VSVA_FIELD_NUMBER,
	VSVA_FIELD_ADDRESS, /* its value is an address: bits below stay zero */
	VSVA_FIELD_IGNORED, /* hardware does not look at it */
};

struct vsva_field {
	const char *name; /* as the specification has it */
	uint16_t hi, lo;  /* bits, counted through all words */
	enum vsva_field_kind kind;
	uint64_t value;
	const char *meaning; /* of this value; NULL: the number says it */
	const char *text;    /* what the field is for; NULL: not described */
};

/* By name; NULL: there is none. */
const struct vsva_layout *vsva_layout_find(const char *name);
/* The index-th of all layouts; NULL: index is beyond the last. */
const struct vsva_layout *vsva_layout_at(size_t index);
/* Its name. Never NULL. */
const char *vsva_layout_name(const struct vsva_layout *layout);
/* Where VT-d (revision 5.10) defines it, "11.4.2". Never NULL, "" if nowhere. */
const char *vsva_layout_clause(const struct vsva_layout *layout);
/* One line on what it is. Never NULL. */
const char *vsva_layout_text(const struct vsva_layout *layout);
/* 64-bit words of an entry: 1 … VSVA_LAYOUT_WORDS_MAX. */
unsigned vsva_layout_words(const struct vsva_layout *layout);
/* How many fields it has. */
size_t vsva_layout_fields(const struct vsva_layout *layout);
/* The bits of a word (0 …) that must be zero; 0 beyond the last word. */
uint64_t vsva_layout_reserved(const struct vsva_layout *layout, unsigned word);

/* Describes the index-th field of an entry. words: as many as the layout has, copied from. Of the
 * strings in *out the caller owns none. 0; -EINVAL: no such field. */
int vsva_describe_field(const struct vsva_layout *layout, const uint64_t *words, size_t index,
			struct vsva_field *out);
/* The same by the field's name. -ENOENT. */
int vsva_describe_field_named(const struct vsva_layout *layout, const uint64_t *words,
			      const char *name, struct vsva_field *out);
/* The layout of an invalidation descriptor, by its type. A type that is not known: the layout that
 * has only the type. Never NULL. words: at least the first. */
const struct vsva_layout *vsva_layout_of_descriptor(const uint64_t *words);
/* The whole entry on a line, "P=1 PGTT=nested(3) SSPTPTR=0x1000"; fields that are zero are left out,
 * reserved bits that are set come last. Always terminates buf if len > 0; returns the length of the
 * whole text, as snprintf does. */
int vsva_describe_line(const struct vsva_layout *layout, const uint64_t *words, char *buf,
		       size_t len);

/* What a fault reason (VT-d Table 30) is called, "SPT.2", and means. NULL: no such reason. */
const char *vsva_fault_reason_name(unsigned reason);
const char *vsva_fault_reason_text(unsigned reason);

#ifdef __cplusplus
}
#endif
#endif
