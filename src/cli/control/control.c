// SPDX-License-Identifier: MIT
#include "cli/control/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/control/client.h"
#include "cli/control/request.h"
#include "cli/control/trace.h"
#include "cli/spawn.h"
#include "cli/status.h"

#define CLIENTS_MAX 32u
/* Until accept() is tried again when the process has no room for another open file. */
#define ACCEPT_PAUSE_MS 100
/* How often stalled clients are looked for while there are any with output. */
#define STALL_LOOK_MS 500
/* That clients which get events may take, all together, when the server ends. */
#define LEAVE_MS 2000

struct control {
	struct control_options options;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int listening, stop;
	pthread_t thread;
	pthread_mutex_t lock; /* the next: held for the length of an answer */
	struct vsva_machine *machine;
	unsigned go_ons; /* said and not taken yet */
	struct control_tracing tracing;
	/* the thread's */
	struct control_client clients[CLIENTS_MAX];
	int64_t accepts_from_ms;
};

/* Places of the descriptors in the poll table. */
enum { POLL_STOP, POLL_LISTENING, POLL_CLIENTS, POLL_MAX = POLL_CLIENTS + CLIENTS_MAX };

/* Clients */

/* A client's turn. */
struct turn {
	struct control *control;
	struct control_client *client;
};

static char *answer(void *arg, const char *line, size_t len)
{
	const struct turn *turn = arg;
	struct control *control = turn->control;
	struct control_request request = {.allows_changes = control->options.allows_changes,
					  .server = control->options.server,
					  .tracing = &control->tracing,
					  .subscription = &turn->client->subscription};
	char *text;

	pthread_mutex_lock(&control->lock);
	request.machine = control->machine;
	request.go_ons = &control->go_ons;
	text = control_request_answer(&request, line, len);
	pthread_mutex_unlock(&control->lock);
	return text;
}

static void end_subscription(struct control *control, struct control_client *client)
{
	pthread_mutex_lock(&control->lock);
	subscription_close(&control->tracing, control->machine, client->subscription);
	pthread_mutex_unlock(&control->lock);
	client->subscription = NULL;
}

/* Events, if it has a subscription. */
static char *fill(void *arg, size_t *len)
{
	const struct turn *turn = arg;
	struct control *control = turn->control;
	struct control_client *client = turn->client;
	bool is_orphan, ends;
	char *text;

	if (!client->subscription)
		return NULL;
	pthread_mutex_lock(&control->lock);
	is_orphan = subscription_is_orphan(&control->tracing, client->subscription);
	pthread_mutex_unlock(&control->lock);
	text = subscription_fill(client->subscription, is_orphan, len, &ends);
	if (ends)
		end_subscription(control, client);
	return text;
}

static struct control_client *free_client(struct control *control)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	return NULL;
}

static void refuse_client(int fd)
{
	static const char line[] = "{\"error\":{\"code\":\"EUSERS\",\"text\":\"there are as many "
				   "clients as the server takes; try again\"}}\n";

	/* Who cannot be told is not told. */
	if (send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		(void)errno;
	close(fd);
}

static void accept_client(struct control *control, int64_t now)
{
	int fd = accept4(control->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_client *client = free_client(control);
	char greeting[160];

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			control->accepts_from_ms = now + ACCEPT_PAUSE_MS;
		return;
	}
	if (!client) {
		refuse_client(fd);
		return;
	}
	control_greeting(greeting, sizeof(greeting), control->options.allows_changes);
	control_client_open(client, fd, greeting, now);
}

static void close_client(struct control *control, struct control_client *client)
{
	end_subscription(control, client);
	control_client_close(client);
}

static void run_client(struct control *control, struct control_client *client, int64_t now)
{
	struct turn turn = {.control = control, .client = client};
	const struct control_lines lines = {.answer = answer, .fill = fill, .arg = &turn};

	if (!control_client_run(client, &lines, now) || control_client_is_stalled(client, now))
		close_client(control, client);
}

/* The thread */

/* Who gets events gets its last ones and is told that it was the end, if it takes them. */
static void take_leave(struct control *control, struct control_client *client, int64_t until_ms)
{
	struct turn turn = {.control = control, .client = client};
	const struct control_lines lines = {.answer = answer, .fill = fill, .arg = &turn};
	bool is_there = client->subscription != NULL;
	int64_t now = spawn_now_ms();

	while (is_there && (client->subscription || client->out) && now < until_ms) {
		struct pollfd writable = {.fd = client->fd, .events = POLLOUT};

		is_there = poll(&writable, 1, (int)(until_ms - now)) > 0 &&
			   control_client_run(client, &lines, now);
		now = spawn_now_ms();
	}
	close_client(control, client);
}

static void fill_polls(const struct control *control, struct pollfd *polls, int64_t now)
{
	bool accepts = now >= control->accepts_from_ms;

	polls[POLL_STOP] = (struct pollfd){.fd = control->stop, .events = POLLIN};
	polls[POLL_LISTENING] =
		(struct pollfd){.fd = accepts ? control->listening : -1, .events = POLLIN};
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		polls[POLL_CLIENTS + i] =
			(struct pollfd){.fd = control->clients[i].fd,
					.events = control_client_events(&control->clients[i])};
}

/* -1: until something happens. */
static int poll_timeout(const struct control *control, int64_t now)
{
	int timeout = now < control->accepts_from_ms ? ACCEPT_PAUSE_MS : -1;

	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		const struct control_client *client = &control->clients[i];

		if (client->fd >= 0 && client->out && timeout < 0)
			timeout = STALL_LOOK_MS;
		/* nobody says when there are events, least of all who makes them */
		if (client->fd >= 0 && client->subscription && !client->out)
			timeout = SUBSCRIPTION_LOOK_MS;
	}
	return timeout;
}

