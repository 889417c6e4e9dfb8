// SPDX-License-Identifier: MIT
#include "host/report.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/group.h"
#include "host/wait.h"
#include "vtd/faults.h"

#define EXPIRY_SLICE_MS 1000u
/* A handler that itself waits for the caller's locks is not waited for longer. */
#define DYING_WAIT_MS 1000u
#define NS_PER_MS     1000000u

/* Handlers */

/* The handler that this thread is calling. */
static _Thread_local const struct fault_handler *calling;

/* Only its registration holds it. */
static bool is_idle(void *arg)
{
	struct fault_handler *handler = arg;

	return __atomic_load_n(&handler->refs, __ATOMIC_ACQUIRE) == 1;
}

static void handler_put(struct fault_handler *handler)
{
	if (__atomic_fetch_sub(&handler->refs, 1, __ATOMIC_ACQ_REL) == 1)
		base_free(handler);
}

/* A device and its handler, held for the time of a call without locks. */
struct hold {
	struct vsva_dev *dev;
	struct fault_handler *handler;
};

/* false: no handler. */
static bool hold_take(struct prq_locked locked, struct vsva_dev *dev, struct hold *hold)
{
	(void)locked;
	*hold = (struct hold){dev, dev->handler};
	if (!dev->handler)
		return false;
	__atomic_fetch_add(&dev->refs, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&dev->handler->refs, 1, __ATOMIC_RELAXED);
	return true;
}

static void hold_drop(const struct hold *hold)
{
	struct worker_pool *pool = hold->dev->iommu->pool;

	handler_put(hold->handler);
	__atomic_fetch_sub(&hold->dev->refs, 1, __ATOMIC_RELEASE);
	worker_pool_notify(pool);
}

int vsva_dev_register_fault_handler(struct vsva_dev *dev, vsva_fault_handler_fn *handler,
				    vsva_unit_fault_fn *unit_fault, void *arg)
{
	struct fault_handler *new;
	struct prq_locked locked;
	int err = 0;

	if (!dev || !handler)
		return -EINVAL;
	new = base_zalloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = (struct fault_handler){
		.fault = handler, .unit_fault = unit_fault, .arg = arg, .refs = 1};
	locked = prq_lock(dev->iommu);
	if (dev->handler)
		err = -EBUSY;
	else
		dev->handler = new;
	prq_unlock(locked);
	if (err)
		base_free(new);
	return err;
}

/* From here on nobody is given the handler; what it had been given is answered. */
static struct fault_handler *take_handler(struct vsva_dev *dev)
{
	struct prq_locked locked = prq_lock(dev->iommu);
	struct fault_handler *handler = dev->handler;

	dev->handler = NULL;
	prq_unlock(locked);
	return handler;
}

int vsva_dev_unregister_fault_handler(struct vsva_dev *dev)
{
	struct fault_handler *handler;
	int err = 0;

	if (!dev)
		return -ENOENT;
	handler = take_handler(dev);
	if (!handler)
		return -ENOENT;
	prq_discard_all(dev);
	if (calling == handler) {
		err = -ETIMEDOUT; /* it returns when this call has */
	} else if (!host_wait(dev->iommu->pool, is_idle, handler, dev->iommu->qi.timeout_ms)) {
		LOG_LIMITED(LOG_ERROR, VSVA_CODE_HANDLER_STUCK,
			    "host: the fault handler of device %04x does not return", dev->rid.v);
		err = -ETIMEDOUT;
	}
	handler_put(handler);
	return err;
}

/* Page requests */

/* A group on its way to the handler: requests belong to the report, so that an answer may come
 * meanwhile. */
struct report {
	struct list in_prq; /* prq.reports, while the handler may be running */
	struct hold hold;
	struct group_key key;
	uint64_t serial;
	unsigned count;
	struct group_request *requests;
};

static struct group *report_group(struct prq_locked locked, const struct report *report)
{
	struct group *group =
		group_find(locked, report->hold.dev->function, report->key.pasid, report->key.prgi);

