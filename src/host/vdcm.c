// SPDX-License-Identifier: MIT
/* Parents: an accelerator is taken over, enabled, and its queues are given out. */
#include "host/vdcm.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "base/rcu.h"
#include "base/sched.h"
#include "host/mdev.h"
#include "host/pci_caps.h"

/* The parent's registers */

uint64_t vdcm_read(struct vsva_vdcm *vdcm, uint32_t offset, unsigned size)
{
	return vdcm->port.read(vdcm->port.arg, offset, size);
}

void vdcm_write(struct vsva_vdcm *vdcm, uint32_t offset, unsigned size, uint64_t value)
{
	vdcm->port.write(vdcm->port.arg, offset, size, value);
}

uint32_t vdcm_wqcfg(const struct vsva_vdcm *vdcm, unsigned queue, unsigned quadword)
{
	return vdcm->queue_offset + queue * vdcm->queue_bytes + quadword * 8;
}

bool vdcm_is_broken(const struct vsva_vdcm *vdcm)
{
	SEAM_FLAG_READ("accelerator is broken");
	return __atomic_load_n(&vdcm->is_broken, __ATOMIC_ACQUIRE);
}

bool vdcm_is_gone(const struct vsva_vdcm *vdcm)
{
	return !pci_is_present(&vdcm->port.config);
}

static void permit_vector(struct vsva_vdcm *vdcm, unsigned vector, hpasid_t pasid)
{
	uint64_t permission = dsa_MSIXPERM_with_PASID_ENABLE(0, 1);

	if (vector < vdcm->port.vectors)
		vdcm_write(vdcm, vdcm->permission_offset + vector * DSA_MSIXPERM_STRIDE, 4,
			   dsa_MSIXPERM_with_PASID(permission, pasid.v));
}

void vdcm_permit_interrupt(struct vsva_vdcm *vdcm, unsigned queue, hpasid_t pasid)
{
	permit_vector(vdcm, vdcm_vector(queue), pasid);
}

/* Bring-up */

static const unsigned needed_commands[] = {
	DSA_COMMAND_ENABLE_DEVICE, DSA_COMMAND_RESET_DEVICE, DSA_COMMAND_ENABLE_WQ,
	DSA_COMMAND_DISABLE_WQ,    DSA_COMMAND_DRAIN_WQ,     DSA_COMMAND_ABORT_WQ,
	DSA_COMMAND_RESET_WQ,      DSA_COMMAND_DRAIN_PASID,  DSA_COMMAND_ABORT_PASID,
};

static bool has_commands(struct vsva_vdcm *vdcm)
{
	uint64_t offered = vdcm_read(vdcm, DSA_REG_CMDCAP, 8);

	for (size_t i = 0; i < ARRAY_LEN(needed_commands); i++)
		if (!(offered >> needed_commands[i] & 1))
			return false;
	return true;
}

/* 0; -ENODEV: no accelerator that could be shared. */
static int read_capabilities(struct vsva_vdcm *vdcm)
{
	uint64_t wqcap = vdcm_read(vdcm, DSA_REG_WQCAP, 8);
	uint64_t offsets = vdcm_read(vdcm, DSA_REG_OFFSETS, 8);

	if (!pci_is_present(&vdcm->port.config) || !has_commands(vdcm) ||
	    !dsa_GENCAP_CONFIGURABLE(vdcm_read(vdcm, DSA_REG_GENCAP, 8)))
		return -ENODEV;
	vdcm->queue_count = (unsigned)dsa_WQCAP_QUEUES(wqcap);
	if (vdcm->queue_count > VDCM_QUEUES_MAX)
		vdcm->queue_count = VDCM_QUEUES_MAX;
	if (!vdcm->queue_count)
		return -ENODEV;
	/* Nobody can take another one's entries. */
	vdcm->entries = (unsigned)dsa_WQCAP_TOTAL_SIZE(wqcap) / vdcm->queue_count;
	vdcm->group_offset = (uint32_t)dsa_OFFSETS_GROUP(offsets) * DSA_TABLE_UNIT;
	vdcm->queue_offset = (uint32_t)dsa_OFFSETS_QUEUE(offsets) * DSA_TABLE_UNIT;
	vdcm->permission_offset = (uint32_t)dsa_OFFSETS_MSIXPERM(offsets) * DSA_TABLE_UNIT;
	vdcm->queue_bytes = (uint32_t)DSA_WQCFG_BYTES_MIN << dsa_WQCAP_CONFIG_LG2(wqcap);
	return vdcm->entries ? 0 : -ENODEV;
}

