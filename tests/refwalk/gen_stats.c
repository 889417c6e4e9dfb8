/* SPDX-License-Identifier: MIT */
/*
 * How deep the generator reaches: runs the reference walker over random worlds and prints how often
 * each outcome occurs. Exits with 1 if a fault reason is never met, a structural property of the
 * results is broken, or fewer than 30% of the requests translate.
 *
 *	gen_stats [cases [first seed]]
 */
#include "gen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_PER_WORLD 64

/* The walker's memory, with a count of its reads: how deep the walks are. */
struct counted {
	struct gen_copy copy;
	unsigned reads;
};

struct stats {
	uint64_t cases, ok, recorded, updates, interrupts;
	uint64_t fault[256], response[REFWALK_DROP + 1], page_lg2[64];
	uint64_t ok_by_reads[64];
	uint64_t untranslated[256]; /* how often each reason met an untranslated request */
};

static const struct {
	unsigned code;
	const char *name;
} reasons[] = {
#define REASON(name, code, qualified, completion) {code, #name},
	REFWALK_REASONS(REASON)
#undef REASON
};

static bool counted_read(void *ctx, uint64_t hpa, void *buf, unsigned len)
{
	struct counted *counted = ctx;

	counted->reads++;
	return gen_mem_read(&counted->copy, hpa, buf, len);
}

static bool counted_cas64(void *ctx, uint64_t hpa, uint64_t *expected, uint64_t desired)
{
	struct counted *counted = ctx;

	return gen_mem_cas64(&counted->copy, hpa, expected, desired);
}

static void count(struct stats *stats, const struct refwalk_request *request,
		  const struct refwalk_result *result)
{
	stats->cases++;
	stats->ok += result->response == REFWALK_OK;
	stats->recorded += result->recorded;
	stats->interrupts += result->interrupt;
	stats->fault[result->fault]++;
	stats->response[result->response]++;
	stats->page_lg2[result->page_lg2 & 63]++;
	if (request->type == REFWALK_UNTRANSLATED)
		stats->untranslated[result->fault]++;
}

static void die(const char *what, uint64_t seed)
{
	fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, what);
	exit(1);
}

/* What must hold of any result, whatever the tables say. */
static void check(const struct refwalk_request *request, const struct refwalk_result *result,
		  uint64_t seed)
{
	bool page = result->response == REFWALK_OK || result->response == REFWALK_SE;

	if (result->recorded && !result->fault)
		die("recorded without a fault", seed);
	if (!page && (result->hpa || result->perm_r || result->perm_w || result->page_lg2))
		die("refused, but with a page", seed);
	if (result->response != REFWALK_OK || request->type != REFWALK_UNTRANSLATED)
		return;
	if (request->write && !result->perm_w)
		die("write without permission", seed);
	if ((result->hpa ^ request->addr) & 0xfff)
		die("page offset changed", seed);
}

static void run_world(struct stats *stats, uint64_t seed, uint8_t *bytes, uint8_t *before)
{
	static struct gen_world world;
	struct counted counted = {{&world, bytes}, 0};
	struct gen_rng rng = gen_rng_from(~seed);
	struct refwalk_unit unit;

	gen_world(&world, seed, bytes, GEN_LEN_MIN, GEN_DENSITY);
	memcpy(before, bytes, GEN_LEN_MIN);
	unit = gen_unit(&counted.copy);
	unit.mem = (struct refwalk_mem){&counted, counted_read, counted_cas64};
	for (unsigned i = 0; i < REQUESTS_PER_WORLD; i++) {
		struct refwalk_request request = gen_request(&rng, &world);
		struct refwalk_result result;

		counted.reads = 0;
		result = refwalk_translate(&unit, &request);
		if (result.response == REFWALK_OK)
			stats->ok_by_reads[counted.reads < 64 ? counted.reads : 63]++;

		count(stats, &request, &result);
		check(&request, &result, seed);
	}
	stats->updates += memcmp(before, bytes, GEN_LEN_MIN) != 0;
}

static double share(const struct stats *stats, uint64_t n)
{
	return 100.0 * (double)n / (double)stats->cases;
}

/* Scalable mode reads four structures first; more than 9 reads in all can only be nested. */
static void print_depth(const struct stats *stats)
{
	uint64_t nested = 0, deepest = 0;

	for (unsigned i = 0; i < 64; i++) {
		nested += i > 9 ? stats->ok_by_reads[i] : 0;
		deepest = stats->ok_by_reads[i] ? i : deepest;
	}
	printf("OK after more than 9 reads (nested) %.1f%%, deepest %" PRIu64
	       " reads (63: or more)\n",
	       share(stats, nested), deepest);
}

static void print(const struct stats *stats, uint64_t worlds)
{
	static const char *const names[] = {"OK", "UR", "CA", "S0", "SE", "IR", "DROP"};

	printf("%" PRIu64 " cases in %" PRIu64 " worlds, %" PRIu64 " worlds with A/D updates\n",
	       stats->cases, worlds, stats->updates);
	printf("OK %.1f%%, recorded %.1f%%, interrupts %.1f%%\n", share(stats, stats->ok),
	       share(stats, stats->recorded), share(stats, stats->interrupts));
	for (unsigned i = 0; i <= REFWALK_DROP; i++)
		printf("  %-8s %10" PRIu64 "\n", names[i], stats->response[i]);
	for (unsigned lg2 = 12; lg2 <= 30; lg2 += 9)
		printf("  page 2^%u %10" PRIu64 "\n", lg2, stats->page_lg2[lg2]);
	print_depth(stats);
	printf("%-14s %10s %10s\n", "reason", "all", "untransl.");
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		printf("%02x %-11s %10" PRIu64 " %10" PRIu64 "\n", reasons[i].code, reasons[i].name,
		       stats->fault[reasons[i].code], stats->untranslated[reasons[i].code]);
}

static int verdict(const struct stats *stats)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (stats->fault[reasons[i].code])
			continue;
		printf("never met: %s\n", reasons[i].name);
		rc = 1;
	}
	if (share(stats, stats->ok) < 30.0) {
		printf("too few requests translate\n");
		rc = 1;
	}
	return rc;
}

int main(int argc, char **argv)
{
	uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 0) : 1000000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint64_t worlds = (cases + REQUESTS_PER_WORLD - 1) / REQUESTS_PER_WORLD;
	static uint8_t bytes[GEN_LEN_MIN], before[GEN_LEN_MIN];
	static struct stats stats;

	for (uint64_t i = 0; i < worlds; i++)
		run_world(&stats, seed + i, bytes, before);
	print(&stats, worlds);
	return verdict(&stats);
}
