/* SPDX-License-Identifier: MIT */
/*
 * vsva_process_submit: the process hands a descriptor to the accelerator: with MOVDIR64B to the
 * dedicated queue, which is given its PASID first, or with ENQCMD to the shared one.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_dsa_descriptor fill;
	struct tenant tenant;
	uint64_t value;

	tenant_create(&tenant);
	fill = tenant_descriptor(&tenant);
	fill.flags_opcode = (fill.flags_opcode & 0xffffff) | (uint32_t)VSVA_DSA_FILL << 24;
	for (unsigned shared = 0; shared < 2; shared++) {
		fill.source = 7 + shared; /* the pattern */
		fill.completion = tenant_map(&tenant).v;
		EXPECT(vsva_process_submit(tenant.process, tenant.accelerator, &fill, shared) == 0);
		EXPECT(vsva_process_wait(tenant.process, gva(fill.completion), NULL) ==
		       VSVA_DSA_SUCCESS);
		value = tenant_result(&tenant);
		printf("%s queue: %" PRIu64 "\n", shared ? "shared" : "dedicated", value);
		EXPECT(value == 7 + shared);
	}
	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0);
	EXPECT(vsva_process_submit(tenant.process, tenant.accelerator, &fill, true) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
