/* SPDX-License-Identifier: MIT */
/*
 * The ledger: an outside checker. From the events alone (vsva/trace.h) it records which (requester,
 * PASID) may touch which host page at each moment, and judges every access of a device.
 *
 *   pair         (requester id, host PASID); without PASID: the requester itself, or (part of a
 *                function) the requester with its base PASID
 *   space        an address space of a VM, named by the guest physical address of its first-stage
 *                root
 *   memory       guest physical pages of a VM and the host pages behind them
 *   native space an address space of the host's own, named by the host physical address of its
 *                root: its pages lead to host pages without a VM between
 *
 * An access is allowed while its pair is bound to a space, the space has the page with these
 * rights, and the VM's memory leads it to this host page. Each of the three ends with an event:
 *
 *   rule              after                       none of
 *   unbound           UNBIND_DONE                 the pair
 *   freed             IOASID_RECLAIM              the PASID, which must not be bound any more
 *   page              GUEST_UNMAP_DONE            the page through the space
 *   space             PROCESS_EXIT                the space
 *   native page       MM_UNMAP_DONE               the page through the native space
 *   native space      MM_EXIT                     the native space
 *   memory            UNMAP_DONE                  these pages through the VM
 *   requester         ATTACH_RID_DONE, DEVICE_DETACH  what the requester had before without PASID
 *   VM                VM_DESTROYED                anything of the VM
 *
 * A VM without the built-in guest tells nothing of its spaces, and a guest that writes its own
 * tables (see ledger_set_opaque) is not asked: there an access is allowed to any page of the VM's
 * memory.
 *
 * Threads: ledger_observe() from any thread, also inside the library's locks: it takes one lock of
 * its own. The rest by one thread.
 */
#ifndef CLI_LEDGER_H
#define CLI_LEDGER_H

#include "vsva/trace.h"

struct ledger;

/* A violation: two lines of text, what happened and what was allowed. Called without the ledger's
 * lock, on the thread that made the access. */
typedef void ledger_report_fn(void *arg, const char *text);

/* NULL: no memory. */
struct ledger *ledger_create(ledger_report_fn *report, void *arg);
void ledger_destroy(struct ledger *ledger);

void ledger_observe(struct ledger *ledger, const struct vsva_event *event);

/* From now on the VM's accesses are judged by its memory only. */
void ledger_set_opaque(struct ledger *ledger, uint32_t vm);

struct ledger_counts {
	uint64_t events, accesses, violations;
	uint64_t pasids_allocated, pasids_freed;
	uint64_t bound_now; /* pairs */
	bool is_blind;      /* it had no memory to note something: counts as a violation too */
};
void ledger_get_counts(struct ledger *ledger, struct ledger_counts *out);

/* Where the first stage leads the address of an access, translation or page request now. */
bool ledger_gpa_of(struct ledger *ledger, const struct vsva_event *event, gpa_t *out);
/* Whose a host PASID is, or was last. */
bool ledger_owner_of(struct ledger *ledger, hpasid_t pasid, uint32_t *vm, gpasid_t *guest);

#endif
