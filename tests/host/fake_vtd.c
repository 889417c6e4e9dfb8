// SPDX-License-Identifier: MIT
#include "fake_vtd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define REG(fake, name) ((fake)->regs[VTD_REG_##name / 8])

static uint64_t read_part(const void *word, uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)word + offset % 8, size);
	return value;
}

static uint32_t read32(const struct fake_vtd *fake, uint32_t offset)
{
	return (uint32_t)read_part(&fake->regs[offset / 8], offset, 4);
}

static void write32(struct fake_vtd *fake, uint32_t offset, uint32_t value)
{
	memcpy((char *)&fake->regs[offset / 8] + offset % 8, &value, 4);
}

static uint64_t fake_read(void *arg, uint32_t offset, unsigned size)
{
	struct fake_vtd *fake = arg;

	CHECK(offset + size <= VTD_REGISTER_PAGE_SIZE && (size == 4 || size == 8) &&
	      offset % size == 0);
	return read_part(&fake->regs[offset / 8], offset, size);
}

static void *memory_at(struct fake_vtd *fake, uint64_t address, size_t len)
{
	void *memory;

	rcu_read_lock();
	memory = physmem_ptr(fake->port.physmem, hpa(address), len, true);
	rcu_read_unlock();
	CHECK(memory);
	return memory;
}

static void raise_event(struct fake_vtd *fake, uint32_t data_register)
{
	struct fake_msi *msi = &fake->msi[read32(fake, data_register) % FAKE_MSI_MAX];

	if (msi->handler)
		msi->handler(msi->arg);
}

static void set_fsts(struct fake_vtd *fake, uint64_t bits)
{
	write32(fake, VTD_REG_FSTS, read32(fake, VTD_REG_FSTS) | (uint32_t)bits);
	raise_event(fake, VTD_REG_FEDATA);
}

/* The queue */

static void execute_wait(struct fake_vtd *fake, const struct vtd_desc *desc)
{
	uint32_t value = (uint32_t)vtd_desc_wait_STDATA(desc);

	fake->wait_count++;
	if (vtd_desc_wait_SW(desc))
		__atomic_store_n((uint32_t *)memory_at(fake, vtd_desc_wait_STADDR(desc), 4), value,
				 __ATOMIC_RELEASE);
}

static bool is_for_silent_device(const struct fake_vtd *fake, const struct vtd_desc *desc)
{
	if (!fake->silent.v)
		return false;
	if (vtd_desc_type(desc) == VTD_DESC_DEV_TLB)
		return vtd_desc_dev_tlb_SID(desc) == fake->silent.v;
	return vtd_desc_type(desc) == VTD_DESC_PASID_DEV_TLB &&
	       vtd_desc_pasid_dev_tlb_SID(desc) == fake->silent.v;
}

static void log_desc(struct fake_vtd *fake, const struct vtd_desc *desc)
{
	bool is_plain_wait = vtd_desc_type(desc) == VTD_DESC_WAIT && !vtd_desc_wait_FN(desc) &&
			     !vtd_desc_wait_PD(desc);

	CHECK(fake->log_count < FAKE_LOG_MAX);
	if (!is_plain_wait)
		fake->log[fake->log_count++] = *desc;
}

/* false: the queue stops at this descriptor. */
static bool execute(struct fake_vtd *fake, const struct vtd_desc *desc)
{
	if (fake->on_desc)
		fake->on_desc(fake->on_desc_arg, desc);
	if (fake->refuse_at && --fake->refuse_at == 0) {
		set_fsts(fake, VTD_FSTS_IQE);
		return false;
	}
	log_desc(fake, desc);
	if (vtd_desc_type(desc) == VTD_DESC_WAIT)
		execute_wait(fake, desc);
	if (is_for_silent_device(fake, desc)) {
		REG(fake, IQERCD) = vtd_IQERCD_with_ITESID(0, fake->silent.v);
		set_fsts(fake, VTD_FSTS_ITE);
	}
	return true;
}

