/* SPDX-License-Identifier: MIT */
#include "base/fail.h"

#ifdef VSVA_FAIL

struct fail_nth {
	uint64_t nth; /* 0: off */
	uint64_t hits;
	int stuck;
};

static _Thread_local struct fail_nth fail_nth;
static _Thread_local struct fail_frame *innermost;

/* Made by the linker. */
extern struct fail_site *const first_site[] __asm__("__start_vsva_fail_sites")
	__attribute__((visibility("hidden")));
extern struct fail_site *const end_site[] __asm__("__stop_vsva_fail_sites")
	__attribute__((visibility("hidden")));

void fail_nth_set(uint64_t nth, int stuck)
{
	fail_nth = (struct fail_nth){.nth = nth, .stuck = stuck};
}

uint64_t fail_nth_hits(void)
{
	return fail_nth.hits;
}

struct fail_site *const *fail_sites(size_t *count)
{
	*count = (size_t)(end_site - first_site);
	return first_site;
}

void fail_site_enter(struct fail_frame *frame, struct fail_site *site)
{
	__atomic_fetch_add(&site->reached, 1, __ATOMIC_RELAXED);
	frame->site = site;
	frame->outer = innermost;
	innermost = frame;
}

void fail_site_leave(const struct fail_frame *frame)
{
	innermost = frame->outer;
}

int fail_step(void)
{
	struct fail_nth *fail = &fail_nth;

	if (fail->nth == 0)
		return 0;
	fail->hits++;
	if (fail->hits != fail->nth && !(fail->stuck && fail->hits > fail->nth))
		return 0;
	for (struct fail_frame *frame = innermost; frame; frame = frame->outer)
		__atomic_fetch_add(&frame->site->failed, 1, __ATOMIC_RELAXED);
	return 1;
}

#endif
