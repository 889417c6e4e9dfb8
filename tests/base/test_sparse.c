/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/sparse.h"

#define LAST 0xfffffu

static void test_sparse_keeps_what_was_set(void **state)
{
	struct sparse sparse;
	int a, b;
	(void)state;

	sparse_init(&sparse);
	assert_null(sparse_get(&sparse, 0));
	assert_int_equal(sparse_set(&sparse, 0, &a), 0);
	assert_int_equal(sparse_set(&sparse, LAST, &b), 0);
	assert_ptr_equal(sparse_get(&sparse, 0), &a);
	assert_ptr_equal(sparse_get(&sparse, LAST), &b);
	assert_null(sparse_get(&sparse, 1));
	sparse_replace(&sparse, 0, NULL);
	assert_null(sparse_get(&sparse, 0));
	sparse_fini(&sparse);
}

static void test_sparse_refuses_what_is_no_pasid(void **state)
{
	struct sparse sparse;
	int a;
	(void)state;

	sparse_init(&sparse);
	assert_int_equal(sparse_set(&sparse, LAST + 1, &a), -EINVAL);
	sparse_replace(&sparse, UINT32_MAX, NULL);
	assert_int_equal(sparse_set(&sparse, 0, &a), 0);
	assert_null(sparse_get(&sparse, LAST + 1));
	assert_null(sparse_get(&sparse, UINT32_MAX));
	sparse_fini(&sparse);
}

static void test_sparse_next_visits_all_in_order(void **state)
{
	static const uint32_t set[] = {3, 255, 256, 0x54321, LAST};
	struct sparse sparse;
	uint32_t index = 0;
	int a;
	(void)state;

	sparse_init(&sparse);
	assert_null(sparse_next(&sparse, &index));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(sparse_set(&sparse, set[i], &a), 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_ptr_equal(sparse_next(&sparse, &index), &a);
		assert_int_equal(index++, set[i]);
	}
	assert_null(sparse_next(&sparse, &index));
	sparse_fini(&sparse);
}

static void test_sparse_set_fails_cleanly(void **state)
{
	size_t before = base_bytes_in_use();
	struct sparse sparse;
	int a;
	(void)state;

	sparse_init(&sparse);
	for (uint64_t nth = 1; nth <= 2; nth++) {
		fail_nth_set(nth, 0);
		assert_int_equal(sparse_set(&sparse, 7, &a), -ENOMEM);
		fail_nth_set(1, 1);
		sparse_replace(&sparse, 7, NULL);
		assert_null(sparse_get(&sparse, 7));
		sparse_fini(&sparse);
	}
	fail_nth_set(0, 0);
	assert_int_equal(sparse_set(&sparse, 7, &a), 0);
	sparse_fini(&sparse);
	assert_int_equal(base_bytes_in_use(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sparse_keeps_what_was_set),
		cmocka_unit_test(test_sparse_refuses_what_is_no_pasid),
		cmocka_unit_test(test_sparse_next_visits_all_in_order),
		cmocka_unit_test(test_sparse_set_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
