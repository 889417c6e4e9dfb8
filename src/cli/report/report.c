// SPDX-License-Identifier: MIT
/* vsva report: one page of HTML on what a running vsva, or a snapshot, holds. */
#include "cli/report/report.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/json_text.h"
#include "cli/progress.h"
#include "cli/status.h"

static const char documentation[] =
	"Writes DIR/index.html: one page that shows what a running vsva, or a snapshot, holds. It "
	"fetches nothing, so it can be kept, sent and opened anywhere.\v"
	"On the page: what `vsva explain` finds, the machine, its tables as a tree from the root "
	"table down to pages with every entry decoded, PASID entries of guest, shadow and host "
	"side "
	"by side, counters, the last events as a timeline, registers. DIR is made if it is not "
	"there. An index.html that is no "
	"report is "
	"left alone. Of a large machine so much is left out that a browser can show the rest; "
	"the page says how much, and where to see it.\n\n"
	"Examples:\n"
	"  vsva report out                     of the vsva that runs; open out/index.html\n"
	"  vsva report --snapshot FILE out     of what `vsva snapshot FILE` has saved\n\n"
	"Exit status: 0 written; 2 a mistake in the arguments; 3 there is nothing to look at, or "
	"it "
	"cannot be written.";

enum { KEY_SAMPLES = 0x4000, KEY_INTERVAL };

static const struct argp_option options[] = {
	{"samples", KEY_SAMPLES, "N", 0,
	 "of a vsva that runs: look N times at the counters (12), so that it can be seen how fast "
	 "they grow; 1: once",
	 0},
	{"interval", KEY_INTERVAL, "SECONDS", 0, "between two of these looks (0.25)", 0},
	{0},
};

struct arguments {
	struct view_source source;
	const char *dir;
	unsigned samples, interval_ms;
};

static void take_samples(struct arguments *arguments, const char *text,
			 const struct argp_state *state)
{
	unsigned long long number;

	if (command_number(text, REPORT_SAMPLES_MAX, "--samples", &number))
		exit(CLI_USAGE);
	if (!number)
		misuse(state, "--samples: one look is needed");
	arguments->samples = (unsigned)number;
}

static void take_interval(struct arguments *arguments, const char *text,
			  const struct argp_state *state)
{
	char *end;
	double seconds = strtod(text, &end);

	if (*end || !(seconds >= 0.01 && seconds <= 60))
		misuse(state, "--interval: '%s' is not between 0.01 and 60", text);
	arguments->interval_ms = (unsigned)(seconds * 1000);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_SAMPLES:
		take_samples(arguments, text, state);
		return 0;
	case KEY_INTERVAL:
		take_interval(arguments, text, state);
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->dir)
			misuse(state, "one directory: '%s' and '%s'", arguments->dir, text);
		arguments->dir = text;
		return 0;
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->source;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->dir || !*arguments->dir)
			misuse(state, "where to? vsva report DIR");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Collecting */

struct show report_show(const struct report *report, uint32_t vm, uint32_t device, uint32_t pasid)
{
	return (struct show){.view = report->view,
			     .out = report->out,
			     .vm = vm,
			     .device = device,
			     .pasid = pasid};
}

/* Stale lines first: they are shown if not all can be. */
static struct json_object *stale_first(struct report *report, struct json_object *lines)
{
	struct json_object *sorted = json_object_new_array(), *line;

	for (int stale = 1; stale >= 0; stale--)
		JSON_FOR_EACH (lines, line)
			if (json_flag_of(line, "stale") == stale) {
				json_object_array_add(sorted, json_object_get(line));
				report->stale += (size_t)stale;
			}
	json_object_put(lines);
	return sorted;
}

/* Of a live view caches are compared with memory twice, so it is asked and not its memory. */
static int collect_caches(struct report *report, struct view *live)
{
	struct show show = report_show(report, SHOW_ANY, SHOW_ANY, SHOW_ANY);
	struct json_object *lines;

	show.view = live;
	lines = show_cache_collect(&show);
	if (!lines)
		return -EIO;
	report->rows[REPORT_CACHE] = stale_first(report, lines);
	return 0;
}

/* While counters are looked at events come in. */
struct watch {
	struct report_events *events;
	unsigned interval_ms;
};

