/* SPDX-License-Identifier: MIT */
/* Devices assigned to a VM, of whatever kind: attachment, what the host reports, submission. */
#include <errno.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rcu.h"
#include "vmm/vm.h"
#include "vtd/dsa_regs.h"

struct vsva_assigned *assigned_find(struct vsva_vm *vm, rid_t guest_rid)
{
	struct vsva_assigned *assigned = rcu_load(vm->devices);

	while (assigned && assigned->guest_rid.v != guest_rid.v)
		assigned = rcu_load(assigned->next);
	return assigned;
}

static struct guest_context context_of(struct vsva_assigned *assigned)
{
	struct guest_context context;

	lock_take(&assigned->config_lock);
	context = assigned->context;
	lock_drop(&assigned->config_lock);
	return context;
}

bool assigned_guest_sees_ats(struct vsva_assigned *assigned)
{
	struct guest_context context = context_of(assigned);

	return (assigned->ops->enabled(assigned) & ASSIGNED_ATS) && !context.fault && context.dte;
}

bool assigned_guest_sees_pri(struct vsva_assigned *assigned)
{
	struct guest_context context = context_of(assigned);

	return (assigned->ops->enabled(assigned) & ASSIGNED_PAGE_REQUESTS) && !context.fault &&
	       context.pre;
}

/* What the host's driver calls */

int assigned_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct vsva_assigned *assigned = arg;

	(void)dev;
	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0; /* the unit's own report says more */
	return viommu_report_page_request(assigned, &fault->u.prm);
}

void assigned_unit_fault(void *arg, struct vsva_dev *dev, const struct vsva_unit_fault *fault)
{
	(void)dev;
	viommu_report_unit_fault(arg, fault);
}

/* Assign and unassign */

struct vsva_assigned *assigned_alloc(struct vsva_vm *vm, const struct assigned_ops *ops,
				     struct vsva_dev *dev, rid_t guest_rid)
{
	struct vsva_assigned *assigned = base_zalloc(sizeof(*assigned));

	if (!assigned)
		return NULL;
	assigned->vm = vm;
	assigned->ops = ops;
	assigned->dev = dev;
	assigned->guest_rid = guest_rid;
	assigned->context.fault = VTD_FAULT_RTA_1;
	sparse_init(&assigned->shadows);
	lock_init(&assigned->config_lock, LOCK_RANK_ASSIGNED, "assigned device");
	return assigned;
}

static void free_assigned(struct vsva_assigned *assigned)
{
	sparse_fini(&assigned->shadows);
	lock_destroy(&assigned->config_lock);
	base_free(assigned);
}

static int attach(struct vsva_assigned *assigned)
{
	int err = vsva_container_add(assigned->vm->container, assigned->dev, &assigned->handle);

	if (err)
		return err;
	err = vsva_container_set_fault_handler(assigned->handle, assigned_fault,
					       assigned_unit_fault, assigned);
	if (err)
		vsva_container_device_close(assigned->handle);
	return err;
}

static void begin(struct vsva_assigned *assigned, void (*irq)(void *arg, unsigned vector),
		  void *irq_arg)
{
	assigned->ops->begin(assigned);
	assigned->ops->set_irq(assigned, irq, irq_arg);
	assigned->next = assigned->vm->devices;
	rcu_publish(assigned->vm->devices, assigned);
	shadow_sync_context(assigned);
}

int assigned_add(struct vsva_assigned *assigned, void (*irq)(void *arg, unsigned vector),
		 void *irq_arg, struct vsva_assigned **out)
{
	struct vsva_vm *vm = assigned->vm;
	int err = assigned->ops->open(assigned);

	if (err) {
		free_assigned(assigned);
		return err;
	}
	lock_take(&vm->lock);
	err = assigned_find(vm, assigned->guest_rid) ? -EEXIST : attach(assigned);
	if (!err)
		begin(assigned, irq, irq_arg);
	lock_drop(&vm->lock);
	if (err) {
		assigned->ops->close(assigned);
		free_assigned(assigned);
		return err;
	}
	worker_kick(vm->worker);
	*out = assigned;
	return 0;
}

