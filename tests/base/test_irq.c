// SPDX-License-Identifier: MIT
#include "unit.h"

#include <pthread.h>

#include "base/irq.h"
#include "base/rcu.h"

#define ROUNDS  300u
#define SETTERS 3u

static struct irq_line line;

static void count(void *arg, unsigned vector)
{
	unsigned *vectors = arg;

	vectors[vector]++;
}

static void test_one_is_told(void **state)
{
	unsigned first[4] = {0}, second[4] = {0};

	(void)state;
	irq_line_init(&line);
	irq_line_raise(&line, 1);
	irq_line_set(&line, count, first);
	irq_line_raise(&line, 1);
	irq_line_raise(&line, 3);
	irq_line_set(&line, count, second);
	irq_line_raise(&line, 3);
	irq_line_set(&line, NULL, NULL);
	irq_line_raise(&line, 3);
	assert_memory_equal(first, ((unsigned[]){0, 1, 0, 1}), sizeof(first));
	assert_memory_equal(second, ((unsigned[]){0, 0, 0, 1}), sizeof(second));
	irq_line_fini(&line);
}

/* Several change it at a time: whoever has said "nobody" is not told any more, and what he gave is
 * his to free. */

static unsigned setters_left; /* atomic */
static unsigned late;         /* atomic */

struct listener {
	bool listens;
};

static void hear(void *arg, unsigned vector)
{
	const struct listener *listener = arg;

	(void)vector;
	if (!listener->listens)
		__atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
}

static void *set(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct listener *listener = malloc(sizeof(*listener));

		listener->listens = true;
		irq_line_set(&line, hear, listener);
		irq_line_set(&line, NULL, NULL);
		listener->listens = false;
		free(listener);
	}
	__atomic_fetch_sub(&setters_left, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *raise_all(void *arg)
{
	(void)arg;
	while (__atomic_load_n(&setters_left, __ATOMIC_ACQUIRE))
		irq_line_raise(&line, 0);
	return NULL;
}

static void test_several_change_it(void **state)
{
	pthread_t setters[SETTERS], raiser;

	(void)state;
	irq_line_init(&line);
	setters_left = SETTERS;
	late = 0;
	for (unsigned i = 0; i < SETTERS; i++)
		assert_int_equal(pthread_create(&setters[i], NULL, set, NULL), 0);
	assert_int_equal(pthread_create(&raiser, NULL, raise_all, NULL), 0);
	for (unsigned i = 0; i < SETTERS; i++)
		pthread_join(setters[i], NULL);
	pthread_join(raiser, NULL);
	assert_int_equal(late, 0);
	irq_line_fini(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_is_told),
		cmocka_unit_test(test_several_change_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
