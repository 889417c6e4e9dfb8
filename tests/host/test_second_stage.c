// SPDX-License-Identifier: MIT
/* The second stage against a model of one word per page. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/rcu.h"
#include "host/second_stage.h"

#define PAGE      UINT64_C(4096)
#define MODEL_LEN (UINT64_C(6) << 18) /* pages: six gigabytes */

static struct vtd_rules rules_with(uint64_t sslps)
{
	uint64_t cap = vtd_CAP_with_SAGAW(0, 0x4);

	cap = vtd_CAP_with_MGAW(cap, 47);
	return (struct vtd_rules){.cap = vtd_CAP_with_SSLPS(cap, sslps), .haw = 46};
}

struct fixture {
	struct physmem *pm;
	struct vtd_rules rules;
	struct second_stage ss;
	struct page_list removed;
};

static void begin(struct fixture *f, uint64_t sslps)
{
	memset(f, 0, sizeof(*f));
	f->pm = physmem_create();
	f->rules = rules_with(sslps);
	assert_int_equal(second_stage_init(&f->ss, &(struct table_memory){.pm = f->pm}, &f->rules),
			 0);
}

static void end(struct fixture *f)
{
	second_stage_fini(&f->ss, &f->removed);
	page_list_free(f->pm, &f->removed);
	assert_int_equal(physmem_pages_in_use(f->pm), 0);
	physmem_destroy(f->pm);
}

static uint64_t *entry_at(struct fixture *f, uint64_t addr, unsigned level)
{
	uint64_t *table = physmem_own_page(f->pm, f->ss.root);

	for (unsigned l = f->ss.levels; l > level; l--) {
		uint64_t entry = table[vtd_level_index(addr, l)];

		if (!vtd_ss_pte_is_present(entry) || vtd_ss_pte_is_leaf(entry, l))
			return NULL;
		table = physmem_own_page(f->pm, hpa(vtd_pte_address(entry, 1)));
	}
	return &table[vtd_level_index(addr, level)];
}

static uint64_t unmap(struct fixture *f, uint64_t addr, uint64_t len)
{
	uint64_t bytes;

	assert_int_equal(second_stage_split(&f->ss, addr, addr + len), 0);
	bytes = second_stage_unmap(&f->ss, addr, addr + len, &f->removed);
	page_list_free(f->pm, &f->removed);
	return bytes;
}

static void test_second_stage_uses_best_page_sizes(void **state)
{
	struct fixture f;
	uint64_t gib = UINT64_C(1) << 30, mib2 = UINT64_C(2) << 20;

	(void)state;
	begin(&f, 3);
	assert_int_equal(second_stage_map(&f.ss, gib - mib2 - PAGE, 2 * gib + mib2 + PAGE,
					  4 * gib - mib2 - PAGE, 3, &f.removed),
			 0);
	assert_true(*entry_at(&f, gib - mib2 - PAGE, 1) & VTD_SS_PTE_R);
	assert_true(*entry_at(&f, gib - mib2, 2) & VTD_SS_PTE_PS);
	assert_true(*entry_at(&f, gib, 3) & VTD_SS_PTE_PS);
	assert_int_equal(vtd_pte_address(*entry_at(&f, gib, 3), 3), 4 * gib);
	assert_true(*entry_at(&f, 2 * gib, 2) & VTD_SS_PTE_PS);
	assert_true(*entry_at(&f, 2 * gib + mib2, 1) & VTD_SS_PTE_W);
	end(&f);
}

static void test_second_stage_without_large_pages(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 0);
	assert_int_equal(second_stage_map(&f.ss, 0, 4 << 20, 0, 1, &f.removed), 0);
	assert_non_null(entry_at(&f, 0, 1));
	assert_int_equal(unmap(&f, 0, 4 << 20), 4 << 20);
	end(&f);
}

