// SPDX-License-Identifier: MIT
/* Every operation, flag and status, one descriptor at a time. */
#include "unit.h"

#include <string.h>

#include "device/dsa_world.h"

static struct dsa_world d;

static int setup(void **state)
{
	(void)state;
	dsa_world_init(&d, WORKERS_MANUAL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dsa_world_fini(&d);
	return 0;
}

static uint8_t status_of(struct dsa_descriptor descriptor)
{
	struct dsa_record r = run_one(&d, descriptor);

	return (uint8_t)dsa_record_STATUS(&r);
}

static void test_noop(void **state)
{
	struct dsa_record r = run_one(&d, describe(DSA_OP_NOOP, ASKED, 0, 0, 0));

	(void)state;
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_SUCCESS);
	assert_int_equal(r.q[0], 1);
	assert_int_equal(d.events[VSVA_EV_SUBMIT], 1);
	assert_int_equal(d.events[VSVA_EV_COMPLETE], 1);
	assert_int_equal(dsa_jobs_in_flight(d.dsa), 0);
}

static void test_record_only_when_asked_or_failed(void **state)
{
	(void)state;
	assert_int_equal(status_of(describe(DSA_OP_NOOP, DSA_FLAG_RECORD_VALID, 0, 0, 0)), 0);
	assert_int_equal(status_of(describe(DSA_OP_NOOP, 0, 0, 0, 0)), 0);
	assert_int_equal(software_error(&d), 0);
	assert_int_equal(status_of(describe(0x3f, DSA_FLAG_RECORD_VALID, 0, 0, 0)),
			 DSA_STATUS_BAD_OPCODE);
	assert_int_equal(software_error(&d), 0);
	/* a failure that no record can tell */
	assert_int_equal(status_of(describe(0x3f, 0, 0, 0, 0)), 0);
	assert_int_equal(software_error(&d), DSA_STATUS_BAD_OPCODE);
	assert_int_equal(d.interrupts[0], 1);
}

static void test_completion_interrupt(void **state)
{
	struct dsa_descriptor n = describe(DSA_OP_NOOP, ASKED | DSA_FLAG_INTERRUPT, 0, 0, 0);

	(void)state;
	dsa_descriptor_set_INTERRUPT(&n, 3);
	assert_int_equal(status_of(n), DSA_STATUS_SUCCESS);
	assert_int_equal(d.interrupts[3], 1);
	dsa_descriptor_set_INTERRUPT(&n, 9);
	assert_int_equal(status_of(n), DSA_STATUS_BAD_INTERRUPT);
	dsa_descriptor_set_INTERRUPT(&n, 0xffff);
	assert_int_equal(status_of(n), DSA_STATUS_BAD_INTERRUPT);
}

/* DSA 9.2.26: a vector that is one PASID's. */
static void test_interrupt_permission(void **state)
{
	struct dsa_descriptor n = describe(DSA_OP_NOOP, ASKED | DSA_FLAG_INTERRUPT, 0, 0, 0);
	uint32_t at =
		(uint32_t)dsa_OFFSETS_MSIXPERM(dsa_get(&d, DSA_REG_OFFSETS)) * DSA_TABLE_UNIT +
		3 * DSA_MSIXPERM_STRIDE;
	uint64_t permission = dsa_MSIXPERM_with_PASID_ENABLE(0, 1);

	(void)state;
	dsa_descriptor_set_INTERRUPT(&n, 3);
	dsa_put(&d, at, dsa_MSIXPERM_with_PASID(permission, PASID + 1));
	assert_int_equal(status_of(n), DSA_STATUS_BAD_INTERRUPT);
	assert_int_equal(d.interrupts[3], 0);
	dsa_put(&d, at, dsa_MSIXPERM_with_PASID(permission, PASID));
	assert_int_equal(status_of(n), DSA_STATUS_SUCCESS);
	assert_int_equal(d.interrupts[3], 1);
	/* without the enable bit it is everybody's */
	dsa_put(&d, at, dsa_MSIXPERM_with_PASID(0, PASID + 1));
	assert_int_equal(status_of(n), DSA_STATUS_SUCCESS);
	assert_int_equal(d.interrupts[3], 2);
}

