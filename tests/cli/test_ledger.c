/* SPDX-License-Identifier: MIT */
/*
 * The ledger on made-up events: what is allowed passes, and each rule turns red when it is broken.
 * Every case begins with a guest that is bound and may access one page, so that the violation is
 * the one that is meant.
 */
#include "unit.h"

#include <string.h>

#include "cli/ledger.h"
#include "vsva/iommu.h"

#define VM    1u
#define RID   0x18u
#define HOST  0x1000u
#define GUEST 5u
#define ROOT  0x10000u
#define GVA   UINT64_C(0x7f0000000000)
#define GPA   UINT64_C(0x20000)
#define HPA   UINT64_C(0x140020000)
#define BASE  UINT64_C(0x140000000)
#define RAM   UINT64_C(0x100000)
#define PAGE  UINT64_C(4096)

struct book_of_one {
	struct ledger *ledger;
	unsigned reports;
	char text[1024];
};

static void report(void *arg, const char *text)
{
	struct book_of_one *one = arg;

	one->reports++;
	snprintf(one->text, sizeof(one->text), "%s", text);
}

#define TELL(one, room_, kind_, ...)                                                               \
	ledger_observe((one)->ledger, &(struct vsva_event){.kind = VSVA_EV_##kind_,                \
							   .room = VSVA_ROOM_##room_,              \
							   .vm = VM,                               \
							   __VA_ARGS__})
#define PAIR     .rid = {RID}, .hpasid = {HOST}, .gpasid = {GUEST}
#define NO_PASID .rid = {RID}, .hpasid = {VSVA_PASID_INVALID}

static void access_page(struct book_of_one *one, uint64_t addr, uint64_t hpa_, uint64_t len,
			bool write)
{
	TELL(one, DEVICE, ACCESS, PAIR, .addr = addr, .hpa = {hpa_}, .len = len, .write = write);
}

static void access_rid(struct book_of_one *one, uint64_t addr, uint64_t hpa_)
{
	TELL(one, DEVICE, ACCESS, NO_PASID, .addr = addr, .hpa = {hpa_}, .len = 8, .write = true);
}

static void bind(struct book_of_one *one, uint64_t root, int result)
{
	TELL(one, HOST, BIND, PAIR, .addr = root);
	TELL(one, HOST, BIND_DONE, PAIR, .addr = root, .result = result);
}

static void map_page(struct book_of_one *one, uint64_t addr, uint64_t to, uint64_t len, bool write)
{
	TELL(one, GUEST, GUEST_MAP, .addr = addr, .hpa = {to}, .len = len, .write = write,
	     .value = ROOT);
}

static int setup(void **state)
{
	struct book_of_one *one = calloc(1, sizeof(*one));

	one->ledger = ledger_create(report, one);
	TELL(one, VMM, VM_CREATE);
	TELL(one, HOST, MAP, .addr = 0, .hpa = {BASE}, .len = RAM, .write = true);
	TELL(one, GUEST, PROCESS_CREATE, .value = ROOT);
	TELL(one, HOST, IOASID_ALLOC, .hpasid = {HOST});
	bind(one, ROOT, 0);
	map_page(one, GVA, GPA, PAGE, true);
	access_page(one, GVA, HPA, PAGE, true);
	*state = one;
	return one->reports ? -1 : 0;
}

static int teardown(void **state)
{
	struct book_of_one *one = *state;

	ledger_destroy(one->ledger);
	free(one);
	return 0;
}

