// SPDX-License-Identifier: MIT
#include "cli/control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Requests of one client before another's turn. */
#define REQUESTS_PER_TURN 16u
/* The same of buffers of lines that it has not asked for one by one. */
#define FILLS_PER_TURN 4u

/* Output */

static bool has_output(const struct control_client *client)
{
	return client->out != NULL;
}

static void drop_output(struct control_client *client)
{
	free(client->out);
	client->out = NULL;
	client->out_used = client->out_sent = 0;
}

/* text is ours from now on. */
static void put(struct control_client *client, char *text, size_t len)
{
	client->out = text;
	client->out_used = len;
	client->out_sent = 0;
}

/* A line that is not ours; false: no memory. */
static bool put_copy(struct control_client *client, const char *line)
{
	size_t len = strlen(line);
	char *text = malloc(len + 2);

	if (!text)
		return false;
	memcpy(text, line, len);
	text[len] = '\n';
	put(client, text, len + 1);
	return true;
}

/* false: the client has gone. */
static bool flush(struct control_client *client, int64_t now_ms)
{
	while (has_output(client)) {
		ssize_t sent =
			send(client->fd, client->out + client->out_sent,
			     client->out_used - client->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
		client->taken_ms = now_ms;
		client->out_sent += (size_t)sent;
		if (client->out_sent == client->out_used)
			drop_output(client);
	}
	return true;
}

/* Input */

/* What has come; false: nothing more will. */
static bool receive(struct control_client *client, bool *has_come)
{
	ssize_t got = recv(client->fd, client->in + client->in_used,
			   sizeof(client->in) - client->in_used, MSG_DONTWAIT);

	*has_come = got > 0;
	if (got < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	client->in_used += (size_t)got;
	return got > 0;
}

static void forget_line(struct control_client *client, size_t len)
{
	client->in_used -= len;
	memmove(client->in, client->in + len, client->in_used);
}

/* false: no memory. */
static bool refuse_endless_line(struct control_client *client)
{
	client->is_closing = true;
	return put_copy(client, "{\"error\":{\"code\":\"EMSGSIZE\",\"text\":\"a request is at most "
				"4095 bytes and a newline\"}}");
}

enum answered { ANSWERED, NO_LINE, NO_MEMORY };

/* Answers the line at the beginning of the buffer, if it is whole. */
static enum answered answer_line(struct control_client *client, const struct control_lines *lines)
{
	char *end = memchr(client->in, '\n', client->in_used), *text;
	size_t len;

	if (!end && client->in_used < sizeof(client->in))
		return NO_LINE;
	if (!end)
		return refuse_endless_line(client) ? ANSWERED : NO_MEMORY;
	len = (size_t)(end - client->in);
	text = lines->answer(lines->arg, client->in, len);
	forget_line(client, len + 1);
	if (!text)
		return NO_MEMORY;
	len = strlen(text);
	text[len] = '\n'; /* in place of its end, which nobody needs any more */
	put(client, text, len + 1);
	return ANSWERED;
}

/* The client */

void control_client_open(struct control_client *client, int fd, const char *greeting,
			 int64_t now_ms)
{
	client->fd = fd;
	client->in_used = 0;
	client->is_closing = false;
	client->subscription = NULL;
	client->taken_ms = now_ms;
	drop_output(client);
	put_copy(client, greeting);
}

void control_client_close(struct control_client *client)
{
	drop_output(client);
	close(client->fd);
	client->fd = -1;
}

short control_client_events(const struct control_client *client)
{
	return has_output(client) ? POLLOUT : POLLIN;
}

/* false: the client has gone. */
static bool send_more(struct control_client *client, const struct control_lines *lines,
		      int64_t now_ms)
{
	for (unsigned fills = 0; !has_output(client) && fills < FILLS_PER_TURN; fills++) {
		size_t len;
		char *text = lines->fill(lines->arg, &len);

		if (!text)
			break;
		put(client, text, len);
		if (!flush(client, now_ms))
			return false;
	}
	return true;
}

bool control_client_run(struct control_client *client, const struct control_lines *lines,
			int64_t now_ms)
{
	enum answered answered;
	bool has_come = true;

	if (!has_output(client))
		client->taken_ms = now_ms;
	for (unsigned turns = 0; has_come && turns < REQUESTS_PER_TURN; turns++) {
		if (!flush(client, now_ms))
			return false;
		if (has_output(client))
			return true;
		if (client->is_closing)
			return false;
		answered = answer_line(client, lines);
		if (answered == NO_MEMORY ||
		    (answered == NO_LINE && !receive(client, &has_come) && !has_come))
			return false;
	}
	return flush(client, now_ms) && send_more(client, lines, now_ms);
}

bool control_client_is_stalled(const struct control_client *client, int64_t now_ms)
{
	return has_output(client) && !client->subscription &&
	       now_ms - client->taken_ms > CONTROL_STALL_MS;
}