static void move(uint64_t source, uint64_t destination, uint32_t len)
{
	unsigned char *expected = malloc(len);
	unsigned char behind;

	assert_non_null(expected);
	world_randomize(&d.w, source, len, len);
	world_read(&d.w, source, expected, len);
	behind = *world_byte(&d.w, destination + len);
	assert_int_equal(status_of(describe(DSA_OP_MOVE, USUAL, source, destination, len)),
			 DSA_STATUS_SUCCESS);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(*world_byte(&d.w, destination + i), expected[i]);
	assert_int_equal(*world_byte(&d.w, destination + len), behind);
	free(expected);
}

static void test_move(void **state)
{
	(void)state;
	move(SOURCE, DESTINATION, 1);
	move(SOURCE, DESTINATION, 4096);
	move(SOURCE + 13, DESTINATION + 4091, 40 * 1024 + 24);
	move(SOURCE + 4095, DESTINATION + 4095, 2);
	move(SOURCE, DESTINATION, 0x100000);
}

static void test_move_overlapping(void **state)
{
	(void)state;
	move(SOURCE, SOURCE + 5000, 40000);
	move(SOURCE, SOURCE + 1, 40000);
	move(SOURCE + 7, SOURCE + 4096 + 7, 20000);
	move(SOURCE + 5000, SOURCE, 40000);
	move(SOURCE + 1, SOURCE, 40000);
	move(SOURCE, SOURCE, 10000);
}

static void test_fill(void **state)
{
	const uint64_t pattern = 0x1122334455667788;
	const uint32_t len = 12345;

	(void)state;
	*world_byte(&d.w, DESTINATION + 3 + len) = 0x5a;
	assert_int_equal(status_of(describe(DSA_OP_FILL, USUAL, pattern, DESTINATION + 3, len)),
			 DSA_STATUS_SUCCESS);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(*world_byte(&d.w, DESTINATION + 3 + i),
				 (uint8_t)(pattern >> i % 8 * 8));
	assert_int_equal(*world_byte(&d.w, DESTINATION + 2), 0);
	assert_int_equal(*world_byte(&d.w, DESTINATION + 3 + len), 0x5a);
}

static void same_contents(uint32_t len)
{
	unsigned char *bytes = malloc(len);

	assert_non_null(bytes);
	world_randomize(&d.w, SOURCE, len, 9);
	world_read(&d.w, SOURCE, bytes, len);
	world_write(&d.w, DESTINATION, bytes, len);
	free(bytes);
}

static void expect_compare(struct dsa_descriptor descriptor, enum dsa_status status,
			   unsigned result, uint32_t bytes)
{
	struct dsa_record r = run_one(&d, descriptor);

	assert_int_equal(dsa_record_STATUS(&r), status);
	assert_int_equal(dsa_record_RESULT(&r), result);
	assert_int_equal(dsa_record_BYTES(&r), bytes);
}

static void test_compare(void **state)
{
	struct dsa_descriptor c = describe(DSA_OP_COMPARE, USUAL, SOURCE, DESTINATION, 40000);

	(void)state;
	same_contents(40000);
	expect_compare(c, DSA_STATUS_SUCCESS, 0, 0);
	*world_byte(&d.w, DESTINATION + 20001) ^= 4;
	expect_compare(c, DSA_STATUS_SUCCESS, 1, 20001);
	*world_byte(&d.w, DESTINATION) ^= 4;
	expect_compare(c, DSA_STATUS_SUCCESS, 1, 0);
}

static void test_compare_expected(void **state)
{
	struct dsa_descriptor c =
		describe(DSA_OP_COMPARE, USUAL | DSA_FLAG_CHECK_RESULT, SOURCE, DESTINATION, 10000);

	(void)state;
	same_contents(10000);
	expect_compare(c, DSA_STATUS_SUCCESS, 0, 0);
	dsa_descriptor_set_EXPECTED(&c, 1);
	expect_compare(c, DSA_STATUS_FALSE_PREDICATE, 0, 0);
	*world_byte(&d.w, DESTINATION + 9999) ^= 4;
	expect_compare(c, DSA_STATUS_SUCCESS, 1, 9999);
	dsa_descriptor_set_EXPECTED(&c, 0);
	expect_compare(c, DSA_STATUS_FALSE_PREDICATE, 1, 9999);
	/* a predicate that is false is no error: nothing in SWERR without a record */
	dsa_descriptor_set_FLAGS(&c, DSA_FLAG_CHECK_RESULT);
	run_one(&d, c);
	assert_int_equal(software_error(&d), 0);
}

