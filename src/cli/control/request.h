/* SPDX-License-Identifier: MIT */
/* A request of the control socket and its answer. */
#ifndef CLI_CONTROL_REQUEST_H
#define CLI_CONTROL_REQUEST_H

#include <json.h>

#include "vsva/server.h"

struct control_request {
	struct vsva_machine *machine; /* NULL: none now */
	struct vsva_server *server;   /* NULL: none */
	bool allows_changes;
	unsigned *go_ons; /* counts what a scenario waits for */
	struct control_tracing *tracing;
	struct subscription **subscription; /* the client's; NULL: it has none */
	struct json_object *line;           /* what was asked */
	struct json_object *answer;         /* gets what it is */
};

/* What the server says first: no newline. */
void control_greeting(char *text, size_t len, bool allows_changes);
/* The answer to a line; malloc'd, without newline. NULL: no memory. The members above `line` are
 * filled by the caller. */
char *control_request_answer(struct control_request *request, const char *line, size_t len);

/* What a verb does (control/request.c has the table): fills request->answer. 0 or -errno, with *why to
 * be told (a constant). */
typedef int control_verb_fn(struct control_request *request, const char **why);
control_verb_fn control_get;   /* control/objects.c */
control_verb_fn control_read;  /* control/objects.c */
control_verb_fn control_trace; /* control/trace.c */

#endif
