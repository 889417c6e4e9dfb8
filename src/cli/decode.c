// SPDX-License-Identifier: MIT
#include "cli/decode.h"

#include <stdio.h>
#include <string.h>

#include "cli/json_text.h"

static struct json_object *field_json(const struct vsva_field *field)
{
	struct json_object *item = json_object_new_object();
	char bits[16];

	snprintf(bits, sizeof(bits), field->hi == field->lo ? "%u" : "%u:%u", field->hi, field->lo);
	json_add_text(item, "name", field->name);
	json_add_text(item, "bits", bits);
	json_add_hex(item, "value", field->value);
	json_add_text(item, "meaning", field->meaning);
	json_add_text(item, "text", field->text);
	return item;
}

struct json_object *decode_fields(const struct vsva_layout *layout, const uint64_t *words,
				  bool is_short)
{
	struct json_object *list = json_object_new_array();
	struct vsva_field field;

	for (size_t i = 0; !vsva_describe_field(layout, words, i, &field); i++)
		if (field.kind != VSVA_FIELD_IGNORED && (!is_short || field.value))
			json_object_array_add(list, field_json(&field));
	return list;
}

void decode_add_line(struct json_object *row, const char *key, const char *layout,
		     const uint64_t *words)
{
	const struct vsva_layout *found = vsva_layout_find(layout);
	char text[400];

	if (!found)
		return;
	vsva_describe_line(found, words, text, sizeof(text));
	json_add_text(row, key, text);
}

uint64_t decode_field(const char *layout, const uint64_t *words, const char *name)
{
	const struct vsva_layout *found = vsva_layout_find(layout);
	struct vsva_field field;

	if (!found || vsva_describe_field_named(found, words, name, &field))
		return 0;
	return field.value;
}

unsigned decode_words(struct json_object *list, uint64_t *words, unsigned max)
{
	unsigned count = (unsigned)json_length(list);

	memset(words, 0, max * sizeof(*words));
	for (unsigned i = 0; i < count && i < max; i++)
		json_number(json_object_array_get_idx(list, i), &words[i]);
	return count;
}

struct json_object *decode_list(const uint64_t *words, unsigned count)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < count; i++)
		json_object_array_add(list, json_new_hex(words[i]));
	return list;
}
