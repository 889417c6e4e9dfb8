/* SPDX-License-Identifier: MIT */
/* Another VM's work: a thread that copies by DMA and looks at every byte of it, for as long as it is
 * let. */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <pthread.h>

#include "bench/world.h"

struct bench_traffic {
	struct bench_world *world;
	pthread_t thread;
	bool is_stopping; /* atomic */
	/* atomic; the thread writes them */
	uint64_t copies, wrong;
};

/* Translations of one copy: a source page and a destination page each. */
extern const uint64_t bench_traffic_translations;

/* The world's test engine is the thread's until it is stopped. 0; -EAGAIN. */
int bench_traffic_start(struct bench_traffic *traffic, struct bench_world *world);
/* So far. wrong: copies that did not end well, or whose data differ. */
uint64_t bench_traffic_copies(const struct bench_traffic *traffic);
uint64_t bench_traffic_wrong(const struct bench_traffic *traffic);
void bench_traffic_stop(struct bench_traffic *traffic);

#endif
