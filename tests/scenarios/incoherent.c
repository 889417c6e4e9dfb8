// SPDX-License-Identifier: MIT
#include "incoherent.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/rcu.h"
#include "vtd/descriptors.h"
#include "vtd/pci_config.h"
#include "vtd/tables.h"

#define SLOTS_SEARCHED 64u                 /* where the driver's memory may be */
#define CHUNK_USED     (UINT64_C(1) << 20) /* of a chunk; more is not allocated here */
#define GARBAGE        0xff

/* Two views */

static void *map(size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

static void add_chunk(struct incoherent *i, const struct physmem_region *region)
{
	unsigned at = 0;

	for (; at < INCOHERENT_CHUNKS && i->chunks[at].cpu; at++)
		if (i->chunks[at].cpu == region->memory)
			return;
	CHECK(at < INCOHERENT_CHUNKS);
	i->chunks[at].base = region->base;
	i->chunks[at].cpu = region->memory;
	i->chunks[at].memory = map(region->len);
	memset(i->chunks[at].memory, GARBAGE, CHUNK_USED);
	CHECK(physmem_add_at(i->memory, hpa(region->base), i->chunks[at].memory, region->len,
			     true) == 0);
}

static void find_chunks(struct incoherent *i)
{
	for (unsigned slot = 0; slot < SLOTS_SEARCHED; slot++) {
		const struct physmem_region *region = i->cpu->slots[slot];

		if (region && region->memory != i->ram)
			add_chunk(i, region);
	}
}

/* Where the other view has the same. */
static unsigned char *other_view(struct incoherent *i, const void *at)
{
	for (unsigned c = 0; c < INCOHERENT_CHUNKS && i->chunks[c].cpu; c++) {
		uintptr_t offset = (uintptr_t)at - (uintptr_t)i->chunks[c].cpu;

		if (offset < CHUNK_USED)
			return i->chunks[c].memory + offset;
	}
	abort(); /* beyond what is used of a chunk */
}

static void *cpu_ptr(struct incoherent *i, uint64_t address)
{
	void *at;

	rcu_read_lock();
	at = physmem_ptr(i->cpu, hpa(address), 4, true);
	rcu_read_unlock();
	CHECK(at);
	return at;
}

/* Which table is it? */

static const void *page_of(const void *at)
{
	return (const void *)((uintptr_t)at & ~(uintptr_t)(VSVA_PAGE_SIZE - 1));
}

static enum table_kind kind_below(struct incoherent *i, const struct vtd_context_entry *context,
				  const void *page)
{
	uint64_t address = vtd_context_entry_PASIDDIRPTR(context);
	unsigned count = vtd_pasid_dir_count((unsigned)vtd_context_entry_PDTS(context));
	const struct vtd_pasid_dir_entry *directory;

	if (!address)
		return TABLE_KINDS;
	directory = cpu_ptr(i, address);
	if (page >= (const void *)directory && page < (const void *)(directory + count))
		return TABLE_DIRECTORY;
	for (unsigned n = 0; n < count; n++)
		if (vtd_pasid_dir_entry_P(&directory[n]) &&
		    cpu_ptr(i, vtd_pasid_dir_entry_SMPTBLPTR(&directory[n])) == page)
			return TABLE_PASID;
	return TABLE_KINDS;
}

static enum table_kind kind_of(struct incoherent *i, const void *at)
{
	const struct vtd_root_entry *root;
	const void *page = page_of(at), *contexts;
	uint64_t rtaddr, table;

	CHECK(unit_mmio_read(i->unit, VTD_REG_RTADDR, 8, &rtaddr) == 0);
	if (!rtaddr)
		return TABLE_NEW;
	root = cpu_ptr(i, vtd_RTADDR_RTA(rtaddr));
	if (page == root)
		return TABLE_ROOT;
	table = vtd_root_entry_LCTP(&root[vtd_root_index(INCOHERENT_RID)]);
	if (!table)
		return TABLE_NEW;
	contexts = cpu_ptr(i, table);
	if (page == contexts)
		return TABLE_CONTEXT;
	return kind_below(
		i, (const struct vtd_context_entry *)contexts + vtd_context_index(INCOHERENT_RID),
		page);
}

static void write_back(void *arg, const void *memory, size_t len)
{
	struct incoherent *i = arg;

	find_chunks(i);
	i->written++;
	if (i->written == i->left_out) {
		i->left_out_kind = kind_of(i, memory);
		if (i->left_out_kind == TABLE_KINDS)
			i->left_out_kind = len >= VSVA_PAGE_SIZE ? TABLE_NEW : TABLE_OTHER;
		return;
	}
	memcpy(other_view(i, memory), memory, len);
}

/* All that is no table of devices: what a unit with SMPWC snoops. */
static void snoop(struct incoherent *i)
{
	for (unsigned c = 0; c < INCOHERENT_CHUNKS && i->chunks[c].cpu; c++)
		for (uint64_t at = 0; at < CHUNK_USED; at += VSVA_PAGE_SIZE) {
			const unsigned char *from = i->chunks[c].cpu + at;

			if (memcmp(i->chunks[c].memory + at, from, VSVA_PAGE_SIZE) &&
			    kind_of(i, from) == TABLE_KINDS)
				memcpy(i->chunks[c].memory + at, from, VSVA_PAGE_SIZE);
		}
}

static void before_access(struct incoherent *i)
{
	find_chunks(i);
	if (i->snoops_paging)
		snoop(i);
}

/* Ports */

static uint64_t port_read(void *arg, uint32_t offset, unsigned size)
{
	struct incoherent *i = arg;
	uint64_t value = 0;

	CHECK(unit_mmio_read(i->unit, offset, size, &value) == 0);
	return value;
}

/* The queue is snooped: descriptors one way, status words the other. */
static void run_queue(struct incoherent *i, uint64_t new_tail)
{
	uint64_t iqa = port_read(i, VTD_REG_IQA, 8), tail = port_read(i, VTD_REG_IQT, 8);
	uint64_t len = UINT64_C(4096) << vtd_IQA_QS(iqa), first = tail;
	const struct vtd_desc *desc;

	for (; tail != new_tail; tail = (tail + sizeof(*desc)) % len) {
		desc = cpu_ptr(i, vtd_IQA_IQA(iqa) + tail);
		memcpy(other_view(i, desc), desc, sizeof(*desc));
	}
	CHECK(unit_mmio_write(i->unit, VTD_REG_IQT, 8, new_tail) == 0);
	for (tail = first; tail != new_tail; tail = (tail + sizeof(*desc)) % len) {
		desc = cpu_ptr(i, vtd_IQA_IQA(iqa) + tail);
		if (vtd_desc_type(desc) == VTD_DESC_WAIT && vtd_desc_wait_SW(desc)) {
			void *status = cpu_ptr(i, vtd_desc_wait_STADDR(desc));

			memcpy(status, other_view(i, status), 4);
		}
	}
}

static void port_write(void *arg, uint32_t offset, unsigned size, uint64_t value)
{
	struct incoherent *i = arg;

	before_access(i);
	if (offset == VTD_REG_IQT)
		run_queue(i, value);
	else
		CHECK(unit_mmio_write(i->unit, offset, size, value) == 0);
}

static int port_msi_alloc(void *arg, void (*handler)(void *handler_arg), void *handler_arg,
			  uint64_t *address, uint32_t *data)
{
	(void)arg;
	(void)handler;
	(void)handler_arg;
	*address = 0xfee00000;
	*data = 0;
	return 0;
}

/* Nobody needs messages here. */
static void port_msi_free(void *arg, uint64_t address, uint32_t data)
{
	(void)arg;
	(void)address;
	(void)data;
}

static void on_msi(void *arg, uint64_t address, uint32_t data)
{
	port_msi_free(arg, address, data);
}

static uint32_t config_read(void *arg, uint32_t offset, unsigned size)
{
	return pci_config_read(&((struct incoherent *)arg)->config, offset, size);
}

static void config_write(void *arg, uint32_t offset, unsigned size, uint32_t value)
{
	endpoint_config_write(&((struct incoherent *)arg)->endpoint, offset, size, value);
}

/* Life */

static void ignore_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	(void)line;
}