	return group && group->serial == report->serial ? group : NULL;
}

/* The group that has been ready for longest, of one device or (dev NULL) of any. */
static struct group *first_ready(struct prq_locked locked, const struct vsva_dev *dev)
{
	struct list *ready = &locked.iommu->prq.groups[GROUP_READY];

	for (struct list *member = ready->next; member != ready; member = member->next) {
		struct group *group = container_of(member, struct group, in_list);

		if (!group->is_native && (!dev || group->dev == dev))
			return group;
	}
	return NULL;
}

/* The requests go from the group to the report. */
static void report_fill(struct prq_locked locked, struct report *report, struct group *group)
{
	report->key = group->key;
	report->serial = group->serial;
	report->count = group->count;
	report->requests = group->requests;
	group->requests = NULL;
	list_append(&locked.iommu->prq.reports, &report->in_prq);
	group_set_reported(locked, group);
}

static void report_end(struct report *report)
{
	struct prq_locked locked = prq_lock(report->hold.dev->iommu);

	list_remove(&report->in_prq);
	prq_unlock(locked);
	base_free(report->requests);
	hold_drop(&report->hold);
}

/* false: no group is ready. One whose handler has gone meanwhile is answered, and the report has no
 * handler. */
static bool report_take(struct vsva_iommu *iommu, const struct vsva_dev *dev, struct report *report)
{
	struct prq_locked locked = prq_lock(iommu);
	struct group *group = first_ready(locked, dev);

	report->hold.handler = NULL;
	if (group && hold_take(locked, group->dev, &report->hold))
		report_fill(locked, report, group);
	else if (group)
		group_answer(locked, group, VTD_RESPONSE_INVALID);
	prq_unlock(locked);
	return group != NULL;
}

static struct vsva_fault fault_of(const struct report *report, unsigned i)
{
	bool has_pasid = group_key_pasid(&report->key) != report->hold.dev->base;
	bool is_last = i + 1 == report->count;
	struct vsva_fault fault = {.type = VSVA_FAULT_PAGE_REQ};

	fault.u.prm = (struct vsva_fault_page_request){
		.flags = (has_pasid ? VSVA_PAGE_REQ_PASID_VALID | VSVA_PAGE_REQ_NEEDS_PASID : 0) |
			 (is_last ? VSVA_PAGE_REQ_LAST_PAGE : 0),
		.pasid = has_pasid ? report->key.pasid.v : 0,
		.grpid = report->key.prgi,
		.perm = report->requests[i].perm,
		.addr = report->requests[i].addr,
	};
	return fault;
}

static bool is_still_pending(const struct report *report)
{
	struct prq_locked locked = prq_lock(report->hold.dev->iommu);
	bool is_pending = report_group(locked, report) != NULL;

	prq_unlock(locked);
	return is_pending;
}

static void refuse(const struct report *report)
{
	struct prq_locked locked = prq_lock(report->hold.dev->iommu);
	struct group *group = report_group(locked, report);

	if (group)
		group_answer(locked, group, VTD_RESPONSE_INVALID);
	prq_unlock(locked);
}

static int call_handler(const struct hold *hold, const struct vsva_fault *fault)
{
	const struct fault_handler *outer = calling;
	int err;

	calling = hold->handler;
	err = hold->handler->fault(hold->handler->arg, hold->dev, fault);
	calling = outer;
	return err;
}

static void report_requests(const struct report *report)
{
	for (unsigned i = 0; i < report->count && is_still_pending(report); i++) {
		struct vsva_fault fault = fault_of(report, i);

		if (call_handler(&report->hold, &fault) == 0)
			continue;
		refuse(report);
		break;
	}
}

static bool report_one(struct vsva_iommu *iommu, const struct vsva_dev *dev)
{
	struct report report;

	if (!report_take(iommu, dev, &report))
		return false;
	if (!report.hold.handler)
		return true;
	report_requests(&report);
	report_end(&report);
	return true;
}

/* Waiting for reports */

