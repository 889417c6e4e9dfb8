/* SPDX-License-Identifier: MIT */
/*
 * Measurements: each is a function that is run several times and gives a number; the median counts.
 * What a number includes is said in its text.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "vsva/guest.h"

/* A guest with one process, bound to an accelerator and a test engine. */
struct bench_world {
	struct vsva_machine *machine;
	struct vsva_device *dsa, *engine;
	struct vsva_guest *guest;
	struct vsva_guest_device *guest_dsa, *guest_engine;
	struct vsva_process *process;
	gva_t small[2]; /* BENCH_LEN bytes each, in small pages */
	gva_t huge[2];  /* and in huge pages */
	gva_t record;
};
#define BENCH_LEN (UINT64_C(2) << 20)

struct bench_world_options {
	enum vsva_cache_policy policy;
	bool threads;         /* the machine's */
	uint32_t pasid_quota; /* the guest's; 0: the default */
};
/* 0 or -errno; what was made is undone by destroy. */
int bench_world_create(const struct bench_world_options *options, struct bench_world *out);
void bench_world_destroy(struct bench_world *world);
double bench_now_ns(void);

struct bench_context {
	struct bench_world cached, cold; /* policies lru and never */
	uint8_t *memory[2];              /* BENCH_LEN bytes each, of our own */
};

struct bench_measure {
	const char *name; /* in JSON too */
	const char *unit;
	const char *text;
	/* One repetition; negative: it failed. */
	double (*run)(struct bench_context *context);
};

extern const struct bench_measure bench_measures[];
extern const size_t bench_measure_count;

/* `vsva bench lifecycle` */
int bench_lifecycle(int argc, char **argv);

#endif
