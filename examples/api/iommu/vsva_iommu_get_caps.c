/* SPDX-License-Identifier: MIT */
/*
 * vsva_iommu_get_caps: what the unit can do, for whoever builds a virtual unit on top: it must not
 * offer its guest what the physical one does not have.
 */
#include "../host.h"

int main(void)
{
	struct vsva_iommu_caps caps = {0};
	struct host host;

	host_create(&host);
	vsva_iommu_get_caps(host.iommu, &caps);
	printf("CAP %#" PRIx64 ", ECAP %#" PRIx64 "\n", caps.cap, caps.ecap);
	printf("nesting %d, page requests %d, 5 levels %d, %u bits of guest memory\n", caps.nesting,
	       caps.page_requests, caps.five_level, caps.second_stage_width);
	EXPECT(caps.nesting && caps.page_requests && caps.second_stage_width >= 39);
	host_destroy(&host);
	return 0;
}
