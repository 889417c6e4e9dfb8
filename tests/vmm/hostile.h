/* SPDX-License-Identifier: MIT */
/*
 * A guest that does whatever harm it can: registers, queue, tables, devices, configuration space,
 * and memory that its VMM takes away and gives back, or whose file somebody shrinks. Each step is
 * drawn from the seed. No step asserts anything, so it may run on any thread.
 */
#ifndef TESTS_VMM_HOSTILE_H
#define TESTS_VMM_HOSTILE_H

#include <stdbool.h>

#include "base/random.h"
#include "vsva/device.h"
#include "vsva/vm.h"

#define HOSTILE_RAM     (UINT64_C(4) << 20)
#define HOSTILE_DEVICES 2u

struct hostile {
	struct rng rng;
	struct vsva_machine *machine;
	struct vsva_vm *vm;
	struct vsva_device *device[HOSTILE_DEVICES]; /* an accelerator and a test engine */
	struct vsva_assigned *assigned[HOSTILE_DEVICES];
	int file;
	uint8_t *ram;
	bool low_mapped, high_mapped; /* the halves of memory */
	uint64_t queue_tail;
	bool threads; /* of the machine */
	uint64_t steps;
};

/* The devices are the caller's. false: it could not be made. */
bool hostile_create(struct hostile *hostile, struct vsva_machine *machine,
		    struct vsva_device *const devices[HOSTILE_DEVICES], uint64_t seed,
		    bool threads);
void hostile_destroy(struct hostile *hostile);
void hostile_step(struct hostile *hostile);

#endif
