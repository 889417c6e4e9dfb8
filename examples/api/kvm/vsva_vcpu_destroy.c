/* SPDX-License-Identifier: MIT */
/*
 * vsva_vcpu_destroy: the processor goes, and with it its reference on the KVM: here the last one, so
 * that the KVM holds no PASID any more.
 */
#include "../cpu.h"

static uint32_t references(struct vsva_ioasid_space *space, hpasid_t id)
{
	uint32_t count;

	vsva_ioasid_state_of(space, id, &count);
	return count;
}

int main(void)
{
	uint32_t before;
	struct cpu cpu;
	hpasid_t id;

	cpu_create(&cpu);
	id = host_bind(&cpu.host);
	vsva_kvm_put(cpu.kvm); /* the vCPU has a reference of its own */
	before = references(cpu.host.space, id);
	vsva_vcpu_destroy(cpu.vcpu);
	printf("references to the PASID: %" PRIu32 ", then %" PRIu32 "\n", before,
	       references(cpu.host.space, id));
	EXPECT(references(cpu.host.space, id) == before - 1);
	vsva_vcpu_destroy(NULL);
	host_destroy(&cpu.host);
	return 0;
}
