// SPDX-License-Identifier: MIT
/* vsva_sva_bind and vsva_sva_unbind. */
#include "host/sva.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "host/bind.h"
#include "host/teardown.h"

/* Feature */

static bool unit_is_capable(const struct vsva_iommu *iommu)
{
	uint64_t ecap = iommu->rules.ecap;

	return vtd_ECAP_PASID(ecap) && vtd_ECAP_FSTS(ecap) && vtd_ECAP_SMPWC(ecap);
}

bool vsva_sva_has_feature(const struct vsva_dev *dev)
{
	const struct function *function;

	if (!dev || !unit_is_capable(dev->iommu))
		return false;
	function = dev->function;
	return function->is_pci && function->pf->caps.pasid && function->pf->caps.pri &&
	       function->caps.ats && vtd_ECAP_PRS(dev->iommu->rules.ecap) &&
	       vtd_ECAP_DT(dev->iommu->rules.ecap);
}

static int enable(struct domain_locked locked, struct vsva_dev *dev)
{
	if (!dev_is_attached_to(dev, locked.domain))
		return -EINVAL;
	return vsva_sva_has_feature(dev) ? function_allow_pasids(dev->function) : -ENODEV;
}

static bool has_native(struct domain_locked locked, const struct vsva_dev *dev)
{
	(void)locked;
	for (const struct list *at = dev->bindings.next; at != &dev->bindings; at = at->next)
		if (container_of(at, struct binding, in_dev)->kind == BINDING_FIRST_STAGE)
			return true;
	return false;
}

/* PASIDs stay enabled until the device is detached: others may use them. */
static int disable(struct domain_locked locked, struct vsva_dev *dev)
{
	if (!dev_is_attached_to(dev, locked.domain))
		return -EINVAL;
	return has_native(locked, dev) ? -EBUSY : 0;
}

static int with_domain(struct vsva_dev *dev,
		       int (*fn)(struct domain_locked locked, struct vsva_dev *dev))
{
	struct vsva_domain *domain = dev ? dev_domain_get(dev) : NULL;
	struct domain_locked locked;
	int err;

	if (!domain)
		return -EINVAL;
	locked = domain_lock(domain);
	err = fn(locked, dev);
	domain_unlock(locked);
	domain_put(domain);
	return err;
}

int vsva_sva_enable(struct vsva_dev *dev)
{
	return with_domain(dev, enable);
}

int vsva_sva_disable(struct vsva_dev *dev)
{
	return with_domain(dev, disable);
}

/* Bind */

/* A bind that was checked. */
struct sva_request {
	struct vsva_dev *dev;
	struct vsva_mm *mm;
	const struct vsva_sva_ops *ops;
	void *drvdata;
	bool is_supervisor;
};

/* In the order of the 2020 interface. */
static int check(const struct sva_request *request, uint32_t flags)
{
	const struct vsva_dev *dev = request->dev;
	const struct vsva_iommu *iommu = dev->iommu;

	if (!unit_is_capable(iommu))
		return -ENOTSUP;
	if (flags & ~VSVA_SVA_SUPERVISOR)
		return -EINVAL;
	if (!dev->function->is_pci || !dev->function->pf->caps.pasid)
		return -EINVAL;
	if (request->is_supervisor != mm_is_kernel(request->mm))
		return -EINVAL;
	if (request->is_supervisor && !vtd_ECAP_SRS(iommu->rules.ecap))
		return -EINVAL;
	return vsva_mm_is_dead(request->mm) ? -ESRCH : 0;
}

/* One more than the largest PASID that unit and device can have. */
static uint32_t pasid_end(const struct vsva_dev *dev)
{
	unsigned unit = vtd_pasid_bits(dev->iommu->rules.ecap);
	unsigned device = dev->function->pf->caps.pasid_width;

	return UINT32_C(1) << (unit < device ? unit : device);
}

/* bind_lock: nobody else adds one. */
static struct vsva_sva *find_bond(struct sva_space *space, const struct vsva_dev *dev)
{
	struct vsva_sva *found = NULL;

	lock_take(&space->lock);
	for (struct list *at = space->bonds.next; at != &space->bonds && !found; at = at->next) {
		struct vsva_sva *bond = container_of(at, struct vsva_sva, in_space);

		if (bond->dev == dev)
			found = bond;
	}
	lock_drop(&space->lock);
	return found;
}

static void fill(struct binding *binding, struct vsva_sva *bond)
{
	struct vsva_mm *mm = bond->space->mm;

	binding->id.id = bond->pasid;
	binding->id.guest = gpasid(VSVA_PASID_INVALID);
	binding->root = mm_root(mm).v;
	binding->addr_width = 48;
	binding->vtd_flags = mm_is_kernel(mm) ? VSVA_VTD_GPASID_SRE : 0;
	binding->native = bond->space;
}

static int publish(struct domain_locked locked, struct vsva_sva *bond, struct binding *binding)
{
	int err = binding_reserve(locked, binding);

	if (err)
		return err;
	err = sva_bond_list(locked, bond, binding);
	if (err) {
		binding_abort(locked, binding);
		return err;
	}
	return binding_publish(locked, binding);
}

