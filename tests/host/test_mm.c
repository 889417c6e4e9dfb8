// SPDX-License-Identifier: MIT
/*
 * Native address spaces by themselves. Where a device is needed, the test plays it: it walks the
 * tables as hardware does, keeps translations, and forgets them when the notifier says so.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "base/alloc.h"
#include "base/lock.h"
#include "host/mm.h"
#include "host/mm_table.h"
#include "vsva/limits.h"

#define PAGE UINT64_C(4096)
#define AT   UINT64_C(0x10000000)
#define RW   (VSVA_PROT_READ | VSVA_PROT_WRITE)

/* Worlds */

#define CALLS_MAX 16u

struct call {
	uint64_t start, end; /* 0, 0: release; 1, 1: destroy */
	size_t pages_in_use;
	bool was_present; /* the page at AT, when it was called */
};

struct listener {
	struct mm_notifier notifier;
	struct world *world;
	char name;
	int answer; /* of invalidate_range and release */
};

struct world {
	struct physmem *pm;
	struct vsva_mm *mm;
	size_t pages_before;
	struct listener listeners[3];
	char order[64]; /* names of the listeners in the order of calls */
	struct call calls[CALLS_MAX];
	unsigned call_count;
};

/* What hardware would find: the leaf of an address, 0 if the walk ends before. */
static uint64_t walk(struct physmem *pm, hpa_t root, uint64_t address, unsigned *tables)
{
	uint64_t entry = root.v | VTD_FS_PTE_P;

	rcu_read_lock();
	for (unsigned level = 4; level && (entry & VTD_FS_PTE_P); level--) {
		uint64_t *entries = physmem_ptr(pm, hpa(vtd_pte_address(entry, 1)), PAGE, false);

		assert_non_null(entries);
		entry = __atomic_load_n(&entries[vtd_level_index(address, level)],
					__ATOMIC_ACQUIRE);
		if (tables)
			(*tables)++;
	}
	rcu_read_unlock();
	return entry & VTD_FS_PTE_P ? entry : 0;
}

static uint64_t entry_at(struct world *world, uint64_t address)
{
	return walk(world->pm, mm_root(world->mm), address, NULL);
}

static void note(struct listener *listener, uint64_t start, uint64_t end)
{
	struct world *world = listener->world;
	size_t used = strlen(world->order);
	struct call *call = &world->calls[world->call_count++ % CALLS_MAX];

	world->order[used] = listener->name;
	*call = (struct call){start, end, physmem_pages_in_use(world->pm),
			      entry_at(world, AT) != 0};
}

static int on_range(void *arg, uint64_t start, uint64_t end)
{
	note(arg, start, end);
	return ((struct listener *)arg)->answer;
}

static int on_release(void *arg)
{
	note(arg, 0, 0);
	return ((struct listener *)arg)->answer;
}

static void on_destroy(void *arg)
{
	struct listener *listener = arg;

	listener->world->order[strlen(listener->world->order)] = (char)(listener->name - 'a' + 'A');
}

static const struct mm_notifier_ops ops = {on_range, on_release, on_destroy};

static void listen(struct world *world, unsigned i)
{
	struct listener *listener = &world->listeners[i];

	*listener = (struct listener){.notifier = {.ops = &ops, .arg = listener},
				      .world = world,
				      .name = (char)('a' + i)};
	assert_int_equal(mm_notifier_register(world->mm, &listener->notifier), 0);
}

static void make_mm(struct world *world, uint32_t flags)
{
	struct mm_config config = {.physmem = world->pm, .flags = flags};

	assert_int_equal(mm_create(&config, &world->mm), 0);
}

static int setup_with(void **state, uint32_t flags)
{
	struct world *world = calloc(1, sizeof(*world));

	world->pm = physmem_create();
	world->pages_before = physmem_pages_in_use(world->pm);
	make_mm(world, flags);
	*state = world;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, 0);
}

static int setup_kernel(void **state)
{
	return setup_with(state, VSVA_MM_KERNEL);
}

/* Nothing is left of the address space. */
static int teardown(void **state)
{
	struct world *world = *state;

	vsva_mm_put(world->mm);
	assert_int_equal(physmem_pages_in_use(world->pm), world->pages_before);
	rcu_barrier();
	physmem_destroy(world->pm);
	free(world);
	return 0;
}

static void map_at(struct world *world, uint64_t address, uint64_t pages, uint32_t prot)
{
	uva_t out;

	assert_int_equal(vsva_mm_map(world->mm, uva(address), pages * PAGE, prot, &out), 0);
	assert_int_equal(out.v, address);
}

static void touch(struct world *world, uint64_t address)
{
	assert_int_equal(vsva_mm_fault_in(world->mm, uva(address), false), 0);
}

/* Memory */

