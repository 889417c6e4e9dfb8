/* SPDX-License-Identifier: MIT */
#include "bench/silicon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "base/worker.h"
#include "bench/memory.h"
#include "vtd/registers.h"

#define FIRST_RID 0x0310u

/* IQA.QS: 2^QS pages of 128 wide descriptors */
#define QUEUE_QS    3u
#define DESCRIPTORS (SILICON_QUEUE + 1)

/* 2^(PDTS+7) entries: all PASIDs */
#define PDTS      7u
#define DIR_ORDER 5u

#define FIRST_TABLE (VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US)
#define SECOND_RW   (VTD_SS_PTE_R | VTD_SS_PTE_W)

enum { CONFIG_COMMAND = 0x04, CONFIG_ATS_CONTROL = 0x106, CONFIG_PASID_CONTROL = 0x146 };
enum { COMMAND_MASTER = 0x4, ATS_ENABLE = 0x8000, PASID_ENABLE = 0x1 };

rid_t silicon_rid(unsigned device)
{
	return rid((uint16_t)(FIRST_RID + 8 * device));
}

struct endpoint *silicon_endpoint(const struct silicon *s, unsigned device)
{
	return test_engine_endpoint(s->engines[device]);
}

/* Memory */

static void *host_pages(struct silicon *s, unsigned order, uint64_t *address)
{
	void *memory;
	hpa_t base;

	*address = 0;
	if (s->page_count == s->page_room) {
		size_t room = s->page_room ? 2 * s->page_room : 256;
		struct silicon_page *pages = realloc(s->pages, room * sizeof(*pages));

		if (!pages)
			return NULL;
		s->pages = pages;
		s->page_room = room;
	}
	if (physmem_alloc_pages(s->pm, order, &base, &memory))
		return NULL;
	s->pages[s->page_count++] = (struct silicon_page){base, order};
	*address = base.v;
	return memory;
}

static uint64_t *host_table(struct silicon *s, uint64_t address)
{
	uint64_t *table;

	rcu_read_lock();
	table = physmem_ptr(s->pm, hpa(address), VSVA_PAGE_SIZE, true);
	rcu_read_unlock();
	return table;
}

/* The table that an entry leads to, made where there is none. NULL: no memory. */
static uint64_t *next_host_table(struct silicon *s, uint64_t *entry, uint64_t flags)
{
	uint64_t address;

	if (*entry)
		return host_table(s, vtd_pte_address(*entry, 1));
	if (!host_pages(s, 0, &address))
		return NULL;
	*entry = address | flags;
	return host_table(s, address);
}

static uint64_t *guest_table(struct silicon *s, uint64_t gpa)
{
	return (uint64_t *)(void *)(s->memory + gpa);
}

static uint64_t *next_guest_table(struct silicon *s, uint64_t *entry)
{
	if (!*entry) {
		if (s->tables_next < VSVA_PAGE_SIZE)
			return NULL;
		s->tables_next -= VSVA_PAGE_SIZE;
		*entry = s->tables_next | FIRST_TABLE;
	}
	return guest_table(s, vtd_pte_address(*entry, 1));
}

/* Tables */

static int map_second_stage(struct silicon *s)
{
	for (uint64_t gpa = 0; gpa < s->memory_len; gpa += VSVA_PAGE_SIZE) {
		uint64_t *table = host_table(s, s->second_root);

		for (unsigned level = 4; level > 1 && table; level--)
			table = next_host_table(s, &table[vtd_level_index(gpa, level)], SECOND_RW);
		if (!table)
			return -ENOMEM;
		table[vtd_level_index(gpa, 1)] = (s->memory_base.v + gpa) | SECOND_RW;
	}
	return 0;
}

static struct vtd_pasid_entry *pasid_entry(struct silicon *s, uint32_t pasid)
{
	uint64_t *dir = &s->pasid_dir[vtd_pasid_dir_index(pasid)];
	uint64_t *table = next_host_table(s, dir, 1);

	if (!table)
		return NULL;
	return (struct vtd_pasid_entry *)(void *)table + vtd_pasid_table_index(pasid);
}

static void write_pasid_entry(const struct silicon *s, struct vtd_pasid_entry *entry, uint64_t root)
{
	vtd_pasid_entry_set_PGTT(entry, VTD_PGTT_NESTED);
	vtd_pasid_entry_set_DID(entry, SILICON_DID);
	vtd_pasid_entry_set_PWSNP(entry, 1);
	vtd_pasid_entry_set_SRE(entry, 1);
	vtd_pasid_entry_set_AW(entry, VTD_AW_48);
	vtd_pasid_entry_set_SSPTPTR(entry, s->second_root);
	vtd_pasid_entry_set_FSPM(entry, VTD_FSPM_4_LEVEL);
	vtd_pasid_entry_set_FSPTPTR(entry, root);
	vtd_pasid_entry_set_P(entry, 1);
}

