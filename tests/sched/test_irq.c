// SPDX-License-Identifier: MIT
/* Two threads change who is told of interrupts while a third one tells: every interleaving with at most two
 * preemptions. */
#include "explore.h"

#include "base/irq.h"

struct listener {
	bool listens;
};

struct world {
	struct irq_line line;
	struct listener first, second;
};

static void hear(void *arg, unsigned vector)
{
	const struct listener *listener = arg;

	(void)vector;
	if (!listener->listens)
		explore_fail("told who does not listen any more");
}

static void *setup(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));

	(void)seed;
	EXPLORE_CHECK(w);
	irq_line_init(&w->line);
	return w;
}

static void check(void *world)
{
	irq_line_raise(&((struct world *)world)->line, 0);
}

static void teardown(void *world)
{
	irq_line_fini(&((struct world *)world)->line);
	free(world);
}

static void come_and_go(void *world)
{
	struct world *w = world;

	w->first.listens = true;
	irq_line_set(&w->line, hear, &w->first);
	irq_line_set(&w->line, NULL, NULL);
	w->first.listens = false;
}

static void come(void *world)
{
	struct world *w = world;

	w->second.listens = true;
	irq_line_set(&w->line, hear, &w->second);
}

static void tell(void *world)
{
	irq_line_raise(&((struct world *)world)->line, 0);
}

static const struct explore_plan plan = {.preemptions = 2};

static struct explore_case case_named(const char *name)
{
	return (struct explore_case){
		.name = name,
		.setup = setup,
		.actors = {{"come and go", come_and_go}, {"come", come}, {"tell", tell}},
		.check = check,
		.teardown = teardown,
	};
}

static void test_nobody_is_told_who_has_gone(void **state)
{
	struct explore_case test = case_named("irq");

	(void)state;
	explore_expect_good(&test, &plan);
}

static void test_control_changes_at_once(void **state)
{
	struct explore_case test = case_named("unlocked");

	(void)state;
	test.sabotage.no_lock = "irq line";
	explore_expect_found(&test, &plan, EXPLORE_FAILED);
}

static void test_control_no_grace_period(void **state)
{
	struct explore_case test = case_named("unwaited");

	(void)state;
	test.sabotage.skip_grace_periods = true;
	explore_expect_found(&test, &plan, EXPLORE_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_told_who_has_gone),
		cmocka_unit_test(test_control_changes_at_once),
		cmocka_unit_test(test_control_no_grace_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
