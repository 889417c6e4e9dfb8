/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_registers: all registers of a unit as they were at one moment, and what they mean.
 */
#include <vsva/describe.h>
#include <vsva/inspect.h>

#include "../tenant.h"

int main(void)
{
	struct vsva_register registers[64];
	struct tenant tenant;
	bool is_on = false;
	char line[512];
	size_t count;

	tenant_create(&tenant);
	count = vsva_inspect_registers(tenant.machine, vsva_vm_number(tenant.vm), registers, 64);
	EXPECT(count > 0 && count <= 64);
	for (size_t i = 0; i < count; i++) {
		if (registers[i].width > 64)
			continue; /* a fault record */
		vsva_describe_line(vsva_layout_find(registers[i].layout), registers[i].value, line,
				   sizeof(line));
		printf("%-10s %s\n", registers[i].name, line);
		is_on |= !strcmp(registers[i].name, "GSTS") && strstr(line, "TES=1");
	}
	EXPECT(is_on);
	EXPECT(vsva_inspect_registers(tenant.machine, 999, registers, 64) == 0); /* no such VM */
	tenant_destroy(&tenant);
	return 0;
}
