/* SPDX-License-Identifier: MIT */
#include "cli/boot/report.h"

#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/spawn.h"

#define MARK      "VSVA: "
#define TESTS_MAX 64
#define NAME_LEN  32

/* Lines of one test: those with the same first word. */
struct test {
	char name[NAME_LEN];
	unsigned ok, failed, skipped;
	char last[160]; /* of its figures */
};

struct boot_report {
	FILE *out;
	bool in_colour, quiet;
	int64_t begin_ms;
	struct test tests[TESTS_MAX];
	unsigned test_count;
	char counts[512];
	bool has_end, has_failed;
};

struct boot_report *boot_report_create(FILE *out, bool in_colour, bool quiet)
{
	struct boot_report *report = calloc(1, sizeof(*report));

	if (!report)
		return NULL;
	report->out = out;
	report->in_colour = in_colour;
	report->quiet = quiet;
	report->begin_ms = spawn_now_ms();
	return report;
}

void boot_report_destroy(struct boot_report *report)
{
	free(report);
}

/* Lines */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

static struct test *find_test(struct boot_report *report, const char *words)
{
	size_t len = strcspn(words, " ");
	struct test *test;

	if (len >= NAME_LEN)
		len = NAME_LEN - 1;
	for (unsigned i = 0; i < report->test_count; i++)
		if (!strncmp(report->tests[i].name, words, len) && !report->tests[i].name[len])
			return &report->tests[i];
	if (report->test_count == TESTS_MAX)
		return NULL;
	test = &report->tests[report->test_count++];
	memcpy(test->name, words, len);
	return test;
}

/* Without the name before and the result after. */
static void keep_figures(struct test *test, const char *words)
{
	const char *figures = words + strcspn(words, " ");
	size_t len;

	figures += strspn(figures, " ");
	len = strlen(figures);
	while (len && figures[len - 1] != ' ')
		len--;
	while (len && figures[len - 1] == ' ')
		len--;
	snprintf(test->last, sizeof(test->last), "%.*s", (int)(len < 159 ? len : 159), figures);
}

static void count(struct boot_report *report, const char *words)
{
	struct test *test = find_test(report, words);

	if (ends_with(words, " FAIL"))
		report->has_failed = true;
	if (!test)
		return;
	test->ok += ends_with(words, " ok");
	test->failed += ends_with(words, " FAIL");
	test->skipped += ends_with(words, " skip");
	keep_figures(test, words);
}

static const char *colour_of(const struct boot_report *report, const char *words)
{
	if (!report->in_colour)
		return "";
	return ends_with(words, " FAIL") ? "\033[31m" : (ends_with(words, " ok") ? "\033[32m" : "");
}

static void tell(const struct boot_report *report, const char *words)
{
	double seconds = (double)(spawn_now_ms() - report->begin_ms) / 1000;

	if (report->quiet && !ends_with(words, " FAIL"))
		return;
	progress_erase();
	fprintf(report->out, "%7.1f s  %s%s%s\n", seconds, colour_of(report, words), words,
		report->in_colour ? "\033[0m" : "");
	fflush(report->out);
}

static void take_end(struct boot_report *report, const char *words)
{
	report->has_end = true;
	if (strcmp(words, "end status=0") != 0)
		report->has_failed = true;
}

void boot_report_line(struct boot_report *report, const char *line)
{
	const char *words = strstr(line, MARK);

	/* a kernel that is in trouble is a failure, whatever its programs say */
	if (!words && (strstr(line, "Kernel panic") || strstr(line, "Oops: ") ||
		       strstr(line, "BUG: ") || strstr(line, "WARNING: CPU"))) {
		report->has_failed = true;
		tell(report, line);
	}
	if (!words)
		return;
	words += strlen(MARK);
	tell(report, words);
	if (!strncmp(words, "end ", 4))
		take_end(report, words);
	else if (ends_with(words, " ok") || ends_with(words, " FAIL") || ends_with(words, " skip"))
		count(report, words);
}

void boot_report_counts(struct boot_report *report, const char *counts)
{
	snprintf(report->counts, sizeof(report->counts), "%s", counts);
}

/* Table */

static void print_counts(const struct boot_report *report)
{
	const char *rest = report->counts;
	char key[64], value[64];
	int used;

	if (!*rest)
		return;
	fprintf(report->out, "\nwhat the host counted for this guest\n");
	while (sscanf(rest, " %63[^= ]=%63s%n", key, value, &used) == 2) {
		fprintf(report->out, "  %-16s %12s\n", key, value);
		rest += used;
	}
}

void boot_report_table(const struct boot_report *report)
{
	if (report->quiet && !report->has_failed)
		return;
	fprintf(report->out, "\n%-12s %5s %6s %7s  %s\n", "test", "ok", "failed", "skipped",
		"last figures");
	for (unsigned i = 0; i < report->test_count; i++) {
		const struct test *test = &report->tests[i];

		fprintf(report->out, "%-12s %5u %6u %7u  %s\n", test->name, test->ok, test->failed,
			test->skipped, test->last);
	}
	print_counts(report);
}

bool boot_report_passed(const struct boot_report *report)
{
	return report->has_end && !report->has_failed;
}

bool boot_report_has_end(const struct boot_report *report)
{
	return report->has_end;
}
