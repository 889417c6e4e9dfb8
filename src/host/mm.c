// SPDX-License-Identifier: MIT
#include "host/mm.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "host/mm_area.h"
#include "host/mm_table.h"
#include "host/driver.h"

/* Where addresses may lie, and where they are chosen; never the last page, so that an end is an
 * address. */
#define USER_START   UINT64_C(0x1000)
#define USER_CHOSEN  UINT64_C(0x7f0000000000)
#define USER_END     UINT64_C(0x7ffffffff000)
#define KERNEL_START UINT64_C(0xffff800000000000)
#define KERNEL_END   UINT64_C(0xfffffffffffff000)

struct vsva_mm {
	struct physmem *pm;
	const struct trace *trace;
	uint32_t flags; /* VSVA_MM_* */
	hpa_t root;     /* names the address space in events, also after its tables have gone */
	unsigned refs;  /* atomic */
	void *binder;   /* atomic */
	struct rcu_node rcu;

	struct lock lock; /* LOCK_RANK_MM: all below */
	struct mm_table table;
	struct mm_areas areas;
	struct list notifiers;
	bool is_dead;     /* atomic, writers: lock */
	bool is_in_doubt; /* something is condemned and not reaped */
};

/* The witness of an address space's lock. */
struct mm_locked {
	struct vsva_mm *mm;
};

static struct mm_locked mm_lock(struct vsva_mm *mm)
{
	lock_take(&mm->lock);
	return (struct mm_locked){mm};
}

static void mm_unlock(struct mm_locked locked)
{
	lock_drop(&locked.mm->lock);
}

/* Life */

int mm_create(const struct mm_config *config, struct vsva_mm **out)
{
	struct vsva_mm *mm = base_zalloc(sizeof(*mm));
	int err;

	if (!mm)
		return -ENOMEM;
	err = mm_table_init(&mm->table, config->physmem, !(config->flags & VSVA_MM_KERNEL));
	if (err) {
		base_free(mm);
		return err;
	}
	mm->pm = config->physmem;
	mm->trace = config->trace;
	mm->flags = config->flags;
	mm->root = mm->table.root;
	mm->refs = 1;
	list_init(&mm->notifiers);
	lock_init(&mm->lock, LOCK_RANK_MM, "address space");
	TRACE(mm->trace, HOST, MM_CREATE, .value = mm->root.v);
	*out = mm;
	return 0;
}

int vsva_mm_create(struct vsva_iommu *iommu, uint32_t flags, struct vsva_mm **out)
{
	struct mm_config config;

	if (!iommu || !out || flags & ~VSVA_MM_KERNEL)
		return -EINVAL;
	config = (struct mm_config){
		.physmem = iommu->port.physmem, .trace = iommu->trace, .flags = flags};
	return mm_create(&config, out);
}

void vsva_mm_get(struct vsva_mm *mm)
{
	CHECK(__atomic_fetch_add(&mm->refs, 1, __ATOMIC_RELAXED) > 0);
}

