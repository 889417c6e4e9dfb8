/* SPDX-License-Identifier: MIT */
/*
 * Telling what happens: to people as aligned text, to machines as one JSON object a line.
 *
 * Threads: one.
 */
#ifndef CLI_TELL_H
#define CLI_TELL_H

#include <stdio.h>

#include "cli/names.h"
#include "cli/recorder.h"
#include "cli/summary.h"

struct teller_ops;

struct teller {
	const struct teller_ops *ops;
	const struct names *names;
};

struct teller_ops {
	void (*section)(struct teller *teller, const char *text);
	void (*say)(struct teller *teller, const char *text);
	void (*hop)(struct teller *teller, const struct hop *hop);
	void (*expect)(struct teller *teller, bool is_met, const char *text, const char *where);
	void (*violation)(struct teller *teller, const char *text);
	void (*error)(struct teller *teller, const char *text);
	void (*summary)(struct teller *teller, const struct summary *summary);
	void (*destroy)(struct teller *teller);
};

enum tell_hops {
	TELL_HOPS_NONE,
	TELL_HOPS_SOME, /* of each kind the first few in a section; the rest is counted */
	TELL_HOPS_ALL,
};

struct tell_text_options {
	FILE *out;
	bool in_colour;
	bool quiet; /* only what went wrong */
};

/* NULL: no memory. */
struct teller *tell_text_create(const struct names *names, const struct tell_text_options *options,
				enum tell_hops hops);
struct teller *tell_json_create(const struct names *names, FILE *out);

#endif
