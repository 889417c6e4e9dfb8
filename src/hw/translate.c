// SPDX-License-Identifier: MIT
/*
 * A request becomes a translation: interrupt range, IOTLB, tables, walk, rights, fault. VT-d 3.6 to
 * 3.9, 3.14, 4.2, 7.1.
 *
 * The order of checks at the end of a walk: user access (SGN.2), write in the first stage, the
 * second stage of the page, write before read, interrupt range of the output, and only then A, EA
 * and D of the leaves.
 */
#include "hw/translate.h"

#include <string.h>

#include "hw/cache_iotlb.h"
#include "hw/fault.h"
#include "hw/unit_state.h"
#include "hw/walk.h"
#include "hw/walk_short.h"

/* How often a translation begins anew because somebody changed an entry under it. */
#define RACES_MAX 64u

/* What is known of a page after the walk. */
struct page {
	struct walk_leaf first, second;
	bool has_first, has_second;
	uint64_t output;
	unsigned size_lg2;
	bool read, write, user, supervisor_write, dirty;
};

struct job {
	struct unit *unit;
	const struct unit_request *request;
	struct lookup lookup;
	struct space space;
	struct page page;
	bool privileged;
	bool known_not_present; /* the IOTLB says so (CAP.CM) */
	bool raced;
};

static bool has_pasid(const struct unit_request *request)
{
	return request->pasid != VSVA_PASID_INVALID;
}

/* Without NWFS the no-write flag is not looked at: a translation request asks for both rights. */
static bool wants_write(const struct unit *unit, const struct unit_request *request)
{
	return (request->access & UNIT_WRITE) || !vtd_ECAP_NWFS(unit->config.ecap);
}

/* Answers */

static void answer_fault(struct job *job, enum vtd_fault reason, struct unit_translation *out)
{
	const struct unit_request *r = job->request;
	struct fault fault = {
		.reason = reason,
		.fpd = job->space.fpd,
		.kind = job->lookup.kind,
		.rid = r->rid,
		.pasid = r->pasid,
		.addr = r->addr,
		.access = r->access,
		.privileged = job->privileged,
		.exec = r->exec && has_pasid(r),
	};

	out->fault = reason;
	out->response = fault_response(reason, fault.kind);
	fault_report(job->unit, &fault);
}

static void answer_identity(const struct unit_request *request, struct unit_translation *out)
{
	out->hpa = hpa(request->addr);
	out->page_lg2 = VTD_PAGE_SHIFT;
	out->rights = VSVA_PROT_READ | VSVA_PROT_WRITE;
	out->user = true;
}

static void answer_interrupt(const struct unit_request *request, struct unit_translation *out)
{
	out->hpa = hpa(request->addr);
	out->page_lg2 = VTD_PAGE_SHIFT;
	out->rights = VSVA_PROT_WRITE;
	out->user = true;
	out->interrupt = true;
}

static void answer_page(const struct unit_request *request, bool privileged,
			const struct iotlb_page *page, struct unit_translation *out)
{
	uint8_t write = privileged ? IOTLB_SUPERVISOR_WRITE : IOTLB_WRITE;

	out->hpa = hpa(page->output | (request->addr - page->input));
	out->page_lg2 = page->size_lg2;
	out->rights = (uint8_t)((page->flags & IOTLB_READ ? VSVA_PROT_READ : 0) |
				(page->flags & write ? VSVA_PROT_WRITE : 0));
	out->user = page->flags & IOTLB_USER;
}

/* Cached translations */

/* A need with which only entries that grant the whole request are found. */
static inline struct iotlb_need need_of(const struct unit *unit, const struct unit_request *request,
					bool privileged, bool ats)
{
	uint8_t write = privileged ? IOTLB_SUPERVISOR_WRITE : IOTLB_WRITE;
	struct iotlb_need need = {.all = privileged ? IOTLB_SUPERVISOR : IOTLB_USER};

	if (ats)
		need.all |= IOTLB_ATS;
	if (request->access & UNIT_WRITE)
		need.all |= write | IOTLB_DIRTY;
	if (!(request->access & UNIT_READ))
		return need;
	/* VT-d 11.4.2, CAP.ZLR */
	if (request->zero_length && vtd_CAP_ZLR(unit->config.cap))
		need.any = IOTLB_READ | write;
	else
		need.all |= IOTLB_READ;
	return need;
}

/* VT-d 3.14. A large page may cover such addresses, too: it has no say. */
static inline bool is_to_interrupts(const struct unit_request *request)
{
	return !has_pasid(request) && is_interrupt_address(request->addr);
}

