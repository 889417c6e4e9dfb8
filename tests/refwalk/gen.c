/* SPDX-License-Identifier: MIT */
#include "gen.h"
#include "gen_chance.h"

#include <string.h>

#define DOMAINS_MAX  3
#define MAPPINGS_MAX 16

struct mapping {
	uint64_t addr;
	unsigned lg2;
};

struct domain;

struct tree {
	bool second;
	unsigned levels;
	uint64_t root;         /* host address */
	uint64_t to_guest;     /* added to pointers: first-stage tables that live in guest memory */
	struct domain *domain; /* nested: maps the tables of this tree */
	unsigned ad_pct;       /* how often A, D and EA are set beforehand */
	uint16_t rid;          /* whose first stage */
	uint32_t pasid;
};

struct domain {
	struct tree tree;
	unsigned aw;
	uint16_t did;
	bool ade;
	unsigned gaw;
	uint64_t window; /* guest address of the arena */
	unsigned window_level;
	unsigned mapping_count;
	struct mapping mappings[MAPPINGS_MAX];
};

struct build {
	struct gen_world *world;
	uint8_t *bytes;
	struct gen_rng rng;
	size_t next_page; /* offset of the first page not handed out */
	uint64_t root;
	unsigned domain_count;
	struct domain domains[DOMAINS_MAX];
	unsigned pasid_count;
	uint64_t pasid_tags[GEN_SLOTS]; /* PASID and domain id of each entry made */
};

struct gen_rng gen_rng_from(uint64_t seed)
{
	return (struct gen_rng){seed ^ 0x5851f42d4c957f2dULL};
}

/* ---- memory */

static uint8_t *locate(const struct gen_copy *copy, uint64_t hpa, unsigned len, uint8_t refusing)
{
	const struct gen_world *world = copy->world;
	uint64_t offset = hpa - world->base;

	if (hpa < world->base || offset >= world->len || len > world->len - offset)
		return NULL;
	if (world->page_flags[offset / PAGE] & refusing)
		return NULL;
	return copy->bytes + offset;
}

bool gen_mem_read(void *ctx, uint64_t hpa, void *buf, unsigned len)
{
	const uint8_t *from = locate(ctx, hpa, len, GEN_PAGE_UNREADABLE);

	if (from)
		memcpy(buf, from, len);
	return from != NULL;
}

bool gen_mem_cas64(void *ctx, uint64_t hpa, uint64_t *expected, uint64_t desired)
{
	uint8_t *at = locate(ctx, hpa, 8, GEN_PAGE_UNREADABLE | GEN_PAGE_READONLY);
	uint64_t found;

	if (!at)
		return false;
	memcpy(&found, at, 8);
	if (found == *expected)
		memcpy(at, &desired, 8);
	*expected = found;
	return true;
}

struct refwalk_unit gen_unit(struct gen_copy *copy)
{
	const struct gen_world *world = copy->world;

	return (struct refwalk_unit){.cap = world->cap,
				     .ecap = world->ecap,
				     .rtaddr = world->rtaddr,
				     .haw = world->haw,
				     .te = world->te,
				     .mem = {copy, gen_mem_read, gen_mem_cas64}};
}

static uint64_t peek(const struct build *b, uint64_t hpa)
{
	uint64_t value;

	memcpy(&value, b->bytes + (hpa - b->world->base), 8);
	return value;
}

static void poke(struct build *b, uint64_t hpa, uint64_t value)
{
	memcpy(b->bytes + (hpa - b->world->base), &value, 8);
}

static void remember_slot(struct build *b, enum gen_kind kind, const struct gen_slot *slot)
{
	struct gen_slots *slots = &b->world->slots[kind];

	if (slots->count < GEN_SLOTS)
		slots->at[slots->count++] = *slot;
}

static void remember_table(struct build *b, enum gen_kind kind, uint64_t hpa, uint16_t rid,
			   uint32_t pasid)
{
	remember_slot(b, kind, &(struct gen_slot){.hpa = hpa, .rid = rid, .pasid = pasid});
}

