// SPDX-License-Identifier: MIT
#include "host/qi.h"

#include <errno.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/log.h"
#include "host/mmio.h"
#include "host/wait.h"
#include "vsva/limits.h"

#define RING_ORDER  2u  /* 512 descriptors of 32 bytes: some of the largest batches */
#define ATTEMPTS    4u  /* of a batch whose wait was aborted by others' time-outs */
#define STUCK_MS    100 /* a queue that ran out of time once is not given the whole time again */
#define QI_EXECUTED 1   /* an outcome beside 0 and errors */
#define SLOT_LEN    sizeof(struct vtd_desc)

int qi_init(struct qi *qi, const struct vtd_port *port, struct worker_pool *pool,
	    uint32_t timeout_ms)
{
	void *memory;

	qi->port = port;
	qi->pool = pool;
	qi->timeout_ms = timeout_ms;
	qi->order = RING_ORDER;
	qi->slot_count = (unsigned)((VSVA_PAGE_SIZE << RING_ORDER) / SLOT_LEN);
	lock_init(&qi->lock, LOCK_RANK_QI, "invalidation queue");
	if (physmem_alloc_pages(port->physmem, RING_ORDER, &qi->ring, &memory))
		return -ENOMEM;
	qi->slots = memory;
	if (physmem_alloc_pages(port->physmem, 0, &qi->status, &memory))
		return -ENOMEM;
	qi->status_words = memory;
	return 0;
}

void qi_fini(struct qi *qi)
{
	if (!qi->slot_count)
		return;
	CHECK(!qi->in_flight);
	if (qi->status_words)
		physmem_free_pages(qi->port->physmem, qi->status, 0);
	if (qi->slots)
		physmem_free_pages(qi->port->physmem, qi->ring, qi->order);
	lock_destroy(&qi->lock);
	qi->slot_count = 0;
}

/* DW=1: scalable mode takes descriptors of 32 bytes only (IQEI 5). VT-d 11.4.9.3 */
uint64_t qi_queue_address(const struct qi *qi)
{
	uint64_t iqa = vtd_IQA_with_IQA(0, qi->ring.v);

	return vtd_IQA_with_QS(vtd_IQA_with_DW(iqa, 1), qi->order);
}

/* Slots */

static unsigned slot_after(const struct qi *qi, unsigned slot, unsigned count)
{
	return (slot + count) & (qi->slot_count - 1);
}

/* From one slot to another, going forward. */
static unsigned slot_distance(const struct qi *qi, unsigned from, unsigned to)
{
	return (to - from) & (qi->slot_count - 1);
}

static unsigned head_read(const struct qi *qi)
{
	uint64_t offset = vtd_IQH_QH(VTD_READ(qi->port, IQH));

	return (unsigned)(offset / SLOT_LEN) & (qi->slot_count - 1);
}

/* One slot stays free, or a full queue would look like an empty one. */
static bool has_room_behind(const struct qi *qi, unsigned head, unsigned count)
{
	return slot_distance(qi, head, qi->tail) + count < qi->slot_count;
}

/* lock. The unit is asked only where it matters. */
static bool has_room(struct qi *qi, unsigned count)
{
	if (qi->is_off)
		return false;
	if (!has_room_behind(qi, qi->head, count))
		qi->head = head_read(qi);
	return has_room_behind(qi, qi->head, count);
}

static uint32_t status_of(const struct qi *qi, unsigned slot)
{
	return __atomic_load_n(&qi->status_words[slot], __ATOMIC_ACQUIRE);
}

/* lock. The unit may execute everything inside the write of the tail, or later. */
static void tail_advance(struct qi *qi, unsigned count)
{
	qi->tail = slot_after(qi, qi->tail, count);
	VTD_WRITE(qi->port, IQT, vtd_IQT_with_QT(0, qi->tail * SLOT_LEN));
}

static void batch_set_outcome(struct qi_batch *batch, int outcome)
{
	__atomic_store_n(&batch->outcome, outcome, __ATOMIC_RELEASE);
}

static bool is_executed(const struct qi_batch *batch)
{
	return status_of(batch->qi, batch->wait_slot) == batch->sequence;
}

/* lock. The head has gone past this slot. If the batch that it closed last has not been taken back
 * yet, its result is kept before the status word serves another. */
static void slot_settle(struct qi *qi, unsigned slot)
{
	for (struct qi_batch *batch = qi->in_flight; batch; batch = batch->next)
		if (batch->wait_slot == slot && !batch->outcome)
			batch_set_outcome(batch, is_executed(batch) ? QI_EXECUTED : -EAGAIN);
	__atomic_store_n(&qi->status_words[slot], 0, __ATOMIC_RELAXED);
}

static struct vtd_desc fence_descriptor(void)
{
	struct vtd_desc fence = vtd_desc_of_type(VTD_DESC_WAIT);

	vtd_desc_wait_set_FN(&fence, 1);
	return fence;
}

static struct vtd_desc closing_wait(const struct qi *qi, const struct qi_batch *batch)
{
	struct vtd_desc wait = vtd_desc_of_type(VTD_DESC_WAIT);

