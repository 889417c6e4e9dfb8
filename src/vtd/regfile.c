/* SPDX-License-Identifier: MIT */
/* The register page: which bits software may write, and what is called when it did. */
#include "vtd/regfile.h"

#include <errno.h>
#include <string.h>

#include "vtd/regfile_impl.h"

/* Access rules */

/* What a unit must offer for a register to be there. */
enum feature { ALWAYS, QI, QI_EIM, EIM, IR, PRQ, PRQ_EIM, PLM, PHM, PROTECTED, VCMDS };

struct rule {
	uint16_t offset;
	uint16_t width; /* bits */
	enum feature feature;
	uint64_t rw;
	uint64_t w1c;
	uint64_t wo;                                   /* reads as zero */
	bool (*is_busy)(const struct vtd_regfile *rf); /* then writes are dropped */
	regfile_handler *written;
};

#define WIDTH(name, width, offset) WIDTH_##name = (width),
enum { VTD_FIXED_REGISTERS(WIDTH) VTD_RELOCATED_REGISTERS(WIDTH) };

#define AT(name) .offset = VTD_REG_##name, .width = WIDTH_##name

#define LOW_END 0x100u

/* Found by its first dword. Registers without a rule are read-only. VT-d 11.4 */
static const struct rule low_rules[LOW_END / 4] = {
	[VTD_REG_GCMD / 4] = {AT(GCMD), .written = regfile_gcmd_written},
	[VTD_REG_RTADDR / 4] = {AT(RTADDR), .rw = VTD_RTADDR_TTM | VTD_RTADDR_RTA},
	[VTD_REG_CCMD / 4] = {AT(CCMD),
			      .rw = VTD_CCMD_DID | VTD_CCMD_SID | VTD_CCMD_FM | VTD_CCMD_CIRG |
				    VTD_CCMD_ICC,
			      .wo = VTD_CCMD_SID | VTD_CCMD_FM, .is_busy = regfile_ccmd_is_busy,
			      .written = regfile_ccmd_written},
	[VTD_REG_FSTS / 4] = {AT(FSTS),
			      .w1c = VTD_FSTS_PFO | VTD_FSTS_IQE | VTD_FSTS_ICE | VTD_FSTS_ITE,
			      .written = regfile_fsts_written},
	[VTD_REG_FECTL / 4] = {AT(FECTL), .rw = VTD_FECTL_IM, .written = regfile_fectl_written},
	[VTD_REG_FEDATA / 4] = {AT(FEDATA), .rw = VTD_FEDATA_IMD},
	[VTD_REG_FEADDR / 4] = {AT(FEADDR), .rw = VTD_FEADDR_MA},
	[VTD_REG_FEUADDR / 4] = {AT(FEUADDR), .feature = EIM, .rw = VTD_FEUADDR_MUA},
	[VTD_REG_PMEN / 4] = {AT(PMEN), .feature = PROTECTED, .rw = VTD_PMEN_EPM,
			      .written = regfile_pmen_written},
	[VTD_REG_PLMBASE / 4] = {AT(PLMBASE), .feature = PLM, .rw = VTD_PLMBASE_PLMB},
	[VTD_REG_PLMLIMIT / 4] = {AT(PLMLIMIT), .feature = PLM, .rw = VTD_PLMLIMIT_PLML},
	[VTD_REG_PHMBASE / 4] = {AT(PHMBASE), .feature = PHM, .rw = VTD_PHMBASE_PHMB},
	[VTD_REG_PHMLIMIT / 4] = {AT(PHMLIMIT), .feature = PHM, .rw = VTD_PHMLIMIT_PHML},
	[VTD_REG_IQT / 4] = {AT(IQT), .feature = QI, .rw = VTD_IQT_QT,
			     .written = regfile_iqt_written},
	[VTD_REG_IQA / 4] = {AT(IQA), .feature = QI, .rw = VTD_IQA_QS | VTD_IQA_DW | VTD_IQA_IQA},
	[VTD_REG_ICS / 4] = {AT(ICS), .feature = QI, .w1c = VTD_ICS_IWC,
			     .written = regfile_ics_written},
	[VTD_REG_IECTL / 4] = {AT(IECTL), .feature = QI, .rw = VTD_IECTL_IM,
			       .written = regfile_iectl_written},
	[VTD_REG_IEDATA / 4] = {AT(IEDATA), .feature = QI, .rw = VTD_IEDATA_IMD},
	[VTD_REG_IEADDR / 4] = {AT(IEADDR), .feature = QI, .rw = VTD_IEADDR_MA},
	[VTD_REG_IEUADDR / 4] = {AT(IEUADDR), .feature = QI_EIM, .rw = VTD_IEUADDR_MUA},
	[VTD_REG_IRTA / 4] = {AT(IRTA), .feature = IR,
			      .rw = VTD_IRTA_S | VTD_IRTA_EIME | VTD_IRTA_IRTA},
	[VTD_REG_PQH / 4] = {AT(PQH), .feature = PRQ, .rw = VTD_PQH_PQH,
			     .written = regfile_pqh_written},
	[VTD_REG_PQT / 4] = {AT(PQT), .feature = PRQ, .rw = VTD_PQT_PQT},
	[VTD_REG_PQA / 4] = {AT(PQA), .feature = PRQ, .rw = VTD_PQA_PQS | VTD_PQA_PQA},
	[VTD_REG_PRS / 4] = {AT(PRS), .feature = PRQ, .w1c = VTD_PRS_PPR | VTD_PRS_PRO,
			     .written = regfile_prs_written},
	[VTD_REG_PECTL / 4] = {AT(PECTL), .feature = PRQ, .rw = VTD_PECTL_IM,
			       .written = regfile_pectl_written},
	[VTD_REG_PEDATA / 4] = {AT(PEDATA), .feature = PRQ, .rw = VTD_PEDATA_IMD},
	[VTD_REG_PEADDR / 4] = {AT(PEADDR), .feature = PRQ, .rw = VTD_PEADDR_MA},
	[VTD_REG_PEUADDR / 4] = {AT(PEUADDR), .feature = PRQ_EIM, .rw = VTD_PEUADDR_MUA},
};

