/* SPDX-License-Identifier: MIT */
/*
 * The configuration space of one PCI Express function, as a pure state machine: a write goes in,
 * effects come out, and its owner carries them out. The physical devices have one each, and so has
 * every virtual function that a VMM shows.
 *
 * Vocabulary
 *   capability   a block of registers that a list of pointers leads to; extended ones from 0x100 on
 *   STU          smallest translation unit of ATS: 2^(STU+12) bytes
 *   stopped      of page requests: disabled, and every request that was sent has been answered
 *   busy         of page requests: some have not been answered; the owner knows and says so
 *   allocation   of page requests: how many may be outstanding at a time
 *
 * Implements PCI Express 5.0: 7.5.1 (header), 7.5.3 (PCI Express capability), 7.7.2 (MSI-X), 9.3.3
 * (SR-IOV: what is fixed, and NumVFs), 10.5.1 (ATS), 10.5.2 (page requests), 7.8.8 (PASID). The
 * function is a root-complex integrated endpoint that supports end-to-end TLP prefixes, without
 * which Linux does not enable PASIDs.
 *
 * Concurrency: the owner serialises read and write. The accessors that say "any thread" and the
 * pci_config_pri_*() functions may run at any time beside them and beside each other.
 */
#ifndef VTD_PCI_CONFIG_H
#define VTD_PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_SIZE      4096u
#define PCI_CONFIG_BAR_COUNT 6u
/* What has storage; the rest reads as zero. */
#define PCI_CONFIG_BACKED 512u

struct pci_config_bar {
	uint64_t size; /* power of two, at least 16; 0: no such BAR */
	bool wide;     /* 64 bits: takes the next BAR too */
	bool prefetchable;
};

struct pci_config_description {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision;
	uint32_t class_code; /* 24 bits: class, subclass, interface */
	struct pci_config_bar bar[PCI_CONFIG_BAR_COUNT];
	bool function_level_reset;

	unsigned msix_vectors; /* 0: no MSI-X */
	uint8_t msix_table_bar, msix_pba_bar;
	uint32_t msix_table_offset, msix_pba_offset;

	bool ats;
	uint8_t ats_queue_depth; /* 1 … 32 */
	bool pri;
	bool pri_pasid_required; /* responses carry the PASID (PRG Response PASID Required) */
	uint32_t pri_capacity;
	bool pasid;
	bool pasid_exec, pasid_privileged; /* what the capability offers */
	uint8_t pasid_width;               /* 1 … 20 */

	uint16_t sriov_vfs; /* TotalVFs; 0: no SR-IOV */
	uint16_t sriov_vf_device;
	uint16_t sriov_first_offset, sriov_stride;
};

struct pci_config {
	struct pci_config_description description;
	uint8_t value[PCI_CONFIG_BACKED];
	uint8_t writable[PCI_CONFIG_BACKED]; /* bits that a write replaces */
	uint8_t clears[PCI_CONFIG_BACKED];   /* bits that writing 1 clears */
	uint32_t enables;                    /* PCI_CONFIG_ON_*; atomic */
	uint32_t ats_stu;                    /* atomic */
	uint32_t pri_state;                  /* PCI_CONFIG_PRI_*; atomic */
	uint32_t pri_allocation;             /* atomic */
};

/* What a write did. */
enum pci_config_effect {
	PCI_CONFIG_COMMAND = 1u << 0, /* bus master or memory decode changed */
	PCI_CONFIG_BAR = 1u << 1,
	PCI_CONFIG_MSIX = 1u << 2,
	PCI_CONFIG_ATS = 1u << 3,
	PCI_CONFIG_PRI = 1u << 4,
	PCI_CONFIG_PRI_RESET = 1u << 5, /* forget the requests that are outstanding */
	PCI_CONFIG_PASID = 1u << 6,
	PCI_CONFIG_SRIOV = 1u << 7,
	PCI_CONFIG_FLR = 1u << 8,     /* reset asked for: of the device, then pci_config_reset */
	PCI_CONFIG_IGNORED = 1u << 9, /* something undefined was asked for, and not done */
};

/* Bits of enables, and of pri_state: those only for the accessors below. */
enum {
	PCI_CONFIG_ON_BUS_MASTER = 1u << 0,
	PCI_CONFIG_ON_MEMORY = 1u << 1,
	PCI_CONFIG_ON_MSIX = 1u << 2,
	PCI_CONFIG_ON_MSIX_MASK = 1u << 3,
	PCI_CONFIG_ON_ATS = 1u << 4,
	PCI_CONFIG_ON_PASID = 1u << 5,
	PCI_CONFIG_ON_PASID_EXEC = 1u << 6,
	PCI_CONFIG_ON_PASID_PRIVILEGED = 1u << 7,
	PCI_CONFIG_PRI_RF = 1u << 0,    /* as in the status register */
	PCI_CONFIG_PRI_UPRGI = 1u << 1, /* as in the status register */
	PCI_CONFIG_PRI_ENABLED = 1u << 2,
	PCI_CONFIG_PRI_BUSY = 1u << 3,
};

