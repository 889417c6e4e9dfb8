/* SPDX-License-Identifier: MIT */
#include "subject.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "hw/unit_state.h"

#define PAGE      4096u
#define OWN_HPA   (UINT64_C(200) << 30) /* away from every world, below the smallest width */
#define QUEUE_AT  0u
#define PRQ_AT    PAGE
#define STATUS_AT (2u * PAGE)
#define OWN_LEN   (3u * PAGE)

/* Registers */

static uint64_t get(struct subject *s, uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	CHECK(unit_mmio_read(s->unit, offset, size, &value) == 0);
	return value;
}

static void set(struct subject *s, uint32_t offset, unsigned size, uint64_t value)
{
	CHECK(unit_mmio_write(s->unit, offset, size, value) == 0);
}

static void command(struct subject *s, uint32_t one_shot)
{
	set(s, VTD_REG_GCMD, 4,
	    VTD_GCMD_QIE | (s->is_enabled ? (uint32_t)VTD_GCMD_TE : 0u) | one_shot);
}

static void enable(struct subject *s, bool on)
{
	s->is_enabled = on;
	command(s, 0);
	CHECK(vtd_GSTS_TES(get(s, VTD_REG_GSTS, 4)) == on);
}

static void set_root(struct subject *s, uint64_t rtaddr)
{
	/* TTM may change under enabled translation only with ESRTPS, VT-d 11.4.5 */
	if (!vtd_CAP_ESRTPS(s->unit->config.cap) && s->is_enabled)
		enable(s, false);
	s->rtaddr = rtaddr;
	set(s, VTD_REG_RTADDR, 8, rtaddr);
	command(s, VTD_GCMD_SRTP);
	CHECK(vtd_GSTS_RTPS(get(s, VTD_REG_GSTS, 4)));
}

/* Invalidation queue */

bool subject_takes_descriptors(const struct subject *s)
{
	return vtd_ttm_is_valid((unsigned)vtd_RTADDR_TTM(s->rtaddr), s->unit->config.ecap);
}

void subject_queue(struct subject *s, const struct vtd_desc *desc)
{
	size_t size = vtd_desc_size(s->is_wide);

	memcpy(s->own + QUEUE_AT + s->tail, desc->q, size);
	s->tail = (uint32_t)(s->tail + size) % PAGE;
	set(s, VTD_REG_IQT, 8, s->tail);
}

void subject_wait(struct subject *s)
{
	struct vtd_desc desc = vtd_desc_of_type(VTD_DESC_WAIT);
	uint32_t status;

	vtd_desc_wait_set_SW(&desc, 1);
	vtd_desc_wait_set_STDATA(&desc, ++s->status);
	vtd_desc_wait_set_STADDR(&desc, OWN_HPA + STATUS_AT);
	subject_queue(s, &desc);
	CHECK(!vtd_FSTS_IQE(get(s, VTD_REG_FSTS, 4)));
	memcpy(&status, s->own + STATUS_AT, sizeof(status));
	CHECK(status == s->status);
}

void subject_invalidate_all(struct subject *s)
{
	struct vtd_desc context = vtd_desc_of_type(VTD_DESC_CONTEXT);
	struct vtd_desc pasid = vtd_desc_of_type(VTD_DESC_PASID_CACHE);
	struct vtd_desc iotlb = vtd_desc_of_type(VTD_DESC_IOTLB);

	if (!subject_takes_descriptors(s))
		return;
	vtd_desc_context_set_G(&context, VTD_CONTEXT_GLOBAL);
	subject_queue(s, &context);
	if (vtd_RTADDR_TTM(s->rtaddr) != VTD_TTM_LEGACY) {
		vtd_desc_pasid_cache_set_G(&pasid, VTD_PASID_CACHE_GLOBAL);
		subject_queue(s, &pasid);
	}
	vtd_desc_iotlb_set_G(&iotlb, VTD_IOTLB_GLOBAL);
	subject_queue(s, &iotlb);
	subject_wait(s);
}

/* Memory */

static void map_run(struct subject *s, size_t first, size_t end)
{
	uint8_t flags = s->world->page_flags[first];
	hpa_t at = hpa(s->world->base + first * PAGE);

	if (flags & GEN_PAGE_UNREADABLE)
		return;
	CHECK(physmem_add_at(s->pm, at, s->bytes + first * PAGE, (end - first) * PAGE,
			     !(flags & GEN_PAGE_READONLY)) == 0);
	s->regions[s->region_count++] = at;
}

