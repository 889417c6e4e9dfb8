/* SPDX-License-Identifier: MIT */
/*
 * A process of the host and a device that it may give its address space to: `native_create()` makes a
 * test engine that is ready for SVA and an empty address space; `native_bind()` binds it.
 */
#ifndef NATIVE_H
#define NATIVE_H

#include <vsva/sva.h>

#include "host.h"

/* What the engine does by itself: ask for translations, and for pages that are absent. */
#define NATIVE_WRITE (ENGINE_DO_FILL | ENGINE_WITH_ATS | ENGINE_WITH_PAGE_REQUESTS)

struct native {
	struct host host;
	struct vsva_mm *mm;
	uva_t memory; /* a page of it, not yet present */
};

static inline uva_t native_map(const struct native *native)
{
	uva_t out;

	EXPECT(vsva_mm_map(native->mm, uva(0), VSVA_PAGE_SIZE, VSVA_PROT_READ | VSVA_PROT_WRITE,
			   &out) == 0);
	return out;
}

static inline void native_create(struct native *native)
{
	host_create(&native->host);
	host_add_engine(&native->host);
	EXPECT(vsva_domain_alloc(native->host.iommu, NULL, 0, 0, &native->host.domain) == 0);
	EXPECT(vsva_domain_attach(native->host.domain, native->host.dev) == 0);
	EXPECT(vsva_sva_enable(native->host.dev) == 0);
	EXPECT(vsva_mm_create(native->host.iommu, 0, &native->mm) == 0);
	native->memory = native_map(native);
}

static inline struct vsva_sva *native_bind(const struct native *native)
{
	struct vsva_sva *bond;

	EXPECT(vsva_sva_bind(native->host.dev, native->mm, 0, NULL, NULL, &bond) == 0);
	return bond;
}

/* What the process reads there. */
static inline uint64_t native_read(const struct native *native, uva_t address)
{
	uint64_t value;

	EXPECT(vsva_mm_read(native->mm, address, &value, sizeof(value)) == 0);
	return value;
}

static inline void native_destroy(struct native *native)
{
	vsva_mm_put(native->mm);
	host_destroy(&native->host);
}

#endif
