/* SPDX-License-Identifier: MIT */
/*
 * The unit against the witness: random tables, random requests, every cache policy. After each
 * request both must agree on response, fault, record, address, rights and page size, and on every
 * entry that the walk passed; after each world on the whole memory.
 *
 *	compare [--cases N] [--seed S] [--family F] [--policy P] [--lane L]
 *
 *   lane      what happens between requests. "worlds": tables stay, nothing is invalidated until
 *             the next world comes; "changes": single entries change and are put back, each time
 *             with the invalidations that software owes, and no others
 *   family    worlds on one unit, one after the other; the smallest thing that can be replayed
 *   control   the changes lane without the invalidations, caches adversarial: it must differ
 *
 * Speaks TAP; a case of TAP is a lane under a policy, a case of --cases is a request.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "refwalk/gen_chance.h"
#include "report.h"
#include "software.h"

#define WORLDS_PER_FAMILY  8
#define REQUESTS_PER_WORLD 128
#define CHANGES_PER_WORLD  6

enum lane { LANE_WORLDS, LANE_CHANGES, LANE_COUNT };
#define POLICIES 4

static const char *const lane_names[] = {"worlds", "changes"};
static const char *const policy_names[] = {"never", "lru", "random", "adversarial"};

struct run {
	enum lane lane;
	enum unit_cache_policy policy;
	bool is_control;
	bool looks_at_all; /* the whole memory after each request */
	uint64_t family;
	uint64_t cases;
	bool differs;
	uint64_t restarts;

	struct gen_world world;
	struct gen_rng rng;
	struct tape tape;
	struct subject subject;
	struct software software;
	/* of each target, which entries its last request came through: a bit for each address */
	uint64_t came_through[GEN_TARGETS];
};

/* One request */

static void tell(struct run *run, const char *what, const struct refwalk_request *request,
		 const struct refwalk_result *witness, const struct answer *answer)
{
	run->differs = true;
	if (run->is_control)
		return;
	printf("# %s differs; --lane %s --policy %s --family %" PRIu64 "\n", what,
	       lane_names[run->lane], policy_names[run->policy], run->family);
	report_world(&run->world);
	if (request)
		report_request(&run->tape, &run->subject, request, witness, answer);
}

static bool is_memory_same(const struct run *run)
{
	return memcmp(run->tape.copy.bytes, run->subject.bytes, run->world.len) == 0;
}

static bool is_path_same(const struct run *run)
{
	for (unsigned i = 0; i < run->tape.count; i++) {
		const struct tape_read *r = &run->tape.reads[i];
		size_t at = r->hpa - run->world.base;

		if (memcmp(run->tape.copy.bytes + at, run->subject.bytes + at, 8ULL * r->qwords))
			return false;
	}
	return true;
}

static void try_request(struct run *run, const struct refwalk_request *request)
{
	struct refwalk_result witness = tape_translate(&run->tape, request);
	struct answer answer;
	const char *what;

	run->cases++;
	software_note(&run->software, &run->tape, request);
	subject_translate(&run->subject, request, &answer);
	what = report_difference(&run->tape, request, &witness, &answer);
	if (!what && (!is_path_same(run) || (run->looks_at_all && !is_memory_same(run))))
		what = "memory";
	if (what)
		tell(run, what, request, &witness, &answer);
}

/* Requests at what changes */

