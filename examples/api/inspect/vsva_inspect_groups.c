/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_groups: page requests that nobody has answered yet: who waits for whom?
 */
#include <vsva/inspect.h>

#include "../host.h"

static int silent(void *arg, struct vsva_dev *dev, const struct vsva_fault *fault)
{
	(void)arg;
	(void)dev;
	(void)fault;
	return 0; /* will answer. It never does */
}

int main(void)
{
	const uint32_t command = ENGINE_DO_FILL | ENGINE_WITH_ATS | ENGINE_WITH_PAGE_REQUESTS;
	struct vsva_group_info group;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_dev_register_fault_handler(host.dev, silent, NULL, NULL) == 0);
	id = host_bind(&host);
	EXPECT(vsva_inspect_groups(host.machine, 0, &group, 1) == 0);
	EXPECT(!engine_run(host.engine, command, id.v, HOST_ABSENT, 7));
	EXPECT(vsva_inspect_groups(host.machine, 0, &group, 1) == 1);
	printf("PASID %" PRIu32 " waits for %#" PRIx64 "\n", group.hpasid.v, group.addr);
	EXPECT(group.hpasid.v == id.v && group.addr == HOST_ABSENT && group.write);
	EXPECT(group.state == VSVA_GROUP_REPORTED);
	host_destroy(&host);
	return 0;
}