static void serve_clients(struct control *control, const struct pollfd *polls, int64_t now)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		struct control_client *client = &control->clients[i];

		if (client->fd < 0)
			continue;
		if (polls[POLL_CLIENTS + i].revents || client->out || client->subscription)
			run_client(control, client, now);
	}
}

static void *serve(void *arg)
{
	struct control *control = arg;
	struct pollfd polls[POLL_MAX];
	int64_t leave_until;

	for (;;) {
		int64_t now = spawn_now_ms();

		fill_polls(control, polls, now);
		if (poll(polls, POLL_MAX, poll_timeout(control, now)) < 0 && errno != EINTR)
			break;
		if (polls[POLL_STOP].revents)
			break;
		now = spawn_now_ms();
		serve_clients(control, polls, now);
		if (polls[POLL_LISTENING].revents)
			accept_client(control, now);
	}
	leave_until = spawn_now_ms() + LEAVE_MS;
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0)
			take_leave(control, &control->clients[i], leave_until);
	return NULL;
}

/* The socket */

static int make_address(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!*path || strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

/* A socket that nobody serves is left over from a server that was killed. Another file refuses a connection
 * too, and is somebody's. */
static bool is_left_over(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat status;
	bool refused = fd >= 0 && lstat(address->sun_path, &status) == 0 &&
		       S_ISSOCK(status.st_mode) &&
		       connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		       errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return refused;
}

static int bind_socket(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *at = (const struct sockaddr *)address;

	/* The file gets the socket's own mode: there is no moment in which others may connect. */
	if (fchmod(fd, 0600) < 0)
		return -errno;
	if (bind(fd, at, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!is_left_over(address))
		return -EADDRINUSE;
	unlink(address->sun_path);
	return bind(fd, at, sizeof(*address)) < 0 ? -errno : 0;
}

static int listen_at(struct control *control)
{
	struct sockaddr_un address;
	int err = make_address(control->options.path, &address);

	if (err)
		return err;
	control->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->listening < 0)
		return -errno;
	err = bind_socket(control->listening, &address);
	if (err)
		return err;
	memcpy(control->path, address.sun_path, sizeof(control->path));
	return listen(control->listening, (int)CLIENTS_MAX) < 0 ? -errno : 0;
}

/* Life */

static void free_control(struct control *control)
{
	if (control->path[0])
		unlink(control->path);
	if (control->listening >= 0)
		close(control->listening);
	if (control->stop >= 0)
		close(control->stop);
	pthread_mutex_destroy(&control->lock);
	free(control);
}

struct control *control_start(const struct control_options *options)
{
	struct control *control = calloc(1, sizeof(*control));
	int err;

	if (!control) {
		complain(VSVA_CODE_NO_MEMORY, "no memory for the control socket");
		return NULL;
	}
	control->options = *options;
	control->listening = -1;
	pthread_mutex_init(&control->lock, NULL);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	control->stop = eventfd(0, EFD_CLOEXEC);
	err = control->stop < 0 ? -errno : listen_at(control);
	if (!err)
		err = spawn_thread(&control->thread, serve, control);
	if (!err)
		return control;
	complain(VSVA_CODE_CONTROL_NOT_MADE, "the control socket %s cannot be made: %s",
		 options->path, strerror(-err));
	free_control(control);
	return NULL;
}

void control_set_machine(struct control *control, struct vsva_machine *machine)
{
	pthread_mutex_lock(&control->lock);
	control_tracing_change_machine(&control->tracing, control->machine);
	control->machine = machine;
	pthread_mutex_unlock(&control->lock);
}

bool control_take_go_on(struct control *control)
{
	bool is_said;

	pthread_mutex_lock(&control->lock);
	is_said = control->go_ons > 0;
	control->go_ons -= is_said;
	pthread_mutex_unlock(&control->lock);
	return is_said;
}

void control_stop(struct control *control)
{
	static const uint64_t one = 1;

	if (!control)
		return;
	control_set_machine(control, NULL);
	while (write(control->stop, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(control->thread, NULL);
	free_control(control);
}
