/* SPDX-License-Identifier: MIT */
/* An answer that goes on: the thread of the control socket asks for the next piece when the client has
 * taken the last one. While it goes on, any line of the client's ends it. */
#ifndef CLI_CONTROL_STREAM_H
#define CLI_CONTROL_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct control_stream {
	/* The next lines, each with its newline, malloc'd; *len of them all, at most
	 * CONTROL_ANSWER_MAX. NULL: nothing now. *is_over: nothing any more. Must not wait. */
	char *(*next)(void *arg, size_t *len, bool *is_over);
	void (*end)(void *arg); /* called once, also if the client has gone */
	void *arg;
};

/* How often streams are asked. */
#define CONTROL_STREAM_MS 20

#endif