static void test_compare_pattern(void **state)
{
	const uint64_t pattern = 0x0102030405060708;
	struct dsa_descriptor c =
		describe(DSA_OP_COMPARE_PATTERN, USUAL, SOURCE + 5, pattern, 10003);

	(void)state;
	for (uint32_t i = 0; i < 10003; i++)
		*world_byte(&d.w, SOURCE + 5 + i) = (uint8_t)(pattern >> i % 8 * 8);
	expect_compare(c, DSA_STATUS_SUCCESS, 0, 0);
	*world_byte(&d.w, SOURCE + 5 + 8193) ^= 1;
	expect_compare(c, DSA_STATUS_SUCCESS, 1, 8193);
	dsa_descriptor_set_FLAGS(&c, USUAL | DSA_FLAG_CHECK_RESULT);
	expect_compare(c, DSA_STATUS_FALSE_PREDICATE, 1, 8193);
}

/* Bit by bit, from the polynomial as it is written: a second opinion. */
static uint32_t crc_reference(uint32_t seed, const unsigned char *bytes, size_t len,
			      bool plain_seed, bool plain_data)
{
	uint64_t remainder = 0;

	for (unsigned i = 0; i < 32; i++)
		remainder |=
			(uint64_t)((plain_seed ? seed : ~seed) >> (plain_seed ? i : 31 - i) & 1)
			<< i;
	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			uint64_t in = bytes[i] >> (plain_data ? 7 - bit : bit) & 1;

			remainder = remainder << 1 ^ in << 32;
			if (remainder >> 32 & 1)
				remainder ^= 0x11edc6f41;
		}
	if (plain_seed)
		return (uint32_t)remainder;
	seed = 0;
	for (unsigned i = 0; i < 32; i++)
		seed |= (uint32_t)(remainder >> i & 1) << (31 - i);
	return ~seed;
}

static uint64_t crc_of(struct dsa_descriptor c)
{
	struct dsa_record r = run_one(&d, c);

	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_SUCCESS);
	return dsa_record_CRC(&r);
}

static void test_crc(void **state)
{
	struct dsa_descriptor c = describe(DSA_OP_CRC, USUAL, SOURCE, 0, 9);
	unsigned char bytes[10000];

	(void)state;
	world_write(&d.w, SOURCE, "123456789", 9);
	assert_int_equal(crc_of(c), 0xe3069283);
	world_randomize(&d.w, SOURCE + 1, sizeof(bytes), 4);
	world_read(&d.w, SOURCE + 1, bytes, sizeof(bytes));
	for (uint32_t variant = 0; variant < 4; variant++) {
		c = describe(DSA_OP_CRC,
			     USUAL | (variant & 1 ? DSA_FLAG_CRC_BYPASS_INVERSION : 0u) |
				     (variant & 2 ? DSA_FLAG_CRC_BYPASS_REFLECTION : 0u),
			     SOURCE + 1, 0, sizeof(bytes));
		dsa_descriptor_set_CRC_SEED(&c, 0x89abcdef);
		assert_int_equal(crc_of(c), crc_reference(0x89abcdef, bytes, sizeof(bytes),
							  variant & 1, variant & 2));
	}
}

static void test_crc_in_two_pieces(void **state)
{
	struct dsa_descriptor c = describe(DSA_OP_CRC, USUAL, SOURCE, 0, 10000);
	uint64_t whole, first;

	(void)state;
	world_randomize(&d.w, SOURCE, 10000, 4);
	whole = crc_of(c);
	dsa_descriptor_set_SIZE(&c, 3333);
	first = crc_of(c);
	dsa_descriptor_set_SOURCE(&c, SOURCE + 3333);
	dsa_descriptor_set_SIZE(&c, 6667);
	dsa_descriptor_set_CRC_SEED(&c, first);
	assert_int_equal(crc_of(c), whole);
	/* the seed from memory; its page must be asked for */
	dsa_descriptor_set_CRC_SEED(&c, 0);
	dsa_descriptor_set_FLAGS(&c, USUAL | DSA_FLAG_CRC_READ_SEED);
	dsa_descriptor_set_SEED_ADDRESS(&c, THIRD + 8);
	world_write(&d.w, THIRD + 8, &first, 4);
	world_allow(&d.w, PASID, THIRD, 4096, 0);
	d.w.unit.policy = FAKE_GRANT;
	assert_int_equal(crc_of(c), whole);
	assert_int_equal(world_requests(&d.w), 1);
	dsa_descriptor_set_SEED_ADDRESS(&c, THIRD + 6);
	assert_int_equal(status_of(c), DSA_STATUS_ALIGNMENT);
}

