/* SPDX-License-Identifier: MIT */
#include "raw_guest.h"

#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/rcu.h"

#define QUEUE_LG2   1u
#define QUEUE_SLOTS 256u
#define PRQ_LG2     0u
#define PDTS        7u
#define RUN_LIMIT   1000000u

/* Life */

static void observe(void *arg, const struct vsva_event *event)
{
	struct raw_guest *raw = arg;

	ledger_observe(raw->ledger, event);
	if (raw->event_count < RAW_EVENTS)
		raw->events[raw->event_count++] = *event;
}

static void on_msi(void *arg, uint64_t address, uint32_t data)
{
	struct raw_guest *raw = arg;

	(void)address;
	if (data < RAW_MSI_END)
		raw->msi[data]++;
}

static void add_device(struct raw_guest *raw, unsigned index, enum vsva_device_kind kind)
{
	struct raw_device *device = &raw->device[index];
	struct vsva_device_options options = {.kind = kind};

	device->rid = rid((uint16_t)(0x30 + 0x80 * index)); /* one in each half of the root entry */
	assert_int_equal(vsva_device_create(raw->machine, &options, &device->device), 0);
	assert_int_equal(
		vsva_vm_assign(raw->vm, device->device, device->rid, NULL, NULL, &device->assigned),
		0);
}

