// SPDX-License-Identifier: MIT
/*
 * One access: first what the device may send, then the guest's own tables, then what lies between
 * (quota, an entry that was not taken over), then the physical unit's tables, then its caches.
 */
#include <errno.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "cli/json_text.h"

struct access {
	struct view *view;
	const struct explain_request *request;
	struct explain_result *result;
	struct explain_place place;
	struct json_object *pasid; /* item of it; NULL: none */
	unsigned known;
};

/* What is known of the device and the PASID */

static unsigned known_of_device(struct json_object *device)
{
	unsigned known = 0;

	if (json_flag_of(device, "gone"))
		known |= VSVA_WALK_DEVICE_GONE;
	if (!json_flag_of(device, "bus_master"))
		known |= VSVA_WALK_BUS_MASTER_OFF;
	if (!json_flag_of(device, "pasid"))
		known |= VSVA_WALK_PASID_OFF;
	return known;
}

static unsigned known_of_pasid(const struct access *access)
{
	struct json_object *bindings = json_member(access->pasid, "bindings");
	const char *state = json_text_of(access->pasid, "state");
	unsigned known = 0;

	if (json_flag_of(access->pasid, "stale") || (state && !strcmp(state, "free-pending")))
		known |= VSVA_WALK_FREE_PENDING;
	for (size_t i = 0; i < json_length(bindings); i++) {
		state = json_text_of(json_object_array_get_idx(bindings, i), "state");
		if (state && !strcmp(state, "dying"))
			known |= VSVA_WALK_DYING;
	}
	return known;
}

static uint32_t host_pasid_of(const struct access *access)
{
	if (!access->pasid)
		return VSVA_PASID_INVALID;
	return (uint32_t)json_number_of(access->pasid, "host_pasid", VSVA_PASID_INVALID);
}

/* Walks */

static struct vsva_walk_request walk_request(const struct access *access, uint16_t rid,
					     uint32_t pasid, enum vsva_walk_type type)
{
	return (struct vsva_walk_request){
		.rid = {rid},
		.pasid = pasid,
		.address = access->request->address,
		.type = type,
		.read = access->request->read,
		.write = access->request->write,
		.execute = access->request->execute,
		.known = access->known,
	};
}

static bool grants(const struct access *access, const struct vsva_walk_result *walk)
{
	return (!access->request->read || walk->can_read) &&
	       (!access->request->write || walk->can_write);
}

/* A device with ATS asks for a translation first: what stops that stops the access. The rights are
 * those of the access itself. */
static void walk_as_device(const struct access *access, const struct vsva_walk_unit *unit,
			   uint16_t rid, uint32_t pasid, bool has_ats, struct vsva_walk_result *out)
{
	struct vsva_walk_request request = walk_request(access, rid, pasid, VSVA_WALK_TRANSLATION);
	enum vsva_walk_response response;

	if (!has_ats) {
		request.type = VSVA_WALK_UNTRANSLATED;
		vsva_walk(unit, &request, out);
		return;
	}
	vsva_walk(unit, &request, out);
	response = out->response;
	if (response == VSVA_WALK_SOME_RIGHTS && grants(access, out)) {
		out->cause = VSVA_CODE_NONE;
		out->response = VSVA_WALK_SUCCESS;
	} else if (response == VSVA_WALK_SOME_RIGHTS || response == VSVA_WALK_NO_RIGHTS) {
		/* what is missing depends on the access, what the device is told does not */
		request.type = VSVA_WALK_UNTRANSLATED;
		vsva_walk(unit, &request, out);
		out->response = response;
		out->recorded = false;
	}
}

/* Does a page request get as far as the guest? */
static bool takes_page_requests(const struct access *access, const struct vsva_walk_unit *unit,
				uint16_t rid, uint32_t pasid)
{
	struct vsva_walk_request request = walk_request(access, rid, pasid, VSVA_WALK_PAGE_REQUEST);
	struct vsva_walk_result walk;

	if (!explain_has_ats(&access->place) || !explain_has_pri(&access->place))
		return false;
	vsva_walk(unit, &request, &walk);
	return !walk.cause;
}

static int walk_unit(struct access *access, uint32_t vm, uint16_t rid, uint32_t pasid)
{
	struct explain_reader reader = {.view = access->view, .vm = vm};
	struct explain_result *result = access->result;
	bool has_ats = explain_has_ats(&access->place);
	struct vsva_walk_unit unit;

	if (!explain_unit(&access->place, &reader, &unit))
		return 0;
	walk_as_device(access, &unit, rid, pasid, has_ats, &result->walk);
	result->cause = result->walk.cause;
	result->is_guests = vm != 0;
	result->is_recoverable =
		(result->cause == VSVA_CODE_FS_ABSENT || result->cause == VSVA_CODE_FS_READONLY) &&
		takes_page_requests(access, &unit, rid, pasid);
	return reader.err;
}

/* Between the guest's tables and the host's */

static struct json_object *find_vm(const struct access *access)
{
	struct json_object *vms = access->place.vms;

	for (size_t i = 0; i < json_length(vms); i++) {
		struct json_object *item = json_object_array_get_idx(vms, i);

		if (json_number_of(item, "vm", 0) == access->place.vm)
			return item;
	}
	return NULL;
}

static bool is_at_quota(const struct access *access)
{
	struct json_object *vm = find_vm(access);

	return vm &&
	       json_number_of(vm, "pasids", 0) >= json_number_of(vm, "pasid_quota", UINT64_MAX);
}

