/* SPDX-License-Identifier: MIT */
/*
 * vsva_bind_gpasid: the heart of it: a guest's page tables become the translation of one PASID on one
 * device, nested on the domain's second stage.
 */
#include "../host.h"

int main(void)
{
	struct vsva_gpasid_bind_data data;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_alloc(&host);
	data = host_bind_data(&host, id); /* guest PASID 42, root of the first stage, 48 bits */
	EXPECT(!engine_write(host.engine, id.v, HOST_GVA, 7));
	EXPECT(vsva_bind_gpasid(host.domain, host.dev, &data) == 0);
	EXPECT(engine_write(host.engine, id.v, HOST_GVA, 7));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("the device wrote by a pointer of guest PASID %" PRIu64 "\n", data.gpasid);

	EXPECT(vsva_bind_gpasid(host.domain, host.dev, &data) == 0); /* the same: one user more */
	data.gpgd += VSVA_PAGE_SIZE;
	EXPECT(vsva_bind_gpasid(host.domain, host.dev, &data) == -EBUSY); /* other data */
	data.gpgd |= 1;
	EXPECT(vsva_bind_gpasid(host.domain, host.dev, &data) == -EINVAL);
	data = host_bind_data(&host, hpasid(id.v + 1));
	EXPECT(vsva_bind_gpasid(host.domain, host.dev, &data) == -ENOENT); /* not allocated */
	host_destroy(&host);
	return 0;
}