/* Pages that refuse reads are holes, pages that refuse swaps are not writable. */
static void map_world(struct subject *s, const struct gen_world *world)
{
	size_t pages = world->len / PAGE, first = 0;

	s->world = world;
	for (size_t i = 1; i <= pages; i++) {
		if (i < pages && world->page_flags[i] == world->page_flags[first])
			continue;
		map_run(s, first, i);
		first = i;
	}
}

static void unmap_world(struct subject *s)
{
	while (s->region_count)
		CHECK(physmem_remove(s->pm, s->regions[--s->region_count]) == 0);
}

void subject_init(struct subject *s)
{
	*s = (struct subject){.bytes = aligned_alloc(PAGE, GEN_LEN_MIN),
			      .own = aligned_alloc(PAGE, OWN_LEN),
			      .pm = physmem_create()};
	CHECK(s->bytes && s->own && s->pm);
	memset(s->own, 0, OWN_LEN);
	CHECK(physmem_add_at(s->pm, hpa(OWN_HPA), s->own, OWN_LEN, true) == 0);
}

void subject_fini(struct subject *s)
{
	CHECK(physmem_remove(s->pm, hpa(OWN_HPA)) == 0);
	physmem_destroy(s->pm);
	rcu_barrier();
	free(s->bytes);
	free(s->own);
}

/* Power and worlds */

static void ignore_msi(void *arg, uint64_t address, uint32_t data)
{
	(void)arg;
	(void)address;
	(void)data;
}

static void set_up_queues(struct subject *s, uint64_t ecap)
{
	s->is_wide = vtd_ECAP_SMTS(ecap) || vtd_ECAP_ADMS(ecap);
	s->tail = 0;
	set(s, VTD_REG_IQT, 8, 0);
	set(s, VTD_REG_IQA, 8,
	    vtd_IQA_with_DW(vtd_IQA_with_IQA(0, OWN_HPA + QUEUE_AT), s->is_wide));
	command(s, 0);
	CHECK(vtd_GSTS_QIES(get(s, VTD_REG_GSTS, 4)));
	if (vtd_ECAP_PRS(ecap))
		set(s, VTD_REG_PQA, 8, vtd_PQA_with_PQA(0, OWN_HPA + PRQ_AT));
}

/* What this unit does not model and no translation depends on: interrupt remapping, and where the
 * generator thinks that registers are. */
static void set_capabilities(struct unit_config *config, const struct gen_world *world)
{
	config->cap = vtd_CAP_with_FRO(world->cap, vtd_CAP_FRO(unit_default_cap()));
	config->ecap = vtd_ECAP_with_IRO(world->ecap, vtd_ECAP_IRO(unit_default_ecap()));
	config->ecap = vtd_ECAP_with_IR(config->ecap, 0);
}

void subject_power_on(struct subject *s, const struct gen_world *world,
		      enum unit_cache_policy policy, uint64_t seed)
{
	struct unit_config config = {
		.physmem = s->pm,
		.policy = policy,
		.seed = seed,
		.iotlb_entries = 16u << seed % 8,
		.msi = ignore_msi,
	};

	set_capabilities(&config, world);
	CHECK(unit_create(&config, &s->unit) == 0);
	/* The one thing a configuration does not offer, so that every width is tried. */
	s->unit->rules.haw = world->haw;
	vtd_masks_init(&s->unit->masks, &s->unit->rules);
	s->is_enabled = false;
	map_world(s, world);
	set_up_queues(s, world->ecap);
	set_root(s, world->rtaddr);
	enable(s, world->te);
}

static void add_hits(struct subject *s)
{
	struct unit_cache_stats stats;

	unit_get_stats(s->unit, &stats);
	s->iotlb_hits += stats.iotlb_hits;
	s->table_hits += stats.pasid_cache_hits + stats.paging_cache_hits;
}

void subject_power_off(struct subject *s)
{
	add_hits(s);
	unit_destroy(s->unit);
	s->unit = NULL;
	unmap_world(s);
}

void subject_enter(struct subject *s, const struct gen_world *world)
{
	unmap_world(s);
	map_world(s, world);
	if (world->rtaddr != s->rtaddr)
		set_root(s, world->rtaddr);
	subject_invalidate_all(s);
	if (world->te != s->is_enabled)
		enable(s, world->te);
}

