/* SPDX-License-Identifier: MIT */
/*
 * A mediated device: one queue of a parent (vdcm.h) that looks like an accelerator of its own.
 *
 * Vocabulary
 *   virtual   what the guest sees: registers, commands, configuration space
 *   default   PASID: what the queue's requests carry when the guest has given it none
 *   gate      of the portals: open while the queue takes descriptors
 *   place     a host PASID that stands in hardware in place of a guest's, with the reference that
 *             keeps it
 *
 * The queue's life in hardware is bracketed by the gate: it opens after the physical queue was
 * enabled, and closes, with nobody inside any more, before anything of it is taken away.
 */
#ifndef HOST_MDEV_H
#define HOST_MDEV_H

#include "base/irq.h"
#include "base/rcu.h"
#include "host/vdcm.h"
#include "vtd/pci_config.h"

enum {
	MDEV_VECTORS = 2,
	MDEV_VECTOR_MISC = 0,
	MDEV_VECTOR_COMPLETION = 1,
	MDEV_MSIXPERM = 0x600,
	MDEV_REGISTER_WORDS = DSA_REGISTER_SPACE / 4,
};

struct mdev_place {
	gpasid_t guest; /* VSVA_PASID_INVALID: none */
	hpasid_t host;  /* VSVA_PASID_INVALID: none; atomic, for those without the lock */
	void *handle;   /* the owner's */
};

/* Places that one call may empty. */
#define MDEV_RELEASED_MAX 8u

struct mdev_command {
	bool active;
	bool interrupt;
	enum dsa_command_code code;
	uint64_t serial; /* of the drain that it waits for */
	/* What it drains by, with a reference, so that it is nobody else's meanwhile;
	 * VSVA_PASID_INVALID: none. */
	hpasid_t pasid;
};

struct vsva_mdev {
	struct vsva_vdcm *vdcm;
	enum vsva_mdev_type type;
	unsigned queue; /* the physical one */
	struct vsva_dev *dev;
	hpasid_t base;  /* the default PASID */
	unsigned users; /* atomic: drains and events that are on their way here */
	struct irq_line irq;

	bool gate_is_open; /* atomic */
	bool is_freed;     /* atomic: the PASID of the dedicated queue is free-pending */
	unsigned inside;   /* atomic: who is in the gate */

	struct lock lock; /* LOCK_RANK_MDEV: all that follows */
	bool is_open;     /* it has an owner */
	struct vsva_mdev_owner owner;
	struct vsva_ioasid_notifier *notifier;
	struct pci_config config; /* accessors of pci_config.h for any thread: without the lock */
	uint32_t regs[MDEV_REGISTER_WORDS];
	uint32_t msix[MDEV_VECTORS * 4];
	enum dsa_wq_state wq_state;  /* virtual */
	bool is_enabled;             /* the physical queue is, or has been touched */
	struct mdev_place wq_place;  /* in the configuration of a dedicated queue */
	struct mdev_place irq_place; /* in the permission of the completion interrupt */
	struct mdev_command command;
	struct vdcm_drain drain; /* of the command */
	uint64_t serial;
	/* to be done when the lock is dropped: vectors to fire, places to give back to the owner */
	uint32_t raised;
	void *released[MDEV_RELEASED_MAX];
	unsigned released_count;
};

/* mdev.c */

/* And then does what was put off. */
void mdev_unlock(struct vsva_mdev *mdev);
/* Keeps it from being closed. */
void mdev_get(struct vsva_mdev *mdev);
void mdev_put(struct vsva_mdev *mdev);
/* Everything after reset but the configuration space. Lock. */
void mdev_reset_locked(struct vsva_mdev *mdev);

/* The gate. Entering needs no lock; false: it is closed. Closing returns when nobody is inside. */
bool mdev_gate_enter(struct vsva_mdev *mdev);
void mdev_gate_leave(struct vsva_mdev *mdev);
void mdev_gate_open(struct vsva_mdev *mdev);
void mdev_gate_close(struct vsva_mdev *mdev);

