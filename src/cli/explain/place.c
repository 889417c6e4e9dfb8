// SPDX-License-Identifier: MIT
/* Where in a view the thing is that is to be explained. */
#include <errno.h>
#include <string.h>

#include "cli/explain/explain.h"
#include "cli/json_text.h"
#include "cli/status.h"

/* What a view says without a width is the machine's. */
#define HOST_ADDRESS_WIDTH 46u

static bool is_rid(struct json_object *item, const char *key, uint16_t rid)
{
	const char *text = json_text_of(item, key);
	uint16_t found;

	return text && rid_parse(text, &found) && found == rid;
}

static uint16_t rid_of(struct json_object *item, const char *key)
{
	const char *text = json_text_of(item, key);
	uint16_t found = 0;

	return text && rid_parse(text, &found) ? found : 0;
}

static struct json_object *find_rid(struct json_object *list, const char *key, uint16_t rid,
				    uint32_t vm)
{
	for (size_t i = 0; i < json_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (is_rid(item, key, rid) &&
		    (vm == EXPLAIN_NO_VM || json_number_of(item, "vm", 0) == vm))
			return item;
	}
	return NULL;
}

/* What the guest's driver has switched on is the guest's view of it, not the host's own setting; with the
 * context entry against it that is what is told. */
bool explain_has_enabled(const struct explain_place *place, const char *what, const char *sees,
			 const char *allowed)
{
	if (!place->owner)
		return json_flag_of(place->device, what);
	return json_flag_of(place->owner, sees) ||
	       !json_flag_of(json_member(place->owner, "context"), allowed);
}

static int unknown(uint16_t rid, uint32_t vm)
{
	char text[8];

	rid_format(rid, text);
	if (vm == EXPLAIN_NO_VM)
		complain(VSVA_CODE_DEVICE_UNKNOWN,
			 "there is no device %s; `vsva show device` lists them", text);
	else
		complain(VSVA_CODE_DEVICE_UNKNOWN,
			 "VM %u has no device %s; `vsva show device` lists them", vm, text);
	return -ENOENT;
}

int explain_find(struct view *view, uint16_t rid, uint32_t vm, struct explain_place *place)
{
	*place = (struct explain_place){.rid = rid};
	place->units = view_get(view, "unit");
	place->devices = view_get(view, "device");
	if (!place->units || !place->devices)
		return explain_forget(place), -EIO;
	place->assigned = view_get_if_there(view, "assigned");
	place->pasids = view_get_if_there(view, "pasid");
	place->vms = view_get_if_there(view, "vm");
	if (vm != EXPLAIN_NO_VM)
		place->owner = find_rid(place->assigned, "guest_device", rid, vm);
	if (!place->owner)
		place->owner = find_rid(place->assigned, "device", rid, vm);
	if (place->owner) {
		place->rid = rid_of(place->owner, "device");
		place->guest_rid = rid_of(place->owner, "guest_device");
		place->vm = (uint32_t)json_number_of(place->owner, "vm", 0);
	}
	place->device = find_rid(place->devices, "device", place->rid, EXPLAIN_NO_VM);
	if (place->device && (place->owner || vm == EXPLAIN_NO_VM))
		return 0;
	explain_forget(place);
	return unknown(rid, vm);
}

void explain_forget(struct explain_place *place)
{
	json_object_put(place->units);
	json_object_put(place->devices);
	json_object_put(place->assigned);
	json_object_put(place->pasids);
	json_object_put(place->vms);
	*place = (struct explain_place){0};
}

/* Memory of the view, for the walk. */

static bool read_view(void *arg, uint64_t address, void *buf, size_t len)
{
	struct explain_reader *reader = arg;
	int err = view_read(reader->view, reader->vm, address, buf, (unsigned)(len / 8));

	if (err && err != -EFAULT)
		reader->err = err;
	return !err;
}

bool explain_unit(const struct explain_place *place, struct explain_reader *reader,
		  struct vsva_walk_unit *unit)
{
	for (size_t i = 0; i < json_length(place->units); i++) {
		struct json_object *item = json_object_array_get_idx(place->units, i);
		struct json_object *registers = json_member(item, "registers");

		if (json_number_of(item, "vm", 0) != reader->vm)
			continue;
		*unit = (struct vsva_walk_unit){
			.cap = json_number_of(registers, "CAP", 0),
			.ecap = json_number_of(registers, "ECAP", 0),
			.rtaddr = json_number_of(item, "root", 0),
			.translating = json_flag_of(item, "translating"),
			.haw = (unsigned)json_number_of(item, "haw", HOST_ADDRESS_WIDTH),
			.arg = reader,
			.read = read_view,
		};
		return true;
	}
	return false;
}

struct json_object *explain_pasid(const struct explain_place *place, uint32_t vm, uint32_t pasid)
{
	for (size_t i = 0; i < json_length(place->pasids); i++) {
		struct json_object *item = json_object_array_get_idx(place->pasids, i);

		if (json_number_of(item, "vm", 0) == vm &&
		    json_number_of(item, vm ? "pasid" : "host_pasid", VSVA_PASID_INVALID) == pasid)
			return item;
	}
	return NULL;
}
