/* SPDX-License-Identifier: MIT */
/*
 * Messages. A warning or an error carries a code of vsva/codes.h, which `vsva explain CODE` expands; it
 * stands at the end of the line in brackets. A message that a guest or a user can cause goes through LOG_LIMITED, which lets a burst
 * of ten through every five seconds per place and then says how many it held back.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdint.h>

#include "vsva/codes.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_limit {
	uint64_t window_start_ns;
	uint32_t in_window;
	uint32_t held_back;
};

/* sink gets whole lines without a newline; NULL: standard error. Process wide. */
void log_set_sink(void (*sink)(void *arg, enum log_level level, const char *line), void *arg);
void log_set_level(enum log_level most_detailed);
/* code: VSVA_CODE_NONE if, and only if, the level is LOG_INFO or LOG_DEBUG. */
void log_line(enum log_level level, enum vsva_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Should this message pass? Counts it. Thread safe. */
int log_limit_pass(struct log_limit *limit);

#define LOG_LIMITED(level, code, ...)                                                              \
	do {                                                                                       \
		static struct log_limit limit_;                                                    \
		if (log_limit_pass(&limit_))                                                       \
			log_line(level, code, __VA_ARGS__);                                        \
	} while (0)

#endif
