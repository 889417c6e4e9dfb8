// SPDX-License-Identifier: MIT
/* Virtual registers and portals: those of an accelerator with one queue, one group, one engine. */
#include "host/mdev.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

uint64_t mdev_reg(const struct vsva_mdev *mdev, uint32_t offset)
{
	return mdev->regs[offset / 4] | (uint64_t)mdev->regs[offset / 4 + 1] << 32;
}

void mdev_set_reg(struct vsva_mdev *mdev, uint32_t offset, uint64_t value)
{
	mdev->regs[offset / 4] = (uint32_t)value;
	mdev->regs[offset / 4 + 1] = (uint32_t)(value >> 32);
}

uint64_t mdev_wqcfg(const struct vsva_mdev *mdev, unsigned quadword)
{
	return mdev_reg(mdev, DSA_WQCFG + quadword * 8);
}

enum dsa_device_state mdev_state(const struct vsva_mdev *mdev)
{
	return (enum dsa_device_state)dsa_GENSTS_STATE(mdev_reg(mdev, DSA_REG_GENSTS));
}

void mdev_set_state(struct vsva_mdev *mdev, enum dsa_device_state state)
{
	mdev_set_reg(mdev, DSA_REG_GENSTS, dsa_GENSTS_with_STATE(0, state));
}

/* Capabilities: the parent's, but for what is divided */

static uint64_t wqcap(struct vsva_mdev *mdev)
{
	uint64_t cap = vdcm_read(mdev->vdcm, DSA_REG_WQCAP, 8);

	cap = dsa_WQCAP_with_TOTAL_SIZE(cap, mdev->vdcm->entries);
	cap = dsa_WQCAP_with_QUEUES(cap, 1);
	cap = dsa_WQCAP_with_CONFIG_LG2(cap, 1); /* DSA_WQCFG_STRIDE */
	cap = dsa_WQCAP_with_SHARED(cap, mdev->type == VSVA_MDEV_SHARED);
	return dsa_WQCAP_with_DEDICATED(cap, mdev->type == VSVA_MDEV_DEDICATED);
}

static uint64_t offsets(void)
{
	uint64_t table = dsa_OFFSETS_with_GROUP(0, DSA_GRPCFG / DSA_TABLE_UNIT);

	table = dsa_OFFSETS_with_QUEUE(table, DSA_WQCFG / DSA_TABLE_UNIT);
	return dsa_OFFSETS_with_MSIXPERM(table, MDEV_MSIXPERM / DSA_TABLE_UNIT);
}

static uint64_t command_bitmap(void)
{
	uint64_t bitmap = UINT64_C(1) << DSA_COMMAND_REQUEST_HANDLE |
			  UINT64_C(1) << DSA_COMMAND_RELEASE_HANDLE;

#define COMMAND_BIT_(name, code) bitmap |= UINT64_C(1) << (code);
	DSA_COMMANDS(COMMAND_BIT_)
	return bitmap;
}

static void set_capabilities(struct vsva_mdev *mdev)
{
	struct vsva_vdcm *vdcm = mdev->vdcm;
	uint64_t gencap = vdcm_read(vdcm, DSA_REG_GENCAP, 8);
	uint64_t grpcap = vdcm_read(vdcm, DSA_REG_GRPCAP, 8);

	mdev_set_reg(mdev, DSA_REG_VERSION, DSA_VERSION_1);
	mdev_set_reg(mdev, DSA_REG_GENCAP, dsa_GENCAP_with_IMS_SIZE(gencap, 0));
	mdev_set_reg(mdev, DSA_REG_WQCAP, wqcap(mdev));
	mdev_set_reg(mdev, DSA_REG_GRPCAP, dsa_GRPCAP_with_GROUPS(grpcap, 1));
	mdev_set_reg(mdev, DSA_REG_ENGCAP, dsa_ENGCAP_with_ENGINES(0, 1));
	for (unsigned i = 0; i < 4; i++)
		mdev_set_reg(mdev, DSA_REG_OPCAP + 8 * i,
			     vdcm_read(vdcm, DSA_REG_OPCAP + 8 * i, 8));
	mdev_set_reg(mdev, DSA_REG_OFFSETS, offsets());
	mdev_set_reg(mdev, DSA_REG_CMDCAP, command_bitmap());
}

