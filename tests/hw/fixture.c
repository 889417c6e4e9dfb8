// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <errno.h>
#include <string.h>

#include "vtd/registers.h"

/* What the unit calls; the real endpoint is not linked. */

int endpoint_invalidate(struct endpoint *endpoint, const struct ats_invalidation *invalidation)
{
	struct fake_endpoint *fake = container_of(endpoint, struct fake_endpoint, endpoint);

	fake->invalidations++;
	fake->last_invalidation = *invalidation;
	return fake->result;
}

void endpoint_page_response(struct endpoint *endpoint, uint32_t pasid, uint16_t prgi, unsigned code)
{
	struct fake_endpoint *fake = container_of(endpoint, struct fake_endpoint, endpoint);

	fake->responses++;
	fake->response_pasid = pasid;
	fake->response_prgi = prgi;
	fake->response_code = code;
}

void fake_init(struct fake_endpoint *fake, struct fixture *f, rid_t source)
{
	*fake = (struct fake_endpoint){.endpoint = {.unit = f->unit, .rid = source}};
	assert_int_equal(unit_attach(f->unit, &fake->endpoint), 0);
}

void fake_fini(struct fake_endpoint *fake)
{
	unit_detach(fake->endpoint.unit, &fake->endpoint);
}

/* Memory */

uint64_t fixture_page(struct fixture *f)
{
	unsigned i = f->page_count++;

	assert_true(i < FIXTURE_PAGES);
	assert_int_equal(physmem_alloc_pages(f->pm, 0, &f->pages[i].base, &f->pages[i].memory), 0);
	return f->pages[i].base.v;
}

uint64_t *fixture_ptr(struct fixture *f, uint64_t address)
{
	uint64_t *p;

	rcu_read_lock();
	p = physmem_ptr(f->pm, hpa(address), 8, false);
	rcu_read_unlock();
	assert_non_null(p);
	return p;
}

/* Registers */

uint32_t reg32(struct fixture *f, uint32_t offset)
{
	uint64_t value = 0;

	assert_int_equal(unit_mmio_read(f->unit, offset, 4, &value), 0);
	return (uint32_t)value;
}

uint64_t reg64(struct fixture *f, uint32_t offset)
{
	uint64_t value = 0;

	assert_int_equal(unit_mmio_read(f->unit, offset, 8, &value), 0);
	return value;
}

void set32(struct fixture *f, uint32_t offset, uint32_t value)
{
	assert_int_equal(unit_mmio_write(f->unit, offset, 4, value), 0);
}

void set64(struct fixture *f, uint32_t offset, uint64_t value)
{
	assert_int_equal(unit_mmio_write(f->unit, offset, 8, value), 0);
}

static void command(struct fixture *f, uint32_t clear, uint32_t set)
{
	uint32_t status = reg32(f, VTD_REG_GSTS) & (uint32_t)VTD_GCMD_LEVEL_BITS;

	set32(f, VTD_REG_GCMD, (status & ~clear) | set);
}

void fixture_enable(struct fixture *f, bool enable)
{
	command(f, (uint32_t)VTD_GCMD_TE, enable ? (uint32_t)VTD_GCMD_TE : 0);
	assert_int_equal((reg32(f, VTD_REG_GSTS) & VTD_GSTS_TES) != 0, enable);
}

void fixture_set_root(struct fixture *f, uint64_t rtaddr)
{
	set64(f, VTD_REG_RTADDR, rtaddr);
	command(f, 0, (uint32_t)VTD_GCMD_SRTP);
	assert_true(reg32(f, VTD_REG_GSTS) & VTD_GSTS_RTPS);
}

static void on_msi(void *arg, uint64_t address, uint32_t data)
{
	struct fixture *f = arg;

	(void)data;
	if (address == MSI_FAULT)
		__atomic_fetch_add(&f->fault_msis, 1, __ATOMIC_SEQ_CST);
	else if (address == MSI_QUEUE)
		__atomic_fetch_add(&f->queue_msis, 1, __ATOMIC_SEQ_CST);
	else if (address == MSI_PAGES)
		__atomic_fetch_add(&f->page_msis, 1, __ATOMIC_SEQ_CST);
	else
		fail_msg("message to %llx", (unsigned long long)address);
}

