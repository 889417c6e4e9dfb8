/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_put: gives a reference back; with the last one, close's or a thread's, the handle is
 * gone.
 */
#include "../host.h"

int main(void)
{
	struct vsva_memory_stats before, closed, after;
	struct vsva_container *container;
	struct host host;

	host_create(&host);
	vsva_machine_memory(host.machine, &before);
	EXPECT(vsva_container_open(host.iommu, NULL, &container) == 0);
	vsva_container_get(container);
	EXPECT(vsva_container_close(container) == 0);
	vsva_machine_memory(host.machine, &closed);

	vsva_container_put(container);
	vsva_machine_memory(host.machine, &after);
	printf("records: %" PRIu64 ", closed %" PRIu64 ", put %" PRIu64 "\n", before.records,
	       closed.records, after.records);
	EXPECT(after.records < closed.records);
	host_destroy(&host);
	return 0;
}
