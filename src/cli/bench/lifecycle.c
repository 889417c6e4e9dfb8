/* SPDX-License-Identifier: MIT */
/* vsva bench lifecycle: arguments, and the figures of bench_pasids.h as a table or as JSON. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/pasids.h"
#include "cli/bench/bench.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/status.h"

#define PASIDS_MIN 4096u

/* What holds whatever the machine. */
#define RECORD_BYTES_MAX    256.0
#define PASIDS_PER_WAIT_MIN 64.0

static const char documentation[] =
	"The life of many PASIDs: allocated in one container, bound on one device, freed by one "
	"close "
	"of the\n"
	"container, while another VM copies by DMA and compares every byte. Then what it costs to "
	"free "
	"a PASID\n"
	"that is bound, under both policies (docs/lifecycle.md)."
	"\v"
	"Examples:\n"
	"  vsva bench lifecycle                 as many PASIDs as there are\n"
	"  vsva bench lifecycle --pasids 4096\n"
	"  vsva bench lifecycle --json | jq .close.pasids_per_wait\n"
	"\n"
	"Exit status: 0; 1 something did not work: a PASID is left over, the other VM's data are "
	"wrong, a bound\n"
	"PASID costs more than 256 bytes beside the architecture's tables, or the close flushed "
	"for "
	"less than 64\n"
	"PASIDs at a time; 2 a mistake in the arguments; 3 the machine cannot be made.";

enum { KEY_PASIDS = 1000 };

