// SPDX-License-Identifier: MIT
/*
 * Native SVA on the real unit, with an accelerator that the host's processes use: copies by their
 * own pointers, what an unmap takes away, and that either side may go first.
 */
#include "native.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "vsva/limits.h"
#include "vsva/log.h"

#define LEN (5 * NATIVE_PAGE)
#define RW  (VSVA_PROT_READ | VSVA_PROT_WRITE)

static const enum vsva_cache_policy policies[] = {VSVA_CACHE_LRU, VSVA_CACHE_NEVER,
						  VSVA_CACHE_RANDOM, VSVA_CACHE_ADVERSARIAL};

#define FOR_EACH_POLICY(policy)                                                                    \
	for (size_t i_ = 0; i_ < sizeof(policies) / sizeof(policies[0]); i_++)                     \
		for (enum vsva_cache_policy policy = policies[i_], once_ = 1; once_; once_ = 0)

#define REFUSED (VSVA_DSA_PAGE_REQUEST_INVALID | VSVA_DSA_STATUS_WRITE)

/* A process on the accelerator, with a buffer to copy from and one to copy to. */
struct user {
	struct native *native;
	struct vsva_mm *mm;
	struct vsva_sva *bond;
	hpasid_t pasid;
	uva_t from, to, completion;
};

static struct user user_begin(struct native *native)
{
	struct user user = {.native = native, .mm = native_process(native)};

	user.bond = native_bind(native, user.mm);
	user.pasid = vsva_sva_pasid(user.bond);
	user.from = native_buffer(user.mm, LEN, 7);
	user.completion = native_empty(user.mm, NATIVE_PAGE);
	user.to = native_empty(user.mm, LEN);
	return user;
}

static void user_end(struct user *user)
{
	assert_int_equal(vsva_sva_unbind(user->bond), 0);
	vsva_mm_put(user->mm);
}

/* On the shared queue, so that several processes may use it in turn. */
static int user_copies(struct user *user, uint64_t to, uint32_t len)
{
	struct native_copy copy = {.from = user->from,
				   .to = uva(to),
				   .len = len,
				   .completion = user->completion,
				   .shared = true,
				   .pasid = user->pasid};
	uint8_t none = 0;

	assert_int_equal(vsva_mm_write(user->mm, user->completion, &none, 1), 0);
	return native_run(user->native, user->mm, &copy);
}

static bool user_has_copied(struct user *user)
{
	return user_copies(user, user->to.v, LEN) == VSVA_DSA_SUCCESS &&
	       native_holds(user->mm, user->to, LEN, 7);
}

/* Copies */

static void test_sva_copies_by_native_pointers(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct native native;
		struct native_copy copy = {.len = LEN};
		struct vsva_iommu_stats stats;
		struct user user;

		native_create(&native, policy, false);
		user = user_begin(&native);
		assert_in_range(user.pasid.v, 1, VSVA_LIMIT_FIRST_VM_PASID - 1);
		assert_int_equal(vsva_sva_pasid_of(user.mm).v, user.pasid.v);
		native_enable_queue(&native, user.pasid);
		copy.from = user.from;
		copy.to = user.to;
		assert_int_equal(native_run(&native, user.mm, &copy), VSVA_DSA_SUCCESS);
		assert_true(native_holds(user.mm, user.to, LEN, 7));
		/* the destination and the record were asked for */
		vsva_iommu_get_stats(native.iommu, &stats);
		assert_int_equal(stats.page_requests, LEN / NATIVE_PAGE + 1);
		assert_int_equal(stats.page_responses, stats.page_requests);
		native_disable_queue(&native);
		assert_true(user_has_copied(&user));
		user_end(&user);
		native_destroy(&native);
	}
}

