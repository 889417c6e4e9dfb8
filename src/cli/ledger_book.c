/* SPDX-License-Identifier: MIT */
#include "cli/ledger_book.h"

#include <search.h>
#include <stdlib.h>

/* PGTT of a PASID-table entry that leads through the second stage alone. */
#define PGTT_SECOND_STAGE 2u

/* Records */

static int compare(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;

	return (a->key > b->key) - (a->key < b->key);
}

static void *find(void *const *tree, uint64_t key)
{
	struct keyed wanted = {key};
	void **node = tfind(&wanted, tree, compare);

	return node ? *node : NULL;
}

/* Found, or made with all else zero; NULL: no memory, which the book remembers. */
static void *find_or_make(struct book *book, void **tree, uint64_t key, size_t size)
{
	struct keyed *record = find(tree, key);

	if (record)
		return record;
	record = calloc(1, size);
	if (record) {
		record->key = key;
		if (tsearch(record, tree, compare))
			return record;
		free(record);
	}
	book->is_blind = true;
	return NULL;
}

static void note(struct book *book, int err)
{
	if (err)
		book->is_blind = true;
}

static void free_space(void *record)
{
	struct space *space = record;

	extents_clear(&space->pages);
	free(space);
}

static void empty_vm(struct ledger_vm *vm)
{
	extents_clear(&vm->memory);
	tdestroy(vm->spaces, free_space);
	vm->spaces = NULL;
}

static void free_vm(void *record)
{
	empty_vm(record);
	free(record);
}

void book_fini(struct book *book)
{
	tdestroy(book->vms, free_vm);
	tdestroy(book->pairs, free);
	tdestroy(book->owners, free);
	tdestroy(book->natives, free_space);
}

static uint64_t pair_key(rid_t rid, hpasid_t pasid)
{
	return (uint64_t)rid.v << 32 | pasid.v;
}

struct ledger_vm *book_find_vm(const struct book *book, uint32_t number)
{
	return find(&book->vms, number);
}

struct space *book_find_space(const struct ledger_vm *vm, uint64_t root)
{
	return find(&vm->spaces, root);
}

struct space *book_find_native(const struct book *book, uint64_t root)
{
	return find(&book->natives, root);
}

struct pair *book_find_pair(const struct book *book, rid_t rid, hpasid_t pasid)
{
	return find(&book->pairs, pair_key(rid, pasid));
}

const struct owner *book_find_owner(const struct book *book, hpasid_t pasid)
{
	return find(&book->owners, pasid.v);
}

struct ledger_vm *book_make_vm(struct book *book, uint32_t number)
{
	return find_or_make(book, &book->vms, number, sizeof(struct ledger_vm));
}

static struct pair *make_pair(struct book *book, rid_t rid, hpasid_t pasid)
{
	return find_or_make(book, &book->pairs, pair_key(rid, pasid), sizeof(struct pair));
}

/* Pairs */

static void own(struct book *book, const struct vsva_event *event)
{
	struct owner *owner =
		find_or_make(book, &book->owners, event->hpasid.v, sizeof(struct owner));

	if (!owner)
		return;
	owner->vm = event->vm;
	owner->guest = event->gpasid;
}

static void begin(struct book *book, struct pair *pair, const struct vsva_event *event,
		  struct target target)
{
	(void)book;
	if (!pair)
		return;
	pair->vm = event->vm;
	pair->guest = event->gpasid;
	pair->next = target;
}

static void end(struct book *book, struct pair *pair, enum vsva_event_kind by)
{
	if (!pair)
		return;
	pair->now = (struct target){.is_set = false};
	pair->ended = book->event;
	pair->ended_by = by;
}

static void enter_bind(struct book *book, const struct vsva_event *event)
{
	own(book, event);
	begin(book, make_pair(book, event->rid, event->hpasid), event,
	      (struct target){.is_set = true,
			      .kind = VSVA_RID_NESTED,
			      .root = event->addr,
			      .is_native = event->vm == 0});
}

static void enter_bind_done(struct book *book, const struct vsva_event *event)
{
	struct pair *pair = book_find_pair(book, event->rid, event->hpasid);

	if (!pair)
		return;
	if (!event->result)
		pair->now = pair->next;
	pair->next = (struct target){.is_set = false};
}

