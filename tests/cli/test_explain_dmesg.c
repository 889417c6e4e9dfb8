/* SPDX-License-Identifier: MIT */
/*
 * Boot logs with one defect each: explain names it. The log without a defect, lines that kernel 7.3
 * wrote on `vsva serve`, is the control of all.
 */
#include "unit.h"

#include <string.h>

#include "cli/explain/explain.h"

static const char *const good[] = {
	"[    0.000000] Linux version 7.3.4+deb13-amd64 (debian-kernel@lists.debian.org) #1 SMP",
	"[    0.000000] Command line: console=ttyS0 intel_iommu=on,sm_on setcpuid=movdir64b",
	"[    0.000000] ACPI: DMAR 0x000000001FFE22F6 000058 (v01 VSVA   VSVADMAR 00000001)",
	"[    0.000000] DMAR: IOMMU enabled",
	"[    0.000000] DMAR: Enable scalable mode if hardware supports",
	"[    0.008000] DMAR: Host address width 48",
	"[    0.008000] DMAR: DRHD base: 0x000000f8000000 flags: 0x0",
	("[    0.008000] DMAR: dmar0: reg_base_addr f8000000 ver 6:0 cap 91d20780226f0086 ecap "
	 "4019d9ca00050c7"),
	"[    1.331885] pci 0000:00:06.0: Adding to iommu group 0",
	"[    1.396974] DMAR: Intel(R) Virtualization Technology for Directed I/O",
	"[    4.097051] idxd 0000:00:06.0: Intel(R) Accelerator Device (v100)",
};
#define GOOD_COUNT (sizeof(good) / sizeof(good[0]))

/* The line that has `without` is left out, or `line` stands in its place; without NULL: line comes last. */
struct defect {
	const char *without, *line;
	enum vsva_code code;
};

static enum vsva_code cause_of(const struct defect *defect)
{
	struct explain_chain chain;
	char text[8192];
	size_t len = 0;
	FILE *file;

	for (size_t i = 0; i < GOOD_COUNT; i++) {
		bool is_it = defect->without && strstr(good[i], defect->without);
		const char *line = is_it ? defect->line : good[i];

		if (line)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n", line);
	}
	if (!defect->without && defect->line)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n", defect->line);
	file = fmemopen(text, len, "r");
	assert_non_null(file);
	explain_dmesg(file, &chain);
	fclose(file);
	return explain_chain_cause(&chain);
}

static void expect(struct defect defect)
{
	enum vsva_code code = cause_of(&defect);

	assert_string_equal(code ? vsva_code_name(code) : "none",
			    defect.code ? vsva_code_name(defect.code) : "none");
}

static void test_good_log(void **state)
{
	(void)state;
	expect((struct defect){NULL, NULL, VSVA_CODE_NONE});
}

static void test_la57_guest(void **state)
{
	(void)state;
	expect((struct defect){NULL, "DMAR: dmar0 SVM disabled, incompatible paging mode",
			       VSVA_CODE_KERNEL_LA57});
	/* 4 levels alone stop nobody */
	expect((struct defect){"reg_base_addr",
			       "DMAR: dmar0: reg_base_addr f8000000 ver 6:0 cap 81d20780226f0086 "
			       "ecap 4019d9ca00050c7",
			       VSVA_CODE_NONE});
}

static void test_gigabyte_pages_of_the_processor_alone(void **state)
{
	(void)state;
	expect((struct defect){NULL, "DMAR: dmar0 SVM disabled, incompatible 1GB page capability",
			       VSVA_CODE_KERNEL_1GIB});
}

static void test_kernel_without_sva(void **state)
{
	(void)state;
	expect((struct defect){"Linux version",
			       "Linux version 6.12.48+deb13-amd64 (debian-kernel@lists.debian.org)",
			       VSVA_CODE_KERNEL_SVA_OFF});
	expect((struct defect){"Linux version", "Linux version 6.1.0-44-amd64 (debian-kernel)",
			       VSVA_CODE_KERNEL_SVA_OFF});
	expect((struct defect){"Linux version", "Linux version 5.10.0-32-amd64 (debian-kernel)",
			       VSVA_CODE_KERNEL_TOO_OLD});
	expect((struct defect){"Linux version", "Linux version 6.17.1 (debian-kernel)",
			       VSVA_CODE_NONE});
}

