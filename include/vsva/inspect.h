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
#include "vsva/vm.h"

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
	bool is_scanning;  /* its PASID tables are being read again after a wide invalidation */
	const void *owner; /* of its PASIDs: as in struct vsva_pasid_info; only to compare */
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

/* A device that a VM has, or a mediated device. */
struct vsva_assigned_info {
	uint32_t vm;
	rid_t guest_rid, rid; /* in the guest; on the bus */
	bool is_mdev;
	bool sees_ats, sees_pri; /* the guest has switched it on, and its context entry lets it */
	bool is_scanning;        /* as of the VM, this device's tables */
	enum vsva_rid_kind rid_kind; /* what requests without PASID meet */
	/* the guest's context entry as it was read last */
	bool has_context; /* false: it is of no use, the reason (VT-d Table 30) is fault */
	uint8_t fault;
	bool is_legacy;  /* pass-through is all there is; the rest means nothing */
	gpa_t directory; /* of PASIDs */
	uint32_t pdts, rid_pasid;
	bool dte, paside, pre;
	uint32_t shadows; /* PASIDs that are bound */
};
/* Devices of a VM, guest requester ids from `from` on, in ascending order; as vsva_inspect_vms. */
size_t vsva_inspect_assigned(struct vsva_machine *machine, uint32_t vm, rid_t from,
			     struct vsva_assigned_info *out, size_t max);

/* What the virtual unit last read of a guest's PASID-table entry that it has bound. */
struct vsva_shadow_info {
	gpasid_t gpasid; /* 0 with is_rid: requests without PASID */
	hpasid_t hpasid;
	bool is_rid;
	uint64_t words[3]; /* of the entry, as read; the others mean nothing */
};
/* Shadows of one device, guest PASIDs from `from` on, in ascending order; as vsva_inspect_vms. */
size_t vsva_inspect_shadows(struct vsva_machine *machine, uint32_t vm, rid_t guest_rid,
			    gpasid_t from, struct vsva_shadow_info *out, size_t max);

/* PASIDs */

/* A guest PASID that has a host PASID, as the VM's side knows it. */
struct vsva_vm_pasid_info {
	gpasid_t gpasid;
	hpasid_t hpasid;
	uint32_t bindings,
		queues;           /* reasons to keep it: bindings; queues that have it programmed */
	bool is_from_vcmd;        /* the virtual command gave it out */
	bool is_stale;            /* the guest has freed it */
	bool has_cpu_translation; /* ENQCMD of its processors finds it */
};
/* Guest PASIDs from `from` on; as vsva_inspect_vms. */
size_t vsva_inspect_vm_pasids(struct vsva_machine *machine, uint32_t vm, gpasid_t from,
			      struct vsva_vm_pasid_info *out, size_t max);

struct vsva_pasid_info {
	hpasid_t hpasid;
	gpasid_t gpasid; /* VSVA_PASID_INVALID: none */
	enum vsva_ioasid_state state;
	uint32_t flags; /* VSVA_IOASID_GUEST_MODE, VSVA_IOASID_GUEST_PASID */
	uint32_t references;
	bool has_allocation; /* one of the references is its allocation's */
	uint32_t bindings;   /* so many of them are bindings' */
	const void *owner;   /* token of its set; only to compare */
};
/* Host PASIDs from `from` on that are out (also free-pending ones), in ascending order; as
 * vsva_inspect_vms. 0 on a bare machine. */
size_t vsva_inspect_pasids(struct vsva_machine *machine, hpasid_t from, struct vsva_pasid_info *out,
			   size_t max);

enum vsva_binding_kind {
	VSVA_BINDING_NESTED,       /* a guest's first stage on the domain's second stage */
	VSVA_BINDING_SECOND_STAGE, /* guest physical addresses */
	VSVA_BINDING_FIRST_STAGE,  /* a process of the host */
};
struct vsva_binding_info {
	rid_t rid;
	hpasid_t hpasid;
	gpasid_t gpasid;
	uint32_t base; /* PASID by which a part of the function is known; 0: the whole function */
	enum vsva_binding_kind kind;
	bool is_active;  /* devices may use it */
	bool is_dying;   /* being torn down: page requests are answered "invalid" */
	uint32_t vm;     /* of its domain; 0: none */
	uint16_t did;    /* its entry's */
	uint16_t domain; /* domain id of the second stage */
	uint64_t root;   /* of the first stage: GPA if nested, HPA of a host process */
	uint8_t addr_width;
	/* since it was bound; modulo 2^32 */
	uint32_t page_requests, invalidations, faults;
};
/* The bindings of a host PASID. Returns how many there are; at most max are written. */
size_t vsva_inspect_bindings(struct vsva_machine *machine, hpasid_t pasid,
			     struct vsva_binding_info *out, size_t max);

