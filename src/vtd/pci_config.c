// SPDX-License-Identifier: MIT
#include "vtd/pci_config.h"

#include <errno.h>
#include <string.h>

/*
 * r(register, offset, bytes). The places of the capabilities are those that a stock idxd driver and
 * QEMU's vfio-user client were seen to accept.
 */
/* clang-format off */
#define PCI_REGISTERS(r)                                                                           \
	r(VENDOR, 0x00, 2) r(DEVICE, 0x02, 2) r(COMMAND, 0x04, 2) r(STATUS, 0x06, 2)               \
	r(CLASS_REVISION, 0x08, 4) r(CACHE_LINE, 0x0c, 1) r(LATENCY, 0x0d, 1)                      \
	r(HEADER_TYPE, 0x0e, 1) r(BIST, 0x0f, 1) r(BAR, 0x10, 24) r(SUBSYSTEM_VENDOR, 0x2c, 2)     \
	r(SUBSYSTEM, 0x2e, 2) r(CAPABILITIES, 0x34, 1) r(INTERRUPT_LINE, 0x3c, 1)                  \
	r(INTERRUPT_PIN, 0x3d, 1)                                                                  \
	r(PCIE_HEADER, 0x40, 2) r(PCIE_CAPABILITIES, 0x42, 2) r(DEVCAP, 0x44, 4)                   \
	r(DEVCTL, 0x48, 2) r(DEVSTA, 0x4a, 2) r(DEVCAP2, 0x64, 4) r(DEVCTL2, 0x68, 2)              \
	r(MSIX_HEADER, 0x80, 2) r(MSIX_CONTROL, 0x82, 2) r(MSIX_TABLE, 0x84, 4)                    \
	r(MSIX_PBA, 0x88, 4)                                                                       \
	r(ATS_HEADER, 0x100, 4) r(ATS_CAPABILITY, 0x104, 2) r(ATS_CONTROL, 0x106, 2)               \
	r(PRI_HEADER, 0x120, 4) r(PRI_CONTROL, 0x124, 2) r(PRI_STATUS, 0x126, 2)                   \
	r(PRI_CAPACITY, 0x128, 4) r(PRI_ALLOCATION, 0x12c, 4)                                      \
	r(PASID_HEADER, 0x140, 4) r(PASID_CAPABILITY, 0x144, 2) r(PASID_CONTROL, 0x146, 2)         \
	r(SRIOV_HEADER, 0x160, 4) r(SRIOV_CAPABILITIES, 0x164, 4) r(SRIOV_CONTROL, 0x168, 2)       \
	r(SRIOV_STATUS, 0x16a, 2) r(SRIOV_INITIAL, 0x16c, 2) r(SRIOV_TOTAL, 0x16e, 2)              \
	r(SRIOV_NUM, 0x170, 2) r(SRIOV_FIRST, 0x174, 2) r(SRIOV_STRIDE, 0x176, 2)                  \
	r(SRIOV_DEVICE, 0x17a, 2) r(SRIOV_PAGES_SUPPORTED, 0x17c, 4) r(SRIOV_PAGE_SIZE, 0x180, 4)
/* clang-format on */

/*
 * f(register, field, high bit, low bit, access). Bits without a field are zero and read only.
 *   RO    fixed when the space is built
 *   RW    replaced by a write
 *   RW1C  cleared by writing 1
 *   ACT   reads as zero; writing 1 asks for something
 *   OWN   lives in pri_state, because device threads change it
 */
