// SPDX-License-Identifier: MIT
#include "hw/inspect.h"

#include "base/check.h"
#include "hw/cache_iotlb.h"
#include "hw/cache_paging.h"
#include "hw/cache_pasid.h"
#include "hw/device/device_tlb.h"
#include "hw/endpoints.h"
#include "hw/registers.h"

/* Places that are looked at in one go. */
#define PLACES_PER_LOOK 4096u

void unit_copy_registers(struct unit *unit, struct vtd_regfile *out)
{
	registers_lock(unit);
	*out = unit->registers;
	registers_unlock(unit);
}

/* Lines of the caches */

static unsigned number_of(const struct cache_entry *entry)
{
	return (unsigned)(entry->key.word[0] >> CACHE_NUMBER_SHIFT) & 0x3f;
}

/* 21 bits, which are no PASID where there is none. */
static uint32_t pasid_of(const struct cache_entry *entry)
{
	uint32_t pasid = (uint32_t)entry->key.word[0] & UINT32_C(0x1fffff);

	return pasid > VSVA_PASID_MAX ? VSVA_PASID_INVALID : pasid;
}

static void describe_context(const struct cache_entry *entry, struct vsva_cache_line *out)
{
	struct context_view view;

	cache_context_decode(entry->value, number_of(entry), &view);
	out->rid = cache_owner_rid(entry->key.word[0]);
	out->pasid = VSVA_PASID_INVALID;
	out->is_legacy = view.is_legacy;
	out->fault = (uint8_t)view.fault;
	out->entry[0] = view.scalable.q[0];
	out->entry[1] = view.scalable.q[1];
}

static void describe_pasid(const struct cache_entry *entry, struct vsva_cache_line *out)
{
	struct pasid_view view;

	cache_pasid_decode(entry->value, &view);
	out->rid = cache_owner_rid(entry->key.word[0]);
	out->pasid = pasid_of(entry);
	out->fault = (uint8_t)view.fault;
	for (unsigned i = 0; i < 3; i++)
		out->entry[i] = view.entry.q[i];
}

static uint32_t iotlb_rights(uint8_t flags)
{
	static const struct {
		enum iotlb_flag flag;
		uint32_t right;
	} map[] = {
		{IOTLB_READ, VSVA_CACHED_READ}, {IOTLB_WRITE, VSVA_CACHED_WRITE},
		{IOTLB_USER, VSVA_CACHED_USER}, {IOTLB_DIRTY, VSVA_CACHED_DIRTY},
		{IOTLB_ATS, VSVA_CACHED_ATS},   {IOTLB_NOT_PRESENT, VSVA_CACHED_NOT_PRESENT},
	};
	uint32_t rights = 0;

	for (size_t i = 0; i < ARRAY_LEN(map); i++)
		rights |= flags & map[i].flag ? map[i].right : 0;
	return rights;
}

static void describe_iotlb(const struct cache_entry *entry, struct vsva_cache_line *out)
{
	struct iotlb_page page;

	cache_iotlb_decode(entry, &page);
	out->rid = cache_owner_rid(entry->key.word[0]);
	out->pasid = pasid_of(entry);
	out->input = page.input;
	out->size_lg2 = page.size_lg2;
	out->output = page.output;
	out->rights = iotlb_rights(page.flags);
}

static void describe_paging(const struct cache_entry *entry, bool first_stage,
			    struct vsva_cache_line *out)
{
	struct paging_entry paging;

	cache_paging_decode(entry, first_stage, &paging);
	out->pasid = first_stage ? paging.pasid : VSVA_PASID_INVALID;
	out->did = paging.did;
	out->level = paging.level;
	out->input = paging.input;
	out->size_lg2 = (uint8_t)vtd_level_shift(paging.level);
	out->table = paging.table;
	out->output = paging.table_host;
	out->rights = (paging.rights & PAGING_READ ? VSVA_CACHED_READ : 0) |
		      (paging.rights & PAGING_WRITE ? VSVA_CACHED_WRITE : 0) |
		      (paging.rights & PAGING_USER ? VSVA_CACHED_USER : 0);
}

static void describe_first(const struct cache_entry *entry, struct vsva_cache_line *out)
{
	describe_paging(entry, true, out);
}

static void describe_second(const struct cache_entry *entry, struct vsva_cache_line *out)
{
	describe_paging(entry, false, out);
}

typedef void describe_fn(const struct cache_entry *entry, struct vsva_cache_line *out);

