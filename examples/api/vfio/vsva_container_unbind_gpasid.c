/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_unbind_gpasid: the guest has cleared its PASID-table entry: when this has returned
 * the device has no access under the PASID.
 */
#include "../container.h"

int main(void)
{
	struct owner owner;
	struct host *host = &owner.host;
	hpasid_t id;

	owner_open(&owner);
	id = owner_bind(&owner);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 7));
	EXPECT(vsva_container_unbind_gpasid(owner.device, id) == 0);
	EXPECT(!engine_write(host->engine, id.v, HOST_GVA, 8));
	EXPECT(*host_word(host, HOST_PAGE) == 7);
	printf("unbound: the device is refused\n");
	EXPECT(vsva_container_unbind_gpasid(owner.device, id) == 0); /* not bound any more */
	owner_close(&owner);
	return 0;
}
