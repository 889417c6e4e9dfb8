// SPDX-License-Identifier: MIT
/* A unit comes and goes; its capabilities; its statistics. */
#include "hw/unit.h"

#include <errno.h>

#include "base/alloc.h"
#include "hw/endpoints.h"
#include "hw/unit_state.h"

#define DEFAULT_IOTLB_ENTRIES 4096u
#define IOTLB_ENTRIES_MIN     16u
#define IOTLB_ENTRIES_MAX     (1u << 20)

/* Register-based invalidation is there up to version 5, reads and writes are drained from 2 on. */
#define VERSION 0x50u

/* Where CAP and ECAP place the relocated registers: behind PEUADDR, and at QEMU's offset. */
#define IOTLB_REGISTERS    0x0f0u
#define FAULT_RECORDS      0x220u
#define FAULT_RECORD_COUNT 8u

/* Capabilities, VT-d 11.4.2, 11.4.3 */

uint64_t unit_default_cap(void)
{
	uint64_t cap = VTD_CAP_ZLR | VTD_CAP_PSI | VTD_CAP_DWD | VTD_CAP_DRD | VTD_CAP_FS1GP |
		       VTD_CAP_FS5LP | VTD_CAP_ESRTPS;

	cap = vtd_CAP_with_ND(cap, 6); /* 16-bit domain ids */
	cap = vtd_CAP_with_SAGAW(cap, 1u << VTD_AW_39 | 1u << VTD_AW_48 | 1u << VTD_AW_57);
	cap = vtd_CAP_with_MGAW(cap, 57 - 1);
	cap = vtd_CAP_with_FRO(cap, FAULT_RECORDS / 16);
	cap = vtd_CAP_with_NFR(cap, FAULT_RECORD_COUNT - 1);
	cap = vtd_CAP_with_SSLPS(cap, 3); /* 2 MiB and 1 GiB */
	return vtd_CAP_with_MAMV(cap, 18);
}

uint64_t unit_default_ecap(void)
{
	uint64_t ecap = VTD_ECAP_C | VTD_ECAP_QI | VTD_ECAP_DT | VTD_ECAP_PT | VTD_ECAP_SC |
			VTD_ECAP_NEST | VTD_ECAP_PRS | VTD_ECAP_SRS | VTD_ECAP_EAFS |
			VTD_ECAP_PASID | VTD_ECAP_PDS | VTD_ECAP_SMTS | VTD_ECAP_SSADS |
			VTD_ECAP_SSTS | VTD_ECAP_FSTS | VTD_ECAP_SMPWC | VTD_ECAP_RPS |
			VTD_ECAP_SMS;

	ecap = vtd_ECAP_with_IRO(ecap, IOTLB_REGISTERS / 16);
	return vtd_ECAP_with_PSS(ecap, 20 - 1);
}

/* A capability that makes no sense without another. */
static const struct dependency {
	uint64_t bit, needs;
} dependencies[] = {
	{VTD_ECAP_DT, VTD_ECAP_QI},
	{VTD_ECAP_IR, VTD_ECAP_QI},
	{VTD_ECAP_EIM, VTD_ECAP_IR},
	{VTD_ECAP_SMTS, VTD_ECAP_QI},
	{VTD_ECAP_MTS, VTD_ECAP_SMTS},
	{VTD_ECAP_SRS, VTD_ECAP_SMTS},
	{VTD_ECAP_PASID, VTD_ECAP_SMTS},
	{VTD_ECAP_FSTS, VTD_ECAP_SMTS},
	{VTD_ECAP_NEST, VTD_ECAP_SMTS | VTD_ECAP_FSTS | VTD_ECAP_SSTS},
	{VTD_ECAP_PRS, VTD_ECAP_DT | VTD_ECAP_SMTS},
	{VTD_ECAP_ERS, VTD_ECAP_PASID},
	{VTD_ECAP_NWFS, VTD_ECAP_DT},
	{VTD_ECAP_DIT, VTD_ECAP_DT},
	{VTD_ECAP_PDS, VTD_ECAP_DT},
	{VTD_ECAP_EAFS, VTD_ECAP_FSTS | VTD_ECAP_SMPWC},
	{VTD_ECAP_SSADS, VTD_ECAP_SMPWC},
	{VTD_ECAP_RPRIVS, VTD_ECAP_SRS},
	{VTD_ECAP_SMS, VTD_ECAP_PRS},
};

static bool ecap_is_consistent(uint64_t ecap)
{
	for (size_t i = 0; i < ARRAY_LEN(dependencies); i++)
		if ((ecap & dependencies[i].bit) &&
		    (ecap & dependencies[i].needs) != dependencies[i].needs)
			return false;
	if (ecap & VTD_ECAP_SMTS)
		return ecap & (VTD_ECAP_FSTS | VTD_ECAP_SSTS | VTD_ECAP_PT);
	return true;
}

