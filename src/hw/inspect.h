/* SPDX-License-Identifier: MIT */
/* A unit seen from outside: nothing changes, and nobody waits for who looks. */
#ifndef HW_INSPECT_H
#define HW_INSPECT_H

#include "hw/unit.h"
#include "vsva/inspect.h"
#include "vtd/regfile.h"

void unit_copy_registers(struct unit *unit, struct vtd_regfile *out);

/* As vsva_inspect_cache() and vsva_inspect_device_tlb(). */
size_t unit_read_cache(const struct unit *unit, enum vsva_cache cache, uint32_t *from,
		       struct vsva_cache_line *out, size_t max);
size_t unit_read_device_tlb(const struct unit *unit, rid_t rid, uint32_t *from,
			    struct vsva_cache_line *out, size_t max);

/* As vsva_inspect_descriptors() and vsva_inspect_device_stats(). */
void unit_read_descriptors(const struct unit *unit, uint64_t out[VSVA_DESCRIPTOR_TYPES]);
bool unit_read_device_stats(const struct unit *unit, rid_t rid, struct vsva_device_stats *out);

#endif
