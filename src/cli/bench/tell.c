/* SPDX-License-Identifier: MIT */
/* Figures as a table and as JSON. */
#include <stdio.h>

#include "cli/bench/bench.h"

#define TEXT_LEN 96

void bench_tell_head(void)
{
	printf("%-22s %12s %-5s %8s  %-24s %-4s %s\n", "figure", "value", "unit", "ratio", "target",
	       "met", "least .. most");
}

/* Few digits for large numbers, more for small ones. */
static int digits_of(double value)
{
	return value < 10 ? 2 : value < 1000 ? 1 : 0;
}

static void tell_latency(const struct bench_result *result)
{
	const struct bench_distribution *l = &result->latency;

	if (l->count)
		printf("%-22s median %.0f, 90 %% %.0f, 99 %% %.0f, 99.9 %% %.0f, most %.0f %s\n",
		       "", l->median, l->p90, l->p99, l->p999, l->most, result->figure->unit);
}

void bench_tell_result(const struct bench_result *result)
{
	const struct bench_figure *figure = result->figure;
	const struct bench_distribution *value = &result->value;
	char target[TEXT_LEN];

	bench_target_text(figure, target, sizeof(target));
	if (result->state == BENCH_DONE)
		printf("%-22s %12.*f %-5s %8.2f  %-24s %-4s %.*f .. %.*f\n", figure->name,
		       digits_of(value->median), value->median, figure->unit, result->ratio.median,
		       target,
		       !target[0]    ? ""
		       : result->met ? "yes"
				     : "no",
		       digits_of(value->least), value->least, digits_of(value->most), value->most);
	else
		printf("%-22s %12s %-5s %8s  %-24s %-4s %s\n", figure->name,
		       result->state == BENCH_FAILED ? "FAILED" : "skipped", "", "", target, "",
		       result->why);
	tell_latency(result);
	fflush(stdout);
}

void bench_tell_calibrations(const struct bench_distribution calibrations[BENCH_CALIBRATIONS])
{
	printf("\ncalibration, ns\n");
	for (unsigned i = 0; i < BENCH_CALIBRATIONS; i++) {
		const struct bench_distribution *c = &calibrations[i];
		enum bench_calibration which = (enum bench_calibration)i;

		if (c->count)
			printf("%-22s %12.*f  %s (%.*f .. %.*f)\n", bench_calibration_name(which),
			       digits_of(c->median), c->median, bench_calibration_text(which),
			       digits_of(c->least), c->least, digits_of(c->most), c->most);
		else
			printf("%-22s %12s  %s\n", bench_calibration_name(which), "skipped",
			       bench_calibration_text(which));
	}
}

void bench_tell_list(void)
{
	char target[TEXT_LEN];

	for (size_t i = 0; i < bench_figure_count; i++) {
		bench_target_text(&bench_figures[i], target, sizeof(target));
		printf("%-22s %-24s %s\n", bench_figures[i].name, target, bench_figures[i].text);
	}
}

/* JSON */

static void add_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, text[0] ? json_object_new_string(text) : NULL);
}

/* Six digits: more would say that they mean something. */
static struct json_object *json_number(double value)
{
	struct json_object *number = json_object_new_double(value);

	json_object_set_serializer(number, json_object_double_to_json_string, "%.6g", NULL);
	return number;
}

static void add_number(struct json_object *to, const char *key, double value)
{
	json_object_object_add(to, key, json_number(value));
}

static void add_range(struct json_object *to, const struct bench_distribution *values)
{
	add_number(to, "min", values->least);
	add_number(to, "max", values->most);
}

static void add_percentiles(struct json_object *to, const struct bench_distribution *values)
{
	add_number(to, "p50", values->median);
	add_number(to, "p90", values->p90);
	add_number(to, "p99", values->p99);
	add_number(to, "p99.9", values->p999);
}

static struct json_object *json_latency(const struct bench_distribution *latency)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, "count", json_object_new_int64((int64_t)latency->count));
	add_range(json, latency);
	add_percentiles(json, latency);
	return json;
}

static void add_measured(struct json_object *to, const struct bench_result *result)
{
	bool has_target = result->figure->limit > 0;

	add_number(to, "ratio", result->ratio.median);
	json_object_object_add(to, "met", has_target ? json_object_new_boolean(result->met) : NULL);
	add_range(to, &result->value);
	add_number(to, "ratio_min", result->ratio.least);
	add_number(to, "ratio_max", result->ratio.most);
	add_number(to, "base_value", result->base);
	json_object_object_add(to, "repetitions",
			       json_object_new_int64((int64_t)result->value.count));
	if (result->latency.count)
		json_object_object_add(to, "latency", json_latency(&result->latency));
}

/* What was not measured has null for its numbers, and says why. */
static void add_not_measured(struct json_object *to, const struct bench_result *result)
{
	json_object_object_add(to, "ratio", NULL);
	json_object_object_add(to, "met", NULL);
	add_text(to, result->state == BENCH_FAILED ? "failed" : "skipped", result->why);
}

struct json_object *bench_json_result(const struct bench_result *result)
{
	struct json_object *json = json_object_new_object();
	bool is_done = result->state == BENCH_DONE;
	char target[TEXT_LEN], base[TEXT_LEN];

	bench_target_text(result->figure, target, sizeof(target));
	bench_base_text(result->figure, base, sizeof(base));
	add_text(json, "name", result->figure->name);
	json_object_object_add(json, "value", is_done ? json_number(result->value.median) : NULL);
	add_text(json, "unit", result->figure->unit);
	add_text(json, "target", target);
	add_text(json, "base", base);
	add_text(json, "text", result->figure->text);
	if (is_done)
		add_measured(json, result);
	else
		add_not_measured(json, result);
	return json;
}

struct json_object *
bench_json_calibrations(const struct bench_distribution calibrations[BENCH_CALIBRATIONS])
{
	struct json_object *json = json_object_new_object();

	for (unsigned i = 0; i < BENCH_CALIBRATIONS; i++) {
		struct json_object *one = calibrations[i].count ? json_object_new_object() : NULL;

		if (one) {
			add_number(one, "value", calibrations[i].median);
			add_text(one, "unit", "ns");
			add_range(one, &calibrations[i]);
			add_text(one, "text", bench_calibration_text((enum bench_calibration)i));
		}
		json_object_object_add(json, bench_calibration_name((enum bench_calibration)i),
				       one);
	}
	return json;
}
