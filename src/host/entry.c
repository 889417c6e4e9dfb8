// SPDX-License-Identifier: MIT
#include "host/entry.h"

#include "base/check.h"

/* A drain is repeated while the unit loses requests to overflow; the device's credits end that
 * soon. */
#define DRAIN_ATTEMPTS 8u

/* From so many on, entries are flushed by domain id and function instead of one by one: fewer
 * descriptors, and little else is cached under these ids. */
#define WIDE_COUNT 16u

static const struct flush_range everything = {.order = FLUSH_ALL};

/* Some entries of one device, and how they are flushed. */
struct batch {
	struct vsva_dev *dev;
	const struct entry_ref *entries;
	struct vtd_pasid_entry *in_table[ENTRY_BATCH_MAX];
	unsigned count;
	did_t dids[DOMAIN_CHILD_DIDS + 2]; /* that are flushed by domain, once each */
	unsigned did_count;
};

static void batch_add_did(struct batch *batch, did_t did_)
{
	for (unsigned i = 0; i < batch->did_count; i++)
		if (batch->dids[i].v == did_.v)
			return;
	CHECK(batch->did_count < ARRAY_LEN(batch->dids));
	batch->dids[batch->did_count++] = did_;
}

static bool is_wide(const struct batch *batch)
{
	return batch->count >= WIDE_COUNT;
}

/* Once: a table stays as long as its function is attached. */
static void find_entries(struct batch *batch)
{
	const struct pasid_table *table = &batch->dev->function->pasids;

	for (unsigned i = 0; i < batch->count; i++) {
		batch->in_table[i] = pasid_table_find(table, batch->entries[i].pasid);
		CHECK(batch->in_table[i]);
	}
}

static void batch_init(struct batch *batch, struct vsva_dev *dev, const struct entry_ref *entries,
		       unsigned count)
{
	batch->dev = dev;
	batch->entries = entries;
	batch->count = count;
	batch->did_count = 0;
	find_entries(batch);
	for (unsigned i = 0; i < count; i++)
		if (is_wide(batch) || !entries[i].is_first_stage)
			batch_add_did(batch, entries[i].did);
}

/* Publish */

static void trace_entry(struct domain_locked locked, const struct vsva_dev *dev, uint32_t pasid,
			uint64_t pgtt)
{
	TRACE(dev->iommu->trace, HOST, PASID_ENTRY, .vm = locked.domain->vm, .rid = dev->rid,
	      .hpasid = hpasid(pasid), .value = pgtt);
}

int entry_publish(struct domain_locked locked, struct vsva_dev *dev, uint32_t pasid,
		  const struct vtd_pasid_entry *value)
{
	struct function *function = dev->function;
	struct aftermath aftermath = {0};
	did_t did_ = did((uint16_t)vtd_pasid_entry_DID(value));
	struct flush flush;

	pasid_entry_publish(&function->pasids, pasid_table_find(&function->pasids, pasid), value);
	trace_entry(locked, dev, pasid, vtd_pasid_entry_PGTT(value));
	if (!function_must_flush_new(function))
		return 0;
	flush_begin(&flush, dev->iommu);
	if (vtd_CAP_CM(dev->iommu->rules.cap))
		flush_pasid_cache(&flush, did(DID_OF_NOT_PRESENT), pasid);
	flush_pasid_cache(&flush, did_, pasid);
	flush_first_stage(&flush, did_, pasid, everything, false);
	function_flush_end(function, &flush, &aftermath);
	return aftermath.err;
}

void entry_disable_faults(struct function *function, uint32_t pasid)
{
	struct vtd_pasid_entry *entry = pasid_table_find(&function->pasids, pasid);

	if (entry)
		pasid_entry_disable_faults(&function->pasids, entry);
}

/* Take down */

static void clear_present(struct domain_locked locked, const struct batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++) {
		pasid_entry_clear_present(&batch->dev->function->pasids, batch->in_table[i]);
		trace_entry(locked, batch->dev, batch->entries[i].pasid, 0);
	}
}

static void erase(const struct batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++)
		pasid_entry_erase(&batch->dev->function->pasids, batch->in_table[i]);
}

/* With the PASID cache by domain goes the IOTLB by domain (VT-d 6.5.3.1). */
static void add_pasid_caches(struct flush *flush, const struct batch *batch)
{
	if (is_wide(batch))
		for (unsigned i = 0; i < batch->did_count; i++)
			flush_pasid_cache_domain(flush, batch->dids[i]);
	else
		for (unsigned i = 0; i < batch->count; i++)
			flush_pasid_cache(flush, batch->entries[i].did, batch->entries[i].pasid);
}