static void test_sva_processes_do_not_see_each_other(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct native native;
		struct user users[3];
		uint8_t byte = 0x5a;

		native_create(&native, policy, false);
		for (unsigned i = 0; i < 3; i++)
			users[i] = user_begin(&native);
		/* the same addresses */
		assert_int_equal(users[0].to.v, users[1].to.v);
		assert_int_equal(vsva_mm_write(users[1].mm, users[1].from, &byte, 1), 0);
		for (unsigned turn = 0; turn < 9; turn++)
			assert_int_equal(user_copies(&users[turn % 3], users[turn % 3].to.v, LEN),
					 VSVA_DSA_SUCCESS);
		assert_true(native_holds(users[0].mm, users[0].to, LEN, 7));
		assert_false(native_holds(users[1].mm, users[1].to, LEN, 7));
		assert_true(native_holds(users[2].mm, users[2].to, LEN, 7));
		for (unsigned i = 0; i < 3; i++)
			user_end(&users[i]);
		native_destroy(&native);
	}
}

static void test_sva_refuses_what_is_not_mapped(void **state)
{
	struct native native;
	struct user user;

	(void)state;
	native_create(&native, VSVA_CACHE_ADVERSARIAL, false);
	user = user_begin(&native);
	assert_int_equal(user_copies(&user, user.to.v + LEN, 8) & 0x7f,
			 VSVA_DSA_PAGE_REQUEST_INVALID);
	assert_int_equal(vsva_mm_protect(user.mm, user.to, LEN, VSVA_PROT_READ), 0);
	assert_int_equal(user_copies(&user, user.to.v, LEN), REFUSED);
	assert_int_equal(vsva_mm_protect(user.mm, user.to, LEN, RW), 0);
	assert_true(user_has_copied(&user));
	user_end(&user);
	native_destroy(&native);
}

/* Taking away */

static void test_sva_unmap_and_protect_reach_the_device(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct native native;
		struct user user;
		uva_t again;

		native_create(&native, policy, false);
		user = user_begin(&native);
		assert_true(user_has_copied(&user));
		assert_int_equal(
			vsva_mm_unmap(user.mm, uva(user.to.v + 2 * NATIVE_PAGE), NATIVE_PAGE), 0);
		assert_int_equal(user_copies(&user, user.to.v, LEN), REFUSED);
		assert_int_equal(user_copies(&user, user.to.v, 2 * NATIVE_PAGE), VSVA_DSA_SUCCESS);
		assert_int_equal(vsva_mm_protect(user.mm, user.to, NATIVE_PAGE, VSVA_PROT_READ), 0);
		assert_int_equal(user_copies(&user, user.to.v, 8), REFUSED);
		/* mapped again it is other memory */
		assert_int_equal(vsva_mm_unmap(user.mm, user.to, LEN), 0);
		assert_int_equal(vsva_mm_map(user.mm, user.to, LEN, RW, &again), 0);
		assert_true(user_has_copied(&user));
		user_end(&user);
		native_destroy(&native);
	}
}

/* Ranges of every alignment. The ledger sees whatever the device could still reach. */
static void test_sva_unmap_of_every_range(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct native native;
		struct user user;
		uva_t area;

		native_create(&native, policy, false);
		user = user_begin(&native);
		area = native_empty(user.mm, 16 * NATIVE_PAGE);
		for (uint64_t first = 0; first < 8; first++)
			for (uint64_t count = 1; count <= 8; count += 1 + first % 2) {
				uva_t at = uva(area.v + first * NATIVE_PAGE);
				uint64_t len = count * NATIVE_PAGE;

				for (uint64_t page = 0; page < 16; page += 5)
					assert_int_equal(user_copies(&user,
								     area.v + page * NATIVE_PAGE,
								     NATIVE_PAGE),
							 VSVA_DSA_SUCCESS);
				assert_int_equal(user_copies(&user, at.v, NATIVE_PAGE),
						 VSVA_DSA_SUCCESS);
				assert_int_equal(vsva_mm_unmap(user.mm, at, len), 0);
				assert_int_equal(user_copies(&user, at.v, NATIVE_PAGE), REFUSED);
				assert_int_equal(vsva_mm_map(user.mm, at, len, RW, NULL), 0);
			}
		user_end(&user);
		native_destroy(&native);
	}
}

/* Users and devices */

static void engine_put(struct vsva_device *engine, uint64_t offset, unsigned size, uint64_t value)
{
	assert_int_equal(vsva_device_write(engine, 0, offset, size, value), 0);
}

static bool engine_is_done(void *arg)
{
	uint64_t status = 0;

	assert_int_equal(vsva_device_read(arg, 0, 0x24, 4, &status), 0);
	return status != 1;
}