static void unlink_assigned(struct vsva_assigned *assigned)
{
	struct vsva_assigned **link = &assigned->vm->devices;

	while (*link != assigned)
		link = &(*link)->next;
	rcu_publish(*link, assigned->next);
}

void vsva_vm_unassign(struct vsva_assigned *assigned)
{
	struct vsva_vm *vm = assigned->vm;
	int err;

	assigned->ops->set_irq(assigned, NULL, NULL);
	lock_take(&vm->lock);
	unlink_assigned(assigned);
	assigned->ops->quiesce(assigned);
	/* all that is bound goes together; the shadows find nothing left */
	err = vsva_container_device_close(assigned->handle);
	shadow_forget_all(assigned);
	lock_drop(&vm->lock);
	if (err)
		LOG_LIMITED(LOG_WARN, VSVA_CODE_TEARDOWN, "%s: device %04x detached with error %d",
			    vm->name, assigned->guest_rid.v, err);
	rcu_synchronize();
	assigned->ops->close(assigned);
	free_assigned(assigned);
}

void vsva_assigned_reset(struct vsva_assigned *assigned)
{
	assigned->ops->quiesce(assigned);
}

rid_t vsva_assigned_host_rid(const struct vsva_assigned *assigned)
{
	return vsva_dev_rid(assigned->dev);
}

/* Accesses */

int vsva_assigned_read(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		       uint64_t *value)
{
	return assigned->ops->read(assigned, bar, offset, size, value);
}

int vsva_assigned_write(struct vsva_assigned *assigned, unsigned bar, uint64_t offset,
			unsigned size, uint64_t value)
{
	return assigned->ops->write(assigned, bar, offset, size, value);
}

static bool is_valid_config_access(uint32_t offset, unsigned size)
{
	return (size == 1 || size == 2 || size == 4) && offset % size == 0 &&
	       offset <= PCI_CONFIG_SIZE - size;
}

int vsva_assigned_config_read(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			      uint32_t *value)
{
	if (!is_valid_config_access(offset, size))
		return -EINVAL;
	return assigned->ops->config_read(assigned, offset, size, value);
}

int vsva_assigned_config_write(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			       uint32_t value)
{
	if (!is_valid_config_access(offset, size))
		return -EINVAL;
	return assigned->ops->config_write(assigned, offset, size, value);
}

uint64_t vsva_assigned_bar_size(const struct vsva_assigned *assigned, unsigned bar)
{
	return assigned->ops->bar_size(assigned, bar);
}

unsigned vsva_assigned_vectors(const struct vsva_assigned *assigned)
{
	return assigned->ops->vectors(assigned);
}

/* Submission by a vCPU */

static int portal_write(void *arg, uint64_t offset, const void *bytes)
{
	struct vsva_assigned *assigned = arg;

	return assigned->ops->portal_write(assigned, offset, bytes, true);
}

struct vsva_portal vsva_assigned_portal(struct vsva_assigned *assigned)
{
	return (struct vsva_portal){.write = portal_write, .arg = assigned};
}

/* May the instruction find a translation now that it did not find before? */
static bool handle_exit(struct vsva_vm *vm, const struct vsva_vmx_exit *exit)
{
	int err;

	if (!exit->reason)
		return false;
	err = vsva_kvm_resolve(vm->kvm, vm->set, exit->guest);
	return !err || err == -EAGAIN;
}

int vsva_assigned_enqcmd(struct vsva_assigned *assigned, uint64_t portal_offset,
			 uint32_t ia32_pasid, const void *bytes)
{
	struct vsva_portal portal = vsva_assigned_portal(assigned);
	struct vsva_vm *vm = assigned->vm;
	struct vsva_vmx_exit exit;
	int result;

	if (portal_offset % DSA_PORTAL_LINE)
		return -EINVAL;
	result = vsva_kvm_enqcmd(vm->kvm, ia32_pasid, &portal, portal_offset, bytes, &exit);
	if (handle_exit(vm, &exit))
		result = vsva_kvm_enqcmd(vm->kvm, ia32_pasid, &portal, portal_offset, bytes, NULL);
	return result;
}

int vsva_assigned_movdir64b(struct vsva_assigned *assigned, uint64_t portal_offset,
			    const void *bytes)
{
	return assigned->ops->portal_write(assigned, portal_offset, bytes, false);
}
