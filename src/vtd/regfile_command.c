/* SPDX-License-Identifier: MIT */
/* Commands: GCMD one at a time, the virtual command, register-based invalidation. */
#include "vtd/regfile_impl.h"

/* GCMD, VT-d 11.4 */

/* A command has the same bit in GCMD and GSTS. */
_Static_assert((uint64_t)VTD_GCMD_TE == (uint64_t)VTD_GSTS_TES &&
		       (uint64_t)VTD_GCMD_SRTP == (uint64_t)VTD_GSTS_RTPS &&
		       (uint64_t)VTD_GCMD_WBF == (uint64_t)VTD_GSTS_WBFS &&
		       (uint64_t)VTD_GCMD_QIE == (uint64_t)VTD_GSTS_QIES &&
		       (uint64_t)VTD_GCMD_IRE == (uint64_t)VTD_GSTS_IRES &&
		       (uint64_t)VTD_GCMD_SIRTP == (uint64_t)VTD_GSTS_IRTPS &&
		       (uint64_t)VTD_GCMD_CFI == (uint64_t)VTD_GSTS_CFIS,
	       "GCMD and GSTS agree");

static const struct {
	uint32_t bit;
	enum vtd_fx fx;
} commands[] = {
	{VTD_GCMD_TE, VTD_FX_TE},   {VTD_GCMD_SRTP, VTD_FX_ROOT_LATCH},
	{VTD_GCMD_WBF, VTD_FX_WBF}, {VTD_GCMD_QIE, VTD_FX_QIE},
	{VTD_GCMD_IRE, VTD_FX_IRE}, {VTD_GCMD_SIRTP, VTD_FX_IRT_LATCH},
	{VTD_GCMD_CFI, VTD_FX_CFI},
};

static uint32_t effect_of(uint32_t bit)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].bit == bit)
			return commands[i].fx;
	return 0;
}

static uint32_t gsts(const struct vtd_regfile *rf)
{
	return regfile_get32(rf, VTD_REG_GSTS);
}

/* advanced fault logging (SFL, EAFL) is never there */
static uint32_t supported_commands(const struct vtd_regfile *rf)
{
	uint64_t bits = VTD_GCMD_TE | VTD_GCMD_SRTP | VTD_GCMD_WBF;

	if (vtd_ECAP_QI(rf->config.ecap))
		bits |= VTD_GCMD_QIE;
	if (vtd_ECAP_IR(rf->config.ecap))
		bits |= VTD_GCMD_IRE | VTD_GCMD_SIRTP | VTD_GCMD_CFI;
	return (uint32_t)bits;
}

/* VT-d 6.5.3, CAP.ESRTPS, CAP.ESIRTPS: what the command itself invalidates */
static uint32_t flush_of(const struct vtd_regfile *rf, uint32_t bit)
{
	bool turns_off = (gsts(rf) & bit) != 0;

	if (bit == VTD_GCMD_SRTP)
		return vtd_CAP_ESRTPS(rf->config.cap) ? VTD_FX_FLUSH_DMA : 0;
	if (bit == VTD_GCMD_TE)
		return turns_off && vtd_ECAP_SMTS(rf->config.ecap) ? VTD_FX_FLUSH_DMA : 0;
	if (bit == VTD_GCMD_SIRTP || (bit == VTD_GCMD_IRE && turns_off))
		return vtd_CAP_ESIRTPS(rf->config.cap) ? VTD_FX_FLUSH_IR : 0;
	return 0;
}

static void start(struct vtd_regfile *rf, uint32_t bit, struct vtd_effects *fx)
{
	fx->what |= effect_of(bit) | flush_of(rf, bit);
	rf->gcmd_pending = bit;
	switch (bit) {
	case VTD_GCMD_SRTP:
		rf->root = regfile_get64(rf, VTD_REG_RTADDR);
		regfile_clear32(rf, VTD_REG_GSTS, VTD_GSTS_RTPS);
		break;
	case VTD_GCMD_SIRTP:
		rf->irta = regfile_get64(rf, VTD_REG_IRTA);
		regfile_clear32(rf, VTD_REG_GSTS, VTD_GSTS_IRTPS);
		break;
	case VTD_GCMD_WBF:
		regfile_set32(rf, VTD_REG_GSTS, VTD_GSTS_WBFS);
		break;
	case VTD_GCMD_QIE:
		if (!(gsts(rf) & VTD_GSTS_QIES))
			regfile_iq_enable(rf, fx);
		break;
	}
}