static void remember_entry(struct build *b, const struct tree *tree, uint64_t hpa, unsigned level,
			   uint64_t addr)
{
	struct gen_slot slot = {.hpa = hpa,
				.addr = addr >> (12 + 9 * (level - 1)) << (12 + 9 * (level - 1)),
				.root = tree->root,
				.level = level,
				.rid = tree->rid,
				.pasid = tree->pasid};

	remember_slot(b, tree->second ? GEN_SECOND : GEN_FIRST, &slot);
}

/* 0 if the arena is used up. */
static uint64_t alloc_page(struct build *b)
{
	uint64_t hpa = b->world->base + b->next_page;

	if (b->next_page >= b->world->len)
		return 0;
	b->next_page += PAGE;
	return hpa;
}

static bool has_cap(const struct build *b, unsigned bit)
{
	return b->world->cap & BIT(bit);
}

static bool has_ecap(const struct build *b, unsigned bit)
{
	return b->world->ecap & BIT(bit);
}

/* ---- capabilities that a real unit could report together, VT-d 11.4.2 and 11.4.3 */

static uint64_t scalable_ecap(struct gen_rng *rng, bool dt, bool pt)
{
	bool fsts = percent(rng, 88), ssts = percent(rng, 88) || !(fsts || pt);
	bool srs = percent(rng, 80), pasid = percent(rng, 94), smpwc = percent(rng, 80);
	uint64_t ecap = BIT(43) | (fsts ? BIT(47) : 0) | (ssts ? BIT(46) : 0);

	ecap |= bit_if(rng, 30, 25) | bit_if(rng, 70, 49);
	if (fsts && ssts)
		ecap |= bit_if(rng, 85, 26);
	if (dt)
		ecap |= bit_if(rng, 85, 29);
	if (srs)
		ecap |= BIT(31) | bit_if(rng, 50, 53);
	if (pasid) {
		static const uint8_t pss[] = {19, 19, 19, 19, 14, 13, 11, 7};

		ecap |= BIT(40) | bit_if(rng, 60, 30) | (uint64_t)pss[below(rng, 8)] << 35;
	}
	if (smpwc)
		ecap |= BIT(48) | (fsts ? bit_if(rng, 60, 34) : 0) | bit_if(rng, ssts ? 75 : 0, 45);
	return ecap;
}

static uint64_t random_ecap(struct gen_rng *rng)
{
	bool dt = percent(rng, 85), pt = percent(rng, 85);
	uint64_t ecap = BIT(1) | BIT(3) | (pt ? BIT(6) : 0) | 0x50ULL << 8; /* QI, IR, IRO */

	ecap |= bit_if(rng, 70, 0) | bit_if(rng, 70, 7) | bit_if(rng, 60, 52);
	if (dt)
		ecap |= BIT(2) | bit_if(rng, 50, 33) | bit_if(rng, 50, 42);
	if (percent(rng, 95))
		ecap |= scalable_ecap(rng, dt, pt);
	return ecap;
}

static uint64_t random_cap(struct gen_rng *rng, uint64_t ecap)
{
	/* ND, PSI, NFR, MAMV, DWD, DRD, FRO, ESRTPS */
	uint64_t cap = 6 | BIT(39) | 7ULL << 40 | 18ULL << 48 | BIT(54) | BIT(55) | 0x40ULL << 24;
	bool second = ecap & BIT(46) || !(ecap & BIT(43));
	unsigned widest = 47;

	cap |= BIT(63) | bit_if(rng, 20, 7) | bit_if(rng, 50, 22);
	cap |= bit_if(rng, 75, 56) | bit_if(rng, 65, 60);
	if (second) {
		uint64_t sagaw = 1 + below(rng, 7);

		cap |= sagaw << 9;
		widest = sagaw & 4 ? 56 : sagaw & 2 ? 47 : 38;
		cap |= percent(rng, 70) ? 3ULL << 34 : bit_if(rng, 50, 34);
	}
	if (percent(rng, 30))
		widest = (unsigned)(35 + below(rng, 28));
	return cap | (uint64_t)widest << 16;
}

/* ---- paging trees */

