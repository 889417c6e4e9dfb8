// SPDX-License-Identifier: MIT
#include "mdev_world.h"

#include <string.h>
#include <sys/mman.h>

#include "base/seams.h"
#include "board/device.h"
#include "vtd/tables.h"

/* The port: the board's, tapped */

static unsigned last_command(const struct mw *w)
{
	uint32_t last = w->commands[(w->command_count - 1) % MW_COMMANDS_MAX];

	return w->command_count ? (unsigned)dsa_CMD_CODE(last) : 0;
}

static bool is_drain(unsigned code)
{
	return code == DSA_COMMAND_DRAIN_WQ || code == DSA_COMMAND_DRAIN_PASID;
}

static uint64_t port_read(void *arg, uint32_t offset, unsigned size)
{
	struct mw *w = arg;
	uint64_t value = mw_physical(w, offset, size);

	if (offset == DSA_REG_CMDSTS &&
	    ((w->drains_never_end && is_drain(last_command(w))) ||
	     (w->resets_never_end && last_command(w) == DSA_COMMAND_RESET_WQ)))
		value = dsa_CMDSTS_with_ACTIVE(value, 1);
	return value;
}

static void port_write(void *arg, uint32_t offset, unsigned size, uint64_t value)
{
	struct mw *w = arg;

	if (offset == DSA_REG_CMD) {
		w->commands[w->command_count++ % MW_COMMANDS_MAX] = (uint32_t)value;
		if (w->spoils_enable && last_command(w) == DSA_COMMAND_ENABLE_WQ)
			value = dsa_CMD_with_OPERAND(value, 0xff);
	}
	assert_int_equal(vsva_device_write(w->device, 0, offset, size, value), 0);
}

static int port_submit(void *arg, uint64_t offset, const void *bytes, bool deferrable)
{
	struct mw *w = arg;

	return vsva_device_portal_write(w->device, offset, bytes, deferrable);
}

static void port_store(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct mw *w = arg;

	vsva_device_write(w->device, 2, offset, size, value);
}

static void port_set_irq(void *arg, void (*irq)(void *irq_arg, unsigned vector), void *irq_arg)
{
	struct mw *w = arg;

	vsva_device_set_irq(w->device, irq, irq_arg);
}

static void make_parent(struct mw *w)
{
	struct dsa_port port = {.arg = w,
				.read = port_read,
				.write = port_write,
				.submit = port_submit,
				.store = port_store,
				.config = device_config_port(w->device),
				.vectors = vsva_device_vectors(w->device),
				.set_irq = port_set_irq};
	struct host_vdcm_config config = {.iommu = vsva_machine_iommu(w->machine),
					  .port = &port,
					  .dev = vsva_device_dev(w->device),
					  .pool = machine_seams(w->machine)->pool,
					  .trace = machine_seams(w->machine)->trace};

	assert_int_equal(host_vdcm_create(&config, &w->vdcm), 0);
}

static void observe(void *ledger, const struct vsva_event *event)
{
	ledger_observe(ledger, event);
}

static void create(struct mw *w, enum vsva_cache_policy policy, bool threads)
{
	struct vsva_machine_options options = {
		.cache_policy = policy, .seed = 11, .threads = threads, .observer = observe};
	struct vsva_device_options device = {.kind = VSVA_DEVICE_DSA};

	memset(w, 0, sizeof(*w));
	w->has_threads = threads;
	w->ledger = watch_begin();
	options.observer_arg = w->ledger;
	assert_int_equal(vsva_machine_create(&options, &w->machine), 0);
	assert_int_equal(vsva_device_create(w->machine, &device, &w->device), 0);
	make_parent(w);
}

void mw_create(struct mw *w, enum vsva_cache_policy policy)
{
	create(w, policy, false);
}

void mw_create_threads(struct mw *w, enum vsva_cache_policy policy)
{
	create(w, policy, true);
}

void mw_destroy(struct mw *w)
{
	assert_int_equal(host_vdcm_destroy(w->vdcm), 0);
	vsva_machine_destroy(w->machine);
	watch_end(w->ledger);
}

