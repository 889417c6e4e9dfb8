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
	if (!gm->table)
		return -ENOMEM;
	lock_init(&gm->lock, LOCK_RANK_LEAF, "guest memory");
	return 0;
}

void guest_memory_fini(struct guest_memory *gm)
{
	CHECK(gm->table->count == 0);
	base_free(gm->table);
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

static void replace_table(struct guest_memory *gm, struct gm_table *table)
{
	struct gm_table *old = gm->table;

	rcu_publish(gm->table, table);
	rcu_call(&old->rcu, free_table);
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
	struct gm_table *table;
	int err;

	if (!is_valid_window(base, memory, len))
		return -EINVAL;
	*window = (struct gm_window){.base = base, .len = len, .memory = memory, .writable = writable};
	lock_take(&gm->lock);
	err = -EEXIST;
	if (overlaps(gm->table, base.v, len))
		goto out;
	err = -ENOSPC;
	if (gm->table->count >= VSVA_LIMIT_VM_WINDOWS)
		goto out;
	err = -ENOMEM;
	table = new_table(gm->table->count + 1);
	if (!table)
		goto out;
	/* Same place inside a large page as in the guest, so that large pages can map it. */
	err = physmem_add_like(gm->physmem, memory, len, writable, base.v, &window->host);
	if (err) {
		base_free(table);
		goto out;
	}
	insert_sorted(table, gm->table, window);
	replace_table(gm, table);
out:
	lock_drop(&gm->lock);
	return err;
}

int guest_memory_find(struct guest_memory *gm, gpa_t base, uint64_t len, struct gm_window *window)
{
	const struct gm_window *found;
	int err = -ENOENT;

	lock_take(&gm->lock);
	found = find_window(gm->table, base.v);
	if (found && found->base.v == base.v && found->len == len) {
		*window = *found;
		err = 0;
	}
	lock_drop(&gm->lock);
	return err;
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

/* Shrinks in place of allocating: removal must not fail. Readers may hold the old table, so a copy is
 * still needed; without memory for one the old table is edited after its readers have gone. */
static void take_out(struct guest_memory *gm, const struct gm_window *window)
{
	struct gm_table *table = new_table(gm->table->count - 1);
	struct gm_table *old = gm->table;
	unsigned kept = 0;

	if (!table) {
		struct gm_window *at = old->windows;

		while (at->base.v != window->base.v)
			at++;
		at->len = 0;
		rcu_synchronize();
		memmove(at, at + 1, (size_t)(&old->windows[old->count] - (at + 1)) * sizeof(*at));
		old->count--;
		return;
	}
	for (unsigned i = 0; i < old->count; i++)
		if (old->windows[i].base.v != window->base.v)
			table->windows[kept++] = old->windows[i];
	replace_table(gm, table);
}

void guest_memory_remove(struct guest_memory *gm, const struct gm_window *window)
{
	lock_take(&gm->lock);
	take_out(gm, window);
	CHECK(physmem_remove(gm->physmem, window->host) == 0);
	lock_drop(&gm->lock);
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
static uint64_t piece_at(struct guest_memory *gm, uint64_t address, uint64_t len, bool write,
			 uint8_t **memory)
{
	const struct gm_window *window = find_window(rcu_load(gm->table), address);
	uint64_t left;

	if (!window || (write && !window->writable))
		return 0;
	left = window->len - (address - window->base.v);
	*memory = window->memory + (address - window->base.v);
	return len < left ? len : left;
}

static bool is_all_there(struct guest_memory *gm, uint64_t address, uint64_t len, bool write)
{
	uint8_t *memory;
	uint64_t piece;

	for (; len; address += piece, len -= piece) {
		piece = piece_at(gm, address, len, write, &memory);
		if (!piece)
			return false;
	}
	return true;
}

static int copy(struct guest_memory *gm, uint64_t address, uint8_t *buffer, uint64_t len, bool write)
{
	int err = -EFAULT;

	rcu_read_lock();
	if (!is_all_there(gm, address, len, write))
		goto out;
	while (len) {
		uint8_t *memory = NULL;
		uint64_t piece = piece_at(gm, address, len, write, &memory);

		if (!piece)
			goto out;
		if (write)
			memcpy(memory, buffer, piece);
		else
			memcpy(buffer, memory, piece);
		address += piece;
		buffer += piece;
		len -= piece;
	}
	err = 0;
out:
	rcu_read_unlock();
	return err;
}

int guest_memory_read(struct guest_memory *gm, gpa_t address, void *buffer, uint64_t len)
{
	return copy(gm, address.v, buffer, len, false);
}

int guest_memory_write(struct guest_memory *gm, gpa_t address, const void *buffer, uint64_t len)
{
	return copy(gm, address.v, (uint8_t *)(uintptr_t)buffer, len, true);
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
