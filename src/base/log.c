/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sched.h"

#define LINE_MAX_LEN    512
#define LIMIT_BURST     10
#define LIMIT_WINDOW_NS 5000000000u

typedef void log_sink_fn(void *arg, enum log_level level, const char *line);

/* Not ranked: a message may be written whatever is held, and a sink takes none of our locks. */
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static log_sink_fn *log_sink;               /* log_mutex */
static void *log_sink_arg;                  /* log_mutex */
static enum log_level log_level = LOG_WARN; /* atomic */

void log_set_sink(log_sink_fn *sink, void *arg)
{
	pthread_mutex_lock(&log_mutex);
	log_sink = sink;
	log_sink_arg = arg;
	pthread_mutex_unlock(&log_mutex);
}

void log_set_level(enum log_level most_detailed)
{
	__atomic_store_n(&log_level, most_detailed, __ATOMIC_RELAXED);
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_ERROR:
		return "error";
	case LOG_WARN:
		return "warning";
	case LOG_INFO:
		return "info";
	case LOG_DEBUG:
		return "debug";
	}
	return "?";
}

/* A line stays one line and cannot steer a terminal, whatever text from outside is in it. */
static void replace_controls(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = *line == '\t' ? ' ' : '?';
}

/* The code is kept also where the text is too long for the line. */
static void append_code(char *line, enum vsva_code code)
{
	char text[40];
	size_t len = strlen(line), room;

	room = LINE_MAX_LEN - 1 -
	       (size_t)snprintf(text, sizeof(text), " [%s]", vsva_code_name(code));
	strcpy(line + (len < room ? len : room), text);
}

void log_line(enum log_level level, enum vsva_code code, const char *format, ...)
{
	char line[LINE_MAX_LEN];
	va_list args;

	if (level > __atomic_load_n(&log_level, __ATOMIC_RELAXED))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	replace_controls(line);
	/* a summary is an error or none, and has its code all the same */
	if (level <= LOG_WARN)
		append_code(line, code);
	pthread_mutex_lock(&log_mutex);
	if (log_sink)
		log_sink(log_sink_arg, level, line);
	else
		fprintf(stderr, "vsva: %s: %s\n", level_name(level), line);
	pthread_mutex_unlock(&log_mutex);
}

static bool window_is_over(const struct log_limit *limit, uint64_t now_ns)
{
	/* a clock that went back is far ahead in unsigned numbers */
	return limit->in_window == 0 || now_ns - limit->window_start_ns >= LIMIT_WINDOW_NS;
}

int log_limit_pass(struct log_limit *limit)
{
	uint64_t now_ns = clock_now_ns();
	uint32_t held_back = 0;
	int pass;

	/* what a message is made of may have seams: the same in every run */
	if (sched_is_on())
		return 1;
	pthread_mutex_lock(&log_mutex);
	if (window_is_over(limit, now_ns)) {
		held_back = limit->held_back;
		*limit = (struct log_limit){.window_start_ns = now_ns};
	}
	pass = limit->in_window < LIMIT_BURST;
	if (pass)
		limit->in_window++;
	else
		limit->held_back++;
	pthread_mutex_unlock(&log_mutex);
	if (held_back)
		log_line(LOG_WARN, VSVA_CODE_HELD_BACK,
			 "%u messages like the next one were held back", held_back);
	return pass;
}
