/* SPDX-License-Identifier: MIT */
/* Raw words as JSON with named fields. */
#ifndef CLI_SHOW_DECODE_H
#define CLI_SHOW_DECODE_H

#include <json.h>

#include "vsva/describe.h"

/* Fields of an entry: a list of {name, bits, value, meaning}; zero ones too unless is_short. */
struct json_object *decode_fields(const struct vsva_layout *layout, const uint64_t *words,
				  bool is_short);
/* "P=1 PGTT=nested(3)", with fields "text" of a row. */
void decode_add_line(struct json_object *row, const char *key, const char *layout,
		     const uint64_t *words);
/* Words of a list of "0x…"; missing ones are 0. How many there were. */
unsigned decode_words(struct json_object *list, uint64_t *words, unsigned max);
/* A field of a layout by its name; 0 where there is none of these names. */
uint64_t decode_field(const char *layout, const uint64_t *words, const char *name);
struct json_object *decode_list(const uint64_t *words, unsigned count);

#endif
