/* SPDX-License-Identifier: MIT */
/* Guest memory as the VMM sees it: windows, copies across them, and memory that goes. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "unit.h"
#include "vmm/guest_memory.h"
#include "vsva/limits.h"

#define PAGE UINT64_C(4096)

struct fixture {
	struct physmem *physmem;
	struct guest_memory memory;
	uint8_t *ram;
	uint64_t len;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->len = 16 * PAGE;
	f->physmem = physmem_create();
	f->ram = mmap(NULL, f->len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(guest_memory_init(&f->memory, f->physmem), 0);
	*state = f;
	return 0;
}

static int add(struct fixture *f, uint64_t base, uint64_t offset, uint64_t len, bool writable)
{
	struct gm_window window;
	int err;

	lock_take(&f->memory.lock);
	err = guest_memory_add(&f->memory, gpa(base), f->ram + offset, len, writable, &window);
	lock_drop(&f->memory.lock);
	return err;
}

static int take(struct fixture *f, uint64_t base, uint64_t len)
{
	struct gm_window window;
	int err;

	lock_take(&f->memory.lock);
	err = guest_memory_find(&f->memory, gpa(base), len, &window);
	if (!err)
		guest_memory_remove(&f->memory, &window);
	lock_drop(&f->memory.lock);
	return err;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct gm_window window;

	while (guest_memory_first(&f->memory, &window))
		take(f, window.base.v, window.len);
	guest_memory_fini(&f->memory);
	physmem_destroy(f->physmem);
	munmap(f->ram, f->len);
	free(f);
	return 0;
}

static void test_windows_that_are_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 0, 0, 0, true), -EINVAL);
	assert_int_equal(add(f, 1, 0, PAGE, true), -EINVAL);
	assert_int_equal(add(f, 0, 1, PAGE, true), -EINVAL);
	assert_int_equal(add(f, 0, 0, PAGE + 1, true), -EINVAL);
	assert_int_equal(add(f, UINT64_C(1) << 52, 0, PAGE, true), -EINVAL);
	assert_int_equal(add(f, (UINT64_C(1) << 52) - PAGE, 0, 2 * PAGE, true), -EINVAL);
	assert_int_equal(add(f, UINT64_MAX - PAGE + 1, 0, 2 * PAGE, true), -EINVAL);
	assert_int_equal(add(f, (UINT64_C(1) << 52) - PAGE, 0, PAGE, true), 0);
	assert_int_equal(guest_memory_count(&f->memory), 1);
}

static void test_windows_do_not_overlap(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 4 * PAGE, 0, 4 * PAGE, true), 0);
	assert_int_equal(add(f, 7 * PAGE, 0, PAGE, true), -EEXIST);
	assert_int_equal(add(f, 0, 0, 5 * PAGE, true), -EEXIST);
	assert_int_equal(add(f, 0, 0, 16 * PAGE, true), -EEXIST);
	assert_int_equal(add(f, 0, 0, 4 * PAGE, true), 0);
	assert_int_equal(add(f, 8 * PAGE, 0, PAGE, true), 0);
}

static void test_removal_takes_exactly_one(void **state)
{
	struct fixture *f = *state;
	uint8_t byte;

	assert_int_equal(add(f, 0, 0, 4 * PAGE, true), 0);
	assert_int_equal(add(f, 4 * PAGE, 4 * PAGE, 4 * PAGE, true), 0);
	assert_int_equal(take(f, 0, 8 * PAGE), -ENOENT);
	assert_int_equal(take(f, PAGE, 3 * PAGE), -ENOENT);
	assert_int_equal(take(f, 0, 3 * PAGE), -ENOENT);
	assert_int_equal(take(f, 0, 4 * PAGE), 0);
	assert_int_equal(take(f, 0, 4 * PAGE), -ENOENT);
	assert_int_equal(guest_memory_read(&f->memory, gpa(0), &byte, 1), -EFAULT);
	assert_int_equal(guest_memory_read(&f->memory, gpa(4 * PAGE), &byte, 1), 0);
}

static void test_copies_cross_windows_or_do_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t out[3 * PAGE], in[3 * PAGE];

	assert_int_equal(add(f, 0, 0, PAGE, true), 0);
	assert_int_equal(add(f, PAGE, 8 * PAGE, PAGE, true), 0);
	memset(in, 0x5a, sizeof(in));
	assert_int_equal(guest_memory_write(&f->memory, gpa(PAGE - 8), in, 16), 0);
	assert_int_equal(f->ram[PAGE - 1], 0x5a);
	assert_int_equal(f->ram[8 * PAGE + 7], 0x5a);
	assert_int_equal(f->ram[8 * PAGE + 8], 0);
	assert_int_equal(guest_memory_write(&f->memory, gpa(0), in, 2 * PAGE + 1), -EFAULT);
	assert_int_equal(f->ram[0], 0);
	assert_int_equal(guest_memory_read(&f->memory, gpa(PAGE - 8), out, 16), 0);
	assert_memory_equal(in, out, 16);
	assert_int_equal(guest_memory_read(&f->memory, gpa(UINT64_MAX - 3), out, 8), -EFAULT);
	assert_int_equal(guest_memory_read(&f->memory, gpa(2 * PAGE), out, 1), -EFAULT);
}

static void test_rom_is_not_written(void **state)
{
	struct fixture *f = *state;
	uint64_t value = 7;

	assert_int_equal(add(f, 0, 0, PAGE, false), 0);
	assert_int_equal(guest_memory_write(&f->memory, gpa(0), &value, 8), -EFAULT);
	assert_int_equal(guest_memory_store32(&f->memory, gpa(0), 7), -EFAULT);
	assert_int_equal(guest_memory_fetch(&f->memory, gpa(0), &value, 1), 0);
	assert_int_equal(value, 0);
}

static void test_words_are_aligned_and_inside(void **state)
{
	struct fixture *f = *state;
	uint64_t words[8] = {0};

	assert_int_equal(add(f, 0, 0, PAGE, true), 0);
	assert_int_equal(add(f, PAGE, 8 * PAGE, PAGE, true), 0);
	assert_int_equal(guest_memory_store32(&f->memory, gpa(4), 0x12345678), 0);
	assert_int_equal(guest_memory_store32(&f->memory, gpa(6), 1), -EFAULT);
	assert_int_equal(guest_memory_store32(&f->memory, gpa(2 * PAGE), 1), -EFAULT);
	assert_int_equal(guest_memory_fetch(&f->memory, gpa(0), words, 8), 0);
	assert_int_equal(words[0], UINT64_C(0x1234567800000000));
	assert_int_equal(guest_memory_fetch(&f->memory, gpa(4), words, 1), -EFAULT);
	assert_int_equal(guest_memory_fetch(&f->memory, gpa(PAGE - 8), words, 1), 0);
	/* entries never cross windows: their tables are pages */
	assert_int_equal(guest_memory_fetch(&f->memory, gpa(PAGE - 8), words, 2), -EFAULT);
}

