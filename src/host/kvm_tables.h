/* SPDX-License-Identifier: MIT */
/*
 * The PASID directories and tables of one virtual machine, as a CPU walks them (vtd/enqcmd.h).
 *
 * How an entry changes: a table entry is one 32-bit word and is stored whole; a directory entry is
 * stored when its table is zeroed, and stays. A CPU that has the old word uses it until its
 * instruction is over: whoever needs that waits for a grace period, because the walk and what is
 * done with its result are one RCU read section.
 *
 * Writers are serialised by the owner. Tables stay until the end, so that a table costs the
 * memory once: 1024 pages for a guest that uses all of its 2^20 PASIDs.
 */
#ifndef HOST_KVM_TABLES_H
#define HOST_KVM_TABLES_H

#include "base/physmem.h"
#include "vtd/enqcmd.h"

struct kvm_tables {
	struct physmem *pm;
	hpa_t dir[2];         /* low and high: what stands in the VMCS */
	uint64_t *entries[2]; /* the same in this process; atomic */
};

/* 0; -ENOMEM. */
int kvm_tables_init(struct kvm_tables *tables, struct physmem *pm);
/* No CPU walks them any more. */
void kvm_tables_fini(struct kvm_tables *tables);

/* Makes the table that the PASID (20 bits) is in, if there is none. 0; -ENOMEM. */
int kvm_tables_make(struct kvm_tables *tables, gpasid_t guest);
/* Its table has been made. */
void kvm_tables_set(struct kvm_tables *tables, gpasid_t guest, hpasid_t host);
/* Clears the valid bit, if there is a table. Cannot fail or block. */
void kvm_tables_clear(struct kvm_tables *tables, gpasid_t guest);
/* What the entry says if it is valid. */
bool kvm_tables_get(const struct kvm_tables *tables, gpasid_t guest, hpasid_t *host);

/* The CPU's walk, through physical memory and with every reserved bit checked. False: the exit
 * condition. Inside an RCU read section. */
bool kvm_walk(struct physmem *pm, const hpa_t dir[2], gpasid_t guest, hpasid_t *host);

#endif
