// SPDX-License-Identifier: MIT
/*
 * A boot log of Linux: what its kernel says about the IOMMU and the accelerator, and what it would have
 * said. The conditions are those of drivers/iommu/intel and drivers/dma/idxd.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/explain/explain.h"

struct log {
	unsigned version, patch;
	char release[40];
	char command_line[512];
	bool has_linux, has_dmar_table, has_iommu, has_scalable, has_unit, has_group, has_idxd;
	uint64_t cap, ecap;
	/* what a line says is wrong */
	bool says[VSVA_CODE_END];
	char fault[160]; /* the first */
	unsigned faults;
};

/* What a kernel says, and what that means. */
static const struct {
	const char *text;
	enum vsva_code code;
} complaints[] = {
	{"SVM disabled, incompatible paging mode", VSVA_CODE_KERNEL_LA57},
	{"No 5-level paging support for first-level", VSVA_CODE_KERNEL_LA57},
	{"SVM disabled, incompatible 1GB page capability", VSVA_CODE_KERNEL_1GIB},
	{"Scalable mode is disallowed", VSVA_CODE_KERNEL_SM_OFF},
	{"DMAR: IOMMU disabled", VSVA_CODE_KERNEL_IOMMU_OFF},
	{"No DMAR devices found", VSVA_CODE_DMAR_MISSING},
	{"DMAR reported at address", VSVA_CODE_DMAR_ADDRESS},
	{"DMAR hardware is malfunctioning", VSVA_CODE_DMAR_ADDRESS},
	{"idxd driver failed to load without MOVDIR64B", VSVA_CODE_IDXD_MOVDIR64B},
	{"Platform does not have ENQCMD(S) support", VSVA_CODE_IDXD_ENQCMD},
	{"Unable to turn on user SVA feature", VSVA_CODE_IDXD_SVA_OFF},
	{"Unable to turn on SVA feature", VSVA_CODE_IDXD_SVA_OFF},
	{"User forced SVA off via module param", VSVA_CODE_IDXD_SVA_PARAM},
	{"No in-kernel DMA with PASID", VSVA_CODE_IDXD_PASID},
	{"Failed to enable PASID. No SVA support", VSVA_CODE_IDXD_PASID},
};

/* Reading */

static void take_version(struct log *log, const char *at)
{
	char *end;

	log->has_linux = true;
	snprintf(log->release, sizeof(log->release), "%.*s", (int)strcspn(at, " \n"), at);
	log->version = (unsigned)strtoul(at, &end, 10);
	if (*end == '.')
		log->patch = (unsigned)strtoul(end + 1, NULL, 10);
}

static const char *after(const char *line, const char *text)
{
	const char *at = strstr(line, text);

	return at ? at + strlen(text) : NULL;
}

/* "DMAR: dmar0: reg_base_addr f8000000 ver 6:0 cap 91d… ecap 401…": the last that has PASIDs counts,
 * else the last. */
static void take_unit(struct log *log, const char *line)
{
	const char *cap = after(line, " cap "), *ecap = after(line, " ecap ");
	uint64_t value = ecap ? strtoull(ecap, NULL, 16) : 0;

	if (!cap || !ecap || (log->has_unit && log->ecap >> 40 & 1))
		return;
	log->has_unit = true;
	log->cap = strtoull(cap, NULL, 16);
	log->ecap = value;
}

static void take_fault(struct log *log, const char *line)
{
	const char *at = strstr(line, "DMAR: [");

	if (!at || !strstr(at, "fault reason"))
		return;
	if (!log->faults++)
		snprintf(log->fault, sizeof(log->fault), "%.*s", (int)strcspn(at, "\r\n"), at);
}

static void take_line(struct log *log, const char *line)
{
	const char *at = after(line, "Linux version ");

	if (at && !log->has_linux)
		take_version(log, at);
	at = after(line, "ommand line: ");
	if (at)
		snprintf(log->command_line, sizeof(log->command_line), "%s", at);
	log->has_dmar_table |= strstr(line, "ACPI: DMAR ") || strstr(line, "DMAR: DRHD base");
	log->has_iommu |=
		strstr(line, "DMAR: IOMMU enabled") || strstr(line, "Intel-IOMMU: enabled");
	log->has_scalable |= strstr(line, "Enable scalable mode if hardware supports") ||
			     strstr(line, "scalable mode supported");
	log->has_group |= strstr(line, "Adding to iommu group") != NULL;
	log->has_idxd |= strstr(line, "idxd") && !strstr(line, "ommand line:");
	if (strstr(line, "reg_base_addr"))
		take_unit(log, line);
	take_fault(log, line);
	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
		if (strstr(line, complaints[i].text))
			log->says[complaints[i].code] = true;
}

/* Judging */

/* The series that stable released with SVA switched off on x86, because its kernel mappings left
 * entries behind in IOTLBs. */
static bool is_switched_off(const struct log *log)
{
	return log->version == 6 && (log->patch == 1 || log->patch == 6 || log->patch == 12);
}