static void wait_for_events(void *arg)
{
	struct watch *watch = arg;

	report_events_take(watch->events, watch->interval_ms);
}

/* How long what has come already may take to be read. */
#define REST_MS 100u

static int collect_over_time(struct report *report, struct view *live,
			     const struct arguments *arguments)
{
	struct watch watch = {.interval_ms = arguments->interval_ms};

	report->events = report_events_open(&arguments->source);
	if (!report->events)
		return -EIO;
	watch.events = report->events;
	if (report->is_live && report_samples_take(&report->samples, live, arguments->samples,
						   wait_for_events, &watch))
		return -EIO;
	report_events_take(report->events, REST_MS);
	return 0;
}

static int collect(struct report *report, struct view *live, const struct arguments *arguments)
{
	static show_collect_fn *const collectors[REPORT_OBJECTS] = {
		[REPORT_UNIT] = show_unit_collect,     [REPORT_VM] = show_vm_collect,
		[REPORT_DEVICE] = show_device_collect, [REPORT_PASID] = show_pasid_collect,
		[REPORT_GROUP] = show_group_collect,   [REPORT_QUEUE] = show_queue_collect,
		[REPORT_FAULTS] = show_faults_collect, [REPORT_STATS] = show_stats_collect,
	};
	struct show show = report_show(report, SHOW_ANY, SHOW_ANY, SHOW_ANY);

	if (collect_over_time(report, live, arguments))
		return -EIO;
	progress_step("comparing the caches with memory");
	if (collect_caches(report, live))
		return -EIO;
	progress_step("collecting what there is");
	for (unsigned i = 0; i < REPORT_OBJECTS; i++)
		if (collectors[i]) {
			report->rows[i] = collectors[i](&show);
			if (!report->rows[i])
				return -EIO;
		}
	progress_step("looking for what is wrong");
	report_names_collect(report);
	report_places_collect(report);
	report_findings_collect(report);
	return 0;
}

static void forget(struct report *report)
{
	for (unsigned i = 0; i < REPORT_OBJECTS; i++)
		json_object_put(report->rows[i]);
	json_object_put(report->findings);
	json_object_put(report->pasids);
	report_samples_forget(&report->samples);
	report_events_close(report->events);
}

/* Writing */

static void print_page(struct report *report)
{
	static report_section_fn *const sections[] = {
		report_head,    report_findings, report_overview, report_journeys, report_trees,
		report_entries, report_counters, report_units,    report_foot,
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		sections[i](report);
}

static int write_page(struct report *report, const char *dir)
{
	char *text = NULL;
	size_t len = 0;
	int err;

	progress_step("writing the page");
	report->out = open_memstream(&text, &len);
	if (report->out)
		print_page(report);
	if (!report->out || fclose(report->out)) {
		complain(VSVA_CODE_NO_MEMORY, "no memory for the page");
		err = -ENOMEM;
	} else {
		err = report_write(dir, text, len);
	}
	free(text);
	return err;
}

static int make(struct view *live, const struct arguments *arguments)
{
	char path[256];
	struct report report = {.is_live = view_is_live(live),
				.source = arguments->source.snapshot};
	int err = -ENOMEM;

	view_default_path(path, sizeof(path));
	if (report.is_live)
		report.source = arguments->source.control ? arguments->source.control : path;
	report.view = view_remember(live);
	if (report.view) {
		err = collect(&report, live, arguments);
		if (!err)
			err = write_page(&report, arguments->dir);
		forget(&report);
	}
	progress_erase();
	view_close(report.view);
	return err;
}

int command_report(int argc, char **argv)
{
	static const struct argp_child children[] = {{&view_argp, 0, "Where to look:", 1}, {0}};
	static const struct argp argp = {.options = options,
					 .parser = parse,
					 .args_doc = "DIR",
					 .doc = documentation,
					 .children = children};
	struct arguments arguments = {.samples = 12, .interval_ms = 250};
	struct view *view;
	int err;

	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CLI_USAGE;
	view = view_open(&arguments.source);
	if (!view)
		return CLI_SETUP;
	err = make(view, &arguments);
	view_close(view);
	return err ? CLI_SETUP : CLI_OK;
}