static bool is_of_dying(struct prq_locked locked, const struct report *report,
			const struct vsva_dev *dev)
{
	const struct binding *binding;
	bool is_dying;

	(void)locked;
	if (report->hold.dev != dev)
		return false;
	rcu_read_lock();
	binding = dev_find_binding(dev, group_key_pasid(&report->key));
	is_dying = binding && __atomic_load_n(&binding->is_dying, __ATOMIC_ACQUIRE);
	rcu_read_unlock();
	return is_dying;
}

static bool has_no_report_of_dying(void *arg)
{
	struct vsva_dev *dev = arg;
	struct prq_locked locked = prq_lock(dev->iommu);
	struct list *reports = &dev->iommu->prq.reports;
	bool has = false;

	for (struct list *at = reports->next; at != reports && !has; at = at->next)
		has = is_of_dying(locked, container_of(at, struct report, in_prq), dev);
	prq_unlock(locked);
	return !has;
}

void report_wait_for_dying(struct vsva_dev *dev)
{
	if (!calling)
		host_wait(dev->iommu->pool, has_no_report_of_dying, dev, DYING_WAIT_MS);
}

bool report_next(struct vsva_iommu *iommu)
{
	return report_one(iommu, NULL);
}

bool report_next_of(struct vsva_dev *dev)
{
	return report_one(dev->iommu, dev);
}

/* Responses */

/* 2 is not what the descriptor calls response failure (VT-d 7.7.1). */
static uint8_t response_code(uint32_t code)
{
	switch (code) {
	case VSVA_PAGE_RESP_SUCCESS:
		return VTD_RESPONSE_SUCCESS;
	case VSVA_PAGE_RESP_INVALID:
		return VTD_RESPONSE_INVALID;
	default:
		return VTD_RESPONSE_FAILURE;
	}
}

static bool is_valid_response(const struct vsva_page_response *response)
{
	return response->version == 1 && !(response->flags & ~VSVA_PAGE_RESP_PASID_VALID) &&
	       response->code <= VSVA_PAGE_RESP_FAILURE && response->grpid <= UINT16_MAX;
}

/* The key of the device's requests without PASID: a sub-device's have its base PASID. */
static hpasid_t key_without_pasid(const struct vsva_dev *dev)
{
	return hpasid(dev->base ? dev->base : VSVA_PASID_INVALID);
}

/* A group with a PASID wants it named; one without does not care. */
static struct group *find_reported(struct prq_locked locked, struct vsva_dev *dev,
				   const struct vsva_page_response *response)
{
	uint16_t prgi = (uint16_t)response->grpid;
	struct group *group = NULL;

	if (response->flags & VSVA_PAGE_RESP_PASID_VALID)
		group = group_find(locked, dev->function, hpasid(response->pasid), prgi);
	if (!group)
		group = group_find(locked, dev->function, key_without_pasid(dev), prgi);
	return group && group->dev == dev && group->state == GROUP_REPORTED ? group : NULL;
}

int vsva_page_response(struct vsva_dev *dev, const struct vsva_page_response *response)
{
	struct vsva_page_response copy;
	struct prq_locked locked;
	struct group *group;

	if (!dev || !response)
		return -EINVAL;
	copy = *response;
	if (!__atomic_load_n(&dev->domain, __ATOMIC_ACQUIRE))
		return -ENODEV;
	if (!is_valid_response(&copy))
		return -EINVAL;
	locked = prq_lock(dev->iommu);
	group = find_reported(locked, dev, &copy);
	if (group)
		group_answer(locked, group, response_code(copy.code));
	prq_unlock(locked);
	return group ? 0 : -EINVAL;
}

/* Time-out */

/* Groups are reported in the order of their deadlines. */
static struct group *first_reported(struct prq_locked locked)
{
	struct list *reported = &locked.iommu->prq.groups[GROUP_REPORTED];

	return list_is_empty(reported) ? NULL : container_of(reported->next, struct group, in_list);
}

