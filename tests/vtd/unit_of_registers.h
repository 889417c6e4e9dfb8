/* SPDX-License-Identifier: MIT */
/* A register file with every feature. Numbers are the specification's, not the room's. */
#ifndef TESTS_VTD_UNIT_OF_REGISTERS_H
#define TESTS_VTD_UNIT_OF_REGISTERS_H

#include "unit.h"

#include <errno.h>
#include <string.h>

#include "vtd/regfile.h"

#define BIT(n)        (UINT64_C(1) << (n))
#define FIELD(v, lsb) ((uint64_t)(v) << (lsb))

/* ND=6 PLMR PHMR SAGAW=39,48,57 MGAW=57 FRO=0x22 NFR=4 SSLPS PSI MAMV=18 DWD DRD FS1GP FS5LP */
#define FULL_CAP                                                                                   \
	(6 | BIT(5) | BIT(6) | FIELD(0xe, 8) | FIELD(56, 16) | FIELD(0x22, 24) | FIELD(3, 34) |    \
	 BIT(39) | FIELD(3, 40) | FIELD(18, 48) | BIT(54) | BIT(55) | BIT(56) | BIT(60))
/*
 * C QI DT IR EIM PT SC IRO=0x50 MHMV=15 NEST PRS SRS NWFS EAFS PSS=19 PASID DIT PDS SMTS VCS SSADS
 * SSTS FSTS SMPWC RPS ADMS RPRIVS SMS
 */
#define FULL_ECAP                                                                                  \
	(BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(6) | BIT(7) | FIELD(0x50, 8) |           \
	 FIELD(15, 20) | BIT(26) | BIT(29) | BIT(31) | BIT(33) | BIT(34) | FIELD(19, 35) |         \
	 BIT(40) | BIT(41) | BIT(42) | BIT(43) | BIT(44) | BIT(45) | BIT(46) | BIT(47) | BIT(48) | \
	 BIT(49) | BIT(52) | BIT(53) | BIT(58))

#define FRCD0 0x220u
#define IVA   0x500u
#define IOTLB 0x508u

struct registers {
	struct vtd_regfile rf;
	struct vtd_effects fx; /* of the last write or call */
};

static inline struct vtd_regfile_config full_config(void)
{
	return (struct vtd_regfile_config){
		.ver = 0x10, .cap = FULL_CAP, .ecap = FULL_ECAP, .vccap = 7};
}

static inline void registers_init(struct registers *r, struct vtd_regfile_config config)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(vtd_regfile_init(&r->rf, &config), 0);
}

static inline struct vtd_effects *fresh(struct registers *r)
{
	memset(&r->fx, 0, sizeof(r->fx));
	return &r->fx;
}

static inline void write_register(struct registers *r, unsigned offset, unsigned size,
				  uint64_t value)
{
	assert_int_equal(vtd_regfile_write(&r->rf, offset, size, value, fresh(r)), 0);
}

static inline void write32(struct registers *r, unsigned offset, uint64_t value)
{
	write_register(r, offset, 4, value);
}

static inline void write64(struct registers *r, unsigned offset, uint64_t value)
{
	write_register(r, offset, 8, value);
}

static inline uint64_t read_register(const struct registers *r, unsigned offset, unsigned size)
{
	uint64_t value = 0;

	assert_int_equal(vtd_regfile_read(&r->rf, offset, size, &value), 0);
	return value;
}

static inline uint64_t read32(const struct registers *r, unsigned offset)
{
	return read_register(r, offset, 4);
}

static inline uint64_t read64(const struct registers *r, unsigned offset)
{
	return read_register(r, offset, 8);
}

/* a command of GCMD from write to completion */
static inline void run_gcmd(struct registers *r, uint64_t value, uint32_t effect)
{
	write32(r, 0x18, value);
	assert_true(r->fx.what & effect);
	assert_true(vtd_regfile_complete_gcmd(&r->rf, effect));
}

#endif