/* Exactly one violation so far, whose text says so. */
static void assert_violation(const struct book_of_one *one, const char *text)
{
	struct ledger_counts counts;

	ledger_get_counts(one->ledger, &counts);
	assert_int_equal(one->reports, 1);
	assert_int_equal(counts.violations, 1);
	if (!strstr(one->text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, one->text);
}

static void assert_no_violation(const struct book_of_one *one)
{
	if (one->reports)
		fail_msg("%s", one->text);
}

/* What is allowed */

static void test_ledger_allows_parts_of_a_page(void **state)
{
	struct book_of_one *one = *state;

	access_page(one, GVA + 100, HPA + 100, 50, false);
	assert_no_violation(one);
}

static void test_ledger_allows_runs_over_pages(void **state)
{
	struct book_of_one *one = *state;

	map_page(one, GVA + PAGE, GPA + PAGE, PAGE, true);
	access_page(one, GVA + 8, HPA + 8, 2 * PAGE - 8, true);
	assert_no_violation(one);
}

static void test_ledger_allows_access_while_unbind_is_under_way(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, UNBIND, PAIR);
	access_page(one, GVA, HPA, 8, true);
	assert_no_violation(one);
}

static void test_ledger_allows_access_from_the_begin_of_a_bind(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, UNBIND_DONE, PAIR);
	TELL(one, HOST, BIND, PAIR, .addr = ROOT);
	access_page(one, GVA, HPA, 8, true);
	assert_no_violation(one);
}

static void test_ledger_allows_access_while_unmap_is_under_way(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, GUEST, GUEST_UNMAP, .addr = GVA, .len = PAGE, .value = ROOT);
	access_page(one, GVA, HPA, 8, true);
	TELL(one, HOST, UNMAP, .addr = 0, .len = RAM);
	access_page(one, GVA, HPA, 8, true);
	assert_no_violation(one);
}

static void test_ledger_allows_old_and_new_page_until_unmap_is_done(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, GUEST, GUEST_UNMAP, .addr = GVA, .len = PAGE, .value = ROOT);
	map_page(one, GVA, GPA + PAGE, PAGE, true);
	access_page(one, GVA, HPA, 8, true);
	access_page(one, GVA, HPA + PAGE, 8, true);
	TELL(one, GUEST, GUEST_UNMAP_DONE, .addr = GVA, .len = PAGE, .value = ROOT);
	access_page(one, GVA, HPA + PAGE, 8, true);
	assert_no_violation(one);
	access_page(one, GVA, HPA, 8, true);
	assert_violation(one, "GPA 0x21000");
}

static void test_ledger_allows_requester_its_second_stage(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, DEVICE_ATTACH, NO_PASID);
	access_rid(one, GPA, HPA);
	assert_no_violation(one);
}

static void test_ledger_allows_requester_its_nested_pages(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, ATTACH_RID, NO_PASID, .value = VSVA_RID_NESTED, .addr = ROOT);
	TELL(one, HOST, ATTACH_RID_DONE, NO_PASID, .value = VSVA_RID_NESTED, .addr = ROOT);
	access_rid(one, GVA, HPA);
	assert_no_violation(one);
}

static void test_ledger_keeps_the_old_binding_when_another_is_refused(void **state)
{
	struct book_of_one *one = *state;

	bind(one, ROOT + PAGE, -16);
	access_page(one, GVA, HPA, 8, true);
	assert_no_violation(one);
}

/* Each rule, broken */

static void test_ledger_sees_a_pair_that_was_never_bound(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, DEVICE, ACCESS, .rid = {RID}, .hpasid = {HOST + 1}, .addr = GVA, .hpa = {HPA},
	     .len = 8);
	assert_violation(one, "never bound");
}

static void test_ledger_sees_another_device_with_the_pasid(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, DEVICE, ACCESS, .rid = {RID + 8}, .hpasid = {HOST}, .addr = GVA, .hpa = {HPA},
	     .len = 8);
	assert_violation(one, "never bound");
}

static void test_ledger_sees_a_refused_bind(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, UNBIND_DONE, PAIR);
	bind(one, ROOT, -12);
	access_page(one, GVA, HPA, 8, true);
	assert_violation(one, "unbind-done");
}

