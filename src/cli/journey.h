/* SPDX-License-Identifier: MIT */
/* What an event is in the four journeys, and its words. */
#ifndef CLI_JOURNEY_H
#define CLI_JOURNEY_H

#include "vsva/trace.h"

enum journey {
	JOURNEY_BIND,
	JOURNEY_DMA,
	JOURNEY_PAGE,
	JOURNEY_FLUSH, /* invalidations: bind and death have them */
	JOURNEY_BIRTH,
	JOURNEY_DEATH,
	JOURNEY_COUNT,
};

/* What event.addr and event.hpa are. */
enum hop_address {
	HOP_ADDRESS_NONE,
	HOP_ADDRESS_ROOT,    /* addr: first-stage root, a GPA */
	HOP_ADDRESS_GVA,     /* addr: GVA */
	HOP_ADDRESS_GVA_HPA, /* addr: GVA, hpa: HPA */
	HOP_ADDRESS_GVA_GPA, /* addr: GVA, hpa: in truth a GPA */
	HOP_ADDRESS_GPA,     /* addr: GPA */
	HOP_ADDRESS_GPA_HPA, /* addr: GPA, hpa: HPA */
};

/* What event.value is. */
enum hop_value {
	HOP_VALUE_NONE,
	HOP_VALUE_DESCRIPTOR, /* type of an invalidation descriptor */
	HOP_VALUE_OPCODE,     /* of a device's operation */
	HOP_VALUE_STATUS,     /* of a device's completion */
	HOP_VALUE_FAULT,      /* fault reason, 0 none */
	HOP_VALUE_GROUP,      /* page-request group */
	HOP_VALUE_RESPONSE,   /* page response code */
	HOP_VALUE_ENTRY,      /* PASID-table entry type, 0: cleared */
	HOP_VALUE_PRESENT,    /* 1: set, 0: cleared */
	HOP_VALUE_VCMD,       /* virtual command */
	HOP_VALUE_RID_KIND,   /* enum vsva_rid_kind */
};

struct hop_kind {
	enum journey journey;
	enum hop_address address;
	enum hop_value value;
	const char *text; /* what happens, for people */
};

/* Never NULL. */
const struct hop_kind *hop_kind_of(enum vsva_event_kind kind);
/* An event's journey: that of its kind, but a page response is a page's, whatever queue it is in.
 */
enum journey journey_of(const struct vsva_event *event);
const char *journey_name(enum journey journey);

/* Words for values; never NULL. */
const char *descriptor_type_name(uint64_t type);
const char *page_response_name(uint64_t code);
const char *dsa_opcode_name(uint64_t opcode);
/* The status byte without its write bit. */
const char *dsa_status_name(uint64_t status);
const char *engine_operation_name(uint64_t operation);
const char *engine_status_name(uint64_t status);
const char *entry_type_name(uint64_t pgtt);
const char *rid_kind_name(uint64_t kind);
const char *vcmd_name(uint64_t command);

#endif
