/* SPDX-License-Identifier: MIT */
/* Mediated registers: the guest reads and writes its own PASIDs, the device has the host's. */
#include <errno.h>
#include <string.h>

#include "raw_guest.h"
#include "vsva/dsa.h"

#define VA             UINT64_C(0x7f0000001000)
#define WQCFG          0x500u
#define MODE           (WQCFG + 8)
#define CMD            0xa0u
#define CMDSTS         0xa8u
#define SWERR          0xc0u
#define ACTIVE         UINT32_C(0x80000000)
#define DEDICATED      0x1u
#define BLOCK_ON_FAULT 0x2u
#define PRIORITY       0xa0u
#define PASID_ENABLE   (UINT32_C(1) << 28)

enum {
	ENABLE_DEVICE = 1,
	DISABLE_DEVICE,
	RESET_DEVICE = 5,
	ENABLE_WQ,
	DISABLE_WQ,
	RESET_WQ = 10,
	DRAIN_PASID
};

static uint64_t guest_reads(struct raw_guest *raw, uint64_t offset, unsigned size)
{
	uint64_t value;

	assert_int_equal(vsva_assigned_read(raw->device[0].assigned, 0, offset, size, &value), 0);
	return value;
}

static void guest_writes(struct raw_guest *raw, uint64_t offset, unsigned size, uint64_t value)
{
	assert_int_equal(vsva_assigned_write(raw->device[0].assigned, 0, offset, size, value), 0);
}

static uint64_t device_has(struct raw_guest *raw, uint64_t offset, unsigned size)
{
	uint64_t value;

	assert_int_equal(vsva_device_read(raw->device[0].device, 0, offset, size, &value), 0);
	return value;
}

static uint32_t pasid_in(uint64_t mode)
{
	return (uint32_t)(mode >> 8) & VSVA_PASID_MAX;
}

static unsigned command(struct raw_guest *raw, uint32_t code, uint32_t operand)
{
	guest_writes(raw, CMD, 4, code << 20 | operand);
	raw_run(raw);
	return (unsigned)guest_reads(raw, CMDSTS, 4);
}

static void configure(struct raw_guest *raw, unsigned queue, uint32_t mode, uint32_t pasid)
{
	uint64_t at = WQCFG + 64ull * queue;

	guest_writes(raw, at, 4, 16);
	guest_writes(raw, at + 4, 4, 16);
	guest_writes(raw, at + 12, 4, 21 | 5 << 5);
	guest_writes(raw, at + 8, 4, mode | PRIORITY | BLOCK_ON_FAULT | PASID_ENABLE | pasid << 8);
}

/* Queue 0 dedicated to the guest's PASID 5, queue 1 shared; the device is enabled, the queues are
 * not. */
static void begin(struct raw_guest *raw)
{
	struct raw_options options = {.dsa = true};

	raw_create(raw, &options);
	raw_boot(raw, &options);
	guest_writes(raw, 0x400, 8, 3);
	guest_writes(raw, 0x420, 8, 1);
	configure(raw, 0, DEDICATED, 5);
	configure(raw, 1, 0, 0);
	assert_int_equal(command(raw, ENABLE_DEVICE, 0), 0);
}

static struct vsva_dsa_descriptor no_operation(uint64_t completion)
{
	return (struct vsva_dsa_descriptor){
		.flags_opcode = (uint32_t)VSVA_DSA_NOOP << 24 | VSVA_DSA_COMPLETION_VALID |
				VSVA_DSA_REQUEST_COMPLETION,
		.completion = completion,
	};
}

/* Work queues */

static void test_enabled_queue_has_the_host_pasid(void **state)
{
	struct raw_guest raw;
	hpasid_t host;

	(void)state;
	begin(&raw);
	assert_int_equal(pasid_in(device_has(&raw, MODE, 4)), 5);
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	host = raw_hpasid(&raw, 5);
	assert_int_not_equal(host.v, 5);
	assert_int_equal(pasid_in(device_has(&raw, MODE, 4)), host.v);
	assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 5);
	assert_int_equal(pasid_in(guest_reads(&raw, MODE, 8)), 5);
	assert_int_equal(guest_reads(&raw, MODE, 8) >> 32, device_has(&raw, MODE + 4, 4));
	raw_destroy(&raw);
}

