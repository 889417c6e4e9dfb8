/* SPDX-License-Identifier: MIT */
/* Writing a trace file: what events.h reads, docs/control.md describes. */
#ifndef CLI_TRACE_FILE_H
#define CLI_TRACE_FILE_H

#include <stdio.h>

#include "cli/names.h"
#include "vsva/trace.h"

void trace_file_begin(FILE *out);
void trace_file_event(FILE *out, const struct vsva_record *record);
/* 0: nothing. */
void trace_file_lost(FILE *out, uint64_t lost);
/* What the numbers in the events are called; anywhere behind the beginning. */
void trace_file_names(FILE *out, const struct names *names);

#endif
