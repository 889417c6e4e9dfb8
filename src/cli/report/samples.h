/* SPDX-License-Identifier: MIT */
/* Counters that were looked at several times. */
#ifndef CLI_REPORT_SAMPLES_H
#define CLI_REPORT_SAMPLES_H

#include "cli/show/show.h"

#define REPORT_SAMPLES_MAX 100u

struct report_samples {
	unsigned count;
	double times[REPORT_SAMPLES_MAX]; /* seconds since the first */
	struct json_object *rows[REPORT_SAMPLES_MAX];
};

/* Looks count times; wait: between two of them. 0; -EIO: complained. */
int report_samples_take(struct report_samples *samples, struct view *view, unsigned count,
			void (*wait)(void *arg), void *arg);
void report_samples_forget(struct report_samples *samples);
/* How the counters of a row's subject grew, per second, and when that was seen: as many as are returned,
 * each the caller's. 0: it was not there before, or there is one sample only. */
unsigned report_samples_rates(const struct report_samples *samples, struct json_object *row,
			      struct json_object *rates[REPORT_SAMPLES_MAX],
			      double times[REPORT_SAMPLES_MAX]);

#endif