static void test_mm_memory_is_zero_and_keeps_what_is_written(void **state)
{
	struct world *world = *state;
	uint8_t out[3 * PAGE], in[3 * PAGE];
	uva_t at;

	assert_int_equal(vsva_mm_map(world->mm, uva(0), 4 * PAGE, RW, &at), 0);
	assert_int_equal(vsva_mm_page_count(world->mm), 0);
	memset(in, 0xff, sizeof(in));
	assert_int_equal(vsva_mm_read(world->mm, uva(at.v + 100), in, sizeof(in)), 0);
	for (size_t i = 0; i < sizeof(in); i++)
		assert_int_equal(in[i], 0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + (i >> 12));
	assert_int_equal(vsva_mm_write(world->mm, uva(at.v + 100), out, sizeof(out)), 0);
	assert_int_equal(vsva_mm_read(world->mm, uva(at.v + 100), in, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(out));
	assert_int_equal(vsva_mm_page_count(world->mm), 4);
}

static void test_mm_pages_come_on_demand(void **state)
{
	struct world *world = *state;
	uint8_t byte = 7;

	map_at(world, AT, 100, RW);
	assert_int_equal(entry_at(world, AT + PAGE), 0);
	assert_int_equal(vsva_mm_peek(world->mm, uva(AT + PAGE), &byte), -ENOENT);
	touch(world, AT + PAGE + 5);
	touch(world, AT + PAGE);
	assert_int_equal(vsva_mm_page_count(world->mm), 1);
	assert_int_not_equal(entry_at(world, AT + PAGE), 0);
	assert_int_equal(vsva_mm_peek(world->mm, uva(AT + PAGE + 5), &byte), 0);
	assert_int_equal(byte, 0);
	assert_int_equal(entry_at(world, AT), 0);
}

static void test_mm_refuses_what_is_not_mapped(void **state)
{
	struct world *world = *state;
	uint8_t bytes[2 * PAGE] = {0};

	map_at(world, AT, 1, RW);
	assert_int_equal(vsva_mm_fault_in(world->mm, uva(AT - 1), false), -EFAULT);
	assert_int_equal(vsva_mm_fault_in(world->mm, uva(AT + PAGE), false), -EFAULT);
	assert_int_equal(vsva_mm_fault_in(world->mm, uva(UINT64_MAX), false), -EFAULT);
	bytes[0] = 9;
	assert_int_equal(vsva_mm_write(world->mm, uva(AT), bytes, sizeof(bytes)), -EFAULT);
	assert_int_equal(vsva_mm_peek(world->mm, uva(AT), bytes + 1), 0);
	assert_int_equal(bytes[1], 9);
}

static void test_mm_refuses_writes_to_read_only_memory(void **state)
{
	struct world *world = *state;
	uint8_t byte = 1;

	map_at(world, AT, 1, VSVA_PROT_READ);
	assert_int_equal(vsva_mm_write(world->mm, uva(AT), &byte, 1), -EFAULT);
	assert_int_equal(vsva_mm_read(world->mm, uva(AT), &byte, 1), 0);
	assert_int_equal(entry_at(world, AT) & VTD_FS_PTE_RW, 0);
	assert_int_equal(vsva_mm_fault_in(world->mm, uva(AT), true), -EFAULT);
}

static void test_mm_checks_ranges(void **state)
{
	struct world *world = *state;
	const struct {
		uint64_t address, len;
		uint32_t prot;
	} bad[] = {
		{AT + 1, PAGE, RW},
		{AT, PAGE - 1, RW},
		{AT, 0, RW},
		{AT, PAGE, 0},
		{AT, PAGE, VSVA_PROT_WRITE},
		{AT, PAGE, 8 | VSVA_PROT_READ},
		{UINT64_C(0x7ffffffff000), PAGE, RW},
		{UINT64_C(0x7fffffffe000), 2 * PAGE, RW},
		{AT, UINT64_MAX - PAGE + 1, RW},
		{UINT64_C(0xffff800000000000), PAGE, RW},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			vsva_mm_map(world->mm, uva(bad[i].address), bad[i].len, bad[i].prot, NULL),
			-EINVAL);
		assert_int_equal(
			vsva_mm_protect(world->mm, uva(bad[i].address), bad[i].len, bad[i].prot),
			-EINVAL);
		if (bad[i].prot == RW)
			assert_int_equal(vsva_mm_unmap(world->mm, uva(bad[i].address), bad[i].len),
					 -EINVAL);
	}
	assert_int_equal(vsva_mm_map(NULL, uva(AT), PAGE, RW, NULL), -EINVAL);
	assert_int_equal(vsva_mm_create(NULL, 0, &world->mm), -EINVAL);
	map_at(world, UINT64_C(0x7fffffffe000), 1, RW);
}