void regfile_gcmd_written(struct vtd_regfile *rf, struct regfile_write write,
			  struct vtd_effects *fx)
{
	uint32_t wanted = (uint32_t)write.value;
	uint32_t change = (uint32_t)(((wanted ^ gsts(rf)) & VTD_GCMD_LEVEL_BITS) |
				     (wanted & VTD_GCMD_ONE_SHOT_BITS)) &
			  supported_commands(rf);

	if (!change)
		return;
	/* one command at a time: software changes one bit and waits for GSTS */
	if (rf->gcmd_pending || (change & (change - 1))) {
		fx->what |= VTD_FX_GCMD_REFUSED;
		return;
	}
	start(rf, change, fx);
}

bool vtd_regfile_complete_gcmd(struct vtd_regfile *rf, uint32_t which)
{
	uint32_t bit = rf->gcmd_pending;

	if (!(effect_of(bit) & which))
		return false;
	rf->gcmd_pending = 0;
	/* a level bit changes; RTPS, IRTPS and WBFS become the opposite of what start() left */
	regfile_put32(rf, VTD_REG_GSTS, gsts(rf) ^ bit);
	if (bit == VTD_GCMD_QIE && !(gsts(rf) & VTD_GSTS_QIES))
		regfile_iq_disabled(rf);
	/* VT-d 7.2.1: the index starts again when neither remapping is on */
	if (!(gsts(rf) & (VTD_GSTS_TES | VTD_GSTS_IRES)) &&
	    (bit == VTD_GCMD_TE || bit == VTD_GCMD_IRE))
		rf->fault_index = 0;
	return true;
}

uint64_t vtd_regfile_root(const struct vtd_regfile *rf)
{
	return rf->root;
}

uint64_t vtd_regfile_irta(const struct vtd_regfile *rf)
{
	return rf->irta;
}

static bool is_wanted(const struct vtd_regfile *rf, uint64_t level_bit)
{
	return ((gsts(rf) ^ rf->gcmd_pending) & level_bit) != 0;
}

bool vtd_regfile_translation_wanted(const struct vtd_regfile *rf)
{
	return is_wanted(rf, VTD_GCMD_TE);
}

bool vtd_regfile_remapping_wanted(const struct vtd_regfile *rf)
{
	return is_wanted(rf, VTD_GCMD_IRE);
}

bool vtd_regfile_queue_wanted(const struct vtd_regfile *rf)
{
	return is_wanted(rf, VTD_GCMD_QIE);
}

/* Virtual command, VT-d 11.4.14 to 11.4.16 */

bool regfile_vcmd_is_busy(const struct vtd_regfile *rf)
{
	return (regfile_get32(rf, VTD_REG_VCRSP) & VTD_VCRSP_IP) != 0;
}

static bool vcmd_is_offered(const struct vtd_regfile *rf, uint64_t command)
{
	switch (command) {
	case VTD_VCMD_NULL:
		return vtd_VCCAP_NS(rf->config.vccap) != 0;
	case VTD_VCMD_ALLOC_PASID:
		return vtd_VCCAP_PAS(rf->config.vccap) != 0;
	case VTD_VCMD_FREE_PASID:
		return vtd_VCCAP_FPS(rf->config.vccap) != 0;
	default:
		return false;
	}
}

/* Writing CMD starts the command; the upper half alone only sets the operand. */
void regfile_vcmd_written(struct vtd_regfile *rf, struct regfile_write write,
			  struct vtd_effects *fx)
{
	if (!(write.mask & VTD_VCMD_CMD))
		return;
	regfile_put64(rf, VTD_REG_VCRSP, VTD_VCRSP_IP);
	if (vcmd_is_offered(rf, vtd_VCMD_CMD(write.value)))
		fx->what |= VTD_FX_VCMD;
	else
		vtd_regfile_complete_vcmd(rf, VTD_VCMD_UNDEFINED, 0);
}

void vtd_regfile_vcmd(const struct vtd_regfile *rf, unsigned *command, uint64_t *operand)
{
	uint64_t vcmd = regfile_get64(rf, VTD_REG_VCMD);

	*command = (unsigned)vtd_VCMD_CMD(vcmd);
	*operand = vtd_VCMD_OA(vcmd);
}

