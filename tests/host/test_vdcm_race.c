// SPDX-License-Identifier: MIT
/*
 * Owners of one accelerator in threads of their own: two work, one hangs and is reset, one frees its
 * PASIDs under its queue, and parts come and go. Each gets on with it.
 */
#include "mdev_world.h"

#include <errno.h>
#include <pthread.h>

#define ROUNDS  200u
#define RECORD  MW_VA
#define WAIT_MS 20000u

static struct mw w;

struct actor {
	struct mw_owner owner;
	struct mw_mdev m;
	hpasid_t host;
	uint64_t record; /* GPA of the record's page */
	unsigned done;   /* rounds */
	unsigned wrong;  /* atomic; cmocka's assertions are for the main thread */
};

#define EXPECT(actor, condition)                                                                   \
	do {                                                                                       \
		if (!(condition))                                                                  \
			note(actor, #condition, __LINE__);                                         \
	} while (0)

static void note(struct actor *actor, const char *what, int line)
{
	__atomic_fetch_add(&actor->wrong, 1, __ATOMIC_RELAXED);
	fprintf(stderr, "line %d: %s\n", line, what);
}

/* Registers, without cmocka */

static uint64_t get(struct actor *actor, uint64_t offset)
{
	uint64_t value = 0;

	EXPECT(actor, vsva_mdev_read(actor->m.mdev, 0, offset, 4, &value) == 0);
	return value;
}

static bool is_over(void *arg)
{
	return !dsa_CMDSTS_ACTIVE(get(arg, DSA_REG_CMDSTS));
}

static void give(struct actor *actor, unsigned code, uint32_t operand)
{
	uint64_t value = dsa_CMD_with_CODE(dsa_CMD_with_INTERRUPT(0, 1), code);

	EXPECT(actor, vsva_mdev_write(actor->m.mdev, 0, DSA_REG_CMD, 4,
				      dsa_CMD_with_OPERAND(value, operand)) == 0);
}

static unsigned command(struct actor *actor, unsigned code, uint32_t operand)
{
	give(actor, code, operand);
	EXPECT(actor, vsva_machine_wait(w.machine, is_over, actor, WAIT_MS));
	return (unsigned)dsa_CMDSTS_ERROR(get(actor, DSA_REG_CMDSTS));
}

static void start(struct actor *actor)
{
	mw_configure(&actor->m, 5);
	EXPECT(actor, command(actor, DSA_COMMAND_ENABLE_DEVICE, 0) == 0);
	EXPECT(actor, command(actor, DSA_COMMAND_ENABLE_WQ, 0) == 0);
}

static int submit(struct actor *actor, uint64_t record)
{
	struct dsa_descriptor noop = mw_noop(record);
	bool is_shared = vsva_mdev_get_type(actor->m.mdev) == VSVA_MDEV_SHARED;

	dsa_descriptor_set_PASID(&noop, is_shared ? actor->host.v : 0);
	return vsva_mdev_portal_write(actor->m.mdev, 0x1000, &noop, is_shared);
}

static bool has_record(void *arg)
{
	struct actor *actor = arg;

	return __atomic_load_n(&actor->owner.memory[actor->record], __ATOMIC_ACQUIRE);
}

/* Actors */

static void *work(void *arg)
{
	struct actor *actor = arg;

	for (; actor->done < ROUNDS; actor->done++) {
		start(actor);
		for (unsigned i = 0; i < 4; i++) {
			__atomic_store_n(&actor->owner.memory[actor->record], 0, __ATOMIC_RELEASE);
			EXPECT(actor, submit(actor, RECORD) == 0);
			EXPECT(actor, vsva_machine_wait(w.machine, has_record, actor, WAIT_MS));
		}
		EXPECT(actor, command(actor, DSA_COMMAND_DRAIN_PASID, 5) == 0);
		EXPECT(actor, command(actor, DSA_COMMAND_DISABLE_WQ, 1) == 0);
		EXPECT(actor, command(actor, DSA_COMMAND_RESET_DEVICE, 0) == 0);
	}
	return NULL;
}

/* Nobody answers its page requests. */
static void *hang(void *arg)
{
	struct actor *actor = arg;

	for (; actor->done < ROUNDS; actor->done++) {
		start(actor);
		submit(actor, RECORD + 0x10000);
		give(actor, DSA_COMMAND_DRAIN_WQ, 1);
		usleep(1000);
		if (actor->done % 3 == 0)
			EXPECT(actor, command(actor, DSA_COMMAND_ABORT_WQ, 1) == 0);
		else if (actor->done % 3 == 1)
			give(actor, DSA_COMMAND_DISABLE_DEVICE, 0);
		EXPECT(actor, command(actor, DSA_COMMAND_RESET_DEVICE, 0) == 0);
	}
	return NULL;
}

static void *free_under_the_queue(void *arg)
{
	struct actor *actor = arg;
	struct vsva_ioasid_set *set = actor->owner.set;

	for (; actor->done < ROUNDS; actor->done++) {
		start(actor);
		submit(actor, RECORD + (actor->done % 2 ? 0x10000 : 0));
		EXPECT(actor, vsva_ioasid_free_sync(set, actor->host) == 0);
		EXPECT(actor, command(actor, DSA_COMMAND_RESET_DEVICE, 0) == 0);
		EXPECT(actor,
		       vsva_ioasid_alloc(set, 0x1000, VSVA_PASID_MAX, NULL, &actor->host) == 0);
		EXPECT(actor, vsva_ioasid_attach_gpasid(set, actor->host, gpasid(5)) == 0);
		EXPECT(actor, mw_bind(&actor->m, actor->host, 5) == 0);
	}
	return NULL;
}

static void *come_and_go(void *arg)
{
	struct actor *actor = arg;
	struct vsva_mdev_owner owner = {.set = actor->owner.set};
	struct vsva_mdev *mdev;

	for (; actor->done < ROUNDS; actor->done++) {
		EXPECT(actor, vsva_mdev_create(w.vdcm, VSVA_MDEV_SHARED, &mdev) == 0);
		EXPECT(actor, vsva_mdev_open(mdev, &owner) == 0);
		EXPECT(actor, vsva_domain_attach(actor->owner.domain, vsva_mdev_dev(mdev)) == 0);
		vsva_mdev_reset(mdev);
		EXPECT(actor, vsva_domain_detach(actor->owner.domain, vsva_mdev_dev(mdev)) == 0);
		vsva_mdev_close(mdev);
		EXPECT(actor, vsva_mdev_destroy(mdev) == 0);
	}
	return NULL;
}

static void actor_create(struct actor *actor, enum vsva_mdev_type type)
{
	mw_owner_create(&w, &actor->owner);
	mw_give(&actor->owner, type, &actor->m);
	actor->host = mw_pasid(&actor->owner, 5);
	assert_int_equal(mw_bind(&actor->m, actor->host, 5), 0);
	actor->record = mw_map(&actor->owner, RECORD);
}

static void actor_destroy(struct actor *actor)
{
	mw_take(&actor->m);
	mw_owner_destroy(&actor->owner);
	assert_int_equal(actor->done, ROUNDS);
	assert_int_equal(actor->wrong, 0);
}

static void test_everybody_gets_on(void **state)
{
	static void *(*const roles[])(void *) = {
		work, work, hang, hang, free_under_the_queue, free_under_the_queue, come_and_go};
	enum { ACTORS = sizeof(roles) / sizeof(roles[0]) };
	static struct actor actors[ACTORS];
	pthread_t threads[ACTORS];

	(void)state;
	mw_create_threads(&w, VSVA_CACHE_ADVERSARIAL);
	for (unsigned i = 0; i < ACTORS; i++)
		actor_create(&actors[i], i % 2 ? VSVA_MDEV_SHARED : VSVA_MDEV_DEDICATED);
	for (unsigned i = 0; i < ACTORS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, roles[i], &actors[i]), 0);
	for (unsigned i = 0; i < ACTORS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < ACTORS; i++)
		actor_destroy(&actors[i]);
	assert_false(vdcm_is_broken(w.vdcm));
	mw_destroy(&w);
}