static void test_mm_chooses_free_addresses(void **state)
{
	struct world *world = *state;
	uva_t first, second, third;

	assert_int_equal(vsva_mm_map(world->mm, uva(0), 2 * PAGE, RW, &first), 0);
	assert_int_equal(vsva_mm_map(world->mm, uva(0), 2 * PAGE, VSVA_PROT_READ, &second), 0);
	assert_int_equal(second.v, first.v + 2 * PAGE);
	assert_int_equal(vsva_mm_map(world->mm, uva(first.v + PAGE), PAGE, RW, NULL), -EEXIST);
	assert_int_equal(vsva_mm_unmap(world->mm, first, 2 * PAGE), 0);
	assert_int_equal(vsva_mm_map(world->mm, uva(0), 3 * PAGE, RW, &third), 0);
	assert_int_equal(third.v, second.v + 2 * PAGE);
	assert_int_equal(vsva_mm_map(world->mm, uva(0), PAGE, RW, &third), 0);
	assert_int_equal(third.v, first.v);
	assert_int_equal(vsva_mm_map(world->mm, uva(0), UINT64_C(1) << 46, RW, &third), -ENOMEM);
}

static void test_mm_has_a_limit_of_areas(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < VSVA_LIMIT_MM_AREAS; i++)
		map_at(world, AT + 2 * i * PAGE, 1, RW);
	assert_int_equal(vsva_mm_map(world->mm, uva(AT - 2 * PAGE), PAGE, RW, NULL), -ENOMEM);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), PAGE), 0);
	map_at(world, AT - 2 * PAGE, 1, RW);
}

static void test_mm_areas_that_are_alike_are_one(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 2 * VSVA_LIMIT_MM_AREAS; i++)
		map_at(world, AT + i * PAGE, 1, RW);
	/* to cut a piece out of one needs room for two more */
	for (unsigned i = 1; i < VSVA_LIMIT_MM_AREAS - 1; i++)
		assert_int_equal(vsva_mm_unmap(world->mm, uva(AT + (2 * i - 1) * PAGE), PAGE), 0);
	assert_int_equal(
		vsva_mm_unmap(world->mm, uva(AT + (2 * VSVA_LIMIT_MM_AREAS - 3) * PAGE), PAGE),
		-ENOMEM);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), 2 * VSVA_LIMIT_MM_AREAS * PAGE), 0);
}

static void test_mm_unmap_cuts(void **state)
{
	struct world *world = *state;

	map_at(world, AT, 8, RW);
	for (unsigned i = 0; i < 8; i++)
		touch(world, AT + i * PAGE);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT + 2 * PAGE), 3 * PAGE), 0);
	for (unsigned i = 0; i < 8; i++) {
		bool gone = i >= 2 && i < 5;

		assert_int_equal(entry_at(world, AT + i * PAGE) == 0, gone);
		assert_int_equal(vsva_mm_fault_in(world->mm, uva(AT + i * PAGE), true),
				 gone ? -EFAULT : 0);
	}
	assert_int_equal(vsva_mm_page_count(world->mm), 5);
	/* over holes, and again */
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT - PAGE), 20 * PAGE), 0);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT - PAGE), 20 * PAGE), 0);
	assert_int_equal(vsva_mm_page_count(world->mm), 0);
	assert_int_equal(physmem_pages_in_use(world->pm), 1);
}

static void test_mm_memory_that_is_mapped_again_is_zero(void **state)
{
	struct world *world = *state;
	uint8_t byte = 0xee;

	map_at(world, AT, 1, RW);
	assert_int_equal(vsva_mm_write(world->mm, uva(AT), &byte, 1), 0);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), PAGE), 0);
	map_at(world, AT, 1, RW);
	assert_int_equal(vsva_mm_read(world->mm, uva(AT), &byte, 1), 0);
	assert_int_equal(byte, 0);
}

static void test_mm_protect_changes_rights(void **state)
{
	struct world *world = *state;
	uint8_t byte = 3;

	map_at(world, AT, 4, RW);
	assert_int_equal(vsva_mm_write(world->mm, uva(AT + PAGE), &byte, 1), 0);
	assert_int_equal(vsva_mm_protect(world->mm, uva(AT + PAGE), PAGE, VSVA_PROT_READ), 0);
	assert_int_equal(entry_at(world, AT + PAGE) & VTD_FS_PTE_RW, 0);
	assert_int_equal(vsva_mm_write(world->mm, uva(AT + PAGE), &byte, 1), -EFAULT);
	assert_int_equal(vsva_mm_write(world->mm, uva(AT + 2 * PAGE), &byte, 1), 0);
	/* A and D stay */
	assert_true(entry_at(world, AT + PAGE) & VTD_FS_PTE_D);
	byte = 0;
	assert_int_equal(vsva_mm_read(world->mm, uva(AT + PAGE), &byte, 1), 0);
	assert_int_equal(byte, 3);
	assert_int_equal(vsva_mm_protect(world->mm, uva(AT), 4 * PAGE, RW), 0);
	assert_int_equal(vsva_mm_write(world->mm, uva(AT + PAGE), &byte, 1), 0);
	assert_int_equal(vsva_mm_protect(world->mm, uva(AT), 5 * PAGE, VSVA_PROT_READ), -ENOMEM);
	assert_int_equal(vsva_mm_write(world->mm, uva(AT), &byte, 1), 0);
}

