/* SPDX-License-Identifier: MIT */
/* Are two answers the same, and if not, the whole story. */
#ifndef WITNESS_REPORT_H
#define WITNESS_REPORT_H

#include "subject.h"
#include "tape.h"

/* The first thing in which the unit's answer differs from the witness's, or NULL. tape: the
 * witness's, of this request. */
const char *report_difference(const struct tape *tape, const struct refwalk_request *request,
			      const struct refwalk_result *witness, const struct answer *unit);

/* Request, both results, and each entry on the witness's path: as it was read, and as it is now in
 * both memories. To standard output, as TAP diagnostics. */
void report_request(const struct tape *tape, const struct subject *subject,
		    const struct refwalk_request *request, const struct refwalk_result *witness,
		    const struct answer *unit);
void report_world(const struct gen_world *world);

#endif
