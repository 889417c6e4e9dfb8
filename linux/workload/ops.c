// SPDX-License-Identifier: MIT
/* Every other operation the device offers, with its result checked. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload.h"

#define OPS_LEN (40 * KIB + 24)

struct bench {
	struct queue q;
	uint8_t *a, *b, *c; /* a: random and touched; b, c: fresh for each case */
	int done, skipped;
};

static bool bench_begin(struct bench *t, const char *name, enum opcode opcode)
{
	if (!can(opcode)) {
		printf("VSVA: ops case=%s reason=not-offered skip\n", name);
		t->skipped++;
		return false;
	}
	t->done++;
	t->b = map_small(64 * KIB);
	t->c = map_small(64 * KIB);
	return true;
}

static void bench_end(struct bench *t, const char *name, bool ok, const struct record *r)
{
	report(ok, "ops case=%s status=%#x result=%u bytes=%u crc=%#lx fault=%#lx", name, r->status,
	       r->result, r->bytes, r->crc, r->fault_address);
	munmap(t->b, 64 * KIB);
	munmap(t->c, 64 * KIB);
}

static struct record *bench_run(struct bench *t, struct descriptor d)
{
	return queue_run(&t->q, "ops", d);
}

static void ops_noop(struct bench *t)
{
	struct record *untouched;

	if (bench_begin(t, "noop", OP_NOOP)) {
		struct record *r =
			bench_run(t, describe(OP_NOOP, FLAG_RECORD, NULL, NULL, NULL, 0));

		bench_end(t, "noop", r->status == STATUS_SUCCESS, r);
	}
	if (bench_begin(t, "noop-untouched-record", OP_NOOP)) {
		untouched = map_small(PAGE);
		bench_end(t, "noop-untouched-record",
			  resident_pages(untouched, PAGE) == 0 &&
				  bench_run(t, describe(OP_NOOP, FLAG_RECORD, untouched, NULL, NULL,
							0))
						  ->status == STATUS_SUCCESS,
			  untouched);
	}
}

static void ops_move(struct bench *t)
{
	if (bench_begin(t, "move-unaligned", OP_MOVE)) {
		struct record *r = bench_run(
			t, describe(OP_MOVE, FLAG_USUAL, NULL, t->a + 13, t->b + 4091, OPS_LEN));

		bench_end(t, "move-unaligned",
			  r->status == STATUS_SUCCESS && !memcmp(t->a + 13, t->b + 4091, OPS_LEN) &&
				  is_all(t->b, 4091, 0) && t->b[4091 + OPS_LEN] == 0,
			  r);
	}
	if (can_overlap() && bench_begin(t, "move-overlapping", OP_MOVE)) {
		struct record *r;

		memcpy(t->b, t->a, OPS_LEN);
		r = bench_run(t, describe(OP_MOVE, FLAG_USUAL, NULL, t->b, t->b + 5000, OPS_LEN));
		bench_end(t, "move-overlapping",
			  r->status == STATUS_SUCCESS && !memcmp(t->a, t->b + 5000, OPS_LEN), r);
	}
}

