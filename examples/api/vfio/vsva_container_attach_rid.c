/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_attach_rid: what requests without PASID of a device meet: here the page tables of
 * the guest's kernel.
 */
#include "../container.h"

int main(void)
{
	const struct vsva_rid_config nested = {
		.kind = VSVA_RID_NESTED, .gpgd = {HOST_ROOT}, .addr_width = 48};
	const struct vsva_rid_config blocked = {.kind = VSVA_RID_BLOCKED};
	struct owner owner;
	struct host *host = &owner.host;

	owner_open(&owner);
	host_bind_data(host, hpasid(0)); /* for the tables that it writes */
	EXPECT(vsva_container_attach_rid(owner.device, &nested) == 0);
	EXPECT(engine_write(host->engine, WITHOUT_PASID, HOST_GVA, 7));
	EXPECT(*host_word(host, HOST_PAGE) == 7);
	EXPECT(vsva_container_attach_rid(owner.device, &blocked) == 0);
	EXPECT(!engine_write(host->engine, WITHOUT_PASID, HOST_GVA, 8));
	printf("through the guest's tables, then not at all\n");
	owner_close(&owner);
	return 0;
}