void mw_run(struct mw *w)
{
	/* with threads milliseconds: what nobody answers keeps a worker busy */
	vsva_machine_run_idle(w->machine, w->has_threads ? 50 : 100000);
}

uint64_t mw_physical(struct mw *w, uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	assert_int_equal(vsva_device_read(w->device, 0, offset, size, &value), 0);
	return value;
}

bool mw_has_command(const struct mw *w, unsigned code, uint32_t operand)
{
	assert_true(w->command_count <= MW_COMMANDS_MAX);
	for (unsigned i = 0; i < w->command_count; i++)
		if (dsa_CMD_CODE(w->commands[i]) == code &&
		    (operand == MW_ANY || dsa_CMD_OPERAND(w->commands[i]) == operand))
			return true;
	return false;
}

void mw_forget_commands(struct mw *w)
{
	w->command_count = 0;
}

/* Owners */

void mw_owner_create(struct mw *w, struct mw_owner *owner)
{
	struct physmem *physmem = machine_seams(w->machine)->physmem;

	memset(owner, 0, sizeof(*owner));
	owner->w = w;
	owner->vm = machine_next_vm_number(w->machine);
	assert_int_equal(
		vsva_ioasid_set_alloc(vsva_iommu_ioasid_space(vsva_machine_iommu(w->machine)),
				      owner, 64, &owner->set),
		0);
	assert_int_equal(vsva_domain_alloc(vsva_machine_iommu(w->machine), owner->set,
					   VSVA_DOMAIN_NESTING, owner->vm, &owner->domain),
			 0);
	owner->memory =
		mmap(NULL, MW_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(owner->memory != MAP_FAILED);
	assert_int_equal(physmem_add(physmem, owner->memory, MW_MEMORY, true, &owner->at), 0);
	assert_int_equal(vsva_domain_map(owner->domain, gpa(0), owner->at, MW_MEMORY, 3), 0);
	owner->next_page = VSVA_PAGE_SIZE;
	owner->root = mw_page(owner);
}

void mw_owner_destroy(struct mw_owner *owner)
{
	vsva_ioasid_set_free(owner->set);
	mw_run(owner->w);
	mw_owner_forget(owner);
}

void mw_owner_forget(struct mw_owner *owner)
{
	struct physmem *physmem = machine_seams(owner->w->machine)->physmem;
	assert_int_equal(vsva_domain_free(owner->domain), 0);
	physmem_remove(physmem, owner->at);
	rcu_synchronize();
	munmap(owner->memory, MW_MEMORY);
}

uint64_t mw_page(struct mw_owner *owner)
{
	uint64_t page = owner->next_page;

	assert_true(page < MW_MEMORY);
	owner->next_page += VSVA_PAGE_SIZE;
	return page;
}

static uint64_t *entry_at(struct mw_owner *owner, uint64_t va)
{
	uint64_t table = owner->root;

	for (unsigned level = 4; level > 1; level--) {
		uint64_t *entry =
			(uint64_t *)(void *)(owner->memory + table) + vtd_level_index(va, level);

		if (!*entry)
			*entry = mw_page(owner) | VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US;
		table = vtd_pte_address(*entry, 1);
	}
	return (uint64_t *)(void *)(owner->memory + table) + vtd_level_index(va, 1);
}

uint64_t mw_map(struct mw_owner *owner, uint64_t va)
{
	uint64_t page = mw_page(owner);

	*entry_at(owner, va) = page | VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US;
	return page;
}

hpasid_t mw_pasid(struct mw_owner *owner, uint32_t guest)
{
	hpasid_t host;

	assert_int_equal(vsva_ioasid_alloc(owner->set, 0x1000, VSVA_PASID_MAX, NULL, &host), 0);
	assert_int_equal(vsva_ioasid_attach_gpasid(owner->set, host, gpasid(guest)), 0);
	return host;
}

static int give_pasid(void *arg, gpasid_t guest, hpasid_t *out, void **handle)
{
	struct mw_owner *owner = arg;
	int err = vsva_ioasid_find_gpasid(owner->set, guest, out);

	*handle = NULL;
	if (!err || !owner->gives_pasids)
		return err;
	*out = mw_pasid(owner, guest.v);
	*handle = owner;
	owner->given = *out;
	return 0;
}

static void take_pasid(void *arg, void *handle)
{
	struct mw_owner *owner = arg;

	if (!handle)
		return;
	assert_int_equal(vsva_ioasid_free(owner->set, owner->given), 0);
	owner->given = hpasid(0);
}

/* Mediated devices */

static void on_irq(void *arg, unsigned vector)
{
	struct mw_mdev *m = arg;

	__atomic_fetch_add(&m->interrupts[vector % MDEV_VECTORS], 1, __ATOMIC_RELAXED);
}

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct mw_mdev *m = arg;

	(void)dev;
	if (m->fault_count < MW_FAULTS_MAX)
		m->faults[m->fault_count++] = *fault;
	return 0;
}

