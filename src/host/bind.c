// SPDX-License-Identifier: MIT
/* vsva_bind_gpasid and vsva_unbind_gpasid: decode, then reserve, build, publish. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "host/bind.h"
#include "host/teardown.h"

/* A bind that was checked, by itself: nothing of it is looked at twice in the caller's memory. */
struct bind_request {
	struct vsva_gpasid_bind_data data; /* is_pass_through: only hpasid, gpasid and flags */
	hpasid_t pasid;
	gpasid_t guest;
	bool is_pass_through;
	bool is_clean; /* the answer */
};

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool is_host_pasid(uint64_t pasid)
{
	return pasid >= 1 && pasid <= VSVA_PASID_MAX;
}

/* Of the data alone. */
static int check_format(const struct vsva_gpasid_bind_data *data)
{
	if (data->argsz < sizeof(*data) || data->version != VSVA_GPASID_BIND_VERSION_1 ||
	    data->format != VSVA_PASID_FORMAT_INTEL_VTD)
		return -EINVAL;
	if (data->flags & ~(uint64_t)VSVA_GPASID_VAL || data->vtd.flags >= VSVA_VTD_GPASID_LAST)
		return -EINVAL;
	return is_zero(data->padding, sizeof(data->padding)) ? 0 : -EINVAL;
}

/* Of unit and device. */
static int check_device(const struct vsva_dev *dev)
{
	uint64_t ecap = dev->iommu->rules.ecap;

	if (!dev->function->is_pci)
		return -ENOTSUP;
	if (!vtd_ECAP_PASID(ecap) || !vtd_ECAP_FSTS(ecap) || !dev->function->pf->caps.pasid)
		return -ENODEV;
	return dev->function->pf->caps.pasid_width == 20 ? 0 : -EINVAL;
}

/* The guest PASID is the guest's affair, so any number that the IOASID can keep is good. */
static int decode_pasids(struct bind_request *request)
{
	const struct vsva_gpasid_bind_data *data = &request->data;
	uint64_t guest = data->flags & VSVA_GPASID_VAL ? data->gpasid : data->hpasid;

	if (!is_host_pasid(data->hpasid) || guest >= VSVA_PASID_INVALID)
		return -EINVAL;
	request->pasid = hpasid((uint32_t)data->hpasid);
	request->guest = gpasid((uint32_t)guest);
	return 0;
}

/* argsz first: a caller with a shorter structure has no more memory than that. */
static int decode(struct vsva_domain *domain, struct vsva_dev *dev,
		  const struct vsva_gpasid_bind_data *data, struct bind_request *request)
{
	int err;

	if (!domain || !dev || !data || domain->iommu != dev->iommu)
		return -EINVAL;
	if (__atomic_load_n(&data->argsz, __ATOMIC_RELAXED) < sizeof(*data))
		return -EINVAL;
	memcpy(&request->data, data, sizeof(*data));
	err = check_format(&request->data);
	if (!err)
		err = check_device(dev);
	if (!err)
		err = decode_pasids(request);
	if (!err)
		err = child_check(domain, request->data.gpgd, request->data.addr_width,
				  request->data.vtd.flags);
	return err;
}

static void fill(struct binding *binding, const struct bind_request *request)
{
	const struct vsva_gpasid_bind_data *data = &request->data;

	binding->id.id = request->pasid;
	binding->id.guest = request->guest;
	binding->root = data->gpgd;
	binding->pat = data->vtd.pat;
	binding->emt = data->vtd.emt;
	binding->addr_width = (uint8_t)data->addr_width;
	binding->vtd_flags = (uint8_t)data->vtd.flags;
	binding->is_guest_given = (data->flags & VSVA_GPASID_VAL) != 0;
}

static enum binding_kind kind_of(const struct bind_request *request)
{
	return request->is_pass_through ? BINDING_SECOND_STAGE : BINDING_NESTED;
}

static bool is_identical(const struct binding *binding, const struct bind_request *request)
{
	struct binding other = {.kind = (uint8_t)kind_of(request)};

	fill(&other, request);
	if (request->is_pass_through)
		return binding->kind == other.kind;
	return child_is_same(binding, &other);
}

