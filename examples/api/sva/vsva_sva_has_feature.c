/* SPDX-License-Identifier: MIT */
/*
 * vsva_sva_has_feature: could this device use a process' addresses? A driver asks before it offers
 * that to anybody.
 */
#include "../native.h"

int main(void)
{
	struct host host;

	host_create(&host);
	host_add_engine(&host);
	EXPECT(vsva_sva_has_feature(host.dev));
	printf("the device has PASIDs, ATS and page requests, and so has the unit\n");
	EXPECT(vsva_sva_enable(host.dev) == -EINVAL); /* has it, but is attached nowhere */
	host_destroy(&host);
	return 0;
}
