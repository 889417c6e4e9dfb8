// SPDX-License-Identifier: MIT
/* KVM: what a processor's submission meets while PASIDs come and go. One thread. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "kvm_world.h"
#include "vsva/limits.h"
#include "bind_id.h"

#define VALID UINT32_C(0x80000000)
#define BITS  12u
#define LOW   0x12345u
#define HIGH  0xfedcbu

static void begin(struct kvm_world *w)
{
	kvm_world_create(w, WORKERS_MANUAL, BITS);
}

static struct vsva_kvm_stats stats(struct kvm_world *w)
{
	struct vsva_kvm_stats out;

	vsva_kvm_get_stats(w->kvm, &out);
	return out;
}

/* The instructions */

static void test_wrmsr_refuses_reserved_bits(void **state)
{
	struct kvm_world w;

	(void)state;
	begin(&w);
	assert_int_equal(vsva_vcpu_ia32_pasid(w.vcpu), 0);
	assert_int_equal(vsva_vcpu_set_ia32_pasid(w.vcpu, VALID | 0xfffff), 0);
	for (unsigned bit = 20; bit < 64; bit++) {
		if (bit == 31)
			continue;
		assert_int_equal(vsva_vcpu_set_ia32_pasid(w.vcpu, UINT64_C(1) << bit), -EPERM);
		assert_int_equal(vsva_vcpu_ia32_pasid(w.vcpu), VALID | 0xfffff);
	}
	assert_int_equal(vsva_vcpu_set_ia32_pasid(w.vcpu, 7), 0);
	assert_int_equal(vsva_vcpu_ia32_pasid(w.vcpu), 7);
	kvm_world_destroy(&w);
}

/* Only the first 32 bits change, whatever the process has written there. */
static void test_enqcmd_replaces_pasid_and_privilege(void **state)
{
	unsigned char bytes[64];
	struct ioasid_binding b;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &b, id, LOW);
	memset(bytes, 0xff, sizeof(bytes));
	for (unsigned i = 4; i < 64; i++)
		bytes[i] = (unsigned char)i;
	assert_int_equal(vsva_vcpu_set_ia32_pasid(w.vcpu, VALID | LOW), 0);
	assert_int_equal(vsva_vcpu_enqcmd(w.vcpu, &w.portal, 0x5040, bytes, NULL), 0);
	assert_int_equal(w.device.offset, 0x5040);
	assert_int_equal(kvm_device_head(&w.device), id.v);
	assert_memory_equal(w.device.command + 4, bytes + 4, 60);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

static void test_enqcmds_translates_the_operands_pasid(void **state)
{
	unsigned char bytes[64] = {0};
	struct vsva_vmx_exit exit;
	struct ioasid_binding b;
	struct kvm_world w;
	uint32_t head;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &b, id, HIGH);
	head = UINT32_C(0xfff00000) | HIGH;
	memcpy(bytes, &head, sizeof(head));
	/* IA32_PASID does not matter */
	assert_int_equal(vsva_vcpu_enqcmds(w.vcpu, &w.portal, 0, bytes, &exit), 0);
	assert_int_equal(exit.reason, 0);
	assert_int_equal(kvm_device_head(&w.device), VALID | id.v);
	head = HIGH;
	memcpy(bytes, &head, sizeof(head));
	assert_int_equal(vsva_vcpu_enqcmds(w.vcpu, &w.portal, 0, bytes, &exit), 0);
	assert_int_equal(kvm_device_head(&w.device), id.v);
	head = VALID | 5;
	memcpy(bytes, &head, sizeof(head));
	assert_int_equal(vsva_vcpu_enqcmds(w.vcpu, &w.portal, 0, bytes, &exit), -ENOENT);
	assert_int_equal(exit.reason, VSVA_VMX_EXIT_ENQCMDS_PASID);
	assert_int_equal(exit.reason, 73);
	assert_int_equal(exit.qualification, 0);
	assert_int_equal(exit.guest.v, 5);
	assert_int_equal(w.device.count, 2);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

