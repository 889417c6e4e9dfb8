/* SPDX-License-Identifier: MIT */
/*
 * Layouts of the accelerator: registers, descriptors, completion records, and the numbers in them,
 * for the device itself and for everybody who stands between it and a guest.
 * Intel Data Streaming Accelerator, revision 1.0 register map: chapters 5 (descriptors), 8
 * (operations) and 9 (registers). Spellings follow Linux's uapi header idxd.h where the two differ.
 *
 * Each list is f(prefix, field, high bit, low bit) and gives dsa_<prefix>_<field>() and
 * dsa_<prefix>_with_<field>() for registers, which travel by value, and dsa_<prefix>_set_<field>()
 * for structures in memory. Bit numbers of structures are absolute: bit 64 is bit 0 of the second
 * quadword.
 */
#ifndef VTD_DSA_REGS_H
#define VTD_DSA_REGS_H

#include <stdint.h>

#include "vtd/layout.h"

/* Registers in BAR 0 */

/* clang-format off */
#define DSA_REGISTERS(r)                                                                           \
	r(VERSION, 0x00) r(GENCAP, 0x10) r(WQCAP, 0x20) r(GRPCAP, 0x30) r(ENGCAP, 0x38)            \
	r(OPCAP, 0x40) r(OFFSETS, 0x60) r(GENCFG, 0x80) r(GENCTRL, 0x88) r(GENSTS, 0x90)           \
	r(INTCAUSE, 0x98) r(CMD, 0xa0) r(CMDSTS, 0xa8) r(CMDCAP, 0xb0) r(SWERR, 0xc0)
/* clang-format on */

enum {
#define DSA_OFFSET_(name, offset) DSA_REG_##name = (offset),
	DSA_REGISTERS(DSA_OFFSET_)
};

#define DSA_SWERR_BYTES 32u

/* Tables, found by software through OFFSETS, which counts in units of 0x100. */
enum {
	DSA_GRPCFG = 0x400,
	DSA_GRPCFG_STRIDE = 64,
	DSA_GRPCFG_ENGINES = 32, /* offset of the mask of engines; queues come first */
	DSA_WQCFG = 0x500,
	DSA_WQCFG_STRIDE = 64,
	DSA_WQCFG_BYTES_MIN = 32,  /* WQCAP.CONFIG_LG2 doubles it so often */
	DSA_WQCFG_MODE_OFFSET = 8, /* of the word with the PASID (WQCFG1) */
	DSA_MSIXPERM_STRIDE = 8,
	DSA_TABLE_UNIT = 0x100,
	DSA_REGISTER_SPACE = 0x1000,
	DSA_MSIX_TABLE = 0x2000,
	DSA_MSIX_PBA = 0x3000,
	DSA_BAR0_SIZE = 0x4000,
};

/* BAR 2: four pages of portals for each queue. */
enum {
	DSA_PORTAL_PAGE = 0x1000,
	DSA_PORTAL_STRIDE = 0x4000, /* per queue */
	DSA_PORTAL_UNLIMITED = 0,
	DSA_PORTAL_LIMITED = 1, /* pages 2 and 3 are those of interrupt message storage: not here */
	DSA_PORTAL_LINE = 64,
};

#define DSA_VERSION_1 0x100u

/* clang-format off */
#define DSA_GENCAP_FIELDS(f)                                                                       \
	f(GENCAP, BLOCK_ON_FAULT, 0, 0) f(GENCAP, OVERLAPPING_COPY, 1, 1)                          \
	f(GENCAP, CACHE_CONTROL_MEMORY, 2, 2) f(GENCAP, CACHE_CONTROL_FLUSH, 3, 3)                 \
	f(GENCAP, COMMAND_CAPABILITIES, 4, 4) f(GENCAP, DESTINATION_READBACK, 8, 8)                \
	f(GENCAP, DRAIN_READBACK, 9, 9) f(GENCAP, MAX_TRANSFER_LG2, 20, 16)                        \
	f(GENCAP, MAX_BATCH_LG2, 24, 21) f(GENCAP, IMS_SIZE, 30, 25)                               \
	f(GENCAP, CONFIGURABLE, 31, 31)