/* clang-format off */
#define PCI_FIELDS(f)                                                                              \
	f(COMMAND, MEMORY, 1, 1, RW) f(COMMAND, BUS_MASTER, 2, 2, RW) f(COMMAND, PARITY, 6, 6, RW) \
	f(COMMAND, SERR, 8, 8, RW) f(COMMAND, INTX_DISABLE, 10, 10, RW)                            \
	f(STATUS, CAPABILITIES, 4, 4, RO) f(STATUS, MASTER_PARITY, 8, 8, RW1C)                     \
	f(STATUS, ERRORS, 15, 11, RW1C)                                                            \
	f(CLASS_REVISION, REVISION, 7, 0, RO) f(CLASS_REVISION, CLASS, 31, 8, RO)                  \
	f(CACHE_LINE, SIZE, 7, 0, RW) f(INTERRUPT_LINE, LINE, 7, 0, RW)                           \
	f(PCIE_CAPABILITIES, VERSION, 3, 0, RO) f(PCIE_CAPABILITIES, TYPE, 7, 4, RO)               \
	f(DEVCAP, MAX_PAYLOAD, 2, 0, RO) f(DEVCAP, EXTENDED_TAG, 5, 5, RO)                         \
	f(DEVCAP, ROLE_BASED_ERRORS, 15, 15, RO) f(DEVCAP, FLR, 28, 28, RO)                        \
	f(DEVCTL, ERRORS, 3, 0, RW) f(DEVCTL, RELAXED_ORDERING, 4, 4, RW)                          \
	f(DEVCTL, MAX_PAYLOAD, 7, 5, RW) f(DEVCTL, EXTENDED_TAG, 8, 8, RW)                         \
	f(DEVCTL, NO_SNOOP, 11, 11, RW) f(DEVCTL, MAX_READ, 14, 12, RW)                            \
	f(DEVCTL, FLR, 15, 15, ACT)                                                                \
	f(DEVSTA, ERRORS, 3, 0, RW1C)                                                              \
	f(DEVCAP2, END_END_PREFIX, 21, 21, RO) f(DEVCAP2, MAX_PREFIXES, 23, 22, RO)                \
	f(DEVCTL2, TIMEOUT, 4, 0, RW)                                                              \
	f(MSIX_CONTROL, SIZE, 10, 0, RO) f(MSIX_CONTROL, MASK, 14, 14, RW)                         \
	f(MSIX_CONTROL, ENABLE, 15, 15, RW)                                                        \
	f(MSIX_TABLE, BIR, 2, 0, RO) f(MSIX_TABLE, OFFSET, 31, 3, RO)                              \
	f(MSIX_PBA, BIR, 2, 0, RO) f(MSIX_PBA, OFFSET, 31, 3, RO)                                  \
	f(ATS_CAPABILITY, DEPTH, 4, 0, RO) f(ATS_CAPABILITY, PAGE_ALIGNED, 5, 5, RO)               \
	f(ATS_CAPABILITY, GLOBAL_INVALIDATE, 6, 6, RO)                                             \
	f(ATS_CONTROL, STU, 4, 0, RW) f(ATS_CONTROL, ENABLE, 15, 15, RW)                           \
	f(PRI_CONTROL, ENABLE, 0, 0, RW) f(PRI_CONTROL, RESET, 1, 1, ACT)                          \
	f(PRI_STATUS, RF, 0, 0, OWN) f(PRI_STATUS, UPRGI, 1, 1, OWN)                               \
	f(PRI_STATUS, STOPPED, 8, 8, OWN) f(PRI_STATUS, PASID_REQUIRED, 15, 15, RO)                \
	f(PRI_ALLOCATION, COUNT, 31, 0, RW)                                                        \
	f(PASID_CAPABILITY, EXEC, 1, 1, RO) f(PASID_CAPABILITY, PRIVILEGED, 2, 2, RO)              \
	f(PASID_CAPABILITY, WIDTH, 12, 8, RO)                                                      \
	f(PASID_CONTROL, ENABLE, 0, 0, RW) f(PASID_CONTROL, EXEC, 1, 1, RW)                        \
	f(PASID_CONTROL, PRIVILEGED, 2, 2, RW)                                                     \
	f(SRIOV_CONTROL, ENABLE, 0, 0, RW) f(SRIOV_CONTROL, MEMORY, 3, 3, RW)                      \
	f(SRIOV_NUM, COUNT, 15, 0, RW)
/* clang-format on */

enum { PCI_ID_EXPRESS = 0x10, PCI_ID_MSIX = 0x11 };
enum { PCI_ID_ATS = 0x0f, PCI_ID_SRIOV = 0x10, PCI_ID_PRI = 0x13, PCI_ID_PASID = 0x1b };
enum { PCI_BAR_WIDE = 1u << 2, PCI_BAR_PREFETCHABLE = 1u << 3, PCI_BAR_FLAGS = 0xf };
enum { PCI_TYPE_ROOT_COMPLEX_ENDPOINT = 9, PCI_EXPRESS_VERSION = 2 };

