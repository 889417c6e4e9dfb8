// SPDX-License-Identifier: MIT
#include "accelerator.h"

#include "base/sched.h"
#include "explore.h"
#include "hw/device/dsa_device.h"

/* Interrupts */

static void fire(void *arg, unsigned vector)
{
	struct accelerator *a = arg;

	irq_line_raise(&a->irq, vector);
}

static void port_set_irq(void *arg, void (*irq)(void *irq_arg, unsigned vector), void *irq_arg)
{
	struct accelerator *a = arg;

	irq_line_set(&a->irq, irq, irq_arg);
}

/* The port. One that was pulled out answers as a bus does where nobody is. */

static bool is_gone(const struct accelerator *a)
{
	SEAM_FLAG_READ("accelerator is gone");
	return __atomic_load_n(&a->is_gone, __ATOMIC_ACQUIRE);
}

static bool is_planted(const struct accelerator *a, unsigned code)
{
	switch (a->plant) {
	case ACCELERATOR_PLANT_NO_DRAIN:
		return code == DSA_COMMAND_DRAIN_PASID || code == DSA_COMMAND_DRAIN_WQ;
	case ACCELERATOR_PLANT_NO_ABORT:
		return code == DSA_COMMAND_ABORT_PASID || code == DSA_COMMAND_ABORT_WQ;
	case ACCELERATOR_PLANT_KEEP_QUEUE:
		return code == DSA_COMMAND_RESET_WQ;
	default:
		return false;
	}
}

/* Of nobody's work. */
static uint64_t spoil(uint64_t command)
{
	return dsa_CMD_with_OPERAND(dsa_CMD_with_CODE(command, DSA_COMMAND_DRAIN_PASID), 0);
}

static uint64_t port_read(void *arg, uint32_t offset, unsigned size)
{
	struct accelerator *a = arg;
	uint64_t value = UINT64_MAX;

	if (!is_gone(a))
		CHECK(dsa_mmio_read(a->dsa, 0, offset, size, &value) == 0);
	return size < 8 ? (uint32_t)value : value;
}

static void port_write(void *arg, uint32_t offset, unsigned size, uint64_t value)
{
	struct accelerator *a = arg;

	if (offset == DSA_REG_CMD && is_planted(a, (unsigned)dsa_CMD_CODE(value)))
		value = spoil(value);
	if (!is_gone(a))
		CHECK(dsa_mmio_write(a->dsa, 0, offset, size, value) == 0);
}

static int port_submit(void *arg, uint64_t offset, const void *bytes, bool deferrable)
{
	struct accelerator *a = arg;

	return is_gone(a) ? deferrable : dsa_portal_write(a->dsa, offset, bytes, deferrable);
}

static void port_store(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct accelerator *a = arg;

	if (!is_gone(a))
		CHECK(dsa_mmio_write(a->dsa, 2, offset, size, value) == 0);
}

static uint32_t config_read(void *arg, uint32_t offset, unsigned size)
{
	struct accelerator *a = arg;

	return is_gone(a) ? (uint32_t)((UINT64_C(1) << 8 * size) - 1)
			  : dsa_config_read(a->dsa, offset, size);
}

static void config_write(void *arg, uint32_t offset, unsigned size, uint32_t value)
{
	struct accelerator *a = arg;

	if (!is_gone(a))
		dsa_config_write(a->dsa, offset, size, value);
}

/* Life */

static void make_dsa(struct accelerator *a, unsigned queues)
{
	struct dsa_config config = {.unit = a->s->unit,
				    .physmem = a->s->physmem,
				    .pool = a->s->pool,
				    .trace = &a->s->trace,
				    .rid = ACCELERATOR_RID,
				    .pf_rid = ACCELERATOR_RID,
				    .queues = queues,
				    .engines = 1,
				    .irq = fire,
				    .arg = a};
	struct host_dev_info info = {.rid = ACCELERATOR_RID,
				     .pf_rid = ACCELERATOR_RID,
				     .is_pci = true,
				     .config = {a, config_read, config_write}};

	EXPLORE_CHECK(dsa_create(&config, &a->dsa) == 0);
	EXPLORE_CHECK(host_dev_add(a->s->iommu, &info, &a->dev) == 0);
}

