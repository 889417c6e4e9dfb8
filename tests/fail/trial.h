/* SPDX-License-Identifier: MIT */
/*
 * Fail the nth over the public functions: each has a trial, in which the 1st, 2nd, … step that can
 * fail (base/fail.h) fails, once and from there on always, until there is no nth step.
 *
 *   world      what the function is called in: made anew for each step that fails
 *   state      all that an onlooker can see of it, as text (state.h)
 *   UNDONE     an error leaves the state as it was before, and the same call then succeeds
 *   DONE       what gives something up: whatever fails, the state is as after success
 *   EITHER     it depends on the error
 *   NO_STEP    no step of it can fail
 *
 * After each: what was done is undone, memory in use is what it is after a success that was undone, and
 * when the world is gone nothing of it is left.
 */
#ifndef TESTS_FAIL_TRIAL_H
#define TESTS_FAIL_TRIAL_H

#include "unit.h"

#include <errno.h>

#include "world.h"

/* Errors that a step's failure may be answered with. */
enum {
	MAY_NOMEM = 1 << 0,
	MAY_NOSPC = 1 << 1,
	MAY_TIMEDOUT = 1 << 2,
	MAY_AGAIN = 1 << 3,
	MAY_NFILE = 1 << 4,
	MAY_IO = 1 << 5,
	MAY_NODEV = 1 << 6,
	ALL = (1 << 7) - 1,
};

struct trial {
	const char *function;
	const char *variant; /* "": the plain call */
	void (*setup)(struct fail_world *w);
	/* The call, which can be made again after an error. 0 or -errno. */
	int (*run)(struct fail_world *w);
	/* NULL: what it made is of the world, and goes with it. */
	void (*undo)(struct fail_world *w);
	/* What a guest does when its request was refused without a word: it invalidates again. Returned
	 * 0, and done then. */
	void (*again)(struct fail_world *w);
	unsigned may;        /* MAY_*: errors that the failure of a step may be answered with */
	unsigned done_if;    /* after these it is done all the same */
	unsigned neither_if; /* after these the state is neither as before nor as after */
	unsigned lost_if;    /* after these it can only be torn down */
	bool has_no_step;
};

/* Rows. run_NAME calls vsva_NAME, which the census looks for. */
#define RUN(name) static int run_##name(struct fail_world *w)
#define TRIAL(name, setup_, ...)                                                                   \
	{                                                                                          \
		.function = "vsva_" #name, .variant = "", .setup = setup_, .run = run_##name,      \
		__VA_ARGS__                                                                        \
	}
#define UNDONE(name, setup, undo_, may_) TRIAL(name, setup, .undo = undo_, .may = may_)
#define EITHER(name, setup, undo_, may_, done_if_)                                                 \
	TRIAL(name, setup, .undo = undo_, .may = may_, .done_if = done_if_)
#define DONE(name, setup, may_)     TRIAL(name, setup, .may = may_, .done_if = ALL)
#define NO_STEP(name, setup, undo_) TRIAL(name, setup, .undo = undo_, .has_no_step = true)
/* The same function called another way. */
#define VARIANT(name, how, run_, setup_, ...)                                                      \
	{                                                                                          \
		.function = "vsva_" #name, .variant = how, .setup = setup_, .run = run_,           \
		__VA_ARGS__                                                                        \
	}

/* Ends with a row that has no function. */
extern const struct trial ioasid_trials[], domain_trials[], bind_trials[], container_trials[],
	kvm_trials[], mm_trials[], machine_trials[], device_trials[], vm_trials[], mdev_trials[],
	guest_trials[], look_trials[], server_trials[];

int trial_teardown(void **state);
void trial_run(const struct trial *trial);

#endif