static void test_copy_crc(void **state)
{
	struct dsa_descriptor c =
		describe(DSA_OP_COPY_CRC, USUAL, SOURCE + 3, DESTINATION + 7, 10000);
	unsigned char bytes[10000];

	(void)state;
	world_randomize(&d.w, SOURCE + 3, sizeof(bytes), 4);
	world_read(&d.w, SOURCE + 3, bytes, sizeof(bytes));
	assert_int_equal(crc_of(c), crc_reference(0, bytes, sizeof(bytes), false, false));
	assert_true(world_same(&d.w, SOURCE + 3, DESTINATION + 7, sizeof(bytes)));
	dsa_descriptor_set_DESTINATION(&c, SOURCE + 10002);
	assert_int_equal(status_of(c), DSA_STATUS_OVERLAP);
}

static void test_dualcast(void **state)
{
	struct dsa_descriptor c = describe(DSA_OP_DUALCAST, USUAL, SOURCE, DESTINATION + 64, 10000);

	(void)state;
	dsa_descriptor_set_DESTINATION2(&c, THIRD + 64);
	world_randomize(&d.w, SOURCE, 10000, 4);
	assert_int_equal(status_of(c), DSA_STATUS_SUCCESS);
	assert_true(world_same(&d.w, SOURCE, DESTINATION + 64, 10000));
	assert_true(world_same(&d.w, SOURCE, THIRD + 64, 10000));
	dsa_descriptor_set_DESTINATION2(&c, THIRD + 65);
	assert_int_equal(status_of(c), DSA_STATUS_DUALCAST_ALIGNMENT);
	dsa_descriptor_set_DESTINATION2(&c, DESTINATION + 8192 + 64);
	assert_int_equal(status_of(c), DSA_STATUS_OVERLAP);
}

static void test_cache_flush(void **state)
{
	(void)state;
	world_randomize(&d.w, DESTINATION, 10000, 4);
	assert_int_equal(status_of(describe(DSA_OP_CACHE_FLUSH, USUAL, 0, DESTINATION, 10000)),
			 DSA_STATUS_SUCCESS);
	world_allow(&d.w, PASID, DESTINATION + 4096, 4096, 0);
	assert_int_equal(status_of(describe(DSA_OP_CACHE_FLUSH, ASKED, 0, DESTINATION, 10000)),
			 DSA_STATUS_SUCCESS); /* cached in the device */
	dsa_config_write(d.dsa, 0x106, 2, 0);
	dsa_config_write(d.dsa, 0x106, 2, 0x8000);
	assert_int_equal(status_of(describe(DSA_OP_CACHE_FLUSH, ASKED, 0, DESTINATION, 10000)),
			 DSA_STATUS_PAGE_FAULT);
}

static void test_every_opcode(void **state)
{
	uint64_t opcap = dsa_get(&d, DSA_REG_OPCAP);

	(void)state;
	assert_int_equal(opcap, UINT64_C(0x10003027f));
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		uint8_t status = status_of(describe(opcode, ASKED, SOURCE, DESTINATION, 64));

		if (opcode < 64 && opcap >> opcode & 1)
			assert_int_not_equal(status, DSA_STATUS_BAD_OPCODE);
		else
			assert_int_equal(status, DSA_STATUS_BAD_OPCODE);
	}
}

