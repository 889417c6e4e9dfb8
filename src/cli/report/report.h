/* SPDX-License-Identifier: MIT */
/*
 * vsva report: what a view shows, as one page of HTML.
 *
 *   rows      of an object: what `vsva show -j OBJECT` prints; all that a table shows is in them
 *   section   a part of the page. First all rows are collected, then the sections are printed
 *
 * Whoever wrote what is shown (a guest, a file) is not trusted: see cli/html.h. What ids and links are
 * made of are numbers.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdio.h>

#include "cli/report/events.h"
#include "cli/report/samples.h"
#include "cli/show/show.h"

/* Bounds of a page; what is left out is counted where it would stand. */
#define REPORT_ROWS    500u  /* of a table */
#define REPORT_ENTRIES 256u  /* PASID entries side by side */
#define REPORT_NODES   6000u /* of all trees */
#define REPORT_LINES   64u   /* of one table in a tree */

enum report_object {
	REPORT_UNIT,
	REPORT_VM,
	REPORT_DEVICE,
	REPORT_PASID,
	REPORT_GROUP,
	REPORT_QUEUE,
	REPORT_FAULTS,
	REPORT_CACHE,
	REPORT_STATS,
	REPORT_OBJECTS,
};

/* Entries that belong together. */
struct report_place {
	uint32_t vm; /* 0: of a process of the host */
	uint16_t rid, guest_rid;
	uint32_t pasid, host_pasid; /* SHOW_ANY: none */
};

struct report {
	FILE *out;
	struct view *view;  /* it stays as it is while the page is made */
	const char *source; /* where it was looked at, for people */
	bool is_live;
	struct json_object *rows[REPORT_OBJECTS];
	struct report_events *events;
	struct report_samples samples; /* of counters; of a snapshot none */
	size_t stale;                  /* lines of caches */
	struct json_object *pasids;    /* their rows by key, for report_pasid_row() */
	struct json_object *findings;  /* report_findings_collect() */
	size_t accesses, accesses_left_out;
	struct report_place places[REPORT_ENTRIES];
	size_t place_count, places_left_out;
	unsigned nodes_left; /* of REPORT_NODES */
};

/* How to look at one thing; SHOW_ANY for what does not matter. */
struct show report_show(const struct report *report, uint32_t vm, uint32_t device, uint32_t pasid);

/* The file (report/file.c). An existing index.html that is no report is not touched. 0 or -errno,
 * complained. */
#define REPORT_GENERATOR "vsva report"
int report_write(const char *dir, const char *text, size_t len);

/* From the rows and the view: a list of chains, as explain_chain_json() has them with "device" and "vm",
 * and of accesses, with "text". */
void report_findings_collect(struct report *report);

/* Sections */

typedef void report_section_fn(struct report *report);
report_section_fn report_head, report_foot, report_findings, report_overview, report_units,
	report_trees, report_entries, report_counters, report_journeys;

/* A table of rows (report/table.c) */

struct report_column {
	const char *head;
	const char *key; /* of the row; "a.b" of its member; what the cell says is its value */
	void (*cell)(struct report *report, struct json_object *row); /* instead of the value */
};
struct report_table {
	const char *object; /* `vsva show OBJECT` has the same rows */
	const struct report_column *columns;
	unsigned count;
	bool (*is_bad)(struct json_object *row); /* NULL: none is */
};
void report_table(struct report *report, const struct report_table *table,
		  struct json_object *rows);
/* An element with the row's value of a key, as a table has it; nothing where there is none. */
void report_value(struct report *report, const char *element, struct json_object *row,
		  const char *key);
/* "N more …", if there are. where: literal; how to see them. */
void report_more(struct report *report, size_t count, const char *what, const char *where);
/* The fields of an entry as decode_fields() gives them. */
void report_fields(struct report *report, struct json_object *fields);

/* Names (report/names.c) */

/* From the rows. */
void report_names_collect(struct report *report);
/* What a requester id is on the bus (vm 0) or in a guest. NULL: nothing. */
const char *report_device_kind(const struct report *report, uint32_t vm, uint16_t rid);
/* Row of a VM; NULL: none. */
struct json_object *report_vm_row(const struct report *report, uint64_t vm);
/* "vm 1 alpha", "physical unit" for 0. */
void report_vm_name(struct report *report, uint64_t vm);
/* Row of a host PASID (vm 0) or a guest's. NULL: none. */
struct json_object *report_pasid_row(const struct report *report, uint64_t vm, uint64_t pasid);
/* Places (report/places.c): what stands side by side */

void report_places_collect(struct report *report);
/* The id of a place: of a PASID (SHOW_ANY: none) of a guest's device, or with vm 0 of a host PASID and a
 * device on the bus. */
void report_entry_id(FILE *out, uint32_t vm, uint16_t rid, uint32_t pasid);
/* Begins a link to it, <a …>; false: there is no such place, and no link. */
bool report_entry_link(struct report *report, uint32_t vm, uint16_t rid, uint32_t pasid);

#endif
