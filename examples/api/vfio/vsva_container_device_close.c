/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_device_close: a device leaves the guest: what is bound on it is unbound, and it
 * reaches nothing. The guest's PASIDs and its other devices stay.
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
	EXPECT(vsva_container_device_close(owner.device) == 0);
	EXPECT(!engine_write(host->engine, id.v, HOST_GVA, 8));
	EXPECT(!engine_write(host->engine, WITHOUT_PASID, HOST_PAGE, 8));
	EXPECT(*host_word(host, HOST_PAGE) == 7);
	EXPECT(vsva_ioasid_state_of(host->space, id, NULL) == VSVA_IOASID_IDLE);
	printf("the device has left, the PASID is still the guest's\n");
	EXPECT(vsva_container_device_close(NULL) == 0);
	owner_close(&owner);
	return 0;
}