static void test_general_protection(void **state)
{
	unsigned char bytes[64] = {0};
	struct vsva_vmx_exit exit;
	struct ioasid_binding b;
	struct kvm_world w;

	(void)state;
	begin(&w);
	kvm_world_bind(&w, &b, kvm_world_alloc(&w), LOW);
	assert_int_equal(kvm_world_enqcmd(&w, &exit), -EPERM); /* as after reset */
	assert_int_equal(vsva_vcpu_set_ia32_pasid(w.vcpu, LOW), 0);
	assert_int_equal(kvm_world_enqcmd(&w, &exit), -EPERM);
	assert_int_equal(vsva_vcpu_set_ia32_pasid(w.vcpu, VALID | LOW), 0);
	for (uint64_t offset = 1; offset < 64; offset++) {
		assert_int_equal(vsva_vcpu_enqcmd(w.vcpu, &w.portal, offset, bytes, &exit), -EPERM);
		assert_int_equal(vsva_vcpu_enqcmds(w.vcpu, &w.portal, offset, bytes, &exit),
				 -EPERM);
	}
	assert_int_equal(exit.reason, 0);
	assert_int_equal(w.device.count, 0);
	assert_int_equal(stats(&w).exits, 0);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

/* Nothing is bound, or nothing in that table, or not that one. */
static void test_missing_translation_exits(void **state)
{
	struct vsva_vmx_exit exit;
	struct ioasid_binding b;
	struct kvm_world w;

	(void)state;
	begin(&w);
	assert_int_equal(vsva_vcpu_set_ia32_pasid(w.vcpu, VALID | LOW), 0);
	assert_int_equal(kvm_world_enqcmd(&w, &exit), -ENOENT);
	assert_int_equal(exit.reason, VSVA_VMX_EXIT_ENQCMD_PASID);
	assert_int_equal(exit.reason, 72);
	assert_int_equal(exit.qualification, 0);
	assert_int_equal(exit.guest.v, LOW);
	kvm_world_bind(&w, &b, kvm_world_alloc(&w), LOW + 1);
	assert_int_equal(kvm_world_enqcmd(&w, &exit), -ENOENT);
	assert_int_equal(kvm_world_enqcmd_as(&w, LOW ^ 0x80000), -ENOENT);
	assert_int_equal(w.device.count, 0);
	assert_int_equal(stats(&w).exits, 3);
	assert_int_equal(kvm_world_enqcmd_as(&w, LOW + 1), 0);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

static void test_retry_and_no_portal_are_passed_on(void **state)
{
	struct ioasid_binding b;
	struct kvm_world w;

	(void)state;
	begin(&w);
	kvm_world_bind(&w, &b, kvm_world_alloc(&w), LOW);
	w.device.answer = 1;
	assert_int_equal(kvm_world_enqcmd_as(&w, LOW), 1);
	w.device.answer = -EINVAL;
	assert_int_equal(kvm_world_enqcmd_as(&w, LOW), -EINVAL);
	w.device.answer = 0;
	assert_int_equal(kvm_world_enqcmd_as(&w, LOW), 0);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

/* A VMM that keeps the register itself: what cannot be in it is not looked at. */
static void test_enqcmd_without_a_vcpu(void **state)
{
	static const unsigned char bytes[64];
	struct vsva_vmx_exit exit;
	struct ioasid_binding b;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &b, id, LOW);
	assert_int_equal(vsva_kvm_enqcmd(w.kvm, LOW, &w.portal, 0, bytes, &exit), -EPERM);
	assert_int_equal(vsva_kvm_enqcmd(w.kvm, VALID | LOW, &w.portal, 1, bytes, &exit), -EPERM);
	assert_int_equal(vsva_kvm_enqcmd(w.kvm, VALID | 9, &w.portal, 0, bytes, &exit), -ENOENT);
	assert_int_equal(exit.reason, 72);
	assert_int_equal(vsva_kvm_enqcmd(w.kvm, UINT64_C(0xfffffffffff00000) | LOW, &w.portal, 0,
					 bytes, &exit),
			 0);
	assert_int_equal(kvm_device_head(&w.device), id.v);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

/* Bindings come and go */

static void test_translation_lives_from_first_bind_to_last_unbind(void **state)
{
	struct ioasid_binding first, second;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	assert_int_equal(vsva_ioasid_attach_gpasid(w.set, id, gpasid(LOW)), 0);
	assert_int_equal(kvm_world_translate(&w, LOW), VSVA_PASID_INVALID); /* not bound yet */
	kvm_world_bind(&w, &first, id, LOW);
	assert_int_equal(kvm_world_translate(&w, LOW), id.v);
	assert_int_equal(kvm_world_refs(&w, id), 3); /* allocation, binding, KVM */
	kvm_world_bind(&w, &second, id, LOW);
	assert_int_equal(kvm_world_refs(&w, id), 4);
	kvm_world_unbind(&w, &first);
	assert_int_equal(kvm_world_translate(&w, LOW), id.v);
	ioasid_deactivate(w.set, &second);
	assert_int_equal(kvm_world_translate(&w, LOW),
			 VSVA_PASID_INVALID); /* before its teardown */
	ioasid_release(w.set, &second);
	kvm_world_run(&w);
	assert_int_equal(kvm_world_refs(&w, id), 2); /* until it is given up */
	assert_int_equal(stats(&w).translations_now, 0);
	assert_int_equal(vsva_ioasid_free(w.set, id), 0);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE_PENDING);
	kvm_world_run(&w);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE);
	kvm_world_destroy(&w);
}

static void test_free_before_unbind(void **state)
{
	struct ioasid_binding b;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &b, id, LOW);
	assert_int_equal(vsva_ioasid_free(w.set, id), 0);
	assert_int_equal(kvm_world_translate(&w, LOW), VSVA_PASID_INVALID);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE_PENDING);
	assert_int_equal(kvm_world_refs(&w, id), 3);
	kvm_world_run(&w);
	assert_int_equal(kvm_world_refs(&w, id), 1); /* the binding's */
	kvm_world_unbind(&w, &b);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE);
	kvm_world_destroy(&w);
}

