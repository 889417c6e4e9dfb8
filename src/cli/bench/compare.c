/* SPDX-License-Identifier: MIT */
/*
 * Two files that vsva bench --json wrote: what has changed. Ratios are compared, so files of
 * different days can be. A change counts if it is larger than both a twentieth and what the
 * repetitions of either file differ among themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench/bench.h"
#include "cli/status.h"

#define NOISE_LEAST 0.05

static struct json_object *figures_of(struct json_object *file)
{
	struct json_object *figures;

	if (!json_object_is_type(file, json_type_object) ||
	    !json_object_object_get_ex(file, "figures", &figures) ||
	    !json_object_is_type(figures, json_type_array))
		return NULL;
	return figures;
}

/* NULL: complained. */
static struct json_object *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct json_object *file;

	if (fd < 0) {
		complain(VSVA_CODE_FILE, "%s: %s", path, strerror(errno));
		return NULL;
	}
	file = json_object_from_fd(fd);
	close(fd);
	if (file && figures_of(file))
		return file;
	complain(VSVA_CODE_FILE_FORMAT,
		 "%s: has no figures; it should be what `vsva bench --json` wrote", path);
	json_object_put(file);
	return NULL;
}

static const char *text_of(struct json_object *figure, const char *key)
{
	struct json_object *value;
	const char *text = NULL;

	if (json_object_object_get_ex(figure, key, &value))
		text = json_object_get_string(value);
	return text ? text : "";
}

/* NAN: it was not measured. */
static double number_of(struct json_object *figure, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(figure, key, &value) ||
	    (!json_object_is_type(value, json_type_double) &&
	     !json_object_is_type(value, json_type_int)))
		return NAN;
	return json_object_get_double(value);
}

static struct json_object *find(struct json_object *figures, const char *name)
{
	for (size_t i = 0; i < json_object_array_length(figures); i++) {
		struct json_object *figure = json_object_array_get_idx(figures, i);

		if (!strcmp(text_of(figure, "name"), name))
			return figure;
	}
	return NULL;
}

/* How far the better half of the repetitions reaches from the median. */
static double noise_of(struct json_object *figure)
{
	double ratio = number_of(figure, "ratio"), least = number_of(figure, "ratio_min");
	double noise = (ratio - least) / ratio;

	return noise > NOISE_LEAST ? noise : NOISE_LEAST;
}

static const char *judge(struct json_object *before, struct json_object *after, double change)
{
	bool more_is_better = !strncmp(text_of(after, "target"), ">=", 2);
	double old = noise_of(before), new = noise_of(after);

	if (fabs(change) <= (old > new ? old : new))
		return "";
	return (change > 0) == more_is_better ? "better" : "worse";
}

static const char *met_of(struct json_object *figure)
{
	struct json_object *met;

	if (!json_object_object_get_ex(figure, "met", &met) || !met)
		return "-";
	return json_object_get_boolean(met) ? "yes" : "no";
}

static void tell_change(struct json_object *before, struct json_object *after)
{
	double from = number_of(before, "ratio"), to = number_of(after, "ratio");
	const char *name = text_of(after, "name");

	if (isnan(from) || isnan(to)) {
		printf("%-22s %10s %10s %9s  %-7s\n", name, isnan(from) ? "-" : "measured",
		       isnan(to) ? "-" : "measured", "", "");
		return;
	}
	printf("%-22s %10.2f %10.2f %+8.1f%%  %-7s %3s -> %s\n", name, from, to,
	       100 * (to - from) / from, judge(before, after, (to - from) / from), met_of(before),
	       met_of(after));
}

static void tell_missing(struct json_object *here, struct json_object *there, const char *words)
{
	for (size_t i = 0; i < json_object_array_length(here); i++) {
		const char *name = text_of(json_object_array_get_idx(here, i), "name");

		if (!find(there, name))
			printf("%-22s %s\n", name, words);
	}
}

static void tell_all(struct json_object *before, struct json_object *after)
{
	printf("%-22s %10s %10s %9s  %-7s %s\n", "ratio of", "before", "after", "change", "",
	       "met");
	for (size_t i = 0; i < json_object_array_length(after); i++) {
		struct json_object *figure = json_object_array_get_idx(after, i);
		struct json_object *old = find(before, text_of(figure, "name"));

		if (old)
			tell_change(old, figure);
	}
	tell_missing(after, before, "is new");
	tell_missing(before, after, "is gone");
}

int bench_compare(const char *before, const char *after)
{
	struct json_object *old = read_file(before), *new = old ? read_file(after) : NULL;

	if (new)
		tell_all(figures_of(old), figures_of(new));
	json_object_put(old);
	json_object_put(new);
	return new ? CLI_OK : CLI_SETUP;
}
