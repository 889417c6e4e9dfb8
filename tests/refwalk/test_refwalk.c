/* SPDX-License-Identifier: MIT */
/*
 * Tests of the witness itself: tables built by hand, expectations computed by hand. Entries are
 * written as numbers on purpose; bit names would come from the code under test.
 *
 * One device, 03:02.0 (RID 0310h), and one page for each table. The address used most has table
 * indices 1, 2, 3, 4, 5 from level 5 down to level 1 and page offset 678h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gen.h"
#include "refwalk.h"

#define BASE  0x100000ULL
#define PAGES 16
#define ROOT  0x100000ULL
#define CTX   0x101000ULL
#define DIR   0x102000ULL
#define PTBL  0x103000ULL
#define FS5   0x104000ULL
#define FS4   0x105000ULL
#define FS3   0x106000ULL
#define FS2   0x107000ULL
#define FS1   0x108000ULL
#define SS5   0x109000ULL
#define SS4   0x10a000ULL
#define SS3   0x10b000ULL
#define SS2   0x10c000ULL
#define SS1   0x10d000ULL
#define UCTX  0x10e000ULL

#define RID   0x0310
#define RE    (ROOT + 3 * 16)
#define CE    (CTX + 0x10 * 32)
#define LCE   (CTX + 0x10 * 16)
#define PASID 0x43 /* directory entry 1, table entry 3 */
#define DE    (DIR + 1 * 8)
#define PE    (PTBL + 3 * 64)

#define ADDR5 0x00010100c0805678ULL
#define ADDR4 0x00000100c0805678ULL
#define ADDR3 0x00000000c0805678ULL

/* Nested: the guest sees host page X at X + 200000h; its data page is 3a0000h. */
#define GUEST(hpa) ((hpa) + 0x200000ULL)
#define GPAGE      0x3a0000ULL
#define SSPTE(gpa) (SS1 + 8 * ((gpa) >> 12 & 511))

/* ND=6, SAGAW 39/48/57, MGAW 57, ZLR, SSLPS 2M+1G, FS1GP, FS5LP */
#define CAP_ALL (6ULL | 7ULL << 9 | 56ULL << 16 | 1ULL << 22 | 3ULL << 34 | 1ULL << 56 | 1ULL << 60)
/* DT PT SC MTS NEST PRS ERS SRS NWFS EAFS PSS=19 PASID SMTS SSADS SSTS FSTS SMPWC RPS ADMS RPRIVS
 */
#define ECAP_ALL                                                                                   \
	(1ULL << 1 | 1ULL << 2 | 1ULL << 6 | 1ULL << 7 | 1ULL << 25 | 1ULL << 26 | 1ULL << 29 |    \
	 1ULL << 30 | 1ULL << 31 | 1ULL << 33 | 1ULL << 34 | 19ULL << 35 | 1ULL << 40 |            \
	 1ULL << 43 | 1ULL << 45 | 1ULL << 46 | 1ULL << 47 | 1ULL << 48 | 1ULL << 49 |             \
	 1ULL << 52 | 1ULL << 53)

struct fixture {
	struct refwalk_unit unit;
	uint8_t bytes[PAGES * 4096];
	bool readonly[PAGES], unreadable[PAGES];
	uint64_t race_at; /* the next swap here loses against someone who set race_bits */
	uint64_t race_bits;
	bool race_forever;
};

static struct fixture fx;

static uint8_t *at(uint64_t hpa, unsigned len)
{
	return hpa >= BASE && hpa - BASE + len <= sizeof(fx.bytes) ? fx.bytes + (hpa - BASE) : NULL;
}

static uint64_t get(uint64_t hpa)
{
	uint64_t value;

	memcpy(&value, at(hpa, 8), 8);
	return value;
}

static void put(uint64_t hpa, uint64_t value)
{
	memcpy(at(hpa, 8), &value, 8);
}

static void flip(uint64_t hpa, uint64_t bits)
{
	put(hpa, get(hpa) ^ bits);
}

static bool mem_read(void *ctx, uint64_t hpa, void *buf, unsigned len)
{
	(void)ctx;
	if (!at(hpa, len) || fx.unreadable[(hpa - BASE) / 4096])
		return false;
	memcpy(buf, at(hpa, len), len);
	return true;
}

static bool mem_cas64(void *ctx, uint64_t hpa, uint64_t *expected, uint64_t desired)
{
	uint64_t found;

	(void)ctx;
	if (!at(hpa, 8) || fx.readonly[(hpa - BASE) / 4096])
		return false;
	if (hpa == fx.race_at) {
		fx.race_at = fx.race_forever ? fx.race_at : 0;
		flip(hpa, fx.race_bits);
	}
	found = get(hpa);
	if (found == *expected)
		put(hpa, desired);
	*expected = found;
	return true;
}

/* ---- worlds */

static void start(uint64_t ttm)
{
	memset(&fx, 0, sizeof(fx));
	fx.unit = (struct refwalk_unit){.cap = CAP_ALL,
					.ecap = ECAP_ALL,
					.rtaddr = ROOT | ttm << 10,
					.haw = 46,
					.te = true,
					.mem = {NULL, mem_read, mem_cas64}};
	put(RE, CTX | 1);
}

/* Second-stage path of ADDR5 (or of its lower part), output page 2345000h. */
static void second_stage_path(void)
{
	put(SS5 + 1 * 8, SS4 | 3);
	put(SS4 + 2 * 8, SS3 | 3);
	put(SS3 + 3 * 8, SS2 | 3);
	put(SS2 + 4 * 8, SS1 | 3);
	put(SS1 + 5 * 8, 0x2345000 | 3);
}

static void start_legacy(unsigned aw, uint64_t tt)
{
	static const uint64_t tops[] = {0, SS3, SS4, SS5};

	start(0);
	put(LCE, tops[aw] | tt << 2 | 1);
	put(LCE + 8, aw | 9 << 8);
	second_stage_path();
}

static void start_scalable(void)
{
	start(1);
	put(CE, DIR | 0x1d); /* PDTS=0, PRE, PASIDE, DTE, P */
	put(CE + 8, 0x44);   /* RID_PASID */
	put(DE, PTBL | 1);
}

static void start_second(unsigned aw)
{
	static const uint64_t tops[] = {0, SS3, SS4, SS5};

	start_scalable();
	put(PE, tops[aw] | 2 << 6 | aw << 2 | 1);
	put(PE + 8, 1 << 23 | 9);
	second_stage_path();
}

static void start_first(unsigned levels)
{
	start_scalable();
	put(PE, 1 << 6 | 1);
	put(PE + 8, 1 << 23 | 9);
	put(PE + 16, levels == 5 ? FS5 | 4 : FS4);
	put(FS5 + 1 * 8, FS4 | 7);
	put(FS4 + 2 * 8, FS3 | 7);
	put(FS3 + 3 * 8, FS2 | 7);
	put(FS2 + 4 * 8, FS1 | 7);
	put(FS1 + 5 * 8, 0x2345000 | 7);
}

static void start_nested(bool ssade)
{
	start_scalable();
	put(PE, SS4 | 3 << 6 | 2 << 2 | 1 | (ssade ? 1 << 9 : 0));
	put(PE + 8, 1 << 23 | 9);
	put(PE + 16, GUEST(FS4));
	put(FS4 + 2 * 8, GUEST(FS3) | 7);
	put(FS3 + 3 * 8, GUEST(FS2) | 7);
	put(FS2 + 4 * 8, GUEST(FS1) | 7);
	put(FS1 + 5 * 8, GPAGE | 7);
	put(SS4, SS3 | 3);
	put(SS3, SS2 | 3);
	put(SS2 + 8, SS1 | 3);
	for (uint64_t table = FS4; table <= FS1; table += 0x1000)
		put(SSPTE(GUEST(table)), table | 3);
	put(SSPTE(GPAGE), 0x7777000 | 3);
}

static void start_pass(void)
{
	start_scalable();
	put(PE, 4 << 6 | 1);
	put(PE + 8, 9);
}