void raw_create(struct raw_guest *raw, const struct raw_options *options)
{
	static const struct raw_options defaults;
	const struct raw_options *o = options ? options : &defaults;
	struct vsva_machine_options machine = {.cache_policy = o->policy,
					       .seed = o->seed ? o->seed : 3,
					       .observer = observe,
					       .observer_arg = raw};
	struct vsva_vm_options vm = o->vm;

	memset(raw, 0, sizeof(*raw));
	raw->ledger = watch_begin();
	vm.msi = on_msi;
	vm.msi_arg = raw;
	raw->ram = mmap(NULL, RAW_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(raw->ram != MAP_FAILED);
	raw->next_page = VSVA_PAGE_SIZE;
	assert_int_equal(vsva_machine_create(&machine, &raw->machine), 0);
	assert_int_equal(vsva_vm_create(raw->machine, &vm, &raw->vm), 0);
	assert_int_equal(vsva_vm_map(raw->vm, gpa(0), raw->ram, RAW_RAM, true), 0);
	for (unsigned i = 0; i < RAW_DEVICES; i++)
		add_device(raw, i, o->dsa ? VSVA_DEVICE_DSA : VSVA_DEVICE_TEST_ENGINE);
}

void raw_destroy(struct raw_guest *raw)
{
	struct vsva_iommu_stats stats;
	uint32_t available;
	struct vsva_iommu *iommu = vsva_machine_iommu(raw->machine);
	struct vsva_ioasid_space *space = vsva_iommu_ioasid_space(iommu);

	vsva_vm_destroy(raw->vm);
	vsva_iommu_get_stats(iommu, &stats);
	assert_int_equal(stats.bound_now, 0);
	assert_int_equal(stats.domains_now, 0);
	assert_int_equal(stats.requests_pending_now, 0);
	available = vsva_ioasid_space_available(space);
	assert_int_equal(available, VSVA_PASID_MAX);
	vsva_machine_destroy(raw->machine);
	watch_end(raw->ledger);
	munmap(raw->ram, RAW_RAM);
}

/* Memory and registers */

gpa_t raw_pages(struct raw_guest *raw, unsigned order)
{
	uint64_t len = (uint64_t)VSVA_PAGE_SIZE << order;
	uint64_t at = (raw->next_page + len - 1) & ~(len - 1);

	raw->next_page = at + len;
	assert_true(raw->next_page <= RAW_RAM);
	memset(raw->ram + at, 0, len);
	return gpa(at);
}

void *raw_memory(struct raw_guest *raw, gpa_t address)
{
	assert_true(address.v < RAW_RAM);
	return raw->ram + address.v;
}

uint64_t raw_reg(struct raw_guest *raw, uint32_t offset, unsigned size)
{
	uint64_t value;

	assert_int_equal(vsva_viommu_read(raw->vm, offset, size, &value), 0);
	return value;
}

void raw_set_reg(struct raw_guest *raw, uint32_t offset, unsigned size, uint64_t value)
{
	assert_int_equal(vsva_viommu_write(raw->vm, offset, size, value), 0);
}

void raw_run(struct raw_guest *raw)
{
	vsva_machine_run_idle(raw->machine, RUN_LIMIT);
	assert_false(vsva_machine_step(raw->machine));
}

void raw_command(struct raw_guest *raw, uint64_t bit, bool set)
{
	uint64_t levels = raw_reg(raw, VTD_REG_GSTS, 4) & VTD_GCMD_LEVEL_BITS;

	raw_set_reg(raw, VTD_REG_GCMD, 4, set ? levels | bit : levels & ~bit);
	raw_run(raw);
	assert_int_equal(!!(raw_reg(raw, VTD_REG_GSTS, 4) & bit), set);
}

/* Boot */

static void enable_message(struct raw_guest *raw, uint32_t control, uint32_t data)
{
	raw_set_reg(raw, control + 4, 4, data);
	raw_set_reg(raw, control + 8, 4, 0xfee00000);
	raw_set_reg(raw, control, 4, 0);
}

struct vtd_context_entry *raw_context(struct raw_guest *raw, const struct raw_device *device)
{
	struct vtd_root_entry *root = raw_memory(raw, raw->root);
	bool upper = vtd_context_is_upper(device->rid);
	uint64_t table;

	root += vtd_root_index(device->rid);
	if (upper && !vtd_root_entry_UP(root)) {
		vtd_root_entry_set_UCTP(root, raw_pages(raw, 0).v);
		vtd_root_entry_set_UP(root, 1);
	} else if (!upper && !vtd_root_entry_LP(root)) {
		vtd_root_entry_set_LCTP(root, raw_pages(raw, 0).v);
		vtd_root_entry_set_LP(root, 1);
	}
	table = upper ? vtd_root_entry_UCTP(root) : vtd_root_entry_LCTP(root);
	return (struct vtd_context_entry *)raw_memory(raw, gpa(table)) +
	       vtd_context_index(device->rid);
}

static void set_context(struct raw_guest *raw, struct raw_device *device,
			const struct raw_options *options)
{
	struct vtd_context_entry *entry = raw_context(raw, device);

	device->directory = raw_pages(raw, 5);
	memset(entry, 0, sizeof(*entry));
	vtd_context_entry_set_DTE(entry, !(options && options->no_ats));
	vtd_context_entry_set_PRE(entry, !(options && (options->no_pri || options->no_ats)));
	vtd_context_entry_set_PASIDE(entry, 1);
	vtd_context_entry_set_PDTS(entry, PDTS);
	vtd_context_entry_set_PASIDDIRPTR(entry, device->directory.v);
	vtd_context_entry_set_P(entry, 1);
}

static void set_config(struct raw_device *device, const struct raw_options *options)
{
	vsva_assigned_config_write(device->assigned, 0x04, 2, 0x6);
	vsva_assigned_config_write(device->assigned, 0x146, 2, 0x1);
	if (options && options->no_ats)
		return;
	vsva_assigned_config_write(device->assigned, 0x106, 2, 0x8000);
	if (options && options->no_pri)
		return;
	vsva_assigned_config_write(device->assigned, 0x12c, 4, 32);
	vsva_assigned_config_write(device->assigned, 0x124, 2, 0x1);
}

static void set_queues(struct raw_guest *raw)
{
	uint64_t iqa = vtd_IQA_with_IQA(0, raw->queue.v);

	iqa = vtd_IQA_with_DW(vtd_IQA_with_QS(iqa, QUEUE_LG2), 1);
	raw_set_reg(raw, VTD_REG_IQT, 8, 0);
	raw_set_reg(raw, VTD_REG_IQA, 8, iqa);
	raw_command(raw, VTD_GCMD_QIE, true);
	raw_set_reg(raw, VTD_REG_PQH, 8, 0);
	raw_set_reg(raw, VTD_REG_PQT, 8, 0);
	raw_set_reg(raw, VTD_REG_PQA, 8,
		    vtd_PQA_with_PQS(vtd_PQA_with_PQA(0, raw->prq.v), PRQ_LG2));
}

void raw_boot(struct raw_guest *raw, const struct raw_options *options)
{
	raw->root = raw_pages(raw, 0);
	raw->queue = raw_pages(raw, QUEUE_LG2);
	raw->prq = raw_pages(raw, PRQ_LG2);
	raw->status = raw_pages(raw, 0);
	raw->tail = 0;
	for (unsigned i = 0; i < RAW_DEVICES; i++)
		set_context(raw, &raw->device[i], options);
	enable_message(raw, VTD_REG_FECTL, RAW_MSI_FAULT);
	enable_message(raw, VTD_REG_IECTL, RAW_MSI_QUEUE);
	enable_message(raw, VTD_REG_PECTL, RAW_MSI_PAGE);
	set_queues(raw);
	raw_set_reg(raw, VTD_REG_RTADDR, 8,
		    vtd_RTADDR_with_TTM(vtd_RTADDR_with_RTA(0, raw->root.v), VTD_TTM_SCALABLE));
	raw_command(raw, VTD_GCMD_SRTP, true);
	raw_command(raw, VTD_GCMD_TE, true);
	for (unsigned i = 0; i < RAW_DEVICES; i++)
		set_config(&raw->device[i], options);
}

/* Queue */

void raw_post(struct raw_guest *raw, const struct vtd_desc *descriptor)
{
	struct vtd_desc *slots = raw_memory(raw, raw->queue);

	slots[raw->tail] = *descriptor;
	raw->tail = (raw->tail + 1) % QUEUE_SLOTS;
	raw_set_reg(raw, VTD_REG_IQT, 8, raw->tail * sizeof(*descriptor));
}

void raw_submit(struct raw_guest *raw, const struct vtd_desc *descriptor)
{
	raw_post(raw, descriptor);
	raw_run(raw);
	assert_int_equal(raw_reg(raw, VTD_REG_FSTS, 4) & VTD_FSTS_IQE, 0);
	assert_int_equal(raw_reg(raw, VTD_REG_IQH, 8), raw->tail * sizeof(*descriptor));
}

void raw_wait(struct raw_guest *raw, bool drain)
{
	struct vtd_desc wait = vtd_desc_of_type(VTD_DESC_WAIT);
	uint32_t *status = raw_memory(raw, raw->status);

	vtd_desc_wait_set_SW(&wait, 1);
	vtd_desc_wait_set_PD(&wait, drain);
	vtd_desc_wait_set_STDATA(&wait, ++raw->wait_data);
	vtd_desc_wait_set_STADDR(&wait, raw->status.v);
	raw_submit(raw, &wait);
	assert_int_equal(*status, raw->wait_data);
}

struct vtd_desc raw_pasid_cache(unsigned granularity, uint32_t pasid, uint16_t domain)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_CACHE);

	vtd_desc_pasid_cache_set_G(&d, granularity);
	vtd_desc_pasid_cache_set_DID(&d, domain);
	vtd_desc_pasid_cache_set_PASID(&d, pasid);
	return d;
}

