/* SPDX-License-Identifier: MIT */
/*
 * vsva_unbind_gpasid: drops one user of a binding; with the last it is torn down, and when that has
 * returned the device has no access. The PASID stays allocated.
 */
#include "../host.h"

int main(void)
{
	struct vsva_gpasid_bind_data data;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	data = host_bind_data(&host, id);
	EXPECT(vsva_bind_gpasid(host.domain, host.dev, &data) == 0); /* a second user */
	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, id) == 0);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 7));

	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, id) == 0);
	EXPECT(!engine_write(host.engine, id.v, HOST_GVA, 8));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	EXPECT(vsva_ioasid_state_of(host.space, id, NULL) == VSVA_IOASID_IDLE);
	printf("unbound: the device is refused\n");

	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, id) == 0); /* too late, and no harm */
	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, hpasid(0)) == -EINVAL);
	host_destroy(&host);
	return 0;
}