/* ---- requests and expectations */

enum access { R = 1, W = 2, RW = 3 };

static struct refwalk_request dma(uint64_t addr, enum access access)
{
	return (struct refwalk_request){
		.rid = RID, .addr = addr, .read = access & R, .write = access & W};
}

static struct refwalk_request dma_pasid(uint64_t addr, enum access access)
{
	struct refwalk_request r = dma(addr, access);

	r.has_pasid = true;
	r.pasid = PASID;
	return r;
}

static struct refwalk_request ats(struct refwalk_request r)
{
	r.type = REFWALK_TRANSLATION_REQUEST;
	return r;
}

static struct refwalk_request pri(struct refwalk_request r)
{
	r.type = REFWALK_PAGE_REQUEST;
	r.lpig = true;
	return r;
}

static struct refwalk_request privileged(struct refwalk_request r)
{
	r.priv = true;
	return r;
}

static struct refwalk_result run(struct refwalk_request r)
{
	return refwalk_translate(&fx.unit, &r);
}

static void expect_page(struct refwalk_request r, uint64_t hpa, unsigned lg2, int perms)
{
	struct refwalk_result res = run(r);

	assert_int_equal(res.fault, 0);
	assert_int_equal(res.response, REFWALK_OK);
	assert_false(res.recorded);
	assert_int_equal(res.hpa, hpa);
	assert_int_equal(res.page_lg2, lg2);
	assert_int_equal(res.perm_r | res.perm_w << 1, perms);
	assert_false(res.interrupt || res.untranslated_only);
}

static void expect_answer(struct refwalk_request r, uint8_t fault, enum refwalk_response response,
			  bool recorded)
{
	struct refwalk_result res = run(r);

	assert_int_equal(res.fault, fault);
	assert_int_equal(res.response, response);
	assert_int_equal(res.recorded, recorded);
	if (response != REFWALK_SE)
		assert_true(!res.hpa && !res.page_lg2 && !res.perm_r && !res.perm_w && !res.perm_u);
}

/* An untranslated request that faults. */
static void expect_ur(struct refwalk_request r, uint8_t fault)
{
	expect_answer(r, fault, REFWALK_UR, true);
}

/* The same condition met by all three kinds of request. */
static void expect_all(struct refwalk_request r, uint8_t fault, enum refwalk_response completion)
{
	expect_ur(r, fault);
	expect_answer(ats(r), fault, completion,
		      completion == REFWALK_UR || completion == REFWALK_CA);
	expect_answer(pri(r), fault, REFWALK_IR, true);
}

static void expect_se(struct refwalk_request r, uint8_t fault, uint64_t hpa, int perms)
{
	struct refwalk_result res = run(ats(r));

	expect_answer(ats(r), fault, REFWALK_SE, false);
	assert_int_equal(res.hpa, hpa);
	assert_int_equal(res.perm_r | res.perm_w << 1, perms);
}

/* ---- root table address, TE, interrupts */

static void test_te_off_passes_plain_dma(void **state)
{
	(void)state;
	start_scalable();
	fx.unit.te = false;
	expect_page(dma(0x123456, R), 0x123456, 12, R | W);
	expect_answer(dma_pasid(0x123456, R), 0, REFWALK_UR, false);
	expect_answer(ats(dma(0x123456, R)), 0, REFWALK_UR, false);
	expect_answer(pri(dma(0x123456, R)), 0, REFWALK_IR, false);
}

static void test_rtaddr_modes(void **state)
{
	(void)state;
	start(2);
	expect_all(dma(0, R), 0x30, REFWALK_CA);
	start(3);
	expect_all(dma(0, R), 0x33, REFWALK_UR);
	fx.unit.ecap &= ~(1ULL << 52);
	expect_all(dma(0, R), 0x30, REFWALK_CA);
	start(1);
	fx.unit.ecap &= ~(1ULL << 43);
	expect_all(dma(0, R), 0x30, REFWALK_CA);
	start_legacy(2, 1);
	expect_ur(dma_pasid(0, R), 0x31);
	expect_answer(ats(dma_pasid(0, R)), 0x31, REFWALK_UR, true);
	expect_answer(pri(dma(0, R)), 0x32, REFWALK_IR, true);
	expect_answer(pri(dma_pasid(0, R)), 0x32, REFWALK_IR, true);
}

static void test_interrupt_range_input(void **state)
{
	struct refwalk_request nw = ats(dma(0xfee00000, R));
	struct refwalk_result res;

	(void)state;
	start(2); /* not even a valid RTADDR matters */
	res = run(dma(0xfeeffffc, W));
	assert_true(res.interrupt && res.response == REFWALK_OK && res.hpa == 0xfeeffffc);
	assert_false(run(dma(0xfef00000, W)).interrupt);
	assert_false(run(dma(0xfedffffc, W)).interrupt);
	start_legacy(2, 1);
	res = run(ats(dma(0xfee01000, W)));
	assert_true(res.response == REFWALK_OK && !res.fault && !res.perm_r && res.perm_w);
	assert_true(res.untranslated_only);
	expect_answer(nw, 0, REFWALK_OK, false);
	expect_ur(dma(0xfee01000, R), 6); /* a read is DMA, and nothing is mapped there */
	start_legacy(2, 0);
	expect_answer(ats(dma(0xfee01000, W)), 0xd, REFWALK_UR, true);
	start_second(2);
	expect_ur(dma_pasid(0xfee01000, W), 0x79);
	start_pass();
	expect_ur(dma_pasid(0xfee01000, W), 0x87);
	expect_page(ats(dma_pasid(0xfee01000, W)), 0xfee01000, 12, R | W);
}

/* ---- legacy mode */

static void test_legacy_levels_and_pages(void **state)
{
	(void)state;
	start_legacy(1, 0);
	expect_page(dma(ADDR3, R), 0x2345678, 12, R | W);
	start_legacy(2, 0);
	expect_page(dma(ADDR4, W), 0x2345678, 12, R | W);
	start_legacy(3, 1);
	expect_page(dma(ADDR5, RW), 0x2345678, 12, R | W);
	expect_page(ats(dma(ADDR5, W)), 0x2345678, 12, R | W);
	put(SS2 + 4 * 8, 0x40000000 | 0x83);
	expect_page(dma(ADDR5, W), 0x40005678, 21, R | W);
	put(SS3 + 3 * 8, 0x80000000 | 0x83);
	expect_page(dma(ADDR5, W), 0x80805678, 30, R | W);
	assert_int_equal(get(SS3 + 3 * 8), 0x80000083); /* no A/D in legacy mode */
}

static void test_legacy_root_and_context_faults(void **state)
{
	(void)state;
	start_legacy(2, 1);
	fx.unit.rtaddr = 0x900000;
	expect_ur(dma(ADDR4, R), 0x8);
	expect_answer(ats(dma(ADDR4, R)), 0x8, REFWALK_CA, true);
	start_legacy(2, 1);
	put(RE, 0);
	expect_ur(dma(ADDR4, R), 0x1);
	expect_answer(ats(dma(ADDR4, R)), 0x1, REFWALK_UR, true);
	for (unsigned bit = 1; bit < 128; bit++) {
		if (bit >= 12 && bit < 46)
			continue;
		start_legacy(2, 1);
		flip(RE + bit / 64 * 8, 1ULL << bit % 64);
		expect_ur(dma(ADDR4, R), 0xa);
	}
	start_legacy(2, 1);
	put(RE, 0x900001);
	expect_ur(dma(ADDR4, R), 0x9);
	expect_answer(ats(dma(ADDR4, R)), 0x9, REFWALK_CA, true);
	start_legacy(2, 1);
	flip(LCE, 1);
	expect_ur(dma(ADDR4, R), 0x2);
	flip(LCE, 2); /* FPD counts although P=0 */
	expect_answer(dma(ADDR4, R), 0x2, REFWALK_UR, false);
}

