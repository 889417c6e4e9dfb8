/* SPDX-License-Identifier: MIT */
/*
 * Prepared defects on a machine with the built-in guest: explain names the first cause of each. Each
 * has its control: before the defect, or with it repaired, explain says that the access succeeds, and a
 * copy by the device agrees.
 */
#include "unit.h"

#include <string.h>

#include "cli/control/request.h"
#include "cli/explain/explain.h"
#include "cli/json_text.h"
#include "cli/view/impl.h"
#include "vmm/world.h"
#include "vsva/inspect.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

/* A view of a machine in the same process, with members of items said otherwise, or a word of the host's
 * memory. */

struct lie {
	const char *object, *key,
		*inner; /* inner: a member of the member, or of each of its items */
	uint64_t value;
	const char *text; /* instead of value */
};

struct word_lie {
	uint64_t at, clear, set;
};

struct stage {
	struct world world;
	struct vsva_process *process;
	struct view view;
	struct lie lie;
	struct word_lie word_lie;
	uint16_t rid;
	uint64_t page; /* populated, writable */
};

static void lie_inside(const struct lie *lie, struct json_object *member)
{
	if (lie->text)
		json_add_text(member, lie->inner, lie->text);
	else
		json_add_hex(member, lie->inner, lie->value);
}

static void apply_lie(const struct lie *lie, struct json_object *items)
{
	for (size_t i = 0; i < json_object_array_length(items); i++) {
		struct json_object *item = json_object_array_get_idx(items, i);
		struct json_object *member = json_member(item, lie->key);

		if (!lie->inner)
			json_add_number(item, lie->key, lie->value);
		else if (!json_object_is_type(member, json_type_array))
			lie_inside(lie, member);
		else
			for (size_t j = 0; j < json_length(member); j++)
				lie_inside(lie, json_object_array_get_idx(member, j));
	}
}

static struct json_object *get_part(struct stage *stage, const char *object, uint64_t from,
				    uint64_t *next)
{
	struct control_request request = {.machine = stage->world.machine};
	struct json_object *items;
	const char *why;

	request.line = json_object_new_object();
	request.answer = json_object_new_object();
	json_add_text(request.line, "get", object);
	json_add_number(request.line, "from", from);
	items = control_get(&request, &why) ? NULL
					    : json_object_get(json_member(request.answer, "items"));
	*next = json_number_of(request.answer, "next", UINT64_MAX);
	json_object_put(request.line);
	json_object_put(request.answer);
	return items;
}

static struct json_object *stage_get(void *arg, const char *object, int *err)
{
	struct stage *stage = arg;
	struct json_object *all = NULL, *part;
	uint64_t next = 0;

	(void)err;
	while (next != UINT64_MAX) {
		part = get_part(stage, object, next, &next);
		if (!part)
			return all;
		if (!all)
			all = json_object_new_array();
		for (size_t i = 0; i < json_object_array_length(part); i++)
			json_object_array_add(all,
					      json_object_get(json_object_array_get_idx(part, i)));
		json_object_put(part);
	}
	if (stage->lie.object && !strcmp(stage->lie.object, object))
		apply_lie(&stage->lie, all);
	return all;
}

static int stage_read(void *arg, uint32_t vm, uint64_t address, uint64_t *words, unsigned count)
{
	struct stage *stage = arg;
	const struct word_lie *lie = &stage->word_lie;
	int err = vsva_inspect_memory(stage->world.machine, vm, address, words, count);

	if (!err && !vm && lie->at >= address && lie->at < address + count * sizeof(*words)) {
		uint64_t *word = &words[(lie->at - address) / sizeof(*words)];

		*word = (*word & ~lie->clear) | lie->set;
	}
	return err;
}

static const struct view_ops stage_ops = {.is_live = true, .get = stage_get, .read = stage_read};

/* Stages */