static void make_hardware(struct incoherent *i)
{
	static const struct endpoint_ops ops;
	struct pci_config_description description = {.vendor = 0x8086,
						     .device = 0x0b25,
						     .ats = true,
						     .ats_queue_depth = 16,
						     .pasid = true,
						     .pasid_width = 20};
	uint64_t off = VTD_ECAP_C;
	struct unit_config config = {.cap = unit_default_cap(),
				     .physmem = i->memory,
				     .policy = UNIT_CACHE_LRU,
				     .msi = on_msi,
				     .arg = i};

	if (!i->snoops_paging)
		off |= VTD_ECAP_SMPWC | VTD_ECAP_EAFS | VTD_ECAP_SSADS;
	config.ecap = vtd_without(unit_default_ecap(), off);
	assert_int_equal(unit_create(&config, &i->unit), 0);
	assert_int_equal(pci_config_init(&i->config, &description), 0);
	assert_int_equal(endpoint_init(&i->endpoint, i->unit, INCOHERENT_RID, &i->config, i->memory,
				       &ops, NULL),
			 0);
	assert_int_equal(unit_attach(i->unit, &i->endpoint), 0);
	endpoint_config_write(&i->endpoint, 4, 2, 4);
}

static void make_ram(struct incoherent *i)
{
	i->ram = map(INCOHERENT_RAM);
	assert_int_equal(physmem_add(i->cpu, i->ram, INCOHERENT_RAM, true, &i->ram_base), 0);
	assert_int_equal(physmem_add_at(i->memory, i->ram_base, i->ram, INCOHERENT_RAM, true), 0);
}