/* A queue that is reset while the event of its PASID is under way */

struct late {
	struct actor *actor;
	bool has_begun; /* atomic: the event */
};

/* Stands for the device's own event function that has found the PASID and is slow to say so: the
 * space's lock is held until the reset has emptied the place. */
static void on_late_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct late *late = arg;
	struct vsva_mdev *mdev = late->actor->m.mdev;

	if (event->kind != VSVA_IOASID_EVENT_FREE)
		return;
	__atomic_store_n(&late->has_begun, true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&mdev->wq_place.host.v, __ATOMIC_ACQUIRE) != VSVA_PASID_INVALID)
		usleep(100);
	usleep(20000);
	__atomic_store_n(&mdev->is_freed, true, __ATOMIC_SEQ_CST);
	__atomic_store_n(&mdev->gate_is_open, false, __ATOMIC_SEQ_CST);
}

static void *free_the_pasid(void *arg)
{
	struct actor *actor = arg;

	EXPECT(actor, vsva_ioasid_free_sync(actor->owner.set, actor->host) == 0);
	return NULL;
}

static void test_late_event_does_not_close_the_next_queue(void **state)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = on_late_event};
	static struct actor actor;
	struct late late = {.actor = &actor};
	struct vsva_ioasid_notifier *notifier;
	pthread_t thread;

	(void)state;
	mw_create_threads(&w, VSVA_CACHE_LRU);
	actor_create(&actor, VSVA_MDEV_DEDICATED);
	start(&actor);
	assert_int_equal(vsva_ioasid_notifier_register(vsva_ioasid_set_space(actor.owner.set),
						       &actor.owner, VSVA_IOASID_PRIORITY_LAST,
						       &subscriber, &late, &notifier),
			 0);
	assert_int_equal(pthread_create(&thread, NULL, free_the_pasid, &actor), 0);
	while (!__atomic_load_n(&late.has_begun, __ATOMIC_ACQUIRE))
		usleep(100);
	assert_int_equal(command(&actor, DSA_COMMAND_RESET_DEVICE, 0), 0);
	pthread_join(thread, NULL);
	assert_int_equal(vsva_ioasid_notifier_unregister(notifier), 0);
	actor.host = mw_pasid(&actor.owner, 5);
	start(&actor);
	assert_true(mdev_gate_enter(actor.m.mdev));
	mdev_gate_leave(actor.m.mdev);
	actor.done = ROUNDS;
	actor_destroy(&actor);
	mw_destroy(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everybody_gets_on),
		cmocka_unit_test(test_late_event_does_not_close_the_next_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
