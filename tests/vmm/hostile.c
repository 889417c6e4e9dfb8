/* SPDX-License-Identifier: MIT */
#include "hostile.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vsva/dsa.h"
#include "vtd/descriptors.h"
#include "vtd/registers.h"
#include "vtd/tables.h"

#define HALF (HOSTILE_RAM / 2)
/* Where the guest keeps its things; all of it gets scribbled over. */
#define ROOT         UINT64_C(0x1000)
#define CONTEXTS     UINT64_C(0x2000)
#define DIRECTORY    UINT64_C(0x4000)
#define PASID_TABLES UINT64_C(0x8000)
#define PAGE_TABLES  UINT64_C(0x10000)
#define QUEUE        UINT64_C(0x20000)
#define PRQ          UINT64_C(0x24000)
#define PASIDS       256u /* that it plays with */

static const rid_t rids[HOSTILE_DEVICES] = {{0x30}, {0xb8}};

/* Dice */

static uint64_t below(struct hostile *h, uint64_t bound)
{
	return rng_below(&h->rng, bound);
}

static bool one_in(struct hostile *h, uint64_t n)
{
	return below(h, n) == 0;
}

/* Mostly guest memory, sometimes its edges, sometimes anything. */
static uint64_t some_address(struct hostile *h)
{
	switch (below(h, 10)) {
	case 0:
		return rng_u64(&h->rng);
	case 1:
		return HOSTILE_RAM - 8 * below(h, 4);
	case 2:
		return UINT64_C(0xfee00000) + below(h, 0x2000);
	case 3:
		return (UINT64_C(1) << below(h, 64)) - below(h, 2);
	default:
		return below(h, HOSTILE_RAM);
	}
}

static uint64_t some_page(struct hostile *h)
{
	return some_address(h) & ~UINT64_C(0xfff);
}

static uint64_t some_value(struct hostile *h)
{
	switch (below(h, 6)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return UINT64_C(1) << below(h, 64);
	case 3:
		return some_address(h);
	case 4:
		return below(h, 0x1000);
	default:
		return rng_u64(&h->rng);
	}
}

static uint32_t some_pasid(struct hostile *h)
{
	return one_in(h, 20) ? (uint32_t)rng_u64(&h->rng) & VSVA_PASID_MAX
			     : (uint32_t)below(h, PASIDS);
}

static rid_t some_rid(struct hostile *h)
{
	return one_in(h, 8) ? rid((uint16_t)rng_u64(&h->rng)) : rids[below(h, HOSTILE_DEVICES)];
}

static void poke(struct hostile *h, uint64_t address, uint64_t value)
{
	vsva_vm_write(h->vm, gpa(address), &value, sizeof(value));
}

/* Memory */

static bool map_half(struct hostile *h, bool high)
{
	bool *mapped = high ? &h->high_mapped : &h->low_mapped;
	uint64_t at = high ? HALF : 0;

	if (*mapped)
		return true;
	/* fresh pages of the file: those that a SIGBUS has replaced are gone */
	mmap(h->ram + at, HALF, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, h->file, (off_t)at);
	*mapped = vsva_vm_map(h->vm, gpa(at), h->ram + at, HALF, true) == 0;
	return *mapped;
}

static void unmap_half(struct hostile *h, bool high)
{
	bool *mapped = high ? &h->high_mapped : &h->low_mapped;

	if (*mapped)
		vsva_vm_unmap(h->vm, gpa(high ? HALF : 0), HALF);
	*mapped = false;
}

static void shake_memory(struct hostile *h)
{
	bool high = one_in(h, 2);

	switch (below(h, 4)) {
	case 0:
		unmap_half(h, high);
		break;
	case 1:
		map_half(h, high);
		break;
	case 2:
		if (ftruncate(h->file, (off_t)(below(h, HOSTILE_RAM / 4096) * 4096)))
			break;
		break;
	default:
		if (ftruncate(h->file, (off_t)HOSTILE_RAM))
			break;
		unmap_half(h, high);
		map_half(h, high);
	}
}

/* Registers */

static void set_reg(struct hostile *h, uint32_t offset, unsigned size, uint64_t value)
{
	vsva_viommu_write(h->vm, offset, size, value);
}

