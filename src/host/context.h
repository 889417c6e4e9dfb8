/* SPDX-License-Identifier: MIT */
/*
 * Root and context tables (VT-d 3.4, 9.1, 9.4). A context entry has 32 bytes; hardware may read it
 * in pieces, so it changes as PASID-table entries do: P with the last store, P away with the first;
 * and while it is present only by single bits of its first word.
 *
 * Writers: make under the driver's lock; an entry by whoever owns the device.
 */
#ifndef HOST_CONTEXT_H
#define HOST_CONTEXT_H

#include "host/page_list.h"
#include "vtd/tables.h"

struct root_table {
	struct table_memory memory;
	hpa_t page;
	struct vtd_root_entry *entries;
};

int root_table_init(struct root_table *root, const struct table_memory *memory);
/* Hardware has stopped translating. */
void root_table_fini(struct root_table *root);
/* The device's context entry; its table is made if there is none, and kept. NULL: no memory. */
struct vtd_context_entry *root_table_make_context(struct root_table *root, rid_t rid);

struct context_config {
	hpa_t pasid_dir;
	unsigned pdts;
	bool ats;
};
/* entry: of a table below this root. */
void context_publish(const struct root_table *root, struct vtd_context_entry *entry,
		     const struct context_config *config);
void context_clear_present(const struct root_table *root, struct vtd_context_entry *entry);
void context_erase(const struct root_table *root, struct vtd_context_entry *entry);
bool context_is_present(const struct vtd_context_entry *entry);
/* Lets requests with PASID pass (PASIDE), and page requests (PRE): only with ATS. It may be not
 * present any more, and stays so. true: something changed. */
bool context_allow_pasids(const struct root_table *root, struct vtd_context_entry *entry,
			  bool page_requests);

#endif