enum {
#define OFFSET_(name, offset, bytes) PCI_##name = (offset), PCI_##name##_BYTES = (bytes),
	PCI_REGISTERS(OFFSET_)
};

#define MASK_(hi, lo) ((uint32_t)((UINT64_C(2) << (hi)) - (UINT64_C(1) << (lo))))

enum {
#define FIELD_(reg, field, hi, lo, access)                                                         \
	PCI_##reg##_##field = (int)MASK_(hi, lo), PCI_##reg##_##field##_LO = (lo),
	PCI_FIELDS(FIELD_)
};

enum field_access { ACCESS_RO, ACCESS_RW, ACCESS_RW1C, ACCESS_ACT, ACCESS_OWN };

struct register_field {
	uint16_t offset;
	uint16_t bytes;
	uint32_t mask;
	enum field_access access;
};

static const struct register_field fields[] = {
#define ENTRY_(reg, field, hi, lo, access)                                                         \
	{PCI_##reg, PCI_##reg##_BYTES, MASK_(hi, lo), ACCESS_##access},
	PCI_FIELDS(ENTRY_)};

static uint32_t load(const uint8_t *bytes, uint32_t offset, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)bytes[offset + i] << 8 * i;
	return value;
}

static void store(uint8_t *bytes, uint32_t offset, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size; i++)
		bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

static void store_or(uint8_t *bytes, uint32_t offset, unsigned size, uint32_t mask)
{
	store(bytes, offset, size, load(bytes, offset, size) | mask);
}