/* Interrupts are not remapped here, commands come from nobody virtual, and what is not modelled
 * is not offered. */
static bool ecap_is_modelled(uint64_t ecap)
{
	return !(ecap &
		 (VTD_ECAP_IR | VTD_ECAP_EIM | VTD_ECAP_VCS | VTD_ECAP_PMS | VTD_ECAP_RESERVED));
}

static bool cap_is_consistent(uint64_t cap, uint64_t ecap)
{
	unsigned sagaw = (unsigned)vtd_CAP_SAGAW(cap), sslps = (unsigned)vtd_CAP_SSLPS(cap);
	const unsigned widths = 1u << VTD_AW_39 | 1u << VTD_AW_48 | 1u << VTD_AW_57;

	if (cap & (VTD_CAP_RESERVED | VTD_CAP_ECMDS | VTD_CAP_PI))
		return false;
	if ((sagaw & ~widths) || ((ecap & VTD_ECAP_SSTS) && !sagaw))
		return false;
	return vtd_CAP_ND(cap) != 7 && (sslps == 0 || sslps == 1 || sslps == 3);
}

/* Life */

static size_t iotlb_lines(uint32_t wanted)
{
	size_t lines = IOTLB_ENTRIES_MIN;

	if (!wanted)
		return DEFAULT_IOTLB_ENTRIES;
	while (lines < wanted && lines < IOTLB_ENTRIES_MAX)
		lines *= 2;
	return lines;
}

static int init(struct unit *unit, const struct unit_config *config)
{
	struct vtd_regfile_config registers = {
		.cap = config->cap, .ecap = config->ecap, .ver = VERSION};
	int err;

	unit->config = *config;
	unit->rules =
		(struct vtd_rules){.cap = config->cap, .ecap = config->ecap, .haw = PHYSMEM_HAW};
	vtd_masks_init(&unit->masks, &unit->rules);
	/* Requests without PASID may be privileged, where that is offered: the context entry knows.
	 */
	unit->short_way[0] = config->policy == UNIT_CACHE_LRU;
	unit->short_way[1] = unit->short_way[0] && !vtd_ECAP_RPRIVS(config->ecap);
	err = vtd_regfile_init(&unit->registers, &registers);
	if (!err)
		err = caches_init(&unit->caches, config, iotlb_lines(config->iotlb_entries));
	if (err)
		return err;
	lock_init(&unit->registers_lock, LOCK_RANK_UNIT_REGS, "unit registers");
	lock_init(&unit->prq_lock, LOCK_RANK_UNIT_PRQ, "unit page requests");
	lock_init(&unit->endpoints_lock, LOCK_RANK_LEAF, "unit endpoints");
	return 0;
}

int unit_create(const struct unit_config *config, struct unit **out)
{
	struct unit *unit;
	int err;

	*out = NULL;
	if (!ecap_is_consistent(config->ecap) || !ecap_is_modelled(config->ecap) ||
	    !cap_is_consistent(config->cap, config->ecap))
		return -EINVAL;
	unit = base_zalloc_aligned(64, sizeof(*unit));
	if (!unit)
		return -ENOMEM;
	err = init(unit, config);
	if (err)
		base_free(unit);
	else
		*out = unit;
	return err;
}

void unit_destroy(struct unit *unit)
{
	if (!unit)
		return;
	endpoints_fini(unit);
	caches_fini(&unit->caches);
	lock_destroy(&unit->endpoints_lock);
	lock_destroy(&unit->prq_lock);
	lock_destroy(&unit->registers_lock);
	base_free(unit);
}

/* Statistics */

void unit_get_stats(const struct unit *unit, struct unit_cache_stats *out)
{
	const struct caches *caches = &unit->caches;
	const struct counters *counters = &unit->counters;

	*out = (struct unit_cache_stats){
		.iotlb_entries = cache_count(&caches->iotlb),
		.iotlb_bytes = caches_bytes(caches),
		.pasid_cache_hits = counters_get(&caches->pasid.hits),
		.paging_cache_hits =
			counters_get(&caches->first.hits) + counters_get(&caches->second.hits),
		.descriptors = counters_get(&counters->descriptors),
		.waits = counters_get(&counters->waits),
		.page_requests = counters_get(&counters->page_requests),
		.faults = counters_get(&counters->faults),
	};
	for (unsigned i = 0; i <= COUNTERS_SHARDS; i++) {
		out->iotlb_hits += counters_get(&counters->shard[i].iotlb_hits);
		out->iotlb_misses += counters_get(&counters->shard[i].iotlb_misses);
		out->walks += counters_get(&counters->shard[i].walks);
	}
}
