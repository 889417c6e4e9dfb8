/* SPDX-License-Identifier: MIT */
/*
 * The driver on the real unit, with one real endpoint and 4 MiB of guest memory at guest physical
 * 0. Its test plays the guest: it builds first stages in that memory.
 */
#ifndef TESTS_HOST_SILICON_H
#define TESTS_HOST_SILICON_H

#include "unit.h"

#include "base/worker.h"
#include "host/iommu.h"
#include "hw/device/endpoint.h"
#include "hw/unit.h"
#include "vtd/pci_config.h"

#define GUEST_LEN   (UINT64_C(4) << 20)
#define SILICON_RID rid(0x0208)
#define MSI_MAX     4u

struct silicon_msi {
	void (*handler)(void *arg);
	void *arg;
};

struct silicon {
	struct physmem *physmem;
	struct worker_pool *pool;
	struct unit *unit;
	struct silicon_msi msi[MSI_MAX];
	struct pci_config config;
	struct endpoint endpoint;
	struct vsva_iommu *iommu;
	struct vsva_ioasid_set *set;
	struct vsva_domain *domain;
	struct vsva_dev *dev;
	unsigned char *memory; /* guest RAM */
	hpa_t base;
	uint64_t next_page; /* GPA of guest memory that is not used yet */

	unsigned answers; /* atomic: groups answered to the device */
	unsigned last_code;
	uint64_t unexpected_faults; /* atomic: fault records that a torn entry would make */
	unsigned requests;          /* atomic: page requests reported */
	bool answer_requests;
};

/* RAM is mapped one to one in the domain, whole, in the largest pages. pri: the device has page
 * requests. */
void silicon_create(struct silicon *s, enum unit_cache_policy policy, enum worker_mode mode,
		    bool pri);
void silicon_destroy(struct silicon *s);
void silicon_run(struct silicon *s);

/* One page of guest memory, zeroed. */
uint64_t silicon_page(struct silicon *s);
/* A first stage with its root here. Maps one page: va to gpa, user, writable or not. */
uint64_t silicon_first_stage(struct silicon *s);
void silicon_map(struct silicon *s, uint64_t root, uint64_t va, uint64_t gpa, bool writable);
void silicon_unmap(struct silicon *s, uint64_t root, uint64_t va);

hpasid_t silicon_pasid(struct silicon *s);
int silicon_bind(struct silicon *s, hpasid_t pasid, uint64_t root);
int silicon_unbind(struct silicon *s, hpasid_t pasid);

/* DMA of 8 bytes; pasid VSVA_PASID_INVALID: none. */
enum dma_result silicon_read(struct silicon *s, uint32_t pasid, uint64_t addr, bool ats,
			     uint64_t *value);
enum dma_result silicon_write(struct silicon *s, uint32_t pasid, uint64_t addr, bool ats,
			      uint64_t value);

#endif
