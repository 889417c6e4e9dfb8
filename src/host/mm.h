/* SPDX-License-Identifier: MIT */
/*
 * A native address space, as the rest of the driver sees it: its root, and notifiers.
 *
 *   notifier   somebody who caches translations of the address space
 *   condemned  a page, or a table, that is not present any more and is freed when all notifiers
 *              have returned
 *   in doubt   a notifier could not make sure: what is condemned stays so until the next round of
 *              notifiers that works, or mm_settle()
 *
 * The order of every change (as of the kernel's invalidate_range): entries, notifiers, a grace
 * period, pages and tables. Tables too, because paging-structure caches point to them: freed
 * earlier and used again, a stale one would make a device read somebody's data as page-table
 * entries.
 */
#ifndef HOST_MM_H
#define HOST_MM_H

#include "base/physmem.h"
#include "base/trace.h"
#include "host/list.h"
#include "vsva/mm.h"

/* Both are called with the address space's lock held: they may wait for the unit, and must not call
 * back. 0; -errno: it is in doubt whether a translation is left. */
struct mm_notifier_ops {
	/* Of [start, end) something was taken away: no access by it when this returns. Whole pages.
	 * */
	int (*invalidate_range)(void *arg, uint64_t start, uint64_t end);
	/* The address space is about to die: no access at all when this returns. The last call. In
	 * doubt: the callee has a reference, and calls mm_settle() in the end. */
	int (*release)(void *arg);
	/* The last reference has gone; without the lock. May be NULL. */
	void (*destroy)(void *arg);
};

/* Belongs to whoever registers it. */
struct mm_notifier {
	struct list in_mm; /* lock of the mm */
	const struct mm_notifier_ops *ops;
	void *arg;
};

struct mm_config {
	struct physmem *physmem;
	const struct trace *trace; /* may be NULL */
	uint32_t flags;            /* VSVA_MM_* */
};

/* 0; -ENOMEM. */
int mm_create(const struct mm_config *config, struct vsva_mm **out);

/* One reference more by somebody who has none, inside an RCU read section in which he has found it.
 * false: the last has gone. */
bool mm_get_living(struct vsva_mm *mm);

hpa_t mm_root(const struct vsva_mm *mm);
bool mm_is_kernel(const struct vsva_mm *mm);

/* Told after those that are registered already. 0; -ESRCH: it has exited. */
int mm_notifier_register(struct vsva_mm *mm, struct mm_notifier *notifier);
/* When it returns none of its functions is running or will be called. Not from one of them. Of one
 * that was released too. */
void mm_notifier_unregister(struct vsva_mm *mm, struct mm_notifier *notifier);

/* One pointer for whoever binds the address space to devices; he serialises. */
void *mm_binder(const struct vsva_mm *mm);
void mm_set_binder(struct vsva_mm *mm, void *binder);

/* After a release in doubt: the unit has answered, or is off. */
void mm_settle(struct vsva_mm *mm);

#endif
