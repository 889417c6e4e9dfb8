/* SPDX-License-Identifier: MIT */
/* Emission of events (vsva/trace.h): one struct trace per machine, shared by its rooms. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/ring.h"
#include "vsva/trace.h"

struct trace {
	vsva_observer_fn *observer; /* set before anything runs, or NULL */
	void *arg;
	struct ring *ring; /* atomic; NULL: off. What was on once lives as long as the trace */
};

/* Not 0: somebody has attached to the static trace point; its counter belongs to them. */
extern unsigned short vsva_event_semaphore __attribute__((visibility("hidden")));

static inline bool trace_is_on(const struct trace *trace)
{
#ifdef VSVA_NO_TRACE_POINTS
	(void)trace;
	return false;
#endif
	return trace && ((uintptr_t)trace->observer |
			 (uintptr_t)__atomic_load_n(&trace->ring, __ATOMIC_RELAXED) |
			 *(volatile unsigned short *)&vsva_event_semaphore);
}

void trace_emit_event(const struct trace *trace, const struct vsva_event *event);

// clang-format off
#define TRACE_EVENT_(name_, room_, kind_, ...)                                                     \
	_Pragma("GCC diagnostic push")                                                             \
	_Pragma("GCC diagnostic ignored \"-Woverride-init\"")                                      \
	struct vsva_event name_ = {.gpasid = {VSVA_PASID_INVALID},                                 \
				   .hpasid = {VSVA_PASID_INVALID},                                 \
				   .kind = VSVA_EV_##kind_,                                        \
				   .room = VSVA_ROOM_##room_,                                      \
				   __VA_ARGS__};                                                   \
	_Pragma("GCC diagnostic pop")

/* TRACE(trace, HOST, BIND, .rid = rid, .hpasid = pasid): members not named are 0 or "none". */
#define TRACE(trace_, room_, kind_, ...)                                                           \
	do {                                                                                       \
		const struct trace *t_ = (trace_);                                                 \
		if (__builtin_expect(trace_is_on(t_), 0)) {                                        \
			TRACE_EVENT_(e_, room_, kind_, __VA_ARGS__)                                \
			trace_emit_event(t_, &e_);                                                 \
		}                                                                                  \
	} while (0)
// clang-format on

#endif
