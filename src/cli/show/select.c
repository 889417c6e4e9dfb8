// SPDX-License-Identifier: MIT
/*
 * What selectors leave. Rows of the host's side name host PASIDs and requester ids of the bus alone; whose they
 * are say the objects `pasid` and `assigned`.
 */
#include <inttypes.h>

#include "cli/json_text.h"
#include "cli/show/show.h"

static bool rid_of(struct json_object *row, const char *key, uint16_t *rid)
{
	const char *text = json_text_of(row, key);

	return text && rid_parse(text, rid);
}

static bool is_rid(struct json_object *row, const char *key, uint32_t rid)
{
	uint16_t found;

	return rid_of(row, key, &found) && found == rid;
}

static bool has_number(struct json_object *row, const char *key, uint32_t number)
{
	return json_number_of(row, key, SHOW_ANY) == number;
}

/* Begin and end */

/* A guest's number goes before a host's that is the same. */
static bool is_guests_pasid(const struct show *show, struct json_object *row)
{
	return has_number(row, "pasid", show->pasid) &&
	       (show->vm == SHOW_ANY || has_number(row, "vm", show->vm));
}

/* What has a PASID and is no VM's has the host's: a fault of the physical unit. SHOW_ANY: none. */
static uint32_t host_pasid_of(struct json_object *row)
{
	bool says_both = json_member(row, "host_pasid") || json_number_of(row, "vm", 0);

	return (uint32_t)json_number_of(row, says_both ? "host_pasid" : "pasid", SHOW_ANY);
}

static void host_key(struct json_object *row, char key[12])
{
	snprintf(key, 12, "%" PRIu32, host_pasid_of(row));
}

/* There may be a million. */
static void learn_pasids(struct show *show)
{
	struct json_object *list = view_get_if_there(show->view, "pasid"), *row;
	char key[12];

	show->pasids = json_object_new_object();
	JSON_FOR_EACH (list, row) {
		host_key(row, key);
		json_object_object_add(show->pasids, key, json_object_get(row));
		show->is_guests_pasid = show->is_guests_pasid || is_guests_pasid(show, row);
	}
	json_object_put(list);
}

/* With a VM a device may be said as its guest names it. */
static uint32_t find_bus_device(const struct show *show)
{
	struct json_object *row;
	uint16_t rid;

	JSON_FOR_EACH (show->assigned, row)
		if (has_number(row, "vm", show->vm) && is_rid(row, "guest_device", show->device) &&
		    rid_of(row, "device", &rid))
			return rid;
	return show->device;
}

void show_select_begin(struct show *show)
{
	show->bus_device = show->device;
	show->is_guests_pasid = false;
	if (show->vm == SHOW_ANY && show->device == SHOW_ANY && show->pasid == SHOW_ANY)
		return;
	learn_pasids(show);
	show->assigned = view_get_if_there(show->view, "assigned");
	if (show->vm != SHOW_ANY && show->device != SHOW_ANY)
		show->bus_device = find_bus_device(show);
}

void show_select_end(struct show *show)
{
	json_object_put(show->pasids);
	json_object_put(show->assigned);
	show->pasids = show->assigned = NULL;
}

/* Rows */

/* NULL: it names no host PASID, or one that is not out. */
static struct json_object *pasid_of(const struct show *show, struct json_object *row)
{
	char key[12];

	host_key(row, key);
	return json_member(show->pasids, key);
}

/* A device whose parts several VMs have is each one's. */
static bool is_device_of(const struct show *show, struct json_object *row, uint32_t vm)
{
	struct json_object *owner;
	bool has_owner = false;

	JSON_FOR_EACH (show->assigned, owner) {
		if (!json_has_same_text(row, owner, "device"))
			continue;
		if (has_number(owner, "vm", vm))
			return true;
		has_owner = true;
	}
	return !vm && !has_owner;
}

static bool selects_vm(const struct show *show, struct json_object *row)
{
	struct json_object *pasid;

	if (show->vm == SHOW_ANY)
		return true;
	if (json_member(row, "vm"))
		return has_number(row, "vm", show->vm);
	pasid = pasid_of(show, row);
	if (pasid)
		return json_number_of(pasid, "vm", 0) == show->vm;
	return is_device_of(show, row, show->vm);
}

/* A fault of a virtual unit names the guest's device. */
static bool is_guest_device(const struct show *show, struct json_object *row)
{
	struct json_object *owner;

	JSON_FOR_EACH (show->assigned, owner)
		if (is_rid(owner, "device", show->bus_device) &&
		    json_has_same_text(owner, row, "guest_device") &&
		    json_number_of(owner, "vm", 0) == json_number_of(row, "vm", SHOW_ANY))
			return true;
	return false;
}

bool show_selects_device(const struct show *show, struct json_object *row)
{
	return show->device == SHOW_ANY || is_rid(row, "device", show->bus_device) ||
	       is_guest_device(show, row);
}

static bool selects_pasid(const struct show *show, struct json_object *row)
{
	bool is_guests = json_number_of(row, "vm", 0) && json_member(row, "pasid");

	if (show->pasid == SHOW_ANY)
		return true;
	if (!show->is_guests_pasid)
		return host_pasid_of(row) == show->pasid;
	return has_number(is_guests ? row : pasid_of(show, row), "pasid", show->pasid);
}

bool show_selects(const struct show *show, struct json_object *row)
{
	return selects_vm(show, row) && show_selects_device(show, row) && selects_pasid(show, row);
}

struct json_object *show_filter(struct show *show, const char *object)
{
	struct json_object *items = view_get(show->view, object), *rows, *item;

	if (!items)
		return NULL;
	rows = json_object_new_array();
	JSON_FOR_EACH (items, item)
		if (show_selects(show, item))
			json_object_array_add(rows, json_object_get(item));
	json_object_put(items);
	return rows;
}
