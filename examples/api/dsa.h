/* SPDX-License-Identifier: MIT */
/*
 * A DSA as its driver sees it: `dsa_start()` enables the device and one shared work queue (queue 0),
 * through registers of BAR 0; `dsa_copy()` is a descriptor for its portal in BAR 2.
 */
#ifndef DSA_H
#define DSA_H

#include <vsva/device.h>
#include <vsva/dsa.h>

#include "example.h"

#define DSA_PORTAL 0x1000u /* of queue 0, for ENQCMD */

static inline void dsa_write(struct vsva_device *device, uint64_t offset, unsigned size,
			     uint64_t value)
{
	EXPECT(vsva_device_write(device, 0, offset, size, value) == 0);
}

static inline uint64_t dsa_read(struct vsva_device *device, uint64_t offset, unsigned size)
{
	uint64_t value;

	EXPECT(vsva_device_read(device, 0, offset, size, &value) == 0);
	return value;
}

/* A command of the device: enable device 1, enable queue 6, drain PASID 11, … */
static inline void dsa_command(struct vsva_device *device, uint32_t code, uint32_t operand)
{
	dsa_write(device, 0xa0, 4, code << 20 | operand);
	vsva_machine_run_idle(vsva_device_machine(device), 10000);
	EXPECT((dsa_read(device, 0xa8, 4) & 0x800000ff) == 0); /* not active, no error */
}

static inline void dsa_start(struct vsva_device *device)
{
	EXPECT(vsva_device_config_write(device, 0x04, 2, 0x6) == 0); /* may be a bus master */
	dsa_write(device, 0x400, 8, 1);                              /* group 0 has queue 0 */
	dsa_write(device, 0x420, 8, 1);                              /* and engine 0 */
	dsa_write(device, 0x500, 4, 16);                             /* 16 entries */
	dsa_write(device, 0x504, 4, 16);                             /* all for ENQCMD */
	dsa_write(device, 0x50c, 4, 21 | 5 << 5);                    /* 2 MiB, batches of 32 */
	dsa_write(device, 0x508, 4, 0x2 | 10 << 4 | 1 << 28); /* waits for pages, with PASID */
	dsa_command(device, 1, 0);
	dsa_command(device, 6, 0);
}

static inline struct vsva_dsa_descriptor dsa_copy(uint64_t from, uint64_t to, uint32_t len,
						  uint64_t record)
{
	return (struct vsva_dsa_descriptor){
		.flags_opcode = (uint32_t)VSVA_DSA_MEMMOVE << 24 | VSVA_DSA_BLOCK_ON_FAULT |
				VSVA_DSA_COMPLETION_VALID | VSVA_DSA_REQUEST_COMPLETION,
		.source = from,
		.destination = to,
		.size = len,
		.completion = record,
	};
}

#endif
