/* SPDX-License-Identifier: MIT */
/* Reporting of faults: which are recorded, and how. VT-d 7.1, 7.2 */
#ifndef HW_FAULT_H
#define HW_FAULT_H

#include "hw/tables.h"

struct fault {
	enum vtd_fault reason;
	bool fpd; /* an FPD bit met on the way is set */
	enum request_kind kind;
	rid_t rid;
	uint32_t pasid; /* VSVA_PASID_INVALID: none */
	uint64_t addr;
	enum unit_access access;
	bool privileged, exec;
};

/* Records the fault and sends its message, unless it is one that is not recorded. Takes the lock of
 * the registers; may be inside an RCU read section. */
void fault_report(struct unit *unit, const struct fault *fault);

/* What the endpoint gets. Not for page requests. */
enum vtd_response fault_response(enum vtd_fault reason, enum request_kind kind);

#endif
