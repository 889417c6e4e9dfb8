/* SPDX-License-Identifier: MIT */
/*
 * A host on its own, without a VMM: `host_create()` makes a machine and an owner's set of PASIDs,
 * `host_add_device()` a domain of 64 KiB of memory and a test engine in it, `host_bind_data()` what binds
 * a first stage that lies in that memory.
 */
#ifndef HOST_H
#define HOST_H

#include <vsva/vfio.h>

#include "engine.h"

#define HOST_QUOTA      8u
#define HOST_HPA        UINT64_C(0x10000000) /* where the memory is */
#define HOST_MEMORY     UINT64_C(0x10000)    /* bytes; guest physical addresses from 0 on */
#define HOST_ROOT       UINT64_C(0x1000)     /* GPA: the first stage's tables, a page each level */
#define HOST_GVA        UINT64_C(0x400000)   /* what the first stage maps: one page… */
#define HOST_PAGE       UINT64_C(0x8000)     /* …to this GPA */
#define HOST_ABSENT     (HOST_GVA + 0x1000)  /* not present, next to it */
#define HOST_GUEST      42u                  /* the guest PASID */
#define PTE_PRESENT_RWU UINT64_C(0x7)        /* present, writable, user */

struct host {
	struct vsva_machine *machine;
	struct vsva_iommu *iommu;
	struct vsva_ioasid_space *space;
	struct vsva_ioasid_set *set; /* its token: this struct */
	struct vsva_domain *domain;
	struct vsva_device *engine;
	struct vsva_dev *dev; /* of the engine, for the driver */
	uint64_t *memory;
};

static inline void host_create(struct host *host)
{
	memset(host, 0, sizeof(*host));
	EXPECT(vsva_machine_create(NULL, &host->machine) == 0);
	host->iommu = vsva_machine_iommu(host->machine);
	host->space = vsva_iommu_ioasid_space(host->iommu);
	EXPECT(vsva_ioasid_set_alloc(host->space, host, HOST_QUOTA, &host->set) == 0);
}

static inline void host_add_memory(struct host *host)
{
	host->memory = aligned_alloc(VSVA_PAGE_SIZE, HOST_MEMORY);
	EXPECT(host->memory);
	memset(host->memory, 0, HOST_MEMORY);
	EXPECT(vsva_machine_add_memory(host->machine, hpa(HOST_HPA), host->memory, HOST_MEMORY,
				       true) == 0);
}

static inline void host_add_engine(struct host *host)
{
	host->engine = engine_create(host->machine);
	host->dev = vsva_device_dev(host->engine);
}

static inline void host_add_device(struct host *host)
{
	host_add_memory(host);
	host_add_engine(host);
	EXPECT(vsva_domain_alloc(host->iommu, host->set, VSVA_DOMAIN_NESTING, 1, &host->domain) ==
	       0);
	EXPECT(vsva_domain_map(host->domain, gpa(0), hpa(HOST_HPA), HOST_MEMORY,
			       VSVA_PROT_READ | VSVA_PROT_WRITE) == 0);
	EXPECT(vsva_domain_attach(host->domain, host->dev) == 0);
}

/* What stands at a GPA of the memory. */
static inline uint64_t *host_word(const struct host *host, uint64_t address)
{
	return host->memory + address / 8;
}

static inline hpasid_t host_alloc(const struct host *host)
{
	hpasid_t id;

	EXPECT(vsva_ioasid_alloc(host->set, 1, VSVA_PASID_MAX, NULL, &id) == 0);
	return id;
}

/* Writes the first stage into memory: HOST_GVA to HOST_PAGE. */
static inline struct vsva_gpasid_bind_data host_bind_data(const struct host *host, hpasid_t id)
{
	uint64_t table = HOST_ROOT;

	for (unsigned shift = 39; shift > 12; shift -= 9, table += VSVA_PAGE_SIZE)
		*host_word(host, table + (HOST_GVA >> shift & 511) * 8) =
			(table + VSVA_PAGE_SIZE) | PTE_PRESENT_RWU;
	*host_word(host, table + (HOST_GVA >> 12 & 511) * 8) = HOST_PAGE | PTE_PRESENT_RWU;
	return (struct vsva_gpasid_bind_data){
		.argsz = sizeof(struct vsva_gpasid_bind_data),
		.version = VSVA_GPASID_BIND_VERSION_1,
		.format = VSVA_PASID_FORMAT_INTEL_VTD,
		.addr_width = 48,
		.flags = VSVA_GPASID_VAL,
		.gpgd = HOST_ROOT,
		.hpasid = id.v,
		.gpasid = HOST_GUEST,
	};
}

static inline hpasid_t host_bind(const struct host *host)
{
	hpasid_t id = host_alloc(host);
	struct vsva_gpasid_bind_data data = host_bind_data(host, id);

	EXPECT(vsva_bind_gpasid(host->domain, host->dev, &data) == 0);
	return id;
}

/* Another page behind an address of the first stage: what its owner does without telling anybody. */
static inline void host_set_page(const struct host *host, uint64_t address, uint64_t page)
{
	*host_word(host, HOST_ROOT + 3 * VSVA_PAGE_SIZE + (address >> 12 & 511) * 8) =
		page | PTE_PRESENT_RWU;
}

/* Whatever is left. */
static inline void host_destroy(struct host *host)
{
	if (host->domain) {
		vsva_domain_detach(host->domain, host->dev);
		EXPECT(vsva_domain_free(host->domain) == 0);
	}
	if (host->set)
		vsva_ioasid_set_free(host->set);
	if (host->memory)
		EXPECT(vsva_machine_remove_memory(host->machine, hpa(HOST_HPA)) == 0);
	vsva_machine_destroy(host->machine);
	free(host->memory);
}

#endif
