// SPDX-License-Identifier: MIT
#include "host/teardown.h"

#include "base/check.h"
#include "host/report.h"
#include "host/sva.h"

/* From here on nobody is asked to answer its page requests: an unbind never waits for a guest. */
static void mark_dying(struct domain_locked locked, struct binding *binding)
{
	__atomic_store_n(&binding->is_dying, true, __ATOMIC_RELEASE);
	if (binding->is_rid)
		return;
	TRACE(locked.domain->iommu->trace, HOST, UNBIND, .vm = locked.domain->vm,
	      .rid = binding->dev->rid, .hpasid = binding->id.id, .gpasid = binding->id.guest);
	ioasid_deactivate(binding_set(locked, binding), &binding->id);
}

static struct entry_ref entry_of(const struct binding *binding)
{
	return (struct entry_ref){
		.pasid = binding->id.id.v,
		.did = binding->did,
		.is_first_stage = binding->kind == BINDING_FIRST_STAGE,
	};
}

/* Entries that no other device of the function needs. */
static unsigned own_entries(struct domain_locked locked, struct binding *const *bindings,
			    unsigned count, struct entry_ref *out)
{
	unsigned own = 0;

	for (unsigned i = 0; i < count; i++)
		if (!child_is_shared(locked, bindings[i]))
			out[own++] = entry_of(bindings[i]);
	return own;
}

/* The number may be given out again once the last reference is dropped, so the binding is forgotten
 * before. In doubt the reference stays with the limbo. */
static void give_back(struct domain_locked locked, struct binding *binding, bool is_in_doubt)
{
	struct vsva_ioasid_set *set = binding_set(locked, binding);

	if (binding->kind == BINDING_FIRST_STAGE)
		sva_bond_unlist(locked, binding);
	child_forget(locked, binding);
	if (is_in_doubt) {
		if (!binding->is_rid)
			ioasid_unlink(set, &binding->id);
		child_give_to_limbo(locked, binding);
		return;
	}
	if (!binding->is_rid)
		ioasid_release(set, &binding->id);
	child_free(locked, binding);
}

static void note_unbound(struct domain_locked locked, const struct binding *binding, int err)
{
	struct vsva_iommu *iommu = locked.domain->iommu;

	stat_add(&iommu->stats.unbinds);
	TRACE(iommu->trace, HOST, UNBIND_DONE, .vm = locked.domain->vm, .rid = binding->dev->rid,
	      .hpasid = binding->id.id, .gpasid = binding->id.guest, .result = err);
}

/* The news comes first: with the last reference the PASID may be somebody else's. */
static void finish(struct domain_locked locked, struct binding *binding,
		   const struct aftermath *aftermath)
{
	if (!binding->is_rid)
		note_unbound(locked, binding, aftermath->err);
	give_back(locked, binding, aftermath->is_in_doubt);
}

static void discard(struct vsva_dev *dev, struct binding *const *bindings, unsigned count)
{
	if (count == 1)
		prq_discard(dev, bindings[0]->id.id.v);
	else
		prq_discard_dying(dev->function);
}

void bindings_teardown(struct domain_locked locked, struct vsva_dev *dev,
		       struct binding *const *bindings, unsigned count, struct aftermath *aftermath)
{
	struct entry_ref entries[ENTRY_BATCH_MAX];
	unsigned own;

	CHECK(count >= 1 && count <= ENTRY_BATCH_MAX);
	for (unsigned i = 0; i < count; i++)
		mark_dying(locked, bindings[i]);
	discard(dev, bindings, count);
	report_wait_for_dying(dev);
	own = own_entries(locked, bindings, count, entries);
	if (own)
		entries_teardown(locked, dev, entries, own, aftermath);
	for (unsigned i = 0; i < count; i++)
		finish(locked, bindings[i], aftermath);
}

void binding_cut(struct domain_locked locked, struct binding *binding, struct aftermath *aftermath)
{
	struct entry_ref entry = entry_of(binding);

	__atomic_store_n(&binding->is_dying, true, __ATOMIC_RELEASE);
	entry_disable_faults(binding->dev->function, entry.pasid);
	if (!child_is_shared(locked, binding))
		entries_cut(locked, binding->dev, &entry, 1, aftermath);
}

/* The next of the device's bindings with a PASID. */
static unsigned next_batch(struct vsva_dev *dev, struct binding **out)
{
	unsigned count = 0;

	for (struct list *at = dev->bindings.next; at != &dev->bindings && count < ENTRY_BATCH_MAX;
	     at = at->next) {
		struct binding *binding = container_of(at, struct binding, in_dev);

		if (!binding->is_rid)
			out[count++] = binding;
	}
	return count;
}

void bindings_teardown_all(struct domain_locked locked, struct vsva_dev *dev,
			   struct aftermath *aftermath)
{
	struct binding *batch[ENTRY_BATCH_MAX];
	unsigned count;

	while ((count = next_batch(dev, batch)))
		bindings_teardown(locked, dev, batch, count, aftermath);
}

static void teardown_pasids(struct domain_locked locked, struct vsva_dev *dev,
			    const hpasid_t *pasids, unsigned count, struct aftermath *aftermath)
{
	struct binding *batch[ENTRY_BATCH_MAX];
	unsigned found = 0;

	for (unsigned i = 0; i < count; i++) {
		struct binding *binding = dev_find_binding(dev, pasids[i].v);

		if (binding && !binding->is_rid)
			batch[found++] = binding;
	}
	if (found)
		bindings_teardown(locked, dev, batch, found, aftermath);
}

int domain_teardown_pasids(struct vsva_domain *domain, const hpasid_t *pasids, unsigned count)
{
	struct domain_locked locked = domain_lock(domain);
	struct aftermath aftermath = {0};

	for (struct list *at = domain->devs.next; at != &domain->devs; at = at->next)
		teardown_pasids(locked, container_of(at, struct vsva_dev, in_domain), pasids, count,
				&aftermath);
	domain_unlock(locked);
	return aftermath.err;
}

void rid_block(struct domain_locked locked, struct vsva_dev *dev, struct aftermath *aftermath)
{
	struct entry_ref second_stage = {.pasid = dev->base, .did = locked.domain->did};
	struct binding *child = dev_find_binding(dev, dev->base);

	if (child)
		bindings_teardown(locked, dev, &child, 1, aftermath);
	else if (dev->rid_kind == VSVA_RID_SECOND_STAGE)
		entries_teardown(locked, dev, &second_stage, 1, aftermath);
	dev->rid_kind = VSVA_RID_BLOCKED;
}
