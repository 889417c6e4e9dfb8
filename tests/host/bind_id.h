/* SPDX-License-Identifier: MIT */
/* What a driver does to an id around the hardware's part: for tests that have no hardware. */
#ifndef TESTS_HOST_BIND_ID_H
#define TESTS_HOST_BIND_ID_H

#include "host/ioasid.h"

static inline int ioasid_bind(struct vsva_ioasid_set *set, struct ioasid_binding *binding,
			      uint32_t flags)
{
	int err = ioasid_reserve(set, binding);

	if (err)
		return err;
	err = ioasid_activate(set, binding, flags);
	if (err)
		ioasid_release(set, binding);
	return err;
}

static inline void ioasid_unbind(struct vsva_ioasid_set *set, struct ioasid_binding *binding)
{
	ioasid_deactivate(set, binding);
	ioasid_release(set, binding);
}

#endif