static void stage_set(struct stage *stage, const struct vsva_guest_options *options)
{
	memset(stage, 0, sizeof(*stage));
	world_create(&stage->world, VSVA_CACHE_LRU, options);
	stage->view = (struct view){&stage_ops, stage};
	stage->rid = vsva_device_rid(stage->world.dsa).v;
	assert_int_equal(vsva_process_create(stage->world.guest, &stage->process), 0);
	stage->page = world_buffer(stage->process, VSVA_PAGE_SIZE, 1).v;
	assert_int_equal(vsva_process_bind(stage->process, stage->world.gdsa), 0);
}

static void stage_clear(struct stage *stage)
{
	world_destroy(&stage->world);
}

static struct explain_result ask(struct stage *stage, uint64_t address, const char *access)
{
	struct explain_request request = {
		.rid = stage->rid,
		.vm = EXPLAIN_NO_VM,
		.pasid = vsva_process_pasid(stage->process).v,
		.address = address,
		.read = strpbrk(access, "rx"),
		.write = strchr(access, 'w'),
		.execute = strchr(access, 'x'),
	};
	struct explain_result result;

	assert_int_equal(explain_access(&stage->view, &request, &result), 0);
	return result;
}

static void expect(struct stage *stage, uint64_t address, const char *access, enum vsva_code code)
{
	struct explain_result result = ask(stage, address, access);

	assert_string_equal(result.cause ? vsva_code_name(result.cause) : "none",
			    code ? vsva_code_name(code) : "none");
	if (!code)
		assert_int_equal(result.walk.response, VSVA_WALK_SUCCESS);
}

static void expect_ok(struct stage *stage)
{
	expect(stage, stage->page, "w", VSVA_CODE_NONE);
}

static void expect_stop(struct stage *stage, enum vsva_code code)
{
	expect(stage, stage->page, "w", code);
}

/* Where an entry of the page's walk through somebody's tables lies; level 0: not a paging entry. */
static uint64_t step_at(struct stage *stage, uint32_t vm, uint16_t rid, uint32_t pasid,
			enum vsva_walk_kind kind, unsigned level)
{
	struct explain_reader reader = {.view = &stage->view, .vm = vm};
	struct vsva_walk_request request = {
		.rid = {rid},
		.pasid = pasid,
		.address = stage->page,
		.read = true,
	};
	struct explain_place place;
	struct vsva_walk_unit unit;
	struct vsva_walk_result walk;

	assert_int_equal(explain_find(&stage->view, stage->rid, EXPLAIN_NO_VM, &place), 0);
	assert_true(explain_unit(&place, &reader, &unit));
	vsva_walk(&unit, &request, &walk);
	explain_forget(&place);
	for (unsigned i = 0; i < walk.step_count; i++)
		if (walk.steps[i].kind == kind && walk.steps[i].level == level)
			return walk.steps[i].at;
	fail();
	return 0;
}

static gpa_t entry_at(struct stage *stage, enum vsva_walk_kind kind, unsigned level)
{
	return gpa(step_at(stage, 1, 0x30, vsva_process_pasid(stage->process).v, kind, level));
}

static uint64_t host_entry_at(struct stage *stage)
{
	hpasid_t host;

	assert_int_equal(vsva_vm_hpasid(vsva_guest_vm(stage->world.guest),
					vsva_process_pasid(stage->process), &host),
			 0);
	return step_at(stage, 0, stage->rid, host.v, VSVA_WALK_PASID_ENTRY, 0);
}

/* Changes bits of a word of the guest's memory and gives back what it was. */
static uint64_t change(struct stage *stage, gpa_t at, uint64_t clear, uint64_t set)
{
	struct vsva_vm *vm = vsva_guest_vm(stage->world.guest);
	uint64_t was, now;

	assert_int_equal(vsva_vm_read(vm, at, &was, sizeof(was)), 0);
	now = (was & ~clear) | set;
	assert_int_equal(vsva_vm_write(vm, at, &now, sizeof(now)), 0);
	return was;
}

