/* SPDX-License-Identifier: MIT */
/*
 * What software writes into a DSA and reads back: the 64-byte descriptor and the 32-byte completion
 * record (Data Streaming Accelerator 1.0), little endian, in the process' own addresses.
 */
#ifndef VSVA_DSA_H
#define VSVA_DSA_H

#include <stddef.h>
#include <stdint.h>

enum vsva_dsa_opcode {
	VSVA_DSA_NOOP = 0x00,
	VSVA_DSA_BATCH = 0x01,
	VSVA_DSA_DRAIN = 0x02,
	VSVA_DSA_MEMMOVE = 0x03,
	VSVA_DSA_FILL = 0x04,
	VSVA_DSA_COMPARE = 0x05,
	VSVA_DSA_COMPARE_PATTERN = 0x06,
	VSVA_DSA_DUALCAST = 0x09,
	VSVA_DSA_CRC_GENERATION = 0x10,
	VSVA_DSA_COPY_WITH_CRC = 0x11,
	VSVA_DSA_CACHE_FLUSH = 0x20,
};

/* flags, bits 23:0; the opcode is bits 31:24 of the same word */
enum vsva_dsa_flag {
	VSVA_DSA_FENCE = 1 << 0,
	VSVA_DSA_BLOCK_ON_FAULT = 1 << 1,
	VSVA_DSA_COMPLETION_VALID = 1 << 2,
	VSVA_DSA_REQUEST_COMPLETION = 1 << 3,
	VSVA_DSA_REQUEST_INTERRUPT = 1 << 4,
	VSVA_DSA_CHECK_RESULT = 1 << 7,
};

/* status, bits 6:0; bit 7: the access that faulted was a write */
enum vsva_dsa_status {
	VSVA_DSA_SUCCESS = 0x01,
	VSVA_DSA_FALSE_PREDICATE = 0x02,
	VSVA_DSA_PAGE_FAULT =
		0x03, /* without block on fault: partial, go on from bytes_completed */
	VSVA_DSA_PAGE_REQUEST_INVALID = 0x04, /* with block on fault: the answer was no */
	VSVA_DSA_BATCH_FAILED = 0x05,
	VSVA_DSA_BATCH_PAGE_FAULT = 0x06,
	VSVA_DSA_BAD_OPCODE = 0x10,
	VSVA_DSA_BAD_FLAGS = 0x11,
	VSVA_DSA_RESERVED_FIELD = 0x12,
	VSVA_DSA_BAD_SIZE = 0x13,
	VSVA_DSA_BAD_COUNT = 0x14,
	VSVA_DSA_OVERLAP = 0x16,
	VSVA_DSA_DUALCAST_ALIGNMENT = 0x17,
	VSVA_DSA_LIST_ALIGNMENT = 0x18,
	VSVA_DSA_COMPLETION_FAULT = 0x1a, /* in SWERR: the record itself could not be written */
	VSVA_DSA_HARDWARE_ERROR = 0x20,
};
#define VSVA_DSA_STATUS_WRITE 0x80u

struct vsva_dsa_descriptor {
	uint32_t pasid;        /* shared queues: written by ENQCMD; ignored by dedicated queues */
	uint32_t flags_opcode; /* opcode << 24 | flags */
	uint64_t completion;   /* address of the record, 32-byte aligned */
	uint64_t source;       /* or fill pattern, or batch: address of the descriptor list */
	uint64_t destination;  /* or second source of a comparison, or pattern to compare with */
	uint32_t size;         /* bytes; batch: descriptors */
	uint16_t interrupt;
	uint16_t reserved;
	uint64_t operation
		[3]; /* dual cast: [0] second destination; CRC: [0] seed, [1] seed address; ... */
};

struct vsva_dsa_completion {
	uint8_t status; /* 0: not done */
	uint8_t result; /* comparison: 0 equal, 1 different */
	uint8_t fault_info;
	uint8_t reserved;
	uint32_t bytes_completed;
	uint64_t fault_address;
	uint64_t crc; /* and invalid flags, bits 23:0 */
	uint64_t reserved2;
};

#ifdef __cplusplus
static_assert(sizeof(struct vsva_dsa_descriptor) == 64, "descriptor");
static_assert(sizeof(struct vsva_dsa_completion) == 32, "completion record");
#else
_Static_assert(sizeof(struct vsva_dsa_descriptor) == 64, "descriptor");
_Static_assert(offsetof(struct vsva_dsa_descriptor, operation) == 40, "operation specific");
_Static_assert(sizeof(struct vsva_dsa_completion) == 32, "completion record");
#endif

#endif