#define DSA_WQCAP_FIELDS(f)                                                                        \
	f(WQCAP, TOTAL_SIZE, 15, 0) f(WQCAP, QUEUES, 23, 16) f(WQCAP, CONFIG_LG2, 27, 24)          \
	f(WQCAP, SHARED, 48, 48) f(WQCAP, DEDICATED, 49, 49) f(WQCAP, ATS, 50, 50)                 \
	f(WQCAP, PRIORITY, 51, 51)
#define DSA_GRPCAP_FIELDS(f)  f(GRPCAP, GROUPS, 7, 0) f(GRPCAP, READ_BUFFERS, 15, 8)
#define DSA_ENGCAP_FIELDS(f)  f(ENGCAP, ENGINES, 7, 0)
#define DSA_OFFSETS_FIELDS(f) f(OFFSETS, GROUP, 15, 0) f(OFFSETS, QUEUE, 31, 16) f(OFFSETS, MSIXPERM, 47, 32)
#define DSA_GENCFG_FIELDS(f)  f(GENCFG, READ_BUFFER_LIMIT, 7, 0)
#define DSA_GENCTRL_FIELDS(f) f(GENCTRL, SOFTWARE_ERROR, 0, 0) f(GENCTRL, HALT, 1, 1)
#define DSA_GENSTS_FIELDS(f)  f(GENSTS, STATE, 1, 0) f(GENSTS, RESET_NEEDED, 3, 2)
#define DSA_INTCAUSE_FIELDS(f) f(INTCAUSE, ERROR, 0, 0) f(INTCAUSE, COMMAND, 1, 1) f(INTCAUSE, HALT, 4, 4)
#define DSA_CMD_FIELDS(f)     f(CMD, OPERAND, 19, 0) f(CMD, CODE, 24, 20) f(CMD, INTERRUPT, 31, 31)
#define DSA_CMDSTS_FIELDS(f)  f(CMDSTS, ERROR, 7, 0) f(CMDSTS, RESULT, 23, 8) f(CMDSTS, ACTIVE, 31, 31)
/* First quadword of four; the second has BATCH_INDEX and INVALID_FLAGS, the third an address. */
#define DSA_SWERR_FIELDS(f)                                                                        \
	f(SWERR, VALID, 0, 0) f(SWERR, OVERFLOW, 1, 1) f(SWERR, DESCRIPTOR_VALID, 2, 2)            \
	f(SWERR, QUEUE_VALID, 3, 3) f(SWERR, BATCH, 4, 4) f(SWERR, WRITE, 5, 5)                    \
	f(SWERR, PRIVILEGED, 6, 6) f(SWERR, ERROR, 15, 8) f(SWERR, QUEUE, 23, 16)                  \
	f(SWERR, OPERATION, 39, 32) f(SWERR, PASID, 59, 40)
#define DSA_SWERR1_FIELDS(f) f(SWERR1, BATCH_INDEX, 15, 0) f(SWERR1, INVALID_FLAGS, 63, 32)
/* WQCFG, in quadwords of two of its 32-bit words */
#define DSA_WQCFG0_FIELDS(f) f(WQCFG0, SIZE, 15, 0) f(WQCFG0, THRESHOLD, 47, 32)
#define DSA_WQCFG1_FIELDS(f)                                                                       \
	f(WQCFG1, DEDICATED, 0, 0) f(WQCFG1, BLOCK_ON_FAULT, 1, 1) f(WQCFG1, ATS_DISABLE, 2, 2)    \
	f(WQCFG1, PRS_DISABLE, 3, 3) f(WQCFG1, PRIORITY, 7, 4) f(WQCFG1, PASID, 27, 8)             \
	f(WQCFG1, PASID_ENABLE, 28, 28) f(WQCFG1, PRIVILEGED, 29, 29)                              \
	f(WQCFG1, MAX_TRANSFER_LG2, 36, 32) f(WQCFG1, MAX_BATCH_LG2, 40, 37)
#define DSA_WQCFG3_FIELDS(f)                                                                       \
	f(WQCFG3, OCCUPANCY, 15, 0) f(WQCFG3, BOTH_MODES, 29, 29) f(WQCFG3, STATE, 31, 30)
