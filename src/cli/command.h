/* SPDX-License-Identifier: MIT */
/* The commands: each takes its arguments (argv[0] is "vsva run" and so on) and returns an enum
 * cli_status. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdint.h>

#include "vsva/machine.h"

int command_run(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_boot(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_show(int argc, char **argv);
int command_snapshot(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_report(int argc, char **argv);
int command_explain(int argc, char **argv);

/* The whole of a text is a number up to max (0x… too); what: of what, for the complaint. */
int command_number(const char *text, unsigned long long max, const char *what,
		   unsigned long long *out);

/* The same for what is smaller. 0; -EINVAL: complained. */
int command_unsigned(const char *text, unsigned max, const char *what, unsigned *out);
/* Of something that is needed: at least 1. */
int command_count(const char *text, unsigned max, const char *what, unsigned *out);
/* Of --cache-policy. 0; -EINVAL: complained. */
int command_policy(const char *text, enum vsva_cache_policy *out);
/* A requester id, "6a:00.0". 0; -EINVAL: complained. */
int command_device(const char *text, uint16_t *out);

#endif