/* Output that is not aligned like the input takes small pages. */
static void test_second_stage_unaligned_output(void **state)
{
	struct fixture f;
	hpa_t out;

	(void)state;
	begin(&f, 3);
	assert_int_equal(second_stage_map(&f.ss, 0, 4 << 20, PAGE, 3, &f.removed), 0);
	assert_non_null(entry_at(&f, 0, 1));
	assert_int_equal(second_stage_lookup(&f.ss, 0x12345, &out), 0);
	assert_int_equal(out.v, 0x13345);
	end(&f);
}

/* "Short invalidation after partial unmap of a contiguous mapping": here the table side of it. */
static void test_second_stage_unmap_inside_large_page(void **state)
{
	struct fixture f;
	uint64_t gib = UINT64_C(1) << 30;
	hpa_t out;

	(void)state;
	begin(&f, 3);
	assert_int_equal(second_stage_map(&f.ss, gib, 2 * gib, gib, 3, &f.removed), 0);
	assert_int_equal(unmap(&f, gib + 5 * PAGE, 2 * PAGE), 2 * PAGE);
	assert_int_equal(second_stage_lookup(&f.ss, gib + 4 * PAGE, &out), 0);
	assert_int_equal(out.v, gib + 4 * PAGE);
	assert_int_equal(second_stage_lookup(&f.ss, gib + 5 * PAGE, &out), -ENOENT);
	assert_int_equal(second_stage_lookup(&f.ss, gib + 6 * PAGE, &out), -ENOENT);
	assert_int_equal(second_stage_lookup(&f.ss, 2 * gib - 1, &out), 0);
	assert_int_equal(out.v, 2 * gib - 1);
	/* the rest of the gigabyte is in 2 MiB pages */
	assert_true(*entry_at(&f, gib + (4 << 20), 2) & VTD_SS_PTE_PS);
	assert_false(*entry_at(&f, gib, 1) & VTD_SS_PTE_PS);
	end(&f);
}

/* Hardware sets A and D at any time: a split passes them on. */
static void test_second_stage_split_keeps_access_bits(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 3);
	assert_int_equal(second_stage_map(&f.ss, 0, 2 << 20, 0, 3, &f.removed), 0);
	*entry_at(&f, 0, 2) |= VTD_SS_PTE_A | VTD_SS_PTE_D;
	assert_int_equal(second_stage_split(&f.ss, PAGE, 2 * PAGE), 0);
	for (uint64_t addr = 0; addr < 2 << 20; addr += PAGE) {
		uint64_t entry = *entry_at(&f, addr, 1);

		assert_true((entry & VTD_SS_PTE_A) && (entry & VTD_SS_PTE_D));
		assert_int_equal(vtd_pte_address(entry, 1), addr);
	}
	end(&f);
}

static void test_second_stage_map_fail_nth(void **state)
{
	uint64_t gib = UINT64_C(1) << 30;
	struct fixture f;
	unsigned nth = 1;

	(void)state;
	begin(&f, 3);
	for (;; nth++) {
		size_t pages = physmem_pages_in_use(f.pm);
		int err;

		fail_nth_set(nth, 0);
		err = second_stage_map(&f.ss, gib - PAGE, 2 * gib + PAGE, gib - PAGE, 3,
				       &f.removed);
		fail_nth_set(0, 0);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_false(second_stage_is_mapped(&f.ss, 0, UINT64_C(1) << 40));
		page_list_free(f.pm, &f.removed);
		assert_int_equal(physmem_pages_in_use(f.pm), pages);
	}
	assert_true(nth > 4);
	end(&f);
}

static void test_second_stage_split_fail_nth(void **state)
{
	uint64_t gib = UINT64_C(1) << 30;
	struct fixture f;
	unsigned nth = 1;
	hpa_t out;

	(void)state;
	begin(&f, 3);
	assert_int_equal(second_stage_map(&f.ss, gib, 3 * gib, gib, 3, &f.removed), 0);
	for (;; nth++) {
		int err;

		fail_nth_set(nth, 0);
		err = second_stage_split(&f.ss, gib + PAGE, 2 * gib + PAGE);
		fail_nth_set(0, 0);
		for (uint64_t addr = gib; addr < 3 * gib; addr += 509 * PAGE) {
			assert_int_equal(second_stage_lookup(&f.ss, addr, &out), 0);
			assert_int_equal(out.v, addr);
		}
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
	}
	assert_true(nth >= 4); /* a split that was made stays */
	end(&f);
}