/* One word of the guest's tables is the defect: the access succeeds, is stopped, and succeeds again. */
static void try_word(enum vsva_walk_kind kind, unsigned level, unsigned word, uint64_t clear,
		     uint64_t set, enum vsva_code code)
{
	struct stage stage;
	uint64_t was;
	gpa_t at;

	stage_set(&stage, NULL);
	expect_ok(&stage);
	at = gpa(entry_at(&stage, kind, level).v + word * sizeof(was));
	was = change(&stage, at, clear, set);
	expect_stop(&stage, code);
	change(&stage, at, UINT64_MAX, was);
	expect_ok(&stage);
	stage_clear(&stage);
}

/* The same with something that the view says. */
static void try_lie(struct lie lie, enum vsva_code code)
{
	struct stage stage;

	stage_set(&stage, NULL);
	expect_ok(&stage);
	stage.lie = lie;
	expect_stop(&stage, code);
	stage_clear(&stage);
}

/* Tables of the guest */

static void test_root_entry_absent(void **state)
{
	(void)state;
	try_word(VSVA_WALK_ROOT, 0, 0, 1, 0, VSVA_CODE_ROOT_ABSENT);
}

static void test_context_entry_absent(void **state)
{
	(void)state;
	try_word(VSVA_WALK_CONTEXT, 0, 0, 1, 0, VSVA_CODE_CTX_ABSENT);
}

static void test_pasid_not_enabled(void **state)
{
	(void)state;
	try_word(VSVA_WALK_CONTEXT, 0, 0, 1u << 3, 0, VSVA_CODE_PASIDE_OFF);
}

static void test_device_tlb_not_enabled(void **state)
{
	(void)state;
	/* PRE goes with it: alone it is another defect */
	try_word(VSVA_WALK_CONTEXT, 0, 0, 1u << 2 | 1u << 4, 0, VSVA_CODE_DTE_OFF);
}

static void test_page_requests_without_device_tlb(void **state)
{
	(void)state;
	try_word(VSVA_WALK_CONTEXT, 0, 0, 1u << 2, 0, VSVA_CODE_CTX_PRE_WITHOUT_DTE);
}

static void test_directory_entry_absent(void **state)
{
	(void)state;
	try_word(VSVA_WALK_PASID_DIR, 0, 0, 1, 0, VSVA_CODE_DIR_ABSENT);
}

static void test_reserved_bit_set(void **state)
{
	(void)state;
	try_word(VSVA_WALK_PASID_ENTRY, 0, 1, 0, 1u << 16, VSVA_CODE_PE_RESERVED);
}

static void test_type_not_offered(void **state)
{
	(void)state;
	try_word(VSVA_WALK_PASID_ENTRY, 0, 0, 7u << 6, 6u << 6, VSVA_CODE_PE_TYPE);
}

static void test_privileged_only_page(void **state)
{
	(void)state;
	try_word(VSVA_WALK_FIRST_STAGE, 1, 0, VTD_FS_PTE_US, 0, VSVA_CODE_PAGE_PRIVILEGED);
}

static void test_upper_level_read_only(void **state)
{
	(void)state;
	try_word(VSVA_WALK_FIRST_STAGE, 3, 0, VTD_FS_PTE_RW, 0, VSVA_CODE_FS_READONLY);
}

static void test_upper_level_absent(void **state)
{
	(void)state;
	try_word(VSVA_WALK_FIRST_STAGE, 2, 0, VTD_FS_PTE_P, 0, VSVA_CODE_FS_ABSENT);
}

/* The guest's own tables are right; there is no memory where they lead. */
static void test_second_stage_lacks_page(void **state)
{
	(void)state;
	try_word(VSVA_WALK_FIRST_STAGE, 1, 0, VTD_MASK(51, 12), UINT64_C(1) << 36,
		 VSVA_CODE_SS_ABSENT);
}

/* They lead to the VM's ROM. */
static void test_second_stage_read_only_page(void **state)
{
	static _Alignas(VSVA_PAGE_SIZE) unsigned char rom[VSVA_PAGE_SIZE];
	const gpa_t at = gpa(UINT64_C(1) << 36);
	struct vsva_vm *vm;
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect_ok(&stage);
	vm = vsva_guest_vm(stage.world.guest);
	assert_int_equal(vsva_vm_map(vm, at, rom, sizeof(rom), false), 0);
	change(&stage, entry_at(&stage, VSVA_WALK_FIRST_STAGE, 1), VTD_MASK(51, 12), at.v);
	expect(&stage, stage.page, "r", VSVA_CODE_NONE);
	expect_stop(&stage, VSVA_CODE_SS_READONLY);
	assert_int_equal(vsva_vm_unmap(vm, at, sizeof(rom)), 0);
	stage_clear(&stage);
}

