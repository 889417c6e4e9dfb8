/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_get_stats: how many translations there are, and how often a processor found none.
 */
#include "../cpu.h"

int main(void)
{
	struct vsva_kvm_stats stats = {0};
	struct vsva_vmx_exit exit;
	struct cpu cpu;

	cpu_create(&cpu);
	EXPECT(cpu_enqcmd(&cpu, &exit) == -ENOENT);
	host_bind(&cpu.host);
	EXPECT(cpu_enqcmd(&cpu, &exit) == 0);
	vsva_kvm_get_stats(cpu.kvm, &stats);
	printf("%" PRIu64 " translation, %" PRIu64 " exit\n", stats.translations_now, stats.exits);
	EXPECT(stats.translations_now == 1 && stats.exits == 1 && stats.missing == 0);
	cpu_destroy(&cpu);
	return 0;
}
