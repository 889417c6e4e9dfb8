// SPDX-License-Identifier: MIT
/* PASID translation tables: their format in memory, the processor's walk, and the book of ids. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "host/kvm_ids.h"
#include "host/kvm_tables.h"

#define GUEST 0x12345u /* low directory, entry 0x48, table entry 0x345 */
#define HIGH  0xfedcbu /* high directory, entry 0x1fb, table entry 0x1cb */
#define HOST  0xabcdeu

struct fixture {
	struct physmem *pm;
	struct kvm_tables tables;
};

static void begin(struct fixture *f)
{
	f->pm = physmem_create();
	assert_non_null(f->pm);
	assert_int_equal(kvm_tables_init(&f->tables, f->pm), 0);
}

static void end(struct fixture *f)
{
	kvm_tables_fini(&f->tables);
	assert_int_equal(physmem_pages_in_use(f->pm), 0);
	physmem_destroy(f->pm);
}

static void set(struct fixture *f, uint32_t guest, uint32_t host)
{
	assert_int_equal(kvm_tables_make(&f->tables, gpasid(guest)), 0);
	kvm_tables_set(&f->tables, gpasid(guest), hpasid(host));
}

/* What the processor finds; VSVA_PASID_INVALID: it exits. */
static uint32_t walk(struct fixture *f, uint32_t guest)
{
	hpasid_t host;
	bool found;

	rcu_read_lock();
	found = kvm_walk(f->pm, f->tables.dir, gpasid(guest), &host);
	rcu_read_unlock();
	return found ? host.v : VSVA_PASID_INVALID;
}

/* Memory by its address, as the architecture defines where things are. */
static uint64_t *dir_word(struct fixture *f, unsigned half, unsigned index)
{
	uint64_t *word;

	rcu_read_lock();
	word = physmem_ptr(f->pm, hpa(f->tables.dir[half].v + 8u * index), 8, true);
	rcu_read_unlock();
	assert_non_null(word);
	return word;
}

static uint32_t *table_word(struct fixture *f, uint64_t dir_entry, unsigned index)
{
	uint32_t *word;

	rcu_read_lock();
	word = physmem_ptr(f->pm, hpa((dir_entry & ~UINT64_C(0xfff)) + 4u * index), 4, true);
	rcu_read_unlock();
	assert_non_null(word);
	return word;
}

static void test_tables_are_where_the_architecture_says(void **state)
{
	struct fixture f;
	uint64_t low, high;

	(void)state;
	begin(&f);
	assert_int_equal(f.tables.dir[0].v % 4096, 0);
	assert_int_equal(f.tables.dir[1].v % 4096, 0);
	set(&f, GUEST, HOST);
	set(&f, HIGH, 1);
	low = *dir_word(&f, 0, 0x48);
	high = *dir_word(&f, 1, 0x1fb);
	assert_int_equal(low & 0xfff, 1);
	assert_int_equal(high & 0xfff, 1);
	assert_int_equal(*table_word(&f, low, 0x345), 0x80000000u | HOST);
	assert_int_equal(*table_word(&f, high, 0x1cb), 0x80000001u);
	kvm_tables_clear(&f.tables, gpasid(GUEST));
	assert_int_equal(*table_word(&f, low, 0x345) & 0x80000000u, 0);
	assert_int_equal(*dir_word(&f, 0, 0x48), low); /* the table stays */
	end(&f);
}

static void test_walk_takes_either_directory(void **state)
{
	static const uint32_t guests[] = {0, 1, 0x3ff, 0x400, 0x7ffff, 0x80000, 0xffbff, 0xfffff};
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(walk(&f, guests[i]), VSVA_PASID_INVALID);
	for (unsigned i = 0; i < 8; i++)
		set(&f, guests[i], 0x1000 + i);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(walk(&f, guests[i]), 0x1000 + i);
	assert_int_equal(walk(&f, 2), VSVA_PASID_INVALID);
	kvm_tables_clear(&f.tables, gpasid(0x80000));
	assert_int_equal(walk(&f, 0x80000), VSVA_PASID_INVALID);
	assert_int_equal(walk(&f, 0), 0x1000);
	end(&f);
}