#define ENGINE_FILL  (2u | 1u << 8 | 1u << 9) /* with ATS and page requests */
#define ENGINE_DONE  2u
#define ENGINE_FAULT 3u

static uint64_t engine_fill(struct native *native, uint32_t pasid, uint64_t to, uint32_t command)
{
	struct vsva_device *engine = native->engine;
	uint64_t status = 0;

	engine_put(engine, 0x10, 8, to);
	engine_put(engine, 0x18, 4, 64);
	engine_put(engine, 0x1c, 4, pasid | 1u << 31);
	engine_put(engine, 0x30, 8, 0x1122334455667788);
	engine_put(engine, 0x20, 4, command);
	assert_true(vsva_machine_wait(native->machine, engine_is_done, engine, 10000));
	assert_int_equal(vsva_device_read(engine, 0, 0x24, 4, &status), 0);
	return status;
}

static void test_sva_one_pasid_on_all_devices(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct native native;
		struct vsva_sva *bond;
		struct user user;

		native_create(&native, policy, false);
		native_add_engine(&native);
		user = user_begin(&native);
		assert_int_equal(vsva_sva_bind(vsva_device_dev(native.engine), user.mm, 0, NULL,
					       NULL, &bond),
				 0);
		assert_int_equal(vsva_sva_pasid(bond).v, user.pasid.v);
		assert_int_equal(engine_fill(&native, user.pasid.v, user.to.v, ENGINE_FILL),
				 ENGINE_DONE);
		assert_true(user_has_copied(&user));
		/* an unmap reaches both */
		assert_int_equal(vsva_mm_unmap(user.mm, user.to, NATIVE_PAGE), 0);
		assert_int_equal(engine_fill(&native, user.pasid.v, user.to.v, ENGINE_FILL),
				 ENGINE_FAULT);
		assert_int_equal(user_copies(&user, user.to.v, 8), REFUSED);
		/* one goes, the other stays */
		assert_int_equal(vsva_mm_map(user.mm, user.to, NATIVE_PAGE, RW, NULL), 0);
		assert_int_equal(vsva_sva_unbind(bond), 0);
		assert_int_equal(engine_fill(&native, user.pasid.v, user.to.v, ENGINE_FILL),
				 ENGINE_FAULT);
		assert_true(user_has_copied(&user));
		user_end(&user);
		native_destroy(&native);
	}
}

#define ENGINE_PRIVILEGED (1u << 30)

/* Kernel memory is reached by privileged requests only, and what it may not write is not written.
 * */
static void test_sva_supervisor_mode(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct native native;
		struct vsva_mm *kernel;
		struct vsva_sva *bond;
		uint32_t pasid;
		uint64_t word = 0;
		uva_t at;

		native_create(&native, policy, false);
		native_add_engine(&native);
		assert_int_equal(vsva_mm_create(native.iommu, VSVA_MM_KERNEL, &kernel), 0);
		assert_int_equal(vsva_mm_map(kernel, uva(0), 2 * NATIVE_PAGE, RW, &at), 0);
		assert_int_equal(vsva_mm_protect(kernel, uva(at.v + NATIVE_PAGE), NATIVE_PAGE,
						 VSVA_PROT_READ),
				 0);
		assert_int_equal(vsva_sva_bind(vsva_device_dev(native.engine), kernel,
					       VSVA_SVA_SUPERVISOR, NULL, NULL, &bond),
				 0);
		pasid = vsva_sva_pasid(bond).v;
		assert_int_equal(engine_fill(&native, pasid | ENGINE_PRIVILEGED, at.v, ENGINE_FILL),
				 ENGINE_DONE);
		assert_int_equal(vsva_mm_read(kernel, at, &word, 8), 0);
		assert_true(word == 0x1122334455667788);
		assert_int_equal(engine_fill(&native, pasid, at.v, ENGINE_FILL), ENGINE_FAULT);
		assert_int_equal(engine_fill(&native, pasid | ENGINE_PRIVILEGED, at.v + NATIVE_PAGE,
					     ENGINE_FILL),
				 ENGINE_FAULT);
		assert_int_equal(vsva_mm_unmap(kernel, at, NATIVE_PAGE), 0);
		assert_int_equal(engine_fill(&native, pasid | ENGINE_PRIVILEGED, at.v, ENGINE_FILL),
				 ENGINE_FAULT);
		assert_int_equal(vsva_sva_unbind(bond), 0);
		vsva_mm_put(kernel);
		native_destroy(&native);
	}
}

