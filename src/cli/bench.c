/* SPDX-License-Identifier: MIT */
/* vsva bench: medians, as a table or as JSON. */
#include "cli/bench.h"

#include <argp.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/status.h"

#define REPETITIONS     11u
#define REPETITIONS_MAX 1001u

static const char documentation[] =
	"Measures translations, copies and binds on the built-in guest, and this computer's memcpy "
	"and mutex in\n"
	"the same run, so that numbers of different computers can be compared. Each number is the "
	"median of\n"
	"several repetitions, after one that is not counted."
	"\v"
	"Examples:\n"
	"  vsva bench\n"
	"  vsva bench --repetitions 101 --only translation_cached\n"
	"  vsva bench --json | jq '.measures.translation_cached.median'\n"
	"  vsva bench lifecycle                a million PASIDs: `vsva bench lifecycle --help`\n"
	"\n"
	"A translation is measured as the difference of two copies of the test engine, of the same "
	"bytes in small\n"
	"and in huge pages: it includes the device's window and the trace point, not the copy.\n"
	"\n"
	"Exit status: 0; 1 something that was measured did not work; 2 a mistake in the arguments; "
	"3 the machine\n"
	"cannot be made.";

enum { KEY_ONLY = 1000 };

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "one JSON object", 0},
	{"repetitions", 'n', "N", 0, "of each measurement (11, at least 11)", 0},
	{"only", KEY_ONLY, "NAME", 0, "only this one", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

struct bench_arguments {
	bool json;
	unsigned repetitions;
	const char *only;
};

static bool is_measure(const char *name)
{
	for (size_t i = 0; i < bench_measure_count; i++)
		if (!strcmp(bench_measures[i].name, name))
			return true;
	return false;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct bench_arguments *arguments = state->input;
	unsigned long long number;

	switch (key) {
	case 'j':
		arguments->json = true;
		return 0;
	case 'n':
		if (command_number(text, REPETITIONS_MAX, "--repetitions", &number))
			exit(CLI_USAGE);
		if (number < REPETITIONS)
			argp_error(state, "--repetitions %s: at least %u", text, REPETITIONS);
		arguments->repetitions = (unsigned)number;
		return 0;
	case KEY_ONLY:
		if (!is_measure(text))
			argp_error(state, "no measurement '%s'; `vsva bench` shows their names",
				   text);
		arguments->only = text;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Measuring */

struct figures {
	double median, least, most;
	bool failed;
};

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static struct figures measure(const struct bench_measure *what, struct bench_context *context,
			      unsigned repetitions)
{
	double results[REPETITIONS_MAX];
	bool failed = what->run(context) < 0; /* warm */

	for (unsigned i = 0; i < repetitions && !failed; i++) {
		results[i] = what->run(context);
		failed = results[i] < 0;
	}
	if (failed)
		return (struct figures){.failed = true};
	qsort(results, repetitions, sizeof(results[0]), compare);
	return (struct figures){.median = results[repetitions / 2],
				.least = results[0],
				.most = results[repetitions - 1]};
}

/* Telling */

static void tell_row(const struct bench_measure *what, const struct figures *figures)
{
	if (figures->failed)
		printf("%-24s %12s        %s\n", what->name, "FAILED", what->text);
	else
		printf("%-24s %12.2f %-5s %10.2f .. %-10.2f  %s\n", what->name, figures->median,
		       what->unit, figures->least, figures->most, what->text);
	fflush(stdout);
}

static void add_measure(struct json_object *measures, const struct bench_measure *what,
			const struct figures *figures)
{
	struct json_object *one = json_object_new_object();

	json_object_object_add(one, "unit", json_object_new_string(what->unit));
	json_object_object_add(one, "text", json_object_new_string(what->text));
	json_object_object_add(one, "ok", json_object_new_boolean(!figures->failed));
	json_object_object_add(one, "median", json_object_new_double(figures->median));
	json_object_object_add(one, "min", json_object_new_double(figures->least));
	json_object_object_add(one, "max", json_object_new_double(figures->most));
	json_object_object_add(measures, what->name, one);
}

static void print_json(struct json_object *measures, unsigned repetitions)
{
	struct json_object *all = json_object_new_object();

	json_object_object_add(all, "type", json_object_new_string("bench"));
	json_object_object_add(all, "repetitions", json_object_new_int((int)repetitions));
	json_object_object_add(all, "measures", measures);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static int measure_all(struct bench_context *context, const struct bench_arguments *arguments)
{
	struct json_object *measures = json_object_new_object();
	int status = CLI_OK;

	if (!arguments->json)
		printf("%-24s %12s %-5s %10s .. %-10s  (%u repetitions)\n", "", "median", "",
		       "least", "most", arguments->repetitions);
	for (size_t i = 0; i < bench_measure_count; i++) {
		const struct bench_measure *what = &bench_measures[i];
		struct figures figures;

		if (arguments->only && strcmp(arguments->only, what->name) != 0)
			continue;
		figures = measure(what, context, arguments->repetitions);
		if (figures.failed)
			status = CLI_FAILED;
		add_measure(measures, what, &figures);
		if (!arguments->json)
			tell_row(what, &figures);
	}
	if (arguments->json)
		print_json(measures, arguments->repetitions);
	else
		json_object_put(measures);
	return status;
}

/* Life */

static int make_context(struct bench_context *context)
{
	static const struct bench_world_options cached = {.policy = VSVA_CACHE_LRU};
	static const struct bench_world_options cold = {.policy = VSVA_CACHE_NEVER};
	int err;

	memset(context, 0, sizeof(*context));
	for (int i = 0; i < 2; i++) {
		context->memory[i] = aligned_alloc(VSVA_PAGE_SIZE, BENCH_LEN);
		if (!context->memory[i])
			return -1;
		memset(context->memory[i], i, BENCH_LEN);
	}
	err = bench_world_create(&cached, &context->cached);
	return err ? err : bench_world_create(&cold, &context->cold);
}

static void destroy_context(struct bench_context *context)
{
	bench_world_destroy(&context->cached);
	bench_world_destroy(&context->cold);
	free(context->memory[0]);
	free(context->memory[1]);
}

int command_bench(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = parse_option, .doc = documentation};
	struct bench_arguments arguments = {.repetitions = REPETITIONS};
	struct bench_context context;
	int err, status = CLI_SETUP;

	if (argc > 1 && !strcmp(argv[1], "lifecycle"))
		return bench_lifecycle(argc - 1, argv + 1);
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CLI_USAGE;
	err = make_context(&context);
	if (err)
		complain("the machines to measure cannot be made: %s",
			 strerror(err < 0 ? -err : err));
	else
		status = measure_all(&context, &arguments);
	destroy_context(&context);
	return status;
}
