/* SPDX-License-Identifier: MIT */
/* Descriptions against the layouts that they are made from. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "vsva/describe.h"
#include "vtd/descriptors.h"
#include "vtd/faults.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

static void test_every_layout_is_described(void **state)
{
	const struct vsva_layout *layout;

	(void)state;
	for (size_t i = 0; (layout = vsva_layout_at(i)); i++) {
		assert_ptr_equal(vsva_layout_find(vsva_layout_name(layout)), layout);
		assert_int_equal(vsva_layout_words(layout), vtd_layouts[i]->word_count);
		assert_int_equal(vsva_layout_fields(layout), vtd_layouts[i]->field_count);
		assert_true(vsva_layout_words(layout) <= VSVA_LAYOUT_WORDS_MAX);
		for (unsigned w = 0; w < vsva_layout_words(layout); w++)
			assert_int_equal(vsva_layout_reserved(layout, w),
					 vtd_layouts[i]->reserved[w]);
	}
	assert_null(vsva_layout_find("luck"));
}

/* Ones in one field are found in that field and in no other. */
static void test_describe_field_separates(void **state)
{
	struct vsva_field field;

	(void)state;
	for (size_t l = 0; l < vtd_layout_count; l++)
		for (size_t i = 0; i < vtd_layouts[l]->field_count; i++) {
			const struct vtd_field *of = &vtd_layouts[l]->fields[i];
			uint64_t words[VSVA_LAYOUT_WORDS_MAX] = {0}, mask;

			mask = VTD_MASK(of->hi % 64u, of->lo % 64u);
			words[of->lo / 64] = mask;
			for (size_t k = 0; k < vtd_layouts[l]->field_count; k++) {
				assert_int_equal(
					vsva_describe_field(vsva_layout_at(l), words, k, &field),
					0);
				if (k != i)
					assert_int_equal(field.value, 0);
				else if (of->kind == VTD_KIND_ADDRESS)
					assert_true(field.value == mask);
				else
					assert_true(field.value == mask >> of->lo % 64u);
			}
		}
}

static void test_describe_what_is_not_there(void **state)
{
	const struct vsva_layout *layout = vsva_layout_find("CAP");
	struct vsva_field field;
	uint64_t word = 0;

	(void)state;
	assert_int_equal(vsva_describe_field(layout, &word, 1000, &field), -EINVAL);
	assert_int_equal(vsva_describe_field_named(layout, &word, "LUCK", &field), -ENOENT);
	assert_int_equal(vsva_layout_reserved(layout, 7), 0);
}

static void test_meanings(void **state)
{
	const struct vsva_layout *layout = vsva_layout_find("pasid_entry");
	struct vtd_pasid_entry entry = {{0}};
	struct vsva_field field;
	char line[64];

	(void)state;
	vtd_pasid_entry_set_P(&entry, 1);
	vtd_pasid_entry_set_PGTT(&entry, VTD_PGTT_NESTED);
	vtd_pasid_entry_set_FSPTPTR(&entry, 0x7000);
	assert_int_equal(vsva_describe_field_named(layout, entry.q, "PGTT", &field), 0);
	assert_string_equal(field.meaning, "nested");
	assert_non_null(field.text);
	assert_int_equal(vsva_describe_field_named(layout, entry.q, "FSPTPTR", &field), 0);
	assert_int_equal(field.value, 0x7000);
	assert_string_equal(vsva_layout_clause(layout), "9.6");
	assert_int_equal(vsva_describe_line(layout, entry.q, line, sizeof(line)),
			 strlen("P=1 PGTT=nested(3) FSPTPTR=0x7000"));
	assert_string_equal(line, "P=1 PGTT=nested(3) FSPTPTR=0x7000");
}

static void test_descriptors_by_type(void **state)
{
	struct vtd_desc descriptor = vtd_desc_of_type(VTD_DESC_WAIT);

	(void)state;
	assert_string_equal(vsva_layout_name(vsva_layout_of_descriptor(descriptor.q)), "desc_wait");
	vtd_desc_set_type(&descriptor, (enum vtd_desc_type)0x7f);
	assert_string_equal(vsva_layout_name(vsva_layout_of_descriptor(descriptor.q)), "desc");
}

static void test_fault_reasons(void **state)
{
	(void)state;
	assert_string_equal(vsva_fault_reason_name(VTD_FAULT_SPT_2), "SPT.2");
	assert_string_equal(vsva_fault_reason_text(VTD_FAULT_SPT_2), "PASID entry not present");
	assert_null(vsva_fault_reason_name(0xff));
	assert_null(vsva_fault_reason_text(0xff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_layout_is_described),
		cmocka_unit_test(test_describe_field_separates),
		cmocka_unit_test(test_describe_what_is_not_there),
		cmocka_unit_test(test_meanings),
		cmocka_unit_test(test_descriptors_by_type),
		cmocka_unit_test(test_fault_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