/* Fault records */

static unsigned access_of(const struct refwalk_request *r)
{
	return (r->read || !r->write ? UNIT_READ : 0u) | (r->write ? UNIT_WRITE : 0u);
}

static struct vtd_fault_record record_of(const struct refwalk_request *r, uint8_t reason)
{
	static const enum vtd_fault_access by_access[] = {[UNIT_READ] = VTD_ACCESS_READ,
							  [UNIT_WRITE] = VTD_ACCESS_WRITE,
							  [UNIT_ATOMIC] = VTD_ACCESS_ATOMIC};
	struct vtd_fault_record record = {{0}};

	vtd_fault_record_set_FI(&record, r->addr & ~UINT64_C(0xfff));
	vtd_fault_record_set_SID(&record, r->rid);
	vtd_fault_record_set_FR(&record, reason);
	vtd_fault_record_set_AT(&record, r->type == REFWALK_TRANSLATION_REQUEST
						 ? VTD_AT_TRANSLATION
						 : VTD_AT_UNTRANSLATED);
	vtd_fault_record_set_access(&record, r->type == REFWALK_PAGE_REQUEST
						     ? VTD_ACCESS_PAGE_REQUEST
						     : by_access[access_of(r)]);
	if (r->has_pasid) {
		vtd_fault_record_set_PP(&record, 1);
		vtd_fault_record_set_PV(&record, r->pasid);
		vtd_fault_record_set_EXE(&record, r->exec);
		vtd_fault_record_set_PRIV(&record, r->priv);
	}
	vtd_fault_record_set_F(&record, 1);
	return record;
}

/* What a translation request wants is not told apart by the tables of the specification. */
static bool is_same_record(struct vtd_fault_record a, const struct vtd_fault_record *b)
{
	if (vtd_fault_record_AT(&a) == VTD_AT_TRANSLATION)
		vtd_fault_record_set_access(&a, vtd_fault_record_access(b));
	return a.q[0] == b->q[0] && a.q[1] == b->q[1];
}

/* Reads the record of this request, if there is one, and clears it. */
static void take_record(struct subject *s, const struct refwalk_request *request,
			struct answer *answer)
{
	uint64_t fsts = get(s, VTD_REG_FSTS, 4);
	struct vtd_fault_record found, wanted;
	uint32_t at;

	if (!vtd_FSTS_PPF(fsts)) {
		if (vtd_FSTS_PFO(fsts))
			answer->complaint = "PFO without a record";
		return;
	}
	at = vtd_frcd_offset(s->unit->config.cap, (unsigned)vtd_FSTS_FRI(fsts));
	found.q[0] = get(s, at, 8);
	found.q[1] = get(s, at + 8, 8);
	set(s, at + 12, 4, 0x80000000u);
	answer->result.recorded = true;
	/* Of a page request only the record says why. */
	if (request->type == REFWALK_PAGE_REQUEST)
		answer->result.fault = (uint8_t)vtd_fault_record_FR(&found);
	wanted = record_of(request, answer->result.fault);
	if (!is_same_record(wanted, &found))
		answer->complaint = "fault record says something else";
	if (vtd_FSTS_PPF(get(s, VTD_REG_FSTS, 4)))
		answer->complaint = "more than one fault record";
}

/* Translations */

static enum refwalk_response response_of(const struct unit_translation *t)
{
	switch (t->response) {
	case VTD_RESP_UR:
		return REFWALK_UR;
	case VTD_RESP_CA:
		return REFWALK_CA;
	case VTD_RESP_SE:
		return REFWALK_SE;
	case VTD_RESP_S0:
		/* for an interrupt address and NW=1 it is all there is, VT-d 3.14 */
		return t->fault == VTD_FAULT_NONE ? REFWALK_OK : REFWALK_S0;
	default:
		return REFWALK_OK;
	}
}

static void tell(const struct unit_translation *t, bool ats, struct refwalk_result *r)
{
	r->fault = (uint8_t)t->fault;
	r->response = response_of(t);
	if (!t->rights)
		return;
	r->hpa = t->hpa.v;
	r->page_lg2 = t->page_lg2;
	r->perm_r = t->rights & VSVA_PROT_READ;
	r->perm_w = t->rights & VSVA_PROT_WRITE;
	r->perm_u = t->user;
	r->interrupt = t->interrupt && !ats;
	r->untranslated_only = t->interrupt && ats;
}