static uint64_t mark_of(uint64_t hpa)
{
	return UINT64_C(1) << ((hpa >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

static void try_target(struct run *run, unsigned i)
{
	struct refwalk_request request = gen_request_at(&run->rng, &run->world.targets[i]);

	try_request(run, &request);
	for (unsigned n = 0; n < run->tape.count; n++)
		run->came_through[i] |= mark_of(run->tape.reads[n].hpa);
}

/* Requests that probably come through the entry, and one from anywhere. */
static void try_around(struct run *run, uint64_t hpa, unsigned count)
{
	struct refwalk_request request = gen_request(&run->rng, &run->world);
	unsigned targets = run->world.target_count, first;

	if (!run->differs)
		try_request(run, &request);
	if (!targets)
		return;
	first = (unsigned)below(&run->rng, targets);
	for (unsigned n = 0; n < targets && count && !run->differs; n++) {
		unsigned i = (first + n) % targets;

		if (!(run->came_through[i] & mark_of(hpa)))
			continue;
		try_target(run, i);
		count--;
	}
}

static void change_back(struct run *run, struct gen_change *change)
{
	size_t at = change->slot->hpa - run->world.base;

	memcpy(change->after, change->before, sizeof(change->after));
	memcpy(change->before, run->tape.copy.bytes + at, 8ULL * change->qwords);
	software_change(&run->software, &run->tape.copy, change);
}

static void try_change(struct run *run)
{
	struct gen_change change;
	size_t at;

	if (!gen_mutate(&run->rng, &run->world, run->tape.copy.bytes, &change))
		return;
	at = change.slot->hpa - run->world.base;
	memcpy(run->tape.copy.bytes + at, change.before, 8ULL * change.qwords);
	try_around(run, change.slot->hpa, 3);
	memcpy(change.before, run->tape.copy.bytes + at, 8ULL * change.qwords);
	software_change(&run->software, &run->tape.copy, &change);
	try_around(run, change.slot->hpa, 4);
	change_back(run, &change);
	try_around(run, change.slot->hpa, 4);
}

/* Worlds */

static void run_lane(struct run *run)
{
	memset(run->came_through, 0, sizeof(run->came_through));
	if (run->lane == LANE_CHANGES) {
		for (unsigned i = 0; i < run->world.target_count && !run->differs; i++)
			try_target(run, i);
		for (unsigned i = 0; i < CHANGES_PER_WORLD && !run->differs; i++)
			try_change(run);
		return;
	}
	for (unsigned i = 0; i < REQUESTS_PER_WORLD && !run->differs; i++) {
		struct refwalk_request request = gen_request(&run->rng, &run->world);

		try_request(run, &request);
	}
}

static void start_family(struct run *run)
{
	gen_world(&run->world, run->family * WORLDS_PER_FAMILY, run->tape.copy.bytes, GEN_LEN_MIN,
		  run->lane == LANE_WORLDS ? GEN_DENSITY : 0);
	/* ESRTPS: in half of the units SRTP invalidates by itself */
	if (run->family & 1)
		run->world.cap &= ~BIT(63);
	memcpy(run->subject.bytes, run->tape.copy.bytes, run->world.len);
	subject_power_on(&run->subject, &run->world, run->policy, run->family);
}

static void next_world(struct run *run, unsigned n)
{
	gen_world_again(&run->world, run->family * WORLDS_PER_FAMILY + n, run->tape.copy.bytes,
			run->lane == LANE_WORLDS ? GEN_DENSITY : 0);
	memcpy(run->subject.bytes, run->tape.copy.bytes, run->world.len);
	subject_enter(&run->subject, &run->world);
}

static void run_family_once(struct run *run)
{
	run->rng = gen_rng_from(~run->family);
	run->differs = false;
	for (unsigned n = 0; n < WORLDS_PER_FAMILY && !run->differs; n++) {
		if (n == 0)
			start_family(run);
		else
			next_world(run, n);
		software_init(&run->software, &run->subject, run->is_control);
		run_lane(run);
		run->restarts += run->software.restarts;
		if (!run->differs && !is_memory_same(run))
			tell(run, "memory of the world", NULL, NULL, NULL);
	}
	subject_power_off(&run->subject);
}

/* A difference that only the whole memory shows is looked for again, request by request. */
static bool run_family(struct run *run)
{
	uint64_t cases = run->cases;
	bool was_found;

	run->looks_at_all = false;
	run_family_once(run);
	cases = run->cases - cases;
	was_found = run->differs;
	if (was_found && !run->is_control) {
		printf("# again, with the whole memory compared after each request:\n");
		run->looks_at_all = true;
		run_family_once(run);
		run->cases -= cases;
	}
	return !was_found;
}

/* Lanes */

struct options {
	uint64_t cases, seed;
	bool one_family;
	int lane, policy; /* -1: all */
};

static unsigned tests, failures;

static void result(bool ok, struct run *run, const char *what)
{
	tests++;
	failures += !ok;
	printf("%sok %u - %s, %s caches: %" PRIu64 " requests%s\n", ok ? "" : "not ", tests,
	       lane_names[run->lane], policy_names[run->policy], run->cases, what);
	fflush(stdout);
	run->subject.iotlb_hits = run->subject.table_hits = run->restarts = 0;
}

/* A lane in which caches have no say shows nothing about them. */
static bool is_cache_used(const struct run *run)
{
	const struct subject *s = &run->subject;

	if (run->policy == UNIT_CACHE_NEVER)
		return !s->iotlb_hits && !s->table_hits;
	return s->iotlb_hits > run->cases / 50 && s->table_hits > run->cases / 50;
}

static void compare_lane(struct run *run, const struct options *options, uint64_t cases)
{
	const struct subject *s = &run->subject;
	bool same = true;
	char what[160];

	run->cases = 0;
	for (run->family = options->seed; same && run->cases < cases; run->family++) {
		same = run_family(run);
		if (options->one_family)
			break;
	}
	snprintf(what, sizeof(what),
		 ", hits: IOTLB %" PRIu64 ", tables %" PRIu64
		 "; everything invalidated between requests %" PRIu64 " times",
		 s->iotlb_hits, s->table_hits, run->restarts);
	result(same && (options->one_family || is_cache_used(run)), run, what);
}

/* Forgotten invalidations must show, or the lane shows nothing. */
static void run_control(struct run *run, const struct options *options)
{
	unsigned red = 0;
	char what[64];

	run->lane = LANE_CHANGES;
	run->policy = UNIT_CACHE_ADVERSARIAL;
	run->is_control = true;
	run->cases = 0;
	for (unsigned i = 0; i < 16; i++) {
		run->family = options->seed + i;
		red += !run_family(run);
	}
	snprintf(what, sizeof(what), ", nothing invalidated: %u of 16 families differ", red);
	result(red >= 8, run, what);
	run->is_control = false;
}

static void run_all(struct run *run, const struct options *options)
{
	unsigned lanes = options->lane < 0 ? LANE_COUNT : 1, policies = POLICIES;
	uint64_t cases = options->cases / (lanes * (options->policy < 0 ? policies : 1));

	for (unsigned i = 0; i < LANE_COUNT * POLICIES; i++) {
		run->lane = (enum lane)(i / POLICIES);
		run->policy = (enum unit_cache_policy)(i % POLICIES);
		if ((options->lane < 0 || options->lane == (int)run->lane) &&
		    (options->policy < 0 || options->policy == (int)run->policy))
			compare_lane(run, options, cases + 1);
	}
	if (!options->one_family)
		run_control(run, options);
	printf("1..%u\n", tests);
}

static int find_name(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return i;
	fprintf(stderr, "compare: no %s\n", name);
	exit(2);
}

static struct options parse(int argc, char **argv)
{
	struct options o = {.cases = 100000, .lane = -1, .policy = -1};

	for (int i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];

		if (!strcmp(argv[i], "--cases"))
			o.cases = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			o.seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--family"))
			o.one_family = true, o.seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--policy"))
			o.policy = find_name(policy_names, POLICIES, value);
		else if (!strcmp(argv[i], "--lane"))
			o.lane = find_name(lane_names, LANE_COUNT, value);
	}
	return o;
}

/* A CHECK that fails (an error of the invalidation queue, say) tells no seed. */
static const struct run *running;

static void say_where(int signal_number)
{
	(void)signal_number;
	fprintf(stderr, "# --lane %s --policy %s --family %" PRIu64 "\n", lane_names[running->lane],
		policy_names[running->policy], running->family);
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	struct run *run = calloc(1, sizeof(*run));

	CHECK(run);
	running = run;
	signal(SIGABRT, say_where);
	subject_init(&run->subject);
	run->tape.copy = (struct gen_copy){&run->world, calloc(1, GEN_LEN_MIN)};
	CHECK(run->tape.copy.bytes);
	run_all(run, &options);
	free(run->tape.copy.bytes);
	subject_fini(&run->subject);
	free(run);
	return failures ? 1 : 0;
}
