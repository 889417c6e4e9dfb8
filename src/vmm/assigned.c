/* SPDX-License-Identifier: MIT */
/* Physical devices assigned to a VM: attachment, the guest's configuration space, registers. */
#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "base/rcu.h"
#include "vmm/vm.h"
#include "vtd/dsa_regs.h"

#define PCI_COMMAND        0x04u
#define PCI_COMMAND_MEMORY 0x2u
#define PCI_COMMAND_MASTER 0x4u

struct vsva_assigned *assigned_find(struct vsva_vm *vm, rid_t guest_rid)
{
	struct vsva_assigned *assigned = rcu_load(vm->devices);

	while (assigned && assigned->guest_rid.v != guest_rid.v)
		assigned = rcu_load(assigned->next);
	return assigned;
}

bool assigned_guest_sees_ats(struct vsva_assigned *assigned)
{
	bool sees;

	lock_take(&assigned->config_lock);
	sees = pci_config_ats_enabled(&assigned->config) && !assigned->context.fault &&
	       assigned->context.dte;
	lock_drop(&assigned->config_lock);
	return sees;
}

bool assigned_guest_sees_pri(struct vsva_assigned *assigned)
{
	bool sees;

	lock_take(&assigned->config_lock);
	sees = pci_config_pri_enabled(&assigned->config) && !assigned->context.fault &&
	       assigned->context.pre;
	lock_drop(&assigned->config_lock);
	return sees;
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

static struct vsva_assigned *new_assigned(struct vsva_vm *vm, struct vsva_device *device,
					  rid_t guest_rid)
{
	struct vsva_assigned *assigned = base_zalloc(sizeof(*assigned));

	if (!assigned)
		return NULL;
	assigned->vm = vm;
	assigned->device = device;
	assigned->dev = vsva_device_dev(device);
	assigned->guest_rid = guest_rid;
	assigned->context.fault = VTD_FAULT_RTA_1;
	sparse_init(&assigned->shadows);
	lock_init(&assigned->config_lock, LOCK_RANK_ASSIGNED, "assigned device");
	CHECK(pci_config_init(&assigned->config, device_config_description(device)) == 0);
	mediation_init(assigned);
	return assigned;
}

static void free_assigned(struct vsva_assigned *assigned)
{
	sparse_fini(&assigned->shadows);
	lock_destroy(&assigned->config_lock);
	base_free(assigned);
}

static bool has_device(const struct vsva_vm *vm, const struct vsva_device *device)
{
	for (const struct vsva_assigned *a = vm->devices; a; a = a->next)
		if (a->device == device)
			return true;
	return false;
}

/* The domain takes a device that it has already; undoing that would take it from its first owner. */
static int attach(struct vsva_assigned *assigned)
{
	int err;

	if (has_device(assigned->vm, assigned->device))
		return -EBUSY;
	err = vsva_domain_attach(assigned->vm->domain, assigned->dev);
	if (err)
		return err;
	err = vsva_dev_register_fault_handler(assigned->dev, assigned_fault, assigned_unit_fault,
					      assigned);
	if (err)
		vsva_domain_detach(assigned->vm->domain, assigned->dev);
	return err;
}

int vsva_vm_assign(struct vsva_vm *vm, struct vsva_device *device, rid_t guest_rid,
		   void (*irq)(void *arg, unsigned vector), void *irq_arg,
		   struct vsva_assigned **out)
{
	struct vsva_assigned *assigned = new_assigned(vm, device, guest_rid);
	int err;

	if (!assigned)
		return -ENOMEM;
	lock_take(&vm->lock);
	err = assigned_find(vm, guest_rid) ? -EEXIST : attach(assigned);
	if (!err) {
		vsva_device_reset(device);
		device_set_assigned(device, true);
		vsva_device_set_irq(device, irq, irq_arg);
		assigned->next = vm->devices;
		rcu_publish(vm->devices, assigned);
		shadow_sync_context(assigned);
	}
	lock_drop(&vm->lock);
	if (err) {
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

/* The device stops before anything is taken from under it. */
static void quiesce(struct vsva_assigned *assigned)
{
	lock_take(&assigned->config_lock);
	vsva_device_config_write(assigned->device, PCI_COMMAND, 2, 0);
	vsva_device_reset(assigned->device);
	mediation_release(assigned);
	pci_config_reset(&assigned->config);
	lock_drop(&assigned->config_lock);
}

void vsva_vm_unassign(struct vsva_assigned *assigned)
{
	struct vsva_vm *vm = assigned->vm;
	int err;

	vsva_device_set_irq(assigned->device, NULL, NULL);
	lock_take(&vm->lock);
	unlink_assigned(assigned);
	quiesce(assigned);
	shadow_drop_all(assigned, VSVA_RID_BLOCKED);
	while (vsva_dev_unregister_fault_handler(assigned->dev) == -ETIMEDOUT)
		; /* our handler never waits: it returns */
	err = vsva_domain_detach(vm->domain, assigned->dev);
	lock_drop(&vm->lock);
	if (err)
		LOG_LIMITED(LOG_WARN, "%s: device %04x detached with error %d", vm->name,
			    assigned->guest_rid.v, err);
	rcu_synchronize();
	device_set_assigned(assigned->device, false);
	free_assigned(assigned);
}

void vsva_assigned_reset(struct vsva_assigned *assigned)
{
	quiesce(assigned);
}

struct vsva_device *vsva_assigned_device(struct vsva_assigned *assigned)
{
	return assigned->device;
}

/* Registers */

int vsva_assigned_read(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		       uint64_t *value)
{
	int err;

	lock_take(&assigned->config_lock);
	err = mediation_read(assigned, bar, offset, size, value);
	lock_drop(&assigned->config_lock);
	return err;
}

int vsva_assigned_write(struct vsva_assigned *assigned, unsigned bar, uint64_t offset,
			unsigned size, uint64_t value)
{
	int err;

	/* Portals carry no PASID that the guest chose: no lock on the submission path. */
	if (bar != 0)
		return vsva_device_write(assigned->device, bar, offset, size, value);
	lock_take(&assigned->config_lock);
	err = mediation_write(assigned, bar, offset, size, value);
	lock_drop(&assigned->config_lock);
	return err;
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
	lock_take(&assigned->config_lock);
	*value = pci_config_read(&assigned->config, offset, size);
	lock_drop(&assigned->config_lock);
	return 0;
}

/* Bus mastering is the device's own; ATS, PRI and PASID stay as the host has set them. */
static void pass_command(struct vsva_assigned *assigned)
{
	uint32_t command = PCI_COMMAND_MEMORY;

	if (pci_config_bus_master(&assigned->config))
		command |= PCI_COMMAND_MASTER;
	vsva_device_config_write(assigned->device, PCI_COMMAND, 2, command);
}

int vsva_assigned_config_write(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			       uint32_t value)
{
	unsigned effects;

	if (!is_valid_config_access(offset, size))
		return -EINVAL;
	lock_take(&assigned->config_lock);
	effects = pci_config_write(&assigned->config, offset, size, value);
	if (effects & PCI_CONFIG_COMMAND)
		pass_command(assigned);
	lock_drop(&assigned->config_lock);
	if (effects & PCI_CONFIG_FLR)
		quiesce(assigned);
	return 0;
}

/* Submission by a vCPU */

static int portal_write(void *arg, uint64_t offset, const void *bytes)
{
	struct vsva_assigned *assigned = arg;

	return vsva_device_portal_write(assigned->device, offset, bytes, true);
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
	return vsva_device_portal_write(assigned->device, portal_offset, bytes, false);
}
