/* SPDX-License-Identifier: MIT */
/* Every register at every access size: reset values, what may be written, what is not there. */
#include "vtd/unit_of_registers.h"

/* The register map, VT-d 11.4: offset, width, reset, bits that software sets and reads back. */
static const struct reg {
	const char *name;
	unsigned offset, width;
	uint64_t reset;
	uint64_t rw;
} map[] = {
	{"VER", 0x000, 32, 0x10, 0},
	{"CAP", 0x008, 64, FULL_CAP, 0},
	{"ECAP", 0x010, 64, FULL_ECAP, 0},
	{"GSTS", 0x01c, 32, 0, 0},
	{"RTADDR", 0x020, 64, 0, 0xfffffffffffffc00},
	{"FSTS", 0x034, 32, 0, 0},
	{"FECTL", 0x038, 32, 0x80000000, 0x80000000},
	{"FEDATA", 0x03c, 32, 0, 0xffff},
	{"FEADDR", 0x040, 32, 0, 0xfffffffc},
	{"FEUADDR", 0x044, 32, 0, 0xffffffff},
	{"AFLOG", 0x058, 64, 0, 0},
	{"PLMBASE", 0x068, 32, 0, 0xffffffff},
	{"PLMLIMIT", 0x06c, 32, 0, 0xffffffff},
	{"PHMBASE", 0x070, 64, 0, UINT64_MAX},
	{"PHMLIMIT", 0x078, 64, 0, UINT64_MAX},
	{"IQH", 0x080, 64, 0, 0},
	{"IQT", 0x088, 64, 0, 0x7fff0},
	{"IQA", 0x090, 64, 0, 0xfffffffffffff807},
	{"ICS", 0x09c, 32, 0, 0},
	{"IECTL", 0x0a0, 32, 0x80000000, 0x80000000},
	{"IEDATA", 0x0a4, 32, 0, 0xffff},
	{"IEADDR", 0x0a8, 32, 0, 0xfffffffc},
	{"IEUADDR", 0x0ac, 32, 0, 0xffffffff},
	{"IQERCD", 0x0b0, 64, 0, 0},
	{"IRTA", 0x0b8, 64, 0, 0xfffffffffffff80f},
	{"PQH", 0x0c0, 64, 0, 0x7ffe0},
	{"PQT", 0x0c8, 64, 0, 0x7ffe0},
	{"PQA", 0x0d0, 64, 0, 0xfffffffffffff007},
	{"PRS", 0x0dc, 32, 0, 0},
	{"PECTL", 0x0e0, 32, 0x80000000, 0x80000000},
	{"PEDATA", 0x0e4, 32, 0, 0xffff},
	{"PEADDR", 0x0e8, 32, 0, 0xfffffffc},
	{"PEUADDR", 0x0ec, 32, 0, 0xffffffff},
	{"MTRRCAP", 0x100, 64, 0, 0},
	{"PERFCAP", 0x300, 64, 0, 0},
	{"ECMD", 0x400, 64, 0, 0},
	{"RDTC", 0xdc0, 64, 0, 0},
	{"VCMD_EO", 0xe08, 64, 0, UINT64_MAX},
	{"VCRSP", 0xe10, 64, 0, 0},
	{"VCCAP", 0xe30, 64, 7, 0},
	/* IVA is write-only; FRCD read-only but for F */
	{"IVA", IVA, 64, 0, 0},
	{"FRCD low", FRCD0, 64, 0, 0},
	{"FRCD high", FRCD0 + 8, 64, 0, 0},
};
#define MAP_COUNT (sizeof(map) / sizeof(map[0]))

static void expect(const struct registers *r, const struct reg *reg, uint64_t value)
{
	uint64_t found = read_register(r, reg->offset, reg->width / 8);

	if (found != value)
		fail_msg("%s: %#llx, expected %#llx", reg->name, (unsigned long long)found,
			 (unsigned long long)value);
}

