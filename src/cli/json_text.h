/* SPDX-License-Identifier: MIT */
/* JSON as this program writes and reads it: numbers that name something are numbers; addresses,
 * registers and entries are text, "0x1f", because many readers of JSON know no whole 64 bits. */
#ifndef CLI_JSON_TEXT_H
#define CLI_JSON_TEXT_H

#include <json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Add a member; no memory leaves it out. text NULL: nothing. */
void json_add_text(struct json_object *object, const char *key, const char *text);
void json_add_number(struct json_object *object, const char *key, uint64_t value);
void json_add_hex(struct json_object *object, const char *key, uint64_t value);
void json_add_flag(struct json_object *object, const char *key, bool value);
/* "00:1f.7" */
void json_add_rid(struct json_object *object, const char *key, uint16_t rid);
struct json_object *json_new_hex(uint64_t value);

/* A member, number or "0x…"; fallback: it is not there or is none. */
uint64_t json_number_of(struct json_object *object, const char *key, uint64_t fallback);
/* The same of an element. false: it is no number. */
bool json_number(struct json_object *value, uint64_t *out);
/* NULL: it is not there or is no text. */
const char *json_text_of(struct json_object *object, const char *key);
bool json_flag_of(struct json_object *object, const char *key);
/* NULL: not there. */
struct json_object *json_member(struct json_object *object, const char *key);

/* Both have the member, and it is the same text. */
bool json_has_same_text(struct json_object *a, struct json_object *b, const char *key);

/* Items of a list; what is none has none. */
size_t json_length(struct json_object *list);
/* Is the text an item of the list? */
bool json_has_item(struct json_object *list, const char *text);
/* Writes it as a line and puts it. */
void json_put_line(FILE *out, struct json_object *object);

/* Each item of a list, one after the other: JSON_FOR_EACH(list, item) statement */
#define JSON_FOR_EACH(list, item)                                                                  \
	for (size_t at_ = 0;                                                                       \
	     at_ < json_length(list) && ((item) = json_object_array_get_idx(list, at_), true);     \
	     at_++)

/* Requester ids as text, "6a:00.0"; 0x6a00 is understood too, and 6a00, as messages of the library say it. */
void rid_format(uint16_t rid, char text[8]);
bool rid_parse(const char *text, uint16_t *out);

#endif
