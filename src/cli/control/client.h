/* SPDX-License-Identifier: MIT */
/* One client of the control socket: its two buffers and what goes through them. */
#ifndef CLI_CONTROL_CLIENT_H
#define CLI_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_LINE_MAX   4096u      /* a request */
#define CONTROL_ANSWER_MAX (1u << 20) /* an answer */
#define CONTROL_STALL_MS   5000       /* that a client may take nothing of its answer */

struct control_client {
	int fd; /* -1: nobody */
	char in[CONTROL_LINE_MAX];
	size_t in_used;
	char *out; /* NULL: nothing is to be sent */
	size_t out_used, out_sent;
	int64_t taken_ms;                  /* when the client last took something */
	bool is_closing;                   /* when all is sent */
	struct subscription *subscription; /* the server's; NULL: what it gets is answers */
};

/* Answers one request (no newline in it). The line to be sent, without newline: malloc'd, or NULL: no
 * memory. */
typedef char *control_answer_fn(void *arg, const char *line, size_t len);
/* What is sent without having been asked for: lines, malloc'd, of *len bytes. NULL: nothing now. */
typedef char *control_fill_fn(void *arg, size_t *len);

/* Where its lines come from. */
struct control_lines {
	control_answer_fn *answer;
	control_fill_fn *fill;
	void *arg;
};

void control_client_open(struct control_client *client, int fd, const char *greeting,
			 int64_t now_ms);
void control_client_close(struct control_client *client);
/* What poll() shall wait for. */
short control_client_events(const struct control_client *client);
/* Reads, answers, sends, as far as it goes without waiting. false: to be closed. */
bool control_client_run(struct control_client *client, const struct control_lines *lines,
			int64_t now_ms);
/* Has it taken nothing for too long? Who gets events may take as long as they like: they lose some. */
bool control_client_is_stalled(const struct control_client *client, int64_t now_ms);

#endif
