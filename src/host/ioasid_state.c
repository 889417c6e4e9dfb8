// SPDX-License-Identifier: MIT
/* The states of an id, and the one way from one to another. */
#include "host/ioasid_impl.h"

static const struct vsva_ioasid_edge edges[] = {
	{VSVA_IOASID_FREE, VSVA_IOASID_IDLE, VSVA_IOASID_EVENT_ALLOC, "alloc"},
	{VSVA_IOASID_IDLE, VSVA_IOASID_ACTIVE, VSVA_IOASID_EVENT_BIND, "first bind"},
	{VSVA_IOASID_ACTIVE, VSVA_IOASID_IDLE, VSVA_IOASID_EVENT_UNBIND, "last unbind"},
	{VSVA_IOASID_IDLE, VSVA_IOASID_FREE_PENDING, VSVA_IOASID_EVENT_FREE, "free"},
	{VSVA_IOASID_ACTIVE, VSVA_IOASID_FREE_PENDING, VSVA_IOASID_EVENT_FREE, "free"},
	{VSVA_IOASID_FREE_PENDING, VSVA_IOASID_FREE, VSVA_IOASID_EVENT_NONE, "last put"},
};

const struct vsva_ioasid_edge *vsva_ioasid_edges(size_t *count)
{
	*count = ARRAY_LEN(edges);
	return edges;
}

const char *vsva_ioasid_state_name(enum vsva_ioasid_state state)
{
	static const char *const names[VSVA_IOASID_STATE_COUNT] = {
		[VSVA_IOASID_FREE] = "free",
		[VSVA_IOASID_IDLE] = "idle",
		[VSVA_IOASID_ACTIVE] = "active",
		[VSVA_IOASID_FREE_PENDING] = "free-pending",
	};

	return (unsigned)state < VSVA_IOASID_STATE_COUNT ? names[state] : "?";
}

const char *vsva_ioasid_event_name(enum vsva_ioasid_event_kind kind)
{
	static const char *const names[VSVA_IOASID_EVENT_COUNT] = {
		[VSVA_IOASID_EVENT_NONE] = "none", [VSVA_IOASID_EVENT_ALLOC] = "alloc",
		[VSVA_IOASID_EVENT_BIND] = "bind", [VSVA_IOASID_EVENT_UNBIND] = "unbind",
		[VSVA_IOASID_EVENT_FREE] = "free",
	};

	return (unsigned)kind < VSVA_IOASID_EVENT_COUNT ? names[kind] : "?";
}

static const struct vsva_ioasid_edge *edge_between(enum vsva_ioasid_state from,
						   enum vsva_ioasid_state to)
{
	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		if (edges[i].from == from && edges[i].to == to)
			return &edges[i];
	return NULL;
}

void entry_set_state(struct entry *entry, enum vsva_ioasid_state to)
{
	const struct vsva_ioasid_edge *edge = edge_between(entry_state(entry), to);

	CHECK(edge);
	__atomic_store_n(&entry->state, (uint8_t)to, __ATOMIC_RELEASE);
	if (edge->event != VSVA_IOASID_EVENT_NONE)
		notify_event(entry, edge->event);
}