/* Whose descriptors may have an MSI-X vector for their completion interrupt (DSA 9.2.26): with PASID
 * enable, those with this PASID. */
#define DSA_MSIXPERM_FIELDS(f) f(MSIXPERM, PASID_ENABLE, 3, 3) f(MSIXPERM, PASID, 31, 12)
/* clang-format on */
#define DSA_WQCFG_STATE_WORD 6u /* 32-bit word that software may not write */

#define DSA_REGISTER_GET_(r, n, hi, lo)                                                            \
	static inline uint64_t dsa_##r##_##n(uint64_t reg)                                         \
	{                                                                                          \
		return vtd_get_field(reg, hi, lo);                                                 \
	}                                                                                          \
	static inline uint64_t dsa_##r##_with_##n(uint64_t reg, uint64_t value)                    \
	{                                                                                          \
		return vtd_put_field(reg, hi, lo, value);                                          \
	}

DSA_GENCAP_FIELDS(DSA_REGISTER_GET_)
DSA_WQCAP_FIELDS(DSA_REGISTER_GET_)
DSA_GRPCAP_FIELDS(DSA_REGISTER_GET_)
DSA_ENGCAP_FIELDS(DSA_REGISTER_GET_)
DSA_OFFSETS_FIELDS(DSA_REGISTER_GET_)
DSA_GENCFG_FIELDS(DSA_REGISTER_GET_)
DSA_GENCTRL_FIELDS(DSA_REGISTER_GET_)
DSA_GENSTS_FIELDS(DSA_REGISTER_GET_)
DSA_INTCAUSE_FIELDS(DSA_REGISTER_GET_)
DSA_CMD_FIELDS(DSA_REGISTER_GET_)
DSA_CMDSTS_FIELDS(DSA_REGISTER_GET_)
DSA_SWERR_FIELDS(DSA_REGISTER_GET_)
DSA_SWERR1_FIELDS(DSA_REGISTER_GET_)
DSA_WQCFG0_FIELDS(DSA_REGISTER_GET_)
DSA_WQCFG1_FIELDS(DSA_REGISTER_GET_)
DSA_WQCFG3_FIELDS(DSA_REGISTER_GET_)
DSA_MSIXPERM_FIELDS(DSA_REGISTER_GET_)

enum dsa_device_state {
	DSA_DEVICE_DISABLED,
	DSA_DEVICE_ENABLED,
	DSA_DEVICE_DRAIN,
	DSA_DEVICE_HALT
};
enum dsa_wq_state { DSA_WQ_DISABLED, DSA_WQ_ENABLED, DSA_WQ_BUSY };

/* Commands: c(name, code) */
/* clang-format off */
#define DSA_COMMANDS(c)                                                                            \
	c(ENABLE_DEVICE, 1) c(DISABLE_DEVICE, 2) c(DRAIN_ALL, 3) c(ABORT_ALL, 4)                   \
	c(RESET_DEVICE, 5) c(ENABLE_WQ, 6) c(DISABLE_WQ, 7) c(DRAIN_WQ, 8) c(ABORT_WQ, 9)          \
	c(RESET_WQ, 10) c(DRAIN_PASID, 11) c(ABORT_PASID, 12)
/* clang-format on */

enum dsa_command_code {
#define DSA_COMMAND_(name, code) DSA_COMMAND_##name = (code),
	DSA_COMMANDS(DSA_COMMAND_)
};

/* Interrupt handles, where CMDCAP offers them: what a descriptor names as its vector is then what
 * the device says, and not the number in the MSI-X table. */
enum dsa_handle_command {
	DSA_COMMAND_REQUEST_HANDLE = 13, /* operand 15:0: MSI-X table index; result: handle */
	DSA_COMMAND_RELEASE_HANDLE = 14, /* operand 15:0: handle */
};
#define DSA_HANDLE_OF_IMS (1u << 16) /* operand: of interrupt message storage */