/* Addresses that mean interrupts when a request has no PASID; with one they are memory. */
static void ops_interrupt_range(struct bench *t)
{
	void *at = (void *)0xfee00000ul;
	struct record *r;
	bool ok;

	if (!bench_begin(t, "move-to-0xfee00000", OP_MOVE))
		return;
	at = map_at(at, 64 * KIB, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	madvise(at, 64 * KIB, MADV_NOHUGEPAGE);
	r = bench_run(t, describe(OP_MOVE, FLAG_USUAL, NULL, t->a, at, OPS_LEN));
	ok = r->status == STATUS_SUCCESS && !memcmp(at, t->a, OPS_LEN);
	bench_end(t, "move-to-0xfee00000", ok, r);
	bench_begin(t, "move-from-0xfee00000", OP_MOVE);
	r = bench_run(t, describe(OP_MOVE, FLAG_USUAL, NULL, at, t->b, OPS_LEN));
	ok = r->status == STATUS_SUCCESS && !memcmp(t->b, t->a, OPS_LEN);
	bench_end(t, "move-from-0xfee00000", ok, r);
	munmap(at, 64 * KIB);
}

static void ops_fill(struct bench *t)
{
	const uint64_t pattern = 0x1122334455667788;
	bool ok = true;
	struct record *r;

	if (!bench_begin(t, "fill", OP_FILL))
		return;
	r = bench_run(t, describe(OP_FILL, FLAG_USUAL, NULL, (void *)pattern, t->b + 3, OPS_LEN));
	for (size_t i = 0; i < OPS_LEN; i++)
		ok &= t->b[3 + i] == (uint8_t)(pattern >> i % 8 * 8);
	bench_end(t, "fill",
		  ok && r->status == STATUS_SUCCESS && is_all(t->b, 3, 0) && t->b[3 + OPS_LEN] == 0,
		  r);
}

static void ops_compare(struct bench *t)
{
	struct descriptor d;
	struct record *r;

	if (bench_begin(t, "compare-equal", OP_COMPARE)) {
		memcpy(t->b, t->a, OPS_LEN);
		r = bench_run(t, describe(OP_COMPARE, FLAG_USUAL, NULL, t->a, t->b, OPS_LEN));
		bench_end(t, "compare-equal", r->status == STATUS_SUCCESS && r->result == 0, r);
	}
	if (bench_begin(t, "compare-different", OP_COMPARE)) {
		memcpy(t->b, t->a, OPS_LEN);
		t->b[20000] ^= 1;
		r = bench_run(t, describe(OP_COMPARE, FLAG_USUAL, NULL, t->a, t->b, OPS_LEN));
		/* The offset of the difference, at least to within the unit compared. */
		bench_end(t, "compare-different",
			  r->status == STATUS_SUCCESS && r->result == 1 && r->bytes <= 20000 &&
				  r->bytes >= (20000 & ~63u),
			  r);
	}
	if (bench_begin(t, "compare-expected", OP_COMPARE)) {
		memcpy(t->b, t->a, OPS_LEN);
		t->b[100] ^= 1;
		d = describe(OP_COMPARE, FLAG_USUAL | FLAG_CHECK_RESULT, NULL, t->a, t->b, OPS_LEN);
		d.extra = 0; /* expected: equal */
		r = bench_run(t, d);
		bench_end(t, "compare-expected",
			  r->status == STATUS_FALSE_PREDICATE && r->result == 1, r);
	}
}

static void ops_compare_pattern(struct bench *t)
{
	const uint64_t pattern = 0x0102030405060708;
	struct record *r;

	for (int different = 0; different <= 1; different++) {
		const char *name =
			different ? "compare-pattern-different" : "compare-pattern-equal";

		if (!bench_begin(t, name, OP_COMPARE_PATTERN))
			continue;
		for (size_t i = 0; i < OPS_LEN; i += 8)
			memcpy(t->b + i, &pattern, 8);
		t->b[12345] ^= (uint8_t)different;
		r = bench_run(t, describe(OP_COMPARE_PATTERN, FLAG_USUAL, NULL, t->b,
					  (void *)pattern, OPS_LEN));
		/* source at 16, pattern at 24 */
		bench_end(t, name,
			  r->status == STATUS_SUCCESS && r->result == different &&
				  (!different || (r->bytes <= 12345 && r->bytes >= (12345 & ~63u))),
			  r);
	}
}

static void ops_crc(struct bench *t)
{
	struct descriptor d;
	struct record *r;
	uint32_t first;

	if (bench_begin(t, "crc-known", OP_CRC)) {
		memcpy(t->b, "123456789", 9);
		r = bench_run(t, describe(OP_CRC, FLAG_USUAL, NULL, t->b, NULL, 9));
		bench_end(t, "crc-known", r->status == STATUS_SUCCESS && r->crc == 0xe3069283, r);
	}
	if (bench_begin(t, "crc-seeded", OP_CRC)) {
		first = crc32c(0, t->a, 5000);
		d = describe(OP_CRC, FLAG_USUAL, NULL, t->a + 5000, NULL, OPS_LEN - 5000);
		d.extra = first;
		r = bench_run(t, d);
		bench_end(t, "crc-seeded",
			  r->status == STATUS_SUCCESS && r->crc == crc32c(0, t->a, OPS_LEN), r);
	}
	if (bench_begin(t, "copy-crc", OP_COPY_CRC)) {
		r = bench_run(t, describe(OP_COPY_CRC, FLAG_USUAL, NULL, t->a, t->b, OPS_LEN));
		bench_end(t, "copy-crc",
			  r->status == STATUS_SUCCESS && r->crc == crc32c(0, t->a, OPS_LEN) &&
				  !memcmp(t->a, t->b, OPS_LEN),
			  r);
	}
}

static void ops_dualcast(struct bench *t)
{
	struct descriptor d;
	struct record *r;

	if (!bench_begin(t, "dualcast", OP_DUALCAST))
		return;
	/* Bits 11:0 of both destinations must be the same. */
	d = describe(OP_DUALCAST, FLAG_USUAL, NULL, t->a, t->b + 64, OPS_LEN);
	d.extra = (uintptr_t)(t->c + 64);
	r = bench_run(t, d);
	bench_end(t, "dualcast",
		  r->status == STATUS_SUCCESS && !memcmp(t->a, t->b + 64, OPS_LEN) &&
			  !memcmp(t->a, t->c + 64, OPS_LEN),
		  r);
}

/* A fill, fenced a move of what it filled, and a no-op; list and memory are touched by nobody. */
static void ops_batch(struct bench *t)
{
	struct descriptor *list;
	struct record *records, *r;
	bool ok;

	if (!bench_begin(t, "batch", OP_BATCH))
		return;
	list = map_small(PAGE);
	records = record_alloc(3);
	list[0] = describe(OP_FILL, FLAG_USUAL, &records[0], (void *)0x7777777777777777, t->b,
			   OPS_LEN);
	list[1] = describe(OP_MOVE, FLAG_USUAL | FLAG_FENCE, &records[1], t->b, t->c, OPS_LEN);
	list[2] = describe(OP_NOOP, FLAG_RECORD, &records[2], NULL, NULL, 0);
	r = bench_run(t, describe(OP_BATCH, FLAG_RECORD, NULL, list, NULL, 3));
	ok = r->status == STATUS_SUCCESS && r->bytes == 3 && is_all(t->c, OPS_LEN, 0x77);
	for (int i = 0; i < 3; i++)
		ok &= records[i].status == STATUS_SUCCESS;
	bench_end(t, "batch", ok, r);
	munmap(records, PAGE);
	munmap(list, PAGE);
}

static void ops_drain(struct bench *t)
{
	struct record *records, *r;

	if (!bench_begin(t, "drain", OP_DRAIN))
		return;
	records = record_alloc(4);
	for (size_t i = 0; i < 4; i++) {
		struct descriptor d = describe(OP_FILL, FLAG_USUAL, &records[i], (void *)~0ul,
					       t->b + i * 16 * KIB, 16 * KIB);

		queue_submit(&t->q, &d);
	}
	r = bench_run(t, describe(OP_DRAIN, FLAG_RECORD, NULL, NULL, NULL, 0));
	bench_end(t, "drain",
		  r->status == STATUS_SUCCESS && records[0].status == STATUS_SUCCESS &&
			  records[1].status == STATUS_SUCCESS &&
			  records[2].status == STATUS_SUCCESS &&
			  records[3].status == STATUS_SUCCESS && is_all(t->b, 64 * KIB, 0xff),
		  r);
	munmap(records, PAGE);
}

static void ops_cache_flush(struct bench *t)
{
	struct record *r;

	if (!bench_begin(t, "cache-flush", OP_CACHE_FLUSH))
		return;
	memcpy(t->b, t->a, OPS_LEN);
	r = bench_run(t, describe(OP_CACHE_FLUSH, FLAG_USUAL, NULL, NULL, t->b, OPS_LEN));
	bench_end(t, "cache-flush", r->status == STATUS_SUCCESS && !memcmp(t->a, t->b, OPS_LEN), r);
}

static void ops_errors(struct bench *t)
{
	struct record *r;

	if (bench_begin(t, "bad-opcode", OP_NOOP)) {
		r = bench_run(t, describe(OP_RESERVED, FLAG_RECORD, NULL, NULL, NULL, 0));
		bench_end(t, "bad-opcode", r->status == STATUS_BAD_OPCODE, r);
	}
	if (bench_begin(t, "bad-size", OP_MOVE)) {
		r = bench_run(t, describe(OP_MOVE, FLAG_USUAL, NULL, t->a, t->b, 0xffffffff));
		bench_end(t, "bad-size", r->status == STATUS_BAD_SIZE, r);
	}
}

void test_ops(void)
{
	struct bench t = {.q = queue_open("ops"), .a = map_small(64 * KIB)};

	fill_random(t.a, 64 * KIB, 7);
	ops_noop(&t);
	ops_move(&t);
	ops_interrupt_range(&t);
	ops_fill(&t);
	ops_compare(&t);
	ops_compare_pattern(&t);
	ops_crc(&t);
	ops_dualcast(&t);
	ops_batch(&t);
	ops_drain(&t);
	ops_cache_flush(&t);
	ops_errors(&t);
	report(t.done > 0, "ops done=%d skipped=%d", t.done, t.skipped);
	queue_close(&t.q);
}
