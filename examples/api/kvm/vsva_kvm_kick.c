/* SPDX-License-Identifier: MIT */
/*
 * vsva_kvm_kick: waits until no processor is inside an instruction that began before: what it may have
 * in hand, a translation or an old IA32_PASID, is in no device's hands later than this.
 */
#include <pthread.h>

#include "../cpu.h"

struct store {
	bool has_begun, may_end, has_ended; /* atomic */
};

/* A device that takes its time over an enqueue. */
static int slow_portal(void *arg, uint64_t offset, const void *bytes)
{
	struct store *store = arg;

	(void)offset;
	(void)bytes;
	__atomic_store_n(&store->has_begun, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&store->may_end, __ATOMIC_ACQUIRE))
		usleep(100);
	__atomic_store_n(&store->has_ended, true, __ATOMIC_RELEASE);
	return 0;
}

static void *execute(void *cpu)
{
	EXPECT(cpu_enqcmd(cpu, NULL) == 0);
	return NULL;
}

static void *let_end(void *arg)
{
	__atomic_store_n(&((struct store *)arg)->may_end, true, __ATOMIC_RELEASE);
	return NULL;
}

int main(void)
{
	struct store store = {0};
	pthread_t processor, device;
	struct cpu cpu;

	cpu_create(&cpu);
	host_bind(&cpu.host);
	cpu.portal = (struct vsva_portal){slow_portal, &store};
	EXPECT(pthread_create(&processor, NULL, execute, &cpu) == 0);
	while (!__atomic_load_n(&store.has_begun, __ATOMIC_ACQUIRE))
		usleep(100);
	EXPECT(pthread_create(&device, NULL, let_end, &store) == 0);
	vsva_kvm_kick(cpu.kvm);
	EXPECT(__atomic_load_n(&store.has_ended, __ATOMIC_ACQUIRE));
	printf("the processor has left the instruction\n");
	pthread_join(processor, NULL);
	pthread_join(device, NULL);
	cpu_destroy(&cpu);
	return 0;
}