/* Every nth of them. */
static uint64_t members(unsigned count, unsigned first, unsigned step)
{
	uint64_t mask = 0;

	for (unsigned i = first; i < count; i += step)
		mask |= UINT64_C(1) << i;
	return mask;
}

/* As many groups as the hardware can serve: engines are what queues of one group share. */
static void configure_groups(struct vsva_vdcm *vdcm)
{
	unsigned engines = (unsigned)dsa_ENGCAP_ENGINES(vdcm_read(vdcm, DSA_REG_ENGCAP, 8));
	unsigned groups = (unsigned)dsa_GRPCAP_GROUPS(vdcm_read(vdcm, DSA_REG_GRPCAP, 8));
	unsigned used = groups < engines ? groups : engines;

	for (unsigned group = 0; group < used; group++) {
		uint32_t offset = vdcm->group_offset + group * DSA_GRPCFG_STRIDE;

		vdcm_write(vdcm, offset, 8, members(vdcm->queue_count, group, used));
		vdcm_write(vdcm, offset + DSA_GRPCFG_ENGINES, 8, members(engines, group, used));
	}
}

static void configure(struct vsva_vdcm *vdcm)
{
	configure_groups(vdcm);
	for (unsigned vector = 0; vector < vdcm->port.vectors; vector++)
		permit_vector(vdcm, vector, vdcm->nobody);
	vdcm_write(vdcm, DSA_REG_GENCTRL, 4, dsa_GENCTRL_with_SOFTWARE_ERROR(0, 1));
}

static int bring_up(struct vsva_vdcm *vdcm)
{
	unsigned error;

	pci_master_set(&vdcm->port.config, true);
	error = vdcm_execute(vdcm, DSA_COMMAND_RESET_DEVICE, 0);
	if (!error) {
		configure(vdcm);
		vdcm->port.set_irq(vdcm->port.arg, vdcm_irq, vdcm);
		error = vdcm_execute(vdcm, DSA_COMMAND_ENABLE_DEVICE, 0);
	}
	if (!error)
		return 0;
	log_line(LOG_ERROR, VSVA_CODE_DEVICE_OUT_OF_ORDER,
		 "host: device %04x cannot be shared: its command ended with %#x",
		 vsva_dev_rid(vdcm->dev).v, error);
	vdcm->port.set_irq(vdcm->port.arg, NULL, NULL);
	return -ENODEV;
}

/* Software */

/* The number of a mediated device that was just destroyed is still being reclaimed. */
#define PASIDS_PER_QUEUE 4u

static int make_pasids(struct vsva_vdcm *vdcm)
{
	int err = vsva_ioasid_set_alloc(vsva_iommu_ioasid_space(vdcm->iommu), vdcm,
					1 + PASIDS_PER_QUEUE * vdcm->queue_count, &vdcm->set);

	if (err)
		return err;
	err = vsva_ioasid_alloc(vdcm->set, 1, VSVA_PASID_MAX, NULL, &vdcm->nobody);
	if (err) {
		vsva_ioasid_set_free(vdcm->set);
		vdcm->set = NULL;
	}
	return err;
}

static int make_domain(struct vsva_vdcm *vdcm)
{
	int err = vsva_domain_alloc(vdcm->iommu, vdcm->set, 0, 0, &vdcm->domain);

	if (err)
		return err;
	err = vsva_domain_attach(vdcm->domain, vdcm->dev);
	if (err) {
		vsva_domain_free(vdcm->domain);
		vdcm->domain = NULL;
	}
	return err;
}

