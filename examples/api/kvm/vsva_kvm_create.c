/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_create: a hypervisor's part for one owner of PASIDs: from now on each of its PASIDs that is
 * bound gets a translation for the VM's processors.
 */
#include <vsva/kvm.h>

#include "../host.h"

int main(void)
{
	struct vsva_kvm *kvm;
	struct host host;
	hpasid_t id, out;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_kvm_create(host.iommu, &host, 1, &kvm) == 0); /* &host: the set's token */
	EXPECT(!vsva_kvm_translates(kvm, gpasid(HOST_GUEST), &out));
	id = host_bind(&host);
	EXPECT(vsva_kvm_translates(kvm, gpasid(HOST_GUEST), &out) && out.v == id.v);
	printf("guest PASID %u is %" PRIu32 " in ENQCMD\n", HOST_GUEST, out.v);
	vsva_kvm_put(kvm);

	EXPECT(vsva_kvm_create(host.iommu, NULL, 1, &kvm) == -EINVAL);
	host_destroy(&host);
	return 0;
}
