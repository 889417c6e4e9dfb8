/* SPDX-License-Identifier: MIT */
/*
 * vsva_mm_peek: polls for what a device will write, without touching the page: a read would make it
 * present, and hide that the device has to ask for it.
 */
#include "../native.h"

static bool has_come(void *arg)
{
	const struct native *native = arg;
	uint8_t byte;

	return vsva_mm_peek(native->mm, native->memory, &byte) == 0 && byte == 7;
}

int main(void)
{
	struct native native;
	struct vsva_sva *bond;
	uint8_t byte;

	native_create(&native);
	bond = native_bind(&native);
	EXPECT(vsva_mm_peek(native.mm, native.memory, &byte) == -ENOENT); /* not present */
	EXPECT(vsva_mm_page_count(native.mm) == 0);
	engine_start(native.host.engine, NATIVE_WRITE, vsva_sva_pasid(bond).v, native.memory.v, 7);
	EXPECT(vsva_machine_wait(native.host.machine, has_come, &native, 1000));
	printf("the device has asked for the page, and written\n");
	vsva_machine_run_idle(native.host.machine, 1000);
	EXPECT(vsva_sva_unbind(bond) == 0);
	native_destroy(&native);
	return 0;
}
