/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_pasid_free: the guest gives a PASID up before it unbinds. Under VSVA_FREE_UNBINDS_FIRST
 * the device has no access any more when this returns.
 */
#include "../container.h"

int main(void)
{
	const struct vsva_container_options options = {.policy = VSVA_FREE_UNBINDS_FIRST};
	struct owner owner;
	struct host *host = &owner.host;
	hpasid_t id;

	owner_open(&owner);
	EXPECT(vsva_container_close(owner.container) == 0); /* another one, with that policy */
	EXPECT(vsva_container_open(host->iommu, &options, &owner.container) == 0);
	EXPECT(vsva_container_map(owner.container, gpa(0), hpa(HOST_HPA), HOST_MEMORY,
				  VSVA_PROT_READ | VSVA_PROT_WRITE) == 0);
	EXPECT(vsva_container_add(owner.container, host->dev, &owner.device) == 0);
	id = owner_bind(&owner);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 7));

	EXPECT(vsva_container_pasid_free(owner.container, id) == 0);
	EXPECT(!engine_write(host->engine, id.v, HOST_GVA, 8));
	EXPECT(vsva_container_unbind_gpasid(owner.device, id) == 0); /* too late, and no harm */
	printf("freed: unbound before, and out of reach\n");
	EXPECT(vsva_container_pasid_free(owner.container, id) == 0); /* again: nothing */
	EXPECT(vsva_container_pasid_free(owner.container, hpasid(0)) == -EINVAL);
	owner_close(&owner);
	return 0;
}
