// SPDX-License-Identifier: MIT
/* The queue, the device, and small tools. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

static const char *device_path = "/dev/dsa/wq0.0";
static const char *dsa_path = "/sys/bus/dsa/devices/dsa0";
const double patience_s = 150;
bool any_failed;

double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void report(bool ok, const char *format, ...)
{
	char line[512];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	printf("VSVA: %s %s\n", line, ok ? "ok" : "FAIL");
	any_failed |= !ok;
}

void give_up(const char *format, ...)
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

void *map_at(void *address, size_t length, int protection, int flags)
{
	void *p = mmap(address, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED || (address && p != address))
		give_up("memory step=mmap length=%zu reason=%s", length, strerror(errno));
	return p;
}

void *map_small(size_t length)
{
	void *p = map_at(NULL, length, PROT_READ | PROT_WRITE, 0);

	madvise(p, length, MADV_NOHUGEPAGE);
	return p;
}

void fill_random(void *to, size_t length, uint32_t seed)
{
	uint32_t *word = to;

	for (size_t i = 0; i < length / 4; i++) {
		seed = seed * 1664525 + 1013904223;
		word[i] = seed ^ seed >> 15;
	}
}

bool is_all(const void *at, size_t length, uint8_t value)
{
	const uint8_t *byte = at;

	return length == 0 || (byte[0] == value && !memcmp(byte, byte + 1, length - 1));
}

size_t resident_pages(void *at, size_t length)
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

unsigned long physical_page(const void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0 ||
	    pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)at / PAGE * 8)) != sizeof(entry))
		entry = 0;
	if (fd >= 0)
		close(fd);
	/* Documentation/admin-guide/mm/pagemap.rst: present, and the page frame's number */
	return entry >> 63 ? (entry & ((1ul << 55) - 1)) * PAGE : 0;
}

long huge_kib(void)
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

uint32_t crc32c(uint32_t seed, const void *data, size_t length)
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

struct queue queue_open(const char *test)
{
	double end = now_s() + patience_s;
	struct queue q;

	while ((q.fd = open(device_path, O_RDWR | O_CLOEXEC)) < 0 && errno == EBUSY &&
	       now_s() < end)
		usleep(5000);
	if (q.fd < 0)
		give_up("%s step=open path=%s errno=%d reason=%s", test, device_path, errno,
			strerror(errno));
	q.portal = mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED | MAP_POPULATE, q.fd, 0);
	if (q.portal == MAP_FAILED)
		give_up("%s step=mmap-portal errno=%d reason=%s", test, errno, strerror(errno));
	return q;
}

void queue_close(struct queue *q)
{
	munmap((void *)q->portal, PAGE);
	close(q->fd);
}

void queue_submit(struct queue *q, const struct descriptor *d)
{
	uint64_t word[8];

	memcpy(word, d, sizeof(word));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (int i = 0; i < 8; i++)
		q->portal[i] = word[i];
}

struct descriptor describe(enum opcode opcode, uint32_t flags, struct record *record,
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

struct record *record_alloc(size_t count)
{
	return map_at(NULL, (count * sizeof(struct record) + PAGE - 1) & ~(PAGE - 1),
		      PROT_READ | PROT_WRITE, MAP_POPULATE);
}

uint8_t record_wait(const char *test, struct record *record)
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

struct record *queue_run(struct queue *q, const char *test, struct descriptor d)
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

/* A dword of the configuration of queue 0. */
static int queue_word(unsigned word, unsigned shift, uint32_t mask)
{
	const volatile uint32_t *registers = device_registers();

	if (!registers)
		return -1;
	return (int)(registers[(registers[0x60 / 4] >> 16) * 0x100 / 4 + word] >> shift & mask);
}

int queue_pasid(void)
{
	return queue_word(2, 8, 0xfffff);
}

int queue_holds(void)
{
	return queue_word(6, 0, 0xffff);
}

bool device_is_commanded(void)
{
	const volatile uint32_t *registers = device_registers();

	return registers && registers[0xa8 / 4] >> 31;
}

bool can_overlap(void)
{
	const volatile uint32_t *registers = device_registers();

	return registers && registers[0x10 / 4] & 2;
}

bool can(enum opcode opcode)
{
	const volatile uint32_t *registers = device_registers();

	return !registers || registers[0x40 / 4 + opcode / 32] >> opcode % 32 & 1;
}
