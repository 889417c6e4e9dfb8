// SPDX-License-Identifier: MIT
/* A view of a snapshot file: all of it in memory. docs/control.md describes the file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/snapshot.h"
#include "cli/status.h"
#include "cli/view/impl.h"

struct file_view {
	struct json_object *objects; /* items by the object's name */
	struct json_object *pages;   /* words of a page, as text, by snapshot_page_key */
	char *line;
	size_t line_size;
};

void snapshot_page_key(uint32_t vm, uint64_t address, char key[40])
{
	snprintf(key, 40, "%" PRIu32 ":%" PRIx64, vm, address);
}

static void file_close(void *arg)
{
	struct file_view *view = arg;

	json_object_put(view->objects);
	json_object_put(view->pages);
	free(view->line);
	free(view);
}

/* Loading */

static bool take_page(struct file_view *view, struct json_object *line)
{
	struct json_object *words = json_member(line, "words");
	char key[40];
	uint64_t address;

	if (!json_number(json_member(line, "read"), &address) || !words)
		return false;
	snapshot_page_key((uint32_t)json_number_of(line, "vm", 0), address, key);
	json_object_object_add(view->pages, key, json_object_get(words));
	return true;
}

static bool are_objects(struct json_object *items)
{
	struct json_object *item;

	JSON_FOR_EACH (items, item)
		if (!json_object_is_type(item, json_type_object))
			return false;
	return json_object_is_type(items, json_type_array);
}

static bool take_object(struct file_view *view, struct json_object *line)
{
	const char *name = json_text_of(line, "get");
	struct json_object *items = json_member(line, "items");

	if (!name || !are_objects(items))
		return false;
	json_object_object_add(view->objects, name, json_object_get(items));
	return true;
}

/* 0 or -errno, complained. */
static int check_header(struct json_object *line, const char *path)
{
	uint64_t version = json_number_of(line, "snapshot", 0);

	if (version == SNAPSHOT_VERSION)
		return 0;
	if (version)
		complain(VSVA_CODE_FILE_FORMAT,
			 "%s is a snapshot of version %" PRIu64 ", this vsva reads version %d",
			 path, version, SNAPSHOT_VERSION);
	else
		complain(VSVA_CODE_FILE_FORMAT, "%s is no snapshot of vsva", path);
	return -EINVAL;
}

/* They are for events.h, and many. */
static bool is_of_events(const char *line)
{
	static const char event[] = "{\"event\":", lost[] = "{\"lost\":";

	return !strncmp(line, event, sizeof(event) - 1) || !strncmp(line, lost, sizeof(lost) - 1);
}

static int take_line(struct file_view *view, const char *path, unsigned number)
{
	struct json_object *line;
	int err = -EINVAL;

	if (number > 1 && is_of_events(view->line))
		return 0;
	line = json_tokener_parse(view->line);
	if (number == 1) {
		err = check_header(line, path);
	} else if (json_member(line, "get")) {
		err = take_object(view, line) ? 0 : -EINVAL;
	} else if (json_member(line, "read")) {
		err = take_page(view, line) ? 0 : -EINVAL;
	}
	if (err && number > 1)
		complain(VSVA_CODE_FILE_FORMAT, "%s:%u: this line is not one of a snapshot", path,
			 number);
	json_object_put(line);
	return err;
}

static int load(struct file_view *view, FILE *file, const char *path)
{
	unsigned number = 0;
	int err = 0;

	while (!err && getline(&view->line, &view->line_size, file) >= 0)
		err = take_line(view, path, ++number);
	if (err)
		return err;
	if (ferror(file))
		complain(VSVA_CODE_FILE, "%s: %s", path, strerror(errno));
	else if (!number)
		complain(VSVA_CODE_FILE_FORMAT, "%s: is empty", path);
	else
		return 0;
	return -EIO;
}

void *view_file_open(const char *path)
{
	struct file_view *view = calloc(1, sizeof(*view));
	FILE *file = fopen(path, "re");
	int err = -ENOMEM;

	if (!file) {
		complain(VSVA_CODE_FILE, "%s: %s", path, strerror(errno));
	} else if (!view) {
		complain(VSVA_CODE_NO_MEMORY, "%s: no memory", path);
	} else {
		view->objects = json_object_new_object();
		view->pages = json_object_new_object();
		err = load(view, file, path);
	}
	if (file)
		fclose(file);
	if (!err)
		return view;
	if (view)
		file_close(view);
	return NULL;
}

/* Answers */

static struct json_object *file_get(void *arg, const char *object, int *err)
{
	struct file_view *view = arg;
	struct json_object *items = json_member(view->objects, object);

	(void)err;
	return items ? json_object_get(items) : NULL;
}

static int read_page(struct file_view *view, uint32_t vm, uint64_t page, uint64_t *words)
{
	char key[40];
	const char *text;

	snapshot_page_key(vm, page, key);
	text = json_text_of(view->pages, key);
	return text && view_parse_words(text, words, VIEW_WORDS_MAX) ? 0 : -EFAULT;
}

static int file_read(void *arg, uint32_t vm, uint64_t address, uint64_t *words, unsigned count)
{
	uint64_t page[VIEW_WORDS_MAX];

	while (count) {
		unsigned first = (unsigned)(address % 4096 / 8);
		unsigned piece = VIEW_WORDS_MAX - first < count ? VIEW_WORDS_MAX - first : count;
		int err = read_page(arg, vm, address & ~UINT64_C(4095), page);

		if (err)
			return err;
		memcpy(words, page + first, piece * sizeof(*words));
		words += piece;
		count -= piece;
		address += piece * 8ull;
	}
	return 0;
}

const struct view_ops view_file_ops = {
	.is_live = false, .get = file_get, .read = file_read, .close = file_close};
