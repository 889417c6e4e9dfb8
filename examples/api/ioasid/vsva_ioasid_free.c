/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_free: gives a PASID up, bound or not, and never waits. Whoever has it in hardware hears
 * of it; the number is not given out again before all have let go.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 7));

	EXPECT(vsva_ioasid_free(host.set, id) == 0); /* before it was unbound */
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) == VSVA_IOASID_FREE_PENDING);
	vsva_machine_run_idle(host.machine, 1000); /* the second phase: the driver unbinds it */
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) == VSVA_IOASID_FREE);
	EXPECT(!engine_write(host.engine, id.v, HOST_GVA, 8));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("reclaimed, and the device has no access\n");

	EXPECT(vsva_ioasid_free(host.set, id) == 0); /* again: nothing */
	EXPECT(vsva_ioasid_free(host.set, hpasid(0)) == -EINVAL);
	host_destroy(&host);
	return 0;
}
