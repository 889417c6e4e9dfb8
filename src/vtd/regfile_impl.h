/* SPDX-License-Identifier: MIT */
/* What the parts of the register file share. Nobody else includes it. */
#ifndef VTD_REGFILE_IMPL_H
#define VTD_REGFILE_IMPL_H

#include <string.h>

#include "vtd/regfile.h"

static inline uint32_t regfile_get32(const struct vtd_regfile *rf, unsigned offset)
{
	return rf->dword[offset / 4];
}

/* Registers of 64 bits are read and written whole, or a CPU waits for the two halves of what was just
 * written before it reads them together. */
static inline uint64_t regfile_get64(const struct vtd_regfile *rf, unsigned offset)
{
	uint64_t value;

	memcpy(&value, &rf->dword[offset / 4], sizeof(value));
	return value;
}

static inline void regfile_put32(struct vtd_regfile *rf, unsigned offset, uint64_t value)
{
	rf->dword[offset / 4] = (uint32_t)value;
}

static inline void regfile_put64(struct vtd_regfile *rf, unsigned offset, uint64_t value)
{
	memcpy(&rf->dword[offset / 4], &value, sizeof(value));
}

static inline void regfile_set32(struct vtd_regfile *rf, unsigned offset, uint64_t bits)
{
	rf->dword[offset / 4] |= (uint32_t)bits;
}

static inline void regfile_clear32(struct vtd_regfile *rf, unsigned offset, uint64_t bits)
{
	rf->dword[offset / 4] &= ~(uint32_t)bits;
}

/* A write to one register: the bits written (mask) and their values. */
struct regfile_write {
	uint64_t mask;
	uint64_t value;
};

/* What a register does once the whole write is stored. */
typedef void regfile_handler(struct vtd_regfile *rf, struct regfile_write write,
			     struct vtd_effects *fx);

/* regfile_command.c */
regfile_handler regfile_gcmd_written, regfile_ccmd_written, regfile_iotlb_written,
	regfile_vcmd_written, regfile_pmen_written;
bool regfile_vcmd_is_busy(const struct vtd_regfile *rf);
bool regfile_ccmd_is_busy(const struct vtd_regfile *rf);
bool regfile_iotlb_is_busy(const struct vtd_regfile *rf);

/* regfile_queue.c */
regfile_handler regfile_iqt_written;
void regfile_iq_enable(struct vtd_regfile *rf, struct vtd_effects *fx);
void regfile_iq_disabled(struct vtd_regfile *rf);
/* Work may have appeared: checks the tail, adds `what` if there is something to fetch. */
void regfile_iq_kick(struct vtd_regfile *rf, uint32_t what, struct vtd_effects *fx);

/* regfile_event.c */
regfile_handler regfile_fsts_written, regfile_ics_written, regfile_prs_written,
	regfile_fectl_written, regfile_iectl_written, regfile_pectl_written, regfile_frcd_written,
	regfile_pqh_written;
/* Sets status bits of a source; if none was set, that is an event. */
void regfile_raise(struct vtd_regfile *rf, enum vtd_event_source source, uint64_t bits,
		   struct vtd_effects *fx);

#endif