static void make_driver(struct incoherent *i)
{
	struct vtd_port port = {.arg = i,
				.read = port_read,
				.write = port_write,
				.physmem = i->cpu,
				.write_back = write_back,
				.msi_alloc = port_msi_alloc,
				.msi_free = port_msi_free};
	struct host_iommu_config config = {.port = &port, .pool = i->pool};
	struct host_dev_info info = {.rid = INCOHERENT_RID,
				     .pf_rid = INCOHERENT_RID,
				     .is_pci = true,
				     .config = {i, config_read, config_write}};
	static int token;

	assert_int_equal(host_iommu_create(&config, &i->iommu), 0);
	assert_int_equal(host_dev_add(i->iommu, &info, &i->dev), 0);
	assert_int_equal(
		vsva_ioasid_set_alloc(vsva_iommu_ioasid_space(i->iommu), &token, 1000, &i->set), 0);
	assert_int_equal(vsva_domain_alloc(i->iommu, i->set,
					   i->snoops_paging ? VSVA_DOMAIN_NESTING : 0, 1,
					   &i->domain),
			 0);
	assert_int_equal(vsva_domain_map(i->domain, gpa(0), i->ram_base, INCOHERENT_RAM, 3), 0);
}

void incoherent_create(struct incoherent *i, bool snoops_paging)
{
	unsigned left_out = i->left_out;

	memset(i, 0, sizeof(*i));
	i->left_out = left_out;
	i->snoops_paging = snoops_paging;
	log_set_sink(ignore_line, NULL);
	i->cpu = physmem_create();
	i->memory = physmem_create();
	i->pool = worker_pool_create(WORKERS_MANUAL, 0);
	make_ram(i);
	make_hardware(i);
	make_driver(i);
}

static void destroy_views(struct incoherent *i)
{
	physmem_remove(i->cpu, i->ram_base);
	physmem_remove(i->memory, i->ram_base);
	for (unsigned c = 0; c < INCOHERENT_CHUNKS && i->chunks[c].cpu; c++)
		physmem_remove(i->memory, hpa(i->chunks[c].base));
	rcu_barrier();
	physmem_destroy(i->cpu);
	physmem_destroy(i->memory);
	munmap(i->ram, INCOHERENT_RAM);
}

void incoherent_destroy(struct incoherent *i)
{
	host_dev_remove(i->dev);
	assert_int_equal(vsva_domain_free(i->domain), 0);
	assert_int_equal(vsva_ioasid_free_all_sync(i->set), 0);
	vsva_ioasid_set_free(i->set);
	host_iommu_destroy(i->iommu);
	unit_detach(i->unit, &i->endpoint);
	endpoint_fini(&i->endpoint);
	unit_destroy(i->unit);
	rcu_barrier();
	destroy_views(i);
	worker_pool_destroy(i->pool);
	log_set_sink(NULL, NULL);
}

enum vtd_fault incoherent_read(struct incoherent *i, rid_t rid_, uint32_t pasid, uint64_t addr,
			       uint64_t *value)
{
	struct unit_request request = {
		.rid = rid_, .pasid = pasid, .addr = addr, .access = UNIT_READ};
	struct unit_translation t;
	const uint64_t *at = NULL;

	before_access(i);
	rcu_read_lock();
	unit_translate(i->unit, &request, &t);
	if (!t.fault)
		at = physmem_ptr(i->memory, t.hpa, sizeof(*at), false);
	*value = at ? *at : 0;
	rcu_read_unlock();
	return t.fault;
}
