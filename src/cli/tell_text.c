/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hop_text.h"
#include "cli/journey.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "cli/tell.h"

/* Sorts of hops that one section tells apart; further ones are counted only. */
#define SORTS_MAX 256

#define RULE_WIDTH 96

/* Hops that look alike to a reader: with TELL_HOPS_SOME a section shows the first of each sort. */
struct sort {
	enum vsva_event_kind kind;
	bool write;
	uint64_t value;
	uint32_t vm;
	gpasid_t guest;
};

struct text_teller {
	struct teller teller;
	struct tell_text_options options;
	enum tell_hops hops;
	/* in this section */
	struct sort sorts[SORTS_MAX];
	size_t sort_count;
	uint64_t left_out[VSVA_EV_KIND_COUNT];
};

static struct text_teller *text_of(struct teller *teller)
{
	return (struct text_teller *)teller;
}

/* Whoever writes takes the progress line away. */
static FILE *out_of(const struct text_teller *text)
{
	progress_erase();
	return text->options.out;
}

/* Colours */

#define PLAIN  "\033[0m"
#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define BLUE   "\033[34m"
#define CYAN   "\033[36m"

static const char *colour(const struct text_teller *text, const char *code)
{
	return text->options.in_colour ? code : "";
}

static const char *journey_colour(const struct text_teller *text, enum journey journey)
{
	static const char *const codes[] = {GREEN, BLUE, YELLOW, CYAN, GREEN, RED};

	return colour(text, codes[journey]);
}

/* Telling */

/* Without the blanks that an empty last column leaves. */
static void print_trimmed(FILE *out, char *line)
{
	size_t len = strlen(line);

	while (len && line[len - 1] == ' ')
		len--;
	line[len] = 0;
	fprintf(out, "%s\n", line);
}

static void print_hop(const struct text_teller *text, const struct hop *hop)
{
	enum journey journey = journey_of(&hop->event);
	struct hop_words words;
	char line[512];

	hop_words_of(text->teller.names, hop, &words);
	snprintf(line, sizeof(line), "%-6s  %-12s %-6s %-47s %-22s %s",
		 vsva_room_name(hop->event.room), words.who, words.device, words.what, words.pasids,
		 words.where);
	fprintf(out_of(text), "  %s%-5s%s ", journey_colour(text, journey), journey_name(journey),
		colour(text, PLAIN));
	print_trimmed(out_of(text), line);
}

static bool is_same_sort(const struct sort *a, const struct sort *b)
{
	return a->kind == b->kind && a->write == b->write && a->value == b->value &&
	       a->vm == b->vm && a->guest.v == b->guest.v;
}

static struct sort sort_of(const struct hop *hop)
{
	const struct vsva_event *event = &hop->event;
	bool is_numbered = hop_kind_of(event->kind)->value == HOP_VALUE_GROUP;

	return (struct sort){.kind = event->kind,
			     .write = event->write,
			     .value = is_numbered ? 0 : event->value,
			     .vm = hop->vm,
			     .guest = hop->guest};
}

/* The first of its sort in this section? */
static bool is_new(struct text_teller *text, const struct hop *hop)
{
	struct sort sort = sort_of(hop);

	for (size_t i = 0; i < text->sort_count; i++)
		if (is_same_sort(&text->sorts[i], &sort))
			return false;
	if (text->sort_count == SORTS_MAX)
		return false;
	text->sorts[text->sort_count++] = sort;
	return true;
}

static void tell_hop(struct teller *teller, const struct hop *hop)
{
	struct text_teller *text = text_of(teller);

	if (text->options.quiet || text->hops == TELL_HOPS_NONE)
		return;
	if (text->hops == TELL_HOPS_ALL || is_new(text, hop))
		print_hop(text, hop);
	else
		text->left_out[hop->event.kind]++;
}

static void end_section(struct text_teller *text)
{
	const char *separator = "        more of the same: ";
	bool any = false;

	for (int kind = 0; kind < VSVA_EV_KIND_COUNT; kind++) {
		if (!text->left_out[kind])
			continue;
		fprintf(out_of(text), "%s%s%" PRIu64 " %s", any ? "" : colour(text, DIM), separator,
			text->left_out[kind], vsva_event_name((enum vsva_event_kind)kind));
		separator = ", ";
		any = true;
	}
	if (any)
		fprintf(out_of(text), "%s\n", colour(text, PLAIN));
	text->sort_count = 0;
	memset(text->left_out, 0, sizeof(text->left_out));
}

static void tell_section(struct teller *teller, const char *heading)
{
	struct text_teller *text = text_of(teller);
	int rule = RULE_WIDTH - (int)strlen(heading);
	FILE *out;

	if (text->options.quiet)
		return;
	end_section(text);
	out = out_of(text);
	fprintf(out, "\n%s-- %s %s", colour(text, BOLD), heading, colour(text, PLAIN));
	for (int i = 0; i < rule; i++)
		fputc('-', out);
	fputc('\n', out);
}

