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

/* Once, and in one read section, for an outermost one costs two full barriers. A table stays as long
 * as its function is attached. */
static void find_entries(struct batch *batch)
{
	const struct pasid_table *table = &batch->dev->function->pasids;

	rcu_read_lock();
	for (unsigned i = 0; i < batch->count; i++) {
		batch->in_table[i] = pasid_table_find(table, batch->entries[i].pasid);
		CHECK(batch->in_table[i]);
	}
	rcu_read_unlock();
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

/* Whatever was cached between the first flush and the erasing. */
static void add_first_stages(struct flush *flush, const struct batch *batch)
{
	if (is_wide(batch)) {
		add_iotlbs_by_domain(flush, batch);
		return;
	}
	for (unsigned i = 0; i < batch->count; i++) {
		const struct entry_ref *entry = &batch->entries[i];

		if (entry->pasid)
			flush_first_stage(flush, entry->did, entry->pasid, everything, false);
		else
			flush_iotlb_domain(flush, entry->did);
	}
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

static void drain_once(const struct batch *batch, struct aftermath *aftermath)
{
	struct function *function = batch->dev->function;
	struct flush flush;

	flush_begin(&flush, function->iommu);
	flush_fence(&flush);
	add_first_stages(&flush, batch);
	add_device_tlb(&flush, batch);
	flush_drains(&flush);
	function_flush_end(function, &flush, aftermath);
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

/* VT-d 7.10: page requests of the entries that are on their way reach the queue, and are answered
 * there. */
static void drain(const struct batch *batch, struct aftermath *aftermath)
{
	if (!function_is_pri_on(batch->dev->function))
		return;
	for (unsigned i = 0; i < DRAIN_ATTEMPTS; i++) {
		uint64_t overflows = discard(batch);

		drain_once(batch, aftermath);
		if (discard(batch) == overflows || aftermath->err)
			return;
	}
}

static void cut(struct domain_locked locked, const struct batch *batch, struct aftermath *aftermath)
{
	struct function *function = batch->dev->function;
	struct flush flush;

	function_isolate_if_absent(function, aftermath);
	clear_present(locked, batch);
	flush_begin(&flush, function->iommu);
	add_pasid_caches(&flush, batch);
	add_iotlbs(&flush, batch);
	add_device_tlb(&flush, batch);
	function_flush_end(function, &flush, aftermath);
}

void entries_cut(struct domain_locked locked, struct vsva_dev *dev, const struct entry_ref *entries,
		 unsigned count, struct aftermath *aftermath)
{
	struct batch batch;

	CHECK(count >= 1 && count <= ENTRY_BATCH_MAX);
	batch_init(&batch, dev, entries, count);
	cut(locked, &batch, aftermath);
}

/* The order is that of VT-d 6.2.3.1 and 6.5.3.1: P, PASID cache, IOTLB by domain (second stage and
 * nested) or by PASID (first stage), device TLB, and only then the rest of the entry. */
void entries_teardown(struct domain_locked locked, struct vsva_dev *dev,
		      const struct entry_ref *entries, unsigned count, struct aftermath *aftermath)
{
	struct batch batch;

	CHECK(count >= 1 && count <= ENTRY_BATCH_MAX);
	batch_init(&batch, dev, entries, count);
	cut(locked, &batch, aftermath);
	/* In doubt: the unit may be reading the entries, piece by piece. */
	if (!aftermath->is_in_doubt)
		erase(&batch);
	drain(&batch, aftermath);
}