static void test_legacy_context_reserved_bits(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 128; bit++) {
		bool reserved =
			(bit >= 4 && bit < 12) || (bit >= 46 && bit < 64) || bit == 71 || bit >= 88;

		start_legacy(2, 1);
		flip(LCE + bit / 64 * 8, 1ULL << bit % 64);
		if (reserved) {
			expect_ur(dma(ADDR4, R), 0xb);
			expect_answer(ats(dma(ADDR4, R)), 0xb, REFWALK_CA, true);
		} else {
			assert_int_not_equal(run(dma(ADDR4, R)).fault, 0xb);
		}
	}
	start_legacy(2, 2);
	flip(LCE, 1ULL << 60); /* SSPTPTR is ignored in pass-through */
	expect_page(dma(0x5000, W), 0x5000, 12, R | W);
}

static void test_legacy_invalid_context(void **state)
{
	static const uint8_t bad_aw[] = {0, 4, 5, 6, 7};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad_aw); i++) {
		start_legacy(2, 1);
		put(LCE + 8, bad_aw[i]);
		expect_ur(dma(ADDR4, R), 0x3);
	}
	start_legacy(2, 1);
	fx.unit.cap &= ~(1ULL << 10);
	expect_answer(ats(dma(ADDR4, R)), 0x3, REFWALK_CA, true);
	start_legacy(2, 3);
	expect_ur(dma(ADDR4, R), 0x3);
	start_legacy(2, 1);
	fx.unit.ecap &= ~4ULL;
	expect_ur(dma(ADDR4, R), 0x3);
	start_legacy(2, 2);
	fx.unit.ecap &= ~0x40ULL;
	expect_ur(dma(ADDR4, R), 0x3);
	start_legacy(2, 1);
	put(LCE, 0x900005); /* SSPTPTR access error */
	expect_ur(dma(ADDR4, R), 0x3);
}

static void test_legacy_blocked_translation_requests(void **state)
{
	(void)state;
	start_legacy(2, 0);
	expect_answer(ats(dma(ADDR4, R)), 0xd, REFWALK_UR, true);
	start_legacy(2, 2);
	expect_answer(ats(dma(ADDR4, R)), 0xd, REFWALK_UR, true);
	flip(LCE, 2);
	expect_answer(ats(dma(ADDR4, R)), 0xd, REFWALK_UR, false);
}

static void test_legacy_pass_through(void **state)
{
	(void)state;
	start_legacy(3, 2);
	expect_page(dma(0x3fffffffffffULL, W), 0x3fffffffffffULL, 12, R | W);
	expect_ur(dma(0x400000000000ULL, W), 0x4);
	expect_ur(dma(0xfee00010, R), 0xe);
}

static void test_legacy_walk_faults(void **state)
{
	(void)state;
	start_legacy(2, 1);
	put(SS3 + 3 * 8, 0x900003);
	expect_ur(dma(ADDR4, R), 0x7);
	expect_answer(ats(dma(ADDR4, R)), 0x7, REFWALK_CA, true);
	start_legacy(2, 1);
	put(SS2 + 4 * 8, SS1 | 0x803);
	expect_ur(dma(ADDR4, R), 0xc);
	expect_answer(ats(dma(ADDR4, R)), 0xc, REFWALK_CA, true);
	start_legacy(2, 1);
	expect_ur(dma(1ULL << 48, R), 0x4);
	expect_answer(ats(dma(1ULL << 48, R)), 0x4, REFWALK_S0, false);
	fx.unit.cap ^= 56ULL << 16 ^ 39ULL << 16; /* MGAW 40 bits */
	expect_ur(dma(1ULL << 40, R), 0x4);
	start_legacy(2, 1);
	put(SS1 + 5 * 8, 0xfee05000 | 3);
	expect_ur(dma(ADDR4, R), 0xe);
	expect_answer(ats(dma(ADDR4, R)), 0xe, REFWALK_CA, true);
}

static void test_legacy_permissions(void **state)
{
	struct refwalk_request zlr = dma(ADDR4, R);

	(void)state;
	zlr.zero_length = true;
	start_legacy(2, 1);
	put(SS1 + 5 * 8, 0x2345001);
	expect_page(dma(ADDR4, R), 0x2345678, 12, R);
	expect_ur(dma(ADDR4, W), 0x5);
	expect_ur(dma(ADDR4, RW), 0x5);
	expect_se(dma(ADDR4, W), 0x5, 0x2345678, R);
	expect_page(ats(dma(ADDR4, R)), 0x2345678, 12, R);
	start_legacy(2, 1);
	put(SS3 + 3 * 8, SS2 | 2); /* the upper entry decides */
	expect_page(dma(ADDR4, W), 0x2345678, 12, W);
	expect_ur(dma(ADDR4, R), 0x6);
	expect_ur(dma(ADDR4, RW), 0x6);
	expect_se(dma(ADDR4, W), 0x6, 0x2345678, W);
	expect_page(zlr, 0x2345678, 12, W);
	fx.unit.cap &= ~(1ULL << 22);
	expect_ur(zlr, 0x6);
	start_legacy(2, 1);
	put(SS3 + 3 * 8, SS2 | 2);
	put(SS1 + 5 * 8, 0x2345001); /* nothing is left */
	expect_ur(dma(ADDR4, R), 0x6);
	expect_ur(dma(ADDR4, W), 0x5);
	expect_se(dma(ADDR4, W), 0x5, 0, 0);
	expect_se(dma(ADDR4, R), 0x6, 0, 0);
	put(SS2 + 4 * 8, ~3ULL); /* not present hides reserved bits */
	expect_ur(dma(ADDR4, R), 0x6);
}

/* ---- scalable mode: root, context, directory, PASID entry */

static void test_scalable_root(void **state)
{
	struct refwalk_request upper = dma_pasid(ADDR4, R);

	(void)state;
	upper.rid = 0x0390;
	start_first(4);
	fx.unit.rtaddr = 0x900400;
	expect_all(dma_pasid(ADDR4, R), 0x38, REFWALK_CA);
	start_first(4);
	put(RE, 0);
	put(RE + 8, UCTX | 1);
	expect_all(dma_pasid(ADDR4, R), 0x39, REFWALK_UR);
	put(UCTX + 0x10 * 32, DIR | 0xd);
	expect_page(upper, 0x2345678, 12, R | W);
	for (unsigned bit = 1; bit < 64; bit++) {
		start_first(4);
		flip(RE, 1ULL << bit);
		put(RE + 8, ~1ULL); /* the half that is not present is not judged */
		if (bit < 12 || bit >= 46)
			expect_all(dma_pasid(ADDR4, R), 0x3a, REFWALK_CA);
	}
}

static void test_scalable_context_entry(void **state)
{
	(void)state;
	start_first(4);
	put(RE, 0x900001);
	expect_all(dma_pasid(ADDR4, R), 0x40, REFWALK_CA);
	start_first(4);
	flip(CE, 1);
	expect_all(dma_pasid(ADDR4, R), 0x41, REFWALK_UR);
	flip(CE, 2);
	expect_answer(dma_pasid(ADDR4, R), 0x41, REFWALK_UR, false);
	expect_answer(pri(dma_pasid(ADDR4, R)), 0x41, REFWALK_IR, false);
	for (unsigned bit = 0; bit < 256; bit++) {
		bool reserved = (bit >= 5 && bit <= 8) || (bit >= 46 && bit < 64) || bit >= 85;

		start_first(4);
		flip(CE + bit / 64 * 8, 1ULL << bit % 64);
		if (reserved)
			expect_all(dma_pasid(ADDR4, R), 0x42, REFWALK_CA);
		else
			assert_int_not_equal(run(dma_pasid(ADDR4, R)).fault, 0x42);
	}
}

static void test_scalable_context_fields_need_capabilities(void **state)
{
	static const struct {
		unsigned qword, field, capability;
	} rows[] = {{0, 2, 2}, {0, 3, 40}, {0, 4, 29}, {1, 0, 49}, {1, 20, 53}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start_first(4);
		put(CE, DIR | 1);
		put(CE + 8, 0);
		fx.unit.ecap &= ~(1ULL << rows[i].capability);
		flip(CE + 8 * rows[i].qword, 1ULL << rows[i].field);
		expect_ur(dma(ADDR4, R), 0x42);
	}
}