enum dsa_command_error {
	DSA_CMDSTS_OK = 0,
	DSA_CMDSTS_INVALID_COMMAND = 0x01,
	DSA_CMDSTS_INVALID_QUEUE = 0x02,
	DSA_CMDSTS_HARDWARE = 0x03,
	DSA_CMDSTS_ALREADY_ENABLED = 0x10,
	DSA_CMDSTS_CONFIG = 0x11,
	DSA_CMDSTS_BUS_MASTER = 0x12,
	DSA_CMDSTS_PASID = 0x13,
	DSA_CMDSTS_QUEUE_SIZES = 0x14,
	DSA_CMDSTS_GROUP_QUEUE_TWICE = 0x15,
	DSA_CMDSTS_GROUP_ENGINE_TWICE = 0x16,
	DSA_CMDSTS_GROUP_WITHOUT_ENGINE = 0x17,
	DSA_CMDSTS_GROUP_UNKNOWN_MEMBER = 0x18,
	DSA_CMDSTS_DEVICE_NOT_ENABLED = 0x20,
	DSA_CMDSTS_QUEUE_ENABLED = 0x21,
	DSA_CMDSTS_QUEUE_SIZE = 0x22,
	DSA_CMDSTS_QUEUE_PRIORITY = 0x23,
	DSA_CMDSTS_QUEUE_MODE = 0x24,
	DSA_CMDSTS_QUEUE_BLOCK_ON_FAULT = 0x25,
	DSA_CMDSTS_QUEUE_PASID = 0x26,
	DSA_CMDSTS_QUEUE_MAX_BATCH = 0x27,
	DSA_CMDSTS_QUEUE_MAX_TRANSFER = 0x28,
	DSA_CMDSTS_DISABLE_NOT_ENABLED = 0x31,
	DSA_CMDSTS_QUEUE_NOT_ENABLED = 0x32,
	DSA_CMDSTS_INTERRUPT_INDEX = 0x41,
	DSA_CMDSTS_NO_HANDLE = 0x42,
};

/* Descriptor */

#define DSA_DESCRIPTOR_BYTES 64u

struct dsa_descriptor {
	uint64_t q[8];
};

/* Fields of different operations lie over each other. */
/* clang-format off */
#define DSA_DESCRIPTOR_FIELDS(f)                                                                   \
	f(descriptor, PASID, 19, 0) f(descriptor, PRIVILEGED, 31, 31)                              \
	f(descriptor, FLAGS, 55, 32) f(descriptor, OPCODE, 63, 56)                                 \
	f(descriptor, RECORD, 127, 64) f(descriptor, SOURCE, 191, 128)                             \
	f(descriptor, DESTINATION, 255, 192) f(descriptor, SIZE, 287, 256)                         \
	f(descriptor, INTERRUPT, 303, 288) f(descriptor, RESERVED, 319, 304)                       \
	f(descriptor, EXPECTED, 327, 320) f(descriptor, DESTINATION2, 383, 320)                    \
	f(descriptor, CRC_SEED, 351, 320) f(descriptor, SEED_ADDRESS, 447, 384)
/* clang-format on */

struct dsa_record {
	uint64_t q[4];
};
#define DSA_RECORD_BYTES 32u

/* clang-format off */
#define DSA_RECORD_FIELDS(f)                                                                       \
	f(record, STATUS, 7, 0) f(record, RESULT, 15, 8) f(record, BYTES, 63, 32)                  \
	f(record, FAULT_ADDRESS, 127, 64) f(record, INVALID_FLAGS, 151, 128)                       \
	f(record, CRC, 191, 128)
/* clang-format on */

