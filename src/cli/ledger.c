/* SPDX-License-Identifier: MIT */
#include "cli/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/ledger_book.h"

struct ledger {
	pthread_mutex_t lock;
	ledger_report_fn *report;
	void *arg;
	struct book book;            /* lock */
	struct ledger_counts counts; /* lock */
};

struct ledger *ledger_create(ledger_report_fn *report, void *arg)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	pthread_mutex_init(&ledger->lock, NULL);
	ledger->report = report;
	ledger->arg = arg;
	return ledger;
}

void ledger_destroy(struct ledger *ledger)
{
	if (!ledger)
		return;
	book_fini(&ledger->book);
	pthread_mutex_destroy(&ledger->lock);
	free(ledger);
}

void ledger_set_opaque(struct ledger *ledger, uint32_t vm)
{
	struct ledger_vm *found;

	pthread_mutex_lock(&ledger->lock);
	found = book_make_vm(&ledger->book, vm);
	if (found)
		found->is_opaque = true;
	pthread_mutex_unlock(&ledger->lock);
}

void ledger_get_counts(struct ledger *ledger, struct ledger_counts *out)
{
	pthread_mutex_lock(&ledger->lock);
	*out = ledger->counts;
	out->bound_now = book_count_bound(&ledger->book);
	out->is_blind = ledger->book.is_blind;
	pthread_mutex_unlock(&ledger->lock);
}

/* Judging an access */

/* Why an access was not allowed. */
enum verdict {
	VERDICT_ALLOWED,
	VERDICT_NEVER_BOUND,
	VERDICT_ENDED,
	VERDICT_VM_DESTROYED,
	VERDICT_NO_SPACE,
	VERDICT_SPACE_DEAD,
	VERDICT_NO_PAGE,
	VERDICT_NO_MEMORY,
	VERDICT_OTHER_PAGE,
};

/* What is known where the judgement ended. */
struct finding {
	enum verdict verdict;
	uint64_t at;  /* address of the first byte that was not allowed */
	uint64_t gpa; /* where the first stage leads it */
	uint64_t hpa; /* where the VM's memory leads that */
};

struct question {
	uint64_t addr, hpa, len;
	bool write;
};

/* How far do the VM's tables lead gpa to the host page of the question? 0: not at all. */
static uint64_t judge_memory(const struct ledger_vm *vm, struct question q, uint64_t gpa,
			     struct finding *finding)
{
	struct extents_cursor cursor = {.has_begun = false};
	uint64_t len = q.len, to;

	finding->gpa = gpa;
	finding->verdict = VERDICT_NO_MEMORY;
	while (extents_next(&vm->memory, &cursor, gpa, q.write, &to, &len)) {
		if (to == q.hpa)
			return len;
		finding->verdict = VERDICT_OTHER_PAGE;
		finding->hpa = to;
		len = q.len;
	}
	return 0;
}

static uint64_t judge_space(const struct ledger_vm *vm, uint64_t root, struct question q,
			    struct finding *finding)
{
	const struct space *space = book_find_space(vm, root);
	struct extents_cursor cursor = {.has_begun = false};
	uint64_t gpa, len = q.len, allowed;

	finding->verdict =
		!space ? VERDICT_NO_SPACE : (space->is_dead ? VERDICT_SPACE_DEAD : VERDICT_NO_PAGE);
	while (space && extents_next(&space->pages, &cursor, q.addr, q.write, &gpa, &len)) {
		struct question inner = {
			.addr = q.addr, .hpa = q.hpa, .len = len, .write = q.write};

		allowed = judge_memory(vm, inner, gpa, finding);
		if (allowed)
			return allowed;
		len = q.len;
	}
	return 0;
}

/* A native page leads to the host page itself. */
static uint64_t judge_native(const struct book *book, uint64_t root, struct question q,
			     struct finding *finding)
{
	const struct space *space = book_find_native(book, root);
	struct extents_cursor cursor = {.has_begun = false};
	uint64_t len = q.len, to;

	finding->verdict =
		!space ? VERDICT_NO_SPACE : (space->is_dead ? VERDICT_SPACE_DEAD : VERDICT_NO_PAGE);
	while (space && extents_next(&space->pages, &cursor, q.addr, q.write, &to, &len)) {
		if (to == q.hpa)
			return len;
		finding->verdict = VERDICT_OTHER_PAGE;
		finding->gpa = q.addr;
		finding->hpa = to;
		len = q.len;
	}
	return 0;
}

