/* SPDX-License-Identifier: MIT */
/*
 * A unit on its own: guest memory, tables written by hand, and test engines as endpoints. Every
 * PASID is nested, four levels over four; the second stage maps all guest memory to where it is, in
 * pages of 4 KiB.
 */
#ifndef BENCH_SILICON_H
#define BENCH_SILICON_H

#include "base/physmem.h"
#include "hw/device/test_engine.h"
#include "hw/unit.h"
#include "vtd/descriptors.h"
#include "vtd/tables.h"

#define SILICON_DEVICES 2u
#define SILICON_DID     1u
#define SILICON_VA      UINT64_C(0x7f0000000000)

/* What the queue takes between two runs; the last place stays free. */
#define SILICON_QUEUE 1023u

struct silicon_options {
	enum unit_cache_policy policy;
	uint32_t iotlb_entries; /* 0: the unit's own idea */
	uint64_t memory;        /* bytes of the guest, for data and for tables of first stages */
};

struct silicon_page {
	hpa_t base;
	unsigned order;
};

struct silicon {
	struct physmem *pm;
	struct worker_pool *pool;
	struct unit *unit;
	struct test_engine *engines[SILICON_DEVICES];

	unsigned char *memory;
	uint64_t memory_len, tables_next; /* tables of first stages, from the end downwards */
	hpa_t memory_base;

	struct silicon_page *pages; /* of the host */
	size_t page_count, page_room;
	struct vtd_context_entry *contexts;
	uint64_t *pasid_dir;
	uint64_t second_root;

	unsigned char *queue;
	uint32_t queue_tail; /* descriptors */
	uint32_t *status;
	uint64_t status_address;
};

/* Translation on, queue on, devices with PASID and ATS. 0; -ENOMEM. A close is due whatever came of
 * it. */
int silicon_open(const struct silicon_options *options, struct silicon *out);
void silicon_close(struct silicon *s);

/* The RID of a device. */
rid_t silicon_rid(unsigned device);
struct endpoint *silicon_endpoint(const struct silicon *s, unsigned device);

/* Maps pages from va on, for both devices, to guest memory from gpa on. PASID 0 is that of requests
 * without one. -ENOMEM: no room for tables. */
int silicon_map(struct silicon *s, uint32_t pasid, uint64_t va, uint64_t gpa, uint32_t pages);

/* Invalidation queue: put, then run. Nothing is executed before. */
void silicon_put(struct silicon *s, const struct vtd_desc *desc);
void silicon_run(struct silicon *s);
struct vtd_desc silicon_page_descriptor(uint32_t pasid, uint64_t va);
struct vtd_desc silicon_pasid_descriptor(uint32_t pasid);
struct vtd_desc silicon_wait_descriptor(const struct silicon *s, uint32_t data);

/* A request of the first device: is it served, and does it lead to that guest address? */
bool silicon_leads(struct silicon *s, uint32_t pasid, uint64_t va, uint64_t gpa);

#endif
