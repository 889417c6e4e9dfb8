/* SPDX-License-Identifier: MIT */
/*
 * vsva_iommu_reset: the unit loses its state (a reset of the platform) while no device may send, and
 * the driver brings it up again with all that is attached and bound. The reset itself is the caller's.
 */
#include "../host.h"

struct platform {
	struct host host;
	bool was_quiet;
};

/* vsva_machine_reset_unit() does this with the machine's own unit. */
static void power_off_and_on(void *arg)
{
	struct platform *platform = arg;
	uint32_t command;

	EXPECT(vsva_device_config_read(platform->host.engine, 0x04, 2, &command) == 0);
	platform->was_quiet = !(command & 0x4); /* not a bus master */
}

int main(void)
{
	struct platform platform = {0};
	struct host *host = &platform.host;
	hpasid_t id;

	host_create(host);
	host_add_device(host);
	id = host_bind(host);
	EXPECT(vsva_iommu_reset(host->iommu, power_off_and_on, &platform) == 0);
	EXPECT(platform.was_quiet);

	EXPECT(engine_write(host->engine, id.v, HOST_GVA, 8));
	EXPECT(*host_word(host, HOST_PAGE) == 8);
	printf("devices were silent, and the binding is there again\n");
	EXPECT(vsva_iommu_reset(host->iommu, NULL, NULL) == -EINVAL);
	host_destroy(host);
	return 0;
}
