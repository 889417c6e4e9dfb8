/* SPDX-License-Identifier: MIT */
/*
 * The objects that "get" knows: each a list of items, read in pieces.
 *
 * An answer has at most CONTROL_ITEMS items and, if there are more, "next": what a request's "from"
 * must be to get them.
 */
#ifndef CLI_CONTROL_OBJECTS_H
#define CLI_CONTROL_OBJECTS_H

#include <json.h>

#include "vsva/inspect.h"

#define CONTROL_ITEMS 64u

/* Adds items to the array; returns where to go on, CONTROL_END: nothing is left. */
#define CONTROL_END UINT64_MAX
typedef uint64_t control_object_fn(struct vsva_machine *machine, uint64_t from,
				   struct json_object *items);
control_object_fn control_unit, control_vm, control_device, control_assigned; /* control/unit.c */
control_object_fn control_shadow, control_pasid, control_group;               /* control/pasid.c */
control_object_fn control_cache, control_stats;

/* The names of all objects, NULL at the end. */
extern const char *const control_object_names[];

#endif
