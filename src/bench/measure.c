/* SPDX-License-Identifier: MIT */
/* A run, and the measurement of one figure in it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "bench/calibration.h"
#include "bench/clock.h"
#include "bench/cores.h"
#include "bench/method.h"

#define REPETITIONS_QUICK 3u
#define SAMPLES_MAX       9u

struct bench {
	struct bench_options options;
	cpu_set_t before; /* where the caller may run */
	struct bench_reader reader;
	struct bench_calibrator *calibrator;
	struct bench_latencies calibrations[BENCH_CALIBRATIONS];
};

int bench_fail(struct bench_run *run, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(run->why, sizeof(run->why), format, args);
	va_end(args);
	return err;
}

/* Life */

static void nothing(struct rcu_node *node)
{
	(void)node;
}

/* The thread that carries out rcu_call() is made by the first, and stays where that may run: not on
 * the core that measures alone. */
static void free_rcu_thread(void)
{
	static struct rcu_node node;

	rcu_call(&node, nothing);
	rcu_barrier();
}

int bench_open(const struct bench_options *options, struct bench **out)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int err;

	if (!bench)
		return -ENOMEM;
	bench->options = *options;
	free_rcu_thread();
	bench_cores_take(&bench->before);
	err = bench_reader_init(&bench->reader);
	if (!err)
		err = bench_calibrator_create(&bench->reader, &bench->calibrator);
	if (err) {
		bench_close(bench);
		return err;
	}
	*out = bench;
	return 0;
}

void bench_close(struct bench *bench)
{
	bench_calibrator_destroy(bench->calibrator);
	bench_reader_fini(&bench->reader);
	for (unsigned i = 0; i < BENCH_CALIBRATIONS; i++)
		bench_latencies_fini(&bench->calibrations[i]);
	bench_cores_give_back(&bench->before);
	free(bench);
}

/* Calibrations */

static double calibrate(struct bench *bench, enum bench_calibration which)
{
	double value = bench_calibrate(bench->calibrator, which);

	if (value > 0)
		bench_latencies_add(&bench->calibrations[which], value);
	return value;
}

void bench_calibrations(struct bench *bench, struct bench_distribution out[BENCH_CALIBRATIONS])
{
	for (unsigned i = 0; i < BENCH_CALIBRATIONS; i++) {
		while (bench->calibrations[i].count < BENCH_REPETITIONS_MIN)
			if (calibrate(bench, (enum bench_calibration)i) <= 0)
				break;
		out[i] = bench_distribution_of(&bench->calibrations[i]);
	}
}

static double base_now(struct bench *bench, const struct bench_figure *figure)
{
	double base = 0;

	for (unsigned i = 0; i < 2; i++)
		if (figure->base[i].factor > 0)
			base += figure->base[i].factor * calibrate(bench, figure->base[i].of);
	return base;
}

/* Repetitions */

struct repetitions {
	struct bench_latencies values, bases, ratios, latencies;
	unsigned samples; /* of each repetition */
};

/* A repetition is the median of so many samples, as each calibration is: so an interrupt spoils
 * neither. What takes longer is sampled less often. */
static unsigned samples_for(double took_ns)
{
	return took_ns < 2e6 ? SAMPLES_MAX : took_ns < 2e7 ? 3 : 1;
}

static double cost_of(const struct bench_sample *sample)
{
	return sample->beside > 0 ? sample->value / sample->beside : sample->value;
}

static int compare_samples(const void *left, const void *right)
{
	double a = cost_of(left), b = cost_of(right);

	return (a > b) - (a < b);
}

static int take_sample(struct bench_run *run, unsigned samples, struct bench_sample *out)
{
	struct bench_sample all[SAMPLES_MAX] = {{0}};
	int err = 0;

	for (unsigned i = 0; i < samples && !err; i++)
		err = run->figure->method->measure(run, &all[i]);
	qsort(all, samples, sizeof(all[0]), compare_samples);
	*out = all[samples / 2];
	return err;
}

static int repeat(struct bench *bench, struct bench_run *run, struct repetitions *all)
{
	const struct bench_figure *figure = run->figure;
	double before = base_now(bench, figure), base;
	struct bench_sample sample;
	int err = take_sample(run, all->samples, &sample);

	if (err)
		return err;
	base = figure->beside ? sample.beside : (before + base_now(bench, figure)) / 2;
	bench_latencies_add(&all->values, sample.value);
	bench_latencies_add(&all->bases, base);
	if (base > 0)
		bench_latencies_add(&all->ratios, sample.value / base);
	return 0;
}