static void test_invalid_flags(void **state)
{
	static const struct {
		enum dsa_opcode opcode;
		uint32_t flags, bad;
	} cases[] = {
		{DSA_OP_MOVE, 1u << 5, 1u << 5},
		{DSA_OP_MOVE, 1u << 6, 1u << 6},
		{DSA_OP_MOVE, 1u << 14, 1u << 14},
		{DSA_OP_MOVE, 1u << 15, 1u << 15},
		{DSA_OP_MOVE, 1u << 16, 1u << 16},
		{DSA_OP_MOVE, 1u << 23, 1u << 23},
		{DSA_OP_MOVE, DSA_FLAG_CHECK_RESULT, DSA_FLAG_CHECK_RESULT},
		{DSA_OP_COMPARE, DSA_FLAG_CACHE_CONTROL, DSA_FLAG_CACHE_CONTROL},
		{DSA_OP_NOOP, DSA_FLAG_CACHE_CONTROL | 1u << 20, DSA_FLAG_CACHE_CONTROL | 1u << 20},
		{DSA_OP_CRC, 1u << 19, 1u << 19},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dsa_record r = run_one(&d, describe(cases[i].opcode, ASKED | cases[i].flags,
							   SOURCE, DESTINATION, 64));

		assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_BAD_FLAGS);
		assert_int_equal(dsa_record_INVALID_FLAGS(&r), cases[i].bad);
	}
	/* accepted without meaning */
	assert_int_equal(
		status_of(describe(DSA_OP_MOVE,
				   ASKED | DSA_FLAG_CACHE_CONTROL | DSA_FLAG_TRAFFIC_CLASSES |
					   DSA_FLAG_STRICT_ORDER | DSA_FLAG_FENCE,
				   SOURCE, DESTINATION, 64)),
		DSA_STATUS_SUCCESS);
	/* a record without an address */
	status_of(describe(DSA_OP_NOOP, DSA_FLAG_RECORD_REQUESTED, 0, 0, 0));
	assert_int_equal(software_error(&d), DSA_STATUS_BAD_FLAGS);
}

static void test_block_on_fault_needs_the_queue(void **state)
{
	uint32_t at = DSA_WQCFG + 8;

	(void)state;
	assert_int_equal(dsa_command(&d, DSA_COMMAND_DISABLE_WQ, 1), 0);
	dsa_put(&d, at, dsa_WQCFG1_with_BLOCK_ON_FAULT(dsa_get(&d, at), 0));
	assert_int_equal(dsa_command(&d, DSA_COMMAND_ENABLE_WQ, 0), 0);
	assert_int_equal(status_of(describe(DSA_OP_MOVE, USUAL, SOURCE, DESTINATION, 64)),
			 DSA_STATUS_BAD_FLAGS);
	assert_int_equal(status_of(describe(DSA_OP_MOVE, ASKED, SOURCE, DESTINATION, 64)),
			 DSA_STATUS_SUCCESS);
	/* nor is a record's page waited for */
	dsa_config_write(d.dsa, 0x106, 2, 0);
	dsa_config_write(d.dsa, 0x106, 2, 0x8000);
	world_allow(&d.w, PASID, RECORD, 4096, VSVA_PROT_READ);
	assert_int_equal(status_of(describe(DSA_OP_NOOP, ASKED, 0, 0, 0)), 0);
	assert_int_equal(software_error(&d), DSA_STATUS_RECORD_FAULT);
	assert_int_equal(world_requests(&d.w), 0);
}

static void test_reserved_fields(void **state)
{
	struct dsa_descriptor m = describe(DSA_OP_MOVE, ASKED, SOURCE, DESTINATION, 64);

	(void)state;
	for (unsigned q = 5; q < 8; q++) {
		m.q[q] = 1;
		assert_int_equal(status_of(m), DSA_STATUS_RESERVED_FIELD);
		m.q[q] = 0;
	}
	dsa_descriptor_set_RESERVED(&m, 1);
	assert_int_equal(status_of(m), DSA_STATUS_RESERVED_FIELD);
	assert_int_equal(status_of(describe(DSA_OP_NOOP, ASKED, 1, 0, 0)),
			 DSA_STATUS_RESERVED_FIELD);
	assert_int_equal(status_of(describe(DSA_OP_DRAIN, ASKED, 0, 1, 0)),
			 DSA_STATUS_RESERVED_FIELD);
	assert_int_equal(status_of(describe(DSA_OP_NOOP, ASKED, 0, 0, 1)),
			 DSA_STATUS_RESERVED_FIELD);
	m = describe(DSA_OP_COMPARE, ASKED, SOURCE, DESTINATION, 64);
	m.q[5] = 0x100;
	assert_int_equal(status_of(m), DSA_STATUS_RESERVED_FIELD);
	m = describe(DSA_OP_CRC, ASKED, SOURCE, 0, 64);
	m.q[6] = SOURCE;
	assert_int_equal(status_of(m), DSA_STATUS_RESERVED_FIELD);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(status_of(describe(DSA_OP_MOVE, ASKED, SOURCE, DESTINATION, 0)),
			 DSA_STATUS_BAD_SIZE);
	assert_int_equal(
		status_of(describe(DSA_OP_MOVE, ASKED, SOURCE, DESTINATION, (1u << 21) + 1)),
		DSA_STATUS_BAD_SIZE);
	assert_int_equal(status_of(describe(DSA_OP_FILL, ASKED, 0, VA + 0x100000, 1u << 21)),
			 DSA_STATUS_SUCCESS);
	assert_int_equal(status_of(describe(DSA_OP_BATCH, ASKED, LIST, 0, 1)),
			 DSA_STATUS_BAD_COUNT);
	assert_int_equal(status_of(describe(DSA_OP_BATCH, ASKED, LIST, 0, 33)),
			 DSA_STATUS_BAD_COUNT);
	assert_int_equal(status_of(describe(DSA_OP_BATCH, ASKED, LIST + 32, 0, 2)),
			 DSA_STATUS_LIST_ALIGNMENT);
}

