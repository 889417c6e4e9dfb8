/* SPDX-License-Identifier: MIT */
/* What every test on cmocka begins with. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* cmocka's handlers would go on with the next test, in the child too. */
static inline void unit_end_by_signals(void)
{
	static const int signals[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
}

/* How a child process that calls func(arg) ends, as of waitpid(). */
static inline int unit_run_in_child(void (*func)(void *arg), void *arg)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		unit_end_by_signals();
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		func(arg);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return status;
}

/* func(arg) must end in a failed CHECK. */
static inline void unit_expect_check(void (*func)(void *arg), void *arg)
{
	int status = unit_run_in_child(func, arg);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

#endif