static void test_scalable_context_invalid(void **state)
{
	(void)state;
	start_first(4);
	flip(CE, 4); /* PRE without DTE */
	expect_all(dma_pasid(ADDR4, R), 0x43, REFWALK_CA);
	start_first(4);
	put(CE + 8, 0x2000); /* PDTS=0 ends at 1fffh */
	expect_all(dma_pasid(ADDR4, R), 0x43, REFWALK_CA);
	put(CE + 8, 0x1fff);
	expect_page(dma_pasid(ADDR4, R), 0x2345678, 12, R | W);
}

static void test_scalable_admission(void **state)
{
	struct refwalk_request r = dma_pasid(ADDR4, R);

	(void)state;
	start_first(4);
	flip(CE, 0x14); /* DTE=0, PRE=0 */
	expect_answer(ats(r), 0x44, REFWALK_UR, true);
	expect_answer(pri(r), 0x47, REFWALK_IR, true);
	expect_page(r, 0x2345678, 12, R | W);
	start_first(4);
	flip(CE, 8);
	expect_all(r, 0x45, REFWALK_UR);
	start_first(4);
	r.pasid = 0x2000;
	expect_all(r, 0x46, REFWALK_UR);
	put(CE, DIR | 0x21d); /* PDTS=1; the directory goes on behind its first page */
	assert_int_not_equal(run(r).fault, 0x46);
	fx.unit.ecap ^= 19ULL << 35 ^ 12ULL << 35;
	expect_all(r, 0x89, REFWALK_UR);
	start_first(4);
	r.pasid = 0x44;
	expect_all(r, 0x48, REFWALK_UR);
}

static void test_rid_pasid(void **state)
{
	(void)state;
	start_first(4);
	expect_ur(dma(ADDR4, R), 0x59); /* RID_PASID 44h has no entry */
	put(CE + 8, PASID);
	expect_page(dma(ADDR4, R), 0x2345678, 12, R | W);
	put(CE + 8, 1 << 20 | PASID);
	expect_ur(dma(ADDR4, R), 0x5d); /* RID_PRIV, SRE=0 */
	fx.unit.ecap &= ~(1ULL << 49 | 1ULL << 53);
	put(CE + 8, 0);
	expect_ur(dma(ADDR4, R), 0x51); /* PASID 0: directory entry 0 */
}

static void test_pasid_directory(void **state)
{
	(void)state;
	start_first(4);
	put(CE, 0x90001d);
	expect_all(dma_pasid(ADDR4, R), 0x50, REFWALK_CA);
	start_first(4);
	flip(DE, 1);
	expect_all(dma_pasid(ADDR4, R), 0x51, REFWALK_S0);
	flip(DE, 2);
	expect_answer(dma_pasid(ADDR4, R), 0x51, REFWALK_UR, false);
	for (unsigned bit = 2; bit < 64; bit++) {
		start_first(4);
		flip(DE, 1ULL << bit);
		if (bit < 12 || bit >= 46)
			expect_all(dma_pasid(ADDR4, R), 0x52, REFWALK_CA);
	}
	start_first(4);
	put(DE, 0x900001);
	expect_all(dma_pasid(ADDR4, R), 0x58, REFWALK_CA);
}

static bool is_pasid_bit_reserved(unsigned bit, unsigned pgtt)
{
	bool first = pgtt == 1 || pgtt == 3, second = pgtt == 2 || pgtt == 3;

	if (bit == 5 || bit == 10 || bit == 11)
		return true;
	if (bit < 64)
		return second && bit >= 46;
	if (bit < 128)
		return (bit >= 80 && bit < 87) || (bit >= 91 && bit < 96);
	if (bit < 192)
		return bit == 129 || (bit >= 136 && bit < 140) || (first && bit >= 128 + 46);
	return true;
}

static void start_pgtt(unsigned pgtt)
{
	if (pgtt == 1)
		start_first(4);
	else if (pgtt == 2)
		start_second(2);
	else if (pgtt == 3)
		start_nested(false);
	else
		start_pass();
}

static void test_pasid_entry_reserved_bits(void **state)
{
	(void)state;
	for (unsigned pgtt = 1; pgtt <= 4; pgtt++) {
		for (unsigned bit = 0; bit < 512; bit++) {
			if (bit >= 6 && bit <= 8)
				continue;
			start_pgtt(pgtt);
			flip(PE + bit / 64 * 8, 1ULL << bit % 64);
			if (is_pasid_bit_reserved(bit, pgtt))
				expect_all(dma_pasid(ADDR4, R), 0x5a, REFWALK_CA);
			else
				assert_int_not_equal(run(dma_pasid(ADDR4, R)).fault, 0x5a);
		}
	}
}

static void test_pasid_entry_fields_need_capabilities(void **state)
{
	static const struct {
		unsigned qword, field, capability;
		bool ignored; /* in an entry without second stage, capability or not */
	} rows[] = {{0, 2, 46, true},   {0, 9, 46, true},  {0, 9, 45, true},   {0, 12, 46, true},
		    {1, 23, 48, false}, {1, 24, 7, false}, {1, 25, 25, false}, {1, 26, 25, true},
		    {2, 0, 31, false},  {2, 7, 34, false}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start_first(4);
		put(PE + 8, 0);
		put(FS4 + 2 * 8, FS3 | 0x427);
		put(FS3 + 3 * 8, FS2 | 0x427);
		put(FS2 + 4 * 8, FS1 | 0x427);
		put(FS1 + 5 * 8, 0x2345427);
		put(PE + 8 * rows[i].qword, get(PE + 8 * rows[i].qword) | 1ULL << rows[i].field);
		expect_page(dma_pasid(ADDR4, R), 0x2345678, 12, R | W);
		fx.unit.ecap &= ~(1ULL << rows[i].capability);
		if (rows[i].ignored)
			expect_page(dma_pasid(ADDR4, R), 0x2345678, 12, R | W);
		else
			expect_ur(dma_pasid(ADDR4, R), 0x5a);
	}
}

static void test_pasid_entry_second_stage_fields_need_capabilities(void **state)
{
	static const struct {
		unsigned qword, field, capability;
	} rows[] = {{0, 9, 45}, {1, 26, 25}};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned pgtt = 2; pgtt <= 3; pgtt++) {
			start_pgtt(pgtt);
			put(PE + 8 * rows[i].qword,
			    get(PE + 8 * rows[i].qword) | 1ULL << rows[i].field);
			fx.unit.ecap &= ~(1ULL << rows[i].capability);
			expect_ur(dma_pasid(ADDR4, R), 0x5a);
		}
}

static void test_pasid_entry_invalid(void **state)
{
	static const unsigned needs[] = {47, 46, 26, 6};
	static const uint8_t bad_aw[] = {0, 4, 5, 6, 7};

	(void)state;
	start_pass();
	flip(PE, 1);
	expect_all(dma_pasid(ADDR4, R), 0x59, REFWALK_S0);
	flip(PE, 2);
	expect_answer(dma_pasid(ADDR4, R), 0x59, REFWALK_UR, false);
	for (uint64_t pgtt = 0; pgtt < 8; pgtt++) {
		if (pgtt >= 1 && pgtt <= 4)
			continue;
		start_first(4);
		put(PE, pgtt << 6 | 1);
		expect_all(dma_pasid(ADDR4, R), 0x5b, REFWALK_CA);
	}
	for (unsigned pgtt = 1; pgtt <= 4; pgtt++) {
		start_pgtt(pgtt);
		fx.unit.ecap &= ~(1ULL << needs[pgtt - 1]);
		/* without SSTS the pointer and AW are reserved bits first */
		expect_all(dma_pasid(ADDR4, R), pgtt == 2 ? 0x5a : 0x5b, REFWALK_CA);
	}
	for (unsigned i = 0; i < sizeof(bad_aw); i++) {
		start_second(2);
		put(PE, SS4 | 2 << 6 | (unsigned)bad_aw[i] << 2 | 1);
		expect_ur(dma_pasid(ADDR4, R), 0x5b);
	}
	for (unsigned fspm = 2; fspm < 4; fspm++) {
		start_first(4);
		put(PE + 16, FS4 | fspm << 2);
		expect_ur(dma_pasid(ADDR4, R), 0x5b);
	}
	start_first(5);
	fx.unit.cap &= ~(1ULL << 60);
	expect_ur(dma_pasid(ADDR4, R), 0x5b);
	start_nested(false);
	fx.unit.cap ^= 56ULL << 16 ^ 38ULL << 16; /* MGAW 39 bits */
	put(PE + 16, 1ULL << 39);
	expect_ur(dma_pasid(ADDR4, R), 0x5b);
}

