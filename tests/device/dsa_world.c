// SPDX-License-Identifier: MIT
#include "unit.h"

#include <string.h>

#include "device/dsa_world.h"

static void count_interrupt(void *arg, unsigned vector)
{
	struct dsa_world *d = arg;

	__atomic_fetch_add(&d->interrupts[vector], 1, __ATOMIC_RELAXED);
}

static void count_event(void *arg, const struct vsva_event *event)
{
	struct dsa_world *d = arg;

	__atomic_fetch_add(&d->events[event->kind], 1, __ATOMIC_RELAXED);
	if (event->kind == VSVA_EV_COMPLETE && event->addr)
		__atomic_fetch_add(&d->completed_in_batch, 1, __ATOMIC_RELAXED);
	if (event->kind == VSVA_EV_STOP)
		d->last_stop = *event;
}

/* Whatever was submitted was completed or given up: nothing is lost from view. */
static void check_every_end_was_told(const struct dsa_world *d)
{
	assert_int_equal(d->events[VSVA_EV_SUBMIT], d->events[VSVA_EV_COMPLETE] -
							    d->completed_in_batch +
							    d->events[VSVA_EV_ABORT]);
}

void dsa_world_init_bare(struct dsa_world *d, enum worker_mode mode)
{
	memset(d, 0, sizeof(*d));
	world_init(&d->w, mode);
	d->w.trace = (struct trace){.observer = count_event, .arg = d};
	struct dsa_config config = {
		.unit = &d->w.unit,
		.physmem = d->w.physmem,
		.pool = d->w.pool,
		.trace = &d->w.trace,
		.rid = rid(0x30),
		.irq = count_interrupt,
		.arg = d,
	};

	assert_int_equal(dsa_create(&config, &d->dsa), 0);
	world_allow(&d->w, PASID, VA, SPACE_LEN, RW);
}

uint64_t dsa_get(struct dsa_world *d, uint32_t offset)
{
	uint64_t value;

	assert_int_equal(dsa_mmio_read(d->dsa, 0, offset, offset % 8 ? 4 : 8, &value), 0);
	return value;
}

void dsa_put(struct dsa_world *d, uint32_t offset, uint64_t value)
{
	assert_int_equal(dsa_mmio_write(d->dsa, 0, offset, offset % 8 ? 4 : 8, value), 0);
}

uint32_t dsa_command_only(struct dsa_world *d, unsigned code, uint32_t operand)
{
	uint64_t value = dsa_CMD_with_CODE(
		dsa_CMD_with_OPERAND(dsa_CMD_with_INTERRUPT(0, 1), operand), code);

	assert_int_equal(dsa_mmio_write(d->dsa, 0, DSA_REG_CMD, 4, value), 0);
	return (uint32_t)dsa_get(d, DSA_REG_CMDSTS);
}

uint32_t dsa_command(struct dsa_world *d, unsigned code, uint32_t operand)
{
	uint32_t status = dsa_command_only(d, code, operand);

	if (dsa_CMDSTS_ACTIVE(status)) {
		world_run(&d->w);
		status = (uint32_t)dsa_get(d, DSA_REG_CMDSTS);
	}
	return status;
}

static void configure_queue(struct dsa_world *d, unsigned queue, bool dedicated)
{
	uint32_t base = DSA_WQCFG + queue * DSA_WQCFG_STRIDE;
	uint64_t config = dsa_WQCFG1_with_DEDICATED(0, dedicated);

	config = dsa_WQCFG1_with_BLOCK_ON_FAULT(config, 1);
	config = dsa_WQCFG1_with_PRIORITY(config, 10);
	config = dsa_WQCFG1_with_PASID_ENABLE(config, 1);
	config = dsa_WQCFG1_with_PASID(config, dedicated ? PASID : 0);
	config = dsa_WQCFG1_with_MAX_TRANSFER_LG2(config, 21);
	config = dsa_WQCFG1_with_MAX_BATCH_LG2(config, 5);
	dsa_put(d, base, dsa_WQCFG0_with_THRESHOLD(dsa_WQCFG0_with_SIZE(0, QUEUE_SIZE), THRESHOLD));
	dsa_put(d, base + 8, config);
}

