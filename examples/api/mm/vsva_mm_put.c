/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_put: gives a reference back. With the last one the address space exits, and its memory is
 * freed.
 */
#include "../native.h"

int main(void)
{
	struct vsva_memory_stats before, used, after;
	struct vsva_mm *mm;
	struct host host;
	uva_t address;

	host_create(&host);
	vsva_machine_memory(host.machine, &before);
	EXPECT(vsva_mm_create(host.iommu, 0, &mm) == 0);
	EXPECT(vsva_mm_map(mm, uva(0), VSVA_PAGE_SIZE, VSVA_PROT_READ, &address) == 0);
	EXPECT(vsva_mm_fault_in(mm, address, false) == 0);
	vsva_machine_memory(host.machine, &used);
	vsva_mm_put(mm);
	vsva_machine_memory(host.machine, &after);
	printf("pages: %" PRIu64 ", then %" PRIu64 ", then %" PRIu64 "\n", before.table_pages,
	       used.table_pages, after.table_pages);
	EXPECT(used.table_pages > before.table_pages && after.table_pages == before.table_pages);
	vsva_mm_put(NULL);
	host_destroy(&host);
	return 0;
}
