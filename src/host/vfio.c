// SPDX-License-Identifier: MIT
/* Containers and device handles: who may still call, and what closing takes down in which order. */
#include "vsva/vfio.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sched.h"
#include "host/bind.h"
#include "host/teardown.h"
#include "host/wait.h"
#include "vsva/limits.h"

/* Calls that are under way on a handle, and whether new ones are let in. */
struct gate {
	unsigned users; /* atomic */
	bool is_closed; /* atomic */
};

struct vsva_container {
	struct vsva_iommu *iommu;
	struct vsva_ioasid_set *set;
	struct vsva_domain *domain;
	enum vsva_free_policy policy;
	unsigned refs; /* atomic */
	struct gate gate;
	bool is_closing;     /* atomic: somebody does it */
	bool is_gone;        /* atomic: he has done it */
	struct lock lock;    /* LOCK_RANK_CONTAINER */
	struct list devices; /* lock: of vsva_container_device.in_container */
};

struct vsva_container_device {
	struct vsva_container *container; /* with a reference */
	struct vsva_dev *dev;
	unsigned refs; /* atomic */
	struct gate gate;
	bool is_closing, is_gone; /* atomic */
	struct list in_container;
};

/* Gates */

static struct worker_pool *pool_of(const struct vsva_container *container)
{
	return container->iommu->pool;
}

/* To the scheduler, those who enter and leave do not meet each other, but whoever looks whether all
 * are out meets them: so they are the readers. */
static void gate_leave(struct worker_pool *pool, struct gate *gate)
{
	SEAM_FLAG_READ("gate users");
	if (__atomic_fetch_sub(&gate->users, 1, __ATOMIC_SEQ_CST) == 1)
		worker_pool_notify(pool);
}

static int gate_enter(struct worker_pool *pool, struct gate *gate)
{
	SEAM_FLAG_READ("gate users");
	__atomic_fetch_add(&gate->users, 1, __ATOMIC_SEQ_CST);
	SEAM_FLAG_READ("gate");
	if (!__atomic_load_n(&gate->is_closed, __ATOMIC_SEQ_CST))
		return 0;
	gate_leave(pool, gate);
	return -ENODEV;
}

static bool gate_is_empty(void *arg)
{
	struct gate *gate = arg;

	SEAM_FLAG_WRITE("gate users");
	return __atomic_load_n(&gate->users, __ATOMIC_SEQ_CST) == 0;
}

/* Whoever is inside leaves in bounded time; without threads nobody is, but a caller of ours. */
static void gate_close(struct worker_pool *pool, struct gate *gate)
{
	SEAM_FLAG_WRITE("gate");
	__atomic_store_n(&gate->is_closed, true, __ATOMIC_SEQ_CST);
	while (!host_wait_out(pool, gate_is_empty, gate, VSVA_LIMIT_QI_TIMEOUT_MS) &&
	       worker_pool_mode(pool) == WORKERS_THREADS)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_CLOSE_SLOW,
			    "host: a call on a handle that is being closed lasts long");
}

static bool is_set(void *arg)
{
	SEAM_FLAG_READ("is gone");
	return __atomic_load_n((bool *)arg, __ATOMIC_ACQUIRE);
}

/* The one who closes first does it; others wait for him. true: this caller is the first. */
static bool begin_close(struct worker_pool *pool, bool *is_closing, bool *is_gone)
{
	SEAM_FLAG_WRITE("is closing");
	if (!__atomic_exchange_n(is_closing, true, __ATOMIC_ACQ_REL))
		return true;
	while (!host_wait_out(pool, is_set, is_gone, VSVA_LIMIT_QI_TIMEOUT_MS) &&
	       worker_pool_mode(pool) == WORKERS_THREADS)
		;
	return false;
}

static void end_close(struct worker_pool *pool, bool *is_gone)
{
	SEAM_FLAG_WRITE("is gone");
	__atomic_store_n(is_gone, true, __ATOMIC_RELEASE);
	worker_pool_notify(pool);
}

/* Policies */

static const char *const policy_names[] = {
	[VSVA_FREE_RECLAIMS] = "reclaims",
	[VSVA_FREE_UNBINDS_FIRST] = "unbinds-first",
};

const char *vsva_free_policy_name(enum vsva_free_policy policy)
{
	return (unsigned)policy < ARRAY_LEN(policy_names) ? policy_names[policy] : "?";
}