#define GET(config, reg)         load((config)->value, PCI_##reg, PCI_##reg##_BYTES)
#define PUT(config, reg, value_) store((config)->value, PCI_##reg, PCI_##reg##_BYTES, (value_))
#define PLACE(reg, field, value_)                                                                  \
	(((uint32_t)(value_) << PCI_##reg##_##field##_LO) & (uint32_t)PCI_##reg##_##field)

/* Building */

static bool bar_is_valid(const struct pci_config_description *d, unsigned i)
{
	const struct pci_config_bar *bar = &d->bar[i];

	if (!bar->size)
		return true;
	if (bar->size < 16 || (bar->size & (bar->size - 1)))
		return false;
	if (!bar->wide)
		return bar->size <= UINT64_C(1) << 31;
	return i + 1 < PCI_CONFIG_BAR_COUNT && !d->bar[i + 1].size;
}

static bool is_inside_bar(const struct pci_config_description *d, unsigned bar, uint64_t offset,
			  uint64_t len)
{
	return bar < PCI_CONFIG_BAR_COUNT && !(offset & 7) && offset + len <= d->bar[bar].size;
}

static bool msix_is_valid(const struct pci_config_description *d)
{
	uint64_t vectors = d->msix_vectors;

	return vectors <= 2048 &&
	       is_inside_bar(d, d->msix_table_bar, d->msix_table_offset, vectors * 16) &&
	       is_inside_bar(d, d->msix_pba_bar, d->msix_pba_offset, (vectors + 63) / 64 * 8);
}

static bool description_is_valid(const struct pci_config_description *d)
{
	for (unsigned i = 0; i < PCI_CONFIG_BAR_COUNT; i++)
		if (!bar_is_valid(d, i))
			return false;
	if (d->msix_vectors && !msix_is_valid(d))
		return false;
	if (d->ats && (d->ats_queue_depth < 1 || d->ats_queue_depth > 32))
		return false;
	return !d->pasid || (d->pasid_width >= 1 && d->pasid_width <= 20);
}

static void build_masks(struct pci_config *config)
{
	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct register_field *f = &fields[i];

		if (f->access == ACCESS_RW)
			store_or(config->writable, f->offset, f->bytes, f->mask);
		else if (f->access == ACCESS_RW1C)
			store_or(config->clears, f->offset, f->bytes, f->mask);
	}
}

/* A register of a capability that the function does not have is not there. */
static void hide(struct pci_config *config, uint32_t offset, uint32_t end)
{
	memset(config->value + offset, 0, end - offset);
	memset(config->writable + offset, 0, end - offset);
	memset(config->clears + offset, 0, end - offset);
}

static void build_bars(struct pci_config *config)
{
	for (unsigned i = 0; i < PCI_CONFIG_BAR_COUNT; i++) {
		const struct pci_config_bar *bar = &config->description.bar[i];
		uint64_t mask = ~(bar->size - 1) & ~(uint64_t)PCI_BAR_FLAGS;
		uint32_t at = PCI_BAR + 4 * i;

		if (!bar->size)
			continue;
		store(config->value, at, 4,
		      (bar->wide ? PCI_BAR_WIDE : 0u) |
			      (bar->prefetchable ? PCI_BAR_PREFETCHABLE : 0u));
		store(config->writable, at, 4, (uint32_t)mask);
		if (bar->wide)
			store(config->writable, at + 4, 4, (uint32_t)(mask >> 32));
	}
}

static void build_header(struct pci_config *config)
{
	const struct pci_config_description *d = &config->description;

	PUT(config, VENDOR, d->vendor);
	PUT(config, DEVICE, d->device);
	PUT(config, CLASS_REVISION,
	    PLACE(CLASS_REVISION, REVISION, d->revision) |
		    PLACE(CLASS_REVISION, CLASS, d->class_code));
	PUT(config, SUBSYSTEM_VENDOR, d->subsystem_vendor);
	PUT(config, SUBSYSTEM, d->subsystem);
	PUT(config, STATUS, PCI_STATUS_CAPABILITIES);
	PUT(config, CAPABILITIES, PCI_PCIE_HEADER);
	build_bars(config);
}

static void build_express(struct pci_config *config)
{
	const struct pci_config_description *d = &config->description;
	uint32_t next = d->msix_vectors ? PCI_MSIX_HEADER : 0;

	PUT(config, PCIE_HEADER, PCI_ID_EXPRESS | next << 8);
	PUT(config, PCIE_CAPABILITIES,
	    PLACE(PCIE_CAPABILITIES, VERSION, PCI_EXPRESS_VERSION) |
		    PLACE(PCIE_CAPABILITIES, TYPE, PCI_TYPE_ROOT_COMPLEX_ENDPOINT));
	PUT(config, DEVCAP,
	    PLACE(DEVCAP, EXTENDED_TAG, 1) | PLACE(DEVCAP, ROLE_BASED_ERRORS, 1) |
		    PLACE(DEVCAP, FLR, d->function_level_reset));
	PUT(config, DEVCTL,
	    PLACE(DEVCTL, RELAXED_ORDERING, 1) | PLACE(DEVCTL, NO_SNOOP, 1) |
		    PLACE(DEVCTL, MAX_READ, 2));
	PUT(config, DEVCAP2, PLACE(DEVCAP2, END_END_PREFIX, 1) | PLACE(DEVCAP2, MAX_PREFIXES, 1));
}

static void build_msix(struct pci_config *config)
{
	const struct pci_config_description *d = &config->description;

	if (!d->msix_vectors) {
		hide(config, PCI_MSIX_HEADER, PCI_MSIX_PBA + PCI_MSIX_PBA_BYTES);
		return;
	}
	PUT(config, MSIX_HEADER, PCI_ID_MSIX);
	PUT(config, MSIX_CONTROL, PLACE(MSIX_CONTROL, SIZE, d->msix_vectors - 1));
	PUT(config, MSIX_TABLE, d->msix_table_offset | d->msix_table_bar);
	PUT(config, MSIX_PBA, d->msix_pba_offset | d->msix_pba_bar);
}

static void build_ats(struct pci_config *config)
{
	const struct pci_config_description *d = &config->description;

	if (!d->ats) {
		hide(config, PCI_ATS_HEADER, PCI_ATS_CONTROL + PCI_ATS_CONTROL_BYTES);
		return;
	}
	/* a depth of 32 is coded as 0 */
	PUT(config, ATS_CAPABILITY,
	    PLACE(ATS_CAPABILITY, DEPTH, d->ats_queue_depth & 31) |
		    PLACE(ATS_CAPABILITY, PAGE_ALIGNED, 1) |
		    PLACE(ATS_CAPABILITY, GLOBAL_INVALIDATE, d->pasid));
}

static void build_pri(struct pci_config *config)
{
	const struct pci_config_description *d = &config->description;

	if (!d->pri) {
		hide(config, PCI_PRI_HEADER, PCI_PRI_ALLOCATION + PCI_PRI_ALLOCATION_BYTES);
		return;
	}
	PUT(config, PRI_STATUS, PLACE(PRI_STATUS, PASID_REQUIRED, d->pri_pasid_required));
	PUT(config, PRI_CAPACITY, d->pri_capacity);
}

static void build_pasid(struct pci_config *config)
{
	const struct pci_config_description *d = &config->description;
	uint32_t optional = PLACE(PASID_CONTROL, EXEC, d->pasid_exec) |
			    PLACE(PASID_CONTROL, PRIVILEGED, d->pasid_privileged);

	if (!d->pasid) {
		hide(config, PCI_PASID_HEADER, PCI_PASID_CONTROL + PCI_PASID_CONTROL_BYTES);
		return;
	}
	PUT(config, PASID_CAPABILITY,
	    PLACE(PASID_CAPABILITY, EXEC, d->pasid_exec) |
		    PLACE(PASID_CAPABILITY, PRIVILEGED, d->pasid_privileged) |
		    PLACE(PASID_CAPABILITY, WIDTH, d->pasid_width));
	store(config->writable, PCI_PASID_CONTROL, PCI_PASID_CONTROL_BYTES,
	      PCI_PASID_CONTROL_ENABLE | optional);
}

static void build_sriov(struct pci_config *config)
{
	const struct pci_config_description *d = &config->description;

	if (!d->sriov_vfs) {
		hide(config, PCI_SRIOV_HEADER, PCI_SRIOV_PAGE_SIZE + PCI_SRIOV_PAGE_SIZE_BYTES);
		return;
	}
	PUT(config, SRIOV_INITIAL, d->sriov_vfs);
	PUT(config, SRIOV_TOTAL, d->sriov_vfs);
	PUT(config, SRIOV_FIRST, d->sriov_first_offset);
	PUT(config, SRIOV_STRIDE, d->sriov_stride);
	PUT(config, SRIOV_DEVICE, d->sriov_vf_device);
	PUT(config, SRIOV_PAGES_SUPPORTED, 1);
	PUT(config, SRIOV_PAGE_SIZE, 1);
}

/* The list of extended capabilities begins at 0x100 whatever is there: without ATS that place holds
 * a header of id 0 that only leads on (PCIe 7.6.2). */
static void chain_extended(struct pci_config *config)
{
	const struct pci_config_description *d = &config->description;
	const struct {
		uint32_t at, id;
		bool present;
	} chain[] = {
		{PCI_ATS_HEADER, PCI_ID_ATS, d->ats},
		{PCI_PRI_HEADER, PCI_ID_PRI, d->pri},
		{PCI_PASID_HEADER, PCI_ID_PASID, d->pasid},
		{PCI_SRIOV_HEADER, PCI_ID_SRIOV, d->sriov_vfs > 0},
	};
	uint32_t next = 0;

	for (unsigned i = sizeof(chain) / sizeof(chain[0]); i-- > 0;) {
		uint32_t identity = chain[i].present ? chain[i].id | 1u << 16 : 0;

		if (!chain[i].present && i > 0)
			continue;
		if (identity || next)
			store(config->value, chain[i].at, 4, identity | next << 20);
		next = chain[i].at;
	}
}

/* What device threads read */

static uint32_t enables_of(const struct pci_config *config)
{
	const struct {
		uint32_t reg, mask, bit;
	} sources[] = {
		{GET(config, COMMAND), PCI_COMMAND_BUS_MASTER, PCI_CONFIG_ON_BUS_MASTER},
		{GET(config, COMMAND), PCI_COMMAND_MEMORY, PCI_CONFIG_ON_MEMORY},
		{GET(config, MSIX_CONTROL), PCI_MSIX_CONTROL_ENABLE, PCI_CONFIG_ON_MSIX},
		{GET(config, MSIX_CONTROL), PCI_MSIX_CONTROL_MASK, PCI_CONFIG_ON_MSIX_MASK},
		{GET(config, ATS_CONTROL), PCI_ATS_CONTROL_ENABLE, PCI_CONFIG_ON_ATS},
		{GET(config, PASID_CONTROL), PCI_PASID_CONTROL_ENABLE, PCI_CONFIG_ON_PASID},
		{GET(config, PASID_CONTROL), PCI_PASID_CONTROL_EXEC, PCI_CONFIG_ON_PASID_EXEC},
		{GET(config, PASID_CONTROL), PCI_PASID_CONTROL_PRIVILEGED,
		 PCI_CONFIG_ON_PASID_PRIVILEGED},
	};
	uint32_t enables = 0;

	for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		enables |= sources[i].reg & sources[i].mask ? sources[i].bit : 0;
	return enables;
}

static void publish(struct pci_config *config)
{
	uint32_t stu = GET(config, ATS_CONTROL) & PCI_ATS_CONTROL_STU;
	uint32_t allocation = GET(config, PRI_ALLOCATION);

	if (allocation > config->description.pri_capacity)
		allocation = config->description.pri_capacity;
	__atomic_store_n(&config->ats_stu, stu, __ATOMIC_RELAXED);
	__atomic_store_n(&config->pri_allocation, allocation, __ATOMIC_RELAXED);
	__atomic_store_n(&config->enables, enables_of(config), __ATOMIC_RELEASE);
}

int pci_config_init(struct pci_config *config, const struct pci_config_description *description)
{
	if (!description_is_valid(description))
		return -EINVAL;
	*config = (struct pci_config){.description = *description};
	pci_config_reset(config);
	return 0;
}

void pci_config_reset(struct pci_config *config)
{
	memset(config->value, 0, sizeof(config->value));
	memset(config->writable, 0, sizeof(config->writable));
	memset(config->clears, 0, sizeof(config->clears));
	build_masks(config);
	build_header(config);
	build_express(config);
	build_msix(config);
	build_ats(config);
	build_pri(config);
	build_pasid(config);
	build_sriov(config);
	chain_extended(config);
	__atomic_fetch_and(&config->pri_state, (uint32_t)PCI_CONFIG_PRI_BUSY, __ATOMIC_ACQ_REL);
	publish(config);
}

/* Page requests */

static uint32_t pri_status(const struct pci_config *config)
{
	uint32_t state = __atomic_load_n(&config->pri_state, __ATOMIC_ACQUIRE);
	bool asks = (state & PCI_CONFIG_PRI_ENABLED) && !(state & PCI_CONFIG_PRI_RF);

	if (!config->description.pri)
		return 0;
	return (state & (PCI_CONFIG_PRI_RF | PCI_CONFIG_PRI_UPRGI)) |
	       PLACE(PRI_STATUS, STOPPED, !asks && !(state & PCI_CONFIG_PRI_BUSY));
}

void pci_config_pri_set_busy(struct pci_config *config, bool busy)
{
	if (busy)
		__atomic_fetch_or(&config->pri_state, (uint32_t)PCI_CONFIG_PRI_BUSY,
				  __ATOMIC_ACQ_REL);
	else
		__atomic_fetch_and(&config->pri_state, ~(uint32_t)PCI_CONFIG_PRI_BUSY,
				   __ATOMIC_ACQ_REL);
}

void pci_config_pri_response_failure(struct pci_config *config)
{
	__atomic_fetch_or(&config->pri_state, (uint32_t)PCI_CONFIG_PRI_RF, __ATOMIC_ACQ_REL);
}

void pci_config_pri_unexpected_group(struct pci_config *config)
{
	__atomic_fetch_or(&config->pri_state, (uint32_t)PCI_CONFIG_PRI_UPRGI, __ATOMIC_ACQ_REL);
}

/* Reading and writing */

static bool access_is_valid(uint32_t offset, unsigned size)
{
	return (size == 1 || size == 2 || size == 4) && offset <= PCI_CONFIG_SIZE - size;
}

static uint8_t read_byte(const struct pci_config *config, uint32_t offset)
{
	uint32_t live = 0;

	if (offset >= PCI_CONFIG_BACKED)
		return 0;
	if (offset - PCI_PRI_STATUS < PCI_PRI_STATUS_BYTES)
		live = pri_status(config) >> 8 * (offset - PCI_PRI_STATUS);
	return (uint8_t)(config->value[offset] | live);
}

uint32_t pci_config_read(const struct pci_config *config, uint32_t offset, unsigned size)
{
	uint32_t value = 0;

	if (!access_is_valid(offset, size))
		return UINT32_MAX;
	for (unsigned i = 0; i < size; i++)
		value |= (uint32_t)read_byte(config, offset + i) << 8 * i;
	return value;
}

/* The bits of a register that a write of ones addresses, wherever the access begins and ends. */
static uint32_t ones_written(uint32_t reg, unsigned reg_bytes, uint32_t offset, unsigned size,
			     uint32_t value)
{
	uint32_t ones = 0;

	for (unsigned i = 0; i < size; i++)
		if (offset + i - reg < reg_bytes)
			ones |= (value >> 8 * i & 0xff) << 8 * (offset + i - reg);
	return ones;
}

#define ONES(reg) ones_written(PCI_##reg, PCI_##reg##_BYTES, offset, size, value)

static void write_bytes(struct pci_config *config, uint32_t offset, unsigned size, uint32_t value)
{
	for (unsigned i = 0; i < size && offset + i < PCI_CONFIG_BACKED; i++) {
		uint8_t *byte = &config->value[offset + i];
		uint8_t writable = config->writable[offset + i];
		uint8_t written = (uint8_t)(value >> 8 * i);

		*byte = (uint8_t)((*byte & ~writable) | (written & writable));
		*byte &= (uint8_t) ~(written & config->clears[offset + i]);
	}
}

/* PCIe 10.5.1.3: the STU of a function whose ATS is on does not change. */
static unsigned settle_ats(struct pci_config *config, uint32_t before)
{
	uint32_t now = GET(config, ATS_CONTROL);

	if (now == before)
		return 0;
	if ((before & now & PCI_ATS_CONTROL_ENABLE)) {
		PUT(config, ATS_CONTROL, before);
		return PCI_CONFIG_IGNORED;
	}
	return PCI_CONFIG_ATS;
}

/* PCIe 7.8.8.3: changing this register while ATS is on is undefined; here nothing happens. */
static unsigned settle_pasid(struct pci_config *config, uint32_t before)
{
	if (GET(config, PASID_CONTROL) == before)
		return 0;
	if (GET(config, ATS_CONTROL) & PCI_ATS_CONTROL_ENABLE) {
		PUT(config, PASID_CONTROL, before);
		return PCI_CONFIG_IGNORED;
	}
	return PCI_CONFIG_PASID;
}

static unsigned pri_enable(struct pci_config *config)
{
	if (!(pri_status(config) & PCI_PRI_STATUS_STOPPED)) {
		PUT(config, PRI_CONTROL, 0);
		return PCI_CONFIG_IGNORED;
	}
	__atomic_fetch_or(&config->pri_state, (uint32_t)PCI_CONFIG_PRI_ENABLED, __ATOMIC_ACQ_REL);
	return PCI_CONFIG_PRI;
}

static unsigned pri_disable(struct pci_config *config)
{
	__atomic_fetch_and(&config->pri_state, ~(uint32_t)PCI_CONFIG_PRI_ENABLED, __ATOMIC_ACQ_REL);
	return PCI_CONFIG_PRI;
}

/* PCIe 10.5.2.2: reset only acts on an interface that is not enabled. */
static unsigned pri_reset(struct pci_config *config)
{
	if (GET(config, PRI_CONTROL) & PCI_PRI_CONTROL_ENABLE)
		return PCI_CONFIG_IGNORED;
	__atomic_store_n(&config->pri_state, 0, __ATOMIC_RELEASE);
	return PCI_CONFIG_PRI | PCI_CONFIG_PRI_RESET;
}

static unsigned settle_pri(struct pci_config *config, uint32_t before, uint32_t allocation_before)
{
	uint32_t now = GET(config, PRI_CONTROL);
	unsigned effects = 0;

	if (GET(config, PRI_ALLOCATION) != allocation_before) {
		if (before & now & PCI_PRI_CONTROL_ENABLE) {
			PUT(config, PRI_ALLOCATION, allocation_before);
			return PCI_CONFIG_IGNORED;
		}
		effects = PCI_CONFIG_PRI;
	}
	if (now & ~before & PCI_PRI_CONTROL_ENABLE)
		effects |= pri_enable(config);
	else if (before & ~now & PCI_PRI_CONTROL_ENABLE)
		effects |= pri_disable(config);
	return effects;
}

/* PCIe 9.3.3.7: NumVFs changes only while the virtual functions are off. */
static unsigned settle_sriov(struct pci_config *config, uint32_t before, uint32_t count_before)
{
	uint32_t now = GET(config, SRIOV_CONTROL), count = GET(config, SRIOV_NUM);

	if (count != count_before &&
	    ((before & PCI_SRIOV_CONTROL_ENABLE) || count > config->description.sriov_vfs)) {
		PUT(config, SRIOV_NUM, count_before);
		return PCI_CONFIG_IGNORED;
	}
	return now != before || count != count_before ? PCI_CONFIG_SRIOV : 0;
}

static unsigned actions(struct pci_config *config, uint32_t offset, unsigned size, uint32_t value)
{
	unsigned effects = 0;

	if (config->description.pri && (ONES(PRI_CONTROL) & PCI_PRI_CONTROL_RESET))
		effects |= pri_reset(config);
	if (config->description.pri)
		__atomic_fetch_and(&config->pri_state,
				   ~(ONES(PRI_STATUS) & (PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI)),
				   __ATOMIC_ACQ_REL);
	if (config->description.function_level_reset && (ONES(DEVCTL) & PCI_DEVCTL_FLR))
		effects |= PCI_CONFIG_FLR;
	return effects;
}

unsigned pci_config_write(struct pci_config *config, uint32_t offset, unsigned size, uint32_t value)
{
	uint32_t command = GET(config, COMMAND), msix = GET(config, MSIX_CONTROL);
	uint32_t ats = GET(config, ATS_CONTROL), pasid = GET(config, PASID_CONTROL);
	uint32_t pri = GET(config, PRI_CONTROL), allocation = GET(config, PRI_ALLOCATION);
	uint32_t sriov = GET(config, SRIOV_CONTROL), vfs = GET(config, SRIOV_NUM);
	uint8_t bars[PCI_BAR_BYTES];
	unsigned effects = 0;

	if (!access_is_valid(offset, size))
		return 0;
	memcpy(bars, config->value + PCI_BAR, sizeof(bars));
	write_bytes(config, offset, size, value);
	effects |= GET(config, COMMAND) != command ? PCI_CONFIG_COMMAND : 0;
	effects |= GET(config, MSIX_CONTROL) != msix ? PCI_CONFIG_MSIX : 0;
	effects |= memcmp(bars, config->value + PCI_BAR, sizeof(bars)) ? PCI_CONFIG_BAR : 0;
	effects |= settle_pasid(config, pasid);
	effects |= settle_ats(config, ats);
	effects |= settle_pri(config, pri, allocation);
	effects |= settle_sriov(config, sriov, vfs);
	effects |= actions(config, offset, size, value);
	publish(config);
	return effects;
}

uint64_t pci_config_bar_address(const struct pci_config *config, unsigned bar)
{
	uint64_t address;

	if (bar >= PCI_CONFIG_BAR_COUNT || !config->description.bar[bar].size)
		return 0;
	address = load(config->value, PCI_BAR + 4 * bar, 4) & ~(uint32_t)PCI_BAR_FLAGS;
	if (config->description.bar[bar].wide)
		address |= (uint64_t)load(config->value, PCI_BAR + 4 * bar + 4, 4) << 32;
	return address;
}

uint64_t pci_config_bar_size(const struct pci_config *config, unsigned bar)
{
	return bar < PCI_CONFIG_BAR_COUNT ? config->description.bar[bar].size : 0;
}

unsigned pci_config_vfs_enabled(const struct pci_config *config)
{
	bool on = GET(config, SRIOV_CONTROL) & PCI_SRIOV_CONTROL_ENABLE;

	return on ? GET(config, SRIOV_NUM) : 0;
}