static void test_number_of_windows_is_limited(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < VSVA_LIMIT_VM_WINDOWS; i++)
		assert_int_equal(add(f, 2 * i * PAGE, 0, PAGE, true), 0);
	assert_int_equal(add(f, UINT64_C(1) << 40, 0, PAGE, true), -ENOSPC);
	assert_int_equal(take(f, 10 * PAGE, PAGE), 0);
	assert_int_equal(add(f, UINT64_C(1) << 40, 0, PAGE, true), 0);
}

static void test_host_address_is_like_the_guests(void **state)
{
	struct fixture *f = *state;
	const uint64_t base = (UINT64_C(5) << 30) + 13 * PAGE;
	struct gm_window window;

	assert_int_equal(add(f, base, 0, PAGE, true), 0);
	assert_true(guest_memory_first(&f->memory, &window));
	assert_int_equal(window.host.v % (UINT64_C(1) << 30), base % (UINT64_C(1) << 30));
}

static void test_removal_needs_no_memory(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 0, 0, PAGE, true), 0);
	assert_int_equal(add(f, PAGE, PAGE, PAGE, true), 0);
	assert_int_equal(add(f, 2 * PAGE, 2 * PAGE, PAGE, true), 0);
	fail_nth_set(1, true);
	assert_int_equal(take(f, PAGE, PAGE), 0);
	assert_int_equal(take(f, 0, PAGE), 0);
	fail_nth_set(0, false);
	assert_int_equal(guest_memory_count(&f->memory), 1);
}