/* Requests that are wrong themselves */

static void test_not_canonical(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect_ok(&stage);
	expect(&stage, UINT64_C(1) << 47, "r", VSVA_CODE_NOT_CANONICAL);
	stage_clear(&stage);
}

static void test_execute(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect(&stage, stage.page, "r", VSVA_CODE_NONE);
	expect(&stage, stage.page, "x", VSVA_CODE_EXEC_UNSUPPORTED);
	stage_clear(&stage);
}

static void test_read_only_page(void **state)
{
	struct stage stage;
	uint8_t byte;
	gva_t page;

	(void)state;
	stage_set(&stage, NULL);
	assert_int_equal(
		vsva_process_mmap(stage.process, gva(0), VSVA_PAGE_SIZE, false, false, &page), 0);
	assert_int_equal(vsva_process_read(stage.process, page, &byte, 1), 0);
	expect(&stage, page.v, "r", VSVA_CODE_NONE);
	expect(&stage, page.v, "w", VSVA_CODE_FS_READONLY);
	expect_ok(&stage);
	stage_clear(&stage);
}

static void test_pasid_beyond_directory(void **state)
{
	struct stage stage;
	struct explain_request request = {
		.vm = EXPLAIN_NO_VM, .pasid = VSVA_PASID_MAX, .read = true};
	struct explain_result result;

	(void)state;
	stage_set(&stage, NULL);
	expect_ok(&stage);
	/* a directory of 128 entries reaches 8,192 PASIDs */
	change(&stage, entry_at(&stage, VSVA_WALK_CONTEXT, 0), 7u << 9, 0);
	expect_ok(&stage);
	request.rid = stage.rid;
	request.address = stage.page;
	assert_int_equal(explain_access(&stage.view, &request, &result), 0);
	assert_int_equal(result.cause, VSVA_CODE_PASID_BEYOND_DIRECTORY);
	stage_clear(&stage);
}

/* What processes and drivers do */

static void test_entry_not_present(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect_ok(&stage);
	change(&stage, entry_at(&stage, VSVA_WALK_PASID_ENTRY, 0), 1, 0);
	expect_stop(&stage, VSVA_CODE_PE_ABSENT);
	change(&stage, entry_at(&stage, VSVA_WALK_PASID_ENTRY, 0), 0, 1);
	assert_int_equal(vsva_process_unbind(stage.process, stage.world.gdsa), 0);
	assert_int_equal(vsva_process_bind(stage.process, stage.world.gdsa), 0);
	expect_ok(&stage);
	stage_clear(&stage);
}

static void test_page_not_touched(void **state)
{
	struct stage stage;
	struct explain_result result;
	uint64_t page;

	(void)state;
	stage_set(&stage, NULL);
	page = world_empty(stage.process, VSVA_PAGE_SIZE).v;
	result = ask(&stage, page, "w");
	assert_int_equal(result.cause, VSVA_CODE_FS_ABSENT);
	assert_true(result.is_recoverable);
	assert_int_equal(vsva_process_write(stage.process, gva(page), "", 1), 0);
	expect(&stage, page, "w", VSVA_CODE_NONE);
	stage_clear(&stage);
}

static void copy_within(struct stage *stage, uint64_t to, uint64_t from)
{
	struct world_copy copy = {.to = gva(to), .from = gva(from), .len = 64};

	assert_int_equal(world_copy(stage->process, stage->world.gdsa, &copy), 1);
}

