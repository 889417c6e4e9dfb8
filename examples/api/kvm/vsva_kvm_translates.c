/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_translates: has a guest PASID a translation for the VM's processors, and to what? It goes at
 * once when the PASID is freed, before anybody else hears of it.
 */
#include "../cpu.h"

int main(void)
{
	const gpasid_t guest = {HOST_GUEST};
	struct cpu cpu;
	hpasid_t id, out;

	cpu_create(&cpu);
	EXPECT(!vsva_kvm_translates(cpu.kvm, guest, &out));
	id = host_bind(&cpu.host);
	EXPECT(vsva_kvm_translates(cpu.kvm, guest, &out) && out.v == id.v);
	printf("guest PASID %" PRIu32 " is host PASID %" PRIu32 "\n", guest.v, out.v);

	EXPECT(vsva_ioasid_free(cpu.host.set, id) == 0);
	EXPECT(!vsva_kvm_translates(cpu.kvm, guest, &out));
	cpu_destroy(&cpu);
	return 0;
}
