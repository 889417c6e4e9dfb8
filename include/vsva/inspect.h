/* SPDX-License-Identifier: MIT */
/*
 * Looking at a machine from outside while it works: what the unit, the host and each virtual unit
 * believe. Nothing here changes anything.
 *
 * What is read is a copy, and right for a moment only: between two calls everything may change. Lists
 * are read in pieces that the caller bounds; `from` says where to go on, and what comes and goes
 * meanwhile is seen or not.
 *
 * VMs are named by their numbers (vsva_vm_number), from 1; 0 is the physical unit. A VM that is being
 * destroyed is not found any more, and its destruction waits for a look that is under way.
 *
 * Threads: any function from any thread that holds nothing of the library's, any number at once;
 * never from an observer. They take locks of the control path for a moment, and no lock that a
 * translation or a copy needs: caches are read without any.
 */
#ifndef VSVA_INSPECT_H
#define VSVA_INSPECT_H

#include "vsva/device.h"
#include "vsva/ioasid.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Units */

struct vsva_unit_info {
	uint32_t vm;                         /* 0: the physical unit */
	bool is_bare;                        /* no host driver: a guest drives it */
	enum vsva_cache_policy cache_policy; /* of the physical unit */
	uint64_t cap, ecap;
	uint64_t root;                  /* RTADDR as the last SRTP latched it; 0: none yet */
	uint64_t iqa;                   /* IQA as QIE latched it */
	bool is_translating, has_queue; /* GSTS.TES, GSTS.QIES */
};
/* -ENOENT: no such VM. */
int vsva_inspect_unit(struct vsva_machine *machine, uint32_t vm, struct vsva_unit_info *out);

struct vsva_register {
	const char *name;   /* "CAP"; the layout of vsva/describe.h has the same name. Constant */
	const char *layout; /* of a fault record "fault_record"; else as name */
	uint16_t offset;
	uint8_t index; /* of a fault record; else 0 */
	uint8_t width; /* 32, 64, or 128: a fault record */
	uint64_t value[2];
};
/* All registers of a unit as they were at one moment, fault records last; reading has no side
 * effect. Returns how many there are; at most max are written. 0: no such VM. */
size_t vsva_inspect_registers(struct vsva_machine *machine, uint32_t vm, struct vsva_register *out,
			      size_t max);

/* Memory */

#define VSVA_INSPECT_WORDS_MAX 512u /* a page of 4096 bytes */
/* Copies words of 64 bits, each read at once, from physical memory (vm 0) or from a VM's guest physical
 * memory. address: a multiple of 8. count: 1 … VSVA_INSPECT_WORDS_MAX. 0; -EFAULT not all of it is
 * memory in one piece: read page by page; -EINVAL address, count; -ENOENT no such VM. */
int vsva_inspect_memory(struct vsva_machine *machine, uint32_t vm, uint64_t address,
			uint64_t *words, unsigned count);

/* VMs */

struct vsva_vm_info {
	uint32_t vm;
	char name[32];
	uint32_t pasid_quota, pasids_charged; /* guest PASIDs that it may have; that count now */
	uint32_t devices;                     /* assigned now */
	uint32_t windows;                     /* of guest memory */
	bool is_scanning; /* its PASID tables are being read again after a wide invalidation */
};
/* VMs with numbers from `from` on, in ascending order. Returns how many were written; fewer than
 * max: there are no more. */
size_t vsva_inspect_vms(struct vsva_machine *machine, uint32_t from, struct vsva_vm_info *out,
			size_t max);

/* Devices */

struct vsva_device_info {
	rid_t rid, pf_rid; /* the same: a physical function */
	enum vsva_device_kind kind;
	bool is_assigned, is_gone;
	unsigned vectors;
	/* what its driver has switched on, in configuration space */
	bool is_bus_master, ats, pri, pasid;
};
/* Devices with requester ids from `from` on, in ascending order; as vsva_inspect_vms. */
size_t vsva_inspect_devices(struct vsva_machine *machine, rid_t from, struct vsva_device_info *out,
			    size_t max);

#ifdef __cplusplus
}
#endif
#endif
