/* SPDX-License-Identifier: MIT */
/*
 * Work in flight: how many descriptors a device had taken and not finished, and how many page
 * requests it had not got an answer to, at the moment when something came to stop them. Counted
 * from the events alone (vsva/trace.h), so that nobody's own word is needed that a process, a driver
 * or a VM died while the device worked for it.
 *
 *   moment     an unbind begins, or a device is told to stop: a command, or a reset of the function
 *   about      one PASID of the requester, or all of it
 *
 * Threads: flight_observe() from any thread, also inside the library's locks: it takes one lock of
 * its own. The rest by one thread.
 */
#ifndef CLI_FLIGHT_H
#define CLI_FLIGHT_H

#include "vsva/trace.h"

struct flight;

struct flight_moment {
	enum vsva_event_kind kind; /* VSVA_EV_UNBIND or VSVA_EV_STOP */
	unsigned command;          /* of a stop: of the accelerator; 0: the function is reset */
	rid_t rid;
	hpasid_t pasid; /* VSVA_PASID_INVALID: the whole requester */
	gpasid_t guest; /* as it was bound; VSVA_PASID_INVALID: not known */
	uint32_t vm;    /* whose the PASID is, or the requester; 0: not known */
	uint64_t descriptors, page_requests;
};

/* NULL: no memory. */
struct flight *flight_create(void);
void flight_destroy(struct flight *flight);

void flight_observe(struct flight *flight, const struct vsva_event *event);

/* The oldest moment with work in flight that was not taken yet. false: there is none. */
bool flight_take(struct flight *flight, struct flight_moment *out);
/* Moments lost, because nobody took them in time or there was no memory to count. */
uint64_t flight_lost(struct flight *flight);

/* "unbind", "drain-queue", "function-reset" and so on. Never NULL. */
const char *flight_moment_name(const struct flight_moment *moment);

#endif