static void test_record_alignment(void **state)
{
	struct dsa_descriptor n = describe(DSA_OP_NOOP, ASKED, 0, 0, 0);

	(void)state;
	dsa_descriptor_set_RECORD(&n, RECORD + 16);
	run_one(&d, n);
	assert_true(world_is_all(&d.w, RECORD, 64, 0));
	assert_int_equal(software_error(&d), DSA_STATUS_RECORD_ALIGNMENT);
}

/* Faults */

static void expect_fault(struct dsa_descriptor m, uint8_t status, uint64_t bytes, uint64_t addr)
{
	struct dsa_record r = run_one(&d, m);

	assert_int_equal(dsa_record_STATUS(&r), status);
	assert_int_equal(dsa_record_BYTES(&r), bytes);
	assert_int_equal(dsa_record_FAULT_ADDRESS(&r), addr);
}

static void test_page_fault_not_blocking(void **state)
{
	struct dsa_descriptor m = describe(DSA_OP_MOVE, ASKED, SOURCE, DESTINATION, 16384);

	(void)state;
	world_allow(&d.w, PASID, DESTINATION + 8192, 4096, 0);
	world_randomize(&d.w, SOURCE, 16384, 2);
	expect_fault(m, DSA_STATUS_PAGE_FAULT | DSA_STATUS_WRITE, 8192, DESTINATION + 8192);
	assert_true(world_same(&d.w, SOURCE, DESTINATION, 8192));
	assert_true(world_is_all(&d.w, DESTINATION + 8192, 8192, 0));
	world_allow(&d.w, PASID, SOURCE + 4096, 4096, 0);
	dsa_config_write(d.dsa, 0x106, 2, 0);
	dsa_config_write(d.dsa, 0x106, 2, 0x8000);
	expect_fault(m, DSA_STATUS_PAGE_FAULT, 4096, SOURCE + 4096);
	assert_int_equal(world_requests(&d.w), 0);
	/* software goes on from there */
	world_allow(&d.w, PASID, VA, SPACE_LEN, RW);
	m = describe(DSA_OP_MOVE, ASKED, SOURCE + 4096, DESTINATION + 4096, 16384 - 4096);
	assert_int_equal(status_of(m), DSA_STATUS_SUCCESS);
	assert_true(world_same(&d.w, SOURCE, DESTINATION, 16384));
}

static void test_page_fault_in_the_middle_of_a_page(void **state)
{
	struct dsa_descriptor m = describe(DSA_OP_FILL, ASKED, 0, DESTINATION + 100, 100);

	(void)state;
	world_allow(&d.w, PASID, DESTINATION, 4096, VSVA_PROT_READ);
	expect_fault(m, DSA_STATUS_PAGE_FAULT | DSA_STATUS_WRITE, 0, DESTINATION + 100);
}

static void test_page_fault_backward(void **state)
{
	struct dsa_descriptor m = describe(DSA_OP_MOVE, ASKED, SOURCE, SOURCE + 4096, 16384);
	struct dsa_record r;

	(void)state;
	world_allow(&d.w, PASID, SOURCE + 4096, 4096, VSVA_PROT_READ);
	r = run_one(&d, m);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_PAGE_FAULT | DSA_STATUS_WRITE);
	assert_int_equal(dsa_record_BYTES(&r), 12288);
	assert_int_equal(dsa_record_RESULT(&r), 1);
	assert_int_equal(dsa_record_FAULT_ADDRESS(&r), SOURCE + 4096);
}

