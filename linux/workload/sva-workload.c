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
 * Formats: Intel DSA specification, chapters 5 (descriptors) and 8 (descriptor types).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024ul
#define MIB (1024ul * KIB)
#define PAGE 4096ul
#define HUGE_PAGE (2 * MIB)

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

static const char *device_path = "/dev/dsa/wq0.0";
static const char *dsa_path = "/sys/bus/dsa/devices/dsa0";
static const double patience_s = 60;
static bool any_failed;

/* --- small tools ------------------------------------------------------------------------- */

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((format(printf, 2, 3))) static void report(bool ok, const char *format, ...)
{
	char line[512];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	printf("VSVA: %s %s\n", line, ok ? "ok" : "FAIL");
	any_failed |= !ok;
}

/* A failure after which nothing below makes sense. _exit: a queue with a stuck descriptor must
 * not keep the lines in the buffer. */
__attribute__((format(printf, 1, 2), noreturn)) static void give_up(const char *format, ...)
{
	char line[256];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	report(false, "%s", line);
	fflush(stdout);
	_exit(1);
}

static void *map_at(void *address, size_t length, int protection, int flags)
{
	void *p = mmap(address, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED || (address && p != address))
		give_up("memory step=mmap length=%zu reason=%s", length, strerror(errno));
	return p;
}

/* Untouched, and in small pages whatever the guest's default is. */
static void *map_small(size_t length)
{
	void *p = map_at(NULL, length, PROT_READ | PROT_WRITE, 0);

	madvise(p, length, MADV_NOHUGEPAGE);
	return p;
}

static void fill_random(void *to, size_t length, uint32_t seed)
{
	uint32_t *word = to;

	for (size_t i = 0; i < length / 4; i++) {
		seed = seed * 1664525 + 1013904223;
		word[i] = seed ^ seed >> 15;
	}
}

static bool is_all(const void *at, size_t length, uint8_t value)
{
	const uint8_t *byte = at;

	return length == 0 || (byte[0] == value && !memcmp(byte, byte + 1, length - 1));
}

static size_t resident_pages(void *at, size_t length)
{
	size_t count = length / PAGE, resident = 0;
	unsigned char *vector = malloc(count);

	if (!vector || mincore(at, length, vector))
		give_up("memory step=mincore reason=%s", strerror(errno));
	for (size_t i = 0; i < count; i++)
		resident += vector[i] & 1;
	free(vector);
	return resident;
}