static int bind_locked(struct domain_locked locked, struct vsva_sva *bond)
{
	struct vsva_dev *dev = bond->dev;
	struct binding *binding;

	if (!dev_is_attached_to(dev, locked.domain))
		return -EINVAL;
	if (locked.domain->owner)
		return -EBUSY;
	if (function_is_isolated(dev->function))
		return -ENODEV;
	binding = child_alloc(locked, dev, BINDING_FIRST_STAGE);
	if (!binding)
		return -ENOMEM;
	fill(binding, bond);
	return publish(locked, bond, binding);
}

/* With the lock, so that the news of an unbind does not overtake that of the bind. */
static int bind_traced(struct vsva_domain *domain, struct vsva_sva *bond)
{
	struct vsva_iommu *iommu = domain->iommu;
	uint64_t root = mm_root(bond->space->mm).v;
	struct domain_locked locked;
	int err;

	locked = domain_lock(domain);
	TRACE(iommu->trace, HOST, BIND, .rid = bond->dev->rid, .hpasid = bond->pasid, .addr = root);
	err = bind_locked(locked, bond);
	TRACE(iommu->trace, HOST, BIND_DONE, .rid = bond->dev->rid, .hpasid = bond->pasid,
	      .addr = root, .result = err);
	domain_unlock(locked);
	return err;
}

/* bind_lock; the space has a PASID for it. */
static int bond_make(struct sva_space *space, const struct sva_request *request,
		     struct vsva_sva **out)
{
	struct vsva_domain *domain = dev_domain_get(request->dev);
	struct vsva_sva *bond;
	int err = -ENOMEM;

	if (!domain)
		return -EINVAL;
	bond = base_zalloc(sizeof(*bond));
	if (bond) {
		*bond = (struct vsva_sva){.space = space,
					  .dev = request->dev,
					  .ops = request->ops,
					  .drvdata = request->drvdata,
					  .pasid = space->pasid,
					  .users = 1};
		list_init(&bond->in_space);
		err = bind_traced(domain, bond);
	}
	domain_put(domain);
	if (err)
		base_free(bond);
	else
		*out = bond;
	return err;
}

/* bind_lock */
static int bind_new(struct sva_space *space, const struct sva_request *request,
		    struct vsva_sva **out)
{
	int err = sva_space_take_pasid(space, pasid_end(request->dev));

	if (err)
		return err;
	err = bond_make(space, request, out);
	if (err)
		sva_space_put_pasid(space);
	else
		vsva_mm_get(space->mm);
	return err;
}

static int bind(struct sva_space *space, const struct sva_request *request, struct vsva_sva **out)
{
	struct vsva_sva *bond;
	int err = 0;

	lock_take(&space->bind_lock);
	bond = find_bond(space, request->dev);
	if (!bond) {
		err = bind_new(space, request, &bond);
	} else if (bond->ops != request->ops) {
		err = -EBUSY;
	} else {
		bond->users++;
	}
	lock_drop(&space->bind_lock);
	if (!err)
		*out = bond;
	return err;
}

int vsva_sva_bind(struct vsva_dev *dev, struct vsva_mm *mm, uint32_t flags,
		  const struct vsva_sva_ops *ops, void *drvdata, struct vsva_sva **out)
{
	struct sva_request request = {.dev = dev,
				      .mm = mm,
				      .ops = ops,
				      .drvdata = drvdata,
				      .is_supervisor = (flags & VSVA_SVA_SUPERVISOR) != 0};
	struct sva_space *space;
	int err;

	if (!dev || !mm || !out)
		return -EINVAL;
	err = check(&request, flags);
	if (!err)
		err = sva_space_get(dev->iommu, mm, &space);
	if (!err)
		err = bind(space, &request, out);
	if (err)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_BIND_REFUSED,
			    "host: device %04x: SVA bind refused: %s", dev->rid.v, strerror(-err));
	return err;
}

/* Unbind */

static int unbind_locked(struct domain_locked locked, struct vsva_sva *bond)
{
	struct aftermath aftermath = {0};

	/* with the domain's lock it stays what it is */
	if (bond->binding)
		bindings_teardown(locked, bond->dev, &bond->binding, 1, &aftermath);
	if (aftermath.is_in_doubt)
		limbo_add_space(bond->space->iommu, bond->space);
	return aftermath.err;
}

/* bind_lock */
static int bond_destroy(struct vsva_sva *bond)
{
	struct vsva_domain *domain = sva_bond_domain(bond);
	struct domain_locked locked;
	int err = 0;

	if (domain) {
		locked = domain_lock(domain);
		err = unbind_locked(locked, bond);
		domain_unlock(locked);
		domain_put(domain);
	}
	sva_space_put_pasid(bond->space);
	base_free(bond);
	return err;
}

int vsva_sva_unbind(struct vsva_sva *bond)
{
	struct sva_space *space;
	struct vsva_mm *mm = NULL;
	int err = 0;

	if (!bond)
		return 0;
	space = bond->space;
	lock_take(&space->bind_lock);
	if (--bond->users == 0) {
		mm = space->mm;
		err = bond_destroy(bond);
	}
	lock_drop(&space->bind_lock);
	vsva_mm_put(mm);
	return err;
}

hpasid_t vsva_sva_pasid(const struct vsva_sva *bond)
{
	return bond->pasid;
}
