/* SPDX-License-Identifier: MIT */
/*
 * DMA by the test engine: a device that makes one access for each command that is written into its
 * registers, `engine_write()` with what comes of it at once, or `engine_start()` and `engine_status()`.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <vsva/device.h>

#include "example.h"

#define WITHOUT_PASID VSVA_PASID_INVALID

/* Registers in BAR 0 */
enum {
	ENGINE_DESTINATION = 0x10,
	ENGINE_SOURCE = 0x08,
	ENGINE_LENGTH = 0x18,
	ENGINE_PASID = 0x1c, /* bit 31: valid */
	ENGINE_COMMAND = 0x20,
	ENGINE_STATUS = 0x24,
	ENGINE_FILL = 0x30,
};
/* Commands, and how they are carried out */
enum {
	ENGINE_DO_FILL = 2, /* 8 bytes at DESTINATION from FILL */
	ENGINE_DO_READ = 3, /* 8 bytes at SOURCE, and forgets them */
	ENGINE_WITH_ATS = 1 << 8,
	ENGINE_WITH_PAGE_REQUESTS = 1 << 9,
	ENGINE_WITH_INTERRUPT = 1 << 10,
};
enum { ENGINE_IDLE, ENGINE_BUSY, ENGINE_DONE, ENGINE_FAULT };

/* One that is a bus master, and behind the unit of the machine. */
static inline struct vsva_device *engine_create(struct vsva_machine *machine)
{
	const struct vsva_device_options options = {.kind = VSVA_DEVICE_TEST_ENGINE};
	struct vsva_device *engine;

	EXPECT(vsva_device_create(machine, &options, &engine) == 0);
	EXPECT(vsva_device_config_write(engine, 0x04, 2, 0x6) == 0);
	return engine;
}

static inline void engine_start(struct vsva_device *engine, uint32_t command, uint32_t pasid,
				uint64_t address, uint64_t value)
{
	uint32_t pasid_register = pasid == WITHOUT_PASID ? 0 : pasid | UINT32_C(1) << 31;

	EXPECT(vsva_device_write(engine, 0, ENGINE_SOURCE, 8, address) == 0);
	EXPECT(vsva_device_write(engine, 0, ENGINE_DESTINATION, 8, address) == 0);
	EXPECT(vsva_device_write(engine, 0, ENGINE_LENGTH, 4, 8) == 0);
	EXPECT(vsva_device_write(engine, 0, ENGINE_PASID, 4, pasid_register) == 0);
	EXPECT(vsva_device_write(engine, 0, ENGINE_FILL, 8, value) == 0);
	EXPECT(vsva_device_write(engine, 0, ENGINE_COMMAND, 4, command) == 0);
}

static inline uint64_t engine_status(struct vsva_device *engine)
{
	uint64_t status;

	EXPECT(vsva_device_read(engine, 0, ENGINE_STATUS, 4, &status) == 0);
	return status;
}

static inline bool engine_run(struct vsva_device *engine, uint32_t command, uint32_t pasid,
			      uint64_t address, uint64_t value)
{
	engine_start(engine, command, pasid, address, value);
	vsva_machine_run_idle(vsva_device_machine(engine), 1000);
	return engine_status(engine) == ENGINE_DONE;
}

/* The device writes an 8-byte value. false: it was not allowed to. */
static inline bool engine_write(struct vsva_device *engine, uint32_t pasid, uint64_t address,
				uint64_t value)
{
	return engine_run(engine, ENGINE_DO_FILL, pasid, address, value);
}

/* The device reads 8 bytes. false: it was not allowed to. */
static inline bool engine_read(struct vsva_device *engine, uint32_t pasid, uint64_t address)
{
	return engine_run(engine, ENGINE_DO_READ, pasid, address, 0);
}

#endif
