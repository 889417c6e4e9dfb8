// SPDX-License-Identifier: MIT
/* vsva/mm.h and vsva/sva.h */
#include "trial.h"

#define RW (VSVA_PROT_READ | VSVA_PROT_WRITE)

RUN(mm_create)
{
	return vsva_mm_create(w->iommu, 0, &w->mm);
}

RUN(mm_put)
{
	vsva_mm_put(w->mm);
	w->mm = NULL;
	return 0;
}

static void undo_create(struct fail_world *w)
{
	run_mm_put(w);
}

RUN(mm_get)
{
	vsva_mm_get(w->mm);
	return 0;
}

static void undo_get(struct fail_world *w)
{
	vsva_mm_put(w->mm);
}

RUN(mm_exit)
{
	vsva_mm_exit(w->mm);
	return 0;
}

RUN(mm_map)
{
	return vsva_mm_map(w->mm, uva(0), 4 * VSVA_PAGE_SIZE, RW, &w->area);
}

RUN(mm_unmap)
{
	return vsva_mm_unmap(w->mm, w->area, VSVA_PAGE_SIZE);
}

static void undo_map(struct fail_world *w)
{
	assert_int_equal(vsva_mm_unmap(w->mm, w->area, 4 * VSVA_PAGE_SIZE), 0);
}

/* Four pages, of which the second is unmapped or protected: the area is cut twice. */
static void setup_cut(struct fail_world *w)
{
	world_sva(w);
	assert_int_equal(run_mm_map(w), 0);
	w->area.v += VSVA_PAGE_SIZE;
	assert_int_equal(vsva_mm_fault_in(w->mm, w->area, true), 0);
}

RUN(mm_protect)
{
	return vsva_mm_protect(w->mm, w->area, VSVA_PAGE_SIZE, VSVA_PROT_READ);
}

RUN(mm_fault_in)
{
	return vsva_mm_fault_in(w->mm, w->area, true);
}

RUN(mm_write)
{
	return vsva_mm_write(w->mm, w->area, &w->extra, sizeof(w->extra));
}

RUN(mm_read)
{
	return vsva_mm_read(w->mm, w->area, &w->extra, sizeof(w->extra));
}

static void setup_access(struct fail_world *w)
{
	world_mm(w);
	assert_int_equal(run_mm_map(w), 0);
}

RUN(mm_peek)
{
	uint8_t byte;

	return vsva_mm_peek(w->mm, w->area, &byte);
}

RUN(sva_enable)
{
	return vsva_sva_enable(w->dev);
}

RUN(sva_disable)
{
	return vsva_sva_disable(w->dev);
}

static void undo_enable(struct fail_world *w)
{
	assert_int_equal(run_sva_disable(w), 0);
}

static void setup_disable(struct fail_world *w)
{
	world_host_attached(w);
	assert_int_equal(run_sva_enable(w), 0);
}

RUN(sva_bind)
{
	return vsva_sva_bind(w->dev, w->mm, 0, NULL, NULL, &w->sva);
}

RUN(sva_unbind)
{
	int err = vsva_sva_unbind(w->sva);

	w->sva = NULL;
	return err;
}

static void undo_bind(struct fail_world *w)
{
	assert_int_equal(run_sva_unbind(w), 0);
}

static void setup_first_bind(struct fail_world *w)
{
	world_mm_area(w);
	setup_disable(w);
}

static void setup_bind(struct fail_world *w)
{
	setup_first_bind(w);
	assert_int_equal(run_sva_bind(w), 0);
	undo_bind(w);
}

/* The device wants the second page, which is not there yet. */
static int run_ask(struct fail_world *w)
{
	world_write(w, vsva_sva_pasid(w->sva), w->area.v + VSVA_PAGE_SIZE);
	return 0;
}

static void ask_again(struct fail_world *w)
{
	if (vsva_mm_page_count(w->mm) < 2)
		run_ask(w);
}

const struct trial mm_trials[] = {
	UNDONE(mm_create, world_bare, undo_create, MAY_NOMEM),
	NO_STEP(mm_put, world_mm_area, NULL),
	NO_STEP(mm_get, world_mm, undo_get),
	DONE(mm_exit, world_sva, 0),
	UNDONE(mm_map, world_mm, undo_map, MAY_NOMEM),
	/* the page comes back with the next one that works */
	TRIAL(mm_unmap, setup_cut, .may = MAY_NOMEM | MAY_TIMEDOUT, .neither_if = MAY_TIMEDOUT),
	EITHER(mm_protect, setup_cut, NULL, MAY_NOMEM | MAY_TIMEDOUT, MAY_TIMEDOUT),
	UNDONE(mm_fault_in, setup_access, NULL, MAY_NOMEM),
	UNDONE(mm_write, setup_access, NULL, MAY_NOMEM),
	UNDONE(mm_read, setup_access, NULL, MAY_NOMEM),
	NO_STEP(mm_peek, world_mm_area, NULL),
	UNDONE(sva_enable, world_host_attached, undo_enable, MAY_TIMEDOUT),
	NO_STEP(sva_disable, setup_disable, NULL),
	UNDONE(sva_bind, setup_bind, undo_bind, MAY_NOMEM | MAY_NOSPC | MAY_TIMEDOUT),
	/* the set of the host's PASIDs stays */
	VARIANT(sva_bind, " for the first time", run_sva_bind, setup_first_bind, .undo = undo_bind,
		.may = MAY_NOMEM | MAY_NOSPC | MAY_TIMEDOUT | MAY_AGAIN, .neither_if = ALL),
	DONE(sva_unbind, world_sva, MAY_TIMEDOUT),
	{.function = "page request",
	 .variant = " of a host process",
	 .setup = world_sva,
	 .run = run_ask,
	 .again = ask_again},
	{.function = NULL},
};
