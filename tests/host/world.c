// SPDX-License-Identifier: MIT
#include "world.h"

#include <errno.h>
#include <string.h>

uint64_t world_cap(void)
{
	uint64_t cap = 0;

	cap = vtd_CAP_with_ND(cap, 6);
	cap = vtd_CAP_with_SAGAW(cap, 0xe);
	cap = vtd_CAP_with_MGAW(cap, 47);
	cap = vtd_CAP_with_FRO(cap, 0x22);
	cap = vtd_CAP_with_SSLPS(cap, 3);
	cap = vtd_CAP_with_PSI(cap, 1);
	cap = vtd_CAP_with_MAMV(cap, 18);
	cap = vtd_CAP_with_NFR(cap, 0);
	cap = vtd_CAP_with_FS1GP(cap, 1);
	return vtd_CAP_with_FS5LP(cap, 1);
}

uint64_t world_ecap(void)
{
	return VTD_ECAP_C | VTD_ECAP_QI | VTD_ECAP_DT | VTD_ECAP_PT | VTD_ECAP_SC | VTD_ECAP_NEST |
	       VTD_ECAP_PRS | VTD_ECAP_SRS | VTD_ECAP_EAFS | VTD_ECAP_PASID | VTD_ECAP_DIT |
	       VTD_ECAP_PDS | VTD_ECAP_SMTS | VTD_ECAP_SSADS | VTD_ECAP_SSTS | VTD_ECAP_FSTS |
	       VTD_ECAP_SMPWC | vtd_ECAP_with_PSS(0, 19);
}

static void observe(void *arg, const struct vsva_event *event)
{
	struct world *world = arg;

	if (world->event_count < WORLD_EVENTS_MAX)
		world->events[world->event_count++] = *event;
}

unsigned world_events(const struct world *world, enum vsva_event_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < world->event_count; i++)
		count += world->events[i].kind == kind;
	return count;
}

static void ignore_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

struct world *world_create_bare(uint64_t cap, uint64_t ecap)
{
	struct world *world = calloc(1, sizeof(*world));
	struct host_iommu_config config;

	assert_non_null(world);
	log_set_sink(ignore_line, NULL);
	fake_vtd_init(&world->fake, cap, ecap);
	fake_pci_init(&world->pci, FAKE_HAS_ALL, 20);
	world->pool = worker_pool_create(WORKERS_MANUAL, 0);
	world->trace = (struct trace){.observer = observe, .arg = world};
	config = (struct host_iommu_config){.port = &world->fake.port,
					    .pool = world->pool,
					    .trace = &world->trace,
					    .qi_timeout_ms = 20};
	assert_int_equal(host_iommu_create(&config, &world->iommu), 0);
	return world;
}

struct world *world_create_with(uint64_t cap, uint64_t ecap)
{
	struct world *world = world_create_bare(cap, ecap);
	struct host_dev_info info = {
		.rid = RID_PF, .pf_rid = RID_PF, .is_pci = true, .config = world->pci.port};

	assert_int_equal(vsva_ioasid_set_alloc(vsva_iommu_ioasid_space(world->iommu), &world->token,
					       1024, &world->set),
			 0);
	assert_int_equal(
		vsva_domain_alloc(world->iommu, world->set, VSVA_DOMAIN_NESTING, 1, &world->domain),
		0);
	assert_int_equal(host_dev_add(world->iommu, &info, &world->dev), 0);
	assert_int_equal(vsva_domain_attach(world->domain, world->dev), 0);
	assert_int_equal(
		vsva_dev_register_fault_handler(world->dev, world_handler, world_unit_fault, world),
		0);
	fake_vtd_forget_log(&world->fake);
	world->event_count = 0;
	return world;
}

struct world *world_create(void)
{
	return world_create_with(world_cap(), world_ecap());
}

void world_destroy(struct world *world)
{
	if (world->dev)
		host_dev_remove(world->dev);
	if (world->domain)
		assert_int_equal(vsva_domain_free(world->domain), 0);
	if (world->set) {
		assert_int_equal(vsva_ioasid_free_all_sync(world->set), 0);
		vsva_ioasid_set_free(world->set);
	}
	host_iommu_destroy(world->iommu);
	rcu_barrier();
	assert_int_equal(physmem_pages_in_use(world->fake.port.physmem), 0);
	worker_pool_destroy(world->pool);
	fake_vtd_fini(&world->fake);
	log_set_sink(NULL, NULL);
	free(world);
}

int world_setup(void **state)
{
	*state = world_create();
	return 0;
}

int world_teardown(void **state)
{
	world_destroy(*state);
	return 0;
}

void world_run(struct world *world)
{
	assert_true(worker_pool_run_idle(world->pool, 1000) < 1000);
}

int world_handler(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct world *world = arg;

	assert_ptr_equal(dev, world->dev);
	if (world->fault_count < 64)
		world->faults[world->fault_count] = *fault;
	world->fault_count++;
	return world->handler_result;
}