static void test_reset_values(void **state)
{
	struct registers r;
	(void)state;

	registers_init(&r, full_config());
	for (size_t i = 0; i < MAP_COUNT; i++)
		expect(&r, &map[i], map[i].reset);
	/* GCMD, CCMD, IOTLB, PMEN and VCMD have commands in them */
	assert_int_equal(read32(&r, 0x18), 0);
	assert_int_equal(read64(&r, 0x28), 0);
	assert_int_equal(read32(&r, 0x64), 0);
	assert_int_equal(read64(&r, 0xe00), 0);
	assert_int_equal(read64(&r, IOTLB), 0);
}

static void write_halves(struct registers *r, const struct reg *reg, uint64_t value)
{
	write32(r, reg->offset, value & UINT32_MAX);
	if (reg->width == 64)
		write32(r, reg->offset + 4, value >> 32);
}

static void write_whole(struct registers *r, const struct reg *reg, uint64_t value)
{
	write_register(r, reg->offset, reg->width / 8, value);
}

static void check_writable_bits(void (*write)(struct registers *, const struct reg *, uint64_t))
{
	static const uint64_t patterns[] = {UINT64_MAX, 0, 0xa5a5a5a5a5a5a5a5, 0x5a5a5a5a5a5a5a5a};
	struct registers r;

	for (size_t i = 0; i < MAP_COUNT; i++) {
		const struct reg *reg = &map[i];

		registers_init(&r, full_config());
		for (unsigned p = 0; p < sizeof(patterns) / sizeof(patterns[0]); p++) {
			write(&r, reg, patterns[p]);
			expect(&r, reg, (reg->reset & ~reg->rw) | (patterns[p] & reg->rw));
		}
	}
}

static void test_writable_bits_whole(void **state)
{
	(void)state;
	check_writable_bits(write_whole);
}

static void test_writable_bits_by_halves(void **state)
{
	(void)state;
	check_writable_bits(write_halves);
}

/* A half leaves the other half alone. */
static void test_half_writes_are_independent(void **state)
{
	struct registers r;
	(void)state;

	registers_init(&r, full_config());
	write64(&r, 0x70, 0x1111111122222222);
	write32(&r, 0x74, 0x33333333);
	assert_int_equal(read64(&r, 0x70), 0x3333333322222222);
	write32(&r, 0x70, 0x44444444);
	assert_int_equal(read64(&r, 0x70), 0x3333333344444444);
	assert_int_equal(read32(&r, 0x74), 0x33333333);
}

/* An 8-byte access covers two neighbours of 32 bits. */
static void test_wide_access_to_two_registers(void **state)
{
	struct registers r;
	(void)state;

	registers_init(&r, full_config());
	write64(&r, 0x68, 0x1234567887654321);
	assert_int_equal(read32(&r, 0x68), 0x87654321);
	assert_int_equal(read32(&r, 0x6c), 0x12345678);
	assert_int_equal(read64(&r, 0x68), 0x1234567887654321);
	/* GCMD and GSTS: the command, and a register that cannot be written */
	write64(&r, 0x18, UINT64_C(0xffffffff40000000));
	assert_int_equal(r.fx.what, VTD_FX_ROOT_LATCH);
	assert_int_equal(read64(&r, 0x18), 0);
	/* unmasking and the message's data in one access: data is stored first */
	write64(&r, 0x40, UINT64_C(0x00000001fee00000));
	vtd_regfile_iq_error(&r.rf, 4, fresh(&r));
	assert_int_equal(r.fx.msi_count, 0);
	write64(&r, 0x38, UINT64_C(0x0000004100000000));
	assert_int_equal(r.fx.msi_count, 1);
	assert_int_equal(r.fx.msi[0].data, 0x41);
	assert_int_equal(r.fx.msi[0].addr, 0x1fee00000);
}

static void check_refused(struct registers *r, uint64_t offset, unsigned size)
{
	struct registers before = *r;
	uint64_t value = 0x1122334455667788;

	assert_int_equal(vtd_regfile_read(&r->rf, offset, size, &value), -EINVAL);
	assert_int_equal(value, 0x1122334455667788);
	assert_int_equal(vtd_regfile_write(&r->rf, offset, size, UINT64_MAX, &r->fx), -EINVAL);
	assert_memory_equal(&before, r, sizeof(before));
}

