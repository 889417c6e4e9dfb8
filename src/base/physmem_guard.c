/* SPDX-License-Identifier: MIT */
#include "base/physmem_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/fail.h"
#include "base/check.h"
#include "base/lock.h"
#include "base/physmem.h"

/*
 * The version is odd while the entry changes: the handler takes an entry for what it says only if
 * the version was even and the same before and after. The entry of the region that is being
 * accessed cannot change, because the access holds off the grace period after which it is dropped.
 */
struct guard_entry {
	_Atomic uint64_t version;
	_Atomic uintptr_t start; /* 0: free */
	_Atomic size_t len;
	_Atomic bool writable;
	_Atomic bool poisoned;
};

#define BLOCK_LEN     65536u
#define BLOCK_ENTRIES ((BLOCK_LEN - sizeof(void *)) / sizeof(struct guard_entry))

struct guard_block {
	struct guard_block *next;
	struct guard_entry entries[BLOCK_ENTRIES];
};

static struct lock guard_lock = LOCK_INITIALIZER(LOCK_RANK_LEAF, "physmem guard");
static struct guard_block *_Atomic blocks; /* writers: guard_lock */
static struct sigaction chained;           /* writers: guard_lock, while the handler is not ours */

static void entry_write(struct guard_entry *entry, uintptr_t start, size_t len, bool writable)
{
	atomic_fetch_add(&entry->version, 1);
	atomic_store(&entry->start, start);
	atomic_store(&entry->len, len);
	atomic_store(&entry->writable, writable);
	atomic_store(&entry->poisoned, false);
	atomic_fetch_add(&entry->version, 1);
}

static struct guard_entry *entry_find_free(void)
{
	for (struct guard_block *block = blocks; block; block = block->next)
		for (size_t i = 0; i < BLOCK_ENTRIES; i++)
			if (atomic_load(&block->entries[i].start) == 0)
				return &block->entries[i];
	return NULL;
}

static struct guard_entry *entry_from_new_block(void)
{
	struct guard_block *block = FAIL_CALL(
		MAP_FAILED, ENOMEM,
		mmap(NULL, BLOCK_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));

	if (block == MAP_FAILED)
		return NULL;
	block->next = blocks;
	blocks = block;
	return &block->entries[0];
}

struct guard_entry *guard_add(void *memory, size_t len, bool writable)
{
	struct guard_entry *entry;

	if (fail_nth_now())
		return NULL;
	lock_take(&guard_lock);
	entry = entry_find_free();
	if (!entry)
		entry = entry_from_new_block();
	if (entry)
		entry_write(entry, (uintptr_t)memory, len, writable);
	lock_drop(&guard_lock);
	return entry;
}

void guard_drop(struct guard_entry *entry)
{
	lock_take(&guard_lock);
	entry_write(entry, 0, 0, false);
	lock_drop(&guard_lock);
}

bool guard_is_poisoned(const struct guard_entry *entry)
{
	return atomic_load(&entry->poisoned);
}

struct range {
	uintptr_t start;
	size_t len;
	bool writable;
};

/* Async-signal-safe, as all below. Is the address in the entry's range? */
static bool entry_covers(struct guard_entry *entry, uintptr_t address, struct range *range)
{
	uint64_t version = atomic_load(&entry->version);

	*range = (struct range){atomic_load(&entry->start), atomic_load(&entry->len),
				atomic_load(&entry->writable)};
	return version % 2 == 0 && version == atomic_load(&entry->version) && range->start &&
	       address - range->start < range->len;
}

static bool replace_by_zeroes(uintptr_t address, size_t page_len, const struct range *range)
{
	uintptr_t page = address & ~(page_len - 1);
	int prot = range->writable ? PROT_READ | PROT_WRITE : PROT_READ;

	if (page < range->start || page + page_len > range->start + range->len)
		return false;
	return mmap((void *)page, page_len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
	       MAP_FAILED;
}

/* Memory of huge pages cannot lose less than one of them. */
static bool page_rescue(uintptr_t address, const struct range *range)
{
	return replace_by_zeroes(address, 4096, range) ||
	       replace_by_zeroes(address, (size_t)1 << 21, range) ||
	       replace_by_zeroes(address, (size_t)1 << 30, range);
}

/* Memory may belong to several regions: each of them is told. */
static bool address_rescue(uintptr_t address)
{
	bool rescued = false;
	struct range range;

	for (struct guard_block *block = blocks; block; block = block->next) {
		for (size_t i = 0; i < BLOCK_ENTRIES; i++) {
			struct guard_entry *entry = &block->entries[i];

			if (!entry_covers(entry, address, &range))
				continue;
			atomic_store(&entry->poisoned, true);
			rescued = rescued || page_rescue(address, &range);
		}
	}
	return rescued;
}

static void chain(int signal_number, siginfo_t *info, void *context)
{
	if (chained.sa_flags & SA_SIGINFO) {
		chained.sa_sigaction(signal_number, info, context);
	} else if (chained.sa_handler != SIG_DFL && chained.sa_handler != SIG_IGN) {
		chained.sa_handler(signal_number);
	} else {
		/* The access is repeated on return and ends the process as if we were not here. */
		signal(signal_number, SIG_DFL);
	}
}

static void on_sigbus(int signal_number, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	if (info->si_code <= 0 || !address_rescue((uintptr_t)info->si_addr))
		chain(signal_number, info, context);
	errno = saved_errno;
}

/* Each time, not only the first: somebody (a test framework, say) may have put his own in its
 * place. */
int physmem_guard_install(void)
{
	struct sigaction action = {.sa_sigaction = on_sigbus,
				   .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
	struct sigaction current;
	int err = 0;

	sigemptyset(&action.sa_mask);
	lock_take(&guard_lock);
	if (sigaction(SIGBUS, NULL, &current)) {
		err = -errno;
	} else if (!(current.sa_flags & SA_SIGINFO) || current.sa_sigaction != on_sigbus) {
		chained = current;
		err = sigaction(SIGBUS, &action, NULL) ? -errno : 0;
	}
	lock_drop(&guard_lock);
	return err;
}
