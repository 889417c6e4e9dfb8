// SPDX-License-Identifier: MIT
#include "cli/control/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/control/request.h"
#include "cli/event_line.h"
#include "cli/json_text.h"

/* Of each thread, if the ring is made by a subscription: a fifth of a second of a busy device. */
#define RING_EVENTS 16384u
/* Of one buffer, and of the events that are looked at for it. */
#define FILL_BYTES  (64u << 10)
#define FILL_EVENTS 64u
#define PIECES_MAX  64u

struct subscription {
	struct vsva_trace_reader *reader;
	bool kinds[VSVA_EV_KIND_COUNT];
	uint64_t until_ns;   /* events of a later moment are not told; 0: all are */
	uint64_t generation; /* of its machine */
};

/* Requests */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool take_kinds(struct subscription *subscription, struct json_object *kinds)
{
	enum vsva_event_kind kind;
	struct json_object *name;

	if (!kinds) {
		memset(subscription->kinds, true, sizeof(subscription->kinds));
		return true;
	}
	if (!json_object_is_type(kinds, json_type_array))
		return false;
	JSON_FOR_EACH (kinds, name) {
		if (!json_object_is_type(name, json_type_string) ||
		    !event_kind_parse(json_object_get_string(name), &kind))
			return false;
		subscription->kinds[kind] = true;
	}
	return true;
}

/* The member says the word, or is not there; *is: which. */
static bool take_word(struct json_object *request, const char *key, const char *word, bool *is)
{
	const char *text = json_text_of(request, key);

	*is = text != NULL;
	return !json_member(request, key) || (text && !strcmp(text, word));
}

static int open_reader(struct control_tracing *tracing, struct vsva_machine *machine,
		       bool from_oldest, struct vsva_trace_reader **out)
{
	bool was_on = vsva_machine_trace_is_on(machine);
	int err = vsva_machine_trace_start(machine, RING_EVENTS);

	if (!err)
		err = vsva_machine_trace_reader(machine, from_oldest, out);
	if (!was_on && err)
		vsva_machine_trace_stop(machine);
	if (!was_on && !err)
		tracing->is_ours = true;
	return err;
}

/* Who only wants what there is switches nothing on. */
static int open_last(struct vsva_machine *machine, struct vsva_trace_reader **out)
{
	int err = vsva_machine_trace_reader(machine, true, out);

	*out = err ? NULL : *out;
	return err == -ENOENT ? 0 : err;
}

int subscription_open(struct control_tracing *tracing, struct vsva_machine *machine,
		      struct json_object *request, struct subscription **out, const char **why)
{
	struct subscription *made;
	bool from_oldest, until_now;
	int err;

	*why = "there are as many clients with events as the server takes";
	if (tracing->count == SUBSCRIPTIONS_MAX)
		return -EUSERS;
	*why = NULL;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	*why = "trace: \"from\" is \"oldest\", \"until\" is \"now\", \"kinds\" a list of kinds of "
	       "events: `vsva run --list-events` has them";
	err = take_word(request, "from", "oldest", &from_oldest) &&
			      take_word(request, "until", "now", &until_now) &&
			      take_kinds(made, json_member(request, "kinds"))
		      ? 0
		      : -EINVAL;
	if (!err) {
		*why = NULL;
		made->until_ns = until_now ? now_ns() : 0;
		err = until_now ? open_last(machine, &made->reader)
				: open_reader(tracing, machine, from_oldest, &made->reader);
	}
	if (err) {
		free(made);
		return err;
	}
	made->generation = tracing->generation;
	tracing->count++;
	*out = made;
	return 0;
}

int control_trace(struct control_request *request, const char **why)
{
	bool wants = json_flag_of(request->line, "trace");
	int err = 0;

	*why = "this connection gets events already";
	if (wants && *request->subscription)
		return -EBUSY;
	if (wants) {
		err = subscription_open(request->tracing, request->machine, request->line,
					request->subscription, why);
	} else {
		subscription_close(request->tracing, request->machine, *request->subscription);
		*request->subscription = NULL;
	}
	if (!err)
		json_add_flag(request->answer, "done", true);
	return err;
}

bool subscription_is_orphan(const struct control_tracing *tracing,
			    const struct subscription *subscription)
{
	return subscription->generation != tracing->generation;
}

static void switch_off(struct control_tracing *tracing, struct vsva_machine *machine)
{
	if (machine && tracing->is_ours)
		vsva_machine_trace_stop(machine);
	tracing->is_ours = false;
}

void subscription_close(struct control_tracing *tracing, struct vsva_machine *machine,
			struct subscription *subscription)
{
	if (!subscription)
		return;
	tracing->count--;
	if (!tracing->count)
		switch_off(tracing, machine);
	vsva_trace_reader_destroy(subscription->reader);
	free(subscription);
}

void control_tracing_change_machine(struct control_tracing *tracing, struct vsva_machine *machine)
{
	switch_off(tracing, machine);
	tracing->generation++;
}

/* Lines */

static size_t put_lost(char *line, uint64_t lost)
{
	return lost ? (size_t)sprintf(line, "{\"lost\":%" PRIu64 "}\n", lost) : 0;
}

static size_t put_event(char *line, const struct vsva_record *record)
{
	size_t len = event_line_format(line, record);

	line[len] = '\n';
	return len + 1;
}

/* Room that a piece may need: what was lost, its events, and the end. */
#define PIECE_BYTES ((FILL_EVENTS + 2) * EVENT_LINE_MAX)

/* Up to FILL_EVENTS events; false: there were no more. */
static bool fill_piece(struct subscription *subscription, char *text, size_t *used)
{
	struct vsva_record records[FILL_EVENTS];
	uint64_t lost;
	size_t count;

	if (!subscription->reader)
		return false;
	count = vsva_trace_read(subscription->reader, records, FILL_EVENTS, &lost);
	*used += put_lost(text + *used, lost);
	for (size_t i = 0; i < count; i++) {
		if (subscription->until_ns && records[i].time_ns > subscription->until_ns)
			return false;
		if (subscription->kinds[records[i].event.kind])
			*used += put_event(text + *used, &records[i]);
	}
	return count == FILL_EVENTS;
}

char *subscription_fill(struct subscription *subscription, bool is_orphan, size_t *len, bool *ends)
{
	char *text = malloc(FILL_BYTES);
	bool has_more = true;

	*ends = false;
	*len = 0;
	if (!text)
		return NULL;
	for (unsigned i = 0; has_more && i < PIECES_MAX && *len + PIECE_BYTES <= FILL_BYTES; i++)
		has_more = fill_piece(subscription, text, len);
	*ends = !has_more && (is_orphan || subscription->until_ns);
	if (*ends)
		*len += (size_t)sprintf(text + *len, "{\"end\":true}\n");
	if (*len)
		return text;
	free(text);
	return NULL;
}
