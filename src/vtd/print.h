/* SPDX-License-Identifier: MIT */
/*
 * Layouts as text: "P=1 PGTT=nested(3) SSPTPTR=0x1000 reserved=0x400@0".
 *
 * Fields that are zero are left out; "0" if all are. Values that have a name are printed
 * name(number). Reserved bits that are set come last, word by word (mask@word).
 */
#ifndef VTD_PRINT_H
#define VTD_PRINT_H

#include "vtd/layout.h"

/*
 * Always terminates buf if len > 0. Returns the length that the whole text has, as snprintf does,
 * so a result >= len says that it was cut.
 */
int vtd_print_fields(const struct vtd_layout *layout, const uint64_t *words, char *buf, size_t len);

/* The name of a field's value, or NULL. */
const char *vtd_value_name(const struct vtd_layout *layout, const char *field, uint64_t value);

#endif