static void on_kick(void *arg)
{
	struct fixture *f = arg;

	__atomic_fetch_add(&f->kicks, 1, __ATOMIC_SEQ_CST);
}

static void set_up_events(struct fixture *f)
{
	set32(f, VTD_REG_FEADDR, (uint32_t)MSI_FAULT);
	set32(f, VTD_REG_FEDATA, 1);
	set32(f, VTD_REG_FECTL, 0);
	set32(f, VTD_REG_IEADDR, (uint32_t)MSI_QUEUE);
	set32(f, VTD_REG_IEDATA, 2);
	set32(f, VTD_REG_IECTL, 0);
	set32(f, VTD_REG_PEADDR, (uint32_t)MSI_PAGES);
	set32(f, VTD_REG_PEDATA, 3);
	set32(f, VTD_REG_PECTL, 0);
}

static void set_up_queues(struct fixture *f)
{
	f->queue = fixture_page(f);
	f->status = fixture_page(f);
	f->prq = fixture_page(f);
	set64(f, VTD_REG_IQT, 0);
	set64(f, VTD_REG_IQA, f->queue | vtd_IQA_with_DW(0, vtd_ECAP_SMTS(f->ecap)));
	command(f, 0, (uint32_t)VTD_GCMD_QIE);
	assert_true(reg32(f, VTD_REG_GSTS) & VTD_GSTS_QIES);
	set64(f, VTD_REG_PQH, 0);
	set64(f, VTD_REG_PQT, 0);
	set64(f, VTD_REG_PQA, f->prq);
}

void fixture_init(struct fixture *f, const struct fixture_options *o)
{
	struct unit_config config = {
		.policy = o->policy,
		.seed = o->seed,
		.iotlb_entries = o->iotlb_entries,
		.trace = o->trace,
		.msi = on_msi,
		.queue_kick = o->kicked ? on_kick : NULL,
		.arg = f,
	};

	memset(f, 0, sizeof(*f));
	f->pm = physmem_create();
	assert_non_null(f->pm);
	f->cap = ((o->cap ? o->cap : unit_default_cap()) & ~o->cap_clear) | o->cap_set;
	f->ecap = ((o->ecap ? o->ecap : unit_default_ecap()) & ~o->ecap_clear) | o->ecap_set;
	config.cap = f->cap;
	config.ecap = f->ecap;
	config.physmem = f->pm;
	assert_int_equal(unit_create(&config, &f->unit), 0);
	f->root = fixture_page(f);
	set_up_events(f);
	fixture_set_root(
		f, vtd_RTADDR_with_TTM(f->root, o->legacy ? VTD_TTM_LEGACY : VTD_TTM_SCALABLE));
	set_up_queues(f);
	fixture_enable(f, true);
}

void fixture_fini(struct fixture *f)
{
	unit_destroy(f->unit);
	for (unsigned i = 0; i < f->page_count; i++)
		physmem_free_pages(f->pm, f->pages[i].base, 0);
	rcu_barrier();
	physmem_destroy(f->pm);
}

/* Tables */

static uint64_t present_table(struct fixture *f, uint64_t *entry, uint64_t flags)
{
	if (!(*entry & 1))
		*entry = fixture_page(f) | flags;
	return *entry & VTD_MASK(51, 12);
}

struct vtd_legacy_context *legacy_context_of(struct fixture *f, rid_t source)
{
	uint64_t *entry = fixture_ptr(f, f->root + 16u * vtd_root_index(source));
	uint64_t table = present_table(f, entry, 1);

	return (void *)fixture_ptr(f, table + 16u * vtd_legacy_context_index(source));
}

struct vtd_context_entry *context_of(struct fixture *f, rid_t source)
{
	uint64_t *entry = fixture_ptr(f, f->root + 16u * vtd_root_index(source) +
						 (vtd_context_is_upper(source) ? 8 : 0));
	uint64_t table = present_table(f, entry, 1);
	struct vtd_context_entry *e =
		(void *)fixture_ptr(f, table + 32u * vtd_context_index(source));