void world_unit_fault(void *arg, struct vsva_dev *dev, const struct vsva_unit_fault *fault)
{
	struct world *world = arg;

	(void)dev;
	world->unit_fault = *fault;
	world->unit_fault_count++;
}

hpasid_t world_pasid(struct world *world)
{
	hpasid_t pasid;

	assert_int_equal(vsva_ioasid_alloc(world->set, 1, VSVA_PASID_MAX, NULL, &pasid), 0);
	return pasid;
}

struct vsva_gpasid_bind_data world_bind_data(hpasid_t pasid, gpasid_t guest)
{
	return (struct vsva_gpasid_bind_data){
		.argsz = sizeof(struct vsva_gpasid_bind_data),
		.version = VSVA_GPASID_BIND_VERSION_1,
		.format = VSVA_PASID_FORMAT_INTEL_VTD,
		.addr_width = 48,
		.flags = VSVA_GPASID_VAL,
		.gpgd = ROOT_GPA,
		.hpasid = pasid.v,
		.gpasid = guest.v,
	};
}

hpasid_t world_bind(struct world *world, gpasid_t guest)
{
	hpasid_t pasid = world_pasid(world);
	struct vsva_gpasid_bind_data data = world_bind_data(pasid, guest);

	assert_int_equal(vsva_bind_gpasid(world->domain, world->dev, &data), 0);
	return pasid;
}

struct vtd_pasid_entry world_entry(struct world *world, hpasid_t pasid)
{
	struct vtd_pasid_entry entry;

	assert_int_equal(host_pasid_entry(world->dev, pasid, &entry), 0);
	return entry;
}

did_t world_child(struct world *world, hpasid_t pasid)
{
	did_t child;

	assert_int_equal(host_child_did(world->dev, pasid, &child), 0);
	return child;
}

struct vtd_page_request world_request(rid_t rid_, uint32_t pasid, uint64_t addr, uint32_t perm,
				      uint16_t prgi, bool last)
{
	struct vtd_page_request request = {{0}};
	bool has_pasid = pasid != VSVA_PASID_INVALID;

	vtd_page_request_set_TYPE(&request, VTD_PAGE_REQUEST_TYPE);
	vtd_page_request_set_PP(&request, has_pasid);
	vtd_page_request_set_PASID(&request, has_pasid ? pasid : 0);
	vtd_page_request_set_RID(&request, rid_.v);
	vtd_page_request_set_RDR(&request, (perm & VSVA_FAULT_PERM_READ) != 0);
	vtd_page_request_set_WRR(&request, (perm & VSVA_FAULT_PERM_WRITE) != 0);
	vtd_page_request_set_EXR(&request, (perm & VSVA_FAULT_PERM_EXEC) != 0);
	vtd_page_request_set_PMR(&request, (perm & VSVA_FAULT_PERM_PRIV) != 0);
	vtd_page_request_set_LPIG(&request, last);
	vtd_page_request_set_PRGI(&request, prgi);
	vtd_page_request_set_ADDR(&request, addr);
	return request;
}

void world_request_push(struct world *world, uint32_t pasid, uint64_t addr, uint16_t prgi,
			bool last)
{
	struct vtd_page_request request =
		world_request(RID_PF, pasid, addr, VSVA_FAULT_PERM_WRITE, prgi, last);

	assert_true(fake_vtd_page_request(&world->fake, &request));
}

int world_respond(struct world *world, uint32_t pasid, uint16_t prgi, uint32_t code)
{
	bool has_pasid = pasid != VSVA_PASID_INVALID;
	struct vsva_page_response response = {.argsz = sizeof(response),
					      .version = 1,
					      .flags = has_pasid ? VSVA_PAGE_RESP_PASID_VALID : 0,
					      .pasid = has_pasid ? pasid : 0,
					      .grpid = prgi,
					      .code = code};

	return vsva_page_response(world->dev, &response);
}

/* The log */

static const struct vtd_desc *log_at(const struct world *world, unsigned at,
				     enum vtd_desc_type type)
{
	const struct vtd_desc *desc = &world->fake.log[at];

	if (at >= world->fake.log_count)
		fail_msg("log has %u descriptors, none at %u", world->fake.log_count, at);
	if (vtd_desc_type(desc) != (unsigned)type)
		fail_msg("descriptor %u is of type %u, not %u", at, vtd_desc_type(desc), type);
	return desc;
}

void expect_log_count(const struct world *world, unsigned count)
{
	assert_int_equal(world->fake.log_count, count);
}

void expect_context_device(const struct world *world, unsigned at, rid_t rid_)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_CONTEXT);

	assert_int_equal(vtd_desc_context_G(desc), VTD_CONTEXT_DEVICE);
	assert_int_equal(vtd_desc_context_SID(desc), rid_.v);
}

void expect_pasid_cache(const struct world *world, unsigned at, did_t did_, uint32_t pasid)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_PASID_CACHE);

	assert_int_equal(vtd_desc_pasid_cache_G(desc), VTD_PASID_CACHE_PASID);
	assert_int_equal(vtd_desc_pasid_cache_DID(desc), did_.v);
	assert_int_equal(vtd_desc_pasid_cache_PASID(desc), pasid);
}