struct vtd_desc raw_pasid_iotlb(uint32_t pasid, uint16_t domain)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_IOTLB);

	vtd_desc_pasid_iotlb_set_G(&d, VTD_PASID_IOTLB_PASID);
	vtd_desc_pasid_iotlb_set_DID(&d, domain);
	vtd_desc_pasid_iotlb_set_PASID(&d, pasid);
	return d;
}

struct vtd_desc raw_pasid_iotlb_page(uint32_t pasid, uint16_t domain, uint64_t address, unsigned am)
{
	struct vtd_desc d = raw_pasid_iotlb(pasid, domain);

	vtd_desc_pasid_iotlb_set_G(&d, VTD_PASID_IOTLB_PAGE);
	vtd_desc_pasid_iotlb_set_AM(&d, am);
	d.q[1] |= address & ~UINT64_C(0xfff);
	return d;
}

struct vtd_desc raw_device_tlb(rid_t source, uint64_t address, unsigned lg2_pages)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_DEV_TLB);
	bool s;

	address = vtd_size_bit_address(address, lg2_pages, &s);
	vtd_desc_dev_tlb_set_SID(&d, source.v);
	vtd_desc_dev_tlb_set_S(&d, s);
	vtd_desc_dev_tlb_set_ADDR(&d, address);
	return d;
}

