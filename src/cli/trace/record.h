/* SPDX-License-Identifier: MIT */
/*
 * Recording the events of a machine into a trace file: a thread reads the ring and writes.
 *
 * The ring is large, so that it holds what comes while the thread does not run; what it loses all the same is
 * counted in the file.
 */
#ifndef CLI_TRACE_RECORD_H
#define CLI_TRACE_RECORD_H

#include <stdio.h>

#include "cli/names.h"
#include "vsva/machine.h"

struct trace_record;

/* Everything from now on. 0; -ENOMEM, -EAGAIN. */
int trace_record_start(struct vsva_machine *machine, FILE *out, struct trace_record **out_record);
/* When the machine is gone: writes what is left, and names; tells how many events were lost. NULL is ignored. */
uint64_t trace_record_finish(struct trace_record *record, const struct names *names);

#endif
