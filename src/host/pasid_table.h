/* SPDX-License-Identifier: MIT */
/*
 * The PASID directory and tables of one device (VT-d 3.4.3, 9.5, 9.6).
 *
 * How an entry changes (VT-d 6.2.3.1; hardware fetches it in pieces of 16 bytes, at any time):
 *   publish         P was 0: everything else first, P with the last store
 *   clear_present   P alone, in one store; then invalidate; then
 *   erase           the rest
 * A live entry is never overwritten.
 *
 * Writers are serialised by the owner.
 */
#ifndef HOST_PASID_TABLE_H
#define HOST_PASID_TABLE_H

#include "host/page_list.h"
#include "vsva/uapi.h"
#include "vtd/tables.h"

struct pasid_table {
	struct table_memory memory;
	hpa_t dir;
	struct vtd_pasid_dir_entry *dir_entries;
	unsigned pdts;
	unsigned dir_order;
};

/* Smallest PDTS whose directory reaches PASIDs of so many bits (1 … 20), VT-d 9.4. */
unsigned pasid_table_pdts(unsigned pasid_bits);
int pasid_table_init(struct pasid_table *table, const struct table_memory *memory,
		     unsigned pasid_bits);
/* The directory is in no context entry any more; hardware may still be reading. */
void pasid_table_fini(struct pasid_table *table, struct page_list *removed);

/* NULL: no table there, or the PASID is beyond the directory. */
struct vtd_pasid_entry *pasid_table_find(const struct pasid_table *table, uint32_t pasid);
/* Makes the table if there is none. NULL: no memory. */
struct vtd_pasid_entry *pasid_table_make(struct pasid_table *table, uint32_t pasid);

bool pasid_entry_is_present(const struct vtd_pasid_entry *entry);
void pasid_entry_read(const struct vtd_pasid_entry *entry, struct vtd_pasid_entry *out);
/* entry: of this table. */
void pasid_entry_publish(const struct pasid_table *table, struct vtd_pasid_entry *entry,
			 const struct vtd_pasid_entry *value);
void pasid_entry_clear_present(const struct pasid_table *table, struct vtd_pasid_entry *entry);
/* All but FPD: where faults were switched off they stay so, until the entry is published anew. */
void pasid_entry_erase(const struct pasid_table *table, struct vtd_pasid_entry *entry);
/* Sets FPD, whatever else the entry says: faults are not recorded (VT-d 9.6). */
void pasid_entry_disable_faults(const struct pasid_table *table, struct vtd_pasid_entry *entry);

/* What entries say */

struct pasid_second_stage {
	did_t did;
	unsigned aw;
	hpa_t root;
	bool dirty; /* A and D bits in the second stage (SSADE) */
};
struct pasid_first_stage {
	uint64_t root; /* nested: GPA, else HPA */
	unsigned addr_width;
	uint32_t flags; /* VSVA_VTD_GPASID_* */
};

/* ecap: only what the unit has may be set. */
struct vtd_pasid_entry pasid_entry_second_stage(uint64_t ecap, const struct pasid_second_stage *ss);
struct vtd_pasid_entry pasid_entry_nested(uint64_t ecap, const struct pasid_second_stage *ss,
					  const struct pasid_first_stage *fs);
struct vtd_pasid_entry pasid_entry_first_stage(uint64_t ecap, did_t did,
					       const struct pasid_first_stage *fs);
struct vtd_pasid_entry pasid_entry_pass_through(uint64_t ecap, did_t did, unsigned aw);

#endif
