/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user wire format: what lies on the socket, and nothing else.
 *
 * Source: the specification text "vfio-user Protocol Specification" (QEMU, docs/interop/
 * vfio-user.rst); section names are cited. Integers are in the byte order of the host. Structures
 * of information messages have the layout of their namesakes in linux/vfio.h.
 *
 * Vocabulary of this folder
 *   client    the VMM, e.g. QEMU; the server is us
 *   function  one PCI function that the server offers; one socket each
 *   window    a range of guest-physical addresses that the client declared as memory (DMA_MAP)
 *   posted    a command with the no-reply flag: nothing is ever sent back for it
 */
#ifndef VMM_SERVER_WIRE_H
#define VMM_SERVER_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum vfu_command {
	VFU_VERSION = 1,
	VFU_DMA_MAP = 2,
	VFU_DMA_UNMAP = 3,
	VFU_DEVICE_GET_INFO = 4,
	VFU_DEVICE_GET_REGION_INFO = 5,
	VFU_DEVICE_GET_REGION_IO_FDS = 6,
	VFU_DEVICE_GET_IRQ_INFO = 7,
	VFU_DEVICE_SET_IRQS = 8,
	VFU_REGION_READ = 9,
	VFU_REGION_WRITE = 10,
	VFU_DMA_READ = 11,
	VFU_DMA_WRITE = 12,
	VFU_DEVICE_RESET = 13,
	VFU_REGION_WRITE_MULTI = 15,
	VFU_DEVICE_FEATURE = 16,
	VFU_MIG_DATA_READ = 17,
	VFU_MIG_DATA_WRITE = 18,
	VFU_COMMAND_COUNT
};

/* Header, "flags" */
#define VFU_TYPE_MASK     0xfu
#define VFU_TYPE_COMMAND  0x0u
#define VFU_TYPE_REPLY    0x1u
#define VFU_FLAG_NO_REPLY 0x10u
#define VFU_FLAG_ERROR    0x20u

struct vfu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* of the whole message, this header included */
	uint32_t flags;
	uint32_t error; /* errno; valid in a reply with VFU_FLAG_ERROR */
};
static_assert(sizeof(struct vfu_header) == 16, "header");
static_assert(offsetof(struct vfu_header, command) == 2, "header");
static_assert(offsetof(struct vfu_header, size) == 4, "header");
static_assert(offsetof(struct vfu_header, flags) == 8, "header");
static_assert(offsetof(struct vfu_header, error) == 12, "header");

struct vfu_wire_version {
	uint16_t major;
	uint16_t minor;
	/* then optional JSON text that ends with a NUL */
};
static_assert(sizeof(struct vfu_wire_version) == 4, "VERSION");

#define VFU_DMA_MAP_READ  0x1u
#define VFU_DMA_MAP_WRITE 0x2u

struct vfu_wire_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t fd_offset;
	uint64_t address;
	uint64_t size;
};
static_assert(sizeof(struct vfu_wire_dma_map) == 32, "DMA_MAP");
static_assert(offsetof(struct vfu_wire_dma_map, fd_offset) == 8, "DMA_MAP");
static_assert(offsetof(struct vfu_wire_dma_map, address) == 16, "DMA_MAP");
static_assert(offsetof(struct vfu_wire_dma_map, size) == 24, "DMA_MAP");

/* Not in the specification; linux/vfio.h has it and QEMU's client may send it. */
#define VFU_DMA_UNMAP_ALL 0x2u

struct vfu_wire_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};
static_assert(sizeof(struct vfu_wire_dma_unmap) == 24, "DMA_UNMAP");
static_assert(offsetof(struct vfu_wire_dma_unmap, address) == 8, "DMA_UNMAP");

#define VFU_DEVICE_RESETTABLE 0x1u
#define VFU_DEVICE_PCI        0x2u

struct vfu_wire_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t region_count;
	uint32_t irq_count;
};
static_assert(sizeof(struct vfu_wire_device_info) == 16, "DEVICE_GET_INFO");

#define VFU_REGION_READABLE  0x1u
#define VFU_REGION_WRITEABLE 0x2u

struct vfu_wire_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	uint64_t size;
	uint64_t mmap_offset;
};
static_assert(sizeof(struct vfu_wire_region_info) == 32, "DEVICE_GET_REGION_INFO");
static_assert(offsetof(struct vfu_wire_region_info, size) == 16, "DEVICE_GET_REGION_INFO");

struct vfu_wire_region_io_fds {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};
static_assert(sizeof(struct vfu_wire_region_io_fds) == 16, "DEVICE_GET_REGION_IO_FDS");

#define VFU_IRQ_EVENTFD 0x1u

struct vfu_wire_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};
static_assert(sizeof(struct vfu_wire_irq_info) == 16, "DEVICE_GET_IRQ_INFO");

#define VFU_IRQ_DATA_NONE      0x01u
#define VFU_IRQ_DATA_BOOL      0x02u
#define VFU_IRQ_DATA_EVENTFD   0x04u
#define VFU_IRQ_DATA_MASK      0x07u
#define VFU_IRQ_ACTION_MASK    0x08u
#define VFU_IRQ_ACTION_UNMASK  0x10u
#define VFU_IRQ_ACTION_TRIGGER 0x20u
#define VFU_IRQ_ACTIONS        0x38u

struct vfu_wire_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	/* then one byte per interrupt with VFU_IRQ_DATA_BOOL */
};
static_assert(sizeof(struct vfu_wire_irq_set) == 20, "DEVICE_SET_IRQS");

struct vfu_wire_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
	/* then data */
};
static_assert(sizeof(struct vfu_wire_region_access) == 16, "REGION_READ and REGION_WRITE");
static_assert(offsetof(struct vfu_wire_region_access, count) == 12, "REGION_READ");

struct vfu_wire_dma_access {
	uint64_t address;
	uint64_t count;
	/* then data */
};
static_assert(sizeof(struct vfu_wire_dma_access) == 16, "DMA_READ and DMA_WRITE");

struct vfu_wire_multi_entry {
	uint64_t offset;
	uint32_t region;
	uint32_t count; /* at most 8 */
	uint64_t data;
};
static_assert(sizeof(struct vfu_wire_multi_entry) == 24, "REGION_WRITE_MULTI");
static_assert(offsetof(struct vfu_wire_multi_entry, data) == 16, "REGION_WRITE_MULTI");

/* Region and interrupt indices of PCI devices (linux/vfio.h). */
enum vfu_region {
	VFU_REGION_BAR0 = 0,
	VFU_REGION_ROM = 6,
	VFU_REGION_CONFIG = 7,
	VFU_REGION_VGA = 8,
	VFU_REGION_COUNT
};

enum vfu_irq_index {
	VFU_IRQ_INTX,
	VFU_IRQ_MSI,
	VFU_IRQ_MSIX,
	VFU_IRQ_ERR,
	VFU_IRQ_REQ,
	VFU_IRQ_INDEX_COUNT
};

#define VFU_BAR_COUNT 6u

#endif