static void tell_say(struct teller *teller, const char *line)
{
	struct text_teller *text = text_of(teller);

	if (!text->options.quiet)
		fprintf(out_of(text), "  %s\n", line);
}

static void tell_expect(struct teller *teller, bool is_met, const char *what, const char *where)
{
	struct text_teller *text = text_of(teller);

	if (is_met && text->options.quiet)
		return;
	if (is_met)
		fprintf(out_of(text), "  %sok%s     %s\n", colour(text, GREEN), colour(text, PLAIN),
			what);
	else
		fprintf(out_of(text), "  %sFAILED%s %s%s\n", colour(text, RED), colour(text, PLAIN),
			where, what);
}

static void tell_violation(struct teller *teller, const char *what)
{
	struct text_teller *text = text_of(teller);

	fprintf(out_of(text), "  %sLEDGER%s %s\n", colour(text, RED), colour(text, PLAIN), what);
}

static void tell_error(struct teller *teller, const char *what)
{
	(void)teller;
	complain(VSVA_CODE_SCRIPT, "%s", what);
}

static void print_verdict(const struct text_teller *text, const struct summary *s)
{
	const char *code = s->status ? RED : GREEN;

	fprintf(out_of(text), "  %-14s %s%s%s\n", "verdict", colour(text, code),
		s->status ? "FAILED" : "passed", colour(text, PLAIN));
}

static void print_summary(const struct text_teller *text, const struct summary *s)
{
	FILE *out = out_of(text);

	fprintf(out, "  %-14s %s (cache policy %s, seed %" PRIu64 ")\n", "scenario", s->scenario,
		s->cache_policy, s->seed);
	fprintf(out, "  %-14s %" PRIu64 " met, %" PRIu64 " failed\n", "expectations",
		s->expectations - s->expectations_failed, s->expectations_failed);
	fprintf(out, "  %-14s %" PRIu64 "\n", "hops", s->hops);
	fprintf(out, "  %-14s %" PRIu64 " done, %" PRIu64 " undone, %" PRIu64 " refused\n", "binds",
		s->binds, s->unbinds, s->binds_refused);
	fprintf(out, "  %-14s %" PRIu64 ", %" PRIu64 " answered, %" PRIu64 " of them refused\n",
		"page requests", s->page_requests, s->page_responses, s->pages_refused);
	if (s->groups_open || s->groups_wrong)
		fprintf(out,
			"  %-14s %" PRIu64 " never answered, %" PRIu64
			" answered twice or not asked for\n",
			"", s->groups_open, s->groups_wrong);
	fprintf(out,
		"  %-14s %" PRIu64 " by devices, judged by the ledger: %" PRIu64 " violations%s\n",
		"accesses", s->accesses, s->violations,
		s->ledger_is_blind ? " (and the ledger ran out of memory)" : "");
	fprintf(out,
		"  %-14s %" PRIu64 " allocated, %" PRIu64 " leaked; bindings left: %" PRIu64 "\n",
		"host PASIDs", s->pasids_allocated, s->pasids_leaked, s->bound_left);
	fprintf(out,
		"  %-14s %" PRIu64 " walks, %" PRIu64 " IOTLB hits, %" PRIu64 " misses, %" PRIu64
		" descriptors, %" PRIu64 " translations without result\n",
		"unit", s->unit.walks, s->unit.iotlb_hits, s->unit.iotlb_misses,
		s->unit.descriptors, s->unit.faults);
	if (s->hops_dropped)
		fprintf(out, "  %-14s %" PRIu64 " hops came too fast to be told\n", "not told",
			s->hops_dropped);
}

static void tell_summary(struct teller *teller, const struct summary *summary)
{
	struct text_teller *text = text_of(teller);

	if (text->options.quiet && !summary->status)
		return;
	if (!text->options.quiet)
		tell_section(teller, "Summary");
	print_summary(text, summary);
	print_verdict(text, summary);
}

static void destroy(struct teller *teller)
{
	free(text_of(teller));
}

static const struct teller_ops text_ops = {
	.section = tell_section,
	.say = tell_say,
	.hop = tell_hop,
	.expect = tell_expect,
	.violation = tell_violation,
	.error = tell_error,
	.summary = tell_summary,
	.destroy = destroy,
};

struct teller *tell_text_create(const struct names *names, const struct tell_text_options *options,
				enum tell_hops hops)
{
	struct text_teller *text = calloc(1, sizeof(*text));

	if (!text)
		return NULL;
	text->teller = (struct teller){.ops = &text_ops, .names = names};
	text->options = *options;
	text->hops = hops;
	return &text->teller;
}
