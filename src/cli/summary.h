/* SPDX-License-Identifier: MIT */
/* How a run ended, in numbers. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "vsva/machine.h"

struct summary {
	const char *scenario;
	const char *cache_policy;
	uint64_t seed;

	uint64_t expectations, expectations_failed;
	uint64_t hops, hops_dropped; /* all events; not kept for telling */

	uint64_t page_requests, page_responses, pages_refused;
	uint64_t binds, unbinds, binds_refused;
	uint64_t accesses, faults;
	uint64_t pasids_allocated, pasids_leaked;
	uint64_t bound_left;   /* bindings when everything was destroyed */
	uint64_t groups_open;  /* page-request groups that were never answered */
	uint64_t groups_wrong; /* answered twice, or not asked for */
	uint64_t violations;   /* of the ledger */
	bool ledger_is_blind;

	struct vsva_unit_stats unit;
	int status; /* enum cli_status */
};

#endif
