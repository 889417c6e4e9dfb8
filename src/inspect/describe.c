// SPDX-License-Identifier: MIT
/*
 * The room inspect: what an onlooker needs of the architecture, and nothing that changes anything.
 *
 * Vocabulary
 *   describe   raw words to named fields with their meaning
 *
 * A struct vsva_layout is a struct vtd_layout under a name that the outside may know.
 */
#include "vsva/describe.h"

#include <errno.h>
#include <string.h>

#include "inspect/describe_words.h"
#include "vtd/descriptors.h"
#include "vtd/faults.h"
#include "vtd/print.h"

static const struct vtd_layout *inner(const struct vsva_layout *layout)
{
	return (const struct vtd_layout *)layout;
}

static const struct vsva_layout *outer(const struct vtd_layout *layout)
{
	return (const struct vsva_layout *)layout;
}

/* Layouts */

const char *vsva_layout_name(const struct vsva_layout *layout)
{
	return inner(layout)->name + strlen("vtd_");
}

const struct vsva_layout *vsva_layout_at(size_t index)
{
	return index < vtd_layout_count ? outer(vtd_layouts[index]) : NULL;
}

const struct vsva_layout *vsva_layout_find(const char *name)
{
	const struct vsva_layout *layout;

	for (size_t i = 0; (layout = vsva_layout_at(i)); i++)
		if (!strcmp(vsva_layout_name(layout), name))
			return layout;
	return NULL;
}

const char *vsva_layout_clause(const struct vsva_layout *layout)
{
	const struct layout_words *words = words_of_layout(inner(layout));

	return words ? words->clause : "";
}

const char *vsva_layout_text(const struct vsva_layout *layout)
{
	const struct layout_words *words = words_of_layout(inner(layout));

	return words ? words->text : "";
}

unsigned vsva_layout_words(const struct vsva_layout *layout)
{
	return inner(layout)->word_count;
}

size_t vsva_layout_fields(const struct vsva_layout *layout)
{
	return inner(layout)->field_count;
}

uint64_t vsva_layout_reserved(const struct vsva_layout *layout, unsigned word)
{
	return word < inner(layout)->word_count ? inner(layout)->reserved[word] : 0;
}

const struct vsva_layout *vsva_layout_of_descriptor(const uint64_t *words)
{
	static const struct vtd_layout *const layouts[] = {
		[VTD_DESC_CONTEXT] = &vtd_desc_context_layout,
		[VTD_DESC_IOTLB] = &vtd_desc_iotlb_layout,
		[VTD_DESC_DEV_TLB] = &vtd_desc_dev_tlb_layout,
		[VTD_DESC_IEC] = &vtd_desc_iec_layout,
		[VTD_DESC_WAIT] = &vtd_desc_wait_layout,
		[VTD_DESC_PASID_IOTLB] = &vtd_desc_pasid_iotlb_layout,
		[VTD_DESC_PASID_CACHE] = &vtd_desc_pasid_cache_layout,
		[VTD_DESC_PASID_DEV_TLB] = &vtd_desc_pasid_dev_tlb_layout,
		[VTD_DESC_PAGE_RESPONSE] = &vtd_desc_page_response_layout,
	};
	const struct vtd_desc descriptor = {.q = {words[0]}};
	unsigned type = vtd_desc_type(&descriptor);

	if (type < sizeof(layouts) / sizeof(layouts[0]) && layouts[type])
		return outer(layouts[type]);
	return outer(&vtd_desc_layout);
}

/* Fields */

int vsva_describe_field(const struct vsva_layout *layout, const uint64_t *words, size_t index,
			struct vsva_field *out)
{
	const struct vtd_layout *from = inner(layout);
	const struct vtd_field *field;
	uint64_t word;

	if (index >= from->field_count)
		return -EINVAL;
	field = &from->fields[index];
	word = words[field->lo / 64];
	*out = (struct vsva_field){
		.name = field->name,
		.hi = field->hi,
		.lo = field->lo,
		.kind = (enum vsva_field_kind)field->kind,
		.value = vtd_get_field(word, field->hi % 64u, field->lo % 64u),
		.text = words_of_field(from, field->name),
	};
	if (field->kind == VTD_KIND_ADDRESS)
		out->value <<= field->lo % 64u;
	out->meaning = vtd_value_name(from, field->name, out->value);
	return 0;
}

int vsva_describe_field_named(const struct vsva_layout *layout, const uint64_t *words,
			      const char *name, struct vsva_field *out)
{
	const struct vtd_layout *from = inner(layout);

	for (size_t i = 0; i < from->field_count; i++)
		if (!strcmp(from->fields[i].name, name))
			return vsva_describe_field(layout, words, i, out);
	return -ENOENT;
}

int vsva_describe_line(const struct vsva_layout *layout, const uint64_t *words, char *buf,
		       size_t len)
{
	return vtd_print_fields(inner(layout), words, buf, len);
}

/* Fault reasons */

const char *vsva_fault_reason_name(unsigned reason)
{
	const struct vtd_fault_info *info = vtd_fault_info((enum vtd_fault)reason);

	return info ? info->name : NULL;
}

const char *vsva_fault_reason_text(unsigned reason)
{
	const struct vtd_fault_info *info = vtd_fault_info((enum vtd_fault)reason);

	return info ? info->meaning : NULL;
}
