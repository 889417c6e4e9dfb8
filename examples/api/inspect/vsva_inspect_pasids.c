/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_pasids: all host PASIDs that are out, whoever has them; also one that was freed and is
 * still held by somebody.
 */
#include <vsva/inspect.h>

#include "../host.h"

int main(void)
{
	struct vsva_pasid_info info[4];
	struct host host;
	hpasid_t id, held;
	size_t count;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	held = host_alloc(&host);
	EXPECT(vsva_ioasid_get(host.space, host.set, held) == 0);
	EXPECT(vsva_ioasid_free(host.set, held) == 0);
	vsva_machine_run_idle(host.machine, 1000);

	count = vsva_inspect_pasids(host.machine, hpasid(0), info, 4);
	EXPECT(count == 2);
	for (size_t i = 0; i < count; i++) {
		printf("%" PRIu32 ": %s, %" PRIu32 " references, %" PRIu32 " of bindings\n",
		       info[i].hpasid.v, vsva_ioasid_state_name(info[i].state), info[i].references,
		       info[i].bindings);
		EXPECT(info[i].state ==
		       (info[i].hpasid.v == id.v ? VSVA_IOASID_ACTIVE : VSVA_IOASID_FREE_PENDING));
		EXPECT(info[i].owner == &host);
	}
	vsva_ioasid_put(host.space, held);
	host_destroy(&host);
	return 0;
}
