/* SPDX-License-Identifier: MIT */
/*
 * vsva_drain_page_requests: when it has returned, the handler has heard of every page request that
 * the unit had accepted: nothing is still on its way.
 */
#include "../host.h"

static int hear(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)dev;
	*(unsigned *)arg += fault->type == VSVA_FAULT_PAGE_REQ;
	return -EIO; /* "invalid request" */
}

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_ATS | ENGINE_WITH_PAGE_REQUESTS;
	struct vsva_unit_stats stats;
	unsigned heard = 0;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_dev_register_fault_handler(host.dev, hear, NULL, &heard) == 0);
	id = host_bind(&host);
	engine_start(host.engine, command, id.v, HOST_ABSENT, 7);
	do { /* until the unit has it */
		EXPECT(vsva_machine_step(host.machine));
		vsva_machine_unit_stats(host.machine, &stats);
	} while (!stats.page_requests);
	EXPECT(heard == 0);

	EXPECT(vsva_drain_page_requests(host.dev) == 0);
	EXPECT(heard == 1);
	printf("%u request was on its way\n", heard);
	host_destroy(&host);
	return 0;
}