void dsa_world_configure(struct dsa_world *d)
{
	dsa_config_write(d->dsa, 0x04, 2, 6);
	dsa_config_write(d->dsa, 0x146, 2, 1);
	dsa_config_write(d->dsa, 0x106, 2, 0x8000);
	dsa_config_write(d->dsa, 0x12c, 4, 512);
	dsa_config_write(d->dsa, 0x124, 2, 1);
	dsa_put(d, DSA_GRPCFG, 3);
	dsa_put(d, DSA_GRPCFG + 32, 3);
	dsa_put(d, DSA_REG_GENCTRL, 1);
	configure_queue(d, DEDICATED, true);
	configure_queue(d, SHARED, false);
	assert_int_equal(dsa_command(d, DSA_COMMAND_ENABLE_DEVICE, 0), 0);
	assert_int_equal(dsa_command(d, DSA_COMMAND_ENABLE_WQ, DEDICATED), 0);
	assert_int_equal(dsa_command(d, DSA_COMMAND_ENABLE_WQ, SHARED), 0);
}

void dsa_world_init(struct dsa_world *d, enum worker_mode mode)
{
	dsa_world_init_bare(d, mode);
	dsa_world_configure(d);
	memset(d->interrupts, 0, sizeof(d->interrupts));
}

void dsa_world_fini(struct dsa_world *d)
{
	dsa_destroy(d->dsa);
	check_every_end_was_told(d);
	world_fini(&d->w);
}

struct dsa_descriptor describe(enum dsa_opcode opcode, uint32_t flags, uint64_t source,
			       uint64_t destination, uint32_t size)
{
	struct dsa_descriptor descriptor = {0};

	dsa_descriptor_set_OPCODE(&descriptor, opcode);
	dsa_descriptor_set_FLAGS(&descriptor, flags);
	dsa_descriptor_set_SOURCE(&descriptor, source);
	dsa_descriptor_set_DESTINATION(&descriptor, destination);
	dsa_descriptor_set_SIZE(&descriptor, size);
	return descriptor;
}

int submit(struct dsa_world *d, unsigned queue, struct dsa_descriptor descriptor, unsigned record)
{
	if (dsa_descriptor_FLAGS(&descriptor) & DSA_FLAG_RECORD_VALID &&
	    !dsa_descriptor_RECORD(&descriptor))
		dsa_descriptor_set_RECORD(&descriptor, RECORD + record * DSA_RECORD_BYTES);
	if (queue == SHARED)
		dsa_descriptor_set_PASID(&descriptor, PASID);
	return dsa_portal_write(d->dsa, queue * DSA_PORTAL_STRIDE, &descriptor, queue == SHARED);
}

struct dsa_record record_at(struct dsa_world *d, unsigned record)
{
	struct dsa_record copy;

	world_read(&d->w, RECORD + record * DSA_RECORD_BYTES, &copy, sizeof(copy));
	return copy;
}

void clear_records(struct dsa_world *d)
{
	for (unsigned i = 0; i < VSVA_PAGE_SIZE; i++)
		*world_byte(&d->w, RECORD + i) = 0;
}

struct dsa_record run_one(struct dsa_world *d, struct dsa_descriptor descriptor)
{
	clear_records(d);
	assert_int_equal(submit(d, DEDICATED, descriptor, 0), 0);
	world_run(&d->w);
	return record_at(d, 0);
}

struct dsa_descriptor noop_descriptor(void)
{
	return describe(DSA_OP_NOOP, ASKED, 0, 0, 0);
}

struct dsa_descriptor stuck(struct dsa_world *d, uint64_t page)
{
	world_allow(&d->w, PASID, DESTINATION + page * 4096, 4096, 0);
	return describe(DSA_OP_FILL, USUAL, 0x1111111111111111, DESTINATION + page * 4096, 64);
}

uint8_t status_at(struct dsa_world *d, unsigned record)
{
	struct dsa_record r = record_at(d, record);

	return (uint8_t)dsa_record_STATUS(&r);
}

uint64_t software_error(struct dsa_world *d)
{
	uint64_t head = dsa_get(d, DSA_REG_SWERR);

	dsa_put(d, DSA_REG_SWERR, 3);
	return dsa_SWERR_VALID(head) ? dsa_SWERR_ERROR(head) : 0;
}

static uint64_t queue_status(struct dsa_world *d, unsigned queue)
{
	return dsa_get(d, DSA_WQCFG + queue * DSA_WQCFG_STRIDE + 4 * DSA_WQCFG_STATE_WORD);
}

unsigned queue_state(struct dsa_world *d, unsigned queue)
{
	return (unsigned)dsa_WQCFG3_STATE(queue_status(d, queue));
}

unsigned occupancy(struct dsa_world *d, unsigned queue)
{
	return (unsigned)dsa_WQCFG3_OCCUPANCY(queue_status(d, queue));
}
