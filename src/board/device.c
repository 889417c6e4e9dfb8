/* SPDX-License-Identifier: MIT */
#include "board/device.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/check.h"
#include "base/rcu.h"
#include "board/machine.h"
#include "vsva/limits.h"

/* Requester ids that are chosen here: bus 0x6a on, a device each; nothing that a guest would use.
 * */
#define FIRST_RID 0x6a00u
#define RID_STEP  8u

#define PCIE_DEVICE_CONTROL     0x48u
#define PCIE_DEVICE_CONTROL_FLR 0x8000u

/* Kinds */

struct device_kind {
	enum vsva_device_kind kind;
	int (*create)(struct vsva_device *device, const struct vsva_device_options *options,
		      struct pci_config *pf_config);
	void (*destroy)(void *model);
	struct pci_config *(*config_space)(void *model);
	uint32_t (*config_read)(void *model, uint32_t offset, unsigned size);
	void (*config_write)(void *model, uint32_t offset, unsigned size, uint32_t value);
	int (*read)(void *model, unsigned bar, uint64_t offset, unsigned size, uint64_t *value);
	int (*write)(void *model, unsigned bar, uint64_t offset, unsigned size, uint64_t value);
	int (*portal_write)(void *model, uint64_t offset, const void *bytes, bool deferrable);
	void (*reset)(void *model);
	void (*set_gone)(void *model, bool gone);
};

static void fire_irq(void *arg, unsigned vector);

static int create_dsa(struct vsva_device *device, const struct vsva_device_options *options,
		      struct pci_config *pf_config)
{
	struct vsva_machine *machine = device->machine;
	struct dsa_config config = {
		.unit = machine->unit,
		.physmem = machine->seams.physmem,
		.pool = machine->seams.pool,
		.trace = &machine->trace,
		.rid = device->rid,
		.pf_rid = device->pf_rid,
		.pf_config = pf_config,
		.queues = options->queues,
		.irq = fire_irq,
		.arg = device,
	};
	struct dsa *dsa;
	int err = dsa_create(&config, &dsa);

	device->model = err ? NULL : dsa;
	return err;
}

static int create_engine(struct vsva_device *device, const struct vsva_device_options *options,
			 struct pci_config *pf_config)
{
	struct vsva_machine *machine = device->machine;
	struct test_engine_config config = {
		.unit = machine->unit,
		.physmem = machine->seams.physmem,
		.pool = machine->seams.pool,
		.trace = &machine->trace,
		.rid = device->rid,
		.pf_rid = device->pf_rid,
		.pf_config = pf_config,
		.irq = fire_irq,
		.arg = device,
	};
	struct test_engine *engine;
	int err = test_engine_create(&config, &engine);

	(void)options;
	device->model = err ? NULL : engine;
	return err;
}

static int no_portal(void *model, uint64_t offset, const void *bytes, bool deferrable)
{
	(void)model;
	(void)offset;
	(void)bytes;
	(void)deferrable;
	return -EINVAL;
}

/* One thin function per operation, so that every call goes through its right type. */
#define MODEL_OPS(name)                                                                            \
	static void name##_op_destroy(void *model)                                                 \
	{                                                                                          \
		name##_destroy(model);                                                             \
	}                                                                                          \
	static struct pci_config *name##_op_config_space(void *model)                              \
	{                                                                                          \
		return name##_config_space(model);                                                 \
	}                                                                                          \
	static uint32_t name##_op_config_read(void *model, uint32_t offset, unsigned size)         \
	{                                                                                          \
		return name##_config_read(model, offset, size);                                    \
	}                                                                                          \
	static void name##_op_config_write(void *model, uint32_t offset, unsigned size,            \
					   uint32_t value)                                         \
	{                                                                                          \
		name##_config_write(model, offset, size, value);                                   \
	}                                                                                          \
	static int name##_op_read(void *model, unsigned bar, uint64_t offset, unsigned size,       \
				  uint64_t *value)                                                 \
	{                                                                                          \
		return name##_mmio_read(model, bar, offset, size, value);                          \
	}                                                                                          \
	static int name##_op_write(void *model, unsigned bar, uint64_t offset, unsigned size,      \
				   uint64_t value)                                                 \
	{                                                                                          \
		return name##_mmio_write(model, bar, offset, size, value);                         \
	}                                                                                          \
	static void name##_op_reset(void *model)                                                   \
	{                                                                                          \
		name##_reset(model);                                                               \
	}                                                                                          \
	static void name##_op_set_gone(void *model, bool gone)                                     \
	{                                                                                          \
		name##_set_gone(model, gone);                                                      \
	}

MODEL_OPS(dsa)
MODEL_OPS(test_engine)

static int dsa_op_portal_write(void *model, uint64_t offset, const void *bytes, bool deferrable)
{
	return dsa_portal_write(model, offset, bytes, deferrable);
}

#define MODEL_KIND(name, which, make, portal)                                                      \
	{                                                                                          \
		.kind = (which), .create = (make), .destroy = name##_op_destroy,                   \
		.config_space = name##_op_config_space, .config_read = name##_op_config_read,      \
		.config_write = name##_op_config_write, .read = name##_op_read,                    \
		.write = name##_op_write, .portal_write = (portal), .reset = name##_op_reset,      \
		.set_gone = name##_op_set_gone                                                     \
	}

