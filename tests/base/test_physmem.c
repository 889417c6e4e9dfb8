/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/physmem.h"
#include "base/random.h"
#include "base/rcu.h"

#define PAGE ((size_t)VSVA_PAGE_SIZE)
#define GIB  ((uint64_t)1 << 30)

/* A map, made and taken down around each test, which must leave nothing behind. */
struct bench {
	struct physmem *pm;
	size_t bytes_before;
};

static int setup(void **state)
{
	static struct bench bench;

	bench.bytes_before = base_bytes_in_use();
	bench.pm = physmem_create();
	*state = &bench;
	return bench.pm ? 0 : -1;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	physmem_destroy(bench->pm);
	rcu_barrier();
	return base_bytes_in_use() == bench->bytes_before ? 0 : -1;
}

static struct physmem *pm_of(void **state)
{
	return ((struct bench *)*state)->pm;
}

static unsigned char *map_pages(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

static void *look_up(struct physmem *pm, uint64_t address, size_t len, bool write)
{
	void *found;

	rcu_read_lock();
	found = physmem_ptr(pm, hpa(address), len, write);
	rcu_read_unlock();
	return found;
}

static hpa_t add(struct physmem *pm, void *memory, size_t len, bool writable)
{
	hpa_t base;

	assert_int_equal(physmem_add(pm, memory, len, writable, &base), 0);
	return base;
}

static void test_physmem_look_up_ends_where_the_region_ends(void **state)
{
	struct physmem *pm = pm_of(state);
	unsigned char *memory = map_pages(3 * PAGE);
	hpa_t base = add(pm, memory, 3 * PAGE, true);

	assert_ptr_equal(look_up(pm, base.v, 1, true), memory);
	assert_ptr_equal(look_up(pm, base.v, 3 * PAGE, true), memory);
	assert_null(look_up(pm, base.v, 3 * PAGE + 1, false));
	assert_ptr_equal(look_up(pm, base.v + 3 * PAGE - 1, 1, true), memory + 3 * PAGE - 1);
	assert_null(look_up(pm, base.v + 3 * PAGE - 1, 2, false));
	assert_null(look_up(pm, base.v + 3 * PAGE, 1, false));
	assert_null(look_up(pm, base.v - 1, 1, false));
	assert_null(look_up(pm, base.v + 1, SIZE_MAX, false));
	assert_int_equal(physmem_remove(pm, base), 0);
	munmap(memory, 3 * PAGE);
}

static void test_physmem_first_slots_and_far_addresses_are_nothing(void **state)
{
	struct physmem *pm = pm_of(state);
	unsigned char *memory = map_pages(PAGE);
	hpa_t base = add(pm, memory, PAGE, true);

	assert_true(base.v >= 4 * GIB);
	assert_null(look_up(pm, 0, 1, false));
	assert_null(look_up(pm, 0xfee00000, 4, false));
	assert_null(look_up(pm, ((uint64_t)1 << PHYSMEM_HAW) + base.v, 1, false));
	assert_null(look_up(pm, UINT64_MAX, 1, false));
	assert_int_equal(physmem_remove(pm, base), 0);
	munmap(memory, PAGE);
}

static void test_physmem_read_only_region_is_not_for_writing(void **state)
{
	struct physmem *pm = pm_of(state);
	unsigned char *memory = map_pages(PAGE);
	hpa_t base = add(pm, memory, PAGE, false);

	assert_ptr_equal(look_up(pm, base.v, PAGE, false), memory);
	assert_null(look_up(pm, base.v, 1, true));
	assert_int_equal(physmem_remove(pm, base), 0);
	munmap(memory, PAGE);
}

static void *look_up_near(struct physmem *pm, uint32_t *slot, uint64_t address, size_t len,
			  bool write)
{
	void *found;

	rcu_read_lock();
	found = physmem_ptr_near(pm, slot, hpa(address), len, write);
	rcu_read_unlock();
	return found;
}

/* Whatever was looked up before, and is no more. */
static void test_physmem_look_up_near(void **state)
{
	struct physmem *pm = pm_of(state);
	unsigned char *memory = map_pages(4 * PAGE);
	hpa_t one = add(pm, memory, 2 * PAGE, true),
	      other = add(pm, memory + 2 * PAGE, PAGE, false);
	uint32_t slot = 0;

	for (unsigned round = 0; round < 2; round++) {
		assert_ptr_equal(look_up_near(pm, &slot, one.v + PAGE, PAGE, true), memory + PAGE);
		assert_null(look_up_near(pm, &slot, one.v + PAGE, PAGE + 1, false));
		assert_null(look_up_near(pm, &slot, one.v - 1, 1, false));
		assert_ptr_equal(look_up_near(pm, &slot, other.v + 1, 1, false),
				 memory + 2 * PAGE + 1);
		assert_null(look_up_near(pm, &slot, other.v, 1, true));
		assert_null(look_up_near(pm, &slot, UINT64_MAX, 1, false));
		assert_null(
			look_up_near(pm, &slot, (UINT64_C(1) << PHYSMEM_HAW) + one.v, 1, false));
	}
	assert_int_equal(physmem_remove(pm, other), 0);
	assert_null(look_up_near(pm, &slot, other.v, 1, false));
	assert_int_equal(add(pm, memory + 3 * PAGE, PAGE, true).v, other.v);
	assert_ptr_equal(look_up_near(pm, &slot, other.v, PAGE, true), memory + 3 * PAGE);
	assert_int_equal(physmem_remove(pm, other), 0);
	assert_int_equal(physmem_remove(pm, one), 0);
	munmap(memory, 4 * PAGE);
}

static void test_physmem_region_spans_slots(void **state)
{
	struct physmem *pm = pm_of(state);
	size_t len = 2 * GIB + PAGE;
	unsigned char *memory = map_pages(len);
	hpa_t base = add(pm, memory, len, true), next;

	assert_ptr_equal(look_up(pm, base.v + GIB - 8, 16, true), memory + GIB - 8);
	assert_ptr_equal(look_up(pm, base.v + len - 1, 1, true), memory + len - 1);
	next = add(pm, memory, PAGE, true);
	assert_int_equal(next.v, base.v + 3 * GIB);
	assert_int_equal(physmem_remove(pm, base), 0);
	assert_null(look_up(pm, base.v + 2 * GIB, 1, false));
	assert_int_equal(physmem_remove(pm, next), 0);
	munmap(memory, len);
}

static void test_physmem_add_like_keeps_the_place_in_large_pages(void **state)
{
	struct physmem *pm = pm_of(state);
	unsigned char *memory = map_pages(2 * PAGE);
	uint64_t like = 5 * GIB - PAGE; /* the last page of a slot and the first of the next */
	hpa_t base, next;

	assert_int_equal(physmem_add_like(pm, memory, 2 * PAGE, true, like, &base), 0);
	assert_int_equal(base.v % GIB, like % GIB);
	assert_ptr_equal(look_up(pm, base.v, 2 * PAGE, true), memory);
	assert_ptr_equal(look_up(pm, base.v + PAGE, PAGE, true), memory + PAGE);
	assert_null(look_up(pm, base.v - 1, 1, false));
	assert_null(look_up(pm, base.v + 2 * PAGE, 1, false));
	next = add(pm, memory, PAGE, true);
	assert_int_equal(next.v, base.v + PAGE + GIB);
	assert_int_equal(physmem_remove(pm, base), 0);
	assert_null(look_up(pm, base.v + PAGE, 1, false));
	assert_int_equal(physmem_remove(pm, next), 0);
	assert_int_equal(physmem_add_like(pm, memory, PAGE, true, 1, &base), -EINVAL);
	munmap(memory, 2 * PAGE);
}

static void test_physmem_add_at_shares_a_slot(void **state)
{
	struct physmem *pm = pm_of(state);
	unsigned char *memory = map_pages(4 * PAGE);
	unsigned char *low = memory, *high = memory + 2 * PAGE;

	assert_int_equal(physmem_add_at(pm, hpa(0), low, 2 * PAGE, true), 0);
	assert_int_equal(physmem_add_at(pm, hpa(0xc0000), high, PAGE, false), 0);
	assert_ptr_equal(look_up(pm, PAGE, PAGE, true), low + PAGE);
	assert_null(look_up(pm, 2 * PAGE, 1, false));
	assert_null(look_up(pm, 0, 2 * PAGE + 1, false));
	assert_ptr_equal(look_up(pm, 0xc0000, PAGE, false), high);
	assert_null(look_up(pm, 0xc0000, 1, true));

	assert_int_equal(physmem_add_at(pm, hpa(PAGE), high, PAGE, true), -EEXIST);
	assert_int_equal(physmem_add_at(pm, hpa(0xbf000), high, 2 * PAGE, true), -EEXIST);
	assert_int_equal(physmem_remove(pm, hpa(0)), 0);
	assert_null(look_up(pm, 0, 1, false));
	assert_ptr_equal(look_up(pm, 0xc0000, PAGE, false), high);
	assert_int_equal(physmem_remove(pm, hpa(0xc0000)), 0);
	munmap(memory, 4 * PAGE);
}

static void test_physmem_add_at_spans_slots(void **state)
{
	struct physmem *pm = pm_of(state);
	size_t len = 2 * GIB;
	unsigned char *memory = map_pages(len);
	uint64_t at = GIB / 2;

	assert_int_equal(physmem_add_at(pm, hpa(at), memory, len, true), 0);
	for (uint64_t offset = 0; offset < len; offset += GIB / 4)
		assert_ptr_equal(look_up(pm, at + offset, PAGE, true), memory + offset);
	assert_ptr_equal(look_up(pm, at + len - 1, 1, true), memory + len - 1);
	assert_null(look_up(pm, at + len, 1, false));
	assert_null(look_up(pm, at - 1, 1, false));
	/* the pieces have no beginnings of their own */
	assert_int_equal(physmem_remove(pm, hpa(GIB)), -ENOENT);
	assert_int_equal(physmem_remove(pm, hpa(at)), 0);
	for (uint64_t offset = 0; offset < len; offset += GIB / 4)
		assert_null(look_up(pm, at + offset, 1, false));
	munmap(memory, len);
}

static void test_physmem_add_at_keeps_out_of_chosen_slots(void **state)
{
	struct physmem *pm = pm_of(state);
	void *memory = (void *)PAGE; /* never touched */
	hpa_t chosen = add(pm, memory, PAGE, true), next;

	assert_int_equal(physmem_add_at(pm, hpa(chosen.v + PAGE), memory, PAGE, true), -EEXIST);
	assert_int_equal(physmem_add_at(pm, hpa(chosen.v - PAGE), memory, 2 * PAGE, true), -EEXIST);
	assert_int_equal(physmem_add_at(pm, hpa(chosen.v + GIB), memory, PAGE, true), 0);
	next = add(pm, memory, PAGE, true);
	assert_int_equal(next.v, chosen.v + 2 * GIB);
	assert_int_equal(physmem_remove(pm, next), 0);
	assert_int_equal(physmem_remove(pm, hpa(chosen.v + GIB)), 0);
	assert_int_equal(physmem_remove(pm, chosen), 0);
}

static void test_physmem_add_at_refuses_what_is_not_there(void **state)
{
	struct physmem *pm = pm_of(state);
	void *memory = (void *)PAGE;
	uint64_t end = (uint64_t)1 << PHYSMEM_HAW;

	assert_int_equal(physmem_add_at(pm, hpa(8), memory, PAGE, true), -EINVAL);
	assert_int_equal(physmem_add_at(pm, hpa(0), memory, 0, true), -EINVAL);
	assert_int_equal(physmem_add_at(pm, hpa(0), memory, PAGE + 8, true), -EINVAL);
	assert_int_equal(physmem_add_at(pm, hpa(end), memory, PAGE, true), -EINVAL);
	assert_int_equal(physmem_add_at(pm, hpa(end - PAGE), memory, 2 * PAGE, true), -EINVAL);
	assert_int_equal(physmem_add_at(pm, hpa(0), memory, (size_t)1 << 60, true), -EINVAL);
	assert_int_equal(physmem_add_at(pm, hpa(end - PAGE), memory, PAGE, true), 0);
	assert_ptr_equal(look_up(pm, end - PAGE, PAGE, true), memory);
	assert_int_equal(physmem_remove(pm, hpa(end - PAGE)), 0);
}

static void test_physmem_add_at_fails_cleanly(void **state)
{
	struct physmem *pm = pm_of(state);
	size_t before = base_bytes_in_use();
	uint64_t nth = 0;
	int err;

	do {
		fail_nth_set(++nth, 0);
		err = physmem_add_at(pm, hpa(0), (void *)PAGE, 2 * GIB, true);
		assert_true(!err || (err == -ENOMEM && base_bytes_in_use() == before));
	} while (err);
	fail_nth_set(0, 0);
	assert_int_equal(nth, 5); /* two pieces, two steps each */
	assert_int_equal(physmem_remove(pm, hpa(0)), 0);
}

static void test_physmem_add_refuses_what_is_not_pages(void **state)
{
	struct physmem *pm = pm_of(state);
	unsigned char *memory = map_pages(2 * PAGE);
	hpa_t base;

	assert_int_equal(physmem_add(pm, memory, 0, true, &base), -EINVAL);
	assert_int_equal(physmem_add(pm, memory, PAGE + 1, true, &base), -EINVAL);
	assert_int_equal(physmem_add(pm, memory + 8, PAGE, true, &base), -EINVAL);
	munmap(memory, 2 * PAGE);
}

static void test_physmem_full_map_says_so(void **state)
{
	struct physmem *pm = pm_of(state);
	void *memory = (void *)PAGE; /* never touched */
	uint64_t all = (PHYSMEM_SLOT_COUNT - 4) * GIB;
	hpa_t base, other;

	assert_int_equal(physmem_add(pm, memory, all + PAGE, true, &base), -ENOSPC);
	assert_int_equal(physmem_add(pm, memory, (size_t)1 << 60, true, &base), -ENOSPC);
	assert_int_equal(physmem_add(pm, memory, all, true, &base), 0);
	assert_int_equal(physmem_add(pm, memory, PAGE, true, &other), -ENOSPC);
	assert_int_equal(physmem_alloc_pages(pm, 0, &other, &memory), -ENOMEM);
	assert_int_equal(physmem_remove(pm, base), 0);
}

static void test_physmem_remove_knows_only_beginnings(void **state)
{
	struct physmem *pm = pm_of(state);
	unsigned char *memory = map_pages(2 * PAGE);
	hpa_t base = add(pm, memory, 2 * PAGE, true), again;

	assert_int_equal(physmem_remove(pm, hpa(base.v + PAGE)), -ENOENT);
	assert_int_equal(physmem_remove(pm, hpa(base.v + GIB)), -ENOENT);
	assert_int_equal(physmem_remove(pm, hpa(UINT64_MAX)), -ENOENT);
	assert_int_equal(physmem_remove(pm, base), 0);
	assert_int_equal(physmem_remove(pm, base), -ENOENT);
	assert_null(look_up(pm, base.v, 1, false));
	again = add(pm, memory, PAGE, true);
	assert_int_equal(again.v, base.v); /* an address that is free is dealt out again */
	assert_int_equal(physmem_remove(pm, again), 0);
	munmap(memory, 2 * PAGE);
}

static void destroy_with_region(void *arg)
{
	physmem_destroy(arg);
}

static void test_physmem_destroy_with_a_region_is_caught(void **state)
{
	struct physmem *pm = pm_of(state);
	hpa_t base = add(pm, (void *)PAGE, PAGE, true);

	unit_expect_check(destroy_with_region, pm);
	assert_int_equal(physmem_remove(pm, base), 0);
}

static void look_up_outside(void *arg)
{
	physmem_ptr(arg, hpa(4 * GIB), 1, false);
}

static void test_physmem_look_up_outside_a_section_is_caught(void **state)
{
#ifdef VSVA_DEBUG
	unit_expect_check(look_up_outside, pm_of(state));
#else
	(void)state;
	(void)look_up_outside;
	skip();
#endif
}

/* Whatever fails, nothing is left behind. */
static void test_physmem_add_fails_cleanly(void **state)
{
	struct physmem *pm = pm_of(state);
	size_t before = base_bytes_in_use();
	uint64_t nth = 0;
	hpa_t base;
	int err;

	do {
		fail_nth_set(++nth, 0);
		err = physmem_add(pm, (void *)PAGE, PAGE, true, &base);
		assert_true(!err || base_bytes_in_use() == before);
	} while (err);
	assert_int_equal(fail_nth_hits(), nth - 1);
	fail_nth_set(0, 0);
	assert_int_equal(nth, 4);
	assert_int_equal(physmem_remove(pm, base), 0);
}

static void test_physmem_create_fails_cleanly(void **state)
{
	size_t before = base_bytes_in_use();
	(void)state;

	for (uint64_t nth = 1; nth <= 2; nth++) {
		fail_nth_set(nth, 0);
		assert_null(physmem_create());
		assert_int_equal(base_bytes_in_use(), before);
	}
	fail_nth_set(0, 0);
}

/* Readers while regions come and go: never a pointer that is another region's or longer than it. */
#define READERS 2
#define CHANGES 2000

struct traffic {
	struct physmem *pm;
	uint64_t base;
	atomic_bool stop;
};

/* The regions differ in length, and each begins with its own. */
static void *read_lengths(void *arg)
{
	struct traffic *traffic = arg;

	while (!atomic_load(&traffic->stop)) {
		uint64_t *memory;

		rcu_read_lock();
		memory = physmem_ptr(traffic->pm, hpa(traffic->base), 2 * PAGE, false);
		if (memory)
			assert_true(*memory >= 2 * PAGE);
		rcu_read_unlock();
	}
	return NULL;
}

static void add_and_remove(struct physmem *pm, size_t len)
{
	unsigned char *memory = map_pages(len);
	hpa_t base;

	*(uint64_t *)(void *)memory = len;
	base = add(pm, memory, len, true);
	assert_int_equal(physmem_remove(pm, base), 0);
	rcu_synchronize();
	munmap(memory, len);
}

static void test_physmem_readers_see_whole_regions(void **state)
{
	struct traffic traffic = {.pm = pm_of(state), .base = 4 * GIB};
	pthread_t readers[READERS];

	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_lengths, &traffic), 0);
	for (unsigned i = 0; i < CHANGES; i++)
		add_and_remove(traffic.pm, (1 + i % 3) * PAGE);
	atomic_store(&traffic.stop, true);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
}

