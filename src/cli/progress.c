/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/spawn.h"
#include "cli/terminal.h"

#define FIRST_MS 500
#define NEXT_MS  100
#define ERASE    "\r\033[K"
#define LEN_MAX  512

/* Guarded by the lock of stderr. */
static struct {
	bool is_known, is_seen; /* what terminal_is_capable() said */
	bool is_drawn;
	int64_t next_ms; /* when told things are drawn again; 0: nothing was told yet */
} line;

static bool is_seen(void)
{
	if (!line.is_known)
		line.is_seen = terminal_is_capable(STDERR_FILENO);
	line.is_known = true;
	return line.is_seen;
}

bool progress_is_seen(void)
{
	bool seen;

	flockfile(stderr);
	seen = is_seen();
	funlockfile(stderr);
	return seen;
}

/* A line that is wrapped could not be erased; what a guest said may have bytes that move the cursor. */
static void draw(const char *format, va_list args)
{
	char text[LEN_MAX];
	unsigned width = terminal_width();

	vsnprintf(text, sizeof(text), format, args);
	if (width <= sizeof(text))
		text[width - 1] = 0;
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = ' ';
	fprintf(stderr, ERASE "%s", text);
	line.is_drawn = true;
	line.next_ms = spawn_now_ms() + NEXT_MS;
}

static bool is_time(void)
{
	int64_t now = spawn_now_ms();

	if (!line.next_ms)
		line.next_ms = now + FIRST_MS;
	return now >= line.next_ms;
}

void progress_tell(const char *format, ...)
{
	va_list args;

	flockfile(stderr);
	if (is_seen() && is_time()) {
		va_start(args, format);
		draw(format, args);
		va_end(args);
	}
	funlockfile(stderr);
}

void progress_step(const char *format, ...)
{
	va_list args;

	flockfile(stderr);
	if (is_seen()) {
		va_start(args, format);
		draw(format, args);
		va_end(args);
	}
	funlockfile(stderr);
}

void progress_erase(void)
{
	flockfile(stderr);
	if (line.is_drawn)
		fputs(ERASE, stderr);
	line.is_drawn = false;
	funlockfile(stderr);
}
