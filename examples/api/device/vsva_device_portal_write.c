/* SPDX-License-Identifier: MIT */
/*
 * vsva_device_portal_write: 64 bytes to a portal are a job for an accelerator. A deferrable write
 * (ENQCMD) says whether the queue has taken it; "retry" is also the answer of one that is off.
 */
#include "../host.h"
#include "../dsa.h"

int main(void)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_DSA};
	struct vsva_dsa_descriptor copy = dsa_copy(HOST_GVA, HOST_GVA + 64, 8, HOST_GVA + 128);
	struct vsva_gpasid_bind_data data;
	struct vsva_device *accelerator;
	struct host host;

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_device_create(host.machine, &options, &accelerator) == 0);
	EXPECT(vsva_device_portal_write(accelerator, DSA_PORTAL, &copy, true) == 1);
	EXPECT(vsva_device_portal_write(accelerator, 7, &copy, true) == -EINVAL);

	EXPECT(vsva_domain_attach(host.domain, vsva_device_dev(accelerator)) == 0);
	data = host_bind_data(&host, host_alloc(&host));
	EXPECT(vsva_bind_gpasid(host.domain, vsva_device_dev(accelerator), &data) == 0);
	dsa_start(accelerator);
	copy.pasid = (uint32_t)data.hpasid; /* the owner of a device writes host PASIDs */
	*host_word(&host, HOST_PAGE) = 7;
	EXPECT(vsva_device_portal_write(accelerator, DSA_PORTAL, &copy, true) == 0);
	vsva_machine_run_idle(host.machine, 1000);
	printf("completion %#" PRIx64 ", copied %" PRIu64 "\n", *host_word(&host, HOST_PAGE + 128),
	       *host_word(&host, HOST_PAGE + 64));
	EXPECT(*host_word(&host, HOST_PAGE + 64) == 7);

	EXPECT(vsva_domain_detach(host.domain, vsva_device_dev(accelerator)) == 0);
	host_destroy(&host);
	return 0;
}
