/* SPDX-License-Identifier: MIT */
/* The test engine: guest:engine (any PASID or none) and process:engine (its own). */
#include "cli/scenario/scenario.h"

static const char *const keys[] = {"op",    "src",        "dst", "len",           "fill",
				   "pasid", "privileged", "ats", "page_requests", NULL};

static enum engine_operation operation_option(lua_State *L, int arg)
{
	static const char *const names[] = {"copy", "fill", "read", "add", NULL};
	int index;

	lua_getfield(L, arg, "op");
	index = luaL_checkoption(L, -1, NULL, names);
	lua_pop(L, 1);
	return (enum engine_operation)(index + 1);
}

static struct engine_command command_option(lua_State *L, int arg)
{
	struct engine_command command;

	luaL_checktype(L, arg, LUA_TTABLE);
	scenario_options(L, arg, keys);
	command = (struct engine_command){
		.operation = operation_option(L, arg),
		.source = scenario_number(L, arg, "src", 0),
		.destination = scenario_number(L, arg, "dst", 0),
		.len = (uint32_t)scenario_number(L, arg, "len", 8),
		.fill = scenario_number(L, arg, "fill", 0),
		.has_pasid = scenario_has(L, arg, "pasid"),
		.privileged = scenario_flag(L, arg, "privileged", false),
		.use_ats = scenario_flag(L, arg, "ats", false),
		.page_requests = scenario_flag(L, arg, "page_requests", false),
	};
	command.pasid = gpasid((uint32_t)scenario_number(L, arg, "pasid", 0));
	return command;
}

static int push_result(lua_State *L, const struct engine_result *result)
{
	static const char *const names[] = {"idle", "busy", "done", "fault", "bad command"};

	lua_newtable(L);
	scenario_set_text(L, "status",
			  result->status <= ENGINE_BAD_COMMAND ? names[result->status] : "?");
	scenario_set_flag(L, "ok", result->status == ENGINE_DONE);
	scenario_set_number(L, "bytes", result->bytes);
	scenario_set_number(L, "result", result->result);
	scenario_set_number(L, "fault_address", result->fault_address);
	return 1;
}

static int run(lua_State *L, const struct world_guest *guest, struct world_device *device,
	       const struct engine_command *command)
{
	struct vsva_guest_device *handle = scenario_guest_device(L, guest, device);
	struct vsva_assigned *assigned = vsva_guest_device_assigned(handle);
	struct engine_result result;

	scenario_check(L, engine_start(assigned, command), "test engine %s", device->name);
	scenario_check(L, engine_wait(assigned, &result), "test engine %s", device->name);
	return push_result(L, &result);
}

/* guest:engine(device, {…}) */
int scenario_guest_engine(lua_State *L)
{
	struct world_guest *guest = scenario_guest(L, 1);
	struct world_device *device = scenario_device(L, 2);
	struct engine_command command = command_option(L, 3);

	return run(L, guest, device, &command);
}

/* process:engine(device, {…}) */
int scenario_process_engine(lua_State *L)
{
	struct world_process *process = scenario_guest_process(L, 1);
	struct world_device *device = scenario_device(L, 2);
	struct engine_command command = command_option(L, 3);
	gpasid_t pasid = vsva_process_pasid(process->process);

	if (pasid.v == VSVA_PASID_INVALID)
		return luaL_error(L, "process %s has no PASID: process:bind(device) first",
				  process->name);
	command.has_pasid = true;
	command.pasid = pasid;
	return run(L, process->guest, device, &command);
}
