/* SPDX-License-Identifier: MIT */
#include "software.h"

#include <string.h>

#include "vtd/tables.h"

/* What is known */

void software_init(struct software *w, struct subject *subject, bool forgets)
{
	*w = (struct software){.subject = subject, .forgets = forgets};
}

void software_forget(struct software *w)
{
	w->count = 0;
	w->is_unsure = false;
	memset(w->is_table, 0, sizeof(w->is_table));
}

static void start_over(struct software *w)
{
	subject_invalidate_all(w->subject);
	software_forget(w);
	w->restarts++;
}

static bool has_second(const struct tape_space *s)
{
	return s->pgtt == VTD_PGTT_SECOND_STAGE || s->pgtt == VTD_PGTT_NESTED;
}

static bool has_first(const struct tape_space *s)
{
	return s->pgtt == VTD_PGTT_FIRST_STAGE || s->pgtt == VTD_PGTT_NESTED;
}

static bool is_same(const struct tape_space *a, const struct tape_space *b)
{
	return a->rid == b->rid && a->pasid == b->pasid && a->found == b->found &&
	       a->did == b->did && a->pgtt == b->pgtt && a->aw == b->aw && a->fspm == b->fspm &&
	       a->ssade == b->ssade && a->eafe == b->eafe && a->second_root == b->second_root &&
	       a->first_root == b->first_root;
}

/* VT-d 6.2.3.1 */
static bool is_lawful_pair(const struct tape_space *a, const struct tape_space *b)
{
	if (!a->found || !b->found || a->did != b->did)
		return true;
	if (has_second(a) && has_second(b) &&
	    (a->second_root != b->second_root || a->aw != b->aw || a->ssade != b->ssade))
		return false;
	if (a->pasid != b->pasid || !has_first(a) || !has_first(b))
		return true;
	return a->pgtt == b->pgtt && a->first_root == b->first_root && a->fspm == b->fspm &&
	       a->eafe == b->eafe;
}

static bool know(struct software *w, const struct tape_space *space)
{
	for (unsigned i = 0; i < w->count; i++) {
		if (is_same(&w->known[i], space))
			return true;
		if (!is_lawful_pair(&w->known[i], space))
			return false;
	}
	if (w->count == SOFTWARE_SPACES)
		return false;
	w->known[w->count++] = *space;
	return true;
}

static bool *page_of(struct software *w, uint64_t at)
{
	return &w->is_table[(at - w->subject->world->base) / VSVA_PAGE_SIZE];
}

/* Entries that are read whole, and in scalable mode the single words before the PASID entry. */
static void note_tables(struct software *w, const struct tape *tape)
{
	bool legacy = (tape->copy.world->rtaddr >> 10 & 3) == 0;
	unsigned tables = 0;

	for (unsigned i = 0; i < tape->count; i++)
		if (tape->reads[i].qwords > 1)
			tables = i + 1;
	if (!legacy && tables < 3) /* root, context, directory, and no PASID entry */
		tables = tape->count < 3 ? tape->count : 3;
	for (unsigned i = 0; i < tables; i++)
		*page_of(w, tape->reads[i].hpa) = true;
	for (unsigned i = 0; i < tape->swap_count; i++)
		if (*page_of(w, tape->swaps[i]))
			w->is_unsure = true;
}

void software_note(struct software *w, const struct tape *tape,
		   const struct refwalk_request *request)
{
	struct tape_space space = tape_space(tape, request);

	if (w->is_unsure)
		start_over(w);
	if (!know(w, &space)) {
		start_over(w);
		know(w, &space);
	}
	note_tables(w, tape);
}

/* Descriptors */

static void context_device(struct software *w, uint16_t did, uint16_t rid)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_CONTEXT);

	vtd_desc_context_set_G(&d, VTD_CONTEXT_DEVICE);
	vtd_desc_context_set_DID(&d, did);
	vtd_desc_context_set_SID(&d, rid);
	subject_queue(w->subject, &d);
}

static void pasid_cache(struct software *w, enum vtd_pasid_cache_granularity g, uint16_t did,
			uint32_t pasid)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_CACHE);

	vtd_desc_pasid_cache_set_G(&d, g);
	vtd_desc_pasid_cache_set_DID(&d, did);
	vtd_desc_pasid_cache_set_PASID(&d, pasid);
	subject_queue(w->subject, &d);
}

static void iotlb_domain(struct software *w, uint16_t did)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_IOTLB);

	vtd_desc_iotlb_set_G(&d, VTD_IOTLB_DOMAIN);
	vtd_desc_iotlb_set_DID(&d, did);
	subject_queue(w->subject, &d);
}

static void pasid_iotlb(struct software *w, uint16_t did, uint32_t pasid)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_IOTLB);

	vtd_desc_pasid_iotlb_set_G(&d, VTD_PASID_IOTLB_PASID);
	vtd_desc_pasid_iotlb_set_DID(&d, did);
	vtd_desc_pasid_iotlb_set_PASID(&d, pasid);
	subject_queue(w->subject, &d);
}