static void test_every_offset_at_every_size(void **state)
{
	static const unsigned sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 32, 64, UINT32_MAX};
	struct registers r;
	uint64_t value;
	(void)state;

	registers_init(&r, full_config());
	for (unsigned offset = 0; offset < 0x1010; offset++)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			unsigned size = sizes[i];

			if ((size == 4 || size == 8) && offset % size == 0 && offset < 0x1000)
				assert_int_equal(vtd_regfile_read(&r.rf, offset, size, &value), 0);
			else
				check_refused(&r, offset, size);
		}
}

static void test_far_offsets_are_refused(void **state)
{
	struct registers r;
	(void)state;

	registers_init(&r, full_config());
	check_refused(&r, 0x1000, 4);
	check_refused(&r, 0x1000, 8);
	check_refused(&r, UINT64_C(0x100000000), 4);
	check_refused(&r, UINT64_C(0x100000020), 8);
	check_refused(&r, UINT64_MAX - 3, 4);
	check_refused(&r, UINT64_MAX - 7, 8);
}

static bool is_in_map(unsigned offset)
{
	static const unsigned commands[] = {0x18, 0x28, 0x2c, 0x64, 0xe00, 0xe04, IOTLB, IOTLB + 4};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i] == offset)
			return true;
	for (size_t i = 0; i < MAP_COUNT; i++)
		if (offset - map[i].offset < map[i].width / 8)
			return true;
	return false;
}

static void test_holes_read_zero_and_ignore_writes(void **state)
{
	struct registers r, before;
	(void)state;

	registers_init(&r, full_config());
	before = r;
	for (unsigned offset = 0; offset < 0x1000; offset += 4) {
		if (is_in_map(offset))
			continue;
		write32(&r, offset, UINT32_MAX);
		assert_int_equal(read32(&r, offset), 0);
		assert_int_equal(r.fx.what, 0);
	}
	assert_memory_equal(&r.rf, &before.rf, sizeof(r.rf));
}

/* Registers are RsvdZ without their feature. */
static void check_absent(uint64_t missing_cap, uint64_t missing_ecap, const unsigned *offsets,
			 size_t count)
{
	struct vtd_regfile_config config = full_config();
	struct registers r;

	config.cap &= ~missing_cap;
	config.ecap &= ~missing_ecap;
	registers_init(&r, config);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(read32(&r, offsets[i]), 0);
		write32(&r, offsets[i], UINT32_MAX);
		assert_int_equal(read32(&r, offsets[i]), 0);
		assert_int_equal(r.fx.what, 0);
	}
}

#define CHECK_ABSENT(missing_cap, missing_ecap, ...)                                               \
	do {                                                                                       \
		static const unsigned offsets[] = {__VA_ARGS__};                                   \
		check_absent(missing_cap, missing_ecap, offsets,                                   \
			     sizeof(offsets) / sizeof(offsets[0]));                                \
	} while (0)

static void test_registers_absent_without_their_feature(void **state)
{
	(void)state;
	/* VCS */
	CHECK_ABSENT(0, BIT(44), 0xe00, 0xe04, 0xe08, 0xe0c, 0xe10, 0xe14, 0xe30, 0xe34);
	/* QI */
	CHECK_ABSENT(0, BIT(1), 0x80, 0x88, 0x90, 0x94, 0x9c, 0xa0, 0xa4, 0xa8, 0xac, 0xb0);
	/* PRS */
	CHECK_ABSENT(0, BIT(29), 0xc0, 0xc8, 0xd0, 0xd4, 0xdc, 0xe0, 0xe4, 0xe8, 0xec);
	/* IR, EIM */
	CHECK_ABSENT(0, BIT(3), 0xb8, 0xbc);
	CHECK_ABSENT(0, BIT(4), 0x44, 0xac, 0xec);
	/* PLMR, PHMR, both */
	CHECK_ABSENT(BIT(5), 0, 0x68, 0x6c);
	CHECK_ABSENT(BIT(6), 0, 0x70, 0x74, 0x78, 0x7c);
	CHECK_ABSENT(BIT(5) | BIT(6), 0, 0x64);
}

