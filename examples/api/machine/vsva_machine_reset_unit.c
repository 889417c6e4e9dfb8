/* SPDX-License-Identifier: MIT */
/*
 * vsva_machine_reset_unit: the unit loses its state. On a bare machine it stays so; under a host
 * driver it comes up again with all that was attached, and devices go on as if nothing had been.
 */
#include "../host.h"

#define FEDATA 0x3cu

int main(void)
{
	const struct vsva_machine_options bare_options = {.bare = true};
	struct vsva_machine *bare;
	struct host host;
	uint64_t value;

	EXPECT(vsva_machine_create(&bare_options, &bare) == 0);
	EXPECT(vsva_machine_unit_write(bare, FEDATA, 4, 0x33) == 0);
	EXPECT(vsva_machine_reset_unit(bare) == 0);
	EXPECT(vsva_machine_unit_read(bare, FEDATA, 4, &value) == 0 && value == 0);
	printf("bare: registers as after power-on\n");
	vsva_machine_destroy(bare);

	host_create(&host);
	host_add_device(&host);
	EXPECT(vsva_machine_reset_unit(host.machine) == 0);
	EXPECT(engine_write(host.engine, WITHOUT_PASID, HOST_PAGE, 7));
	EXPECT(*host_word(&host, HOST_PAGE) == 7);
	printf("with a host driver: the device goes on\n");
	host_destroy(&host);
	return 0;
}
