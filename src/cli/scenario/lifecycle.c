/* SPDX-License-Identifier: MIT */
/* Lives that cross: exact points in time, states of PASIDs, the unit's reset, mediated devices, the
 * host's own processes, and guests that do not do what they should. */
#include <errno.h>
#include <string.h>

#include "cli/scenario/scenario.h"

/* The machine */

/* machine:pasid_state(host PASID) → state, references */
static int machine_pasid_state(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);
	struct vsva_iommu *iommu = vsva_machine_iommu(world->machine);
	lua_Integer id = luaL_checkinteger(L, 2);
	uint32_t references;
	enum vsva_ioasid_state state;

	luaL_argcheck(L, id >= 0 && id <= VSVA_PASID_MAX, 2, "no PASID");
	state = vsva_ioasid_state_of(vsva_iommu_ioasid_space(iommu), hpasid((uint32_t)id),
				     &references);
	lua_pushstring(L, vsva_ioasid_state_name(state));
	lua_pushinteger(L, references);
	return 2;
}

/* machine:memory() → how many records the library has, pages of tables, bytes of records */
static int machine_memory(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);
	struct vsva_memory_stats stats;

	vsva_machine_memory(world->machine, &stats);
	lua_pushinteger(L, (lua_Integer)stats.records);
	lua_pushinteger(L, (lua_Integer)stats.table_pages);
	lua_pushinteger(L, (lua_Integer)stats.record_bytes);
	return 3;
}

static int machine_reset_unit(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);

	scenario_check(L, world_reset_unit(world), "reset of the unit");
	world_tell_hops(world);
	return 0;
}

/* Points in time */

static enum vsva_event_kind kind_argument(lua_State *L, int arg)
{
	const char *name = luaL_checkstring(L, arg);
	int kind = 0;

	while (kind < VSVA_EV_KIND_COUNT &&
	       strcmp(vsva_event_name((enum vsva_event_kind)kind), name) != 0)
		kind++;
	if (kind == VSVA_EV_KIND_COUNT)
		luaL_error(L, "no event '%s'; `vsva run --list-events` lists them", name);
	return (enum vsva_event_kind)kind;
}

/* machine:count(event) → how many there have been */
static int machine_count(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);

	lua_pushinteger(L, (lua_Integer)recorder_count(world->recorder, kind_argument(L, 2)));
	return 1;
}

static bool step(lua_State *L, const struct world *world)
{
	if (world->has_threads)
		luaL_error(L, "a machine with threads does not run piece by piece");
	return vsva_machine_step(world->machine);
}

static bool call_condition(lua_State *L)
{
	bool is_met;

	lua_pushvalue(L, 2);
	lua_call(L, 0, 1);
	is_met = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return is_met;
}

/* machine:run_until(function) or (event): one piece after the other, until the function returns true,
 * or one more such event has happened. False: nothing is left to run. */
static int machine_run_until(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);
	bool is_met = false, goes_on = true;

	if (lua_isfunction(L, 2)) {
		while (!(is_met = call_condition(L)) && goes_on)
			goes_on = step(L, world);
	} else {
		enum vsva_event_kind kind = kind_argument(L, 2);
		uint64_t before = recorder_count(world->recorder, kind);

		while (!(is_met = recorder_count(world->recorder, kind) > before) && goes_on)
			goes_on = step(L, world);
	}
	world_tell_hops(world);
	lua_pushboolean(L, is_met);
	return 1;
}

/* machine:native([name]) → a process of the host */
static int machine_native(lua_State *L)
{
	struct world *world = scenario_machine(L, 1);
	struct world_process *process;

	scenario_check(L, world_make_native(world, luaL_optstring(L, 2, NULL), &process),
		       "process of the host");
	scenario_push(L, SCENARIO_PROCESS, process);
	return 1;
}

/* Devices */

/* device:mdev{[type], [name]} → a mediated device */
static int device_mdev(lua_State *L)
{
	static const char *const keys[] = {"type", "name", NULL};
	struct world_device *parent = scenario_physical_device(L, 1), *device;
	enum vsva_mdev_type type = VSVA_MDEV_DEDICATED;
	const char *name;

	lua_settop(L, 2);
	scenario_options(L, 2, keys);
	name = scenario_text(L, 2, "type");
	if (name && vsva_mdev_type_parse(name, &type))
		luaL_error(L, "no type '%s' of mediated devices; there are: 1dwq, 1swq", name);
	scenario_check(L, world_make_mdev(parent, type, scenario_text(L, 2, "name"), &device),
		       "mediated device of %s", parent->name);
	scenario_push(L, SCENARIO_DEVICE, device);
	return 1;
}

