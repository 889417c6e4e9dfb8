/* SPDX-License-Identifier: MIT */
/* A machine with one accelerator, one test engine and the built-in guest on top, for tests of whole
 * journeys. The ledger watches every access; world_destroy() fails the test if it saw a forbidden
 * one. */
#ifndef TESTS_VMM_WORLD_H
#define TESTS_VMM_WORLD_H

#include "watch.h"

#include "vsva/dsa.h"
#include "vsva/guest.h"

struct world {
	struct ledger *ledger;
	struct vsva_machine *machine;
	struct vsva_device *dsa, *engine;
	struct vsva_guest *guest;
	struct vsva_guest_device *gdsa, *gengine;
};

void world_create(struct world *world, enum vsva_cache_policy policy,
		  const struct vsva_guest_options *options);
void world_destroy(struct world *world);

/* Memory of a process with a recognisable content. */
gva_t world_buffer(struct vsva_process *process, uint64_t len, uint8_t seed);
/* Does it hold what world_buffer() wrote with this seed? */
bool world_holds(struct vsva_process *process, gva_t address, uint64_t len, uint8_t seed);
gva_t world_empty(struct vsva_process *process, uint64_t len);

struct world_copy {
	gva_t to, from;
	uint32_t len;
	bool no_block_on_fault, shared;
	struct vsva_dsa_completion record;
};
/* Submits a memory move and waits: the status byte or -errno. */
int world_copy(struct vsva_process *process, struct vsva_guest_device *dsa,
	       struct world_copy *copy);

#endif
