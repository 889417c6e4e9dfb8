/* SPDX-License-Identifier: MIT */
/*
 * The ACPI table by which a guest finds the VT-d unit: DMAR (VT-d chapter 8), with one DRHD whose
 * register base is the BAR of the VT-d function and whose scope is our accelerators alone, so that
 * the VMM's own devices stay outside.
 *
 * The guest's firmware places the BAR, but the table is written before the guest starts. So the
 * address is a guess, right for one list of devices, and each boot is checked with a dmar_watch.
 */
#ifndef VMM_SERVER_DMAR_H
#define VMM_SERVER_DMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A PCI function on the bus that the host bridge leads to. */
struct dmar_scope {
	uint8_t bus;
	uint8_t device;   /* 0 to 31 */
	uint8_t function; /* 0 to 7 */
};

#define DMAR_SCOPES_MAX 64u

struct dmar_config {
	uint64_t register_base; /* 4 KiB aligned */
	const struct dmar_scope *scopes;
	size_t scope_count;          /* 1 to DMAR_SCOPES_MAX */
	unsigned host_address_width; /* bits, 12 to 64 */
	bool satc; /* list the scopes as integrated endpoints with a device TLB (VT-d 8.8) */
	bool atsr; /* say that all root ports pass ATS on (VT-d 8.5) */
};

/* Header 36, DMAR 12, DRHD 16, ATSR 8, SATC 8, two lists of scopes of 8 bytes. */
#define DMAR_SIZE_MAX (36u + 12u + 16u + 8u + 8u + 2u * 8u * DMAR_SCOPES_MAX)

/* Length of the table; -EINVAL. */
int dmar_build(const struct dmar_config *config, unsigned char table[DMAR_SIZE_MAX]);
/* Whoever opens the path finds the whole table or what was there before. 0 or -errno, said in the
 * log. */
int dmar_write_file(const char *path, const unsigned char *table, size_t len);

/* The promise, and whether this boot's firmware kept it. */
enum dmar_verdict { DMAR_NOT_PLACED, DMAR_MATCHES, DMAR_DIFFERS };

struct dmar_watch {
	uint64_t register_base; /* in the table */
	uint64_t bar_size;
	enum dmar_verdict verdict;
	uint64_t found; /* where the BAR was when the verdict was made */
};

void dmar_watch_init(struct dmar_watch *watch, uint64_t register_base, uint64_t bar_size);
/* The function was reset: a new boot. */
void dmar_watch_reset(struct dmar_watch *watch);
/*
 * To be called after each write to the configuration space: is memory decoding on, and where is the
 * BAR? Returns true when the verdict has changed; a difference is said in the log with what to do
 * about it. vm: name for the message.
 */
bool dmar_watch_update(struct dmar_watch *watch, const char *vm, bool decoding, uint64_t bar);

#endif
