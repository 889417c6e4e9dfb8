/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_memory: what the library uses now: its own records, and pages of tables in the
 * architecture's format. A device that is attached has tables; when it has gone they have too.
 */
#include "../host.h"

int main(void)
{
	struct vsva_memory_stats before = {0}, attached = {0}, after = {0};
	struct host host;

	host_create(&host);
	vsva_machine_memory(host.machine, &before);
	host_add_device(&host);
	vsva_machine_memory(host.machine, &attached);
	printf("tables: %" PRIu64 " pages, then %" PRIu64 "\n", before.table_pages,
	       attached.table_pages);
	EXPECT(before.record_bytes > 0 && attached.table_pages > before.table_pages);

	EXPECT(vsva_domain_detach(host.domain, host.dev) == 0);
	EXPECT(vsva_domain_free(host.domain) == 0);
	host.domain = NULL;
	EXPECT(vsva_device_destroy(host.engine) == 0);
	vsva_machine_memory(host.machine, &after);
	printf("afterwards: %" PRIu64 "\n", after.table_pages);
	EXPECT(after.table_pages < attached.table_pages);
	host_destroy(&host);
	return 0;
}