/* The guest has it and the host does not. */
static enum vsva_code why_not_taken_over(const struct access *access)
{
	if (access->known & VSVA_WALK_FREE_PENDING)
		return VSVA_CODE_PASID_FREE_PENDING;
	if (access->known & VSVA_WALK_DYING)
		return VSVA_CODE_PASID_DYING;
	if (!access->pasid && is_at_quota(access))
		return VSVA_CODE_QUOTA_REACHED;
	return VSVA_CODE_SHADOW_MISSING;
}

static bool is_entry_absent(enum vsva_code cause)
{
	return cause == VSVA_CODE_PE_ABSENT || cause == VSVA_CODE_DIR_ABSENT ||
	       cause == VSVA_CODE_PASID_FREE_PENDING || cause == VSVA_CODE_PASID_DYING;
}

/* Caches and requests under way */

static bool has_right(struct json_object *line, const char *right)
{
	return json_has_item(json_member(line, "rights"), right);
}

static bool is_line_of(const struct access *access, struct json_object *line)
{
	const char *cache = json_text_of(line, "cache"), *device = json_text_of(line, "device");
	uint64_t first = json_number_of(line, "address", 0), size = json_number_of(line, "size", 0);
	uint16_t rid;

	return cache && (!strcmp(cache, "iotlb") || !strcmp(cache, "device-tlb")) && device &&
	       rid_parse(device, &rid) && rid == access->result->rid &&
	       json_number_of(line, "host_pasid", VSVA_PASID_INVALID) ==
		       access->result->host_pasid &&
	       access->request->address - first < size && !has_right(line, "not-present");
}

/* A cache that says other than memory decides: it is asked first. */
static void judge_line(struct access *access, struct json_object *line)
{
	struct explain_result *result = access->result;
	uint64_t output = json_number_of(line, "output", 0) +
			  (access->request->address - json_number_of(line, "address", 0));

	if ((access->request->read && !has_right(line, "read")) ||
	    (access->request->write && !has_right(line, "write")))
		return;
	result->is_cached = true;
	result->cached_output = output;
	if (result->cause || result->walk.output != output)
		result->cause = VSVA_CODE_IOTLB_STALE;
}

static void judge_caches(struct access *access)
{
	struct json_object *lines = view_get_if_there(access->view, "cache");

	for (size_t i = 0; i < json_length(lines); i++) {
		struct json_object *line = json_object_array_get_idx(lines, i);

		if (is_line_of(access, line))
			judge_line(access, line);
	}
	json_object_put(lines);
}

static bool is_group_of(const struct access *access, struct json_object *group)
{
	const char *device = json_text_of(group, "device");
	uint64_t page = json_number_of(group, "address", 0) & ~UINT64_C(0xfff);
	uint16_t rid;

	return device && rid_parse(device, &rid) && rid == access->result->rid &&
	       json_number_of(group, "host_pasid", VSVA_PASID_INVALID) ==
		       access->result->host_pasid &&
	       page == (access->request->address & ~UINT64_C(0xfff));
}

static void judge_page_requests(struct access *access)
{
	struct json_object *groups = view_get_if_there(access->view, "group");

	for (size_t i = 0; i < json_length(groups); i++)
		if (is_group_of(access, json_object_array_get_idx(groups, i)))
			access->result->cause = VSVA_CODE_PAGE_REQUEST_PENDING;
	json_object_put(groups);
}

/* The whole */

static int walk_guest(struct access *access)
{
	struct explain_result *result = access->result;
	uint32_t pasid = access->request->pasid;
	int err = walk_unit(access, access->place.vm, access->place.guest_rid, pasid);

	if (result->cause == VSVA_CODE_FS_ABSENT && result->is_recoverable)
		judge_page_requests(access);
	return err;
}

static int walk_host(struct access *access)
{
	struct explain_result *result = access->result;
	int err = walk_unit(access, 0, result->rid, result->host_pasid);

	if (is_entry_absent(result->cause)) {
		if (access->place.vm)
			result->cause = why_not_taken_over(access);
		else if (access->place.pasids && !access->pasid)
			result->cause = VSVA_CODE_PASID_UNKNOWN;
	}
	if (result->cause == VSVA_CODE_FS_ABSENT && result->is_recoverable)
		judge_page_requests(access);
	return err;
}

static int explain(struct access *access)
{
	struct explain_result *result = access->result;
	bool has_pasid = access->request->pasid != VSVA_PASID_INVALID;
	int err = 0;

	access->known = known_of_device(access->place.device);
	if (has_pasid)
		access->pasid =
			explain_pasid(&access->place, access->place.vm, access->request->pasid);
	access->known |= known_of_pasid(access);
	result->host_pasid = has_pasid ? host_pasid_of(access) : VSVA_PASID_INVALID;
	if (access->place.vm)
		err = walk_guest(access);
	else if (has_pasid && result->host_pasid == VSVA_PASID_INVALID)
		result->host_pasid = access->request->pasid;
	if (err || (result->cause && result->host_pasid == VSVA_PASID_INVALID))
		return err;
	if (has_pasid && result->host_pasid == VSVA_PASID_INVALID) {
		result->cause = why_not_taken_over(access);
		return 0;
	}
	if (!result->cause)
		err = walk_host(access);
	if (!err && result->walk.response != VSVA_WALK_NOT_SENT)
		judge_caches(access);
	return err;
}

int explain_access(struct view *view, const struct explain_request *request,
		   struct explain_result *out)
{
	struct access access = {.view = view, .request = request, .result = out};
	int err = explain_find(view, request->rid, request->vm, &access.place);

	memset(out, 0, sizeof(*out));
	if (err)
		return err;
	out->rid = access.place.rid;
	out->guest_rid = access.place.guest_rid;
	out->vm = access.place.vm;
	err = explain(&access);
	explain_forget(&access.place);
	return err;
}
