/* SPDX-License-Identifier: MIT */
#include "vtd/decode.h"

#include <string.h>

/* Types: legality first, then bits */

/* VT-d 6.5.2: scalable and abort-DMA mode have no descriptors of 16 bytes */
static int check_mode(const struct vtd_decode_rules *rules)
{
	if (!vtd_ttm_is_valid((unsigned)rules->ttm, rules->ecap))
		return VTD_IQEI_TTM;
	if (rules->is_wide && !vtd_ECAP_SMTS(rules->ecap) && !vtd_ECAP_ADMS(rules->ecap))
		return VTD_IQEI_WIDTH;
	if (!rules->is_wide && rules->ttm != VTD_TTM_LEGACY)
		return VTD_IQEI_WIDTH;
	return 0;
}

static bool type_is_legal(unsigned type, const struct vtd_decode_rules *rules)
{
	switch (type) {
	case VTD_DESC_CONTEXT:
	case VTD_DESC_IOTLB:
	case VTD_DESC_WAIT:
		return true;
	case VTD_DESC_DEV_TLB:
		return vtd_ECAP_DT(rules->ecap) != 0;
	case VTD_DESC_IEC:
		return vtd_ECAP_IR(rules->ecap) != 0;
	case VTD_DESC_PASID_IOTLB:
	case VTD_DESC_PASID_CACHE:
		return rules->ttm != VTD_TTM_LEGACY;
	case VTD_DESC_PASID_DEV_TLB:
		return rules->ttm != VTD_TTM_LEGACY && vtd_ECAP_DT(rules->ecap) != 0;
	case VTD_DESC_PAGE_RESPONSE:
		return rules->ttm != VTD_TTM_LEGACY && vtd_ECAP_PRS(rules->ecap) != 0;
	default:
		return false;
	}
}

static const uint64_t *reserved_of(unsigned type)
{
	static const uint64_t *const masks[] = {
		[VTD_DESC_CONTEXT] = vtd_desc_context_reserved,
		[VTD_DESC_IOTLB] = vtd_desc_iotlb_reserved,
		[VTD_DESC_DEV_TLB] = vtd_desc_dev_tlb_reserved,
		[VTD_DESC_IEC] = vtd_desc_iec_reserved,
		[VTD_DESC_WAIT] = vtd_desc_wait_reserved,
		[VTD_DESC_PASID_IOTLB] = vtd_desc_pasid_iotlb_reserved,
		[VTD_DESC_PASID_CACHE] = vtd_desc_pasid_cache_reserved,
		[VTD_DESC_PASID_DEV_TLB] = vtd_desc_pasid_dev_tlb_reserved,
		[VTD_DESC_PAGE_RESPONSE] = vtd_desc_page_response_reserved,
	};

	return masks[type];
}

static bool has_reserved(const struct vtd_desc *d, unsigned type, bool is_wide)
{
	const uint64_t *mask = reserved_of(type);

	for (unsigned i = 0; i < (is_wide ? 4 : 2); i++)
		if (d->q[i] & mask[i])
			return true;
	return false;
}

/* Fields of each type */

static did_t did_of(uint64_t field, const struct vtd_decode_rules *rules)
{
	return did((uint16_t)(field & VTD_MASK(vtd_did_bits(rules->cap) - 1, 0)));
}

/* FM masks none, bit 2, bits 2:1 or bits 2:0 of the source id */
static uint16_t sid_mask_of(unsigned fm)
{
	static const uint16_t masks[] = {0xffff, 0xfffb, 0xfff9, 0xfff8};

	return masks[fm];
}

static uint64_t align_down(uint64_t address, unsigned am)
{
	return vtd_range_of_mask(address, am).first;
}

/* VT-d 6.5.2 */
static int decode_context(const struct vtd_desc *d, const struct vtd_decode_rules *rules,
			  struct vtd_op *op)
{
	unsigned granularity = (unsigned)vtd_desc_context_G(d);

	if (granularity == 0)
		return VTD_IQEI_RESERVED_FIELD;
	if (granularity == VTD_CONTEXT_DOMAIN && rules->ttm != VTD_TTM_LEGACY)
		granularity = VTD_CONTEXT_GLOBAL;
	op->context.granularity = (enum vtd_context_granularity)granularity;
	op->context.did = did_of(vtd_desc_context_DID(d), rules);
	op->context.sid = rid((uint16_t)vtd_desc_context_SID(d));
	op->context.sid_mask = sid_mask_of((unsigned)vtd_desc_context_FM(d));
	return 0;
}

