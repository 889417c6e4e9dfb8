/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_state_name: the state of an id in words, for a message.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	hpasid_t id;

	host_create(&host);
	id = host_alloc(&host);
	printf("PASID %" PRIu32 " is %s\n", id.v,
	       vsva_ioasid_state_name(vsva_ioasid_state_of(host.space, id, NULL)));
	EXPECT(!strcmp(vsva_ioasid_state_name(VSVA_IOASID_IDLE), "idle"));
	EXPECT(!strcmp(vsva_ioasid_state_name(VSVA_IOASID_FREE_PENDING), "free-pending"));
	EXPECT(!strcmp(vsva_ioasid_state_name(VSVA_IOASID_STATE_COUNT), "?")); /* never NULL */
	host_destroy(&host);
	return 0;
}
