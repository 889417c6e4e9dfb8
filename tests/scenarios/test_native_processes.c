// SPDX-License-Identifier: MIT
/* Defects of native SVA: page tables that are used again, numbers that are used too soon, locks
 * that wait for each other. On a machine whose accelerator the host's processes use, under the
 * ledger. */
#include "host/native.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/seams.h"
#include "host/mm_table.h"
#include "host/sva.h"
#include "vsva/limits.h"
#include "vsva/log.h"

#define PAGE NATIVE_PAGE
#define RW   (VSVA_PROT_READ | VSVA_PROT_WRITE)

static const enum vsva_cache_policy policies[] = {VSVA_CACHE_LRU, VSVA_CACHE_NEVER,
						  VSVA_CACHE_RANDOM, VSVA_CACHE_ADVERSARIAL};

/* Where a page of an address space is. */
static hpa_t page_of(struct native *native, struct vsva_mm *mm, uva_t address)
{
	struct mm_table table = {.pm = machine_seams(native->machine)->physmem,
				 .root = mm_root(mm)};

	return mm_leaf_page(mm_table_find(&table, address.v));
}

/* CVE-2025-71202: a page-table page is freed, and becomes somebody's data, while the unit still has
 * a pointer to it in its paging-structure caches. Whoever owns the data writes his own entries. */

#define SPRAYED 64u
#define SECRET  UINT64_C(0x5ec2e75ec2e75ec2)

struct attack {
	struct native native;
	bool is_kernel;
	bool is_deaf; /* the unit is not told of the unmap */
	bool ats;
	struct vsva_mm *mm;
	struct vsva_sva *bond;
	uva_t first, loot; /* two pages that go, one that stays */
};

static bool is_done(void *arg)
{
	uint64_t status;

	assert_int_equal(vsva_device_read(arg, 0, 0x24, 4, &status), 0);
	return status != 1;
}

/* The engine copies eight bytes; true: it could. */
static bool engine_copies(struct attack *attack, uint64_t from)
{
	struct vsva_device *engine = attack->native.engine;
	const uint64_t registers[][3] = {
		{0x08, 8, from},
		{0x10, 8, attack->loot.v},
		{0x18, 4, 8},
		{0x1c, 4,
		 vsva_sva_pasid(attack->bond).v | 1u << 31 | (attack->is_kernel ? 1u << 30 : 0)},
		{0x20, 4, 1u | (attack->ats ? 1u << 8 : 0)},
	};
	uint64_t status;

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(vsva_device_write(engine, 0, registers[i][0],
						   (unsigned)registers[i][1], registers[i][2]),
				 0);
	assert_true(vsva_machine_wait(attack->native.machine, is_done, engine, 10000));
	assert_int_equal(vsva_device_read(engine, 0, 0x24, 4, &status), 0);
	return status == 2;
}

static void attack_begin(struct attack *attack, enum vsva_cache_policy policy)
{
	uint64_t region =
		attack->is_kernel ? UINT64_C(0xffffa00000000000) : UINT64_C(0x100000000000);

	native_create(&attack->native, policy, false);
	native_add_engine(&attack->native);
	assert_int_equal(vsva_mm_create(attack->native.iommu,
					attack->is_kernel ? VSVA_MM_KERNEL : 0, &attack->mm),
			 0);
	assert_int_equal(vsva_mm_map(attack->mm, uva(0), PAGE, RW, &attack->loot), 0);
	assert_int_equal(vsva_mm_map(attack->mm, uva(region), 2 * PAGE, RW, &attack->first), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			vsva_mm_fault_in(attack->mm, uva(attack->first.v + i * PAGE), true), 0);
	assert_int_equal(vsva_mm_fault_in(attack->mm, attack->loot, true), 0);
	assert_int_equal(vsva_sva_bind(vsva_device_dev(attack->native.engine), attack->mm,
				       attack->is_kernel ? VSVA_SVA_SUPERVISOR : 0, NULL, NULL,
				       &attack->bond),
			 0);
}