/* mdev_regs.c. Lock. */

uint64_t mdev_reg(const struct vsva_mdev *mdev, uint32_t offset);
void mdev_set_reg(struct vsva_mdev *mdev, uint32_t offset, uint64_t value);
uint64_t mdev_wqcfg(const struct vsva_mdev *mdev, unsigned quadword);
enum dsa_device_state mdev_state(const struct vsva_mdev *mdev);
void mdev_set_state(struct vsva_mdev *mdev, enum dsa_device_state state);
void mdev_regs_reset(struct vsva_mdev *mdev);
/* Cause bits and, if there are any, vector 0. */
void mdev_raise(struct vsva_mdev *mdev, uint64_t cause);
/* An error of the queue: the three quadwords that mean something, as the guest is to see them. */
void mdev_report(struct vsva_mdev *mdev, const uint64_t error[3]);

/* mdev_command.c. Lock, but for the last two. */

void mdev_command_write(struct vsva_mdev *mdev, uint32_t value);
/* The register was looked at while a command is active. */
void mdev_command_poll(struct vsva_mdev *mdev);
/* Whatever it waits for is not waited for any more. */
void mdev_command_forget(struct vsva_mdev *mdev);
/* The work of a freed PASID has ended: a drain by it has nothing to wait for. */
void mdev_command_end_of_pasid(struct vsva_mdev *mdev, hpasid_t host);
vdcm_drain_fn mdev_command_drained;

/* mdev_queue.c: the queue in hardware. Lock. */

/* As the virtual registers say. 0 or enum dsa_command_error, nothing is changed then. */
unsigned mdev_queue_enable(struct vsva_mdev *mdev);
/* The physical queue is as after reset: its work has ended, its places are empty. */
void mdev_queue_stop(struct vsva_mdev *mdev);
/* The guest's bus master bit has changed. */
void mdev_queue_set_master(struct vsva_mdev *mdev, bool is_master);
/* Who may have the completion interrupt, as the virtual permission says. */
void mdev_queue_permit(struct vsva_mdev *mdev);
/* Descriptors that it holds. */
unsigned mdev_queue_occupancy(struct vsva_mdev *mdev);
/* Operand of physical commands that take queues. */
uint32_t mdev_queue_mask(const struct vsva_mdev *mdev);
/* The guest's view of a PASID in hardware: 0 if it is not one of the guest's. */
uint32_t mdev_guest_view(struct vsva_mdev *mdev, hpasid_t host);
/* An error of the physical queue: first three quadwords of its SWERR. Takes the lock. */
void mdev_queue_error(struct vsva_mdev *mdev, const uint64_t error[3]);

/* mdev_pasid.c */

void mdev_place_init(struct mdev_place *place);
/* Fills an empty place with the host PASID of a guest's. 0; -errno. Lock. */
int mdev_place_fill(struct vsva_mdev *mdev, struct mdev_place *place, gpasid_t guest);
/* The hardware is clean of it. Lock. */
void mdev_place_empty(struct vsva_mdev *mdev, struct mdev_place *place);
/* Host PASID of a guest's that is known. -ENOENT. Lock: until it is dropped the number is not
 * reclaimed (mdev_pasid.c). */
int mdev_pasid_find(struct vsva_mdev *mdev, gpasid_t guest, hpasid_t *out);
/* The same with a reference, for longer. And back. Lock. */
int mdev_pasid_get(struct vsva_mdev *mdev, gpasid_t guest, hpasid_t *out);
void mdev_pasid_put(struct vsva_mdev *mdev, hpasid_t host);
/* Hears of the owner's PASIDs that are freed. 0; -ENOMEM. */
int mdev_pasid_subscribe(struct vsva_mdev *mdev);
void mdev_pasid_unsubscribe(struct vsva_mdev *mdev);

/* mdev_config.c */

/* The configuration space of a function of this shape. */
void mdev_config_init(struct vsva_mdev *mdev);

#endif
