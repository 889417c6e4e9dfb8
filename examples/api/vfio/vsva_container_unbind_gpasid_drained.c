/* SPDX-License-Identifier: MIT */
/*
 * vsva_container_unbind_gpasid_drained: a virtual unit unbinds, and of the drain that its guest asks for with
 * it only the reports are left to be waited for.
 */
#include "../container.h"

int main(void)
{
	struct vsva_flush_step report = {.kind = VSVA_FLUSH_REPORT};
	bool is_drained = false;
	struct owner owner;
	struct host *host = &owner.host;
	hpasid_t id;

	owner_open(&owner);
	id = owner_bind(&owner);
	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 7));
	EXPECT(vsva_container_unbind_gpasid_drained(owner.device, id, &is_drained) == 0);
	EXPECT(is_drained);
	EXPECT(!engine_write(host->engine, id.v, HOST_GVA, 8));
	report.dev = vsva_container_device_dev(owner.device);
	EXPECT(vsva_flush_sequence(&report, 1) == 0);

	/* not bound any more: nothing was drained for it */
	EXPECT(vsva_container_unbind_gpasid_drained(owner.device, id, &is_drained) == 0);
	EXPECT(!is_drained);
	printf("unbound: its page requests were drained with it\n");
	owner_close(&owner);
	return 0;
}
