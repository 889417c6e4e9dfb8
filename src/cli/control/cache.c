// SPDX-License-Identifier: MIT
/* Caches as an object of the control socket. */
#include "cli/control/objects.h"
#include "cli/json_text.h"

static void add_rights(const struct vsva_cache_line *line, struct json_object *item)
{
	static const struct {
		uint32_t right;
		const char *name;
	} names[] = {
		{VSVA_CACHED_READ, "read"},
		{VSVA_CACHED_WRITE, "write"},
		{VSVA_CACHED_USER, "user"},
		{VSVA_CACHED_DIRTY, "dirty"},
		{VSVA_CACHED_ATS, "ats"},
		{VSVA_CACHED_NOT_PRESENT, "not-present"},
		{VSVA_CACHED_PRIVILEGED, "privileged"},
	};
	struct json_object *rights = json_object_new_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (line->rights & names[i].right)
			json_object_array_add(rights, json_object_new_string(names[i].name));
	json_object_object_add(item, "rights", rights);
}

static void add_entry(const struct vsva_cache_line *line, unsigned words, struct json_object *item)
{
	struct json_object *entry = json_object_new_array();

	if (line->fault)
		json_add_number(item, "fault", line->fault);
	for (unsigned i = 0; i < words; i++)
		json_object_array_add(entry, json_new_hex(line->entry[i]));
	json_object_object_add(item, "words", entry);
}

static void add_range(const struct vsva_cache_line *line, struct json_object *item)
{
	json_add_hex(item, "address", line->input);
	json_add_hex(item, "size", UINT64_C(1) << line->size_lg2);
	json_add_hex(item, "output", line->output);
	add_rights(line, item);
}

static void add_paging(const struct vsva_cache_line *line, struct json_object *item)
{
	json_add_number(item, "did", line->did);
	json_add_number(item, "level", line->level);
	json_add_hex(item, "table", line->table);
	add_range(line, item);
}

static bool has_device(enum vsva_cache cache)
{
	return cache != VSVA_CACHE_FIRST_STAGE && cache != VSVA_CACHE_SECOND_STAGE;
}

/* cache VSVA_CACHE_COUNT: a device TLB */
static void add_line(enum vsva_cache cache, const struct vsva_cache_line *line,
		     struct json_object *items)
{
	struct json_object *item = json_object_new_object();

	json_add_text(item, "cache",
		      cache == VSVA_CACHE_COUNT ? "device-tlb" : vsva_cache_name(cache));
	if (has_device(cache))
		json_add_rid(item, "device", line->rid.v);
	if (line->pasid != VSVA_PASID_INVALID && cache != VSVA_CACHE_CONTEXT)
		json_add_number(item, "host_pasid", line->pasid);
	if (cache == VSVA_CACHE_CONTEXT) {
		json_add_flag(item, "legacy", line->is_legacy);
		add_entry(line, 2, item);
	} else if (cache == VSVA_CACHE_PASID) {
		add_entry(line, 3, item);
	} else if (has_device(cache)) {
		add_range(line, item);
	} else {
		add_paging(line, item);
	}
	if (line->serial)
		json_add_number(item, "serial", line->serial);
	json_object_array_add(items, item);
}

static void add_lines(enum vsva_cache cache, const struct vsva_cache_line *lines, size_t count,
		      struct json_object *items)
{
	for (size_t i = 0; i < count; i++)
		add_line(cache, &lines[i], items);
}

/* Where to go on: the cache or, from VSVA_CACHE_COUNT on, the device; and the place in it. */
#define PLACE(number, place) ((uint64_t)(number) << 32 | (place))

static uint64_t go_on(uint32_t number, uint32_t place)
{
	return place == UINT32_MAX ? PLACE(number + 1, 0) : PLACE(number, place);
}

static uint64_t read_device_tlb(struct vsva_machine *machine, uint32_t device, uint32_t place,
				struct json_object *items)
{
	struct vsva_cache_line lines[CONTROL_ITEMS];
	struct vsva_device_info info;

	if (device > UINT16_MAX || !vsva_inspect_devices(machine, rid((uint16_t)device), &info, 1))
		return CONTROL_END;
	place = info.rid.v == device ? place : 0;
	add_lines(VSVA_CACHE_COUNT, lines,
		  vsva_inspect_device_tlb(machine, info.rid, &place, lines, CONTROL_ITEMS), items);
	return go_on(VSVA_CACHE_COUNT + info.rid.v, place);
}

uint64_t control_cache(struct vsva_machine *machine, uint64_t from, struct json_object *items)
{
	struct vsva_cache_line lines[CONTROL_ITEMS];
	uint32_t number = (uint32_t)(from >> 32), place = (uint32_t)from;
	enum vsva_cache cache = (enum vsva_cache)number;

	if (number >= VSVA_CACHE_COUNT)
		return read_device_tlb(machine, number - VSVA_CACHE_COUNT, place, items);
	add_lines(cache, lines, vsva_inspect_cache(machine, cache, &place, lines, CONTROL_ITEMS),
		  items);
	return go_on(number, place);
}
