// SPDX-License-Identifier: MIT
#include "world.h"

#include <ftw.h>
#include <string.h>

#include "hw/device/test_engine.h"
#include "unit.h"

#define QUOTA 64u

/* The machine */

static void make_machine(struct fail_world *w, bool threads)
{
	struct vsva_machine_options options = {.seed = 5, .iotlb_entries = 64, .threads = threads};

	assert_int_equal(vsva_machine_create(&options, &w->machine), 0);
	w->iommu = vsva_machine_iommu(w->machine);
	w->space = vsva_iommu_ioasid_space(w->iommu);
}

void world_create(struct fail_world *w)
{
	memset(w, 0, sizeof(*w));
	make_machine(w, false);
}

void world_threads(struct fail_world *w)
{
	vsva_machine_destroy(w->machine);
	make_machine(w, true);
}

void world_run(struct fail_world *w)
{
	vsva_machine_run_idle(w->machine, 100000);
}

void world_settle(struct fail_world *w)
{
	struct vsva_domain *domain;

	world_run(w);
	assert_int_equal(vsva_domain_alloc(w->iommu, NULL, 0, 0, &domain), 0);
	assert_int_equal(vsva_domain_free(domain), 0);
	world_run(w);
}

static struct physmem *physmem_of(struct fail_world *w)
{
	return machine_seams(w->machine)->physmem;
}

static void destroy_guest(struct fail_world *w)
{
	vsva_guest_destroy(w->guest);
	if (w->assigned)
		vsva_vm_unassign(w->assigned);
	vsva_vm_destroy(w->vm);
	free(w->memory);
}

static void destroy_mdev(struct fail_world *w)
{
	if (w->is_mdev_open)
		vsva_mdev_close(w->mdev);
	assert_int_equal(vsva_mdev_destroy(w->mdev), 0);
	assert_int_equal(vsva_vdcm_destroy(w->vdcm), 0);
}

static void destroy_processes(struct fail_world *w)
{
	if (w->sva)
		assert_int_equal(vsva_sva_unbind(w->sva), 0);
	vsva_mm_put(w->mm);
}

static void destroy_kvm(struct fail_world *w)
{
	vsva_vcpu_destroy(w->vcpu);
	vsva_kvm_put(w->kvm);
}

static void destroy_domain(struct fail_world *w)
{
	if (w->has_handler)
		assert_int_equal(vsva_dev_unregister_fault_handler(w->dev), 0);
	if (w->is_attached)
		assert_int_equal(vsva_domain_detach(w->domain, w->dev), 0);
	if (w->domain)
		assert_int_equal(vsva_domain_free(w->domain), 0);
}

static void destroy_container(struct fail_world *w)
{
	assert_int_equal(vsva_container_close(w->container), 0);
	w->container = NULL;
	w->handle = NULL;
}