static uint32_t some_register(struct hostile *h)
{
	static const uint32_t known[] = {
		VTD_REG_GCMD,   VTD_REG_RTADDR, VTD_REG_CCMD, VTD_REG_FSTS, VTD_REG_FECTL,
		VTD_REG_FEDATA, VTD_REG_FEADDR, VTD_REG_IQT,  VTD_REG_IQA,  VTD_REG_ICS,
		VTD_REG_IECTL,  VTD_REG_PQH,    VTD_REG_PQT,  VTD_REG_PQA,  VTD_REG_PRS,
		VTD_REG_PECTL,  VTD_REG_VCMD,   0x220,        0x22c,        0x500,
		0x508,
	};

	return one_in(h, 2) ? (uint32_t)below(h, 4200)
			    : known[below(h, sizeof(known) / sizeof(known[0]))];
}

static void random_register(struct hostile *h)
{
	uint32_t offset = some_register(h);
	unsigned size = one_in(h, 2) ? 4 : one_in(h, 8) ? (unsigned)below(h, 17) : 8;
	uint64_t value;

	if (one_in(h, 4))
		vsva_viommu_read(h->vm, offset, size, &value);
	else
		set_reg(h, offset, size, some_value(h));
}

/* Writes GCMD and gives the unit some time, but does not insist. */
static void command(struct hostile *h, uint64_t value, uint64_t status, bool set)
{
	uint64_t gsts = 0;

	set_reg(h, VTD_REG_GCMD, 4, value);
	for (int i = 0; i < 200; i++) {
		vsva_viommu_read(h->vm, VTD_REG_GSTS, 4, &gsts);
		if (!(gsts & status) == !set)
			return;
		if (h->threads)
			usleep(20);
		else if (!vsva_machine_step(h->machine))
			return;
	}
}

/* What a driver would do, so that the rest has something to break. */
static void sane_boot(struct hostile *h)
{
	uint64_t mode = one_in(h, 10) ? below(h, 4) : VTD_TTM_SCALABLE;

	set_reg(h, VTD_REG_FSTS, 4, UINT32_MAX);
	command(h, VTD_GCMD_QIE, VTD_GSTS_TES, false);
	command(h, 0, VTD_GSTS_QIES, false);
	set_reg(h, VTD_REG_IQT, 8, 0);
	set_reg(h, VTD_REG_IQA, 8, vtd_IQA_with_DW(QUEUE, 1));
	h->queue_tail = 0;
	command(h, VTD_GCMD_QIE, VTD_GSTS_QIES, true);
	set_reg(h, VTD_REG_PQH, 8, 0);
	set_reg(h, VTD_REG_PQT, 8, 0);
	set_reg(h, VTD_REG_PQA, 8, PRQ);
	set_reg(h, VTD_REG_PRS, 4, 3);
	set_reg(h, VTD_REG_RTADDR, 8, vtd_RTADDR_with_TTM(ROOT, mode));
	command(h, VTD_GCMD_QIE | VTD_GCMD_SRTP, VTD_GSTS_RTPS, true);
	command(h, VTD_GCMD_QIE | VTD_GCMD_TE, VTD_GSTS_TES, true);
}

/* Tables */

static void sane_tables(struct hostile *h)
{
	for (unsigned i = 0; i < HOSTILE_DEVICES; i++) {
		struct vtd_context_entry context = {{0}};
		bool upper = vtd_context_is_upper(rids[i]);

		vtd_context_entry_set_P(&context, 1);
		vtd_context_entry_set_DTE(&context, 1);
		vtd_context_entry_set_PRE(&context, 1);
		vtd_context_entry_set_PASIDE(&context, 1);
		vtd_context_entry_set_PDTS(&context, one_in(h, 10) ? below(h, 8) : 0);
		vtd_context_entry_set_PASIDDIRPTR(&context, DIRECTORY);
		poke(h, ROOT + 8 * upper, (CONTEXTS + 4096 * upper) | 1);
		for (unsigned q = 0; q < 4; q++)
			poke(h,
			     CONTEXTS + 4096 * upper + 32ull * vtd_context_index(rids[i]) + 8 * q,
			     context.q[q]);
	}
	/* sometimes all of the directory leads to the same few tables */
	for (uint64_t i = 0; i < (one_in(h, 8) ? 128 : PASIDS / 64); i++)
		poke(h, DIRECTORY + 8 * i, (PASID_TABLES + 4096 * (i % (PASIDS / 64))) | 1);
}

static void some_entry(struct hostile *h)
{
	uint64_t at = PASID_TABLES + 64ull * some_pasid(h) % (PASIDS * 64);
	struct vtd_pasid_entry entry = {{0}};

	vtd_pasid_entry_set_P(&entry, !one_in(h, 4));
	vtd_pasid_entry_set_FPD(&entry, one_in(h, 8));
	vtd_pasid_entry_set_PGTT(&entry, one_in(h, 8)   ? below(h, 8)
					 : one_in(h, 4) ? VTD_PGTT_PASS_THROUGH
							: VTD_PGTT_FIRST_STAGE);
	vtd_pasid_entry_set_DID(&entry, below(h, 4));
	entry.q[2] = (one_in(h, 4) ? some_page(h) : PAGE_TABLES + 4096 * below(h, 8)) |
		     (one_in(h, 16) ? below(h, 4096) : 0);
	for (unsigned q = 0; q < 8; q++)
		poke(h, at + 8 * q, entry.q[q]);
}