/* Must a request be looked at more closely than an IOTLB entry can? */
static inline bool is_special(const struct unit *unit, const struct unit_request *request)
{
	if (has_pasid(request))
		return request->exec || !cache_can_own(request->pasid);
	return vtd_ECAP_RPRIVS(unit->config.ecap) != 0;
}

static inline enum iotlb_answer find_cached(struct unit *unit, const struct unit_request *request,
					    bool ats, struct iotlb_page *page)
{
	bool privileged = request->privileged && has_pasid(request);
	enum iotlb_answer answer;
	struct iotlb_need need;

	if (!caches_keep(&unit->caches) || is_special(unit, request) ||
	    (ats && is_to_interrupts(request)))
		return IOTLB_MISS;
	need = need_of(unit, request, privileged, ats);
	answer = cache_iotlb_find(&unit->caches, request->rid, request->pasid, request->addr, &need,
				  page);
	/* A completion with W is a licence to write: D must be there first. */
	if (answer == IOTLB_HIT && ats && wants_write(unit, request) &&
	    (page->flags & (IOTLB_WRITE | IOTLB_SUPERVISOR_WRITE)) && !(page->flags & IOTLB_DIRTY))
		return IOTLB_MISS;
	return answer;
}

/* What was asked for and is not there makes the completion an SE, cached or not. A right that is
 * asked for by name is there, or it would not be a hit. */
static void complete_cached(const struct unit *unit, const struct unit_request *request,
			    struct root root, struct iotlb_page *page, struct unit_translation *out)
{
	if (!wants_write(unit, request))
		page->flags &= (uint8_t) ~(IOTLB_WRITE | IOTLB_SUPERVISOR_WRITE);
	answer_page(request, request->privileged && has_pasid(request), page, out);
	if (!wants_write(unit, request) || (out->rights & VSVA_PROT_WRITE))
		return;
	out->fault = root_ttm(root) == VTD_TTM_LEGACY ? VTD_FAULT_LGN_2 : VTD_FAULT_SGN_6;
	out->response = VTD_RESP_SE;
}

/* Rights */

static bool is_translation(const struct job *job)
{
	return job->lookup.kind == REQUEST_TRANSLATION;
}

static bool effective_write(const struct job *job)
{
	return job->privileged ? job->page.supervisor_write : job->page.write;
}

static bool asks_for_write(const struct job *job)
{
	if (is_translation(job))
		return wants_write(job->unit, job->request);
	return job->request->access & UNIT_WRITE;
}

/* LGN.2 before LGN.3, SGN.6 before SGN.7 */
static enum vtd_fault judge_rights(const struct job *job)
{
	const struct unit_request *r = job->request;
	bool write = effective_write(job), read = job->page.read;
	bool legacy = job->space.legacy;

	if (r->zero_length && vtd_CAP_ZLR(job->unit->config.cap))
		read = read || write;
	if (asks_for_write(job) && !write)
		return legacy ? VTD_FAULT_LGN_2 : VTD_FAULT_SGN_6;
	if ((r->access & UNIT_READ) && !read)
		return legacy ? VTD_FAULT_LGN_3 : VTD_FAULT_SGN_7;
	return VTD_FAULT_NONE;
}

static bool has_right(const struct job *job)
{
	return job->page.read || effective_write(job);
}

/* Walks */

static enum vtd_fault walk_first(struct job *job, struct walk *walk, uint64_t addr)
{
	struct page *page = &job->page;
	enum vtd_fault fault = walk_first_stage(walk, addr, &page->first);

	if (fault)
		return fault;
	page->has_first = true;
	page->output = page->first.output;
	page->size_lg2 = page->first.size_lg2;
	page->user = page->first.rights & PAGING_USER;
	page->write = page->first.rights & PAGING_WRITE;
	page->supervisor_write = page->write || !job->space.wpe;
	if (!job->privileged && !page->user)
		return VTD_FAULT_SGN_2;
	/* A completion tells the rights of both stages; a refused write needs only one. */
	if (!is_translation(job) && (job->request->access & UNIT_WRITE) && !effective_write(job))
		return VTD_FAULT_SGN_6;
	return VTD_FAULT_NONE;
}

static enum vtd_fault walk_second(struct job *job, struct walk *walk)
{
	struct page *page = &job->page;
	enum vtd_fault fault =
		walk_second_stage(walk, page->output, asks_for_write(job), &page->second);

	if (fault)
		return fault;
	page->has_second = true;
	page->output = page->second.output;
	if (page->second.size_lg2 < page->size_lg2)
		page->size_lg2 = page->second.size_lg2;
	page->read = page->read && (page->second.rights & PAGING_READ);
	page->write = page->write && (page->second.rights & PAGING_WRITE);
	page->supervisor_write = page->supervisor_write && (page->second.rights & PAGING_WRITE);
	return VTD_FAULT_NONE;
}

