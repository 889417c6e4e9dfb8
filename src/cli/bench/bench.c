/* SPDX-License-Identifier: MIT */
/* vsva bench: arguments, and which figures are measured. */
#include "cli/bench/bench.h"

#include <argp.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/status.h"

static const char documentation[] =
	"Measures what things cost, each beside what this computer needs for something that "
	"everybody knows (a\n"
	"lock, a load, a copy), and says whether the ratio is what it should be. "
	"bench/README.md tells what each\n"
	"figure is."
	"\v"
	"Examples:\n"
	"  vsva bench                          everything, half a minute\n"
	"  vsva bench --quick --only 'iotlb*'\n"
	"  vsva bench --list                   the figures\n"
	"  vsva bench --json > before.json\n"
	"  vsva bench --compare before.json after.json\n"
	"  vsva bench --plot plots             how they grow\n"
	"  vsva bench lifecycle                a million PASIDs: `vsva bench lifecycle --help`\n"
	"\n"
	"Exit status: 0, whether targets are met or not; 1 something that was measured did not "
	"happen; 2 a mistake\n"
	"in the arguments; 3 something that is needed cannot be had.";

enum { KEY_ONLY = 1000, KEY_QUICK, KEY_LIST, KEY_COMPARE, KEY_PLOT };

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "one JSON object", 0},
	{"repetitions", 'n', "N", 0, "of each measurement (11, at least 11)", 0},
	{"quick", KEY_QUICK, NULL, 0, "three repetitions, and less work, where one takes seconds",
	 0},
	{"only", KEY_ONLY, "GLOB", 0, "only figures of such a name", 0},
	{"list", KEY_LIST, NULL, 0, "names of the figures, and nothing else", 0},
	{"plot", KEY_PLOT, "DIR", 0,
	 "draw how figures grow, SVGs in DIR (with gnuplot); --only chooses "
	 "among hits, invalidations, binds, memory",
	 0},
	{"compare", KEY_COMPARE, NULL, 0, "two files that --json wrote: what has changed", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

struct bench_arguments {
	struct bench_options options;
	bool json, list, compare;
	const char *only, *plot;
	const char *files[2];
	unsigned file_count;
};

static bool is_chosen(const struct bench_arguments *arguments, const struct bench_figure *figure)
{
	return !arguments->only || !fnmatch(arguments->only, figure->name, 0);
}

static size_t count_chosen(const struct bench_arguments *arguments)
{
	size_t count = 0;

	for (size_t i = 0; i < bench_figure_count; i++)
		count += is_chosen(arguments, &bench_figures[i]);
	return count;
}

static void parse_repetitions(struct argp_state *state, const char *text)
{
	struct bench_arguments *arguments = state->input;
	unsigned long long number;

	if (command_number(text, BENCH_REPETITIONS_MAX, "--repetitions", &number))
		exit(CLI_USAGE);
	if (number < BENCH_REPETITIONS_MIN)
		misuse(state, "--repetitions %s: at least %u", text, BENCH_REPETITIONS_MIN);
	arguments->options.repetitions = (unsigned)number;
}

static void check_arguments(struct argp_state *state)
{
	struct bench_arguments *arguments = state->input;

	if (arguments->compare && arguments->file_count != 2)
		misuse(state, "--compare takes two files");
	if (!arguments->compare && arguments->file_count)
		misuse(state, "'%s': no argument is taken here", arguments->files[0]);
	if (arguments->plot && arguments->only && !bench_plot_is_one(arguments->only))
		misuse(state, "no plot '%s'; there are hits, invalidations, binds, memory",
		       arguments->only);
	if (!arguments->plot && !count_chosen(arguments))
		misuse(state, "no figure '%s'; `vsva bench --list` shows their names",
		       arguments->only);
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct bench_arguments *arguments = state->input;

	switch (key) {
	case 'j':
		arguments->json = true;
		return 0;
	case 'n':
		parse_repetitions(state, text);
		return 0;
	case KEY_QUICK:
		arguments->options.quick = true;
		return 0;
	case KEY_ONLY:
		arguments->only = text;
		return 0;
	case KEY_LIST:
		arguments->list = true;
		return 0;
	case KEY_COMPARE:
		arguments->compare = true;
		return 0;
	case KEY_PLOT:
		arguments->plot = text;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->file_count == 2)
			return ARGP_ERR_UNKNOWN;
		arguments->files[arguments->file_count++] = text;
		return 0;
	case ARGP_KEY_END:
		check_arguments(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Progress, where somebody watches */

static void show_progress(void *arg, const struct bench_figure *figure, unsigned done,
			  unsigned repetitions)
{
	(void)arg;
	progress_step("%s %u/%u", figure->name, done, repetitions);
}

/* Measuring */

static void print_json(struct bench *bench, struct json_object *figures)
{
	struct bench_distribution calibrations[BENCH_CALIBRATIONS];
	struct json_object *all = json_object_new_object();

	bench_calibrations(bench, calibrations);
	json_object_object_add(all, "calibration", bench_json_calibrations(calibrations));
	json_object_object_add(all, "figures", figures);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static void print_calibrations(struct bench *bench)
{
	struct bench_distribution calibrations[BENCH_CALIBRATIONS];

	bench_calibrations(bench, calibrations);
	bench_tell_calibrations(calibrations);
}

static int measure_all(struct bench *bench, const struct bench_arguments *arguments)
{
	struct json_object *figures = json_object_new_array();
	struct bench_result result;
	int status = CLI_OK;

	if (!arguments->json)
		bench_tell_head();
	for (size_t i = 0; i < bench_figure_count; i++) {
		if (!is_chosen(arguments, &bench_figures[i]))
			continue;
		bench_measure(bench, &bench_figures[i], &result);
		progress_erase();
		if (result.state == BENCH_FAILED)
			status = CLI_FAILED;
		if (arguments->json)
			json_object_array_add(figures, bench_json_result(&result));
		else
			bench_tell_result(&result);
	}
	if (arguments->json)
		print_json(bench, figures);
	else {
		print_calibrations(bench);
		json_object_put(figures);
	}
	return status;
}

static int run(struct bench_arguments *arguments)
{
	struct bench *bench;
	int err, status;

	err = bench_open(&arguments->options, &bench);
	if (err) {
		complain(VSVA_CODE_BENCH_FAILED, "nothing can be measured: %s", strerror(-err));
		return CLI_SETUP;
	}
	status = measure_all(bench, arguments);
	bench_close(bench);
	return status;
}

static int draw(const struct bench_arguments *arguments)
{
	const struct bench_plot_options plot = {.measuring = arguments->options,
						.directory = arguments->plot,
						.only = arguments->only};
	int status = bench_plot(&plot);

	progress_erase();
	return status;
}

int command_bench(int argc, char **argv)
{
	static const struct argp argp = {.options = options,
					 .parser = parse_option,
					 .args_doc = "[BEFORE AFTER]",
					 .doc = documentation};
	struct bench_arguments arguments = {.options.repetitions = BENCH_REPETITIONS_MIN};

	if (argc > 1 && !strcmp(argv[1], "lifecycle"))
		return command_bench_lifecycle(argc - 1, argv + 1);
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CLI_USAGE;
	if (progress_is_seen())
		arguments.options.progress = show_progress;
	if (arguments.compare)
		return bench_compare(arguments.files[0], arguments.files[1]);
	if (arguments.plot)
		return draw(&arguments);
	if (arguments.list) {
		bench_tell_list();
		return CLI_OK;
	}
	return run(&arguments);
}
