/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_unmap: takes memory away from the guest's devices, also where a guest's tables lead
 * to it: when it has returned there is no access to it.
 */
#include "../container.h"

int main(void)
{
	struct owner owner;
	struct host *host = &owner.host;
	uint64_t unmapped;
	hpasid_t id;

	owner_open(&owner);
	id = owner_bind(&owner);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 7)); /* nested, and cached */
	EXPECT(vsva_container_unmap(owner.container, gpa(HOST_PAGE), VSVA_PAGE_SIZE, &unmapped) ==
	       0);
	EXPECT(unmapped == VSVA_PAGE_SIZE);
	EXPECT(!engine_write(host->engine, id.v, HOST_GVA, 8));
	EXPECT(*host_word(host, HOST_PAGE) == 7);
	printf("the page is out of reach, by the guest's pointer too\n");
	owner_close(&owner);
	return 0;
}
