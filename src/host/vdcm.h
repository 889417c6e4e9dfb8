/* SPDX-License-Identifier: MIT */
/*
 * A physical accelerator that several VMs share: the parent of mediated devices (mdev.h).
 *
 * Vocabulary
 *   queue     a physical work queue: number of a mediated device in its parent
 *   command   written to the physical command register, one at a time
 *   bounded   a command that ends by itself, soon: enable, abort, reset; disable of an empty queue
 *   drain     a command that ends when work has ended, which may wait for a guest: for a page
 *   nobody    a host PASID of the parent's own that nothing uses
 *
 * The command register is everybody's, and a drain that waits for one guest must not keep it from
 * the others. So a drain gives way: it is ended by an abort of nobody's work, and begun again when
 * the register is free; one that had ended before is not begun again. Several drains at a time take
 * turns. A bounded command is carried out by whoever needs it, inside its call. If one does not end
 * in time the function is reset, and with it everything that was in the hardware; the parent is then
 * out of order.
 *
 * Implements the software side of DSA 1.0 chapters 3, 9.2.13 (commands) and 9.2.26 (who may have
 * which interrupt).
 */
#ifndef HOST_VDCM_H
#define HOST_VDCM_H

#include "base/lock.h"
#include "base/trace.h"
#include "base/worker.h"
#include "host/list.h"
#include "host/port.h"
#include "vsva/iommu.h"
#include "vsva/mdev.h"
#include "vtd/dsa_regs.h"

#define VDCM_QUEUES_MAX 16u

struct vdcm_drain;

/* serial: that of vdcm_drain_start. error: enum dsa_command_error. Called on the parent's worker
 * without a lock, once for each start that was not finished at once nor cancelled in time. */
typedef void vdcm_drain_fn(struct vdcm_drain *drain, uint64_t serial, unsigned error);

struct vdcm_drain {
	vdcm_drain_fn *done;
	/* the rest is the parent's; its lock */
	struct list in_parent;
	enum dsa_command_code code;
	uint32_t operand;
	uint64_t serial;
	bool is_pending;
	bool has_ended; /* while pending: with error; it is not begun again */
	unsigned error;
};

struct vsva_vdcm {
	struct vsva_iommu *iommu;
	struct worker_pool *pool;
	const struct trace *trace;
	struct dsa_port port;
	struct vsva_dev *dev;
	struct vsva_ioasid_set *set; /* of the default PASIDs */
	struct vsva_domain *domain;  /* with nothing in it: of the requests of nobody */
	hpasid_t nobody;
	/* of the hardware */
	unsigned queue_count, entries; /* entries: of each queue */
	uint32_t group_offset, queue_offset, queue_bytes, permission_offset;

	struct worker *event_worker, *drain_worker;
	bool is_broken; /* atomic: out of order for good */

	struct lock lock;          /* LOCK_RANK_VDCM: what follows, and the command register */
	struct list drains;        /* that have been started */
	struct vdcm_drain *active; /* the one in the command register */
	unsigned drain_count;      /* of drains; atomic, writers: lock */
	unsigned looks;            /* turns until every drain has been looked at */
	struct vsva_mdev *mdevs[VDCM_QUEUES_MAX]; /* by queue; readers of the interrupt path: RCU */
	bool taken[VDCM_QUEUES_MAX];
};

/* vdcm.c: life, and the parent's registers */

struct host_vdcm_config {
	struct vsva_iommu *iommu;
	const struct dsa_port *port; /* copied; what it points to outlives the parent */
	struct vsva_dev *dev;
	struct worker_pool *pool;
	const struct trace *trace; /* may be NULL */
};
/* As vsva_vdcm_create(). */
int host_vdcm_create(const struct host_vdcm_config *config, struct vsva_vdcm **out);
/* 0; -EBUSY. */
int host_vdcm_destroy(struct vsva_vdcm *vdcm);
/* port.arg */
void *host_vdcm_port_arg(const struct vsva_vdcm *vdcm);

uint64_t vdcm_read(struct vsva_vdcm *vdcm, uint32_t offset, unsigned size);
void vdcm_write(struct vsva_vdcm *vdcm, uint32_t offset, unsigned size, uint64_t value);
/* Quadword of a queue's configuration. */
uint32_t vdcm_wqcfg(const struct vsva_vdcm *vdcm, unsigned queue, unsigned quadword);
bool vdcm_is_broken(const struct vsva_vdcm *vdcm);
/* Has it been pulled out? Whoever gives it a command notices, and then it is broken. */
bool vdcm_is_gone(const struct vsva_vdcm *vdcm);
/* Only descriptors with this PASID may have the queue's completion interrupt. */
void vdcm_permit_interrupt(struct vsva_vdcm *vdcm, unsigned queue, hpasid_t pasid);
/* Completion vector of a queue, which is the handle that descriptors name: vector 0 is the
 * parent's own. */
static inline unsigned vdcm_vector(unsigned queue)
{
	return queue + 1;
}
/* Gives a queue out. -ENOSPC. And takes it back. */
int vdcm_take_queue(struct vsva_vdcm *vdcm, struct vsva_mdev *mdev, unsigned *queue);
void vdcm_give_queue(struct vsva_vdcm *vdcm, unsigned queue);

/* vdcm_command.c. Any lock of a lower rank may be held, but not inside an RCU read section. */

/* A bounded command. 0 or enum dsa_command_error; DSA_CMDSTS_HARDWARE: the parent is out of order
 * now. */
unsigned vdcm_execute(struct vsva_vdcm *vdcm, enum dsa_command_code code, uint32_t operand);
/* true: it is finished already, *error is set, and nothing will be called. */
bool vdcm_drain_start(struct vsva_vdcm *vdcm, struct vdcm_drain *drain, enum dsa_command_code code,
		      uint32_t operand, uint64_t serial, unsigned *error);
/* true: done will not be called for it. false: it has been, or is about to be. */
bool vdcm_drain_cancel(struct vsva_vdcm *vdcm, struct vdcm_drain *drain);
/* Something may have ended of what drains wait for, or the parent is gone. */
void vdcm_drain_nudge(struct vsva_vdcm *vdcm);
/* Waits for a drain at most so long. No lock held. false: it has not ended. */
bool vdcm_drain_wait(struct vsva_vdcm *vdcm, enum dsa_command_code code, uint32_t operand,
		     uint32_t timeout_ms);
bool vdcm_run_drains(void *vdcm);
/* Resets the function: whatever is in the hardware is not to be had out of it in another way. */
void vdcm_break(struct vsva_vdcm *vdcm);

/* vdcm_event.c */

void vdcm_irq(void *vdcm, unsigned vector);
bool vdcm_run_events(void *vdcm);
/* What stands in the error register goes to its mediated device. No lock of a mediated device is
 * held. */
void vdcm_take_error(struct vsva_vdcm *vdcm);

#endif