	vtd_desc_wait_set_SW(&wait, 1);
	vtd_desc_wait_set_PD(&wait, batch->drain);
	vtd_desc_wait_set_STDATA(&wait, batch->sequence);
	vtd_desc_wait_set_STADDR(&wait, qi->status.v + batch->wait_slot * sizeof(uint32_t));
	return wait;
}

/* lock */
static void batch_write(struct qi *qi, struct qi_batch *batch)
{
	batch->first_slot = qi->tail;
	batch->wait_slot = slot_after(qi, qi->tail, batch->count);
	slot_settle(qi, batch->wait_slot);
	batch->sequence = ++qi->sequence ? qi->sequence : ++qi->sequence;
	for (unsigned i = 0; i < batch->count; i++)
		qi->slots[slot_after(qi, qi->tail, i)] = batch->descriptors[i];
	qi->slots[batch->wait_slot] = closing_wait(qi, batch);
	batch->outcome = 0;
	batch->next = qi->in_flight;
	qi->in_flight = batch;
}

static bool batch_place(struct qi *qi, struct qi_batch *batch)
{
	bool is_placed;

	lock_take(&qi->lock);
	is_placed = has_room(qi, batch->count + 1);
	if (is_placed) {
		batch_write(qi, batch);
		tail_advance(qi, batch->count + 1);
	}
	lock_drop(&qi->lock);
	return is_placed;
}

/* Reset of the unit */

void qi_stop(struct qi *qi)
{
	lock_take(&qi->lock);
	qi->is_off = true;
	lock_drop(&qi->lock);
}

void qi_start(struct qi *qi)
{
	lock_take(&qi->lock);
	for (struct qi_batch *batch = qi->in_flight; batch; batch = batch->next)
		if (!batch->outcome)
			batch_set_outcome(batch, is_executed(batch) ? QI_EXECUTED : -EAGAIN);
	qi->head = qi->tail = 0;
	qi->is_off = false;
	lock_drop(&qi->lock);
}

/* Waiting */

static uint32_t patience_ms(const struct qi *qi)
{
	bool is_stuck = __atomic_load_n(&qi->is_stuck, __ATOMIC_RELAXED);

	return is_stuck && qi->timeout_ms > STUCK_MS ? STUCK_MS : qi->timeout_ms;
}

static void note_timeout(struct qi *qi)
{
	__atomic_store_n(&qi->is_stuck, true, __ATOMIC_RELAXED);
	__atomic_fetch_add(&qi->timeout_count, 1, __ATOMIC_RELAXED);
	LOG_LIMITED(LOG_ERROR, VSVA_CODE_UNIT_SILENT,
		    "host: the unit's invalidation queue does not move (head %u, tail %u)",
		    head_read(qi), qi->tail);
}

static bool batch_is_done(void *arg)
{
	struct qi_batch *batch = arg;

	if (is_executed(batch) || __atomic_load_n(&batch->outcome, __ATOMIC_ACQUIRE))
		return true;
	qi_handle_errors(batch->qi);
	return __atomic_load_n(&batch->outcome, __ATOMIC_ACQUIRE) != 0;
}

/* An outcome set by error handling counts more than the status word: a wait that the unit executes
 * after the error was cleared says nothing about the device that did not answer before. */
static int batch_take_back(struct qi *qi, struct qi_batch *batch)
{
	struct qi_batch **link = &qi->in_flight;
	int outcome;

	lock_take(&qi->lock);
	while (*link != batch)
		link = &(*link)->next;
	*link = batch->next;
	outcome = batch->outcome;
	if (!outcome)
		outcome = is_executed(batch) ? QI_EXECUTED : -ETIMEDOUT;
	lock_drop(&qi->lock);
	return outcome == QI_EXECUTED ? 0 : outcome;
}

static int batch_wait(struct qi *qi, struct qi_batch *batch)
{
	bool is_done = host_wait(qi->pool, batch_is_done, batch, patience_ms(qi));
	int outcome = batch_take_back(qi, batch);

	if (is_done)
		__atomic_store_n(&qi->is_stuck, false, __ATOMIC_RELAXED);
	else if (outcome)
		note_timeout(qi);
	return outcome;
}

struct room {
	struct qi *qi;
	unsigned count;
};

static bool room_is_there(void *arg)
{
	struct room *room = arg;
	bool is_there;

	qi_handle_errors(room->qi);
	lock_take(&room->qi->lock);
	is_there = has_room(room->qi, room->count);
	lock_drop(&room->qi->lock);
	return is_there;
}

static int wait_for_room(struct qi *qi, unsigned count)
{
	struct room room = {qi, count};

	if (host_wait(qi->pool, room_is_there, &room, patience_ms(qi)))
		return 0;
	note_timeout(qi);
	return -ETIMEDOUT;
}

static int batch_try(struct qi *qi, struct qi_batch *batch)
{
	while (!batch_place(qi, batch)) {
		int err = wait_for_room(qi, batch->count + 1);

		if (err)
			return err;
	}
	return batch_wait(qi, batch);
}