static void test_execute_and_supervisor_requests(void **state)
{
	struct refwalk_request r = dma_pasid(ADDR4, R);

	(void)state;
	start_first(4);
	expect_ur(privileged(r), 0x5d);
	expect_answer(ats(privileged(r)), 0x5d, REFWALK_S0, false);
	flip(PE + 16, 1);
	expect_page(privileged(r), 0x2345678, 12, R | W);
	r.exec = true;
	expect_page(r, 0x2345678, 12, R | W);
	fx.unit.ecap &= ~(1ULL << 30);
	expect_ur(r, 0x5c);
	expect_answer(ats(r), 0x5c, REFWALK_S0, false);
	expect_answer(pri(r), 0, REFWALK_OK, false);
}

static void test_page_request(void **state)
{
	struct refwalk_request r = pri(dma_pasid(~0ULL, R));

	(void)state;
	start_first(4);
	expect_answer(r, 0, REFWALK_OK, false);
	flip(PE, 1);
	expect_answer(r, 0x59, REFWALK_IR, true);
	r.lpig = false;
	expect_answer(r, 0x59, REFWALK_DROP, true);
}

static void test_pass_through(void **state)
{
	(void)state;
	start_pass();
	expect_page(dma_pasid(0x3fffffffffffULL, W), 0x3fffffffffffULL, 12, R | W);
	expect_page(ats(dma_pasid(0x5000, R)), 0x5000, 12, R);
	expect_ur(dma_pasid(0x400000000000ULL, W), 0x83);
	expect_answer(ats(dma_pasid(0x400000000000ULL, W)), 0x83, REFWALK_S0, false);
}

/* ---- first stage */

static void test_first_stage_levels_and_pages(void **state)
{
	(void)state;
	start_first(4);
	expect_page(dma_pasid(ADDR4, RW), 0x2345678, 12, R | W);
	expect_page(ats(dma_pasid(ADDR4, R)), 0x2345678, 12, R);
	fx.unit.ecap &= ~(1ULL << 33); /* NW is not honoured */
	expect_page(ats(dma_pasid(ADDR4, R)), 0x2345678, 12, R | W);
	start_first(5);
	expect_page(dma_pasid(ADDR5, R), 0x2345678, 12, R | W);
	put(FS2 + 4 * 8, 0x40000000 | 0x1087); /* PAT */
	expect_page(dma_pasid(ADDR5, R), 0x40005678, 21, R | W);
	put(FS3 + 3 * 8, 0x80000000 | 0x1087);
	expect_page(dma_pasid(ADDR5, R), 0x80805678, 30, R | W);
	fx.unit.cap &= ~(1ULL << 56);
	expect_ur(dma_pasid(ADDR5, R), 0x72);
}

static void test_first_stage_canonical(void **state)
{
	(void)state;
	start_first(4);
	expect_ur(dma_pasid(1ULL << 47, R), 0x80);
	expect_answer(ats(dma_pasid(1ULL << 47, R)), 0x80, REFWALK_S0, false);
	expect_ur(dma_pasid(ADDR5, R), 0x80);
	expect_ur(dma_pasid(0xffff800000000000ULL, R), 0x71);
	put(FS4 + 0x100 * 8, FS3 | 7);
	expect_page(dma_pasid(0xffff8000c0805678ULL, R), 0x2345678, 12, R | W);
	start_first(5);
	expect_ur(dma_pasid(1ULL << 56, R), 0x80);
	expect_ur(dma_pasid(0xff00000000000000ULL, R), 0x71);
}

static const uint64_t fs_slots[] = {0,           FS1 + 5 * 8, FS2 + 4 * 8,
				    FS3 + 3 * 8, FS4 + 2 * 8, FS5 + 1 * 8};

static void test_first_stage_entry_faults(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 5; level++) {
		start_first(5);
		flip(fs_slots[level], 1);
		put(fs_slots[level], get(fs_slots[level]) | 1ULL << 50); /* hidden by P=0 */
		expect_ur(dma_pasid(ADDR5, R), 0x71);
		expect_answer(ats(dma_pasid(ADDR5, R)), 0x71, REFWALK_S0, false);
		if (level == 1)
			continue;
		start_first(5);
		put(fs_slots[level], 0x900007);
		expect_ur(dma_pasid(ADDR5, R), 0x70);
		expect_answer(ats(dma_pasid(ADDR5, R)), 0x70, REFWALK_S0, false);
	}
	start_first(5);
	put(PE + 16, 0x900004);
	expect_ur(dma_pasid(ADDR5, R), 0x73);
	flip(PE, 2);
	expect_answer(dma_pasid(ADDR5, R), 0x73, REFWALK_UR, false);
}

static void test_first_stage_reserved_bits(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 5; level++) {
		for (unsigned bit = 1; bit < 64; bit++) {
			bool reserved = (bit >= 46 && bit < 52) || (level > 3 && bit == 7);

			start_first(5);
			flip(fs_slots[level], 1ULL << bit);
			if (reserved)
				expect_ur(dma_pasid(ADDR5, R), 0x72);
			else if (bit >= 52 || (bit > 2 && bit < 12 && bit != 7))
				expect_page(dma_pasid(ADDR5, R), 0x2345678, 12, R | W);
		}
	}
	for (unsigned bit = 12; bit < 30; bit++) {
		start_first(5);
		put(FS3 + 3 * 8, 0x80000087 | 1ULL << bit);
		assert_int_equal(run(dma_pasid(ADDR5, R)).fault, bit == 12 ? 0 : 0x72);
		start_first(5);
		put(FS2 + 4 * 8, 0x80000087 | 1ULL << bit);
		assert_int_equal(run(dma_pasid(ADDR5, R)).fault, bit > 12 && bit < 21 ? 0x72 : 0);
	}
	for (unsigned bit = 46; bit < 52; bit++) {
		start_first(5);
		put(FS2 + 4 * 8, 0x40000087 | 1ULL << bit);
		expect_ur(dma_pasid(ADDR5, R), 0x72);
	}
}

static void test_first_stage_rights(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 5; level++) {
		start_first(5);
		flip(fs_slots[level], 4);
		expect_ur(dma_pasid(ADDR5, R), 0x81);
		expect_answer(ats(dma_pasid(ADDR5, R)), 0x81, REFWALK_S0, false);
		flip(PE + 16, 1);
		expect_page(privileged(dma_pasid(ADDR5, R)), 0x2345678, 12, R | W);
		assert_false(run(privileged(dma_pasid(ADDR5, R))).perm_u);
		start_first(5);
		flip(fs_slots[level], 2);
		expect_ur(dma_pasid(ADDR5, W), 0x85);
		expect_ur(dma_pasid(ADDR5, RW), 0x85);
		expect_se(dma_pasid(ADDR5, W), 0x85, 0x2345678, R);
		expect_page(dma_pasid(ADDR5, R), 0x2345678, 12, R);
		assert_true(run(dma_pasid(ADDR5, R)).perm_u);
		flip(PE + 16, 1);
		expect_page(privileged(dma_pasid(ADDR5, W)), 0x2345678, 12, R | W);
		flip(PE + 16, 0x10); /* WPE */
		expect_ur(privileged(dma_pasid(ADDR5, W)), 0x85);
	}
}

