/* SPDX-License-Identifier: MIT */
/*
 * Threads that run one at a time, as contexts of one thread of the system's: changing between them
 * costs no system call that waits, and a process that is forked has them all. Each has a stack of its
 * own and its own values of this program's thread-local variables.
 */
#ifndef BASE_SCHED_CONTEXT_H
#define BASE_SCHED_CONTEXT_H

#ifdef VSVA_SCHED

#include <stddef.h>

struct sched_context {
	void *top; /* of its stack, where its registers are while another runs */
	void *stack;
	size_t stack_len;
	void *locals;     /* thread-local variables, while another runs */
	void *fake_stack; /* the address sanitizer's */
	void (*run)(void *arg);
	void *arg;
};

/* The caller's own. */
void sched_context_adopt(struct sched_context *context);
/* run(arg) begins with the first switch to it and must not return. Kept until the program ends. */
void sched_context_make(struct sched_context *context, void (*run)(void *arg), void *arg);
/* Its thread-local variables are as a new thread's from now on. Not of the caller's. */
void sched_context_reset_locals(struct sched_context *context);
/* Returns when somebody switches back. */
void sched_context_switch(struct sched_context *from, struct sched_context *to);

#endif
#endif