static void test_free_after_unbind(void **state)
{
	struct ioasid_binding b;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &b, id, LOW);
	kvm_world_unbind(&w, &b);
	assert_int_equal(vsva_ioasid_free(w.set, id), 0);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE_PENDING);
	assert_int_equal(vsva_ioasid_free_sync(w.set, id), 0);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE);
	kvm_world_destroy(&w);
}

/* However often it comes and goes: one reference, until it is given up. */
static void test_bound_again(void **state)
{
	struct ioasid_binding b;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	for (unsigned i = 0; i < 3; i++) {
		kvm_world_bind(&w, &b, id, LOW + i);
		assert_int_equal(kvm_world_translate(&w, LOW + i), id.v);
		assert_int_equal(kvm_world_refs(&w, id), 3);
		kvm_world_unbind(&w, &b);
		assert_int_equal(kvm_world_translate(&w, LOW + i), VSVA_PASID_INVALID);
		assert_int_equal(kvm_world_refs(&w, id), 2);
	}
	kvm_world_bind(&w, &b, id, LOW);
	kvm_world_run(&w);
	assert_int_equal(kvm_world_refs(&w, id), 3);
	assert_int_equal(kvm_world_translate(&w, LOW), id.v);
	kvm_world_unbind(&w, &b);
	kvm_world_run(&w);
	assert_int_equal(kvm_world_refs(&w, id), 2);
	assert_int_equal(vsva_ioasid_free_sync(w.set, id), 0);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE);
	kvm_world_destroy(&w);
}

/* Given up while its device still has it: the guest may use its number for another at once. */
static void test_guest_pasid_taken_over_by_another_id(void **state)
{
	struct ioasid_binding a, b;
	struct kvm_world w;
	hpasid_t first, second;

	(void)state;
	begin(&w);
	first = kvm_world_alloc(&w);
	second = kvm_world_alloc(&w);
	kvm_world_bind(&w, &a, first, LOW);
	assert_int_equal(vsva_ioasid_detach_gpasid(w.set, first), -EBUSY); /* not while bound */
	assert_int_equal(vsva_ioasid_free(w.set, first), 0);
	kvm_world_bind(&w, &b, second, LOW);
	assert_int_equal(kvm_world_translate(&w, LOW), second.v);
	kvm_world_unbind(&w, &a);
	assert_int_equal(kvm_world_translate(&w, LOW), second.v);
	kvm_world_run(&w);
	assert_int_equal(kvm_world_state(&w, first), VSVA_IOASID_FREE);
	assert_int_equal(kvm_world_translate(&w, LOW), second.v);
	kvm_world_unbind(&w, &b);
	assert_int_equal(kvm_world_translate(&w, LOW), VSVA_PASID_INVALID);
	assert_int_equal(stats(&w).translations_now, 0);
	kvm_world_destroy(&w);
}

