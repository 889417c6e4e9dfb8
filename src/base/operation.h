/* SPDX-License-Identifier: MIT */
/* Operations: kinds of events that begin something, and those that end it. */
#ifndef BASE_OPERATION_H
#define BASE_OPERATION_H

#include "vsva/trace.h"

/* o(begins, ends) */
#define OPERATIONS(o)                                                                              \
	o(BIND, BIND_DONE) o(UNBIND, UNBIND_DONE) o(ATTACH_RID, ATTACH_RID_DONE)                   \
		o(INVALIDATE, INVALIDATE_DONE) o(UNMAP, UNMAP_DONE)                                \
			o(GUEST_UNMAP, GUEST_UNMAP_DONE) o(MM_UNMAP, MM_UNMAP_DONE)                \
				o(VM_DESTROY, VM_DESTROYED)

/* VSVA_EV_KIND_COUNT: it begins nothing. */
static inline enum vsva_event_kind operation_end(enum vsva_event_kind kind)
{
	switch (kind) {
#define OPERATION_END(begins, ends)                                                                \
	case VSVA_EV_##begins:                                                                     \
		return VSVA_EV_##ends;
		OPERATIONS(OPERATION_END)
#undef OPERATION_END
	default:
		return VSVA_EV_KIND_COUNT;
	}
}

static inline bool operation_is_end(enum vsva_event_kind kind)
{
	switch (kind) {
#define OPERATION_IS_END(begins, ends) case VSVA_EV_##ends:
		OPERATIONS(OPERATION_IS_END)
#undef OPERATION_IS_END
		return true;
	default:
		return false;
	}
}

#endif
