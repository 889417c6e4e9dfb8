// SPDX-License-Identifier: MIT
/*
 * The driver is unbound while a process has work in the queue: from the queue, from the
 * accelerator, from the PCI function. The process lives on, is killed afterwards, or dies while the
 * driver still waits for its work, in turn.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

enum fate { FATE_LIVES, FATE_KILLED_AFTERWARDS, FATE_KILLED_MEANWHILE };

static const char *const fates[] = {"lives", "killed-afterwards", "killed-meanwhile"};

/* Shared by the processes. */
struct unbound_page {
	struct record records[QUEUE_SIZE];
	volatile int submitted, unbound;
};

#define LEVELS 3

static const char *const levels[LEVELS] = {"wq", "dsa", "pci"};

static unsigned find_level(const char *name)
{
	for (unsigned i = 0; i < LEVELS; i++)
		if (!strcmp(levels[i], name))
			return i;
	give_up("unbound level=%s reason=no-such-level", name);
}

static const char *function_name(void)
{
	static char path[PATH_MAX];

	if (!realpath("/sys/bus/dsa/devices/dsa0/..", path))
		give_up("unbound step=find-function reason=%s", strerror(errno));
	return strrchr(path, '/') + 1;
}

/* What was in the queue is finished, or was dropped by whoever stopped it; nothing is half done. */
__attribute__((noreturn)) static void victim(struct unbound_page *shared)
{
	struct storm storm;
	int well;

	storm_begin(&storm, "unbound", shared->records);
	shared->submitted = 1;
	while (!shared->unbound)
		usleep(1000);
	well = storm_count(&storm);
	report(well >= 0, "unbound victim finished=%d dropped=%u", well,
	       records_unfinished(shared->records, QUEUE_SIZE));
	queue_close(&storm.queue);
	fflush(stdout);
	_exit(any_failed);
}

static pid_t fork_or_give_up(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		give_up("unbound step=fork reason=%s", strerror(errno));
	return child;
}

/* A write to sysfs, which returns when the driver has let go. */
static int unbind_from(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(value);
	int err = fd < 0 || write(fd, value, (size_t)len) != len ? errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

/* The queue's driver, or that of the accelerator, which unbinds its queues itself. */
static int unbind(unsigned level)
{
	if (level == 0)
		return unbind_from("/sys/bus/dsa/drivers/user/unbind", "wq0.0");
	return unbind_from("/sys/bus/dsa/drivers/idxd/unbind", "dsa0");
}

/* Does anybody have the queue open? A process that was killed still has, until a worker of the kernel
 * closes its file. */
static bool has_files(void)
{
	glob_t found;
	bool has = glob("/sys/bus/dsa/devices/file*", GLOB_NOSORT, NULL, &found) == 0;

	globfree(&found);
	return has;
}

/* Stock Linux (7.3.4) crashes when the function's driver goes before the accelerator's, even with
 * no work, or before the last file of a queue (idxd_file_dev_release, which still runs for a moment
 * when the file is not seen any more). */
static void unbind_function(const char *function)
{
	double end = now_s() + patience_s;
	int err;

	while (has_files() && now_s() < end)
		usleep(1000);
	usleep(200000);
	err = unbind_from("/sys/bus/pci/drivers/idxd/unbind", function);
	report(!err && access("/sys/bus/dsa/devices/dsa0", F_OK), "unbound function=%s error=%d",
	       function, err);
}

/* When the driver has told the queue to finish what it has, and waits. */
static pid_t start_killer(pid_t whom)
{
	pid_t killer = fork_or_give_up();
	double end = now_s() + patience_s;

	if (killer)
		return killer;
	while (!device_is_commanded() && now_s() < end)
		usleep(500);
	kill(whom, SIGKILL);
	_exit(0);
}

/* true: as its fate wants it. */
static bool end_victim(struct unbound_page *shared, pid_t child, enum fate fate)
{
	int wait_status;

	if (fate == FATE_KILLED_AFTERWARDS)
		kill(child, SIGKILL);
	shared->unbound = 1;
	if (waitpid(child, &wait_status, 0) != child)
		return false;
	if (fate == FATE_LIVES)
		return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
	return WIFSIGNALED(wait_status);
}

void test_unbound(const char *name, unsigned long round)
{
	struct unbound_page *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	const char *function = function_name();
	unsigned level = find_level(name);
	enum fate fate = (enum fate)(round % 3);
	double end = now_s() + patience_s, start;
	unsigned in_flight;
	int holds, err;
	pid_t child, killer = 0;

	if (shared == MAP_FAILED)
		give_up("unbound step=mmap reason=%s", strerror(errno));
	child = fork_or_give_up();
	if (child == 0)
		victim(shared);
	while (!shared->submitted) {
		if (now_s() > end || waitpid(child, NULL, WNOHANG) == child)
			give_up("unbound step=victim reason=nothing-submitted");
		usleep(1000);
	}
	in_flight = records_unfinished(shared->records, QUEUE_SIZE);
	holds = queue_holds();
	if (fate == FATE_KILLED_MEANWHILE)
		killer = start_killer(child);
	start = now_s();
	err = unbind(level);
	report(!err && in_flight > 0,
	       "unbound level=%s round=%lu fate=%s in_flight=%u queue_holds=%d error=%d ms=%.0f",
	       name, round, fates[fate], in_flight, holds, err, (now_s() - start) * 1e3);
	if (killer)
		waitpid(killer, NULL, 0);
	report(end_victim(shared, child, fate), "unbound level=%s round=%lu victim", name, round);
	munmap(shared, PAGE);
	if (level == 2)
		unbind_function(function);
}
