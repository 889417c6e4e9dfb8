/* SPDX-License-Identifier: MIT */
/*
 * What everybody knows. Each measurement is the median of a few short ones, so that an interrupt
 * does not spoil it.
 */
#include "bench/calibration.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rcu.h"
#include "bench/clock.h"
#include "bench/latencies.h"
#include "bench/memory.h"

/* More than the first cache holds, much less than the second. */
#define CHASE_LEN (UINT64_C(256) << 10)
#define LINE      64u
#define COPY_LEN  (UINT64_C(2) << 20)

#define SHORT_ONES 5u

/* A message of vfio-user and its answer, when a register is read. */
#define REQUEST_LEN 32u
#define REPLY_LEN   36u

struct line {
	struct line *next;
	unsigned char rest[LINE - sizeof(struct line *)];
};

struct bench_calibrator {
	struct bench_reader *reader;
	struct line *lines, *at;
	unsigned char *from, *to;
	int sockets[2];
	pthread_t echo;
	bool has_echo;
};

static const struct {
	const char *name, *text;
} words[BENCH_CALIBRATIONS] = {
	[BENCH_M] = {"M", "uncontended lock and unlock of a mutex"},
	[BENCH_L] = {"L", "dependent load that the second-level cache answers"},
	[BENCH_C_4K] = {"C(4096)", "hot memcpy of 4 KiB"},
	[BENCH_C_2M] = {"C(2 MiB)", "hot memcpy of 2 MiB"},
	[BENCH_R] = {"R", "empty grace period, the other thread idle"},
	[BENCH_R_ACTIVE] = {"R_active", "empty grace period, a reader on the other core"},
	[BENCH_U] = {"U", "round trip over a Unix socket, both ends on one core"},
};

const char *bench_calibration_name(enum bench_calibration calibration)
{
	return words[calibration].name;
}

const char *bench_calibration_text(enum bench_calibration calibration)
{
	return words[calibration].text;
}

/* M */

static double time_mutex(struct bench_calibrator *c, unsigned count)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	double begin = bench_now_ns();

	(void)c;
	for (unsigned i = 0; i < count; i++) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
	return (bench_now_ns() - begin) / count;
}

/* L */

static int make_chase(struct bench_calibrator *c)
{
	uint32_t count = CHASE_LEN / LINE;
	uint32_t *order = bench_shuffled(count);

	c->lines = bench_memory_alloc(CHASE_LEN);
	if (!order || !c->lines) {
		free(order);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		c->lines[order[i]].next = &c->lines[order[(i + 1) % count]];
	free(order);
	c->at = c->lines;
	return 0;
}

static double time_loads(struct bench_calibrator *c, unsigned count)
{
	struct line *at = c->at;
	double begin = bench_now_ns(), end;

	for (unsigned i = 0; i < count; i++)
		at = at->next;
	__asm__ volatile("" : "+r"(at));
	end = bench_now_ns();
	c->at = at;
	return (end - begin) / count;
}

/* C(n) */

static double time_copies(const struct bench_calibrator *c, size_t len, unsigned count)
{
	double begin = bench_now_ns();

	for (unsigned i = 0; i < count; i++) {
		/* the length is not a constant to the compiler: nor is it for those who are
		 * compared with this */
		__asm__ volatile("" : "+r"(len)::"memory");
		memcpy(c->to, c->from, len);
	}
	__asm__ volatile("" ::: "memory");
	return (bench_now_ns() - begin) / count;
}

static double time_page(struct bench_calibrator *c, unsigned count)
{
	return time_copies(c, 4096, count);
}

static double time_huge(struct bench_calibrator *c, unsigned count)
{
	return time_copies(c, COPY_LEN, count);
}

/* R */

static double time_grace(struct bench_calibrator *c, unsigned count)
{
	double begin = bench_now_ns();

	(void)c;
	for (unsigned i = 0; i < count; i++)
		rcu_synchronize();
	return (bench_now_ns() - begin) / count;
}

static void nothing(void *arg)
{
	(void)arg;
}

static double time_grace_active(struct bench_calibrator *c, unsigned count)
{
	bool is_ours = !c->reader->is_busy;
	double took;

	if (is_ours && bench_reader_start(c->reader, nothing, NULL))
		return 0;
	took = time_grace(c, count);
	if (is_ours)
		bench_reader_stop(c->reader);
	return took;
}

/* U */

static bool move_all(int fd, void *bytes, size_t len, bool is_write)
{
	unsigned char *at = bytes;

	while (len) {
		ssize_t moved = is_write ? send(fd, at, len, MSG_NOSIGNAL) : recv(fd, at, len, 0);

		if (moved <= 0)
			return false;
		at += moved;
		len -= (size_t)moved;
	}
	return true;
}

static void *echo(void *arg)
{
	struct bench_calibrator *c = arg;
	unsigned char message[REPLY_LEN] = {0};

	while (move_all(c->sockets[1], message, REQUEST_LEN, false) &&
	       move_all(c->sockets[1], message, REPLY_LEN, true))
		;
	return NULL;
}

static int make_echo(struct bench_calibrator *c)
{
	int err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c->sockets))
		return -errno;
	err = pthread_create(&c->echo, NULL, echo, c);
	c->has_echo = !err;
	return -err;
}