/* One bit more at a time, in either entry; the entry as it was translates. */
static void test_walk_checks_every_reserved_bit(void **state)
{
	struct fixture f;
	uint64_t *dir_entry;
	uint32_t *entry;

	(void)state;
	begin(&f);
	set(&f, GUEST, HOST);
	dir_entry = dir_word(&f, 0, 0x48);
	entry = table_word(&f, *dir_entry, 0x345);
	for (unsigned bit = 1; bit < 64; bit++) {
		uint64_t as_it_was = *dir_entry;

		if (bit >= 12 && bit < PHYSMEM_HAW)
			continue; /* the address */
		*dir_entry |= UINT64_C(1) << bit;
		assert_int_equal(walk(&f, GUEST), VSVA_PASID_INVALID);
		*dir_entry = as_it_was;
		assert_int_equal(walk(&f, GUEST), HOST);
	}
	for (unsigned bit = 20; bit < 31; bit++) {
		*entry |= UINT32_C(1) << bit;
		assert_int_equal(walk(&f, GUEST), VSVA_PASID_INVALID);
		*entry &= ~(UINT32_C(1) << bit);
		assert_int_equal(walk(&f, GUEST), HOST);
	}
	end(&f);
}

static void test_walk_needs_present_and_valid(void **state)
{
	struct fixture f;
	uint64_t *dir_entry;
	uint32_t *entry;

	(void)state;
	begin(&f);
	set(&f, GUEST, HOST);
	dir_entry = dir_word(&f, 0, 0x48);
	entry = table_word(&f, *dir_entry, 0x345);
	*dir_entry &= ~UINT64_C(1);
	assert_int_equal(walk(&f, GUEST), VSVA_PASID_INVALID);
	*dir_entry |= 1;
	*entry &= 0x7fffffff;
	assert_int_equal(walk(&f, GUEST), VSVA_PASID_INVALID);
	*entry |= 0x80000000;
	assert_int_equal(walk(&f, GUEST), HOST);
	end(&f);
}

/* An address where nothing is: all ones are read. */
static void test_walk_beyond_memory_exits(void **state)
{
	struct fixture f;
	uint64_t *dir_entry, as_it_was;
	hpa_t nowhere[2] = {hpa(UINT64_C(0x3fff00000000)), hpa(UINT64_C(0x3fff00001000))};
	hpasid_t host;

	(void)state;
	begin(&f);
	set(&f, GUEST, HOST);
	dir_entry = dir_word(&f, 0, 0x48);
	as_it_was = *dir_entry;
	*dir_entry = UINT64_C(0x3fff00000001);
	assert_int_equal(walk(&f, GUEST), VSVA_PASID_INVALID);
	*dir_entry = as_it_was;
	rcu_read_lock();
	assert_false(kvm_walk(f.pm, nowhere, gpasid(GUEST), &host));
	rcu_read_unlock();
	end(&f);
}

static void test_no_memory_leaves_no_trace(void **state)
{
	struct fixture f;

	(void)state;
	f.pm = physmem_create();
	for (unsigned nth = 1; nth <= 2; nth++) {
		fail_nth_set(nth, 0);
		assert_int_equal(kvm_tables_init(&f.tables, f.pm), -ENOMEM);
		fail_nth_set(0, 0);
		assert_int_equal(physmem_pages_in_use(f.pm), 0);
	}
	assert_int_equal(kvm_tables_init(&f.tables, f.pm), 0);
	fail_nth_set(1, 0);
	assert_int_equal(kvm_tables_make(&f.tables, gpasid(GUEST)), -ENOMEM);
	fail_nth_set(0, 0);
	kvm_tables_clear(&f.tables, gpasid(GUEST));
	assert_int_equal(walk(&f, GUEST), VSVA_PASID_INVALID);
	set(&f, GUEST, HOST);
	assert_int_equal(walk(&f, GUEST), HOST);
	end(&f);
}

/* The book of ids */

static struct kvm_ids *new_ids(void)
{
	struct kvm_ids *ids = base_zalloc(sizeof(*ids));