static void test_addition_without_memory_changes_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t steps;

	fail_nth_set(UINT64_MAX, false);
	assert_int_equal(add(f, 0, 0, PAGE, true), 0);
	steps = fail_nth_hits();
	assert_int_equal(take(f, 0, PAGE), 0);
	for (uint64_t nth = 1; nth <= steps; nth++) {
		fail_nth_set(nth, false);
		assert_true(add(f, 0, 0, PAGE, true) < 0);
		fail_nth_set(0, false);
		assert_int_equal(guest_memory_count(&f->memory), 0);
	}
	assert_int_equal(add(f, 0, 0, PAGE, true), 0);
}

/* CVE-like: the file behind guest memory shrinks while it is read. */
static void test_file_that_shrinks_reads_as_zeroes(void **state)
{
	struct fixture *f = *state;
	int file = memfd_create("guest", 0);
	uint8_t *memory, out[64];
	struct gm_window window;

	assert_int_equal(physmem_guard_install(), 0);
	assert_int_equal(ftruncate(file, 4 * (off_t)PAGE), 0);
	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	memset(memory, 0xee, 4 * PAGE);
	lock_take(&f->memory.lock);
	assert_int_equal(guest_memory_add(&f->memory, gpa(0), memory, 4 * PAGE, true, &window), 0);
	lock_drop(&f->memory.lock);
	assert_int_equal(ftruncate(file, (off_t)PAGE), 0);
	assert_int_equal(guest_memory_read(&f->memory, gpa(0), out, sizeof(out)), 0);
	assert_int_equal(out[0], 0xee);
	assert_int_equal(guest_memory_read(&f->memory, gpa(2 * PAGE), out, sizeof(out)), 0);
	assert_int_equal(out[0], 0);
	assert_int_equal(guest_memory_write(&f->memory, gpa(3 * PAGE), out, sizeof(out)), 0);
	assert_true(physmem_is_poisoned(f->physmem, window.host));
	assert_int_equal(take(f, 0, 4 * PAGE), 0);
	munmap(memory, 4 * PAGE);
	close(file);
}

/* Threads */

struct reader {
	struct fixture *f;
	bool stop; /* atomic */
	uint64_t missing, there;
};

/* A window is there whole or not at all, and one that stays is always there. */
static void *read_on(void *arg)
{
	struct reader *reader = arg;
	uint64_t word;

	while (!__atomic_load_n(&reader->stop, __ATOMIC_ACQUIRE)) {
		if (guest_memory_fetch(&reader->f->memory, gpa(0), &word, 1))
			reader->missing++;
		if (guest_memory_fetch(&reader->f->memory, gpa(4 * PAGE), &word, 1) == 0)
			reader->there++;
	}
	return NULL;
}

static void test_look_ups_while_windows_come_and_go(void **state)
{
	struct fixture *f = *state;
	struct reader reader = {.f = f};
	pthread_t thread;

	assert_int_equal(add(f, 0, 0, PAGE, true), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (int i = 0; i < 300; i++) {
		assert_int_equal(add(f, 4 * PAGE, 4 * PAGE, PAGE, true), 0);
		assert_int_equal(add(f, 8 * PAGE, 8 * PAGE, PAGE, true), 0);
		assert_int_equal(take(f, 4 * PAGE, PAGE), 0);
		assert_int_equal(take(f, 8 * PAGE, PAGE), 0);
	}
	__atomic_store_n(&reader.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(reader.missing, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_windows_that_are_none),
		CASE(test_windows_do_not_overlap),
		CASE(test_removal_takes_exactly_one),
		CASE(test_copies_cross_windows_or_do_nothing),
		CASE(test_rom_is_not_written),
		CASE(test_words_are_aligned_and_inside),
		CASE(test_number_of_windows_is_limited),
		CASE(test_host_address_is_like_the_guests),
		CASE(test_removal_needs_no_memory),
		CASE(test_addition_without_memory_changes_nothing),
		CASE(test_file_that_shrinks_reads_as_zeroes),
		CASE(test_look_ups_while_windows_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
