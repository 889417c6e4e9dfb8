/* SPDX-License-Identifier: MIT */
/*
 * The control socket: who has it open can ask what the machine holds. One JSON object a line, both
 * ways; docs/control.md is its description.
 *
 *   client   a connection. One request at a time: the next is read when the answer has gone
 *   object   what "get" names: "unit", "vm", … (control/objects.c)
 *
 * A thread of its own serves all clients, and nothing waits for it but what its look at the machine
 * holds for a moment. All buffers have bounds, and a client that does not take its answer is dropped.
 */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include <stdbool.h>

#include "vsva/server.h"

#define CONTROL_PROTOCOL 1

struct control;

struct control_options {
	const char *path;           /* of the socket; shorter than 108 bytes */
	bool allows_changes;        /* commands that change something are carried out */
	struct vsva_server *server; /* whose devices may be pulled out; NULL: there is none */
};

/* Begins to serve; there is no machine yet. Complains about what is wrong. NULL: it was. */
struct control *control_start(const struct control_options *options);
/* What it shows from now on; NULL: nothing. When this returns the one before is not looked at any more:
 * to be called before it is destroyed. */
void control_set_machine(struct control *control, struct vsva_machine *machine);
/* Has a client said "go-on" since the last call? Each is taken once. */
bool control_take_go_on(struct control *control);
/* Ends all clients; the socket is gone. NULL is ignored. */
void control_stop(struct control *control);

#endif