struct pages {
	uint64_t addr;
	unsigned am;
	bool leaf_only;
};

static void iotlb_pages(struct software *w, uint16_t did, const struct pages *pages)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_IOTLB);

	vtd_desc_iotlb_set_G(&d, VTD_IOTLB_PAGE);
	vtd_desc_iotlb_set_DID(&d, did);
	vtd_desc_iotlb_set_AM(&d, pages->am);
	vtd_desc_iotlb_set_IH(&d, pages->leaf_only);
	vtd_desc_iotlb_set_ADDR(&d, pages->addr);
	subject_queue(w->subject, &d);
}

static void pasid_iotlb_pages(struct software *w, const struct tape_space *s,
			      const struct pages *pages)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_IOTLB);

	vtd_desc_pasid_iotlb_set_G(&d, VTD_PASID_IOTLB_PAGE);
	vtd_desc_pasid_iotlb_set_DID(&d, s->did);
	vtd_desc_pasid_iotlb_set_PASID(&d, s->pasid);
	vtd_desc_pasid_iotlb_set_AM(&d, pages->am);
	vtd_desc_pasid_iotlb_set_IH(&d, pages->leaf_only);
	vtd_desc_pasid_iotlb_set_ADDR(&d, pages->addr);
	subject_queue(w->subject, &d);
}

/* Duties */

/* Does what is known come through the entry? */
static bool is_affected(const struct tape_space *s, const struct gen_change *c)
{
	const struct gen_slot *slot = c->slot;

	switch (c->kind) {
	case GEN_CONTEXT:
		return s->rid == slot->rid;
	case GEN_DIRECTORY:
		return s->rid == slot->rid && s->pasid >> 6 == slot->pasid >> 6;
	case GEN_PASID:
		return s->rid == slot->rid && s->pasid == slot->pasid;
	case GEN_FIRST:
		return s->rid == slot->rid && s->pasid == slot->pasid && s->found && has_first(s);
	case GEN_SECOND:
		return s->found && has_second(s) && s->second_root == slot->root;
	default:
		return true;
	}
}

/* Entries through which nothing can have been cached need nothing. Of a first stage nothing that
 * is not present is ever cached, of the others only with CAP.CM. */
static bool is_duty(const struct software *w, const struct gen_change *c)
{
	bool was_present = c->before[0] & (c->kind == GEN_SECOND ? 3 : 1);

	if (c->kind == GEN_FIRST)
		return was_present;
	return was_present || vtd_CAP_CM(w->subject->world->cap);
}

static bool is_legacy(const struct software *w)
{
	return vtd_RTADDR_TTM(w->subject->rtaddr) == VTD_TTM_LEGACY;
}

static bool is_leaf(uint64_t pte, unsigned level)
{
	return level == 1 || (level <= VTD_LEAF_LEVEL_MAX && pte & VTD_SS_PTE_PS);
}

static struct pages pages_of(const struct gen_change *c)
{
	uint64_t present = c->kind == GEN_SECOND ? 3 : 1;

	return (struct pages){
		.addr = c->slot->addr,
		.am = vtd_level_shift(c->slot->level) - VTD_PAGE_SHIFT,
		.leaf_only = (c->before[0] & present) && is_leaf(c->before[0], c->slot->level) &&
			     (!(c->after[0] & present) || is_leaf(c->after[0], c->slot->level)),
	};
}

/* With CAP.CM domain 0 is where hardware files what it found to be faulty, VT-d 6.1. */
static void drop_context(struct software *w, const struct gen_change *c)
{
	if (!is_legacy(w) || vtd_CAP_CM(w->subject->world->cap))
		context_device(w, 0, c->slot->rid);
	for (unsigned i = 0; is_legacy(w) && i < w->count; i++)
		if (is_affected(&w->known[i], c))
			context_device(w, w->known[i].did, c->slot->rid);
}

static void drop_pasids(struct software *w, const struct gen_change *c)
{
	bool whole_domain = c->kind == GEN_CONTEXT;

	for (unsigned i = 0; i < w->count; i++) {
		const struct tape_space *s = &w->known[i];

		if (!is_affected(s, c))
			continue;
		pasid_cache(w, whole_domain ? VTD_PASID_CACHE_DOMAIN : VTD_PASID_CACHE_PASID,
			    s->did, s->pasid);
		if (vtd_CAP_CM(w->subject->world->cap))
			pasid_cache(w, VTD_PASID_CACHE_PASID, 0, s->pasid);
	}
}

/* Of the table of duties only P 1 to 0 (and SSADE 0 to 1) of a PASID entry asks for the domain. */
static void drop_translations(struct software *w, const struct gen_change *c)
{
	bool cleared = !(c->after[0] & 1);

	for (unsigned i = 0; i < w->count; i++) {
		const struct tape_space *s = &w->known[i];

		if (!is_affected(s, c))
			continue;
		if (c->kind != GEN_PASID || (cleared && s->found && has_second(s)))
			iotlb_domain(w, s->did);
		else
			pasid_iotlb(w, s->did, s->pasid);
	}
}

