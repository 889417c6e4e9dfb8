// SPDX-License-Identifier: MIT
#include "hw/fault.h"

#include "hw/registers.h"
#include "hw/unit_state.h"

static bool is_recorded(const struct fault *fault)
{
	if (fault->fpd && vtd_fault_is_qualified(fault->reason))
		return false;
	return fault->kind != REQUEST_TRANSLATION ||
	       vtd_fault_is_recorded_for_translation(fault->reason);
}

static enum vtd_address_type address_type(enum request_kind kind)
{
	switch (kind) {
	case REQUEST_TRANSLATION:
		return VTD_AT_TRANSLATION;
	case REQUEST_TRANSLATED:
		return VTD_AT_TRANSLATED;
	default:
		return VTD_AT_UNTRANSLATED;
	}
}

static enum vtd_fault_access fault_access(const struct fault *fault)
{
	if (fault->kind == REQUEST_PAGE)
		return VTD_ACCESS_PAGE_REQUEST;
	switch (fault->access) {
	case UNIT_READ:
		return VTD_ACCESS_READ;
	case UNIT_ATOMIC:
		return VTD_ACCESS_ATOMIC;
	default:
		return VTD_ACCESS_WRITE;
	}
}

/* VT-d 11.4.8: PV, EXE and PRIV mean something only with PP=1 */
static struct vtd_fault_record record_of(const struct fault *fault)
{
	struct vtd_fault_record r = {0};

	vtd_fault_record_set_FI(&r, fault->addr & ~(uint64_t)(VSVA_PAGE_SIZE - 1));
	vtd_fault_record_set_SID(&r, fault->rid.v);
	vtd_fault_record_set_FR(&r, (uint64_t)fault->reason);
	vtd_fault_record_set_AT(&r, address_type(fault->kind));
	vtd_fault_record_set_access(&r, fault_access(fault));
	if (fault->pasid == VSVA_PASID_INVALID)
		return r;
	vtd_fault_record_set_PP(&r, 1);
	vtd_fault_record_set_PV(&r, fault->pasid & VSVA_PASID_MAX);
	vtd_fault_record_set_EXE(&r, fault->exec);
	vtd_fault_record_set_PRIV(&r, fault->privileged);
	return r;
}

void fault_report(struct unit *unit, const struct fault *fault)
{
	struct vtd_fault_record record;

	counters_add(&unit->counters.faults);
	if (!is_recorded(fault))
		return;
	record = record_of(fault);
	TRACE(unit->config.trace, UNIT, FAULT, .rid = fault->rid, .hpasid = hpasid(fault->pasid),
	      .addr = fault->addr, .value = (uint64_t)fault->reason,
	      .write = (fault->access & UNIT_WRITE) != 0);
	registers_record_fault(unit, &record);
}

enum vtd_response fault_response(enum vtd_fault reason, enum request_kind kind)
{
	const struct vtd_fault_info *info = vtd_fault_info(reason);

	if (!info)
		return VTD_RESP_UR;
	switch (kind) {
	case REQUEST_TRANSLATION:
		return info->translation;
	case REQUEST_TRANSLATED:
		return info->translated;
	default:
		return info->untranslated;
	}
}