/* The guest changes an entry and forgets to invalidate. */
static void test_stale_iotlb(void **state)
{
	struct stage stage;
	uint64_t to;
	gpa_t at;

	(void)state;
	stage_set(&stage, NULL);
	to = world_buffer(stage.process, VSVA_PAGE_SIZE, 2).v;
	copy_within(&stage, to, stage.page);
	expect(&stage, stage.page, "r", VSVA_CODE_NONE);
	at = entry_at(&stage, VSVA_WALK_FIRST_STAGE, 1);
	change(&stage, at, VTD_FS_PTE_P, 0);
	expect(&stage, stage.page, "r", VSVA_CODE_IOTLB_STALE);
	change(&stage, at, 0, VTD_FS_PTE_P);
	expect(&stage, stage.page, "r", VSVA_CODE_NONE);
	/* and one that does not forget */
	assert_int_equal(vsva_process_munmap(stage.process, gva(stage.page), VSVA_PAGE_SIZE), 0);
	expect(&stage, stage.page, "r", VSVA_CODE_FS_ABSENT);
	stage_clear(&stage);
}

static void test_quota_reached(void **state)
{
	struct vsva_guest_options options = {.pasid_quota = 1};
	struct stage stage;
	struct vsva_process *second;

	(void)state;
	stage_set(&stage, &options);
	expect_ok(&stage);
	assert_int_equal(vsva_process_create(stage.world.guest, &second), 0);
	stage.page = world_buffer(second, VSVA_PAGE_SIZE, 1).v;
	/* the guest writes its entry; that the host refuses it does not come back to it */
	vsva_process_bind(second, stage.world.gdsa);
	stage.process = second;
	expect_stop(&stage, VSVA_CODE_QUOTA_REACHED);
	stage_clear(&stage);
}

static void test_pasid_free_pending(void **state)
{
	struct vsva_guest_options options = {.use_vcmd = true};
	struct vsva_ioasid_space *space;
	struct stage stage;
	hpasid_t host;

	(void)state;
	stage_set(&stage, &options);
	expect_ok(&stage);
	space = vsva_iommu_ioasid_space(vsva_machine_iommu(stage.world.machine));
	assert_int_equal(vsva_vm_hpasid(vsva_guest_vm(stage.world.guest),
					vsva_process_pasid(stage.process), &host),
			 0);
	/* somebody keeps the number */
	assert_int_equal(vsva_ioasid_get(space, NULL, host), 0);
	assert_int_equal(vsva_process_free_pasid(stage.process), 0);
	vsva_machine_run_idle(stage.world.machine, 1000000);
	expect_stop(&stage, VSVA_CODE_PASID_FREE_PENDING);
	vsva_ioasid_put(space, host);
	vsva_machine_run_idle(stage.world.machine, 1000000);
	expect_stop(&stage, VSVA_CODE_SHADOW_MISSING);
	stage_clear(&stage);
}

/* The host's entry is cleared, and its teardown not at its end. */
static void test_pasid_dying(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect_ok(&stage);
	stage.lie = (struct lie){"pasid", "bindings", "state", 0, "dying"};
	expect_ok(&stage);
	stage.word_lie = (struct word_lie){host_entry_at(&stage), 1, 0};
	expect_stop(&stage, VSVA_CODE_PASID_DYING);
	stage.lie = (struct lie){0};
	expect_stop(&stage, VSVA_CODE_SHADOW_MISSING);
	stage_clear(&stage);
}

static bool step_until_asked(struct stage *stage, uint64_t page)
{
	for (unsigned i = 0; i < 100000; i++) {
		if (ask(stage, page, "r").cause == VSVA_CODE_PAGE_REQUEST_PENDING)
			return true;
		if (!vsva_machine_step(stage->world.machine))
			return ask(stage, page, "r").cause == VSVA_CODE_PAGE_REQUEST_PENDING;
	}
	return false;
}

