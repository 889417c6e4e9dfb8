// SPDX-License-Identifier: MIT
#include "mediated_world.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rcu.h"
#include "host/mdev.h"
#include "vtd/enqcmd.h"

/* PASIDs of 13 bits, so that the driver's tables are small. */
#define PSS_CLEAR vtd_ECAP_with_PSS(0, 20 - 1)
#define PSS_SET   vtd_ECAP_with_PSS(0, 13 - 1)
#define VM_MEMORY (GUEST_LEN / 2)
#define VA        0x40000000u /* mapped */
#define VA_HOLE   0x40001000u /* not mapped at first */
#define WAIT_MS   1000u

enum accelerator_plant mediated_world_plant;

/* Ledger */

static struct mediated_vm *vm_with(struct mediated_world *w, hpasid_t pasid)
{
	if (pasid.v == w->vm.pasid.v)
		return &w->vm;
	return pasid.v == w->other.pasid.v ? &w->other : NULL;
}

static uint64_t memory_of(const struct mediated_vm *vm)
{
	return vm == &vm->world->vm ? 0 : VM_MEMORY;
}

static bool is_own_memory(const struct mediated_vm *vm, hpa_t at)
{
	return at.v - vm->world->s.base.v - memory_of(vm) < VM_MEMORY;
}

static void on_access(struct mediated_world *w, const struct vsva_event *event)
{
	struct mediated_vm *vm = vm_with(w, event->hpasid);

	if (!vm)
		explore_fail("access under PASID %u, which nobody has", event->hpasid.v);
	if (w->is_pulled)
		explore_fail("access of an accelerator that is gone");
	if (vm->users <= 0 || vm->is_over || vm->is_reclaimed)
		explore_fail("access to %#lx under PASID %u: %d users%s%s",
			     (unsigned long)event->addr, event->hpasid.v, vm->users,
			     vm->is_over ? ", all over" : "",
			     vm->is_reclaimed ? ", reclaimed" : "");
	if (!is_own_memory(vm, event->hpa))
		explore_fail("access to another VM's memory under PASID %u", event->hpasid.v);
}

static void on_submit(struct mediated_world *w, const struct vsva_event *event)
{
	const struct mediated_vm *vm = vm_with(w, event->hpasid);

	if (!vm || vm->is_reclaimed)
		explore_fail("work is accepted for PASID %u, which nobody has", event->hpasid.v);
}

/* The number may be another one's from here on. */
static void on_reclaim(struct mediated_world *w, struct mediated_vm *vm)
{
	const struct accelerator *a = &w->accelerator;
	uint32_t pasid = vm->pasid.v;

	vm->is_reclaimed = true;
	if (accelerator_jobs(a, ACCELERATOR_ANY, pasid))
		explore_fail("PASID %u is reclaimed with work in a queue", pasid);
	if (accelerator_has_number(a, pasid))
		explore_fail("PASID %u is reclaimed while it stands in a register", pasid);
	if (accelerator_has_drain(a, pasid))
		explore_fail("PASID %u is reclaimed while a drain waits for it", pasid);
}

static void on_event(void *arg, const struct vsva_event *event)
{
	struct mediated_world *w = arg;
	struct mediated_vm *vm = vm_with(w, event->hpasid);

	if (event->kind == VSVA_EV_ACCESS)
		on_access(w, event);
	if (event->kind == VSVA_EV_SUBMIT)
		on_submit(w, event);
	if (event->kind == VSVA_EV_IOASID_RECLAIM && vm)
		on_reclaim(w, vm);
}

/* What the driver and the mediated device call */

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct mediated_vm *vm = arg;

	(void)dev;
	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0;
	SEAM_FLAG_WRITE("handler");
	EXPLORE_CHECK(vm->reported < MEDIATED_GROUPS_MAX);
	vm->requests[vm->reported++] = fault->u.prm;
	worker_pool_notify(vm->world->s.pool);
	return 0;
}

static void on_irq(void *arg, unsigned vector)
{
	struct mediated_vm *vm = arg;

	SEAM_FLAG_READ("irq is heard");
	EXPLORE_CHECK(!vm->is_deaf);
	if (vector != MDEV_VECTOR_MISC)
		return;
	SEAM_FLAG_WRITE("interrupt");
	vm->interrupts++;
	worker_pool_notify(vm->world->s.pool);
}