int vsva_free_policy_parse(const char *name, enum vsva_free_policy *out)
{
	for (unsigned i = 0; i < ARRAY_LEN(policy_names); i++)
		if (!strcmp(policy_names[i], name)) {
			*out = (enum vsva_free_policy)i;
			return 0;
		}
	return -EINVAL;
}

/* Open */

static int check_options(const struct vsva_container_options *options)
{
	return (unsigned)options->policy < ARRAY_LEN(policy_names) ? 0 : -EINVAL;
}

static int make_parts(struct vsva_container *container,
		      const struct vsva_container_options *options)
{
	uint32_t quota =
		options->pasid_quota ? options->pasid_quota : VSVA_LIMIT_DEFAULT_PASID_QUOTA;
	int err = vsva_ioasid_set_alloc(container->iommu->space, container, quota, &container->set);

	if (err)
		return err;
	err = vsva_domain_alloc(container->iommu, container->set,
				VSVA_DOMAIN_NESTING | options->domain_flags, options->vm,
				&container->domain);
	if (err)
		vsva_ioasid_set_free(container->set);
	return err;
}

int vsva_container_open(struct vsva_iommu *iommu, const struct vsva_container_options *options,
			struct vsva_container **out)
{
	static const struct vsva_container_options defaults;
	struct vsva_container *container;
	int err;

	if (!options)
		options = &defaults;
	if (!iommu || !out || check_options(options))
		return -EINVAL;
	container = base_zalloc(sizeof(*container));
	if (!container)
		return -ENOMEM;
	container->iommu = iommu;
	container->policy = options->policy;
	container->refs = 1;
	list_init(&container->devices);
	lock_init(&container->lock, LOCK_RANK_CONTAINER, "container");
	err = make_parts(container, options);
	if (err) {
		lock_destroy(&container->lock);
		base_free(container);
		return err;
	}
	*out = container;
	return 0;
}

void vsva_container_get(struct vsva_container *container)
{
	__atomic_fetch_add(&container->refs, 1, __ATOMIC_RELAXED);
}

void vsva_container_put(struct vsva_container *container)
{
	if (__atomic_sub_fetch(&container->refs, 1, __ATOMIC_ACQ_REL))
		return;
	lock_destroy(&container->lock);
	base_free(container);
}

struct vsva_ioasid_set *vsva_container_set(const struct vsva_container *container)
{
	return container->set;
}

struct vsva_domain *vsva_container_domain(const struct vsva_container *container)
{
	return container->domain;
}

enum vsva_free_policy vsva_container_policy(const struct vsva_container *container)
{
	return container->policy;
}

static int enter(struct vsva_container *container)
{
	return gate_enter(pool_of(container), &container->gate);
}

static void leave(struct vsva_container *container)
{
	gate_leave(pool_of(container), &container->gate);
}

/* Memory and PASIDs */

int vsva_container_map(struct vsva_container *container, gpa_t addr, hpa_t to, uint64_t len,
		       uint32_t prot)
{
	int err = enter(container);

	if (err)
		return err;
	err = vsva_domain_map(container->domain, addr, to, len, prot);
	leave(container);
	return err;
}

int vsva_container_unmap(struct vsva_container *container, gpa_t addr, uint64_t len,
			 uint64_t *unmapped)
{
	int err = enter(container);

	if (err)
		return err;
	err = vsva_domain_unmap(container->domain, addr, len, unmapped);
	leave(container);
	return err;
}

int vsva_container_pasid_alloc(struct vsva_container *container, hpasid_t *out)
{
	int err = enter(container);

	*out = hpasid(VSVA_PASID_INVALID);
	if (err)
		return err;
	err = vsva_ioasid_alloc(container->set, VSVA_LIMIT_FIRST_VM_PASID, VSVA_PASID_MAX, NULL,
				out);
	leave(container);
	return err;
}

/* The switch between the two policies: both end in the same free, and both take bindings down the
 * same way. */
static int pasid_free(struct vsva_container *container, hpasid_t id)
{
	int err = vsva_ioasid_find(container->iommu->space, container->set, id, NULL);
	int unbind_err = 0;

	if (!err && container->policy == VSVA_FREE_UNBINDS_FIRST)
		unbind_err = domain_teardown_pasids(container->domain, &id, 1);
	err = vsva_ioasid_free(container->set, id);
	return err ? err : unbind_err;
}

int vsva_container_pasid_free(struct vsva_container *container, hpasid_t id)
{
	int err = enter(container);

	if (err)
		return err;
	err = pasid_free(container, id);
	leave(container);
	return err;
}

