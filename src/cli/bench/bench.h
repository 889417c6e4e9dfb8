/* SPDX-License-Identifier: MIT */
/* vsva bench: what its files know of each other. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <json.h>

#include "bench/bench.h"

/* Telling: a line as soon as a figure is measured, and the calibrations at the end; or one JSON
 * object at the end. */
void bench_tell_head(void);
void bench_tell_result(const struct bench_result *result);
void bench_tell_calibrations(const struct bench_distribution calibrations[BENCH_CALIBRATIONS]);
void bench_tell_list(void);
struct json_object *bench_json_result(const struct bench_result *result);
struct json_object *
bench_json_calibrations(const struct bench_distribution calibrations[BENCH_CALIBRATIONS]);

/* `vsva bench lifecycle`, `--compare`: an enum cli_status. */
int command_bench_lifecycle(int argc, char **argv);
int bench_compare(const char *before, const char *after);

struct bench_plot_options {
	struct bench_options measuring;
	const char *directory; /* made if it is not there */
	const char *only;      /* names of plots, a glob; NULL: all */
};
int bench_plot(const struct bench_plot_options *options);
/* Is there a plot of such a name? */
bool bench_plot_is_one(const char *glob);

#endif