static void test_page_requests_granted(void **state)
{
	struct dsa_descriptor m =
		describe(DSA_OP_MOVE, USUAL, SOURCE + 24, DESTINATION + 24, 1049353 - 1024);

	(void)state;
	world_randomize(&d.w, SOURCE, 0x100000, 2);
	world_allow(&d.w, PASID, DESTINATION, 0x101000, 0);
	d.w.unit.policy = FAKE_GRANT;
	assert_int_equal(status_of(m), DSA_STATUS_SUCCESS);
	assert_true(world_same(&d.w, SOURCE + 24, DESTINATION + 24, 1049353 - 1024));
	/* one for each page */
	assert_int_equal(world_requests(&d.w), 256);
	assert_int_equal(status_of(m), DSA_STATUS_SUCCESS);
	assert_int_equal(world_requests(&d.w), 256);
}

static void test_page_requests_refused(void **state)
{
	struct dsa_descriptor m = describe(DSA_OP_MOVE, USUAL, SOURCE, DESTINATION, 16384);

	(void)state;
	d.w.unit.policy = FAKE_REFUSE;
	world_allow(&d.w, PASID, DESTINATION + 8192, 4096, VSVA_PROT_READ);
	expect_fault(m, DSA_STATUS_PAGE_INVALID | DSA_STATUS_WRITE, 8192, DESTINATION + 8192);
	assert_int_equal(world_requests(&d.w), 1);
	world_allow(&d.w, PASID, SOURCE, 4096, 0);
	dsa_config_write(d.dsa, 0x106, 2, 0);
	dsa_config_write(d.dsa, 0x106, 2, 0x8000);
	expect_fault(m, DSA_STATUS_PAGE_INVALID, 0, SOURCE);
	assert_int_equal(world_requests(&d.w), 2);
}

static void test_page_requests_answered_with_lies(void **state)
{
	(void)state;
	d.w.unit.policy = FAKE_LIE;
	world_allow(&d.w, PASID, DESTINATION, 4096, 0);
	expect_fault(describe(DSA_OP_FILL, USUAL, 0, DESTINATION, 64),
		     DSA_STATUS_PAGE_INVALID | DSA_STATUS_WRITE, 0, DESTINATION);
	assert_in_range(world_requests(&d.w), 2, 100);
}

static void test_page_requests_switched_off(void **state)
{
	(void)state;
	dsa_config_write(d.dsa, 0x124, 2, 0);
	world_allow(&d.w, PASID, DESTINATION, 4096, 0);
	expect_fault(describe(DSA_OP_FILL, USUAL, 0, DESTINATION, 64),
		     DSA_STATUS_PAGE_FAULT | DSA_STATUS_WRITE, 0, DESTINATION);
	assert_int_equal(world_requests(&d.w), 0);
}

static void test_translation_error(void **state)
{
	struct dsa_descriptor m = describe(DSA_OP_MOVE, USUAL, SOURCE, DESTINATION, 64);

	(void)state;
	assert_int_equal(status_of(describe(DSA_OP_NOOP, ASKED, 0, 0, 0)), DSA_STATUS_SUCCESS);
	d.w.unit.error = true; /* the record's page is cached */
	expect_fault(m, DSA_STATUS_TRANSLATION, 0, SOURCE);
	dsa_config_write(d.dsa, 0x106, 2, 0);
	run_one(&d, m);
	assert_int_equal(software_error(&d), DSA_STATUS_RECORD_FAULT);
	/* bus master off: as if nothing were there */
	d.w.unit.error = false;
	dsa_config_write(d.dsa, 0x04, 2, 2);
	run_one(&d, m);
	assert_int_equal(software_error(&d), DSA_STATUS_RECORD_FAULT);
}

static void test_record_page_requested(void **state)
{
	(void)state;
	d.w.unit.policy = FAKE_GRANT;
	world_allow(&d.w, PASID, RECORD, 4096, 0);
	/* without block on fault in the descriptor: the queue's counts */
	assert_int_equal(status_of(describe(DSA_OP_NOOP, ASKED, 0, 0, 0)), DSA_STATUS_SUCCESS);
	assert_int_equal(world_requests(&d.w), 1);
	assert_int_equal(software_error(&d), 0);
}

