// SPDX-License-Identifier: MIT
/*
 * KVM as a subscriber: bindings of one owner become entries of its VM's translation tables.
 *
 * An event function only changes a word that processors read, and what KVM knows of the id. What
 * has to wait for them, returning its reference, is done once, when the id is given up: by the reclaim
 * phase, which is over before a device hears of it. An id that is only unbound is its owner's as
 * before, and a processor that is still inside an instruction submits under nobody else's number.
 */
#include "host/kvm.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "base/rcu.h"
#include "host/driver.h"
#include "vsva/limits.h"

static void count(uint64_t *counter, uint64_t step)
{
	__atomic_fetch_add(counter, step, __ATOMIC_RELAXED);
}

/* Translations; with the lock */

static void count_translations(struct vsva_kvm *kvm, uint64_t step)
{
	uint64_t *now = &kvm->stats.translations_now;

	__atomic_store_n(now, *now + step, __ATOMIC_RELAXED);
}

static void entry_set(struct vsva_kvm *kvm, gpasid_t guest, hpasid_t id)
{
	kvm_tables_set(&kvm->tables, guest, id);
	count_translations(kvm, 1);
	TRACE(kvm->trace, HOST, CPU_TRANSLATION, .vm = kvm->vm, .gpasid = guest, .hpasid = id,
	      .value = 1);
}

static void entry_clear(struct vsva_kvm *kvm, gpasid_t guest, hpasid_t id)
{
	kvm_tables_clear(&kvm->tables, guest);
	count_translations(kvm, UINT64_MAX);
	TRACE(kvm->trace, HOST, CPU_TRANSLATION, .vm = kvm->vm, .gpasid = guest, .hpasid = id);
}

static void unbind(struct vsva_kvm *kvm, hpasid_t id)
{
	gpasid_t guest;

	if (kvm_ids_state(&kvm->ids, id, &guest) != KVM_ID_INSTALLED)
		return;
	entry_clear(kvm, guest, id);
	kvm_ids_unbind(&kvm->ids, id);
}

static void give_up(struct vsva_kvm *kvm, hpasid_t id)
{
	gpasid_t guest;

	unbind(kvm, id);
	if (kvm_ids_state(&kvm->ids, id, &guest) == KVM_ID_UNBOUND)
		kvm_ids_free(&kvm->ids, id);
}

/* A guest PASID that is bound stays with its id. *is_taken: the caller's reference to the id is
 * KVM's now. 0; -ENOMEM. */
static int install(struct vsva_kvm *kvm, hpasid_t id, gpasid_t guest, bool *is_taken)
{
	enum kvm_id_state state;
	hpasid_t other;
	gpasid_t before;

	*is_taken = false;
	if (kvm_ids_reserve(&kvm->ids, id) || kvm_tables_make(&kvm->tables, guest))
		return -ENOMEM;
	state = kvm_ids_state(&kvm->ids, id, &before);
	if (state == KVM_ID_INSTALLED)
		return 0;
	CHECK(!kvm_tables_get(&kvm->tables, guest, &other));
	*is_taken = state == KVM_ID_NONE;
	kvm_ids_install(&kvm->ids, id, guest);
	entry_set(kvm, guest, id);
	return 0;
}

/* What the IOASID space calls, with its lock held */

static void on_bind(struct vsva_kvm *kvm, const struct vsva_ioasid_event *event)
{
	bool is_taken = false;
	int err;

	/* The host does not judge guest PASIDs: one that no processor can have needs no entry. */
	if (event->guest.v > VSVA_PASID_MAX)
		return;
	lock_take(&kvm->lock);
	err = kvm->is_stopped ? 0 : install(kvm, event->id, event->guest, &is_taken);
	lock_drop(&kvm->lock);
	/* An id is live as long as its BIND is told. */
	if (is_taken)
		CHECK(vsva_ioasid_get(kvm->space, NULL, event->id) == 0);
	if (!err)
		return;
	count(&kvm->stats.missing, 1);
	LOG_LIMITED(LOG_WARN, VSVA_CODE_NO_MEMORY,
		    "vm%u: no memory to translate guest PASID %u for its processors", kvm->vm,
		    event->guest.v);
}