static void add_iotlbs_by_domain(struct flush *flush, const struct batch *batch)
{
	for (unsigned i = 0; i < batch->did_count; i++)
		flush_iotlb_domain(flush, batch->dids[i]);
}

/* One process' translations go without those of the others, who have the same domain id. */
static void add_iotlbs(struct flush *flush, const struct batch *batch)
{
	add_iotlbs_by_domain(flush, batch);
	for (unsigned i = 0; i < batch->count && !is_wide(batch); i++)
		if (batch->entries[i].is_first_stage)
			flush_first_stage(flush, batch->entries[i].did, batch->entries[i].pasid,
					  everything, false);
}

static void add_device_tlb(struct flush *flush, const struct batch *batch)
{
	struct function *function = batch->dev->function;

	if (is_wide(batch)) {
		if (function_is_ats_on(function))
			flush_device_tlb_all_pasids(flush, &function->tlb);
		return;
	}
	for (unsigned i = 0; i < batch->count; i++)
		function_flush_device_tlb(function, flush, batch->entries[i].pasid, everything);
}

static uint64_t discard(const struct batch *batch)
{
	uint64_t overflows = 0;

	for (unsigned i = 0; i < batch->count && !is_wide(batch); i++)
		overflows = prq_discard(batch->dev, batch->entries[i].pasid);
	if (is_wide(batch))
		overflows = prq_discard_dying(batch->dev->function);
	return overflows;
}

/*
 * Nothing of the entries is cached any more: PASID cache, IOTLB, device TLB. false: it is not known.
 *
 * drains: page requests of the entries that are on their way reach the queue, too (VT-d 7.10). That
 * wants a fence behind the answers that went out before, then IOTLB and device TLB at any granularity,
 * then a wait with PD: these go that way anyhow. In front of all of them the fence has nothing of ours to
 * wait for.
 */
static bool flush_entries(const struct batch *batch, bool drains, struct aftermath *aftermath)
{
	struct function *function = batch->dev->function;
	struct flush flush;

	flush_begin(&flush, function->iommu);
	if (drains)
		flush_fence(&flush);
	add_pasid_caches(&flush, batch);
	add_iotlbs(&flush, batch);
	add_device_tlb(&flush, batch);
	if (drains)
		flush_drains(&flush);
	function_flush_end(function, &flush, aftermath);
	return !flush.err;
}

static bool cut(struct domain_locked locked, const struct batch *batch, bool drains,
		struct aftermath *aftermath)
{
	function_isolate_if_absent(batch->dev->function, aftermath);
	clear_present(locked, batch);
	return flush_entries(batch, drains, aftermath);
}

/* What the drain has brought is answered. Where the unit has lost requests to overflow meanwhile,
 * their devices ask again: then it is made once more. So it is where a device did not answer, which
 * by now is blocked and not asked any more. */
static bool end_drain(const struct batch *batch, bool is_drained, uint64_t overflows,
		      struct aftermath *aftermath)
{
	uint64_t now = discard(batch);

	for (unsigned i = 1; i < DRAIN_ATTEMPTS && (!is_drained || now != overflows); i++) {
		overflows = now;
		is_drained = flush_entries(batch, true, aftermath);
		now = discard(batch);
		if (!is_drained)
			return false;
	}
	return is_drained && now == overflows;
}

void entries_cut(struct domain_locked locked, struct vsva_dev *dev, const struct entry_ref *entries,
		 unsigned count, struct aftermath *aftermath)
{
	struct batch batch;

	CHECK(count >= 1 && count <= ENTRY_BATCH_MAX);
	batch_init(&batch, dev, entries, count);
	cut(locked, &batch, false, aftermath);
}

/* The order is that of VT-d 6.2.3.1 and 6.5.3.1: P, PASID cache, IOTLB by domain (second stage and
 * nested) or by PASID (first stage), device TLB, and only then the rest of the entry. */
void entries_teardown(struct domain_locked locked, struct vsva_dev *dev,
		      const struct entry_ref *entries, unsigned count, struct aftermath *aftermath)
{
	bool drains = function_is_pri_on(dev->function);
	uint64_t overflows = drains ? prq_overflows(dev->iommu) : 0;
	bool is_flushed;
	struct batch batch;

	CHECK(count >= 1 && count <= ENTRY_BATCH_MAX);
	batch_init(&batch, dev, entries, count);
	is_flushed = cut(locked, &batch, drains, aftermath);
	/* In doubt: the unit may be reading the entries, piece by piece. */
	if (!aftermath->is_in_doubt)
		erase(&batch);
	aftermath->is_drained = drains && end_drain(&batch, is_flushed, overflows, aftermath);
}
