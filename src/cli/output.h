/* SPDX-License-Identifier: MIT */
/* A file that a command writes. What it tells of a machine is for its owner alone, as the control socket is. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* What stands there already is replaced. NULL: complained. */
FILE *output_create(const char *path);
/* false: not all of it was written: complained. */
bool output_close(FILE *file, const char *path);

#endif