/* A guest whose handler never answers. */
static void test_page_request_pending(void **state)
{
	struct vsva_guest_options options = {.silent_handler = true};
	struct vsva_dsa_descriptor descriptor = {
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | VSVA_DSA_COMPLETION_VALID |
				VSVA_DSA_REQUEST_COMPLETION | VSVA_DSA_BLOCK_ON_FAULT,
		.size = 64,
	};
	struct stage stage;
	uint64_t page;

	(void)state;
	stage_set(&stage, &options);
	page = world_empty(stage.process, VSVA_PAGE_SIZE).v;
	expect(&stage, page, "r", VSVA_CODE_FS_ABSENT);
	descriptor.source = page;
	descriptor.destination = stage.page;
	descriptor.completion = world_buffer(stage.process, VSVA_PAGE_SIZE, 0).v;
	assert_int_equal(vsva_process_submit(stage.process, stage.world.gdsa, &descriptor, false),
			 0);
	assert_true(step_until_asked(&stage, page));
	expect_ok(&stage);
	stage_clear(&stage);
}

/* Registers and configuration space */

static void command(struct stage *stage, bool bus_master)
{
	struct vsva_assigned *assigned = vsva_guest_device_assigned(stage->world.gdsa);
	uint32_t value;

	assert_int_equal(vsva_assigned_config_read(assigned, 4, 2, &value), 0);
	value = bus_master ? value | 4 : value & ~UINT32_C(4);
	assert_int_equal(vsva_assigned_config_write(assigned, 4, 2, value), 0);
}

static void test_bus_master_off(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect_ok(&stage);
	command(&stage, false);
	expect_stop(&stage, VSVA_CODE_BUS_MASTER_OFF);
	command(&stage, true);
	expect_ok(&stage);
	stage_clear(&stage);
}

static void write_register(struct stage *stage, uint32_t offset, unsigned size, uint64_t value)
{
	struct vsva_vm *vm = vsva_guest_vm(stage->world.guest);

	assert_int_equal(vsva_viommu_write(vm, offset, size, value), 0);
	vsva_machine_run_idle(stage->world.machine, 1000000);
}

static void test_translation_disabled(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect_ok(&stage);
	write_register(&stage, VTD_REG_GCMD, 4, VTD_GCMD_QIE);
	expect_stop(&stage, VSVA_CODE_TRANSLATION_OFF);
	stage_clear(&stage);
}

static void test_root_table_not_scalable(void **state)
{
	struct stage stage;
	uint64_t root;

	(void)state;
	stage_set(&stage, NULL);
	expect_ok(&stage);
	assert_int_equal(
		vsva_viommu_read(vsva_guest_vm(stage.world.guest), VTD_REG_RTADDR, 8, &root), 0);
	write_register(&stage, VTD_REG_GCMD, 4, VTD_GCMD_QIE);
	write_register(&stage, VTD_REG_RTADDR, 8, root & VTD_RTADDR_RTA);
	write_register(&stage, VTD_REG_GCMD, 4, VTD_GCMD_QIE | VTD_GCMD_SRTP);
	write_register(&stage, VTD_REG_GCMD, 4, VTD_GCMD_QIE | VTD_GCMD_TE);
	expect_stop(&stage, VSVA_CODE_ROOT_NOT_SCALABLE);
	stage_clear(&stage);
}

static void test_device_gone(void **state)
{
	(void)state;
	try_lie((struct lie){.object = "device", .key = "gone", .value = 1}, VSVA_CODE_DEVICE_GONE);
}

static void test_function_pasid_off(void **state)
{
	(void)state;
	try_lie((struct lie){.object = "device", .key = "pasid", .value = 0},
		VSVA_CODE_FUNCTION_PASID_OFF);
}

/* What is printed */

static char *sentences(struct stage *stage, const char *access)
{
	struct explain_request request = {.rid = stage->rid,
					  .vm = EXPLAIN_NO_VM,
					  .pasid = vsva_process_pasid(stage->process).v,
					  .address = stage->page,
					  .read = true,
					  .write = *access == 'w'};
	struct explain_result result;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(explain_access(&stage->view, &request, &result), 0);
	explain_access_print(&request, &result, true, out);
	fclose(out);
	if (getenv("VSVA_TEST_SHOW"))
		print_message("%s\n", text);
	return text;
}

static void expect_phrase(char *text, const char *phrase)
{
	if (!strstr(text, phrase))
		fail_msg("no '%s' in: %s", phrase, text);
}

