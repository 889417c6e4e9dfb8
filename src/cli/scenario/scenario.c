/* SPDX-License-Identifier: MIT */
#include "cli/scenario/scenario.h"

#include <errno.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "cli/status.h"

#define FAILURE "vsva.failure"

struct world *scenario_world(lua_State *L)
{
	struct world *world;

	memcpy(&world, lua_getextraspace(L), sizeof(struct world *));
	return world;
}

/* Failures */

int scenario_fail(lua_State *L, int err, const char *format, ...)
{
	char what[256];
	va_list args;

	err = abs(err);
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	lua_newtable(L);
	luaL_where(L, 1);
	lua_pushfstring(L, "%s: %s (%s)", what, strerror(err), errno_name(err));
	lua_concat(L, 2);
	lua_setfield(L, -2, "message");
	lua_pushstring(L, errno_name(err));
	lua_setfield(L, -2, "errno");
	luaL_setmetatable(L, FAILURE);
	lua_error(L);
	__builtin_unreachable();
}

static int failure_tostring(lua_State *L)
{
	lua_getfield(L, 1, "message");
	return 1;
}

static bool is_failure(lua_State *L, int index)
{
	bool is_one;

	if (!lua_getmetatable(L, index))
		return false;
	luaL_getmetatable(L, FAILURE);
	is_one = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return is_one;
}

/* Handles */

void scenario_methods(lua_State *L, const char *kind, const luaL_Reg *methods,
		      lua_CFunction tostring)
{
	if (luaL_newmetatable(L, kind)) {
		lua_pushvalue(L, -1);
		lua_setfield(L, -2, "__index");
		lua_pushstring(L, kind);
		lua_setfield(L, -2, "__metatable"); /* not for scripts to change */
		lua_pushcfunction(L, tostring);
		lua_setfield(L, -2, "__tostring");
	}
	luaL_setfuncs(L, methods, 0);
	lua_pop(L, 1);
}

void scenario_push(lua_State *L, const char *kind, void *record)
{
	void **handle = lua_newuserdatauv(L, sizeof(*handle), 0);

	*handle = record;
	luaL_setmetatable(L, kind);
}

void *scenario_record(lua_State *L, int arg, const char *kind)
{
	void **handle = luaL_checkudata(L, arg, kind);

	return *handle;
}

struct world *scenario_machine(lua_State *L, int arg)
{
	struct world *world = scenario_record(L, arg, SCENARIO_MACHINE);

	world_tell_hops(world);
	return world;
}

struct world_device *scenario_device(lua_State *L, int arg)
{
	struct world_device *device = scenario_record(L, arg, SCENARIO_DEVICE);

	world_tell_hops(device->world);
	if (!world_device_is_there(device))
		luaL_error(L, "device %s was removed", device->name);
	return device;
}

struct world_device *scenario_physical_device(lua_State *L, int arg)
{
	struct world_device *device = scenario_device(L, arg);

	if (device->parent)
		luaL_error(L, "%s is a mediated device: it has no function of its own",
			   device->name);
	return device;
}

struct world_guest *scenario_guest(lua_State *L, int arg)
{
	struct world_guest *guest = scenario_record(L, arg, SCENARIO_GUEST);

	world_tell_hops(guest->world);
	if (!guest->guest)
		luaL_error(L, "guest %s is dead: it was killed", guest->name);
	return guest;
}

struct world_process *scenario_process(lua_State *L, int arg)
{
	struct world_process *process = scenario_record(L, arg, SCENARIO_PROCESS);

	world_tell_hops(process->world);
	if (world_process_is_alive(process))
		return process;
	if (process->guest)
		luaL_error(L,
			   "process %s of guest %s is dead: it exited, or its guest died or booted "
			   "again",
			   process->name, process->guest->name);
	luaL_error(L, "process %s of the host is dead: it exited", process->name);
	return NULL;
}

struct world_process *scenario_guest_process(lua_State *L, int arg)
{
	struct world_process *process = scenario_process(L, arg);

	if (!process->guest)
		luaL_error(L, "process %s is the host's: only a guest's can do this",
			   process->name);
	return process;
}

void scenario_check_device(lua_State *L, const struct world_process *process,
			   struct world_device *device)
{
	if (process->guest)
		scenario_guest_device(L, process->guest, device);
}

struct vsva_guest_device *scenario_guest_device(lua_State *L, const struct world_guest *guest,
						struct world_device *device)
{
	struct vsva_guest_device *found = world_find_device(guest, device);

	if (!found)
		luaL_error(L, "guest %s does not have device %s: guest:add(device) first",
			   guest->name, device->name);
	return found;
}

/* Options */

static bool is_one_of(const char *key, const char *const *keys)
{
	while (*keys && strcmp(*keys, key) != 0)
		keys++;
	return *keys != NULL;
}

static int list_keys(lua_State *L, const char *const *keys)
{
	luaL_Buffer buffer;

	luaL_buffinit(L, &buffer);
	for (; *keys; keys++) {
		luaL_addstring(&buffer, *keys);
		if (keys[1])
			luaL_addstring(&buffer, ", ");
	}
	luaL_pushresult(&buffer);
	return 1;
}

void scenario_options(lua_State *L, int arg, const char *const *keys)
{
	if (lua_isnoneornil(L, arg)) {
		lua_settop(L, arg - 1);
		lua_newtable(L);
		return;
	}
	luaL_checktype(L, arg, LUA_TTABLE);
	for (lua_pushnil(L); lua_next(L, arg); lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TSTRING || is_one_of(lua_tostring(L, -2), keys))
			continue;
		list_keys(L, keys);
		luaL_error(L, "no option '%s' here; there are: %s", lua_tostring(L, -3),
			   lua_tostring(L, -1));
	}
}