/* Exit first */

static unsigned exits;

static void on_exit_(void *drvdata, struct vsva_sva *handle)
{
	(void)handle;
	assert_ptr_equal(drvdata, &exits);
	exits++;
}

static int count_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)dev;
	(void)fault;
	__atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
	return -ENOENT;
}

static void test_sva_process_exits_before_the_device_is_closed(void **state)
{
	static const struct vsva_sva_ops ops = {.mm_exit = on_exit_};

	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct native native;
		unsigned faults = 0;
		struct user user, other;
		struct native_copy copy = {.len = LEN, .shared = true};

		exits = 0;
		native_create(&native, policy, false);
		assert_int_equal(
			vsva_dev_register_fault_handler(native.dev, count_fault, NULL, &faults), 0);
		user = user_begin(&native);
		assert_int_equal(vsva_sva_unbind(user.bond), 0);
		assert_int_equal(vsva_sva_bind(native.dev, user.mm, 0, &ops, &exits, &user.bond),
				 0);
		user.pasid = vsva_sva_pasid(user.bond);
		other = user_begin(&native);
		assert_true(user_has_copied(&user));
		copy.pasid = user.pasid;
		copy.from = user.from;
		copy.to = user.to;
		copy.completion = native_empty(user.mm, NATIVE_PAGE);
		/* work that is queued when the process goes, and work that comes after */
		assert_int_equal(native_submit(&native, user.mm, &copy), 0);
		vsva_mm_exit(user.mm);
		assert_int_equal(exits, 1);
		assert_int_equal(native_submit(&native, user.mm, &copy), 0);
		vsva_machine_run_idle(native.machine, 100000);
		assert_int_equal(faults, 0);
		/* another process is not disturbed, and does not get the number */
		assert_true(user_has_copied(&other));
		assert_int_not_equal(other.pasid.v, user.pasid.v);
		native_abort(&native, user.pasid);
		user_end(&user);
		user_end(&other);
		assert_int_equal(exits, 1);
		native_destroy(&native);
	}
}

/* Page requests of a process that exits: pending in the unit's queue, and at the host. */
static void test_sva_exit_with_page_requests_pending(void **state)
{
	(void)state;
	for (unsigned steps = 0; steps < 12; steps++) {
		struct native native;
		struct native_copy copy = {.len = LEN, .shared = true};
		struct vsva_iommu_stats stats;
		struct user user;

		native_create(&native, VSVA_CACHE_ADVERSARIAL, false);
		user = user_begin(&native);
		copy.pasid = user.pasid;
		copy.from = user.from;
		copy.to = user.to;
		assert_int_equal(native_submit(&native, user.mm, &copy), 0);
		for (unsigned i = 0; i < steps; i++)
			vsva_machine_step(native.machine);
		vsva_mm_exit(user.mm);
		vsva_machine_run_idle(native.machine, 100000);
		vsva_iommu_get_stats(native.iommu, &stats);
		assert_int_equal(stats.requests_pending_now, 0);
		assert_int_equal(stats.page_requests, stats.page_responses);
		user_end(&user);
		native_destroy(&native);
	}
}

/* Device first */