static void test_binding_uses_the_queues_host_pasid(void **state)
{
	struct raw_guest raw;
	struct vsva_dsa_descriptor d = no_operation(VA);
	hpasid_t host;
	gpa_t page;

	(void)state;
	begin(&raw);
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	host = raw_hpasid(&raw, 5);
	page = raw_bind(&raw, &raw.device[0], 5, VA, 1);
	assert_int_equal(raw_hpasid(&raw, 5).v, host.v);
	assert_int_equal(vsva_assigned_movdir64b(raw.device[0].assigned, 0x1000, &d), 0);
	raw_run(&raw);
	assert_int_equal(*(uint8_t *)raw_memory(&raw, page), VSVA_DSA_SUCCESS);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_hpasid(&raw, 5).v, host.v); /* the queue still has it */
	assert_int_equal(command(&raw, DISABLE_WQ, 1), 0);
	assert_int_equal(raw_stats(&raw).pasids_now, 0);
	raw_destroy(&raw);
}

static void test_disabled_queue_shows_what_the_guest_wrote(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
		assert_int_equal(raw_stats(&raw).pasids_now, 1);
		assert_int_equal(command(&raw, DISABLE_WQ, 1), 0);
		assert_int_equal(raw_stats(&raw).pasids_now, 0);
		assert_int_equal(pasid_in(device_has(&raw, MODE, 4)), 5);
		assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 5);
	}
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	assert_int_equal(command(&raw, DISABLE_DEVICE, 0), 0);
	assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 5);
	assert_int_equal(raw_stats(&raw).pasids_now, 0);
	raw_destroy(&raw);
}

static void test_reset_queue_has_its_defaults(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	assert_int_equal(command(&raw, RESET_WQ, 1), 0);
	assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 0);
	assert_int_equal(pasid_in(device_has(&raw, MODE, 4)), 0);
	assert_int_equal(raw_stats(&raw).pasids_now, 0);
	configure(&raw, 0, DEDICATED, 6);
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	assert_int_equal(command(&raw, RESET_DEVICE, 0), 0);
	assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 0);
	assert_int_equal(raw_stats(&raw).pasids_now, 0);
	raw_destroy(&raw);
}

static void test_queue_that_cannot_be_enabled(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin(&raw);
	guest_writes(&raw, WQCFG, 4, 0); /* no entries */
	assert_int_not_equal(command(&raw, ENABLE_WQ, 0), 0);
	assert_int_equal(pasid_in(device_has(&raw, MODE, 4)), 5);
	assert_int_equal(raw_stats(&raw).pasids_now, 0);
	assert_int_not_equal(command(&raw, ENABLE_WQ, 63), 0);
	assert_int_not_equal(command(&raw, ENABLE_WQ, VSVA_PASID_MAX), 0);
	assert_int_not_equal(command(&raw, DISABLE_WQ, 1), 0);
	assert_int_not_equal(command(&raw, DISABLE_WQ, 0xfffff), 0);
	raw_destroy(&raw);
}

static void test_enabled_queue_keeps_its_configuration(void **state)
{
	struct raw_guest raw;
	uint64_t before;

	(void)state;
	begin(&raw);
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	before = device_has(&raw, MODE, 8);
	guest_writes(&raw, MODE, 4, UINT32_MAX);
	guest_writes(&raw, MODE, 8, 0);
	assert_int_equal(device_has(&raw, MODE, 8), before);
	assert_int_not_equal(command(&raw, ENABLE_WQ, 0), 0); /* it is */
	assert_int_equal(device_has(&raw, MODE, 8), before);
	assert_int_equal(raw_stats(&raw).pasids_now, 1);
	raw_destroy(&raw);
}

static void test_narrow_accesses_do_not_show_the_host_pasid(void **state)
{
	struct raw_guest raw;
	uint64_t value = 0x77;

	(void)state;
	begin(&raw);
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	for (unsigned size = 1; size <= 2; size++)
		for (uint64_t at = MODE; at < MODE + 4; at += size)
			assert_int_equal(
				vsva_assigned_read(raw.device[0].assigned, 0, at, size, &value),
				-EINVAL);
	assert_int_equal(value, 0x77);
	raw_destroy(&raw);
}