/* Memory files that somebody shrinks. */

struct shrinking {
	int fd;
	unsigned char *memory;
	size_t len;
};

static struct shrinking map_file(size_t pages, int prot)
{
	struct shrinking file = {.fd = memfd_create("guest", 0), .len = pages * PAGE};

	assert_true(file.fd >= 0);
	assert_int_equal(ftruncate(file.fd, (off_t)file.len), 0);
	assert_int_equal(pwrite(file.fd, "guest", 5, 0), 5);
	file.memory = mmap(NULL, file.len, prot, MAP_SHARED, file.fd, 0);
	assert_true(file.memory != MAP_FAILED);
	return file;
}

static void unmap_file(struct shrinking *file)
{
	munmap(file->memory, file->len);
	close(file->fd);
}

static unsigned char read_byte(const void *address)
{
	return *(const volatile unsigned char *)address;
}

static void test_physmem_lost_page_reads_as_zeroes(void **state)
{
	struct physmem *pm = pm_of(state);
	struct shrinking file = map_file(3, PROT_READ | PROT_WRITE), other = map_file(1, PROT_READ);
	hpa_t base = add(pm, file.memory, file.len, true);
	hpa_t other_base = add(pm, other.memory, other.len, false);

	assert_int_equal(physmem_guard_install(), 0);
	file.memory[2 * PAGE] = 7;
	assert_int_equal(ftruncate(file.fd, (off_t)PAGE), 0);
	assert_false(physmem_is_poisoned(pm, base));

	rcu_read_lock();
	assert_int_equal(read_byte(physmem_ptr(pm, hpa(base.v + 2 * PAGE), 1, false)), 0);
	*(volatile unsigned char *)physmem_ptr(pm, hpa(base.v + PAGE + 5), 1, true) = 9;
	assert_int_equal(read_byte(physmem_ptr(pm, hpa(base.v + PAGE + 5), 1, false)), 9);
	assert_int_equal(read_byte(physmem_ptr(pm, base, 1, false)), 'g');
	rcu_read_unlock();

	assert_true(physmem_is_poisoned(pm, base));
	assert_false(physmem_is_poisoned(pm, other_base));
	assert_false(physmem_is_poisoned(pm, hpa(base.v + PAGE)));
	assert_int_equal(physmem_remove(pm, base), 0);
	assert_false(physmem_is_poisoned(pm, base));
	assert_int_equal(physmem_remove(pm, other_base), 0);
	rcu_barrier();
	unmap_file(&file);
	unmap_file(&other);
}