static int give_pasid(void *arg, gpasid_t guest, hpasid_t *out, void **handle)
{
	struct mediated_vm *vm = arg;
	int err = vsva_ioasid_find_gpasid(vsva_container_set(vm->container), guest, out);

	EXPLORE_CHECK(!vm->is_forgotten);
	*handle = vm;
	vm->given += !err;
	return err;
}

static void take_pasid(void *arg, void *handle)
{
	struct mediated_vm *vm = arg;

	SEAM_FLAG_READ("owner");
	EXPLORE_CHECK(handle == vm && !vm->is_forgotten && vm->given > 0);
	vm->given--;
}

/* The VMM's calls */

bool mediated_enter(struct mediated_vm *vm)
{
	SEAM_FLAG_WRITE("vmm");
	if (vm->is_closed)
		return false;
	vm->inside++;
	return true;
}

void mediated_leave(struct mediated_vm *vm)
{
	SEAM_FLAG_WRITE("vmm");
	vm->inside--;
	worker_pool_notify(vm->world->s.pool);
}

static bool is_nobody_inside(void *arg)
{
	const struct mediated_vm *vm = arg;

	SEAM_FLAG_READ("vmm");
	return !vm->inside;
}

void mediated_close(struct mediated_vm *vm)
{
	vsva_mdev_set_irq(vm->mdev, NULL, NULL);
	SEAM_FLAG_WRITE("irq is heard");
	vm->is_deaf = true;
	vsva_mdev_reset(vm->mdev);
	vsva_container_device_close(vm->device);
	vm->is_over = true;
	SEAM_FLAG_WRITE("vmm");
	vm->is_closed = true;
	while (!worker_pool_wait_until(vm->world->s.pool, is_nobody_inside, vm, WAIT_MS))
		;
	vsva_mdev_close(vm->mdev);
	SEAM_FLAG_WRITE("owner");
	vm->is_forgotten = true;
	EXPLORE_CHECK(vm->given == 0);
	EXPLORE_CHECK(accelerator_jobs(&vm->world->accelerator, vm->queue, ACCELERATOR_ANY) == 0);
}

int mediated_bind(struct mediated_vm *vm)
{
	struct vsva_gpasid_bind_data data = {.argsz = sizeof(data),
					     .version = VSVA_GPASID_BIND_VERSION_1,
					     .format = VSVA_PASID_FORMAT_INTEL_VTD,
					     .addr_width = 48,
					     .flags = VSVA_GPASID_VAL,
					     .gpgd = vm->root,
					     .hpasid = vm->pasid.v,
					     .gpasid = MEDIATED_GUEST_PASID};

	return vsva_container_bind_gpasid(vm->device, &data);
}

/* The guest's */

void mediated_write(struct mediated_vm *vm, uint64_t offset, unsigned size, uint64_t value)
{
	if (!mediated_enter(vm))
		return;
	EXPLORE_CHECK(vsva_mdev_write(vm->mdev, 0, offset, size, value) == 0);
	mediated_leave(vm);
}

static uint32_t read_register(struct mediated_vm *vm, uint64_t offset)
{
	uint64_t value = 0;

	if (!mediated_enter(vm))
		return 0;
	EXPLORE_CHECK(vsva_mdev_read(vm->mdev, 0, offset, 4, &value) == 0);
	mediated_leave(vm);
	return (uint32_t)value;
}

void mediated_command(struct mediated_vm *vm, unsigned code, uint32_t operand)
{
	uint64_t value = dsa_CMD_with_CODE(dsa_CMD_with_INTERRUPT(0, 1), code);

	mediated_write(vm, DSA_REG_CMD, 4, dsa_CMD_with_OPERAND(value, operand));
}

static bool is_interrupted(void *arg)
{
	const struct mediated_vm *vm = arg;

	SEAM_FLAG_READ("interrupt");
	return vm->interrupts > 0;
}

void mediated_wait(struct mediated_vm *vm)
{
	if (!worker_pool_wait_until(vm->world->s.pool, is_interrupted, vm, WAIT_MS))
		return;
	SEAM_FLAG_WRITE("interrupt");
	vm->interrupts--;
}

