/* SPDX-License-Identifier: MIT */
/* ENQCMD by a VM's processors, from the guest's binding to the data. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "raw_guest.h"
#include "vsva/dsa.h"
#include "world.h"

#define VALID  UINT32_C(0x80000000)
#define VA     UINT64_C(0x7f0000001000)
#define LEN    12288u
#define PORTAL 0x5000u /* limited portal of the shared queue of the built-in guest's driver */

struct copy {
	gva_t from, to, record;
};

static struct copy prepare(struct vsva_process *process, uint8_t seed)
{
	return (struct copy){.from = world_buffer(process, LEN, seed),
			     .to = world_empty(process, LEN),
			     .record = world_empty(process, 4096)};
}

static struct vsva_dsa_descriptor descriptor(const struct copy *copy)
{
	return (struct vsva_dsa_descriptor){
		.pasid = UINT32_C(0xffffffff), /* not the program's to choose */
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | VSVA_DSA_BLOCK_ON_FAULT |
				VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION,
		.completion = copy->record.v,
		.source = copy->from.v,
		.destination = copy->to.v,
		.size = LEN,
	};
}

static int enqcmd(struct vsva_vcpu *vcpu, struct vsva_guest_device *device, const struct copy *copy,
		  struct vsva_vmx_exit *exit)
{
	struct vsva_portal portal = vsva_assigned_portal(vsva_guest_device_assigned(device));
	struct vsva_dsa_descriptor d = descriptor(copy);

	return vsva_vcpu_enqcmd(vcpu, &portal, PORTAL, &d, exit);
}

static struct vsva_vcpu *new_vcpu(struct vsva_guest *guest)
{
	struct vsva_vcpu *vcpu;

	assert_int_equal(vsva_vcpu_create(vsva_vm_kvm(vsva_guest_vm(guest)), &vcpu), 0);
	return vcpu;
}

static void load(struct vsva_vcpu *vcpu, const struct vsva_process *process)
{
	assert_int_equal(vsva_vcpu_set_ia32_pasid(vcpu, VALID | vsva_process_pasid(process).v), 0);
}

static struct vsva_process *new_process(struct vsva_guest *guest, struct vsva_guest_device *device)
{
	struct vsva_process *process;

	assert_int_equal(vsva_process_create(guest, &process), 0);
	assert_int_equal(vsva_process_bind(process, device), 0);
	return process;
}

static void test_vcpu_copies_by_guest_pointers(void **state)
{
	struct vsva_process *process;
	struct vsva_vcpu *vcpu;
	struct world world;
	struct copy copy;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	process = new_process(world.guest, world.gdsa);
	vcpu = new_vcpu(world.guest);
	copy = prepare(process, 3);
	assert_int_equal(enqcmd(vcpu, world.gdsa, &copy, NULL), -EPERM);
	load(vcpu, process);
	assert_int_equal(enqcmd(vcpu, world.gdsa, &copy, NULL), 0);
	assert_int_equal(vsva_process_wait(process, copy.record, NULL), VSVA_DSA_SUCCESS);
	assert_true(world_holds(process, copy.to, LEN, 3));
	vsva_vcpu_destroy(vcpu);
	world_destroy(&world);
}

/* 2667ed10d9f0, seen from the processor: the process has gone, its PASID is still in the register;
 * nobody else is reached by it, whatever comes next. */
