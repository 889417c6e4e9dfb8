/* SPDX-License-Identifier: MIT */
/*
 * The one lock order. A thread may take a lock only if its rank is greater than that of every lock
 * it holds; checked at run time in debug builds (see lock.h). From the guest's side down to the
 * silicon, because a request travels that way with locks held, and a page request that travels up
 * holds none.
 */
#ifndef BASE_LOCK_RANK_H
#define BASE_LOCK_RANK_H

enum lock_rank {
	LOCK_RANK_SERVER = 10,       /* vfio-user: connections and DMA windows of a VM */
	LOCK_RANK_GUEST = 20,        /* built-in guest: its driver, processes and memory */
	LOCK_RANK_GUEST_QUEUE = 25,  /* built-in guest: tail of its invalidation queue */
	LOCK_RANK_VMS = 28,          /* VMs of a machine, held by who looks at one */
	LOCK_RANK_VIOMMU = 30,       /* VMM: shadow and queue of a virtual unit */
	LOCK_RANK_VM_MEMORY = 35,    /* VMM: memory windows of a VM */
	LOCK_RANK_ASSIGNED = 40,     /* VMM: mediated registers of an assigned device */
	LOCK_RANK_IRQ = 45,          /* who is told of a function's interrupts */
	LOCK_RANK_VIOMMU_REGS = 50,  /* VMM: register file of a virtual unit */
	LOCK_RANK_MDEV = 52,         /* host: registers of a mediated device */
	LOCK_RANK_VDCM = 53,         /* host: command register of an accelerator that is shared */
	LOCK_RANK_PASID_MAP = 55,    /* VMM: guest PASID to host PASID */
	LOCK_RANK_SVA_SPACES = 56,   /* host: address spaces that are bound for the first time */
	LOCK_RANK_MM = 57,           /* host: address space of a process, held while it notifies */
	LOCK_RANK_CONTAINER = 58,    /* host: device handles of a container */
	LOCK_RANK_SVA_BIND = 59,     /* host: binds and unbinds of a process */
	LOCK_RANK_IOMMU = 60,        /* host: devices, domains, binds */
	LOCK_RANK_SVA = 62,          /* host: devices on which a process is bound */
	LOCK_RANK_FUNCTION = 65,     /* host: what the owners of a function share */
	LOCK_RANK_FAULT_QUEUE = 70,  /* host: page requests pending for a device */
	LOCK_RANK_IOASID = 80,       /* host: id space and sets */
	LOCK_RANK_KVM = 85,          /* host: a VM's PASID translation for its processors */
	LOCK_RANK_QI = 90,           /* host: submission to the invalidation queue */
	LOCK_RANK_HOST_MEMORY = 100, /* host: page allocator */
	LOCK_RANK_UNIT_QUEUE = 110,  /* unit: one runner of the invalidation queue */
	LOCK_RANK_DEVICE = 120,      /* endpoint: work queues and registers */
	LOCK_RANK_DEVICE_TLB = 130,  /* endpoint: device TLB writers */
	LOCK_RANK_UNIT_PRQ = 140,    /* unit: writing of page requests */
	LOCK_RANK_UNIT_CACHE = 150,  /* unit: cache writers */
	LOCK_RANK_UNIT_REGS = 160,   /* unit: register file */
	LOCK_RANK_PHYSMEM = 170,     /* physical memory map writers */
	LOCK_RANK_WORKER = 180,      /* worker pool */
	LOCK_RANK_LEAF = 190,        /* locks under which nothing else is taken */
};

#endif
