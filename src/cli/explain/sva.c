// SPDX-License-Identifier: MIT
/* All that must be so that a process of a guest can share its address space with a device. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "cli/json_text.h"

struct sva {
	struct view *view;
	struct explain_place place;
	struct explain_chain *chain;
	struct vsva_walk_unit guest, physical;
	struct explain_reader guest_reader, physical_reader;
	struct json_object *bound; /* item of a PASID that is bound to the device; NULL: none */
};

/* The function */

static void check_function(struct sva *sva)
{
	struct json_object *device = sva->place.device;

	explain_link_add(sva->chain, !json_flag_of(device, "gone"), VSVA_CODE_DEVICE_GONE, "device",
			 "%s", json_text_of(device, "kind"));
	explain_link_add(sva->chain, json_flag_of(device, "bus_master"), VSVA_CODE_BUS_MASTER_OFF,
			 "bus master", "command register, bit 2");
	explain_link_add(sva->chain, json_flag_of(device, "pasid"), VSVA_CODE_FUNCTION_PASID_OFF,
			 "function: PASID", "enabled by the guest's driver");
	explain_link_add(sva->chain, explain_has_ats(&sva->place), VSVA_CODE_FUNCTION_ATS_OFF,
			 "function: ATS", "enabled by the guest's driver");
	explain_link_add(sva->chain, explain_has_pri(&sva->place), VSVA_CODE_FUNCTION_PRI_OFF,
			 "function: PRI", "enabled by the guest's driver");
}

/* The guest's unit and its tables */

static bool has_queue(const struct sva *sva)
{
	for (size_t i = 0; i < json_length(sva->place.units); i++) {
		struct json_object *item = json_object_array_get_idx(sva->place.units, i);

		if (json_number_of(item, "vm", 0) == sva->place.vm)
			return json_flag_of(item, "queue");
	}
	return false;
}

/* Is it something that concerns the device, and no single PASID? */
static bool is_of_device(enum vsva_code cause)
{
	switch (cause) {
	case VSVA_CODE_TRANSLATION_OFF:
	case VSVA_CODE_TTM_INVALID:
	case VSVA_CODE_TTM_ABORT:
	case VSVA_CODE_ROOT_NOT_SCALABLE:
	case VSVA_CODE_ROOT_LEGACY_PRI:
	case VSVA_CODE_ROOT_UNREADABLE:
	case VSVA_CODE_ROOT_ABSENT:
	case VSVA_CODE_ROOT_RESERVED:
	case VSVA_CODE_CTX_UNREADABLE:
	case VSVA_CODE_CTX_ABSENT:
	case VSVA_CODE_CTX_RESERVED:
	case VSVA_CODE_CTX_PRE_WITHOUT_DTE:
	case VSVA_CODE_CTX_RID_PASID:
	case VSVA_CODE_DTE_OFF:
	case VSVA_CODE_PASIDE_OFF:
	case VSVA_CODE_PRE_OFF:
		return true;
	default:
		return false;
	}
}

static enum vsva_code try_request(const struct vsva_walk_unit *unit, uint16_t rid, uint32_t pasid,
				  enum vsva_walk_type type)
{
	struct vsva_walk_request request = {
		.rid = {rid},
		.pasid = pasid,
		.type = type,
		.read = true,
	};
	struct vsva_walk_result walk;

	vsva_walk(unit, &request, &walk);
	return is_of_device(walk.cause) ? walk.cause : VSVA_CODE_NONE;
}

static void check_tables(struct sva *sva, const char *whose, const struct vsva_walk_unit *unit,
			 uint16_t rid, uint32_t pasid)
{
	static const struct {
		enum vsva_walk_type type;
		const char *what;
	} kinds[] = {
		{VSVA_WALK_UNTRANSLATED, "requests with PASID"},
		{VSVA_WALK_TRANSLATION, "translation requests"},
		{VSVA_WALK_PAGE_REQUEST, "page requests"},
	};
	char what[40];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		enum vsva_code cause = try_request(unit, rid, pasid, kinds[i].type);

		snprintf(what, sizeof(what), "%s tables", whose);
		explain_link_add(sva->chain, !cause, cause, what,
				 "registers, root and context entry let %s pass", kinds[i].what);
		if (cause)
			return;
	}
}

/* PASIDs of the VM, and one that is bound to the device */

