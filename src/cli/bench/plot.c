/* SPDX-License-Identifier: MIT */
/* vsva bench --plot DIR: how figures grow, drawn by gnuplot, an SVG for each sweep and one of memory. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/sweep.h"
#include "bench/vms.h"
#include "cli/bench/bench.h"
#include "cli/spawn.h"
#include "cli/status.h"

#define MEMORY     "memory"
#define VM_PASIDS  1000u
#define TARGET_LEN 96

struct plot {
	const struct bench_plot_options *options;
	FILE *script; /* gnuplot's input */
	pid_t gnuplot;
	double least, most; /* of what is drawn */
};

/* gnuplot */

static bool find_gnuplot(void)
{
	char *path = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin"), *rest = path;
	bool found = false;

	for (char *dir = strtok_r(path, ":", &rest); dir && !found;
	     dir = strtok_r(NULL, ":", &rest)) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/gnuplot", dir);
		found = !access(file, X_OK);
	}
	free(path);
	return found;
}

static int start_gnuplot(struct plot *plot)
{
	struct words *words = words_create();
	struct spawn_options options = {.out = -1, .death_signal = 15};
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	options.in = ends[0];
	words_add(words, "gnuplot");
	plot->gnuplot = words_argv(words) ? spawn(words_argv(words), &options) : -ENOMEM;
	words_destroy(words);
	close(ends[0]);
	plot->script = plot->gnuplot < 0 ? NULL : fdopen(ends[1], "w");
	if (!plot->script)
		close(ends[1]);
	return plot->gnuplot < 0 ? plot->gnuplot : 0;
}

/* 0, or -EIO: it did not like something, and said so itself. */
static int end_gnuplot(struct plot *plot)
{
	fclose(plot->script);
	return spawn_wait(plot->gnuplot, -1) ? -EIO : 0;
}

static void begin_picture(struct plot *plot, const char *name, const char *title, const char *along,
			  const char *unit)
{
	fprintf(plot->script,
		"set terminal svg size 800,480 dynamic background rgb 'white' font 'sans,13'\n"
		"set output '%s/%s.svg'\n"
		"set title '%s'\nset xlabel '%s'\nset ylabel '%s'\n"
		"set logscale xy\nset grid\nset key below\n"
		"set format x '%%.0s%%c'\nset format y '%%g'\n",
		plot->options->directory, name, title, along, unit);
}

/* Sweeps */

static void include(struct plot *plot, double value)
{
	if (!(plot->least > 0) || value < plot->least)
		plot->least = value;
	if (value > plot->most)
		plot->most = value;
}

static void write_points(struct plot *plot, struct bench *bench, const struct bench_sweep *sweep,
			 unsigned line)
{
	struct bench_result result;

	fprintf(plot->script, "$line%u << EOD\n", line);
	include(plot, sweep->lines[line].limit);
	for (unsigned i = 0; i < SWEEP_POINTS && sweep->points[i]; i++) {
		uint64_t point = sweep->points[i];

		if (plot->options->measuring.quick && point > sweep->quick_most)
			break;
		bench_sweep_measure(bench, sweep, line, point, &result);
		if (result.state != BENCH_DONE) {
			complain(VSVA_CODE_BENCH_FAILED, "%s, %llu %s: %s", sweep->name,
				 (unsigned long long)point, sweep->along, result.why);
			continue;
		}
		include(plot, result.ratio.least);
		include(plot, result.ratio.p90);
		fprintf(plot->script, "%llu %g %g %g\n", (unsigned long long)point,
			result.ratio.median, result.ratio.least, result.ratio.p90);
	}
	fputs("EOD\n", plot->script);
}

/* A curve with bars from the least to 90 % of the repetitions, and its target as a line. */
static void draw_line(struct plot *plot, const struct bench_sweep *sweep, unsigned line)
{
	const struct bench_figure *figure = &sweep->lines[line];
	char target[TARGET_LEN];

	bench_target_text(figure, target, sizeof(target));
	fprintf(plot->script,
		"%s $line%u with yerrorlines lw 2 lc %u title '%s', %g with lines dashtype 2 lc %u "
		"title 'target: %s'",
		line ? "," : "plot", line, line + 1, figure->text, figure->limit, line + 1, target);
}