void host_iommu_expire_requests(struct vsva_iommu *iommu)
{
	struct prq_locked locked = prq_lock(iommu);
	struct group *group;

	while ((group = first_reported(locked)) && group->deadline_ns <= clock_now_ns()) {
		LOG_LIMITED(LOG_WARN, VSVA_CODE_GROUP_UNANSWERED,
			    "host: device %04x: nobody has answered page-request group %u",
			    group->key.rid.v, group->key.prgi);
		stat_add(&iommu->stats.timeouts);
		group_answer(locked, group, VTD_RESPONSE_INVALID);
	}
	prq_unlock(locked);
}

static uint64_t next_deadline(struct vsva_iommu *iommu)
{
	struct prq_locked locked = prq_lock(iommu);
	const struct group *group = first_reported(locked);
	uint64_t deadline = group ? group->deadline_ns : UINT64_MAX;

	prq_unlock(locked);
	return deadline;
}

static bool is_expiry_due(void *arg)
{
	struct vsva_iommu *iommu = arg;
	uint64_t deadline = next_deadline(iommu);

	return __atomic_load_n(&iommu->is_stopping, __ATOMIC_ACQUIRE) || deadline == UINT64_MAX ||
	       deadline <= clock_now_ns();
}

/* Sleeps in slices, because a test may move the clock. Without threads there is nobody to sleep. */
bool prq_run_expiry(void *arg)
{
	struct vsva_iommu *iommu = arg;

	if (worker_pool_mode(iommu->pool) == WORKERS_THREADS)
		worker_pool_wait_until(iommu->pool, is_expiry_due, iommu, EXPIRY_SLICE_MS);
	host_iommu_expire_requests(iommu);
	return worker_pool_mode(iommu->pool) == WORKERS_THREADS &&
	       !__atomic_load_n(&iommu->is_stopping, __ATOMIC_ACQUIRE) &&
	       next_deadline(iommu) != UINT64_MAX;
}

/* Unrecoverable faults */

/* What the 2020 interface has for a reason of VT-d 7.1, table 30. Others are unknown to it. */
/* clang-format off */
#define R(fault, reason) [VTD_FAULT_##fault] = VSVA_FAULT_REASON_##reason,
static const uint8_t uapi_reasons[UINT8_MAX + 1] = {
	R(SPD_1, PASID_FETCH) R(SPT_1, PASID_FETCH)
	R(SPD_3, BAD_PASID_ENTRY) R(SPT_3, BAD_PASID_ENTRY) R(SPT_4, BAD_PASID_ENTRY)
	R(SCT_6, PASID_INVALID) R(SCT_7, PASID_INVALID) R(SCT_9, PASID_INVALID)
	R(SPD_2, PASID_INVALID) R(SPT_2, PASID_INVALID) R(SGN_10, PASID_INVALID)
	R(SFS_1, WALK_EABT) R(SFS_4, WALK_EABT) R(SFS_6, WALK_EABT) R(SFS_7, WALK_EABT)
	R(SSS_1, WALK_EABT) R(SSS_4, WALK_EABT) R(LSS_1, WALK_EABT)
	R(SFS_2, PTE_FETCH) R(SFS_3, PTE_FETCH) R(SSS_2, PTE_FETCH) R(SSS_3, PTE_FETCH)
	R(LSS_2, PTE_FETCH)
	R(SPT_5, PERMISSION) R(SPT_6, PERMISSION) R(SGN_2, PERMISSION) R(SGN_6, PERMISSION)
	R(SGN_7, PERMISSION) R(LGN_2, PERMISSION) R(LGN_3, PERMISSION)
	R(SFS_8, ACCESS) R(SFS_9, ACCESS) R(SFS_10, ACCESS) R(SSS_5, ACCESS) R(SSS_6, ACCESS)
	R(SFS_5, OOR_ADDRESS) R(SGN_1, OOR_ADDRESS) R(SGN_4, OOR_ADDRESS) R(SGN_5, OOR_ADDRESS)
	R(SGN_8, OOR_ADDRESS) R(LGN_1, OOR_ADDRESS) R(LGN_4, OOR_ADDRESS)
};
#undef R
/* clang-format on */

