// SPDX-License-Identifier: MIT
#include "host/reclaim.h"

#include "host/teardown.h"
#include "vsva/limits.h"

/* At once. The IOASID space's lock is held: what is on the list of bindings stays. */

static void mark_defunct(void *arg, struct ioasid_binding *id)
{
	struct binding *binding = container_of(id, struct binding, id);
	struct function *function = binding->dev->function;
	bool *is_bound = arg;

	*is_bound = true;
	__atomic_store_n(&binding->is_dying, true, __ATOMIC_RELEASE);
	entry_disable_faults(function, id->id.v);
}

static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct vsva_iommu *iommu = arg;
	bool is_bound = false;

	if (event->kind != VSVA_IOASID_EVENT_FREE)
		return;
	ioasid_for_each_binding(iommu->space, event->id, mark_defunct, &is_bound);
	if (is_bound)
		prq_discard_dying_later(iommu);
}

/* Then */

static void take_domain(void *arg, struct ioasid_binding *id)
{
	struct binding *binding = container_of(id, struct binding, id);
	struct vsva_domain **out = arg;

	*out = __atomic_load_n(&binding->dev->domain, __ATOMIC_ACQUIRE);
	domain_get(*out);
}

/* A domain on which one of the ids is bound, with a reference, or NULL. */
static struct vsva_domain *find_domain(struct vsva_iommu *iommu,
				       const struct vsva_ioasid_event *events, size_t count)
{
	struct vsva_domain *domain = NULL;

	for (size_t i = 0; i < count; i++)
		if (ioasid_first_binding(iommu->space, events[i].id, take_domain, &domain))
			return domain;
	return NULL;
}

/* Nothing new is bound to these ids, so each turn leaves fewer of them. */
static void on_reclaim(void *arg, const struct vsva_ioasid_event *events, size_t count)
{
	struct vsva_iommu *iommu = arg;
	hpasid_t ids[VSVA_LIMIT_RECLAIM_BATCH];
	struct vsva_domain *domain;

	for (size_t i = 0; i < count; i++)
		ids[i] = events[i].id;
	while ((domain = find_domain(iommu, events, count))) {
		domain_teardown_pasids(domain, ids, (unsigned)count);
		domain_put(domain);
	}
}

static const struct vsva_ioasid_subscriber subscriber = {.event = on_event, .reclaim = on_reclaim};

static_assert(ENTRY_BATCH_MAX >= VSVA_LIMIT_RECLAIM_BATCH, "a batch of reclaims is one of entries");

int reclaim_init(struct vsva_iommu *iommu)
{
	return vsva_ioasid_notifier_register(iommu->space, NULL, VSVA_IOASID_PRIORITY_IOMMU,
					     &subscriber, iommu, &iommu->notifier);
}

void reclaim_fini(struct vsva_iommu *iommu)
{
	vsva_ioasid_notifier_unregister(iommu->notifier);
}
