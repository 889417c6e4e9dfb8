// SPDX-License-Identifier: MIT
/* The accelerator as a PCI function: registers, configuration space, interrupts, life. */
#include "hw/device/dsa.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "hw/device/dsa_device.h"

#define DEFAULT_QUEUES  8u
#define DEFAULT_ENGINES 4u
/* What the stock driver was seen to work with. */
#define READ_BUFFERS     96u
#define MAX_TRANSFER_LG2 31u
#define MAX_BATCH_LG2    10u
#define PRI_CAPACITY     512u
#define ATS_DEPTH        16u
/* Slices are short; this is for a machine that is stopped in a debugger. */
#define RESET_TIMEOUT_MS 60000u

/* Registers */

void dsa_unlock(struct dsa *dsa)
{
	uint32_t raised = dsa->raised;

	dsa->raised = 0;
	lock_drop(&dsa->lock);
	for (unsigned vector = 0; raised; vector++, raised >>= 1)
		if ((raised & 1) && dsa->irq)
			dsa->irq(dsa->irq_arg, vector);
}

uint64_t dsa_reg(const struct dsa *dsa, uint32_t offset)
{
	return dsa->regs[offset / 4] | (uint64_t)dsa->regs[offset / 4 + 1] << 32;
}

void dsa_set_reg(struct dsa *dsa, uint32_t offset, uint64_t value)
{
	dsa->regs[offset / 4] = (uint32_t)value;
	dsa->regs[offset / 4 + 1] = (uint32_t)(value >> 32);
}

uint64_t dsa_wqcfg(const struct dsa *dsa, unsigned queue, unsigned quadword)
{
	return dsa_reg(dsa, DSA_WQCFG + queue * DSA_WQCFG_STRIDE + quadword * 8);
}

enum dsa_device_state dsa_device_state(const struct dsa *dsa)
{
	return (enum dsa_device_state)dsa_GENSTS_STATE(dsa_reg(dsa, DSA_REG_GENSTS));
}

void dsa_set_device_state(struct dsa *dsa, enum dsa_device_state state)
{
	dsa_set_reg(dsa, DSA_REG_GENSTS,
		    dsa_GENSTS_with_STATE(dsa_reg(dsa, DSA_REG_GENSTS), state));
}

static uint32_t msixperm_offset(const struct dsa *dsa)
{
	uint32_t end = DSA_WQCFG + dsa->queue_count * DSA_WQCFG_STRIDE;

	return (end + DSA_TABLE_UNIT - 1) / DSA_TABLE_UNIT * DSA_TABLE_UNIT;
}

bool dsa_vector_is_permitted(const struct dsa *dsa, uint64_t vector, uint32_t pasid)
{
	uint32_t permission;

	if (vector >= dsa->vector_count)
		return false;
	permission = __atomic_load_n(
		&dsa->regs[(msixperm_offset(dsa) + vector * DSA_MSIXPERM_STRIDE) / 4],
		__ATOMIC_RELAXED);
	return !dsa_MSIXPERM_PASID_ENABLE(permission) || dsa_MSIXPERM_PASID(permission) == pasid;
}

static uint64_t gencap(void)
{
	uint64_t cap = 0;

	cap = dsa_GENCAP_with_BLOCK_ON_FAULT(cap, 1);
	cap = dsa_GENCAP_with_OVERLAPPING_COPY(cap, 1);
	cap = dsa_GENCAP_with_CACHE_CONTROL_MEMORY(cap, 1);
	cap = dsa_GENCAP_with_CACHE_CONTROL_FLUSH(cap, 1);
	cap = dsa_GENCAP_with_COMMAND_CAPABILITIES(cap, 1);
	cap = dsa_GENCAP_with_MAX_TRANSFER_LG2(cap, MAX_TRANSFER_LG2);
	cap = dsa_GENCAP_with_MAX_BATCH_LG2(cap, MAX_BATCH_LG2);
	return dsa_GENCAP_with_CONFIGURABLE(cap, 1);
}

static uint64_t wqcap(const struct dsa *dsa)
{
	uint64_t cap = 0;

	cap = dsa_WQCAP_with_TOTAL_SIZE(cap, DSA_MAX_ENTRIES);
	cap = dsa_WQCAP_with_QUEUES(cap, dsa->queue_count);
	/* 64 bytes: one doubling of 32 */
	cap = dsa_WQCAP_with_CONFIG_LG2(cap, 1);
	cap = dsa_WQCAP_with_SHARED(cap, 1);
	cap = dsa_WQCAP_with_DEDICATED(cap, 1);
	cap = dsa_WQCAP_with_ATS(cap, 1);
	return dsa_WQCAP_with_PRIORITY(cap, 1);
}