static void test_sentences(void **state)
{
	struct stage stage;
	char *text;

	(void)state;
	stage_set(&stage, NULL);
	text = sentences(&stage, "r");
	expect_phrase(text, " succeeds: HPA 0x");
	expect_phrase(text, "The walk through the host's tables:");
	expect_phrase(text, "PGTT=nested(3)");
	free(text);
	change(&stage, entry_at(&stage, VSVA_WALK_FIRST_STAGE, 1), VTD_FS_PTE_RW, 0);
	text = sentences(&stage, "w");
	expect_phrase(text, " is stopped. [FS_READONLY]");
	expect_phrase(text, "first-stage entry, level 1 at GPA 0x");
	expect_phrase(text, "clause  VT-d 3.6.1, SGN.6");
	expect_phrase(text, "change  map the page writable");
	free(text);
	stage_clear(&stage);
}

/* The chain */

static enum vsva_code chain_cause(struct stage *stage)
{
	struct explain_chain chain;

	assert_int_equal(explain_sva(&stage->view, stage->rid, EXPLAIN_NO_VM, &chain), 0);
	assert_true(chain.count > 1);
	return explain_chain_cause(&chain);
}

static void expect_chain(struct stage *stage, enum vsva_code code)
{
	enum vsva_code found = chain_cause(stage);

	assert_string_equal(found ? vsva_code_name(found) : "none",
			    code ? vsva_code_name(code) : "none");
}

static void test_chain_capability_missing(void **state)
{
	static const struct {
		const char *reg;
		unsigned bit;
		enum vsva_code code;
	} bits[] = {
		{"ECAP", 1, VSVA_CODE_CAP_QI},     {"ECAP", 43, VSVA_CODE_CAP_SMTS},
		{"ECAP", 40, VSVA_CODE_CAP_PASID}, {"ECAP", 47, VSVA_CODE_CAP_FSTS},
		{"ECAP", 2, VSVA_CODE_CAP_DT},     {"ECAP", 29, VSVA_CODE_CAP_PRS},
		{"ECAP", 48, VSVA_CODE_CAP_SMPWC}, {"CAP", 56, VSVA_CODE_CAP_1GIB},
		{"ECAP", 26, VSVA_CODE_CAP_NEST},
	};
	struct stage stage;
	uint64_t value;

	(void)state;
	stage_set(&stage, NULL);
	expect_chain(&stage, VSVA_CODE_NONE);
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		assert_int_equal(vsva_viommu_read(vsva_guest_vm(stage.world.guest),
						  *bits[i].reg == 'C' ? 8 : 16, 8, &value),
				 0);
		stage.lie = (struct lie){"unit", "registers", bits[i].reg,
					 value & ~(UINT64_C(1) << bits[i].bit), NULL};
		expect_chain(&stage, bits[i].code);
	}
	stage_clear(&stage);
}

static void test_chain_queue_off(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	stage.lie = (struct lie){"unit", "queue", NULL, false, NULL};
	expect_chain(&stage, VSVA_CODE_QUEUE_OFF);
	stage_clear(&stage);
}

static void test_chain_device_of_nobody(void **state)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA, .rid = {0x6b00}};
	struct explain_chain chain;
	struct vsva_device *device;
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	assert_int_equal(vsva_device_create(stage.world.machine, &options, &device), 0);
	assert_int_equal(explain_sva(&stage.view, 0x6b00, EXPLAIN_NO_VM, &chain), 0);
	assert_int_equal(explain_chain_cause(&chain), VSVA_CODE_DEVICE_NOT_ASSIGNED);
	assert_string_equal(chain.links[0].detail, "no VM has the device");
	vsva_device_destroy(device);
	stage_clear(&stage);
}

static void test_chain_page_requests_disabled(void **state)
{
	struct vsva_guest_options options = {.no_page_requests = true};
	struct stage stage;

	(void)state;
	stage_set(&stage, &options);
	assert_true(chain_cause(&stage) == VSVA_CODE_PRE_OFF ||
		    chain_cause(&stage) == VSVA_CODE_FUNCTION_PRI_OFF);
	stage_clear(&stage);
	stage_set(&stage, NULL);
	expect_chain(&stage, VSVA_CODE_NONE);
	stage_clear(&stage);
}

