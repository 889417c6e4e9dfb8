// SPDX-License-Identifier: MIT
#include "inspect/registers.h"

#include "vtd/register_list.h"

/* More than a page of registers can hold: 256 fault records and the rest. */
#define REGISTERS_MAX 512u

static struct vsva_register outside(const struct vtd_register_value *from)
{
	return (struct vsva_register){
		.name = from->name,
		.layout = from->width == 128 ? "fault_record" : from->name,
		.offset = from->offset,
		.index = from->index,
		.width = from->width,
		.value = {from->value[0], from->value[1]},
	};
}

size_t inspect_registers(const struct vtd_regfile *rf, struct vsva_register *out, size_t max)
{
	struct vtd_register_value values[REGISTERS_MAX];
	size_t count = vtd_registers_list(rf, values, REGISTERS_MAX);

	for (size_t i = 0; i < count && i < max; i++)
		out[i] = outside(&values[i]);
	return count;
}

void inspect_unit(const struct vtd_regfile *rf, struct vsva_unit_info *out)
{
	uint64_t gsts = rf->dword[VTD_REG_GSTS / 4];

	out->cap = rf->config.cap;
	out->ecap = rf->config.ecap;
	out->root = vtd_regfile_root(rf);
	out->iqa = rf->iqa;
	out->is_translating = vtd_GSTS_TES(gsts);
	out->has_queue = vtd_GSTS_QIES(gsts);
}
