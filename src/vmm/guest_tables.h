/* SPDX-License-Identifier: MIT */
/*
 * The guest's remapping tables, read from guest memory once and validated as the silicon would,
 * with the guest's capabilities. Nothing that is read is trusted; nothing is written.
 */
#ifndef VMM_GUEST_TABLES_H
#define VMM_GUEST_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "vsva/types.h"
#include "vtd/faults.h"
#include "vtd/tables.h"

struct guest_memory;

struct guest_table_root {
	uint64_t rtaddr; /* the value latched by SRTP */
	const struct vtd_rules *rules;
	struct guest_memory *memory;
};

struct guest_context {
	enum vtd_fault fault; /* why it is of no use, or NONE */
	bool fpd;
	bool legacy; /* legacy mode: pass-through is all there is */
	bool dte, paside, pre;
	unsigned pdts;
	gpa_t directory;
	uint32_t rid_pasid;
};

struct guest_pasid {
	enum vtd_fault fault;
	bool fpd;
	struct vtd_pasid_entry entry;
};

void guest_context_read(const struct guest_table_root *root, rid_t source,
			struct guest_context *out);
bool guest_context_is_same(const struct guest_context *a, const struct guest_context *b);
/* context must be of use. */
void guest_pasid_read(const struct guest_table_root *root, const struct guest_context *context,
		      uint32_t pasid, struct guest_pasid *out);
/* The directory entry alone; false: not present or of no use, so nothing is bound below it. */
bool guest_directory_entry_is_present(const struct guest_table_root *root,
				      const struct guest_context *context, uint32_t index);

#endif
