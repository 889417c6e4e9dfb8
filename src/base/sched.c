// SPDX-License-Identifier: MIT
/* Threads that run one at a time, and who goes on. */
#include "base/sched_impl.h"

#ifdef VSVA_SCHED

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/rcu.h"

#define STEPS_MAX  1000000u /* a run that takes more is not going to end */
#define LOOKS      2u
#define NS_PER_MS  UINT64_C(1000000)
#define FIRST_NS   UINT64_C(1000000000)
#define REPORT_LEN 4096u

struct sched sched_;
_Thread_local struct sched_thread *sched_self_ __attribute__((tls_model("initial-exec")));

/* Reports */

struct text {
	char *at, *end;
};

__attribute__((format(printf, 2, 3))) static void text_add(struct text *text, const char *format,
							   ...)
{
	size_t room = (size_t)(text->end - text->at);
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->at, room, format, args);
	va_end(args);
	if (len > 0)
		text->at += (size_t)len < room ? (size_t)len : room - 1;
}

static const struct sched_thread *holder_of(const struct lock *lock)
{
	for (unsigned i = 0; i < sched_.thread_count; i++)
		for (unsigned j = 0; j < sched_.threads[i].held_count; j++)
			if (sched_.threads[i].held[j] == lock)
				return &sched_.threads[i];
	return NULL;
}

static void report_thread(struct text *text, const struct sched_thread *thread)
{
	const struct sched_thread *holder;

	text_add(text, "\n  %s ", thread->name);
	switch (thread->state) {
	case SCHED_WAITS_FOR_LOCK:
		holder = holder_of(thread->lock);
		text_add(text, "waits for lock \"%s\"", thread->lock->name);
		if (holder)
			text_add(text, " of %s", holder->name);
		break;
	case SCHED_WAITS:
	case SCHED_POLLS:
		text_add(text, "waits for %s", thread->what);
		break;
	default:
		text_add(text, "can go on");
		break;
	}
	text_add(text, ", after");
	for (unsigned i = 0; i < RECENT_MAX; i++) {
		const char *recent = thread->recent[(thread->recent_at + i) % RECENT_MAX];

		if (*recent)
			text_add(text, " \"%s\"", recent);
	}
}

static void stuck(const char *what)
{
	static char report[REPORT_LEN];
	struct text text = {report, report + sizeof(report)};

	text_add(&text, "%s", what);
	for (unsigned i = 0; i < sched_.thread_count; i++)
		if (sched_.threads[i].state > SCHED_ENDED)
			report_thread(&text, &sched_.threads[i]);
	if (sched_.config.stuck)
		sched_.config.stuck(sched_.config.arg, report);
	fprintf(stderr, "vsva: %s\n", report);
	check_failed("scheduler: stuck", __FILE__, __LINE__);
}

/* Who can go on */

static bool is_sabotaged(const struct lock *lock)
{
	const char *no_lock = sched_.config.sabotage.no_lock;

	return no_lock && strcmp(no_lock, lock->name) == 0;
}

bool sched_lock_is_free(const struct lock *lock)
{
	return is_sabotaged(lock) || !holder_of(lock);
}

/* Something has happened since it looked: what anybody did, or a few times what a poll did. */
static bool may_look(const struct sched_thread *thread)
{
	if (sched_.progress != thread->seen_progress)
		return true;
	return thread->looks_left && sched_.signals != thread->seen_signals;
}

static bool can_go_on(const struct sched_thread *thread)
{
	switch (thread->state) {
	case SCHED_READY:
		return true;
	case SCHED_WAITS_FOR_LOCK:
		return sched_lock_is_free(thread->lock);
	case SCHED_WAITS:
		return thread->is_over(thread->is_over_arg);
	case SCHED_POLLS:
		return may_look(thread);
	default:
		return false;
	}
}