static struct vsva_fault uapi_fault(const struct vsva_unit_fault *unit_fault)
{
	struct vsva_fault fault = {.type = VSVA_FAULT_DMA_UNRECOV};

	fault.u.event = (struct vsva_fault_unrecoverable){
		.reason = uapi_reasons[unit_fault->code],
		.flags = VSVA_FAULT_UNRECOV_ADDR_VALID |
			 (unit_fault->has_pasid ? VSVA_FAULT_UNRECOV_PASID_VALID : 0),
		.pasid = unit_fault->has_pasid ? unit_fault->pasid.v : 0,
		.perm = (unit_fault->read ? VSVA_FAULT_PERM_READ : VSVA_FAULT_PERM_WRITE) |
			(unit_fault->exec ? VSVA_FAULT_PERM_EXEC : 0) |
			(unit_fault->privileged ? VSVA_FAULT_PERM_PRIV : 0),
		.addr = unit_fault->addr,
	};
	return fault;
}

/* Who may bind on the domain that the device is attached to, or NULL. Only to be compared. */
static const struct vsva_ioasid_set *owner_of(const struct vsva_dev *dev)
{
	const struct vsva_ioasid_set *owner = NULL;
	const struct vsva_domain *domain;

	rcu_read_lock(); /* the domain may be detached and freed */
	domain = rcu_load(dev->domain);
	if (domain)
		owner = domain->owner;
	rcu_read_unlock();
	return owner;
}

/* function.lock. Is the PASID one of the owner's to whom the sub-device belongs? */
static bool is_of_subdev(const struct vsva_dev *dev, hpasid_t pasid)
{
	const struct vsva_ioasid_set *owner = owner_of(dev);

	return dev->base == pasid.v ||
	       (owner && owner == vsva_ioasid_set_of(dev->iommu->space, pasid));
}

static struct vsva_dev *bound_dev(const struct function *function, hpasid_t pasid)
{
	const struct binding *binding;
	struct vsva_dev *dev = NULL;

	rcu_read_lock();
	binding = function_find_bindings(function, pasid.v);
	if (binding)
		dev = binding->dev;
	rcu_read_unlock();
	return dev;
}

/* function.lock. Whose fault it is: who has the PASID bound; who could have; the function's own. */
static struct vsva_dev *fault_dev(struct function *function, const struct vsva_unit_fault *fault)
{
	struct vsva_dev *dev;

	if (!fault->has_pasid || list_is_empty(&function->subdevs))
		return &function->own;
	dev = bound_dev(function, fault->pasid);
	if (dev)
		return dev;
	for (struct list *at = function->subdevs.next; at != &function->subdevs; at = at->next) {
		dev = container_of(at, struct vsva_dev, in_function);
		if (is_of_subdev(dev, fault->pasid))
			return dev;
	}
	return &function->own;
}

/* A sub-device does not go while the function's lock is held. */
static bool hold_fault_dev(struct function *function, const struct vsva_unit_fault *fault,
			   struct hold *hold)
{
	struct prq_locked locked;
	struct vsva_dev *dev;
	bool has_handler;

	lock_take(&function->lock);
	dev = fault_dev(function, fault);
	locked = prq_lock(function->iommu);
	has_handler = hold_take(locked, dev, hold);
	prq_unlock(locked);
	lock_drop(&function->lock);
	return has_handler;
}

void report_unit_fault(struct function *function, const struct vsva_unit_fault *unit_fault)
{
	struct vsva_unit_fault told = *unit_fault;
	struct vsva_fault fault;
	struct hold hold;

	if (!hold_fault_dev(function, unit_fault, &hold))
		return;
	if (hold.dev->base && told.pasid.v == hold.dev->base) {
		told.has_pasid = false;
		told.pasid = hpasid(VSVA_PASID_INVALID);
	}
	fault = uapi_fault(&told);
	if (hold.handler->unit_fault)
		hold.handler->unit_fault(hold.handler->arg, hold.dev, &told);
	call_handler(&hold, &fault);
	hold_drop(&hold);
}
