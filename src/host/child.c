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

int child_alloc(struct vsva_iommu *iommu, struct binding **out)
{
	struct binding *binding = base_zalloc(sizeof(*binding));
	int err;

	if (!binding)
		return -ENOMEM;
	err = did_alloc(&iommu->dids, &binding->did);
	if (err)
		base_free(binding);
	else
		*out = binding;
	return err;
}

static void binding_reclaim(struct rcu_node *node)
{
	base_free(container_of(node, struct binding, rcu));
}

/* Readers may have found it: it goes after a grace period, its domain id at once if nothing is
 * cached under it. */
static void retire(struct vsva_iommu *iommu, struct binding *binding, bool is_in_doubt)
{
	if (is_in_doubt)
		limbo_add_did(iommu, binding->did);
	else
		did_free(&iommu->dids, binding->did);
	rcu_call(&binding->rcu, binding_reclaim);
}

void child_free(struct vsva_iommu *iommu, struct binding *binding)
{
	retire(iommu, binding, false);
}

static int remember(struct vsva_dev *dev, struct binding *binding)
{
	if (binding->id.id.v)
		return sparse_set(&dev->bindings, binding->id.id.v, binding);
	rcu_publish(dev->rid_child, binding);
	return 0;
}

static void forget(struct vsva_dev *dev, const struct binding *binding)
{
	if (binding->id.id.v)
		sparse_set(&dev->bindings, binding->id.id.v, NULL);
	else
		rcu_publish(dev->rid_child, NULL);
}

/* Found before it is present in hardware, so that the first page request finds its owner. */
int child_reserve(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding)
{
	int err = remember(dev, binding);

	(void)locked;
	if (err || pasid_table_make(&dev->pasids, binding->id.id.v))
		return err;
	forget(dev, binding);
	return -ENOMEM;
}

void child_abort(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding)
{
	(void)locked;
	forget(dev, binding);
	child_free(dev->iommu, binding);
}

int child_publish(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding)
{
	struct pasid_second_stage ss = domain_second_stage(locked.domain, binding->did);
	struct pasid_first_stage fs = {.root = binding->gpgd,
				       .addr_width = binding->addr_width,
				       .flags = binding->vtd_flags};
	uint64_t ecap = dev->iommu->rules.ecap;
	struct vtd_pasid_entry entry = binding->is_pass_through
					       ? pasid_entry_second_stage(ecap, &ss)
					       : pasid_entry_nested(ecap, &ss, &fs);

	return dev_entry_publish(locked, dev, binding->id.id.v, &entry);
}

/* From here on nobody is asked to answer its page requests: an unbind never waits for a guest. */
static void mark_dying(struct vsva_dev *dev, struct binding *binding)
{
	lock_take(&dev->iommu->prq.lock);
	binding->is_dying = true;
	lock_drop(&dev->iommu->prq.lock);
	prq_discard(dev, hpasid(binding->id.id.v ? binding->id.id.v : VSVA_PASID_INVALID));
}

void child_destroy(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding,
		   struct aftermath *aftermath)
{
	mark_dying(dev, binding);
	dev_entry_teardown(locked, dev, binding->id.id.v, binding->did, aftermath);
	forget(dev, binding);
	retire(dev->iommu, binding, aftermath->is_in_doubt);
}

void child_unbind(struct domain_locked locked, struct vsva_dev *dev, struct binding *binding,
		  struct aftermath *aftermath)
{
	struct vsva_iommu *iommu = dev->iommu;
	hpasid_t pasid = binding->id.id;
	gpasid_t guest = binding->id.guest;

	TRACE(iommu->trace, HOST, UNBIND, .vm = locked.domain->vm, .rid = dev->rid, .hpasid = pasid,
	      .gpasid = guest);
	mark_dying(dev, binding);
	dev_entry_teardown(locked, dev, pasid.v, binding->did, aftermath);
	ioasid_unbind(locked.domain->owner, &binding->id);
	forget(dev, binding);
	retire(iommu, binding, aftermath->is_in_doubt);
	stat_add(&iommu->stats.unbinds);
	stat_sub(&iommu->stats.bound_now);
	TRACE(iommu->trace, HOST, UNBIND_DONE, .vm = locked.domain->vm, .rid = dev->rid,
	      .hpasid = pasid, .gpasid = guest, .result = aftermath->err);
}

void rid_block(struct domain_locked locked, struct vsva_dev *dev, struct aftermath *aftermath)
{
	if (dev->rid_child)
		child_destroy(locked, dev, dev->rid_child, aftermath);
	else if (dev->rid_kind == VSVA_RID_SECOND_STAGE)
		dev_entry_teardown(locked, dev, 0, locked.domain->did, aftermath);
	dev->rid_kind = VSVA_RID_BLOCKED;
}