static void test_sva_device_is_closed_before_the_process_exits(void **state)
{
	(void)state;
	FOR_EACH_POLICY(policy)
	{
		struct native native;
		struct user user, other;
		struct vsva_sva *bond;

		native_create(&native, policy, false);
		native_add_engine(&native);
		user = user_begin(&native);
		other = user_begin(&native);
		assert_int_equal(vsva_sva_bind(vsva_device_dev(native.engine), user.mm, 0, NULL,
					       NULL, &bond),
				 0);
		assert_true(user_has_copied(&user));
		assert_int_equal(vsva_domain_detach(native.domain, native.dev), 0);
		/* the other device goes on, and an unmap still reaches it */
		assert_int_equal(engine_fill(&native, user.pasid.v, user.to.v, ENGINE_FILL),
				 ENGINE_DONE);
		assert_int_equal(vsva_mm_unmap(user.mm, user.to, LEN), 0);
		assert_int_equal(engine_fill(&native, user.pasid.v, user.to.v, ENGINE_FILL),
				 ENGINE_FAULT);
		/* the handles live on, the numbers with them */
		assert_int_equal(vsva_sva_pasid(user.bond).v, user.pasid.v);
		vsva_mm_exit(other.mm);
		assert_int_equal(vsva_domain_attach(native.domain, native.dev), 0);
		user_end(&other);
		/* bound anew, it is another handle */
		assert_int_equal(vsva_sva_bind(native.dev, user.mm, 0, NULL, NULL, &other.bond), 0);
		assert_ptr_not_equal(other.bond, user.bond);
		assert_int_equal(vsva_sva_pasid(other.bond).v, user.pasid.v);
		assert_int_equal(vsva_sva_unbind(user.bond), 0);
		user.bond = other.bond;
		assert_int_equal(vsva_sva_unbind(bond), 0);
		user_end(&user);
		native_destroy(&native);
	}
}

static void test_sva_device_is_removed_before_the_process_exits(void **state)
{
	struct native native;
	struct vsva_sva *bond;
	struct user user;

	(void)state;
	native_create(&native, VSVA_CACHE_ADVERSARIAL, false);
	native_add_engine(&native);
	user = user_begin(&native);
	assert_int_equal(
		vsva_sva_bind(vsva_device_dev(native.engine), user.mm, 0, NULL, NULL, &bond), 0);
	assert_int_equal(engine_fill(&native, user.pasid.v, user.to.v, ENGINE_FILL), ENGINE_DONE);
	vsva_device_set_gone(native.engine, true);
	assert_int_equal(vsva_mm_unmap(user.mm, user.to, NATIVE_PAGE), 0);
	assert_int_equal(vsva_device_destroy(native.engine), 0);
	native.engine = NULL;
	vsva_mm_exit(user.mm);
	assert_int_equal(vsva_sva_unbind(bond), 0);
	user_end(&user);
	native_destroy(&native);
}

/* Lazy and eager */

static uint32_t number_after(enum vsva_sva_policy policy, uint32_t *held)
{
	struct native native;
	struct user user, other;
	uint32_t number;

	native_create(&native, VSVA_CACHE_LRU, false);
	vsva_sva_set_policy(native.iommu, policy);
	user = user_begin(&native);
	*held = user.pasid.v;
	vsva_mm_get(user.mm); /* a thread that has the number in IA32_PASID */
	user_end(&user);
	vsva_machine_run_idle(native.machine, 1000);
	other = user_begin(&native);
	number = other.pasid.v;
	user_end(&other);
	/* bound again, it has its old number if it could keep it */
	if (policy == VSVA_SVA_FREE_LAZILY)
		assert_int_equal(vsva_sva_pasid_of(user.mm).v, *held);
	else
		assert_int_equal(vsva_sva_pasid_of(user.mm).v, VSVA_PASID_INVALID);
	vsva_mm_put(user.mm);
	vsva_machine_run_idle(native.machine, 1000);
	other = user_begin(&native);
	assert_int_equal(other.pasid.v, *held);
	user_end(&other);
	vsva_machine_run_idle(native.machine, 1000);
	native_destroy(&native);
	return number;
}

static void test_sva_number_is_used_again_when_the_last_user_is_out(void **state)
{
	uint32_t held, next;

	(void)state;
	next = number_after(VSVA_SVA_FREE_LAZILY, &held);
	assert_int_not_equal(next, held);
	next = number_after(VSVA_SVA_FREE_EAGERLY, &held);
	assert_int_equal(next, held);
}

/* Threads */

#define THREADS 4u
#define TURNS   40u

struct stress {
	struct native native;
	unsigned done; /* atomic: copies that worked */
	bool stop;     /* atomic */
};