void expect_pasid_cache_domain(const struct world *world, unsigned at, did_t did_)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_PASID_CACHE);

	assert_int_equal(vtd_desc_pasid_cache_G(desc), VTD_PASID_CACHE_DOMAIN);
	assert_int_equal(vtd_desc_pasid_cache_DID(desc), did_.v);
}

void expect_iotlb_domain(const struct world *world, unsigned at, did_t did_)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_IOTLB);

	assert_int_equal(vtd_desc_iotlb_G(desc), VTD_IOTLB_DOMAIN);
	assert_int_equal(vtd_desc_iotlb_DID(desc), did_.v);
}

void expect_iotlb_range(const struct world *world, unsigned at, did_t did_, uint64_t addr,
			unsigned am)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_IOTLB);

	assert_int_equal(vtd_desc_iotlb_G(desc), VTD_IOTLB_PAGE);
	assert_int_equal(vtd_desc_iotlb_DID(desc), did_.v);
	assert_int_equal(vtd_desc_iotlb_ADDR(desc), addr);
	assert_int_equal(vtd_desc_iotlb_AM(desc), am);
	assert_int_equal(vtd_desc_iotlb_IH(desc), 0);
}

void expect_piotlb_all(const struct world *world, unsigned at, did_t did_, uint32_t pasid)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_PASID_IOTLB);

	assert_int_equal(vtd_desc_pasid_iotlb_G(desc), VTD_PASID_IOTLB_PASID);
	assert_int_equal(vtd_desc_pasid_iotlb_DID(desc), did_.v);
	assert_int_equal(vtd_desc_pasid_iotlb_PASID(desc), pasid);
	assert_int_equal(desc->q[1], 0);
}

void expect_piotlb_range(const struct world *world, unsigned at, did_t did_, uint32_t pasid,
			 uint64_t addr, unsigned am, bool leaf)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_PASID_IOTLB);

	assert_int_equal(vtd_desc_pasid_iotlb_G(desc), VTD_PASID_IOTLB_PAGE);
	assert_int_equal(vtd_desc_pasid_iotlb_DID(desc), did_.v);
	assert_int_equal(vtd_desc_pasid_iotlb_PASID(desc), pasid);
	assert_int_equal(vtd_desc_pasid_iotlb_ADDR(desc), addr);
	assert_int_equal(vtd_desc_pasid_iotlb_AM(desc), am);
	assert_int_equal(vtd_desc_pasid_iotlb_IH(desc), leaf);
}

void expect_dev_tlb(const struct world *world, unsigned at, rid_t rid_, uint64_t raw, bool s)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_DEV_TLB);

	assert_int_equal(vtd_desc_dev_tlb_SID(desc), rid_.v);
	assert_int_equal(vtd_desc_dev_tlb_ADDR(desc), raw);
	assert_int_equal(vtd_desc_dev_tlb_S(desc), s);
}

void expect_pasid_dev_tlb(const struct world *world, unsigned at, rid_t rid_, uint32_t pasid,
			  uint64_t raw, bool s)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_PASID_DEV_TLB);

	assert_int_equal(vtd_desc_pasid_dev_tlb_SID(desc), rid_.v);
	assert_int_equal(vtd_desc_pasid_dev_tlb_PASID(desc), pasid);
	assert_int_equal(vtd_desc_pasid_dev_tlb_ADDR(desc), raw);
	assert_int_equal(vtd_desc_pasid_dev_tlb_S(desc), s);
	assert_int_equal(vtd_desc_pasid_dev_tlb_G(desc), 0);
}

void expect_dev_tlb_all_pasids(const struct world *world, unsigned at, rid_t rid_)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_PASID_DEV_TLB);

	assert_int_equal(vtd_desc_pasid_dev_tlb_SID(desc), rid_.v);
	assert_int_equal(vtd_desc_pasid_dev_tlb_G(desc), 1);
}

void expect_fence(const struct world *world, unsigned at)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_WAIT);

	assert_true(vtd_desc_wait_FN(desc));
	assert_false(vtd_desc_wait_PD(desc));
}

void expect_drain(const struct world *world, unsigned at)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_WAIT);

	assert_true(vtd_desc_wait_PD(desc));
	assert_true(vtd_desc_wait_SW(desc));
}

void expect_response(const struct world *world, unsigned at, rid_t rid_, uint32_t pasid,
		     uint16_t prgi, unsigned code)
{
	const struct vtd_desc *desc = log_at(world, at, VTD_DESC_PAGE_RESPONSE);
	bool has_pasid = pasid != VSVA_PASID_INVALID;

	assert_int_equal(vtd_desc_page_response_RID(desc), rid_.v);
	assert_int_equal(vtd_desc_page_response_PP(desc), has_pasid);
	assert_int_equal(vtd_desc_page_response_PASID(desc), has_pasid ? pasid : 0);
	assert_int_equal(vtd_desc_page_response_PRGI(desc), prgi);
	assert_int_equal(vtd_desc_page_response_RC(desc), code);
}
