// SPDX-License-Identifier: MIT
#include "cli/control/objects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/control/request.h"
#include "cli/json_text.h"

/* o(name, function) */
/* clang-format off */
#define OBJECTS(o)                                                                                 \
	o("unit", control_unit) o("vm", control_vm) o("device", control_device)                    \
	o("assigned", control_assigned) o("shadow", control_shadow) o("pasid", control_pasid)      \
	o("group", control_group) o("cache", control_cache) o("stats", control_stats)
/* clang-format on */

static const struct {
	const char *name;
	control_object_fn *read;
} objects[] = {
#define AS_OBJECT(name, read) {name, read},
	OBJECTS(AS_OBJECT)};
#define OBJECT_COUNT (sizeof(objects) / sizeof(objects[0]))

#define AS_NAME(name, read) name,
const char *const control_object_names[] = {OBJECTS(AS_NAME) NULL};

/* Verbs */

static control_object_fn *find_object(const char *name)
{
	for (size_t i = 0; name && i < OBJECT_COUNT; i++)
		if (!strcmp(objects[i].name, name))
			return objects[i].read;
	return NULL;
}

int control_get(struct control_request *request, const char **why)
{
	control_object_fn *read = find_object(json_text_of(request->line, "get"));
	struct json_object *items;
	uint64_t next;

#define AS_LIST(name, read) " " name
	*why = "no such object; there are:" OBJECTS(AS_LIST);
	if (!read)
		return -ENOENT;
	items = json_object_new_array();
	next = read(request->machine, json_number_of(request->line, "from", 0), items);
	json_object_object_add(request->answer, "items", items);
	if (next != CONTROL_END)
		json_add_number(request->answer, "next", next);
	return 0;
}

/* Words as text, "0 1f 0", the shortest that is clear. */
static void add_words(struct json_object *answer, const uint64_t *words, unsigned count)
{
	char text[VSVA_INSPECT_WORDS_MAX * 17 + 1], *at = text;

	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, i ? " %" PRIx64 : "%" PRIx64, words[i]);
	json_add_text(answer, "words", text);
}

int control_read(struct control_request *request, const char **why)
{
	uint64_t words[VSVA_INSPECT_WORDS_MAX], address;
	uint64_t vm = json_number_of(request->line, "vm", 0);
	uint64_t count = json_number_of(request->line, "count", 1);
	int err = -EINVAL;

	*why = "read: an address, a multiple of 8; count: 1 to 512; vm: a number";
	if (json_number(json_member(request->line, "read"), &address) && vm <= UINT32_MAX &&
	    count <= VSVA_INSPECT_WORDS_MAX)
		err = vsva_inspect_memory(request->machine, (uint32_t)vm, address, words,
					  (unsigned)count);
	if (err == -EFAULT)
		*why = "not all of it is memory";
	if (err == -ENOENT)
		*why = "no such VM";
	if (!err)
		add_words(request->answer, words, (unsigned)count);
	return err;
}