static void test_first_stage_output_range(void **state)
{
	(void)state;
	start_first(4);
	put(FS1 + 5 * 8, 0xfee05007);
	expect_ur(dma_pasid(ADDR4, W), 0x87);
	expect_answer(ats(dma_pasid(ADDR4, W)), 0x87, REFWALK_CA, true);
	assert_int_equal(get(FS1 + 5 * 8), 0xfee05007); /* nothing was written: no D, no A */
	put(FS2 + 4 * 8, 0xfee00087);                   /* FEE0_0000 + 5678h */
	expect_ur(dma_pasid(ADDR4, W), 0x87);
	expect_page(dma_pasid(ADDR4 + 0x100000, W), 0xfef05678, 21, R | W);
}

static void expect_fs_entries(uint64_t upper, uint64_t leaf)
{
	assert_int_equal(get(FS4 + 2 * 8) & 0xfff, upper);
	assert_int_equal(get(FS3 + 3 * 8) & 0xfff, upper);
	assert_int_equal(get(FS2 + 4 * 8) & 0xfff, upper);
	assert_int_equal(get(FS1 + 5 * 8) & 0xfff, leaf);
}

static void test_first_stage_accessed_dirty(void **state)
{
	(void)state;
	start_first(4);
	run(dma_pasid(ADDR4, R));
	expect_fs_entries(0x27, 0x27);
	run(ats(dma_pasid(ADDR4, R)));
	expect_fs_entries(0x27, 0x27);
	run(dma_pasid(ADDR4, RW));
	expect_fs_entries(0x27, 0x67);
	start_first(4);
	run(ats(dma_pasid(ADDR4, W)));
	expect_fs_entries(0x27, 0x67);
	start_first(4);
	flip(PE + 16, 0x80); /* EAFE */
	run(dma_pasid(ADDR4, W));
	expect_fs_entries(0x427, 0x467);
	start_first(4);
	flip(FS1 + 5 * 8, 2); /* read only: a refused write leaves the leaf alone */
	run(dma_pasid(ADDR4, W));
	expect_fs_entries(0x27, 0x05);
	run(ats(dma_pasid(ADDR4, W)));
	expect_fs_entries(0x27, 0x25);
	start_first(4);
	flip(FS1 + 5 * 8, 1);
	run(dma_pasid(ADDR4, W));
	expect_fs_entries(0x27, 0x06);
}

static void test_first_stage_update_faults(void **state)
{
	(void)state;
	start_first(4);
	put(PE + 8, 0); /* PWSNP=0 */
	expect_ur(dma_pasid(ADDR4, R), 0x90);
	expect_answer(ats(dma_pasid(ADDR4, R)), 0x90, REFWALK_S0, false);
	put(PE + 8, 1 << 23);
	run(dma_pasid(ADDR4, R));
	put(PE + 8, 0);
	expect_page(dma_pasid(ADDR4, R), 0x2345678, 12, R | W); /* A was set before */
	expect_ur(dma_pasid(ADDR4, W), 0x90);
	flip(PE + 16, 0x80); /* EA counts too */
	expect_ur(dma_pasid(ADDR4, R), 0x90);
	start_first(4);
	fx.readonly[(FS2 - BASE) / 4096] = true;
	expect_ur(dma_pasid(ADDR4, R), 0x91);
	expect_answer(ats(dma_pasid(ADDR4, R)), 0x91, REFWALK_S0, true);
	flip(PE, 2);
	expect_answer(ats(dma_pasid(ADDR4, R)), 0x91, REFWALK_S0, false);
}

static void test_lost_race_starts_again(void **state)
{
	(void)state;
	start_first(4);
	fx.race_at = FS1 + 5 * 8;
	fx.race_bits = 0x40; /* someone else sets D */
	expect_page(dma_pasid(ADDR4, R), 0x2345678, 12, R | W);
	expect_fs_entries(0x27, 0x67);
	start_first(4);
	fx.race_at = FS1 + 5 * 8;
	fx.race_bits = 1; /* someone else unmaps */
	expect_ur(dma_pasid(ADDR4, R), 0x71);
	assert_int_equal(get(FS1 + 5 * 8), 0x2345006);
	start_first(4);
	fx.race_at = FS1 + 5 * 8;
	fx.race_bits = 0x200; /* an ignored bit changes every time: give up in the end */
	fx.race_forever = true;
	expect_ur(dma_pasid(ADDR4, R), 0x91);
}

/* ---- second stage */

static const uint64_t ss_slots[] = {0,           SS1 + 5 * 8, SS2 + 4 * 8,
				    SS3 + 3 * 8, SS4 + 2 * 8, SS5 + 1 * 8};

static void test_second_stage_levels_and_pages(void **state)
{
	static const uint64_t addr[] = {0, ADDR3, ADDR4, ADDR5};

	(void)state;
	for (unsigned aw = 1; aw <= 3; aw++) {
		start_second(aw);
		expect_page(dma_pasid(addr[aw], RW), 0x2345678, 12, R | W);
		put(SS2 + 4 * 8, 0x40000083);
		expect_page(dma_pasid(addr[aw], RW), 0x40005678, 21, R | W);
		put(SS3 + 3 * 8, 0x80000083);
		expect_page(ats(dma_pasid(addr[aw], W)), 0x80805678, 30, R | W);
		fx.unit.cap &= ~(1ULL << 35);
		expect_ur(dma_pasid(addr[aw], R), 0x7a);
		put(SS3 + 3 * 8, SS2 | 3);
		expect_page(dma_pasid(addr[aw], R), 0x40005678, 21, R | W);
		fx.unit.cap &= ~(1ULL << 34);
		expect_ur(dma_pasid(addr[aw], R), 0x7a);
	}
}

static void test_second_stage_input_width(void **state)
{
	(void)state;
	start_second(1);
	expect_ur(dma_pasid(1ULL << 39, R), 0x84);
	expect_answer(ats(dma_pasid(1ULL << 39, R)), 0x84, REFWALK_S0, false);
	start_second(3);
	expect_ur(dma_pasid(1ULL << 57, R), 0x84);
	fx.unit.cap ^= 56ULL << 16 ^ 47ULL << 16;
	expect_ur(dma_pasid(ADDR5, R), 0x84);
}

static void test_second_stage_entry_faults(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 5; level++) {
		start_second(3);
		flip(ss_slots[level], 3 | 1ULL << 50);
		expect_ur(dma_pasid(ADDR5, R), 0x79);
		expect_answer(ats(dma_pasid(ADDR5, R)), 0x79, REFWALK_S0, false);
		if (level == 1)
			continue;
		start_second(3);
		put(ss_slots[level], 0x900003);
		expect_ur(dma_pasid(ADDR5, R), 0x78);
		expect_answer(ats(dma_pasid(ADDR5, R)), 0x78, REFWALK_CA, true);
	}
	start_second(3);
	put(PE, 0x900000 | 2 << 6 | 3 << 2 | 1);
	expect_ur(dma_pasid(ADDR5, R), 0x7b);
	expect_answer(ats(dma_pasid(ADDR5, R)), 0x7b, REFWALK_CA, true);
	start_second(3);
	put(ss_slots[5], SS4 | 1);
	put(ss_slots[2], SS1 | 2); /* accumulated: nothing */
	expect_ur(dma_pasid(ADDR5, R), 0x79);
}

