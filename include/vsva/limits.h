/* SPDX-License-Identifier: MIT */
/* Everything has a bound; here they are, each with its reason. */
#ifndef VSVA_LIMITS_H
#define VSVA_LIMITS_H

/* Descriptors that one run of an invalidation queue executes before it lets others run: a guest
 * that refills its queue for ever must not keep a worker for ever. */
#define VSVA_LIMIT_DESCRIPTORS_PER_RUN 256

/* PASID-table entries that one run re-reads for a global or domain flush: aliased directory entries
 * must not cost 2^20 reads in one kick. */
#define VSVA_LIMIT_SHADOW_READS_PER_RUN 4096

/* Invalidations that a virtual unit hands to the host together: what a guest's driver puts before one
 * wait, for a few devices. Their order is kept, so what is beyond goes in a sequence of its own. */
#define VSVA_LIMIT_FLUSH_STEPS 16

/* Page-request groups pending per device: the 9-bit group index allows no more. */
#define VSVA_LIMIT_GROUPS_PER_DEVICE 512

/* Requests of one page-request group: more than any device sends; beyond it the group is answered
 * "invalid request". */
#define VSVA_LIMIT_REQUESTS_PER_GROUP 64

/* PASIDs that a VM may have unless it asks for another quota: what Linux guests use, with room. */
#define VSVA_LIMIT_DEFAULT_PASID_QUOTA 1024

/* Host PASIDs below this are the host's own (native processes); those of VMs lie above, which also
 * keeps them apart from the small numbers that guests pick. */
#define VSVA_LIMIT_FIRST_VM_PASID 0x1000

/* A page request that the guest does not answer: after this it is answered "invalid request". Long,
 * because an emulated guest under load takes long; bounded, because a device's queue waits. */
#define VSVA_LIMIT_PAGE_RESPONSE_TIMEOUT_MS 60000

/* The unit answers a wait descriptor within this time or is taken for dead. */
#define VSVA_LIMIT_QI_TIMEOUT_MS 10000

/* Ids whose second phase of free is done together: one flush sequence and one drain serve them all,
 * and their events still fit on a stack. */
#define VSVA_LIMIT_RECLAIM_BATCH 256

/* How long free_sync and free_all_sync wait: longer than the drain and the flush of a unit that does
 * not answer (VSVA_LIMIT_QI_TIMEOUT_MS each) and the drain of a device together. */
#define VSVA_LIMIT_RECLAIM_TIMEOUT_MS 30000

/* A device TLB invalidation that gets no answer (PCIe: 60 s; here a device that is gone says so at
 * once, and a live one is bounded by one window of 64 KiB). */
#define VSVA_LIMIT_ATS_TIMEOUT_MS 1000

/* A command of an accelerator that ends by itself (abort, reset, enable) is finished within this time
 * or the function is reset: its engines look at what they do every few microseconds. */
#define VSVA_LIMIT_DSA_COMMAND_TIMEOUT_MS 10000

/* What a mediated device still does under PASIDs that were freed (of one batch) is waited for so
 * long, then it is ended. Page requests of a freed PASID are answered at once, so this is for long copies. */
#define VSVA_LIMIT_MDEV_DRAIN_TIMEOUT_MS 1000

/* Drains of different mediated devices take turns in the command register this often: two register
 * writes each time. */
#define VSVA_LIMIT_MDEV_DRAIN_SLICE_MS 2

/* Memory windows of one VM: what vfio-user's default max_dma_maps would allow is far more than
 * any machine type of QEMU needs. */
#define VSVA_LIMIT_VM_WINDOWS 1024

/* Areas of one native address space: their list is searched from its beginning. */
#define VSVA_LIMIT_MM_AREAS 1024

/* VMs and devices of one machine: requester ids are 16 bits. */
#define VSVA_LIMIT_DEVICES 1024

#endif
