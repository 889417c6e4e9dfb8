/* SPDX-License-Identifier: MIT */
/*
 * vsva_flush_sequence: what a guest's driver puts before one wait goes to the unit as it stands, IOTLB and
 * device TLB, and is waited for once.
 */
#include "../host.h"

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_ATS;
	const uint64_t new_page = HOST_PAGE + VSVA_PAGE_SIZE;
	struct vsva_flush_step steps[2] = {{.kind = VSVA_FLUSH_IOTLB},
					   {.kind = VSVA_FLUSH_DEVICE_TLB}};
	struct vsva_unit_stats before, after;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	for (int i = 0; i < 2; i++) {
		steps[i].dev = host.dev;
		steps[i].flush.addr = HOST_GVA;
	}
	steps[0].flush.pasid = steps[1].flush.pasid = host_bind(&host);
	EXPECT(engine_run(host.engine, command, steps[0].flush.pasid.v, HOST_GVA, 7));
	host_set_page(&host, HOST_GVA, new_page);
	vsva_machine_unit_stats(host.machine, &before);
	EXPECT(vsva_flush_sequence(steps, 2) == 0);
	vsva_machine_unit_stats(host.machine, &after);
	EXPECT(engine_run(host.engine, command, steps[0].flush.pasid.v, HOST_GVA, 8));
	EXPECT(*host_word(&host, HOST_PAGE) == 7 && *host_word(&host, new_page) == 8);
	printf("two invalidations, %llu wait\n", (unsigned long long)(after.waits - before.waits));
	EXPECT(after.waits - before.waits == 1);
	host_destroy(&host);
	return 0;
}