static void test_register_of_a_dead_process_reaches_nobody(void **state)
{
	struct vsva_process *dead, *next;
	struct vsva_vmx_exit exit;
	struct vsva_vcpu *vcpu;
	struct copy copy;
	struct world world;
	gpasid_t stale;

	(void)state;
	world_create(&world, VSVA_CACHE_ADVERSARIAL, NULL);
	dead = new_process(world.guest, world.gdsa);
	vcpu = new_vcpu(world.guest);
	load(vcpu, dead);
	stale = vsva_process_pasid(dead);
	vsva_process_exit(dead);
	next = new_process(world.guest, world.gdsa);
	copy = prepare(next, 4);
	assert_int_equal(enqcmd(vcpu, world.gdsa, &copy, &exit), -ENOENT);
	assert_int_equal(exit.reason, VSVA_VMX_EXIT_ENQCMD_PASID);
	assert_int_equal(exit.guest.v, stale.v);
	vsva_machine_run_idle(world.machine, 100000);
	assert_int_equal(enqcmd(vcpu, world.gdsa, &copy, &exit), -ENOENT);
	assert_false(world_holds(next, copy.to, LEN, 4));
	load(vcpu, next);
	assert_int_equal(enqcmd(vcpu, world.gdsa, &copy, &exit), 0);
	assert_int_equal(vsva_process_wait(next, copy.record, NULL), VSVA_DSA_SUCCESS);
	assert_true(world_holds(next, copy.to, LEN, 4));
	vsva_vcpu_destroy(vcpu);
	world_destroy(&world);
}

/* Both guests call it 5. */
struct tenant {
	struct vsva_device *dsa;
	struct vsva_guest *guest;
	struct vsva_guest_device *device;
	struct vsva_process *process;
	struct vsva_vcpu *vcpu;
	struct copy copy;
};

static void move_in(struct tenant *tenant, struct vsva_machine *machine, uint8_t seed)
{
	struct vsva_device_options dsa = {.kind = VSVA_DEVICE_DSA};
	struct vsva_guest_options options = {.first_pasid = 5};

	assert_int_equal(vsva_device_create(machine, &dsa, &tenant->dsa), 0);
	assert_int_equal(vsva_guest_create(machine, &options, &tenant->guest), 0);
	assert_int_equal(
		vsva_guest_add_device(tenant->guest, tenant->dsa, rid(0x30), &tenant->device), 0);
	tenant->process = new_process(tenant->guest, tenant->device);
	assert_int_equal(vsva_process_pasid(tenant->process).v, 5);
	tenant->copy = prepare(tenant->process, seed);
	tenant->vcpu = new_vcpu(tenant->guest);
	load(tenant->vcpu, tenant->process);
}

static void test_two_vms_have_the_same_guest_pasid(void **state)
{
	struct tenant a, b;
	struct world world;
	hpasid_t host_a, host_b;

	(void)state;
	world_create(&world, VSVA_CACHE_ADVERSARIAL, NULL);
	move_in(&a, world.machine, 11);
	move_in(&b, world.machine, 22);
	assert_int_equal(vsva_vm_hpasid(vsva_guest_vm(a.guest), gpasid(5), &host_a), 0);
	assert_int_equal(vsva_vm_hpasid(vsva_guest_vm(b.guest), gpasid(5), &host_b), 0);
	assert_int_not_equal(host_a.v, host_b.v);
	assert_int_equal(enqcmd(a.vcpu, a.device, &a.copy, NULL), 0);
	assert_int_equal(enqcmd(b.vcpu, b.device, &b.copy, NULL), 0);
	assert_int_equal(vsva_process_wait(a.process, a.copy.record, NULL), VSVA_DSA_SUCCESS);
	assert_int_equal(vsva_process_wait(b.process, b.copy.record, NULL), VSVA_DSA_SUCCESS);
	assert_true(world_holds(a.process, a.copy.to, LEN, 11));
	assert_true(world_holds(b.process, b.copy.to, LEN, 22));
	/* One of them goes; the other does not notice. */
	vsva_vcpu_destroy(a.vcpu);
	vsva_guest_destroy(a.guest);
	b.copy = prepare(b.process, 33);
	assert_int_equal(enqcmd(b.vcpu, b.device, &b.copy, NULL), 0);
	assert_int_equal(vsva_process_wait(b.process, b.copy.record, NULL), VSVA_DSA_SUCCESS);
	assert_true(world_holds(b.process, b.copy.to, LEN, 33));
	vsva_vcpu_destroy(b.vcpu);
	vsva_guest_destroy(b.guest);
	world_destroy(&world);
}