/* VT-d 3.6, 3.7: what an address may be before any entry is read */
static enum vtd_fault judge_address(const struct job *job, uint64_t addr)
{
	const struct space *s = &job->space;

	switch (s->pgtt) {
	case VTD_PGTT_FIRST_STAGE:
	case VTD_PGTT_NESTED:
		if (!vtd_is_canonical(addr, vtd_levels_width(s->first_levels)))
			return VTD_FAULT_SGN_1;
		return VTD_FAULT_NONE;
	case VTD_PGTT_SECOND_STAGE:
		if (addr & s->beyond_input)
			return s->legacy ? VTD_FAULT_LGN_1 : VTD_FAULT_SGN_5;
		return VTD_FAULT_NONE;
	default:
		if (!vtd_fits(addr, job->unit->rules.haw))
			return s->legacy ? VTD_FAULT_LGN_1 : VTD_FAULT_SGN_4;
		return VTD_FAULT_NONE;
	}
}

static enum vtd_fault find_output(struct job *job, struct walk *walk, uint64_t addr)
{
	struct page *page = &job->page;
	enum vtd_fault fault = VTD_FAULT_NONE;
	enum vtd_pgtt pgtt = job->space.pgtt;

	/* The leaves are left as they are: nobody looks at one that is not there. */
	page->has_first = page->has_second = page->dirty = false;
	page->output = addr;
	page->size_lg2 = vtd_level_shift(VTD_LEAF_LEVEL_MAX);
	page->read = page->write = page->user = page->supervisor_write = true;
	if (pgtt == VTD_PGTT_FIRST_STAGE || pgtt == VTD_PGTT_NESTED)
		fault = walk_first(job, walk, addr);
	if (!fault && (pgtt == VTD_PGTT_SECOND_STAGE || pgtt == VTD_PGTT_NESTED))
		fault = walk_second(job, walk);
	return fault;
}

/* VT-d 3.14. A pass-through address is its own translation, so a completion tells nothing new. */
static enum vtd_fault judge_output(const struct job *job)
{
	if (!is_interrupt_address(job->page.output) ||
	    (job->space.pgtt == VTD_PGTT_PASS_THROUGH && is_translation(job)))
		return VTD_FAULT_NONE;
	return job->space.legacy ? VTD_FAULT_LGN_4 : VTD_FAULT_SGN_8;
}

static enum vtd_fault commit(struct job *job, struct walk *walk)
{
	struct page *page = &job->page;
	enum vtd_fault fault = VTD_FAULT_NONE;
	bool dirty = !walk->look_ahead && asks_for_write(job) && effective_write(job);

	if (page->has_first)
		fault = walk_commit_first_stage(walk, &page->first, dirty);
	if (!fault && page->has_second)
		fault = walk_commit_second_stage(walk, &page->second, dirty);
	page->dirty =
		dirty || ((!page->has_first || walk_first_stage_is_dirty(&page->first)) &&
			  (!page->has_second || walk_second_stage_is_dirty(walk, &page->second)));
	return fault;
}

/* Filling the IOTLB */

static struct cache_tag tag_of(const struct space *space)
{
	return (struct cache_tag){
		.did = space->did, .pasid = space->pasid, .kind = (uint8_t)space->pgtt};
}

static bool touches_interrupts(uint64_t addr, unsigned lg2)
{
	uint64_t first = addr >> lg2 << lg2;

	return first <= INTERRUPT_LAST && first + ((UINT64_C(1) << lg2) - 1) >= INTERRUPT_FIRST;
}

/* The largest page around the address that keeps away from the interrupt range: an answer must not
 * hold for an address that would be refused, or, without PASID, is no address of memory at all. */
static unsigned page_size_of(const struct job *job, uint64_t addr)
{
	unsigned lg2 = job->page.size_lg2;

	while (lg2 > VTD_PAGE_SHIFT &&
	       (touches_interrupts(job->page.output, lg2) ||
		(!has_pasid(job->request) && touches_interrupts(addr, lg2))))
		lg2 -= VTD_LEVEL_BITS;
	return lg2;
}

/* SRE may change with the invalidations of a PASID entry alone (VT-d 6.5.3.3), and those leave
 * second-stage translations where they are: supervisor requests to them ask the entry each time. */
static bool keeps_sre(const struct space *space)
{
	return space->sre && space->pgtt != VTD_PGTT_SECOND_STAGE;
}