static void attack_end(struct attack *attack)
{
	assert_int_equal(vsva_sva_unbind(attack->bond), 0);
	vsva_mm_put(attack->mm);
	native_destroy(&attack->native);
}

static void unmap(struct attack *attack)
{
	struct sva_space *space = mm_binder(attack->mm);

	if (attack->is_deaf)
		mm_notifier_unregister(attack->mm, &space->notifier);
	assert_int_equal(vsva_mm_unmap(attack->mm, attack->first, 2 * PAGE), 0);
	if (attack->is_deaf)
		assert_int_equal(mm_notifier_register(attack->mm, &space->notifier), 0);
}

/* Data that are page-table entries, each for the victim's page. */
static void spray(struct vsva_mm *mm, uva_t at, hpa_t victim)
{
	uint64_t entries[VTD_PTE_COUNT];

	for (unsigned i = 0; i < VTD_PTE_COUNT; i++)
		entries[i] = victim.v | VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US |
			     VTD_FS_PTE_A | VTD_FS_PTE_D;
	for (unsigned i = 0; i < SPRAYED; i++)
		assert_int_equal(vsva_mm_write(mm, uva(at.v + i * PAGE), entries, PAGE), 0);
}

/* Does the secret stay one? */
static bool attack_is_survived(struct attack *attack, enum vsva_cache_policy policy)
{
	struct vsva_mm *victim, *data;
	uint64_t secret = SECRET, looted = 0;
	uva_t at, spray_at;

	attack_begin(attack, policy);
	victim = native_process(&attack->native);
	at = native_empty(victim, PAGE);
	assert_int_equal(vsva_mm_write(victim, at, &secret, sizeof(secret)), 0);
	/* with its own tables, which therefore do not take the place of those that go */
	data = native_process(&attack->native);
	spray_at = native_empty(data, SPRAYED * PAGE);
	assert_int_equal(vsva_mm_fault_in(data, spray_at, true), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(engine_copies(attack, attack->first.v));
	unmap(attack);
	spray(data, spray_at, page_of(&attack->native, victim, at));
	/* a page that never was there, so that nothing but the tables can lead to it */
	for (unsigned i = 0; i < 4; i++)
		engine_copies(attack, attack->first.v + 5 * PAGE);
	assert_int_equal(vsva_mm_read(attack->mm, attack->loot, &looted, sizeof(looted)), 0);
	vsva_mm_put(data);
	vsva_mm_put(victim);
	/* the ledger has seen each of the copies that worked */
	attack->native.expected_violations = (unsigned)native_violations(&attack->native);
	assert_true((looted == SECRET) == (attack->native.expected_violations > 0));
	attack_end(attack);
	return looted != SECRET;
}

static void test_cve_2025_71202_page_tables_are_not_used_again_too_soon(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		struct attack attack = {.is_kernel = i & 4, .ats = i & 8};

		assert_true(attack_is_survived(&attack, policies[i & 3]));
	}
}

static void test_cve_2025_71202_a_unit_that_is_not_told_is_seen(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct attack attack = {.is_kernel = i, .is_deaf = true};

		assert_false(attack_is_survived(&attack, VSVA_CACHE_ADVERSARIAL));
	}
}

/* 2667ed10d9f0: a process dies, the device still has its PASID, another process gets the number. */

struct reuse {
	enum vsva_sva_policy policy;
	bool unbinds_too_soon; /* before the driver has taken the number out of the device */
};