static uint32_t ioasid_flags(const struct binding *binding)
{
	if (binding->kind == BINDING_FIRST_STAGE)
		return 0;
	return VSVA_IOASID_GUEST_MODE | (binding->is_guest_given ? VSVA_IOASID_GUEST_PASID : 0);
}

void binding_abort(struct domain_locked locked, struct binding *binding)
{
	child_forget(locked, binding);
	ioasid_release(binding_set(locked, binding), &binding->id);
	child_free(locked, binding);
}

/* What can fail comes first; the table page comes last, because it stays when it was made. */
int binding_reserve(struct domain_locked locked, struct binding *binding)
{
	struct vsva_ioasid_set *set = binding_set(locked, binding);
	int err = ioasid_reserve(set, &binding->id);

	if (!err) {
		err = child_reserve(locked, binding);
		if (err)
			ioasid_release(set, &binding->id);
	}
	if (err) {
		child_free(locked, binding);
		return err;
	}
	err = function_allow_pasids(binding->dev->function);
	if (err)
		binding_abort(locked, binding);
	return err;
}

/* The subscribers hear of it when the entry is there. An owner that has freed the PASID meanwhile
 * has it taken down again. */
int binding_publish(struct domain_locked locked, struct binding *binding)
{
	struct vsva_iommu *iommu = locked.domain->iommu;
	struct aftermath aftermath = {0};
	int err = child_publish(locked, binding);

	stat_add(&iommu->stats.binds);
	if (!err)
		err = ioasid_activate(binding_set(locked, binding), &binding->id,
				      ioasid_flags(binding));
	if (err)
		bindings_teardown(locked, binding->dev, &binding, 1, &aftermath);
	return err;
}

/* Its entry was not present before, and nothing is left in a cache of what was there then. */
static bool is_clean(struct domain_locked locked, const struct binding *binding)
{
	return !child_is_shared(locked, binding) && !limbo_was_used(&locked.domain->iommu->limbo);
}

static int bind_new(struct domain_locked locked, struct vsva_dev *dev, struct bind_request *request)
{
	struct binding *binding = child_alloc(locked, dev, kind_of(request));
	int err;

	if (!binding)
		return -ENOMEM;
	fill(binding, request);
	err = binding_reserve(locked, binding);
	if (!err)
		err = binding_publish(locked, binding);
	if (!err)
		request->is_clean = is_clean(locked, binding);
	return err;
}

static int bind_locked(struct domain_locked locked, struct vsva_dev *dev,
		       struct bind_request *request)
{
	struct vsva_domain *domain = locked.domain;
	struct binding *binding;
	int err;

	if (!domain->owner)
		return -EACCES;
	if (!dev_is_attached_to(dev, domain) || function_is_isolated(dev->function))
		return -ENODEV;
	binding = dev_find_binding(dev, request->pasid.v);
	if (!binding)
		return bind_new(locked, dev, request);
	err = vsva_ioasid_find(dev->iommu->space, domain->owner, request->pasid, NULL);
	if (err)
		return err;
	if (!is_identical(binding, request))
		return -EBUSY;
	binding->users++;
	return 0;
}

static void log_refusal(const struct vsva_dev *dev, const struct bind_request *request, int err)
{
	LOG_LIMITED(LOG_WARN, VSVA_CODE_BIND_REFUSED,
		    "host: device %04x: bind of PASID %" PRIu64 " (guest %" PRIu64
		    ") to first stage %#" PRIx64 ", width %" PRIu32 ", refused: %s",
		    dev->rid.v, request->data.hpasid, request->data.gpasid, request->data.gpgd,
		    request->data.addr_width, strerror(-err));
}

/* The news with the lock, so that that of an unbind does not overtake it. */
static int bind_decoded(struct vsva_domain *domain, struct vsva_dev *dev,
			struct bind_request *request)
{
	struct domain_locked locked;
	int err;

	locked = domain_lock(domain);
	TRACE(dev->iommu->trace, HOST, BIND, .vm = domain->vm, .rid = dev->rid,
	      .hpasid = request->pasid, .gpasid = request->guest, .addr = request->data.gpgd);
	err = bind_locked(locked, dev, request);
	TRACE(dev->iommu->trace, HOST, BIND_DONE, .vm = domain->vm, .rid = dev->rid,
	      .hpasid = request->pasid, .gpasid = request->guest, .addr = request->data.gpgd,
	      .result = err);
	domain_unlock(locked);
	if (err)
		log_refusal(dev, request, err);
	return err;
}