/* Entries */

static void test_mm_entries_are_those_of_the_architecture(void **state)
{
	struct world *world = *state;
	const struct vtd_rules rules = {.cap = 0, .ecap = 0, .haw = PHYSMEM_HAW};
	unsigned tables = 0;
	uint64_t entry;

	map_at(world, AT, 1, RW);
	touch(world, AT);
	entry = walk(world->pm, mm_root(world->mm), AT, &tables);
	assert_int_equal(tables, 4);
	assert_int_equal(entry & ~VTD_MASK(51, 12), VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US);
	assert_int_equal(entry & vtd_fs_pte_reserved(&rules, 1, true), 0);
	assert_int_equal(vsva_mm_read(world->mm, uva(AT), &entry, 1), 0);
	assert_int_equal(entry_at(world, AT) & (VTD_FS_PTE_A | VTD_FS_PTE_D), VTD_FS_PTE_A);
	assert_int_equal(vsva_mm_write(world->mm, uva(AT), &entry, 1), 0);
	assert_true(entry_at(world, AT) & VTD_FS_PTE_D);
}

static void test_mm_kernel_memory_is_supervisor_and_present(void **state)
{
	struct world *world = *state;
	uva_t at;

	assert_int_equal(vsva_mm_map(world->mm, uva(0), 3 * PAGE, RW, &at), 0);
	assert_true(at.v >> 47 == UINT64_MAX >> 47);
	assert_int_equal(vsva_mm_page_count(world->mm), 3);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t entry = entry_at(world, at.v + i * PAGE);

		assert_true(entry & VTD_FS_PTE_P);
		assert_false(entry & VTD_FS_PTE_US);
	}
	assert_int_equal(vsva_mm_map(world->mm, uva(AT), PAGE, RW, NULL), -EINVAL);
	assert_int_equal(vsva_mm_unmap(world->mm, at, 3 * PAGE), 0);
	assert_int_equal(vsva_mm_page_count(world->mm), 0);
}

/* Notifiers */

static void test_mm_notifiers_are_told_in_the_order_of_registration(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 3; i++)
		listen(world, i);
	map_at(world, AT, 2, RW);
	touch(world, AT);
	touch(world, AT + PAGE);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), PAGE), 0);
	assert_string_equal(world->order, "abc");
	mm_notifier_unregister(world->mm, &world->listeners[1].notifier);
	assert_int_equal(vsva_mm_protect(world->mm, uva(AT + PAGE), PAGE, VSVA_PROT_READ), 0);
	assert_string_equal(world->order, "abcac");
	vsva_mm_exit(world->mm);
	assert_string_equal(world->order, "abcacac");
	assert_int_equal(world->calls[6].end, 0);
	vsva_mm_exit(world->mm);
	vsva_mm_put(world->mm);
	assert_string_equal(world->order, "abcacacAC");
	make_mm(world, 0);
}

/* Scenario 4: pages and page-table pages are there until every notifier has returned. */
static void test_mm_frees_pages_and_tables_after_the_notifiers(void **state)
{
	struct world *world = *state;
	size_t before, tables = 3;

	listen(world, 0);
	map_at(world, AT, 3, RW);
	for (unsigned i = 0; i < 3; i++)
		touch(world, AT + i * PAGE);
	before = physmem_pages_in_use(world->pm);
	assert_int_equal(before, 1 + tables + 3);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), 3 * PAGE), 0);
	assert_int_equal(world->call_count, 1);
	assert_int_equal(world->calls[0].start, AT);
	assert_int_equal(world->calls[0].end, AT + 3 * PAGE);
	assert_false(world->calls[0].was_present);
	assert_int_equal(world->calls[0].pages_in_use, before);
	assert_int_equal(physmem_pages_in_use(world->pm), 1);
}

static void test_mm_keeps_tables_that_others_need(void **state)
{
	struct world *world = *state;

	map_at(world, AT, 1, RW);
	map_at(world, AT + 4 * PAGE, 1, RW);
	touch(world, AT);
	touch(world, AT + 4 * PAGE);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), PAGE), 0);
	assert_int_equal(physmem_pages_in_use(world->pm), 1 + 3 + 1);
	assert_true(entry_at(world, AT + 4 * PAGE) & VTD_FS_PTE_P);
}

