/* SPDX-License-Identifier: MIT */
/*
 * vsva_guest_mmio_write: a hostile guest writes what it likes into the virtual unit's registers: here
 * the tail of its queue, out of it. The VM lives on.
 */
#include "../tenant.h"

#define IQT  0x88u
#define FSTS 0x34u
#define IQE  UINT64_C(0x10)

int main(void)
{
	struct tenant tenant;
	uint64_t status;

	tenant_create(&tenant);
	EXPECT(vsva_guest_mmio_write(tenant.guest, IQT, 8, 0x7fff0) == 0);
	vsva_machine_run_idle(tenant.machine, 10000);
	EXPECT(vsva_viommu_read(tenant.vm, FSTS, 4, &status) == 0);
	printf("FSTS %#" PRIx64 ": invalidation queue error\n", status);
	EXPECT(status & IQE);

	EXPECT(vsva_guest_mmio_write(tenant.guest, IQT + 1, 8, 0) == -EINVAL);
	EXPECT(vsva_guest_reboot(tenant.guest) == 0);
	tenant_destroy(&tenant);
	return 0;
}
