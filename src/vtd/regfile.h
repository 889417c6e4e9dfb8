/* SPDX-License-Identifier: MIT */
/*
 * The register file of one remapping unit, as a pure state machine: a write goes in, effects come
 * out.
 *
 * Vocabulary
 *   owner     the physical unit or the vIOMMU; it serialises all calls, carries effects out and
 *             completes commands, now or later
 *   effect    what a write (or a fault, a page request) asks the owner to do
 *   command   a bit of GCMD, or VCMD, CCMD, IOTLB: software waits for its completion
 *   latch     a copy taken when a command is written (root table at SRTP, queue at QIE); later
 *             writes to the address register count from the next command on
 *   source    of events: fault, completion, page request; each has status, control, data, address
 *   raise     an event: send its message, or remember it (IP) while it is masked (IM)
 *
 * VT-d 11.4 (registers), 6.5.2 (queue), 7.2.1 (fault recording), 7.3 (events), 11.4.14 to 11.4.16
 * (virtual command).
 *
 * No callback, no lock, no allocation, no pointer: a copy of the struct is a snapshot, and
 * assigning it back restores. Concurrency: calls on one register file must not overlap.
 *
 * Offsets, sizes and values come from guests and may be anything. Registers of a feature that the
 * capabilities do not offer read zero and ignore writes, and so does the rest of the page.
 *
 * Where software breaks the protocol and the specification leaves the consequence open:
 *   - GCMD while a command is pending, or with two changes: ignored (VTD_FX_GCMD_REFUSED)
 *   - CCMD, IOTLB, IVA, VCMD while busy: ignored
 *   - a register-based invalidation in scalable mode, with the queue on, from major version 6 on,
 *     with a reserved granularity, or of the IOTLB while one of the context cache is pending: done
 *     at once with result 00b
 *   - IQA while the queue is on: stored, used at the next enable
 *   - IQT other than 0 at enable: used
 *   - PQH and PQT beyond the queue: taken modulo its size
 */
#ifndef VTD_REGFILE_H
#define VTD_REGFILE_H

#include "vsva/types.h"
#include "vtd/faults.h"
#include "vtd/registers.h"

struct vtd_regfile_config {
	uint64_t cap;
	uint64_t ecap;
	uint64_t vccap; /* used if ECAP.VCS=1. Linux 5.10 and 6.1 take bit 0 for allocation */
	uint32_t ver;
};

struct vtd_regfile {
	struct vtd_regfile_config config;
	uint32_t dword[VTD_REGISTER_PAGE_SIZE / 4]; /* as software reads it, but for WO fields */
	uint64_t root;                              /* RTADDR latched at SRTP */
	uint64_t irta;                              /* IRTA latched at SIRTP */
	uint64_t iqa;                               /* IQA latched at QIE */
	uint32_t gcmd_pending;                      /* the bit of GCMD in flight, or 0 */
	uint32_t fault_index;                       /* the next fault record */
};

enum vtd_fx {
	/* commands of GCMD; complete with vtd_regfile_complete_gcmd() */
	VTD_FX_ROOT_LATCH = 1u << 0, /* SRTP */
	VTD_FX_IRT_LATCH = 1u << 1,  /* SIRTP */
	VTD_FX_TE = 1u << 2,         /* see vtd_regfile_translation_wanted() */
	VTD_FX_QIE = 1u << 3,        /* before disabling: drain, VT-d 6.5.2 */
	VTD_FX_IRE = 1u << 4,
	VTD_FX_CFI = 1u << 5,
	VTD_FX_WBF = 1u << 6,
	/* beside one of them: what it invalidates by itself, before it completes */
	VTD_FX_FLUSH_DMA = 1u << 7,
	VTD_FX_FLUSH_IR = 1u << 8,
	/* other commands */
	VTD_FX_VCMD = 1u << 9,
	VTD_FX_CCMD = 1u << 10,
	VTD_FX_IOTLB = 1u << 11,
	/* the invalidation queue has work: its tail moved, or IQE or ITE was cleared */
	VTD_FX_IQ_TAIL = 1u << 12,
	VTD_FX_QUEUE_RESUME = 1u << 13,
	/* software read page requests, or cleared PRO: there may be room */
	VTD_FX_PRQ_HEAD = 1u << 14,
	VTD_FX_PMEN = 1u << 15, /* already complete */
	VTD_FX_MSI = 1u << 16,  /* msi_count is not 0 */
	VTD_FX_GCMD_REFUSED = 1u << 17,
};

enum vtd_event_source {
	VTD_EVENT_FAULT,
	VTD_EVENT_COMPLETION,
	VTD_EVENT_PAGE,
	VTD_EVENT_SOURCE_COUNT,
};

struct vtd_msi {
	uint64_t addr;
	uint32_t data;
	enum vtd_event_source source;
};

/* Start with {0}. Calls only add; a source has one message at most. */
struct vtd_effects {
	uint32_t what;
	unsigned msi_count;
	struct vtd_msi msi[VTD_EVENT_SOURCE_COUNT];
};

/*
 * 0; -EINVAL: the fault records (CAP.FRO, NFR) or the IOTLB registers (ECAP.IRO) leave the page or
 * lie on other registers.
 */
