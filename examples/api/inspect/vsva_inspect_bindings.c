/* SPDX-License-Identifier: MIT */
/*
 * vsva_inspect_bindings: where a host PASID is bound: on which device, to what first stage, and what
 * has happened there.
 */
#include <vsva/inspect.h>

#include "../host.h"

int main(void)
{
	struct vsva_binding_info info;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	EXPECT(vsva_inspect_bindings(host.machine, id, &info, 1) == 1);
	printf("on %04x: first stage at GPA %#" PRIx64 ", domain %u\n", info.rid.v, info.root,
	       info.domain);
	EXPECT(info.kind == VSVA_BINDING_NESTED && info.root == HOST_ROOT && info.is_active);
	EXPECT(info.gpasid.v == HOST_GUEST && info.rid.v == vsva_device_rid(host.engine).v);

	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, id) == 0);
	EXPECT(vsva_inspect_bindings(host.machine, id, &info, 1) == 0);
	host_destroy(&host);
	return 0;
}
