// SPDX-License-Identifier: MIT
/* PASIDs, their bindings and page requests, for who looks on (vsva/inspect.h). */
#include "vsva/inspect.h"

#include "host/driver.h"
#include "host/group.h"
#include "host/ioasid_impl.h"

/* PASIDs */

/* lock */
static uint32_t count_bindings(const struct entry *entry)
{
	uint32_t count = 0;

	for (const struct ioasid_binding *at = entry->bindings; at; at = at->next)
		count++;
	return count;
}

/* lock */
static void describe_pasid(const struct entry *entry, struct vsva_pasid_info *out)
{
	*out = (struct vsva_pasid_info){
		.hpasid = hpasid(entry->id),
		.gpasid = gpasid(entry->guest),
		.state = entry_state(entry),
		.flags = entry->flags & ENTRY_PUBLIC_FLAGS,
		.references = entry->references,
		.has_allocation = entry->has_allocations_reference,
		.bindings = count_bindings(entry),
		.owner = entry->set->token,
	};
}

/* The next one that is out, from `from` on; UINT32_MAX: there is none. */
static uint32_t read_pasid(struct vsva_ioasid_space *space, uint32_t from,
			   struct vsva_pasid_info *out)
{
	uint32_t id;

	lock_take(&space->lock);
	id = numbers_next(&space->numbers, from);
	if (id != UINT32_MAX)
		describe_pasid(entry_of(space, hpasid(id)), out);
	lock_drop(&space->lock);
	return id;
}

size_t vsva_inspect_pasids(struct vsva_machine *machine, hpasid_t from, struct vsva_pasid_info *out,
			   size_t max)
{
	struct vsva_iommu *iommu = vsva_machine_iommu(machine);
	uint32_t id = from.v;
	size_t count = 0;

	while (iommu && count < max &&
	       (id = read_pasid(iommu->space, id, &out[count])) != UINT32_MAX) {
		count++;
		id++;
	}
	return count;
}

/* Bindings */

static enum vsva_binding_kind kind_of(const struct binding *binding)
{
	static const enum vsva_binding_kind kinds[] = {
		[BINDING_NESTED] = VSVA_BINDING_NESTED,
		[BINDING_SECOND_STAGE] = VSVA_BINDING_SECOND_STAGE,
		[BINDING_FIRST_STAGE] = VSVA_BINDING_FIRST_STAGE,
	};

	return kinds[binding->kind];
}

void binding_count(const struct function *function, const struct vsva_dev *dev, uint32_t pasid,
		   enum binding_counter counter)
{
	struct binding *binding;

	rcu_read_lock();
	binding = function_find_bindings(function, pasid);
	for (; binding; binding = rcu_load(binding->same))
		if (!dev || binding->dev == dev)
			__atomic_fetch_add(&binding->counters[counter], 1, __ATOMIC_RELAXED);
	rcu_read_unlock();
}

static uint32_t counted(const struct binding *binding, enum binding_counter counter)
{
	return __atomic_load_n(&binding->counters[counter], __ATOMIC_RELAXED);
}

/* The lock of the space: so its device is there, and attached. */
static void describe_binding(const struct binding *binding, struct vsva_binding_info *out)
{
	const struct vsva_dev *dev = binding->dev;
	const struct vsva_domain *domain;

	*out = (struct vsva_binding_info){
		.rid = dev->rid,
		.hpasid = binding->id.id,
		.gpasid = binding->id.guest,
		.base = dev->base,
		.kind = kind_of(binding),
		.is_active = binding->id.is_active,
		.is_dying = __atomic_load_n(&binding->is_dying, __ATOMIC_RELAXED),
		.did = binding->did.v,
		.root = binding->root,
		.addr_width = binding->addr_width,
		.page_requests = counted(binding, BINDING_PAGE_REQUESTS),
		.invalidations = counted(binding, BINDING_INVALIDATIONS),
		.faults = counted(binding, BINDING_FAULTS),
	};
	rcu_read_lock();
	domain = rcu_load(dev->domain);
	out->vm = domain ? domain->vm : 0;
	out->domain = domain ? domain->did.v : 0;
	rcu_read_unlock();
}

size_t vsva_inspect_bindings(struct vsva_machine *machine, hpasid_t pasid,
			     struct vsva_binding_info *out, size_t max)
{
	struct vsva_iommu *iommu = vsva_machine_iommu(machine);
	const struct entry *entry;
	size_t count = 0;

	if (!iommu)
		return 0;
	lock_take(&iommu->space->lock);
	entry = entry_of(iommu->space, pasid);
	for (struct ioasid_binding *at = entry ? entry->bindings : NULL; at; at = at->next) {
		if (count < max)
			describe_binding(container_of(at, struct binding, id), &out[count]);
		count++;
	}
	lock_drop(&iommu->space->lock);
	return count;
}

/* Page requests */

static void describe_group(const struct group *group, struct vsva_group_info *out)
{
	*out = (struct vsva_group_info){
		.rid = group->key.rid,
		.hpasid = group->key.pasid,
		.prgi = group->key.prgi,
		.state = (enum vsva_group_state)group->state,
		.is_native = group->is_native,
		.requests = group->count,
	};
	if (group->count) {
		out->addr = group->first.addr;
		out->write = group->first.perm & VSVA_FAULT_PERM_WRITE;
	}
}

size_t vsva_inspect_groups(struct vsva_machine *machine, size_t skip, struct vsva_group_info *out,
			   size_t max)
{
	struct vsva_iommu *iommu = vsva_machine_iommu(machine);
	struct prq_locked locked;
	size_t count = 0;

	if (!iommu)
		return 0;
	locked = prq_lock(iommu);
	for (unsigned state = 0; state < GROUP_STATES; state++) {
		struct list *list = &iommu->prq.groups[state];

		for (struct list *at = list->next; at != list && count < max; at = at->next) {
			if (skip)
				skip--;
			else
				describe_group(container_of(at, struct group, in_list),
					       &out[count++]);
		}
	}
	prq_unlock(locked);
	return count;
}