static unsigned repetitions_of(const struct bench *bench, const struct bench_figure *figure)
{
	if (figure->is_long && bench->options.quick)
		return REPETITIONS_QUICK;
	return bench->options.repetitions;
}

/* The first sample warms up and is not counted. */
static int warm_up(struct bench_run *run, struct repetitions *all)
{
	double begin = bench_now_ns();
	struct bench_sample first;
	int err = run->figure->is_long ? 0 : run->figure->method->measure(run, &first);

	all->samples = run->figure->is_long ? 1 : samples_for(bench_now_ns() - begin);
	all->latencies.count = 0;
	return err;
}

static int repeat_all(struct bench *bench, struct bench_run *run, struct repetitions *all)
{
	unsigned repetitions = repetitions_of(bench, run->figure);
	int err = warm_up(run, all);

	for (unsigned i = 0; i < repetitions && !err; i++) {
		if (bench->options.progress)
			bench->options.progress(bench->options.arg, run->figure, i, repetitions);
		err = repeat(bench, run, all);
	}
	return err;
}

static bool is_met(const struct bench_figure *figure, double ratio)
{
	if (!(figure->limit > 0))
		return true;
	return figure->at_least ? ratio >= figure->limit : ratio <= figure->limit;
}

static void conclude(struct repetitions *all, struct bench_result *out)
{
	out->value = bench_distribution_of(&all->values);
	out->latency = bench_distribution_of(&all->latencies);
	out->ratio = bench_distribution_of(&all->ratios);
	out->base = bench_distribution_of(&all->bases).median;
	out->met = is_met(out->figure, out->ratio.median);
	if (out->ratio.count)
		return;
	out->state = BENCH_SKIPPED;
	snprintf(out->why, sizeof(out->why), "what it is compared with cannot be measured here");
}

void bench_measure(struct bench *bench, const struct bench_figure *figure, struct bench_result *out)
{
	struct repetitions all = {.values = {0}};
	struct bench_run run = {.figure = figure,
				.quick = bench->options.quick,
				.latencies = &all.latencies,
				.reader = &bench->reader};
	int err = figure->method->open(&run);

	*out = (struct bench_result){.figure = figure};
	if (!err)
		err = repeat_all(bench, &run, &all);
	figure->method->close(&run);
	if (err) {
		out->state = err == -ENOTSUP ? BENCH_SKIPPED : BENCH_FAILED;
		snprintf(out->why, sizeof(out->why), "%s", run.why[0] ? run.why : strerror(-err));
	} else
		conclude(&all, out);
	bench_latencies_fini(&all.values);
	bench_latencies_fini(&all.bases);
	bench_latencies_fini(&all.ratios);
	bench_latencies_fini(&all.latencies);
}

/* Words */

void bench_base_text(const struct bench_figure *figure, char *text, size_t len)
{
	size_t at = 0;

	text[0] = 0;
	if (figure->beside)
		snprintf(text, len, "%s", figure->beside);
	for (unsigned i = 0; i < 2 && !figure->beside && at < len; i++) {
		const struct bench_term *term = &figure->base[i];
		char factor[24] = "";

		if (!(term->factor > 0))
			continue;
		if (term->factor != 1)
			snprintf(factor, sizeof(factor), "%g ", term->factor);
		at += (size_t)snprintf(text + at, len - at, "%s%s%s", at ? " + " : "", factor,
				       bench_calibration_name(term->of));
	}
}

static bool is_product(const struct bench_figure *figure)
{
	return figure->beside || figure->base[1].factor > 0 || figure->base[0].factor != 1;
}

void bench_target_text(const struct bench_figure *figure, char *text, size_t len)
{
	char base[64];

	text[0] = 0;
	if (!(figure->limit > 0))
		return;
	bench_base_text(figure, base, sizeof(base));
	if (figure->limit == 1)
		snprintf(text, len, "%s %s", figure->at_least ? ">=" : "<=", base);
	else
		snprintf(text, len, "%s %g%s%s", figure->at_least ? ">=" : "<=", figure->limit,
			 is_product(figure) ? " x " : " ", base);
}