static void stress_turn(struct stress *stress, unsigned turn)
{
	struct native *native = &stress->native;
	struct user user = user_begin(native);
	struct native_copy copy = {
		.len = LEN, .shared = true, .from = user.from, .to = user.to, .pasid = user.pasid};
	struct vsva_sva *second = NULL;

	if (turn % 3 == 0 &&
	    vsva_sva_bind(vsva_device_dev(stress->native.engine), user.mm, 0, NULL, NULL, &second))
		second = NULL; /* just detached */
	copy.completion = native_empty(user.mm, NATIVE_PAGE);
	while (native_submit(native, user.mm, &copy) == 1)
		sched_yield();
	if (turn % 4 == 1)
		vsva_mm_exit(user.mm);
	else if (turn % 4 == 2)
		assert_int_equal(vsva_mm_unmap(user.mm, user.to, 2 * NATIVE_PAGE), 0);
	else if (native_wait(native, user.mm, &copy) == VSVA_DSA_SUCCESS)
		__atomic_fetch_add(&stress->done, 1, __ATOMIC_RELAXED);
	assert_int_equal(vsva_sva_unbind(second), 0);
	user_end(&user);
}

static void *stress_run(void *arg)
{
	struct stress *stress = arg;

	for (unsigned turn = 0; turn < TURNS; turn++)
		stress_turn(stress, turn);
	return NULL;
}

static void detach_and_attach(struct stress *stress)
{
	struct vsva_dev *dev = vsva_device_dev(stress->native.engine);

	assert_int_equal(vsva_domain_detach(stress->native.domain, dev), 0);
	assert_int_equal(vsva_domain_attach(stress->native.domain, dev), 0);
}

/* The second device comes and goes under them, and works while it is there. */
static void *stress_device(void *arg)
{
	struct stress *stress = arg;
	struct vsva_dev *dev = vsva_device_dev(stress->native.engine);
	struct vsva_mm *mm = native_process(&stress->native);
	uva_t at = native_buffer(mm, NATIVE_PAGE, 1);

	while (!__atomic_load_n(&stress->stop, __ATOMIC_ACQUIRE)) {
		struct vsva_sva *bond;

		assert_int_equal(vsva_sva_bind(dev, mm, 0, NULL, NULL, &bond), 0);
		engine_fill(&stress->native, vsva_sva_pasid(bond).v, at.v, ENGINE_FILL);
		detach_and_attach(stress);
		assert_int_equal(vsva_sva_unbind(bond), 0);
	}
	vsva_mm_put(mm);
	return NULL;
}

static void test_sva_stress(void **state)
{
	struct stress stress = {.done = 0};
	pthread_t threads[THREADS], device;

	(void)state;
	native_create(&stress.native, VSVA_CACHE_RANDOM, true);
	native_add_engine(&stress.native);
	pthread_create(&device, NULL, stress_device, &stress);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, stress_run, &stress);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&stress.stop, true, __ATOMIC_RELEASE);
	pthread_join(device, NULL);
	assert_in_range(stress.done, 1, THREADS * TURNS);
	vsva_machine_run_idle(stress.native.machine, 10000);
	native_destroy(&stress.native);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(test_sva_copies_by_native_pointers),
		cmocka_unit_test(test_sva_processes_do_not_see_each_other),
		cmocka_unit_test(test_sva_refuses_what_is_not_mapped),
		cmocka_unit_test(test_sva_unmap_and_protect_reach_the_device),
		cmocka_unit_test(test_sva_unmap_of_every_range),
		cmocka_unit_test(test_sva_one_pasid_on_all_devices),
		cmocka_unit_test(test_sva_supervisor_mode),
		cmocka_unit_test(test_sva_process_exits_before_the_device_is_closed),
		cmocka_unit_test(test_sva_exit_with_page_requests_pending),
		cmocka_unit_test(test_sva_device_is_closed_before_the_process_exits),
		cmocka_unit_test(test_sva_device_is_removed_before_the_process_exits),
		cmocka_unit_test(test_sva_number_is_used_again_when_the_last_user_is_out),
		cmocka_unit_test(test_sva_stress),
	};

	/* warnings of what is done here on purpose */
	vsva_log_set_level(VSVA_LOG_ERROR);
	return cmocka_run_group_tests(cases, NULL, NULL);
}
