// SPDX-License-Identifier: MIT
#include "base/irq.h"

#include "base/rcu.h"

void irq_line_init(struct irq_line *line)
{
	*line = (struct irq_line){0};
	lock_init(&line->lock, LOCK_RANK_IRQ, "irq line");
}

void irq_line_fini(struct irq_line *line)
{
	lock_destroy(&line->lock);
}

/* The storage is there once, so that a change cannot fail. */
void irq_line_set(struct irq_line *line, void (*irq)(void *arg, unsigned vector), void *arg)
{
	lock_take(&line->lock);
	rcu_publish(line->listener, NULL);
	rcu_synchronize();
	if (irq) {
		line->storage = (struct irq_listener){irq, arg};
		rcu_publish(line->listener, &line->storage);
	}
	lock_drop(&line->lock);
}

void irq_line_raise(struct irq_line *line, unsigned vector)
{
	struct irq_listener *listener;

	rcu_read_lock();
	listener = rcu_load(line->listener);
	if (listener)
		listener->irq(listener->arg, vector);
	rcu_read_unlock();
}
