// SPDX-License-Identifier: MIT
/*
 * Processors that submit while PASIDs go: what a number means while somebody is inside the
 * instruction with it. Each protection is switched off once, to see that its check would notice.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>

#include "base/random.h"
#include "kvm_world.h"
#include "bind_id.h"

#define VALID UINT32_C(0x80000000)

static bool is_set(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

static void spin(unsigned times)
{
	while (times--)
		sched_yield();
}

/* A processor that stays inside the instruction until it is let go. */
struct visit {
	struct kvm_world *w;
	struct vsva_vcpu *vcpu;
	pthread_t thread;
	sem_t entered, let_go;
	int result;
};

static int stay(void *arg, hpasid_t host)
{
	struct visit *visit = arg;

	(void)host;
	sem_post(&visit->entered);
	while (sem_wait(&visit->let_go))
		;
	return 0;
}

static void *visitor(void *arg)
{
	static const unsigned char bytes[64];
	struct visit *visit = arg;

	visit->result = vsva_vcpu_enqcmd(visit->vcpu, &visit->w->portal, 0, bytes, NULL);
	return NULL;
}

/* Returns when it is inside. */
static void enter(struct visit *visit, struct kvm_world *w, struct vsva_vcpu *vcpu, uint32_t guest)
{
	*visit = (struct visit){.w = w, .vcpu = vcpu};
	sem_init(&visit->entered, 0, 0);
	sem_init(&visit->let_go, 0, 0);
	w->device.hook = stay;
	w->device.hook_arg = visit;
	assert_int_equal(vsva_vcpu_set_ia32_pasid(vcpu, VALID | guest), 0);
	assert_int_equal(pthread_create(&visit->thread, NULL, visitor, visit), 0);
	while (sem_wait(&visit->entered))
		;
}

static void leave(struct visit *visit)
{
	sem_post(&visit->let_go);
	pthread_join(visit->thread, NULL);
	assert_int_equal(visit->result, 0);
	visit->w->device.hook = NULL;
	sem_destroy(&visit->entered);
	sem_destroy(&visit->let_go);
}

/* 2667ed10d9f0: the process is dead, its number is in a processor still, and must not become another
 * process's. */
static void test_number_is_not_reused_while_a_processor_has_it(void **state)
{
	struct ioasid_binding b;
	struct visit visit;
	struct kvm_world w;
	hpasid_t id, other;

	(void)state;
	kvm_world_create(&w, WORKERS_THREADS, 4);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &b, id, 5);
	enter(&visit, &w, w.vcpu, 5);
	assert_int_equal(vsva_ioasid_free(w.set, id), 0);
	kvm_world_unbind(&w, &b);
	spin(1000);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE_PENDING);
	while (vsva_ioasid_alloc(w.set, 1, 15, NULL, &other) == 0)
		assert_int_not_equal(other.v, id.v);
	leave(&visit);
	assert_int_equal(vsva_ioasid_free_sync(w.set, id), 0);
	assert_int_equal(kvm_world_translate(&w, 5), VSVA_PASID_INVALID);
	assert_int_equal(vsva_ioasid_alloc(w.set, id.v, id.v, NULL, &other), 0);
	kvm_world_destroy(&w);
}

/* The same without the subscription: a KVM that is not told. The number is another's already. */
static void test_control_number_is_reused_if_kvm_is_not_told(void **state)
{
	struct vsva_kvm *deaf;
	struct vsva_vcpu *vcpu;
	struct ioasid_binding b;
	struct visit visit;
	struct kvm_world w;
	hpasid_t id, other;
	int token;

	(void)state;
	kvm_world_create(&w, WORKERS_THREADS, 4);
	assert_int_equal(vsva_kvm_stop(w.kvm), 0);
	assert_int_equal(kvm_world_kvm(&w, &token, &deaf), 0);
	assert_int_equal(vsva_vcpu_create(deaf, &vcpu), 0);
	id = kvm_world_alloc(&w);
	kvm_world_bind(&w, &b, id, 5);
	assert_int_equal(kvm_tables_make(&deaf->tables, gpasid(5)), 0);
	kvm_tables_set(&deaf->tables, gpasid(5), id);
	enter(&visit, &w, vcpu, 5);
	assert_int_equal(vsva_ioasid_free(w.set, id), 0);
	kvm_world_unbind(&w, &b);
	assert_int_equal(kvm_world_state(&w, id), VSVA_IOASID_FREE);
	assert_int_equal(vsva_ioasid_alloc(w.set, 1, 15, NULL, &other), 0);
	assert_int_equal(other.v, id.v);
	leave(&visit);
	vsva_vcpu_destroy(vcpu);
	vsva_kvm_put(deaf);
	kvm_world_destroy(&w);
}

