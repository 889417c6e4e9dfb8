/* SPDX-License-Identifier: MIT */
/*
 * What KVM knows of each host PASID: under which guest PASID it is installed in the tables, and
 * whether a reference to it waits for the CPUs to leave. KVM has one reference to every id that is
 * in one of the states but KVM_ID_NONE.
 *
 *   NONE ──install──▶ INSTALLED ──unbind──▶ LEAVING (on the list) ──taken──▶ NONE
 *                      │    ▲                  │
 *                      │    └──────install─────┘ the reference stays
 *                      └──free──▶ FREED ──its reclaim──▶ NONE
 *
 * Recording a change needs no memory: it is reserved when the id is installed first, 8 bytes an id
 * in leaves of 1024, and stays until the end. All with the owner's lock.
 */
#ifndef HOST_KVM_IDS_H
#define HOST_KVM_IDS_H

#include <stdbool.h>

#include "vsva/types.h"

#define KVM_IDS_LEAF_LG2 10
#define KVM_IDS_LEAVES   (1u << (20 - KVM_IDS_LEAF_LG2))

enum kvm_id_state { KVM_ID_NONE, KVM_ID_INSTALLED, KVM_ID_LEAVING, KVM_ID_FREED };

struct kvm_id;

struct kvm_ids {
	struct kvm_id *leaves[KVM_IDS_LEAVES];
	uint32_t leaving; /* first of the list; 0: none */
};

void kvm_ids_fini(struct kvm_ids *ids);

/* Reserves the record of an id. 0; -ENOMEM. */
int kvm_ids_reserve(struct kvm_ids *ids, hpasid_t id);
/* NONE if nothing was reserved. *guest: of an id that is INSTALLED. */
enum kvm_id_state kvm_ids_state(const struct kvm_ids *ids, hpasid_t id, gpasid_t *guest);
/* Not FREED, and reserved. */
void kvm_ids_install(struct kvm_ids *ids, hpasid_t id, gpasid_t guest);
/* INSTALLED to LEAVING; to FREED. */
void kvm_ids_leave(struct kvm_ids *ids, hpasid_t id);
void kvm_ids_free(struct kvm_ids *ids, hpasid_t id);
/* Takes up to max ids that are LEAVING: NONE now, their references are the caller's. */
size_t kvm_ids_take_leaving(struct kvm_ids *ids, hpasid_t *out, size_t max);
/* Takes the reference of an id that is FREED; false: it is not. */
bool kvm_ids_take_freed(struct kvm_ids *ids, hpasid_t id);
/* The first id at or after *id with a reference, whatever its state; moves *id to it. */
enum kvm_id_state kvm_ids_next(const struct kvm_ids *ids, hpasid_t *id, gpasid_t *guest);

#endif