struct vtd_desc raw_pasid_device_tlb(rid_t source, uint32_t pasid, uint64_t address,
				     unsigned lg2_pages)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PASID_DEV_TLB);
	bool s;

	address = vtd_size_bit_address(address, lg2_pages, &s);
	vtd_desc_pasid_dev_tlb_set_SID(&d, source.v);
	vtd_desc_pasid_dev_tlb_set_PASID(&d, pasid);
	vtd_desc_pasid_dev_tlb_set_S(&d, s);
	vtd_desc_pasid_dev_tlb_set_ADDR(&d, address);
	return d;
}

struct vtd_desc raw_context_device(rid_t source)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_CONTEXT);

	vtd_desc_context_set_G(&d, VTD_CONTEXT_DEVICE);
	vtd_desc_context_set_SID(&d, source.v);
	return d;
}

struct vtd_desc raw_response(rid_t source, uint32_t pasid, uint16_t prgi, unsigned code)
{
	struct vtd_desc d = vtd_desc_of_type(VTD_DESC_PAGE_RESPONSE);

	vtd_desc_page_response_set_PP(&d, pasid != RAW_NO_PASID);
	vtd_desc_page_response_set_PASID(&d, pasid == RAW_NO_PASID ? 0 : pasid);
	vtd_desc_page_response_set_RID(&d, source.v);
	vtd_desc_page_response_set_PRGI(&d, prgi);
	vtd_desc_page_response_set_RC(&d, code);
	return d;
}

void raw_flush_pasid(struct raw_guest *raw, uint32_t pasid)
{
	struct vtd_desc d = raw_pasid_cache(VTD_PASID_CACHE_PASID, pasid, 1);

	raw_submit(raw, &d);
}

/* Tables */

struct vtd_pasid_entry *raw_entry(struct raw_guest *raw, const struct raw_device *device,
				  uint32_t pasid)
{
	struct vtd_pasid_dir_entry *directory = raw_memory(raw, device->directory);

	directory += vtd_pasid_dir_index(pasid);
	if (!vtd_pasid_dir_entry_P(directory)) {
		vtd_pasid_dir_entry_set_SMPTBLPTR(directory, raw_pages(raw, 0).v);
		vtd_pasid_dir_entry_set_P(directory, 1);
	}
	return (struct vtd_pasid_entry *)raw_memory(raw,
						    gpa(vtd_pasid_dir_entry_SMPTBLPTR(directory))) +
	       vtd_pasid_table_index(pasid);
}

void raw_set_first_stage(struct vtd_pasid_entry *entry, gpa_t root, uint16_t domain)
{
	memset(entry, 0, sizeof(*entry));
	vtd_pasid_entry_set_PGTT(entry, VTD_PGTT_FIRST_STAGE);
	vtd_pasid_entry_set_DID(entry, domain);
	vtd_pasid_entry_set_PWSNP(entry, 1);
	vtd_pasid_entry_set_FSPTPTR(entry, root.v);
	vtd_pasid_entry_set_P(entry, 1);
}

void raw_set_pass_through(struct vtd_pasid_entry *entry, uint16_t domain)
{
	memset(entry, 0, sizeof(*entry));
	vtd_pasid_entry_set_PGTT(entry, VTD_PGTT_PASS_THROUGH);
	vtd_pasid_entry_set_DID(entry, domain);
	vtd_pasid_entry_set_P(entry, 1);
}

void raw_clear(struct vtd_pasid_entry *entry)
{
	memset(entry, 0, sizeof(*entry));
}

gpa_t raw_page_table(struct raw_guest *raw)
{
	return raw_pages(raw, 0);
}

static uint64_t *leaf_of(struct raw_guest *raw, gpa_t root, uint64_t address)
{
	for (unsigned level = 4; level > 1; level--) {
		uint64_t *entry =
			(uint64_t *)raw_memory(raw, root) + vtd_level_index(address, level);

		if (!(*entry & VTD_FS_PTE_P))
			*entry = raw_pages(raw, 0).v | VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US;
		root = gpa(vtd_pte_address(*entry, 1));
	}
	return (uint64_t *)raw_memory(raw, root) + vtd_level_index(address, 1);
}

void raw_map(struct raw_guest *raw, gpa_t root, uint64_t address, gpa_t to)
{
	*leaf_of(raw, root, address) = to.v | VTD_FS_PTE_P | VTD_FS_PTE_RW | VTD_FS_PTE_US;
}

