/* SPDX-License-Identifier: MIT */
/*
 * A thread on the other core that is known to RCU. It sleeps until it is given something to do; then
 * it does that over and over in read sections, as a device's engine does: a section for a burst of
 * pieces, and a quiescent state between two.
 */
#ifndef BENCH_READER_H
#define BENCH_READER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

struct bench_reader {
	pthread_t thread;
	sem_t wake, asleep;
	bool has_thread, is_busy;    /* the owner's */
	bool is_stopping, is_ending; /* atomic */
	void (*piece)(void *arg);
	void *arg;
	uint64_t pieces; /* atomic: done so far */
};

/* Sleeps. 0 or -errno; without another core there is no thread. */
int bench_reader_init(struct bench_reader *reader);
void bench_reader_fini(struct bench_reader *reader);
/* -ENOTSUP: no other core. piece is called inside a read section. When this returns it has been. */
int bench_reader_start(struct bench_reader *reader, void (*piece)(void *arg), void *arg);
/* It sleeps again when this returns. */
void bench_reader_stop(struct bench_reader *reader);
uint64_t bench_reader_pieces(const struct bench_reader *reader);

#endif