static void test_ledger_sees_an_access_after_unbind(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, UNBIND, PAIR);
	TELL(one, HOST, UNBIND_DONE, PAIR);
	access_page(one, GVA, HPA, 8, true);
	assert_violation(one, "unbind-done");
}

static void test_ledger_sees_a_page_that_is_not_there(void **state)
{
	struct book_of_one *one = *state;

	access_page(one, GVA + PAGE, HPA + PAGE, 8, false);
	assert_violation(one, "no page at 0x7f0000001000");
}

static void test_ledger_sees_the_end_of_a_run(void **state)
{
	struct book_of_one *one = *state;

	access_page(one, GVA + 8, HPA + 8, PAGE, false);
	assert_violation(one, "no page at 0x7f0000001000");
}

static void test_ledger_sees_a_write_to_a_read_only_page(void **state)
{
	struct book_of_one *one = *state;

	map_page(one, GVA + PAGE, GPA + PAGE, PAGE, false);
	access_page(one, GVA + PAGE, HPA + PAGE, 8, false);
	assert_no_violation(one);
	access_page(one, GVA + PAGE, HPA + PAGE, 8, true);
	assert_violation(one, "no writable page");
}

static void test_ledger_sees_another_host_page(void **state)
{
	struct book_of_one *one = *state;

	access_page(one, GVA, HPA + PAGE, 8, false);
	assert_violation(one, "HPA 0x140020000");
}

static void test_ledger_sees_an_access_after_guest_unmap(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, GUEST, GUEST_UNMAP, .addr = GVA, .len = PAGE, .value = ROOT);
	TELL(one, GUEST, GUEST_UNMAP_DONE, .addr = GVA, .len = PAGE, .value = ROOT);
	access_page(one, GVA, HPA, 8, false);
	assert_violation(one, "no page");
}

static void test_ledger_sees_an_access_in_a_hole_of_an_unmapped_area(void **state)
{
	struct book_of_one *one = *state;

	map_page(one, GVA, GPA, 16 * PAGE, true);
	TELL(one, GUEST, GUEST_UNMAP, .addr = GVA + 4 * PAGE, .len = PAGE, .value = ROOT);
	TELL(one, GUEST, GUEST_UNMAP_DONE, .addr = GVA + 4 * PAGE, .len = PAGE, .value = ROOT);
	access_page(one, GVA, HPA, 4 * PAGE, true);
	access_page(one, GVA + 5 * PAGE, HPA + 5 * PAGE, 11 * PAGE, true);
	assert_no_violation(one);
	access_page(one, GVA, HPA, 5 * PAGE, true);
	assert_violation(one, "0x7f0000004000");
}

static void test_ledger_sees_an_access_after_memory_unmap(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, UNMAP, .addr = 0, .len = RAM);
	TELL(one, HOST, UNMAP_DONE, .addr = 0, .len = RAM);
	access_page(one, GVA, HPA, 8, false);
	assert_violation(one, "no memory there");
}

static void test_ledger_sees_a_write_to_rom(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, MAP, .addr = RAM, .hpa = {BASE + RAM}, .len = PAGE, .write = false);
	map_page(one, GVA + PAGE, RAM, PAGE, true);
	access_page(one, GVA + PAGE, BASE + RAM, 8, false);
	assert_no_violation(one);
	access_page(one, GVA + PAGE, BASE + RAM, 8, true);
	assert_violation(one, "no writable memory");
}

static void test_ledger_sees_an_access_after_process_exit(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, GUEST, PROCESS_EXIT, .value = ROOT);
	access_page(one, GVA, HPA, 8, false);
	assert_violation(one, "exited");
}

static void test_ledger_sees_pages_of_the_former_process_of_a_root(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, GUEST, PROCESS_EXIT, .value = ROOT);
	TELL(one, GUEST, PROCESS_CREATE, .value = ROOT);
	access_page(one, GVA, HPA, 8, false);
	assert_violation(one, "no page");
}

