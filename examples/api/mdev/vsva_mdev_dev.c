/* SPDX-License-Identifier: MIT */
/*
 * vsva_mdev_dev: the host driver's handle of a mediated device, which is attached to a domain and bound
 * as any device is, though it is only a part of one.
 */
#include "../shared.h"

int main(void)
{
	struct vsva_gpasid_bind_data data;
	struct shared shared;
	struct vsva_dev *dev;

	shared_create(&shared);
	dev = vsva_mdev_dev(shared.mdev);
	EXPECT(dev && vsva_dev_rid(dev).v == vsva_device_rid(shared.accelerator).v);
	shared_open(&shared); /* and attaches it */
	data = host_bind_data(&shared.host, host_alloc(&shared.host));
	EXPECT(vsva_bind_gpasid(shared.host.domain, dev, &data) == 0);
	printf("bound on a part of %04x\n", vsva_dev_rid(dev).v);
	EXPECT(vsva_unbind_gpasid(shared.host.domain, dev, hpasid((uint32_t)data.hpasid)) == 0);
	shared_close(&shared);
	shared_destroy(&shared);
	return 0;
}