static void on_withdraw(struct vsva_kvm *kvm, hpasid_t id,
			void (*withdraw)(struct vsva_kvm *kvm, hpasid_t id))
{
	lock_take(&kvm->lock);
	kvm->withdrawals++;
	withdraw(kvm, id);
	lock_drop(&kvm->lock);
}

static void on_event(void *arg, const struct vsva_ioasid_event *event)
{
	struct vsva_kvm *kvm = arg;

	if (event->kind == VSVA_IOASID_EVENT_BIND)
		on_bind(kvm, event);
	else if (event->kind == VSVA_IOASID_EVENT_UNBIND)
		on_withdraw(kvm, event->id, unbind);
	else if (event->kind == VSVA_IOASID_EVENT_FREE)
		on_withdraw(kvm, event->id, give_up);
}

/* References */

static void put_all(struct vsva_kvm *kvm, const hpasid_t *ids, size_t id_count)
{
	for (size_t i = 0; i < id_count; i++)
		vsva_ioasid_put(kvm->space, ids[i]);
}

static size_t take_freed(struct vsva_kvm *kvm, const struct vsva_ioasid_event *events,
			 size_t event_count, hpasid_t *out)
{
	size_t taken = 0;

	lock_take(&kvm->lock);
	for (size_t i = 0; i < event_count; i++)
		if (kvm_ids_take_freed(&kvm->ids, events[i].id))
			out[taken++] = events[i].id;
	lock_drop(&kvm->lock);
	return taken;
}

/* No processor submits under these ids when it returns: devices are stopped next. */
static void on_reclaim(void *arg, const struct vsva_ioasid_event *events, size_t event_count)
{
	struct vsva_kvm *kvm = arg;
	hpasid_t ids[VSVA_LIMIT_RECLAIM_BATCH];
	size_t taken;

	CHECK(event_count <= ARRAY_LEN(ids));
	taken = take_freed(kvm, events, event_count, ids);
	if (taken)
		vsva_kvm_kick(kvm);
	put_all(kvm, ids, taken);
}

/* Without a translation, but with the set's word for it */

static int check_bound(struct vsva_kvm *kvm, hpasid_t id)
{
	return vsva_ioasid_state_of(kvm->space, id, NULL) == VSVA_IOASID_ACTIVE ? 0 : -ENOENT;
}

static int resolve_bound(struct vsva_kvm *kvm, hpasid_t id, gpasid_t guest, uint64_t seen,
			 bool *is_taken)
{
	int err;

	*is_taken = false;
	lock_take(&kvm->lock);
	if (kvm->is_stopped)
		err = -ENODEV;
	else if (kvm->withdrawals != seen)
		err = -EAGAIN;
	else
		err = install(kvm, id, guest, is_taken);
	lock_drop(&kvm->lock);
	return err;
}

/*
 * That the id is bound is looked up without KVM's lock, below which the space's may not be taken.
 * An UNBIND or FREE that was heard before the count was read had the space's lock, and so has
 * get_gpasid: the look-up sees it. One heard after has changed the count. One heard after install
 * finds what to take away.
 */
int vsva_kvm_resolve(struct vsva_kvm *kvm, struct vsva_ioasid_set *set, gpasid_t guest)
{
	uint64_t seen;
	bool is_taken;
	hpasid_t id;
	int err;

	if (vsva_ioasid_set_token(set) != kvm->token)
		return -EACCES;
	if (guest.v > VSVA_PASID_MAX)
		return -ENOENT;
	lock_take(&kvm->lock);
	seen = kvm->withdrawals;
	lock_drop(&kvm->lock);
	err = vsva_ioasid_get_gpasid(set, guest, &id);
	if (err)
		return err;
	is_taken = false;
	err = check_bound(kvm, id);
	if (!err)
		err = resolve_bound(kvm, id, guest, seen, &is_taken);
	if (!is_taken)
		vsva_ioasid_put(kvm->space, id);
	return err;
}

/* Life */

static int subscribe(struct vsva_kvm *kvm)
{
	static const struct vsva_ioasid_subscriber subscriber = {.event = on_event,
								 .reclaim = on_reclaim};

	return vsva_ioasid_notifier_register(kvm->space, kvm->token, VSVA_IOASID_PRIORITY_CPU,
					     &subscriber, kvm, &kvm->notifier);
}

static int make_parts(struct vsva_kvm *kvm, const struct kvm_config *config)
{
	int err = kvm_tables_init(&kvm->tables, config->physmem);

	if (err)
		return err;
	err = subscribe(kvm);
	if (err)
		kvm_tables_fini(&kvm->tables);
	return err;
}