/* Model */

static uint64_t random_len(struct rng *rng)
{
	static const uint64_t sizes[] = {1, 3, 511, 512, 513, 1024, 262144, 262145, 300000};

	return sizes[rng_below(rng, sizeof(sizes) / sizeof(sizes[0]))];
}

static void check_pages(struct fixture *f, const uint64_t *model, struct rng *rng)
{
	for (unsigned i = 0; i < 200; i++) {
		uint64_t page = rng_below(rng, MODEL_LEN);
		hpa_t out = {0};
		int err = second_stage_lookup(&f->ss, page * PAGE + 7, &out);

		if (!model[page])
			assert_int_equal(err, -ENOENT);
		else
			assert_true(err == 0 && out.v == model[page] + 7);
	}
}

static uint64_t model_clear(uint64_t *model, uint64_t first, uint64_t len)
{
	uint64_t bytes = 0;

	for (uint64_t i = first; i < first + len; i++) {
		bytes += model[i] ? PAGE : 0;
		model[i] = 0;
	}
	return bytes;
}

static bool model_is_mapped(const uint64_t *model, uint64_t first, uint64_t len)
{
	for (uint64_t i = first; i < first + len; i++)
		if (model[i])
			return true;
	return false;
}

static void one_step(struct fixture *f, uint64_t *model, struct rng *rng)
{
	uint64_t len = random_len(rng), first = rng_below(rng, MODEL_LEN - len);
	uint64_t align = rng_below(rng, 2) ? 262144 : 512, to;

	if (rng_below(rng, 2))
		first = first / align * align;
	assert_int_equal(second_stage_is_mapped(&f->ss, first * PAGE, (first + len) * PAGE),
			 model_is_mapped(model, first, len));
	if (rng_below(rng, 2)) {
		assert_int_equal(unmap(f, first * PAGE, len * PAGE),
				 model_clear(model, first, len));
		return;
	}
	if (model_is_mapped(model, first, len))
		return;
	to = (rng_below(rng, 2) ? first : rng_below(rng, UINT64_C(1) << 30)) * PAGE + (PAGE << 20);
	assert_int_equal(
		second_stage_map(&f->ss, first * PAGE, (first + len) * PAGE, to, 3, &f->removed),
		0);
	for (uint64_t i = 0; i < len; i++)
		model[first + i] = to + i * PAGE;
}

static void test_second_stage_random_against_model(void **state)
{
	uint64_t *model = calloc(MODEL_LEN, sizeof(*model));
	struct fixture f;
	struct rng rng;

	(void)state;
	assert_non_null(model);
	for (uint64_t sslps = 0; sslps < 4; sslps = sslps * 2 + 1) {
		begin(&f, sslps);
		rng_seed(&rng, 7 + sslps);
		for (unsigned step = 0; step < 300; step++) {
			one_step(&f, model, &rng);
			check_pages(&f, model, &rng);
		}
		unmap(&f, 0, MODEL_LEN * PAGE);
		model_clear(model, 0, MODEL_LEN);
		/* no table but the root is left */
		assert_int_equal(physmem_pages_in_use(f.pm), 1);
		end(&f);
	}
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_stage_uses_best_page_sizes),
		cmocka_unit_test(test_second_stage_without_large_pages),
		cmocka_unit_test(test_second_stage_unaligned_output),
		cmocka_unit_test(test_second_stage_unmap_inside_large_page),
		cmocka_unit_test(test_second_stage_split_keeps_access_bits),
		cmocka_unit_test(test_second_stage_map_fail_nth),
		cmocka_unit_test(test_second_stage_split_fail_nth),
		cmocka_unit_test(test_second_stage_random_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