/* VT-d 6.5.2 */
static int decode_iotlb(const struct vtd_desc *d, const struct vtd_decode_rules *rules,
			struct vtd_op *op)
{
	unsigned granularity = (unsigned)vtd_desc_iotlb_G(d);

	if (granularity == 0)
		return VTD_IQEI_RESERVED_FIELD;
	if (granularity == VTD_IOTLB_PAGE && !vtd_CAP_PSI(rules->cap))
		granularity = VTD_IOTLB_DOMAIN;
	if (granularity == VTD_IOTLB_PAGE && vtd_desc_iotlb_AM(d) > vtd_CAP_MAMV(rules->cap))
		return VTD_IQEI_RESERVED_FIELD;
	op->iotlb.granularity = (enum vtd_iotlb_granularity)granularity;
	op->iotlb.drain_writes = vtd_desc_iotlb_DW(d) != 0;
	op->iotlb.drain_reads = vtd_desc_iotlb_DR(d) != 0;
	op->iotlb.ih = vtd_desc_iotlb_IH(d) != 0;
	op->iotlb.am = (uint8_t)vtd_desc_iotlb_AM(d);
	op->iotlb.did = did_of(vtd_desc_iotlb_DID(d), rules);
	op->iotlb.addr = align_down(vtd_desc_iotlb_ADDR(d), op->iotlb.am);
	return 0;
}

/* how long a device-TLB range is, VT-d 6.5.2 */
static uint8_t size_lg2_of(struct vtd_range range)
{
	uint64_t inside = range.last - range.first;

	return inside == UINT64_MAX ? 64 : (uint8_t)__builtin_ctzll(~inside);
}

/* VT-d 6.5.2 */
static int decode_dev_tlb(const struct vtd_desc *d, struct vtd_op *op)
{
	struct vtd_range range =
		vtd_range_of_size_bit(vtd_desc_dev_tlb_ADDR(d), vtd_desc_dev_tlb_S(d) != 0);

	op->dev_tlb.sid = rid((uint16_t)vtd_desc_dev_tlb_SID(d));
	op->dev_tlb.pfsid = rid(vtd_desc_pfsid(d));
	op->dev_tlb.mip = (uint8_t)vtd_desc_dev_tlb_MIP(d);
	op->dev_tlb.addr = range.first;
	op->dev_tlb.size_lg2 = size_lg2_of(range);
	return 0;
}

/* VT-d 6.5.2 */
static int decode_iec(const struct vtd_desc *d, const struct vtd_decode_rules *rules,
		      struct vtd_op *op)
{
	op->iec.granularity = (enum vtd_iec_granularity)vtd_desc_iec_G(d);
	op->iec.index = (uint16_t)vtd_desc_iec_IIDX(d);
	op->iec.im = (uint8_t)vtd_desc_iec_IM(d);
	if (op->iec.granularity == VTD_IEC_INDEX && op->iec.im > vtd_ECAP_MHMV(rules->ecap))
		return VTD_IQEI_RESERVED_FIELD;
	return 0;
}

/* VT-d 6.5.2. SW=IF=FN=0 does nothing and is legal. */
static int decode_wait(const struct vtd_desc *d, const struct vtd_decode_rules *rules,
		       struct vtd_op *op)
{
	if (vtd_desc_wait_PD(d) && !vtd_ECAP_PDS(rules->ecap))
		return VTD_IQEI_RESERVED_FIELD;
	op->wait.interrupt = vtd_desc_wait_IF(d) != 0;
	op->wait.status_write = vtd_desc_wait_SW(d) != 0;
	op->wait.fence = vtd_desc_wait_FN(d) != 0;
	op->wait.drain = vtd_desc_wait_PD(d) != 0;
	op->wait.status_data = (uint32_t)vtd_desc_wait_STDATA(d);
	op->wait.status_addr = vtd_desc_wait_STADDR(d);
	return 0;
}

/* VT-d 6.5.2. AM has no limit here: MAMV is for the other descriptor. */
static int decode_pasid_iotlb(const struct vtd_desc *d, const struct vtd_decode_rules *rules,
			      struct vtd_op *op)
{
	unsigned granularity = (unsigned)vtd_desc_pasid_iotlb_G(d);