static uint64_t offsets(const struct dsa *dsa)
{
	uint64_t table = dsa_OFFSETS_with_GROUP(0, DSA_GRPCFG / DSA_TABLE_UNIT);

	table = dsa_OFFSETS_with_QUEUE(table, DSA_WQCFG / DSA_TABLE_UNIT);
	return dsa_OFFSETS_with_MSIXPERM(table, msixperm_offset(dsa) / DSA_TABLE_UNIT);
}

static uint64_t command_bitmap(void)
{
	uint64_t bitmap = 0;

#define COMMAND_BIT_(name, code) bitmap |= UINT64_C(1) << (code);
	DSA_COMMANDS(COMMAND_BIT_)
	return bitmap;
}

void dsa_registers_reset(struct dsa *dsa)
{
	uint64_t opcap[4];

	memset(dsa->regs, 0, sizeof(dsa->regs));
	dsa_set_reg(dsa, DSA_REG_VERSION, DSA_VERSION_1);
	dsa_set_reg(dsa, DSA_REG_GENCAP, gencap());
	dsa_set_reg(dsa, DSA_REG_WQCAP, wqcap(dsa));
	dsa_set_reg(
		dsa, DSA_REG_GRPCAP,
		dsa_GRPCAP_with_READ_BUFFERS(dsa_GRPCAP_with_GROUPS(0, DSA_GROUPS), READ_BUFFERS));
	dsa_set_reg(dsa, DSA_REG_ENGCAP, dsa_ENGCAP_with_ENGINES(0, dsa->engine_count));
	dsa_operations_bitmap(opcap);
	for (uint32_t i = 0; i < ARRAY_LEN(opcap); i++)
		dsa_set_reg(dsa, DSA_REG_OPCAP + 8 * i, opcap[i]);
	dsa_set_reg(dsa, DSA_REG_OFFSETS, offsets(dsa));
	dsa_set_reg(dsa, DSA_REG_CMDCAP, command_bitmap());
	for (unsigned i = 0; i < dsa->queue_count; i++)
		dsa_wq_reset(dsa, i);
	for (unsigned i = 0; i < dsa->engine_count; i++)
		dsa->engines[i].group = DSA_NONE;
	for (unsigned i = 0; i < dsa->vector_count; i++)
		memcpy(&dsa->msix[(size_t)4 * i], (uint32_t[]){0, 0, 0, 1}, 16);
}

void dsa_report(struct dsa *dsa, unsigned queue, const struct dsa_job *job,
		const struct dsa_error *error)
{
	uint64_t head = dsa_reg(dsa, DSA_REG_SWERR);
	bool has_pasid = job && job->context.pasid != VSVA_PASID_INVALID;

	if (dsa_SWERR_VALID(head)) {
		dsa_set_reg(dsa, DSA_REG_SWERR, dsa_SWERR_with_OVERFLOW(head, 1));
		return;
	}
	head = dsa_SWERR_with_VALID(0, 1);
	head = dsa_SWERR_with_DESCRIPTOR_VALID(head, job != NULL);
	head = dsa_SWERR_with_QUEUE_VALID(head, 1);
	head = dsa_SWERR_with_BATCH(head, error->in_batch);
	head = dsa_SWERR_with_WRITE(head, error->code & DSA_STATUS_WRITE ? 1 : 0);
	head = dsa_SWERR_with_PRIVILEGED(head, job && job->context.privileged);
	head = dsa_SWERR_with_ERROR(head, error->code & ~(unsigned)DSA_STATUS_WRITE);
	head = dsa_SWERR_with_QUEUE(head, queue);
	head = dsa_SWERR_with_OPERATION(head, error->opcode);
	head = dsa_SWERR_with_PASID(head, has_pasid ? job->context.pasid : 0);
	dsa_set_reg(dsa, DSA_REG_SWERR, head);
	dsa_set_reg(
		dsa, DSA_REG_SWERR + 8,
		dsa_SWERR1_with_INVALID_FLAGS(dsa_SWERR1_with_BATCH_INDEX(0, error->batch_index),
					      error->invalid_flags));
	dsa_set_reg(dsa, DSA_REG_SWERR + 16, error->addr);
	if (dsa_GENCTRL_SOFTWARE_ERROR(dsa_reg(dsa, DSA_REG_GENCTRL))) {
		dsa->regs[DSA_REG_INTCAUSE / 4] |= (uint32_t)dsa_INTCAUSE_with_ERROR(0, 1);
		dsa->raised |= 1;
	}
}

