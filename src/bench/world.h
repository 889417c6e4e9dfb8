/* SPDX-License-Identifier: MIT */
/* A guest with one process, bound to an accelerator and a test engine. */
#ifndef BENCH_WORLD_H
#define BENCH_WORLD_H

#include "vsva/guest.h"

#define BENCH_MEMORY (UINT64_C(64) << 20) /* of the guest */
#define BENCH_LEN    (UINT64_C(2) << 20)

struct bench_world {
	struct vsva_machine *machine;
	struct vsva_device *dsa, *engine;
	struct vsva_guest *guest;
	struct vsva_guest_device *guest_dsa, *guest_engine;
	struct vsva_process *process;
	gva_t small[2]; /* BENCH_LEN bytes each, in small pages */
	gva_t record;
};

struct bench_world_options {
	enum vsva_cache_policy policy;
	bool threads;         /* the machine's */
	uint32_t pasid_quota; /* the guest's; 0: the default */
	bool use_vcmd;        /* the guest's */
};
/* 0 or -errno; what was made is undone by destroy. */
int bench_world_create(const struct bench_world_options *options, struct bench_world *out);
void bench_world_destroy(struct bench_world *world);

#endif