static void test_chain_device_tlb_disabled(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect_chain(&stage, VSVA_CODE_NONE);
	stage.lie = (struct lie){.object = "assigned", .key = "sees_ats", .value = 0};
	expect_chain(&stage, VSVA_CODE_FUNCTION_ATS_OFF);
	stage_clear(&stage);
}

static void test_chain_quota(void **state)
{
	struct vsva_guest_options options = {.pasid_quota = 1};
	struct stage stage;

	(void)state;
	stage_set(&stage, &options);
	expect_chain(&stage, VSVA_CODE_QUOTA_REACHED);
	stage_clear(&stage);
}

static void test_chain_not_nested(void **state)
{
	struct stage stage;

	(void)state;
	stage_set(&stage, NULL);
	expect_chain(&stage, VSVA_CODE_NONE);
	stage.word_lie = (struct word_lie){host_entry_at(&stage), 7u << 6, 1u << 6};
	expect_chain(&stage, VSVA_CODE_NOT_NESTED);
	stage_clear(&stage);
}

/* Nothing is missing, and that is said. */
static void test_chain_nobody_bound(void **state)
{
	struct explain_chain chain;
	struct stage stage;
	unsigned notes = 0;

	(void)state;
	stage_set(&stage, NULL);
	assert_int_equal(vsva_process_unbind(stage.process, stage.world.gdsa), 0);
	vsva_machine_run_idle(stage.world.machine, 1000000);
	assert_int_equal(explain_sva(&stage.view, stage.rid, EXPLAIN_NO_VM, &chain), 0);
	for (unsigned i = 0; i < chain.count; i++)
		notes += chain.links[i].code == VSVA_CODE_NO_PASID_BOUND;
	assert_int_equal(notes, 1);
	assert_int_equal(explain_chain_cause(&chain), VSVA_CODE_NONE);
	stage_clear(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_entry_absent),
		cmocka_unit_test(test_context_entry_absent),
		cmocka_unit_test(test_pasid_not_enabled),
		cmocka_unit_test(test_device_tlb_not_enabled),
		cmocka_unit_test(test_page_requests_without_device_tlb),
		cmocka_unit_test(test_directory_entry_absent),
		cmocka_unit_test(test_reserved_bit_set),
		cmocka_unit_test(test_type_not_offered),
		cmocka_unit_test(test_privileged_only_page),
		cmocka_unit_test(test_upper_level_read_only),
		cmocka_unit_test(test_upper_level_absent),
		cmocka_unit_test(test_second_stage_lacks_page),
		cmocka_unit_test(test_second_stage_read_only_page),
		cmocka_unit_test(test_not_canonical),
		cmocka_unit_test(test_execute),
		cmocka_unit_test(test_read_only_page),
		cmocka_unit_test(test_pasid_beyond_directory),
		cmocka_unit_test(test_entry_not_present),
		cmocka_unit_test(test_page_not_touched),
		cmocka_unit_test(test_stale_iotlb),
		cmocka_unit_test(test_quota_reached),
		cmocka_unit_test(test_pasid_free_pending),
		cmocka_unit_test(test_pasid_dying),
		cmocka_unit_test(test_page_request_pending),
		cmocka_unit_test(test_bus_master_off),
		cmocka_unit_test(test_translation_disabled),
		cmocka_unit_test(test_root_table_not_scalable),
		cmocka_unit_test(test_device_gone),
		cmocka_unit_test(test_function_pasid_off),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_chain_capability_missing),
		cmocka_unit_test(test_chain_queue_off),
		cmocka_unit_test(test_chain_device_of_nobody),
		cmocka_unit_test(test_chain_page_requests_disabled),
		cmocka_unit_test(test_chain_device_tlb_disabled),
		cmocka_unit_test(test_chain_quota),
		cmocka_unit_test(test_chain_not_nested),
		cmocka_unit_test(test_chain_nobody_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
