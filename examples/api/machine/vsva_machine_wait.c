/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_wait: waits for a condition of the caller's, and runs a machine without threads
 * meanwhile: the way to wait that is right for both kinds of machine.
 */
#include "../host.h"

static bool has_written(void *arg)
{
	return *host_word(arg, HOST_PAGE) == 7;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

int main(void)
{
	struct host host;

	host_create(&host);
	host_add_device(&host);
	engine_start(host.engine, ENGINE_DO_FILL, WITHOUT_PASID, HOST_PAGE, 7);
	EXPECT(!has_written(&host));
	EXPECT(vsva_machine_wait(host.machine, has_written, &host, 1000));
	EXPECT(has_written(&host));
	printf("the device has written\n");

	/* Without threads it knows that nothing more can happen, and gives up at once. */
	EXPECT(!vsva_machine_wait(host.machine, never, NULL, 1000));
	host_destroy(&host);
	return 0;
}