static void check_kernel(struct explain_chain *chain, const struct log *log)
{
	explain_link_add(chain, log->has_linux, VSVA_CODE_LOG_UNKNOWN, "log", "%s",
			 log->has_linux ? "a boot log of Linux" : "no line of a kernel");
	if (!log->has_linux)
		return;
	if (is_switched_off(log))
		explain_link_add(chain, false, VSVA_CODE_KERNEL_SVA_OFF, "kernel", "Linux %s",
				 log->release);
	else
		explain_link_add(chain, log->version > 6 || (log->version == 6 && log->patch > 1),
				 VSVA_CODE_KERNEL_TOO_OLD, "kernel", "Linux %s", log->release);
}

static void check_iommu(struct explain_chain *chain, const struct log *log)
{
	bool is_on = log->has_iommu && !log->says[VSVA_CODE_KERNEL_IOMMU_OFF];
	bool is_scalable = !log->says[VSVA_CODE_KERNEL_SM_OFF] &&
			   (log->has_scalable || strstr(log->command_line, "sm_on"));

	explain_link_add(chain, log->has_dmar_table && !log->says[VSVA_CODE_DMAR_MISSING],
			 VSVA_CODE_DMAR_MISSING, "DMAR table", "from the firmware");
	explain_link_add(chain, is_on, VSVA_CODE_KERNEL_IOMMU_OFF, "intel_iommu=on",
			 "the kernel says \"DMAR: IOMMU enabled\"");
	explain_link_add(chain, is_scalable, VSVA_CODE_KERNEL_SM_OFF, "intel_iommu=sm_on",
			 "the kernel says \"Enable scalable mode if hardware supports\"");
}

/* Where nothing is, all reads give zeros or ones. */
static void check_unit(struct explain_chain *chain, const struct log *log)
{
	bool is_there = log->has_unit && log->cap && log->cap != UINT64_MAX &&
			!log->says[VSVA_CODE_DMAR_ADDRESS];

	explain_link_add(chain, is_there, VSVA_CODE_DMAR_ADDRESS, "remapping unit",
			 "CAP 0x%" PRIx64 ", ECAP 0x%" PRIx64, log->cap, log->ecap);
	if (is_there)
		explain_capabilities(chain, log->cap, log->ecap);
}

/* A capability that is missing stops Linux only if its processor has the feature, and then it says so. */
static void check_paging(struct explain_chain *chain, const struct log *log)
{
	explain_link_add(chain, !log->says[VSVA_CODE_KERNEL_LA57], VSVA_CODE_KERNEL_LA57,
			 "paging mode", "the processor's levels and the unit's");
	explain_link_add(chain, !log->says[VSVA_CODE_KERNEL_1GIB], VSVA_CODE_KERNEL_1GIB,
			 "1 GiB pages", "the processor's and the unit's");
}

static void check_idxd(struct explain_chain *chain, const struct log *log)
{
	explain_link_add(chain, log->has_group, VSVA_CODE_DMAR_SCOPE, "IOMMU group",
			 "the kernel says \"Adding to iommu group\"");
	explain_link_add(chain, !log->says[VSVA_CODE_IDXD_MOVDIR64B], VSVA_CODE_IDXD_MOVDIR64B,
			 "MOVDIR64B", "what the driver wants of the processor");
	if (!log->has_idxd)
		explain_link_note(chain, VSVA_CODE_IDXD_ABSENT, "idxd", "not in the log");
	if (log->says[VSVA_CODE_IDXD_ENQCMD])
		explain_link_note(chain, VSVA_CODE_IDXD_ENQCMD, "ENQCMD", "not there");
	explain_link_add(chain, !log->says[VSVA_CODE_IDXD_SVA_PARAM], VSVA_CODE_IDXD_SVA_PARAM,
			 "idxd: sva parameter", "not switched off");
	explain_link_add(chain, !log->says[VSVA_CODE_IDXD_SVA_OFF], VSVA_CODE_IDXD_SVA_OFF,
			 "idxd: SVA", "no complaint of the driver");
	explain_link_add(chain, !log->says[VSVA_CODE_IDXD_PASID], VSVA_CODE_IDXD_PASID,
			 "idxd: PASID", "no complaint of the driver");
	if (log->faults)
		explain_link_note(chain, VSVA_CODE_DMAR_FAULT, "faults", "%u; %s", log->faults,
				  log->fault);
}

void explain_dmesg(FILE *file, struct explain_chain *chain)
{
	struct log *log = calloc(1, sizeof(*log));
	char *line = NULL;
	size_t size = 0;

	chain->count = 0;
	while (log && getline(&line, &size, file) >= 0)
		take_line(log, line);
	if (log) {
		check_kernel(chain, log);
		if (log->has_linux) {
			check_iommu(chain, log);
			check_unit(chain, log);
			check_paging(chain, log);
			check_idxd(chain, log);
		}
	}
	free(line);
	free(log);
}
