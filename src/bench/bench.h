/* SPDX-License-Identifier: MIT */
/*
 * What things cost. This room measures functions of all the others; nobody includes it but the
 * command.
 *
 * Vocabulary
 *   figure       one number with a name: what a thing costs, and what it may cost
 *   method       how a figure is measured: open, measure again and again, close. It looks whether
 *                what it measured has really happened, and fails where it has not
 *   calibration  what this computer needs for something that everybody knows, measured in the same
 *                run on the same core: M, L, C(n), R, U
 *   base         what a figure is compared with: a sum of calibrations, or something that the method
 *                measures beside the figure
 *   ratio        of a figure and its base. The calibrations of a base are measured before and after
 *                each repetition, and the median of the repetitions' ratios counts: what disturbs
 *                the computer disturbs both
 *   target       a limit of the ratio
 *
 * Threads: one measurement at a time in a process. It binds the calling thread to a core while it
 * runs.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times are in nanoseconds. */
enum bench_calibration {
	BENCH_M,        /* uncontended lock and unlock of a mutex */
	BENCH_L,        /* dependent load that the second-level cache answers */
	BENCH_C_4K,     /* hot memcpy of 4 KiB */
	BENCH_C_2M,     /* … of 2 MiB */
	BENCH_R,        /* empty grace period, the other thread idle */
	BENCH_R_ACTIVE, /* … a thread in and out of read sections on the other core */
	BENCH_U,        /* round trip over a Unix socket, both ends on one core */
	BENCH_CALIBRATIONS,
};

struct bench_term {
	double factor; /* 0: no term */
	enum bench_calibration of;
};

struct bench_method;

struct bench_figure {
	const char *name, *unit, *text;
	struct bench_term base[2];
	const char *beside; /* the base is measured by the method: its name */
	double limit;       /* 0: there is no target */
	bool at_least;      /* the limit is the least, not the most */
	bool is_long;       /* seconds for each repetition */
	const struct bench_method *method;
	uint64_t parameter; /* the method's */
};

/* In the order in which they are told. */
extern const struct bench_figure bench_figures[];
extern const size_t bench_figure_count;

struct bench_distribution {
	size_t count;
	double median, least, most;
	double p90, p99, p999;
};

enum bench_state {
	BENCH_DONE,
	BENCH_FAILED,  /* what should be measured did not happen */
	BENCH_SKIPPED, /* cannot be measured here */
};

struct bench_result {
	const struct bench_figure *figure;
	enum bench_state state;
	char why[160];                   /* of FAILED and SKIPPED */
	struct bench_distribution value; /* of the repetitions */
	/* Of single operations, where their latency matters: count is 0 where it does not. */
	struct bench_distribution latency;
	struct bench_distribution ratio;
	double base; /* median */
	bool met;
};

#define BENCH_REPETITIONS_MIN 11u
#define BENCH_REPETITIONS_MAX 1001u

struct bench_options {
	unsigned repetitions; /* of each figure, BENCH_REPETITIONS_MIN … MAX */
	bool quick;           /* long figures: three repetitions, and less of what they do */
	/* Called now and then with what is done of the figure; may be NULL. */
	void (*progress)(void *arg, const struct bench_figure *figure, unsigned done,
			 unsigned repetitions);
	void *arg;
};

/* A run: its calibrations, what is measured in it, an end. 0 or -errno. */
struct bench;
int bench_open(const struct bench_options *options, struct bench **out);
void bench_close(struct bench *bench);
/* The result's figure is borrowed. */
void bench_measure(struct bench *bench, const struct bench_figure *figure,
		   struct bench_result *out);
/* Of all that was measured so far, and at least once for each that was not needed yet. */
void bench_calibrations(struct bench *bench, struct bench_distribution out[BENCH_CALIBRATIONS]);
/* "M", "C(4096)" */
const char *bench_calibration_name(enum bench_calibration calibration);
const char *bench_calibration_text(enum bench_calibration calibration);

/* "1.5 R + 20 M", "M" */
void bench_base_text(const struct bench_figure *figure, char *text, size_t len);
/* The target in the words of who set it: "<= 1.2 M". Empty: none. */
void bench_target_text(const struct bench_figure *figure, char *text, size_t len);

#endif