/* The VM's dedicated queue and its memory do not need KVM. */
static void test_kvm_dies_before_its_vm(void **state)
{
	struct vsva_process *process;
	struct vsva_vmx_exit exit;
	struct vsva_vcpu *vcpu;
	struct world world;
	struct copy copy;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	process = new_process(world.guest, world.gdsa);
	vcpu = new_vcpu(world.guest);
	load(vcpu, process);
	copy = prepare(process, 3);
	assert_int_equal(vsva_kvm_stop(vsva_vm_kvm(vsva_guest_vm(world.guest))), 0);
	assert_int_equal(enqcmd(vcpu, world.gdsa, &copy, &exit), -ENOENT);
	assert_int_equal(exit.reason, VSVA_VMX_EXIT_ENQCMD_PASID);
	{
		struct vsva_dsa_descriptor d = descriptor(&copy);

		assert_int_equal(vsva_process_submit(process, world.gdsa, &d, true), -ENOENT);
		assert_int_equal(vsva_process_submit(process, world.gdsa, &d, false), 0);
	}
	assert_int_equal(vsva_process_wait(process, copy.record, NULL), VSVA_DSA_SUCCESS);
	assert_true(world_holds(process, copy.to, LEN, 3));
	vsva_process_exit(process);
	vsva_vcpu_destroy(vcpu);
	world_destroy(&world);
}

static int no_portal(void *arg, uint64_t offset, const void *bytes)
{
	(void)offset;
	(void)bytes;
	*(bool *)arg = true;
	return 0;
}

static void test_kvm_outlives_its_vm(void **state)
{
	static const unsigned char bytes[64];
	bool was_written = false;
	struct vsva_portal portal = {no_portal, &was_written};
	struct vsva_vm_options options = {0};
	struct vsva_process *process;
	struct vsva_vcpu *vcpu, *another;
	struct vsva_kvm *kvm;
	struct vsva_vm *vm;
	struct world world;

	(void)state;
	world_create(&world, VSVA_CACHE_LRU, NULL);
	process = new_process(world.guest, world.gdsa);
	vcpu = new_vcpu(world.guest);
	load(vcpu, process);
	kvm = vsva_kvm_get(vsva_vm_kvm(vsva_guest_vm(world.guest)));
	vsva_guest_destroy(world.guest);
	world.guest = NULL;
	assert_int_equal(vsva_vcpu_enqcmd(vcpu, &portal, 0, bytes, NULL), -ENOENT);
	/* Nor does it serve the next one, wherever that is in memory. */
	assert_int_equal(vsva_vm_create(world.machine, &options, &vm), 0);
	assert_int_equal(vsva_vcpu_create(kvm, &another), 0);
	assert_int_equal(vsva_vcpu_enqcmd(vcpu, &portal, 0, bytes, NULL), -ENOENT);
	vsva_vcpu_destroy(vcpu);
	vsva_vm_destroy(vm);
	vsva_kvm_put(kvm);
	vsva_vcpu_destroy(another);
	assert_false(was_written);
	world_destroy(&world);
}

/* A guest without a driver */

static void begin(struct raw_guest *raw, uint32_t quota)
{
	struct raw_options options = {.dsa = true, .vm.pasid_quota = quota};

	raw_create(raw, &options);
	raw_boot(raw, &options);
}

static int raw_enqcmd(struct raw_guest *raw, uint32_t guest)
{
	static const unsigned char bytes[64];

	/* 1: translated, and the queue is not enabled */
	return vsva_assigned_enqcmd(raw->device[0].assigned, PORTAL, VALID | guest, bytes);
}

/* The guest has it, but no device: no translation. */
static void test_pasid_that_is_bound_nowhere_exits(void **state)
{
	struct raw_guest raw;
	uint32_t guest;

	(void)state;
	begin(&raw, 0);
	raw_set_reg(&raw, VTD_REG_VCMD, 8, VTD_VCMD_ALLOC_PASID);
	raw_run(&raw);
	guest = (uint32_t)vtd_VCRSP_RSLT(raw_reg(&raw, VTD_REG_VCRSP, 8));
	raw_hpasid(&raw, guest); /* it has a number */
	assert_int_equal(raw_enqcmd(&raw, guest), -ENOENT);
	raw_bind(&raw, &raw.device[1], guest, VA, 1); /* any device: the tables are the VM's */
	assert_int_equal(raw_enqcmd(&raw, guest), 1);
	raw_clear(raw_entry(&raw, &raw.device[1], guest));
	raw_flush_pasid(&raw, guest);
	assert_int_equal(raw_enqcmd(&raw, guest), -ENOENT);
	raw_destroy(&raw);
}

