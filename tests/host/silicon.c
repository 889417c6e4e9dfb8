// SPDX-License-Identifier: MIT
#include "silicon.h"

#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/rcu.h"
#include "vtd/faults.h"
#include "vtd/tables.h"

#define QUOTA 4096u

static int owner_token;

static void ignore_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

/* Ports */

static uint64_t port_read(void *arg, uint32_t offset, unsigned size)
{
	struct silicon *s = arg;
	uint64_t value = 0;

	CHECK(unit_mmio_read(s->unit, offset, size, &value) == 0);
	if (s->tap.read)
		s->tap.read(s->tap.arg, offset, &value);
	return value;
}

void silicon_drop(struct vtd_desc *desc)
{
	*desc = vtd_desc_of_type(VTD_DESC_WAIT);
	vtd_desc_wait_set_FN(desc, 1);
}

static uint64_t unit_register(struct silicon *s, uint32_t offset)
{
	uint64_t value;

	CHECK(unit_mmio_read(s->unit, offset, 8, &value) == 0);
	return value;
}

/* The descriptors between the old tail and the new one. */
static void tap_descriptors(struct silicon *s, uint64_t new_tail)
{
	uint64_t iqa = unit_register(s, VTD_REG_IQA);
	uint64_t len = UINT64_C(4096) << vtd_IQA_QS(iqa);
	uint64_t tail = vtd_IQT_QT(unit_register(s, VTD_REG_IQT));
	struct vtd_desc *desc;

	for (; tail != vtd_IQT_QT(new_tail); tail = (tail + sizeof(*desc)) % len) {
		rcu_read_lock();
		desc = physmem_ptr(s->physmem, hpa(vtd_IQA_IQA(iqa) + tail), sizeof(*desc), true);
		rcu_read_unlock();
		s->tap.desc(s->tap.arg, desc);
	}
}

static void port_write(void *arg, uint32_t offset, unsigned size, uint64_t value)
{
	struct silicon *s = arg;

	if (s->tap.desc && offset == VTD_REG_IQT)
		tap_descriptors(s, value);
	if (s->tap.write && !s->tap.write(s->tap.arg, offset, value))
		return;
	CHECK(unit_mmio_write(s->unit, offset, size, value) == 0);
}

static int port_msi_alloc(void *arg, void (*handler)(void *handler_arg), void *handler_arg,
			  uint64_t *address, uint32_t *data)
{
	struct silicon *s = arg;

	for (unsigned i = 0; i < MSI_MAX; i++) {
		if (s->msi[i].handler)
			continue;
		s->msi[i] = (struct silicon_msi){handler, handler_arg};
		*address = 0xfee00000;
		*data = i;
		return 0;
	}
	return -1;
}

static void port_msi_free(void *arg, uint64_t address, uint32_t data)
{
	struct silicon *s = arg;

	(void)address;
	s->msi[data].handler = NULL;
}

static void deliver(void *arg, uint64_t address, uint32_t data)
{
	struct silicon *s = arg;

	(void)address;
	s->msi[data].handler(s->msi[data].arg);
}

static uint32_t config_read(void *arg, uint32_t offset, unsigned size)
{
	struct silicon *s = arg;

	return pci_config_read(&s->config, offset, size);
}

static void config_write(void *arg, uint32_t offset, unsigned size, uint32_t value)
{
	struct silicon *s = arg;

	if (s->tap.config)
		s->tap.config(s->tap.arg, offset, value);
	endpoint_config_write(&s->endpoint, offset, size, value);
}

/* Owner and device */

static void on_answer(struct endpoint *endpoint, uint16_t prgi, unsigned code)
{
	struct silicon *s = container_of(endpoint, struct silicon, endpoint);

	(void)prgi;
	__atomic_store_n(&s->last_code, code, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->answers, 1, __ATOMIC_RELEASE);
}

static const struct endpoint_ops ops = {.page_response = on_answer};

static int on_fault(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	struct silicon *s = arg;
	struct vsva_page_response response = {.argsz = sizeof(response),
					      .version = 1,
					      .flags = VSVA_PAGE_RESP_PASID_VALID,
					      .pasid = fault->u.prm.pasid,
					      .grpid = fault->u.prm.grpid};

	if (fault->type != VSVA_FAULT_PAGE_REQ)
		return 0;
	__atomic_fetch_add(&s->requests, 1, __ATOMIC_RELAXED);
	if (s->answer_requests)
		vsva_page_response(dev, &response);
	return 0;
}

/* What an access after unbind may meet: no entry; or no right, while the guest changes its tables.
 * Anything else would be an entry that was read in pieces. */
