// SPDX-License-Identifier: MIT
/*
 * Page requests of native bindings. A worker of its own resolves them: it may wait for an address
 * space that is being unmapped, and so for the unit, which guests' page requests must not.
 */
#include <errno.h>

#include "base/alloc.h"
#include "host/group.h"
#include "host/sva.h"

#define GROUPS_PER_RUN 64u

/* A group on its way: its requests belong to the work, so that an answer may come meanwhile. */
struct work {
	struct vsva_mm *mm; /* with a reference */
	struct function *function;
	struct group_key key;
	uint64_t serial;
	unsigned count;
	struct group_request *requests;
};

static struct group *first_ready(struct prq_locked locked)
{
	struct list *ready = &locked.iommu->prq.groups[GROUP_READY];

	for (struct list *at = ready->next; at != ready; at = at->next) {
		struct group *group = container_of(at, struct group, in_list);

		if (group->is_native)
			return group;
	}
	return NULL;
}

/* The address space behind the group, with a reference, if it is bound and lives. */
static struct vsva_mm *mm_of(const struct group *group)
{
	const struct binding *binding;
	struct vsva_mm *mm = NULL;

	rcu_read_lock();
	binding = function_find_bindings(group->function, group->key.pasid.v);
	while (binding && (binding->kind != BINDING_FIRST_STAGE || binding->dev != group->dev ||
			   __atomic_load_n(&binding->is_dying, __ATOMIC_ACQUIRE)))
		binding = rcu_load(binding->same);
	if (binding && mm_get_living(binding->native->mm))
		mm = binding->native->mm;
	rcu_read_unlock();
	return mm;
}

static void work_fill(struct prq_locked locked, struct work *work, struct group *group)
{
	work->function = group->function;
	__atomic_fetch_add(&work->function->refs, 1, __ATOMIC_RELAXED);
	work->key = group->key;
	work->serial = group->serial;
	work->count = group->count;
	work->requests = group->requests;
	group->requests = NULL;
	group_set_reported(locked, group);
}

/* false: no group is ready. One whose address space has gone is answered, and the work has none. */
static bool work_take(struct vsva_iommu *iommu, struct work *work)
{
	struct prq_locked locked = prq_lock(iommu);
	struct group *group = first_ready(locked);

	work->mm = group ? mm_of(group) : NULL;
	if (work->mm)
		work_fill(locked, work, group);
	else if (group)
		group_answer(locked, group, VTD_RESPONSE_INVALID);
	prq_unlock(locked);
	return group != NULL;
}

/* Kernel memory is present, so what is asked for there is nothing that could be made so. */
static int resolve(struct vsva_iommu *iommu, const struct work *work,
		   const struct group_request *request)
{
	bool write = request->perm & VSVA_FAULT_PERM_WRITE;
	int err = -EFAULT;

	if (!mm_is_kernel(work->mm))
		err = vsva_mm_fault_in(work->mm, uva(request->addr), write);
	TRACE(iommu->trace, HOST, PAGE_FAULT_HOST, .rid = work->key.rid, .hpasid = work->key.pasid,
	      .addr = request->addr, .write = write, .result = err);
	return err;
}

static uint8_t resolve_all(struct vsva_iommu *iommu, const struct work *work)
{
	for (unsigned i = 0; i < work->count; i++)
		if (resolve(iommu, work, &work->requests[i]))
			return VTD_RESPONSE_INVALID;
	return VTD_RESPONSE_SUCCESS;
}

/* Nothing, if it was answered meanwhile. */
static void answer(struct vsva_iommu *iommu, const struct work *work, uint8_t code)
{
	struct prq_locked locked = prq_lock(iommu);
	struct group *group = group_find(locked, work->function, work->key.pasid, work->key.prgi);

	if (group && group->serial == work->serial)
		group_answer(locked, group, code);
	prq_unlock(locked);
}

static bool resolve_next(struct vsva_iommu *iommu)
{
	struct work work;

	if (!work_take(iommu, &work))
		return false;
	if (!work.mm)
		return true;
	answer(iommu, &work, resolve_all(iommu, &work));
	base_free(work.requests);
	function_put(work.function);
	worker_pool_notify(iommu->pool);
	vsva_mm_put(work.mm);
	return true;
}

bool sva_run_faults(void *arg)
{
	struct vsva_iommu *iommu = arg;
	unsigned done = 0;

	sva_settle(iommu);
	while (done < GROUPS_PER_RUN && resolve_next(iommu))
		done++;
	return done == GROUPS_PER_RUN;
}
