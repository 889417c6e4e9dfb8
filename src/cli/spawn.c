/* SPDX-License-Identifier: MIT */
#include "cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Command lines */

#define WORDS_MAX 96

struct words {
	size_t count;
	bool is_short; /* of memory, or of room */
	char *argv[WORDS_MAX + 1];
};

struct words *words_create(void)
{
	return calloc(1, sizeof(struct words));
}

void words_destroy(struct words *words)
{
	if (!words)
		return;
	for (size_t i = 0; i < words->count; i++)
		free(words->argv[i]);
	free(words);
}

void words_add(struct words *words, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = words->count < WORDS_MAX ? vasprintf(&words->argv[words->count], format, args) : -1;
	va_end(args);
	if (len < 0) {
		words->argv[words->count] = NULL;
		words->is_short = true;
	} else {
		words->count++;
	}
}

char *const *words_argv(const struct words *words)
{
	return words->is_short ? NULL : words->argv;
}

/* Children */

/* In the child, between fork and exec. */
static void become(char *const *argv, const struct spawn_options *options, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (options->own_group)
		setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, options->death_signal);
	if (getppid() != parent)
		_exit(127); /* died before it could be told */
	if (options->in >= 0)
		dup2(options->in, STDIN_FILENO);
	if (options->out >= 0) {
		dup2(options->out, STDOUT_FILENO);
		dup2(options->out, STDERR_FILENO);
	}
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "vsva: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

pid_t spawn(char *const *argv, const struct spawn_options *options)
{
	pid_t parent = getpid(), child;

	if (!argv)
		return -ENOMEM;
	fflush(NULL);
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		become(argv, options, parent);
	return child;
}

int spawn_thread(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = -pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

int64_t spawn_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int spawn_wait(pid_t child, int64_t timeout_ms)
{
	int64_t end = spawn_now_ms() + timeout_ms;
	int status;

	for (;;) {
		pid_t ended = waitpid(child, &status, timeout_ms < 0 ? 0 : WNOHANG);

		if (ended == child)
			return status_of(status);
		if (ended < 0 && errno != EINTR)
			return -errno;
		if (ended == 0 && spawn_now_ms() >= end)
			return -ETIMEDOUT;
		if (ended == 0)
			poll(NULL, 0, 10);
	}
}

int spawn_end(pid_t child, int signal, int64_t timeout_ms)
{
	int status;

	kill(child, signal);
	status = spawn_wait(child, timeout_ms);
	if (status != -ETIMEDOUT)
		return status;
	kill(child, SIGKILL);
	return spawn_wait(child, -1);
}