int silicon_map(struct silicon *s, uint32_t pasid, uint64_t va, uint64_t gpa, uint32_t pages)
{
	struct vtd_pasid_entry *entry = pasid_entry(s, pasid);
	uint64_t root = entry ? vtd_pasid_entry_FSPTPTR(entry) : 0;

	if (!entry || (!root && !next_guest_table(s, &root)))
		return -ENOMEM;
	root &= ~(uint64_t)(VSVA_PAGE_SIZE - 1);
	for (uint32_t i = 0; i < pages; i++, va += VSVA_PAGE_SIZE, gpa += VSVA_PAGE_SIZE) {
		uint64_t *table = guest_table(s, root);

		for (unsigned level = 4; level > 1 && table; level--)
			table = next_guest_table(s, &table[vtd_level_index(va, level)]);
		if (!table)
			return -ENOMEM;
		table[vtd_level_index(va, 1)] = gpa | FIRST_TABLE;
	}
	write_pasid_entry(s, entry, root);
	return 0;
}

/* Registers */

static void set(struct silicon *s, uint32_t offset, unsigned size, uint64_t value)
{
	CHECK(unit_mmio_write(s->unit, offset, size, value) == 0);
}

static void command(struct silicon *s, uint64_t bit)
{
	uint64_t status = 0;

	unit_mmio_read(s->unit, VTD_REG_GSTS, 4, &status);
	set(s, VTD_REG_GCMD, 4, (status & VTD_GCMD_LEVEL_BITS) | bit);
}

static int set_up_root(struct silicon *s, uint64_t *root_address)
{
	uint64_t contexts, dir, *root = host_pages(s, 0, root_address);

	s->contexts = host_pages(s, 0, &contexts);
	s->pasid_dir = host_pages(s, DIR_ORDER, &dir);
	if (!root || !s->contexts || !s->pasid_dir)
		return -ENOMEM;
	root[2 * vtd_root_index(silicon_rid(0))] = contexts | 1;
	for (unsigned i = 0; i < SILICON_DEVICES; i++) {
		struct vtd_context_entry *entry = &s->contexts[vtd_context_index(silicon_rid(i))];

		vtd_context_entry_set_PASIDDIRPTR(entry, dir);
		vtd_context_entry_set_PDTS(entry, PDTS);
		vtd_context_entry_set_DTE(entry, 1);
		vtd_context_entry_set_PASIDE(entry, 1);
		vtd_context_entry_set_PRE(entry, 1);
		vtd_context_entry_set_P(entry, 1);
	}
	return 0;
}

static int set_up_queue(struct silicon *s)
{
	uint64_t address;

	s->queue = host_pages(s, QUEUE_QS, &address);
	s->status = host_pages(s, 0, &s->status_address);
	if (!s->queue || !s->status)
		return -ENOMEM;
	set(s, VTD_REG_IQT, 8, 0);
	set(s, VTD_REG_IQA, 8, address | vtd_IQA_with_DW(0, 1) | vtd_IQA_with_QS(0, QUEUE_QS));
	command(s, VTD_GCMD_QIE);
	return 0;
}

static int set_up_unit(struct silicon *s)
{
	uint64_t root;
	int err = host_pages(s, 0, &s->second_root) ? set_up_root(s, &root) : -ENOMEM;

	if (!err)
		err = map_second_stage(s);
	if (err)
		return err;
	set(s, VTD_REG_RTADDR, 8, vtd_RTADDR_with_TTM(root, VTD_TTM_SCALABLE));
	command(s, VTD_GCMD_SRTP);
	err = set_up_queue(s);
	if (!err)
		command(s, VTD_GCMD_TE);
	return err;
}

static int set_up_engine(struct silicon *s, unsigned device)
{
	struct test_engine_config config = {
		.unit = s->unit, .physmem = s->pm, .pool = s->pool, .rid = silicon_rid(device)};
	int err = test_engine_create(&config, &s->engines[device]);

	if (err)
		return err;
	test_engine_config_write(s->engines[device], CONFIG_COMMAND, 2, COMMAND_MASTER);
	test_engine_config_write(s->engines[device], CONFIG_PASID_CONTROL, 2, PASID_ENABLE);
	test_engine_config_write(s->engines[device], CONFIG_ATS_CONTROL, 2, ATS_ENABLE);
	return 0;
}