int qi_submit(struct qi *qi, struct qi_batch *batch)
{
	int err = -EAGAIN;

	CHECK(batch->count < QI_BATCH_MAX);
	batch->qi = qi;
	batch->is_device_silent = false;
	for (unsigned i = 0; i < ATTEMPTS && err == -EAGAIN; i++)
		err = batch_try(qi, batch);
	/* The unit has done its part here; what fails in a test is only the good news. */
	if (!err && fail_nth_now())
		err = -ETIMEDOUT;
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

int qi_post(struct qi *qi, const struct vtd_desc *descriptor, void (*tell)(void *arg), void *arg)
{
	int err = 0;

	lock_take(&qi->lock);
	if (fail_nth_now() || !has_room(qi, 1)) {
		err = -EAGAIN;
	} else {
		if (tell)
			tell(arg);
		qi->slots[qi->tail] = *descriptor;
		tail_advance(qi, 1);
	}
	lock_drop(&qi->lock);
	return err;
}

int qi_wait_for_room(struct qi *qi)
{
	return wait_for_room(qi, 1);
}

/* Errors */

/* lock. Has the unit's head gone past the slot? */
static bool is_behind_head(const struct qi *qi, unsigned head, unsigned slot)
{
	return slot_distance(qi, head, slot) >= slot_distance(qi, head, qi->tail);
}

static bool waits_for_device(const struct qi_batch *batch, rid_t rid_)
{
	for (unsigned i = 0; i < batch->count; i++) {
		const struct vtd_desc *descriptor = &batch->descriptors[i];

		switch (vtd_desc_type(descriptor)) {
		case VTD_DESC_DEV_TLB:
			if (vtd_desc_dev_tlb_SID(descriptor) == rid_.v)
				return true;
			break;
		case VTD_DESC_PASID_DEV_TLB:
			if (vtd_desc_pasid_dev_tlb_SID(descriptor) == rid_.v)
				return true;
			break;
		default:
			break;
		}
	}
	return false;
}

/* lock. While ITE is set the unit fetches nothing and completes no wait, so every batch is as it
 * was when the device failed to answer. Outcomes first, then ITE is cleared and the queue goes on.
 * VT-d 6.5.2.10 */
static void handle_timeout(struct qi *qi)
{
	rid_t silent = rid((uint16_t)vtd_IQERCD_ITESID(VTD_READ(qi->port, IQERCD)));
	unsigned head = head_read(qi);

	for (struct qi_batch *batch = qi->in_flight; batch; batch = batch->next) {
		if (is_executed(batch) || batch->outcome)
			continue;
		if (waits_for_device(batch, silent)) {
			batch->is_device_silent = true;
			batch_set_outcome(batch, -ETIMEDOUT);
		} else if (is_behind_head(qi, head, batch->wait_slot)) {
			batch_set_outcome(batch, -EAGAIN);
		}
	}
	__atomic_fetch_add(&qi->timeout_count, 1, __ATOMIC_RELAXED);
	VTD_WRITE(qi->port, FSTS, VTD_FSTS_ITE);
	LOG_LIMITED(LOG_WARN, VSVA_CODE_DEVICE_SILENT,
		    "host: device %04x does not answer a device-TLB invalidation", silent.v);
}

static bool batch_has_slot(const struct qi *qi, const struct qi_batch *batch, unsigned slot)
{
	return slot_distance(qi, batch->first_slot, slot) <= batch->count;
}

/* lock. The head stands at the descriptor that was refused. VT-d 6.5.2.10 */
static void handle_refusal(struct qi *qi)
{
	unsigned head = head_read(qi);
	const struct vtd_desc *bad = &qi->slots[head];

	LOG_LIMITED(LOG_ERROR, VSVA_CODE_DESCRIPTOR_REFUSED,
		    "host: the unit refused descriptor %016" PRIx64 " %016" PRIx64 " (IQEI %" PRIu64
		    ")",
		    bad->q[0], bad->q[1], vtd_IQERCD_IQEI(VTD_READ(qi->port, IQERCD)));
	for (struct qi_batch *batch = qi->in_flight; batch; batch = batch->next)
		if (!batch->outcome && !is_executed(batch) && batch_has_slot(qi, batch, head))
			batch_set_outcome(batch, -EINVAL);
	qi->slots[head] = fence_descriptor();
	VTD_WRITE(qi->port, FSTS, VTD_FSTS_IQE);
}

void qi_handle_errors(struct qi *qi)
{
	uint64_t fsts;

	lock_take(&qi->lock);
	fsts = VTD_READ(qi->port, FSTS);
	if (vtd_FSTS_IQE(fsts))
		handle_refusal(qi);
	if (vtd_FSTS_ITE(fsts))
		handle_timeout(qi);
	if (vtd_FSTS_ICE(fsts)) {
		VTD_WRITE(qi->port, FSTS, VTD_FSTS_ICE);
		LOG_LIMITED(LOG_WARN, VSVA_CODE_INVALIDATION_UNASKED,
			    "host: a device completed an invalidation that was not asked for");
	}
	lock_drop(&qi->lock);
}
