// SPDX-License-Identifier: MIT
#include "host/kvm_ids.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"

#define LEAF_ENTRIES (1u << KVM_IDS_LEAF_LG2)

struct kvm_id {
	uint32_t guest : 20; /* if INSTALLED */
	uint32_t state : 2;
};

static_assert(sizeof(struct kvm_id) == 4, "4 bytes an id");

void kvm_ids_fini(struct kvm_ids *ids)
{
	for (unsigned i = 0; i < KVM_IDS_LEAVES; i++)
		base_free(ids->leaves[i]);
}

int kvm_ids_reserve(struct kvm_ids *ids, hpasid_t id)
{
	struct kvm_id **leaf = &ids->leaves[id.v >> KVM_IDS_LEAF_LG2];

	if (!*leaf)
		*leaf = base_calloc(LEAF_ENTRIES, sizeof(**leaf));
	return *leaf ? 0 : -ENOMEM;
}

/* NULL: not reserved. */
static struct kvm_id *record_of(const struct kvm_ids *ids, hpasid_t id)
{
	struct kvm_id *leaf = ids->leaves[id.v >> KVM_IDS_LEAF_LG2];

	return leaf ? &leaf[id.v % LEAF_ENTRIES] : NULL;
}

enum kvm_id_state kvm_ids_state(const struct kvm_ids *ids, hpasid_t id, gpasid_t *guest)
{
	const struct kvm_id *record = record_of(ids, id);

	if (!record)
		return KVM_ID_NONE;
	*guest = gpasid(record->guest);
	return record->state;
}

void kvm_ids_install(struct kvm_ids *ids, hpasid_t id, gpasid_t guest)
{
	struct kvm_id *record = record_of(ids, id);

	CHECK(record && record->state != KVM_ID_FREED && guest.v <= VSVA_PASID_MAX);
	record->guest = guest.v & VSVA_PASID_MAX;
	record->state = KVM_ID_INSTALLED;
}

void kvm_ids_unbind(struct kvm_ids *ids, hpasid_t id)
{
	struct kvm_id *record = record_of(ids, id);

	CHECK(record && record->state == KVM_ID_INSTALLED);
	record->state = KVM_ID_UNBOUND;
}

void kvm_ids_free(struct kvm_ids *ids, hpasid_t id)
{
	struct kvm_id *record = record_of(ids, id);

	CHECK(record && (record->state == KVM_ID_INSTALLED || record->state == KVM_ID_UNBOUND));
	record->state = KVM_ID_FREED;
}

bool kvm_ids_take_freed(struct kvm_ids *ids, hpasid_t id)
{
	struct kvm_id *record = record_of(ids, id);

	if (!record || record->state != KVM_ID_FREED)
		return false;
	record->state = KVM_ID_NONE;
	return true;
}

enum kvm_id_state kvm_ids_next(const struct kvm_ids *ids, hpasid_t *id, gpasid_t *guest)
{
	while (id->v <= VSVA_PASID_MAX) {
		enum kvm_id_state state = kvm_ids_state(ids, *id, guest);

		if (state != KVM_ID_NONE)
			return state;
		id->v = ids->leaves[id->v >> KVM_IDS_LEAF_LG2] ? id->v + 1
							       : (id->v | (LEAF_ENTRIES - 1)) + 1;
	}
	return KVM_ID_NONE;
}
