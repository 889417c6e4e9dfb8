/* SPDX-License-Identifier: MIT */
/*
 * vsva_walk: what would the unit do with this access, and why? It reads a machine's own tables, changes
 * nothing, and names what stops it: here a PASID that nobody has bound.
 */

#include "../tables.h"

int main(void)
{
	struct vsva_walk_result result;
	struct vsva_walk_request request;
	struct vsva_walk_unit unit;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	unit = tables_of(&host);
	request = (struct vsva_walk_request){.rid = vsva_device_rid(host.engine),
					     .pasid = host_bind(&host).v,
					     .address = HOST_GVA + 0x123,
					     .write = true};
	vsva_walk(&unit, &request, &result);
	EXPECT(result.cause == VSVA_CODE_NONE && result.response == VSVA_WALK_SUCCESS);
	EXPECT(result.output == HOST_HPA + HOST_PAGE + 0x123);
	printf("%#" PRIx64 " leads to HPA %#" PRIx64 ", %u steps\n", request.address, result.output,
	       result.step_count);

	request.pasid++;
	vsva_walk(&unit, &request, &result);
	printf("PASID %" PRIu32 ": %s\n", request.pasid, vsva_code_info(result.cause)->what);
	EXPECT(result.cause == VSVA_CODE_PE_ABSENT);
	host_destroy(&host);
	return 0;
}
