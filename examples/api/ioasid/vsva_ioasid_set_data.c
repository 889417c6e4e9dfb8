/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_data: replaces what the owner keeps with an id: the process behind a PASID has
 * become another one.
 */
#include "../host.h"

int main(void)
{
	int before = 1, after = 2;
	void *data = NULL;
	struct host host;
	hpasid_t id;

	host_create(&host);
	EXPECT(vsva_ioasid_alloc(host.set, 1, VSVA_PASID_MAX, &before, &id) == 0);
	EXPECT(vsva_ioasid_set_data(host.set, id, &after) == 0);
	EXPECT(vsva_ioasid_find(host.space, host.set, id, &data) == 0 && data == &after);
	printf("private data: %d\n", *(int *)data);

	EXPECT(vsva_ioasid_set_data(host.set, hpasid(id.v + 1), &after) == -ENOENT);
	host_destroy(&host);
	return 0;
}