/* Devices */

void vsva_container_device_get(struct vsva_container_device *device)
{
	__atomic_fetch_add(&device->refs, 1, __ATOMIC_RELAXED);
}

void vsva_container_device_put(struct vsva_container_device *device)
{
	if (__atomic_sub_fetch(&device->refs, 1, __ATOMIC_ACQ_REL))
		return;
	vsva_container_put(device->container);
	base_free(device);
}

struct vsva_dev *vsva_container_device_dev(const struct vsva_container_device *device)
{
	return device->dev;
}

static bool has_dev(const struct vsva_container *container, const struct vsva_dev *dev)
{
	for (const struct list *at = container->devices.next; at != &container->devices;
	     at = at->next)
		if (container_of(at, struct vsva_container_device, in_container)->dev == dev)
			return true;
	return false;
}

/* The handle takes its place before the device is attached, so that it cannot be added twice. */
static int link_device(struct vsva_container_device *device)
{
	struct vsva_container *container = device->container;
	int err = 0;

	lock_take(&container->lock);
	if (has_dev(container, device->dev))
		err = -EBUSY;
	else
		list_append(&container->devices, &device->in_container);
	lock_drop(&container->lock);
	return err;
}

static void unlink_device(struct vsva_container_device *device)
{
	lock_take(&device->container->lock);
	list_remove(&device->in_container);
	lock_drop(&device->container->lock);
}

static int add(struct vsva_container *container, struct vsva_dev *dev,
	       struct vsva_container_device **out)
{
	struct vsva_container_device *device = base_zalloc(sizeof(*device));
	int err;

	if (!device)
		return -ENOMEM;
	device->container = container;
	device->dev = dev;
	device->refs = 1;
	list_init(&device->in_container);
	err = link_device(device);
	if (!err) {
		err = vsva_domain_attach(container->domain, dev);
		if (err)
			unlink_device(device);
	}
	if (err) {
		base_free(device);
		return err;
	}
	vsva_container_get(container);
	*out = device;
	return 0;
}

int vsva_container_add(struct vsva_container *container, struct vsva_dev *dev,
		       struct vsva_container_device **out)
{
	int err;

	if (!dev || !out)
		return -EINVAL;
	err = enter(container);
	if (err)
		return err;
	err = add(container, dev, out);
	leave(container);
	return err;
}

/* Nobody calls any more, so nothing is bound anew. */
static int device_teardown(struct vsva_container_device *device)
{
	struct vsva_container *container = device->container;
	int err = 0, detach_err;

	gate_close(pool_of(container), &device->gate);
	if (vsva_dev_unregister_fault_handler(device->dev) == -ETIMEDOUT)
		err = -ETIMEDOUT;
	detach_err = vsva_domain_detach(container->domain, device->dev);
	unlink_device(device);
	return err ? err : detach_err;
}

/* The closer's reference keeps the handle for those who wait for him. */
static int device_close(struct vsva_container_device *device)
{
	struct worker_pool *pool = pool_of(device->container);
	int err;

	if (!begin_close(pool, &device->is_closing, &device->is_gone))
		return 0;
	err = device_teardown(device);
	end_close(pool, &device->is_gone);
	vsva_container_device_put(device);
	return err;
}

int vsva_container_device_close(struct vsva_container_device *device)
{
	int err;

	if (!device)
		return 0;
	vsva_container_device_get(device);
	err = device_close(device);
	vsva_container_device_put(device);
	return err;
}

/* Calls */

static int device_enter(struct vsva_container_device *device)
{
	struct worker_pool *pool = pool_of(device->container);
	int err = enter(device->container);

	if (err)
		return err;
	err = gate_enter(pool, &device->gate);
	if (err)
		leave(device->container);
	return err;
}

static bool is_closed(const struct gate *gate)
{
	SEAM_FLAG_READ("gate");
	return __atomic_load_n(&gate->is_closed, __ATOMIC_SEQ_CST);
}

/* What failed while the handle was being closed failed because of that: the PASID was taken away
 * under the call, or the device. */
static int device_leave(struct vsva_container_device *device, int err)
{
	if (err && (is_closed(&device->gate) || is_closed(&device->container->gate)))
		err = -ENODEV;
	gate_leave(pool_of(device->container), &device->gate);
	leave(device->container);
	return err;
}