/* Page-table entries that point anywhere, most of all at page tables: cycles of every length. */
static void some_pte(struct hostile *h)
{
	uint64_t to = one_in(h, 2) ? PAGE_TABLES + 4096 * below(h, 8) : some_page(h);
	uint64_t bits = one_in(h, 4) ? rng_u64(&h->rng) & 0xfff : 0x7;

	poke(h, PAGE_TABLES + 8 * below(h, 8 * 512),
	     to | bits | (one_in(h, 8) ? UINT64_C(1) << 63 : 0));
}

static void scribble(struct hostile *h)
{
	poke(h, below(h, 0x30000) & ~UINT64_C(7), some_value(h));
}

/* Queue */

static struct vtd_desc some_descriptor(struct hostile *h)
{
	struct vtd_desc d = vtd_desc_of_type((enum vtd_desc_type)(1 + below(h, 9)));

	switch (vtd_desc_type(&d)) {
	case VTD_DESC_CONTEXT:
		vtd_desc_context_set_G(&d, 1 + below(h, 3));
		vtd_desc_context_set_SID(&d, some_rid(h).v);
		break;
	case VTD_DESC_IOTLB:
		vtd_desc_iotlb_set_G(&d, 1 + below(h, 3));
		vtd_desc_iotlb_set_DID(&d, below(h, 4));
		break;
	case VTD_DESC_DEV_TLB:
		vtd_desc_dev_tlb_set_SID(&d, some_rid(h).v);
		d.q[1] = some_page(h) | below(h, 2);
		break;
	case VTD_DESC_WAIT:
		vtd_desc_wait_set_SW(&d, 1);
		vtd_desc_wait_set_IF(&d, below(h, 2));
		vtd_desc_wait_set_PD(&d, below(h, 2));
		d.q[1] = some_address(h) & ~UINT64_C(3);
		break;
	case VTD_DESC_PASID_IOTLB:
		vtd_desc_pasid_iotlb_set_G(&d, 2 + below(h, 2));
		vtd_desc_pasid_iotlb_set_DID(&d, below(h, 4));
		vtd_desc_pasid_iotlb_set_PASID(&d, some_pasid(h));
		d.q[1] = some_page(h) | below(h, 64);
		break;
	case VTD_DESC_PASID_CACHE:
		vtd_desc_pasid_cache_set_G(&d,
					   one_in(h, 16) ? 3 * below(h, 2) : VTD_PASID_CACHE_PASID);
		vtd_desc_pasid_cache_set_PASID(&d, some_pasid(h));
		break;
	case VTD_DESC_PASID_DEV_TLB:
		vtd_desc_pasid_dev_tlb_set_SID(&d, some_rid(h).v);
		vtd_desc_pasid_dev_tlb_set_PASID(&d, some_pasid(h));
		d.q[1] = some_page(h) | below(h, 2) | below(h, 2) << 11;
		break;
	case VTD_DESC_PAGE_RESPONSE:
		vtd_desc_page_response_set_PP(&d, below(h, 2));
		vtd_desc_page_response_set_RID(&d, some_rid(h).v);
		vtd_desc_page_response_set_PASID(&d, some_pasid(h));
		vtd_desc_page_response_set_PRGI(&d, below(h, 64));
		vtd_desc_page_response_set_RC(&d, one_in(h, 64) ? 0xf : below(h, 2));
		break;
	default:
		break;
	}
	if (one_in(h, 64))
		d.q[below(h, 4)] ^= UINT64_C(1) << below(h, 64);
	return d;
}

/* As a driver does it: the bad descriptor is replaced by one that does nothing. */
static void clear_queue_error(struct hostile *h)
{
	struct vtd_desc nothing = vtd_desc_of_type(VTD_DESC_WAIT);
	uint64_t head = 0, status = 0;

	vsva_viommu_read(h->vm, VTD_REG_FSTS, 4, &status);
	vsva_viommu_read(h->vm, VTD_REG_IQH, 8, &head);
	if (status & VTD_FSTS_IQE)
		vsva_vm_write(h->vm, gpa(QUEUE + head), &nothing, sizeof(nothing));
	set_reg(h, VTD_REG_FSTS, 4, VTD_FSTS_IQE);
}