static void on_unit_fault(void *arg, struct vsva_dev *dev, const struct vsva_unit_fault *fault)
{
	struct silicon *s = arg;

	(void)dev;
	__atomic_fetch_add(&s->faults, 1, __ATOMIC_RELAXED);
	if (fault->code != VTD_FAULT_SPT_2 && fault->code != VTD_FAULT_SPD_2 &&
	    fault->code != VTD_FAULT_SFS_2 && fault->code != VTD_FAULT_SCT_6)
		__atomic_fetch_add(&s->unexpected_faults, 1, __ATOMIC_RELAXED);
}

/* Life */

static void make_unit(struct silicon *s, const struct silicon_options *options)
{
	struct unit_config config = {.cap = unit_default_cap() | options->cap_set,
				     .ecap = vtd_without(unit_default_ecap(), options->ecap_clear) |
					     options->ecap_set,
				     .physmem = s->physmem,
				     .policy = options->policy,
				     .seed = 5,
				     .iotlb_entries = options->iotlb_entries,
				     .msi = deliver,
				     .arg = s};

	assert_int_equal(unit_create(&config, &s->unit), 0);
}

static void make_endpoint(struct silicon *s, bool pri)
{
	struct pci_config_description description = {.vendor = 0x8086,
						     .device = 0x0b25,
						     .ats = true,
						     .ats_queue_depth = 16,
						     .pri = pri,
						     .pri_pasid_required = pri,
						     .pri_capacity = pri ? 512 : 0,
						     .pasid = true,
						     .pasid_width = 20};

	assert_int_equal(pci_config_init(&s->config, &description), 0);
	assert_int_equal(endpoint_init(&s->endpoint, s->unit, SILICON_RID, &s->config, s->physmem,
				       &ops, &s->trace),
			 0);
	assert_int_equal(unit_attach(s->unit, &s->endpoint), 0);
	/* bus master */
	endpoint_config_write(&s->endpoint, 4, 2, 4);
}

static void make_driver(struct silicon *s, uint32_t domain_flags)
{
	struct vtd_port port = {.arg = s,
				.read = port_read,
				.write = port_write,
				.physmem = s->physmem,
				.msi_alloc = port_msi_alloc,
				.msi_free = port_msi_free};
	struct host_iommu_config config = {.port = &port, .pool = s->pool, .trace = &s->trace};
	struct host_dev_info info = {.rid = SILICON_RID,
				     .pf_rid = SILICON_RID,
				     .is_pci = true,
				     .config = {s, config_read, config_write}};
	struct vsva_ioasid_space *space;
	uint32_t available;

	assert_int_equal(host_iommu_create(&config, &s->iommu), 0);
	space = vsva_iommu_ioasid_space(s->iommu);
	available = vsva_ioasid_space_available(space);
	assert_int_equal(host_dev_add(s->iommu, &info, &s->dev), 0);
	assert_int_equal(vsva_ioasid_set_alloc(space, &owner_token,
					       available < QUOTA ? available : QUOTA, &s->set),
			 0);
	assert_int_equal(vsva_domain_alloc(s->iommu, s->set, VSVA_DOMAIN_NESTING | domain_flags, 1,
					   &s->domain),
			 0);
	assert_int_equal(vsva_domain_attach(s->domain, s->dev), 0);
	assert_int_equal(vsva_dev_register_fault_handler(s->dev, on_fault, on_unit_fault, s), 0);
}

