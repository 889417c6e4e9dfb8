/* SPDX-License-Identifier: MIT */
/*
 * vsva_walk_fault_name: the fault that a walk ends with, as the specification calls it (VT-d Table 30).
 */
#include "../tables.h"

int main(void)
{
	struct vsva_walk_result result;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	result = tables_walk(&host, host_bind(&host));
	EXPECT(!strcmp(vsva_walk_fault_name(result.fault), "")); /* none */

	result = tables_walk(&host, host_alloc(&host)); /* allocated, and not bound */
	printf("fault %s\n", vsva_walk_fault_name(result.fault));
	EXPECT(!strcmp(vsva_walk_fault_name(result.fault), "SPT.2"));
	host_destroy(&host);
	return 0;
}