static void run_queue(struct fake_vtd *fake)
{
	uint64_t iqa = REG(fake, IQA), len = UINT64_C(4096) << vtd_IQA_QS(iqa);
	struct vtd_desc desc;

	if (!(read32(fake, VTD_REG_GSTS) & VTD_GSTS_QIES) || fake->is_held)
		return;
	while (REG(fake, IQH) != REG(fake, IQT)) {
		CHECK(vtd_IQA_DW(iqa));
		if (read32(fake, VTD_REG_FSTS) & (VTD_FSTS_IQE | VTD_FSTS_ITE))
			return;
		desc = *(struct vtd_desc *)memory_at(fake, vtd_IQA_IQA(iqa) + REG(fake, IQH), 32);
		if (execute(fake, &desc))
			REG(fake, IQH) = (REG(fake, IQH) + 32) % len;
	}
}

void fake_vtd_release(struct fake_vtd *fake)
{
	fake->is_held = false;
	run_queue(fake);
}

/* Registers */

static void write_gcmd(struct fake_vtd *fake, uint32_t value)
{
	uint32_t gsts = value & (uint32_t)VTD_GCMD_LEVEL_BITS;

	if (fake->ignores_commands)
		return;
	gsts |= read32(fake, VTD_REG_GSTS) & (uint32_t)VTD_GSTS_RTPS;
	if (value & VTD_GCMD_SRTP)
		gsts |= (uint32_t)VTD_GSTS_RTPS;
	if (!(value & VTD_GCMD_QIE))
		REG(fake, IQH) = 0;
	write32(fake, VTD_REG_GSTS, gsts);
}

static bool is_fault_record(const struct fake_vtd *fake, uint32_t offset)
{
	unsigned first = vtd_frcd_offset(REG(fake, CAP), 0);

	return offset >= first && offset < first + 16 * (vtd_CAP_NFR(REG(fake, CAP)) + 1);
}

static void clear_fault_record(struct fake_vtd *fake, uint32_t offset)
{
	fake->regs[offset / 8] = 0;
	write32(fake, VTD_REG_FSTS, read32(fake, VTD_REG_FSTS) & ~(uint32_t)VTD_FSTS_PPF);
}

static void fake_write(void *arg, uint32_t offset, unsigned size, uint64_t value)
{
	struct fake_vtd *fake = arg;

	CHECK(offset + size <= VTD_REGISTER_PAGE_SIZE && offset % size == 0);
	switch (offset) {
	case VTD_REG_GCMD:
		write_gcmd(fake, (uint32_t)value);
		break;
	case VTD_REG_FSTS:
	case VTD_REG_PRS:
		write32(fake, offset, read32(fake, offset) & ~(uint32_t)value);
		run_queue(fake);
		break;
	case VTD_REG_IQT:
		REG(fake, IQT) = value;
		run_queue(fake);
		break;
	default:
		if (is_fault_record(fake, offset))
			clear_fault_record(fake, offset);
		else
			memcpy((char *)&fake->regs[offset / 8] + offset % 8, &value, size);
		break;
	}
}

static int fake_msi_alloc(void *arg, void (*handler)(void *handler_arg), void *handler_arg,
			  uint64_t *address, uint32_t *data)
{
	struct fake_vtd *fake = arg;

	for (unsigned i = 1; i < FAKE_MSI_MAX && i <= fake->msi_limit; i++) {
		if (fake->msi[i].handler)
			continue;
		fake->msi[i] = (struct fake_msi){handler, handler_arg};
		*address = 0xfee00000;
		*data = i;
		return 0;
	}
	return -ENOSPC;
}

static void fake_msi_free(void *arg, uint64_t address, uint32_t data)
{
	struct fake_vtd *fake = arg;

	CHECK(address == 0xfee00000 && fake->msi[data].handler);
	fake->msi[data].handler = NULL;
}

/* It walks nothing. */
static void fake_write_back(void *arg, const void *memory, size_t len)
{
	(void)arg;
	(void)memory;
	(void)len;
}

void fake_vtd_init(struct fake_vtd *fake, uint64_t cap, uint64_t ecap)
{
	memset(fake, 0, sizeof(*fake));
	fake->port = (struct vtd_port){.arg = fake,
				       .read = fake_read,
				       .write = fake_write,
				       .physmem = physmem_create(),
				       .write_back = fake_write_back,
				       .msi_alloc = fake_msi_alloc,
				       .msi_free = fake_msi_free};
	REG(fake, CAP) = cap;
	REG(fake, ECAP) = ecap;
	fake->msi_limit = FAKE_MSI_MAX;
	fake->log = calloc(FAKE_LOG_MAX, sizeof(*fake->log));
	CHECK(fake->log && fake->port.physmem);
}