static bool has_no_command(struct mediated_vm *vm)
{
	return !dsa_CMDSTS_ACTIVE(read_register(vm, DSA_REG_CMDSTS));
}

static int portal_write(void *arg, uint64_t offset, const void *bytes)
{
	struct mediated_vm *vm = arg;
	int result = 1;

	EXPLORE_CHECK(!vm->is_stopped);
	if (!mediated_enter(vm))
		return result;
	result = vsva_mdev_portal_write(vm->mdev, offset, bytes, true);
	mediated_leave(vm);
	return result;
}

static void enqcmd(struct mediated_vm *vm, const struct dsa_descriptor *d)
{
	struct vsva_portal portal = {portal_write, vm};
	uint64_t ia32_pasid = VTD_IA32_PASID_V | MEDIATED_GUEST_PASID;

	vsva_kvm_enqcmd(vm->kvm, ia32_pasid, &portal, DSA_PORTAL_PAGE, d, NULL);
}

static void movdir64b(struct mediated_vm *vm, const struct dsa_descriptor *d)
{
	if (!mediated_enter(vm))
		return;
	EXPLORE_CHECK(vsva_mdev_portal_write(vm->mdev, DSA_PORTAL_PAGE, d, false) == 0);
	mediated_leave(vm);
}

void mediated_submit(struct mediated_vm *vm, bool is_mapped)
{
	struct dsa_descriptor d =
		accelerator_noop(is_mapped ? VA : VA_HOLE, vdcm_vector(vm->queue));

	if (vm->type == VSVA_MDEV_SHARED)
		enqcmd(vm, &d);
	else
		movdir64b(vm, &d);
}

static void respond(struct mediated_vm *vm, const struct vsva_fault_page_request *request)
{
	struct vsva_page_response response = {.argsz = sizeof(response),
					      .version = 1,
					      .flags = VSVA_PAGE_RESP_PASID_VALID,
					      .pasid = request->pasid,
					      .grpid = request->grpid,
					      .code = VSVA_PAGE_RESP_SUCCESS};

	vsva_container_page_response(vm->device, &response);
}

void mediated_answer(struct mediated_vm *vm)
{
	silicon_map(&vm->world->s, vm->root, VA_HOLE, vm->page, true);
	for (;;) {
		struct vsva_fault_page_request request;

		SEAM_FLAG_WRITE("handler");
		if (!vm->reported)
			return;
		request = vm->requests[--vm->reported];
		respond(vm, &request);
	}
}

/* Life of a VM */

static void open_container(struct mediated_vm *vm, unsigned number)
{
	struct silicon *s = &vm->world->s;
	struct vsva_container_options options = {.pasid_quota = 8, .vm = number};
	uint64_t at = memory_of(vm);

	EXPLORE_CHECK(vsva_container_open(s->iommu, &options, &vm->container) == 0);
	vsva_container_get(vm->container);
	EXPLORE_CHECK(
		vsva_container_map(vm->container, gpa(at), hpa(s->base.v + at), VM_MEMORY, 3) == 0);
	s->next_page = at + 4096;
	vm->root = silicon_first_stage(s);
	vm->page = silicon_page(s);
	silicon_map(s, vm->root, VA, vm->page, true);
}

static void open_device(struct mediated_vm *vm)
{
	struct vsva_mdev_owner owner = {.set = vsva_container_set(vm->container),
					.pasid_get = give_pasid,
					.pasid_put = take_pasid,
					.arg = vm};
	struct vsva_dev *dev;

	EXPLORE_CHECK(vsva_mdev_create(vm->world->accelerator.vdcm, vm->type, &vm->mdev) == 0);
	EXPLORE_CHECK(vsva_mdev_open(vm->mdev, &owner) == 0);
	vm->queue = vm->mdev->queue;
	dev = vsva_mdev_dev(vm->mdev);
	EXPLORE_CHECK(vsva_container_add(vm->container, dev, &vm->device) == 0);
	vsva_container_device_get(vm->device);
	EXPLORE_CHECK(vsva_container_set_fault_handler(vm->device, on_fault, NULL, vm) == 0);
	vsva_mdev_set_irq(vm->mdev, on_irq, vm);
}

