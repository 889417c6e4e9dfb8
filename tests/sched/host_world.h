/* SPDX-License-Identifier: MIT */
/*
 * A small host for interleavings: the driver on the real unit, a container with one device, one PASID
 * bound to a first stage with one page. A ledger knows at each moment whether the PASID may be used,
 * and is asked at each access.
 */
#ifndef TESTS_SCHED_HOST_WORLD_H
#define TESTS_SCHED_HOST_WORLD_H

#include "explore.h"

#include "../host/silicon.h"
#include "vsva/vfio.h"

#define HOST_VA         0x40000000u /* mapped */
#define HOST_VA_HOLE    0x40001000u /* not mapped: page requests */
#define HOST_GROUPS_MAX 4u

/* What the hardware is kept from doing, to see that it is noticed. */
enum host_plant {
	HOST_PLANT_NOTHING,
	HOST_PLANT_NO_DEVICE_TLB_FLUSH,
	HOST_PLANT_NO_IOTLB_FLUSH,
	HOST_PLANT_NO_PASID_CACHE_FLUSH,
	HOST_PLANT_NO_DRAIN, /* wait descriptors wait for nothing */
	HOST_PLANT_ANSWER_TWICE,
	HOST_PLANT_LOSE_ANSWER,
};

/* What an actor's call returned; 1: it was not made. */
struct host_results {
	int bind, unbind, free, unmap, close, device_close, remove, reset, answer;
};

struct host_world {
	struct silicon s;
	size_t bytes_before;
	struct vsva_container *container;
	struct vsva_container_device *device;
	hpasid_t pasid;
	uint64_t root, page;
	enum host_plant plant;
	struct host_results results;

	/* ledger: told before what gives a right and after what takes it */
	int users;    /* of the binding */
	bool is_over; /* reclaimed, closed, detached: no user has a right any more */
	bool is_unmapped;

	/* page requests */
	unsigned asked;
	unsigned reported; /* groups that the handler has and has not answered */
	uint32_t groups[HOST_GROUPS_MAX];
	bool is_forgotten; /* by the device: it was reset or is gone, and waits for no answer */
};

/* For all explorations of this process; NOTHING and RECLAIMS unless told otherwise. */
extern enum host_plant host_world_plant;
extern enum vsva_free_policy host_world_policy;

/* Bound, the translation cached in the device, a page request with the handler. */
void *host_world_setup(uint64_t seed);
/* What must hold after every schedule. */
void host_world_check(void *world);
void host_world_teardown(void *world);
/* Results of the calls, and what is left: has to be that of some order of the calls. */
uint64_t host_world_outcome(void *world);
uint64_t host_world_locate(void *world, const void *pointer);
extern const char *const host_world_background[];

/* Actors */
void host_bind(void *world);
void host_unbind(void *world);
void host_free(void *world);
void host_ask(void *world);    /* DMA, and a page request */
void host_answer(void *world); /* what the fault handler was asked */
void host_close(void *world);  /* the container */
void host_unmap(void *world);  /* second stage */
void host_reset(void *world);  /* of the unit */
void host_remove(void *world); /* the device goes, in surprise */

#endif
