// SPDX-License-Identifier: MIT
/* Domains: second stages with their domain id. */
#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "host/child.h"

#define DOMAIN_FLAGS (VSVA_DOMAIN_NESTING | VSVA_DOMAIN_DIRTY)

/* Life */

static int check_flags(const struct vsva_iommu *iommu, uint32_t flags)
{
	uint64_t ecap = iommu->rules.ecap;

	if (flags & ~DOMAIN_FLAGS)
		return -EINVAL;
	/* A guest writes its tables like any memory, and A bits want a walk that snoops. */
	if ((flags & VSVA_DOMAIN_NESTING) && !(vtd_ECAP_NEST(ecap) && vtd_ECAP_SMPWC(ecap)))
		return -ENOTSUP;
	if ((flags & VSVA_DOMAIN_DIRTY) && !(vtd_ECAP_SSADS(ecap) && vtd_ECAP_SMPWC(ecap)))
		return -ENOTSUP;
	return 0;
}

static int domain_init(struct vsva_domain *domain, struct vsva_iommu *iommu)
{
	int err = did_alloc(&iommu->dids, &domain->did);

	if (err)
		return err;
	err = second_stage_init(&domain->ss, &iommu->paging, &iommu->rules);
	if (err) {
		did_free(&iommu->dids, domain->did);
		return err;
	}
	domain->iommu = iommu;
	domain->refs = 1;
	list_init(&domain->devs);
	lock_init(&domain->lock, LOCK_RANK_IOMMU, "domain");
	return 0;
}

int vsva_domain_alloc(struct vsva_iommu *iommu, struct vsva_ioasid_set *owner, uint32_t flags,
		      uint32_t vm, struct vsva_domain **out)
{
	struct vsva_domain *domain;
	int err = check_flags(iommu, flags);

	if (err)
		return err;
	domain = base_zalloc(sizeof(*domain));
	if (!domain)
		return -ENOMEM;
	err = domain_init(domain, iommu);
	if (err) {
		base_free(domain);
		return err;
	}
	ioasid_set_hold(owner);
	domain->owner = owner;
	domain->flags = flags;
	domain->vm = vm;
	stat_add(&iommu->stats.domains_now);
	*out = domain;
	return 0;
}

/* No access by these pages is under way, or nobody knows. */
static void free_removed(struct vsva_iommu *iommu, struct page_list *removed, bool is_in_doubt)
{
	if (page_list_is_empty(removed))
		return;
	if (is_in_doubt) {
		limbo_add_pages(iommu, removed);
		return;
	}
	rcu_synchronize();
	page_list_free(iommu->port.physmem, removed);
}

/* The domain id will be used again: nothing may be cached under it. VT-d 6.5.3.1 */
static void domain_fini(struct vsva_domain *domain)
{
	struct vsva_iommu *iommu = domain->iommu;
	struct page_list removed = {0};
	struct flush flush;

	second_stage_fini(&domain->ss, &removed);
	flush_begin(&flush, iommu);
	flush_pasid_cache_domain(&flush, domain->did);
	flush_iotlb_domain(&flush, domain->did);
	flush_end(&flush);
	free_removed(iommu, &removed, flush.is_in_doubt);
	if (flush.is_in_doubt)
		limbo_add_did(iommu, domain->did);
	else
		did_free(&iommu->dids, domain->did);
}

void domain_get(struct vsva_domain *domain)
{
	__atomic_fetch_add(&domain->refs, 1, __ATOMIC_RELAXED);
}

static void domain_reclaim(struct rcu_node *node)
{
	struct vsva_domain *domain = container_of(node, struct vsva_domain, rcu);

	lock_destroy(&domain->lock);
	base_free(domain);
}

void domain_put(struct vsva_domain *domain)
{
	if (__atomic_sub_fetch(&domain->refs, 1, __ATOMIC_ACQ_REL))
		return;
	ioasid_set_drop(domain->owner);
	rcu_call(&domain->rcu, domain_reclaim);
}

struct vsva_domain *dev_domain_get(const struct vsva_dev *dev)
{
	struct vsva_domain *domain;
	unsigned refs = 0;