	assert_non_null(ids);
	return ids;
}

static void delete_ids(struct kvm_ids *ids)
{
	kvm_ids_fini(ids);
	base_free(ids);
}

static void install(struct kvm_ids *ids, uint32_t id, uint32_t guest)
{
	assert_int_equal(kvm_ids_reserve(ids, hpasid(id)), 0);
	kvm_ids_install(ids, hpasid(id), gpasid(guest));
}

static enum kvm_id_state state_of(const struct kvm_ids *ids, uint32_t id)
{
	gpasid_t guest;

	return kvm_ids_state(ids, hpasid(id), &guest);
}

static void test_ids_are_taken_once_when_they_are_freed(void **state)
{
	struct kvm_ids *ids = new_ids();
	gpasid_t guest;

	(void)state;
	assert_int_equal(state_of(ids, 7), KVM_ID_NONE);
	assert_false(kvm_ids_take_freed(ids, hpasid(7)));
	install(ids, 7, GUEST);
	install(ids, 0xfffff, HIGH);
	assert_int_equal(kvm_ids_state(ids, hpasid(7), &guest), KVM_ID_INSTALLED);
	assert_int_equal(guest.v, GUEST);
	assert_false(kvm_ids_take_freed(ids, hpasid(7)));
	kvm_ids_unbind(ids, hpasid(7));
	assert_int_equal(state_of(ids, 7), KVM_ID_UNBOUND);
	assert_false(kvm_ids_take_freed(ids, hpasid(7)));
	kvm_ids_free(ids, hpasid(7));
	kvm_ids_free(ids, hpasid(0xfffff)); /* it was not unbound */
	assert_true(kvm_ids_take_freed(ids, hpasid(7)));
	assert_false(kvm_ids_take_freed(ids, hpasid(7)));
	assert_int_equal(state_of(ids, 7), KVM_ID_NONE);
	assert_true(kvm_ids_take_freed(ids, hpasid(0xfffff)));
	delete_ids(ids);
}

/* Bound again under another guest PASID: one reference, and it stays. */
static void test_id_that_comes_back_is_not_taken(void **state)
{
	struct kvm_ids *ids = new_ids();
	gpasid_t guest;

	(void)state;
	install(ids, 7, GUEST);
	kvm_ids_unbind(ids, hpasid(7));
	install(ids, 7, HIGH);
	assert_int_equal(kvm_ids_state(ids, hpasid(7), &guest), KVM_ID_INSTALLED);
	assert_int_equal(guest.v, HIGH);
	assert_false(kvm_ids_take_freed(ids, hpasid(7)));
	delete_ids(ids);
}

static void test_ids_are_visited_in_order(void **state)
{
	static const uint32_t members[] = {1, 2, 0x3ff, 0x400, 0x80000, 0xfffff};
	struct kvm_ids *ids = new_ids();
	hpasid_t id = hpasid(0);
	gpasid_t guest;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		install(ids, members[i], i);
	kvm_ids_unbind(ids, hpasid(2));
	kvm_ids_free(ids, hpasid(0x400));
	for (unsigned i = 0; i < 6; i++, id.v++) {
		assert_int_not_equal(kvm_ids_next(ids, &id, &guest), KVM_ID_NONE);
		assert_int_equal(id.v, members[i]);
	}
	assert_int_equal(kvm_ids_next(ids, &id, &guest), KVM_ID_NONE);
	assert_true(id.v > VSVA_PASID_MAX);
	delete_ids(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_where_the_architecture_says),
		cmocka_unit_test(test_walk_takes_either_directory),
		cmocka_unit_test(test_walk_checks_every_reserved_bit),
		cmocka_unit_test(test_walk_needs_present_and_valid),
		cmocka_unit_test(test_walk_beyond_memory_exits),
		cmocka_unit_test(test_no_memory_leaves_no_trace),
		cmocka_unit_test(test_ids_are_taken_once_when_they_are_freed),
		cmocka_unit_test(test_id_that_comes_back_is_not_taken),
		cmocka_unit_test(test_ids_are_visited_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