static void test_numbers_that_no_processor_can_have(void **state)
{
	struct ioasid_binding beyond, native;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &beyond, id, VSVA_PASID_MAX + 1);
	kvm_world_bind(&w, &native, kvm_world_alloc(&w), VSVA_PASID_INVALID);
	assert_int_equal(stats(&w).translations_now, 0);
	assert_int_equal(kvm_world_refs(&w, id), 2);
	assert_int_equal(vsva_kvm_resolve(w.kvm, w.set, gpasid(VSVA_PASID_MAX + 1)), -ENOENT);
	kvm_world_unbind(&w, &beyond);
	kvm_world_unbind(&w, &native);
	kvm_world_destroy(&w);
}

/* Both VMs call it 5; each reaches its own. */
static void test_same_guest_pasid_in_two_vms(void **state)
{
	static const unsigned char bytes[64];
	struct vsva_ioasid_set *other_set;
	struct ioasid_binding a, b;
	struct vsva_kvm *other;
	struct kvm_world w;
	hpasid_t mine, its;
	int token;

	(void)state;
	begin(&w);
	assert_int_equal(vsva_ioasid_set_alloc(w.space, &token, 8, &other_set), 0);
	assert_int_equal(kvm_world_kvm(&w, &token, &other), 0);
	mine = kvm_world_alloc(&w);
	assert_int_equal(vsva_ioasid_alloc(other_set, 1, VSVA_PASID_MAX, NULL, &its), 0);
	assert_int_not_equal(mine.v, its.v);
	kvm_world_bind(&w, &a, mine, 5);
	b = (struct ioasid_binding){.id = its, .guest = gpasid(5)};
	assert_int_equal(ioasid_bind(other_set, &b, 0), 0);
	assert_int_equal(kvm_world_translate(&w, 5), mine.v);
	assert_int_equal(vsva_kvm_enqcmd(other, VALID | 5, &w.portal, 0, bytes, NULL), 0);
	assert_int_equal(kvm_device_head(&w.device), its.v);
	assert_int_equal(vsva_kvm_resolve(other, w.set, gpasid(5)), -EACCES);
	kvm_world_unbind(&w, &a);
	assert_int_equal(kvm_world_translate(&w, 5), VSVA_PASID_INVALID);
	assert_int_equal(vsva_kvm_enqcmd(other, VALID | 5, &w.portal, 0, bytes, NULL), 0);
	ioasid_unbind(other_set, &b);
	assert_int_equal(vsva_ioasid_free_all_sync(other_set), 0);
	vsva_ioasid_set_free(other_set);
	vsva_kvm_put(other);
	kvm_world_destroy(&w);
}

/* More than a batch, in both directories, given up in one go. */
static void test_many_are_freed_in_batches(void **state)
{
	static struct ioasid_binding bindings[3 * VSVA_LIMIT_RECLAIM_BATCH + 7];
	struct kvm_world w;

	(void)state;
	begin(&w);
	for (uint32_t i = 0; i < ARRAY_LEN(bindings); i++)
		kvm_world_bind(&w, &bindings[i], kvm_world_alloc(&w), i * 1353);
	assert_int_equal(stats(&w).translations_now, ARRAY_LEN(bindings));
	for (uint32_t i = 0; i < ARRAY_LEN(bindings); i++)
		assert_int_equal(kvm_world_translate(&w, i * 1353), bindings[i].id.v);
	vsva_ioasid_free_all(w.set);
	for (uint32_t i = 0; i < ARRAY_LEN(bindings); i++)
		assert_int_equal(kvm_world_translate(&w, i * 1353), VSVA_PASID_INVALID);
	for (uint32_t i = 0; i < ARRAY_LEN(bindings); i++)
		kvm_world_unbind(&w, &bindings[i]);
	assert_int_equal(vsva_ioasid_free_all_sync(w.set), 0);
	assert_int_equal(vsva_ioasid_set_count(w.set), 0);
	kvm_world_destroy(&w);
}

/* Deaths */

