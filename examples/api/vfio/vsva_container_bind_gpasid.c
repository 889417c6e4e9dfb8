/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_bind_gpasid: a guest's page tables become the translation of a PASID on a device of
 * its container.
 */
#include "../container.h"

int main(void)
{
	struct vsva_gpasid_bind_data data;
	struct owner owner;
	struct host *host = &owner.host;
	hpasid_t id;

	owner_open(&owner);
	EXPECT(vsva_container_pasid_alloc(owner.container, &id) == 0);
	data = host_bind_data(host, id);
	EXPECT(vsva_container_bind_gpasid(owner.device, &data) == 0);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 7));
	EXPECT(*host_word(host, HOST_PAGE) == 7);
	printf("the device wrote by a pointer of the guest's\n");

	data = host_bind_data(host, host_alloc(host)); /* a PASID of somebody else's */
	EXPECT(vsva_container_bind_gpasid(owner.device, &data) == -EACCES);
	owner_close(&owner);
	return 0;
}
