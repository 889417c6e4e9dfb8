/* SPDX-License-Identifier: MIT */
/* Emission of events (vsva/trace.h): one struct trace per machine, shared by its rooms. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "vsva/trace.h"

struct trace {
	vsva_observer_fn *observer; /* set before anything runs, or NULL */
	void *arg;
};

void trace_emit_event(const struct trace *trace, const struct vsva_event *event);

/* TRACE(trace, HOST, BIND, .rid = rid, .hpasid = pasid): members not named are 0 or "none". */
// clang-format off
#define TRACE(trace_, room_, kind_, ...)                                                           \
	do {                                                                                       \
		const struct trace *t_ = (trace_);                                                 \
		if (__builtin_expect(t_ && t_->observer, 0)) {                                     \
			_Pragma("GCC diagnostic push")                                             \
			_Pragma("GCC diagnostic ignored \"-Woverride-init\"")                      \
			struct vsva_event e_ = {.gpasid = {VSVA_PASID_INVALID},                    \
						.hpasid = {VSVA_PASID_INVALID},                    \
						.kind = VSVA_EV_##kind_,                           \
						.room = VSVA_ROOM_##room_,                         \
						__VA_ARGS__};                                      \
			_Pragma("GCC diagnostic pop")                                              \
			trace_emit_event(t_, &e_);                                                 \
		}                                                                                  \
	} while (0)
// clang-format on

#endif