int bind_gpasid(struct vsva_domain *domain, struct vsva_dev *dev,
		const struct vsva_gpasid_bind_data *data, bool *is_clean)
{
	struct bind_request request = {.data = {0}};
	int err = decode(domain, dev, data, &request);

	*is_clean = false;
	if (err) {
		if (dev)
			log_refusal(dev, &request, err);
		return err;
	}
	err = bind_decoded(domain, dev, &request);
	*is_clean = request.is_clean;
	return err;
}

int vsva_bind_gpasid(struct vsva_domain *domain, struct vsva_dev *dev,
		     const struct vsva_gpasid_bind_data *data)
{
	bool is_clean;

	return bind_gpasid(domain, dev, data, &is_clean);
}

/* The guest PASID is the one that the id has already, or the same number. */
static int decode_second_stage(struct vsva_domain *domain, struct vsva_dev *dev, hpasid_t pasid,
			       struct bind_request *request)
{
	int err;

	if (!domain || !dev || domain->iommu != dev->iommu ||
	    !(domain->flags & VSVA_DOMAIN_NESTING) || !domain->owner)
		return -EINVAL;
	err = check_device(dev);
	if (err)
		return err;
	request->is_pass_through = true;
	request->data.hpasid = pasid.v;
	request->data.gpasid = pasid.v;
	if (!vsva_ioasid_gpasid_of(domain->owner, pasid, &request->guest)) {
		request->data.gpasid = request->guest.v;
		request->data.flags = VSVA_GPASID_VAL;
	}
	return decode_pasids(request);
}

int vsva_bind_second_stage(struct vsva_domain *domain, struct vsva_dev *dev, hpasid_t pasid)
{
	struct bind_request request = {.data = {0}};
	int err = decode_second_stage(domain, dev, pasid, &request);

	return err ? err : bind_decoded(domain, dev, &request);
}

/* Unbind */

/* The domain's owner has the PASID, or had it until it freed it. */
static bool is_owners(const struct binding *binding)
{
	return binding && !binding->is_rid && binding->kind != BINDING_FIRST_STAGE;
}

/* What is not bound (any more) is no error, whoever took it down; but another owner's PASID is. */
static int unbind_locked(struct domain_locked locked, struct vsva_dev *dev, hpasid_t pasid,
			 bool *is_drained)
{
	struct aftermath aftermath = {0};
	struct binding *binding = NULL;

	if (dev_is_attached_to(dev, locked.domain))
		binding = dev_find_binding(dev, pasid.v);
	if (!is_owners(binding) &&
	    vsva_ioasid_find(dev->iommu->space, locked.domain->owner, pasid, NULL) == -EACCES)
		return -EACCES;
	if (!binding || --binding->users)
		return 0;
	bindings_teardown(locked, dev, &binding, 1, &aftermath);
	*is_drained = aftermath.is_drained && !aftermath.err;
	return aftermath.err;
}

int unbind_gpasid(struct vsva_domain *domain, struct vsva_dev *dev, hpasid_t pasid,
		  bool *is_drained)
{
	struct domain_locked locked;
	int err;

	*is_drained = false;
	if (!domain || !dev || domain->iommu != dev->iommu || !is_host_pasid(pasid.v))
		return -EINVAL;
	if (!domain->owner)
		return -EACCES;
	locked = domain_lock(domain);
	err = unbind_locked(locked, dev, pasid, is_drained);
	domain_unlock(locked);
	return err;
}

int vsva_unbind_gpasid(struct vsva_domain *domain, struct vsva_dev *dev, hpasid_t pasid)
{
	bool is_drained;

	return unbind_gpasid(domain, dev, pasid, &is_drained);
}

int host_child_did(struct vsva_dev *dev, hpasid_t pasid, did_t *out)
{
	const struct binding *binding;

	rcu_read_lock();
	binding = dev_find_binding(dev, pasid.v ? pasid.v : dev->base);
	if (binding)
		*out = binding->did;
	rcu_read_unlock();
	return binding ? 0 : -ENOENT;
}
