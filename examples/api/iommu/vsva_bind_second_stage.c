/* SPDX-License-Identifier: MIT */
/*
 * vsva_bind_second_stage: a PASID whose addresses are guest physical ones: what a guest calls
 * pass-through with PASID.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_alloc(&host);
	EXPECT(vsva_bind_second_stage(host.domain, host.dev, id) == 0);
	EXPECT(engine_write(host.engine, id.v, HOST_PAGE, 7)); /* a GPA */
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("PASID %" PRIu32 " reaches guest physical memory\n", id.v);

	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, id) == 0);
	EXPECT(!engine_write(host.engine, id.v, HOST_PAGE, 8));
	host_destroy(&host);
	return 0;
}