static void test_ledger_sees_an_access_after_vm_destroyed(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, VMM, VM_DESTROYED);
	access_page(one, GVA, HPA, 8, false);
	assert_violation(one, "vm-destroyed");
}

static void test_ledger_sees_a_bind_to_a_vm_that_is_gone(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, VMM, VM_DESTROYED);
	bind(one, ROOT, 0);
	access_page(one, GVA, HPA, 8, false);
	assert_violation(one, "no more");
}

static void test_ledger_sees_a_reclaim_while_bound(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, IOASID_RECLAIM, .hpasid = {HOST});
	assert_violation(one, "reclaimed while a device is bound");
}

static void test_ledger_sees_a_requester_that_is_blocked(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, DEVICE_ATTACH, NO_PASID);
	TELL(one, HOST, ATTACH_RID, NO_PASID, .value = VSVA_RID_BLOCKED);
	access_rid(one, GPA, HPA);
	assert_no_violation(one);
	TELL(one, HOST, ATTACH_RID_DONE, NO_PASID, .value = VSVA_RID_BLOCKED);
	access_rid(one, GPA, HPA);
	assert_violation(one, "attach-rid-done");
}

static void test_ledger_sees_a_requester_that_is_detached(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, DEVICE_ATTACH, NO_PASID);
	TELL(one, HOST, DEVICE_DETACH, NO_PASID);
	access_rid(one, GPA, HPA);
	assert_violation(one, "device-detach");
}

static void test_ledger_sees_a_nested_requester_beyond_its_pages(void **state)
{
	struct book_of_one *one = *state;

	TELL(one, HOST, ATTACH_RID, NO_PASID, .value = VSVA_RID_NESTED, .addr = ROOT);
	TELL(one, HOST, ATTACH_RID_DONE, NO_PASID, .value = VSVA_RID_NESTED, .addr = ROOT);
	access_rid(one, GPA, HPA);
	assert_violation(one, "no writable page");
}

/* VMs whose pages nobody tells */

static void test_ledger_judges_an_opaque_vm_by_its_memory(void **state)
{
	struct book_of_one *one = *state;

	ledger_set_opaque(one->ledger, VM);
	access_page(one, 0x1234000, HPA + 5 * PAGE, PAGE, true);
	assert_no_violation(one);
	access_page(one, 0x1234000, BASE + RAM, PAGE, true);
	assert_violation(one, "no writable memory");
}

static void test_ledger_judges_a_vm_without_built_in_guest_by_its_memory(void **state)
{
	struct book_of_one *one = *state;
	struct vsva_event map = {.kind = VSVA_EV_MAP,
				 .room = VSVA_ROOM_HOST,
				 .vm = 2,
				 .hpa = {2 * BASE},
				 .len = RAM,
				 .write = true};
	struct vsva_event bound = {
		.room = VSVA_ROOM_HOST, .vm = 2, .rid = {RID}, .hpasid = {HOST + 2}, .addr = ROOT};
	struct vsva_event access = {.kind = VSVA_EV_ACCESS,
				    .rid = {RID},
				    .hpasid = {HOST + 2},
				    .addr = GVA,
				    .hpa = {2 * BASE + PAGE},
				    .len = PAGE};

	ledger_observe(one->ledger, &map);
	bound.kind = VSVA_EV_BIND;
	ledger_observe(one->ledger, &bound);
	bound.kind = VSVA_EV_BIND_DONE;
	ledger_observe(one->ledger, &bound);
	ledger_observe(one->ledger, &access);
	assert_no_violation(one);
	access.hpa = hpa(HPA); /* the other VM's */
	ledger_observe(one->ledger, &access);
	assert_violation(one, "no memory there");
}

/* Native address spaces */

#define NATIVE   0x30u
#define NATIVE_1 .rid = {RID}, .hpasid = {NATIVE}, .gpasid = {VSVA_PASID_INVALID}, .vm = 0
#define UVA      UINT64_C(0x7e0000000000)
#define MM_ROOT  ROOT /* the number of a guest's root, which is another's address */