static void destroy_pasids(struct fail_world *w)
{
	assert_int_equal(vsva_ioasid_notifier_unregister(w->notifier), 0);
	if (w->set)
		vsva_ioasid_set_free(w->set);
	world_run(w);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void destroy_server(struct fail_world *w)
{
	if (w->client)
		world_hang_up(w);
	vsva_server_destroy(w->server);
	if (w->directory[0])
		assert_int_equal(nftw(w->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void world_destroy(struct fail_world *w)
{
	vsva_trace_reader_destroy(w->reader);
	destroy_server(w);
	destroy_guest(w);
	destroy_mdev(w);
	destroy_processes(w);
	destroy_kvm(w);
	destroy_container(w);
	destroy_domain(w);
	destroy_pasids(w);
	if (w->page.v)
		physmem_free_pages(physmem_of(w), w->page, 0);
	assert_int_equal(vsva_device_destroy(w->device), 0);
	assert_int_equal(vsva_device_destroy(w->accelerator), 0);
	vsva_machine_destroy(w->other);
	vsva_machine_destroy(w->machine);
}

void world_bare(struct fail_world *w)
{
	(void)w;
}

void world_device(struct fail_world *w)
{
	struct vsva_device_options options = {.kind = VSVA_DEVICE_TEST_ENGINE};

	if (w->device)
		return;
	assert_int_equal(vsva_device_create(w->machine, &options, &w->device), 0);
	w->dev = vsva_device_dev(w->device);
}

/* PASIDs */

void world_set(struct fail_world *w)
{
	if (!w->set)
		assert_int_equal(vsva_ioasid_set_alloc(w->space, w, QUOTA, &w->set), 0);
}

void world_pasid(struct fail_world *w)
{
	world_set(w);
	if (!w->pasid.v)
		assert_int_equal(vsva_ioasid_alloc(w->set, VSVA_LIMIT_FIRST_VM_PASID,
						   VSVA_PASID_MAX, NULL, &w->pasid),
				 0);
}

void world_gpasid(struct fail_world *w)
{
	world_pasid(w);
	assert_int_equal(vsva_ioasid_attach_gpasid(w->set, w->pasid, WORLD_GPASID), 0);
}

/* Domains */

hpa_t world_page(struct fail_world *w)
{
	void *memory;

	if (!w->page.v)
		assert_int_equal(physmem_alloc_pages(physmem_of(w), 0, &w->page, &memory), 0);
	return w->page;
}

void world_domain(struct fail_world *w)
{
	if (w->domain)
		return;
	world_set(w);
	assert_int_equal(vsva_domain_alloc(w->iommu, w->set, VSVA_DOMAIN_NESTING, 1, &w->domain),
			 0);
}

void world_attached(struct fail_world *w)
{
	world_domain(w);
	world_device(w);
	if (!w->is_attached)
		assert_int_equal(vsva_domain_attach(w->domain, w->dev), 0);
	w->is_attached = true;
}

void world_host_attached(struct fail_world *w)
{
	assert_int_equal(vsva_domain_alloc(w->iommu, NULL, 0, 0, &w->domain), 0);
	world_attached(w);
}

void world_mapped(struct fail_world *w)
{
	world_attached(w);
	assert_int_equal(vsva_domain_map(w->domain, WORLD_GPA, world_page(w), VSVA_PAGE_SIZE,
					 VSVA_PROT_READ | VSVA_PROT_WRITE),
			 0);
}

struct vsva_gpasid_bind_data world_bind_data(const struct fail_world *w)
{
	return (struct vsva_gpasid_bind_data){
		.argsz = sizeof(struct vsva_gpasid_bind_data),
		.version = VSVA_GPASID_BIND_VERSION_1,
		.format = VSVA_PASID_FORMAT_INTEL_VTD,
		.addr_width = 48,
		.flags = VSVA_GPASID_VAL,
		.gpgd = WORLD_GPA.v,
		.hpasid = w->pasid.v,
		.gpasid = WORLD_GPASID.v,
	};
}

void world_bound(struct fail_world *w)
{
	struct vsva_gpasid_bind_data data;

	world_pasid(w);
	world_mapped(w);
	data = world_bind_data(w);
	assert_int_equal(vsva_bind_gpasid(w->domain, w->dev, &data), 0);
}

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct fail_world *w = arg;

	(void)dev;
	(void)fault;
	w->faults++;
	return 0;
}

void world_handled(struct fail_world *w)
{
	world_bound(w);
	assert_int_equal(vsva_dev_register_fault_handler(w->dev, on_fault, NULL, w), 0);
	w->has_handler = true;
}

/* In its command register: memory, bus master. */
static void enable(struct fail_world *w)
{
	assert_int_equal(vsva_device_config_write(w->device, 4, 2, 0x6), 0);
}

void world_begin_write(struct fail_world *w, hpasid_t pasid, uint64_t address)
{
	uint32_t command =
		TEST_ENGINE_FILL_MEMORY | TEST_ENGINE_USE_ATS | TEST_ENGINE_PAGE_REQUESTS;

	enable(w);
	assert_int_equal(vsva_device_write(w->device, 0, TEST_ENGINE_DST, 8, address), 0);
	assert_int_equal(vsva_device_write(w->device, 0, TEST_ENGINE_LEN, 4, 8), 0);
	assert_int_equal(vsva_device_write(w->device, 0, TEST_ENGINE_PASID, 4,
					   pasid.v | TEST_ENGINE_PASID_VALID),
			 0);
	assert_int_equal(vsva_device_write(w->device, 0, TEST_ENGINE_CMD, 4, command), 0);
}

void world_write(struct fail_world *w, hpasid_t pasid, uint64_t address)
{
	world_begin_write(w, pasid, address);
	world_run(w);
}

/* For a page that the first stage does not have. */
static void ask(struct fail_world *w)
{
	world_write(w, w->pasid, 0x5000);
	assert_int_equal(w->faults, 1);
}

void world_asked(struct fail_world *w)
{
	world_handled(w);
	ask(w);
}

struct vsva_page_response world_response(const struct fail_world *w)
{
	struct vsva_group_info group;

	assert_int_equal(vsva_inspect_groups(w->machine, 0, &group, 1), 1);
	return (struct vsva_page_response){
		.argsz = sizeof(struct vsva_page_response),
		.version = 1,
		.flags = VSVA_PAGE_RESP_PASID_VALID,
		.pasid = group.hpasid.v,
		.grpid = group.prgi,
		.code = VSVA_PAGE_RESP_INVALID,
	};
}

/* Containers */

void world_container(struct fail_world *w)
{
	struct vsva_container_options options = {.pasid_quota = QUOTA, .vm = 1};

	if (!w->container)
		assert_int_equal(vsva_container_open(w->iommu, &options, &w->container), 0);
}

void world_container_device(struct fail_world *w)
{
	world_container(w);
	world_device(w);
	if (!w->handle)
		assert_int_equal(vsva_container_add(w->container, w->dev, &w->handle), 0);
}

void world_container_mapped(struct fail_world *w)
{
	world_container_device(w);
	assert_int_equal(vsva_container_map(w->container, WORLD_GPA, world_page(w), VSVA_PAGE_SIZE,
					    VSVA_PROT_READ | VSVA_PROT_WRITE),
			 0);
}

void world_container_pasid(struct fail_world *w)
{
	world_container_mapped(w);
	assert_int_equal(vsva_container_pasid_alloc(w->container, &w->pasid), 0);
}

void world_container_bound(struct fail_world *w)
{
	struct vsva_gpasid_bind_data data;

	world_container_pasid(w);
	data = world_bind_data(w);
	assert_int_equal(vsva_container_bind_gpasid(w->handle, &data), 0);
}

void world_container_asked(struct fail_world *w)
{
	world_container_bound(w);
	assert_int_equal(vsva_container_set_fault_handler(w->handle, on_fault, NULL, w), 0);
	ask(w);
}

/* Processors */

void world_kvm(struct fail_world *w)
{
	world_set(w);
	if (!w->kvm)
		assert_int_equal(vsva_kvm_create(w->iommu, w, 1, &w->kvm), 0);
}

void world_vcpu(struct fail_world *w)
{
	world_kvm(w);
	assert_int_equal(vsva_vcpu_create(w->kvm, &w->vcpu), 0);
}

void world_translated(struct fail_world *w)
{
	world_vcpu(w);
	world_bound(w);
}

/* Processes of the host */

void world_mm(struct fail_world *w)
{
	if (!w->mm)
		assert_int_equal(vsva_mm_create(w->iommu, 0, &w->mm), 0);
}

void world_mm_area(struct fail_world *w)
{
	world_mm(w);
	assert_int_equal(vsva_mm_map(w->mm, uva(0), 2 * VSVA_PAGE_SIZE,
				     VSVA_PROT_READ | VSVA_PROT_WRITE, &w->area),
			 0);
	assert_int_equal(vsva_mm_fault_in(w->mm, w->area, true), 0);
}

void world_sva(struct fail_world *w)
{
	world_mm_area(w);
	world_host_attached(w);
	assert_int_equal(vsva_sva_enable(w->dev), 0);
	assert_int_equal(vsva_sva_bind(w->dev, w->mm, 0, NULL, NULL, &w->sva), 0);
}
