/* SPDX-License-Identifier: MIT */
/*
 * vsva_ioasid_get_flags: what a PASID is bound to: a guest's first stage, under the guest's own
 * number or not.
 */
#include "../host.h"

int main(void)
{
	struct host host;
	uint32_t flags;
	hpasid_t id;

	host_create(&host);
	host_add_device(&host);
	id = host_bind(&host);
	EXPECT(vsva_ioasid_get_flags(host.set, id, &flags) == 0);
	printf("guest mode: %s, guest PASID: %s\n", flags & VSVA_IOASID_GUEST_MODE ? "yes" : "no",
	       flags & VSVA_IOASID_GUEST_PASID ? "yes" : "no");
	EXPECT(flags == (VSVA_IOASID_GUEST_MODE | VSVA_IOASID_GUEST_PASID));

	EXPECT(vsva_unbind_gpasid(host.domain, host.dev, id) == 0);
	EXPECT(vsva_ioasid_get_flags(host.set, id, &flags) == 0 && flags == 0);
	EXPECT(vsva_ioasid_get_flags(host.set, hpasid(id.v + 1), &flags) == -ENOENT);
	host_destroy(&host);
	return 0;
}