/* -EINVAL: a BAR's size, a 64-bit BAR without a second half, an MSI-X table or PBA outside its BAR,
 * a depth or width out of range. */
int pci_config_init(struct pci_config *config, const struct pci_config_description *description);
/* Every register as after pci_config_init: conventional or function-level reset. */
void pci_config_reset(struct pci_config *config);

/* size 1, 2 or 4, any offset as long as all of it is inside: otherwise all ones, and a write does
 * nothing. */
uint32_t pci_config_read(const struct pci_config *config, uint32_t offset, unsigned size);
/* Returns enum pci_config_effect bits of what has changed. */
unsigned pci_config_write(struct pci_config *config, uint32_t offset, unsigned size,
			  uint32_t value);

/* Address of a BAR as programmed (both halves), 0 if there is none. Owner's serialisation. */
uint64_t pci_config_bar_address(const struct pci_config *config, unsigned bar);
uint64_t pci_config_bar_size(const struct pci_config *config, unsigned bar);
/* SR-IOV: virtual functions that exist now. Owner's serialisation. */
unsigned pci_config_vfs_enabled(const struct pci_config *config);

/* Any thread from here on. */

/* PCI_CONFIG_ON_*, as of one moment. */
static inline uint32_t pci_config_enables(const struct pci_config *config)
{
	return __atomic_load_n(&config->enables, __ATOMIC_ACQUIRE);
}

static inline bool pci_config_is_on_(const struct pci_config *config, uint32_t bit)
{
	return pci_config_enables(config) & bit;
}

static inline bool pci_config_bus_master(const struct pci_config *config)
{
	return pci_config_is_on_(config, PCI_CONFIG_ON_BUS_MASTER);
}

static inline bool pci_config_memory_enabled(const struct pci_config *config)
{
	return pci_config_is_on_(config, PCI_CONFIG_ON_MEMORY);
}

static inline bool pci_config_msix_enabled(const struct pci_config *config)
{
	return pci_config_is_on_(config, PCI_CONFIG_ON_MSIX);
}

/* The function mask, not that of a vector. */
static inline bool pci_config_msix_masked(const struct pci_config *config)
{
	return pci_config_is_on_(config, PCI_CONFIG_ON_MSIX_MASK);
}

static inline bool pci_config_ats_enabled(const struct pci_config *config)
{
	return pci_config_is_on_(config, PCI_CONFIG_ON_ATS);
}

/* Smallest translation unit: lg2 of bytes. */
static inline unsigned pci_config_ats_stu(const struct pci_config *config)
{
	return 12 + __atomic_load_n(&config->ats_stu, __ATOMIC_RELAXED);
}

static inline bool pci_config_pasid_enabled(const struct pci_config *config)
{
	return pci_config_is_on_(config, PCI_CONFIG_ON_PASID);
}

static inline bool pci_config_pasid_exec(const struct pci_config *config)
{
	return pci_config_is_on_(config, PCI_CONFIG_ON_PASID_EXEC);
}

static inline bool pci_config_pasid_privileged(const struct pci_config *config)
{
	return pci_config_is_on_(config, PCI_CONFIG_ON_PASID_PRIVILEGED);
}

/* May a page request be sent? After a response failure no more, whatever the enable bit says. */
static inline bool pci_config_pri_enabled(const struct pci_config *config)
{
	uint32_t state = __atomic_load_n(&config->pri_state, __ATOMIC_ACQUIRE);

	return (state & PCI_CONFIG_PRI_ENABLED) && !(state & PCI_CONFIG_PRI_RF);
}

/* Requests that may be outstanding. */
static inline uint32_t pci_config_pri_allocation(const struct pci_config *config)
{
	return __atomic_load_n(&config->pri_allocation, __ATOMIC_RELAXED);
}

/* Requests are outstanding, or no longer are. Without anybody who says so a function is never
 * busy: disabling stops it at once. */
void pci_config_pri_set_busy(struct pci_config *config, bool busy);
/* A response with the code "response failure": no more requests until software clears the bit. */
void pci_config_pri_response_failure(struct pci_config *config);
/* A response to a group that does not exist. */
void pci_config_pri_unexpected_group(struct pci_config *config);

#endif
