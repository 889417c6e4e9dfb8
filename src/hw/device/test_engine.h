/* SPDX-License-Identifier: MIT */
/*
 * The test engine: one DMA per command, for tests, scenarios and the guest's kernel module. No
 * queues and no descriptors; what it does is exactly what its registers say.
 *
 * BAR 0, 4 KiB, little endian, accessed in aligned 4 or 8 bytes:
 *
 *   0x00 ID         u32  0x56535641
 *   0x04 VERSION    u32  1
 *   0x08 SRC        u64
 *   0x10 DST        u64
 *   0x18 LEN        u32  bytes, 1 … 1 MiB
 *   0x1c PASID      u32  19:0 PASID, 31 valid, 30 privileged
 *   0x20 CMD        u32  a write starts: 7:0 operation, 8 use ATS, 9 page requests allowed,
 *                        10 interrupt
 *   0x24 STATUS     u32  0 idle, 1 busy, 2 done, 3 fault, 4 bad command
 *   0x28 FAULT_ADDR u64  of the byte that could not be reached
 *   0x30 FILL       u64
 *   0x38 RESULT     u64
 *   0x40 BYTES      u32  finished
 *
 *   operations: 1 copy SRC to DST; 2 fill DST with FILL; 3 read: RESULT = sum of the bytes at SRC;
 *               4 add FILL to the 8 bytes at DST atomically, RESULT = old value (DST aligned,
 *               LEN ignored)
 *
 * A command while one is busy is ignored. Page requests need ATS. BAR 2 (4 KiB) has the MSI-X table
 * at 0 and the PBA at 0x800; like the DSA's, they are kept and do not gate config->irq.
 *
 * Concurrency: as dsa.h.
 */
#ifndef HW_DEVICE_TEST_ENGINE_H
#define HW_DEVICE_TEST_ENGINE_H

#include "base/worker.h"
#include "hw/device/endpoint.h"

#define TEST_ENGINE_ID_VALUE 0x56535641u
#define TEST_ENGINE_MAX_LEN  1048576u

/* clang-format off */
#define TEST_ENGINE_REGISTERS(r)                                                                   \
	r(ID, 0x00, 4, RO) r(VERSION, 0x04, 4, RO) r(SRC, 0x08, 8, RW) r(DST, 0x10, 8, RW)         \
	r(LEN, 0x18, 4, RW) r(PASID, 0x1c, 4, RW) r(CMD, 0x20, 4, RW) r(STATUS, 0x24, 4, RO)       \
	r(FAULT_ADDR, 0x28, 8, RO) r(FILL, 0x30, 8, RW) r(RESULT, 0x38, 8, RO)                     \
	r(BYTES, 0x40, 4, RO)
/* clang-format on */

enum {
#define TEST_ENGINE_OFFSET_(name, offset, bytes, access) TEST_ENGINE_##name = (offset),
	TEST_ENGINE_REGISTERS(TEST_ENGINE_OFFSET_)
};

enum test_engine_operation {
	TEST_ENGINE_COPY = 1,
	TEST_ENGINE_FILL_MEMORY = 2,
	TEST_ENGINE_READ = 3,
	TEST_ENGINE_FETCH_ADD = 4,
};
enum {
	TEST_ENGINE_USE_ATS = 1u << 8,
	TEST_ENGINE_PAGE_REQUESTS = 1u << 9,
	TEST_ENGINE_INTERRUPT = 1u << 10,
	TEST_ENGINE_PRIVILEGED = 1u << 30, /* of PASID */
};
#define TEST_ENGINE_PASID_VALID (1u << 31)

enum test_engine_status {
	TEST_ENGINE_IDLE,
	TEST_ENGINE_BUSY,
	TEST_ENGINE_DONE,
	TEST_ENGINE_FAULT,
	TEST_ENGINE_BAD_COMMAND,
};

struct test_engine;

struct test_engine_config {
	struct unit *unit;
	struct physmem *physmem;
	struct worker_pool *pool;
	const struct trace *trace; /* may be NULL */
	rid_t rid;
	rid_t pf_rid;                 /* with pf_config: a virtual function */
	struct pci_config *pf_config; /* NULL: a physical function */
	uint16_t sriov_vfs;
	void (*irq)(void *arg, unsigned vector); /* may be NULL */
	void *arg;
};

/* 0; -EEXIST the RID is taken; -ENOMEM. */
int test_engine_create(const struct test_engine_config *config, struct test_engine **out);
void test_engine_destroy(struct test_engine *engine);

struct endpoint *test_engine_endpoint(struct test_engine *engine);
struct pci_config *test_engine_config_space(struct test_engine *engine);

uint32_t test_engine_config_read(struct test_engine *engine, uint32_t offset, unsigned size);
void test_engine_config_write(struct test_engine *engine, uint32_t offset, unsigned size,
			      uint32_t value);
/* -EINVAL: no such BAR, outside, or a size it does not take; no harm. */
int test_engine_mmio_read(struct test_engine *engine, unsigned bar, uint64_t offset, unsigned size,
			  uint64_t *value);
int test_engine_mmio_write(struct test_engine *engine, unsigned bar, uint64_t offset, unsigned size,
			   uint64_t value);
/* As dsa_reset() and dsa_set_gone(). */
void test_engine_reset(struct test_engine *engine);
void test_engine_set_gone(struct test_engine *engine, bool gone);

#endif
