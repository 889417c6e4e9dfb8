// SPDX-License-Identifier: MIT
#include "unit.h"

#include "base/atomic.h"
#include "base/rcu.h"
#include "base/worker.h"

static void test_atomic_nests(void **state)
{
	(void)state;
	assert_false(atomic_is_inside());
	atomic_enter();
	atomic_enter();
	atomic_exit();
	assert_true(atomic_is_inside());
	atomic_exit();
	assert_false(atomic_is_inside());
}

static void leave_too_often(void *arg)
{
	(void)arg;
	atomic_exit();
}

static void synchronize(void *arg)
{
	(void)arg;
	atomic_enter();
	rcu_synchronize();
}

static void barrier(void *arg)
{
	(void)arg;
	atomic_enter();
	rcu_barrier();
}

static bool is_true(void *arg)
{
	(void)arg;
	return true;
}

static void wait_until(void *arg)
{
	enum worker_mode mode = *(enum worker_mode *)arg;
	struct worker_pool *pool = worker_pool_create(mode, 0);

	atomic_enter();
	worker_pool_wait_until(pool, is_true, NULL, 1);
}

static bool run_nothing(void *arg)
{
	(void)arg;
	return false;
}

static void destroy_worker(void *arg)
{
	struct worker_pool *pool = worker_pool_create(WORKERS_THREADS, 0);
	struct worker *worker = worker_create(pool, "test", run_nothing, NULL);

	(void)arg;
	atomic_enter();
	worker_destroy(worker);
}

static bool run_and_stay_inside(void *arg)
{
	(void)arg;
	atomic_enter();
	return false;
}

static void end_run_inside(void *arg)
{
	struct worker_pool *pool = worker_pool_create(WORKERS_MANUAL, 0);

	(void)arg;
	worker_kick(worker_create(pool, "test", run_and_stay_inside, NULL));
	worker_pool_step(pool);
}

static void test_atomic_waits_check(void **state)
{
	enum worker_mode manual = WORKERS_MANUAL, threads = WORKERS_THREADS;

	(void)state;
	unit_expect_check(leave_too_often, NULL);
	unit_expect_check(synchronize, NULL);
	unit_expect_check(barrier, NULL);
	unit_expect_check(wait_until, &manual);
	unit_expect_check(wait_until, &threads);
	unit_expect_check(destroy_worker, NULL);
	unit_expect_check(end_run_inside, NULL);
}

/* What does not wait may be done. */
static void test_atomic_kicks_and_defers(void **state)
{
	struct worker_pool *pool = worker_pool_create(WORKERS_THREADS, 0);
	struct worker *worker = worker_create(pool, "test", run_nothing, NULL);

	(void)state;
	atomic_enter();
	worker_kick(worker);
	worker_pool_notify(pool);
	rcu_read_lock();
	rcu_read_unlock();
	atomic_exit();
	rcu_synchronize();
	rcu_barrier();
	worker_destroy(worker);
	worker_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_atomic_nests),
		cmocka_unit_test(test_atomic_waits_check),
		cmocka_unit_test(test_atomic_kicks_and_defers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
