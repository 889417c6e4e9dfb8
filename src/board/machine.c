/* SPDX-License-Identifier: MIT */
#include "board/machine.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/check.h"
#include "board/device.h"
#include "host/iommu.h"
#include "host/ioasid.h"

/* As many pages as busy devices use: 4 MiB of records for 256 MiB in small pages. */
#define IOTLB_ENTRIES 65536u

static const struct {
	const char *name;
	enum vsva_cache_policy policy;
	enum unit_cache_policy unit;
} policies[] = {
	{"lru", VSVA_CACHE_LRU, UNIT_CACHE_LRU},
	{"never", VSVA_CACHE_NEVER, UNIT_CACHE_NEVER},
	{"random", VSVA_CACHE_RANDOM, UNIT_CACHE_RANDOM},
	{"adversarial", VSVA_CACHE_ADVERSARIAL, UNIT_CACHE_ADVERSARIAL},
};

int vsva_cache_policy_parse(const char *name, enum vsva_cache_policy *out)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (!strcmp(policies[i].name, name)) {
			*out = policies[i].policy;
			return 0;
		}
	return -EINVAL;
}

const char *vsva_cache_policy_name(enum vsva_cache_policy policy)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (policies[i].policy == policy)
			return policies[i].name;
	return "?";
}

const struct seams *machine_seams(const struct vsva_machine *machine)
{
	return &machine->seams;
}

uint32_t machine_next_vm_number(struct vsva_machine *machine)
{
	return __atomic_add_fetch(&machine->vm_numbers, 1, __ATOMIC_RELAXED);
}

/* The unit's wires */

static void deliver_message(void *arg, uint64_t address, uint32_t data)
{
	struct vsva_machine *machine = arg;
	const struct message_sink *sink;

	if (!machine->options.bare) {
		messages_deliver(&machine->messages, address, data);
		return;
	}
	rcu_read_lock();
	sink = rcu_load(machine->sink);
	if (sink)
		sink->msi(sink->arg, address, data);
	rcu_read_unlock();
}

static void kick_queue(void *arg)
{
	struct vsva_machine *machine = arg;

	worker_kick(machine->queue_worker);
}

static bool run_queue(void *arg)
{
	struct vsva_machine *machine = arg;

	return unit_run_queue(machine->unit);
}

static int make_unit(struct vsva_machine *machine)
{
	const struct vsva_machine_options *options = &machine->options;
	struct unit_config config = {
		.cap = unit_default_cap(),
		.ecap = unit_default_ecap(),
		.physmem = machine->seams.physmem,
		.trace = &machine->trace,
		.seed = options->seed,
		.iotlb_entries = options->iotlb_entries ? options->iotlb_entries : IOTLB_ENTRIES,
		.msi = deliver_message,
		/* The host driver waits for its descriptors, so the unit runs them at once; a guest
		 * that drives a bare unit has its queue run by a worker. */
		.queue_kick = options->bare ? kick_queue : NULL,
		.arg = machine,
	};

	for (size_t i = 0; i < ARRAY_LEN(policies); i++)
		if (policies[i].policy == options->cache_policy)
			config.policy = policies[i].unit;
	return unit_create(&config, &machine->unit);
}

/* The driver's port */

static uint64_t port_read(void *arg, uint32_t offset, unsigned size)
{
	struct vsva_machine *machine = arg;
	uint64_t value = UINT64_MAX;

	unit_mmio_read(machine->unit, offset, size, &value);
	return value;
}

static void port_write(void *arg, uint32_t offset, unsigned size, uint64_t value)
{
	struct vsva_machine *machine = arg;

	CHECK(unit_mmio_write(machine->unit, offset, size, value) == 0);
}

static int port_msi_alloc(void *arg, void (*handler)(void *handler_arg), void *handler_arg,
			  uint64_t *address, uint32_t *data)
{
	struct vsva_machine *machine = arg;

	return messages_alloc(&machine->messages, handler, handler_arg, address, data);
}

static void port_msi_free(void *arg, uint64_t address, uint32_t data)
{
	struct vsva_machine *machine = arg;

	messages_free(&machine->messages, address, data);
}

static int make_driver(struct vsva_machine *machine)
{
	struct vtd_port port = {
		.arg = machine,
		.read = port_read,
		.write = port_write,
		.physmem = machine->seams.physmem,
		.msi_alloc = port_msi_alloc,
		.msi_free = port_msi_free,
	};
	struct host_iommu_config config = {
		.port = &port, .pool = machine->seams.pool, .trace = &machine->trace};

	return host_iommu_create(&config, &machine->iommu);
}

static int make_queue_worker(struct vsva_machine *machine)
{
	machine->queue_worker =
		worker_create(machine->seams.pool, "unit queue", run_queue, machine);
	return machine->queue_worker ? 0 : -ENOMEM;
}

/* Life */

static int check_options(const struct vsva_machine_options *options)
{
	if ((unsigned)options->cache_policy >= ARRAY_LEN(policies))
		return -EINVAL;
	return 0;
}

static int make_parts(struct vsva_machine *machine)
{
	const struct vsva_machine_options *options = &machine->options;
	int err;

	machine->seams.trace = &machine->trace;
	machine->seams.physmem = physmem_create();
	machine->seams.pool = worker_pool_create(
		options->threads ? WORKERS_THREADS : WORKERS_MANUAL, options->seed);
	if (!machine->seams.physmem || !machine->seams.pool)
		return -ENOMEM;
	err = physmem_guard_install();
	if (!err)
		err = make_unit(machine);
	if (!err)
		err = options->bare ? make_queue_worker(machine) : make_driver(machine);
	return err;
}

