/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_detach_gpasid: the guest's number is taken from an id and can be given to another, but
 * not while something is bound under it.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	struct vsva_gpasid_bind_data data;
	hpasid_t id, another;

	host_create(&host);
	host_add_device(&host);
	another = host_alloc(&host);
	id = host_alloc(&host);
	EXPECT(vsva_ioasid_attach_gpasid(host.set, id, gpasid(HOST_GUEST)) == 0);
	data = host_bind_data(&host, id);
	EXPECT(vsva_bind_gpasid(host.domain, host.dev, &data) == 0);
	EXPECT(vsva_ioasid_detach_gpasid(host.set, id) == -EBUSY);

	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, id) == 0);
	EXPECT(vsva_ioasid_detach_gpasid(host.set, id) == 0);
	EXPECT(vsva_ioasid_attach_gpasid(host.set, another, gpasid(HOST_GUEST)) == 0);
	printf("guest PASID %u has moved to another id\n", HOST_GUEST);
	EXPECT(vsva_ioasid_detach_gpasid(host.set, id) == -ENOENT);
	host_destroy(&host);
	return 0;
}
