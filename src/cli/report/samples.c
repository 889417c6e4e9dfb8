// SPDX-License-Identifier: MIT
/* Counters of a vsva that runs, looked at several times: how fast they grow. */
#include "cli/report/samples.h"

#include <errno.h>
#include <time.h>

#include "cli/json_text.h"
#include "cli/progress.h"

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int report_samples_take(struct report_samples *samples, struct view *view, unsigned count,
			void (*wait)(void *arg), void *arg)
{
	struct show show = {.view = view, .vm = SHOW_ANY, .device = SHOW_ANY, .pasid = SHOW_ANY};
	double begin = now_s();

	for (unsigned i = 0; i < count && i < REPORT_SAMPLES_MAX; i++) {
		struct json_object *rows;

		progress_step("counters %u/%u", i + 1, count);
		if (i)
			wait(arg);
		rows = show_stats_collect(&show);
		if (!rows)
			return -EIO;
		samples->rows[samples->count] = rows;
		samples->times[samples->count++] = now_s() - begin;
	}
	return 0;
}

void report_samples_forget(struct report_samples *samples)
{
	while (samples->count)
		json_object_put(samples->rows[--samples->count]);
}

unsigned report_samples_rates(const struct report_samples *samples, struct json_object *row,
			      struct json_object *rates[REPORT_SAMPLES_MAX],
			      double times[REPORT_SAMPLES_MAX])
{
	struct json_object *one = json_object_new_array(), *found;
	unsigned count = 0;

	for (unsigned i = 1; i < samples->count; i++) {
		double seconds = samples->times[i] - samples->times[i - 1];
		struct json_object *now = show_stats_same(samples->rows[i], row);

		if (!now || seconds <= 0)
			continue;
		json_object_array_add(one, json_object_get(now));
		found = show_stats_rates(samples->rows[i - 1], one, seconds);
		json_object_array_del_idx(one, 0, 1);
		if (json_length(found)) {
			rates[count] = json_object_get(json_object_array_get_idx(found, 0));
			times[count++] = samples->times[i];
		}
		json_object_put(found);
	}
	json_object_put(one);
	return count;
}
