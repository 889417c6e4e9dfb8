/* SPDX-License-Identifier: MIT */
/*
 * The world of a scenario: one machine with its devices, guests and processes, watched by the
 * ledger and told by a teller. Records of what is dead stay until the end, without a handle, so
 * that a script that still holds one gets a clear answer.
 *
 * Threads: one; the observer alone is called from others.
 */
#ifndef CLI_WORLD_H
#define CLI_WORLD_H

#include "cli/ledger.h"
#include "cli/names.h"
#include "cli/recorder.h"
#include "cli/summary.h"
#include "cli/tell.h"
#include "vsva/guest.h"

struct world_options {
	const char *scenario; /* its name, for the summary */
	enum vsva_cache_policy cache_policy;
	uint64_t seed;
	bool json, quiet, in_colour;
	enum tell_hops hops;
};

struct world;

struct world_device {
	struct world_device *next;
	struct world *world;
	struct vsva_device *device; /* NULL: removed */
	enum vsva_device_kind kind;
	char name[NAME_MAX_LEN];
	bool is_gone;
};

/* A device that a guest has. */
struct world_link {
	struct world_link *next;
	struct world_device *device;
	struct vsva_guest_device *handle;
};

struct world_guest {
	struct world_guest *next;
	struct world *world;
	struct vsva_guest *guest; /* NULL: dead */
	uint32_t vm;
	char name[NAME_MAX_LEN];
	struct world_link *links;
	unsigned processes; /* that there have been */
	uint16_t next_rid;
};

/* Completion records, 64 of 32 bytes in a page of the process; see job.h. */
struct world_slots {
	gva_t page; /* 0: none yet */
	uint64_t used;
};

struct world_process {
	struct world_process *next;
	struct world_guest *guest;
	struct vsva_process *process; /* NULL: dead */
	char name[NAME_MAX_LEN];
	struct world_slots slots;
};

struct world {
	struct world_options options;
	struct names names;
	struct ledger *ledger;
	struct recorder *recorder;
	struct teller *teller;
	struct vsva_machine *machine;        /* NULL: none yet */
	enum vsva_cache_policy cache_policy; /* of the machine */
	uint64_t seed;
	bool has_threads;
	struct world_device *devices;
	struct world_guest *guests;
	struct world_process *processes;
	unsigned device_counts[2], guest_count;
	uint64_t random; /* state of world_random */
	uint64_t expectations, expectations_failed;
	uint64_t binds_refused, pages_refused; /* atomic: the observer counts */
};

/* NULL: no memory. */
struct world *world_create(const struct world_options *options);
void world_destroy(struct world *world);

/* -EEXIST: there is one. threads, iotlb_entries: as struct vsva_machine_options. */
int world_make_machine(struct world *world, enum vsva_cache_policy policy, uint64_t seed,
		       bool threads, uint32_t iotlb_entries);
/* Destroys what lives, takes the last counts and tells the summary. Returns the status of the run,
 * at least as bad as status. */
int world_end(struct world *world, int status);

/* Tells the hops since the last call. */
void world_tell_hops(struct world *world);
/* Between 0 and n - 1, from the seed. n 0: any 64 bits. */
uint64_t world_random(struct world *world, uint64_t n);

/* All return 0 or -errno; name NULL: one is chosen. -ENODEV: there is no machine. -ESTALE: what is
 * used is dead. */
int world_make_device(struct world *world, const struct vsva_device_options *options,
		      const char *name, struct world_device **out);
/* Surprise removal: it stops answering, then whoever has it lets go of it, then it is gone. */
int world_remove_device(struct world_device *device);
int world_make_guest(struct world *world, const struct vsva_guest_options *options,
		     struct world_guest **out);
int world_kill_guest(struct world_guest *guest);
int world_reboot_guest(struct world_guest *guest);
int world_add_device(struct world_guest *guest, struct world_device *device);
int world_take_device(struct world_guest *guest, struct world_device *device);
/* NULL: the guest does not have it. */
struct vsva_guest_device *world_find_device(const struct world_guest *guest,
					    const struct world_device *device);
int world_make_process(struct world_guest *guest, const char *name, struct world_process **out);
int world_exit_process(struct world_process *process);
/* After a bind: events of its PASID are told under its name. */
void world_name_pasid(struct world_process *process);

#endif
