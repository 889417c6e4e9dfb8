// SPDX-License-Identifier: MIT
#include "vmm/server/sender.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

#define REPLY_MAX                                                                                  \
	(sizeof(struct vfu_header) + sizeof(struct vfu_wire_region_access) + VFU_TRANSFER_MAX)
#define OUTPUT_MAX (2 * REPLY_MAX)

#define DMA_PAYLOAD_MAX (sizeof(struct vfu_wire_dma_access) + VFU_DMA_DATA_MAX)
#define SHORT_DATA_AT   12u
#define PROBE_COUNT     (1ull << 32)

int vfu_sender_init(struct vfu_sender *sender, const char *name, void (*wake)(void *arg),
		    void *wake_arg)
{
	memset(sender, 0, sizeof(*sender));
	sender->name = name;
	sender->socket = -1;
	sender->wake = wake;
	sender->wake_arg = wake_arg;
	lock_init(&sender->lock, LOCK_RANK_LEAF, "vfio-user sender");
	return vfu_output_init(&sender->output, OUTPUT_MAX);
}

void vfu_sender_fini(struct vfu_sender *sender)
{
	vfu_output_fini(&sender->output);
	lock_destroy(&sender->lock);
}

void vfu_sender_open(struct vfu_sender *sender, int socket)
{
	lock_take(&sender->lock);
	sender->socket = socket;
	sender->ready = false;
	sender->layout = VFU_DMA_UNKNOWN;
	sender->waiting_count = 0;
	memset(sender->sent, 0, sizeof(sender->sent));
	vfu_output_clear(&sender->output);
	lock_drop(&sender->lock);
}

void vfu_sender_close(struct vfu_sender *sender)
{
	lock_take(&sender->lock);
	sender->socket = -1;
	sender->ready = false;
	sender->waiting_count = 0;
	vfu_output_clear(&sender->output);
	lock_drop(&sender->lock);
}

void vfu_sender_set_ready(struct vfu_sender *sender)
{
	lock_take(&sender->lock);
	sender->ready = true;
	lock_drop(&sender->lock);
}

bool vfu_sender_can_reply(struct vfu_sender *sender)
{
	bool can;

	lock_take(&sender->lock);
	can = vfu_output_room(&sender->output) >= REPLY_MAX;
	lock_drop(&sender->lock);
	return can;
}

bool vfu_sender_is_idle(struct vfu_sender *sender)
{
	bool idle;

	lock_take(&sender->lock);
	idle = vfu_output_is_empty(&sender->output);
	lock_drop(&sender->lock);
	return idle;
}

void vfu_sender_reply(struct vfu_sender *sender, const struct vfu_header *command, uint32_t error,
		      const void *payload, size_t len)
{
	struct vfu_header header = {.id = command->id,
				    .command = command->command,
				    .flags = VFU_TYPE_REPLY | (error ? VFU_FLAG_ERROR : 0),
				    .error = error};

	lock_take(&sender->lock);
	vfu_output_append(&sender->output, header, payload, error ? 0 : len);
	lock_drop(&sender->lock);
}

/* The functions from here to vfu_sender_flush() need the lock. */

static uint16_t append_dma(struct vfu_sender *sender, uint16_t command, bool posted,
			   const void *payload, size_t len)
{
	struct vfu_header header = {.id = sender->next_id++,
				    .command = command,
				    .flags = VFU_TYPE_COMMAND | (posted ? VFU_FLAG_NO_REPLY : 0)};

	vfu_output_append(&sender->output, header, payload, len);
	return header.id;
}

static void append_probe(struct vfu_sender *sender)
{
	struct vfu_wire_dma_access access = {.address = 0, .count = PROBE_COUNT};

	sender->probe_id = append_dma(sender, VFU_DMA_READ, false, &access, sizeof(access));
	sender->layout = VFU_DMA_PROBING;
}

static void append_write(struct vfu_sender *sender, struct vfu_dma_message *write)
{
	unsigned char payload[DMA_PAYLOAD_MAX] = {0};
	struct vfu_wire_dma_access access = {.address = write->gpa.v, .count = write->len};
	size_t data_at = sender->layout == VFU_DMA_SHORT ? SHORT_DATA_AT : sizeof(access);

	memcpy(payload, &access, sizeof(access));
	memcpy(payload + data_at, write->data, write->len);
	write->id = append_dma(sender, VFU_DMA_WRITE, write->posted, payload,
			       sizeof(access) + write->len);
	write->used = true;
	sender->sent[sender->sent_next] = *write;
	sender->sent_next = (sender->sent_next + 1) % VFU_DMA_SENT_MAX;
}

/* Never the room of a reply: the VM's thread may have found it and be about to use it. */
static bool has_dma_room(const struct vfu_sender *sender)
{
	return vfu_output_room(&sender->output) >=
	       REPLY_MAX + sizeof(struct vfu_header) + DMA_PAYLOAD_MAX;
}

