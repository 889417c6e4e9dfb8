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

#include "cli/groups.h"
#include "cli/ledger.h"
#include "cli/names.h"
#include "cli/native.h"
#include "cli/recorder.h"
#include "cli/summary.h"
#include "cli/tell.h"
#include "vsva/guest.h"
#include "vsva/mdev.h"

#define WORLD_GIVEN_MAX 16u

struct control;
struct trace_record;

struct world_options {
	const char *scenario; /* its name, for the summary */
	enum vsva_cache_policy cache_policy;
	uint64_t seed;
	bool json, quiet, in_colour;
	enum tell_hops hops;
	const char *given[WORLD_GIVEN_MAX]; /* NAME=TEXT, for the scenario */
	unsigned given_count;
	struct control *control; /* is told of the machine; NULL: there is none */
	FILE *trace;             /* gets the events of the machine; NULL: nobody does */
};

struct world;

/* A physical device, or a mediated one on it. */
struct world_device {
	struct world_device *next;
	struct world *world;
	enum vsva_device_kind kind;
	char name[NAME_MAX_LEN];
	/* both NULL: removed */
	struct vsva_device *device;
	struct vsva_mdev *mdev;
	struct world_device *parent; /* of a mediated device */
	/* who has a physical one, beside guests */
	struct vsva_vdcm *vdcm;
	struct native_device *native;
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
	uint64_t page; /* its address; 0: none yet */
	uint64_t used;
};

/* A device that a process of the host is bound to. */
struct world_bond {
	struct world_bond *next;
	struct world_device *device;
	struct vsva_sva *handle;
};

/* Of a guest, or (guest NULL) of the host: a native one. */
struct world_process {
	struct world_process *next;
	struct world *world;
	struct world_guest *guest;
	struct vsva_process *process; /* of a guest; NULL: dead */
	struct vsva_mm *mm;           /* of the host; NULL: dead */
	struct world_bond *bonds;
	char name[NAME_MAX_LEN];
	struct world_slots slots;
};

struct world {
	struct world_options options;
	struct names names;
	struct ledger *ledger;
	struct groups *groups;
	struct recorder *recorder;
	struct teller *teller;
	struct vsva_machine *machine;        /* NULL: none yet */
	struct trace_record *trace_record;   /* likewise, or nobody wants one */
	enum vsva_cache_policy cache_policy; /* of the machine */
	uint64_t seed;
	bool has_threads;
	struct world_device *devices;
	struct world_guest *guests;
	struct world_process *processes;
	unsigned device_counts[2], mdev_count, guest_count, native_count;
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
/* The accelerator becomes a parent with the first. */
int world_make_mdev(struct world_device *parent, enum vsva_mdev_type type, const char *name,
		    struct world_device **out);
bool world_device_is_there(const struct world_device *device);
/* On whose behalf its requests are: its own, or the parent's. */
struct vsva_device *world_device_function(const struct world_device *device);
/* Surprise removal: it stops answering, then whoever has it lets go of it, then it is gone. Of a
 * mediated device: it is taken away and destroyed. */
int world_remove_device(struct world_device *device);
int world_make_guest(struct world *world, const struct vsva_guest_options *options,
		     struct world_guest **out);
int world_kill_guest(struct world_guest *guest);
/* Its VMM is killed. *left: what the VM had not given back then. */
int world_vanish_guest(struct world_guest *guest, uint64_t order, uint64_t *left);
int world_reboot_guest(struct world_guest *guest);
/* Another kernel takes it over. */
int world_reinit_guest(struct world_guest *guest);
int world_add_device(struct world_guest *guest, struct world_device *device);
int world_take_device(struct world_guest *guest, struct world_device *device);
/* NULL: the guest does not have it. */
struct vsva_guest_device *world_find_device(const struct world_guest *guest,
					    const struct world_device *device);
int world_make_process(struct world_guest *guest, const char *name, struct world_process **out);
int world_make_native(struct world *world, const char *name, struct world_process **out);
int world_reset_unit(struct world *world);

/* Processes of either kind (world/process.c); they live */

bool world_process_is_alive(const struct world_process *process);
/* A process of the host: its address space goes first, then its devices let go of it. */
int world_exit_process(struct world_process *process);
/* -ENODEV: it cannot have this device. */
int world_bind_process(struct world_process *process, struct world_device *device);
int world_unbind_process(struct world_process *process, struct world_device *device);
/* As its CPU and its devices know it; VSVA_PASID_INVALID: none. */
uint32_t world_process_pasid(const struct world_process *process);
int world_process_map(struct world_process *process, uint64_t at, uint64_t len, bool writable,
		      bool huge, uint64_t *out);
int world_process_unmap(struct world_process *process, uint64_t address, uint64_t len);
int world_process_write(struct world_process *process, uint64_t address, const void *data,
			uint64_t len);
int world_process_read(struct world_process *process, uint64_t address, void *data, uint64_t len);
/* As vsva_process_submit() and vsva_process_wait(). -ENODEV: it does not have this device. */
int world_process_submit(struct world_process *process, struct world_device *device,
			 const void *descriptor, bool shared);
int world_process_wait(struct world_process *process, uint64_t completion, void *record);
/* After a bind: events of its PASID are told under its name. */
void world_name_pasid(struct world_process *process);

#endif
