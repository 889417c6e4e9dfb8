/* SPDX-License-Identifier: MIT */
/* How figures are measured: repetitions, bases, ratios, targets, what fails and what is skipped; and
 * that methods notice when what they measure does not happen. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "bench/latencies.h"
#include "bench/method.h"
#include "bench/requests.h"

/* A method of ours: value 1, 2, 3 …, or what the test says. */
struct script {
	unsigned opened, measured, closed;
	int open_result;
	unsigned fail_at; /* the measurement that fails; 0: none */
	double value;     /* 0: counts */
	double beside;
} script;

static int open_script(struct bench_run *run)
{
	(void)run;
	script.opened++;
	return script.open_result;
}

static int measure_script(struct bench_run *run, struct bench_sample *out)
{
	static const struct timespec pause = {.tv_nsec = 25000000};

	script.measured++;
	if (script.measured == script.fail_at)
		return bench_fail(run, -EIO, "the %uth failed", script.measured);
	if (!run->figure->is_long)
		nanosleep(&pause, NULL); /* one sample for each repetition */
	out->value = script.value > 0 ? script.value : script.measured;
	out->beside = script.beside;
	bench_latencies_add(run->latencies, out->value);
	return 0;
}

static void close_script(struct bench_run *run)
{
	(void)run;
	script.closed++;
}

static const struct bench_method method = {open_script, measure_script, close_script};

static struct bench_result measure(const struct bench_figure *figure, bool quick)
{
	const struct bench_options options = {.repetitions = 11, .quick = quick};
	struct bench_result result;
	struct bench *bench;

	assert_int_equal(bench_open(&options, &bench), 0);
	bench_measure(bench, figure, &result);
	bench_close(bench);
	assert_int_equal(script.opened, 1);
	assert_int_equal(script.closed, 1);
	return result;
}

static int reset(void **state)
{
	(void)state;
	script = (struct script){.beside = 10};
	return 0;
}

/* The first is not counted: 2 to 12. */
static void test_measure_takes_the_median(void **state)
{
	const struct bench_figure figure = {
		.name = "n", .unit = "ns", .beside = "ten", .limit = 0.7, .method = &method};
	struct bench_result r = measure(&figure, false);

	(void)state;
	assert_int_equal(r.state, BENCH_DONE);
	assert_int_equal(script.measured, 12);
	assert_int_equal(r.value.count, 11);
	assert_true(r.value.least == 2 && r.value.median == 7 && r.value.most == 12);
	assert_true(r.ratio.median == 0.7 && r.base == 10 && r.met);
	assert_int_equal(r.latency.count, 11);
}

static void test_measure_judges_both_ways(void **state)
{
	struct bench_figure figure = {
		.name = "n", .beside = "ten", .limit = 0.69, .method = &method};

	assert_false(measure(&figure, false).met);
	reset(state);
	figure.at_least = true;
	assert_true(measure(&figure, false).met);
	reset(state);
	figure.limit = 0.71;
	assert_false(measure(&figure, false).met);
}

/* Against a calibration: a mutex takes something between a nanosecond and a lot. */
static void test_measure_divides_by_calibrations(void **state)
{
	const struct bench_figure figure = {.name = "n",
					    .base = {{2, BENCH_M}, {1, BENCH_L}},
					    .limit = 1,
					    .is_long = true,
					    .method = &method};
	struct bench_result r;

	(void)state;
	script.value = 1e12;
	r = measure(&figure, true);
	assert_int_equal(r.value.count, 3); /* in a hurry */
	assert_int_equal(script.measured, 3);
	assert_true(r.base > 1 && r.base < 1e6);
	assert_true(r.ratio.least * r.base > 1e11 && !r.met);
}

static void test_measure_says_what_failed(void **state)
{
	const struct bench_figure figure = {.name = "n", .beside = "ten", .method = &method};
	struct bench_result r;

	script.fail_at = 5;
	r = measure(&figure, false);
	assert_int_equal(r.state, BENCH_FAILED);
	assert_string_equal(r.why, "the 5th failed");

	reset(state);
	script.open_result = -ENOMEM;
	r = measure(&figure, false);
	assert_int_equal(r.state, BENCH_FAILED);
	assert_int_equal(script.measured, 0);

	reset(state);
	script.open_result = -ENOTSUP;
	assert_int_equal(measure(&figure, false).state, BENCH_SKIPPED);
}

static void test_measure_words(void **state)
{
	const struct bench_figure one = {.base = {{1, BENCH_M}}, .limit = 1.2};
	const struct bench_figure sum = {.base = {{1.5, BENCH_R}, {20, BENCH_M}}, .limit = 1};
	const struct bench_figure product = {.base = {{24, BENCH_L}}, .limit = 1.5};
	const struct bench_figure beside = {.beside = "memcpy", .limit = 0.5, .at_least = true};
	const struct bench_figure none = {.base = {{1, BENCH_M}}};
	char text[64];

	(void)state;
	bench_target_text(&one, text, sizeof(text));
	assert_string_equal(text, "<= 1.2 M");
	bench_target_text(&sum, text, sizeof(text));
	assert_string_equal(text, "<= 1.5 R + 20 M");
	bench_target_text(&product, text, sizeof(text));
	assert_string_equal(text, "<= 1.5 x 24 L");
	bench_target_text(&beside, text, sizeof(text));
	assert_string_equal(text, ">= 0.5 x memcpy");
	bench_target_text(&none, text, sizeof(text));
	assert_string_equal(text, "");
}