static const struct rule high_rules[] = {
	{AT(VCMD), .feature = VCMDS, .rw = VTD_VCMD_CMD | VTD_VCMD_OA,
	 .is_busy = regfile_vcmd_is_busy, .written = regfile_vcmd_written},
	{AT(VCMD_EO), .feature = VCMDS, .rw = VTD_VCMD_EO_OB, .is_busy = regfile_vcmd_is_busy},
};

static const struct rule iva_rule = {
	.width = WIDTH_IVA,
	.rw = VTD_IVA_AM | VTD_IVA_IH | VTD_IVA_ADDR,
	.wo = VTD_IVA_AM | VTD_IVA_IH | VTD_IVA_ADDR,
	.is_busy = regfile_iotlb_is_busy,
};

static const struct rule iotlb_rule = {
	.width = WIDTH_IOTLB,
	.rw = VTD_IOTLB_DID | VTD_IOTLB_DW | VTD_IOTLB_DR | VTD_IOTLB_IIRG | VTD_IOTLB_IVT,
	.is_busy = regfile_iotlb_is_busy,
	.written = regfile_iotlb_written,
};

/* the upper word of a fault record: F is its highest bit */
static const struct rule frcd_rule = {
	.width = 64,
	.w1c = UINT64_C(1) << 63,
	.written = regfile_frcd_written,
};

static bool has_feature(const struct vtd_regfile *rf, enum feature feature)
{
	uint64_t cap = rf->config.cap, ecap = rf->config.ecap;

	switch (feature) {
	case ALWAYS:
		return true;
	case QI:
		return vtd_ECAP_QI(ecap);
	case QI_EIM:
		return vtd_ECAP_QI(ecap) && vtd_ECAP_EIM(ecap);
	case EIM:
		return vtd_ECAP_EIM(ecap);
	case IR:
		return vtd_ECAP_IR(ecap);
	case PRQ:
		return vtd_ECAP_PRS(ecap);
	case PRQ_EIM:
		return vtd_ECAP_PRS(ecap) && vtd_ECAP_EIM(ecap);
	case PLM:
		return vtd_CAP_PLMR(cap);
	case PHM:
		return vtd_CAP_PHMR(cap);
	case PROTECTED:
		return vtd_CAP_PLMR(cap) || vtd_CAP_PHMR(cap);
	case VCMDS:
		return vtd_ECAP_VCS(ecap);
	}
	return false;
}