static struct iotlb_page iotlb_page_of(const struct job *job, uint64_t addr)
{
	const struct page *p = &job->page;
	unsigned lg2 = page_size_of(job, addr);

	return (struct iotlb_page){
		.input = addr >> lg2 << lg2,
		.output = p->output >> lg2 << lg2,
		.size_lg2 = (uint8_t)lg2,
		.flags = (uint8_t)((p->read ? IOTLB_READ : 0) | (p->write ? IOTLB_WRITE : 0) |
				   (p->user ? IOTLB_USER : 0) |
				   (p->supervisor_write ? IOTLB_SUPERVISOR_WRITE : 0) |
				   (keeps_sre(&job->space) ? IOTLB_SUPERVISOR : 0) |
				   (p->dirty ? IOTLB_DIRTY : 0) | (job->space.ats ? IOTLB_ATS : 0)),
	};
}

static void fill(struct job *job, const struct iotlb_page *page)
{
	struct cache_tag tag = tag_of(&job->space);

	/* Nobody but an ATS completion hands out such a page, so that it would be found by
	 * others. */
	if (is_interrupt_address(page->output) ||
	    (!has_pasid(job->request) && is_interrupt_address(page->input)))
		return;
	cache_iotlb_fill(&job->unit->caches, job->lookup.generation, job->request->rid,
			 job->request->pasid, page, &tag);
}

/* LGN.2 and LGN.3 before rights are judged: an entry with R=W=0 */
static bool is_not_present(enum vtd_fault fault)
{
	return fault == VTD_FAULT_SSS_2 || fault == VTD_FAULT_LGN_2 || fault == VTD_FAULT_LGN_3;
}

/* VT-d 6.1: with CAP.CM the IOTLB may remember that the second stage has nothing there. */
static void fill_not_present(struct job *job)
{
	struct cache_tag tag = tag_of(&job->space);
	struct iotlb_page page = {
		.input = job->request->addr & ~(uint64_t)(VSVA_PAGE_SIZE - 1),
		.size_lg2 = VTD_PAGE_SHIFT,
		.flags = IOTLB_NOT_PRESENT,
	};

	if (caches_keep_faults(&job->unit->caches) && job->space.pgtt == VTD_PGTT_SECOND_STAGE &&
	    (has_pasid(job->request) || !is_interrupt_address(page.input)))
		cache_iotlb_fill(&job->unit->caches, job->lookup.generation, job->request->rid,
				 job->request->pasid, &page, &tag);
}

static void keep_passed(const struct job *job, const struct walk *walk)
{
	cache_paging_fill(&job->unit->caches, job->lookup.generation, walk->passed,
			  walk->passed_count);
}

/*
 * The adversarial unit translates what nobody asked for, as the architecture lets it (VT-d 6.2.4
 * speaks of speculation): the neighbours of a page. It sets nothing in memory: an entry without A
 * is not for guessing.
 */
static void look_ahead(const struct job *job, uint64_t addr)
{
	struct job guess = *job;
	enum vtd_fault fault = judge_address(&guess, addr);
	struct iotlb_page page;
	struct walk walk;

	walk_begin(&walk, &guess.lookup, &guess.space, true);
	if (!fault)
		fault = find_output(&guess, &walk, addr);
	if (!fault)
		fault = commit(&guess, &walk);
	if (fault)
		return;
	page = iotlb_page_of(&guess, addr);
	fill(&guess, &page);
	keep_passed(&guess, &walk);
}

static void look_around(const struct job *job, const struct iotlb_page *page)
{
	uint64_t size = UINT64_C(1) << page->size_lg2;

	if (job->unit->caches.policy != UNIT_CACHE_ADVERSARIAL ||
	    job->space.pgtt == VTD_PGTT_PASS_THROUGH)
		return;
	look_ahead(job, page->input + size);
	look_ahead(job, page->input - size);
}

/* One translation */

static enum vtd_fault judge_space(struct job *job)
{
	const struct unit_request *r = job->request;

	job->privileged = has_pasid(r) ? r->privileged : job->space.rid_priv;
	if (has_pasid(r) && r->exec && !vtd_ECAP_ERS(job->unit->config.ecap))
		return VTD_FAULT_SPT_5;
	if (job->privileged && !job->space.sre)
		return VTD_FAULT_SPT_6;
	return judge_address(job, r->addr);
}

static bool is_success_with_rights(const struct job *job, enum vtd_fault fault)
{
	return is_translation(job) && fault_response(fault, REQUEST_TRANSLATION) == VTD_RESP_SE;
}