	rcu_read_lock();
	domain = rcu_load(dev->domain);
	if (domain)
		refs = __atomic_load_n(&domain->refs, __ATOMIC_RELAXED);
	while (refs && !__atomic_compare_exchange_n(&domain->refs, &refs, refs + 1, true,
						    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		;
	rcu_read_unlock();
	return refs ? domain : NULL;
}

int vsva_domain_free(struct vsva_domain *domain)
{
	struct domain_locked locked = domain_lock(domain);
	bool is_used = !list_is_empty(&domain->devs);

	domain_unlock(locked);
	if (is_used)
		return -EBUSY;
	domain_fini(domain);
	stat_sub(&domain->iommu->stats.domains_now);
	domain_put(domain);
	return 0;
}

did_t host_domain_did(const struct vsva_domain *domain)
{
	return domain->did;
}

/* Ranges */

/* 0, -EINVAL, -ERANGE. */
static int check_range(const struct vsva_domain *domain, uint64_t addr, uint64_t len)
{
	uint64_t end = UINT64_C(1) << domain->ss.input_bits;

	if (len == 0 || (addr | len) % VSVA_PAGE_SIZE)
		return -EINVAL;
	return addr >= end || len > end - addr ? -ERANGE : 0;
}

struct range_flush {
	struct flush *flush;
	struct flush_range range;
};

static void add_child_range(void *arg, did_t did_)
{
	struct range_flush *what = arg;

	flush_iotlb_range(what->flush, did_, what->range);
}

/* The second stage is cached under the domain's id and, combined with first stages, under those of
 * its children. VT-d 6.2.3.1 */
static int flush_unit(struct domain_locked locked, struct flush_range range, bool *is_in_doubt)
{
	struct vsva_domain *domain = locked.domain;
	struct flush flush;
	struct range_flush what = {&flush, range};
	int err;

	flush_begin(&flush, domain->iommu);
	flush_iotlb_range(&flush, domain->did, range);
	domain_for_each_child_did(locked, add_child_range, &what);
	err = flush_end(&flush);
	*is_in_doubt = flush.is_in_doubt;
	return err;
}

/* A device TLB holds results of both stages under the address of the first: which ones are meant,
 * nobody can say. */
static void flush_one_device(struct domain_locked locked, struct vsva_dev *dev,
			     struct flush_range range, struct aftermath *aftermath)
{
	struct flush flush;

	if (!function_is_ats_on(dev->function))
		return;
	flush_begin(&flush, dev->iommu);
	if (dev->rid_kind == VSVA_RID_SECOND_STAGE)
		function_flush_device_tlb(dev->function, &flush, dev->base, range);
	dev_flush_children(locked, dev, &flush);
	function_flush_end(dev->function, &flush, aftermath);
}

/* IOTLBs first, for all devices; a device TLB that is flushed before would fill itself from them
 * (VT-d 6.5.2). */
static void flush_range(struct domain_locked locked, uint64_t addr, uint64_t end,
			struct aftermath *aftermath)
{
	struct flush_range range = flush_range_cover(addr, end - 1);
	struct vsva_domain *domain = locked.domain;

	aftermath->err = flush_unit(locked, range, &aftermath->is_in_doubt);
	for (struct list *member = domain->devs.next; member != &domain->devs;
	     member = member->next)
		flush_one_device(locked, container_of(member, struct vsva_dev, in_domain), range,
				 aftermath);
}

/* Map */

static int check_map(const struct vsva_domain *domain, uint64_t addr, uint64_t to, uint64_t len,
		     uint32_t prot)
{
	int err = check_range(domain, addr, len);

	if (err)
		return err;
	if (to % VSVA_PAGE_SIZE || !vtd_fits(to + len - 1, domain->iommu->rules.haw) ||
	    to + len < to)
		return -EINVAL;
	return prot == 0 || prot & ~(uint32_t)(VSVA_PROT_READ | VSVA_PROT_WRITE) ? -EINVAL : 0;
}

static int map_locked(struct domain_locked locked, uint64_t addr, uint64_t end, uint64_t to,
		      uint32_t prot)
{
	struct vsva_domain *domain = locked.domain;
	struct aftermath aftermath = {0};
	struct page_list removed = {0};
	int err;

	if (second_stage_is_mapped(&domain->ss, addr, end))
		return -EEXIST;
	err = second_stage_map(&domain->ss, addr, end, to, prot, &removed);
	/* CM=1: that there was nothing may be cached. Removed tables may be, whatever CM.
	 * VT-d 6.2.1 */
	if (vtd_CAP_CM(domain->iommu->rules.cap) || !page_list_is_empty(&removed))
		flush_range(locked, addr, end, &aftermath);
	free_removed(domain->iommu, &removed, aftermath.is_in_doubt);
	return err;
}

int vsva_domain_map(struct vsva_domain *domain, gpa_t addr, hpa_t to, uint64_t len, uint32_t prot)
{
	int err = check_map(domain, addr.v, to.v, len, prot);
	struct domain_locked locked;

	if (err)
		return err;
	locked = domain_lock(domain);
	err = map_locked(locked, addr.v, addr.v + len, to.v, prot);
	if (!err)
		TRACE(domain->iommu->trace, HOST, MAP, .vm = domain->vm, .addr = addr.v, .hpa = to,
		      .len = len, .write = (prot & VSVA_PROT_WRITE) != 0);
	domain_unlock(locked);
	return err;
}

/* Unmap */

static int unmap_locked(struct domain_locked locked, uint64_t addr, uint64_t end,
			uint64_t *unmapped)
{
	struct vsva_domain *domain = locked.domain;
	struct aftermath aftermath = {0};
	struct page_list removed = {0};

	if (second_stage_split(&domain->ss, addr, end))
		return -ENOMEM;
	TRACE(domain->iommu->trace, HOST, UNMAP, .vm = domain->vm, .addr = addr, .len = end - addr);
	*unmapped = second_stage_unmap(&domain->ss, addr, end, &removed);
	if (*unmapped || !page_list_is_empty(&removed))
		flush_range(locked, addr, end, &aftermath);
	free_removed(domain->iommu, &removed, aftermath.is_in_doubt);
	TRACE(domain->iommu->trace, HOST, UNMAP_DONE, .vm = domain->vm, .addr = addr,
	      .len = end - addr, .result = aftermath.err);
	return aftermath.err;
}

int vsva_domain_unmap(struct vsva_domain *domain, gpa_t addr, uint64_t len, uint64_t *unmapped)
{
	int err = check_range(domain, addr.v, len);
	struct domain_locked locked;
	uint64_t bytes = 0;

	if (!err) {
		locked = domain_lock(domain);
		err = unmap_locked(locked, addr.v, addr.v + len, &bytes);
		domain_unlock(locked);
	}
	if (unmapped)
		*unmapped = bytes;
	return err;
}

int vsva_domain_iova_to_phys(struct vsva_domain *domain, gpa_t addr, hpa_t *out)
{
	if (!vtd_fits(addr.v, domain->ss.input_bits))
		return -ENOENT;
	return second_stage_lookup(&domain->ss, addr.v, out);
}