/* Unbound while a processor is inside, bound again and unbound: nobody waits for the processor until the
 * id is given up. */
static void test_unbound_id_is_not_reclaimed_until_the_processor_is_out(void **state)
{
	struct ioasid_binding b;
	struct visit visit;
	struct kvm_world w;

	(void)state;
	kvm_world_create(&w, WORKERS_THREADS, 8);
	kvm_world_bind(&w, &b, kvm_world_alloc(&w), 5);
	enter(&visit, &w, w.vcpu, 5);
	kvm_world_unbind(&w, &b);
	kvm_world_bind(&w, &b, b.id, 6);
	kvm_world_unbind(&w, &b);
	assert_int_equal(kvm_world_refs(&w, b.id), 2);
	assert_int_equal(vsva_ioasid_free(w.set, b.id), 0);
	spin(1000);
	assert_int_equal(kvm_world_state(&w, b.id), VSVA_IOASID_FREE_PENDING);
	leave(&visit);
	assert_int_equal(vsva_ioasid_free_sync(w.set, b.id), 0);
	assert_int_equal(kvm_world_state(&w, b.id), VSVA_IOASID_FREE);
	kvm_world_destroy(&w);
}

/* KVM is stopped while a processor is inside: it waits for it. */
struct stopper {
	struct kvm_world *w;
	bool has_begun, has_ended;
};

static void *stop_kvm(void *arg)
{
	struct stopper *stopper = arg;

	set(&stopper->has_begun);
	assert_int_equal(vsva_kvm_stop(stopper->w->kvm), 0);
	set(&stopper->has_ended);
	return NULL;
}

static void test_stop_waits_for_the_processor(void **state)
{
	struct stopper stopper = {0};
	struct ioasid_binding b;
	struct visit visit;
	struct kvm_world w;
	pthread_t thread;

	(void)state;
	kvm_world_create(&w, WORKERS_THREADS, 8);
	kvm_world_bind(&w, &b, kvm_world_alloc(&w), 5);
	enter(&visit, &w, w.vcpu, 5);
	stopper.w = &w;
	assert_int_equal(pthread_create(&thread, NULL, stop_kvm, &stopper), 0);
	while (!is_set(&stopper.has_begun))
		sched_yield();
	spin(1000);
	assert_false(is_set(&stopper.has_ended));
	assert_int_equal(kvm_world_refs(&w, b.id), 3);
	leave(&visit);
	pthread_join(thread, NULL);
	assert_int_equal(kvm_world_refs(&w, b.id), 2);
	kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
}

/*
 * Old and new. The processor's portal sees whether what it was given had been withdrawn, and the
 * withdrawal been waited for (or not), before the instruction was over.
 */
struct withdrawal {
	struct kvm_world *w;
	struct ioasid_binding *binding;
	bool with_msr; /* IA32_PASID is what goes, not the translation */
	bool without_kick;
	bool has_begun, is_over;
	unsigned used_after; /* atomic: submissions under what was over */
};

static void *withdrawer(void *arg)
{
	struct withdrawal *d = arg;

	if (d->with_msr)
		assert_int_equal(vsva_vcpu_set_ia32_pasid(d->w->vcpu, 0), 0);
	else
		kvm_world_unbind(d->w, d->binding);
	set(&d->has_begun);
	if (!d->without_kick)
		vsva_kvm_kick(d->w->kvm);
	set(&d->is_over);
	return NULL;
}