static uint64_t judge_target(const struct book *book, const struct ledger_vm *vm,
			     const struct target *target, struct question q,
			     struct finding *finding)
{
	uint64_t len = q.len;

	if (!target->is_set)
		return 0;
	if (target->is_native)
		return judge_native(book, target->root, q, finding);
	if (!vm || vm->is_destroyed) {
		finding->verdict = VERDICT_VM_DESTROYED;
		return 0;
	}
	if (!vm->has_guest || vm->is_opaque) {
		finding->verdict = VERDICT_NO_MEMORY;
		return extents_leads_to(&vm->memory, q.hpa, q.write, &len) ? len : 0;
	}
	if (target->kind == VSVA_RID_SECOND_STAGE)
		return judge_memory(vm, q, q.addr, finding);
	return judge_space(vm, target->root, q, finding);
}

static uint64_t judge_piece(const struct book *book, const struct pair *pair, struct question q,
			    struct finding *finding)
{
	const struct ledger_vm *vm = book_find_vm(book, pair->vm);
	uint64_t len;

	finding->verdict = pair->ended ? VERDICT_ENDED : VERDICT_NEVER_BOUND;
	len = judge_target(book, vm, &pair->now, q, finding);
	if (!len)
		len = judge_target(book, vm, &pair->next, q, finding);
	return len;
}

static struct finding judge(const struct book *book, const struct vsva_event *event)
{
	const struct pair *pair = book_find_pair(book, event->rid, event->hpasid);
	struct finding finding = {.verdict = VERDICT_NEVER_BOUND, .at = event->addr};
	uint64_t done = 0;

	while (pair && done < event->len) {
		struct question q = {.addr = event->addr + done,
				     .hpa = event->hpa.v + done,
				     .len = event->len - done,
				     .write = event->write};
		uint64_t len = judge_piece(book, pair, q, &finding);

		finding.at = q.addr;
		if (!len)
			return finding;
		done += len;
	}
	if (pair)
		finding.verdict = VERDICT_ALLOWED;
	return finding;
}

/* Saying it */

#define TEXT_MAX 512

static void say_allowed(char *text, size_t size, const struct book *book,
			const struct vsva_event *event, const struct finding *finding)
{
	const struct pair *pair = book_find_pair(book, event->rid, event->hpasid);

	switch (finding->verdict) {
	case VERDICT_ENDED:
		snprintf(text, size, "nothing, since event %" PRIu64 " (%s)", pair->ended,
			 vsva_event_name(pair->ended_by));
		break;
	case VERDICT_VM_DESTROYED:
		snprintf(text, size, "nothing: VM %" PRIu32 " is no more", pair->vm);
		break;
	case VERDICT_NO_SPACE:
	case VERDICT_NO_PAGE:
		snprintf(text, size, "its address space has no %spage at %#" PRIx64,
			 event->write ? "writable " : "", finding->at);
		break;
	case VERDICT_SPACE_DEAD:
		snprintf(text, size, "nothing: the process has exited");
		break;
	case VERDICT_NO_MEMORY:
		snprintf(text, size, "VM %" PRIu32 " has no %smemory there (GPA %#" PRIx64 ")",
			 pair->vm, event->write ? "writable " : "", finding->gpa);
		break;
	case VERDICT_OTHER_PAGE:
		snprintf(text, size, "GPA %#" PRIx64 ", HPA %#" PRIx64, finding->gpa, finding->hpa);
		break;
	default:
		snprintf(text, size, "nothing: it was never bound");
		break;
	}
}

static void say_pair(char *text, size_t size, const struct vsva_event *event)
{
	int used = snprintf(text, size, "device %02x:%02x.%x ", event->rid.v >> 8,
			    event->rid.v >> 3 & 0x1fu, event->rid.v & 7u);

	if (event->hpasid.v == VSVA_PASID_INVALID)
		snprintf(text + used, size - (size_t)used, "without PASID");
	else
		snprintf(text + used, size - (size_t)used, "host PASID %#" PRIx32, event->hpasid.v);
}

