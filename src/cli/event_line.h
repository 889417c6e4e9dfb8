/* SPDX-License-Identifier: MIT */
/*
 * An event as a line of JSON, both ways: the control socket sends it, trace files and snapshots have it
 * (docs/control.md). Members that would say 0 or "none" are left out.
 */
#ifndef CLI_EVENT_LINE_H
#define CLI_EVENT_LINE_H

#include <json.h>
#include <stddef.h>

#include "vsva/trace.h"

/* Of a trace file: its first line is {"trace":1,"vsva":VERSION}. */
#define TRACE_VERSION 1

#define EVENT_LINE_MAX 512u

/* The line without newline; its length. */
size_t event_line_format(char line[EVENT_LINE_MAX], const struct vsva_record *record);
/* false: it is no event of this version. */
bool event_line_parse(struct json_object *line, struct vsva_record *out);

/* false: no such kind. */
bool event_kind_parse(const char *name, enum vsva_event_kind *out);

#endif
