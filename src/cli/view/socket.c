// SPDX-License-Identifier: MIT
/* A view through a control socket. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/control/control.h"
#include "cli/control/client.h"
#include "cli/json_text.h"
#include "cli/status.h"
#include "cli/view/impl.h"

/* A server answers at once; one that does not is stopped, or hangs. */
#define ANSWER_TIMEOUT_S 20
/* More than a server sends in a line. */
#define LINE_MAX_BYTES (2 * CONTROL_ANSWER_MAX)

struct socket_view {
	int fd;
	char *buffer; /* what has come, LINE_MAX_BYTES */
	size_t used;
	size_t taken; /* of it: the line that was returned last */
};

/* Lines */

static bool send_all(const struct socket_view *view, const char *bytes, size_t len)
{
	while (len) {
		ssize_t sent = send(view->fd, bytes, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		bytes += sent;
		len -= (size_t)sent;
	}
	return true;
}

/* false: nothing more comes. */
static bool receive(struct socket_view *view)
{
	ssize_t got;

	do
		got = recv(view->fd, view->buffer + view->used, LINE_MAX_BYTES - view->used, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		view->used += (size_t)got;
	return got > 0;
}

/* The next line, with 0 in place of its newline, until the next call. NULL: none comes. */
static char *next_line(struct socket_view *view)
{
	char *end;

	view->used -= view->taken;
	memmove(view->buffer, view->buffer + view->taken, view->used);
	view->taken = 0;
	while (!(end = memchr(view->buffer, '\n', view->used)))
		if (view->used == LINE_MAX_BYTES || !receive(view))
			return NULL;
	*end = 0;
	view->taken = (size_t)(end - view->buffer) + 1;
	return view->buffer;
}

static struct json_object *next_object(struct socket_view *view)
{
	char *line = next_line(view);

	return line ? json_tokener_parse(line) : NULL;
}

static struct json_object *ask(struct socket_view *view, struct json_object *request)
{
	const char *text = json_object_to_json_string_ext(
		request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct json_object *answer = NULL;

	if (send_all(view, text, strlen(text)) && send_all(view, "\n", 1))
		answer = next_object(view);
	if (!answer)
		complain(VSVA_CODE_CONTROL_ABSENT, "the server does not answer any more");
	return answer;
}

/* Opening */

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static bool check_greeting(struct socket_view *view, const char *path)
{
	struct json_object *greeting = next_object(view), *error;
	uint64_t protocol = json_number_of(greeting, "control", 0);
	bool is_known = protocol == CONTROL_PROTOCOL;

	error = json_member(greeting, "error");
	if (error)
		complain(VSVA_CODE_FILE, "%s: %s", path, json_text_of(error, "text"));
	else if (!protocol)
		complain(VSVA_CODE_CONTROL_PROTOCOL, "%s is no control socket of vsva", path);
	else if (!is_known)
		complain(VSVA_CODE_CONTROL_PROTOCOL,
			 "%s speaks version %llu of the control protocol, this vsva version %d",
			 path, (unsigned long long)protocol, CONTROL_PROTOCOL);
	json_object_put(greeting);
	return is_known && !error;
}

static void socket_close(void *arg)
{
	struct socket_view *view = arg;

	close(view->fd);
	free(view->buffer);
	free(view);
}

void *view_socket_open(const char *path)
{
	struct socket_view *view = calloc(1, sizeof(*view));
	char *buffer = malloc(LINE_MAX_BYTES);
	int fd = connect_to(path);

	if (!view || !buffer || fd < 0) {
		complain(VSVA_CODE_CONTROL_ABSENT,
			 "%s: %s; a vsva with a control socket is looked at: `vsva serve`, `vsva "
			 "boot` "
			 "or `vsva run --control PATH`",
			 path, fd < 0 ? strerror(-fd) : "no memory");
		free(view);
		free(buffer);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	view->fd = fd;
	view->buffer = buffer;
	if (check_greeting(view, path))
		return view;
	socket_close(view);
	return NULL;
}

/* Answers */

static int error_of(struct json_object *answer, const char **text)
{
	struct json_object *error = json_member(answer, "error");
	const char *code = json_text_of(error, "code");

	*text = json_text_of(error, "text");
	if (!error)
		return 0;
	if (code && !strcmp(code, "EFAULT"))
		return -EFAULT;
	return code && !strcmp(code, "ENOENT") ? -ENOENT : -EIO;
}

/* One piece of an object: appended to items. Where the next begins, or 0: that was the last. */
static uint64_t get_piece(struct socket_view *view, const char *object, uint64_t from,
			  struct json_object *items, int *err)
{
	struct json_object *request = json_object_new_object(), *answer, *piece;
	const char *text;
	uint64_t next = 0;

	json_add_text(request, "get", object);
	json_add_number(request, "from", from);
	answer = ask(view, request);
	json_object_put(request);
	*err = answer ? error_of(answer, &text) : -EIO;
	if (*err == -EIO && answer)
		complain(VSVA_CODE_CONTROL_REFUSED, "%s: %s", object, text);
	piece = json_member(answer, "items");
	for (size_t i = 0; piece && i < json_object_array_length(piece); i++)
		json_object_array_add(items, json_object_get(json_object_array_get_idx(piece, i)));
	if (!*err)
		next = json_number_of(answer, "next", 0);
	json_object_put(answer);
	return next;
}

static struct json_object *socket_get(void *arg, const char *object, int *err)
{
	struct json_object *items = json_object_new_array();
	uint64_t from = 0;

	do
		from = get_piece(arg, object, from, items, err);
	while (from);
	if (!*err)
		return items;
	json_object_put(items);
	*err = *err == -ENOENT ? 0 : *err;
	return NULL;
}

static int socket_read(void *arg, uint32_t vm, uint64_t address, uint64_t *words, unsigned count)
{
	struct json_object *request = json_object_new_object(), *answer;
	const char *text;
	int err;

	json_add_hex(request, "read", address);
	json_add_number(request, "vm", vm);
	json_add_number(request, "count", count);
	answer = ask(arg, request);
	json_object_put(request);
	err = answer ? error_of(answer, &text) : -EIO;
	if (!err) {
		text = json_text_of(answer, "words");
		err = text && view_parse_words(text, words, count) ? 0 : -EIO;
	}
	json_object_put(answer);
	return err;
}

const struct view_ops view_socket_ops = {
	.is_live = true, .get = socket_get, .read = socket_read, .close = socket_close};

struct json_object *view_ask(struct view *view, struct json_object *request, char **error)
{
	struct json_object *answer = ask(view->arg, request);
	const char *text;

	if (!answer || !json_member(answer, "error"))
		return answer;
	error_of(answer, &text);
	if (error)
		*error = text ? strdup(text) : NULL;
	else
		complain(VSVA_CODE_CONTROL_REFUSED, "%s", text);
	json_object_put(answer);
	return NULL;
}

static bool has_line(const struct socket_view *view)
{
	return memchr(view->buffer + view->taken, '\n', view->used - view->taken) != NULL;
}

bool view_wait(struct view *view, int timeout_ms)
{
	const struct socket_view *socket = view->arg;
	struct pollfd poll_fd = {.fd = socket->fd, .events = POLLIN};

	return has_line(socket) || poll(&poll_fd, 1, timeout_ms) > 0;
}

struct json_object *view_next_line(struct view *view)
{
	return next_object(view->arg);
}