static bool is_mapped(const struct tree *tree, uint64_t entry)
{
	return entry & (tree->second ? 3 : 1);
}

/* Bits that hardware ignores everywhere in an entry of this stage. */
static uint64_t ignored_bits(struct gen_rng *rng, const struct tree *tree)
{
	uint64_t software = tree->second ? 0xbff0000000000404ULL : 0xfff0000000000a00ULL;

	return percent(rng, 20) ? next(rng) & software : 0;
}

static uint64_t table_bits(struct build *b, const struct tree *tree)
{
	struct gen_rng *rng = &b->rng;
	uint64_t bits = ignored_bits(rng, tree);

	if (tree->second)
		return bits | (percent(rng, 97) ? 3 : 1 + below(rng, 2)) |
		       bit_if(rng, tree->ad_pct, 8);
	return bits | 1 | bit_if(rng, 97, 1) | bit_if(rng, 97, 2) | bit_if(rng, tree->ad_pct, 5) |
	       bit_if(rng, tree->ad_pct, 10);
}

static uint64_t leaf_bits(struct build *b, const struct tree *tree, unsigned level)
{
	struct gen_rng *rng = &b->rng;
	uint64_t bits = ignored_bits(rng, tree) | (level > 1 ? BIT(7) : 0);

	if (tree->second) {
		bits |= percent(rng, 80) ? 3 : 1 + below(rng, 2);
		bits |= bit_if(rng, tree->ad_pct, 8) | bit_if(rng, tree->ad_pct, 9);
		return bits | (next(rng) & 0x78) | (has_ecap(b, 7) ? bit_if(rng, 30, 11) : 0);
	}
	bits |= 1 | bit_if(rng, 80, 1) | bit_if(rng, 88, 2);
	bits |= bit_if(rng, tree->ad_pct, 5) | bit_if(rng, tree->ad_pct, 6);
	return bits | bit_if(rng, tree->ad_pct, 10) | (next(rng) & 0x118) |
	       bit_if(rng, 30, level > 1 ? 12 : 7);
}

static bool tree_map(struct build *b, struct tree *tree, uint64_t addr, unsigned leaf_level,
		     uint64_t entry);

/* Let the second stage map a page of first-stage tables, at its place in the window. */
static void window_map(struct build *b, struct domain *domain, uint64_t hpa)
{
	uint64_t rights = percent(&b->rng, 97) ? 3 : 1 + below(&b->rng, 2);
	uint64_t ad =
		bit_if(&b->rng, domain->tree.ad_pct, 8) | bit_if(&b->rng, domain->tree.ad_pct, 9);

	if (domain->window_level == 1)
		tree_map(b, &domain->tree, hpa - b->world->base + domain->window, 1,
			 hpa | rights | ad);
}

static uint64_t alloc_table(struct build *b, struct tree *tree)
{
	uint64_t hpa = alloc_page(b);

	if (hpa && tree->domain)
		window_map(b, tree->domain, hpa);
	return hpa;
}

static bool tree_map(struct build *b, struct tree *tree, uint64_t addr, unsigned leaf_level,
		     uint64_t entry)
{
	uint64_t table = tree->root, slot;

	for (unsigned level = tree->levels;; level--) {
		slot = table + 8 * (addr >> (12 + 9 * (level - 1)) & 511);
		if (level == leaf_level)
			break;
		if (!is_mapped(tree, peek(b, slot))) {
			table = alloc_table(b, tree);
			if (!table)
				return false;
			poke(b, slot, (table + tree->to_guest) | table_bits(b, tree));
			remember_entry(b, tree, slot, level, addr);
		} else if (level <= 3 && peek(b, slot) & BIT(7)) {
			return false;
		}
		table = (peek(b, slot) & ADDR_FIELD) - tree->to_guest;
	}
	if (is_mapped(tree, peek(b, slot)))
		return false;
	poke(b, slot, entry);
	remember_entry(b, tree, slot, leaf_level, addr);
	return true;
}

static unsigned random_leaf_level(struct build *b, bool may_2m, bool may_1g)
{
	if (may_1g && percent(&b->rng, 20))
		return 3;
	return may_2m && percent(&b->rng, 35) ? 2 : 1;
}