static void enter_attach_rid(struct book *book, const struct vsva_event *event)
{
	begin(book, make_pair(book, event->rid, event->hpasid), event,
	      (struct target){.is_set = event->value != VSVA_RID_BLOCKED,
			      .kind = (enum vsva_rid_kind)event->value,
			      .root = event->addr});
}

/* The event says what the requester has now, whether or not that is what was asked for. */
static void enter_attach_rid_done(struct book *book, const struct vsva_event *event)
{
	struct pair *pair = book_find_pair(book, event->rid, event->hpasid);

	if (!pair)
		return;
	if (!event->result)
		pair->now = pair->next;
	else if (event->value == VSVA_RID_BLOCKED)
		end(book, pair, event->kind);
	pair->next = (struct target){.is_set = false};
	if (!pair->now.is_set)
		end(book, pair, event->kind);
}

static void enter_device_attach(struct book *book, const struct vsva_event *event)
{
	struct pair *pair = make_pair(book, event->rid, event->hpasid);

	if (!pair)
		return;
	pair->vm = event->vm;
	pair->guest = gpasid(VSVA_PASID_INVALID);
	pair->now = (struct target){.is_set = true, .kind = VSVA_RID_SECOND_STAGE};
}

/* A PASID that is bound to the second stage alone is told by its entry only. */
static void enter_pasid_entry(struct book *book, const struct vsva_event *event)
{
	struct pair *pair;

	if (event->value != PGTT_SECOND_STAGE || event->hpasid.v == 0)
		return;
	pair = make_pair(book, event->rid, event->hpasid);
	if (!pair)
		return;
	pair->vm = event->vm;
	pair->guest = event->gpasid;
	pair->now = (struct target){.is_set = true, .kind = VSVA_RID_SECOND_STAGE};
}

/* Spaces and memory */

static struct space *make_space(struct book *book, const struct vsva_event *event)
{
	struct ledger_vm *vm = book_make_vm(book, event->vm);

	if (!vm || vm->is_destroyed)
		return NULL;
	return find_or_make(book, &vm->spaces, event->value, sizeof(struct space));
}

/* A root of an earlier process or boot may be used again: nothing of that is left. */
static void enter_process(struct book *book, const struct vsva_event *event)
{
	struct space *space = make_space(book, event);

	if (!space)
		return;
	extents_clear(&space->pages);
	space->is_dead = event->kind == VSVA_EV_PROCESS_EXIT;
}

static void enter_guest_page(struct book *book, const struct vsva_event *event)
{
	struct space *space = make_space(book, event);
	struct extent extent = {.start = event->addr,
				.len = event->len,
				.to = event->hpa.v,
				.writable = event->write};

	if (!space)
		return;
	if (event->kind == VSVA_EV_GUEST_MAP)
		note(book, extents_add(&space->pages, &extent));
	else if (event->kind == VSVA_EV_GUEST_UNMAP)
		note(book, extents_retire(&space->pages, event->addr, event->len));
	else
		note(book, extents_bury(&space->pages, event->addr, event->len));
}

/* Native address spaces: of no VM, and their pages lead to the host's memory itself. */

static struct space *make_native(struct book *book, const struct vsva_event *event)
{
	return find_or_make(book, &book->natives, event->value, sizeof(struct space));
}

static void enter_native(struct book *book, const struct vsva_event *event)
{
	struct space *space = make_native(book, event);

	if (!space)
		return;
	extents_clear(&space->pages);
	space->is_dead = event->kind == VSVA_EV_MM_EXIT;
}

static void enter_native_page(struct book *book, const struct vsva_event *event)
{
	struct space *space = make_native(book, event);
	struct extent extent = {.start = event->addr,
				.len = event->len,
				.to = event->hpa.v,
				.writable = event->write};

	if (!space)
		return;
	if (event->kind == VSVA_EV_MM_MAP)
		note(book, extents_add(&space->pages, &extent));
	else if (event->kind == VSVA_EV_MM_UNMAP)
		note(book, extents_retire(&space->pages, event->addr, event->len));
	else
		note(book, extents_bury(&space->pages, event->addr, event->len));
}

static void enter_memory(struct book *book, const struct vsva_event *event)
{
	struct ledger_vm *vm = book_make_vm(book, event->vm);
	struct extent extent = {.start = event->addr,
				.len = event->len,
				.to = event->hpa.v,
				.writable = event->write};

	if (!vm)
		return;
	if (event->kind == VSVA_EV_MAP)
		note(book, extents_add(&vm->memory, &extent));
	else if (event->kind == VSVA_EV_UNMAP)
		note(book, extents_retire(&vm->memory, event->addr, event->len));
	else
		note(book, extents_bury(&vm->memory, event->addr, event->len));
}