	if (vtd_context_entry_PASIDDIRPTR(e))
		return e;
	/* a directory of 512 entries: 15 bits of PASID, one page */
	vtd_context_entry_set_PASIDDIRPTR(e, fixture_page(f));
	vtd_context_entry_set_PDTS(e, 2);
	vtd_context_entry_set_DTE(e, 1);
	vtd_context_entry_set_PASIDE(e, 1);
	vtd_context_entry_set_PRE(e, 1);
	vtd_context_entry_set_P(e, 1);
	return e;
}

uint64_t *pasid_dir_of(struct fixture *f, rid_t source, uint32_t pasid)
{
	uint64_t dir = vtd_context_entry_PASIDDIRPTR(context_of(f, source));
	uint64_t *entry = fixture_ptr(f, dir + 8u * vtd_pasid_dir_index(pasid));

	present_table(f, entry, 1);
	return entry;
}

struct vtd_pasid_entry *pasid_entry_of(struct fixture *f, rid_t source, uint32_t pasid)
{
	uint64_t table = *pasid_dir_of(f, source, pasid) & VTD_MASK(51, 12);

	return (void *)fixture_ptr(f, table + 64u * vtd_pasid_table_index(pasid));
}

/* Domains */

static bool has_first(const struct domain *d)
{
	return d->pgtt == VTD_PGTT_FIRST_STAGE || d->pgtt == VTD_PGTT_NESTED;
}

static bool has_second(const struct domain *d)
{
	return d->pgtt == VTD_PGTT_SECOND_STAGE || d->pgtt == VTD_PGTT_NESTED;
}

void domain_init(struct domain *d, struct fixture *f, enum vtd_pgtt pgtt, uint16_t did,
		 unsigned first_levels, unsigned second_levels)
{
	memset(d, 0, sizeof(*d));
	d->f = f;
	d->pgtt = pgtt;
	d->did = did;
	d->first_levels = first_levels ? first_levels : 4;
	d->second_levels = second_levels ? second_levels : 4;
	d->sre = true;
	if (has_second(d))
		d->second_root = fixture_page(f);
	if (has_first(d))
		d->first_root = domain_guest_page(d);
}

struct vtd_pasid_entry domain_entry(const struct domain *d)
{
	struct vtd_pasid_entry e = {0};

	vtd_pasid_entry_set_P(&e, 1);
	vtd_pasid_entry_set_PGTT(&e, d->pgtt);
	vtd_pasid_entry_set_DID(&e, d->did);
	vtd_pasid_entry_set_PWSNP(&e, 1);
	vtd_pasid_entry_set_SRE(&e, d->sre);
	if (has_second(d)) {
		vtd_pasid_entry_set_AW(&e, d->second_levels - 2);
		vtd_pasid_entry_set_SSPTPTR(&e, d->second_root);
		vtd_pasid_entry_set_SSADE(&e, d->ssade);
	}
	if (has_first(d)) {
		vtd_pasid_entry_set_FSPM(&e, d->first_levels == 5);
		vtd_pasid_entry_set_FSPTPTR(&e, d->first_root);
		vtd_pasid_entry_set_EAFE(&e, d->eafe);
		vtd_pasid_entry_set_WPE(&e, d->wpe);
	}
	return e;
}

void domain_attach(struct domain *d, rid_t source, uint32_t pasid)
{
	*pasid_entry_of(d->f, source, pasid == NO_PASID ? 0 : pasid) = domain_entry(d);
}

uint64_t domain_guest_page(struct domain *d)
{
	uint64_t page = fixture_page(d->f), guest;

	if (d->pgtt != VTD_PGTT_NESTED)
		return page;
	assert_true(d->guest_count < FIXTURE_PAGES);
	guest = GUEST_BASE + 4096u * d->guest_count;
	d->guest_pages[d->guest_count++] = page;
	domain_map_second(d, guest, page, 1, SECOND_RW);
	return guest;
}