bool scenario_has(lua_State *L, int arg, const char *key)
{
	bool has = lua_getfield(L, arg, key) != LUA_TNIL;

	lua_pop(L, 1);
	return has;
}

uint64_t scenario_needed(lua_State *L, int arg, const char *key)
{
	lua_Integer value;
	int is_number;

	if (lua_getfield(L, arg, key) == LUA_TNIL)
		luaL_error(L, "'%s' is missing", key);
	value = lua_tointegerx(L, -1, &is_number);
	if (!is_number)
		luaL_error(L, "'%s' must be a whole number, not a %s", key, luaL_typename(L, -1));
	lua_pop(L, 1);
	return (uint64_t)value;
}

uint64_t scenario_number(lua_State *L, int arg, const char *key, uint64_t otherwise)
{
	return scenario_has(L, arg, key) ? scenario_needed(L, arg, key) : otherwise;
}

bool scenario_flag(lua_State *L, int arg, const char *key, bool otherwise)
{
	int type = lua_getfield(L, arg, key);
	bool value = type == LUA_TNIL ? otherwise : lua_toboolean(L, -1);

	if (type != LUA_TNIL && type != LUA_TBOOLEAN)
		luaL_error(L, "'%s' must be true or false, not a %s", key, luaL_typename(L, -1));
	lua_pop(L, 1);
	return value;
}

const char *scenario_text(lua_State *L, int arg, const char *key)
{
	int type = lua_getfield(L, arg, key);
	const char *value = type == LUA_TSTRING ? lua_tostring(L, -1) : NULL;

	if (type != LUA_TNIL && type != LUA_TSTRING)
		luaL_error(L, "'%s' must be a string, not a %s", key, luaL_typename(L, -1));
	lua_pop(L, 1);
	return value;
}

uint64_t scenario_address(lua_State *L, int arg)
{
	return (uint64_t)luaL_checkinteger(L, arg);
}

uint64_t scenario_length(lua_State *L, int arg, uint64_t max)
{
	lua_Integer len = luaL_checkinteger(L, arg);

	if (len < 0 || (uint64_t)len > max)
		luaL_argerror(L, arg, "length out of range");
	return (uint64_t)len;
}

void scenario_set_number(lua_State *L, const char *key, uint64_t value)
{
	lua_pushinteger(L, (lua_Integer)value);
	lua_setfield(L, -2, key);
}

void scenario_set_text(lua_State *L, const char *key, const char *value)
{
	lua_pushstring(L, value);
	lua_setfield(L, -2, key);
}

void scenario_set_flag(lua_State *L, const char *key, bool value)
{
	lua_pushboolean(L, value);
	lua_setfield(L, -2, key);
}

/* Running */

/* base, string, table, math, utf8: nothing that reaches outside of the script. */
static void open_libraries(lua_State *L)
{
	static const luaL_Reg libraries[] = {
		{LUA_GNAME, luaopen_base},       {LUA_STRLIBNAME, luaopen_string},
		{LUA_TABLIBNAME, luaopen_table}, {LUA_MATHLIBNAME, luaopen_math},
		{LUA_UTF8LIBNAME, luaopen_utf8},
	};
	static const char *const forbidden[] = {"dofile", "loadfile", "load", "require"};

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
		lua_pop(L, 1);
	}
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		lua_pushnil(L);
		lua_setglobal(L, forbidden[i]);
	}
}

static void open_binding(lua_State *L)
{
	luaL_newmetatable(L, FAILURE);
	lua_pushcfunction(L, failure_tostring);
	lua_setfield(L, -2, "__tostring");
	lua_pop(L, 1);
	scenario_open_expect(L);
	scenario_open_machine(L);
	scenario_open_guest(L);
	scenario_open_process(L);
	scenario_open_job(L);
	scenario_open_lifecycle(L);
}

static int load(lua_State *L, const struct scenario_source *source)
{
	int err;

	if (!source->text)
		return luaL_loadfilex(L, source->path, "t");
	lua_pushfstring(L, "@%s", source->path);
	err = luaL_loadbufferx(L, source->text, source->len, lua_tostring(L, -1), "t");
	lua_remove(L, -2);
	return err;
}

struct call {
	const struct scenario_source *source;
	int load_error;
};

/* Everything in one protected call: opening the libraries may run out of memory, too. */
static int run_protected(lua_State *L)
{
	struct call *call = lua_touserdata(L, 1);

	open_libraries(L);
	open_binding(L);
	call->load_error = load(L, call->source);
	if (call->load_error)
		return lua_error(L);
	lua_call(L, 0, 0);
	return 0;
}

static int status_of(lua_State *L, const struct call *call)
{
	if (call->load_error == LUA_ERRFILE)
		return CLI_SETUP;
	return is_failure(L, -1) ? CLI_FAILED : CLI_USAGE;
}

static int run(lua_State *L, struct world *world, const struct scenario_source *source)
{
	struct call call = {.source = source};
	int status;

	lua_pushcfunction(L, run_protected);
	lua_pushlightuserdata(L, &call);
	if (lua_pcall(L, 1, 0, 0) == LUA_OK)
		return CLI_OK;
	world_tell_hops(world);
	status = status_of(L, &call);
	world->teller->ops->error(world->teller, luaL_tolstring(L, -1, NULL));
	return status;
}

int scenario_run(struct world *world, const struct scenario_source *source)
{
	lua_State *L = luaL_newstate();
	int status;

	if (!L) {
		complain(VSVA_CODE_NO_MEMORY, "no memory for a Lua state");
		return CLI_SETUP;
	}
	memcpy(lua_getextraspace(L), &world, sizeof(struct world *));
	status = run(L, world, source);
	lua_close(L);
	return status;
}
