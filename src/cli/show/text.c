// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_text.h"
#include "cli/show/show.h"

static const char *const codes[] = {
	[SHOW_PLAIN] = "",        [SHOW_BOLD] = "\033[1m", [SHOW_DIM] = "\033[2m",
	[SHOW_GOOD] = "\033[32m", [SHOW_BAD] = "\033[31m", [SHOW_NUMBER] = "\033[36m",
};

void show_styled(const struct show *show, enum show_style style, const char *format, ...)
{
	bool marks = show->in_colour && style != SHOW_PLAIN;
	va_list args;

	if (marks)
		fputs(codes[style], show->out);
	va_start(args, format);
	vfprintf(show->out, format, args);
	va_end(args);
	if (marks)
		fputs("\033[0m", show->out);
}

void table_row(struct table *table)
{
	if (table->rows == table->room) {
		unsigned room = table->room ? 2 * table->room : 16;
		char **cells = realloc(table->cells, room * table->columns * sizeof(*table->cells));

		if (!cells)
			abort();
		table->cells = cells;
		table->room = room;
	}
	memset(table->cells + table->rows * table->columns, 0,
	       table->columns * sizeof(*table->cells));
	table->rows++;
}

void table_cell(struct table *table, unsigned column, const char *format, ...)
{
	char **cell = &table->cells[(table->rows - 1) * table->columns + column];
	va_list args;

	free(*cell);
	va_start(args, format);
	if (vasprintf(cell, format, args) < 0)
		*cell = NULL;
	va_end(args);
}

void table_number(struct table *table, unsigned column, struct json_object *row, const char *key)
{
	if (json_member(row, key))
		table_cell(table, column, "%" PRIu64, json_number_of(row, key, 0));
}

void table_text(struct table *table, unsigned column, struct json_object *row, const char *key)
{
	if (json_text_of(row, key))
		table_cell(table, column, "%s", json_text_of(row, key));
}

void table_begin(struct table *table, unsigned columns, const char *const *heads)
{
	*table = (struct table){.columns = columns};
	table_row(table);
	for (unsigned i = 0; i < columns; i++)
		table_cell(table, i, "%s", heads[i]);
}

static const char *text_of(const struct table *table, unsigned row, unsigned column)
{
	const char *text = table->cells[row * table->columns + column];

	return text ? text : "-";
}

static int width_of(const struct table *table, unsigned column)
{
	size_t width = 0, len;

	for (unsigned row = 0; row < table->rows; row++) {
		len = strlen(text_of(table, row, column));
		len -= text_of(table, row, column)[0] == '!';
		width = len > width ? len : width;
	}
	return (int)width;
}

static void print_cell(struct show *show, const struct table *table, unsigned row, unsigned column)
{
	const char *text = text_of(table, row, column);
	bool is_bad = *text == '!', is_last = column + 1 == table->columns;
	enum show_style style = row ? SHOW_PLAIN : SHOW_DIM;

	show_styled(show, is_bad ? SHOW_BAD : style, "%-*s", is_last ? 0 : width_of(table, column),
		    text + is_bad);
	fputs(is_last ? "\n" : "  ", show->out);
}

void table_end(struct show *show, struct table *table)
{
	for (unsigned row = 0; row < table->rows; row++)
		for (unsigned column = 0; column < table->columns; column++)
			print_cell(show, table, row, column);
	for (unsigned i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
}

static void add_column(struct table *table, unsigned at, const struct show_column *column,
		       struct json_object *row)
{
	if (column->words[0])
		table_cell(table, at, "%s", column->words[json_flag_of(row, column->key)]);
	else if (json_text_of(row, column->key))
		table_text(table, at, row, column->key);
	else
		table_number(table, at, row, column->key);
}

void show_columns(struct show *show, struct json_object *rows, const struct show_column *columns,
		  unsigned count)
{
	const char *heads[TABLE_COLUMNS];
	struct json_object *row;
	struct table table;

	for (unsigned i = 0; i < count; i++)
		heads[i] = columns[i].head;
	table_begin(&table, count, heads);
	JSON_FOR_EACH (rows, row) {
		table_row(&table);
		for (unsigned i = 0; i < count; i++)
			add_column(&table, i, &columns[i], row);
	}
	table_end(show, &table);
}