static void some_descriptors(struct hostile *h)
{
	for (uint64_t n = 1 + below(h, one_in(h, 50) ? 127 : 4); n; n--) {
		struct vtd_desc d = some_descriptor(h);

		if (vtd_desc_type(&d) == VTD_DESC_IEC && !one_in(h, 16))
			continue; /* not offered */
		vsva_vm_write(h->vm, gpa(QUEUE + h->queue_tail), &d, sizeof(d));
		h->queue_tail = (h->queue_tail + sizeof(d)) % 4096;
	}
	clear_queue_error(h);
	set_reg(h, VTD_REG_IQT, 8, h->queue_tail);
	if (one_in(h, 4))
		set_reg(h, VTD_REG_PRS, 4, 3);
}

/* Devices */

static void some_submission(struct hostile *h)
{
	static const uint8_t opcodes[] = {
		VSVA_DSA_NOOP,     VSVA_DSA_BATCH,          VSVA_DSA_DRAIN,
		VSVA_DSA_MEMMOVE,  VSVA_DSA_FILL,           VSVA_DSA_COMPARE,
		VSVA_DSA_DUALCAST, VSVA_DSA_CRC_GENERATION, VSVA_DSA_COPY_WITH_CRC};
	struct vsva_dsa_descriptor d = {
		.pasid = some_pasid(h),
		.flags_opcode =
			(uint32_t)opcodes[below(h, sizeof(opcodes))] << 24 | (uint32_t)below(h, 16),
		.completion = some_address(h) & ~UINT64_C(31),
		.source = some_address(h),
		.destination = some_address(h),
		.size = (uint32_t)below(h, one_in(h, 10) ? UINT32_MAX : 20000),
	};
	uint64_t portal = below(h, 10) * 0x4000 + below(h, 4) * 0x1000 + 64 * below(h, 64);

	if (one_in(h, 10))
		d.flags_opcode = (uint32_t)rng_u64(&h->rng);
	if (one_in(h, 2))
		vsva_assigned_enqcmd(h->assigned[0], portal, some_pasid(h) | UINT32_C(1) << 31, &d);
	else
		vsva_assigned_movdir64b(h->assigned[0], portal, &d);
}

static void some_dsa_register(struct hostile *h)
{
	uint64_t offset = one_in(h, 2)   ? 0x500 + below(h, 0x200)
			  : one_in(h, 2) ? 0xa0
			  : one_in(h, 2) ? 0x400 + below(h, 0x40)
					 : below(h, 0x4000);
	uint64_t value = offset == 0xa0 ? (1 + below(h, 12)) << 20 | below(h, 8) : some_value(h);
	unsigned size = one_in(h, 16) ? 1u << below(h, 4) : one_in(h, 2) ? 4 : 8;

	if (!one_in(h, 16))
		offset &= ~(uint64_t)(size - 1);
	if (one_in(h, 4))
		vsva_assigned_read(h->assigned[0], (unsigned)below(h, 7), offset, size, &value);
	else
		vsva_assigned_write(h->assigned[0], one_in(h, 32) ? (unsigned)below(h, 7) : 0,
				    offset, size, value);
}

/* The accelerator as a driver sets it up: one dedicated queue, one shared. */
static void sane_dsa(struct hostile *h)
{
	struct vsva_assigned *dsa = h->assigned[0];

	vsva_assigned_config_write(dsa, 0x04, 2, 0x6);
	vsva_assigned_write(dsa, 0, 0x400, 8, 3);
	vsva_assigned_write(dsa, 0, 0x420, 8, 1);
	for (unsigned queue = 0; queue < 2; queue++) {
		uint64_t at = 0x500 + 64 * queue;

		vsva_assigned_write(dsa, 0, at, 4, 32);
		vsva_assigned_write(dsa, 0, at + 4, 4, 32);
		vsva_assigned_write(dsa, 0, at + 12, 4, 21 | 5 << 5);
		vsva_assigned_write(dsa, 0, at + 8, 4,
				    0xa2 | !queue | UINT32_C(1) << 28 | some_pasid(h) << 8);
	}
	vsva_assigned_write(dsa, 0, 0xa0, 4, 1u << 20);
	vsva_assigned_write(dsa, 0, 0xa0, 4, 6u << 20);
	vsva_assigned_write(dsa, 0, 0xa0, 4, 6u << 20 | 1);
}

