// SPDX-License-Identifier: MIT
#include "stores.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/check.h"
#include "vsva/types.h"

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)

#define TRAP_FLAG 0x100

static struct stores *recording;
static const uint64_t *watched;
static void *page;
static struct sigaction old_segv, old_trap;

static void protect(int protection)
{
	CHECK(mprotect(page, VSVA_PAGE_SIZE, protection) == 0);
}

static bool is_in_page(const void *address)
{
	return (uintptr_t)address / VSVA_PAGE_SIZE == (uintptr_t)page / VSVA_PAGE_SIZE;
}

/* The store that was caught is let through, and the next instruction is caught. */
static void on_segv(int signal, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)signal;
	CHECK(recording && is_in_page(info->si_addr));
	protect(PROT_READ | PROT_WRITE);
	user->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
	struct stores_state *last = &recording->states[recording->count - 1];
	ucontext_t *user = context;
	size_t len = recording->words * sizeof(uint64_t);

	(void)signal;
	(void)info;
	user->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
	protect(PROT_READ);
	if (!memcmp(last->word, watched, len)) /* the neighbour's, or no change */
		return;
	CHECK(recording->count < STORES_MAX);
	last++;
	memset(last, 0, sizeof(*last));
	memcpy(last->word, watched, len);
	recording->count++;
}

static void catch (int signal, void (*handler)(int, siginfo_t *, void *), struct sigaction *old)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	CHECK(sigaction(signal, &action, old) == 0);
}

bool stores_are_supported(void)
{
	return true;
}

void stores_begin(struct stores *stores, void *entry, unsigned words)
{
	CHECK(!recording && words <= STORES_WORDS_MAX);
	memset(stores, 0, sizeof(*stores));
	stores->words = words;
	stores->count = 1;
	memcpy(stores->states[0].word, entry, words * sizeof(uint64_t));
	recording = stores;
	watched = entry;
	page = (void *)((uintptr_t)entry / VSVA_PAGE_SIZE * VSVA_PAGE_SIZE);
	catch (SIGSEGV, on_segv, &old_segv);
	catch (SIGTRAP, on_trap, &old_trap);
	protect(PROT_READ);
}

void stores_end(struct stores *stores)
{
	CHECK(recording == stores);
	protect(PROT_READ | PROT_WRITE);
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGTRAP, &old_trap, NULL);
	recording = NULL;
}

#else

bool stores_are_supported(void)
{
	return false;
}

void stores_begin(struct stores *stores, void *entry, unsigned words)
{
	(void)stores;
	(void)entry;
	(void)words;
}

void stores_end(struct stores *stores)
{
	(void)stores;
}

#endif

void stores_fence(struct stores *stores)
{
	stores->states[stores->count - 1].is_fenced = true;
}
