/* SPDX-License-Identifier: MIT */
/* A physical function that a VM has whole: the guest's configuration space is ours, its registers
 * are the device's, with PASIDs mediated. */
#include <errno.h>

#include "base/check.h"
#include "vmm/vm.h"

#define PCI_COMMAND        0x04u
#define PCI_COMMAND_MEMORY 0x2u
#define PCI_COMMAND_MASTER 0x4u

static int function_open(struct vsva_assigned *assigned)
{
	(void)assigned;
	return 0;
}

static void function_begin(struct vsva_assigned *assigned)
{
	vsva_device_reset(assigned->device);
	device_set_assigned(assigned->device, true);
	assigned->has_begun = true;
}

static void function_close(struct vsva_assigned *assigned)
{
	if (assigned->has_begun)
		device_set_assigned(assigned->device, false);
}

static void function_set_irq(struct vsva_assigned *assigned,
			     void (*irq)(void *arg, unsigned vector), void *arg)
{
	vsva_device_set_irq(assigned->device, irq, arg);
}

/* The device stops before anything is taken from under it. */
static void function_quiesce(struct vsva_assigned *assigned)
{
	lock_take(&assigned->config_lock);
	vsva_device_config_write(assigned->device, PCI_COMMAND, 2, 0);
	vsva_device_reset(assigned->device);
	mediation_release(assigned);
	pci_config_reset(&assigned->config);
	lock_drop(&assigned->config_lock);
}

static unsigned function_enabled(const struct vsva_assigned *assigned)
{
	const struct pci_config *config = &assigned->config;

	return (pci_config_ats_enabled(config) ? ASSIGNED_ATS : 0) |
	       (pci_config_pri_enabled(config) ? ASSIGNED_PAGE_REQUESTS : 0);
}

static int function_read(struct vsva_assigned *assigned, unsigned bar, uint64_t offset,
			 unsigned size, uint64_t *value)
{
	int err;

	lock_take(&assigned->config_lock);
	err = mediation_read(assigned, bar, offset, size, value);
	lock_drop(&assigned->config_lock);
	return err;
}

static int function_write(struct vsva_assigned *assigned, unsigned bar, uint64_t offset,
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

static int function_config_read(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
				uint32_t *value)
{
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

static int function_config_write(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
				 uint32_t value)
{
	unsigned effects;

	lock_take(&assigned->config_lock);
	effects = pci_config_write(&assigned->config, offset, size, value);
	if (effects & PCI_CONFIG_COMMAND)
		pass_command(assigned);
	lock_drop(&assigned->config_lock);
	if (effects & PCI_CONFIG_FLR)
		function_quiesce(assigned);
	return 0;
}

static int function_portal_write(struct vsva_assigned *assigned, uint64_t offset, const void *bytes,
				 bool deferrable)
{
	return vsva_device_portal_write(assigned->device, offset, bytes, deferrable);
}

static uint64_t function_bar_size(const struct vsva_assigned *assigned, unsigned bar)
{
	return vsva_device_bar_size(assigned->device, bar);
}

static unsigned function_vectors(const struct vsva_assigned *assigned)
{
	return vsva_device_vectors(assigned->device);
}

static const struct assigned_ops function_ops = {
	.open = function_open,
	.begin = function_begin,
	.close = function_close,
	.set_irq = function_set_irq,
	.quiesce = function_quiesce,
	.enabled = function_enabled,
	.read = function_read,
	.write = function_write,
	.config_read = function_config_read,
	.config_write = function_config_write,
	.portal_write = function_portal_write,
	.bar_size = function_bar_size,
	.vectors = function_vectors,
};

int vsva_vm_assign(struct vsva_vm *vm, struct vsva_device *device, rid_t guest_rid,
		   void (*irq)(void *arg, unsigned vector), void *irq_arg,
		   struct vsva_assigned **out)
{
	struct vsva_assigned *assigned =
		assigned_alloc(vm, &function_ops, vsva_device_dev(device), guest_rid);

	if (!assigned)
		return -ENOMEM;
	assigned->device = device;
	CHECK(pci_config_init(&assigned->config, device_config_description(device)) == 0);
	mediation_init(assigned);
	return assigned_add(assigned, irq, irq_arg, out);
}

struct vsva_device *vsva_assigned_device(struct vsva_assigned *assigned)
{
	return assigned->device;
}
