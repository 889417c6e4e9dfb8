/* SPDX-License-Identifier: MIT */
/* The ledger in a test: whoever makes a machine passes its events on, and asks for the verdict at the end. */
#ifndef TESTS_WATCH_H
#define TESTS_WATCH_H

#include "unit.h"

#include "cli/ledger.h"

static inline void watch_report(void *arg, const char *text)
{
	(void)arg;
	print_message("%s\n", text);
}

static inline struct ledger *watch_begin(void)
{
	struct ledger *ledger = ledger_create(watch_report, NULL);

	assert_non_null(ledger);
	return ledger;
}

/* Nobody touched what he must not, and nothing is bound any more. */
static inline void watch_end(struct ledger *ledger)
{
	struct ledger_counts counts;

	ledger_get_counts(ledger, &counts);
	ledger_destroy(ledger);
	assert_int_equal(counts.violations, 0);
	assert_int_equal(counts.bound_now, 0);
	assert_false(counts.is_blind);
}

#endif