void vtd_regfile_complete_vcmd(struct vtd_regfile *rf, unsigned status, uint64_t result)
{
	if (!regfile_vcmd_is_busy(rf))
		return;
	regfile_put64(rf, VTD_REG_VCRSP, vtd_VCRSP_with_RSLT(vtd_VCRSP_with_SC(0, status), result));
}

/* Register-based invalidation */

/* Only legacy mode has it, and no unit from major version 6 on; not beside the queue. */
static bool register_invalidation_is_allowed(const struct vtd_regfile *rf)
{
	return vtd_RTADDR_TTM(rf->root) == VTD_TTM_LEGACY && vtd_VER_MAX(rf->config.ver) < 6 &&
	       !vtd_regfile_queue_wanted(rf);
}

bool regfile_ccmd_is_busy(const struct vtd_regfile *rf)
{
	return vtd_CCMD_ICC(vtd_regfile_ccmd(rf)) != 0;
}

bool regfile_iotlb_is_busy(const struct vtd_regfile *rf)
{
	return vtd_IOTLB_IVT(vtd_regfile_iotlb(rf)) != 0;
}

uint64_t vtd_regfile_ccmd(const struct vtd_regfile *rf)
{
	return regfile_get64(rf, VTD_REG_CCMD);
}

uint64_t vtd_regfile_iotlb(const struct vtd_regfile *rf)
{
	return regfile_get64(rf, vtd_iotlb_offset(rf->config.ecap));
}

uint64_t vtd_regfile_iva(const struct vtd_regfile *rf)
{
	return regfile_get64(rf, vtd_iva_offset(rf->config.ecap));
}

void regfile_ccmd_written(struct vtd_regfile *rf, struct regfile_write write,
			  struct vtd_effects *fx)
{
	uint64_t ccmd = vtd_regfile_ccmd(rf);

	(void)write;
	if (!vtd_CCMD_ICC(ccmd))
		return;
	if (register_invalidation_is_allowed(rf) && vtd_CCMD_CIRG(ccmd) != VTD_REQ_NONE)
		fx->what |= VTD_FX_CCMD;
	else
		vtd_regfile_complete_ccmd(rf, VTD_REQ_NONE);
}

void vtd_regfile_complete_ccmd(struct vtd_regfile *rf, enum vtd_register_granularity done)
{
	uint64_t ccmd = vtd_CCMD_with_CAIG(vtd_regfile_ccmd(rf), done);

	if (regfile_ccmd_is_busy(rf))
		regfile_put64(rf, VTD_REG_CCMD, vtd_CCMD_with_ICC(ccmd, 0));
}

void regfile_iotlb_written(struct vtd_regfile *rf, struct regfile_write write,
			   struct vtd_effects *fx)
{
	uint64_t iotlb = vtd_regfile_iotlb(rf);

	(void)write;
	if (!vtd_IOTLB_IVT(iotlb))
		return;
	if (register_invalidation_is_allowed(rf) && vtd_IOTLB_IIRG(iotlb) != VTD_REQ_NONE &&
	    !regfile_ccmd_is_busy(rf))
		fx->what |= VTD_FX_IOTLB;
	else
		vtd_regfile_complete_iotlb(rf, VTD_REQ_NONE);
}

void vtd_regfile_complete_iotlb(struct vtd_regfile *rf, enum vtd_register_granularity done)
{
	uint64_t iotlb = vtd_IOTLB_with_IAIG(vtd_regfile_iotlb(rf), done);

	if (regfile_iotlb_is_busy(rf))
		regfile_put64(rf, vtd_iotlb_offset(rf->config.ecap), vtd_IOTLB_with_IVT(iotlb, 0));
}

/* Protected memory */

void regfile_pmen_written(struct vtd_regfile *rf, struct regfile_write write,
			  struct vtd_effects *fx)
{
	uint64_t pmen = regfile_get32(rf, VTD_REG_PMEN);

	(void)write;
	regfile_put32(rf, VTD_REG_PMEN, vtd_PMEN_with_PRS(pmen, vtd_PMEN_EPM(pmen)));
	fx->what |= VTD_FX_PMEN;
}