static void some_engine_command(struct hostile *h)
{
	struct vsva_assigned *engine = h->assigned[1];

	vsva_assigned_write(engine, 0, 0x08, 8, some_address(h));
	vsva_assigned_write(engine, 0, 0x10, 8, some_address(h));
	vsva_assigned_write(engine, 0, 0x18, 4, below(h, 20000));
	vsva_assigned_write(engine, 0, 0x1c, 4, some_pasid(h) | (uint32_t)below(h, 4) << 30);
	vsva_assigned_write(engine, 0, 0x20, 4, (1 + below(h, 4)) | below(h, 8) << 8);
	if (one_in(h, 16))
		vsva_assigned_write(engine, 0, below(h, 4096), 1u << below(h, 4), some_value(h));
}

/* Bus master, PASID, ATS, PRI: as a driver switches them on. */
static void sane_config(struct vsva_assigned *assigned)
{
	vsva_assigned_config_write(assigned, 0x04, 2, 0x6);
	vsva_assigned_config_write(assigned, 0x146, 2, 0x1);
	vsva_assigned_config_write(assigned, 0x106, 2, 0x8000);
	vsva_assigned_config_write(assigned, 0x12c, 4, 32);
	vsva_assigned_config_write(assigned, 0x124, 2, 0x1);
}

static void some_config(struct hostile *h)
{
	struct vsva_assigned *assigned = h->assigned[below(h, HOSTILE_DEVICES)];
	uint32_t value;

	if (!one_in(h, 4)) {
		sane_config(assigned);
		return;
	}
	vsva_assigned_config_read(assigned, (uint32_t)below(h, 4200), 1u << below(h, 4), &value);
	vsva_assigned_config_write(assigned, (uint32_t)below(h, one_in(h, 4) ? 4200 : 0x160),
				   1u << below(h, 3), (uint32_t)some_value(h));
}

static void sane_start(struct hostile *h)
{
	sane_tables(h);
	sane_boot(h);
	for (unsigned i = 0; i < HOSTILE_DEVICES; i++)
		sane_config(h->assigned[i]);
	sane_dsa(h);
}

/* The whole VM */

static void replug(struct hostile *h)
{
	unsigned i = (unsigned)below(h, HOSTILE_DEVICES);

	vsva_vm_unassign(h->assigned[i]);
	vsva_vm_assign(h->vm, h->device[i], rids[i], NULL, NULL, &h->assigned[i]);
}

static void big_event(struct hostile *h)
{
	switch (below(h, 6)) {
	case 0:
		vsva_vm_reset(h->vm);
		break;
	case 1:
		replug(h);
		break;
	case 2:
		vsva_assigned_reset(h->assigned[below(h, HOSTILE_DEVICES)]);
		break;
	default:
		sane_start(h);
	}
}

void hostile_step(struct hostile *h)
{
	static void (*const actions[])(struct hostile * h) = {
		random_register,
		some_entry,
		some_entry,
		some_entry,
		some_pte,
		some_pte,
		scribble,
		some_descriptors,
		some_descriptors,
		some_descriptors,
		some_submission,
		some_submission,
		some_dsa_register,
		some_engine_command,
		some_engine_command,
		some_config,
	};

	h->steps++;
	if (one_in(h, 100))
		big_event(h);
	else if (one_in(h, 200))
		shake_memory(h);
	else
		actions[below(h, sizeof(actions) / sizeof(actions[0]))](h);
}

/* Life */

static bool make_memory(struct hostile *h)
{
	h->file = memfd_create("hostile", 0);
	if (h->file < 0 || ftruncate(h->file, (off_t)HOSTILE_RAM))
		return false;
	h->ram = mmap(NULL, HOSTILE_RAM, PROT_READ | PROT_WRITE, MAP_SHARED, h->file, 0);
	return h->ram != MAP_FAILED && map_half(h, false) && map_half(h, true);
}

bool hostile_create(struct hostile *h, struct vsva_machine *machine,
		    struct vsva_device *const devices[HOSTILE_DEVICES], uint64_t seed, bool threads)
{
	struct vsva_vm_options options = {.name = "hostile", .pasid_quota = 64};

	memset(h, 0, sizeof(*h));
	rng_seed(&h->rng, seed);
	h->machine = machine;
	h->threads = threads;
	if (vsva_vm_create(machine, &options, &h->vm) || !make_memory(h))
		return false;
	for (unsigned i = 0; i < HOSTILE_DEVICES; i++) {
		h->device[i] = devices[i];
		if (vsva_vm_assign(h->vm, devices[i], rids[i], NULL, NULL, &h->assigned[i]))
			return false;
	}
	sane_start(h);
	return true;
}

void hostile_destroy(struct hostile *h)
{
	vsva_vm_destroy(h->vm);
	munmap(h->ram, HOSTILE_RAM);
	close(h->file);
}
