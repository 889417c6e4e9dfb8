// SPDX-License-Identifier: MIT
#include <stdio.h>

#include "vsva/walk.h"
#include "vtd/faults.h"
#include "vtd/print.h"
#include "vtd/tables.h"

static const struct {
	const char *name;
	const struct vtd_layout *layout;
} kinds[] = {
	[VSVA_WALK_RTADDR] = {"root table register", &vtd_RTADDR_layout},
	[VSVA_WALK_LEGACY_ROOT] = {"root entry", &vtd_legacy_root_layout},
	[VSVA_WALK_ROOT] = {"root entry", &vtd_root_entry_layout},
	[VSVA_WALK_LEGACY_CONTEXT] = {"context entry", &vtd_legacy_context_layout},
	[VSVA_WALK_CONTEXT] = {"context entry", &vtd_context_entry_layout},
	[VSVA_WALK_PASID_DIR] = {"PASID directory entry", &vtd_pasid_dir_entry_layout},
	[VSVA_WALK_PASID_ENTRY] = {"PASID entry", &vtd_pasid_entry_layout},
	[VSVA_WALK_FIRST_STAGE] = {"first-stage entry", &vtd_FS_PTE_layout},
	[VSVA_WALK_SECOND_STAGE] = {"second-stage entry", &vtd_SS_PTE_layout},
};

int vsva_walk_step_name(const struct vsva_walk_step *step, char *buf, size_t len)
{
	if (!step->level)
		return snprintf(buf, len, "%s", kinds[step->kind].name);
	return snprintf(buf, len, "%s, level %u", kinds[step->kind].name, step->level);
}

int vsva_walk_step_meaning(const struct vsva_walk_step *step, char *buf, size_t len)
{
	struct vtd_root_entry root = {{0, 0}};

	if (!step->readable)
		return snprintf(buf, len, "no memory");
	if (step->kind != VSVA_WALK_ROOT)
		return vtd_print_fields(kinds[step->kind].layout, step->raw, buf, len);
	root.q[(step->at / sizeof(root.q[0])) & 1] = step->raw[0];
	return vtd_print_fields(&vtd_root_entry_layout, root.q, buf, len);
}

const char *vsva_walk_fault_name(uint8_t fault)
{
	return fault ? vtd_fault_name((enum vtd_fault)fault) : "";
}