int kvm_create(const struct kvm_config *config, struct vsva_kvm **out)
{
	struct vsva_kvm *kvm;
	int err;

	if (!config->token)
		return -EINVAL;
	kvm = base_zalloc(sizeof(*kvm));
	if (!kvm)
		return -ENOMEM;
	kvm->refs = 1;
	kvm->space = config->space;
	kvm->token = config->token;
	kvm->vm = config->vm;
	kvm->trace = config->trace;
	lock_init(&kvm->lock, LOCK_RANK_KVM, "KVM");
	err = make_parts(kvm, config);
	if (err) {
		lock_destroy(&kvm->lock);
		base_free(kvm);
		return err;
	}
	*out = kvm;
	return 0;
}

int vsva_kvm_create(struct vsva_iommu *iommu, const void *token, uint32_t vm, struct vsva_kvm **out)
{
	struct kvm_config config = {.space = iommu->space,
				    .physmem = iommu->port.physmem,
				    .trace = iommu->trace,
				    .token = token,
				    .vm = vm};

	return kvm_create(&config, out);
}

/* As if all were unbound. False: it was stopped before. */
static bool empty_tables(struct vsva_kvm *kvm)
{
	hpasid_t id = hpasid(0);
	gpasid_t guest;
	bool was_stopped;

	lock_take(&kvm->lock);
	was_stopped = kvm->is_stopped;
	kvm->is_stopped = true;
	for (; !was_stopped && id.v <= VSVA_PASID_MAX; id.v++)
		if (kvm_ids_next(&kvm->ids, &id, &guest) == KVM_ID_INSTALLED)
			unbind(kvm, id);
	lock_drop(&kvm->lock);
	return !was_stopped;
}

/* Nobody changes what KVM knows any more. */
static void return_all(struct vsva_kvm *kvm)
{
	gpasid_t guest;

	for (hpasid_t id = hpasid(0); id.v <= VSVA_PASID_MAX; id.v++)
		if (kvm_ids_next(&kvm->ids, &id, &guest) != KVM_ID_NONE)
			vsva_ioasid_put(kvm->space, id);
}

/* It hears of PASIDs until no processor can submit any more: a device that is told of a free takes it
 * that none does. */
int vsva_kvm_stop(struct vsva_kvm *kvm)
{
	bool is_first;

	if (ioasid_notifier_is_calling(kvm->notifier))
		return -EDEADLK;
	is_first = empty_tables(kvm);
	if (is_first)
		vsva_kvm_kick(kvm);
	CHECK(vsva_ioasid_notifier_unregister(kvm->notifier) == 0);
	kvm->notifier = NULL;
	if (is_first)
		return_all(kvm);
	return 0;
}

struct vsva_kvm *vsva_kvm_get(struct vsva_kvm *kvm)
{
	__atomic_fetch_add(&kvm->refs, 1, __ATOMIC_RELAXED);
	return kvm;
}

void vsva_kvm_put(struct vsva_kvm *kvm)
{
	int err;

	if (!kvm || __atomic_sub_fetch(&kvm->refs, 1, __ATOMIC_ACQ_REL))
		return;
	err = vsva_kvm_stop(kvm);
	CHECK(!err);
	kvm_tables_fini(&kvm->tables);
	kvm_ids_fini(&kvm->ids);
	lock_destroy(&kvm->lock);
	base_free(kvm);
}

/* Instructions are RCU read sections. */
void vsva_kvm_kick(struct vsva_kvm *kvm)
{
	(void)kvm;
	rcu_synchronize();
}

bool vsva_kvm_translates(const struct vsva_kvm *kvm, gpasid_t guest, hpasid_t *host)
{
	return guest.v <= VSVA_PASID_MAX && kvm_tables_get(&kvm->tables, guest, host);
}

void vsva_kvm_get_stats(struct vsva_kvm *kvm, struct vsva_kvm_stats *out)
{
	out->translations_now = __atomic_load_n(&kvm->stats.translations_now, __ATOMIC_RELAXED);
	out->missing = __atomic_load_n(&kvm->stats.missing, __ATOMIC_RELAXED);
	out->exits = __atomic_load_n(&kvm->stats.exits, __ATOMIC_RELAXED);
}
