/* SPDX-License-Identifier: MIT */
/* The guest's side of the invalidation queue: 256-bit descriptors, wait descriptors that write a
 * status word. */
#include <errno.h>
#include <string.h>

#include "guest/guest.h"

#define SLOT_SIZE sizeof(struct vtd_desc)

static uint32_t room_by_what_is_known(const struct vsva_guest *guest)
{
	return (guest->queue_head - guest->queue_tail - 1) & (GUEST_QUEUE_SLOTS - 1);
}

/* queue_lock. The unit is asked only where it matters. */
static bool has_room(struct vsva_guest *guest, uint32_t needed)
{
	if (room_by_what_is_known(guest) < needed)
		guest->queue_head =
			(uint32_t)(vtd_IQH_QH(driver_read(guest, VTD_REG_IQH, 8)) / SLOT_SIZE);
	return room_by_what_is_known(guest) >= needed;
}

static void put(struct vsva_guest *guest, const struct vtd_desc *descriptor)
{
	uint8_t *queue = frame_memory(guest, guest->queue);

	memcpy(queue + guest->queue_tail * SLOT_SIZE, descriptor, SLOT_SIZE);
	guest->queue_tail = (guest->queue_tail + 1) & (GUEST_QUEUE_SLOTS - 1);
	TRACE(guest->seams->trace, GUEST, GUEST_QUEUE, .vm = vsva_vm_number(guest->vm),
	      .value = vtd_desc_type(descriptor));
}

/* A register access is ordered behind the descriptors: whoever reads the tail sees them. */
static void ring(struct vsva_guest *guest)
{
	driver_write(guest, VTD_REG_IQT, 8, guest->queue_tail * SLOT_SIZE);
}

static void clear_queue_error(struct vsva_guest *guest)
{
	driver_write(guest, VTD_REG_FSTS, 4, VTD_FSTS_IQE | VTD_FSTS_ICE | VTD_FSTS_ITE);
}

static uint32_t *status_word(struct vsva_guest *guest, uint32_t slot)
{
	return (uint32_t *)frame_memory(guest, gpa(guest->status.v + slot * sizeof(uint32_t)));
}

static struct vtd_desc wait_descriptor(struct vsva_guest *guest, uint32_t slot, uint32_t data,
				       bool drain)
{
	struct vtd_desc descriptor = {{0}};

	descriptor = vtd_desc_of_type(VTD_DESC_WAIT);
	vtd_desc_wait_set_SW(&descriptor, 1);
	vtd_desc_wait_set_PD(&descriptor, drain);
	vtd_desc_wait_set_STDATA(&descriptor, data);
	vtd_desc_wait_set_STADDR(&descriptor, guest->status.v + slot * sizeof(uint32_t));
	return descriptor;
}

struct queue_wait {
	struct vsva_guest *guest;
	uint32_t slot, data;
	uint32_t needed;
};

static bool room_is_there(void *arg)
{
	struct queue_wait *wait = arg;
	bool has;

	lock_take(&wait->guest->queue_lock);
	has = has_room(wait->guest, wait->needed);
	lock_drop(&wait->guest->queue_lock);
	return has;
}

static bool is_complete(void *arg)
{
	struct queue_wait *wait = arg;

	return __atomic_load_n(status_word(wait->guest, wait->slot), __ATOMIC_ACQUIRE) ==
	       wait->data;
}

static int wait_for_room(struct vsva_guest *guest, uint32_t needed)
{
	struct queue_wait wait = {.guest = guest, .needed = needed};

	if (vsva_machine_wait(guest->machine, room_is_there, &wait, GUEST_TIMEOUT_MS))
		return 0;
	clear_queue_error(guest);
	return -ETIMEDOUT;
}

/* Takes the queue's lock when there is room for so many; nothing waits under the lock. */
static int lock_with_room(struct vsva_guest *guest, uint32_t needed)
{
	for (;;) {
		int err;

		lock_take(&guest->queue_lock);
		if (has_room(guest, needed))
			return 0;
		lock_drop(&guest->queue_lock);
		err = wait_for_room(guest, needed);
		if (err)
			return err;
	}
}

static int submit(struct vsva_guest *guest, const struct vtd_desc *descriptors, unsigned count,
		  bool drain, struct queue_wait *wait)
{
	struct vtd_desc last;
	int err = lock_with_room(guest, count + 1);

	if (err)
		return err;
	for (unsigned i = 0; i < count; i++)
		put(guest, &descriptors[i]);
	wait->slot = guest->queue_tail;
	wait->data = ++guest->wait_seq | 1u << 31; /* never 0 */
	*status_word(guest, wait->slot) = 0;
	last = wait_descriptor(guest, wait->slot, wait->data, drain);
	put(guest, &last);
	ring(guest);
	lock_drop(&guest->queue_lock);
	return 0;
}

int queue_submit_wait(struct vsva_guest *guest, const struct vtd_desc *descriptors, unsigned count,
		      bool drain)
{
	struct queue_wait wait = {.guest = guest};
	int err = submit(guest, descriptors, count, drain, &wait);

	if (err)
		return err;
	return vsva_machine_wait(guest->machine, is_complete, &wait, GUEST_TIMEOUT_MS) ? 0
										       : -ETIMEDOUT;
}

int queue_submit_begin(struct vsva_guest *guest, const struct vtd_desc *descriptors, unsigned count)
{
	struct queue_wait unused = {.guest = guest};

	return submit(guest, descriptors, count, false, &unused);
}

int queue_submit(struct vsva_guest *guest, const struct vtd_desc *descriptor)
{
	int err = lock_with_room(guest, 1);

	if (err)
		return err;
	put(guest, descriptor);
	ring(guest);
	lock_drop(&guest->queue_lock);
	return 0;
}