/* Close to an earlier address quite often, so that tables are shared and have many shapes. */
static uint64_t random_addr(struct build *b, uint64_t near)
{
	static const uint8_t reach[] = {15, 22, 31, 40};

	if (percent(&b->rng, 3))
		return 0xfee00000ULL + below(&b->rng, 0x100000);
	if (near && percent(&b->rng, 55))
		return near ^ (next(&b->rng) & low_mask(reach[below(&b->rng, 4)]));
	return next(&b->rng);
}

static uint64_t random_output(struct build *b)
{
	uint64_t chance = below(&b->rng, 100);

	if (chance < 4)
		return 0xfee00000ULL + below(&b->rng, 0x100000);
	if (chance < 50)
		return b->world->base + below(&b->rng, b->world->len);
	return next(&b->rng) & low_mask(b->world->haw);
}

/* ---- second-stage domains */

/* Guest addresses that fit a first-stage entry, too. */
static unsigned guest_bits(const struct build *b, const struct domain *d)
{
	return d->gaw < b->world->haw ? d->gaw : b->world->haw;
}

static void fill_domain(struct build *b, struct domain *d)
{
	unsigned wanted = 3 + (unsigned)below(&b->rng, MAPPINGS_MAX - 3);
	unsigned bits = percent(&b->rng, 80) ? guest_bits(b, d) : d->gaw;
	uint64_t addr = 0;

	for (unsigned i = 0; i < wanted; i++) {
		unsigned level = random_leaf_level(b, has_cap(b, 34), has_cap(b, 35));
		unsigned lg2 = 12 + 9 * (level - 1);
		uint64_t out = random_output(b) & ~low_mask(lg2);

		addr = random_addr(b, addr) & low_mask(bits) & ~low_mask(lg2);
		if (tree_map(b, &d->tree, addr, level, out | leaf_bits(b, &d->tree, level)))
			d->mappings[d->mapping_count++] = (struct mapping){addr, lg2};
	}
}

/* The arena as the guest sees it, so that first-stage tables may live in it. */
static void open_window(struct build *b, struct domain *d)
{
	uint64_t end = b->world->base + b->world->len;
	unsigned level = random_leaf_level(b, has_cap(b, 34), has_cap(b, 35));
	uint64_t step = BIT(12 + 9 * (level - 1));

	d->window = below(&b->rng, BIT(guest_bits(b, d) - 30)) << 30;
	d->window_level = level;
	if (level == 1)
		return;
	for (uint64_t hpa = b->world->base; hpa < end; hpa += step)
		tree_map(b, &d->tree, hpa - b->world->base + d->window, level,
			 hpa | BIT(7) | 3 | bit_if(&b->rng, d->tree.ad_pct, 8) |
				 bit_if(&b->rng, d->tree.ad_pct, 9));
}

static unsigned random_aw(struct build *b)
{
	unsigned aw;

	do
		aw = 1 + (unsigned)below(&b->rng, 3);
	while (!has_cap(b, 8 + aw));
	return aw;
}

static void make_domain(struct build *b, uint16_t did)
{
	struct domain *d = &b->domains[b->domain_count++];
	unsigned mgaw = (unsigned)(b->world->cap >> 16 & 63) + 1;

	d->aw = random_aw(b);
	d->did = did;
	d->ade = b->world->scalable && has_ecap(b, 45) && percent(&b->rng, 60);
	d->gaw = 30 + 9 * d->aw < mgaw ? 30 + 9 * d->aw : mgaw;
	d->tree = (struct tree){.second = true, .levels = d->aw + 2, .root = alloc_page(b)};
	d->tree.ad_pct = percent(&b->rng, 50) ? 30 : 97;
	open_window(b, d);
	fill_domain(b, d);
}

static void make_domains(struct build *b)
{
	unsigned count = 1 + (unsigned)below(&b->rng, DOMAINS_MAX);

	if (!(b->world->cap & 7ULL << 9))
		return;
	for (unsigned i = 0; i < count; i++)
		make_domain(b, (uint16_t)(2 + i));
}

