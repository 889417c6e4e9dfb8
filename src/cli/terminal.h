/* SPDX-License-Identifier: MIT */
/* What a terminal can do. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

/* Is it one that knows escape sequences (TERM)? */
bool terminal_is_capable(int fd);
/* Columns of the terminal on stderr. */
unsigned terminal_width(void);

#endif