int vtd_regfile_init(struct vtd_regfile *rf, const struct vtd_regfile_config *config);

/* As after power on. Completions that arrive later find nothing pending and do nothing. */
void vtd_regfile_reset(struct vtd_regfile *rf);

/* 0; -EINVAL: size is not 4 or 8, or offset is no multiple of it or not below 4 KiB. */
int vtd_regfile_read(const struct vtd_regfile *rf, uint64_t offset, unsigned size, uint64_t *value);
int vtd_regfile_write(struct vtd_regfile *rf, uint64_t offset, unsigned size, uint64_t value,
		      struct vtd_effects *fx);

/* Commands */

/* which: VTD_FX_ROOT_LATCH to VTD_FX_WBF. True: one of them was pending, and GSTS says so now. */
bool vtd_regfile_complete_gcmd(struct vtd_regfile *rf, uint32_t which);

uint64_t vtd_regfile_root(const struct vtd_regfile *rf);
uint64_t vtd_regfile_irta(const struct vtd_regfile *rf);

/* TE, IRE and QIE as software wants them: GSTS once the pending command is complete */
bool vtd_regfile_translation_wanted(const struct vtd_regfile *rf);
bool vtd_regfile_remapping_wanted(const struct vtd_regfile *rf);
bool vtd_regfile_queue_wanted(const struct vtd_regfile *rf);

/* The virtual command in flight. Commands that VCCAP does not offer never get here. */
void vtd_regfile_vcmd(const struct vtd_regfile *rf, unsigned *command, uint64_t *operand);
/* result goes to VCRSP.RSLT: an allocated PASID, or 0 */
void vtd_regfile_complete_vcmd(struct vtd_regfile *rf, unsigned status, uint64_t result);

/* Register-based invalidation in flight, with the fields that software cannot read back */
uint64_t vtd_regfile_ccmd(const struct vtd_regfile *rf);
uint64_t vtd_regfile_iotlb(const struct vtd_regfile *rf);
uint64_t vtd_regfile_iva(const struct vtd_regfile *rf);
void vtd_regfile_complete_ccmd(struct vtd_regfile *rf, enum vtd_register_granularity done);
void vtd_regfile_complete_iotlb(struct vtd_regfile *rf, enum vtd_register_granularity done);

/* Invalidation queue, VT-d 6.5.2 */

/* QIES=1, head is not tail, IQE=0, ITE=0. The slot at the head address lies inside the queue. */
bool vtd_regfile_iq_fetch_allowed(const struct vtd_regfile *rf);
uint64_t vtd_regfile_iq_base(const struct vtd_regfile *rf);
uint32_t vtd_regfile_iq_len(const struct vtd_regfile *rf);  /* bytes */
bool vtd_regfile_iq_is_wide(const struct vtd_regfile *rf);  /* 32-byte descriptors */
uint32_t vtd_regfile_iq_head(const struct vtd_regfile *rf); /* bytes from the base */
uint32_t vtd_regfile_iq_tail(const struct vtd_regfile *rf);
uint64_t vtd_regfile_iq_head_address(const struct vtd_regfile *rf);

/* So many descriptors, from the head on, are done. Nothing if the queue has been disabled meanwhile. */
void vtd_regfile_iq_advance(struct vtd_regfile *rf, unsigned count);

/* IQE: the descriptor at the head is bad (enum vtd_iqei). The queue stops until it is cleared. */
void vtd_regfile_iq_error(struct vtd_regfile *rf, unsigned iqei, struct vtd_effects *fx);
/* ITE: the device did not answer an invalidation. The queue stops until it is cleared. */
void vtd_regfile_iq_ite(struct vtd_regfile *rf, rid_t sid, struct vtd_effects *fx);
/* ICE: a device answered what it was not asked. The queue goes on. */
void vtd_regfile_iq_ice(struct vtd_regfile *rf, rid_t sid, struct vtd_effects *fx);
/* A wait descriptor with IF=1 is complete. */
void vtd_regfile_wait_complete(struct vtd_regfile *rf, struct vtd_effects *fx);

/* Faults, VT-d 7.2.1 */

/* True: recorded; false: lost (PFO). The caller has looked at FPD. F of the record is set here. */
bool vtd_regfile_record_fault(struct vtd_regfile *rf, const struct vtd_fault_record *record,
			      struct vtd_effects *fx);

/* Page requests */

/*
 * Where the next page request is to be written. 0; -ENOSPC: the queue is full (PRO is set and an
 * event raised) or was and PRO is still set: the request is lost, answer Success if it is the last
 * of its group; -ENODEV: the unit has no page requests. The slot is software's until commit; two
 * reserves without a commit give the same slot.
 */
int vtd_regfile_prq_reserve(struct vtd_regfile *rf, uint64_t *slot_address, struct vtd_effects *fx);
/* The descriptor is written: PQT moves on, PPR is set and an event raised. */
void vtd_regfile_prq_commit(struct vtd_regfile *rf, struct vtd_effects *fx);
/* no request is unread: PQH = PQT */
bool vtd_regfile_prq_is_empty(const struct vtd_regfile *rf);

#endif
