/* SPDX-License-Identifier: MIT */
/*
 * vsva_free_policy_parse: the policy from a command line or a configuration.
 */
#include "../host.h"

int main(void)
{
	struct vsva_container_options options = {0};
	struct vsva_container *container;
	struct host host;

	host_create(&host);
	EXPECT(vsva_free_policy_parse("unbinds-first", &options.policy) == 0);
	EXPECT(options.policy == VSVA_FREE_UNBINDS_FIRST);
	EXPECT(vsva_container_open(host.iommu, &options, &container) == 0);
	printf("a container that %s\n", vsva_free_policy_name(vsva_container_policy(container)));
	EXPECT(vsva_container_close(container) == 0);

	EXPECT(vsva_free_policy_parse("unbinds-last", &options.policy) == -EINVAL);
	host_destroy(&host);
	return 0;
}