/* The PASID in the permission of an interrupt, as a stock driver writes it there. */
static void test_permission_of_an_interrupt_has_the_host_pasid(void **state)
{
	const uint64_t permission = 0x700 + 8 * 3; /* of vector 3 */
	struct raw_guest raw;
	hpasid_t host;

	(void)state;
	begin(&raw);
	guest_writes(&raw, permission, 4, 6u << 12 | 8);
	host = raw_hpasid(&raw, 6);
	assert_int_not_equal(host.v, 6);
	assert_int_equal(device_has(&raw, permission, 4), host.v << 12 | 8);
	assert_int_equal(guest_reads(&raw, permission, 4), 6u << 12 | 8);
	assert_int_equal(guest_reads(&raw, permission, 8), 6u << 12 | 8);
	assert_int_equal(guest_reads(&raw, permission + 4, 4), 0);
	guest_writes(&raw, permission, 8, 7u << 12 | 8);
	assert_int_equal(device_has(&raw, permission, 4) >> 12, raw_hpasid(&raw, 7).v);
	assert_int_equal(raw_stats(&raw).pasids_now, 1);
	guest_writes(&raw, permission, 4, 9u << 12); /* without PASID enable */
	assert_int_equal(device_has(&raw, permission, 4), 9u << 12);
	assert_int_equal(raw_stats(&raw).pasids_now, 0);
	guest_writes(&raw, permission, 4, 6u << 12 | 8);
	assert_int_equal(command(&raw, RESET_DEVICE, 0), 0);
	assert_int_equal(guest_reads(&raw, permission, 4), 0);
	assert_int_equal(raw_stats(&raw).pasids_now, 0);
	guest_writes(&raw, permission, 4, 6u << 12 | 8);
	raw_destroy(&raw);
}

static void test_every_kind_of_reset_forgets_pasids(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct raw_guest raw;

		begin(&raw);
		assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
		assert_int_equal(raw_stats(&raw).pasids_now, 1);
		if (kind == 0)
			vsva_assigned_config_write(raw.device[0].assigned, 0x48, 2, 0x8000);
		else if (kind == 1)
			vsva_assigned_reset(raw.device[0].assigned);
		else
			vsva_vm_reset(raw.vm);
		assert_int_equal(raw_stats(&raw).pasids_now, 0);
		assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 0);
		raw_destroy(&raw);
	}
}

/* Work under way */

/* A queue with a job that waits for a page. */
static struct vtd_page_request *begin_stuck(struct raw_guest *raw)
{
	struct vsva_dsa_descriptor d = no_operation(VA);

	begin(raw);
	raw_set_first_stage(raw_entry(raw, &raw->device[0], 5), raw_page_table(raw), 1);
	raw_flush_pasid(raw, 5);
	assert_int_equal(command(raw, ENABLE_WQ, 0), 0);
	d.flags_opcode |= VSVA_DSA_BLOCK_ON_FAULT;
	assert_int_equal(vsva_assigned_movdir64b(raw->device[0].assigned, 0x1000, &d), 0);
	raw_run(raw);
	assert_int_equal(raw_stats(raw).page_requests, 1);
	return raw_memory(raw, raw->prq);
}

static void test_pasid_stays_until_the_queue_has_stopped(void **state)
{
	struct raw_guest raw;
	struct vtd_page_request *request = begin_stuck(&raw);
	hpasid_t host = raw_hpasid(&raw, 5);
	struct vtd_desc response;

	(void)state;
	assert_int_equal(command(&raw, DISABLE_WQ, 1) & ACTIVE, ACTIVE);
	assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 5);
	assert_int_equal(pasid_in(device_has(&raw, MODE, 4)), host.v);
	/* commands that the device ignores meanwhile change nothing */
	command(&raw, ENABLE_WQ, 1);
	command(&raw, DISABLE_WQ, 2);
	assert_int_equal(raw_hpasid(&raw, 5).v, host.v);
	response = raw_response(raw.device[0].rid, 5, (uint16_t)vtd_page_request_PRGI(request),
				VTD_RESPONSE_INVALID);
	raw_submit(&raw, &response);
	assert_int_equal(guest_reads(&raw, CMDSTS, 4) & ACTIVE, 0);
	assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 5);
	assert_int_equal(pasid_in(device_has(&raw, MODE, 4)), 5);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_stats(&raw).pasids_now, 0);
	raw_destroy(&raw);
}