static bool is_bound_here(const struct sva *sva, struct json_object *pasid)
{
	struct json_object *bindings = json_member(pasid, "bindings");

	for (size_t i = 0; i < json_length(bindings); i++) {
		const char *device = json_text_of(json_object_array_get_idx(bindings, i), "device");
		uint16_t rid;

		if (device && rid_parse(device, &rid) && rid == sva->place.rid)
			return true;
	}
	return false;
}

static void find_bound(struct sva *sva)
{
	struct json_object *pasids = sva->place.pasids;

	for (size_t i = 0; i < json_length(pasids); i++) {
		struct json_object *item = json_object_array_get_idx(pasids, i);

		/* requests without PASID have one of the host's own, and no guest PASID */
		if (json_number_of(item, "vm", 0) == sva->place.vm && json_member(item, "pasid") &&
		    is_bound_here(sva, item))
			sva->bound = item;
	}
}

static void check_bound(struct sva *sva)
{
	uint32_t pasid, host;
	struct vsva_walk_request request = {.rid = {sva->place.rid}, .read = true};
	struct vsva_walk_result walk;

	if (!sva->bound) {
		explain_link_note(sva->chain, VSVA_CODE_NO_PASID_BOUND, "PASID entry",
				  "no process uses the device now");
		return;
	}
	pasid = (uint32_t)json_number_of(sva->bound, "pasid", 0);
	host = (uint32_t)json_number_of(sva->bound, "host_pasid", 0);
	check_tables(sva, "host's", &sva->physical, sva->place.rid, host);
	request.pasid = host;
	vsva_walk(&sva->physical, &request, &walk);
	explain_link_add(sva->chain, walk.pgtt == 3, VSVA_CODE_NOT_NESTED, "PASID entry",
			 "PASID %u is host PASID 0x%x, nested on the VM's memory", pasid, host);
}

static void check_quota(struct sva *sva)
{
	struct json_object *vms = sva->place.vms;

	for (size_t i = 0; i < json_length(vms); i++) {
		struct json_object *vm = json_object_array_get_idx(vms, i);
		uint64_t used = json_number_of(vm, "pasids", 0);
		uint64_t quota = json_number_of(vm, "pasid_quota", UINT64_MAX);

		if (json_number_of(vm, "vm", 0) == sva->place.vm)
			explain_link_add(sva->chain, used < quota, VSVA_CODE_QUOTA_REACHED, "quota",
					 "%" PRIu64 " of %" PRIu64 " PASIDs are used", used, quota);
	}
}

static void check_nesting(struct sva *sva)
{
	static const uint64_t nest = UINT64_C(1) << 26;

	explain_link_add(sva->chain, sva->physical.ecap & nest, VSVA_CODE_CAP_NEST,
			 "physical ECAP.NEST", "a guest's first stage on the host's second");
}

static int check(struct sva *sva)
{
	uint32_t pasid;

	if (!sva->place.vm) {
		explain_link_add(sva->chain, false, VSVA_CODE_DEVICE_NOT_ASSIGNED, "VM",
				 "no VM has the device");
		return 0;
	}
	explain_link_add(sva->chain, true, VSVA_CODE_NONE, "VM", "the device is VM %u's",
			 sva->place.vm);
	sva->guest_reader = (struct explain_reader){.view = sva->view, .vm = sva->place.vm};
	sva->physical_reader = (struct explain_reader){.view = sva->view};
	if (!explain_unit(&sva->place, &sva->guest_reader, &sva->guest) ||
	    !explain_unit(&sva->place, &sva->physical_reader, &sva->physical))
		return -EIO;
	find_bound(sva);
	explain_capabilities(sva->chain, sva->guest.cap, sva->guest.ecap);
	check_nesting(sva);
	explain_link_add(sva->chain, has_queue(sva), VSVA_CODE_QUEUE_OFF, "invalidation queue",
			 "GSTS.QIES of the guest's unit");
	check_function(sva);
	pasid = sva->bound ? (uint32_t)json_number_of(sva->bound, "pasid", 1) : 1;
	check_tables(sva, "guest's", &sva->guest, sva->place.guest_rid, pasid);
	check_quota(sva);
	check_bound(sva);
	return sva->guest_reader.err ? sva->guest_reader.err : sva->physical_reader.err;
}

int explain_sva(struct view *view, uint16_t rid, uint32_t vm, struct explain_chain *chain)
{
	struct sva sva = {.view = view, .chain = chain};
	int err = explain_find(view, rid, vm, &sva.place);

	chain->count = 0;
	if (err)
		return err;
	err = check(&sva);
	explain_forget(&sva.place);
	return err;
}
