/* SPDX-License-Identifier: MIT */
#include "vtd/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vtd/descriptors.h"
#include "vtd/faults.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

/* layout, field, value, name */
/* clang-format off */
#define VALUE_NAMES(v)                                                                             \
	v(vtd_pasid_entry, PGTT, VTD_PGTT_FIRST_STAGE, "first")                                    \
	v(vtd_pasid_entry, PGTT, VTD_PGTT_SECOND_STAGE, "second")                                  \
	v(vtd_pasid_entry, PGTT, VTD_PGTT_NESTED, "nested")                                        \
	v(vtd_pasid_entry, PGTT, VTD_PGTT_PASS_THROUGH, "pass-through")                            \
	v(vtd_pasid_entry, AW, VTD_AW_39, "39-bit")                                                \
	v(vtd_pasid_entry, AW, VTD_AW_48, "48-bit")                                                \
	v(vtd_pasid_entry, AW, VTD_AW_57, "57-bit")                                                \
	v(vtd_pasid_entry, FSPM, VTD_FSPM_5_LEVEL, "5-level")                                      \
	v(vtd_legacy_context, TT, VTD_TT_SECOND_STAGE_ATS, "second+ATS")                           \
	v(vtd_legacy_context, TT, VTD_TT_PASS_THROUGH, "pass-through")                             \
	v(vtd_legacy_context, AW, VTD_AW_39, "39-bit")                                             \
	v(vtd_legacy_context, AW, VTD_AW_48, "48-bit")                                             \
	v(vtd_legacy_context, AW, VTD_AW_57, "57-bit")                                             \
	v(vtd_RTADDR, TTM, VTD_TTM_SCALABLE, "scalable")                                           \
	v(vtd_RTADDR, TTM, VTD_TTM_ABORT_DMA, "abort-DMA")                                         \
	v(vtd_IQERCD, IQEI, VTD_IQEI_BAD_TAIL, "bad tail")                                         \
	v(vtd_IQERCD, IQEI, VTD_IQEI_FETCH, "fetch")                                               \
	v(vtd_IQERCD, IQEI, VTD_IQEI_TYPE, "type")                                                 \
	v(vtd_IQERCD, IQEI, VTD_IQEI_RESERVED_FIELD, "reserved field")                             \
	v(vtd_IQERCD, IQEI, VTD_IQEI_WIDTH, "width")                                               \
	v(vtd_IQERCD, IQEI, VTD_IQEI_MISALIGNED_TAIL, "misaligned tail")                           \
	v(vtd_IQERCD, IQEI, VTD_IQEI_TTM, "translation table mode")                                \
	v(vtd_VCMD, CMD, VTD_VCMD_ALLOC_PASID, "allocate")                                         \
	v(vtd_VCMD, CMD, VTD_VCMD_FREE_PASID, "free")                                              \
	v(vtd_desc, TYPE_LO, VTD_DESC_CONTEXT, "context-cache")                                    \
	v(vtd_desc, TYPE_LO, VTD_DESC_IOTLB, "IOTLB")                                              \
	v(vtd_desc, TYPE_LO, VTD_DESC_DEV_TLB, "device-TLB")                                       \
	v(vtd_desc, TYPE_LO, VTD_DESC_IEC, "interrupt-cache")                                      \
	v(vtd_desc, TYPE_LO, VTD_DESC_WAIT, "wait")                                                \
	v(vtd_desc, TYPE_LO, VTD_DESC_PASID_IOTLB, "PASID-IOTLB")                                  \
	v(vtd_desc, TYPE_LO, VTD_DESC_PASID_CACHE, "PASID-cache")                                  \
	v(vtd_desc, TYPE_LO, VTD_DESC_PASID_DEV_TLB, "PASID-device-TLB")                           \
	v(vtd_desc, TYPE_LO, VTD_DESC_PAGE_RESPONSE, "page-response")                              \
	v(vtd_desc_context, G, VTD_CONTEXT_GLOBAL, "global")                                       \
	v(vtd_desc_context, G, VTD_CONTEXT_DOMAIN, "domain")                                       \
	v(vtd_desc_context, G, VTD_CONTEXT_DEVICE, "device")                                       \
	v(vtd_desc_iotlb, G, VTD_IOTLB_GLOBAL, "global")                                           \
	v(vtd_desc_iotlb, G, VTD_IOTLB_DOMAIN, "domain")                                           \
	v(vtd_desc_iotlb, G, VTD_IOTLB_PAGE, "page")                                               \
	v(vtd_desc_pasid_iotlb, G, VTD_PASID_IOTLB_PASID, "PASID")                                 \
	v(vtd_desc_pasid_iotlb, G, VTD_PASID_IOTLB_PAGE, "page")                                   \
	v(vtd_desc_pasid_cache, G, VTD_PASID_CACHE_PASID, "PASID")                                 \
	v(vtd_desc_pasid_cache, G, VTD_PASID_CACHE_GLOBAL, "global")                               \
	v(vtd_desc_page_response, RC, VTD_RESPONSE_INVALID, "invalid")                             \
	v(vtd_desc_page_response, RC, VTD_RESPONSE_FAILURE, "failure")                             \
	v(vtd_fault_record, AT, VTD_AT_TRANSLATION, "translation-request")                         \
	v(vtd_fault_record, AT, VTD_AT_TRANSLATED, "translated")