static void test_second_stage_reserved_bits(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 5; level++) {
		for (unsigned bit = 2; bit < 64; bit++) {
			bool reserved = (bit >= 46 && bit < 52) || bit == 62 ||
					(bit == 11 && level > 1) || (bit == 7 && level > 3);

			start_second(3);
			flip(ss_slots[level], 1ULL << bit);
			if (reserved)
				expect_ur(dma_pasid(ADDR5, R), 0x7a);
			else if (bit >= 52 || (bit < 12 && !(bit == 7 && level > 1)))
				expect_page(dma_pasid(ADDR5, R), 0x2345678, 12, R | W);
		}
	}
	for (unsigned bit = 11; bit < 30; bit++) {
		start_second(3);
		put(ss_slots[3], 0x80000083 | 1ULL << bit);
		assert_int_equal(run(dma_pasid(ADDR5, R)).fault, bit == 11 ? 0 : 0x7a);
		start_second(3);
		put(ss_slots[2], 0x80000083 | 1ULL << bit);
		assert_int_equal(run(dma_pasid(ADDR5, R)).fault, bit > 11 && bit < 21 ? 0x7a : 0);
	}
	for (unsigned bit = 46; bit < 52; bit++) {
		start_second(3);
		put(ss_slots[2], 0x40000083 | 1ULL << bit);
		expect_ur(dma_pasid(ADDR5, R), 0x7a);
	}
	start_second(3);
	put(ss_slots[1], 0x2345803); /* SNP */
	expect_page(dma_pasid(ADDR5, R), 0x2345678, 12, R | W);
	fx.unit.ecap &= ~0x80ULL;
	expect_answer(ats(dma_pasid(ADDR5, R)), 0x7a, REFWALK_CA, true);
}

static void test_second_stage_rights(void **state)
{
	struct refwalk_request zlr = dma_pasid(ADDR5, R);

	(void)state;
	zlr.zero_length = true;
	for (unsigned level = 1; level <= 5; level++) {
		start_second(3);
		flip(ss_slots[level], 2);
		expect_page(dma_pasid(ADDR5, R), 0x2345678, 12, R);
		expect_ur(dma_pasid(ADDR5, W), 0x85);
		expect_ur(dma_pasid(ADDR5, RW), 0x85);
		expect_se(dma_pasid(ADDR5, W), 0x85, 0x2345678, R);
		start_second(3);
		flip(ss_slots[level], 1);
		expect_page(dma_pasid(ADDR5, W), 0x2345678, 12, W);
		expect_ur(dma_pasid(ADDR5, R), 0x86);
		expect_ur(dma_pasid(ADDR5, RW), 0x86);
		expect_se(dma_pasid(ADDR5, W), 0x86, 0x2345678, W);
		expect_se(dma_pasid(ADDR5, R), 0x86, 0, 0); /* NW=1: no right is left */
		expect_page(zlr, 0x2345678, 12, W);
		expect_se(zlr, 0x86, 0, 0); /* not for translation requests */
		fx.unit.cap &= ~(1ULL << 22);
		expect_ur(zlr, 0x86);
	}
	start_second(3);
	put(ss_slots[1], 0xfee05003);
	expect_ur(dma_pasid(ADDR5, R), 0x87);
}

static void test_second_stage_accessed_dirty(void **state)
{
	(void)state;
	start_second(2);
	run(dma_pasid(ADDR4, RW));
	assert_int_equal(get(SS1 + 5 * 8), 0x2345003); /* SSADE=0 */
	flip(PE, 1 << 9);
	run(dma_pasid(ADDR4, R));
	assert_int_equal(get(SS4 + 2 * 8), SS3 | 0x103);
	assert_int_equal(get(SS3 + 3 * 8), SS2 | 0x103);
	assert_int_equal(get(SS2 + 4 * 8), SS1 | 0x103);
	assert_int_equal(get(SS1 + 5 * 8), 0x2345103);
	run(dma_pasid(ADDR4, W));
	assert_int_equal(get(SS2 + 4 * 8), SS1 | 0x103);
	assert_int_equal(get(SS1 + 5 * 8), 0x2345303);
	start_second(2);
	flip(PE, 1 << 9);
	put(PE + 8, 9); /* PWSNP=0 */
	expect_ur(dma_pasid(ADDR4, R), 0x7c);
	expect_answer(ats(dma_pasid(ADDR4, R)), 0x7c, REFWALK_CA, true);
	start_second(2);
	flip(PE, 1 << 9);
	fx.readonly[(SS1 - BASE) / 4096] = true;
	expect_ur(dma_pasid(ADDR4, R), 0x7d);
	expect_answer(ats(dma_pasid(ADDR4, R)), 0x7d, REFWALK_CA, true);
	assert_int_equal(get(SS2 + 4 * 8), SS1 | 0x103);
}

/* ---- nested */

static void test_nested_translates(void **state)
{
	(void)state;
	start_nested(false);
	expect_page(dma_pasid(ADDR4, RW), 0x7777678, 12, R | W);
	expect_fs_entries(0x27, 0x67);
	assert_int_equal(get(SSPTE(GUEST(FS1))), FS1 | 3); /* SSADE=0 */
	put(FS2 + 4 * 8, 0x200087);                        /* 2 MiB of guest memory, fractured */
	put(SSPTE(0x205000), 0x8888003);
	expect_page(ats(dma_pasid(ADDR4, W)), 0x8888678, 12, R | W);
	put(FS3 + 3 * 8, 0x40000087); /* 1 GiB over 2 MiB */
	put(SS3 + 8, SS2 | 3);
	put(SS2 + 4 * 8, 0x60000083);
	expect_page(dma_pasid(ADDR4, W), 0x60005678, 21, R | W);
	start_nested(false);
	put(SS2 + 4 * 8, 0x60000083); /* 4 KiB in 2 MiB */
	put(FS1 + 5 * 8, 0x9ff007);
	expect_page(dma_pasid(ADDR4, W), 0x601ff678, 12, R | W);
}

static void test_nested_rights_are_combined(void **state)
{
	(void)state;
	start_nested(false);
	put(SSPTE(GPAGE), 0x7777001);
	expect_page(dma_pasid(ADDR4, R), 0x7777678, 12, R);
	expect_ur(dma_pasid(ADDR4, W), 0x85);
	expect_se(dma_pasid(ADDR4, W), 0x85, 0x7777678, R);
	expect_fs_entries(0x27, 0x27); /* D only for a write that happens */
	put(SSPTE(GPAGE), 0x7777002);
	expect_ur(dma_pasid(ADDR4, R), 0x86);
	expect_page(dma_pasid(ADDR4, W), 0x7777678, 12, W);
	flip(FS1 + 5 * 8, 2);
	expect_ur(dma_pasid(ADDR4, W), 0x85);
	expect_se(dma_pasid(ADDR4, W), 0x85, 0, 0);
	put(SSPTE(GPAGE), 0);
	expect_ur(dma_pasid(ADDR4, W), 0x85); /* refused before the second stage is asked */
	expect_answer(ats(dma_pasid(ADDR4, W)), 0x79, REFWALK_S0, false);
	put(SSPTE(GPAGE), 0x7777003);
	flip(PE + 16, 1); /* SRE: a supervisor may write to it as WPE=0 */
	expect_page(privileged(dma_pasid(ADDR4, W)), 0x7777678, 12, R | W);
	put(SSPTE(GPAGE), 0x7777001);
	expect_ur(privileged(dma_pasid(ADDR4, W)), 0x85);
	start_nested(false);
	put(SSPTE(GPAGE), 0xfee00003);
	expect_ur(dma_pasid(ADDR4, W), 0x87);
}

static void test_nested_guest_address_width(void **state)
{
	(void)state;
	for (unsigned level = 1; level <= 4; level++) {
		start_nested(false);
		fx.unit.cap ^= 56ULL << 16 ^ 39ULL << 16; /* MGAW 40 bits, below HAW 46 */
		put(fs_slots[level], get(fs_slots[level]) | 1ULL << 40);
		expect_ur(dma_pasid(ADDR4, R), 0x74);
		expect_answer(ats(dma_pasid(ADDR4, R)), 0x74, REFWALK_S0, false);
		assert_int_equal(get(fs_slots[level]) & 0x20, 0);
		put(fs_slots[level], get(fs_slots[level]) | 1ULL << 46);
		expect_ur(dma_pasid(ADDR4, R), 0x72);
	}
}

