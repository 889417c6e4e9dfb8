/* SPDX-License-Identifier: MIT */
/*
 * The ledger's book: VMs, spaces and pairs, as the events have left them. Inside of ledger.c only.
 *
 * Threads: the ledger's lock is held.
 */
#ifndef CLI_LEDGER_BOOK_H
#define CLI_LEDGER_BOOK_H

#include "cli/extents.h"
#include "vsva/iommu.h"
#include "vsva/trace.h"

/* What a record is found by: its first member. */
struct keyed {
	uint64_t key;
};

struct space {
	struct keyed root;
	bool is_dead;
	struct extents pages; /* GVA to GPA; native: UVA to HPA */
};

struct ledger_vm {
	struct keyed number;
	bool is_destroyed;
	bool has_guest; /* the built-in one, which tells of its pages */
	bool is_opaque;
	struct extents memory; /* GPA to HPA */
	void *spaces;
};

/* What a pair leads to. */
struct target {
	bool is_set;
	enum vsva_rid_kind kind;
	uint64_t root;  /* of VSVA_RID_NESTED */
	bool is_native; /* VSVA_RID_NESTED without a VM: the root is of a native address space */
};

struct pair {
	struct keyed id;
	uint32_t vm;
	gpasid_t guest;
	struct target now;  /* until the end of an unbind */
	struct target next; /* from the begin of a bind on: it becomes now, or nothing */
	uint64_t ended;     /* number of the event that ended it, and its kind */
	enum vsva_event_kind ended_by;
};

struct owner {
	struct keyed pasid;
	uint32_t vm;
	gpasid_t guest;
};

struct book {
	void *vms, *pairs, *owners;
	void *natives;  /* struct space */
	uint64_t event; /* number of the present one */
	bool is_blind;
};

void book_fini(struct book *book);

struct ledger_vm *book_find_vm(const struct book *book, uint32_t number);
struct space *book_find_space(const struct ledger_vm *vm, uint64_t root);
struct space *book_find_native(const struct book *book, uint64_t root);
struct pair *book_find_pair(const struct book *book, rid_t rid, hpasid_t pasid);
const struct owner *book_find_owner(const struct book *book, hpasid_t pasid);

struct ledger_vm *book_make_vm(struct book *book, uint32_t number);

/* Enters an event. */
void book_enter(struct book *book, const struct vsva_event *event);
/* Is some device still bound to this PASID? */
bool book_is_bound(const struct book *book, hpasid_t pasid);
uint64_t book_count_bound(const struct book *book);

#endif
