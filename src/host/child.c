// SPDX-License-Identifier: MIT
#include "host/child.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"

#define VTD_FLAGS_UNSUPPORTED                                                                      \
	(VSVA_VTD_GPASID_PCD | VSVA_VTD_GPASID_PWT | VSVA_VTD_GPASID_EMTE | VSVA_VTD_GPASID_CD)

struct pasid_second_stage domain_second_stage(const struct vsva_domain *domain, did_t did_)
{
	return (struct pasid_second_stage){
		.did = did_,
		.aw = vtd_width_to_aw(vtd_levels_width(domain->ss.levels)),
		.root = domain->ss.root,
		.dirty = (domain->flags & VSVA_DOMAIN_DIRTY) != 0,
	};
}

static bool width_is_supported(uint32_t addr_width, uint64_t cap)
{
	return addr_width == 48 || (addr_width == 57 && vtd_CAP_FS5LP(cap));
}

int child_check(const struct vsva_domain *domain, uint64_t gpgd, uint32_t addr_width,
		uint64_t vtd_flags)
{
	const struct vtd_rules *rules = &domain->iommu->rules;

	if (!(domain->flags & VSVA_DOMAIN_NESTING) || !width_is_supported(addr_width, rules->cap))
		return -EINVAL;
	if (gpgd % VSVA_PAGE_SIZE || !vtd_fits(gpgd, domain->ss.input_bits))
		return -EINVAL;
	if ((vtd_flags & VSVA_VTD_GPASID_SRE) && !vtd_ECAP_SRS(rules->ecap))
		return -EINVAL;
	if ((vtd_flags & VSVA_VTD_GPASID_EAFE) && !vtd_ECAP_EAFS(rules->ecap))
		return -EINVAL;
	return vtd_flags & VTD_FLAGS_UNSUPPORTED ? -EINVAL : 0;
}

struct vsva_ioasid_set *binding_set(struct domain_locked locked, const struct binding *binding)
{
	return binding->kind == BINDING_FIRST_STAGE ? locked.domain->iommu->native_set
						    : locked.domain->owner;
}

bool child_is_same(const struct binding *a, const struct binding *b)
{
	return a->kind == b->kind && a->root == b->root && a->addr_width == b->addr_width &&
	       a->vtd_flags == b->vtd_flags && a->pat == b->pat && a->emt == b->emt &&
	       a->id.guest.v == b->id.guest.v && a->is_guest_given == b->is_guest_given;
}

/* Domain ids */

static struct child_did *did_slot(struct vsva_domain *domain, did_t did_)
{
	for (unsigned i = 0; i < DOMAIN_CHILD_DIDS; i++)
		if (domain->children[i].users && domain->children[i].did.v == did_.v)
			return &domain->children[i];
	return NULL;
}

static struct child_did *least_used(struct vsva_domain *domain)
{
	struct child_did *least = &domain->children[0];

	for (unsigned i = 1; i < DOMAIN_CHILD_DIDS && least->users; i++)
		if (domain->children[i].users < least->users)
			least = &domain->children[i];
	return least;
}

/* An id of its own if there is one; else one that other children have; else the domain's. All are
 * legal, for entries with the same id have the same second stage (VT-d 6.2.3.1). */
static did_t did_get(struct domain_locked locked)
{
	struct vsva_domain *domain = locked.domain;
	struct child_did *slot = least_used(domain);

	if (!slot->users && did_alloc(&domain->iommu->dids, &slot->did)) {
		slot = NULL;
		for (unsigned i = 0; i < DOMAIN_CHILD_DIDS; i++)
			if (domain->children[i].users)
				slot = &domain->children[i];
	}
	if (!slot) {
		domain->own_did_users++;
		return domain->did;
	}
	if (!slot->users)
		slot->is_in_doubt = false;
	slot->users++;
	return slot->did;
}

static void did_put(struct domain_locked locked, did_t did_, bool is_in_doubt)
{
	struct vsva_domain *domain = locked.domain;
	struct child_did *slot = did_slot(domain, did_);

	if (did_.v == domain->did.v)
		domain->own_did_users--;
	if (!slot)
		return;
	slot->is_in_doubt |= is_in_doubt;
	if (--slot->users)
		return;
	if (slot->is_in_doubt)
		limbo_add_did(domain->iommu, slot->did);
	else
		did_free(&domain->iommu->dids, slot->did);
}

void domain_for_each_child_did(struct domain_locked locked, void (*fn)(void *arg, did_t did),
			       void *arg)
{
	const struct vsva_domain *domain = locked.domain;

	for (unsigned i = 0; i < DOMAIN_CHILD_DIDS; i++)
		if (domain->children[i].users)
			fn(arg, domain->children[i].did);
	if (domain->own_did_users)
		fn(arg, domain->did);
}

/* Life */

struct binding *child_alloc(struct domain_locked locked, struct vsva_dev *dev,
			    enum binding_kind kind)
{
	struct binding *binding = base_zalloc(sizeof(*binding));

	if (!binding)
		return NULL;
	binding->dev = dev;
	binding->kind = (uint8_t)kind;
	binding->users = 1;
	binding->did = kind == BINDING_FIRST_STAGE ? dev->iommu->native_did : did_get(locked);
	list_init(&binding->in_dev);
	return binding;
}

static void binding_reclaim(struct rcu_node *node)
{
	base_free(container_of(node, struct binding, rcu));
}

void binding_free(struct binding *binding)
{
	rcu_call(&binding->rcu, binding_reclaim);
}

/* Readers may have found it: it goes after a grace period, its domain id at once, because nothing is
 * cached under it. */