static void test_kvm_dies_first(void **state)
{
	struct ioasid_binding bound, freed, unbound;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &bound, id, LOW);
	kvm_world_bind(&w, &freed, kvm_world_alloc(&w), HIGH);
	kvm_world_bind(&w, &unbound, kvm_world_alloc(&w), 1);
	assert_int_equal(vsva_ioasid_free(w.set, freed.id), 0);
	kvm_world_unbind(&w, &unbound);
	assert_int_equal(vsva_kvm_stop(w.kvm), 0);
	assert_int_equal(kvm_world_translate(&w, LOW), VSVA_PASID_INVALID);
	assert_int_equal(kvm_world_refs(&w, id), 2);
	assert_int_equal(kvm_world_refs(&w, unbound.id), 1);
	assert_int_equal(vsva_kvm_resolve(w.kvm, w.set, gpasid(LOW)), -ENODEV);
	assert_int_equal(vsva_kvm_stop(w.kvm), 0);
	assert_int_equal(stats(&w).translations_now, 0);
	/* The others go on as if it had never been. */
	kvm_world_unbind(&w, &bound);
	kvm_world_bind(&w, &bound, id, LOW);
	assert_int_equal(kvm_world_translate(&w, LOW), VSVA_PASID_INVALID);
	kvm_world_unbind(&w, &bound);
	kvm_world_unbind(&w, &freed);
	kvm_world_destroy(&w);
}

/* Its last reference is a vCPU's: no stop was needed. */
static void test_kvm_goes_with_its_last_vcpu(void **state)
{
	struct ioasid_binding b;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &b, id, LOW);
	vsva_kvm_put(w.kvm);
	w.kvm = NULL;
	assert_int_equal(kvm_world_translate(&w, LOW), id.v);
	vsva_vcpu_destroy(w.vcpu);
	w.vcpu = NULL;
	assert_int_equal(kvm_world_refs(&w, id), 2);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

static void test_kvm_outlives_the_owner(void **state)
{
	struct ioasid_binding b;
	struct kvm_world w;

	(void)state;
	begin(&w);
	kvm_world_bind(&w, &b, kvm_world_alloc(&w), LOW);
	vsva_ioasid_set_free(w.set);
	assert_int_equal(kvm_world_translate(&w, LOW), VSVA_PASID_INVALID);
	kvm_world_unbind(&w, &b);
	w.set = NULL;
	kvm_world_run(&w);
	assert_int_equal(vsva_ioasid_space_available(w.space), (1u << BITS) - 1);
	/* And serves the next one of the same name. */
	assert_int_equal(vsva_ioasid_set_alloc(w.space, &w.token, 8, &w.set), 0);
	kvm_world_bind(&w, &b, kvm_world_alloc(&w), LOW);
	assert_int_equal(kvm_world_translate(&w, LOW), b.id.v);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

/* Born late, and short of memory */

static void test_kvm_that_was_born_late_resolves(void **state)
{
	static const unsigned char bytes[64];
	struct ioasid_binding b;
	struct vsva_kvm *late;
	struct kvm_world w;
	hpasid_t id, idle;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	idle = kvm_world_alloc(&w);
	assert_int_equal(vsva_ioasid_attach_gpasid(w.set, idle, gpasid(HIGH)), 0);
	kvm_world_bind(&w, &b, id, LOW);
	assert_int_equal(kvm_world_kvm(&w, &w.token, &late), 0);
	assert_int_equal(vsva_kvm_enqcmd(late, VALID | LOW, &w.portal, 0, bytes, NULL), -ENOENT);
	assert_int_equal(vsva_kvm_resolve(late, w.set, gpasid(HIGH)), -ENOENT);
	assert_int_equal(kvm_world_refs(&w, idle), 1);
	assert_int_equal(vsva_kvm_resolve(late, w.set, gpasid(1)), -ENOENT);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(vsva_kvm_resolve(late, w.set, gpasid(LOW)), 0);
		assert_int_equal(kvm_world_refs(&w, id), 4);
	}
	assert_int_equal(vsva_kvm_enqcmd(late, VALID | LOW, &w.portal, 0, bytes, NULL), 0);
	assert_int_equal(kvm_device_head(&w.device), id.v);
	kvm_world_unbind(&w, &b);
	assert_int_equal(vsva_kvm_enqcmd(late, VALID | LOW, &w.portal, 0, bytes, NULL), -ENOENT);
	assert_int_equal(vsva_kvm_resolve(late, w.set, gpasid(LOW)), -ENOENT);
	vsva_kvm_put(late);
	kvm_world_destroy(&w);
}