/* Is the memory of the next process untouched by what the dead one's queue does? */
static bool next_is_untouched(const struct reuse *reuse)
{
	struct native native;
	struct vsva_mm *dead, *next;
	struct vsva_sva *bond, *next_bond;
	struct native_copy copy = {.len = PAGE};
	bool is_untouched;

	native_create(&native, VSVA_CACHE_LRU, false);
	vsva_sva_set_policy(native.iommu, reuse->policy);
	dead = native_process(&native);
	bond = native_bind(&native, dead);
	native_enable_queue(&native, vsva_sva_pasid(bond));
	vsva_mm_exit(dead);
	if (reuse->unbinds_too_soon)
		assert_int_equal(vsva_sva_unbind(bond), 0);
	vsva_machine_run_idle(native.machine, 1000);
	next = native_process(&native);
	next_bond = native_bind(&native, next);
	copy.from = native_buffer(next, PAGE, 1);
	copy.to = native_buffer(next, PAGE, 2);
	copy.completion = native_buffer(next, PAGE, 3);
	/* the device works on what the dead process left in the queue */
	assert_int_equal(native_submit(&native, next, &copy), 0);
	vsva_machine_run_idle(native.machine, 100000);
	is_untouched = native_holds(next, copy.to, PAGE, 2);
	native_disable_queue(&native);
	if (!reuse->unbinds_too_soon)
		assert_int_equal(vsva_sva_unbind(bond), 0);
	vsva_mm_put(dead);
	assert_int_equal(vsva_sva_unbind(next_bond), 0);
	vsva_mm_put(next);
	vsva_machine_run_idle(native.machine, 1000);
	native_destroy(&native);
	return is_untouched;
}

static void test_2667ed10d9f0_pasid_of_a_dead_process_is_not_used_again(void **state)
{
	struct reuse right = {VSVA_SVA_FREE_EAGERLY, false};
	struct reuse late = {VSVA_SVA_FREE_LAZILY, true};
	struct reuse early = {VSVA_SVA_FREE_EAGERLY, true};

	(void)state;
	assert_true(next_is_untouched(&right));
	/* even then, as long as somebody holds the address space */
	assert_true(next_is_untouched(&late));
	/* negative control */
	assert_false(next_is_untouched(&early));
}

/* Locks taken in both orders: binds and unbinds against whatever the address space tells. */

#define TURNS 200u

struct inversion {
	struct native native;
	struct vsva_mm *mm;
	bool stop; /* atomic */
};

static void *change_memory(void *arg)
{
	struct inversion *inversion = arg;
	uva_t at;

	while (!__atomic_load_n(&inversion->stop, __ATOMIC_ACQUIRE)) {
		CHECK(vsva_mm_map(inversion->mm, uva(0), 4 * PAGE, RW, &at) == 0);
		CHECK(vsva_mm_fault_in(inversion->mm, at, true) == 0);
		CHECK(vsva_mm_protect(inversion->mm, at, PAGE, VSVA_PROT_READ) == 0);
		CHECK(vsva_mm_unmap(inversion->mm, at, 4 * PAGE) == 0);
	}
	return NULL;
}

