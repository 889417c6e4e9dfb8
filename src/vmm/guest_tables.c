/* SPDX-License-Identifier: MIT */
#include "vmm/guest_tables.h"

#include <string.h>

#include "base/rcu.h"
#include "vmm/guest_memory.h"

static bool fetch(const struct guest_table_root *root, uint64_t address, uint64_t *words,
		  unsigned count)
{
	return guest_memory_fetch(root->memory, gpa(address), words, count) == 0;
}

/* VT-d 9.3: the vIOMMU offers no second stage, so legacy mode can only pass through. */
static enum vtd_fault read_legacy_context(const struct guest_table_root *root, uint64_t table,
					  rid_t source, struct guest_context *out)
{
	struct vtd_legacy_context entry;

	if (!fetch(root, table + 16ull * vtd_legacy_context_index(source), entry.q, 2))
		return VTD_FAULT_LCT_1;
	out->fpd = vtd_legacy_context_FPD(&entry);
	if (!vtd_legacy_context_P(&entry))
		return VTD_FAULT_LCT_2;
	if (vtd_legacy_context_has_reserved(&entry, root->rules))
		return VTD_FAULT_LCT_3;
	if (vtd_legacy_context_TT(&entry) != VTD_TT_PASS_THROUGH)
		return VTD_FAULT_LCT_4;
	return VTD_FAULT_NONE;
}

static enum vtd_fault read_legacy(const struct guest_table_root *root, rid_t source,
				  struct guest_context *out)
{
	struct vtd_root_entry entry;
	uint64_t table = vtd_RTADDR_RTA(root->rtaddr);

	out->legacy = true;
	if (!fetch(root, table + 16ull * vtd_root_index(source), entry.q, 2))
		return VTD_FAULT_LRT_1;
	if (!vtd_legacy_root_P(&entry))
		return VTD_FAULT_LRT_2;
	if (vtd_legacy_root_has_reserved(&entry, root->rules))
		return VTD_FAULT_LRT_3;
	return read_legacy_context(root, vtd_legacy_root_CTP(&entry), source, out);
}

/* VT-d 9.4, SCT.1 to SCT.4 */
static enum vtd_fault read_scalable_context(const struct guest_table_root *root, uint64_t table,
					    rid_t source, struct guest_context *out)
{
	struct vtd_context_entry entry;

	if (!fetch(root, table + 32ull * vtd_context_index(source), entry.q, 4))
		return VTD_FAULT_SCT_1;
	out->fpd = vtd_context_entry_FPD(&entry);
	if (!vtd_context_entry_P(&entry))
		return VTD_FAULT_SCT_2;
	if (vtd_context_entry_has_reserved(&entry, root->rules))
		return VTD_FAULT_SCT_3;
	out->dte = vtd_context_entry_DTE(&entry);
	out->paside = vtd_context_entry_PASIDE(&entry);
	out->pre = vtd_context_entry_PRE(&entry);
	out->pdts = (unsigned)vtd_context_entry_PDTS(&entry);
	out->directory = gpa(vtd_context_entry_PASIDDIRPTR(&entry));
	out->rid_pasid = (uint32_t)vtd_context_entry_RID_PASID(&entry);
	if ((out->pre && !out->dte) || out->rid_pasid >= vtd_pasid_end(out->pdts))
		return VTD_FAULT_SCT_4;
	return VTD_FAULT_NONE;
}

/* VT-d 9.1, SRT.1 to SRT.3: only the half that is used is looked at. */
static enum vtd_fault read_scalable(const struct guest_table_root *root, rid_t source,
				    struct guest_context *out)
{
	struct vtd_root_entry entry;
	bool upper = vtd_context_is_upper(source);
	uint64_t table = vtd_RTADDR_RTA(root->rtaddr);

	if (!fetch(root, table + 16ull * vtd_root_index(source), entry.q, 2))
		return VTD_FAULT_SRT_1;
	if (!(upper ? vtd_root_entry_UP(&entry) : vtd_root_entry_LP(&entry)))
		return VTD_FAULT_SRT_2;
	if (vtd_root_entry_has_reserved(&entry, upper, root->rules))
		return VTD_FAULT_SRT_3;
	table = upper ? vtd_root_entry_UCTP(&entry) : vtd_root_entry_LCTP(&entry);
	return read_scalable_context(root, table, source, out);
}

