/* SPDX-License-Identifier: MIT */
/* The two kinds of views. Only view*.c includes it. */
#ifndef CLI_VIEW_IMPL_H
#define CLI_VIEW_IMPL_H

#include "cli/view/view.h"

struct view_ops {
	bool is_live;
	/* NULL: no such object (not complained), or an error (complained, *err set). */
	struct json_object *(*get)(void *arg, const char *object, int *err);
	int (*read)(void *arg, uint32_t vm, uint64_t address, uint64_t *words, unsigned count);
	void (*close)(void *arg);
};

struct view {
	const struct view_ops *ops;
	void *arg;
};

/* NULL: complained. */
void *view_socket_open(const char *path);
void *view_file_open(const char *path);
extern const struct view_ops view_socket_ops, view_file_ops;

/* "0 1f 0" to words. false: it is not that many. */
bool view_parse_words(const char *text, uint64_t *words, unsigned count);

#endif
