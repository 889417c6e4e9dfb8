/* SPDX-License-Identifier: MIT */
#include "bench/reader.h"

#include <errno.h>

#include "base/rcu.h"
#include "bench/cores.h"

#define BURST 64u

static void read_some(struct bench_reader *reader)
{
	rcu_read_lock();
	for (unsigned i = 0; i < BURST; i++) {
		reader->piece(reader->arg);
		rcu_quiescent();
	}
	rcu_read_unlock();
	__atomic_store_n(&reader->pieces, reader->pieces + BURST, __ATOMIC_RELEASE);
}

static void *run(void *arg)
{
	struct bench_reader *reader = arg;

	rcu_read_lock(); /* known from here on */
	rcu_read_unlock();
	for (;;) {
		sem_post(&reader->asleep);
		while (sem_wait(&reader->wake))
			;
		if (__atomic_load_n(&reader->is_ending, __ATOMIC_ACQUIRE))
			return NULL;
		while (!__atomic_load_n(&reader->is_stopping, __ATOMIC_ACQUIRE))
			read_some(reader);
	}
}

static void wait_asleep(struct bench_reader *reader)
{
	while (sem_wait(&reader->asleep))
		;
}

int bench_reader_init(struct bench_reader *reader)
{
	int err;

	*reader = (struct bench_reader){.has_thread = false};
	sem_init(&reader->wake, 0, 0);
	sem_init(&reader->asleep, 0, 0);
	err = bench_cores_start_other(&reader->thread, run, reader);
	if (err)
		return err == -ENOTSUP ? 0 : err;
	reader->has_thread = true;
	wait_asleep(reader);
	return 0;
}

void bench_reader_fini(struct bench_reader *reader)
{
	if (reader->has_thread) {
		__atomic_store_n(&reader->is_ending, true, __ATOMIC_RELEASE);
		sem_post(&reader->wake);
		pthread_join(reader->thread, NULL);
	}
	sem_destroy(&reader->wake);
	sem_destroy(&reader->asleep);
}

int bench_reader_start(struct bench_reader *reader, void (*piece)(void *arg), void *arg)
{
	uint64_t before = bench_reader_pieces(reader);

	if (!reader->has_thread)
		return -ENOTSUP;
	reader->piece = piece;
	reader->arg = arg;
	reader->is_busy = true;
	__atomic_store_n(&reader->is_stopping, false, __ATOMIC_RELEASE);
	sem_post(&reader->wake);
	while (bench_reader_pieces(reader) == before)
		sched_yield();
	return 0;
}

void bench_reader_stop(struct bench_reader *reader)
{
	if (!reader->is_busy)
		return;
	__atomic_store_n(&reader->is_stopping, true, __ATOMIC_RELEASE);
	wait_asleep(reader);
	reader->is_busy = false;
}

uint64_t bench_reader_pieces(const struct bench_reader *reader)
{
	return __atomic_load_n(&reader->pieces, __ATOMIC_ACQUIRE);
}