static void on_unit_fault(void *arg, struct vsva_dev *dev, const struct vsva_unit_fault *fault)
{
	struct mw_mdev *m = arg;

	(void)dev;
	m->unit_fault = *fault;
	m->unit_fault_count++;
}

void mw_give(struct mw_owner *owner, enum vsva_mdev_type type, struct mw_mdev *m)
{
	struct vsva_mdev_owner open = {
		.set = owner->set, .pasid_get = give_pasid, .pasid_put = take_pasid, .arg = owner};

	memset(m, 0, sizeof(*m));
	m->owner = owner;
	assert_int_equal(vsva_mdev_create(owner->w->vdcm, type, &m->mdev), 0);
	assert_int_equal(vsva_mdev_open(m->mdev, &open), 0);
	vsva_mdev_set_irq(m->mdev, on_irq, m);
	assert_int_equal(vsva_domain_attach(owner->domain, vsva_mdev_dev(m->mdev)), 0);
	assert_int_equal(
		vsva_dev_register_fault_handler(vsva_mdev_dev(m->mdev), on_fault, on_unit_fault, m),
		0);
	assert_int_equal(vsva_mdev_config_write(m->mdev, 0x04, 2, 0x6), 0);
	assert_int_equal(vsva_mdev_config_write(m->mdev, 0x146, 2, 0x1), 0);
}

void mw_take(struct mw_mdev *m)
{
	vsva_mdev_set_irq(m->mdev, NULL, NULL);
	vsva_mdev_reset(m->mdev);
	assert_int_equal(vsva_dev_unregister_fault_handler(vsva_mdev_dev(m->mdev)), 0);
	assert_int_equal(vsva_domain_detach(m->owner->domain, vsva_mdev_dev(m->mdev)), 0);
	vsva_mdev_close(m->mdev);
	assert_int_equal(vsva_mdev_destroy(m->mdev), 0);
}

int mw_bind(struct mw_mdev *m, hpasid_t host, uint32_t guest)
{
	struct vsva_gpasid_bind_data data = {.argsz = sizeof(data),
					     .version = VSVA_GPASID_BIND_VERSION_1,
					     .format = VSVA_PASID_FORMAT_INTEL_VTD,
					     .addr_width = 48,
					     .flags = VSVA_GPASID_VAL,
					     .gpgd = m->owner->root,
					     .hpasid = host.v,
					     .gpasid = guest};

	return vsva_bind_gpasid(m->owner->domain, vsva_mdev_dev(m->mdev), &data);
}

/* Registers */

uint64_t mw_get(struct mw_mdev *m, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	assert_int_equal(vsva_mdev_read(m->mdev, 0, offset, size, &value), 0);
	return value;
}

void mw_put(struct mw_mdev *m, uint64_t offset, unsigned size, uint64_t value)
{
	assert_int_equal(vsva_mdev_write(m->mdev, 0, offset, size, value), 0);
}

uint32_t mw_command(struct mw_mdev *m, unsigned code, uint32_t operand)
{
	uint64_t value = dsa_CMD_with_CODE(dsa_CMD_with_INTERRUPT(0, 1), code);

	mw_put(m, DSA_REG_CMD, 4, dsa_CMD_with_OPERAND(value, operand));
	mw_run(m->owner->w);
	return (uint32_t)mw_get(m, DSA_REG_CMDSTS, 4);
}

bool mw_is_active(uint32_t status)
{
	return dsa_CMDSTS_ACTIVE(status);
}

