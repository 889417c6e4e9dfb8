// SPDX-License-Identifier: MIT
#include "host/fault.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/sched.h"
#include "host/driver.h"
#include "host/mmio.h"
#include "host/report.h"
#include "vtd/faults.h"

static unsigned record_count(const struct vsva_iommu *iommu)
{
	return (unsigned)vtd_CAP_NFR(iommu->rules.cap) + 1;
}

static uint64_t record_read_word(const struct vsva_iommu *iommu, unsigned index, unsigned word)
{
	SEAM_POINT(SEAM_MMIO, SEAM_READ, "FRCD", 0);
	return iommu->port.read(iommu->port.arg,
				vtd_frcd_offset(iommu->rules.cap, index) + word * 8, 8);
}

/* F is written last, so its half is read first (VT-d 11.4.7.7). false: there is no record. */
static bool record_read(const struct vsva_iommu *iommu, unsigned index,
			struct vtd_fault_record *record)
{
	record->q[1] = record_read_word(iommu, index, 1);
	if (!vtd_fault_record_F(record))
		return false;
	record->q[0] = record_read_word(iommu, index, 0);
	return true;
}

static void record_clear(const struct vsva_iommu *iommu, unsigned index)
{
	struct vtd_fault_record clear = {{0}};

	vtd_fault_record_set_F(&clear, 1);
	SEAM_POINT(SEAM_MMIO, SEAM_WRITE, "FRCD", 0);
	iommu->port.write(iommu->port.arg, vtd_frcd_offset(iommu->rules.cap, index) + 8, 8,
			  clear.q[1]);
}

static struct vsva_unit_fault unit_fault_of(const struct vtd_fault_record *record)
{
	bool has_pasid = vtd_fault_record_PP(record) != 0;

	return (struct vsva_unit_fault){
		.rid = rid((uint16_t)vtd_fault_record_SID(record)),
		.has_pasid = has_pasid,
		.pasid = hpasid(has_pasid ? (uint32_t)vtd_fault_record_PV(record)
					  : VSVA_PASID_INVALID),
		.code = (uint8_t)vtd_fault_record_FR(record),
		.read = vtd_fault_record_T1(record) != 0,
		.exec = has_pasid && vtd_fault_record_EXE(record),
		.privileged = has_pasid && vtd_fault_record_PRIV(record),
		.addr = vtd_fault_record_FI(record),
	};
}

static void log_fault(const struct vsva_unit_fault *fault)
{
	const struct vtd_fault_info *info = vtd_fault_info((enum vtd_fault)fault->code);
	char pasid[24] = "without PASID";

	if (fault->has_pasid)
		snprintf(pasid, sizeof(pasid), "PASID %" PRIu32, fault->pasid.v);
	LOG_LIMITED(LOG_WARN, VSVA_CODE_DMA_FAULT,
		    "host: device %04x, %s, %s of %#" PRIx64 ": fault %02xh, %s", fault->rid.v,
		    pasid, fault->read ? "read" : "write", fault->addr, fault->code,
		    info ? info->meaning : "unknown");
}

/* Whoever has the PASID on this function is dying. FPD says so to the unit (reclaim.c), but one that
 * has the entry cached does not see it before the flush. */
static bool is_of_dying(const struct function *function, const struct vsva_unit_fault *fault)
{
	const struct binding *binding = NULL;
	bool is_one = false;

	rcu_read_lock();
	if (fault->has_pasid)
		binding = function_find_bindings(function, fault->pasid.v);
	for (; binding; binding = rcu_load(binding->same)) {
		is_one = __atomic_load_n(&binding->is_dying, __ATOMIC_ACQUIRE);
		if (!is_one)
			break;
	}
	rcu_read_unlock();
	return is_one;
}

static void handle_record(struct vsva_iommu *iommu, const struct vtd_fault_record *record)
{
	struct vsva_unit_fault fault = unit_fault_of(record);
	struct function *function = function_get(iommu, fault.rid);

	stat_add(&iommu->stats.faults);
	log_fault(&fault);
	if (!function)
		return;
	if (fault.has_pasid)
		binding_count(function, NULL, fault.pasid.v, BINDING_FAULTS);
	if (!is_of_dying(function, &fault))
		report_unit_fault(function, &fault);
	function_put(function);
}

/* Records are a ring; FRI is where it began to fill. While PFO is set the unit records nothing.
 * VT-d 7.2.1 */
static bool handle_records(struct vsva_iommu *iommu, uint64_t fsts)
{
	unsigned count = record_count(iommu);
	unsigned index = (unsigned)vtd_FSTS_FRI(fsts) % count;
	struct vtd_fault_record record;
	unsigned handled = 0;

	while (handled < count && record_read(iommu, index, &record)) {
		record_clear(iommu, index);
		handle_record(iommu, &record);
		index = (index + 1) % count;
		handled++;
	}
	if (vtd_FSTS_PFO(fsts))
		VTD_WRITE(&iommu->port, FSTS, VTD_FSTS_PFO);
	return handled == count;
}

bool fault_run(void *arg)
{
	struct vsva_iommu *iommu = arg;
	uint64_t fsts;

	qi_handle_errors(&iommu->qi);
	fsts = VTD_READ(&iommu->port, FSTS);
	if (!vtd_FSTS_PPF(fsts) && !vtd_FSTS_PFO(fsts))
		return false;
	return handle_records(iommu, fsts);
}

void fault_clear_all(struct vsva_iommu *iommu)
{
	for (unsigned i = 0; i < record_count(iommu); i++)
		record_clear(iommu, i);
	VTD_WRITE(&iommu->port, FSTS, VTD_FSTS_PFO | VTD_FSTS_IQE | VTD_FSTS_ICE | VTD_FSTS_ITE);
}