static void test_record_page_refused(void **state)
{
	uint64_t head;

	(void)state;
	d.w.unit.policy = FAKE_REFUSE;
	world_allow(&d.w, PASID, RECORD, 4096, 0);
	assert_int_equal(status_of(describe(DSA_OP_MOVE, ASKED, SOURCE, DESTINATION, 64)), 0);
	head = dsa_get(&d, DSA_REG_SWERR);
	assert_true(dsa_SWERR_VALID(head) && dsa_SWERR_DESCRIPTOR_VALID(head) &&
		    dsa_SWERR_QUEUE_VALID(head) && dsa_SWERR_WRITE(head));
	assert_int_equal(dsa_SWERR_ERROR(head), DSA_STATUS_RECORD_FAULT);
	assert_int_equal(dsa_SWERR_OPERATION(head), DSA_OP_MOVE);
	assert_int_equal(dsa_SWERR_PASID(head), PASID);
	assert_int_equal(dsa_SWERR_QUEUE(head), DEDICATED);
	assert_int_equal(dsa_get(&d, DSA_REG_SWERR + 16), RECORD);
	assert_int_equal(dsa_get(&d, DSA_REG_INTCAUSE) & 1, 1);
	assert_int_equal(d.interrupts[0], 1);
	assert_false(dsa_SWERR_OVERFLOW(head));
	assert_int_equal(status_of(describe(DSA_OP_MOVE, ASKED, SOURCE, DESTINATION, 64)), 0);
	assert_true(dsa_SWERR_OVERFLOW(dsa_get(&d, DSA_REG_SWERR)));
	assert_int_equal(d.interrupts[0], 1);
	dsa_put(&d, DSA_REG_SWERR, 3);
	assert_int_equal(dsa_get(&d, DSA_REG_SWERR) & 3, 0);
}

static void test_crc_partial(void **state)
{
	struct dsa_descriptor c = describe(DSA_OP_CRC, ASKED, SOURCE, 0, 8192);
	struct dsa_record r;
	uint64_t first;

	(void)state;
	world_randomize(&d.w, SOURCE, 8192, 3);
	dsa_descriptor_set_SIZE(&c, 4096);
	first = crc_of(c);
	dsa_descriptor_set_SIZE(&c, 8192);
	world_allow(&d.w, PASID, SOURCE + 4096, 4096, 0);
	r = run_one(&d, c);
	assert_int_equal(dsa_record_STATUS(&r), DSA_STATUS_PAGE_FAULT);
	assert_int_equal(dsa_record_BYTES(&r), 4096);
	assert_int_equal(dsa_record_CRC(&r), first);
}

static void test_address_wraps(void **state)
{
	(void)state;
	expect_fault(describe(DSA_OP_FILL, ASKED, 0, UINT64_MAX - 10, 64),
		     DSA_STATUS_PAGE_FAULT | DSA_STATUS_WRITE, 0, UINT64_MAX - 10);
	expect_fault(describe(DSA_OP_MOVE, USUAL, UINT64_MAX - 10, DESTINATION, 64), 0, 0, 0);
	assert_int_equal(world_requests(&d.w), 1);
	d.w.unit.policy = FAKE_KEEP;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_noop),
		CASE(test_record_only_when_asked_or_failed),
		CASE(test_completion_interrupt),
		CASE(test_interrupt_permission),
		CASE(test_move),
		CASE(test_move_overlapping),
		CASE(test_fill),
		CASE(test_compare),
		CASE(test_compare_expected),
		CASE(test_compare_pattern),
		CASE(test_crc),
		CASE(test_crc_in_two_pieces),
		CASE(test_copy_crc),
		CASE(test_dualcast),
		CASE(test_cache_flush),
		CASE(test_every_opcode),
		CASE(test_invalid_flags),
		CASE(test_block_on_fault_needs_the_queue),
		CASE(test_reserved_fields),
		CASE(test_sizes),
		CASE(test_record_alignment),
		CASE(test_page_fault_not_blocking),
		CASE(test_page_fault_in_the_middle_of_a_page),
		CASE(test_page_fault_backward),
		CASE(test_page_requests_granted),
		CASE(test_page_requests_refused),
		CASE(test_page_requests_answered_with_lies),
		CASE(test_page_requests_switched_off),
		CASE(test_translation_error),
		CASE(test_record_page_requested),
		CASE(test_record_page_refused),
		CASE(test_crc_partial),
		CASE(test_address_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