static struct domain *random_domain(struct build *b)
{
	return b->domain_count ? &b->domains[below(&b->rng, b->domain_count)] : NULL;
}

/* ---- targets */

static void add_target(struct build *b, const struct gen_target *who, uint64_t addr, unsigned lg2)
{
	struct gen_world *world = b->world;
	struct gen_target *target;

	if (world->target_count == GEN_TARGETS)
		return;
	target = &world->targets[world->target_count++];
	*target = *who;
	target->addr = addr;
	target->lg2 = lg2;
}

static void aim_at_domain(struct build *b, const struct gen_target *who, const struct domain *d)
{
	for (unsigned i = 0; i < d->mapping_count; i++)
		add_target(b, who, d->mappings[i].addr, d->mappings[i].lg2);
}

static void aim_at_identity(struct build *b, const struct gen_target *who)
{
	for (unsigned i = 0; i < 3; i++)
		add_target(b, who, random_output(b) & ~low_mask(12), 12);
}

static uint64_t canonical(uint64_t addr, unsigned bits)
{
	return addr >> (bits - 1) & 1 ? addr | ~low_mask(bits) : addr & low_mask(bits);
}

/* One page of the first stage; nested ones point at something the second stage maps. */
static void map_first(struct build *b, struct tree *tree, const struct gen_target *who,
		      uint64_t *addr)
{
	unsigned level = random_leaf_level(b, true, has_cap(b, 56)), lg2 = 12 + 9 * (level - 1);
	uint64_t out = random_output(b), hit = 0;
	const struct domain *d = tree->domain;

	*addr = canonical(random_addr(b, *addr), 12 + 9 * tree->levels) & ~low_mask(lg2);
	if (d && d->mapping_count) {
		const struct mapping *m = &d->mappings[below(&b->rng, d->mapping_count)];

		out = m->addr | (next(&b->rng) & low_mask(m->lg2));
		hit = out & low_mask(lg2) & ~low_mask(12);
	}
	out &= low_mask(b->world->haw) & ~low_mask(lg2);
	if (!tree_map(b, tree, *addr, level, out | leaf_bits(b, tree, level)))
		return;
	add_target(b, who, *addr | hit, d ? 12 : lg2);
}

/* ---- PASID entries, VT-d 9.6 */

static bool random_pgtt(struct build *b, unsigned *pgtt)
{
	static const uint8_t needs[5] = {0, 47, 46, 26, 6};

	for (unsigned tries = 0; tries < 64; tries++) {
		*pgtt = percent(&b->rng, 40) ? 3 : 1 + (unsigned)below(&b->rng, 4);
		if (has_ecap(b, needs[*pgtt]))
			return true;
	}
	return false;
}

static uint64_t make_first(struct build *b, const struct gen_target *who, struct domain *d,
			   bool snooped)
{
	bool five = has_cap(b, 60) && percent(&b->rng, 50);
	bool eafe = has_ecap(b, 34) && percent(&b->rng, 40);
	struct tree tree = {
		.levels = five ? 5 : 4, .domain = d, .rid = who->rid, .pasid = who->pasid};
	uint64_t addr = 0;

	tree.to_guest = d ? d->window - b->world->base : 0;
	tree.ad_pct = snooped && percent(&b->rng, 60) ? 30 : snooped ? 80 : 97;
	tree.root = alloc_table(b, &tree);
	if (!tree.root)
		return 0;
	for (uint64_t i = 2 + below(&b->rng, 8); i > 0; i--)
		map_first(b, &tree, who, &addr);
	return (tree.root + tree.to_guest) | (five ? BIT(2) : 0) | bit_if(&b->rng, 50, 4) |
	       (eafe ? BIT(7) : 0);
}

/*
 * VT-d 6.2.3.1: entries of the same PASID and domain say the same. An entry that would be the
 * second with its tags therefore gets a domain id of its own.
 */
