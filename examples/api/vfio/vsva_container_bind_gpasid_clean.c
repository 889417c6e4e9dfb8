/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_bind_gpasid_clean: a virtual unit binds, and need not pass on what its guest flushes with it
 * if nothing can be cached yet.
 */
#include "../container.h"

int main(void)
{
	struct vsva_gpasid_bind_data data;
	bool is_clean = false;
	struct owner owner;
	struct host *host = &owner.host;
	hpasid_t id;

	owner_open(&owner);
	EXPECT(vsva_container_pasid_alloc(owner.container, &id) == 0);
	data = host_bind_data(host, id);
	EXPECT(vsva_container_bind_gpasid_clean(owner.device, &data, &is_clean) == 0);
	EXPECT(is_clean);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 7));
	EXPECT(*host_word(host, HOST_PAGE) == 7);

	/* one user more of what the device has used meanwhile */
	EXPECT(vsva_container_bind_gpasid_clean(owner.device, &data, &is_clean) == 0);
	EXPECT(!is_clean);
	printf("clean when it was new, and not any more\n");
	owner_close(&owner);
	return 0;
}