/* From the space to the page. A completion with fewer rights than asked for goes on to the end. */
static enum vtd_fault translate_page(struct job *job, struct walk *walk)
{
	enum vtd_fault rights, fault;

	if (job->known_not_present && job->space.pgtt == VTD_PGTT_SECOND_STAGE) {
		job->page = (struct page){.size_lg2 = VTD_PAGE_SHIFT};
		return job->space.legacy ? judge_rights(job) : VTD_FAULT_SSS_2;
	}
	fault = find_output(job, walk, job->request->addr);
	if (fault) {
		job->page = (struct page){.size_lg2 = VTD_PAGE_SHIFT};
		if (is_not_present(fault))
			fill_not_present(job);
		return fault;
	}
	rights = judge_rights(job);
	if (rights && (!is_success_with_rights(job, rights) || !has_right(job)))
		return rights;
	fault = judge_output(job);
	if (!fault)
		fault = commit(job, walk);
	return fault ? fault : rights;
}

/* The root was read before the generation. If it is not the same any more, an SRTP may have
 * flushed in between: the request is served from the old root, and nothing of it is kept. */
static void take_generation(struct job *job)
{
	job->lookup.generation = caches_generation(&job->unit->caches);
	if (unit_root(job->unit).word != job->lookup.root.word)
		job->lookup.generation = CACHES_NO_GENERATION;
}

/* VT-d 3.14: told to the device, not looked up, once the context entry lets the request pass */
static enum vtd_fault translate_interrupt_address(struct job *job, struct unit_translation *out)
{
	struct context_view view;
	enum vtd_fault fault;

	take_generation(job);
	fault = tables_check_context(&job->lookup, &view, &job->space.fpd);
	if (fault)
		return fault;
	if (wants_write(job->unit, job->request))
		answer_interrupt(job->request, out);
	else
		out->response = VTD_RESP_S0;
	return VTD_FAULT_NONE;
}

static void answer_found(struct job *job, enum vtd_fault rights, struct unit_translation *out)
{
	struct iotlb_page page = iotlb_page_of(job, job->request->addr);

	if (has_right(job) && caches_keep(&job->unit->caches))
		fill(job, &page);
	if (!rights)
		look_around(job, &page);
	if (is_translation(job) && !wants_write(job->unit, job->request))
		page.flags = (uint8_t)(page.flags & ~(IOTLB_WRITE | IOTLB_SUPERVISOR_WRITE));
	answer_page(job->request, job->privileged, &page, out);
	if (!out->rights)
		out->hpa = hpa(0);
}

static inline __attribute__((always_inline)) void trace_walk(const struct unit *unit,
							     const struct unit_request *r,
							     const struct unit_translation *out)
{
	TRACE(unit->config.trace, UNIT, TRANSLATE, .rid = r->rid, .hpasid = hpasid(r->pasid),
	      .addr = r->addr, .hpa = out->hpa, .value = (uint64_t)out->fault,
	      .write = (r->access & UNIT_WRITE) != 0);
}

static enum vtd_fault attempt(struct job *job, struct unit_translation *out)
{
	enum vtd_fault fault;
	struct walk walk;

	walk_begin(&walk, &job->lookup, &job->space, false);
	take_generation(job);
	fault = tables_find_space(&job->lookup, &job->space);
	if (!fault)
		fault = judge_space(job);
	if (fault)
		return fault;
	counters_bump(&job->unit->counters.shard[counters_shard()].walks);
	fault = translate_page(job, &walk);
	job->raced = walk.raced;
	if (job->raced)
		return fault;
	keep_passed(job, &walk);
	if (!fault || is_success_with_rights(job, fault))
		answer_found(job, fault, out);
	return fault;
}

static enum vtd_fault translate(struct job *job, struct unit_translation *out)
{
	enum vtd_fault fault = tables_check_mode(&job->lookup);

	if (fault)
		return fault;
	if (is_translation(job) && is_to_interrupts(job->request))
		return translate_interrupt_address(job, out);
	for (unsigned races = 0; races < RACES_MAX; races++) {
		fault = attempt(job, out);
		if (!job->raced)
			break;
	}
	return fault;
}

static __attribute__((noinline)) void
translate_uncached(struct unit *unit, const struct unit_request *request, enum request_kind kind,
		   struct root root, bool known_not_present, struct unit_translation *out)
{
	enum vtd_fault fault;
	struct job job;