static uint16_t lawful_did(struct build *b, uint32_t pasid, uint16_t did)
{
	uint64_t tag = (uint64_t)pasid << 16 | did;

	for (unsigned i = 0; i < b->pasid_count; i++)
		if (b->pasid_tags[i] == tag)
			did = (uint16_t)(16 + b->pasid_count);
	if (b->pasid_count < GEN_SLOTS)
		b->pasid_tags[b->pasid_count++] = (uint64_t)pasid << 16 | did;
	return did;
}

static void make_pasid_entry(struct build *b, const struct gen_target *who, uint64_t hpa)
{
	bool snooped = has_ecap(b, 48) && percent(&b->rng, 85);
	struct domain *d = NULL;
	uint64_t q[3] = {1, 0, 0};
	unsigned pgtt;

	if (!random_pgtt(b, &pgtt))
		return;
	q[0] |= (uint64_t)pgtt << 6 | bit_if(&b->rng, 5, 1);
	q[1] |= snooped ? BIT(23) : 0;
	q[1] |= has_ecap(b, 7) ? bit_if(&b->rng, 30, 24) : 0;
	q[1] |= has_ecap(b, 25) ? next(&b->rng) & (3ULL << 25) : 0;
	q[1] |= 0x0007040600070406ULL & ~low_mask(32);
	if (pgtt == 2 || pgtt == 3) {
		d = random_domain(b);
		q[0] |= d->tree.root | (uint64_t)d->aw << 2 | (d->ade ? BIT(9) : 0);
	}
	q[1] |= lawful_did(b, who->pasid, d ? d->did : 1);
	if (pgtt == 1 || pgtt == 3)
		q[2] |= make_first(b, who, d, snooped);
	q[2] |= has_ecap(b, 31) ? bit_if(&b->rng, 80, 0) : 0;
	for (unsigned i = 0; i < 3; i++)
		poke(b, hpa + 8ULL * i, q[i]);
	remember_table(b, GEN_PASID, hpa, who->rid, who->pasid);
	if (pgtt == 2)
		aim_at_domain(b, who, d);
	if (pgtt == 4)
		aim_at_identity(b, who);
}

static void make_pasid(struct build *b, const struct gen_target *who, uint64_t directory)
{
	uint64_t slot = directory + 8ULL * (who->pasid >> 6);
	uint64_t table, entry;

	if (!(peek(b, slot) & 1)) {
		table = alloc_page(b);
		if (!table)
			return;
		poke(b, slot, table | 1 | bit_if(&b->rng, 5, 1));
		remember_table(b, GEN_DIRECTORY, slot, who->rid, who->pasid);
	}
	entry = (peek(b, slot) & ADDR_FIELD) + 64ULL * (who->pasid & 63);
	if (!(peek(b, entry) & 1))
		make_pasid_entry(b, who, entry);
}

/* ---- context entries and root, VT-d 9.1 to 9.4 */

/* Directories keep to one page, so PASIDs stay below 2^15. */
static uint32_t random_pasid(struct build *b, unsigned pdts)
{
	unsigned pss = (unsigned)(b->world->ecap >> 35 & 31) + 1;
	unsigned bits = pss < pdts + 13 ? pss : pdts + 13;

	if (percent(&b->rng, 60) && bits > 8)
		bits = 8;
	return (uint32_t)(next(&b->rng) & low_mask(bits < 15 ? bits : 15));
}

static void make_scalable_context(struct build *b, uint16_t rid, uint64_t hpa)
{
	unsigned pdts = (unsigned)below(&b->rng, 8);
	uint64_t directory = alloc_page(b);
	bool dte = has_ecap(b, 2) && percent(&b->rng, 90);
	bool pre = dte && has_ecap(b, 29) && percent(&b->rng, 85);
	struct gen_target who = {.rid = rid};
	uint64_t priv;

	if (!directory)
		return;
	priv = has_ecap(b, 53) ? bit_if(&b->rng, 20, 20) : 0;
	if (has_ecap(b, 49))
		who.pasid = random_pasid(b, pdts);
	poke(b, hpa,
	     directory | 1 | bit_if(&b->rng, 5, 1) | (uint64_t)pdts << 9 | (dte ? BIT(2) : 0) |
		     (has_ecap(b, 40) ? bit_if(&b->rng, 95, 3) : 0) | (pre ? BIT(4) : 0));
	poke(b, hpa + 8, who.pasid | priv);
	remember_table(b, GEN_CONTEXT, hpa, rid, 0);
	make_pasid(b, &who, directory);
	who.has_pasid = true;
	for (uint64_t i = has_ecap(b, 40) ? 1 + below(&b->rng, 4) : 0; i > 0; i--) {
		who.pasid = random_pasid(b, pdts);
		make_pasid(b, &who, directory);
	}
}

