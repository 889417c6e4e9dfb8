/* SPDX-License-Identifier: MIT */
/*
 * vsva_attach_rid: a guest has page tables for its device's requests without PASID too; the host
 * nests them. Or it blocks such requests.
 */
#include "../host.h"

int main(void)
{
	struct vsva_rid_config config = {.kind = VSVA_RID_BLOCKED};
	struct host host;

	host_create(&host);
	host_add_device(&host); /* second stage alone: addresses are the guest's physical ones */
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(vsva_attach_rid(host.domain, host.dev, &config) == 0);
	EXPECT(!engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 8));

	host_bind_data(&host, hpasid(0)); /* for the tables that it writes */
	config = (struct vsva_rid_config){
		.kind = VSVA_RID_NESTED, .gpgd = {HOST_ROOT}, .addr_width = 48};
	EXPECT(vsva_attach_rid(host.domain, host.dev, &config) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_GVA, 9));
	EXPECT(*host_word(&host, HOST_PAGE) == 9);
	printf("requests without PASID: through the guest's tables\n");

	config.addr_width = 39;
	EXPECT(vsva_attach_rid(host.domain, host.dev, &config) == -EINVAL);
	host_destroy(&host);
	return 0;
}