void mdev_regs_reset(struct vsva_mdev *mdev)
{
	memset(mdev->regs, 0, sizeof(mdev->regs));
	set_capabilities(mdev);
	for (unsigned i = 0; i < MDEV_VECTORS; i++)
		memcpy(&mdev->msix[(size_t)4 * i], (uint32_t[]){0, 0, 0, 1}, 16);
}

/* Reports to the guest */

void mdev_raise(struct vsva_mdev *mdev, uint64_t cause)
{
	mdev->regs[DSA_REG_INTCAUSE / 4] |= (uint32_t)cause;
	mdev->raised |= 1u << MDEV_VECTOR_MISC;
}

void mdev_report(struct vsva_mdev *mdev, const uint64_t error[3])
{
	uint64_t head = mdev_reg(mdev, DSA_REG_SWERR);

	if (dsa_SWERR_VALID(head)) {
		mdev_set_reg(mdev, DSA_REG_SWERR, dsa_SWERR_with_OVERFLOW(head, 1));
		return;
	}
	for (unsigned i = 0; i < 3; i++)
		mdev_set_reg(mdev, DSA_REG_SWERR + 8 * i, error[i]);
	if (dsa_GENCTRL_SOFTWARE_ERROR(mdev_reg(mdev, DSA_REG_GENCTRL)))
		mdev_raise(mdev, dsa_INTCAUSE_with_ERROR(0, 1));
}

/* Reading */

static bool is_in(uint32_t offset, uint32_t base, uint32_t len)
{
	return offset - base < len;
}

static uint32_t queue_status(struct vsva_mdev *mdev)
{
	uint64_t word = dsa_WQCFG3_with_OCCUPANCY(0, mdev_queue_occupancy(mdev));

	return (uint32_t)dsa_WQCFG3_with_STATE(word, mdev->wq_state);
}

/* A parent that is out of order has halted for each of them. */
static uint32_t general_status(struct vsva_mdev *mdev)
{
	if (vdcm_is_broken(mdev->vdcm))
		return (uint32_t)dsa_GENSTS_with_STATE(0, DSA_DEVICE_HALT);
	return mdev->regs[DSA_REG_GENSTS / 4];
}

static uint32_t read_dword(struct vsva_mdev *mdev, uint32_t offset)
{
	if (offset == DSA_WQCFG + 4 * DSA_WQCFG_STATE_WORD)
		return queue_status(mdev);
	if (offset == DSA_REG_GENSTS)
		return general_status(mdev);
	if (offset == DSA_REG_CMDSTS)
		mdev_command_poll(mdev);
	if (offset < DSA_REGISTER_SPACE)
		return mdev->regs[offset / 4];
	if (is_in(offset, DSA_MSIX_TABLE, sizeof(mdev->msix)))
		return mdev->msix[(offset - DSA_MSIX_TABLE) / 4];
	return 0;
}

static bool is_valid_access(const struct vsva_mdev *mdev, unsigned bar, uint64_t offset,
			    unsigned size)
{
	return (size == 4 || size == 8) && offset % size == 0 &&
	       offset < vsva_mdev_bar_size(mdev, bar);
}

int vsva_mdev_read(struct vsva_mdev *mdev, unsigned bar, uint64_t offset, unsigned size,
		   uint64_t *value)
{
	if (!is_valid_access(mdev, bar, offset, size))
		return -EINVAL;
	*value = 0;
	/* portals cannot be read */
	if (bar != 0)
		return 0;
	lock_take(&mdev->lock);
	*value = read_dword(mdev, (uint32_t)offset);
	if (size == 8)
		*value |= (uint64_t)read_dword(mdev, (uint32_t)offset + 4) << 32;
	mdev_unlock(mdev);
	return 0;
}

/* Writing */

/* What is enabled keeps what it was enabled with. */
static void write_wqcfg(struct vsva_mdev *mdev, uint32_t offset, uint32_t value)
{
	if (mdev->wq_state == DSA_WQ_DISABLED && offset != DSA_WQCFG + 4 * DSA_WQCFG_STATE_WORD)
		mdev->regs[offset / 4] = value;
}

