/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_put: gives a reference back. The last one stops the KVM, so that the ids that it translated
 * to are free to go.
 */
#include <vsva/kvm.h>

#include "../host.h"

int main(void)
{
	uint32_t with, without;
	struct vsva_kvm *kvm;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_kvm_create(host.iommu, &host, 1, &kvm) == 0);
	id = host_bind(&host);
	vsva_ioasid_state_of(host.space, id, &with);
	vsva_kvm_put(kvm);
	vsva_ioasid_state_of(host.space, id, &without);
	printf("references to the PASID: %" PRIu32 ", then %" PRIu32 "\n", with, without);
	EXPECT(without == with - 1);
	vsva_kvm_put(NULL);
	host_destroy(&host);
	return 0;
}