static const struct {
	size_t cache; /* offset in struct caches */
	describe_fn *describe;
	const char *name;
} kinds[VSVA_CACHE_COUNT] = {
	[VSVA_CACHE_CONTEXT] = {offsetof(struct caches, context), describe_context, "context"},
	[VSVA_CACHE_PASID] = {offsetof(struct caches, pasid), describe_pasid, "pasid"},
	[VSVA_CACHE_IOTLB] = {offsetof(struct caches, iotlb), describe_iotlb, "iotlb"},
	[VSVA_CACHE_FIRST_STAGE] = {offsetof(struct caches, first), describe_first, "first"},
	[VSVA_CACHE_SECOND_STAGE] = {offsetof(struct caches, second), describe_second, "second"},
};

const char *vsva_cache_name(enum vsva_cache cache)
{
	return (unsigned)cache < VSVA_CACHE_COUNT ? kinds[cache].name : "?";
}

size_t unit_read_cache(const struct unit *unit, enum vsva_cache which, uint32_t *from,
		       struct vsva_cache_line *out, size_t max)
{
	const struct cache *cache =
		(const struct cache *)((const char *)&unit->caches + kinds[which].cache);
	uint64_t places = cache_lines(cache);
	uint64_t end = *from + UINT64_C(1) * PLACES_PER_LOOK;
	struct cache_entry entry;
	uint64_t place = *from;
	size_t count = 0;

	for (; place < places && place < end && count < max; place++) {
		if (!cache_peek(cache, place, &entry))
			continue;
		out[count] = (struct vsva_cache_line){.serial = entry.born};
		kinds[which].describe(&entry, &out[count++]);
	}
	*from = place < places ? (uint32_t)place : UINT32_MAX;
	return count;
}

/* Device TLBs */

static void describe_tlb(const struct device_tlb_tag *tag, const struct device_tlb_entry *entry,
			 rid_t rid, struct vsva_cache_line *out)
{
	*out = (struct vsva_cache_line){
		.rid = rid,
		.pasid = tag->pasid,
		.input = tag->addr,
		.size_lg2 = entry->page_lg2,
		.output = entry->hpa.v,
		.rights = (entry->rights & VSVA_PROT_READ ? VSVA_CACHED_READ : 0) |
			  (entry->rights & VSVA_PROT_WRITE ? VSVA_CACHED_WRITE : 0) |
			  (tag->privileged ? VSVA_CACHED_PRIVILEGED : 0),
	};
}

size_t unit_read_device_tlb(const struct unit *unit, rid_t rid, uint32_t *from,
			    struct vsva_cache_line *out, size_t max)
{
	uint32_t place = *from, places = device_tlb_places();
	const struct endpoint *endpoint;
	size_t count = 0;

	rcu_read_lock();
	endpoint = endpoints_find(unit, rid);
	for (; endpoint && place < places && count < max; place++) {
		struct device_tlb_entry entry;
		struct device_tlb_tag tag;

		if (device_tlb_peek(endpoint->tlb, place, &tag, &entry))
			describe_tlb(&tag, &entry, rid, &out[count++]);
	}
	rcu_read_unlock();
	*from = endpoint && place < places ? place : UINT32_MAX;
	return count;
}

/* Counters */

_Static_assert(COUNTERS_TYPES == VSVA_DESCRIPTOR_TYPES, "a counter for each type");

void unit_read_descriptors(const struct unit *unit, uint64_t out[VSVA_DESCRIPTOR_TYPES])
{
	for (unsigned i = 0; i < VSVA_DESCRIPTOR_TYPES; i++)
		out[i] = counters_get(&unit->counters.descriptors_of[i]);
}

static uint32_t count_cached(const struct device_tlb *tlb)
{
	struct device_tlb_entry entry;
	struct device_tlb_tag tag;
	uint32_t count = 0;

	for (uint32_t place = 0; place < device_tlb_places(); place++)
		count += device_tlb_peek(tlb, place, &tag, &entry);
	return count;
}

bool unit_read_device_stats(const struct unit *unit, rid_t rid, struct vsva_device_stats *out)
{
	const struct endpoint *endpoint;

	rcu_read_lock();
	endpoint = endpoints_find(unit, rid);
	if (endpoint)
		*out = (struct vsva_device_stats){
			.translations = counters_get(&endpoint->counters.translations),
			.page_requests = counters_get(&endpoint->counters.page_requests),
			.page_responses = counters_get(&endpoint->counters.page_responses),
			.invalidations = counters_get(&endpoint->counters.invalidations),
			.cached = count_cached(endpoint->tlb),
		};
	rcu_read_unlock();
	return endpoint != NULL;
}