static void test_physmem_lost_page_of_two_regions_poisons_both(void **state)
{
	struct physmem *pm = pm_of(state);
	struct shrinking file = map_file(2, PROT_READ | PROT_WRITE);
	hpa_t whole = add(pm, file.memory, file.len, true);
	hpa_t part = add(pm, file.memory + PAGE, PAGE, false);

	assert_int_equal(physmem_guard_install(), 0);
	assert_int_equal(ftruncate(file.fd, (off_t)PAGE), 0);
	rcu_read_lock();
	assert_int_equal(read_byte(physmem_ptr(pm, part, 1, false)), 0);
	rcu_read_unlock();
	assert_true(physmem_is_poisoned(pm, whole) && physmem_is_poisoned(pm, part));
	assert_int_equal(physmem_remove(pm, whole), 0);
	assert_int_equal(physmem_remove(pm, part), 0);
	rcu_barrier();
	unmap_file(&file);
}

/* By the copy that everybody uses, not only by single loads. */
static void check_copies_are_zeroes(struct physmem *pm, hpa_t base, size_t len)
{
	static const unsigned char zeroes[64];
	unsigned char copy[64];

	rcu_read_lock();
	for (size_t at = 0; at < len; at += PAGE) {
		memset(copy, 0xff, sizeof(copy));
		memcpy(copy, physmem_ptr(pm, hpa(base.v + at), sizeof(copy), false), sizeof(copy));
		assert_memory_equal(copy, zeroes, sizeof(copy));
	}
	rcu_read_unlock();
}

