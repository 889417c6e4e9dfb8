/* SPDX-License-Identifier: MIT */
/*
 * The structures of the 2020 interface, byte for byte as Linux 5.10's uapi/linux/iommu.h lays them
 * out: bind, cache invalidation, faults, page responses. Sizes and offsets are pinned by
 * assertions.
 */
#ifndef VSVA_UAPI_H
#define VSVA_UAPI_H

#include <stddef.h>
#include <stdint.h>

#define VSVA_GPASID_BIND_VERSION_1  1
#define VSVA_PASID_FORMAT_INTEL_VTD 1
#define VSVA_GPASID_VAL                                                                            \
	(1u << 0) /* gpasid is valid; without it guest and host PASID are the same */

#define VSVA_VTD_GPASID_SRE  (1u << 0)
#define VSVA_VTD_GPASID_EAFE (1u << 1)
#define VSVA_VTD_GPASID_PCD  (1u << 2)
#define VSVA_VTD_GPASID_PWT  (1u << 3)
#define VSVA_VTD_GPASID_EMTE (1u << 4)
#define VSVA_VTD_GPASID_CD   (1u << 5)
#define VSVA_VTD_GPASID_LAST (1u << 6)

struct vsva_gpasid_bind_data_vtd {
	uint64_t flags;
	uint32_t pat;
	uint32_t emt;
};

struct vsva_gpasid_bind_data {
	uint32_t argsz;
	uint32_t version;
	uint32_t format;
	uint32_t addr_width; /* 48 or 57 */
	uint64_t flags;
	uint64_t gpgd; /* guest physical address of the first-stage root */
	uint64_t hpasid;
	uint64_t gpasid;
	uint8_t padding[8];
	struct vsva_gpasid_bind_data_vtd vtd;
};

#define VSVA_CACHE_INVALIDATE_VERSION_1 1
#define VSVA_CACHE_INV_IOTLB            (1u << 0)
#define VSVA_CACHE_INV_DEV_IOTLB        (1u << 1)
#define VSVA_CACHE_INV_PASID            (1u << 2)

enum vsva_inv_granularity { VSVA_INV_DOMAIN = 0, VSVA_INV_PASID = 1, VSVA_INV_ADDR = 2 };

#define VSVA_INV_FLAG_PASID  (1u << 0)
#define VSVA_INV_FLAG_ARCHID (1u << 1)
#define VSVA_INV_FLAG_LEAF   (1u << 2)

struct vsva_inv_pasid_info {
	uint32_t flags;
	uint32_t archid;
	uint64_t pasid;
};

struct vsva_inv_addr_info {
	uint32_t flags;
	uint32_t archid;
	uint64_t pasid;
	uint64_t addr;
	uint64_t granule_size; /* bytes */
	uint64_t nb_granules;
};

struct vsva_cache_invalidate_info {
	uint32_t argsz;
	uint32_t version;
	uint8_t cache;
	uint8_t granularity;
	uint8_t padding[6];
	union {
		struct vsva_inv_pasid_info pasid_info;
		struct vsva_inv_addr_info addr_info;
	} granu;
};

enum vsva_fault_type { VSVA_FAULT_DMA_UNRECOV = 1, VSVA_FAULT_PAGE_REQ = 2 };

#define VSVA_FAULT_PERM_READ  (1u << 0)
#define VSVA_FAULT_PERM_WRITE (1u << 1)
#define VSVA_FAULT_PERM_EXEC  (1u << 2)
#define VSVA_FAULT_PERM_PRIV  (1u << 3)

#define VSVA_FAULT_UNRECOV_PASID_VALID      (1u << 0)
#define VSVA_FAULT_UNRECOV_ADDR_VALID       (1u << 1)
#define VSVA_FAULT_UNRECOV_FETCH_ADDR_VALID (1u << 2)

enum vsva_fault_reason {
	VSVA_FAULT_REASON_UNKNOWN = 0,
	VSVA_FAULT_REASON_PASID_FETCH,
	VSVA_FAULT_REASON_BAD_PASID_ENTRY,
	VSVA_FAULT_REASON_PASID_INVALID,
	VSVA_FAULT_REASON_WALK_EABT,
	VSVA_FAULT_REASON_PTE_FETCH,
	VSVA_FAULT_REASON_PERMISSION,
	VSVA_FAULT_REASON_ACCESS,
	VSVA_FAULT_REASON_OOR_ADDRESS,
};

struct vsva_fault_unrecoverable {
	uint32_t reason;
	uint32_t flags;
	uint32_t pasid;
	uint32_t perm;
	uint64_t addr;
	uint64_t fetch_addr;
};

#define VSVA_PAGE_REQ_PASID_VALID (1u << 0)
#define VSVA_PAGE_REQ_LAST_PAGE   (1u << 1)
#define VSVA_PAGE_REQ_PRIV_DATA   (1u << 2)
#define VSVA_PAGE_REQ_NEEDS_PASID (1u << 3)

struct vsva_fault_page_request {
	uint32_t flags;
	uint32_t pasid;
	uint32_t grpid;
	uint32_t perm;
	uint64_t addr;
	uint64_t private_data[2];
};

struct vsva_fault {
	uint32_t type;
	uint32_t padding;
	union {
		struct vsva_fault_unrecoverable event;
		struct vsva_fault_page_request prm;
		uint8_t padding2[56];
	} u;
};

#define VSVA_PAGE_RESP_PASID_VALID (1u << 0)

enum vsva_page_response_code {
	VSVA_PAGE_RESP_SUCCESS = 0,
	VSVA_PAGE_RESP_INVALID = 1,
	VSVA_PAGE_RESP_FAILURE = 2, /* becomes VT-d response code 1111b */
};

struct vsva_page_response {
	uint32_t argsz;
	uint32_t version;
	uint32_t flags;
	uint32_t pasid;
	uint32_t grpid;
	uint32_t code;
};

#ifdef __cplusplus
#define VSVA_PIN_(condition) static_assert(condition, #condition)
#else
#define VSVA_PIN_(condition) _Static_assert(condition, #condition)
#endif
VSVA_PIN_(sizeof(struct vsva_gpasid_bind_data) == 72);
VSVA_PIN_(offsetof(struct vsva_gpasid_bind_data, gpgd) == 24);
VSVA_PIN_(offsetof(struct vsva_gpasid_bind_data, vtd) == 56);
VSVA_PIN_(sizeof(struct vsva_cache_invalidate_info) == 56);
VSVA_PIN_(offsetof(struct vsva_cache_invalidate_info, granu) == 16);
VSVA_PIN_(sizeof(struct vsva_fault_page_request) == 40);
VSVA_PIN_(sizeof(struct vsva_fault_unrecoverable) == 32);
VSVA_PIN_(sizeof(struct vsva_fault) == 64);
VSVA_PIN_(sizeof(struct vsva_page_response) == 24);

#endif
