/* SPDX-License-Identifier: MIT */
/* What a command writes. What a file tells of a machine is for its owner alone, as the control socket is. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* Is standard output a terminal that shows colour, and does nobody object (NO_COLOR)? */
bool output_wants_colour(void);

/* What stands there already is replaced; input (or NULL) is a file that is still read, and is not. NULL: complained. */
FILE *output_create(const char *path, const char *input);
/* false: not all of it was written: complained. */
bool output_close(FILE *file, const char *path);

#endif