static void make_parent(struct accelerator *a)
{
	struct dsa_port port = {.arg = a,
				.read = port_read,
				.write = port_write,
				.submit = port_submit,
				.store = port_store,
				.config = {a, config_read, config_write},
				.vectors = dsa_vectors(a->dsa),
				.set_irq = port_set_irq};
	struct host_vdcm_config config = {.iommu = a->s->iommu,
					  .port = &port,
					  .dev = a->dev,
					  .pool = a->s->pool,
					  .trace = &a->s->trace};

	EXPLORE_CHECK(host_vdcm_create(&config, &a->vdcm) == 0);
}

void accelerator_create(struct accelerator *a, struct silicon *s, unsigned queues)
{
	*a = (struct accelerator){.s = s};
	irq_line_init(&a->irq);
	make_dsa(a, queues);
	make_parent(a);
}

void accelerator_destroy(struct accelerator *a)
{
	EXPLORE_CHECK(host_vdcm_destroy(a->vdcm) == 0);
	host_dev_remove(a->dev);
	dsa_destroy(a->dsa);
	irq_line_fini(&a->irq);
}

void accelerator_pull(struct accelerator *a)
{
	SEAM_FLAG_WRITE("accelerator is gone");
	__atomic_store_n(&a->is_gone, true, __ATOMIC_RELEASE);
	dsa_set_gone(a->dsa, true);
}

/* A look inside */

static bool is_any_or(uint32_t wanted, uint32_t value)
{
	return wanted == ACCELERATOR_ANY || wanted == value;
}

unsigned accelerator_jobs(const struct accelerator *a, uint32_t queue, uint32_t pasid)
{
	unsigned count = 0;

	for (unsigned i = 0; i < DSA_MAX_ENTRIES && !a->is_gone; i++)
		count += a->dsa->state[i] != DSA_JOB_FREE &&
			 is_any_or(queue, a->dsa->jobs[i].queue) &&
			 is_any_or(pasid, a->dsa->jobs[i].context.pasid);
	return count;
}

static bool is_permitted(const struct accelerator *a, unsigned vector, uint32_t pasid)
{
	uint64_t table = dsa_reg(a->dsa, DSA_REG_OFFSETS);
	uint64_t permission =
		dsa_reg(a->dsa, (uint32_t)dsa_OFFSETS_MSIXPERM(table) * DSA_TABLE_UNIT +
					vector * DSA_MSIXPERM_STRIDE);

	return dsa_MSIXPERM_PASID_ENABLE(permission) && dsa_MSIXPERM_PASID(permission) == pasid;
}

bool accelerator_has_number(const struct accelerator *a, uint32_t pasid)
{
	for (unsigned i = 0; i < a->dsa->queue_count && !a->is_gone; i++) {
		uint64_t mode = dsa_wqcfg(a->dsa, i, 1);

		if (a->dsa->wq[i].state != DSA_WQ_DISABLED && dsa_WQCFG1_PASID(mode) == pasid)
			return true;
		if (is_permitted(a, vdcm_vector(i), pasid))
			return true;
	}
	return false;
}

bool accelerator_has_drain(const struct accelerator *a, uint32_t pasid)
{
	const struct list *drains = &a->vdcm->drains;

	for (struct list *at = drains->next; at != drains; at = at->next) {
		const struct vdcm_drain *drain = container_of(at, struct vdcm_drain, in_parent);

		if (drain->code == DSA_COMMAND_DRAIN_PASID && drain->operand == pasid &&
		    !drain->has_ended)
			return true;
	}
	return false;
}

bool accelerator_is_answered(const struct accelerator *a)
{
	const struct endpoint *endpoint = dsa_endpoint(a->dsa);

	return endpoint->outstanding == 0;
}

struct dsa_descriptor accelerator_noop(uint64_t record, unsigned vector)
{
	uint32_t flags = DSA_FLAG_RECORD_VALID | DSA_FLAG_RECORD_REQUESTED |
			 DSA_FLAG_BLOCK_ON_FAULT | (vector ? DSA_FLAG_INTERRUPT : 0u);
	struct dsa_descriptor d = {{0}};

	dsa_descriptor_set_OPCODE(&d, DSA_OP_NOOP);
	dsa_descriptor_set_FLAGS(&d, flags);
	dsa_descriptor_set_RECORD(&d, record);
	dsa_descriptor_set_INTERRUPT(&d, vector);
	return d;
}