void fake_vtd_fini(struct fake_vtd *fake)
{
	physmem_destroy(fake->port.physmem);
	free(fake->log);
}

void fake_vtd_forget_log(struct fake_vtd *fake)
{
	fake->log_count = 0;
	fake->wait_count = 0;
}

unsigned fake_vtd_count(const struct fake_vtd *fake, enum vtd_desc_type type)
{
	unsigned count = 0;

	for (unsigned i = 0; i < fake->log_count; i++)
		count += vtd_desc_type(&fake->log[i]) == type;
	return count;
}

/* Page requests and faults */

static void set_prs(struct fake_vtd *fake, uint64_t bit)
{
	write32(fake, VTD_REG_PRS, read32(fake, VTD_REG_PRS) | (uint32_t)bit);
	raise_event(fake, VTD_REG_PEDATA);
}

bool fake_vtd_page_request(struct fake_vtd *fake, const struct vtd_page_request *request)
{
	uint64_t pqa = REG(fake, PQA), len = UINT64_C(4096) << vtd_PQA_PQS(pqa);
	uint64_t next = (REG(fake, PQT) + 32) % len;

	if (read32(fake, VTD_REG_PRS) & VTD_PRS_PRO)
		return false;
	if (next == REG(fake, PQH)) {
		set_prs(fake, VTD_PRS_PRO);
		return false;
	}
	*(struct vtd_page_request *)memory_at(fake, vtd_PQA_PQA(pqa) + REG(fake, PQT), 32) =
		*request;
	REG(fake, PQT) = next;
	set_prs(fake, VTD_PRS_PPR);
	return true;
}

void fake_vtd_fault(struct fake_vtd *fake, const struct vtd_fault_record *record)
{
	unsigned offset = vtd_frcd_offset(REG(fake, CAP), 0);

	fake->regs[offset / 8] = record->q[0];
	fake->regs[offset / 8 + 1] = record->q[1];
	set_fsts(fake, VTD_FSTS_PPF);
}

/* Configuration space */

static uint32_t pci_read(void *arg, uint32_t offset, unsigned size)
{
	struct fake_pci *pci = arg;
	uint32_t value = 0;

	if (pci->is_gone)
		return UINT32_MAX >> (32 - 8 * size);
	memcpy(&value, pci->bytes + offset, size);
	return value;
}

static void pci_write(void *arg, uint32_t offset, unsigned size, uint32_t value)
{
	struct fake_pci *pci = arg;

	CHECK(pci->write_count < FAKE_CONFIG_LOG_MAX);
	pci->writes[pci->write_count].offset = offset;
	pci->writes[pci->write_count++].value = value;
	if (!pci->is_gone && offset != FAKE_PRI + 6)
		memcpy(pci->bytes + offset, &value, size);
}

static void put32(struct fake_pci *pci, uint32_t offset, uint32_t value)
{
	memcpy(pci->bytes + offset, &value, 4);
}

void fake_pci_init(struct fake_pci *pci, unsigned has, unsigned pasid_width)
{
	memset(pci, 0, sizeof(*pci));
	pci->port = (struct pci_port){.arg = pci, .read = pci_read, .write = pci_write};
	put32(pci, 0, 0x0b258086);
	put32(pci, FAKE_ATS, (has & FAKE_HAS_ATS ? 0xf : 0x1) | FAKE_PRI << 20);
	put32(pci, FAKE_ATS + 4, 0x30); /* queue depth 16, page aligned */
	put32(pci, FAKE_PRI, (has & FAKE_HAS_PRI ? 0x13 : 0x1) | FAKE_PASID << 20);
	put32(pci, FAKE_PRI + 4, 0x01000000); /* stopped */
	put32(pci, FAKE_PRI + 8, 256);
	put32(pci, FAKE_PASID, has & FAKE_HAS_PASID ? 0x1b : 0x1);
	put32(pci, FAKE_PASID + 4, pasid_width << 8 | 6);
}