int vsva_container_bind_gpasid_clean(struct vsva_container_device *device,
				     const struct vsva_gpasid_bind_data *data, bool *is_clean)
{
	int err = device_enter(device);

	*is_clean = false;
	if (err)
		return err;
	return device_leave(device,
			    bind_gpasid(device->container->domain, device->dev, data, is_clean));
}

int vsva_container_bind_gpasid(struct vsva_container_device *device,
			       const struct vsva_gpasid_bind_data *data)
{
	bool is_clean;

	return vsva_container_bind_gpasid_clean(device, data, &is_clean);
}

int vsva_container_bind_second_stage(struct vsva_container_device *device, hpasid_t pasid)
{
	int err = device_enter(device);

	if (err)
		return err;
	return device_leave(device,
			    vsva_bind_second_stage(device->container->domain, device->dev, pasid));
}

int vsva_container_unbind_gpasid_drained(struct vsva_container_device *device, hpasid_t pasid,
					 bool *is_drained)
{
	int err = device_enter(device);

	*is_drained = false;
	if (err)
		return err;
	return device_leave(
		device, unbind_gpasid(device->container->domain, device->dev, pasid, is_drained));
}

int vsva_container_unbind_gpasid(struct vsva_container_device *device, hpasid_t pasid)
{
	bool is_drained;

	return vsva_container_unbind_gpasid_drained(device, pasid, &is_drained);
}

int vsva_container_attach_rid(struct vsva_container_device *device,
			      const struct vsva_rid_config *config)
{
	int err = device_enter(device);

	if (err)
		return err;
	return device_leave(device,
			    vsva_attach_rid(device->container->domain, device->dev, config));
}

int vsva_container_cache_invalidate(struct vsva_container_device *device,
				    const struct vsva_cache_invalidate_info *info)
{
	int err = device_enter(device);

	if (err)
		return err;
	return device_leave(device,
			    vsva_cache_invalidate(device->container->domain, device->dev, info));
}

int vsva_container_page_response(struct vsva_container_device *device,
				 const struct vsva_page_response *response)
{
	int err = device_enter(device);

	if (err)
		return err;
	return device_leave(device, vsva_page_response(device->dev, response));
}

int vsva_container_set_fault_handler(struct vsva_container_device *device,
				     vsva_fault_handler_fn *handler, vsva_unit_fault_fn *unit_fault,
				     void *arg)
{
	int err = device_enter(device);

	if (err)
		return err;
	return device_leave(device,
			    vsva_dev_register_fault_handler(device->dev, handler, unit_fault, arg));
}

/* Close */

/* One handle of the container, with a reference, or NULL. */
static struct vsva_container_device *first_device(struct vsva_container *container)
{
	struct vsva_container_device *device = NULL;

	lock_take(&container->lock);
	if (!list_is_empty(&container->devices)) {
		device = container_of(container->devices.next, struct vsva_container_device,
				      in_container);
		vsva_container_device_get(device);
	}
	lock_drop(&container->lock);
	return device;
}

static int close_devices(struct vsva_container *container)
{
	struct vsva_container_device *device;
	int err = 0;

	while ((device = first_device(container))) {
		int device_err = device_close(device);

		err = err ? err : device_err;
		vsva_container_device_put(device);
	}
	return err;
}

/* PASIDs first: from the first step on nobody waits for the guest, so calls that are under way end;
 * and the sources of DMA are stopped in the subscribers' order before the devices are detached. */
static int teardown(struct vsva_container *container)
{
	int err, device_err;

	SEAM_FLAG_WRITE("gate");
	__atomic_store_n(&container->gate.is_closed, true, __ATOMIC_SEQ_CST);
	vsva_ioasid_free_all(container->set);
	gate_close(pool_of(container), &container->gate);
	err = vsva_ioasid_free_all_sync(container->set);
	device_err = close_devices(container);
	if (vsva_domain_free(container->domain))
		LOG_LIMITED(LOG_ERROR, VSVA_CODE_TEARDOWN,
			    "host: a device stays on the domain of VM %u", container->domain->vm);
	vsva_ioasid_set_free(container->set);
	return err ? err : device_err;
}

int vsva_container_close(struct vsva_container *container)
{
	struct worker_pool *pool;
	int err;

	if (!container)
		return 0;
	pool = pool_of(container);
	vsva_container_get(container);
	if (!begin_close(pool, &container->is_closing, &container->is_gone)) {
		vsva_container_put(container);
		return 0;
	}
	err = teardown(container);
	end_close(pool, &container->is_gone);
	vsva_container_put(container); /* open's */
	vsva_container_put(container);
	return err;
}