	/* Its page is made by find_output(). */
	job.unit = unit;
	job.request = request;
	job.lookup = (struct lookup){.physmem = unit->config.physmem,
				     .caches = &unit->caches,
				     .rules = &unit->rules,
				     .masks = &unit->masks,
				     .root = root,
				     .kind = kind,
				     .rid = request->rid,
				     .pasid = request->pasid};
	job.space.fpd = false;
	job.privileged = request->privileged && has_pasid(request);
	job.known_not_present = known_not_present;
	job.raced = false;
	counters_take_shard();
	counters_bump(&unit->counters.shard[counters_shard()].iotlb_misses);
	fault = translate(&job, out);
	if (fault)
		answer_fault(&job, fault, out);
	trace_walk(unit, request, out);
}

/* Requests */

static inline void translate_enabled(struct unit *unit, const struct unit_request *request,
				     enum request_kind kind, struct root root,
				     struct unit_translation *out)
{
	bool ats = kind == REQUEST_TRANSLATION, hit_not_present;
	enum iotlb_answer answer;
	struct iotlb_page page;

	answer = find_cached(unit, request, ats, &page);
	if (__builtin_expect(answer == IOTLB_HIT, 1)) {
		counters_bump(&unit->counters.shard[counters_shard()].iotlb_hits);
		if (ats)
			complete_cached(unit, request, root, &page, out);
		else
			answer_page(request, request->privileged && has_pasid(request), &page, out);
		return;
	}
	hit_not_present = answer == IOTLB_HIT_NOT_PRESENT;
	translate_uncached(unit, request, kind, root, hit_not_present, out);
}

static __attribute__((noinline)) void translate_closely(struct unit *unit,
							const struct unit_request *request,
							struct root root,
							struct unit_translation *out)
{
	*out = (struct unit_translation){0};
	if (is_to_interrupts(request) && request->access == UNIT_WRITE)
		answer_interrupt(request, out);
	else if (root_is_enabled(root))
		translate_enabled(unit, request, REQUEST_UNTRANSLATED, root, out);
	else if (has_pasid(request))
		out->response = VTD_RESP_UR;
	else
		answer_identity(request, out);
}

/* The four small members as one word (user is true, interrupt is not): who reads two of them at once would
 * wait for bytes that were written one by one. */
static inline void answer_ordinary(struct unit_grant grant, struct unit_translation *out)
{
	const uint32_t small = grant.page_lg2 | (uint32_t)grant.rights << 8 | UINT32_C(1) << 16;

	static_assert(offsetof(struct unit_translation, page_lg2) + 3 ==
			      offsetof(struct unit_translation, interrupt),
		      "page_lg2, rights, user, interrupt");
	out->hpa = grant.hpa;
	memcpy(&out->page_lg2, &small, sizeof(small));
	out->fault = VTD_FAULT_NONE;
	out->response = VTD_RESP_NONE;
}

static inline struct unit_grant grant_of(uint64_t value, unsigned size_lg2, uint64_t addr)
{
	static_assert((int)IOTLB_READ == VSVA_PROT_READ && (int)IOTLB_WRITE == VSVA_PROT_WRITE,
		      "flags");

	return (struct unit_grant){
		.hpa = hpa((value & ~IOTLB_FLAGS) | (addr & ((UINT64_C(1) << size_lg2) - 1))),
		.page_lg2 = (uint8_t)size_lg2,
		.rights = (uint8_t)(value & (IOTLB_READ | IOTLB_WRITE)),
	};
}

/* Of an ordinary request under policy LRU: what the IOTLB grants is all that there is to be known.
 * Entries keep away from interrupt addresses (page_size_of()), so these are not asked for. */
static inline bool has_short_way(const struct unit *unit, uint32_t pasid)
{
	const unsigned has_none = pasid >> 31; /* of those that there are */

	static_assert(VSVA_PASID_INVALID >> 31 && !(VSVA_PASID_MAX >> 31), "the upper bit tells");
	return root_is_enabled(unit_root(unit)) && cache_can_own(pasid) &&
	       unit->short_way[has_none];
}

static inline void count_hits(struct unit *unit, uint64_t hits)
{
	counters_bump_by(&unit->counters.shard[counters_shard()].iotlb_hits, hits);
}

/* Of who has a short way: a page of 4 KiB, in the first line that it may be in. 0: it is not there. */
static inline __attribute__((always_inline)) uint64_t
find_first(struct unit *unit, const struct iotlb_place *place, enum unit_access access)
{
	uint64_t value = cache_iotlb_way(&unit->caches.iotlb, &place->key, place->first,
					 iotlb_ordinary_need(access));

	if (__builtin_expect(value != 0, 1))
		count_hits(unit, 1);
	return value;
}

