// SPDX-License-Identifier: MIT
/* The DMAR table against bytes written by hand, and the watch over the BAR. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "vmm/server/dmar.h"

static const struct dmar_scope scopes[] = {{0, 6, 0}, {0, 7, 1}};

static const unsigned char full[] = {
	/* ACPI header: signature, length 112, revision, checksum, who made it */
	'D', 'M', 'A', 'R', 0x70, 0, 0, 0, 1, 0x33, 'V', 'S', 'V', 'A', 0, 0, 'V', 'S', 'V', 'A',
	'D', 'M', 'A', 'R', 1, 0, 0, 0, 'V', 'S', 'V', 'A', 1, 0, 0, 0,
	/* width 46, flags, reserved */
	0x2d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* DRHD, 32 bytes, not for all devices, one page, segment 0, 0xfebfe000 */
	0, 0, 0x20, 0, 0, 0, 0, 0, 0x00, 0xe0, 0xbf, 0xfe, 0, 0, 0, 0,
	/* endpoints 00:06.0 and 00:07.1 */
	1, 8, 0, 0, 0, 0, 6, 0, 1, 8, 0, 0, 0, 0, 7, 1,
	/* ATSR, 8 bytes, all ports */
	2, 0, 8, 0, 1, 0, 0, 0,
	/* SATC, 24 bytes */
	5, 0, 0x18, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0, 6, 0, 1, 8, 0, 0, 0, 0, 7, 1};

static void test_dmar_bytes(void **state)
{
	struct dmar_config config = {.host_address_width = 46,
				     .register_base = 0xfebfe000,
				     .scopes = scopes,
				     .scope_count = 2,
				     .atsr = true,
				     .satc = true};
	unsigned char table[DMAR_SIZE_MAX];

	(void)state;
	assert_int_equal(dmar_build(&config, table), sizeof(full));
	assert_memory_equal(table, full, sizeof(full));
}

static unsigned sum_of(const unsigned char *table, int len)
{
	unsigned sum = 0;

	for (int i = 0; i < len; i++)
		sum += table[i];
	return sum & 0xff;
}

static void test_dmar_minimal_and_largest(void **state)
{
	struct dmar_scope many[DMAR_SCOPES_MAX] = {{0, 0, 0}};
	struct dmar_config config = {.host_address_width = 12,
				     .register_base = 0x123456789000,
				     .scopes = many,
				     .scope_count = 1};
	unsigned char table[DMAR_SIZE_MAX];

	(void)state;
	assert_int_equal(dmar_build(&config, table), 72);
	assert_int_equal(table[4], 72);
	assert_int_equal(table[36], 11);
	assert_memory_equal(table + 56, "\x00\x90\x78\x56\x34\x12\x00\x00", 8);
	assert_int_equal(sum_of(table, 72), 0);
	config.scope_count = DMAR_SCOPES_MAX;
	config.satc = config.atsr = true;
	assert_int_equal(dmar_build(&config, table), DMAR_SIZE_MAX);
	assert_int_equal(sum_of(table, DMAR_SIZE_MAX), 0);
}

static void test_dmar_refused(void **state)
{
	static const struct dmar_scope bad_device = {0, 32, 0}, bad_function = {0, 0, 8};
	const struct dmar_config good = {.host_address_width = 46,
					 .register_base = 0x1000,
					 .scopes = scopes,
					 .scope_count = 1};
	struct dmar_config bad[7] = {good, good, good, good, good, good, good};
	unsigned char table[DMAR_SIZE_MAX];

	(void)state;
	bad[0].host_address_width = 11;
	bad[1].host_address_width = 65;
	bad[2].register_base = 0x1800;
	bad[3].scope_count = 0;
	bad[4].scope_count = DMAR_SCOPES_MAX + 1;
	bad[5].scopes = &bad_device;
	bad[6].scopes = &bad_function;
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(dmar_build(&bad[i], table), -EINVAL);
}