static void test_mm_does_not_notify_of_nothing(void **state)
{
	struct world *world = *state;

	listen(world, 0);
	map_at(world, AT, 3, RW);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), PAGE), 0);
	assert_int_equal(vsva_mm_protect(world->mm, uva(AT + PAGE), PAGE, VSVA_PROT_READ), 0);
	assert_int_equal(world->call_count, 0);
}

/* A unit that does not answer: nothing of what it may still use is used again, until a later round
 * has worked. */
static void test_mm_keeps_what_is_in_doubt(void **state)
{
	struct world *world = *state;

	listen(world, 0);
	map_at(world, AT, 3, RW);
	touch(world, AT);
	touch(world, AT + PAGE);
	touch(world, AT + 2 * PAGE);
	world->listeners[0].answer = -ETIMEDOUT;
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), PAGE), -ETIMEDOUT);
	assert_int_equal(entry_at(world, AT), 0);
	assert_int_equal(vsva_mm_page_count(world->mm), 3);
	map_at(world, AT, 1, RW);
	assert_int_equal(vsva_mm_fault_in(world->mm, uva(AT), false), -EIO);
	world->listeners[0].answer = 0;
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT + PAGE), PAGE), 0);
	/* told of everything, not only of the last page */
	assert_true(world->calls[1].start <= AT && world->calls[1].end > AT + PAGE);
	assert_int_equal(vsva_mm_page_count(world->mm), 1);
	touch(world, AT);
	assert_true(entry_at(world, AT + 2 * PAGE) != 0);
}

static void test_mm_exit_in_doubt_waits_to_be_settled(void **state)
{
	struct world *world = *state;

	listen(world, 0);
	map_at(world, AT, 1, RW);
	touch(world, AT);
	world->listeners[0].answer = -ETIMEDOUT;
	vsva_mm_exit(world->mm);
	assert_int_equal(physmem_pages_in_use(world->pm), 1 + 3 + 1);
	assert_int_equal(vsva_mm_fault_in(world->mm, uva(AT), false), -EFAULT);
	mm_settle(world->mm);
	assert_int_equal(physmem_pages_in_use(world->pm), 0);
	mm_settle(world->mm);
}

static void test_mm_that_has_exited_does_nothing(void **state)
{
	struct world *world = *state;
	uint8_t byte = 0;

	map_at(world, AT, 1, RW);
	touch(world, AT);
	assert_false(vsva_mm_is_dead(world->mm));
	vsva_mm_exit(world->mm);
	assert_true(vsva_mm_is_dead(world->mm));
	assert_int_equal(physmem_pages_in_use(world->pm), 0);
	assert_int_equal(vsva_mm_map(world->mm, uva(AT), PAGE, RW, NULL), -ESRCH);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), PAGE), -ESRCH);
	assert_int_equal(vsva_mm_protect(world->mm, uva(AT), PAGE, RW), -ESRCH);
	assert_int_equal(vsva_mm_read(world->mm, uva(AT), &byte, 1), -EFAULT);
	assert_int_equal(vsva_mm_peek(world->mm, uva(AT), &byte), -ENOENT);
	world->listeners[0].notifier = (struct mm_notifier){.ops = &ops};
	assert_int_equal(mm_notifier_register(world->mm, &world->listeners[0].notifier), -ESRCH);
}

/* Fail the nth */

/* Every step fails once; then the same call works and nothing has been lost. */
#define FAIL_EACH(world, call, undo)                                                               \
	do {                                                                                       \
		size_t pages_ = physmem_pages_in_use((world)->pm);                                 \
		uint64_t nth_ = 1;                                                                 \
		for (;; nth_++) {                                                                  \
			int err_;                                                                  \
			fail_nth_set(nth_, 0);                                                     \
			err_ = (call);                                                             \
			bool reached_ = fail_nth_hits() >= nth_;                                   \
			fail_nth_set(0, 0);                                                        \
			if (!reached_) {                                                           \
				assert_int_equal(err_, 0);                                         \
				break;                                                             \
			}                                                                          \
			assert_int_equal(err_, -ENOMEM);                                           \
			undo;                                                                      \
			assert_int_equal(physmem_pages_in_use((world)->pm), pages_);               \
		}                                                                                  \
		assert_true(nth_ > 1);                                                             \
	} while (0)

static void test_mm_survives_each_failure(void **state)
{
	struct world *world = *state;
	struct mm_config config = {.physmem = world->pm};
	struct vsva_mm *other;

	FAIL_EACH(world, mm_create(&config, &other), (void)0);
	vsva_mm_put(other);
	FAIL_EACH(world, vsva_mm_map(world->mm, uva(AT), 8 * PAGE, RW, NULL), (void)0);
	/* tables that were made stay until something is unmapped there */
	FAIL_EACH(world, vsva_mm_fault_in(world->mm, uva(AT), true),
		  assert_int_equal(vsva_mm_unmap(world->mm, uva(AT + 7 * PAGE), PAGE), 0));
	FAIL_EACH(world, vsva_mm_protect(world->mm, uva(AT + PAGE), PAGE, VSVA_PROT_READ), (void)0);
}

