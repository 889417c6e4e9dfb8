// SPDX-License-Identifier: MIT
#include "vmm/server/dmar.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/log.h"

/* VT-d 8.1 to 8.3; ACPI 5.2.6 for the header. */
#define HEADER_LEN    36u
#define LENGTH_AT     4u
#define CHECKSUM_AT   9u
#define DMAR_LEN      48u
#define DMAR_REVISION 1u

#define STRUCTURE_DRHD 0u
#define STRUCTURE_ATSR 2u
#define STRUCTURE_SATC 5u

#define SCOPE_PCI_ENDPOINT 1u
#define SCOPE_LEN          8u

#define ATSR_ALL_PORTS 1u

struct writer {
	unsigned char *at;
};

/* Little endian, whatever the host is; at most 8 bytes. */
static void put(struct writer *w, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		*w->at++ = (unsigned char)(value >> (8 * i));
}

static void put_zeros(struct writer *w, size_t size)
{
	memset(w->at, 0, size);
	w->at += size;
}

static void put_text(struct writer *w, const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	memset(w->at, 0, size);
	memcpy(w->at, text, len);
	w->at += size;
}

static void put_header(struct writer *w)
{
	put_text(w, "DMAR", 4);
	put(w, 0, 4); /* length, filled in at the end */
	put(w, DMAR_REVISION, 1);
	put(w, 0, 1); /* checksum, likewise */
	put_text(w, "VSVA", 6);
	put_text(w, "VSVADMAR", 8);
	put(w, 1, 4);
	put_text(w, "VSVA", 4);
	put(w, 1, 4);
}

static void put_scopes(struct writer *w, const struct dmar_config *config)
{
	for (size_t i = 0; i < config->scope_count; i++) {
		put(w, SCOPE_PCI_ENDPOINT, 1);
		put(w, SCOPE_LEN, 1);
		put(w, 0, 3); /* flags, reserved, enumeration id */
		put(w, config->scopes[i].bus, 1);
		put(w, config->scopes[i].device, 1);
		put(w, config->scopes[i].function, 1);
	}
}

static void put_structure_head(struct writer *w, unsigned type, size_t len, unsigned flags)
{
	put(w, type, 2);
	put(w, len, 2);
	put(w, flags, 1);
	put(w, 0, 1); /* DRHD: one page of registers */
	put(w, 0, 2); /* segment */
}

static void put_drhd(struct writer *w, const struct dmar_config *config)
{
	put_structure_head(w, STRUCTURE_DRHD, 16 + config->scope_count * SCOPE_LEN, 0);
	put(w, config->register_base, 8);
	put_scopes(w, config);
}

static void fill_length_and_checksum(unsigned char *table, size_t len)
{
	struct writer length = {.at = table + LENGTH_AT};
	unsigned sum = 0;

	put(&length, len, 4);
	for (size_t i = 0; i < len; i++)
		sum += table[i];
	table[CHECKSUM_AT] = (unsigned char)(0u - sum);
}

static bool is_valid(const struct dmar_config *config)
{
	if (config->host_address_width < 12 || config->host_address_width > 64 ||
	    (config->register_base & 0xfff) || !config->scope_count ||
	    config->scope_count > DMAR_SCOPES_MAX)
		return false;
	for (size_t i = 0; i < config->scope_count; i++)
		if (config->scopes[i].device > 31 || config->scopes[i].function > 7)
			return false;
	return true;
}

int dmar_build(const struct dmar_config *config, unsigned char table[DMAR_SIZE_MAX])
{
	struct writer w = {.at = table};

	if (!is_valid(config))
		return -EINVAL;
	put_header(&w);
	put(&w, config->host_address_width - 1, 1);
	put_zeros(&w, DMAR_LEN - HEADER_LEN - 1); /* no interrupt remapping; reserved */
	put_drhd(&w, config);
	if (config->atsr)
		put_structure_head(&w, STRUCTURE_ATSR, 8, ATSR_ALL_PORTS);
	if (config->satc) {
		put_structure_head(&w, STRUCTURE_SATC, 8 + config->scope_count * SCOPE_LEN, 0);
		put_scopes(&w, config);
	}
	fill_length_and_checksum(table, (size_t)(w.at - table));
	return (int)(w.at - table);
}

static int write_all(int fd, const unsigned char *data, size_t len)
{
	while (len) {
		ssize_t count = FAIL_CALL(-1, ENOSPC, write(fd, data, len));

		if (count < 0 && errno != EINTR)
			return -errno;
		if (count > 0) {
			data += count;
			len -= (size_t)count;
		}
	}
	return 0;
}

static int write_and_rename(const char *temporary, const char *path, const unsigned char *table,
			    size_t len)
{
	int rc, fd = FAIL_CALL(-1, EMFILE,
			       open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));

	if (fd < 0)
		return -errno;
	rc = write_all(fd, table, len);
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && FAIL_CALL(-1, ENOSPC, rename(temporary, path)))
		rc = -errno;
	if (rc)
		unlink(temporary);
	return rc;
}

int dmar_write_file(const char *path, const unsigned char *table, size_t len)
{
	char temporary[4096];
	int rc = snprintf(temporary, sizeof(temporary), "%s.new", path);

	if (rc < 0 || (size_t)rc >= sizeof(temporary))
		rc = -ENAMETOOLONG;
	else
		rc = write_and_rename(temporary, path, table, len);
	if (rc)
		log_line(LOG_ERROR, VSVA_CODE_FILE, "%s: %s", path, strerror(-rc));
	return rc;
}

void dmar_watch_init(struct dmar_watch *watch, uint64_t register_base, uint64_t bar_size)
{
	*watch = (struct dmar_watch){.register_base = register_base, .bar_size = bar_size};
}

void dmar_watch_reset(struct dmar_watch *watch)
{
	watch->verdict = DMAR_NOT_PLACED;
}

/* All address bits set: software asks for the size. Linux does that to host bridges with decoding
 * on. */
static bool is_sizing(const struct dmar_watch *watch, uint64_t bar)
{
	const uint64_t in_bar = watch->bar_size - 1;

	return (bar | in_bar) == UINT32_MAX || (bar | in_bar) == UINT64_MAX;
}

/* A 64-bit BAR is sized and written in two halves, so the verdict may be made twice: the last word
 * counts. */
bool dmar_watch_update(struct dmar_watch *watch, const char *vm, bool decoding, uint64_t bar)
{
	enum dmar_verdict verdict = bar == watch->register_base ? DMAR_MATCHES : DMAR_DIFFERS;

	if (!decoding || is_sizing(watch, bar) ||
	    (verdict == watch->verdict && bar == watch->found))
		return false;
	watch->verdict = verdict;
	watch->found = bar;
	if (verdict == DMAR_DIFFERS)
		log_line(LOG_ERROR, VSVA_CODE_DMAR_ADDRESS,
			 "%s: the guest's firmware placed the VT-d registers at 0x%" PRIx64
			 ", the DMAR table says 0x%" PRIx64
			 ": the guest will not find its IOMMU. The place depends on the list of "
			 "devices; write the table with 0x%" PRIx64 " and start the guest again",
			 vm, bar, watch->register_base, bar);
	return true;
}
