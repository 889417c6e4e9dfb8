/* SPDX-License-Identifier: MIT */
/*
 * Who is told of a function's interrupts: somebody or nobody, changed while interrupts come.
 *
 * Threads: all functions but init and fini from any, at the same time. A change waits for who is being
 * told.
 */
#ifndef BASE_IRQ_H
#define BASE_IRQ_H

#include "base/lock.h"

struct irq_listener {
	void (*irq)(void *arg, unsigned vector);
	void *arg;
};

struct irq_line {
	struct lock lock; /* LOCK_RANK_IRQ: writers; held while they wait for readers */
	struct irq_listener *listener; /* RCU; NULL: nobody */
	struct irq_listener storage;   /* lock; written while listener is NULL and has no reader */
};

/* Nobody. */
void irq_line_init(struct irq_line *line);
/* Nobody tells any more. */
void irq_line_fini(struct irq_line *line);
/* irq NULL: nobody. irq must not block. When this returns the one before is not running. Not inside an
 * RCU read section. */
void irq_line_set(struct irq_line *line, void (*irq)(void *arg, unsigned vector), void *arg);
/* Tells of a vector, inside an RCU read section of its own. No lock that the listener takes. */
void irq_line_raise(struct irq_line *line, unsigned vector);

#endif