	if (granularity < VTD_PASID_IOTLB_PASID)
		return VTD_IQEI_RESERVED_FIELD;
	op->pasid_iotlb.granularity = (enum vtd_pasid_iotlb_granularity)granularity;
	op->pasid_iotlb.ih = vtd_desc_pasid_iotlb_IH(d) != 0;
	op->pasid_iotlb.am = (uint8_t)vtd_desc_pasid_iotlb_AM(d);
	op->pasid_iotlb.did = did_of(vtd_desc_pasid_iotlb_DID(d), rules);
	op->pasid_iotlb.pasid = (uint32_t)vtd_desc_pasid_iotlb_PASID(d);
	op->pasid_iotlb.addr = align_down(vtd_desc_pasid_iotlb_ADDR(d), op->pasid_iotlb.am);
	return 0;
}

/* VT-d 6.5.2 */
static int decode_pasid_cache(const struct vtd_desc *d, const struct vtd_decode_rules *rules,
			      struct vtd_op *op)
{
	unsigned granularity = (unsigned)vtd_desc_pasid_cache_G(d);

	if (granularity == 2)
		return VTD_IQEI_RESERVED_FIELD;
	op->pasid_cache.granularity = (enum vtd_pasid_cache_granularity)granularity;
	op->pasid_cache.did = did_of(vtd_desc_pasid_cache_DID(d), rules);
	op->pasid_cache.pasid = (uint32_t)vtd_desc_pasid_cache_PASID(d);
	return 0;
}

/* VT-d 6.5.2 */
static int decode_pasid_dev_tlb(const struct vtd_desc *d, struct vtd_op *op)
{
	struct vtd_range range = vtd_range_of_size_bit(vtd_desc_pasid_dev_tlb_ADDR(d),
						       vtd_desc_pasid_dev_tlb_S(d) != 0);

	op->pasid_dev_tlb.sid = rid((uint16_t)vtd_desc_pasid_dev_tlb_SID(d));
	op->pasid_dev_tlb.pfsid = rid(vtd_desc_pfsid(d));
	op->pasid_dev_tlb.mip = (uint8_t)vtd_desc_pasid_dev_tlb_MIP(d);
	op->pasid_dev_tlb.global = vtd_desc_pasid_dev_tlb_G(d) != 0;
	op->pasid_dev_tlb.pasid = (uint32_t)vtd_desc_pasid_dev_tlb_PASID(d);
	op->pasid_dev_tlb.addr = range.first;
	op->pasid_dev_tlb.size_lg2 = size_lg2_of(range);
	return 0;
}

/* VT-d chapter 7, page group response */
static int decode_page_response(const struct vtd_desc *d, struct vtd_op *op)
{
	op->page_response.rid = rid((uint16_t)vtd_desc_page_response_RID(d));
	op->page_response.has_pasid = vtd_desc_page_response_PP(d) != 0;
	op->page_response.code = (uint8_t)vtd_desc_page_response_RC(d);
	op->page_response.prgi = (uint16_t)vtd_desc_page_response_PRGI(d);
	if (op->page_response.has_pasid)
		op->page_response.pasid = (uint32_t)vtd_desc_page_response_PASID(d);
	return 0;
}

int vtd_decode_descriptor(const struct vtd_desc *d, const struct vtd_decode_rules *rules,
			  struct vtd_op *op)
{
	unsigned type = vtd_desc_type(d);
	int iqei = check_mode(rules);

	if (iqei)
		return iqei;
	if (!type_is_legal(type, rules))
		return VTD_IQEI_TYPE;
	if (has_reserved(d, type, rules->is_wide))
		return VTD_IQEI_RESERVED_FIELD;
	memset(op, 0, sizeof(*op));
	op->type = (enum vtd_desc_type)type;
	switch (op->type) {
	case VTD_DESC_CONTEXT:
		return decode_context(d, rules, op);
	case VTD_DESC_IOTLB:
		return decode_iotlb(d, rules, op);
	case VTD_DESC_DEV_TLB:
		return decode_dev_tlb(d, op);
	case VTD_DESC_IEC:
		return decode_iec(d, rules, op);
	case VTD_DESC_WAIT:
		return decode_wait(d, rules, op);
	case VTD_DESC_PASID_IOTLB:
		return decode_pasid_iotlb(d, rules, op);
	case VTD_DESC_PASID_CACHE:
		return decode_pasid_cache(d, rules, op);
	case VTD_DESC_PASID_DEV_TLB:
		return decode_pasid_dev_tlb(d, op);
	case VTD_DESC_PAGE_RESPONSE:
		return decode_page_response(d, op);
	}
	return VTD_IQEI_TYPE;
}