/* The same in other ways, and in larger pages. */
static inline struct unit_grant find_further(struct unit *unit, const struct iotlb_place *place,
					     uint64_t addr, uint64_t need)
{
	struct iotlb_grant grant = cache_iotlb_find_further(&unit->caches.iotlb, place, addr, need);

	if (!grant.value)
		return (struct unit_grant){.page_lg2 = 0};
	count_hits(unit, 1);
	return grant_of(grant.value, grant.size_lg2, addr);
}

static inline struct iotlb_place place_of(const struct unit *unit, rid_t rid, uint32_t pasid,
					  uint64_t addr)
{
	return cache_iotlb_place(&unit->caches.iotlb, cache_owner_of_requests(rid, pasid), addr);
}

static __attribute__((noinline)) struct unit_grant
find_rare(struct unit *unit, rid_t rid, uint32_t pasid, uint64_t addr, enum unit_access access)
{
	struct iotlb_place place = place_of(unit, rid, pasid, addr);

	return find_further(unit, &place, addr, iotlb_ordinary_need(access));
}

/* Nothing but the first line in line: a copy of a few bytes waits for it. */
struct unit_grant unit_find_cached(struct unit *unit, rid_t rid, uint32_t pasid, uint64_t addr,
				   enum unit_access access)
{
	struct iotlb_place place = place_of(unit, rid, pasid, addr);
	uint64_t value;

	DEBUG_CHECK(rcu_is_reading());
	if (__builtin_expect(!has_short_way(unit, pasid), 0))
		return (struct unit_grant){.page_lg2 = 0};
	value = find_first(unit, &place, access);
	if (__builtin_expect(value != 0, 1))
		return grant_of(value, VTD_PAGE_SHIFT, addr);
	return find_rare(unit, rid, pasid, addr, access);
}

uint64_t unit_find_run(struct unit *unit, rid_t rid, uint32_t pasid, uint64_t addr,
		       enum unit_access access, hpa_t to, uint64_t len)
{
	uint64_t owner = cache_owner_of_requests(rid, pasid), run;

	DEBUG_CHECK(rcu_is_reading());
	if (!has_short_way(unit, pasid))
		return 0;
	run = cache_iotlb_find_run(&unit->caches.iotlb, owner, addr, iotlb_ordinary_need(access),
				   to, len);
	/* Large pages are rarely among them: a window does not run out of one. */
	count_hits(unit, (run + VSVA_PAGE_SIZE - 1) / VSVA_PAGE_SIZE);
	return run;
}

/* Of a request that has a short way. */
static inline void translate_missing(struct unit *unit, const struct unit_request *request,
				     const struct iotlb_place *place, uint64_t need,
				     struct unit_translation *out)
{
	uint64_t value = 0;
	struct root root;

	if (has_pasid(request))
		value = walk_short(unit, place, request->addr, need);
	if (__builtin_expect(value != 0, 1)) {
		answer_ordinary(grant_of(value, VTD_PAGE_SHIFT, request->addr), out);
		trace_walk(unit, request, out);
		return;
	}
	root = unit_root(unit);
	if (is_to_interrupts(request) || !root_is_enabled(root)) {
		translate_closely(unit, request, root, out);
		return;
	}
	*out = (struct unit_translation){0};
	/* Under this policy nobody keeps what is not present. */
	translate_uncached(unit, request, REQUEST_UNTRANSLATED, root, false, out);
}

void unit_translate_unknown(struct unit *unit, const struct unit_request *request,
			    struct unit_translation *out)
{
	struct iotlb_place place = place_of(unit, request->rid, request->pasid, request->addr);

	DEBUG_CHECK(rcu_is_reading());
	if (!request->unusual && has_short_way(unit, request->pasid))
		translate_missing(unit, request, &place, iotlb_ordinary_need(request->access), out);
	else
		translate_closely(unit, request, unit_root(unit), out);
}

void unit_bring_near(const struct unit *unit, rid_t rid, uint32_t pasid, uint64_t addr,
		     uint64_t len)
{
	cache_bring_pages_near(&unit->caches.iotlb, cache_owner_of_requests(rid, pasid), addr, len);
}

/* Of a request that has a short way, but nothing in the first line of its place. */
static __attribute__((noinline)) void translate_further(struct unit *unit,
							const struct unit_request *request,
							size_t first, struct unit_translation *out)
{
	struct iotlb_place place = {
		cache_iotlb_key(request->rid, request->pasid, request->addr, VTD_PAGE_SHIFT),
		first};
	uint64_t need = iotlb_ordinary_need(request->access);
	struct unit_grant grant = find_further(unit, &place, request->addr, need);

	if (grant.page_lg2)
		answer_ordinary(grant, out);
	else
		translate_missing(unit, request, &place, need, out);
}