static void drop_second(struct software *w, const struct gen_change *c)
{
	struct pages pages = pages_of(c);

	for (unsigned i = 0; i < w->count; i++) {
		if (!is_affected(&w->known[i], c))
			continue;
		if (pages.am <= vtd_CAP_MAMV(w->subject->world->cap))
			iotlb_pages(w, w->known[i].did, &pages);
		else
			iotlb_domain(w, w->known[i].did);
	}
}

static void drop_first(struct software *w, const struct gen_change *c)
{
	struct pages pages = pages_of(c);

	for (unsigned i = 0; i < w->count; i++)
		if (is_affected(&w->known[i], c))
			pasid_iotlb_pages(w, &w->known[i], &pages);
}

/* What the duties have removed. A PASID entry that changed in place leaves what was cached of the
 * second stage where it is. */
static void forget_affected(struct software *w, const struct gen_change *c)
{
	bool in_place = c->kind == GEN_PASID && (c->after[0] & 1);
	unsigned kept = 0;

	if (c->kind == GEN_FIRST || c->kind == GEN_SECOND)
		return;
	for (unsigned i = 0; i < w->count; i++) {
		struct tape_space s = w->known[i];

		if (is_affected(&s, c)) {
			if (!in_place || !s.found || !has_second(&s))
				continue;
			s.pgtt = VTD_PGTT_SECOND_STAGE;
		}
		w->known[kept++] = s;
	}
	w->count = kept;
}

/* Tables that TTM makes the unit read as something else: what is affected is anybody's guess. */
static bool is_misread(const struct software *w)
{
	return w->subject->world->scalable == is_legacy(w);
}

static void do_duties(struct software *w, const struct gen_change *c)
{
	if (w->forgets || !is_duty(w, c) || !subject_takes_descriptors(w->subject))
		return;
	if (c->kind == GEN_ROOT || is_misread(w)) {
		subject_invalidate_all(w->subject);
		w->count = 0;
		return;
	}
	switch (c->kind) {
	case GEN_FIRST:
		drop_first(w, c);
		break;
	case GEN_SECOND:
		drop_second(w, c);
		break;
	default:
		if (c->kind == GEN_CONTEXT)
			drop_context(w, c);
		if (!is_legacy(w))
			drop_pasids(w, c);
		drop_translations(w, c);
		break;
	}
	subject_wait(w->subject);
	forget_affected(w, c);
}

/* Changes */

static void write_entry(struct software *w, const struct gen_copy *witness,
			const struct gen_change *c)
{
	size_t at = c->slot->hpa - w->subject->world->base;

	memcpy(witness->bytes + at, c->after, 8ULL * c->qwords);
	memcpy(w->subject->bytes + at, c->after, 8ULL * c->qwords);
}

static void carry_out(struct software *w, const struct gen_copy *witness,
		      const struct gen_change *c)
{
	write_entry(w, witness, c);
	do_duties(w, c);
}

static bool is_consistent(const struct software *w, const struct vtd_pasid_entry *e)
{
	const struct gen_world *world = w->subject->world;
	struct vtd_rules rules = {.cap = world->cap, .ecap = world->ecap, .haw = world->haw};

	return vtd_pasid_entry_P(e) && !vtd_pasid_entry_has_reserved(e, &rules);
}

/*
 * VT-d 6.2.3.1: a present entry is consistent at every instant, and what tells its tables and tags
 * changes only while P=0 (or all at once). For A/D bits of the second stage the duties are those of
 * P 1 to 0.
 */
static bool may_change_in_place(const struct software *w, const struct gen_change *c)
{
	struct vtd_pasid_entry old, new;

	memcpy(&old, c->before, sizeof(old));
	memcpy(&new, c->after, sizeof(new));
	return is_consistent(w, &old) && is_consistent(w, &new) &&
	       vtd_pasid_entry_PGTT(&old) == vtd_pasid_entry_PGTT(&new) &&
	       vtd_pasid_entry_DID(&old) == vtd_pasid_entry_DID(&new) &&
	       vtd_pasid_entry_AW(&old) == vtd_pasid_entry_AW(&new) &&
	       vtd_pasid_entry_SSPTPTR(&old) == vtd_pasid_entry_SSPTPTR(&new) &&
	       vtd_pasid_entry_SSADE(&old) >= vtd_pasid_entry_SSADE(&new);
}

void software_change(struct software *w, const struct gen_copy *witness,
		     const struct gen_change *change)
{
	struct gen_change first = *change, second = *change;

	if (change->kind != GEN_PASID || !(change->before[0] & change->after[0] & 1) ||
	    may_change_in_place(w, change)) {
		carry_out(w, witness, change);
		return;
	}
	memcpy(first.after, first.before, sizeof(first.after));
	first.after[0] &= ~UINT64_C(1);
	memcpy(second.before, first.after, sizeof(second.before));
	carry_out(w, witness, &first);
	carry_out(w, witness, &second);
}