void mw_configure(struct mw_mdev *m, uint32_t guest)
{
	bool is_dedicated = vsva_mdev_get_type(m->mdev) == VSVA_MDEV_DEDICATED;
	uint64_t mode = dsa_WQCFG1_with_DEDICATED(0, is_dedicated);

	mode = dsa_WQCFG1_with_BLOCK_ON_FAULT(mode, 1);
	mode = dsa_WQCFG1_with_PRIORITY(mode, 10);
	mode = dsa_WQCFG1_with_MAX_TRANSFER_LG2(mode, 21);
	mode = dsa_WQCFG1_with_MAX_BATCH_LG2(mode, 5);
	mode = dsa_WQCFG1_with_PASID_ENABLE(mode, guest != VSVA_PASID_INVALID);
	if (guest != VSVA_PASID_INVALID)
		mode = dsa_WQCFG1_with_PASID(mode, guest);
	mw_put(m, DSA_GRPCFG, 8, 1);
	mw_put(m, DSA_GRPCFG + DSA_GRPCFG_ENGINES, 8, 1);
	mw_put(m, DSA_WQCFG, 8, dsa_WQCFG0_with_THRESHOLD(dsa_WQCFG0_with_SIZE(0, 16), 16));
	mw_put(m, DSA_WQCFG + 8, 8, mode);
}

void mw_start(struct mw_mdev *m, uint32_t guest)
{
	mw_configure(m, guest);
	assert_int_equal(mw_command(m, DSA_COMMAND_ENABLE_DEVICE, 0), 0);
	assert_int_equal(mw_command(m, DSA_COMMAND_ENABLE_WQ, 0), 0);
}

/* Work */

struct dsa_descriptor mw_noop(uint64_t record)
{
	struct dsa_descriptor d = {{0}};

	dsa_descriptor_set_FLAGS(&d, DSA_FLAG_RECORD_VALID | DSA_FLAG_RECORD_REQUESTED |
					     DSA_FLAG_BLOCK_ON_FAULT);
	dsa_descriptor_set_OPCODE(&d, DSA_OP_NOOP);
	dsa_descriptor_set_RECORD(&d, record);
	return d;
}

struct dsa_descriptor mw_copy(uint64_t record, uint64_t from, uint64_t to)
{
	struct dsa_descriptor d = mw_noop(record);

	dsa_descriptor_set_OPCODE(&d, DSA_OP_MOVE);
	dsa_descriptor_set_SOURCE(&d, from);
	dsa_descriptor_set_DESTINATION(&d, to);
	dsa_descriptor_set_SIZE(&d, 64);
	return d;
}

int mw_submit(struct mw_mdev *m, struct dsa_descriptor d, hpasid_t host)
{
	bool is_shared = vsva_mdev_get_type(m->mdev) == VSVA_MDEV_SHARED;
	int result;

	if (is_shared)
		dsa_descriptor_set_PASID(&d, host.v);
	result = vsva_mdev_portal_write(m->mdev, DSA_PORTAL_LIMITED * DSA_PORTAL_PAGE, &d,
					is_shared);
	mw_run(m->owner->w);
	return result;
}

void mw_submit_stuck(struct mw_mdev *m, hpasid_t host)
{
	unsigned before = m->fault_count;

	assert_int_equal(mw_submit(m, mw_noop(MW_VA + 0x10000), host), 0);
	assert_int_equal(m->fault_count, before + 1);
	assert_int_equal(m->faults[before].type, VSVA_FAULT_PAGE_REQ);
}

void mw_answer(struct mw_mdev *m, unsigned code)
{
	const struct vsva_fault_page_request *prm = &m->faults[m->fault_count - 1].u.prm;
	struct vsva_page_response response = {.argsz = sizeof(response),
					      .version = 1,
					      .pasid = prm->pasid,
					      .grpid = prm->grpid,
					      .code = code};

	if (prm->flags & VSVA_PAGE_REQ_PASID_VALID)
		response.flags = VSVA_PAGE_RESP_PASID_VALID;
	assert_int_equal(vsva_page_response(vsva_mdev_dev(m->mdev), &response), 0);
	mw_run(m->owner->w);
}
