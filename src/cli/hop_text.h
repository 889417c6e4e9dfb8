/* SPDX-License-Identifier: MIT */
/* A hop in words. */
#ifndef CLI_HOP_TEXT_H
#define CLI_HOP_TEXT_H

#include "cli/events.h"
#include "cli/recorder.h"

struct hop_words {
	char who[64];              /* "alice/app", "VM 1", "host/one", "-" */
	char device[NAME_MAX_LEN]; /* "dsa0", "6a:00.0", "" */
	char what[192];            /* "bind done" */
	char pasids[48];           /* "guest 5 = host 0x1000", "" */
	char where[96];            /* "GVA 0x7f0000000000 -> HPA 0x140043000", "" */
};

/* An event of a trace as a hop, with all that is known of whose it is. */
struct hop traced_hop(const struct traced *event);

void hop_words_of(const struct names *names, const struct hop *hop, struct hop_words *out);

#endif
