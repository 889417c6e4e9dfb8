// SPDX-License-Identifier: MIT
/* The configuration space of a mediated device. */
#include <errno.h>

#include "base/check.h"
#include "host/mdev.h"

#define DSA_VENDOR    0x8086
#define DSA_DEVICE    0x0b25
#define DSA_CLASS     0x088000
#define PRI_CAPACITY  512u
#define ATS_DEPTH     16u
#define BAR_REGISTERS 0u
#define BAR_PORTALS   2u

static const struct pci_config_description description = {
	.vendor = DSA_VENDOR,
	.device = DSA_DEVICE,
	.subsystem_vendor = DSA_VENDOR,
	.class_code = DSA_CLASS,
	.bar = {[BAR_REGISTERS] = {.size = DSA_BAR0_SIZE, .wide = true},
		[BAR_PORTALS] = {.size = DSA_PORTAL_STRIDE, .wide = true}},
	.function_level_reset = true,
	.msix_vectors = MDEV_VECTORS,
	.msix_table_offset = DSA_MSIX_TABLE,
	.msix_pba_offset = DSA_MSIX_PBA,
	.ats = true,
	.ats_queue_depth = ATS_DEPTH,
	.pri = true,
	.pri_pasid_required = true,
	.pri_capacity = PRI_CAPACITY,
	.pasid = true,
	.pasid_privileged = true,
	.pasid_width = 20,
};

void mdev_config_init(struct vsva_mdev *mdev)
{
	CHECK(pci_config_init(&mdev->config, &description) == 0);
}

static bool is_valid_access(uint32_t offset, unsigned size)
{
	return (size == 1 || size == 2 || size == 4) && offset % size == 0 &&
	       offset <= PCI_CONFIG_SIZE - size;
}

int vsva_mdev_config_read(struct vsva_mdev *mdev, uint32_t offset, unsigned size, uint32_t *value)
{
	if (!is_valid_access(offset, size))
		return -EINVAL;
	lock_take(&mdev->lock);
	*value = pci_config_read(&mdev->config, offset, size);
	mdev_unlock(mdev);
	return 0;
}

/* Bus mastering, ATS, PRI and PASID of the function are the parent's. What the guest switches off
 * in its own space must stop all the same: without bus mastering nothing is submitted or at work. */
static void carry_out(struct vsva_mdev *mdev, unsigned effects)
{
	if (effects & PCI_CONFIG_FLR) {
		mdev_reset_locked(mdev);
		pci_config_reset(&mdev->config);
	} else if (effects & PCI_CONFIG_COMMAND) {
		mdev_queue_set_master(mdev, pci_config_bus_master(&mdev->config));
	}
}

int vsva_mdev_config_write(struct vsva_mdev *mdev, uint32_t offset, unsigned size, uint32_t value)
{
	if (!is_valid_access(offset, size))
		return -EINVAL;
	lock_take(&mdev->lock);
	carry_out(mdev, pci_config_write(&mdev->config, offset, size, value));
	mdev_unlock(mdev);
	return 0;
}

unsigned vsva_mdev_enabled(const struct vsva_mdev *mdev)
{
	const struct pci_config *config = &mdev->config;

	return (pci_config_bus_master(config) ? VSVA_MDEV_BUS_MASTER : 0) |
	       (pci_config_ats_enabled(config) ? VSVA_MDEV_ATS : 0) |
	       (pci_config_pri_enabled(config) ? VSVA_MDEV_PAGE_REQUESTS : 0) |
	       (pci_config_pasid_enabled(config) ? VSVA_MDEV_PASID : 0);
}

uint64_t vsva_mdev_bar_size(const struct vsva_mdev *mdev, unsigned bar)
{
	return bar < PCI_CONFIG_BAR_COUNT ? pci_config_bar_size(&mdev->config, bar) : 0;
}

unsigned vsva_mdev_vectors(const struct vsva_mdev *mdev)
{
	(void)mdev;
	return MDEV_VECTORS;
}
