/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_unit_stats: what the unit has done since the beginning: how often a device's accesses
 * made it walk the tables, and how often its IOTLB knew the answer.
 */
#include "../host.h"

int main(void)
{
	struct vsva_unit_stats before, after;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	vsva_machine_unit_stats(host.machine, &before);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE + 8, 8));
	vsva_machine_unit_stats(host.machine, &after);
	printf("walks: %" PRIu64 ", IOTLB hits: %" PRIu64 "\n", after.walks - before.walks,
	       after.iotlb_hits - before.iotlb_hits);
	EXPECT(after.walks == before.walks + 1);
	EXPECT(after.iotlb_hits == before.iotlb_hits + 1);

	/* Beyond the domain's memory: a fault. */
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_MEMORY, 9));
	vsva_machine_unit_stats(host.machine, &after);
	EXPECT(after.faults == before.faults + 1);
	host_destroy(&host);
	return 0;
}