static void test_protected_memory_status_follows(void **state)
{
	struct registers r;
	(void)state;

	registers_init(&r, full_config());
	write32(&r, 0x64, 0xffffffff);
	assert_int_equal(read32(&r, 0x64), 0x80000001);
	assert_int_equal(r.fx.what, VTD_FX_PMEN);
	write32(&r, 0x64, 1);
	assert_int_equal(read32(&r, 0x64), 0);
}

static int init_with(uint64_t fro, uint64_t nfr, uint64_t iro)
{
	struct vtd_regfile_config config = full_config();
	struct vtd_regfile rf;

	config.cap &= ~(FIELD(0x3ff, 24) | FIELD(0xff, 40));
	config.cap |= FIELD(fro, 24) | FIELD(nfr, 40);
	config.ecap &= ~FIELD(0x3ff, 8);
	config.ecap |= FIELD(iro, 8);
	return vtd_regfile_init(&rf, &config);
}

static void test_init_refuses_overlapping_blocks(void **state)
{
	(void)state;
	assert_int_equal(init_with(0x22, 7, 0x50), 0);
	assert_int_equal(init_with(0x22, 0, 0xf), 0);        /* where QEMU places them */
	assert_int_equal(init_with(0x20, 127, 0x10), 0);     /* 0x200 to 0x9ff */
	assert_int_equal(init_with(0xff, 0, 0x50), 0);       /* the last 16 bytes */
	assert_int_equal(init_with(0xff, 1, 0x50), -EINVAL); /* off the page */
	assert_int_equal(init_with(0x100, 0, 0x50), -EINVAL);
	assert_int_equal(init_with(0x22, 0, 0x100), -EINVAL);
	assert_int_equal(init_with(0x2, 0, 0x50), -EINVAL);    /* on RTADDR */
	assert_int_equal(init_with(0x22, 0, 0xe), -EINVAL);    /* on PECTL */
	assert_int_equal(init_with(0x20, 255, 0x10), -EINVAL); /* over VCMD */
	assert_int_equal(init_with(0x22, 7, 0x23), -EINVAL);   /* on each other */
}

static void test_copy_is_a_snapshot(void **state)
{
	struct registers r;
	struct vtd_regfile snapshot;
	(void)state;

	registers_init(&r, full_config());
	write64(&r, 0x20, 0x1000);
	write32(&r, 0x18, 0x40000000);
	snapshot = r.rf;
	assert_true(vtd_regfile_complete_gcmd(&r.rf, VTD_FX_ROOT_LATCH));
	write64(&r, 0x20, 0x2000);
	assert_int_equal(read32(&r, 0x1c), 0x40000000);
	r.rf = snapshot;
	assert_int_equal(read32(&r, 0x1c), 0);
	assert_int_equal(read64(&r, 0x20), 0x1000);
	assert_true(vtd_regfile_complete_gcmd(&r.rf, VTD_FX_ROOT_LATCH));
	assert_int_equal(read32(&r, 0x1c), 0x40000000);
}

static void test_reset_forgets_everything_but_the_capabilities(void **state)
{
	struct registers r, fresh_one;
	(void)state;

	registers_init(&fresh_one, full_config());
	registers_init(&r, full_config());
	for (unsigned offset = 0; offset < 0x1000; offset += 4)
		write32(&r, offset, 0x84213579);
	vtd_regfile_reset(&r.rf);
	assert_memory_equal(&r.rf, &fresh_one.rf, sizeof(r.rf));
}

