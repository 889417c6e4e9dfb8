/* SPDX-License-Identifier: MIT */
/*
 * Descriptors decoded: everything is checked and nothing done.
 *
 * Vocabulary
 *   operation   a descriptor all of whose fields are legal; who carries it out looks at no bits
 *   rules       what legality depends on: width of the queue, translation table mode, capabilities
 *
 * Normal form: a domain-selective context command is global in scalable mode, a page-selective
 * IOTLB command is domain-selective if CAP.PSI=0; addresses are aligned to their range; domain ids
 * have no bits above the supported width.
 *
 * VT-d 6.5.2. Any thread.
 */
#ifndef VTD_DECODE_H
#define VTD_DECODE_H

#include "vsva/types.h"
#include "vtd/descriptors.h"
#include "vtd/registers.h"

struct vtd_decode_rules {
	bool is_wide; /* IQA.DW of the running queue */
	uint64_t ttm; /* RTADDR.TTM as latched */
	uint64_t cap;
	uint64_t ecap;
};

struct vtd_op {
	enum vtd_desc_type type;
	union {
		struct {
			enum vtd_context_granularity granularity;
			did_t did; /* of VTD_CONTEXT_DOMAIN, and in legacy mode VTD_CONTEXT_DEVICE
				    */
			rid_t sid; /* of VTD_CONTEXT_DEVICE: those that agree in the bits of
				      sid_mask */
			uint16_t sid_mask;
		} context;
		struct {
			enum vtd_iotlb_granularity granularity;
			bool drain_writes, drain_reads;
			bool ih; /* only leaves changed */
			uint8_t am;
			did_t did;
			uint64_t addr; /* of VTD_IOTLB_PAGE: 2^am pages */
		} iotlb;
		struct {
			rid_t sid;
			rid_t pfsid;
			uint8_t mip;
			uint8_t size_lg2; /* in bytes; 64: everything */
			uint64_t addr;
		} dev_tlb;
		struct {
			enum vtd_iec_granularity granularity;
			uint16_t index;
			uint8_t im; /* 2^im entries */
		} iec;
		struct {
			bool interrupt;
			bool status_write;
			bool fence;
			bool drain; /* of page requests */
			uint32_t status_data;
			uint64_t status_addr;
		} wait;
		struct {
			enum vtd_pasid_iotlb_granularity granularity;
			bool ih;
			uint8_t am; /* from 52 on: everything */
			did_t did;
			uint32_t pasid;
			uint64_t addr;
		} pasid_iotlb;
		struct {
			enum vtd_pasid_cache_granularity granularity;
			did_t did;
			uint32_t pasid;
		} pasid_cache;
		struct {
			rid_t sid;
			rid_t pfsid;
			uint8_t mip;
			uint8_t size_lg2;
			bool global; /* all PASIDs of the function */
			uint32_t pasid;
			uint64_t addr;
		} pasid_dev_tlb;
		struct {
			rid_t rid;
			bool has_pasid;
			uint8_t code; /* enum vtd_response_code, or another that devices take for
					 failure */
			uint16_t prgi;
			uint32_t pasid;
		} page_response;
	};
};

/*
 * 0, or why the queue stops (enum vtd_iqei): 3 a type that the unit or the mode does not have, 4 a
 * reserved bit, granularity or value, 5 a width that the mode does not have, 7 an invalid mode. On
 * failure *op is not to be used.
 */
int vtd_decode_descriptor(const struct vtd_desc *d, const struct vtd_decode_rules *rules,
			  struct vtd_op *op);

#endif