static void test_mm_unmap_that_fails_unmaps_nothing(void **state)
{
	struct world *world = *state;

	map_at(world, AT, 3, RW);
	touch(world, AT + PAGE);
	fail_nth_set(1, 1);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT + PAGE), PAGE), -ENOMEM);
	fail_nth_set(0, 0);
	assert_true(entry_at(world, AT + PAGE) != 0);
	fail_nth_set(1, 1);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), 3 * PAGE), 0);
	fail_nth_set(0, 0);
}

static void test_mm_kernel_map_that_fails_leaves_nothing(void **state)
{
	struct world *world = *state;

	FAIL_EACH(world,
		  vsva_mm_map(world->mm, uva(UINT64_C(0xffff900000000000)), 3 * PAGE, RW, NULL),
		  (void)0);
}

/* A device that keeps translations: what goes wrong when it is not told */

struct cached {
	uint64_t page; /* HPA, 0: none */
};

static void device_cache(struct world *world, struct cached *cached, uint64_t address)
{
	cached->page = vtd_pte_address(entry_at(world, address), 1);
	assert_int_not_equal(cached->page, 0);
}

static void device_write(struct world *world, const struct cached *cached, uint8_t byte)
{
	uint8_t *memory;

	if (!cached->page)
		return;
	rcu_read_lock();
	memory = physmem_ptr(world->pm, hpa(cached->page), PAGE, true);
	assert_non_null(memory);
	__atomic_store_n(&memory[8], byte, __ATOMIC_RELAXED);
	rcu_read_unlock();
}

struct forgetful {
	struct mm_notifier notifier;
	struct cached *cached;
	bool is_deaf;
};

static int forget(void *arg, uint64_t start, uint64_t end)
{
	struct forgetful *device = arg;

	(void)start;
	(void)end;
	if (!device->is_deaf)
		device->cached->page = 0;
	return 0;
}

static int forget_all(void *arg)
{
	return forget(arg, 0, UINT64_MAX);
}

static const struct mm_notifier_ops forget_ops = {forget, forget_all, NULL};

/* Returns what another process finds in memory that it has just got. */
static uint8_t foreign_byte(struct world *world, bool is_deaf)
{
	struct mm_config config = {.physmem = world->pm};
	struct cached cached;
	struct forgetful device = {.notifier = {.ops = &forget_ops, .arg = &device},
				   .cached = &cached,
				   .is_deaf = is_deaf};
	struct vsva_mm *other;
	uint8_t byte = 0;

	assert_int_equal(mm_create(&config, &other), 0);
	assert_int_equal(vsva_mm_map(other, uva(AT), 16 * PAGE, RW, NULL), 0);
	map_at(world, AT, 1, RW);
	touch(world, AT);
	assert_int_equal(mm_notifier_register(world->mm, &device.notifier), 0);
	device_cache(world, &cached, AT);
	assert_int_equal(vsva_mm_unmap(world->mm, uva(AT), PAGE), 0);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(vsva_mm_fault_in(other, uva(AT + i * PAGE), true), 0);
	device_write(world, &cached, 0x66);
	for (unsigned i = 0; i < 16 && !byte; i++)
		assert_int_equal(vsva_mm_read(other, uva(AT + i * PAGE + 8), &byte, 1), 0);
	mm_notifier_unregister(world->mm, &device.notifier);
	vsva_mm_put(other);
	return byte;
}

static void test_mm_notifiers_keep_devices_out_of_foreign_memory(void **state)
{
	assert_int_equal(foreign_byte(*state, false), 0);
	/* negative control: a device that is not told */
	assert_int_equal(foreign_byte(*state, true), 0x66);
}

/* Threads */

#define STRESS_PAGES    8u
#define STRESS_TURNS    400u
#define STRESS_ACCESSES 100u

struct stress;

/* A process, what works for it, and the tag that only they write. */
struct stress_process {
	struct stress *stress;
	struct vsva_mm *mm;
	uint64_t tag;
	struct mm_notifier notifier;
	uint64_t cached[STRESS_PAGES]; /* HPA; atomic */
	uint64_t foreign;              /* atomic: tags that were not its own */
	uint64_t accesses;             /* atomic */
	bool is_cut;                   /* atomic: its device has no way to it any more */
};

struct stress {
	struct physmem *pm;
	struct stress_process processes[2];
	bool stop; /* atomic */
};