static void make_memory(struct silicon *s)
{
	s->memory =
		mmap(NULL, GUEST_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(s->memory != MAP_FAILED);
	assert_int_equal(physmem_add(s->physmem, s->memory, GUEST_LEN, true, &s->base), 0);
	assert_int_equal(vsva_domain_map(s->domain, gpa(0), s->base, GUEST_LEN, 3), 0);
	s->next_page = 4096;
}

void silicon_create_with(struct silicon *s, const struct silicon_options *options)
{
	memset(s, 0, sizeof(*s));
	log_set_sink(ignore_line, NULL);
	s->tap = options->tap;
	s->physmem = physmem_create();
	s->pool = worker_pool_create(options->mode, 0);
	make_unit(s, options);
	make_endpoint(s, !options->no_pri);
	make_driver(s, options->domain_flags);
	make_memory(s);
}

void silicon_create(struct silicon *s, enum unit_cache_policy policy, enum worker_mode mode,
		    bool pri)
{
	struct silicon_options options = {.policy = policy, .mode = mode, .no_pri = !pri};

	silicon_create_with(s, &options);
}

void silicon_destroy(struct silicon *s)
{
	if (s->dev)
		host_dev_remove(s->dev);
	assert_int_equal(vsva_domain_free(s->domain), 0);
	assert_int_equal(vsva_ioasid_free_all_sync(s->set), 0);
	vsva_ioasid_set_free(s->set);
	host_iommu_destroy(s->iommu);
	unit_detach(s->unit, &s->endpoint);
	endpoint_fini(&s->endpoint);
	unit_destroy(s->unit);
	physmem_remove(s->physmem, s->base);
	rcu_synchronize();
	munmap(s->memory, GUEST_LEN);
	rcu_barrier();
	assert_int_equal(physmem_pages_in_use(s->physmem), 0);
	worker_pool_destroy(s->pool);
	physmem_destroy(s->physmem);
	log_set_sink(NULL, NULL);
}

void silicon_run(struct silicon *s)
{
	worker_pool_run_idle(s->pool, 1000);
}

uint64_t silicon_locate(const struct silicon *s, const void *pointer)
{
	for (unsigned slot = 0; slot < 16; slot++) {
		const struct physmem_region *region = s->physmem->slots[slot];
		uint64_t offset;

		if (!region)
			continue;
		offset = (uintptr_t)pointer - (uintptr_t)region->memory;
		if (offset < region->len)
			return region->base + offset;
	}
	return (uintptr_t)pointer & 0xfff;
}

/* Guest */

uint64_t silicon_page(struct silicon *s)
{
	uint64_t page = s->next_page;

	assert_true(page < GUEST_LEN);
	s->next_page += 4096;
	memset(s->memory + page, 0, 4096);
	return page;
}

uint64_t silicon_first_stage(struct silicon *s)
{
	return silicon_page(s);
}

static uint64_t *entry_at(struct silicon *s, uint64_t root, uint64_t va)
{
	const uint64_t table_bits = VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US;
	uint64_t table = root;

	for (unsigned level = 4; level > 1; level--) {
		uint64_t *entry =
			(uint64_t *)(void *)(s->memory + table) + vtd_level_index(va, level);

		if (!*entry)
			__atomic_store_n(entry, silicon_page(s) | table_bits, __ATOMIC_RELEASE);
		table = vtd_pte_address(*entry, 1);
	}
	return (uint64_t *)(void *)(s->memory + table) + vtd_level_index(va, 1);
}

void silicon_map(struct silicon *s, uint64_t root, uint64_t va, uint64_t page, bool writable)
{
	uint64_t bits = VTD_FS_PTE_P | VTD_FS_PTE_US | (writable ? VTD_FS_PTE_RW : 0);

	__atomic_store_n(entry_at(s, root, va), page | bits, __ATOMIC_RELEASE);
}

void silicon_unmap(struct silicon *s, uint64_t root, uint64_t va)
{
	__atomic_store_n(entry_at(s, root, va), 0, __ATOMIC_RELEASE);
}

hpasid_t silicon_pasid(struct silicon *s)
{
	hpasid_t pasid;

	assert_int_equal(vsva_ioasid_alloc(s->set, 1, VSVA_PASID_MAX, NULL, &pasid), 0);
	return pasid;
}

int silicon_bind(struct silicon *s, hpasid_t pasid, uint64_t root)
{
	struct vsva_gpasid_bind_data data = {.argsz = sizeof(data),
					     .version = VSVA_GPASID_BIND_VERSION_1,
					     .format = VSVA_PASID_FORMAT_INTEL_VTD,
					     .addr_width = 48,
					     .flags = VSVA_GPASID_VAL,
					     .gpgd = root,
					     .hpasid = pasid.v,
					     .gpasid = pasid.v + 1000};

	return vsva_bind_gpasid(s->domain, s->dev, &data);
}

int silicon_unbind(struct silicon *s, hpasid_t pasid)
{
	return vsva_unbind_gpasid(s->domain, s->dev, pasid);
}

enum dma_result silicon_read(struct silicon *s, uint32_t pasid, uint64_t addr, bool ats,
			     uint64_t *value)
{
	struct dma_context context = {.pasid = pasid, .use_ats = ats};
	size_t done;

	return endpoint_read(&s->endpoint, &context, addr, value, sizeof(*value), &done);
}

enum dma_result silicon_write(struct silicon *s, uint32_t pasid, uint64_t addr, bool ats,
			      uint64_t value)
{
	struct dma_context context = {.pasid = pasid, .use_ats = ats};
	size_t done;

	return endpoint_write(&s->endpoint, &context, addr, &value, sizeof(value), &done);
}
