/* SPDX-License-Identifier: MIT */
/*
 * What KVM knows of each host PASID: under which guest PASID it is installed in the tables, and
 * whether CPUs may still be using what was installed. KVM has one reference to every id that is in
 * one of the states but KVM_ID_NONE.
 *
 *   NONE ──install──▶ INSTALLED ──unbind──▶ UNBOUND
 *                      │    ▲                │   │
 *                      │    └────install─────┘   │
 *                      └─────────free────────────┴──▶ FREED ──its reclaim──▶ NONE
 *
 * Recording a change needs no memory: it is reserved when the id is installed first, 4 bytes an id
 * in leaves of 1024, and stays until the end. All with the owner's lock.
 */
#ifndef HOST_KVM_IDS_H
#define HOST_KVM_IDS_H

#include <stdbool.h>

#include "vsva/types.h"

#define KVM_IDS_LEAF_LG2 10
#define KVM_IDS_LEAVES   (1u << (20 - KVM_IDS_LEAF_LG2))

enum kvm_id_state { KVM_ID_NONE, KVM_ID_INSTALLED, KVM_ID_UNBOUND, KVM_ID_FREED };

struct kvm_id;

struct kvm_ids {
	struct kvm_id *leaves[KVM_IDS_LEAVES];
};

void kvm_ids_fini(struct kvm_ids *ids);

/* Reserves the record of an id. 0; -ENOMEM. */
int kvm_ids_reserve(struct kvm_ids *ids, hpasid_t id);
/* NONE if nothing was reserved. *guest: of an id that is INSTALLED. */
enum kvm_id_state kvm_ids_state(const struct kvm_ids *ids, hpasid_t id, gpasid_t *guest);
/* Not FREED, and reserved. */
void kvm_ids_install(struct kvm_ids *ids, hpasid_t id, gpasid_t guest);
/* INSTALLED. */
void kvm_ids_unbind(struct kvm_ids *ids, hpasid_t id);
/* INSTALLED or UNBOUND. */
void kvm_ids_free(struct kvm_ids *ids, hpasid_t id);
/* Takes the reference of an id that is FREED; false: it is not. */
bool kvm_ids_take_freed(struct kvm_ids *ids, hpasid_t id);
/* The first id at or after *id with a reference, whatever its state; moves *id to it. */
enum kvm_id_state kvm_ids_next(const struct kvm_ids *ids, hpasid_t *id, gpasid_t *guest);

#endif