static void test_lock_inversion_of_binds_and_notifiers(void **state)
{
	struct inversion inversion = {.stop = false};
	pthread_t thread;

	(void)state;
	native_create(&inversion.native, VSVA_CACHE_RANDOM, true);
	inversion.mm = native_process(&inversion.native);
	pthread_create(&thread, NULL, change_memory, &inversion);
	for (unsigned i = 0; i < TURNS; i++)
		assert_int_equal(vsva_sva_unbind(native_bind(&inversion.native, inversion.mm)), 0);
	__atomic_store_n(&inversion.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	vsva_mm_put(inversion.mm);
	vsva_machine_run_idle(inversion.native.machine, 1000);
	native_destroy(&inversion.native);
}

/* A notifier that does what none may: it takes the lock of binds below that of the address space.
 * */
static int bind_in_notifier(void *arg, uint64_t start, uint64_t end)
{
	struct inversion *inversion = arg;

	(void)start;
	(void)end;
	native_bind(&inversion->native, inversion->mm);
	return 0;
}

static int release_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static void invert(void *arg)
{
	static const struct mm_notifier_ops ops = {.invalidate_range = bind_in_notifier,
						   .release = release_nothing};
	struct inversion inversion = {.stop = false};
	struct mm_notifier notifier = {.ops = &ops, .arg = &inversion};
	uva_t at;

	(void)arg;
	native_create(&inversion.native, VSVA_CACHE_LRU, false);
	inversion.mm = native_process(&inversion.native);
	CHECK(mm_notifier_register(inversion.mm, &notifier) == 0);
	at = native_buffer(inversion.mm, PAGE, 1);
	vsva_mm_unmap(inversion.mm, at, PAGE);
}

static void test_lock_inversion_is_seen(void **state)
{
	(void)state;
#ifdef VSVA_DEBUG
	unit_expect_check(invert, NULL);
#else
	(void)invert;
	skip();
#endif
}

/* A release that waits for page requests, whose worker waits for the address space that exits. */

struct drainer {
	struct mm_notifier notifier;
	struct native *native;
	struct vsva_mm *mm;
	struct native_copy copy;
	bool waits;
	bool is_drained;
};

static bool has_request(void *arg)
{
	struct vsva_iommu_stats stats;

	vsva_iommu_get_stats(arg, &stats);
	return stats.requests_pending_now > 0;
}

static bool has_no_request(void *arg)
{
	return !has_request(arg);
}

/* First in the order of registration, so the entry is still there: the device asks now. */
static int ask_and_drain(void *arg)
{
	struct drainer *drainer = arg;
	struct vsva_machine *machine = drainer->native->machine;

	CHECK(native_submit(drainer->native, drainer->mm, &drainer->copy) == 0);
	CHECK(vsva_machine_wait(machine, has_request, drainer->native->iommu, 10000));
	if (drainer->waits)
		drainer->is_drained =
			vsva_machine_wait(machine, has_no_request, drainer->native->iommu, 100);
	return 0;
}

static int ignore_range(void *arg, uint64_t start, uint64_t end)
{
	(void)arg;
	(void)start;
	(void)end;
	return 0;
}

static void exit_while_asking(struct drainer *drainer)
{
	static const struct mm_notifier_ops ops = {.invalidate_range = ignore_range,
						   .release = ask_and_drain};
	struct native native;
	struct vsva_iommu_stats stats;
	struct vsva_sva *bond;

	native_create(&native, VSVA_CACHE_LRU, true);
	drainer->native = &native;
	drainer->mm = native_process(&native);
	drainer->notifier = (struct mm_notifier){.ops = &ops, .arg = drainer};
	assert_int_equal(mm_notifier_register(drainer->mm, &drainer->notifier), 0);
	bond = native_bind(&native, drainer->mm);
	drainer->copy = (struct native_copy){.from = native_buffer(drainer->mm, PAGE, 1),
					     .to = native_empty(drainer->mm, PAGE),
					     .completion = native_empty(drainer->mm, PAGE),
					     .len = PAGE,
					     .shared = true,
					     .pasid = vsva_sva_pasid(bond)};
	vsva_mm_exit(drainer->mm);
	assert_true(vsva_machine_wait(native.machine, has_no_request, native.iommu, 10000));
	native_abort(&native, vsva_sva_pasid(bond));
	assert_int_equal(vsva_sva_unbind(bond), 0);
	vsva_mm_put(drainer->mm);
	vsva_machine_run_idle(native.machine, 10000);
	/* each was answered, once */
	vsva_iommu_get_stats(native.iommu, &stats);
	assert_int_equal(stats.page_requests, stats.page_responses);
	native_destroy(&native);
}

static void test_page_request_drain_inside_mm_release(void **state)
{
	struct drainer right = {.waits = false}, wrong = {.waits = true};

	(void)state;
	exit_while_asking(&right);
	/* negative control: it would have waited for ever */
	exit_while_asking(&wrong);
	assert_false(wrong.is_drained);
}

/* The record's pointer to an address space lives as long as the record; a binding is found by who
 * owns it, not by its number alone. */

static void test_seed_patch_binding_keeps_its_address_space(void **state)
{
	struct native native;
	struct native_copy copy = {.len = PAGE, .shared = true};
	struct vsva_sva *bond;
	struct vsva_mm *mm;

	(void)state;
	native_create(&native, VSVA_CACHE_LRU, false);
	mm = native_process(&native);
	bond = native_bind(&native, mm);
	copy.pasid = vsva_sva_pasid(bond);
	copy.from = native_buffer(mm, PAGE, 1);
	copy.to = native_empty(mm, PAGE);
	/* its creator gives it up; page requests are still resolved in it */
	vsva_mm_put(mm);
	assert_int_equal(native_run(&native, mm, &copy), VSVA_DSA_SUCCESS);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	vsva_machine_run_idle(native.machine, 1000);
	native_destroy(&native);
}

static void put_too_often(void *arg)
{
	struct native native;
	struct vsva_mm *mm;

	(void)arg;
	native_create(&native, VSVA_CACHE_LRU, false);
	mm = native_process(&native);
	native_bind(&native, mm);
	vsva_mm_put(mm);
	vsva_mm_put(mm);
}

static void test_seed_patch_reference_that_is_put_twice_is_seen(void **state)
{
	(void)state;
	unit_expect_check(put_too_often, NULL);
}

/* What a VM may do to a process' PASID: nothing. */
static void test_seed_patch_binding_is_its_owners(void **state)
{
	struct native native;
	struct vsva_ioasid_set *set;
	struct vsva_domain *domain;
	struct vsva_sva *bond;
	struct vsva_mm *mm;
	struct vsva_gpasid_bind_data data = {.argsz = sizeof(data),
					     .version = VSVA_GPASID_BIND_VERSION_1,
					     .format = VSVA_PASID_FORMAT_INTEL_VTD,
					     .addr_width = 48,
					     .gpgd = PAGE};

	(void)state;
	native_create(&native, VSVA_CACHE_LRU, false);
	native_add_engine(&native);
	mm = native_process(&native);
	bond = native_bind(&native, mm);
	assert_int_equal(vsva_domain_detach(native.domain, vsva_device_dev(native.engine)), 0);
	assert_int_equal(
		vsva_ioasid_set_alloc(vsva_iommu_ioasid_space(native.iommu), &data, 8, &set), 0);
	assert_int_equal(vsva_domain_alloc(native.iommu, set, VSVA_DOMAIN_NESTING, 9, &domain), 0);
	assert_int_equal(vsva_domain_attach(domain, vsva_device_dev(native.engine)), 0);
	data.hpasid = vsva_sva_pasid(bond).v;
	assert_int_equal(vsva_bind_gpasid(domain, vsva_device_dev(native.engine), &data), -EACCES);
	assert_int_equal(
		vsva_unbind_gpasid(domain, vsva_device_dev(native.engine), vsva_sva_pasid(bond)),
		-EACCES);
	assert_int_equal(vsva_ioasid_free(set, vsva_sva_pasid(bond)), -EACCES);
	/* and by the domain that the process' device is attached to: it has no guests */
	assert_int_equal(vsva_unbind_gpasid(native.domain, native.dev, vsva_sva_pasid(bond)),
			 -EACCES);
	assert_int_equal(vsva_domain_detach(domain, vsva_device_dev(native.engine)), 0);
	assert_int_equal(vsva_domain_free(domain), 0);
	vsva_ioasid_set_free(set);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	vsva_mm_put(mm);
	vsva_machine_run_idle(native.machine, 1000);
	native_destroy(&native);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cve_2025_71202_page_tables_are_not_used_again_too_soon),
		cmocka_unit_test(test_cve_2025_71202_a_unit_that_is_not_told_is_seen),
		cmocka_unit_test(test_2667ed10d9f0_pasid_of_a_dead_process_is_not_used_again),
		cmocka_unit_test(test_lock_inversion_of_binds_and_notifiers),
		cmocka_unit_test(test_lock_inversion_is_seen),
		cmocka_unit_test(test_page_request_drain_inside_mm_release),
		cmocka_unit_test(test_seed_patch_binding_keeps_its_address_space),
		cmocka_unit_test(test_seed_patch_reference_that_is_put_twice_is_seen),
		cmocka_unit_test(test_seed_patch_binding_is_its_owners),
	};

	/* warnings of what is done here on purpose */
	vsva_log_set_level(VSVA_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
