/* SPDX-License-Identifier: MIT */
/*
 * A remapping unit that does what a test says: a few address spaces of VIRTUAL_PAGES pages, each
 * page with rights; page requests that are kept, granted or refused. And the memory behind it.
 *
 * Addresses from VIRTUAL_BASE on lead to the same memory in every space. Its pages are swapped in
 * pairs, so that nothing that is contiguous for the device is so in memory.
 */
#ifndef TESTS_DEVICE_FAKE_UNIT_H
#define TESTS_DEVICE_FAKE_UNIT_H

#include "base/worker.h"
#include "hw/device/endpoint.h"

#define VIRTUAL_BASE  0x7f0000000000u
#define VIRTUAL_PAGES 2048u
#define SPACES        4u /* PASID % 4; requests without PASID use 0 */
#define REQUESTS_MAX  1024u

enum fake_policy {
	FAKE_KEEP,   /* page requests wait in requests[] */
	FAKE_GRANT,  /* answered with success at once, the page made accessible */
	FAKE_REFUSE, /* answered with invalid request at once */
	FAKE_LIE,    /* answered with success, and nothing changes */
};

struct unit {
	struct lock lock;
	struct endpoint *endpoint;
	uint8_t rights[SPACES][VIRTUAL_PAGES]; /* VSVA_PROT_*, atomic */
	hpa_t base;
	enum fake_policy policy;
	bool supervisor; /* pages are for privileged requests only */
	bool error;      /* every translation ends with UR */
	bool has_runs;   /* what comes next in memory is cached as the next pages, untranslated */
	bool deny_translated;
	struct unit_page_request requests[REQUESTS_MAX];          /* lock */
	unsigned request_count;                                   /* lock; ever made */
	unsigned ats_count, untranslated_count, translated_count; /* atomic */
	void (*before_completion)(struct unit *unit, const struct unit_request *request);
};

struct world {
	struct unit unit;
	struct physmem *physmem;
	struct worker_pool *pool;
	unsigned char *memory;
	struct trace trace;
};

void world_init(struct world *world, enum worker_mode mode);
void world_fini(struct world *world);
/* Everything that is kicked, until nothing is. */
void world_run(struct world *world);

/* Rights of the pages that [va, va + len) touches. */
void world_allow(struct world *world, uint32_t pasid, uint64_t va, uint64_t len, uint8_t rights);
/* The byte at va, whatever the rights. */
unsigned char *world_byte(struct world *world, uint64_t va);
void world_write(struct world *world, uint64_t va, const void *bytes, size_t len);
void world_read(struct world *world, uint64_t va, void *bytes, size_t len);
/* Different everywhere, from a seed. */
void world_randomize(struct world *world, uint64_t va, size_t len, uint64_t seed);
bool world_same(struct world *world, uint64_t a, uint64_t b, size_t len);
bool world_is_all(struct world *world, uint64_t va, size_t len, unsigned char value);

/* Answers a kept request; success makes the page accessible. */
void world_answer(struct world *world, unsigned request, unsigned code);
unsigned world_requests(struct world *world);

#endif
