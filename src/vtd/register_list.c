// SPDX-License-Identifier: MIT
#include "vtd/register_list.h"

#include "vtd/regfile_impl.h"

static const struct {
	const char *name;
	uint16_t width, offset;
} fixed[] =
	{
#define AS_ROW(name, width, offset) {#name, width, offset},
		VTD_FIXED_REGISTERS(AS_ROW)},
  relocated[] = {VTD_RELOCATED_REGISTERS(AS_ROW)};

struct output {
	const struct vtd_regfile *rf;
	struct vtd_register_value *out;
	size_t max, count;
};

static void put(struct output *output, const char *name, unsigned index, unsigned width,
		unsigned offset)
{
	const struct vtd_regfile *rf = output->rf;
	struct vtd_register_value *to = &output->out[output->count];

	if (output->count++ >= output->max)
		return;
	*to = (struct vtd_register_value){.name = name,
					  .offset = (uint16_t)offset,
					  .index = (uint8_t)index,
					  .width = (uint8_t)width};
	to->value[0] = width == 32 ? regfile_get32(rf, offset) : regfile_get64(rf, offset);
	if (width == 128)
		to->value[1] = regfile_get64(rf, offset + 8);
}

size_t vtd_registers_list(const struct vtd_regfile *rf, struct vtd_register_value *out, size_t max)
{
	struct output output = {.rf = rf, .out = out, .max = max};
	uint64_t cap = rf->config.cap, ecap = rf->config.ecap;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		put(&output, fixed[i].name, 0, fixed[i].width, fixed[i].offset);
	for (size_t i = 0; i < sizeof(relocated) / sizeof(relocated[0]); i++)
		put(&output, relocated[i].name, 0, relocated[i].width,
		    (unsigned)vtd_ECAP_IRO(ecap) * 16u + relocated[i].offset);
	for (unsigned i = 0; i < vtd_frcd_count(cap); i++)
		put(&output, "FRCD", i, 128, vtd_frcd_offset(cap, i));
	return output.count;
}
