/* SPDX-License-Identifier: MIT */
/*
 * Fail the nth: a test makes the nth step that can fail do so, and learns which places of the source
 * it has reached so.
 *
 *   step   what can fail and is not our own mistake: an allocation, a number out of a pool, a call of
 *          the operating system, the answer of hardware
 *   site   a place in the source that takes one: a call of a seam (base_zalloc, worker_create,
 *          sparse_set, …), or of fail_nth_now() itself. A step is reached through all sites that are
 *          being called then: base_calloc() in sparse.c and sparse_set() of whoever called it
 *
 * Where neither tests nor debug checks are built nothing of this is left: a site is the bare call.
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#ifdef VSVA_FAIL

struct fail_site {
	const char *file, *function;
	const char *call; /* as it stands there */
	unsigned line;
	uint64_t reached, failed; /* atomic; since the program began */
};

/* A call of a site that has not returned; the thread's calls form a list, the innermost first. */
struct fail_frame {
	struct fail_site *site;
	struct fail_frame *outer;
};

/*
 * The nth step from now (1 = the next) fails, and with stuck every later one too. 0 switches it off.
 * fail_nth_hits() says how many steps were taken since the last fail_nth_set(). Of the calling thread
 * alone.
 */
void fail_nth_set(uint64_t nth, int stuck);
uint64_t fail_nth_hits(void);
/* The sites of this program or library, in no order. A function that was inlined from a header has one
 * for each file that includes it. */
struct fail_site *const *fail_sites(size_t *count);

void fail_site_enter(struct fail_frame *frame, struct fail_site *site);
void fail_site_leave(const struct fail_frame *frame);
/* Takes a step; not 0: it is to fail. */
int fail_step(void);

/* The call of a seam that takes steps. Pointers stand in the section, because their place in it is
 * sure to have no gaps. */
#define FAIL_SITE(...)                                                                             \
	__extension__({                                                                            \
		static struct fail_site fail_site_ = {__FILE__, __func__, #__VA_ARGS__,            \
						      __LINE__, 0,        0};                      \
		static struct fail_site *const fail_entry_                                         \
			__attribute__((section("vsva_fail_sites"), used)) = &fail_site_;           \
		struct fail_frame fail_frame_;                                                     \
		fail_site_enter(&fail_frame_, fail_entry_);                                        \
		__auto_type fail_result_ = (__VA_ARGS__);                                          \
		fail_site_leave(&fail_frame_);                                                     \
		fail_result_;                                                                      \
	})

/* A step that no other seam takes: should it fail? */
#define fail_nth_now() FAIL_SITE(fail_step())

#else

#define FAIL_SITE(...) (__VA_ARGS__)
#define fail_nth_now() 0

#endif

/* A call of the operating system: its result, or, made to fail, `failed` with this errno. */
#define FAIL_CALL(failed, error, ...) (fail_nth_now() ? (errno = (error), (failed)) : (__VA_ARGS__))

#endif
