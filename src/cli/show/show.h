/* SPDX-License-Identifier: MIT */
/*
 * vsva show OBJECT: what a view says of it, as text or as JSON.
 *
 *   collect   from the view to a list of rows, JSON objects: all that is shown is in them
 *   print     the same rows as text
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdio.h>

#include "cli/view/view.h"

#define SHOW_ANY UINT32_MAX

struct show {
	struct view *view;
	FILE *out;
	bool in_colour;
	/* selectors; SHOW_ANY: all */
	uint32_t vm, device, pasid;
	uint64_t address; /* of walk */
	bool has_address;
	bool write; /* of walk */
	/* between show_select_begin() and show_select_end() */
	struct json_object *pasids, *assigned; /* whose what is: by host PASID; a list */
	uint32_t bus_device;                   /* `device`, as the bus knows it */
	bool is_guests_pasid;                  /* a guest has the number `pasid` */
};

/* NULL: complained. */
typedef struct json_object *show_collect_fn(struct show *show);
typedef void show_print_fn(struct show *show, struct json_object *rows);

show_collect_fn show_unit_collect, show_vm_collect, show_device_collect, show_pasid_collect,
	show_entry_collect, show_walk_collect, show_cache_collect, show_queue_collect,
	show_faults_collect, show_stats_collect, show_group_collect;
show_print_fn show_unit_print, show_vm_print, show_device_print, show_pasid_print, show_entry_print,
	show_walk_print, show_cache_print, show_queue_print, show_faults_print, show_stats_print,
	show_group_print;

/* Selecting (show/select.c) */

/* Around all that selects: learns whose PASIDs and devices are. */
void show_select_begin(struct show *show);
void show_select_end(struct show *show);
/* What the selectors leave of an object. NULL: complained. */
struct json_object *show_filter(struct show *show, const char *object);
/* Does the row belong to what was selected? */
bool show_selects(const struct show *show, struct json_object *row);
/* The same of the device alone. */
bool show_selects_device(const struct show *show, struct json_object *row);

/* Of a row of counters: does the member say whose they are; is it a count of what there is now? */
bool show_stats_is_identity(const char *key);
bool show_stats_is_level(const char *key);
/* The row of the same thing; NULL: there is none. */
struct json_object *show_stats_same(struct json_object *rows, struct json_object *row);
/* Counters that have grown, per second: now minus before. */
struct json_object *show_stats_rates(struct json_object *before, struct json_object *now,
				     double seconds);

/* Text (show/text.c) */

enum show_style { SHOW_PLAIN, SHOW_BOLD, SHOW_DIM, SHOW_GOOD, SHOW_BAD, SHOW_NUMBER };
void show_styled(const struct show *show, enum show_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A table: cells are text; columns are as wide as they must be. */
#define TABLE_COLUMNS 12u
struct table {
	unsigned columns, rows, room;
	char **cells; /* rows * columns */
};
void table_begin(struct table *table, unsigned columns, const char *const *heads);
void table_cell(struct table *table, unsigned column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The row's member, if it has it. */
void table_number(struct table *table, unsigned column, struct json_object *row, const char *key);
void table_text(struct table *table, unsigned column, struct json_object *row, const char *key);
/* Before the cells of a row. */
void table_row(struct table *table);
/* Prints and frees it. Cells that begin with '!' are marked as bad. */
void table_end(struct show *show, struct table *table);

/* A table whose columns are members as they are. */
struct show_column {
	const char *head, *key;
	const char *words[2]; /* of a flag: off, on; of numbers and texts NULL */
};
void show_columns(struct show *show, struct json_object *rows, const struct show_column *columns,
		  unsigned count);

#endif