/* The bind does not fail for it; the processor exits, and the exit's handler tries again. */
static void test_bind_without_memory_for_a_table(void **state)
{
	struct ioasid_binding b;
	struct kvm_world w;
	hpasid_t id;

	(void)state;
	begin(&w);
	id = kvm_world_alloc(&w);
	assert_int_equal(vsva_ioasid_attach_gpasid(w.set, id, gpasid(LOW)), 0);
	for (uint64_t nth = 1; nth <= 2; nth++) { /* record, table */
		fail_nth_set(nth, 0);
		kvm_world_bind(&w, &b, id, LOW);
		fail_nth_set(0, 0);
		assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_ACTIVE);
		assert_int_equal(stats(&w).missing, nth);
		assert_int_equal(kvm_world_refs(&w, id), 2);
		assert_int_equal(kvm_world_translate(&w, LOW), VSVA_PASID_INVALID);
		kvm_world_unbind(&w, &b);
	}
	fail_nth_set(1, 0);
	kvm_world_bind(&w, &b, id, LOW);
	fail_nth_set(0, 0);
	fail_nth_set(1, 0);
	assert_int_equal(vsva_kvm_resolve(w.kvm, w.set, gpasid(LOW)), -ENOMEM);
	fail_nth_set(0, 0);
	assert_int_equal(kvm_world_refs(&w, id), 2);
	assert_int_equal(vsva_kvm_resolve(w.kvm, w.set, gpasid(LOW)), 0);
	assert_int_equal(kvm_world_translate(&w, LOW), id.v);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

static void test_create_fails_at_every_step(void **state)
{
	struct vsva_kvm *kvm = NULL;
	struct kvm_world w;
	uint64_t nth = 0;
	size_t pages, bytes;
	int err, token;

	(void)state;
	begin(&w);
	assert_int_equal(kvm_world_kvm(&w, NULL, &kvm), -EINVAL);
	pages = physmem_pages_in_use(w.physmem);
	bytes = base_bytes_in_use();
	do {
		fail_nth_set(++nth, 0);
		err = kvm_world_kvm(&w, &token, &kvm);
		fail_nth_set(0, 0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_null(kvm);
		assert_int_equal(physmem_pages_in_use(w.physmem), pages);
		assert_int_equal(base_bytes_in_use(), bytes);
	} while (nth < 100);
	assert_int_equal(nth, 5); /* itself, two directories, notifier; then it works */
	vsva_kvm_put(kvm);
	fail_nth_set(1, 0);
	assert_int_equal(vsva_vcpu_create(w.kvm, &w.vcpu), -ENOMEM);
	fail_nth_set(0, 0);
	kvm_world_destroy(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrmsr_refuses_reserved_bits),
		cmocka_unit_test(test_enqcmd_replaces_pasid_and_privilege),
		cmocka_unit_test(test_enqcmds_translates_the_operands_pasid),
		cmocka_unit_test(test_general_protection),
		cmocka_unit_test(test_missing_translation_exits),
		cmocka_unit_test(test_retry_and_no_portal_are_passed_on),
		cmocka_unit_test(test_enqcmd_without_a_vcpu),
		cmocka_unit_test(test_translation_lives_from_first_bind_to_last_unbind),
		cmocka_unit_test(test_free_before_unbind),
		cmocka_unit_test(test_free_after_unbind),
		cmocka_unit_test(test_bound_again),
		cmocka_unit_test(test_guest_pasid_taken_over_by_another_id),
		cmocka_unit_test(test_numbers_that_no_processor_can_have),
		cmocka_unit_test(test_same_guest_pasid_in_two_vms),
		cmocka_unit_test(test_many_are_freed_in_batches),
		cmocka_unit_test(test_kvm_dies_first),
		cmocka_unit_test(test_kvm_goes_with_its_last_vcpu),
		cmocka_unit_test(test_kvm_outlives_the_owner),
		cmocka_unit_test(test_kvm_that_was_born_late_resolves),
		cmocka_unit_test(test_bind_without_memory_for_a_table),
		cmocka_unit_test(test_create_fails_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