void unit_translate(struct unit *unit, const struct unit_request *request,
		    struct unit_translation *out)
{
	uint64_t addr = request->addr, value;
	enum unit_access access = request->access;
	struct iotlb_place place;

	place.key = cache_iotlb_key(request->rid, request->pasid, addr, VTD_PAGE_SHIFT);
	DEBUG_CHECK(rcu_is_reading());
	if (__builtin_expect(request->unusual || !has_short_way(unit, request->pasid), 0)) {
		translate_closely(unit, request, unit_root(unit), out);
		return;
	}
	place.first = cache_first_way(&unit->caches.iotlb, &place.key, 1);
	value = find_first(unit, &place, access);
	if (__builtin_expect(value != 0, 1))
		answer_ordinary(grant_of(value, VTD_PAGE_SHIFT, addr), out);
	else
		translate_further(unit, request, place.first, out);
}

void unit_ats_translate(struct unit *unit, const struct unit_request *request,
			struct unit_translation *out)
{
	struct root root = unit_root(unit);

	DEBUG_CHECK(rcu_is_reading());
	*out = (struct unit_translation){0};
	if (root_is_enabled(root))
		translate_enabled(unit, request, REQUEST_TRANSLATION, root, out);
	else
		out->response = VTD_RESP_UR;
}

static enum vtd_fault judge_translated(struct lookup *lookup, uint64_t addr, bool *fpd)
{
	struct context_view view;
	enum vtd_fault fault = tables_check_mode(lookup);

	if (!fault)
		fault = tables_check_context(lookup, &view, fpd);
	if (fault)
		return fault;
	if (!vtd_fits(addr, lookup->rules->haw))
		return view.is_legacy ? VTD_FAULT_LGN_1 : VTD_FAULT_SGN_4;
	if (is_interrupt_address(addr))
		return view.is_legacy ? VTD_FAULT_LGN_4 : VTD_FAULT_SGN_8;
	return VTD_FAULT_NONE;
}

static void refuse_translated(struct unit *unit, rid_t rid, hpa_t address, enum unit_access access,
			      enum vtd_fault reason, bool fpd)
{
	struct fault fault = {
		.reason = reason,
		.fpd = fpd,
		.kind = REQUEST_TRANSLATED,
		.rid = rid,
		.pasid = VSVA_PASID_INVALID,
		.addr = address.v,
		.access = access,
	};

	fault_report(unit, &fault);
}

/* Never 0. */
static inline uint64_t translated_word(uint64_t generation, rid_t rid)
{
	return generation << 17 | UINT64_C(1) << 16 | rid.v;
}

static inline uint64_t *translated_by(struct unit *unit, rid_t rid)
{
	return &unit->translated[(rid.v ^ rid.v >> 8) % UNIT_TRANSLATED];
}

/* PASIDs of translated requests are not offered (SCT.10 needs EPTR): this one is not looked at. */
static __attribute__((noinline)) bool
look_whether_translated(struct unit *unit, rid_t rid, hpa_t address, enum unit_access access)
{
	struct lookup lookup = {
		.physmem = unit->config.physmem,
		.caches = &unit->caches,
		.rules = &unit->rules,
		.masks = &unit->masks,
		.generation = caches_generation(&unit->caches),
		.kind = REQUEST_TRANSLATED,
		.rid = rid,
		.pasid = VSVA_PASID_INVALID,
	};
	enum vtd_fault fault;
	bool fpd = false;

	lookup.root = unit_root(unit); /* after the generation */
	if (!root_is_enabled(lookup.root))
		return false;
	fault = judge_translated(&lookup, address.v, &fpd);
	if (fault)
		refuse_translated(unit, rid, address, access, fault, fpd);
	else if (unit->caches.policy == UNIT_CACHE_LRU)
		__atomic_store_n(translated_by(unit, rid), translated_word(lookup.generation, rid),
				 __ATOMIC_RELAXED);
	return !fault;
}

/* What allowed one translated request of a function allows all, until the generation moves on: with
 * every invalidation and with every change of the root. */
bool unit_ats_allows_translated(struct unit *unit, rid_t rid, hpa_t address,
				enum unit_access access)
{
	uint64_t known = __atomic_load_n(translated_by(unit, rid), __ATOMIC_RELAXED);

	DEBUG_CHECK(rcu_is_reading());
	if (__builtin_expect(known == translated_word(caches_generation(&unit->caches), rid) &&
				     vtd_fits(address.v, unit->rules.haw) &&
				     !is_interrupt_address(address.v),
			     1))
		return true;
	return look_whether_translated(unit, rid, address, access);
}