static const struct device_kind kinds[] = {
	MODEL_KIND(dsa, VSVA_DEVICE_DSA, create_dsa, dsa_op_portal_write),
	MODEL_KIND(test_engine, VSVA_DEVICE_TEST_ENGINE, create_engine, no_portal),
};

/* Interrupts */

static void fire_irq(void *arg, unsigned vector)
{
	struct vsva_device *device = arg;

	irq_line_raise(&device->irq, vector);
}

void vsva_device_set_irq(struct vsva_device *device, void (*irq)(void *arg, unsigned vector),
			 void *arg)
{
	irq_line_set(&device->irq, irq, arg);
}

/* The host driver's port */

static uint32_t port_config_read(void *arg, uint32_t offset, unsigned size)
{
	uint32_t value = UINT32_MAX;

	vsva_device_config_read(arg, offset, size, &value);
	return value;
}

static void port_config_write(void *arg, uint32_t offset, unsigned size, uint32_t value)
{
	vsva_device_config_write(arg, offset, size, value);
}

struct pci_port device_config_port(struct vsva_device *device)
{
	return (struct pci_port){
		.arg = device, .read = port_config_read, .write = port_config_write};
}

static int tell_driver(struct vsva_device *device)
{
	struct host_dev_info info = {
		.rid = device->rid,
		.pf_rid = device->pf_rid,
		.is_pci = true,
		.is_vf = device->pf_rid.v != device->rid.v,
		.config = device_config_port(device),
	};

	if (!device->machine->iommu)
		return 0;
	return host_dev_add(device->machine->iommu, &info, &device->dev);
}

/* Life */

static struct vsva_device *find_device(struct vsva_machine *machine, rid_t rid)
{
	struct vsva_device *device = machine->devices;

	while (device && device->rid.v != rid.v)
		device = device->next;
	return device;
}

static rid_t choose_rid(struct vsva_machine *machine)
{
	uint16_t candidate = FIRST_RID;

	while (find_device(machine, rid(candidate)))
		candidate = (uint16_t)(candidate + RID_STEP);
	return rid(candidate);
}

/* Numbers the device and enters it in the list, so that its RID is taken. */
static int enlist(struct vsva_device *device, const struct vsva_device_options *options,
		  struct vsva_device **pf)
{
	struct vsva_machine *machine = device->machine;
	int err = 0;

	*pf = NULL;
	lock_take(&machine->lock);
	device->rid = options->rid.v ? options->rid : choose_rid(machine);
	device->pf_rid = options->pf_rid.v ? options->pf_rid : device->rid;
	if (find_device(machine, device->rid))
		err = -EEXIST;
	else if (machine->device_count >= VSVA_LIMIT_DEVICES)
		err = -ENOSPC;
	else if (device->pf_rid.v != device->rid.v) {
		*pf = find_device(machine, device->pf_rid);
		err = *pf && (*pf)->kind == device->kind ? 0 : -ENOENT;
	}
	if (!err) {
		if (*pf)
			(*pf)->vfs++;
		device->next = machine->devices;
		machine->devices = device;
		machine->device_count++;
	}
	lock_drop(&machine->lock);
	return err;
}

static void delist(struct vsva_device *device)
{
	struct vsva_machine *machine = device->machine;
	struct vsva_device **link, *pf;

	lock_take(&machine->lock);
	for (link = &machine->devices; *link != device; link = &(*link)->next)
		;
	*link = device->next;
	machine->device_count--;
	pf = device->pf_rid.v != device->rid.v ? find_device(machine, device->pf_rid) : NULL;
	if (pf)
		pf->vfs--;
	lock_drop(&machine->lock);
}

static void free_device(struct vsva_device *device)
{
	if (device->dev)
		host_dev_remove(device->dev);
	if (device->model)
		device->kind->destroy(device->model);
	rcu_synchronize();
	irq_line_fini(&device->irq);
	base_free(device);
}

static struct vsva_device *new_device(struct vsva_machine *machine,
				      const struct vsva_device_options *options)
{
	struct vsva_device *device = base_zalloc(sizeof(*device));

	if (!device)
		return NULL;
	device->machine = machine;
	device->kind = &kinds[options->kind];
	irq_line_init(&device->irq);
	irq_line_set(&device->irq, options->irq, options->irq_arg);
	return device;
}

int vsva_device_create(struct vsva_machine *machine, const struct vsva_device_options *options,
		       struct vsva_device **out)
{
	struct vsva_device *device, *pf;
	int err;

	if (!options || (unsigned)options->kind >= ARRAY_LEN(kinds))
		return -EINVAL;
	device = new_device(machine, options);
	if (!device)
		return -ENOMEM;
	err = enlist(device, options, &pf);
	if (err) {
		free_device(device);
		return err;
	}
	err = device->kind->create(device, options, pf ? pf->kind->config_space(pf->model) : NULL);
	if (!err)
		err = tell_driver(device);
	if (err) {
		delist(device);
		free_device(device);
		return err;
	}
	__atomic_store_n(&device->is_whole, true, __ATOMIC_RELEASE);
	*out = device;
	return 0;
}

