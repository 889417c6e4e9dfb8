// SPDX-License-Identifier: MIT
#include "cli/trace/record.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "cli/spawn.h"
#include "cli/trace/file.h"

/* Of each thread: 16 MiB, of which only what is used is there. */
#define RING_EVENTS (1u << 18)
#define PIECE       256u
#define PAUSE_NS    2000000

struct trace_record {
	struct vsva_trace_reader *reader;
	FILE *out;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool stops;    /* lock */
	uint64_t lost; /* the thread's, then of who has joined it */
};

/* How many there were. */
static size_t write_piece(struct trace_record *record)
{
	struct vsva_record records[PIECE];
	uint64_t lost;
	size_t count = vsva_trace_read(record->reader, records, PIECE, &lost);

	record->lost += lost;
	trace_file_lost(record->out, lost);
	for (size_t i = 0; i < count; i++)
		trace_file_event(record->out, &records[i]);
	return count;
}

static void write_all(struct trace_record *record)
{
	while (write_piece(record) == PIECE)
		;
}

/* false: it is time to stop. */
static bool pause_writing(struct trace_record *record)
{
	struct timespec until;
	bool goes_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PAUSE_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&record->lock);
	if (!record->stops)
		pthread_cond_clockwait(&record->stop, &record->lock, CLOCK_MONOTONIC, &until);
	goes_on = !record->stops;
	pthread_mutex_unlock(&record->lock);
	return goes_on;
}

static void *write_on(void *arg)
{
	struct trace_record *record = arg;

	do
		write_all(record);
	while (pause_writing(record));
	return NULL;
}

static void free_record(struct trace_record *record)
{
	vsva_trace_reader_destroy(record->reader);
	pthread_cond_destroy(&record->stop);
	pthread_mutex_destroy(&record->lock);
	free(record);
}

int trace_record_start(struct vsva_machine *machine, FILE *out, struct trace_record **out_record)
{
	struct trace_record *record = calloc(1, sizeof(*record));
	int err;

	if (!record)
		return -ENOMEM;
	record->out = out;
	pthread_mutex_init(&record->lock, NULL);
	pthread_cond_init(&record->stop, NULL);
	err = vsva_machine_trace_start(machine, RING_EVENTS);
	if (!err)
		err = vsva_machine_trace_reader(machine, false, &record->reader);
	if (!err) {
		trace_file_begin(out);
		err = spawn_thread(&record->thread, write_on, record);
	}
	if (err) {
		vsva_machine_trace_stop(machine);
		free_record(record);
		return err;
	}
	*out_record = record;
	return 0;
}

uint64_t trace_record_finish(struct trace_record *record, const struct names *names)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	uint64_t lost;

	if (!record)
		return 0;
	pthread_mutex_lock(&record->lock);
	record->stops = true;
	pthread_cond_signal(&record->stop);
	pthread_mutex_unlock(&record->lock);
	pthread_join(record->thread, NULL);
	/* the last microsecond is told when it is over */
	nanosleep(&pause, NULL);
	write_all(record);
	trace_file_names(record->out, names);
	lost = record->lost;
	free_record(record);
	return lost;
}