void child_free(struct domain_locked locked, struct binding *binding)
{
	did_put(locked, binding->did, false);
	binding_free(binding);
}

void child_give_to_limbo(struct domain_locked locked, struct binding *binding)
{
	did_put(locked, binding->did, true);
	limbo_add_binding(locked.domain->iommu, binding);
}

/* Found and forgotten */

/* function.lock. The one that has the entry of this PASID. */
static int join(struct binding *first, struct binding *binding)
{
	for (const struct binding *at = first; at; at = at->same)
		if (at->dev == binding->dev || __atomic_load_n(&at->is_dying, __ATOMIC_ACQUIRE))
			return -EBUSY;
	if (first->dev->domain != binding->dev->domain || !child_is_same(first, binding))
		return -EBUSY;
	return 0;
}

/* One entry has one domain id. */
static void take_did_of(struct domain_locked locked, struct binding *binding,
			const struct binding *first)
{
	struct child_did *slot = did_slot(locked.domain, first->did);

	did_put(locked, binding->did, false);
	if (slot)
		slot->users++;
	else if (first->did.v == locked.domain->did.v)
		locked.domain->own_did_users++;
	binding->did = first->did;
}

/* function.lock. The base PASID of a sub-device has an entry, whatever is bound. */
static bool is_base(const struct function *function, uint32_t pasid)
{
	for (const struct list *at = function->subdevs.next; at != &function->subdevs;
	     at = at->next)
		if (container_of(at, struct vsva_dev, in_function)->base == pasid)
			return true;
	return false;
}

/* function.lock */
static int remember(struct domain_locked locked, struct binding *binding)
{
	struct function *function = binding->dev->function;
	uint32_t pasid = binding->id.id.v;
	struct binding *first = function_find_bindings(function, pasid);
	int err = first ? join(first, binding) : 0;

	if (err)
		return err;
	if (!binding->is_rid && is_base(function, pasid))
		return -EBUSY;
	if (first)
		take_did_of(locked, binding, first);
	else if (!pasid_table_make(&function->pasids, pasid))
		return -ENOMEM;
	binding->same = first;
	err = sparse_set(&function->bindings, pasid, binding);
	if (!err)
		list_append(&binding->dev->bindings, &binding->in_dev);
	return err;
}

/* Found before it is present in hardware, so that the first page request finds its owner. */
int child_reserve(struct domain_locked locked, struct binding *binding)
{
	struct function *function = binding->dev->function;
	int err;

	lock_take(&function->lock);
	err = remember(locked, binding);
	lock_drop(&function->lock);
	return err;
}

void child_forget(struct domain_locked locked, struct binding *binding)
{
	struct function *function = binding->dev->function;
	struct binding *first, *at;

	(void)locked;
	lock_take(&function->lock);
	first = function_find_bindings(function, binding->id.id.v);
	if (first == binding) {
		sparse_replace(&function->bindings, binding->id.id.v, binding->same);
	} else {
		for (at = first; at->same != binding; at = at->same)
			;
		rcu_publish(at->same, binding->same);
	}
	lock_drop(&function->lock);
	list_remove(&binding->in_dev);
}

/* All that have an entry are of one domain (join()): with its lock they stay. */
bool child_is_shared(struct domain_locked locked, const struct binding *binding)
{
	const struct binding *at = function_find_bindings(binding->dev->function, binding->id.id.v);

	(void)locked;
	while (at && (at == binding || __atomic_load_n(&at->is_dying, __ATOMIC_ACQUIRE)))
		at = rcu_load(at->same);
	return at != NULL;
}

/* Published */

static struct vtd_pasid_entry entry_for(struct domain_locked locked, const struct binding *binding)
{
	struct pasid_second_stage ss = domain_second_stage(locked.domain, binding->did);
	struct pasid_first_stage fs = {.root = binding->root,
				       .addr_width = binding->addr_width,
				       .flags = binding->vtd_flags};
	uint64_t ecap = locked.domain->iommu->rules.ecap;

	switch ((enum binding_kind)binding->kind) {
	case BINDING_SECOND_STAGE:
		return pasid_entry_second_stage(ecap, &ss);
	case BINDING_FIRST_STAGE:
		return pasid_entry_first_stage(ecap, binding->did, &fs);
	default:
		return pasid_entry_nested(ecap, &ss, &fs);
	}
}

int child_publish(struct domain_locked locked, struct binding *binding)
{
	struct vtd_pasid_entry entry = entry_for(locked, binding);

	if (child_is_shared(locked, binding))
		return 0;
	return entry_publish(locked, binding->dev, binding->id.id.v, &entry);
}

/* Device TLB */

/* So many at most are flushed one by one. */
#define FLUSHED_SINGLY 16u

static unsigned count_children(const struct vsva_dev *dev)
{
	unsigned count = 0;

	for (const struct list *at = dev->bindings.next;
	     at != &dev->bindings && count <= FLUSHED_SINGLY; at = at->next)
		count++;
	return count;
}

void dev_flush_children(struct domain_locked locked, struct vsva_dev *dev, struct flush *flush)
{
	struct function *function = dev->function;
	const struct flush_range everything = {.order = FLUSH_ALL};

	(void)locked;
	if (!function_is_ats_on(function))
		return;
	if (count_children(dev) > FLUSHED_SINGLY) {
		flush_device_tlb_all_pasids(flush, &function->tlb);
		function_flush_device_tlb(function, flush, dev->base, everything);
		return;
	}
	for (struct list *at = dev->bindings.next; at != &dev->bindings; at = at->next)
		function_flush_device_tlb(function, flush,
					  container_of(at, struct binding, in_dev)->id.id.v,
					  everything);
}