static const struct rule *relocated_rule_at(const struct vtd_regfile *rf, unsigned offset,
					    unsigned *base)
{
	uint64_t cap = rf->config.cap, ecap = rf->config.ecap;

	*base = offset & ~7u;
	if (*base == vtd_iva_offset(ecap))
		return &iva_rule;
	if (*base == vtd_iotlb_offset(ecap))
		return &iotlb_rule;
	if (offset >= vtd_frcd_offset(cap, 0) &&
	    offset < vtd_frcd_offset(cap, vtd_frcd_count(cap)) && (offset & 8))
		return &frcd_rule;
	return NULL;
}

static bool has_dword(const struct rule *rule, unsigned offset)
{
	return offset - rule->offset < rule->width / 8u;
}

static const struct rule *low_rule_at(unsigned offset)
{
	const struct rule *rule = &low_rules[offset / 4];

	if (!rule->width && offset)
		rule--;
	return has_dword(rule, offset) ? rule : NULL;
}

static const struct rule *high_rule_at(unsigned offset)
{
	for (size_t i = 0; i < sizeof(high_rules) / sizeof(high_rules[0]); i++)
		if (has_dword(&high_rules[i], offset))
			return &high_rules[i];
	return NULL;
}

/* The rule for the register that this dword belongs to, and where the register begins. */
static const struct rule *rule_at(const struct vtd_regfile *rf, unsigned offset, unsigned *base)
{
	const struct rule *rule = offset < LOW_END ? low_rule_at(offset) : high_rule_at(offset);

	if (!rule)
		return relocated_rule_at(rf, offset, base);
	*base = rule->offset;
	return has_feature(rf, rule->feature) ? rule : NULL;
}

/* Access */

static bool access_is_valid(uint64_t offset, unsigned size)
{
	return (size == 4 || size == 8) && offset % size == 0 && offset < VTD_REGISTER_PAGE_SIZE;
}

/* A register that the unit does not have is zero, so nobody asks whether it is there. */
static uint32_t readable(const struct vtd_regfile *rf, unsigned offset)
{
	const struct rule *rule = offset < LOW_END ? low_rule_at(offset) : NULL;
	unsigned base;

	if (rule)
		base = rule->offset;
	else
		rule = rule_at(rf, offset, &base);
	return regfile_get32(rf, offset) &
	       ~(rule ? (uint32_t)(rule->wo >> 8 * (offset - base)) : 0);
}

int vtd_regfile_read(const struct vtd_regfile *rf, uint64_t offset, unsigned size, uint64_t *value)
{
	unsigned at = (unsigned)offset;

	if (!access_is_valid(offset, size))
		return -EINVAL;
	*value = readable(rf, at);
	if (size == 8)
		*value |= (uint64_t)readable(rf, at + 4) << 32;
	return 0;
}

/* The part of an access that one register sees. */
struct part {
	const struct rule *rule;
	struct regfile_write write;
};

static struct part part_of(const struct vtd_regfile *rf, unsigned offset, unsigned size,
			   uint64_t value)
{
	struct part part = {0};
	unsigned base;
	uint64_t mask = size == 8 ? UINT64_MAX : UINT32_MAX;

	part.rule = rule_at(rf, offset, &base);
	if (!part.rule || (part.rule->is_busy && part.rule->is_busy(rf)))
		return (struct part){0};
	part.write.mask = mask << 8 * (offset - base);
	part.write.value = (value & mask) << 8 * (offset - base);
	return part;
}

