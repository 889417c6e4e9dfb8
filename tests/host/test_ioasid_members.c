// SPDX-License-Identifier: MIT
/* The members of a set, against an array. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/fail.h"
#include "base/random.h"
#include "host/ioasid_members.h"

#define IDS (1u << 20)

static bool is_in[IDS];

static uint32_t next_in(uint32_t from)
{
	while (from < IDS && !is_in[from])
		from++;
	return from < IDS ? from : MEMBERS_NONE;
}

/* Where words and pages meet, and anywhere. */
static uint32_t draw(struct rng *rng)
{
	static const uint32_t edges[] = {0,    1,    62,   63,   64,      4094,    4095,   4096,
					 4097, 8191, 8192, 9000, IDS / 2, IDS - 2, IDS - 1};

	if (rng_below(rng, 2))
		return edges[rng_below(rng, ARRAY_LEN(edges))];
	return (uint32_t)rng_below(rng, IDS);
}

static void test_members_against_model(void **state)
{
	static struct members members;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	memset(is_in, 0, sizeof(is_in));
	assert_int_equal(members_next(&members, 0), MEMBERS_NONE);
	for (unsigned step = 0; step < 4000; step++) {
		uint32_t id = draw(&rng), from = draw(&rng);

		if (is_in[id])
			members_remove(&members, id);
		else
			assert_int_equal(members_add(&members, id), 0);
		is_in[id] = !is_in[id];
		if (step % 8 == 0)
			assert_int_equal(members_next(&members, from), next_in(from));
	}
	members_fini(&members);
}

static void test_members_are_all_met_once(void **state)
{
	static struct members members;
	uint32_t at = 0;

	(void)state;
	for (uint32_t id = 0; id < IDS; id += 3)
		assert_int_equal(members_add(&members, id), 0);
	for (uint32_t id = 0; id < IDS; id += 3) {
		at = members_next(&members, at);
		assert_int_equal(at, id);
		at++;
	}
	assert_int_equal(members_next(&members, at), MEMBERS_NONE);
	members_fini(&members);
}

static void test_members_without_memory(void **state)
{
	static struct members members;

	(void)state;
	fail_nth_set(1, 0);
	assert_int_equal(members_add(&members, 5), -ENOMEM);
	fail_nth_set(0, 0);
	assert_int_equal(members_next(&members, 0), MEMBERS_NONE);
	assert_int_equal(members_add(&members, 5), 0);
	/* the page is there */
	fail_nth_set(1, 1);
	assert_int_equal(members_add(&members, 6), 0);
	fail_nth_set(0, 0);
	assert_int_equal(members_next(&members, 6), 6);
	members_fini(&members);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_against_model),
		cmocka_unit_test(test_members_are_all_met_once),
		cmocka_unit_test(test_members_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