uint64_t domain_to_host(const struct domain *d, uint64_t guest)
{
	if (d->pgtt != VTD_PGTT_NESTED)
		return guest;
	assert_true((guest - GUEST_BASE) / 4096 < d->guest_count);
	return d->guest_pages[(guest - GUEST_BASE) / 4096] + guest % 4096;
}

uint64_t *domain_first_entry(struct domain *d, uint64_t address, unsigned level)
{
	uint64_t table = d->first_root;

	for (unsigned l = d->first_levels;; l--) {
		uint64_t at = domain_to_host(d, table) + 8u * vtd_level_index(address, l);
		uint64_t *entry = fixture_ptr(d->f, at);

		if (l == level)
			return entry;
		if (!(*entry & VTD_FS_PTE_P))
			*entry = domain_guest_page(d) | FIRST_RWU;
		table = vtd_pte_address(*entry, 1);
	}
}

uint64_t *domain_second_entry(struct domain *d, uint64_t address, unsigned level)
{
	uint64_t table = d->second_root;

	for (unsigned l = d->second_levels;; l--) {
		uint64_t *entry = fixture_ptr(d->f, table + 8u * vtd_level_index(address, l));

		if (l == level)
			return entry;
		if (!vtd_ss_pte_is_present(*entry))
			*entry = fixture_page(d->f) | SECOND_RW;
		table = vtd_pte_address(*entry, 1);
	}
}

void domain_map_first(struct domain *d, uint64_t address, uint64_t to, unsigned level,
		      uint64_t flags)
{
	*domain_first_entry(d, address, level) = to | flags | (level > 1 ? VTD_FS_PTE_PS : 0u);
}

void domain_map_second(struct domain *d, uint64_t address, uint64_t to, unsigned level,
		       uint64_t flags)
{
	*domain_second_entry(d, address, level) = to | flags | (level > 1 ? VTD_SS_PTE_PS : 0u);
}

/* Requests */

struct unit_translation translate_request(struct fixture *f, const struct unit_request *r)
{
	struct unit_translation t;

	rcu_read_lock();
	unit_translate(f->unit, r, &t);
	rcu_read_unlock();
	return t;
}

struct unit_translation translate(struct fixture *f, rid_t source, uint32_t pasid, uint64_t addr,
				  enum unit_access access)
{
	struct unit_request r = {.rid = source, .pasid = pasid, .addr = addr, .access = access};

	return translate_request(f, &r);
}

struct unit_translation ats_translate(struct fixture *f, rid_t source, uint32_t pasid,
				      uint64_t addr, enum unit_access access)
{
	struct unit_request r = {.rid = source, .pasid = pasid, .addr = addr, .access = access};
	struct unit_translation t;

	rcu_read_lock();
	unit_ats_translate(f->unit, &r, &t);
	rcu_read_unlock();
	return t;
}

bool allows_translated(struct fixture *f, rid_t source, uint64_t addr)
{
	bool allowed;

	rcu_read_lock();
	allowed = unit_ats_allows_translated(f->unit, source, hpa(addr), UNIT_READ);
	rcu_read_unlock();
	return allowed;
}

/* Faults */

struct vtd_fault_record take_fault(struct fixture *f, unsigned index)
{
	unsigned offset = vtd_frcd_offset(f->cap, index);
	struct vtd_fault_record record = {{reg64(f, offset), reg64(f, offset + 8)}};

	set32(f, offset + 12, 0x80000000u);
	return record;
}

void clear_faults(struct fixture *f)
{
	for (unsigned i = 0; i < vtd_frcd_count(f->cap); i++)
		take_fault(f, i);
	set32(f, VTD_REG_FSTS, (uint32_t)VTD_FSTS_PFO);
}

void expect_no_fault(struct fixture *f)
{
	assert_false(reg32(f, VTD_REG_FSTS) & VTD_FSTS_PPF);
}