void guest_context_read(const struct guest_table_root *root, rid_t source,
			struct guest_context *out)
{
	memset(out, 0, sizeof(*out));
	switch (vtd_RTADDR_TTM(root->rtaddr)) {
	case VTD_TTM_LEGACY:
		out->fault = read_legacy(root, source, out);
		break;
	case VTD_TTM_SCALABLE:
		out->fault = read_scalable(root, source, out);
		break;
	default:
		out->fault = VTD_FAULT_RTA_1;
	}
}

bool guest_context_is_same(const struct guest_context *a, const struct guest_context *b)
{
	return a->fault == b->fault && a->fpd == b->fpd && a->legacy == b->legacy &&
	       a->dte == b->dte && a->paside == b->paside && a->pre == b->pre &&
	       a->pdts == b->pdts && a->directory.v == b->directory.v &&
	       a->rid_pasid == b->rid_pasid;
}

static enum vtd_fault read_directory_entry(const struct guest_table_root *root,
					   const struct guest_context *context, uint32_t index,
					   struct vtd_pasid_dir_entry *entry)
{
	if (!fetch(root, context->directory.v + 8ull * index, entry->q, 1))
		return VTD_FAULT_SPD_1;
	if (!vtd_pasid_dir_entry_P(entry))
		return VTD_FAULT_SPD_2;
	if (vtd_pasid_dir_entry_has_reserved(entry, root->rules))
		return VTD_FAULT_SPD_3;
	return VTD_FAULT_NONE;
}

bool guest_directory_entry_is_present(const struct guest_table_root *root,
				      const struct guest_context *context, uint32_t index)
{
	struct vtd_pasid_dir_entry entry;

	return read_directory_entry(root, context, index, &entry) == VTD_FAULT_NONE;
}

/* VT-d 9.6, SPT.1 to SPT.4; the types that the guest was not offered are SPT.4. */
static enum vtd_fault check_pasid_entry(const struct guest_table_root *root,
					const struct vtd_pasid_entry *entry)
{
	unsigned pgtt = (unsigned)vtd_pasid_entry_PGTT(entry);

	if (!vtd_pasid_entry_P(entry))
		return VTD_FAULT_SPT_2;
	if (vtd_pasid_entry_has_reserved(entry, root->rules))
		return VTD_FAULT_SPT_3;
	if (pgtt != VTD_PGTT_FIRST_STAGE && pgtt != VTD_PGTT_PASS_THROUGH)
		return VTD_FAULT_SPT_4;
	if (pgtt == VTD_PGTT_FIRST_STAGE &&
	    (vtd_pasid_entry_FSPM(entry) > VTD_FSPM_5_LEVEL ||
	     (vtd_pasid_entry_FSPM(entry) && !vtd_CAP_FS5LP(root->rules->cap))))
		return VTD_FAULT_SPT_4;
	return VTD_FAULT_NONE;
}

static void read_pasid(const struct guest_table_root *root, const struct guest_context *context,
		       uint32_t pasid, struct guest_pasid *out)
{
	struct vtd_pasid_dir_entry directory;
	uint64_t address;

	out->fpd = context->fpd;
	out->fault = VTD_FAULT_SCT_7;
	if (pasid >= vtd_pasid_end(context->pdts))
		return;
	out->fault = read_directory_entry(root, context, vtd_pasid_dir_index(pasid), &directory);
	if (out->fault != VTD_FAULT_SPD_1)
		out->fpd |= vtd_pasid_dir_entry_FPD(&directory);
	if (out->fault)
		return;
	address = vtd_pasid_dir_entry_SMPTBLPTR(&directory) + 64ull * vtd_pasid_table_index(pasid);
	out->fault = VTD_FAULT_SPT_1;
	if (!fetch(root, address, out->entry.q, 1))
		return;
	/* Most that are looked at are not present; nothing else counts then. */
	if (vtd_pasid_entry_P(&out->entry) &&
	    !fetch(root, address + 8, &out->entry.q[1], ARRAY_LEN(out->entry.q) - 1))
		return;
	out->fpd |= vtd_pasid_entry_FPD(&out->entry);
	out->fault = check_pasid_entry(root, &out->entry);
}

/* In one read section of guest memory. */
void guest_pasid_read(const struct guest_table_root *root, const struct guest_context *context,
		      uint32_t pasid, struct guest_pasid *out)
{
	memset(out, 0, sizeof(*out));
	rcu_read_lock();
	read_pasid(root, context, pasid, out);
	rcu_read_unlock();
}
