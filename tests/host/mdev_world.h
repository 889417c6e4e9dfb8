/* SPDX-License-Identifier: MIT */
/*
 * A machine whose one accelerator is a parent, and owners of mediated devices: VMs as far as the
 * host sees them, each with a set of PASIDs, a domain with some memory and a first stage. The
 * ledger watches every access; the physical commands are written down.
 */
#ifndef TESTS_HOST_MDEV_WORLD_H
#define TESTS_HOST_MDEV_WORLD_H

#include "watch.h"

#include "host/mdev.h"
#include "vsva/machine.h"

#define MW_COMMANDS_MAX 4096u
#define MW_FAULTS_MAX   64u
#define MW_MEMORY       (UINT64_C(1) << 20)
#define MW_VA           UINT64_C(0x7f0000000000)

struct mw {
	struct ledger *ledger;
	struct vsva_machine *machine;
	struct vsva_device *device;
	struct vsva_vdcm *vdcm;
	uint32_t commands[MW_COMMANDS_MAX]; /* written to the physical CMD */
	unsigned command_count;
	bool has_threads;
	bool spoils_enable;    /* the hardware refuses to enable queues */
	bool drains_never_end; /* nor does it ever finish a drain */
	bool resets_never_end; /* or a reset of a queue */
};

struct mw_owner {
	struct mw *w;
	uint32_t vm;
	struct vsva_ioasid_set *set;
	struct vsva_domain *domain;
	uint8_t *memory; /* GPA 0 on */
	hpa_t at;
	uint64_t next_page;
	uint64_t root;     /* GPA of a first stage */
	bool gives_pasids; /* pasid_get allocates, as a VMM does */
	hpasid_t given;    /* the one that it has allocated */
};

/* A mediated device that an owner has. */
struct mw_mdev {
	struct mw_owner *owner;
	struct vsva_mdev *mdev;
	unsigned interrupts[MDEV_VECTORS];       /* atomic */
	struct vsva_fault faults[MW_FAULTS_MAX]; /* as reported */
	unsigned fault_count;
	struct vsva_unit_fault unit_fault;
	unsigned unit_fault_count;
};

void mw_create(struct mw *w, enum vsva_cache_policy policy);
/* With threads: mw_run and all that calls it are for one thread. */
void mw_create_threads(struct mw *w, enum vsva_cache_policy policy);
void mw_destroy(struct mw *w);
void mw_run(struct mw *w);
/* The parent's own registers. */
uint64_t mw_physical(struct mw *w, uint32_t offset, unsigned size);
/* Has the physical command register been given this code, with this operand (ANY: with any)? */
#define MW_ANY UINT32_MAX
bool mw_has_command(const struct mw *w, unsigned code, uint32_t operand);
void mw_forget_commands(struct mw *w);

void mw_owner_create(struct mw *w, struct mw_owner *owner);
void mw_owner_destroy(struct mw_owner *owner);
/* All but its set, which has gone. */
void mw_owner_forget(struct mw_owner *owner);
uint64_t mw_page(struct mw_owner *owner);
/* A page of memory at an address of the first stage; its GPA. */
uint64_t mw_map(struct mw_owner *owner, uint64_t va);
/* A host PASID with this guest PASID. */
hpasid_t mw_pasid(struct mw_owner *owner, uint32_t guest);

/* Made, opened, attached, its handler registered; bus master and PASID are on in its configuration
 * space. */
void mw_give(struct mw_owner *owner, enum vsva_mdev_type type, struct mw_mdev *m);
void mw_take(struct mw_mdev *m);
/* Binds the owner's first stage. */
int mw_bind(struct mw_mdev *m, hpasid_t host, uint32_t guest);

uint64_t mw_get(struct mw_mdev *m, uint64_t offset, unsigned size);
void mw_put(struct mw_mdev *m, uint64_t offset, unsigned size, uint64_t value);
/* Writes the command with an interrupt asked for, lets the machine run; CMDSTS. */
uint32_t mw_command(struct mw_mdev *m, unsigned code, uint32_t operand);
bool mw_is_active(uint32_t status);
/* The queue with all it needs, of the device's type. guest VSVA_PASID_INVALID: without PASID. */
void mw_configure(struct mw_mdev *m, uint32_t guest);
/* And device and queue enabled. */
void mw_start(struct mw_mdev *m, uint32_t guest);

struct dsa_descriptor mw_noop(uint64_t record);
/* A copy of 64 bytes. */
struct dsa_descriptor mw_copy(uint64_t record, uint64_t from, uint64_t to);
/* To the device's queue; host: of a command to a shared one. 0 or 1. */
int mw_submit(struct mw_mdev *m, struct dsa_descriptor descriptor, hpasid_t host);
/* Submits a no-op whose record's page is not there: it waits for an answer. */
void mw_submit_stuck(struct mw_mdev *m, hpasid_t host);
/* Answers the last page request that was reported. */
void mw_answer(struct mw_mdev *m, unsigned code);

#endif