static void make_legacy_context(struct build *b, uint16_t rid, uint64_t hpa)
{
	const struct domain *d = random_domain(b);
	struct gen_target who = {.rid = rid};
	uint64_t tt = percent(&b->rng, 50) && has_ecap(b, 2) ? 1 : 0;

	if (has_ecap(b, 6) && percent(&b->rng, 15))
		tt = 2;
	if (tt == 2)
		aim_at_identity(b, &who);
	else
		aim_at_domain(b, &who, d);
	poke(b, hpa, d->tree.root | tt << 2 | 1 | bit_if(&b->rng, 5, 1));
	poke(b, hpa + 8, d->aw | (next(&b->rng) & 0x78) | (uint64_t)d->did << 8);
	remember_table(b, GEN_CONTEXT, hpa, rid, 0);
}

static void make_device(struct build *b)
{
	uint16_t rid = (uint16_t)next(&b->rng);
	uint64_t slot = b->root + 16ULL * (rid >> 8), table, entry;

	if (b->world->scalable)
		slot += rid >> 4 & 8;
	if (!(peek(b, slot) & 1)) {
		table = alloc_page(b);
		if (!table)
			return;
		poke(b, slot, table | 1);
		remember_table(b, GEN_ROOT, slot, rid, 0);
	}
	entry = peek(b, slot) & ADDR_FIELD;
	entry += b->world->scalable ? 32ULL * (rid & 0x7f) : 16ULL * (rid & 0xff);
	if (peek(b, entry) & 1)
		return;
	if (b->world->scalable)
		make_scalable_context(b, rid, entry);
	else
		make_legacy_context(b, rid, entry);
}

/* ---- pages that refuse */

static void spoil_pages(struct build *b)
{
	size_t used = b->next_page / PAGE;

	for (unsigned i = 0; percent(&b->rng, 25) && i < 4; i++)
		b->world->page_flags[below(&b->rng, used)] |= GEN_PAGE_READONLY;
	for (unsigned i = 0; percent(&b->rng, 12) && i < 4; i++)
		b->world->page_flags[below(&b->rng, used)] |= GEN_PAGE_UNREADABLE;
}

/* ---- the world */

static uint64_t random_ttm(struct build *b)
{
	bool scalable = has_ecap(b, 43);

	if (percent(&b->rng, 4))
		return below(&b->rng, 4);
	if (!(b->world->cap & 7ULL << 9))
		return 1;
	return scalable && percent(&b->rng, 82) ? 1 : 0;
}

static void make_unit(struct build *b)
{
	static const uint8_t haws[] = {39, 42, 46, 46, 48, 52, 52, 52};
	struct gen_world *world = b->world;

	world->ecap = random_ecap(&b->rng);
	world->cap = random_cap(&b->rng, world->ecap);
	world->haw = haws[below(&b->rng, 8)];
	world->te = percent(&b->rng, 99);
	/* 1 GiB aligned for the window, above the interrupt range, and small enough for nesting */
	world->base = (4 + below(&b->rng, 8)) << 30;
}

static void make_noise(struct build *b)
{
	b->world->noise = alloc_page(b);
	for (uint64_t at = 0; at < PAGE; at += 8)
		poke(b, b->world->noise + at, sparse_bits(&b->rng));
}