/* kB of transparent huge pages in this process. */
static long huge_kib(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[128];
	long kib = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "AnonHugePages: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

/* CRC-32C, reflected, inverted before and after: the device's default (DSA 8.3.14). */
static uint32_t crc32c(uint32_t seed, const void *data, size_t length)
{
	const uint8_t *byte = data;
	uint32_t crc = ~seed;

	for (size_t i = 0; i < length; i++) {
		crc ^= byte[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

/* --- the queue ---------------------------------------------------------------------------- */

struct queue {
	int fd;
	volatile uint64_t *portal;
};

/* A dedicated queue has one owner, and a page fault being handled may keep a dead owner's portal
 * mapped a little longer: busy is worth waiting for. */
static struct queue queue_open(const char *test)
{
	double end = now_s() + patience_s;
	struct queue q;

	while ((q.fd = open(device_path, O_RDWR | O_CLOEXEC)) < 0 && errno == EBUSY && now_s() < end)
		usleep(5000);
	if (q.fd < 0)
		give_up("%s step=open path=%s errno=%d reason=%s", test, device_path, errno, strerror(errno));
	q.portal = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED | MAP_POPULATE, q.fd, 0);
	if (q.portal == MAP_FAILED)
		give_up("%s step=mmap-portal errno=%d reason=%s", test, errno, strerror(errno));
	return q;
}

static void queue_close(struct queue *q)
{
	munmap((void *)q->portal, PAGE);
	close(q->fd);
}

/* Eight stores where silicon wants one MOVDIR64B: the emulated CPU has no such instruction, and
 * the device assembles them. */
static void queue_submit(struct queue *q, const struct descriptor *d)
{
	uint64_t word[8];

	memcpy(word, d, sizeof(word));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (int i = 0; i < 8; i++)
		q->portal[i] = word[i];
}

static struct descriptor describe(enum opcode opcode, uint32_t flags, struct record *record,
				  const void *source, const void *destination, size_t length)
{
	struct descriptor d = {
		.flags_opcode = (uint32_t)opcode << 24 | flags,
		.record = (uintptr_t)record,
		.source = (uintptr_t)source,
		.destination = (uintptr_t)destination,
		.length = (uint32_t)length,
	};

	return d;
}

/* A record in touched memory of its own page, so that waiting for it does not race a fault. */
static struct record *record_alloc(size_t count)
{
	return map_at(NULL, (count * sizeof(struct record) + PAGE - 1) & ~(PAGE - 1),
		      PROT_READ | PROT_WRITE, MAP_POPULATE);
}

static uint8_t record_wait(const char *test, struct record *record)
{
	double end = now_s() + patience_s;

	for (unsigned spin = 0; record->status == STATUS_NONE; spin++) {
		if (now_s() > end)
			give_up("%s step=wait reason=no-completion seconds=%.0f", test, patience_s);
		if (spin < 64)
			sched_yield();
		else
			usleep(200);
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return record->status;
}

/* Submits one descriptor and waits; the record is valid until the next call. */
static struct record *queue_run(struct queue *q, const char *test, struct descriptor d)
{
	static struct record *record;

	if (!record)
		record = record_alloc(1);
	memset(record, 0, sizeof(*record));
	if (!d.record)
		d.record = (uintptr_t)record;
	queue_submit(q, &d);
	record_wait(test, (struct record *)(uintptr_t)d.record);
	return (struct record *)(uintptr_t)d.record;
}

/* --- what the device says of itself ---------------------------------------------------------- */

static const volatile uint32_t *device_registers(void)
{
	static const volatile uint32_t *registers;
	char path[256];
	void *p;
	int fd;

	if (registers)
		return registers;
	snprintf(path, sizeof(path), "%s/../resource0", dsa_path);
	fd = open(path, O_RDONLY | O_SYNC | O_CLOEXEC);
	p = fd < 0 ? MAP_FAILED : mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : (registers = p);
}

/* The PASID in the queue's configuration (DSA 9.2.25: WQCFG dword 2, bits 27:8), −1 unknown.
 * Needs iomem=relaxed on the kernel's command line; the driver has claimed the BAR. */
static int queue_pasid(void)
{
	const volatile uint32_t *registers = device_registers();

	if (!registers)
		return -1;
	return registers[(registers[0x60 / 4] >> 16) * 0x100 / 4 + 2] >> 8 & 0xfffff;
}

/* GENCAP bit 1. */
static bool can_overlap(void)
{
	const volatile uint32_t *registers = device_registers();

	return registers && registers[0x10 / 4] & 2;
}

static bool can(enum opcode opcode)
{
	const volatile uint32_t *registers = device_registers();

	return !registers || registers[0x40 / 4 + opcode / 32] >> opcode % 32 & 1;
}

/* --- copy: 64 MiB between malloc'd buffers ------------------------------------------------------ */

#define COPY_LEN (64 * MIB)
#define COPY_STEP (1 * MIB)
#define COPY_DEPTH 8 /* of the queue's 16 entries */

/* Keeps COPY_DEPTH descriptors in flight; returns how many ended well. */
static size_t copy_in_steps(struct queue *q, const char *test, const uint8_t *source, uint8_t *destination)
{
	const size_t count = COPY_LEN / COPY_STEP;
	struct record *records = record_alloc(count);
	size_t good = 0;

	for (size_t i = 0; i < count + COPY_DEPTH; i++) {
		if (i >= COPY_DEPTH)
			good += record_wait(test, &records[i - COPY_DEPTH]) == STATUS_SUCCESS;
		if (i < count) {
			struct descriptor d = describe(OP_MOVE, FLAG_USUAL, &records[i], source + i * COPY_STEP,
						       destination + i * COPY_STEP, COPY_STEP);
			queue_submit(q, &d);
		}
	}
	munmap(records, (count * sizeof(*records) + PAGE - 1) & ~(PAGE - 1));
	return good;
}

static void copy_once(struct queue *q, bool huge, uint32_t seed)
{
	const char *test = "copy";
	uint8_t *raw_source = malloc(COPY_LEN + HUGE_PAGE), *raw_destination = malloc(COPY_LEN + HUGE_PAGE);
	uint8_t *source, *destination;
	size_t before, after, good;
	long kib = huge_kib();
	double start, seconds;
	bool same;

	if (!raw_source || !raw_destination)
		give_up("%s step=malloc", test);
	/* malloc's own header page is touched: begin at the next (huge) page. */
	source = (uint8_t *)(((uintptr_t)raw_source + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	destination = (uint8_t *)(((uintptr_t)raw_destination + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	if (madvise(destination, COPY_LEN, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) ||
	    madvise(source, COPY_LEN, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		give_up("%s step=madvise reason=%s", test, strerror(errno));
	fill_random(source, COPY_LEN, seed);
	before = resident_pages(destination, COPY_LEN);
	start = now_s();
	good = copy_in_steps(q, test, source, destination);
	seconds = now_s() - start;
	after = resident_pages(destination, COPY_LEN);
	same = !memcmp(source, destination, COPY_LEN);
	kib = huge_kib() - kib;
	report(good == COPY_LEN / COPY_STEP && same && before == 0 && after == COPY_LEN / PAGE &&
		       (!huge || kib >= (long)(COPY_LEN / KIB)),
	       "%s pages=%s bytes=%lu descriptors=%zu resident_before=%zu resident_after=%zu huge_kib=%ld "
	       "match=%d ms=%.0f pasid=%d",
	       test, huge ? "huge" : "small", COPY_LEN, good, before, after, kib, same, seconds * 1e3,
	       queue_pasid());
	free(raw_source);
	free(raw_destination);
}

static void test_copy(void)
{
	struct queue q = queue_open("copy");

	copy_once(&q, false, 1);
	copy_once(&q, true, 2);
	queue_close(&q);
}

/* --- unmapped: destinations and sources that are gone ------------------------------------------- */

static void expect_fault(struct queue *q, const char *name, struct descriptor d, uint8_t status,
			 uint32_t bytes, const void *fault)
{
	struct record *r = queue_run(q, "unmapped", d);
	uint64_t page = r->fault_address & ~(PAGE - 1);

	report(r->status == status && r->bytes == bytes && page == ((uintptr_t)fault & ~(PAGE - 1)),
	       "unmapped case=%s status=%#x expected=%#x bytes=%u expected_bytes=%u fault=%#lx expected_fault=%#lx",
	       name, r->status, status, r->bytes, bytes, r->fault_address, (unsigned long)fault);
}

static void test_unmapped(void)
{
	const size_t length = 4 * PAGE, hole = 2 * PAGE;
	struct queue q = queue_open("unmapped");
	uint8_t *source = map_small(length), *to, *from;

	fill_random(source, length, 3);
	for (int block = 1; block >= 0; block--) {
		uint32_t flags = FLAG_RECORD | (block ? FLAG_BLOCK_ON_FAULT : 0);
		uint8_t status = block ? STATUS_PAGE_INVALID : STATUS_PAGE_FAULT;
		const char *name = block ? "-blocking" : "-nonblocking";
		char label[64];

		to = map_small(length);
		memset(to, 0, length);
		munmap(to, length);
		snprintf(label, sizeof(label), "destination%s", name);
		expect_fault(&q, label, describe(OP_MOVE, flags, NULL, source, to, length),
			     status | STATUS_WRITE, 0, to);

		to = map_small(length);
		memset(to, 0, length);
		munmap(to + hole, PAGE);
		snprintf(label, sizeof(label), "destination-hole%s", name);
		expect_fault(&q, label, describe(OP_MOVE, flags, NULL, source, to, length),
			     status | STATUS_WRITE, (uint32_t)hole, to + hole);
		report(!memcmp(source, to, hole) && is_all(to + hole + PAGE, length - hole - PAGE, 0),
		       "unmapped case=destination-hole%s-data", name);
		munmap(to, length);

		to = map_small(length);
		memset(to, 0x5a, length);
		mprotect(to, length, PROT_READ);
		snprintf(label, sizeof(label), "destination-read-only%s", name);
		expect_fault(&q, label, describe(OP_MOVE, flags, NULL, source, to, length),
			     status | STATUS_WRITE, 0, to);
		report(is_all(to, length, 0x5a), "unmapped case=destination-read-only%s-data", name);
		munmap(to, length);

		from = map_small(length);
		to = map_small(length);
		fill_random(from, length, 4);
		memset(to, 0, length);
		munmap(from + hole, PAGE);
		snprintf(label, sizeof(label), "source-hole%s", name);
		expect_fault(&q, label, describe(OP_MOVE, flags, NULL, from, to, length), status,
			     (uint32_t)hole, from + hole);
		munmap(from, length);
		munmap(to, length);
	}

	/* Not blocking, and never touched: a fault as well, though the page could be had. */
	to = map_small(length);
	expect_fault(&q, "destination-untouched-nonblocking",
		     describe(OP_MOVE, FLAG_RECORD, NULL, source, to, length),
		     STATUS_PAGE_FAULT | STATUS_WRITE, 0, to);
	report(resident_pages(to, length) == 0, "unmapped case=destination-untouched-nonblocking-pages");

	/* The queue works on after all that. */
	struct record *r = queue_run(&q, "unmapped", describe(OP_MOVE, FLAG_USUAL, NULL, source, to, length));

	report(r->status == STATUS_SUCCESS && !memcmp(source, to, length), "unmapped case=afterwards status=%#x",
	       r->status);
	queue_close(&q);
}

/* --- killed: SIGKILL with work in flight --------------------------------------------------------- */

#define KILLED_COUNT 12
#define KILLED_STEP (1 * MIB)
#define KILLED_LEN (KILLED_COUNT * KILLED_STEP)
#define KILLED_DESTINATION ((uint8_t *)0x500000000000ul)
#define KILLED_SOURCE ((uint8_t *)0x510000000000ul)

/* Shared by parent and child. */
struct killed_page {
	struct record records[KILLED_COUNT];
	volatile int submitted;
	volatile int pasid;
	volatile int parked; /* heirs that hold some other PASID */
	int last_try;
};

__attribute__((noreturn)) static void killed_victim(struct killed_page *shared)
{
	struct queue q = queue_open("killed");
	uint8_t *to = map_at(KILLED_DESTINATION, KILLED_LEN, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	uint8_t *from = map_at(KILLED_SOURCE, KILLED_LEN, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);

	madvise(to, KILLED_LEN, MADV_NOHUGEPAGE);
	madvise(from, KILLED_LEN, MADV_NOHUGEPAGE);
	fill_random(from, KILLED_LEN, 5);
	shared->pasid = queue_pasid();
	for (size_t i = 0; i < KILLED_COUNT; i++) {
		struct descriptor d = describe(OP_MOVE, FLAG_USUAL, &shared->records[i], from + i * KILLED_STEP,
					       to + i * KILLED_STEP, KILLED_STEP);

		queue_submit(&q, &d);
	}
	shared->submitted = 1;
	for (;;)
		pause();
}

/* The heir maps its own memory where the victim's was, all of it touched and marked, and lets its
 * own copy run: whatever the victim left behind would show. */
__attribute__((noreturn)) static void killed_heir(int round, struct killed_page *shared, int in_flight)
{
	struct queue q = queue_open("killed");
	uint8_t *to = map_at(KILLED_DESTINATION, KILLED_LEN, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	uint8_t *from = map_at(KILLED_SOURCE, KILLED_LEN, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	uint8_t *mine = map_small(256 * KIB), *copy = map_small(256 * KIB);
	struct record *r;
	int pasid = queue_pasid();
	bool clean, works;

	if (pasid != shared->pasid && !shared->last_try) {
		/* The PASID stays this process's while it lives: out of the next one's way. */
		queue_close(&q);
		shared->parked++;
		for (;;)
			pause();
	}
	madvise(to, KILLED_LEN, MADV_NOHUGEPAGE);
	madvise(from, KILLED_LEN, MADV_NOHUGEPAGE);
	memset(to, 0xa5, KILLED_LEN);
	memset(from, 0xc3, KILLED_LEN);
	fill_random(mine, 256 * KIB, 6);
	r = queue_run(&q, "killed", describe(OP_MOVE, FLAG_USUAL, NULL, mine, copy, 256 * KIB));
	works = r->status == STATUS_SUCCESS && !memcmp(mine, copy, 256 * KIB);
	usleep(200000);
	clean = is_all(to, KILLED_LEN, 0xa5) && is_all(from, KILLED_LEN, 0xc3);
	report(clean && works && in_flight > 0 && pasid == shared->pasid,
	       "killed round=%d in_flight=%d victim_pasid=%d heir_pasid=%d same_pasid=%d clean=%d works=%d", round,
	       in_flight, shared->pasid, pasid, pasid == shared->pasid, clean, works);
	queue_close(&q);
	fflush(stdout);
	_exit(any_failed);
}

static int unfinished(const struct killed_page *shared)
{
	int count = 0;

	for (int i = 0; i < KILLED_COUNT; i++)
		count += shared->records[i].status == STATUS_NONE;
	return count;
}

static pid_t fork_or_give_up(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		give_up("killed step=fork reason=%s", strerror(errno));
	return child;
}

/* The kernel may hold on to a dead process's PASID for a moment, and gives out the lowest free one:
 * new processes until one of them gets the victim's. */
static void killed_find_heir(int round, struct killed_page *shared, int in_flight)
{
	enum { TRIES = 40 };
	pid_t heirs[TRIES];
	int count = 0, wait_status = 0;
	bool judged = false;

	while (!judged && count < TRIES) {
		shared->last_try = count + 1 == TRIES;
		heirs[count] = fork_or_give_up();
		if (heirs[count] == 0)
			killed_heir(round, shared, in_flight);
		count++;
		while (!judged && shared->parked < count) {
			judged = waitpid(heirs[count - 1], &wait_status, WNOHANG) == heirs[count - 1];
			usleep(5000);
		}
		if (!judged)
			usleep(50000);
	}
	any_failed |= wait_status != 0;
	for (int i = 0; i < count - 1; i++) {
		kill(heirs[i], SIGKILL);
		waitpid(heirs[i], NULL, 0);
	}
}

static void killed_round(int round)
{
	struct killed_page *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	double end = now_s() + patience_s;
	int in_flight, wait_status;
	pid_t child;

	if (shared == MAP_FAILED)
		give_up("killed step=mmap reason=%s", strerror(errno));
	child = fork_or_give_up();
	if (child == 0)
		killed_victim(shared);
	while (!shared->submitted) {
		if (now_s() > end || waitpid(child, &wait_status, WNOHANG) == child)
			give_up("killed step=victim reason=nothing-submitted");
		usleep(1000);
	}
	usleep(20000u * (unsigned)round);
	in_flight = unfinished(shared);
	kill(child, SIGKILL);
	if (waitpid(child, &wait_status, 0) != child || !WIFSIGNALED(wait_status))
		give_up("killed step=wait status=%#x", wait_status);
	killed_find_heir(round, shared, in_flight);
	munmap(shared, PAGE);
}

static void test_killed(void)
{
	for (int round = 1; round <= 3; round++)
		killed_round(round);
}

/* --- ops: everything else the device offers -------------------------------------------------------- */

#define OPS_LEN (40 * KIB + 24)

struct bench {
	struct queue q;
	uint8_t *a, *b, *c; /* a: random and touched; b, c: fresh for each case */
	int done, skipped;
};

static bool bench_begin(struct bench *t, const char *name, enum opcode opcode)
{
	if (!can(opcode)) {
		printf("VSVA: ops case=%s reason=not-offered skip\n", name);
		t->skipped++;
		return false;
	}
	t->done++;
	t->b = map_small(64 * KIB);
	t->c = map_small(64 * KIB);
	return true;
}

static void bench_end(struct bench *t, const char *name, bool ok, const struct record *r)
{
	report(ok, "ops case=%s status=%#x result=%u bytes=%u crc=%#lx fault=%#lx", name, r->status, r->result,
	       r->bytes, r->crc, r->fault_address);
	munmap(t->b, 64 * KIB);
	munmap(t->c, 64 * KIB);
}

static struct record *bench_run(struct bench *t, struct descriptor d)
{
	return queue_run(&t->q, "ops", d);
}

static void ops_noop(struct bench *t)
{
	struct record *untouched;

	if (bench_begin(t, "noop", OP_NOOP)) {
		struct record *r = bench_run(t, describe(OP_NOOP, FLAG_RECORD, NULL, NULL, NULL, 0));

		bench_end(t, "noop", r->status == STATUS_SUCCESS, r);
	}
	if (bench_begin(t, "noop-untouched-record", OP_NOOP)) {
		untouched = map_small(PAGE);
		bench_end(t, "noop-untouched-record",
			  resident_pages(untouched, PAGE) == 0 &&
				  bench_run(t, describe(OP_NOOP, FLAG_RECORD, untouched, NULL, NULL, 0))->status ==
					  STATUS_SUCCESS,
			  untouched);
	}
}

static void ops_move(struct bench *t)
{
	if (bench_begin(t, "move-unaligned", OP_MOVE)) {
		struct record *r = bench_run(
			t, describe(OP_MOVE, FLAG_USUAL, NULL, t->a + 13, t->b + 4091, OPS_LEN));

		bench_end(t, "move-unaligned",
			  r->status == STATUS_SUCCESS && !memcmp(t->a + 13, t->b + 4091, OPS_LEN) &&
				  is_all(t->b, 4091, 0) && t->b[4091 + OPS_LEN] == 0,
			  r);
	}
	if (can_overlap() && bench_begin(t, "move-overlapping", OP_MOVE)) {
		struct record *r;

		memcpy(t->b, t->a, OPS_LEN);
		r = bench_run(t, describe(OP_MOVE, FLAG_USUAL, NULL, t->b, t->b + 5000, OPS_LEN));
		bench_end(t, "move-overlapping",
			  r->status == STATUS_SUCCESS && !memcmp(t->a, t->b + 5000, OPS_LEN), r);
	}
}

/* Addresses that mean interrupts when a request has no PASID; with one they are memory. */
static void ops_interrupt_range(struct bench *t)
{
	void *at = (void *)0xfee00000ul;
	struct record *r;
	bool ok;

	if (!bench_begin(t, "move-to-0xfee00000", OP_MOVE))
		return;
	at = map_at(at, 64 * KIB, PROT_READ | PROT_WRITE, MAP_FIXED_NOREPLACE);
	madvise(at, 64 * KIB, MADV_NOHUGEPAGE);
	r = bench_run(t, describe(OP_MOVE, FLAG_USUAL, NULL, t->a, at, OPS_LEN));
	ok = r->status == STATUS_SUCCESS && !memcmp(at, t->a, OPS_LEN);
	bench_end(t, "move-to-0xfee00000", ok, r);
	bench_begin(t, "move-from-0xfee00000", OP_MOVE);
	r = bench_run(t, describe(OP_MOVE, FLAG_USUAL, NULL, at, t->b, OPS_LEN));
	ok = r->status == STATUS_SUCCESS && !memcmp(t->b, t->a, OPS_LEN);
	bench_end(t, "move-from-0xfee00000", ok, r);
	munmap(at, 64 * KIB);
}

static void ops_fill(struct bench *t)
{
	const uint64_t pattern = 0x1122334455667788;
	bool ok = true;
	struct record *r;

	if (!bench_begin(t, "fill", OP_FILL))
		return;
	r = bench_run(t, describe(OP_FILL, FLAG_USUAL, NULL, (void *)pattern, t->b + 3, OPS_LEN));
	for (size_t i = 0; i < OPS_LEN; i++)
		ok &= t->b[3 + i] == (uint8_t)(pattern >> i % 8 * 8);
	bench_end(t, "fill",
		  ok && r->status == STATUS_SUCCESS && is_all(t->b, 3, 0) && t->b[3 + OPS_LEN] == 0, r);
}

static void ops_compare(struct bench *t)
{
	struct descriptor d;
	struct record *r;

	if (bench_begin(t, "compare-equal", OP_COMPARE)) {
		memcpy(t->b, t->a, OPS_LEN);
		r = bench_run(t, describe(OP_COMPARE, FLAG_USUAL, NULL, t->a, t->b, OPS_LEN));
		bench_end(t, "compare-equal", r->status == STATUS_SUCCESS && r->result == 0, r);
	}
	if (bench_begin(t, "compare-different", OP_COMPARE)) {
		memcpy(t->b, t->a, OPS_LEN);
		t->b[20000] ^= 1;
		r = bench_run(t, describe(OP_COMPARE, FLAG_USUAL, NULL, t->a, t->b, OPS_LEN));
		/* DSA 8.3.5: the offset of the difference, at least to within the unit compared. */
		bench_end(t, "compare-different",
			  r->status == STATUS_SUCCESS && r->result == 1 && r->bytes <= 20000 &&
				  r->bytes >= (20000 & ~63u),
			  r);
	}
	if (bench_begin(t, "compare-expected", OP_COMPARE)) {
		memcpy(t->b, t->a, OPS_LEN);
		t->b[100] ^= 1;
		d = describe(OP_COMPARE, FLAG_USUAL | FLAG_CHECK_RESULT, NULL, t->a, t->b, OPS_LEN);
		d.extra = 0; /* expected: equal */
		r = bench_run(t, d);
		bench_end(t, "compare-expected", r->status == STATUS_FALSE_PREDICATE && r->result == 1, r);
	}
}

static void ops_compare_pattern(struct bench *t)
{
	const uint64_t pattern = 0x0102030405060708;
	struct record *r;

	for (int different = 0; different <= 1; different++) {
		const char *name = different ? "compare-pattern-different" : "compare-pattern-equal";

		if (!bench_begin(t, name, OP_COMPARE_PATTERN))
			continue;
		for (size_t i = 0; i < OPS_LEN; i += 8)
			memcpy(t->b + i, &pattern, 8);
		t->b[12345] ^= (uint8_t)different;
		r = bench_run(t, describe(OP_COMPARE_PATTERN, FLAG_USUAL, NULL, t->b, (void *)pattern, OPS_LEN));
		/* source at 16, pattern at 24 */
		bench_end(t, name,
			  r->status == STATUS_SUCCESS && r->result == different &&
				  (!different || (r->bytes <= 12345 && r->bytes >= (12345 & ~63u))),
			  r);
	}
}

static void ops_crc(struct bench *t)
{
	struct descriptor d;
	struct record *r;
	uint32_t first;

	if (bench_begin(t, "crc-known", OP_CRC)) {
		memcpy(t->b, "123456789", 9);
		r = bench_run(t, describe(OP_CRC, FLAG_USUAL, NULL, t->b, NULL, 9));
		bench_end(t, "crc-known", r->status == STATUS_SUCCESS && r->crc == 0xe3069283, r);
	}
	if (bench_begin(t, "crc-seeded", OP_CRC)) {
		first = crc32c(0, t->a, 5000);
		d = describe(OP_CRC, FLAG_USUAL, NULL, t->a + 5000, NULL, OPS_LEN - 5000);
		d.extra = first;
		r = bench_run(t, d);
		bench_end(t, "crc-seeded", r->status == STATUS_SUCCESS && r->crc == crc32c(0, t->a, OPS_LEN), r);
	}
	if (bench_begin(t, "copy-crc", OP_COPY_CRC)) {
		r = bench_run(t, describe(OP_COPY_CRC, FLAG_USUAL, NULL, t->a, t->b, OPS_LEN));
		bench_end(t, "copy-crc",
			  r->status == STATUS_SUCCESS && r->crc == crc32c(0, t->a, OPS_LEN) &&
				  !memcmp(t->a, t->b, OPS_LEN),
			  r);
	}
}

static void ops_dualcast(struct bench *t)
{
	struct descriptor d;
	struct record *r;

	if (!bench_begin(t, "dualcast", OP_DUALCAST))
		return;
	/* DSA 8.3.8: bits 11:0 of both destinations are the same. */
	d = describe(OP_DUALCAST, FLAG_USUAL, NULL, t->a, t->b + 64, OPS_LEN);
	d.extra = (uintptr_t)(t->c + 64);
	r = bench_run(t, d);
	bench_end(t, "dualcast",
		  r->status == STATUS_SUCCESS && !memcmp(t->a, t->b + 64, OPS_LEN) &&
			  !memcmp(t->a, t->c + 64, OPS_LEN),
		  r);
}

/* A fill, fenced a move of what it filled, and a no-op; list and memory are touched by nobody. */
static void ops_batch(struct bench *t)
{
	struct descriptor *list;
	struct record *records, *r;
	bool ok;

	if (!bench_begin(t, "batch", OP_BATCH))
		return;
	list = map_small(PAGE);
	records = record_alloc(3);
	list[0] = describe(OP_FILL, FLAG_USUAL, &records[0], (void *)0x7777777777777777, t->b, OPS_LEN);
	list[1] = describe(OP_MOVE, FLAG_USUAL | FLAG_FENCE, &records[1], t->b, t->c, OPS_LEN);
	list[2] = describe(OP_NOOP, FLAG_RECORD, &records[2], NULL, NULL, 0);
	r = bench_run(t, describe(OP_BATCH, FLAG_RECORD, NULL, list, NULL, 3));
	ok = r->status == STATUS_SUCCESS && r->bytes == 3 && is_all(t->c, OPS_LEN, 0x77);
	for (int i = 0; i < 3; i++)
		ok &= records[i].status == STATUS_SUCCESS;
	bench_end(t, "batch", ok, r);
	munmap(records, PAGE);
	munmap(list, PAGE);
}

static void ops_drain(struct bench *t)
{
	struct record *records, *r;

	if (!bench_begin(t, "drain", OP_DRAIN))
		return;
	records = record_alloc(4);
	for (size_t i = 0; i < 4; i++) {
		struct descriptor d = describe(OP_FILL, FLAG_USUAL, &records[i], (void *)~0ul,
					       t->b + i * 16 * KIB, 16 * KIB);

		queue_submit(&t->q, &d);
	}
	r = bench_run(t, describe(OP_DRAIN, FLAG_RECORD, NULL, NULL, NULL, 0));
	bench_end(t, "drain",
		  r->status == STATUS_SUCCESS && records[0].status == STATUS_SUCCESS &&
			  records[1].status == STATUS_SUCCESS && records[2].status == STATUS_SUCCESS &&
			  records[3].status == STATUS_SUCCESS && is_all(t->b, 64 * KIB, 0xff),
		  r);
	munmap(records, PAGE);
}

static void ops_cache_flush(struct bench *t)
{
	struct record *r;

	if (!bench_begin(t, "cache-flush", OP_CACHE_FLUSH))
		return;
	memcpy(t->b, t->a, OPS_LEN);
	r = bench_run(t, describe(OP_CACHE_FLUSH, FLAG_USUAL, NULL, NULL, t->b, OPS_LEN));
	bench_end(t, "cache-flush", r->status == STATUS_SUCCESS && !memcmp(t->a, t->b, OPS_LEN), r);
}

static void ops_errors(struct bench *t)
{
	struct record *r;

	if (bench_begin(t, "bad-opcode", OP_NOOP)) {
		r = bench_run(t, describe(OP_RESERVED, FLAG_RECORD, NULL, NULL, NULL, 0));
		bench_end(t, "bad-opcode", r->status == STATUS_BAD_OPCODE, r);
	}
	if (bench_begin(t, "bad-size", OP_MOVE)) {
		r = bench_run(t, describe(OP_MOVE, FLAG_USUAL, NULL, t->a, t->b, 0xffffffff));
		bench_end(t, "bad-size", r->status == STATUS_BAD_SIZE, r);
	}
}

static void test_ops(void)
{
	struct bench t = { .q = queue_open("ops"), .a = map_small(64 * KIB) };

	fill_random(t.a, 64 * KIB, 7);
	ops_noop(&t);
	ops_move(&t);
	ops_interrupt_range(&t);
	ops_fill(&t);
	ops_compare(&t);
	ops_compare_pattern(&t);
	ops_crc(&t);
	ops_dualcast(&t);
	ops_batch(&t);
	ops_drain(&t);
	ops_cache_flush(&t);
	ops_errors(&t);
	report(t.done > 0, "ops done=%d skipped=%d", t.done, t.skipped);
	queue_close(&t.q);
}

/* --- loop: until somebody kills the machine ---------------------------------------------------------- */

static void test_loop(void)
{
	struct queue q = queue_open("loop");
	uint8_t *from = map_small(MIB);

	for (unsigned long round = 1;; round++) {
		uint8_t *to = map_small(MIB);
		struct record *r;

		fill_random(from, MIB, (uint32_t)round);
		r = queue_run(&q, "loop", describe(OP_MOVE, FLAG_USUAL, NULL, from, to, MIB));
		if (r->status != STATUS_SUCCESS || memcmp(from, to, MIB))
			give_up("loop round=%lu status=%#x", round, r->status);
		munmap(to, MIB);
		if (round == 1 || round % 16 == 0) {
			report(true, "loop round=%lu", round);
			fflush(stdout);
		}
	}
}

/* --- boot-count ------------------------------------------------------------------------------------------ */

static uint8_t cmos(uint8_t index, int value)
{
	outb(index, 0x70);
	if (value >= 0)
		outb((uint8_t)value, 0x71);
	return inb(0x71);
}

/* Prints how often this machine has booted since it was powered on. Two bytes of the clock's
 * memory that no firmware uses survive a reboot, where nothing else of this guest does. */
static int boot_count(void)
{
	enum { MARK_INDEX = 0x70, COUNT_INDEX = 0x71, MARK = 0x5a };
	uint8_t count;

	if (ioperm(0x70, 2, 1)) {
		fprintf(stderr, "boot-count: %s\n", strerror(errno));
		return 1;
	}
	count = cmos(MARK_INDEX, -1) == MARK ? cmos(COUNT_INDEX, -1) : 0;
	cmos(MARK_INDEX, MARK);
	cmos(COUNT_INDEX, ++count);
	printf("%u\n", count);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
		{ "copy", test_copy }, { "unmapped", test_unmapped }, { "killed", test_killed },
		{ "ops", test_ops },   { "loop", test_loop },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "boot-count"))
		return boot_count();
	for (size_t i = 0; argc == 2 && i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(argv[1], tests[i].name)) {
			tests[i].run();
			return any_failed;
		}
	fprintf(stderr, "usage: sva-workload copy|unmapped|killed|ops|loop|boot-count\n");
	return 2;
}