static void bind_pasid(struct mediated_vm *vm)
{
	struct vsva_ioasid_set *set = vsva_container_set(vm->container);

	EXPLORE_CHECK(vsva_container_pasid_alloc(vm->container, &vm->pasid) == 0);
	EXPLORE_CHECK(vsva_ioasid_attach_gpasid(set, vm->pasid, gpasid(MEDIATED_GUEST_PASID)) == 0);
	if (vm->type == VSVA_MDEV_SHARED)
		EXPLORE_CHECK(vsva_kvm_create(vm->world->s.iommu, vsva_ioasid_set_token(set), 1,
					      &vm->kvm) == 0);
	vm->users = 1;
	EXPLORE_CHECK(mediated_bind(vm) == 0);
}

/* Bus master and PASIDs on in its configuration space, then the registers. */
static void configure(struct mediated_vm *vm)
{
	bool is_dedicated = vm->type == VSVA_MDEV_DEDICATED;
	uint64_t permission = dsa_MSIXPERM_with_PASID_ENABLE(0, 1);
	uint64_t mode = dsa_WQCFG1_with_DEDICATED(0, is_dedicated);

	EXPLORE_CHECK(vsva_mdev_config_write(vm->mdev, 0x04, 2, 0x6) == 0);
	EXPLORE_CHECK(vsva_mdev_config_write(vm->mdev, 0x146, 2, 0x1) == 0);
	mode = dsa_WQCFG1_with_BLOCK_ON_FAULT(mode, 1);
	mode = dsa_WQCFG1_with_PRIORITY(mode, 10);
	mode = dsa_WQCFG1_with_PASID_ENABLE(mode, 1);
	mode = dsa_WQCFG1_with_PASID(mode, is_dedicated ? MEDIATED_GUEST_PASID : 0);
	mediated_write(vm, DSA_GRPCFG, 8, 1);
	mediated_write(vm, DSA_GRPCFG + DSA_GRPCFG_ENGINES, 8, 1);
	mediated_write(vm, DSA_WQCFG, 8, dsa_WQCFG0_with_THRESHOLD(dsa_WQCFG0_with_SIZE(0, 8), 8));
	mediated_write(vm, DSA_WQCFG + 8, 8, mode);
	mediated_write(vm, MDEV_MSIXPERM + MDEV_VECTOR_COMPLETION * DSA_MSIXPERM_STRIDE, 4,
		       dsa_MSIXPERM_with_PASID(permission, MEDIATED_GUEST_PASID));
	mediated_command(vm, DSA_COMMAND_ENABLE_DEVICE, 0);
	EXPLORE_CHECK(read_register(vm, DSA_REG_CMDSTS) == 0);
	mediated_command(vm, DSA_COMMAND_ENABLE_WQ, 0);
	EXPLORE_CHECK(read_register(vm, DSA_REG_CMDSTS) == 0);
}

static bool has_record(const struct mediated_vm *vm)
{
	return vm->world->s.memory[vm->page] == DSA_STATUS_SUCCESS;
}

static void vm_create(struct mediated_vm *vm, struct mediated_world *w, unsigned number,
		      enum vsva_mdev_type type)
{
	*vm = (struct mediated_vm){.world = w, .type = type};
	open_container(vm, number);
	open_device(vm);
	bind_pasid(vm);
	configure(vm);
	mediated_submit(vm, true);
	mediated_submit(vm, false);
	silicon_run(&w->s);
	EXPLORE_CHECK(has_record(vm) && vm->reported == 1);
	vm->interrupts = 0;
}

/* Nothing keeps its PASID any more. */
static void vm_destroy(struct mediated_vm *vm)
{
	struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(vm->world->s.iommu);

	if (!vm->is_closed)
		mediated_close(vm);
	vsva_kvm_put(vm->kvm);
	vsva_container_close(vm->container);
	silicon_run(&vm->world->s);
	EXPLORE_CHECK(vsva_ioasid_state_of(space, vm->pasid, NULL) == VSVA_IOASID_FREE);
	EXPLORE_CHECK(vsva_mdev_destroy(vm->mdev) == 0);
	vsva_container_device_put(vm->device);
	vsva_container_put(vm->container);
}

/* Life of the world */