/* Who may be chosen, the one that ran last in front. */
static void candidates(struct sched_decision *decision, bool background)
{
	unsigned first = sched_.last->number;

	decision->count = 0;
	for (unsigned i = 0; i < sched_.thread_count; i++) {
		const struct sched_thread *thread =
			&sched_.threads[(first + i) % sched_.thread_count];

		if (!thread->is_urgent && thread->is_background == background && can_go_on(thread))
			decision->threads[decision->count++] = thread->number;
	}
	decision->can_go_on = decision->count && decision->threads[0] == first;
}

static struct sched_thread *urgent(void)
{
	for (unsigned i = 0; i < sched_.thread_count; i++)
		if (sched_.threads[i].is_urgent && can_go_on(&sched_.threads[i]))
			return &sched_.threads[i];
	return NULL;
}

/* Nobody can do anything: time passes until the first wait is over. */
static struct sched_thread *let_time_pass(void)
{
	struct sched_thread *first = NULL;

	for (unsigned i = 0; i < sched_.thread_count; i++) {
		struct sched_thread *thread = &sched_.threads[i];

		if (thread->state == SCHED_POLLS &&
		    (!first || thread->deadline_ns < first->deadline_ns))
			first = thread;
	}
	if (!first)
		stuck("deadlock");
	if (first->deadline_ns > sched_.now_ns)
		sched_.now_ns = first->deadline_ns;
	return first;
}

static struct sched_thread *choose(struct sched_decision *decision)
{
	unsigned choice = 0;

	if (sched_.is_choosing && sched_.config.choose && decision->count > 1) {
		decision->signature = sched_order_signature();
		choice = sched_.config.choose(sched_.config.arg, decision);
		CHECK(choice < decision->count);
	}
	return &sched_.threads[decision->threads[choice]];
}

static struct sched_thread *next_thread(void)
{
	struct sched_thread *next = urgent();
	struct sched_decision decision;

	if (next)
		return next;
	candidates(&decision, false);
	if (decision.count) {
		next = choose(&decision);
	} else {
		candidates(&decision, true);
		next = decision.count ? &sched_.threads[decision.threads[0]] : let_time_pass();
	}
	sched_.last = next;
	return next;
}

/* Passing the turn */

void sched_count_step(void)
{
	if (++sched_.steps > STEPS_MAX)
		stuck("no end in sight");
}

void sched_reschedule(enum seam_access access, const char *name, uint64_t key)
{
	struct sched_thread *self = sched_self_, *next;

	sched_count_step();
	self->since++;
	self->points++;
	self->next = sched_order_describe(access, name, key);
	next = next_thread();
	if (next != self)
		sched_context_switch(&self->context, &next->context);
	self->state = SCHED_READY;
}

/* Operations */

bool sched_is_point(enum seam_kind kind)
{
	return sched_.is_choosing && sched_.config.points & 1u << kind;
}

void sched_did(enum seam_access access, const char *name, uint64_t key)
{
	struct sched_thread *self = sched_self_;
	struct sched_operation operation;

	sched_count_step();
	if (!self->polling)
		sched_.progress++;
	if (!sched_.is_choosing)
		return;
	snprintf(self->recent[self->recent_at++ % RECENT_MAX], RECENT_LEN, "%s", name);
	operation = sched_order_describe(access, name, key);
	sched_order_operation(self, &operation);
	if (sched_.config.done)
		sched_.config.done(sched_.config.arg, self->number, &operation);
}

bool sched_is_point_behind(enum seam_kind kind)
{
	return sched_is_point(kind) && !sched_.config.is_coarse;
}

void sched_point_(enum seam_kind kind, enum seam_access access, const char *name, uint64_t key)
{
	if (sched_is_point(kind)) {
		sched_reschedule(access, name, key);
		sched_did(access, name, key);
	}
	if (kind == SEAM_MMIO && access == SEAM_WRITE)
		sched_signal();
}