bool mm_get_living(struct vsva_mm *mm)
{
	unsigned refs = __atomic_load_n(&mm->refs, __ATOMIC_RELAXED);

	while (refs && !__atomic_compare_exchange_n(&mm->refs, &refs, refs + 1, true,
						    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		;
	return refs != 0;
}

static void mm_reclaim(struct rcu_node *node)
{
	struct vsva_mm *mm = container_of(node, struct vsva_mm, rcu);

	lock_destroy(&mm->lock);
	base_free(mm);
}

static void tell_destroyed(struct vsva_mm *mm)
{
	while (!list_is_empty(&mm->notifiers)) {
		struct mm_notifier *notifier =
			container_of(mm->notifiers.next, struct mm_notifier, in_mm);

		list_remove(&notifier->in_mm);
		if (notifier->ops->destroy)
			notifier->ops->destroy(notifier->arg);
	}
}

void vsva_mm_put(struct vsva_mm *mm)
{
	if (!mm || __atomic_fetch_sub(&mm->refs, 1, __ATOMIC_ACQ_REL) > 1)
		return;
	vsva_mm_exit(mm);
	/* whoever is in doubt has a reference */
	CHECK(!mm->is_in_doubt);
	tell_destroyed(mm);
	rcu_call(&mm->rcu, mm_reclaim);
}

bool vsva_mm_is_dead(struct vsva_mm *mm)
{
	return __atomic_load_n(&mm->is_dead, __ATOMIC_ACQUIRE);
}

hpa_t mm_root(const struct vsva_mm *mm)
{
	return mm->root;
}

bool mm_is_kernel(const struct vsva_mm *mm)
{
	return mm->flags & VSVA_MM_KERNEL;
}

void *mm_binder(const struct vsva_mm *mm)
{
	return __atomic_load_n(&mm->binder, __ATOMIC_ACQUIRE);
}

void mm_set_binder(struct vsva_mm *mm, void *binder)
{
	__atomic_store_n(&mm->binder, binder, __ATOMIC_RELEASE);
}

uint64_t vsva_mm_page_count(struct vsva_mm *mm)
{
	return __atomic_load_n(&mm->table.page_count, __ATOMIC_RELAXED);
}

/* Notifiers */

int mm_notifier_register(struct vsva_mm *mm, struct mm_notifier *notifier)
{
	struct mm_locked locked = mm_lock(mm);
	int err = mm->is_dead ? -ESRCH : 0;

	if (!err)
		list_append(&mm->notifiers, &notifier->in_mm);
	mm_unlock(locked);
	return err;
}

void mm_notifier_unregister(struct vsva_mm *mm, struct mm_notifier *notifier)
{
	struct mm_locked locked = mm_lock(mm);

	list_remove(&notifier->in_mm);
	mm_unlock(locked);
}

/* All are told, whatever one of them says. */
static int tell_range(struct mm_locked locked, uint64_t start, uint64_t end)
{
	struct list *all = &locked.mm->notifiers;
	int err = 0;

	for (struct list *at = all->next; at != all; at = at->next) {
		struct mm_notifier *notifier = container_of(at, struct mm_notifier, in_mm);
		int one = notifier->ops->invalidate_range(notifier->arg, start, end);

		err = err ? err : one;
	}
	return err;
}

static int tell_release(struct mm_locked locked)
{
	struct list *all = &locked.mm->notifiers;
	int err = 0;

	for (struct list *at = all->next; at != all; at = at->next) {
		struct mm_notifier *notifier = container_of(at, struct mm_notifier, in_mm);
		int one = notifier->ops->release(notifier->arg);

		err = err ? err : one;
	}
	return err;
}

/* Ranges */

static uint64_t space_start(const struct vsva_mm *mm)
{
	return mm_is_kernel(mm) ? KERNEL_START : USER_START;
}

static uint64_t space_end(const struct vsva_mm *mm)
{
	return mm_is_kernel(mm) ? KERNEL_END : USER_END;
}

static bool is_range(const struct vsva_mm *mm, uint64_t start, uint64_t len)
{
	if ((start | len) % VSVA_PAGE_SIZE || len == 0 || start < space_start(mm))
		return false;
	return start < space_end(mm) && len <= space_end(mm) - start;
}

static bool is_prot(uint32_t prot)
{
	return prot == VSVA_PROT_READ || prot == (VSVA_PROT_READ | VSVA_PROT_WRITE);
}

static struct mm_range range_of(uint64_t start, uint64_t end)
{
	return (struct mm_range){start, end - 1};
}

#define trace_range(mm, kind, start, end)                                                          \
	TRACE((mm)->trace, HOST, kind, .addr = (start), .len = (end) - (start),                    \
	      .value = (mm)->root.v)

/* Making present */

static int make_present(struct mm_locked locked, uint64_t *leaf, uint64_t address, bool writable)
{
	struct vsva_mm *mm = locked.mm;
	hpa_t page;

	if (!page_alloc(mm->pm, &page))
		return -ENOMEM;
	/* before the entry, so that no device is earlier than the news of it */
	TRACE(mm->trace, HOST, MM_MAP, .addr = address, .hpa = page, .len = VSVA_PAGE_SIZE,
	      .write = writable, .value = mm->root.v);
	mm_leaf_set(&mm->table, leaf, page, writable);
	return 0;
}

/* 0 and *out, the leaf, which is present. */
static int fault_in(struct mm_locked locked, uint64_t address, bool write, uint64_t **out)
{
	struct vsva_mm *mm = locked.mm;
	const struct mm_area *area = mm_areas_find(&mm->areas, address);
	uint64_t *leaf;

	if (!area || (write && !area->writable))
		return -EFAULT;
	leaf = mm_table_make(&mm->table, address);
	if (!leaf || mm_leaf_is_condemned(leaf))
		return mm->is_in_doubt ? -EIO : -ENOMEM;
	*out = leaf;
	if (mm_leaf_is_present(leaf))
		return 0;
	return make_present(locked, leaf, address & ~(uint64_t)(VSVA_PAGE_SIZE - 1),
			    area->writable);
}

int vsva_mm_fault_in(struct vsva_mm *mm, uva_t address, bool write)
{
	struct mm_locked locked;
	uint64_t *leaf;
	int err;

	if (!mm)
		return -EFAULT;
	locked = mm_lock(mm);
	err = fault_in(locked, address.v, write, &leaf);
	mm_unlock(locked);
	return err;
}

/* Privileged page requests are refused (VT-d 7.4 leaves that to software), so the kernel's memory
 * does not wait for one. */
static int populate(struct mm_locked locked, uint64_t start, uint64_t end)
{
	uint64_t *leaf;
	int err = 0;

	for (uint64_t at = start; at < end && !err; at += VSVA_PAGE_SIZE)
		err = fault_in(locked, at, false, &leaf);
	return err;
}

/* Taking away */

/* Everything that was condemned goes, or nothing: what is in doubt is whatever the last notifiers
 * could not settle. */
static int settle_range(struct mm_locked locked, uint64_t start, uint64_t end)
{
	struct vsva_mm *mm = locked.mm;
	int err;

	if (mm->is_in_doubt) {
		start = space_start(mm);
		end = space_end(mm);
	}
	err = tell_range(locked, start, end);
	mm->is_in_doubt = err != 0;
	if (err)
		return err;
	rcu_synchronize();
	mm_table_reap(&mm->table, range_of(start, end));
	return 0;
}

static int take_away(struct mm_locked locked, uint64_t start, uint64_t end)
{
	struct vsva_mm *mm = locked.mm;
	int err = 0;

	trace_range(mm, MM_UNMAP, start, end);
	/* also when nothing is there, because it went without the unit's answer: who asks again is told */
	if (mm_table_condemn(&mm->table, range_of(start, end)) || mm->is_in_doubt)
		err = settle_range(locked, start, end);
	if (!err)
		trace_range(mm, MM_UNMAP_DONE, start, end);
	return err;
}

static int unmap(struct mm_locked locked, uint64_t start, uint64_t end)
{
	struct vsva_mm *mm = locked.mm;

	if (mm->is_dead)
		return -ESRCH;
	if (mm_areas_split(&mm->areas, start, end))
		return -ENOMEM;
	mm_areas_remove(&mm->areas, start, end);
	return take_away(locked, start, end);
}

int vsva_mm_unmap(struct vsva_mm *mm, uva_t address, uint64_t len)
{
	struct mm_locked locked;
	int err;

	if (!mm || !is_range(mm, address.v, len))
		return -EINVAL;
	locked = mm_lock(mm);
	err = unmap(locked, address.v, address.v + len);
	mm_unlock(locked);
	return err;
}

/* Mapping */

static int choose(struct mm_locked locked, uint64_t len, uint64_t *start)
{
	struct vsva_mm *mm = locked.mm;
	uint64_t first = mm_is_kernel(mm) ? KERNEL_START : USER_CHOSEN;

	*start = mm_areas_choose(&mm->areas, first, space_end(mm), len);
	return *start < space_end(mm) ? 0 : -ENOMEM;
}

static int map(struct mm_locked locked, uint64_t *start, uint64_t len, bool writable)
{
	struct vsva_mm *mm = locked.mm;
	int err = mm->is_dead ? -ESRCH : 0;

	if (!err && !*start)
		err = choose(locked, len, start);
	if (!err && !mm_areas_is_free(&mm->areas, *start, *start + len))
		err = -EEXIST;
	if (!err)
		err = mm_areas_add(&mm->areas, *start, *start + len, writable);
	if (err)
		return err;
	if (mm_is_kernel(mm))
		err = populate(locked, *start, *start + len);
	if (err) {
		mm_areas_remove(&mm->areas, *start, *start + len);
		take_away(locked, *start, *start + len);
	}
	mm_areas_merge(&mm->areas);
	return err;
}

int vsva_mm_map(struct vsva_mm *mm, uva_t address, uint64_t len, uint32_t prot, uva_t *out)
{
	struct mm_locked locked;
	uint64_t start = address.v;
	int err;

	if (!mm || !is_prot(prot) || !is_range(mm, start ? start : space_start(mm), len))
		return -EINVAL;
	locked = mm_lock(mm);
	err = map(locked, &start, len, prot & VSVA_PROT_WRITE);
	mm_unlock(locked);
	if (!err && out)
		*out = uva(start);
	return err;
}

/* Rights */

struct rights {
	struct vsva_mm *mm;
	bool writable;
	bool any;
};

static void set_rights(void *arg, uint64_t *leaf)
{
	struct rights *rights = arg;

	mm_leaf_set_writable(leaf, rights->writable);
	rights->any = true;
}

/* The news of a right comes before it, that of a lost one after nobody has it any more. */
static void trace_rights(struct vsva_mm *mm, uint64_t start, uint64_t end, bool writable)
{
	for (uint64_t at = start; at < end; at += VSVA_PAGE_SIZE) {
		const uint64_t *leaf = mm_table_find(&mm->table, at);

		if (leaf && mm_leaf_is_present(leaf))
			TRACE(mm->trace, HOST, MM_MAP, .addr = at, .hpa = mm_leaf_page(leaf),
			      .len = VSVA_PAGE_SIZE, .write = writable, .value = mm->root.v);
	}
}

static int protect(struct mm_locked locked, uint64_t start, uint64_t end, bool writable)
{
	struct vsva_mm *mm = locked.mm;
	struct rights rights = {.mm = mm, .writable = writable};
	int err = 0;

	if (mm->is_dead)
		return -ESRCH;
	if (!mm_areas_is_full(&mm->areas, start, end) || mm_areas_split(&mm->areas, start, end))
		return -ENOMEM;
	mm_areas_set_writable(&mm->areas, start, end, writable);
	mm_areas_merge(&mm->areas);
	if (writable)
		trace_rights(mm, start, end, true);
	mm_table_for_each(&mm->table, range_of(start, end), set_rights, &rights);
	if (rights.any)
		err = tell_range(locked, start, end);
	if (!writable && !err)
		trace_rights(mm, start, end, false);
	return err;
}

int vsva_mm_protect(struct vsva_mm *mm, uva_t address, uint64_t len, uint32_t prot)
{
	struct mm_locked locked;
	int err;

	if (!mm || !is_prot(prot) || !is_range(mm, address.v, len))
		return -EINVAL;
	locked = mm_lock(mm);
	err = protect(locked, address.v, address.v + len, prot & VSVA_PROT_WRITE);
	mm_unlock(locked);
	return err;
}

/* Accesses of a CPU */

/* A pointer to the byte at address after faulting it in, and how many bytes of the page follow. */
static int cpu_access(struct mm_locked locked, uint64_t address, bool write, uint8_t **memory,
		      uint64_t *room)
{
	uint64_t offset = address % VSVA_PAGE_SIZE;
	uint64_t *leaf;
	int err = fault_in(locked, address, write, &leaf);

	if (err)
		return err;
	mm_leaf_touch(leaf, write);
	*memory = (uint8_t *)physmem_own_page(locked.mm->pm, mm_leaf_page(leaf)) + offset;
	*room = VSVA_PAGE_SIZE - offset;
	return 0;
}

static int cpu_copy(struct vsva_mm *mm, uint64_t address, uint8_t *data, uint64_t len, bool write)
{
	struct mm_locked locked;
	uint8_t *memory;
	uint64_t piece;
	int err = 0;

	if (!mm)
		return -EFAULT;
	locked = mm_lock(mm);
	for (; len && !err; len -= piece, address += piece, data += piece) {
		err = cpu_access(locked, address, write, &memory, &piece);
		if (err)
			break;
		if (piece > len)
			piece = len;
		if (write)
			memcpy(memory, data, piece);
		else
			memcpy(data, memory, piece);
	}
	mm_unlock(locked);
	return err;
}

int vsva_mm_write(struct vsva_mm *mm, uva_t address, const void *data, uint64_t len)
{
	return cpu_copy(mm, address.v, (uint8_t *)(uintptr_t)data, len, true);
}

int vsva_mm_read(struct vsva_mm *mm, uva_t address, void *data, uint64_t len)
{
	return cpu_copy(mm, address.v, data, len, false);
}

static bool peek(struct mm_locked locked, uint64_t address, uint8_t *out)
{
	struct vsva_mm *mm = locked.mm;
	const uint64_t *leaf;
	const uint8_t *memory;

	if (!mm_areas_find(&mm->areas, address))
		return false;
	leaf = mm_table_find(&mm->table, address);
	if (!leaf || !mm_leaf_is_present(leaf))
		return false;
	memory = physmem_own_page(mm->pm, mm_leaf_page(leaf));
	*out = __atomic_load_n(&memory[address % VSVA_PAGE_SIZE], __ATOMIC_ACQUIRE);
	return true;
}

int vsva_mm_peek(struct vsva_mm *mm, uva_t address, uint8_t *out)
{
	struct mm_locked locked;
	bool found;

	if (!mm || !out)
		return -ENOENT;
	locked = mm_lock(mm);
	found = peek(locked, address.v, out);
	mm_unlock(locked);
	return found ? 0 : -ENOENT;
}

/* Exit */

/* No translation is left anywhere. */
static void free_tables(struct mm_locked locked)
{
	struct vsva_mm *mm = locked.mm;

	mm->is_in_doubt = false;
	rcu_synchronize();
	/* before anything can be used again */
	TRACE(mm->trace, HOST, MM_EXIT, .value = mm->root.v);
	mm_table_fini(&mm->table);
}

/* The translations first, and the memory when nobody has one any more. */
static void die(struct mm_locked locked)
{
	struct vsva_mm *mm = locked.mm;

	__atomic_store_n(&mm->is_dead, true, __ATOMIC_RELEASE);
	mm->is_in_doubt = tell_release(locked) != 0;
	mm_areas_remove(&mm->areas, space_start(mm), space_end(mm));
	if (!mm->is_in_doubt)
		free_tables(locked);
	else
		LOG_LIMITED(LOG_WARN, VSVA_CODE_UNIT_SILENT,
			    "host: a process has exited, but the unit does not answer: "
			    "its memory waits");
}

void vsva_mm_exit(struct vsva_mm *mm)
{
	struct mm_locked locked = mm_lock(mm);

	if (!mm->is_dead)
		die(locked);
	mm_unlock(locked);
}

void mm_settle(struct vsva_mm *mm)
{
	struct mm_locked locked = mm_lock(mm);

	if (mm->is_dead && mm->is_in_doubt)
		free_tables(locked);
	mm_unlock(locked);
}