static void test_reset_while_a_queue_is_stopping(void **state)
{
	struct raw_guest raw;

	(void)state;
	begin_stuck(&raw);
	assert_int_equal(command(&raw, DISABLE_WQ, 1) & ACTIVE, ACTIVE);
	command(&raw, RESET_DEVICE, 0);
	assert_int_equal(guest_reads(&raw, CMDSTS, 4) & ACTIVE, 0);
	assert_int_equal(pasid_in(guest_reads(&raw, MODE, 4)), 0);
	assert_int_equal(raw_stats(&raw).pasids_now, 1); /* the binding's */
	raw_destroy(&raw);
}

/* DSA programming of a PASID that is not bound: the fault bears the guest's number. */
static void test_errors_of_a_queue_bear_the_guests_pasid(void **state)
{
	struct raw_guest raw;
	struct vsva_dsa_descriptor d = no_operation(VA);
	struct vtd_fault_record record;
	uint64_t error;

	(void)state;
	begin(&raw);
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	/* untranslated: bit 2 of the mode word switches ATS off for the queue */
	assert_int_equal(command(&raw, DISABLE_WQ, 1), 0);
	guest_writes(&raw, MODE, 4, DEDICATED | PRIORITY | 0x4 | PASID_ENABLE | 5 << 8);
	assert_int_equal(command(&raw, ENABLE_WQ, 0), 0);
	assert_int_equal(vsva_assigned_movdir64b(raw.device[0].assigned, 0x1000, &d), 0);
	raw_run(&raw);
	record = raw_take_fault(&raw);
	assert_int_equal(vtd_fault_record_PV(&record), 5);
	error = guest_reads(&raw, SWERR, 8);
	assert_true(error & 1);
	assert_int_equal(error >> 40 & VSVA_PASID_MAX, 5);
	assert_int_equal(guest_reads(&raw, SWERR + 4, 4) >> 8 & VSVA_PASID_MAX, 5);
	assert_int_not_equal(device_has(&raw, SWERR, 8) >> 40 & VSVA_PASID_MAX, 5);
	/* once the number is nobody's, the host's is not shown instead */
	assert_int_equal(command(&raw, DISABLE_WQ, 1), 0);
	assert_int_equal(guest_reads(&raw, SWERR, 8) >> 40 & VSVA_PASID_MAX, 0);
	raw_destroy(&raw);
}

static void test_drain_names_the_host_pasid(void **state)
{
	struct raw_guest raw;
	hpasid_t host;

	(void)state;
	begin(&raw);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	host = raw_hpasid(&raw, 5);
	assert_int_equal(command(&raw, DRAIN_PASID, 5), 0);
	assert_int_equal(device_has(&raw, CMD, 4) & VSVA_PASID_MAX, host.v);
	assert_int_equal(guest_reads(&raw, CMD, 4), DRAIN_PASID << 20 | 5);
	assert_int_equal(command(&raw, DRAIN_PASID, 99), 0);
	assert_int_equal(device_has(&raw, CMD, 4) & VSVA_PASID_MAX, 0);
	raw_destroy(&raw);
}

/* ENQCMD */

static void test_enqcmd_translates_the_pasid_of_the_cpu(void **state)
{
	struct raw_guest raw;
	struct vsva_dsa_descriptor d = no_operation(VA);
	struct vsva_assigned *dsa;
	gpa_t page;

	(void)state;
	begin(&raw);
	dsa = raw.device[0].assigned;
	page = raw_bind(&raw, &raw.device[0], 5, VA, 1);
	d.pasid = UINT32_C(0x80000000) | 77; /* what the process wrote does not count */
	assert_int_equal(vsva_assigned_enqcmd(dsa, 0x5000, 5, &d), -EPERM);
	assert_int_equal(vsva_assigned_enqcmd(dsa, 0x5000, 6 | ACTIVE, &d), -ENOENT);
	assert_int_equal(vsva_assigned_enqcmd(dsa, 0x5001, 5 | ACTIVE, &d), -EINVAL);
	assert_int_equal(vsva_assigned_enqcmd(dsa, 0x5000, 5 | ACTIVE, &d), 1); /* queue off */
	assert_int_equal(command(&raw, ENABLE_WQ, 1), 0);
	assert_int_equal(vsva_assigned_enqcmd(dsa, 0x5000, 5 | ACTIVE, &d), 0);
	raw_run(&raw);
	assert_int_equal(*(uint8_t *)raw_memory(&raw, page), VSVA_DSA_SUCCESS);
	raw_destroy(&raw);
}

