/* SPDX-License-Identifier: MIT */
#include "cli/boot/console.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/spawn.h"

#define PROGRESS_MS 500

static void take_byte(struct boot_console *console, char byte)
{
	if (byte == '\r')
		return;
	if (byte != '\n' && console->len < sizeof(console->line) - 1) {
		console->line[console->len++] = byte;
		return;
	}
	console->line[console->len] = 0;
	console->len = 0;
	strcpy(console->last, console->line);
	boot_report_line(console->report, console->line);
}

static void take_bytes(struct boot_console *console, const char *bytes, size_t len)
{
	if (console->log) {
		fwrite(bytes, 1, len, console->log);
		fflush(console->log);
	}
	for (size_t i = 0; i < len; i++)
		take_byte(console, bytes[i]);
}

/* How long to wait for the guest's next words; -1: for ever. left_ms: until it is killed, likewise. */
static int next_wait_ms(int64_t left_ms)
{
	if (progress_is_seen() && (left_ms < 0 || left_ms > PROGRESS_MS))
		return PROGRESS_MS;
	return (int)left_ms;
}

int boot_console_read(struct boot_console *console, int from)
{
	int64_t limit_ms = (int64_t)console->timeout_s * 1000;
	int64_t begin = spawn_now_ms(), now = begin;
	struct pollfd ready = {.fd = from, .events = POLLIN};
	char bytes[4096];
	ssize_t len;

	for (;; now = spawn_now_ms()) {
		int64_t left = limit_ms ? begin + limit_ms - now : -1;

		if (*console->interrupted)
			return -EINTR;
		if (limit_ms && left <= 0)
			return -ETIMEDOUT;
		progress_tell("guest, %" PRId64 " s: %s", (now - begin) / 1000, console->last);
		if (poll(&ready, 1, next_wait_ms(left)) <= 0)
			continue;
		len = read(from, bytes, sizeof(bytes));
		if (len <= 0)
			return 0;
		take_bytes(console, bytes, (size_t)len);
	}
}
