/* SPDX-License-Identifier: MIT */
/*
 * Devices: physical PCI functions behind the unit, as their owner sees them: registers in BARs,
 * configuration space, interrupts. A DSA-compatible accelerator and a test engine.
 *
 * Threads: any function from any thread, but for destroy, which is the last.
 */
#ifndef VSVA_DEVICE_H
#define VSVA_DEVICE_H

#include "vsva/machine.h"

#ifdef __cplusplus
extern "C" {
#endif

enum vsva_device_kind { VSVA_DEVICE_DSA, VSVA_DEVICE_TEST_ENGINE };

struct vsva_device_options {
	enum vsva_device_kind kind;
	rid_t rid; /* 0: one is chosen */
	rid_t pf_rid; /* own rid (or 0): a physical function; else the PF that it is a virtual function of */
	unsigned queues; /* DSA: work queues, 0: 8 */
	/* Interrupt: an MSI-X vector fires. Any thread; must not block. */
	void (*irq)(void *arg, unsigned vector);
	void *irq_arg;
};

struct vsva_device;

/* 0; -EINVAL; -EEXIST the rid is taken; -ENOENT no such PF; -ENOSPC too many devices; -ENOMEM. */
int vsva_device_create(struct vsva_machine *machine, const struct vsva_device_options *options,
		       struct vsva_device **out);
/* 0; -EBUSY: it (or a virtual function of it) is assigned to a VM, nothing is changed. Virtual
 * functions go with their physical function. Surprise removal of an assigned device is
 * vsva_device_set_gone(), then vsva_vm_unassign(), then this. NULL: 0. */
int vsva_device_destroy(struct vsva_device *device);

rid_t vsva_device_rid(const struct vsva_device *device);
enum vsva_device_kind vsva_device_kind(const struct vsva_device *device);
struct vsva_machine *vsva_device_machine(const struct vsva_device *device);
/* The host driver's handle; NULL on a bare machine. */
struct vsva_dev *vsva_device_dev(struct vsva_device *device);

/* Size in bytes of a BAR (0 … 5), 0 if there is none; MSI-X vectors. */
uint64_t vsva_device_bar_size(const struct vsva_device *device, unsigned bar);
unsigned vsva_device_vectors(const struct vsva_device *device);

/* Register access; size 1, 2, 4 or 8. -EINVAL: no such BAR, outside, or a size it does not take; no
 * harm. */
int vsva_device_read(struct vsva_device *device, unsigned bar, uint64_t offset, unsigned size,
		     uint64_t *value);
int vsva_device_write(struct vsva_device *device, unsigned bar, uint64_t offset, unsigned size,
		      uint64_t value);
/* A 64-byte write to a portal: posted (MOVDIR64B) or deferrable (ENQCMD). offset: in BAR 2,
 * multiple of 64. 0 accepted (or, posted, whatever became of it); 1 retry; -EINVAL. */
int vsva_device_portal_write(struct vsva_device *device, uint64_t offset, const void *bytes,
			     bool deferrable);
/* Configuration space; size 1, 2, 4. */
int vsva_device_config_read(struct vsva_device *device, uint32_t offset, unsigned size,
			    uint32_t *value);
int vsva_device_config_write(struct vsva_device *device, uint32_t offset, unsigned size,
			     uint32_t value);
/* Replaces the interrupt callback (NULL: nobody hears). Any thread. When it returns the old one is not
 * running. */
void vsva_device_set_irq(struct vsva_device *device, void (*irq)(void *arg, unsigned vector),
			 void *arg);
/* Function-level reset: registers to defaults, work forgotten, no access afterwards. */
void vsva_device_reset(struct vsva_device *device);
/* Configuration space to its state after power-on too; for whoever owns it whole (a bare machine's
 * guest). */
void vsva_device_reset_config(struct vsva_device *device);
/* Makes the device dead (true) or alive again, as after power-on: it stops answering, reads give
 * ones, writes go nowhere, invalidations time out. */
void vsva_device_set_gone(struct vsva_device *device, bool gone);

#ifdef __cplusplus
}
#endif
#endif
