// SPDX-License-Identifier: MIT
/* Plots as SVG within the page: lines over time, and bars in cells. Colours are the style's. */
#include "cli/html.h"
#include "cli/report/plot.h"

#define WIDTH  620.0
#define HEIGHT 210.0
#define LEFT   58.0
#define RIGHT  12.0
#define TOP    12.0
#define BOTTOM 30.0
#define TICKS  4u

/* The first of 1, 2, 5, 10, … that is not less. */
static double nice(double value)
{
	static const double steps[] = {1, 2, 5, 10};
	double power = 1;

	while (power * 10 <= value)
		power *= 10;
	for (unsigned i = 0; i < 4; i++)
		if (value <= steps[i] * power)
			return steps[i] * power;
	return 10 * power;
}

static void print_number(FILE *out, double value)
{
	if (value >= 1e9)
		fprintf(out, "%gG", value / 1e9);
	else if (value >= 1e6)
		fprintf(out, "%gM", value / 1e6);
	else if (value >= 1e3)
		fprintf(out, "%gk", value / 1e3);
	else
		fprintf(out, "%g", value);
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static double highest(const struct report_plot *plot)
{
	double most = 0;

	for (unsigned i = 0; i < plot->line_count; i++)
		for (unsigned k = 0; k < plot->point_count; k++)
			most = larger(most, plot->lines[i].values[k]);
	return most;
}

static double x_of(const struct report_plot *plot, unsigned point)
{
	double last = plot->times[plot->point_count - 1];

	return LEFT + (last > 0 ? plot->times[point] / last : 0) * (WIDTH - LEFT - RIGHT);
}

static double y_of(double value, double top)
{
	return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
}

static void print_grid(const struct report_plot *plot, double top, FILE *out)
{
	for (unsigned i = 0; i <= TICKS; i++) {
		double value = top * i / TICKS, y = y_of(value, top);

		fprintf(out,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
			LEFT, WIDTH - RIGHT, y, y);
		fprintf(out, "<text class=\"y\" x=\"%.1f\" y=\"%.1f\">", LEFT - 6, y + 4);
		print_number(out, value);
		fputs("</text>", out);
	}
	fprintf(out, "<text class=\"x\" x=\"%.1f\" y=\"%.1f\">0 s</text>", LEFT, HEIGHT - 10);
	fprintf(out, "<text class=\"x last\" x=\"%.1f\" y=\"%.1f\">%.2g s</text>\n", WIDTH - RIGHT,
		HEIGHT - 10, plot->times[plot->point_count - 1]);
}

static void print_line(const struct report_plot *plot, unsigned index, double top, FILE *out)
{
	const struct report_line *line = &plot->lines[index];

	fprintf(out, "<polyline class=\"line%u\" points=\"", index % REPORT_LINE_STYLES);
	for (unsigned i = 0; i < plot->point_count; i++)
		fprintf(out, "%s%.1f,%.1f", i ? " " : "", x_of(plot, i),
			y_of(line->values[i], top));
	fputs("\"/>\n", out);
}

/* The name and the last value of each line, by its colour and stroke. */
static void print_legend(const struct report_plot *plot, FILE *out)
{
	fputs("<p class=\"legend\">", out);
	for (unsigned i = 0; i < plot->line_count; i++) {
		fprintf(out,
			"<span><svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><polyline "
			"class=\"line%u\" "
			"points=\"0,4 24,4\"/></svg> ",
			i % REPORT_LINE_STYLES);
		html_text(out, plot->lines[i].name);
		fputs(" <b>", out);
		print_number(out, plot->lines[i].values[plot->point_count - 1]);
		fputs("</b>/s</span> ", out);
	}
	fputs("</p>", out);
}

void report_plot_lines(const struct report_plot *plot, FILE *out)
{
	double top = nice(highest(plot));

	fputs("<figure><figcaption>", out);
	html_text(out, plot->title);
	fprintf(out,
		"</figcaption>\n<svg class=\"plot\" viewBox=\"0 0 %g %g\" role=\"img\" "
		"aria-label=\"",
		WIDTH, HEIGHT);
	html_text(out, plot->title);
	fputs("\">", out);
	print_grid(plot, top, out);
	for (unsigned i = 0; i < plot->line_count; i++)
		print_line(plot, i, top, out);
	fputs("</svg>\n", out);
	print_legend(plot, out);
	fputs("</figure>\n", out);
}

void report_plot_bar(double part, FILE *out)
{
	if (part > 0)
		fprintf(out,
			"<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
			"aria-hidden=\"true\"><rect width=\"%.1f\" height=\"8\"/></svg>",
			larger(part, 0.01) * 100);
}