void expect_fault(struct fixture *f, enum vtd_fault reason, rid_t source, uint32_t pasid,
		  uint64_t addr)
{
	uint32_t status = reg32(f, VTD_REG_FSTS);
	struct vtd_fault_record r;

	assert_true(status & VTD_FSTS_PPF);
	assert_false(status & VTD_FSTS_PFO);
	r = take_fault(f, (unsigned)vtd_FSTS_FRI(status));
	assert_true(vtd_fault_record_F(&r));
	assert_int_equal(vtd_fault_record_FR(&r), reason);
	assert_int_equal(vtd_fault_record_SID(&r), source.v);
	assert_int_equal(vtd_fault_record_PP(&r), pasid != NO_PASID);
	if (pasid != NO_PASID)
		assert_int_equal(vtd_fault_record_PV(&r), pasid);
	assert_int_equal(vtd_fault_record_FI(&r), addr & ~UINT64_C(0xfff));
	assert_false(reg32(f, VTD_REG_FSTS) & VTD_FSTS_PPF);
}

/* Queue */

void queue_put(struct fixture *f, const struct vtd_desc *desc)
{
	size_t size = vtd_desc_size(vtd_ECAP_SMTS(f->ecap));

	memcpy(fixture_ptr(f, f->queue + f->queue_tail), desc, size);
	f->queue_tail = (f->queue_tail + size) % 4096;
}

void queue_ring(struct fixture *f)
{
	set64(f, VTD_REG_IQT, f->queue_tail);
}

uint32_t status_value(struct fixture *f)
{
	return (uint32_t)__atomic_load_n(fixture_ptr(f, f->status), __ATOMIC_ACQUIRE);
}

bool queue_sync(struct fixture *f, const struct vtd_desc *desc)
{
	uint32_t data;
	struct vtd_desc wait = desc_wait(f, true, false, false, &data);

	if (desc)
		queue_put(f, desc);
	queue_put(f, &wait);
	queue_ring(f);
	return status_value(f) == data;
}

struct vtd_desc desc_context(unsigned g, uint16_t did, rid_t source, unsigned fm)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_CONTEXT);

	vtd_desc_context_set_G(&d, g);
	vtd_desc_context_set_DID(&d, did);
	vtd_desc_context_set_SID(&d, source.v);
	vtd_desc_context_set_FM(&d, fm);
	return d;
}

struct vtd_desc desc_pasid(unsigned g, uint16_t did, uint32_t pasid)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_CACHE);

	vtd_desc_pasid_cache_set_G(&d, g);
	vtd_desc_pasid_cache_set_DID(&d, did);
	vtd_desc_pasid_cache_set_PASID(&d, pasid);
	return d;
}

struct vtd_desc desc_iotlb(unsigned g, uint16_t did, uint64_t addr, unsigned am, bool ih)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_IOTLB);

	vtd_desc_iotlb_set_G(&d, g);
	vtd_desc_iotlb_set_DID(&d, did);
	vtd_desc_iotlb_set_ADDR(&d, addr);
	vtd_desc_iotlb_set_AM(&d, am);
	vtd_desc_iotlb_set_IH(&d, ih);
	return d;
}

struct vtd_desc desc_pasid_iotlb(unsigned g, uint16_t did, uint32_t pasid, uint64_t addr,
				 unsigned am, bool ih)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_IOTLB);

	vtd_desc_pasid_iotlb_set_G(&d, g);
	vtd_desc_pasid_iotlb_set_DID(&d, did);
	vtd_desc_pasid_iotlb_set_PASID(&d, pasid);
	vtd_desc_pasid_iotlb_set_ADDR(&d, addr);
	vtd_desc_pasid_iotlb_set_AM(&d, am);
	vtd_desc_pasid_iotlb_set_IH(&d, ih);
	return d;
}

struct vtd_desc desc_wait(struct fixture *f, bool sw, bool interrupt, bool drain, uint32_t *data)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_WAIT);

	*data = ++f->status_next;
	vtd_desc_wait_set_SW(&d, sw);
	vtd_desc_wait_set_IF(&d, interrupt);
	vtd_desc_wait_set_PD(&d, drain);
	vtd_desc_wait_set_FN(&d, !sw && !interrupt);
	vtd_desc_wait_set_STDATA(&d, *data);
	vtd_desc_wait_set_STADDR(&d, f->status);
	return d;
}