/* Register access */

static bool is_in(uint32_t offset, uint32_t base, uint32_t len)
{
	return offset - base < len;
}

static uint32_t groups_len(void)
{
	return DSA_GROUPS * DSA_GRPCFG_STRIDE;
}

static uint32_t queues_len(const struct dsa *dsa)
{
	return dsa->queue_count * DSA_WQCFG_STRIDE;
}

static uint32_t read_dword(const struct dsa *dsa, uint32_t offset)
{
	if (is_in(offset, DSA_WQCFG, queues_len(dsa)))
		return dsa_wq_config_read(dsa, offset);
	if (offset < DSA_REGISTER_SPACE)
		return dsa->regs[offset / 4];
	if (is_in(offset, DSA_MSIX_TABLE, dsa->vector_count * 16))
		return dsa->msix[(offset - DSA_MSIX_TABLE) / 4];
	return 0;
}

static void write_tables(struct dsa *dsa, uint32_t offset, uint32_t value)
{
	if (is_in(offset, DSA_WQCFG, queues_len(dsa))) {
		dsa_wq_config_write(dsa, offset, value);
	} else if (is_in(offset, DSA_GRPCFG, groups_len())) {
		/* the groups of a device that is enabled are fixed (DSA 9.2.24) */
		if (dsa_device_state(dsa) == DSA_DEVICE_DISABLED)
			dsa->regs[offset / 4] = value;
	} else if (is_in(offset, msixperm_offset(dsa), dsa->vector_count * DSA_MSIXPERM_STRIDE)) {
		/* engines look at it without the lock */
		__atomic_store_n(&dsa->regs[offset / 4], value, __ATOMIC_RELAXED);
	} else if (is_in(offset, DSA_MSIX_TABLE, dsa->vector_count * 16)) {
		uint32_t at = (offset - DSA_MSIX_TABLE) / 4;

		dsa->msix[at] = at % 4 == 3 ? value & 1 : value;
	}
}

static void write_dword(struct dsa *dsa, uint32_t offset, uint32_t value)
{
	uint32_t *reg = &dsa->regs[offset % DSA_REGISTER_SPACE / 4];

	switch (offset) {
	case DSA_REG_GENCFG:
		if (dsa_device_state(dsa) == DSA_DEVICE_DISABLED)
			*reg = (uint32_t)dsa_GENCFG_with_READ_BUFFER_LIMIT(0, value & 0xff);
		break;
	case DSA_REG_GENCTRL:
		*reg = (uint32_t)(dsa_GENCTRL_with_SOFTWARE_ERROR(
					  0, dsa_GENCTRL_SOFTWARE_ERROR(value)) |
				  dsa_GENCTRL_with_HALT(0, dsa_GENCTRL_HALT(value)));
		break;
	case DSA_REG_INTCAUSE:
		*reg &= ~value;
		break;
	case DSA_REG_SWERR:
		*reg &= ~(value &
			  (uint32_t)(dsa_SWERR_with_VALID(0, 1) | dsa_SWERR_with_OVERFLOW(0, 1)));
		break;
	case DSA_REG_CMD:
		dsa_command_write(dsa, value);
		break;
	default:
		write_tables(dsa, offset, value);
		break;
	}
}

static bool access_is_valid(const struct dsa *dsa, unsigned bar, uint64_t offset, unsigned size)
{
	uint64_t len = pci_config_bar_size(&dsa->config, bar);

	return (size == 4 || size == 8) && offset % size == 0 && offset < len;
}

int dsa_mmio_read(struct dsa *dsa, unsigned bar, uint64_t offset, unsigned size, uint64_t *value)
{
	if (!access_is_valid(dsa, bar, offset, size))
		return -EINVAL;
	*value = 0;
	/* portals cannot be read */
	if (bar != 0)
		return 0;
	lock_take(&dsa->lock);
	*value = read_dword(dsa, (uint32_t)offset);
	if (size == 8)
		*value |= (uint64_t)read_dword(dsa, (uint32_t)offset + 4) << 32;
	dsa_unlock(dsa);
	return 0;
}