static int make_workers(struct vsva_vdcm *vdcm)
{
	vdcm->event_worker = worker_create(vdcm->pool, "accelerator events", vdcm_run_events, vdcm);
	vdcm->drain_worker = worker_create(vdcm->pool, "accelerator drains", vdcm_run_drains, vdcm);
	return vdcm->event_worker && vdcm->drain_worker ? 0 : -ENOMEM;
}

/* What was not made is NULL. */
static void free_parts(struct vsva_vdcm *vdcm)
{
	worker_destroy(vdcm->event_worker);
	worker_destroy(vdcm->drain_worker);
	if (vdcm->domain) {
		vsva_domain_detach(vdcm->domain, vdcm->dev);
		CHECK(vsva_domain_free(vdcm->domain) == 0);
	}
	if (vdcm->set) {
		vsva_ioasid_free(vdcm->set, vdcm->nobody);
		vsva_ioasid_set_free(vdcm->set);
	}
	lock_destroy(&vdcm->lock);
	base_free(vdcm);
}

static struct vsva_vdcm *vdcm_alloc(const struct host_vdcm_config *config)
{
	struct vsva_vdcm *vdcm = base_zalloc(sizeof(*vdcm));

	if (!vdcm)
		return NULL;
	vdcm->iommu = config->iommu;
	vdcm->pool = config->pool;
	vdcm->trace = config->trace;
	vdcm->port = *config->port;
	vdcm->dev = config->dev;
	list_init(&vdcm->drains);
	lock_init(&vdcm->lock, LOCK_RANK_VDCM, "shared accelerator");
	return vdcm;
}

int host_vdcm_create(const struct host_vdcm_config *config, struct vsva_vdcm **out)
{
	struct vsva_vdcm *vdcm = vdcm_alloc(config);
	int err;

	if (!vdcm)
		return -ENOMEM;
	err = read_capabilities(vdcm);
	if (!err)
		err = make_pasids(vdcm);
	if (!err)
		err = make_domain(vdcm);
	if (!err)
		err = make_workers(vdcm);
	if (!err)
		err = bring_up(vdcm);
	if (err)
		free_parts(vdcm);
	else
		*out = vdcm;
	return err;
}

static bool has_mdevs(struct vsva_vdcm *vdcm)
{
	bool has = false;

	lock_take(&vdcm->lock);
	for (unsigned i = 0; i < vdcm->queue_count; i++)
		has |= vdcm->taken[i];
	lock_drop(&vdcm->lock);
	return has;
}

int host_vdcm_destroy(struct vsva_vdcm *vdcm)
{
	if (has_mdevs(vdcm))
		return -EBUSY;
	vdcm->port.set_irq(vdcm->port.arg, NULL, NULL);
	if (!vdcm_is_broken(vdcm))
		vdcm_execute(vdcm, DSA_COMMAND_RESET_DEVICE, 0);
	free_parts(vdcm);
	return 0;
}

void *host_vdcm_port_arg(const struct vsva_vdcm *vdcm)
{
	return vdcm->port.arg;
}

/* Queues */

int vdcm_take_queue(struct vsva_vdcm *vdcm, struct vsva_mdev *mdev, unsigned *queue)
{
	int err = -ENOSPC;

	lock_take(&vdcm->lock);
	for (unsigned i = 0; i < vdcm->queue_count && err; i++) {
		if (vdcm->taken[i])
			continue;
		vdcm->taken[i] = true;
		*queue = i;
		err = 0;
	}
	if (!err)
		rcu_publish(vdcm->mdevs[*queue], mdev);
	lock_drop(&vdcm->lock);
	return err;
}

/* The interrupt path may still have found the mediated device: it is the caller who waits. */
void vdcm_give_queue(struct vsva_vdcm *vdcm, unsigned queue)
{
	lock_take(&vdcm->lock);
	rcu_publish(vdcm->mdevs[queue], NULL);
	vdcm->taken[queue] = false;
	lock_drop(&vdcm->lock);
}

unsigned vsva_vdcm_available(struct vsva_vdcm *vdcm)
{
	unsigned count = 0;

	lock_take(&vdcm->lock);
	for (unsigned i = 0; i < vdcm->queue_count; i++)
		count += vdcm->taken[i] ? 0 : 1;
	lock_drop(&vdcm->lock);
	return count;
}
