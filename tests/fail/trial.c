// SPDX-License-Identifier: MIT
#include "trial.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rcu.h"
#include "server/client.h"
#include "state.h"

struct footprint {
	size_t bytes, blocks, pages, files;
};

/* What an undisturbed run looks like. */
struct reference {
	struct state before, after;
	struct footprint undone; /* memory when it has been undone */
	uint64_t steps;
};

/* Too large for a stack. */
static struct reference reference;
static struct state seen;

static const struct {
	unsigned may;
	int err;
} errors[] = {
	{MAY_NOMEM, -ENOMEM}, {MAY_NOSPC, -ENOSPC}, {MAY_TIMEDOUT, -ETIMEDOUT},
	{MAY_AGAIN, -EAGAIN}, {MAY_NFILE, -EMFILE}, {MAY_IO, -EIO},
	{MAY_NODEV, -ENODEV},
};

/* Its bit; 0: no error that a trial knows. */
static unsigned may_of(int err)
{
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].err == err)
			return errors[i].may;
	return 0;
}

static struct footprint footprint_of(struct fail_world *w)
{
	struct vsva_memory_stats stats;

	vsva_machine_memory(w->machine, &stats);
	return (struct footprint){stats.record_bytes, stats.records, stats.table_pages, 0};
}

static void open_world(const struct trial *trial, struct fail_world *w)
{
	world_create(w);
	trial->setup(w);
	world_run(w);
}

/* What there is outside of any world is as before. */
static void close_world(struct fail_world *w, const struct footprint *outside)
{
	world_destroy(w);
	rcu_barrier();
	assert_int_equal(base_bytes_in_use(), outside->bytes);
	assert_int_equal(base_blocks_in_use(), outside->blocks);
	assert_int_equal(count_fds(), outside->files);
}

static struct footprint outside_now(void)
{
	rcu_barrier();
	return (struct footprint){base_bytes_in_use(), base_blocks_in_use(), 0, count_fds()};
}

static void look(struct fail_world *w, struct state *state)
{
	world_run(w);
	state_take(w, state);
}

/* From the line on where it differs from the other. */
static const char *first_difference(const char *text, const char *other)
{
	const char *line = text;

	for (; *text && *text == *other; text++, other++)
		if (*text == '\n')
			line = text + 1;
	return line;
}

static void expect_state(struct fail_world *w, const struct state *expected, const char *when)
{
	look(w, &seen);
	if (strcmp(seen.text, expected->text))
		fail_msg("%s it should be\n%s\nand is\n%s", when,
			 first_difference(expected->text, seen.text),
			 first_difference(seen.text, expected->text));
}

static void undo(const struct trial *trial, struct fail_world *w)
{
	if (trial->undo)
		trial->undo(w);
	world_run(w);
}

static void run_undisturbed(const struct trial *trial)
{
	struct footprint outside = outside_now();
	struct fail_world w;

	open_world(trial, &w);
	look(&w, &reference.before);
	fail_nth_set(UINT64_MAX, 0);
	assert_int_equal(trial->run(&w), 0);
	reference.steps = fail_nth_hits();
	fail_nth_set(0, 0);
	if (trial->again)
		trial->again(&w);
	look(&w, &reference.after);
	undo(trial, &w);
	reference.undone = footprint_of(&w);
	close_world(&w, &outside);
}

static void expect_undone(const struct trial *trial, struct fail_world *w)
{
	struct footprint undone;

	undo(trial, w);
	undone = footprint_of(w);
	assert_int_equal(undone.bytes, reference.undone.bytes);
	assert_int_equal(undone.blocks, reference.undone.blocks);
	assert_int_equal(undone.pages, reference.undone.pages);
}

static void run_failing(const struct trial *trial, uint64_t nth, int stuck)
{
	struct footprint outside = outside_now();
	struct fail_world w;
	int err;

	open_world(trial, &w);
	fail_nth_set(nth, stuck);
	err = trial->run(&w);
	assert_true(fail_nth_hits() >= nth);
	fail_nth_set(0, 0);
	if (err && !(trial->may & may_of(err)))
		fail_msg("it returns %d (%s)", err, strerror(-err));
	world_settle(&w);
	if (trial->lost_if & may_of(err)) {
		close_world(&w, &outside);
		return;
	}
	if (err && !(trial->done_if & may_of(err))) {
		if (!(trial->neither_if & may_of(err)))
			expect_state(&w, &reference.before, "after the error");
		assert_int_equal(trial->run(&w), 0);
	} else if (trial->again)
		trial->again(&w);
	expect_state(&w, &reference.after, "when it is done");
	expect_undone(trial, &w);
	close_world(&w, &outside);
}

static const struct trial *current;
static uint64_t current_nth;
static int current_stuck;

/* What a failed assertion says does not say where: cmocka leaves by a jump. */
static void tell_where(void)
{
	if (current)
		print_message("# %s%s: step %llu of %llu fails%s\n", current->function,
			      current->variant, (unsigned long long)current_nth,
			      (unsigned long long)reference.steps,
			      current_stuck ? ", and all after it" : "");
}

int trial_teardown(void **state)
{
	(void)state;
	fail_nth_set(0, 0);
	tell_where();
	current = NULL;
	return 0;
}

void trial_run(const struct trial *trial)
{
	current = trial;
	current_nth = 0;
	run_undisturbed(trial); /* what is made once in the life of a process */
	run_undisturbed(trial);
	assert_int_equal(reference.steps == 0, trial->has_no_step);
	for (current_stuck = 0; current_stuck < 2; current_stuck++)
		for (current_nth = 1; current_nth <= reference.steps; current_nth++)
			run_failing(trial, current_nth, current_stuck);
	current = NULL;
}
