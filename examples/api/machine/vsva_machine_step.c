/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_step: a machine without threads moves only when it is told to, one piece of work at a
 * time: between two of them a test looks at everything, and nothing changes behind its back.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	unsigned steps = 0;

	host_create(&host);
	host_add_device(&host);
	engine_start(host.engine, ENGINE_DO_FILL, WITHOUT_PASID, HOST_PAGE, 7);
	EXPECT(engine_status(host.engine) == ENGINE_BUSY && *host_word(&host, HOST_PAGE) == 0);

	while (vsva_machine_step(host.machine))
		steps++;
	printf("the copy took %u steps\n", steps);
	EXPECT(steps > 0);
	EXPECT(engine_status(host.engine) == ENGINE_DONE && *host_word(&host, HOST_PAGE) == 7);
	host_destroy(&host);
	return 0;
}
