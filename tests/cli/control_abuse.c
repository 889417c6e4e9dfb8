/* SPDX-License-Identifier: MIT */
/*
 * control_abuse SOCKET: a client of the control socket as nobody wants it. Ends with 0 if each kind was
 * answered or dropped as it should be, and says what was not.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTS      1000
#define SLEEPERS      20
#define LISTENERS     8
#define DROP_MS       60000 /* far more than the server gives a client */
#define ENDLESS_BYTES (UINT64_C(1) << 30)

static const char *path;

static int open_client(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A line of what the server says; false: it has closed. */
static bool read_line(int fd, char *line, size_t len)
{
	size_t used = 0;

	while (used + 1 < len && read(fd, line + used, 1) == 1 && line[used] != '\n')
		used++;
	line[used] = 0;
	return used > 0;
}

static bool says(int fd, const char *request, const char *answer)
{
	char line[1 << 14];

	return read_line(fd, line, sizeof(line)) && strstr(line, "\"control\"") &&
	       send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request) &&
	       read_line(fd, line, sizeof(line)) && strstr(line, answer);
}

static bool connects_often(void)
{
	for (int i = 0; i < CONNECTS; i++) {
		int fd = open_client();

		if (fd < 0)
			return false;
		/* some say something and do not wait for the answer */
		if (i % 3 == 0 && send(fd, "{\"get\":\"unit\"}\n", 15, MSG_NOSIGNAL) < 0)
			(void)errno;
		close(fd);
	}
	return true;
}

static bool sends_garbage(void)
{
	char bytes[3000];
	int fd = open_client();
	bool is_refused = fd >= 0 && says(fd, "\001\377{]\n", "EINVAL");

	if (fd >= 0)
		close(fd);
	for (int i = 0; is_refused && i < 50; i++) {
		fd = open_client();
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (char)((k * 2654435761u + (unsigned)i * 40503u) >> 13);
		if (fd < 0)
			return false;
		for (int n = 0; n < 100; n++)
			if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
				break;
		close(fd);
	}
	return is_refused;
}

/* A line without end is refused long before it is long. */
static bool sends_endless_line(void)
{
	static const char bytes[1 << 16] = {'x'};
	uint64_t sent = 0;
	int fd = open_client();

	while (fd >= 0 && sent < ENDLESS_BYTES) {
		ssize_t n = send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);

		if (n < 0)
			break;
		sent += (uint64_t)n;
	}
	if (fd >= 0)
		close(fd);
	return fd >= 0 && sent < ENDLESS_BYTES;
}

/* Asks and never reads. */
static void ask_for_ever(int fd)
{
	static const char request[] = "{\"get\":\"unit\"}\n";

	for (int i = 0; i < 5000; i++)
		if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
}

static bool is_dropped(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLRDHUP};

	return poll(&poller, 1, DROP_MS) == 1;
}

static bool stops_reading(void)
{
	int fds[SLEEPERS];
	bool are_dropped = true;

	for (int i = 0; i < SLEEPERS; i++) {
		fds[i] = open_client();
		if (fds[i] >= 0)
			ask_for_ever(fds[i]);
	}
	for (int i = 0; i < SLEEPERS; i++) {
		are_dropped &= fds[i] >= 0 && is_dropped(fds[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
	return are_dropped;
}

/* Asks for events and takes none of them, from here to the end. */
static int listeners[LISTENERS];

static bool does_not_listen(void)
{
	bool all = true;

	for (int i = 0; i < LISTENERS; i++) {
		listeners[i] = open_client();
		all &= listeners[i] >= 0 &&
		       says(listeners[i], "{\"trace\":true}\n", "\"done\":true");
	}
	return all;
}

/* Nobody is dropped for that; there are events for who reads at last, and others may listen. */
static bool listens_at_last(void)
{
	char line[1 << 14];
	bool all = true;

	for (int i = 0; i < LISTENERS; i++) {
		all &= read_line(listeners[i], line, sizeof(line)) && strstr(line, "\"event\":");
		close(listeners[i]);
	}
	return all;
}

/* Others are served meanwhile and afterwards. */
static bool is_served(void)
{
	int fd = open_client();
	bool is = fd >= 0 && says(fd, "{\"id\":7,\"get\":\"vm\"}\n", "\"id\":7,\"items\":[");

	if (fd >= 0)
		close(fd);
	return is;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*run)(void);
	} kinds[] = {
		{"connects 1,000 times", connects_often},
		{"sends garbage", sends_garbage},
		{"is served", is_served},
		{"sends a line of 1 GiB", sends_endless_line},
		{"gets events and does not read them", does_not_listen},
		{"stops reading", stops_reading},
		{"is served again", is_served},
		{"reads events at last", listens_at_last},
	};
	int failed = 0;

	if (argc != 2)
		return 2;
	path = argv[1];
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		bool ok = kinds[i].run();

		printf("%s: %s\n", kinds[i].name, ok ? "as it should be" : "NOT as it should be");
		fflush(stdout);
		failed |= !ok;
	}
	return failed;
}
