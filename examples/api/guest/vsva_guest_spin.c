/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_spin: a guest sits in its invalidation queue and answers no page request meanwhile. The
 * accelerator has to wait for its page, and nobody for the guest.
 */
#include "../tenant.h"

int main(void)
{
	struct vsva_vm_stats before, after;
	struct vsva_dsa_descriptor move;
	struct tenant tenant;

	tenant_create(&tenant);
	move = tenant_descriptor(&tenant);
	vsva_vm_get_stats(tenant.vm, &before);
	EXPECT(vsva_process_submit(tenant.process, tenant.accelerator, &move, true) == 0);
	EXPECT(vsva_guest_spin(tenant.process, tenant.accelerator, 5) == 0);
	vsva_vm_get_stats(tenant.vm, &after);
	printf("%" PRIu64 " descriptors in 5 rounds\n", after.descriptors - before.descriptors);
	EXPECT(after.descriptors >= before.descriptors + 5);

	EXPECT(vsva_process_wait(tenant.process, tenant.record, NULL) == VSVA_DSA_SUCCESS);
	EXPECT(vsva_process_unbind(tenant.process, tenant.accelerator) == 0);
	EXPECT(vsva_guest_spin(tenant.process, tenant.accelerator, 1) == -ENOENT);
	tenant_destroy(&tenant);
	return 0;
}