/* Moves what waits into the output, as far as the layout is known and there is room. */
static void pump(struct vfu_sender *sender)
{
	unsigned done = 0;

	if (sender->waiting_count && sender->layout == VFU_DMA_UNKNOWN && has_dma_room(sender))
		append_probe(sender);
	if (sender->layout != VFU_DMA_SPECIFIED && sender->layout != VFU_DMA_SHORT)
		return;
	while (done < sender->waiting_count && has_dma_room(sender))
		append_write(sender, &sender->waiting[done++]);
	sender->waiting_count -= done;
	memmove(sender->waiting, sender->waiting + done,
		sender->waiting_count * sizeof(sender->waiting[0]));
}

static int pump_and_flush(struct vfu_sender *sender)
{
	int rc;

	if (sender->socket < 0)
		return -ENOTCONN;
	do {
		pump(sender);
		rc = vfu_output_flush(&sender->output, sender->socket);
	} while (!rc && sender->waiting_count &&
		 (sender->layout == VFU_DMA_SPECIFIED || sender->layout == VFU_DMA_SHORT));
	return rc;
}

int vfu_sender_flush(struct vfu_sender *sender)
{
	int rc;

	lock_take(&sender->lock);
	rc = pump_and_flush(sender);
	lock_drop(&sender->lock);
	return rc;
}

/* The last write that waits for this address is the same: the guest could not tell one from two. */
static bool is_merged(const struct vfu_sender *sender, gpa_t gpa, const void *data, size_t len)
{
	for (unsigned i = sender->waiting_count; i-- > 0;) {
		const struct vfu_dma_message *w = &sender->waiting[i];

		if (w->gpa.v == gpa.v)
			return w->len == len && memcmp(w->data, data, len) == 0;
	}
	return false;
}

static int enqueue(struct vfu_sender *sender, gpa_t gpa, const void *data, size_t len, bool posted)
{
	struct vfu_dma_message *write = &sender->waiting[sender->waiting_count];

	if (!sender->ready)
		return -ENOTCONN;
	if (sender->layout == VFU_DMA_REFUSED)
		return -ENOTSUP;
	if (is_merged(sender, gpa, data, len))
		return 0;
	if (sender->waiting_count == VFU_DMA_WAITING_MAX)
		return -ENOBUFS;
	*write = (struct vfu_dma_message){.gpa = gpa, .len = (uint8_t)len, .posted = posted};
	memcpy(write->data, data, len);
	sender->waiting_count++;
	return 0;
}

int vfu_sender_dma_write(struct vfu_sender *sender, gpa_t gpa, const void *data, size_t len,
			 bool posted)
{
	bool stuck = false;
	int rc;

	if (len == 0 || len > VFU_DMA_DATA_MAX)
		return -EINVAL;
	lock_take(&sender->lock);
	rc = enqueue(sender, gpa, data, len, posted);
	if (!rc)
		stuck = pump_and_flush(sender) != 0;
	lock_drop(&sender->lock);
	/* Full or broken: the VM's thread finds out which. */
	if (stuck)
		sender->wake(sender->wake_arg);
	return rc;
}

static void settle_layout(struct vfu_sender *sender, uint32_t error)
{
	if (!error)
		sender->layout = VFU_DMA_SHORT;
	else if (error == ENOSYS || error == ENOTSUP)
		sender->layout = VFU_DMA_REFUSED;
	else
		sender->layout = VFU_DMA_SPECIFIED;
	if (sender->layout == VFU_DMA_REFUSED)
		sender->waiting_count = 0;
}

static struct vfu_dma_message *find_sent(struct vfu_sender *sender, uint16_t id)
{
	for (unsigned i = 0; i < VFU_DMA_SENT_MAX; i++)
		if (sender->sent[i].used && sender->sent[i].id == id)
			return &sender->sent[i];
	return NULL;
}

static int take_write_reply(struct vfu_sender *sender, uint16_t id, uint32_t error,
			    struct vfu_dma_message *failed)
{
	struct vfu_dma_message *write = find_sent(sender, id);

	if (!write)
		return -ENOENT;
	write->used = false;
	*failed = *write;
	return error > INT32_MAX ? EIO : (int)error;
}

int vfu_sender_take_reply(struct vfu_sender *sender, const struct vfu_header *reply,
			  struct vfu_dma_message *failed)
{
	/* The error number may be absent from an error reply. */
	uint32_t error = !(reply->flags & VFU_FLAG_ERROR) ? 0 : reply->error ? reply->error : EIO;
	enum vfu_dma_layout layout = VFU_DMA_UNKNOWN;
	int rc = 0;

	lock_take(&sender->lock);
	if (sender->layout == VFU_DMA_PROBING && reply->id == sender->probe_id) {
		settle_layout(sender, error);
		layout = sender->layout;
	} else {
		rc = take_write_reply(sender, reply->id, error, failed);
	}
	lock_drop(&sender->lock);
	if (layout == VFU_DMA_REFUSED)
		log_line(LOG_ERROR, VSVA_CODE_CLIENT_NO_DMA,
			 "%s: the client takes no DMA_READ and DMA_WRITE commands: interrupts of "
			 "the VT-d "
			 "unit cannot reach the guest",
			 sender->name);
	else if (layout == VFU_DMA_SHORT)
		log_line(LOG_INFO, VSVA_CODE_NONE,
			 "%s: the client uses the DMA_WRITE layout of QEMU 10.1 and 10.2",
			 sender->name);
	return rc;
}
