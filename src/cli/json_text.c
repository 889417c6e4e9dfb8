// SPDX-License-Identifier: MIT
#include "cli/json_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_add_text(struct json_object *object, const char *key, const char *text)
{
	if (text)
		json_object_object_add(object, key, json_object_new_string(text));
}

void json_add_number(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

struct json_object *json_new_hex(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, value);
	return json_object_new_string(text);
}

void json_add_hex(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_new_hex(value));
}

void json_add_flag(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

void json_add_rid(struct json_object *object, const char *key, uint16_t rid)
{
	char text[8];

	rid_format(rid, text);
	json_add_text(object, key, text);
}

void json_put_line(FILE *out, struct json_object *object)
{
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

struct json_object *json_member(struct json_object *object, const char *key)
{
	struct json_object *member;

	return object && json_object_is_type(object, json_type_object) &&
			       json_object_object_get_ex(object, key, &member)
		       ? member
		       : NULL;
}

size_t json_length(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

bool json_has_item(struct json_object *list, const char *text)
{
	for (size_t i = 0; i < json_length(list); i++) {
		const char *item = json_object_get_string(json_object_array_get_idx(list, i));

		if (item && !strcmp(item, text))
			return true;
	}
	return false;
}

bool json_has_same_text(struct json_object *a, struct json_object *b, const char *key)
{
	const char *x = json_text_of(a, key), *y = json_text_of(b, key);

	return x && y && !strcmp(x, y);
}

static bool number_of_text(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	return !errno && *text && !*end && *text != '-';
}

bool json_number(struct json_object *value, uint64_t *out)
{
	if (json_object_is_type(value, json_type_string))
		return number_of_text(json_object_get_string(value), out);
	if (!json_object_is_type(value, json_type_int))
		return false;
	*out = json_object_get_uint64(value);
	return json_object_get_int64(value) >= 0;
}

uint64_t json_number_of(struct json_object *object, const char *key, uint64_t fallback)
{
	struct json_object *member = json_member(object, key);
	uint64_t value;

	return member && json_number(member, &value) ? value : fallback;
}

const char *json_text_of(struct json_object *object, const char *key)
{
	struct json_object *member = json_member(object, key);

	return member && json_object_is_type(member, json_type_string)
		       ? json_object_get_string(member)
		       : NULL;
}

bool json_flag_of(struct json_object *object, const char *key)
{
	struct json_object *member = json_member(object, key);

	return member && json_object_get_boolean(member);
}

void rid_format(uint16_t rid, char text[8])
{
	snprintf(text, 8, "%02x:%02x.%x", rid >> 8, rid >> 3 & 0x1f, rid & 7);
}

bool rid_parse(const char *text, uint16_t *out)
{
	unsigned bus, device, function;
	uint64_t number;
	int end = 0;

	if (sscanf(text, "%2x:%2x.%1x%n", &bus, &device, &function, &end) == 3 && !text[end] &&
	    device < 32 && function < 8) {
		*out = (uint16_t)(bus << 8 | device << 3 | function);
		return true;
	}
	if (strlen(text) == 4 && strspn(text, "0123456789abcdefABCDEF") == 4) {
		*out = (uint16_t)strtoul(text, NULL, 16);
		return true;
	}
	if (strncmp(text, "0x", 2) || !number_of_text(text, &number) || number > UINT16_MAX)
		return false;
	*out = (uint16_t)number;
	return true;
}
