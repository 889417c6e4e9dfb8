/* SPDX-License-Identifier: MIT */
/*
 * Messages. A message that a guest or a user can cause goes through LOG_LIMITED, which lets a burst
 * of ten through every five seconds per place and then says how many it held back.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_limit {
	uint64_t window_start_ns;
	uint32_t in_window;
	uint32_t held_back;
};

/* sink gets whole lines without a newline; NULL: standard error. Process wide. */
void log_set_sink(void (*sink)(void *arg, enum log_level level, const char *line), void *arg);
void log_set_level(enum log_level most_detailed);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Should this message pass? Counts it. Thread safe. */
int log_limit_pass(struct log_limit *limit);

#define LOG_LIMITED(level, ...)                                                                    \
	do {                                                                                       \
		static struct log_limit limit_;                                                    \
		if (log_limit_pass(&limit_))                                                       \
			log_line(level, __VA_ARGS__);                                              \
	} while (0)

#endif