/* A slow device: gives the other every opportunity. */
static int be_slow(void *arg, hpasid_t host)
{
	struct withdrawal *d = arg;

	(void)host;
	while (!is_set(&d->has_begun))
		sched_yield();
	for (unsigned i = 0; i < 2000 && !is_set(&d->is_over); i++)
		sched_yield();
	if (is_set(&d->is_over))
		__atomic_fetch_add(&d->used_after, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Returns how often something was submitted under what was over. */
static unsigned withdraw_under_a_processor(bool with_msr, bool without_kick)
{
	struct ioasid_binding b;
	struct kvm_world w;
	struct withdrawal d = {
		.w = &w, .binding = &b, .with_msr = with_msr, .without_kick = without_kick};
	pthread_t thread;

	kvm_world_create(&w, WORKERS_THREADS, 8);
	kvm_world_bind(&w, &b, kvm_world_alloc(&w), 5);
	assert_int_equal(vsva_vcpu_set_ia32_pasid(w.vcpu, VALID | 5), 0);
	w.device.hook = be_slow;
	w.device.hook_arg = &d;
	assert_int_equal(pthread_create(&thread, NULL, withdrawer, &d), 0);
	for (int result = 0; !is_set(&d.is_over) && result == 0;)
		result = kvm_world_enqcmd(&w, NULL);
	pthread_join(thread, NULL);
	assert_int_equal(kvm_world_enqcmd(&w, NULL), with_msr ? -EPERM : -ENOENT);
	if (with_msr)
		kvm_world_unbind(&w, &b);
	kvm_world_destroy(&w);
	return d.used_after;
}

static void test_nothing_old_after_the_kick(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(withdraw_under_a_processor(false, false), 0);
}

/* 9bfecd0: IA32_PASID is taken away from a processor that runs. */
static void test_no_old_ia32_pasid_after_the_kick(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(withdraw_under_a_processor(true, false), 0);
}

/* Without the kick either is seen, if not every time. */
static void test_control_old_is_used_without_the_kick(void **state)
{
	unsigned translations = 0, registers = 0;

	(void)state;
	for (unsigned i = 0; i < 1000 && !(translations && registers); i++) {
		translations += withdraw_under_a_processor(false, true);
		registers += withdraw_under_a_processor(true, true);
	}
	assert_int_not_equal(translations, 0);
	assert_int_not_equal(registers, 0);
}

/*
 * Everything at once, in a space so small that numbers come round soon: two owners, processors of
 * the first, and it is never given a number that is the second's, or nobody's.
 */
#define CROWD_BITS   4u
#define CROWD_GUESTS 8u
#define CROWD_ROUNDS 400u
#define CROWD_CPUS   2u

struct crowd {
	struct kvm_world w;
	struct vsva_ioasid_set *others;
	int others_token;
	bool is_over, kvm_dies;
	unsigned seeds;                /* atomic: given out */
	unsigned submissions, foreign; /* atomic */
};

static void seed(struct crowd *crowd, struct rng *rng)
{
	rng_seed(rng, __atomic_add_fetch(&crowd->seeds, 1, __ATOMIC_RELAXED));
}

static int check_owner(void *arg, hpasid_t host)
{
	struct crowd *crowd = arg;
	void *owner = NULL;
	bool is_foreign = false;

	for (unsigned i = 0; i < 3; i++) {
		/* a number that is not free-pending says whose it is */
		if (!vsva_ioasid_find(crowd->w.space, NULL, host, &owner))
			is_foreign |= owner != &crowd->w;
		is_foreign |= kvm_world_state(&crowd->w, host) == VSVA_IOASID_FREE;
		sched_yield();
	}
	__atomic_fetch_add(&crowd->submissions, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&crowd->foreign, is_foreign, __ATOMIC_RELAXED);
	return 0;
}

static void *crowd_cpu(void *arg)
{
	static const unsigned char bytes[64];
	struct crowd *crowd = arg;
	struct vsva_vcpu *vcpu;
	struct rng rng;

	assert_int_equal(vsva_vcpu_create(crowd->w.kvm, &vcpu), 0);
	seed(crowd, &rng);
	while (!is_set(&crowd->is_over)) {
		uint32_t guest = (uint32_t)rng_below(&rng, CROWD_GUESTS);
		struct vsva_vmx_exit exit;
		int result;

		vsva_vcpu_set_ia32_pasid(vcpu, VALID | guest);
		result = vsva_vcpu_enqcmd(vcpu, &crowd->w.portal, 0, bytes, &exit);
		assert_true(result == 0 || (result == -ENOENT && exit.guest.v == guest));
		if (result)
			vsva_kvm_resolve(crowd->w.kvm, crowd->w.set, exit.guest);
	}
	vsva_vcpu_destroy(vcpu);
	return NULL;
}

/* The second owner: takes numbers and gives them back. */
static void *crowd_other(void *arg)
{
	struct crowd *crowd = arg;
	hpasid_t id;

	while (!is_set(&crowd->is_over))
		if (!vsva_ioasid_alloc(crowd->others, 1, VSVA_PASID_MAX, NULL, &id))
			vsva_ioasid_free(crowd->others, id);
	return NULL;
}

static void crowd_round(struct crowd *crowd, struct rng *rng)
{
	struct ioasid_binding b = {.guest = gpasid((uint32_t)rng_below(rng, CROWD_GUESTS))};
	hpasid_t id;

	if (vsva_ioasid_alloc(crowd->w.set, 1, VSVA_PASID_MAX, &crowd->w, &id)) {
		sched_yield();
		return;
	}
	b.id = id;
	if (ioasid_bind(crowd->w.set, &b, 0)) {
		vsva_ioasid_free(crowd->w.set, id);
		return;
	}
	spin((unsigned)rng_below(rng, 20));
	if (rng_below(rng, 2))
		vsva_ioasid_free(crowd->w.set, id);
	ioasid_unbind(crowd->w.set, &b);
	if (rng_below(rng, 2)) {
		b.guest = gpasid((uint32_t)rng_below(rng, CROWD_GUESTS));
		if (!ioasid_bind(crowd->w.set, &b, 0))
			ioasid_unbind(crowd->w.set, &b);
	}
	vsva_ioasid_free(crowd->w.set, id);
}

/* At least one submission, on however slow a machine. */
static bool is_enough(struct crowd *crowd, unsigned round)
{
	return round >= CROWD_ROUNDS &&
	       (crowd->kvm_dies || __atomic_load_n(&crowd->submissions, __ATOMIC_RELAXED));
}

static void *crowd_binder(void *arg)
{
	struct crowd *crowd = arg;
	struct rng rng;

	seed(crowd, &rng);
	for (unsigned i = 0; !is_enough(crowd, i); i++)
		crowd_round(crowd, &rng);
	return NULL;
}

static void crowd_run(struct crowd *crowd)
{
	pthread_t threads[CROWD_CPUS + 1], binders[2];

	for (unsigned i = 0; i < CROWD_CPUS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_cpu, crowd), 0);
	assert_int_equal(pthread_create(&threads[CROWD_CPUS], NULL, crowd_other, crowd), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&binders[i], NULL, crowd_binder, crowd), 0);
	if (crowd->kvm_dies) {
		spin(2000);
		assert_int_equal(vsva_kvm_stop(crowd->w.kvm), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(binders[i], NULL);
	set(&crowd->is_over);
	for (unsigned i = 0; i < CROWD_CPUS + 1; i++)
		pthread_join(threads[i], NULL);
}

static void crowd_test(bool kvm_dies)
{
	struct crowd crowd = {.kvm_dies = kvm_dies};
	struct vsva_kvm_stats stats;

	kvm_world_create(&crowd.w, WORKERS_THREADS, CROWD_BITS);
	assert_int_equal(
		vsva_ioasid_set_alloc(crowd.w.space, &crowd.others_token, 4, &crowd.others), 0);
	crowd.w.device.hook = check_owner;
	crowd.w.device.hook_arg = &crowd;
	crowd_run(&crowd);
	assert_int_equal(crowd.foreign, 0);
	assert_int_equal(vsva_ioasid_free_all_sync(crowd.w.set), 0);
	vsva_kvm_get_stats(crowd.w.kvm, &stats);
	assert_int_equal(stats.translations_now, 0);
	assert_int_equal(vsva_ioasid_free_all_sync(crowd.others), 0);
	vsva_ioasid_set_free(crowd.others);
	kvm_world_destroy(&crowd.w);
}

static void test_crowd(void **state)
{
	(void)state;
	crowd_test(false);
}

static void test_crowd_while_kvm_dies(void **state)
{
	(void)state;
	crowd_test(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_is_not_reused_while_a_processor_has_it),
		cmocka_unit_test(test_control_number_is_reused_if_kvm_is_not_told),
		cmocka_unit_test(test_unbound_id_is_not_reclaimed_until_the_processor_is_out),
		cmocka_unit_test(test_stop_waits_for_the_processor),
		cmocka_unit_test(test_nothing_old_after_the_kick),
		cmocka_unit_test(test_no_old_ia32_pasid_after_the_kick),
		cmocka_unit_test(test_control_old_is_used_without_the_kick),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_crowd_while_kvm_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