static void say_violation(char *text, size_t size, const struct book *book,
			  const struct vsva_event *event, const struct finding *finding)
{
	char who[64], allowed[192];

	say_pair(who, sizeof(who), event);
	say_allowed(allowed, sizeof(allowed), book, event, finding);
	snprintf(text, size,
		 "event %" PRIu64 ": %s %s %" PRIu64 " bytes at %#" PRIx64 ", HPA %#" PRIx64
		 "\n  allowed: %s",
		 book->event, who, event->write ? "wrote" : "read", event->len, event->addr,
		 event->hpa.v, allowed);
}

static void say_reclaimed(char *text, size_t size, const struct book *book,
			  const struct vsva_event *event)
{
	snprintf(text, size,
		 "event %" PRIu64 ": host PASID %#" PRIx32
		 " was reclaimed while a device is bound to it"
		 "\n  allowed: reclaim after the last unbind",
		 book->event, event->hpasid.v);
}

/* Observing */

static bool judge_access(struct ledger *ledger, const struct vsva_event *event, char *text)
{
	struct finding finding = judge(&ledger->book, event);

	ledger->counts.accesses++;
	if (finding.verdict == VERDICT_ALLOWED)
		return false;
	say_violation(text, TEXT_MAX, &ledger->book, event, &finding);
	return true;
}

static bool judge_reclaim(struct ledger *ledger, const struct vsva_event *event, char *text)
{
	ledger->counts.pasids_freed++;
	if (!book_is_bound(&ledger->book, event->hpasid))
		return false;
	say_reclaimed(text, TEXT_MAX, &ledger->book, event);
	return true;
}

static bool observe_locked(struct ledger *ledger, const struct vsva_event *event, char *text)
{
	bool is_bad = false;

	ledger->book.event = ++ledger->counts.events;
	if (event->kind == VSVA_EV_ACCESS)
		is_bad = judge_access(ledger, event, text);
	else if (event->kind == VSVA_EV_IOASID_RECLAIM)
		is_bad = judge_reclaim(ledger, event, text);
	else
		book_enter(&ledger->book, event);
	if (event->kind == VSVA_EV_IOASID_ALLOC)
		ledger->counts.pasids_allocated++;
	if (is_bad)
		ledger->counts.violations++;
	return is_bad;
}

void ledger_observe(struct ledger *ledger, const struct vsva_event *event)
{
	char text[TEXT_MAX];
	bool is_bad;

	pthread_mutex_lock(&ledger->lock);
	is_bad = observe_locked(ledger, event, text);
	pthread_mutex_unlock(&ledger->lock);
	if (is_bad && ledger->report)
		ledger->report(ledger->arg, text);
}

/* Questions */

static bool find_gpa(const struct book *book, const struct vsva_event *event, gpa_t *out)
{
	const struct pair *pair = book_find_pair(book, event->rid, event->hpasid);
	const struct ledger_vm *vm = pair ? book_find_vm(book, pair->vm) : NULL;
	struct extents_cursor cursor = {.has_begun = false};
	const struct space *space;
	uint64_t len = 1;

	if (!vm || !pair->now.is_set || pair->now.is_native)
		return false;
	if (pair->now.kind == VSVA_RID_SECOND_STAGE) {
		*out = gpa(event->addr);
		return true;
	}
	space = book_find_space(vm, pair->now.root);
	return space && extents_next(&space->pages, &cursor, event->addr, false, &out->v, &len);
}

bool ledger_gpa_of(struct ledger *ledger, const struct vsva_event *event, gpa_t *out)
{
	bool found;

	pthread_mutex_lock(&ledger->lock);
	found = find_gpa(&ledger->book, event, out);
	pthread_mutex_unlock(&ledger->lock);
	return found;
}

bool ledger_owner_of(struct ledger *ledger, hpasid_t pasid, uint32_t *vm, gpasid_t *guest)
{
	const struct owner *owner;

	pthread_mutex_lock(&ledger->lock);
	owner = book_find_owner(&ledger->book, pasid);
	if (owner) {
		*vm = owner->vm;
		*guest = owner->guest;
	}
	pthread_mutex_unlock(&ledger->lock);
	return owner != NULL;
}
