// SPDX-License-Identifier: MIT
/* vsva_attach_rid: the translation of requests without PASID. */
#include <errno.h>

#include "base/check.h"
#include "host/teardown.h"

static int decode(const struct vsva_domain *domain, const struct vsva_dev *dev,
		  const struct vsva_rid_config *config)
{
	if (!domain || !dev || !config || domain->iommu != dev->iommu)
		return -EINVAL;
	switch (config->kind) {
	case VSVA_RID_BLOCKED:
	case VSVA_RID_SECOND_STAGE:
		return 0;
	case VSVA_RID_NESTED:
		if (config->vtd_flags >= VSVA_VTD_GPASID_LAST)
			return -EINVAL;
		return child_check(domain, config->gpgd.v, config->addr_width, config->vtd_flags);
	default:
		return -EINVAL;
	}
}

static bool is_same(const struct vsva_dev *dev, const struct vsva_rid_config *config)
{
	const struct binding *nested = dev_find_binding(dev, dev->base);

	if (dev->rid_kind != config->kind)
		return false;
	return config->kind != VSVA_RID_NESTED ||
	       (nested->root == config->gpgd.v && nested->addr_width == config->addr_width &&
		nested->vtd_flags == config->vtd_flags);
}

static int publish_second_stage(struct domain_locked locked, struct vsva_dev *dev)
{
	struct pasid_second_stage ss = domain_second_stage(locked.domain, locked.domain->did);
	struct vtd_pasid_entry entry = pasid_entry_second_stage(dev->iommu->rules.ecap, &ss);
	int err = entry_publish(locked, dev, dev->base, &entry);

	dev->rid_kind = VSVA_RID_SECOND_STAGE;
	return err;
}

/* The place for it exists since the device was attached, so nothing here lacks memory. */
static int publish_nested(struct domain_locked locked, struct vsva_dev *dev,
			  struct binding *binding)
{
	int err = child_reserve(locked, binding);

	CHECK(!err);
	err = child_publish(locked, binding);
	dev->rid_kind = VSVA_RID_NESTED;
	return err;
}

/* Old entry away, with its flushes, then the new one: a live entry is never overwritten
 * (VT-d 6.2.3.1). */
static int replace(struct domain_locked locked, struct vsva_dev *dev,
		   const struct vsva_rid_config *config, struct binding *binding)
{
	struct aftermath aftermath = {0};
	int err = 0;

	rid_block(locked, dev, &aftermath);
	if (aftermath.err) {
		if (binding)
			child_free(locked, binding);
		return aftermath.err;
	}
	if (config->kind == VSVA_RID_NESTED)
		err = publish_nested(locked, dev, binding);
	else if (config->kind == VSVA_RID_SECOND_STAGE)
		err = publish_second_stage(locked, dev);
	if (err)
		rid_block(locked, dev, &aftermath);
	return err;
}

static int reserve_nested(struct domain_locked locked, struct vsva_dev *dev,
			  const struct vsva_rid_config *config, struct binding **out)
{
	struct binding *binding = child_alloc(locked, dev, BINDING_NESTED);
	int err;

	if (!binding)
		return -ENOMEM;
	binding->is_rid = true;
	binding->id.id = hpasid(dev->base);
	binding->id.guest = gpasid(VSVA_PASID_INVALID);
	binding->root = config->gpgd.v;
	binding->addr_width = (uint8_t)config->addr_width;
	binding->vtd_flags = (uint8_t)config->vtd_flags;
	err = function_allow_pasids(dev->function);
	if (err)
		child_free(locked, binding);
	else
		*out = binding;
	return err;
}

static int attach_rid(struct domain_locked locked, struct vsva_dev *dev,
		      const struct vsva_rid_config *config)
{
	hpasid_t base = hpasid(dev->base ? dev->base : VSVA_PASID_INVALID);
	struct binding *binding = NULL;
	int err = 0;

	if (!dev_is_attached_to(dev, locked.domain) || function_is_isolated(dev->function))
		return -ENODEV;
	if (is_same(dev, config))
		return 0;
	if (config->kind == VSVA_RID_NESTED)
		err = reserve_nested(locked, dev, config, &binding);
	if (err)
		return err;
	TRACE(dev->iommu->trace, HOST, ATTACH_RID, .vm = locked.domain->vm, .rid = dev->rid,
	      .hpasid = base, .value = config->kind, .addr = config->gpgd.v);
	err = replace(locked, dev, config, binding);
	TRACE(dev->iommu->trace, HOST, ATTACH_RID_DONE, .vm = locked.domain->vm, .rid = dev->rid,
	      .hpasid = base, .value = dev->rid_kind, .addr = config->gpgd.v, .result = err);
	return err;
}

int vsva_attach_rid(struct vsva_domain *domain, struct vsva_dev *dev,
		    const struct vsva_rid_config *config)
{
	int err = decode(domain, dev, config);
	struct domain_locked locked;

	if (err)
		return err;
	locked = domain_lock(domain);
	err = attach_rid(locked, dev, config);
	domain_unlock(locked);
	return err;
}