/* Walks over all pairs */

struct walk {
	struct book *book;
	uint32_t vm;
	hpasid_t pasid;
	uint64_t count;
};

static bool is_bound(const struct pair *pair)
{
	return pair->now.is_set && (uint32_t)pair->id.key != VSVA_PASID_INVALID;
}

static void end_of_vm(const void *node, VISIT which, void *arg)
{
	struct walk *walk = arg;
	struct pair *pair = *(struct pair *const *)node;

	if ((which == postorder || which == leaf) && pair->vm == walk->vm && pair->now.is_set)
		end(walk->book, pair, VSVA_EV_VM_DESTROYED);
}

static void count_bound(const void *node, VISIT which, void *arg)
{
	struct walk *walk = arg;
	const struct pair *pair = *(const struct pair *const *)node;

	if ((which == postorder || which == leaf) && is_bound(pair) &&
	    (walk->pasid.v == VSVA_PASID_INVALID || (uint32_t)pair->id.key == walk->pasid.v))
		walk->count++;
}

bool book_is_bound(const struct book *book, hpasid_t pasid)
{
	struct walk walk = {.pasid = pasid};

	twalk_r(book->pairs, count_bound, &walk);
	return walk.count > 0;
}

uint64_t book_count_bound(const struct book *book)
{
	struct walk walk = {.pasid = {VSVA_PASID_INVALID}};

	twalk_r(book->pairs, count_bound, &walk);
	return walk.count;
}

static void enter_vm_destroyed(struct book *book, const struct vsva_event *event)
{
	struct walk walk = {.book = book, .vm = event->vm};
	struct ledger_vm *vm = book_make_vm(book, event->vm);

	twalk_r(book->pairs, end_of_vm, &walk);
	if (!vm)
		return;
	vm->is_destroyed = true;
	empty_vm(vm);
}

/* Events */

static void notice_guest(struct book *book, const struct vsva_event *event)
{
	struct ledger_vm *vm = book_make_vm(book, event->vm);

	if (vm)
		vm->has_guest = true;
}

void book_enter(struct book *book, const struct vsva_event *event)
{
	if (event->room == VSVA_ROOM_GUEST && event->vm)
		notice_guest(book, event);
	switch (event->kind) {
	case VSVA_EV_BIND:
		enter_bind(book, event);
		break;
	case VSVA_EV_BIND_DONE:
		enter_bind_done(book, event);
		break;
	case VSVA_EV_UNBIND_DONE:
		end(book, book_find_pair(book, event->rid, event->hpasid), event->kind);
		break;
	case VSVA_EV_ATTACH_RID:
		enter_attach_rid(book, event);
		break;
	case VSVA_EV_ATTACH_RID_DONE:
		enter_attach_rid_done(book, event);
		break;
	case VSVA_EV_PASID_ENTRY:
		enter_pasid_entry(book, event);
		break;
	case VSVA_EV_DEVICE_ATTACH:
		enter_device_attach(book, event);
		break;
	case VSVA_EV_DEVICE_DETACH:
		end(book, book_find_pair(book, event->rid, event->hpasid), event->kind);
		break;
	case VSVA_EV_MAP:
	case VSVA_EV_UNMAP:
	case VSVA_EV_UNMAP_DONE:
		enter_memory(book, event);
		break;
	case VSVA_EV_GUEST_MAP:
	case VSVA_EV_GUEST_UNMAP:
	case VSVA_EV_GUEST_UNMAP_DONE:
		enter_guest_page(book, event);
		break;
	case VSVA_EV_MM_CREATE:
	case VSVA_EV_MM_EXIT:
		enter_native(book, event);
		break;
	case VSVA_EV_MM_MAP:
	case VSVA_EV_MM_UNMAP:
	case VSVA_EV_MM_UNMAP_DONE:
		enter_native_page(book, event);
		break;
	case VSVA_EV_PROCESS_CREATE:
	case VSVA_EV_PROCESS_EXIT:
		enter_process(book, event);
		break;
	case VSVA_EV_VM_DESTROYED:
		enter_vm_destroyed(book, event);
		break;
	default:
		break;
	}
}