#define DSA_STRUCTURE_(s, n, hi, lo)                                                               \
	_Static_assert((hi) / 64 == (lo) / 64, #s "." #n " spans quadwords");                      \
	static inline uint64_t dsa_##s##_##n(const struct dsa_##s *at)                             \
	{                                                                                          \
		return vtd_get_field(at->q[(lo) / 64], (hi) % 64, (lo) % 64);                      \
	}                                                                                          \
	static inline void dsa_##s##_set_##n(struct dsa_##s *at, uint64_t value)                   \
	{                                                                                          \
		at->q[(lo) / 64] = vtd_put_field(at->q[(lo) / 64], (hi) % 64, (lo) % 64, value);   \
	}

DSA_DESCRIPTOR_FIELDS(DSA_STRUCTURE_)
DSA_RECORD_FIELDS(DSA_STRUCTURE_)
_Static_assert(sizeof(struct dsa_descriptor) == DSA_DESCRIPTOR_BYTES, "one portal write");
_Static_assert(sizeof(struct dsa_record) == DSA_RECORD_BYTES, "completion record");

/* Flags of a descriptor */
enum {
	DSA_FLAG_FENCE = 1u << 0,
	DSA_FLAG_BLOCK_ON_FAULT = 1u << 1,
	DSA_FLAG_RECORD_VALID = 1u << 2,     /* CRAV */
	DSA_FLAG_RECORD_REQUESTED = 1u << 3, /* RCR */
	DSA_FLAG_INTERRUPT = 1u << 4,        /* RCI */
	DSA_FLAG_CHECK_RESULT = 1u << 7,
	DSA_FLAG_CACHE_CONTROL = 1u << 8,
	DSA_FLAG_TRAFFIC_CLASSES = 0xfu << 9, /* of the three addresses and of the record */
	DSA_FLAG_STRICT_ORDER = 1u << 13,
	DSA_FLAG_CRC_READ_SEED = 1u << 16,
	DSA_FLAG_CRC_BYPASS_INVERSION = 1u << 17,  /* and reflection of seed and result */
	DSA_FLAG_CRC_BYPASS_REFLECTION = 1u << 18, /* of the data */
};

/* Operations: o(name, opcode) */
/* clang-format off */
#define DSA_OPERATIONS(o)                                                                          \
	o(NOOP, 0x00) o(BATCH, 0x01) o(DRAIN, 0x02) o(MOVE, 0x03) o(FILL, 0x04)                    \
	o(COMPARE, 0x05) o(COMPARE_PATTERN, 0x06) o(DUALCAST, 0x09) o(CRC, 0x10)                   \
	o(COPY_CRC, 0x11) o(CACHE_FLUSH, 0x20)
/* clang-format on */

enum dsa_opcode {
#define DSA_OPCODE_(name, code) DSA_OP_##name = (code),
	DSA_OPERATIONS(DSA_OPCODE_)
};

enum dsa_status {
	DSA_STATUS_NONE = 0x00,
	DSA_STATUS_SUCCESS = 0x01,
	DSA_STATUS_FALSE_PREDICATE = 0x02,
	DSA_STATUS_PAGE_FAULT = 0x03,
	DSA_STATUS_PAGE_INVALID = 0x04, /* a page request was answered with anything but success */
	DSA_STATUS_BATCH_FAILED = 0x05,
	DSA_STATUS_BATCH_LIST_FAULT = 0x06,
	DSA_STATUS_BAD_OPCODE = 0x10,
	DSA_STATUS_BAD_FLAGS = 0x11,
	DSA_STATUS_RESERVED_FIELD = 0x12,
	DSA_STATUS_BAD_SIZE = 0x13,
	DSA_STATUS_BAD_COUNT = 0x14,
	DSA_STATUS_OVERLAP = 0x16,
	DSA_STATUS_DUALCAST_ALIGNMENT = 0x17,
	DSA_STATUS_LIST_ALIGNMENT = 0x18,
	DSA_STATUS_BAD_INTERRUPT = 0x19,
	DSA_STATUS_RECORD_FAULT = 0x1a,
	DSA_STATUS_RECORD_ALIGNMENT = 0x1b,
	DSA_STATUS_ALIGNMENT = 0x1c,
	DSA_STATUS_PRIVILEGE = 0x1d,
	DSA_STATUS_TRANSLATION = 0x22,
	DSA_STATUS_WRITE = 0x80, /* the faulting access was a write */
};

/* What SWERR says of a portal write that was not accepted. Not in Linux's headers: from memory of
 * the specification's table, and Linux only prints them. */
enum dsa_portal_error {
	DSA_PORTAL_QUEUE_NOT_ENABLED = 0x51,
	DSA_PORTAL_POSTED_TO_SHARED = 0x52,
	DSA_PORTAL_DEFERRABLE_TO_DEDICATED = 0x53,
	DSA_PORTAL_QUEUE_FULL = 0x54,
};

#endif