static void test_measure_percentiles(void **state)
{
	struct bench_latencies latencies = {0};
	struct bench_distribution d;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		bench_latencies_add(&latencies, (i * 7) % 1000);
	d = bench_distribution_of(&latencies);
	assert_int_equal(d.count, 1000);
	assert_true(d.least == 0 && d.median == 500 && d.p90 == 900 && d.p99 == 990);
	assert_true(d.p999 == 999 && d.most == 999);
	bench_latencies_fini(&latencies);
	assert_int_equal(bench_distribution_of(&latencies).count, 0);
}

/* Negative control of the methods: an address that is not mapped is no hit. */
static void test_measure_requests_see_a_refusal(void **state)
{
	static const struct silicon_options options = {.policy = UNIT_CACHE_LRU};
	struct bench_run run = {.figure = NULL};
	struct requests requests;
	double ns;

	(void)state;
	assert_int_equal(requests_open(&run, &options, 8, &requests), 0);
	assert_int_equal(requests_time(&run, &requests, 0, 1, 16, &ns), 0);
	assert_true(ns > 0);
	assert_int_equal(requests_time(&run, &requests, 0, 7, 16, &ns), -EIO);
	assert_non_null(strstr(run.why, "refused"));
	requests_close(&requests);
}

/* Every figure has a name of its own, a unit, words, and something to be compared with. */
static void test_figures_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < bench_figure_count; i++) {
		const struct bench_figure *f = &bench_figures[i];
		char base[64];

		assert_true(f->name[0] && f->unit[0] && f->text[0]);
		assert_true(f->method->open && f->method->measure && f->method->close);
		bench_base_text(f, base, sizeof(base));
		assert_true(base[0]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(f->name, bench_figures[j].name);
	}
}

/* What each figure may cost was said before it was measured. Whoever changes it says so here, too. */
static const struct {
	const char *figure, *target;
} targets[] = {
	{"iotlb_hit_1", "<= 1.2 M"},
	{"iotlb_hit_64", "<= 1.2 M"},
	{"iotlb_hit_1k", "<= 1.2 M"},
	{"iotlb_hit_64k", "<= 4 M"},
	{"iotlb_hit_no_pasid_1", "<= 1.1 x with PASID"},
	{"iotlb_hit_no_pasid_64", "<= 1.1 x with PASID"},
	{"iotlb_hit_no_pasid_1k", "<= 1.1 x with PASID"},
	{"iotlb_hit_no_pasid_64k", "<= 1.1 x with PASID"},
	{"walk_uncached", "<= 1.5 x 24 L"},
	{"walk_paging_caches", "<= 1.5 x 8 L"},
	{"random_100k", "<= 16 M"},
	{"device_tlb_hit", "<= 0.8 M"},
	{"dma_64", "<= 2.5 M"},
	{"dma_64_ats", "<= 2.5 M"},
	{"dma_4k", "<= 1.15 C(4096) + 1.2 M"},
	{"dma_2m", "<= 1.2 C(2 MiB)"},
	{"invalidate_page", "<= 20 M"},
	{"invalidate_page_few", "<= 20 M"},
	{"invalidate_pasid", "<= 20 M"},
	{"wait_active_reader", "<= 1.5 R_active + 20 M"},
	{"beside_invalidations", ">= 0.9 x the rate alone"},
	{"two_cores_one_device", ">= 0.95 x private arrays"},
	{"two_cores_two_devices", ">= 0.95 x private arrays"},
	{"ioasid_alloc_1k", "<= 9 M"},
	{"ioasid_alloc_64k", "<= 9 M"},
	{"ioasid_alloc_1m", "<= 9 M"},
	{"ioasid_find_1k", "<= 2 M"},
	{"ioasid_find_64k", "<= 2 M"},
	{"ioasid_find_1m", "<= 14 M"},
	{"ioasid_pair_1k", "<= 17 M"},
	{"ioasid_pair_64k", "<= 17 M"},
	{"ioasid_pair_1m", "<= 54 M"},
	{"bind_1", "<= 100 M + 4 R"},
	{"bind_1k", "<= 100 M + 4 R"},
	{"bind_64k", "<= 100 M + 4 R"},
	{"bind_1m", "<= 100 M + 4 R"},
	{"guest_bind", "<= 200 M + 5 R"},
	{"guest_bind_own", "<= 200 M + 5 R"},
	{"close_1m", "<= 300 M"},
	{"page_request", "<= 600 M"},
	{"vfio_user_read", "<= 1.3 U"},
	{"dsa_batch", ">= 0.5 x memcpy"},
	{"dsa_move_1m", ">= 0.85 x memcpy"},
	{"memory_iotlb", "<= 4 MiB"},
	{"memory_pasid", "<= 256 bytes"},
};

static void test_figures_keep_their_targets(void **state)
{
	size_t count = 0;
	char text[64];

	(void)state;
	for (size_t i = 0; i < bench_figure_count; i++) {
		bench_target_text(&bench_figures[i], text, sizeof(text));
		if (!text[0])
			continue;
		assert_true(count < ARRAY_LEN(targets));
		assert_string_equal(bench_figures[i].name, targets[count].figure);
		assert_string_equal(text, targets[count++].target);
	}
	assert_int_equal(count, ARRAY_LEN(targets));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_measure_takes_the_median, reset),
		cmocka_unit_test_setup(test_measure_judges_both_ways, reset),
		cmocka_unit_test_setup(test_measure_divides_by_calibrations, reset),
		cmocka_unit_test_setup(test_measure_says_what_failed, reset),
		cmocka_unit_test(test_measure_words),
		cmocka_unit_test(test_measure_percentiles),
		cmocka_unit_test(test_measure_requests_see_a_refusal),
		cmocka_unit_test(test_figures_are_whole),
		cmocka_unit_test(test_figures_keep_their_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