static void test_dmar_address_wrong(void **state)
{
	(void)state;
	expect((struct defect){"reg_base_addr",
			       "DMAR: dmar0: reg_base_addr f4000000 ver 15:15 cap "
			       "ffffffffffffffff ecap ffffffffffffffff",
			       VSVA_CODE_DMAR_ADDRESS});
	expect((struct defect){"reg_base_addr",
			       "DMAR: [Firmware Bug]: Your BIOS is broken; DMAR reported at "
			       "address f4000000 returns all ones!",
			       VSVA_CODE_DMAR_ADDRESS});
	expect((struct defect){"reg_base_addr", NULL, VSVA_CODE_DMAR_ADDRESS});
}

static void test_iommu_not_enabled(void **state)
{
	(void)state;
	expect((struct defect){"IOMMU enabled", NULL, VSVA_CODE_KERNEL_IOMMU_OFF});
}

static void test_scalable_mode_missing(void **state)
{
	(void)state;
	expect((struct defect){NULL, "DMAR: Scalable mode is disallowed", VSVA_CODE_KERNEL_SM_OFF});
}

static void test_smpwc_missing(void **state)
{
	(void)state;
	expect((struct defect){"reg_base_addr",
			       "DMAR: dmar0: reg_base_addr f8000000 ver 6:0 cap 91d20780226f0086 "
			       "ecap 4009d9ca00050c7",
			       VSVA_CODE_CAP_SMPWC});
}

static void test_movdir64b_missing(void **state)
{
	(void)state;
	expect((struct defect){"idxd 0000", "idxd driver failed to load without MOVDIR64B.",
			       VSVA_CODE_IDXD_MOVDIR64B});
	/* a note only: dedicated queues do without */
	expect((struct defect){NULL, "Platform does not have ENQCMD(S) support.", VSVA_CODE_NONE});
}

static void test_driver_complains(void **state)
{
	(void)state;
	expect((struct defect){NULL, "idxd 0000:00:06.0: Unable to turn on user SVA feature.",
			       VSVA_CODE_IDXD_SVA_OFF});
	expect((struct defect){NULL, "idxd 0000:00:06.0: User forced SVA off via module param.",
			       VSVA_CODE_IDXD_SVA_PARAM});
	expect((struct defect){NULL, "idxd 0000:00:06.0: No in-kernel DMA with PASID. -95",
			       VSVA_CODE_IDXD_PASID});
}

/* What other kernels say of the same. */
static void test_other_words(void **state)
{
	static const struct {
		const char *line;
		enum vsva_code code;
	} said[] = {
		{"DMAR: No 5-level paging support for first-level", VSVA_CODE_KERNEL_LA57},
		{"DMAR: IOMMU disabled", VSVA_CODE_KERNEL_IOMMU_OFF},
		{"DMAR: [Firmware Bug]: Your BIOS is broken; DMAR reported at address fed90000 "
		 "returns all ones!",
		 VSVA_CODE_DMAR_ADDRESS},
		{"DMAR hardware is malfunctioning", VSVA_CODE_DMAR_ADDRESS},
		{"idxd 0000:00:06.0: Unable to turn on SVA feature.", VSVA_CODE_IDXD_SVA_OFF},
		{"idxd 0000:00:06.0: Failed to enable PASID. No SVA support: -95",
		 VSVA_CODE_IDXD_PASID},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		expect((struct defect){NULL, said[i].line, said[i].code});
}

static void test_device_out_of_scope(void **state)
{
	(void)state;
	expect((struct defect){"iommu group", NULL, VSVA_CODE_DMAR_SCOPE});
}

static void test_no_dmar_table(void **state)
{
	(void)state;
	expect((struct defect){NULL, "DMAR: No DMAR devices found", VSVA_CODE_DMAR_MISSING});
}

static void test_no_log(void **state)
{
	(void)state;
	expect((struct defect){"Linux version", NULL, VSVA_CODE_LOG_UNKNOWN});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_log),
		cmocka_unit_test(test_la57_guest),
		cmocka_unit_test(test_gigabyte_pages_of_the_processor_alone),
		cmocka_unit_test(test_kernel_without_sva),
		cmocka_unit_test(test_dmar_address_wrong),
		cmocka_unit_test(test_iommu_not_enabled),
		cmocka_unit_test(test_scalable_mode_missing),
		cmocka_unit_test(test_smpwc_missing),
		cmocka_unit_test(test_movdir64b_missing),
		cmocka_unit_test(test_driver_complains),
		cmocka_unit_test(test_other_words),
		cmocka_unit_test(test_device_out_of_scope),
		cmocka_unit_test(test_no_dmar_table),
		cmocka_unit_test(test_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
