/* SPDX-License-Identifier: MIT */
/*
 * Progress of what may last over a second: one line on stderr that is drawn anew, without colour.
 * Where stderr is not a terminal, or one that cannot erase (TERM), nothing is ever written.
 *
 * Threads: any.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>

/* Would anything be drawn at all? */
bool progress_is_seen(void);
/* How far it is, told as often as one likes: drawn now and then, and not in the first half second. */
void progress_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A step after which nothing may be told for long: drawn at once. */
void progress_step(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Takes the line away: before anything else is written, and at the end. */
void progress_erase(void);

#endif
