// SPDX-License-Identifier: MIT
/*
 * sva-workload: an ordinary process that hands its own pointers to the accelerator.
 *
 * Runs in the stock guest on /dev/dsa/wq0.0, a dedicated user queue of the stock idxd driver.
 * Results are lines "VSVA: <test> <key>=<value>... ok|FAIL"; exit status 0 when all are ok.
 *
 * Words. Descriptor: the 64 bytes that are submitted. Record: the completion record the device
 * writes. Portal: the page of the queue's BAR where a descriptor is written. Touched memory has a
 * page behind it already, untouched memory gets one when the device asks for it (a page request).
 * Formats: Intel DSA architecture specification, 1.0 register map.
 */
#ifndef SVA_WORKLOAD_H
#define SVA_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB       1024ul
#define MIB       (1024ul * KIB)
#define PAGE      4096ul
#define HUGE_PAGE (2 * MIB)

#define QUEUE_SIZE 16u /* as init configures it */

enum opcode {
	OP_NOOP = 0x00,
	OP_BATCH = 0x01,
	OP_DRAIN = 0x02,
	OP_MOVE = 0x03,
	OP_FILL = 0x04,
	OP_COMPARE = 0x05,
	OP_COMPARE_PATTERN = 0x06,
	OP_DUALCAST = 0x09,
	OP_CRC = 0x10,
	OP_COPY_CRC = 0x11,
	OP_CACHE_FLUSH = 0x20,
	OP_RESERVED = 0x3f,
};

enum flag {
	FLAG_FENCE = 0x01,
	FLAG_BLOCK_ON_FAULT = 0x02,
	FLAG_RECORD_VALID = 0x04,
	FLAG_RECORD_REQUESTED = 0x08,
	FLAG_CHECK_RESULT = 0x80,
	FLAG_RECORD = FLAG_RECORD_VALID | FLAG_RECORD_REQUESTED,
	FLAG_USUAL = FLAG_RECORD | FLAG_BLOCK_ON_FAULT,
};

enum status {
	STATUS_NONE = 0x00,
	STATUS_SUCCESS = 0x01,
	STATUS_FALSE_PREDICATE = 0x02,
	STATUS_PAGE_FAULT = 0x03,
	STATUS_PAGE_INVALID = 0x04,
	STATUS_TRANSLATION = 0x22,
	STATUS_BAD_OPCODE = 0x10,
	STATUS_BAD_SIZE = 0x13,
	STATUS_WRITE = 0x80, /* ORed: the faulting access was a write */
};

struct descriptor {
	uint32_t pasid;
	uint32_t flags_opcode; /* 23:0 flags, 31:24 opcode */
	uint64_t record;
	uint64_t source;      /* or pattern, or the batch's list */
	uint64_t destination; /* or second source */
	uint32_t length;      /* or the batch's count */
	uint16_t interrupt;
	uint16_t reserved;
	uint64_t extra; /* second destination, CRC seed, expected result */
	uint64_t extra2[2];
};
_Static_assert(sizeof(struct descriptor) == 64, "one portal write");

struct record {
	volatile uint8_t status;
	uint8_t result;
	uint8_t fault_info;
	uint8_t reserved;
	uint32_t bytes; /* completed */
	uint64_t fault_address;
	uint64_t crc;
	uint64_t reserved2;
} __attribute__((aligned(32)));
_Static_assert(sizeof(struct record) == 32, "");

struct queue {
	int fd;
	volatile uint64_t *portal;
};

extern const double patience_s; /* for anything the device owes */
extern bool any_failed;

double now_s(void);
__attribute__((format(printf, 2, 3))) void report(bool ok, const char *format, ...);
/* A failure after which nothing below makes sense. _exit: a queue with a stuck descriptor must
 * not keep the lines in the buffer. */
__attribute__((format(printf, 1, 2), noreturn)) void give_up(const char *format, ...);
void *map_at(void *address, size_t length, int protection, int flags);
/* Untouched, and in small pages whatever the guest's default is. */
void *map_small(size_t length);
void fill_random(void *to, size_t length, uint32_t seed);
bool is_all(const void *at, size_t length, uint8_t value);
size_t resident_pages(void *at, size_t length);
/* Where the page is in the guest's memory; 0: it is nowhere. */
unsigned long physical_page(const void *at);
/* kB of transparent huge pages in this process. */
long huge_kib(void);
/* CRC-32C, reflected, inverted before and after: the device's default. */
uint32_t crc32c(uint32_t seed, const void *data, size_t length);
/* A dedicated queue has one owner, and a page fault being handled may keep a dead owner's portal
 * mapped a little longer: busy is worth waiting for. */
struct queue queue_open(const char *test);
void queue_close(struct queue *q);
/* Eight stores where silicon wants one MOVDIR64B: the emulated CPU has no such instruction, and
 * the device assembles them. */
void queue_submit(struct queue *q, const struct descriptor *d);
struct descriptor describe(enum opcode opcode, uint32_t flags, struct record *record,
			   const void *source, const void *destination, size_t length);
/* A record in touched memory of its own page, so that waiting for it does not race a fault. */
struct record *record_alloc(size_t count);
uint8_t record_wait(const char *test, struct record *record);
/* Submits one descriptor and waits; the record is valid until the next call. */
struct record *queue_run(struct queue *q, const char *test, struct descriptor d);
/* The PASID in the queue's configuration (WQCFG dword 2, bits 27:8), −1 unknown.
 * Needs iomem=relaxed on the kernel's command line; the driver has claimed the BAR. */
int queue_pasid(void);
/* Descriptors that the queue has taken and not finished, by its own count (WQCFG dword 6, bits
 * 15:0); −1 unknown. */
int queue_holds(void);
/* A command of the driver is under way (CMDSTS bit 31). */
bool device_is_commanded(void);
/* GENCAP bit 1. */
bool can_overlap(void);
bool can(enum opcode opcode);

/* As many copies in flight as the queue takes, all of them to untouched memory. */
struct storm {
	const char *test;
	struct queue queue;
	struct record *records; /* QUEUE_SIZE */
	uint8_t *from[QUEUE_SIZE], *to[QUEUE_SIZE];
	bool retries; /* copies that fail with a fault, or are lost */
	unsigned long interrupted;
};

/* Opens the queue and fills it. records: touched memory. */
void storm_begin(struct storm *storm, const char *test, struct record *records);
/* How many are finished, all well; −1: one is not well. */
int storm_count(const struct storm *storm);
unsigned records_unfinished(const struct record *records, unsigned count);

void test_copy(void);
void test_unmapped(void);
void test_killed(unsigned long round);
void test_ops(void);
/* What the next user of the queue sees: a copy of 2 MiB. */
void test_next(void);
/* limit: copies, then it ends; 0: never. */
void test_storm(unsigned long limit, bool retries);
void test_unbound(const char *level, unsigned long round);

#endif