/* Test engine */

static void test_engine_register_shows_the_guests_pasid(void **state)
{
	struct raw_guest raw;
	uint64_t value;

	(void)state;
	raw_create(&raw, NULL);
	raw_boot(&raw, NULL);
	raw_bind(&raw, &raw.device[0], 5, VA, 1);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0), 2);
	assert_int_equal(guest_reads(&raw, 0x1c, 4), 5 | ACTIVE);
	assert_int_equal(guest_reads(&raw, 0x18, 8) >> 32, 5 | ACTIVE);
	assert_int_equal(device_has(&raw, 0x1c, 4), raw_hpasid(&raw, 5).v | ACTIVE);
	assert_int_equal(vsva_assigned_read(raw.device[0].assigned, 0, 0x1c, 2, &value), -EINVAL);
	/* the last command's PASID keeps its number, the one before does not */
	raw_dma_read(&raw, &raw.device[0], 6, VA, 0);
	raw_dma_read(&raw, &raw.device[0], 7, VA, 0);
	assert_int_equal(raw_stats(&raw).pasids_now, 2);
	raw_dma_read(&raw, &raw.device[0], RAW_NO_PASID, VA, 0);
	assert_int_equal(raw_stats(&raw).pasids_now, 1);
	raw_destroy(&raw);
}

static void test_engine_command_while_busy_is_ignored(void **state)
{
	struct raw_guest raw;
	hpasid_t host;

	(void)state;
	raw_create(&raw, NULL);
	raw_boot(&raw, NULL);
	raw_set_first_stage(raw_entry(&raw, &raw.device[0], 5), raw_page_table(&raw), 1);
	raw_flush_pasid(&raw, 5);
	assert_int_equal(raw_dma_read(&raw, &raw.device[0], 5, VA, 0x300), 1);
	host = raw_hpasid(&raw, 5);
	raw_clear(raw_entry(&raw, &raw.device[0], 5));
	guest_writes(&raw, 0x1c, 4, 9 | ACTIVE);
	guest_writes(&raw, 0x20, 4, 3);
	assert_int_equal(raw_stats(&raw).pasids_now, 1);
	assert_int_equal(raw_hpasid(&raw, 5).v, host.v);
	assert_int_equal(device_has(&raw, 0x1c, 4), host.v | ACTIVE);
	raw_destroy(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enabled_queue_has_the_host_pasid),
		cmocka_unit_test(test_binding_uses_the_queues_host_pasid),
		cmocka_unit_test(test_disabled_queue_shows_what_the_guest_wrote),
		cmocka_unit_test(test_reset_queue_has_its_defaults),
		cmocka_unit_test(test_queue_that_cannot_be_enabled),
		cmocka_unit_test(test_enabled_queue_keeps_its_configuration),
		cmocka_unit_test(test_narrow_accesses_do_not_show_the_host_pasid),
		cmocka_unit_test(test_permission_of_an_interrupt_has_the_host_pasid),
		cmocka_unit_test(test_every_kind_of_reset_forgets_pasids),
		cmocka_unit_test(test_pasid_stays_until_the_queue_has_stopped),
		cmocka_unit_test(test_reset_while_a_queue_is_stopping),
		cmocka_unit_test(test_errors_of_a_queue_bear_the_guests_pasid),
		cmocka_unit_test(test_drain_names_the_host_pasid),
		cmocka_unit_test(test_enqcmd_translates_the_pasid_of_the_cpu),
		cmocka_unit_test(test_engine_register_shows_the_guests_pasid),
		cmocka_unit_test(test_engine_command_while_busy_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
