/* SPDX-License-Identifier: MIT */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/control/control.h"
#include "cli/journey.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/scenario/scenario.h"
#include "cli/status.h"
#include "cli/story.h"
#include "vsva/log.h"

static const char documentation[] =
	"Runs a scenario, a Lua script, on the built-in guest. Without one it tells the story: two "
	"processes\n"
	"share pointers with an accelerator, pages fault in, one area is unmapped, one process "
	"dies."
	"\v"
	"Examples:\n"
	"  vsva run                                     the story, hop by hop\n"
	"  vsva run --cache-policy adversarial          the same on caches that do all that is "
	"legal\n"
	"  vsva run examples/page-faults.lua            a scenario; it prints what it expects\n"
	"  vsva run --hops all examples/unmap.lua       and every hop of it\n"
	"  vsva run --json | jq 'select(.kind==\"bind-done\")'\n"
	"\n"
	"Cache policies: lru, as silicon does; never; random; adversarial, everything that is "
	"legal and hurts.\n"
	"A scenario must give the same results under all of them. The same seed gives the same "
	"run.\n"
	"Every access of a device is judged by a ledger that knows from the outside what is "
	"allowed.\n"
	"How to write scenarios: docs/scenarios.md.\n"
	"\n"
	"Exit status: 0 all expectations are met; 1 one failed, an operation failed, the ledger "
	"objects or\n"
	"something leaked; 2 a mistake in the arguments or the script; 3 the script cannot be read "
	"or the machine\n"
	"cannot be made.";

enum { OPTION_HOPS = 1000, OPTION_LIST_EVENTS, OPTION_CONTROL, OPTION_ALLOW_CONTROL, OPTION_TRACE };

static const struct argp_option options[] = {
	{"cache-policy", 'c', "POLICY", 0, "lru (default), never, random or adversarial", 0},
	{"seed", 's', "NUMBER", 0, "of everything random (default 1)", 0},
	{"given", 'g', "NAME=TEXT", 0, "for the scenario to look at: given.NAME", 0},
	{"hops", OPTION_HOPS, "WHICH", 0,
	 "tell the hops: none (default for scenarios), some (default for the story: the first of "
	 "each "
	 "kind in a section) or all",
	 0},
	{"control", OPTION_CONTROL, "PATH", 0,
	 "make a control socket there, for `vsva show` and others, while the scenario runs", 0},
	{"allow-control", OPTION_ALLOW_CONTROL, NULL, 0,
	 "what comes through the control socket may also change something", 0},
	{"trace", OPTION_TRACE, "FILE", 0,
	 "write every event of the run to FILE, for `vsva trace FILE`", 0},
	{"json", 'j', NULL, 0, "one JSON object a line", 0},
	{"quiet", 'q', NULL, 0, "say only what went wrong", 0},
	{"list-events", OPTION_LIST_EVENTS, NULL, 0, "list the hops there are, and stop", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

struct run_arguments {
	struct world_options world;
	struct control_options control;
	bool has_hops, lists_events;
	const char *path, *trace_path;
};

static int parse_hops(const char *text, enum tell_hops *out)
{
	static const char *const names[] = {"none", "some", "all"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			*out = (enum tell_hops)i;
			return 0;
		}
	return -1;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct run_arguments *arguments = state->input;
	unsigned long long number;

	switch (key) {
	case 'c':
		if (vsva_cache_policy_parse(text, &arguments->world.cache_policy))
			misuse(state,
			       "no cache policy '%s'; there are: lru, never, random, adversarial",
			       text);
		return 0;
	case 's':
		if (command_number(text, UINT64_MAX, "--seed", &number))
			exit(CLI_USAGE);
		arguments->world.seed = number;
		return 0;
	case OPTION_HOPS:
		if (parse_hops(text, &arguments->world.hops))
			misuse(state, "--hops is none, some or all, not '%s'", text);
		arguments->has_hops = true;
		return 0;
	case OPTION_CONTROL:
		arguments->control.path = text;
		return 0;
	case OPTION_ALLOW_CONTROL:
		arguments->control.allows_changes = true;
		return 0;
	case OPTION_TRACE:
		arguments->trace_path = text;
		return 0;
	case 'j':
		arguments->world.json = true;
		return 0;
	case 'q':
		arguments->world.quiet = true;
		return 0;
	case 'g':
		if (!strchr(text, '=') || arguments->world.given_count == WORLD_GIVEN_MAX)
			misuse(state, "--given is NAME=TEXT, at most %u of them, not '%s'",
			       WORLD_GIVEN_MAX, text);
		arguments->world.given[arguments->world.given_count++] = text;
		return 0;
	case OPTION_LIST_EVENTS:
		arguments->lists_events = true;
		return 0;
	case ARGP_KEY_END:
		if (arguments->control.allows_changes && !arguments->control.path)
			misuse(state, "--allow-control is for the socket of --control PATH");
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->path)
			misuse(state, "one scenario at a time: '%s' and '%s'", arguments->path,
			       text);
		arguments->path = text;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void list_events(void)
{
	printf("%-22s %-8s %s\n", "kind", "journey", "what happens");
	for (int i = 0; i < VSVA_EV_KIND_COUNT; i++) {
		const struct hop_kind *kind = hop_kind_of((enum vsva_event_kind)i);

		printf("%-22s %-8s %s\n", vsva_event_name((enum vsva_event_kind)i),
		       journey_name(kind->journey), kind->text);
	}
}

static int run(const struct run_arguments *arguments)
{
	struct scenario_source source = {.path = arguments->path};
	struct world *world;
	int status;

	if (!source.path)
		source = (struct scenario_source){
			.path = "story.lua", .text = (const char *)story_text, .len = story_len};
	world = world_create(&arguments->world);
	if (!world) {
		complain(VSVA_CODE_NO_MEMORY, "no memory");
		return CLI_SETUP;
	}
	status = world_end(world, scenario_run(world, &source));
	progress_erase();
	world_destroy(world);
	return status;
}

/* With a control socket, if there shall be one. */
static int run_with_control(struct run_arguments *arguments)
{
	int status;

	if (!arguments->control.path)
		return run(arguments);
	arguments->world.control = control_start(&arguments->control);
	if (!arguments->world.control)
		return CLI_SETUP;
	status = run(arguments);
	control_stop(arguments->world.control);
	return status;
}

/* With a trace file, if there shall be one. */
static int run_with_trace(struct run_arguments *arguments)
{
	const char *path = arguments->trace_path;
	int status;

	if (!path)
		return run_with_control(arguments);
	arguments->world.trace = output_create(path, arguments->path);
	if (!arguments->world.trace)
		return CLI_SETUP;
	status = run_with_control(arguments);
	return output_close(arguments->world.trace, path) ? status : CLI_SETUP;
}

int command_run(int argc, char **argv)
{
	static const struct argp argp = {.options = options,
					 .parser = parse_option,
					 .args_doc = "[SCENARIO.lua]",
					 .doc = documentation};
	struct run_arguments arguments = {.world = {.seed = 1}};

	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CLI_USAGE;
	if (arguments.lists_events) {
		list_events();
		return CLI_OK;
	}
	if (!arguments.has_hops)
		arguments.world.hops = arguments.path ? TELL_HOPS_NONE : TELL_HOPS_SOME;
	if (arguments.world.quiet && !arguments.world.json)
		arguments.world.hops = TELL_HOPS_NONE;
	if (arguments.world.quiet)
		vsva_log_set_level(VSVA_LOG_ERROR);
	arguments.world.in_colour = output_wants_colour();
	arguments.world.scenario = arguments.path ? arguments.path : "the story";
	return run_with_trace(&arguments);
}
