// SPDX-License-Identifier: MIT
/* A process is killed with work in flight; the next one must see none of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

#define KILLED_COUNT       12
#define KILLED_STEP        (1 * MIB)
#define KILLED_LEN         (KILLED_COUNT * KILLED_STEP)
#define KILLED_DESTINATION ((uint8_t *)0x500000000000ul)
#define KILLED_SOURCE      ((uint8_t *)0x510000000000ul)

/* Shared by parent and child. */
struct killed_page {
	struct record records[KILLED_COUNT];
	volatile int submitted;
	volatile int pasid;
	volatile int parked; /* heirs that hold some other PASID */
	int last_try;
	int held; /* descriptors in the queue when the victim was killed, as the queue counts */
};

__attribute__((noreturn)) static void killed_victim(struct killed_page *shared)
{
	struct queue q = queue_open("killed");
	uint8_t *to =
		map_at(KILLED_DESTINATION, KILLED_LEN, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	uint8_t *from =
		map_at(KILLED_SOURCE, KILLED_LEN, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);

	madvise(to, KILLED_LEN, MADV_NOHUGEPAGE);
	madvise(from, KILLED_LEN, MADV_NOHUGEPAGE);
	fill_random(from, KILLED_LEN, 5);
	shared->pasid = queue_pasid();
	for (size_t i = 0; i < KILLED_COUNT; i++) {
		struct descriptor d =
			describe(OP_MOVE, FLAG_USUAL, &shared->records[i], from + i * KILLED_STEP,
				 to + i * KILLED_STEP, KILLED_STEP);

		queue_submit(&q, &d);
	}
	shared->submitted = 1;
	for (;;)
		pause();
}

/* The heir maps its own memory where the victim's was, all of it touched and marked, and lets its
 * own copy run: whatever the victim left behind would show. */
__attribute__((noreturn)) static void killed_heir(unsigned long round, struct killed_page *shared,
						  unsigned in_flight)
{
	struct queue q = queue_open("killed");
	uint8_t *to =
		map_at(KILLED_DESTINATION, KILLED_LEN, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	uint8_t *from =
		map_at(KILLED_SOURCE, KILLED_LEN, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	uint8_t *mine = map_small(256 * KIB), *copy = map_small(256 * KIB);
	struct record *r;
	int pasid = queue_pasid();
	bool clean, works;

	if (pasid != shared->pasid && !shared->last_try) {
		/* The PASID stays this process's while it lives: out of the next one's way. */
		queue_close(&q);
		shared->parked++;
		for (;;)
			pause();
	}
	madvise(to, KILLED_LEN, MADV_NOHUGEPAGE);
	madvise(from, KILLED_LEN, MADV_NOHUGEPAGE);
	memset(to, 0xa5, KILLED_LEN);
	memset(from, 0xc3, KILLED_LEN);
	fill_random(mine, 256 * KIB, 6);
	r = queue_run(&q, "killed", describe(OP_MOVE, FLAG_USUAL, NULL, mine, copy, 256 * KIB));
	works = r->status == STATUS_SUCCESS && !memcmp(mine, copy, 256 * KIB);
	usleep(200000);
	clean = is_all(to, KILLED_LEN, 0xa5) && is_all(from, KILLED_LEN, 0xc3);
	report(clean && works && in_flight > 0 && pasid == shared->pasid,
	       "killed round=%lu in_flight=%u queue_held=%d victim_pasid=%d heir_pasid=%d "
	       "same_pasid=%d clean=%d works=%d",
	       round, in_flight, shared->held, shared->pasid, pasid, pasid == shared->pasid, clean,
	       works);
	queue_close(&q);
	fflush(stdout);
	_exit(any_failed);
}

static pid_t fork_or_give_up(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		give_up("killed step=fork reason=%s", strerror(errno));
	return child;
}

/* The kernel may hold on to a dead process's PASID for a moment, and gives out the lowest free one:
 * new processes until one of them gets the victim's. */
static void killed_find_heir(unsigned long round, struct killed_page *shared, unsigned in_flight)
{
	enum { TRIES = 40 };
	pid_t heirs[TRIES];
	int count = 0, wait_status = 0;
	bool judged = false;

	while (!judged && count < TRIES) {
		shared->last_try = count + 1 == TRIES;
		heirs[count] = fork_or_give_up();
		if (heirs[count] == 0)
			killed_heir(round, shared, in_flight);
		count++;
		while (!judged && shared->parked < count) {
			judged = waitpid(heirs[count - 1], &wait_status, WNOHANG) ==
				 heirs[count - 1];
			usleep(5000);
		}
		if (!judged)
			usleep(50000);
	}
	any_failed |= wait_status != 0;
	for (int i = 0; i < count - 1; i++) {
		kill(heirs[i], SIGKILL);
		waitpid(heirs[i], NULL, 0);
	}
}

void test_killed(unsigned long round)
{
	struct killed_page *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	double end = now_s() + patience_s;
	unsigned in_flight;
	int wait_status;
	pid_t child;

	if (shared == MAP_FAILED)
		give_up("killed step=mmap reason=%s", strerror(errno));
	child = fork_or_give_up();
	if (child == 0)
		killed_victim(shared);
	while (!shared->submitted) {
		if (now_s() > end || waitpid(child, &wait_status, WNOHANG) == child)
			give_up("killed step=victim reason=nothing-submitted");
		usleep(1000);
	}
	usleep(20000u * (unsigned)(round % 10));
	in_flight = records_unfinished(shared->records, KILLED_COUNT);
	shared->held = queue_holds();
	kill(child, SIGKILL);
	if (waitpid(child, &wait_status, 0) != child || !WIFSIGNALED(wait_status))
		give_up("killed step=wait status=%#x", wait_status);
	killed_find_heir(round, shared, in_flight);
	munmap(shared, PAGE);
}