/* Forgets, and waits until no access by what it has forgotten is under way. */
static int stress_forget(void *arg, uint64_t start, uint64_t end)
{
	struct stress_process *process = arg;

	for (uint64_t i = 0; i < STRESS_PAGES; i++)
		if (AT + i * PAGE >= start && AT + i * PAGE < end)
			__atomic_store_n(&process->cached[i], 0, __ATOMIC_SEQ_CST);
	rcu_synchronize();
	return 0;
}

static int stress_release(void *arg)
{
	__atomic_store_n(&((struct stress_process *)arg)->is_cut, true, __ATOMIC_SEQ_CST);
	return stress_forget(arg, 0, UINT64_MAX);
}

static const struct mm_notifier_ops stress_ops = {stress_forget, stress_release, NULL};

/* Like the unit: an entry is used only if it is still what it was after it was cached, or an
 * invalidation that came between would be lost. */
static uint64_t stress_translate(struct stress_process *process, unsigned page, uint64_t *entry)
{
	uint64_t address = AT + page * PAGE;
	uint64_t cached = __atomic_load_n(&process->cached[page], __ATOMIC_SEQ_CST);

	*entry = 0;
	if (cached)
		return cached;
	*entry = walk(process->stress->pm, mm_root(process->mm), address, NULL);
	if (!(*entry & VTD_FS_PTE_RW))
		return 0;
	__atomic_store_n(&process->cached[page], vtd_pte_address(*entry, 1), __ATOMIC_SEQ_CST);
	if (vtd_pte_address(walk(process->stress->pm, mm_root(process->mm), address, NULL), 1) !=
	    vtd_pte_address(*entry, 1))
		__atomic_store_n(&process->cached[page], 0, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&process->cached[page], __ATOMIC_SEQ_CST);
}

static void stress_access(struct stress_process *process, unsigned page)
{
	uint64_t entry, host, *word;

	rcu_read_lock();
	host = __atomic_load_n(&process->is_cut, __ATOMIC_SEQ_CST)
		       ? 0
		       : stress_translate(process, page, &entry);
	if (host) {
		word = physmem_ptr(process->stress->pm, hpa(host), PAGE, true);
		if (__atomic_load_n(word, __ATOMIC_RELAXED) & ~process->tag)
			__atomic_fetch_add(&process->foreign, 1, __ATOMIC_RELAXED);
		__atomic_store_n(word, process->tag, __ATOMIC_RELAXED);
		__atomic_fetch_add(&process->accesses, 1, __ATOMIC_RELAXED);
	}
	rcu_read_unlock();
}

static void *stress_device(void *arg)
{
	struct stress_process *process = arg;
	unsigned page = 0;

	while (!__atomic_load_n(&process->stress->stop, __ATOMIC_ACQUIRE))
		stress_access(process, page++ % STRESS_PAGES);
	return NULL;
}

static void stress_turn(struct stress_process *process, unsigned turn)
{
	unsigned page = turn * 5 % STRESS_PAGES;
	uva_t at = uva(AT + page * PAGE);

	vsva_mm_map(process->mm, at, PAGE, RW, NULL);
	vsva_mm_fault_in(process->mm, at, true);
	if (turn % 3 == 1)
		vsva_mm_protect(process->mm, at, PAGE, VSVA_PROT_READ);
	if (turn % 3 == 2)
		assert_int_equal(vsva_mm_unmap(process->mm, uva(AT), (page + 1) * PAGE), 0);
}

static void *stress_cpu(void *arg)
{
	struct stress_process *process = arg;

	for (unsigned turn = 0;
	     turn < STRESS_TURNS ||
	     __atomic_load_n(&process->accesses, __ATOMIC_RELAXED) < STRESS_ACCESSES;
	     turn++)
		stress_turn(process, turn);
	return NULL;
}

static void stress_begin(struct stress *stress, unsigned i)
{
	struct stress_process *process = &stress->processes[i];
	struct mm_config config = {.physmem = stress->pm};

	*process = (struct stress_process){.stress = stress,
					   .tag = UINT64_C(1) << i,
					   .notifier = {.ops = &stress_ops, .arg = process}};
	assert_int_equal(mm_create(&config, &process->mm), 0);
	assert_int_equal(mm_notifier_register(process->mm, &process->notifier), 0);
}

static void test_mm_stress(void **state)
{
	struct stress stress = {.pm = physmem_create()};
	pthread_t cpus[4], devices[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		stress_begin(&stress, i);
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&devices[i], NULL, stress_device, &stress.processes[i]);
	for (unsigned i = 0; i < 4; i++)
		pthread_create(&cpus[i], NULL, stress_cpu, &stress.processes[i / 2]);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(cpus[i], NULL);
	/* one exits while its device runs */
	vsva_mm_exit(stress.processes[0].mm);
	for (unsigned turn = 0; turn < 16; turn++)
		stress_turn(&stress.processes[1], turn);
	__atomic_store_n(&stress.stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(devices[i], NULL);
		assert_int_equal(stress.processes[i].foreign, 0);
		vsva_mm_put(stress.processes[i].mm);
	}
	assert_int_equal(physmem_pages_in_use(stress.pm), 0);
	rcu_barrier();
	physmem_destroy(stress.pm);
}