int dsa_mmio_write(struct dsa *dsa, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	if (!access_is_valid(dsa, bar, offset, size))
		return -EINVAL;
	if (bar != 0) {
		dsa_portal_store(dsa, offset, size, value);
		return 0;
	}
	lock_take(&dsa->lock);
	write_dword(dsa, (uint32_t)offset, (uint32_t)value);
	if (size == 8)
		write_dword(dsa, (uint32_t)offset + 4, (uint32_t)(value >> 32));
	dsa_unlock(dsa);
	return 0;
}

/* Configuration space */

uint32_t dsa_config_read(struct dsa *dsa, uint32_t offset, unsigned size)
{
	uint32_t value;

	lock_take(&dsa->lock);
	value = pci_config_read(&dsa->config, offset, size);
	dsa_unlock(dsa);
	return value;
}

void dsa_config_write(struct dsa *dsa, uint32_t offset, unsigned size, uint32_t value)
{
	unsigned effects;

	lock_take(&dsa->lock);
	effects = endpoint_config_write(&dsa->endpoint, offset, size, value);
	if (effects & PCI_CONFIG_PRI_RESET)
		dsa_jobs_unanswerable(dsa);
	dsa_unlock(dsa);
	if (!(effects & PCI_CONFIG_FLR))
		return;
	dsa_reset(dsa);
	lock_take(&dsa->lock);
	pci_config_reset(&dsa->config);
	dsa_unlock(dsa);
}

/* Life */

static bool none_running(void *arg)
{
	struct dsa *dsa = arg;
	bool none = true;

	lock_take(&dsa->lock);
	for (unsigned i = 0; i < DSA_MAX_ENTRIES; i++)
		if (dsa->state[i] == DSA_JOB_RUNNING)
			none = false;
	dsa_unlock(dsa);
	return none;
}

/* No job is left when it returns, and none has been taken in between: the queues are off. */
static void stop(struct dsa *dsa)
{
	lock_take(&dsa->lock);
	TRACE(dsa->trace, DEVICE, STOP, .rid = dsa->endpoint.rid);
	dsa->command.active = false;
	for (unsigned i = 0; i < dsa->queue_count; i++)
		dsa_wq_disable(dsa, i);
	dsa_set_device_state(dsa, DSA_DEVICE_DISABLED);
	for (unsigned i = 0; i < DSA_MAX_ENTRIES; i++)
		dsa_job_abort(dsa, i);
	dsa_unlock(dsa);
	worker_pool_wait_until(dsa->pool, none_running, dsa, RESET_TIMEOUT_MS);
}

void dsa_reset(struct dsa *dsa)
{
	stop(dsa);
	endpoint_reset(&dsa->endpoint);
	lock_take(&dsa->lock);
	dsa_registers_reset(dsa);
	dsa_unlock(dsa);
}

void dsa_set_gone(struct dsa *dsa, bool gone)
{
	if (gone)
		endpoint_set_gone(&dsa->endpoint, true);
	dsa_reset(dsa);
	lock_take(&dsa->lock);
	pci_config_reset(&dsa->config);
	dsa_unlock(dsa);
	if (!gone)
		endpoint_set_gone(&dsa->endpoint, false);
}

static const struct endpoint_ops endpoint_ops = {.page_answer = dsa_page_answer};

static uint64_t portal_bar_size(unsigned queues)
{
	uint64_t size = DSA_PORTAL_STRIDE;

	while (size < (uint64_t)queues * DSA_PORTAL_STRIDE)
		size *= 2;
	return size;
}