void raw_unmap(struct raw_guest *raw, gpa_t root, uint64_t address)
{
	*leaf_of(raw, root, address) = 0;
}

gpa_t raw_bind(struct raw_guest *raw, struct raw_device *device, uint32_t pasid, uint64_t address,
	       uint16_t domain)
{
	gpa_t table = raw_page_table(raw), page = raw_pages(raw, 0);

	raw_map(raw, table, address, page);
	raw_set_first_stage(raw_entry(raw, device, pasid), table, domain);
	raw_flush_pasid(raw, pasid);
	return page;
}

/* Devices */

unsigned raw_engine_status(struct raw_guest *raw, const struct raw_device *device)
{
	uint64_t value;

	(void)raw;
	assert_int_equal(vsva_assigned_read(device->assigned, 0, 0x24, 4, &value), 0);
	return (unsigned)value;
}

unsigned raw_dma_read(struct raw_guest *raw, const struct raw_device *device, uint32_t pasid,
		      uint64_t address, uint32_t flags)
{
	uint32_t word = pasid == RAW_NO_PASID ? 0 : pasid | UINT32_C(1) << 31;

	assert_int_equal(vsva_assigned_write(device->assigned, 0, 0x08, 8, address), 0);
	assert_int_equal(vsva_assigned_write(device->assigned, 0, 0x18, 4, 8), 0);
	assert_int_equal(vsva_assigned_write(device->assigned, 0, 0x1c, 4, word), 0);
	assert_int_equal(vsva_assigned_write(device->assigned, 0, 0x20, 4, 3 | flags), 0);
	raw_run(raw);
	return raw_engine_status(raw, device);
}

/* Faults */

static uint32_t used_record(struct raw_guest *raw)
{
	uint64_t cap = raw_reg(raw, VTD_REG_CAP, 8);
	uint32_t found = 0;

	for (unsigned i = 0; i < vtd_frcd_count(cap); i++) {
		uint32_t at = vtd_frcd_offset(cap, i);

		if (raw_reg(raw, at + 8, 8) >> 63) {
			assert_int_equal(found, 0);
			found = at;
		}
	}
	return found;
}

bool raw_has_fault(struct raw_guest *raw)
{
	return used_record(raw) != 0;
}

struct vtd_fault_record raw_take_fault(struct raw_guest *raw)
{
	uint32_t at = used_record(raw);
	struct vtd_fault_record record;

	assert_int_not_equal(at, 0);
	record.q[0] = raw_reg(raw, at, 8);
	record.q[1] = raw_reg(raw, at + 8, 8);
	raw_set_reg(raw, at + 12, 4, UINT32_C(1) << 31);
	assert_false(raw_has_fault(raw));
	return record;
}

enum vtd_fault raw_take_fault_reason(struct raw_guest *raw)
{
	struct vtd_fault_record record = raw_take_fault(raw);

	return (enum vtd_fault)vtd_fault_record_FR(&record);
}

/* Events */

void raw_forget_events(struct raw_guest *raw)
{
	raw->event_count = 0;
}

unsigned raw_count(const struct raw_guest *raw, enum vsva_event_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < raw->event_count; i++)
		count += raw->events[i].kind == kind;
	return count;
}

const struct vsva_event *raw_event(const struct raw_guest *raw, enum vsva_event_kind kind,
				   unsigned nth)
{
	for (unsigned i = 0; i < raw->event_count; i++)
		if (raw->events[i].kind == kind && nth-- == 0)
			return &raw->events[i];
	fail_msg("no such event: %s", vsva_event_name(kind));
	return NULL;
}

unsigned raw_count_descriptors(const struct raw_guest *raw, enum vtd_desc_type type)
{
	unsigned count = 0;

	for (unsigned i = 0; i < raw->event_count; i++)
		count += raw->events[i].kind == VSVA_EV_DESCRIPTOR && raw->events[i].value == type;
	return count;
}

hpasid_t raw_hpasid(struct raw_guest *raw, uint32_t guest)
{
	hpasid_t host = {VSVA_PASID_INVALID};

	assert_int_equal(vsva_vm_hpasid(raw->vm, gpasid(guest), &host), 0);
	return host;
}

struct vsva_vm_stats raw_stats(struct raw_guest *raw)
{
	struct vsva_vm_stats stats;

	vsva_vm_get_stats(raw->vm, &stats);
	return stats;
}