/* Any sequence of writes: reserved bits stay zero, and a fetch stays inside the queue. */

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void check_invariants(const struct registers *r)
{
	assert_int_equal(read32(r, 0x1c) & 0x307fffff,
			 0); /* GSTS: no FLS, AFLS, nor reserved bits */
	assert_int_equal(read32(r, 0x34) & 0xffff008c, 0);
	assert_int_equal(read64(r, 0x80) & ~UINT64_C(0x7fff0), 0);
	assert_int_equal(read64(r, 0x90) & 0x7f8, 0);
	assert_int_equal(read32(r, 0x38) & 0x3fffffff, 0);
	/* an event that is not masked is never held back */
	assert_int_not_equal(read32(r, 0x38), 0x40000000);
	assert_int_not_equal(read32(r, 0xa0), 0x40000000);
	assert_int_not_equal(read32(r, 0xe0), 0x40000000);
	if (vtd_regfile_iq_fetch_allowed(&r->rf)) {
		unsigned slot = vtd_regfile_iq_is_wide(&r->rf) ? 32 : 16;

		assert_true(vtd_regfile_iq_head(&r->rf) + slot <= vtd_regfile_iq_len(&r->rf));
		assert_true(vtd_regfile_iq_tail(&r->rf) < vtd_regfile_iq_len(&r->rf));
		assert_int_equal(vtd_regfile_iq_tail(&r->rf) % slot, 0);
	}
}

static void random_step(struct registers *r, uint64_t *seed)
{
	struct vtd_fault_record record = {{next_random(seed), next_random(seed)}};
	uint64_t slot;

	switch (next_random(seed) % 12) {
	case 0:
		vtd_regfile_complete_gcmd(&r->rf, (uint32_t)next_random(seed));
		break;
	case 1:
		vtd_regfile_complete_vcmd(&r->rf, 0, 1);
		vtd_regfile_complete_ccmd(&r->rf, VTD_REQ_GLOBAL);
		vtd_regfile_complete_iotlb(&r->rf, VTD_REQ_GLOBAL);
		break;
	case 2:
		vtd_regfile_iq_advance(&r->rf, 1);
		break;
	case 3:
		vtd_regfile_record_fault(&r->rf, &record, fresh(r));
		break;
	case 4:
		if (!vtd_regfile_prq_reserve(&r->rf, &slot, fresh(r)))
			vtd_regfile_prq_commit(&r->rf, fresh(r));
		break;
	case 5:
		vtd_regfile_iq_error(&r->rf, 4, fresh(r));
		vtd_regfile_wait_complete(&r->rf, fresh(r));
		break;
	default:
		/* mostly the registers below 0x100; one bit at a time now and then, for GCMD */
		write_register(r, (unsigned)next_random(seed) % 64 * 4, 4,
			       next_random(seed) & 1 ? next_random(seed)
						     : BIT(next_random(seed) % 32));
	}
}

static void test_random_writes_keep_the_invariants(void **state)
{
	struct registers r;
	uint64_t seed = 0x9e3779b97f4a7c15;
	(void)state;

	registers_init(&r, full_config());
	for (unsigned i = 0; i < 300000; i++) {
		random_step(&r, &seed);
		check_invariants(&r);
		if (i % 5000 == 0)
			vtd_regfile_reset(&r.rf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset_values),
		cmocka_unit_test(test_writable_bits_whole),
		cmocka_unit_test(test_writable_bits_by_halves),
		cmocka_unit_test(test_half_writes_are_independent),
		cmocka_unit_test(test_wide_access_to_two_registers),
		cmocka_unit_test(test_every_offset_at_every_size),
		cmocka_unit_test(test_far_offsets_are_refused),
		cmocka_unit_test(test_holes_read_zero_and_ignore_writes),
		cmocka_unit_test(test_registers_absent_without_their_feature),
		cmocka_unit_test(test_protected_memory_status_follows),
		cmocka_unit_test(test_init_refuses_overlapping_blocks),
		cmocka_unit_test(test_copy_is_a_snapshot),
		cmocka_unit_test(test_reset_forgets_everything_but_the_capabilities),
		cmocka_unit_test(test_random_writes_keep_the_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
