/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_bind_second_stage: a PASID by which a device reaches the guest's physical memory:
 * what the guest calls pass-through.
 */
#include "../container.h"

int main(void)
{
	struct owner owner;
	struct host *host = &owner.host;
	hpasid_t id;

	owner_open(&owner);
	EXPECT(vsva_container_pasid_alloc(owner.container, &id) == 0);
	EXPECT(vsva_container_bind_second_stage(owner.device, id) == 0);
	EXPECT(engine_write(host->engine, id.v, HOST_PAGE, 7)); /* by a guest physical address */
	EXPECT(*host_word(host, HOST_PAGE) == 7);
	printf("the device wrote to guest physical memory\n");
	EXPECT(vsva_container_unbind_gpasid(owner.device, id) == 0);
	owner_close(&owner);
	return 0;
}
