/* SPDX-License-Identifier: MIT */
/* How the command ends, and how it complains. */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "vsva/codes.h"

enum cli_status {
	CLI_OK = 0,
	CLI_FAILED =
		1, /* an expectation failed, data differ, the ledger objects, something leaked */
	CLI_USAGE = 2,    /* a mistake in the arguments or in a script */
	CLI_SETUP = 3,    /* the machine, a file or a tool that is needed cannot be had */
	CLI_SKIPPED = 77, /* cannot be done here, and that is no mistake */
};

/* "vsva: … [CODE]" to stderr. The text says what, where, which value and what to do; `vsva explain CODE`
 * says more. */
void complain(enum vsva_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct argp_state;
/* The same for a mistake in the arguments, then how to get help; ends with CLI_USAGE. */
void misuse(const struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "ENOSPC" and the like for a positive or negative errno. */
const char *errno_name(int err);

#endif
