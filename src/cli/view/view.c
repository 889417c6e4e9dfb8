// SPDX-License-Identifier: MIT
#include "cli/view/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/status.h"
#include "cli/view/impl.h"

/* Options */

enum { KEY_CONTROL = 0x1000, KEY_SNAPSHOT };

static const struct argp_option options[] = {
	{"control", KEY_CONTROL, "PATH", 0,
	 "control socket of the vsva that is looked at (default: $VSVA_CONTROL, then "
	 "$XDG_RUNTIME_DIR/vsva/control.sock, then /tmp/vsva/control.sock)",
	 0},
	{"snapshot", KEY_SNAPSHOT, "FILE", 0, "look at what `vsva snapshot FILE` has saved", 0},
	{0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct view_source *source = state->input;

	switch (key) {
	case KEY_CONTROL:
		source->control = text;
		return 0;
	case KEY_SNAPSHOT:
		source->snapshot = text;
		return 0;
	case ARGP_KEY_END:
		if (source->control && source->snapshot)
			misuse(state, "--control and --snapshot: one of them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp view_argp = {.options = options, .parser = parse};

void view_default_path(char *path, size_t len)
{
	const char *given = getenv("VSVA_CONTROL"), *runtime = getenv("XDG_RUNTIME_DIR");

	snprintf(path, len, "%s", given ? given : "");
	if (given && *given)
		return;
	snprintf(path, len, "%s/vsva/control.sock", runtime ? runtime : "");
	if (!runtime || !*runtime || access(path, F_OK) < 0)
		snprintf(path, len, "/tmp/vsva/control.sock");
}

/* Views */

struct view *view_open(const struct view_source *source)
{
	struct view *view = calloc(1, sizeof(*view));
	char path[256];

	if (!view) {
		complain(VSVA_CODE_NO_MEMORY, "no memory");
		return NULL;
	}
	view->ops = source->snapshot ? &view_file_ops : &view_socket_ops;
	if (source->snapshot) {
		view->arg = view_file_open(source->snapshot);
	} else {
		view_default_path(path, sizeof(path));
		view->arg = view_socket_open(source->control ? source->control : path);
	}
	if (view->arg)
		return view;
	free(view);
	return NULL;
}

void view_close(struct view *view)
{
	if (!view)
		return;
	view->ops->close(view->arg);
	free(view);
}

bool view_is_live(const struct view *view)
{
	return view->ops->is_live;
}

struct json_object *view_get_if_there(struct view *view, const char *object)
{
	int err = 0;

	return view->ops->get(view->arg, object, &err);
}

struct json_object *view_get(struct view *view, const char *object)
{
	int err = 0;
	struct json_object *items = view->ops->get(view->arg, object, &err);

	if (!items && !err)
		complain(VSVA_CODE_OBJECT_UNKNOWN, "'%s' is nothing that this %s has", object,
			 view_is_live(view) ? "server" : "snapshot");
	return items;
}

int view_read(struct view *view, uint32_t vm, uint64_t address, uint64_t *words, unsigned count)
{
	if (address % 8 || !count || count > VIEW_WORDS_MAX)
		return -EFAULT;
	return view->ops->read(view->arg, vm, address, words, count);
}

bool view_parse_words(const char *text, uint64_t *words, unsigned count)
{
	char *end;

	for (unsigned i = 0; i < count; i++) {
		words[i] = strtoull(text, &end, 16);
		if (end == text)
			return false;
		text = end;
	}
	return !*text;
}