static double time_socket(struct bench_calibrator *c, unsigned count)
{
	unsigned char message[REPLY_LEN] = {0};
	double begin = bench_now_ns();

	for (unsigned i = 0; i < count; i++)
		if (!move_all(c->sockets[0], message, REQUEST_LEN, true) ||
		    !move_all(c->sockets[0], message, REPLY_LEN, false))
			return 0;
	return (bench_now_ns() - begin) / count;
}

/* All */

static const struct {
	double (*time)(struct bench_calibrator *c, unsigned count);
	unsigned count;
} kinds[BENCH_CALIBRATIONS] = {
	[BENCH_M] = {time_mutex, 4000},  [BENCH_L] = {time_loads, 2 * CHASE_LEN / LINE},
	[BENCH_C_4K] = {time_page, 400}, [BENCH_C_2M] = {time_huge, 4},
	[BENCH_R] = {time_grace, 200},   [BENCH_R_ACTIVE] = {time_grace_active, 200},
	[BENCH_U] = {time_socket, 40},
};

double bench_calibrate(struct bench_calibrator *c, enum bench_calibration which)
{
	double times[SHORT_ONES];
	struct bench_latencies all = {.values = times, .room = SHORT_ONES};

	for (unsigned i = 0; i < SHORT_ONES; i++)
		bench_latencies_add(&all, kinds[which].time(c, kinds[which].count));
	return bench_distribution_of(&all).median;
}

int bench_calibrator_create(struct bench_reader *reader, struct bench_calibrator **out)
{
	struct bench_calibrator *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct bench_calibrator){.reader = reader, .sockets = {-1, -1}};
	c->from = bench_memory_alloc(COPY_LEN);
	c->to = bench_memory_alloc(COPY_LEN);
	err = c->from && c->to ? make_chase(c) : -ENOMEM;
	if (!err)
		err = make_echo(c);
	if (err) {
		bench_calibrator_destroy(c);
		return err;
	}
	memset(c->from, 1, COPY_LEN);
	memset(c->to, 2, COPY_LEN);
	*out = c;
	return 0;
}

void bench_calibrator_destroy(struct bench_calibrator *c)
{
	if (!c)
		return;
	if (c->has_echo) {
		shutdown(c->sockets[0], SHUT_RDWR);
		pthread_join(c->echo, NULL);
	}
	for (int i = 0; i < 2; i++)
		if (c->sockets[i] >= 0)
			close(c->sockets[i]);
	bench_memory_free(c->from, COPY_LEN);
	bench_memory_free(c->to, COPY_LEN);
	bench_memory_free(c->lines, CHASE_LEN);
	free(c);
}
