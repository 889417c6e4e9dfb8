/* SPDX-License-Identifier: MIT */
#include "vmm/guest_memory.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/rcu.h"
#include "vsva/limits.h"

struct gm_table {
	struct rcu_node rcu;
	unsigned count;
	struct gm_window windows[]; /* by base */
};

static void free_table(struct rcu_node *node)
{
	base_free(container_of(node, struct gm_table, rcu));
}

static struct gm_table *new_table(unsigned count)
{
	struct gm_table *table =
		base_zalloc(sizeof(*table) + (size_t)count * sizeof(table->windows[0]));

	if (table)
		table->count = count;
	return table;
}

int guest_memory_init(struct guest_memory *gm, struct physmem *physmem)
{
	gm->physmem = physmem;
	gm->table = new_table(0);
	gm->spare = new_table(0);
	if (!gm->table || !gm->spare) {
		base_free(gm->table);
		base_free(gm->spare);
		return -ENOMEM;
	}
	lock_init(&gm->lock, LOCK_RANK_VM_MEMORY, "guest memory");
	return 0;
}

void guest_memory_fini(struct guest_memory *gm)
{
	CHECK(gm->table->count == 0);
	base_free(gm->table);
	base_free(gm->spare);
	lock_destroy(&gm->lock);
}

/* The window that holds address, or NULL; tables are small and sorted. */
static const struct gm_window *find_window(const struct gm_table *table, uint64_t address)
{
	unsigned low = 0, high = table->count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		const struct gm_window *window = &table->windows[middle];

		if (address < window->base.v)
			high = middle;
		else if (address - window->base.v >= window->len)
			low = middle + 1;
		else
			return window;
	}
	return NULL;
}

static bool overlaps(const struct gm_table *table, uint64_t base, uint64_t len)
{
	for (unsigned i = 0; i < table->count; i++) {
		const struct gm_window *window = &table->windows[i];

		if (base < window->base.v + window->len && window->base.v < base + len)
			return true;
	}
	return false;
}

static void insert_sorted(struct gm_table *to, const struct gm_table *from,
			  const struct gm_window *window)
{
	unsigned at = 0;

	while (at < from->count && from->windows[at].base.v < window->base.v)
		at++;
	memcpy(to->windows, from->windows, at * sizeof(*window));
	to->windows[at] = *window;
	memcpy(&to->windows[at + 1], &from->windows[at], (from->count - at) * sizeof(*window));
}

/* Both tables grow; nobody reads the spare one. */
static void replace_tables(struct guest_memory *gm, struct gm_table *table, struct gm_table *spare)
{
	struct gm_table *old = gm->table;

	rcu_publish(gm->table, table);
	rcu_call(&old->rcu, free_table);
	base_free(gm->spare);
	gm->spare = spare;
}

static bool is_valid_window(gpa_t base, const void *memory, uint64_t len)
{
	uint64_t last = base.v + len - 1;

	return memory && len && (len | base.v | (uintptr_t)memory) % VSVA_PAGE_SIZE == 0 &&
	       last >= base.v && last < 1ull << 52;
}

int guest_memory_add(struct guest_memory *gm, gpa_t base, void *memory, uint64_t len, bool writable,
		     struct gm_window *window)
{
	struct gm_table *table, *spare;
	int err = -ENOMEM;

	if (!is_valid_window(base, memory, len))
		return -EINVAL;
	if (overlaps(gm->table, base.v, len))
		return -EEXIST;
	if (gm->table->count >= VSVA_LIMIT_VM_WINDOWS)
		return -ENOSPC;
	*window = (struct gm_window){
		.base = base, .len = len, .memory = memory, .writable = writable};
	table = new_table(gm->table->count + 1);
	spare = new_table(gm->table->count + 1);
	/* Same place inside a large page as in the guest, so that large pages can map it. */
	if (table && spare)
		err = physmem_add_like(gm->physmem, memory, len, writable, base.v, &window->host);
	if (err) {
		base_free(table);
		base_free(spare);
		return err;
	}
	insert_sorted(table, gm->table, window);
	replace_tables(gm, table, spare);
	return 0;
}

int guest_memory_find(struct guest_memory *gm, gpa_t base, uint64_t len, struct gm_window *window)
{
	const struct gm_window *found = find_window(gm->table, base.v);

	if (!found || found->base.v != base.v || found->len != len)
		return -ENOENT;
	*window = *found;
	return 0;
}