static void write_tables(struct vsva_mdev *mdev, uint32_t offset, uint32_t value)
{
	if (is_in(offset, DSA_WQCFG, DSA_WQCFG_STRIDE)) {
		write_wqcfg(mdev, offset, value);
	} else if (is_in(offset, DSA_GRPCFG, DSA_GRPCFG_STRIDE)) {
		if (mdev_state(mdev) == DSA_DEVICE_DISABLED)
			mdev->regs[offset / 4] = value;
	} else if (is_in(offset, MDEV_MSIXPERM, MDEV_VECTORS * DSA_MSIXPERM_STRIDE)) {
		mdev->regs[offset / 4] = value;
		mdev_queue_permit(mdev);
	} else if (is_in(offset, DSA_MSIX_TABLE, sizeof(mdev->msix))) {
		uint32_t at = (offset - DSA_MSIX_TABLE) / 4;

		mdev->msix[at] = at % 4 == 3 ? value & 1 : value;
	}
}

#define GENCTRL_BITS (dsa_GENCTRL_with_SOFTWARE_ERROR(0, 1) | dsa_GENCTRL_with_HALT(0, 1))
#define SWERR_CLEARS (dsa_SWERR_with_VALID(0, 1) | dsa_SWERR_with_OVERFLOW(0, 1))

static void write_dword(struct vsva_mdev *mdev, uint32_t offset, uint32_t value)
{
	uint32_t *reg = &mdev->regs[offset % DSA_REGISTER_SPACE / 4];

	switch (offset) {
	case DSA_REG_GENCFG:
		if (mdev_state(mdev) == DSA_DEVICE_DISABLED)
			*reg = (uint32_t)dsa_GENCFG_with_READ_BUFFER_LIMIT(0, value & 0xff);
		break;
	case DSA_REG_GENCTRL:
		*reg = value & (uint32_t)GENCTRL_BITS;
		break;
	case DSA_REG_INTCAUSE:
		*reg &= ~value;
		break;
	case DSA_REG_SWERR:
		*reg &= ~(value & (uint32_t)SWERR_CLEARS);
		break;
	case DSA_REG_CMD:
		mdev_command_write(mdev, value);
		break;
	default:
		write_tables(mdev, offset, value);
		break;
	}
}

static void store_to_portal(struct vsva_mdev *mdev, uint64_t offset, unsigned size, uint64_t value)
{
	const struct dsa_port *port = &mdev->vdcm->port;

	if (!mdev_gate_enter(mdev))
		return;
	port->store(port->arg, (uint64_t)mdev->queue * DSA_PORTAL_STRIDE + offset, size, value);
	mdev_gate_leave(mdev);
}

int vsva_mdev_write(struct vsva_mdev *mdev, unsigned bar, uint64_t offset, unsigned size,
		    uint64_t value)
{
	if (!is_valid_access(mdev, bar, offset, size))
		return -EINVAL;
	if (bar != 0) {
		store_to_portal(mdev, offset, size, value);
		return 0;
	}
	lock_take(&mdev->lock);
	write_dword(mdev, (uint32_t)offset, (uint32_t)value);
	if (size == 8)
		write_dword(mdev, (uint32_t)offset + 4, (uint32_t)(value >> 32));
	mdev_unlock(mdev);
	return 0;
}

/* Portals */

/* The device has not seen it: what it would have said. A deferrable write is told "retry". */
static void report_closed(struct vsva_mdev *mdev, const void *bytes)
{
	struct dsa_descriptor descriptor;
	uint64_t error[3] = {dsa_SWERR_with_QUEUE_VALID(dsa_SWERR_with_VALID(0, 1), 1)};

	memcpy(&descriptor, bytes, sizeof(descriptor));
	error[0] = dsa_SWERR_with_ERROR(error[0], DSA_PORTAL_QUEUE_NOT_ENABLED);
	error[0] = dsa_SWERR_with_OPERATION(error[0], dsa_descriptor_OPCODE(&descriptor));
	lock_take(&mdev->lock);
	mdev_report(mdev, error);
	mdev_unlock(mdev);
}

int vsva_mdev_portal_write(struct vsva_mdev *mdev, uint64_t offset, const void *bytes,
			   bool deferrable)
{
	const struct dsa_port *port = &mdev->vdcm->port;
	int result;

	if (offset % DSA_PORTAL_LINE || offset >= DSA_PORTAL_STRIDE)
		return -EINVAL;
	if (!mdev_gate_enter(mdev)) {
		if (!deferrable)
			report_closed(mdev, bytes);
		return deferrable;
	}
	result = port->submit(port->arg, (uint64_t)mdev->queue * DSA_PORTAL_STRIDE + offset, bytes,
			      deferrable);
	mdev_gate_leave(mdev);
	return result;
}