int vsva_machine_create(const struct vsva_machine_options *options, struct vsva_machine **out)
{
	struct vsva_machine *machine;
	int err = options ? check_options(options) : 0;

	if (err)
		return err;
	machine = base_zalloc(sizeof(*machine));
	if (!machine)
		return -ENOMEM;
	if (options)
		machine->options = *options;
	machine->trace.observer = machine->options.observer;
	machine->trace.arg = machine->options.observer_arg;
	lock_init(&machine->lock, LOCK_RANK_LEAF, "machine devices");
	lock_init(&machine->vms_lock, LOCK_RANK_VMS, "machine VMs");
	messages_init(&machine->messages);
	err = make_parts(machine);
	if (err) {
		vsva_machine_destroy(machine);
		return err;
	}
	*out = machine;
	return 0;
}

void vsva_machine_destroy(struct vsva_machine *machine)
{
	if (!machine)
		return;
	while (machine->devices)
		CHECK(vsva_device_destroy(machine->devices) == 0);
	host_iommu_destroy(machine->iommu);
	worker_destroy(machine->queue_worker);
	if (machine->unit)
		unit_destroy(machine->unit);
	rcu_barrier();
	if (machine->seams.pool)
		worker_pool_destroy(machine->seams.pool);
	physmem_destroy(machine->seams.physmem);
	ring_put(machine->ring);
	lock_destroy(&machine->lock);
	lock_destroy(&machine->vms_lock);
	base_free(machine);
}

struct vsva_iommu *vsva_machine_iommu(struct vsva_machine *machine)
{
	return machine->iommu;
}

/* Running */

bool vsva_machine_step(struct vsva_machine *machine)
{
	return worker_pool_step(machine->seams.pool);
}

void vsva_machine_run_idle(struct vsva_machine *machine, uint64_t limit)
{
	worker_pool_run_idle(machine->seams.pool, limit);
}

bool vsva_machine_wait(struct vsva_machine *machine, bool (*done)(void *arg), void *arg,
		       uint32_t timeout_ms)
{
	return worker_pool_wait_until(machine->seams.pool, done, arg, timeout_ms);
}

void vsva_machine_notify(struct vsva_machine *machine)
{
	worker_pool_notify(machine->seams.pool);
}

/* Memory of somebody else's */

int vsva_machine_add_memory(struct vsva_machine *machine, hpa_t address, void *memory, size_t len,
			    bool writable)
{
	return physmem_add_at(machine->seams.physmem, address, memory, len, writable);
}

int vsva_machine_remove_memory(struct vsva_machine *machine, hpa_t address)
{
	int err = physmem_remove(machine->seams.physmem, address);

	if (!err)
		rcu_synchronize();
	return err;
}

/* Bare */

int vsva_machine_unit_read(struct vsva_machine *machine, uint32_t offset, unsigned size,
			   uint64_t *value)
{
	if (!machine->options.bare)
		return -EINVAL;
	return unit_mmio_read(machine->unit, offset, size, value);
}

int vsva_machine_unit_write(struct vsva_machine *machine, uint32_t offset, unsigned size,
			    uint64_t value)
{
	if (!machine->options.bare)
		return -EINVAL;
	return unit_mmio_write(machine->unit, offset, size, value);
}

void vsva_machine_set_msi(struct vsva_machine *machine,
			  void (*msi)(void *arg, uint64_t address, uint32_t data), void *arg)
{
	rcu_publish(machine->sink, NULL);
	rcu_synchronize();
	if (!msi)
		return;
	machine->sink_storage = (struct message_sink){.msi = msi, .arg = arg};
	rcu_publish(machine->sink, &machine->sink_storage);
}

static void reset_unit(void *arg)
{
	unit_reset(arg);
}

int vsva_machine_reset_unit(struct vsva_machine *machine)
{
	if (!machine->options.bare)
		return vsva_iommu_reset(machine->iommu, reset_unit, machine->unit);
	unit_reset(machine->unit);
	return 0;
}

void vsva_machine_unit_stats(struct vsva_machine *machine, struct vsva_unit_stats *out)
{
	struct unit_cache_stats stats;

	unit_get_stats(machine->unit, &stats);
	*out = (struct vsva_unit_stats){
		.iotlb_hits = stats.iotlb_hits,
		.iotlb_misses = stats.iotlb_misses,
		.iotlb_entries = stats.iotlb_entries,
		.iotlb_bytes = stats.iotlb_bytes,
		.walks = stats.walks,
		.descriptors = stats.descriptors,
		.waits = stats.waits,
		.page_requests = stats.page_requests,
		.faults = stats.faults,
	};
}

void vsva_machine_memory(struct vsva_machine *machine, struct vsva_memory_stats *out)
{
	const struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(machine->iommu);

	rcu_barrier();
	*out = (struct vsva_memory_stats){
		.record_bytes = base_bytes_in_use() + ioasid_space_bytes(space),
		.records = base_blocks_in_use(),
		.table_pages = physmem_pages_in_use(machine->seams.physmem),
	};
}
