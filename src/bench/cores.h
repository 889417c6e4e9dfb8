/* SPDX-License-Identifier: MIT */
/* Which core runs what: the first that we may use measures, the second is the other one. */
#ifndef BENCH_CORES_H
#define BENCH_CORES_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

/* Binds the calling thread to the first core. Threads that are made from here on are bound with it.
 * Keeps what was before in *before. */
void bench_cores_take(cpu_set_t *before);
void bench_cores_give_back(const cpu_set_t *before);
/* Is there another core? */
bool bench_cores_has_other(void);
/* A thread on the other core. 0 or -errno; -ENOTSUP: there is none. */
int bench_cores_start_other(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