/* clang-format on */

static const struct {
	const struct vtd_layout *layout;
	const char *field;
	uint64_t value;
	const char *name;
} value_names[] = {
#define VALUE_NAME(l, f, v, n) {&l##_layout, #f, v, n},
	VALUE_NAMES(VALUE_NAME)};

const char *vtd_value_name(const struct vtd_layout *layout, const char *field, uint64_t value)
{
	if (layout == &vtd_fault_record_layout && strcmp(field, "FR") == 0)
		return vtd_fault_info((enum vtd_fault)value) ? vtd_fault_name((enum vtd_fault)value)
							     : NULL;
	for (size_t i = 0; i < sizeof(value_names) / sizeof(value_names[0]); i++)
		if (value_names[i].layout == layout && value_names[i].value == value &&
		    strcmp(value_names[i].field, field) == 0)
			return value_names[i].name;
	return NULL;
}

struct text {
	char *buf;
	size_t len;
	size_t used; /* what the whole text needs, also when it is cut */
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...)
{
	size_t room = text->used < text->len ? text->len - text->used : 0;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(room ? text->buf + text->used : NULL, room, format, args);
	va_end(args);
	text->used += n > 0 ? (size_t)n : 0;
}

static void append_field(struct text *text, const struct vtd_layout *layout,
			 const struct vtd_field *field, uint64_t word)
{
	unsigned hi = field->hi % 64u, lo = field->lo % 64u;
	uint64_t value = vtd_get_field(word, hi, lo);
	const char *name;

	if (value == 0 || field->kind == VTD_KIND_IGNORED)
		return;
	append(text, "%s%s=", text->used ? " " : "", field->name);
	name = vtd_value_name(layout, field->name, value);
	if (field->kind == VTD_KIND_ADDRESS)
		append(text, "0x%" PRIx64, word & VTD_MASK(hi, lo));
	else if (name)
		append(text, "%s(%" PRIu64 ")", name, value);
	else
		append(text, value < 10 ? "%" PRIx64 : "0x%" PRIx64, value);
}

int vtd_print_fields(const struct vtd_layout *layout, const uint64_t *words, char *buf, size_t len)
{
	struct text text = {.buf = buf, .len = len};

	if (len)
		buf[0] = '\0';
	for (size_t i = 0; i < layout->field_count; i++)
		append_field(&text, layout, &layout->fields[i], words[layout->fields[i].lo / 64]);
	for (unsigned w = 0; w < layout->word_count; w++)
		if (words[w] & layout->reserved[w])
			append(&text, "%sreserved=0x%" PRIx64 "@%u", text.used ? " " : "",
			       words[w] & layout->reserved[w], w);
	if (text.used == 0)
		append(&text, "0");
	return (int)text.used;
}