static void store(struct vtd_regfile *rf, unsigned offset, const struct part *part)
{
	const struct rule *rule = part->rule;
	struct regfile_write write = part->write;
	unsigned base = rule->width == 64 ? offset & ~7u : offset;
	uint64_t value = rule->width == 64 ? regfile_get64(rf, base) : regfile_get32(rf, base);

	value = (value & ~(rule->rw & write.mask)) | (write.value & rule->rw);
	value &= ~(write.value & rule->w1c);
	if (rule->width == 64)
		regfile_put64(rf, base, value);
	else
		regfile_put32(rf, base, value);
}

/* An aligned access of 8 bytes hits one 64-bit register or two of 32 bits. */
static unsigned split(const struct vtd_regfile *rf, unsigned offset, unsigned size, uint64_t value,
		      struct part parts[2])
{
	unsigned base;
	const struct rule *rule = rule_at(rf, offset, &base);

	if (size == 8 && !(rule && rule->width == 64)) {
		parts[0] = part_of(rf, offset, 4, value);
		parts[1] = part_of(rf, offset + 4, 4, value >> 32);
		return 2;
	}
	parts[0] = part_of(rf, offset, size, value);
	return 1;
}

int vtd_regfile_write(struct vtd_regfile *rf, uint64_t offset, unsigned size, uint64_t value,
		      struct vtd_effects *fx)
{
	unsigned at = (unsigned)offset, count;
	struct part parts[2];

	if (!access_is_valid(offset, size))
		return -EINVAL;
	count = split(rf, at, size, value, parts);
	for (unsigned i = 0; i < count; i++)
		if (parts[i].rule)
			store(rf, at + 4 * i, &parts[i]);
	for (unsigned i = 0; i < count; i++)
		if (parts[i].rule && parts[i].rule->written)
			parts[i].rule->written(rf, parts[i].write, fx);
	return 0;
}

/* Life */

static bool overlaps_fixed(unsigned first, unsigned end)
{
	static const struct {
		unsigned offset, width;
	} fixed[] = {
#define PLACE(name, width, offset) {offset, width},
		VTD_FIXED_REGISTERS(PLACE)};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (fixed[i].offset < end && first < fixed[i].offset + fixed[i].width / 8)
			return true;
	return false;
}

static bool placement_is_valid(const struct vtd_regfile_config *config)
{
	unsigned iro = vtd_iva_offset(config->ecap), iro_end = iro + VTD_IRO_SIZE;
	unsigned fro = vtd_frcd_offset(config->cap, 0);
	unsigned fro_end = vtd_frcd_offset(config->cap, vtd_frcd_count(config->cap));

	return iro_end <= VTD_REGISTER_PAGE_SIZE && fro_end <= VTD_REGISTER_PAGE_SIZE &&
	       !overlaps_fixed(iro, iro_end) && !overlaps_fixed(fro, fro_end) &&
	       (iro_end <= fro || fro_end <= iro);
}

int vtd_regfile_init(struct vtd_regfile *rf, const struct vtd_regfile_config *config)
{
	if (!placement_is_valid(config))
		return -EINVAL;
	rf->config = *config;
	vtd_regfile_reset(rf);
	return 0;
}

void vtd_regfile_reset(struct vtd_regfile *rf)
{
	struct vtd_regfile_config config = rf->config;

	memset(rf, 0, sizeof(*rf));
	rf->config = config;
	regfile_put32(rf, VTD_REG_VER, config.ver);
	regfile_put64(rf, VTD_REG_CAP, config.cap);
	regfile_put64(rf, VTD_REG_ECAP, config.ecap);
	regfile_put32(rf, VTD_REG_FECTL, VTD_FECTL_IM);
	if (has_feature(rf, QI))
		regfile_put32(rf, VTD_REG_IECTL, VTD_IECTL_IM);
	if (has_feature(rf, PRQ))
		regfile_put32(rf, VTD_REG_PECTL, VTD_PECTL_IM);
	if (has_feature(rf, VCMDS))
		regfile_put64(rf, VTD_REG_VCCAP, config.vccap);
}