#define TELL_NATIVE(one, room_, kind_, ...)                                                        \
	ledger_observe((one)->ledger, &(struct vsva_event){.kind = VSVA_EV_##kind_,                \
							   .room = VSVA_ROOM_##room_,              \
							   __VA_ARGS__})

static void map_native(struct book_of_one *one, uint64_t to, bool write)
{
	TELL_NATIVE(one, HOST, MM_MAP, .addr = UVA, .hpa = {to}, .len = PAGE, .write = write,
		    .value = MM_ROOT);
}

static void bind_native(struct book_of_one *one)
{
	TELL_NATIVE(one, HOST, MM_CREATE, .value = MM_ROOT);
	TELL_NATIVE(one, HOST, BIND, NATIVE_1, .addr = MM_ROOT);
	TELL_NATIVE(one, HOST, BIND_DONE, NATIVE_1, .addr = MM_ROOT);
	map_native(one, HPA, true);
}

static void access_native(struct book_of_one *one, uint64_t addr, uint64_t hpa_, bool write)
{
	TELL_NATIVE(one, DEVICE, ACCESS, NATIVE_1, .addr = addr, .hpa = {hpa_}, .len = 8,
		    .write = write);
}

static void test_ledger_allows_native_pages(void **state)
{
	struct book_of_one *one = *state;

	bind_native(one);
	access_native(one, UVA + 8, HPA + 8, true);
	TELL_NATIVE(one, HOST, MM_UNMAP, .addr = UVA, .len = PAGE, .value = MM_ROOT);
	access_native(one, UVA + 8, HPA + 8, true);
	access_page(one, GVA, HPA, PAGE, true);
	assert_no_violation(one);
}

static void test_ledger_sees_a_native_access_to_a_guest_page(void **state)
{
	struct book_of_one *one = *state;

	bind_native(one);
	access_native(one, GVA, HPA, false);
	assert_violation(one, "no page at 0x7f0000000000");
}

static void test_ledger_sees_a_native_access_after_unmap(void **state)
{
	struct book_of_one *one = *state;

	bind_native(one);
	TELL_NATIVE(one, HOST, MM_UNMAP, .addr = UVA, .len = PAGE, .value = MM_ROOT);
	TELL_NATIVE(one, HOST, MM_UNMAP_DONE, .addr = UVA, .len = PAGE, .value = MM_ROOT);
	access_native(one, UVA, HPA, false);
	assert_violation(one, "no page");
}

static void test_ledger_sees_a_native_write_after_protect(void **state)
{
	struct book_of_one *one = *state;

	bind_native(one);
	map_native(one, HPA, false);
	access_native(one, UVA, HPA, false);
	assert_no_violation(one);
	access_native(one, UVA, HPA, true);
	assert_violation(one, "no writable page");
}

static void test_ledger_sees_a_native_access_to_another_page(void **state)
{
	struct book_of_one *one = *state;

	bind_native(one);
	access_native(one, UVA, HPA + PAGE, false);
	assert_violation(one, "HPA 0x140020000");
}

static void test_ledger_sees_a_native_access_after_exit(void **state)
{
	struct book_of_one *one = *state;

	bind_native(one);
	TELL_NATIVE(one, HOST, MM_EXIT, .value = MM_ROOT);
	access_native(one, UVA, HPA, false);
	assert_violation(one, "exited");
}

static void test_ledger_sees_a_native_access_after_unbind(void **state)
{
	struct book_of_one *one = *state;

	bind_native(one);
	TELL_NATIVE(one, HOST, UNBIND_DONE, NATIVE_1);
	access_native(one, UVA, HPA, false);
	assert_violation(one, "unbind-done");
}

/* Questions */