/* Every step of a bind fails once: refused, or bound without memory for the processors' table. Both
 * are mended, one by the next invalidation, the other by the next ENQCMD. */
static void test_bind_fails_at_every_step(void **state)
{
	struct vsva_kvm_stats stats;
	struct raw_guest raw;
	uint64_t nth = 0;
	uint64_t hits;

	(void)state;
	begin(&raw, 0);
	raw_run(&raw);
	do {
		uint32_t guest = (uint32_t)++nth * 1024 + 5; /* a table of its own */
		gpa_t table = raw_page_table(&raw);

		raw_set_first_stage(raw_entry(&raw, &raw.device[0], guest), table, 1);
		fail_nth_set(nth, 0);
		raw_flush_pasid(&raw, guest);
		hits = fail_nth_hits();
		fail_nth_set(0, 0);
		raw_flush_pasid(&raw, guest);
		assert_int_equal(raw_enqcmd(&raw, guest), 1);
	} while (hits >= nth);
	vsva_kvm_get_stats(vsva_vm_kvm(raw.vm), &stats);
	assert_true(stats.missing >= 1);
	assert_int_equal(stats.translations_now, nth);
	raw_destroy(&raw);
}

/* A VM with its KVM, or nothing. */
static void test_vm_create_fails_at_every_step(void **state)
{
	struct vsva_vm_options options = {0};
	struct vsva_ioasid_space *space;
	struct raw_guest raw;
	struct vsva_vm *vm;
	uint32_t available;
	uint64_t nth = 0;
	int err;

	(void)state;
	begin(&raw, 0);
	space = vsva_iommu_ioasid_space(vsva_machine_iommu(raw.machine));
	available = vsva_ioasid_space_available(space);
	do {
		fail_nth_set(++nth, 0);
		err = vsva_vm_create(raw.machine, &options, &vm);
		fail_nth_set(0, 0);
		assert_true(!err || vsva_ioasid_space_available(space) == available);
	} while (err);
	assert_true(nth > 10);
	vsva_vm_destroy(vm);
	assert_int_equal(vsva_ioasid_space_available(space), available);
	raw_destroy(&raw);
}

/* All at once: as many unbound as bound, before anything of the old ones is reclaimed. */
static void test_quota_is_not_used_up_by_what_is_being_reclaimed(void **state)
{
	enum { QUOTA = 100 };
	struct vtd_desc flush = raw_pasid_cache(VTD_PASID_CACHE_GLOBAL, 0, 0);
	struct raw_guest raw;
	gpa_t table;

	(void)state;
	begin(&raw, QUOTA);
	table = raw_page_table(&raw);
	for (unsigned round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < QUOTA; i++) {
			uint32_t guest = 1 + round * QUOTA + i;

			if (round)
				raw_clear(raw_entry(&raw, &raw.device[0], guest - QUOTA));
			raw_set_first_stage(raw_entry(&raw, &raw.device[0], guest), table, 1);
		}
		raw_submit(&raw, &flush);
		assert_int_equal(raw_stats(&raw).bound_now, QUOTA);
		assert_int_equal(raw_stats(&raw).refused_binds, 0);
	}
	raw_destroy(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vcpu_copies_by_guest_pointers),
		cmocka_unit_test(test_register_of_a_dead_process_reaches_nobody),
		cmocka_unit_test(test_two_vms_have_the_same_guest_pasid),
		cmocka_unit_test(test_kvm_dies_before_its_vm),
		cmocka_unit_test(test_kvm_outlives_its_vm),
		cmocka_unit_test(test_pasid_that_is_bound_nowhere_exits),
		cmocka_unit_test(test_bind_fails_at_every_step),
		cmocka_unit_test(test_vm_create_fails_at_every_step),
		cmocka_unit_test(test_quota_is_not_used_up_by_what_is_being_reclaimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