static void test_physmem_lost_page_of_a_later_piece_poisons(void **state)
{
	struct physmem *pm = pm_of(state);
	struct shrinking file = map_file(2, PROT_READ | PROT_WRITE);
	hpa_t base = hpa(GIB - PAGE);

	assert_int_equal(physmem_guard_install(), 0);
	assert_int_equal(physmem_add_at(pm, base, file.memory, file.len, true), 0);
	assert_int_equal(ftruncate(file.fd, (off_t)PAGE), 0);
	rcu_read_lock();
	assert_int_equal(read_byte(physmem_ptr(pm, hpa(GIB), 1, false)), 0);
	rcu_read_unlock();
	assert_true(physmem_is_poisoned(pm, base));
	assert_int_equal(physmem_remove(pm, base), 0);
	rcu_barrier();
	unmap_file(&file);
}

static void test_physmem_lost_huge_page_reads_as_zeroes(void **state)
{
	enum { HUGE_LEN = 2 << 20 };
	struct physmem *pm = pm_of(state);
	struct shrinking file = {.fd = memfd_create("huge", MFD_HUGETLB), .len = HUGE_LEN};
	hpa_t base;

	if (file.fd < 0 || ftruncate(file.fd, HUGE_LEN))
		skip();
	file.memory = mmap(NULL, file.len, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
	if (file.memory == MAP_FAILED)
		skip(); /* the machine has set none aside */
	base = add(pm, file.memory, file.len, true);
	assert_int_equal(physmem_guard_install(), 0);
	file.memory[5] = 7;
	assert_int_equal(ftruncate(file.fd, 0), 0);
	rcu_read_lock();
	assert_int_equal(read_byte(physmem_ptr(pm, hpa(base.v + 5), 1, false)), 0);
	rcu_read_unlock();
	assert_true(physmem_is_poisoned(pm, base));
	assert_int_equal(physmem_remove(pm, base), 0);
	rcu_barrier();
	unmap_file(&file);
}

static void test_physmem_lost_page_again_and_again(void **state)
{
	struct physmem *pm = pm_of(state);

	assert_int_equal(physmem_guard_install(), 0);
	for (unsigned i = 0; i < 50; i++) {
		struct shrinking file = map_file(16, PROT_READ | PROT_WRITE);
		hpa_t base = add(pm, file.memory, file.len, true);

		assert_int_equal(ftruncate(file.fd, 0), 0);
		check_copies_are_zeroes(pm, base, file.len);
		assert_true(physmem_is_poisoned(pm, base));
		assert_int_equal(physmem_remove(pm, base), 0);
		rcu_synchronize();
		unmap_file(&file);
	}
}

static sigjmp_buf escape;

static void on_foreign_sigbus(int signal_number)
{
	(void)signal_number;
	siglongjmp(escape, 1);
}

static bool raises_sigbus(const void *address)
{
	if (sigsetjmp(escape, 1))
		return true;
	read_byte(address);
	return false;
}

static void test_physmem_guard_passes_on_what_is_not_its_own(void **state)
{
	struct shrinking file = map_file(1, PROT_READ);
	(void)state;

	signal(SIGBUS, on_foreign_sigbus);
	assert_int_equal(physmem_guard_install(), 0);
	assert_int_equal(physmem_guard_install(), 0); /* does not chain to itself */
	assert_int_equal(ftruncate(file.fd, 0), 0);
	assert_true(raises_sigbus(file.memory));
	unmap_file(&file);
}

static void test_physmem_guard_forgets_what_was_removed(void **state)
{
	struct physmem *pm = pm_of(state);
	struct shrinking file = map_file(1, PROT_READ);
	hpa_t base = add(pm, file.memory, file.len, false);

	signal(SIGBUS, on_foreign_sigbus);
	assert_int_equal(physmem_guard_install(), 0);
	assert_int_equal(ftruncate(file.fd, 0), 0);
	assert_int_equal(physmem_remove(pm, base), 0);
	rcu_barrier();
	assert_true(raises_sigbus(file.memory));
	unmap_file(&file);
}

static void read_lost_page(void *arg)
{
	read_byte(arg);
}

static void test_physmem_lost_page_without_guard_kills(void **state)
{
	struct shrinking file = map_file(1, PROT_READ);
	int status;
	(void)state;

	/* negative control: this is what the guard saves us from */
	signal(SIGBUS, SIG_DFL);
	assert_int_equal(ftruncate(file.fd, 0), 0);
	status = unit_run_in_child(read_lost_page, file.memory);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	unmap_file(&file);
}

static void test_physmem_guard_takes_many_regions(void **state)
{
	enum { COUNT = 3000 };
	static hpa_t bases[COUNT];
	struct physmem *pm = pm_of(state);

	for (unsigned i = 0; i < COUNT; i++)
		bases[i] = add(pm, (void *)PAGE, PAGE, false);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(physmem_remove(pm, bases[i]), 0);
}

/* The host's own pages. */

struct pages {
	hpa_t base;
	unsigned char *memory;
};

static struct pages take(struct physmem *pm, unsigned order)
{
	struct pages pages;
	void *memory;

	assert_int_equal(physmem_alloc_pages(pm, order, &pages.base, &memory), 0);
	pages.memory = memory;
	return pages;
}

static void test_host_pages_are_memory_of_the_map(void **state)
{
	struct physmem *pm = pm_of(state);
	struct pages pages = take(pm, 3);

	assert_int_equal(physmem_pages_in_use(pm), 8);
	assert_int_equal(pages.base.v % (8 * PAGE), 0);
	assert_ptr_equal(look_up(pm, pages.base.v, 8 * PAGE, true), pages.memory);
	assert_int_equal(physmem_remove(pm, hpa(pages.base.v & ~(GIB - 1))), -ENOENT);
	physmem_free_pages(pm, pages.base, 3);
	assert_int_equal(physmem_pages_in_use(pm), 0);
}

static void test_host_pages_are_zeroed_each_time(void **state)
{
	static const unsigned char zeroes[4 * 4096];
	struct physmem *pm = pm_of(state);

	for (unsigned i = 0; i < 3; i++) {
		struct pages pages = take(pm, 2);

		assert_memory_equal(pages.memory, zeroes, 4 * PAGE);
		memset(pages.memory, 0xff, 4 * PAGE);
		physmem_free_pages(pm, pages.base, 2);
	}
}

static void test_host_pages_do_not_overlap(void **state)
{
	struct physmem *pm = pm_of(state);
	struct pages taken[64];

	for (unsigned i = 0; i < 64; i++) {
		taken[i] = take(pm, i % 4);
		memset(taken[i].memory, (int)i + 1, PAGE << i % 4);
	}
	for (unsigned i = 0; i < 64; i++)
		for (size_t at = 0; at < PAGE << i % 4; at += 512)
			assert_int_equal(taken[i].memory[at], i + 1);
	for (unsigned i = 0; i < 64; i++)
		physmem_free_pages(pm, taken[i].base, i % 4);
}

static void test_host_pages_grow_together_again(void **state)
{
	enum { ALL = 1 << 14 };
	static struct pages single[ALL];
	struct physmem *pm = pm_of(state);
	struct pages whole;

	for (unsigned i = 0; i < ALL; i++)
		single[i] = take(pm, 0);
	assert_int_equal(physmem_pages_in_use(pm), ALL);
	for (unsigned i = 0; i < ALL; i += 2)
		physmem_free_pages(pm, single[i].base, 0);
	for (unsigned i = 1; i < ALL; i += 2)
		physmem_free_pages(pm, single[i].base, 0);
	whole = take(pm, 14); /* the same chunk, no second one */
	assert_int_equal(whole.base.v, 4 * GIB);
	physmem_free_pages(pm, whole.base, 14);
}

#define HELD 40

/* Every page of a block bears the block's number. */
static void fill(const struct pages *pages, unsigned order, unsigned number)
{
	for (size_t at = 0; at < PAGE << order; at += PAGE)
		memset(pages->memory + at, (int)number + 1, 16);
}

static void check_filled(const struct pages *pages, unsigned order, unsigned number)
{
	for (size_t at = 0; at < PAGE << order; at += PAGE)
		assert_int_equal(pages->memory[at], number + 1);
}

static void test_host_pages_of_all_sizes_come_and_go(void **state)
{
	struct physmem *pm = pm_of(state);
	struct pages held[HELD] = {0};
	unsigned orders[HELD] = {0};
	struct rng rng;

	rng_seed(&rng, 1);
	for (unsigned i = 0; i < 4000; i++) {
		unsigned n = (unsigned)rng_below(&rng, HELD);

		if (held[n].memory) {
			check_filled(&held[n], orders[n], n);
			physmem_free_pages(pm, held[n].base, orders[n]);
			held[n].memory = NULL;
		} else {
			orders[n] = (unsigned)rng_below(&rng, 8);
			held[n] = take(pm, orders[n]);
			fill(&held[n], orders[n], n);
		}
	}
	for (unsigned n = 0; n < HELD; n++)
		if (held[n].memory)
			physmem_free_pages(pm, held[n].base, orders[n]);
	assert_int_equal(physmem_pages_in_use(pm), 0);
	assert_int_equal(take(pm, 14).base.v, 4 * GIB); /* all of it is one block again */
}

static void test_host_pages_take_another_chunk(void **state)
{
	struct physmem *pm = pm_of(state);
	struct pages first = take(pm, 14), second = take(pm, 14), third = take(pm, 0);

	assert_int_not_equal(first.base.v, second.base.v);
	assert_ptr_equal(look_up(pm, third.base.v, PAGE, true), third.memory);
	physmem_free_pages(pm, first.base, 14);
	physmem_free_pages(pm, second.base, 14);
	physmem_free_pages(pm, third.base, 0);
}

static void test_host_pages_refuse_what_no_chunk_has(void **state)
{
	struct physmem *pm = pm_of(state);
	struct pages pages;
	void *memory;

	assert_int_equal(physmem_alloc_pages(pm, 15, &pages.base, &memory), -ENOMEM);
	assert_int_equal(physmem_alloc_pages(pm, 64, &pages.base, &memory), -ENOMEM);
	fail_nth_set(1, 0);
	assert_int_equal(physmem_alloc_pages(pm, 0, &pages.base, &memory), -ENOMEM);
	fail_nth_set(0, 0);
	assert_int_equal(physmem_pages_in_use(pm), 0);
}

static struct physmem *guilty_pm;

static void free_twice(void *arg)
{
	physmem_free_pages(guilty_pm, *(hpa_t *)arg, 1);
	physmem_free_pages(guilty_pm, *(hpa_t *)arg, 1);
}

static void free_half(void *arg)
{
	physmem_free_pages(guilty_pm, *(hpa_t *)arg, 0);
}

static void free_elsewhere(void *arg)
{
	physmem_free_pages(guilty_pm, hpa(((hpa_t *)arg)->v + 100 * GIB), 1);
}

static void test_host_pages_freed_wrongly_are_caught(void **state)
{
	struct pages pages = take(pm_of(state), 1);

	guilty_pm = pm_of(state);
	unit_expect_check(free_twice, &pages.base);
	unit_expect_check(free_half, &pages.base);
	unit_expect_check(free_elsewhere, &pages.base);
	physmem_free_pages(guilty_pm, pages.base, 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_physmem_look_up_ends_where_the_region_ends),
		CASE(test_physmem_first_slots_and_far_addresses_are_nothing),
		CASE(test_physmem_read_only_region_is_not_for_writing),
		CASE(test_physmem_look_up_near),
		CASE(test_physmem_region_spans_slots),
		CASE(test_physmem_add_like_keeps_the_place_in_large_pages),
		CASE(test_physmem_add_at_shares_a_slot),
		CASE(test_physmem_add_at_spans_slots),
		CASE(test_physmem_add_at_keeps_out_of_chosen_slots),
		CASE(test_physmem_add_at_refuses_what_is_not_there),
		CASE(test_physmem_add_at_fails_cleanly),
		CASE(test_physmem_add_refuses_what_is_not_pages),
		CASE(test_physmem_full_map_says_so),
		CASE(test_physmem_remove_knows_only_beginnings),
		CASE(test_physmem_destroy_with_a_region_is_caught),
		CASE(test_physmem_look_up_outside_a_section_is_caught),
		CASE(test_physmem_add_fails_cleanly),
		CASE(test_physmem_create_fails_cleanly),
		CASE(test_physmem_readers_see_whole_regions),
		CASE(test_physmem_lost_page_without_guard_kills),
		CASE(test_physmem_lost_page_reads_as_zeroes),
		CASE(test_physmem_lost_page_of_two_regions_poisons_both),
		CASE(test_physmem_lost_page_of_a_later_piece_poisons),
		CASE(test_physmem_lost_huge_page_reads_as_zeroes),
		CASE(test_physmem_lost_page_again_and_again),
		CASE(test_physmem_guard_passes_on_what_is_not_its_own),
		CASE(test_physmem_guard_forgets_what_was_removed),
		CASE(test_physmem_guard_takes_many_regions),
		CASE(test_host_pages_are_memory_of_the_map),
		CASE(test_host_pages_are_zeroed_each_time),
		CASE(test_host_pages_do_not_overlap),
		CASE(test_host_pages_grow_together_again),
		CASE(test_host_pages_of_all_sizes_come_and_go),
		CASE(test_host_pages_take_another_chunk),
		CASE(test_host_pages_refuse_what_no_chunk_has),
		CASE(test_host_pages_freed_wrongly_are_caught),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
