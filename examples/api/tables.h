/* SPDX-License-Identifier: MIT */
/*
 * A machine's unit and tables for vsva_walk(): `tables_of()`, by what vsva/inspect.h shows of them.
 */
#ifndef TABLES_H
#define TABLES_H

#include <vsva/inspect.h>
#include <vsva/walk.h>

#include "host.h"

static inline bool tables_read(void *machine, uint64_t address, void *buf, size_t len)
{
	uint64_t words[8];

	if (vsva_inspect_memory(machine, 0, address, words, (unsigned)(len / 8)) != 0)
		return false;
	memcpy(buf, words, len);
	return true;
}

static inline struct vsva_walk_unit tables_of(const struct host *host)
{
	struct vsva_unit_info info;

	EXPECT(vsva_inspect_unit(host->machine, 0, &info) == 0);
	return (struct vsva_walk_unit){
		.cap = info.cap,
		.ecap = info.ecap,
		.rtaddr = info.root,
		.translating = info.is_translating,
		.haw = 46, /* bits of a host physical address */
		.arg = host->machine,
		.read = tables_read,
	};
}

/* The walk of a write to HOST_GVA under a PASID. */
static inline struct vsva_walk_result tables_walk(const struct host *host, hpasid_t pasid)
{
	const struct vsva_walk_unit unit = tables_of(host);
	const struct vsva_walk_request request = {.rid = vsva_device_rid(host->engine),
						  .pasid = pasid.v,
						  .address = HOST_GVA,
						  .write = true};
	struct vsva_walk_result result;

	vsva_walk(&unit, &request, &result);
	return result;
}

#endif