static const struct argp_option options[] = {
	{"json", 'j', NULL, 0, "one JSON object", 0},
	{"pasids", KEY_PASIDS, "N", 0, "so many (at least 4096)", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

struct lifecycle_arguments {
	bool json;
	uint32_t pasids;
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct lifecycle_arguments *arguments = state->input;
	unsigned long long number;

	switch (key) {
	case 'j':
		arguments->json = true;
		return 0;
	case KEY_PASIDS:
		if (command_number(text, VSVA_PASID_MAX, "--pasids", &number))
			exit(CLI_USAGE);
		if (number < PASIDS_MIN)
			misuse(state, "--pasids %s: at least %u", text, PASIDS_MIN);
		arguments->pasids = (uint32_t)number;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Judging */

static double pasids_per_wait(const struct pasid_figures *figures)
{
	return figures->waits ? (double)figures->pasids / (double)figures->waits : 0;
}

static bool is_good(const struct pasid_figures *figures)
{
	return !figures->left && figures->translations && !figures->copies_wrong &&
	       figures->record_bytes <= RECORD_BYTES_MAX &&
	       pasids_per_wait(figures) >= PASIDS_PER_WAIT_MIN;
}

/* Telling */

static void tell_life(const struct pasid_figures *figures)
{
	double total = figures->close_ns * figures->pasids / 1e9;

	printf("%" PRIu32 " PASIDs of one container, bound on one device, freed by one close\n",
	       figures->pasids);
	printf("  allocate     %10.0f ns each\n", figures->alloc_ns);
	printf("  bind         %10.0f ns each\n", figures->bind_ns);
	printf("  close        %10.0f ns each, %.2f s in all; %" PRIu32 " left over\n",
	       figures->close_ns, total, figures->left);
	printf("  descriptors  %10.2f each; %" PRIu64 " waits: one for %.1f PASIDs\n",
	       (double)figures->descriptors / figures->pasids, figures->waits,
	       pasids_per_wait(figures));
	printf("  records      %10.1f bytes each\n", figures->record_bytes);
	printf("  tables       %10.1f bytes each, as the architecture lays them out\n",
	       figures->table_bytes);
}

static void tell_traffic(const struct pasid_figures *figures)
{
	printf("Another VM meanwhile\n");
	printf("  translations %10" PRIu64 ", of them beside the close %" PRIu64
	       "; copies with wrong "
	       "data: %" PRIu64 "\n",
	       figures->translations, figures->close_translations, figures->copies_wrong);
	printf("  rate         %10.0f translations/s beside the close, %.0f alone; IOTLB misses "
	       "beside "
	       "the close: %" PRIu64 "\n",
	       figures->close_per_second, figures->alone_per_second, figures->close_misses);
}

static void tell_policy(enum vsva_free_policy policy, const struct free_figures *figures)
{
	printf("  %-14s %10.2f %10.2f %10.2f  %10.2f %10.2f %10.2f\n",
	       vsva_free_policy_name(policy), figures->call_ns / 1e3, figures->reclaimed_ns / 1e3,
	       figures->descriptors, figures->row_call_ns / 1e3, figures->row_reclaimed_ns / 1e3,
	       figures->row_descriptors);
}

static void tell_all(const struct pasid_figures *figures)
{
	tell_life(figures);
	tell_traffic(figures);
	printf("Freeing a PASID that is bound, \xc2\xb5s for each\n");
	printf("  %-14s %32s  %32s\n", "", "one by one (median)", "in a row");
	printf("  %-14s %10s %10s %10s  %10s %10s %10s\n", "policy", "call", "reclaimed",
	       "descript.", "call", "reclaimed", "descript.");
	for (unsigned i = 0; i < 2; i++)
		tell_policy((enum vsva_free_policy)i, &figures->policies[i]);
}

/* JSON */

static void add_double(struct json_object *to, const char *key, double value)
{
	json_object_object_add(to, key, json_object_new_double(value));
}

static void add_count(struct json_object *to, const char *key, uint64_t value)
{
	json_object_object_add(to, key, json_object_new_int64((int64_t)value));
}

static struct json_object *json_close(const struct pasid_figures *figures)
{
	struct json_object *close = json_object_new_object();

	add_double(close, "ns", figures->close_ns);
	add_count(close, "descriptors", figures->descriptors);
	add_count(close, "waits", figures->waits);
	add_double(close, "pasids_per_wait", pasids_per_wait(figures));
	add_count(close, "left", figures->left);
	return close;
}

static struct json_object *json_traffic(const struct pasid_figures *figures)
{
	struct json_object *traffic = json_object_new_object();

	add_count(traffic, "translations", figures->translations);
	add_count(traffic, "close_translations", figures->close_translations);
	add_count(traffic, "close_misses", figures->close_misses);
	add_count(traffic, "copies_wrong", figures->copies_wrong);
	add_double(traffic, "alone_per_second", figures->alone_per_second);
	add_double(traffic, "close_per_second", figures->close_per_second);
	return traffic;
}

static struct json_object *json_policy(const struct free_figures *figures)
{
	struct json_object *policy = json_object_new_object();

	add_double(policy, "call_ns", figures->call_ns);
	add_double(policy, "reclaimed_ns", figures->reclaimed_ns);
	add_double(policy, "descriptors", figures->descriptors);
	add_double(policy, "row_call_ns", figures->row_call_ns);
	add_double(policy, "row_reclaimed_ns", figures->row_reclaimed_ns);
	add_double(policy, "row_descriptors", figures->row_descriptors);
	return policy;
}

static void print_json(const struct pasid_figures *figures)
{
	struct json_object *all = json_object_new_object(), *policies = json_object_new_object();

	json_object_object_add(all, "type", json_object_new_string("bench-lifecycle"));
	json_object_object_add(all, "ok", json_object_new_boolean(is_good(figures)));
	add_count(all, "pasids", figures->pasids);
	add_double(all, "alloc_ns", figures->alloc_ns);
	add_double(all, "bind_ns", figures->bind_ns);
	add_double(all, "record_bytes", figures->record_bytes);
	add_double(all, "table_bytes", figures->table_bytes);
	json_object_object_add(all, "close", json_close(figures));
	json_object_object_add(all, "other_vm", json_traffic(figures));
	for (unsigned i = 0; i < 2; i++)
		json_object_object_add(policies, vsva_free_policy_name((enum vsva_free_policy)i),
				       json_policy(&figures->policies[i]));
	json_object_object_add(all, "free", policies);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static void show_step(const char *what)
{
	progress_step("%s", what);
}

int command_bench_lifecycle(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options, .parser = parse_option, .doc = documentation};
	struct lifecycle_arguments arguments = {.pasids = 0};
	char name[] = "vsva bench lifecycle";
	struct pasid_figures figures;
	int err;

	argv[0] = name;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return CLI_USAGE;
	err = bench_pasids(arguments.pasids, show_step, &figures);
	progress_erase();
	if (err) {
		complain(VSVA_CODE_BENCH_FAILED, "the PASIDs did not live as they should: %s",
			 strerror(-err));
		return err == -ENOMEM || err == -ENOSPC ? CLI_SETUP : CLI_FAILED;
	}
	if (arguments.json)
		print_json(&figures);
	else
		tell_all(&figures);
	return is_good(&figures) ? CLI_OK : CLI_FAILED;
}