void device_set_assigned(struct vsva_device *device, bool assigned)
{
	lock_take(&device->machine->lock);
	device->is_assigned = assigned;
	lock_drop(&device->machine->lock);
}

static bool is_part_of(const struct vsva_device *device, const struct vsva_device *pf)
{
	return device == pf || device->pf_rid.v == pf->rid.v;
}

static bool is_in_use(struct vsva_device *pf)
{
	struct vsva_device *device;
	bool in_use = false;

	lock_take(&pf->machine->lock);
	for (device = pf->machine->devices; device; device = device->next)
		in_use |= device->is_assigned && is_part_of(device, pf);
	lock_drop(&pf->machine->lock);
	return in_use;
}

static struct vsva_device *any_vf_of(struct vsva_device *pf)
{
	struct vsva_device *device;

	lock_take(&pf->machine->lock);
	for (device = pf->machine->devices; device; device = device->next)
		if (device != pf && is_part_of(device, pf))
			break;
	lock_drop(&pf->machine->lock);
	return device;
}

int vsva_device_destroy(struct vsva_device *device)
{
	struct vsva_device *vf;

	if (!device)
		return 0;
	if (is_in_use(device))
		return -EBUSY;
	while ((vf = any_vf_of(device)))
		vsva_device_destroy(vf);
	delist(device);
	free_device(device);
	return 0;
}

/* Views */

rid_t vsva_device_rid(const struct vsva_device *device)
{
	return device->rid;
}

enum vsva_device_kind vsva_device_kind(const struct vsva_device *device)
{
	return device->kind->kind;
}

struct vsva_machine *vsva_device_machine(const struct vsva_device *device)
{
	return device->machine;
}

struct vsva_dev *vsva_device_dev(struct vsva_device *device)
{
	return device->dev;
}

const struct pci_config *device_config(const struct vsva_device *device)
{
	return device->kind->config_space(device->model);
}

const struct pci_config_description *device_config_description(const struct vsva_device *device)
{
	return &device_config(device)->description;
}

uint64_t vsva_device_bar_size(const struct vsva_device *device, unsigned bar)
{
	return pci_config_bar_size(device->kind->config_space(device->model), bar);
}

unsigned vsva_device_vectors(const struct vsva_device *device)
{
	return device_config_description(device)->msix_vectors;
}

/* Accesses */

static bool is_gone(const struct vsva_device *device)
{
	return __atomic_load_n(&device->is_gone, __ATOMIC_ACQUIRE);
}

/* What the bus answers where nobody does. */
static uint64_t ones(unsigned size)
{
	return size < 8 ? (UINT64_C(1) << size * 8) - 1 : UINT64_MAX;
}

int vsva_device_read(struct vsva_device *device, unsigned bar, uint64_t offset, unsigned size,
		     uint64_t *value)
{
	int err = device->kind->read(device->model, bar, offset, size, value);

	if (!err && is_gone(device))
		*value = ones(size);
	return err;
}

int vsva_device_write(struct vsva_device *device, unsigned bar, uint64_t offset, unsigned size,
		      uint64_t value)
{
	if (is_gone(device))
		return 0;
	return device->kind->write(device->model, bar, offset, size, value);
}

int vsva_device_portal_write(struct vsva_device *device, uint64_t offset, const void *bytes,
			     bool deferrable)
{
	if (is_gone(device))
		return deferrable;
	return device->kind->portal_write(device->model, offset, bytes, deferrable);
}

static bool is_config_access(uint32_t offset, unsigned size)
{
	return (size == 1 || size == 2 || size == 4) && offset <= PCI_CONFIG_SIZE - size;
}

int vsva_device_config_read(struct vsva_device *device, uint32_t offset, unsigned size,
			    uint32_t *value)
{
	if (!is_config_access(offset, size))
		return -EINVAL;
	*value = is_gone(device) ? (uint32_t)ones(size)
				 : device->kind->config_read(device->model, offset, size);
	return 0;
}

int vsva_device_config_write(struct vsva_device *device, uint32_t offset, unsigned size,
			     uint32_t value)
{
	if (!is_config_access(offset, size))
		return -EINVAL;
	if (!is_gone(device))
		device->kind->config_write(device->model, offset, size, value);
	return 0;
}

void vsva_device_reset(struct vsva_device *device)
{
	device->kind->reset(device->model);
}

/* FLR through the configuration space resets both (PCIe 6.6.2). */
void vsva_device_reset_config(struct vsva_device *device)
{
	device->kind->config_write(device->model, PCIE_DEVICE_CONTROL, 2, PCIE_DEVICE_CONTROL_FLR);
}

void vsva_device_set_gone(struct vsva_device *device, bool gone)
{
	if (gone)
		__atomic_store_n(&device->is_gone, true, __ATOMIC_RELEASE);
	device->kind->set_gone(device->model, gone);
	if (!gone)
		__atomic_store_n(&device->is_gone, false, __ATOMIC_RELEASE);
}
