/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_close: the guest's owner dies, or gives up, in the middle of everything: PASIDs,
 * bindings, devices and memory all go back, and when it has returned there is no access.
 */
#include "../container.h"

int main(void)
{
	struct vsva_iommu_stats stats;
	struct owner owner;
	struct host *host = &owner.host;
	hpasid_t id;

	owner_open(&owner);
	id = owner_bind(&owner);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 7));

	EXPECT(vsva_container_close(owner.container) == 0); /* nothing was unbound before */
	vsva_iommu_get_stats(host->iommu, &stats);
	EXPECT(stats.bound_now == 0 && stats.domains_now == 0);
	EXPECT(vsva_ioasid_state_of(host->space, id, NULL) == VSVA_IOASID_FREE);
	EXPECT(!engine_write(host->engine, id.v, HOST_GVA, 8));
	EXPECT(*host_word(host, HOST_PAGE) == 7);
	printf("closed: nothing is bound, nothing is reached\n");

	EXPECT(vsva_container_close(NULL) == 0);
	host_destroy(host);
	return 0;
}
