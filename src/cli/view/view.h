/* SPDX-License-Identifier: MIT */
/*
 * A view of a machine: through the control socket of the process that has it, or of a snapshot file.
 * Both answer the same questions; commands do not ask which it is.
 *
 *   object   "unit", "vm", "device", …: a list of items, each a JSON object (docs/control.md)
 *   memory   tables, in words of 64 bits: vm 0 is physical memory, n guest physical memory of VM n
 */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <argp.h>
#include <json.h>
#include <stdbool.h>
#include <stdint.h>

#define VIEW_WORDS_MAX 512u

/* Where to look; both NULL: where a server is expected (view_default_path). */
struct view_source {
	const char *control;  /* path of a socket */
	const char *snapshot; /* path of a file */
};

/* Options --control and --snapshot for a command: one of its argp children. The input of the child is
 * a struct view_source. */
extern const struct argp view_argp;

/* $VSVA_CONTROL, or control.sock in $XDG_RUNTIME_DIR/vsva, or in /tmp/vsva. */
void view_default_path(char *path, size_t len);

struct view;

/* Complains about what is wrong. NULL: it was. */
struct view *view_open(const struct view_source *source);
/* A view of what `of` says when it is asked first, and which stays so; closed before `of`. NULL:
 * complained. */
struct view *view_remember(struct view *of);
void view_close(struct view *view);
/* Can it change between two looks? */
bool view_is_live(const struct view *view);

/* All items of an object as they are now: a JSON array, the caller's (json_object_put). Complains about
 * what is wrong. NULL: it was. */
struct json_object *view_get(struct view *view, const char *object);
/* The same without a complaint where there is no such object: a server or a file that is older. */
struct json_object *view_get_if_there(struct view *view, const char *object);
/* count: at most VIEW_WORDS_MAX; address: a multiple of 8. 0; -EFAULT: there is no memory, or the
 * snapshot does not have it; -ENOENT: no such VM; -EIO: the server has gone (complained). */
int view_read(struct view *view, uint32_t vm, uint64_t address, uint64_t *words, unsigned count);

/* Live only: sends a request (the caller's) and returns the answer, the caller's. NULL: there is none,
 * or it is an error: complained, unless it is given back in *error (the caller's text; NULL: none). */
struct json_object *view_ask(struct view *view, struct json_object *request, char **error);
/* Live only: the next line of an answer that goes on; NULL: nothing more comes. */
struct json_object *view_next_line(struct view *view);
/* Live only: waits until there is one, or its end; -1: for ever. false: not in the time, or a signal came. */
bool view_wait(struct view *view, int timeout_ms);

#endif
