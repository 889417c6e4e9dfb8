/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_set_adjust: another quota for a set that lives: more for a guest that needs more, less
 * as far as it does not use it.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id;

	host_create(&host); /* with a quota of HOST_QUOTA */
	for (unsigned i = 0; i < HOST_QUOTA; i++)
		host_alloc(&host);
	EXPECT(vsva_ioasid_alloc(host.set, 1, VSVA_PASID_MAX, NULL, &id) == -EDQUOT);

	EXPECT(vsva_ioasid_set_adjust(host.set, HOST_QUOTA + 1) == 0);
	EXPECT(vsva_ioasid_alloc(host.set, 1, VSVA_PASID_MAX, NULL, &id) == 0);
	printf("quota %" PRIu32 ", one more is allocated\n", vsva_ioasid_set_quota(host.set));

	EXPECT(vsva_ioasid_set_adjust(host.set, HOST_QUOTA) == -EBUSY); /* more are in use */
	EXPECT(vsva_ioasid_set_adjust(host.set, 0) == -EINVAL);
	EXPECT(vsva_ioasid_set_adjust(host.set, VSVA_PASID_MAX + 1) == -ENOSPC);
	host_destroy(&host);
	return 0;
}