static struct pci_config_description describe(const struct dsa_config *config,
					      const struct dsa *dsa)
{
	bool is_vf = config->pf_config != NULL;

	return (struct pci_config_description){
		.vendor = 0x8086,
		.device = 0x0b25,
		.subsystem_vendor = 0x8086,
		.class_code = 0x088000,
		.bar = {[0] = {.size = DSA_BAR0_SIZE, .wide = true},
			[2] = {.size = portal_bar_size(dsa->queue_count), .wide = true}},
		.function_level_reset = true,
		.msix_vectors = dsa->vector_count,
		.msix_table_offset = DSA_MSIX_TABLE,
		.msix_pba_offset = DSA_MSIX_PBA,
		.ats = true,
		.ats_queue_depth = ATS_DEPTH,
		/* PCIe 10.5.2, 7.8.8: virtual functions use those of their physical function */
		.pri = !is_vf,
		.pri_pasid_required = true,
		.pri_capacity = PRI_CAPACITY,
		.pasid = !is_vf,
		.pasid_privileged = true,
		.pasid_width = 20,
		.sriov_vfs = is_vf ? 0 : config->sriov_vfs,
		.sriov_vf_device = 0x0b25,
		.sriov_first_offset = 1,
		.sriov_stride = 1,
	};
}

static void fill_in(struct dsa *dsa, const struct dsa_config *config)
{
	dsa->unit = config->unit;
	dsa->pool = config->pool;
	dsa->trace = config->trace;
	dsa->irq = config->irq;
	dsa->irq_arg = config->arg;
	dsa->queue_count = config->queues ? config->queues : DEFAULT_QUEUES;
	dsa->engine_count = config->engines ? config->engines : DEFAULT_ENGINES;
	dsa->vector_count = dsa->queue_count + 1;
	lock_init(&dsa->lock, LOCK_RANK_DEVICE, "dsa");
	dsa_jobs_init(dsa);
}

static int create_engines(struct dsa *dsa)
{
	for (unsigned i = 0; i < dsa->engine_count; i++) {
		struct dsa_engine *engine = &dsa->engines[i];

		engine->dsa = dsa;
		engine->group = DSA_NONE;
		engine->worker = worker_create(dsa->pool, "dsa engine", dsa_engine_run, engine);
		if (!engine->worker)
			return -ENOMEM;
	}
	return 0;
}

static void destroy_engines(struct dsa *dsa)
{
	for (unsigned i = 0; i < dsa->engine_count; i++)
		worker_destroy(dsa->engines[i].worker);
}

static int start(struct dsa *dsa, const struct dsa_config *config)
{
	struct pci_config_description description = describe(config, dsa);
	int error = pci_config_init(&dsa->config, &description);

	if (error)
		return error;
	error = endpoint_init(&dsa->endpoint, config->unit, config->rid, &dsa->config,
			      config->physmem, &endpoint_ops, config->trace);
	if (error)
		return error;
	if (config->pf_config)
		endpoint_set_pf(&dsa->endpoint, config->pf_rid, config->pf_config);
	dsa_registers_reset(dsa);
	error = create_engines(dsa);
	if (!error)
		error = unit_attach(config->unit, &dsa->endpoint);
	if (error) {
		destroy_engines(dsa);
		endpoint_fini(&dsa->endpoint);
	}
	return error;
}

int dsa_create(const struct dsa_config *config, struct dsa **out)
{
	struct dsa *dsa;
	int error;

	if (config->queues > DSA_MAX_QUEUES || config->engines > DSA_MAX_ENGINES)
		return -EINVAL;
	dsa = base_zalloc(sizeof(*dsa));
	if (!dsa)
		return -ENOMEM;
	fill_in(dsa, config);
	error = start(dsa, config);
	if (error) {
		lock_destroy(&dsa->lock);
		base_free(dsa);
		return error;
	}
	*out = dsa;
	return 0;
}

void dsa_destroy(struct dsa *dsa)
{
	if (!dsa)
		return;
	endpoint_set_gone(&dsa->endpoint, true);
	stop(dsa);
	unit_detach(dsa->unit, &dsa->endpoint);
	destroy_engines(dsa);
	endpoint_fini(&dsa->endpoint);
	lock_destroy(&dsa->lock);
	base_free(dsa);
}

struct endpoint *dsa_endpoint(struct dsa *dsa)
{
	return &dsa->endpoint;
}

struct pci_config *dsa_config_space(struct dsa *dsa)
{
	return &dsa->config;
}

unsigned dsa_vectors(const struct dsa *dsa)
{
	return dsa->vector_count;
}

unsigned dsa_jobs_in_flight(struct dsa *dsa)
{
	unsigned count = 0;

	lock_take(&dsa->lock);
	for (unsigned i = 0; i < DSA_MAX_ENTRIES; i++)
		count += dsa->state[i] != DSA_JOB_FREE ? 1 : 0;
	dsa_unlock(dsa);
	return count;
}