static int draw_sweep(const struct bench_plot_options *options, struct bench *bench,
		      const struct bench_sweep *sweep)
{
	struct plot plot = {.options = options};
	char base[TARGET_LEN], unit[TARGET_LEN + 16];
	unsigned lines = 0;
	int err = start_gnuplot(&plot);

	if (err)
		return err;
	for (; lines < SWEEP_LINES && sweep->lines[lines].method; lines++)
		write_points(&plot, bench, sweep, lines);
	bench_base_text(&sweep->lines[0], base, sizeof(base));
	snprintf(unit, sizeof(unit), "in units of %s", base);
	begin_picture(&plot, sweep->name, sweep->title, sweep->along, unit);
	/* room around what is drawn, targets too; a number at each power of two */
	fprintf(plot.script, "set yrange [%g:%g]\nset ytics 0.0625,2\n", plot.least / 2,
		plot.most * 2);
	for (unsigned line = 0; line < lines; line++)
		draw_line(&plot, sweep, line);
	fputs("\n", plot.script);
	return end_gnuplot(&plot);
}

/* Memory */

static int write_weights(struct plot *plot, const char *name, bool many_vms)
{
	static const uint32_t counts[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
	uint32_t most = many_vms ? (plot->options->measuring.quick ? 10 : 1000)
				 : (plot->options->measuring.quick ? 1000 : 1000000);
	struct vms_weight weight;
	int err = 0;

	fprintf(plot->script, "$%s << EOD\n", name);
	for (unsigned i = 0; counts[i] <= most && !err; i++) {
		err = many_vms ? bench_vms_weigh(counts[i], VM_PASIDS, &weight)
			       : bench_vms_weigh(1, counts[i], &weight);
		if (!err)
			fprintf(plot->script, "%u %g %g\n", counts[i] * (many_vms ? VM_PASIDS : 1),
				weight.record_bytes / (1 << 20), weight.table_bytes / (1 << 20));
		if (counts[i] == 1000000)
			break;
	}
	fputs("EOD\n", plot->script);
	return err;
}

static int draw_memory(const struct bench_plot_options *options)
{
	struct plot plot = {.options = options};
	int err = start_gnuplot(&plot), gnuplot_err;

	if (err)
		return err;
	err = write_weights(&plot, "one", false);
	if (!err)
		err = write_weights(&plot, "many", true);
	begin_picture(&plot, MEMORY, "Memory of bound PASIDs", "PASIDs", "MiB");
	fputs("plot $one using 1:2 with linespoints lw 2 lc 1 title 'records, one VM',"
	      " $many using 1:2 with linespoints lw 2 lc 2 title 'records, VMs of 1,000 PASIDs',"
	      " $one using 1:3 with linespoints dashtype 3 lc 1 title 'tables, one VM',"
	      " $many using 1:3 with linespoints dashtype 3 lc 2 title 'tables, VMs of 1,000 "
	      "PASIDs',"
	      " x * 256 / 2**20 with lines dashtype 2 lc 3 title 'target: 256 bytes of records'\n",
	      plot.script);
	gnuplot_err = end_gnuplot(&plot);
	return err ? err : gnuplot_err;
}

/* All */

static bool is_chosen(const struct bench_plot_options *options, const char *name)
{
	return !options->only || !fnmatch(options->only, name, 0);
}

bool bench_plot_is_one(const char *glob)
{
	for (size_t i = 0; i < bench_sweep_count; i++)
		if (!fnmatch(glob, bench_sweeps[i].name, 0))
			return true;
	return !fnmatch(glob, MEMORY, 0);
}

static int draw_all(const struct bench_plot_options *options, struct bench *bench)
{
	int err = 0;

	for (size_t i = 0; i < bench_sweep_count && !err; i++)
		if (is_chosen(options, bench_sweeps[i].name))
			err = draw_sweep(options, bench, &bench_sweeps[i]);
	if (!err && is_chosen(options, MEMORY))
		err = draw_memory(options);
	return err;
}

int bench_plot(const struct bench_plot_options *options)
{
	struct bench *bench;
	int err;

	if (!find_gnuplot()) {
		complain(VSVA_CODE_PLOTS,
			 "plots are drawn by gnuplot, and it is not here; on Debian it is in the "
			 "package gnuplot-nox");
		return CLI_SETUP;
	}
	if (mkdir(options->directory, 0777) && errno != EEXIST) {
		complain(VSVA_CODE_PLOTS, "%s: %s", options->directory, strerror(errno));
		return CLI_SETUP;
	}
	err = bench_open(&options->measuring, &bench);
	if (!err) {
		err = draw_all(options, bench);
		bench_close(bench);
	}
	if (err)
		complain(VSVA_CODE_PLOTS, "plots in %s: %s", options->directory, strerror(-err));
	return err ? CLI_SETUP : CLI_OK;
}