/* Hardware sets D while software takes the right to write: if it was set, it stays. */
struct dirtier {
	uint64_t *leaf;
	unsigned round, done; /* atomic */
	bool was_set;         /* of the round that is done */
};

#define DIRTY_ROUNDS 20000u

static void *set_dirty(void *arg)
{
	struct dirtier *dirtier = arg;

	for (unsigned round = 1; round <= DIRTY_ROUNDS; round++) {
		uint64_t old;

		while (__atomic_load_n(&dirtier->round, __ATOMIC_ACQUIRE) != round)
			sched_yield();
		old = __atomic_load_n(dirtier->leaf, __ATOMIC_ACQUIRE);
		dirtier->was_set =
			(old & VTD_FS_PTE_RW) &&
			__atomic_compare_exchange_n(dirtier->leaf, &old, old | VTD_FS_PTE_D, false,
						    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
		__atomic_store_n(&dirtier->done, round, __ATOMIC_RELEASE);
	}
	return NULL;
}

static unsigned lost_dirty_bits(uint64_t *leaf, void (*take_right)(uint64_t *leaf))
{
	struct dirtier dirtier = {.leaf = leaf};
	unsigned lost = 0;
	pthread_t thread;

	pthread_create(&thread, NULL, set_dirty, &dirtier);
	for (unsigned round = 1; round <= DIRTY_ROUNDS; round++) {
		__atomic_fetch_and(leaf, ~(uint64_t)VTD_FS_PTE_D, __ATOMIC_RELAXED);
		mm_leaf_set_writable(leaf, true);
		__atomic_store_n(&dirtier.round, round, __ATOMIC_RELEASE);
		take_right(leaf);
		while (__atomic_load_n(&dirtier.done, __ATOMIC_ACQUIRE) != round)
			sched_yield();
		lost += dirtier.was_set &&
			!(__atomic_load_n(leaf, __ATOMIC_RELAXED) & VTD_FS_PTE_D);
	}
	pthread_join(thread, NULL);
	return lost;
}

static void take_right(uint64_t *leaf)
{
	mm_leaf_set_writable(leaf, false);
}

/* Reads, lets hardware have its turn, and writes back. */
static void take_right_in_two_steps(uint64_t *leaf)
{
	uint64_t value = __atomic_load_n(leaf, __ATOMIC_RELAXED);

	sched_yield();
	__atomic_store_n(leaf, value & ~(uint64_t)VTD_FS_PTE_RW, __ATOMIC_RELAXED);
}

static void test_mm_changes_entries_atomically(void **state)
{
	struct world *world = *state;
	struct mm_table table = {.pm = world->pm, .root = mm_root(world->mm)};

	map_at(world, AT, 1, RW);
	touch(world, AT);
	assert_int_equal(lost_dirty_bits(mm_table_find(&table, AT), take_right), 0);
	/* negative control */
	assert_int_not_equal(lost_dirty_bits(mm_table_find(&table, AT), take_right_in_two_steps),
			     0);
}

#define CASE(name)   cmocka_unit_test_setup_teardown(test_mm_##name, setup, teardown)
#define KERNEL(name) cmocka_unit_test_setup_teardown(test_mm_##name, setup_kernel, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(memory_is_zero_and_keeps_what_is_written),
		CASE(pages_come_on_demand),
		CASE(refuses_what_is_not_mapped),
		CASE(refuses_writes_to_read_only_memory),
		CASE(checks_ranges),
		CASE(chooses_free_addresses),
		CASE(has_a_limit_of_areas),
		CASE(areas_that_are_alike_are_one),
		CASE(unmap_cuts),
		CASE(memory_that_is_mapped_again_is_zero),
		CASE(protect_changes_rights),
		CASE(entries_are_those_of_the_architecture),
		KERNEL(kernel_memory_is_supervisor_and_present),
		CASE(notifiers_are_told_in_the_order_of_registration),
		CASE(frees_pages_and_tables_after_the_notifiers),
		CASE(keeps_tables_that_others_need),
		CASE(does_not_notify_of_nothing),
		CASE(keeps_what_is_in_doubt),
		CASE(exit_in_doubt_waits_to_be_settled),
		CASE(that_has_exited_does_nothing),
		CASE(survives_each_failure),
		CASE(unmap_that_fails_unmaps_nothing),
		KERNEL(kernel_map_that_fails_leaves_nothing),
		CASE(notifiers_keep_devices_out_of_foreign_memory),
		CASE(changes_entries_atomically),
		cmocka_unit_test(test_mm_stress),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
