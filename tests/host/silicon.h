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
#include "vtd/descriptors.h"
#include "vtd/pci_config.h"

#define GUEST_LEN   (UINT64_C(4) << 20)
#define SILICON_RID rid(0x0208)
#define MSI_MAX     4u

struct silicon_msi {
	void (*handler)(void *arg);
	void *arg;
};

/*
 * Between driver and hardware: what a test watches, changes or leaves out. Members may be NULL.
 * Called by the thread that accesses the hardware.
 */
struct silicon_tap {
	/* A descriptor that the unit is about to fetch. It may be changed. */
	void (*desc)(void *arg, struct vtd_desc *desc);
	/* Before a register of the unit is written; false: the write is lost. */
	bool (*write)(void *arg, uint32_t offset, uint64_t value);
	/* What the driver gets of a register. It may be changed. */
	void (*read)(void *arg, uint32_t offset, uint64_t *value);
	/* Before the configuration space is written. */
	void (*config)(void *arg, uint32_t offset, uint32_t value);
	void *arg;
};

struct silicon {
	struct trace trace;     /* of the device; set it likewise */
	struct silicon_tap tap; /* set it while nobody else accesses the hardware */
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
	uint64_t faults;            /* atomic: reported */
	uint64_t unexpected_faults; /* atomic: of them those that a torn entry would make */
	unsigned requests;          /* atomic: page requests reported */
	bool answer_requests;
};

struct silicon_options {
	enum unit_cache_policy policy;
	enum worker_mode mode;
	bool no_pri; /* the device has no page requests */
	uint64_t cap_set, ecap_set, ecap_clear;
	uint32_t domain_flags;  /* beside VSVA_DOMAIN_NESTING */
	uint32_t iotlb_entries; /* 0: as the unit likes */
	struct silicon_tap tap;
};

/* RAM is mapped one to one in the domain, whole, in the largest pages. pri: the device has page
 * requests. */
void silicon_create(struct silicon *s, enum unit_cache_policy policy, enum worker_mode mode,
		    bool pri);
void silicon_create_with(struct silicon *s, const struct silicon_options *options);
/* dev may be NULL: the test has removed it. */
void silicon_destroy(struct silicon *s);
void silicon_run(struct silicon *s);

/* Where it is in the machine's memory: the same in every run. */
uint64_t silicon_locate(const struct silicon *s, const void *pointer);

/* For a tap: the unit will find a descriptor that does nothing (a fence). */
void silicon_drop(struct vtd_desc *desc);

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