static void translate(struct subject *s, const struct refwalk_request *r, struct answer *answer)
{
	bool ats = r->type == REFWALK_TRANSLATION_REQUEST;
	struct unit_translation translation;
	struct unit_request request = {
		.rid = rid(r->rid),
		.pasid = r->has_pasid ? r->pasid : VSVA_PASID_INVALID,
		.addr = r->addr,
		.access = (enum unit_access)(access_of(r) | (ats ? UNIT_READ : 0u)),
		.privileged = r->priv,
		.exec = r->exec,
		.zero_length = r->zero_length,
	};

	rcu_read_lock();
	if (ats)
		unit_ats_translate(s->unit, &request, &translation);
	else
		unit_translate(s->unit, &request, &translation);
	rcu_read_unlock();
	tell(&translation, ats, &answer->result);
}

/* Page requests */

int endpoint_invalidate(struct endpoint *endpoint, const struct ats_invalidation *invalidation)
{
	(void)endpoint;
	(void)invalidation;
	return 0;
}

void endpoint_page_response(struct endpoint *endpoint, uint32_t pasid, uint16_t prgi, unsigned code)
{
	struct subject *s = container_of(endpoint, struct subject, endpoint);

	(void)pasid;
	(void)prgi;
	s->response_count++;
	s->response_code = code;
}

static bool is_same_page_request(const struct vtd_page_request *d, const struct refwalk_request *r)
{
	if (vtd_page_request_PP(d) != r->has_pasid)
		return false;
	if (r->has_pasid &&
	    (vtd_page_request_PASID(d) != r->pasid || vtd_page_request_PMR(d) != r->priv ||
	     vtd_page_request_EXR(d) != r->exec))
		return false;
	return vtd_page_request_RID(d) == r->rid && vtd_page_request_RDR(d) == r->read &&
	       vtd_page_request_WRR(d) == r->write && vtd_page_request_LPIG(d) == r->lpig &&
	       vtd_page_request_ADDR(d) == (r->addr & ~UINT64_C(0xfff));
}

/* Takes the request that the unit put on its queue. false: it put none. */
static bool take_page_request(struct subject *s, const struct refwalk_request *request,
			      struct answer *answer)
{
	uint64_t head = get(s, VTD_REG_PQH, 8), tail = get(s, VTD_REG_PQT, 8);
	struct vtd_page_request desc;

	if (head == tail)
		return false;
	memcpy(&desc, s->own + PRQ_AT + head, sizeof(desc));
	set(s, VTD_REG_PQH, 8, tail);
	set(s, VTD_REG_PRS, 4, VTD_PRS_PPR);
	if (tail != (head + sizeof(desc)) % PAGE)
		answer->complaint = "more than one page request queued";
	if (!is_same_page_request(&desc, request))
		answer->complaint = "queued page request says something else";
	return true;
}

static void page_request(struct subject *s, const struct refwalk_request *r, struct answer *answer)
{
	struct unit_page_request request = {
		.rid = rid(r->rid),
		.pasid = r->has_pasid ? r->pasid : VSVA_PASID_INVALID,
		.addr = r->addr,
		.read = r->read,
		.write = r->write,
		.exec = r->exec,
		.privileged = r->priv,
		.last = r->lpig,
		.prgi = 5,
	};

	s->endpoint.rid = rid(r->rid);
	s->response_count = 0;
	CHECK(unit_attach(s->unit, &s->endpoint) == 0);
	unit_page_request(s->unit, &request);
	unit_detach(s->unit, &s->endpoint);
	answer->result.response = s->response_count ? REFWALK_IR : REFWALK_DROP;
	if (s->response_count > 1 ||
	    (s->response_count && s->response_code != VTD_RESPONSE_INVALID))
		answer->complaint = "page request answered wrongly";
	if (take_page_request(s, r, answer))
		answer->result.response = REFWALK_OK;
}

void subject_translate(struct subject *s, const struct refwalk_request *request,
		       struct answer *answer)
{
	*answer = (struct answer){0};
	if (request->type == REFWALK_PAGE_REQUEST)
		page_request(s, request, answer);
	else
		translate(s, request, answer);
	take_record(s, request, answer);
}