static void test_dmar_file(void **state)
{
	char dir[] = "/tmp/vsva-test-XXXXXX", path[64], beside[80];
	unsigned char back[sizeof(full) + 1];
	struct stat st;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/dmar.bin", dir);
	snprintf(beside, sizeof(beside), "%s.new", path);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(dmar_write_file(path, full, sizeof(full)), 0);
		file = fopen(path, "re");
		assert_int_equal(fread(back, 1, sizeof(back), file), sizeof(full));
		fclose(file);
		assert_memory_equal(back, full, sizeof(full));
		assert_int_equal(stat(beside, &st), -1);
	}
	snprintf(path, sizeof(path), "%s/no/dmar.bin", dir);
	assert_int_equal(dmar_write_file(path, full, sizeof(full)), -ENOENT);
	snprintf(path, sizeof(path), "%s/dmar.bin", dir);
	unlink(path);
	rmdir(dir);
}

static unsigned lines;
static char last_line[1024];

static void keep_line(void *arg, enum log_level level, const char *line)
{
	(void)arg;
	(void)level;
	lines++;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

static void test_watch_firmware_that_keeps_the_promise(void **state)
{
	struct dmar_watch watch;

	(void)state;
	lines = 0;
	log_set_sink(keep_line, NULL);
	dmar_watch_init(&watch, 0xfebfe000, 0x1000);
	/* as SeaBIOS does it: size, place, switch on */
	assert_false(dmar_watch_update(&watch, "vm0", false, 0));
	assert_false(dmar_watch_update(&watch, "vm0", false, 0xfffff000));
	assert_false(dmar_watch_update(&watch, "vm0", false, 0xfebfe000));
	assert_int_equal(watch.verdict, DMAR_NOT_PLACED);
	assert_true(dmar_watch_update(&watch, "vm0", true, 0xfebfe000));
	assert_int_equal(watch.verdict, DMAR_MATCHES);
	/* as Linux does it with a host bridge: sizes with decoding on */
	assert_false(dmar_watch_update(&watch, "vm0", true, 0xfffff000));
	assert_false(dmar_watch_update(&watch, "vm0", true, 0xfebfe000));
	assert_int_equal(watch.verdict, DMAR_MATCHES);
	assert_int_equal(lines, 0);
	log_set_sink(NULL, NULL);
}

static void test_watch_firmware_that_does_not(void **state)
{
	struct dmar_watch watch;

	(void)state;
	lines = 0;
	log_set_sink(keep_line, NULL);
	dmar_watch_init(&watch, 0xf4000000, 0x4000000);
	assert_true(dmar_watch_update(&watch, "vm3", true, 0xf8000000));
	assert_int_equal(watch.verdict, DMAR_DIFFERS);
	assert_int_equal(watch.found, 0xf8000000);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(last_line, "vm3: "));
	assert_non_null(strstr(last_line, "placed the VT-d registers at 0xf8000000"));
	assert_non_null(strstr(last_line, "the DMAR table says 0xf4000000"));
	assert_false(dmar_watch_update(&watch, "vm3", true, 0xf8000000)); /* said once */
	assert_false(dmar_watch_update(&watch, "vm3", false, 0xf8000000));
	dmar_watch_reset(&watch);
	assert_true(dmar_watch_update(&watch, "vm3", true, 0xf8000000)); /* once per boot */
	assert_int_equal(lines, 2);
	assert_true(dmar_watch_update(&watch, "vm3", true, 0xf4000000));
	assert_int_equal(watch.verdict, DMAR_MATCHES);
	log_set_sink(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dmar_bytes),
		cmocka_unit_test(test_dmar_minimal_and_largest),
		cmocka_unit_test(test_dmar_refused),
		cmocka_unit_test(test_dmar_file),
		cmocka_unit_test(test_watch_firmware_that_keeps_the_promise),
		cmocka_unit_test(test_watch_firmware_that_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
