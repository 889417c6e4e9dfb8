/* SPDX-License-Identifier: MIT */
/* Child processes: they end when we do, whatever becomes of us. */
#ifndef CLI_SPAWN_H
#define CLI_SPAWN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct words; /* a command line that grows */

struct words *words_create(void);
void words_destroy(struct words *words);
/* One word, formatted. No memory shows in words_argv(). */
void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* NULL-terminated, as long as words lives; NULL: there was no memory. */
char *const *words_argv(const struct words *words);

struct spawn_options {
	int in, out;      /* descriptors for its stdin and for its stdout and stderr; -1: ours */
	int death_signal; /* what it gets when we die */
	bool own_group;   /* a ^C on the terminal is for us alone */
};

/* argv[0] is looked for in PATH. Its process id, or -errno. */
pid_t spawn(char *const *argv, const struct spawn_options *options);
/* Exit status, or 128 + signal. Waits at most timeout_ms (negative: for ever): -ETIMEDOUT. */
int spawn_wait(pid_t child, int64_t timeout_ms);
/* Sends the signal and waits; SIGKILL when timeout_ms have passed. Its exit status. */
int spawn_end(pid_t child, int signal, int64_t timeout_ms);

/* A thread of our own, with all signals blocked: they are the main thread's. 0 or -errno. */
int spawn_thread(pthread_t *thread, void *(*run)(void *arg), void *arg);

/* Milliseconds of a clock that only goes on. */
int64_t spawn_now_ms(void);

#endif
