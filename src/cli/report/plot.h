/* SPDX-License-Identifier: MIT */
/* Plots of the report, as SVG. */
#ifndef CLI_REPORT_PLOT_H
#define CLI_REPORT_PLOT_H

#include <stdio.h>

/* Colours and strokes that the style has: line0 … */
#define REPORT_LINE_STYLES 10u

struct report_line {
	const char *name;
	const double *values; /* one for each time, ≥ 0 */
};
struct report_plot {
	const char *title;
	const double *times; /* in seconds, ascending from about 0 */
	const struct report_line *lines;
	unsigned point_count; /* ≥ 1 */
	unsigned line_count;
};
/* Values per second over time, with a legend. */
void report_plot_lines(const struct report_plot *plot, FILE *out);
/* A bar in a cell; part: 0 … 1 of its room. */
void report_plot_bar(double part, FILE *out);

#endif