static void test_nested_table_reads(void **state)
{
	static const uint64_t tables[] = {FS4, FS3, FS2, FS1};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t refused = i ? 0x76 : 0x75;

		start_nested(false);
		put(SSPTE(GUEST(tables[i])), tables[i] | 2);
		expect_ur(dma_pasid(ADDR4, R), refused);
		expect_answer(ats(dma_pasid(ADDR4, R)), refused, REFWALK_S0, false);
		put(SSPTE(GUEST(tables[i])), tables[i] | 1); /* readable, but A is not writable */
		expect_ur(dma_pasid(ADDR4, R), 0x77);
		expect_answer(ats(dma_pasid(ADDR4, R)), 0x77, REFWALK_S0, false);
		flip(fs_slots[4 - i], 0x20); /* no update needed there */
		expect_page(dma_pasid(ADDR4, R), 0x7777678, 12, R | W);
		start_nested(true);
		put(SSPTE(GUEST(tables[i])), tables[i] | 1);
		expect_ur(dma_pasid(ADDR4, R), refused); /* SSADE=1 needs R and W to read */
		put(SSPTE(GUEST(tables[i])), tables[i]);
		expect_ur(dma_pasid(ADDR4, R), 0x79);
		put(SSPTE(GUEST(tables[i])), tables[i] | 3 | 1ULL << 50);
		expect_ur(dma_pasid(ADDR4, R), 0x7a);
		put(SSPTE(GUEST(tables[i])), 0x900003);
		expect_ur(dma_pasid(ADDR4, R), i ? 0x70 : 0x73);
	}
	start_nested(false);
	put(SS3, 0x900003);
	expect_ur(dma_pasid(ADDR4, R), 0x78);
	put(PE, 0x900000 | 3 << 6 | 2 << 2 | 1);
	expect_ur(dma_pasid(ADDR4, R), 0x7b);
}

static void test_nested_accessed_dirty(void **state)
{
	(void)state;
	start_nested(true);
	run(dma_pasid(ADDR4, R));
	expect_fs_entries(0x27, 0x27);
	assert_int_equal(get(SS4), SS3 | 0x103);
	assert_int_equal(get(SS2 + 8), SS1 | 0x103);
	/* The tables were written (A), the data page was not. */
	assert_int_equal(get(SSPTE(GUEST(FS4))), FS4 | 0x303);
	assert_int_equal(get(SSPTE(GUEST(FS1))), FS1 | 0x303);
	assert_int_equal(get(SSPTE(GPAGE)), 0x7777103);
	run(dma_pasid(ADDR4, W));
	expect_fs_entries(0x27, 0x67);
	assert_int_equal(get(SSPTE(GPAGE)), 0x7777303);
	start_nested(true);
	for (unsigned level = 1; level <= 4; level++)
		flip(fs_slots[level], 0x20);
	run(dma_pasid(ADDR4, R)); /* nothing to update: tables are read only */
	assert_int_equal(get(SSPTE(GUEST(FS4))), FS4 | 0x103);
	assert_int_equal(get(SSPTE(GUEST(FS1))), FS1 | 0x103);
}

static void test_nested_update_faults(void **state)
{
	(void)state;
	start_nested(false);
	put(PE + 8, 9);
	expect_ur(dma_pasid(ADDR4, R), 0x90);
	put(SSPTE(GUEST(FS4)), FS4 | 1);
	expect_ur(dma_pasid(ADDR4, R), 0x90); /* SFS.9 before SFS.8 */
	start_nested(true);
	put(PE + 8, 9);
	expect_ur(dma_pasid(ADDR4, R), 0x7c); /* the second stage of the first table comes first */
	start_nested(false);
	fx.readonly[(FS3 - BASE) / 4096] = true;
	expect_ur(dma_pasid(ADDR4, R), 0x91);
	start_nested(true);
	fx.readonly[(SS1 - BASE) / 4096] = true;
	expect_ur(dma_pasid(ADDR4, R), 0x7d);
}

/* ---- the generator */

static uint8_t arena[2][GEN_LEN_MIN];

static void test_generator_follows_the_seed(void **state)
{
	static struct gen_world a, b;
	struct gen_rng ra = gen_rng_from(7), rb = gen_rng_from(7);

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		gen_world(&a, seed, arena[0], GEN_LEN_MIN, GEN_DENSITY);
		gen_world(&b, seed, arena[1], GEN_LEN_MIN, GEN_DENSITY);
		assert_memory_equal(arena[0], arena[1], GEN_LEN_MIN);
		assert_true(a.cap == b.cap && a.ecap == b.ecap && a.rtaddr == b.rtaddr);
		for (unsigned i = 0; i < 20; i++) {
			struct refwalk_request qa = gen_request(&ra, &a), qb = gen_request(&rb, &b);

			assert_true(qa.addr == qb.addr && qa.rid == qb.rid && qa.type == qb.type);
		}
	}
}

/* Without mutations no structure is malformed: only software's choices can make a fault. */
static void test_generator_builds_valid_worlds(void **state)
{
	static const uint8_t malformed[] = {0x03, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x38, 0x3a,
					    0x40, 0x42, 0x43, 0x50, 0x52, 0x58, 0x5a, 0x5b, 0x70,
					    0x72, 0x73, 0x74, 0x78, 0x7a, 0x7b, 0x7d, 0x91};
	static struct gen_world world;
	struct gen_copy copy = {&world, arena[0]};
	struct gen_rng rng = gen_rng_from(3);

	(void)state;
	for (uint64_t seed = 0; seed < 500; seed++) {
		gen_world(&world, seed, arena[0], GEN_LEN_MIN, 0);
		struct refwalk_unit unit = gen_unit(&copy);

		unit.rtaddr &= ~0x800ULL; /* TTM 10b and 11b are a choice, too */
		if (!(unit.ecap & 1ULL << 43) != !(unit.rtaddr & 0x400))
			continue;
		for (unsigned i = 0; i < 50 && world.target_count; i++) {
			struct refwalk_request r = gen_request(&rng, &world);
			struct gen_target *t = &world.targets[i % world.target_count];

			r.rid = t->rid;
			r.has_pasid = t->has_pasid;
			r.pasid = t->pasid;
			assert_null(memchr(malformed, refwalk_translate(&unit, &r).fault,
					   sizeof(malformed)));
		}
	}
}

#define T(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_te_off_passes_plain_dma),
		T(test_rtaddr_modes),
		T(test_interrupt_range_input),
		T(test_legacy_levels_and_pages),
		T(test_legacy_root_and_context_faults),
		T(test_legacy_context_reserved_bits),
		T(test_legacy_invalid_context),
		T(test_legacy_blocked_translation_requests),
		T(test_legacy_pass_through),
		T(test_legacy_walk_faults),
		T(test_legacy_permissions),
		T(test_scalable_root),
		T(test_scalable_context_entry),
		T(test_scalable_context_fields_need_capabilities),
		T(test_scalable_context_invalid),
		T(test_scalable_admission),
		T(test_rid_pasid),
		T(test_pasid_directory),
		T(test_pasid_entry_reserved_bits),
		T(test_pasid_entry_fields_need_capabilities),
		T(test_pasid_entry_second_stage_fields_need_capabilities),
		T(test_pasid_entry_invalid),
		T(test_execute_and_supervisor_requests),
		T(test_page_request),
		T(test_pass_through),
		T(test_first_stage_levels_and_pages),
		T(test_first_stage_canonical),
		T(test_first_stage_entry_faults),
		T(test_first_stage_reserved_bits),
		T(test_first_stage_rights),
		T(test_first_stage_output_range),
		T(test_first_stage_accessed_dirty),
		T(test_first_stage_update_faults),
		T(test_lost_race_starts_again),
		T(test_second_stage_levels_and_pages),
		T(test_second_stage_input_width),
		T(test_second_stage_entry_faults),
		T(test_second_stage_reserved_bits),
		T(test_second_stage_rights),
		T(test_second_stage_accessed_dirty),
		T(test_nested_translates),
		T(test_nested_rights_are_combined),
		T(test_nested_guest_address_width),
		T(test_nested_table_reads),
		T(test_nested_accessed_dirty),
		T(test_nested_update_faults),
		T(test_generator_follows_the_seed),
		T(test_generator_builds_valid_worlds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