/* A group of page requests that has no answer yet. */
enum vsva_group_state {
	VSVA_GROUP_COLLECTING, /* its last request has not come */
	VSVA_GROUP_READY,      /* to be reported */
	VSVA_GROUP_REPORTED,   /* its owner is asked */
	VSVA_GROUP_ANSWERED,   /* the answer waits for room in the unit's queue */
};
struct vsva_group_info {
	rid_t rid;
	hpasid_t hpasid; /* VSVA_PASID_INVALID: none */
	uint16_t prgi;
	enum vsva_group_state state;
	bool is_native; /* a page of a host process */
	uint32_t requests;
	uint64_t addr; /* of the first request */
	bool write;    /* it wants to write */
};
/* The groups that are pending, without the first `skip`, in no order. Returns how many were written;
 * fewer than max: there are no more. */
size_t vsva_inspect_groups(struct vsva_machine *machine, size_t skip, struct vsva_group_info *out,
			   size_t max);

/* Caches */

enum vsva_cache {
	VSVA_CACHE_CONTEXT,
	VSVA_CACHE_PASID,
	VSVA_CACHE_IOTLB,
	VSVA_CACHE_FIRST_STAGE, /* paging structures of the first stage and of nested translation */
	VSVA_CACHE_SECOND_STAGE, /* paging structures of the second stage */
	VSVA_CACHE_COUNT,
};
/* "context", "pasid", "iotlb", "first", "second"; "?" for any other. */
const char *vsva_cache_name(enum vsva_cache cache);

/* Rights of a cached translation. */
#define VSVA_CACHED_READ        (1u << 0)
#define VSVA_CACHED_WRITE       (1u << 1)
#define VSVA_CACHED_USER        (1u << 2)
#define VSVA_CACHED_DIRTY       (1u << 3) /* D is set in memory, or not kept */
#define VSVA_CACHED_ATS         (1u << 4) /* translation requests are allowed */
#define VSVA_CACHED_NOT_PRESENT (1u << 5) /* it says no to everybody */
#define VSVA_CACHED_PRIVILEGED  (1u << 6) /* device TLB: of privileged requests */

struct vsva_cache_line {
	rid_t rid;         /* all but paging structures */
	uint32_t pasid;    /* VSVA_PASID_INVALID: none */
	uint16_t did;      /* paging structures */
	uint8_t fault;     /* context, PASID: it is that of a fault (VT-d Table 30); 0: no */
	bool is_legacy;    /* context */
	uint64_t entry[3]; /* context (2), PASID (3): words of the entry */
	uint8_t level;     /* paging structures: of the entry that leads to the table */
	uint64_t input;    /* IOTLB, device TLB, paging structures: first address that it covers */
	uint8_t size_lg2;  /* so many bytes of it, a power of two */
	uint64_t output;   /* the page; of paging structures the next table, host physical */
	uint64_t table;    /* paging structures: the next table as the entry says it */
	uint32_t rights;   /* VSVA_CACHED_* */
	uint64_t serial;   /* of its insertion: the smaller, the older; 0: not known */
};
/* Valid lines of a cache of the unit, from place *from on (0: the beginning), which is moved to where to
 * go on; UINT32_MAX: the end. Takes no lock: a line that is being written is left out. At most max lines
 * are written, and a bounded number of places is looked at: 0 is no end. */
size_t vsva_inspect_cache(struct vsva_machine *machine, enum vsva_cache cache, uint32_t *from,
			  struct vsva_cache_line *out, size_t max);
/* The same of the device TLB of a function. A device that is not there has none. */
size_t vsva_inspect_device_tlb(struct vsva_machine *machine, rid_t rid, uint32_t *from,
			       struct vsva_cache_line *out, size_t max);

/* Counters, since the beginning */

/* Invalidation descriptors by type (VT-d 6.5.2), a place for each; place 0 is not used. */
#define VSVA_DESCRIPTOR_TYPES 16u
/* Of a unit. -ENOENT: no such VM. */
int vsva_inspect_descriptors(struct vsva_machine *machine, uint32_t vm,
			     uint64_t out[VSVA_DESCRIPTOR_TYPES]);
/* As vsva_vm_get_stats. -ENOENT: no such VM. */
int vsva_inspect_vm_stats(struct vsva_machine *machine, uint32_t vm, struct vsva_vm_stats *out);

struct vsva_device_stats {
	uint64_t translations; /* asked of the unit: what its device TLB did not answer */
	uint64_t page_requests, page_responses, invalidations;
	uint32_t cached; /* entries of its device TLB now */
};
/* -ENOENT: no such device. */
int vsva_inspect_device_stats(struct vsva_machine *machine, rid_t rid,
			      struct vsva_device_stats *out);

#ifdef __cplusplus
}
#endif
#endif