/* PCIe 10.5.2: the allocation may not change while page requests are enabled. */
enum { CONFIG_PRI_CONTROL = 0x124, CONFIG_PRI_ALLOCATION = 0x12c };
#define PRI_ENABLE 0x1u

/* device:page_request_limit(n): so many groups may be without an answer; more wait in the device.
 * Until its owner changes. */
static int device_page_request_limit(lua_State *L)
{
	struct world_device *device = scenario_device(L, 1);
	struct vsva_device *function = world_device_function(device);
	lua_Integer limit = luaL_checkinteger(L, 2);
	uint32_t control = 0;

	luaL_argcheck(L, limit >= 1 && limit <= 512, 2, "1 to 512");
	vsva_device_config_read(function, CONFIG_PRI_CONTROL, 2, &control);
	if (!(control & PRI_ENABLE))
		return luaL_error(L, "device %s makes no page requests: nothing is bound to it",
				  device->name);
	vsva_device_config_write(function, CONFIG_PRI_CONTROL, 2, 0);
	vsva_device_config_write(function, CONFIG_PRI_ALLOCATION, 4, (uint32_t)limit);
	vsva_device_config_write(function, CONFIG_PRI_CONTROL, 2, PRI_ENABLE);
	return 0;
}

/* Guests */

/* guest:reinit(): another kernel takes it over */
static int guest_reinit(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);

	scenario_check(L, world_reinit_guest(guest), "new kernel of guest %s", guest->name);
	return 0;
}

/* guest:vanish(): its VMM is killed. → what the VM still had then */
static int guest_vanish(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);
	uint64_t left = 0;

	scenario_check(L, world_vanish_guest(guest, world_random(guest->world, 1024), &left),
		       "end of guest %s's VMM", guest->name);
	lua_pushinteger(L, (lua_Integer)left);
	return 1;
}

/* Processes */

/* process:free_pasid(): before it is unbound */
static int process_free_pasid(lua_State *L)
{
	struct world_process *process = scenario_guest_process(L, 1);

	scenario_check(L, vsva_process_free_pasid(process->process), "free of %s's PASID",
		       process->name);
	return 0;
}

static struct vsva_guest_device *device_of_process(lua_State *L)
{
	struct world_process *process = scenario_guest_process(L, 1);

	return scenario_guest_device(L, process->guest, scenario_device(L, 2));
}

/* process:bind_begin(device): nobody waits for it */
static int process_bind_begin(lua_State *L)
{
	struct world_process *process = scenario_guest_process(L, 1);

	scenario_check(L, vsva_process_bind_begin(process->process, device_of_process(L)),
		       "bind of %s", process->name);
	world_name_pasid(process);
	return 0;
}

/* process:flush_begin(address, length): likewise */
static int process_flush_begin(lua_State *L)
{
	struct world_process *process = scenario_guest_process(L, 1);

	scenario_check(L,
		       vsva_process_flush_begin(process->process, gva(scenario_address(L, 2)),
						scenario_length(L, 3, UINT64_C(1) << 40)),
		       "flush for %s", process->name);
	return 0;
}

/* process:spin(device, rounds): its guest sits in its queue */
static int process_spin(lua_State *L)
{
	struct world_process *process = scenario_guest_process(L, 1);

	scenario_check(L,
		       vsva_guest_spin(process->process, device_of_process(L),
				       (unsigned)luaL_checkinteger(L, 3)),
		       "flushes of %s", process->name);
	return 0;
}

static void add_methods(lua_State *L, const char *kind, const luaL_Reg *methods)
{
	luaL_getmetatable(L, kind);
	luaL_setfuncs(L, methods, 0);
	lua_pop(L, 1);
}

void scenario_open_lifecycle(lua_State *L)
{
	static const luaL_Reg machine[] = {
		{"pasid_state", machine_pasid_state},
		{"memory", machine_memory},
		{"reset_unit", machine_reset_unit},
		{"count", machine_count},
		{"run_until", machine_run_until},
		{"native", machine_native},
		{NULL, NULL},
	};
	static const luaL_Reg device[] = {
		{"mdev", device_mdev},
		{"page_request_limit", device_page_request_limit},
		{NULL, NULL},
	};
	static const luaL_Reg guest[] = {
		{"reinit", guest_reinit}, {"vanish", guest_vanish}, {NULL, NULL}};
	static const luaL_Reg process[] = {
		{"free_pasid", process_free_pasid},
		{"bind_begin", process_bind_begin},
		{"flush_begin", process_flush_begin},
		{"spin", process_spin},
		{NULL, NULL},
	};

	add_methods(L, SCENARIO_MACHINE, machine);
	add_methods(L, SCENARIO_DEVICE, device);
	add_methods(L, SCENARIO_GUEST, guest);
	add_methods(L, SCENARIO_PROCESS, process);
}
