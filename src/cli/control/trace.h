/* SPDX-License-Identifier: MIT */
/*
 * Events for clients of the control socket: who asks for them gets a line for each, until it says stop,
 * goes, or the machine does.
 *
 *   subscription   of one client: its reader of the ring, and what of it the client wants
 *   tracing        all of them: the ring is on while there is one, if it was off before
 *
 * A subscription keeps nothing that was not sent but the one buffer of its client. What a slow client does
 * not take is overwritten in the ring; it is counted and told.
 *
 * Threads: the server's. Functions that have the machine are called under the lock that keeps it from
 * going; subscription_fill() needs none.
 */
#ifndef CLI_CONTROL_TRACE_H
#define CLI_CONTROL_TRACE_H

#include <json.h>
#include <stdbool.h>

#include "vsva/machine.h"

/* How often a subscription looks for events while its client waits for some. */
#define SUBSCRIPTION_LOOK_MS 10
/* All clients together. */
#define SUBSCRIPTIONS_MAX 8u

struct subscription;

struct control_tracing {
	unsigned count;
	bool is_ours;        /* the ring is on because somebody subscribed */
	uint64_t generation; /* of the machine: how many there were before */
};

/* What the request says: "from", "until", "kinds". 0 or -errno, with *why. */
int subscription_open(struct control_tracing *tracing, struct vsva_machine *machine,
		      struct json_object *request, struct subscription **out, const char **why);
/* machine: now; NULL: there is none. NULL is ignored. */
void subscription_close(struct control_tracing *tracing, struct vsva_machine *machine,
			struct subscription *subscription);
/* The machine goes, or another one comes: subscriptions that are open end when they have told what they
 * still have. machine: the one before, or NULL. */
void control_tracing_change_machine(struct control_tracing *tracing, struct vsva_machine *machine);

/* Has its machine gone? Under the lock. */
bool subscription_is_orphan(const struct control_tracing *tracing,
			    const struct subscription *subscription);
/* What has come since, in lines with a newline each: malloc'd, *len bytes. NULL: nothing, or no memory.
 * *ends: this is all there will be, its last line says so. */
char *subscription_fill(struct subscription *subscription, bool is_orphan, size_t *len, bool *ends);

#endif