/* For the end of the section. Those that do not fit go the way of all models. */
static void remember_seen(struct sched_thread *self, const char *name, uint64_t key)
{
	struct seen *seen = &self->seen[self->seen_count];

	if (!self->reading_since || self->seen_count == SEEN_MAX)
		return;
	for (unsigned i = 0; i < self->seen_count; i++)
		if (self->seen[i].key == key && strcmp(self->seen[i].name, name) == 0)
			return;
	snprintf(seen->name, sizeof(seen->name), "%s", name);
	seen->key = key;
	self->seen_count++;
}

void sched_seen_(enum seam_kind kind, const char *name, uint64_t key)
{
	if (!sched_is_point_behind(kind))
		return;
	remember_seen(sched_self_, name, key);
	sched_reschedule(SEAM_READ, name, key);
}

/* "dev->rid_child" and "entries[i]" are "rid_child" and "entries". */
static void last_name(const char *expression, char name[RECENT_LEN])
{
	const char *end = expression + strcspn(expression, "[(");
	const char *begin = end;

	while (begin > expression && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_'))
		begin--;
	snprintf(name, RECENT_LEN, "%.*s", (int)(end - begin), begin);
}

static uint64_t locate(const void *pointer)
{
	if (sched_.config.locate)
		return sched_.config.locate(sched_.config.arg, pointer);
	return (uintptr_t)pointer & 0xfff;
}

void sched_point_memory_(enum seam_access access, const void *pointer)
{
	if (sched_is_point(SEAM_MEMORY))
		sched_point_(SEAM_MEMORY, access, "memory", locate(pointer));
}

void sched_seen_memory_(const void *pointer)
{
	if (sched_is_point(SEAM_MEMORY))
		sched_seen_(SEAM_MEMORY, "memory", locate(pointer));
}

void sched_point_at_(enum seam_access access, const char *expression)
{
	char name[RECENT_LEN];

	if (!sched_is_point(SEAM_POINTER))
		return;
	last_name(expression, name);
	sched_point_(SEAM_POINTER, access, name, 0);
}

void sched_seen_at_(const char *expression)
{
	char name[RECENT_LEN];

	if (!sched_is_point(SEAM_POINTER))
		return;
	last_name(expression, name);
	sched_seen_(SEAM_POINTER, name, 0);
}

void sched_signal(void)
{
	if (sched_is_on())
		sched_.signals++;
}

bool sched_loses_kick(const char *worker)
{
	const char *no_kick = sched_.config.sabotage.no_kick;

	return sched_is_on() && no_kick && strcmp(no_kick, worker) == 0;
}

/* Locks */

static struct {
	const char *name;
	const struct lock *lock; /* of this run */
	uint64_t run;
} lock_names[64];
static uint64_t ambiguous_names, run_number;

/* Its bit, or 0. */
static uint64_t bit_of(const struct lock *lock)
{
	if (!sched_.is_choosing || is_sabotaged(lock))
		return 0;
	for (unsigned i = 0; i < ARRAY_LEN(lock_names); i++) {
		uint64_t bit = UINT64_C(1) << i;

		if (!lock_names[i].name)
			lock_names[i].name = lock->name;
		else if (strcmp(lock_names[i].name, lock->name) != 0)
			continue;
		if (lock_names[i].run == run_number && lock_names[i].lock != lock)
			ambiguous_names |= bit;
		lock_names[i].run = run_number;
		lock_names[i].lock = lock;
		return bit;
	}
	return 0;
}

uint64_t sched_thread_locks(unsigned number)
{
	return sched_.threads[number].held_names & ~ambiguous_names;
}

bool sched_thread_begins_section(unsigned number)
{
	return sched_.threads[number].begins_section;
}

bool sched_thread_is_reading(unsigned number)
{
	return sched_.threads[number].reading_since != 0;
}

static bool is_inner(const struct lock *lock)
{
	return lock->rank == LOCK_RANK_UNIT_REGS;
}

static bool is_silicon(const struct lock *lock)
{
	return lock->rank >= LOCK_RANK_UNIT_QUEUE;
}

static void held_add(struct sched_thread *self, const struct lock *lock)
{
	CHECK(self->held_count < HELD_MAX);
	self->held_since[self->held_count] = self->points;
	self->held[self->held_count++] = lock;
	self->held_names |= bit_of(lock);
}

static void held_remove(struct sched_thread *self, const struct lock *lock)
{
	unsigned i = self->held_count;

	while (i > 0 && self->held[i - 1] != lock)
		i--;
	CHECK(i > 0);
	for (self->held_count--; i <= self->held_count; i++) {
		self->held[i - 1] = self->held[i];
		self->held_since[i - 1] = self->held_since[i];
	}
	self->held_names &= ~bit_of(lock);
}

static void tell_blocked(const struct sched_thread *self, const struct lock *lock)
{
	struct sched_operation operation = sched_order_describe(SEAM_WRITE, lock->name, 0);

	if (sched_.config.blocked && sched_.is_choosing)
		sched_.config.blocked(sched_.config.arg, self->number, &operation);
}

void sched_lock_take(struct lock *lock)
{
	bool is_point = sched_is_point(is_silicon(lock) ? SEAM_LOCK_SILICON : SEAM_LOCK);
	struct sched_thread *self = sched_self_;

	self->lock = lock;
	self->state = SCHED_WAITS_FOR_LOCK;
	if (!sched_lock_is_free(lock))
		tell_blocked(self, lock);
	if ((is_point && !is_inner(lock)) || !sched_lock_is_free(lock))
		sched_reschedule(SEAM_WRITE, lock->name, 0);
	self->state = SCHED_READY;
	if (!is_inner(lock))
		sched_did(SEAM_WRITE, lock->name, 0);
	held_add(self, lock);
}

/* Could anybody have come to wait for it? */
static bool was_interruptible(const struct sched_thread *self, const struct lock *lock)
{
	for (unsigned i = 0; i < self->held_count; i++)
		if (self->held[i] == lock)
			return self->points != self->held_since[i];
	return false;
}

/* A point before, for others that wait for the lock; and one behind: what the caller goes on to do
 * with what the lock protected, if he does, belongs to whoever has the lock next. */
void sched_lock_drop(struct lock *lock)
{
	struct sched_thread *self = sched_self_;

	if (is_inner(lock)) {
		held_remove(self, lock);
		return;
	}
	if (sched_.is_choosing && was_interruptible(self, lock)) {
		sched_reschedule(SEAM_WRITE, lock->name, 0);
		sched_did(SEAM_WRITE, lock->name, 0);
	}
	held_remove(self, lock);
	if (sched_is_point_behind(is_silicon(lock) ? SEAM_DROP_SILICON : SEAM_DROP))
		sched_reschedule(SEAM_WRITE, lock->name, 0);
}

/* Waits */

void sched_wait(bool (*is_over)(void *arg), void *arg, enum seam_access access, const char *what)
{
	struct sched_thread *self = sched_self_;

	if (!sched_.is_choosing && is_over(arg))
		return;
	self->is_over = is_over;
	self->is_over_arg = arg;
	self->what = what;
	self->state = SCHED_WAITS;
	sched_reschedule(access, what, 0);
	sched_did(access, what, 0);
}

static bool look(bool (*done)(void *arg), void *arg)
{
	bool is_done;

	sched_self_->polling++;
	is_done = done(arg);
	sched_self_->polling--;
	return is_done;
}

static void wait_for_progress(uint64_t deadline_ns)
{
	struct sched_thread *self = sched_self_;

	self->deadline_ns = deadline_ns;
	self->seen_progress = sched_.progress;
	self->seen_signals = sched_.signals;
	self->what = "a condition";
	self->state = SCHED_POLLS;
	sched_reschedule(SEAM_READ, NULL, 0);
	if (sched_.progress != self->seen_progress)
		self->looks_left = LOOKS;
	else if (self->looks_left)
		self->looks_left--;
}

bool sched_poll(bool (*done)(void *arg), void *arg, uint32_t timeout_ms)
{
	uint64_t deadline_ns = sched_.now_ns + timeout_ms * NS_PER_MS;

	sched_self_->looks_left = LOOKS;
	while (!look(done, arg)) {
		if (sched_.now_ns >= deadline_ns)
			return false;
		wait_for_progress(deadline_ns);
	}
	return true;
}

uint64_t sched_now_ns(void)
{
	return sched_.now_ns;
}

/* Threads */

static void thread_end(struct sched_thread *self)
{
	CHECK(!self->held_count && !self->reading_since);
	sched_count_step();
	self->state = SCHED_ENDED;
	self->since++;
	sched_.progress++;
	sched_context_switch(&self->context, &next_thread()->context);
}

/* Lives on from run to run and from one thread of a run to the next with the same number. */
static void thread_main(void *arg)
{
	struct sched_thread *self = arg;

	for (;;) {
		sched_self_ = self;
		self->run(self->arg);
		thread_end(self);
	}
}

static void context_make(struct sched_thread *thread)
{
	if (thread->has_context)
		sched_context_reset_locals(&thread->context);
	else
		sched_context_make(&thread->context, thread_main, thread);
	thread->has_context = true;
}

static bool is_background(const char *name)
{
	const char *const *background = sched_.config.background;

	while (background && *background && strcmp(*background, name) != 0)
		background++;
	return background && *background;
}

/* All but its context. */
static struct sched_thread *thread_add(const char *name)
{
	struct sched_thread *thread = &sched_.threads[sched_.thread_count];
	unsigned number = sched_.thread_count++;

	CHECK(sched_.thread_count <= SCHED_THREADS_MAX);
	memset(thread, 0, offsetof(struct sched_thread, context));
	thread->number = number;
	thread->name = name;
	thread->is_background = is_background(name);
	thread->state = SCHED_READY;
	sched_order_started(thread, sched_self_);
	return thread;
}

struct sched_thread *sched_start(const char *name, void *(*run)(void *arg), void *arg)
{
	struct sched_thread *thread = thread_add(name);

	context_make(thread);
	thread->run = run;
	thread->arg = arg;
	return thread;
}

static bool has_ended(void *arg)
{
	return ((const struct sched_thread *)arg)->state == SCHED_ENDED;
}

void sched_join(struct sched_thread *thread)
{
	sched_wait(has_ended, thread, SEAM_READ, thread->name);
	sched_order_joined(sched_self_, thread);
}

const char *sched_thread_name(unsigned number)
{
	return sched_.threads[number].name;
}

struct sched_operation sched_thread_next(unsigned number)
{
	return sched_.threads[number].next;
}

bool sched_thread_has_ended(unsigned number)
{
	return sched_.threads[number].state == SCHED_ENDED;
}

unsigned sched_thread_count(void)
{
	return sched_.thread_count;
}

/* Runs */

void sched_set_choosing(bool choosing)
{
	sched_.is_choosing = choosing;
}

void sched_settle(void)
{
	sched_reschedule(SEAM_READ, NULL, 0);
}

static void begin(const struct sched_config *config)
{
	CHECK(!sched_self_ && lock_none_held() && !rcu_is_reading());
	sched_.config = *config;
	sched_.thread_count = 0;
	sched_.is_choosing = false;
	sched_.now_ns = FIRST_NS;
	sched_.steps = sched_.progress = sched_.signals = sched_.fingerprint = 0;
	run_number++;
	sched_order_reset();
	sched_context_adopt(&sched_.threads[0].context);
	sched_self_ = sched_.last = thread_add("main");
	sched_self_->is_background = true;
	sched_rcu_begin();
}

static void end(void)
{
	sched_set_choosing(false);
	sched_rcu_end();
	for (unsigned i = 1; i < sched_.thread_count; i++)
		CHECK(sched_.threads[i].state == SCHED_ENDED);
	CHECK(!sched_self_->held_count && !sched_self_->reading_since);
	sched_self_ = NULL;
}

void sched_run(const struct sched_config *config, void (*body)(void *arg), void *arg)
{
	begin(config);
	body(arg);
	end();
}

#endif