/* The queue */

/* The queue is run by silicon_run(), not by the register write. */
static void on_kick(void *arg)
{
	(void)arg;
}

static void on_msi(void *arg, uint64_t address, uint32_t data)
{
	(void)arg;
	(void)address;
	(void)data;
}

void silicon_put(struct silicon *s, const struct vtd_desc *desc)
{
	memcpy(s->queue + s->queue_tail * sizeof(*desc), desc, sizeof(*desc));
	s->queue_tail = (s->queue_tail + 1) % DESCRIPTORS;
	set(s, VTD_REG_IQT, 8, s->queue_tail * sizeof(*desc));
}

void silicon_run(struct silicon *s)
{
	while (unit_run_queue(s->unit))
		;
}

struct vtd_desc silicon_page_descriptor(uint32_t pasid, uint64_t va)
{
	struct vtd_desc desc = silicon_pasid_descriptor(pasid);

	vtd_desc_pasid_iotlb_set_G(&desc, VTD_PASID_IOTLB_PAGE);
	vtd_desc_pasid_iotlb_set_ADDR(&desc, va);
	return desc;
}

struct vtd_desc silicon_pasid_descriptor(uint32_t pasid)
{
	struct vtd_desc desc = vtd_desc_of_type(VTD_DESC_PASID_IOTLB);

	vtd_desc_pasid_iotlb_set_G(&desc, VTD_PASID_IOTLB_PASID);
	vtd_desc_pasid_iotlb_set_DID(&desc, SILICON_DID);
	vtd_desc_pasid_iotlb_set_PASID(&desc, pasid);
	return desc;
}

struct vtd_desc silicon_wait_descriptor(const struct silicon *s, uint32_t data)
{
	struct vtd_desc desc = vtd_desc_of_type(VTD_DESC_WAIT);

	vtd_desc_wait_set_SW(&desc, 1);
	vtd_desc_wait_set_STDATA(&desc, data);
	vtd_desc_wait_set_STADDR(&desc, s->status_address);
	return desc;
}

bool silicon_leads(struct silicon *s, uint32_t pasid, uint64_t va, uint64_t gpa)
{
	struct unit_request request = {
		.rid = silicon_rid(0), .pasid = pasid, .addr = va, .access = UNIT_READ};
	struct unit_translation t;

	rcu_read_lock();
	unit_translate(s->unit, &request, &t);
	rcu_read_unlock();
	return t.response == VTD_RESP_NONE && t.hpa.v == s->memory_base.v + gpa;
}

/* Life */

static int make_unit(struct silicon *s, const struct silicon_options *options)
{
	struct unit_config config = {
		.cap = unit_default_cap(),
		.ecap = unit_default_ecap(),
		.physmem = s->pm,
		.policy = options->policy,
		.seed = 1,
		.iotlb_entries = options->iotlb_entries,
		.msi = on_msi,
		.queue_kick = on_kick,
	};

	return unit_create(&config, &s->unit);
}

static int make_memory(struct silicon *s, uint64_t len)
{
	s->memory = bench_memory_alloc(len);
	if (!s->memory)
		return -ENOMEM;
	s->memory_len = s->tables_next = len;
	return physmem_add(s->pm, s->memory, len, true, &s->memory_base);
}

int silicon_open(const struct silicon_options *options, struct silicon *s)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->pm = physmem_create();
	s->pool = worker_pool_create(WORKERS_MANUAL, 0);
	if (!s->pm || !s->pool)
		return -ENOMEM;
	err = make_memory(s, options->memory);
	if (!err)
		err = make_unit(s, options);
	if (!err)
		err = set_up_unit(s);
	for (unsigned i = 0; i < SILICON_DEVICES && !err; i++)
		err = set_up_engine(s, i);
	return err;
}

static void free_memory(struct silicon *s)
{
	for (size_t i = 0; i < s->page_count; i++)
		physmem_free_pages(s->pm, s->pages[i].base, s->pages[i].order);
	free(s->pages);
	if (s->memory_base.v)
		physmem_remove(s->pm, s->memory_base);
	rcu_synchronize();
	rcu_barrier();
	bench_memory_free(s->memory, s->memory_len);
}

void silicon_close(struct silicon *s)
{
	for (unsigned i = 0; i < SILICON_DEVICES; i++)
		test_engine_destroy(s->engines[i]);
	if (s->unit)
		unit_destroy(s->unit);
	if (s->pm) {
		free_memory(s);
		physmem_destroy(s->pm);
	}
	if (s->pool)
		worker_pool_destroy(s->pool);
}
