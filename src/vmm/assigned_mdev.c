/* SPDX-License-Identifier: MIT */
/* A mediated device that a VM has: the host keeps its registers and its configuration space, and
 * asks us for host PASIDs. */
#include <errno.h>

#include "vmm/vm.h"

/* A queue that has a guest PASID programmed mentions it, bound or not: what it does faults under the
 * guest's number. */
static int pasid_get(void *arg, gpasid_t guest, hpasid_t *out, void **handle)
{
	struct pasid_mention *mention;
	int err = pasid_map_get(arg, guest, MENTION_QUEUE, &mention);

	if (err)
		return err;
	*out = mention->host;
	*handle = mention;
	return 0;
}

static void pasid_put(void *arg, void *handle)
{
	pasid_map_put(arg, handle, MENTION_QUEUE);
}

static int mdev_open(struct vsva_assigned *assigned)
{
	struct vsva_mdev_owner owner = {
		.set = assigned->vm->set,
		.pasid_get = pasid_get,
		.pasid_put = pasid_put,
		.arg = assigned->vm,
	};

	return vsva_mdev_open(assigned->mdev, &owner);
}

static void mdev_begin(struct vsva_assigned *assigned)
{
	(void)assigned; /* opened in its state after reset */
}

static void mdev_close(struct vsva_assigned *assigned)
{
	vsva_mdev_close(assigned->mdev);
}

static void mdev_set_irq(struct vsva_assigned *assigned, void (*irq)(void *arg, unsigned vector),
			 void *arg)
{
	vsva_mdev_set_irq(assigned->mdev, irq, arg);
}

static void mdev_quiesce(struct vsva_assigned *assigned)
{
	vsva_mdev_reset(assigned->mdev);
}

static unsigned mdev_enabled(const struct vsva_assigned *assigned)
{
	unsigned enabled = vsva_mdev_enabled(assigned->mdev);

	return (enabled & VSVA_MDEV_ATS ? ASSIGNED_ATS : 0) |
	       (enabled & VSVA_MDEV_PAGE_REQUESTS ? ASSIGNED_PAGE_REQUESTS : 0);
}

static int mdev_read(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		     uint64_t *value)
{
	return vsva_mdev_read(assigned->mdev, bar, offset, size, value);
}

static int mdev_write(struct vsva_assigned *assigned, unsigned bar, uint64_t offset, unsigned size,
		      uint64_t value)
{
	return vsva_mdev_write(assigned->mdev, bar, offset, size, value);
}

static int mdev_config_read(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			    uint32_t *value)
{
	return vsva_mdev_config_read(assigned->mdev, offset, size, value);
}

static int mdev_config_write(struct vsva_assigned *assigned, uint32_t offset, unsigned size,
			     uint32_t value)
{
	return vsva_mdev_config_write(assigned->mdev, offset, size, value);
}

static int mdev_portal_write(struct vsva_assigned *assigned, uint64_t offset, const void *bytes,
			     bool deferrable)
{
	return vsva_mdev_portal_write(assigned->mdev, offset, bytes, deferrable);
}

static uint64_t mdev_bar_size(const struct vsva_assigned *assigned, unsigned bar)
{
	return vsva_mdev_bar_size(assigned->mdev, bar);
}

static unsigned mdev_vectors(const struct vsva_assigned *assigned)
{
	return vsva_mdev_vectors(assigned->mdev);
}

static const struct assigned_ops mdev_ops = {
	.open = mdev_open,
	.begin = mdev_begin,
	.close = mdev_close,
	.set_irq = mdev_set_irq,
	.quiesce = mdev_quiesce,
	.enabled = mdev_enabled,
	.read = mdev_read,
	.write = mdev_write,
	.config_read = mdev_config_read,
	.config_write = mdev_config_write,
	.portal_write = mdev_portal_write,
	.bar_size = mdev_bar_size,
	.vectors = mdev_vectors,
};

int vsva_vm_assign_mdev(struct vsva_vm *vm, struct vsva_mdev *mdev, rid_t guest_rid,
			void (*irq)(void *arg, unsigned vector), void *irq_arg,
			struct vsva_assigned **out)
{
	struct vsva_assigned *assigned =
		assigned_alloc(vm, &mdev_ops, vsva_mdev_dev(mdev), guest_rid);

	if (!assigned)
		return -ENOMEM;
	assigned->mdev = mdev;
	assigned->device = vsva_vdcm_device(vsva_mdev_vdcm(mdev));
	return assigned_add(assigned, irq, irq_arg, out);
}