bool guest_memory_first(struct guest_memory *gm, struct gm_window *window)
{
	bool any;

	lock_take(&gm->lock);
	any = gm->table->count > 0;
	if (any)
		*window = gm->table->windows[0];
	lock_drop(&gm->lock);
	return any;
}

unsigned guest_memory_count(struct guest_memory *gm)
{
	unsigned count;

	lock_take(&gm->lock);
	count = gm->table->count;
	lock_drop(&gm->lock);
	return count;
}

/* The table without the window takes the place of the old one, which becomes the spare when its
 * readers have gone: removal must not fail. */
void guest_memory_remove(struct guest_memory *gm, const struct gm_window *window)
{
	struct gm_table *old = gm->table, *table = gm->spare;

	table->count = 0;
	for (unsigned i = 0; i < old->count; i++)
		if (old->windows[i].base.v != window->base.v)
			table->windows[table->count++] = old->windows[i];
	CHECK(table->count + 1 == old->count);
	rcu_publish(gm->table, table);
	gm->spare = old;
	CHECK(physmem_remove(gm->physmem, window->host) == 0);
	rcu_synchronize();
}

void *guest_memory_ptr(struct guest_memory *gm, gpa_t address, uint64_t len, bool write)
{
	const struct gm_window *window = find_window(rcu_load(gm->table), address.v);
	uint64_t offset;

	if (!window || (write && !window->writable))
		return NULL;
	offset = address.v - window->base.v;
	if (len > window->len - offset)
		return NULL;
	return window->memory + offset;
}

/* Bytes of [address, address+len) that lie in the window of address; 0: none does. */
static uint64_t piece_at(const struct gm_table *table, uint64_t address, uint64_t len, bool write,
			 uint8_t **memory)
{
	const struct gm_window *window = find_window(table, address);
	uint64_t left;

	if (!window || (write && !window->writable))
		return 0;
	left = window->len - (address - window->base.v);
	*memory = window->memory + (address - window->base.v);
	return len < left ? len : left;
}

static bool is_all_there(const struct gm_table *table, uint64_t address, uint64_t len, bool write)
{
	uint8_t *memory;
	uint64_t piece;

	for (; len; address += piece, len -= piece) {
		piece = piece_at(table, address, len, write, &memory);
		if (!piece)
			return false;
	}
	return true;
}

/* One table from the check to the last piece: all or nothing, whatever is unmapped meanwhile. */
static int copy(struct guest_memory *gm, uint64_t address, uint8_t *buffer, uint64_t len,
		bool write)
{
	const struct gm_table *table;
	bool there;

	rcu_read_lock();
	table = rcu_load(gm->table);
	there = is_all_there(table, address, len, write);
	while (there && len) {
		uint8_t *memory = NULL;
		uint64_t piece = piece_at(table, address, len, write, &memory);

		if (write)
			memcpy(memory, buffer, piece);
		else
			memcpy(buffer, memory, piece);
		address += piece;
		buffer += piece;
		len -= piece;
	}
	rcu_read_unlock();
	return there ? 0 : -EFAULT;
}

int guest_memory_read(struct guest_memory *gm, gpa_t address, void *buffer, uint64_t len)
{
	return copy(gm, address.v, buffer, len, false);
}

int guest_memory_write(struct guest_memory *gm, gpa_t address, const void *buffer, uint64_t len)
{
	return copy(gm, address.v, (uint8_t *)(uintptr_t)buffer, len, true);
}

int guest_memory_store32(struct guest_memory *gm, gpa_t address, uint32_t value)
{
	uint32_t *memory = NULL;

	rcu_read_lock();
	if (address.v % sizeof(value) == 0)
		memory = guest_memory_ptr(gm, address, sizeof(value), true);
	if (memory)
		__atomic_store_n(memory, value, __ATOMIC_RELEASE);
	rcu_read_unlock();
	return memory ? 0 : -EFAULT;
}

int guest_memory_fetch(struct guest_memory *gm, gpa_t address, uint64_t *words, unsigned count)
{
	const uint64_t *memory = NULL;

	rcu_read_lock();
	if (address.v % 8 == 0)
		memory = guest_memory_ptr(gm, address, 8ull * count, false);
	for (unsigned i = 0; memory && i < count; i++)
		words[i] = __atomic_load_n(&memory[i], __ATOMIC_ACQUIRE);
	rcu_read_unlock();
	return memory ? 0 : -EFAULT;
}