static void build_world(struct build *b, unsigned density)
{
	struct gen_world *world = b->world;
	uint64_t ttm = random_ttm(b);

	/* Without second stage there is nothing to build in legacy mode; TTM still says so. */
	world->scalable = ttm != 0 || !(world->cap & 7ULL << 9);
	make_noise(b);
	b->root = alloc_page(b);
	world->rtaddr = b->root | ttm << 10;
	make_domains(b);
	for (uint64_t i = 1 + below(&b->rng, 4); i > 0; i--)
		make_device(b);
	for (uint64_t i = below(&b->rng, density + 1); i > 0; i--)
		gen_mutate(&b->rng, world, b->bytes, &(struct gen_change){0});
	if (density)
		spoil_pages(b);
	if (density && percent(&b->rng, 1))
		world->rtaddr = (world->rtaddr & 0xfff) | gen_nowhere(&b->rng, world);
}

void gen_world(struct gen_world *world, uint64_t seed, uint8_t *bytes, size_t len, unsigned density)
{
	struct build b = {.world = world, .bytes = bytes, .rng = gen_rng_from(seed)};

	memset(world, 0, sizeof(*world));
	memset(bytes, 0, len);
	world->len = len;
	make_unit(&b);
	build_world(&b, density);
}

void gen_world_again(struct gen_world *world, uint64_t seed, uint8_t *bytes, unsigned density)
{
	struct build b = {.world = world, .bytes = bytes, .rng = gen_rng_from(seed)};
	struct gen_world unit = {.cap = world->cap,
				 .ecap = world->ecap,
				 .haw = world->haw,
				 .base = world->base,
				 .len = world->len};

	*world = unit;
	memset(bytes, 0, world->len);
	world->te = percent(&b.rng, 99);
	build_world(&b, density);
}

/* ---- requests */

static uint64_t stray_addr(struct gen_rng *rng)
{
	switch (below(rng, 5)) {
	case 0:
		return 0xfee00000ULL + below(rng, 0x100000);
	case 1:
		return next(rng);
	case 2:
		return next(rng) & low_mask(48);
	case 3:
		return next(rng) & low_mask(39);
	default:
		return next(rng) & low_mask(57);
	}
}

static void choose_access(struct gen_rng *rng, struct refwalk_request *r)
{
	uint64_t chance = below(rng, 100);

	r->write = chance < 45;
	r->read = chance >= 35;
	r->lpig = percent(rng, 50);
	if (r->type == REFWALK_UNTRANSLATED && !r->write)
		r->zero_length = percent(rng, 10);
	if (r->has_pasid) {
		r->priv = percent(rng, 15);
		r->exec = !r->write && percent(rng, 6);
	}
}

static void choose_type(struct gen_rng *rng, struct refwalk_request *r)
{
	uint64_t chance = below(rng, 100);

	r->type = chance < 72   ? REFWALK_UNTRANSLATED
		  : chance < 93 ? REFWALK_TRANSLATION_REQUEST
				: REFWALK_PAGE_REQUEST;
}

static void choose(struct gen_rng *rng, struct refwalk_request *r)
{
	/* RID_PASID as a PASID, VT-d 9.4 */
	if (percent(rng, 2))
		r->has_pasid = true;
	if (percent(rng, 3)) {
		r->has_pasid = true;
		r->pasid = (uint32_t)below(rng, percent(rng, 50) ? 1 << 20 : 300);
	}
	choose_type(rng, r);
	choose_access(rng, r);
}

static void aim(struct gen_rng *rng, struct refwalk_request *r, const struct gen_target *t)
{
	r->rid = t->rid;
	r->has_pasid = t->has_pasid;
	r->pasid = t->pasid;
	if (!percent(rng, 6))
		r->addr = t->addr | (next(rng) & low_mask(t->lg2));
}

struct refwalk_request gen_request_at(struct gen_rng *rng, const struct gen_target *target)
{
	struct refwalk_request r = {.addr = stray_addr(rng)};

	aim(rng, &r, target);
	choose(rng, &r);
	return r;
}

struct refwalk_request gen_request(struct gen_rng *rng, const struct gen_world *world)
{
	struct refwalk_request r = {.rid = (uint16_t)next(rng), .addr = stray_addr(rng)};

	if (world->target_count && !percent(rng, 1))
		aim(rng, &r, &world->targets[below(rng, world->target_count)]);
	choose(rng, &r);
	return r;
}
