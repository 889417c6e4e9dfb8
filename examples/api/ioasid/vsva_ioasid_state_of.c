/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_state_of: where a number is in its life, and how many hold it: from idle to active, to
 * free-pending, to free.
 */
#include "../host.h"

static enum vsva_ioasid_state tell(struct host *host, hpasid_t id)
{
	uint32_t references = 0;
	enum vsva_ioasid_state state = vsva_ioasid_state_of(host->space, id, &references);

	printf("%s, %" PRIu32 " references\n", vsva_ioasid_state_name(state), references);
	return state;
}

int main(void)
{
	struct vsva_gpasid_bind_data data;
	struct host host;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_alloc(&host);
	EXPECT(tell(&host, id) == VSVA_IOASID_IDLE);
	data = host_bind_data(&host, id);
	EXPECT(vsva_bind_gpasid(host.domain, host.dev, &data) == 0);
	EXPECT(tell(&host, id) == VSVA_IOASID_ACTIVE);
	EXPECT(vsva_ioasid_free(host.set, id) == 0);
	EXPECT(tell(&host, id) == VSVA_IOASID_FREE_PENDING);
	vsva_machine_run_idle(host.machine, 1000);
	EXPECT(tell(&host, id) == VSVA_IOASID_FREE);
	host_destroy(&host);
	return 0;
}