static void test_ledger_counts(void **state)
{
	struct book_of_one *one = *state;
	struct ledger_counts counts;

	ledger_get_counts(one->ledger, &counts);
	assert_int_equal(counts.accesses, 1);
	assert_int_equal(counts.bound_now, 1);
	assert_int_equal(counts.pasids_allocated, 1);
	assert_int_equal(counts.pasids_freed, 0);
	TELL(one, HOST, UNBIND_DONE, PAIR);
	TELL(one, HOST, IOASID_RECLAIM, .hpasid = {HOST});
	ledger_get_counts(one->ledger, &counts);
	assert_int_equal(counts.bound_now, 0);
	assert_int_equal(counts.pasids_freed, 1);
	assert_no_violation(one);
}

static void test_ledger_knows_whose_a_pasid_is(void **state)
{
	struct book_of_one *one = *state;
	gpasid_t guest;
	uint32_t vm;

	TELL(one, HOST, UNBIND_DONE, PAIR);
	assert_true(ledger_owner_of(one->ledger, hpasid(HOST), &vm, &guest));
	assert_int_equal(vm, VM);
	assert_int_equal(guest.v, GUEST);
	assert_false(ledger_owner_of(one->ledger, hpasid(HOST + 1), &vm, &guest));
}

static void test_ledger_knows_where_an_address_leads(void **state)
{
	struct book_of_one *one = *state;
	struct vsva_event event = {.rid = {RID}, .hpasid = {HOST}, .addr = GVA + 5};
	gpa_t found;

	assert_true(ledger_gpa_of(one->ledger, &event, &found));
	assert_int_equal(found.v, GPA + 5);
	event.addr = GVA + PAGE;
	assert_false(ledger_gpa_of(one->ledger, &event, &found));
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_ledger_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(allows_parts_of_a_page),
		CASE(allows_runs_over_pages),
		CASE(allows_access_while_unbind_is_under_way),
		CASE(allows_access_from_the_begin_of_a_bind),
		CASE(allows_access_while_unmap_is_under_way),
		CASE(allows_old_and_new_page_until_unmap_is_done),
		CASE(allows_requester_its_second_stage),
		CASE(allows_requester_its_nested_pages),
		CASE(keeps_the_old_binding_when_another_is_refused),
		CASE(sees_a_pair_that_was_never_bound),
		CASE(sees_another_device_with_the_pasid),
		CASE(sees_a_refused_bind),
		CASE(sees_an_access_after_unbind),
		CASE(sees_a_page_that_is_not_there),
		CASE(sees_the_end_of_a_run),
		CASE(sees_a_write_to_a_read_only_page),
		CASE(sees_another_host_page),
		CASE(sees_an_access_after_guest_unmap),
		CASE(sees_an_access_in_a_hole_of_an_unmapped_area),
		CASE(sees_an_access_after_memory_unmap),
		CASE(sees_a_write_to_rom),
		CASE(sees_an_access_after_process_exit),
		CASE(sees_pages_of_the_former_process_of_a_root),
		CASE(sees_an_access_after_vm_destroyed),
		CASE(sees_a_bind_to_a_vm_that_is_gone),
		CASE(sees_a_reclaim_while_bound),
		CASE(sees_a_requester_that_is_blocked),
		CASE(sees_a_requester_that_is_detached),
		CASE(sees_a_nested_requester_beyond_its_pages),
		CASE(judges_an_opaque_vm_by_its_memory),
		CASE(judges_a_vm_without_built_in_guest_by_its_memory),
		CASE(allows_native_pages),
		CASE(sees_a_native_access_to_a_guest_page),
		CASE(sees_a_native_access_after_unmap),
		CASE(sees_a_native_write_after_protect),
		CASE(sees_a_native_access_to_another_page),
		CASE(sees_a_native_access_after_exit),
		CASE(sees_a_native_access_after_unbind),
		CASE(counts),
		CASE(knows_whose_a_pasid_is),
		CASE(knows_where_an_address_leads),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