static void *setup(enum vsva_mdev_type type)
{
	struct mediated_world *w = calloc(1, sizeof(*w));
	struct silicon_options options = {.policy = UNIT_CACHE_LRU,
					  .mode = WORKERS_THREADS,
					  .iotlb_entries = 16,
					  .ecap_clear = PSS_CLEAR,
					  .ecap_set = PSS_SET};

	EXPLORE_CHECK(w);
	w->bytes_before = base_bytes_in_use();
	silicon_create_with(&w->s, &options);
	w->s.trace = (struct trace){.observer = on_event, .arg = w};
	EXPLORE_CHECK(vsva_ioasid_set_adjust(w->s.set, 1) == 0);
	accelerator_create(&w->accelerator, &w->s, 2);
	vm_create(&w->vm, w, 1, type);
	vm_create(&w->other, w, 2,
		  type == VSVA_MDEV_SHARED ? VSVA_MDEV_DEDICATED : VSVA_MDEV_SHARED);
	w->accelerator.plant = mediated_world_plant;
	return w;
}

void *mediated_world_setup_dedicated(uint64_t seed)
{
	(void)seed;
	return setup(VSVA_MDEV_DEDICATED);
}

void *mediated_world_setup_shared(uint64_t seed)
{
	(void)seed;
	return setup(VSVA_MDEV_SHARED);
}

void mediated_world_teardown(void *world)
{
	struct mediated_world *w = world;
	size_t bytes_before = w->bytes_before;

	w->accelerator.plant = ACCELERATOR_PLANT_NOTHING;
	vm_destroy(&w->vm);
	vm_destroy(&w->other);
	accelerator_destroy(&w->accelerator);
	silicon_destroy(&w->s);
	rcu_barrier();
	if (base_bytes_in_use() != bytes_before)
		explore_fail("%ld bytes are left", (long)(base_bytes_in_use() - bytes_before));
	free(w);
}

/* Check */

/* Looking is what notices that the accelerator is gone. */
static bool is_command_over(struct mediated_vm *vm)
{
	if (has_no_command(vm))
		return true;
	silicon_run(&vm->world->s);
	return has_no_command(vm);
}

/* Every page that was asked for is answered, once, and nothing waits any more. */
static void check_vm(struct mediated_vm *vm)
{
	const struct accelerator *a = &vm->world->accelerator;

	mediated_answer(vm);
	silicon_run(&vm->world->s);
	EXPLORE_CHECK(!vm->reported);
	if (accelerator_jobs(a, vm->queue, ACCELERATOR_ANY))
		explore_fail("work of queue %u waits for ever", vm->queue);
	if (!is_command_over(vm))
		explore_fail("a command of queue %u does not end", vm->queue);
}

/* It has not noticed anything, and can go on. */
static void check_other(struct mediated_vm *vm)
{
	const struct accelerator *a = &vm->world->accelerator;

	if (accelerator_jobs(a, vm->queue, vm->pasid.v) != 1)
		explore_fail("the other VM's work was disturbed");
	vm->world->s.memory[vm->page] = 0;
	check_vm(vm);
	EXPLORE_CHECK(has_record(vm));
	vm->world->s.memory[vm->page] = 0;
	mediated_submit(vm, true);
	silicon_run(&vm->world->s);
	EXPLORE_CHECK(has_record(vm));
}

static void check_answers(const struct accelerator *a)
{
	const uint32_t *state = &dsa_config_space(a->dsa)->pri_state;

	if (__atomic_load_n(state, __ATOMIC_ACQUIRE) & PCI_CONFIG_PRI_UPRGI)
		explore_fail("a group was answered that was not asked");
	EXPLORE_CHECK(accelerator_is_answered(a));
}

void mediated_world_check(void *world)
{
	struct mediated_world *w = world;

	silicon_run(&w->s);
	check_vm(&w->vm);
	/* for the ledger to judge */
	mediated_submit(&w->vm, true);
	silicon_run(&w->s);
	if (w->is_pulled)
		return;
	check_other(&w->other);
	check_answers(&w->accelerator);
}

/* Where it is in the machine's memory. */
uint64_t mediated_world_locate(void *world, const void *pointer)
{
	const struct mediated_world *w = world;

	return silicon_locate(&w->s, pointer);
}
